"""Every problem in one pass, each at its own cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import date
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circflow.data.check import check_book
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.schema.sheets import SHEETS
from circflow.data.table import Book, Cell, CellFault, Problem, RawSheet

Grids = dict[str, list[list[object]]]

GOOD: Grids = {
    "Scenario": [["key", "value"], ["name", "Test region"], ["discount_rate", "0,1"]],
    "Periods": [["period", "years"], [2026, 5], ["2031", 5]],
    "Members": [["member", "name"], ["Steel", "Steel works"], ["Power", None]],
    "Sites": [
        ["site", "member", "region", "latitude", "longitude", "hub", "note"],
        ["Works", "Steel", "North", 57.0, 60.0, None, "own remark"],
        ["Plant", "Power", "North", 57.5, 60.5, "нет", None],
        ["Town", None, "South", 56.8, 60.6, None, None],
        ["Quarry", None, "South", None, None, None, None],
    ],
    "Materials": [
        ["material", "category", "modes", "unit"],
        ["slag", "waste", None, None],
        ["ash", "waste", "road", None],
        ["cement", "product", "road, rail", "t"],
        ["lime", "input", None, None],
        ["sludge", "waste", "none", None],
    ],
    "Streams": [
        ["site", "material", "period", "amount_per_year", "must_handle", "source"],
        ["Works", "slag", None, 100, None, "S1"],
        ["Works", "slag", 2031, "120,5", "да", None],
        ["Plant", "ash", None, 50, "yes", None],
        ["Works", "sludge", None, 5, None, None],
    ],
    "Stockpiles": [
        ["site", "material", "opening", "capacity", "can_add", "closing_min", "closing_max"],
        ["Plant", "ash", 1000, 2000, "yes", 10, None],
    ],
    "Purchases": [["site", "material", "price"], [None, "lime", 30], ["Works", "lime", 25]],
    "Recipes": [
        ["technology", "recipe", "role", "material", "amount", "group", "weight"],
        ["mill", None, "input", "slag", 1, "feed", 1],
        ["mill", None, "input", "ash", 1, "feed", 0.9],
        ["mill", None, "input", "lime", 0.1, None, None],
        ["mill", None, "output", "cement", 0.9, None, None],
        ["mill", "dry", "input", "slag", 1.2, None, None],
        ["mill", "dry", "output", "cement", 0.8, None, None],
    ],
    "RecipeCosts": [
        ["technology", "recipe", "period", "variable_cost", "capacity_use"],
        ["mill", None, None, 5, 1],
        ["mill", "dry", None, 6, 1.5],
    ],
    "Properties": [
        ["material", "property", "value"],
        ["slag", "CaO", 0.4],
        ["ash", "CaO", 0.05],
    ],
    "PropertyKinds": [["property", "kind", "loss_share"], ["CaO", "quality", None]],
    "Losses": [
        ["technology", "recipe", "property", "share", "reason"],
        ["mill", "dry", "CaO", 0.1, "dust"],
    ],
    "BlendLimits": [
        ["technology", "recipe", "group", "property", "material", "min", "max"],
        ["mill", None, "feed", "CaO", None, 0.2, None],
        ["mill", None, "feed", None, "ash", None, 0.5],
    ],
    "Units": [
        [
            *("unit", "site", "technology", "capacity_per_year", "status", "capex_million"),
            *("earliest_period", "latest_period", "capacity_max_per_year", "capex_max_million"),
            *("requires", "choice", "availability", "min_load"),
        ],
        ["Mill 1", "Works", "mill", 60, None, *[None] * 8, 0.0],
        ["Mill 2", "Plant", "mill", 10, "candidate", 5, 2026, 2031, 90, 20, "Mill 1", "new"],
        ["Mill 3", "Works", "mill", 10, "candidate", 5, None, None, None, None, "Mill 2", "new"],
    ],
    "UnitPeriods": [["unit", "period", "availability"], ["Mill 1", "2031", 0.8]],
    "Modes": [["mode", "cost_per_unit_km", "auto"], ["road", 2, None], ["rail", 1, "no"]],
    "Links": [
        ["from", "to", "material", "mode", "distance_km", "cost", "forbidden", "loss"],
        ["Works", "Quarry", "slag", "road", 30, None, None, None],
        ["Works", "Town", None, "rail", None, None, None, 0.01],
        ["Plant", "Town", "cement", None, None, 40, None, None],
    ],
    "Markets": [
        ["site", "material", "price", "max_per_year", "min_per_year"],
        ["Town", "cement", 1000, 40, None],
        ["Town", "cement", 800, None, 1],
    ],
    "Disposal": [
        ["site", "material", "period", "fee", "capacity_per_year", "total_capacity"],
        ["Quarry", None, None, 5, None, 5000],
        ["Quarry", "slag", None, 4, 1000, None],
        ["Plant", "ash", None, 3, None, None],
        ["Works", "sludge", None, 3, 10, None],
    ],
    "EmissionFactors": [
        ["kind", "key", "pollutant", "factor"],
        ["recipe", "mill", "CO2", 0.1],
        ["recipe", "mill/dry", "CO2", 0.2],
        ["transport", None, "CO2", 0.0001],
        ["sale", "cement", "CO2", -0.5],
    ],
    "EmissionLimits": [
        ["pollutant", "scope", "key", "limit_per_year", "price", "penalty"],
        ["CO2", "cluster", None, 1000, None, 10],
        ["CO2", "region", "North", None, 5, None],
        ["CO2", "unit", "Mill 1", 50, None, None],
        ["CO2", "member", "Steel", 500, None, None],
        ["CO2", "site", "Works", 500, None, None],
    ],
    "Synergies": [["synergy", "value"], ["shared kiln", 2]],
    "SynergyPartners": [
        ["synergy", "kind", "partner", "ratio"],
        ["shared kiln", "unit", "Mill 1", None],
        ["shared kiln", "flow", "Plant > Works", 2],
    ],
    "Budget": [["period", "budget_million"], [2026, 100]],
    "Goals": [["goal", "weight"], ["jobs", 0.1], ["emission:CO2", -20]],
    "Studies": [
        ["study", "parameter", "change", "from", "to", "steps", "values"],
        ["price", "Markets.price[material=cement]", None, 0.8, 1.2, 5, None],
        ["price", "Scenario.discount_rate", "set", None, None, None, "0; 0,05; 0.1"],
    ],
    "Ranges": [
        ["parameter", "change", "low", "high", "distribution"],
        ["Streams.amount_per_year", None, 0.9, 1.1, "triangular"],
    ],
    "Futures": [["future", "probability"], ["as now", 0.6], ["dear fuel", 0.4]],
    "FutureChanges": [
        ["future", "parameter", "change", "value", "period"],
        ["dear fuel", "Modes.cost_per_unit_km[mode=road]", None, 1.5, None],
        ["dear fuel", "Units[unit=Mill 1]", "off", None, 2026],
        ["dear fuel", "Units.availability[unit=Mill 1]", "factor", 0.5, None],
    ],
    "Sources": [["id", "reference"], ["S1", "State report"]],
    "_own": [["anything", 1, date(2026, 1, 1)]],
}
"""A workbook without problems that uses every sheet."""


def book_of(grids: Grids) -> Book:
    return Book(tuple(RawSheet(name, grid) for name, grid in grids.items()), "test.xlsx")


def problems_of(grids: Grids) -> list[Problem]:
    return check_book(book_of(grids))[0]


def good() -> Grids:
    return {name: [list(row) for row in grid] for name, grid in GOOD.items()}


def place(text: str) -> Cell:
    """`Sheet!B3`, `Sheet row 3` or `Sheet` as a cell."""
    sheet, _, rest = text.partition("!")
    letters = rest.rstrip("0123456789")
    return Cell(sheet, int(rest[len(letters) :] or 0), letters)


def put(cell: str, value: object) -> Callable[[Grids], None]:
    """A mutation that writes one cell of the good workbook."""

    def mutate(grids: Grids) -> None:
        at = place(cell)
        column = sum((ord(c) - 64) * 26**n for n, c in enumerate(reversed(at.column))) - 1
        grid = grids[at.sheet]
        while len(grid) < at.row:
            grid.append([])
        row = grid[at.row - 1]
        row.extend([None] * (column + 1 - len(row)))
        row[column] = value

    return mutate


def add(sheet: str, *cells: object) -> Callable[[Grids], None]:
    """A mutation that appends a row."""

    def mutate(grids: Grids) -> None:
        grids[sheet].append(list(cells))

    return mutate


def drop(sheet: str) -> Callable[[Grids], None]:
    """A mutation that deletes a sheet."""

    def mutate(grids: Grids) -> None:
        del grids[sheet]

    return mutate


def rename(sheet: str, name: str) -> Callable[[Grids], None]:
    """A mutation that renames a sheet."""

    def mutate(grids: Grids) -> None:
        grids[name] = grids.pop(sheet)

    return mutate


def rows(sheet: str, *lines: Sequence[object]) -> Callable[[Grids], None]:
    """A mutation that replaces the rows below the header."""

    def mutate(grids: Grids) -> None:
        grids[sheet][1:] = [list(line) for line in lines]

    return mutate


def both(*mutations: Callable[[Grids], None]) -> Callable[[Grids], None]:
    def mutate(grids: Grids) -> None:
        for mutation in mutations:
            mutation(grids)

    return mutate


def test_the_good_workbook_has_no_problem() -> None:
    problems, scenario = check_book(book_of(GOOD))
    assert [str(p) for p in problems] == []
    assert scenario is not None and set(scenario.tables) == {s.name for s in SHEETS}


# What is done to the good workbook, the cell that must be named, what the message must say,
# and the suggestion, if any.
ERRORS: list[tuple[Callable[[Grids], None], str, str, str]] = [
    # structure
    (drop("Markets"), "Markets", "missing", ""),
    (rename("Streams", "Stream"), "Stream", "no sheet called", "Streams"),
    (rename("Streams", "streams"), "streams", "capital letters", "Streams"),
    (rename("Modes", "Моdes"), "Моdes", "Cyrillic", "Modes"),
    (rename("_own", "own"), "own", "begin its name with _", ""),
    (lambda g: g.update({" Sites ": deepcopy(g["Sites"])}), " Sites ", "two sheets", ""),
    (lambda g: g.update({"SITES": deepcopy(g["Sites"])}), "SITES", "doubles", "Sites"),
    (put("Sites!C1", "Region"), "Sites!C1", "capital letters", "region"),
    (put("Sites!C1", "regoin"), "Sites!C1", "no column called", "region"),
    (put("Units!D1", "capacity"), "Units!D1", "no column called", "capacity_per_year"),
    (put("Sites!H1", "site"), "Sites!H1", "two columns", ""),
    (put("Sites!G1", None), "Sites!G2", "no name in row 1", ""),
    (put("Sites!G1", date(2026, 1, 1)), "Sites!G1", "cannot be read", ""),
    (lambda g: [r.pop(3) for r in g["Disposal"]].clear(), "Disposal!1", "fee is missing", ""),
    (lambda g: g["Sites"].insert(0, ["Places"]), "Sites!2", "row 2, not in row 1", ""),
    (lambda g: g["Sites"].__setitem__(0, []), "Sites!1", "row 1 is blank", ""),
    # cells
    (put("Streams!D2", "lots"), "Streams!D2", "not a number", ""),
    (put("Streams!D2", "10 %"), "Streams!D2", "percent", ""),
    (put("Streams!D2", None), "Streams!D2", "blank", ""),
    (put("Streams!D2", True), "Streams!D2", "number is wanted", ""),
    (put("Streams!D2", 10**400), "Streams!D2", "not finite", ""),
    (
        both(put("Markets!D2", 10**400), put("Markets!C3", 5), add("Markets", None, None, 1005)),
        "Markets!C4",
        "adds up",
        "",
    ),
    (put("Streams!D2", date(2026, 1, 1)), "Streams!D2", "date", ""),
    (put("Streams!D2", CellFault("#N/A", "error")), "Streams!D2", "#N/A", ""),
    (put("Streams!D2", CellFault("=B2", "formula")), "Streams!D2", "open the file in Excel", ""),
    (put("Streams!D2", -1), "Streams!D2", "below 0", ""),
    (put("Streams!A2", None), "Streams!A2", "blank", ""),
    (put("Streams!C3", date(2031, 1, 1)), "Streams!C3", "date", ""),
    (put("Streams!E2", "maybe"), "Streams!E2", "neither yes nor no", ""),
    (put("Materials!B2", "Waste"), "Materials!B2", "not one of the choices", "waste"),
    (put("Recipes!C2", "inputs"), "Recipes!C2", "not one of the choices", "input"),
    (put("Units!D2", -5), "Units!D2", "below 0", ""),
    (put("Units!M2", 1.2), "Units!M2", "above 1", ""),
    (put("Periods!B2", 2.5), "Periods!B2", "whole number", ""),
    (put("Links!H3", 1), "Links!H3", "below 1", ""),
    (put("Scenario!B3", "-1"), "Scenario!B3", "above -1", ""),
    (put("Scenario!B3", "10 %"), "Scenario!B3", "percent", ""),
    (put("Scenario!A3", "discount"), "Scenario!A3", "not one", "discount_rate"),
    (add("Scenario", "capital_charge", "yearly"), "Scenario!B4", "not one", ""),
    (add("Scenario", "auto_links", "perhaps"), "Scenario!B4", "neither yes nor no", ""),
    (put("Scenario!B2", None), "Scenario!B2", "no name", ""),
    (put("Scenario!A2", None), "Scenario!A2", "blank", ""),
    # keys
    (add("Scenario", "discount_rate", 0.2), "Scenario!A4", "row 3", ""),
    (add("Sites", "Works"), "Sites!A6", "row 2", ""),
    (add("Streams", "Works", "slag", None, 1), "Streams!A6", "row 2", ""),
    (add("Streams", "Works", "slag", "2031", 1), "Streams!C6", "row 3", ""),
    (add("Purchases", None, "lime", 1), "Purchases!A4", "row 2", ""),
    (add("Disposal", "Quarry", None, None, 1), "Disposal!A6", "row 2", ""),
    (add("Recipes", "mill", "main", "input", "ash", 1, "feed"), "Recipes!D8", "twice", ""),
    (add("SynergyPartners", "shared kiln", "flow", "Plant>Works"), "SynergyPartners!A4", "3", ""),
    (add("UnitPeriods", "Mill 1", 2031, 0.5), "UnitPeriods!A3", "row 2", ""),
    (add("Modes", "road", 3), "Modes!A4", "row 2", ""),
    # references
    (put("Streams!A2", "Work"), "Streams!A2", "no site", "Works"),
    (put("Streams!B2", "sIag"), "Streams!B2", "no material", "slag"),
    (put("Streams!B4", "аsh"), "Streams!B4", "Cyrillic А|а", "ash"),
    (put("Streams!C3", 2032), "Streams!C3", "no period", "2031"),
    (put("Sites!B2", "Steal"), "Sites!B2", "no member", "Steel"),
    (put("Units!C2", "mil"), "Units!C2", "no technology", "mill"),
    (put("Units!K4", "Mill 9"), "Units!K4", "no unit", "Mill"),
    (put("Units!G3", "2027"), "Units!G3", "no period", "2026"),
    (put("RecipeCosts!B3", "dri"), "RecipeCosts!B3", "no recipe", "dry"),
    (put("BlendLimits!B2", "dry"), "BlendLimits!C2", "no group", ""),
    (put("BlendLimits!C2", "fed"), "BlendLimits!C2", "no group", "feed"),
    (put("BlendLimits!D2", "Cao"), "BlendLimits!D2", "no property", "CaO"),
    (put("Materials!C4", "road, rial"), "Materials!C4", "no mode", "rail"),
    (put("Materials!C4", "road, none"), "Materials!C4", "alone", ""),
    (put("Links!D2", "raod"), "Links!D2", "no mode", "road"),
    (put("EmissionFactors!B2", "mil"), "EmissionFactors!B2", "no technology", "mill"),
    (put("EmissionFactors!B3", "mill/wet"), "EmissionFactors!B3", "no technology", "mill/dry"),
    (put("EmissionFactors!B4", "roda"), "EmissionFactors!B4", "no mode", "road"),
    (put("EmissionFactors!B5", "cemnt"), "EmissionFactors!B5", "no material", "cement"),
    (put("EmissionLimits!C2", "Works"), "EmissionLimits!C2", "has no key", ""),
    (put("EmissionLimits!C4", None), "EmissionLimits!C4", "needs a key", ""),
    (put("EmissionLimits!C3", "Nord"), "EmissionLimits!C3", "no site is in the region", "North"),
    (put("EmissionLimits!C5", "Stel"), "EmissionLimits!C5", "no member", "Steel"),
    (put("EmissionLimits!C6", "Work"), "EmissionLimits!C6", "no site", "Works"),
    (put("SynergyPartners!A2", "kiln"), "SynergyPartners!A2", "no synergy", "shared kiln"),
    (put("SynergyPartners!C2", "Mill1"), "SynergyPartners!C2", "no unit", "Mill 1"),
    (put("SynergyPartners!C3", "Plant"), "SynergyPartners!C3", "from>to", ""),
    (put("SynergyPartners!C3", "Plan>Works"), "SynergyPartners!C3", "no site", "Plant>Works"),
    (put("Budget!A2", 2027), "Budget!A2", "no period", "2026"),
    (put("Goals!A2", "job"), "Goals!A2", "no goal", "jobs"),
    # rules
    (
        both(put("Scenario!B3", -0.9), put("Periods!B2", 400)),
        "Periods!B2",
        "at a discount rate of -0.9 money in this period counts beyond all numbers",
        "",
    ),
    (
        both(put("Scenario!B3", -0.9), put("Units!O1", "lifetime_years"), put("Units!O2", 400)),
        "Units!O2",
        "at a discount rate of -0.9 money at the end of this lifetime counts beyond all numbers",
        "",
    ),
    (put("Markets!E2", 50), "Markets!D2", "below min_per_year", ""),
    (put("Stockpiles!G2", 5), "Stockpiles!G2", "below closing_min", ""),
    (put("Stockpiles!F2", 3000), "Stockpiles!D2", "below closing_min", ""),
    (put("BlendLimits!G2", 0.1), "BlendLimits!G2", "below min", ""),
    (put("Units!I3", 5), "Units!I3", "below capacity_per_year", ""),
    (put("Units!F3", None), "Units!F3", "needs its capex", ""),
    (put("Units!J3", None), "Units!J3", "needs capex_max", ""),
    (both(put("Units!G3", 2031), put("Units!H3", 2026)), "Units!H3", "before", ""),
    (put("Units!K3", "Mill 3"), "Units!K4", "ring: Mill 3 → Mill 2 → Mill 3", ""),
    (put("Units!K3", "Mill 2"), "Units!K3", "requires itself", ""),
    (put("Recipes!E3", 2), "Recipes!E3", "disagree", "1"),
    (put("Recipes!F5", "feed"), "Recipes!F5", "outputs have no group", ""),
    (
        both(put("Recipes!A6", "mi/ll"), put("Recipes!A7", "mi/ll"), rows("RecipeCosts")),
        "Recipes!A6",
        "cannot hold /",
        "",
    ),
    (add("Sites", "A>B"), "Sites!A6", "cannot hold >", ""),
    (put("Sites!E2", None), "Sites!E2", "no longitude", ""),
    (put("Links!B2", "Works"), "Links!B2", "ends where it starts", ""),
    (put("Links!E2", None), "Links!E2", "no coordinates", ""),
    (
        both(put("Links!E2", None), put("Links!F2", 10)),
        "Links!E2",
        "no coordinates",  # the mode emits CO2 per kilometre
        "",
    ),
    (
        both(put("Disposal!C3", 2031), put("Disposal!F3", 9)),
        "Disposal!F3",
        "blank period",
        "",
    ),
    (rows("SynergyPartners"), "Synergies!A2", "no partners", ""),
    (put("BlendLimits!E2", "ash"), "BlendLimits!E2", "both", ""),
    (put("BlendLimits!D2", None), "BlendLimits!D2", "nothing to limit", ""),
    (put("BlendLimits!E3", "lime"), "BlendLimits!E3", "not in the group", ""),
    (put("Properties!A3", "lime"), "BlendLimits!D2", "no value for 'ash'", ""),
    (put("Studies!B2", "Market.price"), "Studies!B2", "no sheet", "Markets.price"),
    (put("Studies!B2", "Markets.cost"), "Studies!B2", "no column", ""),
    (
        put("Studies!B2", "Markets.price[material=cemnt]"),
        "Studies!B2",
        "no row of Markets",
        "Markets.price[material=cement]",
    ),
    (put("Studies!B2", "Markets.price[material=slag"), "Studies!B2", "missing", ""),
    (put("Studies!B2", "price"), "Studies!B2", "not an address", ""),
    (put("Studies!B2", "Units.status"), "Studies!C2", "write set", "set"),
    (put("Studies!F2", None), "Studies!F2", "lacks steps", ""),
    (put("Studies!G2", "1;2"), "Studies!G2", "as well", ""),
    (put("Studies!G3", "0; x"), "Studies!G3", "not a number", ""),
    (put("Studies!G3", None), "Studies!G3", "says no values", ""),
    (
        put("Ranges!A2", "Streams.amount_per_yer"),
        "Ranges!A2",
        "no column",
        "Streams.amount_per_year",
    ),
    (put("Ranges!D2", 0.5), "Ranges!D2", "below low", ""),
    (both(put("Ranges!E2", "lognormal"), put("Ranges!C2", 0)), "Ranges!C2", "lognormal", ""),
    (put("Futures!B3", 0.5), "Futures!B3", "add up to 1.1", ""),
    (put("Futures!B3", 0), "Futures!B3", "above 0", ""),
    (put("FutureChanges!A2", "dear fule"), "FutureChanges!A2", "no future", "dear fuel"),
    (put("FutureChanges!B2", "Modes.auto"), "FutureChanges!B2", "holds no numbers", ""),
    (put("FutureChanges!B2", "Budget.budget_million"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Periods.years"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Scenario.discount_rate"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Scenario.capital_charge"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Units.lifetime_years"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Units.construction_years"), "FutureChanges!B2", "the decision", ""),
    (put("FutureChanges!B2", "Units.ramp_up"), "FutureChanges!B2", "the decision", ""),
    (
        put("FutureChanges!B2", "Units.capacity_per_year[unit=Mill 2]"),
        "FutureChanges!B2",
        "the size of 'Mill 2' is decided",
        "",
    ),
    (put("FutureChanges!B2", "Futures.probability"), "FutureChanges!B2", "no plan depends", ""),
    (put("FutureChanges!D2", None), "FutureChanges!D2", "does not say the value", ""),
    (put("FutureChanges!D3", 1), "FutureChanges!D3", "off takes no value", ""),
    (put("FutureChanges!E2", 2026), "FutureChanges!E2", "only off has a period", ""),
    (put("FutureChanges!E3", 2027), "FutureChanges!E3", "no period", ""),
    (
        put("FutureChanges!B3", "Units[unit=Mill1]"),
        "FutureChanges!B3",
        "no row of Units has unit 'Mill1'",
        "Units[unit=Mill 1]",
    ),
    (
        put("FutureChanges!B3", "Units.capacity_per_year[unit=Mill 1]"),
        "FutureChanges!B3",
        "without a column",
        "Units[unit=Mill 1]",
    ),
    (
        put("FutureChanges!B3", "Links[from=Works]"),
        "FutureChanges!B3",
        "write Links[from=…, to",
        "",
    ),
    (put("FutureChanges!B3", "Stock[site=Works]"), "FutureChanges!B3", "cannot stand still", ""),
    (
        put("FutureChanges!B3", "Markets[site=Town, material=slag]"),
        "FutureChanges!B3",
        "no row of Markets",
        "",
    ),
    (put("FutureChanges!D4", 2), "FutureChanges!D4", "in the future 'dear fuel'|is above 1", ""),
    (
        add("FutureChanges", "dear fuel", "Markets.min_per_year[row=2]", "set", 50),
        "FutureChanges!D5",
        "in the future 'dear fuel'|max_per_year 40 is below min_per_year 50",
        "",
    ),
    (
        add("FutureChanges", "as now", "Markets.max_per_year[row=3]", "factor", 2),
        "FutureChanges!B5",
        "blank and has no default",
        "",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "cell", "said", "suggestion"), ERRORS, ids=[f"{c}: {s}" for _, c, s, _ in ERRORS]
)
def test_errors(mutate: Callable[[Grids], None], cell: str, said: str, suggestion: str) -> None:
    grids = good()
    mutate(grids)
    problems = problems_of(grids)
    at = [p for p in problems if p.cell == place(cell) and p.severity == "error"]
    assert at, [str(p) for p in problems]
    assert any(word in at[0].message for word in said.split("|")), at[0].message
    if suggestion:
        assert suggestion in at[0].suggestion
    assert not at[0].infeasible


WARNINGS: list[tuple[Callable[[Grids], None], str, str]] = [
    (add("Sites", "Port", None, None, 0, 0), "Sites!D6", "sea"),
    (
        both(put("Sites!D4", 60.6), put("Sites!E4", 56.8)),
        "Sites!D4",
        "",  # too near to tell: no warning is asked for
    ),
    (put("Stockpiles!C2", 3000), "Stockpiles!C2", "above its capacity"),
    (put("Recipes!E7", 1.3), "Recipes!E7", "yield above 1"),
    (add("Materials", "dust", "waste"), "Materials!A7", "used nowhere"),
    (
        both(add("Recipes", "kiln", None, "input", "slag", 1)),
        "Recipes!A8",
        "no unit runs",
    ),
    (add("Purchases", None, "cement", 5), "Purchases!B4", "no unit takes"),
    (put("Units!K2", "Mill 3"), "Units!K2", "candidates only"),
    (put("Units!E2", "off"), "Units!K3", "never be built"),
    (put("EmissionLimits!A2", "CO"), "EmissionLimits!A2", "nothing emits"),
    (put("EmissionLimits!D2", None), "EmissionLimits!F2", "without a limit"),
    (put("Goals!A3", "emission:SO2"), "Goals!A3", "nothing emits"),
    (add("Links", "Works", "Town", "sludge", "road"), "Links!D5", "never leaves"),
    (put("Links!D4", "road"), "", ""),
    (put("Disposal!B5", "slag"), "Streams!B5", "nobody can take"),
    (
        both(rows("Markets"), put("Studies!B2", "Streams.cost")),
        "Recipes!D5",
        "nobody takes",
    ),
    (
        both(rows("Streams"), rows("Stockpiles"), rows("Ranges")),
        "Units!C2",
        "nothing can supply",
    ),
    (add("Markets", "Quarry", "cement", 5), "Markets!B4", "can reach this market"),
    (put("SynergyPartners!C3", "Town>Works"), "SynergyPartners!C3", "no link"),
    (put("Streams!D2", 1e13), "Streams!D2", "hardly meant"),
    (
        both(put("Ranges!C2", 1.05), put("Ranges!D2", 1.2)),
        "Ranges!C2",
        "outside the range",
    ),
    (both(put("BlendLimits!F2", None)), "BlendLimits!F2", "limits nothing"),
    (put("Units!J4", 9), "Units!J4", "no effect without"),
    (add("UnitPeriods", "Mill 2", 2031, None), "", ""),
]


@pytest.mark.parametrize(("mutate", "cell", "said"), WARNINGS)
def test_warnings(mutate: Callable[[Grids], None], cell: str, said: str) -> None:
    grids = good()
    mutate(grids)
    problems, scenario = check_book(book_of(grids))
    assert scenario is not None, [str(p) for p in problems]
    if said:
        at = [p for p in problems if p.cell == place(cell)]
        found = [p for p in at if said in p.message]
        assert found and found[0].severity == "warning", [str(p) for p in problems]
        assert [w.cell for w in scenario.warnings] == [p.cell for p in problems]
    else:
        assert not problems


def test_coordinates_that_look_exchanged() -> None:
    grids = good()
    for row in grids["Sites"][1:4]:
        row[3], row[4] = float(str(row[3])), float(str(row[4])) + 20
    put("Sites!D4", 80.6)(grids)
    put("Sites!E4", 56.8)(grids)
    assert place("Sites!D4") in {p.cell for p in problems_of(grids)}


INFEASIBLE: list[tuple[Callable[[Grids], None], str, str]] = [
    # sludge never leaves the works, where 10 a year may be dumped
    (put("Streams!D5", 11), "Streams!D5", "10 by Disposal!E5|11 of 'sludge'"),
    (put("Disposal!E5", 4), "Streams!D5", "takes at most 4"),
    (both(put("Disposal!E5", None), put("Disposal!F5", 30)), "Streams!D5", "over the horizon"),
    # 140 of slag and 5000 in all
    (
        both(rows("Markets", ["Town", "cement", 9, None, 500])),
        "Markets!E2",
        "must be sold",
    ),
    (put("BlendLimits!F2", 0.45), "BlendLimits!F2", "no mix can reach"),
    (
        both(put("BlendLimits!F2", None), put("BlendLimits!G2", 0.01)),
        "BlendLimits!G2",
        "no mix can come down",
    ),
    # CaO of 0.35 needs 86 % slag, but ash must be half of it
    (
        both(put("BlendLimits!F2", 0.35), put("BlendLimits!F3", 0.5)),
        "BlendLimits!C3",
        "no mix of",
    ),
    (put("BlendLimits!F3", 1.2), "", ""),
    (
        both(put("Stockpiles!E2", "no"), put("Stockpiles!F2", 1500)),
        "Stockpiles!F2",
        "nothing may be added",
    ),
]


@pytest.mark.parametrize(("mutate", "cell", "said"), [i for i in INFEASIBLE if i[2]])
def test_arithmetic_that_no_plan_can_meet(
    mutate: Callable[[Grids], None], cell: str, said: str
) -> None:
    grids = good()
    mutate(grids)
    problems, scenario = check_book(book_of(grids))
    at = [p for p in problems if p.cell == place(cell) and p.infeasible]
    assert at, [str(p) for p in problems]
    assert at[0].severity == "error"
    assert all(word in at[0].message for word in said.split("|")), at[0].message
    # such a workbook can be read, so that `solve` and `explain` can speak of it
    assert scenario is not None
    assert {(w.cell, w.severity) for w in scenario.warnings} >= {(place(cell), "warning")}


def test_what_just_fits_is_no_error() -> None:
    grids = good()
    put("Streams!D5", 10)(grids)
    put("Disposal!F5", 100)(grids)
    assert problems_of(grids) == []
    put("Disposal!F5", 99)(grids)
    assert [p.cell for p in problems_of(grids)] == [place("Streams!D5")]


def test_a_book_with_errors_is_refused_with_all_of_them() -> None:
    grids = good()
    put("Streams!D2", "x")(grids)
    put("Units!D2", -1)(grids)
    with pytest.raises(ScenarioError, match="2 errors") as refused:
        scenario_of(book_of(grids))
    assert list(refused.value.problems) == problems_of(grids)


def test_one_misspelt_site_names_the_cells_that_refer_to_it() -> None:
    grids = good()
    put("Sites!A3", "Plent")(grids)
    problems = problems_of(grids)
    assert {p.cell.sheet for p in problems} <= {
        "Streams", "Stockpiles", "Units", "Links", "Disposal", "SynergyPartners",
    }  # fmt: skip
    assert all("Plent" in p.suggestion for p in problems), [str(p) for p in problems]


@pytest.mark.parametrize("sheet", ["Sites", "Materials", "Recipes", "Units"])
def test_a_missing_sheet_sets_off_nothing_else(sheet: str) -> None:
    grids = good()
    del grids[sheet]
    for study in ("Studies", "Ranges", "Futures", "FutureChanges"):
        del grids[study]
    assert [p.cell for p in problems_of(grids)] == [Cell(sheet, 0)]


def test_a_misspelt_sheet_is_read_all_the_same() -> None:
    grids = good()
    grids["Site"] = grids.pop("Sites")
    grids["Site"][2][3] = "north"
    problems = problems_of(grids)
    assert [p.cell for p in problems] == [Cell("Site", 0), Cell("Site", 3, "D")]


def test_a_cell_that_cannot_be_read_sets_off_nothing_else() -> None:
    grids = good()
    put("Sites!A2", CellFault("#N/A", "error"))(grids)
    assert [p.cell for p in problems_of(grids)] == [place("Sites!A2")]
    grids = good()
    put("Markets!E2", "x")(grids)
    assert [p.cell for p in problems_of(grids)] == [place("Markets!E2")]


@pytest.mark.parametrize(
    ("unread", "named"),
    [
        ("Recipes!B6", put("RecipeCosts!B3", "dri")),
        ("Recipes!B2", put("BlendLimits!C2", "feeds")),
        ("Recipes!F2", put("BlendLimits!C2", "feeds")),
    ],
)
def test_a_name_that_cannot_be_read_may_be_the_one_that_is_meant(
    unread: str, named: Callable[[Grids], None]
) -> None:
    grids = good()
    both(put(unread, 0.5), named)(grids)
    assert [str(p.cell) for p in problems_of(grids)] == [unread]


def test_many_problems_in_one_pass_in_the_order_of_the_file() -> None:
    grids = good()
    for cell, value in (
        ("Streams!D2", "x"),
        ("Units!D2", -1),
        ("Streams!A4", "Nowhere"),
        ("Markets!C3", None),
        ("Scenario!B3", "much"),
        ("Sites!D2", 95),
        ("Streams!B2", "slug"),
    ):
        put(cell, value)(grids)
    cells = [str(p.cell) for p in problems_of(grids)]
    expected = ["Scenario!B3", "Sites!D2", "Streams!B2", "Streams!D2", "Streams!A4"]
    assert cells == [*expected, "Units!D2", "Markets!C3"]


def test_addresses_are_true_whatever_stands_between() -> None:
    """Blank rows, rows with a note alone, other orders of columns, the planner's own columns."""
    grids = good()
    grids["Streams"] = [
        ["note 1", None, "amount_per_year", "material", "site"],
        [None, None, 100, "slag", "Works"],
        ["only a remark"],
        [],
        [None, None, None, "  ", "\u00a0"],
        [None, None, "x", "ash", "Plant"],
        [None, None, 5, "sludge", "Works"],
    ]
    assert [str(p.cell) for p in problems_of(grids)] == ["Streams!C6"]


