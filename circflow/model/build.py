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

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from circflow.data.pandas_text import python_strings
from circflow.data.scenario import MILLION, Scenario
from circflow.model import (
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
from circflow.model.terms import (
    CONSTANT,
    MASS,
    MONEY,
    Model,
    Rows,
    index_set,
    linear,
    new_model,
    no_garbage_collection,
    periods_table,
    stack,
)

MASS_BLOCKS = (supply, conversion, transport, market, disposal, stock)
"""Blocks that move material into or out of a place."""
MONEY_BLOCKS = (*MASS_BLOCKS, investment, synergy, emissions)
"""Blocks that earn or pay."""
TABLE_BLOCKS = (*MONEY_BLOCKS, capacity)
"""Blocks with output tables."""

PLACE = ["site", "material", "period"]


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


@python_strings()
def build(scenario: Scenario, *, relax: bool = False) -> Model:
    """The Pyomo model of a scenario; with `relax`, yes/no decisions may be fractions."""
    with no_garbage_collection():
        m = new_model(scenario)
        investment.build(m, relax=relax)
        supply.build(m)
        conversion.build(m)
        capacity.build(m, relax=relax)
        transport.build(m)
        market.build(m)
        disposal.build(m)
        stock.build(m)
        emissions.build(m, [t for block in MASS_BLOCKS for t in block.emitting(m)])
        synergy.build(m)
        m.money = stack([t for block in MONEY_BLOCKS for t in block.money(m)], MONEY)
        _add_balance(m)
        _add_objective(m)
    return m


def _add_balance(m: Model) -> None:
    terms = stack([block.mass(m) for block in MASS_BLOCKS], MASS)
    codes = pd.DataFrame(
        {
            "site": _codes(terms["site"], m.scenario.frame("Sites")["site"]),
            "material": _codes(terms["material"], m.scenario.frame("Materials")["material"]),
            "period": _codes(terms["period"], pd.Series([p.name for p in m.scenario.periods])),
        }
    )
    order = np.lexsort((codes["period"], codes["material"], codes["site"]))
    net_gain = Rows(m, terms.iloc[order], PLACE)
    index_set(m, "PLACES", net_gain.keys(), 3)

    @m.Constraint(m.PLACES)
    def material_balance(m: Model, site: str, material: str, period: str) -> pyo.Expression:
        """Σ what enters a site − Σ what leaves it = 0, for each material in each period"""
        return net_gain[site, material, period] == 0.0


def _codes(names: pd.Series[str], listed: pd.Series[str]) -> np.ndarray:
    return pd.Index(listed, dtype=object).get_indexer(pd.Index(names, dtype=object))


def objective_terms(m: Model) -> pd.DataFrame:
    """What the objective adds up, per part: part, period, column, coefficient.

    Coefficients are weighted and discounted, in million currency. Parts are `value` (with the
    upfront capital), `synergy`, `jobs` and `emission:<pollutant>`.
    """
    terms = weighted_terms(m)
    coefficient = terms["coefficient"].to_numpy(float) * discount(m.scenario, terms)
    return terms[["part", "period", "column"]].assign(coefficient=coefficient)


def weighted_terms(m: Model) -> pd.DataFrame:
    """The terms of the objective before they are discounted.

    part, period, lump, column, coefficient (weighted), and of money its group, unit and what it
    is without the weight of its goal (bare).
    """
    goal = weights(m.scenario)
    money = m.money
    parts = [
        money.assign(
            part=np.where(money["group"] == "synergy", "synergy", "value"),
            bare=money["coefficient"],
            coefficient=money["coefficient"]
            * np.where(money["group"] == "synergy", goal.synergy, goal.value),
        )
    ]
    labour = investment.jobs(m)
    parts.append(labour.assign(part="jobs", coefficient=labour["coefficient"] * goal.jobs))
    for pollutant, weight in goal.emission.items():
        tonnes = m.emission[m.emission["pollutant"] == pollutant]
        parts.append(
            tonnes.assign(
                part=f"emission:{pollutant}", coefficient=tonnes["coefficient"] * weight / MILLION
            )
        )
    shown = ["part", "group", "unit", "period", "lump", "column", "coefficient", "bare"]
    full = pd.concat([p.reindex(columns=shown) for p in parts], ignore_index=True)
    return full.assign(
        lump=full["lump"].fillna(False).astype(bool),
        coefficient=full["coefficient"].astype(float),
    )


def discount(scenario: Scenario, terms: pd.DataFrame) -> np.ndarray:
    """What money counts today: D_t for yearly money, (1 + r)^−start for a lump sum."""
    periods = periods_table(scenario)
    once, yearly = periods["once"].to_numpy(float), periods["weight"].to_numpy(float)
    at = _codes(terms["period"], periods["period"])
    return np.asarray(np.where(terms["lump"].to_numpy(bool), once[at], yearly[at]))


def _add_objective(m: Model) -> None:
    terms = objective_terms(m)
    columns = terms["column"].to_numpy(np.intp)
    total = np.zeros(len(m.variables) + 1)
    np.add.at(total, columns, terms["coefficient"].to_numpy(float))
    used = np.flatnonzero(total[:-1])
    columns = np.append(used, CONSTANT)
    m.plan_value = pyo.Objective(
        expr=linear(m, columns, total[columns]),
        sense=pyo.maximize,
        doc="weighted, discounted money, million currency",
    )
