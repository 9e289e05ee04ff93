"""Candidates judged against values worked out by hand, and sums that must hold everywhere."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.data import read
from circflow.data.scenario import Scenario
from circflow.data.table import Book, RawSheet
from circflow.studies.errors import StudyError
from circflow.studies.units.price_sheet import irr
from circflow.studies.units.sites import add_units, parse_unit

Make = Callable[[dict[str, Any]], Scenario]
K = 1e-3
"""A thousand, in million."""


def recipe(technology: str, material: str, product: str) -> list[dict[str, Any]]:
    return [
        {"technology": technology, "role": "input", "material": material, "amount": 1.0},
        {"technology": technology, "role": "output", "material": product, "amount": 1.0},
    ]


def candidate(unit: str, technology: str, size: float, capex: float) -> dict[str, Any]:
    return {
        "unit": unit,
        "site": "A",
        "technology": technology,
        "capacity_per_year": size,
        "status": "candidate",
        "capex_million": capex,
        "lifetime_years": 1,
        "jobs": 3.0,
    }


def rivals() -> dict[str, Any]:
    """1,000 t of slag, 5 a tonne to dump; two mills of 800 t make cement at 50."""
    return {
        "Scenario": {"auto_links": False},
        "Sites": [{"site": "A", "member": "Works"}, {"site": "B", "member": "Other"}],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "cement", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": "slag", "amount_per_year": 1000.0}],
        "Disposal": [{"site": "A", "material": "slag", "fee": 5.0}],
        "Recipes": recipe("mill", "slag", "cement"),
        "Units": [candidate("one", "mill", 800.0, 10 * K), candidate("two", "mill", 800.0, 20 * K)],
        "Markets": [{"site": "A", "material": "cement", "price": 50.0}],
        "Ranges": [{"parameter": "Markets.price", "change": "factor", "low": 0.05, "high": 2.0}],
    }


def chain() -> dict[str, Any]:
    """A crusher makes powder of slag, a press bricks of powder: neither is of use alone."""
    tables = rivals()
    tables["Materials"] = [
        {"material": "slag", "category": "waste"},
        {"material": "powder", "category": "intermediate"},
        {"material": "brick", "category": "product"},
    ]
    tables["Sites"] = [{"site": "A", "member": "Works"}, {"site": "B", "member": "Other"}]
    tables["Recipes"] = recipe("crusher", "slag", "powder") + recipe("press", "powder", "brick")
    press = candidate("press", "press", 1000.0, 15 * K)
    tables["Units"] = [
        candidate("crusher", "crusher", 1000.0, 10 * K),
        {**press, "site": "B"},
    ]
    tables["Links"] = [{"from": "A", "to": "B", "material": "powder", "cost": 2.0}]
    tables["Markets"] = [{"site": "B", "material": "brick", "price": 62.0}]
    return tables


def booked(tables: dict[str, Any]) -> Scenario:
    """The scenario of a book with these sheets: checked, and its words can be changed too."""
    sheets = []
    for name, rows in tables.items():
        if name == "Scenario":
            given = {"name": "test", **rows}
            values = [[k, "no" if v is False else v] for k, v in given.items()]
            sheets.append(RawSheet(name, [["key", "value"], *values]))
            continue
        heads = list(dict.fromkeys(key for row in rows for key in row))
        grid = [[row.get(head) for head in heads] for row in rows]
        sheets.append(RawSheet(name, [list(heads), *grid]))
    return read.scenario_of(Book(tuple(sheets), "test"))


def by_unit(table: pd.DataFrame, unit: str) -> Any:
    return table[table["unit"] == unit].iloc[0]


def even(found: cf.Verdicts, unit: str, kind: str) -> Any:
    table = found.break_evens
    return table[(table["unit"] == unit) & (table["kind"] == kind)].iloc[0]


def test_substitutes_by_hand(make_scenario: Make) -> None:
    found = cf.evaluate(make_scenario(rivals()), jobs=1)
    # With q = 50 + 5 a tonne: one 44 − 10, two 44 − 20, both 55 − 30, none −5 (all + −5).
    base = -5.0
    assert found.best_million == pytest.approx((base + 34) * K)
    one, two = by_unit(found.table, "one"), by_unit(found.table, "two")
    assert one["in_plan"] and not two["in_plan"]
    assert one["value_million"] == pytest.approx(10 * K)
    assert two["value_million"] == pytest.approx(-9 * K)
    pair = found.pairs.iloc[0]
    assert pair["kind"] == "substitutes"
    figures = ["unit_million", "other_million", "pair_million", "interaction_million"]
    assert pair[figures].tolist() == pytest.approx([34 * K, 24 * K, 25 * K, -33 * K])
    # Break-evens: `one` against `two` alone; `two` adds 200 t to what `one` does.
    assert even(found, "one", "capex")["break_even"] == pytest.approx(20 * K)
    assert even(found, "two", "capex")["break_even"] == pytest.approx(11 * K)
    assert even(found, "one", "price")["break_even"] == pytest.approx(7.5)
    assert even(found, "two", "price")["break_even"] == pytest.approx(95.0)
    assert even(found, "one", "gate fee")["break_even"] == pytest.approx(-12.5)
    assert one["waste_dumped_change_t"] == pytest.approx(0.0)
    assert one["stands"] == "in every plan within 1 %"
    # 200 t less to the dump cost 9,000.
    assert two["waste_dumped_change_t"] == pytest.approx(-200.0)
    assert two["cost_per_tonne_diverted"] == pytest.approx(45.0)
    assert two["jobs_change"] == pytest.approx(3.0)
    effects = found.effects[found.effects["unit"] == "two"]
    assert effects["item"][effects["figure"] == "jobs"].isna().all()  # of no material


def test_complements_by_hand(make_scenario: Make) -> None:
    found = cf.evaluate(make_scenario(chain()), jobs=1)
    # Together 1,000 t at 62 − 2 + 5 less 25; alone each only costs its capital.
    assert found.best_million == pytest.approx((-5 + 65 - 25) * K)
    pair = found.pairs.iloc[0]
    assert pair["kind"] == "complements"
    figures = ["unit_million", "other_million", "pair_million", "interaction_million"]
    assert pair[figures].tolist() == pytest.approx([-10 * K, -15 * K, 40 * K, 65 * K])
    assert by_unit(found.table, "crusher")["value_million"] == pytest.approx(40 * K)
    assert even(found, "crusher", "capex")["break_even"] == pytest.approx(50 * K)
    assert even(found, "press", "price")["break_even"] == pytest.approx(22.0)
    # Nothing is built unless both are: the first portfolio holds nothing, the last one both.
    assert found.capital["built"].iat[0] == ""
    assert found.capital["built"].iat[-1] == "crusher; press"
    assert found.capital["objective_million"].iat[-1] == pytest.approx(found.best_million)


@pytest.mark.parametrize("tables", [rivals, chain])
def test_break_evens_hold_just_above_and_below(
    make_scenario: Make, tables: Callable[[], dict[str, Any]]
) -> None:
    """Solved anew with changed cells: the plan builds the unit on one side and not on the other."""
    scenario = make_scenario(tables())
    found = cf.evaluate(scenario, jobs=1, together=False, risks=False)
    checked = 0
    for r in found.break_evens[found.break_evens["note"] == ""].to_dict("records"):
        unit = str(r["unit"])
        for share in (0.999, 1.001):
            if r["kind"] == "capex":
                edits = {f"Units.capex_million[unit={unit}]": r["break_even"] * share}
                better = share < 1.0
            elif r["kind"] == "price":
                factor = r["break_even"] / r["now"] * share
                edits = {f"Markets.price[material={r['material']}]": f"*{factor}"}
                better = share > 1.0
            else:
                continue
            plan = cf.solve(scenario.change(edits))  # type: ignore[arg-type]
            assert (unit in set(plan.built["unit"])) == better, (unit, r["kind"], share)
            checked += 1
    assert checked >= 6


def test_gate_fee_holds_just_above_and_below(make_scenario: Make) -> None:
    fee = even(cf.evaluate(make_scenario(rivals()), ["one"], jobs=1), "one", "gate fee")
    for more in (-0.01, 0.01):
        tables = rivals()
        tables["Recipes"] += recipe("other mill", "slag", "cement")
        tables["Units"][0]["technology"] = "other mill"
        tables["RecipeCosts"] = [
            {"technology": "other mill", "variable_cost": -(fee["break_even"] + more)}
        ]
        plan = cf.solve(make_scenario(tables))
        assert ("one" in set(plan.built["unit"])) == (more > 0)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_without_any_capex_capital_has_no_marginal_value(make_scenario: Make) -> None:
    tables = rivals()
    for unit in tables["Units"]:
        if unit.get("status") == "candidate":
            unit["capex_million"] = 0.0
    capital = cf.evaluate(make_scenario(tables), jobs=1).capital
    assert (capital["capital_million"] == 0.0).all() and capital["marginal_value"].isna().all()


@pytest.mark.parametrize("tables", [rivals, chain])
def test_parts_add_up(make_scenario: Make, tables: Callable[[], dict[str, Any]]) -> None:
    found = cf.evaluate(make_scenario(tables()), jobs=2, samples=3)
    table = found.table
    best = table[["with_million", "without_million"]].max(axis=1)
    assert best.to_numpy() == pytest.approx(np.full(len(table), found.best_million))
    # The price sheet adds up to minus the reduced cost of building, read from the solver.
    sums = found.price_sheets.groupby("unit", sort=False)["million"].sum()
    for r in table.to_dict("records"):
        assert sums[r["unit"]] == pytest.approx(r["profit_million"])
        assert r["profit_million"] == pytest.approx(-r["reduced_cost_million"], abs=1e-9)
        assert r["npv_internal_million"] == pytest.approx(r["profit_million"], abs=1e-9)
    # What members gain, and outside, is what the cluster gains.
    change = found.members.groupby("unit")["change_million"].sum()
    for r in table.to_dict("records"):
        assert change[r["unit"]] == pytest.approx(r["value_million"], abs=1e-9)
    # Marginal values over the steps of capital add up to the gain of all capital.
    capital = found.capital
    gained = (capital["marginal_value"].iloc[:-1] * np.diff(capital["capital_million"])).sum()
    rise = capital["objective_million"].iat[-1] - capital["objective_million"].iat[0]
    assert gained == pytest.approx(rise)
    futures = found.futures
    assert set(futures["unit"]) == set(table["unit"])
    each = found.each_future
    built = each["unit"].map(table.set_index("unit")["in_plan"].astype(bool))
    assert (
        each["right"] == np.where(built, each["worth_million"] >= 0, each["worth_million"] <= 0)
    ).all()
    if (
        tables is rivals
    ):  # another mill's 20,000 are more than 200 t are worth, at any price of these
        two = each[each["unit"] == "two"]
        assert two["worth_million"].between(-20 * K, 200 * (100 + 5) / 1e6 - 20 * K).all()
    assert (each["regret_million"] >= 0.0).all()
    assert (each.loc[each["right"].astype(bool), "regret_million"] == 0.0).all()


def test_existing_unit_member_and_contingency() -> None:
    tables = rivals()
    mill = {k: tables["Units"][0][k] for k in ("unit", "site", "technology", "capacity_per_year")}
    tables["Units"] = [{**mill, "status": "existing", "fixed_cost_million_per_year": 4 * K}]
    scenario = booked(tables)
    found = cf.evaluate(scenario, ["one", "Works"], jobs=1)
    for name in ("one", "Works"):
        assert by_unit(found.table, name)["value_million"] == pytest.approx((44 - 4) * K)
    row = by_unit(found.table, "one")
    assert row["profit_million"] == pytest.approx(-row["reduced_cost_million"])
    assert row["profit_million"] == pytest.approx(row["capacity_rent_million"] - 4 * K)
    # A unit that stands still goes on costing.
    dropped = found.contingency
    assert dropped["loss_million"].tolist() == pytest.approx([44 * K, 44 * K])
    with pytest.raises(StudyError, match="did you mean 'one'"):
        cf.evaluate(scenario, ["onee"])
    with pytest.raises(StudyError, match="no candidates"):
        cf.evaluate(scenario)


def test_beyond_the_budget(make_scenario: Make) -> None:
    tables = rivals()
    tables["Periods"] = [{"period": "p", "years": 1}]
    tables["Budget"] = [{"period": "p", "budget_million": 12 * K}]
    found = cf.evaluate(make_scenario(tables), ["two"], jobs=1)
    row = by_unit(found.table, "two")
    assert not row["within_budget"]
    assert row["value_million"] == pytest.approx(-9 * K)
    assert any("budget" in line for line in found.words("two"))


def test_added_unit_and_best_site() -> None:
    tables = rivals()
    tables["Units"] = tables["Units"][:1]
    tables["Units"][0]["status"] = "off"
    tables["Links"] = [{"from": "A", "to": "B", "material": "slag", "cost": 3.0}]
    tables["Markets"].append({"site": "B", "material": "cement", "price": 60.0})
    scenario = booked(tables)
    text = "unit=new, site=?, technology=mill, capacity_per_year=800, capex_million=0.01"
    new = {**parse_unit(text), "lifetime_years": "1"}
    sites = cf.best_sites(scenario, new)
    # At B 800 t at 60 − 3 + 5, at A at 50 + 5, less 10,000.
    assert sites["site"].tolist() == ["B", "A"]
    assert sites["value_million"].tolist() == pytest.approx([39.6 * K, 34 * K])
    found = cf.evaluate(scenario, add=[{**new, "site": "A"}], jobs=1)
    assert by_unit(found.table, "new")["value_million"] == pytest.approx(34 * K)
    with pytest.raises(StudyError, match="capacity_per_year"):
        add_units(scenario, [{"unit": "x", "site": "A", "technology": "mill"}])
    with pytest.raises(StudyError, match="did you mean 'technology'"):
        add_units(scenario, [{"tecnology": "mill"}])
    with pytest.raises(StudyError, match="not column=value"):
        parse_unit("nonsense")
    with pytest.raises(cf.ScenarioError):
        add_units(scenario, [{**new, "site": "nowhere"}])


def test_irr() -> None:
    assert irr(np.array([-100.0, 110.0])) == pytest.approx(0.1)
    assert irr(np.array([-100.0, 0.0, 121.0])) == pytest.approx(0.1)
    assert np.isnan(irr(np.array([-1.0, -2.0])))


def test_cash_over_several_years(make_scenario: Make) -> None:
    """NPV at the scenario's rate, from the yearly flows, is the discounted margin less capital."""
    tables = rivals()
    tables["Scenario"] |= {"discount_rate": 0.1}
    tables["Periods"] = [{"period": "p", "years": 2}, {"period": "q", "years": 3}]
    tables["Units"] = [{**tables["Units"][0], "lifetime_years": 5, "latest_period": "p"}]
    found = cf.evaluate(make_scenario(tables), jobs=1)
    row = by_unit(found.table, "one")
    years = 1.1 ** -np.arange(5)
    # At market prices the slag is free and the cement fetches 50.
    assert row["npv_market_million"] == pytest.approx(40 * K * years.sum() - 10 * K)
    assert row["payback_market_years"] == pytest.approx(0.25)
    # The slag left over is dumped, so slag is worth −5 and the mill earns 55 a tonne.
    assert row["npv_internal_million"] == pytest.approx(44 * K * years.sum() - 10 * K)
    assert row["value_million"] == pytest.approx(row["npv_internal_million"])


