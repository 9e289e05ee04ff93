"""Value chains: the flows of a plan taken apart into paths from a source to an end.

A chain starts where material comes into the plan (a stream, a stockpile with an opening stock; of
what is not waste a purchase), goes through moves and conversions, and ends where it leaves (a sale,
disposal, stock, a loss). The parts add up to the whole: source amounts to what is taken and
reclaimed, amounts sold to the sales, money to the money table. How:

* Amounts flow through the plan as `circflow.solution.flowgraph` says, and turn into others where a
  unit converts them. Such a flow is a sum of paths and circles (`path_decomposition`).
* What an arc earns, costs and carries is shared by the parts that pass it, in proportion to what
  they bring. Costs of auxiliary inputs (those that stem from no stream or stockpile, beside one
  that does) are borne by the conversion that uses them, so they are in the chains that pass it.
* Circles (material that comes back to where it was) are booked apart, as `recirculation`.
* A stockpile that starts empty carries a chain over to a later period. One with an opening stock
  ends a chain (`stock`) and starts others (`stockpile`): what is in it cannot be told apart.
* Money that touches no flow (an idle unit's fixed cost, the keeping of a dump) has rows of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.algebra.build import group_named, money_groups
from circflow.algebra.emissions import EMISSIONS
from circflow.algebra.investment import CAPITAL
from circflow.algebra.market import SYNERGY
from circflow.data.coded import Flags, Floats, by_row, find_rows, numbered
from circflow.i18n import mark, say
from circflow.solution.accounts import LEDGERS, Accounts, accounts
from circflow.solution.findings import partners
from circflow.solution.flowgraph import Graph, GraphMaker
from circflow.solution.path_decomposition import Parts, peel

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.solution.solution import Solution


def group_names() -> list[str]:
    """The groups of money of a chain: those that are received first."""
    return [g.name for g in sorted(money_groups(), key=lambda g: not g.received)]


_PLACES = [
    "chain",
    "steps",
    "source_kind",
    "source_site",
    "source_material",
    "category",
    "stage",
    "units",
    "members",
    "sites",
    "periods",
    "end",
    "end_site",
    "end_material",
    "source_amount",
    "source_unit_of_measure",
    "end_amount",
    "end_unit_of_measure",
]
_TEXTS = [n for n in _PLACES if n not in ("chain", "source_amount", "end_amount")]


def columns() -> list[str]:
    """The columns of the table of chains."""
    return [*_PLACES, *(f"{name}_million" for name in group_names()), "value_million"]


SLIVER = 1e-7
"""A part below this share of both its source and its end comes from rounding."""
RECIRCULATION = "recirculation"
NO_FLOW = mark("no flow")
ROUND_AGAIN, STORE = mark("round again"), mark("store")
_SOURCE_WORDS = {"stockpile": mark(" (stockpile)"), "purchase": mark(" (bought)")}
_END_WORDS = {
    "sale": mark("sold"),
    "disposal": mark("disposed of"),
    "stock": mark("stock"),
    "loss": mark("lost"),
    "use": mark("used"),
    "unexplained": mark("unexplained"),
}


@dataclass(frozen=True)
class Trace:
    """A plan's flows taken apart, before equal paths are put together.

    `parts`: arc by arc, the paths and circles; `share`: which part of an arc's amount and money
    each record carries (adds up to 1 over the parts that pass an arc); `money`: of every arc, by
    `group_names()`, million currency over the horizon, positive when received; `carried`: parts
    that bring an auxiliary input, whose money is in that of the run that uses it; `rest`: money
    that touches no flow: what (text), site, unit, and a column per group.
    """

    solution: Solution
    graph: Graph
    parts: Parts
    share: Floats
    money: Floats
    carried: Flags
    rest: pd.DataFrame

    def of_parts(self, arcs: Floats) -> Floats:
        """A figure of the arcs, added up along every part (arcs by any, or arcs)."""
        return _add_along(self.parts, self.share, arcs)


def decompose(solution: Solution) -> pd.DataFrame:
    """Value chains of a plan, over the horizon (see docs/results.md for every column).

    Ranked by value added; circles and money without a flow come last. Costs are positive when
    paid; value_million = income + synergy − costs, undiscounted.
    """
    followed = solution.trace
    table = pd.concat([_group(followed), _rest_rows(followed)], ignore_index=True)
    table = _labelled(table, followed.solution.scenario)
    table["value_million"] = sum(g.sign * table[f"{g.name}_million"] for g in money_groups())
    order = table["end"].map({RECIRCULATION: 1, NO_FLOW: 2}).fillna(0)
    table = table.assign(_order=order, _value=-table["value_million"])
    table = table.sort_values(["_order", "_value", "steps"], kind="stable", ignore_index=True)
    table["chain"] = np.arange(1, len(table) + 1)
    return table[columns()]


def trace(solution: Solution) -> Trace:
    """Take a plan's flows apart into paths and circles, with the money of every arc."""
    books = accounts(solution)
    graph = GraphMaker(books).make()
    arcs = graph.arcs
    flow, gain = arcs["flow"], arcs["gain"]
    peeled = peel(arcs["tail"], arcs["head"], flow, len(graph.nodes), gain)
    parts = without_slivers(peeled, flow)
    passing = np.bincount(parts.arc, parts.flow, len(arcs))
    share = parts.flow / passing[parts.arc] if len(parts.arc) else parts.flow
    money, carried, rest = _Purse(solution, books, graph, parts, share).spread()
    return Trace(solution, graph, parts, share, money, carried, rest)


