"""A library of two technologies whose figures can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from circflow.data.table import Book, RawSheet

SHEETS: dict[str, list[list[object]]] = {
    "Technologies": [
        [
            *("technology", "name_ru", "synonyms", "sector", "capacity_per_year"),
            *("capacity_max_per_year", "capex_million", "capex_max_million", "size_exponent"),
            *("fixed_cost_million_per_year", "readiness", "currency", "price_year"),
            *("confidence", "source"),
        ],
        [
            *("crushing", "Дробление шлака", "slag crushing; steel slag plant"),
            *("ferrous metallurgy", 100, 400, 10, None, 0.5, 0.3, 9, "EUR", 2020),
            *("sourced", "A; B"),
        ],
        [
            *("burning", "Обжиг", None, "building materials", 50, 150, 8, 20, None, 1, 7),
            *("USD", 2023, "engineering", "A"),
        ],
    ],
    "Materials": [
        [
            *("material", "name_ru", "synonyms", "unit", "category", "stage", "waste_code"),
            *("fkko", "mass_t_per_unit", "price", "currency", "price_year"),
        ],
        ["slag", "шлак", "steel slag", "t", "waste", "metallurgy", "10 02 02", "3 51", *[None] * 4],
        ["dross", "дросс", None, None, "waste", "metallurgy", None, None, *[None] * 4],
        ["stone", "щебень", None, "t", "product", None, None, None, None, 5, "EUR", 2020],
        ["blocks", "блоки", None, "m3", "product", None, None, None, 0.5, *[None] * 3],
        ["power", "электроэнергия", None, "MWh", "energy", *[None] * 7],
    ],
    "Recipes": [
        ["technology", "recipe", "role", "material", "amount", "group", "weight"],
        ["crushing", None, "input", "slag", 1, "feed", 1],
        ["crushing", None, "input", "dross", 1, "feed", 0.5],
        ["crushing", None, "input", "power", 0.01, None, None],
        ["crushing", None, "output", "stone", 0.9, None, None],
        ["burning", "slow", "input", "slag", 1.2, None, None],
        ["burning", "slow", "output", "blocks", 2, None, None],
    ],
    "RecipeCosts": [
        ["technology", "recipe", "variable_cost"],
        ["crushing", None, 2],
        ["burning", "slow", 7],
    ],
    "Balance": [
        ["technology", "recipe", "role", "substance", "amount"],
        ["crushing", None, "loss", "dust", 0.1],
        ["burning", "slow", "input", "air", 0.3],
        ["burning", "slow", "loss", "gas", 0.5],
    ],
    "EmissionFactors": [
        ["kind", "key", "pollutant", "factor"],
        ["recipe", "burning/slow", "CO2", 0.4],
    ],
    "Properties": [
        ["material", "property", "value"],
        ["slag", "Fe", 20],
        ["dross", "Fe", 40],
    ],
    "BlendLimits": [
        ["technology", "recipe", "group", "property", "min"],
        ["crushing", None, "feed", "Fe", 25],
    ],
    "Sources": [["id", "reference"], ["A", "a book"], ["B", "a page"]],
}


@pytest.fixture(scope="session")
def sheets() -> dict[str, list[list[object]]]:
    """The sheets of the library above; not to be changed."""
    return SHEETS


@pytest.fixture
def make_library() -> Callable[..., Book]:
    """The book of the library above with sheets replaced, or left out where they are None."""

    def made(**changed: list[list[object]] | None) -> Book:
        every = {**SHEETS, **changed}
        return Book(tuple(RawSheet(n, g) for n, g in every.items() if g is not None), "own")

    return made


@pytest.fixture
def changed_cell() -> Callable[..., dict[str, list[list[object]]]]:
    """One sheet of the library above with one cell changed; row 1 is the header."""

    def changed(sheet: str, row: int, column: str, value: object) -> dict[str, list[list[object]]]:
        grid = [list(line) for line in SHEETS[sheet]]
        grid[row - 1][grid[0].index(column)] = value
        return {sheet: grid}

    return changed
