"""From a scenario to a solution: build, compile, solve, read off, audit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from circflow.algebra import build as model
from circflow.algebra.build import build, discount, weights
from circflow.algebra.declare import Model
from circflow.data.arguments import public
from circflow.data.coded import BLANK, Floats, Items, distinct, series_of
from circflow.data.errors import ArgumentError, CircflowError
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario
from circflow.i18n import in_use, say
from circflow.solution.lp_of_plan import Optimality
from circflow.solution.proof import Proof
from circflow.solution.solution import NoPlan, Solution, Status, Tables
from circflow.solver.compiled import Compiled, compile_model
from circflow.solver.highs import Outcome, algorithm_missing
from circflow.solver.optimum import optimum, proof
from circflow.solver.shadow_prices import prices

Progress = Callable[[str], None]
"""Told in a few words what goes on, at the start of each step and every two seconds after."""

_TICK_SECONDS = 2.0


class AuditError(CircflowError, RuntimeError):
    """A solution that does not stand up to the audit: a fault of circflow, never of the user."""

    def __init__(self, solution: Solution) -> None:
        self.solution = solution
        worst = solution.audit.findings.head(5).to_string(index=False)
        super().__init__(
            say("{name}: the audit failed:\n{worst}", name=solution.scenario.name, worst=worst)
        )


@public
@python_strings()
def solve(  # noqa: PLR0913
    scenario: Scenario,
    *,
    relax: bool = False,
    time_limit: float | None = None,
    gap: float = 1e-6,
    solver: str = "highs",
    algorithm: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Solution:
    """The plan that creates the most value and synergy, audited.

    Args:
        scenario: from `circflow.read`.
        relax: let yes/no decisions be fractions.
        time_limit: seconds for the search, above 0; the best plan found is returned as feasible.
        gap: relative gap at which the search over yes/no decisions ends.
        solver: `highs`, or the name of any solver that Pyomo finds on the machine (glpk, cbc,
            scip, gurobi, …), which gives no shadow prices and searches to a gap of its own.
        algorithm: how HiGHS solves linear programmes: `simplex`, `ipx` (interior point) or `hipo`
            (interior point; with `pip install 'circflow[hipo]'`); by their size unless said.
        progress: is told what goes on.
        stop: asked during the search; once it is true the best plan found is returned as feasible.

    Raises:
        SolverMissingError: the solver is not on the machine.
        NoPlan: infeasible, unbounded, or stopped without a plan, with the reason.
        AuditError: the solution does not add up (a fault of circflow).
        SolverError: no plan that can be relied on was found.
        ArgumentError: an argument of a wrong type or out of its range.
    """
    if algorithm is not None:
        if solver != "highs":
            raise ArgumentError(
                "algorithm is a choice of HiGHS: it does not go with {solver!r}", solver=solver
            )
        if missing := algorithm_missing(algorithm):
            raise ArgumentError(missing)
    clock = _Clock(progress)
    with clock.step("building the model"):
        m = build(scenario, relax=relax)
        compiled = compile_model(m)
    with clock.step("solving"):
        if solver == "highs":
            best = optimum(
                compiled.program,
                time_limit=time_limit,
                gap=gap,
                algorithm=algorithm or "",
                on_progress=clock.search,
                stop=stop,
            )
            outcome, fixed = best.outcome, best.fixed
            proven = proof(compiled.program, best, gap) if outcome.x is not None else None
        else:
            from circflow.solver.pyomo_model import solve_by

            outcome = solve_by(solver, m, compiled, time_limit=time_limit)
            fixed, proven = False, None
    if outcome.x is None:
        stopped = stop is not None and stop()
        raise _no_plan(
            scenario, outcome, "stopped" if stopped else say("the time limit was reached")
        )
    with clock.step(say("reading off the plan")):
        solution = read_off(m, compiled, outcome, fixed=fixed, relax=relax, proven=proven)
    with clock.step("auditing"):
        passed = solution.audit.passed
    solution.seconds.update(clock.seconds(scenario.read_seconds))
    if not passed:
        raise AuditError(solution)
    return solution


def read_off(  # noqa: PLR0913
    m: Model,
    compiled: Compiled,
    outcome: Outcome,
    *,
    fixed: bool,
    relax: bool = False,
    proven: Proof | None = None,
) -> Solution:
    """The plan of an outcome, as a solution that can be audited."""
    return Solution(
        scenario=m.scenario,
        status=outcome.status,
        objective=0.0 - outcome.objective,  # never −0
        gap=outcome.gap,
        tables=read_tables(m, compiled, outcome, fixed=fixed),
        seconds={},
        decisions_fixed=fixed,
        relaxed=relax,
        optimality=_optimality(m, compiled, outcome),
        proof=proven,
    )


def _no_plan(scenario: Scenario, outcome: Outcome, ended: str) -> NoPlan:
    if outcome.status is Status.STOPPED:
        return NoPlan(
            scenario.name, Status.STOPPED, say("{ended} before a plan was found", ended=ended)
        )
    from circflow.solver.explain import explain, reason

    status, explanation = outcome.status, explain(scenario)
    return NoPlan(scenario.name, status, reason(explanation, status), explanation.summary())


def read_tables(m: Model, compiled: Compiled, outcome: Outcome, *, fixed: bool) -> Tables:
    """Every table of a plan, read off the model's own terms."""
    assert outcome.x is not None
    values = compiled.values(outcome.x)
    tables: dict[str, pd.DataFrame] = {}
    for block in model.BLOCKS:
        tables.update(block.tables(m, values))
    measure = m.scenario.unit_of_measure
    for name, table in tables.items():
        if "material" in table and name not in ("units", "money"):
            at = list(table.columns).index("period") + 1
            units = [measure.get(material) for material in table["material"]]
            table.insert(at, "unit_of_measure", series_of(units, table.index))
    tables["money"] = _money(m, values)
    tables["prices"] = prices(m, compiled, outcome, fixed=fixed)
    return Tables(**tables)


