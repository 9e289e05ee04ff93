"""Investment: which candidates are built, when and how large, and what being in service costs.

Sets: a candidate can be built in the periods from its earliest to its latest from which it comes
into service within the horizon. Built in b its service begins with year start_b +
construction_years and runs to the end of the last period t with start_t < start_b +
construction_years + lifetime. ψ[unit, b, t] is the share of the years of t in which it is in
service, φ[unit, b, t] the mean over the years of t of its share of capacity: 0 before service, then
ramp_up, then 1. An existing unit is in service always, a unit that is off never.

Variables
    built[unit, period]           0/1          candidate built at the start of the period
    extra_capacity[unit, period]  capacity/yr  size beyond the smaller capacity

Expressions
    in_service[unit, t]  = 1 (existing) or Σ_b built over the b with ψ > 0 (candidate)
    years[unit, t]       = 1 (existing) or Σ_b ψ · built
    size[unit, t]        = capacity (existing) or Σ_b φ · (capacity · built + extra_capacity)

Money
    fixed    − (fixed cost · years + fixed cost per size · Σ_b ψ · extra_capacity)
    capital  annuity: − ψ · capex · (1 + r)^construction_years / Σ_{n<lifetime} (1 + r)^−n
             upfront: − capex at the start of the period built in, discounted (1 + r)^−start
    with capex = capex · built + (capex_max − capex)/(capacity_max − capacity) · extra_capacity
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Model, Record, Stand, Variable, cells
from circflow.algebra.results import PER_YEAR, Group, ResultColumn, ResultTable, numbers, texts
from circflow.algebra.terms import Terms, constants
from circflow.data.cells import split_shares
from circflow.data.coded import (
    Column,
    Flags,
    Floats,
    Ints,
    Items,
    added_at,
    cross,
    find_rows,
    match,
    take,
)
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say

FIXED = Group("fixed", mark("fixed costs of units"), 40)
CAPITAL = Group("capital", "capital", 100)
MONEY = (FIXED, CAPITAL)

BUILT = ResultTable(
    "built",
    "What is built.",
    (
        *texts("the candidate", "unit", "site"),
        *texts(
            "at whose start it is decided (service begins `construction_years` later)", "period"
        ),
        ResultColumn("built", "1; a share in a relaxed plan", "", "number"),
        *numbers("its size", PER_YEAR, "capacity_per_year"),
        *numbers("undiscounted", "million {currency}", "capex_million"),
        ResultColumn("jobs", "while in service", "", "integer"),
        *texts("who pays", "investor"),
    ),
    measure="units of activity",
)
RESULTS = (BUILT,)

INDEX = ("unit", "period")
SERVICE = ("unit", "period", "built_in")


def _need(row: Record) -> str:
    return say("{unit} requires {requires}", unit=row["unit"], requires=row["requires"])


CHOICE = Figure(
    "Units",
    "choice",
    "choice",
    "clear",
    3.0,
    mark("at most one of the choice {where} is built"),
    itemgetter("choice"),
    "",
)
REQUIRES = Figure(
    "Units",
    "requires",
    "requires",
    "clear",
    3.0,
    "{where}",
    _need,
    "",
)


BUDGET = Figure(
    "Budget",
    "budget_million",
    "budget",
    "raise",
    1.0,
    mark("at most {figure} of capex in {where}"),
    itemgetter("period"),
    mark("million {currency}"),
    measure="currency",
    per_million=True,
    once=True,
    binds=mark("budget of {name}"),
)


def build(m: Model) -> None:
    """Add built and extra_capacity, and the rules between candidates."""
    rows = _windows(m.scenario)
    built = m.variable(
        "built", INDEX, rows, "candidate built at the start of the period", "0/1", decision=True
    )
    extra = m.variable(
        "extra_capacity",
        INDEX,
        rows.take(rows["range"] > 0.0),
        "size beyond the smaller capacity",
        "capacity/yr",
    )
    m.serving = {v.name: _serving(m, v) for v in (built, extra)}
    _set_service(m)
    _add_rules(m)
    spent = capex_terms(m)
    m.limit(
        "budget_limit",
        over=("period",),
        left=spent,
        sense="<=",
        right=cells(BUDGET, m.scenario.items("Budget"), "period"),
        formula="Σ capex of what is built in the period ≤ budget_million",
        part="budget",
    )
    _pay(m, spent)


def _windows(scenario: Scenario) -> Items:
    """Candidates in the periods they can be built in, with their unit's figures.

    `begins`: year in which service begins, from the start of the horizon; `annuity`: yearly
    instalment of a million of capex, with the interest of the years of construction.
    """
    units, codes = scenario.active_unit_items, scenario.codes
    units = units.take(units["status"] == codes.known("status", "candidate"))
    last = units["latest_period"]
    small, large = units["capacity_per_year"], units["capacity_max_per_year"]
    largest = np.where(np.isnan(large), small, large)
    rate = scenario.settings.discount_rate
    units = units.plus(
        last=np.where(last < 0, len(scenario.periods) - 1, last),
        range=largest - small,
        largest=largest,
        capex_per_size=_slope(units["capex_max_million"], units["capex_million"], largest - small),
        annuity=np.array(
            [
                annuity(years, rate, built)
                for years, built in zip(
                    units["lifetime_years"].tolist(),
                    units["construction_years"].tolist(),
                    strict=True,
                )
            ]
        ),
    )
    rows = cross(units, scenario.period_items)
    rows = rows.plus(begins=rows["start"] + rows["construction_years"])
    within = rows["begins"] < sum(p.years for p in scenario.periods)
    return rows.take(
        within & (rows["period"] >= rows["earliest_period"]) & (rows["period"] <= rows["last"])
    )


def annuity(lifetime: float, rate: float, construction: float = 0.0) -> float:
    """Yearly payment, first one with service, that pays 1 spent at the decision, `construction`
    years before: its present value over the lifetime is (1 + rate)^construction."""
    return float((1.0 + rate) ** construction / np.sum((1.0 + rate) ** -np.arange(lifetime)))


def _slope(at_most: Floats, at_least: Floats, span: Floats) -> Floats:
    """What one unit of size adds; nothing where no greatest size is given."""
    rise = np.nan_to_num(at_most - at_least)
    sized = span > 0.0
    return np.where(sized, rise / np.where(sized, span, 1.0), 0.0)


def _serving(m: Model, variable: Variable) -> tuple[Items, Terms]:
    """A variable of building, in every period in which what it builds is in service.

    The rows have `served`, ψ, and `ready`, φ.
    """
    periods = m.scenario.period_items
    count = len(periods)
    at = np.repeat(np.arange(len(variable)), count)
    when = np.tile(np.arange(count), len(variable))
    start, begun = periods["start"][when], variable["begins"][at]
    end = start + periods["years"][when]
    serves = (end > begun) & (start < begun + variable["lifetime_years"][at])
    at, when = at[serves], when[serves]
    start, begun, end, years = start[serves], begun[serves], end[serves], periods["years"][when]
    ramp_up = m.scenario.codes.names("ramp_up", variable["ramp_up"][at])
    rows = variable.items.take(at).plus(
        built_in=variable["period"][at],
        period=when,
        served=(end - np.maximum(start, begun)) / years,
        ready=(_ready(ramp_up, end - begun) - _ready(ramp_up, np.maximum(start - begun, 0.0)))
        / years,
    )
    return rows, Terms(
        {n: rows[n] for n in (*SERVICE, "site")}, variable.columns[at], np.ones(len(at))
    )


def _ready(ramp_up: Column, years: Floats) -> Floats:
    """Σ of the shares of capacity over the first years of service."""
    total = years.copy()
    for text in {t for t in ramp_up.tolist() if t is not None}:
        shares = split_shares(text)
        at = ramp_up == text
        so_far = np.concatenate([[0.0], np.cumsum(shares)])
        ramped = np.minimum(years[at], len(shares))
        total[at] = so_far[ramped.astype(int)] + years[at] - ramped
    return total


def _set_service(m: Model) -> None:
    """When every unit that is not off is in service, and with how much of its capacity."""
    units, codes = m.scenario.active_unit_items, m.scenario.codes
    existing = units.take(units["status"] == codes.known("status", "existing"))
    rows = cross(existing.only("unit", "site"), m.scenario.period_items.only("period"))
    labels = {n: rows[n] for n in (*INDEX, "site")} | {"built_in": np.full(len(rows), -1)}
    capacity = in_periods(m.scenario, "capacity_per_year").of(rows)
    built, smaller = m.serving["built"]
    always = constants(labels, np.ones(len(rows)))
    m.in_service = always + smaller
    m.years = always + smaller.times(built["served"])
    m.ready = always + smaller.times(built["ready"])
    sized, larger = m.serving["extra_capacity"]
    size = constants(labels, capacity) + smaller.times(built["ready"] * built["capacity_per_year"])
    m.size = size + larger.times(sized["ready"])


@dataclass(frozen=True)
class UnitFigure:
    """A unit's figure in every period, units × periods, and the rows it stands in."""

    value: Floats
    row: Ints
    changed: Flags
    """Where UnitPeriods has it."""

    def of(self, rows: Items | Terms) -> Floats:
        """The figure of rows with unit and period."""
        return np.asarray(self.value[rows["unit"], rows["period"]])


