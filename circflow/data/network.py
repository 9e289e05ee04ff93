"""Which material can go where: automatic links by distance, the Links sheet, hubs, modes.

A link is (from, to, material, mode). Links are made material by material with array operations:
the work grows with the pairs that are sensible (somebody has it, somebody can take it), never
with all pairs of sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circflow.data.coded import Flags, Floats, Ints, Items, distinct, join, match, stacked

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG), as the contract says."""

LINK = ["from", "to", "material", "mode"]
_CELLS = ("distance_km", "cost", "loss")
_COVERAGE = (("material", "mode"), ("material",), ("mode",), ())
"""What a row may name, the row that names most first (material before mode)."""


@dataclass(frozen=True)
class Network:
    """Every link that material may use, as arrays.

    `link_items`: from, to, material, mode, distance_km (NaN where nobody needs it), cost (currency
    per unit sent, NaN: by the mode's tariff), loss (share), transaction_cost (currency per unit
    sent), row_distance_km, row_cost, row_loss (rows of the sheet Links they stem from, 0: none).
    `capacity_items`: row (of Links), capacity_per_year, link (position in the links), one record
    for every link that the row covers.
    `flow_items`: the links in every period in which their mode runs: link, period, unit_cost
    (transport alone, currency per unit sent), row_mode (row of Modes).
    """

    link_items: Items
    capacity_items: Items
    flow_items: Items


def great_circle_km(
    latitude_a: Floats,
    longitude_a: Floats,
    latitude_b: Floats,
    longitude_b: Floats,
) -> Floats:
    """Great-circle distance in km of points in degrees (haversine formula)."""
    phi_a, phi_b = np.radians(latitude_a), np.radians(latitude_b)
    half_phi = (phi_b - phi_a) / 2
    half_lambda = np.radians(longitude_b - longitude_a) / 2
    chord = np.sin(half_phi) ** 2 + np.cos(phi_a) * np.cos(phi_b) * np.sin(half_lambda) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def spread(reached: Flags, start: Ints, end: Ints) -> Flags:
    """Mark every place that arcs lead to from marked ones (by number; changes `reached`)."""
    while True:
        new = end[reached[start] & ~reached[end]]
        if not new.size:
            return reached
        reached[new] = True


def can_have(scenario: Scenario) -> Flags:
    """Where a material arises, is stocked, bought or made (hubs apart): sites × materials."""
    sheets = (scenario.items("Streams"), scenario.items("Stockpiles"), scenario.purchase_items)
    return _matrix(scenario, *sheets, scenario.makes)


def can_take(scenario: Scenario) -> Flags:
    """Where a material is used, sold, disposed of or kept (hubs apart): sites × materials."""
    stocks, disposal = scenario.items("Stockpiles"), scenario.items("Disposal")
    sheets = (
        scenario.items("Markets"),
        disposal.take(disposal["material"] >= 0),
        stocks.take(stocks["can_add"]),
    )
    taking = _matrix(scenario, scenario.uses, *sheets)
    every_waste = disposal["site"][disposal["material"] < 0]
    taking[np.ix_(every_waste, np.flatnonzero(scenario.is_waste))] = True
    return taking


def _matrix(scenario: Scenario, *places: Items) -> Flags:
    codes = scenario.codes
    matrix = np.zeros((codes.size("site"), codes.size("material")), dtype=bool)
    for rows in places:
        matrix[rows["site"], rows["material"]] = True
    return matrix


def make_network(scenario: Scenario) -> Network:
    """The links of a scenario, sorted by sites, materials and modes as their sheets list them."""
    return _Maker(scenario).make()


