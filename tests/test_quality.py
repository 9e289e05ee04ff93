"""The code style and the types, as everybody has to run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MYPY = """
import gc, mypy.main
set_threshold = gc.set_threshold
gc.set_threshold = lambda *of_mypy: set_threshold(0)  # no searches: 1.1 GB, not 0.5
mypy.main.main()
"""
SCRIPT = """\
import circflow as cf

scenario = cf.read("scenarios/tutorial.xlsx")
try:
    solution = cf.solve(scenario, time_limit=10.0)
except cf.NoPlan as none:
    raise SystemExit(none.reason) from none
objective: float = solution.objective
runs: cf.Runs = cf.sweep(scenario, {"Markets.price": [0.9, 1.1]})
best = runs.table["objective_million"].max()
gains: cf.Sharing = cf.share(scenario)
shares: dict[str, float] = gains.of("shapley")
reveal_type(cf.evaluate(scenario).best_million)
cf.solve("a.xlsx")
"""


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    plain = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=plain, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff(command: tuple[str, ...]) -> None:
    done = run("-m", "ruff", *command, "circflow", "tests", "benchmarks", "scenarios")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_strict(tmp_path: Path) -> None:
    """The package; then a script of a user, with what was read of pandas and numpy."""
    cache = ROOT / ".mypy_cache"
    done = run("-c", MYPY, "--cache-dir", str(cache), "circflow")
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(cache, tmp_path / "cache")
    _a_script_type_checks_with_an_editable_install(tmp_path)


def _a_script_type_checks_with_an_editable_install(folder: Path) -> None:
    source, wheels, home = folder / "source", folder / "wheels", folder / "env"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "circflow", source / "circflow", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    wheels.mkdir()
    build = f"import setuptools.build_meta as b; b.build_editable({str(wheels)!r})"
    done = run("-c", build, cwd=source)
    assert done.returncode == 0, done.stderr
    venv.create(home, system_site_packages=True, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"), home / "Lib" / "site-packages")
    with zipfile.ZipFile(next(wheels.iterdir())) as wheel:
        wheel.extractall(site)
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    python = str(next(home.glob("bin/python"), home / "Scripts" / "python.exe"))
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", "cache"]
    done = run("-m", "mypy", *options, "--python-executable", python, "script.py", cwd=folder)
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout
    assert 'Revealed type is "float"' in lines[0]
    assert 'incompatible type "str"; expected "Scenario"' in lines[1]
    assert done.returncode == 1
