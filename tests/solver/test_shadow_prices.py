"""Shadow prices: in the right sign, per unit, in money of the period they belong to.

A price is the slope of the plan's worth: raising a figure by a little gains at most the price a
unit, lowering it loses at least that (the worth is concave while decisions stay fixed).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from circflow.algebra.build import build
from circflow.algebra.results import PRICES
from circflow.data.scenario import Scenario
from circflow.solver.compiled import Program, compile_model
from circflow.solver.highs import Session
from circflow.solver.optimum import optimum
from circflow.solver.shadow_prices import prices

Sheets = dict[str, Any]

RICH: Sheets = {
    "Scenario": {"discount_rate": 0.1, "capital_charge": "upfront"},
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [
        {"site": "Mine", "latitude": 58, "longitude": 60},
        {"site": "Plant", "latitude": 58, "longitude": 60.5},
        {"site": "Town", "latitude": 57, "longitude": 60},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [
        {"site": "Mine", "material": "slag", "amount_per_year": 100},
        {"site": "Mine", "material": "ash", "amount_per_year": 40, "must_handle": False, "cost": 1},
    ],
    "Stockpiles": [
        {
            "site": "Mine",
            "material": "slag",
            "opening": 90,
            "max_reclaim_per_year": 5,
            "holding_cost": 1,
            "closing_max": 70,
            "capacity": 95,
            "can_add": False,
        }
    ],
    "Purchases": [
        {"site": "Plant", "material": "lime", "price": 20, "max_per_year": 6},
        {"site": "Plant", "material": "lime", "period": "b", "price": 20, "max_per_year": 3.5},
    ],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "ash", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 0.1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 0.9},
    ],
    "BlendLimits": [{"technology": "kiln", "group": "g", "material": "ash", "max": 0.4}],
    "Units": [
        {
            "unit": "K",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 50,
            "availability": 0.8,
        },
        {
            "unit": "Bad",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 10,
            "min_load": 0.5,
            "availability": 0.5,
        },
    ],
    "RecipeCosts": [{"technology": "kiln", "variable_cost": 30}],
    "Modes": [{"mode": "road", "cost_per_unit_km": 0.2}],
    "Links": [{"from": "Plant", "to": "Town", "capacity_per_year": 35}],
    "Markets": [
        {"site": "Town", "material": "brick", "price": 300, "max_per_year": 30},
        {"site": "Town", "material": "brick", "price": 200, "min_per_year": 2},
    ],
    "Disposal": [
        {"site": "Mine", "fee": 5, "capacity_per_year": 60, "total_capacity": 290},
        {"site": "Mine", "material": "slag", "fee": 50},
    ],
    "EmissionFactors": [{"kind": "recipe", "pollutant": "CO2", "factor": 0.5}],
    "EmissionLimits": [
        {"pollutant": "CO2", "scope": "cluster", "limit_per_year": 18, "penalty": 40},
    ],
    "Synergies": [{"synergy": "s", "value": 3, "max_per_year": 7}],
    "SynergyPartners": [{"synergy": "s", "kind": "unit", "partner": "K"}],
}


def _solve(
    scenario: Scenario, decisions: np.ndarray | None = None
) -> tuple[float, pd.DataFrame, Any]:
    model = build(scenario)
    compiled = compile_model(model)
    if decisions is not None:
        program: Program = compiled.program.with_fixed(decisions)
        outcome = Session(program).solve()
        return -outcome.objective, prices(model, compiled, outcome, fixed=True), outcome.x
    found = optimum(compiled.program, gap=0.0)
    outcome, fixed = found.outcome, found.fixed
    return -outcome.objective, prices(model, compiled, outcome, fixed=fixed), outcome.x


def _moved(sheets: Sheets, row: pd.Series[Any], by: float, periods: list[str]) -> Sheets:
    """The sheets with the figure that a price belongs to moved, in the price's period only."""
    moved = copy.deepcopy(sheets)
    sheet, column = row["sheet"], row["column"]
    records = moved[sheet]
    record = records[int(row["row"]) - 2]
    period = row["period"]
    if isinstance(period, str) and sheet == "Units":
        own = {"unit": record["unit"], "period": period}
        moved.setdefault("UnitPeriods", []).append({**own, column: record[column] + by})
    elif isinstance(period, str) and sheet in ("Streams", "Purchases", "EmissionLimits", "Markets"):
        # Every row of the key, for every other period, and this one with the figure moved.
        keys = ("site", "material") if sheet != "EmissionLimits" else ("pollutant",)
        same = [r for r in records if all(r.get(k) == record.get(k) for k in keys)]
        moved[sheet] = [r for r in records if r not in same]
        named = {r["period"] for r in same if "period" in r}
        for t in periods:
            for r in same:
                if r.get("period", t) != t or ("period" not in r and t in named):
                    continue
                value = r[column] + by if r is record and t == period else r.get(column)
                moved[sheet].append({**r, "period": t, column: value})
    else:
        record[column] += by
    return moved


