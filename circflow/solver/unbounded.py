"""Money without end: a direction in which a plan can grow for ever and earn.

A ray d of the LP satisfies A·d ≤ 0 (= 0, ≥ 0) where the rows have limits, d ≥ 0, and gains
−cost·d > 0. Of all rays that gain one million the one with the least movement is reported: it
uses few flows, and every one of them stands for a price the planner has set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from circflow.algebra.declare import Model, Variable
from circflow.data.coded import Floats
from circflow.data.one_line import plain
from circflow.data.table import Cell
from circflow.i18n import say
from circflow.i18n.names import shown_measure
from circflow.solver.compiled import Compiled
from circflow.solver.optimum import linear


@dataclass(frozen=True)
class Ray:
    """What grows without limit, and the cells whose prices and missing limits allow it."""

    steps: tuple[str, ...]
    cells: tuple[Cell, ...]
    remedies: tuple[str, ...]

    def lines(self) -> list[str]:
        """The ray in words."""
        lines = [say("These prices make money without end:")]
        lines += [f"  {step}" for step in self.steps]
        if self.remedies:
            lines.append(say("Any of these limits would end it:"))
            lines += [f"  {remedy}" for remedy in self.remedies]
        return lines


def endless_gain(m: Model, compiled: Compiled) -> Ray | None:
    """The simplest ray along which a plan's worth grows for ever; None if there is none."""
    cone = compiled.program.cone()
    outcome = linear(
        cone.with_rows(-cone.cost[None, :], 1.0, 1.0).with_costs(1.0, offset=0.0)
    ).outcome
    if outcome.x is None:
        return None
    values = compiled.values(outcome.x)
    growing = [one for v in m.variables.values() for one in _growing(m, v, v.value(values))]
    steps = tuple(plain(step) for step, _, _ in growing)  # a name may hold a line break
    cells = tuple(cell for _, cell, _ in growing if cell is not None)
    return Ray(steps, cells, tuple(dict.fromkeys(limit for *_, limit in growing if limit)))


def _growing(m: Model, variable: Variable, moves: Floats) -> Iterator[tuple[str, Cell | None, str]]:
    """What of a variable grows, the cell of its price, and the limit that would end it."""
    grows, currency = variable.grows, m.scenario.settings.currency
    if grows is None:
        return
    table = m.scenario.tables.get(grows.sheet)
    seen: set[object] = set()
    for at in np.flatnonzero(moves > 0.0).tolist():
        r = {str(n): v for n, v in variable.frame.iloc[at].items()}
        price = f"{r[grows.price]:g} {shown_measure(currency)}"
        words = f"{say(grows.words, **r)}, {grows.by.format(price) or f'{grows.price} {price}'}"
        row = int(r.get(grows.row, 0)) if table else 0
        key = words if grows.by else row
        if key in seen:
            continue
        seen.add(key)
        cell = table.cell(row, "" if grows.by else grows.price) if table and row else None
        limit = ""
        if table and grows.limit and np.isnan(r.get(grows.limit, 0.0)):
            place = table.cell(row, grows.limit)
            limit = say("a {limit} in {cell}", limit=grows.limit, cell=place)
        yield f"{cell}: {words}" if cell else words, cell, limit
