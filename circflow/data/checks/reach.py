"""What can get where: places of a material (site, material) joined by the links there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.data.coded import Items
from circflow.data.network import spread
from circflow.data.scenario import Scenario

PLACE = ["site", "material"]


class Reach:
    """The places of a scenario and the links between them, whatever the mode or the period."""

    def __init__(self, scenario: Scenario) -> None:
        self._sites = pd.Index(scenario.frame("Sites")["site"], dtype=object)
        self._materials = pd.Index(scenario.frame("Materials")["material"], dtype=object)
        links = scenario.network.link_items
        count = len(self._materials)
        start, end = (links[side] * count + links["material"] for side in ("from", "to"))
        size = len(self._sites) * len(self._materials)
        pairs = np.unique(start * size + end)
        self._start, self._end = pairs // max(size, 1), pairs % max(size, 1)
        self._size = size

    def _codes(self, sites: pd.Series, materials: pd.Series) -> NDArray[np.int64]:
        site = self._sites.get_indexer(pd.Index(sites, dtype=object)).astype(np.int64)
        material = self._materials.get_indexer(pd.Index(materials, dtype=object))
        return np.asarray(site * len(self._materials) + material)

    def codes(self, places: pd.DataFrame) -> NDArray[np.int64]:
        """The number of each place (columns site, material)."""
        return self._codes(places["site"], places["material"])

    def numbers(self, places: Items) -> NDArray[np.int64]:
        """The number of each place, by codes of names."""
        return np.asarray(places["site"] * len(self._materials) + places["material"])

    def _marked(self, places: pd.DataFrame | NDArray[np.bool_]) -> NDArray[np.bool_]:
        if isinstance(places, np.ndarray):
            return places.flatten()
        marked = np.zeros(self._size, dtype=bool)
        marked[self.codes(places)] = True
        return marked

    def forward(self, sources: pd.DataFrame) -> NDArray[np.bool_]:
        """By number of the place: whether something from one of the sources can get there."""
        return spread(self._marked(sources), self._start, self._end)

    def backward(self, sinks: pd.DataFrame | NDArray[np.bool_]) -> NDArray[np.bool_]:
        """By number of the place: whether something there can get to one of the sinks (a
        table, or sites × materials)."""
        return spread(self._marked(sinks), self._end, self._start)

    def has_way_out(self) -> NDArray[np.bool_]:
        """By number of the place: whether a link leaves it."""
        out = np.zeros(self._size, dtype=bool)
        out[self._start] = True
        return out

    def has_way_in(self) -> NDArray[np.bool_]:
        """By number of the place: whether a link leads to it."""
        inward = np.zeros(self._size, dtype=bool)
        inward[self._end] = True
        return inward


def places(*frames: pd.DataFrame) -> pd.DataFrame:
    """The places (site, material) of some tables, each once."""
    parts = [frame[PLACE] for frame in frames]
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
