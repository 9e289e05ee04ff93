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
from scipy.sparse import coo_array

from circflow.data.coded import Flags, Floats
from circflow.solution.proof import Extended, Long
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Basis, Outcome, Session, SolverError
from circflow.solver.scaling import Scaling

_TRACE = 1e-16
"""An amount below this share of a plan's largest may be what rounding has left of larger ones."""
_ROUNDS = 5
_ROUNDING = 1e-18
_CLOSER = 2.0**30
"""How much further every round may zoom in."""
_FARTHEST = 2.0**60
_FAR = 2.0**10
"""How many times the largest figure of a plan a correction may be: what is left of prices that
cancel can be a gain without end."""


def refinements(program: Program, session: Session, outcome: Outcome) -> Iterator[Outcome]:
    """Ever more exact outcomes of an LP that `session` has solved, as many as are asked for; each
    without what may be rounding too: where a trace is all that stands in a row, it breaches the
    limit by as much as the limit is made of."""
    if outcome.x is not None and outcome.row_dual is not None:
        yield from _without_traces(program, outcome)
    for refined in _refined(program, session, outcome):
        yield refined
        yield from _without_traces(program, refined)


def _without_traces(program: Program, outcome: Outcome) -> Iterator[Outcome]:
    """An outcome without traces, where it has any."""
    assert outcome.x is not None
    size = np.abs(outcome.x)
    trace = (size > 0.0) & (size <= _TRACE * size.max(initial=0.0))
    trace &= (program.lower <= 0.0) & (program.upper >= 0.0)
    if trace.any():
        plan = np.where(trace, 0.0, outcome.x)
        yield replace(outcome, objective=worth(program, plan), x=plan)


def _refined(program: Program, session: Session, outcome: Outcome) -> Iterator[Outcome]:
    """The rounds of refinement."""
    basis = session.basis()
    if outcome.x is None or outcome.row_dual is None or basis is None:
        return
    loose = program.row_lower != program.row_upper
    equal, scaling, basis = _equations(program, session.scaling, basis, loose)
    entries, with_slack = Extended(program.matrix), Extended(equal.matrix)
    activity, _ = entries.activities(outcome.x)
    slack = np.clip(activity[loose], program.row_lower[loose], program.row_upper[loose])
    x, y = np.concatenate([outcome.x, slack]), outcome.row_dual.astype(np.longdouble)
    near_plan = near_price = 1.0
    for _ in range(_ROUNDS):
        missed = _left(equal.row_lower, *with_slack.activities(x))
        price = _left(0.0, *with_slack.reduced_costs(equal.cost, y))
        wrong = _wrong(equal, x, price) * scaling.columns * scaling.objective
        near_plan = _zoom(float((np.abs(missed) * scaling.rows).max(initial=0.0)), near_plan)
        near_price = _zoom(float(wrong.max(initial=0.0)), near_price)
        largest = max(float(np.abs(x / scaling.columns).max(initial=0.0)), 1.0)
        far = _FAR * largest * near_plan * scaling.columns
        rest = replace(
            equal,
            cost=-price * near_price,
            row_lower=missed * near_plan,
            row_upper=missed * near_plan,
            lower=np.maximum((equal.lower - x) * near_plan, -far).astype(float),
            upper=np.minimum((equal.upper - x) * near_plan, far).astype(float),
        )
        try:
            small = Session(rest, scaling=scaling, options=session.options)
            small.start_from_basis(basis)
            correction = small.resolve()
        except SolverError:
            return
        if correction.status is not Status.OPTIMAL:
            return
        assert correction.x is not None and correction.row_dual is not None
        x = np.clip(x + correction.x / near_plan, equal.lower, equal.upper)
        y = y + correction.row_dual / near_price
        basis = small.basis() or basis
        plan = x[: program.shape[1]].astype(float)
        reduced, _ = entries.reduced_costs(program.cost, y)
        yield replace(
            outcome,
            objective=worth(program, plan),
            x=plan,
            row_dual=y.astype(float),
            reduced_cost=reduced.astype(float),
        )


def _equations(
    program: Program, scaling: Scaling, basis: Basis, loose: Flags
) -> tuple[Program, Scaling, Basis]:
    """The same with every inequality an equation: A·x − s = 0, s within the row's limits.

    So a dual has no sign, and corrections of duals can be added up.
    """
    count = int(loose.sum())
    entries = (-np.ones(count), (np.flatnonzero(loose), np.arange(count)))
    slack = coo_array(entries, shape=(len(loose), count))
    side = np.where(loose, 0.0, program.row_lower)
    equal = (
        program.with_columns(slack, lower=program.row_lower[loose], upper=program.row_upper[loose])
        .with_limits(slice(None), side, side)
        .relaxed()
    )
    columns = np.concatenate([scaling.columns, 1.0 / scaling.rows[loose]])
    at_limit = np.where(loose, 0, basis.rows).astype(np.int8)
    return (
        replace(equal, offset=0.0),
        replace(scaling, columns=columns),
        Basis(np.concatenate([basis.columns, basis.rows[loose]]), at_limit),
    )


def _wrong(program: Program, x: Long, price: Floats) -> Floats:
    """How far reduced costs (their negative is `price`) have the wrong sign for the plan."""
    falls = np.where(x < program.upper, np.maximum(price, 0.0), 0.0)
    rises = np.where(x > program.lower, np.maximum(-price, 0.0), 0.0)
    return np.maximum(falls, rises)


def _left(side: Floats | float, value: Long, size: Long) -> Floats:
    """side − value, nothing where it is rounding of terms of this size."""
    rest = side - value
    return np.asarray(np.where(np.abs(rest) <= _ROUNDING * size, 0.0, rest), dtype=float)


def _zoom(error: float, before: float) -> float:
    most = min(before * _CLOSER, _FARTHEST)
    if not error > 0.0:
        return most
    return float(np.exp2(np.clip(np.floor(-np.log2(error)), 0.0, np.log2(most))))


def worth(program: Program, x: Floats) -> float:
    """c·x + offset in extended precision."""
    return float(np.sum(program.cost.astype(np.longdouble) * x) + program.offset)
