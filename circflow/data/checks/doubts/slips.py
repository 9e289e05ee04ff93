"""Warnings: what may be meant, but most often is a slip."""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.data.cells import shorten, written
from circflow.data.checks.doubts.peers import check_peers
from circflow.data.checks.doubts.scales import check_scales
from circflow.data.checks.findings import Drafts, among, later, listed, quoted
from circflow.data.coded import by_row
from circflow.data.schema.sheets import SHEETS
from circflow.data.suggest import nearest, remark
from circflow.i18n import say

_STRAY_KM = 1500.0
_HOME_KM = 500.0
_NEAR_KM = 100.0
_POLAR = 75.0
"""Degrees of latitude beyond which no planner's region lies."""


def check_doubts(drafts: Drafts) -> None:
    """Doubts that rows give by themselves; reachability has its own file."""
    _check_sizes(drafts)
    check_scales(drafts)
    check_peers(drafts)
    _check_exchanged_coordinates(drafts)
    _check_stock_room(drafts)
    _check_unused(drafts)
    _check_idle_columns(drafts)
    _check_limits(drafts)


def _check_sizes(drafts: Drafts) -> None:
    """Figures of a size that hardly any region has (`Column.plausible`)."""
    for sheet in SHEETS:
        draft = drafts[sheet.name]
        for column in sheet.columns:
            if not column.is_number or column.name not in draft.letters or not column.plausible:
                continue
            least, most = column.plausible
            rows = draft.sound(column.name)
            sizes = np.abs(rows[column.name])
            odd = (sizes > 0.0) & ((sizes < least) | (sizes > most))
            for row, value in by_row(rows.take(odd), column.name) if odd.any() else ():
                way = say("check the figure and its unit")
                if abs(value) > most and column.blank_is_unlimited:
                    way = say("for unlimited leave the cell blank")
                drafts[sheet.name].warning(
                    row,
                    column.name,
                    "{values} is hardly meant, figures here lie between {least:g} and {most:g} "
                    "{unit}: {way}",
                    values=written(value),
                    least=least,
                    most=most,
                    unit=say(column.unit),
                    way=way,
                )


def _check_exchanged_coordinates(drafts: Drafts) -> None:
    """A site far from all others that would lie among them with its coordinates exchanged."""
    from circflow.data.network import great_circle_km

    rows = drafts["Sites"].sound("latitude", "longitude")
    rows = rows.take(~np.isnan(rows["latitude"] + rows["longitude"]))
    if not len(rows):
        return
    lat, lon = rows["latitude"], rows["longitude"]
    centre = np.full(len(rows), np.median(lat)), np.full(len(rows), np.median(lon))
    away = great_circle_km(lat, lon, *centre)
    exchanged = great_circle_km(np.clip(lon, -90, 90), lat, *centre)
    reach = max(float(np.quantile(away, 0.75)), 1.0)
    near_home = away > np.maximum(_NEAR_KM, 2 * reach)
    odd = (away > _STRAY_KM) & (exchanged < _HOME_KM)
    odd |= near_home & (exchanged < reach) & (np.abs(lon) <= 90)
    drafts["Sites"].warning(
        rows.take(odd),
        "latitude",
        "the site lies far from all others, but among them if latitude and longitude "
        "are exchanged: check the two cells",
    )
    drafts["Sites"].warning(
        rows.take((np.abs(lat) > _POLAR) & (np.abs(lon) < _POLAR)),
        "latitude",
        "the site lies near the pole: exchange latitude and longitude, if they are "
        "the wrong way round",
    )


def _check_stock_room(drafts: Drafts) -> None:
    rows = drafts["Stockpiles"].sound("opening", "capacity")
    drafts["Stockpiles"].warning(
        rows.take(rows["opening"] > rows["capacity"]),
        "opening",
        "the stockpile opens with {opening}, above its capacity of {capacity}: the "
        "excess must be reclaimed in the first period",
    )


