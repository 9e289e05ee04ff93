"""The charts of a plan's page, as plotly figures with colour tokens (see `frame.Figure`)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.i18n import mark, say
from circflow.i18n.names import shown_measure
from circflow.report.figures import (
    NO_STAGE,
    horizon,
    limit_figures,
    money_lines,
    unit_loads,
    waste_by_period,
    years_of,
)
from circflow.report.numbers import cut
from circflow.report.page.frame import Figure, escaped, figure, sentences
from circflow.report.sankey import stage_words, stages_in_order
from circflow.solution.solution import Solution

MAX_UNITS = 40
MAX_STOCKS = 8
FULL = 0.999
_PLAIN_HOVER = "%{customdata}<extra></extra>"
_STOCK_COLOURS = ("blue", "orange", "green", "yellow", "pink", "sky", "grey", "soft")
_KINDS: Mapping[str, tuple[str, str]] = {
    "recipe": (mark("units"), "$blue"),
    "transport": ("transport", "$yellow"),
    "disposal": ("disposal", "$grey"),
    "stockpile": (mark("stockpiles"), "$pink"),
    "purchase": (mark("bought inputs"), "$orange"),
    "sale": (mark("avoided elsewhere by sales"), "$green"),
    "stream": (mark("taking waste"), "$sky"),
}
"""Of emissions: words and colour."""


_FATES = {mark("used"): "$green", mark("stocked"): "$pink", mark("dumped"): "$grey"}
"""Columns of what becomes of waste, which are also their words, and their colours."""


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """A value axis."""
    return {
        "title": {"text": escaped(title), "standoff": 8},
        "gridcolor": "$grid",
        "zerolinecolor": "$line",
        "automargin": True,
        "tickformat": ",~r",
        **more,
    }


def categories(names: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """An axis of names: always taken as names, never as dates or numbers."""
    order = {} if names is None else {"categoryorder": "array", "categoryarray": names}
    look = {"automargin": True, "linecolor": "$line", "showgrid": False}
    return {"type": "category", **look, **order, **more}


def view(data: Sequence[Mapping[str, Any]], height: int, **more: Any) -> dict[str, Any]:
    """A view of a figure: traces, and what its layout says beside what all charts share."""
    layout = {
        "height": height,
        "margin": {"l": 60, "r": 16, "t": 16, "b": 40},
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        "bargap": 0.35,
        "showlegend": False,
        **more,
    }
    return {"data": list(data), "layout": layout}


def chosen(views: Mapping[str, Any], label: str, names: Sequence[str]) -> dict[str, Any]:
    """Views by what a reader chooses, as parts of a `Figure`: no choice where there is but one."""
    if len(names) == 1:
        return {"views": {"": next(iter(views.values()))}}
    return {"views": views, "controls": ((label, list(zip(views, names, strict=True))),)}


def bar(
    name: str, x: Any, y: Any, colour: Any, hover: Sequence[str], **more: Any
) -> dict[str, Any]:
    """One bar to each of `x`, all of a colour or each of its own."""
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": y,
        "marker": {"color": colour},
        "customdata": hover,
        "hovertemplate": _PLAIN_HOVER,
        **more,
    }


def row(
    names: list[str], lengths: Any, texts: list[str], hover: list[str], colour: Any, **more: Any
) -> dict[str, Any]:
    """Bars from the left, each with a text behind its end."""
    look = {"orientation": "h", "text": texts, "textposition": "outside", "cliponaxis": False}
    return bar("", lengths, names, colour, hover, **(look | more))


def line(
    name: str, x: Any, y: Any, stroke: Mapping[str, Any], marks: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """A line with marks."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x,
        "y": y,
        "line": stroke,
        "marker": marks,
        "hovertemplate": _PLAIN_HOVER,
        **more,
    }


