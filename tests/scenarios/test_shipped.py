"""Every shipped workbook: equal to its CSV folder, valid, and solved to its recorded optimum."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import circflow as cf
from circflow.data.balances import MASS, recipe_balances
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
def test_solves_to_its_recorded_optimum(name: str, shipped: Callable[[str], cf.Solution]) -> None:
    plan = shipped(name)
    assert plan.status is cf.Status.OPTIMAL
    assert plan.objective == pytest.approx(EXPECTED[name], rel=1e-6)
    assert plan.audit.passed


REGIONS = ("kuzbass", "sverdlovsk", "almalyk", "akmola")


@pytest.mark.parametrize("name", REGIONS)
def test_no_recipe_creates_anything_and_what_it_loses_is_named(name: str) -> None:
    """As `circflow check --balances` counts; a loss of mass is named on the page of the case."""
    scenario = cf.read(SCENARIOS / name)
    table = pd.DataFrame(recipe_balances({name: one.rows for name, one in scenario.tables.items()}))
    table["label"] = table["technology"] + "/" + table["recipe"] + ": " + table["property"]
    assert table["property"].nunique() > 3
    assert table.loc[table["out"] > table["most_in"] * (1 + 1e-6), "label"].tolist() == []
    held = table[(table["lost"] > 0.05) & (table["property"] != MASS)]
    unnamed = held[(held["named"] < held["lost"] - 1e-9) | held["reason"].isna()]
    assert unnamed["label"].tolist() == []
    page = (SCENARIOS.parent / "docs" / "cases" / f"{name}.md").read_text("utf-8")
    mass = table[(table["property"] == MASS) & (table["out"] < 0.95 * table["least_in"])]
    for technology, recipe in mass[["technology", "recipe"]].values:
        row = next(x for x in page.splitlines() if x.startswith(f"| {technology} | {recipe} |"))
        assert re.search(r"[a-z]{4}", row.split("|")[-2]), row
