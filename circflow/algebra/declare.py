"""What a block declares: variables, the figures that limit them, limits, and its model.

A limit is declared once, where its piece of the plant is described. From the declaration follow the
rows and bounds, the shadow price of its figure, its condition and least change in `explain`, its
part of reduced costs and its line in `docs/model.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.algebra.results import Group
from circflow.algebra.terms import CONSTANT, MASS, MONEY, Emitting, Terms, constants, stack
from circflow.data.coded import (
    BLANK,
    Flags,
    Floats,
    Ints,
    Items,
    added_at,
    distinct,
    find_rows,
    match,
    take,
)
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import say

Sense = Literal["<=", "==", ">="]
Record = Mapping[str, Any]
"""A row of a sheet, and the names that index a limit."""


def material_at_site(row: Record) -> str:
    """Where most figures stand."""
    return say("{material} at {site}", material=row["material"], site=row["site"])


def unit_of(row: Record) -> str:
    """Where figures of units stand."""
    return str(row["unit"])


def place_of_row(rows: Items, _: Scenario) -> Items:
    """Rows that are priced under their own columns."""
    return rows


@dataclass(frozen=True, eq=False)
class Figure:
    """A column of a sheet whose figures limit the plan, and how one speaks of them."""

    sheet: str
    column: str
    kind: str
    """What it limits, in the table of prices."""
    eases: Literal["raise", "lower", "clear", ""]
    """What makes it easier to meet; nothing, where it never stands in the way."""
    weight: float
    """How unwelcome a relative change is to a planner: policy 1, physics 1000."""
    words: str
    """`{figure}` with its unit, `{where}` the names in the row."""
    where: Callable[[Record], str] = material_at_site
    unit: str = "{measure}/yr"
    """The unit in words; `{measure}` is the material's."""
    measure: str = ""
    """What its price is per, where that is not the material's unit."""
    per_million: bool = False
    """Whether the figure is in million currency."""
    once: bool = False
    """Whether it is paid or counted at once, so that its price is money of today."""
    binds: str = ""
    """What it is called where it binds, with names in its row: `{site}`, `{material}`, `{unit}`, …;
    its kind and those names, where it has no words of its own."""
    relieved_by: Literal["input", "output", ""] = ""
    """As what its material stands in recipes that relieve it; nothing, where no recipe does."""
    changed_in: str = ""
    """The sheet that may replace it in single periods."""
    name: Callable[[Items, Scenario], Sequence[str]] | None = None
    """What prices call it, row by row, where not by its column."""
    place: Callable[[Items, Scenario], Items] = place_of_row
    """Gives rows of the sheet the columns site, to, material, unit that it is priced under."""

    @property
    def sign(self) -> int:
        """+1 where a larger figure is easier to meet, −1 where a smaller one is."""
        return -1 if self.eases == "lower" else 1


@dataclass(frozen=True)
class Cells:
    """The figures of a column that are in force, by what tells them apart, and their cells.

    `value` is NaN where a cell is blank, which is no limit.
    """

    figure: Figure
    labels: Mapping[str, Ints]
    value: Floats
    row: Ints
    changed: Flags | None = None
    """Where the figure stands in the sheet that replaces it in single periods."""
    hard: Flags | None = None
    """Where the figure must hold; elsewhere it can be exceeded at a price."""

    def where(self, chosen: Flags) -> Cells:
        """Blank where not chosen."""
        return replace(self, value=np.where(chosen, self.value, np.nan))

    def sheet(self, at: int) -> str:
        """The sheet of the figure at a position."""
        changed = self.changed is not None and self.changed[at]
        return self.figure.changed_in if changed else self.figure.sheet


def cells(figure: Figure, rows: Items, *labels: str, value: Floats | None = None) -> Cells:
    """The figures of rows of the figure's sheet (with `row`)."""
    figures = rows[figure.column] if value is None else value
    return Cells(figure, {n: rows[n] for n in labels}, figures, rows["row"])


