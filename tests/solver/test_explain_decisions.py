"""Explanations where decisions, names and small margins make it hard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import circflow as cf
from circflow.solver.explain import Explanation, explain

Make = Callable[..., cf.Scenario]
Row = dict[str, Any]


def plant(waste: float, unit: Row, *, name: str = "ash", **more: list[Row]) -> dict[str, Any]:
    """One site where a waste has to be made into a product by one unit."""
    recipe = {"technology": "t", "recipe": "main", "amount": 1}
    return {
        "Sites": [{"site": "A"}],
        "Materials": [
            {"material": name, "category": "waste"},
            {"material": "brick", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": name, "amount_per_year": waste}],
        "Recipes": [
            {**recipe, "role": "input", "material": name},
            {**recipe, "role": "output", "material": "brick"},
        ],
        "Units": [{"unit": "Kiln", "site": "A", "technology": "t", **unit}],
        "Markets": [{"site": "A", "material": "brick", "price": 1}],
        **more,
    }


def figures(found: Explanation) -> dict[str, float | None]:
    return {str(r.cell): r.after for c in found.conflicts for r in c.remedies}


def test_an_infeasible_choice_whose_relaxation_is_feasible(make_scenario: Make) -> None:
    """Half a kiln could be paid, and would do: only as a yes/no decision is there no plan."""
    kiln = {"capacity_per_year": 100, "status": "candidate", "capex_million": 10}
    budget = [{"period": "1", "budget_million": 6}]
    scenario = make_scenario(plant(50, kiln, Budget=budget))
    assert cf.solve(scenario, relax=True).status is cf.Status.OPTIMAL
    with pytest.raises(cf.NoPlan, match="Budget!B2") as none:
        cf.solve(scenario)
    assert none.value.status is cf.Status.INFEASIBLE
    found = explain(scenario)
    assert figures(found)["Budget!B2"] == 10
    assert found.verified


def test_a_unit_that_idles_names_its_least_load(make_scenario: Make) -> None:
    """50 arise, and the kiln runs at 80 or not at all."""
    kiln = {"capacity_per_year": 100, "min_load": 0.8, "can_idle": True}
    found = explain(make_scenario(plant(50, kiln)))
    assert figures(found)["Units!G2"] == pytest.approx(0.5)
    assert found.verified


def test_barely_feasible_and_barely_not(make_scenario: Make) -> None:
    kiln = {"capacity_per_year": 50}
    assert explain(make_scenario(plant(50, kiln))).status is cf.Status.OPTIMAL
    found = explain(make_scenario(plant(50.001, kiln)))
    assert figures(found) == {"Units!E2": 50.01, "Streams!D2": 50.0}


def test_huge_figures(make_scenario: Make) -> None:
    found = explain(make_scenario(plant(5e12, {"capacity_per_year": 1e12})))
    assert figures(found) == {"Units!E2": 5e12, "Streams!D2": 1e12}
    assert found.verified


def test_names_are_plain_text_on_one_line(make_scenario: Make) -> None:
    name = "=cmd()\n\u202e[a=b] {x} %s \"'"
    found = explain(make_scenario(plant(50, {"capacity_per_year": 10}, name=name)))
    assert all(line.isprintable() for line in found.lines())
    assert any("=cmd() ?[a=b] {x} %s" in line for line in found.lines())
