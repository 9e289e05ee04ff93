"""An affine model at other discount rates: costs and totals from M (see `money_by_rate`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circflow.data.coded import Floats, Ints
from circflow.studies.bench.arrays import Difference, Snapshot
from circflow.studies.bench.money_by_rate import MOVED, Rating


class _Entries(NamedTuple):
    """Entries of M in the parts of an affine model, and the place that each is added up at."""

    part: Ints
    kind: Ints
    place: Ints
    value: Floats

    def added(self, parts: Floats, weights: Floats, size: int) -> Floats:
        """Sums by place; `parts` and `weights` are what the parts and the kinds count."""
        counted = self.value * np.append(1.0, parts)[self.part] * weights[self.kind]
        return np.bincount(self.place, counted, size).astype(float)


class Rated:
    """What the rate decides of an affine model's arrays: costs, and the totals in `MOVED`.

    `parts` are those of the model; what one counts at a point is its weight there.
    """

    def __init__(self, rating: Rating, base: Snapshot, parts: Sequence[Difference]) -> None:
        self.rating = rating
        structure = base.structure
        self._wide = structure.shape[1] + 1
        weights = 2 * len(rating.kinds)
        moneys = [base.money, *(p.money for p in parts)]
        entries = [m.tocoo() for m in moneys if m is not None]
        assert len(entries) == len(moneys)
        part = np.repeat(np.arange(len(entries)), [e.nnz for e in entries])
        block, kind = np.divmod(np.concatenate([e.row for e in entries]), weights)
        column = np.concatenate([e.col for e in entries])
        value = np.concatenate([e.data for e in entries])

        def entries_of(chosen: NDArray[np.bool_], place: Ints) -> _Entries:
            return _Entries(part[chosen], kind[chosen], place[chosen], value[chosen])

        cost, fixed = block == 0, column == self._wide - 1
        self._cost = entries_of(cost, column)
        self._total = entries_of(~cost, (block - 1) * self._wide + column)
        self._constant = entries_of(~cost & fixed, block - 1)
        self.labels = np.array([structure.labels.index(label) for label in MOVED])
        self._columns = np.unique(column[cost & ~fixed])
        self.places = np.concatenate(
            [
                structure.section("cost").start + self._columns,
                [structure.section("offset").start],
                structure.section("constant").start + self.labels,
            ]
        ).astype(np.intp)
        """The figures of the arrays that the rate decides."""

    def figures(self, parts: Floats, weights: Floats) -> Floats:
        """Those figures; `parts` are the weights of the parts, `weights` those of the kinds."""
        cost = self._cost.added(parts, weights, self._wide)
        constants = self._constant.added(parts, weights, len(MOVED))
        return np.concatenate([cost[self._columns], cost[-1:], constants])

    def forms(self, parts: Floats, weights: Floats) -> Floats:
        """The totals as forms: a row for each, over the columns and the constant."""
        flat = self._total.added(parts, weights, len(MOVED) * self._wide)
        return flat.reshape(len(MOVED), self._wide)
