"""How much can flow at most: bounds of every column, from the rows, for figures of any size.

A planner writes a large figure for "unlimited". Beside tonnes such a figure is out of reach, and
as the coefficient of a yes/no column it lets a thousandth of a millionth of a plant be built for
free. So before a search the figures that cannot be reached are pulled in to what can be:

* Feasibility-based bound tightening (Savelsbergh 1994): in a row Σ a·x ≤ b an entry a_j > 0 gives
  x_j ≤ (b − least Σ_{k≠j} a_k·x_k) / a_j, again and again, over all rows at once.
* Rows of a cycle of flows bound nothing one by one; their sum does (it holds no circulation).
* A column that costs and only helps is of no use beyond what makes the rows it helps redundant.
* A side that cannot be reached, and a coefficient of a yes/no column that makes its row redundant
  (Savelsbergh's coefficient reduction), are pulled in to a power of two that is at least twice
  what can be reached: they never bind, so every optimum and every price stays.

Sums are rounded outwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array

from circflow.data.coded import Flags, Floats, Ints
from circflow.solver.compiled import Program

_PASSES = 40
_WORTH = 0.9
"""A bound that falls by less than this factor is not worth another pass."""
_PROHIBITIVE = 2.0**24
"""A cost that can amount to so many times what costs usually do is prohibitive."""
_ROUNDING = 4.0 * float(np.finfo(float).eps)
_ALMOST = 1e-6
"""A yes/no column that can at most be this far below 1 is 0."""


@dataclass(frozen=True)
class AtMost:
    """All limits as Σ a·x ≤ b: entries by row."""

    row: Ints
    column: Ints
    value: Floats
    side: Floats

    @cached_property
    def _rounding(self) -> Floats:
        count = np.bincount(self.row, minlength=len(self.side)).astype(np.float64)
        return np.asarray(_ROUNDING * (count + 2.0))

    @cached_property
    def _rising(self) -> Flags:
        return self.value > 0.0

    def least(self, lower: Floats, upper: Floats) -> tuple[Floats, Floats, Floats, NDArray[Any]]:
        """Of every entry the least a·x; of every row their finite sum, rounding, infinite ones (a
        sum beyond all numbers counts as one)."""
        terms = np.where(self._rising, lower[self.column], upper[self.column])
        terms[self.value == 0.0] = 0.0
        with np.errstate(over="ignore"):
            terms *= self.value
        endless = np.isinf(terms)
        finite = np.where(endless, 0.0, terms)
        count = len(self.side)
        total = np.asarray(np.bincount(self.row, finite, count), dtype=float)
        slack: Floats = np.bincount(self.row, np.abs(finite), count) * self._rounding
        beyond = np.isinf(slack)
        total[beyond], slack[beyond] = 0.0, 0.0
        return terms, total, slack, np.bincount(self.row, endless, count) + beyond


def limits_of(program: Program) -> AtMost:
    """Both sides of every row, and the sums over cycles of flows."""
    rows = csr_array(program.matrix)
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    parts, sides, count = [], [], 0
    for sign, side in ((1.0, program.row_upper), (-1.0, program.row_lower)):
        finite = np.isfinite(side)
        at = np.flatnonzero(finite[row] & (rows.data != 0.0))
        place = np.cumsum(finite) - 1 + count
        parts.append((place[row[at]], rows.indices[at], sign * rows.data[at]))
        sides.append(sign * side[finite])
        count += len(sides[-1])
    if (cycles := _cycles(program)) is not None:
        added = csr_array(cycles @ rows).tocoo()
        at = np.flatnonzero(added.data)
        parts.append((added.row[at] + count, added.col[at], -added.data[at]))
        low = program.row_lower
        sides.append(-(cycles @ np.where(np.isfinite(low), low, 0.0)))
    row, column, value = (np.concatenate(p) for p in zip(*parts, strict=True))
    return AtMost(row.astype(np.intp), column.astype(np.intp), value, np.concatenate(sides))


def _cycles(program: Program) -> csr_array | None:
    """Which rows to add up: equations between which columns go round; one row per group."""
    equal = np.isfinite(program.row_lower) & (program.row_lower == program.row_upper)
    matrix = program.matrix
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    kept = equal[matrix.indices] & (matrix.data != 0.0)
    row, column, value = matrix.indices[kept], column[kept], matrix.data[kept]
    count = np.bincount(column, minlength=matrix.shape[1])
    first = np.flatnonzero((count[column] == 2) & (np.r_[-1, column[:-1]] != column))
    if not len(first):
        return None
    second = first + 1
    from_first = value[first] < 0.0
    out = np.where(from_first, first, second)
    into = np.where(from_first, second, first)
    arc = (value[out] < 0.0) & (value[into] > 0.0) & (value[into] <= -value[out])
    if not arc.any():
        return None
    size = len(equal)
    tail, head = _going_round(row[out[arc]], row[into[arc]], size)
    if not len(tail):
        return None
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(size, size))
    from scipy.sparse.csgraph import connected_components  # 0.1 s to load

    number, group = connected_components(csr_array(graph), directed=True, connection="strong")
    large = np.flatnonzero(np.bincount(group, minlength=number) > 1)
    if not len(large):
        return None
    place = np.full(number, -1, dtype=np.intp)
    place[large] = np.arange(len(large))
    members = np.flatnonzero(place[group] >= 0)
    shape = (len(large), size)
    return csr_array(coo_array((np.ones(len(members)), (place[group[members]], members)), shape))


def _going_round(tail: Ints, head: Ints, size: int) -> tuple[Ints, Ints]:
    """The arcs that are left when, again and again, those that start where none arrives or end
    where none starts are dropped: none where nothing goes round."""
    while len(tail):
        arrived, left = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        arrived[head], left[tail] = True, True
        stays = arrived[tail] & left[head]
        if stays.all():
            break
        tail, head = tail[stays], head[stays]
    return tail, head


def reach(program: Program, limits: AtMost | None = None) -> Floats:
    """The most that every column can be in some best plan (infinite where nothing bounds it).

    `limits` are those of the programme, where they are known (other bounds do not change them).
    """
    limits = limits or limits_of(program)
    upper = program.upper.copy()
    _propagate(program, limits, upper)
    if _useful(program, limits, upper):
        _propagate(program, limits, upper)
    return upper


def _propagate(program: Program, limits: AtMost, upper: Floats) -> None:
    bounding = np.flatnonzero((limits.value > 0.0) & ~np.isinf(program.lower[limits.column]))
    row, column, value = limits.row[bounding], limits.column[bounding], limits.value[bounding]
    for _ in range(_PASSES):
        terms, total, slack, endless = limits.least(program.lower, upper)
        room = np.where(endless == 0, limits.side - total + slack, np.inf)
        room += _ROUNDING * np.abs(limits.side)
        back = np.where(np.isinf(terms[bounding]), np.inf, terms[bounding])
        with np.errstate(over="ignore"):
            most = (room[row] + back + _ROUNDING * np.abs(back)) / value
        least_of = np.full(len(upper), np.inf)
        np.minimum.at(least_of, column, most)
        least_of = np.maximum(least_of, program.lower)
        none = program.integer & (least_of < 1.0 - _ALMOST) & (least_of >= 0.0)
        least_of[none] = program.lower[none]
        better = least_of < np.where(np.isinf(upper), upper, _WORTH * np.abs(upper))
        if not better.any():
            return
        upper[better] = least_of[better]


def _useful(program: Program, limits: AtMost, upper: Floats) -> bool:
    """Bound columns that cost and only help by what can be of help; whether any was bounded."""
    columns = program.shape[1]
    equal = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    matrix = program.matrix
    in_equation = np.zeros(columns, dtype=bool)
    of = np.repeat(np.arange(columns), np.diff(matrix.indptr))
    in_equation[of[equal[matrix.indices] & (matrix.data != 0.0)]] = True
    idle = (program.cost >= 0.0) & ~in_equation & np.isfinite(program.lower)
    helps = np.flatnonzero((limits.value < 0.0) & idle[limits.column])
    if not len(helps):
        return False
    most = _most(limits, program.lower, upper)
    row, column, value = limits.row[helps], limits.column[helps], -limits.value[helps]
    need = (most[row] + value * program.lower[column] - limits.side[row]) / value
    needed = np.full(columns, -np.inf)
    np.maximum.at(needed, column, need * (1.0 + _ROUNDING))
    needed = np.maximum(needed, program.lower)
    better = idle & (needed < _WORTH * np.abs(upper)) & np.isin(np.arange(columns), column)
    better &= ~program.integer | (needed <= program.lower)  # a plant that is of no use at all
    upper[better] = needed[better]
    return bool(better.any())


def _most(limits: AtMost, lower: Floats, upper: Floats) -> Floats:
    """The most that every row's Σ a·x can be, rounded up."""
    flipped = replace(limits, value=-limits.value)
    _, total, slack, endless = flipped.least(lower, upper)
    return np.asarray(np.where(endless == 0, -total + slack, np.inf), dtype=float)


