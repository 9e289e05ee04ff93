"""An LP of modest size solved in fractions, without any rounding.

Where figures are so far apart that a run in doubles disagrees with its own proof, the dictionary of
the last basis is worked out exactly and the simplex method goes on from there: to a plan that
meets every limit (de Moura and Dutertre 2006, A fast linear-arithmetic solver for DPLL(T)), then
to the best one, by Bland's rule, so that it ends; the first exchanges keep the rows short.
"""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from functools import lru_cache

import numpy as np

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Basis, Outcome

ROUNDED = Fraction(1, 10**12)
"""A limit missed by less than this share of what adds up to it is missed by the rounding of the
figures themselves: it holds."""
_MOST_ENTRIES = 3_000
"""Nonzeros of a programme above which it is not tried."""
_MOST_WORK = 3_000_000
"""Entries worked out after which it is given up (some seconds)."""
_GOAL = -1
_UPPER = 2
"""HiGHS' number for a variable at its upper bound."""
_BASIC = 1


def small(program: Program) -> bool:
    """Whether a programme is of a size for this."""
    return bool(program.matrix.nnz <= _MOST_ENTRIES)


def exact(program: Program, basis: Basis | None) -> Outcome | None:
    """The proven outcome of an LP; None where it is too large.

    Args:
        program: without yes/no decisions.
        basis: to start from; a wrong or singular one costs time only.
    """
    if not small(program):
        return None
    lp = _Dictionary(program)
    try:
        if basis is not None:
            lp.start_from(basis)
        if not lp.meet_limits():
            return Outcome(Status.INFEASIBLE)
        if not lp.improve():
            return Outcome(Status.UNBOUNDED)
    except _TooMuchError:
        return None
    return lp.outcome(program)


class _TooMuchError(Exception):
    """More work than the rung is for."""