def _add_along(parts: Parts, share: Floats, arcs: Floats) -> Floats:
    """A figure of the arcs (or several, in columns), added up along every part."""
    if arcs.ndim == 1:
        return np.bincount(parts.path, share * arcs[parts.arc], len(parts)).astype(float)
    return np.column_stack([_add_along(parts, share, column) for column in arcs.T])


class _Purse:
    """Puts the money of the plan on the arcs of the graph."""

    def __init__(
        self, solution: Solution, books: Accounts, graph: Graph, parts: Parts, share: Floats
    ) -> None:
        self.solution, self.books, self.groups = solution, books, group_names()
        self.arcs, self.parts, self.share = graph.arcs, parts, share
        self.years = solution.scenario.period_items["years"]
        self.ledger, self.row = self.arcs["ledger"], self.arcs["row"]
        self.rest: list[tuple[str, str | None, str | None, Floats]] = []
        self.run_share = self._run_shares()
        self.traced = np.zeros(len(books["activity"].items), dtype=bool)
        """Runs that bear money on some arc."""
        self.traced[self.row[self.run_share > 0.0]] = True

    def spread(self) -> tuple[Floats, Flags, pd.DataFrame]:
        """Money of every arc by group; parts whose money another part bears; what has no arc."""
        matrices = {name: self._matrix(name) for name in LEDGERS}
        runs = matrices["activity"]
        self._units(runs)
        self._synergies(matrices)
        money = np.zeros((len(self.arcs), len(self.groups)))
        weight = self.arcs["weight"][:, None]
        for number, name in enumerate(LEDGERS):
            if name not in ("service", "synergies", "activity"):
                at = np.flatnonzero(self.ledger == number)
                money[at] = matrices[name][self.row[at]] * weight[at]
        at = np.flatnonzero(self.run_share > 0.0)
        shares = self.run_share[at][:, None]
        plain = money.copy()
        plain[at] += shares * runs[self.row[at]]
        carried = self._auxiliary(plain, runs)
        money[at] += shares * runs[self.row[at]]
        self._keeping(matrices["held"])
        self._fines()
        return money, carried, self._rest_table(money, carried)

    def _matrix(self, name: str) -> Floats:
        """Million currency over the horizon of every row of a ledger, by group."""
        ledger = self.books[name]
        matrix = np.zeros((len(ledger.items), len(self.groups)))
        for group, figures in ledger.money.items():
            matrix[:, self.groups.index(group)] += figures * self.years[ledger.period]
        return matrix

    def _run_shares(self) -> Floats:
        """Share of a run's money that an arc bears: by load, among the arcs of the run."""
        of_run = self.ledger == LEDGERS.index("activity")
        passed = np.bincount(self.parts.arc, self.parts.flow, len(self.arcs)) > 0.0
        load = np.where(of_run & passed, self.arcs["load"] * self.arcs["weight"], 0.0)
        row = np.where(of_run, self.row, 0)
        total = np.bincount(row, load, max(len(self.books["activity"].items), 1))[row]
        return np.asarray(np.divide(load, total, out=np.zeros(len(load)), where=total > 0.0))

    def _units(self, activity: Floats) -> None:
        """Fixed and capital costs of a unit go to its runs, by load; an idle unit's to the rest.

        A lump of capital goes to the runs of all periods.
        """
        books, service = self.books, self.books.service
        ledger, periods = books["activity"], len(self.years)
        load = ledger.amount * ledger.items["capacity_use"] * self.years[ledger.period]
        load = np.where(self.traced, np.maximum(load, 0.0), 0.0)
        unit = find_rows(service.units, ledger.items, "unit")
        cost = self._matrix("service")
        lump = -service.capex.sum(axis=1)
        if self.solution.scenario.settings.capital_charge != "upfront":
            lump = np.zeros(len(service.units))
        valid = unit >= 0
        cell = np.where(valid, unit * periods + ledger.period, 0)
        load = np.where(valid, load, 0.0)
        by_cell = np.bincount(cell, load, len(service.rows)) if len(load) else np.zeros(len(cost))
        by_unit = by_cell.reshape(-1, periods).sum(axis=1)
        capital = self.groups.index(CAPITAL.name)
        if len(load) and len(cost):
            part = np.divide(load, by_cell[cell], out=np.zeros(len(load)), where=by_cell[cell] > 0)
            activity += part[:, None] * cost[cell]
            of_unit = by_unit[np.maximum(unit, 0)]
            part = np.divide(load, of_unit, out=np.zeros(len(load)), where=of_unit > 0)
            activity[:, capital] += part * lump[np.maximum(unit, 0)] if len(lump) else 0.0
        idle = np.where((by_cell > 0.0)[:, None], 0.0, cost)
        idle = idle.reshape(len(service.units), periods, len(self.groups)).sum(axis=1)
        idle[:, capital] += np.where(by_unit > 0.0, 0.0, lump)
        for n in np.flatnonzero(idle.any(axis=1)):
            name, site = (books.plan.codes.name(c, service.units[c][n]) for c in ("unit", "site"))
            self.rest.append(
                (say("{name}: costs while it does not run", name=name), site, name, idle[n])
            )

    def _synergies(self, matrices: dict[str, Floats]) -> None:
        """A synergy's value in equal parts to its partners: to the runs of a unit, to journeys."""
        table, column = self.books["synergies"], self.groups.index(SYNERGY.name)
        value, plan = self._matrix("synergies")[:, column], self.books.plan
        listed, flow = partners(plan), plan.code("kind", "flow")
        for n in np.flatnonzero(value):
            mine = listed.take(listed["synergy"] == table.items["synergy"][n])
            for _, kind, unit, start, end in by_row(mine, "kind", "unit", "from", "to"):
                name = "flows" if kind == flow else "activity"
                ledger = self.books[name]
                if kind == flow:
                    chosen = (ledger.items["from"] == start) & (ledger.items["to"] == end)
                else:
                    chosen = ledger.items["unit"] == unit
                chosen = chosen & (ledger.period == table.period[n])
                weight = np.where(chosen, np.maximum(ledger.amount, 0.0), 0.0)
                if weight.sum() > 0.0:
                    matrices[name][:, column] += value[n] / len(mine) * weight / weight.sum()

    def _auxiliary(self, money: Floats, runs: Floats) -> Flags:
        """Put the money of what ends as an auxiliary input on the run that uses it.

        `money` of the arcs without it, `runs` of the runs, which is added to. Returns the parts
        concerned. A run of which no main input is followed cannot bear it.
        """
        parts = self.parts
        arc = parts.arc[parts.last]
        used = (self.arcs["end"] == "use")[arc] & ~parts.is_cycle
        used[used] = self.traced[self.row[arc[used]]]
        along = _add_along(parts, self.share, money)[used]
        for n in range(len(self.groups)):
            runs[:, n] += np.bincount(self.row[arc[used]], along[:, n], len(runs))
        return np.asarray(used)

    def _keeping(self, held: Floats) -> None:
        """The keeping of stockpiles with an opening stock is nobody's."""
        on_arcs = np.zeros(len(held), dtype=bool)
        on_arcs[self.row[self.ledger == LEDGERS.index("held")]] = True
        rows = self.books["held"].rows
        alone = np.flatnonzero(~on_arcs & held.any(axis=1))
        piles: dict[tuple[str, str], Floats] = {}
        for at in alone.tolist():
            pile = (str(rows["site"].iloc[at]), str(rows["material"].iloc[at]))
            piles[pile] = piles.get(pile, np.zeros(len(self.groups))) + held[at]
        for (site, material), figures in piles.items():
            what = say("{site}: {material} in the stockpile", site=site, material=material)
            self.rest.append((what, site, None, figures))

    def _fines(self) -> None:
        """Penalties of limits (below zero) that nobody's emission exceeds."""
        limits = self.books.limits
        limits = limits.take(limits["unspread"] != 0.0)
        records = limits.frame(self.books.plan.codes).to_dict("records")
        for record, period in zip(records, limits["period"].tolist(), strict=True):
            figures = np.zeros(len(self.groups))
            years = self.years[period]
            figures[self.groups.index(EMISSIONS.name)] = -float(record["unspread"]) * years
            key = record["key"] if isinstance(record["key"], str) else say("the cluster")
            what = say(
                "{pollutant} of {key} above its limit", pollutant=record["pollutant"], key=key
            )
            self.rest.append((what, None, None, figures))

    def _rest_table(self, money: Floats, carried: Flags) -> pd.DataFrame:
        """Money that touches no flow, and what is left to the sum of the money table."""
        followed = _add_along(self.parts, self.share, money)[~carried].sum(axis=0)
        table = self.solution.money.groupby("group")["million"].sum()
        booked = np.array([float(table.get(group, 0.0)) for group in self.groups])
        gross = self.solution.money["million"].abs().groupby(self.solution.money["group"]).sum()
        size = np.array([float(gross.get(group, 0.0)) for group in self.groups])
        known = np.sum([figures for *_, figures in self.rest], axis=0) if self.rest else 0.0
        left = booked - followed - known
        left[np.abs(left) <= 1e-13 * size] = 0.0
        if left.any():
            self.rest.append((say("not followed"), None, None, left))
        frame = pd.DataFrame(
            [(what, site, unit) for what, site, unit, _ in self.rest],
            columns=["what", "site", "unit"],
            dtype=object,
        )
        figures = np.array([figures for *_, figures in self.rest]).reshape(-1, len(self.groups))
        return frame.assign(**{g: figures[:, n] for n, g in enumerate(self.groups)})


