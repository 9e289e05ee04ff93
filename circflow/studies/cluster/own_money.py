"""A member's own money in a plan (MODEL: a member's own money).

* What its sites earn and pay; the sender pays transport and transaction costs.
* Sales, premiums, disposal fees and forwarding at a place without a member are passed back to
  the members who sent the material, in proportion to the tonnes sent in that period, traced back
  through places without a member; what such a place supplies itself counts as `outside`.
* Emission charges and penalties go by what each emitted within the limit's scope; a synergy's
  value in equal parts to the different members of its partners.

Money is unweighted and discounted; what remains is booked as `outside`; the parts add up to the
whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, eye_array
from scipy.sparse.linalg import splu

from circflow.algebra.build import money_groups, weights
from circflow.algebra.emissions import EMISSIONS
from circflow.algebra.market import INCOME, SYNERGY
from circflow.data.scenario import MILLION
from circflow.solution.solution import Solution
from circflow.studies.cluster.coalition import synergy_members

OUTSIDE = "outside"
Measure = Literal["discounted_million", "million_per_year"]
"""Columns of the money table by which own money is told."""
DISCOUNTED: Measure = "discounted_million"
PLACE = ["site", "material", "period"]
_LEAK = 1e-12
"""Share of every place's inflow counted as its own, so that a closed circle has a source."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Origins:
    """Who sent what places without a member have: a row of shares per (site, material, period).

    `shares` has a column per member and a last one for outside; rows add up to 1.
    """

    places: pd.MultiIndex
    shares: Floats

    def of(self, rows: pd.DataFrame) -> Floats:
        """Shares for rows with site, material and period; outside where nothing is known."""
        at = self.places.get_indexer(pd.MultiIndex.from_frame(rows[PLACE]))
        shares = np.zeros((len(rows), self.shares.shape[1]))
        shares[:, -1] = 1.0
        shares[at >= 0] = self.shares[at[at >= 0]]
        return shares


def own_money(solution: Solution, measure: Measure = DISCOUNTED) -> pd.DataFrame:
    """Each member's own money in a plan: member, group, period, and the measure.

    `measure`: `discounted_million` (over the period), or `million_per_year` (undiscounted; capital
    paid upfront in equal parts over the years of its period). The member `outside` holds what is
    nobody's. The rows add up to that column of the money table.
    """
    names = [*solution.scenario.members, OUTSIDE]
    books = Books(solution, measure)
    parts = [books.by_site(), books.emissions(), books.synergies(), books.premiums()]
    rows = _summed(pd.concat(parts, ignore_index=True))
    totals = solution.money.groupby(["group", "period"])[measure].sum()
    booked = rows.groupby(["group", "period"])["million"].sum()
    rest = totals.sub(booked, fill_value=0.0).rename("million")
    left = rest[rest != 0.0].reset_index().assign(member=OUTSIDE)
    money = _summed(pd.concat([rows, left], ignore_index=True))
    money = money.sort_values("member", key=lambda column: column.map(names.index), kind="stable")
    money = money[money["million"] != 0.0].rename(columns={"million": measure})
    return money.reset_index(drop=True)


def _summed(table: pd.DataFrame) -> pd.DataFrame:
    """One row per member, group and period."""
    key = ["member", "group", "period"]
    summed: pd.Series[float] = table.groupby(key, sort=False)["million"].sum()
    return summed.reset_index()


def weighted_money(solution: Solution) -> Floats:
    """What each member, and outside, contributes to the objective (million, weighted).

    Own money with the weights of value and synergy, jobs at its units and what its sites emit with
    theirs; what remains counts as outside, so that the parts add up to the objective.
    """
    scenario = solution.scenario
    goal = weights(scenario)
    money = own_money(solution)
    of_synergy = money["group"].isin([g.name for g in money_groups() if g.goal == "synergy"])
    factor = np.where(of_synergy, goal.synergy, goal.value)
    weighted = money.assign(discounted_million=money["discounted_million"] * factor)
    total = by_member(weighted, scenario.members)
    labour = solution.tables.units
    counted = [(labour, labour["jobs"] * goal.jobs)]
    for pollutant, weight in goal.emission.items():
        rows = solution.emissions[solution.emissions["pollutant"] == pollutant]
        counted.append((rows, rows["tonnes_per_year"] * (weight / MILLION)))
    for rows, amount in counted:
        worth = amount.to_numpy(float) * scenario.weights_of(rows["period"])
        np.add.at(total, scenario.owners(rows["site"]), np.nan_to_num(worth))
    total[-1] += solution.objective - total.sum()
    return total


