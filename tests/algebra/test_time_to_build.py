"""Construction and ramp-up, row by row: service, capacity, fixed and capital cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from circflow.algebra.investment import annuity, capital_charges

BASE: dict[str, Any] = {
    # Years 0 and 1; 2, 3 and 4; 5 to 9.
    "Periods": [
        {"period": "a", "years": 2},
        {"period": "b", "years": 3},
        {"period": "c", "years": 5},
    ],
    "Sites": [{"site": "Plant"}],
    "Materials": [{"material": "slag", "category": "waste"}],
    "Recipes": [{"technology": "mill", "role": "input", "material": "slag", "amount": 1}],
}
UNIT: dict[str, Any] = {
    "unit": "U",
    "site": "Plant",
    "technology": "mill",
    "capacity_per_year": 300,
    "status": "candidate",
    "capex_million": 30,
    "lifetime_years": 4,
}
RAMP: dict[str, Any] = {"construction_years": 1, "ramp_up": "0.5; 0.8"}


def unit(**cells: Any) -> dict[str, Any]:
    return {**UNIT, **cells}


def test_capacity_is_the_mean_over_the_years_of_a_period(written: Callable[..., Any]) -> None:
    # From 0: in year 1 half; in 2 four fifths, in 3 and 4 all; over at 5, where c starts.
    # From 2: in 3 half, in 4 four fifths; over at 7, so all of c. From 5: years 6 to 9.
    rows = written({**BASE, "Units": [unit(**RAMP)]}).rows("capacity")
    assert rows == {
        "U,a": "activity[U,main,a] - 75 built[U,a] <= 0",
        "U,b": "activity[U,main,b] - 280 built[U,a] - 130 built[U,b] <= 0",
        "U,c": "activity[U,main,c] - 300 built[U,b] - 198 built[U,c] <= 0",
    }


@pytest.mark.parametrize(
    ("cells", "factors"),
    [
        ({"construction_years": 0}, {"a": 300, "b": 300}),
        ({"construction_years": 2}, {"b": 300, "c": 300}),
        ({"construction_years": 4}, {"b": 100, "c": 300}),
        ({"construction_years": 5, "lifetime_years": 1}, {"c": 300}),
        ({"construction_years": 9}, {"c": 60}),
        ({"ramp_up": "0.5"}, {"a": 225, "b": 300}),
        # A ramp-up over two periods, and one that is longer than the horizon.
        ({"ramp_up": "0.1; 0.2; 0.3; 0.4; 0.5"}, {"a": 45, "b": 120}),
        ({"ramp_up": "; ".join(["0.5"] * 20), "lifetime_years": 9}, {"a": 150, "b": 150, "c": 150}),
        ({"ramp_up": "0.5", "lifetime_years": 1}, {"a": 225}),
        # Over in year 3, inside b: in service to the end of b.
        ({"lifetime_years": 2, "construction_years": 1}, {"a": 150, "b": 300}),
    ],
)
def test_what_is_decided_at_once(
    written: Callable[..., Any], cells: dict[str, Any], factors: dict[str, float]
) -> None:
    rows = written({**BASE, "Units": [unit(**cells, latest_period="a")]}).rows("capacity")
    assert rows == {
        f"U,{period}": f"activity[U,main,{period}] - {factor:g} built[U,a] <= 0"
        for period, factor in factors.items()
    }


def test_decided_only_where_it_comes_into_service(written: Callable[..., Any]) -> None:
    nine = written({**BASE, "Units": [unit(construction_years=9)]})
    assert list(nine.bounds("built")) == ["U,a"]
    ten = written({**BASE, "Units": [unit(construction_years=10)]})
    assert not ten.bounds("built")
    assert not ten.bounds("activity")


def test_instalments_begin_with_service_and_pay_the_interest_before(
    written: Callable[..., Any],
) -> None:
    units = [unit(**RAMP, latest_period="a", fixed_cost_million_per_year=2, jobs=3)]
    goals = [{"goal": "jobs", "weight": 0.5}]
    sheets = {"Scenario": {"discount_rate": 0.25}, **BASE, "Units": units, "Goals": goals}
    instalment = 30 * 1.25 / (1 + 0.8 + 0.8**2 + 0.8**3)
    # Half the years of a, all of b, in the rate of the period.
    years = 0.5 * (1 + 0.8) + sum(0.8**n for n in (2, 3, 4))
    scenario = written(sheets)
    assert scenario.objective() == pytest.approx(
        {"built[U,a]": -(instalment + 2 - 3 * 0.5) * years * 1e6}
    )
    assert capital_charges(scenario.model) == pytest.approx([instalment / 30 * years])
    assert annuity(4, 0.25, 1) * 30 == pytest.approx(instalment)
    assert sum(annuity(4, 0.25, 3) / 1.25 ** (3 + n) for n in range(4)) == pytest.approx(1)


def test_upfront_capital_and_the_budget_count_in_the_decision(
    written: Callable[..., Any],
) -> None:
    settings = {"discount_rate": 0.25, "capital_charge": "upfront"}
    budget = [{"period": "b", "budget_million": 40}]
    units = [unit(**RAMP, earliest_period="b")]
    scenario = written({"Scenario": settings, **BASE, "Units": units, "Budget": budget})
    assert scenario.rows("budget_limit") == {"b": "30 built[U,b] <= 40"}
    charges = [0.8**2, 0.8**5]
    assert scenario.objective() == pytest.approx(
        {"built[U,b]": -30e6 * charges[0], "built[U,c]": -30e6 * charges[1]}
    )
    assert capital_charges(scenario.model) == pytest.approx(charges)


def test_a_size_ramps_up_too(written: Callable[..., Any]) -> None:
    sized = {"capacity_max_per_year": 500, "capex_max_million": 70, "latest_period": "a"}
    more = {"fixed_cost_million_per_year": 2, "fixed_cost_max_million_per_year": 5}
    scenario = written({**BASE, "Units": [unit(**RAMP, **sized, **more)]})
    assert scenario.rows("capacity")["U,a"] == (
        "activity[U,main,a] - 75 built[U,a] - 0.25 extra_capacity[U,a] <= 0"
    )
    # 40 million of capex in 4 instalments and 3 a year, for 200 t: in half of a and all of b.
    assert scenario.objective("extra") == pytest.approx(
        {"extra_capacity[U,a]": -(40 / 200 / 4 + 3 / 200) * (0.5 * 2 + 3) * 1e6}
    )


def test_required_in_service_in_at_least_one_year(written: Callable[..., Any]) -> None:
    units = [
        unit(requires="V", construction_years=1, latest_period="b", lifetime_years=2),
        unit(unit="V", construction_years=4, latest_period="a", lifetime_years=2),
    ]
    # U from 0 serves in a and b, from 2 in b and, over at 5, no more. V serves in year 4.
    assert written({**BASE, "Units": units}).rows("required_in_service") == {
        "U,a": "built[U,a] <= 0",
        "U,b": "built[U,a] + built[U,b] - built[V,a] <= 0",
    }


def test_a_least_load_is_a_share_of_what_is_ready(written: Callable[..., Any]) -> None:
    base = {**BASE, "Periods": BASE["Periods"][:2]}
    idle = unit(**RAMP, min_load=0.5, can_idle=True)
    rows = written({**base, "Units": [unit(**RAMP, min_load=0.5)]}).rows("min_load")
    assert rows["U,b"] == "activity[U,main,b] - 140 built[U,a] - 65 built[U,b] >= 0"
    scenario = written({**base, "Units": [idle]})
    assert scenario.rows("running_capacity") == {
        "U,a": "activity[U,main,a] - 75 running[U,a] <= 0",
        "U,b": "activity[U,main,b] - 280 running[U,b] <= 0",
    }
    # In b its size depends on the period it is built in.
    assert scenario.rows("running_min_load") == {
        "U,a": "activity[U,main,a] - 37.5 running[U,a] >= 0",
        "U,b": "activity[U,main,b] - 140 built[U,a] - 65 built[U,b] - 140 running[U,b] >= -140",
    }
