"""What the schema says of itself, for the catalogues: meanings, units, what a blank cell means."""

from __future__ import annotations

from collections.abc import Iterator

from circflow.data.schema.sheets import SCENARIO_KEYS, SHEETS


def messages() -> Iterator[tuple[str, str]]:
    """The file and the message, of every sheet and column."""
    for sheet in SHEETS:
        yield _FILE, sheet.meaning
    for column in (*SCENARIO_KEYS, *(c for sheet in SHEETS for c in sheet.columns)):
        yield _FILE, column.meaning
        yield _FILE, column.unit
        yield _FILE, column.blank


_FILE = "circflow/data/schema/sheets.py"
