"""Whatever is typed into a workbook: a plan that passes the audit, or a report that says where.

Hypothesis mutates valid workbooks cell by cell and sheet by sheet. The outcome is a solution, or
`NoPlan` with a reason, or `ScenarioError` that names the mutated sheet or one that refers to it;
never another exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

import circflow as cf
from circflow.data.files.books import read_book
from circflow.data.read import scenario_of
from circflow.data.schema.sheets import BY_NAME, SHEETS
from circflow.data.table import Book, CellFault, RawSheet

ROOT = Path(__file__).parents[1]
Grid = list[list[object]]
Grids = dict[str, Grid]

EVERY_SHEET: Grids = {
    "Periods": [["period", "years"], [2026, 2], ["later", 3]],
    "Stockpiles": [
        ["site", "material", "opening", "capacity", "can_add", "max_reclaim_per_year"],
        ["Power station", "fly ash", 50_000, 90_000, "yes", 10_000],
    ],
    "Properties": [
        ["material", "property", "value"],
        ["slag", "CaO", 0.4],
        ["fly ash", "CaO", 0.05],
    ],
    "BlendLimits": [
        ["technology", "recipe", "group", "property", "material", "min", "max"],
        ["grinding", None, "feed", None, "fly ash", None, 0.2],
        ["grinding", "main", "feed", "CaO", None, 0.1, None],
    ],
    "UnitPeriods": [["unit", "period", "availability"], ["Mill", "later", 0.9]],
    "Modes": [["mode", "period", "cost_per_unit_km"], ["road", None, 5], ["road", "later", 6]],
    "EmissionLimits": [
        ["pollutant", "scope", "key", "period", "limit_per_year", "price", "penalty"],
        ["CO2", "cluster", None, None, 20_000, 200, None],
        ["CO2", "member", "Cement", "later", 9_000, None, 500],
    ],
    "Budget": [["period", "budget_million"], [2026, 100]],
    "Goals": [["goal", "weight"], ["jobs", 0.1], ["emission:CO2", -20]],
}
"""Sheets that make the tutorial one that uses every sheet."""

ODD: tuple[object, ...] = (
    *(None, "", " ", "lots", "yes", "no", "да", "none", "0", "1", "-1", "1 000,5", "1e400", "nan"),
    *(0, 1, -1, 0.5, 2, 1e-9, 1e-300, 1e6, 1e12, 1e20, 1e300, -1e9, 2**70, True, False),
    *(date(2026, 1, 1), datetime(2026, 1, 1, 12), CellFault("#N/A", "error")),
    *(CellFault("=A1", "formula"), "=cmd()|' /C calc'!A0", "+1", "@x", "a\nb", "a\tb", '"', "'"),
    *("\u202eevil", "x" * 40_000, "<script>alert(1)</script>", "]", "[a=b]", "a>b", "a/b", ";"),
    *("\0", "\ud800", "²", "½", "∞", "٣", "é", "ﬂy ash", "Fly ash", "fly  ash", "main", "existing"),
    *("candidate", "off", "output", "Markets.price", "value", "emission:CO2", "1", 2026, "later"),
)
"""What is typed into cells, beside what stands in other cells."""


@cache
def books() -> dict[str, Book]:
    """The workbooks to mutate."""
    tutorial = read_book(ROOT / "scenarios" / "tutorial.xlsx")
    sheets = {s.name: s for s in tutorial.sheets}
    sheets |= {name: RawSheet(name, grid) for name, grid in EVERY_SHEET.items()}
    return {
        "tutorial": tutorial,
        "every sheet": replace(tutorial, sheets=tuple(sheets.values())),
    }


def referring(name: str) -> set[str]:
    """Sheets whose rows can be wrong because of what stands in a sheet."""
    by_reference = {s.name for s in SHEETS if any(c.reference == name for c in s.columns)}
    more = {
        "Recipes": {"BlendLimits", "RecipeCosts", "EmissionFactors", "Units"},
        "Properties": {"BlendLimits"},
        "Materials": {"EmissionFactors", "BlendLimits"},
        "Modes": {"EmissionFactors", "Materials", "Links"},
        "Sites": {"EmissionLimits", "SynergyPartners", "Links"},
        "Members": {"EmissionLimits"},
        "Units": {"EmissionLimits", "SynergyPartners"},
        "SynergyPartners": {"Synergies"},
        "EmissionFactors": {"Links", "Goals"},
        "Scenario": {"Periods", "Links"},
        "Streams": {"Links"},
        "Markets": {"Links"},
        "Disposal": {"Links"},
        "Purchases": {"Links"},
        "Stockpiles": {"Links"},
    }
    return by_reference | more.get(name, set()) | {"Studies", "Ranges"}


# ------------------------------------------------------------------ mutations

Mutation = Callable[[Grids, str, st.DataObject], None]


def _change_cell(grids: Grids, sheet: str, data: st.DataObject) -> None:
    """Another value in one cell: odd, or of another cell of the column, the sheet, the book."""
    grid = grids[sheet]
    row = data.draw(st.integers(0, len(grid) - 1), "row")
    column = data.draw(st.integers(0, len(grid[0]) - 1), "column")
    line = grid[row]
    line.extend([None] * (len(grid[0]) - len(line)))
    likely = [r[column] for r in grid[1:] if column < len(r)] or [None]
    anywhere = [value for rows in grids.values() for r in rows for value in r]
    choices = [st.sampled_from(ODD), st.sampled_from(likely), st.sampled_from(anywhere)]
    line[column] = data.draw(st.one_of(choices), "value")


def _change_figure(grids: Grids, sheet: str, data: st.DataObject) -> None:
    """Another number, or none, where a number stands: most such workbooks can be solved."""
    places = [
        (row, column)
        for row in grids[sheet][1:]
        for column, value in enumerate(row)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if places:
        row, column = data.draw(st.sampled_from(places), "figure")
        old = row[column]
        assert isinstance(old, int | float)
        factors = (0, 1e-6, 0.1, 0.5, 0.9, 1.1, 2, 10, 1e6, -1)
        row[column] = data.draw(st.sampled_from([None, *(old * f for f in factors)]), "value")


def _drop_row(grids: Grids, sheet: str, data: st.DataObject) -> None:
    grid = grids[sheet]
    del grid[data.draw(st.integers(0, len(grid) - 1), "dropped row")]


def _double_row(grids: Grids, sheet: str, data: st.DataObject) -> None:
    grid = grids[sheet]
    row = data.draw(st.integers(0, len(grid) - 1), "doubled row")
    grid.insert(data.draw(st.integers(1, len(grid)), "place"), list(grid[row]))


def _drop_column(grids: Grids, sheet: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, len(grids[sheet][0]) - 1), "dropped column")
    for row in grids[sheet]:
        del row[column : column + 1]


def _swap_columns(grids: Grids, sheet: str, data: st.DataObject) -> None:
    """Exchange two columns, or only their names."""
    width = len(grids[sheet][0])
    one, other = (data.draw(st.integers(0, width - 1), "column") for _ in range(2))
    rows = grids[sheet] if data.draw(st.booleans(), "whole columns") else grids[sheet][:1]
    for row in rows:
        row.extend([None] * (width - len(row)))
        row[one], row[other] = row[other], row[one]


def _blank_rows(grids: Grids, sheet: str, data: st.DataObject) -> None:
    grids[sheet].insert(data.draw(st.integers(0, len(grids[sheet])), "blank row"), [None, ""])


def _shuffle(grids: Grids, sheet: str, data: st.DataObject) -> None:
    grids[sheet][1:] = data.draw(st.permutations(grids[sheet][1:]), "rows")


def _empty(grids: Grids, sheet: str, data: st.DataObject) -> None:
    keep = data.draw(st.integers(0, 1), "rows kept")
    del grids[sheet][keep:]


def _drop_sheet(grids: Grids, sheet: str, data: st.DataObject) -> None:
    del grids[sheet]


def _rename_sheet(grids: Grids, sheet: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["_mine", "Sites", sheet.lower(), sheet[:-1], sheet + " "]))
    grids[name] = grids.pop(sheet)


BY_CELL: tuple[Mutation, ...] = (_change_cell, _change_figure, _change_figure)
BY_SHEET: tuple[Mutation, ...] = (
    *(_drop_row, _double_row, _drop_column, _swap_columns, _blank_rows, _shuffle, _empty),
    *(_drop_sheet, _rename_sheet),
)


def mutated(book: Book, kinds: tuple[Mutation, ...], data: st.DataObject) -> tuple[Book, set[str]]:
    """The workbook with one to three mutations, and the sheets that they touch."""
    grids = {s.name: [list(row) for row in s.grid] for s in book.sheets}
    touched: set[str] = set()
    for _ in range(data.draw(st.sampled_from([1, 1, 2, 3]), "mutations")):
        names = [n for n in grids if n.strip() in BY_NAME and grids[n] and grids[n][0]]
        sheet = data.draw(st.sampled_from(names), "sheet")
        before = set(grids)
        data.draw(st.sampled_from(kinds), "kind")(grids, sheet, data)
        touched |= {sheet.strip(), *(set(grids) ^ before)}
    return replace(book, sheets=tuple(RawSheet(n, g) for n, g in grids.items())), touched


# ------------------------------------------------------------------ outcomes


def check_outcome(book: Book, touched: set[str]) -> str:
    """Solve a mutated workbook; what came of it. Fails where that is not one of the promises."""
    try:
        scenario = scenario_of(book)
    except cf.ScenarioError as refused:
        errors = [p for p in refused.problems if p.severity == "error"]
        good = {s.strip() for s in touched}.union(*(referring(s.strip()) for s in touched))
        assert errors
        assert {p.cell.sheet.strip() for p in errors} & good, [str(p) for p in errors]
        assert all(p.message and len(str(p)) < 5000 for p in errors)
        return "refused"
    try:
        solution = cf.solve(scenario)
    except cf.NoPlan as none:
        assert none.reason and none.status in (cf.Status.INFEASIBLE, cf.Status.UNBOUNDED)
        return none.status.value
    assert solution.audit.passed
    return solution.status.value


BOUNDED = settings(
    derandomize=True,
    max_examples=10,
    database=None,
    phases=[Phase.generate],  # making a failure smaller takes minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", ["tutorial", "every sheet"])
@BOUNDED
@given(data=st.data())
def test_any_cell(name: str, data: st.DataObject) -> None:
    event(check_outcome(*mutated(books()[name], BY_CELL, data)))


@BOUNDED
@given(data=st.data())
def test_any_sheet(data: st.DataObject) -> None:
    event(check_outcome(*mutated(books()["every sheet"], BY_SHEET, data)))


@pytest.mark.parametrize("name", ["tutorial", "every sheet"])
def test_unmutated_workbooks_have_plans(name: str) -> None:
    assert check_outcome(books()[name], set()) == "optimal"
