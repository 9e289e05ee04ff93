"""What can go wrong: a unit or member that drops out for a period, and other futures.

Contingency. What is built stays as in the best plan, in its period and at its size; in one period
a unit stands still (its fixed and capital costs go on), or all units of a member do and nothing
passes between its sites and those of other members, while its waste arises as before. Everything
else is decided anew. The loss is the best plan's value less that of the plan that remains.

Robustness. In each sampled future (sheet Ranges) the plan is held: the same plants in the same
periods and at the same size, everything else anew. A plant is worth what the held plan loses
without it (a plant that is not built: gains with it). Building, or not building, was right where
that agrees with its sign; the regret is what the wrong decision costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from circflow.data.coded import Floats, Ints
from circflow.data.scenario import ScenarioError
from circflow.i18n import mark
from circflow.solver.compiled import Program
from circflow.solver.proven import Proven, best_value
from circflow.studies.bench.engine import Engine, blocks
from circflow.studies.sweeps.affine import Affine
from circflow.studies.sweeps.design import Design, changed, edits_of
from circflow.studies.sweeps.sampling import ranges_of, sample_points
from circflow.studies.sweeps.sweep import Sweeper
from circflow.studies.sweeps.worker import Options
from circflow.studies.units.candidates import Bench, Plan

CONTINGENCY = ["kind", "name", "period", "loss_million", "loss_share", "possible"]
FUTURES = ["unit", "built", "futures", "right_share", "mean_worth_million", "lowest_worth_million"]
FUTURES += ["highest_worth_million", "mean_regret_million", "highest_regret_million"]


def contingency(engine: Engine, bench: Bench, best: Plan) -> pd.DataFrame:
    """Every unit and every member that runs in the plan, dropping out in every period, ranked.

    Columns as in `CONTINGENCY`; without a plan that remains, the loss is
    NaN and it comes first.
    """
    activity = bench.places("activity")
    run = best.x[activity["place"].to_numpy(np.intp)]
    running = activity[run > 1e-9 * max(float(run.max(initial=0.0)), 1.0)]
    member_of = bench.scenario.member_of
    cases: list[_Case] = []
    for period in [p.name for p in bench.scenario.periods]:
        now = running[running["period"] == period]
        cases += [("unit", str(u), period, [str(u)]) for u in now["unit"].drop_duplicates()]
        owner = now["site"].map(member_of)
        for member, rows in now.groupby(owner, sort=False):
            cases.append(("member", str(member), period, rows["unit"].drop_duplicates().tolist()))

    what = mark("blocks of units and members that drop out")
    parts = engine.spread(values_without, (bench, best), blocks(cases), what)
    value = np.array(list(chain.from_iterable(parts)))
    possible = np.isfinite(value)
    loss = np.where(possible, best.value - value, np.nan)
    table = pd.DataFrame([case[:3] for case in cases], columns=CONTINGENCY[:3])
    share = loss / abs(best.value) if best.value else np.nan
    table = table.assign(loss_million=loss, loss_share=share, possible=possible)
    return table.sort_values(
        "loss_million", ascending=False, kind="stable", na_position="first", ignore_index=True
    )


_Case = tuple[str, str, str, list[str]]
"""Kind, name, period and the units that stand still."""


def values_without(plan: tuple[Bench, Plan], cases: Sequence[_Case]) -> list[float]:
    """The value of the plan that remains in each case, million; −inf without one."""
    bench, best = plan[0].twin(), plan[1]
    held = bench.held(bench.construction_of(best.x))
    least = [bench.compiled.families[limit.name] for limit in bench.m.of_part("min_load")]
    loads = [(row, *key) for f in least for row, key in zip(f.rows.tolist(), f.keys, strict=True)]
    values = []
    for kind, name, period, units in cases:
        still = [_of_units(bench, v, units, period) for v in ("activity", "running")]
        still += [_trade(bench, name, period)] if kind == "member" else []
        program = held.with_bounds(np.concatenate(still), 0.0, 0.0)
        free = np.array([r for r, u, t in loads if u in units and t == period], dtype=np.intp)
        values.append(bench.value(program.with_limits(free, lower=-np.inf), gap=1e-6))
    return values


_PLACED = ["unit", "period", "place"]


def _of_units(bench: Bench, variable: str, units: Sequence[str], period: str) -> Ints:
    rows = bench.places(variable)
    rows = rows[rows["unit"].isin(units) & (rows["period"] == period)]
    return rows["place"].to_numpy(np.intp)


def _trade(bench: Bench, member: str, period: str) -> Ints:
    """Flows between a member and other members."""
    rows = bench.places("flow")
    rows = rows[rows["period"] == period]
    sender, receiver, exchange = bench.scenario.ends(rows)
    number = bench.scenario.members.index(member)
    of_member = (sender == number) | (receiver == number)
    places: Ints = rows["place"].to_numpy(np.intp)[of_member & exchange]
    return places


# --------------------------------------------------------------------------- futures


def robustness(  # noqa: PLR0913
    engine: Engine,
    bench: Bench,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
    *,
    samples: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often building, or not building, each candidate was right in sampled futures.

    The arrays of a future are updated, as in a sweep, not built anew; but for few futures, and
    where a parameter's arrays are no line. `forced`: for each candidate that the best plan does
    not build, the best plan that builds it. The same seed samples the same futures.

    Returns:
        a row per unit (columns as in `FUTURES`) and a row per future and unit: future, unit,
        worth_million, right, regret_million.
    """
    design = sample_points(ranges_of(bench.scenario), samples, seed=seed)
    affine, usable = None, set(range(samples))
    if samples > 2 * len(design.parameters) + 2:
        options = Options()
        sweeper = Sweeper(bench.scenario, design, options, engine, check_every=None)
        affine, usable = sweeper.arrays()
    then = _Futures(bench, best, forced, units, design, affine)
    parts = engine.spread(_Futures.worths, then, sorted(usable), mark("futures"))
    records = [record for part in parts for record in part]
    each = pd.DataFrame(records, columns=["future", "unit", "worth_million"])
    return _judged(each, bench, best, units)


