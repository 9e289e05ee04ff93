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
from typing import Any

import numpy as np

from circflow.data.coded import (
    Flags,
    Floats,
    Ints,
    Items,
    Keys,
    added_at,
    distinct,
    find,
    join,
    keys_of,
    numbered,
    stacked,
    take,
)
from circflow.solution.accounts import LEDGERS, PLACE, Accounts
from circflow.solution.findings import intakes, recipe_amounts
from circflow.solution.keys import added_up

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
    """Arcs and nodes, with names as they are read.

    `nodes`: site, material, period, is_stock. `arcs`: type (source, move, convert, store, hold,
    restore, end), tail and head (position in nodes, −1 outside), amount (over the period, leaving
    the tail; of a source, entering the head), arrives (at the head, in its unit), load (which part
    of a run's money it bears), flow and gain (what is taken apart: amount and arrives/amount, or
    the tracer and 1), ledger and row (whose money the arc bears, in
    the share `weight`; of a conversion, in proportion to the load), end (kind of source or end),
    unit, recipe.
    """

    nodes: Items
    arcs: Items


class GraphMaker:
    """Builds the graph of a plan."""

    def __init__(self, books: Accounts) -> None:
        self.books, self.plan = books, books.plan
        self.years = books.scenario.period_items["years"]
        self.sizes = [self.plan.sizes[n] for n in PLACE]
        self.places = int(np.prod(self.sizes))
        self.measure = numbered(books.scenario.unit_of_measure.values())
        """The unit of measure of each material, by number."""
        self.parts: list[Items] = []
        """Arcs, as they are added."""

    def make(self) -> Graph:
        self._supply()
        self._moves()
        self._stocks()
        self._ends()
        inputs, outputs = self._conversions()
        arcs = self._arcs()
        main = self._main_inputs(arcs, inputs, outputs)
        self._converting(arcs, inputs.take(main), inputs.take(~main), outputs)
        return self._trace(*self._number(self._arcs()))

    def keys(self, rows: Items, site: str = "site") -> Keys:
        codes = [self.plan.listed(n, rows[site if n == "site" else n]) for n in PLACE]
        return keys_of(codes, self.sizes)

    def add(self, type_: str, tail: Any, head: Any, amount: Floats, **more: Any) -> None:
        """Add arcs; `tail` and `head` are keys of nodes. Empty and unknown ones are left out."""
        arcs = _arcs_of(type_, tail, head, amount, **more)
        known = (arcs["tail"] >= 0) | (arcs["head"] >= 0)
        self.parts.append(arcs.take(known & (amount > 0.0)))

    def _arcs(self) -> Items:
        """What has been added."""
        return stacked(self.parts, *ARC)

    def _amount(self, name: str) -> Floats:
        ledger = self.books[name]
        years = 1.0 if name == "held" else self.years[ledger.period]
        return np.asarray(np.maximum(ledger.amount, 0.0) * years)

    def _supply(self) -> None:
        rows = self.books["supply"].items
        self.add(
            "source",
            _NOWHERE,
            self.keys(rows),
            self._amount("supply"),
            ledger=LEDGERS.index("supply"),
            row=np.arange(len(rows)),
            end=self.plan.codes.names("kind", rows["kind"]),
        )

    def _moves(self) -> None:
        rows = self.books["flows"].items
        loss = rows["loss"]
        amount, start = self._amount("flows"), self.keys(rows, "from")
        common = {"ledger": LEDGERS.index("flows"), "row": np.arange(len(rows))}
        self.add(
            "move", start, self.keys(rows, "to"), amount * (1.0 - loss), weight=1.0 - loss, **common
        )
        self.add("end", start, _NOWHERE, amount * loss, weight=loss, end="loss", **common)

    def _stocks(self) -> None:
        """A stockpile with an opening stock is a source and an end; an empty one carries over."""
        rows = self.books["added"].items
        dump = take(self.books.scenario.items("Stockpiles")["opening"], rows["at"], 1.0) > 0.0
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
        last = rows["period"] == self.sizes[2] - 1
        where = {"ledger": codes["held"], "row": at}
        node = keys + self.places
        self.add("hold", node, node + 1, np.where(dump | last, 0.0, held), **where)
        self.add("end", node, _NOWHERE, np.where(dump | ~last, 0.0, held), end="stock", **where)

    def _ends(self) -> None:
        for name, kind in (("sales", "sale"), ("disposal", "disposal")):
            rows = self.books[name].items
            self.add(
                "end",
                self.keys(rows),
                _NOWHERE,
                self._amount(name),
                ledger=LEDGERS.index(name),
                row=np.arange(len(rows)),
                end=kind,
            )

    def _conversions(self) -> tuple[Items, Items]:
        """Inputs and outputs of every activity: run (row of the ledger), node, amount, unit ..."""
        plan, items = self.plan, self.books["activity"].items
        run = ("unit", "recipe", "period")
        runs = items.only(*run).plus(run=np.arange(len(items)))
        fixed, groups = recipe_amounts(plan), intakes(plan).renamed(amount="amount_per_year")
        both = join(stacked([fixed, groups], *fixed.names), runs, *run)
        years = self.years[np.maximum(plan.listed("period", both["period"]), 0)]
        by = ("role", "run", "site", "material", "period", "unit", "recipe")
        both, (amount,) = added_up(both, by, np.maximum(both["amount"], 0.0) * years)
        both = both.plus(amount=amount, node=self.keys(both))
        both = both.take((amount > 0.0) & (both["node"] >= 0))
        inputs, outputs = (
            both.take(both["role"] == plan.code("role", role)) for role in ("input", "output")
        )
        return inputs, self._shared(outputs)

    def _shared(self, side: Items) -> Items:
        """Inputs, or outputs, with the `share` of each in those of its run."""
        measure = self.measure[side["material"]]
        return side.plus(share=shares(side["run"], measure, side["amount"]))

    def _main_inputs(self, arcs: Items, inputs: Items, outputs: Items) -> Flags:
        """Inputs that stem from a stream or a stockpile, or all of a run that has no such input."""
        from_waste = np.isin(inputs["node"], self._descendants(arcs, inputs, outputs))
        runs = inputs["run"]
        count = np.bincount(runs, from_waste, len(self.books["activity"].items))
        return np.asarray(from_waste | (count[runs] == 0))

    def _descendants(self, arcs: Items, inputs: Items, outputs: Items) -> Keys:
        """Nodes that hold something that stems from a stream or a stockpile."""
        stems = (arcs["end"] == "stream") | (arcs["end"] == "stockpile")
        sources = arcs["head"][stems & (arcs["type"] == "source")]
        tails, heads = self._through_runs(arcs, inputs, outputs)
        return _reach(tails, heads, sources)

    def _through_runs(self, arcs: Items, inputs: Items, outputs: Items) -> tuple[Keys, Keys]:
        """Tails and heads of the arcs from place to place, into runs and out of them."""
        inner, runs = arcs.take((arcs["tail"] >= 0) & (arcs["head"] >= 0)), 2 * self.places
        tails = (inner["tail"], inputs["node"], outputs["run"] + runs)
        heads = (inner["head"], inputs["run"] + runs, outputs["node"])
        return np.concatenate(tails), np.concatenate(heads)

    def _converting(self, arcs: Items, main: Items, rest: Items, outputs: Items) -> None:
        """Add arcs from each main input of a run to each of its outputs, and what has no other
        side.

        A run whose outputs never leave the plan (they only go in circles) uses its inputs up.
        """
        main = self._shared(main)
        closed = np.isin(outputs["run"], self._closed_runs(arcs, main, rest, outputs))
        open_outputs = outputs.take(~closed).only("run", "node", "share", "amount")
        made = open_outputs.renamed(node_out="node", share_out="share", amount_out="amount")
        pairs = join(main, made, "run")
        self.add(
            "convert",
            pairs["node"],
            pairs["node_out"],
            pairs["amount"] * pairs["share_out"],
            arrives=pairs["amount_out"] * pairs["share"],
            load=pairs["share"] * pairs["share_out"],
            **self._labels(pairs),
        )
        used_up = main.take(~np.isin(main["run"], open_outputs["run"]))
        self.add(
            "end",
            used_up["node"],
            _NOWHERE,
            used_up["amount"],
            load=used_up["share"],
            end="loss",
            **self._labels(used_up),
        )
        self.add(
            "end",
            rest["node"],
            _NOWHERE,
            rest["amount"],
            end="use",
            weight=0.0,
            **self._labels(rest),
        )
        has_inputs = np.isin(outputs["run"], main["run"])
        entering = outputs.take(~has_inputs | closed)
        self.add(
            "source",
            _NOWHERE,
            entering["node"],
            entering["amount"],
            load=entering["share"],
            end="unit",
            # The money of a run with inputs stays with its inputs.
            weight=np.where(np.isin(entering["run"], main["run"]), 0.0, 1.0),
            **self._labels(entering),
        )

    def _closed_runs(self, arcs: Items, main: Items, rest: Items, outputs: Items) -> Ints:
        """Runs none of whose outputs ever reaches an end."""
        ends = arcs["tail"][(arcs["tail"] >= 0) & (arcs["head"] < 0)]
        dead = main["node"][~np.isin(main["run"], outputs["run"])]
        tails, heads = self._through_runs(arcs, main, outputs)
        leaving = _reach(heads, tails, np.concatenate([ends, dead, rest["node"]]))
        every = np.unique(outputs["run"])
        return np.asarray(every[~np.isin(every + 2 * self.places, leaving)])

    def _labels(self, runs: Items) -> dict[str, Any]:
        """What an arc of a run is labelled with."""
        texts = {n: self.plan.codes.names(n, runs[n]) for n in ("unit", "recipe")}
        return {"ledger": LEDGERS.index("activity"), "row": runs["run"], **texts}

    def _number(self, arcs: Items) -> tuple[Graph, Ints]:
        """Number the nodes, in the order of sites, materials and periods; with the unit of measure
        of each."""
        used = np.unique(np.concatenate([arcs["tail"], arcs["head"]]))
        used = used[used >= 0]
        place = used % max(self.places, 1)
        site, rest = np.divmod(place, max(self.sizes[1] * self.sizes[2], 1))
        material, period = np.divmod(rest, max(self.sizes[2], 1))
        codes = {"site": site, "material": material, "period": period}
        names = {n: self.plan.codes.names(n, code) for n, code in codes.items()}
        nodes = Items({**names, "is_stock": used >= self.places})
        arcs = arcs.plus(**{end: find(used, arcs[end]) for end in ("tail", "head")})
        end = np.array([text or "~" for text in arcs["end"]], dtype=str)  # blank ones last
        figures = (arcs[n] for n in ("row", "ledger", "head", "tail"))
        order = np.lexsort((end, *figures, arcs["type"].astype(str)))
        return Graph(nodes, arcs.take(order)), self.measure[material]

    def _trace(self, graph: Graph, measure: Ints) -> Graph:
        """Complete the graph where amounts do not meet, and say what flows.

        Without circles that is the amount of each material, with gains. Else it is the tracer; what
        goes in circles without any source brings its own amount as tracer.
        """
        arcs, alone = self._complete(graph)
        tail, head, amount, count = arcs["tail"], arcs["head"], arcs["amount"], len(graph.nodes)
        evened = None if alone.any() else _even_circles(arcs, count)
        if evened is not None:
            gain = arcs["arrives"] / evened
            return Graph(graph.nodes, arcs.plus(amount=evened, flow=evened, gain=gain))
        inner = tail >= 0
        circling = np.append(alone, False)[tail]
        leaving = np.bincount(tail[inner], amount[inner], count)
        share = amount / np.where(inner, np.append(leaving, 1.0)[tail], 1.0)
        share = np.where(circling, 0.0, share)
        source = np.where(inner, 0.0, amount * _weights(arcs, measure))
        entering = np.bincount(head[~inner], source[~inner], count).astype(float)
        passing = _solve(tail, head, share, entering)
        tracer = np.where(inner, np.append(passing, 0.0)[tail] * share, source)
        tracer = np.where(circling, amount, np.maximum(tracer, 0.0))
        load = np.where(arcs["load"] > 0.0, tracer, 0.0)
        return Graph(graph.nodes, arcs.plus(flow=tracer, gain=1.0, load=load))

    def _complete(self, graph: Graph) -> tuple[Items, Flags]:
        """Give a source to ends that none reaches, and an end to what leads nowhere.

        Needed only in a plan whose balances do not close, or with circles that feed themselves.
        Returns the arcs, and which nodes no source reaches (what is there goes in circles).
        """
        arcs, count = graph.arcs, len(graph.nodes)
        tail, head, amount = arcs["tail"], arcs["head"], arcs["amount"]
        inner = (tail >= 0) & (head >= 0)
        parts, unexplained = [arcs], {"weight": 0.0, "end": "unexplained"}
        is_source, is_end = tail < 0, head < 0
        reached = _reach(tail[inner], head[inner], head[is_source])
        lost = is_end & ~np.isin(tail, reached)
        started = np.bincount(tail[lost], amount[lost], count).astype(float)
        node = np.flatnonzero(started)
        if node.size:
            parts.append(_arcs_of("source", _NOWHERE, node, started[node], **unexplained))
            reached = _reach(tail[inner], head[inner], np.concatenate([head[is_source], node]))
        stuck = np.setdiff1d(reached, _reach(head[inner], tail[inner], tail[is_end]))
        if stuck.size:
            came = np.bincount(head[head >= 0], amount[head >= 0], count).astype(float)
            parts.append(_arcs_of("end", stuck, _NOWHERE, came[stuck], **unexplained))
        alone = np.ones(count, dtype=bool)
        alone[reached] = False
        arcs = stacked(parts, *ARC)
        return arcs.take(arcs["amount"] > 0.0), alone