def _worth_once(row: pd.Series[Any], scenario: Scenario) -> float:
    """What the price amounts to in million of today, per unit and year of its period."""
    weight = {p.name: p.weight for p in scenario.periods}
    return float(row["value"] * weight.get(row["period"], 1.0) / 1e6)


def test_every_price_is_the_slope_of_the_plan_s_worth(
    make_scenario: Callable[..., Scenario],
) -> None:
    scenario = make_scenario(RICH)
    best, table, _ = _solve(scenario)
    figures = table[table["kind"] != "material"]
    assert set(figures["kind"]) >= {
        "capacity", "emission limit", "link", "disposal", "stream", "market", "purchase", "synergy",
        "reclaim", "stockpile",
    }  # fmt: skip
    # A cell that holds for every period has a price in each: they add up.
    by_cell = {"Stockpiles", "Links", "Disposal", "Synergies"}
    cells = figures[figures["sheet"].isin(by_cell)].assign(
        value=[
            _worth_once(r, scenario) for _, r in figures[figures["sheet"].isin(by_cell)].iterrows()
        ]
    )
    summed = cells.groupby(["sheet", "row", "column"], as_index=False)["value"].sum()
    plain = figures[~figures["sheet"].isin(by_cell)]
    single = plain.assign(value=[_worth_once(r, scenario) for _, r in plain.iterrows()])
    checked = pd.concat([single, summed.assign(period=None)], ignore_index=True)
    step = 1e-3
    for _, row in checked[checked["value"] != 0.0].iterrows():
        more, less = (
            _solve(make_scenario(_moved(RICH, row, by, ["a", "b"])))[0] for by in (step, -step)
        )
        up, down = (more - best) / step, (best - less) / step
        name = row[["sheet", "row", "column", "period"]].tolist()
        assert up - 1e-9 <= row["value"] <= down + 1e-9, (name, up, row["value"], down)


def test_a_material_s_price_is_what_one_more_unit_there_is_worth(
    make_scenario: Callable[..., Scenario],
) -> None:
    scenario = make_scenario(RICH)
    compiled = compile_model(build(scenario))
    best, table, _ = _solve(scenario)
    table = table[table["kind"] == "material"].set_index(["site", "material", "period"])
    family = compiled.families["material_balance"]
    indices, places = family.keys, family.rows
    assert list(table.index) == indices
    for index, place in zip(indices, places.tolist(), strict=True):
        slopes = []
        for by in (1e-3, -1e-3):
            low, high = compiled.program.row_lower.copy(), compiled.program.row_upper.copy()
            low[place] -= by
            high[place] -= by
            program = compiled.program
            moved = Program(
                program.cost, program.offset, program.matrix, low, high, program.lower,
                program.upper, program.integer,
            )  # fmt: skip
            outcome = Session(moved).solve()
            if outcome.x is not None:
                slopes.append((-outcome.objective - best) / by)
        weight = {p.name: p.weight for p in scenario.periods}[index[2]]
        worth = table.loc[index, "value"] * weight / 1e6
        assert min(slopes) - 1e-9 <= worth <= max(slopes) + 1e-9 or len(slopes) < 2, index


