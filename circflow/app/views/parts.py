"""What several pages share."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from circflow.app.html import bullets, button, form, html_options, html_table, link, note, page
from circflow.app.project import Run
from circflow.app.state import App
from circflow.data.files.grids import column_number
from circflow.data.table import Book, Problem, RawSheet
from circflow.i18n import mark, say
from circflow.report.numbers import number

FILES = {
    "page.html": mark("page as one file"),
    "results.xlsx": mark("results workbook"),
    "plan.json": mark("plan as JSON"),
    "verdicts.json": mark("verdicts as JSON"),
    "tables.json": mark("tables as JSON"),
    "explanation.json": mark("explanation as JSON"),
    "tables.zip": mark("tables as CSV"),
}
"""What a run may have written and may be fetched."""


def hidden(**values: object) -> str:
    """Values that go with a form."""
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(str(value))}">'
        for name, value in values.items()
    )


def field(
    words: str, name: str, value: object = "", *, of: str, size: int = 10, **more: str
) -> str:
    """A labelled input; `of` tells fields of one name on a page apart."""
    extra = "".join(f' {k}="{escape(v)}"' for k, v in more.items())
    key = escape(f"{of}-{name}")
    return (
        f'<label for="{key}">{escape(words)}</label> <input id="{key}" name="{name}" '
        f'value="{escape(str(value))}" size="{size}"{extra}> '
    )


def choice(words: str, name: str, options: Sequence[tuple[str, str]], *, of: str) -> str:
    """A labelled drop-down list of values and words."""
    key = escape(f"{of}-{name}")
    return (
        f'<label for="{key}">{escape(words)}</label> '
        f'<select id="{key}" name="{name}">{html_options(options)}</select> '
    )


def figure(value: Any) -> str:
    """A figure of a table, or a text, as HTML."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else say("yes") if value else say("no")
    if isinstance(value, int | float):
        return number(float(value)) if value == value else ""  # noqa: PLR0124
    return escape(str(value))


def raw_sheet(book: Book, name: str) -> RawSheet | None:
    """A sheet as read."""
    return next((s for s in book.sheets if s.name.strip() == name), None)


def column_name(book: Book, sheet: str, letters: str) -> str:
    """The name that stands above a cell."""
    raw = raw_sheet(book, sheet)
    if raw is None or not letters or not raw.grid:
        return ""
    header, at = raw.grid[0], column_number(letters)
    return str(header[at]).strip() if at < len(header) and header[at] is not None else ""


def cell_link(sheet: str, row: int, column: str, words: str) -> str:
    """A link that opens a table at a cell."""
    place = f"/tables/{quote(sheet, safe='')}?{urlencode({'row': row, 'column': column})}"
    return link(f"{place}#r{row}", words)


def site_link(site: str) -> str:
    """A link to the balance of a site."""
    return link(f"/sites/{quote(site, safe='')}", site)


def member_link(member: str) -> str:
    """A link to the page of a member."""
    return link(f"/members/{quote(member, safe='')}", member)


def save_and_undo(back: str) -> str:
    """The buttons below everything that changes cells."""
    return (
        f'<div class="acts"><form method="get" action="/check">{button(say("Check"))}</form>'
        + form("/save", button(say("Save workbook")))
        + form("/undo", hidden(back=back, do="undo") + button(say("Undo")))
        + form("/undo", hidden(back=back, do="redo") + button(say("Redo")))
        + "</div>"
    )


def begin(kind: str, words: str, inner: str = "", **more: str) -> str:
    """A form that begins a run."""
    press = button(words, style="main")
    return form("/run", hidden(kind=kind, **more) + inner + press)


def runs_table(app: App, kinds: Sequence[str]) -> str:
    """The list of runs of some kinds."""
    project, now, rows = app.project, digests(app), []
    for run in project.runs():
        if run.kind not in kinds:
            continue
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        took = say("{n:.0f} s", n=run.seconds) if run.seconds is not None else ""
        stale = "" if run.fingerprint in now else say("the workbook has changed since")
        ended = escape(f"{status_of(run)} {run.message.splitlines()[0] if run.message else ''}")
        title = link(f"/runs/{run.run}", run.title)
        rows.append([str(run.run), title, when, took, ended, stale])
    head = (say("run"), say("what"), say("when"), say("took"), say("ended"), say("now"))
    return html_table(head, rows, caption=say("Runs")) if rows else ""


_STATUSES = (
    mark("optimal"), mark("feasible"), mark("done"), mark("running"), mark("no plan"),
    mark("stopped"), mark("failed"), mark("lost"),
)  # fmt: skip


def status_of(run: Run) -> str:
    """How a run ended, in words."""
    return say(run.status) if run.status in _STATUSES else run.status


