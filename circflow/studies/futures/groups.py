"""Many futures in groups: each group planned as one programme, its decisions tried on all futures.

    bound   Σ_G w_G · RP_G, w_G the probability of the group: no decisions are worth more, since
            each group may choose for itself. It holds for CVaR too, the CVaR of a mixture being at
            most the mean of the CVaRs of its parts.
    worth   the best measure over all futures of the decisions of any group (and of the mean
            scenario)

Groups take every K-th future, so that each is a fair sample. Where the gap is too wide, groups are
joined by twos, and the bound comes down, in the end to that of one programme for all (Sandikci and
Ozaltin 2017, A scalable bounding method for multistage stochastic programs; docs/futures.md tells
what was measured beside Benders' cuts).

Groups are done on any worker; what they gave is kept in a file, where one is named, so that an
interrupted run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circflow.data.coded import Floats
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.studies.bench.store import Result, Store
from circflow.studies.futures.worker import Job, Valuation

TOGETHER_UP_TO = 400_000
"""Nonzeros of a programme of futures that is solved as one, all of them or a group: 55 futures of
the Kuzbass case. Thirty took 45 s of one processor (0.1 % gap). The fewer futures a group has, the
more its best is worth above that of all of them, which no search makes good."""

Group = tuple[int, ...]
Solve = Callable[[Sequence[Group]], Sequence[Valuation]]
Measure = Callable[[Floats], float]


def split(count: int, groups: int) -> list[Group]:
    """Every k-th future to the k-th group."""
    return [tuple(range(k, count, groups)) for k in range(groups)]


class Kept:
    """What groups gave, in a store that an interrupted run goes on with (None: not kept)."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self.groups = {one.key: _answer(one) for one in store.results()} if store else {}

    @staticmethod
    def of(job: Job, path: Path | None, resume: bool) -> Kept:
        """Open the file. Raises `StoreError` where it is another's, or not to be gone on with."""
        if path is None:
            return Kept()
        futures = repr([(f.name, f.probability, f.changes, f.outages) for f in job.futures])
        study = ["futures", futures, job.gap, job.time_limit, repr(job.risk)]
        return Kept(Store(path, job.scenario, study, resume=resume))

    def add(self, group: Group, answer: Valuation) -> None:
        """Keep what a group gave."""
        if self.store is None or answer.decisions is None:
            return
        content = {"status": answer.status.value, "worth": answer.worth, "bound": answer.bound}
        self.store.add([Result(_name(group), content, answer.decisions)])


def _answer(kept: Result) -> Valuation:
    content = kept.content
    return Valuation(Status(content["status"]), content["worth"], content["bound"], kept.figures)


def _name(group: Group) -> str:
    return f"{group[0]}:{len(group)}:{group[-1]}"


def _key(decisions: Floats) -> bytes:
    return np.round(decisions, 9).tobytes()


@dataclass
class Grouped:
    """The search over ever larger groups."""

    probabilities: Floats
    measure: Measure
    """What decisions are worth over all futures; −∞ where they do not hold in all."""
    solve_groups: Solve
    kept: Kept
    tell: Callable[[str], None]
    best: Floats | None = None
    """The best decisions known; at first a start, if any, with its `value`."""
    value: float = -np.inf
    bound: float = np.inf

    def search(self, groups: int, *, gap: float) -> Status:
        """Find decisions for all futures (`best`, worth `value`) and the proven `bound`."""
        tried = {_key(self.best)} if self.best is not None else set()
        while True:
            parts = split(len(self.probabilities), groups)
            answers = self._solved(parts)
            poor = next((one.status for one in answers if one.decisions is None), None)
            if poor is not None:
                return poor
            weights = [float(self.probabilities[list(part)].sum()) for part in parts]
            bounds = [one.bound for one in answers]
            self.bound = min(self.bound, float(np.dot(weights, bounds)))
            for one in answers:
                assert one.decisions is not None
                if not self._closed(gap) and _key(one.decisions) not in tried:
                    tried.add(_key(one.decisions))
                    value = self.measure(one.decisions)
                    if value > self.value:
                        self.best, self.value = one.decisions, value
            self.tell(
                say(
                    "{groups} groups: best {value:,.2f}, at most {bound:,.2f} million",
                    groups=groups,
                    value=self.value,
                    bound=self.bound,
                )
            )
            closed = self._closed(gap)
            if closed or groups == 1:
                stopped = any(one.status is Status.FEASIBLE for one in answers)
                return Status.FEASIBLE if stopped and not closed else Status.OPTIMAL
            groups = (groups + 1) // 2

    def _closed(self, gap: float) -> bool:
        known = np.isfinite(self.value)
        return bool(known and self.bound - self.value <= gap * max(abs(self.value), 1e-10))

    def _solved(self, parts: Sequence[Group]) -> list[Valuation]:
        known = {part: self.kept.groups.get(_name(part)) for part in parts}
        open_parts = [part for part in parts if known[part] is None]
        for part, one in zip(open_parts, self.solve_groups(open_parts), strict=True):
            known[part] = one
        answers = [known[part] for part in parts]
        return [one for one in answers if one is not None]
