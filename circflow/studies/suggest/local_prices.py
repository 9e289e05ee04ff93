"""What a tonne costs where a plant would stand, and what its product is worth there, at a plan.

For site s, material m and period t, with p the shadow price of the plan, λ what is lost on a link
and c what the way costs (tariff, transaction, emissions),

    delivered[s, m, t] = min(p where m arises or is made, the price of a purchase at s,
                             (delivered[s'] + c) / (1 − λ))
    outlet[s, m, t]    = max(p, price or −fee of what takes m at s, (1 − λ) · outlet[s'] − c)

The links are those that the scenario would have with a plant at every site, so every rule of the
network holds. By the duality of linear programmes no tonne can be had for less, nor is one worth
more, than these prices say (`first_tonne`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from circflow.algebra.build import weights
from circflow.data.coded import Floats, Ints, Items, objects, stacked
from circflow.data.network import can_take
from circflow.data.scenario import Scenario
from circflow.data.table import blank_rows
from circflow.i18n import mark
from circflow.solution.solution import Solution

_PLANT = mark("\u200bany plant")
"""No name of a workbook: white space at its ends is trimmed."""
_HOPS = 3
"""Links that a tonne may take one after another (through hubs)."""


class EmissionCosts:
    """What emitting costs at the plan: prices, penalties and the room under limits."""

    def __init__(self, solution: Solution) -> None:
        scenario = self.scenario = solution.scenario
        self.shape = scenario.codes.size("site"), len(scenario.periods)
        factors = scenario.frame("EmissionFactors")
        self.factors = {
            (str(kind), key, str(pollutant)): float(factor)
            for kind, key, pollutant, factor in factors[
                ["kind", "key", "pollutant", "factor"]
            ].itertuples(index=False)
        }
        self.by_pollutant = self._by_pollutant(solution)

    def _by_pollutant(self, solution: Solution) -> dict[str, Floats]:
        """Currency per tonne emitted: sites × periods, by pollutant."""
        scenario = self.scenario
        costs: dict[str, Floats] = {}
        period = {p.name: n for n, p in enumerate(scenario.periods)}
        room = solution.prices[solution.prices["kind"] == "emission limit"]
        worth = dict(zip(zip(room["row"], room["period"], strict=True), room["value"], strict=True))
        sites = scenario.frame("Sites")
        limits = scenario.in_force("EmissionLimits")
        for limit in limits[limits["scope"] != "unit"].to_dict("records"):
            covered = np.ones(len(sites), dtype=bool)
            if limit["scope"] != "cluster":
                covered = (sites[limit["scope"]] == limit["key"]).to_numpy()
            room_there = max(float(worth.get((limit["row"], limit["period"]), 0.0)), 0.0)
            cost = costs.setdefault(str(limit["pollutant"]), np.zeros(self.shape))
            cost[covered, period[limit["period"]]] += float(limit["price"]) + room_there
        goal = weights(scenario)
        for pollutant, weight in goal.emission.items():
            cost = costs.setdefault(pollutant, np.zeros(self.shape))
            cost -= weight / (goal.value or 1.0)
        return costs

    def of(self, kind: str, key: str | None = None) -> Floats:
        """Currency per unit of what emits: sites × periods; a key without a factor has that of a
        blank key."""
        known = self.factors.items()
        return self._of(kind, {p: f for (k, name, p), f in known if (k, name) == (kind, key)})

    def of_recipe(self, factors: dict[str, float]) -> Floats:
        """The same for a recipe that is not in the scenario, with its own factors."""
        return self._of("recipe", factors)

    def _of(self, kind: str, factors: dict[str, float]) -> Floats:
        total = np.zeros(self.shape)
        for pollutant, cost in self.by_pollutant.items():
            blank = self.factors.get((kind, None, pollutant), 0.0)
            total += factors.get(pollutant, blank) * cost
        return total


class LocalPrices:
    """Prices at a plan with shadow prices, for plants that use and make some materials, in currency
    per unit, in money of the period; arrays are sites × materials × periods.

    Positions are the scenario's codes.
    """

    def __init__(self, solution: Solution, used: Sequence[str], outputs: Sequence[str]) -> None:
        self.solution, self.scenario = solution, solution.scenario
        codes = self.scenario.codes
        self.shape = codes.size("site"), codes.size("material"), len(self.scenario.periods)
        members = self.scenario.items("Sites")["member"]
        inside = np.flatnonzero(members >= 0)
        self.sites = inside if len(inside) else np.arange(self.shape[0])
        """Where plants may stand: the members' sites (all, where no site has a member)."""
        names = self.scenario.frame("Sites")["site"].to_numpy(object)[self.sites]
        self.extended = _with_plants(self.scenario, names.tolist(), used, outputs)
        self.emissions = EmissionCosts(solution)
        self.delivered, self.outlet = self._had(), self._taken()
        """What a unit costs when it arrives (inf: it cannot), is worth when it leaves (−inf)."""
        here = np.arange(self.shape[0])
        self.source = np.where(np.isfinite(self.delivered), here[:, None, None], -1)
        """The site whose stock it comes from, −1 where it is bought."""
        self.sink = np.where(np.isfinite(self.outlet), here[:, None, None], -1)
        """The site where it ends."""
        self.linked = np.zeros((self.shape[0], self.shape[0], self.shape[1]))
        """Sites × sites × materials: 1 where there is a way, in one link, or none is needed."""
        self.linked[here, here] = 1.0
        self._buy()
        self._carry()

    def _carry(self) -> None:
        """Better prices by the links, one after another."""
        a, b, material, period, cost, kept = self._ways()
        self.linked[a, b, material] = 1.0
        into, out_of = (b, material, period), (a, material, period)
        for _ in range(_HOPS):
            offered = (self.delivered[out_of] + cost) / kept
            came = self.source[out_of]
            _improve(self.delivered, self.source, into, offered, came, np.minimum)
            offered = kept * self.outlet[into] - cost
            _improve(self.outlet, self.sink, out_of, offered, self.sink[into], np.maximum)

    @cached_property
    def _shadow(self) -> Floats:
        """Shadow prices, NaN where a material never is."""
        codes, rows = self.scenario.codes, self.solution.prices
        rows = rows[rows["kind"] == "material"]
        prices = np.full(self.shape, np.nan)
        at = tuple(codes.of(n, rows[n].tolist()) for n in ("site", "material", "period"))
        prices[at] = rows["value"].to_numpy(float)
        return prices

    def _had(self) -> Floats:
        """The price where a material arises, is stocked or made."""
        having = np.zeros(self.shape[:2], dtype=bool)
        streams, stocks = self.scenario.items("Streams"), self.scenario.items("Stockpiles")
        for rows in (streams, stocks, self.scenario.makes):
            having[rows["site"], rows["material"]] = True
        there = having[:, :, None] & ~np.isnan(self._shadow)
        return np.where(there, self._shadow, np.inf)

    def _taken(self) -> Floats:
        """The price where a material is used, sold, disposed of or kept."""
        there = can_take(self.scenario)[:, :, None] & ~np.isnan(self._shadow)
        worth = np.where(there, self._shadow, -np.inf)
        for sheet, price, sign in (("Markets", "price", 1.0), ("Disposal", "fee", -1.0)):
            rows = self._of_materials(self.scenario.items_in_force(sheet))
            at = rows["site"], rows["material"], rows["period"]
            new = np.isnan(self._shadow[at])
            kind = "sale" if sheet == "Markets" else "disposal"
            offered = sign * rows[price] - self._emitted(kind, rows)
            np.maximum.at(worth, tuple(part[new] for part in at), offered[new])
        return worth

    def _of_materials(self, rows: Items) -> Items:
        """Rows with a blank material once for every waste."""
        blank = rows.take(rows["material"] < 0)
        wastes = np.flatnonzero(self.scenario.is_waste)
        each = blank.take(np.repeat(np.arange(len(blank)), len(wastes)))
        each = each.plus(material=np.tile(wastes, len(blank)))
        return stacked([rows.take(rows["material"] >= 0), each], *rows.names)

    def _emitted(self, kind: str, rows: Items) -> Floats:
        """What emitting costs, per unit of each row's material."""
        cost = np.zeros(len(rows))
        names = self.scenario.codes.listed("material")
        for material in np.unique(rows["material"]).tolist():
            at = rows["material"] == material
            each = self.emissions.of(kind, names[material])
            cost[at] = each[rows["site"][at], rows["period"][at]]
        return cost

    def _buy(self) -> None:
        rows = self.extended.purchase_items
        at = rows["site"], rows["material"], rows["period"]
        offered = rows["price"] + self._emitted("purchase", rows)
        bought = np.full(len(rows), -1)
        _improve(self.delivered, self.source, at, offered, bought, np.minimum)

    def _ways(self) -> tuple[Ints, Ints, Ints, Ints, Floats, Floats]:
        """from, to, material, period, cost per unit sent, share that arrives."""
        network = self.extended.network
        flows, links = network.flow_items, network.link_items
        links = links.take(flows["link"])
        cost = flows["unit_cost"] + links["transaction_cost"]
        distance = np.nan_to_num(links["distance_km"])
        for mode, name in enumerate(self.scenario.codes.listed("mode")):
            at = links["mode"] == mode
            each = self.emissions.of("transport", name)
            cost[at] += distance[at] * each[links["from"][at], flows["period"][at]]
        ends = links["from"], links["to"], links["material"], flows["period"]
        return (*ends, cost, 1.0 - links["loss"])


