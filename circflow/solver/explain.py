"""Why there is no plan, in cells, and the smallest changes that make one.

Infeasible: irreducible sets of conditions that cannot hold together, found by the elastic filter
and a deletion filter (Chinneck 2008, Feasibility and Infeasibility in Optimization, ch. 6) over
the scenario's cells, so that bounds take part and yes/no decisions are kept; when one conflict
is found it is made elastic and the search goes on, so that independent conflicts are all found.
For each condition of a conflict the least change that ends the conflict alone is computed, and
the changes that together make a plan are verified by solving the changed scenario again.

Unbounded: a ray of the recession cone with the fewest flows, which names the prices that make
money without end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circflow.data.one_line import plain
from circflow.data.scenario import Scenario
from circflow.data.table import Cell, Table
from circflow.model.build import build
from circflow.solution.solution import Status
from circflow.solver.compiled import Compiled, compile_model
from circflow.solver.conditions import Condition, Elastic, conditions, elastic
from circflow.solver.highs import Ending, Outcome, Session
from circflow.solver.unbounded import Ray, endless_gain

Floats = NDArray[np.float64]

_NOISE = 1e-7
"""A change below this share of the figure is none."""
_MOST_CONFLICTS = 50


@dataclass(frozen=True)
class Change:
    """A change of one cell."""

    cell: Cell
    before: float | None
    after: float | None
    """None: the cell has to be cleared."""
    text: str

    def summary(self) -> dict[str, Any]:
        """The change for JSON."""
        return {
            "cell": str(self.cell),
            "before": self.before,
            "after": self.after,
            "text": self.text,
        }


@dataclass(frozen=True)
class Conflict:
    """Conditions that cannot all hold; without any one of them the others can."""

    conditions: tuple[Condition, ...]
    texts: tuple[str, ...]
    """Each condition with its cell, in words."""
    remedies: tuple[Change, ...]
    """Changes of one cell each, every one of which ends this conflict alone."""


@dataclass(frozen=True)
class Explanation:
    """What stands in the way of a plan."""

    scenario: str
    status: Status
    conflicts: tuple[Conflict, ...] = ()
    together: tuple[Change, ...] = ()
    """Changes that, all made, give a plan (verified by solving again)."""
    verified: bool = False
    ray: Ray | None = None

    def summary(self) -> dict[str, Any]:
        """The JSON of `circflow explain`."""
        return {
            "scenario": self.scenario,
            "status": self.status.value,
            "conflicts": [
                {
                    "conditions": [
                        {"cell": str(condition.cell), "text": text}
                        for condition, text in zip(conflict.conditions, conflict.texts, strict=True)
                    ],
                    "remedies": [change.summary() for change in conflict.remedies],
                }
                for conflict in self.conflicts
            ],
            "together": [change.summary() for change in self.together],
            "verified": self.verified,
            "unbounded": None
            if self.ray is None
            else {
                "cells": [str(cell) for cell in self.ray.cells],
                "steps": list(self.ray.steps),
                "remedies": list(self.ray.remedies),
            },
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The explanation in plain words, a line each."""
        if self.status is Status.OPTIMAL:
            return ["There is a plan: nothing to explain."]
        if self.status is Status.UNBOUNDED:
            return self.ray.lines() if self.ray else ["Some price makes money without end."]
        if not self.conflicts:
            return ["no plan meets the recipes and balances, whatever the limits"]
        lines = []
        for number, conflict in enumerate(self.conflicts, 1):
            several = f" {number}" if len(self.conflicts) > 1 else ""
            lines.append(f"Conflict{several}: these cannot hold together")
            lines += [f"  {text}" for text in conflict.texts]
            if conflict.remedies:
                lines.append("  any one of these changes ends it:")
                lines += [f"    {change.text}" for change in conflict.remedies]
        if len(self.conflicts) > 1 or not self.conflicts[0].remedies:
            lines.append("Changes that together make a plan:")
            lines += [f"  {change.text}" for change in self.together]
        if self.verified:
            lines.append("Solved again with the changes: there is a plan.")
        return lines


