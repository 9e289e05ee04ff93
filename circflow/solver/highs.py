"""A HiGHS session: a programme is passed once, solved, changed and solved again.

Everything that goes in and comes out is in the planner's units; scaling happens inside.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from circflow.data.coded import Floats
from circflow.data.errors import CircflowError
from circflow.i18n import say
from circflow.solution.proof import Extended
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.scaling import Scaling, apply, scaling_of

ALGORITHMS = ("simplex", "ipx", "hipo")
"""Algorithms for LPs by HiGHS' names: the dual simplex method, and two interior point methods with
crossover; `hipo` comes with the extra of that name. (`ipm` is one or the other, as installed.)"""

INTERIOR_POINT_FROM = 100_000
"""Nonzeros from which an LP is solved by interior point with crossover rather than by the simplex
method, when there is no basis to start from (benchmarks/algorithms.py measures it)."""

SMALL_SEARCH_BELOW = 100_000
"""Nonzeros below which the search over decisions goes without restarts and without searches in
smaller copies of itself: they took nine tenths of the 7.5 s of the Sverdlovsk case, while a node
of its tree takes milliseconds (0.6 s without them)."""

_HEAVY_SEARCH = (
    "mip_allow_restart",
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
    "mip_heuristic_run_root_reduced_cost",
)

LIGHT_SEARCH: Mapping[str, bool | int | float | str] = MappingProxyType(
    {"mip_root_presolve_only": True, "mip_pscost_minreliable": 1}
)
"""HiGHS' options for small searches: a fifth less time, all in all."""

KNOWN_SEARCH: Mapping[str, bool | int | float | str] = MappingProxyType(
    {**LIGHT_SEARCH, "mip_heuristic_run_feasibility_jump": False}
)
"""The same where the plan is much like one that is known, as in the hundreds of searches of a
study: a twentieth less again."""

TOLERANCE = 1e-9
"""Feasibility and optimality tolerance of LPs, in the scaled programme."""

INTEGRALITY = 1e-6
"""How far a yes/no decision may be from 0 and 1 in the search."""

_SMALLEST_ENTRY = 1e-12
"""Entries of the scaled matrix below this are left out by HiGHS."""

_ITERATIONS = 20
"""Iterations per row and column after which an LP is given up: the simplex method has gone astray.
The counts of ordinary LPs are a few per row."""
_IPM_ITERATIONS = 500
"""The same of the interior-point method, whose counts hardly grow with the size: 100 or 200."""

NO_OPTIONS: Mapping[str, bool | int | float | str] = MappingProxyType({})

_QUICK = 20_000
"""Nonzeros below which an LP is solved too quickly to be worth stopping."""
_LISTEN_SECONDS = 0.1
_STOP_SECONDS = 5.0

_LOST = (
    highspy.HighsModelStatus.kSolveError,
    highspy.HighsModelStatus.kUnknown,
    highspy.HighsModelStatus.kNotset,
    highspy.HighsModelStatus.kPresolveError,
    highspy.HighsModelStatus.kPostsolveError,
)


@dataclass(frozen=True)
class Outcome:
    """What a run gave, in the planner's units; `x` and the duals only where there is a plan.

    `objective` is that of the minimised programme, `bound` the proven one; `row_dual` is the
    change of the minimum per unit of a row's limit, `reduced_cost` per unit of a column's bound.
    """

    status: Status
    objective: float = np.nan
    bound: float = np.nan
    gap: float = np.nan
    x: Floats | None = None
    row_dual: Floats | None = None
    reduced_cost: Floats | None = None


@dataclass(frozen=True)
class Basis:
    """Status of every column and row (HiGHS' numbers), to start a simplex run from."""

    columns: NDArray[np.int8]
    rows: NDArray[np.int8]


class SolverError(CircflowError, RuntimeError):
    """HiGHS stopped for a reason that is not a property of the scenario."""


def algorithm_missing(name: str) -> str:
    """Why an algorithm is not to be had, "" where it is."""
    if name not in ALGORITHMS:
        return say(
            "there is no algorithm {name!r}: there are {algorithms}",
            name=name,
            algorithms=", ".join(ALGORITHMS),
        )
    known = _quiet(highspy.Highs()).setOptionValue("solver", name) == highspy.HighsStatus.kOk
    return (
        "" if known else say("{name} is not installed: pip install 'circflow[{name}]'", name=name)
    )