def without_slivers(parts: Parts, flow: Floats) -> Parts:
    """Leave out parts that rounding has made: tiny beside both their source and their end.

    Their amount goes to the other parts that pass the same arcs; a part that alone passes an arc
    stays.
    """
    sliver = np.ones(len(parts), dtype=bool)
    for ends in (parts.first, parts.last):
        sliver &= parts.flow[ends] < SLIVER * flow[parts.arc[ends]]
    kept = np.zeros(len(flow), dtype=bool)
    kept[parts.arc[~sliver[parts.path]]] = True
    alone = ~kept[parts.arc] & sliver[parts.path]
    sliver[parts.path[alone]] = False
    stays = ~sliver[parts.path]
    number = np.cumsum(~sliver) - 1
    return Parts(
        number[parts.path[stays]], parts.arc[stays], parts.flow[stays], parts.is_cycle[~sliver]
    )


class _Reader:
    """Tells the paths in words."""

    def __init__(self, followed: Trace) -> None:
        scenario, graph = followed.solution.scenario, followed.graph
        self.member_of = scenario.member_of
        nodes, arcs = graph.nodes, graph.arcs
        self.site = [*nodes["site"], None]
        self.material = [*nodes["material"], None]
        self.period = [*nodes["period"], None]
        self.tail, self.head = arcs["tail"].tolist(), arcs["head"].tolist()
        self.type, self.end = arcs["type"].tolist(), arcs["end"].tolist()
        self.unit = arcs["unit"].tolist()
        recipes = scenario.frame("Recipes").groupby("technology")["recipe"].nunique()
        units = scenario.frame("Units")
        several = set(units["unit"][units["technology"].map(recipes) > 1])
        self.unit_text = [
            f"{unit} ({recipe})" if unit in several else unit
            for unit, recipe in zip(self.unit, arcs["recipe"], strict=True)
        ]
        self.codes = numbered(self._step(arc) for arc in range(len(arcs))).tolist()

    def _step(self, arc: int) -> tuple[object, ...]:
        """What tells an arc from another, periods, modes and price tiers aside."""
        tail, head = self.tail[arc], self.head[arc]
        return (
            self.type[arc],
            self.site[tail],
            self.material[tail],
            self.site[head],
            self.material[head],
            self.end[arc],
            self.unit_text[arc],
        )

    def key(self, arcs: list[int], is_cycle: bool) -> tuple[int, ...]:
        """What tells a chain from another: its steps, in order (a circle from its first step)."""
        codes = [self.codes[arc] for arc in arcs if self.type[arc] != "hold"]
        if is_cycle and codes:
            start = codes.index(min(codes))
            codes = codes[start:] + codes[:start]
        return (int(is_cycle), *codes)

    def words(self, arcs: list[int], is_cycle: bool) -> dict[str, object]:
        """The text columns of a chain."""
        if is_cycle:
            start = min(range(len(arcs)), key=lambda n: self.codes[arcs[n]])
            arcs = arcs[start:] + arcs[:start]
        node = self.tail[arcs[0]] if is_cycle else self.head[arcs[0]]
        last = self.tail[arcs[-1]] if not is_cycle else node
        site, material = self.site[node], self.material[node]
        kind = "" if is_cycle else _SOURCE_WORDS.get(str(self.end[arcs[0]]), "")
        steps, sites, units = [f"{site}: {material}{kind}"], [site], []
        if not is_cycle and self.unit[arcs[0]] is not None:
            steps.insert(0, str(self.unit_text[arcs[0]]))
            units.append(self.unit[arcs[0]])
        for arc in arcs:
            type_, head = self.type[arc], self.head[arc]
            if type_ == "move":
                steps.append(str(self.site[head]))
                sites.append(self.site[head])
            elif type_ == "convert":
                steps += [str(self.unit_text[arc]), str(self.material[head])]
                units.append(self.unit[arc])
            elif type_ == "store":
                steps.append(STORE)
            elif type_ == "end":
                if self.unit[arc] is not None:
                    steps.append(str(self.unit_text[arc]))
                    units.append(self.unit[arc])
                steps.append(_END_WORDS[str(self.end[arc])])
        if is_cycle:
            steps.append(ROUND_AGAIN)
        members = dict.fromkeys(m for m in map(self.member_of.get, sites) if isinstance(m, str))
        return {
            "steps": " > ".join(steps),
            "source_kind": RECIRCULATION if is_cycle else self.end[arcs[0]],
            "source_site": site,
            "source_material": material,
            "units": "; ".join(dict.fromkeys(map(str, units))),
            "members": "; ".join(members),
            "sites": "; ".join(dict.fromkeys(map(str, sites))),
            "end": RECIRCULATION if is_cycle else self.end[arcs[-1]],
            "end_site": self.site[last],
            "end_material": self.material[last],
        }


