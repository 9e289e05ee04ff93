"""What is solved in fractions: known programmes, figures that no run in doubles holds together,
and the same answers as the ordinary way."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.exact import exact
from circflow.solver.highs import Basis, Outcome, Session
from circflow.solver.optimum import check


def programme(
    cost: list[float], rows: list[list[float]], limits: list[tuple[float, float]], upper: float
) -> Program:
    """Columns from 0 to `upper`."""
    low, high = np.array(limits).T
    return Program(
        cost=np.array(cost),
        offset=1.0,
        matrix=csc_array(np.array(rows)),
        row_lower=low,
        row_upper=high,
        lower=np.zeros(len(cost)),
        upper=np.full(len(cost), upper),
        integer=np.zeros(len(cost), dtype=bool),
    )


TWO = programme([-3.0, -2.0], [[1.0, 1.0], [2.0, 1.0]], [(-np.inf, 4.0), (-np.inf, 6.0)], np.inf)


def solved(program: Program, basis: Basis | None = None) -> Outcome:
    found = exact(program, basis)
    assert found is not None
    return found


def test_a_plan_its_prices_and_its_worth() -> None:
    found = solved(TWO)  # x + y = 4 and 2x + y = 6
    assert found.x is not None and found.row_dual is not None and found.reduced_cost is not None
    assert (found.x.tolist(), found.objective) == ([2.0, 2.0], -9.0)
    assert found.row_dual.tolist() == [-1.0, -1.0]  # a tonne more of either limit: 1 less
    assert found.reduced_cost.tolist() == [0.0, 0.0]


def test_without_a_plan_and_without_an_end() -> None:
    none = replace(TWO, row_lower=np.array([3.5, -np.inf]), row_upper=np.array([4.0, 3.0]))
    assert solved(none).status is Status.INFEASIBLE
    endless = replace(TWO, row_upper=np.full(2, np.inf))
    assert solved(endless).status is Status.UNBOUNDED


def test_figures_that_doubles_do_not_hold_together() -> None:
    # x = 1e9·y, y = 1e9·z, z = 1e9·w, w ≤ 1: and x + w earns, of which w is 1e-27
    chain = programme(
        [0.0, 0.0, 0.0, -1.0],
        [[1.0, -1e9, 0, 0], [0, 1.0, -1e9, 0], [0, 0, 1.0, -1e9]],
        [(0.0, 0.0)] * 3,
        1.0,
    )
    found = solved(chain)
    assert found.x is not None
    assert found.x[0] == 1.0 and found.x[3] == float(Fraction(1, 10**27))


def test_a_limit_missed_by_rounding_holds() -> None:
    third = 0.1 + 0.2  # 0.30000000000000004
    rounded = programme([1.0], [[1.0], [1.0]], [(third, third), (0.3, 0.3)], np.inf)
    assert solved(rounded).status is Status.OPTIMAL
    missed = programme([1.0], [[1.0], [1.0]], [(0.3000001, 0.3000001), (0.3, 0.3)], np.inf)
    assert solved(missed).status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", range(4))
def test_as_the_ordinary_way_from_its_basis_and_from_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((12, 20)) < 0.4, rng.integers(-4, 9, (12, 20)), 0).astype(float)
    made = programme(
        rng.integers(-9, 9, 20).astype(float).tolist(),
        matrix.tolist(),
        [(-20.0, float(n)) for n in rng.integers(1, 40, 12)],
        7.0,
    )
    session = Session(made)
    usual = session.solve()
    for basis in (session.basis(), None):
        found = solved(made, basis)
        assert found.objective == pytest.approx(usual.objective, rel=1e-12)
        assert check(made, made.upper, found) == ""


def test_what_is_too_large_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circflow.solver.exact._MOST_WORK", 1)
    assert exact(TWO, None) is None
    monkeypatch.setattr("circflow.solver.exact._MOST_ENTRIES", 3)
    assert exact(TWO, None) is None
