"""A HiGHS session: a programme is passed once, solved, changed and solved again.

Everything that goes in and comes out is in the planner's units; scaling happens inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import highspy
import numpy as np
from numpy.typing import NDArray

from circflow.solve.compiled import Program
from circflow.solve.scaling import Scaling, apply, scaling_of

Floats = NDArray[np.float64]

INTERIOR_POINT_FROM = 100_000
"""Nonzeros from which an LP is solved by interior point with crossover rather than by the simplex
method, when there is no basis to start from (benchmarks/algorithms.py measures it)."""

TOLERANCE = 1e-9
"""Feasibility and optimality tolerance of LPs, in the scaled programme."""

_LOST = (
    highspy.HighsModelStatus.kSolveError,
    highspy.HighsModelStatus.kUnknown,
    highspy.HighsModelStatus.kNotset,
    highspy.HighsModelStatus.kPresolveError,
    highspy.HighsModelStatus.kPostsolveError,
)


class Ending(StrEnum):
    """How a run of the solver ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """What a run gave, in the planner's units; `x` and the duals only where there is a plan.

    `objective` is that of the minimised programme, `bound` the proven one; `row_dual` is the
    change of the minimum per unit of a row's limit, `reduced_cost` per unit of a column's bound.
    """

    ending: Ending
    objective: float = np.nan
    bound: float = np.nan
    gap: float = np.nan
    x: Floats | None = None
    row_dual: Floats | None = None
    reduced_cost: Floats | None = None


class SolverError(RuntimeError):
    """HiGHS stopped for a reason that is not a property of the scenario."""


