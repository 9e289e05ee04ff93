"""Linear programmes with the same entries, solved one after another, each answer proven."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from circflow.solver.compiled import Program
from circflow.solver.highs import Basis, Outcome
from circflow.solver.proven import Proven
from circflow.solver.scaling import Scaling


@dataclass
class Series:
    """LPs, each solved from the basis of the one before."""

    scaling: Scaling | None = None
    """That of the first one unless said."""
    basis: Basis | None = None
    """That the first one starts from; None: it is solved from scratch."""
    session: Proven | None = field(default=None, repr=False)

    def solve(self, program: Program, time_limit: float | None = None) -> Outcome:
        """The best plan of the next programme."""
        costs_alone = False
        if self.session is not None:
            costs_alone = self.session.change_to(program)
        else:
            self.session = Proven(program, scaling=self.scaling)
            if self.basis is None:
                return self.session.solve(time_limit=time_limit)
            self.session.start_from_basis(self.basis)
        return self.session.resolve(time_limit=time_limit, primal=costs_alone)

    def twin(self) -> Series:
        """Another that goes on from the last basis, here or in another process."""
        basis = self.basis if self.session is None else self.session.basis()
        return replace(self, basis=basis, session=None)
