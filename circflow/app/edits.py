"""Edits of cells: a book with them, and the planner's own file with them.

An edit names a cell by its sheet, row and column name, so that it holds in a workbook that lacks
the column or the sheet as well: these are added. Rows are never moved: a row is deleted by clearing
its cells.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from circflow.data.cells import BadCellError, parse_number
from circflow.data.files.atomic import atomic_path
from circflow.data.files.books import write_book
from circflow.data.files.grids import column_at, file_error, place_of, put
from circflow.data.files.patch import UnusualError, patch
from circflow.data.schema.sheets import BY_NAME
from circflow.data.table import Book, RawSheet

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Edit:
    """A cell's new value; `row` 1 is the header, `step` what is undone together."""

    sheet: str
    row: int
    column: str
    value: Value
    step: int = 0


def typed(sheet: str, column: str, text: str) -> Value:
    """What is typed into a cell: a number in a column of numbers, where it is one."""
    text = text.strip()
    if not text:
        return None
    if sheet in BY_NAME and column in BY_NAME[sheet] and BY_NAME[sheet][column].is_number:
        try:
            number = parse_number(text)
        except BadCellError:
            return text  # the check says what is wrong with it, at its cell
        if number is not None:
            return int(number) if number == int(number) and abs(number) < 1e15 else number
    return text


def edited(book: Book, edits: Iterable[Edit]) -> Book:
    """The book with the edits."""
    sheets = {sheet.name.strip(): sheet for sheet in book.sheets}
    grids: dict[str, list[list[object]]] = {}
    for edit in edits:
        name = edit.sheet
        if name not in sheets:
            header: list[object] = list(BY_NAME[name].names) if name in BY_NAME else []
            sheets[name] = RawSheet(name, [header])
        grid = grids.setdefault(name, list(sheets[name].grid))
        put(grid, edit.row, place_of(grid, edit.column), edit.value)
    changed = {name: replace(sheets[name], grid=grid) for name, grid in grids.items()}
    return replace(book, sheets=tuple({**sheets, **changed}.values()))


def save(source: Path, target: Path, edits: Sequence[Edit], loaded: Book) -> None:
    """Write the edits into a copy of the planner's own workbook, whole or not at all.

    Formats, formulas in other cells, notes, charts and unknown sheets stay. `loaded` is
    the workbook as it was read: a CSV folder, or a file that cannot be opened for writing, is
    written anew from its values. Raises `ScenarioError`.
    """
    book = edited(loaded, edits)
    if source.is_dir() or target.suffix.lower() not in (".xlsx", ".xlsm"):
        write_book(book, target)
        return
    try:
        try:
            patch(source, target, _numbered(edits, loaded, book))
        except UnusualError:
            _save_by_library(source, target, edits, book, loaded)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise file_error(
            "the file cannot be written: {reason}", target.name, reason=reason
        ) from error


def _numbered(
    edits: Sequence[Edit], loaded: Book, book: Book
) -> dict[str, dict[tuple[int, int], Value]]:
    """The edits by sheet, row and number of the column; headers that are new among them."""
    headers = {s.name.strip(): s.grid[0] if s.grid else [] for s in book.sheets}
    widths = {s.name.strip(): len(s.grid[0]) if s.grid else 0 for s in loaded.sheets}
    titles = {s.name.strip(): s.title for s in loaded.sheets if s.title}
    by_sheet: dict[str, dict[tuple[int, int], Value]] = {}
    for edit in edits:
        at = column_at(headers[edit.sheet], edit.column)
        assert at is not None, "the book has the edits"
        cells = by_sheet.setdefault(titles.get(edit.sheet, edit.sheet), {})
        cells[edit.row, at + 1] = edit.value
        if at >= widths.get(edit.sheet, 0):
            cells[1, at + 1] = edit.column
    return by_sheet


def _save_by_library(
    source: Path, target: Path, edits: Sequence[Edit], book: Book, loaded: Book
) -> None:
    """The same through openpyxl, which keeps less; the values alone where it cannot either."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            opened = load_workbook(source, keep_vba=target.suffix.lower() == ".xlsm")
        except Exception:  # whatever it stumbles over: our own reader has read the values
            write_book(book, target)
            return
        titles = {sheet.title.strip(): sheet for sheet in opened.worksheets}
        raw = {s.name.strip(): s for s in loaded.sheets}
        for edit in edits:
            known = raw.get(edit.sheet, RawSheet(edit.sheet, []))
            sheet = titles.get(known.title or edit.sheet)
            if sheet is None:
                sheet = titles[edit.sheet] = opened.create_sheet(edit.sheet)
                for n, column in enumerate(BY_NAME[edit.sheet].names, start=1):
                    sheet.cell(1, n, column)
            _write_cell(sheet, edit, known.headers.get(edit.column, edit.column))
        with atomic_path(target) as temporary:
            opened.save(temporary)


def _write_cell(sheet: Any, edit: Edit, title: str) -> None:
    header = [cell.value for cell in sheet[1]]
    at = column_at(header, title)
    if at is None:
        at = len(header)
        sheet.cell(1, at + 1, title)
    cell = sheet.cell(edit.row, at + 1)
    cell.value = edit.value
    if isinstance(edit.value, str):
        cell.data_type = "s"  # text is data, never a formula
