"""Random points of uncertain figures: Latin hypercubes and Sobol sequences (SciPy's `qmc`).

    uniform      between low and high
    triangular   between low and high, its peak at the scenario's own value (1 for a factor, 0 for
                 an addition, the figure itself for a value; at the nearer end where that is
                 outside, in the middle where the cells have several figures)
    normal       low and high are the 5 % and 95 % quantiles
    lognormal    low and high are the 5 % and 95 % quantiles; both above 0

A point depends on the ranges, the number of points, the method and the seed only.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circflow.data.scenario import Scenario
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import MOST_RUNS, Design, Parameter, meant, parameter

METHODS = ("lhs", "sobol", "random")
DISTRIBUTIONS = ("uniform", "triangular", "normal", "lognormal")


@dataclass(frozen=True)
class Range:
    """How uncertain a parameter is."""

    parameter: Parameter
    low: float
    high: float
    distribution: str = "uniform"

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values at shares of probability between 0 and 1."""
        from scipy import stats

        low, high = self.low, self.high
        if low == high:
            return np.full(len(share), low)
        if self.distribution == "uniform":
            return np.asarray(low + (high - low) * share)
        if self.distribution == "triangular":
            peak = self.parameter.neutral
            peak = (low + high) / 2.0 if peak is None else min(max(peak, low), high)
            value = stats.triang.ppf(share, (peak - low) / (high - low), low, high - low)
            return np.asarray(value, dtype=float)
        if self.distribution == "lognormal":
            return np.exp(_normal(np.log(low), np.log(high), share))
        return _normal(low, high, share)


def _normal(low: float, high: float, share: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import stats

    spread = (high - low) / (2.0 * float(stats.norm.ppf(0.95)))
    return np.asarray(stats.norm.ppf(share, (low + high) / 2.0, spread), dtype=float)


def ranges_of(scenario: Scenario, parameters: Sequence[str] | None = None) -> list[Range]:
    """The rows of the sheet Ranges (those that are named, where any are).

    Raises `StudyError` where the sheet is empty or lacks a row that is named.
    """
    sheet = scenario.frame("Ranges")
    if sheet.empty:
        raise StudyError("the sheet Ranges is empty: fill it in, or give ranges in the call")
    ranges = [
        _range(scenario, str(r["parameter"]), r["change"], r["low"], r["high"], r["distribution"])
        for r in sheet.to_dict("records")
    ]
    if parameters is None:
        return ranges
    known: dict[str, Range] = {}
    for text, one in zip(sheet["parameter"], ranges, strict=True):
        known[str(text)] = known[one.parameter.address] = one
    missing = [p for p in parameters if p not in known]
    if missing:
        raise StudyError(
            "Ranges has no row {missing!r}{meant}",
            missing=missing[0],
            meant=meant(missing[0], known),
        )
    return [known[p] for p in parameters]


def given_ranges(
    scenario: Scenario, ranges: Mapping[str, Sequence[Any]], how: str | Mapping[str, str] = "factor"
) -> list[Range]:
    """Ranges given as {address: (low, high)} or {address: (low, high, distribution)}."""
    ranges_given = []
    for address, given in ranges.items():
        if isinstance(given, str) or not hasattr(given, "__len__") or not 2 <= len(given) <= 3:
            raise StudyError(
                "{address}: give (low, high) or (low, high, distribution)", address=address
            )
        kind = how if isinstance(how, str) else how.get(address, "factor")
        ranges_given.append(_range(scenario, address, kind, *given))
    if not ranges_given:
        raise StudyError("nothing is varied: name at least one parameter")
    return ranges_given


def _range(  # noqa: PLR0913, PLR0917
    scenario: Scenario,
    address: str,
    how: str,
    low: Any,
    high: Any,
    distribution: Any = "uniform",
) -> Range:
    one = parameter(scenario, address, how)
    if distribution not in DISTRIBUTIONS:
        raise StudyError(
            "{address}: the distribution must be one of {distributions}, not "
            "{distribution!r}{meant}",
            address=address,
            distributions=", ".join(DISTRIBUTIONS),
            distribution=distribution,
            meant=meant(str(distribution), DISTRIBUTIONS),
        )
    if one.kind not in ("number", "integer"):
        raise StudyError("{address} is not a number: it has no range", address=one.shown)
    try:
        bounds = float(low), float(high)
    except (TypeError, ValueError):
        raise StudyError("{address}: low and high must be numbers", address=one.shown) from None
    if not np.isfinite(bounds).all() or bounds[0] > bounds[1]:
        raise StudyError(
            "{address}: low {low} and high {high} are no range",
            address=one.shown,
            low=low,
            high=high,
        )
    if distribution == "lognormal" and bounds[0] <= 0.0:
        raise StudyError(
            "{address}: a lognormal figure is above 0, but low is {low}", address=one.shown, low=low
        )
    return Range(one, *bounds, distribution)


def sample_points(
    ranges: Sequence[Range], count: int, *, method: str = "lhs", seed: int = 0
) -> Design:
    """Random points of the ranges.

    Args:
        ranges: from `ranges_of` or `given_ranges`.
        count: how many; best a power of two for `sobol`.
        method: `lhs` (Latin hypercube), `sobol` (scrambled) or `random`.
        seed: the same seed gives the same points.

    Raises:
        StudyError: a count or a method that makes no sense, or a range named twice.
    """
    from scipy.stats import qmc

    if count < 1 or count > MOST_RUNS:
        raise StudyError(
            "the number of samples must be between 1 and {most_runs:,}, not {count}",
            most_runs=MOST_RUNS,
            count=count,
        )
    keys = [(r.parameter.address, r.parameter.how) for r in ranges]
    twice = [k for n, k in enumerate(keys) if k in keys[:n]]
    if twice:
        raise StudyError("{twice} has two ranges", twice=twice[0][0])
    if method == "lhs":
        shares = qmc.LatinHypercube(len(ranges), rng=seed).random(count)
    elif method == "sobol":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a count that is not a power of two is allowed
            shares = qmc.Sobol(len(ranges), rng=seed).random(count)
    elif method == "random":
        shares = np.random.default_rng(seed).random((count, len(ranges)))
    else:
        raise StudyError(
            "the method must be one of {methods}, not {method!r}{meant}",
            methods=", ".join(METHODS),
            method=method,
            meant=meant(method, METHODS),
        )
    inside = np.clip(shares, 1e-9, 1.0 - 1e-9)
    columns = [r.quantile(inside[:, n]) for n, r in enumerate(ranges)]
    for n, one in enumerate(ranges):
        if one.parameter.kind == "integer" and one.parameter.how != "factor":
            columns[n] = np.round(columns[n])
    points = tuple(tuple(float(v) for v in row) for row in np.array(columns).T)
    return Design(tuple(r.parameter for r in ranges), points)
