"""Coalitions: what any group of a cluster's members creates together (MODEL: coalitions).

W(S) is the optimum of the same scenario in which

* material passes between two different members only if both are in S;
* what leaves a place without a member (hubs apart) is at most what arises, is bought or made there,
  or is reclaimed there from a stockpile that cannot be added to: a row `no_relay` for each
  (site, material, period);
* a hub without a member serves the members of S, if S has at least two, and no other member;
* a synergy counts only if the members of all its partners are in S, or it has partners of one
  member only (partners without a member are always in).

W(∅) = W({i}) is the cluster's members each alone. The gain is g(S) = W(S) − W(∅). With
`arms_length`, members not both in S still trade directly, at the larger of the two transaction
costs and without synergies. Members may be kept `apart`: they are in the scenario, but in no
coalition, W(S) = W(S without them); so the cluster of the others is told.

One model serves every coalition: only upper bounds (and, at arm's length, costs) of columns differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from circflow.algebra.build import build, weights
from circflow.algebra.declare import Model
from circflow.algebra.terms import MASS, stack
from circflow.algebra.transport import TRANSACTIONS
from circflow.data.arguments import public
from circflow.data.coded import Flags, distinct, place_in
from circflow.data.result import Result, figure
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import mark, say
from circflow.solution.solution import NoPlan, Solution, Status
from circflow.solver.compiled import Compiled, Program, compile_model
from circflow.solver.explain import Explanation, explain
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.solver.run import read_off
from circflow.studies.bench.store import Store
from circflow.studies.cluster.coalition_values import (
    Known,
    Setting,
    StoppedError,
    Switches,
    UnboundedError,
    Values,
)
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import meant


class CannotStandAloneError(NoPlan):
    """There is no plan in which every member is on its own, so that no gain can be told.

    `members` are those that cannot stand alone even if the others ask nothing of them; none, if
    only all of them together are too much for what they share.
    """

    def __init__(
        self,
        scenario: str,
        members: tuple[str, ...],
        explanation: Explanation | None = None,
        *,
        at_arms_length: bool = False,
    ) -> None:
        """`explanation`: why there is no plan with every member on its own. `at_arms_length`:
        whether there is one where they trade at arm's length."""
        self.members, self.explanation = members, explanation
        self.at_arms_length = at_arms_length
        if members:
            who = ", ".join(members)
            reason = say("no plan with every member on its own; cannot stand alone: {who}", who=who)
        else:
            reason = say(
                "no plan with every member on its own: each could stand alone, but not all "
                "at once under the limits they share"
            )
        lines = [reason, *(explanation.lines() if explanation is not None else [])]
        if at_arms_length:
            lines.append(say(ARMS_LENGTH_WORKS))
        super().__init__(scenario, Status.INFEASIBLE, "\n".join(lines))

    @property
    def brief(self) -> str:
        """Who cannot stand alone, and what of, in one sentence."""
        who = ", ".join(self.members) or say("the members")
        if self.explanation is None or not self.explanation.conflicts:
            return say("{who} cannot stand alone", who=who)
        texts = "; ".join(conflict.texts[0] for conflict in self.explanation.conflicts[:3])
        return say(
            "{who} cannot stand alone: {texts} (`circflow share` tells what would help)",
            who=who,
            texts=texts,
        )


ARMS_LENGTH_WORKS = mark(
    "With trade at arm's length there is a plan: circflow share … --arms-length "
    "(arms_length=True) tells the gain over that."
)


@dataclass(frozen=True, repr=False)
class Coalition(Result):
    """What a group of members creates together. Money in million currency."""

    members: tuple[str, ...]
    value: float
    """W(S), the objective."""
    alone: float
    """W(∅): the same with every member on its own."""
    solution: Solution = field(repr=False)
    """The plan behind W(S)."""

    @property
    def headline(self) -> str:
        return say(
            "{members}: gain {gain} million",
            members=", ".join(self.members),
            gain=figure(self.gain),
        )

    @property
    def gain(self) -> float:
        """g(S) = W(S) − W(∅)."""
        return self.value - self.alone


