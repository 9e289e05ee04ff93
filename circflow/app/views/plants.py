"""New plants: the verdict of each candidate, and of a plant of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from circflow.app.html import box, bullets, button, card, form, note, page, section
from circflow.app.project import Run
from circflow.app.state import App
from circflow.app.views.network import columns, names_in
from circflow.app.views.parts import begin, choice, field, hidden, runs_table
from circflow.data.schema.sheets import BY_NAME
from circflow.i18n import say
from circflow.i18n.names import english_word

FIELDS = ("unit", "technology", "site", "capacity_per_year", "capex_million")
"""What a plant of one's own is described by: columns of the sheet Units."""


def plants(app: App, query: Mapping[str, str]) -> str:
    """The verdict of each candidate; a form for a plant of one's own."""
    book = app.project.book
    units = [r for r in columns(book, "Units", "unit", "status") if r[0] is not None]
    names = [(str(u), str(u)) for u, status in units if _is_candidate(status)]
    which = choice(say("Which"), "unit", [("", say("every candidate")), *names], of="evaluate")
    which += box("quick", say("without pairs and risks (quicker)"))
    asked = begin("evaluate", say("Evaluate"), which)
    body = section(say("The candidates of the workbook"), asked)
    body += section(say("A plant of your own"), _new_plant(app)) + runs_table(app, ("evaluate",))
    return page(say("New plants"), body, project=app.project, at="/plants")


def _is_candidate(status: object) -> bool:
    words = BY_NAME["Units"]["status"].choices
    return english_word("status", words, str(status).strip()) == "candidate"


def _new_plant(app: App) -> str:
    book = app.project.book
    technologies = names_in(book, "Technologies", "technology")
    technologies = technologies or names_in(book, "Recipes", "technology")
    sites = [("?", say("try every site")), *names_in(book, "Sites", "site")]
    return form(
        "/run",
        hidden(kind="evaluate")
        + field(say("Name"), "own_unit", say("My plant"), of="own", size=16)
        + choice(say("Technology"), "own_technology", technologies, of="own")
        + choice(say("Site"), "own_site", sites, of="own")
        + field(say("Capacity a year"), "own_capacity_per_year", of="own", required="required")
        + field(say("Capital, million"), "own_capex_million", of="own", required="required")
        + button(say("Judge this plant"), style="main"),
    ) + note(say("It is judged beside the workbook, which stays as it is until you add the plant."))


def cards(path: Path, run: Run) -> str:
    """A card for each unit, best first, its verdict on top."""
    content = json.loads(path.read_text(encoding="utf-8"))
    worth: dict[str, float] = {
        r["unit"]: r["value_million"] if isinstance(r["value_million"], int | float) else -1e300
        for r in content["verdicts"]
    }
    ordered = sorted(content["words"], key=lambda unit: -worth.get(unit, -1e300))
    drawn = "".join(_card(unit, content["words"][unit]) for unit in ordered)
    add = _add(run.options["add"]) if run.options.get("add") else ""
    return f'<div class="cards">{drawn}</div>{add}'


def _card(unit: str, words: list[str]) -> str:
    head, *rest = words
    why = f"<details><summary>{say('Why')}</summary>{bullets(map(escape, rest))}</details>"
    return card(unit, escape(head), why)


def _add(unit: Mapping[str, Any]) -> str:
    if unit.get("site") == "?":
        return ""
    return form("/plants/add", hidden(**unit) + button(say("Add this plant to the workbook")))


def plant_of(given: Any) -> dict[str, str]:
    """The plant of one's own that a form describes; empty where it does not."""
    unit = {name: str(given.get(f"own_{name}") or "").strip() for name in FIELDS}
    return unit if unit["technology"] else {}
