"""The template, and how every scenario workbook is dressed."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from circflow.data.files.books import read_book, write_book, write_template
from circflow.data.files.grids import column_letter
from circflow.data.files.template import (
    ANY_NUMBER,
    OPTIONAL_COLOUR,
    PLANNERS_COLOUR,
    REQUIRED_COLOUR,
    header_note,
    is_setting_note,
    number_format,
    plain_number,
    template_book,
)
from circflow.data.files.workbook import README, README_TITLE
from circflow.data.schema.sheets import BY_NAME, SCENARIO_KEYS, SHEETS, Column, Sheet
from circflow.data.table import Book, RawSheet


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    path = tmp_path_factory.mktemp("template") / "t.xlsx"
    write_template(path)
    return openpyxl.load_workbook(path)


def validations(page: Worksheet) -> dict[str, tuple[str, str]]:
    """Source and kind of alert of the drop-down lists, by range."""
    rules = page.data_validations.dataValidation
    return {str(rule.sqref): (str(rule.formula1), str(rule.errorStyle)) for rule in rules}


def test_every_sheet_and_column_stands_in_order(template: openpyxl.Workbook) -> None:
    assert template.sheetnames == [README, *(sheet.name for sheet in SHEETS)]
    for sheet in SHEETS[1:]:
        headers = [cell.value for cell in template[sheet.name][1]]
        assert headers == list(sheet.names)
        assert template[sheet.name].max_row == 1


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_headers_tell_what_the_schema_knows(template: openpyxl.Workbook, sheet: Sheet) -> None:
    page = template[sheet.name]
    for index, column in enumerate(sheet.columns, start=1):
        cell = page.cell(1, index)
        assert cell.comment is not None
        assert cell.comment.text == header_note(sheet, column)
        assert cell.font.bold
        colour = REQUIRED_COLOUR if column.required else OPTIONAL_COLOUR
        assert cell.fill.fgColor.rgb == "FF" + colour[1:]
        width = page.column_dimensions[column_letter(index - 1)].width
        assert width >= len(column.name) + 3 or column.name in sheet.names[1:]
    assert page.freeze_panes == ("B2" if len(sheet.columns) > 8 else "A2")
    rows = 1 + len(SCENARIO_KEYS) if sheet.name == "Scenario" else 2
    last = column_letter(len(sheet.columns) - 1 + (sheet.name == "Scenario"))
    assert page.auto_filter.ref == f"A1:{last}{rows}"


def test_a_note_says_all(template: openpyxl.Workbook) -> None:
    units = BY_NAME["Units"]
    assert header_note(units, units["availability"]) == (
        "Share of the capacity that can be used.\nUnit: share.\n"
        "Expected: a number above 0 and at most 1.\nBlank = 1."
    )
    streams = BY_NAME["Streams"]
    assert header_note(streams, streams["site"]) == (
        "Place.\nExpected: a name from the sheet Sites.\nMust be filled.\n"
        "No two rows may have the same site, material, period."
    )


def test_drop_down_lists(template: openpyxl.Workbook) -> None:
    units = validations(template["Units"])
    letter = dict(zip(BY_NAME["Units"].names, map(column_letter, range(30)), strict=False))

    def rule(column: str) -> tuple[str, str]:
        return units[f"{letter[column]}2:{letter[column]}1048576"]

    assert rule("status") == ('"existing,candidate,off"', "None")  # None is stop
    assert rule("can_idle") == ('"yes,no"', "warning")
    # as far as the last name: COUNTA would leave out as many names as there are blank rows
    names = "Sites!$A$2:$A$10000"
    last = f'SUMPRODUCT(MAX(({names}<>"")*ROW({names})))-1'
    sites = f"OFFSET(Sites!$A$2,0,0,MAX(1,{last}),1)"
    assert rule("site") == (sites, "information")
    assert rule("technology")[0].startswith("OFFSET(Recipes!$A$2,")
    assert rule("requires")[0].startswith("OFFSET(Units!$A$2,")
    assert rule("earliest_period")[0].startswith("OFFSET(Periods!$A$2,")
    assert f"{letter['jobs']}2:{letter['jobs']}1048576" not in units


def test_every_choice_flag_and_reference_has_its_list(template: openpyxl.Workbook) -> None:
    def listed(column: Column) -> bool:
        named = column.kind == "name" and column.reference
        return column.kind in ("flag", "choice") or bool(named)

    for sheet in SHEETS:
        found = {ref.split(":")[0] for ref in validations(template[sheet.name])}
        for index, column in enumerate(sheet.columns):
            assert (f"{column_letter(index)}2" in found) == listed(column), (sheet.name, column)


def test_references_follow_moved_columns_and_skip_missing_sheets(tmp_path: Path) -> None:
    book = Book(
        (
            RawSheet("Sites", [["note", "site"], [None, "a"]]),
            RawSheet("Streams", [["site", "material"], ["a", "b"]]),
        )
    )
    write_book(book, tmp_path / "a.xlsx")
    rules = validations(openpyxl.load_workbook(tmp_path / "a.xlsx")["Streams"])
    assert list(rules) == ["A2:A1048576"]
    assert "Sites!$B$2" in rules["A2:A1048576"][0]


def test_the_scenario_sheet_lists_its_settings(template: openpyxl.Workbook) -> None:
    page = template["Scenario"]
    rows = {str(row[0].value): row for row in page.iter_rows(min_row=2)}
    assert list(rows) == [key.name for key in SCENARIO_KEYS]
    assert rows["discount_rate"][1].value == 0
    assert rows["start_year"][1].value == 2025
    assert rows["auto_links"][1].value == "yes"
    assert rows["name"][1].value is None
    assert rows["name"][2].value == "title of the scenario; must be filled"
    assert rows["max_distance_km"][2].value == (
        "longest automatic link, detour included (km); blank = any"
    )
    rules = validations(page)
    assert rules[rows["auto_links"][1].coordinate][0] == '"yes,no"'
    assert rules[rows["capital_charge"][1].coordinate][0] == '"annuity,upfront"'


def test_the_read_me_sheet(template: openpyxl.Workbook) -> None:
    page = template[README]
    texts = [str(cell.value) for row in page.iter_rows() for cell in row if cell.value]
    assert texts[0] == README_TITLE
    assert any("circflow check FILE.xlsx" in text for text in texts)
    for sheet in SHEETS:
        assert sheet.name in texts
        assert sheet.meaning in texts


def test_the_read_me_sheet_is_made_anew_and_never_doubled(tmp_path: Path) -> None:
    write_template(tmp_path / "a.xlsx")
    book = read_book(tmp_path / "a.xlsx")
    assert book.sheets == template_book().sheets
    write_book(book, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    write_book(book, tmp_path / "csv")
    assert not (tmp_path / "csv" / "_readme.csv").exists()
    own = RawSheet(README, [["my own words"]])
    write_book(Book((*book.sheets, own)), tmp_path / "c.xlsx")
    assert read_book(tmp_path / "c.xlsx").sheets[-1] == own
    assert openpyxl.load_workbook(tmp_path / "c.xlsx").sheetnames.count(README) == 1


def test_planners_columns_and_sheets_are_kept_plain(tmp_path: Path) -> None:
    book = Book(
        (
            RawSheet("_calc", [["x", 1.5], ["y", True]]),
            RawSheet("Sites", [["site", "note", "Note 2", "oops"], ["a", "b", 3, "c"]]),
        )
    )
    write_book(book, tmp_path / "a.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert workbook.sheetnames == [README, "Sites", "_calc"]
    assert workbook["_calc"].auto_filter.ref is None
    for cell in workbook["Sites"][1][1:]:
        assert cell.comment is None
        assert cell.fill.fgColor.rgb == "FF" + PLANNERS_COLOUR[1:]


def test_a_workbook_always_shows_a_sheet(tmp_path: Path) -> None:
    sheets = (RawSheet(README, [["mine"]], hidden=True), RawSheet("Goals", [["goal"]], hidden=True))
    write_book(Book(sheets), tmp_path / "a.xlsx")
    assert any(
        page.sheet_state == "visible" for page in openpyxl.load_workbook(tmp_path / "a.xlsx")
    )


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (("Streams", "amount_per_year"), [4800000, 12.0, None, "x"], "#,##0"),
        (("Streams", "amount_per_year"), [4800000.5, 12], "#,##0.0"),
        (("Recipes", "amount"), [0.25, 1.125], "#,##0.000"),
        (("Recipes", "amount"), [1e-5, 1.0], ANY_NUMBER),
        (("Recipes", "amount"), [1 / 3], ANY_NUMBER),
        (("Recipes", "amount"), [], ANY_NUMBER),
        (("Recipes", "amount"), ["1.25"], "#,##0.00"),
        (("Sites", "latitude"), [56.8389, 57], "0.0000"),
        (("Periods", "years"), [5000], "0"),
        (("Sites", "site"), [5], "General"),
    ],
)
def test_number_formats(column: tuple[str, str], values: list[object], expected: str) -> None:
    assert number_format(BY_NAME[column[0]][column[1]], values) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), (" -1.5e3", -1500), ("1e-5", 1e-5), ("1,5", "1,5"), ("1 000", "1 000")]
    + [(text, text) for text in ("", "nan", "inf", "1_0", "٣", "0x1", "1e999", "1.", ".5")],
)
def test_plain_numbers(text: str, number: object) -> None:
    assert plain_number(text) == number
    assert type(plain_number(text)) is type(number)


def test_formats_reach_the_cells(tmp_path: Path) -> None:
    header: list[object] = ["site", "amount_per_year", "note"]
    grid = [header, ["a", 1234567.5, "long " * 40]]
    write_book(Book((RawSheet("Streams", grid),)), tmp_path / "a.xlsx")
    page = openpyxl.load_workbook(tmp_path / "a.xlsx")["Streams"]
    assert page["B2"].number_format == "#,##0.0"
    assert page["C2"].alignment.wrap_text
    assert page.column_dimensions["C"].width <= 62


def test_a_filled_template_checks_without_errors(tmp_path: Path) -> None:
    from circflow.data.check import check_book

    write_template(tmp_path / "a.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "a.xlsx")
    workbook["Scenario"]["B2"] = "Trial"
    rows: dict[str, dict[str, str | int]] = {
        "Sites": {"site": "Works"},
        "Materials": {"material": "slag", "category": "waste"},
        "Streams": {"site": "Works", "material": "slag", "amount_per_year": 10},
        "Recipes": {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
        "Units": {"unit": "M", "site": "Works", "technology": "mill", "capacity_per_year": 10},
        "Markets": {"site": "Works", "material": "slag", "price": 1},
    }
    for name, values in rows.items():
        for column, value in values.items():
            workbook[name].cell(2, BY_NAME[name].names.index(column) + 1, value)
    workbook.save(tmp_path / "b.xlsx")
    problems, scenario = check_book(read_book(tmp_path / "b.xlsx"))
    assert [str(p) for p in problems if p.severity == "error"] == []
    assert scenario is not None
    assert scenario.name == "Trial"


def test_the_templates_own_notes_are_told_from_a_planners() -> None:
    grid = next(s.grid for s in template_book().sheets if s.name == "Scenario")
    assert all(is_setting_note(str(key), str(note)) for key, _, note in grid[1:])
    assert not is_setting_note("discount_rate", "assumption: rate of the ministry")
    assert not is_setting_note("our key", "per year, 0.1 = 10 %")
