"""The code style and the types, as everybody has to run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MYPY = """
import gc, mypy.main
set_threshold = gc.set_threshold
gc.set_threshold = lambda *of_mypy: set_threshold(2_000_000, 30, 30)  # a tenth of its searches
mypy.main.main()
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff(command: tuple[str, ...]) -> None:
    done = run("-m", "ruff", *command, "circflow", "tests", "benchmarks", "scenarios")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_strict() -> None:
    done = run("-c", MYPY, "circflow")
    assert done.returncode == 0, done.stdout + done.stderr
