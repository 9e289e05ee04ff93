"""Scenario files: a workbook or a folder of CSV files, read and written by path.

    path -> read_book -> Book          Book -> write_book -> path

A file that cannot be read or written is a `ScenarioError` with one plain sentence; nothing that
stands in a file leads to another exception. Files are written to a temporary name beside the
target and renamed, so that a stopped run leaves the old file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from circflow.data.scenario import ScenarioError
from circflow.data.schema import SHEETS, Sheet
from circflow.data.table import Book, Cell, Problem, RawSheet

if TYPE_CHECKING:
    from circflow.data.template import Manual

MAX_FILE_BYTES = 512 * 2**20
"""Largest file, and largest sum of a file's unpacked parts, that is read."""
MAX_GRID_CELLS = 30_000_000
"""Most cells of one sheet, blank ones included, from A1 to its last value."""

_OTHER_FORMATS = {
    *(".xls", ".xlsm", ".xlsb", ".xltx", ".ods", ".csv", ".tsv", ".txt"),
    *(".json", ".zip", ".pdf", ".html", ".doc", ".docx"),
}


def file_error(message: str, origin: str = "", cell: Cell | None = None) -> ScenarioError:
    """An error about a file as a whole, or about one sheet or cell of it."""
    return ScenarioError([Problem("error", cell or Cell("", 0), message)], origin)


def read_book(path: str | os.PathLike[str]) -> Book:
    """Read a workbook (.xlsx, .xlsm) or a folder of CSV files.

    Raises `ScenarioError` with one problem if there is no such file or it cannot be read.
    """
    path = Path(path)
    with _reading(path):
        if path.is_dir():
            from circflow.data.folder import read_folder

            return read_folder(path)
        if not path.exists():
            raise file_error(f"there is no file or folder {str(path)!r}", path.name)
        if not path.is_file():
            raise file_error("this is neither a file nor a folder", path.name)
        if path.suffix.lower() == ".csv":
            message = "a single CSV file is one sheet: give the folder that holds all of them"
            raise file_error(message, path.name)
        from circflow.data.workbook import read_workbook

        return read_workbook(path)


def write_book(book: Book, path: str | os.PathLike[str], manual: Manual | None = None) -> None:
    """Write a workbook (a path that ends in .xlsx) or a folder of CSV files (any other path).

    The manual tells what the workbook says of its columns; without one it is a scenario. Sheets
    are written in the order of the schema, the planner's own ones after them. Raises
    `ScenarioError` if the path cannot be written or the format cannot hold a cell.
    """
    path = Path(path)
    with _writing(path):
        if path.suffix.lower() == ".xlsx" and not path.is_dir():
            from circflow.data.workbook import write_workbook

            write_workbook(book, path, manual)
            return
        if path.suffix.lower() in _OTHER_FORMATS and not path.is_dir():
            message = f"{path.suffix} files are not written: give a name that ends in .xlsx"
            raise file_error(f"{message}, or a folder", path.name)
        from circflow.data.folder import write_folder

        write_folder(book, path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        message = "the file may not be read: ask for permission, or close it in Excel"
        raise file_error(message, path.name) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise file_error(f"the file cannot be read: {_reason(error)}", path.name) from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        message = "the file may not be written: close it in Excel, or choose another place"
        raise file_error(message, path.name) from error
    except FileNotFoundError as error:
        raise file_error(
            f"there is no folder {str(path.parent)!r} to write to", path.name
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise file_error(f"the file cannot be written: {_reason(error)}", path.name) from error


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


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
            message = f"there are two sheets called {other!r} and {sheet.name!r}: rename one"
            raise file_error(message, book.origin, Cell(sheet.name, 0))
        seen[sheet.name.casefold()] = sheet.name


def is_blank(value: object) -> bool:
    """Whether a cell holds nothing: None, or only white space."""
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


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


def column_letter(index: int) -> str:
    """The letters of a column, counted from 0: A, B, …, Z, AA, …"""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
