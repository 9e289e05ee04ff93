"""Weak duality with own arithmetic: bounds by hand, and duals that are wrong prove less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solution.proof import Linear, breach, dual_bound, proves_infeasible

INF = np.inf
# max 3x + 5y: x ≤ 4, 2y ≤ 12, 3x + 2y ≤ 18 (Hillier and Lieberman): 36, with duals 0, 3/2, 1
COST = np.array([-3.0, -5.0])
MATRIX = csc_array(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 2.0]]))
SIDES = (np.full(3, -INF), np.array([4.0, 12.0, 18.0]))
LOW, HIGH = np.zeros(2), np.full(2, INF)
LP = Linear(COST, 0.0, MATRIX, *SIDES, LOW, HIGH)


def bound(duals: list[float], upper: np.ndarray = HIGH) -> float:
    return dual_bound(LP, upper, np.array(duals))


def test_the_right_duals_prove_the_optimum() -> None:
    assert bound([0.0, -1.5, -1.0]) == pytest.approx(-36.0, rel=1e-15)


def test_wrong_duals_never_prove_too_much() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        assert bound(rng.normal(size=3).tolist(), np.array([4.0, 6.0])) <= -36.0 + 1e-12


def test_a_column_without_bound_and_with_the_wrong_price_proves_nothing() -> None:
    assert bound([0.0, -1.0, -1.0]) == -INF
    # with the most that it can be (y ≤ 6) the loss is one a unit
    assert bound([0.0, -1.0, -1.0], np.array([4.0, 6.0])) == pytest.approx(-36.0)


def test_a_row_without_price_and_without_limit_adds_nothing() -> None:
    lp = replace(LP, row_upper=np.array([INF, 12.0, 18.0]))
    found = dual_bound(lp, HIGH, np.array([0.0, -1.5, -1.0]))
    assert found == pytest.approx(-36.0, rel=1e-15)


def test_a_ray_proves_that_there_is_no_plan() -> None:
    # x + y ≥ 3 and x + y ≤ 2
    sides = (np.array([3.0, -INF]), np.array([INF, 2.0]))
    lp = Linear(COST, 0.0, csc_array(np.ones((2, 2))), *sides, LOW, HIGH)
    ray = np.array([1.0, -1.0])
    assert proves_infeasible(lp, HIGH, ray)
    assert proves_infeasible(lp, HIGH, -ray)
    assert not proves_infeasible(lp, HIGH, np.array([1.0, 0.0]))
    assert not proves_infeasible(replace(lp, row_lower=np.array([2.0, -INF])), HIGH, ray)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e12])
def test_a_breach_is_relative_to_the_size_of_its_limit(size: float) -> None:
    x = np.array([4.0, 3.0]) * size
    lp = replace(LP, row_upper=SIDES[1] * size)
    assert breach(lp, x) == 0.0
    x[0] *= 1.01
    assert breach(lp, x) == pytest.approx(0.01 / 1.01, rel=0.2)
