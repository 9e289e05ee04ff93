"""The least change of one cell that ends a conflict: computed, rounded, and solved again.

The elastic programme tells how far a condition has to give way. That is exact where its cell
stands in rows and bounds as a plain term. The figure is then put into the cell, and the scenario
built anew and solved with its yes/no decisions: only what makes a plan there is proposed. Where
it does not (a capacity that also raises the least load, a stream that is lowered in a period that
needs it), or where less would do (a limit of a mix), the least change is found by bisection on
the scenario itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array

from circflow.algebra.build import build
from circflow.algebra.declare import Model
from circflow.data.coded import Flags, Floats
from circflow.data.one_line import plain
from circflow.data.scenario import Scenario
from circflow.data.table import Cell
from circflow.i18n import localised, mark, say, say_n
from circflow.solver.compiled import Compiled, Program, compile_model
from circflow.solver.conflicts import NOISE, Conflicts, Feasibility
from circflow.solver.elastic import Condition, Running, conditions, elastic
from circflow.solver.highs import Outcome, SolverError

_NINE_TENTHS = 0.9
_OVERSHOOT = 0.05
"""Most that rounding may add to a change, as a share of it."""
_FINE = 1e-5
"""Width of the bracket, as a share of the change, at which bisection stops."""
_ROUNDS = 8
_STRIDE = 4.0
_STRIDES = 12
"""A change is sought up to 4^12 times that of the elastic programme."""


@dataclass(frozen=True)
class Change:
    """A change of one cell."""

    cell: Cell
    before: float | None
    after: float | None
    """None: the cell has to be cleared."""
    text: str

    def summary(self) -> dict[str, object]:
        """The change for JSON."""
        return {
            "cell": str(self.cell),
            "before": self.before,
            "after": self.after,
            "text": self.text,
        }


@dataclass(frozen=True)
class Blocked:
    """A cell no change of which ends the conflict alone, and the cells that stand in its way."""

    cell: Cell
    by: tuple[Cell, ...]
    text: str

    def summary(self) -> dict[str, object]:
        """For JSON."""
        return {"cell": str(self.cell), "by": [str(c) for c in self.by], "text": self.text}


Make = Callable[[Scenario], tuple[Model, Compiled]]
"""The model of a scenario and its programme."""


def programme_of(scenario: Scenario) -> tuple[Model, Compiled]:
    """A scenario's own programme."""
    m = build(scenario)
    return m, compile_model(m)


