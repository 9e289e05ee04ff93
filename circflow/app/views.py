"""The app's pages, drawn from its state. Every function gives a whole page of HTML.

Names and texts of a workbook are data: they pass through `escape`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from circflow.app.edits import column_at
from circflow.app.html import button, form, note, page
from circflow.app.html import table as html_table
from circflow.app.project import Change, Run, Variant, book_digest
from circflow.data.schema import BY_NAME, SHEETS, Column, Sheet, is_planners_column
from circflow.data.table import Book, Problem, RawSheet

if TYPE_CHECKING:
    from circflow.app.server import App

KINDS = {
    "solve": "Plan",
    "explain": "Why there is no plan",
    "evaluate": "New plants",
    "share": "Cluster",
}
"""What can be run, and what it is called."""
FILES = {
    "page.html": "page as one file",
    "results.xlsx": "results workbook",
    "plan.json": "plan as JSON",
    "tables.json": "tables as JSON",
    "explanation.json": "explanation as JSON",
}
"""What a run may have written and may be fetched."""
ROWS_SHOWN = 200
"""Rows of a sheet on one page."""


def examples() -> dict[str, Path]:
    """The shipped scenarios that are at hand, by name."""
    home = Path(__file__).parents[2] / "scenarios"
    return {path.stem: path for path in sorted(home.glob("*.xlsx"))}


def query_of(**values: str) -> str:
    """Values as the query of an address."""
    return urlencode(values)


def missing(app: App, words: str) -> str:
    """Something that is not there."""
    return page("Not found", note(words, "fault"), project=app.workspace.project)


def failed(app: App, error: Exception) -> str:
    """A file or a step that failed, in words, with its problems."""
    problems: Sequence[Problem] = getattr(error, "problems", ())
    rows = [_problem_row(problem, None) for problem in problems]
    body = note(str(error), "fault")
    if rows:
        body += html_table(("cell", "what is wrong", "expected", ""), rows, caption="Problems")
    return page("This did not work", body, project=None)


# --------------------------------------------------------------------------- load


def workbook(app: App, query: Mapping[str, str], fault: str = "") -> str:
    """Load: a workbook, an example, or an empty one."""
    upload = form(
        "/load",
        '<label for="workbook">Workbook</label> '
        '<input type="file" id="workbook" name="workbook" accept=".xlsx,.xlsm" required> '
        + button("Load", style="main"),
        label="Load a workbook",
        upload=True,
    )
    choices = "".join(f'<option value="{escape(n)}">{escape(n)}</option>' for n in examples())
    example = form(
        "/load",
        f'<label for="example">Example</label> <select id="example" name="example">{choices}'
        f"</select> {button('Open the example')}",
        label="Open a shipped case",
    )
    new = form("/load", button("New", title="New"), label="Begin with an empty workbook")
    known = "".join(
        f"<li>{form('/open', button(name, name='name', value=name))}</li>"
        for name in app.workspace.names()
    )
    body = (
        (note(fault, "fault") if fault else "")
        + f'<section class="drop" data-drop="workbook">{upload}'
        + note("Drop an Excel workbook here, or choose one. It stays on this machine.")
        + f"</section><section><h2>A shipped case</h2>{example}</section>"
        + f"<section><h2>An empty workbook</h2>{new}"
        + note("Every sheet and column, with notes and drop-down lists.")
        + "</section>"
        + (
            f'<section><h2>Opened before</h2><ul class="plain">{known}</ul></section>'
            if known
            else ""
        )
    )
    return page("Workbook", body, project=app.workspace.project, at="/")


def changed_meanwhile(app: App) -> str:
    """The planner's own file has changed since it was loaded."""
    again = form(
        "/save",
        '<input type="hidden" name="anyway" value="yes">' + button("Write over it all the same"),
    )
    body = (
        note("The file has changed since it was loaded here: somebody saved it meanwhile.", "fault")
        + '<p><a href="/take-away/workbook">Save your version under another name</a> or</p>'
        + again
    )
    return page("Save workbook", body, project=app.workspace.project)


