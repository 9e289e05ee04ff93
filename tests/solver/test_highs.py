"""A HiGHS session: endings, duals, warm starts, limits."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csc_array, random_array

from circflow.solution.solution import Status
from circflow.solver import highs
from circflow.solver.compiled import Program
from circflow.solver.highs import Session, SolverError

Floats = NDArray[np.float64]
INF = math.inf


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


# Two products, three hours: max 3x + 5y, x ≤ 4, 2y ≤ 12, 3x + 2y ≤ 18 (Wyndor, Hillier-Lieberman).
WYNDOR = replace(
    program([-3, -5], [[0, 2], [3, 2]], [(-INF, 12), (-INF, 18)], [(0, 4), (0, INF)]), offset=7.0
)


def test_optimal_with_duals_in_the_planner_s_units() -> None:
    outcome = Session(WYNDOR).solve()
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == outcome.bound == pytest.approx(-36 + 7)
    assert outcome.gap == 0.0
    assert outcome.x is not None and outcome.row_dual is not None
    assert outcome.x.tolist() == pytest.approx([2, 6])
    # The change of the minimum per unit of a row's limit: −3/2 and −1.
    assert outcome.row_dual.tolist() == pytest.approx([-1.5, -1])
    assert outcome.reduced_cost is not None
    assert outcome.reduced_cost.tolist() == pytest.approx([0, 0])


def test_infeasible_and_unbounded() -> None:
    apart = program([1], [[1]], [(5, 5)], [(0, 4)])
    assert Session(apart).solve().status is Status.INFEASIBLE
    free = program([-1, 0], [[1, -1]], [(0, 0)], [(0, INF), (0, INF)])
    assert Session(free).solve().status is Status.UNBOUNDED
    # Both an empty set and a ray: there is no plan, which comes first.
    both = program(
        [-1, 0, 0], [[1, -1, 0], [0, 0, 1]], [(0, 0), (5, 5)], [(0, INF), (0, INF), (0, 4)]
    )
    assert Session(both).solve().status is Status.INFEASIBLE


@pytest.mark.parametrize(("top", "ending"), [(1, Status.INFEASIBLE), (3, Status.UNBOUNDED)])
def test_endings_with_decisions(top: float, ending: Status) -> None:
    # 3 <= 2 n <= 3.5 with n whole: none in 0..1; with n ≤ 3 relaxed to 3 ≤ 2n ≤ 6 there is one.
    sides = (3, 3.5) if top == 1 else (3, 6)
    made = program(
        [-1, 0, 0],
        [[1, -1, 0], [0, 0, 2]],
        [(0, 0), sides],
        [(0, INF), (0, INF), (0, max(top, 2))],
        [False, False, True],
    )
    assert Session(made).solve().status is ending


def test_decisions_have_a_gap_and_a_bound() -> None:
    knapsack = program([-10, -13, -7], [[3, 4, 2]], [(-INF, 6)], [(0, 1)] * 3, [True] * 3)
    outcome = Session(knapsack).solve(gap=0.0)
    assert outcome.objective == pytest.approx(-20)
    assert outcome.x is not None and outcome.x.tolist() == pytest.approx([0, 1, 1])
    assert outcome.gap == pytest.approx(0.0, abs=1e-9)
    assert outcome.bound == pytest.approx(-20)
    assert outcome.row_dual is None


def test_nothing_at_all() -> None:
    outcome = Session(program([], [], [], [])).solve()
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == 0.0


def test_solving_again_after_costs_and_bounds_changed() -> None:
    session = Session(WYNDOR)
    session.solve()
    dearer = WYNDOR.with_costs(-9.0, np.array([0]))
    session.change_to(dearer)
    outcome = session.resolve(primal=True)
    assert outcome.objective == pytest.approx(-36 - 15 + 7)
    session.change_to(dearer.with_bounds(np.array([0]), upper=3.0))
    outcome = session.resolve()
    assert outcome.objective == pytest.approx(-27 - 22.5 + 7)
    assert outcome.x is not None and outcome.x.tolist() == pytest.approx([3, 4.5])


def test_a_session_is_brought_to_another_programme() -> None:
    session = Session(WYNDOR)
    session.solve()
    dearer = WYNDOR.with_costs(np.array([-9.0, -5.0]), offset=1.0)
    assert session.change_to(dearer)  # costs alone
    assert session.resolve(primal=True).objective == pytest.approx(-36 - 15 + 1)
    other = replace(
        program([-9, -5], [[0, 1], [3, 2]], [(-INF, 2), (6, 18)], [(0, 3), (1, INF)]), offset=1.0
    )
    assert not session.change_to(other)
    assert session.program is other
    outcome = session.resolve()
    assert outcome.objective == pytest.approx(-27 - 10 + 1)
    assert outcome.x is not None and outcome.x.tolist() == pytest.approx([3, 2])


def test_decisions_are_never_scaled() -> None:
    """The scales of the LP make a half of 2 a whole, and HiGHS a wrong plan of it."""
    whole = replace(WYNDOR, integer=np.array([True, True]))
    scaling = replace(highs.scaling_of(whole), columns=np.array([1.0, 4.0]))
    with pytest.raises(SolverError, match="counted in ones"):
        Session(whole, scaling=scaling)


def test_a_figure_that_is_no_number_is_refused() -> None:
    with pytest.raises(SolverError, match="no number"):
        Session(WYNDOR.with_costs(math.nan, np.array([0])))


def test_a_plan_stays_within_changed_bounds() -> None:
    session = Session(WYNDOR)
    session.change_to(WYNDOR.with_bounds(slice(1), upper=10.0).with_costs(-90.0, slice(1)))
    outcome = session.resolve()
    assert outcome.x is not None and outcome.x.tolist() == pytest.approx([6, 0])
    assert outcome.objective == pytest.approx(-540 + 7)


def _transport(places: int) -> Program:
    """A transport problem with a known optimum: each market is nearest to its own works."""
    size = places * places
    supply = np.kron(np.eye(places), np.ones(places))
    demand = np.kron(np.ones(places), np.eye(places))
    distance = 1.0 + np.abs(np.subtract.outer(np.arange(places), np.arange(places))).ravel()
    return program(
        distance.tolist(),
        np.vstack([supply, demand]).tolist(),
        [(-INF, 10.0)] * places + [(7.0, INF)] * places,
        [(0, INF)] * size,
    )


def test_simplex_and_interior_point_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _transport(12)
    simplex = Session(made).solve()
    monkeypatch.setattr(highs, "INTERIOR_POINT_FROM", 0)
    interior = Session(made).solve()
    assert simplex.objective == pytest.approx(84) == interior.objective
    assert interior.row_dual is not None and simplex.row_dual is not None
    # Crossover: a corner, with duals that add up to the objective.
    for outcome in (simplex, interior):
        assert outcome.row_dual is not None
        worth = outcome.row_dual[:12].sum() * 10 + outcome.row_dual[12:].sum() * 7
        assert worth == pytest.approx(84)


def _hard(seed: int = 1) -> Program:
    rng = np.random.default_rng(seed)
    weights = rng.integers(200, 1000, (20, 150)).astype(float)
    return program(
        (-rng.integers(200, 1000, 150)).astype(float).tolist(),
        weights.tolist(),
        [(-INF, half) for half in weights.sum(axis=1) / 3],
        [(0, 1)] * 150,
        [True] * 150,
    )


def test_a_limit_of_time_leaves_the_best_plan_so_far() -> None:
    outcome = Session(_hard()).solve(time_limit=1.0, gap=0.0)
    assert outcome.status is Status.FEASIBLE
    assert outcome.x is not None and outcome.gap > 0
    assert outcome.bound < outcome.objective
    assert Session(_hard()).solve(time_limit=0.0).status in (Status.STOPPED, Status.FEASIBLE)


def test_progress_is_told_while_decisions_are_searched(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[float, float]] = []
    Session(_hard(), on_progress=lambda best, bound: told.append((best, bound))).solve(
        time_limit=1.0
    )
    assert told
    best, bound = told[-1]
    assert bound <= best < 0
    assert capfd.readouterr() == ("", "")


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(SolverError, match="no_such_option"):
        Session(WYNDOR)._option("no_such_option", 1)


def test_sessions_do_not_touch_the_programme() -> None:
    rng = np.random.default_rng(0)
    matrix = csc_array(random_array((20, 30), density=0.2, rng=rng))
    made = Program(
        rng.random(30), 0.0, matrix, np.full(20, -1e6), np.full(20, 1e6), np.zeros(30),
        np.full(30, 1e3), np.zeros(30, dtype=bool),
    )  # fmt: skip
    before = made.matrix.data.copy(), made.cost.copy(), made.upper.copy()
    Session(made).solve()
    after = made.matrix.data, made.cost, made.upper
    for old, new in zip(before, after, strict=True):
        assert (old == new).all()


# --------------------------------------------------------------------------- algorithms, output


@pytest.mark.parametrize("algorithm", ["simplex", "ipx"])
def test_every_algorithm_finds_the_plan(algorithm: str) -> None:
    session = Session(WYNDOR)
    assert session.solve(algorithm=algorithm).objective == pytest.approx(-36 + 7)
    assert session.highs.getOptionValue("solver")[1] == algorithm
    whole = Session(replace(WYNDOR, integer=np.array([True, True])))
    assert whole.solve(algorithm=algorithm).objective == pytest.approx(-36 + 7)
    assert whole.highs.getOptionValue("mip_lp_solver")[1] == algorithm


def test_no_name_means_one_algorithm_or_another() -> None:
    """With highspy-extras installed `ipm` silently becomes another algorithm: it is not used."""
    assert "ipm" not in highs.ALGORITHMS
    assert "there is no algorithm 'ipm'" in highs.algorithm_missing("ipm")
    assert not highs.algorithm_missing("ipx")
    large = replace(WYNDOR)
    session = Session(large)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(highs, "INTERIOR_POINT_FROM", 0)
        session.solve()
    assert session.highs.getOptionValue("solver")[1] == "ipx"


def test_an_algorithm_that_is_not_installed_is_named() -> None:
    if (missing := highs.algorithm_missing("hipo")) == "":
        assert Session(WYNDOR).solve(algorithm="hipo").objective == pytest.approx(-36 + 7)
    else:
        assert missing == "hipo is not installed: pip install 'circflow[hipo]'"


def test_seed_and_threads_are_fixed() -> None:
    session = Session(WYNDOR)
    assert session.highs.getOptionValue("random_seed")[1] == 0
    assert session.highs.getOptionValue("threads")[1] == 1


def test_an_interior_point_run_gone_astray_is_given_up_after_as_many_iterations_at_any_size() -> (
    None
):
    """Its counts do not grow with the programme: a limit by size let a refinement of 8,398 columns
    go in circles for 20 minutes and more (Akmola, all waste handled, least load 0.9)."""
    few, many = Session(WYNDOR), Session(_transport(30))
    name = "ipm_iteration_limit"
    assert few.highs.getOptionValue(name)[1] == many.highs.getOptionValue(name)[1] == 500
    steps = "simplex_iteration_limit"
    assert few.highs.getOptionValue(steps)[1] < many.highs.getOptionValue(steps)[1]


def test_a_banner_does_not_reach_standard_output() -> None:
    """HiGHS 1.16 writes one when the first solver is made, past every option."""
    code = """
import os, highspy
real, first = highspy.Highs, []
def highs():
    if not first:
        os.write(1, b"Running HiGHS")
        first.append(1)
    return real()
highspy.Highs = highs
from circflow.solver.compiled import Program
from circflow.solver.highs import Session
import numpy as np
from scipy.sparse import csc_array
none = np.zeros(0)
one = np.ones(1)
Session(Program(one, 0.0, csc_array((0, 1)), none, none, one, one, np.zeros(1, dtype=bool))).solve()
print("{}")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.stdout, done.stderr) == ("{}\n", "")
