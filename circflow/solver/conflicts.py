"""Irreducible sets of conditions that cannot hold together, yes/no decisions included.

The elastic filter and a deletion filter (Chinneck 2008, Feasibility and Infeasibility in
Optimization, ch. 6) over the scenario's cells, so that bounds take part. Where the LP alone has no
plan, both filters run on it, which is quick; what they leave is put through the deletion filter
once more with the decisions as yes or no, as a condition that the LP needs may not be needed then.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from circflow.data.coded import Flags, Floats
from circflow.solution.proof import breach
from circflow.solver.compiled import Compiled, Program
from circflow.solver.elastic import Condition, Running, elastic
from circflow.solver.highs import TOLERANCE, Outcome
from circflow.solver.optimum import HOLDS, optimum
from circflow.solver.proven import Proven

NOISE = 1e-7
"""A change below this share of the figure is none."""


class Conflicts:
    """Looks for conflicts and least changes on the elastic programme of a scenario.

    `granted` always flags conditions that give way at no cost; all others hold.
    """

    def __init__(self, compiled: Compiled, conditions: list[Condition]) -> None:
        self.elastic = elastic(compiled.program, conditions)
        self.count = len(conditions)
        self.sizes: Floats = (
            np.array([c.kind.weight for c in conditions], dtype=float) / self.elastic.weights
        )
        """What a change is measured by: the figure, 1 where there is none."""
        self.feasibility = Feasibility(self.elastic.program, self.elastic.running)

    def has_plan(self, granted: Flags) -> bool:
        """Whether there is a plan, decisions yes or no, where what is granted gives way."""
        return self.has_fractional_plan(granted) and self.has_integer_plan(granted)

    def has_fractional_plan(self, granted: Flags) -> bool:
        """Whether there is a plan with decisions as fractions."""
        return self._solve(granted, decisions=False).x is not None

    def has_integer_plan(self, granted: Flags) -> bool:
        """Whether there is a plan, where there is one with decisions as fractions."""
        return self._solve(granted, decisions=True).x is not None

    def repair(self, *, decisions: bool) -> Flags:
        """The conditions that the cheapest changes of all give way."""
        free = np.ones(self.count, dtype=bool)
        outcome = self._solve(free, self.elastic.weights, decisions=decisions)
        if outcome.x is None:
            return np.zeros(self.count, dtype=bool)
        return self.changed(outcome)

    def changed(self, outcome: Outcome) -> Flags:
        """The conditions that give way in a plan."""
        x = outcome.x
        assert x is not None
        amounts = x[self.elastic.changes].copy()
        for number, condition in enumerate(self.elastic.conditions):
            if condition.scaled and amounts[number] > 0.0:  # from units of its rows to its own
                amounts[number] = condition.shift(self.elastic, x)
        return np.asarray(amounts > NOISE * self.sizes)

    def cheapest(self, allowed: Flags) -> Outcome:
        """The plan with the cheapest changes of some conditions."""
        return self._solve(allowed, self.elastic.weights, decisions=True)

    def least(self, number: int, granted: Flags) -> Outcome:
        """The plan with the least change of one condition, what is granted given way."""
        free = granted.copy()
        free[number] = True
        costs = np.zeros(self.count)
        costs[number] = 1.0 / self.sizes[number]
        return self._solve(free, costs, decisions=True)

    def keep_from_above(self, condition: Condition, amount: float | None) -> None:
        """Where the cell of a figure lowered by `amount` bounds from above as well, no more than
        what is left (None: as it was). That a stream must be handled is given way without this,
        that it arises is not."""
        at = np.array(condition.kept, dtype=np.intp)
        upper = self.elastic.program.upper[at]
        if amount is not None:
            upper = np.minimum(upper, max(condition.figure - amount, 0.0))
        feasibility = self.feasibility
        lower = self.elastic.program.lower[at]
        feasibility.program = feasibility.program.with_bounds(at, lower, upper)

    def conflict(self, granted: Flags, *, decisions: bool) -> list[int]:
        """An irreducible set of conditions that cannot hold together, none of them granted.

        There must be no plan with what is granted (`decisions`: but one with decisions as
        fractions). Empty where none of the conditions matters.
        """
        everything = np.ones(self.count, dtype=bool)
        if not self.has_plan(everything):
            return []
        kept = self._deleted(self._elastic_filter(granted, decisions), decisions)
        if not decisions and self.feasibility.has_decisions:
            kept = self._deleted(kept, True)
        return sorted(kept)

    def _elastic_filter(self, granted: Flags, decisions: bool) -> set[int]:
        """Conditions that contain a conflict: those that the cheapest changes give way, time and
        again, are held until no plan is left."""
        enforced = np.zeros(self.count, dtype=bool)
        costs = np.where(granted, 0.0, self.elastic.weights)
        while True:
            outcome = self._solve(~enforced, costs, decisions=decisions)
            if outcome.x is None:
                break
            changed = self.changed(outcome) & ~enforced & ~granted
            if not changed.any():  # too small to tell: all of them contain it
                enforced = ~granted
                break
            enforced |= changed
        return set(np.flatnonzero(enforced).tolist())

    def _deleted(self, candidates: set[int], decisions: bool) -> set[int]:
        """The deletion filter. What is physical is tried for removal last, so that policy is not
        blamed for it."""
        kept = set(candidates)
        for number in sorted(candidates, key=lambda n: self.elastic.conditions[n].kind.weight):
            without = np.ones(self.count, dtype=bool)
            without[list(kept - {number})] = False
            if self._solve(without, decisions=decisions).x is None:
                kept.remove(number)
        return kept

    def _solve(self, free: Flags, costs: Floats | None = None, *, decisions: bool) -> Outcome:
        """Solve with the changes of `free` conditions allowed, at a cost or at none."""
        most = np.where(free, self.elastic.most, 0.0)
        changes, feasibility = self.elastic.changes, self.feasibility
        program = feasibility.program.with_bounds(changes, 0.0, most)
        feasibility.program = program.with_costs(0.0 if costs is None else costs, changes)
        return feasibility.solve(decisions=decisions)


class Feasibility:
    """A programme without its goal: as an LP, and with the decisions as yes or no, exactly.

    `running`: the rows that hold with decisions where capacities give way.
    """

    def __init__(self, program: Program, running: Running | None = None) -> None:
        self.program, self.running = program.without_goal(), running
        self.has_decisions = program.has_decisions
        self.linear = Proven(self.program.relaxed())

    def solve(self, *, decisions: bool = True) -> Outcome:
        """The best plan, proven, with its decisions exactly yes or no where they are asked for."""
        self.linear.change_to(self.program.relaxed())
        outcome = self.linear.resolve()
        if not (decisions and self.has_decisions) or outcome.x is None:
            return outcome
        held = self.running.hold(self.program, outcome.x) if self.running else self.program
        rounded = np.where(held.integer, np.round(outcome.x), outcome.x)
        if np.abs(rounded - outcome.x).max() <= TOLERANCE and breach(held, rounded) <= HOLDS:
            return replace(outcome, x=rounded)  # no search finds a better one
        return optimum(held, gap=TOLERANCE, integrality=TOLERANCE).outcome
