"""What a member's coming or going does: value with and without it, and its effect on the others.

A member that has left, or not yet joined, stays in the scenario on its own: with N all members,
the cluster is worth W(N) with member i and W(N − i) without it (MODEL: coalitions). Money is own
money (see `own_money`), discounted million over the horizon, before any sharing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from circflow.data.result import stacked
from circflow.i18n import mark
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import Known, Setting, StoppedError
from circflow.studies.cluster.own_money import OUTSIDE, by_member, own_money
from circflow.studies.progress import Clock

LEAVING = ["leaver", "member", "together_million", "without_million", "change_million"]
_NOISE = 1e-7
"""Share of the cluster's gain below which a change of money is none."""


def leaving(cluster: Cluster, asked: Setting, clock: Clock) -> pd.DataFrame:
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
    without_each = cluster.values.engine.spread(
        _without, (cluster, clock), needed, mark("members that leave")
    )
    plans = dict(zip(needed, without_each, strict=True))
    for n in leavers:
        without = with_all
        if n in plans:
            plan = plans[n]
            if plan is None:
                continue
            without, left = plan
            cluster.values.add(left)
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
    return stacked(parts, LEAVING)


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
    by_joiner = others.groupby("joiner", sort=False)
    joiners = [str(joiner) for joiner, _ in by_joiner]
    change_of_joiner = left[left["leaver"] == left["member"]].set_index("leaver")["change_million"]
    rest = [cluster.everybody - {cluster.members.index(joiner)} for joiner in joiners]
    without = np.array([cluster.value(members) for members in rest])
    together = cluster.together.objective

    def clean(money: Any) -> np.ndarray:
        """Money without rounding noise."""
        return np.where(np.abs(money) > 1e-9 * abs(cluster.synergy), money, 0.0)

    def who(word: str) -> list[str]:
        return [", ".join(t["member"][t["effect"] == word]) for _, t in by_joiner]

    table = pd.DataFrame(
        {
            "joiner": joiners,
            "without_million": without,
            "with_million": together,
            "adds_million": clean(together - without),
            "gain_without_million": clean(without - cluster.alone.objective),
            "gain_with_million": cluster.synergy,
            "own_change_million": clean(-change_of_joiner.loc[joiners].to_numpy(float)),
            "others_change_million": clean(by_joiner["change_million"].sum().to_numpy(float)),
            "gain": who("gains"),
            "lose": who("loses"),
        }
    )
    return table.sort_values("adds_million", ascending=False, kind="stable", ignore_index=True)


def effect(change: np.ndarray, gain: float) -> np.ndarray:
    """gains, loses or none, for changes of money beside the gain of the cluster."""
    small = _NOISE * max(abs(gain), 1e-6)
    return np.select([change > small, change < -small], ["gains", "loses"], "none").astype(object)
