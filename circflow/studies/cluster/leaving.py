"""What a member's coming or going does: value with and without it, and its effect on the others.

A member that has left, or not yet joined, stays in the scenario on its own: with N all members,
the cluster is worth W(N) with member i and W(N − i) without it (MODEL: coalitions). Money is own
money (see `own_money`), discounted million over the horizon, before any sharing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from circflow.i18n import mark
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import Known, Setting, StoppedError
from circflow.studies.cluster.own_money import OUTSIDE, by_member, own_money
from circflow.studies.progress import Clock

LEAVING = ["leaver", "member", "together_million", "without_million", "change_million"]
JOINING = [
    "joiner",
    "without_million",
    "with_million",
    "adds_million",
    "gain_without_million",
    "gain_with_million",
    "own_change_million",
    "others_change_million",
    "gain",
    "lose",
]
_NOISE = 1e-7
"""Share of the cluster's gain below which a change of money is none."""


def leaving(
    cluster: Cluster, asked: Setting, tell: Callable[[str], None], clock: Clock
) -> pd.DataFrame:
    """Own money of everybody with all together, and with one member out, for those `asked`;
    members whose plan is not found before the `clock` is over are left out.

    leaver, member, together_million, without_million, change_million; the row of the leaver itself
    is its own money, alone among the others.
    """
    parts = []
    everybody, known = cluster.everybody, cluster.values.lookup(cluster.everybody)
    with_all = by_member(own_money(cluster.together), cluster.members)
    joined = sorted(everybody - cluster.apart)
    leavers = sorted(asked & set(joined)) if len(joined) > 1 else []
    needed = [n for n in leavers if n in known.used]
    found = cluster.values.engine.spread(
        _without, (cluster, clock), needed, mark("members that leave"), tell
    )
    plans = dict(zip(needed, found, strict=True))
    for n in leavers:
        without = with_all
        if n in plans:
            plan = plans[n]
            if plan is None:
                continue
            without, left = plan
            cluster.values.put(left.on, left.value, left.used)
        parts.append(
            pd.DataFrame(
                {
                    "leaver": cluster.members[n],
                    "member": [*cluster.members, OUTSIDE],
                    "together_million": with_all,
                    "without_million": without,
                    "change_million": without - with_all,
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=LEAVING)


def _without(job: tuple[Cluster, Clock], n: int) -> tuple[np.ndarray, Known] | None:
    """Own money of everybody in the plan without a member, and the value of the rest; None where
    the time is up."""
    cluster, clock = job
    rest = cluster.everybody - {n}
    try:
        if clock.is_over:
            return None
        plan = cluster.plan(rest, time_limit=clock.left)
    except StoppedError:
        return None
    value = cluster.values.lookup(cluster.effective(rest))
    return by_member(own_money(plan), cluster.members), value


def joining_others(cluster: Cluster, left: pd.DataFrame) -> pd.DataFrame:
    """What each member's joining does to the own money of each other one (and outside).

    joiner, member, without_million, with_million, change_million, effect (gains, loses, none).
    `left` is the table `leaving`: the cluster without a member is what it joins.
    """
    rows = left[left["leaver"] != left["member"]].reset_index(drop=True)
    change = -rows["change_million"].to_numpy(float)
    return pd.DataFrame(
        {
            "joiner": rows["leaver"],
            "member": rows["member"],
            "without_million": rows["without_million"],
            "with_million": rows["together_million"],
            "change_million": change + 0.0,
            "effect": effect(change, cluster.synergy),
        }
    )


def joining(cluster: Cluster, left: pd.DataFrame) -> pd.DataFrame:
    """What the cluster is worth with and without each member, and who gains and who loses.

    joiner, without_million = W(N − i), with_million = W(N), adds_million (the difference),
    gain_without_million = g(N − i), gain_with_million = g(N), own_change_million and
    others_change_million (own money of the joiner, and of the other members together), gain and
    lose (the other members whose own money rises, and falls). Ranked by what they add.
    """
    others = joining_others(cluster, left)
    others = others[others["member"] != OUTSIDE]
    of_leaver = left[left["leaver"] == left["member"]].set_index("leaver")["change_million"]
    rows = []
    together = cluster.together.objective
    for joiner, theirs in others.groupby("joiner", sort=False):
        number = cluster.members.index(str(joiner))
        without = cluster.value(cluster.everybody - {number})
        by_effect = {
            word: ", ".join(theirs.loc[theirs["effect"] == word, "member"])
            for word in ("gains", "loses")
        }
        rows.append(
            {
                "joiner": joiner,
                "without_million": without,
                "with_million": together,
                "adds_million": _clean(together - without, cluster),
                "gain_without_million": _clean(without - cluster.alone.objective, cluster),
                "gain_with_million": cluster.synergy,
                "own_change_million": _clean(-float(of_leaver[joiner]), cluster),
                "others_change_million": _clean(float(theirs["change_million"].sum()), cluster),
                "gain": by_effect["gains"],
                "lose": by_effect["loses"],
            }
        )
    table = pd.DataFrame(rows, columns=JOINING)
    return table.sort_values("adds_million", ascending=False, kind="stable", ignore_index=True)


def _clean(money: float, cluster: Cluster) -> float:
    """Money without rounding noise."""
    return money if abs(money) > 1e-9 * abs(cluster.synergy) else 0.0


def effect(change: np.ndarray, gain: float) -> np.ndarray:
    """gains, loses or none, for changes of money beside the gain of the cluster."""
    small = _NOISE * max(abs(gain), 1e-6)
    return np.select([change > small, change < -small], ["gains", "loses"], "none").astype(object)
