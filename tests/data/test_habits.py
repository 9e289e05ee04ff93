"""What people type into workbooks, and what circflow answers: read right, doubted, or refused.

A region is typed into the empty template; each habit is one change of it. None passes in silence:
either the figure that is meant is read and nothing is said, or the cell is named with a cure.
`docs/habits.md` is made from the table:

    python tests/data/test_habits.py > docs/habits.md
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import openpyxl
import pytest
from seeds import (
    TELLS_WHAT_TO_DO,
    Draft,
    Seed,
    add,
    extra_sheet,
    header,
    nameless_column,
    put,
    rename,
)

import circflow as cf
from circflow.data.check import check, check_book
from circflow.data.files.books import read_book, write_book
from circflow.data.files.grids import column_letter
from circflow.data.files.template import template_book
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario
from circflow.data.table import Book, Cell, CellFault, Problem

ROOT = Path(__file__).parents[2]
FEWEST = 60
Answer = Literal["read right", "doubted", "refused"]

ROWS: dict[str, list[dict[str, object]]] = {
    "Members": [{"member": "Steel"}, {"member": "Power"}],
    "Sites": [
        {"site": "Works", "member": "Steel", "latitude": 57.0, "longitude": 60.0},
        {"site": "Station", "member": "Power", "latitude": 57.4, "longitude": 60.6},
        {"site": "Old dump", "member": "Steel", "latitude": 57.2, "longitude": 60.3},
        {"site": "Town", "latitude": 56.8, "longitude": 60.6},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "old slag", "category": "waste"},
        {"material": "cement", "category": "product"},
        {"material": "bricks", "category": "product"},
        {"material": "lime", "category": "input"},
        {"material": "power", "category": "energy", "unit": "MWh"},
    ],
    "Streams": [
        {"site": "Works", "material": "slag", "amount_per_year": 100_000},
        {"site": "Station", "material": "ash", "amount_per_year": 50_000},
        {"site": "Station", "material": "slag", "amount_per_year": 4_000},
        {"site": "Old dump", "material": "slag", "amount_per_year": 6_000},
    ],
    "Stockpiles": [
        {"site": "Old dump", "material": "old slag", "opening": 10_000, "can_add": "no"}
    ],
    "Purchases": [{"material": "lime", "price": 3_000}, {"material": "power", "price": 4_000}],
    "Recipes": [
        {"technology": "grinding", "role": "input", "material": "slag", "amount": 1, "group": "s"},
        {
            "technology": "grinding",
            "role": "input",
            "material": "old slag",
            "amount": 1,
            "group": "s",
        },
        {"technology": "grinding", "role": "input", "material": "lime", "amount": 0.1},
        {"technology": "grinding", "role": "input", "material": "power", "amount": 0.05},
        {"technology": "grinding", "role": "output", "material": "cement", "amount": 1},
        {"technology": "pressing", "role": "input", "material": "ash", "amount": 1},
        {"technology": "pressing", "role": "output", "material": "bricks", "amount": 1},
    ],
    "RecipeCosts": [
        {"technology": "grinding", "variable_cost": 200},
        {"technology": "pressing", "variable_cost": 50},
    ],
    "BlendLimits": [{"technology": "grinding", "group": "s", "material": "old slag", "max": 0.5}],
    "Units": [
        {
            "unit": "Mill",
            "site": "Works",
            "technology": "grinding",
            "capacity_per_year": 60_000,
            "availability": 0.85,
        },
        {
            "unit": "Brick plant",
            "site": "Station",
            "technology": "pressing",
            "capacity_per_year": 30_000,
            "status": "candidate",
            "capex_million": 100,
            "fixed_cost_million_per_year": 2,
        },
    ],
    "Modes": [{"mode": "road", "fixed_cost": 100}],
    "Markets": [
        {"site": "Town", "material": "cement", "price": 2_000, "max_per_year": 60_000},
        {"site": "Town", "material": "cement", "price": 1_500, "max_per_year": 20_000},
        {"site": "Works", "material": "cement", "price": 1_400, "max_per_year": 1_000},
        {"site": "Town", "material": "bricks", "price": 800, "max_per_year": 60_000},
        {"site": "Works", "material": "bricks", "price": 700, "max_per_year": 1_000},
    ],
    "Disposal": [
        {"site": "Works", "material": "slag", "fee": 300},
        {"site": "Station", "material": "slag", "fee": 300},
        {"site": "Old dump", "material": "slag", "fee": 300},
        {"site": "Station", "material": "ash", "fee": 200},
    ],
    "Budget": [{"period": "1", "budget_million": 500}],
    "Studies": [{"study": "price", "parameter": "Markets.price", "values": "0.9; 1; 1.1"}],
    "Ranges": [{"parameter": "Markets.price", "low": 0.8, "high": 1.2}],
}
"""The region; sheet Scenario is the template's with a name."""


