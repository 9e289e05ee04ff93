"""Take away: the workbook, and the files of every run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from circflow.app.html import page
from circflow.app.html import table as html_table
from circflow.app.views.parts import FILES, file_links, has_file
from circflow.i18n import say

if TYPE_CHECKING:
    from circflow.app.state import App


def take_away(app: App, query: Mapping[str, str]) -> str:
    """What may be taken away."""
    body = '<p><a href="/take-away/workbook">' + say("The workbook with your changes") + "</a></p>"
    rows = []
    for known in app.project.runs():
        folder = app.project.run_folder(known.run)
        links = file_links(known, [n for n in FILES if has_file(folder, n)])
        if links:
            rows.append([str(known.run), escape(known.title), links])
    body += (
        html_table(("run", "what", "files"), rows, caption=say("Files of every run"))
        if rows
        else ""
    )
    return page(say("Take away"), body, project=app.project, at="/take-away")
