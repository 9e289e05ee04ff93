"""The search over decisions by proven LPs alone, where a solver's own search contradicts itself.

Branch and bound (Land and Doig 1960), depth first, on the most undecided yes/no column. Every bound
is that of an LP whose optimum has been proven with own arithmetic, so the answer is too. It is
slow, and the last resort.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome

_MOST_NODES = 500


def branch_and_bound(
    program: Program, gap: float, linear: Callable[[Program], Outcome]
) -> Outcome | None:
    """The best plan of a programme with decisions, its `bound` proven; None where it gives up.

    Args:
        program: with figures out of reach pulled in.
        gap: relative gap up to which a plan may be missed.
        linear: gives the proven outcome of an LP; raises `SolverError` where there is none.
    """
    best: Outcome | None = None
    open_nodes = [program]
    for _ in range(_MOST_NODES):
        if not open_nodes:
            return Outcome(Status.INFEASIBLE) if best is None else best
        node = open_nodes.pop()
        outcome = linear(node.relaxed())
        if outcome.status is Status.INFEASIBLE:
            continue
        if outcome.x is None or outcome.status is not Status.OPTIMAL:
            return None
        if best is not None and outcome.objective >= best.objective - gap * abs(best.objective):
            continue
        undecided = np.where(node.integer, np.abs(outcome.x - np.round(outcome.x)), 0.0)
        at = int(np.argmax(undecided))
        if undecided[at] == 0.0:  # a trace of a yes is a plant for free where figures are large
            best = replace(outcome, bound=outcome.objective, gap=0.0)
            continue
        nearest = round(float(outcome.x[at]))
        for value in (1.0 - nearest, float(nearest)):  # the nearest is looked at first
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[at] = upper[at] = value
            open_nodes.append(replace(node, lower=lower, upper=upper))
    return None