@public
def coalition(
    scenario: Scenario, members: Iterable[str], *, arms_length: bool = False, gap: float = 1e-6
) -> Coalition:
    """W(S) and the gain g(S) of a group of members.

    Args:
        scenario: from `circflow.read`.
        members: names of the sheet Members.
        arms_length: members not both in the group may still trade directly, at the larger of the
            two transaction costs and without synergies.
        gap: relative gap at which the search over yes/no decisions ends.

    Raises:
        StudyError: a name is not a member.
        CannotStandAloneError: there is no plan with every member on its own.
        NoPlan: unbounded, or stopped.
    """
    cluster = Cluster(scenario, arms_length=arms_length, gap=gap)
    chosen = cluster.setting(members)
    alone = cluster.alone
    solution = cluster.plan(chosen)
    names = tuple(m for n, m in enumerate(cluster.members) if n in chosen)
    return Coalition(names, solution.objective, alone.objective, solution)


class Cluster:
    """A scenario's model, made once, and the value of every coalition of its members.

    Coalitions are sets of numbers: positions in `members`.
    """

    def __init__(  # noqa: PLR0913
        self,
        scenario: Scenario,
        *,
        arms_length: bool = False,
        apart: Iterable[str] = (),
        relax: bool = False,
        gap: float = 1e-6,
        store: Path | None = None,
    ) -> None:
        """`apart`: members that are in no coalition. `relax`: yes/no decisions may be fractions.
        `store`: a file in which values are kept, so that a stopped run goes on (see
        `coalition_values.Values`). Raises StudyError for a name that is not a member."""
        self.scenario = scenario
        self.arms_length = arms_length
        self.relax = relax
        self.gap = gap
        self.members = scenario.members
        self.apart: Setting = self.setting(apart)
        self.model: Model = build(scenario, relax=relax)
        compiled = compile_model(self.model)
        self.gates = _gates(self.model, arms_length=arms_length)
        self.tariffs = tariffs(self.model, arms_length=arms_length)
        self.base = replace(compiled, program=self._closed_to_apart(compiled))
        self.relay_rows, program = _without_relays(self.model, self.base)
        self.compiled = replace(compiled, program=program)
        self.switches = self._switches()
        study = ["share", arms_length, relax, gap, sorted(self.apart)]
        kept = None if store is None else Store(store, scenario, study, resume=True)
        self.values = Values(self.switches, gap=gap, store=kept)
        self._plans: dict[Setting, Solution] = {}
        self._outcomes: dict[Setting, Outcome] = {}

    @property
    def everybody(self) -> Setting:
        """The coalition of all members, those apart included (who change nothing)."""
        return frozenset(range(len(self.members)))

    def effective(self, members: Setting) -> Setting:
        """The smallest coalition of the same value: without those apart, and W({i}) = W(∅)."""
        joined = members - self.apart
        return joined if len(joined) > 1 else frozenset()

    def setting(self, members: Iterable[str]) -> Setting:
        """The numbers of members. Raises StudyError for a name that is not a member."""
        number = {name: n for n, name in enumerate(self.members)}
        names = [members] if isinstance(members, str) else list(members)
        for name in names:
            if name not in number:
                hint = meant(name, self.members)
                raise StudyError("{name!r} is not a member{hint}", name=name, hint=hint)
        return frozenset(number[name] for name in names)

    def value(self, members: Setting) -> float:
        """W(S), million currency; −inf where there is no plan."""
        try:
            return self.values(self.effective(members))
        except UnboundedError:
            raise NoPlan(
                self.scenario.name, Status.UNBOUNDED, say("the value of a coalition has no bound")
            ) from None

    def gain(self, members: Setting) -> float:
        """g(S) = W(S) − W(∅); 0 for a single member."""
        return self.value(members) - self.alone.objective if self.effective(members) else 0.0

    @cached_property
    def alone(self) -> Solution:
        """The plan behind W(∅). Raises CannotStandAloneError."""
        return self.plan(frozenset())

    @cached_property
    def together(self) -> Solution:
        """The plan behind W(N)."""
        return self.plan(self.everybody)

    @property
    def synergy(self) -> float:
        """g(N), million currency."""
        return self.together.objective - self.alone.objective

    @cached_property
    def relayed(self) -> float:
        """The scenario's own optimum less W(N): what relaying at places outside would bring."""
        if not self.relay_rows.size:
            return 0.0
        free = optimum(self.base.program, gap=self.gap).outcome
        if free.x is None:
            raise NoPlan(
                self.scenario.name,
                free.status,
                say("no best plan where places outside may relay between members"),
            )
        return max(0.0, -free.objective - self.together.objective)

    def plan(self, members: Setting, *, time_limit: float | None = None) -> Solution:
        """The plan of a coalition, with all its tables and prices.

        Raises CannotStandAloneError (S = ∅), NoPlan, or StoppedError after `time_limit` seconds.
        """
        chosen = self.effective(members)
        if chosen not in self._plans:
            self._plans[chosen] = self._solved(chosen, time_limit)
        return self._plans[chosen]

    def outcome(self, members: Setting) -> Outcome:
        """The solver's plan of a coalition, with duals of the rows of `compiled`."""
        self.plan(members)
        return self._outcomes[self.effective(members)]

    def _solved(self, chosen: Setting, time_limit: float | None) -> Solution:
        compiled = replace(self.compiled, program=self.switches.set(chosen))
        best = optimum(compiled.program, gap=self.gap, time_limit=time_limit)
        outcome = best.outcome
        if outcome.status in {Status.STOPPED, Status.FEASIBLE}:
            raise StoppedError("the time is up")
        if outcome.x is None:
            if not chosen and outcome.status is Status.INFEASIBLE:
                raise self.stranded()
            names = ", ".join(self.members[n] for n in sorted(chosen)) or say("every member alone")
            words = say("no plan for the coalition: {names}", names=names)
            raise NoPlan(self.scenario.name, outcome.status, words)
        if self.values.known(chosen) is None:
            used = self.switches.used(outcome.x, chosen)
            self.values.add(Known(chosen | self.apart, used, -outcome.objective))
        self._outcomes[chosen] = outcome
        m = self.tariffs.booked(self.model, chosen) if self.arms_length else self.model
        return read_off(m, compiled, outcome, fixed=best.fixed, relax=self.relax)

    # ------------------------------------------------------------------ restrictions

    def _of_apart(self, needs: Flags) -> Flags:
        """Which gates or tariffs (rows of flags) need a member that is apart."""
        return np.asarray(needs[:, sorted(self.apart)].any(axis=1))

    def _closed_to_apart(self, compiled: Compiled) -> Program:
        """The programme in which members apart have no exchange, or only at arm's length."""
        program = compiled.program
        if not self.apart:
            return program
        columns = compiled.column_of[self.gates.columns[self._of_apart(self.gates.needs)]]
        columns = columns[columns >= 0]
        closed = program.with_bounds(columns, upper=np.maximum(program.lower[columns], 0.0))
        theirs = self._of_apart(self.tariffs.needs)
        dear = compiled.column_of[self.tariffs.columns[theirs]]
        return closed.with_costs(program.cost[dear] + self.tariffs.extra[theirs], dear)

    def _switches(self) -> Switches:
        where = self.compiled.column_of
        gates, needs = self.gates.columns, self.gates.needs
        there = (where[gates] >= 0) & ~self._of_apart(needs)
        of_members = ~self._of_apart(self.tariffs.needs)
        columns = where[self.tariffs.columns[of_members]]
        return Switches(
            self.compiled.program,
            len(self.members),
            where[gates[there]],
            needs[there],
            columns,
            self.tariffs.needs[of_members],
            self.compiled.program.cost[columns] + self.tariffs.extra[of_members],
        )

    def stranded(self) -> CannotStandAloneError:
        """Who cannot stand alone, in which cells, the smallest changes, and whether trade at
        arm's length is a way; for a cluster without a plan behind W(∅)."""

        def alone(scenario: Scenario) -> tuple[Model, Compiled]:
            cluster = self
            if scenario is not self.scenario:
                cluster = Cluster(scenario, arms_length=self.arms_length, apart=self._names_apart)
            program = cluster.switches.set(frozenset())
            return cluster.model, replace(cluster.compiled, program=program)

        at_arms_length = False
        if not self.arms_length:
            trading = Cluster(self.scenario, arms_length=True, apart=self._names_apart)
            program = trading.switches.set(frozenset())
            at_arms_length = optimum(program.without_goal()).outcome.x is not None
        return CannotStandAloneError(
            self.scenario.name,
            self._dependent(),
            explain(self.scenario, alone),
            at_arms_length=at_arms_length,
        )

    @property
    def _names_apart(self) -> list[str]:
        return [self.members[n] for n in sorted(self.apart)]

    def _dependent(self) -> tuple[str, ...]:
        """Members that have no plan on their own, with nothing asked of anybody else."""
        program = self.switches.set(frozenset())
        balance = self.compiled.families["material_balance"]
        rows = balance.rows
        owner = self.scenario.owners(site for site, _, _ in balance.keys)
        dependent = []
        for n in np.unique(owner[owner >= 0]).tolist():
            other = owner != n
            trial = _with_slack(program, rows[other], rows[other & (owner >= 0)])
            if optimum(trial.without_goal()).outcome.x is None:
                dependent.append(self.members[n])
        return tuple(dependent)


