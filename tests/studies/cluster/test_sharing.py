"""Rules of sharing: known results, what they must add up to, the core."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circflow.cli import cli
from circflow.commands import common
from circflow.commands.cluster import sharing_lines
from circflow.data.scenario import Scenario
from circflow.solver.highs import SolverError
from circflow.studies.cluster import coalition_values, games, sharing
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.games import Box, Register, nucleolus, payments, shapley, subsidy
from circflow.studies.cluster.largest_complaint import Search
from circflow.studies.cluster.leaving import leaving
from circflow.studies.cluster.owen import owen
from circflow.studies.cluster.sharing import Sharing, share
from circflow.studies.progress import Clock

Make = Callable[[dict[str, Any]], Scenario]
Production = Callable[[dict[str, tuple[float, float]]], dict[str, Any]]
M = 1e6
OWNED = {"A": (4.0, 33.0), "B": (6.0, 39.0), "C": (60.0, 0.0)}
ALONE = {"A": 68.0, "B": 102.0, "C": 0.0}


@pytest.fixture(scope="module")
def known(make_scenario: Make, production: Production) -> Sharing:
    return share(make_scenario(production(OWNED)), jobs=1)


def test_known_coalition_values(known: Sharing) -> None:
    values = {}
    for size in (1, 2, 3):
        for group in combinations(range(3), size):
            names = [known.members[n] for n in group]
            gain = known.cluster.gain(frozenset(group))
            values["".join(names)] = gain + sum(ALONE[n] for n in names)
    assert values == pytest.approx(
        {"A": 68, "B": 102, "C": 0, "AB": 170, "AC": 710, "BC": 762, "ABC": 992}
    )
    alone = known.money.groupby("member")["alone_million"].sum()
    assert {n: alone[n] for n in ALONE} == pytest.approx(ALONE)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("owen", (230.0, 282.0, 480.0)),
        ("shapley", (229.0, 272.0, 491.0)),
        ("nucleolus", (149.0, 192.0, 651.0)),
        ("equal", (342.0, 376.0, 274.0)),
    ],
)
def test_known_allocations(known: Sharing, rule: str, expected: tuple[float, float, float]) -> None:
    shares = known.of(rule)
    income = [shares[n] + ALONE[n] for n in "ABC"]
    assert income == pytest.approx(expected)
    assert sum(shares.values()) == pytest.approx(known.gain, rel=1e-12)


def test_the_core_names_who_would_leave(known: Sharing) -> None:
    core = known.core.set_index("rule")
    assert core.loc["owen", "in_core"] == "yes"
    assert core.loc["nucleolus", "lacks_million"] == pytest.approx(-81.0)
    assert known.epsilon == pytest.approx(-81.0)
    assert known.epsilon_proven
    # Equal thirds of 822: B and C could have 660 rather than 548.
    assert core.loc["equal", "in_core"] == "no"
    assert core.loc["equal", "group"] == "B, C"
    assert core.loc["equal", "lacks_million"] == pytest.approx(112.0)
    assert not known.core_empty
    assert known.subsidy == 0.0
    assert known.owen_applies, known.owen_why_not
    with pytest.raises(ValueError, match="no rule 'fair'"):
        known.of("fair")


def test_transfers_carry_a_rule_out(known: Sharing) -> None:
    money = known.money.groupby("member")[["alone_million", "together_million"]].sum()
    for rule in dict.fromkeys(known.allocations["rule"]):
        paid = known.transfers[known.transfers["rule"] == rule]
        assert (paid["million"] > 0.0).all()
        shares = known.of(rule)
        for member in known.members:
            received = paid.loc[paid["to"] == member, "million"].sum()
            given_away = paid.loc[paid["from"] == member, "million"].sum()
            ends_with = money.loc[member, "together_million"] + received - given_away
            assert ends_with == pytest.approx(
                money.loc[member, "alone_million"] + shares[member], abs=1e-6
            )


def test_exchanges_have_the_prices_of_the_plan(known: Sharing) -> None:
    # One dual solution: resource 1 is worth 8 (480 / 60), resource 2 is worth 6 (230 = 4·8 + 33·6).
    prices = known.exchanges.groupby("material")["price"].agg(["min", "max"]) / M
    for material, worth in (("r1", 8.0), ("r2", 6.0)):
        if material in prices.index:
            assert prices.loc[material].tolist() == pytest.approx([worth, worth])
    assert len(known.exchanges)


def test_if_a_member_leaves(known: Sharing) -> None:
    without = known.leaving.groupby("leaver")["change_million"].sum()
    assert without.to_dict() == pytest.approx({"A": 660 - 822, "B": 642 - 822, "C": -822})


def test_sampled_orders_agree_with_the_exact_value(known: Sharing) -> None:
    found = games.sampled_shapley(known.cluster.gain, 3, orders=400, seed=1)
    exact = np.array(list(known.of("shapley").values()))
    assert (np.abs(found.values - exact) <= found.half_width * 1.6 + 1e-9).all()
    assert found.values.sum() == pytest.approx(known.gain)
    assert not found.exact
    assert (found.half_width > 0.0).all()


# --------------------------------------------------------------------------- games by themselves


def gains_of(count: int, worth: Callable[[frozenset[int]], float]) -> np.ndarray:
    return np.array(
        [worth(frozenset(n for n in range(count) if mask >> n & 1)) for mask in range(1 << count)]
    )


@given(st.lists(st.floats(-5, 5), min_size=8, max_size=8))
def test_shapley_of_boxes_is_the_mean_over_orders(values: list[float]) -> None:
    table = {frozenset(n for n in range(3) if m >> n & 1): values[m] for m in range(8)}
    everybody = frozenset(range(3))
    pieces = [Box(group, everybody - group, value) for group, value in table.items()]
    total = np.zeros(3)
    for order in permutations(range(3)):
        for at, player in enumerate(order):
            total[player] += table[frozenset(order[: at + 1])] - table[frozenset(order[:at])]
    assert shapley(pieces, 3) == pytest.approx(total / 6, abs=1e-12)


def test_gloves() -> None:
    """One left glove (player 0), two right ones: a pair is worth 1 (Shapley: 2/3, 1/6, 1/6)."""
    pieces = [
        Box(frozenset([0, 1]), frozenset(), 1.0),
        Box(frozenset([0, 2]), frozenset([1]), 1.0),
        Box(frozenset(), frozenset([0]), 0.0),
        Box(frozenset([0]), frozenset([1, 2]), 0.0),
    ]
    assert shapley(pieces, 3) == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    centre, first = nucleolus(Register.of(pieces, 3), 1.0, 3)
    assert centre.shares == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)
    assert first.epsilon == pytest.approx(0.0, abs=1e-9)


def test_majority_has_an_empty_core() -> None:
    """Any two of three gain 1: the worst complaint is 1/3, and 1/2 from outside holds them."""
    court = Register(gains_of(3, lambda s: float(len(s) >= 2)), 3)
    centre, first = nucleolus(court, 1.0, 3)
    assert centre.shares == pytest.approx([1 / 3] * 3)
    assert first.epsilon == pytest.approx(1 / 3)
    assert subsidy(court, 1.0, 3) == pytest.approx(0.5)


def test_nucleolus_of_a_bankruptcy() -> None:
    """Claims of 100, 200 and 300: the Talmud's division (Aumann and Maschler 1985)."""
    claims = np.array([100.0, 200.0, 300.0])
    for estate, expected in ((100, [100 / 3] * 3), (200, [50, 75, 75]), (300, [50, 100, 150])):

        def worth(group: frozenset[int], estate: float = estate) -> float:
            others = sum(claims[n] for n in range(3) if n not in group)
            return max(0.0, estate - others)

        centre, _ = nucleolus(Register(gains_of(3, worth), 3), estate, 3)
        assert centre.shares == pytest.approx(expected)


