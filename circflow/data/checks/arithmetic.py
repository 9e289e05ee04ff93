"""Limits that contradict one another by arithmetic alone.

What must be handled of a material is held against every outlet there is, and what must be sold
against every source, at places without a link and over all places together, in each period and
over the horizon:

    Σ must-handled ≤ Σ (units + markets + disposal + room in stockpiles)
    Σ least sales  ≤ Σ (streams + purchases + units + stockpiles)

Every term is the most that it can be, by itself (candidates at their greatest size, recipes at
their best), so that the conditions are necessary: a scenario that breaks one has no plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circflow.data.cells import shorten, written
from circflow.data.checks.doubts.flows import places_with_takers
from circflow.data.checks.findings import Drafts
from circflow.data.checks.reach import PLACE, Reach
from circflow.data.coded import (
    Flags,
    Floats,
    Ints,
    Items,
    added_at,
    cross,
    distinct,
    find_rows,
    join,
    place_in,
    stacked,
    take,
)
from circflow.data.scenario import Scenario
from circflow.i18n import say

_MARGIN = 1e-6
"""Share by which a limit may be missed before it counts: far above rounding."""

_LIMITING = {
    "Units": "capacity_per_year",
    "Markets": "max_per_year",
    "Disposal": "capacity_per_year",
    "Stockpiles": "capacity",
    "Streams": "amount_per_year",
    "Purchases": "max_per_year",
}
"""The column that says how much a row of a sheet takes or gives."""
_SHEETS = tuple(_LIMITING)
_TERM = ("site", "material", "period", "sheet", "row", "amount")
"""The columns of a term; `sheet` is a place in `_SHEETS`."""


_Side = tuple[Items, Items]
"""One side of the comparison, as terms: amounts per year of a period, and over the horizon, as if
it were the first period."""


@dataclass(frozen=True)
class _Demand:
    """What must be handled or sold, held against what there is to do it with."""

    needs: Items
    """Terms per year of a period."""
    limits: Callable[[], _Side]
    """Worked out only where something is needed."""
    linked: Flags
    """By number of the place: whether a link can help."""
    lossy: Ints
    """Materials that are left out where links play a part: some may get lost on the way."""
    column: str
    verb: str
    most: str


def check_arithmetic(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Note where more must be handled, or sold, than can be. What nobody takes at all is left
    to the warnings."""
    streams = scenario.items_in_force("Streams")
    arising = streams.take(streams["must_handle"])
    arising = arising.take(places_with_takers(scenario, reach)[reach.numbers(arising)])
    markets = scenario.items_in_force("Markets")
    links = scenario.network.link_items
    demands = (
        _Demand(
            _limited(arising, "Streams"),
            lambda: _outlets(scenario),
            reach.has_way_out(),
            links["material"][links["loss"] > 0],
            "amount_per_year",
            say("must be handled"),
            say("every outlet together takes at most"),
        ),
        _Demand(
            _terms(markets.take(markets["min_per_year"] > 0), "Markets", "min_per_year"),
            lambda: _supplies(scenario),
            reach.has_way_in(),
            np.array([], dtype=np.intp),
            "min_per_year",
            say("must be sold"),
            say("every source together gives at most"),
        ),
    )
    for demand in demands:
        _compare(drafts, scenario, demand, reach)
    _check_stockpiles(drafts, scenario)


def _terms(rows: Items, sheet: str, amount: Floats | str) -> Items:
    """Rows as terms, of an amount or that of a column."""
    most = rows[amount] if isinstance(amount, str) else amount
    return rows.plus(sheet=np.full(len(rows), _SHEETS.index(sheet)), amount=most).only(*_TERM)


def _limited(rows: Items, sheet: str) -> Items:
    """Rows as terms, of the figure that limits them; a blank one is unlimited."""
    return _terms(rows, sheet, _or(rows[_LIMITING[sheet]], np.inf))


def _or(figures: Floats, blank: Floats | float) -> Floats:
    """Figures, with others in the place of blank ones."""
    return np.where(np.isnan(figures), blank, figures)


def _years(scenario: Scenario, rows: Items) -> Floats:
    """The length of each row's period."""
    return np.asarray(scenario.period_items["years"][rows["period"]])


def _over_horizon(scenario: Scenario, yearly: Items) -> Items:
    amount = yearly["amount"] * _years(scenario, yearly)
    return yearly.plus(amount=amount, period=np.zeros_like(yearly["period"]))


def _compare(drafts: Drafts, scenario: Scenario, demand: _Demand, reach: Reach) -> None:
    """Note needs above their limits: at places without links first, then everywhere."""
    needs = demand.needs
    if not len(needs):
        return
    yearly, horizon = demand.limits()
    pairs = ((needs, yearly), (_over_horizon(scenario, needs), horizon))
    apart = ~demand.linked[reach.numbers(needs)]
    shared = ~np.isin(needs["material"], demand.lossy)
    reported: set[int] = set()
    for rows, by in ((apart, (*PLACE, "period")), (shared, ("material", "period"))):
        for need, limit in pairs:
            for key in _exceeded(need.take(rows), limit, by):
                if key["material"] not in reported:
                    reported.add(key["material"])
                    names = {n: shorten(scenario.codes.name(n, code)) for n, code in key.items()}
                    sides = _at(need, key), _at(limit, key)
                    _note(drafts, demand, names, sides, over_horizon=limit is horizon)


