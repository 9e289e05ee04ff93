"""What is possible but unused: reduced costs and their parts, chains, what keeps them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import circflow as cf
from circflow.algebra.build import build
from circflow.data.scenario import Scenario
from circflow.solution.lp_of_plan import PARTS
from circflow.solution.reduced_costs import FIGURES, steps
from circflow.solution.solution import Solution
from circflow.solution.supply_and_outlets import filled, ways
from circflow.solver.compiled import compile_model
from circflow.solver.optimum import optimum

Make = Callable[[dict[str, Any]], Scenario]
TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"
CHAIN = ["source_site", "source_material", "rank"]


def mill(**unit: Any) -> dict[str, Any]:
    """100 t of slag that has to go somewhere: disposal at 10, or over 30 of transport (a tenth is
    lost) to a mill (20 for a tonne, half a tonne of water at 4, 0.5 t of CO2 at 2) that makes 0.8 t
    of sand, sold at 40 after another 5 of transport."""
    return {
        "Scenario": {"auto_links": False},
        "Periods": [{"period": "1", "years": 2}],
        "Sites": [
            {"site": "Mine", "member": "A"},
            {"site": "Works", "member": "B"},
            {"site": "Town"},
        ],
        "Materials": [
            {"material": "slag", "category": "waste", "stage": "metallurgy", "unit": "t"},
            {"material": "water", "category": "input", "unit": "t"},
            {"material": "sand", "category": "product", "unit": "t"},
        ],
        "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 100.0}],
        "Purchases": [{"material": "water", "price": 4.0}],
        "Recipes": [
            {"technology": "milling", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "milling", "role": "input", "material": "water", "amount": 0.5},
            {"technology": "milling", "role": "output", "material": "sand", "amount": 0.8},
        ],
        "RecipeCosts": [{"technology": "milling", "variable_cost": 20.0}],
        "Units": [
            {
                "unit": "mill",
                "site": "Works",
                "technology": "milling",
                "capacity_per_year": 1000.0,
                "availability": 0.8,
                **unit,
            }
        ],
        "Links": [
            {"from": "Mine", "to": "Works", "material": "slag", "cost": 30.0, "loss": 0.1},
            {"from": "Works", "to": "Town", "material": "sand", "cost": 5.0},
        ],
        "Markets": [{"site": "Town", "material": "sand", "price": 40.0}],
        "Disposal": [{"site": "Mine", "fee": 10.0}],
        "EmissionFactors": [
            {"kind": "recipe", "key": "milling", "pollutant": "CO2", "factor": 0.5}
        ],
        "EmissionLimits": [{"pollutant": "CO2", "scope": "cluster", "price": 2.0}],
    }


CANDIDATE = {
    "status": "candidate",
    "capex_million": 1.0,
    "lifetime_years": 10,
    "fixed_cost_million_per_year": 0.02,
}


def test_a_chain_lacks_what_it_costs_less_what_it_earns(make_scenario: Make) -> None:
    """30 of transport, 0.9 · (20 + 2 + 1) at the mill, 0.72 · 5 to town, less 0.72 · 40 and the
    fee of 10 that is saved: 15.5."""
    plan = cf.solve(make_scenario(mill()))
    (chain,) = plan.unused.chains.to_dict("records")
    assert chain["steps"] == "Mine: slag > Works > mill > sand > Town > sold"
    assert chain["lacks"] == pytest.approx(30 + 0.9 * 23 + 0.72 * (5 - 40) - 10)
    assert chain["lacks"] == pytest.approx(15.5)
    assert chain["end_per_unit"] == pytest.approx(0.72)
    # The plan has nothing at the works or in town: what is lacking is booked to the mill.
    assert (chain["weakest_step"], chain["state"]) == ("mill", "in service")
    assert chain["weakest_lacks"] == pytest.approx(15.5)
    assert chain["keeps_out"] == "mill lacks"
    parts = plan.unused.steps
    assert parts["lacks"].sum() == pytest.approx(15.5)
    assert parts[list(FIGURES)].sum(axis=1).to_numpy() == pytest.approx(parts["lacks"].to_numpy())
    sums = parts[list(FIGURES)].sum()
    assert sums["transport"] == pytest.approx(33.6)
    assert sums["variable_cost"] == pytest.approx(18.0)
    assert sums["emission_price"] == pytest.approx(0.9)
    assert sums["sale"] == pytest.approx(-28.8)
    worth = sums["inputs"] + sums["outputs"] + sums["supply"]
    assert worth == pytest.approx(-10 + 1.8)  # slag, water
    assert parts["amount_per_unit"].to_list() == pytest.approx([1.0, 0.9, 0.72, 0.72])


@pytest.mark.parametrize("charge", ["annuity", "upfront"])
def test_a_plant_that_is_not_built_lacks_its_capital(make_scenario: Make, charge: str) -> None:
    """By annuity 0.1 + 0.02 million a year for 800 t: 150 a tonne. Upfront the whole million stands
    against two years: 1.04 million for 1600 t, 650 a tonne."""
    sheets = mill(**CANDIDATE)
    sheets["Scenario"] |= {"capital_charge": charge}
    plan = cf.solve(make_scenario(sheets))
    (chain,) = plan.unused.chains.to_dict("records")
    capital = {"annuity": 150.0, "upfront": 650.0}[charge]
    assert chain["lacks"] == pytest.approx(15.5 + 0.9 * capital)
    assert chain["state"] == "not built"
    (run,) = plan.unused.conversions.to_dict("records")
    assert run["capital"] == pytest.approx(capital)
    assert run["lacks"] == pytest.approx((15.5 + 0.9 * capital) / 0.9)


def test_plants_that_begin_at_no_size_at_all(make_scenario: Make) -> None:
    sized = {"capacity_per_year": 0.0, "capacity_max_per_year": 1000.0, "capex_max_million": 100.0}
    plan = cf.solve(make_scenario(mill(**CANDIDATE | {"capex_million": 0.0} | sized)))
    (chain,) = plan.unused.chains.to_dict("records")
    assert chain["keeps_out"] == "mill lacks"


def test_a_plant_for_which_the_budget_is_too_small(make_scenario: Make) -> None:
    """A mill of any size up to 200 t takes all of the budget: 1,600 t in two years for a million.
    Another one would take 20,000 of that budget, and 4,000 of capital, for 16 t; goals aside."""
    sheets = mill(**CANDIDATE, capacity_max_per_year=200.0)
    sheets["Goals"] = [{"goal": "value", "weight": 2.0}]
    sheets["Budget"] = [{"period": "1", "budget_million": 0.05}]
    sheets["Markets"][0]["price"] = 400.0
    costs = {"fixed_cost_million_per_year": 0.0, "capex_million": 0.01, "capacity_per_year": 10.0}
    small = sheets["Units"][0] | costs
    sheets["Units"] = [small | {"capex_max_million": 0.2}]
    sheets["Units"].append(small | {"unit": "other", "capacity_max_per_year": None})
    sheets["Units"][1]["capex_million"] = 0.02
    plan = cf.solve(make_scenario(sheets))
    assert plan.built["unit"].to_list() == ["mill"]
    parts = plan.unused.conversions.set_index("unit").loc["other"]
    earned = 0.8 * (400 - 5) - 23 - (30 - 10) / 0.9  # by a tonne milled, capital aside
    scarce = 1600 * earned - 0.2e6  # for a million of the budget
    assert parts["capital"] == pytest.approx(4000 / 16)
    assert parts["budget"] == pytest.approx(scarce * 0.02 / 16)


def test_blends_of_a_mix_count(make_scenario: Make) -> None:
    """Half of the mix may be slag, which is free; the rest is clay at 7. So what fills the group is
    worth 3.5, and what is not slag 3.5 more. Ash, brought for 12, replaces clay worth 7: it lacks
    5. A tonne of capacity is worth 40 − 20 − 3.5."""
    group = {"technology": "milling", "role": "input", "amount": 1.0, "group": "mix"}
    sheets = mill(capacity_per_year=125.0)
    sheets |= {
        "Sites": [{"site": "Works", "member": "B"}, {"site": "Hill", "member": "C"}],
        "Materials": [{"material": k, "category": "waste", "unit": "t"} for k in ("slag", "ash")]
        + [
            {"material": "clay", "category": "input", "unit": "t"},
            {"material": "sand", "category": "product", "unit": "t"},
        ],
        "Streams": [
            {"site": s, "material": k, "amount_per_year": 300.0, "must_handle": False}
            for s, k in (("Works", "slag"), ("Hill", "ash"))
        ],
        "Purchases": [{"material": "clay", "price": 7.0}],
        "Recipes": [
            *({**group, "material": k} for k in ("slag", "clay", "ash")),
            {"technology": "milling", "role": "output", "material": "sand", "amount": 1.0},
        ],
        "BlendLimits": [{"technology": "milling", "group": "mix", "material": "slag", "max": 0.5}],
        "Links": [{"from": "Hill", "to": "Works", "material": "ash", "cost": 12.0}],
        "Markets": [{"site": "Works", "material": "sand", "price": 40.0}],
        "Disposal": [],
        "EmissionFactors": [],
        "EmissionLimits": [],
    }
    plan = cf.solve(make_scenario(sheets))
    (chain,) = plan.unused.chains.to_dict("records")
    assert chain["steps"] == "Hill: ash > Works > mill > sand > sold"
    assert chain["lacks"] == pytest.approx(5.0)
    sums = plan.unused.steps[list(FIGURES)].sum()
    expected = {"transport": 12.0, "blends": -3.5, "capacity": 16.5, "sale": -40.0}
    assert {name: sums[name] for name in expected} == pytest.approx(expected)


def test_what_is_chosen_instead(make_scenario: Make) -> None:
    """At a price of 400 a mill pays; one of two is built, the nearer one."""
    sheets = mill(**CANDIDATE, choice="one mill")
    sheets["Sites"].append({"site": "Far", "member": "C"})
    sheets["Units"].append({**sheets["Units"][0], "unit": "far mill", "site": "Far"})
    sheets["Links"] += [
        {"from": "Mine", "to": "Far", "material": "slag", "cost": 50.0, "loss": 0.1},
        {"from": "Far", "to": "Town", "material": "sand", "cost": 5.0},
    ]
    sheets["Markets"][0]["price"] = 4000.0
    plan = cf.solve(make_scenario(sheets))
    assert plan.built["unit"].to_list() == ["mill"]
    (chain,) = plan.unused.chains.to_dict("records")
    assert chain["units"] == "far mill"
    # Slag is worth what the near mill makes of it: the far one lacks 20 more of transport, and
    # its capital of 150 at full load (that of the near one is spent).
    assert chain["lacks"] == pytest.approx(20.0 + 0.9 * 150.0)
    cheap = cf.solve(plan.scenario.change({"Links.cost[from=Mine, to=Far]": "0"}))
    assert cheap.built["unit"].to_list() == ["far mill"]
    rival = cheap.unused.chains.iloc[0]
    assert rival["units"] == "mill"
    assert rival["lacks"] == pytest.approx(30.0 + 0.9 * 150.0)


def test_a_waste_without_a_use_is_told(make_scenario: Make) -> None:
    sheets = mill(status="off")
    plan = cf.solve(make_scenario(sheets))
    (row,) = plan.unused.chains.to_dict("records")
    assert row["source_material"] == "slag"
    assert "no unit" in row["keeps_out"]
    assert plan.unused.conversions.empty


def against_the_solver(plan: Solution, *, relax: bool = False) -> None:
    """The parts of every step add up to the reduced cost that the solver gives."""
    found = steps(plan)
    assert found is not None
    outcome = optimum(compile_model(build(plan.scenario, relax=relax)).program).outcome
    assert outcome.reduced_cost is not None
    known = found.optimality
    for kind in (found.runs, found.intakes, found.flows, found.sales):
        weight = known.scenario.weights_of(kind.labels["period"]) * known.value_weight
        expected = outcome.reduced_cost[kind.columns] * 1e6 / weight
        told = kind.figures[:, : len(PARTS)].sum(axis=1)
        scale = max(1.0, float(np.abs(kind.figures).max(initial=0.0)))
        assert np.abs(told - expected).max(initial=0.0) <= 1e-6 * scale
    _, lacks = filled(ways(found))
    assert np.abs(lacks[known.x[found.runs.columns] > 0.0]).max(initial=0.0) <= 1e-6


@pytest.mark.parametrize("change", [{}, {"Markets.price": "*0.1"}, {"Markets.price": "*3"}])
def test_parts_add_up_to_the_solvers_reduced_cost(change: dict[str, Any]) -> None:
    plan = cf.solve(cf.read(TUTORIAL).change(change))
    against_the_solver(plan)
    found = plan.unused
    assert found.steps[list(FIGURES)].sum(axis=1).to_numpy() == pytest.approx(
        found.steps["lacks"].to_numpy(), abs=1e-6
    )
    whole = found.steps.groupby(CHAIN)["lacks"].sum()
    ranked = found.chains.dropna(subset="rank").set_index(CHAIN)["lacks"]
    assert whole.to_numpy() == pytest.approx(ranked.reindex(whole.index).to_numpy(), abs=1e-6)


def test_a_plan_of_a_region_in_parts(one_cluster_plan: Solution) -> None:
    """Synergies, limits of emissions, stocks, several periods, goals."""
    against_the_solver(one_cluster_plan)


def test_worse_prices_leave_chains_out() -> None:
    scenario = cf.read(TUTORIAL)
    assert cf.solve(scenario).unused.conversions.empty  # every unit of the plan runs
    poor = cf.solve(scenario.change({"Markets.price": "*0.1"})).unused
    assert len(poor.conversions)
    assert (poor.conversions["lacks"].diff().dropna() >= 0.0).all()
    by_waste = poor.chains.dropna(subset="rank").groupby("source_material")["lacks"]
    assert all((lacks.diff().dropna() >= 0.0).all() for _, lacks in by_waste)
