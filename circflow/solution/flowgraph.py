"""The flows of a plan as one graph over all periods, ready to be taken apart into chains.

Nodes are places (site, material, period) and, for a stockpile that starts empty, what it holds at
each period's end. Amounts are over a period (years times the yearly amount), in the unit of the
material at the tail.

Arcs
    source    from outside into a place: a stream, a stockpile with an opening stock, a purchase,
              or a unit that makes something of nothing
    move      from place to place
    convert   from an input of a unit to one of its outputs
    store, hold, restore   into, through and out of a stockpile that starts empty
    end       out of a place: sale, disposal, stock, loss, use

A conversion's arc leaves with a share of the input and arrives with a share of the output
(`shares`): its *gain* turns the unit of one into that of the other, so that what passes a place is
always counted in the place's own material, whatever it came from. What comes round to where it was
passes with gain 1, and a conversion's losses fall on its other outputs; where that cannot be, gains
have no meaning, and each source brings a conserved *tracer* instead, which
leaves every place in proportion to what leaves it, and all gains are 1. An input that does not
stem from a stream or a stockpile, in a conversion with another input that does, is auxiliary: its
arc ends there as `use`, and the conversion bears its cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.coded import (
    Column,
    Flags,
    Floats,
    Ints,
    Keys,
    find,
    keys_of,
    series_of,
    table_of,
)
from circflow.data.result import stacked
from circflow.solution.accounts import LEDGERS, Accounts
from circflow.solution.findings import intakes, recipe_amounts
from circflow.solution.keys import Names, cells

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

ARC: dict[str, tuple[type, object]] = {
    "type": (object, None),
    "tail": (np.int64, -1),
    "head": (np.int64, -1),
    "amount": (float, 0.0),
    "arrives": (float, 0.0),
    "load": (float, 0.0),
    "ledger": (np.intp, -1),
    "row": (np.intp, -1),
    "weight": (float, 1.0),
    "end": (object, None),
    "unit": (object, None),
    "recipe": (object, None),
}
"""The columns of arcs: their type, and what stands there unless said."""
_NOWHERE = -1


@dataclass(frozen=True)
class Graph:
    """Arcs and nodes.

    `nodes`: site, material, period, is_stock. `arcs`: type (source, move, convert, store, hold,
    restore, end), tail and head (position in nodes, −1 outside), amount (over the period, leaving
    the tail; of a source, entering the head), arrives (at the head, in its unit), load (which part
    of a run's money it bears), flow and gain (what is taken apart: amount and arrives/amount, or
    the tracer and 1), ledger and row (whose money the arc bears, in
    the share `weight`; of a conversion, in proportion to the load), end (kind of source or end),
    unit, recipe.
    """

    nodes: pd.DataFrame
    arcs: pd.DataFrame


class GraphMaker:
    """Builds the graph of a plan."""

    def __init__(self, solution: Solution, books: Accounts) -> None:
        scenario = solution.scenario
        self.solution, self.books = solution, books
        self.sites = Names(scenario.frame("Sites")["site"])
        self.materials = Names(scenario.frame("Materials")["material"])
        self.periods = Names(p.name for p in scenario.periods)
        self.years = np.array([float(p.years) for p in scenario.periods])
        self.sizes = (len(self.sites), len(self.materials), len(self.periods))
        self.places = int(np.prod(self.sizes))
        self.measure = dict(scenario.unit_of_measure)
        self.parts: dict[str, list[Column]] = {name: [] for name in ARC}
        """Arcs by column, as they are added."""

    def make(self) -> Graph:
        self._supply()
        self._moves()
        self._stocks()
        self._ends()
        inputs, outputs = self._conversions()
        arcs = self._arcs()
        inputs["main"] = self._main_inputs(arcs, inputs, outputs)
        self._converting(arcs, inputs, outputs)
        return self._trace(self._number(self._arcs()))

    def keys(self, frame: pd.DataFrame, site: str = "site") -> Keys:
        codes = (
            self.sites(frame[site]),
            self.materials(frame["material"]),
            self.periods(frame["period"]),
        )
        return keys_of(codes, self.sizes)

    def add(self, type_: str, tail: Any, head: Any, amount: Floats, **more: Any) -> None:
        """Add arcs; `tail` and `head` are keys of nodes. Empty and unknown ones are left out."""
        if not np.any(amount > 0.0):
            return
        said = {"type": type_, "tail": tail, "head": head, "amount": amount, "arrives": amount}
        said.update(more)
        full: dict[str, Column] = {
            n: np.full(len(amount), said.get(n, usual), kind) for n, (kind, usual) in ARC.items()
        }
        keep = (full["amount"] > 0.0) & ((full["tail"] >= 0) | (full["head"] >= 0))
        for name, column in full.items():
            self.parts[name].append(column[keep])

    def _arcs(self) -> pd.DataFrame:
        """What has been added."""
        columns = {
            n: np.concatenate([np.empty(0, kind), *self.parts[n]]) for n, (kind, _) in ARC.items()
        }
        return table_of(columns, len(columns["type"]))

    def _amount(self, name: str) -> Floats:
        ledger = self.books[name]
        years = 1.0 if name == "held" else self.years[ledger.period]
        return np.asarray(np.maximum(ledger.amount, 0.0) * years)

    def _supply(self) -> None:
        rows = self.books["supply"].rows
        self.add(
            "source",
            _NOWHERE,
            self.keys(rows),
            self._amount("supply"),
            ledger=LEDGERS.index("supply"),
            row=np.arange(len(rows)),
            end=rows["kind"].to_numpy(object),
        )

    def _moves(self) -> None:
        rows = self.books["flows"].rows
        loss = rows["loss"].to_numpy(float)
        amount, start = self._amount("flows"), self.keys(rows, "from")
        common = {"ledger": LEDGERS.index("flows"), "row": np.arange(len(rows))}
        self.add(
            "move", start, self.keys(rows, "to"), amount * (1.0 - loss), weight=1.0 - loss, **common
        )
        self.add("end", start, _NOWHERE, amount * loss, weight=loss, end="loss", **common)

    def _stocks(self) -> None:
        """A stockpile with an opening stock is a source and an end; an empty one carries over."""
        rows = self.books["added"].rows
        sheet = self.solution.scenario.frame("Stockpiles")
        opening = np.append(sheet["opening"].to_numpy(float), 1.0)[rows["at"].to_numpy(np.intp)]
        dump = opening > 0.0
        keys = self.keys(rows)
        added, reclaimed, held = (self._amount(n) for n in ("added", "reclaimed", "held"))
        codes = {n: LEDGERS.index(n) for n in ("added", "reclaimed", "held")}
        at = np.arange(len(rows))
        where = {"ledger": codes["added"], "row": at}
        self.add("end", keys, _NOWHERE, np.where(dump, added, 0.0), end="stock", **where)
        self.add("store", keys, keys + self.places, np.where(dump, 0.0, added), **where)
        where = {"ledger": codes["reclaimed"], "row": at}
        self.add("source", _NOWHERE, keys, np.where(dump, reclaimed, 0.0), end="stockpile", **where)
        self.add("restore", keys + self.places, keys, np.where(dump, 0.0, reclaimed), **where)
        # The period is the last digit of a key, so the next period's key is one more.
        last = self.periods(rows["period"]) == len(self.periods) - 1
        where = {"ledger": codes["held"], "row": at}
        node = keys + self.places
        self.add("hold", node, node + 1, np.where(dump | last, 0.0, held), **where)
        self.add("end", node, _NOWHERE, np.where(dump | ~last, 0.0, held), end="stock", **where)

    def _ends(self) -> None:
        for name, kind in (("sales", "sale"), ("disposal", "disposal")):
            rows = self.books[name].rows
            self.add(
                "end",
                self.keys(rows),
                _NOWHERE,
                self._amount(name),
                ledger=LEDGERS.index(name),
                row=np.arange(len(rows)),
                end=kind,
            )

    def _conversions(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Inputs and outputs of every activity: run (row of the ledger), node, amount, unit ..."""
        ledger = self.books["activity"]
        run = ["unit", "recipe", "period"]
        runs = ledger.rows[run].assign(run=np.arange(len(ledger.rows)))
        plan = self.books.plan
        fixed = recipe_amounts(plan).frame(plan.codes)
        groups = intakes(plan).frame(plan.codes)[
            ["site", *run, "role", "material", "amount_per_year"]
        ]
        both = stacked(
            [fixed, groups.rename(columns={"amount_per_year": "amount"})], fixed.columns.tolist()
        )
        both = both.merge(runs, on=run)
        years = self.years[np.maximum(self.periods(both["period"]), 0)]
        both["amount"] = np.maximum(both["amount"].to_numpy(float), 0.0) * years
        by = ["role", "run", "site", "material", "period", "unit", "recipe"]
        both = both.groupby(by, sort=False)["amount"].sum().reset_index()
        both["node"] = self.keys(both)
        both = both[(both["amount"] > 0.0) & (both["node"] >= 0)]
        inputs = both[both["role"] == "input"].reset_index(drop=True)
        outputs = both[both["role"] == "output"].reset_index(drop=True)
        outputs["share"] = shares(outputs, self.measure)
        return inputs, outputs

    def _main_inputs(
        self, arcs: pd.DataFrame, inputs: pd.DataFrame, outputs: pd.DataFrame
    ) -> Flags:
        """Inputs that stem from a stream or a stockpile, or all of a run that has no such input."""
        stems = self._descendants(arcs, inputs, outputs)
        from_waste = np.isin(inputs["node"].to_numpy(), stems)
        runs = inputs["run"].to_numpy(np.intp)
        count = np.bincount(runs, from_waste, len(self.books["activity"].rows))
        return np.asarray(from_waste | (count[runs] == 0))

    def _descendants(self, arcs: pd.DataFrame, inputs: pd.DataFrame, outputs: pd.DataFrame) -> Keys:
        """Nodes that hold something that stems from a stream or a stockpile."""
        is_source = arcs["end"].isin(["stream", "stockpile"]) & (arcs["type"] == "source")
        tails, heads = self._through_runs(arcs, inputs, outputs)
        return _reach(tails, heads, arcs["head"][is_source].to_numpy(np.int64))

    def _through_runs(
        self, arcs: pd.DataFrame, inputs: pd.DataFrame, outputs: pd.DataFrame
    ) -> tuple[Keys, Keys]:
        """Tails and heads of the arcs from place to place, into runs and out of them."""
        inner = arcs[(arcs["tail"] >= 0) & (arcs["head"] >= 0)]
        runs = 2 * self.places
        tails = (inner["tail"], inputs["node"], outputs["run"] + runs)
        heads = (inner["head"], inputs["run"] + runs, outputs["node"])
        return _joined(*tails), _joined(*heads)

    def _converting(self, arcs: pd.DataFrame, inputs: pd.DataFrame, outputs: pd.DataFrame) -> None:
        """Add arcs from each main input of a run to each of its outputs, and what has no other
        side.

        A run whose outputs never leave the plan (they only go in circles) uses its inputs up.
        """
        main, rest = inputs[inputs["main"]], inputs[~inputs["main"]]
        main = main.assign(share=shares(main, self.measure))
        closed = self._closed_runs(arcs, main, rest, outputs)
        open_outputs = outputs[~outputs["run"].isin(closed)]
        pairs = main.merge(
            open_outputs[["run", "node", "share", "amount"]], on="run", suffixes=("", "_out")
        )
        taken, given = (pairs[c].to_numpy(float) for c in ("share", "share_out"))
        self.add(
            "convert",
            pairs["node"].to_numpy(),
            pairs["node_out"].to_numpy(),
            pairs["amount"].to_numpy(float) * given,
            arrives=pairs["amount_out"].to_numpy(float) * taken,
            load=taken * given,
            **_labels(pairs),
        )
        used_up = main[~main["run"].isin(open_outputs["run"])]
        for frame, end, weight in ((used_up, "loss", 1.0), (rest, "use", 0.0)):
            self.add(
                "end",
                frame["node"].to_numpy(),
                _NOWHERE,
                frame["amount"].to_numpy(float),
                load=frame["share"].to_numpy(float) if end == "loss" else 0.0,
                end=end,
                weight=weight,
                **_labels(frame),
            )
        entering = outputs[~outputs["run"].isin(main["run"]) | outputs["run"].isin(closed)]
        self.add(
            "source",
            _NOWHERE,
            entering["node"].to_numpy(),
            entering["amount"].to_numpy(float),
            load=entering["share"].to_numpy(float),
            end="unit",
            # The money of a run with inputs stays with its inputs.
            weight=np.where(entering["run"].isin(main["run"]), 0.0, 1.0),
            **_labels(entering),
        )

    def _closed_runs(
        self, arcs: pd.DataFrame, main: pd.DataFrame, rest: pd.DataFrame, outputs: pd.DataFrame
    ) -> Ints:
        """Runs none of whose outputs ever reaches an end."""
        ends = arcs[(arcs["tail"] >= 0) & (arcs["head"] < 0)]
        dead = main[~main["run"].isin(outputs["run"])]
        tails, heads = self._through_runs(arcs, main, outputs)
        leaving = _reach(heads, tails, _joined(ends["tail"], dead["node"], rest["node"]))
        every = outputs["run"].unique()
        return np.asarray(every[~np.isin(every + 2 * self.places, leaving)], dtype=np.intp)

    def _number(self, arcs: pd.DataFrame) -> Graph:
        """Number the nodes, in the order of sites, materials and periods."""
        used = np.unique(np.concatenate([arcs["tail"], arcs["head"]]).astype(np.int64))
        used = used[used >= 0]
        place = used % max(self.places, 1)
        site, rest = np.divmod(place, max(self.sizes[1] * self.sizes[2], 1))
        material, period = np.divmod(rest, max(self.sizes[2], 1))
        nodes = pd.DataFrame(
            {
                "site": self.sites.index.take(site),
                "material": self.materials.index.take(material),
                "period": self.periods.index.take(period),
                "is_stock": used >= self.places,
            }
        )
        ends = {c: find(used, arcs[c].to_numpy(np.int64)) for c in ("tail", "head")}
        arcs = arcs.assign(**ends)
        order = ["type", "tail", "head", "ledger", "row", "end"]
        return Graph(nodes, arcs.sort_values(order, kind="stable", ignore_index=True))

    def _trace(self, graph: Graph) -> Graph:
        """Complete the graph where amounts do not meet, and say what flows.

        Without circles that is the amount of each material, with gains. Else it is the tracer; what
        goes in circles without any source brings its own amount as tracer.
        """
        arcs, alone = self._complete(graph)
        tail, head = arcs["tail"].to_numpy(np.intp), arcs["head"].to_numpy(np.intp)
        amount, count = arcs["amount"].to_numpy(float), len(graph.nodes)
        evened = None if alone.any() else _even_circles(arcs, count)
        if evened is not None:
            gain = arcs["arrives"].to_numpy(float) / evened
            return Graph(graph.nodes, arcs.assign(amount=evened, flow=evened, gain=gain))
        inner = tail >= 0
        circling = np.append(alone, False)[tail]
        leaving = np.bincount(tail[inner], amount[inner], count)
        share = amount / np.where(inner, np.append(leaving, 1.0)[tail], 1.0)
        share = np.where(circling, 0.0, share)
        source = np.where(inner, 0.0, amount * self._weights(arcs, graph.nodes))
        entering = np.bincount(head[~inner], source[~inner], count).astype(float)
        passing = _solve(tail, head, share, entering)
        tracer = np.where(inner, np.append(passing, 0.0)[tail] * share, source)
        tracer = np.where(circling, amount, np.maximum(tracer, 0.0))
        load = np.where(arcs["load"] > 0.0, tracer, 0.0)
        return Graph(graph.nodes, arcs.assign(flow=tracer, gain=1.0, load=load))

    def _weights(self, arcs: pd.DataFrame, nodes: pd.DataFrame) -> Floats:
        """Tracer per unit of a source: every unit of measure weighs the same in all."""
        is_source = (arcs["tail"] < 0).to_numpy(bool)
        material = cells(nodes["material"], arcs["head"].to_numpy(np.intp))
        measure = series_of(material).map(self.measure)
        amount = arcs["amount"].where(is_source, 0.0).to_numpy(float)
        total = pd.Series(amount).groupby(measure).sum()
        weight = measure.map(1.0 / total[total > 0.0]).astype(float).to_numpy()
        return np.asarray(np.nan_to_num(weight))

    def _complete(self, graph: Graph) -> tuple[pd.DataFrame, Flags]:
        """Give a source to ends that none reaches, and an end to what leads nowhere.

        Needed only in a plan whose balances do not close, or with circles that feed themselves.
        Returns the arcs, and which nodes no source reaches (what is there goes in circles).
        """
        arcs, count = graph.arcs, len(graph.nodes)
        tail, head = arcs["tail"].to_numpy(np.int64), arcs["head"].to_numpy(np.int64)
        amount = arcs["amount"].to_numpy(float)
        inner = (tail >= 0) & (head >= 0)
        extra = []
        is_source, is_end = tail < 0, head < 0
        reached = _reach(tail[inner], head[inner], head[is_source])
        lost = is_end & ~np.isin(tail, reached)
        started = np.bincount(tail[lost], amount[lost], count)
        node = np.flatnonzero(started)
        if node.size:
            extra.append({"type": "source", "tail": -1, "head": node, "amount": started[node]})
            reached = _reach(tail[inner], head[inner], np.concatenate([head[is_source], node]))
        stuck = np.setdiff1d(reached, _reach(head[inner], tail[inner], tail[is_end]))
        if stuck.size:
            came = np.bincount(head[head >= 0], amount[head >= 0], count)
            extra.append({"type": "end", "tail": stuck, "head": -1, "amount": came[stuck]})
        alone = np.ones(count, dtype=bool)
        alone[reached] = False
        if extra:
            filled: dict[str, Any] = {"ledger": -1, "row": -1, "weight": 0.0, "load": 0.0}
            filled.update(end="unexplained", unit=None, recipe=None)
            completed = [pd.DataFrame(more).assign(**filled) for more in extra]
            completed = [part.assign(arrives=part["amount"]) for part in completed]
            arcs = pd.concat([arcs, *completed], ignore_index=True)
            arcs = arcs[arcs["amount"] > 0.0].reset_index(drop=True)
        return arcs, alone