# --------------------------------------------------------------------------- check


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem for the script of a table."""
    return {
        "severity": problem.severity,
        "sheet": problem.cell.sheet,
        "row": problem.cell.row,
        "letter": problem.cell.column,
        "text": problem.message,
        "expected": problem.expected,
        "suggestion": problem.suggestion,
    }


def check(app: App, query: Mapping[str, str]) -> str:
    """Every problem: sheet, cell, what stands there, what is expected; mended in place."""
    problems, book = app.problems(), app.project.book
    errors = sum(p.severity == "error" for p in problems)
    warnings = len(problems) - errors
    lead = (
        "No problems: the workbook can be solved."
        if not problems
        else f"{errors} error{'s' if errors != 1 else ''} and {warnings} "
        f"warning{'s' if warnings != 1 else ''}."
    )
    rows = [_problem_row(problem, book) for problem in problems]
    head = ("", "cell", "what is wrong", "stands there", "expected", "mend")
    body = f'<p class="lead">{escape(lead)}</p>'
    if rows:
        body += html_table(head, rows, caption="Problems")
    body += _save_and_undo("/check")
    if not errors:
        body += form(
            "/run",
            '<input type="hidden" name="kind" value="solve">' + button("Solve", style="main"),
            label="Solve",
        )
    return page("Check", body, project=app.workspace.project, at="/check")


def _problem_row(problem: Problem, book: Book | None) -> list[str]:
    cell = problem.cell
    column = _column_name(book, cell.sheet, cell.column) if book is not None else ""
    place = f"/tables/{quote(cell.sheet, safe='')}?row={cell.row}&column={quote(column)}"
    shown = escape(str(cell) or "file")
    link = f'<a href="{escape(place)}#r{cell.row}">{shown}</a>' if column else shown
    mend = ""
    if column and problem.suggestion:
        mend = form(
            "/cells",
            _hidden(sheet=cell.sheet, row=cell.row, column=column, value=problem.suggestion)
            + button(f"{problem.suggestion}", title=f"Did you mean {problem.suggestion}?"),
        )
    elif column and cell.row > 1:
        mend = form(
            "/cells",
            _hidden(sheet=cell.sheet, row=cell.row, column=column)
            + f'<input name="value" aria-label="{escape(f"New value of {cell}")}" size="12"> '
            + button("Set"),
        )
    return [
        f'<span class="{problem.severity}">{problem.severity}</span>',
        link,
        escape(problem.message),
        escape(problem.found),
        escape(problem.expected),
        mend,
    ]


def _hidden(**values: object) -> str:
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(str(value))}">'
        for name, value in values.items()
    )


def _column_name(book: Book, sheet: str, letter: str) -> str:
    """The name that stands above a cell."""
    raw = _raw(book, sheet)
    if raw is None or not letter or not raw.grid:
        return ""
    at = 0
    for sign in letter:
        at = at * 26 + ord(sign) - 64
    header = raw.grid[0]
    return str(header[at - 1]).strip() if at <= len(header) and header[at - 1] is not None else ""


def _raw(book: Book, name: str) -> RawSheet | None:
    return next((s for s in book.sheets if s.name.strip() == name), None)


def _save_and_undo(back: str) -> str:
    return (
        '<div class="acts">'
        + form("/save", button("Save workbook"), label="Save workbook")
        + form("/undo", _hidden(back=back, do="undo") + button("Undo"), label="Undo")
        + form("/undo", _hidden(back=back, do="redo") + button("Redo"), label="Redo")
        + "</div>"
    )


# --------------------------------------------------------------------------- tables


def tables(app: App, query: Mapping[str, str]) -> str:
    """Every sheet of the contract, and how full it is."""
    book = app.project.book
    counts = _counts(app.problems())
    rows = []
    for sheet in SHEETS:
        raw = _raw(book, sheet.name)
        size = sum(any(c is not None for c in row) for row in raw.grid[1:]) if raw else 0
        errors, warnings = counts.get(sheet.name, (0, 0))
        told = ", ".join(
            f"{n} {words}" for n, words in ((errors, "errors"), (warnings, "warnings")) if n
        )
        link = f'<a href="/tables/{quote(sheet.name)}">{escape(sheet.name)}</a>'
        rows.append([link, str(size), escape(told), escape(sheet.meaning)])
    body = html_table(("sheet", "rows", "problems", "what it holds"), rows, caption="Sheets")
    return page("Tables", body + _save_and_undo("/tables"), project=app.project, at="/tables")


def _counts(problems: Sequence[Problem]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for problem in problems:
        errors, warnings = counts.get(problem.cell.sheet, (0, 0))
        is_error = problem.severity == "error"
        counts[problem.cell.sheet] = (errors + is_error, warnings + (not is_error))
    return counts


def table(app: App, sheet: str, query: Mapping[str, str]) -> str:
    """A sheet as a table with inputs; its problems stand at their cells."""
    if sheet not in BY_NAME:
        raise LookupError(f"there is no sheet {sheet!r}")
    of, book = BY_NAME[sheet], app.project.book
    raw = _raw(book, sheet)
    grid = raw.grid if raw is not None else [list(of.names)]
    wanted = int(query.get("row") or 0)
    first = max(int(query.get("from") or 0), 0) or max(2, wanted - ROWS_SHOWN // 2)
    names = _shown_columns(of, grid[0] if grid else [])
    problems: dict[tuple[int, str], list[Problem]] = {}
    for problem in app.problems():
        if problem.cell.sheet == sheet:
            column = _column_name(book, sheet, problem.cell.column)
            problems.setdefault((problem.cell.row, column), []).append(problem)
    changed = app.project.changed_cells()
    lists = _lists(of, names, book)
    last = len(grid)
    rows = [
        _row(of, names, grid[r - 1], r, problems, changed, lists)
        for r in range(first, min(first + ROWS_SHOWN, last + 1))
    ]
    rows.append(_row(of, names, [], last + 1, problems, changed, lists))
    heads = "".join(_head(of, name) for name in names)
    listed = "".join(
        f'<datalist id="list-{escape(column)}">'
        + "".join(f'<option value="{escape(v)}"></option>' for v in values)
        + "</datalist>"
        for column, values in lists.items()
    )
    links = _pages(sheet, first, last)
    body = (
        f'<p class="lead">{escape(of.meaning)}</p>{links}{listed}'
        f'<div class="scroll grid" tabindex="0" data-sheet="{escape(sheet)}"><table>'
        f'<caption>{escape(sheet)}</caption><thead><tr><th scope="col">row</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        + note(
            "A change is kept and checked at once. A block copied from Excel can be pasted into any "
            "cell. The last row is new."
        )
        + _save_and_undo(f"/tables/{quote(sheet)}")
    )
    return page(sheet, body, project=app.project, at="/tables")


def _pages(sheet: str, first: int, last: int) -> str:
    if last <= ROWS_SHOWN + 1:
        return ""
    links = "".join(
        f'<li><a href="/tables/{quote(sheet)}?from={start}"'
        f"{' aria-current=page' if start <= first < start + ROWS_SHOWN else ''}>"
        f"{start}–{min(start + ROWS_SHOWN - 1, last)}</a></li>"
        for start in range(2, last + 1, ROWS_SHOWN)
    )
    return f'<nav aria-label="Rows"><ul class="pages">{links}</ul></nav>'


def _shown_columns(of: Sheet, header: Sequence[object]) -> list[str]:
    """The columns of the file, then those of the contract that it lacks."""
    present = [str(h).strip() for h in header if h is not None]
    return [*present, *(name for name in of.names if name not in present)]


def _head(of: Sheet, name: str) -> str:
    column = of[name] if name in of else None
    if column is None:
        return f'<th scope="col">{escape(name)}</th>'
    unit = f' <span class="u">{escape(column.unit)}</span>' if column.unit else ""
    required = " *" if column.required else ""
    return (
        f'<th scope="col" title="{escape(column.meaning)}">{escape(name)}{required}{unit}'
        f"<small>{escape(column.meaning)}</small></th>"
    )


def _lists(of: Sheet, names: Sequence[str], book: Book) -> dict[str, list[str]]:
    """What a cell may hold, for columns with choices or names of another sheet."""
    lists: dict[str, list[str]] = {}
    for name in names:
        if name not in of:
            continue
        column = of[name]
        if column.choices:
            lists[name] = list(column.choices)
        elif column.kind == "flag":
            lists[name] = ["yes", "no"]
        elif column.reference:
            lists[name] = _names_in(book, column.reference)
    return lists


def _names_in(book: Book, sheet: str) -> list[str]:
    from circflow.data.checks.references import target_column

    raw = _raw(book, sheet)
    if raw is None or not raw.grid:
        return []
    at = column_at(raw.grid[0], target_column(sheet))
    if at is None:
        return []
    cells = (row[at] for row in raw.grid[1:] if at < len(row))
    return list(dict.fromkeys(str(c).strip() for c in cells if c is not None))


def _row(
    of: Sheet,
    names: Sequence[str],
    cells: Sequence[object],
    row: int,
    problems: Mapping[tuple[int, str], Sequence[Problem]],
    changed: set[tuple[str, int, str]],
    lists: Mapping[str, Sequence[str]],
) -> str:
    drawn = []
    for at, name in enumerate(names):
        value = cells[at] if at < len(cells) else None
        text = "" if value is None else str(value)
        found = problems.get((row, name), ())
        style = min((p.severity for p in found), default="")
        style += " changed" if (of.name, row, name) in changed else ""
        told = "; ".join(p.message for p in found)
        column = of[name] if name in of else None
        listed = f' list="list-{escape(name)}"' if name in lists else ""
        fixed = " readonly" if column is None and not is_planners_column(name) else ""
        describe = f' title="{escape(told)}"' if told else ""
        invalid = ' aria-invalid="true"' if style.startswith("error") else ""
        drawn.append(
            f'<td class="{style.strip()}"><input value="{escape(text)}" data-row="{row}" '
            f'data-column="{escape(name)}" aria-label="{escape(f"{name}, row {row}")}"'
            f'{listed}{fixed}{describe}{invalid} size="{_width(column, text)}"></td>'
        )
    return f'<tr id="r{row}"><th scope="row">{row}</th>{"".join(drawn)}</tr>'


def _width(column: Column | None, text: str) -> int:
    least = 8 if column is not None and (column.is_number or column.kind == "flag") else 14
    return min(max(least, len(text)), 40)


# --------------------------------------------------------------------------- runs


def solve(app: App, query: Mapping[str, str]) -> str:
    """Solve: the workbook as it is, or with a list of changes."""
    project = app.project
    errors = [p for p in app.problems() if p.severity == "error" and not p.infeasible]
    choices = '<option value="">the workbook as it is</option>' + "".join(
        f'<option value="{escape(v.name)}">with {escape(v.name)}</option>' for v in project.variants
    )
    body = ""
    if errors:
        body += note(f"{len(errors)} errors stand in the way: see Check.", "fault")
    body += form(
        "/run",
        '<input type="hidden" name="kind" value="solve"><label for="variant">What</label> '
        f'<select id="variant" name="variant">{choices}</select> {button("Solve", style="main")}',
        label="Solve",
    )
    return page("Solve", body + _runs(app, ("solve", "explain")), project=project, at="/solve")


def _runs(app: App, kinds: Sequence[str]) -> str:
    """The list of runs of some kinds."""
    project = app.project
    now = _digests(app)
    rows = []
    for run in project.runs():
        if run.kind not in kinds:
            continue
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        took = f"{run.seconds:.0f} s" if run.seconds is not None else ""
        stale = "" if run.fingerprint in now else "the workbook has changed since"
        link = f'<a href="/runs/{run.run}">{escape(run.title)}</a>'
        rows.append([str(run.run), link, when, took, escape(run.status), stale])
    if not rows:
        return ""
    head = ("run", "what", "when", "took", "ended", "")
    return html_table(head, rows, caption="Runs")


def _digests(app: App) -> set[str]:
    """What the workbook and its variants are now."""
    book = app.project.book
    changes = [{}, *(variant.in_force() for variant in app.project.variants)]
    return {book_digest(book, change) for change in changes}


def run(app: App, run: int, query: Mapping[str, str]) -> str:
    """A run: what goes on, or what it found."""
    project = app.project
    known = project.run(run)
    if known is None:
        raise LookupError(f"there is no run {run}")
    if run in app.jobs or known.status == "running":
        return _running(app, known)
    folder = project.run_folder(run)
    body = _about(app, known)
    if (folder / "page.html").exists():
        body += (
            f'<iframe class="whole" title="{escape(known.title)}" src="/runs/{run}/files/page.html">'
            "</iframe>"
        )
    if known.status == "no plan":
        body += _no_plan(app, known)
    elif (folder / "explanation.json").exists():
        body += _explained(app, folder / "explanation.json")
    elif known.message:
        body += note(known.message, "fault")
    return page(known.title, body, project=project, at=_place(known.kind))


def _place(kind: str) -> str:
    return {"solve": "/plan", "explain": "/solve", "evaluate": "/plants", "share": "/cluster"}.get(
        kind, "/studies"
    )


def _running(app: App, known: Run) -> str:
    job = app.jobs.get(known.run)
    words = job.words if job is not None else "waiting"
    body = (
        f'<p class="lead" id="words" data-events="/runs/{known.run}/events" role="status">'
        f"{escape(words)}</p>"
        + form(f"/runs/{known.run}/stop", button("Stop"), label="Stop")
        + '<noscript><p><a href="">See how far it is</a></p></noscript>'
    )
    return page(known.title, body, project=app.project, at=_place(known.kind))


def _about(app: App, known: Run) -> str:
    """Which workbook, which changes, when; and whether it has changed since."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(known.started))
    took = f", took {known.seconds:.1f} s" if known.seconds is not None else ""
    changes = "; ".join(f"{a} {e}" for a, e in known.changes.items()) or "none"
    stale = known.fingerprint not in _digests(app)
    files = "".join(
        f'<li><a href="/runs/{known.run}/files/{name}?save=1">{escape(words)}</a></li>'
        for name, words in FILES.items()
        if (app.project.run_folder(known.run) / name).exists()
    )
    return (
        f'<div class="about"><p>{escape(app.project.name)} · changes: {escape(changes)} · {when}{took} · '
        f"{escape(known.status)} · circflow {escape(known.version)}</p>"
        + (note("The workbook has changed since.", "fault") if stale else "")
        + (f'<ul class="plain files">{files}</ul>' if files else "")
        + "</div>"
    )


