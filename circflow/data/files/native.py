"""Workbooks with names in the planner's language: read into English ones, and written in either.

A `Book` in memory has the English names of sheets and columns; beside them it keeps what they are
called in the file, so that it is written as it was. Words and addresses in cells stay as they are
typed: `parse_cell` and `parse_address` know them in every language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from circflow.data.changes.address import spoken_address
from circflow.data.schema.sheets import SETTINGS, SHEETS, Column, Sheet, is_planners_column
from circflow.data.table import Book, RawSheet
from circflow.i18n.language import ENGLISH
from circflow.i18n.names import (
    column_names,
    english_word,
    names_in,
    plain,
    planners_marks,
    sheet_names,
)


def english(book: Book, sheets: Sequence[Sheet] = SHEETS) -> Book:
    """A book as read, its sheets and columns under their English names."""
    known = {sheet.name: sheet for sheet in sheets}
    renamed = tuple(_english_sheet(raw, known) for raw in book.sheets)
    titles = {raw.title: raw.name for raw in renamed if raw.title}
    warnings = tuple(
        replace(w, cell=replace(w.cell, sheet=titles[name], title=name))
        if (name := w.cell.sheet.strip()) in titles
        else w
        for w in book.warnings
    )
    return replace(book, sheets=renamed, warnings=warnings)


def _english_sheet(raw: RawSheet, known: dict[str, Sheet]) -> RawSheet:
    title = raw.name.strip()
    name, language = title, ""
    if title not in known:
        language, name = sheet_names(tuple(known)).get(plain(title), ("", title))
    if name not in known or not raw.grid:
        named = {"name": name, "title": title} if name != title else {}
        return replace(raw, language=language, **named)  # type: ignore[arg-type]
    head, headers = list(raw.grid[0]), dict[str, str]()
    for place, cell in enumerate(head):
        header = cell.strip() if isinstance(cell, str) else ""
        if not header or header in known[name] or is_planners_column(header):
            continue
        spoken, column = _english_column(known[name], header)
        if column != header:
            head[place] = column
            headers.setdefault(column, header)
            language = language or spoken
    if name == title and not headers:
        return raw
    shown = "" if name == title else title
    return replace(
        raw,
        name=name,
        grid=[head, *raw.grid[1:]],
        title=shown,
        headers=headers,
        language=language,
    )


def _english_column(sheet: Sheet, header: str) -> tuple[str, str]:
    """The language and the English name of a header; the header itself where it is unknown."""
    known = column_names(sheet.name, sheet.names).get(plain(header))
    if known is not None:
        return known
    for native, mark in planners_marks().items():
        if header.casefold().startswith(native):
            return "", mark + header[len(native) :]
    return "", header


# --------------------------------------------------------------------------- in a language


def native(book: Book, language: str, sheets: Sequence[Sheet] = SHEETS) -> Book:
    """A book whose sheets, columns, closed words and addresses are written in a language."""
    known = {sheet.name: sheet for sheet in sheets}
    return replace(
        book,
        sheets=tuple(
            _native_sheet(raw, known[raw.name], language) if raw.name in known else raw
            for raw in book.sheets
        ),
    )


def _native_sheet(raw: RawSheet, sheet: Sheet, language: str) -> RawSheet:
    names = names_in(language)
    header = [cell.strip() if isinstance(cell, str) else "" for cell in (raw.grid or [[]])[0]]
    grid = [list(row) for row in raw.grid]
    for place, name in enumerate(header):
        if name in sheet:
            for row in grid[1:]:
                if place < len(row) and isinstance(row[place], str):
                    row[place] = _native_cell(row, place, header, sheet[name], language)
    headers = {}
    for name in header:
        native = names.column(sheet.name, name) if name in sheet else names.marked(name)
        if native != name:
            headers[name] = native
    title = names.sheet(sheet.name)
    return replace(
        raw,
        grid=grid,
        title="" if title == sheet.name else title,
        headers=headers,
        language="" if language == ENGLISH else language,
    )


def _native_cell(
    row: list[object], place: int, header: list[str], column: Column, language: str
) -> object:
    text = str(row[place]).strip()
    if column.sheet == "Scenario" and column.name == "value" and "key" in header:
        at = header.index("key")
        key = english_word("key", tuple(SETTINGS), str(row[at] if at < len(row) else "").strip())
        column = SETTINGS.get(key, column)
    native = native_value(column, text, language)
    return row[place] if not native or native.casefold() == text.casefold() else native


def native_value(column: Column, text: str, language: str) -> str:
    """A closed word or an address of cells in a language; "" where the cell holds another text."""
    names = names_in(language)
    if column.name == "parameter":
        return spoken_address(text, language)
    if column.kind == "flag":
        word = english_word("", ("yes", "no"), text.casefold())
        return names.word("", word) if word in ("yes", "no") else ""
    words = column.choices or column.words
    word = english_word(column.name, words, text)
    known = word in words or f"{word.partition(':')[0]}:" in words
    return names.word(column.name, word) if known else ""
