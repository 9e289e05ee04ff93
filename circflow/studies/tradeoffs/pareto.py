"""The trade-off between two goals: plans in which one can only be had at the cost of the other.

ε-constraint method (Haimes, Lasdon and Wismer 1971), each point made efficient by a second solve:
the first goal is optimised while the second is at least as good as ε, then the second while the
first stays at its optimum (the lexicographic form; Mavrotas 2009). The ends are found the same
way without a limit, the limits between them are evenly spaced. One compiled model serves all; every
point starts from the best plan for the second goal, which meets all limits.

The marginal cost at a point is the dual of its limit: what the first goal loses per unit that the
second gains. It is that of the linear programme, with the yes/no decisions of the point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.result import Result
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import mark, say, say_n
from circflow.solution.solution import Status
from circflow.studies.bench.arrays import Decisions
from circflow.studies.bench.engine import Engine
from circflow.studies.bench.goals import Goal, Goals, no_plan
from circflow.studies.bench.series import Series
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.sweep import plan_row

SLACK = 1e-7
"""Share of a goal's span by which the second solve may lose of the first goal."""


@dataclass(frozen=True, repr=False)
class Front(Result):
    """The efficient plans found, from the best for the first goal to the best for the second."""

    scenario: Scenario = field(repr=False)
    goals: tuple[str, str]
    units: tuple[str, str]
    table: pd.DataFrame
    """point, the two goals (their names with the unit), marginal_cost (currency, or units of the
    first goal, lost per unit that the second gains; NaN at the first point), marginal_unit,
    average_cost (the same from the point before), status, the totals, built."""
    plans: tuple[np.ndarray, ...] = field(repr=False)
    """The programme's columns at every point."""
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        points = say_n("{n:,} point", "{n:,} points", len(self.table))
        return f"{' against '.join(self.goals)}: {points}"

    def write(self, path: str | Path) -> None:
        """Write the points as .csv, .parquet, .json or .xlsx."""
        from circflow.report.study_tables import write_runs

        write_runs({"pareto": self.table}, path, self.scenario)


@dataclass(frozen=True)
class _Point:
    first: float
    second: float
    x: np.ndarray
    marginal: float
    exact: bool
    linear: Series


