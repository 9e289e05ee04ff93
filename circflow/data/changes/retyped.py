"""A scenario with other figures in its tables, and the figures as they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from circflow.data.cells import in_range, out_of_range, parse_cell, written
from circflow.data.coded import by_row
from circflow.data.scenario import Scenario, make_periods, make_settings
from circflow.data.schema.sheets import SETTINGS, Column
from circflow.data.table import Book, Table
from circflow.i18n import say


def retyped(scenario: Scenario, tables: Mapping[str, Table], book: Book) -> Scenario:
    """The scenario with changed figures, before the rules on figures (`check_changed`)."""
    given = by_row(tables["Scenario"].rows, "key", "value")
    settings = make_settings({key: parse_cell(value, SETTINGS[key]) for _, key, value in given})
    rows = tables["Periods"].rows
    periods = make_periods(
        rows["period"].tolist(), rows["years"].astype(int).tolist(), settings.discount_rate
    )
    return scenario.with_figures(tables, settings=settings, periods=periods, book=book)


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
