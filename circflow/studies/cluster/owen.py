"""Prices for every exchange inside a cluster, and each member's income at them.

The Owen allocation (Owen 1975, On the core of linear production games): from one solve of all
together, every material has a shadow price at every place. If members trade at those prices,
each member's income is what its own resources are worth, and the allocation that gives

    income at the prices, all together − own money, every member alone

is in the core, provided that the plan is an LP and every resource is owned by one member. Trade
is at the receiver's price, the sender pays the way. What goes through a place without a member is
credited to those who sent it, in proportion to the tonnes (see `members`). A synergy's value goes
to partners by the duals of their activity; what a cap on it is worth, and what shared limits are
worth, stays with those who use them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from circflow.algebra.build import weights
from circflow.data.coded import Floats
from circflow.data.scenario import MILLION
from circflow.i18n import say
from circflow.i18n.names import shown_sheet
from circflow.studies.cluster.coalition import Cluster, partner_members, synergy_members
from circflow.studies.cluster.own_money import Books, weighted_money

EXCHANGES = [
    "seller",
    "buyer",
    "from",
    "to",
    "material",
    "mode",
    "period",
    "received_per_year",
    "unit_of_measure",
    "price",
    "million_per_year",
    "discounted_million",
]


@dataclass(frozen=True)
class Owen:
    """`shares` of g(N) by member, million; `exchanges`, a table (see `EXCHANGES`; price in
    currency per unit received, at the receiver); `why` the theorem does not apply, "" if it
    does."""

    shares: Floats
    exchanges: pd.DataFrame
    why: str

    @property
    def applies(self) -> bool:
        """Whether the theorem does."""
        return not self.why


def owen(cluster: Cluster) -> Owen:
    """The Owen allocation of a cluster's gain, from its plan of all together."""
    n = len(cluster.members)
    alone = weighted_money(cluster.alone)
    together = weighted_money(cluster.together)
    deals = exchanges(cluster)
    number = cluster.members.index
    paid = deals["discounted_million"].to_numpy(float) * weights(cluster.scenario).value
    income = together.copy()
    np.add.at(income, deals["seller"].map(number).to_numpy(np.intp), paid)
    np.subtract.at(income, deals["buyer"].map(number).to_numpy(np.intp), paid)
    income += _synergy_by_price(cluster)
    shares = (income - alone)[:n]
    # What places without a member earn or pay more than before belongs to nobody: it is shared
    # in proportion, so that the whole gain is.
    member = np.array([at not in cluster.apart for at in range(n)])
    shares = np.where(member, shares, 0.0)
    rest = cluster.synergy - shares.sum()
    key = np.maximum(shares, 0.0)
    key = key / key.sum() if key.sum() > 0.0 else member / max(member.sum(), 1)
    return Owen(shares + rest * key, deals, _why_not(cluster))


def exchanges(cluster: Cluster) -> pd.DataFrame:
    """Every delivery to a member of what another member sent, with its price (`EXCHANGES`)."""
    solution, scenario = cluster.together, cluster.scenario
    goal = weights(scenario).value
    prices = solution.prices
    prices = prices[prices["kind"] == "material"]
    key = ["site", "material", "period"]
    known = prices.set_index(key)["value"].astype(float)
    flows = solution.flows
    receiver = scenario.owners(flows["to"])
    to_member = (receiver >= 0) & (scenario.owners(flows["from"]) != receiver)
    flows, receiver = flows[to_member].reset_index(drop=True), receiver[to_member]
    where = pd.MultiIndex.from_frame(flows[["to", "material", "period"]])
    price = known.reindex(where).fillna(0.0).to_numpy(float) if goal else np.zeros(len(flows))
    names = np.array(cluster.members, dtype=object)
    books = Books(solution)
    shares = books.whose(books.plan["flows"].take(to_member).renamed(site="from"))
    at, who = np.nonzero(shares[:, :-1])  # what an outside place supplies is not traded here
    rows = flows.iloc[at].reset_index(drop=True)
    amount = rows["received_per_year"].to_numpy(float) * shares[at, who]
    table = rows.assign(
        seller=names[who],
        buyer=names[receiver[at]],
        received_per_year=amount,
        price=price[at],
        million_per_year=price[at] * amount / MILLION,
        discounted_million=price[at] * amount / MILLION * scenario.weights_of(rows["period"]),
    )
    deals: pd.DataFrame = table[EXCHANGES][table["seller"] != table["buyer"]]
    return deals.reset_index(drop=True)


def _synergy_by_price(cluster: Cluster) -> Floats:
    """What joint activity earns each member by the duals of its partners' activity, less its equal
    part (million, weighted)."""
    total = np.zeros(len(cluster.members) + 1)
    dual = cluster.outcome(cluster.everybody).row_dual
    families = [cluster.compiled.families[x.name] for x in cluster.model.of_part("synergy")]
    held = [(*k, r) for f in families for k, r in zip(f.keys, f.rows.tolist(), strict=True)]
    if dual is None or not held:
        return total
    partners, members_of = partner_members(cluster.scenario), synergy_members(cluster.scenario)
    number = cluster.members.index
    joint = cluster.together.tables.synergies
    amount = joint.set_index(["synergy", "period"])["joint_activity_per_year"].to_dict()
    for name, kind, partner, period, row in held:
        owners, members = members_of[name], partners[name, kind, partner]
        if len(owners) < 2 or not members:
            continue
        earned = -float(dual[row]) * float(amount.get((name, period), 0.0))
        total[number(members[0])] += earned
        for owner in owners:
            total[number(owner)] -= earned / len(owners)
    return total


def _why_not(cluster: Cluster) -> str:
    """Why Owen's theorem does not apply; "" if it does."""
    scenario = cluster.scenario
    reasons = []
    if cluster.compiled.program.has_decisions:
        reasons.append(say("there are yes/no decisions"))
    outside = {site for site, member in scenario.member_of.items() if member is None}
    limited = [
        ("Markets", ["max_per_year"]),
        ("Disposal", ["capacity_per_year", "total_capacity"]),
        ("Streams", ["amount_per_year"]),
        ("Stockpiles", ["opening", "capacity"]),
        ("Units", ["capacity_per_year"]),
    ]
    for sheet, columns in limited:
        rows = scenario.frame(sheet)
        if (rows["site"].isin(outside) & rows[columns].notna().any(axis=1)).any():
            reasons.append(
                say(
                    "{sheet}: places without a member have limits that members share",
                    sheet=shown_sheet(sheet),
                )
            )
    markets = scenario.frame("Markets")
    if (markets["site"].isin(outside) & (markets["min_per_year"] > 0.0)).any():
        reasons.append(say("Markets: places without a member must be supplied by all together"))
    limits = scenario.frame("EmissionLimits")
    if (limits["scope"].isin(["cluster", "region"]) & limits["limit_per_year"].notna()).any():
        reasons.append(
            say("EmissionLimits: the cluster or a region has a limit that members share")
        )
    if len(scenario.frame("Budget")):
        reasons.append(say("Budget: members share it"))
    if scenario.frame("Links")["capacity_per_year"].notna().any():
        reasons.append(say("Links: rows with a capacity may be shared"))
    if cluster.arms_length:
        reasons.append(say("members outside a coalition trade at arm's length"))
    return "; ".join(reasons)
