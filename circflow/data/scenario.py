"""The frozen scenario: typed tables, settings, periods, and what is in force when.

Figures are as the planner wrote them: amounts in the material's unit per year, unit prices in
currency, lump sums in million currency.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.coded import (
    Codes,
    Column,
    Flags,
    Floats,
    Ints,
    Items,
    by_row,
    distinct,
    find_rows,
    kind_of,
    match,
    place_in,
    series_of,
    stacked,
)
from circflow.data.errors import CircflowError
from circflow.data.result import Result
from circflow.data.schema.sheets import BY_NAME
from circflow.data.table import Book, Problem, Table
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    from circflow.data.changes.change import Edit
    from circflow.data.network import Network

MILLION = 1e6
"""Currency per million currency."""


class ScenarioError(CircflowError, ValueError):
    """A scenario that cannot be used. `problems` holds every one that was found."""

    def __init__(self, problems: Iterable[Problem], origin: str = "") -> None:
        self.problems = tuple(problems)
        self.origin = origin
        errors = [p for p in self.problems if p.severity == "error"]
        head = say_n(
            "{value} has {n} error",
            "{value} has {n} errors",
            len(errors),
            value=origin or say("the scenario"),
        )
        super().__init__("\n".join([head, *(f"  {p}" for p in errors)]))


@dataclass(frozen=True)
class Settings:
    """The sheet Scenario, typed. Costs in currency per unit, distances in km."""

    name: str
    description: str = ""
    region: str = ""
    currency: str = "RUB"
    start_year: int = 2025
    discount_rate: float = 0.0
    auto_links: bool = True
    max_distance_km: float = np.inf
    detour_factor: float = 1.3
    transaction_cost_inside: float = 0.0
    transaction_cost_outside: float = 0.0
    capital_charge: str = "annuity"
    rates: str = ""


def make_settings(given: Mapping[str, object]) -> Settings:
    """Settings from typed values by key; blank ones take their defaults."""
    values = {key: value for key, value in given.items() if value is not None}
    values.setdefault("name", "")
    if "start_year" in values:
        values["start_year"] = int(values["start_year"])  # type: ignore[call-overload]
    return Settings(**values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Period:
    """A period of the horizon. `start` counts years from the beginning of the horizon."""

    name: str
    years: int
    start: int
    weight: float
    """D_t: what one unit of yearly money in the period is worth today (MODEL: discounting)."""
    once: float
    """(1 + rate)^−start: what a lump sum at the period's start is worth today."""


def make_periods(names: Iterable[str], years: Iterable[int], rate: float) -> tuple[Period, ...]:
    """Periods in order, with D_t = Σ_{n<years} (1 + rate)^−(start + n), in closed form, and
    (1 + rate)^−start (inf where that is beyond all numbers)."""
    periods, start = [], 0
    growth = math.log1p(rate)
    for name, length in zip(names, years, strict=True):
        try:
            share = math.expm1(-length * growth) / math.expm1(-growth) if growth else length
            once = math.exp(-start * growth)
            weight = once * share
        except OverflowError:
            once = weight = math.inf
        periods.append(Period(name, length, start, weight, once))
        start += length
    return tuple(periods)


@dataclass(frozen=True)
class Standstill:
    """What stands still beside the scenario's own rules (a future in which something is `off`).

    A unit that stands still is told in UnitPeriods, by an availability of 0.
    """

    markets: frozenset[tuple[str, str, str]] = frozenset()
    """site, material, period: nothing is sold, no least sale."""
    modes: frozenset[tuple[str, str]] = frozenset()
    """mode, period: nothing goes by it."""
    links: frozenset[tuple[str, str, str]] = frozenset()
    """from, to, period: nothing goes directly from the one to the other."""


NOTHING_STANDS_STILL = Standstill()


