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
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import mark
from circflow.solver.compiled import Program
from circflow.solver.proven import Proven, best_value
from circflow.studies.bench.engine import Engine, blocks
from circflow.studies.units.candidates import Bench, Floats, Ints, Plan

if TYPE_CHECKING:
    from circflow.studies.sweeps.affine import Affine
    from circflow.studies.sweeps.design import Design, Point

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
    parts = engine.spread(_values_without, (bench, best), blocks(cases), what)
    values = chain.from_iterable(parts)
    records = []
    for (kind, name, period, _), value in zip(cases, values, strict=True):
        loss = best.value - value
        share = loss / abs(best.value) if best.value else np.nan
        possible = bool(np.isfinite(value))
        records.append(
            (kind, name, period, loss if possible else np.nan, share if possible else np.nan,
             possible)
        )  # fmt: skip
    table = pd.DataFrame(records, columns=CONTINGENCY)
    rank = table["loss_million"].fillna(np.inf).to_numpy(float)
    return table.iloc[np.argsort(-rank, kind="stable")].reset_index(drop=True)


_Case = tuple[str, str, str, list[str]]
"""Kind, name, period and the units that stand still."""


def _values_without(plan: tuple[Bench, Plan], cases: Sequence[_Case]) -> list[float]:
    bench, best = plan[0].twin(), plan[1]
    held = bench.held(bench.construction_of(best.x))
    values = []
    for kind, name, period, units in cases:
        columns = _activity(bench, units, period)
        if kind == "member":
            columns = np.append(columns, _trade(bench, name, period))
        values.append(_without(held, bench, columns, units, period))
    return values


def outage_losses(bench: Bench, best: Plan, cases: Sequence[tuple[str, str]]) -> Floats:
    """What is lost, in million, where a unit stands still in a period; inf without a plan.

    What is built stays as in the best plan, as in `contingency`.
    """
    held = bench.held(bench.construction_of(best.x))
    values = [_without(held, bench, _activity(bench, [u], t), [u], t) for u, t in cases]
    return best.value - np.array(values)


_PLACED = ["unit", "period", "place"]


def _activity(bench: Bench, units: Sequence[str], period: str) -> Ints:
    rows = bench.places("activity")
    rows = rows[rows["unit"].isin(units) & (rows["period"] == period)]
    return rows["place"].to_numpy(np.intp)


def _trade(bench: Bench, member: str, period: str) -> Ints:
    """Flows between a member and other members."""
    rows = bench.places("flow")
    rows = rows[rows["period"] == period]
    member_of = bench.scenario.member_of
    start, end = rows["from"].map(member_of), rows["to"].map(member_of)
    other = (start != end) & start.notna() & end.notna()
    of_member = (start == member) | (end == member)
    return rows.loc[(of_member & other).to_numpy(), "place"].to_numpy(np.intp)


