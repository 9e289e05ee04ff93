"""The app: routes and what they share. Pages are drawn by `circflow.app.views`."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from circflow.app import views
from circflow.app.edits import Edit, save, typed
from circflow.app.project import Project, Workspace, book_digest, file_digest
from circflow.app.security import Gate
from circflow.app.worker import Job, JobFailedError, Worker, WorkerDiedError
from circflow.data.table import Problem

MAX_UPLOAD = 256 * 2**20
"""Bytes of the largest workbook that is taken."""
MAX_PASTE = 20_000
"""Cells of the largest block that is pasted."""


class App:
    """What the routes share: the workspace, two workers, the jobs that run."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.desk = Worker("desk")
        """Reads and checks: never behind a search."""
        self.bench = Worker("bench")
        self.jobs: dict[int, Job] = {}
        """By run, while it runs."""
        self._problems: tuple[str, list[Problem]] | None = None
        self._lock = threading.Lock()

    @property
    def project(self) -> Project:
        """The open workbook, read. Raises `LookupError` where none is open."""
        project = self.workspace.project
        if project is None:
            raise LookupError("no workbook is open")
        if not project.is_read:
            project.set_loaded(self.desk.do("read", str(project.loaded_path)))
        return project

    def problems(self) -> list[Problem]:
        """Every problem of the workbook as it is now."""
        project = self.project
        key = book_digest(project.book, {})
        if self._problems is None or self._problems[0] != key:
            self._problems = (key, self.desk.do("check", project.book))
        return self._problems[1]

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
        book = project.book
        digest = book_digest(book, changes)
        run, folder = project.begin_run(kind, title, digest, options=options, changes=changes)
        job = self.bench.submit(kind, book, changes, str(folder), options or {})
        self.jobs[run] = job
        job.future.add_done_callback(lambda _: self._ended(project, run, job))
        return run

    def _ended(self, project: Project, run: int, job: Job) -> None:
        error = job.future.exception()
        if error is None:
            result = job.future.result()
            project.end_run(run, str(result.get("status", "done")))
        elif isinstance(error, JobFailedError):
            status = {"NoPlan": "no plan", "Stopped": "stopped"}.get(error.kind, "failed")
            project.end_run(run, status, error.message)
        else:
            project.end_run(run, "failed", str(error))
        self.jobs.pop(run, None)

    def close(self) -> None:
        """End the workers."""
        self.desk.close()
        self.bench.close()


Handler = Callable[[Request], Awaitable[Response]]


def make_app(workspace: Workspace, token: str, port: int) -> Starlette:
    """The application for a workspace, let in by `token` at `port` of this machine."""
    app = App(workspace)
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    routes = [
        Route("/", _get(app, views.workbook, open_needed=False)),
        Route("/load", _load(app), methods=["POST"]),
        Route("/open", _open(app), methods=["POST"]),
        Route("/check", _get(app, views.check)),
        Route("/tables", _get(app, views.tables)),
        Route("/tables/{sheet}", _get(app, views.table)),
        Route("/cells", _cells(app), methods=["POST"]),
        Route("/undo", _undo(app), methods=["POST"]),
        Route("/save", _save(app), methods=["POST"]),
        Route("/solve", _get(app, views.solve)),
        Route("/run", _run(app), methods=["POST"]),
        Route("/runs/{run:int}", _get(app, views.run)),
        Route("/runs/{run:int}/stop", _stop(app), methods=["POST"]),
        Route("/runs/{run:int}/events", _events(app)),
        Route("/runs/{run:int}/files/{name}", _file(app)),
        Route("/plan", _get(app, views.plan)),
        Route("/plants", _get(app, views.plants)),
        Route("/cluster", _get(app, views.cluster)),
        Route("/what-if", _get(app, views.what_if)),
        Route("/variants", _variants(app), methods=["POST"]),
        Route("/studies", _get(app, views.studies)),
        Route("/take-away", _get(app, views.take_away)),
        Route("/take-away/workbook", _workbook(app)),
        Route("/assets/{name}", _asset),
    ]
    gate = Middleware(Gate, token=token, hosts=hosts)
    starlette = Starlette(routes=routes, middleware=[gate])
    starlette.state.app = app
    return starlette


# --------------------------------------------------------------------------- pages


