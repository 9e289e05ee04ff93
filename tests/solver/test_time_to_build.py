"""Optima of candidates that take years to build and to ramp up, computed by hand and audited."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from circflow.data.scenario import Scenario
from circflow.solution.audit import audit
from circflow.solution.solution import Solution
from circflow.solver.run import solve

Sheets = dict[str, Any]
Make = Callable[[Sheets], Scenario]
M = 1e-6
"""A currency unit in million."""

# 100 slag a year are dumped at 10, or made into bricks at 30 by a kiln of 80: −1000 a year without
# it, 2200 with all of it, 40 for each tonne of its capacity.
KILN: dict[str, Any] = {
    "unit": "K",
    "site": "Plant",
    "technology": "kiln",
    "capacity_per_year": 80,
    "status": "candidate",
    "capex_million": 1200 * M,
    "latest_period": "a",
}
WORKS: Sheets = {
    "Sites": [{"site": "Plant", "member": "A"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Plant", "material": "slag", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "Markets": [{"site": "Plant", "material": "brick", "price": 30}],
    "Disposal": [{"site": "Plant", "fee": 10}],
}


def sheets(years: list[int], settings: dict[str, Any] | None = None, **cells: Any) -> Sheets:
    periods = [{"period": p, "years": n} for p, n in zip("abc", years, strict=False)]
    units = [{**KILN, **cells}]
    return {**WORKS, "Scenario": settings or {}, "Periods": periods, "Units": units}


@pytest.fixture
def plan(make_scenario: Make) -> Callable[[Sheets], Solution]:
    def made(given: Sheets) -> Solution:
        solution = solve(make_scenario(given), gap=0.0)
        assert solution.audit.passed, solution.audit.findings.to_string()
        return solution

    return made


UPFRONT = {"capital_charge": "upfront"}


@pytest.mark.parametrize(
    ("cells", "settings", "worth"),
    [
        ({"construction_years": 0, "lifetime_years": 10}, {}, 3 * (2200 - 120)),
        ({"construction_years": 1, "lifetime_years": 10}, {}, -1000 + 2 * (2200 - 120)),
        ({"construction_years": 2, "lifetime_years": 10}, {}, -2000 + 2200 - 120),
        ({"construction_years": 3, "lifetime_years": 10}, {}, -3000),
        ({"construction_years": 1}, UPFRONT, -1000 + 2 * 2200 - 1200),
        # Half the capacity in its first year: 40 t.
        ({"construction_years": 1, "ramp_up": "0.5", "lifetime_years": 10}, {},
         -1000 + (-1000 + 40 * 40 - 120) + (2200 - 120)),
        # A quarter, then half: a ramp-up that spans periods.
        ({"ramp_up": "0.25; 0.5", "lifetime_years": 10}, {},
         (-1000 + 20 * 40) + (-1000 + 40 * 40) + 2200 - 3 * 120),
        # Two instalments of a life of two years are worth the capex when it is decided.
        ({"construction_years": 1, "lifetime_years": 2}, {"discount_rate": 0.25},
         -1000 + 2200 * (0.8 + 0.64) - 1200),
        ({"construction_years": 1, "lifetime_years": 2}, {"discount_rate": 0.25, **UPFRONT},
         -1000 + 2200 * (0.8 + 0.64) - 1200),
    ],
)  # fmt: skip
def test_periods_of_a_year(
    plan: Callable[[Sheets], Solution],
    cells: dict[str, Any],
    settings: dict[str, Any],
    worth: float,
) -> None:
    solution = plan(sheets([1, 1, 1], settings, **cells))
    assert solution.objective == pytest.approx(worth * M)
    assert len(solution.built) == (worth > -3000)


@pytest.mark.parametrize("rate", [0.0, 0.25])
@pytest.mark.parametrize("charge", ["annuity", "upfront"])
def test_service_that_begins_and_ends_inside_periods(
    plan: Callable[[Sheets], Solution], rate: float, charge: str
) -> None:
    """Years 0 and 1, then 2, 3 and 4; in service from 1, with a life to 4, to the end of b."""
    settings = {"discount_rate": rate, "capital_charge": charge}
    times = {"construction_years": 1, "lifetime_years": 3, "ramp_up": "0.5; 0.8"}
    solution = plan(sheets([2, 3], settings, **times, fixed_cost_million_per_year=100 * M, jobs=10))
    v = 1 / (1 + rate)
    a, b = 1 + v, v**2 * (1 + v + v**2)
    earned = a * (-1000 + 40 * 20) + b * (-1000 + 40 * 80 * 2.8 / 3)
    paid = 100 * (0.5 * a + b)
    instalment = 1200 / v / (1 + v + v**2)
    capital = 1200 if charge == "upfront" else instalment * (0.5 * a + b)
    assert solution.objective == pytest.approx((earned - paid - capital) * M)
    units = solution.tables.units.set_index("period")
    assert units["in_service"].to_dict() == {"a": 0.5, "b": 1.0}
    assert units["capacity_per_year"].to_dict() == pytest.approx({"a": 20, "b": 80 * 2.8 / 3})
    assert units["jobs"].to_dict() == {"a": 5.0, "b": 10.0}
    assert solution.built["capacity_per_year"].tolist() == [80.0]
    assert solution.built["period"].tolist() == ["a"]
    # A tonne more of capacity is a quarter of a tonne in a, and 2.8 / 3 of one in b.
    prices = solution.prices[solution.prices["limit"] == "capacity_per_year"].set_index("period")
    assert prices["value"].to_dict() == pytest.approx({"a": 40 * 0.25, "b": 40 * 2.8 / 3})
    relaxed = solve(solution.scenario, relax=True)
    assert relaxed.audit.passed


def test_capital_is_committed_when_it_is_decided(plan: Callable[[Sheets], Solution]) -> None:
    given = sheets([1, 1, 1], construction_years=1, lifetime_years=10, latest_period=None)
    solution = plan({**given, "Budget": [{"period": "a", "budget_million": 0}]})
    assert solution.built["period"].tolist() == ["b"]
    assert solution.objective == pytest.approx((-2000 + 2200 - 120) * M)
    assert solution.tables.units["period"].tolist() == ["b", "c"]
    assert solution.tables.units["in_service"].tolist() == [0.0, 1.0]


def test_what_requires_a_unit_waits_for_it(plan: Callable[[Sheets], Solution]) -> None:
    given = sheets([1, 1, 1], lifetime_years=10, latest_period=None, requires="V")
    other = {**KILN, "unit": "V", "capacity_per_year": 0, "capex_million": 0}
    units = [*given["Units"], {**other, "construction_years": 1}]
    solution = plan({**given, "Units": units})
    assert dict(solution.built[["unit", "period"]].to_numpy()) == {"K": "b", "V": "a"}
    assert solution.objective == pytest.approx((-1000 + 2 * (2200 - 120)) * M)


@pytest.mark.parametrize(
    ("can_idle", "load", "worth"), [(True, 0, -2 * 600), (False, 30, -2 * (30 * 20 + 30 * 10))]
)
def test_a_least_load_is_of_what_is_ready(
    plan: Callable[[Sheets], Solution], can_idle: bool, load: float, worth: float
) -> None:
    """60 slag at 10 to dump; a brick costs 20 in a and 5 in b. Ready are 80 · 0.75 in a."""
    least = {"min_load": 0.5, "can_idle": can_idle, "ramp_up": "0.5", "capex_million": 0}
    given = sheets([2, 3], lifetime_years=10, **least)
    given["Streams"] = [{"site": "Plant", "material": "slag", "amount_per_year": 60}]
    price = {"a": -20, "b": -5}
    brick = {"site": "Plant", "material": "brick"}
    given["Markets"] = [{**brick, "period": p, "price": v} for p, v in price.items()]
    solution = plan(given)
    loads = solution.tables.units.set_index("period")["load_per_year"]
    assert loads.to_dict() == pytest.approx({"a": load, "b": 60})
    assert solution.objective == pytest.approx((worth - 3 * 60 * 5) * M)


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("construction_years", 2, "unit: in service"),
        ("ramp_up", "0.5; 0.9", "unit: capacity_per_year"),
        ("ramp_up", None, "unit: capacity_per_year"),
        ("lifetime_years", 1, "unit: in service"),
    ],
)
def test_the_audit_reckons_time_itself(
    make_scenario: Make, column: str, value: Any, check: str
) -> None:
    times = {"construction_years": 1, "lifetime_years": 3, "ramp_up": "0.5; 0.8"}
    solution = solve(make_scenario(sheets([2, 3], **times)))
    other = make_scenario(sheets([2, 3], **{**times, column: value}))
    found = audit(dataclasses.replace(solution, scenario=other)).findings
    assert check in set(found["check"]), found.to_string()
