"""What every row of a plan earns, costs and emits, computed from the scenario's own sheets.

The audit adds these figures up and compares them with the plan's money; the value chains spread
them over the paths of the material. Nothing here looks at the model: the amounts come from the
tables of the solution, every price, factor and distance from the scenario (MODEL: Money).

A `Ledger` holds one kind of activity of the plan, row by row:

    supply     amount taken from a stream, or bought          unit/yr
    flows      sent over a link                               unit/yr
    activity   recipe run by a unit                           activity/yr
    service    a unit in a period: in service, or not         0..1
    sales      sold under a row of Markets                    unit/yr
    disposal   disposed of under a row of Disposal            unit/yr
    added      into a stockpile                               unit/yr
    reclaimed  out of a stockpile                             unit/yr
    held       in a stockpile at a period's end               unit
    synergies  joint activity                                 1/yr

Money is in million currency per year of the period, positive when received; emissions in t/yr.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.data.coded import (
    BLANK,
    Codes,
    Flags,
    Floats,
    Ints,
    Items,
    distinct,
    find_rows,
    match,
    stacked,
    take,
)
from circflow.data.scenario import MILLION
from circflow.solution.calendar import purchases_in_force, rows_in_force
from circflow.solution.findings import with_technology
from circflow.solution.keys import CodedPlan, added_up
from circflow.solution.transport import link_terms
from circflow.solution.units_in_service import Service, service_of

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.solution.solution import Solution

LEDGERS = (
    "supply",
    "flows",
    "activity",
    "service",
    "sales",
    "disposal",
    "added",
    "reclaimed",
    "held",
    "synergies",
)


@dataclass(frozen=True)
class Ledger:
    """One kind of activity: rows, and what each earns and costs (million/yr)."""

    items: Items
    codes: Codes
    amount: Floats
    site: Ints
    """Where it counts (a journey: where it starts); −1 where it is at no site."""
    period: Ints
    known: Flags
    """False where the scenario has no row for it."""
    money: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows with names."""
        return self.items.frame(self.codes)


@dataclass(frozen=True)
class Accounts:
    """The plan's ledgers, and what is charged for emissions.

    `limits`: one record for every row of EmissionLimits in force in a period: row, pollutant,
    scope, key, period, emitted, limit, price, penalty, excess (t/yr, currency/t), cost
    (million/yr), unspread (the part of the cost that no ledger's row bears). `emitted`: what each
    row of a ledger emits of each pollutant (the columns of `EMITTED`, t/yr).
    """

    scenario: Scenario
    plan: CodedPlan
    ledgers: dict[str, Ledger]
    limits: Items
    emitted: Items
    service: Service

    def __getitem__(self, name: str) -> Ledger:
        return self.ledgers[name]

    def money(self) -> Items:
        """group, period, million_per_year, gross_per_year (of absolute figures), million."""
        parts = [
            (group, ledger.period, figures)
            for ledger in self.ledgers.values()
            for group, figures in ledger.money.items()
        ]
        parts.append(("emissions", self.limits["period"], -self.limits["unspread"]))
        codes = self.plan.codes.of("group", [group for group, _, _ in parts])
        figures = np.concatenate([figures for _, _, figures in parts])
        rows = Items(
            {
                "group": np.repeat(codes, [len(figures) for _, _, figures in parts]),
                "period": np.concatenate([period for _, period, _ in parts]),
            }
        )
        unknown = (~np.isfinite(figures)).astype(float)
        sums, (net, gross, lost) = added_up(
            rows, ("group", "period"), figures, np.abs(figures), unknown
        )
        net, gross = (np.where(lost > 0.0, np.nan, figure) for figure in (net, gross))
        years = np.array([p.years for p in self.scenario.periods], dtype=float)[sums["period"]]
        capital = sums["group"] == self.plan.code("group", "capital")
        million = net * years - np.where(capital, self.service.upfront[sums["period"]], 0.0)
        return sums.plus(million_per_year=net, gross_per_year=gross, million=million)


def accounts(solution: Solution) -> Accounts:
    """Money and emissions of every row of a plan, from amounts and the scenario alone."""
    return _Keeper(solution).keep()


