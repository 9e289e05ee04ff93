"""Shared by all tests: scenarios from dicts, and the rows of a model written out."""

from __future__ import annotations

import gc
import math
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from circflow.algebra.build import build
from circflow.algebra.declare import Model
from circflow.data import read as reading
from circflow.data.coded import Items
from circflow.data.pandas_text import keep_python_strings
from circflow.data.scenario import Scenario, Settings, make_periods
from circflow.data.schema.sheets import SHEETS, Column, Sheet
from circflow.data.table import Book, Problem, Table
from circflow.i18n import current
from circflow.solution.solution import Solution
from circflow.solver.compiled import Compiled, compile_model

os.environ["CIRCFLOW_LANG"] = "en"  # whatever the locale of the machine
keep_python_strings()  # as in circflow's own process; test_python.py has what others have
hypothesis.settings.register_profile("busy", deadline=None)  # a busy machine is no fault
hypothesis.settings.load_profile("busy")

SCENARIOS = Path(__file__).parents[1] / "scenarios"
BROWSER_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
Row = dict[str, Any]
Sheets = Mapping[str, Any]
"""Sheets by name: a list of rows (dicts of the filled cells); `Scenario` is one dict."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Of several workers each gets tests that stand together (a fast one takes some over from a
    slow one), so that what a module prepares is not prepared by all of them."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


def pytest_configure(config: pytest.Config) -> None:
    # Workers, and processes that tests start, compile a module once, whatever the environment says.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.addinivalue_line(
        "markers",
        "covers(*names): the test writes out the row of a constraint, or the bounds of a variable",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is one long step begins first: at the end other workers would wait for it."""
    items.sort(key=lambda item: item.path.name != "test_quality.py")


