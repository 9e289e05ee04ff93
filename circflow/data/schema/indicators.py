"""The indicators that circflow computes, declared: group, unit, formula (MODEL: Indicators).

A formula names figures of a plan, see `circflow.studies.indicators`; `+` adds them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

EMITTED = "emitted"
"""Stands for one indicator per pollutant, `emitted:<pollutant>`."""


@dataclass(frozen=True)
class Computed:
    """An indicator that circflow computes."""

    group: str
    name: str
    unit: str
    meaning: str
    kind: Literal["rate", "sum", "quotient", "distinct", "state"]
    figure: str = ""
    """What is added up (its own name where nothing is said); of a quotient, what is divided."""
    divisor: str = ""
    complement: bool = False
    """The quotient's difference from 1."""
    members: bool = True
    """Whether it is given for members too."""

    def of(self, pollutant: str) -> Computed:
        """The indicator of one pollutant."""
        return replace(self, name=f"{self.name}:{pollutant}")


def in_currency(unit: str, currency: str) -> str:
    """A unit with the currency's name, where it is money of no named currency."""
    return unit.replace("million", f"million {currency}") if unit in _MONEY else unit


_MONEY = ("million", "million/yr")

COMPUTED = (
    Computed(
        "resources",
        "investment",
        "million",
        "undiscounted capex of what is built in the period",
        "sum",
    ),
    Computed(
        "resources",
        "investment_share",
        "share",
        "investment ÷ (investment + years · costs without capital)",
        "quotient",
        "investment",
        "investment + costs_without_capital",
    ),
    Computed("activity", "new_units", "number", "candidates built in the period", "sum"),
    Computed(
        "activity",
        "members_with_new_units",
        "share",
        "members with at least one candidate built up to the period ÷ members with units",
        "state",
        members=False,
    ),
    Computed(
        "activity",
        "new_technologies",
        "number",
        "technologies of candidates in service that no existing unit has",
        "distinct",
    ),
    Computed(
        "performance",
        "innovative_revenue",
        "million/yr",
        "Σ price · sold of materials marked innovative",
        "rate",
    ),
    Computed(
        "performance",
        "innovative_revenue_share",
        "share",
        "innovative_revenue ÷ income",
        "quotient",
        "innovative_revenue",
        "income",
    ),
    Computed(
        "performance", "cost_per_income", "share", "costs ÷ income", "quotient", "costs", "income"
    ),
    Computed(
        "performance",
        "net_benefit_per_job",
        "million/yr",
        "net benefit ÷ jobs in service",
        "quotient",
        "net_benefit",
        "jobs",
    ),
    Computed("social_environmental", "jobs_new", "jobs", "jobs of candidates in service", "rate"),
    Computed(
        "social_environmental",
        "use_share",
        "share",
        "1 − (disposed + added) ÷ (taken + reclaimed), waste in t",
        "quotient",
        "waste_disposed",
        "waste_taken",
        complement=True,
    ),
    Computed(
        "social_environmental",
        "waste_disposed",
        "t/yr",
        "disposed + added of category waste, in t",
        "rate",
    ),
    Computed("social_environmental", EMITTED, "t/yr", "emissions of the pollutant", "rate"),
    Computed(
        "international",
        "export_revenue",
        "million/yr",
        "Σ price · sold over market rows with export",
        "rate",
    ),
    Computed(
        "international",
        "export_share",
        "share",
        "export_revenue ÷ income",
        "quotient",
        "export_revenue",
        "income",
    ),
    Computed(
        "international",
        "innovative_export_revenue",
        "million/yr",
        "export_revenue of materials marked innovative",
        "rate",
    ),
    Computed(
        "international",
        "foreign_investment",
        "million",
        "Σ foreign_share · capex of what is built in the period",
        "sum",
    ),
    Computed(
        "technology",
        "new_capacity_share",
        "share",
        "activity · capacity_use of candidates ÷ of all units",
        "quotient",
        "load_new",
        "load",
    ),
    Computed(
        "technology",
        "mean_load",
        "share",
        "Σ activity · capacity_use ÷ Σ availability · capacity in service",
        "quotient",
        "load",
        "available",
    ),
)
BY_INDICATOR: dict[str, Computed] = {c.name: c for c in COMPUTED}
