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

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from circflow.data.scenario import Scenario, ScenarioError
from circflow.solver.highs import Session
from circflow.studies.units.candidates import Bench, Floats, Ints, Plan

CONTINGENCY = ["kind", "name", "period", "loss_million", "loss_share", "possible"]
FUTURES = ["unit", "built", "futures", "right_share", "mean_worth_million", "lowest_worth_million"]
FUTURES += ["highest_worth_million", "mean_regret_million", "highest_regret_million"]


def contingency(bench: Bench, best: Plan, progress: Callable[[str], None]) -> pd.DataFrame:
    """Every unit and every member that runs in the plan, dropping out in every period, ranked.

    Columns as in `CONTINGENCY`; without a plan that remains, the loss is NaN and it comes first.
    """
    session = bench.holding()
    fixed = bench.construction_of(best.x)
    session.change_bounds(bench.construction, fixed, fixed)
    activity = bench.places("activity")
    run = best.x[activity["place"].to_numpy(np.intp)]
    running = activity[run > 1e-9 * max(float(run.max(initial=0.0)), 1.0)]
    member_of = bench.scenario.member_of
    cases: list[tuple[str, str, str, list[str]]] = []
    for period in [p.name for p in bench.scenario.periods]:
        now = running[running["period"] == period]
        cases += [("unit", str(u), period, [str(u)]) for u in now["unit"].drop_duplicates()]
        owner = now["site"].map(member_of)
        for member, rows in now.groupby(owner, sort=False):
            cases.append(("member", str(member), period, rows["unit"].drop_duplicates().tolist()))
    records = []
    for n, (kind, name, period, units) in enumerate(cases):
        progress(f"contingency: {n + 1} of {len(cases)}")
        columns = _activity(bench, units, period)
        if kind == "member":
            columns = np.append(columns, _trade(bench, name, period))
        value = _without(session, bench, columns, units, period)
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


def outage_losses(bench: Bench, best: Plan, cases: Sequence[tuple[str, str]]) -> Floats:
    """What is lost, in million, where a unit stands still in a period; inf without a plan.

    What is built stays as in the best plan, as in `contingency`.
    """
    session = bench.holding()
    fixed = bench.construction_of(best.x)
    session.change_bounds(bench.construction, fixed, fixed)
    values = [_without(session, bench, _activity(bench, [u], t), [u], t) for u, t in cases]
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
    own = (start == member) | (end == member)
    return rows.loc[(own & other).to_numpy(), "place"].to_numpy(np.intp)


def _without(
    session: Session, bench: Bench, columns: Ints, units: Sequence[str], period: str
) -> float:
    """The value with columns at 0, and without the least load of units in a period."""
    program = bench.program
    run = bench.places("running")
    run = run[run["unit"].isin(units) & (run["period"] == period)]
    still = np.append(columns, run["place"].to_numpy(np.intp)).astype(np.intp)
    least = [bench.compiled.families[limit.name] for limit in bench.m.of_part("min_load")]
    held = [(row, *key) for f in least for row, key in zip(f.rows.tolist(), f.keys, strict=True)]
    free = np.array([r for r, u, t in held if u in units and t == period], dtype=np.intp)
    zero = np.zeros(len(still))
    session.change_bounds(still, zero, zero)
    session.change_rows(free, np.full(len(free), -np.inf), program.row_upper[free])
    outcome = session.solve(gap=1e-6)
    session.change_bounds(still, program.lower[still], program.upper[still])
    session.change_rows(free, program.row_lower[free], program.row_upper[free])
    return -np.inf if outcome.x is None else -outcome.objective


# --------------------------------------------------------------------------- futures


def robustness(  # noqa: PLR0913
    bench: Bench,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
    *,
    samples: int,
    seed: int,
    progress: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often building, or not building, each candidate was right in sampled futures.

    Returns:
        a row per unit (columns as in `FUTURES`) and a row per future and unit: future, unit,
        worth_million, right, regret_million.
    """
    from circflow.studies.sweeps.design import changed, edits_of
    from circflow.studies.sweeps.sampling import ranges_of, sample_points

    scenario = bench.scenario
    design = sample_points(ranges_of(scenario), samples, seed=seed)
    records: list[tuple[int, str, float]] = []
    for n, point in enumerate(design.points):
        progress(f"futures: {n + 1} of {samples}")
        try:
            future = changed(scenario, edits_of(design.parameters, point))
        except ScenarioError:
            continue
        records += [(n, u, w) for u, w in _worths(future, bench, best, forced, units)]
    each = pd.DataFrame(records, columns=["future", "unit", "worth_million"])
    standing = {unit: bench.is_built(unit, best.x) for unit in units}
    built = each["unit"].map(standing).astype(bool).to_numpy()
    worth = each["worth_million"].to_numpy(float)
    each["right"] = np.where(np.isnan(worth), False, np.where(built, worth >= 0, worth <= 0))
    each["regret_million"] = np.where(built, np.maximum(-worth, 0.0), np.maximum(worth, 0.0))
    each = each[~np.isnan(worth)].reset_index(drop=True)
    rows = []
    for unit in units:
        own = each[each["unit"] == unit]
        w, r = own["worth_million"], own["regret_million"]
        right = float(own["right"].mean()) if len(own) else np.nan
        rows.append(
            (unit, standing[unit], len(own), right, w.mean(), w.min(), w.max(), r.mean(), r.max())
        )
    return pd.DataFrame(rows, columns=FUTURES), each


def _worths(
    future: Scenario,
    bench: Bench,
    best: Plan,
    forced: Mapping[str, Plan],
    units: Sequence[str],
) -> list[tuple[str, float]]:
    """What each unit is worth in a future in which the plan is held (the budget set aside)."""
    own = Bench(future)
    session = own.holding()
    base = _carried(bench, own, best.x)
    at = own.construction

    def value(x: Floats) -> float:
        session.change_bounds(at, x[at], x[at])
        outcome = session.solve(gap=1e-7)
        return -np.inf if outcome.x is None else -outcome.objective

    whole = value(base)
    made = []
    for unit in units:
        other = base.copy()
        standing = bench.is_built(unit, best.x)
        columns = own.columns_of(unit)
        if standing:
            other[columns] = 0.0
        elif unit in forced:
            other[columns] = _carried(bench, own, forced[unit].x)[columns]
        else:
            continue
        changed = value(other)
        worth = whole - changed if standing else changed - whole
        made.append((unit, worth if np.isfinite(worth) else np.nan))
    return made


def _carried(bench: Bench, own: Bench, x: Floats) -> Floats:
    """What a plan of one bench builds, in the columns of another (by unit and period)."""
    made = np.zeros(own.program.shape[1])
    held = np.zeros(len(x))
    held[bench.construction] = bench.construction_of(x)
    for name in ("built", "extra_capacity"):
        from_, to = bench.places(name), own.places(name)
        known = {(u, t): float(held[p]) for u, t, p in from_[_PLACED].itertuples(index=False)}
        for u, t, p in to[_PLACED].itertuples(index=False):
            made[p] = known.get((u, t), 0.0)
    return made
