"""Transport: material moved over links.

Sets: (from, to, material, mode, period) of the network's links in the periods in which their
mode runs.

Variables
    flow[from, to, material, mode, period]  unit/yr  moved over a link, as sent

Money, per unit sent
    transport     − (distance · cost_per_unit_km + fixed_cost), or − cost of the link's row
    transactions  − transaction cost (between two members, or between a member and a place
                  outside)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    MASS,
    Model,
    Rows,
    add_variables,
    emitting_terms,
    index_set,
    money_terms,
    stack,
)

INDEX = ["from", "to", "material", "mode", "period"]


def build(m: Model) -> None:
    """Add flow and the capacities of rows of the sheet Links."""
    network = m.scenario.network
    flows = network.flows.reset_index(drop=True)
    links = network.links.iloc[flows["link"].to_numpy()].reset_index(drop=True)
    add_variables(
        m, "flow", pd.concat([links, flows], axis=1), INDEX, "moved over a link, as sent, unit/yr"
    )

    covered = network.capacities.merge(m.rows["flow"][["link", "period", "column"]], on="link")
    used = Rows(m, covered.assign(coefficient=1.0), ["row", "period"])
    limits = dict(
        zip(network.capacities["row"], network.capacities["capacity_per_year"], strict=True)
    )
    index_set(m, "LINK_CAPACITIES", used.keys(), 2)

    @m.Constraint(m.LINK_CAPACITIES)
    def link_capacity(m: Model, row: int, period: str) -> pyo.Expression:
        """Σ flow covered by the row ≤ capacity_per_year"""
        return used[row, period] <= limits[row]


def mass(m: Model) -> pd.DataFrame:
    """− flow at the sender, + (1 − loss) · flow at the receiver."""
    rows = m.rows["flow"]
    labels = rows[["from", "to", "material", "period", "column"]]
    sent = labels.rename(columns={"from": "site"}).assign(coefficient=-1.0)
    received = labels.rename(columns={"to": "site"}).assign(coefficient=1.0 - rows["loss"])
    return stack([sent, received], MASS)


def money(m: Model) -> list[pd.DataFrame]:
    """Transport and transactions; the sender pays."""
    rows = m.rows["flow"].rename(columns={"from": "site"})
    return [
        money_terms(rows, "transport", -rows["unit_cost"].to_numpy(float)),
        money_terms(rows, "transactions", -rows["transaction_cost"].to_numpy(float)),
    ]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit·km, where the journey starts."""
    rows = m.rows["flow"].rename(columns={"from": "site"})
    distance = rows["distance_km"].fillna(0.0)
    return [emitting_terms(rows, "transport", "mode", coefficient=distance)]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `flows`."""
    rows = m.rows["flow"]
    sent = values[rows["column"].to_numpy()]
    used = np.flatnonzero(sent)
    rows, sent = rows.iloc[used], sent[used]
    table = rows[[*INDEX]].assign(
        sent_per_year=sent,
        received_per_year=sent * (1.0 - rows["loss"].to_numpy(float)),
        distance_km=rows["distance_km"],
        transport_million_per_year=rows["unit_cost"] * sent / 1e6,
        transactions_million_per_year=rows["transaction_cost"] * sent / 1e6,
    )
    return {"flows": table.reset_index(drop=True)}
