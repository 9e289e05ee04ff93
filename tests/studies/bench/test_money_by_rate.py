"""The discount rate in studies: arrays at any rate without a compilation of their own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.studies.bench import money_by_rate as discounting
from circflow.studies.bench.arrays import Snapshot, built, difference
from circflow.studies.bench.money_by_rate import Kinds, Rating, kinds_of
from circflow.studies.sweeps.affine import TOLERANCE, Affine, fit
from circflow.studies.sweeps.design import Design, changed, edits_of, grid

Make = Callable[[dict[str, Any]], Scenario]
EqualCold = Callable[..., None]

RATE = "Scenario.discount_rate"
FIGURES = [RATE, "Markets.price", "Units.capex_million", "Goals.weight[goal=synergy]"]
"""The last three each multiply what the rate discounts; two meet in no product but with it."""


def rich(sheets: dict[str, Any], charge: str) -> dict[str, Any]:
    """Annuities over two lifetimes, one after construction, a size to choose, fixed costs, synergy,
    every kind of goal."""
    sheets["Scenario"] |= {"capital_charge": charge}
    old, new = sheets["Units"]
    old["fixed_cost_million_per_year"] = 0.0002
    sized = {
        "unit": "Sized",
        "capacity_per_year": 10,
        "capacity_max_per_year": 25,
        "capex_million": 0.003,
        "capex_max_million": 0.005,
        "fixed_cost_million_per_year": 0.0001,
        "fixed_cost_max_million_per_year": 0.0002,
        "lifetime_years": 4,
        "construction_years": 1,
        "ramp_up": "0.6",
    }
    sheets["Units"] = [old, new, new | sized]
    sheets["Synergies"] = [{"synergy": "near", "value": 7}]
    sheets["SynergyPartners"] = [{"synergy": "near", "kind": "unit", "partner": "New"}]
    sheets["Goals"] = [
        {"goal": "value", "weight": 1.5},
        {"goal": "synergy", "weight": 0.5},
        {"goal": "jobs", "weight": 1e-6},
        {"goal": "emission:CO2", "weight": -4},
    ]
    return sheets


@pytest.fixture(scope="module", params=["annuity", "upfront"])
def scenario(
    request: pytest.FixtureRequest, make_scenario: Make, small_sheets: dict[str, Any]
) -> Scenario:
    return make_scenario(rich(deepcopy(small_sheets), request.param))


def test_what_each_kind_of_money_counts() -> None:
    kinds = Kinds(("a", "b"), (2, 3), ((2.0, 0.0), (2.0, 3.0)))
    v = 1 / 1.1
    a, b, charge, late = 1 + v, v**2 * (1 + v + v**2), 1 / (1 + v), 1.1**3 / (1 + v)
    discounted = [a, 1, a * charge, a * late, b, v**2, b * charge, b * late]
    paid = [2, 1, 2 * charge, 2 * late, 3, 1, 3 * charge, 3 * late]
    assert kinds.weights(0.1) == pytest.approx([*discounted, *paid], rel=1e-14)
    period, annuity_of = np.array([0, 1, 1, 1]), np.array([-1, -1, 0, 1])
    code = kinds.code(period, np.array([False, True, False, False]), annuity_of)
    assert kinds.weights(0.1)[code] == pytest.approx([a, v**2, b * charge, b * late])


@pytest.fixture(scope="module")
def fitted(scenario: Scenario) -> tuple[Affine, Snapshot, Design]:
    design = grid(scenario, {a: [0.5, 1.0, 1.7] for a in FIGURES})
    base = built(scenario, "relaxed", rated=True).snapshot

    def compile_points(points: Any) -> list[Any]:
        own = [changed(scenario, edits_of(design.parameters, p)) for p in points]
        return [difference(built(one, "relaxed", rated=True).snapshot, base) for one in own]

    rating = Rating(0, scenario.settings.discount_rate, "factor", kinds_of(scenario))
    found = fit(base, design.parameters, design.points, compile_points, rating)
    assert not found.rebuilt
    assert not found.affine.pairs
    return found.affine, base, design


RATES = st.floats(-3.0, 5.0).filter(lambda rate: abs(rate) > 1e-6 or rate == 0.0)
"""Factors of a rate; what is next to nothing is no figure (see `SMALLEST`)."""


@settings(max_examples=5)
@given(st.tuples(RATES, *(st.floats(0.3, 2.0) for _ in FIGURES[1:])))
def test_arrays_at_any_rate_are_compiled_arrays(
    scenario: Scenario, fitted: tuple[Affine, Snapshot, Design], point: tuple[float, ...]
) -> None:
    affine, base, design = fitted
    own = changed(scenario, edits_of(design.parameters, point))
    compiled = difference(built(own, "relaxed").snapshot, base)
    assert affine.error(point, compiled) <= TOLERANCE


def test_a_sweep_over_rates_compiles_once(scenario: Scenario) -> None:
    rates = [-0.2, 0.0, 0.1, 0.6]
    runs = cf.sweep(scenario, {RATE: rates}, how="set", decisions="relaxed", check_every=9)
    assert set(runs.table["how"]) == {"updated"}
    assert runs.notes == ("2 compilations of the model", "1 runs checked against cold builds")
    for n, rate in enumerate(rates):
        plan = cf.solve(scenario.change({RATE: rate}), relax=True)
        totals, row = plan.totals, runs.table.iloc[n]
        assert row["objective_million"] == pytest.approx(plan.objective, rel=1e-9)
        assert row["cost_capital_million"] == pytest.approx(totals["costs"]["capital"], rel=1e-9)
        assert row["net_benefit_million"] == pytest.approx(totals["net_benefit"], rel=1e-9)
    assert runs.table["cost_capital_million"].max() > 0.0


def test_rates_with_yes_no_decisions_and_other_figures(
    scenario: Scenario, equal_cold: EqualCold
) -> None:
    how = "add" if scenario.settings.capital_charge == "annuity" else "factor"
    rates = [-0.05, 0.0, 0.1] if how == "add" else [0.5, 1.0, 2.0]
    vary = {RATE: rates, "Markets.price": [0.6, 0.9, 1.2, 1.5]}
    runs = cf.sweep(scenario, vary, how={RATE: how, "Markets.price": "factor"}, check_every=None)
    assert set(runs.table["how"]) == {"updated"}
    equal_cold(scenario, runs)


def test_a_lifetime_that_varies_with_the_rate_is_rebuilt(
    scenario: Scenario, equal_cold: EqualCold
) -> None:
    rates = [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3]
    vary = {RATE: rates, "Units.lifetime_years[unit=New]": [3, 10]}
    runs = cf.sweep(scenario, vary, how="set", decisions="relaxed", check_every=None)
    assert set(runs.table["how"]) == {"updated"}
    assert any("lifetime_years" in note for note in runs.notes)
    assert not any(RATE in note for note in runs.notes)
    equal_cold(scenario, runs, relax=True)


def test_a_rate_that_does_more_than_is_known_is_rebuilt(
    make_scenario: Make,
    small_sheets: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    equal_cold: EqualCold,
) -> None:
    scenario = make_scenario(rich(deepcopy(small_sheets), "annuity"))
    monkeypatch.setattr(discounting, "annuity", lambda years, rate, built: 1.0 / years)
    runs = cf.sweep(scenario, {RATE: [0.0, 0.05, 0.1, 0.2]}, how="set", check_every=None)
    assert set(runs.table["how"]) == {"rebuilt"}
    equal_cold(scenario, runs)
