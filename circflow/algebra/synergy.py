"""Synergies: what partners gain by running together.

Sets: (synergy, period); partners are units (their activity, the sum over their recipes) or flows
(everything sent from one place to another).

Variables
    joint_activity[synergy, period]  1/yr

A partner that is off, or a flow without a link, has no activity.

Money
    synergy  + value · joint_activity
"""

from __future__ import annotations

import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, cells
from circflow.algebra.market import SYNERGY
from circflow.algebra.results import PER_YEAR, ResultTable, money, numbers, texts
from circflow.algebra.terms import Terms
from circflow.data.coded import Floats, Items, cross, match
from circflow.i18n import mark, say

SYNERGIES = ResultTable(
    "synergies",
    "Every synergy in every period.",
    (
        *texts("which, of which kind, when", "synergy", "effect", "period"),
        *numbers("what the partners do together", PER_YEAR, "joint_activity_per_year"),
        *money("joint activity times its value", "value_million_per_year"),
    ),
    "Premiums, the gain owed to the cluster's image, stand in `sales`; both are the group `synergy`"
    " of\nthe money table.",
    measure="units of activity",
)
RESULTS = (SYNERGIES,)

INDEX = ("synergy", "period")
PARTNER = ("synergy", "kind", "partner", "period")

MOST = Figure(
    "Synergies",
    "max_per_year",
    "synergy",
    "",
    0.0,
    mark("{synergy}: at most {figure}"),
    unit="1/yr",
    measure=mark("joint activity"),
    binds=mark("most of synergy {name}"),
)


def build(m: Model) -> None:
    """Add joint_activity. Needs the blocks conversion and transport."""
    rows = cross(m.scenario.items("Synergies"), m.scenario.period_items)
    joint = m.variable(
        "joint_activity",
        INDEX,
        rows,
        "joint activity of a synergy",
        "1/yr",
        grows=Grows(say("synergy {synergy}"), "Synergies", "value", "max_per_year"),
    )
    m.bound("synergy_max", joint, "<=", cells(MOST, rows), "joint_activity ≤ max_per_year")
    partners = m.scenario.items("SynergyPartners").only("synergy", "kind", "partner", "ratio")
    i, j = match([partners["synergy"]], [joint["synergy"]])
    m.limit(
        "partner_activity",
        over=PARTNER,
        left=joint.times()
        .where(j)
        .labelled(**{n: partners[n][i] for n in ("synergy", "kind", "partner")}),
        sense="<=",
        right=_units(m, partners) + _flows(m, partners),
        formula="joint_activity ≤ partner's activity / ratio",
        part="synergy",
    )
    m.pay(SYNERGY, joint.times(), joint["value"])


def _units(m: Model, partners: Items) -> Terms:
    """activity / ratio of the partners that are units."""
    codes, activity = m.scenario.codes, m["activity"]
    units = partners.take(partners["kind"] == codes.known("kind", "unit"))
    names = codes.names("partner", units["partner"]).tolist()
    unit = codes.of("unit", names)
    i, j = match([unit], [activity["unit"]])
    return _by_partner(units.take(i), activity.times().where(j))


def _flows(m: Model, partners: Items) -> Terms:
    """flow / ratio of the partners that are flows."""
    codes, flow = m.scenario.codes, m["flow"]
    flows = partners.take(partners["kind"] == codes.known("kind", "flow"))
    names = codes.names("partner", flows["partner"]).tolist()
    ends = [[end.strip() for end in name.split(">", 1)] for name in names]
    start = codes.of("site", [a for a, _ in ends])
    end = codes.of("site", [b for _, b in ends])
    i, j = match([start, end], [flow["from"], flow["to"]])
    return _by_partner(flows.take(i), flow.times().where(j))


def _by_partner(partners: Items, terms: Terms) -> Terms:
    labels = {n: partners[n] for n in ("synergy", "kind", "partner")}
    return Terms(
        {**labels, "period": terms["period"]}, terms.column, terms.coefficient / partners["ratio"]
    )


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The table `synergies`."""
    joint = m["joint_activity"]
    amount = joint.value(values)
    table = joint.items.frame(
        m.scenario.codes,
        *("synergy", "effect", "period"),
        joint_activity_per_year=amount,
        value_million_per_year=m.money_of(values, joint, SYNERGY),
    )
    return {"synergies": table}