@settings(max_examples=15)
@given(
    st.lists(st.integers(0, 9), min_size=8, max_size=8),
    st.lists(st.integers(-3, 9), min_size=4, max_size=4),
)
def test_a_player_who_adds_nothing(values: list[int], shares: list[int]) -> None:
    """With player 1 null the register without its bit has the same nucleolus as that of all 16
    groups, and finds the same complaint of any division."""
    full = np.array([float(values[m & 1 | m >> 1 & 6]) for m in range(16)])
    full[[0, 1, 2, 3, 4, 6, 8, 10]] = 0.0  # nobody gains alone
    full[[13, 15]] = 9.0
    whole, null = full[15], frozenset([1])
    every = Register(full, 4)
    few = Register(full[[0, 1, 4, 5, 8, 9, 12, 13]], 4, null)
    expected, _ = nucleolus(every, whole, 4)
    found, _ = nucleolus(few, whole, 4, null=null)
    assert found.shares == pytest.approx(expected.shares, abs=1e-5)
    assert found.shares[1] == 0.0
    division = np.array(shares) + (whole - sum(shares)) / 4
    worst = [court.worst(division, np.zeros((0, 4))) for court in (every, few)]
    assert worst[0] is not None
    lacks = [max(w.excess, 0.0) if w is not None else 0.0 for w in worst]
    assert lacks[0] == pytest.approx(lacks[1], abs=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9))
