"""Suggestions: technologies of the library that would pay here, each added by one button."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from circflow.app.edits import Edit, typed
from circflow.app.html import box, bullets, button, card, form, html_table, note, page
from circflow.app.project import Run
from circflow.app.state import App
from circflow.app.views.network import columns
from circflow.app.views.parts import begin, field, figure, hidden, latest, raw_sheet, runs_table
from circflow.data.files.grids import column_at
from circflow.data.table import Book
from circflow.i18n import mark, say

FILE = "suggestions.json"
Rows = Mapping[str, list[dict[str, Any]]]
"""What a suggestion adds to the workbook: rows by sheet."""


def suggestions(app: App, query: Mapping[str, str]) -> str:
    """What was found last, and a form that looks again."""
    ask = field(
        say("What other money is worth (blank: as in the sheet Scenario)"),
        "rates",
        of="suggest",
        size=24,
        placeholder="USD 2023=95; EUR=100",
    ) + box("new", say("only what no unit of the workbook is like"))
    every = say("Every technology of the library at every site, priced at the plan; the best are")
    body = f"<p>{every} {say('solved again with the workbook.')}</p>"
    body += begin("suggest", say("Look for suggestions"), ask)
    known = latest(app, "suggest", with_file=FILE)
    body += cards(app, known) if known is not None else ""
    body += runs_table(app, ("suggest",))
    return page(say("Suggestions"), body, project=app.project, at="/suggestions")


def _content(app: App, run: Run) -> Any:
    path = app.project.run_folder(run.run) / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def cards(app: App, run: Run) -> str:
    """The suggestions of a run, best first, with a button each; then what is asked."""
    content = _content(app, run)
    known = {str(r[0]) for r in columns(app.project.book, "Units", "unit")}
    currency = escape(str(content["currency"]))
    drawn = "".join(_card(run, one, currency, known) for one in content["suggestions"])
    if not drawn:
        return note(say("No technology of the library would pay here."))
    asked = [[escape(q["material"]), escape(q["question"])] for q in content["questions"]]
    head = (say("material"), say("what is asked"))
    body = f'<div class="cards">{drawn}</div>'
    return body + (html_table(head, asked, caption=say("Not sure")) if asked else "")


def _card(run: Run, one: Mapping[str, Any], currency: str, known: set[str]) -> str:
    unit = str(one["unit"])
    names = ("gain", "value", "capex_million", "break_even_capex_million")
    of = {name: figure(one[name]) for name in names} | {"currency": currency}
    lead = (
        say("gain {worth} million {currency}", worth=of["gain"], currency=currency)
        if one["pays"]
        else say("{value} million {currency}: would not be built", **of)
    )
    lines = [
        say("takes {amounts}", amounts=_amounts(one["inputs"])),
        say("makes {amounts}", amounts=_amounts(one["outputs"])),
        say(
            "capital {capex_million} million {currency}; it pays up to "
            "{break_even_capex_million} million",
            **of,
        ),
        *(f"{say(words)} {one[name]}" for name, words in _WORDS.items() if one[name]),
    ]
    if unit in known:
        act = note(say("It stands in the workbook as a candidate."))
    else:
        words = say("Add to the workbook")
        press = button(words, title=f"{words}: {unit}")
        act = form("/suggestions/add", hidden(run=run.run, unit=unit) + press)
    return card(unit, lead, bullets(map(escape, lines)) + act)


_WORDS = {
    "or_at": mark("instead of it, not beside it: at"),
    "gains_most": mark("gains most:"),
    "alike": mark("like"),
    "hangs_on": mark("hangs on"),
}


def _amounts(flows: list[dict[str, Any]]) -> str:
    listed = sorted(flows, key=lambda flow: -flow["amount_per_year"])
    return "; ".join(
        f"{f['material']} {figure(f['amount_per_year'])} {f['unit_of_measure']}/yr" for f in listed
    )


def rows_of(app: App, run: Run, unit: str) -> Rows | None:
    """What a suggestion of a run adds; None where it has no such suggestion."""
    rows: dict[str, Rows] = _content(app, run).get("rows", {})
    return rows.get(unit)


def edits(book: Book, rows: Rows) -> list[Edit]:
    """Rows as cells below those of their sheets, without those that stand there already."""
    added: list[Edit] = []
    for sheet, listed in rows.items():
        raw = raw_sheet(book, sheet)
        grid = raw.grid if raw is not None and raw.grid else [[]]
        at = len(grid) + 1 if len(grid[0]) else 2
        for row in listed:
            if not any(_same(sheet, grid[0], old, row) for old in grid[1:]):
                added += [Edit(sheet, at, name, value) for name, value in row.items()]
                at += 1
    return added


def _same(sheet: str, header: list[Any], old: list[Any], row: Mapping[str, Any]) -> bool:
    for name, value in row.items():
        at = column_at(header, name)
        if at is None or at >= len(old) or old[at] is None:
            return False
        if value not in (old[at], typed(sheet, name, str(old[at]))):
            return False
    return True
