"""From a scenario to a solution: arrays, HiGHS, explanations.

`circflow.solve` is both this package and, by its public name, the function that solves: Python
makes a package an attribute of its parent once anything in it is imported, so the package itself
can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.solution.solution import Solution


class _Callable(ModuleType):
    def __call__(self, scenario: Scenario, **options: Any) -> Solution:
        """See `circflow.solve.run.solve`."""
        from circflow.solve.run import solve

        return solve(scenario, **options)


sys.modules[__name__].__class__ = _Callable
