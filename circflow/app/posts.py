"""What changes anything: loading, editing, saving, runs, lists of changes."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)

from circflow.app.edits import Edit, Value, save, typed
from circflow.app.project import file_digest
from circflow.app.state import App
from circflow.app.views import check, load, parts, plants, studies, suggestions, what_if
from circflow.app.views.network import columns
from circflow.app.views.parts import raw_sheet
from circflow.app.views.tables import number_of
from circflow.app.worker import JobFailedError, WorkerDiedError
from circflow.data.schema.sheets import BY_NAME
from circflow.i18n import say

Handler = Callable[[Request], Awaitable[Response]]
Post = Callable[[App, Request], Awaitable[Response]]
MAX_UPLOAD = 256 * 2**20
"""Bytes of the largest workbook that is taken."""
MAX_PASTE = 20_000
"""Cells of the largest block that is pasted."""
MAX_ROW = 1_048_576
"""Rows of the longest sheet."""


def _refused(app: App, words: str, status: int = 404) -> Response:
    """A page that says why nothing was done."""
    return HTMLResponse(parts.missing(app, words), status)


async def load_workbook(app: App, request: Request) -> Response:
    """Take a workbook: uploaded, a shipped example, or an empty one."""
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
                    path = load.examples()[example]
                    name = path.name
                book = await asyncio.to_thread(app.desk.do, "read", str(path))
            except KeyError:
                return _refused(app, say("there is no such example"))
            except (ValueError, JobFailedError, WorkerDiedError) as refused:
                return HTMLResponse(load.workbook(app, query={}, fault=str(refused)), 400)
            project = app.workspace.load(name, path)
            project.set_loaded(book)
    return RedirectResponse("/check", 303)


async def _received(uploaded: UploadFile, home: Path) -> tuple[str, Path]:
    name = Path(uploaded.filename or "workbook.xlsx").name
    path = home / "uploaded.xlsx"
    size = 0
    with path.open("wb") as target:
        while chunk := await uploaded.read(2**20):
            size += len(chunk)
            if size > MAX_UPLOAD:
                raise ValueError(
                    say("the file is larger than {max_upload} MB", max_upload=MAX_UPLOAD // 2**20)
                )
            target.write(chunk)
    if not size:
        raise ValueError(say("the file is empty"))
    return name, path


def _empty(home: Path) -> Path:
    from circflow.data.files.books import write_template

    path = home / "new.xlsx"
    write_template(path)
    return path


async def open_again(app: App, request: Request) -> Response:
    async with request.form() as form:
        try:
            app.workspace.open(str(form.get("name", "")))
        except KeyError:
            return _refused(app, say("there is no such workbook"))
    return RedirectResponse("/check", 303)


# --------------------------------------------------------------------------- cells


async def cells(app: App, request: Request) -> Response:
    """Change cells: `{"cells": [{"sheet", "row", "column", "value"}]}`, or a form with one."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return await _cells_of_script(app, request)
    async with request.form() as form:
        values = {k: str(v) for k, v in form.items()}
    try:
        edits = [_edit(values)]
    except (KeyError, ValueError, TypeError) as wrong:
        return _refused(app, say("no such cell: {wrong}", wrong=wrong), 400)
    await asyncio.to_thread(app.project.edit, edits)
    if values.get("then") == "solve":
        run = await asyncio.to_thread(app.begin, "solve", say("Plan"))
        return RedirectResponse(f"/runs/{run}", 303)
    await asyncio.to_thread(app.problems)
    return RedirectResponse(_local(values.get("back"), "/check"), 303)


async def _cells_of_script(app: App, request: Request) -> Response:
    try:
        listed = (await request.json())["cells"]
        if len(listed) > MAX_PASTE:
            raise ValueError(say("more than {max_paste} cells at once", max_paste=MAX_PASTE))
        edits = [_edit(c) for c in listed]
    except (KeyError, ValueError, TypeError) as wrong:
        return JSONResponse(
            {"error": say("the change could not be kept: {wrong}", wrong=wrong)}, 400
        )
    await asyncio.to_thread(app.project.edit, edits)
    problems = await asyncio.to_thread(app.problems)
    sheets = {edit.sheet for edit in edits}
    return JSONResponse(
        {
            "errors": sum(p.severity == "error" for p in problems),
            "warnings": sum(p.severity == "warning" for p in problems),
            "unsaved": len({edit.step for edit in app.project.edits}),
            "problems": [check.problem_json(p) for p in problems if p.cell.sheet in sheets],
        }
    )


