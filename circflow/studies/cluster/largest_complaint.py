"""The group with most reason to leave: max over S of g(S) − x(S), by one search.

A coalition's members become yes/no columns z of the programme itself: a gate (see `switches`) is
open only if the z of every member that it needs is 1, and a member that is in costs what the
allocation x gives it. The best of that programme is the largest complaint of any coalition, with
no need to know the values of the others (constraint generation; see for instance Drechsel and
Kimms 2010 for the idea). What passes a gate is bounded by M: the most of its material that
the whole scenario can bring into being in that period, found by an LP per material and period (an
optimum that sends material in circles is not looked for).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, vstack

from circflow.data.coded import Floats
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.highs import TOLERANCE, Session
from circflow.solver.optimum import optimum, proven
from circflow.solver.scaling import scaling_of
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import StoppedError, Switches
from circflow.studies.cluster.games import Verdict, spanned
from circflow.studies.progress import Clock

_FALLBACK = 1e3
"""Where no bound is found: so many times the largest amount in the plan of all together."""

_CLEARLY = 1e-4
"""Least product, above 0, of a coalition with a random vector whose largest entry is 1."""


def _with_members(switches: Switches, most: Floats) -> Program:
    """The programme with a column per member, and one per tariff for what is paid back."""
    program, count = switches.program, switches.count
    columns, tariffs = program.shape[1], len(switches.tariff_columns)
    gates = len(switches.gate_columns)
    gated = np.concatenate([switches.gate_columns, columns + count + np.arange(tariffs)])
    needs = np.vstack([switches.gate_needs, switches.tariff_needs])
    which, member = np.nonzero(needs)
    at = np.arange(len(which))
    data = np.concatenate([np.ones(len(which)), -most[which]])
    block = coo_array(
        (data, (np.concatenate([at, at]), np.concatenate([gated[which], columns + member]))),
        shape=(len(which), columns + count + tariffs),
    )
    back = coo_array(
        (
            np.concatenate([np.ones(tariffs), -np.ones(tariffs)]),
            (
                np.concatenate([np.arange(tariffs)] * 2),
                np.concatenate([gated[gates:], switches.tariff_columns]),
            ),
        ),
        shape=(tariffs, columns + count + tariffs),
    )
    paid_back = program.cost[switches.tariff_columns] - switches.tariff_off
    return (
        program.with_costs(switches.tariff_off, switches.tariff_columns)
        .with_columns(count, upper=1.0, integer=True)
        .with_columns(tariffs, cost=paid_back)
        .with_rows(vstack([block, back]), -np.inf, 0.0)
    )


def _largest_amounts(cluster: Cluster) -> Floats:
    """A bound on what passes each gate, then each tariff, from what can come into being at all.

    Of a flow, the most of its material that all streams, purchases, units and stockpiles bring
    in the period; of a joint activity, the most of it; where no bound exists, by the size of the
    plan of all together.
    """
    m, compiled, switches = cluster.model, cluster.compiled, cluster.switches
    plan, program = cluster.outcome(cluster.everybody).x, compiled.program
    assert plan is not None
    free = program.relaxed().without_goal()
    session = Session(free, scaling=scaling_of(program.relaxed()))
    gated = np.concatenate([switches.gate_columns, switches.tariff_columns])
    flow = m["flow"].frame
    place = compiled.column_of[flow["column"].to_numpy(np.intp)]
    label = pd.DataFrame({"material": flow["material"], "period": flow["period"]})
    label.index = pd.Index(place)
    sources = m.mass_of(*(name for name in m.variables if name != "flow"))
    sources = sources.where(sources.coefficient > 0.0)
    inflows = sources.frame(m.scenario.codes).assign(place=compiled.column_of[sources.column])
    inflows = inflows[inflows["place"] >= 0]
    by_material = dict(iter(inflows.groupby(["material", "period"], sort=False)))
    size = _FALLBACK * max(float(np.abs(plan).max()), 1.0)
    known: dict[object, float] = {}
    most = np.empty(len(gated))
    for at, column in enumerate(gated.tolist()):
        key: object = column
        objective = np.array([column]), np.array([-1.0])
        if column in label.index:
            key = tuple(label.loc[column])
            part = by_material.get(key)
            if part is None:
                most[at] = 0.0
                continue
            summed = part.groupby("place")["coefficient"].sum()
            objective = summed.index.to_numpy(np.intp), -summed.to_numpy(float)
        if key not in known:
            columns, costs = objective
            session.change_to(free.with_costs(costs, columns))
            outcome = session.resolve(primal=True) if known else session.solve()
            bounded = outcome.x is not None and proven(outcome, session)
            known[key] = -outcome.objective * (1.0 + 1e-6) if bounded else size
        most[at] = min(known[key], float(program.upper[column]))
    return np.maximum(most, 0.0)


class Search:
    """The court (see `games`) of a cluster with many members: the programme looks for the worst.

    Coalitions whose value is known are heard first; then the programme with a yes/no column per
    member is solved.
    """

    def __init__(self, cluster: Cluster, *, gap: float = 1e-6) -> None:
        """Searches end at a relative `gap`, and when the `clock` is over, which may be set anew."""
        self.values, self.base, self.null = cluster.values, cluster.alone.objective, cluster.apart
        self.gap, self.clock = gap, Clock(None)
        self.first = cluster.switches.program.shape[1]
        """The first column of the members."""
        self.program = _with_members(cluster.switches, _largest_amounts(cluster))
        self.program.upper[[self.first + n for n in self.null]] = 0.0
        self._random = np.random.default_rng(0)

    def worst(self, shares: Floats, settled: Floats, above: float = np.inf) -> Verdict | None:
        """The coalition with the largest complaint; a known one, if it is above `above`.

        A coalition is no combination of those settled if its product with a vector of their null
        space is not 0; a random one is taken, and both signs are searched.
        """
        known = self._of_known(shares, settled)
        if known is not None and known.excess > above:
            return known
        verdicts, bound = ([] if known is None else [known]), -np.inf
        for side in self._sides(settled):
            worst = self.separated(shares, side)
            if worst is None:
                continue
            bound = max(bound, worst.bound)
            if worst.members:
                gain = worst.gain
                with suppress(StoppedError):  # else that of the plan that the search found
                    gain = self.values(worst.members) - self.base
                excess = gain - float(shares[list(worst.members)].sum())
                verdicts.append(Verdict(worst.members, excess, gain, excess))
        if not verdicts:
            return None
        best = max(verdicts, key=lambda verdict: verdict.excess)
        return replace(best, bound=max(bound, best.excess))

    def separated(self, shares: Floats, side: Floats | None = None) -> Verdict | None:
        """The coalition, of 2 to n − 1 members, with the largest complaint, by one search; None if
        there is no coalition, one without members where none was found in time.

        `side`: only coalitions with side · z clearly above 0.
        """
        count = len(shares)
        members = slice(self.first, self.first + count)
        cuts = np.zeros((1 if side is None else 2, self.program.shape[1]))
        cuts[:, members] = [np.ones(count), *([] if side is None else [side])]
        low, high = [2.0, _CLEARLY], [float(count - len(self.null) - 1), np.inf]
        program = self.program.with_costs(shares, members).with_rows(
            cuts, np.array(low[: len(cuts)]), np.array(high[: len(cuts)])
        )
        # A z that is only nearly 0 would open a gate by that share of M.
        outcome = optimum(
            program, gap=self.gap, time_limit=self.clock.left, integrality=TOLERANCE
        ).outcome
        if outcome.x is None:
            none = outcome.status is Status.INFEASIBLE
            return None if none else Verdict(frozenset(), -np.inf, -np.inf, np.inf)
        chosen = frozenset(np.flatnonzero(outcome.x[members] > 0.5).tolist())
        excess = -outcome.objective - self.base
        gain = excess + float(shares[list(chosen)].sum())
        return Verdict(chosen, excess, gain, -outcome.bound - self.base)

    def _sides(self, settled: Floats) -> list[Floats | None]:
        """Vectors v such that v · z ≥ a little for some coalition that is not settled."""
        if len(settled) <= 1 + len(self.null):
            return [None]  # neither nobody nor everybody is asked for
        null = np.linalg.svd(settled)[2][np.linalg.matrix_rank(settled) :]
        direction = self._random.uniform(0.5, 1.5, len(null)) @ null
        direction /= np.abs(direction).max()
        return [direction, -direction]

    def _of_known(self, shares: Floats, settled: Floats) -> Verdict | None:
        """The largest complaint among coalitions whose value has been solved (their `used` too:
        the smaller the group of one value, the more it complains)."""
        best: Verdict | None = None
        null = self.null
        everyone = frozenset(range(self.values.switches.count)) - null
        for known in self.values.solved:
            for members in (known.on - null, known.used):
                if len(members) < 2 or members == everyone or not np.isfinite(known.value):
                    continue
                gain = known.value - self.base
                excess = gain - float(shares[list(members)].sum())
                if best is not None and excess <= best.excess:
                    continue
                if not spanned(settled, self.values.switches.flags(members)[None, :])[0]:
                    best = Verdict(members, excess, gain, excess)
        return best
