"""Capacity: how much a unit may and must run.

Sets: (unit, period) in which a unit can be in service. load = Σ_recipe capacity_use · activity.

Variables
    running[unit, period]  0/1  only for units with min_load that can idle
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Cells, Figure, Model, Stand, unit_of
from circflow.algebra.investment import CAPITAL, FIXED, UnitFigure, in_periods, jobs
from circflow.algebra.results import PER_YEAR, ResultColumn, ResultTable, money, numbers, texts
from circflow.algebra.terms import Terms, constants
from circflow.data.coded import Floats, Items, added_at, distinct, find_rows
from circflow.i18n import mark

UNITS = ResultTable(
    "units",
    "Every unit that is not off, in every period in which it can be in service, also when it stands"
    " idle.",
    (
        *texts("which unit, when", "site", "unit", "technology", "status", "period"),
        ResultColumn(
            "in_service",
            "of the period's years in service: 1, or 0 (not yet, or not any more); in between where"
            " service begins inside the period, and in a relaxed plan",
            "share",
            "share",
        ),
        *numbers(
            "capacity in service, the mean over the period's years (ramp-up)",
            PER_YEAR,
            "capacity_per_year",
        ),
        *numbers("capacity times availability", PER_YEAR, "available_per_year"),
        *numbers("what runs", PER_YEAR, "load_per_year"),
        ResultColumn("load_share", "what runs", "share of what is available", "share", "load"),
        ResultColumn("jobs", "jobs, by the share of the years in service", "", "integer"),
        *money("fixed cost, by the share of the years in service", "fixed_million_per_year"),
        *money(
            "capital charge (annuity); 0 where capex is paid upfront", "capital_million_per_year"
        ),
    ),
    measure="units of activity",
)
RESULTS = (UNITS,)

INDEX = ("unit", "period")

CAPACITY = Figure(
    "Units",
    "capacity_per_year",
    "capacity",
    "raise",
    100.0,
    mark("{where}: capacity {figure}"),
    unit_of,
    "activity/yr",
    measure="capacity",
    changed_in="UnitPeriods",
    binds=mark("capacity of {unit}"),
)
MIN_LOAD = Figure(
    "Units",
    "min_load",
    mark("least load"),
    "lower",
    2.0,
    mark("{where} must run at {figure} or more"),
    unit_of,
    mark("of its load"),
    measure="share",
    changed_in="UnitPeriods",
)


def build(m: Model) -> None:
    """Add running and the limits of load. Needs the blocks investment and conversion."""
    units = m.units = _unit_figures(m)
    activity = m["activity"]
    load = activity.times(activity["capacity_use"])
    availability = in_periods(m.scenario, "availability")
    least = in_periods(m.scenario, "min_load")
    usable = m.size.times(availability.of(m.size))
    served = m.ready.times(availability.of(m.ready))
    capacity, floor = _cells(units, CAPACITY, m), _cells(units, MIN_LOAD, m)
    m.limit(
        "capacity",
        over=INDEX,
        left=load,
        sense="<=",
        right=usable,
        formula="Σ_recipe capacity_use · activity ≤ availability · size",
        figures=[Stand(capacity, served)],
        part="capacity",
    )
    always = ~units["can_idle"] & (units["min_load"] > 0.0)
    m.limit(
        "min_load",
        over=INDEX,
        left=load.within(units.take(always).labels, *INDEX),
        sense=">=",
        right=usable.times(least.of(usable)),
        formula="Σ_recipe capacity_use · activity ≥ min_load · availability · size",
        figures=[Stand(floor, usable), Stand(capacity, served.times(least.of(served)), NOTHING)],
        part="min_load",
    )
    _add_idling(m, load, usable, served, capacity, floor)


NOTHING = constants({n: np.zeros(0, dtype=np.intp) for n in INDEX}, np.zeros(0))


def _unit_figures(m: Model) -> Items:
    """Units in the periods they can be in service, with their figures in the period."""
    served = m.ready
    first, of = distinct([served["unit"], served["period"]])
    unit, period = served["unit"][first], served["period"][first]
    most, least = np.zeros(len(first)), np.ones(len(first))
    np.maximum.at(most, of, served.coefficient)
    np.minimum.at(least, of, served.coefficient)
    rows = m.scenario.items("Units").take(unit).plus(period=period)
    existing = rows["status"] == m.scenario.codes.known("status", "existing")
    capacity = in_periods(m.scenario, "capacity_per_year").of(rows)
    rows = rows.plus(
        existing=existing,
        capacity_per_year=np.where(existing, capacity, rows["capacity_per_year"]),
        **{n: in_periods(m.scenario, n).of(rows) for n in ("availability", "min_load")},
    )
    small, large = rows["capacity_per_year"], rows["capacity_max_per_year"]
    largest = np.where(~existing & ~np.isnan(large), large, small)
    # In a year of ramp-up, or of service begun, the size depends on the period built in.
    ranged = (largest > small) | (most > least)
    return rows.plus(ready=most, largest=most * largest, ranged=ranged)


def _cells(units: Items, figure: Figure, m: Model) -> Cells:
    """The cells of a figure of units; a candidate's capacity is that of the sheet Units."""
    at: UnitFigure = in_periods(m.scenario, figure.column)
    cell = units["unit"], units["period"]
    changed = at.changed[cell]
    if figure is CAPACITY:
        changed = changed & units["existing"]
    row = np.where(changed, at.row[cell], units["row"])
    labels = {n: units[n] for n in INDEX}
    return Cells(figure, labels, units[figure.column], row, changed)


