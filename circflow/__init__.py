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
    from circflow.solver.pyomo_model import pyomo_model as pyomo_model
    from circflow.solver.run import solve as solve
    from circflow.studies.cluster.coalition import coalition as coalition
    from circflow.studies.cluster.forms import forms as forms
    from circflow.studies.cluster.joining import joining as joining
    from circflow.studies.cluster.sharing import share as share
    from circflow.studies.compare import compare as compare
    from circflow.studies.errors import StudyError as StudyError
    from circflow.studies.finance import finance as finance
    from circflow.studies.futures.robust import robust as robust
    from circflow.studies.futures.study import futures as futures
    from circflow.studies.indicators import indicators as indicators
    from circflow.studies.suggest.study import Suggestions as Suggestions
    from circflow.studies.suggest.study import suggest as suggest
    from circflow.studies.sweeps.ranges import break_points as break_points
    from circflow.studies.sweeps.ranges import ranges as ranges
    from circflow.studies.sweeps.sweep import sample as sample
    from circflow.studies.sweeps.sweep import sweep as sweep
    from circflow.studies.sweeps.tornado import tornado as tornado
    from circflow.studies.tradeoffs.near_optimal import near_optimal as near_optimal
    from circflow.studies.tradeoffs.pareto import pareto as pareto
    from circflow.studies.units.evaluate import Verdicts as Verdicts
    from circflow.studies.units.evaluate import evaluate as evaluate
    from circflow.studies.units.sites import best_sites as best_sites

__version__ = "0.1.0"

_HOMES = {
    "read": "circflow.data.read",
    "Scenario": "circflow.data.scenario",
    "ScenarioError": "circflow.data.scenario",
    "NoPlan": "circflow.solution.solution",
    "Solution": "circflow.solution.solution",
    "Status": "circflow.solution.solution",
    "solve": "circflow.solver.run",
    "pyomo_model": "circflow.solver.pyomo_model",
    "share": "circflow.studies.cluster.sharing",
    "coalition": "circflow.studies.cluster.coalition",
    "joining": "circflow.studies.cluster.joining",
    "forms": "circflow.studies.cluster.forms",
    "compare": "circflow.studies.compare",
    "sweep": "circflow.studies.sweeps.sweep",
    "sample": "circflow.studies.sweeps.sweep",
    "tornado": "circflow.studies.sweeps.tornado",
    "pareto": "circflow.studies.tradeoffs.pareto",
    "near_optimal": "circflow.studies.tradeoffs.near_optimal",
    "ranges": "circflow.studies.sweeps.ranges",
    "break_points": "circflow.studies.sweeps.ranges",
    "evaluate": "circflow.studies.units.evaluate",
    "Verdicts": "circflow.studies.units.evaluate",
    "best_sites": "circflow.studies.units.sites",
    "suggest": "circflow.studies.suggest.study",
    "Suggestions": "circflow.studies.suggest.study",
    "finance": "circflow.studies.finance",
    "indicators": "circflow.studies.indicators",
    "futures": "circflow.studies.futures.study",
    "robust": "circflow.studies.futures.robust",
    "StudyError": "circflow.studies.errors",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import circflow` is quick."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'circflow' has no attribute {name!r}")
