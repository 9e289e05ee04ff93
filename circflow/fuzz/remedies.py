"""Random scenarios without a plan, and what must hold of what `explain` says of them.

A condition is a cell that can stand in the way. It is taken away by what a planner would do: a
limit is left blank, a least is 0, waste need not be handled, a capacity is the largest that a cell
may hold (the least load, a share of it, stays what it was).

    explained        there is a conflict, or no limit stands in the way
    irreducible      only the conditions of a conflict are left: no plan; one less: a plan
    remedy_works     the remedy made (and the conditions of other conflicts taken away): a plan
    nine_tenths      nine tenths of the remedy made: no plan
    together_works   all changes of the list made: a plan
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from random import Random

from circflow.algebra.build import build
from circflow.data.files.grids import column_number
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.table import Cell
from circflow.fuzz.judge import UNDECIDED, Finding, typed
from circflow.fuzz.regions import (
    APART,
    LEAST,
    MOST,
    ORDINARY,
    Row,
    Sheets,
    Value,
    book_of,
    columns_of,
    region,
)
from circflow.fuzz.relations import columns_that, number
from circflow.solution.solution import Status
from circflow.solver.compiled import compile_model
from circflow.solver.explain import Change, Conflict, Explanation, explain
from circflow.solver.highs import SolverError
from circflow.solver.optimum import optimum

NAMES = ("explained", "irreducible", "remedy_works", "nine_tenths", "together_works")
Place = tuple[str, int, str]
"""Sheet, place of the row among its rows, column: a condition's cell."""

BLANKED = {
    **columns_that(lambda c: c.blank_is_unlimited and c.sheet != "Synergies"),
    "Units": ("choice", "requires"),
}
"""Conditions that go where their cell is blank."""
ZEROED = {"Markets": ("min_per_year",), "Stockpiles": ("closing_min",)}
"""Conditions that go where their cell is 0."""


# ------------------------------------------------------------------- scenarios


def blocked_region(rng: Random, tries: int = 5) -> Sheets | None:
    """A random region without a plan; None where none was found."""
    sheets = region(rng, rng.choice([ORDINARY, ORDINARY, ORDINARY, APART]))
    more = rng.random() < 0.3
    for _ in range(tries):
        if not has_plan(sheets):
            if not more:
                return sheets
            more = False
        rng.choice(_BLOCKS)(sheets, rng)
    return None if has_plan(sheets) else sheets


def _about(sheets: Sheets, rng: Random, low: float, high: float) -> float:
    """So many times the amount of one of the streams."""
    amount = number(rng.choice(sheets["Streams"]), "amount_per_year")
    return float(f"{amount * rng.uniform(low, high):.2g}")


def _little_disposal(sheets: Sheets, rng: Random) -> None:
    for row in sheets["Streams"]:
        row["must_handle"] = row["material"] != "water"
    for row in sheets["Disposal"]:
        column = rng.choice(["capacity_per_year", "capacity_per_year", "total_capacity"])
        if row.get("period") is None or column != "total_capacity":
            row[column] = _about(sheets, rng, 0.01, 0.9)


def _large_sale(sheets: Sheets, rng: Random) -> None:
    row = rng.choice(sheets["Markets"])
    row |= {"min_per_year": _about(sheets, rng, 0.5, 20.0), "max_per_year": None}


def _much_left(sheets: Sheets, rng: Random) -> None:
    opening = _about(sheets, rng, 0.1, 3.0)
    dumps = sheets.setdefault("Stockpiles", [])
    if not any(row["site"] == "Mine" and row["material"] == "slag" for row in dumps):
        dumps.append({"site": "Mine", "material": "slag", "can_add": False, "opening": opening})
    row = rng.choice(dumps)
    if rng.random() < 0.5:
        row["closing_min"] = number(row, "opening", 0.0) * 3.0 + _about(sheets, rng, 1.0, 9.0)
        row["capacity"] = None
    else:
        row |= {"closing_max": 0.0, "closing_min": 0.0, "opening": opening, "capacity": None}
        row["max_reclaim_per_year"] = float(f"{opening / 50.0:.2g}")


