"""A process that does the work, so that a search can be stopped and a crash costs one run only.

The server sends a job (a function's name and its arguments); the worker sends back what goes on
and, at the end, the result. Stop is an interrupt, which ends a search with the best plan so far;
a worker that does not heed it is killed and started again. A worker whose server has gone ends.
"""

from __future__ import annotations

import _thread
import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from circflow.app.tell import Tell
from circflow.i18n import current, language, mark, say
from circflow.studies.bench.engine import processes

PATIENCE = 60.0
"""Seconds that a stopped job may take to come to its end; a second stop does not wait."""


class WorkerDiedError(RuntimeError):
    """The process that did the job has gone (out of memory, killed)."""


class JobFailedError(Exception):
    """What the job raised, in words; `problems` where it was the workbook's fault."""

    def __init__(self, kind: str, message: str, problems: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.kind, self.message, self.problems = kind, message, problems


@dataclass
class Job:
    """Something to do: its name among `circflow.app.tasks`, and what it needs."""

    task: str
    arguments: tuple[Any, ...]
    number: int
    future: Future[Any] = field(default_factory=Future)
    words: str = field(default_factory=lambda: say("waiting"))
    """What goes on."""
    started: bool = False
    stopped: bool = False
    language: str = field(default_factory=current)
    """In which its words and results are wanted."""


class Worker:
    """One process, one job at a time, in the order given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False
        self._turns = ThreadPoolExecutor(1, thread_name_prefix=f"worker-{name}")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._orders: Connection | None = None

    def submit(self, task: str, *arguments: Any) -> Job:
        """Queue a job."""
        job = Job(task, arguments, next(self._count))
        self._turns.submit(self._begin, job)
        return job

    def do(self, task: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Do a job and wait for its result. Raises `JobFailedError` or `WorkerDiedError`."""
        return self.submit(task, *arguments).future.result(timeout)

    def stop(self, job: Job) -> None:
        """End a job: one that waits is dropped, one that runs keeps what it has."""
        with self._lock:
            again, job.stopped = job.stopped, True
        process = self._process
        if job.future.done():
            return
        if not job.started:
            job.future.set_exception(JobFailedError("Stopped", say("stopped before it began")))
            return
        if again and process is not None:
            process.kill()
        elif process is not None and self._orders is not None:
            with contextlib.suppress(OSError):
                self._orders.send(job.number)
            late = threading.Timer(PATIENCE, self._kill_if_busy, (job, process))
            late.daemon = True
            late.start()

    def close(self) -> None:
        """End the process; what waits for it fails."""
        with self._lock:
            self._closed = True
        self._turns.shutdown(wait=False)
        if self._process is not None:
            self._process.kill()

    def _kill_if_busy(self, job: Job, process: multiprocessing.process.BaseProcess) -> None:
        if not job.future.done() and process is self._process:
            process.kill()

    def _begin(self, job: Job) -> None:
        with self._lock:
            job.started = not job.stopped
        if job.started:
            with language(job.language):
                self._run(job)

    def _run(self, job: Job) -> None:
        try:
            pipe = self._ready()
            pipe.send((job.number, job.language, job.task, job.arguments))
            while True:
                number, kind, content = pipe.recv()
                if number != job.number:
                    continue  # of a job that was given up
                if kind == "words":
                    job.words = content
                elif kind == "done":
                    job.future.set_result(content)
                    return
                else:
                    job.future.set_exception(JobFailedError(*content))
                    return
        except (EOFError, OSError, BrokenPipeError):
            self._pipe = None
            if self._process is not None:
                self._process.join(1.0)
            died = (
                JobFailedError("Stopped", "stopped") if job.stopped else WorkerDiedError(say(_DIED))
            )
            job.future.set_exception(died)

    def _ready(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        context = processes(
            "circflow.app.tasks", "circflow.report.page.plan", "circflow.solver.run"
        )
        ours, theirs = context.Pipe()
        heard, self._orders = context.Pipe(duplex=False)
        # Not a daemon: a study may have processes of its own.
        process = context.Process(target=_work, args=(theirs, heard), name=f"circflow-{self.name}")
        with self._lock:
            if self._closed:
                raise EOFError
            process.start()
            self._process = process
        theirs.close()
        heard.close()
        self._pipe = ours
        return ours


_DIED = mark("the process that did this has gone (perhaps out of memory): nothing else is lost")


class _Now:
    """The job that is being done, and the orders to stop it."""

    def __init__(self, orders: Connection) -> None:
        self.number, self._orders = 0, orders
        self._asked, self._lock = 0, threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def begin(self, number: int) -> bool:
        """A job begins; whether it was to stop before it had come here."""
        with self._lock:
            self.number = number
            return self._asked == number

    def _listen(self) -> None:
        while True:
            try:
                number = self._orders.recv()
            except (EOFError, OSError):
                os._exit(1)  # the server has gone: nobody waits for the result
            with self._lock:
                self._asked = number
                here = number == self.number
            if here:
                if os.name == "posix":  # a real one wakes the main thread where it waits
                    os.kill(os.getpid(), signal.SIGINT)
                else:
                    _thread.interrupt_main()


def _work(pipe: Connection, orders: Connection) -> None:
    """The process: jobs in, words and results out, until the pipe closes."""
    from circflow.app import tasks

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for a job, never for idling
    now = _Now(orders)
    while True:
        try:
            number, spoken, task, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        tell = Tell(pipe, number)
        try:
            signal.signal(signal.SIGINT, tell.interrupt)
            if now.begin(number):
                tell.interrupt()
            with language(spoken):
                answer = ("done", getattr(tasks, task)(*arguments, tell))
        except KeyboardInterrupt:
            answer = ("failed", ("Stopped", "stopped", ()))
        except Exception as error:
            with language(spoken):
                answer = ("failed", tasks.failure(error) or _unexpected(error))
        finally:
            now.number = 0
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            pipe.send((number, *answer))
        except (BrokenPipeError, OSError):
            return


def _unexpected(error: Exception) -> tuple[str, str, tuple[Any, ...]]:
    traceback.print_exc()
    name = type(error).__name__
    return name, say("internal error: {name}: {error}", name=name, error=error), ()
