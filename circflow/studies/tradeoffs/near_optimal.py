"""Plans nearly as good as the best that differ most, and what stands in all of them.

Modelling to generate alternatives (Brill, Chang and Hopkins 1982): the plan's worth may fall
short of the best by a given share at most; within that, every unit's throughput (its load over
the horizon) is driven as low and as high as it goes, which gives its exact range among all such
plans. Hop-skip-jump turns away from everything that was used so far and adds plans that differ in
many units at once. Of all plans seen, those are kept that differ most from the ones kept before
(the sum of the units' differences, each as a share of its range, and of the decisions').
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.coded import Floats
from circflow.data.result import Result, figure
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say, say_n
from circflow.solution.solution import Solution, Status
from circflow.solver.highs import Outcome
from circflow.solver.run import read_off
from circflow.studies.bench.arrays import Decisions
from circflow.studies.bench.engine import Engine
from circflow.studies.bench.goals import PLAN, Goal, Goals, decisions_of, no_plan
from circflow.studies.sweeps.sweep import plan_row

NOTHING = 1e-6
"""Share of a unit's largest throughput below which it does not run."""
_HOPS = 8


@dataclass(frozen=True, repr=False)
class Alternatives(Result):
    """Plans within a share of the best."""

    scenario: Scenario = field(repr=False)
    within: float
    best: float
    """Objective of the best plan, million currency."""
    units: pd.DataFrame
    """site, unit, status, lowest, highest (load over the horizon among all good plans,
    capacity-years), best (in the best plan), verdict (in every good plan, in some, in none),
    exact (whether both ends are proven; else they are what was found in the time given)."""
    table: pd.DataFrame
    """plan (0 is the best), objective_million, short_of_best (share), distance (to the nearest
    plan above it, 0..1), the totals, built."""
    activity: pd.DataFrame
    """plan, unit, load over the horizon (capacity-years)."""
    plans: tuple[Solution, ...] = field(repr=False)
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        return say(
            "{name}: {counted} within {within:.3g} of {best} million {currency}",
            name=self.scenario.name,
            counted=say_n("{n:,} plan", "{n:,} plans", len(self.table)),
            within=self.within,
            best=figure(self.best),
            currency=self.scenario.settings.currency,
        )

    def write(self, path: str | Path) -> None:
        """Write the tables as .xlsx, .json or a page (.html), the plans' as .csv or .parquet."""
        from circflow.report.page.runs import alternatives_opening
        from circflow.report.study_tables import write_runs

        currency = self.scenario.settings.currency
        write_runs(
            {"alternatives": self.table, "units": self.units, "activity": self.activity},
            path,
            self.scenario,
            title=say("{name}: plans nearly as good", name=self.scenario.name),
            opening=alternatives_opening(self.table, self.units, self.best, self.within, currency),
        )


@dataclass(frozen=True)
class _Plan:
    x: Floats
    shares: Floats
    """Every unit's throughput as a share of the highest, then the decisions."""
    value: float


@dataclass(frozen=True)
class _Driven:
    """A unit's throughput is driven as low and as high as it goes, from the best plan."""

    goals: Goals
    relaxed: Goals
    """The same with decisions that may be fractions."""
    best: Floats
    held: dict[str, tuple[float, float]]

    def ends(self, unit: Goal) -> tuple[list[Floats], bool]:
        """The plans at both ends, but where the best one is there, and whether all is proven."""
        goals, relaxed, plans, proven = self.goals.twin(), self.relaxed.twin(), [self.best], True
        for goal in (replace(unit, maximise=False), replace(unit, maximise=True)):
            reached = max(goal.sign * unit(x) for x in plans) * goal.sign
            if self._is_bound(relaxed, goal, reached):
                continue
            outcome = goals.optimise(goal, self.held)
            proven &= outcome.status is Status.OPTIMAL
            plans += [] if outcome.x is None else [outcome.x]
        return plans[1:], proven

    def _is_bound(self, relaxed: Goals, goal: Goal, reached: float) -> bool:
        """Whether a plan that has been seen is as far as any can go, decisions or not."""
        if not goal.maximise and reached <= 0.0:
            return True
        if not self.goals.program.has_decisions:
            return False
        outcome = relaxed.optimise(goal, self.held)
        if outcome.x is None:
            return False
        size = max(abs(outcome.objective), abs(reached), 1e-9)
        return abs(outcome.objective - reached) <= 1e-6 * size


