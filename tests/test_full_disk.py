"""Full disks, limits on the size of files, closed and full streams, stores that others hold."""

from __future__ import annotations

import functools
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from circflow.cli import main

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "scenarios" / "tutorial.xlsx"
VARIED = ("--vary", "Markets.price[material=bricks]*=0.9;1;1.1")


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk is like: writing beyond so many bytes of a file fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # else bytecode is cut off too
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        ["solve", TUTORIAL, "-q", "-o", "results.xlsx"],
        ["solve", TUTORIAL, "-q", "--json", "results.json"],
        ["solve", TUTORIAL, "-q", "--report", "results.html"],
        ["template", "new.xlsx"],
        ["convert", TUTORIAL, "folder"],
        ["check", TUTORIAL, "--annotate", "marked.xlsx"],
    ],
    ids=lambda command: f"{command[0]} {command[-1]}",
)
def test_a_file_that_may_not_grow(
    command: list[str | Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with files_no_larger_than(100):
        code = main([str(part) for part in command])
    assert code == 2
    told = one_line(capsys.readouterr().err)
    assert str(command[-1]) in told
    assert "ulimit -f" in told
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_may_not_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "runs.sqlite"
    command = ["sweep", str(TUTORIAL), "-q", *VARIED, "-o", str(store)]
    with files_no_larger_than(8000):
        assert main(command) == 2
    assert "make room" in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
    assert main(command) == 0


def test_a_store_that_was_only_begun(tmp_path: Path) -> None:
    store = tmp_path / "runs.sqlite"
    with sqlite3.connect(store) as file:  # killed between creating the file and filling it
        file.execute("pragma journal_mode=wal")
        file.execute("pragma user_version=1")
    file.close()
    assert store.stat().st_size > 0
    assert main(["sweep", str(TUTORIAL), "-q", *VARIED, "-o", str(store), "--resume"]) == 0


def test_a_full_store_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from circflow.studies.bench.store import Result, Store

    store = tmp_path / "runs.sqlite"
    command = ["sweep", str(TUTORIAL), "-q", *VARIED, "-o", str(store)]
    add = Store.add

    def full(self: Store, results: Iterable[Result]) -> None:
        self.file.execute("pragma max_page_count=1")  # SQLite takes it as what it has now
        add(self, [*results, Result("1000", {"reason": "x" * 1_000_000})])

    monkeypatch.setattr(Store, "add", full)
    assert main(command) == 2
    assert "the disk is full" in one_line(capsys.readouterr().err)
    monkeypatch.setattr(Store, "add", add)
    assert main([*command, "--resume"]) == 0


def test_a_locked_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "runs.sqlite"
    command = ["sweep", str(TUTORIAL), "-q", *VARIED, "-o", str(store), "--resume"]
    assert main(command) == 0
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", functools.partial(connect, timeout=0.0))
    other = connect(store, isolation_level=None)
    other.execute("pragma journal_mode=delete")
    other.execute("begin exclusive")
    try:
        assert main(command) == 2
    finally:
        other.close()
    assert "another program holds the store" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(("closed", "name"), [(1, "standard output"), (2, "standard error")])
def test_closed_streams(closed: int, name: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$0" "$@" {closed}>&-',
            sys.executable,
            "-m",
            "circflow",
            "solve",
            str(TUTORIAL),
            "-o",
            str(tmp_path / "results.xlsx"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 2
    assert f"{name} is closed" in one_line(result.stdout + result.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("full", [1, 2])
def test_output_that_takes_no_more(full: int) -> None:
    command = ["template"] if full == 2 else ["--help"]
    result = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$0" "$@" {full}>/dev/full',
            sys.executable,
            "-m",
            "circflow",
            *command,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 2
    if full == 1:
        assert "the output cannot be written: the disk is full" in one_line(result.stderr)


def test_a_store_of_values_that_may_not_grow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "values.sqlite"
    command = ["share", str(TUTORIAL), "-q", "--store", str(store)]
    with files_no_larger_than(200):
        assert main(command) == 2
    assert "values.sqlite" in one_line(capsys.readouterr().err)
    assert main(command) == 0
