"""The audit's own calendar: by hand, and the same as what the model uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from circflow.data.scenario import Scenario
from circflow.solution.calendar import (
    KEYS,
    once,
    purchases_in_force,
    rows_in_force,
    yearly,
)

Make = Callable[[dict[str, Any]], Scenario]

SHEETS: dict[str, Any] = {
    "Scenario": {"discount_rate": 0.25},
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 2}, {"period": "c"}],
    "Sites": [{"site": "A"}, {"site": "B"}, {"site": "C"}],
    "Materials": [{"material": "k"}, {"material": "lime"}],
    "Streams": [
        {"site": "A", "material": "k", "amount_per_year": 1},
        {"site": "A", "material": "k", "period": "b", "amount_per_year": 2},
        {"site": "B", "material": "k", "period": "c", "amount_per_year": 3},
    ],
    "Markets": [
        {"site": "A", "material": "k", "price": 9, "max_per_year": 5},
        {"site": "A", "material": "k", "price": 4},
        {"site": "A", "material": "k", "period": "a", "price": 7},
    ],
    "Disposal": [
        {"site": "A", "fee": 1},
        {"site": "A", "material": "k", "fee": 2, "period": "b"},
        {"site": "A", "fee": 3, "period": "b"},
    ],
    "EmissionLimits": [
        {"pollutant": "CO2", "scope": "cluster", "price": 1},
        {"pollutant": "CO2", "scope": "cluster", "period": "c", "price": 2},
        {"pollutant": "CO2", "scope": "site", "key": "A", "price": 3},
    ],
    "RecipeCosts": [
        {"technology": "t", "variable_cost": 1},
        {"technology": "t", "variable_cost": 2, "period": "b"},
    ],
    "Recipes": [{"technology": "t", "role": "input", "material": "lime", "amount": 1}],
    "Units": [
        {"unit": "u", "site": "A", "technology": "t", "capacity_per_year": 1},
        {"unit": "v", "site": "B", "technology": "t", "capacity_per_year": 1},
        {"unit": "w", "site": "C", "technology": "t", "capacity_per_year": 1, "status": "off"},
    ],
    "Purchases": [
        {"material": "lime", "price": 1},
        {"material": "lime", "price": 2, "period": "b"},
        {"site": "B", "material": "lime", "price": 3, "period": "c"},
    ],
}


def test_worth_by_hand(make_scenario: Make) -> None:
    scenario = make_scenario(SHEETS)
    assert once(scenario) == pytest.approx([1.0, 0.8, 0.512])
    assert yearly(scenario) == pytest.approx([1.0, 0.8 + 0.64, 0.512])


def test_rows_by_hand(make_scenario: Make) -> None:
    scenario = make_scenario(SHEETS)
    held = rows_in_force(scenario, "Streams").frame(scenario.codes, "row", "period").values.tolist()
    assert held == [[2, "a"], [2, "c"], [3, "b"], [4, "c"]]
    bought = (
        purchases_in_force(scenario).frame(scenario.codes, "row", "site", "period").values.tolist()
    )
    assert sorted(bought) == [
        [2, "A", "a"], [2, "A", "c"], [2, "B", "a"],
        [3, "A", "b"], [3, "B", "b"], [4, "B", "c"],
    ]  # fmt: skip


@pytest.mark.parametrize("sheet", KEYS)
def test_the_same_as_what_the_model_uses(make_scenario: Make, sheet: str) -> None:
    scenario = make_scenario(SHEETS)
    columns = ["row", "period", *KEYS[sheet]]
    ours = rows_in_force(scenario, sheet).frame(scenario.codes, *columns).fillna("").values.tolist()
    assert ours == scenario.in_force(sheet)[columns].fillna("").values.tolist()
    assert yearly(scenario) == pytest.approx([p.weight for p in scenario.periods])


def test_the_same_purchases(make_scenario: Make) -> None:
    scenario = make_scenario(SHEETS)
    columns = ["row", "site", "period", "price"]
    ours = purchases_in_force(scenario).frame(scenario.codes, *columns).values.tolist()
    assert sorted(ours) == sorted(
        scenario.purchase_items.frame(scenario.codes, *columns).values.tolist()
    )
