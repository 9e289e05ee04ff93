"""The algebra of a programme: every change gives another one and leaves the first as it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solver.compiled import Program
from circflow.solver.highs import Session


@pytest.fixture
def program() -> Program:
    """min −x − 2y, x + y ≤ 4, 0 ≤ x ≤ 3, y in {0, 1}."""
    return Program(
        cost=np.array([-1.0, -2.0]),
        offset=5.0,
        matrix=csc_array(np.array([[1.0, 1.0]])),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([4.0]),
        lower=np.zeros(2),
        upper=np.array([3.0, 1.0]),
        integer=np.array([False, True]),
    )


def test_more_rows(program: Program) -> None:
    more = program.with_rows([[0.0, 1.0], [2.0, 0.0]], -np.inf, np.array([0.5, 2.0]))
    assert more.matrix.toarray().tolist() == [[1, 1], [0, 1], [2, 0]]
    assert more.row_lower.tolist() == [-np.inf] * 3
    assert more.row_upper.tolist() == [4, 0.5, 2]
    assert program.shape == (1, 2)


def test_more_columns(program: Program) -> None:
    more = program.with_columns(np.array([[3.0]]), cost=7.0, upper=1.0, integer=True)
    more = more.with_columns(2, lower=-1.0)
    assert more.matrix.toarray().tolist() == [[1, 1, 3, 0, 0]]
    assert more.cost.tolist() == [-1, -2, 7, 0, 0]
    assert more.lower.tolist() == [0, 0, 0, -1, -1]
    assert more.upper.tolist() == [3, 1, 1, np.inf, np.inf]
    assert more.integer.tolist() == [False, True, True, False, False]


def test_costs_bounds_and_limits(program: Program) -> None:
    at = np.array([1])
    assert program.with_costs(9.0, at).cost.tolist() == [-1, 9]
    assert program.with_costs(9.0, at).offset == 5.0
    assert program.without_goal().cost.tolist() == [0, 0]
    assert program.without_goal().offset == 0.0
    assert program.with_bounds(at, upper=0.0).upper.tolist() == [3, 0]
    assert program.with_bounds(at, 0.5).lower.tolist() == [0, 0.5]
    assert program.with_limits(slice(None), 1.0).row_lower.tolist() == [1]
    assert program.with_limits(slice(None), 1.0).row_upper.tolist() == [4]
    assert (program.lower.tolist(), program.upper.tolist()) == ([0, 0], [3, 1])


def test_decisions_as_fractions_or_fixed(program: Program) -> None:
    assert not program.relaxed().has_decisions
    fixed = program.with_fixed(np.array([0.3, 0.9]))
    assert (fixed.lower.tolist(), fixed.upper.tolist()) == ([0, 1], [3, 1])
    assert not fixed.has_decisions


def test_directions_have_no_finite_limits(program: Program) -> None:
    free = program.with_bounds(np.array([0]), upper=np.inf).with_rows([[1.0, -1.0]], 2.0, 2.0)
    cone = free.cone()
    assert (cone.row_lower.tolist(), cone.row_upper.tolist()) == ([-np.inf, 0], [0, 0])
    assert cone.upper.tolist() == [np.inf, 0]
    assert not cone.has_decisions


def test_a_programme_made_by_algebra_is_solved(program: Program) -> None:
    # y = 1 takes the row to x ≤ 0.5: −0.5 − 2 + 5.
    outcome = Session(program.with_rows([[2.0, 0.0]], -np.inf, 1.0)).solve()
    assert outcome.objective == pytest.approx(2.5)
