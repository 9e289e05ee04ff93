"""circflow from Python: what an analyst sees, passes in, catches and keeps."""

from __future__ import annotations

import ast
import inspect
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.cli import cli
from circflow.data.result import Result, one_text_type

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "scenarios" / "tutorial.xlsx"
PRICE = "Markets.price"

Study = Callable[[cf.Scenario], Any]
STUDIES: dict[str, Study] = {
    "solve": cf.solve,
    "share": lambda s: cf.share(s, jobs=1),
    "joining": lambda s: cf.joining(s, _members(s)[0], jobs=1, split=False),
    "coalition": lambda s: cf.coalition(s, _members(s)[:2]),
    "compare": lambda s: cf.compare(s, s),
    "sweep": lambda s: cf.sweep(s, {PRICE: [0.9, 1.0]}, keep=["flows"]),
    "tornado": lambda s: cf.tornado(s, sheets=["Markets"]),
    "pareto": lambda s: cf.pareto(s, ("value", "disposed"), points=2),
    "near_optimal": lambda s: cf.near_optimal(s, count=1),
    "evaluate": cf.evaluate,
    "firm": lambda s: cf.firm(s, samples=2),
    "suggest": lambda s: cf.suggest(s, rates=["USD=95"], top=2, break_evens=False),
    "futures": lambda s: cf.futures(s, outages="units"),
    "robust": lambda s: cf.robust(s, [1]),
    "indicators": cf.indicators,
    "finance": cf.finance,
    "ranges": lambda s: cf.ranges(s, [PRICE]),
    "break_points": lambda s: cf.break_points(s, PRICE, 0.9, 1.1, decisions="fixed"),
}


def _members(scenario: cf.Scenario) -> list[str]:
    return list(scenario.frame("Members")["member"])


@pytest.fixture(scope="module", autouse=True)
def _text_as_pandas_has_it() -> Iterator[None]:
    with pd.option_context("mode.string_storage", "auto"):
        yield


@pytest.fixture(scope="module")
def scenario() -> cf.Scenario:
    return cf.read(SHIPPED)


@pytest.fixture(scope="module")
def results(scenario: cf.Scenario) -> dict[str, Any]:
    return {name: study(scenario) for name, study in STUDIES.items()}


def _frames(result: Any) -> dict[str, pd.DataFrame]:
    if isinstance(result, pd.DataFrame):
        return {"": result}
    found = dict(result.tables()) if callable(getattr(result, "tables", None)) else {}
    for name, value in [*vars(result).items(), *_tables_of(result)]:
        if isinstance(value, pd.DataFrame):
            found[f".{name}"] = value
    return found


def _tables_of(result: Any) -> list[tuple[str, Any]]:
    if not isinstance(result, cf.Solution):
        return []
    return [*vars(result.tables).items(), ("chains", result.chains)]


# --------------------------------------------------------------------------- results


@pytest.mark.parametrize("name", STUDIES)
def test_results_pickle(results: dict[str, Any], name: str) -> None:
    again = pickle.loads(pickle.dumps(results[name]))
    before, after = _frames(results[name]), _frames(again)
    assert list(before) == list(after)
    for table in before:
        pd.testing.assert_frame_equal(before[table], after[table])


def test_a_cluster_that_was_pickled_still_answers(results: dict[str, Any]) -> None:
    cluster = pickle.loads(pickle.dumps(results["share"])).cluster
    pair = frozenset([0, 1])
    assert cluster.gain(pair) == pytest.approx(results["share"].cluster.gain(pair))


@pytest.mark.parametrize("name", STUDIES)
def test_text_columns_have_one_type(results: dict[str, Any], name: str) -> None:
    for table, frame in _frames(results[name]).items():
        for column, kind in frame.dtypes.items():
            assert not isinstance(kind, pd.StringDtype), f"{name} {table}: {column}"
            if pd.api.types.is_object_dtype(kind) and len(frame):
                values = frame[column]
                kinds = {type(v) for v in values if v is not None}
                assert not kinds or not kinds <= {int, float}, f"{name} {table}: {column}"


@pytest.mark.parametrize("name", [n for n in STUDIES if n not in ("ranges", "break_points")])
def test_what_a_prompt_shows_is_short(results: dict[str, Any], name: str) -> None:
    result = results[name]
    if isinstance(result, pd.DataFrame):
        return
    assert isinstance(result, Result)
    text = repr(result)
    assert len(text) < 200 and "\n" not in text
    assert text.startswith(f"<{type(result).__name__}: ") and text.endswith(">")


def test_what_a_notebook_shows(results: dict[str, Any], scenario: cf.Scenario) -> None:
    view = results["sweep"]._repr_html_()
    assert "<b>Runs</b>" in view and "<table" in view and "objective_million" in view
    assert "<b>Solution</b>: Tutorial: ash and slag: optimal" in results["solve"]._repr_html_()
    assert repr(scenario).startswith("<Scenario: Tutorial: ash and slag: Sites ")