SIMPLE: Sheets = {
    "Scenario": {"discount_rate": 0.25},
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 2}],
    "Sites": [{"site": "Plant"}],
    "Materials": [
        {"material": "slag", "category": "waste", "unit": "kt"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Plant", "material": "slag", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 2},
    ],
    "Units": [
        {
            "unit": "K",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 80,
            "availability": 0.5,
        }
    ],
    "Markets": [{"site": "Plant", "material": "brick", "price": 30}],
    "Disposal": [{"site": "Plant", "fee": 10}],
}


def test_by_hand_in_money_of_the_period(make_scenario: Callable[..., Scenario]) -> None:
    # Slag is worth −10 (what its disposal saves), brick 30; capacity (2 · 30 + 10) · 0.5 = 35.
    _, table, _ = _solve(make_scenario(SIMPLE))
    values = table.set_index(["kind", "material", "period"])["value"]
    for period in ("a", "b"):
        assert values["material", "slag", period] == pytest.approx(-10)
        assert values["material", "brick", period] == pytest.approx(30)
        assert values["stream", "slag", period] == pytest.approx(-10)
        capacity = table[(table["kind"] == "capacity") & (table["period"] == period)]
        assert capacity["value"].tolist() == pytest.approx([35])
    assert list(table.columns) == list(PRICES.names)
    measure = table.set_index(["kind", "material"])["unit_of_measure"]
    assert set(measure["material", "slag"]) == {"kt"}
    assert not table["decisions_fixed"].any()
    assert not table.loc[table["kind"] == "material", "binds"].any()
    assert table.loc[table["kind"] == "capacity", "binds"].all()


def test_the_price_of_a_capacity_names_the_cell_in_force(
    make_scenario: Callable[..., Scenario],
) -> None:
    """In b the capacity stands in UnitPeriods; a row there without a capacity leaves Units."""
    periods = [
        {"unit": "K", "period": "a", "min_load": 0.1},
        {"unit": "K", "period": "b", "capacity_per_year": 60},
    ]
    _, table, _ = _solve(make_scenario({**SIMPLE, "UnitPeriods": periods}))
    own = table[table["kind"] == "capacity"]
    cells = own[["period", "sheet", "row", "site", "value"]].values.tolist()
    assert cells == [
        ["a", "Units", 2, "Plant", pytest.approx(35)],
        ["b", "UnitPeriods", 3, "Plant", pytest.approx(35)],
    ]


def test_prices_are_in_money_whatever_value_weighs(make_scenario: Callable[..., Scenario]) -> None:
    goals = [{"goal": "value", "weight": 4}]
    _, plain, _ = _solve(make_scenario(SIMPLE))
    _, weighed, _ = _solve(make_scenario({**SIMPLE, "Goals": goals}))
    assert weighed["value"].tolist() == pytest.approx(plain["value"].tolist())


def test_without_a_weight_of_value_there_is_no_price_in_money(
    make_scenario: Callable[..., Scenario],
) -> None:
    goals = [{"goal": "value", "weight": 0}, {"goal": "emission:CO2", "weight": 5}]
    factors = [{"kind": "recipe", "pollutant": "CO2", "factor": 1}]
    sheets = {**SIMPLE, "Goals": goals, "EmissionFactors": factors}
    _, table, _ = _solve(make_scenario(sheets))
    assert table["value"].isna().all()
    assert table.loc[table["kind"] == "capacity", "binds"].all()
    assert not table.loc[table["kind"] != "capacity", "binds"].any()


def test_nothing_that_happens_has_no_price(make_scenario: Callable[..., Scenario]) -> None:
    empty = {"Sites": [{"site": "A"}], "Materials": [{"material": "x", "category": "waste"}]}
    _, table, _ = _solve(make_scenario(empty))
    assert table.empty and list(table.columns) == list(PRICES.names)


