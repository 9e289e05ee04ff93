"""Take away: the workbook, and the files of every run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from circflow.app.html import html_table, link, page
from circflow.app.state import App
from circflow.app.views.parts import file_links
from circflow.i18n import say


def take_away(app: App, query: Mapping[str, str]) -> str:
    """What may be taken away."""
    body = f"<p>{link('/take-away/workbook', say('The workbook with your changes'))}</p>"
    rows = [
        [str(known.run), escape(known.title), links]
        for known in app.project.runs()
        if (links := file_links(known, app.project.run_folder(known.run)))
    ]
    if rows:
        body += html_table(("run", "what", "files"), rows, caption=say("Files of every run"))
    return page(say("Take away"), body, project=app.project, at="/take-away")
