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
        self._codes, self._count = scenario.codes, scenario.codes.size("material")
        self._size = self._codes.size("site") * self._count
        links = scenario.network.link_items
        start, end = (self.numbers(links.renamed(site=side)) for side in ("from", "to"))
        pairs = np.unique(start * self._size + end)
        self._start, self._end = pairs // max(self._size, 1), pairs % max(self._size, 1)

    def numbers(self, places: Items) -> NDArray[np.int64]:
        """The number of each place, by codes of names."""
        return np.asarray(places["site"] * self._count + places["material"], dtype=np.int64)

    def codes(self, places: pd.DataFrame) -> NDArray[np.int64]:
        """The number of each place (columns site, material)."""
        return self.numbers(
            Items({name: self._codes.of(name, places[name].tolist()) for name in PLACE})
        )

    def _marked(self, places: pd.DataFrame | NDArray[np.bool_]) -> NDArray[np.bool_]:
        return (
            places.flatten() if isinstance(places, np.ndarray) else self._flags(self.codes(places))
        )

    def _flags(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        flags = np.zeros(self._size, dtype=bool)
        flags[numbers] = True
        return flags

    def forward(self, sources: pd.DataFrame) -> NDArray[np.bool_]:
        """By number of the place: whether something from one of the sources can get there."""
        return spread(self._marked(sources), self._start, self._end)

    def backward(self, sinks: pd.DataFrame | NDArray[np.bool_]) -> NDArray[np.bool_]:
        """By number of the place: whether something there can get to one of the sinks (a
        table, or sites × materials)."""
        return spread(self._marked(sinks), self._end, self._start)

    def has_way_out(self) -> NDArray[np.bool_]:
        """By number of the place: whether a link leaves it."""
        return self._flags(self._start)

    def has_way_in(self) -> NDArray[np.bool_]:
        """By number of the place: whether a link leads to it."""
        return self._flags(self._end)


def places(*frames: pd.DataFrame) -> pd.DataFrame:
    """The places (site, material) of some tables, each once."""
    parts = [frame[PLACE] for frame in frames]
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
