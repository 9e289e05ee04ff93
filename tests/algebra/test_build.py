"""The one balance and the one objective."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from circflow.algebra.build import build, objective_terms, weights

SHEETS: dict[str, Any] = {
    "Scenario": {"auto_links": False, "discount_rate": 0.25, "capital_charge": "upfront"},
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 2}],
    "Sites": [{"site": "Mine"}, {"site": "Plant"}, {"site": "Nowhere"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
        {"material": "unused", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 100}],
    "Stockpiles": [{"site": "Mine", "material": "slag"}],
    "Purchases": [{"material": "lime", "price": 50}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 0.1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 0.9},
    ],
    "Units": [
        {
            "unit": "K",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 80,
            "status": "candidate",
            "capex_million": 1,
            "jobs": 10,
            "latest_period": "a",
        }
    ],
    "Links": [{"from": "Mine", "to": "Plant", "material": "slag", "loss": 0.1}],
    "Markets": [{"site": "Plant", "material": "brick", "price": 900, "premium": 5}],
    "Disposal": [{"site": "Mine", "period": "a", "fee": 300}],
    "EmissionFactors": [{"kind": "recipe", "pollutant": "CO2", "factor": 0.2}],
}


@pytest.mark.covers("material_balance")
def test_what_enters_a_site_leaves_it(written: Callable[..., Any]) -> None:
    intake = "intake[slag,K,main,g,{t}]"
    flow = "flow[Mine,Plant,slag,road,{t}]"
    rows = written(SHEETS).rows("material_balance")
    in_a = {
        "Mine,slag,a": "-added[Mine,slag,a] - disposed[Mine,slag,2,a] - "
        + flow
        + " + reclaimed[Mine,slag,a] + taken[Mine,slag,a] == 0",
        "Plant,slag,a": f"0.9 {flow} - {intake} == 0",
        "Plant,lime,a": "-0.1 activity[K,main,a] + bought[Plant,lime,a] == 0",
        "Plant,brick,a": "0.9 activity[K,main,a] - sold[Plant,brick,1,a] == 0",
    }
    in_b = {
        name.replace(",a", ",b"): row.replace(",a]", ",b]").replace(
            " - disposed[Mine,slag,2,b]", ""
        )
        for name, row in in_a.items()
    }
    assert rows == {
        **{name: row.format(t="a") for name, row in in_a.items()},
        **{name: row.format(t="b") for name, row in in_b.items()},
    }


def test_the_objective_is_weighted_and_discounted(written: Callable[..., Any]) -> None:
    # D_a = 1, D_b = 0.8 + 0.64.
    late = 0.8 + 0.64
    goals = [
        {"goal": "value", "weight": 2},
        {"goal": "synergy", "weight": 3},
        {"goal": "jobs", "weight": 0.01},
        {"goal": "emission:CO2", "weight": -100},
    ]
    assert written({**SHEETS, "Goals": goals}).objective() == pytest.approx(
        {
            "bought[Plant,lime,a]": -100,
            "bought[Plant,lime,b]": -100 * late,
            "sold[Plant,brick,1,a]": 2 * 900 + 3 * 5,
            "sold[Plant,brick,1,b]": (2 * 900 + 3 * 5) * late,
            "disposed[Mine,slag,2,a]": -600,
            "activity[K,main,a]": -20,
            "activity[K,main,b]": -20 * late,
            "built[K,a]": -2e6 + 0.1e6 * (1 + late),
        }
    )


def test_goals_that_are_not_listed_keep_their_weight(make_scenario: Callable[..., Any]) -> None:
    plain = weights(make_scenario(SHEETS))
    assert (plain.value, plain.synergy, plain.jobs, plain.emission) == (1.0, 1.0, 0.0, {})
    goals = [{"goal": "synergy", "weight": 0}, {"goal": "emission: CO2", "weight": 4}]
    some = weights(make_scenario({**SHEETS, "Goals": goals}))
    assert (some.value, some.synergy, some.emission) == (1.0, 0.0, {"CO2": 4.0})


def test_the_parts_of_the_objective_add_up_to_it(written: Callable[..., Any]) -> None:
    goals = [{"goal": "jobs", "weight": 0.01}, {"goal": "emission:CO2", "weight": -100}]
    scenario = written({**SHEETS, "Goals": goals})
    terms = objective_terms(scenario.model)
    assert set(terms["part"]) == {"value", "synergy", "jobs", "emission:CO2"}
    by_name = terms.assign(name=[scenario.names[c] for c in terms["column"]])
    total = by_name.groupby("name")["coefficient"].sum() * 1e6
    assert total[total != 0.0].to_dict() == pytest.approx(scenario.objective())


def test_rows_in_which_everything_cancels_do_no_harm(written: Callable[..., Any]) -> None:
    # A unit that gives back what it takes, a group of one whose share may be all.
    sheets = {
        "Sites": [{"site": "Plant"}],
        "Materials": [{"material": "oil", "category": "input"}],
        "Recipes": [
            {"technology": "wash", "role": "input", "material": "oil", "amount": 1, "group": "g"},
            {"technology": "idle", "role": "input", "material": "oil", "amount": 1},
            {"technology": "idle", "role": "output", "material": "oil", "amount": 1},
        ],
        "BlendLimits": [
            {"technology": "wash", "group": "g", "material": "oil", "max": 1, "min": 1}
        ],
        "Units": [
            {"unit": "W", "site": "Plant", "technology": "wash", "capacity_per_year": 1},
            {"unit": "I", "site": "Plant", "technology": "idle", "capacity_per_year": 1},
        ],
    }
    rows = written(sheets).rows("material_balance")
    assert rows == {"Plant,oil,1": "-intake[oil,W,main,g,1] == 0"}


def test_nothing_at_all_is_a_model(written: Callable[..., Any]) -> None:
    scenario = written(
        {"Sites": [{"site": "A"}], "Materials": [{"material": "x", "category": "waste"}]}
    )
    assert scenario.compiled.program.shape == (0, 0)
    assert scenario.rows("material_balance") == {}


def test_two_builds_are_independent(make_scenario: Callable[..., Any]) -> None:
    scenario = make_scenario(SHEETS)
    first, second = build(scenario), build(scenario)
    assert first["sold"] is not second["sold"]
    assert first.count == second.count > 0