class Session:
    """A programme in HiGHS. Not to be shared between threads."""

    def __init__(
        self,
        program: Program,
        *,
        scaling: Scaling | None = None,
        on_progress: Callable[[float, float], None] | None = None,
    ) -> None:
        """Pass the programme. `on_progress(best, bound)` is called while decisions are searched."""
        self.program = program
        self.lower, self.upper = program.lower.copy(), program.upper.copy()
        self.scaling = scaling or scaling_of(program)
        self.highs = highspy.Highs()
        self._option("output_flag", False)
        self._option("primal_feasibility_tolerance", TOLERANCE)
        self._option("dual_feasibility_tolerance", TOLERANCE)
        self._option("threads", 1)
        self._spent = 0.0
        self._pass(apply(program, self.scaling))
        if on_progress is not None and program.has_decisions:
            self._report(on_progress)

    def _option(self, name: str, value: object) -> None:
        if self.highs.setOptionValue(name, value) == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS does not know the option {name} = {value}")

    def _pass(self, scaled: Program) -> None:
        lp = highspy.HighsLp()
        rows, columns = scaled.shape
        lp.num_row_, lp.num_col_ = rows, columns
        lp.col_cost_, lp.offset_ = scaled.cost, scaled.offset
        lp.col_lower_, lp.col_upper_ = scaled.lower, scaled.upper
        lp.row_lower_, lp.row_upper_ = scaled.row_lower, scaled.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = scaled.matrix.indptr
        lp.a_matrix_.index_ = scaled.matrix.indices
        lp.a_matrix_.value_ = scaled.matrix.data
        if scaled.has_decisions:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(flag)] for flag in scaled.integer]
        if self.highs.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the programme")

    def _report(self, on_progress: Callable[[float, float], None]) -> None:
        scale = self.scaling.objective

        def tell(event: object) -> None:
            out = event.data_out  # type: ignore[attr-defined]
            on_progress(out.mip_primal_bound / scale, out.mip_dual_bound / scale)

        self.highs.cbMipLogging += tell

    def solve(self, *, time_limit: float | None = None, gap: float = 1e-6) -> Outcome:
        """Solve from scratch: LPs by the algorithm that their size asks for.

        Args:
            time_limit: seconds.
            gap: relative gap at which the search over yes/no decisions ends.
        """
        large = self.program.matrix.nnz >= INTERIOR_POINT_FROM
        # A basis is none after interior point, unless crossover makes one: it is on by default.
        self._option("solver", "ipm" if large and not self.program.has_decisions else "choose")
        if self.program.has_decisions:
            self._option("mip_rel_gap", gap)
            self._option("mip_lp_solver", "choose")
        return self._run(time_limit)

    def resolve(self, *, time_limit: float | None = None, primal: bool = False) -> Outcome:
        """Solve an LP again from the last basis: dual simplex, or primal after costs changed."""
        self._option("solver", "simplex")
        self._option("simplex_strategy", 4 if primal else 1)
        return self._run(time_limit)

    def change_costs(self, columns: NDArray[np.intp], costs: Floats) -> None:
        """Replace costs (minimised, million currency per unit)."""
        scaled = costs * self.scaling.columns[columns] * self.scaling.objective
        self.highs.changeColsCost(len(columns), columns.astype(np.int32), scaled)

    def change_bounds(self, columns: NDArray[np.intp], lower: Floats, upper: Floats) -> None:
        """Replace bounds of variables."""
        self.lower[columns], self.upper[columns] = lower, upper
        scale = self.scaling.columns[columns]
        self.highs.changeColsBounds(
            len(columns), columns.astype(np.int32), lower / scale, upper / scale
        )

    def _run(self, time_limit: float | None) -> Outcome:
        if time_limit is not None:
            # HiGHS counts the time of all runs of a session.
            self._option("time_limit", self.highs.getRunTime() + max(time_limit, 0.0))
        else:
            self._option("time_limit", highspy.kHighsInf)
        self.highs.HandleKeyboardInterrupt = True
        self.highs.solve()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            status = self._again(presolve="off")
        # A basis from before can lead the simplex method astray: start afresh, then otherwise.
        if status in _LOST:
            status = self._again(solver="choose")
        if status in _LOST:
            status = self._again(solver="ipm", presolve="off")
        return self._outcome(status)

    def _again(self, **options: str) -> highspy.HighsModelStatus:
        """Solve from scratch with other options, and put them back."""
        self.highs.clearSolver()
        for name, value in options.items():
            self._option(name, value)
        self.highs.solve()
        self._option("solver", "choose")
        self._option("presolve", "choose")
        return self.highs.getModelStatus()

    def _outcome(self, status: highspy.HighsModelStatus) -> Outcome:
        kinds = highspy.HighsModelStatus
        if status in (kinds.kOptimal, kinds.kModelEmpty):
            return self._plan(Ending.OPTIMAL)
        if status == kinds.kInfeasible:
            return Outcome(Ending.INFEASIBLE)
        if status in (kinds.kUnbounded, kinds.kUnboundedOrInfeasible):
            return Outcome(Ending.UNBOUNDED)
        if status in (kinds.kTimeLimit, kinds.kInterrupt, kinds.kIterationLimit):
            feasible = (
                self.highs.getInfo().primal_solution_status
                == highspy.SolutionStatus.kSolutionStatusFeasible
            )
            return self._plan(Ending.FEASIBLE) if feasible else Outcome(Ending.STOPPED)
        raise SolverError(f"HiGHS ended with {self.highs.modelStatusToString(status)}")

    def _plan(self, ending: Ending) -> Outcome:
        solution, info, scaling = self.highs.getSolution(), self.highs.getInfo(), self.scaling
        scaled = np.asarray(solution.col_value, dtype=float)
        scaled[np.abs(scaled) < TOLERANCE] = 0.0
        x = np.clip(scaled * scaling.columns, self.lower, self.upper)
        objective = info.objective_function_value / scaling.objective
        if self.program.has_decisions:
            bound = info.mip_dual_bound / scaling.objective
            return Outcome(ending, objective, bound, _gap(objective, bound), x)
        dual = np.asarray(solution.row_dual, dtype=float) * scaling.rows / scaling.objective
        reduced = np.asarray(solution.col_dual, dtype=float) / scaling.columns / scaling.objective
        optimal = ending is Ending.OPTIMAL
        return Outcome(
            ending,
            objective,
            objective if optimal else -np.inf,
            0.0 if optimal else np.inf,
            x,
            dual,
            reduced,
        )


def _gap(objective: float, bound: float) -> float:
    """|objective − bound| / |objective| (0 where both are 0)."""
    distance = abs(objective - bound)
    return 0.0 if distance == 0.0 else distance / max(abs(objective), 1e-10)