def _group(followed: Trace) -> pd.DataFrame:
    """Equal paths put together: one row for each chain and circle."""
    reader, parts = _Reader(followed), followed.parts
    amount = followed.graph.arcs["amount"]
    figures = followed.of_parts(followed.money)
    first, last = parts.first, parts.last
    source = followed.share[first] * amount[parts.arc[first]]
    end = followed.share[last] * amount[parts.arc[last]]
    source = np.where(parts.is_cycle, 0.0, source)
    arcs, bounds = parts.arc.tolist(), [*first.tolist(), len(parts.arc)]
    keys: dict[tuple[int, ...], int] = {}
    texts: list[dict[str, object]] = []
    periods: list[dict[str, None]] = []
    chosen, number = [], []
    for n in np.flatnonzero(~followed.carried).tolist():
        mine, is_cycle = arcs[bounds[n] : bounds[n + 1]], bool(parts.is_cycle[n])
        key = reader.key(mine, is_cycle)
        if key not in keys:
            keys[key] = len(keys)
            texts.append(reader.words(mine, is_cycle))
            periods.append({})
        chosen.append(n)
        number.append(keys[key])
        node = reader.tail[mine[0]] if is_cycle else reader.head[mine[0]]
        periods[keys[key]][reader.period[node]] = None
    at, count = np.array(number, dtype=np.intp), len(keys)
    table = pd.DataFrame(texts, columns=_TEXTS, dtype=object)
    table["source_amount"] = np.bincount(at, source[chosen], count)
    table["end_amount"] = np.bincount(at, end[chosen], count)
    order = {p.name: n for n, p in enumerate(followed.solution.scenario.periods)}
    table["periods"] = ["; ".join(sorted(p, key=order.__getitem__)) for p in periods]
    for n, group in enumerate(map(group_named, group_names())):
        table[f"{group.name}_million"] = (
            group.sign * np.bincount(at, figures[chosen, n], count) + 0.0
        )
    return table