def _exceeded(needs: Items, limits: Items, by: tuple[str, ...]) -> list[dict[str, int]]:
    """The keys at which the needs are above the limits, as the needs are listed."""
    first, number = distinct([needs[n] for n in by])
    keys = needs.take(first)
    need = np.bincount(number, needs["amount"], len(first))
    limit = added_at(find_rows(keys, limits, *by), limits["amount"], len(first))
    over = need > limit * (1 + _MARGIN) + _MARGIN * np.minimum(need, 1.0)
    return [{n: int(needs[n][k]) for n in by} for k in np.sort(first[over])]


def _at(rows: Items, key: dict[str, int]) -> Items:
    """The rows of a key, the largest first."""
    there = rows.take(np.all([rows[n] == code for n, code in key.items()], axis=0))
    return there.take(np.argsort(-there["amount"], kind="stable"))


def _note(
    drafts: Drafts,
    demand: _Demand,
    names: dict[str, str],
    sides: tuple[Items, Items],
    *,
    over_horizon: bool,
) -> None:
    """An error at the largest need for one material, with the cells that limit it."""
    needs, terms = sides
    terms = terms.take(terms["amount"] > 0)
    parts = [
        say(
            "{amount} by {cell}",
            amount=_rounded(terms["amount"][n]),
            cell=drafts[sheet].cell(int(terms["row"][n]), _LIMITING[sheet]),
        )
        for n, sheet in enumerate(_SHEETS[place] for place in terms["sheet"][:4])
    ]
    when = (
        say("over the horizon")
        if over_horizon
        else say("a year in period {period!r}", period=names["period"])
    )
    detail = f" ({', '.join(parts)}{', …' if len(terms) > 4 else ''})" if parts else ""
    drafts[_SHEETS[needs["sheet"][0]]].infeasible(
        int(needs["row"][0]),
        demand.column,
        say(
            "{sum} of {material!r} {verb} {where} {when}, but {most} {sum_2}{detail}: "
            "lower this, or raise those",
            sum=_rounded(needs["amount"].sum()),
            material=names["material"],
            verb=demand.verb,
            where=say("at {site!r}", site=names["site"]) if "site" in names else say("in all"),
            when=when,
            most=demand.most,
            sum_2=_rounded(terms["amount"].sum()),
            detail=detail,
        ),
    )


def _rounded(amount: float) -> str:
    return written(float(f"{amount:.6g}"))


def _unit_rates(scenario: Scenario, role: str) -> Items:
    """The most that each unit takes in (role `input`) or makes, as terms per year."""
    rows = join(_capacities(scenario), _recipe_rates(scenario, role), "technology", "period")
    first, number = distinct([rows[n] for n in ("row", "material", "period")])
    amount = np.zeros(len(first))
    np.fmax.at(amount, number, rows["capacity"] * rows["rate"])
    return _terms(rows.take(first), "Units", amount)


def _capacities(scenario: Scenario) -> Items:
    """The greatest available capacity of every unit in every period: row, site, technology,
    period, capacity."""
    units = cross(scenario.active_unit_items, scenario.period_items.only("period"))
    by_period = scenario.items("UnitPeriods")
    at = find_rows(by_period, units, "unit", "period")
    changed, available = (
        take(by_period[name], at, np.nan) for name in ("capacity_per_year", "availability")
    )
    general = units["capacity_per_year"]
    greatest = np.fmax(general, units["capacity_max_per_year"])
    existing = units["status"] == scenario.codes.known("status", "existing")
    capacity = np.where(existing, _or(changed, general), greatest)
    available = _or(available, units["availability"])
    return units.only("row", "site", "technology", "period").plus(capacity=capacity * available)


def _recipe_rates(scenario: Scenario, role: str) -> Items:
    """The most of a material per unit of capacity: technology, material, period, rate."""
    rows = scenario.items("Recipes")
    rows = rows.take(rows["role"] == scenario.codes.known("role", role))
    alone = np.where(rows["group"] < 0, rows["amount"], rows["amount"] / rows["weight"])
    first, number = distinct([rows[n] for n in ("technology", "recipe", "material")])
    rates = rows.take(first).plus(rate=np.bincount(number, alone, len(first)))
    rates = cross(rates, scenario.period_items.only("period"))
    costs = scenario.items_in_force("RecipeCosts")
    at = find_rows(costs, rates, "technology", "recipe", "period")
    rate = rates["rate"] / take(costs["capacity_use"], at, 1.0)
    return rates.only("technology", "material", "period").plus(rate=rate)