def _optimality(m: Model, compiled: Compiled, outcome: Outcome) -> Optimality | None:
    """The LP's arrays and duals, to ask why something is not in the plan."""
    if outcome.row_dual is None or outcome.x is None:
        return None
    goal = weights(m.scenario)
    return Optimality(
        scenario=m.scenario,
        cost=compiled.program.cost,
        matrix=compiled.program.matrix,
        upper=compiled.program.upper,
        x=outcome.x,
        row_dual=outcome.row_dual,
        families=compiled.families,
        column_of=compiled.column_of,
        model=m,
        value_weight=goal.value,
        synergy_weight=goal.synergy,
    )


def _money(m: Model, values: Floats) -> pd.DataFrame:
    """The table `money`: every term that the objective adds up, unweighted."""
    terms, scenario = m.money, m.scenario
    yearly = terms.at(values)
    used = np.flatnonzero(yearly)
    terms, yearly = terms.where(used), yearly[used]
    years = scenario.period_items["years"][terms["period"]]
    once = terms["lump"] == 1
    figures = {
        "million_per_year": np.where(once, yearly / years, yearly),
        "million": np.where(once, yearly, yearly * years),
        "discounted_million": yearly * discount(scenario, terms),
    }
    label = ("money", "site", "material", "unit", "period")
    first, number = distinct([terms[n] for n in label])
    order = np.argsort(first)  # as the terms come
    rows = Items({n: terms[n][first[order]] for n in label}, len(first))
    member = np.append(scenario.items("Sites")["member"], BLANK)[rows["site"]]
    sums = {n: np.bincount(number, f, len(first))[order] for n, f in figures.items()}
    table = rows.plus(member=member, **sums)
    shown = table.frame(scenario.codes, "money", "site", "member", *label[2:], *figures)
    return shown.rename(columns={"money": "group"})


@dataclass
class _Clock:
    """Seconds per step, and somebody to tell."""

    progress: Progress | None
    started: float = field(default_factory=time.perf_counter)
    spent: dict[str, float] = field(default_factory=dict)
    _search: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and tell every two seconds that it still goes on."""
        begun = time.perf_counter()
        done = threading.Event()
        teller = None
        self._search = ""
        if self.progress is not None:
            self.progress(name)
            teller = threading.Thread(
                target=in_use(self._tick), args=(name, begun, done), daemon=True
            )
            teller.start()
        try:
            yield
        finally:
            done.set()
            if teller is not None:
                teller.join()
            self.spent[name] = time.perf_counter() - begun

    def _tick(self, name: str, begun: float, done: threading.Event) -> None:
        while not done.wait(_TICK_SECONDS):
            if self.progress is not None:
                self.progress(f"{name}: {time.perf_counter() - begun:.0f} s{self._search}")

    def search(self, best: float, bound: float) -> None:
        """Remember how far the search over decisions is (minimised values)."""
        if np.isfinite(best) and np.isfinite(bound):
            share = abs(best - bound) / max(abs(best), 1e-10)
            self._search = say(
                ", best plan {best:,.1f} million, gap {share:.2%}", best=-best, share=share
            )

    def seconds(self, read: float) -> dict[str, float]:
        """read, build, solve, total."""
        return {
            "read": read,
            "build": self.spent.get("building the model", 0.0),
            "solve": self.spent.get("solving", 0.0),
            "total": read + time.perf_counter() - self.started,
        }
