"""Exact answers about one figure at a time: how far it may move, and where the plan changes.

Along one parameter the arrays move on a line (`affine`). Where it moves costs only, the plan's
worth is the largest of the lines that the plans draw (each plan's worth is linear in the
parameter): convex, with a slope that a solve gives, yes/no decisions or not. Where it moves
limits only (bounds and right-hand sides), the worth of a linear programme is the smallest of
the lines that its shadow prices draw: concave. Two such lines meet where a break point may be;
solving there either shows that none lies above (below), or finds a line between them (Eisner and
Severance 1976). So every break point is found with no grid, degenerate vertices or not.

A range is the interval around the scenario's own value in which its line holds: for a price the
plan stays the best, for a capacity or a limit the shadow price stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.changes.change import scenario_numbers
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import mark
from circflow.report.vocabulary import cell
from circflow.solver.optimum import optimum
from circflow.studies.bench.arrays import COSTS_ALONE, Built, Decisions, Difference
from circflow.studies.bench.engine import Engine
from circflow.studies.bench.goals import with_decisions
from circflow.studies.bench.series import Series
from circflow.studies.bench.totals_rows import built_of
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.affine import Affine, fit
from circflow.studies.sweeps.design import Parameter, Point, parameter
from circflow.studies.sweeps.sampling import ranges_of
from circflow.studies.sweeps.worker import Job, Options, compiled

Shape = Literal["costs", "limits"]
_EQUAL = 1e-9
"""Relative difference in worth below which two lines are one."""
_MOST_SOLVES = 2000


@dataclass(frozen=True)
class WorthLine:
    """The worth of the best plan and its slope at a value of a parameter."""

    value: float
    worth: float
    slope: float
    x: np.ndarray = field(repr=False)

    def at(self, value: float) -> float:
        """Its worth at another value."""
        return self.worth + self.slope * (value - self.value)

    def meets(self, other: WorthLine) -> float | None:
        """The value at which two lines cross, if they do."""
        if self.slope == other.slope:
            return None
        return (other.at(0.0) - self.at(0.0)) / (self.slope - other.slope)


def same_worth(worth: float, other: float, gap: float) -> bool:
    """Whether two worths, each found to a relative gap, are one."""
    return abs(worth - other) <= (_EQUAL + 2.0 * gap) * max(abs(worth), abs(other), 1e-6)


Solve = Callable[[Sequence[float]], list[WorthLine]]
"""Gives the lines at values."""


@public
def break_points(  # noqa: PLR0913
    scenario: Scenario,
    address: str,
    low: float,
    high: float,
    *,
    how: str = "factor",
    decisions: Decisions = "free",
    gap: float = 1e-9,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Every value of one parameter at which the plan's worth changes its slope.

    Args:
        scenario: from `circflow.read`.
        address: cells that vary together, prices or costs, or capacities or limits.
        low: one end.
        high: the other.
        how: `factor`, `add` or `set`.
        decisions: `free` (for costs only), `relaxed` or `fixed`.

    The other arguments as in `circflow.sweep`.

    Returns:
        One row per piece: from, to (values of the parameter), from_million, to_million
        (objectives), slope_million (per unit of the parameter), built (in the piece).

    Raises:
        StudyError: the parameter moves more than costs, or more than limits (a yield, a
            lifetime), or not on a line (a discount rate); or there is no plan at an end.
    """
    if not np.isfinite([low, high]).all() or low >= high:
        raise StudyError("low {low} must be below high {high}", low=low, high=high)
    one = parameter(scenario, address, how)
    prepared, job = _prepared(scenario, decisions, gap)
    job = replace(job, parameters=(one,))
    with Engine(jobs, dask=dask, tell=progress) as engine:
        path = _Path(
            prepared, one, low, high, gap,
            lambda points: engine.spread(
                compiled, job, points, mark("compilations of the model")
            ),
        )  # fmt: skip
        first = path.solve(low)

        def solve(values: Sequence[float]) -> list[WorthLine]:
            return engine.spread(_Path.solve, path, values, mark("values"))

        return path.pieces(path.lines(first, solve([high])[0], solve), low, high)


