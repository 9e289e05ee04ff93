"""Solve, and a run: what goes on, or what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from circflow.app.html import bullets, button, form, link, note, page, section
from circflow.app.project import Run
from circflow.app.state import App
from circflow.app.views import cluster, plants, studies, suggestions
from circflow.app.views.parts import (
    about,
    begin,
    cell_link,
    choice,
    column_name,
    frame_of,
    hidden,
    member_link,
    runs_table,
    sites_of,
    status_of,
)
from circflow.i18n import say, say_n


def solve(app: App, query: Mapping[str, str]) -> str:
    """Solve: the workbook as it is, or with a list of changes."""
    project = app.project
    errors = [p for p in app.problems() if p.severity == "error" and not p.infeasible]
    changes = [("", say("the workbook as it is"))]
    changes += [(v.name, say("with {name}", name=v.name)) for v in project.variants]
    body = ""
    if errors:
        words = say_n("{n} error stands in the way:", "{n} errors stand in the way:", len(errors))
        body += f'<p class="fault">{words} {link("/check", say("see what to mend"))}.</p>'
    body += begin("solve", say("Solve"), choice(say("What"), "variant", changes, of="solve"))
    body += runs_table(app, ("solve",))
    return page(say("Solve"), body, project=project, at="/solve")


def run(app: App, run: int, query: Mapping[str, str]) -> str:
    """A run: what goes on, or what it found."""
    project = app.project
    known = project.run(run)
    if known is None:
        raise LookupError(say("there is no run {run}", run=run))
    if run in app.jobs or known.status == "running":
        return _running(app, known)
    folder = project.run_folder(run)
    body = about(app, known)
    if known.status == "no plan":
        body += _no_plan(known)
    elif known.status in ("stopped", "failed", "lost"):
        body += note(known.message or status_of(known), "fault") + studies.go_on(app, known)
    if not known.changes and (folder / "explanation.json").exists():  # the cells are those solved
        body += _explained(app, folder / "explanation.json")
    if known.kind == "evaluate" and (folder / "verdicts.json").exists():
        body += plants.cards(folder / "verdicts.json", known)
    if known.kind == "suggest" and (folder / "suggestions.json").exists():
        body += suggestions.cards(app, known)
    if known.kind == "share" and (folder / "tables.json").exists():
        body += cluster.summary(app, run)
    if (folder / "limits.json").exists():
        body += _doors(app, known, folder)
    if (folder / "page.html").exists():
        body += frame_of(known)
    return page(known.title, body, project=project, at=studies.place_of(known.kind))


def _running(app: App, known: Run) -> str:
    job = app.jobs.get(known.run)
    words = job.words if job is not None else say("waiting")
    body = (
        f'<p class="lead" id="words" data-events="/runs/{known.run}/events" role="status">'
        f"{escape(words)}</p>{form(f'/runs/{known.run}/stop', button(say('Stop')))}"
        f"<noscript><p>{link('', say('See how far it is'))}</p></noscript>"
    )
    return page(known.title, body, project=app.project, at=studies.place_of(known.kind))


def _doors(app: App, known: Run, folder: Path) -> str:
    """From the plan to what it is made of: cells of limits, balances of sites, members."""
    limits = json.loads((folder / "limits.json").read_text(encoding="utf-8"))
    lines = [
        say(
            "{cell_link}: {value:,.4g} per {unit}, {periods}",
            cell_link=cell_link(r["sheet"], r["row"], r["column"], r["label"]),
            value=r["value"],
            unit=escape(str(r["unit"])),
            periods=say_n("in {n} period", "in {n} periods", r["periods"]),
        )
        for r in limits[:40]
    ]
    sites, members = sites_of(folder)
    chosen = choice(say("Balance of"), "site", [(s, s) for s in sites], of="balance")
    chosen += hidden(run=known.run) + button(say("Show"))
    balance = f'<form method="get" action="/sites">{chosen}</form>'
    listed = say("Members: {listed}", listed=" · ".join(map(member_link, members)))
    title = say("Limits that bind ({count}): what one more unit is worth", count=len(limits))
    return f"<details><summary>{title}</summary>{bullets(lines)}</details>{balance}<p>{listed}</p>"


def _no_plan(known: Run) -> str:
    lines = (escape(line.strip()) for line in known.message.splitlines())
    return section(say("No plan"), bullets(lines, "plain"))


def _explained(app: App, path: Path) -> str:
    """Conflicts in cells; each smallest change has a button that applies it and solves again."""
    explanation = json.loads(path.read_text(encoding="utf-8"))
    body = ""
    for conflict in explanation["conflicts"]:
        conditions = bullets(
            f"<b>{escape(c['cell'])}</b> {escape(c['text'])}" for c in conflict["conditions"]
        )
        remedies = bullets((_remedy(app, r) for r in conflict["remedies"]), "plain")
        inner = f"{conditions}<h3>{say('Any one of these changes ends it')}</h3>{remedies}"
        body += section(say("These cannot hold together"), inner)
    return body


def _remedy(app: App, remedy: Mapping[str, Any]) -> str:
    title, _, place = str(remedy["cell"]).rpartition("!")
    book = app.project.book
    sheet = next((s.name.strip() for s in book.sheets if s.title.strip() == title), title)
    letter = place.rstrip("0123456789")
    column = column_name(book, sheet, letter)
    after = "" if remedy["after"] is None else repr(remedy["after"])
    if not column:
        return escape(remedy["text"])
    return form(
        "/cells",
        hidden(sheet=sheet, row=place[len(letter) :], column=column, value=after, then="solve")
        + button(remedy["text"]),
    )
