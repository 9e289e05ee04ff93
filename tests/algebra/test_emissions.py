"""Emissions: which factor holds, what a limit counts, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

SHEETS: dict[str, Any] = {
    "Scenario": {"auto_links": False},
    "Sites": [
        {"site": "Mine", "member": "A", "region": "North"},
        {"site": "Plant", "member": "B", "region": "North"},
        {"site": "Town", "region": "South"},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 9, "must_handle": False}],
    "Stockpiles": [{"site": "Mine", "material": "slag"}],
    "Purchases": [{"site": "Plant", "material": "lime", "price": 0}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
        {"technology": "kiln", "recipe": "hot", "role": "input", "material": "slag", "amount": 1},
        {"technology": "saw", "role": "input", "material": "brick", "amount": 1},
    ],
    "Units": [
        {"unit": "K", "site": "Plant", "technology": "kiln", "capacity_per_year": 10},
        {"unit": "S", "site": "Town", "technology": "saw", "capacity_per_year": 10},
    ],
    "Links": [
        {"from": "Mine", "to": "Plant", "material": "slag", "distance_km": 10},
        {"from": "Plant", "to": "Town", "material": "brick", "distance_km": 4, "cost": 0},
    ],
    "Markets": [{"site": "Town", "material": "brick", "price": 0}],
    "Disposal": [{"site": "Mine", "fee": 0}],
    "EmissionFactors": [
        {"kind": "recipe", "pollutant": "CO2", "factor": 0.1},
        {"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 0.2},
        {"kind": "recipe", "key": "kiln/hot", "pollutant": "CO2", "factor": 0.3},
        {"kind": "transport", "key": "road", "pollutant": "CO2", "factor": 0.01},
        {"kind": "disposal", "key": "slag", "pollutant": "CO2", "factor": 0.4},
        {"kind": "stockpile", "pollutant": "CO2", "factor": 0.5},
        {"kind": "purchase", "key": "lime", "pollutant": "CO2", "factor": 0.6},
        {"kind": "sale", "pollutant": "CO2", "factor": -0.7},
        {"kind": "stream", "pollutant": "CO2", "factor": 0.8},
        {"kind": "stream", "pollutant": "dust", "factor": 9},
        {"kind": "stream", "key": "slag", "pollutant": "dust", "factor": 0},
    ],
}
MINE = {
    "disposed[Mine,slag,2,1]": 0.4,
    "flow[Mine,Plant,slag,road,1]": 0.1,
    "level[Mine,slag,1]": 0.5,
    "taken[Mine,slag,1]": 0.8,
}
KILN = {"activity[K,hot,1]": 0.3, "activity[K,main,1]": 0.2}
PLANT = {**KILN, "bought[Plant,lime,1]": 0.6, "flow[Plant,Town,brick,road,1]": 0.04}
TOWN = {"activity[S,main,1]": 0.1, "sold[Town,brick,1,1]": -0.7}


def _row(terms: dict[str, float], right: str) -> str:
    text = ""
    for name, factor in sorted(terms.items()):
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += f"{sign}{abs(factor):g} {name}"
    return f"{text} {right}"


SCOPES = [
    ("cluster", None, {**MINE, **PLANT, **TOWN}),
    ("region", "North", {**MINE, **PLANT}),
    ("region", "South", TOWN),
    ("member", "A", MINE),
    ("member", "B", PLANT),
    ("site", "Plant", PLANT),
    ("site", "Town", TOWN),
    ("unit", "K", KILN),
    ("unit", "S", {"activity[S,main,1]": 0.1}),
]


@pytest.mark.covers("emission_limit")
@pytest.mark.parametrize(("scope", "key", "terms"), SCOPES)
def test_a_limit_counts_what_its_scope_emits(
    written: Callable[..., Any], scope: str, key: str | None, terms: dict[str, float]
) -> None:
    # Transport counts where the journey starts, and 10 km times 0.01 t per unit·km.
    limit = {"pollutant": "CO2", "scope": scope, "key": key, "limit_per_year": 7}
    rows = written({**SHEETS, "EmissionLimits": [limit]}).rows("emission_limit")
    assert rows == {"2,1": _row(terms, "<= 7")}


def test_the_row_written_out_once_by_hand(written: Callable[..., Any]) -> None:
    limit = {"pollutant": "CO2", "scope": "member", "key": "A", "limit_per_year": 7, "penalty": 3}
    scenario = written({**SHEETS, "EmissionLimits": [limit]})
    assert scenario.rows("emission_limit") == {
        "2,1": "0.4 disposed[Mine,slag,2,1] - excess[2,1] + 0.1 flow[Mine,Plant,slag,road,1]"
        " + 0.5 level[Mine,slag,1] + 0.8 taken[Mine,slag,1] <= 7"
    }


@pytest.mark.covers("bounds:excess")
def test_excess_only_where_there_is_a_penalty_and_a_limit(written: Callable[..., Any]) -> None:
    limits = [
        {"pollutant": "CO2", "scope": "cluster", "limit_per_year": 5, "penalty": 30},
        {"pollutant": "CO2", "scope": "unit", "key": "K", "limit_per_year": 5},
        {"pollutant": "CO2", "scope": "unit", "key": "S", "penalty": 30},
        {"pollutant": "CO2", "scope": "site", "key": "Town", "price": 2},
    ]
    scenario = written({**SHEETS, "EmissionLimits": limits})
    assert scenario.bounds("excess") == {"2,1": (0.0, inf)}
    assert set(scenario.rows("emission_limit")) == {"2,1", "3,1"}
    assert scenario.objective() == pytest.approx(
        {"excess[2,1]": -30, "activity[S,main,1]": -0.2, "sold[Town,brick,1,1]": 1.4}
    )


def test_rows_are_independent_each_prices_its_scope(written: Callable[..., Any]) -> None:
    limits = [
        {"pollutant": "CO2", "scope": "unit", "key": "K", "price": 10},
        {"pollutant": "CO2", "scope": "site", "key": "Plant", "price": 1},
    ]
    assert written({**SHEETS, "EmissionLimits": limits}).objective("activity") == pytest.approx(
        {"activity[K,hot,1]": -3.3, "activity[K,main,1]": -2.2}
    )


def test_a_limit_of_a_period_replaces_the_general_one(written: Callable[..., Any]) -> None:
    limits = [
        {"pollutant": "CO2", "scope": "unit", "key": "S", "limit_per_year": 5, "price": 2},
        {"pollutant": "CO2", "scope": "unit", "key": "S", "period": "b", "limit_per_year": 3},
    ]
    periods = [{"period": "a"}, {"period": "b"}]
    scenario = written({**SHEETS, "Periods": periods, "EmissionLimits": limits})
    assert scenario.rows("emission_limit") == {
        "2,a": "0.1 activity[S,main,a] <= 5",
        "3,b": "0.1 activity[S,main,b] <= 3",
    }
    assert scenario.objective() == pytest.approx({"activity[S,main,a]": -0.2})


def test_a_factor_of_zero_for_a_key_silences_the_general_one(written: Callable[..., Any]) -> None:
    limit = {"pollutant": "dust", "scope": "cluster", "limit_per_year": 5}
    assert written({**SHEETS, "EmissionLimits": [limit]}).rows("emission_limit") == {}


@pytest.mark.parametrize(("penalty", "most"), [(None, 0.0), (4.0, inf)])
def test_a_negative_limit_where_nothing_emits_is_still_a_row(
    written: Callable[..., Any], penalty: float | None, most: float
) -> None:
    limit = {
        "pollutant": "dust",
        "scope": "cluster",
        "limit_per_year": -5,
        "penalty": penalty,
    }
    scenario = written({**SHEETS, "EmissionLimits": [limit]})
    assert scenario.rows("emission_limit") == {"2,1": "-excess[2,1] <= -5"}
    assert scenario.bounds("excess") == {"2,1": (0.0, most)}


def test_an_emission_goal_weighs_tonnes_per_year(written: Callable[..., Any]) -> None:
    goals = [{"goal": "emission:CO2", "weight": -100}, {"goal": "emission:dust", "weight": -1}]
    sheets = {**SHEETS, "Periods": [{"period": "1", "years": 3}], "Goals": goals}
    expected = {**MINE, **PLANT, **TOWN}
    assert written(sheets).objective() == pytest.approx(
        {name: -300 * factor for name, factor in expected.items()}
    )
