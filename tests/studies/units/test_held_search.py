"""The best value with few decisions left, against every combination of them."""

from __future__ import annotations

import threading
from itertools import product

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solver.compiled import Program
from circflow.solver.highs import Session
from circflow.studies.units.held_search import HeldSearch
from circflow.studies.units.spread import spread


def plants(count: int, demand: float, least: float) -> Program:
    """Plants that run at `least` to 10 or stand still, for one demand; the first earns most."""
    loads, runs = np.eye(count), np.eye(count)
    matrix = np.block(
        [[loads, -10.0 * runs], [loads, -least * runs], [np.ones(count), np.zeros(count)]]
    )
    free, zero = np.full(count, np.inf), np.zeros(count)
    return Program(
        cost=np.concatenate([-5.0 + np.arange(count), np.zeros(count)]),
        offset=0.0,
        matrix=csc_array(matrix),
        row_lower=np.concatenate([-free, zero, [-np.inf]]),
        row_upper=np.concatenate([zero, free, [demand]]),
        lower=np.zeros(2 * count),
        upper=np.concatenate([np.full(count, 10.0), np.ones(count)]),
        integer=np.repeat([False, True], count),
    )


def by_enumeration(program: Program, runs: list[int]) -> float:
    values = []
    for chosen in product((0.0, 1.0), repeat=len(runs)):
        x = np.zeros(program.shape[1])
        x[runs] = chosen
        found = Session(program.with_fixed(x)).solve()
        values.append(-np.inf if found.x is None else -found.objective)
    return max(values)


@pytest.mark.parametrize(("demand", "searched"), [(25.0, False), (22.0, True), (3.0, True)])
def test_two_lps_or_a_search(
    demand: float, searched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demand of 25 leaves 5 for the third plant, which is enough for it; 22 leaves 2."""
    program = plants(3, demand, least=4.0)
    held = HeldSearch(program, gap=1e-9)
    searches = []
    search = held.search.solve
    monkeypatch.setattr(held.search, "solve", lambda **how: searches.append(1) or search(**how))
    assert held.value() == pytest.approx(by_enumeration(program, [3, 4, 5]))
    assert bool(searches) == searched


def test_bounds_and_rows_change_for_the_next_search() -> None:
    held = HeldSearch(plants(2, 15.0, least=4.0), gap=1e-9)
    assert held.value() == pytest.approx(10 * 5 + 5 * 4)
    first = np.array([0], dtype=np.intp)
    held.change_bounds(first, np.zeros(1), np.zeros(1))
    assert held.value() == pytest.approx(10 * 4)
    demand = np.array([4], dtype=np.intp)
    held.change_rows(demand, np.array([-np.inf]), np.array([3.0]))
    assert held.value() == 0.0
    held.change_rows(demand, np.array([12.0]), np.array([15.0]))
    assert held.value() == -np.inf
    held.change_bounds(first, np.zeros(1), np.full(1, 10.0))
    assert held.value() == pytest.approx(10 * 5 + 5 * 4)


def test_work_is_spread_and_told() -> None:
    told: list[str] = []
    seen: set[int] = set()
    both = threading.Barrier(2, timeout=10.0)

    def work(worker: int, task: int) -> int:
        seen.add(worker)
        if task < 2:
            both.wait()  # neither goes on alone
        return 10 * task

    assert spread(work, [1, 2], range(4), told.append, "tasks") == [0, 10, 20, 30]
    assert seen == {1, 2}
    assert len(told) == 4 and any(line.startswith("tasks: 4 of 4, 0 s left") for line in told)
    with pytest.raises(ZeroDivisionError):
        spread(lambda _, task: 1 // task, [1, 2], range(4), told.append, "tasks")