@public
def ranges(  # noqa: PLR0913
    scenario: Scenario,
    addresses: Sequence[str] | None = None,
    *,
    sheets: Sequence[str] = (),
    within: float = 0.5,
    decisions: Decisions = "fixed",
    gap: float = 1e-9,
    jobs: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """How far each figure may move, alone, before the plan or its shadow prices change.

    Args:
        scenario: from `circflow.read`.
        addresses: cells; without, those of the sheet Ranges.
        sheets: every figure of these sheets, cell by cell, instead.
        within: looked at from (1 − within) to (1 + within) times the figure.
        decisions: as they are in the best plan (`fixed`), `relaxed`, or `free` (costs only).

    The other arguments as in `circflow.sweep`.

    Returns:
        parameter, figure (where the cells have one), moves (costs: the plan holds; limits: the
        shadow price holds), from_factor, to_factor, from, to (figures), slope_million (objective
        per factor 1), price (objective in currency per unit of the figure), reaches_low and
        reaches_high (whether the range goes on beyond what was looked at), reason (why there is
        no range).
    """
    if not 0.0 < within <= 1.0:
        raise StudyError("within must be above 0 and at most 1, not {within}", within=within)
    if sheets:
        chosen = list(scenario_numbers(scenario, sheets)["address"])
    elif addresses is not None:
        chosen = list(addresses)
    else:
        chosen = [r.parameter.address for r in ranges_of(scenario)]
    cells = [_cell(scenario, address) for address in dict.fromkeys(chosen)]
    factors = [factor for _, factor in cells if factor is not None]
    if factors:
        look = _Look(*_prepared(scenario, decisions, gap), gap, (1.0 - within, 1.0 + within))
        with Engine(jobs, executor, dask, progress) as engine:
            answers = iter(engine.spread(_Look.range, look, factors, mark("figures")))
        for record, factor in cells:
            if factor is not None:
                record.update(next(answers))
    return pd.DataFrame([record for record, _ in cells])


def _cell(scenario: Scenario, address: str) -> tuple[dict[str, object], Parameter | None]:
    """What is told of a figure whose range is asked for, and its factor where it has one."""
    one = parameter(scenario, address, "set")
    record: dict[str, object] = {"parameter": one.address, "figure": one.figure, "unit": one.unit}
    try:
        if one.figure == 0.0:
            raise StudyError("the figure is 0, which no factor changes")
        return record, parameter(scenario, address, "factor")
    except StudyError as error:
        return {**record, "moves": None, "reason": str(error)}, None


@dataclass(frozen=True)
class _Look:
    """How far figures are looked at."""

    prepared: Built
    job: Job
    gap: float
    ends: tuple[float, float]

    def range(self, factor: Parameter) -> dict[str, object]:
        """The range of a figure, from its arrays compiled at both ends."""
        low, high = self.ends
        job = replace(self.job, parameters=(factor,))
        try:
            path = _Path(
                self.prepared, factor, low, high, self.gap,
                lambda points: [compiled(job, point) for point in points],
            )  # fmt: skip
            here = path.solve(1.0)
            first, last = path.holds(here, low), path.holds(here, high)
        except (StudyError, ScenarioError) as error:
            return {"moves": None, "reason": str(error)}
        figure_now = np.nan if factor.figure is None else factor.figure
        return {
            "moves": path.shape,
            "from_factor": first,
            "to_factor": last,
            "from": figure_now * first,
            "to": figure_now * last,
            "slope_million": here.slope,
            "price": here.slope / figure_now * 1e6 if figure_now else np.nan,
            "reaches_low": first <= low,
            "reaches_high": last >= high,
            "reason": None,
        }


def _prepared(scenario: Scenario, decisions: Decisions, gap: float) -> tuple[Built, Job]:
    """The scenario's arrays (with fixed decisions those of its best plan), and what a worker needs
    to compile it at points of parameters that are still to be named."""
    prepared, choice = with_decisions(scenario, decisions, gap=gap)
    return prepared, Job(scenario, (), Options(decisions), prepared.snapshot, choice=choice)


class _Path:
    """A scenario along one parameter, compiled at points of it by `ask`."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        prepared: Built,
        one: Parameter,
        low: float,
        high: float,
        gap: float,
        ask: Callable[[Sequence[Point]], list[Difference | ScenarioError | None]],
    ) -> None:
        def compile_points(points: Sequence[Point]) -> list[Difference | None]:
            """Raises the error of a scenario that cannot be used."""
            usable: list[Difference | None] = []
            for difference in ask(points):
                if isinstance(difference, ScenarioError):
                    raise difference
                usable.append(difference)
            return usable

        self.gap = gap
        self.parameter = one
        self.built = prepared
        points = [(low,), ((low + high) / 2.0,), (high,)]
        fitted = fit(prepared.snapshot, [one], points, compile_points)
        if fitted.rebuilt:
            raise StudyError(f"{one.shown}: {fitted.rebuilt[0]}")
        self.affine: Affine = fitted.affine
        self.shape = self._shape()
        slope = self.affine.figures((high,)) - self.affine.figures((low,))
        self.slope = slope / (high - low)
        self.solves = 0
        self.start: np.ndarray | None = None
        self.linear = Series()
        """The first plan found, and its basis: what every other value is solved from."""

    def _shape(self) -> Shape:
        moved = self.affine.base.structure.sections_of(self.affine.support)
        if moved <= COSTS_ALONE:
            return "costs"
        if "data" in moved or "cost" in moved:
            raise StudyError(
                "{address} moves more than costs or limits: sweep it instead",
                address=self.parameter.shown,
            )
        if self.built.compiled.program.has_decisions:
            raise StudyError(
                "{address} moves limits: with yes/no decisions there are no exact break "
                "points; use decisions='fixed' or 'relaxed'",
                address=self.parameter.shown,
            )
        return "limits"

    def solve(self, value: float) -> WorthLine:
        """The best plan at a value, and the slope of its worth."""
        program = self.affine.base.program(self.affine.figures((value,)))
        if program.has_decisions:
            outcome = optimum(program, gap=self.gap, start=self.start).outcome
        else:
            linear = self.linear.twin()
            outcome = linear.solve(program)
            self.linear = self.linear if self.linear.basis else linear.twin()
        if outcome.x is None:
            raise StudyError(
                "there is no plan ({value}) where {label} is {value_2}",
                value=outcome.status.value,
                label=cell("parameter", self.parameter.label),
                value_2=value,
            )
        self.start = outcome.x if self.start is None else self.start
        assert outcome.row_dual is not None and outcome.reduced_cost is not None
        dual, reduced = outcome.row_dual, outcome.reduced_cost
        # min c·x: a dual ≥ 0 belongs to a lower limit, one ≤ 0 to an upper limit.
        per_unit = {
            "cost": outcome.x,
            "offset": np.ones(1),
            "row_lower": np.maximum(dual, 0.0),
            "row_upper": np.minimum(dual, 0.0),
            "lower": np.maximum(reduced, 0.0),
            "upper": np.minimum(reduced, 0.0),
        }
        section = self.affine.base.structure.section
        slope = sum(float(of @ self.slope[section(name)]) for name, of in per_unit.items())
        return WorthLine(value, -outcome.objective, -slope, outcome.x)

    def _count(self, more: int) -> None:
        self.solves += more
        if self.solves > _MOST_SOLVES:
            raise StudyError(
                "more than {most_solves} break points: take a shorter interval",
                most_solves=_MOST_SOLVES,
            )

    def _same(self, worth: float, other: float) -> bool:
        searched = self.built.compiled.program.has_decisions
        return same_worth(worth, other, self.gap if searched else 0.0)

    def lines(self, left: WorthLine, right: WorthLine, solve: Solve) -> list[WorthLine]:
        """The lines between two, both included, in order."""
        middles: dict[tuple[float, float], WorthLine] = {}
        pairs = [(left, right)]
        while pairs:
            asked = [(*pair, meet) for pair in pairs if (meet := self._open(*pair)) is not None]
            self._count(len(asked))
            pairs = []
            for (one, other, meet), middle in zip(
                asked, solve([meet for *_, meet in asked]), strict=True
            ):
                if not self._same(middle.worth, one.at(meet)):
                    middles[one.value, other.value] = middle
                    pairs += [(one, middle), (middle, other)]
        return self._between(left, right, middles)

    def _open(self, left: WorthLine, right: WorthLine) -> float | None:
        """Where a line between two may be."""
        one = self._same(left.at(right.value), right.worth)
        if one or self._same(right.at(left.value), left.worth):
            return None
        return self._meet(left, right)

    def _between(
        self, left: WorthLine, right: WorthLine, middles: Mapping[tuple[float, float], WorthLine]
    ) -> list[WorthLine]:
        if self._same(left.at(right.value), right.worth):
            return [left]
        if self._same(right.at(left.value), left.worth):
            return [right]
        middle = middles.get((left.value, right.value))
        if middle is None:
            return [left, right]
        first = self._between(left, middle, middles)
        second = self._between(middle, right, middles)
        return first + (second[1:] if first[-1] is second[0] else second)

    @staticmethod
    def _meet(left: WorthLine, right: WorthLine) -> float | None:
        """Where two lines cross between their values."""
        value = left.meets(right)
        inside = value is not None and left.value < value < right.value
        return value if inside else None

    def holds(self, here: WorthLine, end: float) -> float:
        """How far towards an end the line of a plan holds."""
        there = self.solve(end)
        reached = end
        while not self._same(here.at(reached), there.worth):
            left, right = (here, there) if here.value < reached else (there, here)
            meet = self._meet(left, right)
            if meet is None or abs(meet - here.value) <= 1e-12:
                return here.value
            self._count(1)
            reached, there = meet, self.solve(meet)
        return reached

    def pieces(self, lines: Sequence[WorthLine], low: float, high: float) -> pd.DataFrame:
        """The lines as a table, joined where they cross."""
        cuts = [low]
        for left, right in pairwise(lines):
            meet = self._meet(left, right)
            cuts.append(right.value if meet is None else meet)
        cuts.append(high)
        labels = self.built.snapshot.structure.labels
        records = []
        for line, start, end in zip(lines, cuts[:-1], cuts[1:], strict=True):
            if end - start <= 1e-12 * max(abs(start), abs(end), 1.0):
                continue
            names = [
                f"{unit} ({period})"
                for unit, period, _, _ in built_of(labels, self.built.snapshot.totals(line.x))
            ]
            records.append(
                {
                    "from": start,
                    "to": end,
                    "from_million": line.at(start),
                    "to_million": line.at(end),
                    "slope_million": line.slope,
                    "built": "; ".join(names),
                }
            )
        table = pd.DataFrame(records)
        table.insert(0, "parameter", self.parameter.label)
        return table