def _clean_air(sheets: Sheets, rng: Random) -> None:
    kind, key = rng.choice([("stream", "slag"), ("disposal", None), ("recipe", "kiln")])
    factors = sheets.setdefault("EmissionFactors", [])
    if not any(
        r["kind"] == kind and r.get("key") == key and r["pollutant"] == "CO2" for r in factors
    ):
        factors.append(
            {"kind": kind, "key": key, "pollutant": "CO2", "factor": rng.choice([0.1, 3.0])}
        )
    scope, name = rng.choice([("cluster", None), ("member", "Mining"), ("site", "Plant")])
    limits = sheets.setdefault("EmissionLimits", [])
    if not any(row["scope"] == scope and row["pollutant"] == "CO2" for row in limits):
        limits.append(
            {"pollutant": "CO2", "scope": scope, "key": name,
             "limit_per_year": _about(sheets, rng, 0.0, 0.1)}
        )  # fmt: skip


def _heavy_load(sheets: Sheets, rng: Random) -> None:
    row = rng.choice(sheets["Units"])
    row |= {"min_load": round(rng.uniform(0.5, 1.0), 2), "can_idle": False}
    if row.get("status") != "candidate":
        row["capacity_per_year"] = _about(sheets, rng, 1.0, 9.0)


def _narrow_blend(sheets: Sheets, rng: Random) -> None:
    of: Row = {"technology": "kiln", "recipe": "main", "group": "feed"}
    sheets.setdefault("BlendLimits", []).append({**of, "material": "ash", "min": 0.8})
    _heavy_load(sheets, rng)


def _only_by_building(sheets: Sheets, rng: Random) -> None:
    """A sale that needs a new mill, and a budget or a rule that stands against it."""
    price = 1.0
    mills = [u for u in sheets["Units"] if u["technology"] == "mill"]
    if not any(u.get("status") == "candidate" for u in mills):
        sheets["Units"].append({**mills[0], "unit": "Mill 4", "status": "candidate",
                                "capex_million": 10.0 * price, "lifetime_years": 20})  # fmt: skip
    room = sum(number(u, "capacity_per_year") for u in mills if u.get("status") != "candidate")
    market = next(row for row in sheets["Markets"] if row["material"] == "brick")
    market |= {"min_per_year": float(f"{room * rng.uniform(0.8, 1.5):.2g}"), "max_per_year": None}
    first = sheets["Periods"][0]["period"]
    sheets["Budget"] = [{"period": p["period"], "budget_million": 0.0} for p in sheets["Periods"]]
    sheets["Budget"][0] = {"period": first, "budget_million": float(rng.randint(0, 9))}


_BLOCKS = (
    _little_disposal, _large_sale, _much_left, _clean_air, _heavy_load, _narrow_blend,
    _only_by_building,
)  # fmt: skip


# ------------------------------------------------------------------- conditions


def has_plan(sheets: Sheets, *, checked: bool = False) -> bool:
    """Whether a scenario has any plan. Raises `ScenarioError` where it is checked and refused."""
    return _has_plan(scenario_of(book_of(sheets)) if checked else typed(sheets))


def _has_plan(scenario: Scenario) -> bool:
    program = compile_model(build(scenario)).program.without_goal()
    return optimum(program).outcome.x is not None


def places(sheets: Sheets) -> set[Place]:
    """Every cell that is a condition."""
    places_of = {
        (sheet, at, column)
        for table in (BLANKED, ZEROED)
        for sheet, columns in table.items()
        for at, row in enumerate(sheets.get(sheet, []))
        for column in columns
        if row.get(column) is not None
    }
    places_of |= {("Budget", at, "budget_million") for at in range(len(sheets.get("Budget", [])))}
    places_of |= {
        ("Streams", at, "amount_per_year")
        for at, row in enumerate(sheets["Streams"])
        if row.get("must_handle") is not False
    }
    existing = _existing(sheets)
    for sheet in ("Units", "UnitPeriods"):
        for at, row in enumerate(sheets.get(sheet, [])):
            if row["unit"] in existing:
                columns = ("capacity_per_year", "min_load")
                places_of |= {(sheet, at, c) for c in columns if row.get(c) is not None}
    return places_of


