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

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.coded import Keys, find, keys_of
from circflow.data.scenario import MILLION
from circflow.solution.calendar import purchases_in_force, rows_in_force
from circflow.solution.keys import Flags, Floats, Ints, Names, cells, take
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

    rows: pd.DataFrame
    amount: Floats
    site: Ints
    """Where it counts (a journey: where it starts); −1 where it is at no site."""
    period: Ints
    known: Flags
    """False where the scenario has no row for it."""
    money: dict[str, Floats] = field(default_factory=dict)
    emitted: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Accounts:
    """The plan's ledgers, and what is charged for emissions.

    `limits`: one record for every row of EmissionLimits in force in a period: row, pollutant,
    scope, key, period, emitted, limit, price, penalty, excess (t/yr, currency/t), cost
    (million/yr), unspread (the part of the cost that no ledger's row bears).
    """

    scenario: Scenario
    ledgers: dict[str, Ledger]
    limits: pd.DataFrame
    service: Service

    def __getitem__(self, name: str) -> Ledger:
        return self.ledgers[name]

    def money(self) -> pd.DataFrame:
        """group, period, million_per_year, gross_per_year (of absolute figures), million."""
        parts: list[tuple[str, Any, Any]] = []
        for name in LEDGERS:
            ledger = self.ledgers[name]
            for group, value in ledger.money.items():
                parts.append((group, ledger.period, value))
        parts.append(("emissions", self.limits["period_code"], -self.limits["unspread"]))
        upfront = self.service.upfront
        count = len(self.scenario.periods)
        years = np.array([p.years for p in self.scenario.periods], dtype=float)
        table: dict[str, Floats] = {}
        gross: dict[str, Floats] = {}
        for group, period, value in parts:
            at, figures = np.asarray(period, dtype=np.intp), np.asarray(value, dtype=float)
            table.setdefault(group, np.zeros(count))
            gross.setdefault(group, np.zeros(count))
            table[group] += np.bincount(at, figures, count)
            gross[group] += np.bincount(at, np.abs(figures), count)
        frames = [
            pd.DataFrame(
                {
                    "group": group,
                    "period": [p.name for p in self.scenario.periods],
                    "million_per_year": value,
                    "gross_per_year": gross[group],
                    "million": value * years - (upfront if group == "capital" else 0.0),
                }
            )
            for group, value in table.items()
        ]
        return pd.concat(frames, ignore_index=True)


def accounts(solution: Solution) -> Accounts:
    """Money and emissions of every row of a plan, from amounts and the scenario alone."""
    return _Keeper(solution).keep()


