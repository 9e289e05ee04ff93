"""The model of a scenario: every block's variables and limits, the one balance, the one objective.

Balance, for every (site, material, period) that occurs
    taken + bought + Σ outputs of units + Σ (1 − loss) · flow in + reclaimed
        = Σ inputs of units + Σ flow out + sold + disposed + added

Objective, in million currency, maximised
    Σ_t D_t · (weight_value · (income − costs) + weight_synergy · synergy
               + Σ weight_jobs · jobs in service + Σ weight_pollutant · emitted)
    − weight_value · Σ upfront capex · (1 + r)^−start_t
with D_t = Σ_{n<years_t} (1 + r)^−(start_t + n).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from circflow.algebra import (
    capacity,
    conversion,
    disposal,
    emissions,
    investment,
    market,
    stock,
    supply,
    synergy,
    transport,
)
from circflow.algebra.declare import Figure, Model
from circflow.algebra.results import MONEY_TABLE, PRICES, Group, ResultTable
from circflow.algebra.terms import MASS, Terms, stack
from circflow.data.coded import Flags, Floats
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import say

BLOCKS = (
    investment,
    supply,
    conversion,
    capacity,
    stock,
    transport,
    market,
    disposal,
    emissions,
    synergy,
)
"""The pieces of the plant, each after those it builds on."""
TABLES = (
    *("supply", "flows", "activity", "units", "conversions", "sales", "disposal", "stockpiles"),
    *("emissions", "emission_limits", "synergies", "money", "prices", "built"),
)
"""The tables of a plan, in order."""


def money_groups() -> tuple[Group, ...]:
    """The groups of the money table that the blocks declare, in the order of reports."""
    groups = {g.name: g for block in BLOCKS for g in getattr(block, "MONEY", ())}
    return tuple(sorted(groups.values(), key=lambda g: g.order))


def group_named(name: str) -> Group:
    """A group of the money table."""
    return next(g for g in money_groups() if g.name == name)


@cache
def figure_of(kind: str, column: str) -> Figure | None:
    """The figure that the table of prices calls so."""
    return next(
        (
            figure
            for block in BLOCKS
            for figure in vars(block).values()
            if isinstance(figure, Figure) and (figure.kind, figure.column) == (kind, column)
        ),
        None,
    )


def results() -> tuple[ResultTable, ...]:
    """The tables of a plan, in the order of `Tables`."""
    by_name = {r.name: r for block in BLOCKS for r in getattr(block, "RESULTS", ())}
    return tuple((by_name | {r.name: r for r in (MONEY_TABLE, PRICES)})[name] for name in TABLES)


def result(name: str) -> ResultTable | None:
    """A table of a plan by its name, None where a plan has no such table."""
    return next((r for r in results() if r.name == name), None)


def for_synergy(m: Model) -> Flags:
    """By code of a group of money: whether it has the weight of synergy; the last is no money."""
    codes, names = m.scenario.codes, [g.name for g in m.groups.values() if g.goal == "synergy"]
    return np.isin(np.arange(len(codes.listed("money")) + 1), codes.of("money", names))


@dataclass(frozen=True)
class Weights:
    """What the objective's parts weigh (the sheet Goals)."""

    value: float = 1.0
    synergy: float = 1.0
    jobs: float = 0.0
    """Million currency per job and year."""
    emission: dict[str, float] = field(default_factory=dict)
    """Currency per tonne, by pollutant; negative to avoid."""


def weights(scenario: Scenario) -> Weights:
    """The weights of a scenario's goals; what is not listed keeps its default."""
    goals = scenario.frame("Goals")
    listed = dict(zip(goals["goal"], goals["weight"].astype(float), strict=True))
    emission = {
        goal.removeprefix("emission:").strip(): weight
        for goal, weight in listed.items()
        if goal.startswith("emission:")
    }
    plain = {goal: listed[goal] for goal in ("value", "synergy", "jobs") if goal in listed}
    return Weights(**plain, emission=emission)


def build(scenario: Scenario, *, relax: bool = False) -> Model:
    """The model of a scenario; with `relax`, yes/no decisions may be fractions."""
    m = Model(scenario, relax)
    for block in BLOCKS:
        block.build(m)
    unlisted = set(m.groups) - {g.name for g in money_groups()}
    if unlisted:
        raise ValueError(
            say("{list}: not in the MONEY of any block", list=", ".join(sorted(unlisted)))
        )
    m.limit(
        "material_balance",
        over=MASS,
        left=stack(m.mass, MASS),
        sense="==",
        right=0.0,
        formula="Σ what enters a site − Σ what leaves it = 0, for each material in each period",
    )
    terms = weighted_terms(m)
    worth = terms.coefficient * discount(scenario, terms)
    column = np.where(terms.column < 0, m.count, terms.column)
    m.objective = np.bincount(column, worth, m.count + 1).astype(float)
    return m


def weighted_terms(m: Model) -> Terms:
    """The terms of the objective before they are discounted: part, money, unit, period, lump.

    Coefficients are weighted, in million currency. Parts are `value` (with the upfront capital),
    `synergy`, `jobs` and `emission:<pollutant>`.
    """
    goal, codes, money = weights(m.scenario), m.scenario.codes, m.money
    names = ["value", "synergy", "jobs", *(f"emission:{p}" for p in goal.emission)]
    part = codes.of("part", names)
    is_synergy = for_synergy(m)[money["money"]]
    weighted = money.times(np.where(is_synergy, goal.synergy, goal.value))
    parts = [
        weighted.labelled(part=np.where(is_synergy, part[1], part[0])),
        investment.jobs(m).times(goal.jobs).labelled(part=int(part[2])),
    ]
    for number, (pollutant, weight) in enumerate(goal.emission.items(), 3):
        chosen = m.emission["pollutant"] == codes.known("pollutant", pollutant)
        tonnes = m.emission.where(chosen).times(weight / MILLION)
        parts.append(tonnes.labelled(part=int(part[number])))
    return stack(parts, ("part", "money", "unit", "period", "lump"))


def discount(scenario: Scenario, terms: Terms) -> Floats:
    """What money counts today: D_t for yearly money, (1 + r)^−start for a lump sum."""
    periods, at = scenario.period_items, terms["period"]
    return np.asarray(np.where(terms["lump"] == 1, periods["once"][at], periods["weight"][at]))


def objective_terms(m: Model) -> pd.DataFrame:
    """What the objective adds up: part, period, column, coefficient (weighted, discounted)."""
    terms = weighted_terms(m)
    worth = terms.times(discount(m.scenario, terms))
    return worth.frame(m.scenario.codes, "part", "period")
