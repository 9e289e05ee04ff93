"""Solves what the relations compare, and says where an answer cannot be right.

Two objectives are held to be equal where they differ by less than a millionth (`TOLERANCE`, that
of the audit) of the smaller plan's gross: the sum of the absolute terms of its objective.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from circflow.algebra.build import build
from circflow.data.checks.findings import Findings
from circflow.data.checks.structure import match_sheets
from circflow.data.checks.typed import read_drafts, read_periods, read_settings
from circflow.data.pandas_text import python_strings
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario, ScenarioError
from circflow.fuzz.decisions import ways
from circflow.fuzz.regions import Sheets, book_of
from circflow.fuzz.relations import RELATIONS, Changed
from circflow.solution.solution import Solution, Status
from circflow.solver.compiled import compile_model
from circflow.solver.optimum import optimum, proof
from circflow.solver.run import AuditError, read_off

TOLERANCE = 1e-6
PATIENCE = 20.0
"""Seconds for one search."""
UNDECIDED = "undecided"
UNFINISHED = (Status.FEASIBLE, Status.STOPPED)
"""The search was not over: a right answer, which nothing is held against."""
AUDITED = 0.15
"""Share of the changed scenarios that are checked, read off and audited as well."""
ENUMERATED = "decisions_one_by_one"
PLAIN = "solved"
NAMES = (PLAIN, *RELATIONS, ENUMERATED)
"""What is checked of a scenario: that it is solved at all, every relation, and the decisions."""


@dataclass(frozen=True)
class Answer:
    """What a scenario has for an answer."""

    ending: str
    """As the search ended; refused (by the check); or fault: what must not happen."""
    objective: float = math.nan
    gross: float = 0.0
    """Sum of the objective's absolute parts, million."""
    most: float = 0.0
    """Sum of all that the plan moves (see `relations.Change`)."""
    text: str = ""
    """Why there is no plan, or what the fault is."""

    def __str__(self) -> str:
        if self.ending != Status.OPTIMAL:
            return f"{self.ending}: {self.text}" if self.ending == "fault" else self.ending
        return f"{self.objective!r} (gross {self.gross:.6g})"


@dataclass(frozen=True)
class Finding:
    """An answer that cannot be right, and the scenarios that show it."""

    name: str
    text: str
    sheets: dict[str, Sheets]
    """The scenarios that disagree, by a name for their folder."""


@python_strings()
def answer(sheets: Sheets, *, relax: bool = False, audit: bool = True) -> Answer:
    """Check, solve and, where asked for, audit a scenario; what goes wrong is part of the answer.

    Without `audit` the scenario is taken as valid, which saves half of the time.
    """
    try:
        scenario = scenario_of(book_of(sheets)) if audit else typed(sheets)
        compiled = compile_model(m := build(scenario, relax=relax))
        best = optimum(compiled.program, gap=0.0, time_limit=PATIENCE)
        outcome = best.outcome
        if outcome.x is None:  # without explaining why
            return Answer(outcome.status.value)
        gross = abs(compiled.program.offset) + float(abs(compiled.program.cost * outcome.x).sum())
        if not audit:
            return Answer(outcome.status.value, 0.0 - outcome.objective, gross)
        proven = proof(compiled.program, best, 0.0)
        solution = read_off(m, compiled, outcome, fixed=best.fixed, relax=relax, proven=proven)
        if not solution.audit.passed:
            raise AuditError(solution)
        return Answer(solution.status.value, solution.objective, gross, moved(solution))
    except ScenarioError as refused:
        return Answer("refused", text=str(refused))
    except Exception as fault:  # whatever it is, it must not happen
        return Answer("fault", text=f"{type(fault).__name__}: {' '.join(str(fault).split())[:300]}")


def typed(sheets: Sheets) -> Scenario:
    """A scenario that is known to be valid, without the checks."""
    drafts = read_drafts(match_sheets(book := book_of(sheets), Findings()), Findings())
    settings = read_settings(drafts)
    periods = read_periods(drafts, settings.discount_rate)
    return Scenario(settings, periods, drafts.tables, book)


