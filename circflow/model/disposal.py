"""Disposal: what is dumped for good.

Sets: (site, material, row, period) of the rows of Disposal in force; a row with a blank material
is open to every material of category waste. Rows of one key (site and material cell) share a
total capacity.

Variables
    disposed[site, material, row, period]  unit/yr  disposed of under a row

Money
    disposal  − fee · disposed
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    Model,
    Rows,
    add_variables,
    emitting_terms,
    index_set,
    mass_terms,
    money_terms,
    periods_table,
)

INDEX = ["site", "material", "row", "period"]


def build(m: Model) -> None:
    """Add disposed and its capacities."""
    rows = m.scenario.in_force("Disposal")
    rows = rows.assign(key_material=rows["material"].fillna(""))
    blank = rows[rows["material"].isna()].drop(columns="material")
    wastes = [k for k in m.scenario.frame("Materials")["material"] if k in m.scenario.wastes]
    spread = blank.merge(pd.DataFrame({"material": pd.Series(wastes, dtype=object)}), how="cross")
    both = pd.concat([rows[rows["material"].notna()], spread], ignore_index=True)
    add_variables(m, "disposed", both, INDEX, "disposed of under a row, unit/yr")

    disposed = m.rows["disposed"].assign(coefficient=1.0)
    yearly = disposed[disposed["capacity_per_year"].notna()]
    used = Rows(m, yearly, ["row", "period"])
    capacity = dict(zip(yearly["row"], yearly["capacity_per_year"], strict=True))
    index_set(m, "DISPOSAL_CAPACITIES", used.keys(), 2)

    @m.Constraint(m.DISPOSAL_CAPACITIES)
    def disposal_capacity(m: Model, row: int, period: str) -> pyo.Expression:
        """Σ_material disposed ≤ capacity_per_year"""
        return used[row, period] <= capacity[row]

    sheet = m.scenario.frame("Disposal")
    limited = sheet[sheet["total_capacity"].notna()].rename_axis("total_row").reset_index()
    limited = limited.assign(key_material=limited["material"].fillna(""))
    years = periods_table(m.scenario)[["period", "years"]]
    under = (
        disposed.drop(columns="total_capacity")
        .merge(limited[["total_row", "site", "key_material", "total_capacity"]])
        .merge(years, on="period")
    )
    ever = Rows(m, under.assign(coefficient=under["years"]), ["total_row"])
    total = dict(zip(under["total_row"], under["total_capacity"], strict=True))
    index_set(m, "DISPOSAL_TOTALS", ever.keys(), 1)

    @m.Constraint(m.DISPOSAL_TOTALS)
    def disposal_total(m: Model, row: int) -> pyo.Expression:
        """Σ_period years · Σ_material disposed ≤ total_capacity, over all under the row's key"""
        return ever[row] <= total[row]


def mass(m: Model) -> pd.DataFrame:
    """− disposed."""
    return mass_terms(m.rows["disposed"], -1.0)


def money(m: Model) -> list[pd.DataFrame]:
    """Fees."""
    rows = m.rows["disposed"]
    return [money_terms(rows, "disposal", -rows["fee"].to_numpy(float))]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit disposed of."""
    return [emitting_terms(m.rows["disposed"], "disposal", "material")]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `disposal`."""
    rows = m.rows["disposed"]
    amount = values[rows["column"].to_numpy()]
    table = rows[INDEX].assign(
        amount_per_year=amount,
        fee=rows["fee"],
        cost_million_per_year=rows["fee"] * amount / 1e6,
    )
    return {"disposal": table[amount != 0.0].reset_index(drop=True)}
