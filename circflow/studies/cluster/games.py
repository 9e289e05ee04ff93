"""Rules of co-operative games: Shapley value, core, least core, nucleolus, subsidy.

Players are numbers 0 … n − 1, a coalition is a set of them, and a game gives each its gain. What
is shared is the gain of all.

Sources: Shapley (1953); Schmeidler (1969) for the nucleolus, by a sequence of linear programmes
(Maschler, Peleg and Shapley 1979) with constraint generation; Castro, Gómez and Tejada (2009) for
sampled orders; Bachrach et al. (2009) for the cost of stability (here: the subsidy); Knuth (1975),
Estimating the efficiency of backtrack programs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.optimize import linprog
from scipy.special import stdtrit

from circflow.data.coded import Flags, Floats, Ints
from circflow.i18n import say
from circflow.solver.run import Progress
from circflow.studies.cluster.coalition_values import Setting, StoppedError, Values
from circflow.studies.progress import Clock

TOLERANCE = 1e-7
"""Share of the whole gain below which a complaint is none."""
CONFIDENCE = 0.95
_DESCENTS = 200
_FIRST = 4096
"""Groups that complain most, among which one that is not settled is looked for first."""


@dataclass(frozen=True)
class Box:
    """All coalitions that contain `inside` and nobody of `outside` have this value."""

    inside: Setting
    outside: Setting
    value: float


@dataclass(frozen=True)
class Shares:
    """Shares by player, with the half width of their confidence interval (0 where exact)."""

    values: Floats
    half_width: Floats | float = 0.0
    exact: bool = True

    @property
    def low(self) -> Floats:
        """The lower ends of their intervals."""
        return self.values - self.half_width

    @property
    def high(self) -> Floats:
        """The upper ends of their intervals."""
        return self.values + self.half_width


def boxes(values: Values, *, seconds: float | None = None, what: str = "coalitions") -> list[Box]:
    """All 2ⁿ values, as boxes in which they are constant: at most one solve per box.

    A box is cut in two at a player that the best plan of its largest coalition needs, those first
    whom all together miss most (without them little is left to cut); where that plan needs nobody
    but those inside, the box is constant (see `switches`). Where that takes
    longer than `seconds`, there are none.
    """
    clock = Clock(seconds)
    everybody = frozenset(range(values.switches.count))
    grand = values.lookup(everybody)
    alone_out = [everybody - {n} for n in grand.used]
    if not values.all(alone_out, what=what, clock=clock):
        return []
    missed = {n: grand.value - values(everybody - {n}) for n in grand.used}
    frontier = [(frozenset[int](), frozenset[int]())]
    boxes_so_far: list[Box] = []
    while frontier:
        largest = [everybody - outside for _, outside in frontier]
        if not values.all(largest, what=what, clock=clock):
            return []
        following: list[tuple[Setting, Setting]] = []
        while frontier:
            inside, outside = frontier.pop()
            known = values.lookup(everybody - outside)
            free = sorted(known.used - inside, key=lambda n: (-missed.get(n, 0.0), n))
            if not free:
                boxes_so_far.append(Box(inside, outside, known.value))
                continue
            # The one half has the same largest coalition; the other is for the next round.
            frontier.append((inside | {free[0]}, outside))
            following.append((inside, outside | {free[0]}))
        frontier = following
    return boxes_so_far


def expected_seconds(values: Values, *, trial: float) -> float:
    """How long `boxes` would take, from random descents into its tree for `trial` seconds.

    A descent that meets d₁, d₂, … branches stands for 1 + d₁ + d₁ d₂ + … of them (Knuth 1975); the
    mean of that times the mean time of a solve. What the descents solve is kept.
    """
    random = np.random.default_rng(0)
    everybody = frozenset(range(values.switches.count))
    begun, solved = time.perf_counter(), values.solves
    seconds: list[float] = []
    while len(seconds) < _DESCENTS and time.perf_counter() - begun < trial:
        inside, outside = frozenset[int](), frozenset[int]()
        width = total = 1.0
        while free := sorted(values.lookup(everybody - outside).used - inside):
            width *= len(free)
            total += width
            chosen = int(random.integers(len(free)))
            inside, outside = inside | set(free[:chosen]), outside | {free[chosen]}
        seconds.append(total)
    spent = time.perf_counter() - begun
    return float(np.mean(seconds)) * spent / max(values.solves - solved, 1) / values.engine.jobs


def shapley(pieces: Iterable[Box], count: int) -> Floats:
    """The Shapley value of a game given by boxes.

    The game that is 1 on the box (A, B), |A| = a, |B| = b, and 0 elsewhere, gives
    (a − 1)! b! / (a + b)! to each of A and −a! (b − 1)! / (a + b)! to each of B: the chance that
    a player of A comes after the rest of A and before all of B, and the like.
    """
    total = np.zeros(count)
    for box in pieces:
        a, b = len(box.inside), len(box.outside)
        if a:
            total[list(box.inside)] += box.value / (a * math.comb(a + b, a))
        if b:
            total[list(box.outside)] -= box.value / (b * math.comb(a + b, b))
    return total


def sampled_shapley(  # noqa: PLR0913
    gain: Callable[[Setting], float],
    count: int,
    *,
    orders: int = 100,
    seed: int = 0,
    prepare: Callable[[Sequence[Setting]], object] | None = None,
    seconds: float | None = None,
) -> Shares:
    """The Shapley value from random orders, each with its reverse, and 95 % intervals.

    Every order shares the whole gain, so the means add up exactly.

    Args:
        gain: of a coalition.
        count: players.
        orders: how many, rounded up to pairs.
        seed: of the random numbers.
        prepare: is given the coalitions of a pair of orders (to solve them in parallel).
        seconds: no pair is begun that would not be done by then (the first always is; its two
            orders then give the interval, which is too wide rather than too narrow).

    Raises:
        StoppedError: the gains of the first pair were not found in time.
    """
    random = np.random.default_rng(seed)
    begun = time.perf_counter()
    means: list[Floats] = []
    for _ in range(max(2, (orders + 1) // 2)):
        spent = time.perf_counter() - begun
        if seconds is not None and means and spent * (1 + 1 / len(means)) > seconds:
            break
        order = random.permutation(count).tolist()
        pair = (order, order[::-1])
        if prepare is not None:
            prepare([frozenset(o[:k]) for o in pair for k in range(count + 1)])
        both = np.zeros((2, count))
        try:
            for added, one in zip(both, pair, strict=True):
                added[one] = np.diff([gain(frozenset(one[:k])) for k in range(count + 1)])
        except StoppedError:
            if not means:
                raise
            break
        means.append(both.mean(axis=0))
    table = np.array(means) if len(means) > 1 else both
    spread = table.std(axis=0, ddof=1) / math.sqrt(len(table))
    factor = float(stdtrit(len(table) - 1, 0.5 + CONFIDENCE / 2.0))
    return Shares(table.mean(axis=0), factor * spread, exact=False)


# --------------------------------------------------------------------------- who complains most


class Court(Protocol):
    """Finds the coalition (neither nobody nor everybody) with the largest g(S) − x(S)."""

    def worst(self, shares: Floats, settled: Floats, above: float = np.inf) -> Verdict | None:
        """Among coalitions whose flags are no combination of the rows of `settled`.

        Any that complains of more than `above` will do. None if there is none.
        """
        ...


@dataclass(frozen=True)
class Verdict:
    """A coalition, what it complains of, its gain, and a proven bound on all complaints."""

    members: Setting
    excess: float
    gain: float
    bound: float


class Register:
    """The court of a game whose gains are all known: an array by bit mask.

    Players who add nothing to anybody (`null`) have no bit: g(S) is that of S without them. They
    are in a group that complains where they get something (the others leave without them) or owe.
    """

    def __init__(self, gains: Floats, count: int, null: Setting = frozenset()) -> None:
        """`gains` of all sets of the other players, by bit mask in their order."""
        self.gains, self.count, self.null = gains, count, null
        self.players = [n for n in range(count) if n not in null]

    @classmethod
    def of(
        cls,
        pieces: Iterable[Box],
        count: int,
        base: float = 0.0,
        null: Setting = frozenset(),
    ) -> Register:
        """From boxes, each value less `base`; a single player gains nothing."""
        players = [n for n in range(count) if n not in null]
        bit = {n: 1 << at for at, n in enumerate(players)}
        gains = np.zeros(1 << len(players))
        for box in pieces:
            masks = np.array([sum(bit[n] for n in box.inside)])
            for n in players:
                if n not in box.inside and n not in box.outside:
                    masks = np.concatenate([masks, masks + bit[n]])
            gains[masks] = box.value - base
        gains[0] = 0.0
        gains[1 << np.arange(len(players))] = 0.0
        return cls(gains, count, null)

    def worst(self, shares: Floats, settled: Floats, above: float = np.inf) -> Verdict | None:
        null = sorted(self.null)
        small = 1e-9 * max(float(np.abs(shares).max(initial=0.0)), 1e-300)
        owing = [n for n in null if shares[n] < -small]
        given = np.zeros(1)
        for n in self.players:
            given = np.concatenate([given, given + shares[n]])
        excess = self.gains - given - shares[owing].sum()
        if not owing:
            excess[0] = -np.inf
        if len(owing) == len(null) or not (shares[null] > small).any():
            excess[-1] = -np.inf
        for most in (_FIRST, len(excess)):
            best = np.argpartition(-excess, most)[:most] if most < len(excess) else slice(None)
            best = np.arange(len(excess))[best]
            best = best[np.argsort(-excess[best])]
            open_to = np.isfinite(excess[best])
            if len(settled):
                open_to &= ~spanned(settled, self._flags(best))
            if open_to.any():
                alike = best[open_to & (excess[best] >= excess[best[open_to.argmax()]] - small)]
                at = int(alike[self._flags(alike).sum(axis=1).argmin()])  # the smallest of them
                members = frozenset([*np.flatnonzero(self._flags(np.array([at]))[0]), *owing])
                return Verdict(members, float(excess[at]), float(self.gains[at]), float(excess[at]))
        return None

    def _flags(self, masks: Ints) -> Floats:
        """The players of sets, as flags."""
        flags = np.zeros((len(masks), self.count))
        flags[:, self.players] = masks[:, None] >> np.arange(len(self.players)) & 1
        return flags


def spanned(settled: Floats, flags: Floats | Flags) -> Flags:
    """Whether each row of flags is a combination of the rows of `settled`."""
    rest = flags - flags @ np.linalg.pinv(settled) @ settled
    return np.asarray(np.abs(rest).max(axis=1) <= 1e-7)


@dataclass(frozen=True)
class LeastCore:
    """The allocation whose largest complaint is least, and that complaint (`epsilon`, million).

    The core is empty where epsilon > 0. `proven`: no complaint was overlooked.
    """

    shares: Floats
    epsilon: float
    proven: bool


class _Heard:
    """The coalitions that have been heard, each player by itself first, with their gains."""

    def __init__(self, count: int) -> None:
        self.flags = np.eye(count)
        """Coalitions by players."""
        self.gains = np.zeros(count)

    def add(self, verdict: Verdict) -> bool:
        """Whether a coalition is new; it is heard from now on."""
        flags = np.zeros(self.flags.shape[1])
        flags[list(verdict.members)] = 1.0
        if flags.tolist() in self.flags.tolist():
            return False
        self.flags = np.vstack([self.flags, flags])
        self.gains = np.append(self.gains, verdict.gain)
        return True


def nucleolus(  # noqa: PLR0913
    court: Court,
    worth: float,
    count: int,
    *,
    near: Floats | None = None,
    null: Setting = frozenset(),
    seconds: float | None = None,
    progress: Progress | None = None,
) -> tuple[LeastCore, LeastCore]:
    """The nucleolus (with its largest complaint), and the least core found on the way.

    Complaints are made as small as can be, the largest first: each stage is a linear programme
    over the coalitions heard so far; the court looks for one that complains more. Those whose
    dual is positive complain as much in every optimum: they are settled, until nothing is free.

    Args:
        court: finds who complains most.
        worth: g(N).
        count: players.
        near: shares that are thought to be good: optima near them are tried first, so that
            fewer coalitions need be heard.
        null: players who add nothing to anybody, and get nothing (the court knows them too).
        seconds: after so long only coalitions heard before count, and nothing is proven.
        progress: is told what goes on.
    """
    if count - len(null) < 2:  # nobody has anybody to gain with
        nothing = LeastCore(np.zeros(count), 0.0, True)
        return nothing, nothing
    settled = np.vstack([np.ones((1, count)), np.eye(count)[sorted(null)]])
    amounts = [worth, *(0.0 for _ in null)]
    tell = progress or (lambda _: None)
    stages = _Stages(court, worth, settled, amounts, near, Clock(seconds), tell)
    first = stages.next()
    shares = first.shares
    while not stages.done:
        shares = stages.next().shares
    playing = np.array([n not in null for n in range(count)])
    shares = np.where(playing, shares + (worth - shares.sum()) / playing.sum(), 0.0)
    return LeastCore(shares, first.epsilon, stages.proven), first


@dataclass
class _Stages:
    court: Court
    worth: float
    settled: Floats
    """Coalitions by players whose shares are settled, and in `amounts` at what."""
    amounts: list[float]
    near: Floats | None
    clock: Clock
    tell: Progress
    proven: bool = True

    def __post_init__(self) -> None:
        self.scale = abs(self.worth) if self.worth else 1.0
        self.heard = _Heard(self.settled.shape[1])

    @property
    def done(self) -> bool:
        return bool(len(self.settled) >= self.settled.shape[1])

    def next(self) -> LeastCore:
        """One stage: the least largest complaint among those not settled."""
        while True:
            shares, epsilon, tight = self._programme()
            limit = epsilon + TOLERANCE * self.scale
            if self.clock.is_over:
                self.proven = False
                break
            verdict = self.court.worst(shares, self.settled, limit)
            if verdict is None:
                break
            if verdict.excess <= limit or not self.heard.add(verdict):
                self.proven &= verdict.bound <= epsilon + 10 * TOLERANCE * self.scale
                break
            self.tell(
                say(
                    "least complaints: {heard} groups heard, {settled} settled",
                    heard=len(self.heard.gains),
                    settled=len(self.settled) - 1,
                )
            )
        if not self._settle(tight, epsilon):
            raise RuntimeError("the least complaints could not be settled")
        return LeastCore(shares, epsilon, self.proven)

    def _programme(self) -> tuple[Floats, float, list[int]]:
        """min ε over x and ε; the coalitions heard whose complaint is ε in every optimum."""
        scale, n = self.scale, self.settled.shape[1]
        free = np.flatnonzero(~spanned(self.settled, self.heard.flags))
        rows = np.hstack([-self.heard.flags[free], -np.ones((len(free), 1))])
        right = -self.heard.gains[free] / scale
        tolerances = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        optimum = self._least(np.append(np.zeros(n), 1.0), rows, right, options=tolerances)
        if not optimum.success:
            raise RuntimeError(f"the least complaint was not found: {optimum.message}")
        dual = -np.asarray(optimum.ineqlin.marginals)
        tight = free[dual > 1e-8].tolist()
        shares = np.asarray(optimum.x[:n])
        if self.near is not None:
            shares = self._nearest(rows[:, :n], right + optimum.x[n], shares)
        return shares * scale, float(optimum.x[n]) * scale, tight

    def _least(self, cost: Floats, at_most: Floats, right: Floats, **options: Any) -> Any:
        """min cost · (shares and what else there is), at_most · … ≤ right, with the settled shares
        as they are."""
        count, n = self.settled.shape
        return linprog(
            cost,
            A_ub=at_most,
            b_ub=right,
            A_eq=np.hstack([self.settled, np.zeros((count, len(cost) - n))]),
            b_eq=np.array(self.amounts) / self.scale,
            bounds=(None, None),
            method="highs",
            **options,
        )

    def _nearest(self, rows: Floats, right: Floats, fallback: Floats) -> Floats:
        """Of all optima (rows · x ≤ right), the one with the least Σ |x − near|."""
        assert self.near is not None
        n, near = self.settled.shape[1], self.near / self.scale
        one = np.eye(n)
        at_most = np.block([[rows, np.zeros((len(rows), n))], [one, -one], [-one, -one]])
        right = np.concatenate([right + 1e-9, near, -near])
        optimum = self._least(np.append(np.zeros(n), np.ones(n)), at_most, right)
        return np.asarray(optimum.x[:n]) if optimum.success else fallback

    def _settle(self, tight: list[int], epsilon: float) -> bool:
        before = len(self.settled)
        for at in tight:
            flags = self.heard.flags[[at]]
            if not spanned(self.settled, flags)[0]:
                self.settled = np.vstack([self.settled, flags])
                self.amounts.append(float(self.heard.gains[at]) - epsilon)
        return len(self.settled) > before


def subsidy(court: Court, worth: float, count: int, *, clock: Clock | None = None) -> float:
    """The least that must be added to g(N) so that no coalition has reason to leave, million.

    min Σ x − g(N) subject to x(S) ≥ g(S) for every proper coalition and Σ x ≥ g(N); of the
    coalitions heard until the `clock` was over.
    """
    scale = abs(worth) if worth else 1.0
    heard = _Heard(count)
    while True:
        optimum = linprog(
            np.ones(count),
            A_ub=-np.vstack([heard.flags, np.ones(count)]),
            b_ub=-np.append(heard.gains, worth) / scale,
            bounds=(None, None),
            method="highs",
        )
        shares = np.asarray(optimum.x) * scale
        verdict = court.worst(shares, np.zeros((0, count)), TOLERANCE * scale)
        if (
            verdict is None
            or verdict.excess <= TOLERANCE * scale
            or (clock is not None and clock.is_over)
            or not heard.add(verdict)
        ):
            extra = float(shares.sum()) - worth
            return extra if extra > 10 * TOLERANCE * scale else 0.0


def payments(balances: Floats) -> list[tuple[int, int, float]]:
    """Who pays whom so that each gets its balance (positive: receives; they add up to 0).

    The largest payer pays the largest receiver, and so on: at most n − 1 payments.
    """
    left = balances.astype(float).copy()
    small = 1e-9 * max(float(np.abs(left).max(initial=0.0)), 1e-300)
    paid = []
    for _ in range(len(left)):
        payer, taker = int(left.argmin()), int(left.argmax())
        amount = min(-left[payer], left[taker])
        if amount <= small:
            break
        paid.append((payer, taker, float(amount)))
        left[payer] += amount
        left[taker] -= amount
    return paid
