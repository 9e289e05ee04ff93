"""What a cluster gains over its members alone, why, and how to share it.

Rules (all divide g(N), see `circflow.studies.cluster.coalition`; definitions in docs/sharing.md)
    owen        income of each member at the shadow prices of one solve
    shapley     what a member adds, averaged over all orders of joining
    nucleolus   the largest complaint of any group is as small as can be, then the next
    volume      in proportion to the tonnes exchanged with other members
    alone       in proportion to the member's own money alone, where that is positive
    equal       the same for each

An allocation is in the core if no group S can do better by itself: x(S) ≥ g(S).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.coded import Floats
from circflow.data.result import Result, figure, one_text_type
from circflow.data.scenario import Scenario
from circflow.i18n import say, say_n
from circflow.solver.highs import SolverError
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import StoppedError
from circflow.studies.cluster.effects import Effects, effects, waterfall
from circflow.studies.cluster.games import (
    TOLERANCE,
    Box,
    Court,
    Register,
    Shares,
    boxes,
    expected_seconds,
    nucleolus,
    payments,
    sampled_shapley,
    shapley,
    subsidy,
)
from circflow.studies.cluster.largest_complaint import Search
from circflow.studies.cluster.leaving import joining, joining_others, leaving
from circflow.studies.cluster.owen import Owen, owen
from circflow.studies.cluster.own_money import OUTSIDE, by_member, own_money, weighted_money
from circflow.studies.errors import StudyError
from circflow.studies.progress import Clock

if TYPE_CHECKING:
    from circflow.report.page.frame import Section


EXACT_MEMBERS = 12
"""Members that the best plan needs up to which the Shapley value is exact unless said."""
_LARGEST_REGISTER = 22
"""Members who add something up to which all gains are kept in one array."""
_TRIAL = 0.1
"""Share of the time limit in which it is found out whether all values can be had within it."""
_FIRST = 15.0
"""Seconds that a first answer may take."""
_MORE = 8.0
"""Each further answer may take so many times longer than the one before."""
_ANSWERS = 3
_VALUES, _SPLIT, _GROUPS, _MEMBERS = 0.35, 0.4, 0.5, 0.5
"""Shares of the time left: for Shapley values; then for the split by effect; then for the
nucleolus; then for what each member adds. The rest is for the core."""
_ZERO = 1e-12
_NOISE = 1e-9
GOALS = "goals"
"""In transfers: what the weights of the goals make of money."""


@dataclass(frozen=True, repr=False)
class Sharing(Result):
    """The gain of a cluster and its division. Money: discounted million over the horizon."""

    scenario: str
    currency: str
    members: tuple[str, ...]
    alone: float
    """W(∅): the objective with every member on its own."""
    together: float
    """W(N)."""
    relayed: float
    """The scenario's own optimum less W(N): what places outside relay between members."""
    epsilon: float
    """The least core: how much the worst group lacks at least, under any division; the core is
    empty where it is positive."""
    epsilon_proven: bool
    """No group was overlooked (a limit of time did not stop the search)."""
    nucleolus_proven: bool
    subsidy: float
    """The least that must come from outside for no group to have reason to leave (at least so
    much, where `epsilon_proven` is False)."""
    owen_applies: bool
    owen_why_not: str
    shapley_exact: bool
    solves: int
    """Coalitions solved."""
    allocations: pd.DataFrame
    """rule, member, million, low_million, high_million (95 %, where sampled)."""
    core: pd.DataFrame
    """rule, in_core (yes, no, unknown), group (that lacks most, or is nearest to it),
    lacks_million (negative: what it has over), could_gain_million (g of the group)."""
    money: pd.DataFrame
    """member, period, alone_million, together_million, change_million: own money."""
    exchanges: pd.DataFrame
    """Prices of exchanges (see `circflow.studies.cluster.owen`)."""
    transfers: pd.DataFrame
    """rule, from, to, million: who pays whom to carry a rule out."""
    leaving: pd.DataFrame
    joining: pd.DataFrame
    joining_others: pd.DataFrame
    """What a member's leaving or joining does (see `circflow.studies.cluster.leaving`)."""
    effects: pd.DataFrame
    """Synergy by effect (see `circflow.studies.cluster.effects`)."""
    cluster: Cluster = field(repr=False)
    not_done: tuple[str, ...] = ()
    """What was not found within the time, a sentence each."""
    complete: bool = True
    """False: an early answer, in less time than was allowed; members may be lacking in the tables
    of leaving and joining."""

    @property
    def headline(self) -> str:
        core = (
            say("no division in the core")
            if self.core_empty
            else say("divisions in the core exist")
        )
        if not self.epsilon_proven:
            core += say(" (not proven)")
        if not self.complete:
            core += say("; an early answer")
        return say(
            "{scenario}: {counted} gain {gain} million {currency} together, {core}",
            scenario=self.scenario,
            counted=say_n("{n:,} member", "{n:,} members", len(self.members)),
            gain=figure(self.gain),
            currency=self.currency,
            core=core,
        )

    @property
    def gain(self) -> float:
        """g(N), the cluster's synergy."""
        return self.together - self.alone

    def of(self, rule: str) -> dict[str, float]:
        """The shares of a rule by member."""
        rows = self.allocations[self.allocations["rule"] == rule]
        if rows.empty:
            known = ", ".join(dict.fromkeys(self.allocations["rule"]))
            raise StudyError("no rule {rule!r}; there are: {known}", rule=rule, known=known)
        return dict(zip(rows["member"], rows["million"].astype(float), strict=True))

    @property
    def totals(self) -> pd.DataFrame:
        """figure, value: the figures above as a table."""
        figures: list[tuple[str, Any]] = [
            ("members", len(self.members)),
            ("alone_million", self.alone),
            ("together_million", self.together),
            ("gain_million", self.gain),
            ("relayed_million", self.relayed),
            ("least_core_epsilon_million", self.epsilon),
            ("least_core_proven", "yes" if self.epsilon_proven else "no"),
            ("nucleolus_proven", "yes" if self.nucleolus_proven else "no"),
            ("core_empty", "yes" if self.core_empty else "no"),
            ("subsidy_million", self.subsidy),
            ("owen_theorem_applies", "yes" if self.owen_applies else "no"),
            ("owen_theorem_why_not", self.owen_why_not),
            ("shapley_exact", "yes" if self.shapley_exact else "no"),
            ("coalitions_solved", self.solves),
            *(("not_done", sentence) for sentence in self.not_done),
        ]
        return pd.DataFrame(figures, columns=["figure", "value"]).astype({"value": object})

    @property
    def core_empty(self) -> bool:
        """Whether no division leaves every group content."""
        return self.epsilon > 10 * TOLERANCE * max(abs(self.gain), _ZERO)

    @property
    def waterfall(self) -> pd.DataFrame:
        """step, million, from_million, to_million: from every member alone to all together."""
        steps = waterfall(self.effects, self.alone)
        return steps if len(self.effects) else steps.iloc[:0]

    def opening(self) -> list[Section]:
        """What its page says first."""
        from circflow.report.page.sharing import sharing_opening

        return sharing_opening(self.tables(), self.currency)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        tables = {
            "totals": self.totals,
            "allocations": self.allocations,
            "core": self.core,
            "effects": self.effects,
            "waterfall": self.waterfall,
            "money": self.money,
            "exchanges": self.exchanges,
            "transfers": self.transfers,
            "leaving": self.leaving,
            "joining": self.joining,
            "joining_others": self.joining_others,
            **self.cluster.scenario.changes_table,
        }
        return one_text_type(tables)


