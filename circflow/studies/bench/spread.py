"""Work spread over threads: each has benches or sessions of its own."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from circflow.i18n import in_use, say
from circflow.studies.progress import time_left

Worker = TypeVar("Worker")
Task = TypeVar("Task")
Answer = TypeVar("Answer")


def spread(
    work: Callable[[Worker, Task], Answer],
    workers: Sequence[Worker],
    tasks: Sequence[Task],
    tell: Callable[[str], None],
    what: str,
) -> list[Answer]:
    """The answer to every task, in order.

    Args:
        work: does a task with a worker.
        workers: one per thread; each has one task at a time.
        tasks: what is to be done.
        tell: is told how far it is, and how long it still takes.
        what: the tasks are, in the plural.
    """
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in workers:
        free.put(worker)
    finished, begun = 0, time.perf_counter()

    def one(task: Task) -> Answer:
        nonlocal finished
        worker = free.get()
        try:
            return work(worker, task)
        finally:
            free.put(worker)
            finished += 1
            left = time_left(begun, finished, len(tasks))
            tell(
                say(
                    "{what}: {done} of {total}, {left}",
                    what=say(what),
                    done=finished,
                    total=len(tasks),
                    left=left,
                )
            )

    if len(workers) == 1:
        return [one(task) for task in tasks]
    with ThreadPoolExecutor(len(workers)) as pool:
        under_way = [pool.submit(in_use(one), task) for task in tasks]
        try:
            return [answer.result() for answer in under_way]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
