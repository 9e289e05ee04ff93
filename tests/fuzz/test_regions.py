"""Random regions: valid, of every sheet, of figures within the sizes that are solved right."""

from __future__ import annotations

from random import Random

from circflow.data.check import check_book
from circflow.data.schema.sheets import SHEETS
from circflow.fuzz.regions import ANY, LEAST, MOST, ORDINARY, book_of, region

UNREAD_BY_SOLVE = {
    *("Studies", "Ranges", "Sources", "Futures", "FutureChanges", "Indicators", "Taxes"),
    *("PropertyKinds", "Losses"),
}


def test_every_sheet_that_the_plan_depends_on_is_used() -> None:
    used = {name for n in range(40) for name in region(Random(n))}
    assert used == {sheet.name for sheet in SHEETS} - UNREAD_BY_SOLVE


def test_every_region_is_valid() -> None:
    for number in range(6):
        problems, scenario = check_book(book_of(region(Random(number), ANY)))
        assert scenario is not None, problems


def test_figures_keep_to_the_sizes_that_are_solved_right() -> None:
    for number in range(20):
        for rows in region(Random(number), ANY).values():
            for row in rows:
                for value in row.values():
                    if isinstance(value, float) and value:
                        assert LEAST / 100.0 <= abs(value) <= MOST


def test_figures_of_a_size_of_their_own_span_the_whole_range() -> None:
    figures = [
        abs(float(row["amount_per_year"]))
        for number in range(60)
        for row in region(Random(number), ANY)["Streams"]
        if row["amount_per_year"]
    ]
    assert min(figures) < 1e-6 and max(figures) > 1e12


def test_one_seed_is_one_region() -> None:
    assert region(Random("0/7"), ORDINARY) == region(Random("0/7"), ORDINARY)
