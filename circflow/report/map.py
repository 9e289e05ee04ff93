"""Sites and flows on a graticule over coast, lakes and rivers: no tiles, nothing from outside.

Longitude and latitude are drawn with kilometres true at the middle latitude of the view. The first
view holds the sites of the members and what lies near them; another holds every place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from circflow.i18n import mark, say
from circflow.report.figures import horizon, years_of
from circflow.report.ground import Extent, ground_in
from circflow.report.numbers import cut
from circflow.report.page.charts import chosen
from circflow.report.page.frame import Figure, escaped, figure, sentences, typeset
from circflow.report.sankey import NO_WASTE, STAGES, stage_colour, stage_words
from circflow.solution.solution import Solution

MAX_LINKS = 300
"""Links on the map: the largest ones."""
WIDTHS = (1.2, 2.2, 3.6, 5.4, 7.6, 10.0)
"""Widths of lines, in pixels, from little to much."""
SIZE = (930.0, 640.0)
"""Pixels that labels are placed for: the least that a laptop or a sheet of paper gives them."""
HEIGHT = 700
NEAR = 0.6
"""A place belongs to the first view if it is this share of its extent around the members."""
_BESIDE = (
    *(("middle", "right"), ("middle", "left"), ("top", "center"), ("bottom", "center")),
    *(("top", "right"), ("bottom", "right"), ("top", "left"), ("bottom", "left")),
)
"""Where a label may stand beside its point, the best first."""
_CURVE = 0.12
_POINTS = 13


def links_of(solution: Solution) -> pd.DataFrame:
    """Flows between places, over all materials; most tonnes first.

    Columns: from, to, tonnes (per year), cost (million currency per year), distance_km, materials
    (HTML: the largest five amounts), more (how many others), stage (of the largest waste, else
    `by-products`), work (million t·km per year).
    """
    scenario, flows = solution.scenario, solution.flows
    years = flows["period"].map(years_of(scenario)).astype(float) / horizon(scenario)
    materials = scenario.frame("Materials").set_index("material")
    cost = flows["transport_million_per_year"] + flows["transactions_million_per_year"]
    here = flows.rename(columns={"unit_of_measure": "measure"}).assign(
        amount=flows["sent_per_year"] * years,
        distance_km=flows["distance_km"].astype(float),
        cost=cost * years,
    )
    here["tonnes"] = here["amount"].where(is_mass(here["measure"]), 0.0)
    here["haul"] = here["tonnes"] * here["distance_km"].fillna(0.0)
    by = ["from", "to"]
    amounts = here.groupby([*by, "material", "measure"], sort=False)["amount"].sum()
    each = amounts.sort_values(ascending=False, kind="stable").reset_index()
    each["words"] = sentences(mark("{material}: {amount} {measure} per year"), each)
    stage = each["material"].map(materials["stage"])
    stage = stage.where(each["material"].isin(scenario.wastes), NO_WASTE)
    each["stage"] = stage.fillna("other")
    grouped = here.groupby(by, sort=False)
    frame = grouped[["tonnes", "haul", "cost"]].sum()
    frame["distance_km"] = grouped["distance_km"].mean()
    words = each.groupby(by, sort=False)["words"]
    frame["materials"] = words.agg(lambda w: "<br>".join(w.head(5)))
    frame["more"] = words.size() - 5
    frame["stage"] = each.groupby(by, sort=False)["stage"].first()
    frame["work"] = frame.pop("haul") / 1e6
    return frame.reset_index().sort_values("tonnes", ascending=False, ignore_index=True)


def is_mass(measure: pd.Series[Any]) -> pd.Series[bool]:
    """Whether amounts are tonnes (`t`, or tonnes of something: `t CE`)."""
    text = measure.astype(object).fillna("").astype(str)
    return (text == "t") | text.str.startswith("t ")


def flow_map(solution: Solution) -> Figure | None:
    """The map; None where no place has coordinates."""
    sites = solution.scenario.frame("Sites")
    sites = sites.dropna(subset=["latitude", "longitude"]).set_index("site")
    if sites.empty:
        return None
    links = links_of(solution)
    placed = links["from"].isin(sites.index) & links["to"].isin(sites.index)
    missing = int((~placed).sum())
    drawn = links[placed].head(MAX_LINKS)
    units = solution.tables.units
    runs = units["load_per_year"].astype(float) > 0
    busy = {*drawn["from"], *drawn["to"], *units["site"][runs]}
    ends = [links.set_index(end)["tonnes"].groupby(level=0).sum() for end in ("from", "to")]
    traffic = ends[0].add(ends[1], fill_value=0.0)
    sites = sites.assign(traffic=traffic.reindex(sites.index).fillna(0.0))
    everything = extent_of(sites[["longitude", "latitude"]])
    home = sites[sites["member"].notna()]
    region = extent_of((home if len(home) else sites)[["longitude", "latitude"]])
    near = _near(sites, region)
    region = extent_of(sites[["longitude", "latitude"]][near])
    frames = {"region": region} | ({} if near.all() else {"everything": everything})
    traces = [*_lines(drawn, sites, solution)]
    views = {
        name: _view([*_ground(extent), *traces, *_places(sites, extent, busy)], extent)
        for name, extent in frames.items()
    }
    note = say(
        "Lines curve to the left of their direction; wider is more tonnes a year. "
        "Coast, lakes and rivers: Natural Earth."
    )
    if len(links) > len(drawn) + missing:
        note += " " + say(
            "The {count} largest of {count_2} links are drawn.",
            count=figure(len(drawn)),
            count_2=figure(len(links)),
        )
    if missing:
        note += " " + say(
            "{missing} links touch a place without coordinates and are left out.", missing=missing
        )
    stages = [s for s in STAGES if s in set(drawn["stage"])]
    keys = [(stage_colour(s), say("{s} waste", s=stage_words(s))) for s in stages]
    keys += [("$soft", say("product or by-product")), ("$blue", say("member's site"))]
    keys += [("$line", say("place outside the cluster"))]
    return Figure(
        say("Where it goes"),
        alt=say("Map of the sites with lines for the flows between them, wider for more tonnes"),
        note=note + say(" Point at a line for its materials, tonnes, distance and cost."),
        legend=keys,
        **chosen(views, say("Show"), [say("the region"), say("every place")][: len(views)]),
    )


def _ground(extent: Extent) -> list[dict[str, Any]]:
    """Coast, lakes and rivers, in the view and around it."""
    lines = ground_in(_around(extent, 1.0))
    style = {"coast": ("$soft", 1.2), "lakes": ("$sky", 1.2), "rivers": ("$sky", 0.9)}
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": np.round(points[:, 0], 3),
            "y": np.round(points[:, 1], 3),
            "line": {"width": style[layer][1], "color": f"{style[layer][0]}/80"},
            "hoverinfo": "skip",
        }
        for layer, points in lines.items()
    ]


def extent_of(points: pd.DataFrame) -> Extent:
    """West, east, south, north: the points with room around, in the shape of the picture."""
    west, south = points.min()
    east, north = points.max()
    middle = (south + north) / 2
    squeeze = max(np.cos(np.radians(middle)), 0.05)
    wide = max((east - west) * squeeze * 1.22, (north - south) * 1.16 * SIZE[0] / SIZE[1], 0.2)
    high = wide * SIZE[1] / SIZE[0]
    centre, half = (west + east) / 2, wide / squeeze / 2
    return centre - half, centre + half, middle - high / 2, middle + high / 2


def _near(sites: pd.DataFrame, extent: Extent) -> pd.Series[bool]:
    west, east, south, north = _around(extent, NEAR)
    return sites["longitude"].between(west, east) & sites["latitude"].between(south, north)


def _around(extent: Extent, share: float) -> Extent:
    """An extent with so much of half of it around."""
    west, east, south, north = extent
    room_x, room_y = share * (east - west) / 2, share * (north - south) / 2
    return west - room_x, east + room_x, south - room_y, north + room_y


def _lines(links: pd.DataFrame, sites: pd.DataFrame, solution: Solution) -> list[dict[str, Any]]:
    """The flows, one trace for each width and colour, thin ones on top."""
    if links.empty:
        return []
    currency = escaped(solution.scenario.settings.currency)
    largest = max(float(links["tonnes"].max()), 1e-9)
    level = np.sqrt(links["tonnes"].to_numpy(float) / largest) * len(WIDTHS)
    level = np.clip(np.ceil(level).astype(int) - 1, 0, len(WIDTHS) - 1)
    colour = [stage_colour(s) if s in STAGES else "$soft" for s in links["stage"]]
    texts = [_words(row, currency) for row in links.to_dict("records")]
    x, y = _curves(links, sites)
    traces = []
    kinds = sorted(set(zip(level.tolist(), colour, strict=True)), reverse=True)
    for n, token in kinds:
        at = np.flatnonzero((level == n) & (np.array(colour) == token))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": x[at].ravel(),
                "y": y[at].ravel(),
                "text": np.repeat(np.array(texts, dtype=object)[at], x.shape[1]),
                "hovertemplate": "%{text}<extra></extra>",
                "line": {"width": WIDTHS[n], "color": f"{token}/62", "shape": "linear"},
            }
        )
    return traces


def _words(row: dict[Any, Any], currency: str) -> str:
    more = say("<br>and {more} more", more=row["more"]) if row["more"] > 0 else ""
    ends = {end: escaped(row[end]) for end in ("from", "to")}
    return say(
        "<b>{from} → {to}</b><br>{materials}{more}<br>{distance_km} km, "
        "{work} million t·km per year<br>transport {cost} million {currency} per year",
        **(typeset(row) | ends | {"more": more, "currency": currency}),
    )


def _curves(links: pd.DataFrame, sites: pd.DataFrame) -> tuple[Any, Any]:
    """Points along every link (links by points, the last one a gap)."""
    squeeze = np.cos(np.radians(sites["latitude"].mean()))
    start, stop = (
        sites[["longitude", "latitude"]].reindex(links[column]).to_numpy(float) * [squeeze, 1.0]
        for column in ("from", "to")
    )
    across = np.column_stack([-(stop - start)[:, 1], (stop - start)[:, 0]])
    middle = (start + stop) / 2 + _CURVE * across
    t = np.linspace(0, 1, _POINTS)[None, :, None]
    s, m, e = start[:, None, :], middle[:, None, :], stop[:, None, :]
    points = (1 - t) ** 2 * s + 2 * t * (1 - t) * m + t**2 * e
    gap = np.full((len(links), 1, 2), np.nan)
    points = np.concatenate([points, gap], axis=1)
    return points[:, :, 0] / squeeze, points[:, :, 1]


def _places(sites: pd.DataFrame, extent: Extent, busy: set[str]) -> list[dict[str, Any]]:
    """The sites as points, and the names that fit."""
    members = sites["member"].notna()
    active = sites.index.isin(busy)
    full = [name if isinstance(name, str) else "" for name in sites["name"]]
    outside = say("outside the cluster")
    words = [
        f"<b>{escaped(site)}</b><br>{escaped(name)}<br>{escaped(member) or outside}"
        for site, name, member in zip(sites.index, full, sites["member"], strict=True)
    ]
    names = placed_labels(sites, extent, active)
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": sites["longitude"].to_numpy(float),
        "y": sites["latitude"].to_numpy(float),
        "customdata": words,
        "meta": [{"site": str(site)} for site in sites.index],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "size": np.where(active, 9, 6),
            "color": ["$blue" if m else "$line" for m in members],
            "line": {"width": 1, "color": "$paper"},
        },
    }
    labels = {
        "type": "scatter",
        "mode": "text",
        "x": names["longitude"].to_numpy(float),
        "y": names["latitude"].to_numpy(float),
        "text": names["label"].tolist(),
        "textposition": names["position"].tolist(),
        "textfont": {"size": 12, "color": "$text"},
        "hoverinfo": "skip",
    }
    return [points, labels]


def placed_labels(sites: pd.DataFrame, extent: Extent, active: Any) -> pd.DataFrame:
    """Names with a place beside their point where they overlap nothing; the rest is left out.

    Columns: label (escaped), position (of plotly), longitude, latitude; indexed by site.
    """
    west, east, south, north = extent
    x = (sites["longitude"].to_numpy(float) - west) / (east - west) * SIZE[0]
    y = (north - sites["latitude"].to_numpy(float)) / (north - south) * SIZE[1]
    points = [(a - 5, b - 5, a + 5, b + 5) for a, b in zip(x, y, strict=True)]
    taken: list[tuple[float, ...]] = []
    rows = []
    traffic = sites["traffic"].to_numpy(float)
    for n in sorted(range(len(sites)), key=lambda n: (-traffic[n], not active[n], n)):
        label = cut(str(sites.index[n]), 26)
        width, height = 7.4 * len(label) + 12, 15.0
        lefts = {"right": x[n], "left": x[n] - width, "center": x[n] - width / 2}
        tops = {"middle": y[n] - height / 2, "top": y[n] - 5 - height, "bottom": y[n] + 5}
        for down, across in _BESIDE:
            left, top = lefts[across], tops[down]
            box = (left, top, left + width, top + height)
            inside = box[0] > 0 and box[1] > 0 and box[2] < SIZE[0] and box[3] < SIZE[1]
            others = [*taken, *points[:n], *points[n + 1 :]]
            if inside and not any(_overlap(box, other) for other in others):
                taken.append(box)
                gap = {"right": "\u2002{}", "left": "{}\u2002"}.get(across, "{}")
                rows.append((sites.index[n], gap.format(escaped(label)), f"{down} {across}"))
                break
    frame = pd.DataFrame(rows, columns=["site", "label", "position"]).set_index("site")
    return frame.join(sites[["longitude", "latitude"]])


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _view(data: list[dict[str, Any]], extent: Extent) -> dict[str, Any]:
    west, east, south, north = extent
    grid = {"gridcolor": "$grid", "zeroline": False, "nticks": 9}
    middle = np.cos(np.radians((south + north) / 2))
    return {
        "data": data,
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 56, "r": 8, "t": 8, "b": 30},
            "hovermode": "closest",
            "dragmode": "pan",
            "showlegend": False,
            "xaxis": {
                "range": [west, east],
                "constrain": "range",
                "ticksuffix": "° E" if west >= 0 else "°",
                **grid,
            },
            "yaxis": {
                "range": [south, north],
                "ticksuffix": "° N" if south >= 0 else "°",
                "scaleanchor": "x",
                "scaleratio": 1 / max(middle, 0.05),
                **grid,
            },
        },
    }