def digests(app: App) -> set[str]:
    """What the workbook and its lists of changes are now."""
    project = app.project
    changes: list[dict[str, str]] = [{}, *(one.in_force() for one in project.variants)]
    return {project.digest_of(change) for change in changes}


def latest(app: App, kind: str, *, with_file: str = "") -> Run | None:
    """The latest run of a kind that has something to show."""
    for run in app.project.runs():
        good = run.kind == kind and run.status in ("optimal", "feasible", "done")
        if good and (not with_file or (app.project.run_folder(run.run) / with_file).exists()):
            return run
    return None


def about(app: App, run: Run) -> str:
    """Which workbook, which changes, when; and whether it has changed since."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    took = say(", took {seconds:.1f} s", seconds=run.seconds) if run.seconds is not None else ""
    changes = "; ".join(f"{a} {e}" for a, e in run.changes.items()) or say("none")
    stale = run.fingerprint not in digests(app)
    line = say(
        "{name} · changes: {changes} · {when}{took} · {status} {escape} · circflow {version}",
        name=app.project.name,
        changes=changes,
        when=when,
        took=took,
        status=status_of(run),
        escape=run.message if run.status != "no plan" else "",
        version=run.version,
    )
    return (
        f'<div class="about"><p>{escape(line)}</p>'
        + (note(say("The workbook has changed since."), "fault") if stale else "")
        + file_links(run, app.project.run_folder(run.run))
        + "</div>"
    )


def has_file(folder: Any, name: str) -> bool:
    """Whether a run has written a file (of its tables, a folder that is zipped when fetched)."""
    return bool((folder / ("tables" if name == "tables.zip" else name)).exists())


def file_links(run: Run, folder: Path) -> str:
    """The files that a run wrote into its folder, to be taken away."""
    links = (
        link(f"/runs/{run.run}/files/{name}?save=1", say(words))
        for name, words in FILES.items()
        if has_file(folder, name)
    )
    return bullets(links, "plain files")


def frame_of(run: Run) -> str:
    """The page that a run wrote, in a frame of its own."""
    return (
        f'<iframe class="whole" title="{escape(run.title)}" '
        f'src="/runs/{run.run}/files/page.html"></iframe>'
    )


def problems_table(problems: Sequence[Problem], book: Book | None) -> str:
    """Problems as a table, each with what mends it; nothing without any."""
    head = [say("kind"), say("cell"), say("what is wrong"), say("stands there")]
    head += [say("expected"), say("mend")]
    rows = [_problem_row(problem, book) for problem in problems]
    return html_table(head, rows, caption=say("Problems")) if rows else ""


def _problem_row(problem: Problem, book: Book | None) -> list[str]:
    cell = problem.cell
    column = column_name(book, cell.sheet, cell.column) if book is not None else ""
    shown = str(cell) or say("file")
    mend, of_cell = "", hidden(sheet=cell.sheet, row=cell.row, column=column)
    if column and (better := problem.suggestion):
        words = say("Did you mean {suggestion}? {cell}", suggestion=better, cell=cell)
        mend = form("/cells", of_cell + hidden(value=better) + button(better, title=words))
    elif column and cell.row > 1:
        words = escape(say("New value of {cell}", cell=cell))
        value = f'<input name="value" aria-label="{words}" size="12"> '
        press = button(say("Set"), title=say("Set {cell}", cell=cell))
        mend = form("/cells", of_cell + value + press)
    return [
        f'<span class="{problem.severity}">{escape(say(problem.severity))}</span>',
        cell_link(cell.sheet, cell.row, column, shown) if column else escape(shown),
        escape(problem.message),
        escape(problem.found),
        escape(problem.expected),
        mend,
    ]


def missing(app: App, words: str) -> str:
    """Something that is not there."""
    return page(say("Not found"), note(words, "fault"), project=app.workspace.project)


def failed(app: App, error: Exception) -> str:
    """A file or a step that failed, in words, with its problems."""
    body = note(str(error), "fault") + problems_table(getattr(error, "problems", ()), None)
    return page(say("This did not work"), body, project=app.workspace.project)


def reading(app: App, query: Mapping[str, str]) -> str:
    """The workbook is being read."""
    body = (
        '<p class="lead" data-events="/events/reading" role="status">'
        f"{say('Reading and checking the workbook')}</p>"
        f"<noscript><p>{link('', say('Go on'))}</p></noscript>"
    )
    return page(say("One moment"), body, project=app.workspace.project)


def records(folder: Path, name: str) -> list[dict[str, str]]:
    """A table of a run."""
    path = folder / "tables" / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sites_of(folder: Path) -> tuple[list[str], list[str]]:
    """The sites and members that occur in the money of a plan."""
    money = records(folder, "money")
    flows = records(folder, "flows")
    sites = {r["site"] for r in money} | {r[e] for r in flows for e in ("from", "to")}
    return sorted(sites - {""}), sorted({r.get("member", "") for r in money} - {""})
