"""Synergies: what partners gain by running together.

Sets: (synergy, period); partners are units (their activity, the sum over their recipes) or flows
(everything sent from one place to another).

Variables
    joint_activity[synergy, period]  1/yr  ≤ max_per_year

Rows
    partner_activity   joint_activity ≤ partner's activity / ratio, for every partner; a partner
                       that is off, or a flow without a link, has no activity

Money
    synergy  + value · joint_activity
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import Model, Rows, add_variables, index_set, money_terms, stack

INDEX = ["synergy", "period"]
PARTNER = ["synergy", "kind", "partner", "period"]


def build(m: Model) -> None:
    """Add joint_activity. Needs the blocks conversion and transport."""
    sheet = m.scenario.frame("Synergies").rename_axis("row").reset_index()
    periods = pd.DataFrame({"period": [p.name for p in m.scenario.periods]})
    rows = sheet.merge(periods, how="cross")
    add_variables(
        m,
        "joint_activity",
        rows,
        INDEX,
        "joint activity of a synergy, 1/yr",
        upper=rows["max_per_year"].to_numpy(float),
    )
    partners = m.scenario.frame("SynergyPartners")[["synergy", "kind", "partner", "ratio"]]
    joint = partners.merge(m.rows["joint_activity"][[*INDEX, "column"]], on="synergy")
    terms = stack(
        [joint.assign(coefficient=1.0), _units(m, partners), _flows(m, partners)],
        [*PARTNER, "column", "coefficient"],
    )
    limited = Rows(m, terms, PARTNER)
    index_set(m, "PARTNERS", limited.keys(), 4)

    @m.Constraint(m.PARTNERS)
    def partner_activity(
        m: Model, synergy: str, kind: str, partner: str, period: str
    ) -> pyo.Expression:
        """joint_activity − partner's activity / ratio ≤ 0"""
        return limited[synergy, kind, partner, period] <= 0.0


def _units(m: Model, partners: pd.DataFrame) -> pd.DataFrame:
    """− activity / ratio of the partners that are units."""
    units = partners[partners["kind"] == "unit"]
    rows = units.merge(m.rows["activity"], left_on="partner", right_on="unit")
    return rows.assign(coefficient=-1.0 / rows["ratio"].astype(float))


def _flows(m: Model, partners: pd.DataFrame) -> pd.DataFrame:
    """− flow / ratio of the partners that are flows."""
    flows = partners[partners["kind"] == "flow"]
    ends = [[end.strip() for end in name.split(">", 1)] for name in flows["partner"]]
    flows = flows.assign(
        **{"from": [start for start, _ in ends], "to": [end for _, end in ends]}
    ).astype({"from": object, "to": object})
    rows = flows.merge(m.rows["flow"][["from", "to", "period", "column"]], on=["from", "to"])
    return rows.assign(coefficient=-1.0 / rows["ratio"].astype(float))


def money(m: Model) -> list[pd.DataFrame]:
    """Value of joint activity."""
    rows = m.rows["joint_activity"]
    return [money_terms(rows, "synergy", rows["value"])]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `synergies`."""
    rows = m.rows["joint_activity"]
    joint = values[rows["column"].to_numpy()]
    table = rows[["synergy", "effect", "period"]].assign(
        joint_activity_per_year=joint,
        value_million_per_year=rows["value"] * joint / 1e6,
    )
    return {"synergies": table}
