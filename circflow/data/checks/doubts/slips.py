"""Warnings: what may be meant, but most often is a slip."""

from __future__ import annotations

import numpy as np

from circflow.data.cells import shorten, written
from circflow.data.checks.doubts.peers import check_peers
from circflow.data.checks.doubts.scales import check_scales
from circflow.data.checks.findings import Drafts, by_row, quoted
from circflow.data.schema.sheets import SHEETS
from circflow.data.suggest import nearest, remark
from circflow.i18n import say

_YIELD_MARGIN = 1e-6
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
    _check_yields(drafts)
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
            values = draft.sound(column.name)[column.name]
            sizes = values.abs().to_numpy()
            least, most = column.plausible
            for row in values.index[(sizes > 0.0) & ((sizes < least) | (sizes > most))]:
                way = say("check the figure and its unit")
                if abs(values[row]) > most and column.blank_is_unlimited:
                    way = say("for unlimited leave the cell blank")
                drafts.warning(
                    sheet.name,
                    row,
                    column.name,
                    "{values} is hardly meant, figures here lie between {least:g} and {most:g} "
                    "{unit}: {way}",
                    values=written(float(values[row])),
                    least=least,
                    most=most,
                    unit=say(column.unit),
                    way=way,
                )


def _check_exchanged_coordinates(drafts: Drafts) -> None:
    """A site far from all others that would lie among them with its coordinates exchanged."""
    from circflow.data.network import great_circle_km

    frame = drafts["Sites"].sound("latitude", "longitude")
    frame = frame[frame["latitude"].notna() & frame["longitude"].notna()]
    if not len(frame):
        return
    lat, lon = frame["latitude"].to_numpy(float), frame["longitude"].to_numpy(float)
    centre = np.full(len(frame), np.median(lat)), np.full(len(frame), np.median(lon))
    away = great_circle_km(lat, lon, *centre)
    exchanged = great_circle_km(np.clip(lon, -90, 90), lat, *centre)
    reach = max(float(np.quantile(away, 0.75)), 1.0)
    near_home = away > np.maximum(_NEAR_KM, 2 * reach)
    odd = (away > _STRAY_KM) & (exchanged < _HOME_KM)
    odd |= near_home & (exchanged < reach) & (np.abs(lon) <= 90)
    drafts.warning(
        "Sites",
        frame[odd],
        "latitude",
        "the site lies far from all others, but among them if latitude and longitude "
        "are exchanged: check the two cells",
    )
    drafts.warning(
        "Sites",
        frame[(np.abs(lat) > _POLAR) & (np.abs(lon) < _POLAR)],
        "latitude",
        "the site lies near the pole: exchange latitude and longitude, if they are "
        "the wrong way round",
    )


def _check_stock_room(drafts: Drafts) -> None:
    frame = drafts["Stockpiles"].sound("opening", "capacity")
    drafts.warning(
        "Stockpiles",
        frame[frame["opening"] > frame["capacity"]],
        "opening",
        "the stockpile opens with {opening}, above its capacity of {capacity}: the "
        "excess must be reclaimed in the first period",
    )


def _check_yields(drafts: Drafts) -> None:
    """Recipes that make more tonnes than they take in."""
    materials = drafts["Materials"].sound("material", "unit", "category")
    in_tonnes = materials[(materials["unit"] == "t") & (materials["category"] != "energy")]
    columns = ["technology", "recipe", "role", "material", "amount", "group", "weight"]
    draft = drafts["Recipes"]
    if any(draft.faulty.get(column) for column in columns):
        return
    rows = draft.frame[columns]
    rows = rows[rows["material"].isin(in_tonnes["material"])].reset_index()
    if not len(rows):
        return
    tonnes = rows["amount"].where(rows["group"].isna(), rows["amount"] / rows["weight"])
    rows = rows.assign(tonnes=tonnes, group=rows["group"].astype(object).fillna("\x1f"))
    rows.loc[rows["group"] == "\x1f", "group"] = [
        f"\x1f{n}" for n in rows.index[rows["group"] == "\x1f"]
    ]
    where = ["technology", "recipe", "role"]
    most = rows.groupby([*where, "group"], sort=False)["tonnes"].max()
    sums = most.groupby(where, sort=False).sum().unstack("role")
    if not {"input", "output"} <= set(sums.columns):
        return
    over = sums.loc[sums["output"] > sums["input"] * (1 + _YIELD_MARGIN)].reset_index()
    outputs = rows[rows["role"] == "output"].sort_values("amount", ascending=False)
    largest = outputs.drop_duplicates(["technology", "recipe"])
    drafts.warning(
        "Recipes",
        largest.merge(over, on=["technology", "recipe"]).set_index("row"),
        "amount",
        "{technology!r} makes {output} t out of {input} t, a yield above 1: check "
        "the amounts, or list what else goes in",
    )


