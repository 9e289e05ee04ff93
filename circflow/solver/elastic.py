"""The planner's figures that can stand in the way of a plan, and where they stand in a programme.

A condition is one cell: the amount of a stream that must be handled, a capacity, a limit, a
budget. Which there are is declared in the blocks (`circflow.algebra.declare`). `elastic` gives
every condition a column of its own, the amount by which its cell is changed to the easier side,
in all rows and bounds that the cell stands in (every period, for a cell of a blank-period row).
With all changes held at 0 the programme is the scenario's; with one free, it tells how far that
one cell would have to give way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csc_array, diags_array

from circflow.algebra.declare import Bound, Cells, Figure, Model, Stand
from circflow.algebra.terms import CONSTANT
from circflow.data.coded import Floats, Ints, find_rows
from circflow.data.schema.sheets import Column
from circflow.data.table import Cell
from circflow.i18n import ENGLISH, current, say, say_in
from circflow.i18n.names import shown_measure
from circflow.solver.compiled import Compiled, Family, Program
from circflow.solver.shadow_prices import cells_of


@dataclass
class Condition:
    """A cell, its figure, and the rows and bounds in which it stands."""

    kind: Figure
    cell: Cell
    figure: float
    """NaN where the cell is no number (choice, requires): its only change is to go."""
    where: str
    unit: str
    limit: float = np.inf
    """How far it can give way at most."""
    largest: float = np.inf
    """What its cell may hold; beyond that it has to be left blank, which is no limit."""
    smallest: float = 0.0
    """The least size that its cell may hold besides 0."""
    shared: tuple[Cell, ...] = ()
    """Where it is no number: the cells that make the limit together; clearing any may do."""
    rows: list[tuple[int, float]] = field(default_factory=list)
    """Row of the programme, and what a change of 1 adds to the row's easier side."""
    scaled: list[tuple[int, Ints, Floats]] = field(default_factory=list)
    """Rows in which the figure is multiplied by something of the plan, Σ coefficient · column: a
    change is counted in units of the row."""
    decided: list[int] = field(default_factory=list)
    """Rows in which the figure is multiplied by a decision, taken as made."""
    lower: list[int] = field(default_factory=list)
    """Columns whose lower bound it is."""
    upper: list[int] = field(default_factory=list)
    """Columns whose upper bound it is."""
    kept: list[int] = field(default_factory=list)
    """Columns that its cell bounds from above as well, where that never gives way: what is lowered
    below is no more above."""

    def shift(self, loose: Elastic, x: Floats) -> float:
        """How far a figure that is multiplied by something of a plan has to give way there."""
        worst, program = 0.0, loose.program
        bare = np.where(np.arange(len(x)) < loose.first, x, 0.0)
        reached = program.matrix.tocsr()[[row for row, _, _ in self.scaled], :] @ bare
        for activity, (row, columns, factor) in zip(reached.tolist(), self.scaled, strict=True):
            high, low = float(program.row_upper[row]), float(program.row_lower[row])
            beyond = activity - high if np.isfinite(high) else low - activity
            times = float(factor @ x[columns])
            if times > 0.0:
                worst = max(worst, beyond / times)
        return worst


@dataclass(frozen=True)
class Running:
    """A larger capacity is of use only to a unit that runs: load ≤ times · capacity · running.

    Without decisions that says nothing. With them `times` must be beyond what a plan needs, and
    no larger: figures far apart in size mislead a search.
    """

    loads: csc_array
    """Rows × columns of the elastic programme: what each row's capacity has to bear."""
    capacities: csc_array
    """Rows × columns: the capacity that each decision brings."""
    change: Ints
    """The column by which each row's capacity gives way."""
    most: Floats
    """How many times as large each capacity can be."""

    def hold(self, program: Program, x: Floats) -> Program:
        """A programme with these rows, `times` far beyond the loads of its relaxed plan `x`."""
        free = program.upper[self.change] > 0.0
        loads, capacities = self.loads.tocsr()[free], self.capacities.tocsr()[free]
        smallest = np.full(capacities.shape[0], np.inf)
        np.minimum.at(smallest, capacities.nonzero()[0], capacities.data)
        times = np.minimum(np.maximum(_BEYOND, _AMPLE * (loads @ x) / smallest), self.most[free])
        return program.with_rows(loads - diags_array(times) @ capacities, -np.inf, 0.0)


@dataclass(frozen=True)
class Elastic:
    """A programme with a column of change for every condition (the last columns, in order)."""

    program: Program
    conditions: list[Condition]
    first: int
    """Column of the first change."""
    running: Running

    @property
    def changes(self) -> Ints:
        """Columns of the changes."""
        return np.arange(self.first, self.first + len(self.conditions))

    @property
    def most(self) -> Floats:
        """How far each condition can give way."""
        return np.array([c.limit for c in self.conditions], dtype=float)

    @property
    def weights(self) -> Floats:
        """Cost of a unit of change: relative to the figure, physical limits dearest."""
        size = np.array([_size(c) for c in self.conditions], dtype=float)
        return np.asarray(np.array([c.kind.weight for c in self.conditions]) / size)


