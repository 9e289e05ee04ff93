"""What it costs to bring a unit's inputs in and its outputs out: freight, transactions, and the
emission charges of the way, as in the plan.

Of a material k in a period, with x_j what is sent over a link j and c_j its cost per unit,

    onward[s] = Σ_{j from s} x_j·(c_j + (1 − loss_j)·onward[to_j]) / through[s]
    before[s] = Σ_{j to s} x_j·(c_j + before[from_j]) / through[s]

where through[s] is all of k that comes to s, or stands there at first. So goods that meet at a
place share its way, in proportion. A unit bears `onward` of what it makes and `before` of what it
takes in.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.build import discount, weights
from circflow.data.coded import Floats
from circflow.studies.units.candidates import Bench, Plan

GROUPS = {"transport": "freight", "transactions": "transactions", "emissions": "emissions"}
"""Groups of the money table, and what a price sheet calls them."""

_NOISE = 1e-9
"""A cost below this share of the largest beside it is rounding."""


def carriage(bench: Bench, plan: Plan, unit: str, goods: pd.DataFrame) -> pd.DataFrame:
    """What a unit's goods cost on their way: unit, item, material, period, market_million
    (discounted, not above 0). `goods`: item (`output` or `input`), material, period,
    amount_per_year (inputs below 0).
    """
    flows = _flows(bench, plan)
    at = bench.scenario.frame("Units").set_index("unit")["site"][unit]
    records = []
    for good in goods.to_dict("records"):
        here = flows[(flows["material"] == good["material"]) & (flows["period"] == good["period"])]
        if here.empty:
            continue
        through = _through(bench, plan, str(good["material"]), str(good["period"]))
        cost = _per_unit(here, through, str(at), onward=good["item"] == "output")
        records += [
            (unit, item, good["material"], good["period"], -abs(good["amount_per_year"]) * c)
            for item, c in zip(GROUPS.values(), cost, strict=True)
        ]
    heads = ["unit", "item", "material", "period", "market_million"]
    table = pd.DataFrame(records, columns=heads)
    return table[table["market_million"] != 0.0].reset_index(drop=True)


def _flows(bench: Bench, plan: Plan) -> pd.DataFrame:
    """Flows in use: from, to, material, period, sent, received, and the cost of all that is sent
    by group, million, discounted."""
    m = bench.m
    rows = m["flow"].frame
    sent = bench.amounts(rows["column"], plan.x)
    flows = rows[["from", "to", "material", "period", "column"]].assign(
        sent=sent, received=sent * (1.0 - rows["loss"].to_numpy(float))
    )
    flows = flows[flows["sent"] > 0.0]
    money = m.money_frame
    worth = money["coefficient"].to_numpy(float) * discount(bench.scenario, m.money)
    cost = money.assign(worth=-worth * weights(bench.scenario).value)
    cost = cost[cost["column"].isin(flows["column"]) & cost["group"].isin(GROUPS)]
    wide = cost.pivot_table(index="column", columns="group", values="worth", aggfunc="sum")
    costs = wide.reindex(index=flows["column"], columns=list(GROUPS)).fillna(0.0).to_numpy()
    flows[list(GROUPS)] = costs * flows[["sent"]].to_numpy()
    return flows


def _through(bench: Bench, plan: Plan, material: str, period: str) -> dict[str, float]:
    """Units of a material a year that come to each site or stand there: what its balance holds."""
    balance = bench.compiled.families["material_balance"]
    of = (material, period)
    named = zip(balance.keys, balance.rows, strict=True)
    of_row = [(str(key[0]), int(row)) for key, row in named if tuple(key[1:]) == of]
    block = bench.program.matrix.tocsr()[[r for _, r in of_row]].multiply(plan.x[None, :]).tocsr()
    come = np.asarray(block.maximum(0.0).sum(axis=1)).ravel()
    return dict(zip((s for s, _ in of_row), come.tolist(), strict=True))


def _per_unit(flows: pd.DataFrame, through: dict[str, float], site: str, *, onward: bool) -> Floats:
    """Cost of each group per unit of material at a site, on its way from there, or to there."""
    sites = sorted({*flows["from"], *flows["to"], site})
    code = {s: n for n, s in enumerate(sites)}
    one = flows["from" if onward else "to"].map(code).to_numpy(np.intp)
    other = flows["to" if onward else "from"].map(code).to_numpy(np.intp)
    size = np.array([through.get(s, 0.0) for s in sites])
    share = np.zeros((len(sites), len(sites)))
    np.add.at(share, (one, other), flows["received" if onward else "sent"].to_numpy(float))
    paid = np.zeros((len(sites), len(GROUPS)))
    np.add.at(paid, one, flows[list(GROUPS)].to_numpy(float))
    known = size > 0.0
    share[known] /= size[known, None]
    paid[known] /= size[known, None]
    share[~known], paid[~known] = 0.0, 0.0
    costs = np.linalg.lstsq(np.eye(len(sites)) - share, paid, rcond=None)[0]
    cost: Floats = costs[code[site]]
    return np.where(np.abs(cost) > _NOISE * np.abs(paid).max(), cost, 0.0)
