"""Conversion: recipes, groups of inputs that replace one another, blends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Sites": [{"site": "Plant"}],
    "Materials": [
        {"material": name, "category": "waste"} for name in ("slag", "ash", "mud", "lime", "cement")
    ],
    "Recipes": [
        {"technology": "mix", "role": "input", "material": "slag", "amount": 1.2, "group": "g"},
        {
            "technology": "mix",
            "role": "input",
            "material": "ash",
            "amount": 1.2,
            "group": "g",
            "weight": 0.5,
        },
        {"technology": "mix", "role": "input", "material": "lime", "amount": 0.1},
        {"technology": "mix", "role": "input", "material": "lime", "amount": 0.2},
        {"technology": "mix", "role": "output", "material": "cement", "amount": 0.9},
        {"technology": "mix", "role": "output", "material": "lime", "amount": 0.05},
        {"technology": "mix", "recipe": "wet", "role": "input", "material": "mud", "amount": 2},
        {
            "technology": "mix",
            "recipe": "wet",
            "role": "input",
            "material": "slag",
            "amount": 1,
            "group": "g",
        },
        {"technology": "mix", "recipe": "wet", "role": "output", "material": "cement", "amount": 1},
        {"technology": "other", "role": "input", "material": "mud", "amount": 1},
    ],
    "RecipeCosts": [{"technology": "mix", "recipe": "wet", "variable_cost": 7}],
    "Properties": [
        {"material": "slag", "property": "MgO", "value": 0.10},
        {"material": "ash", "property": "MgO", "value": 0.02},
        {"material": "mud", "property": "MgO", "value": 0.5},
    ],
    "BlendLimits": [
        {"technology": "mix", "group": "g", "property": "MgO", "min": 0.03, "max": 0.08},
        {"technology": "mix", "group": "g", "material": "ash", "max": 0.25},
        {"technology": "mix", "recipe": "wet", "group": "g", "material": "slag", "min": 0.5},
    ],
    "Units": [
        {"unit": "U1", "site": "Plant", "technology": "mix", "capacity_per_year": 10},
        {
            "unit": "U2",
            "site": "Plant",
            "technology": "mix",
            "capacity_per_year": 9,
            "status": "off",
        },
    ],
}


@pytest.mark.covers("group_requirement")
def test_weighted_intake_is_the_group_s_requirement(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("group_requirement") == {
        "U1,main,g,1": "-1.2 activity[U1,main,1] + 0.5 intake[ash,U1,main,g,1]"
        " + intake[slag,U1,main,g,1] == 0",
        "U1,wet,g,1": "-activity[U1,wet,1] + intake[slag,U1,wet,g,1] == 0",
    }


@pytest.mark.covers("blend_max")
def test_blend_max_is_a_mean_over_amounts_not_weights(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("blend_max") == {
        "2,U1,1": "-0.06 intake[ash,U1,main,g,1] + 0.02 intake[slag,U1,main,g,1] <= 0",
        "3,U1,1": "0.75 intake[ash,U1,main,g,1] - 0.25 intake[slag,U1,main,g,1] <= 0",
    }


@pytest.mark.covers("blend_min")
def test_blend_min(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("blend_min") == {
        "2,U1,1": "-0.01 intake[ash,U1,main,g,1] + 0.07 intake[slag,U1,main,g,1] >= 0",
        "4,U1,1": "0.5 intake[slag,U1,wet,g,1] >= 0",
    }


@pytest.mark.covers("bounds:activity", "bounds:intake")
def test_activity_and_intake_are_free_upwards(written: Callable[..., Any]) -> None:
    scenario = written(SHEETS)
    free = (0.0, float("inf"))
    assert scenario.bounds("activity") == {"U1,main,1": free, "U1,wet,1": free}
    assert scenario.bounds("intake") == {
        "slag,U1,main,g,1": free,
        "ash,U1,main,g,1": free,
        "slag,U1,wet,g,1": free,
    }


@pytest.mark.covers("material_balance")
def test_plain_rows_of_one_material_add_up_and_groups_take_in(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("material_balance") == {
        "Plant,slag,1": "-intake[slag,U1,main,g,1] - intake[slag,U1,wet,g,1] == 0",
        "Plant,ash,1": "-intake[ash,U1,main,g,1] == 0",
        "Plant,mud,1": "-2 activity[U1,wet,1] == 0",
        "Plant,lime,1": "-0.25 activity[U1,main,1] == 0",
        "Plant,cement,1": "0.9 activity[U1,main,1] + activity[U1,wet,1] == 0",
    }


def test_variable_cost_defaults_to_nothing(written: Callable[..., Any]) -> None:
    assert written(SHEETS).objective() == {"activity[U1,wet,1]": -7.0}


def test_recipe_costs_of_a_period_replace_the_general_ones(written: Callable[..., Any]) -> None:
    costs = [
        {"technology": "mix", "variable_cost": 3, "capacity_use": 2},
        {"technology": "mix", "period": "b", "variable_cost": 4},
    ]
    scenario = written(
        {**SHEETS, "Periods": [{"period": "a"}, {"period": "b"}], "RecipeCosts": costs}
    )
    assert scenario.objective() == {"activity[U1,main,a]": -3.0, "activity[U1,main,b]": -4.0}
    assert scenario.rows("capacity") == {
        "U1,a": "2 activity[U1,main,a] + activity[U1,wet,a] <= 10",
        "U1,b": "activity[U1,main,b] + activity[U1,wet,b] <= 10",
    }