def _size(condition: Condition) -> float:
    figure = abs(condition.figure)
    return figure if np.isfinite(figure) and figure > 0.0 else 1.0


def conditions(m: Model, compiled: Compiled) -> list[Condition]:
    """Every condition of a model."""
    by_cell = _Conditions(m, compiled)
    for name, limit in m.limits.items():
        for stand in limit.stands:
            by_cell.of_rows(compiled.families[name], stand)
    for bound in m.bounds.values():
        by_cell.of_bound(bound)
    for bound in m.bounds.values():
        by_cell.keep(bound)
    return list(by_cell.known.values())


class _Conditions:
    """Collects conditions by cell."""

    def __init__(self, m: Model, compiled: Compiled) -> None:
        self.m, self.scenario, self.compiled = m, m.scenario, compiled
        self.known: dict[tuple[str, int, str], Condition] = {}

    def at(self, cells: Cells, at: int, labels: dict[str, Any]) -> Condition:
        """The condition of a cell, made when first asked for."""
        figure, key = cells.figure, _key(cells, at)
        sheet, row, _ = key
        if key not in self.known:
            cells_of_row = self.scenario.frame(sheet).xs(row)
            record = {str(n): v for n, v in cells_of_row.items()} | labels
            measure = self.scenario.unit_of_measure.get(record.get("material") or "", "unit")
            currency = shown_measure(self.scenario.settings.currency)
            value, table = float(cells.value[at]), self.scenario.tables[sheet]
            column = table.sheet[figure.column]
            same = np.array([row])
            if figure.eases == "clear":  # all that have the row's label hold it together
                alike = np.all([codes == codes[at] for codes in cells.labels.values()], axis=0)
                same = cells.row[alike]
            self.known[key] = Condition(
                figure,
                table.cell(row, figure.column),
                value,
                figure.where(record),
                _unit(figure.unit.format(measure=measure, currency=currency)),
                _limit(figure, column, value),
                column.largest if column.blank_is_unlimited else np.inf,
                column.smallest,
                tuple(table.cell(int(each), figure.column) for each in same),
            )
        return self.known[key]

    def of_rows(self, family: Family, stand: Stand) -> None:
        """The rows of a limit in which a figure stands."""
        cells = stand.cells
        if not cells.figure.eases:
            return
        at = cells_of(cells, family)
        share = _shares(family, stand)
        scaled = _scaled(self.m, self.compiled, family, stand)
        for n, (cell, row) in enumerate(zip(at.tolist(), family.rows.tolist(), strict=True)):
            if cell < 0 or (cells.hard is not None and not cells.hard[cell]):
                continue
            if np.isnan(cells.value[cell]) and cells.figure.eases != "clear":
                continue
            if np.isnan(share[n]) and n not in scaled:
                continue
            condition = self.at(
                cells, cell, dict(zip(family.over, _tuple(family.keys[n]), strict=True))
            )
            if n in scaled:
                condition.limit = np.inf
                condition.scaled.append((row, *scaled[n]))
                condition.rows.append((row, 1.0))
            else:
                condition.rows.append((row, float(share[n])))
                if stand.eased is not None:
                    condition.decided.append(row)

    def of_bound(self, bound: Bound) -> None:
        """The variables that a figure bounds; a least amount of 0 bounds nothing."""
        cells, variable = bound.cells, bound.variable
        if not cells.figure.eases:
            return
        place = self.compiled.column_of[variable.columns]
        holds = np.isfinite(cells.value) & (place >= 0)
        if bound.sense == ">=":
            holds &= cells.value > 0.0
        keys = variable.indices()
        for at in np.flatnonzero(holds).tolist():
            condition = self.at(cells, at, dict(zip(variable.index, _tuple(keys[at]), strict=True)))
            (condition.upper if bound.sense == "<=" else condition.lower).append(int(place[at]))

    def keep(self, bound: Bound) -> None:
        """The variables that a condition's cell bounds from above as well, come what may."""
        cells = bound.cells
        if cells.figure.eases or bound.sense != "<=":
            return
        place = self.compiled.column_of[bound.variable.columns]
        for at in np.flatnonzero(np.isfinite(cells.value) & (place >= 0)).tolist():
            if (condition := self.known.get(_key(cells, at))) is not None:
                condition.kept.append(int(place[at]))


def _key(cells: Cells, at: int) -> tuple[str, int, str]:
    """What tells cells apart: sheet, row, column."""
    return cells.sheet(at), int(cells.row[at]), cells.figure.column


