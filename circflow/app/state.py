"""What the routes share: the workspace, the workers, the jobs that run."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from circflow.app.project import Project, Workspace
from circflow.app.worker import Job, JobFailedError, Worker
from circflow.data.table import Problem
from circflow.i18n import in_use, say


class App:
    """The state of the app while it runs; what must last is in the workspace's files."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.desk = Worker("desk")
        """Reads and checks: never behind a search."""
        self.bench = Worker("bench")
        """Solves and studies, one after another."""
        self.slides = Worker("slides")
        """Keeps the sliders warm."""
        self.jobs: dict[int, Job] = {}
        """By run, while it runs."""
        self.sliders: tuple[str, Job] | None = None
        """The digest of what the sliders are of, and the job that prepares them."""
        self._problems: tuple[Project, int, list[Problem]] | None = None
        self._reader = ThreadPoolExecutor(1)
        self._reading: tuple[Project, Future[Any]] | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def project(self) -> Project:
        """The open workbook, read. Raises `LookupError` where none is open."""
        project = self.workspace.project
        if project is None:
            raise LookupError(say("no workbook is open"))
        if not project.is_read:
            project.set_loaded(self.desk.do("read", str(project.loaded_path)))
        return project

    def problems(self) -> list[Problem]:
        """Every problem of the workbook as it is now."""
        project = self.project
        known = self._problems
        if known is None or known[0] is not project or known[1] != project.revision:
            revision = project.revision
            self._problems = known = (project, revision, self.desk.do("check", project.book))
        return known[2]

    # ------------------------------------------------------------------ reading

    def is_ready(self) -> bool:
        """Whether the open workbook is read and checked; else that is begun."""
        project = self.workspace.project
        if project is None or (self._problems is not None and self._problems[0] is project):
            return True
        with self._lock:
            if self._reading is None or self._reading[0] is not project:
                self._reading = (project, self._reader.submit(in_use(self.problems)))
            reading = self._reading[1]
            if not reading.done():
                return False
            self._reading = None
        reading.result()  # raises what went wrong
        return True

    def until_read(self) -> None:
        """Wait while the workbook is being read."""
        if (reading := self._reading) is not None:
            wait([reading[1]])

    # ------------------------------------------------------------------ runs

    def begin(
        self,
        kind: str,
        title: str,
        *,
        options: dict[str, Any] | None = None,
        changes: dict[str, str] | None = None,
    ) -> int:
        """Begin a run on the bench; its number."""
        project, changes = self.project, changes or {}
        options, book = options or {}, project.book
        digest = project.digest_of(changes)
        run, folder = project.begin_run(kind, title, digest, options=options, changes=changes)
        job = self.bench.submit(kind, book, changes, str(folder), options)
        self.jobs[run] = job
        job.future.add_done_callback(lambda _: self._ended(project, run, job))
        return run

    def _ended(self, project: Project, run: int, job: Job) -> None:
        error = job.future.exception()
        if self._closed:
            return  # it is told as lost when the project is opened again
        if error is None:
            result = job.future.result()
            project.end_run(run, str(result.get("status", "done")), str(result.get("words", "")))
        elif isinstance(error, JobFailedError):
            status = {"NoPlan": "no plan", "Stopped": "stopped"}.get(error.kind, "failed")
            lines = [error.message, *(str(p) for p in error.problems[:5])]
            project.end_run(run, status, "\n".join(lines))
        else:
            project.end_run(run, "failed", str(error))
        self.jobs.pop(run, None)

    # ------------------------------------------------------------------ sliders

    def ready_sliders(self, changes: dict[str, str]) -> Job:
        """The job that prepares the sliders of the workbook with changes; begun where need be."""
        project = self.project
        digest = project.digest_of(changes)
        with self._lock:
            known, job = self.sliders or ("", None)
            failed = job is not None and job.future.done() and job.future.exception() is not None
            if job is None or known != digest or failed:
                if job is not None and not job.future.done():
                    self.slides.stop(job)
                job = self.slides.submit("ready_sliders", project.book, changes, digest)
                self.sliders = (digest, job)
            return job

    def slide(self, values: dict[int, float]) -> dict[str, Any]:
        """The best plan with the rows of Ranges at these values and the decisions held."""
        if self.sliders is None:
            return {"status": "cold"}
        answer: dict[str, Any] = self.slides.do("slide", self.sliders[0], values, timeout=60.0)
        return answer

    def close(self) -> None:
        """End the workers."""
        self._closed = True
        self._reader.shutdown(wait=False, cancel_futures=True)
        for worker in (self.desk, self.bench, self.slides):
            worker.close()
