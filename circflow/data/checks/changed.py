"""The rules that a change of figures may break."""

from __future__ import annotations

from circflow.data.checks.blends import check_blends
from circflow.data.checks.findings import Draft, Drafts, Findings
from circflow.data.checks.links import check_distances
from circflow.data.checks.rules import check_discounting, check_figures
from circflow.data.scenario import Scenario
from circflow.data.table import Problem


def check_changed(scenario: Scenario) -> list[Problem]:
    """The faults of a scenario of which only figures have changed since it was checked."""
    findings = Findings()
    drafts = Drafts((Draft(table, findings) for table in scenario.tables.values()), findings)
    check_figures(drafts)
    check_discounting(drafts, scenario.periods, scenario.settings.discount_rate)
    check_blends(drafts)
    check_distances(drafts, lambda: scenario)
    return [p for p in findings.ordered(()) if p.severity == "error" and not p.infeasible]
