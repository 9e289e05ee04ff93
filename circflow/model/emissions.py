"""Emissions: what is emitted, where, its limits, prices and penalties.

Sets: every term of the other blocks that emits, for every pollutant with a factor; a factor that
names a key replaces the blank-key one, and technology/recipe replaces technology. A limit row
counts what its scope emits: the cluster everything; a region, member or site what its sites emit
(transport where the journey starts); a unit its recipes only.

Variables
    excess[row, period]  t/yr  emission above a limit with a penalty

Rows
    emission_limit   emitted ≤ limit_per_year + excess

Money
    emissions  − price · emitted − penalty · excess
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    EMISSION,
    EMITTING,
    Model,
    Rows,
    add_variables,
    evaluate,
    index_set,
    money_terms,
    named,
    stack,
)

INDEX = ["row", "period"]


def build(m: Model, emitting: list[pd.DataFrame]) -> None:
    """Add excess and the limits. `emitting`: what the other blocks do that may emit."""
    m.emission = _terms(m, stack(emitting, EMITTING))
    limits = m.scenario.in_force("EmissionLimits")
    m.limited_emission = _scopes(m, limits)
    emits = pd.MultiIndex.from_frame(limits[INDEX]).isin(
        pd.MultiIndex.from_frame(m.limited_emission[INDEX])
    )
    hard = limits["penalty"].isna()
    # Where nothing emits, a hard limit below zero must still be seen to be out of reach.
    needs = limits["limit_per_year"].notna() & (~hard | (~emits & (limits["limit_per_year"] < 0)))
    rows = limits[needs].reset_index(drop=True)
    add_variables(
        m,
        "excess",
        rows,
        INDEX,
        "emission above a limit with a penalty, t/yr",
        upper=np.where(rows["penalty"].isna(), 0.0, np.inf),
    )
    bound = limits.loc[limits["limit_per_year"].notna(), [*INDEX, "limit_per_year"]]
    limit = {(r, t): float(v) for r, t, v in named(bound, *INDEX, "limit_per_year")}
    emitted = m.limited_emission.merge(bound[INDEX], on=INDEX)
    over = m.rows["excess"].assign(coefficient=-1.0)
    scoped = Rows(m, stack([emitted, over], [*INDEX, "column", "coefficient"]), INDEX)
    index_set(m, "EMISSION_LIMITS", scoped.keys(), 2)

    @m.Constraint(m.EMISSION_LIMITS)
    def emission_limit(m: Model, row: int, period: str) -> pyo.Expression:
        """Σ_scope factor · activity − excess ≤ limit_per_year"""
        return scoped[row, period] <= limit[row, period]


def _terms(m: Model, emitting: pd.DataFrame) -> pd.DataFrame:
    """Tonnes per year of each pollutant."""
    factors = m.scenario.frame("EmissionFactors")
    by_kind: dict[Any, pd.DataFrame] = dict(iter(emitting.groupby("kind", sort=False)))
    parts = []
    for (kind, pollutant), rows in factors.groupby(["kind", "pollutant"], sort=False):
        of_kind = by_kind.get(kind, emitting.iloc[:0])
        keyed = rows[rows["key"].notna()].set_index("key")["factor"]
        factor = of_kind["key"].map(keyed)
        factor = factor.fillna(of_kind["broad_key"].map(keyed))
        blank = rows.loc[rows["key"].isna(), "factor"]
        if len(blank):
            factor = factor.fillna(float(blank.iloc[0]))
        tonnes = of_kind["coefficient"].to_numpy(float) * factor.to_numpy(float)
        some = np.flatnonzero(np.nan_to_num(tonnes))
        made = of_kind.iloc[some]
        parts.append(made.assign(pollutant=str(pollutant), coefficient=tonnes[some]))
    return stack(parts, EMISSION)


def _scopes(m: Model, limits: pd.DataFrame) -> pd.DataFrame:
    """The emission terms that each limit row counts: row, period, site, unit, and the term."""
    sites = m.scenario.frame("Sites").set_index("site")
    terms = m.emission
    parts = []
    keep = ["row", "period", "site", "unit", "column", "coefficient"]
    key = ["pollutant", "scope", "key"]
    for (pollutant, scope, name), rows in limits.groupby(key, sort=False, dropna=False):
        of_scope = terms[terms["pollutant"] == pollutant]
        if scope in ("region", "member"):
            own = sites.index[sites[scope] == name]
            of_scope = of_scope[of_scope["site"].isin(own)]
        elif scope == "site":
            of_scope = of_scope[of_scope["site"] == name]
        elif scope == "unit":
            of_scope = of_scope[(of_scope["unit"] == name) & (of_scope["kind"] == "recipe")]
        parts.append(of_scope.merge(rows[INDEX], on="period"))
    return stack(parts, keep)


def money(m: Model) -> list[pd.DataFrame]:
    """Prices of what is emitted, penalties for the excess."""
    limits = m.scenario.in_force("EmissionLimits")
    emitted = m.limited_emission.merge(limits[[*INDEX, "price"]], on=INDEX)
    emitted = emitted[emitted["price"] != 0.0]
    over = m.rows["excess"]
    over = over.assign(
        site=over["key"].where(over["scope"] == "site", None),
        unit=over["key"].where(over["scope"] == "unit", None),
    )
    return [
        money_terms(emitted, "emissions", -emitted["coefficient"] * emitted["price"]),
        money_terms(over, "emissions", -over["penalty"].fillna(0.0).to_numpy(float)),
    ]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The tables `emissions` and `emission_limits`."""
    terms = m.emission
    tonnes = terms.assign(tonnes_per_year=evaluate(terms, values))
    label = ["pollutant", "kind", "site", "unit", "source", "period"]
    emitted = tonnes.groupby(label, sort=False, dropna=False)["tonnes_per_year"].sum()
    sites = m.scenario.frame("Sites").set_index("site")
    table = emitted.reset_index()
    table = table[table["tonnes_per_year"] != 0.0].join(sites[["member", "region"]], on="site")
    order = ["pollutant", "kind", "site", "member", "region", "unit", "source", "period"]

    limits = m.scenario.in_force("EmissionLimits")
    scoped = m.limited_emission
    scoped = scoped.assign(emitted_per_year=evaluate(scoped, values))
    summed = scoped.groupby(INDEX)["emitted_per_year"].sum().reset_index()
    over = m.rows["excess"]
    over = over[INDEX].assign(excess_per_year=values[over["column"].to_numpy()])
    rows = limits.merge(summed, on=INDEX, how="left").merge(over, on=INDEX, how="left")
    rows = rows.fillna({"emitted_per_year": 0.0, "excess_per_year": 0.0})
    penalty = rows["penalty"].fillna(0.0)
    rows["cost_million_per_year"] = (
        rows["price"] * rows["emitted_per_year"] + penalty * rows["excess_per_year"]
    ) / 1e6
    shown = ["pollutant", "scope", "key", "period", "row", "emitted_per_year", "limit_per_year"]
    return {
        "emissions": table[[*order, "tonnes_per_year"]].reset_index(drop=True),
        "emission_limits": rows[[*shown, "excess_per_year", "cost_million_per_year"]],
    }
