"""Changed copies of a scenario: cells by address, set, multiplied or added to.

The changed cells stand in the copy's book as well, so that it can be written. Where only figures
change, the typed tables are changed in place of reading everything again, and only the rules on
figures are checked (a study changes a scenario a thousand times).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from circflow.data.arguments import named, python_value
from circflow.data.cells import (
    BadCellError,
    is_blank,
    parse_cell,
    parse_number,
    plain,
    shorten,
    shortest,
    typed_number,
)
from circflow.data.changes.address import (
    Address,
    AddressError,
    find_cells,
    match,
    parse_address,
    row_addresses,
)
from circflow.data.changes.retyped import column_figures, out_of_limits, retyped
from circflow.data.checks.changed import check_changed
from circflow.data.coded import by_row
from circflow.data.errors import ArgumentError
from circflow.data.files.grids import column_letter, column_number, place_of, put
from circflow.data.pandas_text import python_strings
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.schema.sheets import BY_NAME, SETTINGS, Column
from circflow.data.table import Book, Cell, Problem, RawSheet, Table
from circflow.i18n import say

__all__ = ["Edit", "change", "find_cells", "parse_address", "parse_edit", "scenario_numbers"]

Edit = float | int | str | bool | None
"""A value to set, or text: `*0.9` and `*=0.9` multiply, `+5` and `+=5` add, `=12` sets; `-5`
sets to −5; None or `=` leaves the cell blank."""

_LABELS = {("Scenario", "start_year"), ("Materials", "hazard_class")}
"""Figures that the plan does not depend on."""
_NOT_VARIED = ("Studies", "Ranges", "Futures", "FutureChanges")


@dataclass(frozen=True)
class _Change:
    """What is to happen to the cells of one column: in the rows, from which values to which."""

    address: Address
    column: Column
    rows: tuple[int, ...]
    how: Literal["set", "factor", "add"]
    value: str | float | bool | None

    def __str__(self) -> str:
        """The change as it is typed behind `--set`."""
        sign = {"set": "=", "factor": "*=", "add": "+="}[self.how]
        value = self.value
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, float):
            value = plain(value)
        return f"{self.address}{sign}{'' if value is None else value}"

    @property
    def at(self) -> str:
        """The column of the sheet that holds the cells."""
        return "value" if self.address.sheet == "Scenario" else self.address.column


@python_strings()
def change(scenario: Scenario, edits: Mapping[str, Edit]) -> Scenario:
    """A copy of a scenario with other cells, by address.

    Several edits of one cell act one after another; the rows are those that the addresses name
    in the given scenario. Raises `ScenarioError` where an address names nothing, an edit does not
    fit its cells, or the changed scenario cannot be used.
    """
    if not isinstance(edits, Mapping):
        raise ArgumentError(
            "changes are given as {{address: edit}}, such as {{'Markets.price': "
            "'*0.9'}}, not {named}",
            named=named(edits),
        )
    changes = [_planned(scenario, text, edit) for text, edit in edits.items()]
    if not changes:
        return scenario
    quick = all(c.column.is_number and (c.rows or c.at != "value") for c in changes)
    tables = dict(scenario.tables)
    book = scenario.book
    for one in changes:
        before = tables[one.address.sheet]
        values = _new_values(scenario, one, before)
        book, table = _written(book, before, one, values)
        tables[one.address.sheet] = table
    noted = (*scenario.changes, *(str(c) for c in changes))
    if not quick:
        return scenario_of(book).with_notes(changes=noted)
    changed = retyped(scenario, tables, book)
    problems = check_changed(changed)
    if problems:
        raise ScenarioError(problems, book.origin)
    return changed.with_notes(changes=noted)


def parse_edit(edit: Edit) -> tuple[Literal["set", "factor", "add"], Edit]:
    """What an edit does, and with which value (a number for `factor` and `add`).

    Raises `BadCellError` where the number of `*…` or `+…` cannot be read.
    """
    edit = python_value(edit)
    if not isinstance(edit, str):
        return "set", edit
    text = edit.strip()
    sign = re.match(r"(\*=?|\+=?|=)", text)
    if not sign:
        return "set", text or None
    value = text[sign.end() :].strip()
    if sign[0] == "=":
        return "set", value or None
    number = parse_number(value)
    if number is None:
        raise BadCellError(
            "{text!r} lacks a number behind {sign}", text=shorten(text), sign=sign[0]
        )
    return ("factor" if sign[0][0] == "*" else "add"), number


def _refused(origin: str, cell: Cell, message: str, **more: Any) -> ScenarioError:
    return ScenarioError([Problem("error", cell, message, **more)], origin)


def _planned(scenario: Scenario, text: str, edit: Edit) -> _Change:
    origin = scenario.book.origin
    try:
        address = parse_address(text)
        matched = match(scenario.tables, address)
    except AddressError as problem:
        sheet = text.partition(".")[0].strip()
        cell = Cell(sheet if sheet in BY_NAME else "", 0)
        message = say(
            "the address {text!r}: {message}", text=shorten(text), message=problem.message
        )
        raise _refused(origin, cell, message, suggestion=problem.suggestion) from None
    column = matched.column
    cell = find_cells(scenario.tables, address)[0]
    try:
        how, value = parse_edit(edit)
        if how == "set":
            if isinstance(value, bool) and column.is_number:
                raise BadCellError("a number is wanted, not TRUE or FALSE")
            value = parse_cell(value, column)
    except BadCellError as problem:
        raise _refused(
            origin,
            cell,
            say(
                "{text} cannot be changed by {edit!r}: {message}",
                text=text,
                edit=edit,
                message=problem.message,
            ),
            found=str(edit),
            expected=column.expected,
            suggestion=problem.suggestion,
        ) from None
    if how != "set" and not column.is_number:
        message = say(
            "{text} is not a number, so it can only be set: write ={edit}",
            text=text,
            edit=shorten(str(edit)),
        )
        raise _refused(origin, cell, message, found=str(edit), expected=column.expected)
    if how == "set" and value is None and column.required and column.default is None:
        message = say("{text} cannot be left blank", text=text)
        raise _refused(origin, cell, message, expected=column.expected)
    return _Change(address, column, matched.rows, how, value)


def _new_values(scenario: Scenario, one: _Change, table: Table) -> list[str | float | bool | None]:
    """The values of the cells after the change, row by row; None for blank."""
    rows = one.rows or (_free_row(table),)
    if one.how == "set":
        return [one.value] * len(rows)
    assert isinstance(one.value, float)
    before = column_figures(table, one.column.name)
    if table.sheet.name != "Scenario":
        before = before.loc[list(rows)]
    if before.isna().all():
        message = say(
            "{address} is blank and has no default, so it cannot be {if_any}: set it with =",
            address=one.address,
            if_any=say("multiplied") if one.how == "factor" else say("added to"),
        )
        raise _refused(scenario.book.origin, table.cell(rows[0], one.at), message)
    after = (before * one.value if one.how == "factor" else before + one.value).tolist()
    for row, number in zip(rows, after, strict=True):
        wrong = out_of_limits(number, one.column)
        if wrong:
            raise _refused(
                scenario.book.origin,
                table.cell(row, one.at),
                say("after the change of {address}: {message}", address=one.address, message=wrong),
                found=plain(number),
                expected=one.column.expected,
            )
    return [None if math.isnan(number) else number for number in after]


def _free_row(table: Table) -> int:
    return int(table.frame.index.max()) + 1 if len(table) else 2


def _written(
    book: Book, table: Table, one: _Change, values: Sequence[str | float | bool | None]
) -> tuple[Book, Table]:
    """The book and the table with the new values; sheets, columns and rows that the file lacks
    are added to it."""
    place, raw = _raw_sheet(book, table)
    grid = list(raw.grid)
    at, rows = place_of(grid, one.at), list(one.rows)
    frame = table.frame.copy()
    if not rows:
        rows = [max(_free_row(table), len(grid) + 1)]
        frame.loc[rows[0], ["key", "value"]] = [one.address.column, None]
        put(grid, rows[0], place_of(grid, "key"), one.address.column)
    for row, value in zip(rows, values, strict=True):
        put(grid, row, at, _as_typed(value, one.column))
    texts, default = table.sheet.name == "Scenario", one.column.default
    typed = [_text(v) if texts else default if v is None else v for v in values]
    column = frame[one.at].copy()
    column.loc[rows] = np.array(typed, dtype=float) if column.dtype == float else typed
    frame[one.at] = column
    names = [str(name).strip() for name in grid[0]]
    letters = {name: column_letter(n) for n, name in enumerate(names) if name in table.sheet}
    sheets = list(book.sheets)
    sheets[place : place + 1] = [replace(raw, grid=grid)]
    return replace(book, sheets=tuple(sheets)), replace(table.with_frame(frame), letters=letters)


def _raw_sheet(book: Book, table: Table) -> tuple[int, RawSheet]:
    """The place of the table's sheet in the book, and the sheet; a new one where it lacks it."""
    names = [raw.name.strip() for raw in book.sheets]
    there = table.sheet.name in names
    place = names.index(table.sheet.name) if there else len(names)
    raw = book.sheets[place] if there else RawSheet(table.sheet.name, [])
    if there and (table.letters or not len(table)):
        return place, raw
    kept = [c for c in table.sheet.names if table.frame[c].notna().any()]
    grid: list[list[object]] = [list(kept)]
    columns = [table.sheet[name] for name in kept]
    for record in table.frame[kept].itertuples(index=False):
        grid.append([_as_typed(v, c) for v, c in zip(record, columns, strict=True)])
    return place, replace(raw, grid=grid)


