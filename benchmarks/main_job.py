"""The main job on a large region, against bare HiGHS on the same arrays, in one run.

    python benchmarks/main_job.py [--streams 2000 --units 300 --markets 100 --periods 5 --blanket]
    python benchmarks/main_job.py --links [--blanket] [--times 3]

Prints the seconds of processor of every step from workbook to results, those that bare HiGHS needs
for the same arrays with each of its algorithms, and the ratio of everything but reading and writing
files to the best of them. The target is a ratio of at most 1.5 and a peak memory below 2 GB.

With --links every link is a row of Links (40,000, of 200,000 flows) in a folder of CSV files, and
`circflow solve FOLDER --json` runs as a process of its own: at most 1.4 times bare HiGHS and 0.7
GB. --times makes the region larger: three times the flows, at most 3.3 times the seconds outside
the solver.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import highspy
import openpyxl
from generator import Size, region

from circflow.algebra.build import build
from circflow.data.check import check_book
from circflow.data.files.books import read_book, write_book
from circflow.data.pandas_text import keep_python_strings
from circflow.data.table import Book, RawSheet
from circflow.report.workbook import write_results
from circflow.solution.solution import Solution
from circflow.solver.compiled import Program, compile_model
from circflow.solver.optimum import optimum
from circflow.solver.run import read_tables

STEPS: dict[str, float] = {}


@contextmanager
def step(name: str) -> Iterator[None]:
    """Time a step."""
    begun = time.process_time()
    yield
    STEPS[name] = time.process_time() - begun
    print(f"  {name:<34}{STEPS[name]:8.2f} s", flush=True)


def bare(program: Program, solver: str, limit: float) -> float | None:
    """Seconds of HiGHS alone on the arrays as they stand, None if it takes longer than `limit`."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("solver", solver)
    highs.setOptionValue("time_limit", limit)
    begun = time.process_time()
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = program.matrix.indptr
    lp.a_matrix_.index_ = program.matrix.indices
    lp.a_matrix_.value_ = program.matrix.data
    highs.passModel(lp)
    highs.run()
    done = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return time.process_time() - begun if done else None


def peak_memory_gb() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Run the job and the floors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("streams", "units", "markets", "periods", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size(), name))
    parser.add_argument(
        "--blanket", action="store_true", help="a Disposal row for every waste at every site"
    )
    parser.add_argument("--links", action="store_true", help="every link a row; CSV in, JSON out")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the region")
    options = vars(parser.parse_args())
    everywhere, links, times = (options.pop(n) for n in ("blanket", "links", "times"))
    for name in ("streams", "units", "markets"):
        options[name] = round(options[name] * times**0.9)  # flows grow faster than places
    book = region(Size(**options))
    with tempfile.TemporaryDirectory() as folder:
        book = explicit(book) if links else book
        run = _process if links else _run
        run(blanket(book) if everywhere else book, Path(folder))


def explicit(book: Book) -> Book:
    """The book with a row of Links for every link, and none by itself."""
    _, scenario = check_book(book)
    assert scenario is not None
    head = ["from", "to", "material", "mode", "distance_km"]
    links = scenario.network.link_items.frame(scenario.codes, *head)
    grid = [head, *links.to_numpy(object).tolist()]
    sheets = {sheet.name: sheet for sheet in book.sheets}
    settings = [row for row in sheets["Scenario"].grid if row[0] != "max_distance_km"]
    alone = replace(sheets["Scenario"], grid=[*settings, ["max_distance_km", 0.0]])
    return replace(book, sheets=(*{**sheets, "Scenario": alone}.values(), RawSheet("Links", grid)))


_TIMED = """
import time
from circflow.cli import main
from circflow.solver.highs import Session

def timed(session):
    begun = time.process_time()
    status = launch(session)
    spent.append(time.process_time() - begun)
    return status

launch, Session._launch, spent = Session._launch, timed, []
try:
    main()
finally:
    print(sum(spent))
"""
"""`circflow`, which says in the end how long HiGHS took of it."""


