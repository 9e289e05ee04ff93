"""Which unit is in service when, how large, and what that costs.

An existing unit is in service in every period. For a candidate the share in service (0 or 1,
anything between in a relaxed plan) and its capacity are read from the table `units`, and what was
built when follows from them (MODEL: in service; capital charge):

    in_service[u, t] = Σ built[u, b] over the periods b ≤ t with start_t < start_b + lifetime

and likewise for the size beyond the smaller capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.solution.keys import Flags, Floats, Names

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.solution.solution import Tables

DUST = 1e-9
"""Shares of a unit and of its size below this are rounding."""


@dataclass(frozen=True)
class Service:
    """Units that are not off, in every period.

    `units`: the sheet Units without those that are off, in its order, indexed 0...; `rows`: one
    record for every unit and period, in that order: unit, site, period, is_candidate, in_service,
    extra (size beyond the smaller capacity, capacity/yr), capacity, availability, min_load,
    can_idle, jobs (persons), fixed, annuity (million currency per year); `built` and
    `extra_built`: unit by period; `upfront`: capex paid in full, by period (million, undiscounted,
    0 where capex is charged as an annuity); `capex`: what is built, unit by period (million).
    """

    units: pd.DataFrame
    rows: pd.DataFrame
    built: Floats
    extra_built: Floats
    capex: Floats
    upfront: Floats
    alive: Flags
    """Unit, period built, period: whether a unit built then is in service."""


def service_of(scenario: Scenario, tables: Tables) -> Service:
    """Units in service by period, from the sheets Units and UnitPeriods and the table `units`."""
    units = scenario.active_units.reset_index(drop=True)
    names, count = Names(units["unit"]), len(scenario.periods)
    shape = (len(units), count)
    candidate = (units["status"] == "candidate").to_numpy(bool)
    own = {c: _by_period(scenario, units, c) for c in _REPLACED}
    shares, capacities = _reported(scenario, tables, names, shape)
    small = _column(units, "capacity_per_year")
    in_service = np.where(candidate[:, None], shares, 1.0)
    extra = np.where(candidate[:, None], capacities - small[:, None] * in_service, 0.0)
    extra[np.abs(extra) <= DUST * np.maximum(np.abs(capacities), 1.0)] = 0.0
    alive = _alive(scenario, units)
    built = _unroll(np.where(candidate[:, None], in_service, 0.0), alive)
    extra_built = _unroll(extra, alive)
    scale = np.maximum(_column(units, "capacity_max_per_year"), small)[:, None]
    extra_built[np.abs(extra_built) <= DUST * np.maximum(scale, 1.0)] = 0.0
    span = _column(units, "capacity_max_per_year") - small
    slope = _per_size(_column(units, "capex_max_million") - _column(units, "capex_million"), span)
    capex_of = np.nan_to_num(_column(units, "capex_million"))
    capex = capex_of[:, None] * built + slope[:, None] * extra_built
    annuity, upfront = np.zeros(shape), np.zeros(count)
    if scenario.settings.capital_charge == "upfront":
        upfront = capex.sum(axis=0)
    else:
        total = capex_of[:, None] * in_service + slope[:, None] * extra
        annuity = np.where(candidate[:, None], total / _present_value(scenario, units)[:, None], 0)
    fixed_max = _column(units, "fixed_cost_max_million_per_year")[:, None]
    fixed = own["fixed_cost_million_per_year"]
    fixed_slope = _per_size(np.where(np.isnan(fixed_max), 0.0, fixed_max - fixed), span[:, None])
    jobs = _column(units, "jobs")[:, None]
    rows = pd.DataFrame(
        {
            "unit": np.repeat(units["unit"].to_numpy(object), count),
            "site": np.repeat(units["site"].to_numpy(object), count),
            "period": np.tile(
                np.array([p.name for p in scenario.periods], dtype=object), len(units)
            ),
            "is_candidate": np.repeat(candidate, count),
            "in_service": in_service.ravel(),
            "extra": extra.ravel(),
            "capacity": np.where(candidate[:, None], capacities, own["capacity_per_year"]).ravel(),
            "availability": own["availability"].ravel(),
            "min_load": own["min_load"].ravel(),
            "can_idle": np.repeat(units["can_idle"].to_numpy(bool), count),
            "jobs": (jobs * in_service).ravel(),
            "fixed": (fixed * in_service + fixed_slope * extra).ravel(),
            "annuity": annuity.ravel(),
        }
    )
    return Service(units, rows, built, extra_built, capex, upfront, alive)


_REPLACED = ("capacity_per_year", "availability", "min_load", "fixed_cost_million_per_year")
"""Columns of Units that UnitPeriods may replace."""


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].to_numpy(float, na_value=np.nan))


def _by_period(scenario: Scenario, units: pd.DataFrame, column: str) -> Floats:
    """A column of Units, unit by period, with what UnitPeriods replaces."""
    values = np.repeat(_column(units, column)[:, None], len(scenario.periods), axis=1)
    sheet = scenario.frame("UnitPeriods")
    unit = Names(units["unit"])(sheet["unit"])
    period = Names(p.name for p in scenario.periods)(sheet["period"])
    new = _column(sheet, column)
    at = (unit >= 0) & (period >= 0) & ~np.isnan(new)
    values[unit[at], period[at]] = new[at]
    return values


def _reported(
    scenario: Scenario, tables: Tables, names: Names, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Share in service and capacity in service of the table `units`, unit by period."""
    shares, capacities = np.zeros(shape), np.zeros(shape)
    unit = names(tables.units["unit"])
    period = Names(p.name for p in scenario.periods)(tables.units["period"])
    at = (unit >= 0) & (period >= 0)
    shares[unit[at], period[at]] = _column(tables.units, "in_service")[at]
    capacities[unit[at], period[at]] = _column(tables.units, "capacity_per_year")[at]
    shares[np.abs(shares) <= DUST] = 0.0
    return shares, capacities


def _alive(scenario: Scenario, units: pd.DataFrame) -> Flags:
    """Unit, period built, period: in service from the one to the end of its lifetime."""
    start = np.array([p.start for p in scenario.periods])
    age = start[None, :] - start[:, None]
    life = _column(units, "lifetime_years")[:, None, None]
    return np.asarray((age >= 0)[None] & (age[None] < life))


def _unroll(service: Floats, alive: Flags) -> Floats:
    """What was built when, from what is in service when."""
    built = np.zeros(service.shape)
    for t in range(service.shape[1]):
        kept = (built[:, :t] * alive[:, :t, t]).sum(axis=1)
        built[:, t] = service[:, t] - kept
    built[np.abs(built) <= DUST] = 0.0
    return built


def _per_size(difference: Floats, span: Floats) -> Floats:
    """Slope of a cost over the size; 0 where there is one size only."""
    ranged = span > 0.0
    return np.where(ranged, np.nan_to_num(difference), 0.0) / np.where(ranged, span, 1.0)


def _present_value(scenario: Scenario, units: pd.DataFrame) -> Floats:
    """Σ_{n<lifetime} (1 + rate)^−n: what one unit of money in every year of service is worth."""
    rate = scenario.settings.discount_rate
    worth: dict[Any, float] = {}
    for life in units["lifetime_years"]:
        if life not in worth:
            worth[life] = sum((1.0 + rate) ** -n for n in range(int(life)))
    return np.array([worth[life] for life in units["lifetime_years"]], dtype=float)
