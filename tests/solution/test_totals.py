"""Totals over the horizon: worked by hand, and consistent with the tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from circflow.algebra.build import money_groups
from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution
from circflow.solution.totals import totals

COST_GROUPS = [group.name for group in money_groups() if not group.received]

MakeScenario = Callable[[Mapping[str, Any]], Scenario]


def test_worked_by_hand(press_plan: Solution) -> None:
    found = totals(press_plan)
    assert found["income"] == pytest.approx(2 * 0.012)
    assert found["synergy"] == pytest.approx(2 * 240e-6)
    costs = {
        "streams": 400,
        "purchases": 400,
        "processing": 560,
        "fixed": 1000,
        "transport": 3800,
        "transactions": 200,
        "disposal": 1360,
        "stockpiles": 0,
        "emissions": 2264,
        "capital": 0,
    }
    assert list(found["costs"]) == list(COST_GROUPS)
    assert found["costs"] == pytest.approx({k: 2 * v / 1e6 for k, v in costs.items()})
    assert found["net_benefit"] == pytest.approx(2 * 2256e-6)
    assert found["waste_arising"] == pytest.approx({"t": 200})
    assert found["waste_converted"] == pytest.approx({"t": 160})
    assert found["waste_disposed"] == pytest.approx({"t": 2 * (20 + 32)})
    assert found["waste_reclaimed"] == {"t": 0.0}
    assert found["use_share"] == pytest.approx(1 - 104 / 200)
    assert found["emissions"] == pytest.approx({"CO2": 64})
    assert found["jobs"] == 3.0
    assert found["chains"] == 1


def test_are_plain_json(cluster_plan: Solution) -> None:
    found = totals(cluster_plan)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    keys = [
        "income", "costs", "synergy", "net_benefit", "waste_arising", "waste_converted",
        "waste_disposed", "waste_reclaimed", "use_share", "emissions", "jobs", "chains",
    ]  # fmt: skip
    assert list(found) == keys


def test_agree_with_the_plan(cluster_plan: Solution) -> None:
    found = totals(cluster_plan)
    years = {p.name: p.years for p in cluster_plan.scenario.periods}
    money = cluster_plan.money
    assert found["net_benefit"] == pytest.approx(money["million"].sum())
    # 1 Mt of tailings in 12 years, slag 0.2 Mt in 8 and 0.3 Mt in 4; water is measured in m3.
    assert found["waste_arising"] == {"t": 12e6 + 1.6e6 + 1.2e6, "m3": 6e6}
    stocks = cluster_plan.stockpiles
    slag = stocks[stocks["material"] == "slag"]
    assert found["waste_reclaimed"]["t"] == pytest.approx(1e6 - slag["closing"].iloc[-1])
    assert found["waste_reclaimed"]["m3"] == 0.0
    waste = stocks[stocks["material"] != "cement"]
    added = (waste["added_per_year"] * waste["period"].map(years)).sum()
    supply = cluster_plan.tables.supply
    supply = supply[(supply["kind"] == "stream") & (supply["material"] != "water")]
    taken = (supply["amount_per_year"] * supply["period"].map(years)).sum()
    handled = taken + found["waste_reclaimed"]["t"]
    assert found["use_share"] == pytest.approx(1 - (found["waste_disposed"]["t"] + added) / handled)
    emissions = cluster_plan.emissions
    co2 = emissions[emissions["pollutant"] == "CO2"]
    tonnes = (co2["tonnes_per_year"] * co2["period"].map(years)).sum()
    assert found["emissions"]["CO2"] == pytest.approx(tonnes)


def test_nothing_taken(press: dict[str, Any], make_scenario: MakeScenario,
                       plan_of: Callable[..., Solution]) -> None:  # fmt: skip
    press["Streams"][0]["must_handle"] = False
    found = totals(plan_of(make_scenario(press)))
    assert found["use_share"] is None
    assert found["income"] == 0.0
    assert found["costs"] == dict.fromkeys(COST_GROUPS, 0.0)
    assert found["waste_arising"] == {"t": 200.0}
    assert found["waste_disposed"] == {"t": 0.0}
    assert found["emissions"] == {"CO2": 0.0}
    assert found["jobs"] == 0.0
    assert found["chains"] == 0
    json.dumps(found, allow_nan=False)


def test_no_waste_at_all(press: dict[str, Any], make_scenario: MakeScenario,
                         plan_of: Callable[..., Solution]) -> None:  # fmt: skip
    for material in press["Materials"]:
        material["category"] = "intermediate"
    found = totals(plan_of(make_scenario(press)))
    assert found["waste_arising"] == {}
    assert found["use_share"] is None


def test_products_in_a_dump_do_not_count(press_plan: Solution, make_scenario: MakeScenario,
                                         press: dict[str, Any]) -> None:  # fmt: skip
    press["Materials"][3]["category"] = "intermediate"
    found = totals(dataclasses.replace(press_plan, scenario=make_scenario(press)))
    assert found["waste_disposed"] == pytest.approx({"t": 40})