def by_member(table: pd.DataFrame, members: tuple[str, ...]) -> Floats:
    """Totals of `own_money` by member, the last one `outside`."""
    sums = table.groupby("member")["discounted_million"].sum()
    return np.array(sums.reindex([*members, OUTSIDE]).fillna(0.0), dtype=float)


def origins(solution: Solution) -> Origins:
    """Trace what places without a member hold back to the members who sent it.

    With T the inflow of a place, its shares are (what members sent + Σ sent from other places
    without a member · their shares + its supply · outside) / T: one sparse linear system.
    """
    scenario, flows = solution.scenario, solution.tables.flows
    arriving = flows[scenario.owners(flows["to"]) < 0]
    arriving = arriving.rename(columns={"to": "site"}).reset_index(drop=True)
    supply = _outside_supply(solution)
    places = pd.MultiIndex.from_frame(
        pd.concat([arriving[PLACE], supply[PLACE]], ignore_index=True)
    ).unique()
    count, columns = len(places), len(scenario.members) + 1
    if not count:
        return Origins(places, np.zeros((0, columns)))
    sent = arriving["sent_per_year"].to_numpy(float)
    head = places.get_indexer(pd.MultiIndex.from_frame(arriving[PLACE]))
    owner = scenario.owners(arriving["from"])
    source = np.zeros((count, columns))
    from_member = owner >= 0
    np.add.at(source, (head[from_member], owner[from_member]), sent[from_member])
    at_home = places.get_indexer(pd.MultiIndex.from_frame(supply[PLACE]))
    np.add.at(source[:, -1], at_home, supply["amount"].to_numpy(float))

    back = arriving[~from_member].rename(columns={"site": "to", "from": "site"})
    tail = places.get_indexer(pd.MultiIndex.from_frame(back[PLACE]))
    heads, amounts = head[~from_member], sent[~from_member]
    lost = tail < 0  # sent on from nowhere: counts as the place's own
    np.add.at(source[:, -1], heads[lost], amounts[lost])
    total = source.sum(axis=1) + np.bincount(heads[~lost], amounts[~lost], minlength=count)
    source[:, -1] += _LEAK * total + (total == 0.0)
    total = total * (1.0 + _LEAK) + (total == 0.0)
    passed = coo_array(
        (amounts[~lost] / total[heads[~lost]], (heads[~lost], tail[~lost])), shape=(count, count)
    )
    system = csc_array(eye_array(count) - csc_array(passed))
    shares = splu(system).solve(source / total[:, None])
    shares = np.clip(shares, 0.0, 1.0)
    return Origins(places, shares / shares.sum(axis=1, keepdims=True))


def _outside_supply(solution: Solution) -> pd.DataFrame:
    """What arises, is bought, made or reclaimed at places without a member: place and amount."""
    tables = solution.tables
    outputs = tables.conversions[tables.conversions["role"] == "output"]
    reclaimed = tables.stockpiles.rename(columns={"reclaimed_per_year": "amount_per_year"})
    parts = [t[[*PLACE, "amount_per_year"]] for t in (tables.supply, outputs, reclaimed)]
    supply = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    supply = supply.set_axis([*PLACE, "amount"], axis=1)
    outside = solution.scenario.owners(supply["site"]) < 0
    supply = supply[outside & (supply["amount"].to_numpy(float) > 0.0)]
    return supply.groupby(PLACE, sort=False)["amount"].sum().reset_index()