def test_text_of_a_workbook_is_no_markup_in_a_notebook(scenario: cf.Scenario) -> None:
    named = scenario.change({"Scenario.name": "<img src=x>"})
    assert "<img" not in named._repr_html_()
    assert "&lt;img" in named._repr_html_()


def test_one_text_type() -> None:
    mixed = pd.DataFrame(
        {
            "text": ["a", None],
            "none": pd.Series(["a", np.nan], dtype=object),
            "number": pd.Series([1, None], dtype=object),
            "mixed": pd.Series([1, "a"], dtype=object),
            "flag": pd.Series([True, None], dtype=object),
        }
    )
    made = one_text_type(mixed)
    assert made["text"].tolist() == ["a", None] and made["text"].dtype == object
    assert made["none"].tolist() == ["a", None]
    assert made["number"].dtype == float
    assert made["mixed"].tolist() == [1, "a"]
    assert made["flag"].tolist() == [True, None]


# --------------------------------------------------------------------------- arguments


def test_numbers_of_numpy_are_numbers(scenario: cf.Scenario) -> None:
    plain = scenario.change({PRICE: 7})
    for seven in (np.int64(7), np.float32(7.0), np.array(7)):
        changed = scenario.change({PRICE: seven})
        assert (
            changed.frame("Markets")["price"].tolist() == plain.frame("Markets")["price"].tolist()
        )
    lists = (np.array([1, 2]), pd.Series([1, 2]), range(1, 3), [np.int32(1), np.float64(2.0)])
    for values in lists:
        runs = cf.sweep(scenario, {PRICE: values})
        assert runs.table[runs.parameters[0]].tolist() == [1.0, 2.0]
    runs = cf.sample(scenario, np.int64(2), ranges={PRICE: np.array([0.9, 1.1])}, seed=np.int32(3))
    assert len(runs) == 2
    assert cf.solve(scenario, gap=np.float32(0.0), time_limit=np.int64(60)).objective > 0.0


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda s: cf.solve(s, time_limit=0), "time_limit must be a number of seconds above 0"),
        (
            lambda s: cf.solve(s, time_limit=float("nan")),
            "time_limit must be a number of seconds above 0",
        ),
        (lambda s: cf.solve(s, gap=float("nan")), "gap must be a share of 0 or more.*not nan"),
        (lambda s: cf.solve(s, gap=-1.0), "gap must be a share"),
        (lambda s: cf.solve(s, gap="1e-6"), "gap must be a share.*not '1e-6'"),
        (lambda s: cf.solve(s, gap=True), "gap must be a share"),
        (lambda s: cf.solve(s, relax="no"), "relax must be True or False, not 'no'"),
        (lambda _: cf.solve("my.xlsx"), r"read it first, circflow.read\('my.xlsx'\)"),
        (lambda _: cf.solve(None), "scenario must be a Scenario"),
        (lambda s: cf.compare(s, "b.xlsx"), r"circflow.read\('b.xlsx'\)"),
        (lambda _: cf.read(5), "path must be the name of a file or folder, not 5"),
        (lambda s: cf.share(s, jobs=0), "jobs must be a whole number of at least 1"),
        (lambda s: cf.share(s, seconds=0), "seconds must be a number of seconds above 0"),
        (lambda s: cf.sweep(s, {PRICE: 5}), "the values must be a list, not 5"),
        (lambda s: cf.sweep(s, [PRICE]), "vary must give values by address"),
        (lambda s: cf.sweep(s, {PRICE: "0.9"}), "the values must be a list"),
        (lambda s: cf.sample(s, 2.5, ranges={PRICE: (1, 2)}), "count must be a whole number"),
        (lambda s: cf.sample(s, 2, ranges={PRICE: 5}), "low, high"),
        (lambda s: cf.pareto(s, ("value", "jobs"), points=1), "points must be"),
        (lambda s: cf.near_optimal(s, float("nan")), "within must be"),
        (lambda s: cf.evaluate(s, samples=-1), "samples must be"),
        (lambda s: cf.evaluate(s, samples=None), "samples must be"),
        (lambda s: cf.firm(s, samples=None), "samples must be"),
        (lambda s: cf.futures(s, outages="units", alpha=2), "alpha must be"),
        (lambda s: s.change("Markets.price"), "changes are given as"),
        (lambda s: s.change({PRICE: [1, 2]}), "a number cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    scenario: cf.Scenario, call: Study, told: str
) -> None:
    with pytest.raises(cf.CircflowError, match=told):
        call(scenario)


