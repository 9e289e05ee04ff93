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
from circflow.data.result import Result, figure, one_text_type
from circflow.data.scenario import Scenario
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    from circflow.solution.audit import Audit
    from circflow.solution.chains import Trace
    from circflow.solution.lp_of_plan import Optimality
    from circflow.solution.proof import Proof
    from circflow.solution.unused import Unused


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
    """There is no plan. `status` is infeasible, unbounded or stopped; `reason` says why, and
    `details` in cells (the JSON of `circflow explain`), where a solve has looked for it."""

    def __init__(
        self,
        scenario: str,
        status: Status,
        reason: str,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.scenario = scenario
        self.status = status
        self.reason = reason
        self.details = details
        super().__init__(f"{scenario}: {status.value}: {reason}")


@dataclass(frozen=True, repr=False)
class Tables(Result):
    """What the plan does, as tidy tables: columns, units and dtypes as the blocks declare them
    (`RESULTS`), which docs/results.md lists."""

    supply: pd.DataFrame
    flows: pd.DataFrame
    activity: pd.DataFrame
    units: pd.DataFrame
    conversions: pd.DataFrame
    sales: pd.DataFrame
    disposal: pd.DataFrame
    stockpiles: pd.DataFrame
    emissions: pd.DataFrame
    emission_limits: pd.DataFrame
    synergies: pd.DataFrame
    money: pd.DataFrame
    prices: pd.DataFrame
    built: pd.DataFrame

    @property
    def headline(self) -> str:
        rows = (f"{f.name} {len(getattr(self, f.name)):,}" for f in fields(self))
        return say("rows: {rows}", rows=", ".join(rows))


class _Table:
    """A plan's table of this name, `plan.flows` for `plan.tables.flows`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, plan: Solution, owner: type) -> pd.DataFrame:
        table: pd.DataFrame = getattr(plan.tables, self.name)
        return table


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
        money = say(
            "{objective} million {currency}",
            objective=figure(self.objective),
            currency=self.scenario.settings.currency,
        )
        gap = "" if self.status is Status.OPTIMAL else say(", gap {gap:.2%}", gap=self.gap)
        built = say_n("{n:,} construction", "{n:,} constructions", len(self.built))
        return f"{self.scenario.name}: {self.status.value}, {money}{gap}, {built}"

    flows = _Table()
    activity = _Table()
    sales = _Table()
    disposal = _Table()
    stockpiles = _Table()
    emissions = _Table()
    money = _Table()
    prices = _Table()
    built = _Table()

    @cached_property
    def trace(self) -> Trace:
        """The flows taken apart into paths (see `circflow.solution.chains`)."""
        from circflow.solution.chains import trace

        return trace(self)

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
            "built": self.built[["unit", "period", "capacity_per_year"]]
            .rename(columns={"capacity_per_year": "capacity"})
            .to_dict("records"),
            "audit": {
                name: getattr(self.audit, name)
                for name in ("passed", "balance_error", "objective_error", "confirmed_gap")
            },
            "seconds": self.seconds,
        }
