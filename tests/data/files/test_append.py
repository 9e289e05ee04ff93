"""Rows added to a book: where they go, and that the book stays what it was."""

from __future__ import annotations

from circflow.data.files.append import with_rows
from circflow.data.table import Book, RawSheet

MARKETS = RawSheet(
    "Markets",
    [["site", "price"], ["Town", 3.0]],
    title="Рынки",
    headers={"site": "место", "price": "цена"},
    language="ru",
)


def test_rows_go_below_those_of_the_sheet_and_new_columns_behind_the_others() -> None:
    rows = [{"price": 4.0, "export": True}, {"site": "Port", "price": ""}]
    (sheet,) = with_rows(Book((MARKETS,)), {"Markets": rows}).sheets
    assert sheet.grid[0] == ["site", "price", "export"]
    assert sheet.grid[1] == ["Town", 3.0]
    assert [[*row, None, None][:3] for row in sheet.grid[2:]] == [
        [None, 4.0, "yes"],
        ["Port", None, None],
    ]
    assert MARKETS.grid == [["site", "price"], ["Town", 3.0]]


def test_a_sheet_that_the_book_lacks_is_added_and_cells_of_csv_files_are_text() -> None:
    book = with_rows(Book((MARKETS,), typed=False), {"Budget": [{"budget_million": 7.5}]})
    assert [sheet.name for sheet in book.sheets] == ["Markets", "Budget"]
    assert book.sheets[1].grid == [["budget_million"], ["7.5"]]


def test_a_sheet_keeps_the_names_that_it_has_in_the_file() -> None:
    (sheet,) = with_rows(Book((MARKETS,)), {"Markets": [{"site": "Port"}]}).sheets
    assert (sheet.title, sheet.headers, sheet.language) == ("Рынки", MARKETS.headers, "ru")