def test_values_that_cannot_be_are_rows(scenario: cf.Scenario) -> None:
    """Whatever is done with a value: what it makes impossible is a row that says why."""
    for how, values in {
        "factor": [1.0, -1.0, "dear", float("nan"), None],
        "add": [0.0, -1e9, "dear", float("inf"), None],
        "set": [100.0, -1.0, "dear", float("nan"), ""],
    }.items():
        table = cf.sweep(scenario, {"Disposal.fee": [1.0], "Streams.amount_per_year": values},
                         how={"Streams.amount_per_year": how}).table  # fmt: skip
        assert table["status"].tolist() == ["optimal", *["invalid"] * 4], how
        assert table["reason"].iloc[1:].str.contains("amount_per_year").all(), how
    table = cf.sweep(scenario, {"Units.status": ["off", "oof"]}, how="set").table
    assert table["status"].tolist() == ["optimal", "invalid"]
    assert "did you mean" in table["reason"][1] or "oof" in table["reason"][1]


# --------------------------------------------------------------------------- exceptions and names


def test_one_family_of_exceptions() -> None:
    """Every exception class of the package is a CircflowError, and may be caught by a public name.

    The commands and the app have errors of their own, and some are caught inside: no part of it.
    """
    inside = {
        *("UnusualError", "BadCellError", "UnboundedError", "StoppedError", "Refusal"),
        *("WrongTextError", "_TooMuchError"),
    }
    for path in sorted((ROOT / "circflow").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"class \w+\([^)]*(Error|Exception|NoPlan)\b", text):
            continue  # to parse it all takes a second
        for node in ast.walk(ast.parse(text)):
            if (
                not isinstance(node, ast.ClassDef)
                or node.name in inside
                or {"fuzz", "app"} & {*path.parts}
            ):
                continue
            bases = {ast.unparse(base) for base in node.bases}
            if any(base.endswith(("Error", "Exception", "NoPlan")) for base in bases):
                error = getattr(cf, node.name)
                assert issubclass(error, cf.CircflowError)
                assert node.name in cf.__all__


def test_exceptions_pickle(scenario: cf.Scenario) -> None:
    with pytest.raises(cf.ScenarioError) as bad:
        scenario.change({"Markets.price": "dear"})
    again = pickle.loads(pickle.dumps(bad.value))
    assert again.problems == bad.value.problems and str(again) == str(bad.value)
    none = cf.NoPlan("a", cf.Status.INFEASIBLE, "because")
    twin = pickle.loads(pickle.dumps(none))
    assert (twin.scenario, twin.status, twin.reason) == ("a", cf.Status.INFEASIBLE, "because")
    alone = pickle.loads(pickle.dumps(cf.CannotStandAloneError("a", ("b",), at_arms_length=True)))
    assert alone.members == ("b",) and alone.at_arms_length


def test_dir_and_help_tell_what_there_is(scenario: cf.Scenario) -> None:
    assert set(cf.__all__) <= set(dir(cf))
    for name in cf.__all__:
        assert inspect.getdoc(getattr(cf, name)), name
    shape = inspect.signature(cf.solve)
    asked = {"relax", "time_limit", "gap", "solver", "algorithm", "progress"}
    assert next(iter(shape.parameters)) == "scenario" and asked <= set(shape.parameters)
    for name in ("NoPlan", "AuditError", "SolverError", "ArgumentError"):
        assert name in (cf.solve.__doc__ or ""), name


def test_every_argument_is_described() -> None:
    """The docstring of a public function names each of its arguments, or says where they stand."""
    for name in cf.__all__:
        function = getattr(cf, name)
        if not inspect.isfunction(function):
            continue
        words = inspect.getdoc(function) or ""
        for argument in inspect.signature(function).parameters:
            elsewhere = "as in `sweep`" in words or "as in `circflow.sweep`" in words
            assert argument in words or elsewhere, (name, argument)


