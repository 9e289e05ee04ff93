"""Units in which a programme's numbers are of order one, so that tolerances mean something.

A region's scenario spans 10⁻⁵ t of scandium per tonne of mud and 10⁸ t of tailings a year, and
money in millions. The scale of a column is the size its variable typically has, inferred from
bounds, right-hand sides and coefficients: with r the logarithm of the rows' scales and s of the
columns', Σ (log|a_ij| + r_i + s_j)² + Σ (log|b_i| + r_i)² + Σ (log|u_j| − s_j)² is brought down by
turns (the geometric scaling of Curtis and Reid 1972, with the right-hand side and the bounds
counted in). Scales are powers of two: nothing is rounded. Yes/no columns keep their unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array

from circflow.data.coded import Floats, Ints
from circflow.solver.compiled import Program

_TURNS = 20
_MOST_COST = 2.0**24
_DEAREST = 2.0**20
_FARTHEST = 400.0
_BEYOND = 1e100
"""A limit says nothing of a column's size from here on."""


@dataclass(frozen=True)
class Scaling:
    """x = columns · x′, row of A·x = row of A′·x′ / rows, cost = cost′ / objective (per column)."""

    columns: Floats
    rows: Floats
    objective: float


def scaling_of(program: Program) -> Scaling:
    """Choose the scales of a programme."""
    matrix = program.matrix
    entries = np.flatnonzero(matrix.data)
    row = matrix.indices[entries]
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))[entries]
    size = np.log2(np.abs(matrix.data[entries]))
    r, s = _fit(program, row, column, size)
    columns = _powers(s)
    return Scaling(columns, _powers(r), _of_money(program, columns))


def _powers(exponents: Floats) -> Floats:
    """The nearest powers of two, none so far out that a product of scales is no number."""
    return np.asarray(np.exp2(np.clip(np.round(exponents), -_FARTHEST, _FARTHEST)), dtype=float)


def scaling_by_reach(program: Program, most: Floats) -> Scaling:
    """Scales by what can flow at most (see `circflow.solver.bounds.reach`): nothing exceeds 1.

    Every column is measured by the most that it can be, every row by the largest of its terms, so
    the solver's tolerances are shares of what is possible there, however little that is.
    """
    usual = scaling_of(replace(program, upper=np.minimum(program.upper, most)))
    known = (most < _BEYOND) & (most > 0.0) & ~program.integer
    columns = usual.columns.copy()
    columns[known] = np.exp2(np.ceil(np.log2(most[known])))
    matrix = program.matrix
    entry = np.abs(matrix.data) * np.repeat(columns, np.diff(matrix.indptr))
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, matrix.indices, entry)
    rows = np.exp2(-np.ceil(np.log2(np.where(largest > 0.0, largest, 1.0))))
    return Scaling(columns, rows, _of_money(program, columns))


def for_search(program: Program, scaling: Scaling) -> Scaling:
    """The same with the objective in units in which the dearest cost is about a million.

    A search forgives 10⁻⁷ of a reduced cost and 10⁻⁶ of the objective, whatever they are made of.
    """
    dearest = float(_scaled_costs(program, scaling.columns).max(initial=0.0))
    if not dearest > 0.0:
        return scaling
    objective = float(np.exp2(np.floor(np.log2(_DEAREST / dearest))))
    return replace(scaling, objective=max(scaling.objective, objective))


def keeps_digits(program: Program, scaling: Scaling) -> bool:
    """Whether no cost is so dear that the scale of the objective would make all others small."""
    size = _scaled_costs(program, scaling.columns)
    return not size.size or bool(size.max() <= _MOST_COST * np.median(size))


def _scaled_costs(program: Program, columns: Floats) -> Floats:
    """Sizes of the costs of what can move."""
    cost = np.where(program.lower < program.upper, program.cost * columns, 0.0)
    return np.asarray(np.abs(cost[cost != 0.0]))


def _of_money(program: Program, columns: Floats) -> float:
    """The scale of the objective."""
    size = _scaled_costs(program, columns)
    if not size.size:
        return 1.0
    typical = max(float(np.median(size)), float(size.max()) / _MOST_COST)
    return float(np.exp2(-np.round(np.log2(typical))))


def _fit(program: Program, row: Ints, column: Ints, size: Floats) -> tuple[Floats, Floats]:
    rows, columns = program.shape
    bound = _log_size(program.lower, program.upper)
    right = _log_size(program.row_lower, program.row_upper)
    bounded, sided = ~np.isnan(bound), ~np.isnan(right)
    row_count = np.bincount(row, minlength=rows) + sided
    column_count = np.bincount(column, minlength=columns) + bounded
    known = np.concatenate([bound[bounded], right[sided]])
    start = float(np.median(known)) if known.size else 0.0
    s = np.where(bounded, bound, start)
    s[program.integer] = 0.0
    r = np.zeros(rows)
    for _ in range(_TURNS):
        total = np.bincount(row, weights=size + s[column], minlength=rows)
        r = -(total + np.where(sided, right, 0.0)) / np.maximum(row_count, 1)
        total = np.bincount(column, weights=size + r[row], minlength=columns)
        s = (np.where(bounded, bound, 0.0) - total) / np.maximum(column_count, 1)
        s[program.integer] = 0.0
    total = np.bincount(row, weights=size + s[column], minlength=rows)
    r = -(total + np.where(sided, right, 0.0)) / np.maximum(row_count, 1)
    return r, s


def _log_size(low: Floats, high: Floats) -> Floats:
    """log2 of the larger bound that says something, NaN where there is none."""
    both = np.abs(np.stack([low, high]))
    both[both >= _BEYOND] = 0.0
    largest = both.max(axis=0)
    return np.log2(np.where(largest > 0.0, largest, np.nan))


def apply(program: Program, scaling: Scaling) -> Program:
    """The same programme in the solver's units."""
    matrix = csc_array(
        (
            program.matrix.data
            * scaling.rows[program.matrix.indices]
            * np.repeat(scaling.columns, np.diff(program.matrix.indptr)),
            program.matrix.indices,
            program.matrix.indptr,
        ),
        shape=program.matrix.shape,
    )
    return Program(
        cost=program.cost * scaling.columns * scaling.objective,
        offset=program.offset * scaling.objective,
        matrix=matrix,
        row_lower=program.row_lower * scaling.rows,
        row_upper=program.row_upper * scaling.rows,
        lower=program.lower / scaling.columns,
        upper=program.upper / scaling.columns,
        integer=program.integer,
    )
