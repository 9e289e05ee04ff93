"""Tables of a study as CSV, Parquet or Excel; the ending of the name tells which.

Files are written whole or not at all. Text is never a formula: CSV puts an apostrophe in front,
Excel gets plain strings. Parquet needs pyarrow (the extra `parquet`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.files.atomic import atomic_path
from circflow.report.numbers import without_noise
from circflow.studies.errors import StudyError

FORMATS = (".csv", ".parquet", ".xlsx")
_MOST_ROWS = 1_048_575
_WIDEST = 60


def write_table(path: str | Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables: all to Excel, one sheet each; the first one to CSV or Parquet.

    Raises `StudyError` for another ending, or where a library is missing.
    """
    tables = {name: without_noise(table) for name, table in tables.items()}
    target = Path(path)
    ending = target.suffix.lower()
    first = next(iter(tables.values()))
    if ending == ".csv":
        from circflow.report.csvs import harmless

        with atomic_path(target) as temporary:
            harmless(first).to_csv(
                temporary, index=False, encoding="utf-8-sig", lineterminator="\n"
            )
    elif ending == ".parquet":
        if find_spec("pyarrow") is None:
            raise StudyError(
                "Parquet needs pyarrow: pip install 'circflow[parquet]', or write .csv"
            )
        with atomic_path(target) as temporary:
            _plain(first).to_parquet(temporary, index=False)
    elif ending == ".xlsx":
        with atomic_path(target) as temporary:
            _workbook(temporary, tables)
    else:
        raise StudyError(f"{target}: the name must end in {', '.join(FORMATS)}")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Mixed columns (values that are numbers and words) as text."""
    made = {}
    for name in table.columns:
        column = table[name]
        if column.dtype == object:
            kinds = {type(v) for v in column.dropna()}
            if len(kinds) > 1:
                column = column.map(lambda v: None if v is None else str(v))
        made[str(name)] = column
    return pd.DataFrame(made)


def _workbook(path: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), {**options, "nan_inf_to_errors": False}) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        formats = {"number": book.add_format({"num_format": "#,##0.00"})}
        for name, table in tables.items():
            for n, start in enumerate(range(0, max(len(table), 1), _MOST_ROWS)):
                part = table.iloc[start : start + _MOST_ROWS]
                sheet = book.add_worksheet(name[:26] + (f" ({n + 1})" if n else ""))
                _sheet(sheet, part, bold, formats["number"])


def _sheet(sheet: Any, table: pd.DataFrame, bold: Any, number: Any) -> None:
    sheet.freeze_panes(1, 1)
    if len(table.columns):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    for column, name in enumerate(table.columns):
        sheet.write_string(0, column, str(name), bold)
        values = table[name].tolist()
        money = str(name).endswith("_million")
        sheet.set_column(column, column, min(max(12, len(str(name)) * 0.7), _WIDEST))
        for row, value in enumerate(values, start=1):
            if isinstance(value, bool):
                sheet.write_string(row, column, "yes" if value else "no")
            elif isinstance(value, int | float):
                if np.isfinite(value):
                    sheet.write_number(row, column, value, number if money else None)
            elif value is not None and value == value:  # noqa: PLR0124 - blank where missing
                sheet.write_string(row, column, str(value)[:32767])
