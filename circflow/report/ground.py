"""The ground of maps: coast, lakes and rivers of Natural Earth (public domain), 1 : 50 million.

tools/pack_ground.py makes the asset. Borders of states are not drawn.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np

from circflow.data.coded import Floats

Extent = tuple[float, float, float, float]
"""West, east, south, north, in degrees."""
LAYERS = ("coast", "lakes", "rivers")


@cache
def _lines() -> tuple[tuple[int, Floats], ...]:
    """Layer and points (longitude, latitude) of every line."""
    file = resources.files("circflow.report").joinpath("assets", "ground.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as packed:
        steps = np.column_stack([packed["x"], packed["y"]]).astype(np.int64)
        scale, shift = packed["transform"][:2], packed["transform"][2:]
        points = np.cumsum(steps, axis=0) * scale + shift
        parts = np.split(points, np.cumsum(packed["lengths"].astype(np.int64))[:-1])
        return tuple(zip(packed["layers"].tolist(), parts, strict=True))


def ground_in(extent: Extent) -> dict[str, Floats]:
    """The lines that touch an extent, by layer: points (longitude, latitude), NaN between lines.

    What lies outside is cut away, up to the first point beyond the edge.
    """
    west, east, south, north = extent
    pieces: dict[str, list[Floats]] = {name: [] for name in LAYERS}
    gap = np.full((1, 2), np.nan)
    for layer, points in _lines():
        x, y = points[:, 0], points[:, 1]
        if x.max() < west or x.min() > east or y.max() < south or y.min() > north:
            continue
        inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        near = inside.copy()
        near[1:] |= inside[:-1]
        near[:-1] |= inside[1:]
        starts = np.flatnonzero(near & ~np.r_[False, near[:-1]])
        ends = np.flatnonzero(near & ~np.r_[near[1:], False]) + 1
        for start, end in zip(starts, ends, strict=True):
            pieces[LAYERS[layer]] += [points[start:end], gap]
    return {name: np.concatenate(parts) for name, parts in pieces.items() if parts}