def _check_unused(drafts: Drafts) -> None:
    """Materials, technologies and purchases that nothing refers to."""
    used: set[str] = set()
    for sheet in ("Streams", "Stockpiles", "Purchases", "Recipes", "Markets", "Disposal"):
        used.update(drafts[sheet].rows["material"].tolist())
        if drafts[sheet].faulty.get("material") or drafts[sheet].broken:
            return
    materials = drafts["Materials"].sound("material")
    drafts["Materials"].warning(
        materials.take(~among(materials["material"], used)),
        "material",
        "{material!r} is used nowhere: delete the row, or use it",
    )
    _check_unused_technologies(drafts)
    recipes = drafts["Recipes"].rows
    inputs = set(recipes["material"][recipes["role"] == "input"].tolist())
    purchases = drafts["Purchases"].sound("site", "material")
    drafts["Purchases"].warning(
        purchases.take(pd.isna(purchases["site"]) & ~among(purchases["material"], inputs)),
        "material",
        "no unit takes this material in, so that a row for every site with such a "
        "unit has no effect: name a site, or check the material",
    )


def _check_unused_technologies(drafts: Drafts) -> None:
    units = drafts["Units"]
    if units.broken or units.faulty.get("technology"):
        return
    run = set(units.rows["technology"].tolist())
    recipes = drafts["Recipes"].sound("technology")
    drafts["Recipes"].warning(
        recipes.take(~later(recipes, "technology") & ~among(recipes["technology"], run)),
        "technology",
        "no unit runs {technology!r}: add one in Units, or delete its rows",
    )


def _check_idle_columns(drafts: Drafts) -> None:
    """Cells that only act on candidates, and units that are off but needed."""
    columns = ("choice", "requires", "construction_years", "ramp_up")
    units = drafts["Units"].sound("status", "unit", *columns)
    existing, candidate = (units["status"] == status for status in ("existing", "candidate"))
    for column in columns:
        drafts["Units"].warning(
            units.take(existing & pd.notna(units[column]) & (units[column] != 0.0)),
            column,
            "{column} acts on candidates only, and this unit is existing: clear the "
            "cell, or make it a candidate",
            column=column,
        )
    off = set(units["unit"][units["status"] == "off"].tolist())
    drafts["Units"].warning(
        units.take(candidate & among(units["requires"], off)),
        "requires",
        "{requires!r} is off, so that this candidate can never be built",
    )
    periods = drafts["UnitPeriods"].sound("unit", "capacity_per_year")
    of_candidate = among(periods["unit"], set(units["unit"][candidate].tolist()))
    drafts["UnitPeriods"].warning(
        periods.take(of_candidate & ~np.isnan(periods["capacity_per_year"])),
        "capacity_per_year",
        "the capacity of a candidate is not replaced by period: the cell has no effect",
    )


def _check_limits(drafts: Drafts) -> None:
    """Emission limits that limit nothing."""
    factors = drafts["EmissionFactors"]
    limits = drafts["EmissionLimits"].sound("pollutant", "limit_per_year", "price", "penalty")
    emitted = listed(factors.rows["pollutant"])
    readable = not factors.broken and not factors.faulty.get("pollutant")
    for row, pollutant in by_row(limits, "pollutant"):
        if readable and pollutant is not None and pollutant not in emitted:
            good = nearest(pollutant, emitted)
            drafts["EmissionLimits"].warning(
                row,
                "pollutant",
                "nothing emits {pollutant!r}{remark}, so the row has no effect: correct the "
                "name, or add it to EmissionFactors ({value})",
                pollutant=shorten(pollutant),
                remark=remark(pollutant, good),
                value=quoted(emitted) or say("blank now"),
                suggestion=good,
            )
    open_end, fined = np.isnan(limits["limit_per_year"]), ~np.isnan(limits["penalty"])
    drafts["EmissionLimits"].warning(
        limits.take(open_end & fined),
        "penalty",
        "a penalty without a limit has no effect: fill in limit_per_year",
    )
    drafts["EmissionLimits"].warning(
        limits.take(open_end & ~fined & (limits["price"] == 0)),
        "limit_per_year",
        "the row has neither a limit nor a price, so it has no effect",
    )