def _check_unused(drafts: Drafts) -> None:
    """Materials, technologies and purchases that nothing refers to."""
    used: set[str] = set()
    for sheet in ("Streams", "Stockpiles", "Purchases", "Recipes", "Markets", "Disposal"):
        used |= set(drafts[sheet].frame["material"].dropna())
        if drafts[sheet].faulty.get("material") or drafts[sheet].broken:
            return
    materials = drafts["Materials"].sound("material")
    drafts.warning(
        "Materials",
        materials[~materials["material"].isin(list(used))],
        "material",
        "{material!r} is used nowhere: delete the row, or use it",
    )
    _check_unused_technologies(drafts)
    recipes = drafts["Recipes"].frame
    inputs = recipes.loc[recipes["role"] == "input", "material"]
    purchases = drafts["Purchases"].sound("site", "material")
    drafts.warning(
        "Purchases",
        purchases[purchases["site"].isna() & ~purchases["material"].isin(inputs)],
        "material",
        "no unit takes this material in, so that a row for every site with such a "
        "unit has no effect: name a site, or check the material",
    )


def _check_unused_technologies(drafts: Drafts) -> None:
    units = drafts["Units"]
    if units.broken or units.faulty.get("technology"):
        return
    known = units.frame["technology"].dropna()
    technologies = drafts["Recipes"].sound("technology").drop_duplicates("technology")
    drafts.warning(
        "Recipes",
        technologies[~technologies["technology"].isin(known)],
        "technology",
        "no unit runs {technology!r}: add one in Units, or delete its rows",
    )


def _check_idle_columns(drafts: Drafts) -> None:
    """Cells that only act on candidates, and units that are off but needed."""
    columns = ("choice", "requires", "construction_years", "ramp_up")
    units = drafts["Units"].sound("status", "unit", *columns)
    existing, candidate = (units["status"] == status for status in ("existing", "candidate"))
    for column in columns:
        drafts.warning(
            "Units",
            units[existing & units[column].notna() & (units[column] != 0.0)],
            column,
            "{column} acts on candidates only, and this unit is existing: clear the "
            "cell, or make it a candidate",
            column=column,
        )
    off = units.loc[units["status"] == "off", "unit"]
    drafts.warning(
        "Units",
        units[candidate & units["requires"].isin(off)],
        "requires",
        "{requires!r} is off, so that this candidate can never be built",
    )
    periods = drafts["UnitPeriods"].sound("unit", "capacity_per_year")
    of_candidate = periods["unit"].isin(units.loc[candidate, "unit"])
    drafts.warning(
        "UnitPeriods",
        periods[of_candidate & periods["capacity_per_year"].notna()],
        "capacity_per_year",
        "the capacity of a candidate is not replaced by period: the cell has no effect",
    )


def _check_limits(drafts: Drafts) -> None:
    """Emission limits that limit nothing."""
    factors = drafts["EmissionFactors"]
    limits = drafts["EmissionLimits"].sound("pollutant", "limit_per_year", "price", "penalty")
    emitted = list(factors.frame["pollutant"].dropna().unique())
    readable = not factors.broken and not factors.faulty.get("pollutant")
    for row, pollutant in by_row(limits["pollutant"].dropna()):
        if readable and pollutant not in emitted:
            good = nearest(pollutant, emitted)
            drafts.warning(
                "EmissionLimits",
                row,
                "pollutant",
                "nothing emits {pollutant!r}{remark}, so the row has no effect: correct the "
                "name, or add it to EmissionFactors ({value})",
                pollutant=shorten(pollutant),
                remark=remark(pollutant, good),
                value=quoted(emitted) or say("blank now"),
                suggestion=good,
            )
    open_end, fined = limits["limit_per_year"].isna(), limits["penalty"].notna()
    drafts.warning(
        "EmissionLimits",
        limits[open_end & fined],
        "penalty",
        "a penalty without a limit has no effect: fill in limit_per_year",
    )
    drafts.warning(
        "EmissionLimits",
        limits[open_end & ~fined & (limits["price"] == 0)],
        "limit_per_year",
        "the row has neither a limit nor a price, so it has no effect",
    )
