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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.coded import BLANK, Codes, Flags, Floats, Ints, Items, distinct, find_rows, take
from circflow.data.scenario import MILLION
from circflow.solution.calendar import purchases_in_force, rows_in_force
from circflow.solution.findings import with_technology
from circflow.solution.keys import CodedPlan
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
    """One kind of activity: rows, and what each earns, costs (million/yr) and emits (t/yr)."""

    items: Items
    codes: Codes
    amount: Floats
    site: Ints
    """Where it counts (a journey: where it starts); −1 where it is at no site."""
    period: Ints
    known: Flags
    """False where the scenario has no row for it."""
    money: dict[str, Floats] = field(default_factory=dict)
    emitted: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows with names."""
        return self.items.frame(self.codes)

    def emits(self, amount: Floats, factors: Mapping[str, Floats]) -> None:
        """Note what the rows emit: so much of each pollutant (t) per unit of their amounts."""
        self.emitted.update({name: amount * factor for name, factor in factors.items()})


@dataclass(frozen=True)
class Accounts:
    """The plan's ledgers, and what is charged for emissions.

    `limits`: one record for every row of EmissionLimits in force in a period: row, pollutant,
    scope, key, period, emitted, limit, price, penalty, excess (t/yr, currency/t), cost
    (million/yr), unspread (the part of the cost that no ledger's row bears).
    """

    scenario: Scenario
    plan: CodedPlan
    ledgers: dict[str, Ledger]
    limits: Items
    service: Service

    def __getitem__(self, name: str) -> Ledger:
        return self.ledgers[name]

    def money(self) -> pd.DataFrame:
        """group, period, million_per_year, gross_per_year (of absolute figures), million."""
        parts = [
            (group, self.ledgers[name].period, figures)
            for name in LEDGERS
            for group, figures in self.ledgers[name].money.items()
        ]
        parts.append(("emissions", self.limits["period"], -self.limits["unspread"]))
        upfront = self.service.upfront
        count = len(self.scenario.periods)
        years = np.array([p.years for p in self.scenario.periods], dtype=float)
        table: dict[str, Floats] = {}
        gross: dict[str, Floats] = {}
        for group, period, figures in parts:
            for sums, values in ((table, figures), (gross, np.abs(figures))):
                added = np.bincount(period, values, count)
                sums[group] = sums.get(group, np.zeros(count)) + added
        names = np.array([p.name for p in self.scenario.periods], dtype=object)
        million = [v * years - (upfront if g == "capital" else 0.0) for g, v in table.items()]
        return pd.DataFrame(
            {
                "group": np.repeat(np.array(list(table), dtype=object), count),
                "period": np.tile(names, len(table)),
                "million_per_year": np.concatenate(list(table.values())),
                "gross_per_year": np.concatenate(list(gross.values())),
                "million": np.concatenate(million),
            }
        )


def accounts(solution: Solution) -> Accounts:
    """Money and emissions of every row of a plan, from amounts and the scenario alone."""
    return _Keeper(solution).keep()


PLACE = ("site", "material", "period")


class _Keeper:
    def __init__(self, solution: Solution) -> None:
        self.scenario = solution.scenario
        self.tables = solution.tables
        self.plan = CodedPlan(solution)
        self.factors = _Factors(self.scenario)

    def keep(self) -> Accounts:
        service = service_of(self.scenario, self.tables)
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
        limits = _Charge(self.plan, ledgers).charge()
        return Accounts(self.scenario, self.plan, ledgers, limits, service)

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

    def named(self, kind: str, rows: Items, label: str = "material") -> dict[str, Floats]:
        """Factors of emission of rows, by the material (the mode) that they name."""
        return self.factors(kind, self.plan.codes.listed(label), rows[label])

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
        for kind, of_kind in (("stream", is_stream), ("purchase", ~is_stream)):
            for pollutant, factor in self.named(kind, rows).items():
                emitted = np.where(of_kind, amount * factor, 0.0)
                ledger.emitted[pollutant] = ledger.emitted.get(pollutant, 0.0) + emitted
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
        ledger.emits(kilometres, self.named("transport", rows, "mode"))
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
        ledger.emits(amount, self.factors("recipe", exact, pair, technology))
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
        ledger = self.ledger(
            rows.plus(at=at),
            amount,
            at >= 0,
            {
                "income": amount * take(markets["price"], at) / MILLION,
                "synergy": amount * take(markets["premium"], at) / MILLION,
            },
        )
        ledger.emits(amount, self.named("sale", rows))
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
        ledger = self.ledger(
            rows.plus(at=at),
            amount,
            at >= 0,
            {"disposal": -amount * take(sheet["fee"], at) / MILLION},
        )
        ledger.emits(amount, self.named("disposal", rows))
        return ledger

    def _stockpiles(self) -> dict[str, Ledger]:
        rows = self.plan["stockpiles"]
        sheet = self.scenario.items("Stockpiles")
        at = find_rows(sheet, rows, "site", "material")
        labels = rows.only(*PLACE).plus(at=at)
        ledgers: dict[str, Ledger] = {}
        for name, column, cost in (
            ("added", "added_per_year", "add_cost"),
            ("reclaimed", "reclaimed_per_year", "reclaim_cost"),
            ("held", "closing", "holding_cost"),
        ):
            amount = rows[column]
            money = {"stockpiles": -amount * take(sheet[cost], at) / MILLION}
            ledgers[name] = self.ledger(labels, amount, at >= 0, money)
        ledgers["held"].emits(ledgers["held"].amount, self.named("stockpile", rows))
        return ledgers

    def _synergies(self) -> Ledger:
        rows = self.plan["synergies"]
        joint = rows["joint_activity_per_year"]
        sheet = self.scenario.items("Synergies")
        at = find_rows(sheet, rows, "synergy")
        value = joint * take(sheet["value"], at) / MILLION
        return self.ledger(rows.plus(at=at), joint, at >= 0, {"synergy": value})


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


class _Charge:
    """Emissions within each limit's scope, what they cost, and who bears it.

    A price is borne by every row in proportion to its emission (which may be negative); a
    penalty by those that emit, in proportion to their emission.
    """

    def __init__(self, plan: CodedPlan, ledgers: dict[str, Ledger]) -> None:
        self.plan, self.ledgers = plan, ledgers
        scenario = plan.scenario
        self.limits = rows_in_force(scenario, "EmissionLimits")
        named = plan.codes.names("pollutant", self.limits["pollutant"])
        self.pollutants = {
            name: n
            for n, name in enumerate(
                dict.fromkeys([*scenario.frame("EmissionFactors")["pollutant"].tolist(), *named])
            )
        }
        self.sites = scenario.items("Sites")
        self.unit = plan.listed("unit", ledgers["activity"].items["unit"])

    def charge(self) -> Items:
        plan, limits = self.plan, self.limits
        periods = plan.sizes["period"]
        shape = (len(self.pollutants), plan.sizes["site"], periods)
        of_units = (len(self.pollutants), plan.sizes["unit"], periods)
        activity = self.ledgers["activity"]
        # Emitted, emitted apart from what is avoided, price and penalty per tonne of each cell.
        sites = (*self._sums(shape), np.zeros(shape), np.zeros(shape))
        by_unit = self._sums(of_units, [(activity, self.unit)])
        units = (*by_unit, np.zeros(of_units), np.zeros(of_units))
        emitted, gross, cost, unspread = (np.zeros(len(limits)) for _ in range(4))
        table = plan["emission_limits"]
        excess = take(table["excess_per_year"], find_rows(table, limits, "row", "period"))
        names = zip(
            *(plan.codes.names(n, limits[n]).tolist() for n in ("pollutant", "scope", "key")),
            strict=True,
        )
        for n, (pollutant, scope, key) in enumerate(names):
            p, t = self.pollutants[pollutant], int(limits["period"][n])
            at = (p, self._within(scope, key), t)
            sums, above, rates, fines = units if scope == "unit" else sites
            emitted[n], gross[n] = sums[at].sum(), above[at].sum()
            per_tonne, fining = limits["price"][n], limits["penalty"][n]
            fine = 0.0 if np.isnan(fining) else fining * excess[n]
            rates[at] += per_tonne
            borne = fine if gross[n] > 0.0 else 0.0
            if borne:
                fines[at] += fine / gross[n]
            cost[n], unspread[n] = per_tonne * emitted[n] + fine, fine - borne
        self._spread(*sites[2:], *units[2:])
        return limits.plus(
            emitted=emitted,
            gross=gross,
            cost=cost / MILLION,
            unspread=unspread / MILLION,
            excess=excess,
        )

    def _within(self, scope: str, key: object) -> Any:
        if scope == "cluster":
            return slice(None)
        code = self.plan.scenario.codes.known(scope, key)
        if scope == "unit":
            return [code] if 0 <= code < self.plan.sizes["unit"] else []
        return np.flatnonzero((self.sites[scope] == code) & (code >= 0))

    def _sums(
        self, shape: tuple[int, ...], parts: Sequence[tuple[Ledger, Ints]] | None = None
    ) -> tuple[Floats, Floats]:
        """By pollutant, place (sites unless said) and period: emitted, and emitted apart from what
        is avoided."""
        total, positive = np.zeros(shape), np.zeros(shape)
        for ledger, place in parts or [(each, each.site) for each in self.ledgers.values()]:
            at = place >= 0
            for pollutant, emitted in ledger.emitted.items():
                p = self.pollutants[pollutant]
                cell = place[at] * shape[2] + ledger.period[at]
                for sums, values in ((total, emitted), (positive, np.maximum(emitted, 0.0))):
                    flat = np.bincount(cell, values[at], shape[1] * shape[2])
                    sums[p] += flat.reshape(shape[1:])
        return total, positive

    def _spread(
        self, price: Floats, penalty: Floats, unit_price: Floats, unit_penalty: Floats
    ) -> None:
        for name, ledger in self.ledgers.items():
            if not ledger.emitted:
                continue
            cost = np.zeros(len(ledger.items))
            places = [(ledger.site, price, penalty)]
            if name == "activity":
                places.append((self.unit, unit_price, unit_penalty))
            for pollutant, emitted in ledger.emitted.items():
                p = self.pollutants[pollutant]
                for at, rate, fine in places:
                    spread = emitted * rate[p, at, ledger.period]
                    spread += np.maximum(emitted, 0.0) * fine[p, at, ledger.period]
                    cost += np.where(at >= 0, spread, 0.0)
            ledger.money["emissions"] = -cost / MILLION