def region() -> Draft:
    """The region as typed into the empty template."""
    draft = Draft(template_book())
    draft.put("Scenario.name", "Our region")
    for sheet, rows in ROWS.items():
        for row in rows:
            draft.add(sheet, row)
    return draft


@dataclass(frozen=True)
class Habit:
    """What is typed, where, and what is answered there."""

    what: str
    seed: Seed
    answer: Answer
    said: str = ""
    """A word of the answer."""
    value: object = None
    """What is read, where it is read right."""
    suggestion: str = ""
    finish: Callable[[Path], None] | None = None
    """What is done to the saved workbook."""
    kind: str = ".xlsx"
    """How it is saved: a workbook, or a folder of CSV files ("")."""


def read_as(address: str, typed: object, value: object) -> dict[str, Any]:
    return {"seed": put(address, typed), "answer": "read right", "value": value}


def blank_rows(sheet: str, address: str) -> Seed:
    """Two blank rows in the middle of a sheet."""

    def seed(draft: Draft) -> Cell:
        draft.grids[sheet][2:2] = [[None], [None]]
        found, row, column = draft.rows(address)
        return Cell(found, row + 1, column_letter(column))

    return seed


def reversed_columns(sheet: str, address: str) -> Seed:
    def seed(draft: Draft) -> Cell:
        width = len(draft.grids[sheet][0])
        lines = [[*row, *[None] * (width - len(row))] for row in draft.grids[sheet]]
        draft.grids[sheet] = [list(reversed(line)) for line in lines]
        found, row, column = draft.rows(address)
        return Cell(found, row + 1, column_letter(column))

    return seed


def insert(sheet: str, at: int, column: str, *cells: object, **named: object) -> Seed:
    """A row put in: its first cells, or cells by column; the fault lies at `column`."""

    def seed(draft: Draft) -> Cell:
        line: list[object] = [*cells, *[None] * (len(draft.grids[sheet][0]) - len(cells))]
        for name, value in named.items():
            line[draft.column(sheet, name)] = value
        place = draft.column(sheet, column)
        draft.grids[sheet].insert(at - 1, line)
        return Cell(sheet, at, column_letter(place))

    return seed


def title(sheet: str, then: Seed | None = None) -> Seed:
    """A title above the column names; the fault lies there, or (moved down) where `then` says."""

    def seed(draft: Draft) -> Cell:
        cell = then(draft) if then else Cell(sheet, 1)
        draft.grids[sheet].insert(0, ["Streams of the year"])
        return replace(cell, row=cell.row + 1)

    return seed


def own(seed: Callable[[Draft], object], address: str) -> Seed:
    """Something of the planner's own; the cell looked at is another."""

    def add_own(draft: Draft) -> Cell:
        seed(draft)
        sheet, row, column = draft.rows(address)
        return Cell(sheet, row + 1, column_letter(column))

    return add_own


def excel(change: Callable[[Any], None]) -> Callable[[Path], None]:
    """A change of the saved workbook by another program."""

    def finish(path: Path) -> None:
        book = openpyxl.load_workbook(path)
        change(book)
        book.save(path)

    return finish


def hide(kind: str, sheet: str, name: Any = None) -> Callable[[Path], None]:
    def change(book: Any) -> None:
        page = book[sheet]
        if kind == "sheet":
            page.sheet_state = "hidden"
        elif kind == "row":
            page.row_dimensions[name].hidden = True
        else:
            page.column_dimensions[name].hidden = True

    return excel(change)


