"""The six groups of indicators of a cluster, computed from a plan beside those that are given.

Resources, innovation activity, performance, social and environmental, international, technology
(MODEL: Indicators). A computed indicator is one of

* a rate: per year of the period, over the horizon the mean per year;
* a sum: what is committed in the period, over the horizon its sum;
* a quotient of two such figures, over the horizon the quotient of their sums (n/a where the
  divisor is 0);
* a count of what differs (new technologies) or a state (members with new units).

All stand for the cluster and, of its own sites and units, for each member; sales at places outside
count for the member that sent the goods, as in its own money. Money in million currency,
undiscounted; capital paid upfront in equal parts over the years of its period.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.algebra.market import INCOME
from circflow.data.arguments import public
from circflow.data.coded import Floats
from circflow.data.scenario import Scenario
from circflow.data.schema.indicators import BY_INDICATOR, EMITTED, Computed
from circflow.data.schema.sheets import INDICATOR_GROUPS
from circflow.i18n import mark
from circflow.solution.solution import NoPlan, Solution
from circflow.solution.totals import SHARE_UNIT
from circflow.solver.run import Progress, solve
from circflow.studies.bench.engine import Engine
from circflow.studies.cluster.own_money import Books, own_money

COLUMNS = (
    "group",
    "indicator",
    "unit",
    "member",
    "period",
    "value",
    "baseline",
    "change",
    "target",
    "met",
    "kind",
)


@public
def indicators(  # noqa: PLR0913
    scenario: Scenario,
    *,
    plan: Solution | None = None,
    baseline: Solution | NoPlan | None = None,
    with_baseline: bool = True,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Computed and given indicators of a scenario's plan, beside its baseline and the targets.

    Args:
        scenario: from `circflow.read`.
        plan: its solution, where there is one already.
        baseline: the optimum of `without_candidates(scenario)`, or why there is none.
        with_baseline: whether to solve for the baseline where it is not given.

    The other arguments as in `circflow.sweep`.

    Returns:
        One row per indicator, member (None: the cluster) and period (None: the horizon): group,
        indicator, unit, member, period, value, baseline, change (value − baseline), target, met
        (True, False, or None where value or target is missing), kind (computed, given). What
        does not exist is NaN.

    Raises:
        NoPlan: the scenario has no plan. A baseline without a plan leaves its column empty.
    """
    if plan is None and not with_baseline:
        plan = solve(scenario, gap=gap, time_limit=time_limit)
    if plan is None or (baseline is None and with_baseline):
        with Engine(jobs, dask=dask, tell=progress) as engine:
            plan, baseline = plan_and_baseline(
                engine, scenario, plan, gap=gap, time_limit=time_limit
            )
    values = computed(plan)
    before = computed(baseline) if isinstance(baseline, Solution) else {}
    table = _table(scenario, values, before)
    order = {group: n for n, group in enumerate(INDICATOR_GROUPS)}
    return table.sort_values(
        "group", key=lambda group: group.map(order), kind="stable", ignore_index=True
    )


def plans(
    engine: Engine, scenarios: Sequence[Scenario], what: str, **search: Any
) -> list[Solution | NoPlan]:
    """The optimum of each scenario, or why it has none; `search` as of `circflow.solve`."""
    return engine.spread(_plan, (scenarios, search), range(len(scenarios)), what)


def _plan(job: tuple[Sequence[Scenario], dict[str, Any]], number: int) -> Solution | NoPlan:
    scenarios, search = job
    try:
        return solve(scenarios[number], **search)
    except NoPlan as none:
        return none


def plan_and_baseline(
    engine: Engine, scenario: Scenario, plan: Solution | None = None, **search: Any
) -> tuple[Solution, Solution | NoPlan]:
    """The optimum of a scenario (if it is not known), and that with every candidate off, or why it
    has none. Raises NoPlan where the scenario has none."""
    still = without_candidates(scenario)
    asked = [] if plan is not None else [scenario]
    asked += [] if still is scenario else [still]
    answers = plans(engine, asked, mark("plans"), **search)
    first = answers[0] if plan is None else plan
    if isinstance(first, NoPlan):
        raise first
    return first, first if still is scenario else answers[-1]


