"""Investment: which candidates are built, when and how large, and what being in service costs.

Sets: a candidate can be built in the periods from its earliest to its latest; built in b it is
in service in every period t ≥ b with start_t < start_b + lifetime, to that period's end. An
existing unit is in service always, a unit that is off never.

Variables
    built[unit, period]           0/1          candidate built at the start of the period
    extra_capacity[unit, period]  capacity/yr  size beyond the smaller capacity

Expressions
    in_service[unit, t]  = 1 (existing) or Σ_b built (candidate)
    size[unit, t]        = capacity (existing) or Σ_b (capacity · built + extra_capacity)

Money
    fixed    − (fixed cost · in_service + fixed cost per size · Σ_b extra_capacity)
    capital  annuity: − capex / Σ_{n<lifetime} (1 + r)^−n in every year in service
             upfront: − capex at the start of the period built in, discounted (1 + r)^−start
    with capex = capex · built + (capex_max − capex)/(capacity_max − capacity) · extra_capacity
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    CONSTANT,
    Model,
    Rows,
    add_variables,
    index_set,
    money_terms,
    named,
    periods_table,
    stack,
)

INDEX = ["unit", "period"]
SERVICE = ["unit", "period", "built_in", "column", "coefficient"]


def build(m: Model, *, relax: bool = False) -> None:
    """Add built and extra_capacity, and the rules between candidates."""
    rows = _windows(m)
    add_variables(
        m,
        "built",
        rows,
        INDEX,
        "candidate built at the start of the period, 0/1",
        upper=np.ones(len(rows)),
        domain=pyo.NonNegativeReals if relax else pyo.Binary,
    )
    sized = rows[rows["range"] > 0.0]
    add_variables(
        m, "extra_capacity", sized, INDEX, "size beyond the smaller capacity, capacity/yr"
    )
    m.serving = {name: _serving(m, name) for name in ("built", "extra_capacity")}
    m.in_service = _in_service(m)
    m.size = _size(m)
    _add_rules(m)
    _add_budget(m)


def _windows(m: Model) -> pd.DataFrame:
    """Candidates in the periods they can be built in, with their unit's figures."""
    units = m.scenario.active_units.rename_axis("row").reset_index()
    units = units[units["status"] == "candidate"]
    order = {p.name: n for n, p in enumerate(m.scenario.periods)}
    first = units["earliest_period"].map(order).fillna(0)
    last = units["latest_period"].map(order).fillna(len(order) - 1)
    largest = units["capacity_max_per_year"].fillna(units["capacity_per_year"])
    span = (largest - units["capacity_per_year"]).astype(float)
    rate = m.scenario.settings.discount_rate
    life = units["lifetime_years"].astype(float)
    units = units.assign(
        first=first,
        last=last,
        range=span,
        largest=largest,
        capex_per_size=_slope(units["capex_max_million"], units["capex_million"], span),
        annuity=[annuity(years, rate) for years in life],
    )
    rows = units.merge(periods_table(m.scenario), how="cross")
    rows = rows[(rows["order"] >= rows["first"]) & (rows["order"] <= rows["last"])]
    return rows.reset_index(drop=True)


def annuity(lifetime: float, rate: float) -> float:
    """Yearly payment, first one at once, whose present value over the lifetime is 1."""
    return 1.0 / float(np.sum((1.0 + rate) ** -np.arange(lifetime)))


def _slope(at_most: pd.Series[float], at_least: pd.Series[float], span: pd.Series[float]) -> Any:
    """What one unit of size adds; nothing where no greatest size is given."""
    rise = (at_most - at_least).fillna(0.0)
    return (rise / span.where(span > 0.0)).fillna(0.0)


def _in_service(m: Model) -> pd.DataFrame:
    """in_service of every unit that is not off, as terms (unit, period, column, coefficient)."""
    units = m.scenario.active_units
    periods = periods_table(m.scenario)
    existing = units.loc[units["status"] == "existing", ["unit"]].merge(
        periods[["period"]], how="cross"
    )
    constant = existing.assign(built_in=None, column=CONSTANT, coefficient=1.0)
    return stack([constant, m.serving["built"]], SERVICE)


