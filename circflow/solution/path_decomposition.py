"""A conserved flow on a graph, taken apart into paths and cycles.

Walks start at the source with most left and follow, at every node, the arc with most left. A walk
that meets itself has found a cycle, which is taken out; a walk that reaches an end is a path. Each
takes its bottleneck and so empties at least one arc: there are at most as many paths and cycles as
arcs (Ahuja, Magnanti & Orlin, Network Flows, 1993, theorem 3.5).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from circflow.data.coded import Floats, Ints

DUST = 1e-9
"""What is left of an arc below this share of its flow is rounding."""


@dataclass(frozen=True)
class Parts:
    """Paths and cycles. `path`, `arc`, `flow`: one record for every arc of every part, in order.

    `is_cycle` by part. The parts of one arc add up to its flow but for rounding.
    """

    path: Ints
    arc: Ints
    flow: Floats
    is_cycle: np.ndarray

    def __len__(self) -> int:
        return len(self.is_cycle)

    @cached_property
    def first(self) -> Ints:
        """Position of each part's first record."""
        return np.searchsorted(self.path, np.arange(len(self)))

    @cached_property
    def last(self) -> Ints:
        """Position of each part's last record."""
        return np.searchsorted(self.path, np.arange(len(self)), side="right") - 1


def peel(tail: Ints, head: Ints, flow: Floats, nodes: int, gain: Floats | None = None) -> Parts:
    """Take a flow apart. Arcs with tail −1 are sources, with head −1 ends.

    `flow` leaves an arc's tail, and `gain` times as much arrives at its head (1 where not given,
    and 1 all in all around every circle: Ahuja, Magnanti & Orlin, ch. 15). What enters each of the
    `nodes` nodes must leave it, and from every node that flow reaches an end must be reachable.
    The result depends on the order of the arcs only in ties.
    """
    return _Peeler(tail, head, flow, nodes, np.ones(len(flow)) if gain is None else gain).run()


