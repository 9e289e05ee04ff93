"""What the checks share: the list of what was found, and a sheet as far as it could be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any, Literal

import numpy as np

from circflow.data.cells import shorten, show, written
from circflow.data.coded import Column, Flags, Items
from circflow.data.errors import WrongTextError
from circflow.data.one_line import first_few
from circflow.data.schema.sheets import BY_NAME, Sheet
from circflow.data.suggest import Names
from circflow.data.table import Cell, Problem, Table
from circflow.i18n import say


class Findings:
    """The problems found so far.

    A message is said in the language in force, its placeholders filled with what is given by
    name; so are what was `found`, `expected`, the nearest `suggestion`, and whether the problem
    makes a plan `infeasible` (see `Problem`).
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(  # noqa: PLR0913
        self,
        cell: Cell,
        message: str,
        /,
        *,
        severity: Literal["error", "warning"] = "error",
        found: object = None,
        expected: str = "",
        suggestion: str = "",
        infeasible: bool = False,
        **figures: Any,
    ) -> None:
        """Note something that must be mended."""
        shown = found if isinstance(found, str) else show(found)
        text = say(message, **figures)
        self.problems.append(Problem(severity, cell, text, shown, expected, suggestion, infeasible))

    def ordered(self, sheets: Sequence[str]) -> list[Problem]:
        """Every problem once, by sheet (in the given order), row and column; errors before
        warnings at one cell."""
        place = {name: n for n, name in enumerate(sheets)}

        def rank(problem: Problem) -> tuple[object, ...]:
            cell = problem.cell
            of_sheet = place.get(cell.sheet, len(place)), cell.sheet
            return *of_sheet, cell.row, len(cell.column), cell.column, problem.severity

        return sorted(dict.fromkeys(self.problems), key=rank)


@dataclass
class Draft:
    """One sheet as far as it could be read, and what is wrong in it."""

    table: Table
    findings: Findings
    """Of all sheets."""
    faulty: dict[str, set[int]] = field(default_factory=dict)
    """Rows whose cell is an error already, by column."""
    broken: bool = False
    """Whether the sheet is missing, or lacks a column it needs."""
    title: str = ""
    """What the sheet is called in the file, where that is misspelt."""
    _names: dict[str, Names] = field(default_factory=dict)

    @property
    def sheet(self) -> Sheet:
        return self.table.sheet

    @property
    def letters(self) -> Mapping[str, str]:
        return self.table.letters

    @property
    def rows(self) -> Items:
        return self.table.rows

    def names(self, column: str) -> Names:
        """The names in a column, to look for the one that a misspelt name may mean."""
        if column not in self._names:
            self._names[column] = Names(listed(self.rows[column]))
        return self._names[column]

    def cell(self, row: int, column: str = "") -> Cell:
        """The cell of a column in a row (of the row, if the file lacks the column)."""
        cell = self.table.cell(row, column)
        return replace(cell, sheet=self.title) if self.title else cell

    def spoil(self, row: int, column: str) -> None:
        """Note that a cell is an error already, so that no other rule speaks of it."""
        self.faulty.setdefault(column, set()).add(row)

    def is_sound(self, row: int, *columns: str) -> bool:
        return not any(row in self.faulty.get(column, ()) for column in columns)

    def sound(self, *columns: str) -> Items:
        """The rows in which these columns (all, if none is named) could be read."""
        faulty = self._faulty_rows(columns or tuple(self.faulty))
        return self.rows.take(~among(self.rows["row"], faulty)) if faulty else self.rows

    def unread(self, *columns: str) -> Items:
        """The rows in which one of these columns could not be read."""
        return self.rows.take(among(self.rows["row"], self._faulty_rows(columns)))

    def _faulty_rows(self, columns: Sequence[str]) -> set[int]:
        return set().union(*(self.faulty.get(column, ()) for column in columns))

    def error(self, at: int | Items, column: str, message: str, /, **details: Any) -> None:
        """Note an error at a cell, and spoil the cell. `at`: a row's number, or rows, whose own
        cells fill in the placeholders of the message (names shortened, figures written)."""
        for cell, shown in self._at(at, column, details):
            self.findings.error(cell, message, **shown)
            self.spoil(cell.row, column)

    def warning(self, at: int | Items, column: str, message: str, /, **details: Any) -> None:
        """Note a warning at a cell, or at that of every row of several (see `error`)."""
        for cell, shown in self._at(at, column, details):
            self.findings.error(cell, message, severity="warning", **shown)

    def infeasible(self, at: int | Items, column: str, message: str, /, **details: Any) -> None:
        """Note at a cell (see `error`) that no plan can keep what it asks for."""
        for cell, shown in self._at(at, column, details):
            self.findings.error(cell, message, infeasible=True, **shown)

    def wrong_address(self, row: int, problem: WrongTextError, expected: str = "") -> None:
        """Note that the address of cells in a row (its `parameter`) names nothing."""
        self.error(
            row,
            "parameter",
            "{message}: correct the address",
            message=problem.message,
            expected=expected or say("Sheet.column or Sheet.column[column=value, …]"),
            suggestion=problem.suggestion,
        )

    def _at(
        self, at: int | Items, column: str, details: dict[str, Any]
    ) -> Iterator[tuple[Cell, dict[str, Any]]]:
        """The cells, and for each what was found there, the figures of its row, and `details`."""
        if isinstance(at, Items):
            rows = [(r["row"], {n: worded(v) for n, v in r.items()}) for r in records(at)]
        else:
            rows = [(int(at), {})]  # a row's number may be one of numpy's
        for row, figures in rows:
            if column in self.letters and "found" not in details:
                at_row = np.argmax(self.rows["row"] == row)
                figures["found"] = plain_value(self.rows[column][at_row])
            yield self.cell(row, column), figures | details


