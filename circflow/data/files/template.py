"""Workbooks that a planner can work in, and the empty one to start from.

`write_workbook` is the one writer of scenario workbooks. It puts on every sheet what the schema
knows of it: header notes (meaning, unit, range, what a blank cell means), drop-down lists,
number formats, column widths, frozen and filtered headers, and a read-me sheet in front. The
template is an empty scenario written in the same way.
"""

from __future__ import annotations

import datetime as dt
import html
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circflow.data.cells import is_blank, shortest, typed_number
from circflow.data.files.atomic import atomic_path
from circflow.data.files.grids import (
    check_names_differ,
    column_letter,
    file_error,
    in_order,
)
from circflow.data.files.workbook import MAX_TEXT, README, README_TITLE
from circflow.data.files.worksheet import MAX_COLUMNS, MAX_ROWS
from circflow.data.schema.sheets import (
    SCENARIO_KEYS,
    SETTINGS,
    SHEETS,
    Column,
    Sheet,
    is_planners_column,
)
from circflow.data.table import Book, CellFault, RawSheet
from circflow.i18n import ENGLISH, every, mark, say
from circflow.i18n.names import english_word, names_in, shown_word

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

FONT = "Calibri"
REQUIRED_COLOUR, OPTIONAL_COLOUR, PLANNERS_COLOUR = "#1F5C4D", "#CFE5DD", "#E7E6E6"
"""Header fills: a column that must be filled, one that may be, one of the planner's own."""
WIDEST = 60
"""Widest column, in characters; longer text wraps."""
ANY_NUMBER = "[>=1000]#,##0;[<=-1000]-#,##0;General"
"""Format of a number column without figures yet: thousands separated, small figures as typed."""
MOST_DECIMALS = 6
"""Figures with more decimals are shown as Excel likes."""

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


# --------------------------------------------------------------------------- template


def template_book() -> Book:
    """The empty scenario that the template holds."""
    sheets = []
    for sheet in SHEETS:
        grid: list[list[object]] = [list(sheet.names)]
        if sheet.name == "Scenario":
            grid = [["key", "value", "note"]]
            grid += [[key.name, default_value(key), setting_note(key)] for key in SCENARIO_KEYS]
        sheets.append(RawSheet(sheet.name, grid))
    return Book(tuple(sheets), "template")


def default_value(column: Column) -> str | int | float | None:
    """A column's default as a planner would type it."""
    if isinstance(column.default, bool):
        return shown_word("", "yes" if column.default else "no")
    if column.default in (*column.choices, *column.words) and isinstance(column.default, str):
        return shown_word(column.name, column.default)
    if isinstance(column.default, float) and column.default.is_integer():
        return int(column.default)
    return column.default


def setting_note(column: Column) -> str:
    """What a key of the sheet Scenario means, in one line."""
    unit = f" ({say(column.unit)})" if column.unit and column.unit != "1/yr" else ""
    return f"{say(column.meaning)}{unit}; {blank_meaning(column)}"


def is_setting_note(key: str, note: str) -> bool:
    """Whether a note on a key of the sheet Scenario is the template's own."""
    name = _key_of(key)
    return name in SETTINGS and note.startswith(every(SETTINGS[name].meaning))


def blank_meaning(column: Column) -> str:
    """What happens where a cell of the column is left blank."""
    if column.required:
        return say("must be filled")
    default = default_value(column)
    if default is not None:
        return say("blank = {default}", default=default)
    if column.blank:
        return say("blank = {default}", default=say(column.blank))
    return say("may be blank")


def header_note(sheet: Sheet, column: Column) -> str:
    """The note on a column's header: meaning, unit, what it may hold, what a blank cell means."""
    lines = [f"{_capital(say(column.meaning))}."]
    if column.unit:
        lines.append(say("Unit: {unit}.", unit=say(column.unit)))
    lines.append(say("Expected: {expected}.", expected=column.expected))
    lines.append(f"{_capital(blank_meaning(column))}.")
    if column.name in sheet.key:
        names = ", ".join(sheet[name].shown for name in sheet.row_key)
        lines.append(say("No two rows may have the same {names}.", names=names))
    return "\n".join(lines)


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


# --------------------------------------------------------------------------- writer


