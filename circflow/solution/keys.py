"""Names and rows as numbers, so that large tables are joined by array operations."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.algebra.build import results

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


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


def take(column: pd.Series[Any], at: Ints, missing: float = 0.0) -> Floats:
    """Cells of a number column, `missing` where the position is −1."""
    values = np.append(column.to_numpy(float, na_value=np.nan), missing)
    return np.asarray(values[at])


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
