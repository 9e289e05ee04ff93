"""Markets: what is sold.

Sets: (site, material, tier, period) of the rows of Markets in force; rows of one site and
material are price tiers, numbered as they stand in the sheet.

Variables
    sold[site, material, tier, period]  unit/yr  sold under a market row

Money
    income   + price · sold
    synergy  + premium · sold (the gain owed to the cluster's image)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, cells
from circflow.algebra.results import PER_YEAR, PRICE, Group, ResultTable, money, numbers, texts
from circflow.algebra.terms import emitting
from circflow.data.coded import Floats, distinct
from circflow.i18n import mark, say

INCOME = Group("income", mark("income from sales"), 0, received=True, part="sale", passed_back=True)
SYNERGY = Group("synergy", "synergy", 1000, received=True, goal="synergy", part="sale")
MONEY = (INCOME, SYNERGY)

SALES = ResultTable(
    "sales",
    "One row for each row of Markets in force.",
    (
        *texts("the market", "site", "material"),
        *texts("number of the price tier at this site, counted down the sheet", "tier"),
        *texts("the market", "period", "unit_of_measure", "row"),
        *numbers("sold", PER_YEAR, "amount_per_year"),
        *numbers(
            "least and most that the market takes (blank: unlimited)",
            PER_YEAR,
            "min_per_year",
            "max_per_year",
        ),
        *numbers("price; the premium counts as synergy", PRICE, "price", "premium"),
        *money("amount times price", "income_million_per_year"),
        *money("amount times premium", "premium_million_per_year"),
    ),
)
RESULTS = (SALES,)

INDEX = ("site", "material", "tier", "period")

DEMAND = Figure(
    "Markets",
    "max_per_year",
    "market",
    "raise",
    10.0,
    mark("{where}: at most {figure} is bought"),
    relieved_by="input",
    binds=mark("most that {site} buys of {material}"),
)
DELIVERY = Figure(
    "Markets",
    "min_per_year",
    "market",
    "lower",
    1.0,
    mark("at least {figure} of {where} must be delivered"),
    relieved_by="output",
    binds=mark("least that {site} must get of {material}"),
)


def build(m: Model) -> None:
    """Add sold."""
    rows = m.scenario.items_in_force("Markets")
    _, market = distinct([rows[n] for n in ("site", "material", "period")])
    rows = rows.plus(tier=1 + pd.Series(market).groupby(market).cumcount().to_numpy(np.intp))
    sold = m.variable(
        "sold",
        INDEX,
        rows,
        "sold under a market row",
        "unit/yr",
        grows=Grows(say("{material} sold at {site}"), "Markets", "price", "max_per_year"),
    )
    m.bound("market_max", sold, "<=", cells(DEMAND, rows), "sold ≤ max_per_year")
    m.bound("market_min", sold, ">=", cells(DELIVERY, rows), "sold ≥ min_per_year")
    m.mass.append(sold.times(-1.0))
    m.pay(INCOME, sold.times(), rows["price"])
    m.pay(SYNERGY, sold.times(), rows["premium"])
    m.emits.append(emitting(m.scenario.codes, "sale", sold.times(), "material"))


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `sales`."""
    sold = m["sold"]
    amount = sold.value(values)
    figures = ("min_per_year", "max_per_year", "price", "premium")
    table = sold.items.frame(
        m.scenario.codes,
        *INDEX,
        "row",
        amount_per_year=amount,
        **{name: sold[name] for name in figures},
        income_million_per_year=m.money_of(values, sold, INCOME),
        premium_million_per_year=m.money_of(values, sold, SYNERGY),
    )
    return {"sales": table}