def _improve(  # noqa: PLR0913, PLR0917
    best: Floats,
    origin: Ints,
    at: tuple[Ints, ...],
    offered: Floats,
    whence: Ints,
    better: np.ufunc,
) -> None:
    """Replace prices by better offers, and where they come from."""
    before = best[at]
    better.at(best, at, offered)
    taken = (best[at] == offered) & (offered != before)
    origin[tuple(part[taken] for part in at)] = whence[taken]


def _with_plants(
    scenario: Scenario, sites: list[str], used: Sequence[str], outputs: Sequence[str]
) -> Scenario:
    """The scenario with a plant at every site that uses and makes materials (for its network)."""
    recipes = {
        "technology": [_PLANT] * (len(used) + len(outputs)),
        "role": ["input"] * len(used) + ["output"] * len(outputs),
        "material": [*used, *outputs],
    }
    units = {
        "unit": [f"{_PLANT} {n}" for n in range(len(sites))],
        "site": sites,
        "technology": [_PLANT] * len(sites),
    }
    tables = dict(scenario.tables)
    for name, names, figure in (
        ("Recipes", recipes, {"amount": 1.0}),
        ("Units", units, {"capacity_per_year": 0.0}),
    ):
        old = tables[name]
        first, count = int(old.rows["row"].max(initial=1)) + 1, len(names["technology"])
        rows = blank_rows(old.sheet, count).plus(
            row=np.arange(first, first + count),
            **{n: objects(c) for n, c in names.items()},
            **figure,
        )
        tables[name] = replace(old, rows=stacked([old.rows, rows], *rows.names))
    return replace(scenario, tables=tables)
