"""A plan that holds although up to Γ figures turn out badly, without probabilities.

Each row i of Ranges that enters the objective alone (a price, a cost) may take any value between
its low and its high; the worst it can do to a plan x is δ_i(x) = max(low side, high side, 0), in
million currency, either side being linear in x. The plan is the best against the Γ worst of them:

    max  V(x) − max { Σ_i u_i δ_i(x) : 0 ≤ u_i ≤ 1, Σ_i u_i ≤ Γ }

which is, by duality, one programme more by a few rows (Bertsimas and Sim 2004, The Price of
Robustness, theorem 1):

    max  V(x) − Γ z − Σ_i q_i,   z + q_i ≥ δ_i(x),   z, q ≥ 0

If the figures are independent and symmetric, the worth falls below that with a probability of
about 1 − Φ((Γ − 1)/√n) at most (their section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from circflow.data.arguments import public
from circflow.data.changes.address import match, parse_address
from circflow.data.changes.futures import FigureChange, Future, changed_figures, with_figures
from circflow.data.coded import Floats
from circflow.data.result import Result, one_text_type
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import say, say_n
from circflow.solution.solution import NoPlan, Status
from circflow.solver.compiled import Program
from circflow.solver.highs import Outcome
from circflow.solver.run import Progress, read_off
from circflow.studies.bench.arrays import COSTS_ALONE, built, difference
from circflow.studies.errors import CheckError, StudyError
from circflow.studies.futures.first_stage import (
    Risk,
    built_of,
    copy_of,
    first_stage,
    joint,
    solved,
    unbudgeted,
)
from circflow.studies.futures.generated import varied
from circflow.studies.sweeps.sampling import Range

_STEPS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0)
"""Points of the curve, as far as there are figures."""


@dataclass(frozen=True, repr=False)
class Robust(Result):
    """Plans against the Γ worst figures, one for every Γ. Money in million currency."""

    scenario: Scenario = field(repr=False)
    gamma: tuple[float, ...]
    """The budgets of uncertainty that were asked for."""
    curve: pd.DataFrame
    """gamma, worth (protected), nominal (if every figure is as it stands), price (of robustness:
    the best nominal worth less this one), chance (of falling below `worth`, at most), gap, built
    (number)."""
    plans: tuple[list[dict[str, Any]], ...] = field(repr=False)
    """What is built, by point of the curve: unit, period, capacity."""
    rows: tuple[str, ...] = ()
    """The figures that may turn out badly."""
    left_out: tuple[str, ...] = ()
    """Rows of Ranges that do not enter the objective alone, or belong to the decision."""

    @property
    def headline(self) -> str:
        return say(
            "{name}: {counted} of the price of robustness",
            name=self.scenario.name,
            counted=say_n("{n:,} point", "{n:,} points", len(self.curve)),
        )

    def summary(self) -> dict[str, Any]:
        """The JSON of `circflow futures --budget-of-uncertainty`."""
        points = self.curve.drop(columns="built").to_dict("records")
        return {
            **self.scenario.about,
            "budget_of_uncertainty": list(self.gamma),
            "robust": [
                {**point, "built": built} for point, built in zip(points, self.plans, strict=True)
            ],
            "rows": list(self.rows),
            "left_out": list(self.left_out),
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by the name of its sheet."""
        built = [
            {"gamma": gamma, **one}
            for gamma, plan in zip(self.curve["gamma"], self.plans, strict=True)
            for one in plan
        ]
        figures = [(name, "uncertain") for name in self.rows]
        figures += [(name, say("left out")) for name in self.left_out]
        tables = {
            "price_of_robustness": self.curve,
            "built": pd.DataFrame(built, columns=["gamma", "unit", "period", "capacity"]),
            "ranges": pd.DataFrame(figures, columns=["parameter", "part"]),
            **self.scenario.changes_table,
        }
        return one_text_type(tables)

    def write(self, path: str | Path) -> None:
        """Write as a workbook (.xlsx), a page (.html) or a folder of CSV files."""
        from circflow.report.page.futures import robust_opening
        from circflow.report.study_tables import write_tables

        title = say("{name}: before it is known what comes", name=self.scenario.name)
        currency = self.scenario.settings.currency
        opening = robust_opening(self.curve, self.gamma, self.plans, currency)
        write_tables(self.tables(), Path(path), currency=currency, title=title, opening=opening)


