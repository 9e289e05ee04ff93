"""Stockpiles: what is carried from period to period."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [{"site": "Dump"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "mud", "category": "waste"},
    ],
    "Stockpiles": [
        {
            "site": "Dump",
            "material": "slag",
            "opening": 900,
            "capacity": 1000,
            "max_reclaim_per_year": 70,
            "add_cost": 1,
            "reclaim_cost": 4,
            "holding_cost": 0.5,
            "closing_min": 10,
            "closing_max": 600,
        },
        {"site": "Dump", "material": "mud", "opening": 50, "can_add": False, "capacity": 80},
    ],
}


@pytest.mark.covers("stock_balance")
def test_stock_is_carried_over(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("stock_balance") == {
        "Dump,slag,a": "-2 added[Dump,slag,a] + level[Dump,slag,a]"
        " + 2 reclaimed[Dump,slag,a] == 900",
        "Dump,slag,b": "-3 added[Dump,slag,b] - level[Dump,slag,a] + level[Dump,slag,b]"
        " + 3 reclaimed[Dump,slag,b] == 0",
        "Dump,mud,a": "level[Dump,mud,a] + 2 reclaimed[Dump,mud,a] == 50",
        "Dump,mud,b": "-level[Dump,mud,a] + level[Dump,mud,b] + 3 reclaimed[Dump,mud,b] == 0",
    }


@pytest.mark.covers("bounds:level", "bounds:added", "bounds:reclaimed")
def test_bounds(written: Callable[..., Any]) -> None:
    scenario = written(SHEETS)
    assert scenario.bounds("level") == {
        "Dump,slag,a": (0.0, 1000.0),
        "Dump,slag,b": (10.0, 600.0),
        "Dump,mud,a": (0.0, 80.0),
        "Dump,mud,b": (0.0, 80.0),
    }
    assert scenario.bounds("added") == dict.fromkeys(["Dump,slag,a", "Dump,slag,b"], (0.0, inf))
    assert scenario.bounds("reclaimed") == {
        "Dump,slag,a": (0.0, 70.0),
        "Dump,slag,b": (0.0, 70.0),
        "Dump,mud,a": (0.0, inf),
        "Dump,mud,b": (0.0, inf),
    }


def test_a_closing_max_above_the_capacity_leaves_the_capacity(written: Callable[..., Any]) -> None:
    stock = [{"site": "Dump", "material": "slag", "capacity": 5, "closing_max": 9}]
    assert written({**SHEETS, "Stockpiles": stock}).bounds("level") == {
        "Dump,slag,a": (0.0, 5.0),
        "Dump,slag,b": (0.0, 5.0),
    }


@pytest.mark.covers("material_balance")
def test_reclaimed_enters_and_added_leaves_the_site(written: Callable[..., Any]) -> None:
    rows = written(SHEETS).rows("material_balance")
    assert rows["Dump,slag,a"] == "-added[Dump,slag,a] + reclaimed[Dump,slag,a] == 0"
    assert rows["Dump,mud,b"] == "reclaimed[Dump,mud,b] == 0"
    assert len(rows) == 4


def test_holding_costs_every_year_of_every_period_the_last_included(
    written: Callable[..., Any],
) -> None:
    assert written(SHEETS).objective() == pytest.approx(
        {
            "added[Dump,slag,a]": -2,
            "added[Dump,slag,b]": -3,
            "reclaimed[Dump,slag,a]": -8,
            "reclaimed[Dump,slag,b]": -12,
            "level[Dump,slag,a]": -1,
            "level[Dump,slag,b]": -1.5,
        }
    )