def waterfall_view(
    labels: list[str], values: np.ndarray, measures: list[str], hover: list[str], unit: str
) -> dict[str, Any]:
    """A waterfall: each bar starts where the one before ended (`relative`), or from 0."""
    trace = {
        "type": "waterfall",
        "x": ["<br>".join(textwrap.wrap(label, 12, break_long_words=False)) for label in labels],
        "y": values,
        "measure": measures,
        "text": [figure(v) for v in values],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": hover,
        "hovertemplate": _PLAIN_HOVER,
        "increasing": {"marker": {"color": "$green"}},
        "decreasing": {"marker": {"color": "$orange"}},
        "totals": {"marker": {"color": "$blue"}},
        "connector": {"line": {"color": "$line", "width": 1}},
    }
    return view([trace], 400, xaxis=categories(tickangle=0), yaxis=axis(unit))


def waterfall(solution: Solution) -> Figure:
    """Income to net benefit, million currency per year."""
    lines = money_lines(solution)
    currency = solution.scenario.settings.currency
    result = (lines["group"] == "net_benefit").to_numpy()
    values = lines["million_per_year"].to_numpy(float)
    message = mark(
        "<b>{label}</b><br>{million_per_year} million {currency} per year<br>"
        "{million} over the horizon"
    )
    hover = sentences(message, lines, currency=shown_measure(currency))
    measures = ["total" if r else "relative" for r in result]
    unit = say("million {currency} per year", currency=currency)
    drawn = waterfall_view(lines["label"].tolist(), values, measures, hover, unit)
    keys = {"$green": say("received"), "$orange": say("paid"), "$blue": say("what remains")}
    return Figure(
        say("From income to net benefit"),
        {"": drawn},
        say("Waterfall of the money"),
        note=say(
            "Mean of the {horizon} years, not discounted.", horizon=horizon(solution.scenario)
        ),
        legend=tuple(keys.items()),
    )


def waste_fate(solution: Solution) -> Figure | None:
    """What arises, is reclaimed and is made of waste: used, stocked or dumped; by stage and period.

    In the unit of measure that most wastes have; others are in the table of wastes.
    """
    frame = _fates(solution)
    if frame.empty:
        return None
    measure = "t" if (frame["unit_of_measure"] == "t").any() else frame["unit_of_measure"].iloc[0]
    others = frame["unit_of_measure"].nunique() > 1
    frame = frame[frame["unit_of_measure"] == measure]
    stages = stages_in_order(frame["stage"].tolist())
    periods = list(years_of(solution.scenario))
    views = {"share": _fate_view(frame, stages, periods, measure)}
    options = [("share", say("all stages, shares"))]
    for n, stage in enumerate(stages):
        views[f"s{n}"] = _fate_view(frame[frame["stage"] == stage], [], periods, measure)
        options.append((f"s{n}", f"{stage_words(stage)}, {measure}"))
    note = say("Of what arises, is reclaimed from stockpiles and is made by units.")
    if others:
        note += say(" Wastes measured in {measure}; others are in the table.", measure=measure)
    keys = [(token, say(fate)) for fate, token in _FATES.items()]
    return Figure(
        say("What becomes of the waste"),
        views,
        say("Bars of waste used, stocked and dumped, by stage and period"),
        note=note,
        controls=((say("Stage"), options),),
        legend=[*keys, ("$text", say("arising (dotted line, for one stage)"))],
    )


def _fates(solution: Solution) -> pd.DataFrame:
    """stage, period, unit_of_measure, arising, used, stocked, dumped: per year."""
    materials = solution.scenario.frame("Materials").set_index("material")
    frame = waste_by_period(solution).rename(columns={"added": "stocked", "disposed": "dumped"})
    frame["stage"] = frame["material"].map(materials["stage"]).fillna(NO_STAGE)
    frame["unit_of_measure"] = frame["material"].map(materials["unit"])
    handled = frame["taken"] + frame["reclaimed"] + frame["made"]
    frame["used"] = handled - frame["stocked"] - frame["dumped"]
    keys, amounts = ["stage", "period", "unit_of_measure"], ["arising", *_FATES]
    sums = frame.groupby(keys)[amounts].sum()
    return sums.assign(used=sums["used"].clip(lower=0.0)).reset_index()


