"""A plan is believed where its proof agrees, and where none does that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solution.solution import Status
from circflow.solver.bounds import capped, reach
from circflow.solver.branch import branch_and_bound
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome, Session, SolverError
from circflow.solver.optimum import check, linear, optimum
from circflow.solver.refine import refinements

PLANTS = Program(  # run ≤ 3·built, run ≤ 2; a tonne earns 5, the plant costs 4
    cost=np.array([-5.0, 4.0]),
    offset=0.0,
    matrix=csc_array(np.array([[1.0, -3.0]])),
    row_lower=np.array([-np.inf]),
    row_upper=np.array([0.0]),
    lower=np.zeros(2),
    upper=np.array([2.0, 1.0]),
    integer=np.array([False, True]),
)


def test_the_plan_and_its_bound() -> None:
    best = optimum(PLANTS)
    assert best.fixed and best.outcome.objective == -6.0
    assert best.outcome.bound == pytest.approx(-6.0)


@pytest.mark.parametrize("seed", range(5))
def test_branch_and_bound_agrees_with_the_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = Program(
        cost=-rng.uniform(1, 9, 8),
        offset=0.0,
        matrix=csc_array(rng.uniform(1, 9, (3, 8))),
        row_lower=np.full(3, -np.inf),
        row_upper=np.full(3, 17.0),
        lower=np.zeros(8),
        upper=np.ones(8),
        integer=np.ones(8, dtype=bool),
    )
    found = branch_and_bound(made, 0.0, lambda lp: linear(lp).outcome)
    assert found is not None
    assert found.objective == pytest.approx(optimum(made, gap=0.0).outcome.objective)
    none = replace(made, row_lower=np.full(3, 16.9999), row_upper=np.full(3, 17.0))
    nothing = branch_and_bound(none, 0.0, lambda lp: linear(lp).outcome)
    assert nothing is not None and nothing.status is Status.INFEASIBLE


def test_a_trace_of_a_yes_is_no_plant() -> None:
    # run ≤ 1e15·built: with built = 1e-13, as good as 0, a hundred tonnes would be free
    made = replace(
        PLANTS, matrix=csc_array(np.array([[1.0, -1e15]])), lower=np.array([100.0, 0.0]),
        upper=np.array([100.0, 1.0]),
    )  # fmt: skip
    found = branch_and_bound(made, 0.0, lambda lp: linear(lp).outcome)
    assert found is not None and found.x is not None
    assert found.x.tolist() == [100.0, 1.0] and found.objective == -496.0


def falsified(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    solve = Session.solve

    def call(session: Session, **options: Any) -> Outcome:
        return change(session, solve(session, **options))

    monkeypatch.setattr(Session, "solve", call)


def test_a_search_that_proves_too_much_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def idle(session: Session, found: Outcome) -> Outcome:
        if not session.program.has_decisions:
            return found
        return replace(found, objective=-1.0, bound=-1.0)

    falsified(monkeypatch, idle)
    assert optimum(PLANTS).outcome.objective == -6.0  # by proven LPs alone
    monkeypatch.setattr("circflow.solver.optimum.branch_and_bound", lambda *_: None)
    with pytest.raises(SolverError, match=r"no plan is worth more than 1 million, but one is .* 6"):
        optimum(PLANTS)


def test_a_false_claim_that_there_is_no_plan_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lies = iter([True])
    falsified(
        monkeypatch,
        lambda _, found: Outcome(Status.INFEASIBLE) if next(lies, False) else found,
    )
    assert optimum(PLANTS).outcome.objective == -6.0
    falsified(monkeypatch, lambda _, found: Outcome(Status.UNBOUNDED))
    assert linear(PLANTS.relaxed()).outcome.objective == pytest.approx(-22.0 / 3.0)  # in fractions
    monkeypatch.setattr("circflow.solver.optimum.exact", lambda *_: None)
    with pytest.raises(SolverError, match="could not be proven"):
        linear(PLANTS.relaxed())


def test_no_proof_is_sought_of_what_fractions_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three decisions that are 1.5 together: fractions can be, so that searches have to agree."""

    def three(total: float) -> Program:
        return Program(
            cost=np.zeros(3),
            offset=0.0,
            matrix=csc_array(np.full((1, 3), 2.0)),
            row_lower=np.full(1, 2.0 * total),
            row_upper=np.full(1, 2.0 * total),
            lower=np.zeros(3),
            upper=np.ones(3),
            integer=np.ones(3, dtype=bool),
        )

    sought: list[bool] = []

    def proven(program: Program, *_: Any) -> bool:
        sought.append(bool(program.upper.all()) and not program.lower.any())  # none taken
        return True

    monkeypatch.setattr("circflow.solver.optimum.infeasible", proven)
    assert optimum(three(1.5)).outcome.status is Status.INFEASIBLE
    assert True not in sought
    assert optimum(three(3.5)).outcome.status is Status.INFEASIBLE
    assert sought[-1]


