"""The time that is left: as long for each as for those done."""

from __future__ import annotations

import pytest

from circflow.studies import progress


def test_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 30.0)
    assert progress.time_left(10.0, 5, 15) == "40 s left"  # 4 s each, 10 to do
    assert progress.time_left(0.0, 1, 11) == "5 min left"
    assert progress.time_left(10.0, 0, 1) == "20 s left"
    assert progress.time_left(10.0, 3, 3) == "0 s left"
