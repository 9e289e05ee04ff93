"""Tables of a study as a file; the ending of its name tells as what.

Files are written whole or not at all. Text is never a formula: CSV puts an apostrophe in front,
Excel gets plain strings. Parquet needs pyarrow (the extra `parquet`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from circflow.data.errors import ArgumentError
from circflow.data.files.atomic import atomic_path, write_text
from circflow.data.files.json_text import json_text
from circflow.data.scenario import Scenario
from circflow.i18n import ENGLISH, current, say
from circflow.report.csvs import write_csv
from circflow.report.numbers import without_noise
from circflow.report.page.frame import Section
from circflow.report.sheets import Formats, add_table, new_workbook

RUNS = (".csv", ".xlsx", ".parquet", ".json")
"""Endings of files of tables to compute with."""
_LONGEST_NAME = 31
"""Characters of a sheet's name."""


def write_tables(  # noqa: PLR0913
    tables: Mapping[str, pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    currency: str | None,
    title: str = "",
    opening: Sequence[Section] = (),
    pages: Callable[[Formats], None] | None = None,
) -> None:
    """Write tables to a file, whole or not at all.

    All of them to .xlsx (a sheet each, headed by words with units, or without a currency by the
    columns' names; then what `pages` adds), .html (a page with figures, see
    `circflow.report.page.study`; `title` is its title, `opening` what it says first) or .json
    (records); the first to .csv (UTF-8 with a byte order mark) or .parquet. Any other name is a
    folder of CSV files, made if need be.

    Raises OSError where it cannot be written, `ArgumentError` where pyarrow is missing.
    """
    tables = {name: without_noise(frame) for name, frame in tables.items()}
    target = Path(path)
    match target.suffix.lower():
        case ".xlsx":
            with new_workbook(target) as formats:
                for name, frame in tables.items():
                    add_table(formats, _sheet_name(name), name, frame, currency)
                if pages is not None:
                    pages(formats)
        case ".html":
            from circflow.report.page.study import write_study

            write_study(
                target,
                title or say("Results of a study"),
                tables,
                currency=currency or "",
                opening=opening,
            )
        case ".json":
            write_text(target, json_text(tables))
        case ".csv":
            write_csv(next(iter(tables.values())), target)
        case ".parquet":
            _write_parquet(next(iter(tables.values())), target)
        case _:
            target.mkdir(exist_ok=True)
            for name, frame in tables.items():
                write_csv(frame, target / f"{name}.csv")


def _sheet_name(name: str) -> str:
    """A table's sheet: its name in English, elsewhere its title as far as Excel takes it."""
    if current() == ENGLISH:
        return name.replace("_", " ").capitalize()[:_LONGEST_NAME]
    from circflow.report.page.study import title_of

    return re.sub(r"[\[\]:*?/\\]", "", title_of(name))[:_LONGEST_NAME].strip()


def write_runs(
    tables: Mapping[str, pd.DataFrame],
    path: str | os.PathLike[str],
    scenario: Scenario,
    *,
    title: str = "",
    opening: Sequence[Section] = (),
) -> None:
    """Write tables of a scenario to compute with, and its changes: as `write_tables`, but in
    English with the columns' own names in Excel too; with an `opening` also as a page.

    Raises `ArgumentError` for another ending than those of a file of tables.
    """
    tables, target = {**tables, **scenario.changes_table}, Path(path)
    currency: str | None = scenario.settings.currency
    if target.suffix.lower() == ".html" and opening:
        write_tables(tables, target, currency=currency, title=title, opening=opening)
        return
    if target.suffix.lower() not in RUNS:
        raise ArgumentError(
            "{target}: the name must end in {runs}", target=target, runs=", ".join(RUNS)
        )
    write_tables(tables, target, currency=None if current() == ENGLISH else currency)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Mixed columns (values that are numbers and words) are written as text."""
    if find_spec("pyarrow") is None:
        raise ArgumentError("Parquet needs pyarrow: pip install 'circflow[parquet]', or write .csv")
    columns = {}
    for name in table.columns:
        column = table[name]
        if column.dtype == object and len({type(v) for v in column.dropna()}) > 1:
            column = column.map(lambda v: None if v is None else str(v))
        columns[str(name)] = column
    with atomic_path(path) as temporary:
        pd.DataFrame(columns).to_parquet(temporary, index=False)
