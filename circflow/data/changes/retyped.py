"""A scenario with other figures in its tables: settings and periods follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from circflow.data.cells import parse_cell
from circflow.data.changes.address import SETTINGS
from circflow.data.scenario import Scenario, make_periods
from circflow.data.table import Book, Table


def retyped(scenario: Scenario, tables: Mapping[str, Table], book: Book) -> Scenario:
    """The scenario with changed figures, before the rules on figures (`check_changed`)."""
    settings = scenario.settings
    given = tables["Scenario"].frame
    figures = {}
    for key, value in zip(given["key"], given["value"], strict=True):
        column = SETTINGS[key]
        if column.is_number:
            number = parse_cell(value, column)
            figures[key] = column.default if number is None else number
    if figures.get("max_distance_km", 0.0) is None:
        figures["max_distance_km"] = np.inf
    if "start_year" in figures:
        figures["start_year"] = int(figures["start_year"])  # type: ignore[arg-type]
    settings = replace(settings, **figures)  # type: ignore[arg-type]
    rows = tables["Periods"].frame
    periods = make_periods(rows["period"], rows["years"].astype(int), settings.discount_rate)
    return scenario.with_figures(settings, periods, tables, book)
