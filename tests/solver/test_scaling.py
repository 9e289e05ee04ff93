"""Scaling: exact, and right where numbers span thirteen orders of magnitude."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csc_array

from circflow.solution.solution import Status
from circflow.solver.bounds import capped, reach
from circflow.solver.compiled import Program
from circflow.solver.highs import Session
from circflow.solver.scaling import Scaling, apply, for_search, scaling_by_reach, scaling_of

Floats = NDArray[np.float64]


def program(
    cost: list[float],
    matrix: list[list[float]],
    sides: list[tuple[float, float]],
    bounds: list[tuple[float, float]],
    integer: list[bool] | None = None,
) -> Program:
    """min cost·x, low ≤ matrix·x ≤ high, bounds on x."""
    low, high = np.array(sides, dtype=float).reshape(-1, 2).T
    lower, upper = np.array(bounds, dtype=float).reshape(-1, 2).T
    return Program(
        np.array(cost, dtype=float),
        0.0,
        csc_array(np.array(matrix, dtype=float).reshape(len(sides), len(cost))),
        low.copy(),
        high.copy(),
        lower.copy(),
        upper.copy(),
        np.array(integer or [False] * len(cost), dtype=bool),
    )


def unscaled(of: Program) -> Scaling:
    rows, columns = of.shape
    return Scaling(np.ones(columns), np.ones(rows), 1.0)


def _powers_of_two(values: Floats) -> bool:
    return bool((np.exp2(np.round(np.log2(values))) == values).all())


def spread(decades: float) -> Program:
    """A tonne of scandium out of 10^decades tonnes of mud, both sold, the rest dumped."""
    factor = 10.0**-decades
    # mud 1e8 a year = through the plant + dumped; scandium = factor · through.
    return program(
        [1e-6, 5e-6, -2.0e-6 / factor],
        [[1.0, 1.0, 0.0], [factor, 0.0, -1.0]],
        [(1e8, 1e8), (0.0, 0.0)],
        [(0.0, 3e7), (0.0, math.inf), (0.0, math.inf)],
    )


def test_scales_are_powers_of_two_so_that_nothing_is_rounded() -> None:
    made = spread(5)
    scaling = scaling_of(made)
    assert _powers_of_two(scaling.columns) and _powers_of_two(scaling.rows)
    assert math.log2(scaling.objective) == round(math.log2(scaling.objective))
    scaled = apply(made, scaling)
    back = (scaled.matrix.toarray() / scaling.rows[:, None]) / scaling.columns[None, :]
    assert (back == made.matrix.toarray()).all()
    assert (scaled.lower * scaling.columns == made.lower).all()
    assert (scaled.row_upper / scaling.rows == made.row_upper).all()
    assert (scaled.cost / scaling.columns / scaling.objective == made.cost).all()


def test_numbers_come_near_one() -> None:
    made = spread(5)
    scaled = apply(made, scaling_of(made))
    size = np.abs(scaled.matrix.data)
    assert size.max() / size.min() < 100
    assert size.min() > 1e-2 and size.max() < 1e2
    assert 1e-3 < abs(scaled.row_lower[0]) < 1e3


@pytest.mark.parametrize("decades", [0, 3, 5, 8])
def test_right_across_orders_of_magnitude(decades: int) -> None:
    # 3e7 through the plant: costs 1, earns 2 a tonne; 7e7 dumped at 5.
    outcome = Session(spread(decades)).solve()
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(30 * (1 - 2) + 70 * 5, rel=1e-12)
    assert outcome.x is not None and outcome.row_dual is not None
    assert outcome.x.tolist() == pytest.approx([3e7, 7e7, 3e7 * 10.0**-decades], rel=1e-12)
    # A tonne of mud more is dumped, a tonne of scandium more sold: in the planner's units.
    assert outcome.row_dual.tolist() == pytest.approx([5e-6, 2e-6 * 10.0**decades], rel=1e-9)
    assert outcome.reduced_cost is not None
    assert outcome.reduced_cost[0] == pytest.approx(1e-6 - 2e-6 - 5e-6, rel=1e-9)


def test_a_tiny_flow_is_not_lost_beside_a_huge_one() -> None:
    # 1e-5 t of a product that must be delivered, beside 1e8 t of tailings in the same balance row.
    made = program(
        [3.0, 1e-6, 2.0],
        [[1.0, 0.0, 1.0], [0.0, 1.0, -1e3]],
        [(1e-5, 1e-5), (1e8, 1e8)],
        [(0.0, math.inf)] * 3,
    )
    outcome = Session(made).solve()
    assert outcome.x is not None
    assert outcome.x.tolist() == pytest.approx([0.0, 1e8 + 1e-2, 1e-5], rel=1e-9, abs=1e-12)


def test_the_dearest_cost_of_a_search_is_about_a_million() -> None:
    # What cannot move costs nothing, however dear.
    bounds = [(0.0, 1.0), (0.0, 1.0), (2.0, 2.0)]
    made = program([3.0, 5e-7, 1e9], [[1.0, 1.0, 0.0]], [(-math.inf, 1.0)], bounds)
    usual = unscaled(made)
    assert for_search(made, usual).objective == 2.0**18  # 3 · 2^18 = 786,432
    # No unit is made larger than it was: the usual ones may have dearer costs already.
    assert for_search(made, replace(usual, objective=2.0**19)).objective == 2.0**19
    free = program([0.0], [[1.0]], [(-math.inf, 1.0)], [(0.0, 1.0)])
    assert for_search(free, unscaled(free)).objective == 1.0


def test_yes_no_columns_keep_their_unit() -> None:
    made = program(
        [1e6, -1e-6], [[-1e8, 1.0]], [(-math.inf, 0.0)], [(0, 1), (0, 1e8)], [True, False]
    )
    scaling = scaling_of(made)
    assert scaling.columns[0] == 1.0
    assert scaling.columns[1] != 1.0


def test_empty_rows_and_columns_and_no_cost() -> None:
    made = program([0.0, 0.0], [[0.0, 0.0]], [(-1.0, 1.0)], [(0.0, 0.0), (0.0, math.inf)])
    scaling = scaling_of(made)
    assert np.isfinite(scaling.columns).all() and np.isfinite(scaling.rows).all()
    assert scaling.objective == 1.0
    assert Session(made).solve().objective == 0.0
    nothing = program([], [], [], [])
    assert scaling_of(nothing).columns.size == 0


_size = st.floats(-5, 8).map(lambda x: 10.0**x)


@settings(max_examples=60)
@given(
    data=st.data(),
    rows=st.integers(1, 5),
    columns=st.integers(1, 6),
)
def test_scaled_and_unscaled_programmes_have_one_optimum(
    data: st.DataObject, rows: int, columns: int
) -> None:
    # Well-conditioned numbers, each row and column stretched by up to thirteen orders of magnitude.
    def floats(low: float, high: float, count: int) -> Floats:
        return np.array(data.draw(st.lists(st.floats(low, high), min_size=count, max_size=count)))

    core = np.round(floats(0, 3, rows * columns)).reshape(rows, columns)
    cost = np.round(floats(-5, 5, columns))
    right = np.round(floats(1, 9, rows))
    inner = program(
        cost.tolist(), core.tolist(), [(-math.inf, b) for b in right], [(0.0, 4.0)] * columns
    )
    expected = Session(inner, scaling=unscaled(inner)).solve()
    stretch_row = np.array([data.draw(_size) for _ in range(rows)])
    stretch = np.array([data.draw(_size) for _ in range(columns)])
    outer = program(
        (cost / stretch).tolist(),
        (core * stretch_row[:, None] / stretch[None, :]).tolist(),
        [(-math.inf, b) for b in right * stretch_row],
        [(0.0, 4.0 * s) for s in stretch],
    )
    outcome = Session(outer).solve()
    assert outcome.status is expected.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(expected.objective, rel=1e-7, abs=1e-7)
    assert outcome.x is not None
    used = (outer.matrix @ outcome.x) / (right * stretch_row)
    assert (used <= 1 + 1e-7).all()


def test_a_region_from_scandium_to_tailings(best: Callable[..., float]) -> None:
    # 1e8 t of tailings a year; the plant takes 1e6 and makes 1e-5 t of scandium of each: 10 t, sold
    # at 90 million a tonne; 500 a tonne of processing; the rest dumped at 0.01.
    sheets: dict[str, Any] = {
        "Sites": [{"site": "Pond"}],
        "Materials": [
            {"material": "tailings", "category": "waste"},
            {"material": "scandium", "category": "product"},
        ],
        "Streams": [{"site": "Pond", "material": "tailings", "amount_per_year": 1e8}],
        "Recipes": [
            {"technology": "leach", "role": "input", "material": "tailings", "amount": 1},
            {"technology": "leach", "role": "output", "material": "scandium", "amount": 1e-5},
        ],
        "RecipeCosts": [{"technology": "leach", "variable_cost": 500}],
        "Units": [{"unit": "L", "site": "Pond", "technology": "leach", "capacity_per_year": 1e6}],
        "Markets": [{"site": "Pond", "material": "scandium", "price": 9e7}],
        "Disposal": [{"site": "Pond", "fee": 0.01}],
    }
    assert best(sheets) == pytest.approx(1e6 * (900 - 500) / 1e6 - 0.99e8 * 0.01 / 1e6, rel=1e-12)
    sheets["Units"][0] |= {"min_load": 0.5, "can_idle": True}
    assert best(sheets) == pytest.approx(399.01, rel=1e-12)


def test_what_can_flow_beyond_all_figures_is_measured_as_usual() -> None:
    """2^1024 is no number: a scale of it made rows of no size, and NaN of an entry of 0."""
    of = program([1.0, 1.0], [[2.0, 4.0]], [(0.0, 8.0)], [(0.0, math.inf)] * 2)
    of.matrix.data[0] = 0.0
    scaling = scaling_by_reach(of, np.array([1.5e308, 4.0]))
    assert np.isfinite(scaling.columns).all()
    assert scaling.columns[1] == 4.0
    assert scaling.rows.tolist() == [1 / 16]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factor", [1e-9, 1e15])
def test_forty_plants_in_a_row_have_scales_that_are_numbers(factor: float) -> None:
    # x0 ≤ 100 is made into factor·x0, that into factor²·x0 …: 1e-360 or 1e600 of the last
    count = 40
    chain = [[0.0] * k + [factor, -1.0] + [0.0] * (count - 1 - k) for k in range(count)]
    bounds = [(0.0, 100.0)] + [(0.0, math.inf)] * count
    made = program([1.0] * count + [-1e15], chain, [(0.0, 0.0)] * count, bounds)
    most = reach(made)
    for scaling in (scaling_of(made), scaling_by_reach(made, most)):
        scaled = apply(capped(made, most)[0], scaling)
        assert np.isfinite(scaled.matrix.data).all()
        assert _powers_of_two(scaling.columns)
        assert not np.isnan(scaled.row_upper).any()
