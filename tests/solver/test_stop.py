"""A search that is told to stop keeps the best plan it has."""

from __future__ import annotations

import threading
import time

import numpy as np
from scipy.sparse import csc_array

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.optimum import optimum


def hard(size: int = 120, rows: int = 40) -> Program:
    """Choose things of random worth within random limits: minutes of search, plans at once."""
    random = np.random.default_rng(1)
    weights = random.integers(1, 100, (rows, size)).astype(float)
    return Program(
        cost=-random.integers(50, 60, size).astype(float),
        offset=0.0,
        matrix=csc_array(weights),
        row_lower=np.full(rows, -np.inf),
        row_upper=weights.sum(axis=1) / 3,
        lower=np.zeros(size),
        upper=np.ones(size),
        integer=np.ones(size, dtype=bool),
    )


def stopped_after(seconds: float) -> tuple[float, Status, float]:
    begun = time.monotonic()
    best = optimum(hard(), stop=lambda: time.monotonic() > begun + seconds)
    assert best.outcome.x is not None
    return time.monotonic() - begun, best.outcome.status, best.outcome.gap


def test_the_best_plan_so_far_is_kept() -> None:
    spent, ending, gap = stopped_after(0.5)
    assert ending is Status.FEASIBLE
    assert 0.0 < gap < 0.5
    assert spent < 8.0


def test_in_a_thread_as_well() -> None:
    found: list[tuple[float, Status, float]] = []
    thread = threading.Thread(target=lambda: found.append(stopped_after(0.5)))
    thread.start()
    thread.join(30.0)
    assert [f[1] for f in found] == [Status.FEASIBLE]