def _no_plan(app: App, known: Run) -> str:
    lines = "".join(f"<li>{escape(line.strip())}</li>" for line in known.message.splitlines())
    ask = form(
        "/run",
        _hidden(kind="explain") + button("Find the smallest changes", style="main"),
        label="Explain",
    )
    return f'<section><h2>No plan</h2><ul class="plain">{lines}</ul>{ask}</section>'


def _explained(app: App, path: Path) -> str:
    """Conflicts in cells; each smallest change has a button that applies it and solves again."""
    found = json.loads(path.read_text(encoding="utf-8"))
    body = ""
    for conflict in found["conflicts"]:
        conditions = "".join(
            f"<li><b>{escape(c['cell'])}</b> {escape(c['text'])}</li>"
            for c in conflict["conditions"]
        )
        remedies = "".join(f"<li>{_remedy(app, r)}</li>" for r in conflict["remedies"])
        body += (
            f"<section><h2>These cannot hold together</h2><ul>{conditions}</ul>"
            f'<h3>Any one of these changes ends it</h3><ul class="plain">{remedies}</ul></section>'
        )
    if not found["conflicts"]:
        body += f"<pre>{escape(found['text'])}</pre>"
    return body


def _remedy(app: App, remedy: Mapping[str, Any]) -> str:
    sheet, _, place = str(remedy["cell"]).partition("!")
    letter = place.rstrip("0123456789")
    column = _column_name(app.project.book, sheet, letter)
    after = "" if remedy["after"] is None else repr(remedy["after"])
    if not column:
        return escape(remedy["text"])
    return form(
        "/cells",
        _hidden(sheet=sheet, row=place[len(letter) :], column=column, value=after, back="/solve")
        + button(remedy["text"]),
    )


