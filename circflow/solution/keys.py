"""Names and rows as numbers, so that large tables are joined by array operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.algebra.build import results
from circflow.data.coded import BLANK, Codes, Column, Floats, Ints, Items, distinct, stacked

if TYPE_CHECKING:
    from circflow.solution.solution import Solution


class Names:
    """Names by their position in a sheet."""

    def __init__(self, names: Iterable[object]) -> None:
        self.index = pd.Index(list(dict.fromkeys(names)), dtype=object, tupleize_cols=False)

    def __len__(self) -> int:
        return len(self.index)

    def __call__(self, names: Any) -> Ints:
        """The position of each name, −1 for an unknown or blank one."""
        return self.index.get_indexer(pd.Index(names, dtype=object, tupleize_cols=False))


def cells(column: pd.Series[Any], at: Ints) -> Any:
    """Cells of a column of names, None where the position is −1 or the cell is blank."""
    values = np.empty(len(column) + 1, dtype=object)
    values[:-1] = column.to_numpy(object)
    return values[at]


def added_up(rows: Items, by: Sequence[str], *figures: Floats) -> tuple[Items, list[Floats]]:
    """The distinct rows of some columns, as they come, and the sums of figures over each."""
    first, number = distinct([rows[n] for n in by])
    order = np.argsort(first)
    sums: list[Floats] = [
        np.bincount(number, np.nan_to_num(f), len(first))[order].astype(float) for f in figures
    ]
    return rows.only(*by).take(first[order]), sums


def side_by_side(
    left: Items, ours: Sequence[Floats], right: Items, theirs: Sequence[Floats], by: Sequence[str]
) -> tuple[Items, list[Floats]]:
    """Figures of two tables, added up by the rows of some columns that either has (0 without)."""
    rows = stacked([left, right], *by)
    none, also_none = np.zeros(len(left)), np.zeros(len(right))
    figures = [np.append(f, also_none) for f in ours] + [np.append(none, f) for f in theirs]
    return added_up(rows, by, *figures)


def _row_numbers(figures: Floats) -> Ints:
    """Rows of sheets, −1 for what is none."""
    valid = (figures >= 0.0) & (figures == np.floor(figures)) & (figures < 2**31)
    return np.where(valid, figures, BLANK).astype(np.intp)


class CodedPlan:
    """A plan's tables as arrays, on the codes of its scenario's sheets (`circflow.data.coded`).

    A name that the scenario does not list gets a code after those that it does.
    """

    def __init__(self, solution: Solution) -> None:
        self.scenario = solution.scenario
        self.codes: Codes = solution.scenario.codes.copy()
        self.sizes = {n: self.codes.size(n) for n in ("site", "material", "unit", "mode", "period")}
        self._frames = solution.tables
        self._declared = {table.name: table for table in results()}
        self._tables: dict[str, Items] = {}

    def __getitem__(self, name: str) -> Items:
        """A table of the plan: names as codes, figures as floats, rows of sheets as integers."""
        if name not in self._tables:
            frame: pd.DataFrame = getattr(self._frames, name)
            columns = {str(n): self._coded(name, str(n), column) for n, column in frame.items()}
            known = {n: column for n, column in columns.items() if column is not None}
            self._tables[name] = Items(known, len(frame))
        return self._tables[name]

    def _coded(self, table: str, name: str, column: pd.Series[Any]) -> Column | None:
        declared = self._declared[table].column(name)
        if declared is None or declared.kind == "flag":
            return None
        if declared.numeric:
            plain = column.dtype == float
            figures = column.to_numpy() if plain else column.to_numpy(float, na_value=np.nan)
            return _row_numbers(figures) if name == "row" else figures
        names = column if column.dtype == object else column.to_numpy("O", na_value=None)  # type: ignore[call-overload]
        return self.codes.of(name, names.tolist())

    def listed(self, kind: str, codes: Ints) -> Ints:
        """Codes of names, −1 for one that the scenario does not list."""
        return np.where(codes < self.sizes[kind], codes, BLANK)

    def code(self, label: str, name: str) -> int:
        """The code of a name, one that no row has where nothing is called so."""
        known = self.codes.known(label, name)
        return known if known >= 0 else -2


def plain(solution: Solution) -> Solution:
    """The plan with tables of plain columns: text as objects (blank: None or NaN), else floats.

    So that tables join whatever they were made of, empty ones too.
    """
    tables = solution.tables
    typed = copy(solution.tables)  # not `replace`, which would look at every text again
    for table in results():
        if table.name != "prices":
            object.__setattr__(typed, table.name, table.typed(getattr(tables, table.name)))
    return replace(solution, tables=typed)