class _Keeper:
    def __init__(self, solution: Solution) -> None:
        scenario = solution.scenario
        self.scenario = scenario
        self.tables = solution.tables
        self.sites = Names(scenario.frame("Sites")["site"])
        self.materials = Names(scenario.frame("Materials")["material"])
        self.periods = Names(p.name for p in scenario.periods)
        self.units = Names(scenario.frame("Units")["unit"])
        self.modes = Names(scenario.frame("Modes")["mode"])
        self.technology_of = dict(
            zip(scenario.frame("Units")["unit"], scenario.frame("Units")["technology"], strict=True)
        )
        self.factors = _Factors(scenario)

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
        limits = _charge(self, ledgers)
        return Accounts(self.scenario, ledgers, limits, service)

    def ledger(
        self,
        rows: pd.DataFrame,
        amount: Floats,
        known: Flags,
        money: dict[str, Floats],
        site: str = "site",
    ) -> Ledger:
        codes = self.sites(rows[site]) if site in rows else np.full(len(rows), -1, dtype=np.intp)
        period = self.periods(rows["period"])
        # A row of no known period counts nowhere: the audit names it.
        known = known & (period >= 0)
        for group, value in money.items():
            money[group] = np.where(period >= 0, value, 0.0)
        return Ledger(rows, amount, codes, np.maximum(period, 0), known, money)

    def place_keys(self, frame: pd.DataFrame) -> Keys:
        """(site, material, period) as one number."""
        codes = (
            self.sites(frame["site"]),
            self.materials(frame["material"]),
            self.periods(frame["period"]),
        )
        return keys_of(codes, (len(self.sites), len(self.materials), len(self.periods)))

    def row_keys(self, frame: pd.DataFrame, row: str) -> Keys:
        """(row of the sheet, period) as one number."""
        number = frame[row].fillna(-1).to_numpy(np.int64)
        return keys_of((self.periods(frame["period"]), number), (1, 2**40))

    def _supply(self) -> Ledger:
        rows = self.tables.supply.reset_index(drop=True)
        amount = rows["amount_per_year"].to_numpy(float)
        streams, purchases = (
            rows_in_force(self.scenario, "Streams"),
            purchases_in_force(self.scenario),
        )
        keys = self.place_keys(rows)
        is_stream = (rows["kind"] == "stream").to_numpy(bool)
        at = np.where(is_stream, find(self.place_keys(streams), keys), -1)
        bought = np.where(is_stream, -1, find(self.place_keys(purchases), keys))
        rows = rows.assign(row_stream=at, row_purchase=bought)
        ledger = self.ledger(
            rows,
            amount,
            (at >= 0) | (bought >= 0),
            {
                "streams": -amount * take(streams["cost"], at) / MILLION,
                "purchases": -amount * take(purchases["price"], bought) / MILLION,
            },
        )
        for kind, of_kind in (("stream", is_stream), ("purchase", ~is_stream)):
            for pollutant, factor in self.factors(kind, rows["material"]).items():
                emitted = np.where(of_kind, amount * factor, 0.0)
                ledger.emitted[pollutant] = ledger.emitted.get(pollutant, 0.0) + emitted
        return ledger

    def _flows(self) -> Ledger:
        rows = self.tables.flows.reset_index(drop=True)
        rows = pd.concat(
            [rows[["from", "to", "material", "mode", "period"]], link_terms(self.scenario, rows)],
            axis=1,
        )
        sent = self.tables.flows["sent_per_year"].to_numpy(float)
        ledger = self.ledger(
            rows,
            sent,
            rows["runs"].to_numpy(bool) & rows["exists"].to_numpy(bool),
            {
                "transport": -sent * rows["unit_cost"].to_numpy(float) / MILLION,
                "transactions": -sent * rows["transaction_cost"].to_numpy(float) / MILLION,
            },
            site="from",
        )
        kilometres = sent * rows["distance_km"].fillna(0.0).to_numpy(float)
        for pollutant, factor in self.factors("transport", rows["mode"]).items():
            ledger.emitted[pollutant] = kilometres * factor
        return ledger

    def _activity(self) -> Ledger:
        columns = ["site", "unit", "recipe", "period"]
        rows = self.tables.activity[columns].reset_index(drop=True)
        amount = self.tables.activity["activity_per_year"].to_numpy(float)
        technology = rows["unit"].map(self.technology_of).astype(object)
        rows = rows.assign(technology=technology)
        costs = rows_in_force(self.scenario, "RecipeCosts")
        pairs = Names(zip(costs["technology"], costs["recipe"], strict=True))

        def keys(frame: pd.DataFrame) -> Keys:
            pair = pairs(_pairs(frame["technology"], frame["recipe"]))
            return keys_of((pair, self.periods(frame["period"])), (len(pairs), len(self.periods)))

        at = find(keys(costs), keys(rows))
        rows = rows.assign(capacity_use=take(costs["capacity_use"], at, 1.0))
        recipes = self.scenario.frame("Recipes")
        existing = Names(zip(recipes["technology"], recipes["recipe"], strict=True))
        known = existing(_pairs(rows["technology"], rows["recipe"])) >= 0
        processing = -amount * take(costs["variable_cost"], at) / MILLION
        ledger = self.ledger(rows, amount, known, {"processing": processing})
        whole = rows["technology"].astype(str) + "/" + rows["recipe"].astype(str)
        for pollutant, factor in self.factors("recipe", whole, technology).items():
            ledger.emitted[pollutant] = amount * factor
        return ledger

    def _service(self, service: Service) -> Ledger:
        rows = service.rows
        return self.ledger(
            rows,
            rows["in_service"].to_numpy(float),
            np.ones(len(rows), dtype=bool),
            {
                "fixed": -rows["fixed"].to_numpy(float),
                "capital": -rows["annuity"].to_numpy(float),
            },
        )

    def _sales(self) -> Ledger:
        rows = self.tables.sales[["site", "material", "row", "period"]].reset_index(drop=True)
        amount = self.tables.sales["amount_per_year"].to_numpy(float)
        markets = rows_in_force(self.scenario, "Markets")
        at = find(self.row_keys(markets, "row"), self.row_keys(rows, "row"))
        same = _same(rows, markets, at, ["site", "material"])
        at = np.where(same, at, -1)
        ledger = self.ledger(
            rows.assign(at=at),
            amount,
            same,
            {
                "income": amount * take(markets["price"], at) / MILLION,
                "synergy": amount * take(markets["premium"], at) / MILLION,
            },
        )
        for pollutant, factor in self.factors("sale", rows["material"]).items():
            ledger.emitted[pollutant] = amount * factor
        return ledger

    def _disposal(self) -> Ledger:
        rows = self.tables.disposal[["site", "material", "row", "period"]].reset_index(drop=True)
        amount = self.tables.disposal["amount_per_year"].to_numpy(float)
        sheet = rows_in_force(self.scenario, "Disposal")
        at = find(self.row_keys(sheet, "row"), self.row_keys(rows, "row"))
        accepted = cells(sheet["material"], at)
        every = pd.isna(accepted)
        waste = rows["material"].isin(self.scenario.wastes).to_numpy(bool)
        takes = np.where(every, waste, accepted == rows["material"].to_numpy(object))
        same = _same(rows, sheet, at, ["site"]) & takes.astype(bool)
        at = np.where(same, at, -1)
        ledger = self.ledger(
            rows.assign(at=at),
            amount,
            same,
            {"disposal": -amount * take(sheet["fee"], at) / MILLION},
        )
        for pollutant, factor in self.factors("disposal", rows["material"]).items():
            ledger.emitted[pollutant] = amount * factor
        return ledger

    def _stockpiles(self) -> dict[str, Ledger]:
        rows = self.tables.stockpiles.reset_index(drop=True)
        sheet = self.scenario.frame("Stockpiles")
        sizes = (len(self.sites), len(self.materials))
        codes = (self.sites(sheet["site"]), self.materials(sheet["material"]))
        at = find(
            keys_of(codes, sizes),
            keys_of((self.sites(rows["site"]), self.materials(rows["material"])), sizes),
        )
        labels = rows[["site", "material", "period"]].assign(at=at)
        made: dict[str, Ledger] = {}
        for name, column, cost in (
            ("added", "added_per_year", "add_cost"),
            ("reclaimed", "reclaimed_per_year", "reclaim_cost"),
            ("held", "closing", "holding_cost"),
        ):
            amount = rows[column].to_numpy(float)
            money = {"stockpiles": -amount * take(sheet[cost], at) / MILLION}
            made[name] = self.ledger(labels, amount, at >= 0, money)
        for pollutant, factor in self.factors("stockpile", rows["material"]).items():
            made["held"].emitted[pollutant] = made["held"].amount * factor
        return made

    def _synergies(self) -> Ledger:
        rows = self.tables.synergies[["synergy", "period"]].reset_index(drop=True)
        joint = self.tables.synergies["joint_activity_per_year"].to_numpy(float)
        sheet = self.scenario.frame("Synergies")
        at = Names(sheet["synergy"])(rows["synergy"])
        value = joint * take(sheet["value"], at) / MILLION
        return self.ledger(rows.assign(at=at), joint, at >= 0, {"synergy": value})


