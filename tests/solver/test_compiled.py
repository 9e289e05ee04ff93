"""A model as arrays: every row, column, bound and cost in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from circflow.algebra.terms import CONSTANT
from circflow.solver.highs import Session

SHEETS: dict[str, Any] = {
    "Sites": [{"site": "Plant"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Plant", "material": "slag", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 2},
    ],
    "Units": [
        {
            "unit": "K",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 80,
            "min_load": 0.5,
            "can_idle": True,
            "fixed_cost_million_per_year": 3,
        }
    ],
    "Markets": [{"site": "Plant", "material": "brick", "price": 30, "max_per_year": 500}],
    "Disposal": [{"site": "Plant", "fee": 10}],
    # Nobody emits it: its joint activity occurs in no row and no cost.
    "Synergies": [{"synergy": "idle", "value": 0, "max_per_year": 4}],
}


def test_rows_columns_and_bounds(written: Callable[..., Any]) -> None:
    made = written(SHEETS)
    program = made.compiled.program
    assert program.shape == (5, 5)
    names = [made.names[c] for c in made.compiled.columns]
    assert sorted(names) == [
        "activity[K,main,1]",
        "disposed[Plant,slag,2,1]",
        "running[K,1]",
        "sold[Plant,brick,1,1]",
        "taken[Plant,slag,1]",
    ]
    at = {name: n for n, name in enumerate(names)}
    assert program.lower[at["taken[Plant,slag,1]"]] == 100
    assert program.upper[at["taken[Plant,slag,1]"]] == 100
    assert program.upper[at["sold[Plant,brick,1,1]"]] == 500
    assert program.upper[at["activity[K,main,1]"]] == np.inf
    assert [names[n] for n in np.flatnonzero(program.integer)] == ["running[K,1]"]
    # Minimised, in million: what is earned is negative, the constant is the fixed cost.
    assert program.cost[at["sold[Plant,brick,1,1]"]] == pytest.approx(-30e-6)
    assert program.offset == pytest.approx(3.0)


def test_families_point_at_their_rows(written: Callable[..., Any]) -> None:
    compiled = written(SHEETS).compiled
    assert {n for n, f in compiled.families.items() if len(f.rows)} == {
        "material_balance",
        "capacity",
        "running_capacity",
        "running_min_load",
    }
    places = np.concatenate([f.rows for f in compiled.families.values()])
    assert sorted(places.tolist()) == list(range(5))
    family = compiled.families["material_balance"]
    indices, rows = family.keys, family.rows
    assert indices == [("Plant", "slag", "1"), ("Plant", "brick", "1")]
    assert (compiled.program.row_lower[rows] == 0).all()
    assert (compiled.program.row_upper[rows] == 0).all()


def test_values_puts_every_variable_in_the_model_s_column(written: Callable[..., Any]) -> None:
    made = written(SHEETS)
    compiled = made.compiled
    x = np.arange(1.0, 6.0)
    values = compiled.values(x)
    assert len(values) == made.model.count + 1
    assert values[CONSTANT] == 1.0
    assert (values[compiled.columns] == x).all()
    (unused,) = set(range(made.model.count)) - set(compiled.columns.tolist())
    assert made.names[unused] == "joint_activity[idle,1]"
    assert values[unused] == 0.0
    assert compiled.column_of[unused] == -1
    assert (compiled.column_of[compiled.columns] == np.arange(5)).all()


def test_fixing_decisions_leaves_an_lp_of_the_same_rows(written: Callable[..., Any]) -> None:
    program = written(SHEETS).compiled.program
    outcome = Session(program).solve()
    fixed = program.with_fixed(outcome.x)
    assert not fixed.has_decisions and program.has_decisions
    at = np.flatnonzero(program.integer)
    assert fixed.lower[at] == fixed.upper[at] == np.round(outcome.x[at])
    assert Session(fixed).solve().objective == pytest.approx(outcome.objective)
    assert (fixed.lower[~program.integer] == program.lower[~program.integer]).all()


def test_compiling_does_not_change_the_model(written: Callable[..., Any]) -> None:
    from circflow.solver.compiled import compile_model

    made = written(SHEETS)
    again = compile_model(made.model).program
    assert (again.matrix.toarray() == made.compiled.program.matrix.toarray()).all()
    assert (again.cost == made.compiled.program.cost).all()
