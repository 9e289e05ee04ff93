"""Studies and Ranges: addresses that name cells, values that can be read, ranges in order."""

from __future__ import annotations

from typing import Any

from circflow.data.cells import BadCellError, parse_cell, parse_number, shorten, written
from circflow.data.changes.address import AddressError, Match, left_behind, match, parse_address
from circflow.data.checks.findings import Draft, Drafts, plain_value, records
from circflow.i18n import say
from circflow.i18n.names import shown_column

_Row = dict[str, Any]
"""One row of Studies or Ranges by column, with the cells that it varies: `target`, None where they
are not known."""


def check_studies(drafts: Drafts) -> None:
    """Studies: from, to, steps or a list of values; Ranges: low not above high."""
    studies: dict[object, list[_Row]] = {}
    for row in _rows(drafts, drafts["Studies"]):
        _check_values(drafts["Studies"], row)
        studies.setdefault(row["study"], []).append(row)
    ranges = _rows(drafts, drafts["Ranges"])
    for row in ranges:
        _check_range(drafts["Ranges"], row)
    for rows in studies.values():
        _check_left_behind(drafts, drafts["Studies"], rows)
    _check_left_behind(drafts, drafts["Ranges"], ranges)


def _check_left_behind(drafts: Drafts, draft: Draft, rows: list[_Row]) -> None:
    """Rows that vary the smaller size of candidates and leave the greatest as it was."""
    varied = [row for row in rows if row["target"] is not None]
    targets = [row["target"] for row in varied]
    cells = [(target.sheet, target.column.name, target.rows) for target in targets]
    for place, message in left_behind(drafts.tables, cells).items():
        draft.warning(varied[place]["row"], "parameter", message)


def _rows(drafts: Drafts, draft: Draft) -> list[_Row]:
    rows = records(draft.rows)
    for row in rows:
        row["target"] = None
        if draft.is_sound(row["row"], "parameter"):
            row["target"] = _target(drafts, draft, row)
        if row["target"] is not None and draft.is_sound(row["row"], "change"):
            _check_change(draft, row)
    return rows


def _target(drafts: Drafts, draft: Draft, row: _Row) -> Match | None:
    try:
        address = parse_address(row["parameter"])
        # names that could not be read there have their own errors
        if drafts[address.sheet].broken or drafts[address.sheet].faulty:
            return None
        return match(drafts.tables, address)
    except AddressError as problem:
        draft.wrong_address(row["row"], problem)
    return None


def _check_change(draft: Draft, row: _Row) -> None:
    if row["change"] != "set" and not row["target"].column.is_number:
        draft.error(
            row["row"],
            "change",
            "{name} is not a number, so it cannot be changed by {change}: write set",
            name=row["target"].column.shown,
            change=row["change"],
            expected="set",
            suggestion="set",
        )


def _check_values(draft: Draft, row: _Row) -> None:
    steps = ("from", "to", "steps")
    if not draft.is_sound(row["row"], *steps, "values"):
        return
    given = [name for name in steps if plain_value(row[name]) is not None]
    listed = row["values"]
    if listed is not None and given:
        draft.error(
            row["row"],
            "values",
            "the row has a list of values and {given} as well: clear one of the two",
            given=", ".join(given),
            expected=say("either values, or from, to and steps"),
        )
    elif listed is not None:
        _check_list(draft, row, str(listed))
    elif len(given) < len(steps):
        lacking = next(name for name in steps if name not in given)
        draft.error(
            row["row"],
            lacking if given else "values",
            say(
                "the row lacks {list}",
                list=", ".join(shown_column("Studies", n) for n in steps if n not in given),
            )
            if given
            else say("the row says no values: fill in from, to and steps, or a list in values"),
            expected=say("either values, or from, to and steps"),
        )


def _check_list(draft: Draft, row: _Row, text: str) -> None:
    """Each value of a list can be read: as the cell it is set to, or as a number."""
    parts = [part.strip() for part in text.split(";")]
    for part in parts:
        try:
            if row["change"] == "set" and row["target"] is not None:
                value = parse_cell(part, row["target"].column)
            else:
                value = parse_number(part) if row["change"] != "set" else part
            problem = say("a value is blank") if value is None else ""
        except BadCellError as fault:
            problem = fault.message
        if problem:
            draft.error(
                row["row"],
                "values",
                "{problem}: write the values separated by semicolons",
                problem=problem,
                expected=say("a list such as 0.9; 1; 1.1"),
            )
            return


def _check_range(draft: Draft, row: _Row) -> None:
    if not draft.is_sound(row["row"], "low", "high"):
        return
    low, high = row["low"], row["high"]
    if low > high:
        draft.error(
            row["row"],
            "high",
            "high {high} is below low {low}: exchange the two",
            high=written(high),
            low=written(low),
            expected=say("at least {low}", low=written(low)),
        )
    elif row["distribution"] == "lognormal" and low <= 0:
        draft.error(
            row["row"],
            "low",
            "a lognormal figure is above 0, but low is {low}: raise it, or choose normal",
            low=written(low),
            expected=say("a number above 0"),
        )
    elif row["distribution"] == "triangular" and draft.is_sound(row["row"], "change"):
        peak = {"factor": 1.0, "add": 0.0}.get(row["change"])
        if peak is not None and not low <= peak <= high:
            draft.warning(
                row["row"],
                "low",
                "the scenario's own value ({change} {peak:g}) lies outside the range "
                "{shorten}, where a triangle has its peak",
                change=row["change"],
                peak=peak,
                shorten=shorten(say("{low} to {high}", low=written(low), high=written(high))),
            )