def _edit(given: Any) -> Edit:
    """An edit as it came; ValueError where it names no cell of the contract."""
    sheet, column, row = str(given["sheet"]), str(given["column"]), int(given["row"])
    if sheet not in BY_NAME or not column or len(column) > 255 or not 1 <= row <= MAX_ROW:
        raise ValueError(say("{sheet} row {row}", sheet=sheet[:40], row=row))
    return Edit(sheet, row, column, typed(sheet, column, str(given["value"])[:32_767]))


def _local(path: str | None, otherwise: str) -> str:
    """A place of our own to go back to."""
    is_local = path is not None and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path is not None else otherwise


async def rows(app: App, request: Request) -> Response:
    """Copy a row to the end of its sheet, or delete it (its cells become empty)."""
    async with request.form() as form:
        sheet, back = str(form.get("sheet", "")), _local(str(form.get("back", "")), "/tables")
        copied, deleted = str(form.get("copy", "")), str(form.get("delete", ""))
    raw = raw_sheet(app.project.book, sheet)
    row = number_of(copied or deleted)
    if raw is None or not 2 <= row <= len(raw.grid):
        return _refused(app, say("there is no such row"))
    names = [str(h).strip() if h is not None else "" for h in raw.grid[0]]
    filled = zip(names, raw.grid[row - 1], strict=False)
    here = [(n, v) for n, v in filled if n and v is not None]
    if copied:
        new = len(raw.grid) + 1
        edits = [Edit(sheet, new, n, _plain(v)) for n, v in here]
    else:
        edits = [Edit(sheet, row, n, None) for n, _ in here]
    await asyncio.to_thread(app.project.edit, edits)
    return RedirectResponse(back, 303)


def _plain(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)


async def links(app: App, request: Request) -> Response:
    """Add a link between two sites."""
    async with request.form() as form:
        names = ("from", "to", "material", "mode", "distance_km")
        values = {name: str(form.get(name, "")).strip() for name in names}
    return await _appended(app, "Links", values, "/network")


async def add_plant(app: App, request: Request) -> Response:
    """Add a plant of one's own to the workbook, as a candidate."""
    async with request.form() as form:
        values = {name: str(form.get(name, "")).strip() for name in plants.FIELDS}
    if (refused := _taken(app, values["unit"])) is not None:
        return refused
    return await _appended(app, "Units", {**values, "status": "candidate"}, "/check")


async def add_suggestion(app: App, request: Request) -> Response:
    """Add a suggestion of a run to the workbook, as a candidate with all that it needs."""
    async with request.form() as form:
        number, unit = str(form.get("run", "")), str(form.get("unit", ""))
    run = app.project.run(int(number)) if number.isdecimal() else None
    rows = suggestions.rows_of(app, run, unit) if run is not None else None
    if rows is None:
        return _refused(app, say("there is no such suggestion"))
    if (refused := _taken(app, unit)) is not None:
        return refused
    edits = suggestions.edits(app.project.book, rows)
    await asyncio.to_thread(app.project.edit, edits)
    return RedirectResponse("/suggestions", 303)


def _taken(app: App, unit: str) -> Response | None:
    """The refusal of a unit that the workbook has already; None for another."""
    if all(str(row[0]) != unit for row in columns(app.project.book, "Units", "unit")):
        return None
    return _refused(app, say("the workbook has a unit {unit!r} already", unit=unit), 409)


async def _appended(app: App, sheet: str, values: dict[str, str], back: str) -> Response:
    raw = raw_sheet(app.project.book, sheet)
    row = len(raw.grid) + 1 if raw is not None and raw.grid else 2
    edits = [Edit(sheet, row, n, typed(sheet, n, v)) for n, v in values.items() if v]
    await asyncio.to_thread(app.project.edit, edits)
    return RedirectResponse(back, 303)


async def undo(app: App, request: Request) -> Response:
    """Take the last step back, or do it again."""
    async with request.form() as form:
        step = app.project.redo if form.get("do") == "redo" else app.project.undo
        back = _local(str(form.get("back", "")), "/tables")
    await asyncio.to_thread(step)
    return RedirectResponse(back, 303)


async def save_back(app: App, request: Request) -> Response:
    """Write back into the planner's own file, unless it has changed meanwhile."""
    project = app.project
    source = Path(project.source) if project.source else None
    if source is None or not source.exists():
        return RedirectResponse("/take-away/workbook", 303)
    async with request.form() as form:
        forced = form.get("anyway") == "yes"
    if file_digest(source) != project.digest and not forced:
        return HTMLResponse(load.changed_meanwhile(app), 409)
    edits, book = list(project.edits), project.book
    try:
        await asyncio.to_thread(save, source, source, edits, project.loaded)
    except ValueError as refused:
        return HTMLResponse(parts.failed(app, refused), 400)
    await asyncio.to_thread(project.saved, source, book, len(edits))
    return RedirectResponse("/check", 303)