def test_a_closing_stock_that_is_too_small_is_named(make_scenario: Callable[..., Scenario]) -> None:
    stock = {"site": "Plant", "material": "slag", "capacity": 500, "closing_max": 30}
    _, table, _ = _solve(make_scenario({**SIMPLE, "Stockpiles": [stock]}))
    (found,) = table[table["kind"] == "stockpile"].to_dict("records")
    assert (found["limit"], found["column"], found["period"]) == ("closing_max",) * 2 + ("b",)
    # All 100 are kept in a, and what may not stay is disposed of in b: a tonne more that may stay
    # saves half a tonne in each of b's two years.
    assert found["value"] == pytest.approx(10 / 2)


def _candidates(**cells: Any) -> Sheets:
    unit = {**SIMPLE["Units"][0], "status": "candidate", "capex_million": 1e-3, "lifetime_years": 9}
    return {**SIMPLE, "Units": [{**unit, **cells}]}


def test_a_budget_s_price_is_a_lump_sum_of_today(make_scenario: Callable[..., Scenario]) -> None:
    # Size from 1 to 80 at 5 currency a unit; the budget of b holds it.
    sheets = _candidates(
        capacity_per_year=0,
        capacity_max_per_year=80,
        capex_million=0,
        capex_max_million=400e-6,
        earliest_period="b",
    )
    sheets["Scenario"] = {"discount_rate": 0.25, "capital_charge": "upfront"}
    sheets["Budget"] = [{"period": "b", "budget_million": 100e-6}]
    _, table, _ = _solve(make_scenario(sheets))
    (budget,) = table[table["kind"] == "budget"].to_dict("records")
    # 5 currency buy a unit of size, which earns 35 a year: 35 · 1.44 today, and cost 5 · 0.8 today.
    assert budget["value"] == pytest.approx((35 * (0.8 + 0.64) - 5 * 0.8) / 5)
    assert budget["binds"] and budget["decisions_fixed"]


@pytest.mark.parametrize("idle", [False, True])
def test_capacity_of_a_unit_that_idles_or_is_not_built_gains_nothing(
    make_scenario: Callable[..., Scenario], idle: bool
) -> None:
    cells = (
        {"min_load": 1.0, "can_idle": True, "capacity_per_year": 300}
        if idle
        else {"status": "candidate", "capex_million": 1e6}
    )
    sheets = {**SIMPLE, "Units": [{**SIMPLE["Units"][0], **cells}]}
    _, table, _ = _solve(make_scenario(sheets))
    assert table.loc[table["kind"] == "capacity", "value"].tolist() == [0.0, 0.0]
    assert table["decisions_fixed"].all()


def test_capacity_of_a_unit_that_runs_its_least_load_costs(
    make_scenario: Callable[..., Scenario],
) -> None:
    # Bricks that nobody wants: each unit of activity, half a unit of capacity, loses 2 · 20 − 10.
    sheets = {**SIMPLE, "Units": [{**SIMPLE["Units"][0], "min_load": 0.5}]}
    sheets["Markets"] = [{"site": "Plant", "material": "brick", "price": -20}]
    _, table, _ = _solve(make_scenario(sheets))
    assert table.loc[table["kind"] == "capacity", "value"].tolist() == pytest.approx([-7.5, -7.5])


def test_prices_with_decisions_are_those_of_the_fixed_plan(
    make_scenario: Callable[..., Scenario],
) -> None:
    unit = {**SIMPLE["Units"][0], "min_load": 0.5, "can_idle": True}
    sheets = {**SIMPLE, "Units": [unit]}
    best, table, x = _solve(make_scenario(sheets))
    assert table["decisions_fixed"].all()
    capacity = table[table["kind"] == "capacity"]
    assert capacity["value"].tolist() == pytest.approx([35, 35])
    moved = copy.deepcopy(sheets)
    moved["Units"][0]["capacity_per_year"] += 1
    more, _, _ = _solve(make_scenario(moved), x)
    assert (more - best) * 1e6 == pytest.approx(35 * (1 + 1.44))
