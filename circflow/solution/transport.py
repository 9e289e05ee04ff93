"""The links that a plan uses, looked up in the scenario's sheets one journey at a time.

Independent of the network that the model is built from: each journey of the plan is judged by
itself (SCENARIO: Links), so a fault in the making of links shows in the audit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.coded import find, keys_of
from circflow.solution.keys import Flags, Floats, Ints, Names, take

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario

EARTH_RADIUS_KM = 6371.0088
COVERAGE = ((True, True), (True, False), (False, True), (False, False))
"""Whether a row of Links names the material and the mode, the row that names most first."""


def link_terms(scenario: Scenario, flows: pd.DataFrame) -> pd.DataFrame:
    """What holds for each journey (from, to, material, mode, period), in the order of `flows`.

    distance_km (NaN where unknown), loss (share), unit_cost (transport, currency per unit sent),
    transaction_cost (currency per unit sent), exists (the scenario has the link), runs (the mode
    runs in the period).
    """
    return _Lookup(scenario, flows).terms()


def covered_by(row: pd.Series[Any], flows: pd.DataFrame) -> Flags:
    """Which journeys a row of Links covers."""
    mask = (flows["from"] == row["from"]) & (flows["to"] == row["to"])
    for column in ("material", "mode"):
        if not pd.isna(row[column]):
            mask &= flows[column] == row[column]
    return np.asarray(mask, dtype=bool)


def kilometres(scenario: Scenario, start: Ints, end: Ints) -> Floats:
    """Great-circle distance of sites (by position in Sites) times the detour factor.

    Haversine formula; NaN where a coordinate is missing.
    """
    sites = scenario.frame("Sites")
    north = np.radians(np.append(sites["latitude"].to_numpy(float), np.nan))
    east = np.radians(np.append(sites["longitude"].to_numpy(float), np.nan))
    a = np.sin((north[end] - north[start]) / 2) ** 2
    b = np.cos(north[start]) * np.cos(north[end]) * np.sin((east[end] - east[start]) / 2) ** 2
    crow = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(a + b, 0.0, 1.0)))
    return np.asarray(crow * scenario.settings.detour_factor)


class _Lookup:
    def __init__(self, scenario: Scenario, flows: pd.DataFrame) -> None:
        self.scenario = scenario
        self.sites = Names(scenario.frame("Sites")["site"])
        self.materials = Names(scenario.frame("Materials")["material"])
        self.modes = Names(scenario.frame("Modes")["mode"])
        self.periods = Names(p.name for p in scenario.periods)
        self.start, self.end = self.sites(flows["from"]), self.sites(flows["to"])
        self.material = self.materials(flows["material"])
        self.mode = self.modes(flows["mode"])
        self.period = self.periods(flows["period"])
        first = scenario.frame("Modes").drop_duplicates("mode")
        self.auto = np.append(first["auto"].to_numpy(bool), False)
        self.valid = (self.start >= 0) & (self.end >= 0) & (self.material >= 0) & (self.mode >= 0)
        self.sensible = self._sensible()

    def terms(self) -> pd.DataFrame:
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
        return pd.DataFrame(
            {
                "distance_km": distance,
                "loss": np.where(np.isnan(loss), 0.0, loss),
                "unit_cost": np.where(np.isnan(unit_cost), 0.0, unit_cost),
                "transaction_cost": self._transactions(),
                "exists": exists,
                "runs": runs,
            }
        )

    def _sensible(self) -> Flags:
        """Whether the start can have the material and the end can take it (a hub both)."""
        scenario = self.scenario
        disposal, stocks = scenario.frame("Disposal"), scenario.frame("Stockpiles")
        have = self._matrix(
            [scenario.frame("Streams"), stocks, scenario.purchases, scenario.makers]
        )
        named = disposal[disposal["material"].notna()]
        keeping = stocks[stocks["can_add"].astype(bool)]
        take = self._matrix([scenario.users, scenario.frame("Markets"), named, keeping])
        every = self.sites(disposal.loc[disposal["material"].isna(), "site"])
        wastes = self.materials(sorted(scenario.wastes))
        take[np.ix_(every, wastes)] = True
        return have[self.start, self.material] & take[self.end, self.material] & self.valid

    def _matrix(self, frames: list[pd.DataFrame]) -> Flags:
        matrix = np.zeros((len(self.sites), len(self.materials)), dtype=bool)
        for frame in frames:
            matrix[self.sites(frame["site"]), self.materials(frame["material"])] = True
        matrix[self.scenario.frame("Sites")["hub"].to_numpy(bool), :] = True
        return matrix

    def _allowed(self) -> Flags:
        """Material by mode: whether the material may go by the mode."""
        rows = []
        for text in self.scenario.frame("Materials")["modes"]:
            if isinstance(text, str):
                names = [name.strip() for name in text.split(",")]
                rows.append(np.append(self.modes.index.isin(names), False))
            else:
                rows.append(np.ones(len(self.modes) + 1, dtype=bool))
        return np.array(rows, dtype=bool).reshape(-1, len(self.modes) + 1)

    def _rows(self) -> tuple[Floats, Floats, Floats, Flags, Flags]:
        """Cells from the rows of Links: distance, cost, loss; whether a row adds or removes it."""
        sheet = self.scenario.frame("Links")
        count = len(self.start)
        cells = {c: np.full(count, np.nan) for c in ("distance_km", "cost", "loss")}
        added, forbidden, decided = (np.zeros(count, dtype=bool) for _ in range(3))
        sizes = (len(self.sites), len(self.sites), len(self.materials), len(self.modes))
        for by_material, by_mode in COVERAGE:
            level = sheet[
                (sheet["material"].notna() == by_material) & (sheet["mode"].notna() == by_mode)
            ]
            if level.empty:
                continue
            codes = [self.sites(level["from"]), self.sites(level["to"])]
            wanted = [self.start, self.end]
            for named, names, column, code in (
                (by_material, self.materials, "material", self.material),
                (by_mode, self.modes, "mode", self.mode),
            ):
                codes.append(names(level[column]) if named else np.zeros(len(level), dtype=np.intp))
                wanted.append(code if named else np.zeros(count, dtype=np.intp))
            at = find(keys_of(codes, sizes), keys_of(wanted, sizes))
            hit = at >= 0
            barred = hit & np.append(level["forbidden"].to_numpy(bool), False)[at]
            forbidden |= barred & ~decided
            decided |= hit
            live = hit & ~barred
            sensible = self.sensible if not by_material else np.ones(count, dtype=bool)
            added |= live & sensible & (True if by_mode else self.auto[self.mode])
            for name, cell in cells.items():
                own = np.where(live, take(level[name], at, np.nan), np.nan)
                cells[name] = np.where(np.isnan(cell), own, cell)
        return cells["distance_km"], cells["cost"], cells["loss"], added, forbidden

    def _tariff(self) -> tuple[Floats, Floats, Flags]:
        """cost_per_unit_km, fixed_cost, and whether the mode runs in the period."""
        modes = self.scenario.in_force("Modes")
        sizes = (len(self.modes), len(self.periods))
        at = find(
            keys_of((self.modes(modes["mode"]), self.periods(modes["period"])), sizes),
            keys_of((self.mode, self.period), sizes),
        )
        runs = at >= 0
        for start, end, period in self.scenario.standstill.links:
            between = (self.start == self.sites([start])[0]) & (self.end == self.sites([end])[0])
            runs = runs & ~(between & (self.period == self.periods([period])[0]))
        return take(modes["cost_per_unit_km"], at), take(modes["fixed_cost"], at), runs

    def _transactions(self) -> Floats:
        """Between two members the inside cost; where exactly one end has no member the outside."""
        settings = self.scenario.settings
        member = self.scenario.frame("Sites")["member"]
        codes = np.append(pd.factorize(member.to_numpy(object))[0], -1)
        a, b = codes[self.start], codes[self.end]
        both = (a >= 0) & (b >= 0) & (a != b)
        one = (a >= 0) != (b >= 0)
        cost = both * settings.transaction_cost_inside + one * settings.transaction_cost_outside
        return np.asarray(cost, dtype=float)
