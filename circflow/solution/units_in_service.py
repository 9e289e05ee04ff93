"""Which unit is in service when, how large, and what that costs.

An existing unit is in service in every period. What a candidate does follows from the table
`built` (the share built, 0 or 1, anything between in a relaxed plan, and its capacity), year by
year (MODEL: in service; capital charge). Built at the start of period b it serves in the years

    start_b + construction_years ≤ year < end of the last period t that starts before
                                          start_b + construction_years + lifetime

in the first of them with the shares of its capacity in ramp_up, then with all of it. A period has
the means over its years.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.cells import split_shares
from circflow.data.coded import Floats, Items, cross
from circflow.solution.keys import Names

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.solution.solution import Tables

DUST = 1e-9
"""Shares of a unit and of its size below this are rounding."""


@dataclass(frozen=True)
class Service:
    """Units that are not off, in every period.

    `units`: the sheet Units without those that are off, in its order, indexed 0...; `rows`: one
    record for every unit and period, in that order: unit, site, period, in_service
    (share of the period's years), any_year (in service in at least one of them), capacity (mean
    over its years, capacity/yr), availability, min_load, can_idle, jobs (persons), fixed, annuity
    (million currency per year); `built` and `extra_built` (size beyond the smaller capacity): unit
    by period; `upfront`: capex paid in full, by period (million, undiscounted, 0 where capex is
    charged as an annuity); `capex`: what is built, unit by period (million).
    """

    units: pd.DataFrame
    rows: Items
    built: Floats
    extra_built: Floats
    capex: Floats
    upfront: Floats


def service_of(scenario: Scenario, tables: Tables) -> Service:
    """Units in service by period, from the sheets Units and UnitPeriods and the table `built`."""
    units = scenario.active_units.reset_index(drop=True)
    names, count = Names(units["unit"]), len(scenario.periods)
    shape = (len(units), count)
    candidate = (units["status"] == "candidate").to_numpy(bool)
    columns = _by_period(scenario, units, names)
    small = _column(units, "capacity_per_year")
    built, extra_built = _built(scenario, tables, names, small)
    served, ready = _shares(scenario, units)

    def over_time(decided: Floats, share: Floats) -> Floats:
        """What is decided, in every period, by the share that it counts there."""
        return np.asarray((decided[:, :, None] * share).sum(axis=1))

    in_service = np.where(candidate[:, None], over_time(built, served), 1.0)
    any_year = np.where(candidate[:, None], over_time(built, np.ceil(served)), 1.0)
    extra = over_time(extra_built, served)
    capacities = over_time(small[:, None] * built + extra_built, ready)
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
    fixed = columns["fixed_cost_million_per_year"]
    fixed_slope = _per_size(np.where(np.isnan(fixed_max), 0.0, fixed_max - fixed), span[:, None])
    jobs = _column(units, "jobs")[:, None]
    figures = {
        "in_service": in_service,
        "any_year": any_year,
        "capacity": np.where(candidate[:, None], capacities, columns["capacity_per_year"]),
        "availability": columns["availability"],
        "min_load": columns["min_load"],
        "jobs": jobs * in_service,
        "fixed": fixed * in_service + fixed_slope * extra,
        "annuity": annuity,
    }
    each = scenario.active_unit_items.only("unit", "site", "can_idle")
    rows = cross(each, Items({"period": np.arange(count)}))
    rows = rows.plus(**{name: of_unit.ravel() for name, of_unit in figures.items()})
    return Service(units, rows, built, extra_built, capex, upfront)


_REPLACED = ("capacity_per_year", "availability", "min_load", "fixed_cost_million_per_year")
"""Columns of Units that UnitPeriods may replace."""


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].to_numpy(float, na_value=np.nan))


def _by_period(scenario: Scenario, units: pd.DataFrame, names: Names) -> dict[str, Floats]:
    """Columns of Units, unit by period, with what UnitPeriods replaces."""
    sheet = scenario.frame("UnitPeriods")
    unit = names(sheet["unit"])
    period = Names(p.name for p in scenario.periods)(sheet["period"])
    columns = {}
    for column in _REPLACED:
        values = np.repeat(_column(units, column)[:, None], len(scenario.periods), axis=1)
        new = _column(sheet, column)
        at = (unit >= 0) & (period >= 0) & ~np.isnan(new)
        values[unit[at], period[at]] = new[at]
        columns[column] = values
    return columns


def _built(
    scenario: Scenario, tables: Tables, names: Names, small: Floats
) -> tuple[Floats, Floats]:
    """Share built, and size beyond the smaller capacity, of the table `built`: unit by period."""
    built, extra = (np.zeros((len(small), len(scenario.periods))) for _ in range(2))
    unit = names(tables.built["unit"])
    period = Names(p.name for p in scenario.periods)(tables.built["period"])
    known = (unit >= 0) & (period >= 0)
    at = unit[known], period[known]
    share, size = (_column(tables.built, n)[known] for n in ("built", "capacity_per_year"))
    np.add.at(built, at, share)
    np.add.at(extra, at, size - small[at[0]] * share)
    extra[np.abs(extra) <= DUST * np.maximum(small[:, None], 1.0)] = 0.0
    return built, extra


def _shares(scenario: Scenario, units: pd.DataFrame) -> tuple[Floats, Floats]:
    """Unit, period built, period: the share of its years in service, the mean share of capacity."""
    periods = scenario.periods
    served = np.zeros((len(units), len(periods), len(periods)))
    ready = served.copy()
    known: dict[tuple[Any, ...], tuple[Floats, Floats]] = {}
    terms = ["construction_years", "lifetime_years", "ramp_up"]
    for n, (wait, life, text) in enumerate(units[terms].itertuples(index=False, name=None)):
        if (wait, life, text) not in known:
            known[wait, life, text] = _of_candidate(scenario, int(wait), int(life), text)
        served[n], ready[n] = known[wait, life, text]
    return served, ready


def _of_candidate(
    scenario: Scenario, wait: int, life: int, ramp_up: str | None
) -> tuple[Floats, Floats]:
    """`_shares` of candidates with one construction time, lifetime and ramp-up, year by year."""
    ramp, periods = split_shares(ramp_up), scenario.periods
    served, ready = (np.zeros((len(periods), len(periods))) for _ in range(2))
    for b, decided in enumerate(periods):
        first = decided.start + wait
        for t, period in enumerate(periods):
            if period.start >= first + life:
                continue
            ages = [period.start + n - first for n in range(period.years)]
            shares = [ramp[age] if age < len(ramp) else 1.0 for age in ages if age >= 0]
            served[b, t] = len(shares) / period.years
            ready[b, t] = sum(shares) / period.years
    return served, ready


def _per_size(difference: Floats, span: Floats) -> Floats:
    """Slope of a cost over the size; 0 where there is one size only."""
    ranged = span > 0.0
    return np.where(ranged, np.nan_to_num(difference), 0.0) / np.where(ranged, span, 1.0)


def _present_value(scenario: Scenario, units: pd.DataFrame) -> Floats:
    """Σ_{n<lifetime} (1 + rate)^−(construction + n): what one unit of money in every year of
    service is worth when it is decided."""
    rate = scenario.settings.discount_rate
    worth: dict[Any, float] = {}
    times = list(zip(units["lifetime_years"], units["construction_years"], strict=True))
    for life, wait in times:
        if (life, wait) not in worth:
            worth[life, wait] = sum((1.0 + rate) ** -(wait + n) for n in range(int(life)))
    return np.array([worth[time] for time in times], dtype=float)
