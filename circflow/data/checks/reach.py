"""What can get where: places of a material (site, material) joined by the links there are."""

from __future__ import annotations

import numpy as np

from circflow.data.coded import Flags, Items, Keys
from circflow.data.network import spread
from circflow.data.scenario import Scenario

PLACE = ("site", "material")


class Reach:
    """The places of a scenario and the links between them, whatever the mode or the period."""

    def __init__(self, scenario: Scenario) -> None:
        self._count = scenario.codes.size("material")
        self._size = scenario.codes.size("site") * self._count
        links = scenario.network.link_items
        start, end = (self.numbers(links.renamed(site=side)) for side in ("from", "to"))
        pairs = np.unique(start * self._size + end)
        self._start, self._end = pairs // max(self._size, 1), pairs % max(self._size, 1)

    def numbers(self, places: Items) -> Keys:
        """The number of each place, by codes of names."""
        return np.asarray(places["site"] * self._count + places["material"], dtype=np.int64)

    def marked(self, *places: Items) -> Flags:
        """By number of the place: whether it is one of some places."""
        return self._flags(np.concatenate([self.numbers(some) for some in places]))

    def _flags(self, numbers: Keys) -> Flags:
        flags = np.zeros(self._size, dtype=bool)
        flags[numbers] = True
        return flags

    def forward(self, sources: Flags) -> Flags:
        """By number of the place: whether something from one of the sources can get there."""
        return spread(sources.flatten(), self._start, self._end)

    def backward(self, sinks: Flags) -> Flags:
        """By number of the place (or sites × materials): whether something there can get to one
        of the sinks."""
        return spread(sinks.flatten(), self._end, self._start)

    def has_way_out(self) -> Flags:
        """By number of the place: whether a link leaves it."""
        return self._flags(self._start)

    def has_way_in(self) -> Flags:
        """By number of the place: whether a link leads to it."""
        return self._flags(self._end)
