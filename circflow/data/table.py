"""Tables with true cell addresses: the raw book as read, and the typed tables made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from circflow.data.schema.sheets import Sheet


@dataclass(frozen=True, order=True)
class Cell:
    """A cell of the planner's file: `row` 1 is the header, `column` a letter ("" for a row)."""

    sheet: str
    row: int
    column: str = ""

    def __str__(self) -> str:
        if not self.row:
            return self.sheet
        if not self.column:
            return f"{self.sheet} row {self.row}"
        return f"{self.sheet}!{self.column}{self.row}"


@dataclass(frozen=True)
class Problem:
    """Something wrong (error) or doubtful (warning) in a scenario, at a cell."""

    severity: Literal["error", "warning"]
    cell: Cell
    message: str
    """What is wrong, in one sentence."""
    found: str = ""
    """What stands there."""
    expected: str = ""
    """What would be right."""
    suggestion: str = ""
    """The nearest good value."""
    infeasible: bool = False
    """Whether the workbook is well-formed but what it asks for cannot be met, by arithmetic
    alone: `check` reports such an error, yet the scenario can be read, solved and explained."""

    def __str__(self) -> str:
        text = f"{self.cell}: {self.message}" if self.cell.sheet else self.message
        if self.expected:
            text += f"; expected {self.expected}"
        if self.suggestion:
            text += f"; did you mean {self.suggestion!r}?"
        return text


@dataclass(frozen=True)
class RawSheet:
    """A sheet as read: `grid[r][c]` is the value at row r+1, column c+1; the header comes first.

    Values are str, int, float, bool, datetime/date/time or None; a cell that Excel marks as an
    error holds `CellFault`.
    """

    name: str
    grid: list[list[object]]
    hidden: bool = False


@dataclass(frozen=True)
class CellFault:
    """A cell without a usable value: an Excel error, or a formula never calculated."""

    text: str
    """What stands there: `#N/A`, or the formula."""
    kind: Literal["error", "formula", "merged"]


@dataclass(frozen=True)
class Book:
    """A scenario file as read: its sheets in order, the planner's own ones included."""

    sheets: tuple[RawSheet, ...]
    origin: str = ""
    """Name of the file or folder."""
    warnings: tuple[Problem, ...] = ()
    typed: bool = True
    """False for a folder of CSV files, where every cell is text, numbers too."""


@dataclass(frozen=True)
class Table:
    """One sheet, typed: every column of the schema, defaults filled in.

    `frame` is indexed by the row number in the sheet. Names and text are str or None, numbers
    float (NaN where blank without a default), flags bool.
    """

    sheet: Sheet
    frame: pd.DataFrame
    letters: Mapping[str, str] = field(default_factory=dict)
    """Letter of each column that stands in the file."""

    def cell(self, row: int, column: str = "") -> Cell:
        """The cell of a column in a row of the file (of the row, if the file lacks the column)."""
        return Cell(self.sheet.name, row, self.letters.get(column, ""))

    def __len__(self) -> int:
        return len(self.frame)
