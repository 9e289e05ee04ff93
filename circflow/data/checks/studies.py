"""Studies and Ranges: addresses that name cells, values that can be read, ranges in order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from circflow.data.cells import BadCellError, parse_cell, parse_number, shorten, written
from circflow.data.changes.address import AddressError, Match, left_behind, match, parse_address
from circflow.data.checks.findings import Drafts, records
from circflow.data.table import Table
from circflow.i18n import say
from circflow.i18n.names import shown_column


@dataclass(frozen=True)
class _Row:
    """One row of Studies or Ranges: what it varies, and how."""

    number: int
    target: Match | None
    change: str
    values: dict[str, Any]


def check_studies(drafts: Drafts) -> None:
    """Studies: from, to, steps or a list of values; Ranges: low not above high."""
    tables = drafts.tables
    studies: dict[object, list[_Row]] = {}
    for row in _rows(drafts, "Studies", tables):
        _check_values(drafts, row)
        studies.setdefault(row.values["study"], []).append(row)
    ranges = _rows(drafts, "Ranges", tables)
    for row in ranges:
        _check_range(drafts, row)
    for rows in studies.values():
        _check_left_behind(drafts, "Studies", rows, tables)
    _check_left_behind(drafts, "Ranges", ranges, tables)


def _check_left_behind(
    drafts: Drafts, sheet: str, rows: list[_Row], tables: dict[str, Table]
) -> None:
    """Rows that vary the smaller size of candidates and leave the greatest as it was."""
    varied = [row for row in rows if row.target is not None]
    cells = [(r.target.sheet, r.target.column.name, r.target.rows) for r in varied if r.target]
    for place, message in left_behind(tables, cells).items():
        drafts.warning(sheet, varied[place].number, "parameter", message)


def _rows(drafts: Drafts, sheet: str, tables: dict[str, Table]) -> list[_Row]:
    rows = []
    for record in records(drafts[sheet].rows):
        number = record["row"]
        target = None
        if drafts[sheet].is_sound(number, "parameter"):
            target = _target(drafts, sheet, number, record["parameter"], tables)
        if target is not None and drafts[sheet].is_sound(number, "change"):
            _check_change(drafts, sheet, number, target, record["change"])
        rows.append(_Row(number, target, record["change"], record))
    return rows


def _target(
    drafts: Drafts, sheet: str, row: int, text: str, tables: dict[str, Table]
) -> Match | None:
    try:
        address = parse_address(text)
        # names that could not be read there have their own errors
        if drafts[address.sheet].broken or drafts[address.sheet].faulty:
            return None
        return match(tables, address)
    except AddressError as problem:
        drafts.wrong_address(sheet, row, problem)
    return None


def _check_change(drafts: Drafts, sheet: str, row: int, target: Match, change: str) -> None:
    if change == "set" or target.column.is_number:
        return
    drafts.error(
        sheet,
        row,
        "change",
        "{name} is not a number, so it cannot be changed by {change}: write set",
        name=target.column.shown,
        change=change,
        expected="set",
        suggestion="set",
    )


def _check_values(drafts: Drafts, row: _Row) -> None:
    steps = ("from", "to", "steps")
    if not drafts["Studies"].is_sound(row.number, *steps, "values"):
        return
    given = [name for name in steps if not _missing(row.values[name])]
    listed = row.values["values"]
    if listed is not None and given:
        drafts.error(
            "Studies",
            row.number,
            "values",
            "the row has a list of values and {given} as well: clear one of the two",
            given=", ".join(given),
            expected=say("either values, or from, to and steps"),
        )
    elif listed is not None:
        _check_list(drafts, row, str(listed))
    elif len(given) < len(steps):
        lacking = next(name for name in steps if name not in given)
        drafts.error(
            "Studies",
            row.number,
            lacking if given else "values",
            say(
                "the row lacks {list}",
                list=", ".join(shown_column("Studies", n) for n in steps if n not in given),
            )
            if given
            else say("the row says no values: fill in from, to and steps, or a list in values"),
            expected=say("either values, or from, to and steps"),
        )


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _check_list(drafts: Drafts, row: _Row, text: str) -> None:
    """Each value of a list can be read: as the cell it is set to, or as a number."""
    parts = [part.strip() for part in text.split(";")]
    for part in parts:
        try:
            if row.change == "set" and row.target is not None:
                value = parse_cell(part, row.target.column)
            else:
                value = parse_number(part) if row.change != "set" else part
            problem = say("a value is blank") if value is None else ""
        except BadCellError as fault:
            problem = fault.message
        if problem:
            drafts.error(
                "Studies",
                row.number,
                "values",
                "{problem}: write the values separated by semicolons",
                problem=problem,
                expected=say("a list such as 0.9; 1; 1.1"),
            )
            return


def _check_range(drafts: Drafts, row: _Row) -> None:
    draft = drafts["Ranges"]
    if not draft.is_sound(row.number, "low", "high"):
        return
    low, high = (float(row.values[name]) for name in ("low", "high"))
    if low > high:
        drafts.error(
            "Ranges",
            row.number,
            "high",
            "high {high} is below low {low}: exchange the two",
            high=written(high),
            low=written(low),
            expected=say("at least {low}", low=written(low)),
        )
    elif row.values["distribution"] == "lognormal" and low <= 0:
        drafts.error(
            "Ranges",
            row.number,
            "low",
            "a lognormal figure is above 0, but low is {low}: raise it, or choose normal",
            low=written(low),
            expected=say("a number above 0"),
        )
    elif row.values["distribution"] == "triangular" and draft.is_sound(row.number, "change"):
        peak = {"factor": 1.0, "add": 0.0}.get(row.change)
        if peak is not None and not low <= peak <= high:
            drafts.warning(
                "Ranges",
                row.number,
                "low",
                "the scenario's own value ({change} {peak:g}) lies outside the range "
                "{shorten}, where a triangle has its peak",
                change=row.change,
                peak=peak,
                shorten=shorten(say("{low} to {high}", low=written(low), high=written(high))),
            )
