"""The command: what it prints and writes, its exit codes, and that findings are made small."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.fuzz import command, worker
from circflow.fuzz.judge import Finding
from circflow.fuzz.regions import Sheets
from circflow.fuzz.shrink import shrunk


def only(monkeypatch: Any, check: worker.Check) -> None:
    """Let regions be judged by `check`."""
    monkeypatch.setattr(command, "FAMILIES", (replace(worker.FAMILIES[0], check=check),))


def test_without_findings_the_summary_and_exit_code_0(tmp_path: Path) -> None:
    options = ["--cases", "1", "--only", "solved", "--folder", str(tmp_path / "found")]
    done = CliRunner().invoke(command.main, options)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].endswith("1 scenarios, 1 checks, 0 findings")
    assert not (tmp_path / "found").exists()


def test_two_jobs_check_the_same_scenarios(tmp_path: Path, monkeypatch: Any) -> None:
    def by_case(sheets: Sheets, case: str, names: tuple[str, ...] = ()) -> Any:
        yield "solved"
        yield Finding("solved", f"solved: {case} is wrong", {})

    only(monkeypatch, by_case)
    monkeypatch.setattr(worker, "shrunk", lambda sheets, shows: sheets)
    told = {}
    for jobs in ("1", "2"):
        options = ["--cases", "4", "--jobs", jobs, "--only", "solved", "--folder", str(tmp_path)]
        lines = CliRunner().invoke(command.main, options).stdout.splitlines()
        told[jobs] = sorted(line for line in lines if "is wrong" in line)
    assert told["1"] == told["2"]
    assert len({line for line in told["1"] if "solved: 0/" in line}) == 8  # four cases, two lines


def test_a_finding_is_a_line_to_replay_and_a_folder_and_exit_code_1(
    tmp_path: Path, monkeypatch: Any
) -> None:
    def wrong(sheets: Sheets, case: str, names: tuple[str, ...] = ()) -> Any:
        yield "solved"
        if any(row["material"] == "lime" for row in sheets["Materials"]):
            yield Finding("solved", "solved: it is wrong", {"scenario": sheets})

    only(monkeypatch, wrong)
    options = ["--replay", "0/3", "--only", "solved", "--folder", str(tmp_path)]
    done = CliRunner().invoke(command.main, options)
    assert done.exit_code == 1, done.output
    assert "python -m circflow.fuzz --replay 0/3 --only solved" in done.stdout
    folder = tmp_path / "0-3-solved" / "scenario"
    assert f"{folder.parent}: solved: it is wrong" in done.stdout
    assert (folder / "Materials.csv").read_text() == "material\nlime\n"  # nothing else matters
    assert done.stdout.splitlines()[-1].endswith("1 scenarios, 1 checks, 1 findings")


def test_a_written_scenario_reads_back(tmp_path: Path, monkeypatch: Any) -> None:
    def wrong(sheets: Sheets, case: str, names: tuple[str, ...] = ()) -> Any:
        yield Finding("solved", "wrong", {"scenario": sheets})

    only(monkeypatch, wrong)
    monkeypatch.setattr(worker, "shrunk", lambda sheets, shows: sheets)
    options = ["--replay", "0/3", "--only", "solved", "--folder", str(tmp_path)]
    assert CliRunner().invoke(command.main, options).exit_code == 1
    assert cf.read(tmp_path / "0-3-solved" / "scenario").name == "fuzz"


@pytest.mark.parametrize("name", ["nothing", "raised maximum"])
def test_an_unknown_check_is_refused(name: str) -> None:
    done = CliRunner().invoke(command.main, ["--only", name])
    assert done.exit_code == 2


def test_shrinking_keeps_what_matters() -> None:
    sheets: Sheets = {
        "Sites": [{"site": "A", "hub": True}, {"site": "B", "hub": None}],
        "Units": [{"unit": "U", "jobs": 3.0}],
    }
    small = shrunk(sheets, lambda s: any(r.get("site") == "A" for r in s.get("Sites", [])))
    assert small == {"Sites": [{"site": "A"}]}


def test_a_check_that_never_ends_and_one_that_crashes_are_findings(
    tmp_path: Path, monkeypatch: Any
) -> None:
    def endless(sheets: Sheets, case: str, names: tuple[str, ...] = ()) -> Any:
        yield "solved"
        while True:
            pass

    def crashing(sheets: Sheets, case: str, names: tuple[str, ...] = ()) -> Any:
        yield "solved"
        os._exit(9)

    monkeypatch.setattr(worker, "SILENCE", 0.5)
    options = ["--replay", "0/3", "--only", "solved", "--folder", str(tmp_path)]
    for check, text in (
        (endless, "no answer within 0 seconds of the processor"),
        (crashing, "the process ended with 9"),
    ):
        only(monkeypatch, check)
        done = CliRunner().invoke(command.main, options)
        assert done.exit_code == 1
        assert f"after solved: {text}" in done.stdout
        assert cf.read(tmp_path / "0-3-solved" / "scenario").name == "fuzz"