def _pairs(a: pd.Series[Any], b: pd.Series[Any]) -> list[tuple[object, object]]:
    return list(zip(a, b, strict=True))


def _same(rows: pd.DataFrame, sheet: pd.DataFrame, at: Ints, columns: list[str]) -> Flags:
    """Whether rows name the same things as the rows of the sheet that they point to."""
    same = at >= 0
    for column in columns:
        there = cells(sheet[column], at)
        same &= there == rows[column].to_numpy(object)
    return same


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
        self, kind: str, keys: pd.Series[Any], broad: pd.Series[Any] | None = None
    ) -> dict[str, Floats]:
        """Tonnes of each pollutant per unit, for every key (`broad` is the less exact key)."""
        made = {}
        for pollutant, known in self.by_kind.get(kind, {}).items():
            factor = np.full(len(keys), known.get(None, 0.0))
            for level in (broad, keys) if broad is not None else (keys,):
                named = level.map({k: v for k, v in known.items() if k is not None})
                own = pd.to_numeric(named).to_numpy(float, na_value=np.nan)
                factor = np.where(np.isnan(own), factor, own)
            made[pollutant] = factor
        return made


def _charge(keeper: _Keeper, ledgers: dict[str, Ledger]) -> pd.DataFrame:
    """Emissions within each limit's scope, what they cost, and who bears it.

    A price is borne by every row in proportion to its emission (which may be negative); a
    penalty by those that emit, in proportion to their emission.
    """
    return _Charge(keeper, ledgers).charge()