def _existing(sheets: Sheets) -> set[Value]:
    return {u["unit"] for u in sheets["Units"] if u.get("status", "existing") == "existing"}


def without(sheets: Sheets, gone: set[Place]) -> Sheets:
    """The scenario without some conditions."""
    changed = copy.deepcopy(sheets)
    for sheet, at, column in gone:
        row = changed[sheet][at]
        if column in BLANKED.get(sheet, ()):
            row[column] = None
        elif column in ZEROED.get(sheet, ()):
            row[column] = 0.0
        elif sheet == "Streams":
            row["must_handle"] = False
    changed["Budget"] = [
        row
        for at, row in enumerate(changed.get("Budget", []))
        if ("Budget", at, "budget_million") not in gone
    ]
    changed["BlendLimits"] = [
        row
        for row in changed.get("BlendLimits", [])
        if row.get("min") is not None or row.get("max") is not None
    ]
    changed["UnitPeriods"] = [
        *(row for row in changed.get("UnitPeriods", []) if row["unit"] not in _existing(sheets)),
        *_loads_without(sheets, gone),
    ]
    return changed


def _loads_without(sheets: Sheets, gone: set[Place]) -> list[Row]:
    """Capacity and least load of existing units, in every period, without some conditions."""
    by_period = {
        (row["unit"], row["period"]): (at, row)
        for at, row in enumerate(sheets.get("UnitPeriods", []))
    }
    rows: list[Row] = []
    for at, unit in enumerate(sheets["Units"]):
        if unit["unit"] not in _existing(sheets):
            continue
        for period in sheets["Periods"]:
            at_period, by_unit = by_period.get((unit["unit"], period["period"]), (0, Row()))
            places: dict[str, Place] = {}
            for column in ("capacity_per_year", "min_load"):
                named = by_unit.get(column) is not None
                places[column] = (
                    ("UnitPeriods", at_period, column) if named else ("Units", at, column)
                )
            of = {c: number(sheets[s][n], c, 0.0) for c, (s, n, _) in places.items()}
            if places["min_load"] in gone:
                of["min_load"] = 0.0
            if places["capacity_per_year"] in gone:
                least = of["min_load"] * of["capacity_per_year"]  # a share no less than `LEAST`
                of["capacity_per_year"] = min(MOST, least / (2.0 * LEAST)) if least else MOST
                of["min_load"] = least / of["capacity_per_year"]
            rows.append({**by_unit, "unit": unit["unit"], "period": period["period"], **of})
    return rows


# ------------------------------------------------------------------- judging


def judge(sheets: Sheets, case: str, names: tuple[str, ...] = NAMES) -> Iterator[Finding | str]:
    """Check what is said of one scenario: findings, and the name of everything that was checked."""
    try:
        if _has_plan(scenario := scenario_of(book_of(sheets))):
            return
    except ScenarioError:
        return
    except SolverError:
        yield UNDECIDED
        return
    try:
        explanation = explain(scenario)
    except Exception as fault:
        text = f"explain: {type(fault).__name__}: {' '.join(str(fault).split())[:300]}"
        yield Finding("explained", text, {"scenario": sheets})
        return
    for name in names:
        try:
            for wrong in _CHECKS[name](sheets, explanation):
                if wrong:
                    yield Finding(name, f"{name}: {wrong}", {"scenario": sheets})
                yield name
        except SolverError:
            yield UNDECIDED


def _place(sheets: Sheets, cell: Cell) -> Place:
    column = columns_of(cell.sheet, sheets[cell.sheet])[column_number(cell.column)]
    return cell.sheet, cell.row - 2, column


