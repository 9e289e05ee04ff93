"""A copy of the planner's own workbook in which every problem is marked at its cell.

Errors are coloured red, warnings yellow, with a comment that says what to do; a sheet `_problems`
lists all with a link to each cell. Formats, formulas and the planner's own sheets stay.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circflow.data.files.atomic import atomic_path
from circflow.data.files.books import read_book, write_book, writing
from circflow.data.files.grids import column_letter, file_error
from circflow.data.table import Book, Cell, Problem
from circflow.i18n import say

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

LIST_SHEET = "_problems"
_COLOURS = {"error": "FFF4B6B0", "warning": "FFFFEB9C"}
_TAB_COLOUR = "FFC0392B"
_AUTHOR = "circflow"
_MOST_COMMENTS = 20_000
"""Cells that are marked; beyond, problems are only listed (a comment is a drawing in Excel)."""
_LONGEST_TEXT = 32_000
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WIDTHS = (10, 22, 90, 30, 40, 30)


def annotate(path: str | Path, target: str | Path, problems: Sequence[Problem]) -> None:
    """Write a copy of a scenario file to `target` (.xlsx) with the problems marked.

    A CSV folder becomes a fresh workbook first. Raises `ScenarioError` where the file cannot be
    read or the copy cannot be written.
    """
    path, target = Path(path), Path(target)
    if target.suffix.lower() != ".xlsx":
        raise file_error(
            "the marked copy is a workbook: give a name that ends in .xlsx", target.name
        )
    if target.exists() and path.exists() and target.samefile(path):
        raise file_error(
            "the marked copy would replace the file itself: give another name", path.name
        )
    # our own reader refuses what would harm the next one (bombs, entities, other formats)
    values = read_book(path)
    with writing(target), atomic_path(target) as temporary:
        book = _load(path, values, temporary)
        mark_problems(book, problems)
        book.save(temporary)


def _load(path: Path, values: Book, temporary: Path) -> Workbook:
    """The planner's workbook with its formats; one made from the values where it has none, or
    openpyxl cannot read it."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.is_file():
            try:
                return load_workbook(path)
            except Exception:
                pass  # whatever openpyxl stumbles over: our own reader has read the values
        fresh = temporary.with_suffix(".xlsx")
        try:
            write_book(values, fresh)
            return load_workbook(fresh)
        finally:
            fresh.unlink(missing_ok=True)


def mark_problems(book: Workbook, problems: Sequence[Problem]) -> None:
    """Colour and comment the cells of an open workbook, and add the sheet that lists all."""
    if LIST_SHEET in book.sheetnames:
        del book[LIST_SHEET]
    sheets: dict[str, Worksheet] = {}
    for sheet in book.worksheets:
        sheets.setdefault(sheet.title.strip(), sheet)
    for cell, of_cell in list(_by_cell(problems).items())[:_MOST_COMMENTS]:
        target = sheets.get(cell.place.strip())
        if target is None:
            continue
        if cell.row:
            _mark_cell(target, _place(target, cell), of_cell)
        else:
            target.sheet_properties.tabColor = _TAB_COLOUR
    _list_problems(book, sheets, problems)


def _by_cell(problems: Iterable[Problem]) -> dict[Cell, list[Problem]]:
    by_cell: dict[Cell, list[Problem]] = {}
    for problem in problems:
        by_cell.setdefault(problem.cell, []).append(problem)
    return by_cell


def _place(sheet: Worksheet, cell: Cell) -> str:
    """Where to mark: the cell; of a row its first cell; of merged cells the one that shows."""
    from openpyxl.cell.cell import MergedCell

    place = f"{cell.column or column_letter(0)}{cell.row}"
    if isinstance(sheet[place], MergedCell):
        for merged in sheet.merged_cells.ranges:
            if place in merged:
                return str(merged.start_cell.coordinate)
    return place


def _mark_cell(sheet: Worksheet, place: str, problems: list[Problem]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    cell: Any = sheet[place]
    worst = min((p.severity for p in problems), default="warning")
    cell.fill = PatternFill("solid", start_color=_COLOURS[worst], end_color=_COLOURS[worst])
    texts = [_comment_text(problem) for problem in problems]
    if cell.comment is not None:
        texts.insert(0, cell.comment.text)
    comment = Comment(_clean("\n\n".join(texts)), _AUTHOR)
    comment.width, comment.height = 360, min(90 + 40 * len(texts), 400)
    cell.comment = comment


def _comment_text(problem: Problem) -> str:
    lines = [f"{say(problem.severity).capitalize()}: {problem.message}"]
    if problem.expected:
        lines.append(say("Expected: {expected}", expected=problem.expected))
    if problem.suggestion:
        lines.append(say("Did you mean: {suggestion}", suggestion=problem.suggestion))
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Text that a workbook can hold."""
    return _ILLEGAL.sub("\ufffd", text)[:_LONGEST_TEXT]


def _list_problems(
    book: Workbook, sheets: dict[str, Worksheet], problems: Sequence[Problem]
) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.worksheet.hyperlink import Hyperlink

    page = book.create_sheet(LIST_SHEET, 0)
    titles = (
        say("severity"),
        say("cell"),
        say("what is wrong"),
        say("stands there"),
        say("expected"),
        say("suggestion"),
    )
    for number, (title, width) in enumerate(zip(titles, _WIDTHS, strict=True)):
        head = page.cell(1, number + 1, title)
        head.font = Font(bold=True)
        page.column_dimensions[column_letter(number)].width = width
    for row, problem in enumerate(problems, start=2):
        texts = (
            say(problem.severity),
            str(problem.cell),
            problem.message,
            problem.found,
            problem.expected,
            problem.suggestion,
        )
        for column, text in enumerate(texts, start=1):
            cell: Any = page.cell(row, column)
            # text of the workbook is data, never a formula
            cell.value = _clean(text)
            cell.data_type = "s"
            cell.quotePrefix = text[:1] in ("=", "+", "-", "@")
            cell.alignment = Alignment(wrap_text=column == 3, vertical="top")
        colour = _COLOURS[problem.severity]
        page.cell(row, 1).fill = PatternFill("solid", start_color=colour, end_color=colour)
        target = sheets.get(problem.cell.place.strip())
        if target is not None:
            link = page.cell(row, 2)
            title = target.title.replace("'", "''")
            place = f"{problem.cell.column or 'A'}{max(problem.cell.row, 1)}"
            link.hyperlink = Hyperlink(ref=link.coordinate, location=f"'{title}'!{place}")
            link.font = Font(color="FF0563C1", underline="single")
    page.freeze_panes = "A2"
    page.auto_filter.ref = f"A1:F{max(len(problems) + 1, 2)}"
    book.active = 0
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet is page
