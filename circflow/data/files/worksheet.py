"""One worksheet of an Excel file: a stream of XML turned into a grid with true addresses.

The part is parsed by expat as a stream. The declared dimension is ignored, blank formatted cells
take no memory, and the number of cells is bounded; a DOCTYPE, and so every entity of the file's
own, is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Literal, NoReturn
from xml.parsers import expat

from circflow.data.cells import typed_number
from circflow.data.files.grids import MAX_GRID_CELLS, column_letter, column_number, file_error
from circflow.data.schema.sheets import is_planners_sheet
from circflow.data.table import Cell, CellFault
from circflow.i18n import mark

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""Size of an Excel sheet."""
MAX_MERGED_CELLS = 2_000_000
"""Most cells of one sheet that lie in merged ranges."""
DAMAGED = mark("the workbook is damaged: open it in Excel, save it anew as .xlsx and try again")

DateKind = Literal["date", "datetime", "time"]

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_ENDLESS = re.compile(r"\s*[+-]?inf(?:inity)?\s*", re.IGNORECASE)
"""A number that Excel never writes, and other programs do: read as text, refused at its cell."""
_LAST_DAY = 2_958_465
"""31 December 9999."""


# --------------------------------------------------------------------------- XML


def parse_xml(
    stream: IO[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], object] | None = None,
) -> None:
    """Parse a part; names of elements and attributes are 'namespace local'.

    Raises `ScenarioError` where the part has a DOCTYPE, `ExpatError` where it is not XML.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.ParseFile(stream)


def _refuse_doctype(*_: object) -> NoReturn:
    raise file_error("the workbook declares XML entities, which no Excel file does: it is not read")


def local_name(name: str) -> str:
    """An element's name without its namespace."""
    return name.rpartition(" ")[2]


def cell_text(raw: str) -> str | None:
    """A text as the planner typed it; None if it is only white space."""
    text = unescaped(raw)
    return None if not text or text.isspace() else text


def unescaped(text: str) -> str:
    """Undo Excel's `_x000D_` for characters that XML cannot hold (NUL and surrogates stay)."""
    if "_x" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        code = int(match[1], 16)
        return match[0] if not code or 0xD800 <= code <= 0xDFFF else chr(code)

    return _ESCAPE.sub(character, text)


# --------------------------------------------------------------------------- the sheet


@dataclass
class SharedParts:
    """What the sheets of a workbook share."""

    texts: list[str | None] = field(default_factory=list)
    """The shared strings; None where blank."""
    dates: dict[str, DateKind] = field(default_factory=dict)
    """Cell styles (their number, as text) that show a number as a date."""
    epoch_1904: bool = False


