"""Where a cluster's synergy comes from: g(N) split by effect, in no particular order.

Effects are switched off and on; with all off the value is W(∅), with all on W(N).

    exchange           material passes directly between different members
    infrastructure     hubs without a member serve the members, and synergies of this effect
    excess_capacity    existing units take more than they do with every member alone, and
                       synergies of this effect
    transaction_costs  trade inside costs transaction_cost_inside rather than the larger of the
                       two transaction costs, and synergies of this effect
    scale, integration, management, image, risk
                       synergies of this effect (of partners of several members)

Each effect gets its Shapley value: what it adds, averaged over all orders in which the effects may
come in. So the parts do not depend on an order and add up to g(N).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, hstack

from circflow.algebra.declare import Model
from circflow.i18n import say
from circflow.solver.compiled import Compiled, Program
from circflow.studies.cluster.coalition import Cluster, tariffs
from circflow.studies.cluster.coalition_values import Known, Setting, StoppedError, Switches, Values
from circflow.studies.cluster.games import Shares, boxes, sampled_shapley, shapley
from circflow.studies.errors import StudyError
from circflow.studies.progress import Clock

EFFECTS = (
    "exchange",
    "infrastructure",
    "excess_capacity",
    "transaction_costs",
    "scale",
    "integration",
    "management",
    "image",
    "risk",
)
SECONDS = 300.0
"""For all combinations of effects; where they take longer, orders are sampled."""


@dataclass(frozen=True)
class Effects:
    """The synergy by effect.

    `table`: effect, million, low, high (95 % interval where orders were sampled), alone_million
    (with this effect only), last_million (lost without this effect only), both NaN where the time
    was up. The column million adds up to g(N).
    """

    table: pd.DataFrame
    exact: bool


def waterfall(table: pd.DataFrame, alone: float) -> pd.DataFrame:
    """From every member alone (`alone`, million) to all together, effect by effect.

    step, million, from_million, to_million; the first and the last step are the two values.
    """
    parts = table["million"].to_numpy(float)
    ends = alone + np.cumsum(parts)
    total = ends[-1] if len(ends) else alone
    return pd.DataFrame(
        {
            "step": ["every member alone", *table["effect"], "all together"],
            "million": [alone, *parts, total],
            "from_million": [0.0, *(ends - parts), 0.0],
            "to_million": [alone, *ends, total],
        }
    )


def effects(
    cluster: Cluster,
    *,
    orders: int = 20,
    seed: int = 0,
    exact: bool | None = None,
    seconds: float | None = SECONDS,
) -> Effects:
    """Split g(N) by effect.

    Raises:
        StoppedError: not a single order was found in `seconds`.

    Args:
        cluster: a scenario's cluster (not at arm's length).
        orders: sampled where the split is not exact.
        seed: of the sample.
        exact: every combination of effects, however long that takes, or none; if not said, where
            `seconds` are enough (many follow from others, so that few are solved).
        seconds: in all; half of them for every combination of effects, the rest for sampling
            orders.
    """
    if cluster.arms_length:
        raise StudyError("the split by effect is of a cluster that is not at arm's length")
    names, switches = _switches(cluster)
    base, with_all = cluster.alone.objective, cluster.together.objective
    count = len(names)
    values = Values(switches, gap=cluster.gap, engine=cluster.values.engine)
    everything = frozenset(range(count))
    values.add(Known(frozenset(), frozenset(), base))
    values.add(Known(everything, _used_by_all(cluster, switches, everything), with_all))
    clock = Clock(seconds)
    if not exact:
        values.clock = clock
    limit = None if exact else clock.part(0.5)
    pieces = [] if exact is False else boxes(values, seconds=limit, what=say("effects"))
    if pieces:
        shares = Shares(shapley(pieces, count))
    else:
        shares = sampled_shapley(
            values,
            count,
            orders=orders,
            seed=seed,
            seconds=clock.left,
            prepare=lambda settings: values.all(settings, what=say("effects")),
        )
    alone = [_value(values, frozenset([n])) - base for n in range(count)]
    last = [with_all - _value(values, everything - {n}) for n in range(count)]
    small = 1e-9 * abs(with_all)
    table = pd.DataFrame(
        {
            "effect": list(names),
            "million": shares.values,
            "low_million": shares.low,
            "high_million": shares.high,
            "alone_million": np.where(np.abs(alone) <= small, 0.0, alone),
            "last_million": np.where(np.abs(last) <= small, 0.0, last),
        }
    )
    return Effects(table, bool(pieces))


def _value(values: Values, on: Setting) -> float:
    """The value, NaN where the time is up."""
    try:
        return values(on)
    except StoppedError:
        return np.nan


def _used_by_all(cluster: Cluster, switches: Switches, everything: Setting) -> Setting:
    """The effects that the plan of all together needs."""
    x = cluster.outcome(cluster.everybody).x
    assert x is not None
    more = switches.program.shape[1] - len(x)
    # Columns added for spare capacity: taken as used.
    return switches.used(np.append(x, np.ones(more)), everything)


def _switches(cluster: Cluster) -> tuple[tuple[str, ...], Switches]:
    """The cluster's programme with a switch per effect that there is."""
    m, compiled = cluster.model, cluster.compiled
    gates = cluster.gates
    place = compiled.column_of[gates.columns]
    kind = np.where(gates.kind == "hub", "infrastructure", gates.kind).astype(object)
    kind, place = kind[place >= 0], place[place >= 0]
    trade = tariffs(m, arms_length=True)
    program, spare = _with_spare_capacity(cluster)
    kind = np.append(kind, ["excess_capacity"] * len(spare))
    kinds = {*kind, *(["transaction_costs"] if (trade.extra > 0.0).any() else [])}
    names = tuple(e for e in EFFECTS if e in kinds)
    columns = np.concatenate([place, spare]).astype(np.intp)
    needs = kind[:, None] == np.array(names, dtype=object)
    dear = compiled.column_of[trade.columns]
    dear_needs = np.tile(np.array(names, dtype=object) == "transaction_costs", (len(dear), 1))
    off = program.cost[dear] + trade.extra
    return names, Switches(program, len(names), columns, needs, dear, dear_needs, off)


