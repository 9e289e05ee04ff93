"""Where runs are done: in this process, in local processes, or on an engine of others (Dask).

Whatever does them, a task goes in and its result comes out; results come in any order. A worker
that dies costs what it was at: its tasks are given out again, and a task that kills a worker of
its own is reported as lost.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from circflow.i18n import in_use, say
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.worker import Parcel, work

Work = Callable[[Parcel, Any], Any]
Task = Any
"""What a worker is asked: anything that its `work` understands."""
_ALONE_SECONDS = 2.0
"""Work that this process does before others are started, which takes them about as long."""
_AHEAD = 3
"""Tasks given out per worker, so that none waits."""
_DASK_LOST = ("KilledWorker", "CommClosedError", "FutureCancelledError", "CancelledError")


class Lost:
    """A task whose worker died, again when it was alone."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Engine:
    """Does tasks. Use as a context manager.

    Args:
        jobs: local processes; 1 does everything in this one, None as many as there are processors
            where the work takes longer than it takes to start them.
        executor: an executor of `concurrent.futures` to use instead.
        dask: address of a Dask scheduler to use instead (extra `dask`).
        work: does a task of a job (a function that workers can import).
    """

    def __init__(
        self,
        jobs: int | None = 1,
        executor: Executor | None = None,
        dask: str | None = None,
        work: Work = work,
    ) -> None:
        if jobs is not None and jobs < 1:
            raise StudyError(say("the number of jobs must be at least 1, not {jobs}", jobs=jobs))
        if dask is not None and executor is not None:
            raise StudyError(say("give an executor or the address of a Dask scheduler, not both"))
        self.work = work
        self.jobs = jobs or os.cpu_count() or 1
        self.waits = jobs is None
        self.spent = 0.0
        self.given = executor
        self.address = dask
        self.client: Any = None
        self.pool: Executor | None = None
        self.stack = ExitStack()
        self.folder: Path | None = None

    def __enter__(self) -> Engine:
        if self.address is not None:
            self.client = self.stack.enter_context(_dask_client(self.address))
            self.pool = self.client.get_executor(pure=False)
            self.jobs = max(1, sum(self.client.nthreads().values()))
        elif self.given is not None:
            self.pool = self.given
            self.jobs = getattr(self.given, "_max_workers", None) or os.cpu_count() or 1
        elif self.jobs > 1 and not self.waits:
            self._start_pool()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(self.pool, ProcessPoolExecutor) and self.given is None:
            _end(self.pool, at_once=kind is not None)
        self.stack.close()

    def _start_pool(self, workers: int | None = None) -> None:
        if self.folder is None:
            self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.pool = ProcessPoolExecutor(
            workers or self.jobs, mp_context=multiprocessing.get_context("spawn")
        )

    def send(self, job: Any) -> Any:
        """Bring a job to where the workers find it."""
        parcel = Parcel.of(job)
        if self.client is not None:
            return self.client.scatter(parcel, broadcast=True, hash=False)
        return parcel if self.folder is None else self._filed(parcel, self.folder)

    @staticmethod
    def _filed(parcel: Parcel, folder: Path) -> Parcel:
        """A parcel in a file, which every process opens once."""
        path = folder / parcel.key
        path.write_bytes(parcel.data)
        return replace(parcel, data=b"", path=str(path))

    def run(self, parcel: Any, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        """Do tasks: (task, its result or `Lost`), as they finish."""
        tasks = iter(tasks)
        if self.pool is None:
            yield from self._here(parcel, tasks)
            if self.pool is None:
                return
            assert self.folder is not None
            parcel = self._filed(parcel, self.folder)
        yield from self._spread(parcel, tasks)

    def _here(self, parcel: Any, tasks: Iterator[Task]) -> Iterator[tuple[Task, Any]]:
        """Do tasks in this process, until others are worth starting."""
        for task in tasks:
            begun = time.perf_counter()
            result = self.work(parcel, task)
            self.spent += time.perf_counter() - begun
            yield task, result
            if self.waits and self.jobs > 1 and self.spent > _ALONE_SECONDS:
                self._start_pool()
                return

    def _spread(self, parcel: Any, tasks: Iterator[Task]) -> Iterator[tuple[Task, Any]]:
        waiting: dict[Future[Any], Task] = {}
        broken: list[Task] = []
        while True:
            try:
                for task in itertools.islice(tasks, self.jobs * _AHEAD - len(waiting)):
                    broken.append(task)  # until it is given out
                    waiting[self._submit(parcel, task)] = task
                    broken.pop()
            except BrokenExecutor:
                pass
            if not waiting and not broken:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED) if waiting else (set(), set())
            for future in done:
                task = waiting.pop(future)
                try:
                    yield task, future.result()
                except Exception as error:
                    if not _is_loss(error):
                        raise
                    broken.append(task)
            if broken:
                # The pool is of no more use: what was given out is done again, each task alone.
                lost = [*broken, *waiting.values()]
                broken, waiting = [], {}
                yield from self._one_by_one(parcel, lost)

    def _submit(self, parcel: Any, task: Task) -> Future[Any]:
        assert self.pool is not None
        with _interrupts_kept():
            return self.pool.submit(in_use(self.work), parcel, task)

    def _one_by_one(self, parcel: Any, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        """Tasks that were under way when a worker died, one at a time."""
        local = isinstance(self.pool, ProcessPoolExecutor) and self.given is None
        if local:
            assert isinstance(self.pool, ProcessPoolExecutor)
            _end(self.pool, at_once=True)
            self._start_pool(1)
        for task in tasks:
            try:
                yield task, self._submit(parcel, task).result()
            except Exception as error:
                if not _is_loss(error):
                    raise
                yield task, Lost(say("the worker died ({name})", name=type(error).__name__))
                if local:
                    self._start_pool(1)
        if local:
            assert isinstance(self.pool, ProcessPoolExecutor)
            self.pool.shutdown()
            self._start_pool()


def _is_loss(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenExecutor) or bool(names & set(_DASK_LOST))


def _end(pool: ProcessPoolExecutor, *, at_once: bool) -> None:
    if at_once:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)  # else its semaphores are left behind


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Processes that begin here do not hear Ctrl-C, which a terminal sends to all of a group: the
    one that gives out the tasks ends them. Here it is heard a moment later."""
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


def _dask_client(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise StudyError(
            say("Dask is not installed: pip install 'circflow[dask]', here and on the workers")
        ) from None
    try:
        make: Any = distributed.Client
        return make(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StudyError(
            say("no Dask scheduler answers at {address}: {error}", address=address, error=error)
        ) from None
