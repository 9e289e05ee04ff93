"""One run, or a block of runs, of a study: what is sent to a worker and what comes back.

A worker gets the study once, as a `Parcel`, then tasks by the thousand. A task's result depends
on the parcel and the task alone, so it is the same on any worker and in any order: a block of
linear programmes always starts from the basis of the scenario itself, a search over decisions
from the plan of the scenario itself, each in a session of its own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Basis, Ending, Outcome, Session, SolverError
from circflow.solver.optimum import optimum, proven
from circflow.solver.proven import Proven
from circflow.solver.scaling import Scaling
from circflow.studies.bench.arrays import (
    Choice,
    Decisions,
    Difference,
    Floats,
    Snapshot,
    built,
    difference,
)
from circflow.studies.bench.engine import Parcel
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
    """Where every run starts from: the scales, the basis and the plan of the scenario itself."""

    scaling: Scaling
    basis: Basis | None = None
    x: Floats | None = None


@dataclass(frozen=True)
class Job:
    """All that the runs of a study have in common."""

    scenario: Scenario
    parameters: tuple[Parameter, ...]
    options: Options
    base: Snapshot | None = None
    start: Start | None = None
    affine: Affine | None = None
    choice: Choice = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """Runs to be done one after another: numbers and points."""

    kind: str
    """`block` (arrays updated), `rebuild`, `compile` (arrays only), `check`."""
    runs: tuple[tuple[int, Point], ...]
    expected: tuple[Run, ...] = ()
    """The runs that a check compares with."""


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
        """As a store keeps it; tables are CSV, NaN is null."""
        content = {name: getattr(self, name) for name in _STORED}
        content |= {
            name: None if np.isnan(content[name]) else content[name]
            for name in ("objective", "gap")
        }
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


@python_strings()
def work(parcel: Parcel, task: Task) -> list[Any]:
    """Do a task: runs (block, rebuild), differences (compile), or findings (check)."""
    job: Job = parcel.open()
    if task.kind == "block":
        return list(_block(job, task.runs))
    if task.kind == "rebuild":
        return [_attempt(_rebuilt, job, number, point) for number, point in task.runs]
    if task.kind == "compile":
        return [compiled(job, point) for _, point in task.runs]
    return [
        _checked(job, point, run) for (_, point), run in zip(task.runs, task.expected, strict=True)
    ]


# ------------------------------------------------------------------- arrays updated


def _block(job: Job, runs: Sequence[tuple[int, Point]]) -> list[Run]:
    assert job.affine is not None and job.base is not None and job.start is not None
    if job.base.structure.integer.any():
        return [_attempt(_search, job, number, point) for number, point in runs]
    return _warm(job, job.affine, job.start, runs)


def _attempt(way: Callable[[Job, int, Point], Run], job: Job, number: int, point: Point) -> Run:
    """A run, or that it failed: one that the solver cannot finish must not stop the others."""
    begun = time.perf_counter()
    try:
        return way(job, number, point)
    except SolverError as error:
        seconds = time.perf_counter() - begun
        return Run(number, FAILED, seconds=seconds, how="rebuilt", reason=str(error))


def _warm(job: Job, affine: Affine, start: Start, runs: Sequence[tuple[int, Point]]) -> list[Run]:
    """Linear programmes, each from the basis of the one before."""
    session: Session | None = None
    solved: list[Run] = []
    limit = job.options.time_limit
    for number, point in runs:
        begun = time.perf_counter()
        weights = affine.weights(point)
        moved = affine.moved(weights)
        program = affine.base.program(affine.figures(point))
        only_costs = False
        if session is None:
            session = Session(program, scaling=start.scaling)
            if start.basis is not None:
                session.start_from_basis(start.basis)
        else:
            only_costs = session.change_to(program)
        try:
            if start.basis is None and not solved:
                outcome = session.solve(time_limit=limit)
            elif limit is None:
                outcome = session.quick(primal=only_costs)
            else:
                outcome = session.resolve(time_limit=limit, primal=only_costs)
            doubtful = not proven(outcome, session)
        except SolverError:
            doubtful = True
        if doubtful:
            # Scales of its own may do; the session is of no more use.
            session = None
            solved.append(_attempt(_rebuilt, replace(job, start=None), number, point))
            continue
        solved.append(_run_of(job, number, outcome, begun, affine, weights, moved))
    return solved


def _run_of(  # noqa: PLR0913, PLR0917
    job: Job,
    number: int,
    outcome: Outcome,
    begun: float,
    affine: Affine,
    weights: Floats,
    moved: Floats,
) -> Run:
    if outcome.x is None:
        seconds = time.perf_counter() - begun
        return Run(number, outcome.ending.value, seconds=seconds, reason=_words(outcome.ending))
    figures = affine.totals(outcome.x, weights, moved)
    seconds = time.perf_counter() - begun
    return Run(
        number, outcome.ending.value, -outcome.objective, figures, None, seconds, gap=outcome.gap
    )


def _search(job: Job, number: int, point: Point) -> Run:
    """A run with yes/no decisions, searched from the plan of the scenario itself."""
    affine, start = job.affine, job.start
    assert affine is not None and start is not None
    begun = time.perf_counter()
    weights = affine.weights(point)
    program = affine.base.program(affine.figures(point))
    outcome = search(program, start, job.options)
    return _run_of(job, number, outcome, begun, affine, weights, affine.moved(weights))


def search(program: Program, start: Start | None, options: Options) -> Outcome:
    """The best plan, proven (as `circflow.solve` finds it); prices with the decisions fixed."""
    return optimum(
        program,
        time_limit=options.time_limit,
        gap=options.gap,
        start=None if start is None else start.x,
        scaling=None if start is None else start.scaling,
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
    start = job.start
    if start is not None and not _fits(job, one.snapshot):
        start = None
    outcome = _solved(one.compiled.program, start, job.options)
    if outcome.x is None:
        seconds = time.perf_counter() - begun
        ending = outcome.ending
        return Run(number, ending.value, seconds=seconds, how="rebuilt", reason=_words(ending))
    tables = None
    if job.options.keep:
        from circflow.solver.run import read_tables

        fixed = one.compiled.program.has_decisions or job.options.decisions == "fixed"
        every = read_tables(one.model, one.compiled, outcome, fixed=fixed)
        tables = {name: getattr(every, name) for name in job.options.keep}
    figures = one.snapshot.totals(outcome.x)
    labels = one.snapshot.structure.labels
    same = job.base is not None and labels == job.base.structure.labels
    return Run(
        number,
        outcome.ending.value,
        -outcome.objective,
        figures,
        None if same else labels,
        time.perf_counter() - begun,
        "rebuilt",
        gap=outcome.gap,
        tables=tables,
    )


def _fits(job: Job, snapshot: Snapshot) -> bool:
    """Whether the base's plan and basis are of this programme."""
    return job.base is not None and snapshot.structure.same(job.base.structure)


def _solved(program: Program, start: Start | None, options: Options) -> Outcome:
    if not program.has_decisions and start is not None and start.basis is not None:
        session = Proven(program, scaling=start.scaling)
        session.start_from_basis(start.basis)
        return session.resolve(time_limit=options.time_limit)
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
    assert job.base is not None
    try:
        scenario = changed(job.scenario, edits_of(job.parameters, point))
    except ScenarioError as error:
        return error
    rated = job.base.money is not None
    one = built(scenario, job.options.decisions, job.choice, rated=rated)
    return difference(one.snapshot, job.base)


def _checked(job: Job, point: Point, run: Run) -> str:
    """Build and solve a run from nothing; what differs, or ""."""
    number = run.number
    bare = replace(job, options=replace(job.options, keep=()), start=None)
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
    if cold.figures is None:
        return ""
    allowed = CHECK_TOLERANCE
    if job.base is not None and job.base.structure.integer.any():
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


def _words(ending: Ending) -> str:
    return {
        Ending.INFEASIBLE: say("no plan meets all limits (`circflow explain` says which collide)"),
        Ending.UNBOUNDED: say("the plan could earn without end (`circflow explain` says how)"),
        Ending.STOPPED: "the time limit was reached before a plan was found",
    }.get(ending, "")
