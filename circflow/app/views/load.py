"""Load: a workbook, a shipped case, or an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from circflow.app.html import bullets, button, form, link, note, page, section
from circflow.app.state import App
from circflow.app.views.parts import choice, hidden
from circflow.i18n import say


def examples() -> dict[str, Path]:
    """The shipped scenarios that are at hand, by name."""
    home = Path(__file__).parents[3] / "scenarios"
    return {path.stem: path for path in sorted(home.glob("*.xlsx"))}


def workbook(app: App, query: Mapping[str, str], fault: str = "") -> str:
    """Load: a workbook, an example, or an empty one."""
    file = (
        f'<label for="workbook">{say("Workbook")}</label> '
        '<input type="file" id="workbook" name="workbook" accept=".xlsx,.xlsm" required> '
    )
    upload = form("/load", file + button(say("Load"), style="main"), upload=True)
    chosen = choice(say("Example"), "example", [(n, n) for n in examples()], of="load")
    example = form("/load", chosen + button(say("Open the example")))
    new = form("/load", button(say("New"), title=say("New")))
    names = (form("/open", button(n, name="name", value=n)) for n in app.workspace.names())
    known = bullets(names, "plain")
    about = say("Every sheet and column, with notes and drop-down lists.")
    body = (
        (note(fault, "fault") if fault else "")
        + f'<section class="drop" data-drop="workbook">{upload}'
        + note(say("Drop an Excel workbook here, or choose one. It stays on this machine."))
        + "</section>"
        + section(say("A shipped case"), example)
        + section(say("An empty workbook"), new + note(about))
        + (section(say("Opened before"), known) if known else "")
    )
    return page(say("Workbook"), body, project=app.workspace.project, at="/")


def changed_meanwhile(app: App) -> str:
    """The planner's own file has changed since it was loaded."""
    fault = say("The file has changed since it was loaded here: somebody saved it meanwhile.")
    other = link("/take-away/workbook", say("Save your version under another name"))
    again = form("/save", hidden(anyway="yes") + button(say("Write over it all the same")))
    body = f"{note(fault, 'fault')}<p>{other} {say('or')}</p>{again}"
    return page(say("Save workbook"), body, project=app.workspace.project)
