"""Stockpiles: legacy dumps, tailings ponds and buffers.

Sets: (site, material) of Stockpiles, every period.

Variables
    added[site, material, period]      unit/yr  put in (only where can_add)
    reclaimed[site, material, period]  unit/yr  taken out; ≤ max_reclaim_per_year
    level[site, material, period]      unit     held at the period's end; ≤ capacity, and after
                                                the last period closing_min ≤ level ≤ closing_max

Money
    stockpiles  − add_cost · added − reclaim_cost · reclaimed − holding_cost · level
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    MASS,
    Model,
    add_variables,
    emitting_terms,
    mass_terms,
    money_terms,
    named,
    periods_table,
    stack,
)

INDEX = ["site", "material", "period"]


def build(m: Model) -> None:
    """Add added, reclaimed, level and the stock balance."""
    sheet = m.scenario.frame("Stockpiles").rename_axis("row").reset_index()
    rows = sheet.merge(periods_table(m.scenario), how="cross")
    last = (rows["order"] == len(m.scenario.periods) - 1).to_numpy()
    capacity = rows["capacity"].fillna(np.inf).to_numpy(float)
    closing = rows["closing_max"].fillna(np.inf).to_numpy(float)
    add_variables(
        m, "added", rows[rows["can_add"].astype(bool)], INDEX, "put into a stockpile, unit/yr"
    )
    add_variables(
        m,
        "reclaimed",
        rows,
        INDEX,
        "taken out of a stockpile, unit/yr",
        upper=rows["max_reclaim_per_year"].to_numpy(float),
    )
    add_variables(
        m,
        "level",
        rows,
        INDEX,
        "stockpile at the period's end, unit",
        lower=np.where(last, rows["closing_min"].to_numpy(float), 0.0),
        upper=np.where(last, np.minimum(capacity, closing), capacity),
    )
    opening = {(s, k): float(o) for s, k, o in named(sheet, "site", "material", "opening")}
    years = {p.name: p.years for p in m.scenario.periods}

    @m.Constraint(m.LEVEL_INDEX)
    def stock_balance(m: Model, site: str, material: str, period: str) -> pyo.Expression:
        """level = level of the period before (opening at first) + years · (added − reclaimed)"""
        key = (site, material, period)
        first = period == m.PERIODS.first()
        before = (
            opening[site, material] if first else m.level[site, material, m.PERIODS.prev(period)]
        )
        change = -years[period] * m.reclaimed[key]
        if key in m.added:
            change += years[period] * m.added[key]
        return m.level[key] == before + change


def mass(m: Model) -> pd.DataFrame:
    """+ reclaimed − added."""
    return stack([mass_terms(m.rows["reclaimed"], 1.0), mass_terms(m.rows["added"], -1.0)], MASS)


def money(m: Model) -> list[pd.DataFrame]:
    """Costs of adding, reclaiming and holding."""
    parts = {"added": "add_cost", "reclaimed": "reclaim_cost", "level": "holding_cost"}
    return [
        money_terms(m.rows[name], "stockpiles", -m.rows[name][cost].to_numpy(float))
        for name, cost in parts.items()
    ]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit held at a period's end, per year."""
    return [emitting_terms(m.rows["level"], "stockpile", "material")]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `stockpiles`."""
    rows = m.rows["level"]
    table = rows[[*INDEX, "row"]].assign(closing=values[rows["column"].to_numpy()])
    for name in ("added", "reclaimed"):
        part = m.rows[name][INDEX].assign(
            **{f"{name}_per_year": values[m.rows[name]["column"].to_numpy()]}
        )
        table = table.merge(part, on=INDEX, how="left")
    table["added_per_year"] = table["added_per_year"].fillna(0.0)
    before = table.groupby(["site", "material"], sort=False)["closing"].shift(1)
    table["opening"] = before.fillna(rows["opening"].reset_index(drop=True))
    table["capacity"] = rows["capacity"].to_numpy(float)
    table["cost_million_per_year"] = (
        rows["add_cost"].to_numpy(float) * table["added_per_year"]
        + rows["reclaim_cost"].to_numpy(float) * table["reclaimed_per_year"]
        + rows["holding_cost"].to_numpy(float) * table["closing"]
    ) / 1e6
    order = [*INDEX, "row", "opening", "added_per_year", "reclaimed_per_year", "closing"]
    return {"stockpiles": table[[*order, "capacity", "cost_million_per_year"]]}
