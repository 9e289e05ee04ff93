"""What is firm: how far the gain and each decision to build depend on the sheet Ranges.

Together. All rows of Ranges are drawn at once. In every sample the best plan is searched anew,
with all candidates and with none; the difference is the gain. A sample agrees with a decision
where its best plan makes the same one, to build or not to build.

One at a time. Each row moves alone from the scenario's own figure to both ends of its range. A
decision is overturned where the best plan turns to the other one; the distance is the share of the
way to the end of the range. Where a row moves costs only, the worth of each plan is a straight
line in it and the turn is the crossing of two such lines, found exactly (Eisner and Severance
1976); elsewhere the way is halved down to a sixty-fourth. What turns and turns back between two
plans that were found is not seen.

Classes. A decision is firm where at least 90 % of the samples agree and no row alone overturns it;
doubtful where fewer than 60 % agree; else likely.

Knowing. What it is worth to know a figure θ before a unit is decided, all other figures as they
stand (expected value of partial perfect information; Raiffa and Schlaifer 1961):

    E[max(v(θ), 0)] − max(E[v(θ)], 0),   v = best plan with the unit − best plan without it

over five equally likely values of θ. It is above 0 only where θ alone overturns the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.coded import Floats
from circflow.data.result import Result, figure
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import mark, say, say_n
from circflow.studies.bench.arrays import COSTS_ALONE
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import Design, Point, changed, edits_of
from circflow.studies.sweeps.ranges import WorthLine, same_worth
from circflow.studies.sweeps.sampling import Range, ranges_of, sample_points
from circflow.studies.sweeps.sweep import Sweeper
from circflow.studies.sweeps.worker import Options
from circflow.studies.units.candidates import Bench, Plan, Setting
from circflow.studies.units.risk import robustness

FIRM, LIKELY = 0.9, 0.6
"""Shares of samples that agree, from which a decision is firm or likely."""
_FINEST = 1.0 / 64.0
"""Share of the way to the end of a range down to which a turn is looked for by halving."""
_QUINTILES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
_MOST_FIGURES = 3
"""Figures per decision whose knowledge is valued: those that overturn it first."""


DECISIONS = ["unit", "in_plan", "period", "worth_million", "worth_p5_million", "worth_p50_million"]
DECISIONS += ["worth_p95_million", "built_share", "agree_share", "overturned_by", "change"]
DECISIONS += ["overturned_at", "figure", "figure_there", "distance", "firmness", "settled_by"]
DECISIONS += ["knowing_million"]


@dataclass(frozen=True, repr=False)
class Firmness(Result):
    """What is firm, likely or doubtful. Money in million currency, discounted."""

    scenario: Scenario = field(repr=False)
    gain: pd.DataFrame
    """One row: gain_million (best plan less that without any candidate), p5_million, p50_million,
    p95_million, samples, without_plan (samples that have none), lowest_by and lowest_million (the
    figure that alone lowers it most, and to what), highest_by, highest_million."""
    decisions: pd.DataFrame
    """A row per candidate, columns as in `DECISIONS` (see docs/evaluate.md)."""
    turns: pd.DataFrame
    """A row per decision and figure that overturns it alone: unit, parameter, change,
    overturned_at (as the row of Ranges gives it), figure, figure_there, distance, exact."""
    knowing: pd.DataFrame
    """unit, parameter, mean_worth_million, knowing_million."""
    figures: pd.DataFrame
    """A row per row of Ranges: parameter, change, low, high, low_gain_million, high_gain_million,
    overturns (how many decisions), reason (why it was not moved)."""
    samples: pd.DataFrame
    """sample, gain_million, built (names; blank without a plan)."""

    @property
    def headline(self) -> str:
        one, currency = self.gain.iloc[0], self.scenario.settings.currency
        counts = self.decisions["firmness"].value_counts()
        words = ", ".join(f"{counts.get(c, 0)} {say(c)}" for c in ("firm", "likely", "doubtful"))
        return say(
            "{name}: gain {p5_million} to {p95_million} million {currency}; {counted} ({words})",
            name=self.scenario.name,
            p5_million=figure(one["p5_million"]),
            p95_million=figure(one["p95_million"]),
            currency=currency,
            counted=say_n("{n} decision", "{n} decisions", len(self.decisions)),
            words=words,
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that has rows, by its name."""
        names = ("gain", "decisions", "turns", "knowing", "figures", "samples")
        tables = {name: getattr(self, name) for name in names}
        return {k: t for k, t in tables.items() if len(t)} | self.scenario.changes_table

    def write(self, path: str | Path) -> None:
        """Write everything: .xlsx, .html, .json, or a folder of CSV files."""
        from circflow.report.study_tables import write_tables

        title = say("{name}: what is firm", name=self.scenario.name)
        write_tables(self.tables(), path, currency=self.scenario.settings.currency, title=title)


