"""Break-evens, exact: the value of a parameter at which a unit is worth nothing to the plan.

With θ the parameter, a fixed plan's value is a + b·θ, so the best plan's value is the largest of
such lines: convex and piecewise linear in θ. The break-even is where
    V_with(θ) − V_without(θ) = 0.
Every plan that is found adds a line; the zero of the difference of the two largest lines is the
next θ (the method of Eisner and Severance 1976, for the difference of two such functions). First
with the decisions held, which takes milliseconds, then by a full search on both sides. It ends
when the full search finds nothing above the known lines, so the zero is exact, not from a grid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from circflow.algebra.build import weights
from circflow.algebra.investment import capital_charges
from circflow.data.coded import Floats
from circflow.data.scenario import MILLION
from circflow.i18n import mark, say
from circflow.report.vocabulary import UNSETTLED
from circflow.studies.units.candidates import Bench, Direction, Plan, Setting

_MOST_SEARCHES = 12
_MOST_STEPS = 25


@dataclass(frozen=True)
class Zero:
    """Where a unit is worth nothing."""

    theta: float
    """NaN where there is none between the limits."""
    rest: float
    """Its worth there, by a full search (million): 0 but for the gap of the search."""
    note: str = ""
    pays: bool | None = None
    """Where there is none: whether the unit pays anywhere between the limits, if known."""


Side = tuple[Bench, Setting, list[Plan]]
"""A bench, a setting, and plans known under it, the best at θ = 0 first (their values are those at
θ = 0; what is found is added, for another direction to begin with)."""


class _Side:
    """The lines known of one side, with or without the unit."""

    def __init__(self, side: Side, direction: Direction | None) -> None:
        (self.bench, self.setting, self.plans), self.direction = side, direction
        self.lines = [(plan.value, self._slope(plan)) for plan in self.plans]
        self.searched = {0.0}
        """Where the largest known line is known to be the best."""

    def _slope(self, plan: Plan) -> float:
        return self.direction.slope(plan.x) if self.direction is not None else 0.0

    def add(self, plan: Plan, theta: float) -> float:
        """Add the line of a plan found at θ; its value there."""
        slope = self._slope(plan)
        at_zero = plan.value - slope * theta
        self.lines.append((at_zero, slope))
        self.plans.append(replace(plan, value=at_zero))
        return plan.value

    def known(self, theta: float) -> float:
        """The largest known line at θ."""
        return max(a + b * theta for a, b in self.lines)

    def _best(self, theta: float) -> Plan:
        """The plan of the largest known line."""
        values = [a + b * theta for a, b in self.lines]
        return self.plans[values.index(max(values))]

    def ask(self, theta: float, *, search: bool) -> float:
        """The value at θ: by a full search, or with the decisions of the last plan."""
        if self.direction is None or (search and theta in self.searched):
            return self.known(theta)
        at = replace(self.setting, direction=self.direction, theta=theta)
        if search:
            plan = self.bench.solve(at, start=self._best(theta).x)
            self.searched.add(theta)
        else:
            plan = self.bench.hold(self._best(theta).x, at)
        return -np.inf if plan is None else self.add(plan, theta)


@dataclass(frozen=True)
class Sides:
    """The best plans with a unit and without it; of what both may be worth, differences below the
    `tolerance` (million) are none."""

    with_: Side
    without: Side
    tolerance: float

    @property
    def worth(self) -> float:
        """What the unit is worth, million."""
        return self.with_[2][0].value - self.without[2][0].value

    def capex(self, unit: str) -> Zero:
        """The capex that may be added (million)."""
        direction = capex_direction(self.with_[0], unit)
        slope = min((abs(w) for w in direction.worth if w), default=1.0)
        far = 10.0 * (abs(self.worth) / slope + 1.0)
        return self.zero(direction, None, low=-far, high=far, rises=False)

    def gate_fee(self, unit: str, material: str) -> Zero:
        """What the unit is paid for each unit of a material that it takes in (currency)."""
        bench, _, (plan, *_) = self.with_
        direction = gate_fee_direction(bench, unit, material)
        slope = direction.slope(plan.x)
        far = 100.0 * abs(self.worth) / slope + 1000.0 if slope > 0.0 else 1e6
        return self.zero(direction, None, low=-far, high=far, rises=True)

    def zero(
        self,
        direction: Direction,
        direction_without: Direction | None,
        *,
        low: float,
        high: float,
        rises: bool,
    ) -> Zero:
        """The zero of the unit's worth, nearest to θ = 0.

        Args:
            direction: what θ adds to the plans with the unit.
            direction_without: to those without it; None: they do not depend on θ.
            low: smallest θ that makes sense.
            high: greatest one.
            rises: whether a greater θ makes the unit worth more.
        """
        one, other = _Side(self.with_, direction), _Side(self.without, direction_without)
        for _ in range(_MOST_SEARCHES):
            theta = _inner(one, other, low, high)
            if theta is None:
                pays = one.known(0.0) > other.known(0.0)
                end = low if pays == rises else high
                if _stays(one, other, end, pays):
                    sentence = _ALWAYS if pays else _NEVER
                    note = say(sentence, low=low, high=high)
                    return Zero(np.nan, np.nan, note, pays)
                continue
            known = one.known(theta), other.known(theta)
            answers = one.ask(theta, search=True), other.ask(theta, search=True)
            if all(a <= k + self.tolerance for a, k in zip(answers, known, strict=True)):
                return Zero(theta, one.known(theta) - other.known(theta))
        return Zero(np.nan, np.nan, say(UNSETTLED))


_ALWAYS = mark("pays at any value between {low:,.6g} and {high:,.6g}")
_NEVER = mark("does not pay at any value between {low:,.6g} and {high:,.6g}")


def _stays(one: _Side, other: _Side, end: float, pays: bool) -> bool:
    """Whether the unit's worth has its sign at the far end as well.

    The lines of one side bound its value from below, so a search on the other side is enough.
    """
    one.ask(end, search=False)
    other.ask(end, search=False)
    better, worse = (one, other) if pays else (other, one)
    if worse.known(end) >= better.known(end):
        return False
    worse.ask(end, search=True)
    return worse.known(end) < better.known(end)


def _inner(one: _Side, other: _Side, low: float, high: float) -> float | None:
    """The zero with the decisions held, improved until it stands."""
    theta = _zero(one, other, low, high)
    for _ in range(_MOST_STEPS):
        if theta is None:
            return None
        one.ask(theta, search=False)
        other.ask(theta, search=False)
        new = _zero(one, other, low, high)
        if new is not None and abs(new - theta) <= 1e-12 * max(abs(theta), abs(new), 1e-9):
            return new
        theta = new
    return theta


def _zero(one: _Side, other: _Side, low: float, high: float) -> float | None:
    """The zero, nearest to 0, of the difference of the largest known lines."""
    kinks = [low, high, *_kinks(one.lines), *_kinks(other.lines)]
    points = np.unique([k for k in kinks if low <= k <= high and np.isfinite(k)])
    worth = np.array([one.known(t) - other.known(t) for t in points])
    zeros = [float(t) for t, w in zip(points, worth, strict=True) if w == 0.0]
    for n in np.flatnonzero(worth[:-1] * worth[1:] < 0.0).tolist():
        a, b, wa, wb = points[n], points[n + 1], worth[n], worth[n + 1]
        zeros.append(float(a - wa * (b - a) / (wb - wa)))
    return min(zeros, key=abs) if zeros else None


def _kinks(lines: list[tuple[float, float]]) -> list[float]:
    """Where any two lines meet."""
    a = np.array([line[0] for line in lines])
    b = np.array([line[1] for line in lines])
    i, j = np.triu_indices(len(lines), 1)
    differ = b[i] != b[j]
    i, j = i[differ], j[differ]
    crossings: list[float] = ((a[j] - a[i]) / (b[i] - b[j])).tolist()
    return crossings


# --------------------------------------------------------------------------- directions


def capex_direction(bench: Bench, unit: str) -> Direction:
    """One million of capex more, at any size: what it costs the objective."""
    rows = bench.places("built")
    charges = capital_charges(bench.m)[rows["column"].to_numpy(np.intp) - bench.m["built"].first]
    of_unit = (rows["unit"] == unit).to_numpy(bool)
    factor = weights(bench.scenario).value
    return Direction(rows["place"].to_numpy(np.intp)[of_unit], -charges[of_unit] * factor)


def price_direction(bench: Bench, material: str) -> Direction:
    """Every market price of a material, times 1 + θ."""
    rows = bench.places("sold")
    rows = rows[rows["material"] == material]
    return _money(bench, rows["place"].to_numpy(np.intp), rows["period"], rows["price"])


def gate_fee_direction(bench: Bench, unit: str, material: str) -> Direction:
    """One unit of currency that a unit is paid for each unit of a material it takes in."""
    columns, amounts, periods = _taken_in(bench, unit, material)
    return _money(bench, columns, periods, amounts)


def _taken_in(bench: Bench, unit: str, material: str) -> tuple[Floats, Floats, list[str]]:
    recipes = bench.scenario.frame("Recipes")
    plain = recipes[
        recipes["group"].isna() & (recipes["role"] == "input") & (recipes["material"] == material)
    ]
    amounts = plain.groupby(["technology", "recipe"])["amount"].sum().reset_index()
    activity = bench.places("activity")
    activity = activity[activity["unit"] == unit].merge(amounts, on=["technology", "recipe"])
    intake = bench.places("intake")
    intake = intake[(intake["unit"] == unit) & (intake["material"] == material)]
    columns = np.concatenate([activity["place"].to_numpy(), intake["place"].to_numpy()])
    amount = np.concatenate([activity["amount"].to_numpy(float), np.ones(len(intake))])
    return columns.astype(np.intp), amount, [*activity["period"], *intake["period"]]


def _money(bench: Bench, columns: Floats, periods: Iterable[str], per_unit: ArrayLike) -> Direction:
    worth = np.asarray(per_unit, dtype=float) * bench.scenario.weights_of(periods) / MILLION
    return Direction(columns.astype(np.intp), worth * weights(bench.scenario).value)
