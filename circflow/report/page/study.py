"""Pages of studies: the tables of a sweep, a comparison, a division of gains, with figures.

They are of the same family as the page of a plan (`frame`). Known tables get a figure; every table
stands on the page, to be sorted and saved.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pandas as pd

from circflow.i18n import mark, say, say_in, say_n
from circflow.i18n.names import shown_measure, shown_word
from circflow.report.numbers import cut
from circflow.report.page.charts import axis, bar, categories, view, waterfall_view
from circflow.report.page.frame import (
    Block,
    Figure,
    Fold,
    Page,
    Section,
    Table,
    columns_of,
    escaped,
    figure,
    sentences,
    write,
)
from circflow.report.vocabulary import cell, measured

MAX_SERIES = 10
MAX_BARS = 60
_CODE = re.compile("[a-z]+(_[a-z0-9]+)+(:.*)?")
_CODED = frozenset({"figure", "item", "base", "effect", "indicator", "group", "step", "kind"})
"""Columns that hold words of the code, never names of the scenario alone."""
_UNITS = frozenset({"unit", "cost_unit", "unit_of_measure"})
_COLOURS = ("blue", "orange", "green", "yellow", "pink", "sky", "grey", "soft", "mining", "line")


@dataclass(frozen=True)
class Picture:
    """A figure drawn beforehand, as SVG of our own making (never a text of the scenario)."""

    caption: str
    svg: str

    def html(self, ids: count[int]) -> str:
        return (
            f'<figure class="sheet"><figcaption>{escaped(self.caption)}</figcaption>'
            f"{self.svg[self.svg.index('<svg') :]}</figure>"
        )


def study_page(
    title: str,
    tables: Mapping[str, pd.DataFrame],
    *,
    currency: str = "",
    opening: Sequence[Section] = (),
    pictures: Sequence[Picture] = (),
) -> Page:
    """A page that opens with the answer (`opening`), then the figures that can be made of the
    tables, and the tables by name, each behind a line where the page has an opening."""
    sections = list(opening)
    if pictures:
        sections.append(Section(say("The figure"), pictures, say("Figure")))
    folded: list[Block] = []
    for name, table in tables.items():
        words, readable = title_of(name), _in_words(table, currency)
        money = say("million {currency}", currency=currency)
        columns = tuple(
            replace(c, title=say("amount"), unit=money) if c.name == "million" else c
            for c in columns_of(readable, currency, name)
        )
        shown = Table(words, readable, columns, shown=25, name=name, empty=say("Nothing."))
        if not opening:
            sections.append(Section(words, [known_figure(name, readable, currency), shown]))
        elif len(readable):
            rows = say_n("{n} row", "{n} rows", len(readable))
            folded.append(Fold(f"{words} ({rows})", [shown]))
    if folded:
        sections.append(Section(say("Every table"), folded, say("Tables")))
    return Page(title, sections, kind=say("circflow · study"))


def write_study(
    path: str | os.PathLike[str],
    title: str,
    tables: Mapping[str, pd.DataFrame],
    **more: Any,
) -> None:
    """Write `study_page`, whole or not at all. Raises OSError where it cannot be written."""
    write(study_page(title, tables, **more), path)


TITLES: Mapping[str, str] = {
    "break_evens": mark("Break-evens"),
    "who_gains": mark("Who gains and who loses"),
    "contingency": mark("If one stands still"),
    "robustness": mark("How often the decision was right"),
    "core": mark("Would a group leave?"),
    "money": mark("Own money of the members"),
    "exchanges": mark("Prices between members"),
    "transfers": mark("Who pays whom"),
    "leaving": mark("If a member leaves"),
    "joining": mark("What each member adds"),
    "joining_others": mark("What joining does to the others"),
    "allocations": mark("Shares of the gain"),
    "waterfall": mark("From alone to together"),
}
"""Of tables whose names do not say it (others: `circflow.report.vocabulary`)."""


def title_of(name: str) -> str:
    """A table's name in words."""
    return say(TITLES.get(name) or name.replace("_", " ").capitalize())


def words_of_code(value: Any) -> Any:
    """A word of the code as one reads it: `alone_million` is `alone (million)`; others stay."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        return value
    if (indicator := shown_word("indicator", value)) != value:
        return indicator
    stem, colon, tail = value.removesuffix("_million").partition(":")
    words = say(stem.replace("_", " "))
    if colon:
        words += ": " + tail.replace("_", " ").replace(":", ": ")
    return f"{words} ({say('million')})" if value.endswith("_million") else words


def _in_words(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """A table with words for those of the code and units as one reads them; shares among other
    figures (a unit to every row) as per cent."""
    readable = table.reset_index(drop=True)
    for column in _CODED & set(readable.columns):
        readable[column] = [words_of_code(v) for v in readable[column]]
    if "unit" in readable and (shares := readable["unit"] == "share").any():
        for name in readable.select_dtypes("number").columns:
            readable[name] = readable[name].astype(float).where(~shares, readable[name] * 100.0)
        readable["unit"] = readable["unit"].where(~shares, "%")
    for column in _UNITS & set(readable.columns):
        units = (in_currency(v, currency) for v in readable[column])
        readable[column] = [measured(v) if isinstance(v, str) else v for v in units]
    return readable


def in_currency(unit: Any, currency: str) -> Any:
    """A unit of the contract (`currency/unit`) with the scenario's own money."""
    if not isinstance(unit, str) or not currency:
        return unit
    return re.sub(r"\bcurrency\b", lambda _: shown_measure(currency), unit)


