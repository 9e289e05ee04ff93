"""The planner's figures that can stand in the way of a plan, and where they stand in a programme.

A condition is one cell: the amount of a stream that must be handled, a capacity, a limit, a
budget. `elastic` gives every condition a column of its own, the amount by which its cell is
changed to the easier side, in all rows and bounds that the cell stands in (every period, for a
cell of a blank-period row). With all changes held at 0 the programme is the scenario's; with one
free, it tells how far that one cell would have to give way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from circflow.data.table import Cell
from circflow.model.terms import Model, named
from circflow.solver.compiled import Compiled, Program

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A kind of condition: which column of which sheet, in which words."""

    sheet: str
    column: str
    sign: int
    """+1 where a larger figure is easier to meet, −1 where a smaller one is."""
    weight: float
    """How unwelcome a relative change is: what is policy first, what is physical last."""
    words: str
    """`{figure}` with its unit, `{where}` the names in the row."""


KINDS = {
    "budget": Kind("Budget", "budget_million", 1, 1.0, "at most {figure} of capex in {where}"),
    "emission_limit": Kind("EmissionLimits", "limit_per_year", 1, 1.0, "{where}: at most {figure}"),
    "sold_min": Kind(
        "Markets", "min_per_year", -1, 1.0, "at least {figure} of {where} must be delivered"
    ),
    "closing_min": Kind(
        "Stockpiles", "closing_min", -1, 1.0, "at least {figure} of {where} must be left at the end"
    ),
    "closing_max": Kind(
        "Stockpiles", "closing_max", 1, 1.0, "at most {figure} of {where} may be left at the end"
    ),
    "min_load": Kind("Units", "min_load", -1, 2.0, "{where} must run at {figure} or more"),
    "choice": Kind("Units", "choice", 1, 3.0, "at most one of the choice {where} is built"),
    "requires": Kind("Units", "requires", 1, 3.0, "{where}"),
    "blend_min": Kind("BlendLimits", "min", -1, 5.0, "{where}: at least {figure}"),
    "blend_max": Kind("BlendLimits", "max", 1, 5.0, "{where}: at most {figure}"),
    "sold_max": Kind("Markets", "max_per_year", 1, 10.0, "{where}: at most {figure} is bought"),
    "bought": Kind("Purchases", "max_per_year", 1, 10.0, "{where}: at most {figure} can be bought"),
    "disposal_capacity": Kind(
        "Disposal", "capacity_per_year", 1, 10.0, "{where}: at most {figure} is disposed of"
    ),
    "disposal_total": Kind(
        "Disposal", "total_capacity", 1, 10.0, "{where}: at most {figure} over the whole horizon"
    ),
    "reclaimed": Kind(
        "Stockpiles", "max_reclaim_per_year", 1, 20.0, "{where}: at most {figure} taken back"
    ),
    "link_capacity": Kind("Links", "capacity_per_year", 1, 50.0, "{where}: at most {figure}"),
    "stock_capacity": Kind("Stockpiles", "capacity", 1, 100.0, "{where}: room for {figure}"),
    "capacity": Kind("Units", "capacity_per_year", 1, 100.0, "{where}: capacity {figure}"),
    "taken": Kind("Streams", "amount_per_year", -1, 1000.0, "{figure} of {where} must be handled"),
}


@dataclass
class Condition:
    """A cell, its figure, and the rows and bounds in which it stands."""

    kind: Kind
    cell: Cell
    figure: float
    """NaN where the cell is no number (choice, requires): its only change is to go."""
    where: str
    unit: str
    limit: float = np.inf
    """How far it can give way at most."""
    rows: list[tuple[int, float]] = field(default_factory=list)
    """Row of the programme, and what a change of 1 adds to the row's easier side."""
    lower: list[int] = field(default_factory=list)
    """Columns whose lower bound it is."""
    upper: list[int] = field(default_factory=list)
    """Columns whose upper bound it is."""