# --------------------------------------------------------------------------- gates and tariffs


@dataclass(frozen=True)
class Gates:
    """Columns of the model (see `circflow.algebra.terms`) and the members each needs.

    `kind`: exchange (between two members), hub, or the effect of a synergy.
    """

    columns: NDArray[np.intp]
    needs: Flags
    """Columns by members."""
    kind: NDArray[np.object_]


@dataclass(frozen=True)
class Tariffs:
    """Direct trade of members not both in the coalition: flow columns, the members each needs for
    the lower cost, what it costs more without (`extra`, in the objective, and `per_unit`, in
    currency per unit), and the flows' positions in `rows["flow"]`."""

    columns: NDArray[np.intp]
    needs: Flags
    extra: NDArray[np.float64]
    per_unit: float
    at: NDArray[np.intp]

    def booked(self, m: Model, chosen: Setting) -> Model:
        """The model whose reports count what arm's length costs."""
        flags = np.zeros(self.needs.shape[1], dtype=bool)
        flags[list(chosen)] = True
        outside = (self.needs & ~flags).any(axis=1)
        extra = np.zeros(len(m["flow"]))
        extra[self.at[outside]] = self.per_unit
        return m.charged("flow", TRANSACTIONS, extra)


def _needs(m: Model, *ends: NDArray[np.intp]) -> Flags:
    """The members at the ends of flows, as a row of flags each."""
    needs = np.zeros((len(ends[0]), len(m.scenario.members) + 1), dtype=bool)
    for end in ends:
        needs[np.arange(len(end)), end] = True  # −1 is the last column: nobody
    return needs[:, :-1]


