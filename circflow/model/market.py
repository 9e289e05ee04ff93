"""Markets: what is sold.

Sets: (site, material, tier, period) of the rows of Markets in force; rows of one site and
material are price tiers, numbered as they stand in the sheet.

Variables
    sold[site, material, tier, period]  unit/yr  sold under a market row

Limits (bounds of the variable)
    min_per_year ≤ sold ≤ max_per_year

Money
    income   + price · sold
    synergy  + premium · sold (the gain owed to the cluster's image)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.model.terms import Model, add_variables, emitting_terms, mass_terms, money_terms

INDEX = ["site", "material", "tier", "period"]


def build(m: Model) -> None:
    """Add sold."""
    rows = m.scenario.in_force("Markets")
    tier = rows.groupby(["site", "material", "period"], sort=False).cumcount() + 1
    add_variables(
        m,
        "sold",
        rows.assign(tier=tier),
        INDEX,
        "sold under a market row, unit/yr",
        lower=rows["min_per_year"].to_numpy(float),
        upper=rows["max_per_year"].to_numpy(float),
    )


def mass(m: Model) -> pd.DataFrame:
    """− sold."""
    return mass_terms(m.rows["sold"], -1.0)


def money(m: Model) -> list[pd.DataFrame]:
    """Income and premiums."""
    rows = m.rows["sold"]
    return [
        money_terms(rows, "income", rows["price"]),
        money_terms(rows, "synergy", rows["premium"]),
    ]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit sold (negative: avoided elsewhere)."""
    return [emitting_terms(m.rows["sold"], "sale", "material")]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `sales`."""
    rows = m.rows["sold"]
    amount = values[rows["column"].to_numpy()]
    table = rows[[*INDEX, "row"]].assign(
        amount_per_year=amount,
        min_per_year=rows["min_per_year"],
        max_per_year=rows["max_per_year"],
        price=rows["price"],
        premium=rows["premium"],
        income_million_per_year=rows["price"] * amount / 1e6,
        premium_million_per_year=rows["premium"] * amount / 1e6,
    )
    return {"sales": table}
