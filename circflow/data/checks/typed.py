"""Raw cells to typed columns: what cannot be read, what is missing, what the defaults fill in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from circflow.data.cells import BadCellError, Parsed, parse_cell, parse_column
from circflow.data.checks.findings import Draft, Drafts, Findings, later, listed
from circflow.data.checks.structure import RawTable
from circflow.data.coded import Column as Cells
from circflow.data.coded import Items, by_row, objects
from circflow.data.scenario import Period, Settings, make_periods, make_settings
from circflow.data.schema.measures import canonical
from circflow.data.schema.sheets import (
    MAIN,
    ROAD,
    SETTINGS,
    SHEETS,
    Column,
    Sheet,
)
from circflow.data.table import Table, blank_cells, blank_rows
from circflow.i18n import say
from circflow.i18n.names import english_word, shown_column


def read_drafts(raw: Mapping[str, RawTable], findings: Findings) -> Drafts:
    """Every sheet typed, with Periods, Members and Modes filled in where they are absent."""
    drafts = typed_drafts(raw, findings, SHEETS)
    _name_in_english(drafts)
    _fill_in(drafts)
    return drafts


def typed_drafts(
    raw: Mapping[str, RawTable], findings: Findings, sheets: Sequence[Sheet]
) -> Drafts:
    """The sheets typed, each as far as it can be read."""
    return Drafts((_typed(raw[sheet.name], findings) for sheet in sheets), findings)


def _typed(raw: RawTable, findings: Findings) -> Draft:
    sheet = raw.sheet
    cells: dict[str, Cells] = {"row": np.array(raw.rows, dtype=np.intp)}
    parsed = {name: parse_column(values, sheet[name]) for name, values in raw.columns.items()}
    for column in sheet.columns:
        read = parsed.get(column.name)
        cells[column.name] = blank_cells(column, len(raw.rows)) if read is None else read.values
    if sheet.name == "SynergyPartners":
        flows = zip(cells["kind"], cells["partner"], strict=True)
        cells["partner"] = objects(_tidy(name) if kind == "flow" else name for kind, name in flows)
    if sheet.name == "Materials":
        cells["unit"] = objects(canonical(unit) for unit in cells["unit"])
    table = Table(sheet, Items(cells), raw.letters, raw.native)
    draft = Draft(table, findings, broken=raw.broken, title=raw.title)
    for column in sheet.columns:
        if column.name in parsed:
            _report(draft, column, raw, parsed[column.name])
        elif column.required and raw.columns:
            draft.faulty[column.name] = set(raw.rows)
    return draft


def _report(draft: Draft, column: Column, raw: RawTable, parsed: Parsed) -> None:
    """Note cells that cannot be read and required ones that are blank."""
    for position, problem in parsed.bad.items():
        draft.error(
            raw.rows[position],
            column.name,
            problem.message,
            found=raw.columns[column.name][position],
            expected=column.expected,
            suggestion=problem.suggestion,
        )
    if column.required and column.default is None:
        for row in np.array(raw.rows, dtype=int)[parsed.blank].tolist():
            draft.error(
                row,
                column.name,
                "{name} is blank: fill it in, or clear the row",
                name=column.shown,
                found="",
                expected=column.expected,
            )


def _tidy(flow: str | None) -> str | None:
    """A partner that is a flow, without spaces around `>`."""
    return flow and ">".join(part.strip() for part in flow.split(">"))


def _name_in_english(drafts: Drafts) -> None:
    """Names that circflow gives itself, where a planner writes them in another language: the mode
    of a scenario without Modes, and a recipe in the key of an emission factor."""
    factors = drafts["EmissionFactors"].rows
    kinds, keys = factors["kind"].tolist(), factors["key"].tolist()
    if not len(drafts["Modes"].rows):
        modes = drafts["Links"].rows["mode"].tolist()
        _fill(drafts["Links"], "mode", [m and english_word("mode", (ROAD,), m) for m in modes])
        keys = [
            english_word("mode", (ROAD,), key) if key and kind == "transport" else key
            for kind, key in zip(kinds, keys, strict=True)
        ]
    for place, (kind, key) in enumerate(zip(kinds, keys, strict=True)):
        technology, slash, recipe = str(key or "").partition("/")
        if slash and kind == "recipe" and english_word("recipe", (MAIN,), recipe) == MAIN:
            keys[place] = f"{technology}/{MAIN}"
    _fill(drafts["EmissionFactors"], "key", keys)


def _fill_in(drafts: Drafts) -> None:
    """What holds where Periods, Members or Modes has no rows."""
    for name, column, names in (
        ("Periods", "period", ["1"]),
        ("Members", "member", listed(drafts["Sites"].rows["member"])),
        ("Modes", "mode", [ROAD]),
    ):
        if not len(drafts[name].rows) and not drafts[name].broken:
            _fill(drafts[name], column, names)


def _fill(draft: Draft, column: str, names: list[str]) -> None:
    """Write names into a column, of rows of their own where the sheet has none."""
    rows = draft.rows if len(draft.rows) else blank_rows(draft.sheet, len(names))
    draft.table = replace(draft.table, rows=rows.plus(**{column: objects(names)}))


def read_settings(drafts: Drafts) -> Settings:
    """The sheet Scenario, typed; what cannot be read is noted and takes its default."""
    draft = drafts["Scenario"]
    given: dict[str, object] = {}
    place: dict[str, int] = {}
    for row, key, value in by_row(draft.rows, "key", "value"):
        column = SETTINGS.get(key)
        if column is None or key in place:
            continue
        place[key] = row
        try:
            if draft.is_sound(row, "value"):
                given[key] = parse_cell(value, column)
        except BadCellError as problem:
            drafts["Scenario"].error(
                row,
                "value",
                f"{shown_column('Scenario', key)}: {problem.message}",
                expected=column.expected,
                suggestion=problem.suggestion,
            )
    if given.get("name") is None and not draft.broken:
        _no_name(drafts, place.get("name"))
    return make_settings(given)


def _no_name(drafts: Drafts, row: int | None) -> None:
    message = say("the scenario has no name: give the key name a value")
    if row is None:
        cell = drafts["Scenario"].cell(0)
        drafts.findings.error(cell, message, expected=say("a row with the key name and a title"))
    elif drafts["Scenario"].is_sound(row, "value"):
        drafts["Scenario"].error(row, "value", message, expected=say("a title"))


def read_periods(drafts: Drafts, rate: float) -> tuple[Period, ...]:
    """The periods in order, as far as they could be read."""
    rows = drafts["Periods"].sound("period", "years")
    rows = rows.take(~later(rows, "period"))
    periods = make_periods(rows["period"].tolist(), rows["years"].astype(int).tolist(), rate)
    # where none could be read the other checks still need one
    return periods or make_periods(["1"], [1], rate)
