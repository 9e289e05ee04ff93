"""Every constraint has its row written out in a test, and every variable its bounds."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

RICH: dict[str, Any] = {
    "Periods": [{"period": "a"}, {"period": "b"}],
    "Sites": [
        {"site": "Mine", "member": "A", "latitude": 58, "longitude": 60},
        {"site": "Plant", "latitude": 57, "longitude": 60},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 100}],
    "Stockpiles": [{"site": "Mine", "material": "ash", "opening": 5}],
    "Purchases": [{"material": "lime", "price": 1}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "ash", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "BlendLimits": [
        {"technology": "kiln", "group": "g", "material": "ash", "min": 0.1, "max": 0.5},
    ],
    "Units": [
        {
            "unit": "Old",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 10,
            "min_load": 0.5,
        },
        {
            "unit": "New",
            "site": "Plant",
            "technology": "kiln",
            "capacity_per_year": 10,
            "min_load": 0.5,
            "can_idle": True,
            "status": "candidate",
            "capex_million": 1,
            "capacity_max_per_year": 20,
            "capex_max_million": 2,
            "choice": "kiln",
            "requires": "Old",
        },
    ],
    "Links": [{"from": "Mine", "to": "Plant", "capacity_per_year": 90}],
    "Markets": [{"site": "Plant", "material": "brick", "price": 1}],
    "Disposal": [{"site": "Mine", "fee": 1, "capacity_per_year": 99, "total_capacity": 999}],
    "EmissionFactors": [{"kind": "recipe", "pollutant": "CO2", "factor": 1}],
    "EmissionLimits": [
        {"pollutant": "CO2", "scope": "cluster", "limit_per_year": 9, "penalty": 1},
    ],
    "Synergies": [{"synergy": "s", "value": 1}],
    "SynergyPartners": [{"synergy": "s", "kind": "unit", "partner": "Old"}],
    "Budget": [{"period": "a", "budget_million": 9}],
}


def _covered() -> set[str]:
    """What the marks `@pytest.mark.covers(…)` of the tests in this folder name."""
    names: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            body = ast.dump(ast.Module(node.body, []))
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.covers":
                    for argument in mark.args:
                        name = ast.literal_eval(argument)
                        method = "bounds" if name.startswith("bounds:") else "rows"
                        used = f"attr='{method}'" in body
                        assert used and repr(name.removeprefix("bounds:")) in body, (
                            f"{node.name} says it covers {name} but does not write it out"
                        )
                        names.add(name)
    return names


def test_every_constraint_has_its_row_written_out(written: Callable[..., Any]) -> None:
    scenario = written(RICH)
    constraints = set(scenario.model.limits)
    empty = {name for name in constraints if not scenario.rows(name)}
    assert not empty, f"the scenario above should have rows of {empty}"
    missing = constraints - _covered()
    assert not missing, f"write a test of the rows of {missing} (see CONTRIBUTING.md)"


def test_every_variable_has_its_bounds_written_out(written: Callable[..., Any]) -> None:
    model = written(RICH).model
    variables = set(model.variables)
    assert all(len(model[name]) for name in variables)
    missing = variables - {n.removeprefix("bounds:") for n in _covered() if ":" in n}
    assert not missing, f"write a test of the bounds of {missing}"


def test_no_test_covers_what_is_not_there(written: Callable[..., Any]) -> None:
    model = written(RICH).model
    for name in _covered():
        known = model.variables if name.startswith("bounds:") else model.limits
        assert name.removeprefix("bounds:") in known, name


def test_every_variable_says_what_it_is(written: Callable[..., Any]) -> None:
    model = written(RICH).model
    for variable in model.variables.values():
        assert variable.doc and variable.unit, f"{variable.name} has no doc"
    for limit in (*model.limits.values(), *model.bounds.values()):
        assert limit.formula, f"{limit.name} has no formula"
