"""Addresses of cells: `Sheet.column` or `Sheet.column[column=value, …]`.

A value that holds a comma, a bracket or a quotation mark stands in quotation marks ('…' or "…",
doubled inside). A blank value matches blank cells. `Scenario.discount_rate` names a key of the
sheet Scenario; `row` may be used as a column, for the row number in the sheet. Sheets, columns and
closed words may bear their names in any language; an `Address` has the English ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from circflow.data.cells import BadCellError, is_blank, parse_number, plain, shorten
from circflow.data.cells import parse_flag as _flag
from circflow.data.coded import Flags, Items, by_row, series_of
from circflow.data.errors import WrongTextError
from circflow.data.one_line import first_few
from circflow.data.schema.sheets import BY_NAME, SETTINGS, Column
from circflow.data.suggest import nearest, remark
from circflow.data.table import Cell, Table
from circflow.i18n import ENGLISH, say
from circflow.i18n.names import (
    column_names,
    english_word,
    names_in,
    sheet_names,
    shown_column,
    shown_sheet,
)
from circflow.i18n.names import plain as plain_name

ROW = "row"
"""A filter on the row number in the sheet."""
ASSIGNMENT = re.compile(
    r"""\s*(?P<address>[^\[=*+]+(?:\[(?:"[^"]*"|'[^']*'|[^\]"'])*\])?)\s*"""
    r"(?P<sign>[*+]?=)(?P<value>.*)",
    re.DOTALL,
)
"""A change as it is typed: the address, the sign, and the value behind it."""
_PLAIN_VALUE = re.compile(r"[^\s,\[\]='\"][^,\[\]'\"]*")


class AddressError(WrongTextError):
    """An address that cannot be read or names nothing."""


@dataclass(frozen=True)
class Address:
    """A column of a sheet, and the values that other columns of a row must have: English names."""

    sheet: str
    column: str
    filters: tuple[tuple[str, str], ...] = ()
    as_typed: bool = field(default=True, compare=False)
    """Whether the names were typed in English."""

    def __str__(self) -> str:
        return self.spoken(ENGLISH)

    def spoken(self, language: str, comma: str = ", ") -> str:
        """The address with the names of a language."""
        names = names_in(language)
        head = f"{names.sheet(self.sheet)}.{names.column(self.sheet, self.column)}"
        return head + self.bracket(language, comma)

    def bracket(self, language: str, comma: str) -> str:
        """The filters in their brackets, "" where there are none."""
        names, shown = names_in(language), []
        for name, value in self.filters:
            word = names.word(name, value) if value in _words(self.sheet, name) else value
            shown.append(f"{names.column(self.sheet, name)}={quote(word)}")
        return f"[{comma.join(shown)}]" if shown else ""


@dataclass(frozen=True)
class Match:
    """The cells that an address names: rows (numbers in the sheet) of one column.

    Of the sheet Scenario the column is the key's own, and there is no row where the file leaves
    the key to its default.
    """

    sheet: str
    column: Column
    rows: tuple[int, ...]


def quote(value: str) -> str:
    """A filter's value as it stands in an address."""
    if not value or (_PLAIN_VALUE.fullmatch(value) and value == value.strip()):
        return value
    return '"' + value.replace('"', '""') + '"'


def parse_address(text: str) -> Address:
    """Read an address, its names in any language. Raises `AddressError` where it is none, or names
    no sheet or column."""
    head, bracket, tail = text.strip().partition("[")
    typed_sheet, dot, typed_column = (part.strip() for part in head.partition("."))
    if not dot or not typed_column:
        raise AddressError(
            "{text!r} is not an address: write Sheet.column, or Sheet.column[column=value, …]",
            text=shorten(text),
        )
    sheet = english_sheet(typed_sheet)
    if sheet not in BY_NAME:
        good = nearest(sheet, sheet_names(tuple(BY_NAME)))
        raise AddressError(
            "there is no sheet {sheet!r}{remark}",
            f"{good}.{typed_column}{bracket}{tail}" if good else "",
            sheet=shorten(sheet),
            remark=remark(sheet, good),
        )
    columns = tuple(SETTINGS) if sheet == "Scenario" else BY_NAME[sheet].names
    column = english_column(sheet, columns, typed_column)
    if column not in columns:
        good = nearest(column, column_names(sheet, columns))
        unknown = {"column": shorten(column), "remark": remark(column, good)}
        raise AddressError(
            say("{sheet} has no key {column!r}{remark}", sheet=typed_sheet, **unknown)
            if sheet == "Scenario"
            else say("{sheet} has no column {column!r}{remark}", sheet=typed_sheet, **unknown),
            f"{typed_sheet}.{good}{bracket}{tail}" if good else "",
        )
    as_typed = (sheet, column) == (typed_sheet, typed_column)
    if not bracket:
        return Address(sheet, column, as_typed=as_typed)
    if sheet == "Scenario":
        raise AddressError("a key of Scenario stands alone: leave out the brackets", head.strip())
    filters, typed = _parse_filters(text, sheet, tail.strip())
    return Address(sheet, column, filters, as_typed and filters == typed)


def english_sheet(name: str) -> str:
    """The English name of a sheet; the name itself where it is unknown."""
    if name in BY_NAME:
        return name
    return sheet_names(tuple(BY_NAME)).get(plain_name(name), ("", name))[1]


def english_column(sheet: str, columns: tuple[str, ...], name: str) -> str:
    """The English name of a column; the name itself where it is unknown."""
    if name in columns:
        return name
    return column_names(sheet, columns).get(plain_name(name), ("", name))[1]


def _words(sheet: str, name: str) -> tuple[str, ...]:
    """The closed words of a column that a filter names."""
    if name == ROW:
        return ()
    column = BY_NAME[sheet][name]
    return ("yes", "no") if column.kind == "flag" else column.choices or column.words


def spoken_address(text: str, language: str) -> str:
    """An address with the names of a language; what cannot be read as it stands.

    An address without a column, as `off` takes it, is one as well.
    """
    head, bracket, _ = text.partition("[")
    sheet = english_sheet(head.strip())
    without_column = bool(bracket) and "." not in head and sheet in BY_NAME
    try:
        address = parse_address(
            text.replace(head, f"{sheet}.{BY_NAME[sheet].names[0]}", 1) if without_column else text
        )
    except AddressError:
        return text
    if language == ENGLISH and address.as_typed and (not without_column or sheet == head.strip()):
        return text
    comma = ", " if ", " in text else ","
    if without_column:
        return names_in(language).sheet(sheet) + address.bracket(language, comma)
    return address.spoken(language, comma)


def spoken_change(text: str, language: str) -> str:
    """A change (`Markets.price[material=slag]*=0.9`) with the names of a language."""
    change = ASSIGNMENT.fullmatch(text)
    return spoken_address(change[1], language) + change[2] + change[3] if change else text


Filters = tuple[tuple[str, str], ...]


def _parse_filters(text: str, sheet: str, tail: str) -> tuple[Filters, Filters]:
    """The filters in brackets, in English and as they are typed."""
    filters: list[tuple[str, str]] = []
    typed: list[tuple[str, str]] = []
    rest = tail
    while True:
        name, equals, rest = rest.partition("=")
        name = name.strip()
        if not equals:
            raise AddressError(
                "the brackets of {text!r} do not hold column=value", text=shorten(text)
            )
        names = (*BY_NAME[sheet].names, ROW)
        column = english_column(sheet, names, name)
        if column not in names:
            good = nearest(name, column_names(sheet, names))
            raise AddressError(
                "{sheet} has no column {column!r}{remark}",
                text.replace(f"{name}=", f"{good}=", 1) if good else "",
                sheet=sheet,
                column=shorten(name),
                remark=remark(name, good),
            )
        value, rest = _parse_value(text, rest.lstrip())
        filters.append((column, english_word(column, _words(sheet, column), value)))
        typed.append((name, value))
        if rest.startswith(","):
            rest = rest[1:]
        elif rest == "]":
            return tuple(filters), tuple(typed)
        else:
            raise AddressError(
                "the brackets of {text!r} must end the address with ]", text=shorten(text)
            )


def _parse_value(text: str, rest: str) -> tuple[str, str]:
    """A filter's value, and what follows it."""
    if rest[:1] in ("'", '"'):
        mark = rest[0]
        quoted = re.match(rf"{mark}((?:[^{mark}]|{mark}{mark})*){mark}\s*(?=[,\]])", rest)
        if not quoted:
            raise AddressError(
                "a quotation mark {mark} is not closed in {text!r}", mark=mark, text=shorten(text)
            )
        return quoted[1].replace(mark * 2, mark).strip(), rest[quoted.end() :]
    end = re.search(r"[,\]]", rest)
    if not end:
        raise AddressError("the closing bracket ] is missing in {text!r}", text=shorten(text))
    return rest[: end.start()].strip(), rest[end.start() :]


def match(tables: Mapping[str, Table], address: Address) -> Match:
    """The cells that an address names. Raises `AddressError` where no row matches."""
    rows = tables[address.sheet].rows
    if address.sheet == "Scenario":
        first = rows["row"][rows["key"] == address.column][:1]
        return Match(address.sheet, SETTINGS[address.column], tuple(first.tolist()))
    kept = np.ones(len(rows), dtype=bool)
    for column, value in address.filters:
        fits = _fits(rows, address.sheet, column, value)
        if not fits.any():
            raise _no_value(rows, address, column, value)
        kept &= fits
    if not kept.any():
        if not address.filters:
            raise AddressError("the sheet {sheet} has no rows", sheet=address.sheet)
        raise AddressError(
            "no row of {sheet} has {filters}",
            sheet=shown_sheet(address.sheet),
            filters=say(" and ").join(
                say("{column} {value!r}", column=shown_column(address.sheet, c), value=shorten(v))
                for c, v in address.filters
            ),
        )
    named = BY_NAME[address.sheet][address.column]
    return Match(address.sheet, named, tuple(rows["row"][kept].tolist()))


def _fits(rows: Items, sheet: str, name: str, value: str) -> Flags:
    """Which rows have the value in a column."""
    cells = rows[name]
    if name == ROW:
        return np.asarray(cells.astype(str) == value)
    column = BY_NAME[sheet][name]
    if is_blank(value):
        blank = np.asarray(pd.isna(cells))
        return blank if column.default is None else blank | (cells == column.default)
    try:
        if column.is_number:
            return np.asarray(cells == parse_number(value))
        if column.kind == "flag":
            return np.asarray(cells == _flag(value))
    except BadCellError as problem:
        raise AddressError(f"{name}={value}: {problem.message}") from None
    return np.asarray(cells == value)


def _no_value(rows: Items, address: Address, column: str, value: str) -> AddressError:
    message = say(
        "no row of {sheet} has {column} {value!r}",
        sheet=address.sheet,
        column=column,
        value=shorten(value),
    )
    if column == ROW or BY_NAME[address.sheet][column].kind in ("number", "integer", "flag"):
        return AddressError(message)
    good = nearest(value, (str(v) for v in rows[column].tolist() if v is not None))
    if not good:
        return AddressError(message)
    better = tuple((c, good if (c, v) == (column, value) else v) for c, v in address.filters)
    return AddressError(
        message + remark(value, good), str(Address(address.sheet, address.column, better))
    )


def find_cells(tables: Mapping[str, Table], address: Address) -> list[Cell]:
    """The cells that an address names, in the order of the sheet.

    A cell whose column the file lacks has no letter; a key of Scenario that the file lacks is
    the cell in the first free row. Raises `AddressError` where no row matches.
    """
    matched = match(tables, address)
    table = tables[address.sheet]
    column = "value" if address.sheet == "Scenario" else address.column
    rows = matched.rows or (int(table.rows["row"].max(initial=1)) + 1,)
    return [table.cell(row, column) for row in rows]


def row_addresses(table: Table) -> pd.Series:
    """For every row the filter that names it alone, in brackets ("" in the sheet Scenario).

    The filled key cells, then blank ones, then the row number, as far as needed.
    """
    sheet, frame = table.sheet, table.frame
    names = [*(_LIKE_KEYS[sheet.name] if not sheet.key else ()), *sheet.row_key]
    key = frame[names].astype(object)
    filled = key.notna().to_numpy(bool)
    text = series_of([""] * len(frame), frame.index)
    alone = np.zeros(len(frame), dtype=bool)
    for pattern in np.unique(filled, axis=0):
        used = [name for name, flag in zip(names, pattern, strict=True) if flag]
        if used:
            members = (filled == pattern).all(axis=1)
            alone[members] = ~frame.duplicated(used, keep=False).to_numpy(bool)[members]
    exact = ~key.fillna("\x1f").duplicated(keep=False)
    records = zip(frame.index, key.itertuples(index=False), alone, exact, strict=True)
    for row, cells, is_alone, is_exact in records:
        parts = [
            f"{name}={quote(plain(cell) if isinstance(cell, float) else cell or '')}"
            for name, cell in zip(names, cells, strict=True)
            if cell is not None or not is_alone
        ]
        if not is_exact:
            parts.append(f"{ROW}={row}")
        text[row] = "[" + ", ".join(parts) + "]"
    return text


_LIKE_KEYS = {
    "Markets": ("site", "material"),
    "Recipes": ("technology", "recipe", "role", "material", "group"),
    "BlendLimits": ("technology", "recipe", "group", "property", "material"),
    "Studies": ("study", "parameter"),
    "Ranges": ("parameter",),
    "FutureChanges": ("future", "parameter"),
}
"""Columns that mostly tell rows apart in sheets without a key."""


_LARGER = {
    "capex_million": "capex_max_million",
    "fixed_cost_million_per_year": "fixed_cost_max_million_per_year",
    "capacity_per_year": "capacity_max_per_year",
}
"""Columns of the smaller size of a candidate, and those of its greatest."""


def left_behind(
    tables: Mapping[str, Table], varied: Iterable[tuple[str, str, Iterable[int]]]
) -> dict[int, str]:
    """What a change of a candidate's smaller size leaves as it was at the greatest: a sentence by
    place of the change. `varied`: sheet, column and rows of every change made together."""
    changes = [(sheet, column, set(rows)) for sheet, column, rows in varied]
    units = tables["Units"].rows
    sentences = {}
    for place, (sheet, column, rows) in enumerate(changes):
        larger = _LARGER.get(column) if sheet == "Units" else None
        if larger is None:
            continue
        moved = set().union(*(r for s, c, r in changes if s == sheet and c == larger))
        sized = units.take((units["status"] == "candidate") & ~np.isnan(units[larger]))
        kept = [unit for row, unit in by_row(sized, "unit") if row in rows - moved]
        if kept:
            names = first_few([repr(shorten(unit)) for unit in kept], 3)
            sentences[place] = say(
                "{column} is the smaller size's alone, {larger} of {names} stays: vary "
                "Units.{larger} as well",
                column=column,
                larger=larger,
                names=names,
            )
    return sentences
