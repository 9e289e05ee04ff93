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
import pandas as pd
from numpy.typing import NDArray

from circflow.data.cells import shorten, written
from circflow.data.checks.doubts.flows import places_with_takers
from circflow.data.checks.findings import Drafts
from circflow.data.checks.reach import PLACE, Reach
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say

_MARGIN = 1e-6
"""Share by which a limit may be missed before it counts: far above rounding."""
_TERM = ["site", "material", "period", "sheet", "row", "amount"]
_WHOLE = "\0horizon"
"""In the place of a period: the whole horizon."""


_LIMITING = {
    "Units": "capacity_per_year",
    "Markets": "max_per_year",
    "Disposal": "capacity_per_year",
    "Stockpiles": "capacity",
    "Streams": "amount_per_year",
    "Purchases": "max_per_year",
}
"""The column that says how much a row of a sheet takes or gives."""


@dataclass(frozen=True)
class _Side:
    """One side of the comparison: terms (site, material, period, sheet, row, amount)."""

    yearly: pd.DataFrame
    """Amounts per year of a period."""
    whole: pd.DataFrame
    """Amounts over the horizon, the period being `_WHOLE`."""


@dataclass(frozen=True)
class _Demand:
    """What must be handled or sold, held against what there is to do it with."""

    needs: pd.DataFrame
    """Terms per year of a period."""
    limits: Callable[[], _Side]
    """Worked out only where something is needed."""
    linked: NDArray[np.bool_]
    """By number of the place: whether a link can help."""
    lossy: set[str]
    """Materials that are left out where links play a part."""
    column: str
    verb: str
    most: str


