"""The synergy by effect: by hand, adding up, in no particular order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from circflow.data.scenario import Scenario
from circflow.report.page.study import known_figure
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.effects import effects, waterfall

Make = Callable[[dict[str, Any]], Scenario]


def sheets() -> dict[str, Any]:
    """A sends slag to B's mill, which has waste of its own for 300 of its 1000 t."""
    return {
        "Scenario": {
            "auto_links": False,
            "transaction_cost_inside": 1.0,
            "transaction_cost_outside": 4.0,
        },
        "Sites": [{"site": "A", "member": "A"}, {"site": "B", "member": "B"}],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "cement", "category": "product"},
        ],
        "Streams": [
            {"site": "A", "material": "slag", "amount_per_year": 500.0, "must_handle": False},
            {"site": "B", "material": "slag", "amount_per_year": 300.0, "must_handle": False},
        ],
        "Recipes": [
            {"technology": "mill", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "mill", "role": "output", "material": "cement", "amount": 1.0},
        ],
        "Units": [{"unit": "mill", "site": "B", "technology": "mill", "capacity_per_year": 1000.0}],
        "Markets": [{"site": "B", "material": "cement", "price": 100.0}],
        "Links": [{"from": "A", "to": "B", "material": "slag", "cost": 10.0}],
        "Synergies": [{"synergy": "s", "effect": "risk", "value": 6.0}],
        "SynergyPartners": [{"synergy": "s", "kind": "flow", "partner": "A>B"}],
    }


def test_by_hand(make_scenario: Make) -> None:
    cluster = Cluster(make_scenario(sheets()))
    found = effects(cluster)
    # 500 t at 100 − 10 − 4 need exchange and excess capacity: half each. Cheaper deals, and the
    # synergy, need both besides: a third each.
    base, deals, risk = 500 * 86, 500 * 3, 500 * 6
    both = base / 2 + (deals + risk) / 3
    table = found.table.set_index("effect")["million"] * 1e6
    assert table.to_dict() == pytest.approx(
        {
            "exchange": both,
            "excess_capacity": both,
            "transaction_costs": deals / 3,
            "risk": risk / 3,
        }
    )
    assert found.exact
    assert cluster.synergy * 1e6 == pytest.approx(base + deals + risk)
    last = found.table.set_index("effect")["last_million"] * 1e6
    assert last["risk"] == pytest.approx(risk)
    assert last["exchange"] == pytest.approx(base + deals + risk)
    alone = found.table["alone_million"]
    assert alone.to_numpy() == pytest.approx(0.0, abs=1e-9)


def test_a_waterfall_goes_from_alone_to_together(make_scenario: Make) -> None:
    cluster = Cluster(make_scenario(sheets()))
    found = effects(cluster)
    steps = waterfall(found.table, cluster.alone.objective)
    assert steps["million"].iloc[0] == pytest.approx(cluster.alone.objective)
    assert steps["to_million"].iloc[-1] == pytest.approx(cluster.together.objective)
    assert steps["from_million"].iloc[1:-1].to_list() == pytest.approx(
        steps["to_million"].iloc[:-2].to_list()
    )
    drawn = known_figure("waterfall", steps, "RUB")
    assert drawn is not None
    (trace,) = drawn.views[""]["data"]
    assert trace["type"] == "waterfall"
    assert list(trace["y"]) == pytest.approx(steps["million"].to_list())
    relative = ["relative"] * len(found.table)
    assert trace["measure"] == ["absolute", *relative, "total"]


@pytest.mark.parametrize(
    "unit",
    [
        {"site": "B", "status": "candidate", "capex_million": 0.01, "lifetime_years": 1},
        {"site": "Town"},
    ],
    ids=["only a candidate", "outside"],
)
def test_without_an_existing_unit_of_a_member(make_scenario: Make, unit: dict[str, Any]) -> None:
    """There is no excess capacity then; what is gained comes by the other effects."""
    changed = sheets()
    changed["Sites"].append({"site": "Town"})
    changed["Units"] = [{"unit": "m", "technology": "mill", "capacity_per_year": 1000.0, **unit}]
    if unit["site"] == "Town":  # B sells slag as it is, and keeps no mill
        changed["Markets"].append({"site": "B", "material": "slag", "price": 100.0})
    cluster = Cluster(make_scenario(changed))
    found = effects(cluster)
    assert "excess_capacity" not in set(found.table["effect"])
    assert found.table["million"].sum() == pytest.approx(cluster.synergy)
    assert cluster.synergy > 0.0


def test_hubs_are_infrastructure(make_scenario: Make) -> None:
    changed = sheets()
    changed["Sites"].append({"site": "Hub", "hub": True})
    changed["Links"] = [
        {"from": "A", "to": "Hub", "material": "slag", "cost": 2.0},
        {"from": "Hub", "to": "B", "material": "slag", "cost": 2.0},
    ]
    changed["Units"][0]["capacity_per_year"] = 800.0
    found = effects(Cluster(make_scenario(changed)))
    shares = found.table.set_index("effect")["million"] * 1e6
    assert shares["infrastructure"] == pytest.approx(500 * (100 - 4 - 8) / 2)
    assert shares.sum() == pytest.approx(500 * 88)
    assert "exchange" not in shares  # no link between the two


def test_sampled_orders_add_up_exactly(make_scenario: Make) -> None:
    cluster = Cluster(make_scenario(sheets()))
    sampled = effects(cluster, exact=False, orders=6)
    assert not sampled.exact
    assert sampled.table["million"].sum() == pytest.approx(cluster.synergy, abs=1e-12)
    assert (sampled.table["low_million"] <= sampled.table["high_million"]).all()


def test_not_at_arms_length(make_scenario: Make) -> None:
    with pytest.raises(ValueError, match="arm's length"):
        effects(Cluster(make_scenario(sheets()), arms_length=True))
