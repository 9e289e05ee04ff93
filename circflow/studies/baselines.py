"""What a plan is compared with: the members each alone, and no unit running.

Both are made quickly or not at all: they are left out where the plan itself was long in the making,
so that a page adds little to a solve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from circflow.data.scenario import Scenario
from circflow.data.table import Table
from circflow.model.build import build
from circflow.solution.solution import NoPlan, Solution, Status
from circflow.solve.compiled import compile_model
from circflow.solve.run import optimise, read_tables

LONGEST = 4.0
"""Seconds of building and solving beyond which nothing is compared."""

ALONE = "no cluster"
DUMPED = "everything dumped"


@dataclass(frozen=True)
class Comparison:
    """A plan to compare with: its totals (as of `Solution.totals`), or the reason why not."""

    words: str
    totals: Mapping[str, Any] | None
    reason: str = ""


def comparisons(solution: Solution, *, longest: float = LONGEST) -> list[Comparison]:
    """The same scenario without a cluster and without any unit that runs.

    `no cluster` is W(∅) (see `circflow.studies.coalition`); `everything dumped` the scenario with
    all units off. `longest`: seconds that the plan may have taken to build and solve.
    """
    seconds = solution.seconds
    if seconds.get("build", 0.0) + seconds.get("solve", 0.0) > longest:
        reason = "left out, as the plan took long to make (`circflow share` tells the gain)"
        return [Comparison(ALONE, None, reason)]
    return [
        _compared(ALONE, lambda: alone(solution.scenario, relax=solution.relaxed)),
        _compared(DUMPED, lambda: dumped(solution.scenario)),
    ]


def alone(scenario: Scenario, *, relax: bool = False) -> Solution:
    """The plan in which every member is on its own. Raises NoPlan."""
    from circflow.studies.coalition import Cluster

    return Cluster(scenario, relax=relax).alone


def dumped(scenario: Scenario) -> Solution:
    """The plan in which no unit runs. Raises NoPlan."""
    units = scenario.tables["Units"]
    off = Table(units.sheet, units.frame.assign(status="off"), units.letters)
    idle = replace(scenario, tables={**scenario.tables, "Units": off})
    m = build(idle)
    compiled = compile_model(m)
    outcome, gap, fixed = optimise(compiled)
    if outcome.x is None:
        raise NoPlan(scenario.name, Status(outcome.ending.value), "no plan without units")
    tables = read_tables(m, compiled, outcome, fixed=fixed)
    return Solution(idle, Status.OPTIMAL, 0.0 - outcome.objective, gap, tables, {})


def _compared(words: str, plan: Callable[[], Solution]) -> Comparison:
    try:
        made = plan()
    except NoPlan as none:
        return Comparison(words, None, none.reason)
    # Value chains are not compared; taking flows apart is most of what totals would cost.
    vars(made)["chains"] = made.chains.head(0) if "chains" in vars(made) else _no_chains()
    return Comparison(words, made.totals)


def _no_chains() -> Any:
    from circflow.solution.chains import COLUMNS
    import pandas as pd

    return pd.DataFrame(columns=COLUMNS)
