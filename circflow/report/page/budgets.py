"""What the page of `finance` opens with: what public budgets get, and what the plan changes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from circflow.i18n import mark, say
from circflow.i18n.names import shown_word
from circflow.report.page.frame import Card, Column, Section, Table, Text, answer, figure
from circflow.report.page.study import bars, words_of_code

_MOST = 4
"""Budgets with a card of their own."""


def finance_opening(tables: Mapping[str, pd.DataFrame], currency: str) -> list[Section]:
    """Sections from the tables of `finance` (a mean year of the horizon, undiscounted)."""
    table, money = tables["finance"], say("million {currency} a year", currency=currency)
    horizon = table[table["member"].isna() & table["period"].isna()]
    figures = ["million_per_year", "baseline", "change"]
    horizon = horizon.assign(budget=_shown(horizon["budget"]))
    budgets = horizon.groupby("budget", sort=False)[figures].sum(min_count=1)
    total = budgets.sum(min_count=1)
    lead = say(
        "With the plan public budgets get {million_per_year} {money} on average",
        million_per_year=figure(total["million_per_year"]),
        money=money,
    )
    if pd.notna(total["change"]):
        sentence = (
            mark(", {change} more than without new units")
            if total["change"] >= 0.0
            else mark(", {change} less than without new units")
        )
        lead += say(sentence, change=figure(abs(total["change"])))
        best = budgets["change"].abs().idxmax()
        most = float(budgets["change"].to_dict()[best])
        signed = f"{'+' if most > 0 else ''}{figure(most)}"
        lead += say(
            "; most of the change is in the {best} budget ({signed})", best=best, signed=signed
        )
    else:
        lead += say("; without new units there is no plan to compare with")
    gains = horizon.sort_values("change", key=lambda c: c.abs(), ascending=False, kind="stable")
    cards = [_card(say("All budgets"), total, money)]
    cards += [
        _card(say("The {n} budget", n=n), row, money) for n, row in budgets.head(_MOST).iterrows()
    ]
    if len(cards) <= _MOST and len(gains) and pd.notna(gains["change"].iloc[0]):
        first = gains.iloc[0]
        title = say("Changes most: {tax}", tax=first["tax"])
        cards.append(Card(title, first["change"], say("{money}, change", money=money)))
    note = say("Taxes and charges never change the plan. Money of the year, not discounted.")
    sections = [answer(f"{lead}.", cards, Text(note, "note"))]
    wide = budgets[["million_per_year", "baseline"]].set_axis(
        [say("with the plan"), say("without new units")], axis=1
    )
    drawn = bars(say("What each budget gets in a mean year"), wide, money)
    sections.append(Section(say("Budget by budget"), [drawn, _taxes(horizon, money)]))
    if "candidates" in tables:
        brought = tables["candidates"].assign(budget=_shown(tables["candidates"]["budget"]))
        units = brought.pivot(index="unit", columns="budget", values="million_per_year")
        caption = say("What each unit that is built brings: the plan less the best plan without it")
        drawn = bars(caption, units[list(dict.fromkeys(brought["budget"]))], money)
        sections.append(Section(say("Unit by unit"), [drawn]))
    return sections


def _shown(budgets: pd.Series[str]) -> list[str]:
    return [shown_word("budget", str(budget)) for budget in budgets]


def _card(title: str, row: pd.Series[float], money: str) -> Card:
    before = {say("without new units"): figure(row["baseline"])}
    compared = before if pd.notna(row["baseline"]) else {}
    return Card(title, row["million_per_year"], money, compared)


def _taxes(horizon: pd.DataFrame, money: str) -> Table:
    shown = horizon.assign(base=[words_of_code(base) for base in horizon["base"]])
    columns = (
        Column("tax", say("Tax or charge")),
        Column("budget", say("Budget")),
        Column("base", say("Of what")),
        Column("million_per_year", say("With the plan"), "number", money, bar=True),
        Column("baseline", say("Without new units"), "number", money),
        Column("change", say("Change"), "number", money),
    )
    return Table(say("Taxes and charges of everybody, mean year"), shown, columns, name="taxes")
