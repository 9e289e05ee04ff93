"""Every problem of a scenario in one pass: structure, cells, keys, references, rules, doubts.

Errors are what the contract forbids; warnings what is allowed but doubtful. Errors marked
`infeasible` say that a well-formed scenario asks for more than is possible: it can be read and
solved, and `circflow explain` says what would help.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from circflow.data.checks.arithmetic import check_arithmetic
from circflow.data.checks.balances import check_balances
from circflow.data.checks.blends import check_blends
from circflow.data.checks.disposal import check_disposal
from circflow.data.checks.doubts.flows import check_flows
from circflow.data.checks.doubts.slips import check_doubts
from circflow.data.checks.findings import Findings
from circflow.data.checks.futures import check_futures, check_what_comes
from circflow.data.checks.indicators import check_indicators
from circflow.data.checks.links import check_distances, check_effect
from circflow.data.checks.provisional import provisional
from circflow.data.checks.reach import Reach
from circflow.data.checks.references import check_keys, check_references
from circflow.data.checks.rules import (
    check_construction,
    check_discounting,
    check_figures,
    check_names,
)
from circflow.data.checks.structure import match_sheets, sheet_order
from circflow.data.checks.studies import check_studies
from circflow.data.checks.taxes import check_taxes
from circflow.data.checks.typed import read_drafts, read_periods, read_settings
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.table import Book, Problem


def check(path: str | Path) -> list[Problem]:
    """Every problem of a workbook or CSV folder, in the order of its sheets and rows.

    A file that cannot be read at all is a problem as well.
    """
    from circflow.data.files.books import read_book

    try:
        book = read_book(path)
    except ScenarioError as unreadable:
        return list(unreadable.problems)
    return check_book(book)[0]


@python_strings()
def check_book(book: Book) -> tuple[list[Problem], Scenario | None]:
    """Every problem of a book as read, and the scenario where it can be used.

    A scenario comes with errors only where all of them are marked `infeasible`.
    """
    findings = Findings()
    drafts = read_drafts(match_sheets(book, findings), findings)
    settings = read_settings(drafts)
    periods = read_periods(drafts, settings.discount_rate)
    check_keys(drafts)
    check_references(drafts)
    check_names(drafts)
    check_figures(drafts)
    check_discounting(drafts, periods, settings.discount_rate)
    check_construction(drafts, periods)
    check_blends(drafts)
    check_balances(drafts)
    check_studies(drafts)
    check_futures(drafts)
    check_indicators(drafts)
    check_taxes(drafts)
    check_distances(drafts, lambda: provisional(drafts, settings, periods, book))
    check_effect(drafts)
    check_doubts(drafts)
    scenario = None
    if not drafts.has_faults:
        scenario = Scenario(settings, periods, drafts.tables, book)
        reach = Reach(scenario)
        check_flows(drafts, scenario, reach)
        check_disposal(drafts, scenario, reach)
        check_arithmetic(drafts, scenario, reach)
        check_what_comes(drafts, scenario)
        if drafts.has_faults:
            scenario = None
    findings.problems.extend(book.warnings)
    problems = findings.ordered(sheet_order(book))
    if scenario is not None:
        # errors that remain (what no plan can meet) become warnings
        warnings = tuple(replace(problem, severity="warning") for problem in problems)
        scenario = scenario.with_notes(warnings=warnings)
    return problems, scenario
