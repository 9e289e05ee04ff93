"""Many runs of one scenario: grids, lists, studies and samples of its figures.

The model is compiled a few times and its arrays are updated for every run (`affine`); a linear
programme is solved again from the basis of its neighbour, a search over decisions begins at the
scenario's own plan. What cannot be updated is rebuilt. Every k-th run, and those that look odd,
are built and solved from nothing; a difference is an error.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.data.arguments import named, public
from circflow.data.coded import Floats
from circflow.data.result import Result
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import mark, say, say_n
from circflow.solution.solution import Tables
from circflow.solver.optimum import optimum
from circflow.solver.proven import Proven
from circflow.solver.run import Progress
from circflow.solver.scaling import scaling_of
from circflow.studies.bench.arrays import Built, Choice, Decisions, Difference, built
from circflow.studies.bench.engine import Engine, Lost
from circflow.studies.bench.goals import with_decisions
from circflow.studies.bench.money_by_rate import Rating, kinds_of
from circflow.studies.bench.store import Store
from circflow.studies.bench.totals_rows import built_of, totals_of
from circflow.studies.errors import StudyError
from circflow.studies.progress import time_left
from circflow.studies.sweeps import design as what
from circflow.studies.sweeps.affine import Affine, Fit, fit
from circflow.studies.sweeps.design import Design, Point, Unreadable
from circflow.studies.sweeps.sampling import Range, given_ranges, ranges_of, sample_points
from circflow.studies.sweeps.worker import (
    FAILED,
    Job,
    Options,
    Run,
    Start,
    Task,
    checked,
    compiled,
    invalid,
    work,
)

CHECK_EVERY = 250
"""Runs per run that is checked against a cold build."""
_BLOCK_NONZEROS = 1_000_000
_LONGEST_BLOCK = 100
_SHORTEST_FAMILY = 6
"""Runs that share their rebuilt parameters' values, from which they get arrays of their own."""
_MOST_ODD = 5


@dataclass(frozen=True, repr=False)
class Runs(Result):
    """The runs of a study, in the order asked for."""

    scenario: Scenario = field(repr=False)
    design: Design = field(repr=False)
    table: pd.DataFrame
    """run, one column per parameter (its name tells the unit), status, objective_million, the
    totals (their names tell the units), built, seconds, how, reason, gap."""
    built: pd.DataFrame = field(repr=False)
    """run, unit, period, built (share), capacity_per_year."""
    kept: dict[str, pd.DataFrame] = field(repr=False)
    """Tables of the plans that were kept, with the column `run` in front."""
    notes: tuple[str, ...] = ()
    """What was rebuilt and why, how many compilations, how many checks."""
    seconds: dict[str, float] = field(default_factory=dict)
    """setup, runs, checks, total."""

    @property
    def headline(self) -> str:
        statuses = self.table["status"].value_counts()
        counts = ", ".join(f"{count:,} {status}" for status, count in statuses.items())
        runs = say_n("{n:,} run", "{n:,} runs", len(self))
        return f"{self.scenario.name}: {runs} ({counts})"

    def __len__(self) -> int:
        return len(self.table)

    @property
    def parameters(self) -> list[str]:
        """The table's columns that hold parameters."""
        return [p.label for p in self.design.parameters]

    def write(self, path: str | Path) -> None:
        """Write the runs as .csv, .parquet, .json or .xlsx (see `report.study_tables.write_runs`);
        to the last two with what is built, the tables kept and notes."""
        from circflow.report.study_tables import write_runs

        about = pd.DataFrame({"note": [self.scenario.name, *self.notes]})
        tables = {"runs": self.table, "built": self.built, **self.kept, "about": about}
        write_runs(tables, path, self.scenario)


