"""Iterative refinement: an LP's plan as exact as its figures, by a solver in doubles.

After Gleixner, Steffy and Wolter (2012, Improving the accuracy of linear programming solvers with
iterative refinement), for the plan: what it misses of its limits is worked out in extended
precision, zoomed up to size one, solved as an LP of the same matrix and costs from the same basis,
and added; the duals are those of the last LP. Every round gains about nine digits, so a kilogram beside a hundred million
tonnes comes out as right as the tonnes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from circflow.solution.proof import Long, activities
from circflow.solver.compiled import Program
from circflow.solver.highs import Ending, Outcome, Session, SolverError

Floats = NDArray[np.float64]

_ROUNDS = 5
_ROUNDING = 1e-15
_CLOSER = 2.0**30
"""How much further every round may zoom in."""
_FARTHEST = 2.0**60


def refinements(program: Program, session: Session, outcome: Outcome) -> Iterator[Outcome]:
    """Ever more exact outcomes of an LP that `session` has solved, as many as are asked for."""
    basis, scaling = session.basis(), session.scaling
    if outcome.x is None or basis is None:
        return
    x, near = outcome.x, 1.0
    for _ in range(_ROUNDS):
        activity, size = activities(program.matrix, x)
        low = _left(program.row_lower - activity, size)
        high = _left(program.row_upper - activity, size)
        missed = float((np.maximum(np.maximum(low, -high), 0.0) * scaling.rows).max(initial=0.0))
        if missed == 0.0 and near > 1.0:
            return
        near = _zoom(missed, near)
        rest = replace(
            program,
            offset=0.0,
            row_lower=low * near,
            row_upper=high * near,
            lower=(program.lower - x) * near,
            upper=(program.upper - x) * near,
        )
        try:
            small = Session(rest, scaling=scaling, options=session.options)
            small.start_from_basis(basis)
            correction = small.resolve()
        except SolverError:
            return
        if correction.ending is not Ending.OPTIMAL:
            return
        assert correction.x is not None
        x = np.clip(x + correction.x / near, program.lower, program.upper)
        basis = small.basis() or basis
        yield replace(correction, objective=worth(program, x), x=x)


def _left(difference: Long, size: Long) -> Floats:
    """What is left of a difference, nothing where it is rounding of terms of this size."""
    return np.asarray(np.where(np.abs(difference) <= _ROUNDING * size, 0.0, difference), dtype=float)


def _zoom(error: float, before: float) -> float:
    most = min(before * _CLOSER, _FARTHEST)
    if not error > 0.0:
        return most
    return float(np.exp2(np.clip(np.floor(-np.log2(error)), 0.0, np.log2(most))))


def worth(program: Program, x: Floats) -> float:
    """c·x + offset in extended precision."""
    return float(np.sum(program.cost.astype(np.longdouble) * x) + program.offset)
