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

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from circflow.algebra.build import money_groups, weights
from circflow.algebra.emissions import EMISSIONS
from circflow.algebra.market import INCOME, SYNERGY
from circflow.data.coded import Flags, Floats, Ints, Items, added_at, find_rows, stacked, table_of
from circflow.data.scenario import MILLION
from circflow.solution.accounts import within_limits
from circflow.solution.keys import CodedPlan, added_up, side_by_side
from circflow.solution.solution import Solution
from circflow.studies.cluster.coalition import synergy_members

OUTSIDE = "outside"
Measure = Literal["discounted_million", "million_per_year"]
"""Columns of the money table by which own money is told."""
DISCOUNTED: Measure = "discounted_million"
PLACE = ("site", "material", "period")
_LINE = ("member", "group", "period")
_ROUNDING = 1e-12
"""Share of what is booked below which what remains of it is rounding."""
_LEAK = 1e-12
"""Share of every place's inflow counted as its own, so that a closed circle has a source."""


@dataclass(frozen=True)
class Origins:
    """Who sent what places without a member have: a row of shares per (site, material, period).

    `shares` has a column per member and a last one for outside; rows add up to 1.
    """

    places: Items
    shares: Floats

    def of(self, rows: Items) -> Floats:
        """Shares for rows with site, material and period; outside where nothing is known."""
        outside = np.eye(1, self.shares.shape[1], self.shares.shape[1] - 1)
        return np.vstack([self.shares, outside])[find_rows(self.places, rows, *PLACE)]


def own_money(solution: Solution, measure: Measure = DISCOUNTED) -> pd.DataFrame:
    """Each member's own money in a plan: member, group, period, and the measure.

    `measure`: `discounted_million` (over the period), or `million_per_year` (undiscounted; capital
    paid upfront in equal parts over the years of its period). The member `outside` holds what is
    nobody's. The rows add up to that column of the money table.
    """
    books = Books(solution, measure)
    parts = [books.by_site(), books.emissions(), books.synergies(), books.premiums()]
    every = stacked(parts, *_LINE, "million")
    rows, (shared,) = added_up(every, _LINE, every["million"])
    money = books.plan["money"]
    lines, (booked, gross, theirs) = side_by_side(
        money, [money[measure], np.abs(money[measure])], rows, [shared], _LINE[1:]
    )
    rest = np.where(np.abs(booked - theirs) > _ROUNDING * gross, booked - theirs, 0.0)
    lines = lines.plus(member=np.full(len(lines), books.outside))
    rows, (yours, left) = side_by_side(rows, [shared], lines, [rest], _LINE)
    million = yours + left
    order = np.argsort(rows["member"], kind="stable")
    order = order[million[order] != 0.0]
    table: pd.DataFrame = books.table(rows.plus(million=million).take(order))
    return table.rename(columns={"million": measure})


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


def origins(plan: CodedPlan, owners: Ints) -> Origins:
    """Trace what places without a member hold back to the members who sent it.

    With T the inflow of a place, its shares are (what members sent + Σ sent from other places
    without a member · their shares + its supply · outside) / T: one sparse linear system.
    `owners`: the member's number of every site, by code; −1 outside.
    """
    flows = plan["flows"]
    arriving = flows.take(owners[flows["to"]] < 0).renamed(site="to")
    supply, amount = _outside_supply(plan, owners)
    every = stacked([arriving, supply], *PLACE)
    places, _ = added_up(every, PLACE)
    count, columns = len(places), len(plan.scenario.members) + 1
    if not count:
        return Origins(places, np.zeros((0, columns)))
    sent = arriving["sent_per_year"]
    head, owner = find_rows(places, arriving, *PLACE), owners[arriving["from"]]
    source = np.zeros((count, columns))
    from_member = owner >= 0
    np.add.at(source, (head[from_member], owner[from_member]), sent[from_member])
    np.add.at(source[:, -1], find_rows(places, supply, *PLACE), amount)

    back = arriving.take(~from_member).only("from", *PLACE[1:]).renamed(site="from")
    tail = find_rows(places, back, *PLACE)
    heads, amounts = head[~from_member], sent[~from_member]
    lost = tail < 0  # sent on from nowhere: counts as the place's own
    np.add.at(source[:, -1], heads[lost], amounts[lost])
    heads, tail, amounts = heads[~lost], tail[~lost], amounts[~lost]
    total = source.sum(axis=1) + added_at(heads, amounts, count)
    source[:, -1] += _LEAK * total + (total == 0.0)
    total = total * (1.0 + _LEAK) + (total == 0.0)
    here = np.arange(count)
    entries = np.append(np.ones(count), -amounts / total[heads])
    at = np.append(here, heads), np.append(here, tail)
    shares = splu(csc_array(coo_array((entries, at), shape=(count, count)))).solve(
        source / total[:, None]
    )
    shares = np.clip(shares, 0.0, 1.0)
    return Origins(places, shares / shares.sum(axis=1, keepdims=True))


def _outside_supply(plan: CodedPlan, owners: Ints) -> tuple[Items, Floats]:
    """What arises, is bought, made or reclaimed at places without a member: place and amount."""
    flows = plan["conversions"]
    outputs = flows.take(flows["role"] == plan.code("role", "output"))
    reclaimed = plan["stockpiles"].renamed(amount_per_year="reclaimed_per_year")
    parts = [plan["supply"], outputs, reclaimed]
    supply = stacked(parts, *PLACE, "amount_per_year")
    supply = supply.take((owners[supply["site"]] < 0) & (supply["amount_per_year"] > 0.0))
    places, (amount,) = added_up(supply, PLACE, supply["amount_per_year"])
    return places, amount


