"""Raw cells to typed columns: what cannot be read, what is missing, what the defaults fill in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from circflow.data.cells import BadCellError, Parsed, parse_cell, parse_column
from circflow.data.checks.findings import Draft, Drafts, Findings
from circflow.data.checks.structure import RawTable
from circflow.data.scenario import Period, Settings, make_periods
from circflow.data.schema.measures import canonical
from circflow.data.schema.sheets import (
    BY_NAME,
    MAIN,
    ROAD,
    SETTINGS,
    SHEETS,
    Column,
    Sheet,
)
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
    draft = Draft(sheet, pd.DataFrame(), raw.letters, broken=raw.broken)
    draft.title, draft.native = raw.title, raw.native
    if not raw.rows and not raw.columns:  # most sheets of most scenarios
        draft.frame = _without_rows(sheet).copy(deep=False)
        return draft
    data: dict[str, pd.Series] = {}
    index = pd.Index(raw.rows, dtype="int64", name="row")
    for column in sheet.columns:
        values = raw.columns.get(column.name)
        parsed = parse_column([None] * len(raw.rows) if values is None else values, column)
        data[column.name] = pd.Series(parsed.values, index=index, dtype=parsed.values.dtype)
        if values is not None:
            _report(draft, column, raw, parsed, findings)
        elif column.required:
            draft.faulty[column.name] = set(raw.rows)
    draft.frame = pd.DataFrame(data, index=index)
    if sheet.name == "SynergyPartners":
        _tidy_flows(draft)
    if sheet.name == "Materials":
        units = draft.frame["unit"]
        draft.frame["unit"] = pd.Series(
            [canonical(unit) for unit in units], index=index, dtype=object
        )
    return draft


def _report(
    draft: Draft, column: Column, raw: RawTable, parsed: Parsed, findings: Findings
) -> None:
    """Note cells that cannot be read and required ones that are blank."""
    for position, problem in parsed.bad.items():
        row = raw.rows[position]
        findings.error(
            draft.cell(row, column.name),
            problem.message,
            found=raw.columns[column.name][position],
            expected=column.expected,
            suggestion=problem.suggestion,
        )
        draft.spoil(row, column.name)
    if column.required and column.default is None:
        for row in np.array(raw.rows, dtype=int)[parsed.blank].tolist():
            findings.error(
                draft.cell(row, column.name),
                "{name} is blank: fill it in, or clear the row",
                name=column.shown,
                expected=column.expected,
            )
            draft.spoil(row, column.name)


def _tidy_flows(draft: Draft) -> None:
    """Leave out the spaces around `>` in partners that are flows."""
    frame = draft.frame
    flows = (frame["kind"] == "flow") & frame["partner"].notna()
    frame.loc[flows, "partner"] = [
        ">".join(part.strip() for part in text.split(">")) for text in frame.loc[flows, "partner"]
    ]


@cache
def _without_rows(sheet: Sheet) -> pd.DataFrame:
    return empty_frame(sheet)


def empty_frame(sheet: Sheet, rows: int = 0) -> pd.DataFrame:
    """A sheet's columns with defaults only, its rows numbered from 2."""
    index = pd.RangeIndex(2, 2 + rows, name="row").astype("int64")
    data = {}
    for column in sheet.columns:
        values = parse_column([None] * rows, column).values
        data[column.name] = pd.Series(values, index=index, dtype=values.dtype)
    return pd.DataFrame(data, index=index)


def _name_in_english(drafts: Drafts) -> None:
    """Names that circflow gives itself, where a planner writes them in another language: the mode
    of a scenario without Modes, and a recipe in the key of an emission factor."""
    factors = drafts["EmissionFactors"].frame
    kinds, keys = list(factors["kind"]), list(factors["key"])
    if not len(drafts["Modes"].frame):
        links = drafts["Links"].frame
        links["mode"] = pd.Series(
            [m and english_word("mode", (ROAD,), m) for m in links["mode"]], links.index, object
        )
        keys = [
            english_word("mode", (ROAD,), key) if key and kind == "transport" else key
            for kind, key in zip(kinds, keys, strict=True)
        ]
    for place, (kind, key) in enumerate(zip(kinds, keys, strict=True)):
        technology, slash, recipe = str(key or "").partition("/")
        if slash and kind == "recipe" and english_word("recipe", (MAIN,), recipe) == MAIN:
            keys[place] = f"{technology}/{MAIN}"
    factors["key"] = pd.Series(keys, factors.index, object)


def _fill_in(drafts: Drafts) -> None:
    """What holds where Periods, Members or Modes has no rows."""
    members = list(drafts["Sites"].frame["member"].dropna().unique())
    for name, column, names in (
        ("Periods", "period", ["1"]),
        ("Members", "member", members),
        ("Modes", "mode", [ROAD]),
    ):
        draft = drafts[name]
        if len(draft.frame) or draft.broken:
            continue
        frame = empty_frame(BY_NAME[name], len(names))
        frame[column] = pd.Series(names, index=frame.index, dtype=object)
        draft.frame = frame


def read_settings(drafts: Drafts) -> Settings:
    """The sheet Scenario, typed; what cannot be read is noted and takes its default."""
    draft = drafts["Scenario"]
    frame = draft.frame
    given: dict[str, object] = {}
    place: dict[str, int] = {}
    for row, key, value in zip(frame.index, frame["key"], frame["value"], strict=True):
        column = SETTINGS.get(key)
        if column is None or key in place:
            continue
        place[key] = row
        try:
            if draft.is_sound(row, "value"):
                given[key] = parse_cell(value, column)
        except BadCellError as problem:
            drafts.error(
                "Scenario",
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
        drafts.error("Scenario", row, "value", message, expected=say("a title"))


def make_settings(given: Mapping[str, object]) -> Settings:
    """Settings from typed values by key; blank ones take their defaults."""
    values = {key: value for key, value in given.items() if value is not None}
    values.setdefault("name", "")
    if "start_year" in values:
        values["start_year"] = int(values["start_year"])  # type: ignore[call-overload]
    return Settings(**values)  # type: ignore[arg-type]


def read_periods(drafts: Drafts, rate: float) -> tuple[Period, ...]:
    """The periods in order, as far as they could be read."""
    rows = drafts["Periods"].sound("period", "years").drop_duplicates("period")
    periods = make_periods(rows["period"], rows["years"].astype(int), rate)
    # where none could be read the other checks still need one
    return periods or make_periods(["1"], [1], rate)