def looked_at(cell: Cell) -> Seed:
    return lambda draft: cell


def price_format(book: Any) -> None:
    cell = book["Units"]["F2"]
    cell.value, cell.number_format = 0.85, "0%"


def separator_line(path: Path) -> None:
    """What Excel writes where the comma is the decimal sign."""
    for file in path.glob("*.csv"):
        grid = file.read_text(encoding="utf-8").replace(",", ";")
        file.write_text("\ufeffsep=;\n" + grid, encoding="utf-8")


def as_utf_16(path: Path) -> None:
    file = path / "Streams.csv"
    file.write_bytes(file.read_text(encoding="utf-8").encode("utf-16"))


def infinite(path: Path) -> None:
    """A number cell INF, as some programs write it."""
    import zipfile

    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = next(n for n, part in parts.items() if b"<v>60606</v>" in part)
    parts[name] = parts[name].replace(b"<v>60606</v>", b"<v>INF</v>")
    with zipfile.ZipFile(path, "w") as package:
        for part, data in parts.items():
            package.writestr(part, data)


SLAG = "Streams.amount_per_year[site=Works, material=slag]"
UNIT = "Materials.unit[material=slag]"
CEMENT = "Markets.price[site=Town, material=cement]"

NUMBERS = (
    Habit("a decimal comma", **read_as("Units.availability[unit=Mill]", "0,85", 0.85)),
    Habit("spaces between thousands", **read_as(SLAG, "100 000", 100_000.0)),
    Habit("no-break spaces between thousands", **read_as(SLAG, "100\u00a0000,5", 100_000.5)),
    Habit("a number stored as text", **read_as(CEMENT, "2000", 2000.0)),
    Habit("an exponent", **read_as(SLAG, "1e5", 100_000.0)),
    Habit("a typographic minus", **read_as(SLAG.replace("amount_per_year", "cost"), "−5", -5.0)),
    Habit(
        "85 % in a cell formatted as per cent",
        put("Units.availability[unit=Mill]", 0.5),
        "read right",
        value=0.85,
        finish=excel(price_format),
    ),
    Habit(
        "85 % typed as text",
        put("Units.availability[unit=Mill]", "85 %"),
        "refused",
        "without the percent sign",
        suggestion="0.85",
    ),
    Habit(
        "a share typed in per cent",
        put("Units.availability[unit=Mill]", 85),
        "refused",
        "85 % is 0.85",
        suggestion="0.85",
    ),
    Habit(
        "a limit on a share typed in per cent",
        put("BlendLimits.max[material=old slag]", 25),
        "doubted",
        "write 25 % as 0.25",
        suggestion="0.25",
    ),
    Habit(
        "a dash for nothing", put(CEMENT.replace("price", "max_per_year"), "-"), "refused", "blank"
    ),
    Habit("n/a for nothing", put("Units.jobs[unit=Mill]", "n/a"), "refused", "blank"),
    Habit("a dash where a figure is needed", put(SLAG, "–"), "refused", "clear the row"),
    Habit("a unit behind the number", put(SLAG, "100 000 t"), "refused", "leave out units"),
    Habit("about", put(SLAG, "~100000"), "refused", "sign of comparison"),
    Habit("thousands separated by commas", put(SLAG, "1,234,567"), "refused", "thousands"),
    Habit("infinity for unlimited", put("Units.jobs[unit=Mill]", "∞"), "refused", "unlimited"),
    Habit(
        "a figure for unlimited",
        put(CEMENT.replace("price", "max_per_year"), 1e17),
        "refused",
        "blank for unlimited",
    ),
    Habit("a date that Excel made of 1.5", put(CEMENT, date(2026, 5, 1)), "refused", "date"),
    Habit("a broken reference", put(CEMENT, CellFault("#REF!", "error")), "refused", "#REF!"),
    Habit(
        "a formula that was never calculated",
        put(CEMENT, CellFault("=B2*1.2", "formula")),
        "refused",
        "open the file in Excel",
    ),
    Habit(
        "a number cell INF, written by another program",
        put("Units.jobs[unit=Mill]", 60606),
        "refused",
        "blank for unlimited",
        finish=infinite,
    ),
)

