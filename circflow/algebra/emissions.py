"""Emissions: what is emitted, where, its limits, prices and penalties.

Sets: every term of the other blocks that emits, for every pollutant with a factor; a factor that
names a key replaces the blank-key one, and technology/recipe replaces technology. A limit row
counts what its scope emits: the cluster everything; a region, member or site what its sites emit
(transport where the journey starts); a unit its recipes only.

Variables
    excess[row, period]  t/yr  emission above a limit with a penalty

Money
    emissions  − price · emitted − penalty · excess
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, Record, cells
from circflow.algebra.results import Group, ResultColumn, ResultTable, money, numbers, texts
from circflow.algebra.terms import EMISSION, Emitting, Terms, stack
from circflow.data.coded import Flags, Floats, Items, added_at, distinct, find_rows, match, take
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say

EMISSIONS = Group("emissions", mark("emission charges"), 90, part="emission_price")
MONEY = (EMISSIONS,)

EMITTED = ResultTable(
    "emissions",
    "Who emits what. Negative figures are emissions avoided elsewhere by what is sold.",
    (
        *texts("what is emitted", "pollutant"),
        *texts(
            "`recipe`, `transport`, `disposal`, `stockpile`, `purchase`, `sale` or `stream`", "kind"
        ),
        *texts(
            "where it counts; transport counts where the journey starts",
            *("site", "member", "region"),
        ),
        *texts("of a recipe, the unit", "unit"),
        *texts("the unit, mode or material that emits", "source"),
        *texts("when", "period"),
        ResultColumn("tonnes_per_year", "how much", "t per year", "number", "emitted"),
    ),
)
CHARGED = ResultTable(
    "emission_limits",
    "Every row of EmissionLimits in force.",
    (
        *texts("the limit", "pollutant", "scope", "key", "period", "row"),
        *numbers("within the scope", "t per year", "emitted_per_year"),
        *numbers("blank: none", "t per year", "limit_per_year"),
        *numbers("above the limit, where a penalty allows it", "t per year", "excess_per_year"),
        *money("price times emitted and penalty times excess", "cost_million_per_year"),
    ),
)
RESULTS = (EMITTED, CHARGED)

INDEX = ("row", "period")


def _whose(row: Record) -> str:
    if not row["key"]:
        return say("{pollutant} of the cluster", pollutant=row["pollutant"])
    return say("{pollutant} of {value}", pollutant=row["pollutant"], value=row["key"])


def _title(rows: Items, scenario: Scenario) -> Sequence[str]:
    names = (scenario.codes.names(n, rows[n]) for n in ("pollutant", "scope", "key"))
    return [f"{p}, {scope}{f' {key}' if key else ''}" for p, scope, key in zip(*names, strict=True)]


def _place(rows: Items, scenario: Scenario) -> Items:
    """The site or unit that a limit is of."""
    codes = scenario.codes
    scope, key = codes.names("scope", rows["scope"]), codes.names("key", rows["key"])
    places = {
        n: codes.of(n, [k if s == n else None for s, k in zip(scope, key, strict=True)])
        for n in ("site", "unit")
    }
    return rows.plus(**places)


LIMIT = Figure(
    "EmissionLimits",
    "limit_per_year",
    "emission limit",
    "raise",
    1.0,
    mark("{where}: at most {figure}"),
    _whose,
    "t/yr",
    measure="t",
    name=_title,
    place=_place,
    binds=mark("emissions of {word}"),
)


def build(m: Model) -> None:
    """Add excess and the limits of what the blocks before emit."""
    m.emission = _terms(m)
    limits = m.scenario.items_in_force("EmissionLimits")
    m.limited_emission = _scopes(m, limits)
    counted = m.limited_emission
    emits = find_rows(counted, limits, *INDEX) >= 0
    limited, hard = ~np.isnan(limits["limit_per_year"]), np.isnan(limits["penalty"])
    # Where nothing emits, a hard limit below zero must still be seen to be out of reach.
    needs = limited & (~hard | (~emits & (limits["limit_per_year"] < 0)))
    rows = limits.take(needs)
    excess = m.variable(
        "excess",
        INDEX,
        rows,
        "emission above a limit with a penalty",
        "t/yr",
        grows=Grows(say("{pollutant} above its limit"), "EmissionLimits", "penalty"),
    )
    excess.upper[np.isnan(rows["penalty"])] = 0.0
    m.limit(
        "emission_limit",
        over=INDEX,
        left=counted - excess.times(),
        sense="<=",
        right=replace(cells(LIMIT, limits, *INDEX), hard=hard),
        formula="Σ_scope factor · activity − excess ≤ limit_per_year",
        part="emission_limits",
    )
    _pay(m, limits)


def _terms(m: Model) -> Terms:
    """Tonnes per year of each pollutant."""
    factors, codes = m.scenario.items("EmissionFactors"), m.scenario.codes
    first, number = distinct([factors[n] for n in ("kind", "pollutant")])
    parts = []
    for n, at in enumerate(first.tolist()):
        rows = factors.take(number == n)
        by_name = dict(zip(codes.names("key", rows["key"]), rows["factor"].tolist(), strict=True))
        kind, pollutant = int(factors["kind"][at]), int(factors["pollutant"][at])
        for what in m.emits:
            if what.kind == codes.name("kind", kind):
                factor = np.nan_to_num(_factor(what, by_name))[what.key]
                tonnes = what.terms.labelled(source=what.source).times(factor).nonzero()
                parts.append(tonnes.labelled(pollutant=pollutant, kind=kind))
    return stack(parts, EMISSION)


def _factor(what: Emitting, by_name: dict[str | None, float]) -> Floats:
    """By the number of what emits: its factor, NaN where there is none."""
    blank = by_name.get(None, np.nan)
    factors = [
        next((by_name[name] for name in names if name in by_name), blank)
        for names in zip(*what.names, strict=True)
    ]
    return np.array(factors, dtype=float)


def _scopes(m: Model, limits: Items) -> Terms:
    """The emission terms that each limit row counts: row, period, site, unit, and the term."""
    codes, sites, terms = m.scenario.codes, m.scenario.items("Sites"), m.emission
    first, number = distinct([limits[n] for n in ("pollutant", "scope", "key")])
    recipe = codes.known("kind", "recipe")
    parts = []
    for n, at in enumerate(first.tolist()):
        chosen: Flags = terms["pollutant"] == limits["pollutant"][at]
        scope, key = codes.name("scope", limits["scope"][at]), codes.name("key", limits["key"][at])
        if scope in ("region", "member"):
            chosen = chosen & (sites[scope][terms["site"]] == codes.known(scope, key))
        elif scope == "site":
            chosen = chosen & (terms["site"] == codes.known("site", key))
        elif scope == "unit":
            chosen = (
                chosen & (terms["unit"] == codes.known("unit", key)) & (terms["kind"] == recipe)
            )
        of_scope, rows = terms.where(chosen), limits.take(number == n)
        i, j = match([of_scope["period"]], [rows["period"]])
        parts.append(of_scope.where(i).labelled(row=rows["row"][j]))
    return stack(parts, ("row", "period", "site", "unit"))


def _pay(m: Model, limits: Items) -> None:
    counted, over = m.limited_emission, m["excess"]
    priced = m.pay(EMISSIONS, counted, -limits["price"][find_rows(limits, counted, *INDEX)])
    place = _place(over.items, m.scenario)
    whose = over.times().labelled(site=place["site"], unit=place["unit"])
    fined = m.pay(EMISSIONS, whose, -np.nan_to_num(over["penalty"]))
    m.emission_charge = priced + fined


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The tables `emissions` and `emission_limits`."""
    codes, terms, sites = m.scenario.codes, m.emission, m.scenario.items("Sites")
    first, number = distinct([terms[n] for n in EMISSION])
    tonnes = np.bincount(number, terms.at(values), len(first))
    there = np.flatnonzero(tonnes)
    rows = Items({n: terms[n][first[there]] for n in EMISSION}, len(there))
    rows = rows.plus(**{n: sites[n][rows["site"]] for n in ("member", "region")})
    order = ("pollutant", "kind", "site", "member", "region", "unit", "source", "period")
    emitted = rows.plus(tonnes_per_year=tonnes[there]).frame(codes, *order, "tonnes_per_year")

    limits, over = m.scenario.items_in_force("EmissionLimits"), m["excess"]
    counts, charged = (
        added_at(find_rows(limits, part, *INDEX), part.at(values), len(limits))
        for part in (m.limited_emission, m.emission_charge)
    )
    excess, cost = take(over.value(values), find_rows(over, limits, *INDEX)), 0.0 - charged
    shown = ("pollutant", "scope", "key", "period", "row", "emitted_per_year", "limit_per_year")
    table = limits.plus(emitted_per_year=counts, excess_per_year=excess, cost_million_per_year=cost)
    return {
        "emissions": emitted,
        "emission_limits": table.frame(codes, *shown, "excess_per_year", "cost_million_per_year"),
    }
