"""Addresses of cells, and changed copies of a scenario."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import cached_property
from time import process_time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circflow.data.changes.address import Address, AddressError
from circflow.data.changes.change import (
    Edit,
    find_cells,
    parse_address,
    parse_edit,
    scenario_numbers,
)
from circflow.data.check import check_book
from circflow.data.pandas_text import python_strings
from circflow.data.read import read, scenario_of
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.schema.sheets import SHEETS
from circflow.data.table import Book, Cell, RawSheet

GRIDS: dict[str, list[list[object]]] = {
    "Scenario": [["key", "value"], ["name", "T"], ["discount_rate", 0.1]],
    "Periods": [["period", "years"], [2026, 5], [2031, 5]],
    "Sites": [
        ["site", "member", "latitude", "longitude", "hub"],
        ["Works", "A", 56.8, 60.6, None],
        ["Tip, old [north]", None, 56.9, 60.9, "no"],
        ["Town", None, 57.0, 61.0, "yes"],
    ],
    "Materials": [["material", "category"], ["slag", "waste"], ["cement", "product"]],
    "Streams": [
        ["site", "material", "period", "amount_per_year", "must_handle"],
        ["Works", "slag", None, "1 000,5", "no"],
        [],
        ["Works", "slag", 2031, 900, "no"],
    ],
    "Recipes": [
        ["technology", "role", "material", "amount"],
        ["mill", "input", "slag", 1],
        ["mill", "output", "cement", 0.9],
    ],
    "Units": [
        ["unit", "site", "technology", "capacity_per_year", "lifetime_years"],
        ["Mill", "Works", "mill", 600, 20],
    ],
    "Markets": [
        ["site", "material", "price", "max_per_year", "min_per_year"],
        ["Town", "cement", 1000, 400, None],
        ["Town", "cement", 800, None, None],
        ["Works", "cement", 700, None, 5],
    ],
    "Disposal": [["site", "material", "fee"], ["Tip, old [north]", None, 5]],
    "Goals": [["goal", "weight"], ["value", 2]],
    "_own": [["x"], [1]],
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return scenario_of(book_of(GRIDS))


def book_of(grids: dict[str, list[list[object]]]) -> Book:
    return Book(tuple(RawSheet(n, deepcopy(g)) for n, g in grids.items()), "t.xlsx")


def grid(scenario: Scenario, sheet: str) -> list[list[object]]:
    return next(raw.grid for raw in scenario.book.sheets if raw.name == sheet)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Markets.price", Address("Markets", "price")),
        (" Markets . price ", Address("Markets", "price")),
        ("Markets.price[material=slag cement]", (("material", "slag cement"),)),
        (
            "Markets.price[ material = cement , site=Town ]",
            (("material", "cement"), ("site", "Town")),
        ),
        ("Markets.price[site='a, b [c] = d']", (("site", "a, b [c] = d"),)),
        ('Markets.price[site="say ""no""", period=]', (("site", 'say "no"'), ("period", ""))),
        ("Markets.price[site=x=y]", (("site", "x=y"),)),
        ("Markets.price[row=3]", (("row", "3"),)),
        ("Scenario.discount_rate", Address("Scenario", "discount_rate")),
    ],
)
def test_addresses(text: str, address: Address | tuple[tuple[str, str], ...]) -> None:
    expected = address if isinstance(address, Address) else Address("Markets", "price", address)
    assert parse_address(text) == expected
    assert parse_address(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("price", "not an address", ""),
        ("", "not an address", ""),
        ("Market.price", "no sheet", "Markets.price"),
        ("Markets.prise[site=Town]", "no column", "Markets.price[site=Town]"),
        ("Markets.price[sit=Town]", "no column", "Markets.price[site=Town]"),
        ("Markets.price[site=Town", "bracket ] is missing", ""),
        ("Markets.price[site=Town]x", "must end", ""),
        ("Markets.price[site]", "column=value", ""),
        ("Markets.price[]", "column=value", ""),
        ("Markets.price[site='Town]", "not closed", ""),
        ("Scenario.discount", "no key", "Scenario.discount_rate"),
        ("Scenario.discount_rate[key=x]", "stands alone", "Scenario.discount_rate"),
    ],
)
def test_addresses_that_cannot_be_read(text: str, said: str, suggestion: str) -> None:
    with pytest.raises(AddressError) as problem:
        parse_address(text)
    assert said in problem.value.message
    assert problem.value.suggestion == suggestion