UNITS = (
    Habit("the tonne in Russian", **read_as(UNIT, "т", "t")),
    Habit("tonnes in Russian, in full", **read_as(UNIT, "Тонн", "t")),
    Habit("tonnes in English", **read_as(UNIT, "Tonnes", "t")),
    Habit("cubic metres with a raised 3", **read_as(UNIT, "м³", "m3")),
    Habit("megawatt-hours in Russian", **read_as(UNIT.replace("slag", "power"), "МВт·ч", "MWh")),
    Habit("a unit with per year", put(UNIT, "t/yr"), "doubted", "per year anyway", suggestion="t"),
    Habit("thousands of tonnes", put(UNIT, "тыс. т"), "doubted", "multiple", suggestion="t"),
    Habit("kilotonnes", put(UNIT, "kt"), "doubted", "multiple", suggestion="t"),
    Habit("kilograms", put(UNIT, "кг"), "doubted", "part of the tonne", suggestion="t"),
    Habit("a misspelt tonne", put(UNIT, "tonnnes"), "doubted", "nearly", suggestion="t"),
    Habit("a dash for a unit", put(UNIT, "-"), "doubted", "unit of its own", suggestion="t"),
    Habit(
        "one unit in two spellings",
        put(
            "Materials.unit[material=bricks]",
            "pcs",
            also=[("Materials.unit[material=cement]", "PCS")],
        ),
        "doubted",
        "two units",
    ),
)

SCALES = (
    Habit(
        "a discount rate in per cent",
        put("Scenario.discount_rate", 12),
        "doubted",
        "1200 % a year",
        suggestion="0.12",
    ),
    Habit("a negative discount rate", put("Scenario.discount_rate", -0.1), "doubted", "below 0"),
    Habit("a detour factor in per cent", put("Scenario.detour_factor", 30), "doubted", "as 1.3"),
    Habit(
        "a detour shorter than straight", put("Scenario.detour_factor", 0.7), "doubted", "1 or more"
    ),
    Habit(
        "a negative disposal fee",
        put("Disposal.fee[material=ash]", -200),
        "doubted",
        "dumping earns 200",
        suggestion="200",
    ),
    Habit(
        "a negative price of an input",
        put("Purchases.price[material=lime]", -3000),
        "doubted",
        "paid",
    ),
    Habit("a negative price of a product", put(CEMENT, -2000), "doubted", "pays 2000"),
    Habit("a negative freight", put("Modes.fixed_cost[mode=road]", -100), "doubted", "earns 100"),
    Habit(
        "a negative fixed cost",
        put("Units.fixed_cost_million_per_year[unit=Brick plant]", -2),
        "doubted",
        "earns 2 million",
    ),
    Habit(
        "a negative running cost",
        put("RecipeCosts.variable_cost[technology=grinding]", -200),
        "doubted",
        "earns 200",
    ),
    Habit(
        "capex in currency, not in millions",
        put("Units.capex_million[unit=Brick plant]", 100_000_000),
        "doubted",
        "in millions",
        suggestion="100",
    ),
    Habit(
        "a fixed cost in currency, not in millions",
        put("Units.fixed_cost_million_per_year[unit=Brick plant]", 2_000_000),
        "doubted",
        "in millions",
        suggestion="2",
    ),
    Habit(
        "a budget in currency, not in millions",
        put("Budget.budget_million[period=1]", 500_000_000),
        "doubted",
        "in millions",
        suggestion="500",
    ),
    Habit(
        "a price a thousand times its peers",
        put(CEMENT, 2_000_000),
        "doubted",
        "times the middle of its peers (cement)",
        suggestion="2000",
    ),
    Habit(
        "a stream in kilograms among tonnes",
        put(SLAG, 100_000_000),
        "doubted",
        "times the middle of its peers (slag)",
        suggestion="100000",
    ),
    Habit(
        "a fee a thousandth of its peers",
        put("Disposal.fee[site=Works]", 0.3),
        "doubted",
        "1/1,000",
        suggestion="300",
    ),
    Habit(
        "latitude and longitude exchanged",
        put("Sites.latitude[site=Old dump]", 60.3, also=[("Sites.longitude[site=Old dump]", 57.2)]),
        "doubted",
        "exchanged",
    ),
    Habit(
        "latitude and longitude exchanged, near the pole",
        put("Sites.latitude[site=Old dump]", 86.1, also=[("Sites.longitude[site=Old dump]", 55.3)]),
        "doubted",
        "near the pole",
    ),
    Habit(
        "0 for coordinates that are not known",
        put("Sites.latitude[site=Old dump]", 0, also=[("Sites.longitude[site=Old dump]", 0)]),
        "doubted",
        "sea off Africa",
    ),
    Habit("a range in per cent", put("Ranges.high[low=0.8]", 20), "doubted", "0.8 and 1.2"),
    Habit(
        "a range of capex that leaves the larger size behind",
        own(
            lambda draft: (
                draft.put("Units.capacity_max_per_year[unit=Brick plant]", 60_000),
                draft.put("Units.capex_max_million[unit=Brick plant]", 180),
                draft.put("Ranges.parameter[low=0.8]", "Units.capex_million"),
            ),
            "Ranges.parameter[low=0.8]",
        ),
        "doubted",
        "capex_max_million of 'Brick plant' stays",
    ),
)