def test_sheets_that_may_be_left_out_or_empty() -> None:
    required = {sheet.name for sheet in SHEETS if sheet.required}
    grids = {name: grid for name, grid in good().items() if name in required}
    grids["Scenario"] = [["value", "key"], ["Bare", "name"]]
    grids["Streams"] = [["site", "material", "amount_per_year", "must_handle"]]
    grids["Streams"].append(["Works", "slag", 5, "no"])
    grids["Units"] = [
        ["unit", "site", "technology", "capacity_per_year"],
        ["M", "Works", "mill", 5],
    ]
    grids["Materials"] = [row[:2] for row in grids["Materials"]]
    problems, scenario = check_book(book_of(grids))
    assert not [p for p in problems if p.severity == "error"]
    assert scenario is not None
    assert [p.name for p in scenario.periods] == ["1"] and scenario.periods[0].years == 1
    assert scenario.frame("Modes")["mode"].tolist() == ["road"]
    assert scenario.frame("Members")["member"].tolist() == ["Steel", "Power"]
    with_headers = {**grids, "Periods": [["period"]], "Links": [[]], "Budget": []}
    assert check_book(book_of(with_headers))[1] is not None


def test_typed_tables() -> None:
    scenario = scenario_of(book_of(GOOD))
    assert scenario.settings.discount_rate == 0.1
    streams = scenario.frame("Streams")
    assert streams.index.tolist() == [2, 3, 4, 5]
    assert streams["period"].tolist() == [None, "2031", None, None]
    assert streams["amount_per_year"].tolist() == [100, 120.5, 50, 5]
    assert streams["must_handle"].dtype == bool and streams["cost"].tolist() == [0.0] * 4
    assert scenario.tables["Streams"].cell(3, "amount_per_year") == Cell("Streams", 3, "D")
    assert scenario.tables["Streams"].cell(3, "cost") == Cell("Streams", 3, "")
    units = scenario.frame("Units")
    assert units["status"].tolist() == ["existing", "candidate", "candidate"]
    assert units["lifetime_years"].tolist() == [20.0] * 3
    assert scenario.frame("SynergyPartners")["partner"].tolist() == ["Mill 1", "Plant>Works"]
    for table in scenario.tables.values():
        for column in table.sheet.columns:
            kinds = {type(v) for v in table.frame[column.name]}
            assert kinds <= ({bool} if column.kind == "flag" else {str, float, type(None)})
            if column.is_number:
                assert table.frame[column.name].dtype == float


