"""A programme with goals as rows: any of them can be the objective, or be held within limits.

    value       discounted income − costs                     million currency
    synergy     discounted synergy                            million currency
    jobs        jobs of units in service times years          job-years
    emission:…  emitted over the horizon                      t
    disposed    waste disposed of over the horizon            t
    plan        the scenario's own objective                  million currency

The goals are appended to the programme as free rows, so that one compiled model serves every
question that is put to it. Goals are unweighted: the sheet Goals acts on `plan` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from circflow.data.coded import Floats
from circflow.data.scenario import Scenario
from circflow.i18n import say
from circflow.solution.solution import NoPlan, Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.solver.scaling import Scaling, scaling_of
from circflow.studies.bench.arrays import Built, Choice, Decisions, built, choice_of
from circflow.studies.bench.series import Series
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import meant

PLAN = "plan"


@dataclass(frozen=True)
class Goal:
    """A linear function of the plan: coefficients · x + constant."""

    name: str
    unit: str
    coefficients: Floats
    constant: float
    maximise: bool

    @property
    def sign(self) -> float:
        """+1 where more is better, −1 where less is."""
        return 1.0 if self.maximise else -1.0

    def __call__(self, x: Floats) -> float:
        """The goal at a plan."""
        return float(self.coefficients @ x) + self.constant


def goals_of(one: Built, currency: str) -> dict[str, Goal]:
    """Every goal of a scenario, `plan` among them."""
    program = one.compiled.program
    million = f"million {currency}"
    goals = {PLAN: Goal(PLAN, million, -program.cost, -program.offset, True)}
    for label in one.forms.labels:
        if label[0] == "goal":
            name = label[1]
            coefficients, constant = one.forms.row(label)
            unit = {"value": million, "synergy": million, "jobs": "job-years"}.get(name, "t")
            more = name in ("value", "synergy", "jobs")
            goals[name] = Goal(name, unit, coefficients, constant, more)
    return goals


class Goals:
    """A scenario's programme with goals as rows, to be optimised again and again."""

    def __init__(
        self, scenario: Scenario, decisions: Decisions, gap: float, time_limit: float | None
    ) -> None:
        """`gap` and `time_limit` (seconds): of each search."""
        self.scenario, self.gap, self.time_limit = scenario, gap, time_limit
        self.built = built(scenario, decisions)
        self.goals = goals_of(self.built, scenario.settings.currency)
        self.program = self.built.compiled.program
        self.rows: dict[str, int] = {}
        self.start: Floats | None = None
        """A plan that searches start from: the last one found."""
        self.linear = Series()
        """Of linear programmes: what each starts from."""

    def goal(self, name: str) -> Goal:
        """A goal by name. Raises `StudyError` where there is none."""
        if name not in self.goals:
            names = [n for n in self.goals if n != PLAN]
            raise StudyError(
                "there is no goal {name!r}{meant}; goals are {names}",
                name=name,
                meant=meant(name, names),
                names=", ".join(names),
            )
        return self.goals[name]

    def add_rows(self, rows: Mapping[str, Goal]) -> None:
        """Append goals as free rows. To be called once, before anything is solved."""
        count = self.program.shape[0]
        self.rows = {name: count + n for n, name in enumerate(rows)}
        more = np.array([g.coefficients for g in rows.values()])
        self.program = self.program.with_rows(more, -np.inf, np.inf)
        self.goals.update(rows)

    def twin(self) -> Goals:
        """The same programme, to be optimised from where this one is."""
        twin = copy(self)
        twin.linear = self.linear.twin()
        return twin

    def begin_at(self, start: Floats, linear: Series) -> Goals:
        """The same programme, to be optimised from a plan and what was solved last."""
        twin = copy(self)
        twin.start, twin.linear = start, linear.twin()
        return twin

    def relaxed(self) -> Goals:
        """The same with decisions that may be fractions, for bounds."""
        twin = self.twin()
        twin.program = self.program.relaxed()
        twin.start = None
        return twin

    def optimise(self, goal: Goal, limits: Mapping[str, tuple[float, float]]) -> Outcome:
        """The plan best for a goal while other goals stay within limits (low, high).

        With yes/no decisions the LP with the decisions found is solved again, for duals. The
        outcome's objective is the goal's value; `row_dual` is per unit of the goal.
        """
        (asked, size), limit = self._asked(goal, limits), self.time_limit
        if self.program.has_decisions:
            outcome = optimum(asked, gap=self.gap, time_limit=limit, start=self.start).outcome
        else:
            self.linear.scaling = self._scaling
            outcome = self.linear.solve(asked, limit)
        return self._of_goal(goal, outcome, size)

    @cached_property
    def _scaling(self) -> Scaling:
        return scaling_of(self.program)

    def _asked(
        self, goal: Goal, limits: Mapping[str, tuple[float, float]]
    ) -> tuple[Program, float]:
        """The programme with the objective and the limits, and the factor that brings costs to a
        usual size."""
        scale = self._scaling.columns
        usual = np.abs(self.program.cost * scale)
        costs = np.abs(goal.coefficients * scale)
        size = 1.0
        if (costs > 0.0).any() and (usual > 0.0).any():
            ratio = np.median(usual[usual > 0.0]) / np.median(costs[costs > 0.0])
            size = float(np.exp2(np.round(np.log2(ratio))))
        asked = self.program.with_costs(-goal.sign * goal.coefficients * size, offset=0.0)
        if self.rows:
            rows = np.array(list(self.rows.values()), dtype=np.intp)
            free = (-np.inf, np.inf)
            bounds = np.array([limits.get(name, free) for name in self.rows])
            constants = np.array([self.goals[name].constant for name in self.rows])
            bounds = bounds - constants[:, None]
            asked = asked.with_limits(rows, bounds[:, 0], bounds[:, 1])
        return asked, size

    def _of_goal(self, goal: Goal, outcome: Outcome, size: float) -> Outcome:
        if outcome.x is None:
            return outcome
        self.start = outcome.x
        dual = None if outcome.row_dual is None else -goal.sign * outcome.row_dual / size
        bound = -goal.sign * outcome.bound / size + goal.constant
        return replace(outcome, objective=goal(outcome.x), bound=bound, row_dual=dual)


