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

from collections.abc import Mapping, Sequence
from itertools import chain, combinations

import numpy as np
import pandas as pd

from circflow.i18n import mark
from circflow.studies.bench.engine import Engine, blocks
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
_NO_ROOM = "no room for one of them beside what is built"


def pairs(
    engine: Engine,
    bench: Bench,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
) -> pd.DataFrame:
    """The interaction of every two of some candidates (columns as in `PAIRS`); `forced`: for each
    that the best plan does not build, the best plan that builds it."""
    scale, standing = abs(best.value), frozenset(bench.built(best.x))
    sized = frozenset(bench.size_columns)

    def cases(one: str, other: str) -> list[_Case]:
        """What is built with none of a pair, with one, with the other, with both, and which of
        the pair that are built have a size that is free."""
        pair = frozenset((one, other))
        into = (frozenset[str](), frozenset((one,)), frozenset((other,)), pair)
        built = [(standing - pair) | some for some in into]
        return [(b, pair & b & sized) for b in built]

    both = list(combinations(units, 2))
    todo = list(dict.fromkeys(case for pair in both for case in cases(*pair)))
    parts = engine.spread(
        _Held.values, _Held(bench, best, forced), blocks(todo),
        mark("blocks of combinations of candidates"),
    )  # fmt: skip
    known = dict(zip(todo, chain.from_iterable(parts), strict=True))
    records = [(*pair, *_interaction([known[c] for c in cases(*pair)], scale)) for pair in both]
    table = pd.DataFrame(records, columns=PAIRS)
    size = table["interaction_million"].abs().fillna(np.inf)
    size = size.where(table["kind"] != _NO_ROOM, -1.0)
    return table.iloc[np.argsort(-size.to_numpy(), kind="stable")].reset_index(drop=True)


def _interaction(values: Sequence[float], scale: float) -> tuple[float, float, float, float, str]:
    """What a pair is worth, of the values with none, with one, with the other, with both."""
    none, a, b, both = values
    one, other, pair = a - none, b - none, both - none
    if not np.isfinite(none):
        return np.nan, np.nan, np.nan, np.nan, "no plan without both"
    if np.isfinite(both) and not (np.isfinite(a) and np.isfinite(b)):
        return _known(one), _known(other), pair, np.nan, "one needs the other"
    if not np.isfinite(both):
        apart = np.isfinite(a) and np.isfinite(b)
        kind = "exclude each other" if apart else _NO_ROOM
        return _known(one), _known(other), np.nan, np.nan, kind
    extra = pair - one - other
    small = 1e-7 * max(scale, 1.0)
    kind = "independent" if abs(extra) <= small else "complements" if extra > 0 else "substitutes"
    return one, other, pair, extra, kind


def _known(value: float) -> float:
    return value if np.isfinite(value) else np.nan


_Case = tuple[frozenset[str], frozenset[str]]
"""The candidates that are built, and those of them whose size is free."""


class _Held:
    """Values with every decision on building held, and the size of all but two candidates."""

    def __init__(self, bench: Bench, best: Plan, forced: Mapping[str, Plan]) -> None:
        self.bench, self.forced = bench, forced
        self.base = best.x
        self.program = bench.program.with_limits(bench.budgets, upper=np.inf)
        self.standing = frozenset(bench.built(best.x))

    def values(self, cases: Sequence[_Case]) -> list[float]:
        """The best values with some candidates built, the size of some of them free."""
        bench = self.bench.twin()
        return [self._value(bench, *case) for case in cases]

    def _value(self, bench: Bench, built: frozenset[str], sized: frozenset[str]) -> float:
        x = self.base.copy()
        for unit in self.standing - built:
            x[bench.columns_of(unit)] = 0.0
        for unit in built - self.standing:
            plan = self.forced.get(unit)
            if plan is None:
                return -np.inf
            columns = bench.columns_of(unit)
            x[columns] = plan.x[columns]
        low, high = x.copy(), x.copy()
        for unit in sized:
            columns = bench.size_columns[unit]
            low[columns], high[columns] = 0.0, np.inf
        at, fixed = bench.sizes, np.round(x[bench.built_columns])
        program = self.program.with_bounds(at, low[at], high[at])
        # Where units may idle, what runs is searched.
        return bench.value(program.with_bounds(bench.built_columns, fixed, fixed), gap=1e-9)


def entry(engine: Engine, bench: Bench, best: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best portfolio as capital grows, and the order in which candidates enter.

    Returns:
        capital_million (allowed), used_million, objective_million, marginal_value (of a million
        more, from this step to the next), built; and unit, enters_at_million (the smallest step
        from which the unit stands in every larger portfolio), capex_million.
    """
    capex = bench.capex(best.x)
    steps = (np.unique(np.linspace(0.0, 1.0, _STEPS + 1) ** 1.5) * capex).tolist()

    plans = [*engine.spread(_portfolio, bench, steps[:-1], mark("portfolios")), best]
    records, inside = [], []
    for capital, plan in zip(steps, plans, strict=True):
        if plan is None:
            continue
        built = bench.built(plan.x)
        inside.append((capital, set(built)))
        used = bench.capex(plan.x)
        records.append((capital, used, plan.value, np.nan, "; ".join(built)))
    names = ["capital_million", "used_million", "objective_million", "marginal_value", "built"]
    table = pd.DataFrame(records, columns=names)
    rise, cost = (table[n].diff().shift(-1) for n in ("objective_million", "capital_million"))
    table["marginal_value"] = rise / cost  # NaN where no capital is used at all
    order = []
    for unit in bench.built(best.x):
        at = capex
        for step, standing in reversed(inside):
            if unit not in standing:
                break
            at = step
        order.append((unit, at, bench.capex(best.x, unit)))
    entered = pd.DataFrame(order, columns=["unit", "enters_at_million", "capex_million"])
    entered = entered.sort_values(["enters_at_million", "capex_million"], ignore_index=True)
    return table, entered


def _portfolio(bench: Bench, capital: float) -> Plan | None:
    return bench.solve(Setting(capital=capital))