def test_links_without_coordinates_need_a_length_only_where_it_counts() -> None:
    grids = good()
    put("Links!E2", None)(grids)
    put("Links!F2", 10)(grids)
    put("EmissionFactors!B4", "rail")(grids)  # road emits nothing now
    assert not [p for p in problems_of(grids) if p.severity == "error"]
    grids = good()
    put("Links!E2", None)(grids)
    add("Links", "Works", "Quarry", None, None, 30)(grids)  # another row knows the length
    assert not [p for p in problems_of(grids) if p.severity == "error"]
    grids = good()
    put("Links!E2", None)(grids)
    put("Links!G2", "yes")(grids)  # a forbidden row adds nothing
    assert not [p for p in problems_of(grids) if p.severity == "error"]


def test_a_blend_limit_on_a_group_that_needs_nothing_is_no_contradiction() -> None:
    grids = good()
    put("BlendLimits!F2", 0.45)(grids)
    put("Recipes!E2", 0)(grids)
    put("Recipes!E3", 0)(grids)
    assert not [p for p in problems_of(grids) if p.infeasible]


def test_rates_beyond_all_numbers() -> None:
    grids = good()
    put("Scenario!B3", -0.9)(grids)
    put("Periods!B2", 1_000_000_000)(grids)
    assert place("Periods!B2") in {p.cell for p in problems_of(grids)}


