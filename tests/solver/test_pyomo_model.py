"""The Pyomo model is the programme that is solved, and other solvers find the same plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import circflow as cf
from circflow.algebra.build import build
from circflow.cli import main
from circflow.data.scenario import Scenario
from circflow.solver.compiled import compile_model
from tests.algebra.test_every_constraint import RICH

SHIPPED = ("tutorial", "sverdlovsk", "kuzbass")
no_glpk = pytest.mark.skipif(
    shutil.which("glpsol") is None,
    reason="GLPK (Debian: glpk-utils) is not on this machine",
)


def _rows(matrix: Any, low: Any, high: Any, names: list[str]) -> list[tuple[Any, ...]]:
    """Every row as its entries by the variables' names and its limits, in any order."""
    rows = csr_array(matrix)
    written = []
    for n in range(rows.shape[0]):
        at = slice(rows.indptr[n], rows.indptr[n + 1])
        entries = sorted(
            (names[c], float(v)) for c, v in zip(rows.indices[at], rows.data[at], strict=True)
        )
        written.append((tuple(entries), float(low[n]), float(high[n])))
    return sorted(written)


def _same(scenario: Scenario) -> None:
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    model = build(scenario)
    compiled = compile_model(model)
    program = compiled.program
    ours = [f"{v.name}{k!r}" for v in model.variables.values() for k in v.indices()]
    names = [ours[c] for c in compiled.columns]
    pyomo_model = cf.model(scenario)  # its variables know it as long as it is held
    form = LinearStandardFormCompiler().write(pyomo_model, mixed_form=True)
    theirs = [f"{v.parent_component().local_name}{v.index()!r}" for v in form.columns]
    assert sorted(names) == sorted(theirs)
    kind, right = np.array([row.bound_type for row in form.rows]), np.asarray(form.rhs)
    low, high = np.where(kind > 0, -np.inf, right), np.where(kind < 0, np.inf, right)
    assert _rows(program.matrix, program.row_lower, program.row_upper, names) == _rows(
        form.A, low, high, theirs
    )
    cost = np.asarray(form.c.toarray()).ravel()
    assert dict(zip(theirs, cost, strict=True)) == dict(zip(names, program.cost, strict=True))
    at = {name: n for n, name in enumerate(names)}
    for variable, name in zip(form.columns, theirs, strict=True):
        upper = np.inf if variable.ub is None else variable.ub
        assert (variable.lb, upper) == (program.lower[at[name]], program.upper[at[name]])
        assert variable.is_binary() == program.integer[at[name]]


@pytest.mark.parametrize("name", SHIPPED)
def test_pyomo_s_own_compiler_gives_our_arrays(name: str) -> None:
    _same(cf.read(f"scenarios/{name}.xlsx"))


def test_every_kind_of_limit_is_in_it(make_scenario: Callable[..., Scenario]) -> None:
    import pyomo.environ as pyo

    scenario = make_scenario(RICH)
    _same(scenario)
    model = cf.model(scenario)
    built = build(scenario)
    assert {c.local_name for c in model.component_objects(pyo.Constraint)} == set(built.limits)
    assert {v.local_name for v in model.component_objects(pyo.Var)} == set(built.variables)


@no_glpk
@pytest.mark.parametrize("name", ["tutorial", "sverdlovsk"])
def test_another_solver_finds_the_same_plan(name: str) -> None:
    scenario = cf.read(f"scenarios/{name}.xlsx")
    relax = name != "tutorial"
    ours = cf.solve(scenario, relax=relax)
    theirs = cf.solve(scenario, relax=relax, solver="glpk")
    assert theirs.objective == pytest.approx(ours.objective, rel=1e-6)
    assert theirs.audit.passed


@pytest.mark.parametrize("name", ["nosuch", "gurobi_direct"])
def test_a_solver_that_is_not_there_is_told(name: str, capsys: Any) -> None:
    with pytest.raises(cf.SolverMissingError, match=f"'{name}' is not on this machine"):
        cf.solve(cf.read("scenarios/tutorial.xlsx"), solver=name)
    assert main(["solve", "scenarios/tutorial.xlsx", "--solver", name]) == 2
    assert f"the solver '{name}' is not on this machine" in capsys.readouterr().err