@public
def sweep(  # noqa: PLR0913
    scenario: Scenario,
    vary: Mapping[str, Iterable[Any]] | None = None,
    *,
    how: str | Mapping[str, str] = "factor",
    study: str | None = None,
    together: bool = False,
    decisions: Decisions = "free",
    gap: float = 1e-6,
    time_limit: float | None = None,
    keep: Sequence[str] = (),
    jobs: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    store: str | Path | None = None,
    resume: bool = False,
    check_every: int | None = CHECK_EVERY,
    progress: Progress | None = None,
) -> Runs:
    """Solve a scenario for many values of its figures.

    Args:
        scenario: from `circflow.read`.
        vary: values by address, `{"Markets.price[material=slag cement]": [0.9, 1, 1.1]}`; several
            addresses make a grid, or vary line by line with `together`.
        how: `factor` (times), `add` or `set`; for all, or by address.
        study: name of a study in the sheet Studies, instead of `vary`.
        together: the values of all addresses belong together line by line.
        decisions: yes/no decisions are searched in every run (`free`), may be fractions
            (`relaxed`), or are those of the scenario's own best plan (`fixed`).
        gap: relative gap of each search.
        time_limit: seconds per run.
        keep: tables of each plan to keep, such as `flows` and `prices` (the runs are rebuilt).
        jobs: local processes; None as many as there are processors, once that is worth it.
        executor: an executor of `concurrent.futures` instead.
        dask: address of a Dask scheduler instead.
        store: SQLite file that runs are written to as they finish.
        resume: go on with a store that has been interrupted.
        check_every: every how many runs one is checked against a cold build; None: never.
        progress: is told how far the runs are.

    Raises:
        StudyError: a study that cannot be run as asked.
        NoPlan: with fixed decisions, where the scenario itself has no plan.
        ScenarioError: no run has a scenario that can be used.
    """
    if vary is not None and not isinstance(vary, Mapping):
        raise StudyError(
            "vary must give values by address, such as {{'Markets.price': [0.9, 1.1]}}, "
            "not {named}",
            named=named(vary),
        )
    if (vary is None) == (study is None):
        raise StudyError("give either values by address or the name of a study")
    design = (
        what.study(scenario, study)
        if study
        else what.grid(scenario, vary or {}, how, together=together)
    )
    options = _options(decisions, gap, time_limit, keep)
    with Engine(jobs, executor, dask, progress) as engine:
        return Sweeper(scenario, design, options, engine, store, resume, check_every).run()


@public
def sample(  # noqa: PLR0913
    scenario: Scenario,
    count: int,
    *,
    ranges: Mapping[str, Sequence[Any]] | None = None,
    parameters: Sequence[str] | None = None,
    how: str | Mapping[str, str] = "factor",
    method: str = "lhs",
    seed: int = 0,
    decisions: Decisions = "free",
    gap: float = 1e-6,
    time_limit: float | None = None,
    keep: Sequence[str] = (),
    jobs: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    store: str | Path | None = None,
    resume: bool = False,
    check_every: int | None = CHECK_EVERY,
    progress: Progress | None = None,
) -> Runs:
    """Solve a scenario for random values of its uncertain figures.

    Args:
        scenario: from `circflow.read`.
        count: number of runs.
        ranges: {address: (low, high)} or {address: (low, high, distribution)}; without, the sheet
            Ranges.
        parameters: the rows of Ranges to sample (all).
        how: what the ranges given here mean: `factor`, `add` or `set`.
        method: `lhs`, `sobol` or `random`.
        seed: the same seed gives the same runs.

    The other arguments, and what is raised, as in `sweep`.
    """
    if ranges is not None and parameters is not None:
        raise StudyError("give ranges, or rows of the sheet Ranges, not both")
    rows: list[Range] = (
        given_ranges(scenario, ranges, how)
        if ranges is not None
        else ranges_of(scenario, parameters)
    )
    design = sample_points(rows, count, method=method, seed=seed)
    options = _options(decisions, gap, time_limit, keep)
    with Engine(jobs, executor, dask, progress) as engine:
        return Sweeper(scenario, design, options, engine, store, resume, check_every).run()


def _options(
    decisions: Decisions, gap: float, time_limit: float | None, keep: Sequence[str]
) -> Options:
    if decisions not in ("free", "relaxed", "fixed"):
        raise StudyError(
            "decisions must be free, relaxed or fixed, not {decisions!r}", decisions=decisions
        )
    known = [f.name for f in fields(Tables)]
    for name in keep:
        if name not in known:
            raise StudyError(
                "there is no table {name!r}{meant}", name=name, meant=what.meant(name, known)
            )
    return Options(decisions, gap, time_limit, tuple(keep))