NAMES = st.text(min_size=1, max_size=20).map(str.strip)


@given(st.lists(st.tuples(st.sampled_from(["site", "material", "period"]), NAMES), max_size=3))
def test_any_value_can_be_written_as_an_address(filters: list[tuple[str, str]]) -> None:
    address = Address("Markets", "price", tuple(filters))
    assert parse_address(str(address)) == address


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for candidate in (text, f"Markets.price[{text}]", f"Markets.price[site={text}]"):
        try:
            parse_address(candidate)
        except AddressError as problem:
            assert problem.message


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("Markets.price", ["Markets!C2", "Markets!C3", "Markets!C4"]),
        ("Markets.price[site=Town]", ["Markets!C2", "Markets!C3"]),
        ("Markets.price[price=800]", ["Markets!C3"]),
        ("Markets.price[price='800,0']", ["Markets!C3"]),
        ("Markets.price[max_per_year=]", ["Markets!C3", "Markets!C4"]),
        ("Streams.amount_per_year[period=]", ["Streams!D2"]),
        ("Streams.amount_per_year[period=2031]", ["Streams!D4"]),
        ("Streams.amount_per_year[must_handle=нет]", ["Streams!D2", "Streams!D4"]),
        ("Sites.hub[hub=no]", ["Sites!E2", "Sites!E3"]),
        ("Units.availability", ["Units row 2"]),
        ("Scenario.discount_rate", ["Scenario!B3"]),
        ("Scenario.detour_factor", ["Scenario!B4"]),
        ("Disposal.fee[site='Tip, old [north]']", ["Disposal!C2"]),
        ("Markets.price[row=3]", ["Markets!C3"]),
    ],
)
def test_cells_that_addresses_name(scenario: Scenario, text: str, cells: list[str]) -> None:
    found = find_cells(scenario.tables, parse_address(text))
    assert [str(cell) for cell in found] == cells


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("Markets.price[material=cemnt]", "no row", "Markets.price[material=cement]"),
        ("Markets.price[material=slag]", "no row", ""),
        ("Markets.price[site=Works, price=800]", "and", ""),
        ("Markets.price[price=many]", "not a number", ""),
        ("Budget.budget_million", "no rows", ""),
    ],
)
def test_addresses_that_name_nothing(
    scenario: Scenario, text: str, said: str, suggestion: str
) -> None:
    with pytest.raises(AddressError) as problem:
        find_cells(scenario.tables, parse_address(text))
    assert said in problem.value.message
    assert problem.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("edit", "parsed"),
    [
        (5, ("set", 5)),
        ("5", ("set", "5")),
        ("-5", ("set", "-5")),
        ("=12", ("set", "12")),
        ("= -1", ("set", "-1")),
        ("*0.9", ("factor", 0.9)),
        ("*=0,9", ("factor", 0.9)),
        ("+5", ("add", 5.0)),
        ("+=-5", ("add", -5.0)),
        ("+ 1 000", ("add", 1000.0)),
        ("=*x", ("set", "*x")),
        ("yes", ("set", "yes")),
        (None, ("set", None)),
        ("=", ("set", None)),
        ("", ("set", None)),
        (True, ("set", True)),
    ],
)
def test_edits(edit: Edit, parsed: tuple[str, Edit]) -> None:
    assert parse_edit(edit) == parsed


