"""What the page of `evaluate` opens with: the answer, a card per plant, the portfolio, risks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from circflow.data.one_line import first_few
from circflow.i18n import every, mark, say
from circflow.report.numbers import cut
from circflow.report.page.charts import axis, line, view
from circflow.report.page.frame import (
    Assessment,
    Block,
    Card,
    Figure,
    Points,
    Section,
    Table,
    Text,
    answer,
    columns_of,
    escaped,
    figure,
    first_of,
    percent,
    sentences,
    typeset,
)
from circflow.report.page.study import bars
from circflow.report.vocabulary import UNSETTLED, measured

Tables = Mapping[str, pd.DataFrame]
_CARDS = 12
"""Plants whose cards stand open."""
_RISKS = 15
GAIN = mark("Gain with it ({unit}): {list}{more}.")
LOSE = mark("Lose with it ({unit}): {list}{more}.")
"""Among the words on a unit: the members that gain and lose."""


def verdicts_opening(
    tables: Tables, words: Mapping[str, Sequence[str]], currency: str
) -> list[Section]:
    """Sections from the tables of `evaluate` (see docs/evaluate.md) and the words on each unit."""
    table = tables["verdicts"].sort_values("value_million", ascending=False, kind="stable")
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    cards = [_assessment(row, tables, words[str(row["unit"])], currency) for row in rows]
    return [
        _answer(rows, tables, currency),
        Section(say("Plant by plant, best first"), first_of(cards, _CARDS), say("Plants")),
        Section(say("Together"), _together(tables, currency), say("Together")),
        Section(say("What can go wrong"), [*_risks(tables, currency)], say("Risks")),
    ]


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))


def _answer(rows: list[dict[str, Any]], tables: Tables, currency: str) -> Section:
    built = [r for r in rows if r["kind"] == "candidate" and r["in_plan"]]
    candidates = [r for r in rows if r["kind"] == "candidate"]
    money = say("million {currency}", currency=currency)
    names = first_few([str(r["unit"]) for r in built], 4)
    lead = say("Build {count} of {count_2} candidates", count=len(built), count_2=len(candidates))
    lead = f"{lead}: {names}." if built else say("Build none of the candidates.")
    if not candidates:
        lead = say("{count} judged: what the cluster would lose without each.", count=len(rows))
    best = rows[0] if rows else None
    if best is not None and _known(best["value_million"]):
        lead += say(
            " The cluster gains most from {unit}: {value_million} {money} more than the "
            "best plan without it.",
            **typeset(best),
            money=money,
        )
    sampled = tables.get("robustness")
    if sampled is not None:
        share = float(sampled["right_share"].mean())
        lead += say(
            " In {max} sampled futures the decisions were right in {share} of cases.",
            max=int(sampled["futures"].max()),
            share=percent(share),
        )
    return answer(lead, _cards(built, candidates, rows, sampled, money))


def _cards(
    built: list[dict[str, Any]],
    candidates: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    sampled: pd.DataFrame | None,
    money: str,
) -> Iterator[Card]:
    values = [r["value_million"] for r in rows if _known(r["value_million"])]
    capital = sum(r["capex_million"] for r in built if _known(r["capex_million"]))
    paid = [r["npv_market_million"] for r in built if _known(r.get("npv_market_million"))]
    jobs = sum(r["own_jobs"] for r in built if _known(r.get("own_jobs")))
    count, of = len(built), say("of {count} candidates", count=len(candidates))
    yield Card(say("To build"), count, of)
    yield Card(say("Their capital"), capital, money)
    if values:
        yield Card(say("Largest value"), max(values), say("{money}, discounted", money=money))
    earn = say("of {count} to build, by NPV", count=len(paid))
    yield Card(say("Earn at market prices"), sum(p > 0 for p in paid), earn)
    if sampled is not None:
        share = float(sampled["right_share"].mean())
        yield Card(say("Decision right"), percent(share), say("of sampled futures, mean"))
    else:
        yield Card(say("Jobs"), jobs, say("in what is to be built"))


# ---------------------------------------------------------------------- a plant


def _assessment(
    row: dict[str, Any], tables: Tables, words: Sequence[str], currency: str
) -> Assessment:
    money = say("million {currency}", currency=currency)
    name, value = str(row["unit"]), row["value_million"]
    head = words[0].partition(": ")[2] if words[0].startswith(f"{name}: ") else words[0]
    facts = [(say("Value to the cluster"), f"{figure(value)} {money}")]
    if row["kind"] == "candidate" and _known(row["capex_million"]):
        facts.append((say("Capital"), f"{figure(row['capex_million'])} {money}"))
    if _known(row.get("npv_market_million")):
        facts.append((say("NPV at market prices"), f"{figure(row['npv_market_million'])} {money}"))
        if row["kind"] == "candidate":
            late = _rate(row.get("irr_market_end"))
            early = _rate(row.get("irr_market"))
            if not _known(row.get("irr_market")) and row["npv_market_million"] > 0:
                early = say("at once")
            facts.append((say("IRR (by end of year)"), f"{early} ({late})"))
    if _known(row.get("load_share")):
        facts.append((say("Mean load"), percent(row["load_share"])))
    if "robustness" in tables:
        sampled = tables["robustness"][tables["robustness"]["unit"] == name]
        if len(sampled):
            often = percent(float(sampled["right_share"].iloc[0]))
            facts.append((say("Decision right"), say("{iloc} of futures", iloc=often)))
    lines = [*_distances(row, tables.get("break_evens"))]
    earns = row.get("npv_market_million")
    if row["in_plan"] and earns is not None and earns < 0 < value:
        lines.append(
            say("At market prices it does not pay for itself: those who gain have to pay it.")
        )
    heads = tuple(text.partition("{")[0] for m in (GAIN, LOSE) for text in every(m))
    lines += [line for line in words[1:] if line.startswith(heads)]
    return Assessment(name, _verdict(row), head[:1].upper() + head[1:], facts, lines, words[1:])


def _verdict(row: dict[str, Any]) -> tuple[str, Literal["", "good", "bad"]]:
    if row["kind"] != "candidate":
        gains = _known(row["value_million"]) and row["value_million"] >= 0
        good = gains or not _known(row["value_million"])
        return (say("keep"), "good") if good else (say("close"), "bad")
    sure = str(row["stands"]) != "in some"
    if row["in_plan"]:
        return (say("build"), "good") if sure else (say("build, near the margin"), "good")
    return (say("do not build"), "bad") if sure else (say("do not build, near the margin"), "")


def _rate(value: Any) -> str:
    return percent(value) if _known(value) else say("none")


_MOVES = {
    (True, True): mark("Stands until {what} rises {share} ({to})."),
    (True, False): mark("Stands until {what} falls {share} ({to})."),
    (False, True): mark("Would pay if {what} rises {share} ({to})."),
    (False, False): mark("Would pay if {what} falls {share} ({to})."),
}
"""By whether the verdict is above zero now, and whether the figure would have to rise."""


_AT_ANY_PRICE = {
    True: mark("At any price of {material}: pays."),
    False: mark("At any price of {material}: does not pay."),
}
_FEES = {
    True: mark("Could pay up to {fee} for {material}."),
    False: mark("Would have to be paid {fee} for {material}."),
}
"""By whether it could pay for what it takes in."""


def _distances(row: dict[str, Any], table: pd.DataFrame | None) -> Iterator[str]:
    """How far each figure may move before the verdict turns."""
    if table is None or not _known(row["value_million"]):
        return
    stands = bool(row["value_million"] >= 0)
    for r in table[table["unit"] == row["unit"]].to_dict("records"):
        kind, material, even = r["kind"], r["material"], r["break_even"]
        if r["note"]:
            if kind == "price" and r["note"] not in every(UNSETTLED):
                yield say(_AT_ANY_PRICE[stands], material=material)
        elif kind == "gate fee":
            fee = f"{figure(abs(even))} {measured(r['unit_of_measure'])}"
            yield say(_FEES[bool(even < 0)], fee=fee, material=material)
        elif r["now"] and kind == "capex" and even < 0:
            yield say("Would not pay even as a gift.")
        elif r["now"]:
            change = r["change"] / abs(r["now"])
            price = say("the price of {material}", material=material)
            to = say(
                "{now} to {break_even} {unit_of_measure}",
                now=figure(r["now"]),
                break_even=figure(even),
                unit_of_measure=measured(r["unit_of_measure"]),
            )
            yield say(
                _MOVES[stands, bool(change > 0)],
                what=say("its capital") if kind == "capex" else price,
                share=percent(abs(change)),
                to=to,
            )


# ---------------------------------------------------------------------- together and risks


def _together(tables: Tables, currency: str) -> list[Block]:
    blocks: list[Block] = []
    if "capital" in tables:
        blocks.append(_portfolio(tables["capital"], tables.get("order_of_entry"), currency))
    pairs = tables.get("pairs")
    if pairs is not None:
        largest = pairs.sort_values("interaction_million", key=np.abs, ascending=False)
        points = [
            (
                say(str(r["kind"])),
                say("{unit} and {other}", unit=r["unit"], other=r["other"]),
                _interaction(r, currency),
            )
            for r in largest[largest["kind"].isin(_PAIR_WORDS)].head(6).to_dict("records")
        ]
        blocks += [Points(points)] if points else []
    return blocks


_PAIR_WORDS = (
    mark("complements"),
    mark("substitutes"),
    mark("exclude each other"),
    mark("one needs the other"),
)


def _interaction(r: Mapping[Any, Any], currency: str) -> str:
    extra = r["interaction_million"]
    if not _known(extra):
        return ""
    sentence = (
        mark("together {extra} million {currency} more than each by itself")
        if extra > 0
        else mark("together {extra} million {currency} less than each by itself")
    )
    return say(sentence, extra=figure(abs(extra)), currency=currency)


def _portfolio(capital: pd.DataFrame, order: pd.DataFrame | None, currency: str) -> Figure:
    """The value of the best portfolio as it may take more capital; what enters where."""
    unit = say("million {currency}", currency=currency)
    used = capital["used_million"].to_numpy(float)
    worth = capital["objective_million"].to_numpy(float)
    worth = worth - worth[0]
    entries: dict[float, list[str]] = {}
    if order is not None:
        for unit_name, at in zip(order["unit"], order["enters_at_million"], strict=True):
            entries.setdefault(float(at), []).append(str(unit_name))
    steps = capital["capital_million"].to_numpy(float)
    new = [entries.get(float(step), []) for step in steps]
    message = mark("<b>{used_million} {unit} of capital</b><br>{gained} {unit} gained")
    gained = sentences(message, capital.assign(gained=worth), unit=unit)
    hover = [
        words + "".join(say("<br>enters: {name}", name=escaped(cut(n, 40))) for n in names[:6])
        for words, names in zip(gained, new, strict=True)
    ]
    marks = {"color": ["$orange" if n else "$blue" for n in new], "size": 9}
    trace = line("", used, worth, {"color": "$blue", "width": 2}, marks, customdata=hover)
    drawn = view(
        [trace],
        380,
        xaxis=axis(say("capital of the portfolio, {unit}", unit=unit), rangemode="tozero"),
        yaxis=axis(say("gained, {unit} discounted", unit=unit)),
    )
    names = list(order["unit"].astype(str)) if order is not None else []
    listed = first_few([f"{n} {name}" for n, name in enumerate(names, start=1)], 12)
    return Figure(
        say("What more capital brings, and what enters when"),
        {"": drawn},
        say("Line of the value of the best portfolio against its capital"),
        note=say("Against building nothing. Order of entry: {listed}.", listed=listed)
        if names
        else "",
        legend=(("$orange", say("a plant enters for good")),) if names else (),
    )


def _risks(tables: Tables, currency: str) -> Iterator[Block | None]:
    table = tables.get("contingency")
    if table is not None:
        stuck = table[~table["possible"].astype(bool)]
        if len(stuck):
            names = (f"{n} ({p})" for n, p in zip(stuck["name"], stuck["period"], strict=True))
            who = cut(", ".join(dict.fromkeys(names)), 400)
            yield Text(
                say("No plan remains if one of these stands still: {who}.", who=who), "fault"
            )
        known = table[table["possible"].astype(bool)].drop_duplicates(["kind", "name"]).head(_RISKS)
        wide = known.set_index("name")[["loss_million"]].set_axis([say("loss")], axis=1)
        caption = say("What the cluster loses if one stands still for a period")
        yield bars(caption, wide, say("million {currency}", currency=currency))
    sampled = tables.get("robustness")
    if sampled is not None:
        yield Table(
            say("How often each decision was right in sampled futures"),
            sampled.reset_index(drop=True),
            columns_of(sampled, currency, "robustness"),
            shown=12,
            name="robustness",
        )
