"""What a plan amounts to over its horizon (INTERFACE: totals; MODEL: what follows)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.solution.keys import plain

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

SHARE_UNIT = "t"
"""The unit of measure in which `use_share` is taken."""


def totals(solution: Solution) -> dict[str, Any]:
    """Figures over the horizon, undiscounted; plain numbers, ready for JSON.

    Money in million currency: `income`, `synergy` and other groups that are received, `costs` (one
    key per group, positive when paid), `net_benefit` (received − costs). Waste, materials of
    category waste only, per unit of measure: `waste_arising` (what the streams bring),
    `waste_converted` (taken in by units, gross: waste that passes two units counts twice),
    `waste_disposed`, `waste_reclaimed`.
    `use_share` = 1 − (disposed + added to stockpiles) / (taken + reclaimed), over wastes in t, None
    where nothing is taken or reclaimed. `emissions` (t per pollutant), `jobs` (in the last
    period), `chains` (value chains from a waste to a sale).
    """
    count = _chains(solution)
    solution = plain(solution)
    money = solution.money.groupby("group")["million"].sum()
    earned: dict[str, Any] = {}
    for group in money_groups():
        into = earned if group.received else earned.setdefault("costs", {})
        into[group.name] = _number(group.sign * money.get(group.name, 0.0))
    waste = _Waste(solution)
    tables = solution.tables
    disposed = waste.amounts(tables.disposal, "amount_per_year")
    reclaimed = waste.amounts(tables.stockpiles, "reclaimed_per_year")
    added = waste.amounts(tables.stockpiles, "added_per_year")
    streams = tables.supply[tables.supply["kind"] == "stream"]
    taken = waste.amounts(streams, "amount_per_year")
    inputs = tables.conversions[tables.conversions["role"] == "input"]
    handled = taken.get(SHARE_UNIT, 0.0) + reclaimed.get(SHARE_UNIT, 0.0)
    lost = disposed.get(SHARE_UNIT, 0.0) + added.get(SHARE_UNIT, 0.0)
    return {
        **earned,
        "net_benefit": sum(group.sign * group.of(earned) for group in money_groups()),
        "waste_arising": waste.amounts(solution.scenario.in_force("Streams"), "amount_per_year"),
        "waste_converted": waste.amounts(inputs, "amount_per_year"),
        "waste_disposed": disposed,
        "waste_reclaimed": reclaimed,
        "use_share": 1.0 - lost / handled if handled > 0.0 else None,
        "emissions": _emissions(solution),
        "jobs": _jobs(solution),
        "chains": count,
    }


def _number(value: Any) -> float:
    """A plain float; −0 is 0."""
    return float(value) + 0.0


class _Waste:
    """Adds up amounts of wastes over the horizon, per unit of measure."""

    def __init__(self, solution: Solution) -> None:
        scenario = solution.scenario
        self.units = {k: u for k, u in scenario.unit_of_measure.items() if k in scenario.wastes}
        self.years = {p.name: float(p.years) for p in scenario.periods}

    def amounts(self, table: pd.DataFrame, column: str) -> dict[str, float]:
        """Σ years · amount per year of the wastes in a table, by unit of measure."""
        unit = table["material"].map(self.units).astype(object)
        amounts = table[column].astype(float) * table["period"].map(self.years).astype(float)
        sums = amounts.groupby(unit).sum()
        return {name: _number(sums.get(name, 0.0)) for name in dict.fromkeys(self.units.values())}


def _emissions(solution: Solution) -> dict[str, float]:
    """Tonnes of every pollutant that the scenario knows, over the horizon."""
    scenario, table = solution.scenario, solution.emissions
    years = table["period"].map({p.name: float(p.years) for p in scenario.periods}).astype(float)
    sums = (table["tonnes_per_year"].astype(float) * years).groupby(table["pollutant"]).sum()
    known = [*scenario.frame("EmissionFactors")["pollutant"], *table["pollutant"]]
    return {str(name): _number(sums.get(name, 0.0)) for name in dict.fromkeys(known)}


def _jobs(solution: Solution) -> float:
    """Jobs of the units in service in the last period."""
    units = solution.tables.units
    last = units["period"] == solution.scenario.periods[-1].name
    return _number(np.nansum(units["jobs"][last].to_numpy(float)))


def _chains(solution: Solution) -> int:
    """Value chains in use: distinct ones that start from a waste and end in a sale."""
    chains = solution.chains
    wastes = solution.scenario.wastes
    uses = (
        chains["source_kind"].isin(["stream", "stockpile"])
        & chains["source_material"].isin(wastes)
        & (chains["end"] == "sale")
    )
    return int(uses.sum())