def hopeless(program: Program, most: Floats) -> Floats:
    """Multipliers of the rows that single out the limit farthest out of reach: a Farkas ray, where
    a limit cannot be met with all columns at their best for it (otherwise all 0)."""
    row, data = program.matrix.indices, program.matrix.data
    column = np.repeat(np.arange(len(most)), np.diff(program.matrix.indptr))
    with np.errstate(invalid="ignore", over="ignore"):
        ends = np.stack(
            [data * program.lower[column], data * np.minimum(program.upper, most)[column]]
        )
        ends[:, data == 0.0] = 0.0
        least = np.bincount(row, ends.min(axis=0), program.shape[0])
        largest = np.bincount(row, ends.max(axis=0), program.shape[0])
        beyond = np.fmax(program.row_lower - largest, least - program.row_upper)
        share = beyond / (np.abs(least) + np.abs(largest) + np.abs(beyond))
    ray = np.zeros(len(share))
    if np.nanmax(share, initial=0.0) > 0.0:
        ray[int(np.nanargmax(share))] = 1.0
    return ray


def tightened(program: Program, most: Floats) -> Program:
    """The same programme with everything out of reach (`most`, see `reach`) pulled in.

    Every optimum of the one is an optimum of the other, with the same prices.
    """
    lower, upper = program.lower, program.upper
    bound = np.minimum(most, upper)
    fixed = lower == upper
    column = np.repeat(np.arange(len(bound)), np.diff(program.matrix.indptr))
    row, value = program.matrix.indices, program.matrix.data
    count = program.shape[0]
    held = np.bincount(row, np.where(fixed[column], value * lower[column], 0.0), count)
    value = _reduced(program, bound, column)
    limits = [
        sign * _pulled_in(sign * side, sign * value, row, column, held * sign, lower, bound, fixed)
        for sign, side in ((-1.0, program.row_lower), (1.0, program.row_upper))
    ]
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    sides = (
        np.where(both, program.row_lower, limits[0]),
        np.where(both, program.row_upper, limits[1]),
    )
    free = ~program.integer & ~fixed & np.isfinite(upper)
    near = np.where(bound > 0.0, _beyond(bound), np.inf)
    nowhere = program.integer & (bound < 1.0)
    high = np.where(free & (near < upper), near, upper)
    high[free & (bound <= 0.0) & (upper > 0.0)] = np.inf
    high[nowhere] = np.maximum(lower[nowhere], np.floor(bound[nowhere]))
    matrix = csc_array((value, row, program.matrix.indptr), shape=program.matrix.shape)
    return replace(program, matrix=matrix, row_lower=sides[0], row_upper=sides[1], upper=high)


