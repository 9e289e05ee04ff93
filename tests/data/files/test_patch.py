"""Cells changed inside a sheet's XML, written out."""

from __future__ import annotations

import pytest

from circflow.data.files.grids import column_letter, column_number
from circflow.data.files.patch import UnusualError, sheet_with

HEAD = '<worksheet><dimension ref="A1:B2"/><sheetData>'
SHEET = (
    f'{HEAD}<row r="1" spans="1:2"><c r="A1" t="s"><v>0</v></c></row>'
    '<row r="2"><c r="A2" s="3"><v>1</v></c><c r="C2"><f>A2*2</f><v>2</v></c></row>'
    "</sheetData><pageMargins/></worksheet>"
)


def body(cells: dict[tuple[int, int], str | float | bool | None]) -> str:
    return sheet_with(SHEET, cells).partition("<sheetData>")[2].partition("</sheetData>")[0]


ROW_1 = '<row r="1" spans="1:2"><c r="A1" t="s"><v>0</v></c></row>'
FORMULA = '<c r="C2"><f>A2*2</f><v>2</v></c>'


def test_the_format_stays_and_formulas_elsewhere_too() -> None:
    assert body({(2, 1): 7.5}) == (
        f'{ROW_1}<row r="2"><c r="A2" s="3"><v>7.5</v></c>{FORMULA}</row>'
    )


def test_text_is_text() -> None:
    assert body({(2, 2): "=<a>&"}) == (
        f'{ROW_1}<row r="2"><c r="A2" s="3"><v>1</v></c><c r="B2" t="inlineStr"><is>'
        f'<t xml:space="preserve">=&lt;a&gt;&amp;</t></is></c>{FORMULA}</row>'
    )


def test_an_emptied_cell_keeps_its_format_and_a_new_row_goes_to_its_place() -> None:
    assert body({(2, 1): None, (4, 27): True}) == (
        f'{ROW_1}<row r="2"><c r="A2" s="3"/>{FORMULA}</row>'
        '<row r="4"><c r="AA4" t="b"><v>1</v></c></row>'
    )


def test_a_formula_that_cells_share_is_left_to_others() -> None:
    shared = SHEET.replace("<f>A2*2</f>", '<f t="shared" ref="C2:C3" si="0">A2*2</f>')
    with pytest.raises(UnusualError):
        sheet_with(shared, {(2, 3): 1.0})
    assert '<f t="shared"' in sheet_with(shared, {(2, 1): 1.0})


@pytest.mark.parametrize("number", [1, 26, 27, 52, 702, 703, 16_384])
def test_letters(number: int) -> None:
    assert column_number(column_letter(number)) == number
    assert (column_letter(27), column_letter(702)) == ("AB", "AAA")
