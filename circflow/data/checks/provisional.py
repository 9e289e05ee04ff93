"""A scenario of the rows that are sound, to judge the others by while errors remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from circflow.data.checks.findings import Drafts, among, later
from circflow.data.checks.references import target_column
from circflow.data.coded import Items
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
        rows = _with_references(draft.sheet, draft.sound(), tables)
        if draft.sheet.key:
            rows = rows.take(~later(rows, *draft.sheet.row_key))
        tables[name] = replace(draft.table, rows=rows)
    return Scenario(settings, periods, {name: tables[name] for name in BY_NAME}, book)


def _with_references(sheet: Sheet, rows: Items, tables: Mapping[str, Table]) -> Items:
    """The rows whose names stand in the sheets that they refer to."""
    for column in sheet.columns:
        target = tables.get(column.reference)
        if column.kind == "name" and target is not None:
            good = {None, *target.rows[target_column(target.sheet)].tolist()}
            rows = rows.take(among(rows[column.name], good))
    return rows
