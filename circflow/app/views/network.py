"""The network on a map, as a scheme where there are no coordinates: two sites make a link."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from circflow.app.html import button, form, note, page
from circflow.app.state import App
from circflow.app.views.parts import choice, field, raw_sheet
from circflow.data.cells import BadCellError, parse_number
from circflow.data.coded import Floats
from circflow.data.files.grids import column_at
from circflow.data.table import Book
from circflow.i18n import say, say_n
from circflow.report.ground import Extent, ground_in

_WIDE, _HIGH = 930.0, 640.0
"""Of the picture, in pixels: those for which maps place labels."""


def columns(book: Book, sheet: str, *names: str) -> list[list[Any]]:
    """Cells of some columns of a sheet, row by row (None where there are none)."""
    raw = raw_sheet(book, sheet)
    if raw is None or not raw.grid:
        return []
    places = [column_at(raw.grid[0], name) for name in names]
    rows = [[r[p] if p is not None and p < len(r) else None for p in places] for r in raw.grid[1:]]
    return [row for row in rows if any(c is not None for c in row)]


def names_in(book: Book, sheet: str, column: str) -> list[tuple[str, str]]:
    """The names in a column, each once, as values and words of a drop-down list."""
    names = dict.fromkeys(str(row[0]).strip() for row in columns(book, sheet, column))
    return [(name, name) for name in names]


def _number(cell: object) -> float | None:
    try:
        return parse_number(cell)
    except BadCellError:
        return None


def _drawn(points: Floats, extent: Extent) -> Floats:
    """Degrees (longitude, latitude) as places of the picture, from its upper left."""
    west, east, south, north = extent
    return (points - [west, north]) / [east - west, south - north] * [_WIDE, _HIGH]


def places(book: Book) -> tuple[dict[str, tuple[float, float]], Extent | None]:
    """Where every site is drawn, and what the picture shows: sites by their coordinates, those
    without on a circle around."""
    from circflow.report.map import extent_of

    rows = columns(book, "Sites", "site", "longitude", "latitude")
    sites = {str(s).strip(): (_number(x), _number(y)) for s, x, y in rows if s is not None}
    frame = pd.DataFrame(sites.values(), index=list(sites), columns=["x", "y"], dtype=float)
    frame = frame.where(frame.abs() <= [180.0, 90.0])  # others are told as problems
    known = frame.notna().all(axis=1)
    extent = extent_of(frame[known]) if known.any() else None
    if extent is not None:
        frame[known] = _drawn(frame[known].to_numpy(float), extent)
    angle = np.linspace(0.0, 2 * np.pi, int((~known).sum()), endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    frame[~known] = [_WIDE, _HIGH] * (0.5 + (0.46 if known.any() else 0.4) * circle)
    return dict(zip(sites, frame.itertuples(index=False, name=None), strict=True)), extent


def _ground(extent: Extent | None) -> str:
    """Coast, lakes and rivers around the sites."""
    if extent is None:
        return ""
    paths = {}
    for layer, points in ground_in(extent).items():
        steps = _drawn(points, extent).tolist()  # NaN behind every line
        path = " ".join("M" if math.isnan(x) else f"{x:.0f} {y:.0f}" for x, y in steps)
        paths[layer] = f"M{path}".removesuffix(" M")
    drawn = "".join(f'<path class="{layer}" d="{path}"/>' for layer, path in paths.items())
    return f'<g class="ground">{drawn}</g>'


def _labels(where: dict[str, tuple[float, float]]) -> list[tuple[float, float, str, str]]:
    """x, y, anchor and text of the names that lie on nothing else."""
    from circflow.report.map import placed_labels

    frame = pd.DataFrame(list(where.values()), index=list(where), columns=["longitude", "latitude"])
    frame["latitude"] = _HIGH - frame["latitude"]
    extent = (0.0, _WIDE, 0.0, _HIGH)
    placed = placed_labels(frame.assign(traffic=0.0), extent, [True] * len(frame))
    labels = []
    names = ["position", "label", "longitude", "latitude"]
    for position, label, x, y in placed[names].itertuples(index=False):
        high, _, side = position.partition(" ")
        aside = {"right": 9.0, "left": -9.0}.get(side, 0.0) if high == "middle" else 0.0
        down = {"top": -10.0, "middle": 4.0, "bottom": 18.0}[high]
        anchor = {"right": "start", "left": "end"}.get(side, "middle")
        labels.append((x + aside, _HIGH - y + down, anchor, label.strip("\u2002")))
    return labels


def network(app: App, query: Mapping[str, str]) -> str:
    """Sites and links; two of them make a link."""
    book = app.project.book
    where, extent = places(book)
    ends = [[str(end).strip() for end in row] for row in columns(book, "Links", "from", "to")]
    lines = "".join(
        f'<line x1="{where[a][0]:.1f}" y1="{where[a][1]:.1f}" x2="{where[b][0]:.1f}" '
        f'y2="{where[b][1]:.1f}"/>'
        for a, b in ends
        if a in where and b in where
    )
    dots = "".join(
        f'<g data-site="{escape(site)}"><circle cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
        f"<title>{escape(site)}</title></g>"
        for site, (x, y) in where.items()
    )
    words = "".join(
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{label}</text>'
        for x, y, anchor, label in _labels(where)
    )
    sites = [(site, site) for site in where]
    modes = names_in(book, "Modes", "mode")
    materials = [("", say("any that fits")), *names_in(book, "Materials", "material")]
    add = form(
        "/links",
        choice(say("From"), "from", sites, of="link")
        + choice(say("To"), "to", sites, of="link")
        + choice(say("Material"), "material", materials, of="link")
        + choice(say("By"), "mode", modes, of="link")
        + field(say("Distance, km"), "distance_km", of="link", size=7)
        + button(say("Add the link"), style="main"),
    )
    label = say_n("{n} site and its links", "{n} sites and their links", len(where))
    body = (
        add + f'<svg class="network" viewBox="0 0 {_WIDE:.0f} {_HIGH:.0f}" role="img" '
        f'aria-label="{escape(label)}">{_ground(extent)}'
        f'<g class="links">{lines}</g>'
        f'<g class="sites">{dots}</g><g class="names">{words}</g></svg>'
        + note(say("Click two sites: they are the ends of the link. The lists do the same."))
    )
    return page(say("Network"), body, project=app.project, at="/tables")