def _outlets(scenario: Scenario) -> _Side:
    units = _unit_rates(scenario, "input")
    flows = stacked([units, _limited(scenario.items_in_force("Markets"), "Markets")], *_TERM)
    yearly, horizon = _disposal(scenario)
    room, horizon_room = _stock_room(scenario)
    return (
        stacked([flows, yearly, room], *_TERM),
        stacked([_over_horizon(scenario, flows), horizon, horizon_room], *_TERM),
    )


def _disposal(scenario: Scenario) -> tuple[Items, Items]:
    """What disposal accepts; a total capacity holds for all rows of its key."""
    rows, given = scenario.items_in_force("Disposal"), scenario.items("Disposal")
    given = given.take(~np.isnan(given["total_capacity"]))
    at = place_in([given[n] + 1 for n in PLACE], [rows[n] + 1 for n in PLACE])
    total = take(given["total_capacity"], at, np.inf)
    most = np.minimum(_or(rows["capacity_per_year"], np.inf), total / _years(scenario, rows))
    rows = rows.plus(total=total, amount=most, key=rows["material"]).only(
        "site", "material", "period", "row", "total", "amount", "key"
    )
    blank = rows["material"] < 0
    wastes = Items({"material": np.flatnonzero(scenario.is_waste)})
    rows = stacked([rows.take(~blank), cross(wastes, rows.take(blank))], *rows.names)
    first, number = distinct([rows[n] for n in (*PLACE, "key")])
    amount = np.bincount(number, rows["amount"] * _years(scenario, rows), len(first))
    over_horizon = rows.take(first).plus(period=np.zeros(len(first), dtype=np.intp))
    return (
        _terms(rows, "Disposal", "amount"),
        _terms(over_horizon, "Disposal", np.minimum(amount, over_horizon["total"])),
    )


def _stocks(scenario: Scenario) -> Items:
    """Stockpiles in every period."""
    return cross(scenario.items("Stockpiles"), scenario.period_items.only("period", "years"))


def _stock_room(scenario: Scenario) -> tuple[Items, Items]:
    """The most by which stockpiles grow, in a year of a period and over the horizon."""
    stocks = _stocks(scenario)
    start = stocks["period"] == 0
    capacity, opening = _or(stocks["capacity"], np.inf), stocks["opening"]
    ceiling = np.where(stocks["can_add"], np.inf, 0.0)
    growth = (capacity - np.where(start, opening, 0.0)) / stocks["years"]
    over_horizon = np.minimum(capacity, _or(stocks["closing_max"], np.inf)) - opening
    return (
        _terms(stocks, "Stockpiles", np.minimum(growth, ceiling)),
        _terms(stocks, "Stockpiles", np.minimum(over_horizon, ceiling)).take(start),
    )


def _supplies(scenario: Scenario) -> _Side:
    streams = _limited(scenario.items_in_force("Streams"), "Streams")
    bought = _limited(scenario.purchase_items, "Purchases")
    flows = stacked([_unit_rates(scenario, "output"), streams, bought], *_TERM)
    stocks = _stocks(scenario)
    start, opening = stocks["period"] == 0, stocks["opening"]
    held = np.where(start | ~stocks["can_add"], opening, _or(stocks["capacity"], np.inf))
    pace = _or(stocks["max_reclaim_per_year"], np.inf)
    yearly = np.minimum(held / stocks["years"], pace)
    horizon = scenario.period_items["years"].sum()
    over_horizon = np.minimum(opening - stocks["closing_min"], pace * horizon)
    return (
        stacked([flows, _terms(stocks, "Stockpiles", yearly)], *_TERM),
        stacked(
            [
                _over_horizon(scenario, flows),
                _terms(stocks, "Stockpiles", over_horizon).take(start),
            ],
            *_TERM,
        ),
    )


def _check_stockpiles(drafts: Drafts, scenario: Scenario) -> None:
    """Levels that a stockpile cannot reach, because nothing is added or too little reclaimed."""
    stocks = scenario.tables["Stockpiles"].rows
    years = scenario.period_items["years"]
    pace = _or(stocks["max_reclaim_per_year"], np.inf)
    opening, slack = stocks["opening"], _MARGIN * np.maximum(stocks["opening"], 1.0)
    starved = ~stocks["can_add"] & (stocks["closing_min"] > opening + slack)
    drafts["Stockpiles"].infeasible(
        stocks.take(starved),
        "closing_min",
        "the stockpile opens with {opening} and nothing may be added, so that it "
        "cannot close with more: lower closing_min, or set can_add to yes",
    )
    drafts["Stockpiles"].infeasible(
        stocks.take(opening - years.sum() * pace > stocks["closing_max"] + slack),
        "closing_max",
        "the stockpile opens with {opening} and at most {max_reclaim_per_year} a year may "
        "be reclaimed, so that it cannot come down to closing_max in time: raise "
        "closing_max or max_reclaim_per_year",
    )
    drafts["Stockpiles"].infeasible(
        stocks.take(opening - years[0] * pace > stocks["capacity"] + slack),
        "capacity",
        "the stockpile opens with {opening} and at most {max_reclaim_per_year} a year may "
        "be reclaimed, so that it cannot come down to capacity in the first period: raise "
        "capacity or max_reclaim_per_year",
    )
