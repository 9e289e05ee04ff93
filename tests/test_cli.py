"""The command line as its users meet it: output, messages and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import openpyxl
import pandas as pd
import pytest

from circflow import cli_docs
from circflow.cli import cli, main
from circflow.commands.common import Progress, Refusal, read_scenario, split_assignment
from circflow.commands.finance import _lines as finance_lines
from circflow.commands.studies import swept
from circflow.data.files.json_text import jsonable
from circflow.i18n import language
from circflow.studies.errors import StudyError

DOCS = Path(__file__).parents[1] / "docs" / "cli.md"
SHEETS: dict[str, list[list[object]]] = {
    "Scenario": [["key", "value"], ["name", "Мини"], ["start_year", 2026]],
    "Periods": [["period", "years"], ["2026", 2], ["2028", 3]],
    "Sites": [
        ["site", "member", "latitude", "longitude"],
        ["Завод", "Металл", 58.0, 60.0],
        ["Город", None, 57.0, 60.0],
    ],
    "Materials": [
        ["material", "category", "stage"],
        ["шлак", "waste", "metallurgy"],
        ["щебень", "product", None],
    ],
    "Streams": [["site", "material", "amount_per_year"], ["Завод", "шлак", 1000]],
    "Recipes": [
        ["technology", "role", "material", "amount"],
        ["дробление", "input", "шлак", 1],
        ["дробление", "output", "щебень", 0.5],
    ],
    "RecipeCosts": [["technology", "variable_cost"], ["дробление", 100]],
    "Units": [
        ["unit", "site", "technology", "capacity_per_year", "status", "capex_million"],
        ["Дробилка", "Завод", "дробление", 600, "existing", None],
        ["Новая", "Завод", "дробление", 100, "candidate", 0.001],
    ],
    "Markets": [["site", "material", "price"], ["Город", "щебень", 1000]],
    "Disposal": [["site", "fee"], ["Завод", 50]],
}
# Per year 700 t are crushed to 350 t of gravel and 300 t are dumped: income 350 000, processing
# 70 000, disposal 15 000; the new unit costs 1 000 / 20 a year. Over 5 years, in million:
INCOME, PROCESSING, DISPOSAL, CAPITAL = 1.75, 0.35, 0.075, 0.00025


def write(path: Path, **changed: list[list[object]]) -> Path:
    """A workbook with the sheets above, some of them changed."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in (SHEETS | changed).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    return write(tmp_path / "мини.xlsx")


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def result(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# --------------------------------------------------------------------------- help and docs


def test_the_reference_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == cli_docs.reference(), (
        "run: python -m circflow.cli_docs > docs/cli.md"
    )


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_command_and_option_is_explained(name: str) -> None:
    command = cli.commands[name]
    assert command.help
    assert f"## circflow {name}\n" in DOCS.read_text(encoding="utf-8")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts}"


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys; from circflow.cli import main; main(['--help']);"
        "sys.exit(len({'pandas', 'numpy', 'pyomo', 'highspy', 'openpyxl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"solve" in done.stdout


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solv"], "Did you mean 'solve'?"),
        (["solve"], "Missing argument 'FILE'"),
        (["solve", "x.xlsx", "--foo"], "No such option '--foo'"),
        (["solve", "x.xlsx", "--gap", "nan"], "not a finite number"),
        (["solve", "x.xlsx", "--gap", "-1"], "--gap"),
        (["solve", "x.xlsx", "--time-limit", "0"], "--time-limit"),
        (["solve", "x.xlsx", "-o", "results.csv"], "must end in .xlsx"),
        (["solve", "x.xlsx", "-o", "no/such/results.xlsx"], "does not exist"),
        (["solve", "x.xlsx", "--json", "a", "--csv", "a"], "named for two results"),
        (["solve", "x.xlsx", "-o", "x.xlsx"], "is the scenario itself"),
        (["solve", "x.xlsx", "--set", "Markets"], "is not an assignment"),
        (["solve", "no.xlsx"], "no.xlsx"),
        (["check", "x.xlsx", "--annotate", "./x.xlsx"], "is the scenario itself"),
        (["convert", "x.xlsx", "x.xlsx"], "is the scenario itself"),
    ],
)
def test_wrong_use_is_one_plain_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------- scenario files


