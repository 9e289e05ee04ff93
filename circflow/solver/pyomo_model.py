"""A scenario's programme as a Pyomo model, and its solution by any solver that Pyomo knows.

The model is made from the same declarations as the arrays that HiGHS gets, with sets, variables
and constraints under the names of the algebra (docs/model.md): `flow[from, to, material, mode,
period]` over the set `FLOW_INDEX`, the constraint `capacity[unit, period]`, the objective
`plan_value` (maximised, in million currency). Pyomo is imported here only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from circflow.algebra.build import build
from circflow.algebra.declare import Limit, Model, keys_of_rows
from circflow.data.arguments import public
from circflow.data.errors import CircflowError
from circflow.data.scenario import Scenario
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.solver.compiled import Compiled
from circflow.solver.highs import Outcome


class SolverMissingError(CircflowError, ValueError):
    """A solver that Pyomo does not know, or that is not on this machine."""


@public
def model(scenario: Scenario, *, relax: bool = False) -> pyo.ConcreteModel:
    """The programme of a scenario as a Pyomo `ConcreteModel`; with `relax`, yes/no decisions may
    be fractions.

    Raises:
        ValueError: a limit without a variable that cannot hold (there is no plan).
    """
    return _model_of(build(scenario, relax=relax))


def _model_of(m: Model) -> pyo.ConcreteModel:
    p = pyo.ConcreteModel(name=m.scenario.name)
    listed: list[Any] = []
    for variable in m.variables.values():
        index = pyo.Set(initialize=variable.indices(), dimen=len(variable.index), ordered=True)
        p.add_component(f"{variable.name.upper()}_INDEX", index)
        domain = pyo.Binary if variable.decision else pyo.NonNegativeReals
        family = pyo.Var(index, domain=domain, doc=f"{variable.doc}, {variable.unit}")
        p.add_component(variable.name, family)
        bounds = zip(family.values(), variable.lower.tolist(), variable.upper.tolist(), strict=True)
        for one, low, high in bounds:
            one.setlb(low)
            one.setub(high if np.isfinite(high) else None)
            listed.append(one)
    for limit in m.limits.values():
        _add_rows(p, m, limit, listed)
    worth = m.objective[:-1]
    used = np.flatnonzero(worth)
    total = LinearExpression(
        constant=float(m.objective[-1]),
        linear_coefs=worth[used].tolist(),
        linear_vars=[listed[n] for n in used.tolist()],
    )
    p.plan_value = pyo.Objective(
        expr=total, sense=pyo.maximize, doc=say("the plan's worth, million")
    )
    return p


def _add_rows(p: pyo.ConcreteModel, m: Model, limit: Limit, listed: list[Any]) -> None:
    order = np.argsort(limit.row, kind="stable")
    starts = np.searchsorted(limit.row[order], np.arange(len(limit.items) + 1))
    keys = keys_of_rows(m.scenario, limit.items, limit.over)
    index = pyo.Set(initialize=keys, dimen=len(limit.over), ordered=True)
    p.add_component(f"{limit.name.upper()}_INDEX", index)
    rows = pyo.Constraint(index, doc=limit.formula)
    p.add_component(limit.name, rows)
    for n, key in enumerate(keys):
        at = order[starts[n] : starts[n + 1]]
        left = LinearExpression(
            linear_coefs=limit.coefficient[at].tolist(),
            linear_vars=[listed[c] for c in limit.column[at].tolist()],
        )
        right = float(limit.right[n])
        low = None if limit.sense == "<=" else right
        high = None if limit.sense == ">=" else right
        rows.add(key, (low, left, high))


_NOISE = 1e-9
"""What another solver leaves of a variable that is 0: no figure of a scenario is as small."""
_STATUS = {
    "optimal": Status.OPTIMAL,
    "infeasible": Status.INFEASIBLE,
    "unbounded": Status.UNBOUNDED,
    "infeasibleOrUnbounded": Status.INFEASIBLE,
    "maxTimeLimit": Status.STOPPED,
}


def solve_by(
    name: str, m: Model, compiled: Compiled, *, time_limit: float | None = None
) -> Outcome:
    """The plan that another solver finds, without prices.

    Raises:
        SolverMissingError: Pyomo does not know the solver, or it is not on this machine.
    """
    solver = pyo.SolverFactory(name) if name in list(pyo.SolverFactory) else None
    if solver is None or not solver.available(exception_flag=False):
        raise SolverMissingError(
            "the solver {name!r} is not on this machine, or Pyomo does not know it; "
            "without a name the plan is found by HiGHS",
            name=name,
        )
    p = _model_of(m)
    limits = {"timelimit": time_limit} if time_limit is not None else {}
    results = solver.solve(p, load_solutions=False, **limits)
    status = _STATUS.get(str(results.solver.termination_condition), Status.STOPPED)
    if not len(results.solution):
        return Outcome(status)
    p.solutions.load_from(results)
    values = [one.value for v in m.variables for one in p.component(v).values()]
    x = np.array([0.0 if v is None else v for v in values], dtype=float)[compiled.columns]
    program = compiled.program
    x = np.clip(x, program.lower, program.upper)
    x[np.abs(x) < _NOISE] = 0.0
    x[program.integer] = np.round(x[program.integer])
    objective = float(program.cost @ x) + program.offset
    if status is not Status.OPTIMAL:
        return Outcome(Status.FEASIBLE, objective, -np.inf, np.inf, x)
    return Outcome(status, objective, objective, 0.0, x)
