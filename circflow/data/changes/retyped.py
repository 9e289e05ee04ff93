"""A scenario with other figures in its tables, and the figures as they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from circflow.data.cells import in_range, out_of_range, parse_cell, written
from circflow.data.coded import by_row
from circflow.data.scenario import Scenario, make_periods
from circflow.data.schema.sheets import SETTINGS, Column
from circflow.data.table import Book, Table
from circflow.i18n import say


def retyped(scenario: Scenario, tables: Mapping[str, Table], book: Book) -> Scenario:
    """The scenario with changed figures, before the rules on figures (`check_changed`)."""
    settings = scenario.settings
    figures = {}
    for _, key, value in by_row(tables["Scenario"].rows, "key", "value"):
        column = SETTINGS[key]
        if column.is_number:
            number = parse_cell(value, column)
            figures[key] = column.default if number is None else number
    if figures.get("max_distance_km", 0.0) is None:
        figures["max_distance_km"] = np.inf
    if "start_year" in figures:
        figures["start_year"] = int(figures["start_year"])  # type: ignore[arg-type]
    settings = replace(settings, **figures)  # type: ignore[arg-type]
    rows = tables["Periods"].rows
    periods = make_periods(
        rows["period"].tolist(), rows["years"].astype(int).tolist(), settings.discount_rate
    )
    return scenario.with_figures(settings, periods, tables, book)


def column_figures(table: Table, column: str) -> pd.Series[float]:
    """The cells of a column as they stand, defaults included, by row (a key of Scenario at 0);
    NaN where blank."""
    if table.sheet.name != "Scenario":
        return pd.Series(table.rows[column].astype(float), index=table.rows["row"])
    given = [text for _, key, text in by_row(table.rows, "key", "value") if key == column and text]
    value = parse_cell(given[0], SETTINGS[column]) if given else None
    value = SETTINGS[column].default if value is None else value
    return pd.Series([math.nan if value is None else value], index=[0], dtype=float)


def out_of_limits(value: float, column: Column) -> str:
    """What is wrong with a computed figure of a column; "" where nothing is, or it is NaN."""
    if math.isnan(value):
        return ""
    if not math.isfinite(value):
        return say("the number is not finite")
    if column.kind == "integer" and value != math.floor(value):
        return say("{value} is not a whole number", value=written(value))
    return "" if in_range(value, column) else out_of_range(value, column).message
