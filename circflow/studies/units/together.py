"""Candidates together: pairs that need or displace one another, and the order of entry.

Pairs. The other candidates stay as they are in the best plan, in period and size; those of the pair
that are built have the period of their own best plan, and any size; the budget is set aside. With
v(A) the value when of the two those in A are built,
    interaction = v(both) − v(one) − v(other) + v(none)
            = value of the pair less the values of both;
above 0 they are complements, below 0 substitutes.

Order of entry. Besides the yearly budgets, all candidates together may take K of capital; K grows
from nothing to what the best plan takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from circflow.i18n import mark, say
from circflow.studies.units.candidates import Bench, Plan, Setting

PAIRS = [
    "unit",
    "other",
    "unit_million",
    "other_million",
    "pair_million",
    "interaction_million",
    "kind",
]
_STEPS = 16
_NO_ROOM = mark("no room for one of them beside what is built")


def pairs(
    bench: Bench,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
    progress: Callable[[str], None],
) -> pd.DataFrame:
    """The interaction of every two of the units (columns as in `PAIRS`).

    Args:
        bench: the compiled scenario.
        best: its best plan.
        forced: for each unit that the best plan does not build, the best plan that builds it.
        units: candidates.
        progress: is told how far it is.
    """
    held = _Held(bench, best, forced)
    records = []
    for n, one in enumerate(units):
        progress(say("pairs of candidates: {n} of {count}", n=n + 1, count=len(units)))
        for other in units[n + 1 :]:
            none = held.value(out=(one, other))
            a = held.value(into=(one,), out=(other,))
            b = held.value(into=(other,), out=(one,))
            both = held.value(into=(one, other))
            records.append((one, other, *_interaction(none, a, b, both, abs(best.value))))
    table = pd.DataFrame(records, columns=PAIRS)
    size = table["interaction_million"].abs().fillna(np.inf)
    size = size.where(table["kind"] != _NO_ROOM, -1.0)
    return table.iloc[np.argsort(-size.to_numpy(), kind="stable")].reset_index(drop=True)


def _interaction(
    none: float, a: float, b: float, both: float, scale: float
) -> tuple[float, float, float, float, str]:
    one, other, pair = a - none, b - none, both - none
    if not np.isfinite(none):
        return np.nan, np.nan, np.nan, np.nan, say("no plan without both")
    if np.isfinite(both) and not (np.isfinite(a) and np.isfinite(b)):
        return _known(one), _known(other), pair, np.nan, say("one needs the other")
    if not np.isfinite(both):
        apart = np.isfinite(a) and np.isfinite(b)
        kind = say("exclude each other") if apart else _NO_ROOM
        return _known(one), _known(other), np.nan, np.nan, kind
    extra = pair - one - other
    small = 1e-7 * max(scale, 1.0)
    kind = "independent" if abs(extra) <= small else "complements" if extra > 0 else "substitutes"
    return one, other, pair, extra, kind


def _known(value: float) -> float:
    return value if np.isfinite(value) else np.nan


class _Held:
    """Values with every decision on building held, and the size of all but two candidates; each
    is computed once."""

    def __init__(self, bench: Bench, best: Plan, forced: Mapping[str, Plan]) -> None:
        self.bench, self.forced = bench, forced
        self.base = best.x
        self.program = bench.program.with_limits(bench.budgets, upper=np.inf)
        self.known: dict[tuple[frozenset[str], frozenset[str]], float] = {}
        self.standing = frozenset(bench.built(best.x))

    def value(self, into: Sequence[str] = (), out: Sequence[str] = ()) -> float:
        """The best value with some units in, some out, the others as in the best plan."""
        built = (self.standing | frozenset(into)) - frozenset(out)
        # Only the size of a candidate of the pair that is built and has one is free.
        sized = frozenset((*into, *out)) & built & frozenset(self.bench.size_columns)
        if (built, sized) not in self.known:
            self.known[built, sized] = self._solve(built, sized)
        return self.known[built, sized]

    def _solve(self, built: frozenset[str], sized: frozenset[str]) -> float:
        bench = self.bench
        x = self.base.copy()
        for unit in self.standing - built:
            x[bench.columns_of(unit)] = 0.0
            x[bench.running.get(unit, _NONE)] = 0.0
        for unit in built - self.standing:
            plan = self.forced.get(unit)
            if plan is None:
                return -np.inf
            own = bench.columns_of(unit)
            x[own] = plan.x[own]
            run = bench.running.get(unit, _NONE)
            x[run] = plan.x[run]
        low, high = x.copy(), x.copy()
        for unit in sized:
            own = bench.size_columns[unit]
            low[own], high[own] = 0.0, np.inf
        at, fixed = bench.sizes, np.round(x[bench.built_columns])
        program = self.program.with_bounds(at, low[at], high[at])
        # Where units may idle, what runs is searched.
        return bench.value(program.with_bounds(bench.built_columns, fixed, fixed), gap=1e-9)


_NONE = np.array([], dtype=np.intp)


def entry(
    bench: Bench, best: Plan, progress: Callable[[str], None]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best portfolio as capital grows, and the order in which candidates enter.

    Returns:
        capital_million (allowed), used_million, objective_million, marginal_value (of a million
        more, from this step to the next), built; and unit, enters_at_million (the smallest step
        from which the unit stands in every larger portfolio), capex_million.
    """
    whole = bench.capex(best.x)
    steps = np.unique(np.linspace(0.0, 1.0, _STEPS + 1) ** 1.5) * whole
    records, inside = [], []
    for n, capital in enumerate(steps):
        progress(say("portfolios: {n} of {count}", n=n + 1, count=len(steps)))
        last = n == len(steps) - 1
        plan = best if last else bench.solve(Setting(capital=float(capital)))
        if plan is None:
            continue
        built = bench.built(plan.x)
        inside.append((float(capital), set(built)))
        used = bench.capex(plan.x)
        records.append((float(capital), used, plan.value, np.nan, "; ".join(built)))
    names = ["capital_million", "used_million", "objective_million", "marginal_value", "built"]
    table = pd.DataFrame(records, columns=names)
    if len(table) > 1:
        rise = np.diff(table["objective_million"]) / np.diff(table["capital_million"])
        table["marginal_value"] = np.append(rise, np.nan)
    order = []
    for unit in bench.built(best.x):
        at = whole
        for step, standing in reversed(inside):
            if unit not in standing:
                break
            at = step
        order.append((unit, at, bench.capex(best.x, unit)))
    entered = pd.DataFrame(order, columns=["unit", "enters_at_million", "capex_million"])
    entered = entered.sort_values(["enters_at_million", "capex_million"], ignore_index=True)
    return table, entered
