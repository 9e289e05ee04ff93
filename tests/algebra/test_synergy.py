"""Synergies: joint activity of units and flows."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Scenario": {"auto_links": False},
    "Periods": [{"period": "1", "years": 2}],
    "Sites": [{"site": "Mine"}, {"site": "Plant"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
    ],
    "Modes": [{"mode": "road"}, {"mode": "rail"}],
    "Recipes": [
        {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
        {"technology": "mill", "recipe": "wet", "role": "input", "material": "ash", "amount": 2},
    ],
    "Units": [
        {"unit": "U", "site": "Plant", "technology": "mill", "capacity_per_year": 10},
        {
            "unit": "Off",
            "site": "Plant",
            "technology": "mill",
            "capacity_per_year": 1,
            "status": "off",
        },
    ],
    "Links": [
        {"from": "Mine", "to": "Plant", "material": "slag"},
        {"from": "Mine", "to": "Plant", "material": "ash", "mode": "rail"},
    ],
    "Synergies": [
        {"synergy": "scale", "value": 20, "max_per_year": 500},
        {"synergy": "idle", "value": 5},
    ],
    "SynergyPartners": [
        {"synergy": "scale", "kind": "unit", "partner": "U"},
        {"synergy": "scale", "kind": "flow", "partner": "Mine > Plant", "ratio": 4},
        {"synergy": "idle", "kind": "unit", "partner": "Off"},
        {"synergy": "idle", "kind": "flow", "partner": "Plant>Mine"},
    ],
}


@pytest.mark.covers("partner_activity")
def test_joint_activity_is_at_most_each_partner_s(written: Callable[..., Any]) -> None:
    flows = [f"0.25 flow[Mine,Plant,{x},1]" for x in ("ash,rail", "slag,rail", "slag,road")]
    assert written(SHEETS).rows("partner_activity") == {
        "scale,unit,U,1": "-activity[U,main,1] - activity[U,wet,1] + joint_activity[scale,1] <= 0",
        "scale,flow,Mine > Plant,1": "-" + " - ".join(flows) + " + joint_activity[scale,1] <= 0",
        "idle,unit,Off,1": "joint_activity[idle,1] <= 0",
        "idle,flow,Plant>Mine,1": "joint_activity[idle,1] <= 0",
    }


@pytest.mark.covers("bounds:joint_activity")
def test_the_most_there_is(written: Callable[..., Any]) -> None:
    assert written(SHEETS).bounds("joint_activity") == {
        "scale,1": (0.0, 500.0),
        "idle,1": (0.0, inf),
    }


def test_value_counts_as_synergy(written: Callable[..., Any]) -> None:
    assert written(SHEETS).objective() == pytest.approx(
        {"joint_activity[scale,1]": 40, "joint_activity[idle,1]": 10}
    )
    sheets = {**SHEETS, "Goals": [{"goal": "synergy", "weight": 0.5}]}
    assert written(sheets).objective()["joint_activity[scale,1]"] == pytest.approx(20)
    sheets = {**SHEETS, "Goals": [{"goal": "value", "weight": 0}]}
    assert written(sheets).objective()["joint_activity[scale,1]"] == pytest.approx(40)