@dataclass(frozen=True)
class Manual:
    """What a workbook says of itself: its sheets and columns, and how to fill them in."""

    title: str
    sheets: tuple[Sheet, ...]
    text: str
    """Of the read-me sheet, below its title, line by line."""

    @cached_property
    def by_name(self) -> dict[str, Sheet]:
        return {sheet.name: sheet for sheet in self.sheets}


def write_workbook(book: Book, path: Path, manual: Manual | None = None) -> None:
    """Write a book as a workbook that a planner can work in; without a manual it is a scenario.

    Read again it gives the same cells; a `CellFault` becomes its text. The same book gives the same
    bytes. Text is never written as a formula or a link. Raises `ScenarioError` where Excel cannot
    hold a sheet's name, its size or a text; `OSError` if it cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxFileError

    _check_fits(book)
    try:
        with (
            atomic_path(path) as temporary,
            xlsxwriter.Workbook(str(temporary), AS_TYPED) as workbook,
        ):
            workbook.set_properties({"author": "circflow", "created": dt.datetime(2025, 1, 1)})
            _BookWriter(workbook, book, manual or SCENARIO).write()
    except XlsxFileError as error:  # it wraps what the disk said
        cause = error.args[0] if error.args else error
        raise (cause if isinstance(cause, OSError) else OSError(str(error))) from error


AS_TYPED = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
"""Options of a workbook: texts stay texts; its parts are no files of their own on the way."""


class _BookWriter:
    """Writes one book; holds the formats, which are shared by all its sheets."""

    def __init__(self, workbook: Workbook, book: Book, manual: Manual) -> None:
        self.workbook = workbook
        self.book = book
        self.manual = manual
        self.sheets = in_order(book, manual.sheets)
        self.formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self.key_ranges = dict(self._key_ranges())

    def write(self) -> None:
        named = {(sheet.title or sheet.name).casefold() for sheet in self.sheets}
        with_readme = say(README) not in named
        if with_readme:
            self._write_readme(self.workbook.add_worksheet(say(README)))
        for number, raw in enumerate(self.sheets):
            page = self.workbook.add_worksheet(raw.title or raw.name)
            schema = self.manual.by_name.get(raw.name.strip())
            self._write_cells(page, raw, schema)
            if schema is not None:
                self._write_lists(page, raw, schema)
                page.set_tab_color(REQUIRED_COLOUR if schema.required else OPTIONAL_COLOUR)
            all_hidden = not with_readme and all(sheet.hidden for sheet in self.sheets)
            if raw.hidden and not (all_hidden and number == 0):
                page.hide()  # a workbook must show one sheet
        if not with_readme:
            shown = [n for n, sheet in enumerate(self.sheets) if not sheet.hidden] or [0]
            self.workbook.worksheets()[shown[0]].activate()
            self.workbook.worksheets()[shown[0]].set_first_sheet()

    def format(self, **properties: Any) -> Format:
        """The format of these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self.formats:
            base = {"font_name": FONT, "font_size": 11, "valign": "top"}
            self.formats[key] = self.workbook.add_format({**base, **properties})
        return self.formats[key]

    def _key_ranges(self) -> Iterable[tuple[str, str]]:
        """The cells that hold the names of a sheet, as a formula for drop-down lists."""
        for raw in self.sheets:
            schema = self.manual.by_name.get(raw.name)
            if schema is None or not raw.grid:
                continue
            name = schema.key[0] if schema.key else schema.names[0]
            headers = [str(value).strip() for value in raw.grid[0]]
            if name in headers:
                letter = column_letter(headers.index(name))
                place = f"'{raw.title}'" if raw.title else raw.name
                first = f"{place}!${letter}$2"
                names = f"{first}:${letter}${max(10_000, 2 * len(raw.grid))}"
                # as far as the last name: blank rows between must not cut the list
                count = f'SUMPRODUCT(MAX(({names}<>"")*ROW({names})))-1'
                yield raw.name, f"=OFFSET({first},0,0,MAX(1,{count}),1)"

    # ----------------------------------------------------------------- cells

    def _write_cells(self, page: Worksheet, raw: RawSheet, schema: Sheet | None) -> None:
        """Write a sheet column by column; of a table, the rows below the header."""
        width = max(map(len, raw.grid), default=0)
        if not width:
            return
        if schema is not None:
            self._write_header(page, raw, schema)
        first = 0 if schema is None else 1
        settings = _settings(raw) if schema is not None and schema.name == "Scenario" else {}
        for index in range(width):
            values = [row[index] if index < len(row) else None for row in raw.grid]
            column = _schema_column(schema, values[0])
            header = _shown(values[0])
            shown = [raw.headers.get(header, values[0]), *values[1:]]
            cells = self._column_format(page, index, column, shown)
            for row, value in enumerate(values[first:], start=first):
                if not is_blank(value):
                    known = settings.get((row, index), column)
                    self._write_value(page, (row, index), value, known, cells)
        page.ignore_errors({"number_stored_as_text": f"A1:{column_letter(width - 1)}{MAX_ROWS}"})

    def _column_format(
        self, page: Worksheet, index: int, column: Column | None, values: list[object]
    ) -> Format:
        """Fit a column's width to what it holds, and give it the format of its cells."""
        texts = [_shown(value) for value in values]
        longest = max(max(map(len, text.split("\n"))) for text in texts)
        if column is not None and column.is_number:
            number = number_format(column, values[1:])
            cells = self.format(num_format=number)
            longest += longest // 4  # room for separators and decimals
        else:
            wrap = longest > WIDEST or any("\n" in text for text in texts)
            cells = self.format(text_wrap=True) if wrap else self.format()
        header = len(texts[0]) + 4  # the button of the filter takes its room
        page.set_column(index, index, min(max(9, header, longest + 2), WIDEST), cells)
        return cells

    def _write_value(
        self,
        page: Worksheet,
        place: tuple[int, int],
        value: object,
        column: Column | None,
        cells: Format,
    ) -> None:
        """Write one cell as what it is; text of a CSV file in a number column as the number."""
        row, index = place
        if isinstance(value, str) and not self.book.typed and column and column.is_number:
            value = plain_number(value)
        if isinstance(value, str):
            _write_text(page, place, value, cells)
        elif isinstance(value, bool):
            page.write_boolean(row, index, value, cells)
        elif isinstance(value, float | int):
            self._write_number(page, place, value, cells)
        elif isinstance(value, dt.time) or (isinstance(value, dt.date) and value.year >= 1900):
            from openpyxl.utils.datetime import to_excel

            parts = ["yyyy-mm-dd"] if isinstance(value, dt.date) else []
            parts += ["hh:mm:ss"] if isinstance(value, dt.datetime | dt.time) else []
            shown = self.format(num_format=" ".join(parts))
            page.write_number(row, index, _Exact(to_excel(value)), shown)  # type: ignore[no-untyped-call]
        else:
            _write_text(page, place, _text_of(value), cells)

    def _write_number(
        self, page: Worksheet, place: tuple[int, int], value: int | float, cells: Format
    ) -> None:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            page.write_number(*place, _Exact(number), cells)
        elif math.isinf(number):  # Excel has none
            _write_text(page, place, str(value), cells)

    def _write_header(self, page: Worksheet, raw: RawSheet, schema: Sheet) -> None:
        """Row 1: coloured by who must fill it, with its note; frozen and filtered."""
        width = max(map(len, raw.grid))
        for index, value in enumerate(raw.grid[0]):
            column = _schema_column(schema, value)
            cells = self._header_format(column)
            if is_blank(value):
                continue
            self._write_value(page, (0, index), raw.headers.get(str(value), value), None, cells)
            if column is not None:
                note = header_note(schema, column)
                lines = sum(1 + len(line) // 44 for line in note.split("\n"))
                size = {"width": 290, "height": 20 + 17 * lines, "font_size": 9}
                page.write_comment(0, index, note, size)
        page.set_row(0, 20)
        page.freeze_panes(1, 1 if width > 8 else 0)
        page.autofilter(0, 0, max(1, len(raw.grid) - 1), width - 1)

    def _header_format(self, column: Column | None) -> Format:
        common = {"bold": True, "bottom": 1, "valign": "vcenter"}
        if column is None:
            return self.format(**common, bg_color=PLANNERS_COLOUR, italic=True)
        if column.required:
            return self.format(**common, bg_color=REQUIRED_COLOUR, font_color="#FFFFFF")
        return self.format(**common, bg_color=OPTIONAL_COLOUR, font_color="#1F3B33")

    # ----------------------------------------------------------------- drop-down lists

    def _write_lists(self, page: Worksheet, raw: RawSheet, schema: Sheet) -> None:
        headers = raw.grid[0] if raw.grid else []
        columns = [_schema_column(schema, value) for value in headers]
        places = {(1, n, MAX_ROWS - 1, n): column for n, column in enumerate(columns)}
        if schema.name == "Scenario":
            places |= {(*place, *place): setting for place, setting in _settings(raw).items()}
        for place, column in places.items():
            rule = column and self._list_rule(column, raw.language or ENGLISH)
            if rule:
                page.data_validation(*place, rule)

    def _list_rule(self, column: Column, language: str) -> dict[str, Any] | None:
        """The drop-down list of a column, in the language of the sheet. Only fixed words are
        enforced by Excel: a name may be typed before its sheet has it, and yes may be written in
        Russian."""
        names = names_in(language)
        title = names.column(column.sheet, column.name)
        rule: dict[str, Any] = {"validate": "list", "error_title": title[:32]}
        rule["error_message"] = say("Expected: {expected}.", expected=column.expected)[:255]
        if column.kind == "flag":
            words = [names.word("", word) for word in ("yes", "no")]
            return {**rule, "source": words, "error_type": "warning"}
        if column.kind == "choice":
            words = [names.word(column.name, word) for word in column.choices]
            return {**rule, "source": words, "error_type": "stop"}
        if column.kind == "name" and column.reference in self.key_ranges:
            source = self.key_ranges[column.reference]
            return {**rule, "source": source, "error_type": "information"}
        return None

    # ----------------------------------------------------------------- read-me sheet

    def _write_readme(self, page: Worksheet) -> None:
        page.hide_gridlines(2)
        page.set_column(0, 0, 20, self.format())
        page.set_column(1, 1, 13, self.format())
        page.set_column(2, 2, 95, self.format(text_wrap=True))
        page.write_string(0, 0, say(self.manual.title), self.format(bold=True, font_size=16))
        row = 2
        for line in say(self.manual.text).split("\n"):
            page.write_string(row, 0, line, self.format())
            row += 1
        legend = (
            (REQUIRED_COLOUR, "#FFFFFF", say("must be filled in every row")),
            (OPTIONAL_COLOUR, "#1F3B33", say("may be blank: see the note on the header")),
            (PLANNERS_COLOUR, "#000000", say("yours, or unknown: circflow check tells")),
        )
        row += 1
        for fill, ink, meaning in legend:
            cells = self.format(bold=True, bg_color=fill, font_color=ink)
            page.write_string(row, 0, say("column"), cells)
            page.write_string(row, 2, meaning, self.format())
            row += 1
        row += 1
        heading = self.format(bold=True, bottom=1, bg_color=OPTIONAL_COLOUR)
        for index, word in enumerate((say("Sheet"), "", say("What it holds"))):
            page.write_string(row, index, word, heading)
        link = self.format(font_color="#1F5C4D", underline=1)
        for raw in self.sheets:
            schema = self.manual.by_name.get(raw.name)
            if schema is None:
                continue
            row += 1
            title = raw.title or raw.name
            page.write_url(row, 0, f"internal:'{title}'!A1", link, title)
            needed = say("required") if schema.required else say("optional")
            page.write_string(row, 1, needed, self.format())
            page.write_string(row, 2, say(schema.meaning), self.format(text_wrap=True))


README_TEXT = mark(
    "1. Fill in the required sheets, then those optional ones that your case needs.\n"
    "    Point at a column's header to read what it means, its unit and what a blank cell means.\n"
    "2. Save, and run:  circflow check FILE.xlsx  It lists every mistake by sheet and cell.\n"
    "3. Then run:  circflow solve FILE.xlsx -o RESULTS.xlsx  for the best plan.\n"
    "\n"
    "Names may be in any script, and must be written alike on every sheet.\n"
    "Amounts are per year, in the material's own unit; prices are per unit of material;\n"
    "columns that end in _million or _million_per_year are in million currency.\n"
    "A row with a blank period holds in every period; a row that names one replaces it there.\n"
    "Yes and no may also be written да and нет, true and false, 1 and 0.\n"
    "Columns whose name begins with note or source, and sheets whose name begins with _ or #,\n"
    "are yours: circflow keeps them and does not read them. This sheet it writes anew.\n"
)

SCENARIO = Manual(README_TITLE, SHEETS, README_TEXT)


class _Exact(float):
    """A float that is written with all its digits (XlsxWriter's own format stops at 16)."""

    def __format__(self, spec: str) -> str:
        return shortest(float(self))


def _schema_column(schema: Sheet | None, header: object) -> Column | None:
    name = header.strip() if isinstance(header, str) else ""
    if schema is None or name not in schema or is_planners_column(name):
        return None
    return schema[name]


def _settings(raw: RawSheet) -> dict[tuple[int, int], Column]:
    """The cells of the sheet Scenario that hold a setting's value, and what they are."""
    headers = [_text_of(value).strip() for value in raw.grid[0]] if raw.grid else []
    if "key" not in headers or "value" not in headers:
        return {}
    key, value = headers.index("key"), headers.index("value")
    return {
        (row, value): SETTINGS[name]
        for row, line in enumerate(raw.grid[1:], start=1)
        if key < len(line) and (name := _key_of(line[key])) in SETTINGS
    }


def _key_of(cell: object) -> str:
    return english_word("key", tuple(SETTINGS), _text_of(cell).strip())


def number_format(column: Column, values: Iterable[object]) -> str:
    """The Excel format that shows a number column's figures alike, thousands separated."""
    if not column.is_number:
        return "General"
    if column.kind == "integer":
        return "0"
    decimals, any_figure = 0, False
    for value in values:
        figure = plain_number(value) if isinstance(value, str) else value
        if not isinstance(figure, int | float) or isinstance(figure, bool):
            continue
        any_figure = True
        if isinstance(figure, float) and not figure.is_integer():
            integer, _, fraction = repr(figure).partition(".")
            decimals = max(decimals, 99 if "e" in integer + fraction else len(fraction))
    if not any_figure or decimals > MOST_DECIMALS:
        return "General" if column.unit == "°" else ANY_NUMBER
    places = "." + "0" * decimals if decimals else ""
    return ("0" if column.unit == "°" else "#,##0") + places


def plain_number(text: str) -> str | int | float:
    """The number that a text plainly is (a point, no spaces); any other text as it stands."""
    stripped = text.strip()
    number = float(stripped) if _PLAIN_NUMBER.fullmatch(stripped) else math.inf
    return typed_number(number) if math.isfinite(number) else text


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, CellFault):
        return value.text
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _shown(value: object) -> str:
    """A cell's text, for the width of its column."""
    if value is None:
        return ""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e15):
        return f"{value:.12g}"
    return _text_of(int(value) if isinstance(value, float) else value)


