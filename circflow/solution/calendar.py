"""Time as the audit reckons it: what a period's money counts, and which rows hold when.

Written from MODEL.md anew and in another way than what the model uses (`Period.weight`,
`Scenario.in_force`, `Scenario.purchase_items`), so that a mistake there does not pass unseen.
"""

from __future__ import annotations

import numpy as np

from circflow.data.coded import Floats, Items, distinct, find_rows, join, match, place_in, stacked
from circflow.data.scenario import Scenario

KEYS = {
    "Streams": ("site", "material"),
    "Purchases": ("site", "material"),
    "Markets": ("site", "material"),
    "Disposal": ("site", "material"),
    "RecipeCosts": ("technology", "recipe"),
    "EmissionLimits": ("pollutant", "scope", "key"),
}
"""Columns that say what a row is about: a row of a period replaces the others of the same key."""


def once(scenario: Scenario) -> Floats:
    """What a lump sum at the start of each period is worth today: (1 + r)^−(years before it)."""
    years = [period.years for period in scenario.periods]
    return np.asarray((1.0 + scenario.settings.discount_rate) ** -np.cumsum([0, *years[:-1]]))


def yearly(scenario: Scenario) -> Floats:
    """What a million in every year of each period is worth today: D_t, year by year."""
    factor = 1.0 + scenario.settings.discount_rate
    within = [sum(factor**-n for n in range(period.years)) for period in scenario.periods]
    return np.asarray(once(scenario) * np.array(within))


def rows_in_force(scenario: Scenario, sheet: str) -> Items:
    """The rows of a sheet for every period that they hold in (`row`, `period`)."""
    rows, count = scenario.items(sheet), len(scenario.periods)
    period = rows["period"]
    blank = period < 0
    _, key = distinct([rows[name] for name in KEYS[sheet]])
    replaced = np.zeros((key.max(initial=0) + 1, count), dtype=bool)
    replaced[key[~blank], period[~blank]] = True
    holds = np.where(blank[:, None], ~replaced[key], period[:, None] == np.arange(count))
    at, when = np.nonzero(holds)
    held = rows.take(at).plus(period=when)
    if sheet == "Markets" and scenario.standstill.markets:
        # One that stands still buys nothing, and asks for nothing.
        names = zip(*scenario.standstill.markets, strict=True)
        labels = ("site", "material", "period")
        still = [scenario.codes.of(n, list(c)) for n, c in zip(labels, names, strict=True)]
        stands = place_in(still, [held[n] for n in labels]) >= 0
        limits = ("max_per_year", "min_per_year")
        held = held.plus(**{n: np.where(stands, 0.0, held[n]) for n in limits})
    return held


def purchases_in_force(scenario: Scenario) -> Items:
    """Where each purchase can be made: a blank site is every one that uses the material, unless
    a row in force in the period names it."""
    rows, recipes = rows_in_force(scenario, "Purchases"), scenario.items("Recipes")
    fed = recipes.take(recipes["role"] == scenario.codes.known("role", "input"))
    runs = scenario.active_unit_items.only("site", "technology")
    users = join(runs, fed.only("technology", "material"), "technology")
    users = users.take(np.sort(distinct([users["site"], users["material"]])[0]))
    named, blank = rows.take(rows["site"] >= 0), rows.take(rows["site"] < 0)
    i, j = match([blank["material"]], [users["material"]])
    everywhere = blank.take(i).plus(site=users["site"][j])
    other = find_rows(named, everywhere, "site", "material", "period") >= 0
    return stacked([named, everywhere.take(~other)], *rows.names)
