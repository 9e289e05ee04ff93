"""The marked copy of the planner's workbook."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from circflow.data.check import check
from circflow.data.files.annotate import LIST_SHEET, annotate
from circflow.data.files.books import read_book, write_book
from circflow.data.read import read
from circflow.data.scenario import ScenarioError
from circflow.data.table import Cell, Problem

ROWS = {
    "Scenario": [["key", "value"], ["name", "T"]],
    "Sites": [["site", "latitude", "longitude"], ["Wor'ks", 56.8, 60.6], ["Town", 0, 0]],
    "Materials": [["material", "category"], ["slag", "waste"], ["cement", "product"]],
    "Streams": [
        ["site", "material", "amount_per_year", "note"],
        ["Wor'ks", "slag", "=1+", "own"],
        ["Nowhere", "slag", -5, None],
    ],
    "Recipes": [
        ["technology", "role", "material", "amount"],
        ["mill", "input", "slag", 1],
        ["mill", "output", "cement", 0.9],
    ],
    "Units": [["unit", "site", "technology", "capacity_per_year"], ["M", "Wor'ks", "mill", 5]],
    "Markets": [["site", "material", "price"], ["Town", "cement", 100]],
}


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in ROWS.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    streams = book["Streams"]
    streams["C2"].value = "lots"
    streams["C2"].number_format = "0.00"
    streams["C2"].font = Font(bold=True)
    streams["C3"].comment = Comment("ask Ivan", "planner")
    streams["D2"].fill = PatternFill("solid", start_color="FF00FF00")
    streams.column_dimensions["A"].width = 33
    streams["F9"] = "=SUM(C2:C3)"
    streams["F9"].comment = None
    own = book.create_sheet("_own")
    own["A1"] = "=1+1"
    path = tmp_path / "faulty.xlsx"
    book.save(path)
    return path


def test_problem_cells_are_coloured_and_commented(faulty: Path, tmp_path: Path) -> None:
    target = tmp_path / "marked.xlsx"
    problems = check(faulty)
    before = faulty.read_bytes()
    annotate(faulty, target, problems)
    assert faulty.read_bytes() == before
    book = openpyxl.load_workbook(target)
    streams = book["Streams"]
    assert streams["C2"].fill.start_color.rgb == "FFF4B6B0"
    assert "not a number" in streams["C2"].comment.text
    assert streams["A3"].fill.start_color.rgb == "FFF4B6B0"
    # the planner's own comment stays, in front
    assert streams["C3"].comment.text.startswith("ask Ivan")
    assert "below 0" in streams["C3"].comment.text
    assert book["Sites"]["B3"].fill.start_color.rgb == "FFFFEB9C"
    assert "Warning" in book["Sites"]["B3"].comment.text


def test_formats_formulas_and_own_sheets_stay(faulty: Path, tmp_path: Path) -> None:
    target = tmp_path / "marked.xlsx"
    annotate(faulty, target, check(faulty))
    book = openpyxl.load_workbook(target)
    streams = book["Streams"]
    assert streams["C2"].value == "lots" and streams["C2"].font.bold
    assert streams["C2"].number_format == "0.00"
    assert streams["D2"].fill.start_color.rgb == "FF00FF00"
    assert streams.column_dimensions["A"].width == 33
    assert streams["F9"].value == "=SUM(C2:C3)"
    assert book["_own"]["A1"].value == "=1+1"


def test_the_list_of_all_problems_links_to_the_cells(faulty: Path, tmp_path: Path) -> None:
    target = tmp_path / "marked.xlsx"
    problems = check(faulty)
    annotate(faulty, target, problems)
    book = openpyxl.load_workbook(target)
    assert book.sheetnames[0] == LIST_SHEET and book.active.title == LIST_SHEET
    page = book[LIST_SHEET]
    listed = [row[:3] for row in page.iter_rows(min_row=2, values_only=True)]
    assert listed == [(p.severity, str(p.cell), p.message) for p in problems]
    row = next(n for n, p in enumerate(problems, start=2) if p.cell == Cell("Streams", 2, "C"))
    assert page.cell(row, 2).hyperlink.location == "'Streams'!C2"


def test_a_marked_copy_can_be_checked_and_marked_again(faulty: Path, tmp_path: Path) -> None:
    target, again = tmp_path / "marked.xlsx", tmp_path / "again.xlsx"
    problems = check(faulty)
    annotate(faulty, target, problems)
    assert [p.cell for p in check(target)] == [p.cell for p in problems]
    annotate(target, again, check(target))
    assert openpyxl.load_workbook(again).sheetnames.count(LIST_SHEET) == 1


def test_a_folder_becomes_a_workbook(faulty: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_book(read_book(faulty), folder)
    problems = check(folder)
    assert problems
    target = tmp_path / "marked.xlsx"
    annotate(folder, target, problems)
    book = openpyxl.load_workbook(target)
    assert book["Streams"]["A3"].fill.start_color.rgb == "FFF4B6B0"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faulty.xlsx", "folder", "marked.xlsx"]


def test_text_of_the_workbook_never_becomes_a_formula(faulty: Path, tmp_path: Path) -> None:
    target = tmp_path / "marked.xlsx"
    evil = Problem("error", Cell("Streams", 2, "A"), "=cmd()|' /C calc'!A0", "=1+1", "\x01", "@x")
    annotate(faulty, target, [evil, Problem("error", Cell("No'where", 0), "gone")])
    page = openpyxl.load_workbook(target)[LIST_SHEET]
    assert page["C2"].data_type == "s" and page["C2"].value == evil.message
    assert page["D2"].data_type == "s" and page["E2"].value == "\ufffd"
    assert page["B3"].hyperlink is None


def test_merged_cells_are_marked_where_they_show(faulty: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(faulty)
    book["Units"].merge_cells("A2:B3")
    book.save(faulty)
    target = tmp_path / "marked.xlsx"
    annotate(faulty, target, [Problem("error", Cell("Units", 3, "B"), "merged")])
    assert openpyxl.load_workbook(target)["Units"]["A2"].comment.text == "Error: merged"


def test_names_of_copies_that_are_refused(faulty: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"ends in \.xlsx"):
        annotate(faulty, tmp_path / "marked.csv", [])
    with pytest.raises(ScenarioError, match="replace the file itself"):
        annotate(faulty, faulty, [])
    with pytest.raises(ScenarioError):
        annotate(faulty, tmp_path / "nowhere" / "marked.xlsx", [])
    with pytest.raises(ScenarioError):
        annotate(tmp_path / "none.xlsx", tmp_path / "marked.xlsx", [])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faulty.xlsx"]


def test_reading_refuses_or_gives_a_scenario(faulty: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as refused:
        read(faulty)
    assert list(refused.value.problems) == check(faulty)
    assert [p.cell.sheet for p in check(tmp_path / "none.xlsx")] == [""]
    book = openpyxl.load_workbook(faulty)
    book["Streams"]["C2"], book["Streams"]["A3"], book["Streams"]["C3"] = 5, "Town", 5
    book["Streams"]["F9"] = None
    book.save(faulty)
    scenario = read(faulty)
    assert scenario.frame("Streams")["amount_per_year"].tolist() == [5, 5]
    assert scenario.read_seconds > 0
