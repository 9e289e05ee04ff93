"""Workbooks in Russian: read as English ones, written as they were, turned into one another."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_each_sheet_and_column_may_be_in_either_language(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    book = load_workbook(CASE)
    book["Units"].title = "Установки"
    for cell in book["Sites"][1]:
        cell.value = {"site": "площадка", "member": "участник"}.get(cell.value, cell.value)
    materials = book["Materials"]
    at = next(c.column for c in materials[1] if c.value == "category")
    for row in range(2, materials.max_row + 1):
        cell = materials.cell(row, at)
        cell.value = {"waste": "отходы"}.get(cell.value, cell.value)
    path = tmp_path / "mixed.xlsx"
    book.save(path)
    assert fingerprint(cf.read(path)) == fingerprint(cf.read(CASE))


def test_a_near_miss_is_told_in_the_language_of_the_workbook(russian: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

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
    from openpyxl import load_workbook

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