class Books:
    """The parts of own money, each with `member` (by number, the last one outside), group, period
    and million (by the measure)."""

    def __init__(self, solution: Solution, measure: Measure = DISCOUNTED) -> None:
        self.scenario, self.measure = solution.scenario, measure
        self.plan = CodedPlan(solution)
        self.outside = len(self.scenario.members)
        sites = self.plan.codes.listed("site")
        self.owners = np.append(self.scenario.owners(sites), -1)  # the last one: no site
        """The member's number of every site, by code; −1 outside."""

    @cached_property
    def origins(self) -> Origins:
        """Who sent what places without a member have."""
        return origins(self.plan, self.owners)

    def table(self, rows: Items) -> pd.DataFrame:
        """Rows with the names of members, groups and periods."""
        names = np.array([*self.scenario.members, OUTSIDE], dtype=object)
        shown = {n: self.plan.codes.shown(n, rows[n]) for n in rows.names}
        return table_of({**shown, "member": names[rows["member"]]}, len(rows))

    def _discount(self, rows: Items) -> Floats | float:
        if self.measure != DISCOUNTED:
            return 1.0
        return np.array([p.weight for p in self.scenario.periods])[rows["period"]]

    def _split(self, rows: Items, million: Floats, shares: Floats) -> Items:
        """Money of rows with group and period, shared among members and outside."""
        at, who = np.nonzero(shares)
        return (
            rows.only("group", "period")
            .take(at)
            .plus(member=who, million=million[at] * shares[at, who])
        )

    def whose(self, rows: Items, passed_back: Flags | bool = True) -> Floats:
        """Shares: the site's member, or who sent the material, or outside."""
        owner = self.owners[rows["site"]]
        shares: Floats = np.eye(self.outside + 1)[owner]  # −1 is the last column: outside
        back = np.flatnonzero((owner < 0) & passed_back)
        if back.size:
            shares[back] = self.origins.of(rows.take(back))
        return shares

    def _groups(self, *names: str) -> Ints:
        return np.array([self.plan.code("group", name) for name in names], dtype=np.intp)

    def by_site(self) -> Items:
        """Everything booked at a site, emissions and synergy apart."""
        money = self.plan["money"]
        money = money.take(~np.isin(money["group"], self._groups(EMISSIONS.name, SYNERGY.name)))
        passed = self._groups(*(g.name for g in money_groups() if g.passed_back))
        back = np.isin(money["group"], passed) & (money["material"] >= 0)
        return self._split(money, money[self.measure], self.whose(money, back))

    def _booked(self, rows: Items, column: str, group: str) -> tuple[Items, Floats]:
        """Rows with an amount in a column, as money of a group."""
        million = rows[column] * self._discount(rows)
        there = np.flatnonzero(million)
        code = self.plan.codes.of("group", [group])
        return rows.take(there).plus(group=np.repeat(code, len(there))), million[there]

    def sold(self, where: Flags) -> pd.DataFrame:
        """Income of some sales by the member that is paid: member, group, period, million."""
        rows, million = self._booked(
            self.plan["sales"].take(where), "income_million_per_year", INCOME.name
        )
        return self.table(self._split(rows, million, self.whose(rows)))

    def premiums(self) -> Items:
        """Premiums of sales: like the sales."""
        rows, million = self._booked(self.plan["sales"], "premium_million_per_year", SYNERGY.name)
        return self._split(rows, million, self.whose(rows))

    def synergies(self) -> Items:
        """Values of joint activity: in equal parts to the members of the partners."""
        rows, million = self._booked(self.plan["synergies"], "value_million_per_year", SYNERGY.name)
        partners = synergy_members(self.scenario)
        shares = np.zeros((len(rows), self.outside + 1))
        for at, name in enumerate(self.plan.codes.shown("synergy", rows["synergy"])):
            owners = [self.scenario.members.index(m) for m in partners.get(name, ())]
            shares[at, owners or [-1]] = 1.0 / max(len(owners), 1)
        return self._split(rows, million, shares)

    def emissions(self) -> Items:
        """Charges by what each emitted within the scope; penalties by that, what is avoided
        apart."""
        limits = self.plan["emission_limits"]
        limits = limits.take(limits["cost_million_per_year"] != 0.0)
        emitted = np.zeros((len(limits), self.outside + 1))
        blame = np.zeros_like(emitted)
        emissions = self.plan["emissions"]
        at, counted = within_limits(self.plan, limits, emissions)
        owner = self.owners[emissions["site"][counted]]
        tonnes = emissions["tonnes_per_year"][counted]
        np.add.at(emitted, (at, owner), tonnes)
        np.add.at(blame, (at, owner), np.maximum(tonnes, 0.0))
        sheet = self.scenario.items_in_force("EmissionLimits")
        sheet = sheet.take(find_rows(sheet, limits, "row", "period"))
        blame[:, -1] += blame.sum(axis=1) == 0.0
        blame /= blame.sum(axis=1, keepdims=True)
        penalty = np.nan_to_num(sheet["penalty"]) * limits["excess_per_year"]
        paid = sheet["price"][:, None] * emitted + blame * penalty[:, None]
        group = np.full(len(limits), self.plan.codes.of("group", [EMISSIONS.name])[0])
        weight = -self._discount(limits) / MILLION * np.ones(len(limits))
        return self._split(limits.plus(group=group), weight, paid)
