"""What changes in the region with a unit: waste, pollutants, jobs, and who gains.

Every figure is that of the plan with the unit less that of the plan without it. A member's value
added is its own money plus what the other members owe it for material at the plan's internal
prices: the receiver pays the shadow price of the material where it arrives, and the sender the
freight. Payments cancel out, so the members and `outside` add up to the whole.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.data.coded import Floats
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import mark, say
from circflow.solution.solution import Solution
from circflow.studies.cluster.own_money import OUTSIDE, by_member, own_money

_NOISE = 1e-9
USED, DUMPED, EMITTED, JOBS = mark("waste used"), mark("waste dumped"), "emitted", "jobs"


def figures(solution: Solution) -> pd.DataFrame:
    """Waste used and dumped (disposed of or added to stockpiles), emissions, jobs.

    Columns figure, item (material or pollutant), unit_of_measure, amount (over the horizon; jobs
    in the last period), discounted (tonnes counted like money).
    """
    scenario, tables = solution.scenario, solution.tables
    wastes = scenario.wastes
    taken = tables.conversions[tables.conversions["role"] == "input"]
    parts = [
        _named(taken[[*_KEY, "amount_per_year"]], USED),
        _named(tables.disposal[[*_KEY, "amount_per_year"]], DUMPED),
        _named(tables.stockpiles[[*_KEY, "added_per_year"]], DUMPED),
    ]
    flows = pd.concat(parts, ignore_index=True)
    flows = flows[flows["item"].isin(wastes)]
    flows = flows.assign(unit_of_measure=flows["item"].map(scenario.unit_of_measure))
    emitted = tables.emissions[["pollutant", "period", "tonnes_per_year"]]
    emitted = _named(emitted, EMITTED).assign(unit_of_measure="t")
    full = pd.concat([flows, emitted], ignore_index=True)
    years = full["period"].map({p.name: float(p.years) for p in scenario.periods})
    rate = full["rate"].astype(float)
    discounted = rate * scenario.weights_of(full["period"])
    full = full.assign(amount=rate * years, discounted=discounted)
    last = scenario.periods[-1].name
    employed = tables.units["jobs"][tables.units["period"] == last].sum()
    labels = ["figure", "item", "unit_of_measure"]
    summed = full.groupby(labels, sort=False)[["amount", "discounted"]].sum().reset_index()
    work = pd.DataFrame([(JOBS, None, "jobs", float(employed), np.nan)], columns=summed.columns)
    return pd.concat([summed, work], ignore_index=True) if len(summed) else work


_KEY = ["material", "period"]


def _named(rows: pd.DataFrame, figure: str) -> pd.DataFrame:
    renamed = rows.set_axis(["item", "period", "rate"], axis=1)
    return renamed.assign(figure=figure)


def mean_load(units: pd.DataFrame) -> float:
    """Share of what is available that units are loaded with (rows of the table of units); NaN where
    nothing is."""
    available = float(units["available_per_year"].sum())
    return float(units["load_per_year"].sum()) / available if available else np.nan


def changes(with_: pd.DataFrame, without: pd.DataFrame, unit: str) -> pd.DataFrame:
    """unit, figure, item, unit_of_measure, with, without, change, discounted_change."""
    labels = ["figure", "item", "unit_of_measure"]
    both = with_.merge(without, on=labels, how="outer", suffixes=("_with", "_without"), sort=False)
    both = both.fillna(dict.fromkeys(both.columns.difference(labels), 0.0))
    return pd.DataFrame(
        {
            "unit": unit,
            **{name: both[name] for name in labels},
            "with": both["amount_with"],
            "without": both["amount_without"],
            "change": _less(both["amount_with"], both["amount_without"]),
            "discounted_change": _less(both["discounted_with"], both["discounted_without"]),
        }
    )


def _less(one: pd.Series[float], other: pd.Series[float]) -> pd.Series[float]:
    """one − other, without the solver's noise."""
    size = np.maximum(one.abs(), other.abs())
    change = one - other
    return change.where(change.abs() > _NOISE * size, 0.0)


def cost_per_tonne(change: pd.DataFrame, value: float, figure: str, item: str | None) -> float:
    """What the cluster pays per tonne less of something, in currency; negative if it gains.

    Discounted money over discounted tonnes. NaN where there is not less of it.
    """
    rows = change[(change["figure"] == figure) & (change["unit_of_measure"] == "t")]
    if item is not None:
        rows = rows[rows["item"] == item]
    less = -float(rows["discounted_change"].sum())
    scale = float(rows[["with", "without"]].abs().to_numpy().max(initial=0.0))
    return -value * MILLION / less if less > 1e-9 * max(scale, 1.0) else np.nan


def carbon_dioxide(scenario: Scenario) -> str | None:
    """The pollutant that is CO2, under whichever of its usual names."""
    names = scenario.frame("EmissionFactors")["pollutant"].drop_duplicates().tolist()
    usual = ("co2", "co₂", "со2", "co2e", "co2-eq", say("carbon dioxide"), "диоксид углерода")
    return next((n for n in names if str(n).strip().lower() in usual), None)


def value_added(solution: Solution) -> pd.DataFrame:
    """Each member's value added: member, own_million, traded_million, value_added_million.

    The rows, with `outside`, add up to the plan's discounted money.
    """
    members = solution.scenario.members
    by_owner, traded = by_member(own_money(solution), members), _traded(solution)
    return pd.DataFrame(
        {
            "member": [*members, OUTSIDE],
            "own_million": by_owner,
            "traded_million": traded,
            "value_added_million": by_owner + traded,
        }
    )


def _traded(solution: Solution) -> Floats:
    """What each member gets from the others for material, less what it pays."""
    scenario = solution.scenario
    total = np.zeros(len(scenario.members) + 1)
    prices = solution.prices
    prices = prices[prices["kind"] == "material"]
    flows = solution.flows
    if flows.empty or prices.empty:
        return total
    worth = prices[["site", "material", "period", "value"]].rename(columns={"site": "to"})
    rows = flows.merge(worth, on=["to", "material", "period"], how="left")
    sender, taker, between = scenario.ends(rows)
    paid = rows["value"].fillna(0.0).to_numpy(float) * rows["received_per_year"].to_numpy(float)
    paid = paid * scenario.weights_of(rows["period"]) / MILLION
    np.add.at(total, sender[between], paid[between])
    np.add.at(total, taker[between], -paid[between])
    return total


def gains(with_: pd.DataFrame, without: pd.DataFrame, unit: str) -> pd.DataFrame:
    """unit, member, with_million, without_million, change_million."""
    one = with_["value_added_million"].to_numpy(float)
    other = without["value_added_million"].to_numpy(float)
    return pd.DataFrame(
        {
            "unit": unit,
            "member": with_["member"].to_numpy(object),
            "with_million": one,
            "without_million": other,
            "change_million": one - other,
        }
    )
