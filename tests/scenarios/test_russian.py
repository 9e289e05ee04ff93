"""The Russian workbooks: those of the CSV folders, with the names of the label tables."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import circflow as cf
from circflow.data.changes.address import match, parse_address
from circflow.data.check import check_book
from circflow.data.files.books import read_book

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXPECTED: dict[str, float] = json.loads((SCENARIOS / "expected.json").read_text("utf-8"))


def _relabel() -> Any:
    spec = importlib.util.spec_from_file_location("relabel", SCENARIOS / "relabel.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


relabel = _relabel()
TABLES: dict[str, Path] = relabel.tables()


def test_every_region_has_its_table() -> None:
    regions = {path.parent.name for path in SCENARIOS.glob("*/Scenario.csv")}
    assert set(TABLES) == {f"{name}.ru" for name in regions}


@pytest.mark.parametrize("name", TABLES)
def test_every_name_has_a_label_and_every_label_a_use(name: str) -> None:
    labels = relabel.Labels(TABLES[name])
    relabel.labelled(read_book(SCENARIOS / name.partition(".")[0]), labels)
    assert labels.missing == set(), "scenarios/labels has no label for them"
    assert set(labels.labels) - labels.used == set(), "no such name stands in the folder"


@pytest.mark.parametrize("name", TABLES)
def test_workbook_is_its_folder_with_other_names(name: str) -> None:
    book = relabel.labelled(
        read_book(SCENARIOS / name.partition(".")[0]), relabel.Labels(TABLES[name])
    )
    folder, workbook = check_book(book)[1], cf.read(SCENARIOS / f"{name}.xlsx")
    assert folder is not None and folder.settings == workbook.settings
    spoken = ("Scenario", "Studies", "Ranges", "FutureChanges")  # of words and addresses, as typed
    for sheet, table in folder.tables.items():
        same = table.frame.equals(workbook.tables[sheet].frame)
        assert same or sheet in spoken, f"{sheet}: run scenarios/build.py"
    for study in ("Studies", "Ranges"):
        for typed in workbook.tables[study].frame["parameter"]:
            match(workbook.tables, parse_address(typed))


@pytest.mark.parametrize("name", TABLES)
def test_solves_to_the_optimum_of_its_english_twin(
    name: str, shipped: Callable[[str], cf.Solution]
) -> None:
    plan = shipped(name)
    assert plan.objective == pytest.approx(EXPECTED[name.partition(".")[0]], rel=1e-9)
    assert plan.audit.passed
    wastes = plan.scenario.wastes
    assert not any(letter.isascii() and letter.isalpha() for name in wastes for letter in name)


REGIONS = ("kuzbass", "sverdlovsk", "almalyk", "akmola")
DOCS = SCENARIOS.parent / "docs"


@pytest.mark.parametrize("region", REGIONS)
def test_figures_of_the_russian_page_stand_on_the_full_one(region: str) -> None:
    russian = re.findall(r"\d+(?:[ \xa0]\d{3})*(?:,\d+)?", (DOCS / f"ru/{region}.md").read_text())
    english = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", (DOCS / f"cases/{region}.md").read_text())
    there = {figure.replace(",", "") for figure in english}
    here = {re.sub(r"[ \xa0]", "", figure).replace(",", ".") for figure in russian}
    assert len(here) > 50
    assert here - there == set()
