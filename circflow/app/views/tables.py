"""Tables: every sheet as a table with inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote, urlencode

from circflow.app.html import button, html_table, link, note, page
from circflow.app.state import App
from circflow.app.views.network import names_in
from circflow.app.views.parts import column_name, hidden, raw_sheet, save_and_undo
from circflow.data.checks.references import target_column
from circflow.data.files.grids import column_at
from circflow.data.schema.sheets import BY_NAME, SHEETS, Column, Sheet, is_planners_column
from circflow.data.table import Book, Problem
from circflow.i18n import say, say_n
from circflow.i18n.names import shown_column, shown_mark, shown_sheet, shown_word

ROWS_SHOWN = 200
"""Rows of a sheet on one page."""


def tables(app: App, query: Mapping[str, str]) -> str:
    """Every sheet of the contract, and how full it is."""
    book = app.project.book
    counts = Counter((p.cell.sheet, p.severity) for p in app.problems())
    rows = []
    for sheet in SHEETS:
        raw = raw_sheet(book, sheet.name)
        size = sum(any(c is not None for c in row) for row in raw.grid[1:]) if raw else 0
        errors, warnings = (counts[sheet.name, kind] for kind in ("error", "warning"))
        problems = [say_n("{n} error", "{n} errors", errors)] if errors else []
        problems += [say_n("{n} warning", "{n} warnings", warnings)] if warnings else []
        title = link(f"/tables/{quote(sheet.name)}", shown_sheet(sheet.name))
        rows.append([title, str(size), escape(", ".join(problems)), escape(say(sheet.meaning))])
    head = (say("sheet"), say("rows"), say("problems"), say("what it holds"))
    body = html_table(head, rows, caption=say("Sheets")) + save_and_undo("/tables")
    return page(say("Tables"), body, project=app.project, at="/tables")


def table(app: App, sheet: str, query: Mapping[str, str]) -> str:
    """A sheet as a table with inputs; its problems stand at their cells."""
    if sheet not in BY_NAME:
        raise LookupError(say("there is no sheet {sheet!r}", sheet=sheet))
    of, book = BY_NAME[sheet], app.project.book
    raw = raw_sheet(book, sheet)
    grid = raw.grid if raw is not None else [list(of.names)]
    find, wanted = query.get("find", ""), number_of(query.get("row"))
    first = number_of(query.get("from")) or (0 if find else max(0, wanted - ROWS_SHOWN // 2))
    matching = _matching(grid, find)
    shown = [r for r in matching if r >= first][:ROWS_SHOWN]
    sight = _Sight(app, of, grid[0] if grid else [])
    rows = [sight.row(grid[r - 1], r) for r in shown]
    rows.append(sight.row([], max(len(grid), 1) + 1))
    heads = "".join(_head(of, name) for name in sight.names)
    back = f"/tables/{quote(sheet)}?{urlencode({'find': find, 'from': first})}"
    network = f"<p>{link('/network', say('On the map: click two sites for a link'))}</p>"
    network = network if sheet in ("Links", "Sites") else ""
    name = escape(shown_sheet(sheet))
    hint = say(
        "A change is kept and checked at once. A block copied from Excel can be "
        "pasted into any cell. The last row is new."
    )
    body = (
        f'<p class="lead">{escape(say(of.meaning))}</p>{network}'
        f"{_filter(sheet, find, len(matching))}"
        f"{_pages(sheet, find, matching, first)}{sight.listed()}"
        f'<form method="post" action="/rows" id="rows">{hidden(sheet=sheet, back=back)}</form>'
        f'<div class="scroll grid" tabindex="0" role="region" aria-label="{name}" '
        f'data-sheet="{escape(sheet)}"><table><caption>{name}</caption>'
        f'<thead><tr><th scope="col">{say("row")}</th>{heads}<th scope="col">{say("do")}</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>{note(hint)}{save_and_undo(back)}"
    )
    return page(shown_sheet(sheet), body, project=app.project, at="/tables")


def number_of(text: str | None) -> int:
    """A number in an address; 0 where it is none."""
    return int(text) if text and text.isdecimal() and len(text) < 9 else 0


def _matching(grid: Sequence[Sequence[object]], find: str) -> list[int]:
    """The rows that hold a text; all of them without one."""
    wanted = find.casefold()
    return [
        n
        for n, row in enumerate(grid[1:], start=2)
        if not wanted or any(wanted in str(c).casefold() for c in row if c is not None)
    ]


def _filter(sheet: str, find: str, count: int) -> str:
    rows = f'<span class="soft">{say_n("{n} row", "{n} rows", count)}</span>' if find else ""
    return (
        f'<form method="get" action="/tables/{quote(sheet)}"><label for="find">'
        f'{say("Rows with")}</label> <input id="find" name="find" value="{escape(find)}"> '
        f"{button(say('Filter'))} {rows}</form>"
    )


def _pages(sheet: str, find: str, matching: Sequence[int], first: int) -> str:
    if len(matching) <= ROWS_SHOWN:
        return ""
    links = ""
    for at in range(0, len(matching), ROWS_SHOWN):
        start, end = matching[at], matching[min(at + ROWS_SHOWN, len(matching)) - 1]
        here = ' aria-current="page"' if start <= max(first, 2) <= end else ""
        query = urlencode({"find": find, "from": start})
        links += f'<li><a href="/tables/{quote(sheet)}?{query}"{here}>{start}–{end}</a></li>'
    return f'<nav aria-label="{escape(say("Rows"))}"><ul class="pages">{links}</ul></nav>'


def column_of(of: Sheet, name: str) -> Column | None:
    """A column of the contract by its name."""
    return next((c for c in of.columns if c.name == name), None)


def _head(of: Sheet, name: str) -> str:
    column = column_of(of, name)
    if column is None:
        return f'<th scope="col">{escape(shown_mark(name))}</th>'
    unit = f' <span class="u">{escape(say(column.unit))}</span>' if column.unit else ""
    meaning = escape(say(column.meaning))
    required = " *" if column.required else ""
    return (
        f'<th scope="col" title="{meaning}">{escape(shown_column(of.name, name))}{required}{unit}'
        f"<small>{meaning}</small></th>"
    )


def _lists(of: Sheet, names: Sequence[str], book: Book) -> dict[str, list[str]]:
    """What a cell may hold, for columns with choices or names of another sheet."""
    lists: dict[str, list[str]] = {}
    for name in names:
        column = column_of(of, name)
        if column is not None and (words := column.choices or _FLAGS.get(column.kind)):
            lists[name] = [shown_word(name, word) for word in words]
        elif column is not None and column.reference:
            target = target_column(BY_NAME[column.reference])
            lists[name] = [word for word, _ in names_in(book, column.reference, target)]
    return lists


_FLAGS = {"flag": ("yes", "no")}


class _Sight:
    """What stands in a table beside the values: problems, changes, lists to choose from."""

    def __init__(self, app: App, of: Sheet, header: Sequence[object]) -> None:
        book = app.project.book
        present = [str(h).strip() for h in header if h is not None]
        lacking = [name for name in of.names if name not in present]
        self.of, self.names = of, [*present, *lacking]
        self.places = {name: column_at(header, name) for name in self.names}
        self.lists = _lists(of, self.names, book)
        self.changed = {(edit.sheet, edit.row, edit.column) for edit in app.project.edits}
        self.problems: dict[tuple[int, str], list[Problem]] = {}
        for problem in app.problems():
            if problem.cell.sheet == of.name:
                column = column_name(book, of.name, problem.cell.column)
                self.problems.setdefault((problem.cell.row, column), []).append(problem)

    def listed(self) -> str:
        """The lists of values that cells offer."""
        return "".join(
            f'<datalist id="list-{escape(column)}">'
            + "".join(f'<option value="{escape(v)}"></option>' for v in values)
            + "</datalist>"
            for column, values in self.lists.items()
        )

    def row(self, cells: Sequence[object], row: int) -> str:
        """A row of inputs."""
        drawn = []
        for name in self.names:
            at = self.places[name]
            value = cells[at] if at is not None and at < len(cells) else None
            drawn.append(self._cell(row, name, "" if value is None else str(value)))
        acts = "".join(
            f'<button form="rows" name="{do}" value="{row}" aria-label="{words}">{short}</button>'
            for do, short, words in (
                ("copy", say("copy"), say("copy row {row}", row=row)),
                ("delete", say("delete"), say("delete row {row}", row=row)),
            )
        )
        acts = acts if cells else ""
        return (
            f'<tr id="r{row}"><th scope="row">{row}</th>{"".join(drawn)}'
            f'<td class="acts">{acts}</td></tr>'
        )

    def _cell(self, row: int, name: str, text: str) -> str:
        problems = self.problems.get((row, name), ())
        style = min((p.severity for p in problems), default="")
        style += " changed" if (self.of.name, row, name) in self.changed else ""
        column = column_of(self.of, name)
        shown = shown_mark(name) if column is None else shown_column(self.of.name, name)
        extra = f' list="list-{escape(name)}"' if name in self.lists else ""
        extra += " readonly" if column is None and not is_planners_column(name) else ""
        if problems:
            extra += f' title="{escape("; ".join(p.message for p in problems))}"'
        extra += ' aria-invalid="true"' if style.startswith("error") else ""
        label = say("{column}, row {row}", column=shown, row=row)
        short = column is not None and (column.is_number or column.kind == "flag")
        width = min(max(8 if short else 14, len(text)), 40)
        return (
            f'<td class="{style.strip()}"><input value="{escape(text)}" data-row="{row}" '
            f'data-column="{escape(name)}" aria-label="{escape(label)}" size="{width}"{extra}></td>'
        )