def test_figures_are_multiplied_added_and_set(scenario: Scenario) -> None:
    changed = scenario.change(
        {
            "Markets.price[site=Town]": "*0.9",
            "Streams.amount_per_year[period=]": "+5",
            "Units.capacity_per_year": 700,
            "Markets.max_per_year": "*2",
            "Units.lifetime_years": "=25",
            "Periods.years[period=2031]": "10",
            "Scenario.discount_rate": "*0.5",
        }
    )
    assert changed.frame("Markets")["price"].tolist() == [900, 720, 700]
    assert changed.frame("Streams")["amount_per_year"].tolist() == [1005.5, 900]
    assert changed.frame("Units").loc[2, "capacity_per_year"] == 700
    # a blank cell is unlimited and stays so where others can be multiplied
    assert changed.frame("Markets")["max_per_year"].fillna(-1).tolist() == [800, -1, -1]
    assert changed.frame("Units").loc[2, "lifetime_years"] == 25
    assert [p.years for p in changed.periods] == [5, 10]
    assert changed.settings.discount_rate == 0.05
    # D = Σ_{n<5} 1.05^−n
    assert changed.periods[0].weight == pytest.approx(sum(1.05**-n for n in range(5)))
    # the given scenario is as it was
    assert scenario.frame("Markets")["price"].tolist() == [1000, 800, 700]
    assert scenario.settings.discount_rate == 0.1
    assert grid(scenario, "Markets") == GRIDS["Markets"]


def test_the_book_of_a_changed_scenario_reads_as_the_same(scenario: Scenario) -> None:
    edits: dict[str, Edit] = {
        "Markets.price": "*1.1",
        "Units.availability": 0.5,  # a column that the file lacks
        "Units.min_load": "+0.25",
        "Modes.cost_per_unit_km": "=3",  # a sheet that the file lacks
        "Streams.amount_per_year": "*2",
        "Markets.min_per_year[site=Town]": 1,
        "Scenario.discount_rate": 0.2,
    }
    changed = scenario.change(edits)
    again = scenario_of(changed.book)
    assert again.settings == changed.settings and again.periods == changed.periods
    for sheet in SHEETS:
        pd.testing.assert_frame_equal(
            again.frame(sheet.name), changed.frame(sheet.name), obj=sheet.name
        )
        assert again.tables[sheet.name].letters == changed.tables[sheet.name].letters
    assert grid(changed, "_own") == [["x"], [1]]
    assert grid(changed, "Units")[0][-2:] == ["availability", "min_load"]
    assert grid(changed, "Modes")[1][0] == "road"


def test_names_flags_and_keys_can_be_set(scenario: Scenario) -> None:
    changed = scenario.change(
        {
            "Sites.hub[site=Works]": "yes",
            "Units.status": "=off",
            "Scenario.auto_links": False,
            "Scenario.detour_factor": "*2",  # its default stands in for the blank
            "Scenario.max_distance_km": 150,
            "Sites.member[site=Town]": "B",
            "Streams.must_handle[period=2031]": True,
        }
    )
    assert changed.frame("Sites")["hub"].tolist() == [True, False, True]
    assert changed.frame("Units")["status"].tolist() == ["off"]
    assert changed.settings.auto_links is False
    assert changed.settings.detour_factor == 2.6
    assert changed.settings.max_distance_km == 150
    assert changed.member_of["Town"] == "B"
    assert changed.frame("Streams")["must_handle"].tolist() == [False, True]
    assert changed.frame("Members")["member"].tolist() == ["A", "B"]


def test_several_edits_of_one_cell_act_one_after_another(scenario: Scenario) -> None:
    changed = scenario.change({"Markets.price": "*2", "Markets.price[price=800]": "+1"})
    assert changed.frame("Markets")["price"].tolist() == [2000, 1601, 1400]


def test_blank_is_unlimited(scenario: Scenario) -> None:
    changed = scenario.change({"Markets.max_per_year[row=2]": None})
    assert math.isnan(changed.frame("Markets").loc[2, "max_per_year"])
    assert grid(changed, "Markets")[1][3] is None
    changed = scenario.change({"Units.lifetime_years": ""})
    assert changed.frame("Units").loc[2, "lifetime_years"] == 20