class Books:
    """The parts of own money, each a table member, group, period, million (by the measure)."""

    def __init__(self, solution: Solution, measure: Measure = DISCOUNTED) -> None:
        self.solution, self.measure = solution, measure
        self.scenario = solution.scenario
        self.names = np.array([*self.scenario.members, OUTSIDE], dtype=object)

    @cached_property
    def origins(self) -> Origins:
        """Who sent what places without a member have."""
        return origins(self.solution)

    def _discount(self, rows: pd.DataFrame) -> Floats:
        if self.measure != DISCOUNTED:
            return np.ones(len(rows))
        return self.scenario.weights_of(rows["period"])

    def _split(self, rows: pd.DataFrame, shares: Floats) -> pd.DataFrame:
        """Rows with group, period and million, shared among members and outside."""
        at, who = np.nonzero(shares)
        taken = rows.iloc[at]
        return pd.DataFrame(
            {
                "member": self.names[who],
                "group": taken["group"].to_numpy(object),
                "period": taken["period"].to_numpy(object),
                "million": taken["million"].to_numpy(float) * shares[at, who],
            }
        )

    def whose(self, rows: pd.DataFrame, passed_back: NDArray[np.bool_] | bool = True) -> Floats:
        """Shares: the site's member, or who sent the material, or outside."""
        shares = np.zeros((len(rows), len(self.names)))
        owner = self.scenario.owners(rows["site"])
        shares[np.arange(len(rows)), owner] = 1.0  # −1 is the last column: outside
        back = np.flatnonzero((owner < 0) & passed_back)
        if back.size:
            shares[back] = self.origins.of(rows.iloc[back])
        return shares

    def by_site(self) -> pd.DataFrame:
        """Everything booked at a site, emissions and synergy apart."""
        money = self.solution.money
        money = money.assign(million=money[self.measure])
        money = money[~money["group"].isin([EMISSIONS.name, SYNERGY.name])]
        back = (
            money["group"].isin([g.name for g in money_groups() if g.passed_back]).to_numpy()
            & money["material"].notna().to_numpy()
        )
        return self._split(money, self.whose(money, back))

    def _booked(self, table: pd.DataFrame, column: str, group: str) -> pd.DataFrame:
        """Rows with an amount in a column, as money of a group."""
        amount = table[column].astype(float) * self._discount(table)
        rows = table.assign(group=group, million=amount)
        return rows[rows["million"] != 0.0]

    def sold(self, sales: pd.DataFrame) -> pd.DataFrame:
        """Income of sales by the member that is paid: member, group, period, million."""
        rows = self._booked(sales, "income_million_per_year", INCOME.name)
        return self._split(rows, self.whose(rows))

    def premiums(self) -> pd.DataFrame:
        """Premiums of sales: like the sales."""
        rows = self._booked(self.solution.sales, "premium_million_per_year", SYNERGY.name)
        return self._split(rows, self.whose(rows))

    def synergies(self) -> pd.DataFrame:
        """Values of joint activity: in equal parts to the members of the partners."""
        table = self.solution.tables.synergies
        rows = self._booked(table, "value_million_per_year", SYNERGY.name)
        partners = synergy_members(self.scenario)
        shares = np.zeros((len(rows), len(self.names)))
        for at, name in enumerate(rows["synergy"]):
            owners = [self.scenario.members.index(m) for m in partners.get(name, ())]
            shares[at, owners or [-1]] = 1.0 / max(len(owners), 1)
        return self._split(rows, shares)

    def emissions(self) -> pd.DataFrame:
        """Charges by what each emitted within the scope; penalties by that, what is avoided
        apart."""
        limits = self.solution.tables.emission_limits
        keyed = self.scenario.in_force("EmissionLimits")[["row", "period", "price", "penalty"]]
        rows = limits.merge(keyed, on=["row", "period"])
        rows = rows[rows["cost_million_per_year"] != 0.0].reset_index(drop=True)
        if rows.empty:
            return pd.DataFrame(columns=["member", "group", "period", "million"])
        emitted = np.zeros((len(rows), len(self.names)))
        blame = np.zeros_like(emitted)
        tonnes = self.solution.emissions["tonnes_per_year"].to_numpy(float)
        owner = self.scenario.owners(self.solution.emissions["site"])
        for at, counted in enumerate(self._counted(rows)):
            np.add.at(emitted[at], owner[counted], tonnes[counted])
            np.add.at(blame[at], owner[counted], np.maximum(tonnes[counted], 0.0))
        weight = self._discount(rows) / MILLION
        price = rows["price"].to_numpy(float)[:, None] * emitted
        blame[:, -1] += blame.sum(axis=1) == 0.0
        blame /= blame.sum(axis=1, keepdims=True)
        penalty = rows["penalty"].fillna(0.0) * rows["excess_per_year"]
        paid = (price + blame * penalty.to_numpy(float)[:, None]) * weight[:, None]
        which, who = np.nonzero(paid)
        return pd.DataFrame(
            {
                "member": self.names[who],
                "group": EMISSIONS.name,
                "period": rows["period"].to_numpy(object)[which],
                "million": -paid[which, who],
            }
        )

    def _counted(self, limits: pd.DataFrame) -> Iterator[NDArray[np.bool_]]:
        """Which emissions each limit counts."""
        table = self.solution.emissions
        column = {
            name: table[name].to_numpy(object) for name in table if table[name].dtype != float
        }
        for row in limits.to_dict("records"):
            same = column["pollutant"] == row["pollutant"]
            same &= column["period"] == row["period"]
            scope, key = row["scope"], row["key"]
            if scope == "unit":
                same &= (column["unit"] == key) & (column["kind"] == "recipe")
            elif scope != "cluster":
                same &= column[scope] == key
            yield same
