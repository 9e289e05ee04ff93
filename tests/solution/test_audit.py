"""The audit passes good plans, and names what is wrong in bad ones."""

from __future__ import annotations

import copy
import csv
import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.solution.accounts import accounts
from circflow.solution.audit import audit
from circflow.solution.solution import Solution

Mutate = Callable[[Solution, str, dict[str, Any], str, Any], Solution]
MakeScenario = Callable[[Mapping[str, Any]], Scenario]
PlanOf = Callable[..., Solution]
Fault = tuple[str, dict[str, Any], str, Any, str, str]
"""Table, which row, column, value (or what is done to it), check that fails, place it names."""


def rescale(factor: float) -> Callable[[float], float]:
    return lambda old: old * factor


def test_plan_worked_by_hand_passes(press_plan: Solution) -> None:
    found = audit(press_plan)
    assert found.findings.empty, found.findings.to_string()
    assert found.passed
    assert found.balance_error < 1e-12
    assert found.objective_error < 1e-12


def test_money_worked_by_hand(press_plan: Solution) -> None:
    books = accounts(press_plan)
    money = books.money().frame(books.plan.codes).set_index("group")["million_per_year"] * 1e6
    expected = {
        "income": 40 * 300,
        "synergy": 40 * 6,
        "streams": -100 * 4,
        "purchases": -8 * 50,
        "processing": -80 * 7,
        "fixed": -1000,
        "transport": -(80 * (10 * 2 + 5) + 40 * (20 * 2 + 5)),
        "transactions": -(80 * 1 + 40 * 3),
        "disposal": -(20 * 20 + 32 * 30),
        "emissions": -(32 * 2 + 22 * 100),
        "capital": 0,
    }
    assert set(money.index) == set(expected)
    for group, value in expected.items():
        assert money[group] == pytest.approx(value, abs=1e-9), group


def test_solved_plans_pass(cluster_plan: Solution) -> None:
    found = audit(cluster_plan)
    assert found.findings.empty, found.findings.to_string()
    assert found.passed
    assert found.balance_error < 1e-9
    assert found.objective_error < 1e-9


PRESS_FAULTS: list[Fault] = [
    (
        "supply",
        {"material": "tailings"},
        "amount_per_year",
        90.0,
        "stream: not all handled",
        "Mine",
    ),
    ("supply", {"material": "tailings"}, "amount_per_year", 110.0, "stream: more than", "tailings"),
    ("supply", {"material": "tailings"}, "site", "Mill", "supply: not in the scenario", "Mill"),
    ("supply", {"material": "lime"}, "amount_per_year", 9.0, "balance", "Mill / lime"),
    ("supply", {"material": "lime"}, "cost_million_per_year", 5e-4, "supply: cost", "lime"),
    ("flows", {"to": "Mill"}, "sent_per_year", 81.0, "balance", "Mine / tailings"),
    ("flows", {"to": "Mill"}, "received_per_year", 81.0, "flows: received", "Mine / Mill"),
    ("flows", {"to": "Mill"}, "transport_million_per_year", 1e-3, "flows: transport", "Mine"),
    ("flows", {"to": "Town"}, "transactions_million_per_year", 0, "flows: transactions", "Town"),
    ("flows", {"to": "Town"}, "from", "Mine", "flows: not in the scenario", "Mine / Town"),
    ("flows", {"to": "Town"}, "mode", "rail", "flows: not in the scenario", "rail"),
    ("activity", {}, "activity_per_year", 95.0, "unit: over capacity", "Press"),
    ("activity", {}, "activity_per_year", 70.0, "conversion: not by the recipe", "Press"),
    ("activity", {}, "recipe", "other", "activity: not in the scenario", "other"),
    ("activity", {}, "unit", "Plant", "activity: not in the scenario", "Plant"),
    ("units", {}, "load_per_year", 70.0, "unit: load_per_year", "Press"),
    ("units", {}, "jobs", 5.0, "unit: jobs", "Press"),
    ("units", {}, "in_service", 0.0, "unit: in service", "Press"),
    ("conversions", {"material": "brick"}, "amount_per_year", 41.0, "conversion: not by", "brick"),
    ("sales", {}, "amount_per_year", 39.0, "balance", "Town / brick"),
    ("sales", {}, "row", 3, "sales: not in the scenario", "Town / brick"),
    ("sales", {}, "income_million_per_year", 1.3e-2, "sales: income", "brick"),
    ("disposal", {"site": "Mine"}, "amount_per_year", -20.0, "disposal: below zero", "Mine"),
    ("disposal", {"site": "Mine"}, "row", 3, "disposal: not in the scenario", "Mine"),
    ("disposal", {"site": "Mill"}, "material", "brick", "disposal: not in the scenario", "brick"),
    ("emissions", {"site": "Mine"}, "tonnes_per_year", 9.0, "emissions", "Mine"),
    ("emission_limits", {}, "excess_per_year", 20.0, "emission: over the limit", "CO2"),
    ("emission_limits", {}, "emitted_per_year", 30.0, "emission limit: emitted", "CO2"),
    ("emission_limits", {}, "cost_million_per_year", 2e-3, "emission limit: cost", "CO2"),
    ("money", {"group": "transport"}, "million", -7e-3, "money", "transport"),
    ("money", {"group": "fixed"}, "million_per_year", -2e-3, "money per year", "fixed"),
    ("money", {"group": "income"}, "discounted_million", 1e-2, "discounted money", "income"),
]