def _labelled(table: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """With units of measure, category and stage of the materials; texts are None where blank."""
    materials = scenario.frame("Materials").set_index("material")
    source, measure = table["source_material"], dict(scenario.unit_of_measure)
    table = table.assign(
        category=source.map(materials["category"]),
        stage=source.where(source.isin(scenario.wastes)).map(materials["stage"]),
        source_unit_of_measure=source.map(measure),
        end_unit_of_measure=table["end_material"].map(measure),
    )
    texts = table[_TEXTS].astype(object)
    return table.assign(**texts.where(texts.notna(), None))


def _rest_rows(followed: Trace) -> pd.DataFrame:
    """Money that touches no flow."""
    rest = followed.rest
    member = [followed.solution.scenario.member_of.get(site) for site in rest["site"]]
    return pd.DataFrame(
        {
            "steps": rest["what"],
            "source_kind": NO_FLOW,
            "source_site": rest["site"],
            "units": [unit or "" for unit in rest["unit"]],
            "members": [name if isinstance(name, str) else "" for name in member],
            "sites": [site or "" for site in rest["site"]],
            "periods": "",
            "end": NO_FLOW,
            "source_amount": 0.0,
            "end_amount": 0.0,
            **{f"{g.name}_million": g.sign * rest[g.name] + 0.0 for g in money_groups()},
        }
    )
