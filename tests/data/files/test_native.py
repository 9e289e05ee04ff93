"""Workbooks in Russian: read as English ones, written as they were, turned into one another."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

import circflow as cf
from circflow.data.changes.address import parse_address, spoken_address
from circflow.data.files.books import read_book, write_book, write_template
from circflow.data.files.native import native
from circflow.i18n import language
from circflow.studies.bench.store import fingerprint

CASE = Path(__file__).parents[3] / "scenarios" / "tutorial.xlsx"


@pytest.fixture
def russian(tmp_path: Path) -> Path:
    path = tmp_path / "пример.xlsx"
    write_book(native(read_book(CASE), "ru"), path)
    return path


def test_a_russian_workbook_is_the_english_one(russian: Path, tmp_path: Path) -> None:
    english, spoken = cf.read(CASE), cf.read(russian)
    assert fingerprint(spoken) == fingerprint(english)
    raw = {sheet.title: sheet for sheet in spoken.book.sheets}
    assert raw["Площадки"].name == "Sites"
    assert raw["Площадки"].headers["site"] == "площадка"
    back = tmp_path / "back.xlsx"
    write_book(native(spoken.book, "en"), back)
    assert [s.grid for s in read_book(back).sheets] == [s.grid for s in read_book(CASE).sheets]
    folder = tmp_path / "csv"
    write_book(native(spoken.book, "en"), folder)
    assert (folder / "Sites.csv").exists()
    assert fingerprint(cf.read(folder)) == fingerprint(english)


def test_written_again_it_keeps_its_names(russian: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.xlsx"
    write_book(read_book(russian), again)
    assert read_book(again).sheets == read_book(russian).sheets


@pytest.mark.parametrize("parity", [0, 1])
def test_each_sheet_column_and_word_may_be_in_either_language(
    parity: int, russian: Path, tmp_path: Path
) -> None:
    """A chessboard of both workbooks: every other title, header and cell is the Russian one."""
    book, other = load_workbook(CASE), load_workbook(russian)
    for at, (sheet, spoken) in enumerate(zip(book.worksheets, other.worksheets, strict=True)):
        if (at + parity) % 2:
            sheet.title = spoken.title
        for row, words in zip(sheet.iter_rows(), spoken.iter_rows(), strict=True):
            for cell, word in zip(row, words, strict=True):
                if (at + cell.row + cell.column + parity) % 2:
                    cell.value = word.value
    path = tmp_path / "mixed.xlsx"
    book.save(path)
    mixed, english = cf.read(path), cf.read(CASE)
    assert mixed.settings == english.settings
    assert fingerprint(mixed) == fingerprint(english)


def test_a_near_miss_is_told_in_the_language_of_the_workbook(russian: Path, tmp_path: Path) -> None:

    book = load_workbook(russian)
    sheet = book["Материалы"]
    at = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(1, at["единица измерения"]).value = "единица измерени"
    sheet.cell(2, at["категория"]).value = "отход"
    path = tmp_path / "slips.xlsx"
    book.save(path)
    with pytest.raises(cf.ScenarioError) as caught:
        cf.read(path)
    told = {p.suggestion: str(p.cell) for p in caught.value.problems}
    assert told["единица измерения"].startswith("Материалы!")
    assert told["отходы"].startswith("Материалы!")


def test_the_template_is_in_the_language_in_force(tmp_path: Path) -> None:

    with language("ru"):
        write_template(tmp_path / "форма.xlsx")
    book = load_workbook(tmp_path / "форма.xlsx")
    assert {"Сценарий", "Площадки", "Установки"} <= set(book.sheetnames)
    assert [cell.value for cell in book["Площадки"][1]][:2] == ["площадка", "название"]
    lists = [v.formula1 for v in book["Материалы"].data_validations.dataValidation]
    assert '"отходы,полупродукт,продукция,сырьё,энергия"' in lists
    english = tmp_path / "template.xlsx"
    write_template(english)
    read = [read_book(path).sheets for path in (tmp_path / "форма.xlsx", english)]
    assert [s.name for s in read[0]] == [s.name for s in read[1]]


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("Markets.price[material=slag cement]", "Рынки.цена[материал=slag cement]"),
        ("Scenario.discount_rate", "Сценарий.ставка дисконтирования"),
        ("Units.jobs[status=candidate]", "Установки.рабочие места[состояние=кандидат]"),
        ("Units[unit=mill]", "Установки[установка=mill]"),
    ],
)
def test_addresses(english: str, russian: str) -> None:
    assert spoken_address(english, "ru") == russian
    assert spoken_address(russian, "en") == english
    if not english.startswith("Units["):
        assert parse_address(russian) == parse_address(english)


def test_a_changed_cell_by_its_russian_address(russian: Path) -> None:
    scenario = cf.read(russian).change({"Сценарий.ставка дисконтирования": 0.08})
    assert scenario.settings.discount_rate == 0.08
    changed = cf.read(CASE).change({"Scenario.discount_rate": 0.08})
    assert fingerprint(scenario) == fingerprint(changed)