def _limit(figure: Figure, column: Column, value: float) -> float:
    """How far a figure can give way: to 0, or to the largest its cell may hold, where the cell
    cannot be left blank for no limit."""
    if figure.eases == "lower" and value >= 0.0:
        return value
    cannot_be_blank = figure.eases == "raise" and not column.blank_is_unlimited
    return max(column.largest - value, 0.0) if cannot_be_blank else np.inf


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _shares(family: Family, stand: Stand) -> Floats:
    """What a unit of the figure adds to the right side of each row; NaN where that is no number."""
    count = len(family.rows)
    moves = stand.moves if stand.eased is None else stand.eased
    if moves is None:
        return np.ones(count)
    row = find_rows(family.items, moves, *family.over)
    share = np.full(count, np.nan)
    fixed = (moves.column == CONSTANT) & (row >= 0)
    share[row[fixed]] = 0.0
    np.add.at(share, row[fixed], moves.coefficient[fixed])
    share[row[~fixed & (row >= 0)]] = np.nan
    return share


def _scaled(
    m: Model, compiled: Compiled, family: Family, stand: Stand
) -> dict[int, tuple[Ints, Floats]]:
    """Rows in which the figure is multiplied by amounts of the plan (columns, coefficients); not
    by decisions, which a change of the figure would have to await."""
    moves = stand.moves
    if moves is None or stand.eased is not None:
        return {}
    row = find_rows(family.items, moves, *family.over)
    decision = np.append(m.decision, True)[moves.column]
    column = np.append(compiled.column_of, -1)[moves.column]
    excluded = set(row[decision | (moves.column == CONSTANT)].tolist())
    by_row = {}
    for at in np.unique(row[row >= 0]).tolist():
        entries = (row == at) & (column >= 0)
        if at not in excluded and entries.any():
            by_row[at] = column[entries], moves.coefficient[entries]
    return by_row


_BEYOND = 1e6
"""A capacity so many times as large is beyond reach (larger ones set the figures far apart)."""
_AMPLE = 1e3
"""… unless a plan needs that: then so many times what it needs."""


def elastic(program: Program, conditions: list[Condition]) -> Elastic:
    """The programme with a column of change for each condition (all held at 0 at first)."""
    rows, columns = program.shape
    entries: list[tuple[int, int, float]] = []
    """Row, number of the change, entry."""
    held: list[tuple[int, float, float]] = []
    """Column, least, greatest of each bound that becomes a row."""
    for number, condition in enumerate(conditions):
        for row, share in condition.rows:
            easier = -share if np.isfinite(program.row_upper[row]) else share
            entries.append((row, number, easier))
        for sign, places in ((1.0, condition.lower), (-1.0, condition.upper)):
            for place in places:
                figure = condition.figure
                entries.append((rows + len(held), number, sign))
                held.append((place, figure, np.inf) if sign > 0 else (place, -np.inf, figure))
    at = np.array([p for p, _, _ in held], dtype=np.intp)
    low, high = (np.array([h[side] for h in held], dtype=float) for side in (1, 2))
    bounds = coo_array((np.ones(len(held)), (np.arange(len(held)), at)), (len(held), columns))
    table = np.array(entries, dtype=float).reshape(-1, 3)
    spots = table[:, :2].astype(np.intp).T
    changes = coo_array((table[:, 2], tuple(spots)), (rows + len(held), len(conditions)))
    grown = (  # what a row holds now is no bound any more
        program.with_bounds(at[np.isfinite(low)], lower=0.0)
        .with_bounds(at[np.isfinite(high)], upper=np.inf)
        .with_rows(bounds, low, high)
        .with_columns(changes, upper=0.0)
    )
    return Elastic(grown, conditions, columns, _running(program, grown.shape[1], conditions))


def _running(program: Program, width: int, conditions: list[Condition]) -> Running:
    """The rows of capacities that decisions bring, before they give way."""
    first = program.shape[1]
    rows, change, most = [], [], []
    for number, condition in enumerate(conditions):
        if condition.kind.sign > 0:
            rows += condition.decided
            change += [first + number] * len(condition.decided)
            most += [1.0 + condition.limit / _size(condition)] * len(condition.decided)
    matrix = program.matrix.tocsr()[rows]
    capacities = matrix.multiply(-1.0 * program.integer[None, :]).tocsr()
    capacities.eliminate_zeros()
    switched = np.flatnonzero(np.diff(capacities.indptr))
    matrix, capacities = matrix[switched], capacities[switched]
    shape = (len(switched), width)
    matrix.resize(shape), capacities.resize(shape)
    at = np.array(change, dtype=np.intp)[switched]
    return Running(matrix + capacities, capacities, at, np.array(most)[switched])


def _unit(unit: str) -> str:
    """A unit in the language in force: what is per year says so."""
    stem = unit.removesuffix("/yr")
    shown = _COUNTED[stem]() if stem in _COUNTED and current() != ENGLISH else shown_measure(stem)
    return shown + (say("/yr") if unit.endswith("/yr") else "")


_COUNTED = {"unit": lambda: say_in("measure", "unit"), "activity": lambda: say("units of activity")}
