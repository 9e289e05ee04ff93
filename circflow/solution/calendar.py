"""Time as the audit reckons it: what a period's money counts, and which rows hold when.

Written from MODEL.md anew and in another way than what the model uses (`Period.weight`,
`Scenario.in_force`, `Scenario.purchases`), so that a mistake there does not pass unseen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

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


def once(scenario: Scenario) -> dict[str, float]:
    """What a lump sum at the start of each period is worth today: (1 + r)^−(years before it)."""
    factor, gone, worth = 1.0 + scenario.settings.discount_rate, 0, {}
    for period in scenario.periods:
        worth[period.name] = factor**-gone
        gone += period.years
    return worth


def yearly(scenario: Scenario) -> dict[str, float]:
    """What a million in every year of each period is worth today: D_t, year by year."""
    factor, gone, worth = 1.0 + scenario.settings.discount_rate, 0, {}
    for period in scenario.periods:
        worth[period.name] = sum(factor ** -(gone + n) for n in range(period.years))
        gone += period.years
    return worth


def rows_in_force(scenario: Scenario, sheet: str) -> pd.DataFrame:
    """The rows of a sheet for every period that they hold in, with `row` and `period`."""
    frame = scenario.frame(sheet)
    if frame.empty:
        return frame.assign(row=pd.Series(dtype=np.int64)).reset_index(drop=True)
    about = [_about(values) for values in zip(*(frame[c] for c in KEYS[sheet]), strict=True)]
    own = [_about((period,))[0] for period in frame["period"]]
    special = {(key, period) for key, period in zip(about, own, strict=True) if period is not None}
    at, periods = [], []
    for place, (key, period) in enumerate(zip(about, own, strict=True)):
        for named in scenario.periods:
            if period == named.name or (period is None and (key, named.name) not in special):
                at.append(place)
                periods.append(named.name)
    held = frame.iloc[at]
    numbers = held.index.to_numpy()
    rows = (
        held.assign(period=pd.Series(periods, index=held.index, dtype=object))
        .assign(row=numbers)
        .reset_index(drop=True)
    )
    if sheet == "Markets":  # one that stands still buys nothing, and asks for nothing
        places = rows[["site", "material", "period"]].itertuples(index=False, name=None)
        still = np.array([place in scenario.standstill.markets for place in places], dtype=bool)
        rows.loc[still, ["max_per_year", "min_per_year"]] = 0.0
    return rows


def purchases_in_force(scenario: Scenario) -> pd.DataFrame:
    """Where each purchase can be made: a blank site is every one that uses the material, unless
    a row in force in the period names it."""
    rows = rows_in_force(scenario, "Purchases")
    recipes = scenario.frame("Recipes")
    inputs: dict[Any, set[Any]] = {}
    for technology, role, material in recipes[["technology", "role", "material"]].to_numpy(object):
        if role == "input":
            inputs.setdefault(technology, set()).add(material)
    users: dict[Any, list[Any]] = {}
    for site, technology, status in scenario.frame("Units")[
        ["site", "technology", "status"]
    ].to_numpy(object):
        for material in inputs.get(technology, set()) if status != "off" else ():
            users.setdefault(material, []).append(site)
    places = rows[["site", "material", "period"]].to_numpy(object).tolist()
    named = {tuple(place) for place in places if _about((place[0],))[0] is not None}
    at, sites = [], []
    for n, (site, material, period) in enumerate(places):
        if _about((site,))[0] is not None:
            at.append(n)
            sites.append(site)
            continue
        for user in dict.fromkeys(users.get(material, ())):
            if (user, material, period) not in named:
                at.append(n)
                sites.append(user)
    held = rows.iloc[at].reset_index(drop=True)
    return held.assign(site=pd.Series(sites, index=held.index, dtype=object))


def _about(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Cells as they are compared; None where blank."""
    return tuple(None if pd.isna(value) else value for value in values)
