"""Where inputs come from and outputs go, at places where the plan has nothing.

At a place that the plan uses, a unit more or less of a material has its shadow price. Where it has
nothing, the price may be any of a range, so what a step asks for or makes there is not told by the
step's own reduced cost. Per unit, in currency (all sums of what steps lack, see
`circflow.solution.reduced_costs`):

    supply[place]  = min over ways to bring a unit there: bought, taken, reclaimed, by a journey
                     (lack + supply at its start) / (1 − loss), made by a unit
    outlet[place]  = min over ways to be rid of one: sold, disposed of, stocked, by a journey
                     lack + (1 − loss) · outlet where it ends, taken in by a unit
    0 at places that the plan uses, infinite where there is no way

A unit needs all its inputs (of each group the one that costs least) and must be rid of all its
outputs, so both are worked out together, in rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.coded import Floats, Ints
from circflow.solution.lp_of_plan import PARTS
from circflow.solution.reduced_costs import (
    BUDGET,
    CAPITAL,
    FIGURES,
    OUTLETS,
    SUPPLY,
    Steps,
    plain,
)
from circflow.solution.solution import Solution

_ROUNDS = 12
_SOURCES = ("bought", "taken", "reclaimed")
_SINKS = ("disposed", "added")
OF_RUNS = (
    *("inputs", "outputs", "variable_cost", "emission_price", "emission_limits", "blends"),
    *("capacity", "min_load", "synergy", "goals", "other", CAPITAL, BUDGET, SUPPLY, OUTLETS),
)
"""Figures that a recipe can have."""
RUN = ["site", "unit", "status", "technology", "recipe", "period", "state"]
CONVERSIONS = [*RUN, *OF_RUNS, "reduced_cost", "lacks"]


@dataclass(frozen=True)
class Ways:
    """`supply`, `outlet`: by place. `inputs`: run, place, amount (per unit of activity), lack (what
    taking it in lacks of itself, per unit of activity), intake (position, −1 for a fixed input),
    group; `outputs`: run, place, amount. `chosen`: of each group the input that costs least."""

    steps: Steps
    supply: Floats
    outlet: Floats
    inputs: pd.DataFrame
    outputs: pd.DataFrame

    def needed(self) -> Floats:
        """What bringing an input lacks, per unit of activity, for every row of `inputs`."""
        place = self.inputs["place"].to_numpy(np.intp)
        lack, amount = (self.inputs[c].to_numpy(float) for c in ("lack", "amount"))
        needed: Floats = lack + amount * self.supply[place]
        return needed

    def left(self) -> Floats:
        """What being rid of an output lacks, per unit of activity, for every row of `outputs`."""
        place = self.outputs["place"].to_numpy(np.intp)
        left: Floats = self.outputs["amount"].to_numpy(float) * self.outlet[place]
        return left

    def chosen(self) -> np.ndarray:
        """Rows of `inputs` that a run takes: the fixed ones, and the cheapest of each group."""
        costs = self.inputs[["run", "group"]].assign(cost=self.needed())
        order = costs.sort_values("cost", kind="stable")
        first = order[order["group"].notna()].drop_duplicates(["run", "group"]).index
        return np.asarray(costs["group"].isna() | costs.index.isin(first), dtype=bool)

    @cached_property
    def rows_of(self) -> dict[int, list[dict[Any, Any]]]:
        """The inputs of every run as chosen, when the rounds are over."""
        by_run: dict[int, list[dict[Any, Any]]] = {}
        for row in self.inputs[self.chosen()].to_dict("records"):
            by_run.setdefault(int(row["run"]), []).append(row)
        return by_run

    def totals(self) -> tuple[_Sum, _Sum]:
        """What all inputs (as chosen), and all outputs, of every run lack."""
        count = len(self.steps.runs.lacks)
        taken = self.chosen()
        runs = (self.inputs["run"].to_numpy(np.intp), self.outputs["run"].to_numpy(np.intp))
        needed = np.where(taken, self.needed(), 0.0)
        return _Sum.of(runs[0], needed, count), _Sum.of(runs[1], self.left(), count)


@dataclass(frozen=True)
class _Sum:
    """Sums by run, with the number of infinite terms."""

    finite: Floats
    infinite: Ints

    @classmethod
    def of(cls, run: Ints, values: Floats, count: int) -> _Sum:
        there = np.isfinite(values)
        return cls(
            np.bincount(run[there], values[there], count).astype(float),
            np.bincount(run[~there], minlength=count).astype(np.intp),
        )

    def without(self, run: Ints, values: Floats) -> Floats:
        """The sum of each run less one of its terms."""
        there = np.isfinite(values)
        rest = self.finite[run] - np.where(there, values, 0.0)
        left = self.infinite[run] - ~there
        return np.where(left > 0, np.inf, rest)

    @property
    def values(self) -> Floats:
        return np.where(self.infinite > 0, np.inf, self.finite)


def ways(steps: Steps) -> Ways:
    """Supply and outlets at every place, by rounds until nothing improves."""
    known = steps.optimality
    free = np.where(known.touched, 0.0, np.inf)
    places = Ways(steps, free.copy(), free.copy(), *_ends(steps))
    for names, target, sign in ((_SOURCES, places.supply, 1.0), (_SINKS, places.outlet, -1.0)):
        for name in names:
            kind = plain(known, name)
            _lower(target, known.ends(kind.columns), kind.lacks, sign)
    _lower(places.outlet, known.ends(steps.sales.columns), steps.sales.lacks, -1.0)
    flows = known.ends(steps.flows.columns)
    journeys = flows[flows["amount"] < 0.0].merge(
        flows[flows["amount"] > 0.0], on="at", suffixes=("", "_out")
    )
    tail, head = (journeys[c].to_numpy(np.intp) for c in ("place", "place_out"))
    passes = journeys["amount_out"].to_numpy(float)
    lacks = steps.flows.lacks[journeys["at"].to_numpy(np.intp)]
    for _ in range(_ROUNDS):
        before = places.supply.copy(), places.outlet.copy()
        np.minimum.at(places.supply, head, (lacks + places.supply[tail]) / passes)
        np.minimum.at(places.outlet, tail, lacks + passes * places.outlet[head])
        _through_units(places)
        if np.array_equal(before[0], places.supply) and np.array_equal(before[1], places.outlet):
            break
    return places


def _lower(target: Floats, ends: pd.DataFrame, lacks: Floats, sign: float) -> None:
    """Offer what columns bring to places (sign 1) or take from there (−1)."""
    mine = ends[ends["amount"] * sign > 0.0]
    per_unit = lacks[mine["at"].to_numpy(np.intp)] / mine["amount"].abs().to_numpy(float)
    np.minimum.at(target, mine["place"].to_numpy(np.intp), np.maximum(per_unit, 0.0))


def _through_units(ways: Ways) -> None:
    """Offer what units make, and what they take in."""
    lacks = np.maximum(ways.steps.runs.lacks, 0.0)
    needed, left = ways.totals()
    out, into = ways.outputs, ways.inputs
    run, amount = out["run"].to_numpy(np.intp), out["amount"].to_numpy(float)
    lacking = lacks[run] + needed.values[run] + left.without(run, ways.left())
    np.minimum.at(ways.supply, out["place"].to_numpy(np.intp), lacking / amount)
    run, amount = into["run"].to_numpy(np.intp), into["amount"].to_numpy(float)
    lacking = lacks[run] + others(ways, needed) + left.values[run] + into["lack"].to_numpy(float)
    np.minimum.at(ways.outlet, into["place"].to_numpy(np.intp), lacking / amount)


def others(ways: Ways, needed: _Sum) -> Floats:
    """What the other inputs of its run lack, for every row of `inputs` (in place of those of its
    own group)."""
    rows = ways.inputs
    cost = pd.Series(ways.needed())
    least = cost.groupby([rows["run"], rows["group"]]).transform("min")
    excluded = np.where(rows["group"].notna(), least.to_numpy(float), cost.to_numpy(float))
    return needed.without(rows["run"].to_numpy(np.intp), excluded)


def _ends(steps: Steps) -> tuple[pd.DataFrame, pd.DataFrame]:
    known = steps.optimality
    ends = known.ends(steps.runs.columns).rename(columns={"at": "run"})
    fixed = ends[ends["amount"] < 0.0]
    fixed = fixed.assign(amount=-fixed["amount"], lack=0.0, intake=-1, group=None)
    fill = steps.fillings
    intake = fill["intake"].to_numpy(np.intp)
    place = known.ends(steps.intakes.columns).set_index("at")["place"]
    filling = pd.DataFrame(
        {
            "run": fill["run"],
            "place": place.reindex(intake).to_numpy(),
            "amount": fill["per_activity"],
            "lack": steps.intakes.lacks[intake] * fill["per_activity"],
            "intake": intake,
            "group": fill["group"],
        }
    )
    inputs = pd.concat([fixed[filling.columns], filling], ignore_index=True)
    inputs = inputs.astype({"place": np.intp, "group": object, "amount": float, "lack": float})
    return inputs, ends[ends["amount"] > 0.0].reset_index(drop=True)


def figures_through(ways: Ways, row: int) -> Floats:
    """Figures of a run per unit of activity, with what is on a chain (a row of `inputs`) taken as
    it comes; outlets apart."""
    steps, way = ways.steps, ways.inputs.iloc[row].to_dict()
    figures: Floats = steps.runs.figures[int(way["run"])].copy()
    key = "group" if isinstance(way["group"], str) else "place"
    for one in ways.rows_of.get(int(way["run"]), []):
        same = one[key] == way[key] and isinstance(one["group"], str) == (key == "group")
        taken = way if same else one
        amount = float(taken["amount"])
        if taken["intake"] >= 0:
            figures += steps.intakes.figures[int(taken["intake"])] * amount
        if not same:
            figures[FIGURES.index(SUPPLY)] += ways.supply[int(one["place"])] * amount
    figures[FIGURES.index("requirement")] = 0.0
    return figures


def filled(ways: Ways) -> tuple[Floats, Floats]:
    """Figures and what is lacking of every run, with the inputs that cost least."""
    figures = ways.steps.runs.figures.copy()
    rows = ways.inputs[ways.chosen()]
    supply = ways.supply[rows["place"].to_numpy(np.intp)] * rows["amount"].to_numpy(float)
    run, intake = (rows[c].to_numpy(np.intp) for c in ("run", "intake"))
    with_group = intake >= 0
    amount = rows["amount"].to_numpy(float)[with_group]
    more = ways.steps.intakes.figures[intake[with_group]] * amount[:, None]
    np.add.at(figures, run[with_group], more)
    # What the recipe asks for and what the inputs give cancel.
    figures[:, FIGURES.index("requirement")] = 0.0
    needed, left = ways.totals()
    np.add.at(figures[:, FIGURES.index(SUPPLY)], run, supply)
    figures[:, FIGURES.index(OUTLETS)] = left.values
    return figures, ways.steps.runs.lacks + needed.values + left.values


def conversions(solution: Solution, ways: Ways) -> pd.DataFrame:
    """Recipes that take in waste, of units that are not off, which the plan does not run.

    site, unit, status, technology, recipe, period, state (in service, idle, not built), the parts
    (`OF_RUNS`; currency per unit of activity, costs positive), reduced_cost (as the solver has
    it: the sum of the parts but capital, budget, supply and outlets) and lacks (blank where an
    input cannot be had, or an output cannot go anywhere); sorted by what they lack.
    """
    runs, figures = ways.steps.runs, filled(ways)
    table = pd.concat(
        [runs.labels[RUN], pd.DataFrame(figures[0], columns=list(FIGURES))[list(OF_RUNS)]], axis=1
    )
    table["reduced_cost"] = figures[0][:, : len(PARTS)].sum(axis=1)
    table["lacks"] = figures[1]
    recipes = solution.scenario.frame("Recipes")
    of_waste = recipes[
        (recipes["role"] == "input") & recipes["material"].isin(solution.scenario.wastes)
    ]
    pairs = pd.MultiIndex.from_frame(of_waste[["technology", "recipe"]])
    takes = pd.MultiIndex.from_frame(table[["technology", "recipe"]]).isin(pairs)
    rest = (ways.steps.optimality.x[runs.columns] == 0.0) & takes
    shown: pd.DataFrame = table[CONVERSIONS][rest].replace(np.inf, np.nan)
    return shown.sort_values("lacks", kind="stable", ignore_index=True)