def _as_typed(value: object, column: Column) -> object:
    """A value as it stands in a workbook: whole numbers without a point, flags as yes and no."""
    if column.kind == "flag" and value is not None:
        return "yes" if value else "no"
    if isinstance(value, float):
        return None if np.isnan(value) else typed_number(float(value))
    return value


def _text(value: str | float | bool | None) -> str | None:
    """A value of the sheet Scenario, which holds text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shortest(value) if isinstance(value, float) else value


def scenario_numbers(scenario: Scenario, sheets: Iterable[str] | None = None) -> pd.DataFrame:
    """Every figure that stands in the file: sheet, row, column, value, address.

    `column` is the key in the sheet Scenario. Without `sheets` those that the plan depends on.
    The address names the cell alone. Raises `ScenarioError` for a sheet that does not exist.
    """
    wanted = list(sheets) if sheets is not None else [n for n in BY_NAME if n not in _NOT_VARIED]
    records: list[tuple[Any, ...]] = []
    for name in wanted:
        if name not in scenario.tables:
            raise _refused(
                scenario.book.origin, Cell(name, 0), say("there is no sheet {name!r}", name=name)
            )
        table = scenario.tables[name]
        records += _settings_numbers(table) if name == "Scenario" else _numbers(scenario, table)
    numbers = pd.DataFrame(records, columns=["sheet", "row", "column", "value", "address"])
    return numbers.astype({"row": int, "value": float})


def _settings_numbers(table: Table) -> Iterator[tuple[Any, ...]]:
    for row, key, value in by_row(table.rows, "key", "value"):
        if SETTINGS[key].is_number and value is not None and ("Scenario", key) not in _LABELS:
            yield "Scenario", row, key, parse_cell(value, SETTINGS[key]), f"Scenario.{key}"


def _numbers(scenario: Scenario, table: Table) -> Iterator[tuple[Any, ...]]:
    name = table.sheet.name
    raw = next((r for r in scenario.book.sheets if r.name.strip() == name), None)
    columns = [
        c.name
        for c in table.sheet.columns
        if c.is_number and c.name in table.letters and (name, c.name) not in _LABELS
    ]
    if raw is None or not columns or not len(table):
        return
    filters = row_addresses(table).to_dict()
    for column in columns:
        at = column_number(table.letters[column])
        for row, value in by_row(table.rows, column):
            line = raw.grid[row - 1]
            if at < len(line) and not is_blank(line[at]):
                yield name, row, column, value, f"{name}.{column}{filters[row]}"
