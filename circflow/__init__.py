"""circflow: plan a region's circular economy.

`read` a workbook, `solve` it, study it (`sweep`, `evaluate`, `share`, `futures`, …). Everything
that is raised on purpose is a `CircflowError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circflow.data.changes.address import AddressError as AddressError
    from circflow.data.errors import ArgumentError as ArgumentError
    from circflow.data.errors import CircflowError as CircflowError
    from circflow.data.read import read as read
    from circflow.data.scenario import Scenario as Scenario
    from circflow.data.scenario import ScenarioError as ScenarioError
    from circflow.i18n.language import language as language
    from circflow.library.read import Library as Library
    from circflow.library.read import read_library as read_library
    from circflow.solution.solution import NoPlan as NoPlan
    from circflow.solution.solution import Solution as Solution
    from circflow.solution.solution import Status as Status
    from circflow.solver.highs import SolverError as SolverError
    from circflow.solver.pyomo_model import SolverMissingError as SolverMissingError
    from circflow.solver.pyomo_model import model as model
    from circflow.solver.run import AuditError as AuditError
    from circflow.solver.run import solve as solve
    from circflow.studies.bench.store import StoreError as StoreError
    from circflow.studies.cluster.coalition import CannotStandAloneError as CannotStandAloneError
    from circflow.studies.cluster.coalition import Coalition as Coalition
    from circflow.studies.cluster.coalition import coalition as coalition
    from circflow.studies.cluster.forms import forms as forms
    from circflow.studies.cluster.joining import Joining as Joining
    from circflow.studies.cluster.joining import joining as joining
    from circflow.studies.cluster.sharing import Sharing as Sharing
    from circflow.studies.cluster.sharing import share as share
    from circflow.studies.compare import Comparison as Comparison
    from circflow.studies.compare import compare as compare
    from circflow.studies.errors import CheckError as CheckError
    from circflow.studies.errors import StudyError as StudyError
    from circflow.studies.finance import finance as finance
    from circflow.studies.futures.result import Futures as Futures
    from circflow.studies.futures.robust import Robust as Robust
    from circflow.studies.futures.robust import robust as robust
    from circflow.studies.futures.study import futures as futures
    from circflow.studies.indicators import indicators as indicators
    from circflow.studies.plots import PlotError as PlotError
    from circflow.studies.suggest.study import Suggestions as Suggestions
    from circflow.studies.suggest.study import suggest as suggest
    from circflow.studies.sweeps.ranges import break_points as break_points
    from circflow.studies.sweeps.ranges import ranges as ranges
    from circflow.studies.sweeps.sweep import Runs as Runs
    from circflow.studies.sweeps.sweep import sample as sample
    from circflow.studies.sweeps.sweep import sweep as sweep
    from circflow.studies.sweeps.tornado import Tornado as Tornado
    from circflow.studies.sweeps.tornado import tornado as tornado
    from circflow.studies.tradeoffs.near_optimal import Alternatives as Alternatives
    from circflow.studies.tradeoffs.near_optimal import near_optimal as near_optimal
    from circflow.studies.tradeoffs.pareto import Front as Front
    from circflow.studies.tradeoffs.pareto import pareto as pareto
    from circflow.studies.units.evaluate import evaluate as evaluate
    from circflow.studies.units.firm import Firmness as Firmness
    from circflow.studies.units.firm import firm as firm
    from circflow.studies.units.sites import best_sites as best_sites
    from circflow.studies.units.words import Verdicts as Verdicts

__version__ = "0.1.0"


def _homes() -> dict[str, str]:
    """The module of each public name: the imports above, which a type checker reads, are the list
    of them, so it is read from this file."""
    import ast
    import pkgutil

    tree = ast.parse(pkgutil.get_data(__name__, "__init__.py") or b"")
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {one.name: str(node.module) for node in imports for one in node.names if one.asname}


_HOME_OF = _homes()

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - the names that are imported above


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import circflow` is quick."""
    if name in _HOME_OF:
        from importlib import import_module

        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'circflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, whether they have been used or not."""
    return sorted({*globals(), *_HOME_OF} - {"annotations", "TYPE_CHECKING"})
