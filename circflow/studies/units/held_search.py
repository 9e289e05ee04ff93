"""The best value where construction is held and few yes/no decisions (what runs) are left.

The relaxed programme bounds it from above. Where its plan, with every fraction taken for a yes, is
worth as much, that plan is the best: two LPs from the last basis instead of a search. Else the
search is done.
"""

from __future__ import annotations

import numpy as np

from circflow.solver.compiled import Program
from circflow.solver.highs import Session
from circflow.solver.scaling import Scaling
from circflow.studies.units.candidates import Floats, Ints

_WHOLE = 1e-9
"""Distance from a whole number that is none."""


class HeldSearch:
    """A programme whose bounds and rows change from one search to the next. For one thread."""

    def __init__(self, program: Program, scaling: Scaling | None = None, *, gap: float) -> None:
        """`gap`: relative, at which a plan is the best."""
        self.program, self.gap = program, gap
        self.decisions: Ints = np.flatnonzero(program.integer)
        self.linear = Session(program.relaxed(), scaling=scaling)
        self.search = Session(program, scaling=self.linear.scaling)

    def change_bounds(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Replace bounds of columns."""
        for session in (self.linear, self.search):
            session.change_bounds(columns, lower, upper)

    def change_rows(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """Replace limits of rows."""
        for session in (self.linear, self.search):
            session.change_rows(rows, lower, upper)

    def value(self) -> float:
        """The best value, million; −inf where there is no plan."""
        relaxed = self.linear.resolve()
        if relaxed.x is None:
            return -np.inf
        at = self.decisions
        share = relaxed.x[at]
        whole = np.ceil(share - _WHOLE)
        if np.abs(share - whole).max(initial=0.0) <= _WHOLE:
            return -relaxed.objective
        low, high = self.linear.lower[at].copy(), self.linear.upper[at].copy()
        self.linear.change_bounds(at, whole, whole)
        held = self.linear.resolve()
        self.linear.change_bounds(at, low, high)
        slack = self.gap * max(abs(relaxed.objective), _WHOLE)
        if held.x is not None and held.objective <= relaxed.objective + slack:
            return -held.objective
        outcome = self.search.solve(gap=self.gap)
        return -np.inf if outcome.x is None else -outcome.objective
