"""Indicators on a page: six groups, a small multiple for each indicator, targets met or not.

The table is that of `circflow.studies.indicators`: group, indicator, unit, member, period, value,
baseline, change, target, met, kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.one_line import first_few
from circflow.data.schema.indicators import BY_INDICATOR, in_currency
from circflow.i18n import mark, say, say_in
from circflow.i18n.names import shown_word
from circflow.report.numbers import cut
from circflow.report.page.frame import (
    Block,
    Card,
    Cards,
    Column,
    Heading,
    Section,
    Table,
    Text,
    answer,
    escaped,
    figure,
    percent,
)
from circflow.report.vocabulary import measured

GROUP_WORDS = {
    "resources": mark("Resources"),
    "activity": mark("Innovation activity"),
    "performance": mark("Performance"),
    "social_environmental": mark("Social and environmental"),
    "international": mark("International integration"),
    "technology": mark("Technological development"),
}
_MET = {True: mark("met"), False: mark("not met")}
_WIDTH, _HEIGHT = 132.0, 40.0
"""Of the drawing in a small multiple, in pixels."""


@dataclass(frozen=True)
class Multiple:
    """An indicator of the cluster over the periods: plan, baseline, target."""

    horizon: pd.Series[Any]
    """Its row over the horizon, else of the last period."""
    periods: pd.DataFrame
    """Its rows by period."""
    unit: str

    def html(self, ids: count[int]) -> str:
        """A card with the figure of the horizon and a line over the periods."""
        one = self.horizon
        mark = say(" · target {figure}", figure=_figure(one["target"], self.unit))
        mark = mark if np.isfinite(one["target"]) else ""
        if isinstance(one["met"], bool):
            mark += f" <b>{say(_MET[one['met']])}</b>"
        unit = escaped("" if self.unit == "share" else measured(self.unit))
        return (
            f'<div class="card multiple"><h3>{escaped(words_of(str(one["indicator"])))}</h3>'
            f'<p class="big">{_figure(one["value"], self.unit)}</p>'
            f'<p class="unit">{unit}{mark}</p>'
            f"{self._drawing()}</div>"
        )

    def _drawing(self) -> str:
        # A target of a sum over the horizon says nothing of a single period.
        indicator = BY_INDICATOR.get(str(self.horizon["indicator"]))
        summed = indicator is not None and indicator.kind == "sum"
        target = np.nan if summed else float(self.horizon["target"])
        plan, baseline = (self.periods[name].tolist() for name in ("value", "baseline"))
        known = np.array([*plan, *baseline, target, 0.0], dtype=float)
        known = known[np.isfinite(known)]
        low, high = float(known.min()), float(known.max())
        if len(plan) < 2 or high <= low:
            return ""
        names = self.periods["period"]
        label = "; ".join(f"{p}: {_figure(v, self.unit)}" for p, v in zip(names, plan, strict=True))
        scale = (_HEIGHT - 4.0) / (high - low)

        def line(values: Sequence[float], style: str) -> str:
            across = np.linspace(2.0, _WIDTH - 2.0, len(values))
            points = " ".join(
                f"{x:.1f},{_HEIGHT - 2.0 - (v - low) * scale:.1f}"
                for x, v in zip(across, values, strict=True)
                if np.isfinite(v)
            )
            return f'<polyline class="{style}" points="{points}"/>' if " " in points else ""

        line_of_target = [target] * 2 if np.isfinite(target) else []
        return (
            f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escaped(label)}">'
            f"<title>{escaped(label)}</title>{line(line_of_target, 'target')}"
            f"{line(baseline, 'baseline')}{line(plan, 'plan')}</svg>"
        )


def indicator_blocks(table: pd.DataFrame, currency: str) -> list[Block]:
    """Group by group: small multiples of the cluster, then every row."""
    blocks: list[Block] = []
    for group, rows in table.groupby("group", sort=False):
        cluster = rows[rows["member"].isna()]
        if rows.empty:
            continue
        blocks.append(Heading(say(GROUP_WORDS.get(str(group), str(group)))))
        charts = [_multiple(one, currency) for _, one in cluster.groupby("indicator", sort=False)]
        blocks.append(Cards([chart for chart in charts if chart is not None]))
        blocks.append(_table(rows, str(group), currency))
    if blocks:
        words = say(
            "Over the horizon (rates: mean per year; capital and new units: sums). The "
            "solid line is the plan by period, the dashed one the same scenario without "
            "new units, the dotted one the target. Money is not discounted."
        )
        blocks.insert(0, Text(words, "note"))
    return blocks


def indicators_opening(table: pd.DataFrame, currency: str) -> list[Section]:
    """Sections from the table of `indicators`: the answer, then group by group."""
    groups = Section(say("Indicators"), indicator_blocks(table, currency))
    return [_answer(table, currency), groups]


_HEADLINES = ("use_share", "investment", "jobs_new", "innovative_revenue", "cost_per_income")


def _answer(table: pd.DataFrame, currency: str) -> Section:
    """The targets that are met and missed, and five figures of the cluster over the horizon."""
    cluster = table[table["member"].isna() & table["period"].isna()]
    targets = table[table["target"].notna()]
    reached = sum(value is True or value == np.True_ for value in targets["met"])
    cards = [Card(say("Targets met"), reached, say("of {count}", count=len(targets)))]
    for name in _HEADLINES:
        rows = cluster[cluster["indicator"] == name]
        if rows.empty or len(cards) == 5 or not np.isfinite(rows["value"].iloc[0]):
            continue
        one = rows.iloc[0]
        unit = in_currency(str(one["unit"]), currency)
        words = say("{unit}, over the horizon", unit=measured(unit))
        words = say("over the horizon") if unit == "share" else words
        before = {say("without new units"): _plain(one["baseline"], unit)}
        cards.append(Card(words_of(name).capitalize(), _plain(one["value"], unit), words, before))
    return answer(lead_of(table), cards)


def _named(row: Mapping[Hashable, Any]) -> str:
    """An indicator with its member and period, where its name does not end with them already."""
    name = words_of(str(row["indicator"]))
    for of in ("member", "period"):
        if row[of] and not name.endswith(f", {row[of]}"):
            name += f", {row[of]}"
    return name


def lead_of(table: pd.DataFrame) -> str:
    """How many targets are met, and which are not."""
    targets = table[table["target"].notna()]
    if targets.empty:
        return say("No targets are given (sheet Indicators).")
    met = targets["met"]
    missed = targets[[value is False or value == np.False_ for value in met]]
    unknown = int(met.isna().sum())
    reached = len(targets) - len(missed) - unknown
    text = say("{reached} of {count} targets are met.", reached=reached, count=len(targets))
    if len(missed):
        names = [_named(r) for r in missed.to_dict("records")]
        text += say(" Not met: {names}.", names=first_few(names, 6, "; "))
    if unknown:
        text += say(" {unknown} cannot be judged, as the figure is not known.", unknown=unknown)
    return text


def _multiple(rows: pd.DataFrame, currency: str) -> Multiple | None:
    horizon = rows[rows["period"].isna()]
    periods = rows[rows["period"].notna()]
    one = (horizon if len(horizon) else periods.tail(1)).iloc[0]
    if np.isnan(one["value"]) and periods["value"].isna().all():
        return None
    return Multiple(one, periods, in_currency(str(one["unit"]), currency))


def _table(rows: pd.DataFrame, group: str, currency: str) -> Table:
    shown = rows.assign(
        indicator=[words_of(str(name)) for name in rows["indicator"]],
        unit=[in_currency(str(unit), currency) for unit in rows["unit"]],
        member=rows["member"].fillna(say("the cluster")),
        period=rows["period"].fillna(say("horizon")),
        met=[say(_MET[m]) if isinstance(m, bool) else "" for m in rows["met"]],
    )
    # Shares stand beside tonnes and money: every row is written in its own unit.
    for name in ("value", "baseline", "change", "target"):
        shown[name] = [
            _figure(v, str(unit)) for v, unit in zip(shown[name], shown["unit"], strict=True)
        ]
    first = shown["member"].eq(say("the cluster")) & shown["period"].eq(say("horizon"))
    shown = shown.iloc[np.argsort(~first.to_numpy(), kind="stable")].reset_index(drop=True)
    shown["unit"] = [measured(str(unit)) for unit in shown["unit"]]
    columns = (
        Column("indicator", say("indicator")),
        Column("unit", say_in("measure", "unit")),
        Column("member", say("member")),
        Column("period", say("period")),
        Column("value", say("plan")),
        Column("baseline", say("without new units")),
        Column("change", say("change")),
        Column("target", say("target")),
        Column("met", say("target met")),
        Column("kind", say("kind")),
    )
    caption = say("{get}: every figure", get=say(GROUP_WORDS.get(group, group)))
    rows_shown = max(int(first.sum()), 4)
    return Table(caption, shown, columns, shown=rows_shown, name=f"indicators-{group}")


def words_of(name: str) -> str:
    """An indicator's name in words."""
    return cut(shown_word("indicator", name).replace("_", " ").replace(":", ": "), 60)


def _plain(value: Any, unit: str) -> str:
    return percent(float(value)) if unit == "share" else figure(float(value))


def _figure(value: Any, unit: str) -> str:
    return escaped(_plain(value, unit))
