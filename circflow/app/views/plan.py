"""The plan: the page as it is; what a figure is made of: sites, members, runs side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from circflow.app.html import button, html_table, link, note, page, section
from circflow.app.state import App
from circflow.app.views.parts import figure, latest, records
from circflow.app.views.runs import run as run_page
from circflow.i18n import mark, say
from circflow.report.vocabulary import cell, heading

Row = dict[str, str]


def plan(app: App, query: Mapping[str, str]) -> str:
    """The latest plan."""
    known = latest(app, "solve")
    if known is not None:
        return run_page(app, known.run, query)
    body = note(say("There is no plan yet: solve the workbook."))
    body += f"<p>{link('/solve', say('Solve'))}</p>"
    return page(say("Plan"), body, project=app.project, at="/plan")


_FLOWS = (
    (mark("Arises"), "supply", ("site", "kind", "material", "unit_of_measure"), "amount_per_year"),
    (mark("Moves"), "flows", ("from", "to", "material", "unit_of_measure"), "sent_per_year"),
    (
        mark("Is used and made"), "conversions",
        ("site", "unit", "role", "material", "unit_of_measure"), "amount_per_year",
    ),
    (mark("Is sold"), "sales", ("site", "material", "tier", "unit_of_measure"), "amount_per_year"),
    (mark("Is dumped"), "disposal", ("site", "material", "unit_of_measure"), "amount_per_year"),
)  # fmt: skip
"""What materials and units are made of: title, table, what tells rows apart (the site first)."""
_BALANCE = (
    (mark("Comes in"), "flows", ("to", "from", "material", "unit_of_measure"), "received_per_year"),
    (mark("Goes out"), "flows", ("from", "to", "material", "unit_of_measure"), "sent_per_year"),
    *(shown for shown in _FLOWS if shown[1] != "flows"),
    (
        mark("Money, million a year"), "money",
        ("site", "group", "material", "unit"), "million_per_year",
    ),
)  # fmt: skip
"""What the balance of a site shows, likewise."""


def balance(app: App, query: Mapping[str, str], site: str = "") -> str:
    """The balance of a site: in, out, made, sold, dumped, money."""
    name = site or query.get("site", "")
    run, folder = _run_of(app, query)
    body = f"<p>{link(f'/runs/{run}', say('Back to the plan'))}</p>"
    for words, table, (place, *keys), amount in _BALANCE:
        title = say(words)
        rows = [r for r in records(folder, table) if r.get(place) == name]
        if rows:
            body += f"<h2>{title}</h2>" + by_period(rows, keys, amount, caption=f"{title}: {name}")
    return page(say("Balance of {name}", name=name), body, project=app.project, at="/plan")


def flows(app: App, query: Mapping[str, str]) -> str:
    """What a band of the plan is made of: every amount of its materials and units, by period."""
    names = [name for name in query.get("of", "").split("\n") if name]
    run, folder = _run_of(app, query)
    tables = {table: records(folder, table) for _, table, *_ in _FLOWS}
    every = [row for rows in tables.values() for row in rows]
    here = {
        kind: [n for n in names if any(row.get(kind) == n for row in every)]
        for kind in ("material", "unit")
    }
    body = f"<p>{link(f'/runs/{run}', say('Back to the plan'))}</p>"
    for words, table, keys, amount in _FLOWS:
        title = say(words)
        wanted = {kind: present for kind, present in here.items() if present and kind in keys}
        rows = [r for r in tables[table] if wanted and all(r[k] in v for k, v in wanted.items())]
        if rows:
            body += f"<h2>{say('{title}, per year', title=title)}</h2>"
            body += by_period(rows, keys, amount, caption=title)
    if not any(here.values()):
        body += note(say("This stands for several that are too small to be drawn: see the tables."))
    return page(" → ".join(names) or say("Flows"), body, project=app.project, at="/plan")


def _run_of(app: App, query: Mapping[str, str]) -> tuple[int, Path]:
    """The run that is asked about (the latest plan where none is named), and its folder."""
    known = latest(app, "solve", with_file="tables")
    if known is None:
        raise LookupError(say("there is no plan yet"))
    number = query.get("run", "")
    run = int(number) if number.isdecimal() else known.run
    return run, app.project.run_folder(run)


def by_period(rows: Iterable[Row], keys: Sequence[str], amount: str, *, caption: str) -> str:
    """Rows summed by what tells them apart, a column for every period."""
    sums: dict[tuple[str, ...], dict[str, float]] = {}
    periods: dict[str, None] = {}
    for row in rows:
        value = float(row[amount] or 0.0)
        if value:
            one = sums.setdefault(tuple(row.get(k, "") for k in keys), {})
            one[row["period"]] = one.get(row["period"], 0.0) + value
            periods.setdefault(row["period"])
    head = [*(heading(k) for k in keys), *periods]
    body = [
        [
            *(escape(cell(n, k)) for n, k in zip(keys, key, strict=True)),
            *(figure(one.get(p, 0.0)) for p in periods),
        ]
        for key, one in sums.items()
    ]
    return html_table(head, body, caption=caption)


def compare_runs(app: App, query: Mapping[str, str]) -> str:
    """Plans side by side: the inputs that differ first, then the totals."""
    numbers = [int(n) for n in query.get("run", "").split(",") if n.isdecimal()]
    known = [r for n in numbers if (r := app.project.run(n)) is not None]
    plans = {r.run: r for r in known if (app.project.run_folder(r.run) / "plan.json").exists()}
    if len(plans) < 2:
        raise LookupError(say("choose at least two plans to compare"))
    heads = [f"{r.run} {r.title}" for r in plans.values()]
    addresses = list(dict.fromkeys(a for r in plans.values() for a in r.changes))
    inputs = [
        [escape(a), *(escape(r.changes.get(a, say("as it is"))) for r in plans.values())]
        for a in addresses
    ]
    books = {r.fingerprint for r in plans.values() if not r.changes}
    differ = say("Inputs that differ")
    body = f"<h2>{differ}</h2>"
    if inputs:
        body += html_table([say("cells"), *heads], inputs, caption=differ)
    if len(books) > 1 or not inputs:
        body += note(say("Cells of the workbook itself were edited between these runs."))
    totals = [_flat(app.project.run_folder(n) / "plan.json") for n in plans]
    names = list(dict.fromkeys(name for t in totals for name in t))
    rows = [[escape(n), *(figure(t.get(n)) for t in totals)] for n in names]
    body += f"<h2>{say('Plans')}</h2>"
    body += html_table([say("figure"), *heads], rows, caption=say("Plans side by side"))
    return page(say("Compare"), body, project=app.project, at="/what-if")


def _flat(path: Path) -> dict[str, Any]:
    from circflow.studies.sweeps.sweep import flat

    plan = json.loads(path.read_text(encoding="utf-8"))
    return {
        "status": plan["status"],
        "objective_million": plan["objective"],
        **flat(plan["totals"]),
        "built": "; ".join(f"{b['unit']} ({b['period']})" for b in plan["built"]),
    }


def pick(app: App) -> str:
    """The plans that can be put side by side, with a box each."""
    rows = "".join(
        f'<label class="pick"><input type="checkbox" name="run" value="{r.run}"> '
        f"{r.run} {escape(r.title)}: {escape(r.message)}</label>"
        for r in app.project.runs()
        if r.kind == "solve" and r.status in ("optimal", "feasible")
    )
    if rows.count("<label") < 2:
        return ""
    inner = f'<form method="get" action="/compare">{rows}{button(say("Compare plans"))}</form>'
    return section(say("Plans side by side"), inner)
