"""Why there is no plan in a future, or no decisions that hold in all, in words and cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circflow.data.cells import written
from circflow.data.changes.futures import in_future
from circflow.data.coded import Floats
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.solver.explain import explain
from circflow.solver.optimum import optimum
from circflow.studies.futures.first_stage import Copy, Risk, joint, unbudgeted
from circflow.studies.futures.worker import Job

_MOST_COMBINED = 60
"""Futures among which those that exclude one another are looked for."""


def reason_of(job: Job, number: int) -> str:
    """Why a future has no plan even alone: what differs in it, and which cells collide."""
    future = job.futures[number]
    explanation = explain(unbudgeted(in_future(job.scenario, future)))
    words = str(explanation)
    if explanation.status is not Status.INFEASIBLE:
        budget = job.scenario.frame("Budget")
        limits = zip(budget["period"], budget["budget_million"], strict=True)
        cells = ", ".join(
            say("{period}: {limit} million", period=period, limit=written(limit))
            for period, limit in limits
        )
        words = say("the budget does not suffice (sheet Budget, {cells})", cells=cells)
    return "\n".join(
        [*(say("in this future: {text}", text=text) for text in future.words()), words]
    )


def no_common_plan(job: Job, copies: Sequence[Copy], probabilities: Floats) -> str:
    """Which futures exclude one another, where each has a plan of its own."""
    kept = list(range(len(copies)))
    if len(kept) <= _MOST_COMBINED:
        for n in list(kept):
            rest = [k for k in kept if k != n]
            if rest and not _have_plan(job, [copies[k] for k in rest], probabilities[rest]):
                kept = rest
        names = ", ".join(repr(job.futures[k].name) for k in kept)
        return say(
            "each future has a plan of its own, but no decisions hold in all of {names}",
            names=names,
        )
    return say("each future has a plan of its own, but no decisions hold in all of them")


def _have_plan(job: Job, copies: Sequence[Copy], probabilities: Floats) -> bool:
    weights = probabilities / probabilities.sum()
    program = joint(job.first, copies, np.asarray(weights), Risk()).program.without_goal()
    outcome = optimum(program, time_limit=job.time_limit).outcome
    return outcome.status is not Status.INFEASIBLE
