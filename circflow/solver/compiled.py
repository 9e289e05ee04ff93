"""A Pyomo model as arrays with labelled rows and columns: min c·x, bounds on A·x and on x.

The programme is minimised (`cost` is the objective's negative, in million currency), in the
planner's units. `scaled` makes the same programme in units of its own, for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy.sparse import csc_array

from circflow.model.terms import Model, no_garbage_collection

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Program:
    """min cost·x + offset, row_lower ≤ matrix·x ≤ row_upper, lower ≤ x ≤ upper."""

    cost: Floats
    offset: float
    matrix: csc_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.matrix.shape
        return int(rows), int(columns)

    @property
    def has_decisions(self) -> bool:
        """Whether there are yes/no decisions."""
        return bool(self.integer.any())

    def with_fixed(self, values: Floats) -> Program:
        """The LP with the yes/no decisions fixed at `values` (rounded)."""
        fixed = np.round(values[self.integer])
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[self.integer] = upper[self.integer] = fixed
        return replace(self, lower=lower, upper=upper, integer=np.zeros_like(self.integer))


@dataclass(frozen=True)
class Compiled:
    """The programme of a model, with the names of its rows and the columns of its variables.

    `columns[j]` is the model's column (see `circflow.model.terms`) of the programme's column j;
    variables that occur nowhere have none. `families[name]` holds, for each constraint of the
    model, its indices and the rows they stand in.
    """

    program: Program
    columns: NDArray[np.intp]
    families: dict[str, tuple[list[Any], NDArray[np.intp]]]
    variables: int
    """Number of the model's variables."""
    idle_values: Floats = field(repr=False)
    """Value of every model variable that occurs nowhere (its lower bound), by column."""

    @cached_property
    def column_of(self) -> NDArray[np.intp]:
        """The programme's column of each model variable, −1 where it occurs nowhere."""
        where = np.full(self.variables, -1, dtype=np.intp)
        where[self.columns] = np.arange(len(self.columns))
        return where

    def values(self, x: Floats) -> Floats:
        """All model variables by column, then the constant 1 (see `terms.evaluate`)."""
        values = np.append(self.idle_values, 1.0)
        values[self.columns] = x
        return values


def compile_model(m: Model) -> Compiled:
    """Turn a model into arrays, with Pyomo's own compiler (rows kept as they stand)."""
    with no_garbage_collection():
        form = LinearStandardFormCompiler().write(m, mixed_form=True)
        number = {id(v): n for n, v in enumerate(m.variables)}
        columns = np.array([number[id(v)] for v in form.columns], dtype=np.intp)
        families = _families(form.rows)
        decisions = {id(v) for v in (*m.built.values(), *m.running.values()) if v.is_integer()}
        integer = np.array([id(v) in decisions for v in form.columns], dtype=bool)
    low, high = (np.concatenate(parts) for parts in zip(*m.bounds, strict=True))
    kind = np.array([row.bound_type for row in form.rows], dtype=int)
    rhs = np.asarray(form.rhs, dtype=float)
    matrix = csc_array(form.A)
    matrix.sort_indices()
    cost = form.c.toarray() if hasattr(form.c, "toarray") else form.c
    program = Program(
        cost=np.asarray(cost, dtype=float).reshape(-1),
        offset=float(np.asarray(form.c_offset).reshape(-1)[0]),
        matrix=matrix,
        row_lower=np.where(kind > 0, -np.inf, rhs),
        row_upper=np.where(kind < 0, np.inf, rhs),
        lower=low[columns],
        upper=high[columns],
        integer=integer,
    )
    return Compiled(program, columns, families, len(m.variables), low)


def _families(rows: list[Any]) -> dict[str, tuple[list[Any], NDArray[np.intp]]]:
    indices: dict[str, list[Any]] = {}
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        name = row.constraint.parent_component().local_name
        indices.setdefault(name, []).append(row.constraint.index())
        places.setdefault(name, []).append(place)
    return {name: (indices[name], np.array(places[name], dtype=np.intp)) for name in indices}
