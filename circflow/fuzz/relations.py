"""Metamorphic relations: a change of a scenario, and what it may do to the best plan's worth.

Every relation holds exactly by MODEL's algebra; where a change would keep the answer only under
conditions, the relation makes them part of what it asks, and returns None where they do not hold.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from circflow.data.schema.sheets import BY_NAME, SHEETS, Column
from circflow.fuzz.regions import LEAST, MOST, Row, Sheets, Value

Expected = Literal["equal", "not lower"]


@dataclass(frozen=True)
class Changed:
    """A scenario changed, and what that does to the objective."""

    sheets: Sheets
    expected: Expected
    factor: float = 1.0
    """The new objective is so many times the old one."""
    relax: bool = False
    """Yes/no decisions of the changed scenario may be fractions."""
    said: str = ""
    """What was changed, in a few words."""
    base: Sheets | None = None
    """What it is compared with, where that is not the scenario itself."""


Change = Callable[[Sheets, Random, float], Changed | None]
"""What a relation does to a scenario's own copy. The number is the sum of all amounts, levels and
emissions of its plan, over all periods and years, and of its capital: no limit above it is
reached."""
RELATIONS: dict[str, Change] = {}
"""Every relation by name."""


def relation(change: Change) -> Change:
    """Register a relation under the name of its function; it is given a copy, to change."""
    name = change.__name__
    RELATIONS[name] = lambda sheets, rng, most: change(copy.deepcopy(sheets), rng, most)
    return change


# ------------------------------------------------------------------- limits


def columns_that(chosen: Callable[[Column], bool]) -> dict[str, tuple[str, ...]]:
    """Columns of the schema by sheet."""
    return {s.name: tuple(c.name for c in s.columns if chosen(c)) for s in SHEETS}


MAXIMA = {
    **columns_that(lambda c: c.blank_is_unlimited and c.name != "min"),
    "Streams": ("amount_per_year",),
    "Units": ("capacity_per_year",),
    "UnitPeriods": ("capacity_per_year",),
    "Budget": ("budget_million",),
}
"""Columns in which a larger figure is easier to meet."""
MINIMA = {
    "Stockpiles": ("closing_min",),
    "BlendLimits": ("min",),
    "Units": ("min_load",),
    "Markets": ("min_per_year",),
}
"""Columns in which a smaller figure is easier to meet."""


def cells(sheets: Sheets, columns: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Row, str]]:
    """Sheet, row and column of every cell of some columns, filled or not."""
    for sheet, names in columns.items():
        for row in sheets.get(sheet, []):
            for name in names:
                yield sheet, row, name


def number(row: Row, column: str, blank: float = math.nan) -> float:
    """A figure of a row."""
    value = row.get(column)
    return blank if value is None else float(value)


def _eases(sheets: Sheets, sheet: str, row: Row, column: str) -> bool:
    """Whether a larger figure is easier to meet in this very row."""
    if sheet == "Streams":
        return row.get("must_handle") is False
    if sheet not in ("Units", "UnitPeriods"):
        return True
    unit = next(u for u in sheets["Units"] if u["unit"] == row["unit"])
    # A least load is a share of the capacity; a range of sizes has costs between the two.
    idle = number(unit, "min_load", 0.0) == 0.0 and number(row, "min_load", 0.0) == 0.0
    return idle and unit.get("capacity_max_per_year") is None


@relation
def raised_maximum(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """More room never lowers the worth."""
    places = [
        (sheet, row, column)
        for sheet, row, column in cells(sheets, MAXIMA)
        if row.get(column) is not None
        and number(row, column) < MOST
        and _eases(sheets, sheet, row, column)
    ]
    if not places:
        return None
    sheet, row, column = rng.choice(places)
    before = number(row, column)
    if sheet == "BlendLimits":
        after = before + rng.random()
    else:
        power = math.log10(max(before, LEAST))
        after = float(f"{10.0 ** rng.choice([power + 1.0, rng.uniform(power, 15.0), 15.0]):.2g}")
    row[column] = min(max(after, before), MOST)
    return Changed(sheets, "not lower", said=f"{sheet}.{column} {before:g} -> {row[column]:g}")


@relation
def lowered_minimum(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A smaller least never lowers the worth."""
    places = [
        (sheet, row, column)
        for sheet, row, column in cells(sheets, MINIMA)
        if number(row, column, 0.0) > 0.0
    ]
    if not places:
        return None
    sheet, row, column = rng.choice(places)
    before = number(row, column)
    row[column] = before * rng.choice([0.0, 1e-6, 0.5])
    return Changed(sheets, "not lower", said=f"{sheet}.{column} {before:g} -> {row[column]:g}")