@pytest.mark.parametrize("fault", PRESS_FAULTS)
def test_fault_in_one_cell_is_named(
    press_plan: Solution,
    with_cell: Mutate,
    fault: Fault,
) -> None:
    table, where, column, value, check, place = fault
    found = audit(with_cell(press_plan, table, where, column, value))
    assert not found.passed
    named = found.findings[found.findings["check"].str.startswith(check)]
    assert named["where"].str.contains(place, regex=False).any(), found.findings.to_string()


def test_balance_error_is_relative(press_plan: Solution, with_cell: Mutate) -> None:
    off = audit(with_cell(press_plan, "sales", {}, "amount_per_year", 39.0))
    assert off.balance_error == pytest.approx(1 / 40)
    of_balance = off.findings["check"].str.startswith("balance")
    assert off.findings.loc[of_balance, "error"].tolist() == pytest.approx([1 / 40])


def test_wrong_objective(press_plan: Solution) -> None:
    off = dataclasses.replace(press_plan, objective=press_plan.objective * 1.01)
    found = audit(off)
    assert not found.passed
    gross = sum(abs(v) for v in (12000, 240, 400, 400, 560, 1000, 3800, 200, 1360, 2264))
    assert found.objective_error == pytest.approx(0.01 * 2256 / gross)
    assert list(found.findings["check"]) == ["objective"]


def test_rounding_passes(press_plan: Solution, with_cell: Mutate) -> None:
    off = with_cell(press_plan, "sales", {}, "amount_per_year", rescale(1 + 1e-9))
    assert audit(off).passed


def test_figure_that_is_no_number_fails(press_plan: Solution, with_cell: Mutate) -> None:
    for table in ("supply", "sales", "activity", "disposal"):
        column = "activity_per_year" if table == "activity" else "amount_per_year"
        assert not audit(with_cell(press_plan, table, {}, column, np.nan)).passed


@pytest.mark.parametrize("amount", [np.nan, np.inf])
@pytest.mark.filterwarnings("error")
def test_money_that_is_no_number_leaves_no_objective(press_plan: Solution, amount: float) -> None:
    sales = press_plan.sales
    more = pd.concat([sales, sales.assign(amount_per_year=amount)], ignore_index=True)
    found = audit(
        dataclasses.replace(press_plan, tables=dataclasses.replace(press_plan.tables, sales=more))
    )
    assert found.objective_error == np.inf
    assert {"objective", "money"} <= set(found.findings["check"])


