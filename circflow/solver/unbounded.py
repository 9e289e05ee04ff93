"""Money without end: a direction in which a plan can grow for ever and earn.

A ray d of the LP satisfies A·d ≤ 0 (= 0, ≥ 0) where the rows have limits, d ≥ 0, and gains
−cost·d > 0. Of all rays that gain one million the one with the least movement is reported: it
uses few flows, and every one of them stands for a price the planner has set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circflow.data.one_line import plain
from circflow.data.table import Cell
from circflow.model.terms import Model
from circflow.solver.compiled import Compiled
from circflow.solver.highs import Session


@dataclass(frozen=True)
class Ray:
    """What grows without limit, and the cells whose prices and missing limits allow it."""

    steps: tuple[str, ...]
    cells: tuple[Cell, ...]
    remedies: tuple[str, ...]

    def lines(self) -> list[str]:
        """The ray in words."""
        lines = ["These prices make money without end:"]
        lines += [f"  {step}" for step in self.steps]
        if self.remedies:
            lines.append("Any of these limits would end it:")
            lines += [f"  {remedy}" for remedy in self.remedies]
        return lines


_WORDS = {
    # variable: (sheet, price column, limit column, words)
    "taken": ("Streams", "cost", "amount_per_year", "{material} taken at {site}"),
    "bought": ("Purchases", "price", "max_per_year", "{material} bought at {site}"),
    "sold": ("Markets", "price", "max_per_year", "{material} sold at {site}"),
    "disposed": ("Disposal", "fee", "capacity_per_year", "{material} disposed of at {site}"),
    "added": ("Stockpiles", "add_cost", "capacity", "{material} added to the stock at {site}"),
    "reclaimed": (
        "Stockpiles",
        "reclaim_cost",
        "max_reclaim_per_year",
        "{material} taken from the stock at {site}",
    ),
    "level": ("Stockpiles", "holding_cost", "capacity", "{material} held at {site}"),
    "joint_activity": ("Synergies", "value", "max_per_year", "synergy {synergy}"),
    "excess": ("EmissionLimits", "penalty", "", "{pollutant} above its limit"),
}


def endless_gain(m: Model, compiled: Compiled) -> Ray | None:
    """The simplest ray along which a plan's worth grows for ever; None if there is none."""
    cone = compiled.program.cone()
    outcome = Session(
        cone.with_rows(-cone.cost[None, :], 1.0, 1.0).with_costs(1.0, offset=0.0)
    ).solve()
    if outcome.x is None:
        return None
    values = compiled.values(outcome.x)
    steps: list[str] = []
    cells: list[Cell] = []
    remedies: list[str] = []
    currency = m.scenario.settings.currency
    for variable, (sheet, price, limit, words) in _WORDS.items():
        table = m.scenario.tables[sheet]
        rows_of = m.rows[variable]
        moving = rows_of[values[rows_of["column"].to_numpy()] > 0.0]
        for r in moving.drop_duplicates("row").to_dict("records"):
            cell = table.cell(int(r["row"]), price)
            step = f"{cell}: {words.format(**r)}, {price} {r[price]:g} {currency}"
            steps.append(step)
            cells.append(cell)
            if limit and np.isnan(r.get(limit, 0.0)):
                remedies.append(f"a {limit} in {table.cell(int(r['row']), limit)}")
    flows = m.rows["flow"]
    moving = flows[values[flows["column"].to_numpy()] > 0.0]
    for r in moving.drop_duplicates(["from", "to", "material", "mode"]).to_dict("records"):
        where = f"{r['material']} from {r['from']} to {r['to']} by {r['mode']}"
        named = m.scenario.tables["Links"].cell(int(r["row_cost"])) if r["row_cost"] else None
        head = f"{named}: " if named else ""
        steps.append(f"{head}{where}, at {r['unit_cost']:g} {currency} per unit")
        if named:
            cells.append(named)
    for r in m.rows["activity"][values[m.rows["activity"]["column"].to_numpy()] > 0.0].to_dict(
        "records"
    ):
        steps.append(f"unit {r['unit']} runs {r['recipe']}, at {r['variable_cost']:g} {currency}")
    steps = [plain(step) for step in steps]  # a name may hold a line break
    return Ray(tuple(steps), tuple(cells), tuple(dict.fromkeys(remedies)))