@dataclass(frozen=True)
class Stand:
    """That a figure stands in a limit: by `moves` per unit of it, the right side grows.

    `eased`: the same as a number, for `explain`, where a decision is among `moves`.
    """

    cells: Cells
    moves: Terms | None = None
    eased: Terms | None = None


@dataclass(frozen=True)
class Grows:
    """What lets a variable grow and earn for ever: the cell of its price, and what would end it."""

    words: str
    sheet: str = ""
    price: str = ""
    """The column of its price, in the sheet and among its figures."""
    limit: str = ""
    """The column that would end it."""
    row: str = "row"
    """Its figure that holds the row of the sheet (0: none)."""
    by: str = ""
    """How its price is told, where that has no column of its own in the sheet."""


@dataclass(frozen=True)
class Variable:
    """A family of variables, numbered from `first` on; its rows hold codes and figures."""

    name: str
    index: tuple[str, ...]
    items: Items = field(repr=False)
    first: int
    doc: str
    unit: str
    decision: bool
    """Whether it is a yes/no decision."""
    lower: Floats = field(repr=False)
    upper: Floats = field(repr=False)
    grows: Grows | None
    scenario: Scenario = field(repr=False)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, column: str) -> Any:
        return self.items[column]

    @property
    def columns(self) -> Ints:
        """The number of each variable."""
        return self.first + np.arange(len(self.items))

    def times(self, coefficient: Floats | float = 1.0) -> Terms:
        """coefficient · variable, labelled by all its codes."""
        return Terms(self.items.labels, self.columns, np.ones(len(self)) * coefficient)

    def value(self, values: Floats) -> Floats:
        """Its part of `values`, which holds all variables by column."""
        return values[self.first : self.first + len(self)]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Its rows with names and figures, and `column`, for an analyst."""
        return self.items.frame(self.scenario.codes).assign(column=self.columns)

    def indices(self) -> list[Any]:
        """What indexes each variable, as names."""
        return keys_of_rows(self.scenario, self.items, self.index)


def keys_of_rows(scenario: Scenario, rows: Items, labels: Sequence[str]) -> list[Any]:
    """Rows of codes as tuples of names (plain where there is one label)."""
    named = [scenario.codes.shown(n, rows[n]).tolist() for n in labels]
    return named[0] if len(named) == 1 else list(zip(*named, strict=True))


@dataclass(frozen=True)
class Limit:
    """A family of rows: Σ coefficient · variable (sense) right, one for every row of `items`."""

    name: str
    over: tuple[str, ...]
    items: Items = field(repr=False)
    row: Ints = field(repr=False)
    """The row of each term."""
    column: Ints = field(repr=False)
    coefficient: Floats = field(repr=False)
    sense: Sense
    right: Floats = field(repr=False)
    formula: str
    part: str
    """What its prices are part of in reduced costs."""
    stands: tuple[Stand, ...]


@dataclass(frozen=True)
class Bound:
    """A limit on one variable: cells in the order of the variable's rows."""

    name: str
    variable: Variable
    sense: Literal["<=", ">="]
    cells: Cells
    formula: str


