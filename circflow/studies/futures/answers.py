"""Answers for a board: what to build now, what to wait for, who bears the risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.studies.futures.first_stage import Floats, Risk

if TYPE_CHECKING:
    from circflow.studies.futures.result import Futures

WORST = Risk(alpha=0.9)
"""The worst tenth of the futures."""
_ALL = 1.0 - 1e-9


def candidates(found: Futures) -> pd.DataFrame:
    """Each candidate: when it is built for all futures, and how often it would be if known.

    unit, period (in RP), capacity, mean_period (built by the mean scenario's decisions),
    share_right (probability of the futures whose own optimum builds it), share_now (builds it in
    the first period it can be built in), advice (build now, build later, wait, leave).
    """
    units = list(dict.fromkeys(unit for name, unit, _ in found.first.labels if name == "built"))
    chosen = _period_of(found, found.decisions)
    meant = _period_of(found, found.mean)
    own = [_period_of(found, one) for one in found.own]
    first: dict[str, str] = {}
    for name, unit, period in found.first.labels:
        if name == "built":
            first.setdefault(unit, period)
    size = {one["unit"]: one["capacity"] for one in found.built}
    rows = []
    for unit in units:
        share = _share(found, [unit in plan for plan in own])
        now = _share(found, [plan.get(unit) == first[unit] for plan in own])
        rows.append(
            {
                "unit": unit,
                "period": chosen.get(unit),
                "capacity": size.get(unit, np.nan),
                "mean_period": meant.get(unit),
                "share_right": share,
                "share_now": now,
                "advice": _advice(found, unit, chosen.get(unit), first[unit], share),
            }
        )
    columns = ["unit", "period", "capacity", "mean_period", "share_right", "share_now", "advice"]
    return pd.DataFrame(rows, columns=columns)


def _period_of(found: Futures, decisions: Floats | None) -> dict[str, str]:
    return {one["unit"]: one["period"] for one in found.built_of(decisions)}


def _share(found: Futures, flags: list[bool]) -> float:
    return float(found.probabilities @ np.array(flags, dtype=float))


def _advice(found: Futures, unit: str, period: str | None, first: str, share: float) -> str:
    if found.decisions is None:
        return "no decisions hold in every future"
    if period == first:
        return "build now: right in every future" if share >= _ALL else "build now"
    if period is not None:
        return "build later"
    return "wait: right in some futures only" if share > 0.0 else "leave"


def members_risk(found: Futures) -> pd.DataFrame:
    """Each member's own money over the futures, under the decisions for all of them.

    member, mean, worst_tenth (its own worst futures), deviation (standard), lowest, highest (all
    million currency, discounted), share_of_risk (covariance with the whole divided by the
    variance of the whole; the shares add up to 1).
    """
    columns = [
        "member",
        "mean",
        "worst_tenth",
        "deviation",
        "lowest",
        "highest",
        "share_of_risk",
    ]
    if found.members.empty:
        return pd.DataFrame(columns=columns)
    likely = found.probabilities
    money = found.members.drop(columns="member").to_numpy(float)
    whole = money.sum(axis=0)
    apart = money - (money @ likely)[:, None]
    variance = float(likely @ (whole - likely @ whole) ** 2)
    shares = apart @ (likely * (whole - likely @ whole))
    return pd.DataFrame(
        {
            "member": found.members["member"],
            "mean": money @ likely,
            "worst_tenth": [WORST.cvar(row, likely) for row in money],
            "deviation": np.sqrt(apart**2 @ likely),
            "lowest": money.min(axis=1),
            "highest": money.max(axis=1),
            "share_of_risk": shares / variance if variance > 0.0 else np.nan,
        },
        columns=columns,
    )
