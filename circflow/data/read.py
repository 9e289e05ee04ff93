"""Read a scenario: workbook or CSV folder → checked, frozen Scenario."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from circflow.data.arguments import public
from circflow.data.check import check, check_book
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario, ScenarioError
from circflow.data.table import Book

__all__ = ["check", "check_book", "read", "scenario_of"]


@public
@python_strings()
def read(path: str | Path) -> Scenario:
    """The scenario in a workbook (.xlsx) or a folder of CSV files, by its `path`.

    Raises `ScenarioError` with every problem where the file cannot be used. What is doubtful, or
    cannot be met by any plan, stands in the scenario's `warnings`.
    """
    from circflow.data.files.books import read_book

    start = perf_counter()
    scenario = scenario_of(read_book(path))
    return scenario.with_notes(read_seconds=perf_counter() - start)


def scenario_of(book: Book) -> Scenario:
    """The scenario in a book. Raises `ScenarioError` as `read` does."""
    problems, scenario = check_book(book)
    if scenario is None:
        raise ScenarioError(problems, book.origin)
    return scenario