@dataclass(frozen=True)
class Elastic:
    """A programme with a column of change for every condition (the last columns, in order)."""

    program: Program
    conditions: list[Condition]
    first: int
    """Column of the first change."""

    @property
    def changes(self) -> NDArray[np.intp]:
        """Columns of the changes."""
        return np.arange(self.first, self.first + len(self.conditions))

    @property
    def most(self) -> Floats:
        """How far each condition can give way."""
        return np.array([c.limit for c in self.conditions], dtype=float)

    @property
    def weights(self) -> Floats:
        """Cost of a unit of change: relative to the figure, physical limits dearest."""
        size = np.array([_size(c) for c in self.conditions], dtype=float)
        return np.asarray(np.array([c.kind.weight for c in self.conditions]) / size)


def _size(condition: Condition) -> float:
    figure = abs(condition.figure)
    return figure if np.isfinite(figure) and figure > 0.0 else 1.0


def conditions(m: Model, compiled: Compiled) -> list[Condition]:
    """Every condition of a model, in the order of sheets and rows."""
    found = _Finder(m, compiled)
    for find in (
        found.streams,
        found.purchases,
        found.units,
        found.links,
        found.markets,
        found.disposal,
        found.stockpiles,
        found.emission_limits,
        found.blends,
        found.budget,
    ):
        find()
    return list(found.made.values())


