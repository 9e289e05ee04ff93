"""Where substances arise and what becomes of them, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution
from circflow.solution.substances import IN

Make = Callable[[dict[str, Any]], Scenario]

# 100 t of ore with 40 t of iron a year, of which a mill can take 60; a tenth is lost on the way.
# Of 54 t of ore it makes 27 t of concentrate of 70 % iron and 20 t of sand that must be dumped.
SHEETS: dict[str, Any] = {
    "Scenario": {"auto_links": False},
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 3}],
    "Sites": [{"site": "Mine", "member": "A"}, {"site": "Mill", "member": "B"}],
    "Materials": [
        {"material": "ore", "category": "waste", "stage": "mining"},
        {"material": "sand", "category": "waste"},
        {"material": "flux", "category": "input"},
        {"material": "concentrate", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "ore", "amount_per_year": 100}],
    "Purchases": [{"material": "flux", "price": 1}],
    "Recipes": [
        {"technology": "mill", "role": "input", "material": "ore", "amount": 1},
        {"technology": "mill", "role": "input", "material": "flux", "amount": 0.5},
        {"technology": "mill", "role": "output", "material": "concentrate", "amount": 0.5},
        {"technology": "mill", "role": "output", "material": "sand", "amount": 0.4},
    ],
    "Properties": [
        {"material": "ore", "property": "Fe", "value": 40},
        {"material": "flux", "property": "Fe", "value": 4},
        {"material": "concentrate", "property": "Fe", "value": 70},
        {"material": "sand", "property": "Fe", "value": 10},
        {"material": "sand", "property": "grain", "value": 3},
    ],
    "PropertyKinds": [
        {"property": "Fe", "kind": "substance", "unit": "%", "basis": "moist", "price": 2e6},
        {"property": "grain", "kind": "quality", "basis": "moist"},
    ],
    "Units": [{"unit": "Mill", "site": "Mill", "technology": "mill", "capacity_per_year": 54}],
    "Links": [{"from": "Mine", "to": "Mill", "material": "ore", "cost": 1, "loss": 0.1}],
    "Markets": [{"site": "Mill", "material": "concentrate", "price": 90}],
    "Disposal": [{"site": "Mine", "fee": 1}, {"site": "Mill", "fee": 1}],
}


@pytest.fixture(scope="module")
def plan(make_scenario: Make) -> Solution:
    return cf.solve(make_scenario(SHEETS))


def test_every_place_where_iron_comes_and_goes(plan: Solution) -> None:
    table = plan.substances
    assert set(table["property"]) == {"Fe"}
    for period in ("a", "b"):
        own = table[table["period"] == period].set_index(["becomes", "site"])["amount_per_year"]
        assert own.to_dict() == pytest.approx(
            {
                ("arises", "Mine"): 40.0,
                ("bought", "Mill"): 54 * 0.5 * 0.04,
                ("sold", "Mill"): 54 * 0.5 * 0.7,
                ("disposed", "Mine"): 40 * 0.4,
                ("disposed", "Mill"): 54 * 0.4 * 0.1,
                ("lost by units", "Mill"): 54 * (0.4 + 0.02 - 0.35 - 0.04),
                ("lost on the way", "Mine"): 6 * 0.4,
            }
        )
    lost = table[table["becomes"] == "lost by units"]
    assert lost["unit"].tolist() == ["Mill", "Mill"]
    assert lost["material"].isna().all()
    arises = table[table["becomes"] == "arises"]
    assert arises["stage"].tolist() == ["mining", "mining"]
    assert arises["worth_million_per_year"].tolist() == pytest.approx([80.0, 80.0])


def test_what_enters_leaves(plan: Solution) -> None:
    table = plan.substances
    enters = table["becomes"].isin(IN)
    assert table.loc[enters, "amount_per_year"].sum() == pytest.approx(
        table.loc[~enters, "amount_per_year"].sum()
    )


def test_how_much_is_recovered(plan: Solution) -> None:
    (row,) = plan.recovered.to_dict("records")
    assert row["arises_per_year"] == pytest.approx(40)
    assert row["recovered_share"] == pytest.approx(18.9 / 41.08)
    assert row["dumped_per_year"] == pytest.approx(16 + 2.16)
    assert row["dumped_worth_million_per_year"] == pytest.approx(2 * 18.16)
    assert row["lost_per_year"] == pytest.approx(1.62 + 2.4)