BLANK_IS_UNLIMITED = columns_that(
    lambda c: c.blank_is_unlimited and c.name != "total_capacity" and c.sheet != "BlendLimits"
)


@relation
def limit_beyond_reach(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A limit above what the best plan moves in all changes nothing, whatever its size."""
    places = [
        (sheet, row, column)
        for sheet, row, column in cells(sheets, BLANK_IS_UNLIMITED)
        if row.get(column) is None and not row.get("forbidden")
    ]
    least = math.log10(max(2.0 * most, LEAST))
    if not places or least >= 15.0:
        return None
    words = []
    for sheet, row, column in rng.sample(places, min(len(places), rng.choice([1, 1, 2, 9]))):
        power = rng.choice([rng.uniform(least, 15.0), 15.0, max(least, rng.uniform(9.0, 15.0))])
        limit = 10.0**power
        stays = number(row, "opening", 0.0), number(row, "min_per_year", 0.0)
        row[column] = max(limit, 2.0 * max(stays))
        if sheet == "EmissionLimits" and rng.random() < 0.5:
            row["penalty"] = float(f"{10.0 ** rng.uniform(-3.0, 15.0):.2g}")
        words.append(f"{sheet}.{column} = {row[column]:g}")
    return Changed(sheets, "equal", said=", ".join(words))


@relation
def relaxed(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """Yes/no decisions as fractions never lower the worth."""
    units = sheets["Units"]
    if not any(u.get("status") == "candidate" or u.get("can_idle") for u in units):
        return None
    return Changed(sheets, "not lower", relax=True)


# ------------------------------------------------------------------- units of measure


AMOUNTS = columns_that(lambda c: c.unit in ("unit", "unit/yr", "capacity/yr", "1/yr"))
LUMPS = columns_that(lambda c: c.unit.startswith("million currency") or c.unit in ("t/yr", "jobs"))
"""Beside amounts, what is twice as large in a region twice as large."""
PRICES = columns_that(lambda c: c.unit.startswith("currency/") and c.unit != "currency/t")
MONEY = columns_that(lambda c: c.unit.startswith(("currency/", "million currency")))
"""What is in currency: prices of materials, of emissions, and lump sums."""


def _times(sheets: Sheets, columns: Mapping[str, tuple[str, ...]], factor: float) -> None:
    for _, row, column in cells(sheets, columns):
        if row.get(column) is not None:
            row[column] = number(row, column) * factor


def _dealing_times(sheets: Sheets, factor: float) -> None:
    """Multiply the transaction costs of the sheet Scenario."""
    for row in sheets["Scenario"]:
        if str(row["key"]).startswith("transaction_cost"):
            row["value"] = float(row["value"] or 0.0) * factor


def _scaled(sheets: Sheets, factor: float = 1.0, *, said: str) -> Changed | None:
    """What has to be worth so many times as much; None where a figure has no size that is solved
    right."""
    figures = (v for rows in sheets.values() for row in rows for v in row.values())
    sizes = (abs(v) for v in figures if isinstance(v, float) and v != 0.0)
    within = all(LEAST <= size <= MOST for size in sizes)
    return Changed(sheets, "equal", factor, said=said) if within else None


def _factor(rng: Random) -> float:
    return rng.choice([1e-6, 1e-3, 0.1, 0.5, 7.0, 1e3, 1e6, 10.0 ** rng.randint(-9, 9)])


@relation
def all_tonnes_scaled(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """All amounts and lump sums so many times as large: so is the worth."""
    factor = _factor(rng)
    _times(sheets, AMOUNTS, factor)
    _times(sheets, LUMPS, factor)
    return _scaled(sheets, factor, said=f"times {factor:g}")


@relation
def all_money_scaled(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """All prices and sums in another currency: so is the worth."""
    factor = _factor(rng)
    _times(sheets, MONEY, factor)
    _dealing_times(sheets, factor)
    for row in sheets.get("Goals", []):
        if row["goal"] not in ("value", "synergy"):
            row["weight"] = number(row, "weight") * factor
    return _scaled(sheets, factor, said=f"times {factor:g}")


@relation
def unit_of_all_materials(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """All amounts counted in another unit, prices and emissions per unit with them: the same."""
    factor = 10.0 ** rng.choice([-6, -3, 3, 6])
    _times(sheets, AMOUNTS, factor)
    _times(sheets, PRICES | {"EmissionFactors": ("factor",)}, 1.0 / factor)
    _dealing_times(sheets, 1.0 / factor)
    return _scaled(sheets, said=f"times {factor:g}")


@relation
def unit_of_one_material(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """One material counted in another unit (t, kg) in every place it occurs changes nothing.

    Left out: materials of a blend with limits, whose shares are of amounts; materials that share
    a mode, a link's capacity, a disposal's capacity or a synergy with others, or bear a
    transaction cost, for those figures are per unit of every material alike.
    """
    possible = [m for m in sheets["Materials"] if _can_change_unit(sheets, m)]
    if not possible:
        return None
    material = rng.choice(possible)
    name, factor = material["material"], 10.0 ** rng.choice([-6, -3, 3, 3, 6])
    material["unit"] = "another"
    of_all = any(row.get("material") is None for row in sheets.get("Disposal", []))
    if of_all and material["category"] == "waste":  # it needs a row of its own
        return None
    for sheet in _OF_A_MATERIAL:
        rows = [row for row in sheets.get(sheet, []) if row.get("material") == name]
        _times({sheet: rows}, AMOUNTS, factor)
        _times({sheet: rows}, PRICES, 1.0 / factor)
    _recount_recipes(sheets, name, factor)
    for kind in _KINDS_OF_A_MATERIAL:
        _recount_emissions(sheets, kind, name, factor)
    if (mode := material.get("modes")) != "none":
        modes = [row for row in sheets.get("Modes", []) if row["mode"] == mode]
        _times({"Modes": modes}, PRICES, 1.0 / factor)
        _recount_emissions(sheets, "transport", mode, factor)
    return _scaled(sheets, said=f"{name} times {factor:g}")


_OF_A_MATERIAL = {"Streams", "Stockpiles", "Purchases", "Markets", "Disposal", "Links"}
_KINDS_OF_A_MATERIAL = ("disposal", "stockpile", "purchase", "sale", "stream")


def _can_change_unit(sheets: Sheets, material: Row) -> bool:
    name, modes = material["material"], material.get("modes")
    of_it = [row for row in sheets["Recipes"] if row.get("group") and row["material"] == name]
    groups = {(r["technology"], r["recipe"], r["group"]) for r in of_it}
    limits = sheets.get("BlendLimits", [])
    if any((b["technology"], b["recipe"], b["group"]) in groups for b in limits):
        return False
    if modes == "none":
        return True
    if any(m is not material and m.get("modes") == modes for m in sheets["Materials"]):
        return False
    if modes is None or "," in str(modes):
        return False
    fees = {row["key"]: row["value"] for row in sheets["Scenario"]}
    if fees.get("transaction_cost_inside") or fees.get("transaction_cost_outside"):
        return False
    shared = any(
        row.get("mode") is None
        and row.get("material") is None
        and (row.get("capacity_per_year") is not None or row.get("cost") is not None)
        for row in sheets.get("Links", [])
    )
    flows = any(row["kind"] == "flow" for row in sheets.get("SynergyPartners", []))
    others = (row.get("modes") or modes for row in sheets["Materials"] if row is not material)
    return not shared and not flows and all(modes not in str(by).split(",") for by in others)


def _recount_recipes(sheets: Sheets, name: Value, factor: float) -> None:
    """Plain amounts are of the material; in a group its weight is per unit of it."""
    for row in sheets["Recipes"]:
        if row["material"] == name and row.get("group"):
            row["weight"] = number(row, "weight", 1.0) / factor
        elif row["material"] == name:
            row["amount"] = number(row, "amount") * factor


def _recount_emissions(sheets: Sheets, kind: str, key: Value, factor: float) -> None:
    """Factors per unit of what the key names; one that holds for all of a kind gets a row for it
    alone."""
    rows = [row for row in sheets.get("EmissionFactors", []) if row["kind"] == kind]
    by_pollutant = {row["pollutant"]: row for row in rows if row.get("key") == key}
    for row in rows:
        if row.get("key") is None and row["pollutant"] not in by_pollutant:
            alone = {**row, "key": key, "factor": number(row, "factor") / factor}
            sheets["EmissionFactors"].append(alone)
    for row in by_pollutant.values():
        row["factor"] = number(row, "factor") / factor


# ------------------------------------------------------------------- what does not matter


@relation
def rows_permuted(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """Rows, columns and sheets in another order change nothing (but periods are in order)."""
    changed: Sheets = {}
    names = list(sheets)
    rng.shuffle(names)
    for name in names:
        rows = [dict(row) for row in sheets[name]]
        if name != "Periods":
            rng.shuffle(rows)
        columns = list(dict.fromkeys(c for row in rows for c in row))
        rng.shuffle(columns)
        changed[name] = [{c: row[c] for c in columns if c in row} for row in rows]
    return Changed(changed, "equal")


@relation
def unused_things(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A site, a member, a material, a mode, a technology that nothing uses change nothing."""
    size = [10.0 ** rng.uniform(-9.0, 15.0) for _ in range(9)]
    added: dict[str, Row] = {
        "Sites": {"site": "Far away", "member": "Idle", "latitude": -50.0, "longitude": -70.0},
        "Materials": {"material": "gold", "category": "product"},
        "Modes": {"mode": "airship", "cost_per_unit_km": size[0], "fixed_cost": size[1]},
        "Recipes": {"technology": "alchemy", "recipe": "main", "role": "output",
                    "material": "gold", "amount": size[2]},
        "RecipeCosts": {"technology": "alchemy", "recipe": "main", "variable_cost": size[3]},
        "Properties": {"material": "gold", "property": "CaO", "value": size[4]},
        "EmissionFactors": {"kind": "recipe", "key": "alchemy", "pollutant": "smoke",
                            "factor": size[5]},
    }  # fmt: skip
    for sheet, row in added.items():
        sheets.setdefault(sheet, []).append(dict(row))
    sheets.setdefault("Members", []).append({"member": "Idle"})
    if rng.random() < 0.5:
        sheets.setdefault("Purchases", []).append(
            {"site": None, "material": "gold", "price": size[6], "max_per_year": size[7]}
        )
    return Changed(sheets, "equal")


@relation
def unit_that_is_off(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A unit that is off is as good as none, whatever stands in its row."""
    technologies = sorted({str(row["technology"]) for row in sheets["Recipes"]})
    size = [float(f"{10.0 ** rng.uniform(-9.0, 15.0):.2g}") for _ in range(4)]
    sheets["Units"].append(
        {
            "unit": "Ruin",
            "site": rng.choice([str(row["site"]) for row in sheets["Sites"]]),
            "technology": rng.choice(technologies),
            "status": "off",
            "capacity_per_year": size[0],
            "min_load": 1.0,
            "fixed_cost_million_per_year": size[1],
            "jobs": size[2],
            "capex_million": size[3],
        }
    )
    return Changed(sheets, "equal")


@relation
def off_or_struck_out(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A unit off is as good as one struck out, with all that needs it or names it."""
    name = rng.choice(sheets["Units"])["unit"]
    off, struck = sheets, copy.deepcopy(sheets)
    next(u for u in off["Units"] if u["unit"] == name)["status"] = "off"
    gone = {name}
    while needing := {u["unit"] for u in struck["Units"] if u.get("requires") in gone} - gone:
        gone |= needing
    struck["Units"] = [u for u in struck["Units"] if u["unit"] not in gone]
    # A place where a candidate could make something may send it on, though it is never built: what
    # needs the unit is off too where nothing that stays could make the same.
    stays = {(u["site"], u["technology"]) for u in struck["Units"] if u.get("status") != "off"}
    for unit in off["Units"]:
        if unit["unit"] in gone and (unit["site"], unit["technology"]) not in stays:
            unit["status"] = "off"
    ended = {
        row["synergy"]
        for row in struck.get("SynergyPartners", [])
        if row["kind"] == "unit" and row["partner"] in gone
    }
    for sheet, column, names in (
        ("UnitPeriods", "unit", gone),
        ("Synergies", "synergy", ended),
        ("SynergyPartners", "synergy", ended),
    ):
        struck[sheet] = [row for row in struck.get(sheet, []) if row[column] not in names]
    struck["EmissionLimits"] = [
        row
        for row in struck.get("EmissionLimits", [])
        if row["scope"] != "unit" or row["key"] not in gone
    ]
    return Changed(struck, "equal", base=off, said=f"{name} off")


@relation
def freed_candidate(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A candidate without choice, requires and window never lowers the worth."""
    conditions = ("earliest_period", "latest_period", "choice", "requires")
    bound = [u for u in sheets["Units"] if any(u.get(c) is not None for c in conditions)]
    if not bound:
        return None
    unit = rng.choice(bound)
    unit.update(dict.fromkeys(conditions))
    return Changed(sheets, "not lower", said=f"{unit['unit']} without conditions")


@relation
def periods_written_out(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A row for every period is a row for each of them (a total capacity has no period)."""
    periods = [row["period"] for row in sheets["Periods"]]
    for name, rows in sheets.items():
        if not BY_NAME[name].periodic:
            continue
        key = BY_NAME[name].key or ("site", "material")
        sheets[name] = []
        for row in rows:
            if row.get("period") is not None or row.get("total_capacity") is not None:
                sheets[name].append(dict(row))
                continue
            named = {
                other.get("period")
                for other in rows
                if all(other.get(column) == row.get(column) for column in key)
            }
            sheets[name] += [{**row, "period": p} for p in periods if p not in named]
    return Changed(sheets, "equal")


@relation
def period_split(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A period in two changes nothing where no year depends on another: without stockpiles,
    candidates and total capacities."""
    if sheets.get("Stockpiles") or any(u.get("status") == "candidate" for u in sheets["Units"]):
        return None
    if any(row.get("total_capacity") is not None for row in sheets["Disposal"]):
        return None
    long = [row for row in sheets["Periods"] if number(row, "years") > 1]
    if not long:
        return None
    cut = rng.choice(long)
    years = int(number(cut, "years"))
    first = rng.randint(1, years - 1)
    at = sheets["Periods"].index(cut)
    sheets["Periods"][at : at + 1] = [
        {"period": cut["period"], "years": first},
        {"period": "the rest", "years": years - first},
    ]
    for name, rows in sheets.items():
        if name != "Periods" and "period" in BY_NAME[name]:
            rows += [{**r, "period": "the rest"} for r in rows if r.get("period") == cut["period"]]
    return Changed(sheets, "equal", said=f"{cut['period']} after {first} years")


# ------------------------------------------------------------------- prices


BETTER = (
    ("Markets", "price", 1.0),
    ("Markets", "premium", 1.0),
    ("Disposal", "fee", -1.0),
    ("Purchases", "price", -1.0),
    ("RecipeCosts", "variable_cost", -1.0),
    ("Modes", "cost_per_unit_km", -1.0),
    ("Links", "distance_km", -1.0),
    ("EmissionLimits", "penalty", -1.0),
    ("Units", "capex_million", -1.0),
    ("Units", "fixed_cost_million_per_year", -1.0),
    ("Synergies", "value", 1.0),
)


@relation
def better_price(sheets: Sheets, rng: Random, most: float) -> Changed | None:
    """A better price, a shorter way, a cheaper plant never lower the worth."""
    goals = {row["goal"] for row in sheets.get("Goals", [])}
    places = [
        (sheet, row, column, sign)
        for sheet, column, sign in BETTER
        for row in sheets.get(sheet, [])
        if number(row, column, 0.0) != 0.0 and _price_is_free(sheet, row, goals)
    ]
    if not places:
        return None
    sheet, row, column, sign = rng.choice(places)
    before = number(row, column)
    factor = rng.choice([2.0, 10.0, 10.0 ** rng.uniform(0.0, 12.0)])
    after = before * factor if (before > 0.0) == (sign > 0.0) else before / factor
    if abs(after) > MOST:
        return None
    row[column] = after
    return Changed(sheets, "not lower", said=f"{sheet}.{column} {before:g} -> {after:g}")


def _price_is_free(sheet: str, row: Row, goals: set[Value]) -> bool:
    if sheet == "Units":
        return row.get("capacity_max_per_year") is None
    if sheet == "Links":  # a shorter way emits less, which a goal may count the other way
        return not any(str(goal).startswith("emission") for goal in goals)
    return True
