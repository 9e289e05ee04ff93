"""Transport: flows over links, capacities of rows, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Scenario": {
        "auto_links": False,
        "transaction_cost_inside": 2,
        "transaction_cost_outside": 5,
    },
    "Sites": [{"site": "Mine", "member": "A"}, {"site": "Plant", "member": "B"}, {"site": "Town"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
    ],
    "Modes": [
        {"mode": "road", "cost_per_unit_km": 7, "fixed_cost": 40},
        {"mode": "rail", "cost_per_unit_km": 2, "fixed_cost": 100},
    ],
    "Links": [
        {
            "from": "Mine",
            "to": "Plant",
            "material": "slag",
            "mode": "road",
            "distance_km": 10,
            "capacity_per_year": 50,
            "loss": 0.02,
        },
        {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail", "distance_km": 20},
        {"from": "Mine", "to": "Plant", "material": "ash", "mode": "road", "cost": 11},
        {"from": "Mine", "to": "Plant", "capacity_per_year": 80},
        {"from": "Plant", "to": "Town", "material": "slag", "mode": "road", "distance_km": 3},
    ],
}


@pytest.mark.covers("link_capacity")
def test_each_row_s_capacity_is_shared_by_all_that_it_covers(written: Callable[..., Any]) -> None:
    rail = "flow[Mine,Plant,slag,rail,1]"
    road = "flow[Mine,Plant,slag,road,1]"
    assert written(SHEETS).rows("link_capacity") == {
        "2,1": f"{road} <= 50",
        "5,1": f"flow[Mine,Plant,ash,road,1] + {rail} + {road} <= 80",
    }


@pytest.mark.covers("bounds:flow")
def test_flows_are_indexed_by_the_links_there_are(written: Callable[..., Any]) -> None:
    assert written(SHEETS).bounds("flow") == dict.fromkeys(
        [
            "Mine,Plant,slag,road,1",
            "Mine,Plant,slag,rail,1",
            "Mine,Plant,ash,road,1",
            "Plant,Town,slag,road,1",
        ],
        (0.0, inf),
    )


@pytest.mark.covers("material_balance")
def test_the_receiver_gets_what_is_not_lost(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("material_balance") == {
        "Mine,slag,1": "-flow[Mine,Plant,slag,rail,1] - flow[Mine,Plant,slag,road,1] == 0",
        "Mine,ash,1": "-flow[Mine,Plant,ash,road,1] == 0",
        "Plant,slag,1": "flow[Mine,Plant,slag,rail,1] + 0.98 flow[Mine,Plant,slag,road,1]"
        " - flow[Plant,Town,slag,road,1] == 0",
        "Plant,ash,1": "flow[Mine,Plant,ash,road,1] == 0",
        "Town,slag,1": "flow[Plant,Town,slag,road,1] == 0",
    }


def test_tariff_or_own_cost_and_transaction_cost_per_unit_sent(
    written: Callable[..., Any],
) -> None:
    assert written(SHEETS).objective() == pytest.approx(
        {
            "flow[Mine,Plant,slag,road,1]": -(10 * 7 + 40 + 2),
            "flow[Mine,Plant,slag,rail,1]": -(20 * 2 + 100 + 2),
            "flow[Mine,Plant,ash,road,1]": -(11 + 2),
            "flow[Plant,Town,slag,road,1]": -(3 * 7 + 40 + 5),
        }
    )


def test_a_mode_without_a_row_for_a_period_does_not_run_in_it(
    written: Callable[..., Any],
) -> None:
    modes = [
        {"mode": "road", "cost_per_unit_km": 7},
        {"mode": "road", "period": "b", "cost_per_unit_km": 9},
        {"mode": "rail", "period": "b", "fixed_cost": 1},
    ]
    scenario = written({**SHEETS, "Periods": [{"period": "a"}, {"period": "b"}], "Modes": modes})
    assert scenario.objective("flow[Mine,Plant,slag") == pytest.approx(
        {
            "flow[Mine,Plant,slag,road,a]": -(10 * 7 + 2),
            "flow[Mine,Plant,slag,road,b]": -(10 * 9 + 2),
            "flow[Mine,Plant,slag,rail,b]": -(1 + 2),
        }
    )
    assert scenario.rows("link_capacity")["5,a"] == (
        "flow[Mine,Plant,ash,road,a] + flow[Mine,Plant,slag,road,a] <= 80"
    )
