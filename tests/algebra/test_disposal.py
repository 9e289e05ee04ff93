"""Disposal: capacities shared by what a row covers, per year and in total."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [{"site": "Dump"}, {"site": "Pond"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [
        {"site": "Dump", "material": "slag", "amount_per_year": 1},
        {"site": "Dump", "material": "ash", "amount_per_year": 1},
    ],
    "Disposal": [
        {"site": "Dump", "fee": 300, "capacity_per_year": 50, "total_capacity": 200},
        {"site": "Dump", "material": "slag", "fee": 500, "total_capacity": 40},
        {"site": "Dump", "period": "b", "fee": 350, "capacity_per_year": 60},
        {"site": "Pond", "material": "brick", "fee": -5},
    ],
}


@pytest.mark.covers("bounds:disposed")
def test_a_blank_material_is_every_waste(written: Callable[..., Any]) -> None:
    assert set(written(SHEETS).bounds("disposed").items()) == {
        (name, (0.0, inf))
        for name in [
            "Dump,slag,2,a",
            "Dump,ash,2,a",
            "Dump,slag,3,a",
            "Dump,slag,3,b",
            "Dump,slag,4,b",
            "Dump,ash,4,b",
            "Pond,brick,5,a",
            "Pond,brick,5,b",
        ]
    }


def test_a_blank_material_is_only_what_can_come_there(written: Callable[..., Any]) -> None:
    sites = [{"site": "Mine"}, {"site": "Yard", "hub": True}, {"site": "Dump"}, {"site": "Pit"}]
    streams = [{"site": "Mine", "material": "slag", "amount_per_year": 9, "period": "b"}]
    links = [{"from": "Mine", "to": "Yard"}, {"from": "Yard", "to": "Dump"}]
    rows = [{"site": site["site"], "fee": 1} for site in sites]
    sheets = {**SHEETS, "Sites": sites, "Streams": streams, "Links": links, "Disposal": rows}
    scenario = written({**sheets, "Scenario": {"auto_links": False}})
    places = {"Mine,slag,b", "Yard,slag,b", "Dump,slag,b"}
    assert set(scenario.rows("material_balance")) == places
    assert len(scenario.bounds("disposed")) == len(places)
    assert set(scenario.bounds("flow")) == {"Mine,Yard,slag,road,b", "Yard,Dump,slag,road,b"}


@pytest.mark.covers("disposal_capacity")
def test_yearly_capacity_is_shared_and_replaced_by_the_period_s_row(
    written: Callable[..., Any],
) -> None:
    assert written(SHEETS).rows("disposal_capacity") == {
        "2,a": "disposed[Dump,ash,2,a] + disposed[Dump,slag,2,a] <= 50",
        "4,b": "disposed[Dump,ash,4,b] + disposed[Dump,slag,4,b] <= 60",
    }


@pytest.mark.covers("disposal_total")
def test_total_counts_the_key_in_every_period(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("disposal_total") == {
        "2": "2 disposed[Dump,ash,2,a] + 3 disposed[Dump,ash,4,b]"
        " + 2 disposed[Dump,slag,2,a] + 3 disposed[Dump,slag,4,b] <= 200",
        "3": "2 disposed[Dump,slag,3,a] + 3 disposed[Dump,slag,3,b] <= 40",
    }


def test_a_total_stands_although_every_period_is_replaced(written: Callable[..., Any]) -> None:
    rows = [
        {"site": "Dump", "material": "slag", "fee": 1, "total_capacity": 9},
        {"site": "Dump", "material": "slag", "period": "a", "fee": 2},
        {"site": "Dump", "material": "slag", "period": "b", "fee": 3},
    ]
    assert written({**SHEETS, "Disposal": rows}).rows("disposal_total") == {
        "2": "2 disposed[Dump,slag,3,a] + 3 disposed[Dump,slag,4,b] <= 9"
    }


def test_fees(written: Callable[..., Any]) -> None:
    assert written(SHEETS).objective() == pytest.approx(
        {
            "disposed[Dump,slag,2,a]": -600,
            "disposed[Dump,ash,2,a]": -600,
            "disposed[Dump,slag,3,a]": -1000,
            "disposed[Dump,slag,3,b]": -1500,
            "disposed[Dump,slag,4,b]": -1050,
            "disposed[Dump,ash,4,b]": -1050,
            "disposed[Pond,brick,5,a]": 10,
            "disposed[Pond,brick,5,b]": 15,
        }
    )
