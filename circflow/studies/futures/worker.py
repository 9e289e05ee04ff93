"""What is done for one future, on any worker: its programme, its own optimum, its plan.

A task's result depends on the job and the task alone, so it is the same on any worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from circflow.algebra.declare import Model
from circflow.data.changes.futures import Future, in_future
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution, Status
from circflow.solver.compiled import Compiled
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.solver.run import read_tables
from circflow.studies.bench.engine import Parcel
from circflow.studies.cluster.own_money import own_money
from circflow.studies.futures.first_stage import (
    Copy,
    FirstStage,
    Floats,
    Risk,
    copy_of,
    joint,
    solved,
    unbudgeted,
)

ALONE, VALUE, PLAN, COPY, GROUP = "alone", "value", "plan", "copy", "group"
GROUP_GAP = 0.1
"""Gap of a group's search, as a share of the gap asked for all groups together."""


@dataclass(frozen=True)
class Job:
    """What the tasks of a study have in common."""

    scenario: Scenario
    futures: tuple[Future, ...]
    first: FirstStage
    gap: float
    time_limit: float | None
    risk: Risk = field(default_factory=Risk)


@dataclass(frozen=True)
class Task:
    """`copy`: the future's programme; `alone`: its own optimum; `value`: its worth under
    decisions; `plan`: the same with its plan, audited."""

    kind: str
    number: int
    decisions: Floats | None = None
    group: tuple[int, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a future is worth: alone, or under decisions. In million currency."""

    status: Status
    worth: float = np.nan
    bound: float = np.nan
    """No plan is worth more."""
    decisions: Floats | None = None


@dataclass(frozen=True)
class Planned:
    """A future's plan under decisions, as far as the study tells of it."""

    found: Found
    faults: tuple[str, ...] = ()
    """What the audit has found."""
    members: dict[str, float] = field(default_factory=dict)
    """Each member's own money, discounted, in million currency."""


@python_strings()
def work(parcel: Parcel, task: Task) -> Any:
    """Do a task."""
    job: Job = parcel.open()
    if task.kind == COPY:
        return compiled_copy(parcel.key, job, task.number)
    if task.kind == PLAN:
        return _plan(job, task)
    if task.kind == GROUP:
        return _group(parcel.key, job, task.group)
    copy = compiled_copy(parcel.key, job, task.number)
    if task.kind == ALONE:
        return alone(job, copy)
    assert task.decisions is not None
    return worth_under(copy, task.decisions, job.gap, job.time_limit)


_COPIES: dict[tuple[str, int], Copy] = {}


def compiled_copy(key: str, job: Job, number: int) -> Copy:
    """The programme of a future; each worker compiles it once."""
    if _COPIES and next(iter(_COPIES))[0] != key:
        _COPIES.clear()
    if (key, number) not in _COPIES:
        _, _, copy = _then(job, number)
        _COPIES[key, number] = copy
    return _COPIES[key, number]


def _then(job: Job, number: int) -> tuple[Model, Compiled, Copy]:
    scenario = unbudgeted(in_future(job.scenario, job.futures[number]))
    return copy_of(scenario, job.first.labels)


def alone(job: Job, copy: Copy) -> Found:
    """The optimum of one future alone, under the scenario's own building limits and budget."""
    return best_together(replace(job, risk=Risk()), [copy], np.ones(1))


def _group(key: str, job: Job, members: tuple[int, ...]) -> Found:
    """The best decisions for several futures together."""
    copies = [compiled_copy(key, job, number) for number in members]
    likely = np.array([job.futures[number].probability for number in members])
    return best_together(replace(job, gap=GROUP_GAP * job.gap), copies, likely / likely.sum())


def best_together(job: Job, copies: Sequence[Copy], likely: Floats) -> Found:
    """The best decisions for futures with these programmes and probabilities."""
    program = joint(job.first, copies, likely, job.risk).program
    outcome, bound = solved(program, gap=job.gap, time_limit=job.time_limit)
    if outcome.x is None:
        return Found(Status(outcome.ending.value))
    decisions = job.first.tidy(outcome.x[: job.first.size])
    return Found(Status(outcome.ending.value), 0.0 - outcome.objective, 0.0 - bound, decisions)


def worth_under(copy: Copy, decisions: Floats, gap: float, time_limit: float | None) -> Found:
    """V_s: the best for the decisions taken."""
    outcome, bound = solved(copy.fixed(decisions), gap=gap, time_limit=time_limit)
    if outcome.x is None:
        return Found(Status(outcome.ending.value))
    return Found(Status(outcome.ending.value), 0.0 - outcome.objective, 0.0 - bound, decisions)


def _plan(job: Job, task: Task) -> Planned:
    assert task.decisions is not None
    scenario = unbudgeted(in_future(job.scenario, job.futures[task.number]))
    m, compiled, copy = copy_of(scenario, job.first.labels)
    fixed = replace(compiled, program=copy.fixed(task.decisions))
    outcome = optimum(fixed.program, gap=job.gap, time_limit=job.time_limit).outcome
    if outcome.x is None:
        return Planned(Found(Status(outcome.ending.value)))
    solution = _solution(scenario, m, fixed, outcome, outcome.gap)
    audit = solution.audit
    faults = [] if audit.passed else audit.findings.head(3).to_string(index=False).splitlines()
    money = own_money(solution).groupby("member", sort=False)["discounted_million"].sum()
    answer = Found(solution.status, solution.objective, np.nan, task.decisions)
    return Planned(answer, tuple(faults), {str(k): float(v) for k, v in money.items()})


def _solution(
    scenario: Scenario, m: Model, compiled: Compiled, outcome: Outcome, gap: float
) -> Solution:
    return Solution(
        scenario=scenario,
        status=Status(outcome.ending.value),
        objective=0.0 - outcome.objective,
        gap=gap,
        tables=read_tables(m, compiled, outcome, fixed=True),
        seconds={},
        decisions_fixed=True,
    )