def _serving(m: Model, name: str) -> pd.DataFrame:
    """A variable of building, in every period in which what it builds is in service."""
    rows = m.rows[name].rename(columns={"period": "built_in", "start": "built_start"})
    rows = rows.drop(columns=["years", "weight", "once", "order"])
    both = rows.merge(periods_table(m.scenario), how="cross")
    serves = (both["start"] >= both["built_start"]) & (
        both["start"] < both["built_start"] + both["lifetime_years"]
    )
    return both[serves].assign(coefficient=1.0)


def _size(m: Model) -> pd.DataFrame:
    """Capacity in service, as terms (unit, period, column, coefficient)."""
    units = m.scenario.active_units
    existing = units[units["status"] == "existing"].merge(
        periods_table(m.scenario)[["period"]], how="cross"
    )
    capacity = in_period(m, existing, "capacity_per_year")
    constant = existing.assign(built_in=None, column=CONSTANT, coefficient=capacity)
    smaller = m.serving["built"]
    smaller = smaller.assign(coefficient=smaller["capacity_per_year"])
    return stack([constant, smaller, m.serving["extra_capacity"]], SERVICE)


def in_period(m: Model, rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A unit's figure in a period: that of UnitPeriods where it is filled, else of Units."""
    changes = m.scenario.frame("UnitPeriods")
    filled = changes[changes[column].notna()]
    own = rows[column].to_numpy(float)
    if filled.empty:
        return own
    figure = {(u, t): float(v) for u, t, v in named(filled, "unit", "period", column)}
    keys = named(rows, "unit", "period")
    return np.array([figure.get(k, v) for k, v in zip(keys, own.tolist(), strict=True)])


def _add_rules(m: Model) -> None:
    built = m.rows["built"].assign(coefficient=1.0)
    once = Rows(m, built, ["unit"])
    index_set(m, "CANDIDATES", once.keys(), 1)

    @m.Constraint(m.CANDIDATES)
    def built_once(m: Model, unit: str) -> pyo.Expression:
        """Σ_period built ≤ 1"""
        return once[unit] <= 1.0

    chosen = Rows(m, built[built["choice"].notna()], ["choice"])
    index_set(m, "CHOICES", chosen.keys(), 1)

    @m.Constraint(m.CHOICES)
    def one_of_choice(m: Model, choice: str) -> pyo.Expression:
        """Σ_unit Σ_period built ≤ 1 over the candidates that share a choice"""
        return chosen[choice] <= 1.0

    needs = _requirements(m)
    required = Rows(m, needs, ["unit", "period"])
    index_set(m, "REQUIREMENTS", required.keys(), 2)

    @m.Constraint(m.REQUIREMENTS)
    def required_in_service(m: Model, unit: str, period: str) -> pyo.Expression:
        """in_service of the unit ≤ in_service of the unit it requires"""
        return required[unit, period] <= 0.0

    span = {(u, t): r for u, t, r in named(m.rows["extra_capacity"], "unit", "period", "range")}

    @m.Constraint(m.EXTRA_CAPACITY_INDEX)
    def extra_capacity_limit(m: Model, unit: str, period: str) -> pyo.Expression:
        """extra_capacity ≤ (capacity_max − capacity) · built"""
        key = (unit, period)
        return m.extra_capacity[key] - span[key] * m.built[key] <= 0.0


def _requirements(m: Model) -> pd.DataFrame:
    """in_service(unit) − in_service(required unit) of candidates that require a unit."""
    built = m.rows["built"]
    pairs = built.loc[built["requires"].notna(), ["unit", "requires"]].drop_duplicates()
    own = m.in_service.merge(pairs[["unit"]], on="unit")
    other = pairs.merge(m.in_service.rename(columns={"unit": "requires"}), on="requires")
    other = other.assign(coefficient=-other["coefficient"].astype(float))
    terms = stack([own, other], ["unit", "period", "column", "coefficient"])
    # Periods in which the unit cannot be in service need no rule.
    return terms.merge(own[["unit", "period"]].drop_duplicates(), on=["unit", "period"])


def _add_budget(m: Model) -> None:
    budget = m.scenario.frame("Budget")
    amount = dict(zip(budget["period"], budget["budget_million"], strict=True))
    spent = capex_terms(m)
    spent = spent[spent["period"].isin(amount)]
    committed = Rows(m, spent, ["period"])
    index_set(m, "BUDGETS", committed.keys(), 1)

    @m.Constraint(m.BUDGETS)
    def budget_limit(m: Model, period: str) -> pyo.Expression:
        """Σ capex of what is built in the period ≤ budget_million"""
        return committed[period] <= amount[period]


def capex_terms(m: Model) -> pd.DataFrame:
    """Undiscounted capex in million currency, by the period built in."""
    built, extra = m.rows["built"], m.rows["extra_capacity"]
    return pd.concat(
        [
            built.assign(coefficient=built["capex_million"]),
            extra.assign(coefficient=extra["capex_per_size"]),
        ],
        ignore_index=True,
    )


def money(m: Model) -> list[pd.DataFrame]:
    """Fixed costs (existing units included) and capital."""
    units = m.scenario.active_units.set_index("unit")
    service = m.in_service.join(units[["site", "fixed_cost_million_per_year"]], on="unit")
    fixed = in_period(m, service, "fixed_cost_million_per_year")
    extra = m.serving["extra_capacity"]
    # In a period with a fixed cost of its own, that is the smaller size's: the slope follows it.
    smaller = pd.Series(in_period(m, extra, "fixed_cost_million_per_year"), index=extra.index)
    per_size = _slope(extra["fixed_cost_max_million_per_year"], smaller, extra["range"])
    parts = [
        money_terms(service, "fixed", -fixed * service["coefficient"], million=True),
        money_terms(extra, "fixed", -per_size, million=True),
    ]
    if m.scenario.settings.capital_charge == "upfront":
        spent = capex_terms(m)
        parts.append(money_terms(spent, "capital", -spent["coefficient"], million=True, lump=True))
        return parts
    for name, per_unit in (("built", "capex_million"), ("extra_capacity", "capex_per_size")):
        serving = m.serving[name]
        yearly = -serving[per_unit] * serving["annuity"]
        parts.append(money_terms(serving, "capital", yearly, million=True))
    return parts


def jobs(m: Model) -> pd.DataFrame:
    """Jobs of units in service, as terms (unit, period, column, coefficient)."""
    units = m.scenario.active_units.set_index("unit")
    service = m.in_service.join(units[["jobs"]], on="unit")
    return service.assign(coefficient=service["coefficient"].astype(float) * service["jobs"])


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The table `built`."""
    rows = m.rows["built"]
    share = values[rows["column"].to_numpy()]
    extra = m.rows["extra_capacity"][INDEX].assign(
        extra=values[m.rows["extra_capacity"]["column"].to_numpy()]
    )
    extra_size = rows[INDEX].merge(extra, on=INDEX, how="left")["extra"].fillna(0.0).to_numpy()
    table = pd.DataFrame(
        {
            "unit": rows["unit"],
            "site": rows["site"],
            "period": rows["period"],
            "built": share,
            "capacity_per_year": rows["capacity_per_year"].to_numpy(float) * share + extra_size,
            "capex_million": rows["capex_million"].to_numpy(float) * share
            + rows["capex_per_size"].to_numpy(float) * extra_size,
            "jobs": rows["jobs"].to_numpy(float) * share,
            "investor": rows["investor"],
        }
    )
    return {"built": table[share > 0.0].reset_index(drop=True)}
