"""A scenario as a folder of CSV files, one per sheet: `Sites.csv`, `Materials.csv`, …

Written as UTF-8 with commas and line feeds, so that a scenario can be kept in git and compared
line by line; read with or without a byte order mark, and with semicolons or tabs as Excel writes
them where the comma is the decimal sign. Every cell is text (`Book.typed` is false).

Text that a spreadsheet would take for a formula is written with an apostrophe in front, which
reading takes off again, so that a folder opened in Excel runs nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

from circflow.data.cells import is_blank, shortest
from circflow.data.files.atomic import atomic_path
from circflow.data.files.grids import (
    MAX_FILE_BYTES,
    MAX_GRID_CELLS,
    check_names_differ,
    file_error,
    in_order,
    trim,
)
from circflow.data.schema.sheets import BY_NAME, SHEETS
from circflow.data.table import Book, Cell, CellFault, RawSheet
from circflow.i18n import say

MAX_SHEETS = 1000
"""Most CSV files that a folder may hold."""

_RISKY = re.compile(r"'*[=+\-@\t\r\n]")
"""Text that Excel may take for a formula, and such text behind apostrophes."""
_SHIELDED = re.compile(r"'+[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
_TO_QUOTE = re.compile(r'[",;\t\r\n]')
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f]|^\.|^~|[. ]$')


# --------------------------------------------------------------------------- reading


def read_folder(path: Path) -> Book:
    """Read every CSV file of a folder; sheets come in the order of the schema, then by name.

    Row numbers count the file's records (the header is 1; a cell with line breaks is one record).
    Raises `ScenarioError` if there is no CSV file, one is not UTF-8, or its quotes do not match.
    """
    files = [file for file in _csv_files(path) if file.is_file()]
    if not files:
        raise file_error(
            "the folder holds no CSV files: it needs Scenario.csv, Sites.csv and so on", path.name
        )
    if len(files) > MAX_SHEETS:
        raise file_error(
            "the folder holds more than {max_sheets} CSV files", path.name, max_sheets=MAX_SHEETS
        )
    if sum(file.stat().st_size for file in files) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise file_error(
            "the folder's CSV files are larger than {limit} MB in all", path.name, limit=limit
        )
    order = {sheet.name: n for n, sheet in enumerate(SHEETS)}
    sheets = [_read_sheet(file, path.name) for file in files]
    sheets.sort(key=lambda sheet: order.get(sheet.name, len(order)))
    return Book(tuple(sheets), path.name, typed=False)


def _read_sheet(file: Path, origin: str) -> RawSheet:
    where = Cell(file.name.encode("utf-8", "replace").decode(), 0)
    data = b""
    try:
        file.name.encode("utf-8")
        name = unquote(file.stem, errors="strict")
        data = file.read_bytes()
        text = _without_separator(data.decode("utf-8-sig"))
    except UnicodeError as error:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        what = say("UTF-16 ('Unicode Text' of Excel)") if wide else say("not UTF-8")
        raise file_error(
            "the file is {what}: save it as 'CSV UTF-8' (in Excel: Save As)",
            origin,
            where,
            what=what,
        ) from error
    except PermissionError as error:
        raise file_error(
            "the file may not be read: ask for permission, or close it in Excel", origin, where
        ) from error
    if "\0" in text:
        raise file_error(
            "the file is not text: save it as 'CSV UTF-8' (in Excel: Save As)", origin, where
        )
    grid: list[list[object]] = []
    size = 0
    try:
        lines = io.StringIO(text, newline="")
        for record in csv.reader(lines, delimiter=_delimiter(text, name), strict=True):
            size += len(record)
            if size > MAX_GRID_CELLS:
                raise file_error("the file holds too many cells", origin, where)
            grid.append([_unshielded(cell) for cell in record])
    except csv.Error as error:
        cell = Cell(name, len(grid) + 1)
        raise file_error(
            "this record cannot be read: a quotation mark is not closed, or stands inside a cell "
            "without being doubled",
            origin,
            cell,
        ) from error
    return RawSheet(name, trim(grid))


def _without_separator(text: str) -> str:
    """The text without Excel's own first line `sep=;`, which it does not show as a row."""
    return re.sub(r'\A"?sep=[,;\t]"?(?:\r\n|\r|\n)', "", text, flags=re.IGNORECASE)


def _delimiter(text: str, sheet: str) -> str:
    """The sign between cells: the one that finds most known columns in the first record."""
    known = set(BY_NAME[sheet].names) if sheet in BY_NAME else set()

    def score(sign: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=sign), [])
        except csv.Error:
            return (-1, 0)
        return (len(known.intersection(cell.strip() for cell in cells)), len(cells))

    return max((",", ";", "\t"), key=score)  # of equals the first


def _unshielded(cell: str) -> str | None:
    if is_blank(cell):
        return None
    return cell[1:] if cell[0] == "'" and _SHIELDED.match(cell) else cell


# --------------------------------------------------------------------------- writing


def write_folder(book: Book, path: Path) -> None:
    """Write one CSV file per sheet into a folder, made if need be (not its parents).

    None is an empty cell, numbers are the shortest text that reads back the same, flags yes or
    no, dates ISO, a `CellFault` its text. No file is ever deleted: raises `ScenarioError` if the
    folder holds other CSV files, which would be read as sheets; `OSError` if it cannot be written.
    """
    check_names_differ(book)
    targets = {file_name(sheet.name): sheet for sheet in in_order(book)}
    if path.exists() and not path.is_dir():
        raise file_error(
            "there is a file of this name: give another, or one that ends in .xlsx", path.name
        )
    kept = {target.casefold() for target in targets}
    new = not path.exists()
    others = [] if new else [f.name for f in _csv_files(path) if f.name.casefold() not in kept]
    if others:
        raise file_error(
            "the folder holds {others!r}, which is no sheet of this scenario: delete it, or "
            "choose another folder",
            path.name,
            others=others[0],
        )
    path.mkdir(exist_ok=True)
    try:
        with ExitStack() as stack:  # every file is complete before the first takes its name
            for target, sheet in targets.items():
                temporary = stack.enter_context(atomic_path(path / target))
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(_records(sheet))
    except OSError:
        if new and not any(path.iterdir()):
            path.rmdir()
        raise


def _csv_files(path: Path) -> list[Path]:
    """The CSV files of a folder by name, hidden and temporary ones apart."""
    return sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() == ".csv" and not file.name.startswith((".", "~"))
    )


def _records(sheet: RawSheet) -> Iterator[str]:
    """The lines of a file. The csv module is not used to write: it leaves a semicolon, a tab or
    a lone carriage return unquoted, and reading could then take one for the delimiter."""
    for number, row in enumerate(sheet.grid):
        cells = [csv_text(value) for value in row]
        mark = "\ufeff" if not number and cells and cells[0].startswith("\ufeff") else ""
        yield mark + (",".join(map(_quoted, cells)) if any(cells) else "," * (len(cells) - 1))
        yield "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _TO_QUOTE.search(text) else text


def file_name(sheet: str) -> str:
    """The name of a sheet's file; characters that a disk may refuse become %XX."""

    def code(match: re.Match[str]) -> str:
        return f"%{ord(match[0]):02X}"

    return _NOT_IN_FILE_NAMES.sub(code, sheet) + ".csv"


def csv_text(value: object) -> str:
    """A cell as it stands in a CSV file."""
    if value is None or isinstance(value, float):
        return "" if value is None or math.isnan(value) else shortest(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    text = value.text if isinstance(value, CellFault) else str(value)
    return f"'{text}" if _RISKY.match(text) and not _NUMBER.fullmatch(text) else text