@dataclass
class Model:
    """A scenario's variables, limits and terms, which blocks declare."""

    scenario: Scenario
    relax: bool = False
    """Whether yes/no decisions may be fractions."""
    variables: dict[str, Variable] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    bounds: dict[str, Bound] = field(default_factory=dict)
    mass: list[Terms] = field(default_factory=list)
    paid: list[Terms] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    """What has been paid, by name."""
    emits: list[Emitting] = field(default_factory=list)
    count: int = 0
    """Number of variables."""
    in_service: Terms = field(init=False)
    """In service in at least one year of the period: unit, period, built_in."""
    years: Terms = field(init=False)
    """Share of the period's years in service (ψ): unit, period, built_in."""
    ready: Terms = field(init=False)
    """Mean share of the smaller capacity over the period's years (φ): unit, period, built_in."""
    size: Terms = field(init=False)
    """Capacity in service: unit, period, built_in."""
    serving: dict[str, tuple[Items, Terms]] = field(default_factory=dict)
    """By variable of building: its rows in every period in which what it builds is in service,
    with ψ (`served`) and φ (`ready`)."""
    units: Items = field(init=False)
    """Units in the periods they can be in service, with their figures in the period."""
    emission: Terms = field(init=False)
    limited_emission: Terms = field(init=False)
    """Emission terms by limit: row, period, site, unit."""
    emission_charge: Terms = field(init=False)
    """Money of the limits: row, period."""
    objective: Floats = field(init=False)
    """What a unit of every variable adds to the plan's worth, then the constant; million."""

    def __getitem__(self, name: str) -> Variable:
        return self.variables[name]

    # ------------------------------------------------------------- declarations

    def variable(  # noqa: PLR0913
        self,
        name: str,
        index: Sequence[str],
        rows: Items,
        doc: str,
        unit: str,
        *,
        decision: bool = False,
        grows: Grows | None = None,
    ) -> Variable:
        """Add one variable ≥ 0 for every row; `index` names the columns that tell them apart.

        A yes/no decision lies between 0 and 1.
        """
        upper = np.full(len(rows), 1.0 if decision else np.inf)
        added = Variable(
            name,
            tuple(index),
            rows,
            self.count,
            doc,
            unit,
            decision and not self.relax,
            np.zeros(len(rows)),
            upper,
            grows,
            self.scenario,
        )
        self.variables[name] = added
        self.count += len(rows)
        return added

    def bound(
        self, name: str, variable: Variable, sense: Literal["<=", ">="], at: Cells, formula: str
    ) -> None:
        """Limit one variable by figures, one for every of its rows; a blank figure is no limit."""
        self.bounds[name] = Bound(name, variable, sense, at, formula)
        if sense == "<=":
            np.fmin(variable.upper, at.value, out=variable.upper)
        else:
            np.fmax(variable.lower, at.value, out=variable.lower)

    def limit(  # noqa: PLR0913, PLR0917
        self,
        name: str,
        over: Sequence[str],
        left: Terms,
        sense: Sense,
        right: Terms | Cells | float,
        formula: str,
        *,
        figures: Sequence[Stand] = (),
        part: str = "other",
    ) -> None:
        """Add the rows left (sense) right, one for every key (labels `over`) of a variable on the
        left. Where the right side is a figure, a blank one is no limit."""
        keyed = left.where(left.column != CONSTANT)
        first, _ = distinct([keyed[n] for n in over])
        rows = Items({n: keyed[n][first] for n in over}, len(first))
        if isinstance(right, Cells):
            at = find_rows(right.labels, rows, *(n for n in over if n in right.labels))
            rows = rows.take(~np.isnan(take(right.value, at, np.nan)))
            figures = (Stand(right), *figures)
            right = constants(right.labels, right.value)
        terms = [left, *([-right] if isinstance(right, Terms) else [])] if len(rows) else []
        # A number may hold for several rows: it is joined from the rows' side.
        placed = [(part_of, *_placed(rows, part_of, over)) for part_of in terms]
        where = together([row for _, row, _ in placed], int)
        which = together([t.column[at] for t, _, at in placed], int)
        factor = together([t.coefficient[at] for t, _, at in placed])
        fixed = which == CONSTANT
        side = 0.0 - np.bincount(where[fixed], factor[fixed], len(rows)).astype(float)
        side += 0.0 if isinstance(right, Terms) else right
        self.limits[name] = Limit(
            name,
            tuple(over),
            rows,
            where[~fixed],
            which[~fixed],
            factor[~fixed],
            sense,
            side,
            formula,
            part,
            tuple(figures),
        )

    # ------------------------------------------------------------- contributions

    def pay(
        self,
        group: Group,
        terms: Terms,
        per_unit: Floats | float,
        *,
        million: bool = False,
        lump: bool = False,
    ) -> Terms:
        """Add money of a group (in its block's `MONEY`), from currency (or million currency) per
        unit, positive if received. Returns the terms, in million."""
        worth = terms.times(np.asarray(per_unit) * (1.0 if million else 1.0 / MILLION)).nonzero()
        number = int(self.scenario.codes.of("money", [group.name])[0])
        self.groups[group.name] = group
        self.paid.append(worth.labelled(money=number, lump=int(lump)))
        return self.paid[-1]

    @cached_property
    def money(self) -> Terms:
        """All money: money, site, material, unit, period, lump."""
        return stack(self.paid, MONEY)

    @cached_property
    def money_frame(self) -> pd.DataFrame:
        """All money as a table: group, site, material, unit, period, lump, column, coefficient."""
        table = self.money.frame(self.scenario.codes)
        return table.assign(lump=table["lump"].astype(bool))

    def money_of(self, values: Floats, variable: Variable, group: Group) -> Floats:
        """Money of a group on each variable of a family at the plan, million per year; positive
        as reports tell the group (of a lump sum: nothing)."""
        terms = self._yearly(group)
        at = terms.column - variable.first
        at[at >= len(variable)] = BLANK
        return group.sign * added_at(at, terms.at(values), len(variable)) + 0.0

    def money_in(
        self, values: Floats, rows: Items | Variable, on: Sequence[str], group: Group
    ) -> Floats:
        """The same by rows that are told apart by the labels `on`."""
        terms = self._yearly(group)
        return group.sign * added_at(find_rows(rows, terms, *on), terms.at(values), len(rows)) + 0.0

    def _yearly(self, group: Group) -> Terms:
        number = self.scenario.codes.known("money", group.name)
        return self.money.where((self.money["money"] == number) & (self.money["lump"] == 0))

    def mass_of(self, *names: str) -> Terms:
        """The terms of mass of some variables: site, material, period."""
        every = stack(self.mass, MASS)
        listed = np.zeros(self.count + 1, dtype=bool)
        for name in names:
            listed[self[name].columns] = True
        return every.where(listed[every.column])

    def charged(self, name: str, group: Group, extra: Floats) -> Model:
        """A copy for reports, in which a variable costs `extra` more (currency per unit) in a
        group of money, paid by site `from`; limits and objective stay."""
        variable, twin = self[name], copy(self)
        twin.paid = list(self.paid)
        vars(twin).pop("money", None)
        vars(twin).pop("money_frame", None)
        twin.pay(group, variable.times().labelled(site=variable["from"]), -extra)
        return twin

    def of_part(self, *parts: str) -> list[Limit]:
        """The limits that are one of some parts of reduced costs."""
        return [limit for limit in self.limits.values() if limit.part in parts]

    @property
    def lower(self) -> Floats:
        """Lower bounds of all variables."""
        return together([v.lower for v in self.variables.values()])

    @property
    def upper(self) -> Floats:
        """Upper bounds of all variables."""
        return together([v.upper for v in self.variables.values()])

    @property
    def decision(self) -> Flags:
        """Which variables are yes/no decisions."""
        return together([np.full(len(v), v.decision) for v in self.variables.values()], bool)


def together(parts: Sequence[NDArray[Any]], kind: type = float) -> NDArray[Any]:
    """Arrays one behind the other, also where there is none."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def _placed(rows: Items, terms: Terms, over: Sequence[str]) -> tuple[Ints, Ints]:
    """Which term belongs to which row: positions of rows and of terms."""
    on = [n for n in over if n in terms.labels]
    if len(on) == len(over):
        row = find_rows(rows, terms, *on)
        at = np.flatnonzero(row >= 0)
        return row[at], at
    return match([rows[n] for n in on], [terms[n] for n in on])
