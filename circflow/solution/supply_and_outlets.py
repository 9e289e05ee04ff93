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

import numpy as np
import pandas as pd

from circflow.data.coded import Flags, Floats, Ints, Items, find, stacked
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
    need (number of the group that it can fill, or its own); `outputs`: run, place, amount."""

    steps: Steps
    supply: Floats
    outlet: Floats
    inputs: Items
    outputs: Items

    def needed(self) -> Floats:
        """What bringing an input lacks, per unit of activity, for every row of `inputs`."""
        rows = self.inputs
        return np.asarray(rows["lack"] + rows["amount"] * self.supply[rows["place"]])

    def left(self) -> Floats:
        """What being rid of an output lacks, per unit of activity, for every row of `outputs`."""
        return np.asarray(self.outputs["amount"] * self.outlet[self.outputs["place"]])

    def chosen(self) -> Flags:
        """Rows of `inputs` that a run takes: the fixed ones, and the cheapest of each group."""
        order = np.argsort(self.needed(), kind="stable")
        _, first = np.unique(self.inputs["need"][order], return_index=True)
        chosen = np.zeros(len(order), dtype=bool)
        chosen[order[first]] = True
        return chosen

    @cached_property
    def taken(self) -> Flags:
        """`chosen`, when the rounds are over."""
        return self.chosen()

    def totals(self) -> tuple[_Sum, _Sum]:
        """What all inputs (as chosen), and all outputs, of every run lack."""
        count = len(self.steps.runs.lacks)
        needed = np.where(self.chosen(), self.needed(), 0.0)
        inputs = _Sum.of(self.inputs["run"], needed, count)
        return inputs, _Sum.of(self.outputs["run"], self.left(), count)


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
    journeys = known.journeys(steps.flows.columns)
    tail, head, passes = (journeys[n] for n in ("place", "place_out", "amount_out"))
    lacks = steps.flows.lacks[journeys["at"]]
    for _ in range(_ROUNDS):
        before = places.supply.copy(), places.outlet.copy()
        np.minimum.at(places.supply, head, (lacks + places.supply[tail]) / passes)
        np.minimum.at(places.outlet, tail, lacks + passes * places.outlet[head])
        _through_units(places)
        if np.array_equal(before[0], places.supply) and np.array_equal(before[1], places.outlet):
            break
    return places


def _lower(target: Floats, ends: Items, lacks: Floats, sign: float) -> None:
    """Offer what columns bring to places (sign 1) or take from there (−1)."""
    mine = ends.take(ends["amount"] * sign > 0.0)
    per_unit = lacks[mine["at"]] / np.abs(mine["amount"])
    np.minimum.at(target, mine["place"], np.maximum(per_unit, 0.0))


def _through_units(ways: Ways) -> None:
    """Offer what units make, and what they take in."""
    lacks = np.maximum(ways.steps.runs.lacks, 0.0)
    needed, left = ways.totals()
    out, into = ways.outputs, ways.inputs
    run = out["run"]
    lacking = lacks[run] + needed.values[run] + left.without(run, ways.left())
    np.minimum.at(ways.supply, out["place"], lacking / out["amount"])
    run = into["run"]
    lacking = lacks[run] + others(ways, needed) + left.values[run] + into["lack"]
    np.minimum.at(ways.outlet, into["place"], lacking / into["amount"])


def others(ways: Ways, needed: _Sum) -> Floats:
    """What the other inputs of its run lack, for every row of `inputs` (in place of those of its
    own group)."""
    cost, taken, need = ways.needed(), ways.chosen(), ways.inputs["need"]
    least = np.zeros(len(cost))
    least[need[taken]] = cost[taken]
    return needed.without(ways.inputs["run"], least[need])


def _ends(steps: Steps) -> tuple[Items, Items]:
    known, fill = steps.optimality, steps.fillings
    ends = known.ends(steps.runs.columns).renamed(run="at")
    fixed = ends.take(ends["amount"] < 0.0)
    fixed = fixed.plus(amount=-fixed["amount"], lack=0.0, intake=-1, need=np.arange(len(fixed)))
    of_intakes = known.ends(steps.intakes.columns)
    filling = Items(
        {
            "run": fill["run"],
            "place": of_intakes["place"][find(of_intakes["at"], fill["intake"])],
            "amount": fill["per_activity"],
            "lack": steps.intakes.lacks[fill["intake"]] * fill["per_activity"],
            "intake": fill["intake"],
            "need": len(fixed) + fill["group"],
        }
    )
    return stacked([fixed, filling], *filling.names), ends.take(ends["amount"] > 0.0)


def figures_through(ways: Ways, row: int) -> Floats:
    """Figures of a run per unit of activity, with what is on a chain (a row of `inputs`) taken as
    it comes; outlets apart."""
    steps, inputs = ways.steps, ways.inputs
    run, need = inputs["run"][row], inputs["need"][row]
    figures: Floats = steps.runs.figures[run].copy()
    for one in np.flatnonzero(ways.taken & (inputs["run"] == run)):
        taken = row if inputs["need"][one] == need else one
        amount, intake = inputs["amount"][taken], inputs["intake"][taken]
        if intake >= 0:
            figures += steps.intakes.figures[intake] * amount
        if inputs["need"][one] != need:
            figures[FIGURES.index(SUPPLY)] += ways.supply[inputs["place"][one]] * amount
    figures[FIGURES.index("requirement")] = 0.0
    return figures


def filled(ways: Ways) -> tuple[Floats, Floats]:
    """Figures and what is lacking of every run, with the inputs that cost least."""
    figures = ways.steps.runs.figures.copy()
    rows = ways.inputs.take(ways.taken)
    supply = ways.supply[rows["place"]] * rows["amount"]
    filling = rows.take(rows["intake"] >= 0)
    more = ways.steps.intakes.figures[filling["intake"]] * filling["amount"][:, None]
    np.add.at(figures, filling["run"], more)
    # What the recipe asks for and what the inputs give cancel.
    figures[:, FIGURES.index("requirement")] = 0.0
    needed, left = ways.totals()
    np.add.at(figures[:, FIGURES.index(SUPPLY)], rows["run"], supply)
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