def _fate_view(
    frame: pd.DataFrame, stages: list[str], periods: list[str], measure: str
) -> dict[str, Any]:
    """Shares of every stage and period, or (no stages given) the amounts of one stage."""
    frame = frame.set_index(["stage", "period"])
    shares = bool(stages)
    if shares:
        keys = [(s, p) for s in stages for p in periods if (s, p) in frame.index]
        frame = frame.reindex(keys)
        x: Any = [[escaped(stage_words(s)) for s, _ in keys], [escaped(p) for _, p in keys]]
    else:
        frame = frame.droplevel("stage").reindex(periods).fillna(0.0)
        x = [escaped(p) for p in frame.index]
    total = frame[list(_FATES)].sum(axis=1)
    data: list[dict[str, Any]] = []
    for column, token in _FATES.items():
        part = (frame[column] / total.where(total > 0)).fillna(0.0)
        message = mark("<b>{fate}</b><br>{amount} {measure} per year, {share}")
        here = pd.DataFrame({"amount": frame[column], "share": part})
        hover = sentences(message, here, fate=say(column), measure=measure)
        size = part.to_numpy() if shares else frame[column].to_numpy(float)
        data.append(bar(say(column), x, size, token, hover))
    if shares:
        xaxis = {"type": "multicategory", "automargin": True, "dividercolor": "$line"}
        yaxis = axis(say("share"), tickformat=".0%", range=[0, 1])
    else:
        xaxis = categories()
        yaxis = axis(say("{measure} per year", measure=measure), tickformat="~s")
        template = say("arising: %{y:,.3~s} ") + escaped(measure) + "<extra></extra>"
        stroke = {"color": "$text", "width": 1.5, "dash": "dot"}
        marks, amounts = {"color": "$text", "size": 6}, frame["arising"].to_numpy(float)
        data.append(line(say("arising"), x, amounts, stroke, marks, hovertemplate=template))
    return view(data, 380, barmode="stack", xaxis=xaxis, yaxis=yaxis)


def loads(solution: Solution) -> Figure | None:
    """How full the units are, with what one more unit of capacity is worth."""
    frame = unit_loads(solution)
    if frame.empty:
        return None
    prices = solution.prices
    binding = prices[(prices["kind"] == "capacity") & prices["binds"].astype(bool)]
    years = binding["period"].map(years_of(solution.scenario)).astype(float)
    rent = binding["value"].astype(float) * years / horizon(solution.scenario)
    worth = rent.groupby(binding["unit"]).sum()
    yearly = (rent * limit_figures(solution, binding) / 1e6).groupby(binding["unit"]).sum()
    frame["worth"] = frame["unit"].map(worth)
    frame["one_percent"] = frame["unit"].map(yearly) / 100
    total = len(frame)
    frame = frame.sort_values(
        ["load_share", "one_percent"], ascending=False, na_position="last"
    ).head(MAX_UNITS)
    currency = solution.scenario.settings.currency
    message = mark(
        "<b>{unit}</b>, {site}<br>load {load_share} of {capacity_per_year} "
        "per year<br>one more unit of capacity is worth {worth} {currency};<br>1 % "
        "more: {one_percent} million {currency} per year"
    )
    hover = sentences(message, frame, currency=currency)
    names = _distinct([cut(str(u), 34) for u in frame["unit"]])
    share, money = frame["load_share"].to_numpy(float), shown_measure(escaped(currency))
    text = ["" if pd.isna(w) or not w else f"{figure(w)} {money}" for w in frame["worth"]]
    top, words = max(1.0, float(share.max())), say("load, share of what is available")
    some = say(" The fullest {count} of {total}.", count=len(frame), total=total)
    of = some if total > len(frame) else ""
    drawn = view(
        [row(names, share, text, hover, ["$orange" if s >= FULL else "$sky" for s in share])],
        110 + 21 * len(frame),
        bargap=0.3,
        yaxis=categories(names[::-1]),
        xaxis=axis(words, tickformat=".0%", range=[0, top * 1.12]),
    )
    return Figure(
        say("How full the units are, and what more capacity is worth"),
        {"": drawn},
        say("Bars of the load of every unit with the shadow price of its capacity"),
        note=say(
            "Mean over the years in service; beside a bar, what one more unit of yearly "
            "capacity is worth.{of}",
            of=of,
        ),
        legend=(("$orange", say("always full")), ("$sky", say("has room"))),
    )


