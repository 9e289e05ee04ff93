"""Where every study is done: in this process, in local processes, or on others (Dask).

A study hands out tasks of a job. The job is what they have in common and goes to a worker once;
what a task gives depends on the job and the task alone, whoever does it and in whichever order. A
worker that dies costs what it was at: its tasks are given out again, and a task that kills a worker
of its own is reported as lost.
"""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from circflow.data.pandas_text import python_strings
from circflow.i18n import in_use, say
from circflow.studies.errors import StudyError
from circflow.studies.progress import time_left

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_ALONE_SECONDS = 2.0
"""Work that this process does before others are started, which takes them about as long."""
_AHEAD = 3
"""Tasks given out per worker, so that none waits."""
_NONE: Any = object()
_DASK_LOST = ("KilledWorker", "CommClosedError", "FutureCancelledError", "CancelledError")


@dataclass(frozen=True)
class Parcel:
    """A pickled job of any study, or the file that it stands in; `key` tells parcels apart."""

    key: str
    data: bytes = b""
    path: str = ""
    here: Any = None
    """The job itself, in the process that it comes from."""

    @staticmethod
    def of(job: Any) -> Parcel:
        """Pack a job."""
        data = pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL)
        return Parcel(hashlib.sha256(data).hexdigest(), data)

    def open(self) -> Any:
        """Unpack it; the last one stays unpacked."""
        if self.here is not None:
            return self.here
        job = _OPEN.get(self.key)
        if job is None:
            job = pickle.loads(self.data or Path(self.path).read_bytes())
            _OPEN.clear()
            _OPEN[self.key] = job
        return job


_OPEN: dict[str, Any] = {}

Job = TypeVar("Job")
Task = TypeVar("Task")
Answer = TypeVar("Answer")
Work = Callable[[Parcel, Any], Any]
"""Does a task of a parcel's job: a function that workers can import."""


@dataclass(frozen=True)
class Lost:
    """A task whose worker died, again when it was alone."""

    reason: str


