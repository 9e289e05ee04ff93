"""An LP solved again and again: what a run from the last basis gives is believed only if proven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csc_array

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome, Session, SolverError
from circflow.solver.proven import Proven

# max 3x + 5y, x ≤ 4, 2y ≤ 12, 3x + 2y ≤ 18 (Wyndor, Hillier and Lieberman)
WYNDOR = Program(
    cost=np.array([-3.0, -5.0]),
    offset=7.0,
    matrix=csc_array(np.array([[0.0, 2.0], [3.0, 2.0]])),
    row_lower=np.full(2, -np.inf),
    row_upper=np.array([12.0, 18.0]),
    lower=np.zeros(2),
    upper=np.array([4.0, np.inf]),
    integer=np.zeros(2, dtype=bool),
)
WORTH = -36.0 + 7.0


def test_a_proven_answer_is_that_of_the_session() -> None:
    session = Proven(WYNDOR)
    assert session.solve().objective == pytest.approx(WORTH)
    session.change_to(WYNDOR.with_costs(np.array([-9.0]), np.array([0])))
    found = session.resolve(primal=True)
    assert found.objective == pytest.approx(-36 - 15 + 7)


def test_a_changed_entry_is_proven_with_the_entries_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Proven(WYNDOR)
    assert session.solve().objective == pytest.approx(WORTH)
    monkeypatch.setattr("circflow.solver.proven.linear", pytest.fail)  # nothing is left in doubt
    session.change_to(replace(WYNDOR, matrix=csc_array(np.array([[0.0, 2.0], [1.5, 2.0]]))))
    # y = 6 leaves 6 of 18, so x = 4
    assert session.resolve().objective == pytest.approx(-12 - 30 + 7)


@pytest.mark.parametrize("lie", ["worse", "beyond", "infeasible", "unbounded", "lost"])
def test_a_wrong_answer_is_found_out(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Proven(WYNDOR)
    right = Session.solve(session)
    assert right.x is not None and right.row_dual is not None

    def wrong(*_: object, **__: object) -> Outcome:
        if lie == "lost":
            raise SolverError("HiGHS ended with Unknown")
        return {
            "worse": replace(right, x=np.array([4.0, 3.0])),
            "beyond": replace(right, x=np.array([4.0, 6.0])),
            "infeasible": Outcome(Status.INFEASIBLE),
            "unbounded": Outcome(Status.UNBOUNDED),
        }[lie]

    monkeypatch.setattr(Session, "resolve", wrong)
    found = session.resolve()
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(WORTH)


def test_that_there_is_no_plan_is_proven_too() -> None:
    session = Proven(WYNDOR)
    session.solve()
    session.change_to(WYNDOR.with_limits(np.array([0]), lower=100.0, upper=100.0))
    # 2y = 100 leaves nothing of 3x + 2y ≤ 18
    assert session.resolve().status is Status.INFEASIBLE
