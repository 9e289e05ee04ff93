"""Linear programmes one after another: each as it is alone, from the basis of the one before."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solver.compiled import Program
from circflow.solver.highs import Session
from circflow.studies.bench.series import Series

MILL = Program(  # max x + y where x + 2y ≤ 4 and 3x + y ≤ 6: x = 1.6, y = 1.2
    cost=np.array([-1.0, -1.0]),
    offset=0.0,
    matrix=csc_array([[1.0, 2.0], [3.0, 1.0]]),
    row_lower=np.full(2, -np.inf),
    row_upper=np.array([4.0, 6.0]),
    lower=np.zeros(2),
    upper=np.full(2, np.inf),
    integer=np.zeros(2, dtype=bool),
)


def test_each_programme_has_its_own_best_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []
    solve, resolve = Session.solve, Session.resolve
    monkeypatch.setattr(Session, "solve", lambda s, **o: ways.append("anew") or solve(s, **o))
    monkeypatch.setattr(
        Session,
        "resolve",
        lambda s, **o: ways.append("primal" if o["primal"] else "dual") or resolve(s, **o),
    )
    linear = Series()
    first = linear.solve(MILL)
    assert first.x == pytest.approx([1.6, 1.2]) and first.objective == pytest.approx(-2.8)
    dear = linear.solve(MILL.with_costs(np.array([-1.0, -3.0])))  # y alone: 2 of it
    assert dear.x == pytest.approx([0.0, 2.0]) and dear.objective == pytest.approx(-6.0)
    twin = pickle.loads(pickle.dumps(linear.twin()))
    wide = linear.solve(MILL.with_limits(np.array([0]), upper=8.0))  # 3x + y = 6 and x + 2y = 8
    assert wide.x == pytest.approx([0.8, 3.6])
    assert ways == ["anew", "primal", "dual"]
    # A twin goes on from the last basis, and leaves the first as it is.
    assert twin.solve(MILL).x == pytest.approx([1.6, 1.2]) and ways[3:] == ["dual"]
    assert linear.solve(MILL).objective == pytest.approx(-2.8)
