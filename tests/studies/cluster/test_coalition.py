"""W(S) against scenarios written out by hand, with what S may not use taken away."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circflow.data.scenario import Scenario
from circflow.studies.bench.store import StoreError
from circflow.studies.cluster.coalition import CannotStandAloneError, Cluster, coalition
from circflow.studies.cluster.games import boxes
from circflow.studies.cluster.largest_complaint import Search

Make = Callable[[dict[str, Any]], Scenario]
M = 1e6


def pool(*, hub: bool = False) -> dict[str, Any]:
    """A has slag, B a mill, C a market for cement; a town buys slag cheaply; D does nothing."""
    links = [
        ("A", "B", "slag", 10.0),
        ("B", "C", "cement", 20.0),
        ("A", "Town", "slag", 5.0),
        ("Town", "B", "slag", 1.0),
    ]
    if hub:
        links += [
            ("A", "Hub", "slag", 2.0),
            ("Hub", "B", "slag", 2.0),
            ("Hub", "Town", "slag", 1.0),
        ]
    return {
        "Scenario": {
            "auto_links": False,
            "transaction_cost_inside": 1.0,
            "transaction_cost_outside": 4.0,
        },
        "Sites": [
            *({"site": s, "member": s} for s in "ABCD"),
            {"site": "Town"},
            {"site": "Hub", "hub": True},
        ],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "cement", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": "slag", "amount_per_year": 1000.0}],
        "Disposal": [{"site": "A", "material": "slag", "fee": 30.0}],
        "Recipes": [
            {"technology": "mill", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "mill", "role": "output", "material": "cement", "amount": 1.0},
        ],
        "Units": [{"unit": "mill", "site": "B", "technology": "mill", "capacity_per_year": 800.0}],
        "Markets": [
            {"site": "C", "material": "cement", "price": 200.0},
            {"site": "Town", "material": "slag", "price": 15.0, "max_per_year": 100.0},
        ],
        "Links": [{"from": a, "to": b, "material": k, "cost": c} for a, b, k, c in links],
        "Synergies": [
            {"synergy": "pair", "effect": "integration", "value": 7.0},
            {"synergy": "own", "effect": "scale", "value": 1.0},
        ],
        "SynergyPartners": [
            {"synergy": "pair", "kind": "unit", "partner": "mill"},
            {"synergy": "pair", "kind": "flow", "partner": "B > C"},
            {"synergy": "own", "kind": "flow", "partner": "A>Town"},
        ],
    }


def test_values_by_hand(make_scenario: Make) -> None:
    cluster = Cluster(make_scenario(pool()))
    number = {name: n for n, name in enumerate(cluster.members)}

    def worth(names: str) -> float:
        return cluster.value(frozenset(number[n] for n in names)) * M

    # Alone: 100 t to the town (15 − 5 − 4, and the synergy of one member), 900 t disposed of.
    alone = 100 * (15 - 5 - 4 + 1) - 900 * 30
    assert worth("") == pytest.approx(alone)
    for names in ("A", "AB", "BC", "AC", "ABD", "CD"):
        assert worth(names) == pytest.approx(alone), names
    # Together the mill is full: 800 t at 200 − 10 − 1 − 20 − 1, and both partners' synergy.
    full = 800 * (200 - 10 - 1 - 20 - 1 + 7) + 100 * (15 - 5 - 4 + 1) - 100 * 30
    assert worth("ABC") == pytest.approx(full)
    assert worth("ABCD") == pytest.approx(full)
    assert cluster.gain(frozenset([number["A"]])) == 0.0
    assert cluster.synergy * M == pytest.approx(full - alone)


def test_places_outside_do_not_relay(make_scenario: Make) -> None:
    # Over the town slag would cost 5 + 4 + 1 + 4 rather than 10 + 1.
    sheets = pool()
    sheets["Links"] = [r for r in sheets["Links"] if (r["from"], r["to"]) != ("A", "B")]
    cluster = Cluster(make_scenario(sheets))
    assert cluster.synergy == pytest.approx(0.0)
    relay = 800 * (200 - 5 - 4 - 1 - 4 - 20 - 1 + 7 + 1) - 800 * -30
    assert cluster.relayed * M == pytest.approx(relay)
    # What the town itself has may leave it, also to a member alone.
    sheets["Streams"].append(
        {"site": "Town", "material": "slag", "amount_per_year": 50.0, "must_handle": False}
    )
    sheets["Links"].append({"from": "B", "to": "Town", "material": "cement", "cost": 0.0})
    sheets["Markets"].append({"site": "Town", "material": "cement", "price": 100.0})
    more = Cluster(make_scenario(sheets))
    extra = 50 * (100 - 1 - 4 - 4)
    assert (more.value(frozenset()) - cluster.value(frozenset())) * M == pytest.approx(extra)


def test_stock_at_a_place_outside(make_scenario: Make) -> None:
    for can_add, leaves in ((False, 50.0), (True, 0.0)):
        sheets = pool()
        sheets["Stockpiles"] = [
            {"site": "Town", "material": "slag", "opening": 50.0, "can_add": can_add}
        ]
        sheets["Links"].append({"from": "B", "to": "Town", "material": "cement", "cost": 0.0})
        sheets["Markets"].append({"site": "Town", "material": "cement", "price": 100.0})
        plan = Cluster(make_scenario(sheets)).alone
        sent = plan.flows.loc[plan.flows["from"] == "Town", "sent_per_year"].sum()
        assert sent == pytest.approx(leaves)


def test_a_hub_serves_the_members_of_a_group(make_scenario: Make) -> None:
    sheets = pool(hub=True)
    sheets["Links"] = [r for r in sheets["Links"] if (r["from"], r["to"]) != ("A", "B")]
    cluster = Cluster(make_scenario(sheets))
    a, b, c, d = (frozenset([n]) for n in range(4))
    assert cluster.gain(a) == 0.0
    # With anybody else A may send to the town over the hub: 2 + 1 rather than 5, the hub and the
    # town belong to nobody; but then its own synergy, of the flow A>Town, is not earned.
    per_tonne = (2 + 4 + 1) - (5 + 4 - 1)
    assert cluster.gain(a | d) * M == pytest.approx(100 * -per_tonne)
    assert cluster.gain(b | c | d) == pytest.approx(0.0)
    # Hub in and out cost 2 each and 4 per deal with a place that is no member.
    mill = 800 * (200 - 2 - 4 - 2 - 4 - 20 - 1 + 7 + 30) + 100 * -per_tonne
    assert cluster.gain(a | b | c) * M == pytest.approx(mill)


def test_arms_length(make_scenario: Make) -> None:
    cluster = Cluster(make_scenario(pool()), arms_length=True)
    # Everybody trades at 4 instead of 1 and without the synergy.
    alone = 800 * (200 - 10 - 4 - 20 - 4) + 100 * (15 - 5 - 4 + 1) - 100 * 30
    assert cluster.value(frozenset()) * M == pytest.approx(alone)
    assert cluster.gain(frozenset([0, 1])) * M == pytest.approx(800 * 3)
    assert cluster.gain(frozenset([1, 2])) * M == pytest.approx(800 * (3 + 7))
    assert cluster.synergy * M == pytest.approx(800 * (3 + 3 + 7))
    money = cluster.alone.money
    paid = -money.loc[money["group"] == "transactions", "million"].sum() * M
    assert paid == pytest.approx(800 * 8 + 100 * 4)
    assert money["million"].sum() == pytest.approx(cluster.alone.objective)
    # The books are as before for everybody in.
    whole = cluster.together.money["million"].sum()
    assert whole == pytest.approx(cluster.together.objective)


def test_members_that_cannot_stand_alone(make_scenario: Make) -> None:
    sheets = pool()
    sheets["Disposal"] = []
    with pytest.raises(CannotStandAloneError) as raised:
        _ = Cluster(make_scenario(sheets)).alone
    assert raised.value.members == ("A",)
    assert "A" in raised.value.reason
    # A shared limit: each could stand alone, but not both.
    sheets["Disposal"] = [
        {"site": "Town", "material": "slag", "fee": 1.0, "capacity_per_year": 950.0}
    ]
    sheets["Streams"].append({"site": "C", "material": "slag", "amount_per_year": 900.0})
    sheets["Links"].append({"from": "C", "to": "Town", "material": "slag", "cost": 0.0})
    with pytest.raises(CannotStandAloneError) as raised:
        _ = Cluster(make_scenario(sheets)).alone
    assert raised.value.members == ()
    assert "share" in raised.value.reason


def test_public_function_and_misspelt_names(make_scenario: Make) -> None:
    scenario = make_scenario(pool())
    found = coalition(scenario, ["C", "A", "B"])
    assert found.members == ("A", "B", "C")
    assert found.gain == pytest.approx(found.value - found.alone)
    assert found.solution.audit.passed
    with pytest.raises(ValueError, match="'Z' is not a member"):
        coalition(scenario, ["Z"])


def with_candidate() -> dict[str, Any]:
    sheets = pool(hub=True)
    sheets["Units"].append(
        {
            "unit": "second mill",
            "site": "B",
            "technology": "mill",
            "status": "candidate",
            "capacity_per_year": 500.0,
            "capex_million": 0.05,
            "lifetime_years": 2,
        }
    )
    return sheets


def test_boxes_tell_every_value_with_few_solves(make_scenario: Make) -> None:
    scenario = make_scenario(with_candidate())
    cluster, fresh = Cluster(scenario), Cluster(scenario)
    pieces = boxes(cluster.values)
    for size in range(5):
        for group in combinations(range(4), size):
            one = frozenset(group)
            holds = [p for p in pieces if p.inside <= one and not p.outside & one]
            assert len(holds) == 1
            assert holds[0].value == pytest.approx(fresh.values(one), abs=1e-9)
    assert cluster.values.solves < 16


def test_the_worst_group_is_found_without_all_values(make_scenario: Make) -> None:
    for arms_length in (False, True):
        cluster = Cluster(make_scenario(with_candidate()), arms_length=arms_length)
        search = Search(cluster, gap=1e-9)
        random = np.random.default_rng(7)
        for _ in range(4):
            shares = random.dirichlet(np.ones(4)) * cluster.synergy
            groups = [frozenset(g) for k in (2, 3) for g in combinations(range(4), k)]
            best = max(cluster.gain(g) - sum(shares[list(g)]) for g in groups)
            found = search.separated(shares)
            assert found is not None
            assert found.excess == pytest.approx(best, rel=1e-6)
            assert found.bound >= best - 1e-6 * abs(best)
            # Of those without the first member alone.
            without = [g for g in groups if 0 not in g]
            other = search.separated(shares, np.array([-1.0, 0.5, 0.5, 0.5]))
            assert other is not None
            least = max(cluster.gain(g) - sum(shares[list(g)]) for g in without)
            assert other.excess >= least - 1e-6 * abs(least)


def test_a_store_goes_on_and_refuses_what_is_foreign(make_scenario: Make, tmp_path: Path) -> None:
    store = tmp_path / "values.sqlite"
    sheets = with_candidate()
    first = Cluster(make_scenario(sheets), store=store)
    pieces = boxes(first.values)
    assert first.values.solves > 0
    second = Cluster(make_scenario(sheets), store=store)
    assert {(p.inside, p.outside): p.value for p in boxes(second.values)} == {
        (p.inside, p.outside): p.value for p in pieces
    }
    assert second.values.solves == 0
    sheets["Markets"][0]["price"] = 201.0
    with pytest.raises(StoreError, match="another scenario"):
        Cluster(make_scenario(sheets), store=store)
    sheets["Markets"][0]["price"] = 200.0
    with pytest.raises(StoreError, match="another study"):
        Cluster(make_scenario(sheets), store=store, gap=1e-3)
    earlier = tmp_path / "values.jsonl"
    earlier.write_text('{"circflow": "values", "label": "", "switches": 4}\n', encoding="utf-8")
    with pytest.raises(StoreError, match="another version of circflow: name another file"):
        Cluster(make_scenario(sheets), store=earlier)
    assert earlier.read_text(encoding="utf-8").startswith('{"circflow"')


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_links_taken_away_give_the_same_value(make_scenario: Make, data: st.DataObject) -> None:
    """W(S) of random clusters is the optimum of the scenario without what S may not use."""
    amount = st.integers(0, 9)
    sites = ["P", "Q", "R", "Hub"]
    sheets: dict[str, Any] = {
        "Scenario": {"auto_links": False, "transaction_cost_inside": 1.0},
        "Sites": [
            {"site": s, "member": s if s != "Hub" else None, "hub": s == "Hub"} for s in sites
        ],
        "Materials": [{"material": "k", "category": "waste"}],
        "Streams": [
            {"site": s, "material": "k", "amount_per_year": float(data.draw(amount))}
            for s in sites[:3]
        ],
        "Disposal": [
            {"site": s, "material": "k", "fee": float(data.draw(amount))} for s in sites[:3]
        ],
        "Markets": [
            {
                "site": s,
                "material": "k",
                "price": float(data.draw(amount)),
                "max_per_year": float(data.draw(amount)),
            }
            for s in sites[:3]
        ],
        "Links": [
            {"from": a, "to": b, "material": "k", "cost": float(data.draw(st.integers(0, 3)))}
            for a in sites
            for b in sites
            if a != b
        ],
    }
    from circflow.solver.run import solve

    cluster = Cluster(make_scenario(sheets))
    for group in ((), (0,), (0, 1), (1, 2), (0, 1, 2)):
        inside = {sites[n] for n in group} if len(group) > 1 else set()
        kept = [r for r in sheets["Links"] if {r["from"], r["to"]} - {"Hub"} <= inside]
        reduced = make_scenario({**sheets, "Links": kept})
        assert cluster.value(frozenset(group)) == pytest.approx(
            solve(reduced).objective, abs=1e-12, rel=1e-9
        )


STRANDED = {
    "Sites": [
        {"site": "Works", "member": "Steel", "latitude": 57.0, "longitude": 60.0},
        {"site": "Kiln", "member": "Cement", "latitude": 57.1, "longitude": 60.0},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "cement", "category": "product"},
    ],
    "Streams": [{"site": "Works", "material": "slag", "amount_per_year": 100.0}],
    "Recipes": [
        {"technology": "grinding", "role": "input", "material": "slag", "amount": 1.0},
        {"technology": "grinding", "role": "output", "material": "cement", "amount": 1.0},
    ],
    "Units": [
        {
            "unit": "Mill",
            "site": "Kiln",
            "technology": "grinding",
            "capacity_per_year": 200.0,
            "min_load": 0.4,
        }
    ],
    "Markets": [{"site": "Kiln", "material": "cement", "price": 100.0}],
    "Disposal": [{"site": "Works", "material": "slag", "fee": 10.0, "capacity_per_year": 30.0}],
}
"""Alone, the mill has no slag for its least load, and the works may dump 30 of its 100."""


def test_who_cannot_stand_alone_is_told_with_the_cells_and_what_helps(
    make_scenario: Make,
) -> None:
    with pytest.raises(CannotStandAloneError) as raised:
        coalition(make_scenario(STRANDED), ["Steel", "Cement"])
    error = raised.value
    assert error.members == ("Steel", "Cement")
    assert error.explanation is not None
    assert [str(change.cell) for change in error.explanation.together] == [
        "Units!G2",
        "Disposal!E2",
    ]
    assert [change.after for change in error.explanation.together] == [0.0, 100.0]
    assert error.explanation.verified
    assert error.at_arms_length
    assert "--arms-length" in error.reason
    assert "100 t/yr of slag at Works must be handled" in error.reason
    assert "Units!G2: Mill must run at 0.4" in error.brief
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason, copy.members) == (error.reason, error.members)


def test_a_baseline_that_cannot_be_says_why(make_scenario: Make) -> None:
    from circflow.solver.run import solve
    from circflow.studies.cluster.baselines import comparisons

    alone, dumped = comparisons(solve(make_scenario(STRANDED)), longest=1e9)
    assert alone.totals is None
    assert alone.reason.startswith("Steel, Cement cannot stand alone: Units!G2: Mill")
    assert dumped.totals is None
    assert "100 t/yr of slag at Works must be handled" in dumped.reason