ROWS_AND_SHEETS = (
    Habit("blank rows between", blank_rows("Streams", SLAG), "read right", value=100_000.0),
    Habit(
        "columns in another order", reversed_columns("Streams", SLAG), "read right", value=100_000.0
    ),
    Habit(
        "a sheet of one's own",
        own(extra_sheet("_calculations"), SLAG),
        "read right",
        value=100_000.0,
    ),
    Habit(
        "a column of one's own",
        own(
            lambda draft: (
                [r.append("ask them") for r in draft.grids["Sites"][1:]]
                and draft.grids["Sites"][0].append("notes of Anna")
            ),
            SLAG,
        ),
        "read right",
        value=100_000.0,
    ),
    Habit(
        "a row of totals in Russian",
        insert("Streams", 6, "site", "Итого", amount_per_year=160_000),
        "refused",
        "row of totals",
    ),
    Habit(
        "a row of totals in English",
        insert("Markets", 7, "site", "Total:", max_per_year=142_000),
        "refused",
        "row of totals",
    ),
    Habit(
        "totals where the row is otherwise whole",
        insert("Budget", 3, "period", "Всего", budget_million=500),
        "refused",
        "totals",
    ),
    Habit(
        "a sum without a word",
        insert("Streams", 6, "amount_per_year", amount_per_year=160_000),
        "refused",
        "adds up",
    ),
    Habit(
        "a row of units below the column names",
        insert("Streams", 2, "amount_per_year", amount_per_year="t/yr", cost="RUB/t"),
        "refused",
        "units or headings",
    ),
    Habit(
        "a second row of headings",
        insert("Streams", 2, "amount_per_year", "площадка", "отход", amount_per_year="количество"),
        "refused",
        "units or headings",
    ),
    Habit("a subheading", insert("Streams", 3, "site", "Power stations:"), "refused", "subheading"),
    Habit(
        "the column names repeated",
        insert("Streams", 4, "site", "site", "material", amount_per_year="amount_per_year"),
        "refused",
        "repeats the column names",
    ),
    Habit("a title above the column names", title("Streams"), "refused", "not in row 1"),
    Habit(
        "a fault below a title",
        title("Streams", put(SLAG, "lots")),
        "refused",
        "not a number",
    ),
    Habit("a site called Total", insert("Sites", 6, "site", "Итого"), "doubted", "totals"),
    Habit(
        "a hidden column",
        looked_at(Cell("Markets", 1, "D")),
        "doubted",
        "hidden",
        finish=hide("column", "Markets", "D"),
    ),
    Habit(
        "a filtered row",
        looked_at(Cell("Streams", 3)),
        "doubted",
        "hidden",
        finish=hide("row", "Streams", 3),
    ),
    Habit(
        "a hidden sheet",
        looked_at(Cell("Budget", 0)),
        "doubted",
        "hidden",
        finish=hide("sheet", "Budget"),
    ),
    Habit(
        "merged cells",
        looked_at(Cell("Streams", 4, "A")),
        "refused",
        "unmerge",
        finish=excel(lambda book: book["Streams"].merge_cells("A3:A4")),
    ),
    Habit(
        "an empty extra sheet",
        own(lambda draft: draft.grids.update({"Лист2": []}), SLAG),
        "refused",
        "is empty",
    ),
    Habit(
        "a sheet of one's own without _",
        extra_sheet("Calculations"),
        "refused",
        "begin its name with _",
    ),
    Habit(
        "a sheet's name with a slip",
        rename("Streams", "Stream"),
        "refused",
        "rename it",
        suggestion="Streams",
    ),
    Habit(
        "a column's name in Russian",
        header("Streams", "cost", "цена"),
        "refused",
        "no column called",
    ),
    Habit(
        "a remark in a column without a name",
        nameless_column("Streams", 3, "ask them"),
        "refused",
        "no name",
    ),
    Habit(
        "Excel's line sep=;",
        put(SLAG, 100_000),
        "read right",
        value=100_000.0,
        finish=separator_line,
        kind="",
    ),
    Habit(
        "Unicode text (UTF-16) instead of CSV UTF-8",
        looked_at(Cell("Streams.csv", 0)),
        "refused",
        "UTF-16",
        finish=as_utf_16,
        kind="",
    ),
)