def _labels(runs: pd.DataFrame) -> dict[str, Any]:
    """What an arc of a run is labelled with."""
    texts = {name: runs[name].to_numpy(object) for name in ("unit", "recipe")}
    return {"ledger": LEDGERS.index("activity"), "row": runs["run"].to_numpy(), **texts}


def _joined(*keys: pd.Series[int]) -> Keys:
    return np.concatenate([np.asarray(key, dtype=np.int64) for key in keys])


def shares(side: pd.DataFrame, measure: dict[str, str]) -> Floats:
    """Share of each output (or input) in the outputs (inputs) of its run: run, material, amount.

    By amount among those of one unit of measure; different units of measure cannot be compared,
    so each of them has the same share.
    """
    unit = side["material"].map(measure)
    by_unit = side.groupby(["run", unit], sort=False)["amount"].transform("sum")
    kinds = unit.groupby(side["run"]).transform("nunique")
    return np.asarray(side["amount"] / by_unit / kinds, dtype=float)


def _even_circles(arcs: pd.DataFrame, count: int) -> Floats | None:
    """Amounts of the arcs such that what goes in circles does so without gain or loss.

    Where an output of a run comes round to its input, as much of the input is taken to pass into it
    as comes out of it; the rest of the input goes to the other outputs. None where that cannot be.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    tail, head = arcs["tail"].to_numpy(np.intp), arcs["head"].to_numpy(np.intp)
    amount, arrives = arcs["amount"].to_numpy(float), arcs["arrives"].to_numpy(float)
    inner = (tail >= 0) & (head >= 0)
    graph = coo_array((np.ones(inner.sum()), (tail[inner], head[inner])), shape=(count, count))
    _, label = connected_components(graph.tocsr(), directed=True, connection="strong")
    circling = inner & (label[tail] == label[head])
    uneven = circling & (np.abs(arrives - amount) > 1e-12 * amount)
    if not uneven.any():
        return amount
    run = arcs.groupby(["row", "tail"], sort=False).ngroup().to_numpy()
    converts = (arcs["type"] == "convert").to_numpy(bool)
    group = np.where(converts, run, -1)
    if (uneven & ~converts).any():
        return None
    touched = converts & np.isin(group, group[uneven])
    most = int(group.max()) + 1
    total = np.bincount(group[touched], amount[touched], most)
    round_ = np.bincount(group[touched & circling], arrives[touched & circling], most)
    others = np.bincount(group[touched & ~circling], amount[touched & ~circling], most)
    left = total - round_
    if (left[group[touched]] <= 0.0).any() or (others[group[touched]] <= 0.0).any():
        return None
    scale = np.divide(left, others, out=np.ones(most), where=others > 0.0)
    evened = np.where(touched & circling, arrives, amount)
    return np.where(touched & ~circling, amount * scale[group], evened)


def _reach(tail: Keys, head: Keys, start: Keys) -> Keys:
    """Every node that can be reached from `start` along the arcs, `start` included."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    every = np.unique(np.concatenate([tail, head, start]))
    if not start.size:
        return np.empty(0, dtype=np.int64)
    root = len(every)
    rows = np.concatenate([np.searchsorted(every, tail), np.full(start.size, root)])
    columns = np.concatenate([np.searchsorted(every, head), np.searchsorted(every, start)])
    graph = coo_array((np.ones(rows.size), (rows, columns)), shape=(root + 1, root + 1))
    order = breadth_first_order(graph.tocsr(), root, return_predecessors=False)
    return np.asarray(every[order[order != root]])


def _solve(tail: Ints, head: Ints, share: Floats, entering: Floats) -> Floats:
    """Tracer that passes each node: F = entering + Σ over arcs into it of share · F of the tail."""
    from scipy.sparse import coo_array, eye_array
    from scipy.sparse.linalg import splu

    count = len(entering)
    if not count:
        return entering
    inner = (tail >= 0) & (head >= 0)
    moved = coo_array((share[inner], (head[inner], tail[inner])), shape=(count, count))
    system = (eye_array(count) - moved.tocsr()).tocsc()
    return np.asarray(splu(system).solve(entering))
