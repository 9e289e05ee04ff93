"""What the page of `compare`, `forms` and `joining` opens with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from circflow.data.one_line import first_few
from circflow.i18n import mark, say
from circflow.report.page.frame import (
    Block,
    Card,
    Cards,
    Figure,
    Points,
    Section,
    Text,
    answer,
    figure,
    percent,
)
from circflow.report.page.sharing import core_words
from circflow.report.page.study import bars, known_figure, words_of_code
from circflow.report.vocabulary import cell

_HEADLINES = (
    ("objective", mark("Objective"), mark("discounted")),
    ("net_benefit", mark("Net benefit"), mark("over the horizon")),
    ("use_share", mark("Waste put to use"), mark("of what arises or is reclaimed")),
    ("emissions", mark("Emitted"), mark("t over the horizon")),
    ("jobs", mark("Jobs"), mark("in the last period")),
)


def comparison_opening(
    tables: Mapping[str, pd.DataFrame], labels: Sequence[str], currency: str
) -> list[Section]:
    """Sections from the tables of `compare`: which does best, and what differs most."""
    names = {label: cell("scenario", label) for label in labels}
    tables = {name: table.rename(columns=names) for name, table in tables.items()}
    labels = list(names.values())
    table = tables["figures"]
    money = say("million {currency}", currency=currency)
    worth = table[table["figure"] == "objective"]
    texts: list[Text] = []
    known = {n: float(worth[n].iloc[0]) for n in labels if worth[n].notna().any()}
    if known:
        texts.append(Text(_lead(known, table, labels, money), "lead"))
    for r in tables.get("without_a_plan", pd.DataFrame()).to_dict("records"):
        name = cell("scenario", r["scenario"])
        fault = say("{scenario} has no plan: {reason}", scenario=name, reason=r["reason"])
        texts.append(Text(fault, "fault"))
    cards = Cards([*_cards(table, labels, money)])
    drawn = _differences(table, labels, money) if len(labels) > 1 else None
    return [
        answer(texts[0], (), *texts[1:], cards),
        Section(say("What differs from {labels}", labels=labels[0]), [drawn], say("Differences")),
        Section(say("What each builds"), _built(tables["built"], labels), say("Built")),
    ]


def _lead(
    known: Mapping[str, float], table: pd.DataFrame, labels: Sequence[str], money: str
) -> str:
    best = max(known, key=lambda name: known[name])
    first, worth = labels[0], known[best]
    alike = [n for n in known if abs(known[n] - worth) <= 1e-6 * max(abs(worth), 1e-9)]
    if len(alike) == len(known) and len(known) > 1:
        return say(
            "All {count} are worth the same: {worth} {money}, discounted.",
            count=len(known),
            worth=figure(worth),
            money=money,
        )
    also = [n for n in alike if n != best]
    others = say(" (as good: ") + ", ".join(also) + ")" if also else ""
    lead = say("Best is {best}{if_any}", best=best, if_any=others)
    lead += say(": worth {worth} {money}, discounted", worth=figure(worth), money=money)
    if first in known and first != best:
        more = figure(worth - known[first])
        lead += say(", {figure} more than {first}", figure=more, first=first)
        lead += _largest_change(table, first, best, money)
    return lead + "."


def _largest_change(table: pd.DataFrame, first: str, best: str, money: str) -> str:
    rows = table[(table["figure"] == "cost") & table["item"].notna()]
    if rows.empty:
        return ""
    saved = (rows[first] - rows[best]).to_numpy(float)
    at = int(saved.argmax())
    if not saved[at] > 0:
        return ""
    return say(
        "; it saves most on {iloc} ({saved} {money})",
        iloc=cell("item", rows["item"].iloc[at]),
        saved=figure(float(saved[at])),
        money=money,
    )


def _cards(table: pd.DataFrame, labels: Sequence[str], money: str) -> Iterator[Card]:
    for name, title, words in ((n, say(t), say(w)) for n, t, w in _HEADLINES):
        rows = table[table["figure"] == name]
        if rows.empty:
            continue
        row, shown = rows.iloc[0], percent if name == "use_share" else figure
        figures = {n: shown(float(row[n])) for n in labels}
        unit = f"{money}, {words}" if name in ("objective", "net_benefit") else words
        head = f"{title}: {row['item']}" if name == "emissions" else title
        others = {n: figures[n] for n in labels[1:6]}
        yield Card(head, figures[labels[0]], f"{unit} ({labels[0]})", others)


def _differences(table: pd.DataFrame, labels: Sequence[str], money: str) -> Figure | None:
    """Income, costs and what remains, less those of the first, where they differ."""
    kept = table[table["figure"].isin(["income", "cost", "synergy", "net_benefit", "objective"])]
    words = [
        cell("figure", words_of_code(f)) if pd.isna(item) else cell("item", item)
        for f, item in zip(kept["figure"], kept["item"], strict=True)
    ]
    less = kept[list(labels[1:])].sub(kept[labels[0]], axis=0).set_axis(words, axis=0)
    largest = float(less.abs().max().max())
    changed = less[(less.abs() > 1e-6 * largest).any(axis=1)] if largest > 0.0 else less.iloc[:0]
    caption = say(
        "Money over the horizon, less that of {labels} (costs: above 0 is dearer)", labels=labels[0]
    )
    return bars(caption, changed, money)


def _built(built: pd.DataFrame, labels: Sequence[str]) -> list[Block]:
    if built.empty:
        return [Text(say("None of them builds anything."))]
    sizes = built.set_index("unit")[list(labels)].fillna(0.0) > 0
    differ = sizes[sizes.any(axis=1) & ~sizes.all(axis=1)]
    same = int(sizes.all(axis=1).sum())
    lines = [say("{same} of {count} plants stand in all of them.", same=same, count=len(sizes))]
    for name in labels:
        plants = [str(u) for u in differ.index[differ[name]]]
        if plants:
            lines.append(say("{name} also: {list}.", name=name, list=first_few(plants)))
    return [Text(line) for line in lines]


def joining_opening(
    tables: Mapping[str, pd.DataFrame], member: str, currency: str
) -> list[Section]:
    """Sections from the tables of `share --joining`."""
    totals = {str(r["figure"]): r for r in tables["totals"].to_dict("records")}
    money = say("million {currency}", currency=currency)
    adds = float(totals["together_million"]["change"])
    before, after = (float(totals["gain_million"][n]) for n in ("without", "with"))
    changes = tables["money"].set_index("member")["change_million"].astype(float)
    others = changes.drop(index=[n for n in (member, "outside") if n in changes.index])
    lead = say(
        "If {member} joins, the cluster gains {adds} {money} more: the gain of the "
        "cluster goes from {before} to {after}. Before any sharing its own money "
        "changes by {get}; of the others {sum} gain and {sum_2} lose.",
        member=member,
        adds=figure(adds),
        money=money,
        before=figure(before),
        after=figure(after),
        get=figure(float(changes.get(member, 0.0))),
        sum=int((others > 0).sum()),
        sum_2=int((others < 0).sum()),
    )
    change = say("{money}, change", money=money)
    cards = [
        Card(say("It adds"), adds, say("{money}, discounted", money=money)),
        Card(say("Gain of the cluster"), after, money, {say("without it"): figure(before)}),
        Card(say("Its own money"), float(changes.get(member, 0.0)), change),
        Card(say("The others' money"), float(others.sum()), change),
    ]
    drawn = known_figure("shares", tables["shares"], currency)
    by_member = bars(say("Own money, before any sharing"), changes.to_frame(say("change")), money)
    leave = Points([*core_words(tables["core_with"], currency)])
    return [
        answer(lead, cards),
        Section(say("Who gains and who loses"), [by_member, drawn], say("Members")),
        Section(say("Would a group leave?"), [leave], say("Leave")),
    ]