def in_periods(scenario: Scenario, column: str) -> UnitFigure:
    """A unit's figure in a period: that of UnitPeriods where it is filled, else of Units."""
    units, changes = scenario.items("Units"), scenario.items("UnitPeriods")
    shape = (len(units), len(scenario.periods))
    value = np.repeat(units[column][:, None], shape[1], axis=1)
    row = np.repeat(units["row"][:, None], shape[1], axis=1)
    changed = np.zeros(shape, dtype=bool)
    filled = changes.take(~np.isnan(changes[column]))
    at = filled["unit"], filled["period"]
    value[at], row[at], changed[at] = filled[column], filled["row"], True
    return UnitFigure(value, row, changed)


def _add_rules(m: Model) -> None:
    built, extra, units = m["built"], m["extra_capacity"], m.scenario.items("Units")
    m.limit("built_once", ("unit",), built.times(), "<=", 1.0, "Σ_period built ≤ 1")
    chosen = units.take(units["choice"] >= 0)
    unknown = np.full(len(chosen), np.nan)
    m.limit(
        "one_of_choice",
        over=("choice",),
        left=built.times().where(built["choice"] >= 0),
        sense="<=",
        right=1.0,
        formula="Σ_unit Σ_period built ≤ 1 over the candidates that share a choice",
        figures=[Stand(cells(CHOICE, chosen, "choice", value=unknown))],
    )
    needing = np.unique(built["unit"][built["requires"] >= 0])
    service = m.in_service.within({"unit": needing}, "unit")
    i, j = match([units["requires"][needing]], [m.in_service["unit"]])
    other = m.in_service.where(j).labelled(unit=needing[i])
    m.limit(
        "required_in_service",
        over=INDEX,
        left=service,
        sense="<=",
        right=other,
        formula="in_service of the unit ≤ in_service of the unit it requires",
        figures=[Stand(cells(REQUIRES, units, "unit", value=np.full(len(units), np.nan)))],
    )
    at = find_rows(built, extra, *INDEX)
    m.limit(
        "extra_capacity_limit",
        over=INDEX,
        left=extra.times(),
        sense="<=",
        right=built.times().where(at).times(extra["range"]),
        formula="extra_capacity ≤ (capacity_max − capacity) · built",
    )


