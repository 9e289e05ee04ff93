"""What the pages of `sweep`, `tornado`, `pareto`, `alternatives` and `ranges` open with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.one_line import first_few
from circflow.i18n import mark, say, say_in, say_n
from circflow.report.page.frame import (
    Card,
    Column,
    Section,
    Table,
    Text,
    answer,
    figure,
    percent,
    tidy,
)
from circflow.report.page.study import in_currency
from circflow.report.vocabulary import cell, measured, typed_heading

_MOST = 30
_SOME = 6


def runs_opening(
    table: pd.DataFrame, built: pd.DataFrame, varied: Sequence[str], currency: str
) -> list[Section]:
    """Sections from the runs of a sweep or a sample: what they are worth, what is always built."""
    worth = table["objective_million"].dropna().to_numpy(float)
    money = say("million {currency}", currency=currency)
    failed = len(table) - len(worth)
    if not len(worth):
        return [answer(Text(say("No run has a plan."), "fault"))]
    p5, p50, p95 = (float(v) for v in np.quantile(worth, [0.05, 0.5, 0.95]))
    gains = float((worth > 0).mean())
    known = table.dropna(subset=["objective_million"]).sort_values("objective_million")
    worst, best = known.iloc[0], known.iloc[-1]
    lead = say(
        "In {runs} over {figures} the plan is worth {p50} {money} in the middle, and between "
        "{p5} and {p95} in nine runs of ten; in {gains} of them it is worth more than nothing.",
        runs=say("{count} runs", count=len(table)),
        figures=say_n("{n} figure", "{n} figures", len(varied)),
        p50=figure(p50),
        money=money,
        p5=figure(p5),
        p95=figure(p95),
        gains=percent(gains),
    )
    if failed:
        lead += say_n(" {n} run found no plan.", " {n} runs found no plan.", failed)
    often = _how_often(built, len(worth))
    if len(often):
        sure = often[often["share"] >= 1.0]["unit"].astype(str).tolist()
        lead += (
            say(" Built in every run: {some}.", some=first_few(sure))
            if sure
            else say(" No plant is built in every run.")
        )
    higher, some = say("{money}; one run in twenty is higher", money=money), percent(gains)
    cards = [
        Card(say("Middle (P50)"), p50, say("{money}, discounted", money=money)),
        Card(say("Low (P5)"), p5, say("{money}; one run in twenty is lower", money=money)),
        Card(say("High (P95)"), p95, higher),
        Card(say("Chance of gain"), some, say("of the runs with a plan are worth more than 0")),
        Card(say("Runs without a plan"), failed, say("of {count}", count=len(table))),
    ]
    ends = [
        say(
            sentence,
            objective_million=figure(float(run["objective_million"])),
            money=money,
            at=_at(run, varied),
        )
        for sentence, run in (
            (mark("Best, {objective_million} {money}: {at}."), best),
            (mark("Worst, {objective_million} {money}: {at}."), worst),
        )
    ]
    sections = [answer(lead, cards, *map(Text, ends))]
    if len(often):
        built_in, of = say_in("share", "Built in"), say("of the runs with a plan")
        columns = (
            Column("unit", say("Plant")),
            Column("share", built_in, "share", of, bar=True),
            Column("capacity", say("Mean capacity when built"), "number", say("per year")),
        )
        shown = Table(say("How often each plant is built"), often, columns, shown=20, name="built")
        sections.append(Section(say("What is built how often"), [shown], say("Built")))
    return sections


def _at(row: Any, varied: Sequence[str]) -> str:
    return first_few([f"{typed_heading(name)} {_value(row[name])}" for name in varied], 4, "; ")


def _value(value: Any) -> str:
    return figure(float(value)) if isinstance(value, int | float) else tidy(value)


def _how_often(built: pd.DataFrame, runs: int) -> pd.DataFrame:
    """unit, share, capacity: of the runs with a plan; the most frequent first."""
    if built.empty:
        return pd.DataFrame(columns=["unit", "share", "capacity"])
    sizes = built[built["built"] > 0.5].groupby(["unit", "run"])["capacity_per_year"].sum()
    by_unit = sizes.groupby("unit")
    frequency = pd.DataFrame({"share": by_unit.size() / runs, "capacity": by_unit.mean()})
    return frequency.sort_values("share", ascending=False, kind="stable").reset_index()


def tornado_opening(table: pd.DataFrame, base: float, currency: str) -> list[Section]:
    """Sections from the ranked figures of a tornado."""
    money = say("million {currency}", currency=currency)
    if table.empty:
        return []
    first = table.iloc[0]
    stops = int((table["low_million"].isna() | table["high_million"].isna()).sum())
    lowest = float(np.nanmin(table[["low_million", "high_million"]].to_numpy(float)))
    negative = table[(table[["low_million", "high_million"]] < 0).any(axis=1)]
    half = table["swing_million"] > 0.5 * float(table["swing_million"].max())
    lead = say(
        "The plan is worth {base} {money}. It depends most on {parameter}: between "
        "its low and its high the worth moves by {swing_million}. {sum} of {count} "
        "figures move it by at least half as much.",
        base=figure(base),
        money=money,
        parameter=cell("parameter", str(first["parameter"])),
        swing_million=figure(float(first["swing_million"])),
        sum=int(half.sum()),
        count=len(table),
    )
    if stops:
        lead += say(" At an end of {stops} of them there is no plan.", stops=stops)
    elif base > 0 and negative.empty:
        lead += say(" None of them, alone, makes it worth less than nothing.")
    of = say("of {count} figures, alone", count=len(table))
    cards = [
        Card(say("Worth of the plan"), base, say("{money}, discounted", money=money)),
        Card(say("Largest swing"), float(first["swing_million"]), money),
        Card(say("Lowest worth"), lowest, say("{money}, one figure alone at an end", money=money)),
        Card(say("Turn it negative"), len(negative), of),
        Card(say("Leave no plan"), stops, of),
    ]
    return [answer(lead, cards)]


def pareto_opening(
    table: pd.DataFrame, goals: Sequence[str], units: Sequence[str]
) -> list[Section]:
    """Sections from the points of a trade-off between two goals."""
    if table.empty:
        return []
    first, second = (f"{g} ({u})" for g, u in zip(goals, units, strict=True))
    a, z = table.iloc[0], table.iloc[-1]
    name, units = [_goal(g) for g in goals], [measured(u) for u in units]
    names = {"name": name[0], "name_2": name[1]}
    begins = {"a": figure(float(a[first])), "a_2": figure(float(a[second]))}
    begins |= {"units": units[0], "units_2": units[1]}
    if len(table) == 1:
        both = say("{a} {units} and {a_2} {units_2}", **begins)
        lead = say("One plan is best for both, {name} and {name_2}: {both}.", both=both, **names)
        return [answer(lead)]
    costs = table["average_cost"].dropna()
    cost_unit = measured(str(a["cost_unit"]))
    lead = say(
        "From the best for {name} to the best for {name_2}, {name} goes from {a} to "
        "{z} {units} and {name_2} from {a_2} to {z_2} {units_2}.",
        z=figure(float(z[first])),
        z_2=figure(float(z[second])),
        **names,
        **begins,
    )
    cards = [
        Card(say("Best for {name}", name=name[0]), float(a[first]), units[0]),
        Card(say("then {name}", name=name[1]), float(a[second]), units[1]),
        Card(say("Best for {name}", name=name[1]), float(z[second]), units[1]),
        Card(say("then {name}", name=name[0]), float(z[first]), units[0]),
    ]
    if len(costs):
        lead += say(
            " The first step costs {iloc} {cost_unit}, the last {iloc_2}.",
            iloc=figure(float(costs.iloc[0])),
            cost_unit=cost_unit,
            iloc_2=figure(float(costs.iloc[-1])),
        )
        cards.append(Card(say("The first step costs"), float(costs.iloc[0]), cost_unit))
    return [answer(lead, cards)]


def _goal(name: str) -> str:
    words = {
        "value": say("value (synergy apart)"),
        "disposed": say("waste disposed of"),
        "synergy": say("synergy"),
        "jobs": say("jobs"),
    }
    if name.startswith("emission:"):
        return say("emission of {pollutant}", pollutant=name.removeprefix("emission:"))
    return words.get(name, name)


def alternatives_opening(
    plans: pd.DataFrame, units: pd.DataFrame, best: float, within: float, currency: str
) -> list[Section]:
    """Sections from plans that are nearly as good as the best."""
    money = say("million {currency}", currency=currency)
    counts = units["verdict"].value_counts()
    always = units["unit"][units["verdict"].str.startswith("in every")].astype(str).tolist()
    sometimes = units[units["verdict"].str.startswith("in some")]["unit"].astype(str).tolist()
    others = len(plans) - 1
    lead = say_n(
        "{n} other plan falls short of the best ({best} {money}) by no more than {within}. "
        "{count} of {count_2} units run in every one of them{names}.",
        "{n} other plans fall short of the best ({best} {money}) by no more than {within}. "
        "{count} of {count_2} units run in every one of them{names}.",
        others,
        best=figure(best),
        money=money,
        within=percent(within),
        count=len(always),
        count_2=len(units),
        names=": " + first_few(always) if always else "",
    )
    if sometimes:
        lead += say(" There is a choice about {some}.", some=first_few(sometimes))
    cards = [
        Card(say("Best plan"), best, say("{money}, discounted", money=money)),
        Card(say("Plans found"), others, say("within {within} of it", within=percent(within))),
        Card(say("Run in every one"), len(always), say("of {count} units", count=len(units))),
        Card(say("A matter of choice"), len(sometimes), say("of {count} units", count=len(units))),
        Card(say("Run in none"), int(counts.sum()) - len(always) - len(sometimes), say("units")),
    ]
    columns = (
        Column("unit", say("Unit")),
        Column("status", say("Status")),
        Column("verdict", say("Verdict")),
        Column("lowest", say("Least it runs"), "number", say("capacity-years")),
        Column("best", say("In the best plan"), "number", say("capacity-years")),
        Column("highest", say("Most it runs"), "number", say("capacity-years"), bar=True),
    )
    shown = Table(say("What each unit does in all good plans"), units, columns, shown=20)
    return [
        answer(lead, cards),
        Section(say("What is certain and what is a choice"), [shown], say("Units")),
    ]


def ranges_opening(table: pd.DataFrame, within: float, currency: str) -> list[Section]:
    """Sections from how far each figure may move before the plan changes."""
    known = table.dropna(subset=["from_factor", "to_factor"])
    if known.empty:
        return [answer(say("No figure has a range."))]
    low, high = known["from_factor"].to_numpy(float), known["to_factor"].to_numpy(float)
    room = np.maximum(np.minimum(1.0 - low, high - 1.0), 0.0)
    firm = int((known["reaches_low"].astype(bool) & known["reaches_high"].astype(bool)).sum())
    order = room.argsort(kind="stable")
    tightest = known.iloc[order]
    first = tightest.iloc[0]
    lead = say(
        "{firm} of {count} figures may move by {within} either way, each alone, and "
        "the plan stays as it is.",
        firm=firm,
        count=len(known),
        within=percent(within),
    )
    if firm < len(known):
        ends = [percent(float(first[name])) for name in ("from_factor", "to_factor")]
        lead += say(
            " The tightest is {parameter}: the plan holds while it is between {ends} and "
            "{ends_2} of its figure.",
            parameter=cell("parameter", str(first["parameter"])),
            ends=ends[0],
            ends_2=ends[1],
        )
    of = {"count": len(known), "within": percent(within)}
    least, rest = percent(float(room.min())), str(len(table) - len(known))
    cards = [
        Card(say("Firm"), firm, say("of {count} figures: no change within {within}", **of)),
        Card(say("Within 5 %"), int((room < 0.05).sum()), say("figures at which the plan changes")),
        Card(say("Within 20 %"), int((room < 0.2).sum()), say("figures at which the plan changes")),
        Card(say("Tightest"), least, say("may it move before the plan changes")),
        Card(say("Without a range"), rest, say("figures; the table says why")),
    ]
    units = [measured(in_currency(unit, currency)) for unit in tightest["unit"]]
    shown = tightest.assign(room=room[order], unit=units).head(_MOST)
    columns = (
        Column("parameter", say_in("number", "Figure")),
        Column("figure", say("Now"), "number"),
        Column("unit", say_in("measure", "Unit")),
        Column("from_factor", say("Holds from"), "share", say("of its figure")),
        Column("to_factor", say_in("range", "to"), "share", say("of its figure")),
        Column("room", say("Room"), "share", bar=True),
    )
    tight = Table(say("The tightest first"), shown, columns, shown=15, name="tightest")
    return [
        answer(lead, cards),
        Section(say("What would change the plan soonest"), [tight], say("Tightest")),
    ]


def breakpoints_opening(table: pd.DataFrame, currency: str) -> list[Section]:
    """Sections from the pieces of the worth along one figure: one row per piece, in order."""
    money = say("million {currency}", currency=currency)
    how = typed_heading(str(table["parameter"].iloc[0]))
    first, last = table.iloc[0], table.iloc[-1]
    ends = [float(first["from_million"]), float(last["to_million"])]
    slopes = table["slope_million"].to_numpy(float)
    changes = table["built"].nunique() - 1
    points = table["from"].to_numpy(float)[1:]
    some = ", ".join(figure(p) for p in points[:_SOME]) + (" …" if len(points) > _SOME else "")
    lead = say(
        "As {how} goes from {start} to {to}, the worth of the plan goes from {ends} "
        "to {ends_2} {money}. ",
        how=how,
        start=figure(float(first["from"])),
        to=figure(float(last["to"])),
        ends=figure(ends[0]),
        ends_2=figure(ends[1]),
        money=money,
    )
    lead += (
        say("Its slope changes at {some}.", some=some)
        if len(points)
        else say("Its slope never changes.")
    )
    zero = _crossing(table)
    if zero is not None:
        lead += say(" It is worth nothing at {zero}.", zero=figure(zero))
    steepest = float(slopes[np.abs(slopes).argmax()])
    cards = [
        Card(say("Points of change"), len(points), say("where the slope changes")),
        Card(say("Worth at the low end"), ends[0], say("{money}, discounted", money=money)),
        Card(say("Worth at the high end"), ends[1], say("{money}, discounted", money=money)),
        Card(say("Steepest"), steepest, say("{money} per 1 of it", money=money)),
        Card(say("Other plants"), changes, say("times another set is built")),
    ]
    return [answer(lead, cards)]


def _crossing(table: pd.DataFrame) -> float | None:
    """Where the worth passes 0."""
    for r in table.to_dict("records"):
        low, high = float(r["from_million"]), float(r["to_million"])
        if min(low, high) < 0.0 < max(low, high):
            return float(r["from"] - low * (r["to"] - r["from"]) / (high - low))
    return None
