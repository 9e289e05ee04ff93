"""Joining and leaving: the cluster without a member and with it, and its effect on the others.

Members own two resources and make two products of them (see the fixture `production`): W of the
cluster is 992 for A, B and C; 762 for B and C with A alone 68; 710 for A and C with B alone 102.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.commands.cluster import share as command
from circflow.data.scenario import Scenario
from circflow.studies.cluster import games
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.games import Register, nucleolus
from circflow.studies.cluster.joining import Joining
from circflow.studies.cluster.largest_complaint import Search
from circflow.studies.cluster.sharing import Sharing, share

Make = Callable[[dict[str, Any]], Scenario]
Production = Callable[[dict[str, tuple[float, float]]], dict[str, Any]]
M = 1e6
OWNED = {"A": (4.0, 33.0), "B": (6.0, 39.0), "C": (60.0, 0.0)}
TUTORIAL = Path(__file__).parents[3] / "scenarios" / "tutorial"


@pytest.fixture(scope="module")
def scenario(make_scenario: Make, production: Production) -> Scenario:
    return make_scenario(production(OWNED))


@pytest.fixture(scope="module")
def known(scenario: Scenario) -> Sharing:
    return share(scenario, jobs=1, split=False)


@pytest.fixture(scope="module")
def found(scenario: Scenario) -> Joining:
    return cf.joining(scenario, "A", jobs=1)


def test_value_with_and_without_each_member(known: Sharing) -> None:
    table = known.joining.set_index("joiner")
    assert list(table.index) == ["C", "B", "A"]
    assert table["with_million"].to_dict() == pytest.approx(dict.fromkeys("ABC", 992.0))
    assert table["without_million"].to_dict() == pytest.approx({"A": 830, "B": 812, "C": 170})
    assert table["adds_million"].to_dict() == pytest.approx({"A": 162, "B": 180, "C": 822})
    assert table["gain_without_million"].to_dict() == pytest.approx({"A": 660, "B": 642, "C": 0})
    assert table["gain_with_million"].to_dict() == pytest.approx(dict.fromkeys("ABC", 822.0))


def test_the_others_own_money_adds_up(known: Sharing) -> None:
    table, others = known.joining.set_index("joiner"), known.joining_others
    assert not (others["joiner"] == others["member"]).any()
    change = others.groupby("joiner")["change_million"].sum()
    for joiner in "ABC":
        row = table.loc[joiner]
        # All money is somebody's: what the joiner does not get, the others do.
        assert row["own_change_million"] + change[joiner] == pytest.approx(row["adds_million"])
    for row in others.to_dict("records"):
        change = row["with_million"] - row["without_million"]
        assert row["change_million"] == pytest.approx(change)
        expected = "gains" if change > 1e-3 else "loses" if change < -1e-3 else "none"
        assert row["effect"] == expected
    gaining = others[(others["effect"] == "gains") & (others["joiner"] == "C")]["member"]
    assert table.loc["C", "gain"] == ", ".join(gaining)


def test_shares_without_and_with_a_newcomer(found: Joining) -> None:
    """g(B, C) = 660 and g(A, B, C) = 822. Without A there are two members who need each other:
    330 each. At the prices (8, 6) of both plans B has 282 and C 480 with and without A."""
    assert found.adds == pytest.approx(162.0)
    assert (found.before.gain, found.after.gain) == pytest.approx((660.0, 822.0))
    assert found.before.members == ("B", "C")
    shares = found.shares.set_index(["rule", "member"])
    expected = {
        "shapley": {"A": (0, 161), "B": (330, 170), "C": (330, 491)},
        "nucleolus": {"A": (0, 81), "B": (330, 90), "C": (330, 651)},
        "owen": {"A": (0, 162), "B": (180, 180), "C": (480, 480)},
        "equal": {"A": (0, 274), "B": (330, 274), "C": (330, 274)},
    }
    for rule, members in expected.items():
        for member, (without, joined) in members.items():
            row = shares.loc[(rule, member)]
            assert row["without_million"] == pytest.approx(without, abs=1e-5), (rule, member)
            assert row["with_million"] == pytest.approx(joined, abs=1e-5), (rule, member)
    assert shares["effect"]["shapley"].to_dict() == {"A": "gains", "B": "loses", "C": "gains"}
    assert shares["effect"]["owen"].to_dict() == {"A": "gains", "B": "none", "C": "none"}
    assert found.before.epsilon == pytest.approx(-330.0)
    money = found.money.set_index("member")
    assert money["with_million"].sum() - money["without_million"].sum() == pytest.approx(162.0)
    by_effect = found.effects[["without_million", "with_million"]].sum()
    assert by_effect.to_list() == pytest.approx([660.0, 822.0])


@pytest.mark.parametrize("arms_length", [False, True])
def test_a_member_apart_changes_no_coalition(
    make_scenario: Make, production: Production, arms_length: bool
) -> None:
    sheets = production(OWNED)
    sheets["Scenario"] |= {"transaction_cost_outside": 5.0 * M}
    scenario = make_scenario(sheets)
    whole = Cluster(scenario, arms_length=arms_length)
    without = Cluster(scenario, arms_length=arms_length, apart=["A"])
    for group in ([1, 2], [0, 1, 2], [0, 1], [0], []):
        expected = whole.value(frozenset(group) - {0})
        assert without.value(frozenset(group)) == pytest.approx(expected), group
    assert without.plan(without.everybody).objective == pytest.approx(
        whole.value(frozenset([1, 2]))
    )
    assert without.relayed == pytest.approx(0.0, abs=1e-6)


def test_the_nucleolus_of_the_others(make_scenario: Make, production: Production) -> None:
    """With D apart: by all values, by search, and of the cluster that has no D (149, 192, 651)."""
    cluster = Cluster(make_scenario(production({**OWNED, "D": (7.0, 3.0)})), apart=["D"])
    assert cluster.synergy == pytest.approx(822.0)
    pieces, base = games.boxes(cluster.values), cluster.alone.objective
    register = Register.of(pieces, 4, base, cluster.apart)
    for court in (register, Search(cluster)):
        centre, first = nucleolus(court, cluster.synergy, 4, null=cluster.apart)
        assert centre.shares == pytest.approx(np.array([81.0, 90.0, 651.0, 0.0]), abs=1e-4)
        assert first.epsilon == pytest.approx(-81.0, abs=1e-4)


def test_the_command_tells_of_a_newcomer(tmp_path: Path) -> None:
    """The tutorial: Metall and Cement gain 54.1 together, Energo adds 13.2 to it."""
    out = tmp_path / "joins.json"
    done = CliRunner().invoke(
        command, [str(TUTORIAL), "--joining", "Energo", "-o", str(out), "--jobs", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "Energo joins: it adds 13.2" in done.output
    tables = json.loads(out.read_text(encoding="utf-8"))
    assert {"totals", "shares", "money", "core_without", "core_with", "transfers"} <= set(tables)
    gain = next(row for row in tables["totals"] if row["figure"] == "gain_million")
    assert gain["with"] - gain["without"] == pytest.approx(gain["change"])
    wrong = CliRunner().invoke(command, [str(TUTORIAL), "--joining", "Energp"])
    assert wrong.exit_code == 2
    assert "did you mean 'Energo'" in wrong.output
