"""What a second Dask worker brings to a Monte Carlo, against one worker in the same run.

    python benchmarks/workers.py [SCENARIO] [--runs 100]

A scheduler and one, then two workers of one thread each are started on this machine, and the same
samples of the sheet Ranges are run on both. Two workers on two idle cores would take half the time
of one; what all runs share (compiling, starting) is in the time of both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import circflow as cf


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers."""
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "scheduler.json"
        shared = ["--scheduler-file", str(described), "--no-dashboard"]
        kinds = [["dask_scheduler", "--port", "0"]]
        kinds += [["dask_worker", "--nthreads", "1", "--no-nanny"]] * workers
        parts = []
        try:
            for name, *options in kinds:
                command = [sys.executable, "-m", f"distributed.cli.{name}", *options, *shared]
                parts.append(
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
                while not described.exists() or not described.stat().st_size:
                    time.sleep(0.05)
            address = json.loads(described.read_text())["address"]
            _wait(address, workers)
            yield address
        finally:
            for part in parts:
                part.kill()
                part.wait()


def _wait(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", nargs="?", type=Path, default=Path("scenarios/kuzbass"))
    parser.add_argument("--runs", type=int, default=100)
    asked = parser.parse_args()
    scenario = cf.read(asked.scenario)
    spent, found = [], []
    for workers in (1, 2):
        with cluster(workers) as address:
            begun = time.perf_counter()
            runs = cf.sample(scenario, asked.runs, seed=1, check_every=None, dask=address)
            spent.append(time.perf_counter() - begun)
            found.append(runs.table["objective_million"])
    print(f"{scenario.name}: {asked.runs} samples, decisions searched in each")
    for workers, seconds in zip((1, 2), spent, strict=True):
        print(f"{workers} worker{'s' if workers > 1 else ' '}  {seconds:8.1f} s")
    print(f"two / one  {spent[1] / spent[0]:8.2f}   (wanted: little above 0.5)")
    print(f"same answers: {'yes' if found[0].equals(found[1]) else 'NO'}")


if __name__ == "__main__":
    main()