def test_payments_settle_balances(amounts: list[float]) -> None:
    balances = np.array(amounts) - np.mean(amounts)
    left = balances.copy()
    made = payments(balances)
    for payer, taker, amount in made:
        assert amount > 0.0
        left[payer] += amount
        left[taker] -= amount
    assert np.abs(left).max() <= 1e-6
    assert len(made) < len(amounts)


# --------------------------------------------------------------------------- Owen's theorem

whole = st.integers(0, 9)


@st.composite
def clusters(draw: st.DrawFn, production: Production) -> dict[str, Any]:
    """LP clusters in which members own everything: streams, units, markets of their own, a hub of
    nobody's, a synergy, two periods, losses on the way."""
    members = ["A", "B", "C", "D"][: draw(st.integers(2, 4))]
    sheets = production({m: (float(draw(whole)), float(draw(whole))) for m in members})
    sheets["Scenario"] |= {
        "transaction_cost_inside": draw(st.sampled_from([0.0, 0.3 * M])),
        "transaction_cost_outside": 0.5 * M,
        "discount_rate": 0.1,
    }
    sheets["Periods"] = [{"period": "1", "years": 2}, {"period": "2", "years": 1}]
    for unit in sheets["Units"]:
        unit["capacity_per_year"] = float(draw(st.integers(0, 4)))
    for market in sheets["Markets"]:
        market["max_per_year"] = float(draw(st.integers(0, 4)))
        market["price"] += draw(whole) * M
    for link in sheets["Links"]:
        link["cost"] = draw(st.integers(0, 3)) * M
        link["loss"] = draw(st.sampled_from([0.0, 0.1]))
    if draw(st.booleans()):
        sheets["Sites"].append({"site": "Hub", "hub": True})
        for m in members:
            for a, b in ((m, "Hub"), ("Hub", m)):
                sheets["Links"].append({"from": a, "to": b, "material": "r1", "cost": 0.0})
    if draw(st.booleans()):
        sheets["Synergies"] = [
            {
                "synergy": "pair",
                "effect": "scale",
                "value": 5.0 * M,
                "max_per_year": draw(st.sampled_from([None, 1.0])),
            }
        ]
        sheets["SynergyPartners"] = [
            {"synergy": "pair", "kind": "unit", "partner": "works A", "ratio": 2.0},
            {"synergy": "pair", "kind": "unit", "partner": "works B"},
            {"synergy": "pair", "kind": "flow", "partner": "A>B", "ratio": 3.0},
        ][: draw(st.integers(2, 3))]
    sheets["Stockpiles"] = [
        {"site": "A", "material": "r1", "opening": float(draw(whole)), "can_add": True}
    ]
    return sheets


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_owen_is_in_the_core(
    make_scenario: Make, production: Production, data: st.DataObject
) -> None:
    cluster = Cluster(make_scenario(data.draw(clusters(production))))
    found = owen(cluster)
    assert found.applies, found.why
    assert found.shares.sum() == pytest.approx(cluster.synergy, abs=1e-9, rel=1e-9)
    scale = max(abs(cluster.together.objective), 1.0)
    count = len(cluster.members)
    for size in range(1, count + 1):
        for group in combinations(range(count), size):
            share_of_group = found.shares[list(group)].sum()
            assert share_of_group >= cluster.gain(frozenset(group)) - 1e-7 * scale, group


def test_owen_says_why_it_may_fail(make_scenario: Make, production: Production) -> None:
    sheets = production(OWNED)
    sheets["Sites"].append({"site": "Town"})
    sheets["Markets"].append({"site": "Town", "material": "p", "price": M, "max_per_year": 1.0})
    sheets["Budget"] = [{"period": "1", "budget_million": 1.0}]
    found = owen(Cluster(make_scenario(sheets)))
    assert not found.applies
    assert "Markets" in found.why
    assert "Budget" in found.why


# --------------------------------------------------------------------------- larger, and decisions