def _cells(sheets: Sheets, conflict: Conflict) -> set[Place]:
    """The cells of a conflict; a choice is a condition of all units that share it."""
    places_of = set()
    for condition in conflict.conditions:
        sheet, at, column = _place(sheets, condition.cell)
        places_of.add((sheet, at, column))
        if column == "choice":
            shared = sheets[sheet][at]["choice"]
            places_of |= {(sheet, n, column) for n, u in enumerate(sheets[sheet])
                      if u.get("choice") == shared}  # fmt: skip
    return places_of


def with_changes(sheets: Sheets, changes: Iterable[Change], share: float = 1.0) -> Sheets:
    """The scenario with changes made, or a share of each."""
    changed = copy.deepcopy(sheets)
    for change in changes:
        sheet, at, column = _place(sheets, change.cell)
        after = change.after
        if after is not None and change.before is not None:
            after = after if share == 1.0 else change.before + share * (after - change.before)
        changed[sheet][at][column] = after
    return changed


def _explained(sheets: Sheets, explanation: Explanation) -> Iterator[str]:
    if explanation.status is not Status.INFEASIBLE:
        yield f"there is no plan, but explain says {explanation.status}"
    elif explanation.conflicts or explanation.within_tolerance:
        yield ""
    else:
        free = has_plan(without(sheets, places(sheets)))
        yield "no conflict is named, but without the limits there is a plan" if free else ""


def _irreducible(sheets: Sheets, explanation: Explanation) -> Iterator[str]:
    every = places(sheets)
    for conflict in explanation.conflicts:
        places_of = _cells(sheets, conflict)
        if missing := places_of - every:
            yield f"{missing} are no conditions"
            continue
        listed = " + ".join(str(c.cell) for c in conflict.conditions)
        yield (
            f"{listed}: these alone can hold together"
            if has_plan(without(sheets, every - places_of))
            else ""
        )
        for condition in conflict.conditions:
            one = _place(sheets, condition.cell)
            less = {p for p in places_of if p != one and not (p[2] == one[2] == "choice")}
            needed = has_plan(without(sheets, every - less))
            yield "" if needed else f"{listed}: {condition.cell} is not needed"


def _others(sheets: Sheets, explanation: Explanation, conflict: Conflict) -> set[Place]:
    """The conditions of the other conflicts."""
    places_of = _cells(sheets, conflict)
    return {p for other in explanation.conflicts for p in _cells(sheets, other)} - places_of


def _remedy_works(sheets: Sheets, explanation: Explanation) -> Iterator[str]:
    for conflict in explanation.conflicts:
        others = _others(sheets, explanation, conflict)
        for change in conflict.remedies:
            changed = with_changes(sheets, [change])
            try:
                works = has_plan(without(changed, others) if others else changed, checked=True)
            except ScenarioError as refused:
                yield f"{change.text}: {refused}"
                continue
            yield "" if works else f"{change.text}: there is still no plan"


def _nine_tenths(sheets: Sheets, explanation: Explanation) -> Iterator[str]:
    for conflict in explanation.conflicts:
        others = _others(sheets, explanation, conflict)
        for change in conflict.remedies:
            if change.after is not None:
                less = without(with_changes(sheets, [change], 0.9), others)
                try:
                    works = has_plan(less, checked=True)
                except ScenarioError:  # smaller than its cell may hold
                    works = False
                yield f"{change.text}: nine tenths of it would do" if works else ""


def _together_works(sheets: Sheets, explanation: Explanation) -> Iterator[str]:
    if explanation.verified and explanation.together:
        works = has_plan(with_changes(sheets, explanation.together), checked=True)
        listed = "; ".join(change.text for change in explanation.together)
        yield "" if works else f"{listed}: there is still no plan"
    elif len(explanation.conflicts) > 1:
        yield "no changes are named that together make a plan"


_CHECKS = {
    "explained": _explained,
    "irreducible": _irreducible,
    "remedy_works": _remedy_works,
    "nine_tenths": _nine_tenths,
    "together_works": _together_works,
}