async def workbook(app: App, _: Request) -> Response:
    """The workbook with the edits, as a download."""
    project = app.project
    ending = project.loaded_path.suffix or ".xlsx"
    target = project.folder / f"edited{ending}"
    await asyncio.to_thread(save, project.loaded_path, target, list(project.edits), project.loaded)
    return FileResponse(target, filename=f"{Path(project.name).stem}{ending}")


# --------------------------------------------------------------------------- runs


async def begin_run(app: App, request: Request) -> Response:
    """Begin a run: `kind`, the name of a list of changes, options."""
    async with request.form() as form:
        kind, name = str(form.get("kind", "")), str(form.get("variant", ""))
        if kind not in studies.KINDS:
            return _refused(app, say("there is no such study"))
        options = _options(app, kind, form)
    known = any(v.name == name for v in app.project.variants)
    changes, title = _in_force(app, name), say(studies.KINDS[kind][0])
    title += f" · {name}" if known else ""
    if kind == "compare" and len(options["lists"]) < 2:
        return _refused(app, say("choose at least two scenarios to put side by side"), 400)
    run = await asyncio.to_thread(app.begin, kind, title, options=options, changes=changes)
    return RedirectResponse(f"/runs/{run}", 303)


def _options(app: App, kind: str, form: FormData) -> dict[str, Any]:
    options = studies.options_of(form)
    if kind == "evaluate":
        plant = plants.plant_of(form)
        if plant:
            options["add"] = plant
        elif form.get("unit"):
            options["units"] = [str(form["unit"])]
    elif kind == "compare":
        options["lists"] = what_if.lists_of(app, [str(n) for n in form.getlist("scenario")])
    before = str(form.get("go_on", ""))
    known = app.project.run(int(before)) if before.isdecimal() else None
    if known is not None and known.kind == kind:
        folder = known.options.get("store") or str(app.project.run_folder(known.run))
        options = {**known.options, "store": folder}
    return options


async def stop(app: App, request: Request) -> Response:
    """End a run; what it has so far is kept."""
    run = request.path_params["run"]
    job = app.jobs.get(run)
    if job is not None:
        app.bench.stop(job)
    return RedirectResponse(f"/runs/{run}", 303)


# --------------------------------------------------------------------------- what if


async def variants(app: App, request: Request) -> Response:
    """Change a list of changes."""
    async with request.form() as form:
        name = str(form.get("variant", "")).strip()[:100]
        values = {k: str(v) for k, v in form.items() if isinstance(v, str)}
    await asyncio.to_thread(what_if.change_variant, app, name, values)
    return RedirectResponse(f"/what-if?{parts.query_of(variant=name)}", 303)


def _in_force(app: App, name: str) -> dict[str, str]:
    return next((v.in_force() for v in app.project.variants if v.name == name), {})


async def ready_sliders(app: App, request: Request) -> Response:
    """Prepare the sliders: what goes on, or the rows."""
    changes = _in_force(app, request.query_params.get("variant", ""))
    job = await asyncio.to_thread(app.ready_sliders, changes)
    if not job.future.done():
        return JSONResponse({"words": job.words})
    error = job.future.exception()
    if error is not None:
        return JSONResponse({"error": str(error)})
    return JSONResponse(job.future.result())


async def slide(app: App, request: Request) -> Response:
    """The plan with sliders moved: `{"values": {"0": 0.9}}`."""
    try:
        values = _values((await request.json())["values"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return JSONResponse({"error": say("no such sliders")}, 400)
    return JSONResponse(await asyncio.to_thread(app.slide, values))


def _values(given: Any) -> dict[int, float]:
    return {int(k): float(v) for k, v in given.items()}


async def search_afresh(app: App, request: Request) -> Response:
    """The full search where the sliders stand: their values become a list of changes."""
    async with request.form() as form:
        name = str(form.get("variant", ""))
        try:
            values = _values(json.loads(str(form.get("values", "{}"))))
        except (ValueError, TypeError, AttributeError):
            values = {}
    job = await asyncio.to_thread(app.ready_sliders, _in_force(app, name))
    if not values or not job.future.done() or job.future.exception() is not None:
        return RedirectResponse("/what-if", 303)
    listed = job.future.result()["rows"]
    values = {n: v for n, v in values.items() if 0 <= n < len(listed)}
    new = what_if.moved(app, name, values, listed)
    changes = _in_force(app, new)
    run = await asyncio.to_thread(app.begin, "solve", say("Plan · {new}", new=new), changes=changes)
    return RedirectResponse(f"/runs/{run}", 303)