def test_periods_none_of_which_can_be_read() -> None:
    grids = good()
    put("Periods!B2", "x")(grids)
    put("Periods!B3", "y")(grids)
    put("Links!E2", None)(grids)
    cells = {p.cell for p in problems_of(grids)}
    assert {place("Periods!B2"), place("Periods!B3"), place("Links!E2")} <= cells


def test_hidden_sheets_reported_by_the_reader_are_kept() -> None:
    hidden = Problem("warning", Cell("Sites", 3), "the row is hidden")
    book = Book(book_of(GOOD).sheets, "test.xlsx", (hidden,))
    problems, scenario = check_book(book)
    assert problems == [hidden]
    assert scenario is not None and scenario.warnings == (hidden,)


VALUES = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-5, 3000),
    st.floats(),
    st.booleans(),
    st.just(date(2026, 1, 1)),
    st.sampled_from(
        [
            *(
                "Works",
                "slag",
                "2031",
                "main",
                "none",
                "yes",
                "=cmd()",
                "<b>",
                "\u202eslag",
                "1e300",
            ),
            *(
                "Mill 1",
                "input",
                "off",
                "candidate",
                "feed",
                "Markets.price[site='x]",
                ";",
                ">",
                "/",
            ),
            CellFault("#N/A", "error"),
            CellFault("=A1", "formula"),
            CellFault("", "merged"),
        ]
    ),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_cell_may_hold_anything(data: st.DataObject) -> None:
    """Nothing but a scenario or a report, whatever stands in some cells."""
    grids = good()
    touched = set()
    for _ in range(data.draw(st.integers(1, 3))):
        sheet = data.draw(st.sampled_from(list(grids)))
        grid = grids[sheet]
        row = data.draw(st.integers(0, len(grid)))
        column = data.draw(st.integers(0, len(grid[0])))
        put(f"{sheet}!{chr(65 + column)}{row + 1}", data.draw(VALUES))(grids)
        touched.add(sheet)
    problems, scenario = check_book(book_of(grids))
    assert isinstance(scenario, Scenario) or any(p.severity == "error" for p in problems)
    for problem in problems:
        assert problem.message and "\n" not in problem.message
        assert str(problem)