class _Maker:
    """Works on codes: the position of a name in its sheet."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.codes = scenario, scenario.codes
        sites, modes = scenario.items("Sites"), scenario.items("Modes")
        materials = scenario.tables["Materials"].rows
        self.latitude, self.longitude = sites["latitude"], sites["longitude"]
        self.placed = ~(np.isnan(self.latitude) | np.isnan(self.longitude))
        self.member = sites["member"]
        self.auto = np.zeros(self.codes.size("mode"), dtype=bool)
        self.auto[modes["mode"][::-1]] = modes["auto"][::-1]  # the first row of a mode counts
        self.allowed = np.array(
            [self._allowed(text) for text in materials["modes"]], dtype=bool
        ).reshape(len(materials), self.codes.size("mode"))
        hubs = np.flatnonzero(sites["hub"])
        self.having, self.taking = can_have(scenario), can_take(scenario)
        self.having[hubs, :] = self.taking[hubs, :] = True  # a hub has and takes everything

    def _allowed(self, text: str | None) -> Flags:
        """Which modes a Materials.modes cell allows."""
        if not isinstance(text, str):
            return np.ones(self.codes.size("mode"), dtype=bool)
        allowed = np.zeros(self.codes.size("mode"), dtype=bool)
        listed = (self.codes.known("mode", part.strip()) for part in text.split(","))
        allowed[[mode for mode in listed if mode >= 0]] = True
        return allowed

    def distance(self, start: Ints, end: Ints) -> Floats:
        """Kilometres on the way, detour included; NaN where a coordinate is missing."""
        crow = great_circle_km(
            self.latitude[start], self.longitude[start], self.latitude[end], self.longitude[end]
        )
        return crow * self.scenario.settings.detour_factor

    def make(self) -> Network:
        rows = self.scenario.items("Links")
        parts = [self._automatic()] if self.scenario.settings.auto_links else []
        links = stacked([*parts, self._added(rows)], *LINK)
        # Sorted by from, to, material, mode, each once.
        links = links.take(distinct([links[c] for c in LINK])[0])
        links, capacities = self._resolve(links, rows)
        unknown = np.isnan(links["distance_km"])
        distance = links["distance_km"].copy()
        distance[unknown] = self.distance(links["from"][unknown], links["to"][unknown])
        links = links.plus(distance_km=distance, transaction_cost=self._transaction_costs(links))
        return Network(links, capacities, self._flows(links))

    def _automatic(self) -> Items:
        """Links of the modes with `auto` between sites with coordinates, up to the longest."""
        longest = self.scenario.settings.max_distance_km
        parts: list[tuple[Ints, ...]] = [(np.zeros(0, dtype=np.intp),) * len(LINK)]
        for material in range(self.having.shape[1]):
            modes = np.flatnonzero(self.auto & self.allowed[material])
            start = np.flatnonzero(self.having[:, material] & self.placed)
            end = np.flatnonzero(self.taking[:, material] & self.placed)
            if not (modes.size and start.size and end.size):
                continue
            a, b = (pair.ravel() for pair in np.meshgrid(start, end, indexing="ij"))
            keep = a != b
            if np.isfinite(longest):
                keep &= self.distance(a, b) <= longest
            a, b = a[keep], b[keep]
            for mode in modes:
                parts.append((a, b, np.full(a.size, material), np.full(a.size, mode)))
        columns = [np.concatenate(p) for p in zip(*parts, strict=True)]
        return Items(dict(zip(LINK, columns, strict=True)))

    def _added(self, rows: Items) -> Items:
        """Links that rows of the sheet add: what they name, or every mode with `auto` and every
        material that `from` can have and `to` can take; only modes that the material allows."""
        rows = rows.take(~rows["forbidden"]).only(*LINK)
        blank = rows.take(rows["material"] < 0)
        which, material = np.nonzero(self.having[blank["from"]] & self.taking[blank["to"]])
        spread = blank.take(which).plus(material=material)
        rows = stacked([rows.take(rows["material"] >= 0), spread], *LINK)
        blank = rows.take(rows["mode"] < 0)
        auto = np.flatnonzero(self.auto)
        spread = blank.take(np.repeat(np.arange(len(blank)), len(auto)))
        spread = spread.plus(mode=np.tile(auto, len(blank)))
        rows = stacked([rows.take(rows["mode"] >= 0), spread], *LINK)
        return rows.take(self.allowed[rows["material"], rows["mode"]])

    def _resolve(self, links: Items, rows: Items) -> tuple[Items, Items]:
        """Fill each link's cells from the rows that cover it, and drop the forbidden ones.

        Each cell is taken from the row that names most among those that fill it; the link goes
        if the row that names most is forbidden.
        """
        count = len(links)
        cells = {cell: np.full(count, np.nan) for cell in _CELLS}
        origin = {cell: np.zeros(count, dtype=np.intp) for cell in _CELLS}
        decided, forbidden = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        covers: list[tuple[Ints, Ints]] = []
        for names in _COVERAGE:
            level = np.flatnonzero(
                ((rows["material"] >= 0) == ("material" in names))
                & ((rows["mode"] >= 0) == ("mode" in names))
            )
            on = ("from", "to", *names)
            link, hit = match([links[n] for n in on], [rows[n][level] for n in on])
            hit = level[hit]
            barred = rows["forbidden"][hit]
            forbidden[link[barred & ~decided[link]]] = True
            decided[link] = True
            link, hit = link[~barred], hit[~barred]
            for cell in _CELLS:
                fills = ~np.isnan(rows[cell][hit]) & (origin[cell][link] == 0)
                cells[cell][link[fills]] = rows[cell][hit[fills]]
                origin[cell][link[fills]] = rows["row"][hit[fills]]
            limited = ~np.isnan(rows["capacity_per_year"][hit])
            covers.append((link[limited], hit[limited]))
        cells["loss"] = np.nan_to_num(cells["loss"])
        links = links.plus(**cells, **{f"row_{cell}": at for cell, at in origin.items()})
        link, hit = (np.concatenate(part) for part in zip(*covers, strict=True))
        there = ~forbidden[link]
        link, hit = (np.cumsum(~forbidden) - 1)[link[there]], hit[there]
        order = np.lexsort((link, hit))
        covered = rows.take(hit[order]).only("row", "capacity_per_year").plus(link=link[order])
        return links.take(~forbidden), covered

    def _transaction_costs(self, links: Items) -> Floats:
        """Currency per unit: inside between two members, outside where one end has none."""
        settings = self.scenario.settings
        a, b = self.member[links["from"]], self.member[links["to"]]
        inside = (a != b) & (a >= 0) & (b >= 0)
        outside = (a >= 0) != (b >= 0)
        return np.asarray(
            np.where(inside, settings.transaction_cost_inside, 0.0)
            + np.where(outside, settings.transaction_cost_outside, 0.0)
        )

    def _flows(self, links: Items) -> Items:
        """The links in each period in which their mode runs, with the cost of transport."""
        modes = self.scenario.items_in_force("Modes")
        links = links.only("from", "to", "mode", "distance_km", "cost").plus(
            link=np.arange(len(links))
        )
        flows = join(links, modes, "mode")
        still = self.scenario.standstill.links
        flows = flows.take(~self.scenario.stand_still(flows, ("from", "to", "period"), still))
        first, _ = distinct([flows["period"], flows["link"]])
        flows = flows.take(first)
        by_km = flows["cost_per_unit_km"]
        # A mode that costs nothing per km needs no distance.
        way = np.where(by_km == 0.0, 0.0, by_km * flows["distance_km"])
        cost = np.where(np.isnan(flows["cost"]), flows["fixed_cost"] + way, flows["cost"])
        flows = flows.plus(unit_cost=cost)
        return flows.renamed(row_mode="row").only("link", "period", "unit_cost", "row_mode")
