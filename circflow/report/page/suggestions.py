"""What the page of `suggest` opens with: what would pay here, and what each hangs on; and that of
one plant tried at every site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from circflow.report.page.frame import (
    Assessment,
    Block,
    Card,
    Cards,
    Column,
    Fold,
    Section,
    Table,
    Text,
    figure,
    percent,
)

_SHOWN = 8


def suggestions_opening(
    tables: Mapping[str, pd.DataFrame], objective: float, together: float, currency: str
) -> list[Section]:
    """Sections from the tables of `suggest`; `together`: the gain of all of them within budget."""
    money = f"million {currency}"
    table = tables.get("suggestions", pd.DataFrame({"pays": []}))
    pays = table[table["pays"].astype(bool)]
    if pays.empty:
        lead = "No technology of the library would pay here."
        if len(table):
            lead += (
                f" {len(table)} came near enough to be solved in full: what they lack stands below."
            )
    else:
        best = pays.iloc[0]
        lead = (
            f"{len(pays)} of {len(table)} technologies that were solved in full would pay here, "
            f"together {figure(together)} {money}. The best is {best['technology']} at "
            f"{best['site']}: it gains {figure(best['gain'])} {money} for a capital of "
            f"{figure(best['capex_million'])}."
        )
    portfolio = tables.get("portfolio")
    capital = 0.0 if portfolio is None else float(portfolio["capex_million"].sum())
    cards = [
        Card("Would pay", str(len(pays)), f"of {len(table)} solved in full", raw=len(pays)),
        Card("Gain together", figure(together), f"{money}, discounted", raw=together),
        Card("Their capital", figure(capital), money, raw=capital),
        Card("The plan without them", figure(objective), f"{money}, discounted", raw=objective),
        Card(
            "Lack a market",
            str(len(tables.get("no_market", ()))),
            "products; the table says at what price",
        ),
    ]
    judged: list[Block] = [_assessment(dict(row), currency) for row in table.to_dict("records")]
    if judged[_SHOWN:]:
        judged = [*judged[:_SHOWN], Fold(f"{len(judged) - _SHOWN} more", judged[_SHOWN:])]
    note = Text("Figures of the library are those of other places: settle them before building.")
    sections = [
        Section("The answer", [Text(lead, "lead"), Cards(cards), note], "Answer"),
        Section("One by one, best first", judged, "Technologies"),
        Section("What is missing", _missing(tables, currency), "Missing"),
    ]
    return [section for section in sections if section.blocks]


def _assessment(row: Mapping[Any, Any], currency: str) -> Assessment:
    money = f"million {currency}"
    facts = [
        ("Gain", f"{figure(row['gain'])} {money}"),
        ("Capital", f"{figure(row['capex_million'])} {money}"),
    ]
    even = row["break_even_capex_million"]
    if even is not None and pd.notna(even):
        facts.append(("Pays up to a capital of", f"{figure(even)} {money}"))
    if row["load_share"] is not None and pd.notna(row["load_share"]):
        facts.append(("Mean load", percent(row["load_share"])))
    told = (
        ("Gains most", "gains_most"), ("Like", "alike"), ("Hangs on", "hangs_on"),
        ("How well it is known", "confidence"), ("Readiness", "readiness"), ("Sources", "sources"),
    )  # fmt: skip
    lines = [f"{words}: {row[name]}" for words, name in told if row[name]]
    sentence = f"Takes {row['takes']}; makes {row['makes']}." if row["takes"] else ""
    return Assessment(
        f"{row['technology']}, {row['site']}",
        ("would pay", "good") if row["pays"] else ("would not pay", "bad"),
        sentence,
        facts,
        lines[:3],
        lines[3:],
    )


def _missing(tables: Mapping[str, pd.DataFrame], currency: str) -> list[Block]:
    per_unit = f"{currency} per unit"
    listed: dict[str, tuple[str, tuple[Column, ...]]] = {
        "no_market": (
            "Products without a market here, and the price at which they would pay",
            (
                Column("technology", "Technology"),
                Column("site", "Site"),
                Column("product", "Product"),
                Column("needed_price", "Price that it needs", "number", per_unit),
                Column("usual_price", "Usual price", "number", per_unit),
            ),
        ),
        "almost": (
            "What almost pays, or cannot be",
            (
                Column("technology", "Technology"),
                Column("site", "Best site"),
                Column("first_tonne_value", "Worth of the first tonne", "number", per_unit),
                Column("missing", "What is missing"),
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
    money = f"million {currency}"
    known = table.dropna(subset=["value_million"])
    if known.empty:
        return [Section("The answer", [Text(f"{unit} has a plan at no site.", "fault")], "Answer")]
    best, last = known.iloc[0], known.iloc[-1]
    pays = int((known["value_million"] > 0.0).sum())
    lead = (
        f"{unit} is worth most at {best['site']}: {figure(best['value_million'])} {money}. "
        f"It pays at {pays} of {len(table)} sites."
    )
    cards = [
        Card("Best site", str(best["site"]), f"member: {best['member'] or 'none'}"),
        Card("Worth there", figure(best["value_million"]), f"{money}, discounted"),
        Card("Mean load there", percent(best["load_share"]), "of what is available"),
        Card("Pays at", str(pays), f"of {len(table)} sites"),
        Card("Worth at the last site", figure(last["value_million"]), f"{money}, {last['site']}"),
    ]
    return [Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer")]
