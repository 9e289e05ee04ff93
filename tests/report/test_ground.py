"""Coast, lakes and rivers are where they are."""

from __future__ import annotations

import numpy as np
import pytest

from circflow.report.ground import ground_in


@pytest.mark.parametrize(
    ("layer", "longitude", "latitude"),
    [
        ("rivers", 82.92, 54.99),  # the Ob at Novosibirsk
        ("rivers", 66.6, 66.5),  # the Ob at Salekhard
        ("lakes", 104.85, 51.87),  # Baikal, where the Angara leaves it
        ("lakes", 77.3, 42.65),  # Issyk-Kul
        ("coast", 37.3, 55.8 - 9.9),  # the sea of Azov
    ],
)
def test_known_places(layer: str, longitude: float, latitude: float) -> None:
    near = 0.6
    extent = (longitude - near, longitude + near, latitude - near, latitude + near)
    points = ground_in(extent)[layer]
    distance = np.hypot(points[:, 0] - longitude, points[:, 1] - latitude)
    assert np.nanmin(distance) < 0.45


def test_what_is_outside_is_cut_away() -> None:
    extent = (84.0, 90.0, 52.0, 57.0)
    for points in ground_in(extent).values():
        assert np.isnan(points[-1]).all()
        inside = points[~np.isnan(points[:, 0])]
        beyond = (
            (inside[:, 0] < 84) | (inside[:, 0] > 90) | (inside[:, 1] < 52) | (inside[:, 1] > 57)
        )
        assert beyond.sum() < 0.5 * len(inside)
    assert ground_in((10.0, 10.001, 51.0, 51.001)) == {}
