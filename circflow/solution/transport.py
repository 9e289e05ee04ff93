"""The links that a plan uses, looked up in the scenario's sheets one journey at a time.

Independent of the network that the model is built from: each journey of the plan is judged by
itself (SCENARIO: Links), so a fault in the making of links shows in the audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circflow.data.coded import Flags, Floats, Ints, Items, kind_of, place_in, take
from circflow.solution.keys import CodedPlan

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario

EARTH_RADIUS_KM = 6371.0088
COVERAGE = (("material", "mode"), ("material",), ("mode",), ())
"""What a row of Links names beside the sites, the row that names most first."""


def link_terms(plan: CodedPlan) -> Items:
    """The plan's journeys with what holds for each.

    distance_km (NaN where unknown), loss (share), unit_cost (transport, currency per unit sent),
    transaction_cost (currency per unit sent), exists (the scenario has the link), runs (the mode
    runs in the period).
    """
    return _Lookup(plan).terms()


def kilometres(scenario: Scenario, start: Ints, end: Ints) -> Floats:
    """Great-circle distance of sites (by position in Sites) times the detour factor.

    Haversine formula; NaN where a coordinate is missing.
    """
    sites = scenario.items("Sites")
    north = np.radians(np.append(sites["latitude"], np.nan))
    east = np.radians(np.append(sites["longitude"], np.nan))
    a = np.sin((north[end] - north[start]) / 2) ** 2
    b = np.cos(north[start]) * np.cos(north[end]) * np.sin((east[end] - east[start]) / 2) ** 2
    crow = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(a + b, 0.0, 1.0)))
    return np.asarray(crow * scenario.settings.detour_factor)


class _Lookup:
    def __init__(self, plan: CodedPlan) -> None:
        self.scenario = scenario = plan.scenario
        self.flows, self.sizes = plan["flows"], plan.sizes
        labels = ("from", "to", "material", "mode", "period")
        self.codes = {n: plan.listed(kind_of(n), self.flows[n]) for n in labels}
        self.start, self.end, self.material, self.mode, self.period = self.codes.values()
        modes = scenario.items("Modes")
        self.auto = np.zeros(plan.sizes["mode"] + 1, dtype=bool)
        self.auto[modes["mode"][::-1]] = modes["auto"][::-1]  # the first row of each
        self.auto[-1] = False
        self.valid = (self.start >= 0) & (self.end >= 0) & (self.material >= 0) & (self.mode >= 0)
        self.sensible = self._sensible()

    def terms(self) -> Items:
        distance, cost, loss, added, forbidden = self._rows()
        crow = kilometres(self.scenario, self.start, self.end)
        longest = self.scenario.settings.max_distance_km
        automatic = (
            np.full(len(crow), self.scenario.settings.auto_links)
            & self.auto[self.mode]
            & self.sensible
            & ~np.isnan(crow)
            & (self.start != self.end)
        )
        # A link exactly at the longest distance may fall on either side by rounding.
        automatic &= ~(crow > longest * (1 + 1e-12))
        allowed = self._allowed()[self.material, self.mode]
        exists = self.valid & allowed & (automatic | added) & ~forbidden
        distance = np.where(np.isnan(distance), crow, distance)
        by_km, fixed, runs = self._tariff()
        tariff = fixed + np.where(by_km == 0.0, 0.0, by_km * distance)
        unit_cost = np.where(np.isnan(cost), tariff, cost)
        return self.flows.plus(
            distance_km=distance,
            loss=np.where(np.isnan(loss), 0.0, loss),
            unit_cost=np.where(np.isnan(unit_cost), 0.0, unit_cost),
            transaction_cost=self._transactions(),
            exists=exists,
            runs=runs,
        )

    def _sensible(self) -> Flags:
        """Whether the start can have the material and the end can take it (a hub both)."""
        scenario = self.scenario
        disposal, stocks = scenario.items("Disposal"), scenario.items("Stockpiles")
        have = self._matrix(
            scenario.items("Streams"), stocks, scenario.purchase_items, scenario.makes
        )
        named = disposal.take(disposal["material"] >= 0)
        keeping = stocks.take(stocks["can_add"])
        take = self._matrix(scenario.uses, scenario.items("Markets"), named, keeping)
        every = disposal["site"][disposal["material"] < 0]
        wastes = scenario.codes.of("material", sorted(scenario.wastes))
        take[np.ix_(every, wastes)] = True
        return have[self.start, self.material] & take[self.end, self.material] & self.valid

    def _matrix(self, *places: Items) -> Flags:
        matrix = np.zeros((self.sizes["site"], self.sizes["material"]), dtype=bool)
        for rows in places:
            matrix[rows["site"], rows["material"]] = True
        matrix[self.scenario.items("Sites")["hub"], :] = True
        return matrix

    def _allowed(self) -> Flags:
        """Material by mode: whether the material may go by the mode."""
        allowed = np.ones((self.sizes["material"], self.sizes["mode"] + 1), dtype=bool)
        for at, text in enumerate(self.scenario.frame("Materials")["modes"].tolist()):
            if isinstance(text, str):
                named = [
                    self.scenario.codes.known("mode", name.strip()) for name in text.split(",")
                ]
                allowed[at] = False
                allowed[at, [mode for mode in named if mode >= 0]] = True
        return allowed

    def _rows(self) -> tuple[Floats, Floats, Floats, Flags, Flags]:
        """Cells from the rows of Links: distance, cost, loss; whether a row adds or removes it."""
        sheet = self.scenario.items("Links")
        count = len(self.start)
        cells = {c: np.full(count, np.nan) for c in ("distance_km", "cost", "loss")}
        added, forbidden, decided = (np.zeros(count, dtype=bool) for _ in range(3))
        for names in COVERAGE:
            named = [(sheet[n] >= 0) == (n in names) for n in ("material", "mode")]
            level, on = sheet.take(named[0] & named[1]), ("from", "to", *names)
            at = place_in([level[n] for n in on], [self.codes[n] for n in on])
            hit = at >= 0
            barred = hit & np.append(level["forbidden"], False)[at]
            forbidden |= barred & ~decided
            decided |= hit
            live = hit & ~barred
            sensible = self.sensible | ("material" in names)
            added |= live & sensible & (self.auto[self.mode] | ("mode" in names))
            for name, cell in cells.items():
                values = np.where(live, take(level[name], at, np.nan), np.nan)
                cells[name] = np.where(np.isnan(cell), values, cell)
        return cells["distance_km"], cells["cost"], cells["loss"], added, forbidden

    def _tariff(self) -> tuple[Floats, Floats, Flags]:
        """cost_per_unit_km, fixed_cost, and whether the mode runs in the period."""
        modes = self.scenario.items_in_force("Modes")
        at = place_in([modes["mode"], modes["period"]], [self.mode, self.period])
        at = np.where((self.mode >= 0) & (self.period >= 0), at, -1)
        runs, codes = at >= 0, self.scenario.codes
        for start, end, period in self.scenario.standstill.links:
            between = (self.start == codes.known("site", start)) & (
                self.end == codes.known("site", end)
            )
            runs = runs & ~(between & (self.period == codes.known("period", period)))
        return take(modes["cost_per_unit_km"], at), take(modes["fixed_cost"], at), runs

    def _transactions(self) -> Floats:
        """Between two members the inside cost; where exactly one end has no member the outside."""
        settings = self.scenario.settings
        codes = np.append(self.scenario.items("Sites")["member"], -1)
        a, b = codes[self.start], codes[self.end]
        both = (a >= 0) & (b >= 0) & (a != b)
        one = (a >= 0) != (b >= 0)
        cost = both * settings.transaction_cost_inside + one * settings.transaction_cost_outside
        return np.asarray(cost, dtype=float)
