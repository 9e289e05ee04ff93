"""A model as arrays with labelled rows and columns: min c·x, bounds on A·x and on x.

The programme is minimised (`cost` is the objective's negative, in million currency), in the
planner's units. `scaled` makes the same programme in units of its own, for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array, hstack, vstack

from circflow.algebra.declare import Model, keys_of_rows, together
from circflow.data.coded import Flags, Floats, Ints, Items
from circflow.data.scenario import Scenario
from circflow.solution.proof import Linear

_ALL = slice(None)


@dataclass(frozen=True)
class Program(Linear):
    """An LP, or one of whose columns some are yes/no decisions."""

    integer: Flags

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
        columns: Ints | slice = _ALL,
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
        columns: Ints | slice,
        lower: Floats | float | None = None,
        upper: Floats | float | None = None,
    ) -> Program:
        """With other bounds of some columns; None leaves a side as it is."""
        low, high = _changed(self.lower, columns, lower), _changed(self.upper, columns, upper)
        return replace(self, lower=low, upper=high)

    def with_limits(
        self,
        rows: Ints | slice,
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
    by_column = csc_array(matrix)
    by_column.sort_indices()
    return by_column


def _changed(old: Floats, at: Ints | slice, new: Floats | float | None) -> Floats:
    if new is None:
        return old
    values = old.copy()
    values[at] = new
    return values


@dataclass(frozen=True)
class Family:
    """The rows of a limit: what indexes each (codes), and where they stand in the programme."""

    items: Items
    over: tuple[str, ...]
    rows: Ints
    scenario: Scenario = field(repr=False)

    @cached_property
    def keys(self) -> list[Any]:
        """The names that index each row: tuples, plain names where there is one label."""
        return keys_of_rows(self.scenario, self.items, self.over)


@dataclass(frozen=True)
class Compiled:
    """The programme of a model, with the names of its rows and the columns of its variables.

    `columns[j]` is the model's column (see `circflow.algebra.terms`) of the programme's column j;
    variables that occur nowhere have none.
    """

    program: Program
    columns: Ints
    families: dict[str, Family]
    """By limit: its rows (a row without a variable that always holds is left out)."""
    variables: int
    """Number of the model's variables."""
    idle_values: Floats = field(repr=False)
    """Value of every model variable that occurs nowhere (its lower bound), by column."""

    def rows(self, name: str) -> Ints:
        """The rows of a limit."""
        return self.families[name].rows

    @cached_property
    def column_of(self) -> Ints:
        """The programme's column of each model variable, −1 where it occurs nowhere."""
        where = np.full(self.variables, -1, dtype=np.intp)
        where[self.columns] = np.arange(len(self.columns))
        return where

    def values(self, x: Floats) -> Floats:
        """All model variables by column, then the constant 1 (see `Terms.at`)."""
        values = np.append(self.idle_values, 1.0)
        values[self.columns] = x
        return values


def compile_model(m: Model) -> Compiled:
    """Turn a model's terms into arrays."""
    limits = list(m.limits.values())
    counts = [len(limit.items) for limit in limits]
    first = np.cumsum([0, *counts])
    row = together([limit.row + at for limit, at in zip(limits, first[:-1], strict=True)], int)
    column = together([limit.column for limit in limits], int)
    factor = together([limit.coefficient for limit in limits], float)
    matrix = csc_array(coo_array((factor, (row, column)), shape=(int(first[-1]), m.count)))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    right = together([limit.right for limit in limits], float)
    sense = np.repeat([limit.sense for limit in limits], counts)
    low = np.where(sense == "<=", -np.inf, right)
    high = np.where(sense == ">=", np.inf, right)
    # Without a variable, a row is kept only to show that it cannot hold.
    empty = np.bincount(matrix.indices, minlength=matrix.shape[0]) == 0
    kept = ~empty | (low > 0.0) | (high < 0.0)
    columns = np.flatnonzero((np.diff(matrix.indptr) > 0) | (m.objective[:-1] != 0.0))
    if not kept.all():
        matrix = csc_array(matrix[kept, :])
    place = np.where(kept, np.cumsum(kept) - 1, -1)
    families = {}
    for limit, start in zip(limits, first[:-1].tolist(), strict=True):
        rows = place[start : start + len(limit.items)]
        families[limit.name] = Family(
            limit.items.take(rows >= 0), limit.over, rows[rows >= 0], m.scenario
        )
    program = Program(
        cost=0.0 - m.objective[columns],
        offset=0.0 - float(m.objective[-1]),
        matrix=_stacked(matrix[:, columns]),
        row_lower=low[kept],
        row_upper=high[kept],
        lower=m.lower[columns],
        upper=m.upper[columns],
        integer=m.decision[columns],
    )
    return Compiled(program, columns, families, m.count, m.lower)
