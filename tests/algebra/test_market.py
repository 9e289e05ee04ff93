"""Markets: tiers, bounds, income and premium."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Periods": [{"period": "a"}, {"period": "b"}],
    "Sites": [{"site": "Town"}],
    "Materials": [
        {"material": "brick", "category": "product"},
        {"material": "sand", "category": "product"},
    ],
    "Markets": [
        {"site": "Town", "material": "brick", "price": 9, "max_per_year": 5, "premium": 2},
        {"site": "Town", "material": "brick", "price": 7, "min_per_year": 1},
        {"site": "Town", "material": "brick", "period": "b", "price": 6, "max_per_year": 3},
        {"site": "Town", "material": "sand", "price": -1, "period": "b", "premium": -1},
    ],
    "Goals": [{"goal": "synergy", "weight": 10}],
}


@pytest.mark.covers("bounds:sold")
def test_rows_of_a_period_replace_all_tiers_there(written: Callable[..., Any]) -> None:
    assert written(SHEETS).bounds("sold") == {
        "Town,brick,1,a": (0.0, 5.0),
        "Town,brick,2,a": (1.0, inf),
        "Town,brick,1,b": (0.0, 3.0),
        "Town,sand,1,b": (0.0, inf),
    }


def test_income_and_premium(written: Callable[..., Any]) -> None:
    assert written(SHEETS).objective() == pytest.approx(
        {
            "sold[Town,brick,1,a]": 9 + 10 * 2,
            "sold[Town,brick,2,a]": 7,
            "sold[Town,brick,1,b]": 6,
            "sold[Town,sand,1,b]": -1 - 10,
        }
    )


@pytest.mark.covers("material_balance")
def test_all_tiers_draw_on_the_same_place(written: Callable[..., Any]) -> None:
    assert written(SHEETS).rows("material_balance") == {
        "Town,brick,a": "-sold[Town,brick,1,a] - sold[Town,brick,2,a] == 0",
        "Town,brick,b": "-sold[Town,brick,1,b] == 0",
        "Town,sand,b": "-sold[Town,sand,1,b] == 0",
    }
