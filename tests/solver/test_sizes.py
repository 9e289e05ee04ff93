"""Figures of any size: what a plan is worth when tonnes, money or limits are far apart.

The expected worths follow by hand from the tutorial (docs/tutorial.md), whose optimum is 40.78125
million: a limit out of reach is none, a prohibitive cost is not paid, a kilogram is no more than
a kilogram of worth away from nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import circflow as cf
from circflow.algebra.build import build
from circflow.data.scenario import Scenario
from circflow.fuzz.judge import typed
from circflow.fuzz.regions import region
from circflow.solver.compiled import compile_model
from circflow.solver.optimum import optimum
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import Values
from circflow.studies.units.candidates import Bench

ROOT = Path(__file__).parents[2]
BRICKS = "Units.capacity_per_year[unit=Brick plant]"
LIME = "Recipes.amount[technology=brick making, role=input, material=lime]"
ASH = "Streams.amount_per_year[site=Power station, material=fly ash]"
SLAG = "Streams.amount_per_year[site=Steel works, material=slag]"
WITHOUT_BRICKS = 24.28125
UNLIMITED_BRICKS = 55.1860119047619


@pytest.fixture(scope="module")
def tutorial() -> Scenario:
    return cf.read(ROOT / "scenarios" / "tutorial.xlsx")


@pytest.fixture(scope="module")
def kuzbass() -> Scenario:
    return cf.read(ROOT / "scenarios" / "kuzbass.xlsx")


@pytest.fixture(scope="module")
def worth(tutorial: Scenario) -> Callable[..., float]:
    """The audited worth of the tutorial with other figures."""

    def solved(changes: dict[str, float | str]) -> float:
        solution = cf.solve(tutorial.change(changes))
        assert solution.status == "optimal"
        assert solution.audit.passed
        assert solution.audit.confirmed_gap <= 1e-6
        return solution.objective

    return solved


@pytest.mark.parametrize("capacity", [1e6, 3e10, 1e11, 1e15])
def test_a_capacity_beyond_reach_is_no_limit(worth: Callable[..., float], capacity: float) -> None:
    assert worth({BRICKS: capacity}) == pytest.approx(UNLIMITED_BRICKS, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Units.capacity_per_year[unit=Mill]": 1e15}, 40.78125),
        ({"EmissionLimits.limit_per_year": 1e15}, 40.78125),
        ({"Units.capacity_per_year": 1e15}, UNLIMITED_BRICKS),
        # what costs a fortune is not built, not run
        ({"Units.capex_million": 1e15}, WITHOUT_BRICKS),
        ({LIME: 1e15}, WITHOUT_BRICKS),
    ],
    ids=["mill", "emissions", "all capacities", "capex", "lime"],
)
def test_a_figure_of_any_size_keeps_the_plan(
    worth: Callable[..., float], changes: dict[str, float | str], expected: float
) -> None:
    assert worth(changes) == pytest.approx(expected, rel=1e-12)


def test_a_factor_that_rules_a_process_out_is_as_good_as_any_larger_one(
    worth: Callable[..., float],
) -> None:
    factor = "EmissionFactors.factor[kind=recipe, pollutant=CO2]"
    assert worth({factor: 1e15}) == pytest.approx(worth({factor: 10.0}), rel=1e-9)
    far = "Links.distance_km"
    assert worth({far: 1e12}) == pytest.approx(worth({far: 1e6}), rel=1e-9)


@pytest.mark.parametrize("change", ["1e-3", "1e-6", "1e-9", "*1e-9"])
def test_kilograms_are_planned_like_tonnes(worth: Callable[..., float], change: str) -> None:
    # Next to nothing arises, so that the fixed cost of the mill is all there is.
    assert worth({"Streams.amount_per_year": change}) == pytest.approx(-8.0, abs=1e-6)


@pytest.mark.parametrize("amount", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize(("stream", "without"), [(ASH, 31.125), (SLAG, -11.5)])
def test_a_gram_beside_a_hundred_thousand_tonnes(
    worth: Callable[..., float], stream: str, without: float, amount: float
) -> None:
    # What a tonne is worth bounds what so little can be.
    assert worth({stream: amount}) == pytest.approx(without, abs=1e-2 * amount + 1e-9)


def test_a_recipe_of_much_in_and_little_out(worth: Callable[..., float]) -> None:
    plant = "Recipes.amount[technology=brick making, role=input, material=fly ash]"
    made = "Recipes.amount[technology=brick making, role=output, material=bricks]"
    # The plant makes next to no bricks, but swallows all ash whose disposal costs more than it.
    assert worth({plant: 1e9, made: 1e-6}) == pytest.approx(30.78125, abs=1e-6)


@pytest.mark.parametrize(
    ("address", "value", "cell"),
    [
        ("Units.capex_million", 1e18, "Units!"),
        ("Units.capacity_per_year[unit=Mill]", 1e100, "Units!"),
        ("Units.capacity_per_year", 1e25, "Units!"),
        ("EmissionLimits.limit_per_year", 1e40, "EmissionLimits"),
        ("Markets.price", 1e307, "Markets!"),
        ("Markets.price", 1e308, "Markets!"),
        ("Markets.price", 1e50, "Markets!"),
        ("Markets.price", 1e-300, "Markets!"),
        ("Streams.amount_per_year", "*1e-20", "Streams!"),
    ],
)
def test_what_no_region_has_is_refused_at_its_cell(
    tutorial: Scenario, address: str, value: float | str, cell: str
) -> None:
    with pytest.raises(cf.ScenarioError) as refused:
        tutorial.change({address: value})
    (problem,) = refused.value.problems
    assert str(problem.cell).startswith(cell)
    assert "of a size between 1e-09 and 1e+15" in problem.message


def test_a_sweep_over_sizes_goes_on(tutorial: Scenario) -> None:
    values = [50_000.0, 1e11, 1e25, 1e-9, 1e15]
    for decisions in ("free", "relaxed"):
        runs = cf.sweep(tutorial, {BRICKS: values}, how="set", decisions=decisions).table
        assert runs["status"].tolist() == ["optimal", "optimal", "invalid", "optimal", "optimal"]
        assert "of a size between" in runs["reason"][2]
        if decisions == "free":
            worths = runs["objective_million"].tolist()
            assert worths[0] == pytest.approx(40.78125)
            assert worths[1] == worths[4] == pytest.approx(UNLIMITED_BRICKS)
            assert worths[3] == pytest.approx(WITHOUT_BRICKS, abs=1e-6)


def test_kuzbass_of_any_size(kuzbass: Scenario) -> None:
    def solved(changes: dict[str, float | str]) -> float:
        solution = cf.solve(kuzbass.change(changes))
        assert solution.audit.passed and solution.audit.confirmed_gap <= 1e-6
        return solution.objective

    idle = {"Streams.amount_per_year": "*0", "Markets.min_per_year": 0.0}
    nothing = solved(idle)
    # A millionth of all streams is worth a millionth of what they are worth.
    little = solved({**idle, "Streams.amount_per_year": "*1e-6"})
    assert nothing <= little <= nothing + 1.0
    unlimited = solved({"Markets.max_per_year": 1e12})
    assert unlimited > solved({"Stockpiles.opening": 1e-6})
    assert solved({"Markets.max_per_year": 1e15}) == pytest.approx(unlimited, rel=1e-9)
    tiny = "Streams.amount_per_year[site=Bachatsky pit, material=sandstone overburden]"
    assert solved({tiny: 1e-4}) == pytest.approx(solved({tiny: 0.0}), rel=1e-9)
    with pytest.raises(cf.ScenarioError, match="penalty"):
        kuzbass.change({"EmissionLimits.penalty": 1e20})


def test_a_study_believes_no_more_than_a_solve(tutorial: Scenario) -> None:
    """1e11 for "unlimited" turned the plant off, in the studies longer than in `circflow solve`."""
    unlimited = tutorial.change({BRICKS: 1e11})
    plan = Bench(unlimited).solve()
    assert plan is not None
    assert plan.value == pytest.approx(UNLIMITED_BRICKS, rel=1e-9)
    held = Bench(unlimited).hold(plan.x)
    assert held is not None
    assert held.value == pytest.approx(UNLIMITED_BRICKS, rel=1e-9)
    cluster = Cluster(unlimited)
    everyone = frozenset(range(len(cluster.members)))
    assert Values(cluster.switches)(everyone) == pytest.approx(UNLIMITED_BRICKS, rel=1e-9)


def test_what_is_cheap_beside_what_is_dear_is_not_lost() -> None:
    """Journeys at 1e9 a tonne where 1e-17 t move, and at 1e-14: the optimum of 59.60117 million
    lost is that of an exact rational simplex method; no way to solve could prove it."""
    scenario = typed(region(Random("1/0")))
    program = compile_model(build(scenario)).program
    assert optimum(program).outcome.objective == pytest.approx(59.601171116657845, rel=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("yields", "worth_million"), [(1e15, 1e24), (1e-9, 0.0)])
def test_forty_plants_in_a_row(
    make_scenario: Callable[[dict[str, Any]], Scenario], yields: float, worth_million: float
) -> None:
    """Each makes 1e15 t, or a milligram, of a tonne: at the last plant's capacity of 1e15 t what
    the first takes is less than the smallest number, or what the last makes of 100 t is."""
    plants = range(40)
    recipes = [
        {"technology": f"step {n}", "role": role, "material": f"m{n + k}", "amount": amount}
        for n in plants
        for k, (role, amount) in enumerate([("input", 1.0), ("output", yields)])
    ]
    sheets: dict[str, Any] = {
        "Sites": [{"site": "works"}],
        "Materials": [{"material": f"m{n}", "category": "product"} for n in range(41)],
        "Streams": [{"site": "works", "material": "m0", "amount_per_year": 100.0}],
        "Recipes": recipes,
        "Units": [
            {
                "unit": f"plant {n}",
                "site": "works",
                "technology": f"step {n}",
                "capacity_per_year": 1e15,
            }
            for n in plants
        ],
        "Disposal": [{"site": "works", "material": "m0", "fee": 0.0}],
        "Markets": [{"site": "works", "material": "m40", "price": 1.0}],
    }
    solution = cf.solve(make_scenario(sheets))
    assert solution.audit.passed
    assert solution.objective == pytest.approx(worth_million, rel=1e-9, abs=1e-200)


ORE_AND_BRICK = {
    "Sites": [{"site": "Mine"}, {"site": "Works"}, {"site": "Town"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
}


def mill(**figures: Any) -> dict[str, Any]:
    return {"unit": "Mill", "site": "Town", "technology": "mill", **figures}


def beside_dear_freight() -> dict[str, Any]:
    """0.3 t a year must be carried at 4e11 a tonne (by road, 6,560 km, at more) and cost 1 a tonne
    at the end; a plant of 1 million over 20 years sells bricks of 0.6 million a year."""
    return ORE_AND_BRICK | {
        "Sites": [
            {"site": "Mine", "latitude": 1.0, "longitude": 1.0},
            {"site": "Works", "latitude": 60.0, "longitude": 1.0},
            {"site": "Town", "latitude": 60.0, "longitude": 60.0},
            {"site": "Plant", "latitude": 60.0, "longitude": 60.0},
        ],
        "Periods": [{"period": "1"}, {"period": "2"}],
        "Modes": [{"mode": "road", "cost_per_unit_km": 1e9}, {"mode": "rail", "fixed_cost": 4e11}],
        "Streams": [
            {"site": "Mine", "material": "slag", "amount_per_year": 0.3},
            {"site": "Plant", "material": "slag", "amount_per_year": 2e5, "must_handle": False},
        ],
        "Disposal": [{"site": "Works", "fee": 1.0, "capacity_per_year": 1e15}],
        "Recipes": [{"technology": "mill", "role": "output", "material": "brick", "amount": 1}],
        "Units": [
            mill(capacity_per_year=1.0, status="candidate", capex_million=1.0, lifetime_years=20),
            mill(capacity_per_year=1e-6) | {"unit": "Small mill", "site": "Plant"},
        ],
        "Markets": [{"site": "Town", "material": "brick", "price": 6e5}],
    }


def beside_freight_that_nobody_pays() -> dict[str, Any]:
    """A brick of 1 t is sold for 1,000; no slag needs to be carried at 1e15 a tonne."""
    place = {"latitude": 1.0, "longitude": 1.0}
    return ORE_AND_BRICK | {
        "Sites": [{"site": name, **place} for name in ("Mine", "Works", "Town")],
        "Modes": [{"mode": "road"}, {"mode": "rail", "fixed_cost": 1e15}],
        "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 1.0}],
        "Recipes": [
            {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
            {"technology": "mill", "role": "output", "material": "brick", "amount": 1},
        ],
        "Units": [
            {"unit": "Kiln", "site": "Works", "technology": "kiln", "capacity_per_year": 1.0},
            mill(capacity_per_year=1.0, min_load=1.0, can_idle=True) | {"site": "Works"},
        ],
        "Markets": [{"site": "Town", "material": "brick", "price": 1e3}],
    }


def beside_a_plant_at_a_fortune() -> dict[str, Any]:
    """0.8 t a year are sold at 1e6 by a plant of 0.8 million over 10 years; another one, of a size
    to be chosen, costs 1e12 million."""
    return ORE_AND_BRICK | {
        "Periods": [{"period": "1"}, {"period": "2"}],
        "Streams": [
            {"site": "Town", "material": "slag", "amount_per_year": 1.0, "must_handle": False}
        ],
        "Recipes": [
            {"technology": "mill", "role": role, "material": material, "amount": 1}
            for role, material in (("input", "slag"), ("output", "brick"))
        ],
        "Units": [
            mill(
                capacity_per_year=0.9, capacity_max_per_year=1.0, status="candidate",
                capex_million=1e12, capex_max_million=2e12, lifetime_years=10,
            ),
            mill(
                capacity_per_year=0.8, status="candidate", capex_million=0.8, lifetime_years=10,
                min_load=0.5, can_idle=True,
            ) | {"unit": "Small mill"},
        ],
        "Markets": [{"site": "Town", "material": "brick", "price": 1e6}],
    }  # fmt: skip


def beside_emissions_that_nobody_makes() -> dict[str, Any]:
    """8,000 t a year are sold at 1 by a mill without emissions; a kiln would pay 1e15 a tonne."""
    return ORE_AND_BRICK | {
        "Streams": [
            {"site": "Town", "material": "slag", "amount_per_year": 1e4, "must_handle": False}
        ],
        "Recipes": [
            {"technology": technology, "role": role, "material": material, "amount": 1}
            for technology in ("mill", "kiln")
            for role, material in (("input", "slag"), ("output", "brick"))
        ],
        "EmissionFactors": [{"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 1.0}],
        "EmissionLimits": [{"pollutant": "CO2", "scope": "cluster", "price": 1e15}],
        "Units": [
            {"unit": "Kiln", "site": "Town", "technology": "kiln", "capacity_per_year": 1e4},
            mill(capacity_per_year=8e3, min_load=0.5, can_idle=True),
        ],
        "Markets": [{"site": "Town", "material": "brick", "price": 1.0}],
    }


@pytest.mark.parametrize(
    ("sheets", "worth_million"),
    [
        (beside_dear_freight(), 2 * (-0.3 * 4e5 - 0.3e-6 + 0.6 - 1.0 / 20)),
        (beside_freight_that_nobody_pays(), 1e-3),
        (beside_a_plant_at_a_fortune(), 2 * (0.8 - 0.8 / 10)),
        (beside_emissions_that_nobody_makes(), 8e-3),
    ],
    ids=["freight", "freight that nobody pays", "capex", "emissions"],
)
def test_a_plant_that_earns_little_beside_what_is_dear(
    make_scenario: Callable[[dict[str, Any]], Scenario],
    sheets: dict[str, Any],
    worth_million: float,
) -> None:
    """A search took what it earns for nothing: the dual tolerance of its LPs was more than the
    price, its tolerance of the objective more than the gap."""
    solution = cf.solve(make_scenario(sheets))
    assert solution.audit.passed
    assert solution.objective == pytest.approx(worth_million, rel=1e-9)