def explain(scenario: Scenario) -> Explanation:
    """Why a scenario has no plan; an explanation with status optimal if it has one."""
    m = build(scenario)
    compiled = compile_model(m)
    outcome = Session(compiled.program).solve()
    if outcome.ending is Ending.UNBOUNDED:
        ray = endless_gain(m, compiled)
        return Explanation(scenario.name, Status.UNBOUNDED, ray=ray)
    if outcome.ending is not Ending.INFEASIBLE:
        return Explanation(scenario.name, Status.OPTIMAL)
    return _Search(scenario, compiled, conditions(m, compiled)).run()


def reason(scenario: Scenario, status: Status) -> str:
    """The explanation as one text, for the message of a solve without a plan."""
    found = explain(scenario)
    if found.status is not status:
        return f"HiGHS reports the scenario as {status.value}"
    return str(found)


class _Search:
    """Looks for conflicts and remedies on one elastic programme."""

    def __init__(self, scenario: Scenario, compiled: Compiled, found: list[Condition]) -> None:
        self.scenario, self.compiled = scenario, compiled
        self.elastic: Elastic = elastic(compiled.program, found)
        self.free = np.zeros(len(found), dtype=bool)
        """Conditions of conflicts already found: they no longer stand in the way."""
        feasibility = self.elastic.program.without_goal()
        self.whole = Session(feasibility) if feasibility.has_decisions else None
        """The programme with its yes/no decisions; the LP alone explains most and is quick."""
        self.session = Session(feasibility.relaxed())
        self.integer = False

    def run(self) -> Explanation:
        """Every independent conflict, its remedies, and changes that mend all."""
        conflicts: list[list[int]] = []
        repair = self._repair()
        while len(conflicts) < _MOST_CONFLICTS:
            if self._solve(self.free).x is not None:
                if self.integer or self.whole is None:
                    break
                # With decisions as fractions there is a plan: the decisions take part.
                self.integer = True
                repair |= self._repair()
                continue
            conflict = self._conflict()
            if not conflict:
                return Explanation(self.scenario.name, Status.INFEASIBLE)
            conflicts.append(conflict)
            # Only what the cheapest repair changes gives way: the rest may be in other conflicts.
            giving = [number for number in conflict if repair[number]] or conflict
            self.free[giving] = True
        self.integer = self.whole is not None
        together = self._together(conflicts)
        self.integer = False
        told = tuple(self._told(conflict, len(conflicts) == 1) for conflict in conflicts)
        verified = self._verify(together)
        if not verified and len(conflicts) == 1 and told[0].remedies:
            together, verified = told[0].remedies[:1], True
        return Explanation(self.scenario.name, Status.INFEASIBLE, told, together, verified)

    def _solve(self, free: NDArray[np.bool_], costs: Floats | None = None) -> Outcome:
        """Solve with the changes of `free` conditions allowed, at a cost or at none."""
        most = np.where(free, self.elastic.most, 0.0)
        session = self.whole if self.integer and self.whole is not None else self.session
        session.change_bounds(self.elastic.changes, np.zeros(len(most)), most)
        price = np.zeros(len(most)) if costs is None else costs
        session.change_costs(self.elastic.changes, price)
        return session.solve() if session is self.whole else session.resolve()

    def _conflict(self) -> list[int]:
        """An irreducible set of conditions that cannot hold together."""
        enforced = np.zeros(len(self.free), dtype=bool)
        weights = self.elastic.weights
        while True:
            outcome = self._solve(~enforced, weights)
            if outcome.x is None:
                break
            changed = self._changed(outcome) & ~enforced & ~self.free
            if not changed.any():
                return []
            enforced |= changed
        candidates = np.flatnonzero(enforced).tolist()
        kept = set(candidates)
        # What is physical is tried for removal last, so that policy is not blamed for it.
        for number in sorted(candidates, key=lambda n: self.elastic.conditions[n].kind.weight):
            without = np.ones(len(self.free), dtype=bool)
            without[list(kept - {number})] = False
            if self._solve(without).x is None:
                kept.remove(number)
        return sorted(kept)

    def _changed(self, outcome: Outcome) -> NDArray[np.bool_]:
        assert outcome.x is not None
        size = 1.0 / self.elastic.weights
        size *= np.array([c.kind.weight for c in self.elastic.conditions])
        return np.asarray(outcome.x[self.elastic.changes] > _NOISE * size)

    def _repair(self) -> NDArray[np.bool_]:
        """The conditions that the cheapest changes of all give way."""
        outcome = self._solve(np.ones(len(self.free), dtype=bool), self.elastic.weights)
        if outcome.x is None:
            return np.zeros(len(self.free), dtype=bool)
        return self._changed(outcome)

    def _told(self, conflict: list[int], single: bool) -> Conflict:
        """A conflict in words, with the least change of each condition that ends it alone (what
        other conflicts need granted)."""
        others = self.free.copy()
        others[conflict] = False
        remedies = []
        for number in sorted(conflict, key=lambda n: self.elastic.conditions[n].kind.weight):
            alone = others.copy()
            alone[number] = True
            costs = np.zeros(len(alone))
            costs[number] = self.elastic.weights[number]
            change = self._alone(number, alone, costs, check=single)
            if change is not None:
                remedies.append(change)
        told = tuple(self.elastic.conditions[number] for number in conflict)
        return Conflict(told, tuple(describe(c) for c in told), tuple(remedies))

    def _alone(
        self, number: int, free: NDArray[np.bool_], costs: Floats, *, check: bool
    ) -> Change | None:
        """The least change of one condition that makes a plan; by the LP if that holds up."""
        for whole in (False, True) if self.whole is not None else (False,):
            self.integer = whole
            outcome = self._solve(free, costs)
            if outcome.x is None:
                continue
            amount = float(outcome.x[self.elastic.changes[number]])
            change = self._change(number, amount, outcome)
            if not check or self._verify((change,)):
                return change
        return None

    def _together(self, conflicts: list[list[int]]) -> tuple[Change, ...]:
        """The cheapest changes of the conflicts' conditions that make a plan."""
        weights = self.elastic.weights
        allowed = np.zeros(len(self.free), dtype=bool)
        for conflict in conflicts:
            allowed[conflict] = True
        outcome = self._solve(allowed, weights)
        if outcome.x is None:
            return ()
        amounts = outcome.x[self.elastic.changes]
        changed = np.flatnonzero(self._changed(outcome))
        return tuple(self._change(int(n), float(amounts[n]), outcome) for n in changed)

    def _change(self, number: int, amount: float, outcome: Outcome) -> Change:
        condition = self.elastic.conditions[number]
        if not np.isfinite(condition.figure):
            return Change(condition.cell, None, None, f"clear {condition.cell}")
        if condition.scaled:
            assert outcome.x is not None
            amount = condition.shift(self.compiled.program, outcome.x[: self.elastic.first])
        target = condition.figure + condition.kind.sign * amount
        after = outward(target, condition.kind.sign)
        if condition.limit < np.inf:
            after = max(after, condition.figure - condition.limit)
        verb = "raise" if condition.kind.sign > 0 else "lower"
        text = (
            f"{verb} {condition.cell} from {number_text(condition.figure)} to"
            f" {number_text(after)} {condition.unit}".rstrip()
            + f" ({condition.where})"
        )
        return Change(condition.cell, condition.figure, after, plain(text))

    def _verify(self, changes: tuple[Change, ...]) -> bool:
        """Whether the scenario with the changes made has a plan: build it anew and solve."""
        if not changes:
            return False
        changed = with_changes(self.scenario, changes)
        program = compile_model(build(changed)).program
        return Session(program.without_goal()).solve().x is not None


def with_changes(scenario: Scenario, changes: tuple[Change, ...]) -> Scenario:
    """The scenario with some cells changed (typed tables only; not for writing)."""
    tables = dict(scenario.tables)
    for change in changes:
        table = tables[change.cell.sheet]
        column = next(c for c, letter in table.letters.items() if letter == change.cell.column)
        frame = table.frame.copy()
        frame.loc[change.cell.row, column] = change.after
        tables[change.cell.sheet] = Table(table.sheet, frame, table.letters)
    return replace(scenario, tables=tables)


def describe(condition: Condition) -> str:
    """A condition in the planner's words, its cell first."""
    figure = f"{number_text(condition.figure)} {condition.unit}".strip()
    words = condition.kind.words.format(figure=figure, where=condition.where)
    return plain(f"{condition.cell}: {words}")


def outward(value: float, sign: int, digits: int = 4) -> float:
    """Rounded to significant digits, up for a limit to be raised and down for one to be lowered.

    A value that has no more digits than that (but for noise) is kept.
    """
    if value == 0.0 or not math.isfinite(value):
        return value
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
        return f"{float(f'{value:.6g}'):,.0f}".replace(",", " ")
    return f"{value:.6g}"
