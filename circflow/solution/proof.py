"""That no plan is better: the dual bound of an LP, with arithmetic of its own.

For min c·x, L ≤ A·x ≤ U, l ≤ x ≤ u and any y (weak duality), with d = c − Aᵀ·y,

    c·x  ≥  Σ_{y>0} y·L + Σ_{y<0} y·U + Σ_{d>0} d·l + Σ_{d<0} d·u

whatever y is: a wrong dual gives a weak bound, never a wrong one. Nothing of the solver is
believed but y, which is an argument, not a result. Where u is infinite the most that the column
can be in a best plan takes its place (see `circflow.solver.bounds`). Sums are taken in extended
precision. The same with c = 0 proves that there is no plan at all (Farkas): 0 ≥ a positive number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from circflow.data.coded import Floats

Long = NDArray[np.longdouble]

ROUNDING = 1e-11
"""A reduced cost below this share of the terms it is made of is rounding, where the column has no
bound to multiply it by."""
NEARLY_EXACT = 1e-14
"""A reduced cost below this share is rounding in any case: it is 0."""
AGREES = 1e-9
"""Two figures of money agree when they differ by less than this share of what they are made of."""
FLOOR = 1e-3
"""A gap is relative to the objective, or to this share of all that is earned and spent, if that
is more (an objective of nearly 0 is the difference of large sums)."""


@dataclass(frozen=True)
class Linear:
    """An LP: min cost·x + offset, row_lower ≤ matrix·x ≤ row_upper, lower ≤ x ≤ upper."""

    cost: Floats
    offset: float
    matrix: csc_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class Proof:
    """The LP of a plan in the planner's units (million currency), with duals: what proves it best.

    A `row_dual` is what the minimum gains per unit of its row's limit; `most` is the most that
    each column can be in a best plan. `search_bound` is the bound of the search over yes/no
    decisions, −inf where it proved none, NaN where there are no decisions; `asked` the gap that
    was asked for.
    """

    lp: Linear = field(repr=False)
    most: Floats = field(repr=False)
    row_dual: Floats = field(repr=False)
    search_bound: float = np.nan
    asked: float = 0.0

    def confirmed_gap(self, objective: float, gross: float) -> float:
        """Relative distance of a plan's worth (maximised) from what is proven, at least 0.

        Args:
            objective: worth of the plan, million currency.
            gross: sum of what is earned and spent, which says how much rounding may amount to.

        With decisions both must hold: the duals prove that the LP of the decisions has no better
        plan, the search that no other decisions do. Infinite where nothing is proven.
        """
        size = max(abs(objective), FLOOR * gross, 1e-300)
        lp = (-objective - dual_bound(self.lp, self.most, self.row_dual)) / size
        searched = 0.0 if np.isnan(self.search_bound) else (-objective - self.search_bound) / size
        gap = max(lp, searched, 0.0)
        return float(gap) if np.isfinite(gap) else float("inf")


class Extended:
    """The entries of a matrix in extended precision, for as many products as are asked for."""

    def __init__(self, matrix: csc_array) -> None:
        self.value = matrix.astype(np.longdouble)
        self.size = abs(self.value)
        self._value_by_column, self._size_by_column = self.value.T, self.size.T

    def reduced_costs(self, cost: Floats, dual: Floats | Long) -> tuple[Long, Long]:
        """d = c − Aᵀ·y, and Σ of the absolute terms that make it up."""
        y = dual.astype(np.longdouble)
        return cost - self._value_by_column @ y, np.abs(cost) + self._size_by_column @ np.abs(y)

    def activities(self, x: Floats | Long) -> tuple[Long, Long]:
        """A·x, and Σ |a|·|x| of each row."""
        factor = x.astype(np.longdouble)
        return self.value @ factor, self.size @ np.abs(factor)


def dual_bound(lp: Linear, most: Floats, dual: Floats, entries: Extended | None = None) -> float:
    """The bound of the objective that the duals prove, no column being above `most` (see the
    module); −inf where they prove none. `entries` are the LP's, where they are at hand."""
    return lp.offset + _parts(lp, lp.cost, most, dual, entries)[0]


def proves_infeasible(lp: Linear, most: Floats, ray: Floats) -> bool:
    """Whether a Farkas ray (or its opposite) proves that no x, nowhere above `most`, meets the
    limits."""
    if not np.isfinite(ray).all() or not ray.any():
        return False
    for y in (ray, -ray):
        value, size = _parts(lp, np.zeros(len(lp.lower)), most, y / np.abs(y).max())
        if np.isfinite(value) and value > AGREES * size:
            return True
    return False


def _parts(
    lp: Linear, cost: Floats, most: Floats, dual: Floats, entries: Extended | None = None
) -> tuple[float, float]:
    """The dual bound at some costs, and the sum of its absolute terms."""
    y = np.where((dual > 0.0) & np.isinf(lp.row_lower), 0.0, dual)
    y = np.where((y < 0.0) & np.isinf(lp.row_upper), 0.0, y)
    side = np.where(y > 0.0, lp.row_lower, np.where(y < 0.0, lp.row_upper, 0.0))
    reduced, terms = (entries or Extended(lp.matrix)).reduced_costs(cost, y)
    bound = np.where(reduced > 0.0, lp.lower, np.minimum(lp.upper, most))
    # Times the little or much that the column really is, rounding is rounding of money; times the
    # most that it could be it would be more.
    reduced[np.abs(reduced) <= NEARLY_EXACT * terms] = 0.0
    rounding = np.abs(reduced) <= ROUNDING * terms
    free = np.isinf(bound)
    if (free & ~rounding).any():
        return -np.inf, np.inf
    reduced[free] = 0.0
    at_bounds = reduced * np.where(free, 0.0, bound)
    at_sides = y.astype(np.longdouble) * side.astype(np.longdouble)
    value = at_sides.sum() + at_bounds.sum()
    return float(value), float(np.abs(at_sides).sum() + np.abs(at_bounds).sum())


def breach(lp: Linear, x: Floats, entries: Extended | None = None) -> float:
    """The largest breach of a limit by x, each relative to what the limit is made of."""
    if not np.isfinite(x).all():
        return float("inf")
    rows = (*(entries or Extended(lp.matrix)).activities(x), lp.row_lower, lp.row_upper)
    worst = 0.0
    for value, size, low, high in (rows, (x, np.abs(x), lp.lower, lp.upper)):
        over = np.maximum(np.maximum(low - value, value - high), 0.0)
        side = np.where(value < low, np.abs(low), np.abs(high))
        scale = np.maximum(size, side)
        share = over[over > 0.0] / scale[over > 0.0]
        worst = max(worst, float(share.max(initial=0.0)))
    return worst