class Engine:
    """Does tasks. Use as a context manager.

    Args:
        jobs: local processes; 1 does everything in this one, None as many as there are processors
            where the work takes longer than it takes to start them.
        executor: an executor of `concurrent.futures` to use instead.
        dask: address of a Dask scheduler to use instead (extra `dask`).
        tell: is told how far the tasks are, and how long they still take.
    """

    def __init__(
        self,
        jobs: int | None = 1,
        executor: Executor | None = None,
        dask: str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        if dask is not None and executor is not None:
            raise StudyError("give an executor or the address of a Dask scheduler, not both")
        self.tell = tell or (lambda _: None)
        self.jobs = jobs or os.cpu_count() or 1
        self.waits = jobs is None
        self.spent = 0.0
        self.given = executor
        self.address = dask
        self.client: Any = None
        self.pool: Executor | None = None
        self.processes: ProcessPoolExecutor | None = None
        """The pool, where it is of local processes that were started here."""
        self.stack = ExitStack()
        self.folder: Path | None = None
        self._given_out: dict[Future[Any], Any] = {}
        self._broken: list[Any] = []
        self._others: _Others | None = None

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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._others is not None:
            self._others.__exit__()
        if self.processes is not None:
            _end(self.processes, at_once=kind is not None)
        self.stack.close()

    def _start_pool(self, workers: int | None = None) -> None:
        if self.folder is None:
            self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.pool = self.processes = ProcessPoolExecutor(
            workers or self.jobs, mp_context=processes(), initializer=_begin_worker
        )

    def send(self, job: Any) -> Any:
        """Bring a job to where the workers find it."""
        if self.pool is None and self.jobs == 1:
            return Parcel("here", here=job)
        parcel = Parcel.of(job)
        if self.client is not None:
            # as a task's answer, which is made again where the worker dies that has it
            return self.client.submit(replace, parcel, pure=False)
        if self.pool is None:
            return replace(parcel, here=job)
        return parcel if self.folder is None else self._filed(parcel, self.folder)

    @staticmethod
    def _filed(parcel: Parcel, folder: Path) -> Parcel:
        """A parcel in a file, which every process opens once."""
        path = folder / parcel.key
        path.write_bytes(parcel.data)
        return Parcel(parcel.key, path=str(path))

    def spread(
        self,
        work: Callable[[Job, Task], Answer],
        job: Job,
        tasks: Sequence[Task],
        what: str,
    ) -> list[Answer]:
        """What every task gives, in order.

        Args:
            work: does a task of a job: a function that workers can import. It leaves the job as
                it is, but for what it would work out again.
            job: what the tasks have in common.
            tasks: what is to be done.
            what: the tasks are, in the plural; without, nothing is told.

        Raises:
            StudyError: a task's worker died, again when it was alone.
        """
        answers: dict[int, Answer] = {}
        for n, answer in self.each(work, self.send(job), tasks, what) if tasks else ():
            if isinstance(answer, Lost):
                raise StudyError(f"{say(what)}: {answer.reason}")
            answers[n] = answer
        return [answers[n] for n in range(len(tasks))]

    def each(
        self,
        work: Callable[[Any, Task], Answer],
        parcel: Any,
        tasks: Sequence[Task],
        what: str = "",
    ) -> Iterator[tuple[int, Answer | Lost]]:
        """As `spread`, of a job that has been sent: the number of each task and what it gives, as
        they finish; `Lost` where its worker died, again when it was alone."""
        begun, total = time.perf_counter(), len(tasks)
        numbered = [(n, work, task) for n, task in enumerate(tasks)]
        for done, ((n, *_), answer) in enumerate(self._run(_one, parcel, numbered), start=1):
            if what:
                left = time_left(begun, done, total)
                self.tell(
                    say(
                        "{what}: {done} of {total}, {left}",
                        what=say(what), done=done, total=total, left=left,
                    )
                )  # fmt: skip
            yield n, answer

    def _run(self, work: Work, parcel: Any, listed: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Do tasks: (task, its result or `Lost`), as they finish."""
        tasks, work = iter(listed), in_use(work)
        if self.pool is None:
            with _Others(self, work, parcel, tasks, len(listed)) as self._others:
                while (task := self._others.next()) is not _NONE:
                    begun = time.perf_counter()
                    result = work(parcel, task)
                    self.spent += time.perf_counter() - begun
                    self._others.done += 1
                    yield task, result
            if self.pool is None:
                return
            parcel, tasks = self._others.parcel, self._others.tasks
        yield from self._spread(work, parcel, tasks)

    def _spread(self, work: Work, parcel: Any, tasks: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        while True:
            self._give_out(work, parcel, tasks)
            waiting = self._given_out
            if not waiting and not self._broken:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED) if waiting else (set(), set())
            for future in done:
                task = waiting.pop(future)
                try:
                    yield task, future.result()
                except Exception as error:
                    if not _is_loss(error):
                        raise
                    self._broken.append(task)
            if self._broken:
                # The pool is of no more use: what was given out is done again, each task alone.
                lost = [*self._broken, *waiting.values()]
                self._broken, self._given_out = [], {}
                yield from self._one_by_one(work, parcel, lost)

    def joined(
        self, work: Work, parcel: Parcel, tasks: Iterator[Any]
    ) -> tuple[Parcel, Iterator[Any]]:
        """Let processes join, if there are tasks left and the machine lets them begin; the parcel
        for them, and the tasks that are not given out."""
        left = list(itertools.islice(tasks, self.jobs * _AHEAD))
        tasks = itertools.chain(left, tasks)
        if left:
            with suppress(OSError, ImportError, NotImplementedError):
                self._start_pool()
                assert self.folder is not None
                parcel = self._filed(parcel, self.folder)
                self._give_out(work, parcel, tasks)
        return parcel, tasks

    def _give_out(self, work: Work, parcel: Any, tasks: Iterator[Any]) -> None:
        """Give every worker some tasks, so that it has not to wait."""
        try:
            for task in itertools.islice(tasks, self.jobs * _AHEAD - len(self._given_out)):
                self._broken.append(task)  # until it is given out
                self._given_out[self._submit(work, parcel, task)] = task
                self._broken.pop()
        except BrokenExecutor:
            pass

    def _submit(self, work: Work, parcel: Any, task: Any) -> Future[Any]:
        assert self.pool is not None
        with nullcontext() if self.folder is None else _begun_apart():
            return self.pool.submit(work, parcel, task)

    def _one_by_one(
        self, work: Work, parcel: Any, tasks: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]:
        """Tasks that were under way when a worker died, one at a time."""
        if self.processes is not None:
            _end(self.processes, at_once=True)
            self._start_pool(1)
        for task in tasks:
            try:
                yield task, self._submit(work, parcel, task).result()
            except Exception as error:
                if not _is_loss(error):
                    raise
                yield task, Lost(say("the worker died ({name})", name=type(error).__name__))
                if self.processes is not None:
                    self._start_pool(1)
        if self.processes is not None:
            self.processes.shutdown()
            self._start_pool()


def blocks(tasks: Sequence[Task], length: int = 16) -> list[Sequence[Task]]:
    """Tasks that are done one after another, as they share a session: the cut depends on nothing
    but the tasks."""
    return [tasks[n : n + length] for n in range(0, len(tasks), length)]


@python_strings()
def _one(parcel: Parcel, task: tuple[int, Callable[[Any, Any], Any], Any]) -> Any:
    """A task of `Engine.spread`."""
    _, work, one = task
    return work(parcel.open(), one)


@dataclass
class _Others:
    """Processes that join this one at its tasks, once they are worth starting: a thread starts them
    while this process is at a task, however long that takes. They do the rest."""

    engine: Engine
    work: Work
    parcel: Parcel
    tasks: Iterator[Any]
    count: int
    """Of tasks."""
    done: int = 0

    def __enter__(self) -> _Others:
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        if self.engine.waits and self.engine.jobs > 1 and self.count > 1:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def next(self) -> Any:
        """A task for this process, none where the others do the rest."""
        with self._lock:
            return _NONE if self.engine.pool is not None else next(self.tasks, _NONE)

    def _look(self) -> None:
        begun, patience = time.perf_counter(), max(_ALONE_SECONDS - self.engine.spent, 0.0)
        while not self._over.wait(patience):
            patience, spent = _ALONE_SECONDS, time.perf_counter() - begun
            with self._lock:
                short = spent * (self.count - self.done) < self.done * patience
                if not self._over.is_set() and not short:  # else the rest is done sooner here
                    self.parcel, self.tasks = self.engine.joined(self.work, self.parcel, self.tasks)
                    return


def _is_loss(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenExecutor) or bool(names & set(_DASK_LOST))


def _end(pool: ProcessPoolExecutor, *, at_once: bool) -> None:
    if at_once:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)  # else its semaphores are left behind


def _begin_worker() -> None:
    """A worker does not outlive the process that it works for, whatever killed that, nor does it
    hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _begun_apart() -> Iterator[None]:
    """Processes that begin here do not run the program that starts them (a script without
    `if __name__ == "__main__"` would start its study in each), nor hear Ctrl-C, which a terminal
    sends to all of a group: the one that gives out the tasks ends them, and hears it a moment
    later."""
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    before = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask is not None else None
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if mask is not None:
            mask(signal.SIG_SETMASK, before)


def processes(*modules: str) -> SpawnContext | ForkServerContext:
    """How processes begin: on Linux each as a copy of one that has imported what this process has
    of circflow by then, and `modules`; elsewhere each imports all of it."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    packages = ("circflow", "highspy", "pandas")
    known = [name for name in list(sys.modules) if name.partition(".")[0] in packages]
    context.set_forkserver_preload([*known, *modules])
    return context


def _dask_client(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise StudyError(
            "Dask is not installed: pip install 'circflow[dask]', here and on the workers"
        ) from None
    try:
        make: Any = distributed.Client
        return make(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StudyError(
            "no Dask scheduler answers at {address}: {error}", address=address, error=error
        ) from None
