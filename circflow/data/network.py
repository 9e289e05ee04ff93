"""Which material can go where: automatic links by distance, the Links sheet, hubs, modes.

A link is (from, to, material, mode). Links are made material by material with array operations:
the work grows with the pairs that are sensible (somebody has it, somebody can take it), never
with all pairs of sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from circflow.data.scenario import Scenario

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG), as the contract says."""

LINK = ["from", "to", "material", "mode"]
_BLANK = -1
_COVERAGE = (("material", "mode"), ("material",), ("mode",), ())
"""What a row may name, the row that names most first (material before mode)."""


@dataclass(frozen=True)
class Network:
    """Every link that material may use.

    `links`: from, to, material, mode, distance_km (NaN where nobody needs it), cost (currency
    per unit sent, NaN: by the mode's tariff), loss (share), transaction_cost (currency per unit
    sent), row_distance_km, row_cost, row_loss (rows of the sheet Links they stem from, 0: none).
    `capacities`: row (of Links), capacity_per_year, link (position in `links`), one record for
    every link that the row covers.
    `flows`: the links in every period in which their mode runs: link, period, unit_cost
    (transport alone, currency per unit sent), row_mode (row of Modes).
    """

    links: pd.DataFrame
    capacities: pd.DataFrame
    flows: pd.DataFrame


