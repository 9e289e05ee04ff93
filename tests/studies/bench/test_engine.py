"""Every study gives the same for any number of workers, and on Dask, through the one engine."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import circflow as cf
from circflow.cli import cli
from circflow.studies.bench import engine as engine_module
from circflow.studies.bench.engine import Engine, blocks

TUTORIAL = Path(__file__).parents[3] / "scenarios" / "tutorial"
STUDIES: dict[str, Callable[..., list[pd.DataFrame]]] = {
    "pareto": lambda s, **w: [cf.pareto(s, points=3, **w).table],
    "alternatives": lambda s, **w: [cf.near_optimal(s, **w).table],
    "indicators": lambda s, **w: [cf.indicators(s, **w)],
    "break points": lambda s, **w: [
        cf.break_points(s, "Disposal.fee", 0.5, 2.0, decisions="fixed", **w)
    ],
}
COMMANDS = """sweep tornado ranges pareto alternatives breakpoints evaluate share compare forms
indicators suggest firm futures finance"""


def test_every_study_takes_both_options() -> None:
    for name in COMMANDS.split():
        options = {text for one in cli.commands[name].params for text in one.opts}
        assert {"--jobs", "--dask"} <= options, name


def _double(factor: int, task: int) -> int:
    return factor * task


def test_answers_come_in_order_and_are_told() -> None:
    told: list[str] = []
    with Engine(tell=told.append) as engine:
        assert engine.spread(_double, 2, range(4), "tasks") == [0, 2, 4, 6]
    assert told[-1] == "tasks: 4 of 4, 0 s left"
    assert [list(block) for block in blocks(range(5), 2)] == [[0, 1], [2, 3], [4]]


def test_processes_join_while_a_task_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first task here ends only when another process has been given tasks."""
    monkeypatch.setattr(engine_module, "_ALONE_SECONDS", 0.1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    joined = threading.Event()
    give_out = Engine._give_out

    def given(engine: Engine, *args: Any) -> None:
        give_out(engine, *args)
        joined.set()

    monkeypatch.setattr(Engine, "_give_out", given)
    here: list[str] = []

    class Slow(int):
        def __rmul__(self, factor: int) -> int:
            here.append(threading.current_thread().name)
            assert joined.wait(30.0)
            return 0

    with Engine(None) as engine:
        assert engine.spread(_double, 2, [Slow(0), 1, 2, 3], "tasks") == [0, 2, 4, 6]
    assert here == ["MainThread"]


SCRIPT = """
import sys
import circflow as cf
scenario = cf.read(sys.argv[1])
front = cf.pareto(scenario, points=3, jobs=2)
print("points", len(front.table))
"""


def test_a_script_without_a_guard_uses_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(TUTORIAL)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("points") == 1


KILLED = """
import operator, os, signal
from circflow.studies.bench.engine import Engine
with Engine(2) as engine:
    print(engine.spread(operator.mul, 2, range(4), "tasks"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_with_the_process_that_began_them() -> None:
    """The pipe of what they print is open as long as one of them is there."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "[0, 2, 4, 6]\n"


@pytest.fixture(scope="module")
def tutorial() -> cf.Scenario:
    return cf.read(TUTORIAL)


def _same(one: list[pd.DataFrame], other: list[pd.DataFrame]) -> None:
    for mine, theirs in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-9)


@pytest.mark.parametrize("name", STUDIES)
def test_two_processes_give_the_same(tutorial: cf.Scenario, name: str) -> None:
    _same(STUDIES[name](tutorial, jobs=2), STUDIES[name](tutorial, jobs=1))


def test_dask_gives_the_same(tutorial: cf.Scenario) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        there = STUDIES["pareto"](tutorial, dask=cluster.scheduler_address)
    _same(there, STUDIES["pareto"](tutorial, jobs=1))
