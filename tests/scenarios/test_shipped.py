"""Every shipped workbook: equal to its CSV folder, valid, and solved to its recorded optimum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import circflow as cf
from circflow.data.files.books import read_book

SCENARIOS = Path(__file__).parents[2] / "scenarios"
EXPECTED: dict[str, float] = json.loads((SCENARIOS / "expected.json").read_text("utf-8"))
FOLDERS = sorted(
    path.parent.relative_to(SCENARIOS).as_posix() for path in SCENARIOS.glob("**/Scenario.csv")
)


def test_every_folder_has_an_expected_optimum() -> None:
    assert sorted(EXPECTED) == FOLDERS


@pytest.mark.parametrize("name", FOLDERS)
def test_workbook_equals_its_folder(name: str) -> None:
    folder, workbook = cf.read(SCENARIOS / name), cf.read(SCENARIOS / f"{name}.xlsx")
    assert folder.settings == workbook.settings
    for sheet, table in folder.tables.items():
        other = workbook.tables[sheet].frame
        assert table.frame.equals(other), f"{name}: sheet {sheet} differs: run scenarios/build.py"
    planners = [s.name for s in read_book(SCENARIOS / f"{name}.xlsx").sheets]
    assert [s.name for s in read_book(SCENARIOS / name).sheets] == planners


@pytest.mark.parametrize("name", FOLDERS)
def test_solves_to_its_recorded_optimum(name: str) -> None:
    plan = cf.solve(cf.read(SCENARIOS / f"{name}.xlsx"))
    assert plan.status is cf.Status.OPTIMAL
    assert plan.objective == pytest.approx(EXPECTED[name], rel=1e-6)
    assert plan.audit.passed
