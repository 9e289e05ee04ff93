"""The best plan of a programme, believed only where own arithmetic agrees.

    pull in what is out of reach (`bounds`)
    LP          solve; every limit must hold relative to its own size, and the duals must prove the
                optimum (`circflow.solution.proof`); else refine (`refine`); else solve it in
                fractions, if it is small (`exact`); else another way
    decisions   search; solve the LP with the decisions as constants; its plan must be as near the
                search's bound as was asked for, and not beyond it, and no more be forgiven by
                the search than that; else search another way, at last by proven LPs alone
                (`branch`)
    no plan     a claim that there is none is believed with a Farkas ray or a ray of endless gain

The ways differ in scaling, presolve, algorithm and tolerances. Where none agrees `SolverError` says
so with the two figures: a plan that contradicts its own proof is never called optimal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from scipy.sparse import diags_array, hstack

from circflow.data.coded import Flags, Floats
from circflow.i18n import mark, say
from circflow.solution.proof import (
    AGREES,
    FLOOR,
    ROUNDING,
    Extended,
    Proof,
    breach,
    dual_bound,
    proves_infeasible,
)
from circflow.solution.solution import Status
from circflow.solver.bounds import AtMost, capped, hopeless, limits_of, reach, tightened
from circflow.solver.branch import branch_and_bound
from circflow.solver.compiled import Program
from circflow.solver.exact import exact, small
from circflow.solver.highs import (
    INTEGRALITY,
    KNOWN_SEARCH,
    LIGHT_SEARCH,
    NO_OPTIONS,
    SMALL_SEARCH_BELOW,
    Basis,
    Outcome,
    Session,
    SolverError,
)
from circflow.solver.refine import refinements, worth
from circflow.solver.scaling import (
    Scaling,
    apply,
    for_search,
    keeps_digits,
    scaling_by_reach,
    scaling_of,
)

HOLDS = 1e-8
"""A limit holds when it is breached by less than this share of what it is made of."""


_DISAGREE = mark("the plan and its proof disagree: ")
_MOST_DOUBTS = 3

_FAR_APART = 1e7
"""Figures whose sizes differ by more after scaling (regions: 1e4) are not trusted to one search."""


@dataclass(frozen=True)
class _Way:
    """One way to solve."""

    by_reach: bool = False
    """Scale by what can flow at most, rather than by what figures typically are."""
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    algorithm: str = ""


_LP_WAYS = (
    _Way(),
    _Way(by_reach=True),
    _Way(by_reach=True, options={"presolve": "off"}, algorithm="simplex"),
    _Way(options={"presolve": "off"}, algorithm="ipx"),
)
_SEARCH_WAYS = (
    _Way(),
    _Way(by_reach=True, options={"mip_feasibility_tolerance": 1e-9}),
    _Way(options={"mip_feasibility_tolerance": 1e-10, "presolve": "off"}),
    _Way(by_reach=True, options={"mip_feasibility_tolerance": 1e-10, "presolve": "off"}),
)


@dataclass(frozen=True)
class Optimum:
    """What a programme's optimisation gave.

    `outcome` is that of the LP with the decisions fixed (`fixed`), where there are any; its `gap`
    and `bound` are those of the search.
    """

    outcome: Outcome
    fixed: bool
    most: Floats
    """The most that each column of that LP can be in a best plan."""


def optimum(  # noqa: PLR0913
    program: Program,
    *,
    time_limit: float | None = None,
    gap: float = 1e-6,
    start: Floats | None = None,
    scaling: Scaling | None = None,
    algorithm: str = "",
    integrality: float = INTEGRALITY,
    light: bool = False,
    on_progress: Callable[[float, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Optimum:
    """The best plan, with its proof.

    Args:
        program: what to minimise.
        time_limit: seconds; the best plan found until then is FEASIBLE.
        gap: relative gap at which the search over yes/no decisions ends.
        start: a plan to search from.
        scaling: scales to try first.
        algorithm: for LPs, to try first (one of `circflow.solver.highs.ALGORITHMS`).
        integrality: how far a decision may be from 0 and 1 in the first search.
        light: one of many small searches (see `circflow.solver.highs.KNOWN_SEARCH`).
        on_progress: is told (best, bound) during the search.
        stop: asked during the search; once it is true the best plan found until then is FEASIBLE.

    Raises:
        SolverError: no way to solve gives a plan that agrees with its proof.
    """
    if not program.has_decisions:
        return linear(
            program, time_limit=time_limit, scaling=scaling, algorithm=algorithm, stop=stop
        )
    options = KNOWN_SEARCH if light else LIGHT_SEARCH
    if program.matrix.nnz >= SMALL_SEARCH_BELOW:
        options = NO_OPTIONS
    search = _Search(
        program, gap, start, scaling, on_progress, algorithm, stop, integrality, options
    )
    ends = None if time_limit is None else time.monotonic() + time_limit
    by_lps = False
    for way, cap in _ways(_SEARCH_WAYS, search.dear):
        left = None if ends is None else ends - time.monotonic()
        ended = (left is not None and left <= 0.0) or (stop is not None and stop())
        if search.doubts and ended:
            return search.without_plan(Outcome(Status.STOPPED))
        if search.doubts and not by_lps and small(program):
            by_lps = True
            if (plan := _by_proven_lps(program, search, gap)) is not None:
                return plan
        plan = search.attempt(way, cap, left)
        if plan is not None:
            return plan
    plan = search.agreed() or (None if by_lps else _by_proven_lps(program, search, gap))
    if plan is None:
        raise _disagreement(search.doubts)
    return plan


@dataclass
class _Search:
    """Searches over the decisions of a programme, in different ways, and what speaks against."""

    program: Program
    gap: float
    start: Floats | None
    scaling: Scaling | None
    on_progress: Callable[[float, float], None] | None
    algorithm: str
    stop: Callable[[], bool] | None
    integrality: float
    options: Mapping[str, bool | int | float | str]
    """Of HiGHS, for the first search."""

    def __post_init__(self) -> None:
        self.limits = limits_of(self.program)
        self.most = reach(self.program, self.limits)
        self.inner = tightened(self.program, self.most)
        self.affordable, self.dear = capped(self.inner, self.most)
        self.usual = scaling_of(self.inner)
        self.far_apart = bool(self.dear.any()) or _far_apart(self.inner, self.usual)
        self.doubts: list[str] = []
        self.claims: set[bool] = set()
        """Kinds of scaling under which there was no plan."""
        self.plans: list[tuple[_Way, Optimum]] = []

    def attempt(  # noqa: PLR0911
        self, way: _Way, cap: bool, time_limit: float | None
    ) -> Optimum | None:
        """Search in one way; None where the answer cannot be believed yet."""
        try:
            scaling, session, outcome = self._searched(way, cap, time_limit)
            if outcome.status is Status.STOPPED:
                return self.without_plan(outcome)
            if outcome.x is None:
                return self._no_plan(way, outcome)
            if cap and outcome.x[self.dear].any():
                return None
            fixed = linear(
                self.program.with_fixed(outcome.x),
                scaling=scaling,
                algorithm=self.algorithm,
                limits=self.limits,
            )
        except SolverError as error:
            self.doubts.append(str(error))
            return None
        doubt = _doubt(self.program, outcome, fixed.outcome, self.gap)
        if doubt:
            self.doubts.append(doubt)
            return None
        plan = _with_bound(outcome, fixed)
        if self._sure(session, plan) or _best_of_all(self.program, plan, self.gap):
            return plan
        self.plans.append((way, plan))
        self.doubts.append(
            say(
                "one search found {objective:.12g} million to be best",
                objective=-plan.outcome.objective,
            )
        )
        return None

    def _sure(self, session: Session, plan: Optimum) -> bool:
        """Whether a search's claim that no plan is better can be believed: where figures are far
        apart it can prove what is not so, and what it forgives may be more than the gap."""
        best = plan.outcome
        if best.status is not Status.OPTIMAL or not self.program.cost.any():
            return True  # where nothing costs, any plan is the best
        size = _size(self.program, best)
        return not self.far_apart and session.forgiven <= (self.gap + AGREES) * size

    def _searched(
        self, way: _Way, cap: bool, time_limit: float | None
    ) -> tuple[Scaling, Session, Outcome]:
        tried = self.affordable if cap else self.inner
        scaling = self.scaling if way is _SEARCH_WAYS[0] else None
        if scaling is None:
            usual = not (cap or way.by_reach)
            scaling = self.usual if usual else _scales(way, tried, self.most)
        session = Session(
            tried,
            scaling=for_search(tried, scaling),
            options={
                "mip_feasibility_tolerance": self.integrality,
                **(self.options if way is _SEARCH_WAYS[0] else NO_OPTIONS),
                **way.options,
            },
            on_progress=self.on_progress,
            stop=self.stop,
        )
        if self.start is not None:
            session.start_from_plan(self.start)
        algorithm = self.algorithm if way is _SEARCH_WAYS[0] else ""
        outcome = session.solve(time_limit=time_limit, gap=self.gap, algorithm=algorithm)
        return scaling, session, outcome

    def _no_plan(self, way: _Way, outcome: Outcome) -> Optimum | None:
        """Believed where fractions of decisions leave none either, proven, or if searches with
        different scales agree."""
        self.claims.add(way.by_reach)
        relaxed, status = self.program.relaxed(), outcome.status
        if status is Status.INFEASIBLE:
            sure = len(self.claims) > 1 or self._none_in_fractions(relaxed)
        else:
            sure = _believed(relaxed, status)
        if sure:
            return self.without_plan(outcome)
        self.doubts.append(
            say(
                "the search ended with {value}, which could not be proven",
                value=outcome.status.value,
            )
        )
        return None

    def _none_in_fractions(self, relaxed: Program) -> bool:
        try:
            outcome = linear(relaxed.without_goal(), limits=self.limits).outcome
        except SolverError:
            return False
        return outcome.status is Status.INFEASIBLE

    def without_plan(self, outcome: Outcome) -> Optimum:
        """That there is none, or none yet."""
        return Optimum(outcome, False, self.most)

    def agreed(self) -> Optimum | None:
        """The best plan of all searches, if two of them found it."""
        best = min((p for _, p in self.plans), key=lambda p: p.outcome.objective, default=None)
        if best is None:
            return None
        among = [
            way for way, plan in self.plans if _as_good(self.program, plan.outcome, best, self.gap)
        ]
        return best if any(way is not among[0] for way in among) else None


def _by_proven_lps(program: Program, search: _Search, gap: float) -> Optimum | None:
    """The plan of a search by proven LPs (`branch`); None where that gives up too."""
    try:
        outcome = branch_and_bound(search.inner, gap, lambda lp: linear(lp).outcome)
        if outcome is None or outcome.x is None:
            return None if outcome is None else search.without_plan(outcome)
        fixed = linear(program.with_fixed(outcome.x))
    except SolverError:
        return None
    return None if _doubt(program, outcome, fixed.outcome, gap) else _with_bound(outcome, fixed)


def _as_good(program: Program, other: Outcome, best: Optimum, gap: float) -> bool:
    """Whether a plan is worth what the best is, up to the gap (of sums that cancel in one of them
    the other's worth may be no part)."""
    size = min(_size(program, plan) for plan in (other, best.outcome))
    away = abs(other.objective - best.outcome.objective)
    return away <= gap * abs(best.outcome.objective) + AGREES * size


def _best_of_all(program: Program, best: Optimum, gap: float) -> bool:
    """Whether no fractions of decisions are better than a plan: then no decisions are."""
    try:
        relaxed = linear(program.relaxed()).outcome
    except SolverError:
        return False
    return relaxed.status is Status.OPTIMAL and _as_good(program, relaxed, best, gap)


def _far_apart(program: Program, scaling: Scaling | None = None) -> bool:
    """Whether figures are so far apart in size, after scaling, that a search may be wrong."""
    scaled = apply(program, scaling or scaling_of(program))
    entries, costs = np.abs(scaled.matrix.data), np.abs(scaled.cost)
    entries, costs = entries[entries > 0.0], costs[costs > 0.0]
    return bool(
        (entries.size and entries.max() > _FAR_APART * entries.min())
        or (costs.size and costs.max() > _FAR_APART * np.median(costs))
    )


def proof(program: Program, best: Optimum, asked: float) -> Proof | None:
    """What proves an optimum of a programme, for the audit; None where there are no duals."""
    outcome = best.outcome
    if outcome.x is None or outcome.row_dual is None:
        return None
    lp = program.with_fixed(outcome.x) if best.fixed else program
    bound = outcome.bound if best.fixed else np.nan
    return Proof(lp, best.most, outcome.row_dual, bound, asked)


def _with_bound(searched: Outcome, fixed: Optimum) -> Optimum:
    """The LP's outcome with the search's bound, and the gap between the two."""
    outcome = fixed.outcome
    distance, size = outcome.objective - searched.bound, abs(outcome.objective)
    reached = 0.0 if distance <= ROUNDING * size else distance / max(size, 1e-10)
    priced = replace(outcome, status=searched.status, bound=searched.bound, gap=reached)
    return Optimum(priced, True, fixed.most)


def _doubt(program: Program, searched: Outcome, fixed: Outcome, gap: float) -> str:
    """What speaks against a plan of the search, "" where its LP agrees with it."""
    if fixed.x is None:
        return say(
            "the decisions of a plan of {objective:.12g} million leave no plan",
            objective=-searched.objective,
        )
    rounding = AGREES * _size(program, fixed)
    if searched.bound > fixed.objective + rounding:
        return say(
            "the search proved that no plan is worth more than {bound:.12g} million, but "
            "one is worth {objective:.12g}",
            bound=-searched.bound,
            objective=-fixed.objective,
        )
    reached = fixed.objective - searched.bound
    if searched.status is Status.OPTIMAL and reached > gap * abs(fixed.objective) + rounding:
        return say(
            "the search found a plan of {objective:.12g} million, but with its decisions "
            "the best plan is worth {objective_2:.12g}",
            objective=-searched.objective,
            objective_2=-fixed.objective,
        )
    return ""


def linear(  # noqa: PLR0912, PLR0913
    program: Program,
    *,
    time_limit: float | None = None,
    scaling: Scaling | None = None,
    algorithm: str = "",
    stop: Callable[[], bool] | None = None,
    limits: AtMost | None = None,
) -> Optimum:
    """The optimum of an LP, proven (see `optimum`; `limits` as in `reach`)."""
    most = reach(program, limits)
    inner = tightened(program, most)
    affordable, dear = capped(inner, most)
    doubts: list[str] = []
    needed = False
    basis: Basis | None = None
    in_fractions, sure = False, not (small(program) and _far_apart(program))
    tries = _ways(_LP_WAYS, dear)
    if dear.any() and keeps_digits(inner, scaling or scaling_of(inner)):
        tries.sort(key=(_LP_WAYS[0], False).__ne__)  # first as it is
    for way, cap in tries:
        if cap and needed:
            continue
        if doubts and not in_fractions:
            in_fractions = True
            if (solved := _in_fractions(program, basis)) is not None:
                return Optimum(solved, False, most)
        tried = affordable if cap else inner
        scales = (
            scaling if scaling is not None and way is _LP_WAYS[0] else _scales(way, tried, most)
        )
        try:
            session = Session(tried, scaling=scales, options=way.options, stop=stop)
            asked = algorithm if way is _LP_WAYS[0] else ""
            outcome = session.solve(time_limit=time_limit, algorithm=asked or way.algorithm)
        except SolverError as error:
            doubts.append(str(error))
            continue
        if outcome.status in (Status.STOPPED, Status.FEASIBLE):
            return Optimum(outcome, False, most)
        basis = (session.basis() if small(program) else None) or basis
        if not sure and not in_fractions:
            if outcome.status is Status.INFEASIBLE and _contradicts(program, session.farkas_ray()):
                return Optimum(outcome, False, most)
            in_fractions = True
            if (solved := _in_fractions(program, basis)) is not None:
                return Optimum(solved, False, most)
        if outcome.x is None:
            if _believed(program, outcome.status, session):
                return Optimum(outcome, False, most)
            doubts.append(
                say(
                    "the solver ended with {value}, which could not be proven",
                    value=outcome.status.value,
                )
            )
            continue
        if cap and outcome.x[dear].any():
            needed = True  # other scales do not change what the best plan cannot do without
            continue
        doubt = ""
        for plan in chain([outcome], refinements(tried, session, outcome)):
            assert plan.x is not None
            here = check(program, most, plan)
            if not here:
                return Optimum(_at_true_costs(program, tried, plan), False, most)
            doubt = doubt or here
        doubts.append(doubt)
    raise _disagreement(doubts)


def _in_fractions(program: Program, basis: Basis | None) -> Outcome | None:
    """The outcome of a small LP in fractions, from a basis of the simplex method: of hundreds of
    exchanges none is left then (presolve finds that there is no plan, and leaves no basis)."""
    if small(program) and basis is None:
        try:
            session = Session(
                program,
                scaling=scaling_by_reach(program, reach(program)),
                options={"presolve": "off"},
            )
            session.solve(algorithm="simplex")
            basis = session.basis()
        except SolverError:
            pass
    return exact(program, basis)


def _at_true_costs(program: Program, tried: Program, plan: Outcome) -> Outcome:
    """A plan of a programme with capped costs, in the objective and reduced costs of the true."""
    assert plan.x is not None and plan.reduced_cost is not None
    value = worth(program, plan.x)
    reduced = plan.reduced_cost + (program.cost - tried.cost)
    return replace(plan, objective=value, bound=value, reduced_cost=reduced)


def _ways(ways: tuple[_Way, ...], dear: Flags) -> list[tuple[_Way, bool]]:
    """The ways, the first two with prohibitive costs capped too, where there are any."""
    first = [(way, True) for way in ways[:2]] if dear.any() else []
    return [*first, *((way, False) for way in ways)]


def check(program: Program, most: Floats, outcome: Outcome, entries: Extended | None = None) -> str:
    """What speaks against an LP's plan and its duals; "" where they are proven."""
    assert outcome.x is not None and outcome.row_dual is not None
    entries = entries or Extended(program.matrix)
    over = breach(program, outcome.x, entries)
    if not over <= HOLDS:
        return say("a limit is breached by {over:.2g} of its size", over=over)
    bound = dual_bound(program, most, outcome.row_dual, entries)
    objective = worth(program, outcome.x)
    size = max(abs(objective), FLOOR * _gross(program, outcome.x))
    if not objective - bound <= AGREES * size:
        return say(
            "the plan found is worth {objective:.12g} million, but its prices prove only "
            "that none is worth more than {bound:.12g}",
            objective=-objective,
            bound=-bound,
        )
    return ""


def proven(outcome: Outcome, session: Session) -> bool:
    """Whether what a session gave of an LP, a plan or none, is proven by own arithmetic.

    A run that a limit of time has stopped claims nothing.
    """
    program = session.program
    if outcome.status in (Status.STOPPED, Status.FEASIBLE):
        return True
    if small(program) and _far_apart(program):
        # What has a plan `linear` solves in fractions.
        none = outcome.status is Status.INFEASIBLE
        return none and _contradicts(program, session.farkas_ray())
    if outcome.x is None or outcome.row_dual is None:
        return _believed(program, outcome.status, session)
    entries = session.entries
    doubt = check(program, program.upper, outcome, entries)
    return not doubt or not check(program, reach(program), outcome, entries)


def _size(program: Program, plan: Outcome) -> float:
    """What gaps and rounding of a plan's worth are relative to."""
    assert plan.x is not None
    return max(abs(plan.objective), FLOOR * _gross(program, plan.x))


def _gross(program: Program, x: Floats) -> float:
    return float(np.abs(program.cost * x).sum() + abs(program.offset))


def _scales(way: _Way, program: Program, most: Floats) -> Scaling:
    return scaling_by_reach(program, most) if way.by_reach else scaling_of(program)


def _disagreement(doubts: list[str]) -> SolverError:
    reasons = dict.fromkeys(d.removeprefix(say(_DISAGREE)) for d in doubts)
    return SolverError(say(_DISAGREE) + "; ".join(list(reasons)[:_MOST_DOUBTS]))


# ------------------------------------------------------------------- no plan


def _believed(program: Program, status: Status, session: Session | None = None) -> bool:
    """Whether an LP has no plan (no best plan), by own arithmetic."""
    if status is Status.INFEASIBLE:
        ray = None if session is None else session.farkas_ray()
        return infeasible(program, ray, None if session is None else session.basis())
    return status is Status.UNBOUNDED and bool(program.cost.any()) and _endless(program)


def infeasible(program: Program, ray: Floats | None = None, basis: Basis | None = None) -> bool:
    """Whether it is proven that an LP has no plan: by a given Farkas ray, in fractions, or, of a
    large one, by a ray of its own.

    Its own are the duals of the least breach of all limits, each measured by its size.
    """
    if _contradicts(program, ray):
        return True
    if (solved := _in_fractions(program.without_goal(), basis)) is not None:
        return solved.status is Status.INFEASIBLE
    most = reach(program)
    inner = tightened(program, most)
    each = diags_array(1.0 / scaling_by_reach(inner, most).rows)
    loose = inner.without_goal().with_columns(hstack([each, -each]), cost=1.0).relaxed()
    unknown = np.full(loose.shape[1], np.inf)
    for way in _LP_WAYS:
        try:
            session = Session(loose, scaling=_scales(way, loose, unknown), options=way.options)
            outcome = session.solve(algorithm=way.algorithm)
        except SolverError:
            continue
        for plan in chain([outcome], refinements(loose, session, outcome)):
            if plan.row_dual is not None and proves_infeasible(program, most, plan.row_dual):
                return True
    return False


def _contradicts(program: Program, ray: Floats | None) -> bool:
    """Whether a Farkas ray, given or of a limit that is out of reach, proves that an LP has no
    plan."""
    most = reach(program)
    if ray is not None and proves_infeasible(program, most, ray):
        return True
    return proves_infeasible(program, most, hopeless(program, most))


def _endless(program: Program) -> bool:
    """Whether a plan exists and can grow for ever and earn: a ray of the recession cone."""
    cone = program.cone()
    cone = cone.with_rows(-cone.cost[None, :], 1.0, 1.0).without_goal()
    try:
        there = linear(cone).outcome.x is not None
        return there and linear(program.without_goal()).outcome.x is not None
    except SolverError:
        return False
