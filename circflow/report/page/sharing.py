"""What the page of `share` opens with: what the cluster gains and why, which rule to take, whom
each rule would drive out, who pays whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from circflow.i18n import mark, say
from circflow.report.numbers import cut
from circflow.report.page.charts import axis, categories, row, view
from circflow.report.page.frame import (
    Block,
    Card,
    Column,
    Figure,
    Points,
    Section,
    Table,
    answer,
    escaped,
    figure,
    percent,
    sentences,
)
from circflow.report.page.study import known_figure, words_of_code
from circflow.report.vocabulary import cell

Tables = Mapping[str, pd.DataFrame]
_MANY = 6
_TRANSFERS = 40
RULES = {
    "owen": mark("Owen: by the plan's own prices"),
    "shapley": mark("Shapley: by what each adds"),
    "nucleolus": mark("Nucleolus: the largest complaint as small as can be"),
    "volume": mark("by tonnes exchanged"),
    "alone": mark("by own money alone"),
    "equal": mark("the same for each"),
}
"""Rules in words, in the order in which we would take them where no group would leave."""
_TAKEN = ("shapley", "owen", "nucleolus")
_NAMES = {
    "owen": mark("the plan's own prices (Owen)"),
    "shapley": mark("the Shapley value"),
    "nucleolus": mark("the nucleolus"),
    "volume": mark("tonnes exchanged"),
    "alone": mark("own money alone"),
    "equal": mark("equal parts"),
}
_WHY = {
    "shapley": mark(
        "it gives each what it adds on average, and no group would do better on its own"
    ),
    "owen": mark(
        "it needs no transfers beyond the plan's own prices, and no group would do "
        "better on its own"
    ),
    "nucleolus": mark("no group would do better on its own, and it keeps furthest from that"),
}


def sharing_opening(tables: Tables, currency: str) -> list[Section]:
    """Sections from the tables of `share` (see docs/sharing.md)."""
    totals = dict(zip(tables["totals"]["figure"], tables["totals"]["value"], strict=True))
    rule, why = chosen(tables["core"], totals, currency)
    money = say("million {currency}", currency=currency)
    why_it_gains, shares = (
        known_figure(name, tables[name], currency) for name in ("waterfall", "allocations")
    )
    leave = Points([*core_words(tables["core"], currency)])
    payments = _transfers(tables["transfers"], rule, money)
    return [
        _answer(tables, totals, rule, why, money),
        Section(say("Why it gains"), [why_it_gains], say("Why")),
        Section(say("What each member gets"), [shares, _shares(tables, money)], say("Shares")),
        Section(say("Would a group leave?"), [leave], say("Leave")),
        Section(say("Who pays whom"), payments, say("Payments")),
        Section(say("What each member brings"), _brings(tables["joining"], money), say("Members")),
    ]


def chosen(core: pd.DataFrame, totals: Mapping[Any, Any], currency: str) -> tuple[str, str]:
    """The rule that we would take, and why; of those that hold every group together the one most
    easily explained, else the one with the least cause to complain."""
    holds = set(core["rule"][core["in_core"] == "yes"])
    for rule in _TAKEN:
        if rule in holds:
            return rule, say(_WHY[rule])
    known = core.dropna(subset=["lacks_million"]).sort_values("lacks_million", kind="stable")
    rule = str(known["rule"].iloc[0]) if len(known) else str(core["rule"].iloc[0])
    if totals.get("core_empty") == "yes":
        amount = figure(float(totals["subsidy_million"]))
        subsidy = say(
            "{subsidy_million} million {currency}", subsidy_million=amount, currency=currency
        )
        why = say(
            "no division holds every group, and this one comes nearest; {subsidy} from outside",
            subsidy=subsidy,
        )
        return rule, say("{why} would hold them all", why=why)
    return rule, say("of these rules the group that lacks most lacks least")


def core_words(core: pd.DataFrame, currency: str) -> Iterator[tuple[str, str, str]]:
    """Rule by rule: whether a group would do better on its own."""
    for r in core.to_dict("records"):
        lacks = float(r["lacks_million"])
        group = _named([n.strip() for n in str(r["group"] or "").split(",") if n.strip()])
        amount = say("{lacks} million {currency}", lacks=figure(abs(lacks)), currency=currency)
        rule = say(RULES.get(str(r["rule"]), str(r["rule"])))
        if r["in_core"] == "yes":
            near = say(
                "Nearest to it: {group}, with {amount} to spare.", group=group, amount=amount
            )
            rest = near if group and lacks < 0 else ""
            yield rule, say("No group would do better on its own."), rest
        elif r["in_core"] == "no":
            more = say("{group} would do {amount} better on their own.", group=group, amount=amount)
            yield rule, more, ""
        else:
            yield rule, say("Not known: the search was stopped."), f"{group}: {amount}"


_OTHERS = {
    3: mark("{list} and three others"),
    4: mark("{list} and four others"),
    5: mark("{list} and five others"),
    6: mark("{list} and six others"),
    7: mark("{list} and seven others"),
    8: mark("{list} and eight others"),
    9: mark("{list} and nine others"),
}


def _named(names: list[str]) -> str:
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= _MANY - 2:
        return say("{list} and {names}", list=", ".join(names[:-1]), names=names[-1])
    rest = len(names) - 2
    sentence = _OTHERS.get(rest, mark("{list} and {count} others"))
    return say(sentence, list=", ".join(names[:2]), count=rest)


def _answer(tables: Tables, totals: Mapping[Any, Any], rule: str, why: str, money: str) -> Section:
    alone, together = float(totals["alone_million"]), float(totals["together_million"])
    gain = float(totals["gain_million"])
    part = percent(gain / abs(alone)) if alone > 0.0 else ""
    lead = say(
        "Together the {members} members gain {gain} {money}{of}.",
        members=totals["members"],
        gain=figure(gain),
        money=money,
        of=say(", {percent} of what they have alone", percent=part) if part else "",
    )
    steps = tables["effects"]
    if len(steps):
        best = steps.sort_values("million", ascending=False).iloc[0]
        words, most = _words(best["effect"]), figure(best["million"])
        lead += say(" Most of it is {words}: {million}.", words=words, million=most)
    lead += say(" We would share it by {get}: {why}.", get=say(_NAMES.get(rule, rule)), why=why)
    shares = tables["allocations"]
    shares = shares[shares["rule"] == rule].sort_values("million", ascending=False)
    holds, of = str((tables["core"]["in_core"] == "yes").sum()), len(tables["core"])
    cards = [
        Card(say("Gain of the cluster"), gain, say("{money}, discounted", money=money)),
        Card(say("Each on its own"), alone, money),
        Card(say("All together"), together, money),
        Card(say("Rules that hold every group"), holds, say("of {count} rules", count=of)),
    ]
    if len(shares):
        first = shares.iloc[0]
        cards.append(Card(say("Largest share"), first["million"], f"{first['member']}, {money}"))
    return answer(lead, cards)


def _words(effect: object) -> str:
    effects = {
        "exchange": say("exchange between members"),
        "infrastructure": say("common infrastructure"),
    }
    return effects.get(str(effect)) or words_of_code(cell("effect", str(effect)))


def _shares(tables: Tables, money: str) -> Table:
    shares = tables["allocations"]
    wide = shares.pivot(index="member", columns="rule", values="million")
    wide = wide[list(dict.fromkeys(shares["rule"]))]
    first = str(wide.columns[0])
    wide = wide.sort_values(first, ascending=False).reset_index()
    heads = [Column(str(r), say(str(r)).capitalize(), "number", money) for r in wide.columns[1:]]
    return Table(
        say("Shares of the gain by rule"),
        wide,
        (Column("member", say("Member")), *heads),
        shown=15,
        opens=[{"member": str(member)} for member in wide["member"]],
    )


def _transfers(table: pd.DataFrame, rule: str, money: str) -> list[Block]:
    """Who pays whom to carry the rule out, as bars."""
    payments = table[table["rule"] == rule].sort_values("million", ascending=False).head(_TRANSFERS)
    if payments.empty:
        return []
    names = [
        escaped(cut(say("{a} pays {b}", a=a, b=b), 48))
        for a, b in zip(payments["from"], payments["to"], strict=True)
    ]
    hover = sentences(mark("<b>{from} pays {to}</b><br>{million} {money}"), payments, money=money)
    texts = [figure(v) for v in payments["million"]]
    drawn = view(
        [row(names, payments["million"].to_numpy(float), texts, hover, "$blue")],
        110 + 24 * len(payments),
        yaxis=categories(names[::-1]),
        xaxis=axis(say("{money}, over the horizon, of today", money=money), rangemode="tozero"),
    )
    caption = say(
        "Payments that carry out {get}, beside the sales between members",
        get=say(_NAMES.get(rule, rule)),
    )
    return [Figure(caption, {"": drawn}, say("Bars of payments by pair"))]


def _brings(table: pd.DataFrame, money: str) -> list[Block]:
    if table.empty:
        return []
    shown = table.sort_values("adds_million", ascending=False, ignore_index=True)
    columns = (
        Column("joiner", say("Member")),
        Column("adds_million", say("Adds to the cluster"), "number", money, bar=True),
        Column("gain_without_million", say("Gain of the cluster without it"), "number", money),
        Column("own_change_million", say("Its own money changes by"), "number", money),
        Column("others_change_million", say("The others' money by"), "number", money),
        Column("gain", say("Who gains")),
        Column("lose", say("Who loses")),
    )
    note = say("Before any sharing: with it in the cluster, less without.")
    opens = [{"member": str(member)} for member in shown["joiner"]]
    return [Table(say("What each member adds"), shown, columns, note, shown=12, opens=opens)]
