"""From bounds to a short list: the price interval of the first tonne, and plans half solved again.

The first tonne is asked of the plan itself: its inputs are taken out of the balances that they
come from and its outputs put into those where they end, one unit of activity a year, the
decisions held. The shadow prices of that plan are the price interval's other end: they tell what
the first tonne is worth at least.

Every pair that may gain something is put into the programme with all decisions relaxed; what the
LP gains decides which are solved in full, and of these the first tonne is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from circflow.algebra.build import weights
from circflow.data.coded import Floats, Ints, place_in
from circflow.data.scenario import MILLION
from circflow.solver.highs import Outcome
from circflow.studies.bench.series import Series
from circflow.studies.suggest.first_tonne import Offer, Pricing, alternatives
from circflow.studies.units.candidates import Bench, Plan


class FirstTonne:
    """Takes one unit of activity a year out of a plan, and puts it in."""

    def __init__(self, bench: Bench, plan: Plan, pricing: Pricing) -> None:
        self.bench, self.pricing = bench, pricing
        held = bench.hold(plan.x)
        assert held is not None and held.outcome.row_dual is not None
        self.family = bench.compiled.families["material_balance"]
        self.held, self.dual = held.outcome, held.outcome.row_dual
        self.before = self._prices(self.dual)

    def _prices(self, dual: Floats) -> Floats:
        """Currency per unit, in money of the period, by row of the balance."""
        weight = self.pricing.weight[self.family.items["period"]]
        return dual[self.family.rows] * MILLION / weight / (weights(self.bench.scenario).value or 1)

    def least(self, offer: Offer, site: int, decided: int, at_plan_prices: float) -> float:
        """What the first tonne is worth at least, currency per unit of activity (−inf: it cannot
        be had)."""
        service = self.pricing.service(offer.technology, decided)
        row, amount = self._asked(offer, site, np.flatnonzero(service))
        if not len(row):
            return at_plan_prices
        after = self._after(row, amount)
        if after.x is None or after.row_dual is None:
            return -np.inf
        dearer = amount * (self._prices(after.row_dual)[row] - self.before[row])
        weight = self.pricing.weight * service
        loss = float(dearer @ weight[self.family.items["period"][row]])
        return at_plan_prices - max(loss, 0.0) / float(weight.sum())

    def of_a_plant(
        self, offer: Offer, site: int, decided: int, at_plan_prices: float, run: float
    ) -> float:
        """What a unit of activity is worth where `run` of them a year are asked of the plan, its
        decisions held (−inf: so much cannot be had): the plan's own loss is told, not the price
        of the first tonne alone."""
        service = self.pricing.service(offer.technology, decided)
        row, amount = self._asked(offer, site, np.flatnonzero(service))
        if not len(row):
            return at_plan_prices
        after = self._after(row, amount * run)
        if after.x is None:
            return -np.inf
        first = float(self.dual[self.family.rows[row]] @ amount) * run
        dearer = (after.objective - self.held.objective - first) * MILLION
        weight = float((self.pricing.weight * service).sum())
        goal = weights(self.bench.scenario).value or 1
        return at_plan_prices - max(dearer, 0.0) / goal / weight / run

    def _after(self, row: Ints, amount: Floats) -> Outcome:
        """The plan, its decisions held, with amounts taken out of rows of the balance."""
        linear = self.bench.linear
        held = linear.program
        linear.change_to(held.with_limits(self.family.rows[row], amount, amount))
        after = linear.resolve()
        linear.change_to(held)
        return after

    def _asked(self, offer: Offer, site: int, periods: Ints) -> tuple[Ints, Floats]:
        """Rows of the balance and what is taken out of each (put in: below 0)."""
        prices, factor = self.pricing.prices, self.pricing.matches.factor
        codes = self.pricing.scenario.codes
        asked: dict[int, float] = {}
        keys = [self.family.items[n] for n in ("site", "material", "period")]
        for group in alternatives(offer.flows):
            for t in periods.tolist():
                costs = [f.amount * f.price[site, t] for f in group]
                flow = group[int(np.argmin(costs))]
                if not flow.materials:
                    continue
                name = flow.materials[int(flow.choice[site, t])]
                material = codes.known("material", name)
                ends = prices.source if flow.role == "input" else prices.sink
                end = int(ends[site, material, t])
                place = int(place_in(keys, [np.array([v]) for v in (end, material, t)])[0])
                if end < 0 or place < 0:
                    continue
                sign = 1.0 if flow.role == "input" else -1.0
                asked[place] = asked.get(place, 0.0) + sign * flow.amount * factor[name]
        return np.array(list(asked), dtype=np.intp), np.array(list(asked.values()), dtype=float)


def first_look(bench: Bench, units: Sequence[str]) -> dict[str, float]:
    """What each of some candidates gains where every decision may be taken in part (million).

    The relaxed programme with the candidate built whole, the others not at all, and all else free
    to answer: the plants that it needs or displaces are seen, which they are not where the plan's
    decisions are held.
    """
    places = {unit: bench.units.get(unit, _NONE) for unit in units}
    every = np.concatenate([_NONE, *places.values()])
    program = bench.program.relaxed().with_bounds(every, 0.0, 0.0)
    linear = Series(bench.scaling)
    without = linear.solve(program)
    gains = dict.fromkeys(units, -np.inf)
    for unit, columns in places.items():
        if not len(columns) or without.x is None:
            continue
        once = np.array([bench.once[unit]], dtype=np.intp)
        with_it = program.with_bounds(columns, 0.0, 1.0).with_limits(once, lower=1.0)
        outcome = linear.solve(with_it)
        if outcome.x is not None:
            gains[unit] = without.objective - outcome.objective
    return gains


def promising(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs that lack nothing and may gain something."""
    good = table["missing"].eq("") & table["market"] & (table["most"] > 0.0)
    return table[good].reset_index(drop=True)


_NONE: Ints = np.array([], dtype=np.intp)
