"""Tables of a study as a workbook, as a page, as JSON, or as a folder of CSV files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from circflow.data.files.atomic import atomic_path, write_text
from circflow.report.csvs import harmless
from circflow.report.numbers import without_noise
from circflow.report.sheets import Formats, add_table, fill

if TYPE_CHECKING:
    from circflow.report.page.frame import Section

_LONGEST_NAME = 31
"""Characters of a sheet's name."""


def write_tables(
    tables: Mapping[str, pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    currency: str,
    title: str = "Results of a study",
    opening: Sequence[Section] = (),
) -> None:
    """Write tables to a file, whole or not at all: .xlsx (a sheet each), .html (a page with
    figures, see `circflow.report.page.study`; `title` is its title, `opening` what it says
    first) or .json (records); any other name is a folder of CSV files (UTF-8 with a byte order
    mark), made if need be.

    Raises OSError where it cannot be written.
    """
    tables = {name: without_noise(frame) for name, frame in tables.items()}
    target = Path(path)
    if target.suffix.lower() == ".xlsx":
        _write_workbook(tables, target, currency)
    elif target.suffix.lower() == ".html":
        from circflow.report.page.study import write_study

        write_study(target, title, tables, currency=currency, opening=opening)
    elif target.suffix.lower() == ".json":
        write_text(target, as_json(tables))
    else:
        target.mkdir(exist_ok=True)
        for name, frame in tables.items():
            with atomic_path(target / f"{name}.csv") as temporary:
                harmless(frame).to_csv(
                    temporary, index=False, encoding="utf-8-sig", lineterminator="\n"
                )


def as_json(tables: Mapping[str, pd.DataFrame]) -> str:
    """Tables as JSON: a list of records for each; what is not finite is null."""
    content = {
        name: [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
        for name, frame in tables.items()
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    scalar = value.item() if hasattr(value, "item") else value
    if isinstance(scalar, float):
        return scalar if math.isfinite(scalar) else None
    if scalar is None or isinstance(scalar, bool | int):
        return scalar
    return str(scalar)


def _write_workbook(tables: Mapping[str, pd.DataFrame], path: Path, currency: str) -> None:
    import xlsxwriter

    with atomic_path(path) as temporary:
        book = xlsxwriter.Workbook(
            str(temporary),
            {
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        formats = Formats(book)
        fillings = []
        for name, frame in tables.items():
            title = name.replace("_", " ").capitalize()[:_LONGEST_NAME]
            fillings += add_table(formats, title, name, frame, currency)
        book.close()
        fill(temporary, fillings)