class _Charge:
    def __init__(self, keeper: _Keeper, ledgers: dict[str, Ledger]) -> None:
        self.keeper = keeper
        self.ledgers = ledgers
        scenario = keeper.scenario
        self.limits = rows_in_force(scenario, "EmissionLimits")
        self.pollutants = Names(
            [*scenario.frame("EmissionFactors")["pollutant"], *self.limits["pollutant"]]
        )
        sites = scenario.frame("Sites")
        self.scopes = {
            "site": keeper.sites(sites["site"]),
            "member": Names(sites["member"].dropna())(sites["member"]),
            "region": Names(sites["region"].dropna())(sites["region"]),
        }
        self.keys = {
            "site": keeper.sites,
            "member": Names(sites["member"].dropna()),
            "region": Names(sites["region"].dropna()),
        }

    def charge(self) -> pd.DataFrame:
        keeper = self.keeper
        shape = (len(self.pollutants), len(keeper.sites), len(keeper.periods))
        # Emitted, emitted apart from what is avoided, price and penalty per tonne of each cell.
        sites = (*self._sums(shape), np.zeros(shape), np.zeros(shape))
        of_units = (len(self.pollutants), len(keeper.units), len(keeper.periods))
        units = (*self._unit_sums(of_units), np.zeros(of_units), np.zeros(of_units))
        records = []
        excess = self._excess()
        shown = ["pollutant", "scope", "key", "period", "price", "penalty"]
        for n, record in enumerate(self.limits[shown].to_numpy(object)):
            pollutant, scope, key, period, per_tonne, fining = record
            p = int(self.pollutants([pollutant])[0])
            t = int(keeper.periods([period])[0])
            if scope == "unit":
                at: Any = (p, [u for u in keeper.units([key]) if u >= 0], t)
                sums, above, rates, fines = units
            else:
                at = (p, self._within(scope, key), t)
                sums, above, rates, fines = sites
            emitted, emitters = float(sums[at].sum()), float(above[at].sum())
            fine = 0.0 if pd.isna(fining) else float(fining) * float(excess[n])
            rates[at] += per_tonne
            borne = fine if emitters > 0.0 else 0.0
            if borne:
                fines[at] += fine / emitters
            records.append((emitted, emitters, per_tonne * emitted + fine, fine - borne, t))
        columns = ["emitted", "gross", "cost", "unspread", "period_code"]
        made = pd.DataFrame(records, columns=columns).astype(
            {"cost": float, "unspread": float, "period_code": int}
        )
        made[["cost", "unspread"]] /= MILLION
        self._spread(*sites[2:], *units[2:])
        return pd.concat([self.limits, made.assign(excess=excess)], axis=1)

    def _within(self, scope: str, key: object) -> Any:
        if scope == "cluster":
            return slice(None)
        code = int(self.keys[scope]([key])[0])
        return np.flatnonzero(self.scopes[scope] == code) if code >= 0 else np.empty(0, np.intp)

    def _excess(self) -> Floats:
        """Excess of every limit in force, from the table of limits."""
        table = self.keeper.tables.emission_limits
        at = find(
            self.keeper.row_keys(table, "row") if len(table) else np.empty(0, np.int64),
            self.keeper.row_keys(self.limits, "row"),
        )
        return take(table["excess_per_year"], at)

    def _sums(self, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """By pollutant, site and period: emitted, and emitted apart from what is avoided."""
        total, positive = np.zeros(shape), np.zeros(shape)
        for ledger in self.ledgers.values():
            at = ledger.site >= 0
            for pollutant, emitted in ledger.emitted.items():
                p = int(self.pollutants([pollutant])[0])
                cells = ledger.site[at] * shape[2] + ledger.period[at]
                for sums, values in ((total, emitted), (positive, np.maximum(emitted, 0.0))):
                    flat = np.bincount(cells, values[at], shape[1] * shape[2])
                    sums[p] += flat.reshape(shape[1:])
        return total, positive

    def _unit_sums(self, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        keeper, ledger = self.keeper, self.ledgers["activity"]
        total, positive = np.zeros(shape), np.zeros(shape)
        units = keeper.units(ledger.rows["unit"])
        at = units >= 0
        for pollutant, emitted in ledger.emitted.items():
            p = int(self.pollutants([pollutant])[0])
            cells = units[at] * shape[2] + ledger.period[at]
            for sums, values in ((total, emitted), (positive, np.maximum(emitted, 0.0))):
                sums[p] = np.bincount(cells, values[at], shape[1] * shape[2]).reshape(shape[1:])
        return total, positive

    def _spread(
        self, price: Floats, penalty: Floats, unit_price: Floats, unit_penalty: Floats
    ) -> None:
        for name, ledger in self.ledgers.items():
            if not ledger.emitted:
                continue
            cost = np.zeros(len(ledger.rows))
            units = self.keeper.units(ledger.rows["unit"]) if name == "activity" else None
            for pollutant, emitted in ledger.emitted.items():
                p = int(self.pollutants([pollutant])[0])
                above = np.maximum(emitted, 0.0)
                at = ledger.site
                spread = emitted * price[p, at, ledger.period]
                spread += above * penalty[p, at, ledger.period]
                cost += np.where(at >= 0, spread, 0.0)
                if units is not None:
                    spread = emitted * unit_price[p, units, ledger.period]
                    spread += above * unit_penalty[p, units, ledger.period]
                    cost += np.where(units >= 0, spread, 0.0)
            ledger.money["emissions"] = -cost / MILLION