def test_break_evens_and_prices_over_several_years_whatever_the_goals(make_scenario: Make) -> None:
    """800 t a year at 50, and 5 of dumping saved, over five years at 10 %; value counts twice."""
    tables = rivals()
    tables["Scenario"] |= {"discount_rate": 0.1}
    tables["Goals"] = [{"goal": "value", "weight": 2.0}]
    tables["Periods"] = [{"period": "p", "years": 2}, {"period": "q", "years": 3}]
    tables["Units"] = [
        {**candidate("one", "mill", 800.0, 0.1), "lifetime_years": 5, "latest_period": "p"}
    ]
    found = cf.evaluate(make_scenario(tables), jobs=1, together=False, risks=False)
    years = float((1.1 ** -np.arange(5)).sum())
    assert even(found, "one", "capex")["break_even"] == pytest.approx(44 * K * years)
    assert even(found, "one", "price")["break_even"] == pytest.approx(100_000 / years / 800 - 5)
    fee = even(found, "one", "gate fee")["break_even"]
    assert fee == pytest.approx(100_000 / years / 800 - 55)
    sheet = found.price_sheets.set_index(["material", "period"])["price"]
    for period in ("p", "q"):
        assert sheet["cement", period] == pytest.approx(50.0)
        assert sheet["slag", period] == pytest.approx(-5.0)
    row = by_unit(found.table, "one")
    assert (row["period"], row["own_jobs"]) == ("p", 3.0)
    assert row["break_even_capex_million"] == pytest.approx(44 * K * years)


