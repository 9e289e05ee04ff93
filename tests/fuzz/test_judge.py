"""The judge: which answers cannot both be right, and that it sees a wrong one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from circflow.fuzz import judge
from circflow.fuzz.decisions import ways
from circflow.fuzz.judge import Answer, Finding, answer, disagreement
from circflow.fuzz.regions import Row, Sheets
from circflow.fuzz.relations import Changed
from circflow.solver import run
from circflow.solver.compiled import Program
from circflow.solver.optimum import Optimum

DUMP: Sheets = {
    "Scenario": [{"key": "name", "value": "dump"}, {"key": "discount_rate", "value": 0.1}],
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 1}],
    "Sites": [{"site": "Mine"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 1e6}],
    "Disposal": [{"site": "Mine", "fee": 3.0}],
    "Markets": [{"site": "Mine", "material": "brick", "price": 1.0}],
    "Recipes": [
        {"technology": "press", "role": "input", "material": "slag", "amount": 1.0},
        {"technology": "press", "role": "output", "material": "brick", "amount": 1.0},
    ],
    "Units": [],
}
PRESS: Row = {
    "unit": "Press", "site": "Mine", "technology": "press", "capacity_per_year": 5e5,
    "status": "candidate", "capex_million": 1.1, "lifetime_years": 2, "jobs": 10.0,
    "fixed_cost_million_per_year": 0.25,
}  # fmt: skip
RIGHT = Answer("optimal", 100.0, 200.0)


def shifted(by: float) -> Answer:
    return replace(RIGHT, objective=RIGHT.objective + by)


def test_answers_that_agree() -> None:
    equal, raised = Changed({}, "equal"), Changed({}, "not lower")
    assert disagreement(RIGHT, shifted(1e-4), equal) == ""
    assert disagreement(RIGHT, shifted(50.0), raised) == ""
    assert disagreement(RIGHT, Answer("optimal", 700.0, 1400.0), replace(equal, factor=7.0)) == ""
    assert disagreement(Answer("infeasible"), RIGHT, raised) == ""
    assert disagreement(Answer("infeasible"), Answer("infeasible"), equal) == ""


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (RIGHT, shifted(3e-4), "equal"),
        (RIGHT, shifted(-3e-4), "not lower"),
        (
            RIGHT,
            Answer("optimal", 101.0, 1e9),
            "equal",
        ),  # a plan that turns over a lot proves nothing
        (RIGHT, Answer("infeasible"), "not lower"),
        (RIGHT, Answer("unbounded"), "equal"),
        (Answer("infeasible"), RIGHT, "equal"),
        (Answer("infeasible"), Answer("fault", text="it broke"), "not lower"),
    ],
)
def test_answers_that_cannot_both_be_right(first: Answer, second: Answer, expected: Any) -> None:
    assert disagreement(first, second, Changed({}, expected)) != ""


def test_an_answer_has_the_plan_s_worth_and_all_it_moves() -> None:
    # 2 years at 1 + 1/1.1 and 1 at 1/1.21, 3 million a year; 1e6 t taken, 1e6 t disposed of
    worth = -3.0 * (1.0 + 1.0 / 1.1 + 1.0 / 1.21)
    one = answer(DUMP)
    assert (one.ending, one.objective) == ("optimal", pytest.approx(worth, rel=1e-12))
    assert one.gross == pytest.approx(-worth, rel=1e-12)
    assert one.most == 3 * (2e6 + 2e6)
    assert answer(DUMP, audit=False).objective == one.objective


def test_what_is_refused_has_no_plan_or_breaks_is_told_apart(monkeypatch: Any) -> None:
    assert answer({**DUMP, "Streams": [{"site": "Pit"}]}).ending == "refused"
    assert answer({**DUMP, "Disposal": []}).ending == "infeasible"

    def broken(*_: object, **__: object) -> None:
        raise ArithmeticError("it broke")

    monkeypatch.setattr(judge, "optimum", broken)
    assert str(answer(DUMP)) == "fault: ArithmeticError: it broke"


def test_every_way_to_decide_is_the_scenario_with_it_decided() -> None:
    """What building costs is written out by hand; the best way is the search's."""
    found = ways({**DUMP, "Units": [PRESS]})
    assert found is not None
    none, early, late = found
    instalment = 1.1 / (1.0 + 1.0 / 1.1)
    first, second = 1.0 + 1.0 / 1.1, 1.0 / 1.21
    assert none.lacking == 0.0
    # not off: links that start where a candidate makes something must stay
    assert none.sheets["Units"][0]["status"] == "existing"
    assert none.sheets["UnitPeriods"] == [
        {"unit": "Press", "period": p, "capacity_per_year": 0.0, "min_load": 0.0}
        for p in ("a", "b")
    ]
    # two years of life from the start of a: in service in a only
    assert early.lacking == pytest.approx(-(0.25 + instalment) * first)
    assert late.lacking == pytest.approx(-(0.25 + instalment) * second)
    assert late.sheets["UnitPeriods"] == [
        {"unit": "Press", "period": "a", "capacity_per_year": 0.0, "min_load": 0.0}
    ]
    # half of the waste pays 1 instead of costing 3
    gain = 2.0 * first - (0.25 + instalment) * first
    best = answer({**DUMP, "Units": [PRESS]}).objective
    assert best == pytest.approx(answer(DUMP).objective + gain, rel=1e-12)


def test_ways_keep_to_budgets_choices_and_requirements() -> None:
    second = {**PRESS, "unit": "Other"}
    poor = {**DUMP, "Units": [PRESS], "Budget": [{"period": "a", "budget_million": 1.0}]}
    assert len(ways(poor) or []) == 2
    one = {**DUMP, "Units": [{**PRESS, "choice": "c"}, {**second, "choice": "c"}]}
    assert len(ways(one) or []) == 5
    needing = {**DUMP, "Units": [PRESS, {**second, "requires": "Press"}]}
    assert len(ways(needing) or []) == 3 + 2  # built when the press is
    assert ways({**DUMP, "Units": [{**PRESS, "capacity_max_per_year": 9e5}]}) is None


def test_a_wrong_optimum_is_found(monkeypatch: Any) -> None:
    """A solver that builds nothing where something would pay is caught."""
    sheets = {**DUMP, "Units": [PRESS]}
    right = run.optimum

    def lazy(program: Program, **options: Any) -> Optimum:
        upper = program.upper.copy()
        upper[program.integer] = 0.0
        return right(replace(program, upper=upper), **options)

    names = ("decisions_one_by_one", "relaxed")
    assert [x for x in judge.judge(sheets, "0/0", names) if isinstance(x, Finding)] == []
    monkeypatch.setattr(judge, "optimum", lazy)
    found = [x for x in judge.judge(sheets, "0/0", names) if isinstance(x, Finding)]
    assert [one.name for one in found] == ["decisions_one_by_one"]
    assert set(found[0].sheets) == {"scenario", "best"}


def test_a_search_that_is_not_over_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "PATIENCE", 0.0)
    told = list(judge.judge({**DUMP, "Units": [PRESS]}, "x", ("relaxed",)))
    assert told == ["solved", "undecided"]
    optimal = Answer("optimal", 5.0, 10.0)
    for ending in ("feasible", "stopped"):
        assert disagreement(optimal, Answer(ending), Changed({}, "equal")) == ""
        assert disagreement(Answer(ending), optimal, Changed({}, "equal")) == ""
