"""Every table of a solution as a CSV file.

UTF-8 with a byte order mark, so that Excel shows every script (read it elsewhere as `utf-8-sig`);
commas, line feeds, a point as the decimal sign. The header is the table's column names. A figure
that does not exist, or no limit, is an empty cell. Text that a spreadsheet would take for a
formula has an apostrophe in front, as in the CSV folders of scenarios; numbers stay numbers.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.coded import series_of
from circflow.data.files.atomic import atomic_path
from circflow.data.files.folder import csv_text
from circflow.report.workbook import Sheets, tables_of
from circflow.solution.solution import Solution


def write_csvs(
    solution: Solution, folder: str | os.PathLike[str], more: Sheets | None = None
) -> list[Path]:
    """Write one file per table, named as the table, into a folder; return the files.

    `more` are further tables, as sheets of the results workbook.

    The folder is made if need be (not its parents); other files in it are left alone. All files
    are complete before the first takes its name. Raises OSError where it cannot be written.
    """
    home = Path(folder)
    home.mkdir(exist_ok=True)
    written = []
    with ExitStack() as stack:
        for name, frame, _ in (tables_of(solution) | dict(more or {})).values():
            target = home / f"{name}.csv"
            temporary = stack.enter_context(atomic_path(target))
            _write(frame, temporary)
            written.append(target)
    return written


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write one table, whole or not at all."""
    with atomic_path(path) as temporary:
        _write(frame, temporary)


def _write(frame: pd.DataFrame, path: Path) -> None:
    harmless(frame).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with formula-like text behind an apostrophe and no infinite numbers."""
    return pd.DataFrame({c: _column(frame[c]) for c in frame.columns})


def _column(values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_bool_dtype(values):
        return values.map({True: "yes", False: "no"})
    if pd.api.types.is_numeric_dtype(values):
        return values.replace([np.inf, -np.inf], np.nan)
    codes, unique = pd.factorize(values.astype(object))
    texts = np.array([*map(csv_text, unique), ""], dtype=object)
    return series_of(texts[codes], values.index)