@pytest.mark.parametrize(
    ("charge", "life", "rest"),
    [
        ("annuity", 3, -1 / 1.1**3),  # a year beyond its life: one more instalment
        ("annuity", 4, 0.0),
        ("annuity", 6, 1 / 1.1**4 + 1 / 1.1**5),  # two instalments left
        ("upfront", 3, 0.0),
        ("upfront", 6, 0.0),
    ],
)
def test_one_cash_flow_whatever_the_life(
    make_scenario: Make, charge: str, life: int, rest: float
) -> None:
    """60,000 for a mill that earns 40,000 in each of four years at market prices."""
    tables = rivals()
    tables["Scenario"] |= {"discount_rate": 0.1, "capital_charge": charge}
    tables["Periods"] = [{"period": "p", "years": 2}, {"period": "q", "years": 2}]
    mill = {**tables["Units"][0], "lifetime_years": life, "latest_period": "p"}
    tables["Units"] = [{**mill, "capex_million": 60 * K}]
    found = cf.evaluate(make_scenario(tables), jobs=1, together=False, risks=False)
    row = by_unit(found.table, "one")
    years = 1.1 ** -np.arange(4)
    instalment = 60 / (1.1 ** -np.arange(life)).sum()
    for label, earned in (("market", 40), ("internal", 44)):
        npv = earned * years.sum() - 60 + instalment * rest
        assert row[f"npv_{label}_million"] == pytest.approx(npv * K)
        # The rate at which the same flow is worth nothing; its rest is worth what it is there.
        at = row[f"irr_{label}"]
        other = (1.0 + at) ** -np.arange(4)
        worth = earned * other.sum() - 60 + instalment * rest * 1.1**4 * other[3] / (1 + at)
        if life == 3:
            worth = earned * other.sum() - 60 + instalment * rest * 1.1**3 * other[3]
        assert worth == pytest.approx(0.0, abs=1e-6)
        assert (at > 0.1) == (npv > 0)
    # 40 at once, then 36.36 a year later.
    assert row["payback_market_years"] == pytest.approx(1 + 20 / (40 / 1.1))
    sheet = found.price_sheets
    for label, column in (("market", "market_million"), ("internal", "million")):
        assert sheet[column].sum() == pytest.approx(row[f"npv_{label}_million"])