def _distinct(names: list[str]) -> list[str]:
    """Escaped names; those that are alike once cut stay apart."""
    counts = [names[: n + 1].count(name) for n, name in enumerate(names)]
    return [
        escaped(name if count == 1 else f"{name} ({count})")
        for name, count in zip(names, counts, strict=True)
    ]


def emissions(solution: Solution) -> Figure | None:
    """Emissions by source and period, one view for each pollutant, with the cluster's limit."""
    table = solution.emissions
    if table.empty:
        return None
    periods = list(years_of(solution.scenario))
    sums = table.groupby(["pollutant", "kind", "period"])["tonnes_per_year"].sum()
    limits = solution.tables.emission_limits
    limits = limits[limits["scope"] == "cluster"]
    pollutants = list(dict.fromkeys(table["pollutant"]))
    views = {}
    for n, pollutant in enumerate(pollutants):
        data: list[dict[str, Any]] = []
        for kind in sums[pollutant].index.get_level_values("kind").unique():
            here = sums[pollutant][kind].reindex(periods).fillna(0.0)
            word, colour = _KINDS.get(str(kind), (str(kind), "$soft"))
            words = say(word)
            message = mark("<b>{kind}</b><br>{amount} t of {pollutant} per year")
            hover = sentences(message, here.to_frame("amount"), kind=words, pollutant=pollutant)
            names = [escaped(p) for p in periods]
            data.append(bar(words, names, here.to_numpy(float), colour, hover))
        data += _limit_line(limits[limits["pollutant"] == pollutant], periods)
        title = axis(say("t of {pollutant} per year", pollutant=pollutant))
        shape = {"xaxis": categories(), "yaxis": title}
        views[f"p{n}"] = view(data, 360, barmode="relative", **shape)
    kinds = set(table["kind"])
    keys = [(colour, say(words)) for kind, (words, colour) in _KINDS.items() if kind in kinds]
    if limits["limit_per_year"].notna().any():
        keys.append(("$text", say("limit for the cluster")))
    return Figure(
        say("Emissions by source"),
        alt=say("Bars of emissions by source and period"),
        note=say(
            "Below zero: what sales avoid elsewhere. Limits of regions and sites are in "
            "the table that follows."
        ),
        legend=keys,
        **chosen(views, say("Pollutant"), pollutants),
    )


def _limit_line(limits: pd.DataFrame, periods: list[str]) -> list[dict[str, Any]]:
    bound = pd.to_numeric(limits["limit_per_year"]).groupby(limits["period"]).min()
    bound = bound.replace(np.inf, np.nan).reindex(periods)
    if bound.isna().all():
        return []
    x, y = [escaped(p) for p in periods], bound.to_numpy(float)
    stroke = {"color": "$text", "width": 2, "dash": "dash"}
    marks = {"color": "$text", "symbol": "line-ew", "size": 9}
    template = say("limit: %{y:,.3~s} t") + "<extra></extra>"
    return [line(say("limit"), x, y, stroke, marks, hovertemplate=template)]


