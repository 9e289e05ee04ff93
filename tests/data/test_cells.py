"""Cells as the contract reads them."""

from __future__ import annotations

import math
from datetime import date, datetime, time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circflow.data.cells import (
    BadCellError,
    is_blank,
    parse_cell,
    parse_column,
    parse_flag,
    parse_integer,
    parse_name,
    parse_number,
    parse_text,
    split_names,
)
from circflow.data.schema.sheets import BY_NAME, Column
from circflow.data.suggest import difference, nearest
from circflow.data.table import CellFault


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1 234,5", 1234.5),
        ("1 234.5", 1234.5),
        ("1\u00a0234\u202f567,25", 1234567.25),
        ("12\u2009345", 12345.0),
        ("0,1", 0.1),
        (",5", 0.5),
        ("5.", 5.0),
        (" -7,5 ", -7.5),
        ("\u22123", -3.0),
        ("+2", 2.0),
        ("1e3", 1000.0),
        ("1,5E-3", 0.0015),
        ("1234567", 1234567.0),
        (7, 7.0),
        (7.25, 7.25),
        ("", None),
        (" \u00a0 ", None),
        (None, None),
    ],
)
def test_numbers_that_can_be_read(value: object, expected: float | None) -> None:
    assert parse_number(value) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1,234.5", "thousands"),
        ("1.234.567", "thousands"),
        ("10 %", "percent"),
        ("10%", "percent"),
        ("1 23", "spaces"),
        ("12 3456", "spaces"),
        ("- 5", "not a number"),
        ("inf", "unlimited"),
        ("nan", "blank"),
        ("н/д", "blank"),
        ("—", "blank"),
        ("> 5", "one figure"),
        ("5 t", "units"),
        ("1_000", "units"),
        ("1Е5", "units"),  # a Cyrillic Е
        ("٣", "not a number"),
        ("five", "not a number"),
        (".", "not a number"),
        ("e5", "not a number"),
        ("1e999", "finite"),
        (math.inf, "finite"),
        (math.nan, "finite"),
        (10**400, "finite"),
        (True, "TRUE"),
        (date(2026, 1, 2), "date"),
        (datetime(2026, 1, 2), "date"),
        (time(1, 2), "date"),
        (CellFault("#N/A", "error"), "#N/A"),
        (CellFault("=A1+1", "formula"), "open the file in Excel and save it"),
        (CellFault("", "merged"), "unmerge"),
    ],
)
def test_numbers_that_cannot_be_read(value: object, said: str) -> None:
    with pytest.raises(BadCellError, match=said):
        parse_number(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  slag \u00a0", "slag"),
        ("шлак доменный", "шлак доменный"),
        (2026, "2026"),
        (2026.0, "2026"),
        ("2026.0", "2026.0"),
        ("1", "1"),
        (None, None),
        ("\t", None),
        ("=cmd()", "=cmd()"),
    ],
)
def test_names(value: object, expected: str | None) -> None:
    assert parse_name(value) == expected


@pytest.mark.parametrize("value", [2.5, True, date(2026, 1, 1), CellFault("#REF!", "error")])
def test_names_that_cannot_be_read(value: object) -> None:
    with pytest.raises(BadCellError):
        parse_name(value)


@pytest.mark.parametrize("value", ["yes", "YES", "Да", "true", "TRUE", "1", 1, 1.0, True, " да "])
def test_yes(value: object) -> None:
    assert parse_flag(value) is True


@pytest.mark.parametrize("value", ["no", "No", "нет", "НЕТ", "false", "0", 0, 0.0, False])
def test_no(value: object) -> None:
    assert parse_flag(value) is False


@pytest.mark.parametrize("value", ["y", "ja", 2, 0.5, "yess", date(2026, 1, 1)])
def test_neither_yes_nor_no(value: object) -> None:
    with pytest.raises(BadCellError):
        parse_flag(value)


def test_whole_numbers() -> None:
    assert parse_integer("1 000") == 1000
    assert parse_integer(15.0) == 15
    with pytest.raises(BadCellError, match="whole"):
        parse_integer(1.5)


def test_text_keeps_figures_exact() -> None:
    assert parse_text(0.1 + 0.2) == "0.30000000000000004"
    assert parse_text(2026.0) == "2026"
    assert parse_text(date(2026, 1, 2)) == "2026-01-02"
    assert parse_text(" a ") == "a"


def test_a_choice_says_the_nearest() -> None:
    role = BY_NAME["Recipes"]["role"]
    assert parse_cell(" input ", role) == "input"
    with pytest.raises(BadCellError) as problem:
        parse_cell("Input", role)
    assert problem.value.suggestion == "input"


@pytest.mark.parametrize(
    ("sheet", "column", "bad", "good"),
    [
        ("Units", "capacity_per_year", -1, 0),
        ("Units", "availability", 0, 1),
        ("Units", "availability", 1.01, 0.5),
        ("Units", "min_load", -0.1, 0),
        ("Units", "lifetime_years", 0, 1),
        ("Links", "loss", 1, 0.99),
        ("Recipes", "weight", 0, 0.1),
        ("RecipeCosts", "capacity_use", 0, 2),
        ("SynergyPartners", "ratio", 0, 2),
        ("EmissionLimits", "penalty", -1, 0),
        ("Synergies", "value", -1, 0),
        ("Sites", "latitude", 91, -90),
        ("Materials", "hazard_class", 6, 5),
        ("Periods", "years", 0, 1),
    ],
)
def test_limits_of_numbers(sheet: str, column: str, bad: float, good: float) -> None:
    schema = BY_NAME[sheet][column]
    assert parse_cell(good, schema) == good
    assert parse_column([good, None], schema).bad == {}
    with pytest.raises(BadCellError, match=column):
        parse_cell(bad, schema)
    assert list(parse_column([good, bad], schema).bad) == [1]
    assert list(parse_column([good, str(bad)], schema).bad) == [1]