def _get(app: App, view: Callable[..., str], *, open_needed: bool = True) -> Handler:
    """A page drawn by a view from the app and what the address says."""

    async def answer(request: Request) -> Response:
        if open_needed and app.workspace.project is None:
            return RedirectResponse("/", 303)
        try:
            query = dict(request.query_params)
            drawn = await asyncio.to_thread(view, app, **request.path_params, query=query)
        except LookupError as missing:
            return HTMLResponse(views.missing(app, str(missing).strip("'")), 404)
        except (JobFailedError, WorkerDiedError) as failed:
            return HTMLResponse(views.failed(app, failed), 400)
        return HTMLResponse(drawn)

    return answer


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    home = "circflow.report.page" if name in ("page.css", "page.js") else "circflow.app"
    kinds = {".css": "text/css", ".js": "text/javascript"}
    file = resources.files(home).joinpath("assets", name)
    kind = kinds.get(Path(name).suffix)
    if "/" in name or kind is None or not file.is_file():
        return PlainTextResponse("there is no such file", 404)
    return Response(file.read_bytes(), media_type=kind)


def _file(app: App) -> Handler:
    async def answer(request: Request) -> Response:
        project = app.workspace.project
        name = request.path_params["name"]
        home = project.run_folder(request.path_params["run"]) if project else None
        if home is None or name not in views.FILES or not (home / name).is_file():
            return PlainTextResponse("there is no such file", 404)
        shown = name == "page.html" and "save" not in request.query_params
        headers = {}
        if shown:
            text = (home / name).read_text(encoding="utf-8")
            headers["Content-Security-Policy"] = "frame-ancestors 'self'"  # its own stands in it
            return HTMLResponse(text, headers=headers)
        return FileResponse(home / name, filename=f"circflow-{request.path_params['run']}-{name}")

    return answer


# --------------------------------------------------------------------------- what changes


def _load(app: App) -> Handler:
    """Take a workbook: uploaded, a shipped example, or an empty one."""

    async def answer(request: Request) -> Response:
        async with request.form(max_files=1, max_fields=5) as form:
            uploaded, example = form.get("workbook"), str(form.get("example", ""))
            with tempfile.TemporaryDirectory(prefix="circflow-") as scratch:
                home = Path(scratch)
                try:
                    if isinstance(uploaded, UploadFile) and uploaded.filename:
                        name, path = await _received(uploaded, home)
                    elif example == "":
                        name, path = "new.xlsx", await asyncio.to_thread(_empty, home)
                    else:
                        path = views.examples()[example]
                        name = path.name
                    book = await asyncio.to_thread(app.desk.do, "read", str(path))
                except KeyError:
                    return HTMLResponse(views.missing(app, "there is no such example"), 404)
                except ValueError as refused:
                    return HTMLResponse(views.workbook(app, query={}, fault=str(refused)), 400)
                except (JobFailedError, WorkerDiedError) as failed:
                    return HTMLResponse(views.workbook(app, query={}, fault=str(failed)), 400)
                project = app.workspace.load(name, path)
                project.set_loaded(book)
        return RedirectResponse("/check", 303)

    return answer


async def _received(uploaded: UploadFile, home: Path) -> tuple[str, Path]:
    name = Path(uploaded.filename or "workbook.xlsx").name
    path = home / "uploaded.xlsx"
    size = 0
    with path.open("wb") as target:
        while chunk := await uploaded.read(2**20):
            size += len(chunk)
            if size > MAX_UPLOAD:
                raise ValueError(f"the file is larger than {MAX_UPLOAD // 2**20} MB")
            target.write(chunk)
    if not size:
        raise ValueError("the file is empty")
    return name, path


def _empty(home: Path) -> Path:
    from circflow.data.template import write_template

    path = home / "new.xlsx"
    write_template(path)
    return path


def _open(app: App) -> Handler:
    async def answer(request: Request) -> Response:
        async with request.form() as form:
            try:
                app.workspace.open(str(form.get("name", "")))
            except KeyError:
                return HTMLResponse(views.missing(app, "there is no such workbook"), 404)
        return RedirectResponse("/check", 303)

    return answer


def _cells(app: App) -> Handler:
    """Change cells: `{"cells": [{"sheet", "row", "column", "value"}]}`, or a form with one."""

    async def answer(request: Request) -> Response:
        as_json = request.headers.get("content-type", "").startswith("application/json")
        if as_json:
            cells = (await request.json())["cells"][:MAX_PASTE]
        else:
            async with request.form() as form:
                cells = [{k: str(form.get(k, "")) for k in ("sheet", "row", "column", "value")}]
                back = str(form.get("back", "/check"))
        edits = [
            Edit(
                str(c["sheet"]),
                int(c["row"]),
                str(c["column"]),
                typed(str(c["sheet"]), str(c["column"]), str(c["value"])),
            )
            for c in cells
        ]
        await asyncio.to_thread(app.project.edit, edits)
        if not as_json:
            return RedirectResponse(back if back.startswith("/") else "/check", 303)
        problems = await asyncio.to_thread(app.problems)
        sheets = {edit.sheet for edit in edits}
        return JSONResponse(
            {
                "errors": sum(p.severity == "error" for p in problems),
                "warnings": sum(p.severity == "warning" for p in problems),
                "problems": [views.problem_json(p) for p in problems if p.cell.sheet in sheets],
            }
        )

    return answer


