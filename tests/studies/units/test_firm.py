"""Which decisions are firm: figures that overturn them, and what knowing them is worth, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.cli import cli
from circflow.data.scenario import Scenario
from circflow.studies.errors import StudyError

Make = Callable[[dict[str, Any]], Scenario]
K = 1e-3
"""A thousand, in million."""
PRICE = "Markets.price"
SOLD = "Markets.max_per_year"


def mill(**ranges: tuple[str, float, float]) -> dict[str, Any]:
    """1,000 t of slag, 5 a tonne to dump; a mill of 1,000 t for 30 K makes cement at 50.

    With the mill 50 − 30 = 20 K, without it −5 K. What is not sold is dumped as slag.
    """
    rows = [
        {"parameter": address, "change": how, "low": low, "high": high}
        for address, (how, low, high) in ranges.items()
    ]
    return {
        "Scenario": {"auto_links": False},
        "Sites": [{"site": "A", "member": "Works"}],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "cement", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": "slag", "amount_per_year": 1000.0}],
        "Disposal": [{"site": "A", "material": "slag", "fee": 5.0}],
        "Recipes": [
            {"technology": "mill", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "mill", "role": "output", "material": "cement", "amount": 1.0},
        ],
        "Units": [
            {
                "unit": "mill", "site": "A", "technology": "mill", "capacity_per_year": 1000.0,
                "status": "candidate", "capex_million": 30 * K, "lifetime_years": 1,
            }
        ],
        "Markets": [{"site": "A", "material": "cement", "price": 50.0, "max_per_year": 1000.0}],
        "Ranges": rows,
    }  # fmt: skip


def decision(found: cf.Firmness) -> dict[str, Any]:
    return {str(k): v for k, v in found.decisions.iloc[0].to_dict().items()}


def test_a_price_overturns_the_mill_exactly_where_it_pays_no_more(make_scenario: Make) -> None:
    # 1,000 · (price + 5) = 30,000 at a price of 25: half of 50; the way from 1 to 0.2 is 0.8.
    found = cf.firm(make_scenario(mill(**{PRICE: ("factor", 0.2, 1.2)})), samples=10, seed=1)
    one = decision(found)
    assert one["in_plan"] and one["worth_million"] == pytest.approx(25 * K)
    assert one["overturned_by"] == PRICE
    assert one["overturned_at"] == pytest.approx(0.5, abs=1e-9)
    assert (one["figure"], one["figure_there"]) == (50.0, pytest.approx(25.0))
    assert one["distance"] == pytest.approx(0.5 / 0.8)
    assert found.turns["exact"].all()
    # Ten strata of a tenth each from 0.2 to 1.2: three below the turn at 0.5.
    assert one["built_share"] == pytest.approx(0.7)
    assert one["firmness"] == "likely"
    assert (found.samples["gain_million"] < 1e-12).sum() == 3
    assert found.gain["gain_million"].iloc[0] == pytest.approx(25 * K)
    assert found.gain["lowest_million"].iloc[0] == pytest.approx(0.0, abs=1e-12)
    assert found.gain["highest_million"].iloc[0] == pytest.approx((60 + 5 - 30) * K)


def test_what_it_is_worth_to_know_the_price(make_scenario: Make) -> None:
    # Five values at 0.3, 0.5, 0.7, 0.9, 1.1: worth 50·f + 5 − 30 = −10, 0, 10, 20, 30, mean 10;
    # who knows the price leaves the −10 out: 60/5 − 10 = 2.
    found = cf.firm(make_scenario(mill(**{PRICE: ("factor", 0.2, 1.2)})), samples=5, seed=1)
    known = found.knowing.iloc[0]
    assert known["mean_worth_million"] == pytest.approx(10 * K)
    assert known["knowing_million"] == pytest.approx(2 * K)
    assert decision(found)["settled_by"] == PRICE
    assert decision(found)["knowing_million"] == pytest.approx(2 * K)


def test_a_limit_overturns_it_within_a_sixty_fourth(make_scenario: Make) -> None:
    # Sold q tonnes at 50 and 5 saved: 55 q = 30,000 at q = 545.45; the way from 1 to 0.36 is 0.64.
    found = cf.firm(make_scenario(mill(**{SOLD: ("factor", 0.36, 1.0)})), samples=4)
    one = decision(found)
    assert one["overturned_at"] == pytest.approx(30 / 55, abs=0.64 / 64)
    assert not found.turns["exact"].any()


def test_a_discount_rate_moves_the_mill_on_a_curve(make_scenario: Make) -> None:
    # 55 K a year pay 400 K, in 20 charges from the day it is built, up to a rate near 15 %.
    sheets = mill(**{"Scenario.discount_rate": ("set", 0.02, 0.3)})
    sheets["Scenario"]["discount_rate"] = 0.12
    sheets["Periods"] = [{"period": "all", "years": 20}]
    sheets["Units"][0] |= {"capex_million": 400 * K, "lifetime_years": 20}
    one = decision(cf.firm(make_scenario(sheets), samples=2, seed=1))
    rate = one["overturned_at"]
    assert rate / (1 + rate) / (1 - (1 + rate) ** -20) == pytest.approx(55 / 400, rel=0.03)


def test_firm_where_nothing_in_the_ranges_overturns_it(make_scenario: Make) -> None:
    found = cf.firm(make_scenario(mill(**{PRICE: ("factor", 0.8, 1.2)})), samples=4)
    one = decision(found)
    assert one["firmness"] == "firm" and one["agree_share"] == 1.0
    assert one["overturned_by"] is None and one["settled_by"] is None
    assert found.turns.empty and found.knowing.empty
    figures = ["overturned_at", "figure", "figure_there", "distance", "knowing_million"]
    assert {d.kind for d in found.decisions.dtypes[figures]} == {"f"}  # also where there are none
    # The held plan: 1,000 · (50 f + 5) − 30,000 over the samples, lowest above f = 0.8.
    assert 15 * K <= one["worth_p5_million"] <= one["worth_p95_million"] <= 35 * K


def test_figures_that_only_together_overturn_it(make_scenario: Make) -> None:
    """Price × 0.6 leaves 5 K, capital × 1.5 leaves 10 K; both lose 10 K."""
    tables = mill(**{PRICE: ("factor", 0.6, 1.0), "Units.capex_million": ("factor", 1.0, 1.5)})
    found = cf.firm(make_scenario(tables), samples=40, seed=3)
    one = decision(found)
    assert found.turns.empty
    assert 0.0 < one["built_share"] < 1.0
    # Lost where 20·u + 15·v > 25, u and v even in 0 to 1: a triangle of (10/15)·(10/20)/2 = 1/6.
    assert one["built_share"] == pytest.approx(5 / 6, abs=0.06)
    assert one["firmness"] == "likely"


def test_a_mill_that_does_not_pay(make_scenario: Make) -> None:
    tables = mill(**{PRICE: ("factor", 0.5, 3.0)})
    tables["Markets"][0]["price"] = 20.0
    one = decision(cf.firm(make_scenario(tables), samples=5))
    assert not one["in_plan"] and one["worth_million"] == pytest.approx(-5 * K)
    assert one["overturned_at"] == pytest.approx(1.25) and one["distance"] == pytest.approx(0.125)


def test_samples_are_those_of_the_sweep(make_scenario: Make) -> None:
    tables = mill(**{PRICE: ("factor", 0.2, 1.2), SOLD: ("factor", 0.4, 1.0)})
    scenario = make_scenario(tables)
    found = cf.firm(scenario, samples=6, seed=2, jobs=2)
    plans = cf.sample(scenario, 6, seed=2).table["objective_million"].to_numpy()
    tables["Units"][0]["status"] = "off"
    today = cf.sample(make_scenario(tables), 6, seed=2).table["objective_million"].to_numpy()
    assert found.samples["gain_million"].to_numpy() == pytest.approx(plans - today, abs=1e-9)


def test_nothing_to_decide_is_an_error(make_scenario: Make) -> None:
    tables = mill(**{PRICE: ("factor", 0.2, 1.2)})
    tables["Units"][0]["status"] = "existing"
    with pytest.raises(StudyError, match="no candidates"):
        cf.firm(make_scenario(tables))
    with pytest.raises(StudyError, match="Ranges"):
        cf.firm(make_scenario(mill()))
    with pytest.raises(StudyError, match="samples"):
        cf.firm(make_scenario(mill(**{PRICE: ("factor", 0.2, 1.2)})), samples=0)


def test_the_command(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "scenarios" / "tutorial.xlsx"
    out = tmp_path / "firm.json"
    arguments = ["firm", str(shipped), "--samples", "3", "--quiet", "--json", str(out)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    content = json.loads(out.read_text("utf-8"))
    assert content["seed"] == 0 and len(content["samples"]) == 3
    assert {row["firmness"] for row in content["decisions"]} <= {"firm", "likely", "doubtful"}