def plan(app: App, query: Mapping[str, str]) -> str:
    """The latest plan."""
    for known in app.project.runs():
        if known.kind == "solve" and known.status in ("optimal", "feasible"):
            return run(app, known.run, query)
    body = note("There is no plan yet: solve the workbook.") + '<p><a href="/solve">Solve</a></p>'
    return page("Plan", body, project=app.project, at="/plan")


def plants(app: App, query: Mapping[str, str]) -> str:
    """The verdict of each candidate."""
    body = form(
        "/run",
        _hidden(kind="evaluate") + button("Evaluate", style="main"),
        label="Evaluate every candidate",
    )
    return page("New plants", body + _runs(app, ("evaluate",)), project=app.project, at="/plants")


def cluster(app: App, query: Mapping[str, str]) -> str:
    """What the cluster gains, and how to share it."""
    body = form(
        "/run",
        _hidden(kind="share") + button("What the cluster gains", style="main"),
        label="Cluster",
    )
    return page("Cluster", body + _runs(app, ("share",)), project=app.project, at="/cluster")


def studies(app: App, query: Mapping[str, str]) -> str:
    """Every run."""
    return page("Studies", _runs(app, tuple(KINDS)), project=app.project, at="/studies")


def take_away(app: App, query: Mapping[str, str]) -> str:
    """What may be taken away: the workbook, the files of every run."""
    body = '<p><a href="/take-away/workbook">The workbook with your changes</a></p>'
    rows = []
    for known in app.project.runs():
        folder = app.project.run_folder(known.run)
        links = " · ".join(
            f'<a href="/runs/{known.run}/files/{name}?save=1">{escape(words)}</a>'
            for name, words in FILES.items()
            if (folder / name).exists()
        )
        if links:
            rows.append([str(known.run), escape(known.title), links])
    body += html_table(("run", "what", "files"), rows, caption="Files of every run") if rows else ""
    return page("Take away", body, project=app.project, at="/take-away")


