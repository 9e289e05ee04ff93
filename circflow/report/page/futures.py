"""What the pages of `futures` open with: what to build now, what the uncertainty costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.one_line import first_few
from circflow.i18n import mark, say
from circflow.report.page.frame import (
    Block,
    Card,
    Column,
    Section,
    Table,
    Text,
    answer,
    figure,
    percent,
    typeset,
)
from circflow.report.page.study import bars, known_figure


def futures_opening(
    tables: Mapping[str, pd.DataFrame], alpha: float, currency: str, reason: str = ""
) -> list[Section]:
    """Sections from the tables of `futures`; `reason` says why there is no plan for all."""
    money = say("million {currency}", currency=currency)
    values = tables["figures_of_all"].set_index("figure")["million"]
    million = {str(k): float(v) if pd.notna(v) else np.nan for k, v in values.items()}
    futures, decisions = tables["futures"], tables["decisions"]
    if np.isnan(million["RP"]):
        fault = say("No decisions hold in every one of these futures.")
        return [answer(Text(fault, "fault"), (), Text(reason))]
    now = decisions[decisions["advice"].isin(["build now", "build now: right in every future"])]
    names = now["unit"].astype(str).tolist()
    worths = {"count": len(futures), "rp": figure(million["RP"]), "money": money}
    lead = say(_NOW if names else _NOTHING_NOW, some=first_few(names), **worths)
    lead += _worths(million, money)
    worth = futures.dropna(subset=["worth"]).sort_values("worth", kind="stable")
    cards = [
        Card(say(title), million[name], say(unit, money=money, percent=percent(1 - alpha)))
        for title, name, unit in _CARDS
    ]
    if len(worth):
        first = worth.iloc[0]
        worst = f"{money}, {first['future']}"
        cards.append(Card(say("Worst future"), float(first["worth"]), worst))
    drawn = known_figure("futures", futures, currency)
    when = [_decisions(decisions, money)] if len(decisions) else []
    built = _infrastructure(tables, money)
    return [
        answer(lead, cards),
        Section(say("What to build when"), when, say("Decisions")),
        Section(say("Future by future"), [drawn], say("Futures")),
        Section(say("Who bears the risk"), _members(tables["members"], money), say("Risk")),
        Section(say("What infrastructure is worth"), built, say("Infrastructure")),
    ]


_NOW = mark(
    "Build now {some}: over {count} futures these decisions are worth {rp} {money} on average."
)
_NOTHING_NOW = mark(
    "Build nothing now: over {count} futures that is worth {rp} {money} on average."
)
_CARDS = (
    (mark("Worth, mean of the futures"), "RP", mark("{money}, discounted")),
    (mark("Of the worst futures"), "CVaR", mark("{money}, mean of the worst {percent}")),
    (mark("A perfect forecast"), "EVPI", mark("{money} would be worth (EVPI)")),
    (mark("Planning for all of them"), "VSS", mark("{money} is worth (VSS)")),
)
"""Headline figures: title, figure of all futures, unit."""


def _worths(million: Mapping[str, float], money: str) -> str:
    """What a forecast and planning for all futures are worth, in a sentence or two."""
    evpi, vss, least = million["EVPI"], million["VSS"], 1e-6 * abs(million["RP"])
    words = ""
    if evpi > least:
        words = say(
            " To know beforehand which comes would be worth {evpi} {money} more.",
            evpi=figure(evpi),
            money=money,
        )
    elif evpi == evpi:  # noqa: PLR0124 - known
        words = say(" To know beforehand which comes would change nothing.")
    if np.isnan(vss):
        return say("{told} What is best for their mean leaves no plan in some of them.", told=words)
    if vss > least:
        return say(
            "{told} Planning for all of them, not for their mean, is worth {vss}.",
            told=words,
            vss=figure(vss),
        )
    return words


def _decisions(table: pd.DataFrame, money: str) -> Table:
    of = say("of the futures, by probability")
    columns = [
        Column("unit", say("Plant")),
        Column("advice", say("Advice")),
        Column("period", say("Built in")),
        Column("capacity", say("Capacity"), "number", say("per year")),
        Column("mean_period", say("Built for the mean future in")),
        Column("share_right", say("Right in"), "share", of, bar=True),
        Column("share_now", say("Right at once in"), "share", of),
    ]
    if "worth" in table:
        columns.append(Column("worth", say("Worth"), "number", money))
        columns.append(Column("worst_tenth", say("In the worst tenth"), "number", money))
    caption = say("What to build now, and what to wait for")
    return Table(caption, table, tuple(columns), shown=20, name="advice")


def _members(table: pd.DataFrame, money: str) -> list[Block]:
    if table.empty:
        return []
    shown = table.sort_values("share_of_risk", ascending=False, kind="stable", ignore_index=True)
    columns = (
        Column("member", say("Member")),
        Column("mean", say("Own money, mean"), "number", money),
        Column("worst_tenth", say("In its worst tenth of the futures"), "number", money),
        Column("deviation", say("Standard deviation"), "number", money),
        Column("lowest", say("Lowest"), "number", money),
        Column("highest", say("Highest"), "number", money),
        Column("share_of_risk", say("Part of the cluster's risk"), "share"),
    )
    note = say("Own money over the futures, discounted, under the decisions for all of them.")
    return [Table(say("Who of the members bears the risk"), shown, columns, note, name="risk")]


def _infrastructure(tables: Mapping[str, pd.DataFrame], money: str) -> list[Block]:
    table = tables.get("infrastructure")
    if table is None or table.empty:
        return []
    columns = (
        Column("kind", say("What")),
        Column("name", say("Name")),
        Column("worth", say("Worth"), "number", money, bar=True),
        Column("calm", say("If the mean future came"), "number", money),
        Column("by_risk", say("By the uncertainty alone"), "number", money),
        Column("worst", say("At most"), "number", money),
        Column("worst_future", say("in the future")),
        Column("worst_tenth", say("In the worst tenth"), "number", money),
        Column("because_of", say("Because of")),
    )
    return [Table(say("What each is worth, by futures"), table, columns, name="infrastructure")]


def robust_opening(
    curve: pd.DataFrame, asked: Sequence[float], plans: Sequence[Any], currency: str
) -> list[Section]:
    """Sections from the price of robustness (`futures --budget-of-uncertainty`)."""
    money = say("million {currency}", currency=currency)
    last = len(curve) - 1
    one = next((n for n, g in enumerate(curve["gamma"]) if g in asked), last)
    row, base, most = curve.iloc[one], curve.iloc[0], curve.iloc[last]
    names = [str(built["unit"]) for built in plans[one]]
    lead = say(
        "If any {gamma} of {gamma_2} uncertain figures turn out as badly as they "
        "can, this plan is still worth {worth} {money}; that protection costs "
        "{price} of its worth when nothing goes wrong.",
        gamma_2=figure(most["gamma"]),
        money=money,
        **typeset(row),
    )
    lead += " " + (
        say("It builds {units}.", units=first_few(names)) if names else say("It builds nothing.")
    )
    cards = [
        Card(say("Worth at least"), row["worth"], say("{money}, discounted", money=money)),
        Card(say("If nothing goes wrong"), row["nominal"], money),
        Card(say("Price of the protection"), row["price"], money),
        Card(say("Chance of less"), percent(row["chance"]), say("at most")),
        Card(say("If everything goes wrong"), most["worth"], money,
             {"nothing": figure(base["worth"])})
    ]  # fmt: skip
    wide = curve.set_index(curve["gamma"].map(figure))[["worth", "nominal"]]
    wide = wide.set_axis([say("worth at least"), say("if nothing goes wrong")], axis=1)
    drawn = bars(say("Worth by how many figures may turn out badly"), wide, money)
    return [
        answer(lead, cards),
        Section(say("The price of robustness"), [drawn], say("Price")),
    ]
