"""A library read, checked and written: figures by hand, every mistake at its cell."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circflow as cf
from circflow.data.files.books import write_book
from circflow.data.scenario import ScenarioError
from circflow.data.table import Book, RawSheet
from circflow.library import Library, check_library, read_library
from circflow.library.balance import balances
from circflow.library.read import library_of
from circflow.library.words import description
from circflow.library.write import write_library


@pytest.fixture
def library(make_library: Callable[..., Book]) -> Library:
    return library_of(make_library())


def problems(book: Book) -> list[tuple[str, str]]:
    """Cell and message of every problem, warnings too."""
    try:
        found = library_of(book).warnings
    except ScenarioError as refused:
        found = refused.problems
    return [(str(p.cell), p.message) for p in found]


def test_frames_hold_the_sheets(library: Library) -> None:
    assert list(library.technologies["technology"]) == ["crushing", "burning"]
    assert list(library.technologies["availability"]) == [0.9, 0.9]
    assert list(library.materials["mass_t_per_unit"]) == [1, 1, 1, 0.5, 0]
    assert list(library.recipes["recipe"].unique()) == ["main", "slow"]
    assert library.costs.to_dict("records") == [
        {"technology": "crushing", "recipe": "main", "variable_cost": 2.0, "capacity_use": 1.0},
        {"technology": "burning", "recipe": "slow", "variable_cost": 7.0, "capacity_use": 1.0},
    ]
    assert library.technologies["source"].tolist() == ["A; B", "A"]
    assert library.warnings == ()


def test_names_in_both_languages(library: Library) -> None:
    assert library.material_names["slag"] == ("slag", "шлак", "steel slag")
    assert library.technology_names["crushing"] == (
        *("crushing", "Дробление шлака", "slag crushing", "steel slag plant"),
    )


def test_capex_by_the_exponent_and_on_the_line_between(library: Library) -> None:
    # 10 · (400/100)^0.5 = 20; half way between the sizes half way between 10 and 20
    assert library.capex("crushing", 100) == 10
    assert library.capex("crushing", 400) == pytest.approx(20)
    assert library.capex("crushing", 250) == pytest.approx(15)
    assert library.capex("crushing", 900) == pytest.approx(30)
    assert library.capex("burning", 100) == pytest.approx(14)  # two sizes: 8 + (20 − 8)/2
    assert library.capex("burning", 150) == 20
    with pytest.raises(KeyError):
        library.capex("grinding", 1)


def test_fixed_cost_goes_with_the_capex(library: Library) -> None:
    assert library.fixed_cost("crushing", 100) == pytest.approx(0.3)
    assert library.fixed_cost("crushing", 400) == pytest.approx(0.6)


def test_balance_counts_masses_and_named_losses(library: Library) -> None:
    # crushing: 1 t slag = 0.9 t stone + 0.1 t dust; burning: 1.2 + 0.3 = 2 m3 · 0.5 + 0.5
    found = balances(library.recipes, library.materials, library.balance)
    assert found.to_dict("records") == [
        {"technology": "crushing", "recipe": "main", "taken": 1.0, "made": 1.0},
        {"technology": "burning", "recipe": "slow", "taken": 1.5, "made": 1.5},
    ]


@pytest.mark.parametrize("name", ["own.xlsx", "own"])
def test_written_and_read_again_it_is_the_same(library: Library, tmp_path: Path, name: str) -> None:
    write_library(library, tmp_path / name)
    again = read_library(tmp_path / name)
    for frame in ("technologies", "materials", "recipes", "costs", "balance", "blend_limits"):
        assert getattr(again, frame).equals(getattr(library, frame)), frame


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "cell", "part"),
    [
        ("Technologies", 2, "sector", "ferous metallurgy", "Technologies!D2", "not one of"),
        ("Technologies", 2, "readiness", 10, "Technologies!K2", "is above 9"),
        ("Technologies", 2, "capacity_max_per_year", 50, "Technologies!F2", "is below"),
        ("Technologies", 3, "capex_max_million", 4, "Technologies!H3", "costs less"),
        ("Technologies", 2, "source", "A; C", "Technologies!O2", "no source 'C'"),
        ("Technologies", 3, "technology", "grilling", "Technologies!A3", "has no recipe"),
        ("Materials", 2, "waste_code", "1002", "Materials!G2", "'1002' is no such code"),
        ("Materials", 2, "fkko", "3 51 x", "Materials!H2", "'3 51 x' is no such code"),
        ("Materials", 4, "currency", None, "Materials!K4", "the price has no currency"),
        ("Recipes", 5, "material", "stoen", "Recipes!D5", "no material 'stoen'"),
        ("Recipes", 5, "amount", 1.4, "Recipes!E2", "is open: 1 t go in, 1.5 t come out"),
        ("Recipes", 3, "amount", 2, "Recipes!E3", "disagree"),
        ("Balance", 2, "technology", "-", "Balance!A2", "no technology '-' in Recipes"),
        ("Balance", 3, "recipe", "fast", "Balance!B3", "has no recipe 'fast'"),
        ("EmissionFactors", 2, "key", "burning/fast", "EmissionFactors!B2", "'burning/fast'"),
        ("EmissionFactors", 2, "kind", "transport", "EmissionFactors!A2", "not one of"),
        ("BlendLimits", 2, "min", 50, "BlendLimits!E2", "no mix can reach"),
    ],
)
def test_mistakes_are_named_at_their_cell(  # noqa: PLR0913, PLR0917
    make_library: Callable[..., Book],
    changed_cell: Callable[..., dict[str, list[list[object]]]],
    sheet: str,
    row: int,
    column: str,
    value: object,
    cell: str,
    part: str,
) -> None:
    found = problems(make_library(**changed_cell(sheet, row, column, value)))
    assert any(where == cell and part in message for where, message in found), found


def test_what_no_mix_can_meet_is_a_doubt(
    make_library: Callable[..., Book],
    changed_cell: Callable[..., dict[str, list[list[object]]]],
) -> None:
    library = library_of(make_library(**changed_cell("BlendLimits", 2, "min", 50)))
    assert [p.infeasible for p in library.warnings] == [True]


def test_a_missing_sheet_is_named(make_library: Callable[..., Book]) -> None:
    assert ("Technologies", "the sheet Technologies is missing") in [
        (cell, message.partition(":")[0])
        for cell, message in problems(make_library(Technologies=None))
    ]


def test_an_unknown_column_is_refused_and_a_note_is_not(make_library: Callable[..., Book]) -> None:
    sources = [["id", "reference", "note", "colour"], ["A", "a", "n", "c"], ["B", "b", None, None]]
    [(cell, message)] = problems(make_library(Sources=sources))
    assert cell == "Sources!D1"
    assert "no column called 'colour'" in message


def test_says_what_it_is_and_pickles(library: Library) -> None:
    assert repr(library) == "<Library: own: 2 technologies, 5 materials>"
    again = pickle.loads(pickle.dumps(library))
    assert again.recipes.equals(library.recipes)
    with pytest.raises(cf.ArgumentError, match="path must be the name of a file or folder, not 5"):
        cf.read_library(5)  # type: ignore[arg-type]


def test_a_file_that_is_none_is_a_problem(
    tmp_path: Path, make_library: Callable[..., Book]
) -> None:
    assert "there is no file" in check_library(tmp_path / "none.xlsx")[0].message
    write_book(make_library(), tmp_path / "own")
    assert check_library(tmp_path / "own") == []


def test_a_recipe_whose_name_cannot_be_read_may_be_the_one_that_is_meant(
    make_library: Callable[..., Book],
    changed_cell: Callable[..., dict[str, list[list[object]]]],
) -> None:
    unread = changed_cell("Recipes", 2, "recipe", 0.5)
    named = changed_cell("RecipeCosts", 2, "recipe", "dry")
    assert [cell for cell, _ in problems(make_library(**unread, **named))] == ["Recipes!B2"]


@pytest.mark.parametrize("sheet", ["Balance", "RecipeCosts", "EmissionFactors", "BlendLimits"])
def test_a_sheet_may_be_left_out(make_library: Callable[..., Book], sheet: str) -> None:
    library = library_of(make_library(**{sheet: None}))
    assert list(library.technologies["technology"]) == ["crushing", "burning"]
    assert bool(library.warnings) == (sheet == "Balance")


JUNK = st.sampled_from(
    [None, "", "-", "нет", "1e400", "=1+1", "slag", "a;b", ";", -1, 0, 1e300, 0.5, True, "10 02 02"]
)


@given(st.data())
@settings(max_examples=100)
def test_nothing_in_a_file_leads_to_another_exception(
    sheets: dict[str, list[list[object]]], data: st.DataObject
) -> None:
    grids = {sheet: [list(line) for line in grid] for sheet, grid in sheets.items()}
    for _ in range(data.draw(st.integers(1, 4))):
        line = data.draw(st.sampled_from(grids[data.draw(st.sampled_from(list(grids)))]))
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(JUNK)
    try:
        library = library_of(Book(tuple(RawSheet(n, g) for n, g in grids.items())))
    except ScenarioError as refused:
        assert all(str(p.cell) for p in refused.problems)
        return
    for technology in library.technologies["technology"]:
        assert list(description(library, technology))