NAMES = (
    Habit(
        "spaces around a name",
        put("Streams.material[site=Works]", " slag "),
        "read right",
        value="slag",
    ),
    Habit("yes in Russian", put("Streams.must_handle[site=Works]", "Да"), "read right", value=True),
    Habit("TRUE for yes", put("Streams.must_handle[site=Works]", True), "read right", value=True),
    Habit(
        "a period typed as a number",
        put("Budget.period[budget_million=500]", 1),
        "read right",
        value="1",
    ),
    Habit(
        "a Cyrillic letter in a name",
        put("Streams.material[site=Works]", "sl\u0430g"),
        "refused",
        "another alphabet",
        suggestion="slag",
    ),
    Habit(
        "capitals",
        put("Streams.material[site=Works]", "Slag"),
        "refused",
        "capital letters",
        suggestion="slag",
    ),
    Habit(
        "a dash for no member",
        put("Sites.member[site=Town]", "-"),
        "refused",
        "leave the cell blank",
    ),
    Habit(
        "a choice with a capital",
        put("Materials.category[material=slag]", "Waste"),
        "refused",
        suggestion="waste",
    ),
    Habit(
        "a row copied and not changed",
        add("Streams", "site", site="Works", material="slag", amount_per_year=5),
        "refused",
        "already",
    ),
    Habit(
        "a negative capacity",
        put("Units.capacity_per_year[unit=Mill]", -60_000),
        "refused",
        "below 0",
    ),
    Habit(
        "a dearer fee for one waste beside one for all",
        own(
            lambda draft: draft.add("Disposal", {"site": "Works", "fee": 100}),
            "Disposal.fee[site=Works, material=slag]",
        ),
        "doubted",
        "never used",
    ),
    Habit(
        "an old dump to be cleared, with a fee for every waste",
        own(
            lambda draft: (
                draft.put("Stockpiles.closing_max[site=Old dump]", 2_000),
                draft.add("Disposal", {"site": "Old dump", "fee": 300}),
            ),
            "Stockpiles.closing_max[site=Old dump]",
        ),
        "doubted",
        "tipped again",
    ),
    Habit(
        "a material that nothing uses",
        add("Materials", "material", material="sludge", category="waste"),
        "doubted",
        "used nowhere",
    ),
)