def stocks(solution: Solution) -> Figure | None:
    """What the stockpiles hold at the end of every period; those that change most."""
    table = solution.stockpiles.astype({"opening": float, "closing": float})
    names = table["site"].astype(str) + ": " + table["material"].astype(str)
    table = table.assign(name=names + ", " + table["unit_of_measure"].astype(str))
    span = table.groupby("name")[["opening", "closing"]]
    change = span.max().max(axis=1) - span.min().min(axis=1)
    change = change[change > 0].sort_values(ascending=False)
    if change.empty:
        return None
    periods = list(years_of(solution.scenario))
    start = say("before {periods}", periods=periods[0])
    data = []
    for n, name in enumerate(change.index[:MAX_STOCKS]):
        here = table[table["name"] == name].set_index("period").reindex(periods)
        level = [here["opening"].iloc[0], *here["closing"]]
        largest = max((v for v in level if v == v), default=0.0) or 1.0  # noqa: PLR0124
        levels = pd.DataFrame({"level": level, "share": np.array(level) / largest})
        hover = sentences(mark("<b>{name}</b><br>{level}, {share} of its most"), levels, name=name)
        x, y = [escaped(p) for p in (start, *periods)], [v / largest for v in level]
        colour = f"${_STOCK_COLOURS[n]}"
        marks = {"color": colour, "symbol": n, "size": 8}
        stroke = {"color": colour, "width": 2}
        data.append(line(escaped(cut(name, 46)), x, y, stroke, marks, customdata=hover))
    rest = len(change) - len(data)
    yaxis = axis(say("share of its highest level"), tickformat=".0%", rangemode="tozero")
    shape = {"xaxis": categories(), "yaxis": yaxis, "showlegend": True}
    return Figure(
        say("Stocks over time"),
        {"": view(data, 400 + 12 * len(data), **shape)},
        say("Lines of what every stockpile holds at the end of each period"),
        note=say("Each against its own highest level.")
        + (say(" {rest} more change less.", rest=rest) if rest else ""),
    )


def timeline(solution: Solution) -> Figure | None:
    """When each plant is built, and how long it serves within the horizon."""
    built = solution.built
    if built.empty:
        return None
    scenario = solution.scenario
    first = scenario.settings.start_year
    starts = {p.name: first + p.start for p in scenario.periods}
    end = first + horizon(scenario)
    terms = scenario.frame("Units").set_index("unit").reindex(built["unit"])
    wait = terms["construction_years"].to_numpy(float)
    frame = built.assign(
        start=built["period"].map(starts).astype(float) + wait,
        life=terms["lifetime_years"].to_numpy(float),
        wait=wait,
    )
    frame = frame.sort_values(["start", "capex_million"], ascending=[True, False])
    total = len(frame)
    frame = frame.head(MAX_UNITS)
    start, wait = frame["start"].to_numpy(float), frame["wait"].to_numpy(float)
    stop = np.minimum(start + frame["life"].to_numpy(float), end)
    names = _distinct([cut(str(u), 34) for u in frame["unit"]])
    currency = scenario.settings.currency
    message = mark(
        "<b>{unit}</b>, {site}<br>decided in {period}, in service from "
        "{start}<br>{capacity_per_year} per year<br>{capex_million} million "
        "{currency}, {jobs} jobs<br>{investor}"
    )
    years = frame.assign(start=[f"{year:.0f}" for year in start])
    hover = sentences(message, years, currency=currency)
    texts = sentences(mark("{capex_million} million {currency}"), frame, currency=currency)
    style = {"textposition": "inside", "insidetextanchor": "start"}
    paper = {"color": "$paper"}
    trace = row(names, stop - start, texts, hover, "$blue", base=start, textfont=paper, **style)
    building = row(names, wait, [], hover, "$blue/30", base=start - wait)
    data = [building, trace] if wait.any() else [trace]
    ticks = [*starts.values(), end]
    drawn = view(
        data,
        90 + 26 * len(frame),
        bargap=0.25,
        barmode="overlay",
        yaxis=categories(names[::-1]),
        xaxis=axis("", tickformat="d", tickvals=ticks, range=[first, end], side="top"),
        margin={"l": 60, "r": 24, "t": 34, "b": 12},
    )
    some = say(" The first {count} of {total}.", count=len(frame), total=total)
    return Figure(
        say("What is built, and when"),
        {"": drawn},
        say("Bars from the year a plant comes into service to the end of its service"),
        note=say(
            "Pale: the years of its construction, from the first year of the period in "
            "which it is decided; in the bar, its capital."
        )
        + (some if total > len(frame) else ""),
    )
