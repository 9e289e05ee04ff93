"""A plan: status, objective and tidy tables. Made by `circflow.solve`; frozen.

Amounts are per year in the material's own unit (column `unit_of_measure`), money in million
currency. Tables list what is above a billionth of its own scale; indices stand in the house order
(site, destination, material, unit, recipe, period).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from circflow.data.errors import CircflowError
from circflow.data.result import Result, counted, figure, one_text_type
from circflow.data.scenario import Scenario

if TYPE_CHECKING:
    from circflow.solution.audit import Audit
    from circflow.solution.lp_of_plan import Optimality
    from circflow.solution.proof import Proof
    from circflow.solution.unused import Unused

INCOME = "income"
SYNERGY = "synergy"
COST_GROUPS = (
    "streams",
    "purchases",
    "processing",
    "fixed",
    "transport",
    "transactions",
    "disposal",
    "stockpiles",
    "emissions",
    "capital",
)
"""The groups of the money table: income and synergy are received, the others paid."""


class Status(StrEnum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """A plan, but a limit of time stopped the proof that none is better."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    STOPPED = "stopped"
    """A limit stopped the run before a plan was found."""


class NoPlan(CircflowError):  # noqa: N818 - the public name
    """There is no plan. `status` is infeasible, unbounded or stopped; `reason` says why."""

    def __init__(self, scenario: str, status: Status, reason: str) -> None:
        self.scenario = scenario
        self.status = status
        self.reason = reason
        super().__init__(f"{scenario}: {status.value}: {reason}")


@dataclass(frozen=True, repr=False)
class Tables(Result):
    """What the plan does, as tidy tables (see docs/results.md for every column)."""

    supply: pd.DataFrame
    """kind (stream, purchase), site, material, period, unit_of_measure, amount_per_year,
    available_per_year, price (currency per unit), cost_million_per_year"""
    flows: pd.DataFrame
    """from, to, material, mode, period, unit_of_measure, sent_per_year, received_per_year,
    distance_km, transport_million_per_year, transactions_million_per_year"""
    activity: pd.DataFrame
    """site, unit, technology, recipe, period, activity_per_year, load_per_year,
    processing_million_per_year"""
    units: pd.DataFrame
    """site, unit, technology, status, period, in_service (share of the years, 0..1),
    capacity_per_year (in service), available_per_year, load_per_year, load_share, jobs,
    fixed_million_per_year, capital_million_per_year"""
    conversions: pd.DataFrame
    """site, unit, technology, recipe, period, role (input, output), group, material,
    unit_of_measure, amount_per_year"""
    sales: pd.DataFrame
    """site, material, tier (1, 2, …), period, unit_of_measure, row (of Markets), amount_per_year,
    min_per_year, max_per_year, price, premium, income_million_per_year, premium_million_per_year"""
    disposal: pd.DataFrame
    """site, material, row (row of Disposal), period, unit_of_measure, amount_per_year, fee,
    cost_million_per_year"""
    stockpiles: pd.DataFrame
    """site, material, period, unit_of_measure, opening, added_per_year, reclaimed_per_year,
    closing, capacity, cost_million_per_year"""
    emissions: pd.DataFrame
    """pollutant, kind, site, member, region, unit, source (unit, mode or material), period,
    tonnes_per_year"""
    emission_limits: pd.DataFrame
    """pollutant, scope, key, period, row, emitted_per_year, limit_per_year, excess_per_year,
    cost_million_per_year"""
    synergies: pd.DataFrame
    """synergy, effect, period, joint_activity_per_year, value_million_per_year"""
    money: pd.DataFrame
    """group, site, member, material, unit, period, million_per_year (positive when received),
    million (over the period, undiscounted), discounted_million"""
    prices: pd.DataFrame
    """kind (material, capacity, emission limit, market, disposal, link, stream, purchase,
    stockpile, …), site, to, material, unit, period, limit (what binds), sheet, row, column, value
    (currency per unit_of_measure, in money of the period), unit_of_measure, binds,
    decisions_fixed"""
    built: pd.DataFrame
    """unit, site, period, built (0..1), capacity_per_year, capex_million, jobs, investor"""

    @property
    def headline(self) -> str:
        rows = (f"{f.name} {len(getattr(self, f.name)):,}" for f in fields(self))
        return f"rows: {', '.join(rows)}"