CLUSTER_FAULTS: list[Fault] = [
    ("units", {"unit": "Cem2", "period": "2029"}, "in_service", 0.5, "unit: in service", "Cem2"),
    ("units", {"unit": "Cem2", "period": "2034"}, "in_service", 0.0, "unit: in service", "Cem2"),
    ("units", {"unit": "Cem2", "period": "2029"}, "capacity_per_year", 9e5, "unit: capacity",
     "Cem2"),
    ("built", {"unit": "Cem2"}, "built", 0.5, "candidate: built in part", "Cem2"),
    ("built", {"unit": "Cem2"}, "built", 2.0, "candidate: built more than once", "Cem2"),
    ("built", {"unit": "Cem2"}, "unit", "Cem1", "built: not a candidate", "Cem1"),
    ("built", {"unit": "Cem2"}, "period", "2034", "unit: in service", "Cem2"),
    ("built", {"unit": "Cem2"}, "capex_million", 1.0, "built: capex", "Cem2"),
    ("built", {"unit": "Cem2"}, "jobs", -1.0, "built: jobs", "Cem2"),
    ("built", {"unit": "Cem2"}, "capacity_per_year", 9e5, "candidate: above its greatest size",
     "Cem2"),
    ("built", {"unit": "Cem2"}, "capacity_per_year", 1.0, "candidate: below its smallest",
     "Cem2"),
    ("conversions", {"group": "mineral", "material": "residue"}, "amount_per_year", rescale(1.2),
     "group requirement", "mineral"),
    ("conversions", {"group": "mineral", "material": "residue"}, "amount_per_year", rescale(3.0),
     "blend: ", "mineral"),
    ("conversions", {"group": "mineral", "material": "residue"}, "material", "lime",
     "intake: not in the group", "lime"),
    ("sales", {"material": "cement", "row": 4, "period": "2026"}, "amount_per_year", 0.0,
     "market: under its minimum", "Markets row 4"),
    ("sales", {"material": "cement", "row": 3, "period": "2026"}, "amount_per_year", 2.1e5,
     "market: over its maximum", "Markets row 3"),
    ("disposal", {"material": "residue", "row": 3}, "amount_per_year", 6e5,
     "disposal: over capacity", "Disposal row 3"),
    ("disposal", {"material": "residue", "row": 3}, "amount_per_year", 2.4e6,
     "disposal: over total capacity", "Mine / residue"),
    ("stockpiles", {"material": "slag", "period": "2026"}, "closing", rescale(0.9),
     "stockpile: level", "Mill / slag"),
    ("stockpiles", {"material": "slag", "period": "2029"}, "opening", rescale(0.9),
     "stockpile: opening", "Mill / slag"),
    ("stockpiles", {"material": "slag", "period": "2026"}, "reclaimed_per_year", 1.1e5,
     "stockpile: reclaimed too fast", "Mill / slag"),
    ("stockpiles", {"material": "tailings", "period": "2034"}, "closing", 4.8e6,
     "stockpile: too much left", "Mine / tailings"),
    ("stockpiles", {"material": "tailings", "period": "2029"}, "closing", 5.1e6,
     "stockpile: over capacity", "Mine / tailings"),
    ("emission_limits", {"scope": "region", "period": "2029"}, "excess_per_year", 0.0,
     "emission: over the limit", "CO2 / region / N"),
    ("emission_limits", {"scope": "site", "period": "2034"}, "excess_per_year", 5.0e5,
     "emission: excess without a penalty", "Mill"),
    ("synergies", {"synergy": "haul", "period": "2026"}, "joint_activity_per_year", 1.2e5,
     "synergy: over its maximum", "haul"),
    ("synergies", {"synergy": "both", "period": "2026"}, "joint_activity_per_year", 1.2e6,
     "synergy: a partner does less", "both / Sep"),
    ("activity", {"unit": "Cem", "recipe": "rich", "period": "2029"}, "activity_per_year", 4e5,
     "unit: over capacity", "Cem"),
    ("activity", {"unit": "PP", "period": "2026"}, "unit", "Off", "activity: unit is off", "Off"),
    ("flows", {"from": "Mill", "to": "Hub"}, "to", "Town", "flows: not in the scenario", "Town"),
]  # fmt: skip


@pytest.mark.parametrize("fault", CLUSTER_FAULTS)
def test_broken_limit_is_named(
    one_cluster_plan: Solution,
    with_cell: Mutate,
    fault: Fault,
) -> None:
    table, where, column, value, check, place = fault
    found = audit(with_cell(one_cluster_plan, table, where, column, value))
    assert not found.passed
    named = found.findings[found.findings["check"].str.startswith(check)]
    assert named["where"].str.contains(place, regex=False).any(), found.findings.to_string()


PRIMARY = {
    "supply": "amount_per_year",
    "flows": "sent_per_year",
    "activity": "activity_per_year",
    "conversions": "amount_per_year",
    "sales": "amount_per_year",
    "disposal": "amount_per_year",
    "stockpiles": "closing",
    "synergies": "joint_activity_per_year",
    "emission_limits": "excess_per_year",
    "emissions": "tonnes_per_year",
    "built": "capacity_per_year",
    "money": "million",
}


