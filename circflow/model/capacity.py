"""Capacity: how much a unit may and must run.

Sets: (unit, period) in which a unit can be in service.

Variables
    running[unit, period]  0/1  only for units with min_load that can idle

Limits, with load = Σ_recipe capacity_use · activity
    capacity              load ≤ availability · size
    min_load              load ≥ min_load · availability · size, for a unit that cannot idle
    running_capacity      load ≤ availability · largest size · running
    running_min_load      load ≥ min_load · availability · (size − largest size · (1 − running));
                          for a unit of one size, ≥ min_load · availability · size · running
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.investment import in_period, jobs
from circflow.model.terms import (
    CONSTANT,
    Model,
    Rows,
    add_variables,
    evaluate,
    index_set,
    named,
    stack,
)

INDEX = ["unit", "period"]
TERMS = ["unit", "period", "column", "coefficient"]


def build(m: Model, *, relax: bool = False) -> None:
    """Add running and the limits of load. Needs the blocks investment and conversion."""
    units = m.units = _unit_figures(m)
    idling = units[units["can_idle"].astype(bool) & (units["min_load"] > 0.0)]
    idling = idling[idling["largest"] * idling["availability"] > 0.0]
    add_variables(
        m,
        "running",
        idling.reset_index(drop=True),
        INDEX,
        "unit that can idle runs, 0/1",
        upper=np.ones(len(idling)),
        domain=pyo.NonNegativeReals if relax else pyo.Binary,
    )
    load = m.rows["activity"].assign(coefficient=m.rows["activity"]["capacity_use"])[TERMS]
    size = m.size.merge(units[[*INDEX, "availability", "min_load"]], on=INDEX)
    usable = size.assign(coefficient=size["coefficient"].astype(float) * size["availability"])
    _add_limits(m, units, load, usable)
    _add_idling(m, load, usable)


def _unit_figures(m: Model) -> pd.DataFrame:
    rows = m.in_service[INDEX].drop_duplicates(ignore_index=True)
    rows = rows.merge(m.scenario.active_units, on="unit")
    for column in ("availability", "min_load", "capacity_per_year"):
        if column == "capacity_per_year":
            existing = rows["status"] == "existing"
            figure = np.where(existing, in_period(m, rows, column), rows[column])
        else:
            figure = in_period(m, rows, column)
        rows = rows.assign(**{column: figure})
    ranged = (rows["status"] == "candidate") & rows["capacity_max_per_year"].notna()
    largest = np.where(ranged, rows["capacity_max_per_year"], rows["capacity_per_year"])
    return rows.assign(largest=largest, ranged=largest > rows["capacity_per_year"])


def _minus(terms: pd.DataFrame) -> pd.DataFrame:
    return terms.assign(coefficient=-terms["coefficient"].astype(float))


def _add_limits(m: Model, units: pd.DataFrame, load: pd.DataFrame, usable: pd.DataFrame) -> None:
    most = Rows(m, stack([load, _minus(usable)], TERMS), INDEX)
    runs = set(named(load, *INDEX))
    index_set(m, "CAPACITIES", [key for key in most.slices if key in runs], 2)

    @m.Constraint(m.CAPACITIES)
    def capacity(m: Model, unit: str, period: str) -> pyo.Expression:
        """Σ_recipe capacity_use · activity ≤ availability · size"""
        return most[unit, period] <= 0.0

    must = usable[usable["min_load"] > 0.0].merge(
        units.loc[~units["can_idle"].astype(bool), INDEX], on=INDEX
    )
    must = must.assign(coefficient=must["coefficient"] * must["min_load"])
    least = Rows(m, stack([_minus(must), load.merge(must[INDEX].drop_duplicates())], TERMS), INDEX)
    index_set(m, "MIN_LOADS", least.keys(), 2)

    @m.Constraint(m.MIN_LOADS)
    def min_load(m: Model, unit: str, period: str) -> pyo.Expression:
        """Σ_recipe capacity_use · activity ≥ min_load · availability · size"""
        return least[unit, period] >= 0.0


def _add_idling(m: Model, load: pd.DataFrame, usable: pd.DataFrame) -> None:
    rows = m.rows["running"]
    load = load.merge(rows[INDEX], on=INDEX)
    cap = (rows["availability"] * rows["largest"]).astype(float)
    most = Rows(m, stack([load, rows.assign(coefficient=-cap)], TERMS), INDEX)

    @m.Constraint(m.RUNNING_INDEX)
    def running_capacity(m: Model, unit: str, period: str) -> pyo.Expression:
        """Σ_recipe capacity_use · activity ≤ availability · largest size · running"""
        return most[unit, period] <= 0.0

    floor = rows["min_load"] * cap
    ranged = rows["ranged"].astype(bool)
    size = usable.merge(rows.loc[ranged, INDEX], on=INDEX)
    size = size.assign(coefficient=-size["coefficient"] * size["min_load"])
    slack = rows[ranged].assign(column=CONSTANT, coefficient=floor[ranged])
    least = Rows(m, stack([load, rows.assign(coefficient=-floor), size, slack], TERMS), INDEX)

    @m.Constraint(m.RUNNING_INDEX)
    def running_min_load(m: Model, unit: str, period: str) -> pyo.Expression:
        """load ≥ min_load · availability · (size − largest size · (1 − running)), or for a unit
        of one size load ≥ min_load · availability · size · running"""
        return least[unit, period] >= 0.0


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `units`."""
    rows = m.units
    table = rows[["site", "unit", "technology", "status", "period"]].copy()
    added = _adder(table, values)
    table["in_service"] = added(m.in_service)
    table["capacity_per_year"] = added(m.size)
    table["available_per_year"] = table["capacity_per_year"] * rows["availability"]
    activity = m.rows["activity"]
    load = activity.assign(coefficient=activity["capacity_use"])
    table["load_per_year"] = added(load)
    available = table["available_per_year"]
    table["load_share"] = table["load_per_year"] / available.where(available > 0.0)
    table["jobs"] = added(jobs(m))
    for group in ("fixed", "capital"):
        part = m.money[(m.money["group"] == group) & ~m.money["lump"].astype(bool)]
        table[f"{group}_million_per_year"] = -added(part)
    return {"units": table}


def _adder(
    table: pd.DataFrame, values: NDArray[np.float64]
) -> Callable[[pd.DataFrame], NDArray[np.float64]]:
    """Adds terms up by unit and period, in the rows of the table, at the plan `values`."""
    place = {key: n for n, key in enumerate(named(table, *INDEX))}
    nowhere = len(place)

    def added(terms: pd.DataFrame) -> NDArray[np.float64]:
        at = np.array([place.get(key, nowhere) for key in named(terms, *INDEX)], dtype=np.intp)
        sums = np.bincount(at, evaluate(terms, values), nowhere + 1)
        return sums[:nowhere].astype(float)

    return added


def capacity_figures(m: Model, values: NDArray[np.float64]) -> pd.DataFrame:
    """What a unit's capacity counts: unit, period, availability, min_load, in_service, running.

    in_service and running are shares of the plan `values`; a unit without a decision runs.
    """
    table = m.units[[*INDEX, "availability", "min_load"]]
    table = table.assign(in_service=_adder(table, values)(m.in_service))
    running = m.rows["running"]
    running = running[INDEX].assign(running=values[running["column"].to_numpy(np.intp)])
    table = table.merge(running, on=INDEX, how="left")
    return table.assign(running=table["running"].fillna(1.0))
