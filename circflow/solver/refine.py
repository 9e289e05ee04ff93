"""Iterative refinement: an LP's plan and duals as exact as its figures, by a solver in doubles.

After Gleixner, Steffy and Wolter (2012, Improving the accuracy of linear programming solvers with
iterative refinement): what the plan misses of its limits and the duals of their signs is worked
out in extended precision, zoomed up to size one, solved as an LP of the same matrix from the same
basis, and added. Every round gains about nine digits, so a kilogram beside a hundred million
tonnes comes out as right as the tonnes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from circflow.solution.proof import activities, reduced_costs
from circflow.solver.compiled import Program
from circflow.solver.highs import Ending, Outcome, Session, SolverError

Floats = NDArray[np.float64]

_ROUNDS = 5
_CLOSER = 2.0**30
"""How much further every round may zoom in."""
_FARTHEST = 2.0**60


def refinements(program: Program, session: Session, outcome: Outcome) -> Iterator[Outcome]:
    """Ever more exact outcomes of an LP that `session` has solved, as many as are asked for."""
    basis, scaling = session.basis(), session.scaling
    if outcome.x is None or outcome.row_dual is None or basis is None:
        return
    x, y = outcome.x, outcome.row_dual
    near_plan = near_price = 1.0
    for _ in range(_ROUNDS):
        activity, _ = activities(program.matrix, x)
        reduced, _ = reduced_costs(program.cost, program.matrix, y)
        low = np.asarray(program.row_lower - activity, dtype=float)
        high = np.asarray(program.row_upper - activity, dtype=float)
        price = np.asarray(reduced, dtype=float)
        missed = np.maximum(np.maximum(low, -high), 0.0) * scaling.rows
        wrong = _wrong(program, x, price) * scaling.columns * scaling.objective
        near_plan = _zoom(float(missed.max(initial=0.0)), near_plan)
        near_price = _zoom(float(wrong.max(initial=0.0)), near_price)
        rest = replace(
            program,
            cost=price * near_price,
            offset=0.0,
            row_lower=low * near_plan,
            row_upper=high * near_plan,
            lower=(program.lower - x) * near_plan,
            upper=(program.upper - x) * near_plan,
        )
        try:
            small = Session(rest, scaling=scaling, options=session.options)
            small.start_from_basis(basis)
            correction = small.resolve()
        except SolverError:
            return
        if correction.ending is not Ending.OPTIMAL:
            return
        assert correction.x is not None and correction.row_dual is not None
        x = np.clip(x + correction.x / near_plan, program.lower, program.upper)
        y = y + correction.row_dual / near_price
        basis = small.basis() or basis
        price, _ = reduced_costs(program.cost, program.matrix, y)
        yield replace(
            outcome,
            objective=worth(program, x),
            x=x,
            row_dual=y,
            reduced_cost=np.asarray(price, dtype=float),
        )


def _wrong(program: Program, x: Floats, price: Floats) -> Floats:
    """How far reduced costs have the wrong sign for where the plan is."""
    falls = np.where(x < program.upper, np.maximum(-price, 0.0), 0.0)
    rises = np.where(x > program.lower, np.maximum(price, 0.0), 0.0)
    return np.maximum(falls, rises)


def _zoom(error: float, before: float) -> float:
    most = min(before * _CLOSER, _FARTHEST)
    if not error > 0.0:
        return before
    return float(np.exp2(np.clip(np.floor(-np.log2(error)), 0.0, np.log2(most))))


def worth(program: Program, x: Floats) -> float:
    """c·x + offset in extended precision."""
    return float(np.sum(program.cost.astype(np.longdouble) * x) + program.offset)
