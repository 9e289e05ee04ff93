"""Check: every problem, mended in place."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from circflow.app.html import button, form, page
from circflow.app.html import table as html_table
from circflow.app.views.parts import problem_row, save_and_undo
from circflow.data.table import Problem
from circflow.i18n import say

if TYPE_CHECKING:
    from circflow.app.state import App


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem for the script of a table."""
    return {
        "severity": problem.severity,
        "sheet": problem.cell.sheet,
        "row": problem.cell.row,
        "letter": problem.cell.column,
        "text": problem.message
        + (
            say(" (did you mean {suggestion}?)", suggestion=problem.suggestion)
            if problem.suggestion
            else ""
        ),
    }


def check(app: App, query: Mapping[str, str]) -> str:
    """Every problem: sheet, cell, what stands there, what is expected; mended in place."""
    problems, book = app.problems(), app.project.book
    errors = sum(p.severity == "error" for p in problems)
    warnings = len(problems) - errors
    lead = (
        say("No problems: the workbook can be solved.")
        if not problems
        else say(
            "{errors} error{if_any} and {warnings} warning{if_any_2}.",
            errors=errors,
            if_any="s" if errors != 1 else "",
            warnings=warnings,
            if_any_2="s" if warnings != 1 else "",
        )
    )
    rows = [problem_row(problem, book) for problem in problems]
    head = ("kind", "cell", say("what is wrong"), say("stands there"), "expected", "mend")
    body = f'<p class="lead">{escape(lead)}</p>'
    if rows:
        body += html_table(head, rows, caption=say("Problems"))
    body += save_and_undo("/check")
    if not errors:
        body += form(
            "/run",
            '<input type="hidden" name="kind" value="solve">' + button(say("Solve"), style="main"),
        )
    return page(say("Check"), body, project=app.workspace.project, at="/check")
