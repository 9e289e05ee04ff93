"""Material flows as a Sankey diagram: wastes by stage, through units, to products and dumps.

It draws the paths that the value chains are made of (`circflow.solution.chains.trace`): what is
conserved along a path is what it stems from, so widths add up at every node, however often units
change the amount and the unit of measure. In mass a path is as wide as the waste that it starts
with; in money, as the income that it ends with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.algebra.build import group_named
from circflow.algebra.market import INCOME
from circflow.data.coded import series_of
from circflow.i18n import mark, say
from circflow.i18n.names import shown_measure, shown_word
from circflow.report.figures import NO_STAGE, years_of
from circflow.report.numbers import cut
from circflow.report.page.frame import Figure, escaped, figure, percent
from circflow.solution.chains import group_names
from circflow.solution.solution import Solution

STAGES = ("mining", "processing", "metallurgy", "energy", "chemistry", "other")
NO_WASTE = mark("by-products")
BOUGHT = mark("bought inputs")
LEVELS = ["stage", "source", "first", "last", "end"]
KEPT = {"source": 13, "first": 15, "last": 8, "end": 13}
"""Nodes of a level that are shown by themselves; the others are bundled."""
SMALL = 0.004
"""Share of the whole below which a node is bundled with others."""
ROOM = {"0": 24, "1": 30, "2": 30, "3": 20, "4": 18}
"""Letters of a label, by level: beside each other they must not touch."""
HEIGHT = 720
MAX_PERIODS = 8
"""Periods with a diagram of their own: of more, these are spread over the horizon."""
_ENDS = {
    "disposal": mark("disposed of"),
    "stock": mark("stocked"),
    "loss": mark("lost on the way"),
    "unexplained": mark("unexplained"),
    "use": mark("used up"),
}
_MARK = "\x1f"
_HOP = ["tail", "head", "stage", "period"]
_FIGURES = ["size", "income", "cost", "value"]


def stage_words(stage: str) -> str:
    """A stage in the language in force."""
    return shown_word("stage", stage) if stage in STAGES else say(stage)


def stage_colour(stage: str) -> str:
    """The colour token of a stage."""
    return f"${stage}" if stage in STAGES else "$none"


def paths(solution: Solution) -> pd.DataFrame:
    """The plan's paths: one row for each path of the trace.

    Columns: period, stage, source (material), first and last (unit; None where there is none, or
    no second one), end (a product, or what becomes of it), used (whether it is sold), measure (of
    the source), amount (of the source, over the period), income, cost, value (million currency).
    """
    followed = solution.trace
    parts, arcs, nodes = followed.parts, followed.graph.arcs, followed.graph.nodes
    count = len(followed.parts)
    if not count:
        return pd.DataFrame(columns=[*LEVELS, "period", "used", "measure", "amount"])
    first, last = parts.arc[parts.first], parts.arc[parts.last]
    heads, tails, material = arcs["head"], arcs["tail"], nodes["material"]
    kind, unit = arcs["end"], arcs["unit"]
    passed = np.flatnonzero(pd.notna(unit[parts.arc]))
    path = parts.path[passed]
    opening = np.full(count, None, dtype=object)
    closing = opening.copy()
    names = unit[parts.arc[passed]]
    closing[path] = names  # the last assignment stands
    opening[path[::-1]] = names[::-1]
    closing[closing == opening] = None
    source = material[heads[first]]
    ends, end_kind = material[tails[last]], kind[last]
    sold = end_kind == "sale"
    money = followed.of_parts(followed.money)
    groups = [group_named(name) for name in group_names()]
    paid = [n for n, group in enumerate(groups) if not group.received]
    frame = pd.DataFrame(
        {
            "period": nodes["period"][heads[first]],
            "stage": _stages(solution, source, kind[first]),
            "source": source,
            "first": opening,
            "last": closing,
            "end": np.where(sold, ends, [_ENDS.get(str(k), str(k)) for k in end_kind]),
            "used": sold,
            "measure": [solution.scenario.unit_of_measure.get(k, "") for k in source],
            "amount": followed.share[parts.first] * arcs["amount"][first],
            "income": money[:, groups.index(INCOME)],
            "cost": -money[:, paid].sum(axis=1),
            "value": money.sum(axis=1),
        }
    )
    kept = ~(followed.carried | parts.is_cycle)
    return pd.DataFrame(frame[kept]).reset_index(drop=True)


def _stages(solution: Solution, source: Any, kind: Any) -> list[str]:
    materials = solution.scenario.frame("Materials")
    stages = dict(zip(materials["material"], materials["stage"].fillna(NO_STAGE), strict=True))
    wastes = solution.scenario.wastes
    return [
        BOUGHT if k == "purchase" else stages[name] if name in wastes else NO_WASTE
        for name, k in zip(source, kind, strict=True)
    ]


@dataclass(frozen=True)
class _Measure:
    """What the widths mean."""

    key: str
    words: str
    unit: str
    rows: pd.DataFrame
    """Paths, with `size`: over the period."""


def _measures(rows: pd.DataFrame, currency: str) -> Iterator[_Measure]:
    """Income; then, for every unit of measure of what arises, what is used and everything."""
    income = rows.assign(size=rows["income"]).query("size > 0")
    if len(income):
        unit = say("million {currency}", currency=currency)
        yield _Measure("money", say("income from sales"), unit, income)
    arising = rows[rows["stage"] != BOUGHT].assign(size=rows["amount"])
    arising = arising[arising["size"] > 0]
    order = arising.groupby("measure")["size"].count().sort_values(ascending=False).index
    for n, measure in enumerate(sorted(order, key=lambda m: m != "t")):
        here = arising[arising["measure"] == measure]
        used = here[here["used"].astype(bool)]
        if len(used) and len(used) < len(here):
            words = say("{measure} that are used", measure=measure)
            yield _Measure(f"used{n}", words, measure, used)
        yield _Measure(f"all{n}", say("{measure}, dumped too", measure=measure), measure, here)


def sankey(solution: Solution) -> Figure | None:
    """The diagram with its choices of period and measure; None where nothing flows."""
    rows = paths(solution)
    currency = solution.scenario.settings.currency
    measures = [*_measures(rows, currency)]
    if not measures:
        return None
    years = years_of(solution.scenario)
    periods = [("all", say("whole horizon"))]
    if len(years) > 1:
        some = np.unique(np.linspace(0, len(years) - 1, MAX_PERIODS).round().astype(int))
        periods += [(f"p{n}", list(years)[n]) for n in some.tolist()]
    views, full = {}, _full_names(solution)
    for measure in measures:
        links = _links(_bundled(measure.rows))
        for key, words in periods:
            here = _summed(links) if key == "all" else links[links["period"] == words]
            length = sum(years.values()) if key == "all" else years[words]
            views[f"{measure.key}|{key}"] = _view(here, measure, length, currency, full)
    stages = [s for s in (*STAGES, NO_STAGE, NO_WASTE, BOUGHT) if s in set(rows["stage"])]
    keys = {stage_colour(s): stage_words(s) for s in stages if s in STAGES}
    if len(keys) < len(stages):
        keys["$none"] = ", ".join(stage_words(s) for s in stages if s not in STAGES)
    keys |= {"$blue": say("product"), "$grey": say("unit, dump or loss"), "$pink": say("stock")}
    return Figure(
        say("From waste to product"),
        views,
        say("Sankey diagram: from wastes by stage through units to products, dumps and stocks"),
        note=say(
            "Yearly means. A band keeps the width of the waste it starts with (or of the "
            "income it ends with), whatever units make of it. Point at a band or a bar "
            "for figures."
        ),
        controls=(
            (say("Width"), [(m.key, say(m.words)) for m in measures]),
            (say("Period"), periods),
        ),
        legend=tuple(keys.items()),
    )


def _bundled(rows: pd.DataFrame) -> pd.DataFrame:
    """Small nodes put together, level by level; the same in every period."""
    rows = rows.copy()
    total = rows["size"].sum()
    for level, most in KEPT.items():
        by = ["stage", level] if level == "source" else [level]
        sizes = rows[rows["used"].astype(bool) | (level != "end")].groupby(by)["size"].sum()
        sizes = sizes.sort_values(ascending=False, kind="stable")
        small = sizes[(np.arange(len(sizes)) >= most) | (sizes.to_numpy() < SMALL * total)]
        if len(small) < 2:
            continue
        word = say("other units") if level in ("first", "last") else say("others")
        if level == "source":
            counts = rows["stage"].map(small.groupby("stage").size()).fillna(0).astype(int)
            key = pd.MultiIndex.from_frame(rows[by])
            there = key.isin(small.index) & (counts > 1).to_numpy()
            rows.loc[there, level] = [say("other ({count})", count=str(n)) for n in counts[there]]
        else:
            rows.loc[rows[level].isin(small.index), level] = f"{word} ({len(small)})"
    return rows


def _links(rows: pd.DataFrame) -> pd.DataFrame:
    """Hops between levels: tail, head (names with their level), stage, period, size, income, cost,
    value.

    Between two levels hop the paths that have nothing in the levels between.
    """
    names = {}
    for n, level in enumerate(LEVELS):
        label = rows[level].astype(object)
        kind = rows["stage"].astype(object) if level == "source" else ""
        if level == "end":
            kind = rows["used"].map({True: "sold", False: "left"}).astype(object)
        names[level] = (f"{n}{_MARK}" + kind + _MARK + label).where(label.notna(), None)
    filled = {level: name.notna().to_numpy() for level, name in names.items()}
    at: list[NDArray[np.intp]] = []
    ends: dict[str, list[NDArray[np.object_]]] = {"tail": [], "head": []}
    for i, tail in enumerate(LEVELS):
        for j, head in enumerate(LEVELS[i + 1 :], start=i + 1):
            there = filled[tail] & filled[head]
            for between in LEVELS[i + 1 : j]:
                there &= ~filled[between]
            at.append(np.flatnonzero(there))
            for end, level in (("tail", tail), ("head", head)):
                ends[end].append(names[level].to_numpy(object)[there])
    links = rows[[*_HOP[2:], *_FIGURES]].iloc[np.concatenate(at)].reset_index(drop=True)
    for end, texts in ends.items():
        links[end] = series_of(np.concatenate(texts))
    return _summed(links, _HOP)


def _summed(links: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """The links of all periods together, the widest first."""
    keys = list(by) or _HOP[:3]
    frame = links.groupby(keys, sort=False, as_index=False)[_FIGURES].sum()
    return frame.sort_values("size", ascending=False, kind="stable", ignore_index=True)


def _view(
    links: pd.DataFrame, measure: _Measure, years: int, currency: str, full: Mapping[str, str]
) -> dict[str, Any]:
    layout = {"height": HEIGHT, "margin": {"l": 8, "r": 8, "t": 30, "b": 12}}
    if links.empty:
        return {"data": [], "layout": {**layout, "height": 120}}
    links = links.assign(**{c: links[c] / years for c in _FIGURES})
    total = float(links["size"][links["tail"].str.startswith("0")].sum())
    keys = list(dict.fromkeys([*links["tail"], *links["head"]]))
    at = {key: n for n, key in enumerate(keys)}
    label = [_label(key) for key in keys]
    unit = say("{escaped} per year", escaped=escaped(measure.unit))
    passing = np.maximum(
        links.groupby("tail")["size"].sum().reindex(keys).fillna(0.0).to_numpy(),
        links.groupby("head")["size"].sum().reindex(keys).fillna(0.0).to_numpy(),
    )
    money = say("million {escaped} per year", escaped=escaped(shown_measure(currency)))
    texts = []
    for row in links.to_dict("records"):
        tail, head = label[at[row["tail"]]], label[at[row["head"]]]
        of = {name: figure(row[name]) for name in _FIGURES}
        of |= {"unit": unit, "percent": percent(row["size"] / total), "money": money}
        lines = [
            f"<b>{escaped(tail)} → {escaped(head)}</b>",
            say("{size} {unit}, {percent} of what is shown", **of),
            say("the chains that pass: income {income}, cost {cost},", **of),
            say("value added {value} {money}", **of),
        ]
        texts.append("<br>".join(lines))
    nodes = [
        say(
            "<b>{escaped}</b>{get}<br>{size} {unit}, {percent} of what is shown",
            escaped=escaped(name),
            get=full.get(name, ""),
            size=figure(size),
            unit=unit,
            percent=percent(size / total),
        )
        for name, size in zip(label, passing.tolist(), strict=True)
    ]
    shown = [escaped(cut(n, ROOM[key[0]])) for key, n in zip(keys, label, strict=True)]
    drawn = bands(
        links,
        keys,
        {"label": shown, "color": [_node_colour(key) for key in keys], "customdata": nodes},
        {"color": [f"{stage_colour(s)}/42" for s in links["stage"]], "customdata": texts},
    )
    ends = zip(links["tail"], links["head"], strict=True)
    drawn["meta"] = {
        "nodes": [_parts(key) for key in keys],
        "links": [_parts(tail, head) for tail, head in ends],
    }
    return {"data": [drawn], "layout": layout}


def _label(key: str) -> str:
    """A node in words: of a stage, and of an end that is no product, in the language in force."""
    level, kind, name = key.split(_MARK, 2)
    if level == "0":
        return stage_words(name)
    return say(name) if level == "4" and kind == "left" else name


def bands(
    links: pd.DataFrame,
    keys: Sequence[str],
    nodes: Mapping[str, list[str]],
    passing: Mapping[str, list[str]],
) -> dict[str, Any]:
    """A Sankey diagram of links (tail, head, size) between nodes by their keys.

    `nodes` and `passing` hold color and customdata (the words shown at the pointer) of every node
    (and its label) and of every link.
    """
    at = {key: n for n, key in enumerate(keys)}
    hover = {"hovertemplate": "%{customdata}<extra></extra>"}
    return {
        "type": "sankey",
        "arrangement": "snap",
        "valueformat": ",.3s",
        "textfont": {"size": 12, "color": "$text"},
        "node": {**nodes, **hover, "pad": 13, "thickness": 13, "line": {"width": 0}},
        "link": {
            "source": [at[key] for key in links["tail"]],
            "target": [at[key] for key in links["head"]],
            "value": links["size"].tolist(),
            **passing,
            **hover,
        },
    }


def _parts(*keys: str) -> dict[str, list[str]]:
    """The materials and units that nodes stand for (of a stage or an end: none)."""
    parts = [key.split(_MARK, 2) for key in keys]
    names = [
        n for level, kind, n in parts if level != "0" and not (level == "4" and kind == "left")
    ]
    return {"of": names} if names else {}


def _full_names(solution: Solution) -> dict[str, str]:
    """The full name of materials and units, where the scenario has one, as a line of a label."""
    names = {}
    for sheet, key in (("Materials", "material"), ("Units", "unit")):
        frame = solution.scenario.frame(sheet)
        for name, full in zip(frame[key], frame["name"], strict=True):
            if isinstance(full, str) and full != name:
                names[str(name)] = f"<br>{escaped(full)}"
    return names


def _node_colour(key: str) -> str:
    level, kind, name = key.split(_MARK, 2)
    if level in ("0", "1"):
        return stage_colour(name if level == "0" else kind)
    if level != "4":
        return "$soft"
    return "$blue" if kind == "sold" else "$pink" if name == _ENDS["stock"] else "$grey"


def stages_in_order(stages: Sequence[str]) -> list[str]:
    """Stages as the schema orders them, others behind."""
    known = [stage for stage in STAGES if stage in stages]
    return [*known, *sorted(set(stages) - set(STAGES))]