class _Peeler:
    def __init__(self, tail: Ints, head: Ints, flow: Floats, nodes: int, gain: Floats) -> None:
        self.gain = gain.tolist()
        self.head = head.tolist()
        self.left = flow.tolist()
        self.dust = (flow * DUST).tolist()
        self.heaps: list[list[tuple[float, int]]] = [[] for _ in range(nodes + 1)]
        for arc in np.flatnonzero(flow > 0.0).tolist():
            self.heaps[tail[arc]].append((-self.left[arc], arc))
        for heap in self.heaps:
            heapq.heapify(heap)
        self.tail, self.flow = tail.tolist(), flow.tolist()
        self.way_out = _ways_out(tail, head, flow, nodes)
        self.way_in = _ways_out(head, tail, flow, nodes)
        self.arcs: list[int] = []
        self.flows: list[float] = []
        self.lengths: list[int] = []
        self.cycles: list[bool] = []

    def run(self) -> Parts:
        sources = self.heaps[-1]
        while (arc := self._largest(sources)) >= 0:
            self._walk(arc)
        self._unpassed()
        for node in range(len(self.heaps) - 1):
            while (arc := self._largest(self.heaps[node])) >= 0:
                self._circle(node, arc)
        lengths = np.array(self.lengths, dtype=np.intp)
        return Parts(
            np.repeat(np.arange(len(lengths)), lengths),
            np.array(self.arcs, dtype=np.intp),
            np.array(self.flows, dtype=float),
            np.array(self.cycles, dtype=bool),
        )

    def _largest(self, heap: list[tuple[float, int]]) -> int:
        """The arc with most left, −1 if nothing is left; entries are corrected at the top."""
        while heap:
            noted, arc = heap[0]
            left = self.left[arc]
            if left <= 0.0:
                heapq.heappop(heap)
            elif -noted != left:
                heapq.heapreplace(heap, (-left, arc))
            else:
                return arc
        return -1

    def _take(self, arcs: list[int], *, is_cycle: bool) -> None:
        """Take the bottleneck out of a part."""
        left, dust, gain = self.left, self.dust, self.gain
        per_unit, reached = [], 1.0
        for arc in arcs:
            per_unit.append(reached)
            reached *= gain[arc]
        limits = (left[a] / g for a, g in zip(arcs, per_unit, strict=True) if left[a] > 0.0)
        amount = min(limits, default=0.0)
        if amount <= 0.0:
            return
        flows = [amount * g for g in per_unit]
        for arc, taken in zip(arcs, flows, strict=True):
            rest = left[arc] - taken
            left[arc] = rest if rest > dust[arc] else 0.0
        self._note(arcs, flows, is_cycle=is_cycle)

    def _note(self, arcs: list[int], flows: list[float], *, is_cycle: bool) -> None:
        self.arcs += arcs
        self.flows += flows
        self.lengths.append(len(arcs))
        self.cycles.append(is_cycle)

    def _walk(self, arc: int) -> None:
        """From a source to an end; cycles met on the way are taken out."""
        walk, seen = [arc], dict[int, int]()
        node = self.head[arc]
        while node >= 0:
            if node in seen:
                start = seen[node]
                cycle = walk[start:]
                for passed in cycle[:-1]:
                    del seen[self.head[passed]]
                del walk[start:], seen[node]
                self._take(cycle, is_cycle=True)
                if self.left[walk[0]] <= 0.0:
                    return
                continue
            seen[node] = len(walk)
            arc = self._largest(self.heaps[node])
            if arc < 0:
                # Rounding has emptied the node: what came here leaves by the shortest way out.
                while node >= 0:
                    arc = self.way_out[node]
                    walk.append(arc)
                    node = self.head[arc]
                break
            walk.append(arc)
            node = self.head[arc]
        self._take(walk, is_cycle=False)

    def _unpassed(self) -> None:
        """An end so small that rounding has left it out gets a path of its own."""
        passed = set(self.arcs)
        for arc, (node, amount) in enumerate(zip(self.tail, self.flow, strict=True)):
            if self.head[arc] >= 0 or node < 0 or amount <= 0.0 or arc in passed:
                continue
            walk, flows, back = [arc], [amount], node
            while back >= 0:
                walk.append(self.way_in[back])
                flows.append(flows[-1] / self.gain[walk[-1]])
                back = self.tail[walk[-1]]
            self.left[arc] = 0.0
            self._note(walk[::-1], flows[::-1], is_cycle=False)

    def _circle(self, node: int, arc: int) -> None:
        """What is left when the sources are empty goes in circles."""
        walk, seen = [arc], {node: 0}
        node = self.head[arc]
        while node >= 0 and node not in seen:
            seen[node] = len(walk)
            arc = self._largest(self.heaps[node])
            if arc < 0:
                break
            walk.append(arc)
            node = self.head[arc]
        if node in seen and walk[seen[node] :] and arc >= 0:
            self._take(walk[seen[node] :], is_cycle=True)
        else:
            # A remainder of rounding that leads nowhere.
            self.left[walk[0]] = 0.0


def _ways_out(tail: Ints, head: Ints, flow: Floats, nodes: int) -> list[int]:
    """The first arc of the shortest way from each node to an end, −1 where there is none."""
    arcs = np.flatnonzero((flow > 0.0) & (tail >= 0))[::-1]
    start, end = tail[arcs], np.where(head[arcs] < 0, nodes, head[arcs])
    back = coo_array((np.ones(len(arcs)), (end, start)), shape=(nodes + 1, nodes + 1))
    _, onward = breadth_first_order(back.tocsr(), nodes)
    arc_of = dict(zip(zip(start.tolist(), end.tolist(), strict=True), arcs.tolist(), strict=True))
    return [arc_of.get((node, n), -1) for node, n in enumerate(onward[:nodes].tolist())]