def options_of(kind: str, given: Any) -> dict[str, Any]:
    """The options of a run, from its form."""
    if kind == "evaluate" and given.get("unit"):
        return {"units": [str(given.get("unit"))]}
    return {}


# --------------------------------------------------------------------------- what if


def what_if(app: App, query: Mapping[str, str]) -> str:
    """Lists of changes under names, each switched on or off; solved beside the workbook."""
    project = app.project
    name = query.get("variant", "")
    one = next((v for v in project.variants if v.name == name), None)
    listed = "".join(
        f'<li><a href="/what-if?{query_of(variant=v.name)}"{" aria-current=page" if v is one else ""}>'
        f"{escape(v.name)}</a></li>"
        for v in project.variants
    )
    body = f'<ul class="plain variants">{listed}</ul>' if listed else ""
    body += form(
        "/variants",
        '<label for="name">A new list of changes</label> <input id="name" name="variant" required> '
        + button("Add"),
        label="New scenario",
    )
    if one is not None:
        body += _changes(one)
    return page("What if", body, project=project, at="/what-if")


def _changes(one: Variant) -> str:
    rows = []
    for n, change in enumerate(one.changes):
        switch = form(
            "/variants",
            _hidden(variant=one.name, do="switch", at=n)
            + button("on" if change.on else "off", title=f"{change.address} is on or off"),
        )
        drop = form(
            "/variants",
            _hidden(variant=one.name, do="drop", at=n)
            + button("remove", title=f"Remove {change.address}"),
        )
        rows.append([switch, escape(change.address), escape(change.edit), drop])
    shown = html_table(("", "cells", "change", ""), rows, caption="Changes") if rows else ""
    add = form(
        "/variants",
        _hidden(variant=one.name, do="add")
        + '<label for="address">Cells</label> <input id="address" name="address" size="44" required '
        'placeholder="Markets.price[material=slag cement]"> <label for="sign">Change</label> '
        '<select id="sign" name="sign"><option value="*">×</option><option value="+">+</option>'
        '<option value="=">=</option></select> <label for="value">by</label> '
        '<input id="value" name="value" size="8" required> ' + button("Add the change"),
        label="Add a change",
    )
    solve_it = form(
        "/run",
        _hidden(kind="solve", variant=one.name) + button("Solve", style="main"),
        label="Solve with these changes",
    )
    return f"<section><h2>{escape(one.name)}</h2>{shown}{add}{solve_it}</section>"


def change_variant(app: App, name: str, values: Mapping[str, str]) -> None:
    """Add, switch or drop a change of a variant."""
    if not name:
        return
    one, what = app.project.variant(name), values.get("do", "")
    if what == "add" and values.get("address"):
        edit = f"{values.get('sign', '=')}{values.get('value', '').strip()}"
        one.changes.append(Change(values["address"].strip(), edit))
    elif what in ("switch", "drop"):
        at = int(values.get("at", "-1"))
        if 0 <= at < len(one.changes):
            if what == "drop":
                del one.changes[at]
            else:
                one.changes[at].on = not one.changes[at].on
    app.project.save()
