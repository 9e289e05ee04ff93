"""What the worker does: read, check, solve, explain, study. Each writes its files into a run's folder.

The last argument of every task is told what goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circflow.data.atomic import write_text
from circflow.data.table import Book, Problem

Tell = Callable[[str], None]
Changes = dict[str, str]


def failure(error: Exception) -> tuple[str, str, tuple[Problem, ...]] | None:
    """An error of the library in words: kind, message, problems; None for an unknown one."""
    from circflow.data.address import AddressError
    from circflow.data.scenario import ScenarioError
    from circflow.solution.solution import NoPlan
    from circflow.studies.errors import StudyError

    if isinstance(error, ScenarioError):
        return "ScenarioError", str(error).splitlines()[0], error.problems
    if isinstance(error, NoPlan):
        return "NoPlan", error.reason, ()
    if isinstance(error, AddressError | StudyError | OSError):
        return type(error).__name__, str(error), ()
    return None


def read(path: str, tell: Tell) -> Book:
    """A workbook or CSV folder as it stands. Raises `ScenarioError`."""
    from circflow.data.files import read_book

    tell("reading")
    return read_book(Path(path))


def check(book: Book, tell: Tell) -> list[Problem]:
    """Every problem of a book."""
    from circflow.data.check import check_book

    tell("checking")
    return check_book(book)[0]


def _scenario(book: Book, changes: Changes) -> Any:
    from circflow.data.pandas_text import keep_python_strings
    from circflow.data.read import scenario_of

    keep_python_strings()
    scenario = scenario_of(book)
    return scenario.change(changes) if changes else scenario


def solve(
    book: Book, changes: Changes, folder: str, options: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    """The plan: page.html, results.xlsx, plan.json and every table as CSV. Raises `NoPlan`."""
    from circflow.commands.solve import write_files
    from circflow.solver.run import solve as find_plan

    scenario = _scenario(book, changes)
    home = Path(folder)
    plan = find_plan(scenario, gap=options.get("gap", 1e-6), progress=tell)
    tell("writing")
    write_files(
        plan, home / "results.xlsx", home / "tables", home / "plan.json", home / "page.html"
    )
    summary = plan.summary()
    write_text(home / "scenario.json", json.dumps({"name": scenario.name}, ensure_ascii=False))
    return {"status": summary["status"], "objective": summary["objective"]}


def explain(
    book: Book, changes: Changes, folder: str, options: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    """Why there is no plan, with the smallest changes: explanation.json."""
    from circflow.solver.explain import explain as find_reason

    tell("looking for the reason")
    found = find_reason(_scenario(book, changes))
    summary = found.summary() | {"text": str(found)}
    write_text(Path(folder) / "explanation.json", json.dumps(summary, ensure_ascii=False))
    return summary


def _tables(tables: dict[str, Any], folder: str, currency: str, title: str) -> None:
    from circflow.report.study_tables import write_tables

    home = Path(folder)
    for name in ("page.html", "results.xlsx", "tables.json"):
        write_tables(tables, home / name, currency=currency, title=title)


def evaluate(
    book: Book, changes: Changes, folder: str, options: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    """The verdict of each candidate."""
    import circflow as cf

    scenario = _scenario(book, changes)
    units = options.get("units") or None
    found = cf.evaluate(scenario, units, progress=tell)
    title = f"{scenario.name}: new plants"
    _tables(found.tables(), folder, scenario.settings.currency, title)
    return {"status": "done"}


def share(
    book: Book, changes: Changes, folder: str, options: dict[str, Any], tell: Tell
) -> dict[str, Any]:
    """What the cluster gains, and how to share it."""
    import circflow as cf

    scenario = _scenario(book, changes)
    found = cf.share(scenario, seconds=options.get("seconds", 60.0), progress=tell)
    title = f"{scenario.name}: sharing the gain"
    _tables(found.tables(), folder, scenario.settings.currency, title)
    return {"status": "done"}
