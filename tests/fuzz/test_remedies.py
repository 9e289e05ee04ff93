"""The judge of explanations: conditions taken away by cell, and wrong explanations seen."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from circflow.data.read import scenario_of
from circflow.fuzz import remedies
from circflow.fuzz.judge import Finding
from circflow.fuzz.regions import Sheets, book_of
from circflow.solver.explain import Explanation, explain

FULL: Sheets = {
    "Scenario": [{"key": "name", "value": "full"}],
    "Periods": [{"period": "a", "years": 1}],
    "Sites": [{"site": "Mine"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 100.0}],
    "Disposal": [{"site": "Mine", "fee": 1.0, "capacity_per_year": 30.0}],
    "Markets": [{"site": "Mine", "material": "brick", "price": 1.0, "max_per_year": 900.0}],
    "Recipes": [
        {"technology": "press", "role": "input", "material": "slag", "amount": 1.0},
        {"technology": "press", "role": "output", "material": "brick", "amount": 1.0},
    ],
    "Units": [
        {"unit": "Press", "site": "Mine", "technology": "press", "capacity_per_year": 50.0,
         "min_load": 0.5}
    ],
}  # fmt: skip
STREAM = ("Streams", 0, "amount_per_year")
DISPOSAL = ("Disposal", 0, "capacity_per_year")
CAPACITY = ("Units", 0, "capacity_per_year")
LOAD = ("Units", 0, "min_load")
SOLD = ("Markets", 0, "max_per_year")


def findings(sheets: Sheets) -> list[str]:
    return [one.text for one in remedies.judge(sheets, "0/0") if isinstance(one, Finding)]


def test_every_condition_and_how_it_goes() -> None:
    assert remedies.places(FULL) == {STREAM, DISPOSAL, CAPACITY, LOAD, SOLD}
    free = remedies.without(FULL, {STREAM, DISPOSAL, CAPACITY})
    assert free["Streams"][0]["must_handle"] is False
    assert free["Disposal"][0]["capacity_per_year"] is None
    (row,) = free["UnitPeriods"]
    assert (row["unit"], row["period"]) == ("Press", "a")
    large, load = float(row["capacity_per_year"] or 0.0), float(row["min_load"] or 0.0)
    assert large == 25.0 / 2e-9
    assert load * large == pytest.approx(25.0)  # the least load stays what it was


def test_only_what_stands_in_the_way_does() -> None:
    assert not remedies.has_plan(FULL)
    for place in (STREAM, DISPOSAL, CAPACITY):
        assert remedies.has_plan(remedies.without(FULL, {place}))
    assert not remedies.has_plan(remedies.without(FULL, {LOAD, SOLD}))


def test_a_right_explanation_passes() -> None:
    checked = list(remedies.judge(FULL, "0/0"))
    assert findings(FULL) == []
    assert checked.count("remedy_works") == checked.count("nine_tenths") == 3
    assert checked.count("irreducible") == 1 + 3


def test_wrong_explanations_are_seen(monkeypatch: Any) -> None:
    right = explain(scenario_of(book_of(FULL)))
    (conflict,) = right.conflicts
    change = next(c for c in conflict.remedies if c.cell.sheet == "Disposal")
    assert change.before == 30.0 and change.after == 50.0

    def said(**parts: Any) -> list[str]:
        wrong: Explanation = replace(right, conflicts=(replace(conflict, **parts),))
        monkeypatch.setattr(remedies, "explain", lambda scenario: wrong)
        return findings(FULL)

    assert said() == []
    (little,) = said(remedies=(replace(change, after=49.0),))
    assert little.startswith("remedy_works")
    (much,) = said(remedies=(replace(change, after=60.0),))
    assert much.startswith("nine_tenths")
    fewer = said(conditions=conflict.conditions[:-1])
    assert any("can hold together" in text for text in fewer)
    monkeypatch.setattr(remedies, "explain", lambda s: replace(right, conflicts=()))
    assert any("no conflict is named" in text for text in findings(FULL))


def test_blocked_regions_have_no_plan() -> None:
    for number in range(2):
        sheets = remedies.blocked_region(Random(number))
        assert sheets is None or not remedies.has_plan(sheets)


@pytest.mark.parametrize("case", ["15/11", "18/105", "77/2", "101/0"])
def test_what_no_search_could_prove_is_explained(case: str) -> None:
    """HiGHS ended with an error, claimed what its ray could not prove, or no run in doubles gave a
    plan that meets its limits."""
    sheets = remedies.blocked_region(Random(case))
    assert sheets is not None
    assert set(remedies.judge(sheets, case, ("explained",))) == {"explained"}


def test_a_limit_out_of_reach_by_forty_powers_of_ten_is_no_fault() -> None:
    remedies.blocked_region(Random("15/17"))  # raised SolverError: HiGHS refused the programme


def test_a_load_beside_a_capacity_beyond_reach_is_still_a_figure() -> None:
    sheets: Sheets = {
        "Periods": [{"period": "p1", "years": 1}],
        "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 8500.0}],
        "Markets": [],
        "Units": [{"unit": "Mill", "capacity_per_year": 0.38, "min_load": 0.85}],
    }
    (row,) = remedies.without(sheets, {("Units", 0, "capacity_per_year")})["UnitPeriods"]
    least, capacity = remedies.number(row, "min_load"), remedies.number(row, "capacity_per_year")
    assert least >= 1e-9  # smaller ones are refused: read without checks they count as blank
    assert capacity > 1e3 * 8500.0
    assert least * capacity == pytest.approx(0.85 * 0.38, rel=1e-12)


@pytest.mark.parametrize("case", ["17/28", "17/72"])
def test_a_remedy_with_decisions_is_the_least(case: str) -> None:
    sheets = remedies.blocked_region(Random(case))
    assert sheets is not None
    assert set(remedies.judge(sheets, case, ("nine_tenths",))) == {"nine_tenths"}


@pytest.mark.parametrize("case", ["102/72"])
def test_every_condition_of_a_conflict_is_needed(case: str) -> None:
    """102/72: only a capacity larger than a cell can hold would have done."""
    sheets = remedies.blocked_region(Random(case))
    assert sheets is not None
    assert set(remedies.judge(sheets, case, ("irreducible",))) == {"irreducible"}


def test_a_limit_that_no_figure_mends_is_cleared() -> None:
    """2000/61: the emission limit was to be raised to 4.5e17, which no cell may hold."""
    case = "2000/61"
    sheets = remedies.blocked_region(Random(case))
    assert sheets is not None
    checks = ("remedy_works", "nine_tenths")
    assert set(remedies.judge(sheets, case, checks)) == set(checks)