def capex_terms(m: Model) -> Terms:
    """Undiscounted capex in million currency, by the period built in."""
    built, extra = m["built"], m["extra_capacity"]
    return built.times(built["capex_million"]) + extra.times(extra["capex_per_size"])


def capital_charges(m: Model) -> Floats:
    """What a million of capex costs by every `built`, at any size, discounted (million)."""
    built = m["built"]
    if m.scenario.settings.capital_charge == "upfront":
        return np.asarray(built["once"])
    rows, serving = m.serving["built"]
    yearly = rows["annuity"] * rows["served"] * m.scenario.period_items["weight"][rows["period"]]
    return np.bincount(serving.column - built.first, yearly, len(built)).astype(float)


def _pay(m: Model, spent: Terms) -> None:
    """Fixed costs (existing units included) and capital."""
    figure = in_periods(m.scenario, "fixed_cost_million_per_year")
    sized, extra = m.serving["extra_capacity"]
    # In a period with a fixed cost of its own, that is the smaller size's: the slope follows it.
    per_size = _slope(sized["fixed_cost_max_million_per_year"], figure.of(sized), sized["range"])
    m.pay(FIXED, m.years, -figure.of(m.years), million=True)
    m.pay(FIXED, extra, -per_size * sized["served"], million=True)
    if m.scenario.settings.capital_charge == "upfront":
        m.pay(CAPITAL, spent, -1.0, million=True, lump=True)
        return
    for name, per_unit in (("built", "capex_million"), ("extra_capacity", "capex_per_size")):
        rows, serving = m.serving[name]
        charge = rows[per_unit] * rows["annuity"] * rows["served"]
        m.pay(CAPITAL, serving, -charge, million=True)


def jobs(m: Model) -> Terms:
    """Jobs of units, by the share of the years in service (unit, period)."""
    return m.years.times(m.scenario.items("Units")["jobs"][m.years["unit"]])


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `built`."""
    built, extra = m["built"], m["extra_capacity"]
    share = built.value(values)
    size = take(extra.value(values), find_rows(extra, built, *INDEX))
    spent = capex_terms(m)
    capex = added_at(find_rows(built, spent, *INDEX), spent.at(values), len(built))
    table = built.items.plus(
        built=share,
        capacity_per_year=built["capacity_per_year"] * share + size,
        capex_million=capex,
        jobs=built["jobs"] * share,
    ).take(share > 0.0)
    order = ("unit", "site", "period", "built", "capacity_per_year", "capex_million", "jobs")
    return {"built": table.frame(m.scenario.codes, *order, "investor")}
