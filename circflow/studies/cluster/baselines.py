"""What a plan is compared with: nothing built, the members each alone, and no unit running.

They come from one model, built once, and are read off as totals alone, so that a page adds little
to a solve. They are left out where the plan itself was long in the making.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from circflow.algebra.declare import Model
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.report.figures import Baseline
from circflow.solution.solution import Solution, Status
from circflow.solver.compiled import Compiled, Program
from circflow.solver.explain import explain
from circflow.solver.highs import SolverError
from circflow.solver.optimum import optimum
from circflow.studies.bench.totals_rows import Forms, forms_of, totals_of
from circflow.studies.cluster.coalition import Cluster

LONGEST = 2.5
"""Seconds of building and solving beyond which nothing is compared."""
PATIENCE = 5.0
"""Seconds for the search over yes/no decisions of a baseline."""

TODAY = mark("existing units only")
ALONE = mark("no cluster")
DUMPED = mark("everything dumped")


def comparisons(solution: Solution, *, longest: float = LONGEST) -> list[Baseline]:
    """The same scenario with nothing built, without a cluster, and with no unit running.

    `existing units only` is left out where there are no candidates. `no cluster` is W(∅) (see
    `coalition`). In `everything dumped` nothing is converted and nothing built: what arises is
    disposed of, stocked, or sold as it is, and what standing plants would cost and employ is left
    out. `longest`: seconds that the plan may have taken to build and solve.
    """
    if took_long(solution, longest):
        reason = say("left out, as the plan took long to make (`circflow share` tells the gain)")
        return [Baseline(ALONE, None, reason), Baseline(DUMPED, None, say("left out likewise"))]
    plans = []
    cluster = Cluster(solution.scenario, relax=solution.relaxed)
    forms = forms_of(cluster.model, cluster.base)
    alone = cluster.switches.set(frozenset())
    built = cluster.base.column_of[cluster.model["built"].columns]
    if len(built):
        still = cluster.base.program.with_bounds(built[built >= 0], 0.0, 0.0)
        plans.append(
            _solved(TODAY, still, forms, lambda: say("there is no plan with existing units"))
        )
    return [
        *plans,
        _solved(ALONE, alone, forms, lambda: cluster.stranded().brief),
        _without_units(_solved(DUMPED, _idle(cluster), forms, lambda: _unplaced(cluster))),
    ]


def took_long(solution: Solution, longest: float = LONGEST) -> bool:
    """Whether the plan took so long to build and solve that nothing more is solved for it."""
    return solution.seconds.get("build", 0.0) + solution.seconds.get("solve", 0.0) > longest


def _idle(cluster: Cluster) -> Program:
    """The programme in which no unit runs and none is built; least loads do not hold."""
    program, where, m = cluster.base.program, cluster.base.column_of, cluster.model
    columns = [m[n].columns for n in ("activity", "running", "built")]
    still = where[np.concatenate(columns)]
    still = still[still >= 0]
    program = program.relaxed().with_bounds(still, 0.0, 0.0)
    for limit in m.of_part("min_load"):
        program = program.with_limits(cluster.base.families[limit.name].rows, lower=-np.inf)
    return program


def _unplaced(cluster: Cluster) -> str:
    """Which waste has no other place when no unit runs."""
    reason = say("not all waste has another place")

    def idle(scenario: Scenario) -> tuple[Model, Compiled]:
        other = cluster if scenario is cluster.scenario else Cluster(scenario, relax=cluster.relax)
        return other.model, replace(other.base, program=_idle(other))

    explanation = explain(cluster.scenario, idle)
    texts = [text for conflict in explanation.conflicts[:1] for text in conflict.texts[:2]]
    return f"{reason}: {'; '.join(texts)}" if texts else reason


def _solved(words: str, program: Program, forms: Forms, reason: Callable[[], str]) -> Baseline:
    try:
        outcome = optimum(program, time_limit=PATIENCE).outcome
    except SolverError:
        return Baseline(words, None, say("no plan that can be relied on"))
    if outcome.x is None or outcome.status is not Status.OPTIMAL:
        late = outcome.status is not Status.INFEASIBLE
        return Baseline(words, None, say("not found in time") if late else reason())
    # The relay rows of a cluster add columns behind those of the model.
    return Baseline(words, totals_of(forms.labels, forms(outcome.x[: forms.matrix.shape[1]])))


def _without_units(baseline: Baseline) -> Baseline:
    """Without the fixed costs and jobs of plants that stand idle."""
    if baseline.totals is None:
        return baseline
    fixed = baseline.totals["costs"].get("fixed", 0.0)
    totals = {
        **baseline.totals,
        "costs": {**baseline.totals["costs"], "fixed": 0.0},
        "net_benefit": baseline.totals["net_benefit"] + fixed,
        "jobs": 0.0,
    }
    return replace(baseline, totals=totals, today=False)
