"""Shadow prices: what one unit more of a material, or of a limit's figure, is worth to the plan.

A value is the change of the plan's worth per unit more of the figure in `limit`, in currency per
unit in money of the period: the dual divided by D_t and the weight of `value`. That of a limit
from below (a minimum, waste that must be handled) is negative where it hurts. Figures that hold
over the whole horizon, and lump sums, have no period: their value is in money of today.

Which limits there are, where their figures stand and what they are called is declared in the
blocks (`circflow.algebra.declare`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from circflow.algebra.build import weights
from circflow.algebra.declare import Bound, Cells, Figure, Model, Stand
from circflow.algebra.results import PRICES
from circflow.data.coded import (
    BLANK,
    Column,
    Flags,
    Floats,
    Ints,
    Items,
    added_at,
    distinct,
    find_rows,
    place_in,
    stacked,
    table_of,
)
from circflow.data.scenario import MILLION, Scenario
from circflow.solver.compiled import Compiled, Family
from circflow.solver.highs import Outcome

_PLACE = ("site", "to", "material", "unit", "period")

_NOISE = 1e-9
"""A price below this share of the largest one of its table is solver noise."""


def prices(m: Model, compiled: Compiled, outcome: Outcome, *, fixed: bool) -> pd.DataFrame:
    """The table `prices` of an LP's outcome (columns as in `circflow.algebra.results.PRICES`)."""
    if outcome.row_dual is None or outcome.reduced_cost is None or outcome.x is None:
        return pd.DataFrame(columns=PRICES.names)
    values = compiled.values(outcome.x)
    parts = [_materials(m, compiled, outcome.row_dual)]
    for figure, priced in _of_figures(m, compiled, outcome.row_dual, values).items():
        parts.append(_table(m.scenario, figure, priced))
    claimed = np.zeros(len(outcome.x), dtype=bool)
    for bound in m.bounds.values():
        parts.extend(_bound(m, compiled, outcome, bound, claimed))
    table = stacked(parts, *(n for n in PRICES.names if n in parts[0]))
    value = table["value"]
    value[np.abs(value) <= _NOISE * np.nanmax(np.abs(value), initial=0.0)] = 0.0
    weight = weights(m.scenario).value
    table = table.plus(
        value=value / weight if weight else np.nan,
        binds=(table["kind"] != "material") & (value != 0.0),
        decisions_fixed=np.full(len(table), fixed),
    )
    return table_of({n: table[n] for n in PRICES.names}, len(table))


def _materials(m: Model, compiled: Compiled, dual: Floats) -> Items:
    """Worth of one unit more of a material at a place: the price at which members can trade it."""
    family = compiled.families["material_balance"]
    worth = dual[family.rows] * _today(m.scenario, family.items)
    texts = {"kind": "material", "limit": "balance", "sheet": None, "column": None}
    return _named(m.scenario, family.items, worth, np.full(len(worth), np.nan), texts)


def _today(scenario: Scenario, rows: Items, figure: Figure | None = None) -> Floats:
    """From the dual, in million of today, to currency in money of the period."""
    million = 1.0 if figure is not None and figure.per_million else MILLION
    if "period" not in rows or (figure is not None and figure.once):
        return np.full(len(rows), million)
    return np.asarray(million / scenario.period_items["weight"][rows["period"]])


def _named(
    scenario: Scenario, rows: Items, value: Floats, row: Column, texts: Mapping[str, str | None]
) -> Items:
    """Rows of codes as the columns of the table: names; the unit is the material's."""
    codes = scenario.codes
    blank = np.full(len(rows), BLANK)
    names = {n: codes.names(n, rows.get(n, blank)) for n in _PLACE}
    unit = codes.names("unit_of_measure", _measures(scenario)[rows.get("material", blank)])
    same = {n: np.full(len(rows), text, dtype=object) for n, text in texts.items()}
    return Items(
        {**names, "unit_of_measure": unit, "value": value, "row": row.astype(float), **same},
        len(rows),
    )


def _measures(scenario: Scenario) -> Ints:
    """The code of each material's unit, then a blank."""
    units = scenario.frame("Materials")["unit"].tolist()
    return np.append(scenario.codes.of("unit_of_measure", units), BLANK)


