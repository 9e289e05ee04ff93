"""What the page of `suggest` opens with: what would pay here, and what each hangs on; and that of
one plant tried at every site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from circflow.i18n import say
from circflow.report.page.frame import (
    Assessment,
    Block,
    Card,
    Column,
    Section,
    Table,
    Text,
    answer,
    figure,
    first_of,
    percent,
    typeset,
)

_SHOWN = 8


def suggestions_opening(
    tables: Mapping[str, pd.DataFrame], objective: float, together: float, currency: str
) -> list[Section]:
    """Sections from the tables of `suggest`; `together`: the gain of all of them within budget."""
    money = say("million {currency}", currency=currency)
    table = tables.get("suggestions", pd.DataFrame({"pays": []}))
    pays = table[table["pays"].astype(bool)]
    if pays.empty:
        lead = say("No technology of the library would pay here.")
        if len(table):
            lead += say(
                " {count} came near enough to be solved in full: what they lack stands below.",
                count=len(table),
            )
    else:
        best = pays.iloc[0]
        lead = say(
            "{count} of {count_2} technologies that were solved in full would pay here, "
            "together {together} {money}. The best is {technology} at {site}: it gains "
            "{gain} {money} for a capital of {capex_million}.",
            count=len(pays),
            count_2=len(table),
            together=figure(together),
            money=money,
            **typeset(best),
        )
    portfolio = tables.get("portfolio")
    capital = 0.0 if portfolio is None else float(portfolio["capex_million"].sum())
    count, of = len(pays), say("of {count} solved in full", count=len(table))
    lack, discounted = len(tables.get("no_market", ())), say("{money}, discounted", money=money)
    cards = [
        Card(say("Would pay"), count, of),
        Card(say("Gain together"), together, discounted),
        Card(say("Their capital"), capital, money),
        Card(say("The plan without them"), objective, discounted),
        Card(say("Lack a market"), lack, say("products; the table says at what price")),
    ]
    judged = [_assessment(row, currency) for row in table.to_dict("records")]
    note = say("Figures of the library are those of other places: settle them before building.")
    return [
        answer(lead, cards, Text(note)),
        Section(say("One by one, best first"), first_of(judged, _SHOWN), say("Technologies")),
        Section(say("What is missing"), _missing(tables, currency), say("Missing")),
    ]


def _assessment(row: Mapping[Any, Any], currency: str) -> Assessment:
    money = say("million {currency}", currency=currency)
    facts = [
        (say("Gain"), f"{figure(row['gain'])} {money}"),
        (say("Capital"), f"{figure(row['capex_million'])} {money}"),
    ]
    even = row["break_even_capex_million"]
    if even is not None and pd.notna(even):
        facts.append((say("Pays up to a capital of"), f"{figure(even)} {money}"))
    if row["load_share"] is not None and pd.notna(row["load_share"]):
        facts.append((say("Mean load"), percent(row["load_share"])))
    labels = (
        (say("Gains most"), "gains_most"), (say("Like"), "alike"), (say("Hangs on"), "hangs_on"),
        (say("How well it is known"), "confidence"), (say("Readiness"), "readiness"),
        (say("Sources"), "sources"),
    )  # fmt: skip
    lines = [f"{words}: {row[name]}" for words, name in labels if row[name]]
    flows = say("Takes {takes}; makes {makes}.", takes=row["takes"], makes=row["makes"])
    return Assessment(
        f"{row['technology']}, {row['site']}",
        (say("would pay"), "good") if row["pays"] else (say("would not pay"), "bad"),
        flows if row["takes"] else "",
        facts,
        lines[:3],
        lines[3:],
    )


def _missing(tables: Mapping[str, pd.DataFrame], currency: str) -> list[Block]:
    per_unit = say("{currency} per unit", currency=currency)
    listed: dict[str, tuple[str, tuple[Column, ...]]] = {
        "no_market": (
            say("Products without a market here, and the price at which they would pay"),
            (
                Column("technology", say("Technology")),
                Column("site", say("Site")),
                Column("product", say("Product")),
                Column("needed_price", say("Price that it needs"), "number", per_unit),
                Column("usual_price", say("Usual price"), "number", per_unit),
            ),
        ),
        "almost": (
            say("What almost pays, or cannot be"),
            (
                Column("technology", say("Technology")),
                Column("site", say("Best site")),
                Column("first_tonne_value", say("Worth of the first tonne"), "number", per_unit),
                Column("missing", say("What is missing")),
            ),
        ),
    }
    return [
        Table(caption, tables[name], columns, name=name)
        for name, (caption, columns) in listed.items()
        if name in tables
    ]


def sites_opening(table: pd.DataFrame, unit: str, currency: str) -> list[Section]:
    """Sections from one plant tried at every site (`evaluate --add … site=?`), best first."""
    money = say("million {currency}", currency=currency)
    known = table.dropna(subset=["value_million"])
    if known.empty:
        return [answer(Text(say("{unit} has a plan at no site.", unit=unit), "fault"))]
    best, last = known.iloc[0], known.iloc[-1]
    pays = int((known["value_million"] > 0.0).sum())
    lead = say(
        "{unit} is worth most at {site}: {value_million} {money}. It pays at {pays} "
        "of {count} sites.",
        **(typeset(best) | {"unit": unit, "money": money, "pays": pays, "count": len(table)}),
    )
    member = say("member: {value}", value=best["member"] or "none")
    cards = [
        Card(say("Best site"), str(best["site"]), member),
        Card(say("Worth there"), best["value_million"], say("{money}, discounted", money=money)),
        Card(say("Mean load there"), percent(best["load_share"]), say("of what is available")),
        Card(say("Pays at"), pays, say("of {count} sites", count=len(table))),
        Card(say("Worth at the last site"), last["value_million"], f"{money}, {last['site']}"),
    ]
    return [answer(lead, cards)]