@public
def firm(  # noqa: PLR0913
    scenario: Scenario,
    *,
    samples: int = 60,
    seed: int = 0,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Firmness:
    """Tell how far the gain and each decision to build depend on the rows of the sheet Ranges.

    Args:
        scenario: from `circflow.read`, with candidates and a sheet Ranges.
        samples: how often all rows are drawn together.
        seed: the same seed draws the same samples.
        gap: relative gap of every search over yes/no decisions.
        time_limit: seconds per search.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        progress: is told how far it is.

    Raises:
        StudyError: no candidates, or nothing in the sheet Ranges.
        NoPlan: the scenario has no plan.
    """
    if samples < 1:
        raise StudyError("the number of samples must be at least 1, not {samples}", samples=samples)
    units = scenario.frame("Units")
    candidates = units["unit"][units["status"] == "candidate"].astype(str).tolist()
    if not candidates:
        raise StudyError("the scenario has no candidates: there is nothing to decide")
    with Engine(jobs, dask=dask, tell=progress) as engine:
        ground = _Ground(scenario, candidates, samples, seed, gap, time_limit, engine)
        return ground.judged(engine)


@dataclass(frozen=True)
class _Look(WorthLine):
    """The best plan at a value of one figure."""

    built: frozenset[str]


@dataclass(frozen=True)
class _Turn:
    """Where a figure alone overturns decisions."""

    value: float
    units: frozenset[str]
    exact: bool


@dataclass(frozen=True)
class _Walk:
    """What one figure does alone: gains at its ends (NaN where there is no plan), and turns."""

    low: float
    high: float
    turns: tuple[_Turn, ...] = ()
    reason: str = ""


@dataclass
class _Ground:
    """A scenario compiled so that the rows of Ranges take any value."""

    scenario: Scenario
    candidates: list[str]
    samples: int
    seed: int
    gap: float
    time_limit: float | None
    engine: InitVar[Engine]

    def __post_init__(self, engine: Engine) -> None:
        self.rows = ranges_of(self.scenario)
        self.parameters = tuple(r.parameter for r in self.rows)
        self.drawn = sample_points(self.rows, self.samples, seed=self.seed).points
        ends = [self._alone(n, v) for n, r in enumerate(self.rows) for v in (r.low, r.high)]
        design = Design(self.parameters, (*self.drawn, *ends))
        engine.tell(say("compiling the model"))
        options = Options("free", self.gap, self.time_limit)
        sweeper = Sweeper(self.scenario, design, options, engine, check_every=None)
        affine = sweeper.prepared().affine
        assert affine is not None
        self.affine, self.base = affine, sweeper.base
        bench = self._bench((None,) * len(self.rows))
        assert bench is not None
        self.bench, self.best = bench, bench.best()
        self.built = frozenset(bench.built(self.best.x))

    def _alone(self, n: int, value: float) -> Point:
        return tuple(value if k == n else None for k in range(len(self.rows)))

    def _bench(self, point: Point) -> Bench | None:
        """The scenario at a point; None where it cannot be used."""
        limits: dict[str, Any] = {"gap": self.gap, "time_limit": self.time_limit}
        if self.affine.knows(point):
            program = self.affine.base.program(self.affine.figures(point))
            compiled = replace(self.base.compiled, program=program)
            return Bench(self.scenario, parts=(self.base.model, compiled), **limits)
        try:
            return Bench(changed(self.scenario, edits_of(self.parameters, point)), **limits)
        except ScenarioError:
            return None

    # ----------------------------------------------------------------- together

    def _best(self, point: Point) -> tuple[Bench, Plan] | None:
        """The best plan at a point; None without one."""
        bench = self._bench(point)
        plan = bench.solve() if bench else None
        return (bench, plan) if bench and plan else None

    def _gain(self, bench: Bench, plan: Plan) -> float:
        without = bench.solve(Setting(out=frozenset(self.candidates)))
        return np.nan if without is None else plan.value - without.value

    def sample(self, point: Point) -> tuple[float, frozenset[str] | None]:
        """The gain and what is built; None without a plan."""
        best = self._best(point)
        return (self._gain(*best), frozenset(best[0].built(best[1].x))) if best else (np.nan, None)

    # ----------------------------------------------------------------- one at a time

    def walk(self, n: int) -> _Walk:
        """A figure moves alone to both ends of its range."""
        row = self.rows[n]
        neutral = row.parameter.neutral
        if neutral is None:
            return _Walk(np.nan, np.nan, reason=say("its cells have several figures"))
        slope = self._slope(n)
        here = self._look((self.bench, self.best), neutral, slope)
        gains, turns = [], list[_Turn]()
        for end in (row.low, row.high):
            best = self._best(self._alone(n, end))
            gains.append(self._gain(*best) if best else np.nan)
            if best:
                there = self._look(best, end, slope)
                turns += self._between(n, here, there, slope, _FINEST * abs(end - neutral))
        reason = say("there is no plan at an end of its range") if np.isnan(gains).any() else ""
        return _Walk(gains[0], gains[1], tuple(turns), reason)

    def _slope(self, n: int) -> Floats | None:
        """How costs and offset move with a figure that moves nothing else, and those in a line;
        None for another."""
        row = self.rows[n]
        if row.low == row.high or n not in self.affine.place_of:
            return None
        low, high = (self.affine.figures(self._alone(n, v)) for v in (row.low, row.high))
        moved, structure = high - low, self.affine.base.structure
        if not structure.sections_of(np.flatnonzero(moved)) <= COSTS_ALONE:
            return None
        return np.asarray(moved[: structure.section("offset").stop] / (row.high - row.low))

    @staticmethod
    def _look(best: tuple[Bench, Plan], value: float, slope: Floats | None) -> _Look:
        bench, plan = best
        along = np.nan if slope is None else -float(slope[:-1] @ plan.x) - float(slope[-1])
        return _Look(value, plan.value, along, plan.x, frozenset(bench.built(plan.x)))

    def _between(
        self, n: int, a: _Look, b: _Look, slope: Floats | None, finest: float
    ) -> list[_Turn]:
        """The turns between two looks, from the first to the second."""
        turned = a.built ^ b.built
        if not turned:
            return []
        middle = (a.value + b.value) / 2.0
        if slope is not None:
            if same_worth(a.at(b.value), b.worth, self.gap):
                return [_Turn(a.value, turned, True)]  # one line: worth the same all along
            if (meet := a.meets(b)) is not None:
                middle = min(max(meet, min(a.value, b.value)), max(a.value, b.value))
        if abs(b.value - a.value) <= finest or middle in (a.value, b.value):
            return [_Turn(middle, turned, False)]
        best = self._best(self._alone(n, middle))
        if best is None:
            return [_Turn(middle, turned, False)]
        between = self._look(best, middle, slope)
        if slope is not None and same_worth(between.worth, a.at(middle), self.gap):
            return [_Turn(middle, turned, True)]
        first = self._between(n, a, between, slope, finest)
        return first + self._between(n, between, b, slope, finest)

    # ----------------------------------------------------------------- what knowing is worth

    def knowing(self, pair: tuple[str, int]) -> tuple[float, float]:
        """Mean worth of a unit over a figure's range, and what knowing the figure is worth."""
        unit, n = pair
        worths = []
        for value in self.rows[n].quantile(_QUINTILES).tolist():
            bench = self._bench(self._alone(n, value))
            worths.append(np.nan if bench is None else _worth(bench, unit)[0])
        v = np.array(worths)
        mean = float(v.mean())
        return mean, float(np.maximum(v, 0.0).mean()) - max(mean, 0.0)

    # ----------------------------------------------------------------- all of it

    def judged(self, engine: Engine) -> Firmness:
        """Everything that is told."""
        drawn = engine.spread(_Ground.sample, self, self.drawn, mark("samples"))
        walks = engine.spread(_Ground.walk, self, range(len(self.rows)), mark("figures"))
        turns = self._turns(walks)
        answers = engine.spread(_Ground.worth, self, self.candidates, mark("units"))
        by_unit = dict(zip(self.candidates, answers, strict=True))
        worths = {unit: worth for unit, (worth, _) in by_unit.items()}
        forced = {u: with_ for u, (_, with_) in by_unit.items() if with_ and u not in self.built}
        _, held = robustness(
            engine, self.bench, self.best, forced, self.candidates,
            samples=self.samples, seed=self.seed,
        )  # fmt: skip
        gains = np.array([gain for gain, _ in drawn])
        plans = [built for _, built in drawn if built is not None]
        table = self._decisions(plans, turns, worths, held)
        open_ = table["unit"][table["firmness"] != "firm"]
        pairs = self._in_doubt(turns[turns["unit"].isin(open_)])
        known = engine.spread(
            _Ground.knowing, self, pairs, mark("figures whose knowledge is valued")
        )
        knowing = pd.DataFrame(
            [(u, self.parameters[n].address, *v) for (u, n), v in zip(pairs, known, strict=True)],
            columns=["unit", "parameter", "mean_worth_million", "knowing_million"],
        )
        return Firmness(
            scenario=self.scenario,
            gain=self._gains(gains, walks),
            decisions=_settled(table, knowing),
            turns=turns,
            knowing=knowing,
            figures=self._figures(walks, turns),
            samples=pd.DataFrame(
                [
                    (k, gain, None if built is None else "; ".join(sorted(built)))
                    for k, (gain, built) in enumerate(drawn)
                ],
                columns=["sample", "gain_million", "built"],
            ),
        )

    def worth(self, unit: str) -> tuple[float, Plan | None]:
        """The worth of a candidate, and the best plan with it."""
        return _worth(self.bench, unit, self.best, unit in self.built)

    def _turns(self, walks: Sequence[_Walk]) -> pd.DataFrame:
        """The first turn of each decision by each figure, the nearest first."""
        records = []
        for row, walk in zip(self.rows, walks, strict=True):
            one = row.parameter
            neutral = one.neutral or 0.0
            for turn in walk.turns:
                end = row.low if turn.value < neutral or row.high == neutral else row.high
                distance = abs(turn.value - neutral) / abs(end - neutral) if end != neutral else 0.0
                moved = turn.value, one.figure, _figure(row, turn.value), distance, turn.exact
                records += [(unit, one.address, one.how, *moved) for unit in turn.units]
        columns = ["unit", "parameter", "change", "overturned_at", "figure", "figure_there"]
        table = pd.DataFrame(records, columns=[*columns, "distance", "exact"])
        table = table.sort_values(["distance", "unit", "parameter"])
        return table.drop_duplicates(["unit", "parameter", "change"], ignore_index=True)

    def _decisions(
        self,
        plans: Sequence[frozenset[str]],
        turns: pd.DataFrame,
        worths: dict[str, float],
        held: pd.DataFrame,
    ) -> pd.DataFrame:
        standing = self.bench.standing(self.best, self.candidates)
        when = dict(zip(standing["unit"], standing["period"], strict=True))
        records = []
        for unit in self.candidates:
            share = float(np.mean([unit in built for built in plans])) if plans else np.nan
            agree = share if unit in self.built else 1.0 - share
            of_unit = held["worth_million"][held["unit"] == unit].to_numpy(float)
            spread = np.percentile(of_unit, [5, 50, 95]) if len(of_unit) else np.full(3, np.nan)
            name = "doubtful" if not agree >= LIKELY else "likely"
            if agree >= FIRM and unit not in set(turns["unit"]):
                name = "firm"
            worth = worths[unit], *spread
            records.append((unit, unit in self.built, when.get(unit), *worth, share, agree, name))
        table = pd.DataFrame(records, columns=[*DECISIONS[:9], "firmness"])
        first = turns.rename(columns={"parameter": "overturned_by"}).drop_duplicates("unit")
        return table.merge(first.drop(columns="exact"), how="left", on="unit")

    def _in_doubt(self, turns: pd.DataFrame) -> list[tuple[str, int]]:
        """Decisions, and the figures that overturn them first."""
        number = {p.address: n for n, p in enumerate(self.parameters)}
        chosen = turns.groupby("unit", sort=False).head(_MOST_FIGURES)
        return [(str(u), number[p]) for u, p in chosen[["unit", "parameter"]].to_numpy().tolist()]

    def _gains(self, gains: Floats, walks: Sequence[_Walk]) -> pd.DataFrame:
        known = gains[~np.isnan(gains)]
        spread = np.percentile(known, [5, 50, 95]) if len(known) else np.full(3, np.nan)
        ends = np.array([(walk.low, walk.high) for walk in walks])
        row: dict[str, Any] = {
            "gain_million": self._gain(self.bench, self.best),
            **dict(zip(("p5_million", "p50_million", "p95_million"), spread, strict=True)),
            "samples": len(gains),
            "without_plan": len(gains) - len(known),
        }
        if not np.isnan(ends).all():
            for word, at in (("lowest", np.nanargmin(ends)), ("highest", np.nanargmax(ends))):
                row[f"{word}_by"] = self.parameters[int(at) // 2].address
                row[f"{word}_million"] = float(ends.flat[int(at)])
        return pd.DataFrame([row])

    def _figures(self, walks: Sequence[_Walk], turns: pd.DataFrame) -> pd.DataFrame:
        counts = turns["parameter"].value_counts()
        records = [
            (one.address, one.how, row.low, row.high, walk.low, walk.high,
             int(counts.get(one.address, 0)), walk.reason or None)
            for row, one, walk in zip(self.rows, self.parameters, walks, strict=True)
        ]  # fmt: skip
        columns = ["parameter", "change", "low", "high", "low_gain_million", "high_gain_million"]
        return pd.DataFrame(records, columns=[*columns, "overturns", "reason"])


def _worth(
    bench: Bench, unit: str, best: Plan | None = None, built: bool | None = None
) -> tuple[float, Plan | None]:
    """The best plan with a unit less that without it, NaN where one is missing; the one with it.

    `best` is the best plan of the bench, `built` whether the unit stands in it, where known.
    """
    name = frozenset({unit})
    without = best if best and built is False else bench.solve(Setting(out=name))
    with_ = best if best and built else bench.building(unit)[1]
    return (with_.value - without.value if with_ and without else np.nan), with_


def _figure(row: Range, value: float) -> float:
    """What a figure is where its row of Ranges has a value; NaN where the cells have several."""
    figure = row.parameter.figure
    if row.parameter.how == "set":
        return value
    if figure is None:
        return np.nan
    return figure * value if row.parameter.how == "factor" else figure + value


def _settled(table: pd.DataFrame, knowing: pd.DataFrame) -> pd.DataFrame:
    """Decisions with the figure whose knowledge is worth most, where it is worth anything."""
    known = knowing[knowing["knowing_million"] > 1e-9]
    known = known.sort_values("knowing_million", ascending=False, kind="stable")
    first = known.rename(columns={"parameter": "settled_by"}).drop_duplicates("unit")
    table = table.merge(first, how="left", on="unit")[DECISIONS]
    figures = ("overturned_at", "figure", "figure_there", "distance", "knowing_million")
    texts = table[["overturned_by", "change", "settled_by"]].astype(object)
    return table.astype(dict.fromkeys(figures, float)).assign(**texts.where(texts.notna(), None))