PLACE = ("site", "material", "period")
EMITTED = ("pollutant", "kind", "site", "unit", "period", "tonnes")


class _Keeper:
    def __init__(self, solution: Solution) -> None:
        self.scenario = solution.scenario
        self.plan = CodedPlan(solution)
        self.factors = _Factors(self.scenario)
        self.emitted: list[tuple[Ledger, Items]] = []

    def keep(self) -> Accounts:
        service = service_of(self.plan)
        ledgers = {
            "supply": self._supply(),
            "flows": self._flows(),
            "activity": self._activity(),
            "service": self._service(service),
            "sales": self._sales(),
            "disposal": self._disposal(),
            **self._stockpiles(),
            "synergies": self._synergies(),
        }
        nothing = Items(dict.fromkeys(EMITTED, np.zeros(0, dtype=np.intp)))
        parts = [rows for _, rows in self.emitted] or [nothing]
        emitted = stacked(parts, *EMITTED)
        limits, cost = _charge(self.plan, emitted)
        ends = np.cumsum([len(rows) for rows in parts])
        for (ledger, _), share in zip(self.emitted, np.split(cost, ends[:-1]), strict=False):
            ledger.money["emissions"] = ledger.money.get("emissions", 0.0) - share / MILLION
        return Accounts(self.scenario, self.plan, ledgers, limits, emitted, service)

    def ledger(
        self,
        rows: Items,
        amount: Floats,
        known: Flags,
        money: dict[str, Floats],
        site: str = "site",
    ) -> Ledger:
        nowhere = np.full(len(rows), -1, dtype=np.intp)
        sites = self.plan.listed("site", rows[site]) if site in rows else nowhere
        period = self.plan.listed("period", rows["period"])
        # A row of no known period counts nowhere: the audit names it.
        known = known & (period >= 0)
        for group, value in money.items():
            money[group] = np.where(period >= 0, value, 0.0)
        return Ledger(rows, self.plan.codes, amount, sites, np.maximum(period, 0), known, money)

    def priced(
        self, rows: Items, amount: Floats, sheet: Items, at: Ints, **prices: tuple[str, float]
    ) -> Ledger:
        """A ledger of rows that stand for those of a sheet (`at`; −1: for none), with the column
        of the price of each group, and 1 where it is received, −1 where it is paid."""
        money = {
            group: sign * amount * take(sheet[column], at) / MILLION
            for group, (column, sign) in prices.items()
        }
        return self.ledger(rows.plus(at=at), amount, at >= 0, money)

    def emits(self, kind: str, ledger: Ledger, amount: Floats, factors: dict[str, Floats]) -> None:
        """Note what the rows of a ledger emit: tonnes of each pollutant per unit of `amount`."""
        codes, listed = self.plan.codes, self.plan.listed
        unit = listed("unit", ledger.items["unit"]) if kind == "recipe" else BLANK
        rows = Items({"site": ledger.site, "period": ledger.period})
        rows = rows.plus(kind=int(codes.of("kind", [kind])[0]), unit=unit)
        for name, factor in factors.items():
            pollutant = int(codes.of("pollutant", [name])[0])
            noted = rows.plus(pollutant=pollutant, tonnes=amount * factor)
            self.emitted.append((ledger, noted))

    def named(self, kind: str, ledger: Ledger, amount: Floats, label: str = "material") -> None:
        """Note what rows emit by the material (the mode) that they name."""
        names, at = self.plan.codes.listed(label), ledger.items[label]
        self.emits(kind, ledger, amount, self.factors(kind, names, at))

    def _supply(self) -> Ledger:
        rows = self.plan["supply"]
        amount = rows["amount_per_year"]
        streams, purchases = (
            rows_in_force(self.scenario, "Streams"),
            purchases_in_force(self.scenario),
        )
        is_stream = rows["kind"] == self.plan.code("kind", "stream")
        at = np.where(is_stream, find_rows(streams, rows, *PLACE), -1)
        bought = np.where(is_stream, -1, find_rows(purchases, rows, *PLACE))
        ledger = self.ledger(
            rows.plus(row_stream=at, row_purchase=bought),
            amount,
            (at >= 0) | (bought >= 0),
            {
                "streams": -amount * take(streams["cost"], at) / MILLION,
                "purchases": -amount * take(purchases["price"], bought) / MILLION,
            },
        )
        self.named("stream", ledger, np.where(is_stream, amount, 0.0))
        self.named("purchase", ledger, np.where(is_stream, 0.0, amount))
        return ledger

    def _flows(self) -> Ledger:
        rows = link_terms(self.plan)
        sent = rows["sent_per_year"]
        ledger = self.ledger(
            rows,
            sent,
            rows["runs"] & rows["exists"],
            {
                "transport": -sent * rows["unit_cost"] / MILLION,
                "transactions": -sent * rows["transaction_cost"] / MILLION,
            },
            site="from",
        )
        distance = rows["distance_km"]
        kilometres = sent * np.where(np.isnan(distance), 0.0, distance)
        self.named("transport", ledger, kilometres, "mode")
        return ledger

    def _activity(self) -> Ledger:
        rows = self.plan["activity"]
        amount = rows["activity_per_year"]
        rows = with_technology(self.plan, rows)
        costs = rows_in_force(self.scenario, "RecipeCosts")
        at = find_rows(costs, rows, "technology", "recipe", "period")
        rows = rows.plus(capacity_use=take(costs["capacity_use"], at, 1.0))
        known = find_rows(self.scenario.items("Recipes"), rows, "technology", "recipe") >= 0
        processing = -amount * take(costs["variable_cost"], at) / MILLION
        ledger = self.ledger(rows, amount, known, {"processing": processing})
        first, pair = distinct([rows["technology"], rows["recipe"]])
        codes = self.plan.codes
        technology = codes.names("technology", rows["technology"][first]).tolist()
        recipe = codes.names("recipe", rows["recipe"][first]).tolist()
        exact = [f"{t}/{r}" for t, r in zip(technology, recipe, strict=True)]
        self.emits("recipe", ledger, amount, self.factors("recipe", exact, pair, technology))
        return ledger

    def _service(self, service: Service) -> Ledger:
        rows = service.rows
        return self.ledger(
            rows,
            rows["in_service"],
            np.ones(len(rows), dtype=bool),
            {"fixed": -rows["fixed"], "capital": -rows["annuity"]},
        )

    def _sales(self) -> Ledger:
        rows = self.plan["sales"]
        amount = rows["amount_per_year"]
        markets = rows_in_force(self.scenario, "Markets")
        at = find_rows(markets, rows, "row", "period", "site", "material")
        prices = {"income": ("price", 1.0), "synergy": ("premium", 1.0)}
        ledger = self.priced(rows, amount, markets, at, **prices)
        self.named("sale", ledger, amount)
        return ledger

    def _disposal(self) -> Ledger:
        rows = self.plan["disposal"]
        amount = rows["amount_per_year"]
        sheet = rows_in_force(self.scenario, "Disposal")
        at = find_rows(sheet, rows, "row", "period", "site")
        accepted = np.append(sheet["material"], BLANK)[at]
        wastes = self.scenario.codes.of("material", sorted(self.scenario.wastes))
        takes = np.where(
            accepted < 0, np.isin(rows["material"], wastes), accepted == rows["material"]
        )
        at = np.where(takes, at, -1)
        ledger = self.priced(rows, amount, sheet, at, disposal=("fee", -1.0))
        self.named("disposal", ledger, amount)
        return ledger

    def _stockpiles(self) -> dict[str, Ledger]:
        rows = self.plan["stockpiles"]
        sheet = self.scenario.items("Stockpiles")
        at = find_rows(sheet, rows, "site", "material")
        ledgers = {
            name: self.priced(rows.only(*PLACE), rows[column], sheet, at, stockpiles=(cost, -1.0))
            for name, column, cost in (
                ("added", "added_per_year", "add_cost"),
                ("reclaimed", "reclaimed_per_year", "reclaim_cost"),
                ("held", "closing", "holding_cost"),
            )
        }
        self.named("stockpile", ledgers["held"], ledgers["held"].amount)
        return ledgers

    def _synergies(self) -> Ledger:
        rows = self.plan["synergies"]
        joint, sheet = rows["joint_activity_per_year"], self.scenario.items("Synergies")
        at = find_rows(sheet, rows, "synergy")
        return self.priced(rows, joint, sheet, at, synergy=("value", 1.0))


