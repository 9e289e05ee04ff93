"""A scenario of the rows that are sound, to judge the others by while errors remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from circflow.data.checks.findings import Drafts, comparable
from circflow.data.checks.references import target_column
from circflow.data.scenario import Period, Scenario, Settings
from circflow.data.schema.sheets import BY_NAME, Sheet
from circflow.data.table import Book, Table

_FIRST = ("Periods", "Members", "Sites", "Modes", "Materials", "Recipes", "Units")
"""Sheets that others refer to."""


def provisional(
    drafts: Drafts, settings: Settings, periods: tuple[Period, ...], book: Book
) -> Scenario:
    """A scenario without the rows that hold an error, or refer to one that does."""
    sheets = [*_FIRST, *(name for name in BY_NAME if name not in _FIRST)]
    tables: dict[str, Table] = {}
    for name in sheets:
        draft = drafts[name]
        frame = _with_references(draft.sheet, draft.sound(), tables)
        if draft.sheet.key:
            frame = frame[~comparable(frame, draft.sheet.whole_key).duplicated()]
        tables[name] = Table(draft.sheet, frame, draft.letters, draft.native)
    return Scenario(settings, periods, {name: tables[name] for name in BY_NAME}, book)


def _with_references(
    sheet: Sheet, frame: pd.DataFrame, tables: Mapping[str, Table]
) -> pd.DataFrame:
    """The rows whose names stand in the sheets that they refer to."""
    for column in sheet.columns:
        target = tables.get(column.reference)
        if column.kind == "name" and target is not None:
            good = target.frame[target_column(target.sheet)]
            frame = frame[frame[column.name].isna() | frame[column.name].isin(good)]
    return frame


def with_frame(scenario: Scenario, sheet: str, frame: pd.DataFrame) -> Scenario:
    """A copy of the scenario in which one sheet has other rows."""
    tables = {**scenario.tables, sheet: replace(scenario.tables[sheet], frame=frame)}
    return replace(scenario, tables=tables)
