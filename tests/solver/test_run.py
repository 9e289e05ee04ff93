"""Optima computed by hand, through `solve` and its audit: what the contract's words come to.

Amounts and money are small; the objective is compared in currency, not in million.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.solution.solution import NoPlan, Solution, Status
from circflow.solver.run import solve

Sheets = dict[str, Any]
M = 1e-6
"""A currency unit in million."""


@pytest.fixture
def plan(make_scenario: Callable[..., Scenario]) -> Callable[..., Solution]:
    def made(sheets: Sheets, **changes: Any) -> Solution:
        solution = solve(make_scenario({**sheets, **changes}), gap=0.0)
        assert solution.audit.passed
        assert solution.status is Status.OPTIMAL
        return solution

    return made


@pytest.fixture
def worth(best: Callable[..., float]) -> Callable[..., float]:
    """The optimum in currency, without tables and audit."""

    def made(sheets: Sheets, **changes: Any) -> float:
        return best({**sheets, **changes}) * 1e6

    return made


# One works: 100 slag a year arise and must go; a kiln makes 80 of them into bricks at 30, the rest
# is disposed of at 10. Bricks earn 30 a piece, one a tonne.
WORKS: Sheets = {
    "Sites": [{"site": "Plant", "member": "A"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Plant", "material": "slag", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "Units": [{"unit": "K", "site": "Plant", "technology": "kiln", "capacity_per_year": 80}],
    "Markets": [{"site": "Plant", "material": "brick", "price": 30}],
    "Disposal": [{"site": "Plant", "fee": 10}],
}
KILN = WORKS["Units"][0]


def test_the_works(plan: Callable[..., Solution]) -> None:
    solution = plan(WORKS)
    assert solution.objective == pytest.approx((80 * 30 - 20 * 10) * M)
    assert solution.disposal["amount_per_year"].tolist() == pytest.approx([20])
    assert not solution.decisions_fixed
    assert solution.gap == 0.0


# -- Periods and stock ---------------------------------------------------------------------------


def test_years_and_discount(worth: Callable[..., float]) -> None:
    periods = [{"period": "a", "years": 2}, {"period": "b", "years": 1}]
    weight = 1 + 0.8 + 0.64
    settings = {"discount_rate": 0.25}
    assert worth(WORKS, Periods=periods, Scenario=settings) == pytest.approx(2200 * weight)


def test_stock_saves_disposal_while_there_is_room_and_pays_for_it(
    plan: Callable[..., Solution],
) -> None:
    # 20 a year are left. In a (2 years) they are kept, 1 per unit and year at the period's end;
    # b (1 year) has a second kiln that takes 100 and 40 of the stock: 140 of 160.
    sheets = {
        **WORKS,
        "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 1}],
        "Stockpiles": [{"site": "Plant", "material": "slag", "holding_cost": 1, "add_cost": 2}],
        "UnitPeriods": [{"unit": "K", "period": "b", "capacity_per_year": 160}],
    }
    solution = plan(sheets)
    assert solution.objective == pytest.approx((2 * (2400 - 20 * 2 - 40) + 140 * 30) * M)
    stock = solution.stockpiles.set_index("period")
    assert stock["closing"].to_dict() == pytest.approx({"a": 40.0, "b": 0.0})
    assert stock["added_per_year"].to_dict() == pytest.approx({"a": 20.0, "b": 0.0})
    assert stock["reclaimed_per_year"].to_dict() == pytest.approx({"a": 0.0, "b": 40.0})


def test_holding_is_paid_after_the_last_period_too(worth: Callable[..., float]) -> None:
    # What is kept at the end costs 3 for each of the two years: less than 10 in each year.
    periods = [{"period": "a", "years": 2}]
    stock = [{"site": "Plant", "material": "slag", "holding_cost": 3, "opening": 5}]
    # Opening 5 and 40 added: 45 held; disposing a tonne earlier costs 10, keeping it 2 · 3 = 6.
    # The 5 of the opening can only leave as disposal too: dearer than keeping.
    assert worth(WORKS, Periods=periods, Stockpiles=stock) == pytest.approx(4800 - 45 * 3 * 2)
    stock[0]["closing_max"] = 15
    assert worth(WORKS, Periods=periods, Stockpiles=stock) == pytest.approx(
        4800 - 15 * 3 * 2 - 30 * 10
    )


def test_reclaim_is_limited_and_something_must_be_left(worth: Callable[..., float]) -> None:
    stock = [
        {
            "site": "Plant",
            "material": "slag",
            "opening": 50,
            "can_add": False,
            "reclaim_cost": 4,
            "closing_min": 35,
        }
    ]
    sheets = {**WORKS, "Streams": [], "Periods": [{"period": "a", "years": 3}]}
    # 15 in three years, 26 each.
    assert worth(sheets, Stockpiles=stock) == pytest.approx(15 * 26)
    stock[0]["max_reclaim_per_year"] = 4
    assert worth(sheets, Stockpiles=stock) == pytest.approx(12 * 26)


# -- Capital -------------------------------------------------------------------------------------

NEW: Sheets = {**KILN, "status": "candidate", "capex_million": 1200 * M}


@pytest.mark.parametrize(
    ("charge", "life", "cost"),
    [
        ("upfront", 1, 1200.0),
        ("upfront", 50, 1200.0),
        ("annuity", 10, 120 * 3),
        ("annuity", 3, 1200.0),
        # The lifetime ends inside the second period: in service to its end, and charged for it.
        ("annuity", 2, 600 * 3),
    ],
)
def test_capital_without_interest(
    worth: Callable[..., float], charge: str, life: int, cost: float
) -> None:
    sheets = {
        **WORKS,
        "Scenario": {"capital_charge": charge},
        "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 2}],
        "Units": [{**NEW, "lifetime_years": life, "latest_period": "a"}],
    }
    if charge == "upfront" and life == 1:
        # Out of service in b: all is disposed of there.
        assert worth(sheets) == pytest.approx(2200 - cost - 2 * 1000)
    else:
        assert worth(sheets) == pytest.approx(3 * 2200 - cost)


def test_the_annuity_s_present_value_is_the_capex(worth: Callable[..., float]) -> None:
    sheets = {
        **WORKS,
        "Scenario": {"discount_rate": 0.25},
        "Periods": [{"period": "a", "years": 4}],
        "Units": [{**NEW, "lifetime_years": 4}],
    }
    weight = 1 + 0.8 + 0.8**2 + 0.8**3
    assert worth(sheets) == pytest.approx(2200 * weight - 1200)


def test_building_later_when_it_does_not_pay_yet(plan: Callable[..., Solution]) -> None:
    # The price in a does not even cover the yearly charge; from b on it does.
    sheets = {
        **WORKS,
        "Scenario": {"capital_charge": "upfront", "discount_rate": 0.25},
        "Periods": [{"period": "a"}, {"period": "b", "years": 2}],
        "Units": [{**NEW, "fixed_cost_million_per_year": 100 * M}],
        "Markets": [
            {"site": "Plant", "material": "brick", "price": 30},
            {"site": "Plant", "material": "brick", "period": "a", "price": -9.5},
        ],
    }
    solution = plan(sheets)
    late = 0.8 + 0.64
    assert solution.objective == pytest.approx((-1000 + (2200 - 100) * late - 1200 * 0.8) * M)
    assert solution.built[["unit", "period"]].to_numpy().tolist() == [["K", "b"]]
    assert solution.built["capex_million"].tolist() == pytest.approx([1200 * M])


def test_a_candidate_that_does_not_pay_is_not_built(plan: Callable[..., Solution]) -> None:
    solution = plan(WORKS, Units=[{**NEW, "capex_million": 1, "lifetime_years": 1}])
    assert solution.built.empty
    assert solution.objective == pytest.approx(-1000 * M)
    assert solution.decisions_fixed


SIZED: Sheets = {
    **NEW,
    "lifetime_years": 1,
    "capacity_per_year": 20,
    "capex_million": 300 * M,
    "capacity_max_per_year": 120,
    "capex_max_million": 1300 * M,
}


def test_a_size_between_is_interpolated(plan: Callable[..., Solution]) -> None:
    # 10 a unit of size, gain 40: as large as there is slag for, 100, at 300 + 80 · 10.
    solution = plan(WORKS, Units=[SIZED])
    assert solution.objective == pytest.approx((100 * 30 - 1100) * M)
    assert solution.built["capacity_per_year"].tolist() == pytest.approx([100])
    assert solution.built["capex_million"].tolist() == pytest.approx([1100 * M])
    # Fixed cost from 50 to 250 over the range adds 2 a unit.
    fixed = {
        "fixed_cost_million_per_year": 50 * M,
        "fixed_cost_max_million_per_year": 250 * M,
    }
    solution = plan(WORKS, Units=[{**SIZED, **fixed}])
    assert solution.objective == pytest.approx((3000 - 1100 - 50 - 160) * M)


def test_a_size_that_starts_at_nothing(plan: Callable[..., Solution]) -> None:
    sized = {**SIZED, "capacity_per_year": 0, "capex_million": 0}
    solution = plan(WORKS, Units=[{**sized, "capex_max_million": 1200 * M}])
    assert solution.objective == pytest.approx((3000 - 1000) * M)
    assert solution.built["capacity_per_year"].tolist() == pytest.approx([100])


def test_a_fixed_cost_of_a_period_is_that_of_the_smaller_size(worth: Callable[..., float]) -> None:
    fixed = {
        "fixed_cost_million_per_year": 50 * M,
        "fixed_cost_max_million_per_year": 250 * M,
    }
    changed = [{"unit": "K", "period": "1", "fixed_cost_million_per_year": 150 * M}]
    # From 150 to 250 over 100 units: 1 a unit; built at 100, 80 beyond the smaller size.
    assert worth(WORKS, Units=[{**SIZED, **fixed}], UnitPeriods=changed) == pytest.approx(
        3000 - 1100 - 150 - 80
    )


def test_at_most_one_of_a_choice(plan: Callable[..., Solution]) -> None:
    small = {**NEW, "unit": "S", "capacity_per_year": 50, "capex_million": 600 * M, "choice": "k"}
    large = {**small, "unit": "L", "capacity_per_year": 100, "capex_million": 1300 * M}
    units = [{**unit, "lifetime_years": 1} for unit in (small, large)]
    solution = plan(WORKS, Units=units)
    # Small: 1500 − 500 − 600; large: 3000 − 1300; both would be no better than large alone.
    assert solution.objective == pytest.approx(1700 * M)
    assert solution.built["unit"].tolist() == ["L"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        # Existing: as if nothing were required. Off: cannot be built, all is disposed of.
        ("existing", 2200 - 100),
        ("off", -1000),
        # A candidate: worth its 300 too.
        ("candidate", 2200 - 100 - 300),
    ],
)
def test_requires(worth: Callable[..., float], status: str, expected: float) -> None:
    other = {
        "unit": "Road",
        "site": "Plant",
        "technology": "none",
        "capacity_per_year": 0,
        "status": status,
        "capex_million": 300 * M,
        "lifetime_years": 1,
    }
    recipes = [
        *WORKS["Recipes"],
        {"technology": "none", "role": "input", "material": "lime", "amount": 1},
    ]
    kiln = {**NEW, "capex_million": 100 * M, "lifetime_years": 1, "requires": "Road"}
    assert worth(WORKS, Units=[kiln, other], Recipes=recipes) == pytest.approx(expected)


def test_required_in_every_period_of_service(plan: Callable[..., Solution]) -> None:
    # The road lasts a year; the kiln, built in a, would serve in b as well: so b it is, where the
    # road can be built too, and serves the kiln's only year.
    road = {
        "unit": "Road",
        "site": "Plant",
        "technology": "none",
        "capacity_per_year": 0,
        "status": "candidate",
        "capex_million": 0,
        "lifetime_years": 1,
    }
    recipes = [
        *WORKS["Recipes"],
        {"technology": "none", "role": "input", "material": "lime", "amount": 1},
    ]
    kiln = {**NEW, "capex_million": 100 * M, "lifetime_years": 2, "requires": "Road"}
    periods = [{"period": "a"}, {"period": "b"}]
    solution = plan(WORKS, Units=[kiln, road], Recipes=recipes, Periods=periods)
    assert solution.objective == pytest.approx((-1000 + 2200 - 50) * M)
    assert set(solution.built["period"]) == {"b"}


def test_budget_holds_what_is_begun_in_a_period(plan: Callable[..., Solution]) -> None:
    half = {**NEW, "capacity_per_year": 40, "capex_million": 600 * M, "lifetime_years": 2}
    units = [{**half, "unit": "K1"}, {**half, "unit": "K2"}]
    periods = [{"period": "a"}, {"period": "b"}]
    budget = [{"period": "a", "budget_million": 700 * M}]
    solution = plan(WORKS, Units=units, Periods=periods, Budget=budget)
    # One in each: 1200 − 600 and 2400 − 200 less 300 a year for each in service.
    assert solution.objective == pytest.approx((600 - 300 + 2200 - 600) * M)
    assert sorted(solution.built["period"]) == ["a", "b"]
    nothing = plan(WORKS, Units=units, Budget=[{"period": "1", "budget_million": 0}])
    assert nothing.built.empty


# -- Load ----------------------------------------------------------------------------------------

LOSING: Sheets = {**WORKS, "Markets": [{"site": "Plant", "material": "brick", "price": -25}]}


def test_a_least_load_must_run_although_it_loses(worth: Callable[..., float]) -> None:
    unit = {**KILN, "availability": 0.5, "min_load": 0.25}
    assert worth(LOSING, Units=[unit]) == pytest.approx(-10 * 25 - 90 * 10)
    assert worth(LOSING, Units=[{**unit, "can_idle": True}]) == pytest.approx(-1000)


def test_all_or_nothing(plan: Callable[..., Solution]) -> None:
    # 60 in the market; a least load of 70 would leave 10 bricks that nobody takes.
    unit = {**KILN, "min_load": 0.875, "can_idle": True}
    market = [{"site": "Plant", "material": "brick", "price": 30, "max_per_year": 60}]
    solution = plan(WORKS, Units=[unit], Markets=market)
    assert solution.objective == pytest.approx(-1000 * M)
    more = [*market, {"site": "Plant", "material": "brick", "price": -40}]
    solution = plan(WORKS, Units=[unit], Markets=more)
    assert solution.objective == pytest.approx((60 * 30 - 10 * 40 - 30 * 10) * M)
    assert solution.decisions_fixed


def test_idle_for_a_unit_of_any_size(plan: Callable[..., Solution]) -> None:
    # In a 100 slag arise, in b 30: a kiln of 100 must run 50 or stand still; of 60, 30.
    sized = {
        **SIZED,
        "capacity_per_year": 20,
        "capex_million": 0,
        "capex_max_million": 0,
        "min_load": 0.5,
        "lifetime_years": 2,
        "latest_period": "a",
    }
    streams = [
        {"site": "Plant", "material": "slag", "period": "a", "amount_per_year": 100},
        {"site": "Plant", "material": "slag", "period": "b", "amount_per_year": 30},
    ]
    periods = [{"period": "a"}, {"period": "b"}]
    sheets = {**WORKS, "Streams": streams, "Periods": periods}
    # Without idling: 60, so 60 · 30 − 40 · 10 and 30 · 30. With: 100 in a, in b all disposed of.
    assert plan(sheets, Units=[sized]).objective == pytest.approx((1400 + 900) * M)
    solution = plan(sheets, Units=[{**sized, "can_idle": True}])
    assert solution.objective == pytest.approx((3000 - 300) * M)
    assert solution.activity["period"].tolist() == ["a"]


def test_recipes_share_capacity_by_their_use(worth: Callable[..., float]) -> None:
    # The wet recipe makes 2 bricks a tonne but uses 4 times the capacity: 15 a unit, not 30.
    recipes = [
        *WORKS["Recipes"],
        {"technology": "kiln", "recipe": "wet", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "recipe": "wet", "role": "output", "material": "brick", "amount": 2},
    ]
    costs = [{"technology": "kiln", "recipe": "wet", "variable_cost": 1, "capacity_use": 4}]
    assert worth(WORKS, Recipes=recipes, RecipeCosts=costs) == pytest.approx(2200)
    unit = {**KILN, "capacity_per_year": 220}
    # 100 slag, capacity 220: 60 dry and 40 wet (60 + 160): 60 · 30 + 40 · 59.
    assert worth(WORKS, Recipes=recipes, RecipeCosts=costs, Units=[unit]) == pytest.approx(
        1800 + 40 * 59
    )


# -- Groups and blends ---------------------------------------------------------------------------

MIX: Sheets = {
    **WORKS,
    "Streams": [
        {"site": "Plant", "material": "slag", "amount_per_year": 200, "must_handle": False},
        {
            "site": "Plant",
            "material": "ash",
            "amount_per_year": 200,
            "must_handle": False,
            "cost": -5,
        },
    ],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
        {
            "technology": "kiln",
            "role": "input",
            "material": "ash",
            "amount": 1,
            "group": "g",
            "weight": 0.5,
        },
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
}


def test_weights_count_towards_the_requirement(worth: Callable[..., float]) -> None:
    # Ash pays 5 and counts half: 2 ash a brick, up to 80 bricks from 160 ash.
    assert worth(MIX) == pytest.approx(80 * 30 + 160 * 5)


def test_a_share_is_of_the_amount_taken_in(worth: Callable[..., float]) -> None:
    # Half ash by amount: a units of each, 1.5 a = 80.
    limits = [{"technology": "kiln", "group": "g", "material": "ash", "max": 0.5}]
    assert worth(MIX, BlendLimits=limits) == pytest.approx(2400 + 80 / 1.5 * 5)
    limits = [{"technology": "kiln", "group": "g", "material": "slag", "min": 0.75}]
    assert worth(MIX, BlendLimits=limits) == pytest.approx(2400 + 80 / 3.5 * 5)


def test_a_property_s_mean_over_amounts(worth: Callable[..., float]) -> None:
    # Mean 6 of 4 (slag) and 10 (ash): one ash to two slag, 2.5 a = 80.
    properties = [
        {"material": "slag", "property": "MgO", "value": 4},
        {"material": "ash", "property": "MgO", "value": 10},
    ]
    limits = [{"technology": "kiln", "group": "g", "property": "MgO", "max": 6}]
    sheets = {**MIX, "Properties": properties}
    assert worth(sheets, BlendLimits=limits) == pytest.approx(2400 + 32 * 5)
    # At least 10 leaves ash alone; at least 11 leaves nothing.
    limits = [{"technology": "kiln", "group": "g", "property": "MgO", "min": 10}]
    assert worth(sheets, BlendLimits=limits) == pytest.approx(2400 + 160 * 5)
    limits[0]["min"] = 11
    assert worth(sheets, BlendLimits=limits) == pytest.approx(0)


# -- Markets and disposal ------------------------------------------------------------------------


def test_price_tiers(plan: Callable[..., Solution]) -> None:
    tiers = [
        {"site": "Plant", "material": "brick", "price": 20},
        {"site": "Plant", "material": "brick", "price": 50, "max_per_year": 30},
        {"site": "Plant", "material": "brick", "price": 5, "min_per_year": 10},
    ]
    solution = plan(WORKS, Markets=tiers)
    assert solution.objective == pytest.approx((30 * 50 + 10 * 5 + 40 * 20 - 20 * 10) * M)


def test_a_least_sale_that_cannot_be_made(make_scenario: Callable[..., Scenario]) -> None:
    market = [{"site": "Plant", "material": "brick", "price": 30, "min_per_year": 81}]
    with pytest.raises(NoPlan) as caught:
        solve(make_scenario({**WORKS, "Markets": market}))
    assert caught.value.status is Status.INFEASIBLE
    assert caught.value.reason


def test_premium_counts_as_synergy(plan: Callable[..., Solution]) -> None:
    market = [{"site": "Plant", "material": "brick", "price": 30, "premium": 2}]
    solution = plan(WORKS, Markets=market)
    assert solution.objective == pytest.approx((2200 + 160) * M)
    assert solution.totals["income"] == pytest.approx(2400 * M)
    assert solution.totals["synergy"] == pytest.approx(160 * M)
    goals = [{"goal": "synergy", "weight": 0}]
    assert plan(WORKS, Markets=market, Goals=goals).objective == pytest.approx(2200 * M)


def test_disposal_rows_are_all_open_with_capacities_of_their_own(
    worth: Callable[..., float],
) -> None:
    rows = [
        {"site": "Plant", "fee": 10, "capacity_per_year": 12},
        {"site": "Plant", "material": "slag", "fee": 25},
    ]
    assert worth(WORKS, Disposal=rows) == pytest.approx(2400 - 120 - 8 * 25)


def test_a_row_s_capacity_is_shared_by_all_wastes(worth: Callable[..., float]) -> None:
    streams = [
        *WORKS["Streams"],
        {"site": "Plant", "material": "ash", "amount_per_year": 15},
    ]
    rows = [
        {"site": "Plant", "fee": 10, "capacity_per_year": 20},
        {"site": "Plant", "material": "slag", "fee": 25},
        {"site": "Plant", "material": "ash", "fee": 17},
    ]
    # 35 have to go; 20 at 10, all the 20 slag there and the 15 ash at 17.
    assert worth(WORKS, Streams=streams, Disposal=rows) == pytest.approx(2400 - 200 - 15 * 17)


def test_total_capacity_over_the_horizon_with_rows_of_a_period(worth: Callable[..., float]) -> None:
    # 20 a year for 3 years; 45 fit in all. In b the fee of the same key is 6 instead of 10.
    periods = [{"period": "a", "years": 1}, {"period": "b", "years": 2}]
    rows = [
        {"site": "Plant", "fee": 10, "total_capacity": 45},
        {"site": "Plant", "period": "b", "fee": 6},
        {"site": "Plant", "material": "slag", "fee": 100},
    ]
    # 15 over, dearest where the cheap fee saves least: in a, 5 at 10 and 15 at 100; b 40 at 6.
    assert worth(WORKS, Periods=periods, Disposal=rows) == pytest.approx(
        3 * 2400 - 5 * 10 - 15 * 100 - 40 * 6
    )


# -- Emissions -----------------------------------------------------------------------------------

FACTORS = [{"kind": "recipe", "pollutant": "CO2", "factor": 0.5}]


def test_a_hard_limit_a_price_and_a_penalty(worth: Callable[..., float]) -> None:
    def limited(**cells: Any) -> float:
        limit = {"pollutant": "CO2", "scope": "cluster", **cells}
        return worth(WORKS, EmissionFactors=FACTORS, EmissionLimits=[limit])

    # 40 t for 80 bricks; a brick gains 40, a tonne of CO2 80.
    assert limited(limit_per_year=25) == pytest.approx(50 * 30 - 50 * 10)
    assert limited(price=10) == pytest.approx(2200 - 400)
    assert limited(price=100) == pytest.approx(-1000)
    assert limited(limit_per_year=25, penalty=30) == pytest.approx(2200 - 15 * 30)
    assert limited(limit_per_year=25, penalty=90) == pytest.approx(1000)
    assert limited(limit_per_year=25, penalty=30, price=10) == pytest.approx(2200 - 450 - 400)
    assert limited(penalty=30) == pytest.approx(2200)


def test_a_negative_limit_asks_for_emission_to_be_avoided(worth: Callable[..., float]) -> None:
    limits = [{"pollutant": "CO2", "scope": "cluster", "limit_per_year": -20}]
    factors = [
        *FACTORS,
        {"kind": "sale", "key": "brick", "pollutant": "CO2", "factor": -0.8},
    ]
    market = [{"site": "Plant", "material": "brick", "price": -15}]
    # Each brick avoids 0.3 net: 66.7 bricks although each loses 5 against disposal.
    assert worth(
        WORKS, Markets=market, EmissionFactors=factors, EmissionLimits=limits
    ) == pytest.approx(-1000 - 5 * 20 / 0.3)


def test_a_negative_limit_with_nothing_that_emits(
    make_scenario: Callable[..., Scenario], worth: Callable[..., float]
) -> None:
    limit = {"pollutant": "NOx", "scope": "cluster", "limit_per_year": -2}
    with pytest.raises(NoPlan) as caught:
        solve(make_scenario({**WORKS, "EmissionLimits": [limit]}))
    assert caught.value.status is Status.INFEASIBLE
    assert worth(WORKS, EmissionLimits=[{**limit, "penalty": 7}]) == pytest.approx(2200 - 14)


TWO: Sheets = {
    "Scenario": {"auto_links": False},
    "Sites": [
        {"site": "Mine", "member": "A", "region": "North"},
        {"site": "Plant", "member": "B", "region": "South"},
        {"site": "Town", "region": "South"},
    ],
    "Materials": WORKS["Materials"],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 100}],
    "Recipes": WORKS["Recipes"],
    "Units": [{**KILN, "capacity_per_year": 100}],
    "Links": [
        {"from": "Mine", "to": "Plant", "material": "slag", "distance_km": 10},
        {"from": "Plant", "to": "Town", "material": "brick", "distance_km": 5},
    ],
    "Markets": [{"site": "Town", "material": "brick", "price": 30}],
    "Disposal": [{"site": "Mine", "fee": 10}],
    "EmissionFactors": [
        {"kind": "transport", "key": "road", "pollutant": "CO2", "factor": 0.01},
        {"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 0.3},
    ],
}


@pytest.mark.parametrize(
    ("scope", "key", "per_brick"),
    [
        ("cluster", None, 0.1 + 0.3 + 0.05),
        ("member", "A", 0.1),
        ("member", "B", 0.3 + 0.05),
        ("region", "North", 0.1),
        ("region", "South", 0.3 + 0.05),
        ("site", "Mine", 0.1),
        ("site", "Plant", 0.35),
        ("unit", "K", 0.3),
    ],
)
def test_limits_at_every_scope(
    worth: Callable[..., float], scope: str, key: str | None, per_brick: float
) -> None:
    limit = {"pollutant": "CO2", "scope": scope, "key": key, "limit_per_year": 9}
    bricks = min(100.0, 9 / per_brick)
    assert worth(TWO, EmissionLimits=[limit]) == pytest.approx(bricks * 40 - 1000)


def test_rows_of_several_scopes_add_their_prices(worth: Callable[..., float]) -> None:
    limits = [
        {"pollutant": "CO2", "scope": "cluster", "price": 10},
        {"pollutant": "CO2", "scope": "unit", "key": "K", "price": 20},
    ]
    assert worth(TWO, EmissionLimits=limits) == pytest.approx(3000 - 45 * 10 - 30 * 20)


# -- Transport -----------------------------------------------------------------------------------


def test_tariffs_transaction_costs_and_losses(plan: Callable[..., Solution]) -> None:
    settings = {
        "auto_links": False,
        "transaction_cost_inside": 2,
        "transaction_cost_outside": 3,
    }
    links = [
        {**TWO["Links"][0], "loss": 0.1},
        {**TWO["Links"][1], "cost": 4, "loss": 0.2},
    ]
    modes = [{"mode": "road", "cost_per_unit_km": 0.5, "fixed_cost": 1}]
    solution = plan(TWO, Scenario=settings, Links=links, Modes=modes)
    # 100 sent (5 + 1 + 2 each), 90 bricks sent (4 + 3 each), 72 sold.
    assert solution.objective == pytest.approx((72 * 30 - 100 * 8 - 90 * 7) * M)
    assert solution.totals["costs"]["transactions"] == pytest.approx((200 + 270) * M)
    assert solution.flows["received_per_year"].tolist() == pytest.approx([90, 72])


def test_a_row_s_capacity_is_shared_by_modes(worth: Callable[..., float]) -> None:
    modes = [{"mode": "road", "fixed_cost": 3}, {"mode": "rail", "fixed_cost": 1}]
    links = [
        {"from": "Mine", "to": "Plant", "capacity_per_year": 60, "distance_km": 10},
        {**TWO["Links"][0], "mode": "rail", "capacity_per_year": 40},
        {**TWO["Links"][1], "cost": 0},
    ]
    assert worth(TWO, Modes=modes, Links=links) == pytest.approx(
        60 * 30 - 40 * 1 - 20 * 3 - 40 * 10
    )


def test_material_goes_on_through_any_site_it_reaches(worth: Callable[..., float]) -> None:
    # Mine > Town > Plant: the town neither makes nor uses slag, yet passes it on.
    links = [
        {"from": "Mine", "to": "Town", "material": "slag", "cost": 1},
        {"from": "Town", "to": "Plant", "material": "slag", "cost": 1},
        {"from": "Plant", "to": "Town", "material": "brick", "cost": 0},
    ]
    factors: list[Any] = []
    assert worth(TWO, Links=links, EmissionFactors=factors) == pytest.approx(3000 - 200)


def test_a_mode_that_stops_running(worth: Callable[..., float]) -> None:
    periods = [{"period": "a"}, {"period": "b"}]
    modes = [{"mode": "road", "period": "a"}]
    assert worth(TWO, Periods=periods, Modes=modes) == pytest.approx(3000 - 1000)


# -- Synergies and goals -------------------------------------------------------------------------


def test_joint_activity_of_a_unit_and_a_flow(worth: Callable[..., float]) -> None:
    partners = [
        {"synergy": "s", "kind": "unit", "partner": "K", "ratio": 2},
        {"synergy": "s", "kind": "flow", "partner": "Mine>Plant", "ratio": 4},
    ]
    synergies = [{"synergy": "s", "value": 8}]
    sheets = {**TWO, "SynergyPartners": partners}
    assert worth(sheets, Synergies=synergies) == pytest.approx(3000 + 25 * 8)
    synergies[0]["max_per_year"] = 10
    assert worth(sheets, Synergies=synergies) == pytest.approx(3000 + 10 * 8)
    goals = [{"goal": "synergy", "weight": 0.5}]
    assert worth(sheets, Synergies=synergies, Goals=goals) == pytest.approx(3000 + 40)


def test_a_partner_that_is_off_has_no_activity(worth: Callable[..., float]) -> None:
    units = [*TWO["Units"], {**KILN, "unit": "Off", "status": "off"}]
    partners = [
        {"synergy": "s", "kind": "unit", "partner": "K"},
        {"synergy": "s", "kind": "unit", "partner": "Off"},
    ]
    synergies = [{"synergy": "s", "value": 8}]
    assert worth(TWO, Units=units, Synergies=synergies, SynergyPartners=partners) == pytest.approx(
        3000
    )


def test_jobs_are_weighed_per_year_in_service(plan: Callable[..., Solution]) -> None:
    # 5 jobs a year weigh what the kiln loses: 1200 a year of capital against 2200 + 1000.
    unit = {**NEW, "lifetime_years": 1, "jobs": 5, "capex_million": 4000 * M}
    assert plan(WORKS, Units=[unit]).objective == pytest.approx(-1000 * M)
    goals = [{"goal": "jobs", "weight": 200 * M}]
    solution = plan(WORKS, Units=[unit], Goals=goals)
    assert solution.objective == pytest.approx((2200 - 4000 + 5 * 200) * M)
    assert solution.totals["jobs"] == pytest.approx(5)


def test_an_emission_goal_and_no_value(plan: Callable[..., Solution]) -> None:
    goals = [{"goal": "emission:CO2", "weight": -81}]
    assert plan(WORKS, EmissionFactors=FACTORS, Goals=goals).objective == pytest.approx(-1000 * M)
    goals = [{"goal": "value", "weight": 0}, {"goal": "emission:CO2", "weight": 2}]
    solution = plan(WORKS, EmissionFactors=FACTORS, Goals=goals)
    assert solution.objective == pytest.approx(40 * 2 * M)
    assert solution.totals["net_benefit"] == pytest.approx(2200 * M)


# -- Rows of a period ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sheet", "row", "expected"),
    [
        ("Streams", {"site": "Plant", "material": "slag", "amount_per_year": 90}, 2400 - 100),
        ("Markets", {"site": "Plant", "material": "brick", "price": 31}, 2480 - 200),
        ("Disposal", {"site": "Plant", "fee": 12}, 2400 - 240),
        ("RecipeCosts", {"technology": "kiln", "variable_cost": 3}, 2200 - 240),
        ("UnitPeriods", {"unit": "K", "capacity_per_year": 100}, 3000),
        ("UnitPeriods", {"unit": "K", "availability": 0.5}, 1200 - 600),
        ("UnitPeriods", {"unit": "K", "fixed_cost_million_per_year": 77 * M}, 2200 - 77),
        ("EmissionLimits", {"pollutant": "CO2", "scope": "cluster", "price": 1}, 2200 - 40),
    ],
)
def test_a_row_of_a_period_replaces_the_general_one_there(
    worth: Callable[..., float], sheet: str, row: dict[str, Any], expected: float
) -> None:
    periods = [{"period": "a", "years": 2}, {"period": "b", "years": 3}]
    rows = [*WORKS.get(sheet, []), {**row, "period": "b"}]
    sheets = {**WORKS, "Periods": periods, "EmissionFactors": FACTORS, sheet: rows}
    assert worth(sheets) == pytest.approx(2 * 2200 + 3 * expected)


def test_purchases_by_period_and_site(worth: Callable[..., float]) -> None:
    recipes = [
        *WORKS["Recipes"],
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 0.5},
    ]
    purchases = [
        {"material": "lime", "price": 10},
        {"material": "lime", "period": "b", "price": 12, "max_per_year": 30},
        {"site": "Plant", "material": "lime", "period": "c", "price": 2},
    ]
    periods = [{"period": name} for name in "abc"]
    # 40 lime: at 10 in a; 30 of it at 12 in b, so 60 bricks; at 2 in c.
    assert worth(WORKS, Recipes=recipes, Purchases=purchases, Periods=periods) == pytest.approx(
        (2200 - 400) + (60 * 30 - 40 * 10 - 360) + (2200 - 80)
    )


# -- How a run ends ------------------------------------------------------------------------------


def test_unbounded(make_scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(NoPlan) as caught:
        solve(
            make_scenario(
                {**WORKS, "Purchases": [{"site": "Plant", "material": "brick", "price": 1}]}
            )
        )
    assert caught.value.status is Status.UNBOUNDED
    assert caught.value.scenario == "test"


def test_infeasible_with_decisions(make_scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(NoPlan) as caught:
        solve(make_scenario({**WORKS, "Units": [NEW], "Disposal": []}))
    assert caught.value.status is Status.INFEASIBLE


def test_nothing_to_plan_is_a_plan(plan: Callable[..., Solution]) -> None:
    sites, materials = [{"site": "A"}], [{"material": "x", "category": "waste"}]
    solution = plan({"Sites": sites, "Materials": materials})
    assert solution.objective == 0.0
    assert solution.money.empty
    assert solution.totals["use_share"] is None


def test_relax_lets_decisions_be_fractions(make_scenario: Callable[..., Scenario]) -> None:
    units = [{**NEW, "capacity_per_year": 200, "lifetime_years": 1, "capex_million": 5000 * M}]
    scenario = make_scenario({**WORKS, "Units": units})
    assert solve(scenario).objective == pytest.approx(-1000 * M)
    relaxed = solve(scenario, relax=True)
    # Half of it for 100 slag: a slag gains 40 and costs 25.
    assert relaxed.objective == pytest.approx((3000 - 2500) * M)
    assert relaxed.relaxed and not relaxed.decisions_fixed


def test_progress_is_told_and_seconds_are_measured(make_scenario: Callable[..., Scenario]) -> None:
    told: list[str] = []
    solution = solve(make_scenario(WORKS), progress=told.append)
    assert told == ["building the model", "solving", "reading off the plan", "auditing"]
    assert set(solution.seconds) == {"read", "build", "solve", "total"}
    assert 0 < solution.seconds["solve"] < solution.seconds["total"]


def test_a_limit_of_time_without_a_plan(make_scenario: Callable[..., Scenario]) -> None:
    units = [{**NEW, "unit": f"K{n}", "lifetime_years": 1} for n in range(20)]
    with pytest.raises(NoPlan) as caught:
        solve(make_scenario({**WORKS, "Units": units}), time_limit=1e-9)
    assert caught.value.status is Status.STOPPED


def test_the_public_name_solves_whatever_was_imported(
    make_scenario: Callable[..., Scenario],
) -> None:
    # No package may be called as the function is: importing it would hide the function.
    assert cf.solve(make_scenario(WORKS), gap=0.0).objective == pytest.approx(2200 * M)