def _undo(app: App) -> Handler:
    async def answer(request: Request) -> Response:
        async with request.form() as form:
            step = app.project.redo if form.get("do") == "redo" else app.project.undo
            await asyncio.to_thread(step)
            back = str(form.get("back", "/tables"))
        return RedirectResponse(back if back.startswith("/") else "/tables", 303)

    return answer


def _save(app: App) -> Handler:
    """Write back into the planner's own file, unless it has changed meanwhile."""

    async def answer(request: Request) -> Response:
        project = app.project
        source = Path(project.source) if project.source else None
        if source is None or not source.exists():
            return RedirectResponse("/take-away/workbook", 303)
        async with request.form() as form:
            forced = form.get("anyway") == "yes"
        if file_digest(source) != project.digest and not forced:
            return HTMLResponse(views.changed_meanwhile(app), 409)
        await asyncio.to_thread(save, source, source, project.edits, project.book)
        project.digest = file_digest(source)
        if source.is_file():
            shutil.copyfile(source, project.loaded_path)
        else:
            shutil.rmtree(project.loaded_path)
            shutil.copytree(source, project.loaded_path)
        book = project.book
        project.edits.clear()
        project.undone.clear()
        project.save()
        project.set_loaded(book)
        return RedirectResponse("/check", 303)

    return answer


def _workbook(app: App) -> Handler:
    """The workbook with the edits, as a download."""

    async def answer(_: Request) -> Response:
        project = app.project
        target = project.folder / "edited.xlsx"
        edits, book = project.edits, project.book
        await asyncio.to_thread(save, project.loaded_path, target, edits, book)
        name = Path(project.name).stem + ".xlsx"
        return FileResponse(target, filename=name)

    return answer


# --------------------------------------------------------------------------- runs


def _run(app: App) -> Handler:
    """Begin a run: `kind`, the name of a variant, options."""

    async def answer(request: Request) -> Response:
        async with request.form() as form:
            kind, name = str(form.get("kind", "")), str(form.get("variant", ""))
            if kind not in views.KINDS:
                return HTMLResponse(views.missing(app, "there is no such study"), 404)
            variant = next((v for v in app.project.variants if v.name == name), None)
            changes = variant.in_force() if variant is not None else {}
            title = f"{views.KINDS[kind]}{f' · {name}' if variant is not None else ''}"
            options = views.options_of(kind, form)
        run = await asyncio.to_thread(app.begin, kind, title, options=options, changes=changes)
        return RedirectResponse(f"/runs/{run}", 303)

    return answer


def _stop(app: App) -> Handler:
    async def answer(request: Request) -> Response:
        run = request.path_params["run"]
        job = app.jobs.get(run)
        if job is not None:
            app.bench.stop(job)
        return RedirectResponse(f"/runs/{run}", 303)

    return answer


def _events(app: App) -> Handler:
    """What goes on with a run, as server-sent events, until it ends."""

    async def stream(run: int) -> AsyncIterator[str]:
        begun, last = time.monotonic(), ""
        while (job := app.jobs.get(run)) is not None and not job.future.done():
            words = f"{job.words} · {time.monotonic() - begun:.0f} s"
            if words != last:
                yield f"data: {json.dumps({'words': words})}\n\n"
                last = words
            await asyncio.sleep(0.3)
        yield f"event: end\ndata: {json.dumps({'run': run})}\n\n"

    async def answer(request: Request) -> Response:
        events = stream(request.path_params["run"])
        return StreamingResponse(events, media_type="text/event-stream")

    return answer


def _variants(app: App) -> Handler:
    """Change the list of changes of a variant."""

    async def answer(request: Request) -> Response:
        async with request.form() as form:
            name = str(form.get("variant", "")).strip()
            values = {k: str(v) for k, v in form.items() if isinstance(v, str)}
        await asyncio.to_thread(views.change_variant, app, name, values)
        return RedirectResponse(f"/what-if?{views.query_of(variant=name)}", 303)

    return answer


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)
