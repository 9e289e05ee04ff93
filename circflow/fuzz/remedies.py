"""Random scenarios without a plan, and what must hold of what `explain` says of them.

A condition is a cell that can stand in the way. It is taken away by what a planner would do: a
limit is left blank, a least is 0, waste need not be handled, a capacity is beyond reach (the least
load, a share of it, stays what it was).

    irreducible      only the conditions of a conflict are left: no plan; one less: a plan
    remedy_works     the remedy made (and the conditions of other conflicts taken away): a plan
    nine_tenths      nine tenths of the remedy made: no plan
    together_works   all changes of the list made: a plan
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random

from circflow.data.read import scenario_of
from circflow.data.scenario import ScenarioError
from circflow.data.table import Cell
from circflow.fuzz.judge import Finding, typed
from circflow.fuzz.regions import APART, ORDINARY, Sheets, book_of, columns_of, region
from circflow.fuzz.relations import number
from circflow.model.build import build
from circflow.solution.solution import Status
from circflow.solver.compiled import compile_model
from circflow.solver.explain import Change, Conflict, Explanation, explain
from circflow.solver.optimum import optimum

NAMES = ("explained", "irreducible", "remedy_works", "nine_tenths", "together_works")
Place = tuple[str, int, str]
"""Sheet, number of the row in `Sheets`, column."""

BLANKED = {
    "EmissionLimits": ("limit_per_year",),
    "Stockpiles": ("closing_max", "capacity", "max_reclaim_per_year"),
    "Units": ("choice", "requires"),
    "BlendLimits": ("min", "max"),
    "Markets": ("max_per_year",),
    "Purchases": ("max_per_year",),
    "Disposal": ("capacity_per_year", "total_capacity"),
    "Links": ("capacity_per_year",),
}
ZEROED = {
    "Markets": ("min_per_year",),
    "Stockpiles": ("closing_min",),
    "Units": ("min_load",),
    "UnitPeriods": ("min_load",),
}
SPECIAL = {
    "Budget": ("budget_million",),
    "Streams": ("amount_per_year",),
    "Units": ("capacity_per_year",),
    "UnitPeriods": ("capacity_per_year",),
}
"""Conditions by how they are taken away."""
_BEYOND = 1e6
"""How many times as large a capacity is that is no condition any more."""


# ------------------------------------------------------------------- scenarios


def blocked_region(rng: Random, tries: int = 6) -> Sheets | None:
    """A random region without a plan; None where none was found."""
    sheets = region(rng, rng.choice([ORDINARY, ORDINARY, APART]))
    for _ in range(tries):
        if not has_plan(sheets):
            return sheets
        rng.choice(_BLOCKS)(sheets, rng)
    return None if has_plan(sheets) else sheets


def has_plan(sheets: Sheets) -> bool:
    """Whether a valid scenario has any plan."""
    program = compile_model(build(typed(sheets))).without_cost()
    return optimum(program).outcome.x is not None
