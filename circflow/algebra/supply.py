"""Supply: what arises and what is bought.

Sets: (site, material, period) of Streams and of Purchases in force.

Variables
    taken[site, material, period]   unit/yr   waste taken from a stream
    bought[site, material, period]  unit/yr   auxiliary input bought

Money
    streams    − cost · taken
    purchases  − price · bought
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, cells
from circflow.algebra.results import PER_YEAR, PRICE, Group, ResultTable, money, numbers, texts
from circflow.algebra.terms import emitting
from circflow.data.coded import Floats, stacked
from circflow.i18n import mark, say

STREAMS = Group("streams", mark("taking waste"), 10)
PURCHASES = Group("purchases", "purchases", 20)
MONEY = (STREAMS, PURCHASES)

SUPPLY = ResultTable(
    "supply",
    "What comes in from outside: one row for each stream and each purchase.",
    (
        *texts("`stream` (waste that arises) or `purchase`", "kind"),
        *texts("where, what, when", "site", "material", "period", "unit_of_measure", "row"),
        *numbers("taken or bought", PER_YEAR, "amount_per_year"),
        *numbers(
            "what arises, or the most that can be bought (blank: unlimited)",
            PER_YEAR,
            "available_per_year",
        ),
        *numbers("of a stream its cost, negative where the taker is paid", PRICE, "price"),
        *money("amount times price", "cost_million_per_year"),
    ),
)
RESULTS = (SUPPLY,)

INDEX = ("site", "material", "period")

ARISES = Figure(
    "Streams",
    "amount_per_year",
    "stream",
    "",
    0.0,
    mark("{figure} of {where} arises"),
    binds=mark("{material} arising at {site}"),
)
HANDLED = Figure(
    "Streams",
    "amount_per_year",
    "stream",
    "lower",
    1000.0,
    mark("{figure} of {where} must be handled"),
    relieved_by="input",
)
BUYABLE = Figure(
    "Purchases",
    "max_per_year",
    "purchase",
    "raise",
    10.0,
    mark("{where}: at most {figure} can be bought"),
    relieved_by="output",
    binds=mark("most {material} to be bought at {site}"),
)


def build(m: Model) -> None:
    """Add taken and bought."""
    streams = m.scenario.items_in_force("Streams")
    taken = m.variable(
        "taken",
        INDEX,
        streams,
        "waste taken from a stream",
        "unit/yr",
        grows=Grows(say("{material} taken at {site}"), "Streams", "cost", "amount_per_year"),
    )
    amount = cells(HANDLED, streams).where(streams["must_handle"])
    m.bound("stream_amount", taken, "<=", cells(ARISES, streams), "taken ≤ amount_per_year")
    m.bound("stream_handled", taken, ">=", amount, "taken ≥ amount_per_year, if must_handle")

    purchases = m.scenario.purchase_items
    bought = m.variable(
        "bought",
        INDEX,
        purchases,
        "auxiliary input bought",
        "unit/yr",
        grows=Grows(say("{material} bought at {site}"), "Purchases", "price", "max_per_year"),
    )
    m.bound("purchase_max", bought, "<=", cells(BUYABLE, purchases), "bought ≤ max_per_year")

    for kind, variable, group, price in (
        ("stream", taken, STREAMS, "cost"),
        ("purchase", bought, PURCHASES, "price"),
    ):
        m.mass.append(variable.times())
        m.pay(group, variable.times(), -variable[price])
        m.emits.append(emitting(m.scenario.codes, kind, variable.times(), "material"))


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `supply`."""
    parts = []
    for kind, name, group, most, price in (
        ("stream", "taken", STREAMS, "amount_per_year", "cost"),
        ("purchase", "bought", PURCHASES, "max_per_year", "price"),
    ):
        variable = m[name]
        part = variable.items.only(*INDEX, "row").plus(
            kind=np.full(len(variable), kind, dtype=object),
            amount_per_year=variable.value(values),
            available_per_year=variable[most],
            price=variable[price],
            cost_million_per_year=m.money_of(values, variable, group),
        )
        parts.append(part)
    order = dict.fromkeys(("kind", *parts[0].names))
    return {"supply": stacked(parts, *order).frame(m.scenario.codes)}