def capped(program: Program, most: Floats) -> tuple[Program, Flags]:
    """The same with prohibitive costs brought down to what is still prohibitive, and which.

    Where a best plan of it does without these columns it is a best plan of the programme itself
    (which costs more only where they are used), and the other costs keep their digits.
    """
    size = np.where(np.isfinite(most) & (most > 0.0), most, 1.0)
    movable = program.lower < program.upper
    money = np.abs(program.cost) * size
    counted = money[movable & (money > 0.0)]
    if not counted.size:
        return program, np.zeros(len(size), dtype=bool)
    cap = float(np.exp2(np.ceil(np.log2(np.median(counted)))) * _PROHIBITIVE)
    dear = (program.cost > 0.0) & (money > cap) & movable & (program.lower == 0.0)
    return program.with_costs(cap / size[dear], np.flatnonzero(dear)), dear


def _beyond(size: Floats) -> Floats:
    """A power of two of at least twice a size."""
    with np.errstate(divide="ignore"):
        power = np.exp2(np.ceil(np.log2(np.abs(size))) + 1.0)
    return np.asarray(np.where(np.isfinite(size), power, np.inf), dtype=float)


def _pulled_in(  # noqa: PLR0913, PLR0917
    side: Floats,
    value: Floats,
    row: Ints,
    column: Ints,
    held: NDArray[Any],
    lower: Floats,
    bound: Floats,
    fixed: Flags,
) -> Floats:
    """Sides b of rows Σ a·x ≤ b that can never be reached, pulled in."""
    moving = ~fixed[column]
    limits = AtMost(row[moving], column[moving], value[moving], side)
    most = _most(limits, lower, bound)
    room = side - held
    far = np.where(most > 0.0, _beyond(most), np.inf)
    out = np.isfinite(side) & (room > 0.0) & (far < room)
    nothing = np.isfinite(side) & (room > 0.0) & (most <= 0.0)
    pulled = np.where(out, held + far, side)
    # What was held may swallow the little that moves: then there is no limit at all.
    lost = out & (pulled - held < most)
    pulled[nothing | lost] = np.inf
    return pulled


def _reduced(program: Program, bound: Floats, column: Ints) -> Floats:
    """Entries of the matrix, with those of yes/no columns that only make rows redundant reduced."""
    row = program.matrix.indices
    value: Floats = program.matrix.data.astype(float)
    lower, upper = program.lower, program.upper
    decisions = program.integer & (lower == 0.0) & (upper == 1.0)
    if not decisions.any():
        return value
    for sign, side in ((1.0, program.row_upper), (-1.0, program.row_lower)):
        limits = AtMost(row, column, sign * value, sign * side)
        most = _most(limits, lower, bound)
        other = sign * np.where(sign > 0, program.row_lower, program.row_upper)
        one = np.isfinite(side[row]) & ~np.isfinite(other[row]) & decisions[column]
        at = np.flatnonzero(one & (sign * value < 0.0) & np.isfinite(most[row]))
        # At 1 the row Σ a·x ≤ b must stay redundant: |a_y| ≥ most − b.
        need = most[row[at]] - sign * side[row[at]]
        size = np.where(need > 0.0, _beyond(need), 0.0)
        less = (size > 0.0) & (size < np.abs(value[at]))
        value[at[less]] = -sign * size[less]
    return value
