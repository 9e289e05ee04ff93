"""Work spread over threads."""

from __future__ import annotations

import threading

import pytest

from circflow.studies.bench.spread import spread


def test_work_is_spread_and_told() -> None:
    told: list[str] = []
    seen: set[int] = set()
    both = threading.Barrier(2, timeout=10.0)

    def work(worker: int, task: int) -> int:
        seen.add(worker)
        if task < 2:
            both.wait()  # neither goes on alone
        return 10 * task

    assert spread(work, [1, 2], range(4), told.append, "tasks") == [0, 10, 20, 30]
    assert seen == {1, 2}
    assert len(told) == 4 and any(line.startswith("tasks: 4 of 4, 0 s left") for line in told)
    with pytest.raises(ZeroDivisionError):
        spread(lambda _, task: 1 // task, [1, 2], range(4), told.append, "tasks")