def test_the_public_names_are_those_that_a_type_checker_sees() -> None:
    tree = ast.parse((ROOT / "circflow" / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("circflow.")
        for alias in node.names
    }
    assert sorted(seen) == list(cf.__all__)
    for name, module in seen.items():
        assert getattr(cf, name) is getattr(import_module(str(module)), name), name


# --------------------------------------------------------------------------- Ctrl-C


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl-C, as a signal to a group")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """One word on standard error; no tracebacks of workers, no semaphores left behind."""
    script = tmp_path / "study.py"
    script.write_text(
        "import sys\n"
        "from circflow.cli import main\n"
        "if __name__ == '__main__':\n"
        f"    sys.exit(main(['sweep', {str(SHIPPED)!r}, '--jobs', '2', '--check-every', '0',\n"
        "        '--vary', 'Markets.price*=0.5:1.5:20000']))\n",
        encoding="utf-8",
    )
    study = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert study.stderr is not None
    first = study.stderr.readline()  # progress: it is under way
    while "left" not in first and "compiling" not in first:
        first = study.stderr.readline()
    os.killpg(study.pid, signal.SIGINT)
    _, rest = study.communicate(timeout=60)
    told = [line for line in rest.splitlines() if line and " left" not in line]
    assert study.returncode == 130
    assert [line for line in told if not line.startswith("compiling")] == ["interrupted"]


# --------------------------------------------------------------------------- what was changed

CHANGE = "Disposal.fee*=2"


def test_a_changed_scenario_knows_its_changes(scenario: cf.Scenario) -> None:
    changed = scenario.change({"Disposal.fee": "*2", "Units.status": "off"})
    assert changed.changes == (CHANGE, "Units.status=off")
    again = changed.change({"Scenario.discount_rate": 0.1})
    assert again.changes == (*changed.changes, "Scenario.discount_rate=0.1")
    assert scenario.changes == ()
    assert again.change({}).changes == again.changes


def _invoke(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_changes_are_told_in_all_that_solve_writes(tmp_path: Path) -> None:
    book, page, folder = tmp_path / "r.xlsx", tmp_path / "p.html", tmp_path / "csv"
    said = _invoke("solve", SHIPPED, "--set", CHANGE, "-o", book, "--report", page, "--csv", folder,
                   "--json", tmp_path / "r.json")  # fmt: skip
    assert f"Changed before the run: {CHANGE}" in said
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["changes"] == [CHANGE]
    assert pd.read_excel(book, sheet_name="Changes", engine="openpyxl").iloc[0, 0] == CHANGE
    summary = pd.read_excel(book, sheet_name="Summary", header=None, engine="openpyxl")
    assert summary[0].eq(f"Changed before the run: {CHANGE}").any()
    assert CHANGE in (folder / "changes.csv").read_text("utf-8-sig")
    assert f"changed before the run: {CHANGE}" in page.read_text("utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ("share", "-o"),
        ("forms", "-o"),
        ("evaluate", "-o"),
        ("firm", "--samples", "2", "-o"),
        ("sweep", "--vary", "Markets.price*=0.9;1", "-o"),
        ("tornado", "--sheet", "Disposal", "-o"),
        ("ranges", "Markets.price", "-o"),
        ("pareto", "--trade", "value", "disposed", "--points", "2", "-o"),
        ("alternatives", "--count", "1", "-o"),
        ("futures", "--outages", "units", "-o"),
        ("indicators", "-o"),
    ],
    ids=lambda c: c[0],
)
def test_changes_are_told_in_what_studies_write(tmp_path: Path, command: tuple[str, ...]) -> None:
    out = tmp_path / "out.xlsx"
    _invoke(command[0], SHIPPED, "--set", CHANGE, *command[1:], out)
    sheets = pd.read_excel(out, sheet_name=None, header=None, engine="openpyxl")
    told = next(sheet for name, sheet in sheets.items() if name.casefold() == "changes")
    assert told.isin([CHANGE]).any(axis=None)


def test_a_file_beside_its_change(tmp_path: Path) -> None:
    """compare FILE --set … sets the changed scenario against the file as it is."""
    out = tmp_path / "c.json"
    said = _invoke("compare", SHIPPED, "--set", CHANGE, "-o", out)
    assert "tutorial" in said and "changed" in said
    tables = json.loads(out.read_text("utf-8"))
    base = cf.solve(cf.read(SHIPPED)).objective
    less = next(r for r in tables["differences"] if r["figure"] == "objective")
    row = next(r for r in tables["figures"] if r["figure"] == "objective")
    assert row["tutorial"] == pytest.approx(base)
    assert less["tutorial"] == 0.0 and less["changed"] < 0.0
    assert tables["changes"] == [{"scenario": "changed", "change": CHANGE}]
    assert len(json.loads(_written(tmp_path, SHIPPED, SHIPPED))["figures"][0]) == 5


def _written(folder: Path, *files: Path) -> str:
    out = folder / "two.json"
    _invoke("compare", *files, "--set", CHANGE, "-o", out)
    return out.read_text("utf-8")


@pytest.mark.parametrize("algorithm", ["simplex", "ipx"])
def test_an_algorithm_by_name(
    results: dict[str, Any], scenario: cf.Scenario, algorithm: str
) -> None:
    assert cf.solve(scenario, algorithm=algorithm).objective == pytest.approx(
        results["solve"].objective
    )
    assert "optimal" in _invoke("solve", SHIPPED, "--algorithm", algorithm).casefold()
    with pytest.raises(cf.ArgumentError, match="there is no algorithm 'ipm'"):
        cf.solve(scenario, algorithm="ipm")
    with pytest.raises(cf.ArgumentError, match="does not go with 'glpk'"):
        cf.solve(scenario, algorithm=algorithm, solver="glpk")
