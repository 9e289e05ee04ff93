"""A library as a workbook to read and to work in, or as a folder of CSV files."""

from __future__ import annotations

import os

from circflow.data.files.books import write_book
from circflow.data.files.template import Manual
from circflow.data.files.workbook import LIBRARY_README_TITLE
from circflow.i18n import mark
from circflow.library.read import Library
from circflow.library.schema import LIBRARY_SHEETS

TEXT = mark(
    "1. A technology needs rows in Technologies, Recipes and RecipeCosts; its materials stand in\n"
    "    Materials. Point at a column's header to read what it means and what a blank cell means.\n"
    "2. In Balance name what a recipe takes from water and air, and what it loses: then what goes\n"
    "    in comes out.\n"
    "3. Save, and run:  circflow library check FILE.xlsx  It lists every mistake by cell.\n"
    "4. Then run:  circflow suggest SCENARIO.xlsx --library FILE.xlsx\n"
    "\n"
    "Amounts are per unit of activity, mostly a tonne of the main input. Money is in each row's\n"
    "own currency, of its price_year; costs of a recipe in those of its technology.\n"
    "Columns whose name begins with note are yours, and sheets whose name begins with _ or #.\n"
)
MANUAL = Manual(LIBRARY_README_TITLE, LIBRARY_SHEETS, TEXT)


def write_library(library: Library, path: str | os.PathLike[str]) -> None:
    """Write a library as a workbook (a path that ends in .xlsx) or a folder of CSV files.

    Raises `ScenarioError` if the path cannot be written.
    """
    write_book(library.book, path, MANUAL)
