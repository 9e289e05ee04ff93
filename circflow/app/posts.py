"""What changes anything: loading, editing, saving, runs, lists of changes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

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
from circflow.app.views import load, parts, plants, studies, suggestions, what_if
from circflow.app.views.network import columns
from circflow.app.views.parts import raw_sheet
from circflow.app.views.tables import number_of
from circflow.app.worker import JobFailedError, WorkerDiedError
from circflow.commands.scenario import problem_record
from circflow.data.files.books import write_template
from circflow.data.schema.sheets import BY_NAME
from circflow.i18n import say

Post = Callable[[App, Any, Request], Response]
"""What answers a form, or the JSON of a script, in a thread of its own."""
MAX_UPLOAD = 256 * 2**20
"""Bytes of the largest workbook that is taken."""
MAX_PASTE = 20_000
"""Cells of the largest block that is pasted."""
MAX_ROW = 1_048_576
"""Rows of the longest sheet."""


def _refused(app: App, words: str, status: int = 404) -> Response:
    """A page that says why nothing was done."""
    return HTMLResponse(parts.missing(app, words), status)


def _texts(form: FormData, *names: str) -> list[str]:
    """What stands in fields of a form; blank where nothing does."""
    return [str(form.get(name, "")).strip() for name in names]


def load_workbook(app: App, form: FormData, _: Request) -> Response:
    """Take a workbook: uploaded, a shipped example, or an empty one."""
    uploaded, example = form.get("workbook"), str(form.get("example", ""))
    with tempfile.TemporaryDirectory(prefix="circflow-") as scratch:
        home = Path(scratch)
        try:
            if isinstance(uploaded, UploadFile) and uploaded.filename:
                name, path = Path(uploaded.filename).name, _received(uploaded, home)
            elif example == "":
                name, path = "new.xlsx", _empty(home)
            else:
                path = load.examples()[example]
                name = path.name
            book = app.desk.do("read", str(path))
        except KeyError:
            return _refused(app, say("there is no such example"))
        except (ValueError, JobFailedError, WorkerDiedError) as refused:
            return HTMLResponse(load.workbook(app, query={}, fault=str(refused)), 400)
        app.workspace.load(name, path).set_loaded(book)
    return RedirectResponse("/check", 303)


def _received(uploaded: UploadFile, home: Path) -> Path:
    if not uploaded.size:
        raise ValueError(say("the file is empty"))
    if uploaded.size > MAX_UPLOAD:
        raise ValueError(
            say("the file is larger than {max_upload} MB", max_upload=MAX_UPLOAD // 2**20)
        )
    path = home / "uploaded.xlsx"
    with path.open("wb") as target:
        shutil.copyfileobj(uploaded.file, target)
    return path


def _empty(home: Path) -> Path:
    path = home / "new.xlsx"
    write_template(path)
    return path


def open_again(app: App, form: FormData, _: Request) -> Response:
    """Open a workbook that was opened before."""
    try:
        app.workspace.open(str(form.get("name", "")))
    except KeyError:
        return _refused(app, say("there is no such workbook"))
    return RedirectResponse("/check", 303)


# --------------------------------------------------------------------------- cells


def cells(app: App, given: FormData | bytes, _: Request) -> Response:
    """Change cells: `{"cells": [{"sheet", "row", "column", "value"}]}`, or a form with one."""
    if not isinstance(given, FormData):
        return _cells_of_script(app, given)
    values = {k: str(v) for k, v in given.items()}
    try:
        edits = [_edit(values)]
    except (KeyError, ValueError, TypeError) as wrong:
        return _refused(app, say("no such cell: {wrong}", wrong=wrong), 400)
    app.project.edit(edits)
    if values.get("then") == "solve":
        return RedirectResponse(f"/runs/{app.begin('solve', say('Plan'))}", 303)
    app.problems()
    return RedirectResponse(_local(values.get("back"), "/check"), 303)


def _cells_of_script(app: App, given: bytes) -> Response:
    try:
        listed = json.loads(given)["cells"]
        if len(listed) > MAX_PASTE:
            raise ValueError(say("more than {max_paste} cells at once", max_paste=MAX_PASTE))
        edits = [_edit(c) for c in listed]
    except (KeyError, ValueError, TypeError) as wrong:
        return JSONResponse(
            {"error": say("the change could not be kept: {wrong}", wrong=wrong)}, 400
        )
    app.project.edit(edits)
    problems = app.problems()
    sheets = {edit.sheet for edit in edits}
    return JSONResponse(
        {
            "errors": sum(p.severity == "error" for p in problems),
            "warnings": sum(p.severity == "warning" for p in problems),
            "unsaved": len({edit.step for edit in app.project.edits}),
            "problems": [problem_record(p) for p in problems if p.cell.sheet in sheets],
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


def rows(app: App, form: FormData, _: Request) -> Response:
    """Copy a row to the end of its sheet, or delete it (its cells become empty)."""
    sheet, back, copied, deleted = _texts(form, "sheet", "back", "copy", "delete")
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
    app.project.edit(edits)
    return RedirectResponse(_local(back, "/tables"), 303)


def _plain(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)


def links(app: App, form: FormData, _: Request) -> Response:
    """Add a link between two sites."""
    names = ("from", "to", "material", "mode", "distance_km")
    return _appended(app, "Links", dict(zip(names, _texts(form, *names), strict=True)), "/network")


def add_plant(app: App, form: FormData, _: Request) -> Response:
    """Add a plant of one's own to the workbook, as a candidate."""
    values = dict(zip(plants.FIELDS, _texts(form, *plants.FIELDS), strict=True))
    if (refused := _taken(app, values["unit"])) is not None:
        return refused
    return _appended(app, "Units", {**values, "status": "candidate"}, "/check")