@pytest.mark.parametrize("charge", ["annuity", "upfront"])
def test_cash_of_what_takes_time_to_build(make_scenario: Make, charge: str) -> None:
    """Decided in year 0, in service from 1 to 3, charged to the end of q: a mill of 800 t that
    earns 40,000 a year at market prices, in p half of it."""
    tables = rivals()
    tables["Scenario"] |= {"discount_rate": 0.1, "capital_charge": charge}
    tables["Periods"] = [{"period": "p", "years": 2}, {"period": "q", "years": 2}]
    times = {"construction_years": 1, "lifetime_years": 2, "latest_period": "p"}
    tables["Units"] = [{**tables["Units"][0], **times, "capex_million": 30 * K}]
    found = cf.evaluate(make_scenario(tables), jobs=1, together=False, risks=False)
    row = by_unit(found.table, "one")
    earned = np.array([20.0, 20, 40, 40])
    instalment = 30 * 1.1 / (1 + 1 / 1.1)
    # In the plan half an instalment in each year of p; of the lifetime those of years 1 and 2.
    charged = instalment * np.array([0.5, 0.5, 1, 1]) if charge == "annuity" else 0 * earned
    paid = instalment * np.array([0, 1, 1, 0]) if charge == "annuity" else 0 * earned
    flow = earned - charged + paid - 30 * np.array([1, 0, 0, 0])
    years = np.arange(4)
    npv = float((flow * 1.1**-years).sum())
    assert row["npv_market_million"] == pytest.approx(npv * K)
    sheet = found.price_sheets
    assert sheet["market_million"].sum() == pytest.approx(npv * K)
    at = row["irr_market"]
    assert (flow * (1 + at) ** -years).sum() == pytest.approx(0.0, abs=1e-6)
    assert (at > 0.1) == (npv > 0)


