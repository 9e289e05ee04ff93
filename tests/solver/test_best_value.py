"""The best worth with few decisions left, against every combination of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solver import proven
from circflow.solver.compiled import Program
from circflow.solver.highs import Session
from circflow.solver.proven import Proven, best_value


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
    searches = []
    search = proven.optimum
    monkeypatch.setattr(
        proven, "optimum", lambda *of, **how: searches.append(1) or search(*of, **how)
    )
    worth = best_value(program, Proven(program.relaxed()), gap=1e-9)
    assert worth == pytest.approx(by_enumeration(program, [3, 4, 5]))
    assert bool(searches) == searched


def test_one_lp_serves_programmes_with_other_bounds_and_limits() -> None:
    program = plants(2, 15.0, least=4.0)
    lp = Proven(program.relaxed())
    demand, first = np.array([4], dtype=np.intp), np.array([0], dtype=np.intp)
    without_first = program.with_bounds(first, 0.0, 0.0)
    assert best_value(program, lp, gap=1e-9) == pytest.approx(10 * 5 + 5 * 4)
    assert best_value(without_first, lp, gap=1e-9) == pytest.approx(10 * 4)
    little = without_first.with_limits(demand, -np.inf, 3.0)
    assert best_value(little, lp, gap=1e-9) == pytest.approx(0.0)
    too_much = without_first.with_limits(demand, 12.0, 15.0)
    assert best_value(too_much, lp, gap=1e-9) == -np.inf
    assert best_value(program, lp, gap=1e-9) == pytest.approx(10 * 5 + 5 * 4)
