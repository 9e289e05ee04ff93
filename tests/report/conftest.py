"""A small plan made by hand, with every documented column: no solver takes part.

Two periods of 2 and 3 years. Per year, a mill takes 60 of the 100 t of slag that arise, makes
30 t of cement of it, sold at 2 million RUB per t; 40 t are dumped.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from circflow.data.scenario import Scenario, Settings, make_periods
from circflow.data.schema.sheets import SHEETS
from circflow.data.table import Book, Cell, Problem, Table
from circflow.solution.solution import Solution, Status, Tables

COLUMNS = {
    "supply": "kind site material period unit_of_measure amount_per_year available_per_year price"
    " cost_million_per_year",
    "flows": "from to material mode period unit_of_measure sent_per_year received_per_year"
    " distance_km transport_million_per_year transactions_million_per_year",
    "activity": "site unit technology recipe period activity_per_year load_per_year"
    " processing_million_per_year",
    "units": "site unit technology status period in_service capacity_per_year available_per_year"
    " load_per_year load_share jobs fixed_million_per_year capital_million_per_year",
    "conversions": "site unit technology recipe period role group material unit_of_measure"
    " amount_per_year",
    "sales": "site material tier period unit_of_measure amount_per_year max_per_year price premium"
    " income_million_per_year premium_million_per_year",
    "disposal": "site material row period unit_of_measure amount_per_year fee"
    " cost_million_per_year",
    "stockpiles": "site material period unit_of_measure opening added_per_year reclaimed_per_year"
    " closing capacity cost_million_per_year",
    "emissions": "pollutant kind site member region source period tonnes_per_year",
    "emission_limits": "pollutant scope key period row emitted_per_year limit_per_year"
    " excess_per_year cost_million_per_year",
    "synergies": "synergy effect period joint_activity_per_year value_million_per_year",
    "money": "group site member material unit period million_per_year million discounted_million",
    "prices": "kind site to material unit period limit sheet row column value unit_of_measure"
    " binds decisions_fixed",
    "built": "unit site period capacity_per_year capex_million jobs investor",
}
PERIODS = ("2026", "2028")
MILL = "Mill № 1"


def _scenario(rows: dict[str, list[dict[str, Any]]]) -> Scenario:
    tables = {}
    for sheet in SHEETS:
        records = rows.get(sheet.name, [])
        frame = pd.DataFrame(records, columns=list(sheet.names), dtype=object)
        frame.index = pd.RangeIndex(2, 2 + len(frame))
        tables[sheet.name] = Table.of(sheet, frame, {})
    warning = Problem("warning", Cell("Streams", 2, "B"), "nobody takes the dust")
    return Scenario(
        Settings("Свердловская область", region="Урал", start_year=2026),
        make_periods(PERIODS, (2, 3), 0.0),
        tables,
        Book(()),
        (warning,),
    )


def price(  # noqa: PLR0913, PLR0917
    kind: str,
    site: str,
    material: str | None,
    unit: str | None,
    limit: str,
    value: float,
    sheet: str | None = None,
) -> list[Any]:
    """A row of the price table, without its period."""
    cell = [sheet, 2, limit] if sheet else [None, None, None]
    measure = "capacity" if unit else "t"
    return [kind, site, None, material, unit, None, limit, *cell, value, measure, bool(sheet), True]


def make_solution(name: str = "slag") -> Solution:
    """The plan; `name` is the name of its waste."""
    scenario = _scenario(
        {
            "Materials": [
                {"material": name, "unit": "t", "category": "waste", "stage": "metallurgy"},
                {"material": "cement", "unit": "t", "category": "product", "stage": None},
            ],
            "Streams": [{"site": "Works", "material": name, "amount_per_year": 100.0}],
            "Units": [{"unit": MILL, "site": "Town", "status": "candidate"}],
        }
    )
    here: dict[str, list[list[Any]]] = {
        "supply": [["stream", "Works", name, None, "t", 100.0, 100.0, 0.0, 0.0]],
        "flows": [["Works", "Town", name, "rail", None, "t", 60.0, 60.0, 12.0, 1.5, 0.5]],
        "activity": [["Town", MILL, "grinding", "main", None, 60.0, 60.0, 10.0]],
        "units": [
            ["Town", MILL, "grinding", "candidate", None, 1.0, 60.0, 60.0, 60.0, 1.0, 7.0, 3.0, 5.0]
        ],
        "conversions": [
            ["Town", MILL, "grinding", "main", None, "input", None, name, "t", 60.0],
            ["Town", MILL, "grinding", "main", None, "output", None, "cement", "t", 30.0],
        ],
        "sales": [["Town", "cement", 2, None, "t", 30.0, 40.0, 2e6, 0.0, 60.0, 0.0]],
        "disposal": [["Works", name, 2, None, "t", 40.0, 1e5, 4.0]],
        "emission_limits": [["dust", "site", "Works", None, 2, 9.0, 10.0, 0.0, 0.0]],
        "money": [
            ["income", "Town", "A", "cement", None, None, 60.0, 0.0, 0.0],
            ["transport", "Works", "A", name, None, None, -1.5, 0.0, 0.0],
        ],
        "prices": [
            price("material", "Town", name, None, "balance", 5e5),
            price("capacity", "Town", None, MILL, "capacity_per_year", 4e5, "Units"),
            price("stream", "Works", name, None, "amount_per_year", -1e5, "Streams"),
        ],
    }
    tables = {}
    for table, names in COLUMNS.items():
        head = names.split()
        at = head.index("period")
        records = [
            [period if n == at else v for n, v in enumerate(row)]
            for period in PERIODS
            for row in here.get(table, [])
        ]
        tables[table] = pd.DataFrame(records, columns=head)
    tables["built"] = pd.DataFrame(
        [[MILL, "Town", "2026", 60.0, 50.0, 7.0, "=cmd|' /C calc'!A0"]],
        columns=COLUMNS["built"].split(),
    )
    solution = Solution(
        scenario,
        Status.OPTIMAL,
        165.0,
        0.0,
        Tables(**tables),
        {"read": 0.1, "build": 0.2, "solve": 0.3, "total": 0.6},
        decisions_fixed=True,
    )
    costs = {"processing": 50.0, "fixed": 15.0, "transport": 7.5, "transactions": 2.5}
    costs |= {"disposal": 20.0, "capital": 25.0, "streams": 0.0}
    solution.__dict__["totals"] = {
        "income": 300.0,
        "costs": costs,
        "synergy": 0.0,
        "net_benefit": 180.0,
        "waste_arising": {"t": 500.0},
        "waste_converted": {"t": 300.0},
        "waste_disposed": {"t": 200.0},
        "waste_reclaimed": {},
        "use_share": 0.6,
        "emissions": {"dust": 45.0},
        "jobs": 7.0,
        "chains": 1,
    }
    solution.__dict__["audit"] = SimpleNamespace(
        confirmed_gap=float("nan"),
        passed=True,
        balance_error=1e-12,
        objective_error=1e-13,
        findings=pd.DataFrame(columns=["check", "where", "period", "expected", "found", "error"]),
    )
    chain = {"chain": 1, "steps": f"Works: {name} > Town > {MILL} > cement > sold", "end": "sale"}
    chain |= {"source_kind": "stream", "stage": None, "end_material": "cement"}
    chain |= {"source_material": name, "source_amount": 300.0, "source_unit_of_measure": "t"}
    solution.__dict__["chains"] = pd.DataFrame([chain | {"value_million": 200.0}])
    return solution


@pytest.fixture
def solution() -> Solution:
    """The plan of one mill."""
    return make_solution()


@pytest.fixture
def malicious() -> Solution:
    """The same with names that a spreadsheet, a terminal or XML would trip over."""
    return make_solution('=HYPERLINK("http://x")\x1b[31m\x07')


@pytest.fixture
def empty() -> Solution:
    """A plan that does nothing at all."""
    full = make_solution()
    tables = Tables(**{n: pd.DataFrame(columns=c.split()) for n, c in COLUMNS.items()})
    made = replace(full, tables=tables)
    for kept in ("totals", "audit", "chains"):
        made.__dict__[kept] = full.__dict__[kept]
    return made


SCENARIOS = Path(__file__).parents[2] / "scenarios"
EVIL = "<script>alert(1)</script>\"' & =1+1 "
EVIL_SITE = "<img src=x onerror=alert(1) \"' & "  # a site's name has no >
NAMES = (
    ("Sites", "site"),
    ("Members", "member"),
    ("Materials", "material"),
    ("Units", "unit"),
    ("Recipes", "technology"),
    ("Modes", "mode"),
    ("Synergies", "synergy"),
    ("EmissionFactors", "pollutant"),
    ("Recipes", "group"),
    ("Units", "investor"),
    ("Sites", "region"),
)


def write_evil(home: Path) -> Path:
    """The tutorial with a malicious text in front of every name that a planner gives."""
    source = SCENARIOS / "tutorial"
    tables = {}
    for file in sorted(source.glob("*.csv")):
        if file.stem not in ("Studies", "Ranges"):  # addresses of cells, which name names
            with file.open(encoding="utf-8-sig", newline="") as stream:
                tables[file.stem] = list(csv.reader(stream))
    new = {}
    for sheet, column in NAMES:
        rows = tables.get(sheet, [[]])
        if column in rows[0]:
            at = rows[0].index(column)
            for row in rows[1:]:
                text = EVIL_SITE if sheet == "Sites" else EVIL
                text = text.replace("/", "") if column == "technology" else text
                if row[at]:
                    new[row[at]] = text + row[at]
    home.mkdir()
    for sheet, rows in tables.items():
        for row in rows[1:]:
            for n, cell in enumerate(row):
                ends = cell.split(">")
                told = " > ".join(new.get(end.strip(), end.strip()) for end in ends)
                row[n] = new.get(cell, told if len(ends) == 2 and told.count(">") == 1 else cell)
                head = rows[0][n]
                if head in ("name", "note", "description", "unit") and sheet != "Units":
                    row[n] = EVIL + cell if head != "unit" else cell
                if sheet == "Scenario" and n == 1 and row[0] in ("name", "region", "currency"):
                    row[n] = EVIL + cell
        with (home / f"{sheet}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
    return home


@pytest.fixture(scope="session")
def evil_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario that can be solved, with a malicious text in every name cell."""
    return write_evil(tmp_path_factory.mktemp("evil") / "scenario")