def _process(book: Book, folder: Path) -> None:
    write_book(book, folder / "region")
    out = folder / "plan.json"
    command = [sys.executable, "-c", _TIMED, "solve", str(folder / "region"), "--quiet"]
    ran = subprocess.run([*command, "--json", str(out)], check=True, capture_output=True, text=True)
    solving = float(ran.stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2
    _, scenario = check_book(read_book(folder / "region"))
    assert scenario is not None
    compiled = compile_model(build(scenario))
    flows = len(scenario.network.flow_items)
    print(f"{flows:,} flows, {len(scenario.items('Links')):,} links, {compiled.program.shape}")
    print(f"outside the solver: {whole - solving:.2f} s; peak memory {memory:.2f} GB", flush=True)
    best = bare(compiled.program, "ipx", 3600.0)
    assert best is not None
    print(f"whole process / bare HiGHS: {whole:.2f} / {best:.2f} s = {whole / best:.2f}")


def blanket(book: Book) -> Book:
    """The book with a Disposal row for every waste at every site that has none."""
    sheets = {sheet.name: sheet for sheet in book.sheets}
    grid = sheets["Disposal"].grid
    head = [str(name) for name in grid[0]]
    has = {row[head.index("site")] for row in grid[1:]}
    at = [str(name) for name in sheets["Sites"].grid[0]].index("site")
    cells = {"fee": 999.0}
    more = [
        [site if name == "site" else cells.get(name) for name in head]
        for site in (row[at] for row in sheets["Sites"].grid[1:])
        if site not in has
    ]
    full = replace(sheets["Disposal"], grid=[*grid, *more])
    return replace(book, sheets=tuple({**sheets, "Disposal": full}.values()))


def _run(book: Book, folder: Path) -> None:
    keep_python_strings()  # as the command does
    file = folder / "region.xlsx"
    write_book(book, file)
    print("circflow, from workbook to results")
    with step("read the workbook"):
        book = read_book(file)
    with step("check"):
        _, scenario = check_book(book)
    assert scenario is not None
    with step("network"):
        flows = len(scenario.network.flow_items)
    with step("build"):
        m = build(scenario)
    with step("compile"):
        compiled = compile_model(m)
    with step("solve"):
        best = optimum(compiled.program)
        outcome, fixed = best.outcome, best.fixed
    with step("tables and prices"):
        plan = Solution(
            scenario,
            outcome.status,
            -outcome.objective,
            outcome.gap,
            read_tables(m, compiled, outcome, fixed=fixed),
            {},
            fixed,
        )
    with step("audit"):
        passed = plan.audit.passed
    with step("value chains and totals"):
        chains = plan.totals["chains"]
    memory = peak_memory_gb()
    with step("write the results workbook"):
        write_results(plan, folder / "results.xlsx")
    memory = max(memory, peak_memory_gb())
    program = compiled.program
    verdict = "passed" if passed else "FAILED"
    print(
        f"  {flows} flows, {program.shape[0]} rows, {program.shape[1]} columns,"
        f" {program.matrix.nnz} nonzeros, {chains} chains,"
        f" audit {verdict},"
        f" peak memory {memory:.2f} GB"
    )
    print("floors, measured in the same run")
    with step("bare openpyxl reads the workbook"):
        for sheet in openpyxl.load_workbook(file, read_only=True).worksheets:
            sum(1 for _ in sheet.iter_rows(values_only=True))
    seconds: dict[str, float] = {}
    for solver in ("ipx", "simplex"):
        took = bare(program, solver, min([600.0, *(2.0 * s for s in seconds.values())]))
        told = f"{took:8.2f} s" if took else "  gave up at twice the best"
        print(f"  bare HiGHS, {solver:<22}{told}")
        if took:
            seconds[solver] = took
    best = min(seconds.values())
    files = STEPS["read the workbook"] + STEPS["write the results workbook"]
    own = sum(STEPS.values()) - files - STEPS["bare openpyxl reads the workbook"]
    print(f"all but files / bare HiGHS at its best: {own:.2f} / {best:.2f} = {own / best:.2f}")
    solved = STEPS["solve"] / best
    print(f"solve alone / bare HiGHS at its best: {solved:.2f}")


if __name__ == "__main__":
    main()
