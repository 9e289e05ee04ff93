"""Capacity: how much a unit may and must run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from circflow.solver.run import solve

BASE: dict[str, Any] = {
    "Sites": [{"site": "Plant"}],
    "Materials": [{"material": "slag", "category": "waste"}],
    "Recipes": [
        {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
        {"technology": "mill", "recipe": "fine", "role": "input", "material": "slag", "amount": 1},
    ],
    "RecipeCosts": [{"technology": "mill", "recipe": "fine", "capacity_use": 2.5}],
}
PLAIN = {"unit": "U", "site": "Plant", "technology": "mill", "capacity_per_year": 100}
LOAD = "2.5 activity[U,fine,1] + activity[U,main,1]"


def _with(**cells: Any) -> dict[str, Any]:
    return {**BASE, "Units": [{**PLAIN, **cells}]}


@pytest.mark.covers("capacity")
def test_recipes_share_the_available_capacity(written: Callable[..., Any]) -> None:
    assert written(_with(availability=0.9)).rows("capacity") == {"U,1": f"{LOAD} <= 90"}


def test_a_unit_that_is_off_has_no_rows_and_no_activity(written: Callable[..., Any]) -> None:
    scenario = written(_with(status="off", min_load=0.5))
    for name in ("capacity", "min_load", "running_capacity", "running_min_load"):
        assert scenario.rows(name) == {}
    assert scenario.bounds("activity") == {}


def test_capacity_zero_keeps_a_unit_in_service_without_activity(
    written: Callable[..., Any],
) -> None:
    scenario = written(_with(capacity_per_year=0, fixed_cost_million_per_year=2))
    assert scenario.rows("capacity") == {"U,1": f"{LOAD} <= 0"}
    assert scenario.objective() == {"1": -2e6}


@pytest.mark.covers("min_load")
def test_a_unit_that_cannot_idle_runs_its_least_load(written: Callable[..., Any]) -> None:
    scenario = written(_with(availability=0.8, min_load=0.25))
    assert scenario.rows("min_load") == {"U,1": f"{LOAD} >= 20"}
    assert scenario.rows("running_capacity") == {}
    assert scenario.bounds("running") == {}


def test_no_least_load_no_row(written: Callable[..., Any]) -> None:
    assert written(_with()).rows("min_load") == {}


def test_can_idle_without_min_load_needs_no_decision(written: Callable[..., Any]) -> None:
    scenario = written(_with(can_idle=True))
    assert scenario.bounds("running") == {}
    assert not scenario.compiled.program.has_decisions


@pytest.mark.covers("running_capacity", "running_min_load", "bounds:running")
def test_a_unit_that_can_idle_runs_between_min_load_and_all_or_not_at_all(
    written: Callable[..., Any],
) -> None:
    scenario = written(_with(availability=0.8, min_load=0.25, can_idle=True))
    assert scenario.rows("capacity") == {"U,1": f"{LOAD} <= 80"}
    assert scenario.rows("running_capacity") == {"U,1": f"{LOAD} - 80 running[U,1] <= 0"}
    assert scenario.rows("running_min_load") == {"U,1": f"{LOAD} - 20 running[U,1] >= 0"}
    assert scenario.rows("min_load") == {}
    assert scenario.bounds("running") == {"U,1": (0.0, 1.0)}
    assert scenario.compiled.program.has_decisions


def test_relaxed_decisions_are_fractions(written: Callable[..., Any]) -> None:
    scenario = written(_with(min_load=0.25, can_idle=True), relax=True)
    assert scenario.bounds("running") == {"U,1": (0.0, 1.0)}
    assert not scenario.compiled.program.has_decisions


def test_a_candidate_of_one_size(written: Callable[..., Any]) -> None:
    scenario = written(
        _with(availability=0.5, min_load=0.5, can_idle=True, status="candidate", capex_million=1)
    )
    assert scenario.rows("capacity") == {"U,1": f"{LOAD} - 50 built[U,1] <= 0"}
    assert scenario.rows("running_capacity") == {"U,1": f"{LOAD} - 50 running[U,1] <= 0"}
    assert scenario.rows("running_min_load") == {"U,1": f"{LOAD} - 25 running[U,1] >= 0"}


def test_a_candidate_of_any_size_has_a_linear_least_load(written: Callable[..., Any]) -> None:
    # Running: load ≥ 0.5 · 0.8 · size. Idle: load ≥ 0.4 · (size − 300), which never binds.
    sized: dict[str, Any] = {
        "availability": 0.8,
        "min_load": 0.5,
        "status": "candidate",
        "capex_million": 1,
        "capacity_max_per_year": 300,
        "capex_max_million": 2,
    }
    size = "0.8 extra_capacity[U,1]"
    scenario = written(_with(**sized, can_idle=True))
    assert scenario.rows("capacity") == {"U,1": f"{LOAD} - 80 built[U,1] - {size} <= 0"}
    assert scenario.rows("running_capacity") == {"U,1": f"{LOAD} - 240 running[U,1] <= 0"}
    assert scenario.rows("running_min_load") == {
        "U,1": f"{LOAD} - 40 built[U,1] - 0.4 extra_capacity[U,1] - 120 running[U,1] >= -120"
    }
    scenario = written(_with(**sized))
    assert scenario.rows("min_load") == {
        "U,1": f"{LOAD} - 40 built[U,1] - 0.4 extra_capacity[U,1] >= 0"
    }
    assert scenario.rows("running_min_load") == {}


def test_a_size_range_that_is_a_point_counts_as_one_size(written: Callable[..., Any]) -> None:
    scenario = written(
        _with(
            status="candidate",
            capex_million=1,
            capacity_max_per_year=100,
            capex_max_million=1,
            min_load=0.5,
            can_idle=True,
        )
    )
    assert scenario.bounds("extra_capacity") == {}
    assert scenario.rows("running_min_load") == {"U,1": f"{LOAD} - 50 running[U,1] >= 0"}


PERIODS: dict[str, Any] = {"Periods": [{"period": "a"}, {"period": "b"}]}


def _load(period: str) -> str:
    return LOAD.replace(",1]", f",{period}]")


def test_unit_periods_replace_what_they_fill(written: Callable[..., Any]) -> None:
    changed = {"unit": "U", "period": "b", "capacity_per_year": 40, "min_load": 0.5}
    sheets = {**_with(availability=0.9, min_load=0.1), **PERIODS, "UnitPeriods": [changed]}
    scenario = written(sheets)
    assert scenario.rows("capacity") == {
        "U,a": f"{_load('a')} <= 90",
        "U,b": f"{_load('b')} <= 36",
    }
    assert scenario.rows("min_load") == {
        "U,a": f"{_load('a')} >= 9",
        "U,b": f"{_load('b')} >= 18",
    }


def test_a_closed_unit_that_can_idle_needs_no_decision_there(written: Callable[..., Any]) -> None:
    changed = {"unit": "U", "period": "b", "capacity_per_year": 0}
    sheets = {**_with(min_load=0.5, can_idle=True), **PERIODS, "UnitPeriods": [changed]}
    scenario = written(sheets)
    assert scenario.bounds("running") == {"U,a": (0.0, 1.0)}
    assert scenario.rows("capacity")["U,b"] == f"{_load('b')} <= 0"
    assert list(scenario.rows("running_capacity")) == ["U,a"]


def test_a_candidate_s_capacity_is_not_replaced(written: Callable[..., Any]) -> None:
    changed = {"unit": "U", "period": "b", "capacity_per_year": 7, "availability": 0.5}
    sheets = {
        **_with(status="candidate", capex_million=1, latest_period="a"),
        **PERIODS,
        "UnitPeriods": [changed],
    }
    assert written(sheets).rows("capacity") == {
        "U,a": f"{_load('a')} - 100 built[U,a] <= 0",
        "U,b": f"{_load('b')} - 50 built[U,a] <= 0",
    }


def test_what_is_told_of_small_and_of_closed_units(make_scenario: Callable[..., Any]) -> None:
    """Half a tonne a year of which 0.8 is available, 0.2 arise; the closed one has no share."""
    sheets = _with(capacity_per_year=0.5, availability=0.8)
    sheets["Units"].append({**PLAIN, "unit": "Closed", "capacity_per_year": 0})
    sheets["Streams"] = [{"site": "Plant", "material": "slag", "amount_per_year": 0.2}]
    sheets["RecipeCosts"] = [{"technology": "mill", "recipe": "fine", "variable_cost": 1}]
    plan = solve(make_scenario(sheets))
    units = plan.tables.units.set_index("unit")
    assert units["available_per_year"].tolist() == [0.4, 0.0]
    assert units["load_share"]["U"] == pytest.approx(0.5)
    assert np.isnan(units["load_share"]["Closed"])
    assert plan.tables.activity["recipe"].tolist() == ["main"]  # what does not run is left out
