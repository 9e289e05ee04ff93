"""What the LP behind a plan says of every column: its reduced cost, split into what makes it up.

The plan is the optimum of an LP (with its yes/no decisions fixed). For a column j that is not in
use, the reduced cost is what one unit more of it would cost the plan:

    reduced cost = cost − Σ_row dual · coefficient

Every row is of a family (a balance, a capacity, a blend, …), every cost of a group of money, so the
sum falls into parts. They are in currency per unit of the column, in money of the period; **a
positive part costs, a negative one earns**. Only arrays are kept here; nothing is worked out until
it is asked for.

Parts
    inputs           worth of what is taken in, at its place (shadow prices)
    outputs          worth of what is made or arrives, at its place
    sale             price and premium of what is sold
    variable_cost    of the recipe
    transport, transactions
    emission_price   prices of emissions
    emission_limits  worth of the emission under limits that bind
    requirement      of a group of inputs: what its requirement is worth (cancels between a recipe
                     and the inputs that fill it)
    blends           worth of what rules the mix
    capacity         worth of the unit's capacity
    min_load         worth of the unit's least load
    link_capacity    worth of capacities of links
    synergy          worth of joint activity
    goals            weights of emissions in the objective
    other            any other row
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from circflow.algebra.build import for_synergy
from circflow.algebra.declare import Model
from circflow.data.coded import Flags, Floats, Ints, Items, join
from circflow.data.scenario import MILLION, Scenario

PARTS = (
    "inputs",
    "outputs",
    "sale",
    "variable_cost",
    "transport",
    "transactions",
    "emission_price",
    "emission_limits",
    "requirement",
    "blends",
    "capacity",
    "min_load",
    "link_capacity",
    "synergy",
    "goals",
    "other",
)
BALANCE = "material_balance"
_NOISE = 1e-9


class Rows(Protocol):
    """The rows of a limit in a programme."""

    @property
    def keys(self) -> list[Any]:
        """The names that index each row."""

    @property
    def rows(self) -> Ints:
        """Where each stands."""


@dataclass(frozen=True)
class Optimality:
    """The LP of a plan (minimised, million currency), its duals, and the names of its columns."""

    scenario: Scenario = field(repr=False)
    cost: Floats = field(repr=False)
    matrix: csc_array = field(repr=False)
    upper: Floats = field(repr=False)
    x: Floats = field(repr=False)
    row_dual: Floats = field(repr=False)
    families: Mapping[str, Rows] = field(repr=False)
    """By limit: its indices, and the rows they stand in."""
    column_of: Ints = field(repr=False)
    """The LP's column of each variable of the model, −1 where it has none."""
    model: Model = field(repr=False)
    """Variables, limits and terms of money."""
    value_weight: float
    synergy_weight: float

    def labels(self, name: str) -> tuple[pd.DataFrame, Ints]:
        """The rows of a variable that are in the LP, and their columns there."""
        rows = self.model[name].frame
        columns = self.column_of[self.model[name].columns]
        return rows[columns >= 0].reset_index(drop=True), columns[columns >= 0]

    def of_part(self, part: str) -> tuple[list[Any], Ints]:
        """Indices and rows of the limits of a part of reduced costs."""
        families = [self.families[limit.name] for limit in self.model.of_part(part)]
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(f.rows for f in families)])
        return [key for f in families for key in f.keys], rows

    @cached_property
    def place_of(self) -> Ints:
        """The number of the place (of the index of balances) of each row, −1 for other rows."""
        rows = self.families[BALANCE].rows
        place = np.full(self.matrix.shape[0], -1, dtype=np.intp)
        place[rows] = np.arange(len(rows))
        return place

    @cached_property
    def touched(self) -> Flags:
        """Places at which the plan has something."""
        arriving = self.matrix.maximum(0) @ np.maximum(self.x, 0.0)
        amounts = np.asarray(arriving)[self.families[BALANCE].rows]
        return np.asarray(amounts > _NOISE * max(float(amounts.max(initial=0.0)), 1.0))

    def ends(self, columns: Ints) -> Items:
        """What columns take from places and bring there: at (position), place, amount (what is
        taken is negative)."""
        at, row, amount = entries(self.matrix, columns)
        place = self.place_of[row]
        return Items({"at": at, "place": place, "amount": amount}).take(place >= 0)

    def journeys(self, columns: Ints) -> Items:
        """Where columns take from and what they bring where: at, place, amount (negative),
        place_out, amount_out."""
        ends = self.ends(columns)
        taken, brought = ends.take(ends["amount"] < 0.0), ends.take(ends["amount"] > 0.0)
        return join(taken, brought.renamed(place_out="place", amount_out="amount"), "at")

    def parts(self, name: str) -> tuple[pd.DataFrame, Floats]:
        """The rows of a variable, and the parts (`PARTS`) of each one's reduced cost."""
        rows, columns = self.labels(name)
        figures = np.zeros((len(rows), len(PARTS)))
        number = {part: n for n, part in enumerate(PARTS)}
        at, row, coefficient = entries(self.matrix, columns)
        of_row = np.full(self.matrix.shape[0], number["other"], dtype=np.intp)
        for limit in self.model.limits.values():
            part = number.get(limit.part, number["other"])
            of_row[self.families[limit.name].rows] = part
        balance = np.zeros(self.matrix.shape[0], dtype=bool)
        balance[self.families[BALANCE].rows] = True
        arrives = np.where(coefficient > 0.0, number["outputs"], number["inputs"])
        part_of = np.where(balance[row], arrives, of_row[row])
        np.add.at(figures, (at, part_of), -self.row_dual[row] * coefficient)
        figures += self._direct(columns, number)
        per_unit = MILLION / (self.scenario.weights_of(rows["period"]) * self.value_weight)
        figures *= per_unit[:, None]
        # What rounding leaves of terms that cancel is nothing.
        figures[np.abs(figures) <= _NOISE * np.abs(figures).max(axis=1, initial=0.0)[:, None]] = 0.0
        return rows, figures

    def _direct(self, columns: Ints, number: Mapping[str, int]) -> Floats:
        """The columns' own costs by part; what is not money is the weight of a goal."""
        figures = np.zeros((len(columns), len(PARTS)))
        place = np.full(self.matrix.shape[1], -1, dtype=np.intp)
        place[columns] = np.arange(len(columns))
        terms, codes = self.model.money, self.scenario.codes
        at = np.append(self.column_of, -1)[terms.column]
        mine = np.flatnonzero(at >= 0)
        mine = mine[place[at[mine]] >= 0]
        chosen = terms.where(mine)
        synergy = for_synergy(self.model)[chosen["money"]]
        weight = np.where(synergy, self.synergy_weight, self.value_weight)
        yearly = self.scenario.period_items["weight"][chosen["period"]]
        worth = chosen.coefficient * yearly * weight
        groups, parts = self.model.groups, codes.listed("money")
        part = np.array([number[groups[g].part if g in groups else "other"] for g in parts])
        np.add.at(figures, (place[at[mine]], part[chosen["money"]]), -worth)
        figures[:, number["goals"]] = self.cost[columns] - figures.sum(axis=1)
        small = np.abs(figures[:, number["goals"]]) <= _NOISE * np.abs(self.cost[columns])
        figures[small, number["goals"]] = 0.0
        return figures


def entries(matrix: csc_array, columns: Ints) -> tuple[Ints, Ints, Floats]:
    """The entries of columns of a matrix: position in `columns`, row, coefficient."""
    chosen = csc_array(matrix[:, columns])
    at = np.repeat(np.arange(len(columns)), np.diff(chosen.indptr))
    return at, chosen.indices.astype(np.intp), chosen.data.astype(float)