def test_rules_without_all_values_agree(make_scenario: Make, production: Production) -> None:
    """The nucleolus by searching for who complains most, beside that of all 2ⁿ values."""
    cluster = Cluster(make_scenario(production({**OWNED, "D": (7.0, 3.0)})))
    count = len(cluster.members)
    court = Register.of(games.boxes(cluster.values), count, cluster.alone.objective)
    expected, first = nucleolus(court, cluster.synergy, count)
    fresh = Cluster(cluster.scenario)
    search = Search(fresh)
    near = np.full(count, fresh.synergy / count)
    found, least = nucleolus(search, fresh.synergy, count, near=near)
    assert found.shares == pytest.approx(expected.shares, rel=1e-5, abs=1e-4)
    assert found.proven
    assert least.epsilon == pytest.approx(first.epsilon, rel=1e-5)
    assert least.proven


def one_of_three(make_scenario: Make) -> Scenario:
    """Three members with 1 t each; a plant at any of them takes 2 t, all or nothing: any two can
    have all that three can."""
    sites = ["A", "B", "C"]
    return make_scenario(
        {
            "Scenario": {"auto_links": False},
            "Sites": [{"site": s, "member": s} for s in sites],
            "Materials": [
                {"material": "k", "category": "waste"},
                {"material": "p", "category": "product"},
            ],
            "Streams": [
                {"site": s, "material": "k", "amount_per_year": 1.0, "must_handle": False}
                for s in sites
            ],
            "Recipes": [
                {"technology": "t", "role": "input", "material": "k", "amount": 1.0},
                {"technology": "t", "role": "output", "material": "p", "amount": 1.0},
            ],
            "Units": [
                {
                    "unit": f"works {s}",
                    "site": s,
                    "technology": "t",
                    "capacity_per_year": 2.0,
                    "min_load": 1.0,
                    "can_idle": True,
                }
                for s in sites
            ],
            "Markets": [{"site": s, "material": "p", "price": 0.5 * M} for s in sites],
            "Links": [
                {"from": a, "to": b, "material": "k", "cost": 0.0}
                for a in sites
                for b in sites
                if a != b
            ],
        }
    )


def test_an_empty_core_and_what_holds_it_together(make_scenario: Make) -> None:
    found = share(one_of_three(make_scenario), jobs=1, split=False)
    assert found.gain == pytest.approx(1.0)
    assert found.core_empty
    assert found.epsilon == pytest.approx(1 / 3)
    assert found.subsidy == pytest.approx(0.5)
    assert set(found.core["in_core"]) == {"no"}
    assert found.of("shapley") == pytest.approx(dict.fromkeys("ABC", 1 / 3))