def test_an_inflow_that_is_noise_gives_no_rate(make_scenario: Make) -> None:
    assert np.isnan(irr(np.array([-1.0, 4e-17])))
    assert np.isnan(irr(np.array([1.0, -4e-17])))
    assert irr(np.array([-100.0, 110.0, 1e-15])) == pytest.approx(0.1)
    # A loan: its worth rises with the rate.
    assert np.isnan(irr(np.array([100.0, -110.0])))
    tables = rivals()
    tables["Markets"][0]["price"] = 0.0
    tables["Disposal"][0]["fee"] = 0.0
    found = cf.evaluate(make_scenario(tables), ["one"], jobs=1, together=False, risks=False)
    assert np.isnan(by_unit(found.table, "one")["irr_market"])
    assert any("IRR none" in line for line in found.words("one"))


def sized() -> dict[str, Any]:
    """One mill of 100 to 800 t, 10 a tonne of size; the plan builds it at 800 t."""
    tables = rivals()
    mill = candidate("one", "mill", 100.0, 1 * K)
    tables["Units"] = [{**mill, "capacity_max_per_year": 800.0, "capex_max_million": 8 * K}]
    return tables


def test_what_drops_out_keeps_its_size(make_scenario: Make) -> None:
    found = cf.evaluate(make_scenario(sized()), jobs=1)
    assert by_unit(found.table, "one")["capacity_per_year"] == pytest.approx(800.0)
    # 55 a tonne; the capital of all 800 t goes on.
    assert found.contingency["loss_million"].tolist() == pytest.approx([44 * K, 44 * K])