@dataclass(frozen=True, repr=False)
class Solution(Result):
    """An audited plan. `objective`, `totals` and money in million currency."""

    scenario: Scenario = field(repr=False)
    status: Status
    objective: float
    gap: float
    """Relative gap between the plan and the proven bound (0 for an LP)."""
    tables: Tables = field(repr=False)
    seconds: dict[str, float]
    """read, build, solve, total."""
    decisions_fixed: bool = False
    """Prices are those of the LP with the yes/no decisions fixed."""
    relaxed: bool = False
    optimality: Optimality | None = field(default=None, repr=False)
    """What the LP says of what is not in use (see `circflow.solution.lp_of_plan`)."""
    proof: Proof | None = field(default=None, repr=False)
    """What proves that no plan is better, for the audit (see `circflow.solution.proof`)."""

    @property
    def headline(self) -> str:
        money = f"{figure(self.objective)} million {self.scenario.settings.currency}"
        gap = "" if self.status is Status.OPTIMAL else f", gap {self.gap:.2%}"
        built = counted(len(self.built), "construction")
        return f"{self.scenario.name}: {self.status.value}, {money}{gap}, {built}"

    @property
    def flows(self) -> pd.DataFrame:
        return self.tables.flows

    @property
    def activity(self) -> pd.DataFrame:
        return self.tables.activity

    @property
    def sales(self) -> pd.DataFrame:
        return self.tables.sales

    @property
    def disposal(self) -> pd.DataFrame:
        return self.tables.disposal

    @property
    def stockpiles(self) -> pd.DataFrame:
        return self.tables.stockpiles

    @property
    def emissions(self) -> pd.DataFrame:
        return self.tables.emissions

    @property
    def money(self) -> pd.DataFrame:
        return self.tables.money

    @property
    def prices(self) -> pd.DataFrame:
        return self.tables.prices

    @property
    def built(self) -> pd.DataFrame:
        return self.tables.built

    @cached_property
    def chains(self) -> pd.DataFrame:
        """Value chains (see `circflow.solution.chains`)."""
        from circflow.solution.chains import decompose

        return one_text_type(decompose(self))

    @cached_property
    def substances(self) -> pd.DataFrame:
        """Where substances and energy arise, and what becomes of them (see
        `circflow.solution.substances`)."""
        from circflow.solution.substances import substances

        return substances(self)

    @cached_property
    def recovered(self) -> pd.DataFrame:
        """How much of every substance is recovered (see `circflow.solution.substances`)."""
        from circflow.solution.substances import recovered

        return recovered(self)

    @cached_property
    def unused(self) -> Unused:
        """Chains and conversions that are possible but unused (see `circflow.solution.unused`)."""
        from circflow.solution.unused import unused

        return unused(self)

    @cached_property
    def audit(self) -> Audit:
        """The plan checked against the scenario alone (see `circflow.solution.audit`)."""
        from circflow.solution.audit import audit

        return audit(self)

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Figures over the horizon, undiscounted (see docs/results.md)."""
        from circflow.solution.totals import totals

        return totals(self)

    def summary(self) -> dict[str, Any]:
        """The JSON of `circflow solve`."""
        return {
            **self.scenario.about,
            "status": self.status.value,
            "objective": self.objective,
            "gap": self.gap,
            "totals": self.totals,
            "built": [
                {"unit": unit, "period": period, "capacity": capacity}
                for unit, period, capacity in self.built[
                    ["unit", "period", "capacity_per_year"]
                ].itertuples(index=False, name=None)
            ],
            "audit": {
                "passed": self.audit.passed,
                "balance_error": self.audit.balance_error,
                "objective_error": self.audit.objective_error,
                "confirmed_gap": self.audit.confirmed_gap,
            },
            "seconds": self.seconds,
        }
