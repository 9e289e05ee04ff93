"""What if: lists of changes under names, sliders over Ranges, scenarios side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from circflow.app.html import button, form, html_table, note, page, section
from circflow.app.project import Change, Variant
from circflow.app.state import App
from circflow.app.views.parts import begin, choice, field, hidden
from circflow.app.views.plan import pick
from circflow.data.changes.address import spoken_address
from circflow.i18n import current, say, say_in

_SIGNS = (("*", "×"), ("+", "+"), ("=", "="))


def what_if(app: App, query: Mapping[str, str]) -> str:
    """Lists of changes under names, each switched on or off; solved beside the workbook."""
    project = app.project
    name = query.get("variant", "")
    one = next((v for v in project.variants if v.name == name), None)
    listed = "".join(
        f'<li><a href="/what-if?{urlencode({"variant": v.name})}"'
        f"{' aria-current=page' if v is one else ''}>{escape(v.name)}</a></li>"
        for v in project.variants
    )
    body = f'<ul class="plain variants">{listed}</ul>' if listed else ""
    body += form(
        "/variants",
        field(say("A new list of changes"), "variant", of="new", size=24, required="required")
        + button(say("Add")),
    )
    if one is not None:
        body += _changes(one)
    body += _sliders(name if one is not None else "")
    body += _compare(project.variants) + pick(app)
    return page(say("What if"), body, project=project, at="/what-if")


def _changes(one: Variant) -> str:
    rows = []
    for n, change in enumerate(one.changes):
        state = say("on") if change.on else say_in("switch", "off")
        press = button(state, title=say("{address} is on or off", address=change.address))
        switch = form("/variants", hidden(variant=one.name, do="switch", at=n) + press)
        press = button(say("remove"), title=say("Remove {address}", address=change.address))
        drop = form("/variants", hidden(variant=one.name, do="drop", at=n) + press)
        rows.append([switch, escape(change.address), escape(change.edit), drop])
    head = (say("in force"), say("cells"), say("change"), say("do"))
    shown = html_table(head, rows, caption=say("Changes")) if rows else ""
    place = spoken_address("Markets.price[material=slag cement]", current())
    add = form(
        "/variants",
        hidden(variant=one.name, do="add")
        + field(
            say("Cells"), "address", of="change", size=44, required="required", placeholder=place
        )
        + choice(say("Change"), "sign", _SIGNS, of="change")
        + field(say_in("change", "by"), "value", of="change", size=8, required="required")
        + button(say("Add the change")),
    )
    solve_it = begin("solve", say("Solve"), variant=one.name)
    return section(one.name, shown + add + solve_it)


def _sliders(variant: str) -> str:
    """The rows of Ranges, moved with the decisions held; the script draws them when ready."""
    about = say("The rows of the sheet Ranges, moved with the decisions held.")
    afresh = hidden(variant=variant, values="{}") + button(say("Search afresh"))
    return section(
        say("Sliders"),
        f'<p>{about}</p><div data-sliders="{escape(variant)}"><button type="button">'
        f'{say("Show the sliders")}</button><p role="status" class="lead"></p>'
        f'<div class="rows"></div>{form("/variants/sliders", afresh)}</div>',
    )


def _compare(variants: Sequence[Variant]) -> str:
    if not variants:
        return note(say("Two lists of changes, or one and the workbook, can be put side by side."))
    boxes = "".join(
        '<label class="pick"><input type="checkbox" name="scenario" checked '
        f'value="{escape(name)}"> {escape(name or say("the workbook as it is"))}</label>'
        for name in ["", *(v.name for v in variants)]
    )
    return section(say("Side by side"), begin("compare", say("Compare"), boxes))


def lists_of(app: App, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The changes in force of scenarios by name; an empty name is the workbook."""
    known = {v.name: v.in_force() for v in app.project.variants}
    return {n or say("the workbook"): known.get(n, {}) for n in names if not n or n in known}


def moved(app: App, variant: str, values: Mapping[int, float], rows: Sequence[Any]) -> str:
    """A list of changes made of moved sliders, on top of a list; its name."""
    signs = {"factor": "*", "add": "+", "set": "="}
    changes = {c.address: c for c in app.project.variant(variant).changes} if variant else {}
    taken = {v.name for v in app.project.variants}
    names = (say("sliders {count}", count=n) for n in range(1, len(taken) + 2))
    one = app.project.variant(next(name for name in names if name not in taken))
    one.changes = list(changes.values())
    for at, value in values.items():
        row = rows[at]
        one.changes.append(Change(row["address"], f"{signs[row['how']]}{value:.6g}"))
    app.project.save()
    return one.name


def change_variant(app: App, name: str, values: Mapping[str, str]) -> None:
    """Add, switch or drop a change of a variant."""
    if not name:
        return
    one, what = app.project.variant(name), values.get("do", "")
    if what == "add" and values.get("address"):
        edit = f"{values.get('sign', '=')}{values.get('value', '').strip()}"
        one.changes.append(Change(values["address"].strip(), edit))
    elif what in ("switch", "drop"):
        at = int(values["at"]) if values.get("at", "").isdecimal() else -1
        if 0 <= at < len(one.changes):
            if what == "drop":
                del one.changes[at]
            else:
                one.changes[at].on = not one.changes[at].on
    app.project.save()
