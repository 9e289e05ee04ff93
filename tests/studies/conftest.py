"""Shared by the tests of studies: a small scenario with all that may vary, runs compared with cold
solves, and the production game of Owen (1975) with a known result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.studies.sweeps.design import changed, edits_of
from circflow.studies.sweeps.sweep import Runs

M = 1e6
Production = Callable[[dict[str, tuple[float, float]]], dict[str, Any]]
Make = Callable[[dict[str, Any]], Scenario]

SMALL: dict[str, Any] = {
    "Scenario": {"discount_rate": 0.1},
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [
        {"site": "Works", "member": "M", "latitude": 58, "longitude": 60},
        {"site": "Town", "latitude": 58, "longitude": 60.5},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "power", "category": "energy"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Works", "material": "slag", "amount_per_year": 100}],
    "Purchases": [{"material": "power", "price": 20}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "input", "material": "power", "amount": 0.5},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 0.9},
    ],
    "RecipeCosts": [{"technology": "kiln", "variable_cost": 30}],
    "Units": [
        {"unit": "Old", "site": "Works", "technology": "kiln", "capacity_per_year": 40, "jobs": 2},
        {
            "unit": "New",
            "site": "Works",
            "technology": "kiln",
            "capacity_per_year": 30,
            "status": "candidate",
            "capex_million": 0.006,
            "lifetime_years": 10,
            "jobs": 3,
        },
    ],
    "Modes": [{"mode": "road", "cost_per_unit_km": 0.2}],
    "Markets": [
        {"site": "Town", "material": "brick", "price": 200, "max_per_year": 50},
        {"site": "Town", "material": "brick", "price": 90},
    ],
    "Disposal": [{"site": "Works", "fee": 10, "capacity_per_year": 80}],
    "EmissionFactors": [
        {"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 0.5},
        {"kind": "disposal", "key": "slag", "pollutant": "CO2", "factor": 0.2},
    ],
    "EmissionLimits": [{"pollutant": "CO2", "scope": "cluster", "price": 3}],
    "Ranges": [
        {"parameter": "Markets.price", "low": 0.5, "high": 1.5},
        {"parameter": "Disposal.fee", "low": 0.5, "high": 4, "distribution": "triangular"},
    ],
    "Studies": [
        {"study": "fees", "parameter": "Disposal.fee", "change": "set", "values": "5; 10; 50"},
        {
            "study": "both",
            "parameter": "Markets.price",
            "change": "factor",
            "from": 0.5,
            "to": 1.5,
            "steps": 3,
        },
        {"study": "both", "parameter": "Disposal.fee", "change": "add", "values": "0;1"},
    ],
}


@pytest.fixture(scope="session")
def small_sheets() -> dict[str, Any]:
    """The sheets of `small`; copy them to change them."""
    return SMALL


@pytest.fixture(scope="session")
def small(make_scenario: Make) -> Scenario:
    """Two periods, two kilns, one of them a candidate; something of every kind that varies."""
    return make_scenario(SMALL)


@pytest.fixture(scope="session")
def equal_cold() -> Callable[..., None]:
    """The first, the middle and the last run are what a cold solve of their scenario gives."""
    return _equal_cold


def _equal_cold(scenario: Scenario, runs: Runs, **options: Any) -> None:
    count = len(runs.design.points)
    for n in {0, count // 2, count - 1}:
        own = changed(scenario, edits_of(runs.design.parameters, runs.design.points[n]))
        expected = cf.solve(own, **options).objective
        assert runs.table["objective_million"][n] == pytest.approx(expected, rel=1e-7)


@pytest.fixture(scope="session")
def production() -> Production:
    """Sheets of a cluster, from what each member owns of two resources."""
    return _production


def _production(owned: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Members who own two resources and can each make two products of them."""
    recipes = []
    for product, (first, second) in {"p": (4.0, 6.0), "q": (5.0, 2.0)}.items():
        for role, material, amount in (
            ("input", "r1", first),
            ("input", "r2", second),
            ("output", product, 1.0),
        ):
            recipes.append(
                {
                    "technology": "make",
                    "recipe": product,
                    "role": role,
                    "material": material,
                    "amount": amount,
                }
            )
    return {
        "Scenario": {"auto_links": False},
        "Sites": [{"site": s, "member": s} for s in owned],
        "Materials": [
            *({"material": k, "category": "waste"} for k in ("r1", "r2")),
            *({"material": k, "category": "product"} for k in ("p", "q")),
        ],
        "Streams": [
            {"site": s, "material": k, "amount_per_year": a, "must_handle": False}
            for s, amounts in owned.items()
            for k, a in zip(("r1", "r2"), amounts, strict=True)
        ],
        "Recipes": recipes,
        "Units": [
            {"unit": f"works {s}", "site": s, "technology": "make", "capacity_per_year": 1e4}
            for s in owned
        ],
        "Markets": [
            {"site": s, "material": k, "price": price * M}
            for s in owned
            for k, price in (("p", 68.0), ("q", 52.0))
        ],
        "Links": [
            {"from": a, "to": b, "material": k, "cost": 0.0}
            for a in owned
            for b in owned
            if a != b
            for k in ("r1", "r2")
        ],
    }
