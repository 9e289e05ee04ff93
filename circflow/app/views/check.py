"""Check: every problem, mended in place."""

from __future__ import annotations

from collections.abc import Mapping

from circflow.app.html import note, page
from circflow.app.state import App
from circflow.app.views.parts import begin, problems_table, save_and_undo
from circflow.i18n import say, say_n


def check(app: App, query: Mapping[str, str]) -> str:
    """Every problem: sheet, cell, what stands there, what is expected; mended in place."""
    problems = app.problems()
    errors = sum(p.severity == "error" for p in problems)
    lead = say("No problems: the workbook can be solved.")
    if problems:
        lead = say(
            "{errors} and {warnings}.",
            errors=say_n("{n} error", "{n} errors", errors),
            warnings=say_n("{n} warning", "{n} warnings", len(problems) - errors),
        )
    body = note(lead, "lead") + problems_table(problems, app.project.book)
    body += save_and_undo("/check")
    if not errors:
        body += begin("solve", say("Solve"))
    return page(say("Check"), body, project=app.workspace.project, at="/check")