@pytest.mark.parametrize(
    ("address", "edit", "cell", "said"),
    [
        ("Market.price", 1, Cell("", 0), "no sheet"),
        ("Markets.prise", 1, Cell("Markets", 0), "no column"),
        ("Markets.price[site=Twn]", 1, Cell("Markets", 0), "no row"),
        ("Markets.price", "*x", Cell("Markets", 2, "C"), "not a number"),
        ("Markets.price", "*", Cell("Markets", 2, "C"), "lacks a number"),
        ("Markets.price", "much", Cell("Markets", 2, "C"), "not a number"),
        ("Markets.price", True, Cell("Markets", 2, "C"), "number is wanted"),
        ("Markets.price", None, Cell("Markets", 2, "C"), "cannot be left blank"),
        ("Markets.site", "*2", Cell("Markets", 2, "A"), "only be set"),
        ("Sites.hub", "+1", Cell("Sites", 2, "E"), "only be set"),
        ("Streams.amount_per_year", "*-1", Cell("Streams", 2, "D"), "below 0"),
        ("Streams.amount_per_year", "+-950", Cell("Streams", 4, "D"), "below 0"),
        ("Units.lifetime_years", "*1.01", Cell("Units", 2, "E"), "not a whole number"),
        ("Units.availability", "*2", Cell("Units", 2, ""), "above 1"),
        ("Markets.price", "*1e300", Cell("Markets", 2, "C"), "of a size between 1e-09 and 1e+15"),
        ("Markets.max_per_year[row=3]", "*2", Cell("Markets", 3, "D"), "set it with ="),
        ("Markets.min_per_year[row=2]", 500, Cell("Markets", 2, "D"), "below min_per_year"),
        ("Markets.site", "Twn", Cell("Markets", 2, "A"), "no site"),
        ("Sites.latitude[row=2]", None, Cell("Sites", 2, "C"), "no latitude"),
        ("Scenario.discount_rate", "=-1", Cell("Scenario", 3, "B"), "above -1"),
        ("Scenario.capital_charge", "yearly", Cell("Scenario", 4, "B"), "not one"),
    ],
)
def test_changes_that_are_refused(
    scenario: Scenario, address: str, edit: Edit, cell: Cell, said: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario.change({address: edit})
    problem = refused.value.problems[0]
    assert problem.cell == cell
    assert said in problem.message


@pytest.mark.parametrize(
    ("address", "cell"),
    [("Periods.years", Cell("Periods", 2, "B")), ("Units.lifetime_years", Cell("Units", 2, "E"))],
)
def test_a_change_after_which_money_counts_beyond_all_numbers(
    scenario: Scenario, address: str, cell: Cell
) -> None:
    with pytest.raises(ScenarioError, match="beyond all numbers") as refused:
        scenario.change({"Scenario.discount_rate": -0.9, address: 400})
    assert refused.value.problems[0].cell == cell


def test_a_change_that_no_plan_can_meet_is_a_scenario_all_the_same(scenario: Scenario) -> None:
    """So that a sweep can call the run infeasible."""
    changed = scenario.change({"Markets.min_per_year[site=Works]": 10_000})
    assert changed.frame("Markets")["min_per_year"].tolist() == [0, 0, 10_000]


def test_every_figure_of_the_file_has_an_address_of_its_own(scenario: Scenario) -> None:
    numbers = scenario_numbers(scenario)
    assert list(numbers.columns) == ["sheet", "row", "column", "value", "address"]
    assert not numbers["address"].duplicated().any()
    for number in numbers.itertuples(index=False):
        cells = find_cells(scenario.tables, parse_address(number.address))
        assert [(c.sheet, c.row) for c in cells] == [(number.sheet, number.row)]
        assert cells[0].column
    by_address = dict(zip(numbers["address"], numbers["value"], strict=True))
    assert by_address["Scenario.discount_rate"] == 0.1
    assert by_address["Streams.amount_per_year[site=Works, material=slag, period=]"] == 1000.5
    assert by_address["Streams.amount_per_year[site=Works, material=slag, period=2031]"] == 900
    assert by_address['Disposal.fee[site="Tip, old [north]"]'] == 5
    assert len(scenario_numbers(scenario, ["Units"])) == 2
    with pytest.raises(ScenarioError, match="no sheet"):
        scenario_numbers(scenario, ["Unit"])
    assert scenario_numbers(scenario, ["Budget"]).empty


ADDRESSES = list(scenario_numbers(scenario_of(book_of(GRIDS)))["address"])
FIGURES = st.sampled_from(["*0.5", "*1.5", "*0", "+1", "=0", "=1", "=0.5", "=-1", "=100"])


@settings(max_examples=8)
@given(address=st.sampled_from(ADDRESSES), edit=FIGURES)
def test_the_quick_way_agrees_with_reading_everything_again(address: str, edit: str) -> None:
    """Changing figures in the typed tables gives what the changed book reads as."""
    scenario = scenario_of(book_of(GRIDS))
    try:
        changed = scenario.change({address: edit})
    except ScenarioError as refused:
        assert refused.problems[0].severity == "error"
        return
    problems, again = check_book(changed.book)
    assert again is not None, problems
    assert again.settings == changed.settings
    for sheet in SHEETS:
        pd.testing.assert_frame_equal(again.frame(sheet.name), changed.frame(sheet.name))


def test_speed_of_a_change(scenario: Scenario) -> None:
    scenario.change({"Markets.price": "*1.1"})
    start = process_time()
    for _ in range(5):
        scenario.change({"Markets.price": "*1.1"})
    assert (process_time() - start) / 5 < 0.5


# --------------------------------------------------------------------------- what is derived


@python_strings()
def test_what_is_derived_is_that_of_the_changed_figures() -> None:
    """What a changed scenario has taken over is what it would work out itself."""
    known = read("scenarios/kuzbass")  # other tests may have derived from it what they needed
    scenario = Scenario(known.settings, known.periods, known.tables, known.book)
    derive(scenario)
    figures = scenario_numbers(scenario).query("value != 0")
    figures = figures.drop_duplicates(["sheet", "column"])
    assert len(figures) > 40
    for sheet, addresses in figures.groupby("sheet")["address"]:
        changed = scenario.change({address: fitting(scenario, address) for address in addresses})
        assert set(vars(changed)) & DERIVED
        fresh = Scenario(changed.settings, changed.periods, changed.tables, changed.book)
        for (name, mine), (_, own) in zip(derive(changed), derive(fresh), strict=True):
            if isinstance(own, pd.DataFrame):
                pd.testing.assert_frame_equal(mine, own, obj=f"{name} after {sheet}")
            else:
                assert mine == own, f"{name} after {sheet}"


def fitting(scenario: Scenario, address: str) -> str:
    """An edit of a figure that its rules let pass."""
    for edit in ("*1.001", "*0.999", "+1", "-1"):
        try:
            scenario.change({address: edit})
        except ScenarioError:
            continue
        return edit
    pytest.fail(f"{address} cannot be changed")


DERIVED = {name for name, v in vars(Scenario).items() if isinstance(v, cached_property)}


def derive(scenario: Scenario) -> list[tuple[str, object]]:
    """All that is derived from a scenario's sheets, tables apart."""
    found: list[tuple[str, object]] = []
    for name in sorted(DERIVED - {"_in_force", "_items"}):
        value = getattr(scenario, name)
        of = [f.name for f in fields(value)] if is_dataclass(value) else []
        parts = {part: getattr(value, part) for part in of} or {"": value}
        found += [(f"{name} {part}", own) for part, own in parts.items()]
    for sheet in SHEETS:
        if sheet.name != "Scenario":
            found.append((f"{sheet.name} in codes", scenario.items(sheet.name)))
        if sheet.periodic or sheet.name in ("UnitPeriods", "Budget"):
            found.append((f"{sheet.name} in force", scenario.in_force(sheet.name)))
    return found