@public
def robust(  # noqa: PLR0913
    scenario: Scenario,
    gamma: float | Sequence[float],
    *,
    curve: bool = True,
    gap: float = 1e-6,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> Robust:
    """The best plan against the Γ worst of the figures in Ranges, and the price of robustness.

    Args:
        scenario: with rows in the sheet Ranges; those that enter the objective alone count.
        gamma: budget of uncertainty, at least 0: how many figures turn out as badly as they can.
        curve: also plan for other budgets, from 0 to all figures (0 is always among them).
        gap: relative gap of each search over yes/no decisions.
        time_limit: seconds for each search.
        progress: is told what goes on.

    Raises:
        StudyError: no row of Ranges enters the objective alone, or gamma is below 0.
        NoPlan: the scenario has no plan.
        CheckError: a plan fails the audit (a fault of circflow).
    """
    asked = tuple(float(g) for g in (gamma if isinstance(gamma, Sequence) else [gamma]))
    if not asked or min(asked) < 0.0 or not np.isfinite(asked).all():
        raise StudyError("a budget of uncertainty is a number of figures, at least 0")
    tell = progress or (lambda _: None)
    search = _Search(scenario, gap, time_limit, tell)
    most = float(len(search.rows))
    others = [*(g for g in _STEPS if g < most), most] if curve else [0.0]
    plans = [search.at(g) for g in sorted({*asked, *others})]
    table = pd.DataFrame(plans).drop(columns="plan")
    table.insert(3, "price", plans[0]["nominal"] - table["nominal"])
    return Robust(
        scenario,
        asked,
        table,
        tuple(one["plan"] for one in plans),
        tuple(search.rows),
        tuple(search.left_out),
    )


class _Search:
    """The programme with its uncertain costs, solved for one Γ after another."""

    def __init__(
        self, scenario: Scenario, gap: float, time_limit: float | None, tell: Progress
    ) -> None:
        self.scenario = scenario
        self.gap, self.time_limit, self.tell = gap, time_limit, tell
        self.first = first_stage(scenario)
        self.free = unbudgeted(scenario)
        self.model, self.compiled, self.copy = copy_of(self.free, self.first.labels)
        self.base = built(self.free).snapshot
        self.joint = joint(self.first, [self.copy], np.ones(1), Risk())
        ranges, self.left_out = varied(scenario)
        self.rows: list[str] = []
        sides: list[Floats] = []
        for number, one in enumerate(ranges, start=1):
            tell(say("ranges: {number} of {count}", number=number, count=len(ranges)))
            pair = self._sides(one)
            if pair is None:
                self.left_out.append(one.parameter.address)
                continue
            self.rows.append(one.parameter.address)
            sides += pair
        if not self.rows:
            raise StudyError(
                "no row of Ranges enters the objective alone (a price or a cost): a budget "
                "of uncertainty needs some"
            )
        self.counterpart = _counterpart(self.joint.program, sides)

    def _sides(self, one: Range) -> list[Floats] | None:
        """What the costs (and last the constant) gain at the low and the high value, minimised;
        None where something else changes too."""
        neutral = one.parameter.neutral
        if neutral is None:
            ends = [self._moved(one, one.low), self._moved(one, one.high)]
            return None if ends[0] is None or ends[1] is None else [ends[0], ends[1]]
        far = one.low if abs(one.low - neutral) >= abs(one.high - neutral) else one.high
        gain = self._moved(one, far)
        if gain is None:
            return None
        slope = gain / ((far - neutral) or 1.0)
        return [slope * (value - neutral) for value in (one.low, one.high)]

    def _moved(self, one: Range, value: float) -> Floats | None:
        p = one.parameter
        target = match(self.scenario.tables, parse_address(p.address))
        change = FigureChange(0, target, p.how, value, p.address)
        figures, problems = changed_figures(
            self.free.tables, Future("range", 1.0, (change,), sheet="Ranges")
        )
        if problems:
            raise ScenarioError(problems, self.scenario.book.origin)
        then = built(with_figures(self.free, figures))
        moved = difference(then.snapshot, self.base)
        if moved is None:
            return None
        if not self.base.structure.sections_of(moved.figures.indices) <= COSTS_ALONE:
            return None
        copy = replace(self.copy, program=then.compiled.program)
        other, program = joint(self.first, [copy], np.ones(1), Risk()).program, self.joint.program
        return np.append(other.cost - program.cost, other.offset - program.offset)

    def at(self, gamma: float) -> dict[str, Any]:
        """The best plan for a budget of uncertainty, audited."""
        self.tell(say("budget of uncertainty {gamma:g}", gamma=gamma))
        joint_program = self.joint.program
        width = joint_program.shape[1]
        program = self.counterpart.with_costs(gamma, np.array([width]))
        outcome, bound = solved(program, gap=self.gap, time_limit=self.time_limit)
        if outcome.x is None:
            raise NoPlan(self.scenario.name, outcome.status, say("no plan was found"))
        x = outcome.x[:width]
        nominal = 0.0 - (float(joint_program.cost @ x) + joint_program.offset)
        self._audit(x, nominal)
        worth = 0.0 - outcome.objective
        decisions = self.first.tidy(x[: self.first.size])
        plan = built_of(self.scenario, self.first, decisions)
        return {
            "gamma": gamma,
            "worth": worth,
            "nominal": nominal,
            "chance": _chance(gamma, len(self.rows)),
            "gap": max(-bound - worth, 0.0) / max(abs(worth), 1e-10),
            "built": len(plan),
            "plan": plan,
        }

    def _audit(self, x: Floats, nominal: float) -> None:
        """The plan keeps every limit of the scenario, and its money adds up."""
        columns = np.zeros(self.copy.program.shape[1])
        there = self.copy.first >= 0
        columns[self.copy.first[there]] = x[: self.first.size][there]
        ((mine, start),) = self.joint.second_stage
        columns[mine] = x[start : start + len(mine)]
        outcome = Outcome(Status.OPTIMAL, 0.0 - nominal, gap=0.0, x=columns)
        audit = read_off(self.model, self.compiled, outcome, fixed=True).audit
        if not audit.passed:
            worst = audit.findings.head(3).to_string(index=False)
            raise CheckError(
                "a robust plan failed the audit (a fault of circflow):\n{worst}", worst=worst
            )


def _counterpart(program: Program, sides: Sequence[Floats]) -> Program:
    """With z and q_i, and z + q_i ≥ each side of δ_i; z costs nothing yet."""
    count = len(sides) // 2
    wide = program.with_columns(1 + count, cost=np.append(0.0, np.ones(count)))
    gains = csr_array(np.array([side[:-1] for side in sides]))
    constant = np.array([side[-1] for side in sides])
    which = np.repeat(np.arange(count), 2)
    rows = np.arange(2 * count)
    shared = csr_array(
        (
            np.ones(4 * count),
            (np.concatenate([rows, rows]), np.concatenate([np.zeros(2 * count, int), 1 + which])),
        ),
        shape=(2 * count, 1 + count),
    )
    return wide.with_rows(csr_array(hstack([-gains, shared])), constant, np.inf)


def _chance(gamma: float, count: int) -> float:
    """The probability that more turns out badly than the plan is protected against, at most."""
    from scipy.special import ndtr

    return float(min(1.0, ndtr((1.0 - gamma) / np.sqrt(count))))
