"""Which sheet and which column is which: unknown, missing and doubled ones.

A sheet or column whose name is nearly right is an error, but is read all the same where the right
one is absent, so that one slip does not hide the rest of the problems or set off others.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import zip_longest

from circflow.data.cells import BadCellError, is_blank, parse_name, shorten, show
from circflow.data.checks.findings import Findings
from circflow.data.checks.rows import odd_rows
from circflow.data.files.grids import column_letter
from circflow.data.schema.sheets import SHEETS, Sheet, is_planners_column, is_planners_sheet
from circflow.data.suggest import folded, nearest, remark
from circflow.data.table import Book, Cell, RawSheet
from circflow.i18n import say
from circflow.i18n.names import column_names, plain, sheet_names, shown_column, shown_sheet

_NEAR_ENOUGH = 0.75
"""Similarity from which a misspelt sheet or column is read as the one it resembles."""
_HEADER_SOUGHT_IN = 20
"""Rows in which a header is looked for that does not stand in row 1."""


@dataclass
class RawTable:
    """The cells of one sheet by column of the schema; blank rows are left out."""

    sheet: Sheet
    title: str = ""
    rows: list[int] = field(default_factory=list)
    """Row numbers in the file."""
    columns: dict[str, list[object]] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    broken: bool = False
    native: str = ""
    """What the sheet is called in the file, where that is its name in another language."""


def sheet_order(book: Book, sheets: Sequence[Sheet] = SHEETS) -> list[str]:
    """Sheets as they stand in the file, then those that it lacks."""
    names = [raw.name.strip() for raw in book.sheets]
    return [*names, *(sheet.name for sheet in sheets if sheet.name not in names)]


def match_sheets(
    book: Book, findings: Findings, sheets: Sequence[Sheet] = SHEETS
) -> dict[str, RawTable]:
    """The raw table of every sheet of the schema; structural faults go to `findings`."""
    chosen = _chosen_sheets(book, findings, [sheet.name for sheet in sheets])
    tables = {}
    for sheet in sheets:
        raw = chosen.get(sheet.name)
        if raw is None:
            tables[sheet.name] = RawTable(sheet, broken=sheet.required)
            if sheet.required:
                findings.error(
                    Cell(sheet.name, 0),
                    "the sheet {name} is missing: add it (columns {list})",
                    name=shown_sheet(sheet.name),
                    list=", ".join(
                        shown_column(sheet.name, c.name) for c in sheet.columns if c.required
                    ),
                    expected=say("a sheet called {name}", name=shown_sheet(sheet.name)),
                )
        else:
            table = tables[sheet.name] = _match_columns(sheet, raw, findings)
            written = raw.name.strip()
            table.title, table.native = "" if written == sheet.name else written, raw.title
    return tables


def _chosen_sheets(book: Book, findings: Findings, known: Sequence[str]) -> dict[str, RawSheet]:
    """The sheet of the file for each known one, also where its name is misspelt."""
    chosen: dict[str, RawSheet] = {}
    unknown: list[RawSheet] = []
    for raw in book.sheets:
        name = raw.name.strip()
        if is_planners_sheet(name):
            continue
        if name not in known:
            unknown.append(raw)
        elif name in chosen:
            findings.error(
                Cell(raw.name, 0, title=raw.title),
                "two sheets are called {name}: move the rows into one and delete the other",
                name=name,
                found=raw.name,
            )
        else:
            chosen[name] = raw
    names = sheet_names(tuple(known)) if unknown else {}
    for raw in unknown:
        name = raw.name.strip()
        good, meant = _meant(name, names, chosen)
        if all(is_blank(value) for line in raw.grid for value in line):
            findings.error(
                Cell(raw.name, 0, title=raw.title),
                "the sheet {name!r} is empty and no sheet of a scenario: delete it",
                name=shorten(name),
                found=name,
            )
            continue
        if meant in chosen and folded(good) == folded(name):
            message = say(
                "the sheet {name!r} doubles the sheet {good}: delete one of the two",
                name=shorten(name),
                good=good,
            )
        else:
            message = say(
                "there is no sheet called {name!r}{remark}: rename it, or begin its name "
                "with _ if it is your own",
                name=shorten(name),
                remark=remark(name, good),
            )
        findings.error(Cell(raw.name, 0, title=raw.title), message, found=name, suggestion=good)
        if meant and meant not in chosen and _likeness(name, [good]):
            chosen[meant] = raw
    return chosen


def _likeness(name: str, good: Iterable[str]) -> str:
    """The good name that a misspelt one is all but equal to, or ""."""
    closest = nearest(name, good)
    near = folded(name)[:200], folded(closest)
    if closest and (near[0] == near[1] or SequenceMatcher(None, *near).ratio() >= _NEAR_ENOUGH):
        return closest
    return ""


def _meant(
    name: str, names: Mapping[str, tuple[str, str]], taken: Container[str]
) -> tuple[str, str]:
    """The good name that is nearest to a misspelt one, of those that are not taken if it is all
    but equal to it, and its English name; "" and "" where none is near."""
    absent = [shown for shown, (_, english) in names.items() if english not in taken]
    good = _likeness(name, absent) or _likeness(name, names) or nearest(name, names)
    return good, names[good][1] if good else ""


def _match_columns(sheet: Sheet, raw: RawSheet, findings: Findings) -> RawTable:
    table = RawTable(sheet)
    if all(is_blank(value) for line in raw.grid for value in line):
        return table
    top = _header_row(sheet, raw, findings)
    if not top:
        table.broken = True
        return table
    columns = list(zip_longest(*raw.grid[top - 1 :]))
    has_data = [any(not is_blank(value) for value in column[1:]) for column in columns]
    places = _placed(sheet, raw.cell(top), columns, has_data, findings)
    filled = [columns[place] for place in places.values()]
    below = [
        number
        for number, cells in enumerate(zip(*filled, strict=True))
        if number and not all(map(is_blank, cells))
    ]
    table.rows = [top + number for number in below]
    table.letters = {name: column_letter(place) for name, place in places.items()}
    for name, place in places.items():
        column = columns[place]
        table.columns[name] = [column[number] for number in below]
    missing = [c.name for c in sheet.columns if c.required and c.name not in places]
    if missing and any(has_data):
        table.broken = True
        for name in missing:
            findings.error(
                raw.cell(top),
                "the column {name} is missing: add it ({meaning})",
                name=shown_column(sheet.name, name),
                meaning=say(sheet[name].meaning),
                expected=say("a column called {name}", name=shown_column(sheet.name, name)),
            )
    _leave_out_odd_rows(table, raw, findings)
    return table


def _leave_out_odd_rows(table: RawTable, raw: RawSheet, findings: Findings) -> None:
    """Note the rows that are no records, and read the others."""
    odd = list(odd_rows(table.sheet, table.columns))
    for at, name, message in odd:
        cell = raw.cell(table.rows[at], table.letters[name])
        findings.error(cell, message, found=table.columns[name][at])
    left_out = {at for at, _, _ in odd}
    if left_out:
        kept = [at for at in range(len(table.rows)) if at not in left_out]
        table.rows = [table.rows[at] for at in kept]
        table.columns = {n: [cells[at] for at in kept] for n, cells in table.columns.items()}


def _header_row(sheet: Sheet, raw: RawSheet, findings: Findings) -> int:
    """The row of the column names; an error where it is not row 1, 0 where there is none."""

    def known(cells: list[object]) -> int:
        texts = {plain(c) for c in cells if isinstance(c, str)}
        return len(texts & set(sheet.names)) or len(
            texts & column_names(sheet.name, sheet.names).keys()
        )

    if known(raw.grid[0]):
        return 1
    needed = {c.name for c in sheet.columns if c.required}
    for number, cells in enumerate(raw.grid[1:_HEADER_SOUGHT_IN], start=2):
        filled = [c for c in cells if not is_blank(c)]
        complete = bool(needed) and needed <= {c.strip() for c in filled if isinstance(c, str)}
        if known(cells) >= max(1 if complete else 2, len(filled) / 2):
            findings.error(
                raw.cell(number),
                "the column names stand in row {number}, not in row 1: delete the rows above",
                number=number,
                expected=say("the column names in row 1"),
            )
            return number
    if all(is_blank(cell) for cell in raw.grid[0]):
        findings.error(
            raw.cell(1),
            "row 1 is blank, but there are rows below: put the column names into row 1",
            expected=say("the column names in row 1: ")
            + ", ".join(column.shown for column in sheet.columns),
        )
        return 0
    return 1


def _placed(
    sheet: Sheet,
    head: Cell,
    columns: list[tuple[object, ...]],
    has_data: list[bool],
    findings: Findings,
) -> dict[str, int]:
    """The position of each column of the schema that the file has. `head`: sheet and row of the
    column names."""
    top = head.row
    places: dict[str, int] = {}
    unknown: list[tuple[int, str]] = []
    for place, column in enumerate(columns):
        cell = replace(head, column=column_letter(place))
        try:
            name = parse_name(column[0])
        except BadCellError as problem:
            findings.error(
                cell,
                "the column name cannot be read: {message}",
                message=problem.message,
                found=show(column[0]),
                expected=say("a column name"),
            )
            continue
        if name is not None and name not in sheet and not is_planners_column(name):
            name = column_names(sheet.name, sheet.names).get(plain(name), ("", name))[1]
        if name is None:
            if has_data[place]:
                row = next(r for r, v in enumerate(column[1:], start=top + 1) if not is_blank(v))
                findings.error(
                    replace(head, row=row, column=cell.column),
                    "column {column} has no name in row {top}: name it, or clear the column",
                    column=cell.column,
                    top=top,
                    found=column[row - top],
                    expected=say("a blank cell"),
                )
        elif is_planners_column(name) and name not in sheet:
            continue
        elif name not in sheet:
            unknown.append((place, name))
        elif name in places:
            findings.error(
                cell,
                "two columns are called {name} (the first is {column_letter}): delete one of "
                "the two",
                name=name,
                column_letter=column_letter(places[name]),
                found=name,
            )
        else:
            places[name] = place
    for place, name in unknown:
        cell = replace(head, column=column_letter(place))
        meant = _unknown_column(sheet, cell, name, places, findings)
        if meant:
            places[meant] = place
    return places


def _unknown_column(
    sheet: Sheet, cell: Cell, name: str, places: dict[str, int], findings: Findings
) -> str:
    """Note a column that the schema lacks; the column that it is read as, or ""."""
    good, meant = _meant(name, column_names(sheet.name, sheet.names), places)
    if meant in places and folded(good) == folded(name):
        message = say(
            "the column {name!r} doubles the column {good}: delete one of the two",
            name=shorten(name),
            good=good,
        )
    else:
        message = say(
            "{name} has no column called {name_2!r}{remark}: rename it, or begin its "
            "name with note if it is your own",
            name=shown_sheet(sheet.name),
            name_2=shorten(name),
            remark=remark(name, good),
        )
    findings.error(
        cell,
        message,
        found=name,
        expected=say("one of {words}", words=", ".join(c.shown for c in sheet.columns)),
        suggestion=good,
    )
    return meant if meant and meant not in places and _likeness(name, [good]) else ""