@dataclass
class Sweeper:
    """Runs a design: sets up, gives out, stores, checks, and makes the table."""

    scenario: Scenario
    design: Design
    options: Options
    engine: Engine
    file: str | Path | None = None
    """Of the store."""
    resume: bool = False
    check_every: int | None = CHECK_EVERY

    def __post_init__(self) -> None:
        if self.resume and self.file is None:
            raise StudyError("to resume, name the store that the runs were written to")
        self.notes = what.left_behind(self.scenario, self.design)
        self.spent = {"setup": 0.0, "runs": 0.0, "checks": 0.0}
        self.begun = time.perf_counter()
        self.store: Store | None = None
        if self.file is not None:
            options = [*vars(self.options).values()]
            parameters = [(p.address, p.how) for p in self.design.parameters]
            points = [list(p) for p in self.design.points]
            study = {"parameters": parameters, "points": points, "options": options}
            self.store = Store(self.file, self.scenario, ["sweep", study], resume=self.resume)
        stored = map(Run.stored, self.store.results() if self.store else ())
        # A run whose worker died is tried again.
        self.runs = {run.number: run for run in stored if run.status != FAILED}
        self.stored = len(self.runs)
        self.choice: Choice = {}
        self.rate = self._rate()
        self.rated = self.rate is not None

    def run(self) -> Runs:
        """Do all runs that are not in the store."""
        try:
            with _timed(self.spent, "setup"):
                self.engine.tell(say("compiling the model"))
                self.base = self._base(self.scenario)
            if len(self.runs) < len(self.design.points):
                self._family(self.scenario, self.base, self._readable(), ())
                self._refuse_if_all_invalid()
        finally:
            if self.store:
                self.store.close()
        return self._finished()

    def _readable(self) -> tuple[int, ...]:
        """The runs all of whose values can be read; the others are stored as invalid."""
        good = []
        for number, point in enumerate(self.design.points):
            bad = [value.reason for value in point if isinstance(value, Unreadable)]
            if not bad:
                good.append(number)
            elif number not in self.runs:
                self._store([invalid(number, "; ".join(bad))])
        if not good:
            raise StudyError(self.runs[0].reason)
        return tuple(good)

    # ------------------------------------------------------------- setting up

    def prepared(self) -> Job:
        """All that runs between the design's points need to be solved by updating arrays."""
        self.base = self._base(self.scenario)
        job = self._job(self.scenario, self.base)
        fitted = self._fitted(job, self.design.points)
        return replace(job, affine=fitted.affine, start=self._start(self.base))

    def arrays(self) -> tuple[Affine, set[int]]:
        """The arrays as they depend on the parameters, and the runs whose scenario can be used."""
        self.base = self._base(self.scenario)
        usable = self._valid(self.scenario, dict(enumerate(self.design.points)))
        job = self._job(self.scenario, self.base)
        return self._fitted(job, [self.design.points[n] for n in sorted(usable)]).affine, usable

    def _job(self, scenario: Scenario, base: Built) -> Job:
        parameters, options = self.design.parameters, self.options
        return Job(scenario, parameters, options, base.snapshot, choice=self.choice)

    def _base(self, scenario: Scenario) -> Built:
        """The scenario's own arrays; with fixed decisions, those of its own best plan."""
        kind, gap, limit = self.options.decisions, self.options.gap, self.options.time_limit
        base, self.choice = with_decisions(
            scenario, kind, gap=gap, time_limit=limit, rated=self.rated
        )
        return base

    def _rate(self) -> int | None:
        """Which parameter is the discount rate, if there is one and only one."""
        rates = [
            n
            for n, p in enumerate(self.design.parameters)
            if (p.sheet, p.column) == ("Scenario", "discount_rate")
        ]
        return rates[0] if len(rates) == 1 else None

    def _fitted(self, job: Job, points: Sequence[Point], settled: tuple[int, ...] = ()) -> Fit:
        """The arrays as they depend on the parameters, over the values of points."""
        rating = None
        if self.rate is not None and self.rate not in settled:
            current, how = job.scenario.settings.discount_rate, job.parameters[self.rate].how
            rating = Rating(self.rate, current, how, kinds_of(job.scenario))

        def compile_points(points: Sequence[Point]) -> list[Difference | None]:
            if not points:
                return []
            what, parcel = mark("compiling the model"), self.engine.send(job)
            by_number = dict(self.engine.each(compiled, parcel, points, what))
            answers = [by_number[n] for n in range(len(points))]
            # Where no scenario can be made, the runs are rebuilt and tell why.
            return [one if isinstance(one, Difference) else None for one in answers]

        return fit(job.base, job.parameters, points, compile_points, rating)

    def _start(self, base: Built) -> Start:
        """The plan of the scenario itself, from which every run starts."""
        program = base.compiled.program
        limit = self.options.time_limit
        if program.has_decisions:
            outcome = optimum(program, gap=self.options.gap, time_limit=limit).outcome
            return Start(scaling_of(program), None, outcome.x)
        session = Proven(program)
        outcome = session.solve(time_limit=limit)
        return Start(session.scaling, session.basis() if outcome.x is not None else None)

    def _family(
        self, scenario: Scenario, base: Built, numbers: tuple[int, ...], settled: tuple[int, ...]
    ) -> None:
        """Runs that share the values of the settled parameters, which `scenario` has already."""
        parameters = self.design.parameters
        points = {
            n: tuple(None if k in settled else v for k, v in enumerate(self.design.points[n]))
            for n in numbers
        }
        job = self._job(scenario, base)
        values = sum(
            min(2, len({p[k] for p in points.values()} - {None})) for k in range(len(parameters))
        )
        if self.options.keep or len(points) <= (values + 1 if values <= 2 else 2 * values + 2):
            why = say("for the tables that are kept") if self.options.keep else say("being few")
            if not settled:
                self.notes.append(say("every run was rebuilt, {why}", why=why))
            with _timed(self.spent, "setup"):
                job = replace(job, start=self._start(base) if len(points) > 2 else Start())
            self._give_out(job, self._alone(numbers, points))
            return
        with _timed(self.spent, "setup"):
            valid = self._valid(scenario, points)
            usable = {n: p for n, p in points.items() if n in valid}
            fitted = self._fitted(job, list(usable.values()), settled)
            start = self._start(base)
        if not settled:
            count = fitted.compilations + 1
            self.notes.append(say("{compilations} compilations of the model", compilations=count))
            for n, why in fitted.rebuilt.items():
                address = parameters[n].address
                self.notes.append(say("{address}: rebuilt, {why}", address=address, why=why))
        affine = fitted.affine
        job = replace(job, start=start, affine=affine)
        known = {n: affine.knows(p) for n, p in usable.items()}
        updated = [n for n, knows in known.items() if knows]
        left = [n for n, knows in known.items() if not knows]
        families, alone = self._families(left, points, set(fitted.rebuilt))
        tasks = [*self._blocks(base, updated, usable), *self._alone(alone, points)]
        self._give_out(job, tasks)
        self._check(job, updated, usable)
        for settings, members in families.items():
            fixed = tuple(n for n, _ in settings)
            changed = self._at(scenario, what.point_of(len(parameters), dict(settings)))
            if isinstance(changed, ScenarioError):
                self._store([invalid(n, changed) for n in members])
                continue
            with _timed(self.spent, "setup"):
                inner = built(changed, self.options.decisions, self.choice, rated=self.rated)
            self._family(changed, inner, tuple(members), (*settled, *fixed))

    def _families(
        self, left: Sequence[int], points: Mapping[int, Point], rebuilt: set[int]
    ) -> tuple[dict[tuple[tuple[int, Any], ...], list[int]], list[int]]:
        """Runs to be rebuilt, together by the values of the parameters that have to be."""
        groups: dict[tuple[tuple[int, Any], ...], list[int]] = {}
        for n in left:
            key = tuple((k, v) for k, v in enumerate(points[n]) if k in rebuilt and v is not None)
            groups.setdefault(key, []).append(n)
        others = {k for k in range(len(self.design.parameters)) if k not in rebuilt}
        families, alone = {}, []
        for key, members in groups.items():
            worth = len(members) >= max(_SHORTEST_FAMILY, 3 * len(others))
            if key and others and worth:
                families[key] = members
            else:
                alone.extend(members)
        return families, alone

    def _valid(self, scenario: Scenario, points: Mapping[int, Point]) -> set[int]:
        """The runs whose scenario can be used; the others are stored as invalid.

        A rule on figures is a limit of one or a linear condition on two, so that it holds for all
        values of two parameters where it holds at their extremes.
        """
        parameters = self.design.parameters
        count = len(parameters)
        values = [{p[n] for p in points.values()} - {None} for n in range(count)]

        def fits(*at: int) -> bool:
            """Whether the scenario can be used where parameters are at their ends together."""
            if not all(parameters[n].is_continuous for n in at):
                return False
            ends = [sorted({min(values[n]), max(values[n])}) if values[n] else [] for n in at]
            corners = (dict(zip(at, corner, strict=True)) for corner in product(*ends))
            return not any(self._problem(scenario, what.point_of(count, c)) for c in corners)

        suspects = {n for n in range(count) if not fits(n)}
        for pair in combinations([n for n in range(count) if values[n]], 2):
            if what.touching(*(parameters[n] for n in pair)) and not fits(*pair):
                suspects.update(pair)
        if not suspects:
            return set(points)
        good: dict[tuple[Any, ...], ScenarioError | None] = {}
        valid = set()
        for number, point in points.items():
            key = tuple(point[n] for n in sorted(suspects))
            if key not in good:
                only = {n: point[n] for n in suspects}
                good[key] = self._problem(scenario, what.point_of(count, only))
            error = good[key]
            if error is None:
                valid.add(number)
            elif number not in self.runs:
                self._store([invalid(number, error)])
        return valid

    def _problem(self, scenario: Scenario, point: Point) -> ScenarioError | None:
        there = self._at(scenario, point)
        return there if isinstance(there, ScenarioError) else None

    def _at(self, scenario: Scenario, point: Point) -> Scenario | ScenarioError:
        """The scenario at a point, or why it cannot be used."""
        try:
            return what.changed(scenario, what.edits_of(self.design.parameters, point))
        except ScenarioError as error:
            return error

    # ------------------------------------------------------------- running

    def _blocks(
        self, base: Built, numbers: Sequence[int], points: Mapping[int, Point]
    ) -> Iterator[Task]:
        """Neighbours together; the cut depends on the study alone, not on who does it."""
        if not numbers:
            return
        design = replace(self.design, points=tuple(points[n] for n in numbers))
        order = [numbers[k] for k in what.in_order(design)]
        length = 1
        if not base.compiled.program.has_decisions:
            size = max(base.compiled.program.matrix.nnz, 1)
            length = max(1, min(_LONGEST_BLOCK, _BLOCK_NONZEROS // size))
        for first in range(0, len(order), length):
            block = order[first : first + length]
            missing = [n for n in block if n not in self.runs]
            if missing:
                # A block of linear programmes is done whole: each run starts from the one before.
                yield Task(tuple((n, points[n]) for n in block))

    def _alone(self, numbers: Sequence[int], points: Mapping[int, Point]) -> Iterator[Task]:
        for n in numbers:
            if n not in self.runs:
                yield Task(((n, points[n]),), rebuild=True)

    def _give_out(self, job: Job, tasks: Iterable[Task]) -> None:
        tasks = list(tasks)
        if not tasks:
            return
        begun = time.perf_counter()
        before = len(self.runs)
        with _timed(self.spent, "runs"):
            for n, result in self.engine.each(work, self.engine.send(job), tasks):
                runs = (
                    [Run(k, FAILED, reason=result.reason) for k, _ in tasks[n].runs]
                    if isinstance(result, Lost)
                    else result
                )
                self._store([r for r in runs if r.number not in self.runs])
                self._tell(begun, before)

    def _store(self, runs: list[Run]) -> None:
        if self.store and runs:
            self.store.add(run.result() for run in runs)
        self.runs.update({r.number: r for r in runs})

    def _tell(self, begun: float, before: int) -> None:
        done, count = len(self.runs), len(self.design.points)
        left = time_left(begun, done - before, count - before)
        words = say("{done:,} of {count:,} runs, {left}", done=done, count=count, left=left)
        self.engine.tell(words)

    def _check(self, job: Job, numbers: Sequence[int], points: Mapping[int, Point]) -> None:
        """Build every k-th run, and those that look odd, from nothing."""
        if self.check_every is None or not numbers:
            return
        chosen = list(numbers[:: self.check_every])
        odd = [n for n in numbers if n not in chosen and self._odd(self.runs[n])]
        chosen += odd[:_MOST_ODD]
        tasks = [(points[n], self.runs[n]) for n in chosen]
        with _timed(self.spent, "checks"):
            words, parcel = mark("checking against cold builds"), self.engine.send(job)
            for n, difference in self.engine.each(checked, parcel, tasks, words):
                if not isinstance(difference, Lost) and difference:
                    self._store([Run(chosen[n], FAILED, how="rebuilt", reason=difference)])
        self.notes.append(say("{count} runs checked against cold builds", count=len(tasks)))

    def _odd(self, run: Run) -> bool:
        """A run without a plan, or whose parts do not add up to its objective."""
        if run.figures is None:
            return run.status in ("infeasible", "unbounded")
        return not np.isfinite(run.figures).all()

    def _refuse_if_all_invalid(self) -> None:
        if any(r.status != "invalid" for r in self.runs.values()):
            return
        error = self._problem(self.scenario, self.design.points[self._readable()[0]])
        if error is not None:
            raise error

    # ------------------------------------------------------------- the table

    def _finished(self) -> Runs:
        self.spent["total"] = time.perf_counter() - self.begun
        if self.stored:
            self.notes.append(say("{stored} runs were in the store already", stored=self.stored))
        ordered = [self.runs[n] for n in range(len(self.design.points))]
        records, constructions = [], []
        labels = self.base.snapshot.structure.labels
        for run, point in zip(ordered, self.design.points, strict=True):
            names = {p.label: v for p, v in zip(self.design.parameters, point, strict=True)}
            of_run = run.labels or labels
            if run.figures is not None:
                constructions += [(run.number, *row) for row in built_of(of_run, run.figures)]
            records.append(
                {
                    "run": run.number,
                    **names,
                    "status": run.status,
                    "objective_million": run.objective,
                    "built": None,
                    **({} if run.figures is None else plan_row(of_run, run.figures)),
                    "seconds": run.seconds,
                    "how": run.how,
                    "gap": run.gap,
                    "reason": run.reason,
                }
            )
        return Runs(
            self.scenario,
            self.design,
            _table(records),
            pd.DataFrame(
                constructions, columns=["run", "unit", "period", "built", "capacity_per_year"]
            ),
            _kept(ordered, self.options.keep),
            tuple(self.notes),
            dict(self.spent),
        )


def _table(records: list[dict[str, Any]]) -> pd.DataFrame:
    """The records, columns in the order of the fullest one, what tells how a run went last."""
    last = ["built", "seconds", "how", "gap", "reason"]
    names = (name for record in (max(records, key=len), *records) for name in record)
    first = dict.fromkeys(name for name in names if name not in last)
    return pd.DataFrame(records, columns=[*first, *last])


def _kept(runs: Sequence[Run], keep: Sequence[str]) -> dict[str, pd.DataFrame]:
    kept = {}
    for name in keep:
        parts = {run.number: run.tables[name] for run in runs if run.tables is not None}
        kept[name] = pd.DataFrame()
        if parts:
            together = pd.concat(parts, names=["run"])
            kept[name] = together.reset_index("run").reset_index(drop=True)
    return kept


def flat(totals: Mapping[str, Any]) -> dict[str, Any]:
    """Totals as one row: names tell the units."""
    row: dict[str, Any] = {
        f"{'' if group.received else 'cost_'}{group.name}_million": group.of(totals)
        for group in money_groups()
    }
    row["net_benefit_million"] = totals["net_benefit"]
    for name in ("waste_arising", "waste_converted", "waste_disposed", "waste_reclaimed"):
        for unit, amount in totals[name].items():
            row[f"{name}_{unit}"] = amount
    share = totals["use_share"]
    row["use_share"] = np.nan if share is None else share
    for pollutant, tonnes in totals["emissions"].items():
        row[f"emissions_{pollutant}_t"] = tonnes
    row["jobs"] = totals["jobs"]
    return row


def plan_row(labels: tuple[tuple[str, ...], ...], figures: Floats) -> dict[str, Any]:
    """The totals of a plan and what it builds, as one row."""
    built = "; ".join(_construction(*row) for row in built_of(labels, figures))
    return {**flat(totals_of(labels, figures)), "built": built}


def _construction(unit: str, period: str, share: float, capacity: float) -> str:
    part = "" if share > 1.0 - 1e-6 else say("{share:.3g} of ", share=share)
    size = f"{capacity:.0f}" if capacity >= 1e5 else f"{capacity:.6g}"  # never 4e+06
    return f"{part}{unit} ({period}, {size})"


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    """Adds the seconds of a block to a table of them."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        spent[name] += time.perf_counter() - begun