@dataclass(frozen=True, repr=False)
class Scenario(Result):
    """A checked scenario. Made by `circflow.read`; changed copies by `change`."""

    settings: Settings
    periods: tuple[Period, ...]
    tables: Mapping[str, Table]
    """Every sheet of the schema by name (without rows where the file has none); Periods,
    Members and Modes are filled in where the file leaves them out."""
    book: Book
    """The file as it was read, for writing it again."""
    warnings: tuple[Problem, ...] = ()
    read_seconds: float = field(default=0.0, compare=False)
    """What reading and checking the file took."""
    standstill: Standstill = NOTHING_STANDS_STILL
    changes: tuple[str, ...] = field(default=(), compare=False)
    """What `change` did to the file's cells, in order, as assignments: `Markets.price*=0.9`."""

    @property
    def headline(self) -> str:
        sheets = ("Sites", "Materials", "Units", "Periods")
        return f"{self.name}: " + ", ".join(f"{s} {len(self.tables[s]):,}" for s in sheets)

    @property
    def name(self) -> str:
        return self.settings.name

    def with_notes(self, **notes: Any) -> Scenario:
        """The scenario with other `warnings`, `changes` or `read_seconds`; what is derived from its
        tables is kept."""
        twin = replace(self, **notes)
        vars(twin).update({k: v for k, v in vars(self).items() if k not in vars(twin)})
        return twin

    @property
    def changes_table(self) -> dict[str, pd.DataFrame]:
        """`changes` as a table to write beside others (column `change`), by its name; none where
        nothing was changed."""
        table = pd.DataFrame({"change": series_of(self.changes)})
        return {"changes": table} if self.changes else {}

    @property
    def about(self) -> dict[str, Any]:
        """Name and changes: how every JSON begins."""
        return {"scenario": self.name, "changes": list(self.changes)}

    def with_table(self, table: Table) -> Scenario:
        """The scenario with other rows in a sheet; nothing that is made of the sheets is kept."""
        return replace(self, tables={**self.tables, table.sheet.name: table})

    def with_figures(self, tables: Mapping[str, Table], **derived: Any) -> Scenario:
        """The scenario with other figures in some tables, and fields that come of them; what is
        made of sheets that stay is kept."""
        tables = {**self.tables, **tables}
        other = replace(self, tables=tables, changes=(), read_seconds=0.0, **derived)
        moved = {name for name, table in tables.items() if table is not self.tables[name]}
        known = vars(self)
        for name, sheets in _FIGURES_IN.items():
            if name in known and not moved & sheets:
                vars(other)[name] = known[name]
        vars(other)["_items"] = {s: rows for s, rows in self._items.items() if s not in moved}
        return other

    def change(self, edits: Mapping[str, Edit]) -> Scenario:
        """A copy with other cells: `{"Markets.price[material=slag]": "*0.9"}`.

        An address names cells (see `circflow.data.changes.address`); an edit is a value to set, or
        text such as `*0.9`, `+5`, `=12`. Raises `ScenarioError` where an address names nothing or
        the changed scenario cannot be used.
        """
        from circflow.data.changes.change import change

        return change(self, edits)

    def frame(self, sheet: str) -> pd.DataFrame:
        """A sheet's typed rows, indexed by row number."""
        return self.tables[sheet].frame

    @cached_property
    def codes(self) -> Codes:
        """Every name as a number; sites, materials, … in the order of their sheets."""
        listed = {kind: self.tables[sheet].rows[kind].tolist() for kind, sheet in _LISTS.items()}
        codes = Codes({**listed, "period": [p.name for p in self.periods]})
        for name, table in self.tables.items():
            for column in table.sheet.columns if name != "Scenario" else ():
                if (
                    not column.is_number
                    and column.kind != "flag"
                    and kind_of(column.name) not in listed
                ):
                    codes.of(column.name, table.rows[column.name].tolist())
        return codes

    def items(self, sheet: str) -> Items:
        """A sheet's rows as arrays (see `circflow.data.coded`), with `row`, the row number."""
        known = self._items
        if sheet not in known:
            known[sheet] = _coded(self.tables[sheet], self.codes)
        return known[sheet]

    def items_in_force(self, sheet: str) -> Items:
        """`items` of a sheet with a `period` column, once for every period they hold in.

        Rows that name a period replace, in that period, the blank-period rows of the same key.
        Sorted as in the sheet, then by period.
        """
        rows = self.items(sheet)
        at, when = rows_in_force(
            [rows[k] for k in key_of(sheet)], rows["period"], len(self.periods)
        )
        return self._without_standstill(sheet, rows.take(at).plus(period=when))

    def in_force(self, sheet: str) -> pd.DataFrame:
        """`items_in_force` as a table with names."""
        return self.items_in_force(sheet).frame(self.codes)

    def _without_standstill(self, sheet: str, rows: Items) -> Items:
        """Rows in force, less what stands still: a market buys nothing, a mode does not run."""
        if sheet == "Markets" and self.standstill.markets:
            still = self.stand_still(rows, ("site", "material", "period"), self.standstill.markets)
            limits = {n: np.where(still, 0.0, rows[n]) for n in ("max_per_year", "min_per_year")}
            return rows.plus(**limits)
        if sheet == "Modes" and self.standstill.modes:
            return rows.take(~self.stand_still(rows, ("mode", "period"), self.standstill.modes))
        return rows

    def stand_still(
        self, rows: Items, columns: Sequence[str], names: Iterable[tuple[str, ...]]
    ) -> Flags:
        """Which rows are among the names (of `columns`) that stand still."""
        listed = list(zip(*sorted(names), strict=True)) or [()] * len(columns)
        still = [self.codes.of(n, parts) for n, parts in zip(columns, listed, strict=True)]
        return place_in(still, [rows[n] for n in columns]) >= 0

    @cached_property
    def _items(self) -> dict[str, Items]:
        return {}

    @cached_property
    def period_items(self) -> Items:
        """period, years, start, weight (D_t), once (what a lump sum counts)."""
        columns = {
            name: np.array([getattr(p, name) for p in self.periods], dtype=float)
            for name in ("years", "start", "weight", "once")
        }
        return Items({"period": np.arange(len(self.periods)), **columns})

    @cached_property
    def member_of(self) -> dict[str, str | None]:
        """The member that each site belongs to, None outside the cluster."""
        sites = self.tables["Sites"].rows
        return {site: member for _, site, member in by_row(sites, "site", "member")}

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the sheet Members, in its order."""
        return tuple(self.tables["Members"].rows["member"].tolist())

    def owners(self, sites: Iterable[Any]) -> Ints:
        """Which of `members` each of some sites belongs to; −1 outside the cluster, and for no
        site."""
        number: dict[str | None, int] = {name: n for n, name in enumerate(self.members)}
        of_site = {site: number.get(member, -1) for site, member in self.member_of.items()}
        return np.array([of_site.get(site, -1) for site in sites], dtype=np.intp)

    def ends(self, flows: pd.DataFrame) -> tuple[Ints, Ints, Flags]:
        """The owners of both ends of flows (`from` and `to`), and which flows run between two
        different members."""
        sender, receiver = self.owners(flows["from"]), self.owners(flows["to"])
        return sender, receiver, (sender >= 0) & (receiver >= 0) & (sender != receiver)

    def weights_of(self, periods: Iterable[str]) -> Floats:
        """D_t of each of some periods, by name."""
        weight = {p.name: p.weight for p in self.periods}
        return np.array([weight[name] for name in periods], dtype=float)

    @cached_property
    def unit_of_measure(self) -> dict[str, str]:
        """The unit in which each material is counted."""
        materials = self.tables["Materials"].rows
        return {material: unit for _, material, unit in by_row(materials, "material", "unit")}

    @property
    def is_waste(self) -> Flags:
        """Of every material, by code: whether its category is waste."""
        return np.asarray(
            self.items("Materials")["category"] == self.codes.known("category", "waste")
        )

    @cached_property
    def wastes(self) -> frozenset[str]:
        """Materials of category waste."""
        materials = self.tables["Materials"].rows
        return frozenset(materials["material"][materials["category"] == "waste"].tolist())

    @cached_property
    def purchase_items(self) -> Items:
        """What can be bought where: site, material, period, price, max_per_year, row.

        A row with a blank site holds at every site with a unit that uses the material (a unit
        that is off uses nothing); a row that names a site replaces it there, in the periods
        in which it is in force.
        """
        rows = self.items_in_force("Purchases")
        named, blank = rows.take(rows["site"] >= 0), rows.take(rows["site"] < 0)
        i, j = match([blank["material"]], [self.uses["material"]])
        spread = blank.take(i).plus(site=self.uses["site"][j])
        replaced = find_rows(named, spread, "site", "material", "period") >= 0
        both = stacked([named, spread.take(~replaced)], *rows.names)
        site_names = np.array(self.codes.names("site", np.arange(self.codes.size("site"))), str)
        by_name = np.argsort(np.argsort(site_names))
        return both.take(np.lexsort((by_name[both["site"]], both["row"])))

    @cached_property
    def active_units(self) -> pd.DataFrame:
        """Units that are not off."""
        units = self.frame("Units")
        return units[units["status"] != "off"]

    @cached_property
    def active_unit_items(self) -> Items:
        """Units that are not off."""
        units = self.items("Units")
        return units.take(units["status"] != self.codes.known("status", "off"))

    @cached_property
    def uses(self) -> Items:
        """Site and material of what is used (taken in)."""
        return self._roles("input")

    @cached_property
    def makes(self) -> Items:
        """Site and material of what is made."""
        return self._roles("output")

    def _roles(self, role: str) -> Items:
        recipes, units = self.items("Recipes"), self.active_unit_items
        recipes = recipes.take(recipes["role"] == self.codes.known("role", role))
        i, j = match([units["technology"]], [recipes["technology"]])
        site, material = units["site"][i], recipes["material"][j]
        first = np.sort(distinct([site, material])[0])
        return Items({"site": site[first], "material": material[first]})

    @cached_property
    def network(self) -> Network:
        """Which material can go where, by which mode, how far, at which loss and cost."""
        from circflow.data.network import make_network

        return make_network(self)


_FIGURES_IN: dict[str, frozenset[str]] = {
    "member_of": frozenset(),
    "unit_of_measure": frozenset(),
    "wastes": frozenset(),
    "active_units": frozenset({"Units"}),
    "active_unit_items": frozenset({"Units"}),
    "uses": frozenset(),
    "makes": frozenset(),
    "codes": frozenset(),
    "purchase_items": frozenset({"Purchases"}),
    "network": frozenset({"Scenario", "Sites", "Modes", "Links"}),
}
"""The sheets whose figures stand in, or decide, what is derived from a scenario; of the other
sheets it holds names alone."""


_LISTS = {"site": "Sites", "material": "Materials", "unit": "Units", "mode": "Modes"}
"""The sheets that list the names of a kind."""


def key_of(sheet: str) -> list[str]:
    """The columns that tell rows of a sheet apart, period aside (price tiers share one key)."""
    return list(BY_NAME[sheet].key or ("site", "material"))


def rows_in_force(key: Sequence[Column], period: Ints, periods: int) -> tuple[Ints, Ints]:
    """Which rows hold in which period: positions and periods, by position, then period.

    `key`: codes that tell rows apart; a blank one (every site, every material) is one of its own.
    """
    named, blank = np.flatnonzero(period >= 0), np.flatnonzero(period < 0)
    at = np.repeat(blank, periods)
    when = np.tile(np.arange(periods), len(blank))
    replaced = place_in(
        [*(k[named] + 1 for k in key), period[named]], [*(k[at] + 1 for k in key), when]
    )
    at, when = at[replaced < 0], when[replaced < 0]
    at, when = np.concatenate([named, at]), np.concatenate([period[named], when])
    order = np.lexsort((when, at))
    return at[order], when[order]


def _coded(table: Table, codes: Codes) -> Items:
    rows = table.rows
    names = [n for n in rows.names if rows[n].dtype == object]
    return rows.plus(**{n: codes.of(n, rows[n].tolist()) for n in names})
