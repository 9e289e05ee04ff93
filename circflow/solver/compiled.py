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
from scipy.sparse import csc_array, hstack, vstack

from circflow.model.terms import Model, no_garbage_collection

Floats = NDArray[np.float64]
_ALL = slice(None)


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

    def with_rows(self, rows: Any, lower: Floats | float, upper: Floats | float) -> Program:
        """With more rows below: `rows` (count × columns, sparse or dense) and their limits."""
        more = csc_array(rows)
        count = more.shape[0]
        return replace(
            self,
            matrix=_stacked(vstack([self.matrix, more])),
            row_lower=np.append(self.row_lower, np.broadcast_to(lower, count)),
            row_upper=np.append(self.row_upper, np.broadcast_to(upper, count)),
        )

    def with_columns(
        self,
        columns: Any,
        *,
        cost: Floats | float = 0.0,
        lower: Floats | float = 0.0,
        upper: Floats | float = np.inf,
        integer: bool = False,
    ) -> Program:
        """With more columns to the right: `columns` (rows × count, or their number where they
        stand in no row yet), their costs and bounds."""
        empty = isinstance(columns, int | np.integer)
        more = csc_array((self.shape[0], int(columns))) if empty else csc_array(columns)
        count = more.shape[1]
        return replace(
            self,
            matrix=_stacked(hstack([self.matrix, more])),
            cost=np.append(self.cost, np.broadcast_to(cost, count)),
            lower=np.append(self.lower, np.broadcast_to(lower, count)),
            upper=np.append(self.upper, np.broadcast_to(upper, count)),
            integer=np.append(self.integer, np.full(count, integer)),
        )

    def with_costs(
        self,
        cost: Floats | float,
        columns: NDArray[np.intp] | slice = _ALL,
        *,
        offset: float | None = None,
    ) -> Program:
        """With other costs (of some columns), and perhaps another constant."""
        costs = self.cost.copy()
        costs[columns] = cost
        return replace(self, cost=costs, offset=self.offset if offset is None else offset)

    def without_goal(self) -> Program:
        """The question whether there is a plan at all: no costs."""
        return self.with_costs(0.0, offset=0.0)

    def with_bounds(
        self,
        columns: NDArray[np.intp] | slice,
        lower: Floats | float | None = None,
        upper: Floats | float | None = None,
    ) -> Program:
        """With other bounds of some columns; None leaves a side as it is."""
        low, high = _changed(self.lower, columns, lower), _changed(self.upper, columns, upper)
        return replace(self, lower=low, upper=high)

    def with_limits(
        self,
        rows: NDArray[np.intp] | slice,
        lower: Floats | float | None = None,
        upper: Floats | float | None = None,
    ) -> Program:
        """With other limits of some rows; None leaves a side as it is."""
        low, high = _changed(self.row_lower, rows, lower), _changed(self.row_upper, rows, upper)
        return replace(self, row_lower=low, row_upper=high)

    def relaxed(self) -> Program:
        """The LP in which yes/no decisions may be fractions."""
        return replace(self, integer=np.zeros_like(self.integer))

    def with_fixed(self, values: Floats) -> Program:
        """The LP with the yes/no decisions fixed at those of `values` (all columns; rounded)."""
        decisions = np.flatnonzero(self.integer)
        fixed = np.round(values[decisions])
        return self.with_bounds(decisions, fixed, fixed).relaxed()

    def cone(self) -> Program:
        """Its directions: along them a plan stays a plan for ever (finite limits become 0)."""

        def side(limit: Floats) -> Floats:
            return np.where(np.isfinite(limit), 0.0, limit)

        return replace(
            self,
            row_lower=side(self.row_lower),
            row_upper=side(self.row_upper),
            lower=side(self.lower),
            upper=side(self.upper),
        ).relaxed()


def _stacked(matrix: Any) -> csc_array:
    whole = csc_array(matrix)
    whole.sort_indices()
    return whole


def _changed(old: Floats, at: NDArray[np.intp] | slice, new: Floats | float | None) -> Floats:
    if new is None:
        return old
    values = old.copy()
    values[at] = new
    return values


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
