"""A member's own money: by hand, and always adding up to the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.solution.accounts import accounts
from circflow.solution.solution import Solution
from circflow.solver.run import solve
from circflow.studies.cluster.own_money import by_member, own_money, weighted_money

Make = Callable[[dict[str, Any]], Scenario]


def shared(**more: Any) -> dict[str, Any]:
    """A and B send to a hub, which forwards to a town; C is a place outside with waste of its own
    that also goes to the hub."""
    return {
        "Scenario": {"auto_links": False, "transaction_cost_outside": 1.0, **more},
        "Sites": [
            {"site": "A", "member": "A"},
            {"site": "B", "member": "B"},
            {"site": "C"},
            {"site": "Hub", "hub": True},
            {"site": "Town"},
        ],
        "Materials": [{"material": "k", "category": "waste"}],
        "Streams": [
            {"site": "A", "material": "k", "amount_per_year": 60.0},
            {"site": "B", "material": "k", "amount_per_year": 30.0},
            {"site": "C", "material": "k", "amount_per_year": 10.0, "cost": 2.0},
        ],
        "Disposal": [
            {"site": "Town", "material": "k", "fee": 4.0},
            {"site": "B", "material": "k", "fee": 100.0},
        ],
        "Markets": [
            {"site": "Town", "material": "k", "price": 50.0, "max_per_year": 80.0, "premium": 3.0}
        ],
        "Links": [
            {"from": a, "to": b, "material": "k", "cost": c}
            for a, b, c in [("A", "Hub", 1.0), ("B", "Hub", 2.0), ("C", "Hub", 3.0)]
        ]
        + [{"from": "Hub", "to": "Town", "material": "k", "cost": 5.0, "loss": 0.1}],
    }


def money_of(solution: Solution) -> dict[str, dict[str, float]]:
    table = own_money(solution).groupby(["member", "group"])["discounted_million"].sum() * 1e6
    made: dict[str, dict[str, float]] = {}
    for (member, group), value in table.items():
        made.setdefault(str(member), {})[str(group)] = float(value)
    return made


def adds_up(solution: Solution) -> None:
    own = own_money(solution)
    for group, whole in solution.money.groupby("group")["discounted_million"].sum().items():
        parts = own.loc[own["group"] == group, "discounted_million"].sum()
        assert parts == pytest.approx(whole, rel=1e-9, abs=1e-12), group
    assert own["discounted_million"].sum() == pytest.approx(
        solution.money["discounted_million"].sum(), rel=1e-9, abs=1e-12
    )


def test_traced_back_through_places_without_a_member(make_scenario: Make) -> None:
    solution = solve(make_scenario(shared()))
    made = money_of(solution)
    # 100 sent to the hub and on, 90 arrive: 80 sold, 10 disposed of; A 60 %, B 30 %, C 10 %.
    for member, part, way in (("A", 0.6, 1.0), ("B", 0.3, 2.0)):
        sent = 100 * part
        assert made[member] == pytest.approx(
            {
                "transport": -sent * way - part * 100 * 5,
                "transactions": -sent * 1.0,
                "income": part * 80 * 50,
                "synergy": part * 80 * 3,
                "disposal": -part * 10 * 4,
            }
        )
    assert made["outside"] == pytest.approx(
        {
            "streams": -20.0,
            "transport": -10 * 3 - 0.1 * 100 * 5,
            "income": 0.1 * 80 * 50,
            "synergy": 0.1 * 80 * 3,
            "disposal": -0.1 * 10 * 4,
        }
    )
    adds_up(solution)


def test_money_is_discounted_and_by_period(make_scenario: Make) -> None:
    sheets = shared(discount_rate=0.25)
    sheets["Periods"] = [{"period": "1", "years": 1}, {"period": "2", "years": 1}]
    sheets["Synergies"] = [{"synergy": "both", "effect": "scale", "value": 4.0}]
    sheets["SynergyPartners"] = [
        {"synergy": "both", "kind": "flow", "partner": f"{member}>Hub"} for member in ("A", "B")
    ]
    solution = solve(make_scenario(sheets))
    own = own_money(solution).set_index(["member", "group", "period"])["discounted_million"]
    for group in ("income", "synergy"):
        assert own["A", group, "2"] == pytest.approx(own["A", group, "1"] / 1.25)
    assert own["A", "synergy", "1"] * 1e6 == pytest.approx(0.6 * 240 + 30 * 4 / 2)
    adds_up(solution)


def emitting() -> dict[str, Any]:
    sheets = shared()
    sheets["EmissionFactors"] = [
        {"kind": "stream", "pollutant": "CO2", "factor": 1.0},
        {"kind": "sale", "pollutant": "CO2", "factor": -0.5},
    ]
    sheets["EmissionLimits"] = [
        {"pollutant": "CO2", "scope": "cluster", "price": 2.0},
        {
            "pollutant": "CO2",
            "scope": "cluster",
            "limit_per_year": 10.0,
            "penalty": 3.0,
        },
        {"pollutant": "CO2", "scope": "member", "key": "B", "price": 7.0},
    ]
    return sheets


def test_emissions_by_what_each_emitted(make_scenario: Make) -> None:
    solution = solve(make_scenario(emitting()))
    made = money_of(solution)
    # 100 t emitted, 40 avoided by the sales in the town: 50 above the limit, 150 to pay.
    assert made["A"]["emissions"] == pytest.approx(-60 * 2 - 0.6 * 150)
    assert made["B"]["emissions"] == pytest.approx(-30 * 2 - 0.3 * 150 - 30 * 7)
    assert made["outside"]["emissions"] == pytest.approx(-(10 - 40) * 2 - 0.1 * 150)
    adds_up(solution)


def test_who_avoids_bears_no_penalty(make_scenario: Make) -> None:
    books = accounts(solve(make_scenario(emitting())))
    borne = {name: 1e6 * books[name].money["emissions"].sum() for name in ("supply", "sales")}
    assert borne == pytest.approx({"supply": -(100 * 2 + 50 * 3 + 30 * 7), "sales": 40 * 2})


def test_charges_are_discounted_and_count_their_own_pollutant(make_scenario: Make) -> None:
    """Two years at 25 %, and dust besides CO2: 0.1 t a tonne, 5 a tonne."""
    sheets = emitting()
    sheets["Scenario"]["discount_rate"] = 0.25
    sheets["Periods"] = [{"period": "1", "years": 1}, {"period": "2", "years": 1}]
    sheets["EmissionFactors"].append({"kind": "stream", "pollutant": "dust", "factor": 0.1})
    sheets["EmissionLimits"].append({"pollutant": "dust", "scope": "cluster", "price": 5.0})
    solution = solve(make_scenario(sheets))
    table = own_money(solution)
    table = table[table["group"] == "emissions"].set_index(["member", "period"])
    for period, worth in (("1", 1.0), ("2", 0.8)):
        made = table.xs(period, level="period")["discounted_million"] * 1e6
        assert made["A"] == pytest.approx(-worth * (60 * 2 + 0.6 * 150 + 6 * 5))
        assert made["B"] == pytest.approx(-worth * (30 * 2 + 0.3 * 150 + 30 * 7 + 3 * 5))
        assert made["outside"] == pytest.approx(-worth * ((10 - 40) * 2 + 0.1 * 150 + 1 * 5))
    adds_up(solution)


def test_a_synergy_goes_in_equal_parts_to_the_members(make_scenario: Make) -> None:
    sheets = shared()
    sheets["Synergies"] = [
        {"synergy": "both", "effect": "scale", "value": 4.0},
        {"synergy": "nobody", "effect": "scale", "value": 1.0},
    ]
    sheets["SynergyPartners"] = [
        {"synergy": "both", "kind": "flow", "partner": "A>Hub", "ratio": 2.0},
        {"synergy": "both", "kind": "flow", "partner": "B > Hub"},
        {"synergy": "both", "kind": "flow", "partner": "Hub>Town"},
        {"synergy": "nobody", "kind": "flow", "partner": "C>Hub"},
    ]
    made = money_of(solve(make_scenario(sheets)))
    assert made["A"]["synergy"] == pytest.approx(0.6 * 240 + 30 * 4 / 2)
    assert made["B"]["synergy"] == pytest.approx(0.3 * 240 + 30 * 4 / 2)
    assert made["outside"]["synergy"] == pytest.approx(0.1 * 240 + 10)


def test_a_circle_of_places_outside(make_scenario: Make) -> None:
    """What goes round between places without a member does not stop the tracing."""
    sheets = shared()
    sheets["Sites"].append({"site": "Hub2", "hub": True})
    sheets["Links"] += [
        {"from": "Hub", "to": "Hub2", "material": "k", "cost": -1.0, "capacity_per_year": 40.0},
        {"from": "Hub2", "to": "Hub", "material": "k", "cost": 0.0},
    ]
    solution = solve(make_scenario(sheets))
    made = money_of(solution)
    assert made["A"]["income"] == pytest.approx(0.6 * 80 * 50)
    assert made["A"]["transport"] == pytest.approx(-60 - 0.6 * 500 + 0.6 * 40)
    adds_up(solution)


def test_weights_of_goals(make_scenario: Make) -> None:
    sheets = emitting()
    sheets["Scenario"] |= {"discount_rate": 0.25}
    sheets["Periods"] = [{"period": "1", "years": 1}, {"period": "2", "years": 1}]
    years = 1 + 1 / 1.25
    sheets["Goals"] = [
        {"goal": "value", "weight": 2.0},
        {"goal": "synergy", "weight": 0.5},
        {"goal": "jobs", "weight": 0.25},
        {"goal": "emission:CO2", "weight": -3.0},
    ]
    sheets["Recipes"] = [
        {"technology": "t", "role": "input", "material": "k", "amount": 1.0},
    ]
    sheets["Units"] = [
        {"unit": "u", "site": "A", "technology": "t", "capacity_per_year": 0.0, "jobs": 8.0}
    ]
    solution = solve(make_scenario(sheets))
    parts = weighted_money(solution)
    own = own_money(solution)
    synergy = own[own["group"] == "synergy"]
    members = ("A", "B")
    plain = by_member(own, members) - by_member(synergy, members)
    expected = 2.0 * plain + 0.5 * by_member(synergy, members)
    tonnes = [60.0, 30.0, 10.0 - 40.0]
    expected += [-3.0 * t * years / 1e6 for t in tonnes]
    expected[0] += 0.25 * 8.0 * years
    assert parts == pytest.approx(expected)
    assert parts.sum() == pytest.approx(solution.objective)


def test_a_shipped_scenario_adds_up(shipped: Callable[[str], cf.Solution]) -> None:
    solution = solve(shipped("kuzbass").scenario, relax=True)
    adds_up(solution)
    outside = own_money(solution).query("member == 'outside'")
    assert not {"capital", "fixed"} & set(outside["group"])  # all units are of members


def test_what_is_bought_or_arises_outside_is_not_passed_back(make_scenario: Make) -> None:
    sheets = shared()
    sheets["Streams"].append({"site": "Hub", "material": "k", "amount_per_year": 10.0, "cost": 2.0})
    made = money_of(solve(make_scenario(sheets)))
    assert "streams" not in made["A"] | made["B"]
    assert made["outside"]["streams"] == pytest.approx(-(10 + 10) * 2)


def test_what_only_avoids_is_paid_for_what_it_avoids(make_scenario: Make) -> None:
    """Nobody emits: 40 t avoided in the town at a price of 2; a limit of −50 with a penalty of 3
    for the 10 t that are lacking, which is nobody's."""
    sheets = shared()
    sheets["EmissionFactors"] = [{"kind": "sale", "pollutant": "CO2", "factor": -0.5}]
    limit = {"pollutant": "CO2", "scope": "cluster"}
    sheets["EmissionLimits"] = [limit | {"price": 2.0}]
    solution = solve(make_scenario(sheets))
    assert money_of(solution)["outside"]["emissions"] == pytest.approx(40 * 2)
    adds_up(solution)
    sheets["EmissionLimits"] = [limit | {"limit_per_year": -50.0, "penalty": 3.0}]
    solution = solve(make_scenario(sheets))  # audited: the accounts bear what no row does
    assert money_of(solution)["outside"]["emissions"] == pytest.approx(-10 * 3)
    adds_up(solution)


def test_what_no_table_explains_is_nobodys(make_scenario: Make) -> None:
    solution = solve(make_scenario(shared()))
    money = solution.money.copy()
    line = money[money["group"] == "synergy"].iloc[[0]]
    unknown = line.assign(discounted_million=1.0, million_per_year=1.0)
    changed = replace(solution, tables=replace(solution.tables, money=pd.concat([money, unknown])))
    more = money_of(changed)["outside"]["synergy"] - money_of(solution)["outside"]["synergy"]
    assert more == pytest.approx(1e6)
    adds_up(changed)