class _Finder:
    """Collects conditions by cell."""

    def __init__(self, m: Model, compiled: Compiled) -> None:
        self.m = m
        self.scenario = m.scenario
        self.compiled = compiled
        self.made: dict[tuple[str, int, str], Condition] = {}
        self.currency = m.scenario.settings.currency

    def at(  # noqa: PLR0913
        self,
        kind: str,
        row: int,
        figure: float,
        where: str,
        unit: str,
        *,
        sheet: str = "",
        limit: float = np.inf,
    ) -> Condition:
        """The condition of a cell, made when first asked for."""
        of = KINDS[kind]
        key = (sheet or of.sheet, int(row), of.column)
        if key not in self.made:
            cell = self.scenario.tables[key[0]].cell(key[1], of.column)
            self.made[key] = Condition(of, cell, float(figure), where, unit, limit)
        return self.made[key]

    def measure(self, material: str) -> str:
        return f"{self.scenario.unit_of_measure.get(material, '')}/yr"

    def _bounded(self, variable: str) -> pd.DataFrame:
        """Rows of a variable with the programme's column, where it has one."""
        rows: pd.DataFrame = self.m.rows[variable]
        place = self.compiled.column_of[rows["column"].to_numpy()]
        placed: pd.DataFrame = rows.assign(place=place).loc[place >= 0]
        return placed

    def _rows(self, family: str) -> list[tuple[Any, int]]:
        indices, rows = self.compiled.families.get(family, ([], np.array([], dtype=np.intp)))
        return list(zip(indices, rows.tolist(), strict=True))

    def streams(self) -> None:
        rows = self._bounded("taken")
        for r in rows[rows["must_handle"].astype(bool)].to_dict("records"):
            amount = r["amount_per_year"]
            if amount > 0.0:
                where = f"{r['material']} at {r['site']}"
                unit = self.measure(r["material"])
                found = self.at("taken", r["row"], amount, where, unit, limit=amount)
                found.lower.append(r["place"])

    def purchases(self) -> None:
        rows = self._bounded("bought")
        for r in rows[rows["max_per_year"].notna()].to_dict("records"):
            where = f"{r['material']} at {r['site']}"
            unit = self.measure(r["material"])
            self.at("bought", r["row"], r["max_per_year"], where, unit).upper.append(r["place"])

    def markets(self) -> None:
        for r in self._bounded("sold").to_dict("records"):
            where, unit = f"{r['material']} at {r['site']}", self.measure(r["material"])
            low, high = r["min_per_year"], r["max_per_year"]
            if low > 0.0:
                found = self.at("sold_min", r["row"], low, where, unit, limit=low)
                found.lower.append(r["place"])
            if np.isfinite(high):
                self.at("sold_max", r["row"], high, where, unit).upper.append(r["place"])

    def stockpiles(self) -> None:
        for r in self._bounded("reclaimed").to_dict("records"):
            where = f"{r['material']} at {r['site']}"
            if np.isfinite(r["max_reclaim_per_year"]):
                unit = self.measure(r["material"])
                found = self.at("reclaimed", r["row"], r["max_reclaim_per_year"], where, unit)
                found.upper.append(r["place"])
        last = self.scenario.periods[-1].name
        for r in self._bounded("level").to_dict("records"):
            where = f"{r['material']} at {r['site']}"
            unit = self.scenario.unit_of_measure.get(r["material"], "")
            ends = r["period"] == last
            low, high, room = r["closing_min"], r["closing_max"], r["capacity"]
            if ends and low > 0.0:
                found = self.at("closing_min", r["row"], low, where, unit, limit=low)
                found.lower.append(r["place"])
            if ends and np.isfinite(high):
                self.at("closing_max", r["row"], high, where, unit).upper.append(r["place"])
            if np.isfinite(room):
                self.at("stock_capacity", r["row"], room, where, unit).upper.append(r["place"])

    def units(self) -> None:
        units = self.scenario.frame("Units").rename_axis("row").reset_index()
        of = units.set_index("unit")
        share = _by_unit_period(self.m)
        changed = {
            (r["unit"], r["period"], c): (row, r[c])
            for row, r in self.scenario.frame("UnitPeriods").iterrows()
            for c in ("capacity_per_year", "min_load")
            if np.isfinite(r[c])
        }
        for (unit, period), row in self._rows("capacity") + self._rows("running_capacity"):
            own = of.loc[unit]
            if own["status"] != "existing":
                continue
            sheet, at, figure = _cell_of(changed, unit, period, "capacity_per_year", own)
            found = self.at("capacity", at, figure, unit, "activity/yr", sheet=sheet)
            found.rows.append((row, share[unit, period][0]))
        for (unit, period), row in self._rows("min_load") + self._rows("running_min_load"):
            own = of.loc[unit]
            if own["status"] != "existing":
                continue
            sheet, at, figure = _cell_of(changed, unit, period, "min_load", own)
            found = self.at("min_load", at, figure, unit, "of its load", sheet=sheet, limit=figure)
            found.rows.append((row, share[unit, period][0] * share[unit, period][1]))
        for unit, row in self._rows("one_of_choice"):
            for r in units[units["choice"] == unit].to_dict("records"):
                self.at("choice", r["row"], np.nan, str(unit), "").rows.append((row, 1.0))
                break
        for (unit, _), row in self._rows("required_in_service"):
            own = of.loc[unit]
            where = f"{unit} requires {own['requires']}"
            self.at("requires", own["row"], np.nan, where, "").rows.append((row, 1.0))

    def links(self) -> None:
        rows = self.scenario.frame("Links")
        for (at, _), row in self._rows("link_capacity"):
            r = rows.loc[at]
            where = f"{r['material'] or 'everything'} from {r['from']} to {r['to']}"
            unit = self.measure(r["material"]) if r["material"] else "unit/yr"
            found = self.at("link_capacity", at, r["capacity_per_year"], where, unit)
            found.rows.append((row, 1.0))

    def disposal(self) -> None:
        rows = self.scenario.frame("Disposal")
        for (at, _), row in self._rows("disposal_capacity"):
            r = rows.loc[at]
            where = f"{r['material'] or 'waste'} at {r['site']}"
            unit = self.measure(r["material"]) if r["material"] else "unit/yr"
            found = self.at("disposal_capacity", at, r["capacity_per_year"], where, unit)
            found.rows.append((row, 1.0))
        for at, row in self._rows("disposal_total"):
            r = rows.loc[at]
            where = f"{r['material'] or 'waste'} at {r['site']}"
            unit = self.scenario.unit_of_measure.get(r["material"], "unit")
            found = self.at("disposal_total", at, r["total_capacity"], where, unit)
            found.rows.append((row, 1.0))

    def emission_limits(self) -> None:
        rows = self.scenario.frame("EmissionLimits")
        for (at, _), row in self._rows("emission_limit"):
            r = rows.loc[at]
            if np.isfinite(r["penalty"]):
                continue
            where = f"{r['pollutant']} of {r['key'] or 'the ' + r['scope']}"
            found = self.at("emission_limit", at, r["limit_per_year"], where, "t/yr")
            found.rows.append((row, 1.0))

    def blends(self) -> None:
        rows = self.scenario.frame("BlendLimits")
        for name, column in (("blend_min", "min"), ("blend_max", "max")):
            for (at, _, _), row in self._rows(name):
                r = rows.loc[at]
                what = r["property"] or f"share of {r['material']}"
                where = f"{what} in {r['group']} of {r['technology']}"
                self.at(name, at, r[column], where, "").rows.append((row, 1.0))

    def budget(self) -> None:
        rows = self.scenario.frame("Budget").rename_axis("row").reset_index().set_index("period")
        for period, row in self._rows("budget_limit"):
            r = rows.loc[period]
            unit = f"million {self.currency}"
            found = self.at("budget", r["row"], r["budget_million"], str(period), unit)
            found.rows.append((row, 1.0))


