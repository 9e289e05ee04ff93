"""What the pages of `futures` open with: what to build now, what the uncertainty costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
)
from circflow.report.page.study import bars, known_figure

_SHOWN = 8


def futures_opening(
    tables: Mapping[str, pd.DataFrame], alpha: float, currency: str, reason: str = ""
) -> list[Section]:
    """Sections from the tables of `futures`; `reason` says why there is no plan for all."""
    money = f"million {currency}"
    values = tables["figures_of_all"].set_index("figure")["million"]
    found = {str(k): float(v) if pd.notna(v) else np.nan for k, v in values.items()}
    futures, decisions = tables["futures"], tables["decisions"]
    if np.isnan(found["RP"]):
        blocks: list[Block] = [
            Text("No decisions hold in every one of these futures.", "fault"),
            Text(reason),
        ]
        return [Section("The answer", blocks, "Answer")]
    now = decisions[decisions["advice"].astype(str).str.startswith("build now")]
    names = now["unit"].astype(str).tolist()
    lead = (
        f"Build now {_some(names)}: over {len(futures)} futures these decisions are worth "
        f"{figure(found['RP'])} {money} on average."
        if names
        else f"Build nothing now: over {len(futures)} futures that is worth {figure(found['RP'])} "
        f"{money} on average."
    )
    lead += _worths(found, money)
    worth = futures.dropna(subset=["worth"]).sort_values("worth", kind="stable")
    cards = [
        Card("Worth, mean of the futures", figure(found["RP"]), f"{money}, discounted"),
        Card(
            "Of the worst futures",
            figure(found["CVaR"]),
            f"{money}, mean of the worst {percent(1 - alpha)}",
        ),
        Card("A perfect forecast", figure(found["EVPI"]), f"{money} would be worth (EVPI)"),
        Card("Planning for all of them", figure(found["VSS"]), f"{money} is worth (VSS)"),
    ]
    if len(worth):
        first = worth.iloc[0]
        cards.append(
            Card("Worst future", figure(float(first["worth"])), f"{money}, {first['future']}")
        )
    drawn = known_figure("futures", futures, currency)
    sections = [
        Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer"),
        Section(
            "What to build when", [_decisions(decisions)] if len(decisions) else [], "Decisions"
        ),
        Section("Future by future", [drawn] if drawn else [], "Futures"),
        Section("Who bears the risk", _members(tables["members"], money), "Risk"),
        Section("What infrastructure is worth", _infrastructure(tables, money), "Infrastructure"),
    ]
    return [section for section in sections if section.blocks]


def _worths(found: Mapping[str, float], money: str) -> str:
    """What a forecast and planning for all futures are worth, in a sentence or two."""
    evpi, vss, least = found["EVPI"], found["VSS"], 1e-6 * abs(found["RP"])
    told = ""
    if evpi > least:
        told = f" To know beforehand which comes would be worth {figure(evpi)} {money} more."
    elif evpi == evpi:  # noqa: PLR0124 - known
        told = " To know beforehand which comes would change nothing."
    if np.isnan(vss):
        return f"{told} What is best for their mean leaves no plan in some of them."
    if vss > least:
        return f"{told} Planning for all of them, not for their mean, is worth {figure(vss)}."
    return told


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _decisions(table: pd.DataFrame) -> Table:
    columns = (
        Column("unit", "Plant"),
        Column("advice", "Advice"),
        Column("period", "Built in"),
        Column("capacity", "Capacity", "number", "per year"),
        Column("mean_period", "Built for the mean future in"),
        Column("share_right", "Right in", "share", "of the futures, by probability", bar=True),
        Column("share_now", "Right at once in", "share", "of the futures, by probability"),
    )
    return Table("What to build now, and what to wait for", table, columns, shown=20, name="advice")


def _members(table: pd.DataFrame, money: str) -> list[Block]:
    if table.empty:
        return []
    shown = table.sort_values("share_of_risk", ascending=False, kind="stable", ignore_index=True)
    columns = (
        Column("member", "Member"),
        Column("mean", "Own money, mean", "number", money),
        Column("worst_tenth", "In its worst tenth of the futures", "number", money),
        Column("deviation", "Standard deviation", "number", money),
        Column("lowest", "Lowest", "number", money),
        Column("highest", "Highest", "number", money),
        Column("share_of_risk", "Part of the cluster's risk", "share"),
    )
    note = "Own money over the futures, discounted, under the decisions for all of them."
    return [Table("Who of the members bears the risk", shown, columns, note, name="risk")]


def _infrastructure(tables: Mapping[str, pd.DataFrame], money: str) -> list[Block]:
    table = tables.get("infrastructure")
    if table is None or table.empty:
        return []
    columns = (
        Column("kind", "What"),
        Column("name", "Name"),
        Column("worth", "Worth", "number", money, bar=True),
        Column("calm", "If the mean future came", "number", money),
        Column("by_risk", "By the uncertainty alone", "number", money),
        Column("worst", "At most", "number", money),
        Column("worst_future", "in the future"),
        Column("because_of", "Because of"),
    )
    return [Table("What each is worth, by futures", table, columns, name="infrastructure")]


def robust_opening(
    curve: pd.DataFrame, asked: Sequence[float], plans: Sequence[Any], currency: str
) -> list[Section]:
    """Sections from the price of robustness (`futures --budget-of-uncertainty`)."""
    money = f"million {currency}"
    last = len(curve) - 1
    one = next((n for n, g in enumerate(curve["gamma"]) if g in asked), last)
    row, base, most = curve.iloc[one], curve.iloc[0], curve.iloc[last]
    names = [str(built["unit"]) for built in plans[one]]
    lead = (
        f"If any {figure(row['gamma'])} of {figure(most['gamma'])} uncertain figures turn out as "
        f"badly as they can, this plan is still worth {figure(row['worth'])} {money}; that "
        f"protection costs {figure(row['price'])} of its worth when nothing goes wrong. "
        f"It builds {_some(names) if names else 'nothing'}."
    )
    cards = [
        Card("Worth at least", figure(row["worth"]), f"{money}, discounted"),
        Card("If nothing goes wrong", figure(row["nominal"]), money),
        Card("Price of the protection", figure(row["price"]), money),
        Card("Chance of less", percent(row["chance"]), "at most"),
        Card("If everything goes wrong", figure(most["worth"]), money,
             {"nothing": figure(base["worth"])}),
    ]  # fmt: skip
    wide = curve.set_index(curve["gamma"].map(figure))[["worth", "nominal"]]
    wide = wide.set_axis(["worth at least", "if nothing goes wrong"], axis=1)
    drawn = bars("Worth by how many figures may turn out badly", wide, money)
    return [
        Section("The answer", [Text(lead, "lead"), Cards(cards)], "Answer"),
        Section("The price of robustness", [drawn] if drawn else [], "Price"),
    ]
