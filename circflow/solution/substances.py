"""What becomes of substances and energy in a plan: where they arise, what is sold, dumped, lost.

Every amount of the plan times what its material holds (`circflow.data.balances.contents`). What
goes in (arises, is reclaimed from stockpiles, is bought) equals what goes out (is sold, disposed
of, stocked, lost by units or on the way). A unit that makes more than it takes in has a loss below
0: its recipe makes what cannot be made, and the check warns of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.data.balances import contents_table
from circflow.data.scenario import MILLION

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

IN = ("arises", "reclaimed", "bought")
OUT = ("sold", "disposed", "stocked", "lost by units", "lost on the way")
COLUMNS = [
    *("property", "becomes", "site", "unit", "material", "stage", "period"),
    *("amount_per_year", "unit_of_measure", "worth_million_per_year"),
]
RECOVERED = [
    *("property", "unit_of_measure", "arises_per_year", "bought_per_year", "sold_per_year"),
    *("dumped_per_year", "lost_per_year", "recovered_share", "dumped_worth_million_per_year"),
]
_DUST = 1e-9
"""Share of the whole below which a loss is rounding."""


def substances(solution: Solution) -> pd.DataFrame:
    """What becomes of every conserved property: the columns of `COLUMNS`.

    `becomes` is one of `IN` or `OUT`; what units lose has a unit and no material. Amounts in t or
    GJ per year of the period, worth at the price in PropertyKinds (million currency per year,
    blank without one). Empty where PropertyKinds names nothing that is conserved.
    """
    scenario, tables = solution.scenario, solution.tables
    sheets = scenario.tables
    held = contents_table(sheets["Properties"].rows, sheets["PropertyKinds"].rows)
    supply, stocks = tables.supply, tables.stockpiles
    lost = tables.flows.assign(
        site=tables.flows["from"],
        amount=tables.flows["sent_per_year"] - tables.flows["received_per_year"],
    )
    parts = [
        _moved(held, supply[supply["kind"] == "stream"], "arises", "amount_per_year"),
        _moved(held, stocks, "reclaimed", "reclaimed_per_year"),
        _moved(held, supply[supply["kind"] == "purchase"], "bought", "amount_per_year"),
        _moved(held, tables.sales, "sold", "amount_per_year"),
        _moved(held, tables.disposal, "disposed", "amount_per_year"),
        _moved(held, stocks, "stocked", "added_per_year"),
        _lost_by_units(held, tables.conversions),
        _moved(held, lost, "lost on the way", "amount"),
    ]
    table = pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)
    materials = scenario.frame("Materials").set_index("material")
    kinds = scenario.frame("PropertyKinds").set_index("property")
    price = table["property"].map(kinds["price"].astype(float))
    table = table.assign(
        stage=table["material"].map(materials["stage"]).astype(object),
        worth_million_per_year=table["amount_per_year"] * price / MILLION,
    )
    return table.reindex(columns=COLUMNS)


def _moved(held: pd.DataFrame, rows: pd.DataFrame, becomes: str, column: str) -> pd.DataFrame:
    """What a table's amounts hold, by site, material and period."""
    moved = rows[["site", "material", "period"]].assign(moved=rows[column].astype(float))
    both = moved[moved["moved"] != 0.0].merge(held, on="material")
    return _rows_of(both, both["moved"] * both["content"], becomes=becomes, unit=None)


def _rows_of(rows: pd.DataFrame, amount: pd.Series[float], **texts: str | None) -> pd.DataFrame:
    """Rows as those of the table, with their amounts and what is the same in all of them."""
    table = rows.rename(columns={"measure": "unit_of_measure"})
    columns = [name for name in COLUMNS if name in table or name in texts]
    return table.assign(**texts)[columns].assign(amount_per_year=amount)


def through_units(held: pd.DataFrame, conversions: pd.DataFrame) -> pd.DataFrame:
    """What units take in (positive) and give (negative): conversions with property, amount."""
    rows = conversions.merge(held, on="material")
    sign = np.where(rows["role"] == "input", 1.0, -1.0)
    return rows.assign(amount=sign * rows["amount_per_year"].astype(float) * rows["content"])


def _lost_by_units(held: pd.DataFrame, conversions: pd.DataFrame) -> pd.DataFrame:
    """What goes into a unit and does not come out, by unit and period."""
    rows = through_units(held, conversions)
    rows = rows.assign(size=rows["amount"].abs())
    key = ["property", "site", "unit", "period", "measure"]
    sums = rows.groupby(key, sort=False, as_index=False)[["amount", "size"]].sum()
    sums = sums[sums["amount"].abs() > _DUST * sums["size"]]
    return _rows_of(sums, sums["amount"], becomes="lost by units", material=None)


def recovered(solution: Solution) -> pd.DataFrame:
    """How much of every conserved property is recovered: the columns of `RECOVERED`.

    Means per year of the horizon. `arises` is what is taken from streams and stockpiles, `dumped`
    what is disposed of or stocked; `recovered_share` is what is sold of all that goes in: of what
    arises, if what is bought shares the fate of the rest. Blank where nothing goes in.
    """
    table, scenario = solution.substances, solution.scenario
    years = {p.name: float(p.years) for p in scenario.periods}
    share = table["period"].map(years).astype(float) / sum(years.values())
    amounts = table.assign(
        amount=table["amount_per_year"] * share, worth=table["worth_million_per_year"] * share
    )
    key = ["property", "unit_of_measure"]
    sums = amounts.pivot_table(index=key, columns="becomes", values="amount", aggfunc="sum")
    sums = sums.reindex(columns=[*IN, *OUT]).fillna(0.0)
    dumped = amounts[amounts["becomes"].isin(["disposed", "stocked"])]
    worth = dumped.groupby(key)["worth"].sum(min_count=1).reindex(sums.index)
    entering = sums[list(IN)].sum(axis=1)
    totals = pd.DataFrame(
        {
            "arises_per_year": sums["arises"] + sums["reclaimed"],
            "bought_per_year": sums["bought"],
            "sold_per_year": sums["sold"],
            "dumped_per_year": sums["disposed"] + sums["stocked"],
            "lost_per_year": sums["lost by units"] + sums["lost on the way"],
            "recovered_share": sums["sold"] / entering.where(entering > 0.0),
            "dumped_worth_million_per_year": worth,
        }
    )
    order = scenario.frame("PropertyKinds")["property"].tolist()
    totals = totals.reset_index().sort_values("property", key=lambda names: names.map(order.index))
    return totals.reset_index(drop=True).reindex(columns=RECOVERED)
