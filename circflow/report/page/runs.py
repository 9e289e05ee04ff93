"""What the pages of `sweep`, `tornado`, `pareto`, `alternatives` and `ranges` open with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.report.page.frame import (
    Block,
    Card,
    Cards,
    Column,
    Section,
    Table,
    Text,
    figure,
    percent,
    tidy,
)
from circflow.report.page.study import in_currency

_MOST = 30
_SOME = 6


def runs_opening(
    table: pd.DataFrame, built: pd.DataFrame, varied: Sequence[str], currency: str
) -> list[Section]:
    """Sections from the runs of a sweep or a sample: what they are worth, what is always built."""
    worth = table["objective_million"].dropna().to_numpy(float)
    money = f"million {currency}"
    failed = len(table) - len(worth)
    if not len(worth):
        return [Section("The answer", [Text("No run has a plan.", "fault")], "Answer")]
    p5, p50, p95 = (float(v) for v in np.quantile(worth, [0.05, 0.5, 0.95]))
    gains = float((worth > 0).mean())
    known = table.dropna(subset=["objective_million"]).sort_values("objective_million")
    worst, best = known.iloc[0], known.iloc[-1]
    lead = (
        f"In {len(table)} runs over {len(varied)} figure{'s' if len(varied) != 1 else ''} the plan "
        f"is worth {figure(p50)} {money} in the middle, and between {figure(p5)} and {figure(p95)} "
        f"in nine runs of ten; in {percent(gains)} of them it is worth more than nothing."
    )
    if failed:
        lead += f" {failed} run{'s' if failed > 1 else ''} found no plan."
    often = _how_often(built, len(worth))
    if len(often):
        sure = often[often["share"] >= 1.0]["unit"].astype(str).tolist()
        lead += (
            f" Built in every run: {_some(sure)}." if sure else " No plant is built in every run."
        )
    cards = [
        Card("Middle (P50)", figure(p50), f"{money}, discounted", raw=p50),
        Card("Low (P5)", figure(p5), f"{money}; one run in twenty is lower", raw=p5),
        Card("High (P95)", figure(p95), f"{money}; one run in twenty is higher", raw=p95),
        Card("Chance of gain", percent(gains), "of the runs with a plan are worth more than 0"),
        Card("Runs without a plan", str(failed), f"of {len(table)}"),
    ]
    ends: list[Block] = [
        Text(f"Best, {figure(float(best['objective_million']))} {money}: {_at(best, varied)}."),
        Text(f"Worst, {figure(float(worst['objective_million']))} {money}: {_at(worst, varied)}."),
    ]
    sections = [Section("The answer", [Text(lead, "lead"), Cards(cards), *ends], "Answer")]
    if len(often):
        columns = (
            Column("unit", "Plant"),
            Column("share", "Built in", "share", "of the runs with a plan", bar=True),
            Column("capacity", "Mean capacity when built", "number", "per year"),
        )
        shown = Table("How often each plant is built", often, columns, shown=20, name="built")
        sections.append(Section("What is built how often", [shown], "Built"))
    return sections


def _at(row: Any, varied: Sequence[str]) -> str:
    shown = "; ".join(f"{name} {_value(row[name])}" for name in varied[:4])
    return shown + (f" and {len(varied) - 4} more" if len(varied) > 4 else "")


def _value(value: Any) -> str:
    return figure(float(value)) if isinstance(value, int | float) else tidy(value)


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _how_often(built: pd.DataFrame, runs: int) -> pd.DataFrame:
    """unit, share, capacity: of the runs with a plan; the most frequent first."""
    if built.empty:
        return pd.DataFrame(columns=["unit", "share", "capacity"])
    sizes = built[built["built"] > 0.5].groupby(["unit", "run"])["capacity_per_year"].sum()
    by_unit = sizes.groupby("unit")
    made = pd.DataFrame({"share": by_unit.size() / runs, "capacity": by_unit.mean()})
    return made.sort_values("share", ascending=False, kind="stable").reset_index()


def tornado_opening(table: pd.DataFrame, base: float, currency: str) -> list[Section]:
    """Sections from the ranked figures of a tornado."""
    money = f"million {currency}"
    if table.empty:
        return []
    first = table.iloc[0]
    stops = int((table["low_million"].isna() | table["high_million"].isna()).sum())
    lowest = float(np.nanmin(table[["low_million", "high_million"]].to_numpy(float)))
    negative = table[(table[["low_million", "high_million"]] < 0).any(axis=1)]
    half = table["swing_million"] > 0.5 * float(table["swing_million"].max())
    lead = (
        f"The plan is worth {figure(base)} {money}. It depends most on {first['parameter']}: "
        f"between its low and its high the worth moves by {figure(float(first['swing_million']))}. "
        f"{int(half.sum())} of {len(table)} figures move it by at least half as much."
    )
    if stops:
        lead += f" At an end of {stops} of them there is no plan."
    elif base > 0 and negative.empty:
        lead += " None of them, alone, makes it worth less than nothing."
    cards = [
        Card("Worth of the plan", figure(base), f"{money}, discounted", raw=base),
        Card("Largest swing", figure(float(first["swing_million"])), money),
        Card("Lowest worth", figure(lowest), f"{money}, one figure alone at an end"),
        Card("Turn it negative", str(len(negative)), f"of {len(table)} figures, alone"),
        Card("Leave no plan", str(stops), f"of {len(table)} figures, alone"),
    ]
    return [Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer")]


def pareto_opening(
    table: pd.DataFrame, goals: Sequence[str], units: Sequence[str]
) -> list[Section]:
    """Sections from the points of a trade-off between two goals."""
    if table.empty:
        return []
    first, second = (f"{g} ({u})" for g, u in zip(goals, units, strict=True))
    a, z = table.iloc[0], table.iloc[-1]
    name = [_goal(g) for g in goals]
    if len(table) == 1:
        both = f"{figure(float(a[first]))} {units[0]} and {figure(float(a[second]))} {units[1]}"
        lead = f"One plan is best for both, {name[0]} and {name[1]}: {both}."
        return [Section("The answer", [Text(lead, "lead")], "Answer")]
    costs = table["average_cost"].dropna()
    cost_unit = str(a["cost_unit"])
    lead = (
        f"From the best for {name[0]} to the best for {name[1]}, {name[0]} goes from "
        f"{figure(float(a[first]))} to {figure(float(z[first]))} {units[0]} and {name[1]} from "
        f"{figure(float(a[second]))} to {figure(float(z[second]))} {units[1]}."
    )
    cards = [
        Card(f"Best for {name[0]}", figure(float(a[first])), units[0]),
        Card(f"then {name[1]}", figure(float(a[second])), units[1]),
        Card(f"Best for {name[1]}", figure(float(z[second])), units[1]),
        Card(f"then {name[0]}", figure(float(z[first])), units[0]),
    ]
    if len(costs):
        lead += (
            f" The first step costs {figure(float(costs.iloc[0]))} {cost_unit}, the last "
            f"{figure(float(costs.iloc[-1]))}."
        )
        cards.append(Card("The first step costs", figure(float(costs.iloc[0])), cost_unit))
    return [Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer")]


def _goal(name: str) -> str:
    words = {"value": "value (synergy apart)", "disposed": "waste disposed of"}
    return words.get(name, name.replace("emission:", "emission of "))


def alternatives_opening(
    plans: pd.DataFrame, units: pd.DataFrame, best: float, within: float, currency: str
) -> list[Section]:
    """Sections from plans that are nearly as good as the best."""
    money = f"million {currency}"
    counts = units["verdict"].value_counts()
    always = units.loc[units["verdict"].str.startswith("in every"), "unit"].astype(str).tolist()
    sometimes = units[units["verdict"].str.startswith("in some")]["unit"].astype(str).tolist()
    others = len(plans) - 1
    lead = (
        f"{others} other plan{'s' if others != 1 else ''} fall{'s' if others == 1 else ''} short of"
        f" the best ({figure(best)} {money}) by no more than {percent(within)}. "
        f"{len(always)} of {len(units)} units run in every one of them"
        f"{': ' + _some(always) if always else ''}."
    )
    if sometimes:
        lead += f" There is a choice about {_some(sometimes)}."
    cards = [
        Card("Best plan", figure(best), f"{money}, discounted", raw=best),
        Card("Plans found", str(others), f"within {percent(within)} of it"),
        Card("Run in every one", str(len(always)), f"of {len(units)} units"),
        Card("A matter of choice", str(len(sometimes)), f"of {len(units)} units"),
        Card("Run in none", str(int(counts.sum()) - len(always) - len(sometimes)), "units"),
    ]
    columns = (
        Column("unit", "Unit"),
        Column("status", "Status"),
        Column("verdict", "Verdict"),
        Column("lowest", "Least it runs", "number", "capacity-years"),
        Column("best", "In the best plan", "number", "capacity-years"),
        Column("highest", "Most it runs", "number", "capacity-years", bar=True),
    )
    shown = Table("What each unit does in all good plans", units, columns, shown=20)
    return [
        Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer"),
        Section("What is certain and what is a choice", [shown], "Units"),
    ]


def ranges_opening(table: pd.DataFrame, within: float, currency: str) -> list[Section]:
    """Sections from how far each figure may move before the plan changes."""
    known = table.dropna(subset=["from_factor", "to_factor"])
    if known.empty:
        return [Section("The answer", [Text("No figure has a range.", "lead")], "Answer")]
    low, high = known["from_factor"].to_numpy(float), known["to_factor"].to_numpy(float)
    room = np.maximum(np.minimum(1.0 - low, high - 1.0), 0.0)
    firm = int((known["reaches_low"].astype(bool) & known["reaches_high"].astype(bool)).sum())
    order = room.argsort(kind="stable")
    tightest = known.iloc[order]
    first = tightest.iloc[0]
    lead = (
        f"{firm} of {len(known)} figures may move by {percent(within)} either way, each alone, and "
        "the plan stays as it is."
    )
    if firm < len(known):
        ends = [percent(float(first[name])) for name in ("from_factor", "to_factor")]
        lead += (
            f" The tightest is {first['parameter']}: the plan holds while it is between {ends[0]} "
            f"and {ends[1]} of its figure."
        )
    cards = [
        Card("Firm", str(firm), f"of {len(known)} figures: no change within {percent(within)}"),
        Card("Within 5 %", str(int((room < 0.05).sum())), "figures at which the plan changes"),
        Card("Within 20 %", str(int((room < 0.2).sum())), "figures at which the plan changes"),
        Card("Tightest", percent(float(room.min())), "may it move before the plan changes"),
        Card("Without a range", str(len(table) - len(known)), "figures; the table says why"),
    ]
    units = [in_currency(unit, currency) for unit in tightest["unit"]]
    shown = tightest.assign(room=room[order], unit=units).head(_MOST)
    columns = (
        Column("parameter", "Figure"),
        Column("figure", "Now", "number"),
        Column("unit", "Unit"),
        Column("from_factor", "Holds from", "share", "of its figure"),
        Column("to_factor", "to", "share", "of its figure"),
        Column("room", "Room", "share", bar=True),
    )
    tight = Table("The tightest first", shown, columns, shown=15, name="tightest")
    return [
        Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer"),
        Section("What would change the plan soonest", [tight], "Tightest"),
    ]


def breakpoints_opening(table: pd.DataFrame, currency: str) -> list[Section]:
    """Sections from the pieces of the worth along one figure: one row per piece, in order."""
    money, how = f"million {currency}", str(table["parameter"].iloc[0])
    first, last = table.iloc[0], table.iloc[-1]
    ends = [float(first["from_million"]), float(last["to_million"])]
    slopes = table["slope_million"].to_numpy(float)
    changes = table["built"].nunique() - 1
    points = table["from"].to_numpy(float)[1:]
    some = ", ".join(figure(p) for p in points[:_SOME]) + (" …" if len(points) > _SOME else "")
    lead = (
        f"As {how} goes from {figure(float(first['from']))} to {figure(float(last['to']))}, the "
        f"worth of the plan goes from {figure(ends[0])} to {figure(ends[1])} {money}. "
    )
    lead += f"Its slope changes at {some}." if len(points) else "Its slope never changes."
    zero = _crossing(table)
    if zero is not None:
        lead += f" It is worth nothing at {figure(zero)}."
    cards = [
        Card("Points of change", str(len(points)), "where the slope changes"),
        Card("Worth at the low end", figure(ends[0]), f"{money}, discounted"),
        Card("Worth at the high end", figure(ends[1]), f"{money}, discounted"),
        Card("Steepest", figure(float(slopes[np.abs(slopes).argmax()])), f"{money} per 1 of it"),
        Card("Other plants", str(changes), "times another set is built"),
    ]
    return [Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer")]


def _crossing(table: pd.DataFrame) -> float | None:
    """Where the worth passes 0."""
    for r in table.to_dict("records"):
        low, high = float(r["from_million"]), float(r["to_million"])
        if min(low, high) < 0.0 < max(low, high):
            return float(r["from"] - low * (r["to"] - r["from"]) / (high - low))
    return None