@pytest.mark.parametrize("samples", [4, 6])
def test_a_future_keeps_the_size(make_scenario: Make, samples: int) -> None:
    """Where a tonne earns less than its 10 of capital, the mill loses on all of its 800 t.

    Four futures of one parameter are built anew, six are made from its arrays.
    """
    from circflow.studies.sweeps.sampling import ranges_of, sample_points

    tables = sized()
    tables["Ranges"][0] |= {"low": 0.01, "high": 0.3}
    scenario = make_scenario(tables)
    found = cf.evaluate(scenario, jobs=1, samples=samples, seed=3, together=False)
    points = sample_points(ranges_of(scenario), samples, seed=3).points
    expected = [(800 * (50 * float(factor) + 5) - 8000) / 1e6 for (factor,) in points]
    each = found.each_future
    assert each["worth_million"].tolist() == pytest.approx(expected)
    assert each["right"].tolist() == [worth >= 0 for worth in expected]
    assert min(expected) < 0.0 < max(expected)
    assert each["regret_million"].tolist() == pytest.approx([max(-w, 0.0) for w in expected])


def test_pairs_leave_the_size_of_others(make_scenario: Make) -> None:
    """A big mill of the plan keeps its 800 t while two others are weighed up."""
    tables = sized()
    tables["Units"] += [
        candidate("two", "mill", 200.0, 20 * K),
        candidate("three", "mill", 200.0, 30 * K),
    ]
    tables["Streams"][0]["amount_per_year"] = 800.0
    found = cf.evaluate(make_scenario(tables), jobs=1, break_evens=False, risks=False)
    pair = found.pairs[(found.pairs["unit"] == "two") & (found.pairs["other"] == "three")].iloc[0]
    figures = ["unit_million", "other_million", "pair_million", "interaction_million"]
    assert pair[figures].tolist() == pytest.approx([-20 * K, -30 * K, -50 * K, 0.0], abs=1e-9)


