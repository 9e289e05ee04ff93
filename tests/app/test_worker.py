"""A process for the work: stopped, killed, left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from circflow.app.worker import JobFailedError, Worker, WorkerDiedError
from circflow.data.files.books import read_book

SVERDLOVSK = Path(__file__).parents[2] / "scenarios" / "sverdlovsk.xlsx"


def wait(until: float, *, of: object) -> None:
    while not of() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.01)
    assert of()  # type: ignore[operator]


@pytest.fixture
def share(tmp_path: Path) -> tuple[object, ...]:
    """A job that takes many seconds."""
    return (read_book(SVERDLOVSK), {}, str(tmp_path), {})


def test_a_stopped_job_ends_and_the_next_begins(
    workers: dict[str, Worker], share: tuple[object, ...], workbook: Path
) -> None:
    worker = workers["bench"]
    worker.do("read", str(workbook))
    job = worker.submit("share", *share)
    waiting = worker.submit("read", str(workbook))
    after = worker.submit("read", str(workbook))
    wait(time.monotonic() + 60, of=lambda: job.words != "waiting")
    worker.stop(waiting)
    with pytest.raises(JobFailedError, match="before it began"):
        waiting.future.result(1)
    worker.stop(job)
    with pytest.raises(JobFailedError) as stopped:
        job.future.result(60)
    assert stopped.value.kind == "Stopped"
    assert len(after.future.result(60).sheets) == len(read_book(workbook).sheets)


def test_a_killed_process_costs_one_job(share: tuple[object, ...], workbook: Path) -> None:
    worker = Worker("one")
    try:
        job = worker.submit("share", *share)
        wait(time.monotonic() + 60, of=lambda: job.words != "waiting")
        assert worker._process is not None
        worker._process.kill()
        with pytest.raises(WorkerDiedError):
            job.future.result(30)
        assert worker.do("read", str(workbook), timeout=60).sheets
    finally:
        worker.close()


CHILD = """
import sys, time
from circflow.app.worker import Worker
if __name__ == "__main__":
    worker = Worker("child")
    worker.submit("read", sys.argv[1]).future.result(60)
    print(worker._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_what_waits_for_a_closed_worker_fails(share: tuple[object, ...], workbook: Path) -> None:
    worker = Worker("one")
    job, waiting = worker.submit("share", *share), worker.submit("read", str(workbook))
    wait(time.monotonic() + 60, of=lambda: job.words != "waiting")
    worker.close()
    for one in (job, waiting):
        with pytest.raises(WorkerDiedError):
            one.future.result(30)


def test_nothing_is_left_when_the_server_is_killed(tmp_path: Path, workbook: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD, encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, str(script), str(workbook)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    worker = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.wait()

    def gone() -> bool:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{worker}/stat")
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"

    wait(time.monotonic() + 20, of=gone)