class Remedies:
    """Least changes, tried on the scenario itself."""

    def __init__(
        self, scenario: Scenario, compiled: Compiled, conflicts: Conflicts, make: Make
    ) -> None:
        self.scenario, self.compiled = scenario, compiled
        self.conflicts, self.make = conflicts, make
        self.all = conflicts.elastic.conditions

    def has_plan(self, changes: Sequence[Change], granted: Flags) -> bool:
        """Whether the scenario with the changes made has a plan: built anew and solved."""
        return self._holds(*self._changed(changes), granted)

    def _changed(self, changes: Sequence[Change]) -> tuple[Model, Compiled]:
        return self.make(with_changes(self.scenario, changes))

    def _holds(self, m: Model, compiled: Compiled, granted: Flags) -> bool:
        """Whether a changed scenario has a plan, what is granted given way."""
        try:
            return _has_plan(*self._eased(m, compiled, granted))
        except SolverError:
            return False

    def _eased(
        self, m: Model, compiled: Compiled, granted: Flags
    ) -> tuple[Program, Running | None]:
        """The programme of a changed scenario, what is granted given way."""
        if not granted.any():
            return compiled.program, None
        cells = {str(self.all[n].cell) for n in np.flatnonzero(granted)}
        loose = elastic(compiled.program, conditions(m, compiled))
        most = np.where([str(c.cell) in cells for c in loose.conditions], loose.most, 0.0)
        return loose.program.with_bounds(loose.changes, upper=most), loose.running

    def of(self, number: int, granted: Flags) -> list[Change] | Blocked:
        """The least change of a condition that makes a plan, what is granted given way; several
        where any one of several cells may be cleared."""
        condition = self.all[number]
        if not np.isfinite(condition.figure):
            cleared = [cleared_cell(cell) for cell in condition.shared]
            changes = [change for change in cleared if self.has_plan([change], granted)]
            return changes or self._blocked(number, granted)
        try:
            outcome = self._least(number, granted)
            if outcome.x is None:
                return self._blocked(number, granted)
        finally:
            self.conflicts.keep_from_above(condition, None)
        amount = self._amount(number, outcome)
        change = changed_cell(condition, amount)
        if self._is_least(change, granted):
            return [change]
        bisected = self._bisected(condition, amount, granted)
        return [bisected] if bisected is not None else self._blocked(number, granted)

    def _is_least(self, change: Change, granted: Flags) -> bool:
        """Whether a change makes a plan, and less does not: nine tenths are tried where its figure
        stands in entries, which the elastic programme takes as they were."""
        m, compiled = self._changed([change])
        if not self._holds(m, compiled, granted):
            return False
        before, after = self.compiled.program.matrix, compiled.program.matrix
        kept = before.shape == after.shape and _same(before, after, *_ENTRIES)
        return change.after is None or kept or not self.has_plan([_share_of(change)], granted)

    def together(self, allowed: Flags) -> tuple[Change, ...]:
        """The cheapest changes of some conditions that make a plan (not yet tried)."""
        kept = [n for n in np.flatnonzero(allowed) if self.all[n].kept]
        lowered: dict[int, float] = {}
        try:
            for _ in range(_ROUNDS):
                outcome = self.conflicts.cheapest(allowed)
                if outcome.x is None:
                    return ()
                amounts = outcome.x[self.conflicts.elastic.changes]
                now = {int(n): float(amounts[n]) for n in kept if amounts[n] > 0.0}
                if all(lowered.get(n) == a for n, a in now.items()):
                    break
                lowered |= now
                for n, amount in lowered.items():
                    self.conflicts.keep_from_above(self.all[n], amount)
        finally:
            for n in lowered:
                self.conflicts.keep_from_above(self.all[n], None)
        given = np.flatnonzero(self.conflicts.changed(outcome)).tolist()
        changes = []
        for n in given:
            if np.isfinite(self.all[n].figure):
                changes.append(changed_cell(self.all[n], self._amount(n, outcome)))
            else:
                changes += [cleared_cell(cell) for cell in self.all[n].shared]
        return tuple(changes)

    def _least(self, number: int, granted: Flags) -> Outcome:
        """The plan with the least change; what is lowered bounds from above what it did."""
        outcome = self.conflicts.least(number, granted)
        condition, lowered = self.all[number], -1.0
        if not condition.kept:
            return outcome
        for _ in range(_ROUNDS):
            if outcome.x is None:
                break
            amount = self._amount(number, outcome)
            if amount <= lowered * (1.0 + NOISE):
                break
            lowered = amount
            self.conflicts.keep_from_above(condition, amount)
            outcome = self.conflicts.least(number, granted)
        return outcome

    def _amount(self, number: int, outcome: Outcome) -> float:
        """How far a figure has to change in a plan of the elastic programme."""
        assert outcome.x is not None
        condition = self.all[number]
        if condition.scaled:
            return condition.shift(self.conflicts.elastic, outcome.x)
        return float(outcome.x[self.conflicts.elastic.changes[number]])

    def _bisected(self, condition: Condition, start: float, granted: Flags) -> Change | None:
        """The least change by bisection on the scenario; None where no change makes a plan."""
        start = max(start, NOISE * max(abs(condition.figure), 1.0))
        program_of = self._programs(condition, start, granted)

        def enough(amount: float) -> bool:
            return _has_plan(*program_of(amount))

        bracket = _bracket(start, condition.limit, enough)
        if bracket is None:
            return None
        low, high = bracket
        for _ in range(_ROUNDS):
            while high - low > _FINE * high:
                middle = 0.5 * (low + high)
                low, high = (low, middle) if enough(middle) else (middle, high)
            # Less may do where more does not: then the least is sought below.
            if not enough(_NINE_TENTHS * high):
                break
            low, high = 0.0, _NINE_TENTHS * high
        for rounded in (True, False):
            change = changed_cell(condition, high, rounded=rounded)
            if self.has_plan([change], granted):
                return change
        return None

    def _programs(
        self, condition: Condition, start: float, granted: Flags
    ) -> Callable[[float], tuple[Program, Running | None]]:
        """The programme for each size of a change. It is a straight line in a single figure, so
        that two that are built give all others, where both have the same entries."""

        def built(amount: float) -> tuple[Program, Running | None]:
            change = changed_cell(condition, amount, rounded=False)
            return self._eased(*self._changed([change]), granted)

        (half, _), (full, running) = built(0.5 * start), built(start)
        if half.shape != full.shape or not _same(half.matrix, full.matrix, *_PLACES):
            return built
        return lambda amount: (_on_the_line(half, full, 2.0 * amount / start - 1.0), running)

    def _blocked(self, number: int, granted: Flags) -> Blocked:
        """What stands in the way when a condition gives way as far as it can."""
        condition = self.all[number]
        given = granted.copy()
        given[number] = True
        by: tuple[Cell, ...] = ()
        fractional = self.conflicts.has_fractional_plan(given)
        if not (fractional and self.conflicts.has_integer_plan(given)):
            conflict = self.conflicts.conflict(given, decisions=fractional)
            by = tuple(self.all[n].cell for n in conflict)
        way = condition.kind.sign if np.isfinite(condition.figure) else 0
        text = say(_NOT_ENOUGH[way], cell=condition.cell)
        if by:
            *first, last = map(str, by)
            names = say("{list} and {names}", list=", ".join(first), names=last) if first else last
            text += say_n(
                ": {names} stands in the way still",
                ": {names} stand in the way still",
                len(by),
                names=names,
            )
        return Blocked(condition.cell, by, plain(text))