def large_book(size: int) -> Book:
    """A valid workbook with `size` streams, markets and links."""
    sites = [[f"S{n}", 50 + n * 0.001, 60 + n * 0.001] for n in range(size // 20)]
    names = [site[0] for site in sites]
    materials = [[f"M{n}", "waste"] for n in range(20)]
    pairs = [(site, m[0]) for site in names for m in materials]
    last = names[-1]
    links = [[a, b, m[0], 5.0] for a, b in pairwise(names) for m in materials]
    return book_of(
        {
            "Scenario": [["key", "value"], ["name", "Large"], ["auto_links", "no"]],
            "Sites": [["site", "latitude", "longitude"], *sites],
            "Materials": [["material", "category"], *materials],
            "Streams": [["site", "material", "amount_per_year"], *([*p, 5.0] for p in pairs)],
            "Recipes": [["technology", "role", "material", "amount"], ["t", "input", "M0", 1.0]],
            "Units": [["unit", "site", "technology", "capacity_per_year"], ["u", last, "t", 5.0]],
            "Links": [["from", "to", "material", "cost"], *links],
            "Markets": [["site", "material", "price"], *([*p, 1.0] for p in pairs)],
            "Disposal": [["site", "fee"], *([name, 1.0] for name in names)],
        }
    )


def test_speed_of_a_large_workbook() -> None:
    book = large_book(10_000)
    start = perf_counter()
    problems, scenario = check_book(book)
    assert scenario is not None, problems[:3]
    assert perf_counter() - start < 5.0


def test_a_sheet_full_of_faults_stays_quick() -> None:
    book = large_book(10_000)
    streams = next(s for s in book.sheets if s.name == "Streams")
    for n, row in enumerate(streams.grid[1:]):
        row[0], row[2] = f"Site {n}", "x"
    start = perf_counter()
    problems, scenario = check_book(book)
    assert scenario is None and len(problems) >= 2 * len(streams.grid[1:])
    assert perf_counter() - start < 8.0


# ------------------------------------------------------------------------ construction, ramp-up


LETTERS = {"construction_years": "O", "ramp_up": "P"}
"""The columns in the sheets of `candidates`."""


def checked(grids: Grids) -> tuple[list[Problem], Scenario | None]:
    return check_book(book_of(grids))


def candidates(*cells: dict[str, object]) -> Grids:
    """GOOD with other cells of its units, in their order."""
    grids = deepcopy(GOOD)
    units = grids["Units"]
    units[0] += ["construction_years", "ramp_up"]
    units[1:] = [row + [None] * (len(units[0]) - len(row)) for row in units[1:]]
    for row, changed in zip(units[1:], cells, strict=False):
        for column, value in changed.items():
            row[units[0].index(column)] = value
    return grids


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("construction_years", -1, "below 0"),
        ("construction_years", 1.5, "not a whole number"),
        ("construction_years", 101, "101"),
        ("ramp_up", "0.5;; 0.8", "a share is empty"),
        ("ramp_up", "0.5; 0.8;", "a share is empty"),
        ("ramp_up", ";", "a share is empty"),
        ("ramp_up", "0", "not above 0 and at most 1"),
        ("ramp_up", "0.5; 1.2", "not above 0 and at most 1"),
        ("ramp_up", -0.5, "not above 0 and at most 1"),
        ("ramp_up", "0.5, 0.8", "not a number"),
        ("ramp_up", "half", "not a number"),
        ("ramp_up", True, "not TRUE"),
    ],
)
def test_times_that_cannot_be(column: str, value: object, said: str) -> None:
    problems, scenario = checked(candidates({}, {column: value}))
    assert scenario is None
    (problem,) = [p for p in problems if p.severity == "error"]
    assert (problem.cell.sheet, problem.cell.row, problem.cell.column) == (
        "Units",
        3,
        LETTERS[column],
    )
    assert said in problem.message


def test_shares_are_tidied() -> None:
    _, scenario = checked(candidates({}, {"ramp_up": " 0,5;0.80 ; 1"}, {"ramp_up": 0.5}))
    assert scenario is not None
    assert scenario.frame("Units")["ramp_up"].tolist() == [None, "0.5; 0.8; 1", "0.5"]
    assert scenario.frame("Units")["construction_years"].tolist() == [0, 0, 0]


def test_a_candidate_that_never_serves_is_doubted() -> None:
    times = {"construction_years": 5}
    problems, scenario = checked(candidates({}, {**times, "earliest_period": "2031"}, times))
    assert scenario is not None
    (problem,) = [p for p in problems if p.cell.column == "O"]
    assert (problem.severity, problem.cell.row) == ("warning", 3)
    assert "never built" in problem.message


def test_times_of_an_existing_unit_are_doubted() -> None:
    problems, _ = checked(candidates({"construction_years": 2, "ramp_up": "0.5"}))
    doubted = {p.cell.column for p in problems if "acts on candidates only" in p.message}
    assert doubted == set(LETTERS.values())
