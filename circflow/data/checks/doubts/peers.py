"""Figures that are out of all proportion to their peers: a thousandfold slip of the hand.

The peers of a figure are the others of its column and key (a price among the prices of one
material). Where a figure has none, it is held against all of its column that are counted in the
same unit of measure. Sizes are compared as logarithms and their median, so that one slip does not
move the yardstick; a figure is odd only where nothing else is of its size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circflow.data.cells import plain, shorten
from circflow.data.checks.findings import Drafts
from circflow.data.coded import Floats, Ints, Items, by_row, numbered, objects
from circflow.i18n import localised, say
from circflow.i18n.names import shown_column

_FAR, _ALONE = 2.5, 1.5
"""Decades from the median of three or more figures, and to the next one of any: some 300 times
the one, 30 times the other."""
_FAR_OF_OTHERS, _ALONE_AMONG_OTHERS = 3.0, 2.0
"""The same against a column whose figures are of different things (costs of technologies)."""
_FEWEST_IN_COLUMN = 4


@dataclass(frozen=True)
class _Measure:
    """Figures that are compared: a column, what makes rows peers, and what it is divided by."""

    sheet: str
    column: str
    peers: tuple[str, ...] = ("material",)
    per: str = ""


_MEASURES = (
    _Measure("Streams", "amount_per_year"),
    _Measure("Streams", "cost"),
    _Measure("Stockpiles", "opening"),
    _Measure("Purchases", "price"),
    _Measure("Markets", "price"),
    _Measure("Disposal", "fee"),
    _Measure("RecipeCosts", "variable_cost", ("technology",)),
    _Measure("Properties", "value", ("property",)),
    _Measure("Units", "capex_million", ("technology",), "capacity_per_year"),
    _Measure("Units", "fixed_cost_million_per_year", ("technology",), "capacity_per_year"),
    _Measure("Units", "capacity_per_year", ("technology",)),
    _Measure("Budget", "budget_million", ()),
    _Measure("Links", "cost", ("mode",)),
)


def check_peers(drafts: Drafts) -> None:
    """Doubt figures a thousand times, or a thousandth, of their peers."""
    for measure in _MEASURES:
        rows = _figures(drafts, measure)
        if len(rows) < 2:
            continue
        peers = [tuple(name or "" for name in names) for _, *names in by_row(rows, *measure.peers)]
        column, alike = numbered(rows["unit_of_measure"]), "material" in measure.peers
        for at, away, words in _odd(np.log10(rows["size"]), numbered(peers), column, alike=alike):
            key = ", ".join(part for part in peers[at] if part)
            message, likely = _doubt(measure, float(rows[measure.column][at]), away, words, key)
            drafts[measure.sheet].warning(
                rows["row"][at], measure.column, message, suggestion=likely
            )


def _figures(drafts: Drafts, measure: _Measure) -> Items:
    """The rows with a figure other than 0, with its size and the unit of measure of what it is
    of ("" where that is no material)."""
    draft = drafts[measure.sheet]
    rows = draft.sound(measure.column, *measure.peers, *([measure.per] if measure.per else []))
    if draft.broken or measure.column not in draft.letters:
        return rows.take(np.zeros(0, dtype=np.intp))
    with np.errstate(divide="ignore", invalid="ignore"):  # per 0 there is no size
        size = np.abs(rows[measure.column] / (rows[measure.per] if measure.per else 1.0))
    rows = rows.plus(size=size).take(np.isfinite(size) & (size != 0))
    units = [""] * len(rows)
    if "material" in rows:
        materials = by_row(drafts["Materials"].rows, "material", "unit")
        known = {material: unit for _, material, unit in materials}
        units = [known.get(material, "") for material in rows["material"].tolist()]
    return rows.plus(unit_of_measure=objects(units))


def _odd(size: Floats, peers: Ints, column: Ints, *, alike: bool) -> list[tuple[int, float, str]]:
    """Places of odd figures, how many decades away, and of whom."""
    near, counts, median = _compared(size, peers)
    off = size - median
    odd = (counts >= 3) & (np.abs(off) >= _FAR) & (near >= _ALONE)
    near_column, in_column, middle = _compared(size, column)
    off_column = size - middle
    pair = (counts == 2) & (near >= _FAR) & (np.abs(off_column) >= _FAR)
    lone = (counts < 3) & (in_column >= _FEWEST_IN_COLUMN)
    far, alone = (_FAR, _ALONE) if alike else (_FAR_OF_OTHERS, _ALONE_AMONG_OTHERS)
    lone &= (np.abs(off_column) >= far) & (near_column >= alone)
    marked = [(int(n), float(off[n]), "peers") for n in np.flatnonzero(odd)]
    marked += [(int(n), float(off[n] * 2), "other") for n in np.flatnonzero(pair & ~odd)]
    rest = lone & ~pair & ~odd
    return marked + [(int(n), float(off_column[n]), "column") for n in np.flatnonzero(rest)]


def _compared(size: Floats, group: Ints) -> tuple[Floats, Floats, Floats]:
    """By figure: decades to the nearest other of its group, the group's count and median."""
    order = np.lexsort((size, group))
    gap = np.diff(size[order])
    gap[np.diff(group[order]) != 0] = np.inf
    nearest = np.empty(len(size))
    nearest[order] = np.minimum(np.append(np.inf, gap), np.append(gap, np.inf))
    counts = np.bincount(group)
    first = np.cumsum(counts) - counts
    ranked = size[order]
    median = (ranked[first + (counts - 1) // 2] + ranked[first + counts // 2]) / 2.0
    return nearest, counts[group].astype(float), median[group]


def _doubt(measure: _Measure, value: float, away: float, words: str, key: str) -> tuple[str, str]:
    """What to say of an odd figure, and what it probably was to be."""
    slip = 1000.0 if abs(away) < 4.5 else 1e6
    likely = value / slip if away > 0 else value * slip
    times = localised(f"{float(f'{10 ** abs(away):.2g}'):,.0f}")
    ratio = say("{times} times", times=times) if away > 0 else f"1/{times}"
    whom = {
        "peers": say("the middle of its peers ({key})", key=shorten(key))
        if key
        else say("the middle of its peers"),
        "other": say("the other figure of {key}", key=shorten(key))
        if key
        else say("the other figure"),
        "column": say("the middle of its column"),
    }[words]
    each = (
        say(
            " per {removesuffix}",
            removesuffix=shown_column(measure.sheet, measure.per).removesuffix("_per_year"),
        )
        if measure.per
        else ""
    )
    message = say(
        "{column}{each} is {ratio} {whom}: check the unit and the decimal sign",
        column=shown_column(measure.sheet, measure.column),
        each=each,
        ratio=ratio,
        whom=whom,
    )
    return message, plain(float(f"{likely:.12g}"))