def none_because(status: Status) -> str:
    """Why a search ended without a plan, in words; "" where it has one."""
    return {
        Status.INFEASIBLE: say("no plan meets all limits: `circflow explain` says which collide"),
        Status.UNBOUNDED: say("the goal grows without end: `circflow explain` says how"),
        Status.STOPPED: "the time limit was reached before a plan was found",
    }.get(status, "")


def no_plan(scenario: Scenario, outcome: Outcome) -> NoPlan:
    """That a study's scenario has no plan."""
    return NoPlan(scenario.name, outcome.status, none_because(outcome.status))


def with_decisions(
    scenario: Scenario,
    decisions: Decisions,
    *,
    gap: float,
    time_limit: float | None = None,
    rated: bool = False,
) -> tuple[Built, Choice]:
    """The scenario's arrays; where decisions are fixed, as in its own best plan, and which.

    Raises `NoPlan` where it has none. `rated` as of `built`.
    """
    if decisions != "fixed":
        return built(scenario, decisions, rated=rated), {}
    free = built(scenario, "free", rated=rated)
    if not free.compiled.program.has_decisions:
        return free, {}
    outcome = optimum(free.compiled.program, gap=gap, time_limit=time_limit).outcome
    if outcome.x is None:
        raise no_plan(scenario, outcome)
    choice = choice_of(free.model, free.compiled, outcome.x)
    return built(scenario, "fixed", choice, rated=rated), choice


def decisions_of(program: Program, x: Floats) -> Floats:
    """The yes/no decisions of a plan."""
    return np.asarray(np.round(x[program.integer]))
