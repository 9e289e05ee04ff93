"""Substances and energy on their way: a Sankey diagram of materials and units.

Its bands hold what the amounts of the plan hold of a substance, so what enters a material or a
unit leaves it, losses included; bands are means per year of the horizon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from circflow.data.balances import contents_table
from circflow.i18n import mark, say
from circflow.report.figures import horizon, years_of
from circflow.report.numbers import cut
from circflow.report.page.charts import chosen
from circflow.report.page.frame import Figure, escaped, sentences
from circflow.report.sankey import bands
from circflow.solution.solution import Solution
from circflow.solution.substances import IN, through_units

SMALL = 0.005
"""Share of the whole below which a material or unit is bundled with others."""
_WORDS = {
    "arises": mark("arises"),
    "reclaimed": mark("from stockpiles"),
    "bought": mark("bought"),
    "sold": mark("sold"),
    "disposed": mark("disposed of"),
    "stocked": mark("stocked"),
    "lost by units": mark("lost by units"),
    "lost on the way": mark("lost on the way"),
}
_COLOURS = {"end": "$grey", "material": "$blue", "unit": "$soft"}
_OTHERS = {
    "material": mark("other materials ({count})"),
    "unit": mark("other units ({count})"),
}
_MARK = "\x1f"
_HEIGHT = 620


def substance_flows(solution: Solution) -> Figure | None:
    """The diagram, with a choice of the substance; None where nothing is conserved."""
    links = _links(solution)
    if links.empty:
        return None
    measures = links.drop_duplicates("property").set_index("property")["measure"]
    views = {
        f"s{n}": _view(links[links["property"] == name], str(measure))
        for n, (name, measure) in enumerate(measures.items())
    }
    keys = {"$blue": say("material"), "$soft": say("unit"), "$grey": say("source or end")}
    return Figure(
        say("Substances and energy: where they arise, and where they end"),
        alt=say(
            "Sankey diagram of a substance from streams through materials and units to its ends"
        ),
        note=say(
            "Yearly means. A band is as wide as what it holds of the substance. What a "
            "unit makes of nothing comes from a node of that name: its recipe does not "
            "balance."
        ),
        legend=tuple(keys.items()),
        **chosen(views, say("Substance"), list(map(str, measures.index))),
    )


def _links(solution: Solution) -> pd.DataFrame:
    """property, measure, tail, head (kind and name of a node), size per year of the horizon."""
    scenario, table = solution.scenario, solution.substances
    plain = table[table["becomes"] != "lost by units"]
    node = "material" + _MARK + plain["material"].astype(object)
    end = "end" + _MARK + plain["becomes"].map(lambda b: say(_WORDS[b])).astype(object)
    enters = plain["becomes"].isin(IN).to_numpy(bool)
    sheets = scenario.tables
    held = contents_table(sheets["Properties"].rows, sheets["PropertyKinds"].rows)
    runs = through_units(held, solution.tables.conversions)
    unit = "unit" + _MARK + runs["unit"].astype(object)
    material = "material" + _MARK + runs["material"].astype(object)
    taken = (runs["role"] == "input").to_numpy(bool)
    lost = table[table["becomes"] == "lost by units"]
    loser = "unit" + _MARK + lost["unit"].astype(object)
    gone = lost["amount_per_year"].to_numpy(float) > 0.0
    parts = [
        _part(plain, np.where(enters, end, node), np.where(enters, node, end), "unit_of_measure"),
        _part(
            runs.assign(amount_per_year=runs["amount"].abs()),
            np.where(taken, material, unit),
            np.where(taken, unit, material),
            "measure",
        ),
        _part(
            lost,
            np.where(gone, loser, f"end{_MARK}{say('made of nothing')}"),
            np.where(gone, f"end{_MARK}{say('lost by units')}", loser),
            "unit_of_measure",
        ),
    ]
    links = pd.concat(parts, ignore_index=True)
    links["size"] *= links["period"].map(years_of(scenario)).astype(float) / horizon(scenario)
    key = ["property", "measure", "tail", "head"]
    sums = links[links["size"] > 0.0].groupby(key, sort=False)["size"].sum()
    return sums.reset_index()


def _part(rows: pd.DataFrame, tail: Any, head: Any, measure: str) -> pd.DataFrame:
    size = rows["amount_per_year"].abs()
    part = rows.assign(measure=rows[measure], tail=tail, head=head, size=size)
    return part[["property", "measure", "period", "tail", "head", "size"]]


def _view(links: pd.DataFrame, measure: str) -> dict[str, Any]:
    sources = links["tail"].str.startswith("end")
    total = float(links["size"][sources].sum()) or float(links["size"].max())
    links = _bundled(links, total)
    keys = list(dict.fromkeys([*links["tail"], *links["head"]]))
    names = [_name(key) for key in keys]
    unit = say("{escaped} per year", escaped=measure)
    message = mark("<b>{tail} → {head}</b><br>{size} {unit}, {share} of all")
    ends = {end: [_name(key) for key in links[end]] for end in ("tail", "head")}
    texts = sentences(message, links.assign(**ends, share=links["size"] / total), unit=unit)
    drawn = bands(
        links,
        keys,
        {
            "label": [escaped(cut(name, 26)) for name in names],
            "color": [_COLOURS[key.partition(_MARK)[0]] for key in keys],
            "customdata": [f"<b>{escaped(name)}</b>" for name in names],
        },
        {"color": ["$blue/30"] * len(links), "customdata": texts},
    )
    layout = {"height": _HEIGHT, "margin": {"l": 8, "r": 8, "t": 30, "b": 12}}
    return {"data": [drawn], "layout": layout}


def _name(key: str) -> str:
    return key.partition(_MARK)[2]


def _bundled(links: pd.DataFrame, total: float) -> pd.DataFrame:
    """Small materials, and small units, as one node each; what passes within a bundle is left
    out."""
    sizes: dict[str, float] = {}
    for side in ("tail", "head"):
        for key, size in links.groupby(side)["size"].sum().items():
            sizes[str(key)] = max(sizes.get(str(key), 0.0), float(size))
    names: dict[str, str] = {}
    for kind, others in _OTHERS.items():
        ours = (item for item in sizes.items() if item[0].startswith(kind + _MARK))
        small = [key for key, size in ours if size < SMALL * total]
        if len(small) > 1:
            names |= dict.fromkeys(small, f"{kind}{_MARK}{say(others, count=len(small))}")
    renamed = links.assign(**{side: links[side].replace(names) for side in ("tail", "head")})
    sums = renamed.groupby(["tail", "head"], sort=False)["size"].sum().reset_index()
    kept: pd.DataFrame = sums[sums["tail"] != sums["head"]]
    return kept
