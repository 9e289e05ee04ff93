"""What the first tonne would earn: every technology of a library at every site, at the plan.

For a recipe with amounts a per unit of activity, at site s,

    margin[t] = Σ a · outlet − Σ a · delivered − variable cost − emissions     (currency/activity)
    first_tonne_value = mean of margin over the years of service − (annuity · capex + fixed cost)
                        / (availability · size / capacity_use)

Of inputs that replace one another the cheapest counts, of recipes and of periods to decide in the
best; the mean weighs the years by the discount. An outlet or an input that is dearer in truth
makes the first tonne worth less, never more: with any optimal shadow prices p, a plan's value
grows by p·d at most as it is asked for d more (p is a supergradient of the concave value function).
Where the optimal prices are not unique that bound may be wide; `shortlist` narrows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from circflow.algebra.investment import annuity
from circflow.data.coded import Flags, Floats
from circflow.data.result import stacked
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import say
from circflow.library.read import Library
from circflow.solution.solution import Solution
from circflow.studies.suggest.local_prices import LocalPrices
from circflow.studies.suggest.match import Matches, either
from circflow.studies.suggest.money import Rates

BOUGHT = ("input", "energy", "product")
"""Categories of the library's materials that may be bought at its usual price, where the scenario
does not know them."""
WASTES = ("waste", "intermediate")


@dataclass(frozen=True)
class Flow:
    """One thing that a recipe takes in or makes, at every site and in every period."""

    role: str
    library_material: str
    amount: float
    """The library's units per unit of activity."""
    group: str | None
    materials: tuple[str, ...]
    """The scenario's materials that it may be; none: it is new to the scenario."""
    price: Floats = field(repr=False)
    """Currency per unit of the library: sites × periods; inf (−inf) where it cannot be."""
    choice: Floats = field(repr=False)
    """Which of `materials` it is: sites × periods."""


@dataclass(frozen=True)
class Offer:
    """A recipe of a technology, priced at every site (arrays: sites, or sites × periods)."""

    technology: str
    recipe: str
    flows: tuple[Flow, ...]
    margin: Floats = field(repr=False)
    """Currency per unit of activity, before capital, in money of the period."""
    missing: tuple[tuple[str, Flags], ...] = field(repr=False)
    """What it lacks, and at which sites."""
    capacity_use: float = 1.0

    @cached_property
    def lacks(self) -> Floats:
        """How many things it lacks at each site."""
        none = np.zeros(len(self.margin))
        return np.sum([there for _, there in self.missing], axis=0) if self.missing else none


