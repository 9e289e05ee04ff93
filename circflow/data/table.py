"""Tables with true cell addresses: the raw book as read, and the typed tables made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from circflow.data.coded import Column as Cells
from circflow.data.coded import Items, table_of
from circflow.data.schema.sheets import Column, Sheet
from circflow.i18n import localised, say


@dataclass(frozen=True, order=True)
class Cell:
    """A cell of the planner's file: `row` 1 is the header, `column` a letter ("" for a row)."""

    sheet: str
    row: int
    column: str = ""
    title: str = field(default="", compare=False)
    """What the sheet is called in the file, where that is another name."""

    @property
    def place(self) -> str:
        """The name of the sheet in the file."""
        return self.title or self.sheet

    def __str__(self) -> str:
        if not self.row:
            return self.place
        if not self.column:
            return say("{sheet} row {row}", sheet=self.place, row=self.row)
        return f"{self.place}!{self.column}{self.row}"


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
        return "; ".join(self.parts(str(self.cell)))

    def parts(self, where: str) -> list[str]:
        """What is wrong and where, what is expected, the nearest good value."""
        parts = [f"{where}: {self.message}" if where else self.message]
        if self.expected:
            parts.append(say("expected {what}", what=self.expected))
        if self.suggestion:
            parts.append(say("did you mean {name!r}?", name=_figure(self.suggestion)))
        return parts


def _figure(text: str) -> str:
    """A figure as the language in force writes it; another text as it stands."""
    return localised(text) if _FIGURE.fullmatch(text) else text


_FIGURE = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class RawSheet:
    """A sheet as read: `grid[r][c]` is the value at row r+1, column c+1; the header comes first.

    Values are str, int, float, bool, datetime/date/time or None; a cell that Excel marks as an
    error holds `CellFault`.
    """

    name: str
    """Of a sheet of the schema its English one."""
    grid: list[list[object]]
    hidden: bool = False
    title: str = ""
    """What the sheet is called in the file, where that is another name."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What columns are called in the file, by their English names, where those are others."""
    language: str = ""
    """Of the names in the file, where that is not English."""

    def cell(self, row: int, column: str = "") -> Cell:
        """A cell of the sheet."""
        return Cell(self.name.strip(), row, column, self.title)


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

    Names and text are str or None, numbers float (NaN where blank without a default), flags bool.
    """

    sheet: Sheet
    rows: Items
    """The rows as arrays, with `row`, the row number in the sheet."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """Letter of each column that stands in the file."""
    title: str = ""
    """What the sheet is called in the file, where that is another name."""

    @classmethod
    def of(cls, sheet: Sheet, frame: pd.DataFrame, letters: Mapping[str, str]) -> Table:
        """The table of a frame, indexed by the row number in the sheet."""
        rows: dict[str, Cells] = {"row": frame.index.to_numpy(np.intp)}
        for column in sheet.columns:
            cells = frame[column.name].to_numpy(_dtype(column))
            blank = pd.isna(cells)
            if cells.dtype == object and blank.any():
                cells = cells.copy()
                cells[blank] = None
            rows[column.name] = cells
        return cls(sheet, Items(rows), letters)

    def with_frame(self, frame: pd.DataFrame) -> Table:
        """The table with other rows."""
        return replace(self, rows=self.of(self.sheet, frame, {}).rows)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows, indexed by the row number in the sheet."""
        columns = {name: self.rows[name] for name in self.sheet.names}
        return table_of(columns, pd.Index(self.rows["row"], name="row"))

    def cell(self, row: int, column: str = "") -> Cell:
        """The cell of a column in a row of the file (of the row, if the file lacks the column)."""
        return Cell(self.sheet.name, row, self.letters.get(column, ""), self.title)

    def __len__(self) -> int:
        return len(self.rows)


def _dtype(column: Column) -> type:
    """What holds the cells of a column."""
    return float if column.is_number else bool if column.kind == "flag" else object


def blank_cells(column: Column, count: int) -> Cells:
    """The cells of a column that stands nowhere: its default."""
    return np.full(count, column.default, _dtype(column))


def blank_rows(sheet: Sheet, count: int) -> Items:
    """Rows of defaults only, numbered from 2."""
    cells = {column.name: blank_cells(column, count) for column in sheet.columns}
    return Items({"row": np.arange(2, 2 + count), **cells})