def without_candidates(scenario: Scenario) -> Scenario:
    """The scenario with every candidate off; itself where it has none."""
    units = scenario.frame("Units")
    return without_units(scenario, units["unit"][units["status"] == "candidate"])


def without_units(scenario: Scenario, names: Collection[str]) -> Scenario:
    """The scenario with these units off; itself where there are none."""
    if not len(names):
        return scenario
    table = scenario.tables["Units"]
    status = table.frame["status"].mask(table.frame["unit"].isin(list(names)), "off")
    return scenario.with_table(table.with_frame(table.frame.assign(status=status)))


Key = tuple[str, str | None, str | None]
"""An indicator, a member (None: the cluster), a period (None: the horizon)."""


def computed(plan: Solution) -> dict[Key, float]:
    """Every computed indicator of a plan, NaN where it does not exist."""
    return Figures(plan).indicators()


class Figures:
    """The figures of a plan that indicators are made of.

    Each is an array with a row for the cluster and each member, and a column for each period:
    what comes to be in the period as a whole (a rate times the period's years).
    """

    def __init__(self, plan: Solution) -> None:
        self.plan, self.scenario = plan, plan.scenario
        self.members = self.scenario.members
        self.owners: tuple[str | None, ...] = (None, *self.members)
        self.periods = [p.name for p in self.scenario.periods]
        self.years = np.array([p.years for p in self.scenario.periods], dtype=float)
        self._row = {name: n + 1 for n, name in enumerate(self.members)}
        self._column = {name: n for n, name in enumerate(self.periods)}
        self.figures = {
            **self._investment(),
            **self._money(),
            **self._units(),
            **self._waste(),
            **self._emitted(),
        }

    def indicators(self) -> dict[Key, float]:
        values: dict[Key, float] = {}
        for indicator in self._declared():
            if indicator.kind == "state":
                values |= self._members_with_new_units(indicator)
            elif indicator.kind == "distinct":
                values |= self._new_technologies(indicator)
            else:
                values |= self._of_figures(indicator)
        return values

    def _declared(self) -> list[Computed]:
        """Every indicator; one of emissions for each pollutant."""
        emitted = [BY_INDICATOR[EMITTED].of(name) for name in self._pollutants()]
        listed = BY_INDICATOR.items()
        return [one for name, i in listed for one in (emitted if name == EMITTED else [i])]

    def _of_figures(self, indicator: Computed) -> dict[Key, float]:
        upper = self.added(indicator.figure or indicator.name)
        horizon = upper.sum(axis=1)
        if indicator.kind == "rate":
            in_period, over_all = upper / self.years, horizon / self.years.sum()
        elif indicator.kind == "sum":
            in_period, over_all = upper, horizon
        else:
            lower = self.added(indicator.divisor)
            in_period, over_all = _quotient(upper, lower), _quotient(horizon, lower.sum(axis=1))
            if indicator.complement:
                in_period, over_all = 1.0 - in_period, 1.0 - over_all
        return self._keyed(indicator.name, in_period, over_all)

    def _keyed(self, name: str, in_period: Floats, over_all: Floats) -> dict[Key, float]:
        values: dict[Key, float] = {}
        for n, owner in enumerate(self.owners):
            for t, period in enumerate(self.periods):
                values[name, owner, period] = float(in_period[n, t]) + 0.0
            values[name, owner, None] = float(over_all[n]) + 0.0
        return values

    def added(self, names: str) -> Floats:
        """The sum of figures whose names stand between plus signs."""
        first, *others = (self.figures[name.strip()] for name in names.split("+"))
        return sum(others, start=first)

    def by_owner(
        self, rows: pd.DataFrame, amount: pd.Series[Any] | Floats, *, yearly: bool = True
    ) -> Floats:
        """Amounts of rows that have period, and member or site, by owner and period."""
        amounts = np.nan_to_num(np.asarray(amount, dtype=float))
        owner = rows["member"] if "member" in rows else rows["site"].map(self.scenario.member_of)
        at = np.array([self._row.get(name, -1) for name in owner], dtype=np.intp)
        when = np.array([self._column[name] for name in rows["period"]], dtype=np.intp)
        table = np.zeros((len(self.owners), len(self.periods)))
        np.add.at(table[0], when, amounts)
        np.add.at(table, (at[at > 0], when[at > 0]), amounts[at > 0])
        return table * self.years if yearly else table

    def _investment(self) -> dict[str, Floats]:
        built = self.plan.built
        share = self.scenario.frame("Units").set_index("unit")["foreign_share"]
        foreign = built["capex_million"] * built["unit"].map(share).astype(float)
        return {
            "investment": self.by_owner(built, built["capex_million"], yearly=False),
            "foreign_investment": self.by_owner(built, foreign, yearly=False),
            "new_units": self.by_owner(built, built["built"], yearly=False),
        }

    def _money(self) -> dict[str, Floats]:
        """Money of the cluster from the money table, of members from their own money."""
        money = own_money(self.plan, "million_per_year")
        amount = money["million_per_year"]
        groups = money["group"]

        def of(where: pd.Series[bool], sign: float = 1.0) -> Floats:
            return sign * self.by_owner(money[where], amount[where])

        received = groups.isin([g.name for g in money_groups() if g.received])
        return {
            "income": of(groups == INCOME.name),
            "costs": of(~received, -1.0),
            "costs_without_capital": of(~received & (groups != "capital"), -1.0),
            "net_benefit": of(groups.notna()),
            **self._revenues(),
        }

    def _revenues(self) -> dict[str, Floats]:
        sales = self.plan.sales
        materials = self.scenario.frame("Materials")
        new = sales["material"].isin(materials["material"][materials["innovative"]])
        export = self.scenario.frame("Markets")["export"]
        abroad = sales["row"].map(export).astype(bool)
        books = Books(self.plan, "million_per_year")

        def of(where: pd.Series[bool]) -> Floats:
            paid = books.sold(where.to_numpy(bool))
            return self.by_owner(paid, paid["million"])

        return {
            "innovative_revenue": of(new),
            "export_revenue": of(abroad),
            "innovative_export_revenue": of(new & abroad),
        }

    def _units(self) -> dict[str, Floats]:
        units = self.plan.tables.units
        new = units["status"] == "candidate"
        return {
            "jobs": self.by_owner(units, units["jobs"]),
            "jobs_new": self.by_owner(units[new], units["jobs"][new]),
            "load": self.by_owner(units, units["load_per_year"]),
            "load_new": self.by_owner(units[new], units["load_per_year"][new]),
            "available": self.by_owner(units, units["available_per_year"]),
        }

    def _waste(self) -> dict[str, Floats]:
        tables = self.plan.tables
        streams = tables.supply[tables.supply["kind"] == "stream"]
        return {
            "waste_disposed": self._wasted(tables.disposal, "amount_per_year")
            + self._wasted(tables.stockpiles, "added_per_year"),
            "waste_taken": self._wasted(streams, "amount_per_year")
            + self._wasted(tables.stockpiles, "reclaimed_per_year"),
        }

    def _wasted(self, table: pd.DataFrame, column: str) -> Floats:
        measure = self.scenario.unit_of_measure
        waste = {k for k in self.scenario.wastes if measure[k] == SHARE_UNIT}
        rows = table[table["material"].isin(waste)]
        return self.by_owner(rows, rows[column])

    def _pollutants(self) -> list[str]:
        factors = self.scenario.frame("EmissionFactors")["pollutant"]
        return list(dict.fromkeys([*factors, *self.plan.emissions["pollutant"]]))

    def _emitted(self) -> dict[str, Floats]:
        table = self.plan.emissions
        return {
            BY_INDICATOR[EMITTED].of(name).name: self.by_owner(
                table[table["pollutant"] == name],
                table["tonnes_per_year"][table["pollutant"] == name],
            )
            for name in self._pollutants()
        }

    def _members_with_new_units(self, indicator: Computed) -> dict[Key, float]:
        """Members with a candidate built up to the period, of those with units; cluster only."""
        built, member_of = self.plan.built, self.scenario.member_of
        count = self.scenario.active_units["site"].map(member_of).nunique()
        first = built["period"].map(self._column).groupby(built["site"].map(member_of)).min()
        at = [*range(len(self.periods)), len(self.periods) - 1]
        shares = [float((first <= t).sum()) / count if count else math.nan for t in at]
        by_period = zip([*self.periods, None], shares, strict=True)
        return {(indicator.name, None, period): share for period, share in by_period}

    def _new_technologies(self, indicator: Computed) -> dict[Key, float]:
        """Technologies of candidates in service that no existing unit of the cluster has."""
        units = self.plan.tables.units
        known = set(units["technology"][units["status"] == "existing"])
        new = units[(units["status"] == "candidate") & (units["in_service"] > 0.0)]
        new = new[~new["technology"].isin(known)]
        new = new.assign(member=new["site"].map(self.scenario.member_of))
        of_owner = [new, *(new[new["member"] == member] for member in self.members)]
        counts = [mine.groupby("period")["technology"].nunique() for mine in of_owner]
        in_period = np.array([n.reindex(self.periods, fill_value=0) for n in counts])
        over_all = np.array([mine["technology"].nunique() for mine in of_owner])
        return self._keyed(indicator.name, in_period, over_all)


