"""An LP that is changed and solved again, each answer proven."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome, Session, SolverError
from circflow.solver.optimum import linear, optimum, proven
from circflow.solver.scaling import Scaling

_INTEGRAL = 1e-9
"""Distance from a whole number that is none."""


class Proven(Session):
    """A session of an LP that gives nothing but what own arithmetic proves.

    What a run from the last basis finds is proven in a fraction of its time; where it is not, the
    LP is solved afresh in all the ways of `circflow.solver.optimum`, which raises `SolverError`
    where none agrees with its proof.
    """

    def solve(
        self, *, time_limit: float | None = None, gap: float = 1e-6, algorithm: str = ""
    ) -> Outcome:
        """As `Session.solve`."""
        return self._sure(
            lambda: super(Proven, self).solve(time_limit=time_limit, algorithm=algorithm),
            time_limit,
        )

    def resolve(self, *, time_limit: float | None = None, primal: bool = False) -> Outcome:
        """As `Session.resolve`."""
        return self._sure(
            lambda: super(Proven, self).resolve(time_limit=time_limit, primal=primal), time_limit
        )

    def _sure(self, run: Callable[[], Outcome], time_limit: float | None) -> Outcome:
        try:
            outcome = run()
            if proven(outcome, self):
                return outcome
        except SolverError:
            pass
        return linear(self.program, time_limit=time_limit, stop=self.stop).outcome


def best_value(
    program: Program, lp: Proven, *, gap: float, scaling: Scaling | None = None
) -> float:
    """The worth (maximised) of a programme's best plan; −inf where there is none.

    The relaxed programme bounds it from above. Where its plan with every fraction taken for a yes
    is worth as much, that plan is the best: two LPs from the last basis instead of a search.

    Args:
        program: with yes/no decisions, of which few are open.
        lp: any LP with the same entries, which is changed.
        gap: relative gap at which a plan is the best.
        scaling: scales to try first where it has to be searched.
    """
    try:
        worth = _by_two(program, lp, gap)
    except SolverError:
        worth = None
    if worth is None:
        outcome = optimum(program, gap=gap, scaling=scaling, light=True).outcome
        worth = -math.inf if outcome.x is None else -outcome.objective
    return worth


def _by_two(program: Program, lp: Proven, gap: float) -> float | None:
    """What two LPs prove; None where they leave a doubt."""
    lp.change_to(program.relaxed())
    relaxed = lp.resolve()
    if relaxed.x is None:
        return -math.inf if relaxed.status is Status.INFEASIBLE else None
    share = relaxed.x[program.integer]
    if np.abs(share - np.round(share)).max(initial=0.0) <= _INTEGRAL:
        return -relaxed.objective
    rounded_up = relaxed.x.copy()
    rounded_up[program.integer] = np.ceil(share - _INTEGRAL)
    lp.change_to(program.with_fixed(rounded_up))
    held = lp.resolve()
    slack = gap * abs(relaxed.objective)
    proves = held.x is not None and held.objective <= relaxed.objective + slack
    return -held.objective if proves else None