def _with_spare_capacity(cluster: Cluster) -> tuple[Program, np.ndarray]:
    """The programme with a row for every existing unit and period, load − spare ≤ load alone,
    and the columns `spare`."""
    m, compiled = cluster.model, cluster.compiled
    program = compiled.program
    load, row_of, limit = _loads(m, compiled, cluster)
    count = len(limit)
    if not count:
        return program, np.zeros(0, dtype=np.intp)
    column = compiled.column_of[load["column"].to_numpy(np.intp)]
    block = coo_array(
        (load["capacity_use"].to_numpy(float), (row_of, column)), shape=(count, program.shape[1])
    )
    spare = coo_array((-np.ones(count), (np.arange(count), np.arange(count))))
    more = program.with_columns(count).with_rows(hstack([block, spare]), -np.inf, limit)
    return more, program.shape[1] + np.arange(count)


def _loads(
    m: Model, compiled: Compiled, cluster: Cluster
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Activity of existing units of members, the row of each, and the load alone of every row."""
    units = m.scenario.active_units
    owner = units["site"].map(m.scenario.member_of)
    existing = set(units["unit"][(units["status"] == "existing") & owner.notna()])
    load = m["activity"].frame
    load = load[load["unit"].isin(existing).to_numpy(bool)]
    load = load[compiled.column_of[load["column"].to_numpy(np.intp)] >= 0]
    label = pd.MultiIndex.from_frame(load[["unit", "period"]])
    rows = label.unique()
    row_of = rows.get_indexer(label)
    x = cluster.outcome(frozenset()).x
    assert x is not None
    amount = x[compiled.column_of[load["column"].to_numpy(np.intp)]]
    loads = np.bincount(row_of, amount * load["capacity_use"].to_numpy(float), minlength=len(rows))
    idle = loads <= 1e-9 * max(float(loads.max(initial=0.0)), 1.0)  # what stands still alone
    return load, row_of, np.where(idle, 0.0, loads * (1.0 + 1e-9))
