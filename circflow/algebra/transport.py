"""Transport: material moved over links.

Sets: (from, to, material, mode, period) of the network's links in the periods in which their
mode runs and, where no row of Links names the material, something can come to where they start.

Variables
    flow[from, to, material, mode, period]  unit/yr  moved over a link, as sent

Money, per unit sent
    transport     − (distance · cost_per_unit_km + fixed_cost), or − cost of the link's row
    transactions  − transaction cost (between two members, or between a member and a place
                  outside)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, Record, cells
from circflow.algebra.reach import fed
from circflow.algebra.results import (
    PER_YEAR,
    Group,
    ResultColumn,
    ResultTable,
    money,
    numbers,
    texts,
)
from circflow.algebra.terms import emitting
from circflow.data.coded import Floats, Items, find_rows, match
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say

TRANSPORT = Group("transport", "transport", 50, part="transport", passed_back=True)
TRANSACTIONS = Group("transactions", "transactions", 60, part="transactions", passed_back=True)
MONEY = (TRANSPORT, TRANSACTIONS)

FLOWS = ResultTable(
    "flows",
    "Material moved over a link. Only links in use are listed.",
    (
        *texts("the journey", "from", "to", "material", "mode", "period", "unit_of_measure"),
        *numbers("as loaded", PER_YEAR, "sent_per_year"),
        *numbers("what arrives (less the link's loss)", PER_YEAR, "received_per_year"),
        ResultColumn("distance_km", "length of the link", "km", "number", "distance"),
        *money("tariff, or the link's own cost, times what is sent", "transport_million_per_year"),
        *money("transaction cost times what is sent", "transactions_million_per_year"),
    ),
)
RESULTS = (FLOWS,)

INDEX = ("from", "to", "material", "mode", "period")


def _way(row: Record) -> str:
    return say(
        "{value} from {start} to {to}",
        value=row["material"] or say("everything"),
        start=row["from"],
        to=row["to"],
    )


def _sender(rows: Items, _: Scenario) -> Items:
    return rows.renamed(site="from")


CAPACITY = Figure(
    "Links",
    "capacity_per_year",
    "link",
    "raise",
    50.0,
    mark("{where}: at most {figure}"),
    _way,
    place=_sender,
    binds=mark("capacity of {site} > {to}, {material}"),
)


def build(m: Model) -> None:
    """Add flow and the capacities of rows of the sheet Links. Needs the blocks that bring material
    to where it starts: supply, conversion, stock."""
    network = m.scenario.network
    flows = network.flow_items
    links = network.link_items.take(flows["link"])
    rows = Items({**{n: links[n] for n in links.names}, **{n: flows[n] for n in flows.names}})
    sheet = m.scenario.items("Links")
    named = find_rows(sheet, rows, *INDEX[:3]) >= 0
    rows = rows.take(named | fed(m, rows.renamed(site="from"), rows.renamed(site="to")))
    flow = m.variable(
        "flow",
        INDEX,
        rows,
        "moved over a link, as sent",
        "unit/yr",
        grows=Grows(
            say("{material} from {from} to {to} by {mode}"),
            "Links",
            "unit_cost",
            row="row_cost",
            by="at {} per unit",
        ),
    )
    covered = network.capacity_items
    i, j = match([covered["link"]], [flow["link"]])
    m.limit(
        "link_capacity",
        over=("row", "period"),
        left=flow.times().where(j).labelled(row=covered["row"][i]),
        sense="<=",
        right=cells(CAPACITY, sheet, "row"),
        formula="Σ flow covered by the row ≤ capacity_per_year",
        part="link_capacity",
    )
    sent = flow.times().labelled(site=flow["from"])
    received = flow.times(1.0 - flow["loss"]).labelled(site=flow["to"])
    m.mass += [-sent, received]
    m.pay(TRANSPORT, sent, -flow["unit_cost"])
    m.pay(TRANSACTIONS, sent, -flow["transaction_cost"])
    journey = sent.times(np.nan_to_num(flow["distance_km"]))
    m.emits.append(emitting(m.scenario.codes, "transport", journey, "mode"))


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `flows`."""
    flow = m["flow"]
    sent = flow.value(values)
    used = np.flatnonzero(sent)
    rows, sent = flow.items.take(used), sent[used]
    table = rows.frame(
        m.scenario.codes,
        *INDEX,
        sent_per_year=sent,
        received_per_year=sent * (1.0 - rows["loss"]),
        distance_km=rows["distance_km"],
        transport_million_per_year=m.money_of(values, flow, TRANSPORT)[used],
        transactions_million_per_year=m.money_of(values, flow, TRANSACTIONS)[used],
    )
    return {"flows": table}