def _add_idling(  # noqa: PLR0913, PLR0917
    m: Model, load: Terms, usable: Terms, served: Terms, capacity: Cells, floor: Cells
) -> None:
    """A unit that can idle runs at its least load or more, or stands still."""
    units = m.units
    idles = units["can_idle"] & (units["min_load"] > 0.0)
    rows = units.take(idles & (units["largest"] * units["availability"] > 0.0))
    running = m.variable("running", INDEX, rows, "unit that can idle runs", "0/1", decision=True)
    runs = load.within(rows.labels, *INDEX)
    available, least = rows["availability"], rows["min_load"]
    most, per_capacity = available * rows["largest"], available * rows["ready"]
    standing = rows.take(rows["existing"])
    labels = {n: standing[n] for n in INDEX}
    m.limit(
        "running_capacity",
        over=INDEX,
        left=runs,
        sense="<=",
        right=running.times(most),
        formula="Σ_recipe capacity_use · activity ≤ availability · largest size · running",
        figures=[
            Stand(
                capacity, running.times(per_capacity), constants(labels, standing["availability"])
            )
        ],
        part="capacity",
    )
    # Of variable size and idle: load ≥ min_load · availability · (size − largest), never binding.
    sized = rows["ranged"]
    at_sized = {n: rows[n][sized] for n in INDEX}

    def floored(runs: Floats, size: Terms) -> Terms:
        """largest size · running, or size − largest size · (1 − running)."""
        return (
            running.times(runs) + size.within(at_sized, *INDEX) + constants(at_sized, -runs[sized])
        )

    held = floored(most, usable)
    moves = floored(per_capacity, served)
    at, at_moves = (find_rows(rows, terms, *INDEX) for terms in (held, moves))
    m.limit(
        "running_min_load",
        over=INDEX,
        left=runs,
        sense=">=",
        right=held.times(least[at]),
        formula="load ≥ min_load · availability · (size − largest size · (1 − running)), or for a"
        " unit of one size load ≥ min_load · availability · size · running",
        figures=[
            Stand(
                floor,
                held,
                constants(labels, standing["availability"] * standing["capacity_per_year"]),
            ),
            Stand(capacity, moves.times(least[at_moves]), NOTHING),
        ],
        part="min_load",
    )


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `units`."""
    codes, rows, activity = m.scenario.codes, m.units, m["activity"]

    def added(terms: Terms) -> Floats:
        """Terms added up by unit and period, at the plan."""
        return added_at(find_rows(rows, terms, *INDEX), terms.at(values), len(rows))

    capacity, load = added(m.size), added(activity.times(activity["capacity_use"]))
    available = capacity * rows["availability"]
    table = rows.frame(
        codes,
        *("site", "unit", "technology", "status", "period"),
        in_service=added(m.years),
        capacity_per_year=capacity,
        available_per_year=available,
        load_per_year=load,
        load_share=np.divide(
            load, available, out=np.full(len(rows), np.nan), where=available > 0.0
        ),
        jobs=added(jobs(m)),
        fixed_million_per_year=m.money_in(values, rows, INDEX, FIXED),
        capital_million_per_year=m.money_in(values, rows, INDEX, CAPITAL),
    )
    return {"units": table}
