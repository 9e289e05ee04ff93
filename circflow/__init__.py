"""circflow: plan a region's circular economy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circflow.data.read import read as read
    from circflow.data.scenario import Scenario as Scenario
    from circflow.data.scenario import ScenarioError as ScenarioError
    from circflow.solution.solution import NoPlan as NoPlan
    from circflow.solution.solution import Solution as Solution
    from circflow.solution.solution import Status as Status
    from circflow.solve.run import solve as solve
    from circflow.studies.alternatives import near_optimal as near_optimal
    from circflow.studies.cluster_forms import forms as forms
    from circflow.studies.coalition import coalition as coalition
    from circflow.studies.compare import compare as compare
    from circflow.studies.errors import StudyError as StudyError
    from circflow.studies.evaluate import Verdicts as Verdicts
    from circflow.studies.evaluate import evaluate as evaluate
    from circflow.studies.evaluate_sites import best_sites as best_sites
    from circflow.studies.joining import joining as joining
    from circflow.studies.pareto import pareto as pareto
    from circflow.studies.ranging import break_points as break_points
    from circflow.studies.ranging import ranges as ranges
    from circflow.studies.sharing import share as share
    from circflow.studies.sweep import sample as sample
    from circflow.studies.sweep import sweep as sweep
    from circflow.studies.tornado import tornado as tornado

__version__ = "0.1.0"

_HOMES = {
    "read": "circflow.data.read",
    "Scenario": "circflow.data.scenario",
    "ScenarioError": "circflow.data.scenario",
    "NoPlan": "circflow.solution.solution",
    "Solution": "circflow.solution.solution",
    "Status": "circflow.solution.solution",
    "solve": "circflow.solve.run",
    "share": "circflow.studies.sharing",
    "coalition": "circflow.studies.coalition",
    "joining": "circflow.studies.joining",
    "forms": "circflow.studies.cluster_forms",
    "compare": "circflow.studies.compare",
    "sweep": "circflow.studies.sweep",
    "sample": "circflow.studies.sweep",
    "tornado": "circflow.studies.tornado",
    "pareto": "circflow.studies.pareto",
    "near_optimal": "circflow.studies.alternatives",
    "ranges": "circflow.studies.ranging",
    "break_points": "circflow.studies.ranging",
    "evaluate": "circflow.studies.evaluate",
    "Verdicts": "circflow.studies.evaluate",
    "best_sites": "circflow.studies.evaluate_sites",
    "StudyError": "circflow.studies.errors",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import circflow` is quick."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'circflow' has no attribute {name!r}")
