"""Whether a sample was large enough: decisions judged on futures that they were not made for.

Two fresh samples ξ¹, ξ² of n futures each. For each the best decisions x* are found; G_k is the
proven bound of their mean worth less the mean worth of the decisions x judged, s_k the standard
deviation of V(x*, ξ) − V(x, ξ). The gap of x to the true optimum is at most

    (G_1 + G_2)/2 + t_{0.95, 2n−1} · sqrt((s_1² + s_2²)/2) / sqrt(2n)   with 95 % confidence

(averaged two-replication procedure: Bayraksan and Morton 2006, Assessing solution quality in
stochastic programs). The mean worth of x over all 2n has the usual interval of a mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circflow.data.coded import Floats
from circflow.studies.futures.first_stage import Risk

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Tested:
    """How decisions do in futures that they were not made for. Money in million currency."""

    samples: int
    without_plan: int
    """Futures in which the decisions leave no plan; then nothing else is known."""
    mean: float = np.nan
    mean_low: float = np.nan
    mean_high: float = np.nan
    cvar: float = np.nan
    measure: float = np.nan
    gap: float = np.nan
    """Estimated distance of the mean worth to the best possible."""
    gap_high: float = np.nan
    """With 95 % confidence the gap is not above it. NaN with a risk preference."""
    worths: Floats | None = None

    def summary(self) -> dict[str, float | int]:
        """For JSON."""
        return {name: value for name, value in vars(self).items() if name != "worths"}


def judged(batches: Sequence[tuple[Floats, Floats, float]], risk: Risk) -> Tested:
    """From worths under the decisions, under the best ones, and the bound, of each batch."""
    from scipy.special import stdtrit

    worths = np.concatenate([batch[0] for batch in batches])
    count, missing = len(worths), int(np.isnan(worths).sum())
    if missing:
        return Tested(count, missing)
    equal = np.full(count, 1.0 / count)
    mean = float(worths.mean())
    deviation = float(worths.std(ddof=1)) if count > 1 else np.nan
    half = float(stdtrit(count - 1, (1.0 + CONFIDENCE) / 2.0)) * deviation / np.sqrt(count)
    gap = gap_high = np.nan
    if risk.omega == 0.0 and not any(np.isnan(bound) for _, _, bound in batches):
        gap = float(np.mean([bound - worth.mean() for worth, _, bound in batches]))
        spread = [
            float(np.var(best - worth, ddof=1)) if len(worth) > 1 else np.nan
            for worth, best, _ in batches
        ]
        error = float(np.sqrt(np.mean(spread)) / np.sqrt(count))
        gap_high = gap + float(stdtrit(count - 1, CONFIDENCE)) * error
    return Tested(
        count,
        0,
        mean,
        mean - half,
        mean + half,
        risk.cvar(worths, equal),
        risk.measure(worths, equal),
        gap,
        gap_high,
        worths,
    )