def check_arithmetic(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Note where more must be handled, or sold, than can be. What nobody takes at all is left
    to the warnings."""
    years = {period.name: period.years for period in scenario.periods}
    streams = scenario.in_force("Streams")
    arising = streams[streams["must_handle"].astype(bool)]
    arising = arising[places_with_takers(scenario, reach)[reach.codes(arising)]]
    markets = scenario.in_force("Markets")
    demands = (
        _Demand(
            _terms(arising, "Streams", "amount_per_year"),
            lambda: _outlets(scenario, years),
            reach.has_way_out(),
            _lossy(scenario),
            "amount_per_year",
            say("must be handled"),
            say("every outlet together takes at most"),
        ),
        _Demand(
            _terms(markets[markets["min_per_year"] > 0], "Markets", "min_per_year"),
            lambda: _supplies(scenario, years),
            reach.has_way_in(),
            set(),
            "min_per_year",
            say("must be sold"),
            say("every source together gives at most"),
        ),
    )
    for demand in demands:
        _compare(drafts, demand, reach, years)
    _check_stockpiles(drafts, scenario, years)


def _terms(rows: pd.DataFrame, sheet: str, amount: str) -> pd.DataFrame:
    """Rows in force as terms; a blank amount is unlimited."""
    return rows.assign(sheet=sheet, amount=rows[amount].fillna(np.inf))[_TERM]


def _lossy(scenario: Scenario) -> set[str]:
    """Materials of which some may get lost on the way."""
    links = scenario.network.links
    return set(links.loc[links["loss"] > 0, "material"].unique())


def _compare(drafts: Drafts, demand: _Demand, reach: Reach, years: dict[str, int]) -> None:
    """Note needs above their limits: at places without links first, then everywhere."""
    needs = demand.needs
    if not len(needs):
        return
    limits = demand.limits()
    pairs = ((needs, limits.yearly), (_over_horizon(needs, years), limits.whole))
    reported: set[str] = set()
    for need, limit in pairs:
        apart = need[~demand.linked[reach.codes(need)]]
        for site, material, period in _exceeded(apart, limit, [*PLACE, "period"]):
            if material not in reported:
                here = need[(need["site"] == site) & (need["material"] == material)]
                there = limit[(limit["site"] == site) & (limit["material"] == material)]
                _note(drafts, demand, here, there, (period, say("at {site!r}", site=shorten(site))))
                reported.add(material)
    for need, limit in pairs:
        shared = need[~need["material"].isin(list(demand.lossy))]
        for material, period in _exceeded(shared, limit, ["material", "period"]):
            if material not in reported:
                here, there = (rows[rows["material"] == material] for rows in (need, limit))
                _note(drafts, demand, here, there, (period, say("in all")))
                reported.add(material)


def _exceeded(needs: pd.DataFrame, limits: pd.DataFrame, by: list[str]) -> list[tuple[str, ...]]:
    """The keys at which the needs are above the limits."""
    if not len(needs):
        return []
    need = needs.groupby(by, sort=False)["amount"].sum()
    limit = limits.groupby(by, sort=False)["amount"].sum().reindex(need.index).fillna(0.0)
    over = need > limit * (1 + _MARGIN) + _MARGIN * need.clip(upper=1.0)
    return list(need.index[over.to_numpy(bool)])


def _note(
    drafts: Drafts,
    demand: _Demand,
    needs: pd.DataFrame,
    limits: pd.DataFrame,
    when_where: tuple[str, str],
) -> None:
    """An error at the largest need for one material, with the cells that limit it."""
    period, where = when_where
    here, terms = needs[needs["period"] == period], limits[limits["period"] == period]
    largest = here.sort_values("amount", ascending=False).iloc[0]
    terms = terms[terms["amount"] > 0].sort_values("amount", ascending=False)
    first = terms.head(4)
    parts = [
        say(
            "{amount} by {cell}",
            amount=_rounded(amount),
            cell=drafts[sheet].cell(int(row), _LIMITING[sheet]),
        )
        for sheet, row, amount in zip(first["sheet"], first["row"], first["amount"], strict=True)
    ]
    when = (
        say("over the horizon")
        if period == _WHOLE
        else say("a year in period {period!r}", period=period)
    )
    detail = f" ({', '.join(parts)}{', …' if len(terms) > 4 else ''})" if parts else ""
    drafts.infeasible(
        str(largest["sheet"]),
        int(largest["row"]),
        demand.column,
        say(
            "{sum} of {material!r} {verb} {where} {when}, but {most} {sum_2}{detail}: "
            "lower this, or raise those",
            sum=_rounded(here["amount"].sum()),
            material=shorten(str(largest["material"])),
            verb=demand.verb,
            where=where,
            when=when,
            most=demand.most,
            sum_2=_rounded(terms["amount"].sum()),
            detail=detail,
        ),
    )


def _rounded(amount: float) -> str:
    return written(float(f"{amount:.6g}"))


def _unit_rates(scenario: Scenario, role: str) -> pd.DataFrame:
    """The most that each unit takes in (role `input`) or makes: site, material, period, sheet,
    row, amount per year."""
    rates = _recipe_rates(scenario, role)
    activity = _capacities(scenario).merge(rates, on=["technology", "period"])
    amount = activity["capacity"] * activity["rate"]
    rows = activity.assign(amount=amount, sheet="Units")
    return rows.groupby(_TERM[:-1], sort=False)["amount"].max().reset_index()[_TERM]


def _capacities(scenario: Scenario) -> pd.DataFrame:
    """The greatest available capacity of every unit in every period."""
    units = scenario.active_units.rename_axis("row").reset_index()
    units = units.merge(pd.DataFrame({"period": [p.name for p in scenario.periods]}), how="cross")
    by_period = scenario.frame("UnitPeriods")[
        ["unit", "period", "capacity_per_year", "availability"]
    ]
    units = units.merge(by_period, on=["unit", "period"], how="left", suffixes=("", "_own"))
    existing = units["status"] == "existing"
    fixed = units["capacity_per_year_own"].fillna(units["capacity_per_year"])
    greatest = units[["capacity_per_year", "capacity_max_per_year"]].max(axis=1)
    capacity = fixed.where(existing, greatest)
    available = units["availability_own"].fillna(units["availability"])
    units = units.assign(capacity=capacity * available)
    return units[["row", "site", "technology", "period", "capacity"]]


def _recipe_rates(scenario: Scenario, role: str) -> pd.DataFrame:
    """The most of a material per unit of capacity: technology, material, period, rate."""
    recipes = scenario.frame("Recipes")
    recipes = recipes[recipes["role"] == role]
    alone = recipes["amount"].where(recipes["group"].isna(), recipes["amount"] / recipes["weight"])
    rows = recipes.assign(rate=alone)
    where = ["technology", "recipe", "material"]
    rows = rows.groupby(where, sort=False)["rate"].sum().reset_index()
    rows = rows.merge(pd.DataFrame({"period": [p.name for p in scenario.periods]}), how="cross")
    use = scenario.in_force("RecipeCosts")[["technology", "recipe", "period", "capacity_use"]]
    rows = rows.merge(use, on=["technology", "recipe", "period"], how="left")
    return rows.assign(rate=rows["rate"] / rows["capacity_use"].fillna(1.0)).drop(
        columns=["recipe", "capacity_use"]
    )


def _over_horizon(yearly: pd.DataFrame, years: dict[str, int]) -> pd.DataFrame:
    length = yearly["period"].map(years).astype(float)
    return yearly.assign(period=_WHOLE, amount=yearly["amount"] * length)


def _outlets(scenario: Scenario, years: dict[str, int]) -> _Side:
    units = _unit_rates(scenario, "input")
    markets = _terms(scenario.in_force("Markets"), "Markets", "max_per_year")
    yearly, horizon = _disposal(scenario, years)
    room, room_whole = _stock_room(scenario, years)
    flows = pd.concat([units, markets], ignore_index=True)
    return _Side(
        pd.concat([flows, yearly, room], ignore_index=True),
        pd.concat([_over_horizon(flows, years), horizon, room_whole], ignore_index=True),
    )


def _disposal(scenario: Scenario, years: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What disposal accepts; a total capacity holds for all rows of its key."""
    rows = scenario.in_force("Disposal")
    given = scenario.frame("Disposal")
    key = ["site", "material"]
    totals = given.loc[given["total_capacity"].notna(), [*key, "total_capacity"]]
    totals = totals.assign(key=_joined(totals))[["key", "total_capacity"]]
    rows = rows.drop(columns="total_capacity").assign(key=_joined(rows))
    rows = rows.merge(totals, on="key", how="left")
    total = rows["total_capacity"].fillna(np.inf)
    length = rows["period"].map(years).astype(float)
    rows = rows.assign(
        sheet="Disposal",
        amount=np.minimum(rows["capacity_per_year"].fillna(np.inf), total / length),
        held=total,
        length=length,
    )
    wastes = pd.DataFrame({"material": sorted(scenario.wastes)}, dtype=object)
    every = rows[rows["material"].isna()].drop(columns="material").merge(wastes, how="cross")
    rows = pd.concat([rows[rows["material"].notna()], every], ignore_index=True)
    summed = rows.assign(amount=rows["amount"] * rows["length"])
    horizon = summed.groupby(["site", "material", "key"], sort=False, as_index=False).agg(
        row=("row", "first"), amount=("amount", "sum"), held=("held", "first")
    )
    horizon = horizon.assign(
        sheet="Disposal", period=_WHOLE, amount=np.minimum(horizon["amount"], horizon["held"])
    )
    return rows[_TERM], horizon[_TERM]


def _joined(rows: pd.DataFrame) -> pd.Series:
    """A key of site and material that may be blank."""
    return rows["site"].astype(object) + "\0" + rows["material"].astype(object).fillna("\x1f")


def _stockpiles(scenario: Scenario) -> pd.DataFrame:
    rows = scenario.frame("Stockpiles").rename_axis("row").reset_index()
    return rows.assign(sheet="Stockpiles")


def _stock_room(scenario: Scenario, years: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The most by which stockpiles grow, in a year of a period and over the horizon."""
    stocks = (
        scenario.frame("Stockpiles").rename_axis("row").reset_index().assign(sheet="Stockpiles")
    )
    capacity = stocks["capacity"].fillna(np.inf)
    ceiling = np.where(stocks["can_add"].astype(bool), np.inf, 0.0)
    parts = []
    for number, (period, length) in enumerate(years.items()):
        before = stocks["opening"] if number == 0 else 0.0
        growth = np.minimum((capacity - before) / length, ceiling)
        parts.append(stocks.assign(period=period, amount=growth)[_TERM])
    last = np.minimum(capacity, stocks["closing_max"].fillna(np.inf))
    horizon = stocks.assign(period=_WHOLE, amount=np.minimum(last - stocks["opening"], ceiling))
    return pd.concat(parts, ignore_index=True), horizon[_TERM]


def _supplies(scenario: Scenario, years: dict[str, int]) -> _Side:
    units = _unit_rates(scenario, "output")
    streams = _terms(scenario.in_force("Streams"), "Streams", "amount_per_year")
    bought = _terms(scenario.purchases, "Purchases", "max_per_year")
    flows = pd.concat([units, streams, bought], ignore_index=True)
    stocks = (
        scenario.frame("Stockpiles").rename_axis("row").reset_index().assign(sheet="Stockpiles")
    )
    pace = stocks["max_reclaim_per_year"].fillna(np.inf)
    can_add = stocks["can_add"].astype(bool)
    parts = []
    for number, (period, length) in enumerate(years.items()):
        held = stocks["opening"].where((number == 0) | ~can_add, stocks["capacity"].fillna(np.inf))
        parts.append(stocks.assign(period=period, amount=np.minimum(held / length, pace))[_TERM])
    horizon = float(sum(years.values()))
    over_horizon = stocks.assign(
        period=_WHOLE,
        amount=np.minimum(stocks["opening"] - stocks["closing_min"], pace * horizon),
    )
    return _Side(
        pd.concat([flows, *parts], ignore_index=True),
        pd.concat([_over_horizon(flows, years), over_horizon[_TERM]], ignore_index=True),
    )


def _check_stockpiles(drafts: Drafts, scenario: Scenario, years: dict[str, int]) -> None:
    """Levels that a stockpile cannot reach, because nothing is added or too little reclaimed."""
    stocks = scenario.frame("Stockpiles")
    if stocks.empty:
        return
    first, horizon = next(iter(years.values())), sum(years.values())
    pace = stocks["max_reclaim_per_year"].fillna(np.inf)
    opening, slack = stocks["opening"], _MARGIN * stocks["opening"].clip(lower=1.0)
    starved = ~stocks["can_add"].astype(bool) & (stocks["closing_min"] > opening + slack)
    for row in stocks.index[starved]:
        drafts.infeasible(
            "Stockpiles",
            int(row),
            "closing_min",
            say(
                "the stockpile opens with {opening} and nothing may be added, so that it "
                "cannot close with more: lower closing_min, or set can_add to yes",
                opening=written(opening[row]),
            ),
        )
    for column, length, words in (
        (
            "closing_max",
            horizon,
            mark(
                "the stockpile opens with {opening} and at most {pace} a year may be "
                "reclaimed, so that it cannot come down to closing_max in time: raise "
                "closing_max or max_reclaim_per_year"
            ),
        ),
        (
            "capacity",
            first,
            mark(
                "the stockpile opens with {opening} and at most {pace} a year may be "
                "reclaimed, so that it cannot come down to capacity in the first period: raise "
                "capacity or max_reclaim_per_year"
            ),
        ),
    ):
        too_slow = opening - length * pace > stocks[column] + slack
        for row in stocks.index[too_slow]:
            drafts.infeasible(
                "Stockpiles",
                int(row),
                column,
                say(words, opening=written(opening[row]), pace=written(pace[row])),
            )