class _Factors:
    """Emission factors: a blank key is every one of the kind, a row with a key replaces it."""

    def __init__(self, scenario: Scenario) -> None:
        sheet = scenario.frame("EmissionFactors")
        self.by_kind: dict[str, dict[str, dict[object, float]]] = {}
        for kind, key, pollutant, factor in zip(
            sheet["kind"], sheet["key"], sheet["pollutant"], sheet["factor"], strict=True
        ):
            name = None if pd.isna(key) else key
            self.by_kind.setdefault(kind, {}).setdefault(pollutant, {})[name] = float(factor)

    def __call__(
        self, kind: str, names: Sequence[object], at: Ints, broad: Sequence[object] | None = None
    ) -> dict[str, Floats]:
        """Tonnes of each pollutant per unit, for rows that point to names (−1: to none).

        `broad` is the less exact name of each name.
        """
        by_pollutant = {}
        for pollutant, known in self.by_kind.get(kind, {}).items():
            every = known.get(None, 0.0)
            factors = [
                known.get(name, known.get(less, every))
                for name, less in zip(names, broad or names, strict=True)
            ]
            by_pollutant[pollutant] = np.array([*factors, every])[at]
        return by_pollutant


def within_limits(plan: CodedPlan, limits: Items, emitted: Items) -> tuple[Ints, Ints]:
    """Which emissions (pollutant, period, site, unit) each limit counts: pairs of positions."""
    sites, site = plan.scenario.items("Sites"), emitted["site"]
    places = {
        "cluster": np.minimum(site, 0),
        **{scope: np.append(sites[scope], BLANK)[site] for scope in ("region", "member")},
        "site": site,
        "unit": emitted["unit"],
    }
    keys, none = plan.codes.names("key", limits["key"]), np.zeros(0, dtype=np.intp)
    pairs = [(none, none)]
    for scope in dict.fromkeys(plan.codes.names("scope", limits["scope"]).tolist()):
        rows, place = np.flatnonzero(limits["scope"] == plan.code("scope", scope)), places[scope]
        whose = [0 if scope == "cluster" else plan.code(scope, key) for key in keys[rows]]
        limited = limits["pollutant"][rows], limits["period"][rows], np.array(whose, dtype=np.intp)
        i, j = match(limited, (emitted["pollutant"], emitted["period"], place))
        pairs.append((rows[i], j))
    limit, at = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return limit, at


