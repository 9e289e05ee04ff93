"""One compiled model on which candidates are put in, taken out and priced.

A scenario is compiled once. A `Setting` says which candidates must be built, which must not, and
what is added to the costs; `Bench.solve` changes bounds, rows and costs of the programme, searches
and solves the LP with the yes/no decisions fixed, which gives the exact value and shadow prices,
proven (see `circflow.solver.optimum`). A bench belongs to one task at a time; `Bench.twin` makes
another on the same arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csc_array

from circflow.algebra.build import build
from circflow.algebra.declare import Model
from circflow.algebra.investment import capex_terms
from circflow.data.coded import Floats, Ints
from circflow.data.scenario import Scenario
from circflow.solution.solution import Solution, Status
from circflow.solver.compiled import Compiled, Program, compile_model
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.solver.proven import Proven, best_value
from circflow.solver.run import read_off, solve
from circflow.solver.scaling import scaling_of
from circflow.studies.errors import StudyError


@dataclass(frozen=True, eq=False)
class Direction:
    """What one unit of a parameter adds to the value of columns (million, weighted, discounted)."""

    columns: Ints
    worth: Floats

    def slope(self, x: Floats) -> float:
        """Change of a plan's value per unit of the parameter."""
        return float(self.worth @ x[self.columns])


@dataclass(frozen=True)
class Setting:
    """What differs from the scenario."""

    out: frozenset[str] = frozenset()
    """Candidates that must not be built."""
    forced: frozenset[str] = frozenset()
    """Candidates that must be built, in whichever period."""
    exempt: frozenset[str] = frozenset()
    """Candidates whose capex the budget does not count."""
    direction: Direction | None = None
    theta: float = 0.0
    """Value of the parameter along the direction."""
    capital: float | None = None
    """Most capital that all candidates together may take, million."""


@dataclass(frozen=True)
class Plan:
    """A plan: the solver's columns, its value, and shadow prices with the decisions fixed."""

    x: Floats = field(repr=False)
    value: float
    """Objective (maximised), million."""
    outcome: Outcome = field(repr=False)
    proven: bool = True


