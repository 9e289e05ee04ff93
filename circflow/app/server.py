"""The app: its routes. Pages are drawn by `circflow.app.views`, changes made by `posts`."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from circflow.app import posts
from circflow.app.html import asset
from circflow.app.posts import Post
from circflow.app.project import Workspace
from circflow.app.security import Gate
from circflow.app.state import App
from circflow.app.views import (
    check,
    cluster,
    load,
    network,
    parts,
    plan,
    plants,
    runs,
    studies,
    suggestions,
    tables,
    take_away,
    what_if,
)
from circflow.app.worker import JobFailedError, WorkerDiedError
from circflow.i18n import say

Handler = Callable[[Request], Awaitable[Response]]


def make_app(workspace: Workspace, token: str, port: int) -> Starlette:
    """The application for a workspace, let in by `token` at `port` of this machine."""
    app = App(workspace)
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    gate = Middleware(Gate, token=token, hosts=hosts, most=posts.MAX_UPLOAD + 2**20)
    starlette = Starlette(routes=[*_pages(app), *_posts(app)], middleware=[gate])
    starlette.state.app = app
    return starlette


def _pages(app: App) -> list[Route]:
    return [
        Route("/", _get(app, load.workbook, open_needed=False)),
        Route("/check", _get(app, check.check)),
        Route("/tables", _get(app, tables.tables)),
        Route("/tables/{sheet}", _get(app, tables.table)),
        Route("/network", _get(app, network.network)),
        Route("/solve", _get(app, runs.solve)),
        Route("/runs/{run:int}", _get(app, runs.run)),
        Route("/runs/{run:int}/events", partial(_events, app)),
        Route("/runs/{run:int}/files/{name}", partial(_file, app)),
        Route("/events/reading", partial(_events, app)),
        Route("/plan", _get(app, plan.plan)),
        Route("/sites", _get(app, plan.balance)),
        Route("/sites/{site:path}", _get(app, plan.balance)),
        Route("/members/{member:path}", _get(app, cluster.member)),
        Route("/flows", _get(app, plan.flows)),
        Route("/compare", _get(app, plan.compare_runs)),
        Route("/plants", _get(app, plants.plants)),
        Route("/suggestions", _get(app, suggestions.suggestions)),
        Route("/cluster", _get(app, cluster.cluster)),
        Route("/what-if", _get(app, what_if.what_if)),
        Route("/studies", _get(app, studies.studies)),
        Route("/take-away", _get(app, take_away.take_away)),
        Route("/take-away/workbook", partial(posts.workbook, app)),
        Route("/assets/{name}", _asset),
    ]


def _posts(app: App) -> list[Route]:
    handlers: dict[str, Post] = {
        "/load": posts.load_workbook,
        "/open": posts.open_again,
        "/cells": posts.cells,
        "/rows": posts.rows,
        "/links": posts.links,
        "/undo": posts.undo,
        "/save": posts.save_back,
        "/run": posts.begin_run,
        "/runs/{run:int}/stop": posts.stop,
        "/variants": posts.variants,
        "/variants/sliders": posts.search_afresh,
        "/sliders": posts.ready_sliders,
        "/slide": posts.slide,
        "/plants/add": posts.add_plant,
        "/suggestions/add": posts.add_suggestion,
    }
    return [
        Route(path, _post(app, path, post), methods=["POST"]) for path, post in handlers.items()
    ]


def _post(app: App, path: str, post: Post) -> Handler:
    """A change by what a form says, or (of cells and sliders) the JSON of a script."""

    async def answer(request: Request) -> Response:
        if app.workspace.project is None and path not in ("/load", "/open"):
            return RedirectResponse("/", 303)
        is_json = request.headers.get("content-type", "").startswith("application/json")
        scripted = is_json and path in ("/cells", "/slide")
        given = await (request.body() if scripted else request.form(max_files=1))
        try:
            return await asyncio.to_thread(post, app, given, request)
        except (JobFailedError, WorkerDiedError) as failed:
            return HTMLResponse(parts.failed(app, failed), 400)
        finally:
            await request.close()

    return answer


def _get(app: App, view: Callable[..., str], *, open_needed: bool = True) -> Handler:
    """A page drawn by a view from the app and what the address says."""

    async def answer(request: Request) -> Response:
        if open_needed and app.workspace.project is None:
            return RedirectResponse("/", 303)
        query = {k: ",".join(request.query_params.getlist(k)) for k in request.query_params}
        try:
            if open_needed and not app.is_ready():
                return HTMLResponse(parts.reading(app, query))
            drawn = await asyncio.to_thread(view, app, **request.path_params, query=query)
        except LookupError as missing:
            return HTMLResponse(parts.missing(app, str(missing).strip("'")), 404)
        except (JobFailedError, WorkerDiedError) as failed:
            return HTMLResponse(parts.failed(app, failed), 400)
        return HTMLResponse(drawn)

    return answer


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    kinds = {".css": "text/css", ".js": "text/javascript"}
    file, kind = asset(name), kinds.get(Path(name).suffix)
    if "/" in name or kind is None or not file.is_file():
        return PlainTextResponse(say("there is no such file"), 404)
    kept = {"Cache-Control": "private, max-age=31536000, immutable"}  # see html._address
    return Response(file.read_bytes(), media_type=kind, headers=kept)


def _file(app: App, request: Request) -> Response:
    """What a run wrote: its page, to look at, or a file to take away."""
    project = app.workspace.project
    name, run = request.path_params["name"], request.path_params["run"]
    home = project.run_folder(run) if project else None
    if home is None or name not in parts.FILES or not parts.has_file(home, name):
        return PlainTextResponse(say("there is no such file"), 404)
    saved = {"Content-Disposition": f'attachment; filename="circflow-{run}-{name}"'}
    if name == "tables.zip":
        packed = _zipped(home / "tables")
        return Response(packed, media_type="application/zip", headers=saved)
    if name == "page.html" and "save" not in request.query_params:
        text = (home / name).read_text(encoding="utf-8")
        # The page's own policy stands in it: its scripts by their digests, and no network.
        return HTMLResponse(text, headers={"Content-Security-Policy": "frame-ancestors 'self'"})
    return FileResponse(home / name, headers=saved)


def _zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("*.csv")):
            archive.write(path, path.name)
    return packed.getvalue()


async def _events(app: App, request: Request) -> Response:
    """What goes on with a run, as server-sent events, until it ends; without a run, with the
    reading of the workbook."""
    run = request.path_params.get("run", 0)

    async def stream() -> AsyncIterator[str]:
        if not run:
            yield ": reading\n\n"
            await asyncio.to_thread(app.until_read)
        known = app.workspace.project.run(run) if app.workspace.project else None
        begun, last = known.started if known else time.time(), ""
        while (job := app.jobs.get(run)) is not None:
            words = f"{job.words} · {time.time() - begun:.0f} s"
            words += say(" · stopping with the best so far") if job.stopped else ""
            if words != last:
                yield f"data: {json.dumps({'words': words})}\n\n"
                last = words
            await asyncio.sleep(0.05)
        yield "event: end\ndata: {}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")
