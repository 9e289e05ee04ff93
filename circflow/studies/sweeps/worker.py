"""One run, or a block of runs, of a study: what is sent to a worker and what comes back.

A worker gets the study once, as a `Job`, then tasks by the thousand. A task's result depends
on the job and the task alone, so it is the same on any worker and in any order: a block of
linear programmes always starts from the basis of the scenario itself, a search over decisions
from the plan of the scenario itself, each in a session of its own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.coded import Floats
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Basis, Outcome, SolverError
from circflow.solver.optimum import optimum
from circflow.solver.run import read_tables
from circflow.solver.scaling import Scaling
from circflow.studies.bench.arrays import Choice, Decisions, Difference, Snapshot, built, difference
from circflow.studies.bench.goals import none_because
from circflow.studies.bench.series import Series
from circflow.studies.bench.store import Result
from circflow.studies.sweeps.affine import Affine
from circflow.studies.sweeps.design import Parameter, Point, changed, edits_of

CHECK_TOLERANCE = 1e-7
"""Largest relative difference between a run and a cold build of the same scenario."""


FAILED = "failed"


@dataclass(frozen=True)
class Options:
    """How every run is solved."""

    decisions: Decisions = "free"
    gap: float = 1e-6
    time_limit: float | None = None
    """Seconds per run."""
    keep: tuple[str, ...] = ()
    """Tables of the plan to keep."""


@dataclass(frozen=True)
class Start:
    """Where every run starts from, if from anywhere: the scales, the basis and the plan of the
    scenario itself."""

    scaling: Scaling | None = None
    basis: Basis | None = None
    x: Floats | None = None


@dataclass(frozen=True)
class Job:
    """All that the runs of a study have in common."""

    scenario: Scenario
    parameters: tuple[Parameter, ...]
    options: Options
    base: Snapshot
    start: Start = field(default_factory=Start)
    affine: Affine | None = None
    choice: Choice = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """Runs to be done one after another, numbers and points: by updating arrays, or rebuilt."""

    runs: tuple[tuple[int, Point], ...]
    rebuild: bool = False


@dataclass(frozen=True)
class Run:
    """What a run gave."""

    number: int
    status: str
    """optimal, feasible, infeasible, unbounded, stopped; invalid: no scenario; failed: its worker
    died, the solver could not finish, or its plan contradicts its proof or a cold build."""
    objective: float = np.nan
    figures: Floats | None = None
    """Every form (see `circflow.studies.bench.totals_rows`)."""
    labels: tuple[tuple[str, ...], ...] | None = None
    """The forms' labels, where they are not those of the base."""
    seconds: float = 0.0
    how: str = "updated"
    """updated or rebuilt."""
    reason: str = ""
    gap: float = np.nan
    tables: dict[str, Any] | None = None

    def result(self) -> Result:
        """As a store keeps it; tables are CSV."""
        content = {name: getattr(self, name) for name in _STORED}
        tables = self.tables or {}
        content["tables"] = {
            name: table.to_csv(index=False, float_format="%.17g") for name, table in tables.items()
        }
        return Result(str(self.number), content, self.figures)

    @staticmethod
    def stored(result: Result) -> Run:
        """The run that a store has kept."""
        content: dict[str, Any] = dict(result.content)
        labels, texts = content.pop("labels"), content.pop("tables")
        rest: dict[str, Any] = {
            name: np.nan if value is None else value for name, value in content.items()
        }
        return Run(
            int(result.key),
            **rest,
            figures=result.figures,
            labels=None if labels is None else tuple(map(tuple, labels)),
            tables={name: pd.read_csv(io.StringIO(text)) for name, text in texts.items()} or None,
        )


_STORED = ("status", "objective", "labels", "seconds", "how", "reason", "gap")


def work(job: Job, task: Task) -> list[Run]:
    """Do the runs of a task."""
    linear = Series(job.start.scaling, job.start.basis)
    way = _rebuilt if task.rebuild else partial(_updated, linear)
    return [_attempt(way, job, number, point) for number, point in task.runs]


def _attempt(way: Callable[[Job, int, Point], Run], job: Job, number: int, point: Point) -> Run:
    """A run, or that it failed: one that the solver cannot finish must not stop the others."""
    begun = time.perf_counter()
    try:
        return way(job, number, point)
    except SolverError as error:
        seconds = time.perf_counter() - begun
        return Run(number, FAILED, seconds=seconds, how="rebuilt", reason=str(error))