def _of_figures(
    m: Model, compiled: Compiled, dual: Floats, values: Floats
) -> dict[Figure, list[tuple[Items, Cells, Ints, Floats]]]:
    """By figure: the rows in which it stands, its cells (and which of them), and what a unit more
    of it is worth there, in million of today."""
    by_figure: dict[Figure, list[tuple[Items, Cells, Ints, Floats]]] = {}
    for name, limit in m.limits.items():
        family = compiled.families[name]
        for stand in limit.stands:
            if len(family.rows):
                at = cells_of(stand.cells, family)
                there = ~np.isnan(np.append(stand.cells.value, np.nan)[at])
                worth = -dual[family.rows] * _moved(stand, family, values)
                rows = family.items.take(there), stand.cells, at[there], worth[there]
                by_figure.setdefault(stand.cells.figure, []).append(rows)
    return by_figure


def cells_of(cells: Cells, family: Family) -> Ints:
    """The position of the cell that holds the figure of each row of a limit, −1 for none."""
    return find_rows(cells.labels, family.items, *(n for n in family.over if n in cells.labels))


def _moved(stand: Stand, family: Family, values: Floats) -> Floats:
    """By how much the right side of each row grows per unit of the figure, at the plan."""
    if stand.moves is None:
        return np.ones(len(family.rows))
    row = find_rows(family.items, stand.moves, *family.over)
    return added_at(row, stand.moves.at(values), len(family.rows))


def _table(
    scenario: Scenario, figure: Figure, priced: list[tuple[Items, Cells, Ints, Floats]]
) -> Items:
    """One price for each row of labels: what the figure is worth in all limits it stands in."""
    parts = []
    for rows, cells, at, worth in priced:
        changed = np.zeros(len(at), bool) if cells.changed is None else cells.changed[at]
        parts.append(rows.plus(cell=cells.row[at], changed=changed.astype(np.intp), worth=worth))
    every = stacked(parts, *parts[0].names)
    first, number = distinct([every[n] for n in every.names if n != "worth"])
    rows, worth = every.take(first), added_at(number, every["worth"], len(first))
    return _priced(scenario, figure, rows, rows["cell"], rows["changed"] == 1, worth)


def _priced(  # noqa: PLR0913, PLR0917
    scenario: Scenario, figure: Figure, rows: Items, cell: Ints, changed: Flags, worth: Floats
) -> Items:
    """Prices of figures: where each holds, from its labels and its row in the sheet."""
    sheet = scenario.items(figure.sheet)
    at = place_in([sheet["row"]], [cell])
    of = figure.place(sheet.take(np.where(at < 0, 0, at)), scenario)
    known = {n: of[n] for n in _PLACE if n in of and n != "period"} if not changed.any() else {}
    labels = {n: rows[n] for n in _PLACE if n in rows}
    full = Items({**known, **labels}, len(rows))
    if "unit" in full and "site" not in full:
        full = full.plus(site=np.append(scenario.items("Units")["site"], BLANK)[full["unit"]])
    texts = {"kind": figure.kind, "limit": figure.column, "column": figure.column}
    table = _named(scenario, full, worth * _today(scenario, rows, figure), cell, texts)
    sheets = np.array([figure.sheet, figure.changed_in], dtype=object)
    more = {"sheet": sheets[changed.astype(np.intp)]}
    if figure.name is not None:
        more["limit"] = np.array(figure.name(of, scenario), dtype=object)
    if figure.measure:
        more["unit_of_measure"] = np.full(len(rows), figure.measure, dtype=object)
    return table.plus(**more)


def _bound(
    m: Model, compiled: Compiled, outcome: Outcome, bound: Bound, claimed: Flags
) -> list[Items]:
    """Reduced costs of variables that stand at a bound the planner has set."""
    assert outcome.x is not None and outcome.reduced_cost is not None
    variable, program = bound.variable, compiled.program
    place = compiled.column_of[variable.columns]
    held = np.flatnonzero(place >= 0)
    place = place[held]
    x, reduced = outcome.x[place], outcome.reduced_cost[place]
    lower, upper, figure = program.lower[place], program.upper[place], bound.cells.value[held]
    size = np.where(np.isfinite(upper), np.maximum(upper, 1.0), np.maximum(np.abs(x), 1.0))
    if bound.sense == "<=":
        at_it = (figure == upper) & (upper - x <= 1e-7 * size) & (reduced < 0.0)
    else:
        at_it = (figure == lower) & (x - lower <= 1e-7 * size) & (reduced > 0.0) & (lower > 0.0)
    # Of two figures that bound one variable alike, the first is named.
    at_it &= ~claimed[place]
    claimed[place[at_it]] = True
    if not at_it.any():
        return []
    rows, at = variable.items.take(held[at_it]), held[at_it]
    none = np.zeros(len(at), dtype=bool)
    cell = bound.cells.row[at]
    return [_priced(m.scenario, bound.cells.figure, rows, cell, none, -reduced[at_it])]