@public
def pareto(  # noqa: PLR0913
    scenario: Scenario,
    trade: Sequence[str] = ("value", "emission:CO2"),
    *,
    points: int = 11,
    decisions: Decisions = "free",
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Front:
    """The trade-off curve between two goals.

    Args:
        scenario: from `circflow.read`.
        trade: two of `value`, `synergy`, `jobs`, `emission:<pollutant>`, `disposed` (the first
            three are maximised, the others minimised; see `circflow.studies.bench.goals`).
        points: how many, the two ends included; fewer where some coincide.
        decisions: yes/no decisions `free` or `relaxed`.

    The other arguments as in `circflow.sweep`.

    Raises:
        StudyError: goals that do not exist.
        NoPlan: the scenario has no plan.
    """
    begun = time.perf_counter()
    if len(trade) != 2 or trade[0] == trade[1]:
        raise StudyError("name two different goals to trade")
    with Engine(jobs, dask=dask, tell=progress) as engine:
        engine.tell(say("compiling the model"))
        goals = Goals(scenario, decisions, gap, time_limit)
        first, second = (goals.goal(name) for name in trade)
        goals.add_rows({first.name: first, second.name: second})
        curve = _Curve(goals, first, second)
        plans = engine.spread(_Curve.end, curve, (0, 1), mark("ends of the curve"))
        span = np.linspace(plans[0].second, plans[-1].second, points)[1:-1]
        if abs(plans[-1].second - plans[0].second) > curve.noise(second, plans):
            curve = replace(curve, goals=goals.begin_at(plans[-1].x, plans[-1].linear))
            plans += engine.spread(_Curve.point, curve, span.tolist(), mark("points"))
    kept = _efficient(plans, first, second, curve)
    return _front(goals, kept, first, second, time.perf_counter() - begun)


@dataclass(frozen=True)
class _Curve:
    goals: Goals
    first: Goal
    second: Goal

    def noise(self, goal: Goal, ends: Sequence[_Point]) -> float:
        """What two values of a goal may differ by and still be one."""
        values = [abs(f.first if goal is self.first else f.second) for f in ends]
        return 1e-6 * max([*values, 1e-9]) if values else 0.0

    def end(self, last: int) -> _Point:
        """The best plan for the first goal, or for the second (1); efficient."""
        best, other = (self.second, self.first) if last else (self.first, self.second)
        return self._efficient(best, other, {})

    def point(self, limit: float) -> _Point:
        """The best plan for the first goal while the second is at least as good as the limit."""
        second = self.second
        bounds = {second.name: (limit, np.inf) if second.maximise else (-np.inf, limit)}
        return self._efficient(self.first, second, bounds)

    def _efficient(self, best: Goal, other: Goal, bounds: dict[str, tuple[float, float]]) -> _Point:
        """Of the plans that are best for one goal, one that is best for the other as well."""
        goals = self.goals.twin()
        outcome = goals.optimise(best, bounds)
        if outcome.x is None:
            raise no_plan(goals.scenario, outcome)
        marginal = np.nan
        if bounds and outcome.row_dual is not None:
            per_unit = outcome.row_dual[goals.rows[other.name]]
            # What the first goal loses (in its own sense) per unit that the second gains.
            marginal = max(0.0, -per_unit * best.sign * other.sign) + 0.0
        reached = best(outcome.x)
        gap = goals.gap if goals.program.has_decisions else 0.0
        slack = max(abs(reached), 1e-9) * max(SLACK, gap)
        held = (reached - slack, np.inf) if best.maximise else (-np.inf, reached + slack)
        again = goals.optimise(other, {**bounds, best.name: held})
        x = outcome.x if again.x is None else again.x
        exact = outcome.status is Status.OPTIMAL and again.status is Status.OPTIMAL
        return _Point(self.first(x), self.second(x), x, marginal, exact, goals.linear.twin())


def _efficient(points: Sequence[_Point], first: Goal, second: Goal, curve: _Curve) -> list[_Point]:
    """The points that no other one dominates, each once, from the first goal's best on."""
    near = curve.noise(first, points), curve.noise(second, points)
    ordered = sorted(points, key=lambda f: (-first.sign * f.first, -second.sign * f.second))
    kept: list[_Point] = []
    best = -np.inf
    for one in ordered:
        worth = second.sign * one.second
        if worth > best + near[1]:
            if kept and abs(one.first - kept[-1].first) <= near[0]:
                kept[-1] = one  # as good in the first goal, better in the second
            else:
                kept.append(one)
            best = worth
    return kept


def _front(
    goals: Goals, points: Sequence[_Point], first: Goal, second: Goal, seconds: float
) -> Front:
    currency = goals.scenario.settings.currency
    money = first.name in ("value", "synergy")
    factor = MILLION if money else 1.0
    unit = f"{currency} per {second.unit}" if money else f"{first.unit} per {second.unit}"
    labels = goals.built.snapshot.structure.labels
    records = []
    for n, one in enumerate(points):
        average = np.nan
        if n:
            gained = second.sign * (one.second - points[n - 1].second)
            average = first.sign * (points[n - 1].first - one.first) / gained * factor
        records.append(
            {
                "point": n + 1,
                f"{first.name} ({first.unit})": one.first,
                f"{second.name} ({second.unit})": one.second,
                "marginal_cost": one.marginal * factor,
                "average_cost": average,
                "cost_unit": unit,
                "status": "optimal" if one.exact else "feasible",
                **plan_row(labels, goals.built.snapshot.totals(one.x)),
            }
        )
    return Front(
        goals.scenario,
        (first.name, second.name),
        (first.unit, second.unit),
        pd.DataFrame(records),
        tuple(f.x for f in points),
        seconds,
    )