def pytest_collection_finish() -> None:
    """What stands after collection stands to the end: no search for garbage goes through it, and
    few through the results that modules keep."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def checked_once() -> Iterator[None]:
    """One and the same book is checked once in a process, however often a test or a command reads
    it; what tests the checks calls them itself. A scenario is frozen: it stays as it is."""
    known: dict[bytes, tuple[list[Problem], Scenario | None]] = {}

    def check_book(book: Book) -> tuple[list[Problem], Scenario | None]:
        key = pickle.dumps((book, current()))
        if key not in known:
            known[key] = check(book)
        return known[key]

    check = reading.check_book
    reading.check_book = check_book
    yield
    reading.check_book = check


@pytest.fixture(autouse=True, scope="session")
def _studies_begin_no_processes() -> None:
    """However busy the machine: tests of more processes say how many."""
    from circflow.studies.bench import engine

    engine._ALONE_SECONDS = 1e9


def _column(column: Column, rows: list[Row]) -> np.ndarray:
    values = [row.get(column.name) for row in rows]
    values = [column.default if value is None else value for value in values]
    if column.is_number:
        return np.array([math.nan if v is None else float(v) for v in values], dtype=float)
    return np.array(values, dtype=bool if column.kind == "flag" else object)


def _table(sheet: Sheet, rows: list[Row]) -> Table:
    for row in rows:
        unknown = set(row) - set(sheet.names)
        assert not unknown, f"{sheet.name} has no column {unknown}"
    numbers = np.arange(2, 2 + len(rows), dtype=np.intp)
    cells = {"row": numbers, **{c.name: _column(c, rows) for c in sheet.columns}}
    letters = {c.name: chr(ord("A") + n) for n, c in enumerate(sheet.columns)}
    return Table(sheet, Items(cells), letters)


@cache
def _empty(name: str) -> Table:
    """A sheet without rows: most sheets of most scenarios."""
    return _table(next(sheet for sheet in SHEETS if sheet.name == name), [])


def scenario_of(sheets: Sheets) -> Scenario:
    """A scenario from rows, defaults filled in; Periods, Members and Modes may be left out.

    Sites, Materials and Members that other rows need must be listed, as in a workbook; nothing
    is checked.
    """
    given = dict(sheets)
    settings = {"name": "test", **given.pop("Scenario", {})}
    given.setdefault("Periods", [{"period": "1", "years": 1}])
    given.setdefault("Modes", [{"mode": "road"}])
    if "Members" not in given:
        named = [site.get("member") for site in given.get("Sites", [])]
        given["Members"] = [{"member": name} for name in dict.fromkeys(named) if name]
    given["Scenario"] = [{"key": key, "value": str(value)} for key, value in settings.items()]
    filled = {sheet.name: list(given.pop(sheet.name, [])) for sheet in SHEETS}
    tables = {
        s.name: _table(s, rows) if (rows := filled[s.name]) else _empty(s.name) for s in SHEETS
    }
    assert not given, f"no such sheet: {list(given)}"
    typed = Settings(**settings)
    periods = tables["Periods"].frame
    return Scenario(
        typed,
        make_periods(periods["period"], periods["years"].astype(int), typed.discount_rate),
        tables,
        Book(()),
    )


def _index(index: object) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ",".join(str(part) for part in parts)


def _number(value: float) -> str:
    return f"{value:.9g}"


def _sum(terms: Mapping[str, float]) -> str:
    """A linear expression in words, variables in alphabetical order."""
    text = ""
    for name in sorted(terms):
        value = terms[name]
        sign = "-" if value < 0 else "+"
        size = "" if abs(value) == 1.0 else f"{_number(abs(value))} "
        if text:
            text += f" {sign} {size}{name}"
        else:
            text = f"{'-' if value < 0 else ''}{size}{name}"
    return text or "0"


class Written:
    """A scenario's programme, as HiGHS gets it, written out with the model's names.

    A row reads `flow[Mine,Plant,slag,road,1] - taken[Mine,slag,1] == 0`: variables in
    alphabetical order on the left, the number on the right.
    """

    def __init__(self, scenario: Scenario, *, relax: bool = False) -> None:
        self.model: Model = build(scenario, relax=relax)
        self.compiled: Compiled = compile_model(self.model)
        self.names = [
            f"{variable.name}[{_index(key)}]"
            for variable in self.model.variables.values()
            for key in variable.indices()
        ]

    def rows(self, constraint: str) -> dict[str, str]:
        """Every row of a constraint by its index."""
        family = self.compiled.families[constraint]
        program = self.compiled.program
        indices, places = family.keys, family.rows
        matrix = program.matrix.tocsr()
        written = {}
        for index, place in zip(indices, places.tolist(), strict=True):
            entries = slice(matrix.indptr[place], matrix.indptr[place + 1])
            columns = self.compiled.columns[matrix.indices[entries]]
            terms = {
                self.names[c]: float(v)
                for c, v in zip(columns, matrix.data[entries], strict=True)
                if v != 0.0
            }
            low, high = float(program.row_lower[place]), float(program.row_upper[place])
            sense = "==" if low == high else "<=" if math.isinf(low) else ">="
            side = low if sense != "<=" else high
            written[_index(index)] = f"{_sum(terms)} {sense} {_number(side + 0.0)}"
        return written

    def bounds(self, variable: str) -> dict[str, tuple[float, float]]:
        """Lower and upper bound of every entry of a variable by its index."""
        of = self.model[variable]
        limits = zip(of.indices(), of.lower.tolist(), of.upper.tolist(), strict=True)
        return {_index(index): (low, high) for index, low, high in limits}

    def objective(self, variable: str = "") -> dict[str, float]:
        """Coefficients of the maximised objective, in currency (not in million), and "1"."""
        program = self.compiled.program
        made = {
            self.names[c]: -float(v) * 1e6
            for c, v in zip(self.compiled.columns, program.cost, strict=True)
            if v != 0.0 and self.names[c].startswith(variable)
        }
        if program.offset and not variable:
            made["1"] = -program.offset * 1e6
        return made


@pytest.fixture(scope="session")
def make_scenario() -> Callable[[Sheets], Scenario]:
    """`make_scenario({"Sites": [{"site": "Mine"}], …})` is a scenario (see `scenario_of`)."""
    return scenario_of


@pytest.fixture(scope="session")
def written() -> Callable[..., Written]:
    """`written(sheets)`: the programme of a scenario from dicts, written out (see `Written`).

    One and the same programme is built once: leave it as it is.
    """
    known: dict[str, Written] = {}

    def write(sheets: Sheets, *, relax: bool = False) -> Written:
        key = repr((sheets, relax))
        if key not in known:
            known[key] = Written(scenario_of(sheets), relax=relax)
        return known[key]

    return write


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], Solution]:
    """`shipped("kuzbass")`: the plan of a shipped workbook, solved once in a process: leave it as
    it is."""
    from circflow import read, solve

    return cache(lambda name: solve(read(SCENARIOS / f"{name}.xlsx")))


@pytest.fixture(scope="session")
def best() -> Callable[..., float]:
    """`best(sheets)`: the optimum of a scenario from dicts, in million currency, without tables
    and audit."""

    def of(sheets: Sheets, *, relax: bool = False) -> float:
        from circflow.solver.optimum import optimum

        compiled = compile_model(build(scenario_of(sheets), relax=relax))
        outcome = optimum(compiled.program, gap=0.0).outcome
        assert outcome.x is not None, outcome.status
        return -outcome.objective

    return of


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser, where there is one."""
    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no browser: install chromium")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(chromium: Any) -> Any:
    """A page of it that all tests of a file look at in turn: it knows our scripts already."""
    return chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
