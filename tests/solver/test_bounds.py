"""How much can flow: bounds worked out by hand, and that nothing within reach is touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solver.bounds import capped, hopeless, reach, tightened
from circflow.solver.compiled import Program

INF = np.inf


def program(  # noqa: PLR0913
    rows: list[list[float]],
    low: list[float],
    high: list[float],
    upper: list[float],
    *,
    cost: list[float] | None = None,
    integer: list[int] | None = None,
) -> Program:
    count = len(upper)
    flags = np.zeros(count, dtype=bool)
    flags[integer or []] = True
    return Program(
        cost=np.array(cost or [-1.0] * count),
        offset=0.0,
        matrix=csc_array(np.array(rows, dtype=float)),
        row_lower=np.array(low),
        row_upper=np.array(high),
        lower=np.zeros(count),
        upper=np.array(upper),
        integer=flags,
    )


def test_what_comes_in_bounds_what_is_made_of_it_and_sold() -> None:
    # 10 t arise, half a tonne is made of a tonne: stream − run = 0, 0.5 run − sold = 0
    made = program([[1, -1, 0], [0, 0.5, -1]], [0, 0], [0, 0], [10, INF, 1e15])
    assert reach(made) == pytest.approx([10.0, 10.0, 5.0], rel=1e-12)
    assert (reach(made) >= [10.0, 10.0, 5.0]).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("least", [1e308, -1e308])
def test_sums_beyond_all_numbers_bound_nothing(least: float) -> None:
    # x + y + z ≤ 1000 with x, y ≥ ±1e308: what x and y take together is no number; 1e-300·x ≤ 1e9
    rows = [[1, 1, 1, 0], [1e-300, 0, 0, 0], [0, 0, 0, 2], [10, 0, 0, 1]]
    made = program(rows, [-INF] * 4, [1e3, 1e9, 8, INF], [INF] * 4)
    made = replace(made, lower=np.array([least, least, 0, 0]))
    assert reach(made)[3] == pytest.approx(4.0)
    assert np.isinf(reach(made)[2])


def test_flows_in_a_circle_are_bounded_by_what_enters_it() -> None:
    # 10 t at A; A → B and B → A; B sells: each row alone bounds nothing
    rows = [[1, -1, 1, 0], [0, 1, -1, -1]]
    made = program(rows, [0, 0], [0, 0], [10, INF, INF, INF])
    assert reach(made)[3] == pytest.approx(10.0)
    assert np.isinf(reach(made)[[1, 2]]).all()  # a circle may turn as fast as it likes


def test_a_capacity_beyond_reach_is_pulled_in_to_more_than_twice_what_can_run() -> None:
    # run ≤ 10, run − 1e12·built ≤ 0
    made = program([[1, -1e12]], [-INF], [0], [10, 1], integer=[1])
    inner = tightened(made, reach(made))
    assert inner.matrix.toarray().tolist() == [[1.0, -32.0]]
    near = program([[1, -12]], [-INF], [0], [10, 1], integer=[1])
    assert tightened(near, reach(near)).matrix.toarray().tolist() == [[1.0, -12.0]]


def test_sides_and_bounds_beyond_reach_are_pulled_in_and_others_kept() -> None:
    made = program([[1, 1], [1, 0]], [-INF, -INF], [1e15, 12], [10, 10])
    inner = tightened(made, reach(made))
    assert inner.row_upper.tolist() == [64.0, 12.0]
    sold = program([[1, -1]], [0], [0], [10, 1e15])
    assert tightened(sold, reach(sold)).upper.tolist() == [10.0, 32.0]


def test_a_size_that_only_costs_is_of_use_up_to_what_runs() -> None:
    # run − extra ≤ 0, run ≤ 10: extra, which costs, is of no use beyond 10
    made = program([[1, -1]], [-INF], [0], [10, 1e15], cost=[-5.0, 1.0])
    assert reach(made)[1] == pytest.approx(10.0)
    paid = program([[1, -1]], [-INF], [0], [10, 1e15], cost=[-5.0, -1.0])
    assert reach(paid)[1] == 1e15


def test_a_least_load_beyond_reach_shuts_the_plant() -> None:
    # run − 3e14·on ≥ 0 and run ≤ 10: it can never be on, not even a little
    made = program([[1, -3e14]], [0], [INF], [10, 1], integer=[1])
    assert reach(made)[1] == 0.0
    assert tightened(made, reach(made)).upper[1] == 0.0


def test_a_prohibitive_cost_is_brought_down_and_stays_prohibitive() -> None:
    made = program([[1, 1, 1]], [-INF], [10], [1, 1, 1], cost=[-1.0, 2.0, 1e18])
    inner, dear = capped(made, reach(made))
    assert dear.tolist() == [False, False, True]
    assert 1e6 < inner.cost[2] < 1e9
    assert inner.cost[:2].tolist() == [-1.0, 2.0]


def test_a_limit_that_nothing_reaches_is_singled_out() -> None:
    # x ≤ 1e-30, y ≤ 2: 3x + y ≥ 5 can be at most 2; x − y ≤ 0 is no trouble
    made = Program(
        cost=np.zeros(2),
        offset=0.0,
        matrix=csc_array(np.array([[1.0, -1.0], [3.0, 1.0]])),
        row_lower=np.array([-np.inf, 5.0]),
        row_upper=np.array([0.0, np.inf]),
        lower=np.zeros(2),
        upper=np.array([1e-30, 2.0]),
        integer=np.zeros(2, dtype=bool),
    )
    assert hopeless(made, made.upper).tolist() == [0.0, 1.0]
    met = replace(made, row_lower=np.array([-np.inf, 2.0]))
    assert not hopeless(met, met.upper).any()