@public
def share(  # noqa: PLR0913
    scenario: Scenario,
    *,
    arms_length: bool = False,
    apart: Iterable[str] = (),
    gap: float = 1e-6,
    jobs: int | None = None,
    dask: str | None = None,
    store: str | os.PathLike[str] | None = None,
    orders: int = 100,
    seconds: float | None = None,
    exact: bool | None = None,
    split: bool = True,
    memberships: bool = True,
    seed: int = 0,
    early: Callable[[Sharing], None] | None = None,
    progress: Progress | None = None,
) -> Sharing:
    """What the cluster gains over its members alone, why, and how to share it.

    Where not everything can be had exactly at once, answers are given early, each better than the
    one before; Ctrl-C then returns the last of them (`complete` is False).

    Args:
        scenario: from `circflow.read`.
        arms_length: members not both in a coalition may still trade directly, at the larger of
            the two transaction costs and without synergies.
        apart: members that are in the scenario but not in the cluster: each stays on its own,
            and has no share.
        gap: relative gap of every search over yes/no decisions.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        store: a file in which coalition values are kept, so that a stopped run goes on.
        orders: orders of joining sampled where the Shapley value is not exact.
        seconds: for everything but the plans of every member alone and of all together; each
            stage gets a part of what is left. What is not proven, sampled or not found is said.
        exact: the exact Shapley value, however long it takes; if not said, where all values can
            be found in a part of `seconds`, or, without them, where the best plan needs up to
            twelve members.
        split: whether the synergy is split by effect.
        memberships: whether it is told what each member's leaving and joining does.
        seed: of the sample.
        early: is given each answer before the last.
        progress: is told what goes on.

    Raises:
        CannotStandAloneError: there is no plan with every member on its own; no gains are told.
        NoPlan: no plan for a coalition, or unbounded.
        StudyError: the scenario has no members, or none but those apart; `apart` names no member.
        StoreError: `store` belongs to another scenario.
    """
    tell: Progress = progress or (lambda _: None)
    clock = Clock(seconds)
    tell("building the model")
    cluster = Cluster(
        scenario,
        arms_length=arms_length,
        apart=apart,
        gap=gap,
        store=None if store is None else Path(store),
    )
    if len(cluster.apart) == len(cluster.members):
        raise StudyError(
            "{name}: no site has a member, so there is nothing to share", name=scenario.name
        )
    tell(say("every member alone"))
    cluster.plan(frozenset())
    tell(say("all together"))
    cluster.plan(cluster.everybody)
    needed = len(cluster.values.lookup(cluster.everybody).used)
    at_once = None if exact is not False and needed <= EXACT_MEMBERS else False
    last: Sharing | None = None
    try:
        with Engine(jobs, dask=dask, tell=progress) as cluster.values.engine:
            for allowed in _early_seconds(seconds):
                sharer = _Sharer(cluster, orders, Clock(allowed), at_once, seed)
                last = sharer.share(split=split, memberships=memberships)
                if not sharer.cut_short:
                    return last
                last = replace(last, complete=False)
                if early is not None:
                    early(last)
            sharer = _Sharer(cluster, orders, clock, exact, seed)
            return sharer.share(split=split, memberships=memberships)
    except KeyboardInterrupt:
        if last is None:
            raise
        return last
    finally:
        cluster.values.engine = Engine()


