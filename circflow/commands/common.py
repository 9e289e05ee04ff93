"""What the commands share: reading, checks of output paths, JSON, progress, messages."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import circflow as cf
from circflow.commands.process import settle
from circflow.data.files.atomic import why_not_writable, write_text
from circflow.data.files.json_text import json_text
from circflow.data.one_line import plain
from circflow.i18n import say

if TYPE_CHECKING:
    import pandas as pd

    from circflow.data.table import Problem

BAD_INPUT = 2
"""Exit code for bad input or usage."""
STDOUT = "-"
_FILES = (".xlsx", ".html", ".json", ".csv", ".parquet")
"""Endings of tables in one file; any other name is a folder."""


class Refusal(click.ClickException):
    """Something the user has to change, told in one line; nothing has been written."""

    exit_code = BAD_INPUT

    def __init__(self, message: str, **figures: Any) -> None:
        super().__init__(say(message, **figures))


HOW = {"=": "set", "*=": "factor", "+=": "add"}
"""What the sign of an assignment does to a figure."""


# --------------------------------------------------------------------------- input


def split_assignment(text: str) -> tuple[str, str, str]:
    """ADDRESS, the sign (`=`, `*=` or `+=`) and VALUE of an assignment."""
    from circflow.data.changes.address import ASSIGNMENT

    parts = ASSIGNMENT.fullmatch(text)
    if parts is None:
        raise Refusal(
            "{text!r} is not an assignment: write 'Sheet.column=value' or "
            "'Sheet.column[column=value]*=factor'",
            text=text,
        )
    return parts["address"].strip(), parts["sign"], parts["value"].strip()


def read_scenario(file: Path, assignments: Sequence[str] = ()) -> cf.Scenario:
    """Read a scenario and change its cells. Raises ScenarioError with every problem."""
    edits = [split_assignment(text) for text in assignments]
    settle()
    scenario = cf.read(file)
    return apply(scenario, edits) if edits else scenario


def apply(scenario: cf.Scenario, edits: Sequence[tuple[str, str, str]]) -> cf.Scenario:
    """Change cells, all at once where no address comes twice, else in the order given."""
    from circflow.data.changes.change import change

    batch: dict[str, str] = {}
    for address, sign, value in edits:
        if address in batch:
            scenario, batch = change(scenario, batch), {}
        batch[address] = sign + value
    return change(scenario, batch)


# --------------------------------------------------------------------------- output


def check_outputs(
    source: Path | None,
    *,
    workbook: Path | None = None,
    text: Iterable[Path | None] = (),
    folders: Iterable[Path | None] = (),
    option: str = "-o",
) -> None:
    """Refuse, before any work is done, output paths that cannot or must not be written."""
    if workbook is not None and workbook.suffix.lower() != ".xlsx":
        raise Refusal(
            "{option} {workbook}: the name of a workbook must end in .xlsx",
            option=option,
            workbook=workbook,
        )
    files = [p for p in (workbook, *text) if p is not None and str(p) != STDOUT]
    named = [*files, *(p for p in folders if p is not None)]
    for path in named:
        if source is not None and _same(path, source):
            raise Refusal(
                "{path} is the scenario itself: give another name for the result", path=path
            )
        reason = why_not_writable(path, folder=path not in files)
        if reason:
            raise Refusal("cannot write {path}: {reason}", path=path, reason=reason)
    for n, path in enumerate(named):
        if any(_same(path, other) for other in named[:n]):
            raise Refusal("{path} is named for two results", path=path)


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def write_json(out: Path, content: Any) -> None:
    """Write JSON to a file, whole or not at all, or to standard output (`-`), as UTF-8.

    Tables are lists of records; what is not finite is null.
    """
    data = json_text(content).encode("utf-8", errors="replace")  # half a surrogate pair
    if str(out) == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)  # UTF-8 also where the terminal is not
        sys.stdout.buffer.flush()
        return
    write_text(out, data.decode("utf-8"))


def print_table(table: pd.DataFrame) -> None:
    """A table in columns; text to the left, numbers to the right."""
    from circflow.report.numbers import number, without_noise
    from circflow.report.vocabulary import cell, typed_heading

    table = without_noise(table)

    def shown(value: Any) -> str:
        if isinstance(value, float):
            return number(value)
        return "-" if value is None else plain(value)

    columns = [
        [typed_heading(str(n)), *(cell(str(n), shown(v)) for v in table[n].tolist())]
        for n in table.columns
    ]
    widths = [min(max(map(len, column)), 60) for column in columns]
    left = [not isinstance(next(iter(table[n].tolist()), ""), int | float) for n in table.columns]
    for row in zip(*columns, strict=True):
        cells = [
            text[:width].ljust(width) if is_left else text.rjust(width)
            for text, width, is_left in zip(row, widths, left, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


# --------------------------------------------------------------------------- messages


def error_line(text: object) -> None:
    """One plain line on standard error."""
    click.echo(say("error: {text}", text=plain(text)), err=True)


def note(text: str, *, quiet: bool = False) -> None:
    """A message on standard error, unless quiet."""
    if not quiet:
        click.echo(text, err=True)


def problem_line(problem: Problem, origin: str = "") -> str:
    """A problem as one line: where, what, what is expected, the nearest good value."""
    return plain("; ".join(problem.parts(str(problem.cell) or origin)))


class Progress:
    """Tells on standard error what goes on, once the work has taken more than two seconds.

    On a terminal one line is written over and over; else a line at growing intervals.
    """

    patience = 2.0

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.started = self.last = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.shown = False

    def __call__(self, text: str) -> None:
        """Tell (or not yet)."""
        text, now = say(text), time.monotonic()
        elapsed = now - self.started
        if self.quiet or elapsed < self.patience:
            return
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\x1b[2K" + text[:width])
            sys.stderr.flush()
            self.shown = True
        elif now - self.last >= max(self.patience, elapsed / 10) or not self.shown:
            click.echo(text, err=True)
            self.last, self.shown = now, True

    @property
    def seconds(self) -> float:
        """How long the work has taken."""
        return time.monotonic() - self.started

    def done(self) -> None:
        """Leave the terminal's line clean."""
        if self.shown and self.terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self.shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.done()


