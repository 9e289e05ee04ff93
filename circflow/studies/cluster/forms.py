"""Forms of cluster, on one scenario: what becomes of it when members deal as in each.

* conventional: neighbours. No automatic link is longer than a radius; dealing with another
  member costs as much as dealing with somebody outside (the larger of the two transaction costs,
  times a factor).
* digital: a platform brings members together. No radius; transaction costs inside are lower.
* open ecosystem: the platform is open to everybody. No radius, and dealing with places outside
  costs as little as dealing with a member.

Only the settings max_distance_km, transaction_cost_inside and transaction_cost_outside differ, so
rows of the sheet Links stay in every form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circflow.data.arguments import public
from circflow.data.scenario import Scenario
from circflow.report.vocabulary import FORMS
from circflow.studies.compare import Comparison, compare
from circflow.studies.errors import StudyError


@dataclass(frozen=True)
class Form:
    """The settings of a form: km (infinite: any) and currency per unit."""

    name: str
    max_distance_km: float
    transaction_cost_inside: float
    transaction_cost_outside: float

    def of(self, scenario: Scenario) -> Scenario:
        """The scenario with these settings."""
        longest = self.max_distance_km if np.isfinite(self.max_distance_km) else None
        return scenario.change(
            {
                "Scenario.max_distance_km": longest,
                "Scenario.transaction_cost_inside": self.transaction_cost_inside,
                "Scenario.transaction_cost_outside": self.transaction_cost_outside,
            }
        )


def cluster_forms(
    scenario: Scenario,
    *,
    radius_km: float = 100.0,
    conventional_factor: float = 1.0,
    digital_factor: float = 0.5,
) -> tuple[Form, ...]:
    """The settings of each form for a scenario; the arguments as of `forms`.

    Raises:
        StudyError: a figure is negative.
    """
    if min(radius_km, conventional_factor, digital_factor) < 0.0:
        raise StudyError("the radius and the factors of forms of cluster cannot be negative")
    settings = scenario.settings
    inside, outside = settings.transaction_cost_inside, settings.transaction_cost_outside
    low = digital_factor * min(inside, outside if outside > 0.0 else inside)
    return (
        Form(FORMS[0], settings.max_distance_km, inside, outside),
        Form(
            FORMS[1],
            min(radius_km, settings.max_distance_km),
            conventional_factor * max(inside, outside),
            outside,
        ),
        Form(FORMS[2], np.inf, low, outside),
        Form(FORMS[3], np.inf, low, min(low, outside)),
    )


@public
def forms(  # noqa: PLR0913
    scenario: Scenario,
    *,
    radius_km: float = 100.0,
    conventional_factor: float = 1.0,
    digital_factor: float = 0.5,
    gap: float = 1e-6,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare the forms of cluster on one scenario: value, exchanges, distances, transaction
    costs, emissions (see `cluster_forms` and `compare`).

    Args:
        scenario: from `circflow.read`.
        radius_km: longest automatic link of a conventional cluster, detour included; the
            scenario's own where that is shorter.
        conventional_factor: times the larger of the two transaction costs, between members of a
            conventional cluster.
        digital_factor: times the smaller of the two, in a digital cluster and an open ecosystem.
        gap: relative gap at which each search over yes/no decisions ends.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        progress: is told what goes on.

    Raises:
        NoPlan: no form has a plan.
    """
    scenarios = cluster_forms(
        scenario,
        radius_km=radius_km,
        conventional_factor=conventional_factor,
        digital_factor=digital_factor,
    )
    variants = [scenario, *(form.of(scenario) for form in scenarios[1:])]
    labels = [form.name for form in scenarios]
    return compare(*variants, labels=labels, gap=gap, jobs=jobs, dask=dask, progress=progress)
