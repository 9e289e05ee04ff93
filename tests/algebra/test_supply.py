"""Supply: bounds and money of what arises and what is bought."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Periods": [{"period": "2026", "years": 2}, {"period": "2028", "years": 3}],
    "Sites": [{"site": "Mine"}, {"site": "Plant"}, {"site": "Mill"}, {"site": "Depot"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "dust", "category": "waste"},
        {"material": "lime", "category": "input"},
    ],
    "Streams": [
        {"site": "Mine", "material": "slag", "amount_per_year": 100, "cost": 3},
        {"site": "Mine", "material": "slag", "period": "2028", "amount_per_year": 60, "cost": -2},
        {"site": "Mine", "material": "dust", "amount_per_year": 5, "must_handle": False},
    ],
    "Recipes": [
        {"technology": "burn", "role": "input", "material": "lime", "amount": 1},
        {"technology": "grind", "role": "input", "material": "slag", "amount": 1},
    ],
    "Units": [
        {"unit": "U1", "site": "Plant", "technology": "burn", "capacity_per_year": 10},
        {"unit": "U2", "site": "Mill", "technology": "burn", "capacity_per_year": 10},
        {
            "unit": "U3",
            "site": "Depot",
            "technology": "burn",
            "capacity_per_year": 1,
            "status": "off",
        },
        {"unit": "U4", "site": "Mine", "technology": "grind", "capacity_per_year": 1},
    ],
    "Purchases": [
        {"material": "lime", "price": 50, "max_per_year": 8},
        {"material": "lime", "period": "2028", "price": 55},
        {"site": "Mill", "material": "lime", "period": "2026", "price": 40, "max_per_year": 4},
        {"site": "Depot", "material": "dust", "price": 1},
    ],
}


@pytest.mark.covers("bounds:taken")
def test_all_that_must_be_handled_is_taken(written: Callable[..., Any]) -> None:
    assert written(SHEETS).bounds("taken") == {
        "Mine,slag,2026": (100.0, 100.0),
        "Mine,slag,2028": (60.0, 60.0),
        "Mine,dust,2026": (0.0, 5.0),
        "Mine,dust,2028": (0.0, 5.0),
    }


@pytest.mark.covers("bounds:bought")
def test_a_site_s_own_row_replaces_the_general_one_while_it_holds(
    written: Callable[..., Any],
) -> None:
    assert written(SHEETS).bounds("bought") == {
        "Plant,lime,2026": (0.0, 8.0),
        "Plant,lime,2028": (0.0, inf),
        "Mill,lime,2026": (0.0, 4.0),
        "Mill,lime,2028": (0.0, inf),
        "Depot,dust,2026": (0.0, inf),
        "Depot,dust,2028": (0.0, inf),
    }


def test_a_site_row_of_every_period_replaces_general_rows_of_one_period(
    written: Callable[..., Any],
) -> None:
    purchases = [
        {"material": "lime", "period": "2028", "price": 55, "max_per_year": 1},
        {"site": "Mill", "material": "lime", "price": 40, "max_per_year": 4},
    ]
    assert written({**SHEETS, "Purchases": purchases}).bounds("bought") == {
        "Plant,lime,2028": (0.0, 1.0),
        "Mill,lime,2026": (0.0, 4.0),
        "Mill,lime,2028": (0.0, 4.0),
    }


def test_money_is_what_is_paid_per_unit_and_year(written: Callable[..., Any]) -> None:
    # Undiscounted: a period's years are what its yearly money counts.
    scenario = written(SHEETS)
    assert scenario.objective("taken") == pytest.approx(
        {"taken[Mine,slag,2026]": -3 * 2, "taken[Mine,slag,2028]": 2 * 3}
    )
    assert scenario.objective("bought") == pytest.approx(
        {
            "bought[Plant,lime,2026]": -50 * 2,
            "bought[Plant,lime,2028]": -55 * 3,
            "bought[Mill,lime,2026]": -40 * 2,
            "bought[Mill,lime,2028]": -55 * 3,
            "bought[Depot,dust,2026]": -2,
            "bought[Depot,dust,2028]": -3,
        }
    )