@dataclass(frozen=True)
class Call:
    """A command on one scenario: what it reads, where its answer goes, what it tells meanwhile."""

    file: Path
    assignments: Sequence[str]
    json_out: Path | None
    quiet: bool
    progress: Progress

    def check(
        self, outputs: Sequence[Path], endings: Sequence[str] = (), store: Path | None = None
    ) -> None:
        """Refuse outputs that cannot or must not be written; without endings any name is a folder
        that is no file of tables. A store is a file, whatever its name."""
        for path in outputs:
            if endings and path.suffix.lower() not in endings:
                known = ", ".join(endings)
                raise Refusal("-o {path}: the name must end in {endings}", path=path, endings=known)
        folders = [p for p in outputs if not endings and p.suffix.lower() not in _FILES]
        files = [p for p in outputs if p not in folders]
        check_outputs(self.file, text=[*files, store, self.json_out], folders=folders)

    def scenario(
        self, outputs: Sequence[Path] = (), endings: Sequence[str] = (), store: Path | None = None
    ) -> cf.Scenario:
        """The scenario with its cells changed, once the outputs can be written (see `check`).
        Raises ScenarioError with every problem."""
        self.check(outputs, endings, store)
        self.progress("reading")
        return read_scenario(self.file, self.assignments)

    @property
    def on_screen(self) -> bool:
        """Whether a person is shown the answer."""
        return not self.quiet and str(self.json_out) != STDOUT

    def finish(
        self,
        show: Callable[[], object],
        json: Callable[[], Any] | None = None,
        files: Sequence[Path | None] = (),
        notes: Iterable[str] = (),
        write: Callable[[Path], object] | None = None,
    ) -> None:
        """Write the files and the JSON that were asked for; show the answer; tell notes and files.

        What `show` gives are lines to print, unless it is None: then it has printed. Without
        `write` the files are written already.
        """
        if write is not None:
            self.progress("writing")
            for path in filter(None, files):
                write(path)
        if self.json_out is not None and json is not None:
            write_json(self.json_out, json())
        self.progress.done()
        if self.on_screen:
            lines = show()
            if isinstance(lines, list):
                click.echo("\n".join(lines))
            for text in notes:
                note(text)
        self.tell_files(files)

    def tell_files(self, files: Sequence[Path | None]) -> None:
        """Tell what was written."""
        for path in filter(None, files):
            note(say("Written: {path}", path=path), quiet=self.quiet)