def _cell_of(
    changed: dict[tuple[str, str, str], tuple[Any, float]],
    unit: str,
    period: str,
    column: str,
    own: pd.Series[Any],
) -> tuple[str, int, float]:
    if (unit, period, column) in changed:
        row, figure = changed[unit, period, column]
        return "UnitPeriods", int(row), float(figure)
    return "Units", int(own["row"]), float(own[column])


def _by_unit_period(m: Model) -> dict[tuple[str, str], tuple[float, float]]:
    rows = named(m.units, "unit", "period", "availability", "capacity_per_year")
    return {(u, t): (a, c) for u, t, a, c in rows}


_BEYOND = 1e6
"""A capacity so many times as large is beyond reach."""


def elastic(program: Program, found: list[Condition]) -> Elastic:
    """The programme with a column of change for each condition (all held at 0 at first)."""
    rows, columns = program.shape
    parts = _Parts()
    held: list[tuple[int, float, float]] = []
    for number, condition in enumerate(found):
        for row, share in condition.rows:
            easier = -share if np.isfinite(program.row_upper[row]) else share
            parts.add(row, number, easier)
        for sign, places in ((1.0, condition.lower), (-1.0, condition.upper)):
            for place in places:
                figure = condition.figure
                parts.add(rows + len(held), number, sign)
                held.append((place, figure, np.inf) if sign > 0 else (place, -np.inf, figure))
    at = np.array([p for p, _, _ in held], dtype=np.intp)
    low, high = (np.array([h[side] for h in held], dtype=float) for side in (1, 2))
    # What a row holds now is no bound any more; a stream that must be handled is held from
    # above by its amount still.
    streams = [p for c in found if c.kind.sheet == "Streams" for p in c.lower]
    loose = at[np.isfinite(high) & ~np.isin(at, streams)]
    bounds = coo_array((np.ones(len(held)), (np.arange(len(held)), at)), (len(held), columns))
    # A larger capacity is of use only to a unit that runs: load ≤ capacity beyond reach · running.
    capacities = [row for c in found if c.kind is KINDS["capacity"] for row, _ in c.rows]
    running = program.matrix.tocsr()[capacities].multiply(
        np.where(program.integer, _BEYOND, 1.0)[None, :]
    )
    switched = np.flatnonzero(running @ program.integer.astype(float))
    program = program.with_rows(csc_array(running.tocsr()[switched]), -np.inf, 0.0)
    parts.rows = [n if n < rows else n + len(switched) for n in parts.rows]
    rows += len(switched)
    grown = (
        program.with_bounds(at[np.isfinite(low)], lower=0.0)
        .with_bounds(loose, upper=np.inf)
        .with_rows(bounds, low, high)
        .with_columns(parts.matrix(rows + len(held), len(found)), upper=0.0)
    )
    return Elastic(grown, found, columns)


class _Parts:
    """Entries of the columns of change."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.values: list[float] = []

    def add(self, row: int, column: int, value: float) -> None:
        self.rows.append(row)
        self.columns.append(column)
        self.values.append(value)

    def matrix(self, rows: int, columns: int) -> coo_array:
        at, number = np.array(self.rows, dtype=np.intp), np.array(self.columns, dtype=np.intp)
        return coo_array((np.array(self.values, dtype=float), (at, number)), shape=(rows, columns))
