"""What a plan brings to public budgets: the sheet Taxes, applied to a plan. Nothing of it changes
the plan.

Bases, of each member in each period (per year):

* profit: its net benefit (own money: income − costs + synergy, capital charged), where above 0;
* income: what it sells, sales at places outside passed back to the sender;
* property: the book value of what it has built, written down in equal parts over the lifetime
  (mean of the year, from the beginning of service);
* job: jobs of its units in service;
* taken: what is taken from streams at its sites; disposed: what is disposed of there;
* disposal_fee, emission_charge: what it pays of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.coded import Floats
from circflow.data.scenario import MILLION, Scenario
from circflow.data.schema.sheets import TAX_SHARES
from circflow.i18n import mark
from circflow.solution.solution import NoPlan, Solution
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine
from circflow.studies.cluster.own_money import own_money
from circflow.studies.indicators import Figures, plan_and_baseline, plans, without_units

COLUMNS = ("budget", "tax", "base", "member", "period", "million_per_year")


@public
def finance(  # noqa: PLR0913
    scenario: Scenario,
    *,
    plan: Solution | None = None,
    baseline: Solution | NoPlan | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """What a plan brings to each budget, beside the same scenario without new units.

    Args:
        scenario: from `circflow.read`.
        plan: its plan, where it has been solved already.
        baseline: the optimum without new units, or why there is none.

    The other arguments as in `circflow.sweep`.

    Returns:
        One row per budget, tax, member (None: everybody, places outside included) and period
        (None: the mean per year of the horizon): budget, tax, base, member, period,
        million_per_year (undiscounted), baseline, change. The baseline is NaN where it has no
        plan. Empty where the sheet Taxes is.

    Raises:
        NoPlan: the scenario has no plan.
    """
    if plan is None or baseline is None:
        with Engine(jobs, dask=dask, tell=progress) as engine:
            plan, baseline = plan_and_baseline(
                engine, scenario, plan, gap=gap, time_limit=time_limit
            )
    table = taxes_of(plan)
    before = np.nan if isinstance(baseline, NoPlan) else taxes_of(baseline)["million_per_year"]
    return table.assign(baseline=before, change=table["million_per_year"] - before)


def by_candidate(engine: Engine, plan: Solution, **search: Any) -> pd.DataFrame:
    """What each unit that is built brings: the plan less the best plan in which it cannot be built.

    `search` as of `circflow.solve`.

    Returns:
        unit, budget, million_per_year (mean over the horizon; NaN where there is no plan without
        it).
    """
    with_all = _by_budget(plan)
    units = list(dict.fromkeys(plan.built["unit"]))
    still = [without_units(plan.scenario, [unit]) for unit in units]
    rows = []
    for unit, other in zip(units, plans(engine, still, mark("plans"), **search), strict=True):
        without = with_all * np.nan if isinstance(other, NoPlan) else _by_budget(other)
        rows += [(unit, budget, float(v)) for budget, v in (with_all - without).items()]
    return pd.DataFrame(rows, columns=["unit", "budget", "million_per_year"])


def _by_budget(plan: Solution) -> pd.Series[float]:
    table = taxes_of(plan)
    horizon = table[table["member"].isna() & table["period"].isna()]
    sums: pd.Series[float] = horizon.groupby("budget", sort=False)["million_per_year"].sum()
    return sums


def taxes_of(plan: Solution) -> pd.DataFrame:
    """Every tax of a plan: budget, tax, base, member, period, million_per_year."""
    taxes = plan.scenario.frame("Taxes")
    figures = Figures(plan)
    rows: list[tuple[object, ...]] = []
    for (tax, budget), listed in taxes.groupby(["tax", "budget"], sort=False):
        base = str(listed["base"].iloc[0])
        paid = np.zeros((len(figures.owners), len(figures.periods)))
        for _, same in listed.groupby("material", dropna=False, sort=False):
            amount = _base(plan, figures, base, same["material"].iloc[0])
            paid += amount * _rates(same, figures)[:, None]
        unit = 1.0 if base in TAX_SHARES else 1.0 / MILLION
        # everybody: members by their own rates, places outside by the general one
        paid[0] += paid[1:].sum(axis=0)
        yearly, mean = paid * unit / figures.years, paid.sum(axis=1) * unit / figures.years.sum()
        for n, owner in enumerate(figures.owners):
            of = (budget, tax, base, owner)
            rows += [(*of, p, float(yearly[n, t])) for t, p in enumerate(figures.periods)]
            rows.append((*of, None, float(mean[n])))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("member", "period"):
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def _rates(rows: pd.DataFrame, figures: Figures) -> Floats:
    """The rate of everybody else (first) and of each member."""
    by_member = {m: r for m, r in zip(rows["member"], rows["rate"], strict=True) if m is not None}
    general = rows["rate"][rows["member"].isna()]
    rate = float(general.iloc[0]) if len(general) else 0.0
    return np.array([rate, *(float(by_member.get(name, rate)) for name in figures.members)])


def _base(plan: Solution, figures: Figures, base: str, material: str | None) -> Floats:
    """A tax base over each period, in million currency, jobs · years, or units: a row for places
    outside and one for each member."""
    if base == "profit":
        profit: Floats = np.maximum(figures.figures["net_benefit"], 0.0)
        profit[0] = 0.0  # places outside are no enterprises of the cluster
        return profit
    total = _with_all(plan, figures, base, material)
    # The first row of figures is the cluster with places outside: leave these alone.
    total[0] -= total[1:].sum(axis=0)
    return total


def _with_all(plan: Solution, figures: Figures, base: str, material: str | None) -> Floats:
    """A tax base whose first row is of everybody."""
    tables = plan.tables
    if base in ("income", "job"):
        return figures.figures["income" if base == "income" else "jobs"].copy()
    if base == "property":
        return _book_values(plan, figures)
    if base in ("disposal_fee", "emission_charge"):
        group = "disposal" if base == "disposal_fee" else "emissions"
        money = own_money(plan, "million_per_year")
        money = money[money["group"] == group]
        return figures.by_owner(money, -money["million_per_year"])
    rows = tables.disposal if base == "disposed" else tables.supply
    if base == "taken":
        rows = rows[rows["kind"] == "stream"]
    if material is not None:
        rows = rows[rows["material"] == material]
    elif base == "disposed":
        rows = rows[rows["material"].isin(plan.scenario.wastes)]
    return figures.by_owner(rows, rows["amount_per_year"])


def _book_values(plan: Solution, figures: Figures) -> Floats:
    """Σ over the years of each period of the mean book value of what is built."""
    built, periods = plan.built, plan.scenario.periods
    terms = plan.scenario.frame("Units").set_index("unit").reindex(built["unit"])
    lasts = terms["lifetime_years"].to_numpy(float)
    start = {p.name: p.start for p in periods}
    age0 = built["period"].map(start).to_numpy(float)
    age0 += terms["construction_years"].to_numpy(float)
    total = np.zeros((len(figures.owners), len(figures.periods)))
    for period in periods:
        age = period.start + np.arange(period.years)[:, None] - age0
        share = np.where(age >= 0.0, np.maximum(1.0 - (age + 0.5) / lasts, 0.0), 0.0)
        value = built["capex_million"].to_numpy(float) * share.sum(axis=0)
        total += figures.by_owner(built.assign(period=period.name), value, yearly=False)
    return total
