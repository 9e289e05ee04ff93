"""A composite index of scenarios: weighted indicators, brought to one scale.

Only where the planner gives weights (sheet Indicators). Two usual ways to bring indicators to one
scale (OECD and JRC, Handbook on Constructing Composite Indicators, 2008): min–max, (x − min) /
(max − min), and z-scores, (x − mean) / standard deviation (of the scenarios compared), both turned
round where lower is better. The index is the weighted mean. How much the ranking hangs on the
weights is shown by leaving each indicator out and by doubling its weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from circflow.data.coded import Floats, Ints
from circflow.i18n import say

METHODS = ("min-max", "z-score")


@dataclass(frozen=True)
class Composite:
    """The index of scenarios compared.

    `scores`: method, scenario, score, rank. `weights`: indicator, weight, better, then the figure
    of every scenario. `ranking`: method, indicator, change (left out, doubled), then the rank of
    every scenario. `left_out`: weighted indicators that not every scenario knows.
    """

    scores: pd.DataFrame
    weights: pd.DataFrame
    ranking: pd.DataFrame
    left_out: tuple[str, ...]


def composite(
    figures: pd.DataFrame, weights: pd.Series[float], better: pd.Series[str]
) -> Composite:
    """The index of the scenarios in the columns of `figures` (a row per indicator).

    `weights` (above 0) and `better` (higher, lower) are by indicator, as the rows of `figures`.
    Indicators that a scenario does not know are left out.
    """
    known = figures.notna().all(axis=1) & (weights > 0.0)
    names = list(figures.index[known])
    values = figures[known].to_numpy(float)
    weight: Floats = np.asarray(weights[known], dtype=np.float64)
    sign = np.where(better[known] == "lower", -1.0, 1.0)[:, None]
    scenarios = list(figures.columns)
    scores, ranking = [], []
    for method in METHODS:
        scaled = _scaled(values, method) * sign + (sign < 0.0) * (method == "min-max")
        score = _mean(scaled, weight)
        for name, one, rank in zip(scenarios, score, _ranks(score), strict=True):
            scores.append((method, name, float(one), int(rank)))
        for n, indicator in enumerate(names):
            for change, factor in ((say("left out"), 0.0), ("doubled", 2.0)):
                other = weight.copy()
                other[n] *= factor
                ranks = _ranks(_mean(scaled, other))
                ranking.append((method, indicator, change, *map(int, ranks)))
    table = figures[known].reset_index(names="indicator")
    table.insert(1, "weight", weight)
    table.insert(2, "better", better[known].to_numpy(object))
    return Composite(
        scores=pd.DataFrame(scores, columns=["method", "scenario", "score", "rank"]),
        weights=table,
        ranking=pd.DataFrame(ranking, columns=["method", "indicator", "change", *scenarios]),
        left_out=tuple(figures.index[(weights > 0.0) & ~known]),
    )


def _scaled(values: Floats, method: str) -> Floats:
    """Indicators (rows) on one scale over the scenarios (columns); 0 where all are alike."""
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    start, width = (
        (low, high - low)
        if method == "min-max"
        else (values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True))
    )
    alike = high - low <= 1e-12 * np.maximum(np.abs(low), np.abs(high))
    return np.where(alike, 0.0, (values - start) / np.where(alike, 1.0, width))


def _mean(scaled: Floats, weight: Floats) -> Floats:
    total = float(weight.sum())
    sums: Floats = weight @ scaled
    return sums / total if total > 0.0 else np.zeros(scaled.shape[1])


def _ranks(score: Floats) -> Ints:
    """1 for the best; equals (to 1e-9) share the better rank."""
    better = (score[None, :] > score[:, None] + 1e-9).sum(axis=1)
    return np.asarray(better + 1, dtype=np.intp)
