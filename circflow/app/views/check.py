"""Check: every problem, mended in place."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from circflow.app.html import button, form, page
from circflow.app.html import table as html_table
from circflow.app.views.parts import problem_row, save_and_undo
from circflow.data.table import Problem
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    from circflow.app.state import App


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem for the script of a table."""
    return {
        "severity": problem.severity,
        "sheet": problem.cell.sheet,
        "row": problem.cell.row,
        "letter": problem.cell.column,
        "text": problem.message,
        "expected": problem.expected,
        "suggestion": problem.suggestion,
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
            "{errors} and {warnings}.",
            errors=say_n("{n} error", "{n} errors", errors),
            warnings=say_n("{n} warning", "{n} warnings", warnings),
        )
    )
    rows = [problem_row(problem, book) for problem in problems]
    head = (
        *(say("kind"), say("cell"), say("what is wrong"), say("stands there")),
        *(say("expected"), say("mend")),
    )
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