@public
def near_optimal(  # noqa: PLR0913
    scenario: Scenario,
    within: float = 0.01,
    *,
    count: int = 6,
    decisions: Decisions = "free",
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Alternatives:
    """The plans within a share of the best that differ most, and each unit's range among them.

    Args:
        scenario: from `circflow.read`.
        within: how much of the best plan's worth may be given up; 0.01 is 1 %.
        count: how many alternatives to keep.
        decisions: yes/no decisions `free` or `relaxed`.

    The other arguments as in `circflow.sweep`; a range that is not proven in the time is marked.

    Raises:
        StudyError: an impossible share.
        NoPlan: the scenario has no plan.
    """
    with Engine(jobs, dask=dask, tell=progress) as engine:
        return _Search(scenario, within, count, decisions, gap, time_limit, engine).run()


@dataclass
class _Search:
    scenario: Scenario
    within: float
    count: int
    decisions: Decisions
    gap: float
    time_limit: float | None
    engine: Engine

    def __post_init__(self) -> None:
        self.begun = time.perf_counter()
        self.engine.tell(say("compiling the model"))
        self.goals = Goals(self.scenario, self.decisions, self.gap, self.time_limit)
        self.plan = self.goals.goal(PLAN)
        self.goals.add_rows({PLAN: self.plan})
        forms = self.goals.built.forms
        self.unit_goals = [
            Goal(label[1], "capacity-years", *forms.row(label), True)
            for label in forms.labels
            if label[0] == "activity"
        ]
        self.seen: list[_Plan] = []

    def run(self) -> Alternatives:
        self.engine.tell(say("the best plan"))
        outcome = self.goals.optimise(self.plan, {})
        if outcome.x is None:
            raise no_plan(self.scenario, outcome)
        self.first = outcome.x
        self.best = self.plan(outcome.x)
        self.floor = self.best - self.within * abs(self.best)
        extremes = self._ranges()
        most = NOTHING * max(self.highs.max(initial=0.0), 1e-9)
        self.span = np.where(self.highs > most, self.highs, np.inf)
        self.seen = [self._seen(x) for x in (self.first, *extremes)]
        self._hop()
        return self._alternatives(*self._spread())

    @property
    def _held(self) -> dict[str, tuple[float, float]]:
        # A little room, so that the best plan itself stays within the limit.
        room = 1e-9 + (self.gap if self.goals.program.has_decisions else 0.0)
        return {PLAN: (self.floor - room * abs(self.best), np.inf)}

    def _ranges(self) -> list[Floats]:
        """Every unit's lowest and highest throughput, and whether they are proven; the plans at
        these ends."""
        best = self.goals.begin_at(self.first, self.goals.linear)
        driven = _Driven(best, best.relaxed(), self.first, self._held)
        ends = self.engine.spread(_Driven.ends, driven, self.unit_goals, mark("units"))
        extremes = [x for plans, _ in ends for x in plans]
        every = np.array([self._throughput(x) for x in (self.first, *extremes)])
        self.lows, self.highs = every.min(axis=0), every.max(axis=0)
        self.exact = [proven for _, proven in ends]
        return extremes

    def _throughput(self, x: Floats) -> Floats:
        return np.array([unit(x) for unit in self.unit_goals])

    def _seen(self, x: Floats) -> _Plan:
        shares = self._throughput(x) / self.span
        decisions = decisions_of(self.goals.program, x)
        return _Plan(x, np.append(shares, decisions), self.plan(x))

    def _hop(self) -> None:
        """Plans that turn away from what the plans so far have used (hop, skip and jump)."""
        used = self.seen[0].shares[: len(self.unit_goals)].copy()
        usable = np.isfinite(self.span)
        matrix = np.array([u.coefficients for u in self.unit_goals])
        for n in range(_HOPS):
            self.engine.tell(say("alternatives: {n} of {hops}", n=n + 1, hops=_HOPS))
            mean = used / (n + 1)
            weight = np.where(usable, (mean - mean[usable].mean() if usable.any() else mean), 0.0)
            weight = weight / self.span
            away = Goal("away", "", weight @ matrix, 0.0, False)
            if not away.coefficients.any():
                return
            outcome = self.goals.optimise(away, self._held)
            if outcome.x is None:
                return
            plan = self._seen(outcome.x)
            self.seen.append(plan)
            used += plan.shares[: len(self.unit_goals)]

    def _spread(self) -> tuple[list[_Plan], list[float]]:
        """The best plan, then the one that is farthest from those chosen, again and again."""
        shares = np.array([p.shares for p in self.seen])
        size = max(shares.shape[1], 1)
        chosen = [0]
        distances = [0.0]
        nearest = np.abs(shares - shares[0]).sum(axis=1) / size
        for _ in range(min(self.count, len(self.seen) - 1)):
            n = int(np.argmax(nearest))
            if nearest[n] <= 1e-6:
                break
            chosen.append(n)
            distances.append(float(nearest[n]))
            nearest = np.minimum(nearest, np.abs(shares - shares[n]).sum(axis=1) / size)
        return [self.seen[n] for n in chosen], distances

    def _alternatives(self, chosen: Sequence[_Plan], distances: Sequence[float]) -> Alternatives:
        labels = self.goals.built.snapshot.structure.labels
        records = []
        for n, (plan, distance) in enumerate(zip(chosen, distances, strict=True)):
            short = (self.best - plan.value) / abs(self.best) if self.best else 0.0
            records.append(
                {
                    "plan": n,
                    "objective_million": plan.value,
                    "short_of_best": max(short, 0.0),
                    "distance": distance,
                    **plan_row(labels, self.goals.built.snapshot.totals(plan.x)),
                }
            )
        loads = np.array([self._throughput(plan.x) for plan in chosen])
        activity = {
            "plan": np.repeat(np.arange(len(chosen)), len(self.unit_goals)),
            "unit": [unit.name for unit in self.unit_goals] * len(chosen),
            "load_capacity_years": loads.ravel(),
        }
        return Alternatives(
            self.scenario,
            self.within,
            self.best,
            self._units(),
            pd.DataFrame(records),
            pd.DataFrame(activity),
            tuple(self._solution(n, plan) for n, plan in enumerate(chosen)),
            time.perf_counter() - self.begun,
        )

    def _units(self) -> pd.DataFrame:
        lows, highs = self.lows, self.highs
        sheet = self.scenario.frame("Units").set_index("unit")
        names = [unit.name for unit in self.unit_goals]
        scale = np.maximum(highs, 1e-9)
        runs, can = lows > NOTHING * scale, np.isfinite(self.span)
        verdict = np.where(runs & can, "in every good plan", np.where(can, "in some", "in none"))
        table = pd.DataFrame(
            {
                "site": [sheet.at[name, "site"] for name in names],
                "unit": names,
                "status": [sheet.at[name, "status"] for name in names],
                "lowest": np.where(runs, lows, 0.0),
                "highest": np.where(can, highs, 0.0),
                "best": self._throughput(self.first),
                "verdict": verdict,
                "exact": self.exact,
                "unit_of_measure": "capacity-years",
            }
        )
        order = {"in every good plan": 0, "in some": 1, "in none": 2}
        return table.sort_values(
            "verdict", key=lambda verdict: verdict.map(order), kind="stable", ignore_index=True
        )

    def _solution(self, number: int, plan: _Plan) -> Solution:
        one = self.goals.built
        gap = max(0.0, (self.best - plan.value) / abs(self.best)) if self.best and number else 0.0
        status = Status.FEASIBLE if number else Status.OPTIMAL
        outcome = Outcome(status, -plan.value, gap=gap, x=plan.x)
        relax = self.decisions == "relaxed"
        solution = read_off(one.model, one.compiled, outcome, fixed=False, relax=relax)
        solution.seconds.update(read=self.scenario.read_seconds, build=0.0, solve=0.0, total=0.0)
        return solution
