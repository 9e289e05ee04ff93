"""What readers and writers of books share: errors of files, limits, grids of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from circflow.data.cells import is_blank
from circflow.data.scenario import ScenarioError
from circflow.data.schema.sheets import SHEETS, Sheet
from circflow.data.table import Book, Cell, Problem, RawSheet
from circflow.i18n import say

MAX_FILE_BYTES = 512 * 2**20
"""Largest file, and largest sum of a file's unpacked parts, that is read."""
MAX_GRID_CELLS = 30_000_000
"""Most cells of one sheet, blank ones included, from A1 to its last value."""


def file_error(
    message: str, origin: str = "", cell: Cell | None = None, **figures: Any
) -> ScenarioError:
    """An error about a file as a whole, or about one sheet or cell of it."""
    return ScenarioError([Problem("error", cell or Cell("", 0), say(message, **figures))], origin)


def in_order(book: Book, sheets: Sequence[Sheet] = SHEETS) -> list[RawSheet]:
    """A book's sheets: those of the schema in its order, then the others as they stand."""
    order = {sheet.name: n for n, sheet in enumerate(sheets)}
    return sorted(book.sheets, key=lambda sheet: order.get(sheet.name.strip(), len(order)))


def check_names_differ(book: Book) -> None:
    """Refuse two sheets that differ only by case: neither Excel nor every disk holds both."""
    seen: dict[str, str] = {}
    for sheet in book.sheets:
        other = seen.get(sheet.name.casefold())
        if other is not None:
            raise file_error(
                "there are two sheets called {other!r} and {name!r}: rename one",
                book.origin,
                Cell(sheet.name, 0),
                other=other,
                name=sheet.name,
            )
        seen[sheet.name.casefold()] = sheet.name


def trim(grid: list[list[object]]) -> list[list[object]]:
    """A grid without its trailing blank rows and columns, rows made equally long.

    White-space cells become None. Blank rows share one list, so rows are not to be changed.
    """
    height = width = 0
    for number, row in enumerate(grid, start=1):
        for column in range(len(row), 0, -1):
            if not is_blank(row[column - 1]):
                height, width = number, max(width, column)
                break
    blank: list[object] = [None] * width
    rows = []
    for row in grid[:height]:
        cells = [None if is_blank(value) else value for value in row[:width]]
        rows.append([*cells, *blank[len(cells) :]] if cells else blank)
    return rows


def column_at(header: Sequence[object], name: str) -> int | None:
    """The place of a column in a header row."""
    titles = (title.strip() if isinstance(title, str) else None for title in header)
    return next((at for at, title in enumerate(titles) if title == name), None)


def place_of(grid: list[list[object]], column: str) -> int:
    """The place of a column in a grid, which gets it behind the others where it lacks it."""
    header = grid[0] if grid else []
    at = column_at(header, column)
    if at is None:
        at = len(header)
        put(grid, 1, at, column)
    return at


def put(grid: list[list[object]], row: int, at: int, value: object) -> None:
    """Write a cell; rows that the grid lacks are added. The cell's row is written anew, for another
    book may hold it as well."""
    grid.extend([] for _ in range(row - len(grid)))
    cells = grid[row - 1]
    grid[row - 1] = [*cells[:at], *[None] * (at - len(cells)), value, *cells[at + 1 :]]


def column_letter(index: int) -> str:
    """The letters of a column, counted from 0: A, B, …, Z, AA, …"""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The place of a column, counted from 0, by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def lettered(
    letters: Mapping[str, str], column: str, grid: Sequence[Sequence[object]]
) -> dict[str, str]:
    """The letters of a sheet's columns, with a column that gets one behind the last where the
    sheet lacks it."""
    if column in letters:
        return dict(letters)
    taken = [*map(len, grid), *(column_number(letter) + 1 for letter in letters.values())]
    return {**letters, column: column_letter(max(taken, default=0))}