def add_suggestion(app: App, form: FormData, _: Request) -> Response:
    """Add a suggestion of a run to the workbook, as a candidate with all that it needs."""
    number, unit = _texts(form, "run", "unit")
    run = app.project.run(int(number)) if number.isdecimal() else None
    rows = suggestions.rows_of(app, run, unit) if run is not None else None
    if rows is None:
        return _refused(app, say("there is no such suggestion"))
    if (refused := _taken(app, unit)) is not None:
        return refused
    app.project.edit(suggestions.edits(app.project.book, rows))
    return RedirectResponse("/suggestions", 303)


def _taken(app: App, unit: str) -> Response | None:
    """The refusal of a unit that the workbook has already; None for another."""
    if all(str(row[0]) != unit for row in columns(app.project.book, "Units", "unit")):
        return None
    return _refused(app, say("the workbook has a unit {unit!r} already", unit=unit), 409)


def _appended(app: App, sheet: str, values: Mapping[str, str], back: str) -> Response:
    raw = raw_sheet(app.project.book, sheet)
    row = len(raw.grid) + 1 if raw is not None and raw.grid else 2
    app.project.edit([Edit(sheet, row, n, typed(sheet, n, v)) for n, v in values.items() if v])
    return RedirectResponse(back, 303)


def undo(app: App, form: FormData, _: Request) -> Response:
    """Take the last step back, or do it again."""
    step = app.project.redo if form.get("do") == "redo" else app.project.undo
    step()
    return RedirectResponse(_local(str(form.get("back", "")), "/tables"), 303)


def save_back(app: App, form: FormData, _: Request) -> Response:
    """Write back into the planner's own file, unless it has changed meanwhile."""
    project = app.project
    source = Path(project.source) if project.source else None
    if source is None or not source.exists():
        return RedirectResponse("/take-away/workbook", 303)
    if file_digest(source) != project.digest and form.get("anyway") != "yes":
        return HTMLResponse(load.changed_meanwhile(app), 409)
    edits, book = list(project.edits), project.book
    try:
        save(source, source, edits, project.loaded)
    except ValueError as refused:
        return HTMLResponse(parts.failed(app, refused), 400)
    project.saved(source, book, len(edits))
    return RedirectResponse("/check", 303)


