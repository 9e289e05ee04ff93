"""What must hold for any plan: balances and money. What a change of scale or of detail may do is in
`tests/test_metamorphic.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circflow.algebra.build import weights
from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution
from circflow.solver.run import solve

Sheets = dict[str, Any]

_few = settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def regions(draw: st.DrawFn) -> Sheets:
    """Small regions that always have a plan: every waste has a disposal, purchases a limit."""

    def number(low: float, high: float) -> float:
        return round(draw(st.floats(low, high)), 2)

    def flag() -> bool:
        return draw(st.booleans())

    years = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    sheets: Sheets = {
        "Scenario": {
            "discount_rate": draw(st.sampled_from([0.0, 0.1])),
            "transaction_cost_inside": number(0, 5),
            "transaction_cost_outside": number(0, 5),
            "capital_charge": draw(st.sampled_from(["annuity", "upfront"])),
        },
        "Periods": [{"period": f"p{n}", "years": y} for n, y in enumerate(years)],
        "Sites": [
            {"site": "Mine", "member": "A", "latitude": 58, "longitude": 60},
            {"site": "Plant", "member": "B", "latitude": number(57, 58), "longitude": 60.5},
            {"site": "Town", "latitude": 57.2, "longitude": number(60, 61)},
        ],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "ash", "category": "waste"},
            {"material": "lime", "category": "input", "modes": "none"},
            {"material": "brick", "category": "product"},
        ],
        "Modes": [{"mode": "road", "cost_per_unit_km": number(0, 2), "fixed_cost": number(0, 9)}],
        "Streams": [
            {"site": "Mine", "material": "slag", "amount_per_year": number(0, 500)},
            {
                "site": "Mine",
                "material": "ash",
                "amount_per_year": number(0, 300),
                "must_handle": flag(),
                "cost": number(-20, 20),
            },
        ],
        "Purchases": [{"material": "lime", "price": number(0, 90), "max_per_year": number(1, 90)}],
        "Recipes": [
            {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
            {
                "technology": "kiln",
                "role": "input",
                "material": "ash",
                "amount": 1,
                "group": "g",
                "weight": number(0.5, 2),
            },
            {"technology": "kiln", "role": "input", "material": "lime", "amount": number(0, 0.3)},
            {"technology": "kiln", "role": "output", "material": "brick", "amount": number(0.2, 2)},
        ],
        "RecipeCosts": [{"technology": "kiln", "variable_cost": number(0, 100)}],
        "BlendLimits": [
            {"technology": "kiln", "group": "g", "material": "ash", "max": number(0, 1)}
        ],
        "Units": [
            {
                "unit": "Old",
                "site": "Plant",
                "technology": "kiln",
                "capacity_per_year": number(0, 300),
                "availability": number(0.5, 1),
                "fixed_cost_million_per_year": 0.001,
                "jobs": 10,
            }
        ],
        "Links": [{"from": "Mine", "to": "Plant", "loss": number(0, 0.3),
                   "capacity_per_year": number(1, 600)}],
        "Markets": [
            {"site": "Town", "material": "brick", "price": number(50, 400),
             "max_per_year": number(1, 200), "premium": number(0, 9)},
            {"site": "Town", "material": "brick", "price": number(0, 50)},
        ],
        "Disposal": [
            {"site": "Mine", "fee": number(0, 50)},
            {"site": "Plant", "fee": number(0, 50)},
        ],
        "EmissionFactors": [
            {"kind": "recipe", "pollutant": "CO2", "factor": number(0, 2)},
            {"kind": "transport", "pollutant": "CO2", "factor": 0.001},
            {"kind": "sale", "pollutant": "CO2", "factor": number(-1, 0)},
        ],
        "EmissionLimits": [
            {"pollutant": "CO2", "scope": "cluster", "limit_per_year": number(0, 200),
             "penalty": number(0, 90), "price": number(0, 30)},
        ],
        "Synergies": [{"synergy": "s", "value": number(0, 9), "max_per_year": number(1, 300)}],
        "SynergyPartners": [
            {"synergy": "s", "kind": "unit", "partner": "Old", "ratio": number(0.5, 2)},
            {"synergy": "s", "kind": "flow", "partner": "Mine > Plant"},
        ],
    }  # fmt: skip
    sheets["Units"].append(
        {
            "unit": "New",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": number(0, 100),
            "capacity_max_per_year": number(100, 300),
            "capex_million": number(0, 0.02),
            "capex_max_million": number(0.02, 0.05),
            "min_load": number(0, 0.9),
            "can_idle": flag(),
            "status": "candidate",
            "lifetime_years": draw(st.integers(1, 6)),
            "jobs": 7,
        }
    )
    if not sheets["Units"][1]["can_idle"]:
        sheets["Units"][1]["min_load"] = 0
    sheets["Stockpiles"] = [
        {"site": "Mine", "material": "slag", "opening": number(0, 300), "holding_cost": 0.5,
         "max_reclaim_per_year": number(0, 100), "capacity": 1000, "reclaim_cost": 1}
    ]  # fmt: skip
    sheets["Budget"] = [{"period": "p0", "budget_million": number(0, 0.06)}]
    return sheets


def _net(table: pd.DataFrame, column: str, sign: float, site: str = "site") -> pd.Series[float]:
    labels = [table[site].rename("site"), table["material"], table["period"]]
    return (sign * table[column].astype(float)).groupby(labels).sum()


def _imbalance(solution: Solution) -> float:
    """The largest gap between what enters and leaves a place, from the tables alone."""
    tables = solution.tables
    made, used = (tables.conversions[tables.conversions["role"] == r] for r in ("output", "input"))
    parts = [
        _net(tables.supply, "amount_per_year", 1),
        _net(made, "amount_per_year", 1),
        _net(used, "amount_per_year", -1),
        _net(tables.flows, "sent_per_year", -1, "from"),
        _net(tables.flows, "received_per_year", 1, "to"),
        _net(tables.sales, "amount_per_year", -1),
        _net(tables.disposal, "amount_per_year", -1),
        _net(tables.stockpiles, "added_per_year", -1),
        _net(tables.stockpiles, "reclaimed_per_year", 1),
    ]
    total = pd.concat(parts).groupby(level=[0, 1, 2]).sum()
    return float(total.abs().max()) if len(total) else 0.0


def _goal_value(solution: Solution) -> float:
    """The objective from money, units and emissions, weighted and discounted by hand."""
    scenario, goal = solution.scenario, weights(solution.scenario)
    money = solution.money
    synergy = money["group"] == "synergy"
    total = goal.value * money.loc[~synergy, "discounted_million"].sum()
    total += goal.synergy * money.loc[synergy, "discounted_million"].sum()
    worth = {p.name: p.weight for p in scenario.periods}
    units = solution.tables.units
    total += goal.jobs * (units["jobs"] * units["period"].map(worth).astype(float)).sum()
    for pollutant, weight in goal.emission.items():
        own = solution.emissions[solution.emissions["pollutant"] == pollutant]
        total += (
            weight / 1e6 * (own["tonnes_per_year"] * own["period"].map(worth).astype(float)).sum()
        )
    return float(total)


@_few
@given(sheets=regions(), jobs=st.floats(0, 1e-3), co2=st.floats(-50, 50))
def test_balances_close_and_the_money_table_is_the_objective(
    make_scenario: Callable[..., Scenario], sheets: Sheets, jobs: float, co2: float
) -> None:
    goals = [
        {"goal": "value", "weight": 2},
        {"goal": "synergy", "weight": 0.5},
        {"goal": "jobs", "weight": jobs},
        {"goal": "emission:CO2", "weight": co2},
    ]
    solution = solve(make_scenario({**sheets, "Goals": goals}))
    assert _imbalance(solution) <= 1e-6
    assert _goal_value(solution) == pytest.approx(solution.objective, rel=1e-9, abs=1e-9)
    assert solution.audit.passed
    supply = solution.tables.supply
    assert (supply["amount_per_year"] >= 0).all()
    stock = solution.stockpiles
    assert (stock["closing"] >= 0).all() and (stock["closing"] <= 1000).all()