def test_tonnes_and_traded_money_are_discounted_alike(make_scenario: Make) -> None:
    tables = chain()
    tables["Scenario"] |= {"discount_rate": 0.1}
    tables["Periods"] = [{"period": "p", "years": 2}, {"period": "q", "years": 3}]
    tables["Streams"][0]["amount_per_year"] = 800.0
    for unit in tables["Units"]:
        unit |= {"lifetime_years": 5, "latest_period": "p"}
    tables["EmissionFactors"] = [
        {"kind": "disposal", "key": "slag", "pollutant": "CO2", "factor": 0.5},
        {"kind": "disposal", "key": "slag", "pollutant": "dust", "factor": 7.0},
    ]
    found = cf.evaluate(make_scenario(tables), ["crusher"], jobs=1, together=False, risks=False)
    row, years = by_unit(found.table, "crusher"), (1.1 ** -np.arange(5)).sum()
    # Powder is worth 62 at the press, which pays it all to the crusher's owner.
    value = 800 * (62 - 2 + 5) * years - 25_000
    assert row["value_million"] == pytest.approx(value / 1e6)
    change = found.members.set_index("member")["change_million"] * 1e6
    assert change["Works"] == pytest.approx(800 * (62 - 2 + 5) * years - 10_000)
    assert change["Other"] == pytest.approx(-15_000)
    assert row["waste_dumped_change_t"] == pytest.approx(-4000)
    assert row["cost_per_tonne_diverted"] == pytest.approx(-value / (800 * years))
    assert row["co2_change_t"] == pytest.approx(-2000)
    assert row["cost_per_tonne_co2"] == pytest.approx(-value / (400 * years))


def test_command_and_workbook(make_scenario: Make, tmp_path: Path) -> None:
    from circflow.cli import cli

    tables = rivals()
    tables["Units"][0]["unit"] = "=1+1 [mill]: a/b"
    tables["Units"][1]["unit"] = "x" * 40
    found = cf.evaluate(make_scenario(tables), jobs=1, samples=2)
    book = tmp_path / "verdicts.xlsx"
    found.write(book)
    with zipfile.ZipFile(book) as content:
        names = content.namelist()
        assert len([n for n in names if "worksheets/sheet" in n]) == len(found.tables()) + 2
        for name in names:
            assert b"<f>" not in content.read(name)
    found.write(tmp_path / "folder")
    assert (tmp_path / "folder" / "words.csv").exists()
    page = found.words("=1+1 [mill]: a/b")
    assert "build it" in page[0]
    assert any("Break-even capex" in line for line in page)
    with pytest.raises(StudyError, match="no verdict on 'nobody'"):
        found.words("nobody")
    runner = CliRunner()
    asked = runner.invoke(cli, ["evaluate", "--help"])
    assert asked.exit_code == 0 and "--add" in asked.output


def delivered() -> dict[str, Any]:
    """1,000 t of slag a year make 1,000 t of cement, sold at 50 in a town beyond a depot; lime is
    bought at 30 and brought in; a tonne of CO2 costs 40."""
    tables = rivals()
    tables["Scenario"] = {"auto_links": False, "transaction_cost_outside": 3.0}
    tables["Sites"] = [{"site": "A", "member": "Works"}, *({"site": s} for s in ("Depot", "Town"))]
    tables["Sites"][1]["hub"] = True
    tables["Sites"].append({"site": "Quarry"})
    tables["Materials"].append({"material": "lime", "category": "input"})
    lime = {"technology": "mill", "role": "input", "material": "lime", "amount": 0.1}
    tables["Recipes"] = [*recipe("mill", "slag", "cement"), lime]
    tables["Units"] = [candidate("mill", "mill", 1000.0, 10 * K)]
    tables["Purchases"] = [{"site": "Quarry", "material": "lime", "price": 30.0}]
    tables["Markets"] = [{"site": "Town", "material": "cement", "price": 50.0}]
    tables["Links"] = [
        {"from": "A", "to": "Depot", "material": "cement", "cost": 12.0, "distance_km": 100.0},
        {"from": "Depot", "to": "Town", "material": "cement", "cost": 8.0, "distance_km": 0.0},
        {"from": "Quarry", "to": "A", "material": "lime", "cost": 10.0, "distance_km": 0.0},
    ]
    tables["EmissionFactors"] = [
        {"kind": "recipe", "key": "mill", "pollutant": "CO2", "factor": 0.1},
        {"kind": "transport", "pollutant": "CO2", "factor": 0.001},
    ]
    tables["EmissionLimits"] = [{"pollutant": "CO2", "scope": "cluster", "price": 40.0}]
    del tables["Ranges"]
    return tables