CATALOGUE: dict[str, tuple[Habit, ...]] = {
    "Numbers": NUMBERS,
    "Units of measure": UNITS,
    "Scale and sign": SCALES,
    "Rows, columns, sheets and files": ROWS_AND_SHEETS,
    "Names and rows that belong together": NAMES,
}
ALL = [habit for habits in CATALOGUE.values() for habit in habits]


@dataclass(frozen=True)
class Heard:
    """A habit, its cell, what was typed there, all that was said, and what was read."""

    habit: Habit
    cell: Cell
    typed: object
    problems: tuple[Problem, ...]
    scenario: Scenario | None

    @property
    def there(self) -> Problem | None:
        """The problem that tells of the habit."""
        return next((p for p in self.problems if p.cell == self.cell), None)


@cache
@python_strings()
def heard(what: str) -> Heard:
    habit = next(h for h in ALL if h.what == what)
    draft = region()
    cell = habit.seed(draft)
    if what == "an empty extra sheet":
        cell = Cell("Лист2", 0)
    book = draft.finished()
    typed = _typed(book, cell)
    if habit.finish is None:
        problems, scenario = check_book(book)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"region{habit.kind}"
            write_book(book, path)
            habit.finish(path)
            problems = check(path)
            errors = any(p.severity == "error" for p in problems)
            scenario = None if errors else check_book(read_book(path))[1]
    return Heard(habit, cell, typed, tuple(problems), scenario)


def _typed(book: Book, cell: Cell) -> object:
    grid = next((s.grid for s in book.sheets if s.name == cell.sheet), [])
    column = openpyxl.utils.column_index_from_string(cell.column) - 1 if cell.column else 0
    line = grid[cell.row - 1] if 0 < cell.row <= len(grid) else []
    return line[column] if cell.column and column < len(line) else None


def read_there(case: Heard) -> object:
    """What the scenario holds at the cell."""
    assert case.scenario is not None, [str(p) for p in case.problems]
    table = case.scenario.tables[case.cell.sheet]
    name = next(n for n, letter in table.letters.items() if letter == case.cell.column)
    return table.frame.at[case.cell.row, name]


def markdown() -> str:
    """`docs/habits.md`."""
    lines = [
        "# What people type, and what circflow answers",
        "",
        f"{len(ALL)} habits of people who fill in workbooks, each typed into a small region "
        "that was typed into the empty template. circflow reads what is meant and says nothing, or "
        "names the cell: a doubt (the workbook is solved as it stands) or a refusal. The table is "
        "made, and every line of it tested, by `tests/data/test_habits.py`.",
    ]
    for heading, habits in CATALOGUE.items():
        lines += ["", f"## {heading}", "", "| habit | typed | answer |", "| --- | --- | --- |"]
        lines += [_line(heard(habit.what)) for habit in habits]
    return "\n".join(lines) + "\n"


def _line(case: Heard) -> str:
    habit, typed = case.habit, case.typed
    shown = "" if typed is None else typed.text if isinstance(typed, CellFault) else str(typed)
    if habit.answer == "read right":
        answer = f"read right: {habit.value if not isinstance(habit.value, bool) else 'yes'}"
    else:
        assert case.there is not None, habit.what
        answer = f"{habit.answer} at {case.there}"
    cells = (habit.what, f"`{shown}`" if shown else "", answer)
    escaped = [text.replace("|", "\\|").replace(">", "&gt;") for text in cells]
    return f"| {' | '.join(escaped)} |"


# ------------------------------------------------------------------ tests


def test_the_catalogue_is_long_and_varied() -> None:
    assert len(ALL) >= FEWEST
    assert len({habit.what for habit in ALL}) == len(ALL)
    assert {habit.answer for habit in ALL} == {"read right", "doubted", "refused"}


def test_the_region_itself_is_without_a_doubt() -> None:
    assert [str(p) for p in check_book(region().finished())[0]] == []