@dataclass(eq=False)
class Pricing:
    """A library's technologies at a plan's prices."""

    prices: LocalPrices
    solution: Solution
    library: Library
    matches: Matches
    rates: Rates

    def __post_init__(self) -> None:
        self.scenario: Scenario = self.prices.scenario
        technologies = self.library.technologies.to_dict("records")
        self.technologies = {str(r["technology"]): r for r in technologies}
        materials = self.library.materials.to_dict("records")
        self.materials = {str(r["material"]): r for r in materials}
        self.category = self.scenario.frame("Materials").set_index("material")["category"].to_dict()
        period = self.scenario.period_items
        self.weight, self.start = period["weight"], period["start"]
        self.shape = self.prices.delivered.shape[0], self.prices.delivered.shape[2]
        self.new_place: Flags = np.zeros(self.shape, dtype=bool)

    # ----------------------------------------------------------------- prices of the library

    def usual_price(self, material: str) -> float:
        """The library's price in the scenario's money; NaN where it has none."""
        row = self.materials[material]
        if np.isnan(row["price"]):
            return np.nan
        return float(row["price"]) * self.rates.factor(str(row["currency"]), row["price_year"])

    @cached_property
    def _fees(self) -> Floats:
        """What a waste costs that is new to the scenario, where it arises: sites × periods.

        The fee for every waste; where a site takes only named ones, the dearest of those; inf
        where it takes none.
        """
        rows = self.scenario.items_in_force("Disposal")
        named = rows["material"] >= 0
        fees, dearest = np.full(self.shape, np.inf), np.full(self.shape, -np.inf)
        at = rows["site"], rows["period"]
        np.minimum.at(fees, (at[0][~named], at[1][~named]), rows["fee"][~named])
        np.maximum.at(dearest, (at[0][named], at[1][named]), rows["fee"][named])
        self.new_place = np.isinf(fees) & ~np.isinf(dearest)
        fees = np.where(self.new_place, dearest, fees)
        return fees + self.prices.emissions.of("disposal")

    def new_fee(self, site: int) -> float | None:
        """The fee of a new waste where a site takes only named ones: the dearest of any period;
        None where the site takes every waste."""
        fees = self._fees[site]
        return float(fees.max()) if self.new_place[site].any() else None

    def _priced(self, role: str, name: str, amount: float, group: str | None) -> Flow:
        listed = tuple(self.matches.of_library.get(name, ()))
        sign = 1.0 if role == "input" else -1.0  # an outlet is a negative cost
        if listed:
            at = self.scenario.codes.of("material", listed)
            factor = np.array([self.matches.factor[m] for m in listed])
            table = self.prices.delivered if role == "input" else self.prices.outlet
            each = sign * table[:, at, :] * factor[None, :, None]
            best = each.argmin(axis=1)
            price = np.take_along_axis(each, best[:, None, :], axis=1)[:, 0, :]
        else:
            best = np.zeros(self.shape)
            row = self.materials[name]
            cost = np.inf
            if role == "input" and row["category"] in BOUGHT:
                cost = self.usual_price(name)
            elif role == "output" and row["category"] != "waste":
                cost = 0.0
            price = np.full(self.shape, np.inf if np.isnan(cost) else cost)
            if role == "output" and row["category"] == "waste":
                price = self._fees
        return Flow(role, name, amount, group, listed, sign * price, best)

    # ----------------------------------------------------------------- offers

    def offers(self) -> list[Offer]:
        """Every recipe that takes in a waste or an intermediate of the scenario."""
        rows = self.library.recipes.to_dict("records")
        recipes: dict[tuple[str, str], list[dict[Any, Any]]] = {}
        for row in rows:
            recipes.setdefault((str(row["technology"]), str(row["recipe"])), []).append(row)
        costs = {
            (str(t), str(r)): (float(cost), float(use))
            for t, r, cost, use in self.library.costs[
                ["technology", "recipe", "variable_cost", "capacity_use"]
            ].itertuples(index=False)
        }
        offers = []
        for (technology, recipe), listed in recipes.items():
            flows = tuple(self._flows(listed))
            if any(self._is_waste(flow) for flow in flows):
                cost, use = costs.get((technology, recipe), (0.0, 1.0))
                offers.append(self._offer(technology, recipe, flows, cost, use))
        return offers

    def _flows(self, rows: list[dict[Any, Any]]) -> Iterator[Flow]:
        for row in rows:
            group = row["group"]
            amount = float(row["amount"]) / (1.0 if group is None else float(row["weight"]))
            yield self._priced(str(row["role"]), str(row["material"]), amount, group)

    def _is_waste(self, flow: Flow) -> bool:
        return flow.role == "input" and any(self.category[m] in WASTES for m in flow.materials)

    def _offer(
        self, technology: str, recipe: str, flows: tuple[Flow, ...], cost: float, use: float
    ) -> Offer:
        row = self.technologies[technology]
        rate = self.rates.factor(str(row["currency"]), row["price_year"])
        factors = self._factors(technology, recipe)
        margin = -cost * rate - self.prices.emissions.of_recipe(factors)
        missing: list[tuple[str, Flags]] = []
        for group in alternatives(flows):
            costs = np.stack([f.amount * f.price for f in group])
            costs = costs if group[0].role == "input" else -costs
            cheapest = costs.min(axis=0)
            lacks = ~np.isfinite(cheapest).all(axis=1)
            if lacks.any():
                missing.append((_lack(group), lacks))
            margin = margin - np.where(np.isfinite(cheapest), cheapest, self._instead(group))
        return Offer(technology, recipe, flows, margin, tuple(missing), use)

    def _instead(self, group: tuple[Flow, ...]) -> float:
        """What stands for the price of what is missing: the library's, where it has one."""
        flow = group[0]
        price = self.usual_price(flow.library_material)
        if flow.role == "output" or np.isnan(price):
            return 0.0
        return flow.amount * price

    def _factors(self, technology: str, recipe: str) -> dict[str, float]:
        """Tonnes of each pollutant per unit of activity."""
        keys = technology, f"{technology}/{recipe}"
        return {k: v for key in keys for k, v in self._recipe_factors.get(key, {}).items()}

    @cached_property
    def _recipe_factors(self) -> dict[str, dict[str, float]]:
        rows = self.library.emission_factors
        rows = rows[rows["kind"] == "recipe"]
        factors: dict[str, dict[str, float]] = {}
        for key, pollutant, factor in rows[["key", "pollutant", "factor"]].itertuples(index=False):
            factors.setdefault(str(key), {})[str(pollutant)] = float(factor)
        return factors

    # ----------------------------------------------------------------- sites

    def table(self) -> tuple[pd.DataFrame, list[Offer]]:
        """A row per technology and site, and the offers that its column `offer` numbers.

        Columns: technology, site, recipe, offer, first_tonne_value, decided (the number of the
        period in which it is best decided on), margin, capital (currency per
        unit of activity), capacity, arriving (units of activity per year that its wastes suffice
        for), most (what it can be worth at most, million), missing (texts), new_products, market
        (whether any product of it has one, or none is needed).
        """
        offers = self.offers()
        parts = [self._at_sites(n, offer) for n, offer in enumerate(offers)]
        full = stacked(parts, _COLUMNS)
        lacking = full["missing"] != ""
        full = full.assign(lacking=lacking)
        full = full.sort_values(["lacking", "most"], ascending=[True, False], kind="stable")
        full = full.drop_duplicates(["technology", "site"])
        return full.drop(columns="lacking").reset_index(drop=True), offers

    def _at_sites(self, number: int, offer: Offer) -> pd.DataFrame:
        row, sites = self.technologies[offer.technology], self.prices.sites
        arriving = self._arriving(offer)
        size = self.size(offer, arriving)
        sizes, of = np.unique(size, return_inverse=True)
        available = self.full_load(offer, size)
        run = np.minimum(available, arriving)
        best = np.full((5, len(size)), -np.inf)  # most, margin, capital, first tonne, decided
        best[4] = 0.0
        served = [self.service(offer.technology, t) for t in range(len(self.start))]
        possible = [t for t, service in enumerate(served) if service.any()]
        for decided in possible:
            weight = self.weight * served[decided]
            margin = offer.margin @ weight / weight.sum()
            capital = np.array([self._yearly(offer.technology, s, decided) for s in sizes])[of]
            per_unit = capital * MILLION / available
            most = (margin * run / MILLION - capital) * weight.sum()
            rows = [most, margin, per_unit, margin - per_unit, np.full(len(size), float(decided))]
            best = np.where(margin - per_unit > best[3], rows, best)
        most, margin, per_unit, first_tonne, decided_in = best
        if not possible:
            margin = offer.margin @ self.weight / self.weight.sum()
            per_unit, first_tonne = np.full((2, len(size)), np.nan)
        years = f"{row['construction_years']:.0f}"
        late = say("it takes {years} years to build, and the horizon is over", years=years)
        unsupplied = say("none of its wastes arrives")
        missing = np.full(len(margin), "", dtype=object)
        for text, there in (
            *offer.missing,
            (unsupplied, arriving <= 0.0),
            (late, np.full(len(margin), not possible)),
        ):
            missing[there] = [f"{m}; {text}" if m else text for m in missing[there]]
        products = [flow.library_material for flow in self.new_products(offer)]
        sold = any(
            f.role == "output" and any(self.category[m] != "waste" for m in f.materials)
            for f in offer.flows
        )
        frame = pd.DataFrame(
            {
                "technology": offer.technology,
                "site": self.scenario.codes.names("site", np.arange(len(margin))),
                "recipe": offer.recipe,
                "offer": number,
                "first_tonne_value": first_tonne,
                "decided": decided_in.astype(int),
                "margin": margin,
                "capital": per_unit,
                "capacity": size,
                "arriving": arriving,
                "most": most,
                "missing": missing,
                "new_products": "; ".join(products),
                "market": sold or not products,
            }
        )
        return frame.iloc[sites]

    def new_products(self, offer: Offer) -> list[Flow]:
        """What an offer makes, wastes apart, that is new to the scenario."""
        outputs = (f for f in offer.flows if f.role == "output" and not f.materials)
        return [f for f in outputs if self.materials[f.library_material]["category"] != "waste"]

    def full_load(self, offer: Offer, capacity: Floats | float) -> Any:
        """Units of activity per year of a capacity."""
        return self.technologies[offer.technology]["availability"] * capacity / offer.capacity_use

    def service(self, technology: str, decided: int) -> Floats:
        """The share of every period in which a plant decided on in a period is in service."""
        row, years = self.technologies[technology], self.scenario.period_items["years"]
        begin = float(self.start[decided]) + float(row["construction_years"])
        share: Floats = np.clip((self.start + years - begin) / years, 0.0, 1.0)
        share[self.start >= begin + float(row["lifetime_years"])] = 0.0
        return share

    def size(self, offer: Offer, arriving: Floats) -> Floats:
        """The capacity that suits what arrives, within the technology's sizes."""
        row = self.technologies[offer.technology]
        least, most = float(row["capacity_per_year"]), float(row["capacity_max_per_year"])
        most = least if np.isnan(most) else most
        fits = arriving * offer.capacity_use / float(row["availability"])
        return np.clip(fits, least, most)

    def _yearly(self, technology: str, size: float, decided: int) -> float:
        """Capital and fixed cost in a year of service, million of the scenario's money."""
        row = self.technologies[technology]
        rate = self.rates.factor(str(row["currency"]), row["price_year"])
        settings, life = self.scenario.settings, float(row["lifetime_years"])
        if settings.capital_charge == "annuity":
            share = annuity(life, settings.discount_rate, float(row["construction_years"]))
        else:
            once = float(self.scenario.period_items["once"][decided])
            share = once / float(self.weight @ self.service(technology, decided))
        capex = self.library.capex(technology, size)
        return rate * (share * capex + self.library.fixed_cost(technology, size))

    @cached_property
    def _amounts(self) -> Floats:
        """Units per year of every material that arise, are made or can be reclaimed: sites ×
        materials, the mean over the horizon."""
        codes, years = self.scenario.codes, self.scenario.period_items["years"]
        amounts = np.zeros(self.prices.delivered.shape[:2])
        streams = self.scenario.items_in_force("Streams")
        share = years[streams["period"]] / years.sum()
        at = streams["site"], streams["material"]
        np.add.at(amounts, at, streams["amount_per_year"] * share)
        stocks = self.scenario.items("Stockpiles")
        yearly = stocks["opening"] / years.sum()
        most = stocks["max_reclaim_per_year"]
        yearly = np.where(np.isnan(most), yearly, np.minimum(yearly, most))
        np.add.at(amounts, (stocks["site"], stocks["material"]), yearly)
        outputs = self.solution.tables.conversions
        outputs = outputs[outputs["role"] == "output"]
        of = tuple(codes.of(n, outputs[n].tolist()) for n in ("site", "material", "period"))
        np.add.at(
            amounts, of[:2], outputs["amount_per_year"].to_numpy(float) * years[of[2]] / years.sum()
        )
        return amounts

    def _arriving(self, offer: Offer) -> Floats:
        """Units of activity per year that what can arrive suffices for."""
        enough = np.full(self.shape[0], np.inf)
        for group in alternatives(offer.flows):
            if group[0].role == "output":
                continue
            supply = np.zeros(self.shape[0])
            for flow in group:
                supply += self._supply(flow) / flow.amount
            enough = np.minimum(enough, supply)
        return enough

    def _supply(self, flow: Flow) -> Floats:
        """The library's units per year of an input that can arrive; inf where it is bought."""
        if not flow.materials:
            return np.where(np.isfinite(flow.price).all(axis=1), np.inf, 0.0)
        total = np.zeros(self.shape[0])
        for name in flow.materials:
            k = self.scenario.codes.known("material", name)
            arrives = np.isfinite(self.prices.delivered[:, k, :]).all(axis=1)
            linked = self._amounts[:, k] @ self.prices.linked[:, :, k]
            bought = (self.prices.source[:, k, :] < 0).all(axis=1)
            amount = np.where(bought, np.inf, linked) / self.matches.factor[name]
            total = total + np.where(arrives, amount, 0.0)
        return total


_COLUMNS = [
    "technology",
    "site",
    "recipe",
    "offer",
    "first_tonne_value",
    "decided",
    "margin",
    "capital",
    "capacity",
    "arriving",
    "most",
    "missing",
    "new_products",
    "market",
]


def alternatives(flows: tuple[Flow, ...]) -> list[tuple[Flow, ...]]:
    """Inputs that replace one another together, all others alone."""
    groups: dict[object, list[Flow]] = {}
    for n, flow in enumerate(flows):
        groups.setdefault(flow.group if flow.group is not None else n, []).append(flow)
    return [tuple(group) for group in groups.values()]


def _lack(group: tuple[Flow, ...]) -> str:
    names = either(dict.fromkeys(f.library_material for f in group))
    if group[0].role == "input":
        return say("no {names} arrives", names=names)
    return say("no outlet for {names}", names=names)