def great_circle_km(
    latitude_a: NDArray[np.float64],
    longitude_a: NDArray[np.float64],
    latitude_b: NDArray[np.float64],
    longitude_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Great-circle distance in km of points in degrees (haversine formula)."""
    phi_a, phi_b = np.radians(latitude_a), np.radians(latitude_b)
    half_phi = (phi_b - phi_a) / 2
    half_lambda = np.radians(longitude_b - longitude_a) / 2
    chord = np.sin(half_phi) ** 2 + np.cos(phi_a) * np.cos(phi_b) * np.sin(half_lambda) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def can_have(scenario: Scenario) -> pd.DataFrame:
    """Where a material arises, is stocked, bought or made (hubs apart): site, material."""
    return _pairs(
        scenario.frame("Streams"),
        scenario.frame("Stockpiles"),
        scenario.purchases,
        scenario.makers,
    )


def can_take(scenario: Scenario) -> pd.DataFrame:
    """Where a material is used, sold, disposed of or kept (hubs apart): site, material."""
    disposal = scenario.frame("Disposal")
    every_waste = disposal.loc[disposal["material"].isna(), ["site"]].merge(
        pd.DataFrame({"material": sorted(scenario.wastes)}), how="cross"
    )
    stocks = scenario.frame("Stockpiles")
    return _pairs(
        scenario.users,
        scenario.frame("Markets"),
        disposal[disposal["material"].notna()],
        every_waste,
        stocks[stocks["can_add"].astype(bool)],
    )


def _pairs(*frames: pd.DataFrame) -> pd.DataFrame:
    parts = [frame[["site", "material"]] for frame in frames]
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def make_network(scenario: Scenario) -> Network:
    """The links of a scenario, sorted by sites, materials and modes as their sheets list them."""
    return _Maker(scenario).make()


class _Maker:
    """Works on codes: the position of a name in its sheet."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        sites = scenario.frame("Sites")
        materials = scenario.frame("Materials")
        modes = scenario.frame("Modes").drop_duplicates("mode")
        self.names = {
            "site": pd.Index(sites["site"], dtype=object),
            "material": pd.Index(materials["material"], dtype=object),
            "mode": pd.Index(modes["mode"], dtype=object),
        }
        self.latitude = sites["latitude"].to_numpy(float)
        self.longitude = sites["longitude"].to_numpy(float)
        self.placed = ~(np.isnan(self.latitude) | np.isnan(self.longitude))
        self.hubs = np.flatnonzero(sites["hub"].to_numpy(bool))
        self.auto = modes["auto"].to_numpy(bool)
        self.allowed = np.array(
            [self._allowed(text) for text in materials["modes"]], dtype=bool
        ).reshape(len(materials), len(self.names["mode"]))
        self.having = self._matrix(can_have(scenario))
        self.taking = self._matrix(can_take(scenario))

    def _allowed(self, text: str | None) -> NDArray[np.bool_]:
        """Which modes a Materials.modes cell allows."""
        modes = self.names["mode"]
        if not isinstance(text, str):
            return np.ones(len(modes), dtype=bool)
        return np.asarray(modes.isin([part.strip() for part in text.split(",")]))

    def _matrix(self, pairs: pd.DataFrame) -> NDArray[np.bool_]:
        """Site by material: whether the pair occurs; a hub has and takes everything."""
        matrix = np.zeros((len(self.names["site"]), len(self.names["material"])), dtype=bool)
        matrix[self.codes("site", pairs["site"]), self.codes("material", pairs["material"])] = True
        matrix[self.hubs, :] = True
        return matrix

    def codes(self, kind: str, names: pd.Series[str]) -> NDArray[np.intp]:
        """Positions of names in their sheet, −1 for a blank cell."""
        return np.asarray(self.names[kind].get_indexer(pd.Index(names, dtype=object)))

    def distance(self, start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.float64]:
        """Kilometres on the way, detour included; NaN where a coordinate is missing."""
        crow = great_circle_km(
            self.latitude[start], self.longitude[start], self.latitude[end], self.longitude[end]
        )
        return crow * self.scenario.settings.detour_factor

    def make(self) -> Network:
        rows = self._rows()
        made = [self._automatic()] if self.scenario.settings.auto_links else []
        made.append(self._added(rows))
        links = pd.concat(made, ignore_index=True).drop_duplicates(LINK)
        links = links.sort_values(LINK, ignore_index=True)
        links, covered = self._resolve(links, rows)
        links["distance_km"] = links["distance_km"].fillna(
            pd.Series(self.distance(links["from"].to_numpy(), links["to"].to_numpy()))
        )
        links["transaction_cost"] = self._transaction_costs(links)
        named = links.assign(
            **{
                column: self.names[kind].take(links[column].to_numpy())
                for column, kind in zip(LINK, ("site", "site", "material", "mode"), strict=True)
            }
        )
        return Network(named, covered, self._flows(named))

    def _rows(self) -> pd.DataFrame:
        """The Links sheet in codes, with the row number."""
        rows = self.scenario.frame("Links").rename_axis("row").reset_index()
        for column, kind in zip(LINK, ("site", "site", "material", "mode"), strict=True):
            rows[column] = self.codes(kind, rows[column])
        return rows

    def _automatic(self) -> pd.DataFrame:
        """Links of the modes with `auto` between sites with coordinates, up to the longest."""
        longest = self.scenario.settings.max_distance_km
        parts: list[tuple[NDArray[np.intp], ...]] = []
        for material in range(len(self.names["material"])):
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
        none = (np.array([], dtype=np.intp),) * len(LINK)
        columns = [np.concatenate(p) for p in zip(*(parts or [none]), strict=True)]
        return pd.DataFrame(dict(zip(LINK, columns, strict=True)), dtype=np.intp)

    def _added(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Links that rows of the sheet add: what they name, or every mode with `auto` and every
        material that `from` can have and `to` can take; only modes that the material allows."""
        rows = rows.loc[~rows["forbidden"].astype(bool), LINK]
        blank = rows[rows["material"] == _BLANK]
        sensible = self.having[blank["from"]] & self.taking[blank["to"]]
        which, material = np.nonzero(sensible)
        spread = blank.iloc[which].assign(material=material)
        rows = pd.concat([rows[rows["material"] != _BLANK], spread], ignore_index=True)
        blank = rows[rows["mode"] == _BLANK].drop(columns="mode")
        spread = blank.merge(pd.DataFrame({"mode": np.flatnonzero(self.auto)}), how="cross")
        rows = pd.concat([rows[rows["mode"] != _BLANK], spread], ignore_index=True)[LINK]
        return rows[self.allowed[rows["material"], rows["mode"]]].astype(np.intp)

    def _resolve(
        self, links: pd.DataFrame, rows: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Fill each link's cells from the rows that cover it, and drop the forbidden ones.

        Each cell is taken from the row that names most among those that fill it; the link goes
        if the row that names most is forbidden.
        """
        cells = ["distance_km", "cost", "loss"]
        links = links.assign(**dict.fromkeys(cells, np.nan), **{f"row_{c}": 0 for c in cells})
        # A pair of sites with rows is rare: only those links are looked at.
        has_row = pd.MultiIndex.from_frame(links[["from", "to"]]).isin(
            pd.MultiIndex.from_frame(rows[["from", "to"]])
        )
        near = links[has_row]
        decided = pd.Series(False, index=near.index)
        forbidden = pd.Series(False, index=near.index)
        covers = []
        for names in _COVERAGE:
            level = rows[
                ((rows["material"] != _BLANK) == ("material" in names))
                & ((rows["mode"] != _BLANK) == ("mode" in names))
            ]
            on = ["from", "to", *names]
            hit = near[on].reset_index(names="link").merge(level, on=on).set_index("link")
            barred = hit["forbidden"].astype(bool)
            forbidden.loc[hit.index[barred & ~decided.loc[hit.index]]] = True
            decided.loc[hit.index] = True
            hit = hit[~barred]
            for cell in cells:
                fill = hit[cell].dropna()
                fill = fill[links.loc[fill.index, f"row_{cell}"] == 0]
                links.loc[fill.index, cell] = fill
                links.loc[fill.index, f"row_{cell}"] = hit.loc[fill.index, "row"]
            covers.append(hit.loc[hit["capacity_per_year"].notna(), ["row", "capacity_per_year"]])
        links["loss"] = links["loss"].fillna(0.0)
        keep = ~links.index.isin(forbidden.index[forbidden])
        position = pd.Series(np.cumsum(keep) - 1, index=links.index)
        covered = pd.concat(covers).rename_axis("link").reset_index()
        covered = covered[keep[covered["link"].to_numpy(int)]]
        covered["link"] = position.loc[covered["link"]].to_numpy()
        covered = covered.sort_values(["row", "link"], ignore_index=True)
        return links[keep].reset_index(drop=True), covered

    def _transaction_costs(self, links: pd.DataFrame) -> NDArray[np.float64]:
        """Currency per unit: inside between two members, outside where one end has none."""
        settings = self.scenario.settings
        members = pd.factorize(self.scenario.frame("Sites")["member"], use_na_sentinel=True)[0]
        a, b = members[links["from"].to_numpy()], members[links["to"].to_numpy()]
        inside = (a != b) & (a >= 0) & (b >= 0)
        outside = (a >= 0) != (b >= 0)
        return np.asarray(
            np.where(inside, settings.transaction_cost_inside, 0.0)
            + np.where(outside, settings.transaction_cost_outside, 0.0)
        )

    def _stands_still(self, links: pd.DataFrame, period: str) -> NDArray[np.bool_]:
        """Which links nothing may use in the period (see `Scenario.standstill`)."""
        still = [pair[:2] for pair in sorted(self.scenario.standstill.links) if pair[2] == period]
        if not still:
            return np.zeros(len(links), dtype=bool)
        return np.asarray(
            pd.MultiIndex.from_frame(links[["from", "to"]]).isin(pd.MultiIndex.from_tuples(still))
        )

    def _flows(self, links: pd.DataFrame) -> pd.DataFrame:
        """The links in each period in which their mode runs, with the cost of transport."""
        modes = self.scenario.in_force("Modes")
        codes = self.names["mode"].get_indexer(pd.Index(links["mode"], dtype=object))
        parts = []
        for period in self.scenario.periods:
            tariff = modes[modes["period"] == period.name].drop_duplicates("mode")
            at = pd.Index(tariff["mode"], dtype=object).get_indexer(self.names["mode"])[codes]
            runs = np.flatnonzero((at >= 0) & ~self._stands_still(links, period.name))
            at = at[runs]
            by_km = tariff["cost_per_unit_km"].to_numpy(float)[at]
            distance = links["distance_km"].to_numpy(float)[runs]
            by_tariff = tariff["fixed_cost"].to_numpy(float)[at] + np.where(
                by_km == 0.0, 0.0, by_km * distance
            )
            own = links["cost"].to_numpy(float)[runs]
            parts.append(
                pd.DataFrame(
                    {
                        "link": runs,
                        "period": period.name,
                        "unit_cost": np.where(np.isnan(own), by_tariff, own),
                        "row_mode": tariff["row"].to_numpy(int)[at],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)
