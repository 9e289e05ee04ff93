"""A workbook in memory into whose cells faults and habits are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from circflow.data.changes.address import parse_address
from circflow.data.files.grids import column_letter
from circflow.data.table import Book, Cell, RawSheet

TELLS_WHAT_TO_DO = re.compile(
    r"\b(add|begin|clear|correct|delete|exchange|fill|give|list|loosen|lower|move|name|open|put|"
    r"raise|rename|set|shorten|type|write|check|leave|show|save|vary)\b"
)


class Draft:
    """A workbook in memory whose cells can be written, by address."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.grids = {s.name: [list(row) for row in s.grid] for s in book.sheets}

    def finished(self) -> Book:
        """The workbook as changed."""
        known = {s.name: s for s in self.book.sheets}
        sheets = [
            replace(known[name], grid=grid) if name in known else RawSheet(name, grid)
            for name, grid in self.grids.items()
        ]
        return replace(self.book, sheets=tuple(sheets))

    def column(self, sheet: str, name: str) -> int:
        return self.grids[sheet][0].index(name)

    def rows(self, address: str) -> tuple[str, int, int]:
        """Sheet, row and column (from 0) of the first cell that an address names."""
        at = parse_address(address)
        grid = self.grids[at.sheet]
        if at.sheet == "Scenario":
            return at.sheet, [row[0] for row in grid].index(at.column), 1
        for number, row in enumerate(grid[1:], start=1):
            if all(self._holds(at.sheet, row, *f) for f in at.filters):
                return at.sheet, number, self.column(at.sheet, at.column)
        raise LookupError(address)

    def _holds(self, sheet: str, row: list[object], column: str, value: str) -> bool:
        place = self.column(sheet, column)
        held = row[place] if place < len(row) else None
        return ("" if held is None else str(held)) == value

    def put(self, address: str, value: object) -> Cell:
        """Write a cell; where it stands."""
        sheet, row, column = self.rows(address)
        line = self.grids[sheet][row]
        line.extend([None] * (column + 1 - len(line)))
        line[column] = value
        return Cell(sheet, row + 1, column_letter(column))

    def add(self, sheet: str, values: dict[str, object]) -> int:
        """Append a row; its number in the sheet."""
        grid = self.grids[sheet]
        line: list[object] = [None] * len(grid[0])
        for name, value in values.items():
            line[self.column(sheet, name)] = value
        grid.append(line)
        return len(grid)

    def header(self, sheet: str, old: str, new: object) -> Cell:
        """Rename a column; its header's cell."""
        column = self.column(sheet, old)
        self.grids[sheet][0][column] = new
        return Cell(sheet, 1, column_letter(column))

    def rename(self, sheet: str, name: str) -> Cell:
        """Rename a sheet in place."""
        self.grids = {(name if s == sheet else s): grid for s, grid in self.grids.items()}
        return Cell(name, 0)


Seed = Callable[[Draft], Cell]
"""Seeds a fault; the cell at which it has to be reported."""


def put(
    address: str, value: object, *, at: str = "", also: Sequence[tuple[str, object]] = ()
) -> Seed:
    """Write a cell (and others); the fault lies there, or at the address `at`."""

    def seed(draft: Draft) -> Cell:
        cell = draft.put(address, value)
        for other, given in also:
            draft.put(other, given)
        if at:
            sheet, row, column = draft.rows(at)
            return Cell(sheet, row + 1, column_letter(column))
        return cell

    return seed


def add(sheet: str, column: str, **values: object) -> Seed:
    """Append a row; the fault lies in one of its columns (`from_` is from)."""

    def seed(draft: Draft) -> Cell:
        row = draft.add(sheet, {name.rstrip("_"): value for name, value in values.items()})
        return Cell(sheet, row, column_letter(draft.column(sheet, column)))

    return seed


def header(sheet: str, old: str, new: object) -> Seed:
    return lambda draft: draft.header(sheet, old, new)


def rename(sheet: str, name: str) -> Seed:
    return lambda draft: draft.rename(sheet, name)


def extra_sheet(name: str) -> Seed:
    def seed(draft: Draft) -> Cell:
        draft.grids[name] = [["year", "RUB"], [2026, 1.0]]
        return Cell(name, 0)

    return seed


def drop_sheet(name: str) -> Seed:
    def seed(draft: Draft) -> Cell:
        del draft.grids[name]
        return Cell(name, 0)

    return seed


def drop_column(sheet: str, name: str) -> Seed:
    def seed(draft: Draft) -> Cell:
        column = draft.column(sheet, name)
        for row in draft.grids[sheet]:
            del row[column : column + 1]
        return Cell(sheet, 1)

    return seed


def nameless_column(sheet: str, row: int, value: object) -> Seed:
    def seed(draft: Draft) -> Cell:
        grid = draft.grids[sheet]
        width = max(len(line) for line in grid)
        line = grid[row - 1]
        line.extend([None] * (width - len(line)))
        line.append(value)
        return Cell(sheet, row, column_letter(width))

    return seed


def title_row(sheet: str) -> Seed:
    def seed(draft: Draft) -> Cell:
        draft.grids[sheet].insert(0, ["Capital that may be spent"])
        return Cell(sheet, 2)

    return seed


def blank_rows_before(seed: Seed, sheet: str, count: int) -> Seed:
    """The same fault below blank rows: its address must move with it."""

    def moved(draft: Draft) -> Cell:
        for _ in range(count):
            draft.grids[sheet].insert(1, [None])
        return seed(draft)

    return moved
