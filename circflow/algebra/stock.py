"""Stockpiles: legacy dumps, tailings ponds and buffers.

Sets: (site, material) of Stockpiles, every period.

Variables
    added[site, material, period]      unit/yr  put in (only where can_add)
    reclaimed[site, material, period]  unit/yr  taken out
    level[site, material, period]      unit     held at the period's end

Money
    stockpiles  − add_cost · added − reclaim_cost · reclaimed − holding_cost · level
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, cells
from circflow.algebra.results import PER_YEAR, Group, ResultTable, money, numbers, texts
from circflow.algebra.terms import constants, emitting
from circflow.data.coded import Floats, Items, cross, find_rows, take
from circflow.i18n import mark, say

STOCKPILES = Group("stockpiles", "stockpiles", 80)
MONEY = (STOCKPILES,)

PILES = ResultTable(
    "stockpiles",
    "Every stockpile in every period.",
    (
        *texts("which, when", "site", "material", "period", "unit_of_measure", "row"),
        *numbers("held at the period's start", "{measure}", "opening"),
        *numbers("put in, and taken out", PER_YEAR, "added_per_year", "reclaimed_per_year"),
        *numbers("held at the period's end", "{measure}", "closing"),
        *numbers("most that can be held (blank: unlimited)", "{measure}", "capacity"),
        *money(
            "adding, reclaiming and holding what is there at the period's end",
            "cost_million_per_year",
        ),
    ),
)
RESULTS = (PILES,)

INDEX = ("site", "material", "period")

RECLAIM = Figure(
    "Stockpiles",
    "max_reclaim_per_year",
    "reclaim",
    "raise",
    20.0,
    mark("{where}: at most {figure} taken back"),
    relieved_by="output",
    binds=mark("most {material} reclaimed at {site}"),
)
ROOM = Figure(
    "Stockpiles",
    "capacity",
    "stockpile",
    "raise",
    100.0,
    mark("{where}: room for {figure}"),
    unit="{measure}",
    relieved_by="input",
    binds=mark("room for {material} at {site}"),
)
LEFT_MIN = Figure(
    "Stockpiles",
    "closing_min",
    "stockpile",
    "lower",
    1.0,
    mark("at least {figure} of {where} must be left at the end"),
    unit="{measure}",
    relieved_by="output",
    binds=mark("least {material} left at {site}"),
)
LEFT_MAX = Figure(
    "Stockpiles",
    "closing_max",
    "stockpile",
    "raise",
    1.0,
    mark("at most {figure} of {where} may be left at the end"),
    unit="{measure}",
    relieved_by="input",
    binds=mark("most {material} left at {site}"),
)


def build(m: Model) -> None:
    """Add added, reclaimed, level and the stock balance."""
    rows = cross(m.scenario.items("Stockpiles"), m.scenario.period_items)
    added = m.variable(
        "added",
        INDEX,
        rows.take(rows["can_add"]),
        "put into a stockpile",
        "unit/yr",
        grows=Grows(
            say("{material} added to the stock at {site}"), "Stockpiles", "add_cost", "capacity"
        ),
    )
    reclaimed = m.variable(
        "reclaimed",
        INDEX,
        rows,
        "taken out of a stockpile",
        "unit/yr",
        grows=Grows(
            say("{material} taken from the stock at {site}"),
            "Stockpiles",
            "reclaim_cost",
            "max_reclaim_per_year",
        ),
    )
    level = m.variable(
        "level",
        INDEX,
        rows,
        "stockpile at the period's end",
        "unit",
        grows=Grows(say("{material} held at {site}"), "Stockpiles", "holding_cost", "capacity"),
    )
    last = rows["period"] == len(m.scenario.periods) - 1
    room, most, least = cells(ROOM, rows), cells(LEFT_MAX, rows), cells(LEFT_MIN, rows)
    top = cells(RECLAIM, rows)
    m.bound("reclaim_max", reclaimed, "<=", top, "reclaimed ≤ max_reclaim_per_year")
    m.bound("stock_capacity", level, "<=", room, "level ≤ capacity")
    m.bound("closing_max", level, "<=", most.where(last), "last level ≤ closing_max")
    m.bound("closing_min", level, ">=", least.where(last), "last level ≥ closing_min")
    _add_balance(m, rows)
    m.mass += [reclaimed.times(), added.times(-1.0)]
    for variable, cost in (
        (added, "add_cost"),
        (reclaimed, "reclaim_cost"),
        (level, "holding_cost"),
    ):
        m.pay(STOCKPILES, variable.times(), -variable[cost])
    m.emits.append(emitting(m.scenario.codes, "stockpile", level.times(), "material"))


def _add_balance(m: Model, rows: Items) -> None:
    level, added, reclaimed = m["level"], m["added"], m["reclaimed"]
    later = level.times().labelled(period=level["period"] + 1)
    first = rows.take(rows["period"] == 0)
    before = later + constants(first.only(*INDEX).labels, first["opening"])
    change = added.times(added["years"]) - reclaimed.times(reclaimed["years"])
    m.limit(
        "stock_balance",
        over=INDEX,
        left=level.times(),
        sense="==",
        right=before + change,
        formula="level = level of the period before (opening at first)"
        " + years · (added − reclaimed)",
    )


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `stockpiles`."""
    level = m["level"]
    closing = level.value(values)
    periods = max(len(m.scenario.periods), 1)
    before = np.roll(closing.reshape(-1, periods), 1, axis=1)
    before[:, :1] = level["opening"].reshape(-1, periods)[:, :1]
    put, taken = (
        take(v.value(values), find_rows(v, level, *INDEX)) for v in (m["added"], m["reclaimed"])
    )
    table = level.items.frame(
        m.scenario.codes,
        *INDEX,
        "row",
        opening=before.ravel(),
        added_per_year=put,
        reclaimed_per_year=taken,
        closing=closing,
        capacity=level["capacity"],
        cost_million_per_year=m.money_in(values, level, INDEX, STOCKPILES),
    )
    return {"stockpiles": table}
