"""Uses of wastes and their variety, on the tutorial's plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import circflow as cf
from circflow.report.variety_of_uses import uses_of_wastes, variety

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"


@pytest.fixture(scope="module")
def solution() -> cf.Solution:
    return cf.solve(cf.read(TUTORIAL))


def test_uses_add_up_to_what_arises(solution: cf.Solution) -> None:
    table = uses_of_wastes(solution)
    arising = solution.totals["waste_arising"]["t"] + solution.totals["waste_reclaimed"]["t"]
    assert table["source_amount"].sum() == pytest.approx(arising)
    assert table.groupby("source_material")["share"].sum().to_numpy() == pytest.approx(1.0)
    ash = table[table["source_material"] == "fly ash"].set_index("use")["source_amount"]
    assert ash.to_dict() == pytest.approx({"bricks": 50e3, "disposal": 37.5e3, "additive": 12.5e3})


def test_variety_is_a_number_of_uses(solution: cf.Solution) -> None:
    table = variety(solution).set_index("waste")
    assert table.loc["slag", "effective_uses"] == pytest.approx(1.0)
    shares = np.array([0.8, 0.2])  # of the ash that is used: bricks and additive
    expected = float(np.exp(-(shares * np.log(shares)).sum()))
    assert table.loc["fly ash", "effective_uses"] == pytest.approx(expected)
    assert table.loc["fly ash", "used_share"] == pytest.approx(0.625)