def test_where_nothing_costs_any_plan_is_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """`explain` asks for plans without a goal, hundreds of times: none is looked for that is
    better."""
    monkeypatch.setattr("circflow.solver.optimum._best_of_all", lambda *_: pytest.fail("looked"))
    assert optimum(replace(PLANTS, cost=np.zeros(2))).outcome.objective == 0.0


def test_refinement_finds_what_a_tolerance_hides() -> None:
    # 1e8 t and a gram: x = 1e8, y = 1e-6 with both in one objective
    made = Program(
        cost=np.array([1.0, 1.0]),
        offset=0.0,
        matrix=csc_array(np.eye(2)),
        row_lower=np.array([1e8, 1e-6]),
        row_upper=np.full(2, np.inf),
        lower=np.zeros(2),
        upper=np.full(2, np.inf),
        integer=np.zeros(2, dtype=bool),
    )
    session = Session(made)
    found = session.solve()
    assert found.x is not None
    wrong = replace(found, x=np.array([1e8, 0.0]))
    better = next(iter(refinements(made, session, wrong)))
    assert better.x is not None
    assert better.x.tolist() == pytest.approx([1e8, 1e-6], rel=1e-12)


def test_a_trace_that_is_all_of_a_row_is_taken_for_nothing() -> None:
    # x ≥ 1e9 beside y − z = 0: what rounding leaves of y breaches that row by all that it is
    made = Program(
        cost=np.array([1.0, 1.0, 1.0]),
        offset=0.0,
        matrix=csc_array(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])),
        row_lower=np.array([1e9, 0.0]),
        row_upper=np.array([np.inf, 0.0]),
        lower=np.zeros(3),
        upper=np.full(3, np.inf),
        integer=np.zeros(3, dtype=bool),
    )
    session = Session(made)
    found = session.solve()
    assert found.x is not None
    left = replace(found, x=np.array([1e9, 1e-9, 0.0]))
    assert check(made, made.upper, left).startswith("a limit is breached by 1 ")
    clean = next(iter(refinements(made, session, left)))
    assert clean.x is not None and clean.x.tolist() == [1e9, 0.0, 0.0]
    assert clean.objective == 1e9
    assert not check(made, made.upper, clean)


def test_what_is_dear_only_by_its_bound_is_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """u = v; what is bought (at 1, up to 1e9) is used, at least 5: the least cost is 5."""
    program = Program(
        cost=np.array([1.0, 1.0, 1.0, 0.0]),
        offset=0.0,
        matrix=csc_array(np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])),
        row_lower=np.zeros(2),
        row_upper=np.zeros(2),
        lower=np.array([0.0, 0.0, 0.0, 5.0]),
        upper=np.array([np.inf, np.inf, 1e9, 1e9]),
        integer=np.zeros(4, dtype=bool),
    )
    assert capped(program, reach(program))[1].tolist() == [False, False, True, False]
    runs = []
    solve = Session.solve
    monkeypatch.setattr(Session, "solve", lambda s, **o: runs.append(s) or solve(s, **o))
    assert linear(program).outcome.objective == pytest.approx(5.0)
    assert len(runs) == 1
