"""Plans for the tests of what follows from a plan: one worked by hand, one solved."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest

from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution, Status, Tables
from circflow.solver.run import solve

MakeScenario = Callable[[Mapping[str, Any]], Scenario]
Mutate = Callable[[Solution, str, dict[str, Any], str, Any], Solution]


def press_sheets() -> dict[str, Any]:
    """A mine, a mill that presses bricks from tailings, a town: one period of two years."""
    return {
        "Scenario": {
            "discount_rate": 0.1,
            "auto_links": False,
            "transaction_cost_inside": 1.0,
            "transaction_cost_outside": 3.0,
        },
        "Periods": [{"period": "2026", "years": 2}],
        "Sites": [
            {"site": "Mine", "member": "A", "region": "North"},
            {"site": "Mill", "member": "B", "region": "North"},
            {"site": "Town"},
        ],
        "Materials": [
            {"material": "tailings", "category": "waste", "stage": "mining"},
            {"material": "lime", "category": "input"},
            {"material": "brick", "category": "product"},
            {"material": "residue", "category": "waste", "stage": "processing"},
        ],
        "Streams": [{"site": "Mine", "material": "tailings", "amount_per_year": 100, "cost": 4}],
        "Purchases": [{"material": "lime", "price": 50}],
        "Recipes": [
            {"technology": "press", "role": "input", "material": "tailings", "amount": 1},
            {"technology": "press", "role": "input", "material": "lime", "amount": 0.1},
            {"technology": "press", "role": "output", "material": "brick", "amount": 0.5},
            {"technology": "press", "role": "output", "material": "residue", "amount": 0.4},
        ],
        "RecipeCosts": [{"technology": "press", "variable_cost": 7}],
        "Units": [
            {
                "unit": "Press",
                "site": "Mill",
                "technology": "press",
                "capacity_per_year": 90,
                "fixed_cost_million_per_year": 0.001,
                "jobs": 3,
            }
        ],
        "Modes": [{"mode": "road", "cost_per_unit_km": 2, "fixed_cost": 5}],
        "Links": [
            {"from": "Mine", "to": "Mill", "distance_km": 10},
            {"from": "Mill", "to": "Town", "distance_km": 20},
        ],
        "Markets": [{"site": "Town", "material": "brick", "price": 300, "premium": 6}],
        "Disposal": [
            {"site": "Mine", "fee": 20},
            {"site": "Mill", "material": "residue", "fee": 30},
        ],
        "EmissionFactors": [
            {"kind": "recipe", "key": "press", "pollutant": "CO2", "factor": 0.2},
            {"kind": "transport", "pollutant": "CO2", "factor": 0.01},
        ],
        "EmissionLimits": [
            {
                "pollutant": "CO2",
                "scope": "cluster",
                "limit_per_year": 10,
                "price": 2,
                "penalty": 100,
            }
        ],
    }


PRESS_MONEY = {
    "income": 12000.0,
    "synergy": 240.0,
    "streams": -400.0,
    "purchases": -400.0,
    "processing": -560.0,
    "fixed": -1000.0,
    "transport": -3800.0,
    "transactions": -200.0,
    "disposal": -1360.0,
    "emissions": -2264.0,
}
"""Currency per year, worked by hand: 80 of the 100 t of tailings are pressed to 40 t of bricks."""

T = "2026"
PERIOD = {"period": T}
TONNES = {"period": T, "unit_of_measure": "t"}


COLUMNS = {
    "supply": "kind site material period unit_of_measure row amount_per_year available_per_year"
    " price cost_million_per_year",
    "flows": "from to material mode period unit_of_measure sent_per_year received_per_year"
    " distance_km transport_million_per_year transactions_million_per_year",
    "activity": "site unit technology recipe period activity_per_year load_per_year"
    " processing_million_per_year",
    "units": "site unit technology status period in_service capacity_per_year available_per_year"
    " load_per_year load_share jobs fixed_million_per_year capital_million_per_year",
    "conversions": "site unit technology recipe period role group material unit_of_measure"
    " amount_per_year",
    "sales": "site material tier period unit_of_measure row amount_per_year max_per_year price"
    " premium income_million_per_year premium_million_per_year",
    "disposal": "site material row period unit_of_measure amount_per_year fee"
    " cost_million_per_year",
    "stockpiles": "site material period unit_of_measure row opening added_per_year"
    " reclaimed_per_year closing capacity cost_million_per_year",
    "emissions": "pollutant kind site member region source period tonnes_per_year",
    "emission_limits": "pollutant scope key period row emitted_per_year limit_per_year"
    " excess_per_year cost_million_per_year",
    "synergies": "synergy effect period joint_activity_per_year value_million_per_year",
    "money": "group site member material unit period million_per_year million discounted_million",
    "prices": "kind site to material unit period value unit_of_measure limit row decisions_fixed",
    "built": "unit site period built capacity_per_year capex_million jobs investor",
}
"""The columns of every table of a plan."""


def plan(scenario: Scenario, objective: float = 0.0, **tables: pd.DataFrame) -> Solution:
    """A plan from some of its tables; columns that are left out are blank, other tables empty."""
    whole = {
        name: tables.get(name, pd.DataFrame()).reindex(columns=columns.split())
        for name, columns in COLUMNS.items()
    }
    return Solution(
        scenario=scenario,
        status=Status.OPTIMAL,
        objective=objective,
        gap=0.0,
        tables=Tables(**whole),
        seconds={},
    )


@pytest.fixture(scope="session")
def plan_of() -> Callable[..., Solution]:
    """`plan_of(scenario, objective, supply=…, flows=…)`: a plan from its tables (see `plan`)."""
    return plan


@pytest.fixture
def press() -> dict[str, Any]:
    """The sheets of the scenario worked by hand."""
    return press_sheets()


def press_tables() -> dict[str, pd.DataFrame]:
    """The plan's tables, every figure worked by hand."""
    worth = 1 + 1 / 1.1

    def table(*rows: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame([{**TONNES, **row} for row in rows])

    run = {"site": "Mill", "unit": "Press", "technology": "press", "recipe": "main", "group": None}
    brick = {"site": "Town", "material": "brick"}
    return {
        "supply": table(
            {"kind": "stream", "site": "Mine", "material": "tailings", "amount_per_year": 100.0,
             "available_per_year": 100.0, "price": 4.0, "cost_million_per_year": 4e-4},
            {"kind": "purchase", "site": "Mill", "material": "lime", "amount_per_year": 8.0,
             "available_per_year": None, "price": 50.0, "cost_million_per_year": 4e-4},
        ),
        "flows": table(
            {"from": "Mine", "to": "Mill", "material": "tailings", "mode": "road",
             "sent_per_year": 80.0, "received_per_year": 80.0, "distance_km": 10.0,
             "transport_million_per_year": 2e-3, "transactions_million_per_year": 8e-5},
            {"from": "Mill", "to": "Town", "material": "brick", "mode": "road",
             "sent_per_year": 40.0, "received_per_year": 40.0, "distance_km": 20.0,
             "transport_million_per_year": 1.8e-3, "transactions_million_per_year": 1.2e-4},
        ),
        "activity": table(
            {**run, "activity_per_year": 80.0, "load_per_year": 80.0,
             "processing_million_per_year": 5.6e-4},
        ),
        "units": table(
            {"site": "Mill", "unit": "Press", "technology": "press", "status": "existing",
             "in_service": 1.0, "capacity_per_year": 90.0, "available_per_year": 90.0,
             "load_per_year": 80.0, "load_share": 80 / 90, "jobs": 3.0,
             "fixed_million_per_year": 1e-3, "capital_million_per_year": 0.0},
        ),
        "conversions": table(
            {**run, "role": "input", "material": "tailings", "amount_per_year": 80.0},
            {**run, "role": "input", "material": "lime", "amount_per_year": 8.0},
            {**run, "role": "output", "material": "brick", "amount_per_year": 40.0},
            {**run, "role": "output", "material": "residue", "amount_per_year": 32.0},
        ),
        "sales": table(
            {**brick, "tier": 1, "row": 2, "amount_per_year": 40.0, "max_per_year": None,
             "price": 300.0, "premium": 6.0, "income_million_per_year": 1.2e-2,
             "premium_million_per_year": 2.4e-4},
        ),
        "disposal": table(
            {"site": "Mine", "material": "tailings", "row": 2, "amount_per_year": 20.0,
             "fee": 20.0, "cost_million_per_year": 4e-4},
            {"site": "Mill", "material": "residue", "row": 3, "amount_per_year": 32.0,
             "fee": 30.0, "cost_million_per_year": 9.6e-4},
        ),
        "emissions": table(
            {"pollutant": "CO2", "kind": "recipe", "site": "Mill", "member": "B",
             "region": "North", "source": "Press", "tonnes_per_year": 16.0},
            {"pollutant": "CO2", "kind": "transport", "site": "Mine", "member": "A",
             "region": "North", "source": "road", "tonnes_per_year": 8.0},
            {"pollutant": "CO2", "kind": "transport", "site": "Mill", "member": "B",
             "region": "North", "source": "road", "tonnes_per_year": 8.0},
        ),
        "emission_limits": table(
            {"pollutant": "CO2", "scope": "cluster", "key": None, "row": 2,
             "emitted_per_year": 32.0, "limit_per_year": 10.0, "excess_per_year": 22.0,
             "cost_million_per_year": 2.264e-3},
        ),
        "money": table(
            *(
                {"group": group, "site": None, "member": None, "material": None, "unit": None,
                 "million_per_year": value / 1e6, "million": 2 * value / 1e6,
                 "discounted_million": worth * value / 1e6}
                for group, value in PRESS_MONEY.items()
            )
        ),
    }  # fmt: skip


@pytest.fixture(scope="session")
def press_plan(make_scenario: MakeScenario) -> Solution:
    """The plan worked by hand."""
    objective = sum(PRESS_MONEY.values()) * (1 + 1 / 1.1) / 1e6
    return plan(make_scenario(press_sheets()), objective, **press_tables())


def cluster_sheets() -> dict[str, Any]:
    """Everything at once: groups, blends, tiers, stocks, candidates, limits, synergies, goals."""

    def recipe(technology: str, role: str, material: str, amount: float, **more: Any) -> Any:
        return {"technology": technology, "role": role, "material": material, "amount": amount,
                **more}  # fmt: skip

    return {
        "Scenario": {"discount_rate": 0.08, "transaction_cost_inside": 2.0,
                     "transaction_cost_outside": 5.0, "max_distance_km": 500.0},
        "Periods": [{"period": "2026", "years": 3}, {"period": "2029", "years": 5},
                    {"period": "2034", "years": 4}],
        "Sites": [
            {"site": "Mine", "member": "A", "region": "N", "latitude": 57, "longitude": 60},
            {"site": "Mill", "member": "B", "region": "N", "latitude": 57.5, "longitude": 60.5},
            {"site": "Town", "region": "S", "latitude": 56.8, "longitude": 60.6},
            {"site": "Hub", "region": "S", "latitude": 57.2, "longitude": 60.2, "hub": True},
        ],
        "Materials": [
            {"material": "tailings", "category": "waste", "stage": "mining"},
            {"material": "slag", "category": "waste", "stage": "metallurgy"},
            {"material": "water", "unit": "m3", "category": "waste", "stage": "mining"},
            {"material": "conc", "category": "product"},
            {"material": "cement", "category": "product"},
            {"material": "lime", "category": "input"},
            {"material": "power", "unit": "MWh", "category": "energy", "modes": "none"},
            {"material": "gas", "unit": "m3", "category": "input", "modes": "none"},
            {"material": "residue", "category": "waste", "stage": "processing"},
        ],
        "Streams": [
            {"site": "Mine", "material": "tailings", "amount_per_year": 1e6, "cost": 1},
            {"site": "Mill", "material": "slag", "amount_per_year": 2e5},
            {"site": "Mill", "material": "slag", "period": "2034", "amount_per_year": 3e5,
             "must_handle": False},
            {"site": "Mine", "material": "water", "amount_per_year": 5e5, "must_handle": False},
        ],
        "Stockpiles": [
            {"site": "Mill", "material": "slag", "opening": 1e6, "max_reclaim_per_year": 1e5,
             "reclaim_cost": 20, "add_cost": 3, "holding_cost": 0.1},
            {"site": "Town", "material": "cement", "add_cost": 1, "reclaim_cost": 1,
             "holding_cost": 0.5},
            {"site": "Mine", "material": "tailings", "holding_cost": 0.01, "capacity": 5e6,
             "closing_max": 4.5e6},
        ],
        "Purchases": [
            {"material": "lime", "price": 500},
            {"material": "gas", "price": 5},
            {"site": "Mill", "material": "lime", "price": 600, "period": "2029",
             "max_per_year": 1e5},
        ],
        "Recipes": [
            recipe("sep", "input", "tailings", 1),
            recipe("sep", "input", "water", 0.2),
            recipe("sep", "input", "power", 0.01),
            recipe("sep", "output", "conc", 0.1),
            recipe("sep", "output", "residue", 0.85),
            recipe("pp", "input", "gas", 250),
            recipe("pp", "output", "power", 1),
            recipe("cem", "input", "slag", 0.6, group="mineral"),
            recipe("cem", "input", "residue", 0.6, group="mineral", weight=0.8),
            recipe("cem", "input", "lime", 0.5),
            recipe("cem", "output", "cement", 1),
            recipe("cem", "input", "slag", 1.0, recipe="rich"),
            recipe("cem", "output", "cement", 0.9, recipe="rich"),
            recipe("cem", "output", "residue", 0.05, recipe="rich"),
        ],
        "RecipeCosts": [
            {"technology": "sep", "variable_cost": 50},
            {"technology": "cem", "variable_cost": 100},
            {"technology": "cem", "recipe": "rich", "variable_cost": 200, "capacity_use": 1.5,
             "period": "2029"},
        ],
        "Properties": [{"material": "slag", "property": "Fe", "value": 0.2},
                       {"material": "residue", "property": "Fe", "value": 0.05}],
        "BlendLimits": [
            {"technology": "cem", "group": "mineral", "property": "Fe", "min": 0.08, "max": 0.15},
            {"technology": "cem", "group": "mineral", "material": "residue", "max": 0.75},
        ],
        "Units": [
            {"unit": "Sep", "site": "Mine", "technology": "sep", "capacity_per_year": 9e5,
             "availability": 0.9, "fixed_cost_million_per_year": 3, "jobs": 30},
            {"unit": "PP", "site": "Mine", "technology": "pp", "capacity_per_year": 1e5,
             "fixed_cost_million_per_year": 1, "jobs": 5},
            {"unit": "Cem", "site": "Mill", "technology": "cem", "capacity_per_year": 4e5,
             "min_load": 0.2, "can_idle": True, "fixed_cost_million_per_year": 5, "jobs": 50},
            {"unit": "Cem2", "site": "Mill", "technology": "cem", "capacity_per_year": 1e5,
             "status": "candidate", "capex_million": 300, "capacity_max_per_year": 5e5,
             "capex_max_million": 900, "lifetime_years": 6, "min_load": 0.3,
             "fixed_cost_million_per_year": 2, "fixed_cost_max_million_per_year": 6, "jobs": 20,
             "choice": "c", "requires": "Cem"},
            {"unit": "Cem3", "site": "Town", "technology": "cem", "capacity_per_year": 1e5,
             "status": "candidate", "capex_million": 3000, "lifetime_years": 6, "choice": "c"},
            {"unit": "Off", "site": "Town", "technology": "cem", "capacity_per_year": 1e5,
             "status": "off"},
            {"unit": "Idle", "site": "Town", "technology": "sep", "capacity_per_year": 0,
             "fixed_cost_million_per_year": 0.5},
        ],
        "UnitPeriods": [{"unit": "Sep", "period": "2029", "availability": 0.5,
                         "fixed_cost_million_per_year": 4}],
        "Modes": [
            {"mode": "road", "cost_per_unit_km": 2, "fixed_cost": 10},
            {"mode": "road", "period": "2034", "cost_per_unit_km": 3, "fixed_cost": 12},
            {"mode": "rail", "cost_per_unit_km": 0.5, "fixed_cost": 40, "auto": False},
        ],
        "Links": [
            {"from": "Mine", "to": "Mill", "mode": "rail", "distance_km": 70,
             "capacity_per_year": 4e5, "loss": 0.01},
            {"from": "Mine", "to": "Mill", "material": "residue", "cost": 20},
            {"from": "Mill", "to": "Town", "material": "cement", "mode": "road",
             "forbidden": True},
            {"from": "Mill", "to": "Town", "material": "slag", "distance_km": 100, "loss": 0.02},
        ],
        "Markets": [
            {"site": "Town", "material": "conc", "price": 3000},
            {"site": "Town", "material": "cement", "price": 2500, "max_per_year": 2e5,
             "premium": 10},
            {"site": "Town", "material": "cement", "price": 1500, "max_per_year": 3e5,
             "min_per_year": 1e4},
            {"site": "Town", "material": "cement", "price": 2600, "max_per_year": 5e5,
             "period": "2034"},
        ],
        "Disposal": [
            {"site": "Mine", "fee": 100, "capacity_per_year": 2e6, "total_capacity": 1e8},
            {"site": "Mine", "material": "residue", "fee": 30, "capacity_per_year": 5e5,
             "total_capacity": 6e6},
            {"site": "Mill", "fee": 300},
        ],
        "EmissionFactors": [
            {"kind": "recipe", "key": "cem", "pollutant": "CO2", "factor": 0.6},
            {"kind": "recipe", "key": "cem/rich", "pollutant": "CO2", "factor": 0.3},
            {"kind": "recipe", "pollutant": "dust", "factor": 0.001},
            {"kind": "transport", "pollutant": "CO2", "factor": 1e-4},
            {"kind": "sale", "key": "cement", "pollutant": "CO2", "factor": -0.2},
            {"kind": "purchase", "key": "lime", "pollutant": "CO2", "factor": 0.7},
            {"kind": "stockpile", "pollutant": "dust", "factor": 1e-4},
            {"kind": "disposal", "pollutant": "dust", "factor": 2e-4},
            {"kind": "stream", "key": "slag", "pollutant": "CO2", "factor": 0.01},
        ],
        "EmissionLimits": [
            {"pollutant": "CO2", "scope": "cluster", "price": 20},
            {"pollutant": "CO2", "scope": "region", "key": "N", "limit_per_year": 2e5,
             "penalty": 100},
            {"pollutant": "dust", "scope": "unit", "key": "Cem", "limit_per_year": 250,
             "price": 5},
            {"pollutant": "dust", "scope": "member", "key": "A", "limit_per_year": 900,
             "penalty": 10, "price": 1},
            {"pollutant": "CO2", "scope": "site", "key": "Mill", "period": "2034",
             "limit_per_year": 3e5},
        ],
        "Synergies": [
            {"synergy": "both", "effect": "scale", "value": 15},
            {"synergy": "haul", "effect": "infrastructure", "value": 3, "max_per_year": 1e5},
        ],
        "SynergyPartners": [
            {"synergy": "both", "kind": "unit", "partner": "Sep"},
            {"synergy": "both", "kind": "unit", "partner": "Cem", "ratio": 0.5},
            {"synergy": "haul", "kind": "flow", "partner": "Mine > Mill"},
            {"synergy": "haul", "kind": "unit", "partner": "Cem"},
        ],
        "Budget": [{"period": "2026", "budget_million": 800},
                   {"period": "2029", "budget_million": 800}],
        "Goals": [{"goal": "jobs", "weight": 0.1}, {"goal": "emission:CO2", "weight": -3},
                  {"goal": "synergy", "weight": 0.9}],
    }  # fmt: skip


@pytest.fixture(scope="session", params=["annuity", "upfront", "relaxed"])
def cluster_plan(request: pytest.FixtureRequest, make_scenario: MakeScenario) -> Solution:
    """The cluster solved: capital as an annuity, upfront, and with relaxed decisions."""
    sheets = cluster_sheets()
    if request.param == "upfront":
        sheets["Scenario"]["capital_charge"] = "upfront"
    return solve(make_scenario(sheets), relax=request.param == "relaxed")


@pytest.fixture(scope="session")
def one_cluster_plan(make_scenario: MakeScenario) -> Solution:
    """The cluster solved once, with capital upfront."""
    sheets = cluster_sheets()
    sheets["Scenario"]["capital_charge"] = "upfront"
    return solve(make_scenario(sheets))


def mutate(
    solution: Solution, table: str, where: Mapping[str, Any], column: str, value: Any
) -> Solution:
    """The plan with one cell changed: to a value, or by a function of it."""
    frame = getattr(solution.tables, table).copy()
    mask = pd.Series(True, index=frame.index)
    for name, wanted in where.items():
        mask &= frame[name] == wanted
    assert mask.any(), f"no row of {table} where {where}"
    at = mask.idxmax()
    old = frame.loc[at, column]
    frame[column] = frame[column].astype(object)
    frame.loc[at, column] = value(old) if callable(value) else value
    frame[column] = frame[column].infer_objects()
    tables = dataclasses.replace(solution.tables, **{table: frame})
    return dataclasses.replace(solution, tables=tables)


@pytest.fixture(scope="session")
def with_cell() -> Mutate:
    """`with_cell(plan, table, {column: wanted}, column, value)`: one changed."""
    return mutate
