"""A catalogue of faults, seeded into copies of the two regional workbooks.

Each has to be reported at its own cell, in words that tell what to do, and nothing else may be
called wrong. `docs/faults.md` is made from the catalogue:

    python tests/data/test_fault_catalogue.py > docs/faults.md
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import openpyxl
import pytest
from openpyxl.utils import column_index_from_string
from seeds import (
    TELLS_WHAT_TO_DO,
    Draft,
    Seed,
    add,
    blank_rows_before,
    drop_column,
    drop_sheet,
    extra_sheet,
    header,
    nameless_column,
    put,
    rename,
    title_row,
)

from circflow.cli import main
from circflow.data.check import check, check_book
from circflow.data.files.annotate import LIST_SHEET
from circflow.data.files.books import read_book, write_book
from circflow.data.table import Book, Cell, CellFault, Problem

ROOT = Path(__file__).parents[2]
FEWEST = 60
Severity = Literal["error", "no plan", "warning"]


@dataclass(frozen=True)
class Fault:
    """A fault: what is seeded, how, and a word of what has to be said."""

    what: str
    seed: Seed
    said: str
    severity: Severity = "error"
    suggestion: str = ""


TAILINGS = "site=KGOK Kachkanar, material=KGOK wet tailings"

SVERDLOVSK_CELLS = (
    Fault("a discount rate in words", put("Scenario.discount_rate", "ten percent"), "not a number"),
    Fault("yes/no that is neither", put("Scenario.auto_links", "perhaps"), "neither yes nor no"),
    Fault(
        "an unknown setting",
        add("Scenario", "key", key="discount", value=0.1),
        "not one",
        suggestion="discount_rate",
    ),
    Fault("a setting given twice", add("Scenario", "key", key="region", value="Ural"), "already"),
    Fault(
        "years that are no whole number",
        put("Periods.years[period=2032-2035]", 3.5),
        "whole number",
    ),
    Fault("a member listed twice", add("Members", "member", member="NTMK"), "already"),
    Fault(
        "a member who does not exist",
        put("Sites.member[site=KGOK Kachkanar]", "KGKO"),
        "no member",
        suggestion="KGOK",
    ),
    Fault(
        "a latitude without longitude",
        put("Sites.longitude[site=STZ Polevskoy]", None),
        "no longitude",
    ),
    Fault("a latitude off the globe", put("Sites.latitude[site=SUMZ Revda]", 158.85), "above 90"),
    Fault("a site listed twice", add("Sites", "site", site="Tyumen"), "already"),
    Fault("a site's name with >", add("Sites", "site", site="Serov > town"), "cannot hold >"),
    Fault(
        "a category in another case",
        put("Materials.category[material=red mud]", "Waste"),
        "choices",
        suggestion="waste",
    ),
    Fault("a hazard class of 7", put("Materials.hazard_class[material=steel slag]", 7), "above 5"),
    Fault(
        "a transport mode that does not exist",
        put("Materials.modes[material=pyrite cinder]", "road, rial bulk"),
        "no mode",
        suggestion="rail bulk",
    ),
    Fault(
        "none beside other modes",
        put("Materials.modes[material=iron dusts]", "road, none"),
        "alone",
    ),
    Fault(
        "words where an amount belongs",
        put("Streams.amount_per_year[site=KGOK Kachkanar, material=overburden]", "about 40 Mt"),
        "not a number",
    ),
    Fault(
        "a negative amount",
        put("Streams.amount_per_year[material=serpentinite rock]", -25_000_000),
        "below 0",
    ),
    Fault(
        "no amount",
        put("Streams.amount_per_year[site=Svyatogor Krasnouralsk, material=overburden]", None),
        "blank",
    ),
    Fault(
        "an Excel error value",
        put("Streams.amount_per_year[site=STZ Polevskoy]", CellFault("#N/A", "error")),
        "#N/A",
    ),
    Fault(
        "a formula never calculated",
        put(
            "Streams.amount_per_year[site=SUMZ Revda, material=copper slag]",
            CellFault("=D14*2", "formula"),
        ),
        "open the file in Excel",
    ),
    Fault(
        "a date where an amount belongs",
        put("Streams.amount_per_year[material=vanadium slag]", date(2026, 1, 1)),
        "date",
    ),
    Fault(
        "a misspelt site",
        put("Streams.site[site=Kirovgrad dumps]", "Kirovgrad dump"),
        "no site",
        suggestion="Kirovgrad dumps",
    ),
    Fault(
        "a Cyrillic letter in a Latin name",
        put("Streams.material[material=FeCr slag]", "FеCr slag"),
        "Cyrillic",
        suggestion="FeCr slag",
    ),
    Fault(
        "a period that does not exist",
        put("Streams.period[site=Serovskaya GRES Serov, period=2029-2031]", "2029-2030"),
        "no period",
        suggestion="2029-2031",
    ),
    Fault(
        "must_handle in words",
        put("Streams.must_handle[material=chromate sludge]", "maybe"),
        "neither yes nor no",
    ),
    Fault(
        "a stream listed twice",
        add("Streams", "site", site="NTMK Nizhny Tagil", material="BF slag", amount_per_year=1),
        "already",
    ),
    Fault(
        "closing_max below closing_min",
        put(
            f"Stockpiles.closing_max[{TAILINGS}]",
            5,
            also=[(f"Stockpiles.closing_min[{TAILINGS}]", 10)],
        ),
        "below closing_min",
    ),
    Fault(
        "a price with its currency",
        put("Purchases.price[material=lime]", "9 000 RUB"),
        "not a number",
    ),
    Fault(
        "a material that is nowhere",
        put("Purchases.material[material=electricity]", "electrisity"),
        "no material",
        suggestion="electricity",
    ),
    Fault(
        "a group whose rows disagree",
        put("Recipes.amount[technology=backfilling, material=serpentinite rock]", 2),
        "disagree",
        suggestion="1",
    ),
    Fault(
        "an unknown role",
        put("Recipes.role[technology=BF slag granulation, role=input]", "inputs"),
        "choices",
        suggestion="input",
    ),
    Fault(
        "an output in a group",
        put("Recipes.group[technology=dam building, role=output]", "fill"),
        "outputs have no group",
    ),
    Fault(
        "a material twice in a group",
        add(
            "Recipes",
            "material",
            technology="dam building",
            recipe="main",
            role="input",
            material="overburden",
            amount=1,
            group="fill",
        ),
        "twice",
    ),
    Fault(
        "a recipe that does not exist",
        put("RecipeCosts.recipe[technology=steel slag processing, recipe=dump slag]", "dump slags"),
        "no recipe",
        suggestion="dump slag",
    ),
    Fault(
        "a capacity use of 0",
        put("RecipeCosts.capacity_use[technology=slag grinding]", 0),
        "above 0",
    ),
    Fault(
        "a value in per cent",
        put("Properties.value[material=Saldinskoye tailings, property=Fe]", "11 %"),
        "percent",
    ),
    Fault(
        "max below min in a blend",
        put("BlendLimits.max[recipe=ash rich, material=dry fly ash]", 0.3),
        "below min",
    ),
    Fault(
        "a limit on nothing",
        put(
            "BlendLimits.material[recipe=slag rich, material=limestone]",
            None,
            at="BlendLimits.property[recipe=slag rich, max=0.25]",
        ),
        "nothing to limit",
    ),
    Fault(
        "a limit on a material that is not in the group",
        put("BlendLimits.material[recipe=CEM II A-M, material=limestone]", "red mud"),
        "not in the group",
    ),
    Fault(
        "a limit on two things",
        put("BlendLimits.material[group=iron, property=Na2O]", "pyrite cinder"),
        "both",
    ),
)

SVERDLOVSK_MORE = (
    Fault(
        "a negative capacity",
        put("Units.capacity_per_year[unit=KGOK dam building]", -7_300_000),
        "below 0",
    ),
    Fault(
        "an availability in per cent", put("Units.availability[unit=Serov slag jig]", 92), "above 1"
    ),
    Fault("an unknown status", put("Units.status[unit=STZ slag yard]", "planned"), "choices"),
    Fault(
        "a candidate without capex",
        put("Units.capex_million[unit=PSTsM expansion]", None),
        "needs its capex",
    ),
    Fault(
        "a greatest size below the smallest",
        put("Units.capacity_max_per_year[unit=NTMK slag mill]", 100_000),
        "below capacity_per_year",
    ),
    Fault(
        "a range of sizes without the larger capex",
        put("Units.capex_max_million[unit=Nevyansk slag mill]", None),
        "needs capex_max_million",
    ),
    Fault(
        "latest before earliest",
        put("Units.latest_period[unit=BAZ red mud smelter]", "2026-2028"),
        "before",
    ),
    Fault(
        "an earliest period that does not exist",
        put("Units.earliest_period[unit=UAZ magnetic separation]", "2030"),
        "no period",
    ),
    Fault(
        "units that require one another in a ring",
        put(
            "Units.requires[unit=Reftinskaya ash terminal]",
            "Sukhoy Log composite line",
            at="Units.requires[unit=Reftinskaya ash terminal]",
        ),
        "ring",
    ),
    Fault(
        "a unit that requires itself",
        put("Units.requires[unit=UAZ scandium line]", "UAZ scandium line"),
        "requires itself",
    ),
    Fault(
        "a required unit that does not exist",
        put("Units.requires[unit=BAZ scandium line]", "BAZ scandium"),
        "no unit",
        suggestion="BAZ scandium line",
    ),
    Fault(
        "a lifetime of 0 years",
        put("Units.lifetime_years[unit=Svyatogor abrasive plant]", 0),
        "below 1",
    ),
    Fault(
        "a technology that does not exist",
        put("Units.technology[unit=SUMZ abrasive plant]", "abrasive screning"),
        "no technology",
        suggestion="abrasive screening",
    ),
    Fault(
        "a repair in a period that does not exist",
        put("UnitPeriods.period[unit=Sukhoy Log cement mill]", "2033"),
        "no period",
    ),
    Fault("a mode listed twice", add("Modes", "mode", mode="road", cost_per_unit_km=5), "already"),
    Fault(
        "all lost on the way", put("Links.loss[material=dry fly ash, mode=conveyor]", 1), "below 1"
    ),
    Fault(
        "a link that ends where it starts",
        put("Links.to[from=Uralasbest Asbest]", "Uralasbest Asbest"),
        "ends where it starts",
    ),
    Fault(
        "a link of unknown length",
        put(
            "Links.distance_km[to=Tula]",
            None,
            also=[("Sites.latitude[site=Tula]", None), ("Sites.longitude[site=Tula]", None)],
        ),
        "no coordinates",
    ),
    Fault(
        "a market that buys less than it must",
        put(
            "Markets.max_per_year[site=Uralasbest Asbest, material=crushed stone]",
            1,
            also=[("Markets.min_per_year[site=Uralasbest Asbest, material=crushed stone]", 9)],
        ),
        "below min_per_year",
    ),
    Fault(
        "a total capacity for one period",
        put(
            "Disposal.total_capacity[site=KGOK Kachkanar, material=overburden, period=2026-2028]",
            9e9,
        ),
        "blank period",
    ),
    Fault(
        "an emission factor of an unknown technology",
        put("EmissionFactors.key[key=dam building]", "dam bilding"),
        "no technology",
        suggestion="dam building",
    ),
    Fault(
        "a cluster's limit with a key",
        put("EmissionLimits.key[pollutant=SO2, scope=cluster]", "NTMK"),
        "has no key",
    ),
    Fault(
        "a region's limit without a key",
        put("EmissionLimits.key[key=Asbest-Reftinsky]", None),
        "needs a key",
    ),
    Fault(
        "a region that does not exist",
        put("EmissionLimits.key[key=Nevyansk-Kirovgrad]", "Nevyansk"),
        "no site is in the region",
    ),
    Fault(
        "a synergy without partners",
        add("Synergies", "synergy", synergy="one laboratory", value=5),
        "no partners",
    ),
    Fault(
        "a partner that does not exist",
        put("SynergyPartners.partner[partner=NTMK slag granulation]", "NTMK granulation"),
        "no unit",
        suggestion="NTMK slag granulation",
    ),
    Fault(
        "a flow without >",
        put("SynergyPartners.partner[synergy=UMMC dust pool, ratio=1]", "SUMZ Revda"),
        "from>to",
    ),
    Fault(
        "a budget of an unknown period", put("Budget.period[period=2029-2031]", "2029"), "no period"
    ),
    Fault(
        "a goal that does not exist",
        put("Goals.goal[goal=jobs]", "job"),
        "no goal",
        suggestion="jobs",
    ),
    Fault(
        "a study of an unknown column",
        put("Studies.parameter[study=cement price]", "Markets.prise[material=binder]"),
        "no column",
    ),
    Fault(
        "a study without its steps", put("Studies.steps[study=vanadium price]", None), "lacks steps"
    ),
    Fault(
        "a range upside down",
        put("Ranges.high[parameter=Scenario.discount_rate]", 0.01),
        "below low",
    ),
)

KUZBASS_STRUCTURE = (
    Fault(
        "a misspelt sheet",
        rename("EmissionLimits", "EmissionLimit"),
        "no sheet called",
        suggestion="EmissionLimits",
    ),
    Fault("a sheet that is not known", extra_sheet("Prices 2026"), "begin its name with _"),
    Fault("a required sheet that is missing", drop_sheet("Streams"), "missing"),
    Fault(
        "a misspelt column",
        header("Markets", "price", "prise"),
        "no column called",
        suggestion="price",
    ),
    Fault(
        "a column that is not known",
        header("Members", "role", "contact"),
        "begin its name with note",
    ),
    Fault("a column named twice", header("Members", "sector", "name"), "two columns"),
    Fault(
        "a column in another case",
        header("Materials", "stage", "Stage"),
        "no column called",
        suggestion="stage",
    ),
    Fault("a required column that is missing", drop_column("Disposal", "fee"), "fee is missing"),
    Fault(
        "a value in a column without a name",
        nameless_column("Purchases", 4, "ask the buyer"),
        "no name in row 1",
    ),
    Fault("a title above the column names", title_row("Budget"), "not in row 1"),
    Fault(
        "a negative capacity below two blank rows",
        blank_rows_before(
            put("Units.capacity_per_year[unit=ZSMK zinc recovery]", -70_000), "Units", 2
        ),
        "below 0",
    ),
)

KUZBASS_NO_PLAN = (
    Fault(
        "more waste than every outlet takes",
        put(
            "Streams.amount_per_year[material=process CO2]",
            9e6,
            also=[("Streams.must_handle[material=process CO2]", "yes")],
        ),
        "every outlet together",
        "no plan",
    ),
    Fault(
        "sales above every source",
        put(
            "Markets.min_per_year[material=crushed stone]",
            9e9,
            also=[("Markets.max_per_year[material=crushed stone]", None)],
        ),
        "every source together",
        "no plan",
    ),
    Fault(
        "a closing level that nothing can fill",
        put("Stockpiles.closing_min[material=dump slag]", 40e6),
        "nothing may be added",
        "no plan",
    ),
    Fault(
        "a closing level that cannot be dug down to",
        put("Stockpiles.closing_max[site=Kuznetskaya CHP]", 1000),
        "cannot come down",
        "no plan",
    ),
    Fault(
        "a mean that no mix reaches",
        put("BlendLimits.min[technology=deep coal processing]", 90),
        "no mix can reach",
        "no plan",
    ),
    Fault(
        "a mean that every mix exceeds",
        put("BlendLimits.max[technology=carbon sorbent, property=ash]", 0.1),
        "no mix can come down",
        "no plan",
    ),
)

KUZBASS_DOUBTS = (
    Fault(
        "a site in the sea",
        put("Sites.latitude[site=Tomsk]", 0, also=[("Sites.longitude[site=Tomsk]", 0)]),
        "sea off Africa",
        "warning",
    ),
    Fault(
        "a material that is used nowhere",
        add("Materials", "material", material="spent lining", category="waste"),
        "used nowhere",
        "warning",
    ),
    Fault(
        "a waste that nobody can take",
        add(
            "Streams",
            "material",
            site="Kuznetskaya CHP",
            material="process CO2",
            amount_per_year=10,
        ),
        "nobody can take",
        "warning",
    ),
    Fault(
        "a pollutant that nothing emits",
        put("EmissionLimits.pollutant[key=Mezhdurechensk]", "NOx"),
        "nothing emits",
        "warning",
    ),
    Fault(
        "an amount that cannot be meant",
        put("Streams.amount_per_year[site=Itat]", 2.5e13),
        "hardly meant",
        "warning",
    ),
    Fault(
        "a fee with a minus sign",
        put("Disposal.fee[site=Itat]", -5),
        "dumping earns 5",
        "warning",
    ),
)

CATALOGUE: dict[str, tuple[str, tuple[Fault, ...]]] = {
    "Sverdlovsk: settings, places, materials, streams, recipes": ("sverdlovsk", SVERDLOVSK_CELLS),
    "Sverdlovsk: units, transport, markets, limits, studies": ("sverdlovsk", SVERDLOVSK_MORE),
    "Kuzbass: sheets and columns": ("kuzbass", KUZBASS_STRUCTURE),
    "Kuzbass: what no plan can meet, by arithmetic alone": ("kuzbass", KUZBASS_NO_PLAN),
    "Kuzbass: what is allowed but doubtful": ("kuzbass", KUZBASS_DOUBTS),
}
"""Faults that are seeded together, because they do not touch one another."""


@dataclass(frozen=True)
class Report:
    """A seeded fault, its cell, and what was said there."""

    fault: Fault
    cell: Cell
    problems: tuple[Problem, ...]

    @property
    def problem(self) -> Problem | None:
        """The problem that tells of the fault."""
        return next((p for p in self.problems if self.fault.said in p.message), None)


@cache
def original(name: str) -> Book:
    return read_book(ROOT / "scenarios" / f"{name}.xlsx")


@cache
def reports(title: str) -> tuple[tuple[Report, ...], tuple[Problem, ...]]:
    """Each fault of a batch with what was said at its cell; then what was said elsewhere."""
    name, faults = CATALOGUE[title]
    draft = Draft(original(name))
    cells = [fault.seed(draft) for fault in faults]
    assert len(set(cells)) == len(cells)
    problems, _ = check_book(draft.finished())
    told = [
        Report(fault, cell, tuple(p for p in problems if p.cell == cell))
        for fault, cell in zip(faults, cells, strict=True)
    ]
    return tuple(told), tuple(p for p in problems if p.cell not in set(cells))


def told(report: Report) -> str:
    """What is printed of a fault."""
    problem = report.problem
    assert problem is not None, f"{report.fault.what}: {[str(p) for p in report.problems]}"
    return str(problem).removeprefix(f"{problem.cell}: ")


def markdown() -> str:
    """`docs/faults.md`."""
    count = sum(len(faults) for _, faults in CATALOGUE.values())
    lines = [
        "# Faults and what `circflow check` says of them",
        "",
        f"{count} faults, seeded into copies of the two regional workbooks, and what is reported "
        "at their cells. The table is made, and every line of it tested, by "
        "`tests/data/test_fault_catalogue.py`; faults of one section are seeded together and all "
        "reported in one pass.",
    ]
    for title in CATALOGUE:
        lines += [
            "",
            f"## {title}",
            "",
            "| seeded | cell | `circflow check` says |",
            "| --- | --- | --- |",
        ]
        for report in reports(title)[0]:
            text = told(report).replace("|", "\\|").replace(">", "&gt;")
            mark = "warning: " if report.fault.severity == "warning" else ""
            lines.append(f"| {report.fault.what} | {report.cell} | {mark}{text} |")
    return "\n".join(lines) + "\n"


ALL = [(title, n) for title, (_, faults) in CATALOGUE.items() for n in range(len(faults))]


def test_the_catalogue_is_long_and_varied() -> None:
    faults = [fault for _, listed in CATALOGUE.values() for fault in listed]
    assert len(faults) >= FEWEST
    assert len({fault.what for fault in faults}) == len(faults)
    assert len({r.cell.sheet for title in CATALOGUE for r in reports(title)[0]}) >= 20


@pytest.mark.parametrize(("title", "number"), ALL, ids=[CATALOGUE[t][1][n].what for t, n in ALL])
def test_every_fault_is_reported_at_its_cell(title: str, number: int) -> None:
    report = reports(title)[0][number]
    fault, problem = report.fault, report.problem
    assert problem is not None, ([str(p) for p in report.problems], str(report.cell))
    assert problem.severity == ("warning" if fault.severity == "warning" else "error")
    assert problem.infeasible == (fault.severity == "no plan")
    assert problem.expected or TELLS_WHAT_TO_DO.search(problem.message), problem.message
    if fault.suggestion:
        assert problem.suggestion == fault.suggestion
    assert sum(p.severity == "error" for p in report.problems) <= 1


@pytest.mark.parametrize("title", CATALOGUE)
def test_nothing_else_is_called_wrong(title: str) -> None:
    assert [str(p) for p in reports(title)[1] if p.severity == "error"] == []


def test_the_page_is_current() -> None:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert text == markdown(), f"run: python {Path(__file__).relative_to(ROOT)} > docs/faults.md"


# ------------------------------------------------------------------ the same in real files


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Cell]]:
    """The Sverdlovsk workbook with three faults typed into it, formats and all."""
    path = tmp_path_factory.mktemp("faulty") / "sverdlovsk.xlsx"
    draft = Draft(original("sverdlovsk"))
    seeds = [SVERDLOVSK_CELLS[15], SVERDLOVSK_CELLS[16], SVERDLOVSK_MORE[3]]
    book = openpyxl.load_workbook(ROOT / "scenarios" / "sverdlovsk.xlsx")
    cells = [fault.seed(draft) for fault in seeds]
    for cell in cells:
        column = column_index_from_string(cell.column) - 1
        value: Any = draft.grids[cell.sheet][cell.row - 1][column]
        book[cell.sheet][f"{cell.column}{cell.row}"] = value
    book.save(path)
    return path, cells


def test_check_annotate_marks_the_cells_of_the_planners_own_file(
    faulty: tuple[Path, list[Cell]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, cells = faulty
    marked, listed = tmp_path / "marked.xlsx", tmp_path / "problems.json"
    arguments = ["check", str(path), "--annotate", str(marked), "--json", str(listed)]
    assert main(arguments) == 2
    printed = capsys.readouterr().out
    before, after = openpyxl.load_workbook(path), openpyxl.load_workbook(marked)
    content = json.loads(listed.read_text(encoding="utf-8"))
    assert content["errors"] == len(cells)
    named = [p["cell"] for p in content["problems"]]
    for cell in cells:
        assert str(cell) in printed
        assert str(cell) in named
        at = after[cell.sheet][f"{cell.column}{cell.row}"]
        assert at.fill.start_color.rgb == "FFF4B6B0"
        assert at.comment.text.startswith("Error: ")
        origin = before[cell.sheet][f"{cell.column}{cell.row}"]
        assert (at.value, at.number_format, at.font.b) == (
            origin.value,
            origin.number_format,
            origin.font.b,
        )
    assert after.sheetnames == [LIST_SHEET, *before.sheetnames]
    assert after[LIST_SHEET].max_row == 1 + len(content["problems"])
    for sheet in before.worksheets:
        widths = {k: d.width for k, d in sheet.column_dimensions.items()}
        assert widths == {k: d.width for k, d in after[sheet.title].column_dimensions.items()}
        assert sheet.freeze_panes == after[sheet.title].freeze_panes
        marks = sheet.data_validations.dataValidation
        assert len(marks) == len(after[sheet.title].data_validations.dataValidation)
    assert [p.cell for p in check(marked)] == [p.cell for p in check(path)]


def test_a_hidden_sheet_and_reordered_columns_keep_their_addresses(tmp_path: Path) -> None:
    draft = Draft(original("kuzbass"))
    grid = draft.grids["Streams"]
    draft.grids["Streams"] = [list(reversed([*row, *[None] * (8 - len(row))])) for row in grid]
    cell = draft.put("Streams.amount_per_year[site=Itat]", "lots")
    path = tmp_path / "hidden.xlsx"
    write_book(draft.finished(), path)
    book = openpyxl.load_workbook(path)
    book["Streams"].sheet_state = "hidden"
    book.save(path)
    errors = [p for p in check(path) if p.severity == "error"]
    assert [p.cell for p in errors] == [cell]
    assert cell.column != "D"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(markdown(), end="")