def _quotient(upper: Floats, lower: Floats) -> Floats:
    """upper / lower, NaN where the divisor is 0."""
    return np.divide(upper, lower, out=np.full_like(upper, np.nan), where=lower != 0.0)


def _table(
    scenario: Scenario, values: Mapping[Key, float], before: Mapping[Key, float]
) -> pd.DataFrame:
    """The computed indicators with their targets, then those that the sheet gives."""
    frame = scenario.frame("Indicators")
    texts = frame[["member", "period", "unit"]].astype(object)
    listed = frame.assign(**texts.where(texts.notna(), None)).to_dict("records")
    given: list[dict[Any, Any]] = []
    targets: dict[Key, dict[Any, Any]] = {}
    for row in listed:
        if row["indicator"].partition(":")[0] not in BY_INDICATOR:
            given.append({**row, "unit": row["unit"] or "", "kind": "given"})
        else:
            targets[row["indicator"], row["member"], row["period"]] = row
    rows: list[dict[Any, Any]] = []
    for (name, member, period), figure in values.items():
        indicator = BY_INDICATOR[name.partition(":")[0]]
        rows.append(
            {
                **targets.get((name, member, period), {"better": "higher"}),
                "group": indicator.group,
                "indicator": name,
                "unit": indicator.unit,
                "member": member,
                "period": period,
                "value": figure,
                "baseline": before.get((name, member, period)),
                "kind": "computed",
            }
        )
    table = pd.DataFrame([*rows, *given], columns=[*COLUMNS, "better"])
    table = table.astype(dict.fromkeys(("value", "baseline", "target"), float))
    for column in ("member", "period"):
        table[column] = table[column].astype(object).where(table[column].notna(), None)
    value, target = table["value"], table["target"]
    table["change"] = value - table["baseline"]
    met = (value >= target).where(table["better"] == "higher", value <= target)
    table["met"] = met.astype(object).where(value.notna() & target.notna(), None)
    return table[list(COLUMNS)]
