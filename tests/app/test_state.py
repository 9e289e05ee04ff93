"""State in files: right after a kill; edits, undo, saving back into the planner's own file."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from app_browser import BEST, SHEETS, Browser, write
from openpyxl import load_workbook

import circflow as cf
from circflow.app.edits import Edit, edited, save, typed
from circflow.app.project import Workspace
from circflow.app.state import App
from circflow.app.views.network import places
from circflow.app.worker import Worker
from circflow.data.files.books import read_book
from circflow.data.table import Book, RawSheet

DOUBLE = {"do": "add", "address": "Markets.price", "sign": "*", "value": "2"}


def filled(book: Book) -> dict[tuple[str, int, int], object]:
    """The cells of a book that are not empty."""
    return {
        (sheet.name, r, c): value
        for sheet in book.sheets
        for r, row in enumerate(sheet.grid)
        for c, value in enumerate(row)
        if value is not None
    }


def test_a_faulty_cell_is_told_and_mended(browser: Browser) -> None:
    assert "No problems" in browser.page("/check")
    told = browser.cells(("Markets", 2, "price", "1 million"))
    assert told["errors"] == 1
    assert told["problems"][0]["column"] == "C" and told["problems"][0]["row"] == 2
    page = browser.page("/check")
    assert "/tables/Markets?row=2&amp;column=price#r2" in page
    browser.post("/cells", sheet="Markets", row="2", column="price", value="1000000")
    assert "No problems" in browser.page("/check")


def test_did_you_mean_is_one_click(browser: Browser) -> None:
    browser.page("/check")
    browser.cells(("Streams", 2, "material", "slagg"))
    assert "Did you mean slag?" in browser.page("/check")


def test_cells_that_cannot_be_are_refused(browser: Browser) -> None:
    browser.page("/check")
    for sheet, row, column in (
        ("Nowhere", 2, "price"),
        ("Markets", 0, "price"),
        ("Markets", 2, ""),
    ):
        cell = {"sheet": sheet, "row": row, "column": column, "value": "1"}
        assert browser.client.post("/cells", json={"cells": [cell]}).status_code == 400
    assert (
        browser.client.post(
            "/cells", content=b"{", headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )
    assert not browser.state.project.edits


def test_undo_redo_and_rows(browser: Browser) -> None:
    browser.page("/check")
    browser.cells(("Markets", 2, "price", "5"), ("Markets", 2, "max_per_year", "7"))
    browser.cells(("Markets", 2, "price", "6"))
    row = lambda: browser.state.project.book.sheets[10].grid[1]  # noqa: E731
    assert row() == ["City", "cement", 6, 7]
    browser.post("/undo", do="undo")
    assert row() == ["City", "cement", 5, 7]
    browser.post("/undo", do="undo")
    assert row() == ["City", "cement", 1_000_000, 60]
    browser.post("/undo", do="redo")
    browser.post("/undo", do="redo")
    assert row() == ["City", "cement", 6, 7]
    browser.post("/rows", sheet="Markets", copy="2")
    assert browser.state.project.book.sheets[10].grid[2] == ["City", "cement", 6, 7]
    browser.post("/rows", sheet="Markets", delete="2")
    assert row() == [None] * 4


def test_a_paste_of_300_rows(browser: Browser) -> None:
    browser.page("/check")
    cells = [("Streams", 3 + n, c, v) for n in range(300) for c, v in
             (("site", "Mine"), ("material", "slag"), ("amount_per_year", f"{n + 1}"))]  # fmt: skip
    told = browser.cells(*cells)
    assert len(browser.state.project.book.sheets[6].grid) == 302
    assert told["unsaved"] == 1
    assert 'value="300"' in browser.page("/tables/Streams?from=202")
    assert (
        browser.page("/tables/Streams?find=as+told").count('th scope="row"') == 2
    )  # and the new one


def test_it_comes_back_where_it_was(browser: Browser, workers: dict[str, Worker]) -> None:
    browser.page("/check")
    browser.cells(("Markets", 2, "price", "2000000"))
    browser.post(
        "/variants", variant="dear", do="add", address="Markets.price", sign="*", value="2"
    )
    run = browser.run("ranges")
    browser.state.project.begin_run("solve", "Plan", "x")  # goes on when the power fails
    again = Browser(browser.workspace.folder, None, workers)
    project = again.state.project
    assert [e.value for e in project.edits] == [2_000_000]
    assert project.variants[0].in_force() == {"Markets.price": "*2"}
    assert [r.status for r in project.runs()] == ["lost", "done"]
    assert "workbook has changed since" not in again.page(f"/runs/{run}")


def test_half_a_state_file_does_not_stop_it(browser: Browser) -> None:
    folder = browser.workspace.folder
    (folder / "state.json").write_text("{", encoding="utf-8")
    assert Workspace(folder).project is None
    (folder / "plan" / "project.json").write_text("", encoding="utf-8")
    assert Workspace(folder).names() == []


def test_the_same_file_is_the_same_project(browser: Browser, workbook: Path) -> None:
    browser.page("/check")
    browser.cells(("Markets", 2, "price", "5"))
    browser.workspace.load("plan.xlsx", workbook, str(workbook))
    assert [e.value for e in browser.state.project.edits] == [5]


# --------------------------------------------------------------------------- saving


def test_saving_back_keeps_everything_else(browser: Browser, workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as old:
        before = {n: old.read(n) for n in old.namelist()}
    browser.page("/check")
    browser.cells(("Markets", 2, "price", "1234.5"), ("Markets", 3, "site", "City"))
    browser.cells(("Streams", 2, "note", "=1+1"), ("Streams", 2, "cost", "3"))
    browser.post("/save")
    with zipfile.ZipFile(workbook) as new:
        after = {n: new.read(n) for n in new.namelist()}
    changed = {n for n in before if before[n] != after.get(n)}
    assert changed <= {"xl/worksheets/sheet7.xml", "xl/worksheets/sheet11.xml", "xl/workbook.xml"}
    book = load_workbook(workbook)
    assert book["Markets"]["C2"].value == 1234.5
    assert book["Markets"]["C2"].number_format == "#,##0.00"
    assert book["Markets"]["C2"].fill.fgColor.rgb == "00FFFF00"
    assert book["Markets"]["A3"].value == "City"
    assert book["Streams"]["C2"].comment.text == "measured in May"
    assert book["Streams"]["D2"].value == "=1+1" and book["Streams"]["D2"].data_type == "s"
    assert [book["Streams"][c].value for c in ("E1", "E2")] == ["cost", 3]
    assert book["_mine"]["A2"].value == "=A1*3"
    project = browser.state.project
    assert not project.edits and project.loaded_path.read_bytes() == workbook.read_bytes()
    assert filled(read_book(workbook)) == filled(project.book)


def test_never_over_a_file_that_has_changed(browser: Browser, workbook: Path) -> None:
    browser.page("/check")
    browser.cells(("Markets", 2, "price", "5"))
    book = load_workbook(workbook)
    book["Markets"]["D2"] = 61
    book.save(workbook)
    theirs = workbook.read_bytes()
    answer = browser.post("/save")
    assert answer.status_code == 409 and "changed since" in answer.text
    assert workbook.read_bytes() == theirs
    answer = browser.client.get("/take-away/workbook")
    assert answer.status_code == 200 and answer.content[:2] == b"PK"
    assert browser.post("/save", anyway="yes").status_code == 200
    assert load_workbook(workbook)["Markets"]["C2"].value == 5


@pytest.mark.parametrize("sheet", ["Ranges", "Futures"])
def test_new_rows_and_new_sheets_are_written_too(sheet: str, workbook: Path) -> None:
    loaded = read_book(workbook)
    column = "parameter" if sheet == "Ranges" else "future"
    edits = [Edit(sheet, 3, column, "x"), Edit("Markets", 2, "price", 7)]
    target = workbook.with_name("copy.xlsx")
    save(workbook, target, edits, loaded)
    again = read_book(target)
    assert filled(again) == filled(edited(loaded, edits))


def test_what_is_typed() -> None:
    assert typed("Markets", "price", " 1 200,5 ") == 1200.5
    assert typed("Markets", "price", "12") == 12
    assert typed("Markets", "price", "12 t") == "12 t"
    assert typed("Markets", "site", "12") == "12"
    assert typed("Markets", "site", "  ") is None


# --------------------------------------------------------------------------- runs


def test_a_plan_is_that_of_the_command(solved: Browser, plan_file: Path) -> None:
    known = solved.state.project.run(1)
    assert known.status == "optimal"
    plan = solved.client.get("/runs/1/files/plan.json").json()
    own = cf.solve(cf.read(plan_file)).summary()
    assert plan["objective"] == pytest.approx(BEST, rel=1e-9)
    assert {k: v for k, v in plan.items() if k != "seconds"} == {
        k: v for k, v in own.items() if k != "seconds"
    }
    page = solved.page("/plan")
    assert "/tables/Markets?row=2" in page and "/members/Miner" in page
    assert "100" in solved.page("/sites/Mine")
    assert "has changed since" not in page
    solved.cells(("Markets", 2, "price", "5"))
    assert "The workbook has changed since" in solved.page("/plan")
    solved.post("/undo", do="undo")


def test_scenarios_are_compared(browser: Browser) -> None:
    """Inputs that differ come first."""
    browser.post("/variants", variant="dear", **DOUBLE)
    run = browser.run("compare", scenario=["", "dear"])  # type: ignore[arg-type]
    tables = browser.client.get(f"/runs/{run}/files/tables.json").json()
    own = {"the workbook": "as it is", "dear": "*2"}
    assert tables["inputs"] == [{"cells": "Markets.price", **own}]
    worth = next(r for r in tables["figures"] if r["figure"] == "objective")
    assert worth["the workbook"] == pytest.approx(BEST)
    assert worth["dear"] == pytest.approx(BEST + 60.0)


def test_no_plan_and_its_remedy(browser: Browser) -> None:
    browser.page("/check")
    browser.cells(("Markets", 2, "min_per_year", "200"), ("Markets", 2, "max_per_year", "300"))
    run = browser.run("solve")
    assert browser.state.project.run(run).status == "no plan"
    page = browser.page(f"/runs/{run}")
    assert "Any one of these changes ends it" in page
    assert 'name="then" value="solve"' in page
    browser.post("/variants", variant="dear", **DOUBLE)
    page = browser.page(f"/runs/{browser.run('solve', variant='dear')}")
    assert "No plan" in page
    assert 'name="then" value="solve"' not in page  # which would solve the workbook as it is


def test_sliders_hold_the_decisions(solved: Browser) -> None:
    """The plan where they stand is a run like others: beside another one, what differs first."""
    while "rows" not in (ready := solved.client.post("/sliders").json()):
        assert "error" not in ready
    assert ready["start"]["objective"] == pytest.approx(BEST)
    half = solved.client.post("/slide", json={"values": {"0": 0.5}}).json()
    assert half["objective"] == pytest.approx(BEST - 30.0)
    assert solved.client.post("/slide", json={"values": 3}).status_code == 400
    run = solved.ended(solved.post("/variants/sliders", values='{"0": 0.5}', variant=""))
    assert solved.state.project.variants[0].in_force() == {"Markets.price[material=cement]": "*0.5"}
    page = solved.page(f"/compare?run=1&run={run}")
    assert page.index("Markets.price") < page.index("objective_million")


def test_what_a_band_is_made_of(solved: Browser) -> None:
    """60 of 100 t of slag go to the mill, which makes 60 t of cement of it; 40 t are dumped."""
    page = solved.page("/flows?run=1&of=slag")
    for words in ("Arises, per year", "Moves, per year", "Is dumped, per year", ">100<", ">40<"):
        assert words in page
    assert "Is sold" not in page
    both = solved.page("/flows?of=slag%0ANew+mill")
    assert "Is used and made, per year" in both and ">cement<" not in both
    assert "too small to be drawn" in solved.page("/flows?of=others+(3)")


def test_verdicts_and_a_plant_of_ones_own(browser: Browser) -> None:
    browser.page("/check")
    page = browser.page(f"/runs/{browser.run('evaluate')}")
    assert "New mill: build it" in page
    own = {"own_unit": "Third", "own_technology": "milling", "own_capacity_per_year": "50"}
    own |= {"own_capex_million": "0.5"}
    run = browser.run("evaluate", own_site="Mill", **own)
    assert "Add this plant to the workbook" in browser.page(f"/runs/{run}")
    anywhere = browser.run("evaluate", own_site="?", **own)
    sites = browser.client.get(f"/runs/{anywhere}/files/tables.json").json()["sites"]
    assert {s["site"] for s in sites} == {"Mine", "Mill", "City"}
    plant = {k.removeprefix("own_"): v for k, v in own.items()}
    browser.post("/plants/add", site="Mill", **plant)
    assert "Third" in browser.page("/tables/Units")
    assert browser.post("/plants/add", site="Mill", **plant).status_code == 409


def test_the_cluster_and_a_members_page(browser: Browser) -> None:
    browser.page("/check")
    browser.run("share")
    page = browser.page("/cluster")
    assert "Would a group leave?" in page and "/members/Miner" in page
    own = browser.page("/members/Miner")
    assert "What I give" in own and "slag" in own and "Miller" in own
    assert browser.client.get("/members/Nobody").status_code == 404


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("sweep", {"vary": "Markets.price*=0.9;1.1"}),
        ("sample", {"count": "3"}),
        ("tornado", {"held": "yes"}),
        ("pareto", {"first": "value", "second": "disposed", "points": "3"}),
        ("ranges", {}),
        ("indicators", {}),
    ],
)
def test_studies(kind: str, options: dict[str, str], browser: Browser) -> None:
    browser.page("/check")
    run = browser.run(kind, **options)
    assert browser.state.project.run(run).status == "done", browser.state.project.run(run).message
    assert "<iframe" in browser.page(f"/runs/{run}")


def test_links_between_two_sites(browser: Browser) -> None:
    assert browser.page("/network").count("data-site=") == 3
    link = {"from": "Mine", "to": "City", "mode": "road", "distance_km": "30", "material": ""}
    browser.client.post("/links", data=link)
    assert browser.state.project.book.sheets[9].grid[3] == ["Mine", "City", "road", 30]


def test_sites_without_coordinates_stand_around_the_others() -> None:
    header = ["site", "latitude", "longitude"]
    two: list[list[object]] = [header, ["West", 55.0, 60.0], ["East", 55.0, 61.0]]
    where, extent = places(Book((RawSheet("Sites", two),)))
    assert extent is not None and (extent[0] + extent[1]) / 2 == pytest.approx(60.5)
    # half of their distance, which is 1 / 1.22 of the picture, on either side of its middle
    assert where["West"] == pytest.approx((465 - 465 / 1.22, 320))
    assert where["East"] == pytest.approx((465 + 465 / 1.22, 320))
    around, _ = places(Book((RawSheet("Sites", [*two, ["Nowhere", None, 60.0]]),)))
    assert around == {**where, "Nowhere": pytest.approx((930 * 0.96, 320))}
    alone, none = places(Book((RawSheet("Sites", [header, ["A", None, None], ["B", None, None]]),)))
    assert none is None
    assert alone == {"A": pytest.approx((930 * 0.9, 320)), "B": pytest.approx((930 * 0.1, 320))}


@pytest.mark.parametrize("wrong", [1e30, 180.5, -181.0])
def test_sites_whose_coordinates_lie_nowhere_stand_around_the_others(wrong: float) -> None:
    header = ["site", "latitude", "longitude"]
    alone, none = places(Book((RawSheet("Sites", [header, ["A", wrong, wrong]]),)))
    assert none is None
    assert alone == {"A": pytest.approx((930 * 0.9, 320))}
    # one slip does not take the others, nor the coast, out of the picture
    where, extent = places(Book((RawSheet("Sites", [header, ["A", wrong, 60], ["B", 55, 60]]),)))
    assert extent is not None and extent[2] < 55 < extent[3] < 56
    assert where["A"] == pytest.approx((930 * 0.96, 320))
    assert where["B"] == pytest.approx((465, 320))


def test_a_worker_that_dies_costs_its_run_only(browser: Browser) -> None:
    browser.page("/check")
    number = browser.state.begin("share", "Cluster")
    while browser.state.bench._process is None:
        time.sleep(0.01)
    browser.state.bench._process.kill()
    while browser.state.project.run(number).status == "running":
        time.sleep(0.01)
    assert browser.state.project.run(number).status == "failed"


def test_what_runs_when_the_app_ends_is_lost(tmp_path: Path) -> None:
    write(tmp_path / "plan.xlsx", SHEETS)
    workspace = Workspace(tmp_path / "state")
    app = App(workspace)
    workspace.load("plan.xlsx", tmp_path / "plan.xlsx")
    first, second = app.begin("share", "Cluster"), app.begin("solve", "Plan")
    jobs = [app.jobs[first], app.jobs[second]]
    app.close()
    for job in jobs:
        assert job.future.exception(30) is not None
    again = Workspace(tmp_path / "state").project
    assert again is not None and {run.status for run in again.runs()} == {"lost"}


def test_a_region_of_300_sites_and_2000_links(tmp_path: Path, workers: dict[str, Worker]) -> None:
    """Every page draws at most 200 rows of a sheet, and an edit is checked."""
    sites = [[f"S{n}", None, 53.0 + n % 20 / 10, 84.0 + n // 20 / 10] for n in range(300)]
    links = [
        [f"S{n}", f"S{(n + step) % 300}", "road", 10 + step]
        for step in range(1, 8)
        for n in range(300)
    ]
    large = {**SHEETS, "Sites": SHEETS["Sites"] + sites, "Links": SHEETS["Links"] + links[:2000]}
    write(tmp_path / "large.xlsx", large)
    browser = Browser(tmp_path / "state", tmp_path / "large.xlsx", workers)
    for sheet in ("Sites", "Links"):
        assert browser.page(f"/tables/{sheet}").count('<tr id="r') == 201
    network = browser.page("/network")
    assert network.count("<line ") == 2002
    assert network.count("data-site=") == 303
    assert browser.cells(("Markets", 2, "price", "2000000"))["errors"] == 0