def _run_of(
    number: int,
    outcome: Outcome,
    begun: float,
    figures: Callable[[Floats], Floats],
    how: str = "updated",
) -> Run:
    """How a run ended; `figures` gives those of its plan."""
    ending, x = outcome.status, outcome.x
    run = Run(number, ending.value, how=how, reason=none_because(ending))
    if x is not None:
        worth = -outcome.objective
        run = replace(run, objective=worth, figures=figures(x), reason="", gap=outcome.gap)
    return replace(run, seconds=time.perf_counter() - begun)


def _updated(linear: Series, job: Job, number: int, point: Point) -> Run:
    """A run on updated arrays: from the basis of the one before, or with yes/no decisions, which
    are searched from the plan of the scenario itself."""
    affine = job.affine
    assert affine is not None
    begun = time.perf_counter()
    program = affine.base.program(affine.figures(point))
    if program.has_decisions:
        outcome = search(program, job.start, job.options)
    else:
        outcome = linear.solve(program, job.options.time_limit)
    return _run_of(number, outcome, begun, partial(affine.totals, point=point))


def search(program: Program, start: Start, options: Options) -> Outcome:
    """The best plan, proven (as `circflow.solve` finds it); prices with the decisions fixed."""
    return optimum(
        program,
        time_limit=options.time_limit,
        gap=options.gap,
        start=start.x,
        scaling=start.scaling,
        light=True,
    ).outcome


# ------------------------------------------------------------------- rebuilt


def _rebuilt(job: Job, number: int, point: Point) -> Run:
    """A run whose model is built anew, with the tables that are to be kept."""
    begun = time.perf_counter()
    try:
        scenario = changed(job.scenario, edits_of(job.parameters, point))
    except ScenarioError as error:
        return invalid(number, error, time.perf_counter() - begun)
    one = built(scenario, job.options.decisions, job.choice)
    structure, base = one.snapshot.structure, job.base.structure
    start = job.start if structure.same(base) else Start()  # else of another programme
    outcome = _solved(one.compiled.program, start, job.options)
    run = _run_of(number, outcome, begun, one.snapshot.totals, how="rebuilt")
    if outcome.x is None:
        return run
    tables = None
    if job.options.keep:
        fixed = one.compiled.program.has_decisions or job.options.decisions == "fixed"
        every = read_tables(one.model, one.compiled, outcome, fixed=fixed)
        tables = {name: getattr(every, name) for name in job.options.keep}
    labels = None if structure.labels == base.labels else structure.labels
    return replace(run, labels=labels, seconds=time.perf_counter() - begun, tables=tables)


def _solved(program: Program, start: Start, options: Options) -> Outcome:
    if not program.has_decisions and start.basis is not None:
        return Series(start.scaling, start.basis).solve(program, options.time_limit)
    return search(program, start, options)


def invalid(number: int, error: ScenarioError | str, seconds: float = 0.0) -> Run:
    """A run whose scenario cannot be used, and why."""
    words = (
        error
        if isinstance(error, str)
        else "; ".join(str(p) for p in error.problems if p.severity == "error")
    )
    return Run(number, "invalid", seconds=seconds, how="rebuilt", reason=words)


def compiled(job: Job, point: Point) -> Difference | ScenarioError | None:
    """The arrays of a point, as the difference from the base."""
    try:
        scenario = changed(job.scenario, edits_of(job.parameters, point))
    except ScenarioError as error:
        return error
    rated = job.base.money is not None
    one = built(scenario, job.options.decisions, job.choice, rated=rated)
    return difference(one.snapshot, job.base)


def checked(job: Job, one: tuple[Point, Run]) -> str:
    """Build and solve a run from nothing; what differs, or ""."""
    point, run = one
    number = run.number
    bare = replace(job, options=replace(job.options, keep=()), start=Start())
    cold = _attempt(_rebuilt, bare, number, point)
    stopped = {Status.FEASIBLE.value, Status.STOPPED.value, FAILED}
    if cold.status in stopped or run.status in stopped:
        return ""
    if cold.status != run.status:
        return say(
            "run {number} is {status}, but a cold build is {status_2}",
            number=number,
            status=run.status,
            status_2=cold.status,
        )
    allowed = CHECK_TOLERANCE
    if job.base.structure.integer.any():
        allowed += 2.0 * job.options.gap
    size = max(abs(cold.objective), 1e-6)
    if abs(cold.objective - run.objective) > allowed * size:
        return say(
            "run {number} has the objective {objective:.12g}, but a cold build has "
            "{objective_2:.12g}",
            number=number,
            objective=run.objective,
            objective_2=cold.objective,
        )
    return ""