class Drafts(dict[str, Draft]):
    """Every sheet of the schema as far as it could be read, by name."""

    def __init__(self, tables: Iterable[Draft], findings: Findings) -> None:
        super().__init__((draft.sheet.name, draft) for draft in tables)
        self.findings = findings

    @property
    def has_faults(self) -> bool:
        """Whether the scenario cannot be used."""
        return any(p.severity == "error" and not p.infeasible for p in self.findings.problems)

    @property
    def tables(self) -> dict[str, Table]:
        return {name: self[name].table for name in BY_NAME}


def worded(value: object) -> object:
    """A cell of a table as a message names it: text shortened, a figure written."""
    if isinstance(value, str):
        return shorten(value)
    return written(value) if isinstance(value, float) else value


def plain_value(value: object) -> object:
    """A value of a table as a plain Python value; None for NaN."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and isnan(value) else value


def records(rows: Items) -> list[dict[str, Any]]:
    """Rows as dictionaries by column."""
    cells = (rows[name].tolist() for name in rows.names)
    return [dict(zip(rows.names, one, strict=True)) for one in zip(*cells, strict=True)]


def among(cells: Column, names: Collection[object]) -> Flags:
    """Which cells are among some names."""
    return np.array([cell in names for cell in cells.tolist()], dtype=bool)


def listed(cells: Column) -> list[Any]:
    """The distinct cells that are filled, in order."""
    return [cell for cell in dict.fromkeys(cells.tolist()) if cell is not None]


def later(rows: Items, *columns: str) -> Flags:
    """Which rows have what an earlier one has in all of some columns."""
    known: dict[object, int] = {}
    keys = zip(*(rows[name].tolist() for name in columns), strict=True)
    return np.array([known.setdefault(k, n) != n for n, k in enumerate(keys)], dtype=bool)


def quoted(names: Iterable[str], most: int = 5) -> str:
    """Names for a message: quoted, the first few."""
    return first_few([say("{name!r}", name=name) for name in names], most)