def _write_text(page: Worksheet, place: tuple[int, int], text: str, cells: Format) -> None:
    """Write text as text. XlsxWriter takes `<r>…</r>` for its own markup of rich text and writes
    it unescaped; such a text is given to it as the one run of a rich text, escaped."""
    if text.startswith("<r>") and text.endswith("</r>"):
        text = f'<r><t xml:space="preserve">{html.escape(text, quote=False)}</t></r>'
    page.write_string(*place, text, cells)


def _check_fits(book: Book) -> None:
    check_names_differ(book)
    for sheet in book.sheets:
        name, wrong = sheet.title or sheet.name, ""
        width = max(map(len, sheet.grid), default=0)
        if not name.strip() or _length(name) > 31:
            wrong = say("a sheet's name has 1 to 31 characters in Excel: rename the sheet")
        elif (
            re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
            or "'" in (name[0], name[-1])
            or name.casefold() == "history"
        ):
            wrong = say(
                "Excel does not allow this name of a sheet: rename it without [ ] : * ? / \\ '"
            )
        elif len(sheet.grid) > MAX_ROWS or width > MAX_COLUMNS:
            wrong = say(
                "an Excel sheet has at most {max_rows:,} rows and {max_columns:,} columns",
                max_rows=MAX_ROWS,
                max_columns=MAX_COLUMNS,
            )
        if wrong:
            raise file_error(wrong, book.origin, sheet.cell(0))
        for row, line in enumerate(sheet.grid, start=1):
            for column, value in enumerate(line):
                if (
                    isinstance(value, str)
                    and len(value) > MAX_TEXT // 2
                    and _length(value) > MAX_TEXT
                ):
                    raise file_error(
                        "the text has more than {max_text:,} characters, Excel's limit: shorten it",
                        book.origin,
                        sheet.cell(row, column_letter(column)),
                        max_text=MAX_TEXT,
                    )


def _length(text: str) -> int:
    """Characters as Excel counts them."""
    return len(text.encode("utf-16-le")) // 2