def _gates(m: Model, *, arms_length: bool) -> Gates:
    rows = m["flow"].frame
    sender, receiver, exchange = m.scenario.ends(rows)
    sites = m.scenario.frame("Sites")
    hubs = set(sites["site"][sites["hub"].astype(bool) & sites["member"].isna()])
    is_hub = rows["from"].isin(hubs).to_numpy() | rows["to"].isin(hubs).to_numpy()
    served = is_hub & (np.maximum(sender, receiver) >= 0)
    gated = np.flatnonzero(served if arms_length else exchange | served)
    kind = np.where(exchange[gated], "exchange", "hub").astype(object)
    columns = rows["column"].to_numpy(np.intp)[gated]

    joint = m["joint_activity"].frame
    partners = synergy_members(m.scenario)
    several = joint[joint["synergy"].map(lambda e: len(partners.get(e, ())) > 1).astype(bool)]
    members = m.scenario.members
    of_synergies = [[one in partners[name] for one in members] for name in several["synergy"]]
    more = np.array(of_synergies, dtype=bool).reshape(-1, len(members))
    return Gates(
        np.concatenate([columns, several["column"].to_numpy(np.intp)]),
        np.vstack([_needs(m, sender[gated], receiver[gated]), more]),
        np.concatenate([kind, several["effect"].to_numpy(object)]),
    )