class SheetReader:
    """Collects the cells of one worksheet, row by row."""

    def __init__(self, name: str, shared: SharedParts, origin: str) -> None:
        self.name = name
        self.shared = shared
        self.origin = origin
        self.rows: dict[int, list[object]] = {}
        """Cells of each row that holds a value, as far as its last value."""
        self.hidden_rows: list[int] = []
        self.hidden_columns: list[tuple[int, int]] = []
        """First and last of hidden columns, counted from 0."""
        self.merged: list[str] = []
        self.size = 0
        """Cells in `rows`."""
        self._row, self._row_text, self._column = 0, "", -1
        self._columns: dict[str, int] = {}

    def parse(self, stream: IO[bytes]) -> None:
        """Read the sheet's part. Raises `ScenarioError` where it names impossible cells."""
        buffer: list[str] = []
        attributes: dict[str, str] = {}
        value: str | None = None
        formula: str | None = None
        phonetic = 0
        c = v = ""  # the innermost loop: names are compared whole, namespace and all

        def start(name: str, given: dict[str, str]) -> None:
            nonlocal attributes, value, formula, phonetic, c, v
            if name == c:
                attributes, value, formula = given, None, None
                return
            buffer.clear()
            if name == v:
                return
            local = local_name(name)
            if local == "row":
                self._start_row(given)
            elif local == "rPh":
                phonetic += 1
            elif local == "mergeCell":
                self.merged.append(given.get("ref", ""))
            elif local == "col" and given.get("hidden") in ("1", "true"):
                self.hidden_columns.append((int(given["min"]) - 1, int(given["max"]) - 1))
            elif local == "worksheet":
                prefix = name.removesuffix(local)
                c, v = f"{prefix}c", f"{prefix}v"

        def end(name: str) -> None:
            nonlocal value, formula, phonetic
            if name == v:
                value = buffer[0] if len(buffer) == 1 else "".join(buffer)
            elif name == c:
                self._end_cell(attributes, value, formula)
            else:
                local = local_name(name)
                if local == "t" and not phonetic:
                    value = (value or "") + "".join(buffer)
                elif local == "f":
                    formula = "".join(buffer)
                elif local == "rPh":
                    phonetic -= 1

        parse_xml(stream, start, end, buffer.append)

    def _start_row(self, attributes: dict[str, str]) -> None:
        text = attributes.get("r")
        row = int(text) if text is not None else self._row + 1
        if not 1 <= row <= MAX_ROWS:
            raise file_error(DAMAGED, self.origin, Cell(self.name, 0))
        self._row, self._row_text, self._column = row, str(row), -1
        if attributes.get("hidden") in ("1", "true"):
            self.hidden_rows.append(row)

    def _end_cell(self, attributes: dict[str, str], value: str | None, formula: str | None) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            letters = reference.removesuffix(self._row_text)
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = self._column_number(reference)
            self._column = column
        if value is None and formula is None:
            return
        result = self._value(attributes, value, formula)
        if result is not None:
            self._place(self._row, self._column, result)

    def _column_number(self, reference: str) -> int:
        match = _REFERENCE.fullmatch(reference)
        if match is None or int(match[2]) != self._row:
            raise file_error(DAMAGED, self.origin, Cell(self.name, self._row))
        return column_number(match[1].upper())

    def _value(self, attributes: dict[str, str], value: str | None, formula: str | None) -> object:
        """The cell's value from its type, style and text; None if blank."""
        kind = attributes.get("t", "n")
        if not value:
            unknown = formula is not None and kind != "str"
            return CellFault(f"={formula or '…'}", "formula") if unknown else None
        if kind == "s":
            result: object = self.shared.texts[_index(value)]
        elif kind == "n":
            result = value.strip() if _ENDLESS.fullmatch(value) else excel_number(value)
            style = self.shared.dates.get(attributes.get("s", "0"))
            if style is not None and not isinstance(result, str):
                result = excel_date(result, style, self.shared.epoch_1904)
        elif kind == "b":
            result = value.strip() not in ("0", "false")
        elif kind == "e":
            result = CellFault(value, "error")
        elif kind == "d":
            result = _iso_date(value)
        else:
            result = cell_text(value)
        return result

    def _place(self, row: int, column: int, value: object) -> None:
        if row < 1 or column >= MAX_COLUMNS:
            raise file_error(DAMAGED, self.origin, Cell(self.name, row))
        line = self.rows.get(row)
        if line is None:
            line = self.rows[row] = []
        if column < len(line):
            line[column] = value
            return
        self.size += column + 1 - len(line)
        if self.size > MAX_GRID_CELLS:
            self._too_large(row, column)
        if column > len(line):
            line.extend([None] * (column - len(line)))
        line.append(value)

    def _too_large(self, row: int, column: int) -> NoReturn:
        cell = Cell(self.name, row, column_letter(column))
        raise file_error(
            "the sheet holds too many cells: delete what stands here and beyond", self.origin, cell
        )

    def finished_grid(self) -> list[list[object]]:
        """The grid from A1 to the last value, merged cells marked. Blank rows share one list."""
        width = max(map(len, self.rows.values()), default=0)
        if len(self.rows) * width > MAX_GRID_CELLS:
            row = max(self.rows, key=lambda number: len(self.rows[number]))
            self._too_large(row, width - 1)
        blank: list[object] = [None] * width
        grid = [blank] * max(self.rows, default=0)
        for row, line in self.rows.items():
            if len(line) < width:
                line.extend([None] * (width - len(line)))
            grid[row - 1] = line
        if self.merged and grid and not is_planners_sheet(self.name):
            self._mark_merged(grid, width)
        return grid

    def _mark_merged(self, grid: list[list[object]], width: int) -> None:
        """Put a fault where a merged range leaves a cell of a record blank."""
        marked = 0
        for text in self.merged:
            top, left, bottom, right = self._corners(text)
            if top >= len(grid) or left >= width or grid[top][left] is None:
                continue
            last_row, last_column = min(bottom, len(grid) - 1), min(right, width - 1)
            marked += (last_row - top + 1) * (last_column - left + 1)
            if marked > MAX_MERGED_CELLS:
                raise file_error(
                    "the sheet has too many merged cells: unmerge them",
                    self.origin,
                    Cell(self.name, top + 1),
                )
            for row in range(top, last_row + 1):
                if row + 1 not in self.rows:
                    continue  # a blank row is no record, and misses no value
                line = grid[row]
                for column in range(left, last_column + 1):
                    if line[column] is None:
                        line[column] = CellFault(text, "merged")

    def _corners(self, text: str) -> tuple[int, int, int, int]:
        """A range's first row and column and its last ones, counted from 0."""
        first, _, last = text.partition(":")
        matches = [_REFERENCE.fullmatch(corner) for corner in (first, last or first)]
        rows = sorted(int(match[2]) - 1 for match in matches if match)
        columns = sorted(column_number(match[1].upper()) for match in matches if match)
        if len(rows) < 2 or rows[0] < 0:
            raise file_error(DAMAGED, self.origin, Cell(self.name, 0))
        return rows[0], columns[0], rows[1], columns[1]


# --------------------------------------------------------------------------- values


def _index(text: str) -> int:
    index = int(text)
    if index < 0:
        raise IndexError(index)
    return index


def excel_number(text: str) -> int | float:
    """A cell's number: whole ones as int, as far as a float holds every one of them.

    Raises `ValueError` for what is no finite number.
    """
    try:
        integer = int(text)
    except ValueError:
        number = float(text)
        if number - number != 0:
            raise
        return typed_number(number)
    return integer if abs(integer) < 10**15 else float(integer)


def excel_date(number: int | float, kind: DateKind, epoch_1904: bool) -> object:
    """The date of Excel's day number; a number that is no date stays one.

    Day 60 is the 29 February 1900 that Excel believes in; before it, days count one lower.
    """
    seconds = round(number % 1 * 86_400_000) / 1000
    days = int(number // 1)
    if kind == "time" and days == 0 and seconds < 86_400:
        return (dt.datetime.min + dt.timedelta(seconds=seconds)).time()
    days += 1462 if epoch_1904 else 0
    if not 1 <= days <= _LAST_DAY or days == 60:
        return number
    moment = dt.datetime(1899, 12, 30) + dt.timedelta(days=days + (days < 60), seconds=seconds)
    return moment.date() if kind == "date" and not seconds else moment


def _iso_date(text: str) -> object:
    """A cell that holds a date as text (strict Open XML)."""
    try:
        moment = dt.datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return cell_text(text)
    return moment.date() if len(text) <= 10 else moment.replace(tzinfo=None)