class Bench:
    """A compiled scenario with its candidates' columns and rows."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        gap: float = 1e-6,
        time_limit: float | None = None,
        parts: tuple[Model, Compiled] | None = None,
    ) -> None:
        self.scenario = scenario
        self.gap, self.time_limit = gap, time_limit
        if parts is None:
            m = build(scenario)
            parts = m, compile_model(m)
        self.m, self.compiled = parts
        self.program = self._with_capital_row(self.compiled.program)
        self.units = self._columns("built")
        self.size_columns = self._columns("extra_capacity")
        self.built_columns = np.sort(np.concatenate([_NONE, *self.units.values()]))
        once = self.compiled.families["built_once"]
        self.once = {str(k): int(r) for k, r in zip(once.keys, once.rows, strict=True)}
        self.budgets = self.compiled.families["budget_limit"].rows
        self.scaling = scaling_of(self.program)

    @cached_property
    def linear(self) -> Proven:
        """An LP that is changed and solved again."""
        zeros = np.zeros(self.program.shape[1])
        return Proven(self.program.with_fixed(zeros), scaling=self.scaling)

    def __getstate__(self) -> dict[str, Any]:
        """Without what has been solved: neither a twin nor another process goes on from it."""
        return {name: value for name, value in dict(vars(self)).items() if name != "linear"}

    def twin(self) -> Bench:
        """Another bench on the same arrays, that nothing has been solved on."""
        return copy(self)

    # ----------------------------------------------------------------- names

    def _columns(self, name: str) -> dict[str, Ints]:
        places = self.places(name).groupby("unit", sort=False)["place"]
        return {str(unit): at.to_numpy(np.intp) for unit, at in places}

    def _with_capital_row(self, program: Program) -> Program:
        """The programme with a last row: all capital of all candidates, without a limit."""
        terms = capex_terms(self.m)
        place = self.compiled.column_of[terms.column]
        row = np.zeros(program.shape[1])
        np.add.at(row, place[place >= 0], terms.coefficient[place >= 0])
        self.capex_row = row
        return program.with_rows(row[None, :], -np.inf, np.inf)

    @cached_property
    def sizes(self) -> Ints:
        """All columns of size beyond the smaller capacity."""
        return np.concatenate([_NONE, *self.size_columns.values()])

    @cached_property
    def construction(self) -> Ints:
        """All columns that say what is built: in which period, and how large."""
        return np.append(self.built_columns, self.sizes)

    def held(self, construction: Floats, program: Program | None = None) -> Program:
        """The programme (or another of the same rows) in which construction is held: its own
        limits (budgets and the span of sizes) are set aside, as what is held was built within
        them."""
        sizes = self.compiled.families["extra_capacity_limit"].rows
        rows = np.append(self.budgets, sizes).astype(np.intp)
        free = (program or self.program).with_limits(rows, upper=np.inf)
        return free.with_bounds(self.construction, construction, construction)

    def value(self, program: Program, gap: float) -> float:
        """The worth of the best plan of a programme with the same entries, million; −inf where
        there is none."""
        return best_value(program, self.linear, gap=gap, scaling=self.scaling)

    def construction_of(self, x: Floats) -> Floats:
        """What a plan builds, exactly yes or no, in the columns `construction`."""
        count = len(self.built_columns)
        return np.append(np.round(x[self.built_columns]), x[self.construction[count:]])

    def is_built(self, unit: str, x: Floats) -> bool:
        """Whether a plan builds a candidate."""
        return unit in self.units and float(x[self.units[unit]].sum()) > 0.5

    def built(self, x: Floats) -> list[str]:
        """The candidates that a plan builds."""
        return [unit for unit in self.units if self.is_built(unit, x)]

    def capex(self, x: Floats, unit: str | None = None) -> float:
        """Undiscounted capex of a plan, million; of one candidate."""
        if unit is None:
            return float(self.capex_row @ x)
        at = self.columns_of(unit)
        return float(self.capex_row[at] @ x[at])

    def standing(self, plan: Plan, units: Sequence[str]) -> pd.DataFrame:
        """Which of some candidates a plan builds: rows of the variable `built`, with the
        capacity_per_year that they have and their capex_million."""
        rows = self.places("built")
        rows = rows[rows["unit"].isin(units) & (plan.x[rows["place"].to_numpy(np.intp)] > 0.5)]
        extra = [float(plan.x[self.size_columns.get(u, _NONE)].sum()) for u in rows["unit"]]
        built: pd.DataFrame = rows.assign(
            capacity_per_year=rows["capacity_per_year"].to_numpy(float) + np.array(extra),
            capex_million=[self.capex(plan.x, unit) for unit in rows["unit"]],
        )
        return built

    def columns_of(self, unit: str) -> Ints:
        """The columns that say when and how large a candidate is built."""
        return np.append(self.units.get(unit, _NONE), self.size_columns.get(unit, _NONE))

    # ----------------------------------------------------------------- solving

    def solve(self, setting: Setting | None = None, start: Floats | None = None) -> Plan | None:
        """The best plan under a setting; None where there is none."""
        outcome = optimum(
            self._asked(setting or Setting()),
            gap=self.gap,
            time_limit=self.time_limit,
            start=start,
            scaling=self.scaling,
            light=True,
        ).outcome
        if outcome.x is None:
            return None
        return Plan(outcome.x, -outcome.objective, outcome, outcome.status is Status.OPTIMAL)

    def building(
        self, unit: str, out: frozenset[str] = frozenset(), start: Floats | None = None
    ) -> tuple[Setting, Plan | None, bool]:
        """The best plan in which a candidate is built and those `out` are not, its setting, and
        whether the budgets allow it: where they do not, its capital is set beside them."""
        setting = Setting(out=out, forced=frozenset({unit}))
        plan = self.solve(setting, start=start)
        if plan is not None or not len(self.budgets):
            return setting, plan, plan is not None
        setting = replace(setting, exempt=setting.forced)
        return setting, self.solve(setting), False

    def best(self) -> Plan:
        """The best plan. Raises NoPlan, which tells why there is none, or StudyError."""
        plan = self.solve()
        if plan is None:
            solve(self.scenario, time_limit=self.time_limit)  # tells why
            raise StudyError("no plan was found")
        return plan

    def hold(self, decisions: Floats, setting: Setting | None = None) -> Plan | None:
        """The best plan with all yes/no decisions as in another; None where there is none."""
        asked = self._asked(replace(setting or Setting(), out=frozenset()))
        self.linear.change_to(asked.with_fixed(decisions))
        outcome = self.linear.resolve()
        if outcome.x is None:
            return None
        return Plan(outcome.x, -outcome.objective, outcome)

    def _asked(self, setting: Setting) -> Program:
        """The programme under a setting."""
        program = self.program
        out = [self.units[unit] for unit in setting.out if unit in self.units]
        if out:
            program = program.with_bounds(np.concatenate(out), upper=0.0)
        if setting.forced:
            once = np.array([self.once[unit] for unit in setting.forced], dtype=np.intp)
            program = program.with_limits(once, lower=1.0, upper=1.0)
        if setting.capital is not None:
            program = program.with_limits(slice(-1, None), upper=setting.capital)
        if setting.direction is not None:
            at = setting.direction.columns
            cost = program.cost[at] - setting.theta * setting.direction.worth
            program = program.with_costs(cost, at)
        if setting.exempt:
            exempt = np.concatenate([self.columns_of(unit) for unit in setting.exempt])
            program = _exempted(program, self.budgets, exempt)
        return program

    # ----------------------------------------------------------------- reading

    def solution(self, plan: Plan) -> Solution:
        """A plan as tidy tables."""
        fixed, dual = self.program.has_decisions, plan.outcome.row_dual
        outcome = replace(plan.outcome, gap=self.gap if fixed else 0.0)
        if dual is not None:  # without the row of all capital
            outcome = replace(outcome, row_dual=dual[:-1])
        return read_off(self.m, self.compiled, outcome, fixed=fixed)

    def amounts(self, columns: pd.Series[int], x: Floats) -> Floats:
        """What a plan has in columns of the model; 0 where they are not in the programme."""
        at = self.compiled.column_of[columns.to_numpy(np.intp)]
        return np.where(at >= 0, x[at], 0.0)

    def places(self, name: str) -> pd.DataFrame:
        """The rows of a variable that stand in the programme, with their `place` there."""
        rows = self.m[name].frame
        place = self.compiled.column_of[rows["column"].to_numpy(np.intp)]
        placed: pd.DataFrame = rows.assign(place=place)[place >= 0]
        return placed


def _exempted(program: Program, rows: Ints, columns: Ints) -> Program:
    """The programme with the entries of columns in rows at 0."""
    matrix = program.matrix
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    entries = np.isin(matrix.indices, rows) & np.isin(column, columns)
    data = np.where(entries, 0.0, matrix.data)
    none = csc_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    return replace(program, matrix=none)


_NONE: Ints = np.array([], dtype=np.intp)