def test_a_template_never_replaces_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.xlsx"
    assert run("template", path) == 0
    assert "Streams" in openpyxl.load_workbook(path).sheetnames
    path.write_bytes(b"my work")
    assert run("template", path) == 2
    assert path.read_bytes() == b"my work"
    assert "--force" in capsys.readouterr().err
    assert run("template", path, "--force") == 0
    assert path.read_bytes() != b"my work"


def test_a_good_scenario_has_no_errors(mini: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", mini) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(("no problems", "0 errors, 1 warning"))


def test_every_problem_is_listed_by_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(
        tmp_path / "bad.xlsx",
        Streams=[["site", "material", "amount_per_year"], ["Завдо", "шлак", -5]],
        Markets=[["site", "material", "price"], ["Город", "щебень", "dear"]],
    )
    assert run("check", bad, "--json", tmp_path / "p.json", "--annotate", tmp_path / "a.xlsx") == 2
    out = capsys.readouterr().out
    for cell in ("Streams!A2", "Streams!C2", "Markets!C2"):
        assert cell in out
    assert "did you mean 'Завод'?" in out
    content = result(tmp_path / "p.json")
    assert content["errors"] == 3
    assert out.splitlines()[-1].startswith(f"{bad}: 3 errors")
    problem = next(p for p in content["problems"] if p["cell"] == "Streams!A2")
    assert problem["severity"] == "error"
    assert (problem["sheet"], problem["row"], problem["column"]) == ("Streams", 2, "A")
    assert (problem["found"], problem["suggestion"]) == ("Завдо", "Завод")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")["Streams"]["A2"].comment is not None
    # solve tells the same, one plain line each.
    assert run("solve", bad) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert sum(line.startswith("error: ") for line in told.err.splitlines()) == 3


def test_check_writes_json_alone_to_stdout(mini: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", mini, "--json", "-") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["errors"] == 0


def test_to_csv_and_back(mini: Path, tmp_path: Path) -> None:
    assert run("convert", mini, tmp_path / "folder") == 0
    assert (tmp_path / "folder" / "Streams.csv").exists()
    assert run("convert", tmp_path / "folder", tmp_path / "again.xlsx") == 0
    assert run("convert", tmp_path / "again.xlsx", tmp_path / "folder 2") == 0
    for one in (tmp_path / "folder").iterdir():
        assert (tmp_path / "folder 2" / one.name).read_bytes() == one.read_bytes()
    assert run("solve", tmp_path / "folder", "--quiet") == 0


def test_what_is_no_workbook_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04 not really")
    for command in ("check", "solve"):
        assert run(command, path) == 2
    assert run("convert", path, tmp_path / "y") == 2
    assert "internal" not in capsys.readouterr().err


# --------------------------------------------------------------------------- solve


def test_the_main_job(mini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = ["-o", tmp_path / "r.xlsx", "--csv", tmp_path / "csv", "--json", tmp_path / "r.json"]
    assert run("solve", mini, *outputs) == 0
    content = result(tmp_path / "r.json")
    assert set(content) == {
        *(
            "scenario",
            "changes",
            "status",
            "objective",
            "gap",
            "totals",
            "built",
            "audit",
            "seconds",
        ),
    }
    assert content["scenario"] == "Мини"
    assert content["status"] == "optimal"
    totals = content["totals"]
    assert totals["income"] == pytest.approx(INCOME)
    assert totals["costs"]["processing"] == pytest.approx(PROCESSING)
    assert totals["costs"]["disposal"] == pytest.approx(DISPOSAL)
    assert totals["costs"]["capital"] == pytest.approx(CAPITAL)
    assert content["objective"] == pytest.approx(INCOME - PROCESSING - DISPOSAL - CAPITAL)
    assert totals["use_share"] == pytest.approx(0.7)
    assert content["built"] == [{"unit": "Новая", "period": "2026", "capacity": 100.0}]
    assert content["audit"]["passed"] is True
    assert set(content["seconds"]) == {"read", "build", "solve", "total"}
    assert openpyxl.load_workbook(tmp_path / "r.xlsx").sheetnames[0] == "Summary"
    sales = pd.read_csv(tmp_path / "csv" / "sales.csv", encoding="utf-8-sig")
    assert sales["amount_per_year"].tolist() == pytest.approx([350.0, 350.0])
    out = capsys.readouterr().out
    for words in ("Мини", "Optimal plan", "Новая", "Завод", "щебень", "Audit passed"):
        assert words in out
    assert f"Written: {tmp_path / 'r.xlsx'}" in out


def test_json_alone_on_stdout(mini: Path) -> None:
    # in a process of its own: HiGHS writes past Python's streams
    with _start("solve", mini, "--json", "-") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["status"] == "optimal"


def test_quiet(mini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("solve", mini, "--quiet", "--json", tmp_path / "r.json") == 0
    assert capsys.readouterr() == ("", "")
    assert result(tmp_path / "r.json")["status"] == "optimal"


def test_set_acts_on_the_plan(mini: Path, tmp_path: Path) -> None:
    price = "Markets.price[material=щебень]*=2"
    assert run("solve", mini, "-q", "--json", tmp_path / "r.json", "--set", price) == 0
    assert result(tmp_path / "r.json")["totals"]["income"] == pytest.approx(2 * INCOME)


@pytest.mark.parametrize(
    ("edits", "price"),
    [
        (["*=2"], 2000.0),
        (["=20"], 20.0),
        (["=-5"], -5.0),
        (["+=-100"], 900.0),
        (["+=1000", "*=2"], 4000.0),
        (["*=2", "+=1000"], 3000.0),
        (["*=2", "*=2"], 4000.0),
    ],
)
def test_set_changes_cells_in_the_order_given(edits: list[str], price: float, mini: Path) -> None:
    scenario = read_scenario(mini, [f"Markets.price[material=щебень]{edit}" for edit in edits])
    assert scenario.frame("Markets")["price"].tolist() == [price]


@pytest.mark.parametrize(
    "assignment",
    ["Market.price=1", "Markets.prise=1", "Markets.price[material=щебен]=1", "Markets.price=dear"],
)
def test_a_wrong_address_is_bad_input(
    assignment: str, mini: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("solve", mini, "--set", assignment) == 2
    assert "internal" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A.b=1", ("A.b", "=", "1")),
        ("A.b *= 0.9", ("A.b", "*=", "0.9")),
        ("A.b+=-5", ("A.b", "+=", "-5")),
        ("A.b[c=d, e=f]=g=h", ("A.b[c=d, e=f]", "=", "g=h")),
        ('A.b[c="x]*=y"]*=2', ('A.b[c="x]*=y"]', "*=", "2")),
        ("A.b[c='it''s']=", ("A.b[c='it''s']", "=", "")),
    ],
)
def test_split_assignment(text: str, parts: tuple[str, str, str]) -> None:
    assert split_assignment(text) == parts


@pytest.mark.parametrize("text", ["A.b", "=5", "A.b[c=d", "", "A.b[c=d]5"])
def test_what_is_no_assignment(text: str) -> None:
    with pytest.raises(Refusal):
        split_assignment(text)


def test_no_feasible_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path / "full.xlsx",
        Disposal=[["site", "fee", "capacity_per_year"], ["Завод", 50, 100]],
    )
    outputs = ["-o", tmp_path / "r.xlsx", "--json", tmp_path / "r.json"]
    assert run("solve", path, *outputs) == 3
    content = result(tmp_path / "r.json")
    assert set(content) == {"scenario", "status", "reason"}
    assert content["status"] == "infeasible"
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: Мини: no plan (infeasible)")
    assert content["reason"].split() == told.err.partition("(infeasible):")[2].split()
    assert not (tmp_path / "r.xlsx").exists()


def test_unbounded(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mint.xlsx",
        Purchases=[["site", "material", "price"], ["Город", "щебень", 1]],
    )
    assert run("solve", path, "--json", tmp_path / "r.json", "-q") == 4
    assert result(tmp_path / "r.json")["status"] == "unbounded"


def test_a_failed_audit_is_an_error(
    mini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from circflow.solution import audit
    from circflow.solution.findings import COLUMNS

    row = ["balance", "Завод / шлак", "2026", 5.0, 4.0, 0.2]
    findings = pd.DataFrame([row], columns=COLUMNS)
    monkeypatch.setattr(audit, "audit", lambda _: audit.Audit(False, 0.2, 0.0, findings))
    assert run("solve", mini, "--json", tmp_path / "r.json") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "balance, Завод / шлак in 2026: expected 5, found 4" in told.err
    assert result(tmp_path / "r.json")["audit"]["passed"] is False


def test_an_internal_error_is_one_line(
    mini: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr("circflow.solve", broken)
    assert run("solve", mini) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error")]
    assert "ZeroDivisionError: oh no" in line
    assert "CIRCFLOW_DEBUG=1" in line
    monkeypatch.setenv("CIRCFLOW_DEBUG", "1")
    assert run("solve", mini) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_told(
    mini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, path: Path, *__: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("circflow.report.workbook.write_results", full)
    assert run("solve", mini, "-o", tmp_path / "r.xlsx") == 2
    assert "no space left on device" in capsys.readouterr().err


# --------------------------------------------------------------------------- terminals


def _start(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "circflow", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    )


def test_any_script_on_a_latin_terminal(mini: Path) -> None:
    with _start("check", mini, PYTHONIOENCODING="latin-1") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"no problems" in out
    with _start("check", mini, "--json", "-", PYTHONIOENCODING="latin-1") as process:
        out, err = process.communicate(timeout=60)
    assert json.loads(out.decode("utf-8"))["file"] == str(mini)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_a_reader_that_leaves(mini: Path) -> None:
    with _start("check", mini) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 141
    assert b"Traceback" not in err
    assert b"Exception" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_interrupted(mini: Path, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time, circflow.solver.run as run\n"
        # a suite in the background of a shell would hand down that Ctrl-C is ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slow(*a, **k):\n"
        "    print('go', flush=True); time.sleep(60)\n"
        "run.solve = slow\n"
        "from circflow.cli import main\n"
        f"sys.exit(main(['solve', {str(mini)!r}, '-o', {str(tmp_path / 'r.xlsx')!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == b"interrupted"
    assert [p.name for p in tmp_path.iterdir()] == [mini.name]


def test_progress_waits_and_then_tells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Progress() as progress, Progress(quiet=True) as silent:
        for second in range(0, 61):
            now[0] = float(second)
            progress(f"solving: {second} s")
            silent("never")
    told = capsys.readouterr()
    assert told.out == ""
    seconds = [int(line.split()[1]) for line in told.err.splitlines()]
    assert seconds[:3] == [2, 4, 6]
    assert len(seconds) < 25


def test_json_is_strict() -> None:
    import numpy as np

    value = {"a": float("nan"), 1: np.float64(2.5), "b": [np.int64(3), np.bool_(True), None, "x"]}
    assert jsonable(value) == {"a": None, "1": 2.5, "b": [3, True, None, "x"]}
    assert json.dumps(jsonable({"v": np.inf}), allow_nan=False) == '{"v": null}'


def test_names_of_units_stand_as_they_are_in_every_language(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A plant is no unit of measure, whatever it is called."""
    book = openpyxl.load_workbook(Path(__file__).parents[1] / "scenarios" / "tutorial.xlsx")
    for sheet in book.worksheets:
        for row in sheet.iter_rows(min_row=2):
            for cell in row:
                if isinstance(cell.value, str):
                    cell.value = cell.value.replace("Brick plant", "t per day")
    book.save(tmp_path / "day.xlsx")
    for command in (["evaluate"], ["firm", "--samples", "1"]):
        study = ["--lang", "ru", *command, str(tmp_path / "day.xlsx"), "--jobs", "1"]
        assert main(study) == 0
        assert "\n  t per day  " in capsys.readouterr().out, command
    brings = {"unit": ["t per day"], "budget": ["local"], "million_per_year": [2.0]}
    nothing = pd.DataFrame(columns=["member", "period", "budget"])
    tables = {"finance": nothing, "candidates": pd.DataFrame(brings)}
    with language("ru"):
        assert finance_lines(tables, "Region", "RUB")[-1].startswith("  t per day  ")


def test_a_sweep_of_nothing_asks_for_values_or_a_study() -> None:
    scenario = read_scenario(Path(__file__).parents[1] / "scenarios" / "tutorial")
    with pytest.raises(StudyError, match="give either values by address or the name of a study"):
        swept(scenario, None, [])
