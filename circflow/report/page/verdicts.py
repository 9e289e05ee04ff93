"""What the page of `evaluate` opens with: the answer, a card per plant, the portfolio, risks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from circflow.report.numbers import cut
from circflow.report.page.charts import axis, layout
from circflow.report.page.frame import (
    Assessment,
    Block,
    Card,
    Cards,
    Figure,
    Fold,
    Points,
    Section,
    Table,
    Text,
    columns_of,
    escaped,
    figure,
    percent,
)
from circflow.report.page.study import bars

Tables = Mapping[str, pd.DataFrame]
_CARDS = 12
"""Plants whose cards stand open."""
_RISKS = 15


def verdicts_opening(
    tables: Tables, words: Mapping[str, Sequence[str]], currency: str
) -> list[Section]:
    """Sections from the tables of `evaluate` (see docs/evaluate.md) and the words on each unit."""
    table = tables["verdicts"].sort_values("value_million", ascending=False, kind="stable")
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    cards: list[Block] = [
        _assessment(row, tables, words[str(row["unit"])], currency) for row in rows
    ]
    later = cards[_CARDS:]
    if later:
        cards = [*cards[:_CARDS], Fold(f"{len(later)} more", later)]
    sections = [
        Section("The answer", _answer(rows, tables, currency), "Answer"),
        Section("Plant by plant, best first", cards, "Plants"),
        Section("Together", _together(tables, currency), "Together"),
        Section("What can go wrong", _risks(tables, currency), "Risks"),
    ]
    return [section for section in sections if section.blocks]


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))


def _answer(rows: list[dict[str, Any]], tables: Tables, currency: str) -> list[Block]:
    built = [r for r in rows if r["kind"] == "candidate" and r["in_plan"]]
    candidates = [r for r in rows if r["kind"] == "candidate"]
    money = f"million {currency}"
    names = ", ".join(str(r["unit"]) for r in built[:4])
    more = f" and {len(built) - 4} more" if len(built) > 4 else ""
    lead = f"Build {len(built)} of {len(candidates)} candidates"
    lead = f"{lead}: {names}{more}." if built else "Build none of the candidates."
    if not candidates:
        lead = f"{len(rows)} judged: what the cluster would lose without each."
    best = rows[0] if rows else None
    if best is not None and _known(best["value_million"]):
        lead += (
            f" The cluster gains most from {best['unit']}: {figure(best['value_million'])} {money}"
            " more than the best plan without it."
        )
    sampled = tables.get("robustness")
    if sampled is not None:
        share = float(sampled["right_share"].mean())
        lead += (
            f" In {int(sampled['futures'].max())} sampled futures the decisions were right in "
            f"{percent(share)} of cases."
        )
    return [Text(lead, "lead"), Cards(_cards(built, candidates, rows, sampled, money))]


def _cards(
    built: list[dict[str, Any]],
    candidates: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    sampled: pd.DataFrame | None,
    money: str,
) -> list[Card]:
    values = [r["value_million"] for r in rows if _known(r["value_million"])]
    capital = sum(r["capex_million"] for r in built if _known(r["capex_million"]))
    paid = [r["npv_market_million"] for r in built if _known(r.get("npv_market_million"))]
    jobs = sum(r["own_jobs"] for r in built if _known(r.get("own_jobs")))
    cards = [
        Card("To build", str(len(built)), f"of {len(candidates)} candidates", raw=len(built)),
        Card("Their capital", figure(capital), money, raw=capital),
    ]
    if values:
        cards.append(Card("Largest value", figure(max(values)), f"{money}, discounted"))
    profitable = sum(p > 0 for p in paid)
    cards.append(Card("Earn at market prices", str(profitable), f"of {len(paid)} to build, by NPV"))
    if sampled is not None:
        share = float(sampled["right_share"].mean())
        cards.append(Card("Decision right", percent(share), "of sampled futures, mean"))
    else:
        cards.append(Card("Jobs", figure(jobs), "in what is to be built"))
    return cards


# ---------------------------------------------------------------------- a plant


def _assessment(
    row: dict[str, Any], tables: Tables, words: Sequence[str], currency: str
) -> Assessment:
    money = f"million {currency}"
    name, value = str(row["unit"]), row["value_million"]
    head = words[0].partition(": ")[2] if words[0].startswith(f"{name}: ") else words[0]
    facts = [("Value to the cluster", f"{figure(value)} {money}")]
    if row["kind"] == "candidate" and _known(row["capex_million"]):
        facts.append(("Capital", f"{figure(row['capex_million'])} {money}"))
    if _known(row.get("npv_market_million")):
        facts.append(("NPV at market prices", f"{figure(row['npv_market_million'])} {money}"))
        if row["kind"] == "candidate":
            late = _rate(row.get("irr_market_end"))
            early = _rate(row.get("irr_market"))
            at_once = early == "none" and row["npv_market_million"] > 0
            facts.append(("IRR (by end of year)", f"{'at once' if at_once else early} ({late})"))
    if _known(row.get("load_share")):
        facts.append(("Mean load", percent(row["load_share"])))
    if "robustness" in tables:
        own = tables["robustness"][tables["robustness"]["unit"] == name]
        if len(own):
            facts.append(
                ("Decision right", f"{percent(float(own['right_share'].iloc[0]))} of futures")
            )
    lines = _distances(row, tables.get("break_evens"), currency)
    earns = row.get("npv_market_million")
    if row["in_plan"] and earns is not None and earns < 0 < value:
        lines.append("At market prices it does not pay for itself: those who gain have to pay it.")
    lines += [line for line in words[1:] if line.startswith(("Gain with it", "Lose with it"))]
    return Assessment(name, _verdict(row), head[:1].upper() + head[1:], facts, lines, words[1:])


def _verdict(row: dict[str, Any]) -> tuple[str, Literal["", "good", "bad"]]:
    if row["kind"] != "candidate":
        gains = _known(row["value_million"]) and row["value_million"] >= 0
        return ("keep", "good") if gains or not _known(row["value_million"]) else ("close", "bad")
    stands = str(row["stands"])
    sure = "in every plan" in stands or "in no plan" in stands
    if row["in_plan"]:
        return ("build", "good") if sure else ("build, near the margin", "good")
    return ("do not build", "bad") if sure else ("do not build, near the margin", "")


def _rate(value: Any) -> str:
    return percent(value) if _known(value) else "none"


def _distances(row: dict[str, Any], table: pd.DataFrame | None, currency: str) -> list[str]:
    """How far each figure may move before the verdict turns."""
    if table is None or not _known(row["value_million"]):
        return []
    stands = row["value_million"] >= 0
    made = []
    for record in table[table["unit"] == row["unit"]].to_dict("records"):
        r = {str(k): v for k, v in record.items()}
        if r["note"]:
            if r["kind"] == "price":
                made.append(
                    f"At any price of {r['material']}: {str(r['note']).split(' at any')[0]}."
                )
            continue
        if r["kind"] == "gate fee":
            fee = f"{figure(abs(r['break_even']))} {r['unit_of_measure']}"
            pays = "Could pay up to" if r["break_even"] < 0 else "Would have to be paid"
            made.append(f"{pays} {fee} for {r['material']}.")
            continue
        if not r["now"]:
            continue
        what = "its capital" if r["kind"] == "capex" else f"the price of {r['material']}"
        if r["kind"] == "capex" and r["break_even"] < 0:
            made.append("Would not pay even as a gift.")
            continue
        change = r["change"] / abs(r["now"])
        moves = "rises" if change > 0 else "falls"
        to = f"{figure(r['now'])} to {figure(r['break_even'])} {r['unit_of_measure']}"
        begin = "Stands until" if stands else "Would pay if"
        made.append(f"{begin} {what} {moves} {percent(abs(change))} ({to}).")
    return made


# ---------------------------------------------------------------------- together and risks


def _together(tables: Tables, currency: str) -> list[Block]:
    blocks: list[Block] = []
    if "capital" in tables:
        blocks.append(_portfolio(tables["capital"], tables.get("order_of_entry"), currency))
    pairs = tables.get("pairs")
    if pairs is not None:
        told = [
            (str(r["kind"]), f"{r['unit']} and {r['other']}", _interaction(r, currency))
            for r in pairs[pairs["kind"].isin(_PAIR_WORDS)]
            .sort_values("interaction_million", key=np.abs, ascending=False)
            .head(6)
            .to_dict("records")
        ]
        if told:
            blocks.append(Points(told))
    return blocks


_PAIR_WORDS = ("complements", "substitutes", "exclude each other", "one needs the other")


def _interaction(r: Mapping[Any, Any], currency: str) -> str:
    extra = r["interaction_million"]
    if not _known(extra):
        return ""
    word = "more" if extra > 0 else "less"
    return f"together {figure(abs(extra))} million {currency} {word} than each by itself"


def _portfolio(capital: pd.DataFrame, order: pd.DataFrame | None, currency: str) -> Figure:
    """The value of the best portfolio as it may take more capital; what enters where."""
    unit = f"million {currency}"
    used = capital["used_million"].to_numpy(float)
    worth = capital["objective_million"].to_numpy(float)
    worth = worth - worth[0]
    entries: dict[float, list[str]] = {}
    if order is not None:
        for unit_name, at in zip(order["unit"], order["enters_at_million"], strict=True):
            entries.setdefault(float(at), []).append(str(unit_name))
    steps = capital["capital_million"].to_numpy(float)
    new = [entries.get(float(step), []) for step in steps]
    hover = [
        f"<b>{figure(u)} {escaped(unit)} of capital</b><br>{figure(w)} {escaped(unit)} gained"
        + "".join(f"<br>enters: {escaped(cut(n, 40))}" for n in names[:6])
        for u, w, names in zip(used, worth, new, strict=True)
    ]
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": used,
        "y": worth,
        "line": {"color": "$blue", "width": 2},
        "marker": {"color": ["$orange" if n else "$blue" for n in new], "size": 9},
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    shape = layout(
        380,
        showlegend=False,
        xaxis=axis(f"capital of the portfolio, {unit}", rangemode="tozero"),
        yaxis=axis(f"gained, {unit} discounted"),
    )
    names = list(order["unit"].astype(str)) if order is not None else []
    listed = ", ".join(f"{n + 1} {name}" for n, name in enumerate(names[:12]))
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return Figure(
        "What more capital brings, and what enters when",
        {"": {"data": [trace], "layout": shape}},
        "Line of the value of the best portfolio against its capital",
        note=f"Against building nothing. Order of entry: {listed}{more}." if names else "",
        legend=(("$orange", "a plant enters for good"),) if names else (),
    )


def _risks(tables: Tables, currency: str) -> list[Block]:
    blocks: list[Block] = []
    table = tables.get("contingency")
    if table is not None:
        stuck = table[~table["possible"].astype(bool)]
        if len(stuck):
            who = ", ".join(
                dict.fromkeys(
                    f"{n} ({p})" for n, p in zip(stuck["name"], stuck["period"], strict=True)
                )
            )
            blocks.append(
                Text(f"No plan remains if one of these stands still: {cut(who, 400)}.", "fault")
            )
        known = table[table["possible"].astype(bool)].drop_duplicates(["kind", "name"]).head(_RISKS)
        wide = known.set_index("name")[["loss_million"]].set_axis(["loss"], axis=1)
        drawn = bars(
            "What the cluster loses if one stands still for a period", wide, f"million {currency}"
        )
        blocks += [drawn] if drawn is not None else []
    sampled = tables.get("robustness")
    if sampled is not None:
        blocks.append(
            Table(
                "How often each decision was right in sampled futures",
                sampled.reset_index(drop=True),
                columns_of(sampled, currency, "robustness"),
                shown=12,
                name="robustness",
            )
        )
    return blocks