@dataclass(frozen=True)
class _Futures:
    """What is held in every future, and the arrays that a future updates (None: built anew)."""

    bench: Bench
    best: Plan
    forced: Mapping[str, Plan]
    units: Sequence[str]
    design: Design
    affine: Affine | None

    def _then(self, number: int) -> tuple[Bench, Program] | None:
        """A future's bench and programme; None where it is no scenario."""
        point, affine = self.design.points[number], self.affine
        if affine is not None and affine.knows(point):
            return self.bench, affine.base.program(affine.figures(point))
        edits = edits_of(self.design.parameters, point)
        try:
            then = Bench(changed(self.bench.scenario, edits))
        except ScenarioError:
            return None
        return then, then.program

    def worths(self, number: int) -> list[tuple[int, str, float]]:
        """Future, unit, and what the unit is worth in it where the plan is held and the budget set
        aside, in million."""
        future = self._then(number)
        if future is None:
            return []
        then, program = future
        lp, at = Proven(program.relaxed()), then.construction
        base = _carried(self.bench, then, self.best.x)

        def value(x: Floats) -> float:
            return best_value(then.held(x[at], program), lp, gap=1e-7)

        worth_of_all = value(base)
        worths = []
        for unit in self.units:
            other, columns = base.copy(), then.columns_of(unit)
            standing = self.bench.is_built(unit, self.best.x)
            if not standing and unit not in self.forced:
                continue
            other[columns] = 0.0
            if not standing:
                other[columns] = _carried(self.bench, then, self.forced[unit].x)[columns]
            worth = worth_of_all - value(other) if standing else value(other) - worth_of_all
            worths.append((number, unit, worth if np.isfinite(worth) else np.nan))
        return worths


def _judged(
    each: pd.DataFrame, bench: Bench, best: Plan, units: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """From what each unit is worth in each future, the tables of `robustness`."""
    standing = {unit: bench.is_built(unit, best.x) for unit in units}
    each = each[each["worth_million"].notna()].reset_index(drop=True)
    built = each["unit"].map(standing).astype(bool).to_numpy()
    worth = each["worth_million"].to_numpy(float)
    wrong = np.where(built, -worth, worth)  # what the decision costs, where it was wrong
    each = each.assign(right=wrong <= 0.0, regret_million=np.maximum(wrong, 0.0))
    of_unit = each.groupby("unit")
    worths, regrets = of_unit["worth_million"], of_unit["regret_million"]
    table = pd.DataFrame(
        {
            "futures": of_unit.size(),
            "right_share": of_unit["right"].mean(),
            "mean_worth_million": worths.mean(),
            "lowest_worth_million": worths.min(),
            "highest_worth_million": worths.max(),
            "mean_regret_million": regrets.mean(),
            "highest_regret_million": regrets.max(),
        }
    )
    table = table.reindex(pd.Index(units, name="unit")).fillna({"futures": 0}).reset_index()
    table = table.assign(built=table["unit"].map(standing), futures=table["futures"].astype(int))
    return table[FUTURES], each


def _carried(bench: Bench, bench_then: Bench, x: Floats) -> Floats:
    """What a plan of one bench builds, in the columns of another (by unit and period)."""
    x_then = np.zeros(bench_then.program.shape[1])
    held = np.zeros(len(x))
    held[bench.construction] = bench.construction_of(x)
    for name in ("built", "extra_capacity"):
        here, there = bench.places(name)[_PLACED], bench_then.places(name)[_PLACED]
        both = there.merge(here, on=["unit", "period"], suffixes=("", "_here"))
        x_then[both["place"]] = held[both["place_here"]]
    return x_then
