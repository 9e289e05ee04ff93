"""Supply: what arises and what is bought.

Sets: (site, material, period) of Streams and of Purchases in force.

Variables
    taken[site, material, period]   unit/yr   waste taken from a stream
    bought[site, material, period]  unit/yr   auxiliary input bought

Limits (bounds of the variables)
    taken = amount_per_year where the stream must be handled, else taken ≤ amount_per_year
    bought ≤ max_per_year

Money
    streams    − cost · taken
    purchases  − price · bought
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.model.terms import (
    MASS,
    Model,
    add_variables,
    emitting_terms,
    mass_terms,
    money_terms,
    stack,
)

INDEX = ["site", "material", "period"]


def build(m: Model) -> None:
    """Add taken and bought."""
    streams = m.scenario.in_force("Streams")
    amount = streams["amount_per_year"].to_numpy(float)
    add_variables(
        m,
        "taken",
        streams,
        INDEX,
        "waste taken from a stream, unit/yr",
        lower=np.where(streams["must_handle"].to_numpy(bool), amount, 0.0),
        upper=amount,
    )
    purchases = m.scenario.purchases
    add_variables(
        m,
        "bought",
        purchases,
        INDEX,
        "auxiliary input bought, unit/yr",
        upper=purchases["max_per_year"].to_numpy(float),
    )


def mass(m: Model) -> pd.DataFrame:
    """What enters a site: + taken + bought."""
    return stack([mass_terms(m.rows["taken"], 1.0), mass_terms(m.rows["bought"], 1.0)], MASS)


def money(m: Model) -> list[pd.DataFrame]:
    """Costs of streams and purchases."""
    taken, bought = m.rows["taken"], m.rows["bought"]
    return [
        money_terms(taken, "streams", -taken["cost"].to_numpy(float)),
        money_terms(bought, "purchases", -bought["price"].to_numpy(float)),
    ]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit taken or bought."""
    return [
        emitting_terms(m.rows["taken"], "stream", "material"),
        emitting_terms(m.rows["bought"], "purchase", "material"),
    ]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `supply`."""
    parts = [
        _table(m.rows["taken"], values, "stream", "amount_per_year", "cost"),
        _table(m.rows["bought"], values, "purchase", "max_per_year", "price"),
    ]
    return {"supply": pd.concat(parts, ignore_index=True)}


def _table(
    rows: pd.DataFrame, values: NDArray[np.float64], kind: str, most: str, price: str
) -> pd.DataFrame:
    amount = values[rows["column"].to_numpy()]
    return pd.DataFrame(
        {
            "kind": kind,
            "site": rows["site"],
            "material": rows["material"],
            "period": rows["period"],
            "row": rows["row"],
            "amount_per_year": amount,
            "available_per_year": rows[most],
            "price": rows[price],
            "cost_million_per_year": rows[price].to_numpy(float) * amount / 1e6,
        }
    )