def _charge(plan: CodedPlan, emitted: Items) -> tuple[Items, Floats]:
    """Emissions within each limit's scope and what they cost; what each emission bears (currency).

    A price is borne by every row in proportion to its emission (which may be negative); a
    penalty by those that emit, in proportion to their emission.
    """
    limits, tonnes = rows_in_force(plan.scenario, "EmissionLimits"), emitted["tonnes"]
    limit, at = within_limits(plan, limits, emitted)
    above = np.maximum(tonnes, 0.0)
    total, gross = (np.bincount(limit, t[at], len(limits)) for t in (tonnes, above))
    table = plan["emission_limits"]
    excess = take(table["excess_per_year"], find_rows(table, limits, "row", "period"))
    fine = np.nan_to_num(limits["penalty"]) * excess
    spread = gross > 0.0
    fine_per_tonne = np.divide(fine, gross, out=np.zeros(len(limits)), where=spread)
    borne = limits["price"][limit] * tonnes[at] + fine_per_tonne[limit] * above[at]
    limits = limits.plus(
        emitted=total,
        gross=gross,
        cost=(limits["price"] * total + fine) / MILLION,
        unspread=np.where(spread, 0.0, fine) / MILLION,
        excess=excess,
    )
    return limits, np.bincount(at, borne, len(tonnes)).astype(float)
