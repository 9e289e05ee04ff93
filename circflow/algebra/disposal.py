"""Disposal: what is dumped for good.

Sets: (site, material, row, period) of the rows of Disposal in force; a row with a blank material
is open to every material of category waste that can come to its site. Rows of one key (site and
material cell) share a total capacity.

Variables
    disposed[site, material, row, period]  unit/yr  disposed of under a row

Money
    disposal  − fee · disposed
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, Record, cells
from circflow.algebra.reach import brought
from circflow.algebra.results import PER_YEAR, PRICE, Group, ResultTable, money, numbers, texts
from circflow.algebra.terms import emitting
from circflow.data.coded import Floats, match, stacked
from circflow.i18n import mark, say

DISPOSAL = Group("disposal", "disposal", 70, passed_back=True)
MONEY = (DISPOSAL,)

DISPOSED = ResultTable(
    "disposal",
    "What is disposed of. Only rows in use are listed.",
    (
        *texts(
            "where, what, under which row of Disposal",
            *("site", "material", "row", "period", "unit_of_measure"),
        ),
        *numbers("disposed of", PER_YEAR, "amount_per_year"),
        *numbers("of the row", PRICE, "fee"),
        *money("amount times fee", "cost_million_per_year"),
    ),
)
RESULTS = (DISPOSED,)

INDEX = ("site", "material", "row", "period")


def _waste_at_site(row: Record) -> str:
    return say("{value} at {site}", value=row["material"] or say("waste"), site=row["site"])


YEARLY = Figure(
    "Disposal",
    "capacity_per_year",
    "disposal",
    "raise",
    10.0,
    mark("{where}: at most {figure} is disposed of"),
    _waste_at_site,
    relieved_by="input",
    binds=mark("disposal per year at {site}, {material}"),
)
TOTAL = Figure(
    "Disposal",
    "total_capacity",
    "disposal",
    "raise",
    10.0,
    mark("{where}: at most {figure} over the whole horizon"),
    _waste_at_site,
    "{measure}",
    relieved_by="input",
    binds=mark("disposal in total at {site}, {material}"),
)


def build(m: Model) -> None:
    """Add disposed and its capacities. Needs all blocks that bring material to a place."""
    rows = m.scenario.items_in_force("Disposal")
    rows = rows.plus(key_material=rows["material"])
    blank = rows.take(rows["material"] < 0)
    here = brought(m)
    here = here.take(m.scenario.is_waste[here["material"]])
    i, j = match([blank["site"], blank["period"]], [here["site"], here["period"]])
    spread = blank.take(i).plus(material=here["material"][j])
    rows = stacked([rows.take(rows["material"] >= 0), spread], *rows.names)
    disposed = m.variable(
        "disposed",
        INDEX,
        rows,
        "disposed of under a row",
        "unit/yr",
        grows=Grows(
            say("{material} disposed of at {site}"), "Disposal", "fee", "capacity_per_year"
        ),
    )
    sheet = m.scenario.items("Disposal")
    m.limit(
        "disposal_capacity",
        over=("row", "period"),
        left=disposed.times(),
        sense="<=",
        right=cells(YEARLY, sheet, "row"),
        formula="Σ_material disposed ≤ capacity_per_year",
    )
    limited = sheet.take(~np.isnan(sheet["total_capacity"]))
    i, j = match(
        [limited["site"], limited["material"]], [disposed["site"], disposed["key_material"]]
    )
    under = disposed.times(m.scenario.period_items["years"][disposed["period"]]).where(j)
    m.limit(
        "disposal_total",
        over=("row",),
        left=under.labelled(row=limited["row"][i]),
        sense="<=",
        right=cells(TOTAL, sheet, "row"),
        formula="Σ_period years · Σ_material disposed ≤ total_capacity,"
        " over all under the row's key",
    )
    m.mass.append(disposed.times(-1.0))
    m.pay(DISPOSAL, disposed.times(), -disposed["fee"])
    m.emits.append(emitting(m.scenario.codes, "disposal", disposed.times(), "material"))


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `disposal`."""
    disposed = m["disposed"]
    amount = disposed.value(values)
    used = np.flatnonzero(amount)
    rows, amount = disposed.items.take(used), amount[used]
    table = rows.frame(
        m.scenario.codes,
        *INDEX,
        amount_per_year=amount,
        fee=rows["fee"],
        cost_million_per_year=m.money_of(values, disposed, DISPOSAL)[used],
    )
    return {"disposal": table}