def _quiet(highs: Any) -> Any:
    highs.setOptionValue("output_flag", False)
    return highs


def _banner_turned_away() -> None:
    """From 1.16, HiGHS writes its name to standard output when the first of its solvers is made,
    whatever its options: so it is made here, with the file descriptor turned away."""
    try:
        kept = os.dup(1)
    except OSError:  # closed: nothing can be written there
        return
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            _quiet(highspy.Highs())
        finally:
            os.dup2(kept, 1)
            os.close(kept)


_banner_turned_away()


class Session:
    """A programme in HiGHS. Not to be shared between threads.

    `program` is what HiGHS holds, changes included.
    """

    def __init__(
        self,
        program: Program,
        *,
        scaling: Scaling | None = None,
        options: Mapping[str, bool | int | float | str] = NO_OPTIONS,
        on_progress: Callable[[float, float], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Pass the programme, with HiGHS' own `options` where they are not those of the house.

        `on_progress(best, bound)` is called while decisions are searched; a run ends with what it
        has soon after `stop()` is true.
        """
        self.program = program
        self._entries: Extended | None = None
        self.stop = stop
        self.scaling = scaling or scaling_of(program)
        if (self.scaling.columns[program.integer] != 1.0).any():
            raise SolverError(
                "decisions are counted in ones: these scales are of another programme"
            )
        self.highs = highspy.Highs()
        self._option("output_flag", False)
        self._option("primal_feasibility_tolerance", TOLERANCE)
        self._option("dual_feasibility_tolerance", TOLERANCE)
        self._option("threads", 1)  # and a fixed seed: the same programme, the same plan
        self._option("random_seed", 0)
        self._option("small_matrix_value", _SMALLEST_ENTRY)
        self._option("mip_feasibility_tolerance", INTEGRALITY)
        self._option("mip_abs_gap", 0.0)
        self._option("simplex_iteration_limit", _ITERATIONS * (sum(program.shape) + 1_000))
        self._option("ipm_iteration_limit", _IPM_ITERATIONS)
        self.options = options
        for name, value in options.items():
            self._option(name, value)
        self._pass(apply(program, self.scaling))
        if on_progress is not None and program.has_decisions:
            self._report(on_progress)

    def _option(self, name: str, value: bool | int | float | str) -> None:
        if self.highs.setOptionValue(name, value) == highspy.HighsStatus.kError:
            raise SolverError(
                "HiGHS does not know the option {name} = {value}", name=name, value=value
            )

    def _pass(self, scaled: Program) -> None:
        figures = (
            scaled.cost, scaled.offset, scaled.matrix.data, scaled.row_lower, scaled.row_upper,
            scaled.lower, scaled.upper,
        )  # fmt: skip
        if any(np.isnan(figure).any() for figure in figures):  # HiGHS would never end
            raise SolverError("the programme holds a figure that is no number")
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
            lp.integrality_ = [kinds[flag] for flag in scaled.integer.tolist()]
        if self.highs.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the programme")

    def _report(self, on_progress: Callable[[float, float], None]) -> None:
        scale = self.scaling.objective
        # HiGHS calls back once per line of its log, and only if it writes one.
        self._option("log_to_console", False)
        self._option("output_flag", True)

        def tell(event: object) -> None:
            out = event.data_out  # type: ignore[attr-defined]
            on_progress(out.mip_primal_bound / scale, out.mip_dual_bound / scale)

        self.highs.cbMipLogging += tell

    def solve(
        self, *, time_limit: float | None = None, gap: float = 1e-6, algorithm: str = ""
    ) -> Outcome:
        """Solve from scratch: LPs by the algorithm that their size asks for.

        Args:
            time_limit: seconds.
            gap: relative gap at which the search over yes/no decisions ends.
            algorithm: one of `ALGORITHMS` instead of the rule; in a search, for its LPs.
        """
        if self.program.has_decisions:
            self._option("mip_rel_gap", gap)
            self._option("mip_lp_solver", algorithm or "choose")
            algorithm = "choose"
            lean = self.program.matrix.nnz < SMALL_SEARCH_BELOW
            for name in _HEAVY_SEARCH:
                self._option(name, not lean)
        elif not algorithm:
            algorithm = "ipx" if self.program.matrix.nnz >= INTERIOR_POINT_FROM else "simplex"
        self._option("solver", algorithm)
        return self._run(time_limit)

    def resolve(self, *, time_limit: float | None = None, primal: bool = False) -> Outcome:
        """Solve an LP again from the last basis: dual simplex, or primal after costs changed."""
        self._option("solver", "simplex")
        self._option("simplex_strategy", 4 if primal else 1)
        return self._run(time_limit)

    def change_to(self, program: Program) -> bool:
        """Pass what differs in a programme with the same entries; whether that is costs alone."""
        old, matrix = self.program, program.matrix
        costs = np.flatnonzero(old.cost != program.cost)
        bounds = np.flatnonzero((old.lower != program.lower) | (old.upper != program.upper))
        rows = np.flatnonzero(
            (old.row_lower != program.row_lower) | (old.row_upper != program.row_upper)
        )
        entries = np.flatnonzero(old.matrix.data != matrix.data)
        if len(costs):
            scaled = program.cost[costs] * self.scaling.columns[costs] * self.scaling.objective
            self.highs.changeColsCost(len(costs), costs.astype(np.int32), scaled)
        if old.offset != program.offset:
            self.highs.changeObjectiveOffset(program.offset * self.scaling.objective)
        if len(bounds):
            ends = np.stack([program.lower[bounds], program.upper[bounds]])
            ends /= self.scaling.columns[bounds]
            self.highs.changeColsBounds(len(bounds), bounds.astype(np.int32), *ends)
        limits = np.stack([program.row_lower[rows], program.row_upper[rows]])
        limits *= self.scaling.rows[rows]
        for limit in zip(rows.tolist(), *limits.tolist(), strict=True):
            self.highs.changeRowBounds(*limit)
        row, column = matrix.indices[entries], np.searchsorted(matrix.indptr, entries, "right") - 1
        scaled = matrix.data[entries] * self.scaling.rows[row] * self.scaling.columns[column]
        for entry in zip(row.tolist(), column.tolist(), scaled.tolist(), strict=True):
            self.highs.changeCoeff(*entry)
        self.program = program
        if len(entries):
            self._entries = None
        return not (len(bounds) or len(rows) or len(entries))

    @property
    def entries(self) -> Extended:
        """The programme's entries as its proofs take them: made once, until one is changed."""
        if self._entries is None:
            self._entries = Extended(self.program.matrix)
        return self._entries

    @property
    def forgiven(self) -> float:
        """What a plan may be better by, million, and be passed over by a search."""
        tolerance = float(self.options.get("mip_feasibility_tolerance", INTEGRALITY))
        return tolerance / self.scaling.objective

    def basis(self) -> Basis | None:
        """The basis of the last run of an LP, None where it left none."""
        basis = self.highs.getBasis()
        if not basis.valid:
            return None
        return Basis(
            np.array([int(s) for s in basis.col_status], dtype=np.int8),
            np.array([int(s) for s in basis.row_status], dtype=np.int8),
        )

    def start_from_basis(self, basis: Basis) -> None:
        """Start the next run of an LP from a basis of the same rows and columns."""
        kinds = [highspy.HighsBasisStatus(n) for n in range(5)]
        start = highspy.HighsBasis()
        start.col_status = [kinds[n] for n in basis.columns.tolist()]
        start.row_status = [kinds[n] for n in basis.rows.tolist()]
        start.valid = True
        self.highs.setBasis(start)

    def farkas_ray(self) -> Floats | None:
        """Why an LP has no plan: multipliers of its rows, None where the last run left none."""
        highs: Any = self.highs  # its stubs lack the rays
        status, exists = highs.getDualRayExist()[:2]
        if status == highspy.HighsStatus.kError or not exists:
            return None
        status, _, ray = highs.getDualRay()
        if status == highspy.HighsStatus.kError:
            return None
        return np.asarray(ray, dtype=float) * self.scaling.rows

    def start_from_plan(self, x: Floats) -> None:
        """Let the search over decisions begin at a plan (its decisions, where it does not fit)."""
        start = highspy.HighsSolution()
        start.col_value = (x / self.scaling.columns).tolist()
        start.value_valid = True
        self.highs.setSolution(start)

    def _run(self, time_limit: float | None) -> Outcome:
        if time_limit is not None:
            # HiGHS counts the time of all runs of a session.
            self._option("time_limit", self.highs.getRunTime() + max(time_limit, 0.0))
        else:
            self._option("time_limit", highspy.kHighsInf)
        if not self.highs.HandleKeyboardInterrupt:  # every setting adds a callback
            self._launch()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            status = self._again(presolve="off")
        # A basis from before can lead the simplex method astray: start afresh, then otherwise.
        if status in _LOST:
            status = self._again(solver="choose")
        # (With an algorithm for LPs HiGHS would forget that decisions are yes or no.)
        if status in _LOST and not self.program.has_decisions:
            status = self._again(solver="ipx", presolve="off")
        return self._outcome(status)

    def _launch(self) -> None:
        """Run HiGHS; a long run ends when it is told to stop, or at Ctrl-C (in the main thread)."""
        quick = not self.program.has_decisions and self.program.matrix.nnz < _QUICK
        here = threading.current_thread() is threading.main_thread()
        if quick or not (here or self.stop):
            self.highs.run()
            return
        self.highs.HandleUserInterrupt = True
        done = threading.Event()

        def work() -> None:
            try:
                self.highs.run()
            finally:
                done.set()

        threading.Thread(target=work, daemon=True).start()
        try:
            while not done.wait(_LISTEN_SECONDS):
                if self.stop is not None and self.stop():
                    self.highs.cancelSolve()
        except KeyboardInterrupt:
            self.highs.cancelSolve()
            done.wait(_STOP_SECONDS)
            raise

    def _again(self, **options: str) -> highspy.HighsModelStatus:
        """Solve from scratch with other options, and put them back."""
        self.highs.clearSolver()
        for name, value in options.items():
            self._option(name, value)
        self._launch()
        self._option("solver", "choose")
        self._option("presolve", self.options.get("presolve", "choose"))
        return self.highs.getModelStatus()

    def _outcome(self, status: highspy.HighsModelStatus) -> Outcome:
        kinds = highspy.HighsModelStatus
        if status in (kinds.kOptimal, kinds.kModelEmpty):
            return self._plan(Status.OPTIMAL)
        if status == kinds.kInfeasible:
            return Outcome(Status.INFEASIBLE)
        if status in (kinds.kUnbounded, kinds.kUnboundedOrInfeasible):
            return Outcome(Status.UNBOUNDED)
        if status in (kinds.kTimeLimit, kinds.kInterrupt):
            feasible = (
                self.highs.getInfo().primal_solution_status
                == highspy.SolutionStatus.kSolutionStatusFeasible
            )
            return self._plan(Status.FEASIBLE) if feasible else Outcome(Status.STOPPED)
        raise SolverError(
            "HiGHS ended with {modelstatustostring}",
            modelstatustostring=self.highs.modelStatusToString(status),
        )

    def _plan(self, status: Status) -> Outcome:
        solution, info, scaling = self.highs.getSolution(), self.highs.getInfo(), self.scaling
        scaled = np.asarray(solution.col_value, dtype=float)
        scaled[np.abs(scaled) < TOLERANCE] = 0.0
        x = np.clip(scaled * scaling.columns, self.program.lower, self.program.upper)
        objective = info.objective_function_value / scaling.objective
        if self.program.has_decisions:
            bound = info.mip_dual_bound / scaling.objective
            return Outcome(status, objective, bound, _gap(objective, bound), x)
        dual = np.asarray(solution.row_dual, dtype=float) * scaling.rows / scaling.objective
        reduced = np.asarray(solution.col_dual, dtype=float) / scaling.columns / scaling.objective
        optimal = status is Status.OPTIMAL
        return Outcome(
            status,
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
