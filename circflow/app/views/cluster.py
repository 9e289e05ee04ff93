"""Cluster: what it gains, by effect, by member; rules with the core test; a page per member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from circflow.app.html import bullets, html_table, note, page
from circflow.app.state import App
from circflow.app.views.parts import (
    about,
    begin,
    figure,
    frame_of,
    latest,
    member_link,
    runs_table,
    site_link,
)
from circflow.i18n import say
from circflow.report.vocabulary import heading

Tables = dict[str, list[dict[str, Any]]]


def cluster(app: App, query: Mapping[str, str]) -> str:
    """What the cluster gains, and how to share it."""
    body = begin("share", say("What the cluster gains"))
    known = latest(app, "share", with_file="tables.json")
    if known is not None:
        body += about(app, known) + summary(app, known.run) + frame_of(known)
    body += runs_table(app, ("share", "forms"))
    return page(say("Cluster"), body, project=app.project, at="/cluster")


def summary(app: App, run: int) -> str:
    """The gain of the cluster, by effect and by member, with the core test."""
    tables = _tables(app, run)
    return _gain(tables) + _rules(tables)


def _tables(app: App, run: int) -> Tables:
    path = app.project.run_folder(run) / "tables.json"
    content: Tables = json.loads(path.read_text(encoding="utf-8"))
    return content


def _gain(tables: Tables) -> str:
    totals = {r["figure"]: figure(r["value"]) for r in tables["totals"]}
    effects = bullets(
        say(
            "{replace}: {million} million",
            replace=escape(heading(str(r["effect"]))),
            million=figure(r["million"]),
        )
        for r in tables["effects"]
    )
    lead = say(
        "Alone {alone_million}, together {together_million}: the cluster gains",
        alone_million=totals["alone_million"],
        together_million=totals["together_million"],
    )
    return (
        f'<p class="lead">{lead} <b>{totals["gain_million"]}</b> {say("million, discounted.")}</p>'
        f"<h2>{say('By effect')}</h2>{effects}"
    )


def _rules(tables: Tables) -> str:
    """Shares by member and rule; whether each rule holds every group."""
    rules = list(dict.fromkeys(r["rule"] for r in tables["allocations"]))
    shares = {(r["member"], r["rule"]): r["million"] for r in tables["allocations"]}
    members = list(dict.fromkeys(r["member"] for r in tables["allocations"]))
    rows = [[member_link(m), *(figure(shares.get((m, r))) for r in rules)] for m in members]
    body = f"<h2>{say('By member and rule')}</h2>"
    body += html_table(
        [say("member"), *(say(r) for r in rules)], rows, caption=say("Shares of the gain, million")
    )
    core = [
        [
            *map(escape, (say(r["rule"]), say(r["in_core"]), str(r["group"]))),
            figure(r["lacks_million"]),
        ]
        for r in tables["core"]
    ]
    head = [say("rule"), say("in the core"), say("group that lacks most"), say("lacks, million")]
    return body + html_table(head, core, caption=say("Would a group leave?"))


def member(app: App, member: str, query: Mapping[str, str]) -> str:
    """A member's own page: gives, gets, pays, gains, internal prices, partners; printable."""
    known = latest(app, "share", with_file="tables.json")
    if known is None:
        body = note(say("What the cluster gains is not known yet."))
        body += begin("share", say("What the cluster gains"))
        return page(member, body, project=app.project, at="/cluster")
    tables = _tables(app, known.run)
    if member not in {r["member"] for r in tables["allocations"]}:
        raise LookupError(say("there is no member {member!r}", member=member))
    body = (
        f'<button type="button" data-print class="noprint">{say("Print")}</button>'
        + about(app, known)
        + _gain_of_member(tables, member)
        + _trade(tables, member, say("What I give"), "seller", "buyer")
        + _trade(tables, member, say("What I get"), "buyer", "seller")
        + _transfers(tables, member)
    )
    return page(member, body, project=app.project, at="/cluster")


def _gain_of_member(tables: Tables, member: str) -> str:
    money = [r for r in tables["money"] if r["member"] == member]
    amounts = ("alone_million", "together_million", "change_million")
    rows = [[escape(str(r["period"])), *(figure(r[k]) for k in amounts)] for r in money]
    sums = {k: sum(r[k] for r in money) for k in amounts}
    rows.append([say("all"), *(figure(sums[k]) for k in amounts)])
    shares = [
        [escape(say(r["rule"])), figure(r["million"])]
        for r in tables["allocations"]
        if r["member"] == member
    ]
    lead = say(
        "Own money: {alone_million} alone, {together_million} in the cluster, before "
        "any sharing (million, discounted).",
        alone_million=figure(sums["alone_million"]),
        together_million=figure(sums["together_million"]),
    )
    head = (say("period"), say("alone"), say("in the cluster"), say("change"))
    by_rule = (say("rule"), say("share, million"))
    return (
        f'<p class="lead">{lead}</p><h2>{say("What I gain")}</h2>'
        + html_table(head, rows, caption=say("Own money, million"))
        + html_table(by_rule, shares, caption=say("My share of the gain, by rule"))
    )


def _trade(tables: Tables, member: str, title: str, side: str, other: str) -> str:
    rows = [
        [
            escape(str(r[other])),
            escape(str(r["material"])),
            site_link(str(r["from"])),
            site_link(str(r["to"])),
            escape(str(r["period"])),
            f"{figure(r['received_per_year'])} {escape(str(r['unit_of_measure']))}",
            figure(r["price"]),
            figure(r["million_per_year"]),
        ]
        for r in tables["exchanges"]
        if r[side] == member
    ]
    head = [say("partner"), say("material"), say("from"), say("to"), say("period")]
    head += [say("a year"), say("internal price"), say("million a year")]
    shown = html_table(head, rows, caption=title) if rows else note(say("Nothing."))
    return f"<h2>{title}</h2>{shown}"


def _transfers(tables: Tables, member: str) -> str:
    rows = [
        [escape(say(r["rule"])), words, escape(str(r[other])), figure(r["million"])]
        for r in tables["transfers"]
        for side, other, words in (("from", "to", say("I pay")), ("to", "from", say("I get")))
        if r[side] == member
    ]
    head = (say("rule"), say("what"), say("partner"), say("million"))
    table = html_table(head, rows, caption=say("Payments by rule"))
    return f"<h2>{say('What I pay and am paid')}</h2>{table}" if rows else ""