@settings(
    max_examples=6,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_figure_one_per_cent_off_fails(one_cluster_plan: Solution, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(sorted(PRIMARY)))
    column = PRIMARY[table]
    frame = getattr(one_cluster_plan.tables, table)
    figures = frame[column].abs()
    # Money is compared by group and period, so a small record may drown in its group.
    least = 0.02 * figures.max() if table == "money" else 0.0
    row = data.draw(st.sampled_from(list(frame.index[figures > least])))
    changed = frame.copy()
    changed.loc[row, column] *= 1.01
    tables = dataclasses.replace(one_cluster_plan.tables, **{table: changed})
    found = audit(dataclasses.replace(one_cluster_plan, tables=tables))
    assert not found.passed, (table, frame.loc[row])


CHANGED_SCENARIOS: list[tuple[str, int, dict[str, Any], str]] = [
    ("Links", 0, {"capacity_per_year": 70.0}, "link: over capacity"),
    ("Links", 0, {"forbidden": True}, "flows: not in the scenario"),
    ("Links", 0, {"distance_km": 11.0}, "flows: transport"),
    ("Links", 0, {"loss": 0.1}, "flows: received"),
    ("Links", 0, {"cost": 1.0}, "flows: transport"),
    ("Materials", 0, {"modes": "none"}, "flows: not in the scenario"),
    ("Materials", 0, {"category": "product"}, "disposal: not in the scenario"),
    ("Sites", 1, {"member": "A"}, "flows: transactions"),
    ("Units", 0, {"availability": 0.5}, "unit: over capacity"),
    ("Units", 0, {"min_load": 0.95}, "unit: below its minimum load"),
    ("Units", 0, {"min_load": 0.95, "can_idle": True}, "unit: below its minimum load"),
    ("Units", 0, {"status": "off"}, "activity: unit is off"),
    ("Units", 0, {"fixed_cost_million_per_year": 0.002}, "money"),
    ("Units", 0, {"site": "Mine"}, "activity: unit is off or elsewhere"),
    ("Purchases", 0, {"max_per_year": 7.0}, "purchase: more than"),
    ("Purchases", 0, {"price": 40.0}, "supply: cost"),
    ("Streams", 0, {"cost": 5.0}, "supply: cost"),
    ("RecipeCosts", 0, {"variable_cost": 8.0}, "activity: processing"),
    ("RecipeCosts", 0, {"capacity_use": 2.0}, "unit: over capacity"),
    ("Recipes", 2, {"amount": 0.6}, "balance"),
    ("Modes", 0, {"period": "2099"}, "flows: not in the scenario"),
    ("Markets", 0, {"max_per_year": 30.0}, "market: over"),
    ("Markets", 0, {"min_per_year": 50.0}, "market: under"),
    ("Markets", 0, {"premium": 7.0}, "sales: premium"),
    ("Disposal", 0, {"capacity_per_year": 10.0}, "disposal: over capacity"),
    ("Disposal", 1, {"total_capacity": 63.0}, "disposal: over total capacity"),
    ("EmissionFactors", 0, {"factor": 0.3}, "emissions"),
    ("EmissionLimits", 0, {"penalty": None}, "emission: excess without a penalty"),
    ("EmissionLimits", 0, {"limit_per_year": 9.0}, "emission: over the limit"),
    ("EmissionLimits", 0, {"price": 3.0}, "emission limit: cost"),
]


@pytest.mark.parametrize("change", CHANGED_SCENARIOS)
def test_plan_of_another_scenario_fails(
    press_plan: Solution,
    make_scenario: MakeScenario,
    press: dict[str, Any],
    change: tuple[str, int, dict[str, Any], str],
) -> None:
    sheet, row, cells, check = change
    sheets = copy.deepcopy(press)
    sheets[sheet][row].update(cells)
    found = audit(dataclasses.replace(press_plan, scenario=make_scenario(sheets)))
    assert not found.passed
    assert found.findings["check"].str.startswith(check).any(), found.findings.to_string()


def test_goals_weigh_the_objective(
    press_plan: Solution, make_scenario: MakeScenario, press: dict[str, Any]
) -> None:
    goals = {"value": 2.0, "synergy": 3.0, "jobs": 0.5, "emission:CO2": -7.0}
    press["Goals"] = [{"goal": goal, "weight": weight} for goal, weight in goals.items()]
    yearly = 2 * 2016e-6 + 3 * 240e-6 + 0.5 * 3 - 7e-6 * 32
    plan = dataclasses.replace(
        press_plan, scenario=make_scenario(press), objective=yearly * (1 + 1 / 1.1)
    )
    assert audit(plan).passed
    assert not audit(dataclasses.replace(plan, objective=press_plan.objective)).passed


def test_a_unit_that_is_listed_twice_is_named(press_plan: Solution) -> None:
    units = press_plan.tables.units
    twice = dataclasses.replace(press_plan.tables, units=pd.concat([units, units.iloc[[0]]]))
    checks = audit(dataclasses.replace(press_plan, tables=twice)).findings["check"]
    assert "unit: in service" in set(checks)


def test_what_the_plan_leaves_out_is_checked(press_plan: Solution) -> None:
    tables = {
        name: getattr(press_plan.tables, name).iloc[:0]
        for name in ("supply", "flows", "activity", "conversions", "sales", "disposal")
    }
    empty = dataclasses.replace(press_plan, tables=dataclasses.replace(press_plan.tables, **tables))
    checks = set(audit(empty).findings["check"])
    assert {"stream: not all handled", "unit: load_per_year", "money", "objective"} <= checks


def write_folder(folder: Path, sheets: dict[str, Any]) -> None:
    """The sheets as a scenario folder of CSV files."""
    settings_ = {"name": "press", **sheets["Scenario"]}
    records = [{"key": k, "value": _cell(v)} for k, v in settings_.items()]
    for name, rows in {**sheets, "Scenario": records}.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({k: _cell(v) for k, v in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value


def test_from_files_to_an_audited_plan(tmp_path: Path, press: dict[str, Any]) -> None:
    write_folder(tmp_path, press)
    plan = cf.solve(cf.read(tmp_path))
    found = plan.audit
    assert found.findings.empty, found.findings.to_string()
    assert found.passed
    # What a tonne brings that is pressed, emissions aside; it emits 0.4 t.
    pressed = 0.5 * 306 - 50 * 0.1 - 7 - 25 - 1 - 0.5 * 48 - 0.4 * 30
    emitted = 0.2 + 0.1 + 0.5 * 0.2
    assert pressed - 102 * emitted > -20.0
    # Above the limit of 10 t too, pressing beats dumping: the press runs at its capacity.
    yearly = 90 * pressed - 4 * 100 - 1000 - 10 * 20 - 36 * 2 - 26 * 100
    assert plan.objective == pytest.approx(yearly / 1e6 * (1 + 1 / 1.1))
    assert plan.totals["net_benefit"] == pytest.approx(2 * yearly / 1e6)
    assert plan.chains["value_million"].sum() == pytest.approx(2 * yearly / 1e6)


def test_large_plan_is_fast(make_scenario: MakeScenario, plan_of: PlanOf) -> None:
    """200,000 flows, material going from 500 mines to 400 works."""
    plan = large_plan(make_scenario, plan_of, mines=500, works=400)
    assert len(plan.tables.flows) == 200_000
    started = time.process_time()
    found = audit(plan)
    seconds = time.process_time() - started
    assert found.passed, found.findings.head().to_string()
    assert seconds < 3.0, seconds


def large_plan(make_scenario: MakeScenario, plan_of: PlanOf, mines: int, works: int) -> Solution:
    """Every mine sends one tonne to every works, which disposes of it."""
    scenario = make_scenario(
        {
            "Scenario": {"transaction_cost_inside": 2.0},
            "Sites": [
                {"site": f"M{n}", "member": "A", "latitude": 50 + n / 1e3, "longitude": 60}
                for n in range(mines)
            ]
            + [
                {"site": f"W{n}", "member": "B", "latitude": 55 + n / 1e3, "longitude": 61}
                for n in range(works)
            ],
            "Materials": [{"material": "slag", "category": "waste"}],
            "Streams": [
                {"site": f"M{n}", "material": "slag", "amount_per_year": works}
                for n in range(mines)
            ],
            "Disposal": [{"site": f"W{n}", "fee": 0.0} for n in range(works)],
            "Modes": [{"mode": "road", "cost_per_unit_km": 0.0}],
            "EmissionFactors": [{"kind": "transport", "pollutant": "CO2", "factor": 0.0}],
        }
    )
    pairs = [(f"M{m}", f"W{w}") for m in range(mines) for w in range(works)]
    flows = pd.DataFrame(pairs, columns=["from", "to"]).assign(
        material="slag",
        mode="road",
        period="1",
        sent_per_year=1.0,
        received_per_year=1.0,
        transport_million_per_year=0.0,
        transactions_million_per_year=2e-6,
    )
    supply = pd.DataFrame({"site": [f"M{m}" for m in range(mines)]}).assign(
        kind="stream",
        material="slag",
        period="1",
        amount_per_year=float(works),
        cost_million_per_year=0.0,
    )
    disposal = pd.DataFrame({"site": [f"W{w}" for w in range(works)]}).assign(
        material="slag",
        period="1",
        row=np.arange(2, works + 2),
        amount_per_year=float(mines),
        cost_million_per_year=0.0,
    )
    cost = 2e-6 * mines * works
    money = pd.DataFrame(
        [{"group": "transactions", "period": "1", "million_per_year": -cost, "million": -cost,
          "discounted_million": -cost}]
    )  # fmt: skip
    return plan_of(scenario, -cost, flows=flows, supply=supply, disposal=disposal, money=money)
