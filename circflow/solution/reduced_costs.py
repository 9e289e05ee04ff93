"""What a unit of every possible step would have to earn more to come into the plan.

A step is a journey, a sale, or a recipe of a unit together with the inputs that fill its groups.
Its reduced cost is that of the LP (see `circflow.solution.lp_of_plan`), of each group with the
input that costs least at the plan's prices. It is 0 for steps of the plan.

What a unit that is not built, or stands idle, would gain by capacity is a price of a decision that
is fixed, and says nothing. So what such a step `lacks` is its reduced cost without it, but with the
capital of what is not built: capex, as charged, and fixed cost (and what they take of a budget) per
unit of activity at full load, in the cheapest window and size. A step that lacks nothing then is
kept out by the decision: a choice, a least load, or too little to fill the plant.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from circflow.data.coded import Floats, Ints, Items, numbered
from circflow.data.scenario import MILLION
from circflow.i18n import mark
from circflow.solution.lp_of_plan import PARTS, Optimality, entries
from circflow.solution.solution import Solution

IN_SERVICE, IDLE, NOT_BUILT = mark("in service"), "idle", mark("not built")
MARKET_LIMIT = "market_limit"
CAPITAL, BUDGET = "capital", "budget"
SUPPLY, OUTLETS = "supply", "outlets"
FIGURES = (*PARTS, MARKET_LIMIT, CAPITAL, BUDGET, SUPPLY, OUTLETS)
"""Parts of what a step lacks: costs are positive, what is earned is negative. `supply` and
`outlets`: see `circflow.solution.supply_and_outlets`."""
_OFF = 1e-6
"""Share in service below which a unit is none."""


@dataclass(frozen=True)
class Steps:
    """All possible steps. `figures` has a column for each of `FIGURES`, in currency per unit of
    activity, of what is sent, of what is sold, of what is taken in; `lacks` is their sum, where
    a unit is out of service without `capacity` and `min_load`."""

    optimality: Optimality = field(repr=False)
    runs: Kind
    """Recipes of units, groups of inputs apart."""
    intakes: Kind
    flows: Kind
    sales: Kind
    fillings: Items
    """Inputs that can fill the groups of runs: run, intake (positions), group (of the run, by
    number), per_activity (amount of the input per unit of activity)."""


@dataclass(frozen=True)
class Kind:
    """Steps of one kind: `labels`, `columns` of the LP, `figures`, `lacks`."""

    labels: pd.DataFrame
    columns: Ints
    figures: Floats
    lacks: Floats
    """Infinite where there is no room at all (a limit of 0)."""


def steps(solution: Solution) -> Steps | None:
    """The possible steps of a plan; None where the solver gave no prices."""
    known = solution.optimality
    if known is None or not known.value_weight:
        return None
    intakes, flows = (plain(known, name) for name in ("intake", "flow"))
    runs = _runs(solution, known)
    return Steps(known, runs, intakes, flows, _sales(known), _fillings(runs, intakes))


def plain(known: Optimality, name: str) -> Kind:
    """Steps that are columns of a variable; what has no room at all lacks without end."""
    labels, parts = known.parts(name)
    figures = np.hstack([parts, np.zeros((len(parts), len(FIGURES) - len(PARTS)))])
    columns = known.labels(name)[1]
    none = known.upper[columns] <= 0.0
    return Kind(labels, columns, figures, np.where(none, np.inf, parts.sum(axis=1)))


def _sales(known: Optimality) -> Kind:
    """Of a market that takes no more, the worth of its limit."""
    sold = plain(known, "sold")
    figures = sold.figures.copy()
    limit = np.where(known.x[sold.columns] > 0.0, np.maximum(-sold.lacks, 0.0), 0.0)
    figures[:, FIGURES.index(MARKET_LIMIT)] = limit
    return Kind(sold.labels, sold.columns, figures, sold.lacks + limit)


def _runs(solution: Solution, known: Optimality) -> Kind:
    activity = plain(known, "activity")
    labels, figures = activity.labels, activity.figures.copy()
    units = solution.scenario.active_units.set_index("unit")
    key = ["unit", "period"]
    served = solution.tables.units.set_index(key)["in_service"].astype(float)
    at = pd.MultiIndex.from_frame(labels[key])
    serves = served.reindex(at).fillna(0.0).to_numpy() > _OFF
    running, columns = known.labels("running")
    runs = pd.Series(known.x[columns], pd.MultiIndex.from_frame(running[key]), dtype=float)
    idle = runs.reindex(at).fillna(1.0).to_numpy() <= _OFF
    state = np.select([~serves, idle], [NOT_BUILT, IDLE], IN_SERVICE).astype(object)
    per_load, use = _capital(known).reindex(at).fillna(0.0), labels["capacity_use"].to_numpy(float)
    for name in (CAPITAL, BUDGET):
        figures[:, FIGURES.index(name)] = np.where(serves, 0.0, per_load[name].to_numpy() * use)
    fixed = [FIGURES.index(name) for name in ("capacity", "min_load")]
    decided = np.where(state == IN_SERVICE, 0.0, figures[:, fixed].sum(axis=1))
    status = labels["unit"].map(units["status"]).astype(object)
    return Kind(
        labels.assign(status=status, state=state),
        activity.columns,
        figures,
        figures.sum(axis=1) - decided,
    )


def _capital(known: Optimality) -> pd.DataFrame:
    """Capital, and what it takes of budgets, by unit and period that a candidate can serve in:
    currency per unit of load at full load, of the window and size in which they cost least."""
    built, columns = known.labels("built")
    indices, rows = known.of_part("capacity")
    place = np.full(known.matrix.shape[0], -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    discount = known.scenario.weights_of(period for _, period in indices)
    budget_rows = np.zeros(known.matrix.shape[0], dtype=bool)
    budget_rows[known.of_part("budget")[1]] = True

    def sums(columns: Ints) -> tuple[Floats, Floats, Floats]:
        """Cost, budget, and discounted load that a unit of each column allows (million)."""
        at, row, coefficient = entries(known.matrix, columns)
        spent, load = np.zeros(len(columns)), np.zeros(len(columns))
        dear = budget_rows[row]
        np.add.at(spent, at[dear], -known.row_dual[row[dear]] * coefficient[dear])
        mine = place[row] >= 0
        np.add.at(load, at[mine], -coefficient[mine] * discount[place[row[mine]]])
        return known.cost[columns], spent, load

    options = [(np.arange(len(built)), *sums(columns))]
    sized, extra = known.labels("extra_capacity")
    if len(sized):
        index = pd.MultiIndex.from_frame(built[["unit", "period"]])
        whose = index.get_indexer(pd.MultiIndex.from_frame(sized[["unit", "period"]]))
        span = sized["range"].to_numpy(float)
        small = [figures[whose] for figures in options[0][1:]]
        more = [figures * span for figures in sums(extra)]
        large = [a + b for a, b in zip(small, more, strict=True)]
        options.append((whose, large[0], large[1], large[2]))
    which, cost, spent, load = (np.concatenate(parts) for parts in zip(*options, strict=True))
    there = load > 0.0
    which, cost, spent, load = (values[there] for values in (which, cost, spent, load))
    at, row, _ = entries(known.matrix, columns)
    serving = pd.DataFrame({"built": at, "capacity": place[row]})
    serving = serving[serving["capacity"] >= 0]
    per_load = MILLION / (load * known.value_weight)
    priced = pd.DataFrame({"built": which, CAPITAL: cost * per_load, BUDGET: spent * per_load})
    table = serving.merge(priced, on="built")
    table = table.assign(both=table[CAPITAL] + table[BUDGET]).sort_values("both", kind="stable")
    table = table.drop_duplicates("capacity")
    served = [indices[n] for n in table["capacity"]]
    return table.set_index(pd.MultiIndex.from_tuples(served, names=["unit", "period"]))


def _fillings(runs: Kind, intakes: Kind) -> Items:
    """Every input that can fill a group of a run."""
    labels, key = intakes.labels, ["unit", "recipe", "period"]
    of_run = pd.MultiIndex.from_frame(runs.labels[key])
    run = of_run.get_indexer(pd.MultiIndex.from_frame(labels[key]))
    return Items(
        {
            "run": run,
            "intake": np.arange(len(labels)),
            "group": numbered(zip(run.tolist(), labels["group"], strict=True)),
            "per_activity": labels["amount"].to_numpy(float) / labels["weight"].to_numpy(float),
        }
    )
