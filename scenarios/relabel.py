"""Names of a scenario in another language, by a label table: `labels/<scenario>.<language>.csv`.

A table has two columns, the name as it stands in the CSV folder and the name in the language. It
holds every name and label with a Latin letter, formulas such as CO2 too; notes, or the words that
they begin with, may stand in it as well. Two names never have one label, so that the scenario
stays the same.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

from circflow.data.changes.address import Address, AddressError, parse_address
from circflow.data.schema.sheets import BY_NAME, Column, is_planners_column
from circflow.data.table import Book, RawSheet

HERE = Path(__file__).parent
FREE = ("name", "description", "region")
"""Keys of the sheet Scenario whose value is a label."""
_LATIN = re.compile("[A-Za-z]")


def tables() -> dict[str, Path]:
    """The label tables by scenario and language: `kuzbass.ru`."""
    return {path.stem: path for path in sorted((HERE / "labels").glob("*.csv"))}


class Labels:
    """A label table, and what was looked up in it."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            _, *rows = csv.reader(file)
        self.labels = dict(rows)
        if len(self.labels) < len(rows) or len(set(self.labels.values())) < len(rows):
            raise ValueError(f"{path.name}: a name or a label stands there twice")
        self.used: set[str] = set()
        self.missing: set[str] = set()

    def name(self, text: str) -> str:
        """The label of a name; without a Latin letter it is its own."""
        if text in self.labels:
            self.used.add(text)
            return self.labels[text]
        if _LATIN.search(text):
            self.missing.add(text)
        return text

    def note(self, text: str) -> str:
        """A note in the language where the table has it; else what it begins with, before a colon
        (how a figure is known)."""
        if text in self.labels:
            return self.name(text)
        known, colon, rest = text.partition(":")
        return f"{self.name(known)}:{rest}" if colon and known in self.labels else text

    def parts(self, text: str, between: str) -> str:
        """The labels of names that stand in one cell."""
        return between.join(self.name(part.strip()) for part in text.split(between.strip()))

    def address(self, text: str) -> str:
        """An address of cells with the labels of the names in its brackets."""
        head, bracket, tail = text.partition("[")
        whole = bracket and "." not in head
        typed = f"{head}.{BY_NAME[head].names[0]}[{tail}" if whole else text
        try:
            found = parse_address(typed)
        except AddressError:
            return text
        sheet = BY_NAME[found.sheet]
        filters = tuple(
            (name, self.cell(sheet[name], value) if name in sheet else value)
            for name, value in found.filters
        )
        told = str(Address(found.sheet, found.column, filters))
        return head + told[told.index("[") :] if whole else told

    def cell(self, column: Column, text: str) -> str:
        """A cell of a column of the schema."""
        if column.name == "parameter":
            return self.address(text)
        if column.name in ("goal", "values", "library_material") or text in column.words:
            return text
        if column.name == "partner" and ">" in text:
            return self.parts(text, " > ")
        if column.name == "key" and "/" in text and text not in self.labels:
            return self.parts(text, "/")
        if column.kind == "names":
            return text if text in column.words else self.parts(text, ", ")
        return self.name(text) if column.kind in ("name", "text") else text


def labelled(book: Book, labels: Labels) -> Book:
    """A book with English names of sheets and columns whose names are those of a table."""
    return replace(book, sheets=tuple(_sheet(raw, labels) for raw in book.sheets))


def _sheet(raw: RawSheet, labels: Labels) -> RawSheet:
    if raw.name not in BY_NAME or raw.name == "Sources":
        return raw
    header = [str(cell or "").strip() for cell in raw.grid[0]]
    rows = []
    for row in raw.grid[1:]:
        mine = list(row)
        for place, text in enumerate(row):
            if isinstance(text, str) and text:
                mine[place] = _cell(raw.name, header[place], row[0], text, labels)
        rows.append(mine)
    return replace(raw, grid=[raw.grid[0], *rows])


def _cell(sheet: str, header: str, first: object, text: str, labels: Labels) -> str:
    if is_planners_column(header):
        return labels.note(text) if header == "note" else text
    if sheet == "Scenario":
        return labels.name(text) if header == "value" and first in FREE else text
    return labels.cell(BY_NAME[sheet][header], text)
