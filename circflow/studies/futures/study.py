"""What to build before it is known which future comes, and what that is worth.

    RP    the best decisions for all futures together
    WS    Σ p_s · optimum of s alone; EVPI = WS − RP, what a perfect forecast is worth
    EV    the optimum of the mean scenario
    EEV   the futures under EV's decisions; VSS = RP − EEV, what planning for them is worth

EEV ≤ RP ≤ WS whatever the risk preference, as the same measure is applied to all three (Birge
and Louveaux 2011, Introduction to Stochastic Programming, ch. 4); a breach is an error.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.changes.futures import Future, futures_of, in_future, mean_scenario
from circflow.data.coded import Floats
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.solution.solution import NoPlan, Status
from circflow.solver.explain import explain, reason
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine, Lost
from circflow.studies.errors import CheckError, StudyError
from circflow.studies.futures import worker
from circflow.studies.futures.first_stage import (
    Risk,
    built_of,
    copy_of,
    first_stage,
    unbudgeted,
)
from circflow.studies.futures.generated import outages as outage_futures
from circflow.studies.futures.generated import sampled, varied
from circflow.studies.futures.groups import TOGETHER_UP_TO, Grouped, Kept
from circflow.studies.futures.infrastructure import (
    Thing,
    not_added,
    softened,
    things_of,
    with_candidate,
    without,
)
from circflow.studies.futures.result import Futures
from circflow.studies.futures.saa import Tested, judged
from circflow.studies.futures.why import no_common_plan, reason_of
from circflow.studies.futures.worker import Job, Planned, Task, Valuation

Given = TypeVar("Given")
_SLACK = 1e-7
"""Share of the money at stake that rounding may be in comparisons."""


@public
def futures(  # noqa: PLR0913
    scenario: Scenario,
    *,
    sample: int | None = None,
    seed: int = 0,
    outages: str | None = None,
    test: int | None = None,
    infrastructure: bool = False,
    alpha: float = 0.8,
    omega: float = 0.0,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    group_size: int | None = None,
    store: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Futures:
    """Plan before it is known which future comes: RP, WS, EV, EEV, EVPI, VSS, CVaR.

    Args:
        scenario: from `circflow.read`; its futures are those of the sheets Futures and
            FutureChanges unless `sample` or `outages` is given.
        sample: draw so many futures from the sheet Ranges, all equally likely.
        seed: of the sample; the same seed draws the same futures.
        outages: `units`, `members`, `links` (that the scenario's own plan uses), `markets` or
            `modes`: the scenario itself, and each of them still in each period in turn, all
            equally likely.
        test: with `sample`, judge the decisions on two fresh samples of so many futures (default:
            as many as `sample`; 0: none).
        infrastructure: also plan without each hub, each stockpile that may be added to, each
            candidate that is built and each spare capacity, and try each other candidate besides,
            to tell what they are worth and because of which futures.
        alpha: CVaR is the mean worth over the worst 1 − alpha of the futures, 0 ≤ alpha < 1.
        omega: weight of CVaR beside the mean, between 0 and 1.
        group_size: plan futures in groups of so many (see `circflow.studies.futures.groups`);
            by itself where all together are too large for one programme.
        store: file that keeps what each group gave.
        resume: go on with that file.

    The other arguments as in `circflow.sweep`.

    Raises:
        StudyError: there are no futures, or the study makes no sense.
        ScenarioError: a future's figures break a limit.
        NoPlan: a future could earn without end, or a time limit ended a search without a plan.
            Where no decisions hold in every future, the result has `RP` None and a `reason`.
        CheckError: a plan fails the audit, or EEV ≤ RP ≤ WS is broken (a fault of circflow).
    """
    begun = time.perf_counter()
    what, notes = _what_comes(scenario, sample, seed, outages)
    risk = Risk(alpha, omega)
    job = Job(scenario, tuple(what), first_stage(scenario), gap, time_limit, risk)
    kept = Kept.of(job, Path(store) if store is not None else None, resume)
    with Engine(jobs, executor, dask, progress) as engine:
        run = Run(job, engine, group_size, kept)
        result, tested, worth = run.study(), None, None
        if result.decisions is not None:
            if sample is not None and test != 0:
                tested = _test(run, result.decisions, test or sample, seed)
            if infrastructure:
                worth = _softening(run, result.decisions, result.worth)
    seconds = time.perf_counter() - begun
    return replace(result, tested=tested, infrastructure=worth, notes=tuple(notes), seconds=seconds)


def _what_comes(
    scenario: Scenario, sample: int | None, seed: int, outages: str | None
) -> tuple[list[Future], list[str]]:
    """The futures, and what is to be said of how they were made."""
    if sample is not None and outages is not None:
        raise StudyError("futures are either sampled or outages, not both")
    if sample is not None:
        ranges, left = varied(scenario)
        note = [
            say("the same in every future, since it is decided: {name}", name=name) for name in left
        ]
        return sampled(scenario, ranges, sample, seed), note
    if outages is not None:
        return outage_futures(scenario, outages), []
    if not len(scenario.frame("Futures")):
        raise StudyError(
            "there are no futures: fill in the sheet Futures, or let them be made with "
            "--sample N (from Ranges) or --outages units"
        )
    return futures_of(scenario), []


class Run:
    """The steps of the study."""

    def __init__(
        self, job: Job, engine: Engine, group_size: int | None = None, kept: Kept | None = None
    ) -> None:
        self.job, self.engine, self.risk = job, engine, job.risk
        self.group_size = group_size
        self.kept = kept or Kept()
        self.probabilities = np.array([f.probability for f in job.futures])
        self.parcel = engine.send(job)
        self.plans: dict[tuple[int, bytes], Planned] = {}
        """Audited, by the number of the future and the decisions."""

    def study(self) -> Futures:
        """WS, EV, EEV, RP, and the plans of RP."""
        alone = self.each(worker.alone, say("each future alone"))
        _unbounded(self.job, alone)
        self._planned(say("plans of each future alone"), [one.decisions for one in alone])
        self.engine.tell(say("the mean scenario"))
        mean = self._mean()
        plans = self._planned(say("the mean scenario's decisions"), [mean.decisions] * len(alone))
        under_mean = self._worths(plan.valuation for plan in plans)
        without = [n for n, one in enumerate(alone) if one.status is Status.INFEASIBLE]
        if without:
            reasons = tuple((self.job.futures[n].name, reason_of(self.job, n)) for n in without)
            reason = say("no decisions hold in every future: some have no plan at all")
            return self._result(alone, mean, under_mean, without_plan=reasons, reason=reason)
        return self._together(alone, mean, under_mean)

    def _together(self, alone: list[Valuation], mean: Valuation, under_mean: Floats) -> Futures:
        status, decisions, bound = self.decided(mean.decisions, under_mean)
        if status is Status.INFEASIBLE:
            copies = self.each(worker.copy, say("programmes of the futures"))
            why = no_common_plan(self.job, copies, self.probabilities)
            return self._result(alone, mean, under_mean, reason=why)
        if decisions is None:
            name = self.job.scenario.name
            words = {Status.UNBOUNDED: say("the futures together could earn without end")}
            reason = words.get(status, "the time limit was reached before a plan was found")
            raise NoPlan(name, status, reason)
        count = len(self.job.futures)
        plans = self._planned(say("plans of the futures"), [decisions] * count)
        best = self._worths(plan.valuation for plan in plans)
        if self.measured(under_mean) > self.measured(best):
            # Within the gap the mean's decisions may be better than those that were found.
            assert mean.decisions is not None
            decisions, best = mean.decisions, under_mean
            plans = self._planned(say("plans of the futures"), [decisions] * count)
        self._check(decisions, plans, alone)
        _not_above(self.measured(best), bound, "RP", say("its proven bound"))
        _not_above(self.measured(under_mean), bound, "EEV", "RP")
        return self._result(
            alone, mean, under_mean, plans, status=status, decisions=decisions, bound=bound
        )

    def _result(
        self,
        alone: Sequence[Valuation],
        mean: Valuation,
        under_mean: Floats,
        plans: Sequence[Planned] = (),
        **figures: Any,
    ) -> Futures:
        """From the steps of the study; a better plan that another step has found is taken."""
        job, worth = self.job, self._worths(plan.valuation for plan in plans)
        members = pd.DataFrame({n: plan.members for n, plan in enumerate(plans)}).fillna(0.0)
        members.columns = pd.Index([f.name for f in job.futures][: members.shape[1]])
        figures = {"status": Status.INFEASIBLE, "decisions": None, "bound": np.nan, **figures}
        return Futures(
            scenario=job.scenario,
            futures=job.futures,
            risk=self.risk,
            first=job.first,
            worth=worth,
            alone=np.fmax(np.fmax(self._worths(alone), worth), under_mean),
            mean_decisions=under_mean,
            mean=mean.decisions,
            decisions_alone=tuple(one.decisions for one in alone),
            members=members.rename_axis("member").reset_index(),
            EV=None if np.isnan(mean.worth) else mean.worth,
            **figures,
        )

    def _check(
        self, decisions: Floats, plans: Sequence[Planned], alone: Sequence[Valuation]
    ) -> None:
        """The decisions keep the budget and hold in every future, which is worth more alone."""
        job = self.job
        if job.first.breach(decisions) > 1e-6:
            raise CheckError("the decisions break the limits of building (a fault of circflow)")
        for future, plan, worth_alone in zip(job.futures, plans, alone, strict=True):
            if plan.valuation.decisions is None:
                raise CheckError(
                    "no plan under the decisions in the future {name!r}, though the search found "
                    "one (a fault of circflow)",
                    name=future.name,
                )
            words = say("{name!r} under common decisions", name=future.name)
            _not_above(plan.valuation.worth, worth_alone.bound, words, "alone")

    def _planned(self, words: str, decisions: Sequence[Floats | None]) -> list[Planned]:
        """The plans of the futures for which there are decisions, each audited; those of a future
        under the same decisions once.

        Raises `CheckError` where one fails.
        """
        tasks = [Task(n, one) for n, one in enumerate(decisions) if one is not None]
        keys = [(n, one.tobytes()) for n, one in enumerate(decisions) if one is not None]
        fresh = [n for n, key in enumerate(keys) if key not in self.plans]
        done = self._done(worker.plan, [tasks[n] for n in fresh], words)
        self.plans.update(zip([keys[n] for n in fresh], done, strict=True))
        plans = [self.plans[key] for key in keys]
        for task, plan in zip(tasks, plans, strict=True):
            if plan.faults:
                name, faults = self.job.futures[task.number].name, "; ".join(plan.faults)
                raise CheckError(
                    "{words}: that of {name!r} failed the audit: {faults} (a fault of circflow)",
                    words=words,
                    name=name,
                    faults=faults,
                )
        return plans

    def decided(
        self, start: Floats | None = None, known: Floats | None = None
    ) -> tuple[Status, Floats | None, float]:
        """The best decisions for all futures, and the proven bound of what they are worth; `known`:
        what the futures are worth under decisions to start from.

        One programme for all futures, or where that is large, groups of them.
        """
        count = len(self.job.futures)
        one = worker.copy(self.job, Task(0)).program.matrix.nnz
        size = self.group_size or max(TOGETHER_UP_TO / one, 1.0)
        groups = math.ceil(count / size)
        if groups == 1:
            copies = self.each(worker.copy, say("programmes of the futures"))
            self.engine.tell(say("the decisions for all {count} futures", count=count))
            answer = worker.best_together(self.job, copies, self.probabilities)
            return answer.status, answer.decisions, answer.bound
        search = Grouped(
            self.probabilities, self._measured, self._groups, self.kept, self.engine.tell
        )
        if known is not None and np.isfinite(value := self.measured(known)):
            search.best, search.value = start, value
        status = search.search(groups, gap=self.job.gap)
        return status, search.best, search.bound

    def _measured(self, decisions: Floats) -> float:
        return self.measured(self.worths(say("decisions tried on all futures"), decisions))

    def _groups(self, parts: Sequence[tuple[int, ...]]) -> list[Valuation]:
        results: dict[int, Valuation] = {}
        what = mark("groups of futures")
        for n, answer in self.engine.each(worker.group, self.parcel, parts, what):
            if isinstance(answer, Lost):
                raise StudyError("a group of futures: {reason}", reason=answer.reason)
            self.kept.add(parts[n], answer)
            results[n] = answer
        return [results[n] for n in range(len(parts))]

    def worths(self, words: str, decisions: Floats) -> Floats:
        """V_s under decisions; NaN where they leave no plan."""
        return self._worths(self.each(worker.value, words, decisions))

    def _worths(self, answers: Iterable[Valuation]) -> Floats:
        """What the futures are worth; NaN where nothing is known of them."""
        known = [one.worth for one in answers]
        return np.array(known) if known else np.full(len(self.job.futures), np.nan)

    def best_worths(self) -> Floats | None:
        """V_s under the best decisions for all futures; None where none hold in all."""
        _, decisions, _ = self.decided()
        if decisions is None:
            return None
        return self.worths(say("worths of the futures"), decisions)

    def _mean(self) -> Valuation:
        scenario = mean_scenario(self.job.scenario, self.job.futures)
        _, _, copy = copy_of(unbudgeted(scenario), self.job.first.labels)
        return worker.best_alone(self.job, copy)

    def each(
        self, work: Callable[[Job, Task], Given], words: str, decisions: Floats | None = None
    ) -> list[Given]:
        """What work on every future gives, in order."""
        return self._done(work, [Task(n, decisions) for n in range(len(self.job.futures))], words)

    def _done(
        self, work: Callable[[Job, Task], Given], tasks: Sequence[Task], words: str
    ) -> list[Given]:
        """What tasks of futures give, in order."""
        results: dict[int, Given] = {}
        for n, result in self.engine.each(work, self.parcel, tasks, words):
            if isinstance(result, Lost):
                raise StudyError(
                    "the future {name!r}: {reason}",
                    name=self.job.futures[tasks[n].number].name,
                    reason=result.reason,
                )
            results[n] = result
        return [results[n] for n in range(len(tasks))]

    def compared(self, decisions: Floats) -> tuple[Floats, Floats, float]:
        """Worths of the futures under decisions (NaN: no plan), under those that are best for
        them together, and the proven bound of the latter's mean."""
        worths = self.worths(say("the decisions"), decisions)
        _, better, bound = self.decided(decisions, worths)
        if better is None:
            return worths, self._worths([]), np.nan
        return worths, self.worths(say("the best decisions for them"), better), bound

    def measured(self, worths: Floats) -> float:
        """What worths count together; −∞ where a future has no plan."""
        if np.isnan(worths).any():
            return -np.inf
        return self.risk.measure(worths, self.probabilities)


def _unbounded(job: Job, alone: Sequence[Valuation]) -> None:
    for future, one in zip(job.futures, alone, strict=True):
        if one.status is Status.UNBOUNDED:
            words = reason(explain(in_future(job.scenario, future)), Status.UNBOUNDED)
            name = say(
                "{name}, in the future {name_2!r}", name=job.scenario.name, name_2=future.name
            )
            raise NoPlan(name, Status.UNBOUNDED, words)


def _not_above(less: float, more: float, name: str, other: str) -> None:
    if less > more + _SLACK * max(abs(less), abs(more), 1.0):
        raise CheckError(
            "{name} is worth {less:.10g} million, more than {other}, {more:.10g} million "
            "(a fault of circflow)",
            name=name,
            less=less,
            other=other,
            more=more,
        )


def _softening(run: Run, decisions: Floats, worths: Floats) -> pd.DataFrame:
    """What each piece of infrastructure is worth: the plan for all futures without it; of a
    candidate that is not built, the decisions with it."""
    job = run.job
    parts: list[tuple[Thing, Floats | None, Floats | None, str]] = []
    built = [one["unit"] for one in built_of(job.scenario, run.job.first, decisions)]
    for thing in things_of(job.scenario):
        if thing.kind == "candidate" and thing.name not in built:
            parts.append((thing, *_added(run, decisions, thing.name, built, worths)))
            continue
        run.engine.tell(say("without {words}", words=thing.words))
        scenario = without(job.scenario, thing)
        other = Job(scenario, job.futures, first_stage(scenario), job.gap, job.time_limit, job.risk)
        left = Run(other, run.engine, run.group_size).best_worths()
        parts.append((thing, worths, left, say("without it no decisions hold in every future")))
    return softened(job.futures, parts)


def _added(
    run: Run, decisions: Floats, unit: str, built: Sequence[str], worths: Floats
) -> tuple[Floats | None, Floats, str]:
    """Worths of the futures with a candidate besides, built as early as holds in all of them;
    those without it; why there are none with it."""
    starts = with_candidate(run.job.first, decisions, unit)
    for one in starts:
        added = run.worths(say("with {unit}", unit=unit), one)
        if np.isfinite(run.measured(added)):
            return added, worths, ""
    if starts:
        return None, worths, say("with it a future has no plan")
    return None, worths, not_added(run.job.scenario, unit, built)


def _test(run: Run, decisions: Floats, count: int, seed: int) -> Tested:
    """The decisions judged on two fresh samples, for which the best is found as well."""
    ranges, _ = varied(run.job.scenario)
    batches = []
    for number in (1, 2):
        fresh = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        drawn = sampled(run.job.scenario, ranges, count, fresh, method="random")
        job = Job(run.job.scenario, tuple(drawn), run.job.first, run.job.gap, run.job.time_limit)
        batch = Run(job, run.engine)
        batches.append(batch.compared(decisions))
    return judged(batches, run.risk)