def test_the_command_writes_every_table(
    make_scenario: Make, tmp_path: Path, known: Sharing
) -> None:
    from circflow.commands.cluster import share as command
    from circflow.report.study_tables import write_tables

    out = tmp_path / "out.json"
    write_tables(known.tables(), out, currency="RUB")
    tables = json.loads(out.read_text(encoding="utf-8"))
    assert {"allocations", "core", "transfers", "exchanges", "effects"} <= set(tables)
    write_tables(known.tables(), tmp_path / "out.xlsx", currency="RUB")
    write_tables(known.tables(), tmp_path / "folder", currency="RUB")
    assert (tmp_path / "folder" / "core.csv").exists()
    tutorial = Path(__file__).parents[3] / "scenarios" / "tutorial"
    done = CliRunner().invoke(
        command, [str(tutorial), "-o", str(tmp_path / "t.xlsx"), "--jobs", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "Would a group leave?" in done.output
    assert (tmp_path / "t.xlsx").exists()


# --------------------------------------------------------------------------- early answers


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters of any size are taken for large ones."""
    monkeypatch.setattr(sharing, "EXACT_MEMBERS", 0)


@pytest.mark.usefixtures("large")
def test_early_answers_then_the_best(make_scenario: Make, production: Production) -> None:
    early: list[Sharing] = []
    last = share(make_scenario(production(OWNED)), jobs=1, seconds=300.0, early=early.append)
    assert [answer.complete for answer in early] == [False, False]
    assert last.complete
    for answer in early:
        pd.testing.assert_frame_equal(answer.effects, last.effects)
        pd.testing.assert_frame_equal(answer.leaving, last.leaving)
    for answer in (*early, last):  # less what each has alone
        assert answer.of("owen") == pytest.approx({"A": 162, "B": 180, "C": 480})
        assert sum(answer.of("shapley").values()) == pytest.approx(992 - 170)
        assert answer.gain == pytest.approx(last.gain)
    assert "an early answer" in repr(early[0]) and "an early answer" not in repr(last)


@pytest.mark.usefixtures("large")
def test_ctrl_c_keeps_what_there_is(make_scenario: Make, production: Production) -> None:
    early: list[Sharing] = []

    def stop_after_the_first(_: str) -> None:
        if early:
            raise KeyboardInterrupt

    scenario = make_scenario(production(OWNED))
    kept = share(scenario, jobs=1, early=early.append, progress=stop_after_the_first)
    assert kept is early[0] and not kept.complete

    def stop_at_once(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        share(scenario, jobs=1, progress=stop_at_once)


def test_no_early_answer_where_all_is_found_at_once(
    make_scenario: Make, production: Production
) -> None:
    early: list[Sharing] = []
    found = share(make_scenario(production(OWNED)), jobs=1, seconds=300.0, early=early.append)
    assert found.complete and found.shapley_exact and not early


def test_steps_end_with_the_time(make_scenario: Make, production: Production) -> None:
    cluster = Cluster(make_scenario(production(OWNED)))
    over = Clock(-1.0)
    assert over.is_over and over.left == over.part(0.1) == 0.5
    cluster.plan(cluster.everybody)
    solved = cluster.values.solves
    pairs = [frozenset({0, 1}), frozenset({0, 2})]
    assert not cluster.values.all(pairs, clock=over)
    assert cluster.values.solves == solved
    assert cluster.values.all(pairs, clock=Clock(None)) and cluster.values.solves > solved
    assert leaving(cluster, cluster.everybody, over).empty
    assert not leaving(cluster, cluster.everybody, Clock(None)).empty


@pytest.mark.usefixtures("large")
def test_the_command_prints_and_writes_early_answers(
    make_scenario: Make, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "read_scenario", lambda *_: make_scenario(production(OWNED)))
    out = tmp_path / "out.json"
    done = CliRunner().invoke(cli, ["share", "any", "-o", str(out), "--time-limit", "40"])
    assert done.exit_code == 0, done.output
    assert done.stdout.count("Would a group leave?") == 2
    assert "An early answer; a better one follows" in done.stderr
    assert json.loads(out.read_text("utf-8"))["leaving"]


@pytest.mark.usefixtures("large")
def test_what_is_not_done_in_time_is_said(
    make_scenario: Make, production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is over as soon as both plans are there: no search is begun, and every stage says
    what it lacks."""
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: clock.end < math.inf))
    found = share(make_scenario(production(OWNED)), jobs=1, seconds=20.0)
    assert found.gain == pytest.approx(992 - 170)
    assert found.of("owen") == pytest.approx({"A": 162, "B": 180, "C": 480})
    assert not found.epsilon_proven and not found.shapley_exact
    assert found.effects.empty and found.leaving.empty
    assert found.not_done == (
        "The Shapley value was not found in time.",
        "The split by effect was not found in time.",
        "What leaving and joining does was not found in time for 3 members.",
    )
    said = found.totals.set_index("figure")["value"]
    assert tuple(said["not_done"]) == found.not_done
    for sentence in found.not_done:
        assert f"  {sentence}" in sharing_lines(found)


def test_a_solve_is_given_what_is_left_of_the_time(
    make_scenario: Make, production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*_: Any, time_limit: float, **__: Any) -> Any:
        assert 0.0 < time_limit <= 7.0
        raise RuntimeError("searched")

    monkeypatch.setattr(coalition_values, "optimum", search)
    values = Cluster(make_scenario(production(OWNED))).values
    monkeypatch.setattr(type(values.switches.program), "has_decisions", True)
    values.clock = Clock(7.0)
    with pytest.raises(RuntimeError, match="searched"):
        values([0, 1])
    values.clock = Clock(0.0)
    with pytest.raises(coalition_values.StoppedError, match="the time is up"):
        values([1, 2])


def test_a_split_that_no_search_can_prove_is_said(
    make_scenario: Make, production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    def split(*_: Any, **__: Any) -> Any:
        raise SolverError("the plan and its proof disagree")

    monkeypatch.setattr(sharing, "effects", split)
    found = share(make_scenario(production(OWNED)), jobs=1)
    assert found.effects.empty and found.gain == pytest.approx(992 - 170)
    assert found.not_done == ("The split by effect was not found: the plan and its proof disagree",)