@pytest.mark.parametrize(
    ("sheet", "column"),
    [
        ("Markets", "price"),
        ("Streams", "cost"),
        ("Disposal", "fee"),
        ("EmissionFactors", "factor"),
        ("EmissionLimits", "limit_per_year"),
        ("Markets", "premium"),
        ("Units", "fixed_cost_million_per_year"),
    ],
)
def test_money_and_emissions_may_be_negative(sheet: str, column: str) -> None:
    assert parse_cell(-5, BY_NAME[sheet][column]) == -5


def test_a_column_fills_in_defaults_and_keeps_blanks_apart() -> None:
    availability = BY_NAME["Units"]["availability"]
    parsed = parse_column([None, "0,5", "x", 0.25, "  "], availability)
    assert parsed.values[[0, 1, 3, 4]].tolist() == [1.0, 0.5, 0.25, 1.0]
    assert math.isnan(float(parsed.values[2]))
    assert list(parsed.bad) == [2]
    assert parsed.blank.tolist() == [True, False, False, False, True]
    flags = parse_column([None, "да", 1, True, "0"], BY_NAME["Streams"]["must_handle"])
    assert flags.values.dtype == bool
    assert flags.values.tolist() == [True, True, True, True, False]
    names = parse_column([None, 1, 1.0, "a "], BY_NAME["Recipes"]["recipe"])
    assert names.values.tolist() == ["main", "1", "1", "a"]


def test_one_true_and_1_are_three_values() -> None:
    parsed = parse_column([1, True, 1.0], BY_NAME["Markets"]["price"])
    assert list(parsed.bad) == [1]
    assert parsed.values[[0, 2]].tolist() == [1.0, 1.0]


CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.sampled_from(["1 234,5", "да", "none", "#N/A", CellFault("#N/A", "error")]),
)
COLUMNS = st.sampled_from([c for sheet in BY_NAME.values() for c in sheet.columns])


@given(st.lists(CELLS, max_size=8), COLUMNS)
def test_a_column_is_its_cells(values: list[object], column: Column) -> None:
    """The fast path reads what `parse_cell` reads, and refuses what it refuses."""
    parsed = parse_column(values, column)
    for position, value in enumerate(values):
        try:
            expected = parse_cell(value, column)
        except BadCellError:
            assert position in parsed.bad
            continue
        assert position not in parsed.bad
        assert bool(parsed.blank[position]) == (expected is None)
        if expected is None:
            expected = column.default
        found = parsed.values[position]
        if expected is None:
            assert found is None or (isinstance(found, float) and math.isnan(found)) or not found
        else:
            assert found == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_written_numbers_come_back(number: float) -> None:
    assert parse_number(repr(number)) == number
    assert parse_number(repr(number).replace(".", ",")) == number


@given(st.integers(0, 10**15))
def test_thousands_come_back(number: int) -> None:
    for space in (" ", "\u00a0", "\u2009", "\u202f"):
        assert parse_number(f"{number:,}".replace(",", space)) == number


def test_blanks_and_lists() -> None:
    assert is_blank(None) and is_blank("\u00a0 ") and not is_blank(0) and not is_blank("x")
    assert split_names(" rail , road,") == ("rail", "road")
    assert split_names(None) == ()


def test_speed_of_a_long_column() -> None:
    from time import process_time

    numbers: list[object] = [float(n) for n in range(60_000)]
    names: list[object] = [f"site {n % 500}" for n in range(60_000)]
    start = process_time()
    assert not parse_column(numbers, BY_NAME["Markets"]["price"]).bad
    assert not parse_column(names, BY_NAME["Markets"]["site"]).bad
    assert process_time() - start < 0.5


@pytest.mark.parametrize(
    ("found", "good", "said"),
    [
        ("Сlag", "Clag", "Cyrillic"),
        ("slag  mill", "slag mill", "spaces"),
        ("slag\u200b", "slag", "invisible"),
        ("SLAG", "slag", "capital"),
    ],
)
def test_differences_that_the_eye_misses(found: str, good: str, said: str) -> None:
    assert nearest(found, [good, "other"]) == good
    assert said in difference(found, good)


def test_the_nearest_name() -> None:
    names = ["Nizhny Tagil", "Serov", "Reftinskaya GRES"]
    assert nearest("Nizhnij Tagil", names) == "Nizhny Tagil"
    assert nearest("Reftinskaja", names) == "Reftinskaya GRES"
    assert nearest("xyz", names) == ""
    assert nearest("x" * 40_000, names) == ""
    assert nearest("amount", ["amount_per_year", "cost"]) == "amount_per_year"
    assert np.all([nearest(n, names) == n for n in names])