def known_figure(name: str, table: pd.DataFrame, currency: str) -> Figure | None:
    """The figure of a table that is known by its name and columns; None for others."""
    needed, draw = _KNOWN.get(name, (frozenset[str](), None))
    if draw is None or not len(table) or not needed <= set(map(str, table.columns)):
        return None
    return draw(table, say("million {currency}", currency=currency))


def _by_rule(caption: str, values: str) -> Callable[[pd.DataFrame, str], Figure | None]:
    def draw(table: pd.DataFrame, unit: str) -> Figure | None:
        wide = table.pivot_table(index="member", columns="rule", values=values, sort=False)
        wide.columns = pd.Index([cell("rule", str(rule)) for rule in wide.columns])
        return bars(say(caption), wide, unit)

    return draw


_allocations = _by_rule(mark("What each member gets, by rule"), "million")
_shares = _by_rule(
    mark("What the newcomer changes in each member's share, by rule"), "change_million"
)


def _leaving(table: pd.DataFrame, unit: str) -> Figure | None:
    sums = table.groupby("leaver", sort=False)["change_million"].sum().to_frame(say("all together"))
    return bars(say("What all members lose or gain if one leaves"), sums, unit)


def _joining(table: pd.DataFrame, unit: str) -> Figure | None:
    changes = table.set_index("joiner")[["own_change_million", "others_change_million"]]
    changes.columns = pd.Index([say("the joiner"), say("the other members")])
    return bars(say("What changes if a member joins, before any sharing"), changes, unit)


def _scenarios(caption: str) -> Callable[[pd.DataFrame, str], Figure | None]:
    def draw(table: pd.DataFrame, unit: str) -> Figure | None:
        is_total = table["unit"].astype(str).str.startswith("million") & table["item"].isna()
        money = table[is_total].set_index("figure").drop(columns=["item", "unit"])
        return bars(say(caption), money, unit)

    return draw


def _effects(table: pd.DataFrame, unit: str) -> Figure | None:
    values = [c for c in table.columns if str(c).endswith("million")][:1]
    sums = table.groupby("effect", sort=False)[values].sum()
    if not values:
        return None
    return bars(
        say("Gain of the cluster by effect"), sums.set_axis([say_in("noun", "gain")], axis=1), unit
    )


def _waterfall(table: pd.DataFrame, unit: str) -> Figure:
    """From every member alone, effect by effect, to all together."""
    steps = [cell("step", str(step)).replace("_", " ") for step in table["step"]]
    values = table["million"].to_numpy(float)
    message = mark("<b>{step}</b><br>{million} {unit}<br>{to_million} so far")
    hover = sentences(message, table.assign(step=steps), unit=unit)
    measures = ["absolute", *["relative"] * (len(steps) - 2), "total"]
    drawn = waterfall_view([escaped(step) for step in steps], values, measures, hover, unit)
    keys = {"$green": say("gained"), "$orange": say("lost"), "$blue": say("value of the cluster")}
    return Figure(
        say("From every member alone to all together"),
        {"": drawn},
        say("Waterfall of the gain of the cluster by effect"),
        legend=tuple(keys.items()),
    )


def _futures(table: pd.DataFrame, unit: str) -> Figure | None:
    """The worth of every future, worst first, with and without the hedge."""
    known = table.dropna(subset=["worth"]).sort_values("worth", kind="stable")
    wide = known.set_index("future")[["worth", "mean_decisions", "alone"]]
    wide.columns = pd.Index(
        [say("decided for all"), say("decided for the mean"), say("known before")]
    )
    return bars(say("What each future is worth, worst first"), wide, unit)


def bars(caption: str, wide: pd.DataFrame, unit: str) -> Figure | None:
    """Grouped bars: a group for every row, a colour for every column; None without figures."""
    wide = wide.apply(pd.to_numeric, errors="coerce").dropna(how="all").iloc[:, :MAX_SERIES]
    wide = wide.head(MAX_BARS)
    if wide.empty:
        return None
    names = [escaped(cut(str(name), 30)) for name in wide.index]
    data = []
    for colour, (series, values) in zip(_COLOURS, wide.astype(float).items(), strict=False):
        hover = [
            f"<b>{escaped(name)}</b><br>{escaped(series)}: {figure(v)} {escaped(unit)}"
            for name, v in values.items()
        ]
        name = escaped(cut(str(series), 40))
        data.append(bar(name, names, values.to_numpy(float), f"${colour}", hover))
    shape = {"xaxis": categories(), "yaxis": axis(unit)}
    drawn = view(data, 430, barmode="group", bargap=0.25, **shape)
    keys = tuple((f"${_COLOURS[n]}", str(s)) for n, s in enumerate(wide.columns))
    return Figure(caption, {"": drawn}, caption, legend=keys if len(data) > 1 else ())


_SCENARIOS = frozenset({"figure", "item", "unit"})
_KNOWN: dict[str, tuple[frozenset[str], Callable[[pd.DataFrame, str], Figure | None]]] = {
    "allocations": (frozenset({"rule", "member", "million"}), _allocations),
    "shares": (frozenset({"rule", "member", "change_million"}), _shares),
    "leaving": (frozenset({"leaver", "change_million"}), _leaving),
    "joining": (frozenset({"joiner", "own_change_million", "others_change_million"}), _joining),
    "figures": (_SCENARIOS, _scenarios(mark("Money of every scenario"))),
    "differences": (_SCENARIOS, _scenarios(mark("Differences"))),
    "futures": (frozenset({"future", "worth", "alone", "mean_decisions"}), _futures),
    "waterfall": (frozenset({"step", "million", "to_million"}), _waterfall),
    "effects": (frozenset({"effect"}), _effects),
}
"""By the name of a table: the columns that its figure needs, and what draws it."""