def _arcs_of(type_: str, tail: Any, head: Any, amount: Floats, **more: Any) -> Items:
    """Arcs with the usual in the columns of which nothing is said."""
    said = {"type": type_, "tail": tail, "head": head, "amount": amount, "arrives": amount, **more}
    count = len(amount)
    return Items({n: np.full(count, said.get(n, usual), kind) for n, (kind, usual) in ARC.items()})


def _weights(arcs: Items, measure: Ints) -> Floats:
    """Tracer per unit of a source: every unit of measure (that of each node) weighs the same in
    all."""
    unit = np.append(measure, -1)[arcs["head"]]
    entering = np.where(arcs["tail"] < 0, arcs["amount"], 0.0)
    total = added_at(unit, entering, int(measure.max(initial=-1)) + 1)
    weight = np.divide(1.0, total, out=np.zeros(len(total)), where=total > 0.0)
    return take(weight, unit)


def shares(run: Ints, measure: Ints, amount: Floats) -> Floats:
    """Share of each output (or input) in the outputs (inputs) of its run.

    By amount among those of one unit of measure; different units of measure cannot be compared,
    so each of them has the same share.
    """
    first, number = distinct([run, measure])
    kinds = np.bincount(run[first])[run]
    return np.asarray(amount / np.bincount(number, amount)[number] / kinds)


def _even_circles(arcs: Items, count: int) -> Floats | None:
    """Amounts of the arcs such that what goes in circles does so without gain or loss.

    Where an output of a run comes round to its input, as much of the input is taken to pass into it
    as comes out of it; the rest of the input goes to the other outputs. None where that cannot be.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    tail, head, amount, arrives = (arcs[n] for n in ("tail", "head", "amount", "arrives"))
    inner = (tail >= 0) & (head >= 0)
    graph = coo_array((np.ones(inner.sum()), (tail[inner], head[inner])), shape=(count, count))
    _, label = connected_components(graph.tocsr(), directed=True, connection="strong")
    circling = inner & (label[tail] == label[head])
    uneven = circling & (np.abs(arrives - amount) > 1e-12 * amount)
    if not uneven.any():
        return amount
    converts = arcs["type"] == "convert"
    group = np.where(converts, distinct([arcs["row"], tail])[1], -1)
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
