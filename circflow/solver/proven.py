"""An LP that is changed and solved again, each answer proven."""

from __future__ import annotations

from collections.abc import Callable

from circflow.solver.highs import Outcome, Session, SolverError
from circflow.solver.optimum import linear, proven


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
            found = run()
            if proven(found, self):
                return found
        except SolverError:
            pass
        return linear(self.program, time_limit=time_limit, stop=self.stop).outcome