def _early_seconds(seconds: float | None) -> list[float]:
    """What every early answer may take. What one answer has solved, the next ones know."""
    longest = math.inf if seconds is None else seconds / 2.0
    steps = [_FIRST * _MORE**n for n in range(_ANSWERS)]
    return [allowed for allowed in steps if allowed <= longest]


@dataclass
class _Sharer:
    cluster: Cluster
    orders: int
    clock: Clock
    exact: bool | None
    seed: int
    cut_short: bool = False
    """Whether more time would have given a better answer."""

    def __post_init__(self) -> None:
        cluster = self.cluster
        self.tell = cluster.values.engine.tell
        self.count = len(cluster.members)
        self.playing = np.array([n not in cluster.apart for n in range(self.count)])
        self.members = tuple(m for n, m in enumerate(cluster.members) if self.playing[n])
        """Of the cluster: those not apart."""
        self.several = len(self.members) > 1
        self.base = cluster.alone.objective
        self.gain = cluster.synergy if self.several else 0.0
        self.pieces: list[Box] = []
        self.null = cluster.apart
        """Members who add nothing to any group, as far as is known."""
        self.not_done: list[str] = []

    def share(self, *, split: bool, memberships: bool) -> Sharing:
        cluster = self.cluster
        prices = owen(cluster)
        shapley_shares = self._shapley()
        parts = self._effects(split)
        court = self._court()
        self.tell(say("the nucleolus"))
        seconds = self._allow(court, _GROUPS)
        centre, first = nucleolus(
            court,
            self.gain,
            self.count,
            near=shapley_shares.values if shapley_shares else None,
            null=self.null,
            seconds=seconds,
            progress=self.tell,
        )
        rules = self._rules(prices, shapley_shares, centre.shares)
        money = {"alone": own_money(cluster.alone), "together": own_money(cluster.together)}
        asked = cluster.everybody if memberships else frozenset[int]()
        without = leaving(cluster, asked, Clock(self.clock.part(_MEMBERS)))
        missing = len(asked - cluster.apart) * self.several - without["leaver"].nunique()
        if missing:
            self.not_done.append(
                say_n(
                    "What leaving and joining does was not found in time for {n} member.",
                    "What leaving and joining does was not found in time for {n} members.",
                    missing,
                )
            )
        core = self._core(court, rules)
        lacking = first.epsilon > 10 * TOLERANCE * max(abs(self.gain), _ZERO)
        self._allow(court, 1.0)
        cluster.values.clock = Clock(None)
        self.cut_short |= (
            not (shapley_shares and shapley_shares.exact and centre.proven)
            or bool((core["in_core"] == "unknown").any())
            or bool(missing)
        )
        return Sharing(
            scenario=cluster.scenario.name,
            currency=cluster.scenario.settings.currency,
            members=self.members,
            alone=self.base,
            together=cluster.together.objective,
            relayed=cluster.relayed,
            epsilon=first.epsilon,
            epsilon_proven=first.proven,
            nucleolus_proven=centre.proven,
            subsidy=subsidy(court, self.gain, self.count, clock=self.clock) if lacking else 0.0,
            owen_applies=prices.applies,
            owen_why_not=prices.why,
            shapley_exact=bool(shapley_shares and shapley_shares.exact),
            solves=cluster.values.solves,
            allocations=self._allocations(rules),
            core=core,
            money=self._money(money),
            exchanges=prices.exchanges,
            transfers=self._transfers(rules, money),
            leaving=without,
            joining=joining(cluster, without),
            joining_others=joining_others(cluster, without),
            effects=parts,
            cluster=cluster,
            not_done=tuple(self.not_done),
        )

    def _allow(self, court: Court, share: float) -> float | None:
        """Let a court search for a share of the time that is left, seconds."""
        seconds = self.clock.part(share)
        if isinstance(court, Search):
            court.clock = self.cluster.values.clock = Clock(seconds)
        return seconds

    # ------------------------------------------------------------------ the rules

    def _shapley(self) -> Shares | None:
        """None where not a single order is known in time."""
        cluster, n = self.cluster, self.count
        if not self.several:
            return Shares(np.zeros(n))
        clock = Clock(self.clock.part(_VALUES))
        cluster.values.clock = Clock(None) if self.exact else clock
        try:
            self.pieces = self._boxes(clock.part(0.5))
        except StoppedError:
            self.pieces = []
        if self.pieces:
            cluster.values.clock = Clock(None)
            extra = self._single_hubs()
            if not extra.any():  # else anybody who comes to such a member lets the hub serve it
                met = frozenset[int]().union(*(box.inside | box.outside for box in self.pieces))
                self.null = cluster.everybody - met
            return Shares(shapley(self.pieces, n) - extra)
        try:
            return sampled_shapley(
                cluster.value,
                n,
                orders=self.orders,
                seed=self.seed,
                seconds=clock.left,
                prepare=lambda settings: cluster.values.all(
                    {cluster.effective(s) for s in settings}
                ),
            )
        except StoppedError:
            self.not_done.append(say("The Shapley value was not found in time."))
            return None

    def _boxes(self, seconds: float | None) -> list[Box]:
        """All values, where they are asked for, few, or found in time; else none."""
        cluster = self.cluster
        needed = len(cluster.values.lookup(cluster.everybody).used)
        if self.exact is False or (
            self.exact is None and needed > EXACT_MEMBERS and seconds is None
        ):
            return []
        if self.exact or seconds is None:
            return boxes(cluster.values)
        if needed > EXACT_MEMBERS:
            self.tell(say("how many coalitions there are to solve"))
            if expected_seconds(cluster.values, trial=_TRIAL * seconds) > seconds:
                return []
        return boxes(cluster.values, seconds=seconds)

    def _single_hubs(self) -> Floats:
        """What the boxes count too much: a hub does not serve one member alone."""
        correction = np.zeros(self.count)
        everybody = self.cluster.everybody
        for n in np.flatnonzero(self.playing).tolist():
            one = frozenset([n])
            extra = self.cluster.values(one) - self.base
            if extra > _NOISE * abs(self.gain):
                others = everybody - one - self.cluster.apart
                correction += shapley([Box(one, others, extra)], self.count)
        return correction

    def _court(self) -> Court:
        cluster = self.cluster
        if self.pieces and self.count - len(self.null) <= _LARGEST_REGISTER:
            return Register.of(self.pieces, self.count, self.base, self.null)
        self.null = cluster.apart
        self.tell(say("bounds of what members exchange"))
        return Search(cluster, gap=min(cluster.gap, 1e-7))

    def _rules(self, prices: Owen, of_orders: Shares | None, centre: Floats) -> dict[str, Shares]:
        rules = {"owen": Shares(prices.shares)}
        if of_orders is not None:
            rules["shapley"] = of_orders
        rules["nucleolus"] = Shares(centre)
        keys = {
            "volume": exchanged(self.cluster),
            "alone": np.maximum(weighted_money(self.cluster.alone)[: self.count], 0.0),
            "equal": np.ones(self.count),
        }
        for name, of_all in keys.items():
            key = of_all * self.playing
            if key.sum() > 0.0:
                rules[name] = Shares(self.gain * key / key.sum())
        return {name: replace(r, values=self._adding_up(r.values)) for name, r in rules.items()}

    def _adding_up(self, shares: Floats) -> Floats:
        """Shares without rounding noise, that add up to the whole gain."""
        small = np.abs(shares) < _NOISE * abs(self.gain)
        cleaned = np.where(small, 0.0, shares)
        there = ~small if (~small).any() else self.playing
        cleaned[there] += (self.gain - cleaned.sum()) / there.sum()
        return cleaned

    def _allocations(self, rules: dict[str, Shares]) -> pd.DataFrame:
        parts = [
            pd.DataFrame(
                {
                    "rule": name,
                    "member": self.members,
                    "million": rule.values[self.playing],
                    "low_million": rule.low[self.playing],
                    "high_million": rule.high[self.playing],
                }
            )
            for name, rule in rules.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def _core(self, court: Court, rules: dict[str, Shares]) -> pd.DataFrame:
        """For each rule, the group that lacks most."""
        tolerance = 10 * TOLERANCE * max(abs(self.gain), _ZERO)
        rows = []
        for done, (name, rule) in enumerate(rules.items()):
            self.tell(say("core test: {name}", name=say(name)))
            self._allow(court, 1.0 / (1 + len(rules) - done))
            complaint = (
                court.worst(rule.values, np.zeros((0, self.count))) if self.several else None
            )
            if complaint is None:
                rows.append((name, "unknown" if self.several else "yes", "", np.nan, np.nan))
                continue
            inside = "no" if complaint.excess > tolerance else "yes"
            if inside == "yes" and complaint.bound > tolerance:
                inside = "unknown"
            group = ", ".join(self.cluster.members[n] for n in sorted(complaint.members))
            lacks = complaint.excess if abs(complaint.excess) > _NOISE * abs(self.gain) else 0.0
            rows.append((name, inside, group, lacks, complaint.gain))
        columns = ["rule", "in_core", "group", "lacks_million", "could_gain_million"]
        return pd.DataFrame(rows, columns=columns)

    # ------------------------------------------------------------------ what it means for members

    def _money(self, by_plan: dict[str, pd.DataFrame]) -> pd.DataFrame:
        names = [*self.cluster.members, OUTSIDE]
        periods = [p.name for p in self.cluster.scenario.periods]
        index = pd.MultiIndex.from_product([names, periods], names=["member", "period"])
        sums = {
            f"{name}_million": money.groupby(index.names)["discounted_million"].sum()
            for name, money in by_plan.items()
        }
        table = pd.DataFrame(sums, index=index).fillna(0.0)
        change = table["together_million"] - table["alone_million"]
        return table.assign(change_million=change).reset_index()

    def _transfers(self, rules: dict[str, Shares], money: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Each member ends with its money alone plus its share; the plan gives it its own money."""
        members = self.cluster.members
        before, after = (by_member(money[k], members) for k in ("alone", "together"))
        names = [*members, OUTSIDE, GOALS]
        rows = []
        for name, rule in rules.items():
            balance = before[:-1] + rule.values - after[:-1]
            outside = before[-1] - after[-1]
            balances = np.concatenate([balance, [outside, -(balance.sum() + outside)]])
            balances[np.abs(balances) < 1e-9 * max(abs(self.gain), _ZERO)] = 0.0
            rows += [(name, names[a], names[b], paid) for a, b, paid in payments(balances)]
        return pd.DataFrame(rows, columns=["rule", "from", "to", "million"]).astype(
            {"million": float}
        )

    def _effects(self, split: bool) -> pd.DataFrame:
        columns = ["effect", "million", "low_million", "high_million"]
        none = pd.DataFrame(columns=[*columns, "alone_million", "last_million"])
        if not split or self.cluster.arms_length or not self.several:
            return none
        seconds = self.clock.part(_SPLIT)
        try:
            shares: Effects = effects(self.cluster, seconds=seconds, seed=self.seed)
        except StoppedError:
            self.cut_short = True
            self.not_done.append(say("The split by effect was not found in time."))
            return none
        except SolverError as doubt:
            reason = str(doubt)
            self.not_done.append(say("The split by effect was not found: {reason}", reason=reason))
            return none
        self.cut_short |= not shares.exact
        return shares.table


def exchanged(cluster: Cluster) -> Floats:
    """Tonnes that each member sends to other members and hubs, and receives from them, over the
    horizon (in t where anything exchanged is counted in t, else in any unit)."""
    scenario = cluster.scenario
    flows = cluster.together.flows
    sites = scenario.frame("Sites")
    served = {*sites["site"][sites["hub"].astype(bool) | sites["member"].notna()]}
    sender, receiver, _ = scenario.ends(flows)
    between = flows["from"].isin(served) & flows["to"].isin(served)
    inside = between.to_numpy(bool) & (sender != receiver)
    in_tonnes = inside & (flows["unit_of_measure"] == "t").to_numpy(bool)
    chosen = in_tonnes if in_tonnes.any() else inside
    years = flows["period"].map({p.name: float(p.years) for p in scenario.periods})
    total = np.zeros(len(cluster.members) + 1)
    for owner, column in ((sender, "sent_per_year"), (receiver, "received_per_year")):
        amount = flows[column].to_numpy(float) * years.to_numpy(float)
        np.add.at(total, owner[chosen], amount[chosen])
    return total[:-1]  # without that of hubs