_STEP = {
    1: mark("raise {cell} from {before} to {after} {unit}"),
    -1: mark("lower {cell} from {before} to {after} {unit}"),
}
_NOT_ENOUGH = {
    1: mark("to raise {cell} alone is not enough"),
    -1: mark("to lower {cell} alone is not enough"),
    0: mark("to clear {cell} alone is not enough"),
}


_PLACES = ("indptr", "indices")
_ENTRIES = (*_PLACES, "data")


def _same(one: csc_array, other: csc_array, *parts: str) -> bool:
    """Whether two matrices have the same places, or entries."""
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in parts)


def _has_plan(program: Program, running: Running | None) -> bool:
    return Feasibility(program, running).solve().x is not None


def _on_the_line(one: Program, other: Program, share: float) -> Program:
    """The programme that lies `share` of the way from one to another of the same entries."""

    def between(a: Floats, b: Floats) -> Floats:
        step = np.subtract(b, a, out=np.zeros(len(a)), where=a != b)  # infinite limits stay
        return np.asarray(a + share * step)

    matrix = one.matrix.copy()
    matrix.data = between(one.matrix.data, other.matrix.data)
    return replace(
        one,
        matrix=matrix,
        row_lower=between(one.row_lower, other.row_lower),
        row_upper=between(one.row_upper, other.row_upper),
        lower=between(one.lower, other.lower),
        upper=between(one.upper, other.upper),
    )


def _bracket(
    start: float, limit: float, enough: Callable[[float], bool]
) -> tuple[float, float] | None:
    """A change that is not enough and a larger one that is."""
    low, trial = 0.0, min(start, limit)
    for _ in range(_STRIDES):
        if enough(trial):
            return low, trial
        if trial >= limit:
            break
        low, trial = trial, min(trial * _STRIDE, limit)
    return None


def _share_of(change: Change) -> Change:
    """Nine tenths of a change."""
    assert change.before is not None and change.after is not None
    return replace(change, after=change.before + _NINE_TENTHS * (change.after - change.before))


def with_changes(scenario: Scenario, changes: Sequence[Change]) -> Scenario:
    """The scenario with some cells changed (typed tables only; not for writing)."""
    tables = dict(scenario.tables)
    for change in changes:
        table = tables[change.cell.sheet]
        column = next(c for c, letter in table.letters.items() if letter == change.cell.column)
        frame = table.frame.copy()
        frame.loc[change.cell.row, column] = change.after
        tables[change.cell.sheet] = table.with_frame(frame)
    return scenario.with_figures(tables)


def cleared_cell(cell: Cell) -> Change:
    """The cell without what stands in it."""
    return Change(cell, None, None, say("clear {cell}", cell=cell))


def changed_cell(condition: Condition, amount: float, *, rounded: bool = True) -> Change:
    """A condition's cell changed by an amount to its easier side."""
    before, sign = condition.figure, condition.kind.sign
    target = before + sign * amount
    if sign < 0 and abs(target) <= NOISE * abs(before):
        target = 0.0  # what is left is the solver's noise
    after = outward(target, sign, before=before) if rounded else target
    if rounded and 0.0 < abs(after) < condition.smallest:
        after = sign * condition.smallest if sign * after > 0.0 else 0.0
    if condition.limit < np.inf:
        after = sign * min(sign * after, sign * before + condition.limit)
    if rounded and after > condition.largest:
        return cleared_cell(condition.cell)
    text = say(
        _STEP[sign],
        cell=condition.cell,
        before=figure_text(before),
        after=figure_text(after),
        unit=condition.unit,
    )
    return Change(condition.cell, before, after, plain(f"{text.rstrip()} ({condition.where})"))


def outward(value: float, sign: int, digits: int = 4, *, before: float | None = None) -> float:
    """Rounded to significant digits, up for a limit to be raised and down for one to be lowered.

    A value that has no more digits than that (but for noise) is kept. With the figure `before`,
    as many digits as keep the change from growing by more than a twentieth.
    """
    if value == 0.0 or not math.isfinite(value):
        return value
    most = _OVERSHOOT * abs(value - before) if before is not None else math.inf
    for more in range(digits, 16):
        rounded = _rounded(value, sign, more)
        if abs(rounded - value) <= most:
            return rounded
    return value


def _rounded(value: float, sign: int, digits: int) -> float:
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    nearest = round(value / step)
    if abs(value / step - nearest) < 1e-5:
        rounded = nearest * step
    else:
        rounded = (math.ceil(value / step) if sign > 0 else math.floor(value / step)) * step
    return float(f"{rounded:.{digits + 2}g}")


def number_text(value: float) -> str:
    """A figure with thin thousands, at most 6 significant digits."""
    if not math.isfinite(value):
        return ""
    if abs(value) >= 1e5:
        return localised(f"{float(f'{value:.6g}'):,.0f}", " ")
    return localised(f"{value:.6g}")


def figure_text(value: float) -> str:
    """A figure with thin thousands and all its digits, so that it may be typed in as it stands."""
    short = number_text(value)
    if value == 0.0 or float(f"{value:.6g}") == value:
        return short
    if abs(value) >= 1e5:
        return localised(f"{value:,.10f}".rstrip("0").rstrip("."), " ")
    return localised(f"{value:.15g}")
