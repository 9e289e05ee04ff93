"""Investment: what is built when, the rules between candidates, fixed and capital cost."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from circflow.algebra.investment import annuity

BASE: dict[str, Any] = {
    "Periods": [
        {"period": "a", "years": 2},
        {"period": "b", "years": 3},
        {"period": "c", "years": 5},
    ],
    "Sites": [{"site": "Plant"}],
    "Materials": [{"material": "slag", "category": "waste"}],
    "Recipes": [{"technology": "mill", "role": "input", "material": "slag", "amount": 1}],
}


def _candidate(unit: str, **cells: Any) -> dict[str, Any]:
    plain = {
        "unit": unit,
        "site": "Plant",
        "technology": "mill",
        "capacity_per_year": 100,
        "status": "candidate",
        "capex_million": 30,
    }
    return {**plain, **cells}


@pytest.mark.covers("built_once", "bounds:built")
def test_built_once_between_earliest_and_latest(written: Callable[..., Any]) -> None:
    units = [
        _candidate("U"),
        _candidate("V", earliest_period="b"),
        _candidate("W", latest_period="a"),
        _candidate("X", earliest_period="b", latest_period="b"),
        _candidate("Y", status="off"),
        _candidate("Z", status="existing", earliest_period="b"),
    ]
    scenario = written({**BASE, "Units": units})
    assert scenario.rows("built_once") == {
        "U": "built[U,a] + built[U,b] + built[U,c] <= 1",
        "V": "built[V,b] + built[V,c] <= 1",
        "W": "built[W,a] <= 1",
        "X": "built[X,b] <= 1",
    }
    assert set(scenario.bounds("built").values()) == {(0.0, 1.0)}
    assert scenario.compiled.program.integer.sum() == 7
    assert not written({**BASE, "Units": units}, relax=True).compiled.program.has_decisions


def test_in_service_in_every_period_that_starts_within_the_lifetime(
    written: Callable[..., Any],
) -> None:
    # Periods start after 0, 2 and 5 years. Four years of life from 0 reach into b and serve it
    # to its end; from 2 they end at 6, after the start of c.
    rows = written({**BASE, "Units": [_candidate("U", lifetime_years=4)]}).rows("capacity")
    assert rows == {
        "U,a": "activity[U,main,a] - 100 built[U,a] <= 0",
        "U,b": "activity[U,main,b] - 100 built[U,a] - 100 built[U,b] <= 0",
        "U,c": "activity[U,main,c] - 100 built[U,b] - 100 built[U,c] <= 0",
    }
    rows = written({**BASE, "Units": [_candidate("U", lifetime_years=3)]}).rows("capacity")
    assert rows["U,c"] == "activity[U,main,c] - 100 built[U,c] <= 0"
    rows = written({**BASE, "Units": [_candidate("U", lifetime_years=2)]}).rows("capacity")
    assert rows["U,b"] == "activity[U,main,b] - 100 built[U,b] <= 0"


def test_no_activity_where_it_cannot_be_in_service(written: Callable[..., Any]) -> None:
    unit = _candidate("U", earliest_period="b", latest_period="b", lifetime_years=1)
    scenario = written({**BASE, "Units": [unit]})
    assert list(scenario.bounds("activity")) == ["U,main,b"]
    assert list(scenario.rows("capacity")) == ["U,b"]


@pytest.mark.covers("one_of_choice")
def test_at_most_one_of_a_choice(written: Callable[..., Any]) -> None:
    units = [
        _candidate("U", choice="mill", latest_period="a"),
        _candidate("V", choice="mill", latest_period="b"),
        _candidate("W", latest_period="a"),
        _candidate("Z", choice="mill", status="existing"),
        _candidate("Y", choice="mill", status="off"),
    ]
    assert written({**BASE, "Units": units}).rows("one_of_choice") == {
        "mill": "built[U,a] + built[V,a] + built[V,b] <= 1"
    }


@pytest.mark.covers("required_in_service")
def test_requires(written: Callable[..., Any]) -> None:
    units = [
        _candidate("U", requires="V", latest_period="a", lifetime_years=4),
        _candidate("V", earliest_period="b", lifetime_years=1),
        _candidate("W", requires="Z", latest_period="a", lifetime_years=1),
        _candidate("X", requires="Y", latest_period="a", lifetime_years=1),
        _candidate("Y", status="off"),
        _candidate("Z", status="existing", requires="Y"),
    ]
    assert written({**BASE, "Units": units}).rows("required_in_service") == {
        "U,a": "built[U,a] <= 0",
        "U,b": "built[U,a] - built[V,b] <= 0",
        "W,a": "built[W,a] <= 1",
        "X,a": "built[X,a] <= 0",
    }


SIZED: dict[str, Any] = {
    "capacity_max_per_year": 300,
    "capex_max_million": 70,
    "fixed_cost_million_per_year": 2,
    "fixed_cost_max_million_per_year": 5,
    "lifetime_years": 2,
}


@pytest.mark.covers("extra_capacity_limit", "bounds:extra_capacity")
def test_extra_capacity_only_of_what_is_built(written: Callable[..., Any]) -> None:
    scenario = written({**BASE, "Units": [_candidate("U", latest_period="b", **SIZED)]})
    assert scenario.rows("extra_capacity_limit") == {
        "U,a": "-200 built[U,a] + extra_capacity[U,a] <= 0",
        "U,b": "-200 built[U,b] + extra_capacity[U,b] <= 0",
    }
    assert set(scenario.bounds("extra_capacity").values()) == {(0.0, inf)}
    assert written({**BASE, "Units": [_candidate("U")]}).rows("extra_capacity_limit") == {}


@pytest.mark.covers("budget_limit")
def test_budget_is_undiscounted_capex_at_its_size(written: Callable[..., Any]) -> None:
    units = [_candidate("U", **SIZED), _candidate("V")]
    budget = [{"period": "b", "budget_million": 45}]
    sheets = {"Scenario": {"discount_rate": 0.1}, **BASE, "Units": units, "Budget": budget}
    assert written(sheets).rows("budget_limit") == {
        "b": "30 built[U,b] + 30 built[V,b] + 0.2 extra_capacity[U,b] <= 45"
    }
    assert written({**sheets, "Budget": []}).rows("budget_limit") == {}


def test_annuity_has_the_capex_as_its_present_value() -> None:
    assert annuity(1, 0.1) == pytest.approx(1.0)
    assert annuity(4, 0.0) == pytest.approx(0.25)
    assert sum(annuity(7, 0.1) / 1.1**n for n in range(7)) == pytest.approx(1.0)
    assert annuity(3, -0.5) == pytest.approx(1 / (1 + 2 + 4))


def test_annuity_in_every_year_in_service(written: Callable[..., Any]) -> None:
    # Four years of life, no interest: 30/4 a year. Built in a: 2 years there and all 3 of b.
    # Built in b: 3 years and all 5 of c.
    units = [_candidate("U", lifetime_years=4, fixed_cost_million_per_year=1)]
    assert written({**BASE, "Units": units}).objective() == pytest.approx(
        {
            "built[U,a]": -(7.5 + 1) * 5e6,
            "built[U,b]": -(7.5 + 1) * 8e6,
            "built[U,c]": -(7.5 + 1) * 5e6,
        }
    )


def test_annuity_is_discounted_with_its_period(written: Callable[..., Any]) -> None:
    units = [_candidate("U", lifetime_years=4, earliest_period="b", latest_period="b")]
    sheets = {"Scenario": {"discount_rate": 0.25}, **BASE, "Units": units}
    yearly = 30 / (1 + 0.8 + 0.8**2 + 0.8**3)
    years = sum(0.8**n for n in range(2, 10))
    assert written(sheets).objective() == pytest.approx({"built[U,b]": -yearly * years * 1e6})


def test_upfront_capital_is_paid_once_and_discounted(written: Callable[..., Any]) -> None:
    units = [_candidate("U", lifetime_years=1)]
    settings = {"discount_rate": 0.25, "capital_charge": "upfront"}
    assert written({"Scenario": settings, **BASE, "Units": units}).objective() == pytest.approx(
        {
            "built[U,a]": -30e6,
            "built[U,b]": -30e6 * 0.8**2,
            "built[U,c]": -30e6 * 0.8**5,
        }
    )


def test_size_adds_capex_and_fixed_cost_linearly(written: Callable[..., Any]) -> None:
    # 40 million capex and 3 million a year more for 200 t more; two years of life.
    units = [_candidate("U", **SIZED, latest_period="a")]
    assert written({**BASE, "Units": units}).objective() == pytest.approx(
        {
            "built[U,a]": -(30 / 2 + 2) * 2e6,
            "extra_capacity[U,a]": -(40 / 200 / 2 + 3 / 200) * 2e6,
        }
    )
    settings = {"capital_charge": "upfront"}
    sheets = {"Scenario": settings, **BASE, "Units": units}
    assert written(sheets).objective("extra_capacity") == pytest.approx(
        {"extra_capacity[U,a]": -(40 / 200 + 2 * 3 / 200) * 1e6}
    )


def test_without_a_greatest_fixed_cost_size_costs_nothing_more(
    written: Callable[..., Any],
) -> None:
    sized = {**SIZED, "fixed_cost_max_million_per_year": None}
    sheets = {**BASE, "Units": [_candidate("U", **sized, latest_period="a")]}
    assert written(sheets).objective("extra") == pytest.approx(
        {"extra_capacity[U,a]": -(40 / 200 / 2) * 2e6}
    )


def test_a_period_s_fixed_cost_is_the_smaller_size_s(written: Callable[..., Any]) -> None:
    # In b the smaller size costs 4 a year; the greatest still 5: 1/200 per unit of size.
    sized = {**SIZED, "lifetime_years": 5, "capex_million": 0, "capex_max_million": 0}
    sheets = {
        **BASE,
        "Units": [_candidate("U", **sized, latest_period="a")],
        "UnitPeriods": [{"unit": "U", "period": "b", "fixed_cost_million_per_year": 4}],
    }
    assert written(sheets).objective() == pytest.approx(
        {
            "built[U,a]": -(2 * 2 + 3 * 4) * 1e6,
            "extra_capacity[U,a]": -(2 * 3 / 200 + 3 * 1 / 200) * 1e6,
        }
    )


def test_existing_units_cost_their_fixed_cost_whatever_they_do(
    written: Callable[..., Any],
) -> None:
    sheets = {
        **BASE,
        "Units": [
            _candidate("U", status="existing", fixed_cost_million_per_year=2),
            _candidate("V", status="off", fixed_cost_million_per_year=100),
        ],
        "UnitPeriods": [{"unit": "U", "period": "b", "fixed_cost_million_per_year": 1}],
    }
    assert written(sheets).objective() == pytest.approx({"1": -(2 * 2 + 3 * 1 + 5 * 2) * 1e6})


def test_jobs_weigh_per_year_in_service(written: Callable[..., Any]) -> None:
    units = [
        _candidate("U", jobs=10, capex_million=0, lifetime_years=2, **{"latest_period": "a"}),
        _candidate("V", jobs=3, status="existing"),
    ]
    goals = [{"goal": "jobs", "weight": 0.5}]
    sheets = {**BASE, "Units": units, "Goals": goals}
    assert written(sheets).objective() == pytest.approx(
        {"built[U,a]": 10 * 0.5 * 2e6, "1": 3 * 0.5 * 10e6}
    )
