"""The network on a map, as a scheme where there are no coordinates: two sites make a link."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from circflow.app.html import button, form, note, page
from circflow.app.views.parts import choice, field, raw_sheet
from circflow.data.cells import BadCellError, parse_number
from circflow.data.files.grids import column_at
from circflow.data.table import Book
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    from circflow.app.state import App

_WIDE, _HIGH, _EDGE = 900.0, 600.0, 30.0


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


def _coordinates(book: Book) -> dict[str, tuple[float | None, float | None]]:
    """Longitude and latitude of every site, None where there is none."""
    rows = columns(book, "Sites", "site", "longitude", "latitude")
    return {str(s).strip(): (_number(x), _number(y)) for s, x, y in rows if s is not None}


def places(book: Book) -> dict[str, tuple[float, float]]:
    """Where every site is drawn: by its coordinates, those without on a circle around."""
    sites = _coordinates(book)
    known = {s: (x, y) for s, (x, y) in sites.items() if x is not None and y is not None}
    fit = _Fit.of(list(known.values()))
    drawn = {site: fit.at(x, y) for site, (x, y) in known.items()} if fit else {}
    without = [site for site in sites if site not in known]
    for n, site in enumerate(without):
        angle = 2 * math.pi * n / len(without)
        radius = 0.46 if known else 0.4
        drawn[site] = (
            _WIDE / 2 + radius * _WIDE * math.cos(angle),
            _HIGH / 2 + radius * _HIGH * math.sin(angle),
        )
    return drawn


@dataclass(frozen=True)
class _Fit:
    """Degrees as places of the picture."""

    west: float
    north: float
    left: float
    top: float
    squeeze: float
    scale: float

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]]) -> _Fit | None:
        """The picture that holds all points; None without any."""
        if not points:
            return None
        xs, ys = zip(*points, strict=True)
        squeeze = max(math.cos(math.radians((min(ys) + max(ys)) / 2)), 0.05)
        wide, high = max((max(xs) - min(xs)) * squeeze, 0.01), max(max(ys) - min(ys), 0.01)
        scale = min((_WIDE - 2 * _EDGE) / wide, (_HIGH - 2 * _EDGE) / high)
        left, top = (_WIDE - scale * wide) / 2, (_HIGH - scale * high) / 2
        return cls(min(xs), max(ys), left, top, squeeze, scale)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place is drawn."""
        east = self.left + (x - self.west) * self.squeeze * self.scale
        return east, self.top + (self.north - y) * self.scale

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north of the picture."""
        west = self.west - self.left / self.squeeze / self.scale
        north = self.north + self.top / self.scale
        return west, west + _WIDE / self.squeeze / self.scale, north - _HIGH / self.scale, north


def _ground(book: Book) -> str:
    """Coast, lakes and rivers around the sites."""
    from circflow.report.ground import ground_in

    sites = _coordinates(book).values()
    fit = _Fit.of([(x, y) for x, y in sites if x is not None and y is not None])
    if fit is None:
        return ""
    drawn = ""
    for layer, points in ground_in(fit.extent).items():
        path, pen = "", "M"
        for x, y in points.tolist():
            if math.isnan(x):
                pen = "M"
                continue
            east, south = fit.at(x, y)
            path += f"{pen}{east:.0f} {south:.0f}"
            pen = "L"
        drawn += f'<path class="{layer}" d="{path}"/>'
    return f'<g class="ground">{drawn}</g>'


def _labels(where: dict[str, tuple[float, float]]) -> list[tuple[float, float, str, str]]:
    """x, y, anchor and text of the names that lie on nothing else."""
    import pandas as pd

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
    where = places(book)
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
        f'aria-label="{escape(label)}">{_ground(book)}'
        f'<g class="links">{lines}</g>'
        f'<g class="sites">{dots}</g><g class="names">{words}</g></svg>'
        + note(say("Click two sites: they are the ends of the link. The lists do the same."))
    )
    return page(say("Network"), body, project=app.project, at="/tables")