@pytest.mark.parametrize("habit", ALL, ids=[habit.what for habit in ALL])
def test_no_habit_passes_in_silence(habit: Habit) -> None:
    case = heard(habit.what)
    told = [str(p) for p in case.problems]
    if habit.answer == "read right":
        assert told == []
        assert read_there(case) == habit.value
        return
    assert case.there is not None, (told, str(case.cell))
    assert habit.said in case.there.message
    assert case.there.severity == ("error" if habit.answer == "refused" else "warning")
    assert case.there.expected or TELLS_WHAT_TO_DO.search(case.there.message), case.there.message
    if habit.suggestion:
        assert case.there.suggestion == habit.suggestion
    if habit.answer == "doubted":
        assert case.scenario is not None, told
    if "title" not in habit.what:  # a title is told beside the fault below it
        errors = [p for p in case.problems if p.severity == "error"]
        assert len(errors) == (habit.answer == "refused"), told


def test_the_page_is_current() -> None:
    text = (ROOT / "docs" / "habits.md").read_text(encoding="utf-8")
    assert text == markdown(), f"run: python {Path(__file__).relative_to(ROOT)} > docs/habits.md"


# ------------------------------------------------------------------ a region with all at once

TOGETHER: tuple[Seed, ...] = (
    put(SLAG, "100 000"),
    put(UNIT, "тонн"),
    put("Streams.must_handle[site=Works]", "Да"),
    put("Units.availability[unit=Mill]", "85 %"),
    put("Markets.max_per_year[price=1500]", "-"),
    put("Stockpiles.capacity[site=Old dump]", "н/д"),
    put("Streams.material[amount_per_year=6000]", "sl\u0430g"),
    put("Sites.member[site=Town]", "-"),
    insert("Streams", 6, "site", "Итого", amount_per_year=160_000),
    insert("Purchases", 2, "price", price="RUB/t"),
    insert("Recipes", 7, "technology", "Bricks:"),
    title("Disposal"),
    put("Materials.unit[material=ash]", "kt"),
    put("Units.capex_million[unit=Brick plant]", 100_000_000),
    put("BlendLimits.max[material=old slag]", 50),
    put(CEMENT, 2_000_000),
)
"""Fifteen habits and more, typed one after the other."""


def repaired(draft: Draft, problems: list[Problem], severity: str) -> int:
    """Do what is told of every problem of a severity, the last rows first; how many were mended."""
    told = [p for p in problems if p.severity == severity]
    for problem in sorted(told, key=lambda p: p.cell, reverse=True):
        grid = draft.grids[problem.cell.sheet]
        row = problem.cell.row - 1
        if "delete the rows above" in problem.message:
            del grid[:row]
        elif "delete the row" in problem.message:
            del grid[row]
        else:
            blank = "leave the cell blank" in problem.message
            assert blank or problem.suggestion, str(problem)
            at = openpyxl.utils.column_index_from_string(problem.cell.column) - 1
            grid[row][at] = None if blank else problem.suggestion
    return len(told)


def test_a_region_with_many_habits_reaches_the_right_plan_in_two_repairs() -> None:
    """By hand: the mill makes 51,000 t of cement (60,000 · 0.85), all of it for the town, and the
    brick plant is built (850 RUB a tonne of ash against 7 million a year):

        sales     51,000 · 2,000 + 30,000 · 800             126.0
        freight   81,000 · 100                                8.1
        inputs    5,100 · 3,000 + 2,550 · 4,000              25.5
        running   51,000 · 200 + 30,000 · 50                 11.7
        dumping   59,000 · 300 + 20,000 · 200                21.7
        plant     100 / 20 + 2                                7.0
    """
    draft = region()
    for seed in TOGETHER:
        seed(draft)
    assert repaired(draft, check_book(draft.finished())[0], "error") == 9
    problems, _ = check_book(draft.finished())
    assert {p.severity for p in problems} == {"warning"}
    assert repaired(draft, problems, "warning") == 4
    problems, scenario = check_book(draft.finished())
    assert [str(p) for p in problems] == []
    assert scenario is not None
    plan = cf.solve(scenario)
    assert plan.objective == pytest.approx(126.0 - 8.1 - 25.5 - 11.7 - 21.7 - 7.0)
    assert plan.built["unit"].tolist() == ["Brick plant"]
    assert plan.tables.disposal["amount_per_year"].sum() == pytest.approx(79_000.0)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(markdown(), end="")