def tariffs(m: Model, *, arms_length: bool) -> Tariffs:
    """The tariffs of all direct trade between members; none but at arm's length."""
    settings = m.scenario.settings
    inside = settings.transaction_cost_inside
    per_unit = max(settings.transaction_cost_outside - inside, 0.0)
    rows = m["flow"].frame
    sender, receiver, exchange = m.scenario.ends(rows)
    at = np.flatnonzero(exchange & arms_length)
    needs = _needs(m, sender[at], receiver[at])
    weight = m.scenario.period_items["weight"][m["flow"]["period"][at]]
    extra = weight * per_unit * weights(m.scenario).value / MILLION
    return Tariffs(
        rows["column"].to_numpy(np.intp)[at], needs, np.maximum(extra, 0.0), per_unit, at
    )


def partner_members(scenario: Scenario) -> dict[tuple[str, str, str], list[str]]:
    """The members of each partner (synergy, kind, partner) of the sheet SynergyPartners: of a flow,
    those at both ends."""
    partners = scenario.frame("SynergyPartners")[["synergy", "kind", "partner"]]
    units = scenario.frame("Units")
    home = dict(zip(units["unit"], units["site"], strict=True))
    members = {}
    for name, kind, partner in partners.itertuples(index=False, name=None):
        sites = [home[partner]] if kind == "unit" else [p.strip() for p in partner.split(">", 1)]
        owners = (scenario.member_of[site] for site in sites)
        members[name, kind, partner] = [owner for owner in owners if owner is not None]
    return members


def synergy_members(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """The different members of each synergy's partners, as listed."""
    members: dict[str, dict[str, None]] = {}
    for (name, _, _), owners in partner_members(scenario).items():
        members.setdefault(name, {}).update(dict.fromkeys(owners))
    return {name: tuple(owners) for name, owners in members.items()}


def _without_relays(m: Model, compiled: Compiled) -> tuple[NDArray[np.intp], Program]:
    """The programme with the rows `no_relay`: Σ flow out − taken − bought − outputs of units −
    reclaimed (where nothing can be added) ≤ 0, at every place without a member that is no hub."""
    sites, flow, reclaimed = m.scenario.items("Sites"), m["flow"], m["reclaimed"]
    outside = (sites["member"] < 0) & ~sites["hub"]
    leaving = flow.times().labelled(site=flow["from"]).where(outside[flow["from"]])
    through_units = m.mass_of("activity")
    kept = reclaimed.times().where(~reclaimed["can_add"])
    supplies = (
        m["taken"].times(),
        m["bought"].times(),
        through_units.where(through_units.coefficient > 0.0),
        kept,
    )
    terms = stack([leaving, *(-t for t in supplies)], MASS)
    first, _ = distinct([leaving[n] for n in MASS])
    place = place_in([leaving[n][first] for n in MASS], [terms[n] for n in MASS])
    program, column = compiled.program, compiled.column_of[terms.column]
    there = (place >= 0) & (column >= 0)
    more = coo_array(
        (terms.coefficient[there], (place[there], column[there])),
        shape=(len(first), program.shape[1]),
    )
    rows = program.shape[0] + np.arange(len(first))
    return rows, program.with_rows(more, -np.inf, 0.0) if len(first) else program


def _with_slack(program: Program, supply: NDArray[np.intp], sink: NDArray[np.intp]) -> Program:
    """The programme with free supply in some balance rows and free disposal in others."""
    rows = np.concatenate([supply, sink])
    sign = np.concatenate([np.ones(len(supply)), -np.ones(len(sink))])
    count = len(rows)
    extra = coo_array((sign, (rows, np.arange(count))), shape=(program.shape[0], count))
    return program.with_columns(extra).with_costs(0.0)