class _Dictionary:
    """Basic variables in terms of the others: x_b = Σ t·x_n. Columns come first, then the rows'
    activities; the goal is a row of its own."""

    def __init__(self, program: Program) -> None:
        count, columns = program.shape
        self.columns = columns
        self.low = _fractions(program.lower) + _fractions(program.row_lower)
        self.high = _fractions(program.upper) + _fractions(program.row_upper)
        self.rows: dict[int, dict[int, Fraction]] = {columns + i: {} for i in range(count)}
        self.rows[_GOAL] = {}
        self.users: defaultdict[int, set[int]] = defaultdict(set)
        """The rows in which a variable that is not basic stands."""
        self.work = 0
        matrix = program.matrix.tocoo()
        for row, column, entry in zip(
            (matrix.row + columns).tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True
        ):
            self._put(row, column, _fraction(entry))
        for column, cost in enumerate(program.cost.tolist()):
            self._put(_GOAL, column, _fraction(cost))
        self.value = [Fraction(0)] * (columns + count)
        for n in range(columns):
            self.value[n] = self._end(n, upper=False)

    def _put(self, row: int, column: int, entry: Fraction) -> None:
        if entry:
            self.rows[row][column] = entry
            self.users[column].add(row)

    def _end(self, n: int, *, upper: bool) -> Fraction:
        first, second = (self.high, self.low) if upper else (self.low, self.high)
        here, there = first[n], second[n]
        return here if here is not None else there if there is not None else Fraction(0)

    def start_from(self, basis: Basis) -> None:
        """Make the columns of a basis basic, as far as they go."""
        status = [*basis.columns.tolist(), *basis.rows.tolist()]
        leaving = {n for n in self.rows if n >= 0 and status[n] != _BASIC}
        entering = [n for n in range(self.columns) if status[n] == _BASIC]
        while entering:  # the sparsest first
            n = min(entering, key=lambda k: len(self.users[k]))
            entering.remove(n)
            rows = self.users[n] & leaving
            if rows:
                row = min(rows, key=lambda b: (len(self.rows[b]), b))
                leaving.remove(row)
                self._pivot(row, n)
        for n, kind in enumerate(status):
            if n not in self.rows:
                self.value[n] = self._end(n, upper=kind == _UPPER)

    def _pivot(self, out: int, into: int) -> None:
        """Exchange a basic variable for one that is not."""
        row = self.rows.pop(out)
        entry = row.pop(into)
        self.users[into].discard(out)
        for n in row:
            self.users[n].discard(out)
        new = {n: -t / entry for n, t in row.items()}
        new[out] = 1 / entry
        for other in self.users.pop(into, set()):
            entries = self.rows[other]
            times = entries.pop(into)
            for n, t in new.items():
                more, had = times * t, entries.get(n)
                total = more if had is None else had + more
                if total:
                    entries[n] = total
                    self.users[n].add(other)
                elif n in entries:
                    del entries[n]
                    self.users[n].discard(other)
            self.work += len(new)
        self.rows[into] = new
        for n in new:
            self.users[n].add(into)
        self.work += len(new)
        if self.work > _MOST_WORK:
            raise _TooMuchError

    def meet_limits(self) -> bool:
        """Find a plan; False where there is none."""
        for b, row in self.rows.items():
            if b >= 0:
                parts = (t * value for n, t in row.items() if (value := self.value[n]))
                self.value[b] = sum(parts, Fraction(0))
        free_choice = len(self.rows)
        while (missed := self._missed(free_choice > 0)) is not None:
            b, step = missed
            helpers = [n for n, t in self.rows[b].items() if self._can_move(n, step * t)]
            if helpers:
                n = min(helpers, key=lambda n: (len(self.users[n]) if free_choice > 0 else 0, n))
                free_choice -= 1
                self._move(n, step / self.rows[b][n])
                self._pivot(b, n)
            elif abs(step) <= ROUNDED * sum(
                abs(t * self.value[n]) for n, t in self.rows[b].items()
            ):
                side = self.low if step > 0 else self.high
                side[b] = self.value[b]
            else:
                return False
        return True

    def _missed(self, shortest: bool) -> tuple[int, Fraction] | None:
        """A basic variable beyond a limit, and the step back to it: the first, or that of the
        shortest row."""
        missed = (
            (b, step) for b in sorted(self.rows) if b >= 0 and (step := self._step(b)) is not None
        )
        if not shortest:
            return next(missed, None)
        return min(missed, key=lambda m: len(self.rows[m[0]]), default=None)

    def _step(self, b: int) -> Fraction | None:
        """How far a variable is from its limits; None within them."""
        value, low, high = self.value[b], self.low[b], self.high[b]
        if low is not None and value < low:
            return low - value
        return high - value if high is not None and value > high else None

    def _can_move(self, n: int, direction: Fraction) -> bool:
        end = self.high[n] if direction > 0 else self.low[n]
        return end is None or self.value[n] != end

    def _move(self, n: int, step: Fraction) -> None:
        self.value[n] += step
        for b in self.users[n]:
            if b >= 0:
                self.value[b] += self.rows[b][n] * step
        self.work += len(self.users[n])

    def improve(self) -> bool:
        """Find the best plan; False where it earns without end."""
        goal = self.rows[_GOAL]
        while (n := min((k for k, d in goal.items() if self._can_move(k, -d)), default=-1)) >= 0:
            sense = -1 if goal[n] > 0 else 1
            entering_end = self.high[n] if sense > 0 else self.low[n]
            step = None if entering_end is None else abs(entering_end - self.value[n])
            out = n
            for b in sorted(self.users[n]):
                rate = self.rows[b][n] * sense
                end = self.high[b] if rate > 0 else self.low[b]
                if b >= 0 and end is not None:
                    room = (end - self.value[b]) / rate
                    if step is None or room < step:
                        step, out = room, b
            if step is None:
                return False
            self._move(n, sense * step)
            self.work += 1
            if out != n:
                self._pivot(out, n)
        return True

    def outcome(self, program: Program) -> Outcome:
        """The best plan and its prices."""
        x = np.array([float(v) for v in self.value[: self.columns]])
        price = np.zeros(len(self.value))
        for n, d in self.rows[_GOAL].items():
            price[n] = float(d)
        plan = zip(program.cost.tolist(), self.value, strict=False)
        worth = float(sum((_fraction(c) * v for c, v in plan if c), Fraction(program.offset)))
        return Outcome(
            Status.OPTIMAL, worth, worth, 0.0, np.clip(x, program.lower, program.upper),
            price[self.columns :], price[: self.columns],
        )  # fmt: skip


def _fractions(limits: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[Fraction | None]:
    return [_fraction(v) if math.isfinite(v) else None for v in limits.tolist()]


_fraction = lru_cache(maxsize=10_000)(Fraction)
"""A figure as a fraction: the same few stand in all of a programme, and in many of a study."""
