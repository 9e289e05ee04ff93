"""Why there is no plan, in cells, and the smallest changes that make one.

Infeasible: irreducible sets of conditions that cannot hold together (`conflicts`), yes/no decisions
included; when one conflict is found it is made elastic and the search goes on, so that independent
conflicts are all found. For each condition of a conflict the least change that ends the conflict
alone (`remedies`), and the changes that together make a plan; all of them are tried by building
the changed scenario anew and solving it.

Unbounded: a ray of the recession cone with the fewest flows, which names the prices that make
money without end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circflow.data.one_line import plain
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario
from circflow.i18n import say, say_n
from circflow.solution.solution import Status
from circflow.solver.compiled import Compiled
from circflow.solver.conflicts import NOISE as _NOISE
from circflow.solver.conflicts import Conflicts
from circflow.solver.elastic import Condition, conditions
from circflow.solver.optimum import optimum
from circflow.solver.remedies import (
    Blocked,
    Change,
    Make,
    Remedies,
    number_text,
    outward,
    programme_of,
    with_changes,
)
from circflow.solver.unbounded import Ray, endless_gain

_MOST_CONFLICTS = 50


@dataclass(frozen=True)
class Conflict:
    """Conditions that cannot all hold; without any one of them the others can."""

    conditions: tuple[Condition, ...]
    texts: tuple[str, ...]
    """Each condition with its cell, in words."""
    remedies: tuple[Change, ...]
    """Changes of one cell each, every one of which ends this conflict alone: tried by solving."""
    blocked: tuple[Blocked, ...] = ()
    """Cells of which no change does, and what stands in their way."""
    periods: tuple[str, ...] = ()
    """In which periods they cannot hold, in order; none where it is not known."""
    later: tuple[str, ...] = ()
    """Candidates that would help, and cannot be built yet."""


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
    within_tolerance: bool = False
    """The limits miss a plan by less than the solver can tell."""

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
                    "blocked": [blocked.summary() for blocked in conflict.blocked],
                    "periods": list(conflict.periods),
                    "later": list(conflict.later),
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
            return [say("There is a plan: nothing to explain.")]
        if self.status is Status.UNBOUNDED:
            return self.ray.lines() if self.ray else [say("Some price makes money without end.")]
        if not self.conflicts and self.within_tolerance:
            return [
                say("the limits miss a plan by less than the solver can tell: round the figures")
            ]
        if not self.conflicts:
            return [say("no plan meets the recipes and balances, whatever the limits")]
        lines = []
        for number, conflict in enumerate(self.conflicts, 1):
            several = f" {number}" if len(self.conflicts) > 1 else ""
            when = _when(conflict.periods)
            lines.append(
                say(
                    "Conflict{several}: these cannot hold together{when}",
                    several=several,
                    when=when,
                )
            )
            lines += [f"  {text}" for text in (*conflict.texts, *conflict.later)]
            if conflict.remedies:
                rest = say(", the others remain") if several else ""
                lines.append(say("  any one of these changes ends it{rest}:", rest=rest))
                lines += [f"    {change.text}" for change in conflict.remedies]
            lines += [f"  {blocked.text}" for blocked in conflict.blocked]
        if self.together and (len(self.conflicts) > 1 or not self.conflicts[0].remedies):
            lines.append(say("Changes that together make a plan:"))
            lines += [f"  {change.text}" for change in self.together]
        if self.verified:
            lines.append(say("Solved again with the changes: there is a plan."))
        return lines


@python_strings()
def explain(scenario: Scenario, make: Make = programme_of) -> Explanation:
    """Why a scenario has no plan; an explanation with status optimal if it has one.

    `make`: of what programme (the scenario's own); `coalition` asks why members cannot stand alone.
    """
    m, compiled = make(scenario)
    outcome = optimum(compiled.program).outcome
    if outcome.status is Status.UNBOUNDED:
        ray = endless_gain(m, compiled)
        return Explanation(scenario.name, Status.UNBOUNDED, ray=ray)
    if outcome.status is not Status.INFEASIBLE:
        return Explanation(scenario.name, Status.OPTIMAL)
    return _Search(scenario, compiled, conditions(m, compiled), make).run()


def reason(explanation: Explanation, status: Status) -> str:
    """The explanation as one text, for the message of a solve that ended so without a plan."""
    if explanation.status is not status:
        return say("HiGHS reports the scenario as {value}", value=status.value)
    return str(explanation)


class _Search:
    """Every independent conflict, its remedies, and changes that mend all."""

    def __init__(
        self, scenario: Scenario, compiled: Compiled, conditions: list[Condition], make: Make
    ) -> None:
        self.scenario, self.compiled = scenario, compiled
        self.all = conditions
        self.conflicts = Conflicts(compiled, conditions)
        self.remedies = Remedies(scenario, compiled, self.conflicts, make)

    def run(self) -> Explanation:
        """The explanation."""
        sets = self._irreducible_sets()
        none = np.zeros(len(self.all), dtype=bool)
        if not sets:
            near = self.conflicts.has_plan(none)
            return Explanation(self.scenario.name, Status.INFEASIBLE, within_tolerance=near)
        conflicts = tuple(self._conflict(conflict, sets) for conflict in sets)
        # Where what must be handled is lowered, what needs it may have to follow.
        together = self.remedies.together(self._flags(sets)) or self.remedies.together(~none)
        tried = len(conflicts) == 1 and len(together) == 1 and together[0] in conflicts[0].remedies
        verified = tried or (bool(together) and self.remedies.has_plan(together, none))
        if not verified:
            each = _largest([c.remedies[0] for c in conflicts if c.remedies])
            if len(each) and self.remedies.has_plan(each, none):
                together, verified = each, True
        return Explanation(self.scenario.name, Status.INFEASIBLE, conflicts, together, verified)

    def _flags(self, sets: list[list[int]]) -> NDArray[np.bool_]:
        return np.isin(np.arange(len(self.all)), [number for one in sets for number in one])

    def _irreducible_sets(self) -> list[list[int]]:
        """Conflicts, each irreducible; of those found, what the cheapest repair changes gives
        way (the rest may be in other conflicts), until there is a plan."""
        conflicts = self.conflicts
        granted = np.zeros(len(self.all), dtype=bool)
        repair = conflicts.repair(decisions=False)
        sets: list[list[int]] = []
        decisions = False
        while len(sets) < _MOST_CONFLICTS:
            fractional = conflicts.has_fractional_plan(granted)
            if fractional and conflicts.has_integer_plan(granted):
                break
            if fractional and not decisions:
                # With decisions as fractions there is a plan: the decisions take part.
                decisions = True
                repair |= conflicts.repair(decisions=True)
            conflict = conflicts.conflict(granted, decisions=fractional)
            if not conflict:
                break
            sets.append(conflict)
            giving = [number for number in conflict if repair[number]] or conflict
            granted[giving] = True
        return sets

    def _conflict(self, conflict: list[int], sets: list[list[int]]) -> Conflict:
        """A conflict in words, with the least change of each condition that ends it alone (what
        stands in other conflicts given way)."""
        granted = self._flags(sets)
        granted[conflict] = False
        remedies: list[Change] = []
        blocked: list[Blocked] = []
        for number in sorted(conflict, key=lambda n: self.all[n].kind.weight):
            answer = self.remedies.of(number, granted)
            if isinstance(answer, Blocked):
                blocked.append(answer)
            else:
                remedies += answer
        conditions = tuple(self.all[number] for number in conflict)
        texts = tuple(describe(c) for c in conditions)
        periods = self._periods(conflict, granted)
        later = _later(self.scenario, conditions, periods)
        return Conflict(conditions, texts, tuple(remedies), tuple(blocked), periods, later)

    def _periods(self, conflict: list[int], granted: NDArray[np.bool_]) -> tuple[str, ...]:
        """The periods in which a conflict arises: those of the rows that ask for the least change
        (the duals prove it). None where they do not tell."""
        order = [p.name for p in self.scenario.periods]
        outcome = self.conflicts.least(conflict[-1], granted)
        if len(order) < 2 or outcome.row_dual is None:
            return ()
        asked = np.abs(outcome.row_dual) > _NOISE * np.abs(outcome.row_dual).max(initial=0.0)
        periods = {
            int(period)
            for family in self.compiled.families.values()
            if "period" in family.over and len(family.over) > 1
            for period in family.items["period"][asked[family.rows]]
        }
        return tuple(name for n, name in enumerate(order) if n in periods)


def _later(
    scenario: Scenario, conditions: tuple[Condition, ...], periods: tuple[str, ...]
) -> tuple[str, ...]:
    """Candidates that would take what is too much, or make what is too little, and cannot be built
    yet."""
    asked = {
        (c.kind.relieved_by, scenario.frame(c.cell.sheet).at[c.cell.row, "material"])
        for c in conditions
        if c.kind.relieved_by
    }
    if not periods or not asked:
        return ()
    start = {p.name: p.start for p in scenario.periods}
    conflict_ends = next(p.start + p.years for p in scenario.periods if p.name == periods[0])
    recipes = scenario.frame("Recipes").set_index(["role", "material"])["technology"]
    fitting = recipes[recipes.index.isin(asked)]
    table = scenario.tables["Units"]
    units = table.frame
    units = units[(units["status"] == "candidate") & units["technology"].isin(fitting)]
    remarks = []
    for row, unit, earliest, wait in units[
        ["unit", "earliest_period", "construction_years"]
    ].itertuples(name=None):
        decided = start.get(earliest, 0)
        if decided >= conflict_ends:
            column, when = "earliest_period", say("be built before {earliest}", earliest=earliest)
        elif decided + wait >= conflict_ends:
            column, when = (
                "construction_years",
                say("serve before year {decided:.0f} of the horizon", decided=decided + wait),
            )
        else:
            continue
        cell = table.cell(int(row), column)
        words = say("{cell}: {unit} would help, but cannot {when}", cell=cell, unit=unit, when=when)
        remarks.append(plain(words))
    return tuple(remarks)


def _when(periods: tuple[str, ...]) -> str:
    """In which periods, the first few by name."""
    if not periods:
        return ""
    more = say(" and {count} more periods", count=len(periods) - 3) if len(periods) > 4 else ""
    listed = plain(", ".join(periods[:3] if more else periods) + more)
    return say_n(" in {listed}", " in {listed}", len(periods), listed=listed)


def _largest(changes: list[Change]) -> tuple[Change, ...]:
    """One change per cell, the one that goes farthest."""
    best: dict[str, Change] = {}
    for change in changes:
        other = best.setdefault(str(change.cell), change)
        if change.after is not None and other.after is not None and other.before is not None:
            farther = abs(change.after - other.before) > abs(other.after - other.before)
            best[str(change.cell)] = change if farther else other
    return tuple(best.values())


def describe(condition: Condition) -> str:
    """A condition in the planner's words, its cell first."""
    figure = f"{number_text(condition.figure)} {condition.unit}".strip()
    words = say(condition.kind.words, figure=figure, where=condition.where)
    return plain(f"{condition.cell}: {words}")


__all__ = ["Change", "Conflict", "Explanation", "explain", "outward", "reason", "with_changes"]