def test_market_prices_bear_freight_transactions_and_emission_charges(make_scenario: Make) -> None:
    found = cf.evaluate(make_scenario(delivered()), jobs=1)
    sheet = found.price_sheets.groupby("item")["market_million"].sum()
    # cement 50,000; lime 100 t at 30; freight 12 + 8 a tonne of cement, 10 of lime; a member pays
    # 3 to deal with the depot and with the quarry; 0.1 t of CO2 a tonne in the mill, 0.1 on the way
    assert sheet["output"] == pytest.approx(50 * K * 1000 / 1000)
    assert sheet["input"] == pytest.approx(-3 * K)
    assert sheet["freight"] == pytest.approx(-21 * K)
    assert sheet["transactions"] == pytest.approx(-3.3 * K)
    assert sheet["emissions"] == pytest.approx(-8 * K)
    assert sheet["capital"] == pytest.approx(-10 * K)
    mill = by_unit(found.table, "mill")
    assert mill["npv_market_million"] == pytest.approx(4.7 * K)
    # at internal prices these stand in the prices of what it takes and makes
    assert found.price_sheets["million"].sum() == pytest.approx(mill["profit_million"])
    told = " ".join(found.words("mill"))
    assert "freight 0.021, transactions 0.0033, emission charges 0.008" in told


def test_freight_over_two_years_with_a_loss_on_the_way(make_scenario: Make) -> None:
    """A fifth of the cement is lost to the depot: 1,000 t at 12, 800 at 8, 100 of lime at 10."""
    tables = delivered()
    tables["Scenario"] |= {"discount_rate": 0.1}
    tables["Goals"] = [{"goal": "value", "weight": 1.0}]
    tables["Periods"] = [{"period": "1", "years": 2}]
    tables["Units"][0]["lifetime_years"] = 2
    tables["Links"][0]["loss"] = 0.2
    found = cf.evaluate(make_scenario(tables), jobs=1, together=False, risks=False)
    sheet = found.price_sheets.groupby("item")["market_million"].sum()
    assert sheet["freight"] == pytest.approx(-(12 + 6.4 + 1) * K * (1 + 1 / 1.1))


def test_a_penalty_that_is_paid_is_a_charge(make_scenario: Make) -> None:
    tables = delivered()
    limit = {"pollutant": "CO2", "scope": "unit", "key": "mill", "limit_per_year": 20.0}
    tables["EmissionLimits"] = [{**limit, "penalty": 50.0}]
    found = cf.evaluate(make_scenario(tables), jobs=1)
    # 100 t of CO2 in the mill, 80 above the limit: the rent of the 20 below it is nobody's charge
    mill = by_unit(found.table, "mill")
    assert mill["npv_market_million"] == pytest.approx((50 - 3 - 21 - 3.3 - 4 - 10) * K)


def test_rates_and_payback_also_with_money_at_the_end_of_the_year(make_scenario: Make) -> None:
    tables = rivals()
    tables["Periods"] = [{"period": "1", "years": 2}]
    tables["Scenario"] = {"auto_links": False, "capital_charge": "upfront", "discount_rate": 0.1}
    tables["Units"] = [{**candidate("one", "mill", 1000.0, 60 * K), "lifetime_years": 2}]
    one = by_unit(cf.evaluate(make_scenario(tables), jobs=1).table, "one")
    # 50,000 a year. At its start: 60 = 50 + 50/(1 + r), r = 4; at its end 60 = 50/(1+r) + 50/(1+r)²
    assert one["irr_market"] == pytest.approx(4.0)
    assert one["irr_market_end"] == pytest.approx((5 + np.sqrt(25 + 4 * 6 * 5)) / 12 - 1)
    # at its end: 45.4545 after the first year, 41.3223 more after the second
    assert one["payback_market_years"] == pytest.approx(1 + 10 / (50 / 1.1))
    assert one["payback_market_years_end"] == pytest.approx(1 + (60 - 50 / 1.1) / (50 / 1.21))


def test_one_name_is_a_name(make_scenario: Make) -> None:
    """Not the letters of it."""
    quick = {"jobs": 1, "together": False, "break_evens": False, "risks": False}
    found = cf.evaluate(make_scenario(rivals()), "one", **quick)
    assert found.table["unit"].tolist() == ["one"]
