"""Rows added to a scenario file as it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from circflow.data.files.grids import place_of, put
from circflow.data.table import Book, RawSheet

Value = str | float | int | bool | None
Row = Mapping[str, Value]
"""Columns and their values."""


def with_rows(book: Book, rows: Mapping[str, Sequence[Row]]) -> Book:
    """A copy of a book with more rows at the end of its sheets; a sheet or column that it lacks
    is added."""
    sheets = {raw.name.strip(): raw for raw in book.sheets}
    for name, new in rows.items():
        if new:
            old = sheets.get(name, RawSheet(name, []))
            sheets[name] = _longer(old, new, typed=book.typed)
    return replace(book, sheets=tuple(sheets.values()))


def _longer(raw: RawSheet, rows: Sequence[Row], *, typed: bool) -> RawSheet:
    grid = list(raw.grid)
    places = {name: place_of(grid, name) for row in rows for name in row}
    for row in rows:
        grid.append([None] * len(grid[0]))
        for name, value in row.items():
            put(grid, len(grid), places[name], _cell(value, typed=typed))
    return replace(raw, grid=grid)


def _cell(value: object, *, typed: bool) -> object:
    """A value as it would stand in the file."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not typed:
        return str(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
