"""What is done for one future, on any worker: its programme, its own optimum, its plan.

A task's result depends on the job and the task alone, so it is the same on any worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from circflow.data.changes.futures import Future, in_future
from circflow.data.coded import Floats
from circflow.data.scenario import Scenario
from circflow.solution.solution import Status
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.solver.run import read_off
from circflow.studies.cluster.own_money import own_money
from circflow.studies.futures.first_stage import (
    Copy,
    FirstStage,
    Risk,
    copy_of,
    joint,
    solved,
    unbudgeted,
)

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
    copies: dict[int, Copy] = field(default_factory=dict, repr=False)
    """The futures' programmes; each worker compiles those that it needs, once."""


class Task(NamedTuple):
    """A future by its number, and the decisions under which it is looked at, where there are."""

    number: int
    decisions: Floats | None = None


@dataclass(frozen=True)
class Valuation:
    """What a future is worth: alone, or under decisions. In million currency."""

    status: Status
    worth: float = np.nan
    bound: float = np.nan
    """No plan is worth more."""
    decisions: Floats | None = None


@dataclass(frozen=True)
class Planned:
    """A future's plan under decisions, as far as the study tells of it."""

    valuation: Valuation
    faults: tuple[str, ...] = ()
    """What the audit has found."""
    members: dict[str, float] = field(default_factory=dict)
    """Each member's own money, discounted, in million currency."""


def copy(job: Job, task: Task) -> Copy:
    """The programme of a future."""
    if task.number not in job.copies:
        future = job.futures[task.number]
        _, _, job.copies[task.number] = copy_of(_then(job.scenario, future), job.first.labels)
    return job.copies[task.number]


def _then(scenario: Scenario, future: Future) -> Scenario:
    return unbudgeted(in_future(scenario, future))


def alone(job: Job, task: Task) -> Valuation:
    """The optimum of a future alone, under the scenario's own building limits and budget."""
    return best_alone(job, copy(job, task))


def best_alone(job: Job, programme: Copy) -> Valuation:
    """The optimum of a programme alone."""
    return best_together(replace(job, risk=Risk()), [programme], np.ones(1))


def group(job: Job, members: tuple[int, ...]) -> Valuation:
    """The best decisions for several futures together."""
    copies = [copy(job, Task(number)) for number in members]
    likely = np.array([job.futures[number].probability for number in members])
    return best_together(replace(job, gap=GROUP_GAP * job.gap), copies, likely / likely.sum())


def best_together(job: Job, copies: Sequence[Copy], likely: Floats) -> Valuation:
    """The best decisions for futures with these programmes and probabilities."""
    program = joint(job.first, copies, likely, job.risk).program
    outcome, bound = solved(program, gap=job.gap, time_limit=job.time_limit)
    x = outcome.x
    return _valuation(outcome, bound, None if x is None else job.first.tidy(x[: job.first.size]))


def value(job: Job, task: Task) -> Valuation:
    """V_s: the best for the decisions taken."""
    assert task.decisions is not None
    program = copy(job, task).fixed(task.decisions)
    outcome, bound = solved(program, gap=job.gap, time_limit=job.time_limit)
    return _valuation(outcome, bound, task.decisions)


def _valuation(outcome: Outcome, bound: float, decisions: Floats | None) -> Valuation:
    if outcome.x is None:
        return Valuation(outcome.status)
    return Valuation(outcome.status, 0.0 - outcome.objective, 0.0 - bound, decisions)


def plan(job: Job, task: Task) -> Planned:
    """The best plan for the decisions taken, audited."""
    assert task.decisions is not None
    scenario = _then(job.scenario, job.futures[task.number])
    m, compiled, programme = copy_of(scenario, job.first.labels)
    fixed = replace(compiled, program=programme.fixed(task.decisions))
    outcome = optimum(fixed.program, gap=job.gap, time_limit=job.time_limit).outcome
    if outcome.x is None:
        return Planned(Valuation(outcome.status))
    solution = read_off(m, fixed, outcome, fixed=True)
    audit = solution.audit
    faults = [] if audit.passed else audit.findings.head(3).to_string(index=False).splitlines()
    money = own_money(solution).groupby("member", sort=False)["discounted_million"].sum()
    answer = Valuation(solution.status, solution.objective, np.nan, task.decisions)
    return Planned(answer, tuple(faults), {str(k): float(v) for k, v in money.items()})