def moved(solution: Solution) -> float:
    """The sum of everything that a plan moves, keeps and emits, times the years."""
    tables = solution.tables
    years = sum(p.years for p in solution.scenario.periods)
    parts = (
        (tables.supply, "amount_per_year"),
        (tables.flows, "sent_per_year"),
        (tables.activity, "activity_per_year"),
        (tables.conversions, "amount_per_year"),
        (tables.sales, "amount_per_year"),
        (tables.disposal, "amount_per_year"),
        (tables.stockpiles, "added_per_year"),
        (tables.stockpiles, "reclaimed_per_year"),
        (tables.stockpiles, "opening"),
        (tables.stockpiles, "closing"),
        (tables.emissions, "tonnes_per_year"),
        (tables.synergies, "joint_activity_per_year"),
    )
    return years * sum(float(table[column].astype(float).abs().sum()) for table, column in parts)


def judge(sheets: Sheets, seed: str, names: tuple[str, ...] = NAMES) -> Iterator[Finding | str]:
    """Check one scenario: its findings, and the name of everything that was checked.

    Every relation draws from a generator of its own, seeded by `seed` and its name.
    """
    first = answer(sheets)
    yield PLAIN
    if first.ending in ("fault", Status.UNBOUNDED):
        yield Finding(PLAIN, f"{PLAIN}: {first}", {"scenario": sheets})
        return
    if first.ending in UNFINISHED:
        yield UNDECIDED
    if first.ending == "refused" or first.ending in UNFINISHED:
        return
    for name in names:
        if name == ENUMERATED:
            yield from _enumerated(sheets, first)
        elif name != PLAIN:
            changed = RELATIONS[name](sheets, Random(f"{seed}/{name}"), first.most)
            if changed is not None:
                yield from _compared(name, seed, sheets, first, changed)


def _compared(
    name: str, seed: str, sheets: Sheets, first: Answer, changed: Changed
) -> Iterator[Finding | str]:
    before = sheets
    if changed.base is not None:
        before, first = changed.base, answer(changed.base, audit=False)
    second = answer(changed.sheets, relax=changed.relax, audit=False)
    wrong = disagreement(first, second, changed)
    if wrong or Random(seed).random() < AUDITED:
        first = first if changed.base is None else answer(before)
        second = answer(changed.sheets, relax=changed.relax)
        if "refused" in (first.ending, second.ending):
            yield f"{name}: refused"
            return
        wrong = disagreement(first, second, changed)
    yield name
    if wrong:
        said = f" ({changed.said})" if changed.said else ""
        yield Finding(name, f"{name}{said}: {wrong}", {"before": before, "after": changed.sheets})


def disagreement(first: Answer, second: Answer, changed: Changed) -> str:
    """Why two answers cannot both be right; empty where they can."""
    if "fault" in (first.ending, second.ending):
        return f"before {first}, after {second}"
    if first.ending in UNFINISHED or second.ending in UNFINISHED:
        return ""
    if first.ending != Status.OPTIMAL:
        equal = changed.expected == "equal" and second.ending != first.ending
        return f"before {first}, after {second}" if equal else ""
    if second.ending != Status.OPTIMAL:
        return f"before {first}, after {second}"
    expected = first.objective * changed.factor
    scale = min(first.gross * abs(changed.factor), second.gross)
    off = second.objective - expected
    if off < -TOLERANCE * scale or (changed.expected == "equal" and off > TOLERANCE * scale):
        return (
            f"expected {expected!r}{' or more' if changed.expected != 'equal' else ''}, found"
            f" {second.objective!r}, off by {abs(off):.3g} of {scale:.3g}"
        )
    return ""


def _enumerated(sheets: Sheets, first: Answer) -> Iterator[Finding | str]:
    """Hold the search over decisions to build against all of them, one by one."""
    every = ways(sheets)
    if every is None:
        return
    yield ENUMERATED
    best, at = Answer(Status.INFEASIBLE.value), sheets
    for way in every:
        one = answer(way.sheets, audit=False)
        if one.ending == "fault":
            yield Finding(ENUMERATED, f"{ENUMERATED}: {one}", {"scenario": way.sheets})
            return
        if one.ending in UNFINISHED:
            yield UNDECIDED
            return
        worth = one.objective + way.lacking
        if one.ending == Status.OPTIMAL and not worth <= best.objective:
            best, at = Answer(one.ending, worth, one.gross + way.gross), way.sheets
    wrong = disagreement(first, best, Changed(at, "equal"))
    if wrong:
        yield Finding(ENUMERATED, f"{ENUMERATED}: {wrong}", {"scenario": sheets, "best": at})