def _without(
    program: Program, bench: Bench, columns: Ints, units: Sequence[str], period: str
) -> float:
    """The value with columns at 0, and without the least load of units in a period."""
    run = bench.places("running")
    run = run[run["unit"].isin(units) & (run["period"] == period)]
    still = np.append(columns, run["place"].to_numpy(np.intp)).astype(np.intp)
    least = [bench.compiled.families[limit.name] for limit in bench.m.of_part("min_load")]
    held = [(row, *key) for f in least for row, key in zip(f.rows.tolist(), f.keys, strict=True)]
    free = np.array([r for r, u, t in held if u in units and t == period], dtype=np.intp)
    return bench.value(
        program.with_bounds(still, 0.0, 0.0).with_limits(free, lower=-np.inf), gap=1e-6
    )


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
    where a parameter's arrays are no line.

    Args:
        engine: does the work.
        bench: of the scenario.
        best: its best plan.
        forced: for each unit that the best plan does not build, the best plan that builds it.
        units: candidates.
        samples: futures.
        seed: the same seed samples the same futures.

    Returns:
        a row per unit (columns as in `FUTURES`) and a row per future and unit: future, unit,
        worth_million, right, regret_million.
    """
    from circflow.studies.sweeps.sampling import ranges_of, sample_points

    design = sample_points(ranges_of(bench.scenario), samples, seed=seed)
    affine, usable = None, set(range(samples))
    if samples > 2 * len(design.parameters) + 2:
        affine, usable = _arrays(bench.scenario, design, engine)

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

    def worths(self, number: int) -> list[tuple[int, str, float]]:
        """Future, unit, and what the unit is worth in it, in million."""
        then, point, affine = self.bench, self.design.points[number], self.affine
        if affine is not None and affine.knows(point):
            program = affine.base.program(affine.figures(point))
        else:
            rebuilt = _rebuilt(self.bench, self.design, point)
            if rebuilt is None:
                return []
            then, program = rebuilt, rebuilt.program
        worths = _worths(self.bench, then, program, self.best, self.forced, self.units)
        return [(number, unit, worth) for unit, worth in worths]


def _judged(
    each: pd.DataFrame, bench: Bench, best: Plan, units: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """From what each unit is worth in each future, the tables of `robustness`."""
    standing = {unit: bench.is_built(unit, best.x) for unit in units}
    built = each["unit"].map(standing).astype(bool).to_numpy()
    worth = each["worth_million"].to_numpy(float)
    each["right"] = np.where(np.isnan(worth), False, np.where(built, worth >= 0, worth <= 0))
    each["regret_million"] = np.where(built, np.maximum(-worth, 0.0), np.maximum(worth, 0.0))
    each = each[~np.isnan(worth)].reset_index(drop=True)
    rows = []
    for unit in units:
        of_unit = each[each["unit"] == unit]
        w, r = of_unit["worth_million"], of_unit["regret_million"]
        right = float(of_unit["right"].mean()) if len(of_unit) else np.nan
        rows.append(
            (
                unit,
                standing[unit],
                len(of_unit),
                right,
                w.mean(),
                w.min(),
                w.max(),
                r.mean(),
                r.max(),
            )
        )
    return pd.DataFrame(rows, columns=FUTURES), each


def _arrays(scenario: Scenario, design: Design, engine: Engine) -> tuple[Affine, set[int]]:
    """The arrays as they depend on the parameters, and the futures that are a scenario."""
    from circflow.studies.sweeps.sweep import Sweeper
    from circflow.studies.sweeps.worker import Options

    return Sweeper(scenario, design, Options(), engine, None, False, None, engine.tell).arrays()


def _rebuilt(bench: Bench, design: Design, point: Point) -> Bench | None:
    """A future built anew; None where it is no scenario."""
    from circflow.studies.sweeps.design import changed, edits_of

    try:
        return Bench(changed(bench.scenario, edits_of(design.parameters, point)))
    except ScenarioError:
        return None


def _worths(  # noqa: PLR0913, PLR0917
    bench: Bench,
    bench_then: Bench,
    program: Program,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
) -> list[tuple[str, float]]:
    """What each unit is worth in a future (its bench `bench_then`) in which the plan is held, the
    budget set aside."""
    lp = Proven(program.relaxed())
    base = _carried(bench, bench_then, best.x)
    at = bench_then.construction

    def value(x: Floats) -> float:
        return best_value(bench_then.held(x[at], program), lp, gap=1e-7)

    worth_of_all = value(base)
    worths = []
    for unit in units:
        other = base.copy()
        standing = bench.is_built(unit, best.x)
        columns = bench_then.columns_of(unit)
        if standing:
            other[columns] = 0.0
        elif unit in forced:
            other[columns] = _carried(bench, bench_then, forced[unit].x)[columns]
        else:
            continue
        changed = value(other)
        worth = worth_of_all - changed if standing else changed - worth_of_all
        worths.append((unit, worth if np.isfinite(worth) else np.nan))
    return worths


def _carried(bench: Bench, bench_then: Bench, x: Floats) -> Floats:
    """What a plan of one bench builds, in the columns of another (by unit and period)."""
    x_then = np.zeros(bench_then.program.shape[1])
    held = np.zeros(len(x))
    held[bench.construction] = bench.construction_of(x)
    for name in ("built", "extra_capacity"):
        from_, to = bench.places(name), bench_then.places(name)
        known = {(u, t): float(held[p]) for u, t, p in from_[_PLACED].itertuples(index=False)}
        for u, t, p in to[_PLACED].itertuples(index=False):
            x_then[p] = known.get((u, t), 0.0)
    return x_then