def workbook(app: App, _: Request) -> Response:
    """The workbook with the edits, as a download."""
    project = app.project
    ending = project.loaded_path.suffix or ".xlsx"
    target = project.folder / f"edited{ending}"
    save(project.loaded_path, target, list(project.edits), project.loaded)
    return FileResponse(target, filename=f"{Path(project.name).stem}{ending}")


# --------------------------------------------------------------------------- runs


def begin_run(app: App, form: FormData, _: Request) -> Response:
    """Begin a run: `kind`, the name of a list of changes, options."""
    kind, name = str(form.get("kind", "")), str(form.get("variant", ""))
    if kind not in studies.KINDS:
        return _refused(app, say("there is no such study"))
    options = _options(app, kind, form)
    known = any(v.name == name for v in app.project.variants)
    changes, title = _in_force(app, name), say(studies.KINDS[kind][0])
    title += f" · {name}" if known else ""
    if kind == "compare" and len(options["lists"]) < 2:
        return _refused(app, say("choose at least two scenarios to put side by side"), 400)
    run = app.begin(kind, title, options=options, changes=changes)
    return RedirectResponse(f"/runs/{run}", 303)


def _options(app: App, kind: str, form: FormData) -> dict[str, Any]:
    options: dict[str, Any] = {n: str(form[n]) for n in studies.OPTIONS if form.get(n)}
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


def stop(app: App, _: FormData, request: Request) -> Response:
    """End a run; what it has so far is kept."""
    run = request.path_params["run"]
    job = app.jobs.get(run)
    if job is not None:
        app.bench.stop(job)
    return RedirectResponse(f"/runs/{run}", 303)


# --------------------------------------------------------------------------- what if


def variants(app: App, form: FormData, _: Request) -> Response:
    """Change a list of changes."""
    name = str(form.get("variant", "")).strip()[:100]
    values = {k: str(v) for k, v in form.items() if isinstance(v, str)}
    what_if.change_variant(app, name, values)
    return RedirectResponse(f"/what-if?{urlencode({'variant': name})}", 303)


def _in_force(app: App, name: str) -> dict[str, str]:
    return next((v.in_force() for v in app.project.variants if v.name == name), {})


def ready_sliders(app: App, _: Any, request: Request) -> Response:
    """Prepare the sliders: what goes on, or the rows."""
    job = app.ready_sliders(_in_force(app, request.query_params.get("variant", "")))
    if not job.future.done():
        return JSONResponse({"words": job.words})
    error = job.future.exception()
    if error is not None:
        return JSONResponse({"error": str(error)})
    return JSONResponse(job.future.result())


def slide(app: App, given: bytes, _: Request) -> Response:
    """The plan with sliders moved: `{"values": {"0": 0.9}}`."""
    try:
        values = _values(json.loads(given)["values"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return JSONResponse({"error": say("no such sliders")}, 400)
    return JSONResponse(app.slide(values))


def _values(given: Any) -> dict[int, float]:
    return {int(k): float(v) for k, v in given.items()}


def search_afresh(app: App, form: FormData, _: Request) -> Response:
    """The full search where the sliders stand: their values become a list of changes."""
    name = str(form.get("variant", ""))
    try:
        values = _values(json.loads(str(form.get("values", "{}"))))
    except (ValueError, TypeError, AttributeError):
        values = {}
    job = app.ready_sliders(_in_force(app, name))
    if not values or not job.future.done() or job.future.exception() is not None:
        return RedirectResponse("/what-if", 303)
    listed = job.future.result()["rows"]
    values = {n: v for n, v in values.items() if 0 <= n < len(listed)}
    new = what_if.moved(app, name, values, listed)
    run = app.begin("solve", say("Plan · {new}", new=new), changes=_in_force(app, new))
    return RedirectResponse(f"/runs/{run}", 303)
