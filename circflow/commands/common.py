"""What the commands share: arguments, checks of output paths, JSON, progress, problems as lines."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from circflow.data.one_line import plain

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario
    from circflow.data.table import Problem

BAD_INPUT = 2
"""Exit code for bad input or usage."""
STDOUT = "-"
Command = TypeVar("Command", bound=Callable[..., Any])


class Refusal(click.ClickException):
    """Something the user has to change, told in one line; nothing has been written."""

    exit_code = BAD_INPUT


class Number(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


def file_argument(name: str = "file", metavar: str = "FILE") -> Callable[[Command], Command]:
    """A scenario: a workbook or a folder of CSV files."""
    return click.argument(name, type=click.Path(path_type=Path), metavar=metavar)


def set_option(command: Command) -> Command:
    """`--set`, as often as needed."""
    return click.option(
        "--set",
        "assignments",
        metavar="'ADDRESS=VALUE'",
        multiple=True,
        help="Change cells before the run: 'Markets.price[material=slag cement]*=0.9' multiplies,"
        " += adds, = sets. May be given several times.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json OUT`."""
    return click.option(
        "--json",
        "json_out",
        metavar="OUT",
        type=click.Path(path_type=Path, allow_dash=True),
        help="Write the result as JSON (UTF-8) to a file; - is standard output, with nothing else.",
    )(command)


def quiet_option(command: Command) -> Command:
    """`--quiet`."""
    return click.option(
        "-q", "--quiet", is_flag=True, help="Print nothing but errors (and JSON to -)."
    )(command)


# --------------------------------------------------------------------------- input

_ASSIGNMENT = re.compile(
    r"""\s*(?P<address>[^\[=*+]+(?:\[(?:"[^"]*"|'[^']*'|[^\]"'])*\])?)\s*"""
    r"(?P<sign>[*+]?=)(?P<value>.*)",
    re.DOTALL,
)


def split_assignment(text: str) -> tuple[str, str, str]:
    """ADDRESS, the sign (`=`, `*=` or `+=`) and VALUE of an assignment."""
    found = _ASSIGNMENT.fullmatch(text)
    if found is None:
        raise Refusal(
            f"{text!r} is not an assignment: write 'Sheet.column=value' or"
            " 'Sheet.column[column=value]*=factor'"
        )
    return found["address"].strip(), found["sign"], found["value"].strip()


def read_scenario(file: Path, assignments: Sequence[str] = ()) -> Scenario:
    """Read a scenario and change its cells. Raises ScenarioError with every problem."""
    edits = [split_assignment(text) for text in assignments]
    from circflow.data.pandas_text import keep_python_strings
    from circflow.data.read import read

    keep_python_strings()
    scenario = read(file)
    return apply(scenario, edits) if edits else scenario


def apply(scenario: Scenario, edits: Sequence[tuple[str, str, str]]) -> Scenario:
    """Change cells, all at once where no address comes twice, else in the order given."""
    from circflow.data.change import change

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
    folder: Path | None = None,
    option: str = "-o",
) -> None:
    """Refuse, before any work is done, output paths that cannot or must not be written."""
    from circflow.data.atomic import why_not_writable

    if workbook is not None and workbook.suffix.lower() != ".xlsx":
        raise Refusal(f"{option} {workbook}: the name of a workbook must end in .xlsx")
    files = [p for p in (workbook, *text) if p is not None and str(p) != STDOUT]
    for path in [*files, *([folder] if folder else [])]:
        if source is not None and _same(path, source):
            raise Refusal(f"{path} is the scenario itself: give another name for the result")
        reason = why_not_writable(path, folder=path is folder)
        if reason:
            raise Refusal(f"cannot write {path}: {reason}")
    named = [*files, *([folder] if folder else [])]
    for n, path in enumerate(named):
        if any(_same(path, other) for other in named[:n]):
            raise Refusal(f"{path} is named for two results")


def check_tables(source: Path, output: Path | None, json_out: Path | None) -> None:
    """`check_outputs` for tables: a workbook, a page, else a folder of CSV files; and JSON."""
    suffix = output.suffix.lower() if output is not None else ""
    check_outputs(
        source,
        workbook=output if suffix == ".xlsx" else None,
        text=[output if suffix == ".html" else None, json_out],
        folder=output if suffix not in (".xlsx", ".html") else None,
    )


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def write_json(out: Path, content: Any) -> None:
    """Write JSON to a file, whole or not at all, or to standard output (`-`), as UTF-8."""
    text = json.dumps(jsonable(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    data = text.encode("utf-8", errors="replace")  # half a surrogate pair cannot be written
    if str(out) == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)  # UTF-8 also where the terminal is not
        sys.stdout.buffer.flush()
        return
    from circflow.data.atomic import write_text

    write_text(out, data.decode("utf-8"))


def jsonable(value: Any) -> Any:
    """The value in JSON's own types; what is not finite is null."""
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    if isinstance(value, bool | str) or value is None:
        return value if value is None or isinstance(value, bool) else str(value)
    scalar: Any = getattr(value, "item", None)  # of numpy
    if callable(scalar):
        return jsonable(scalar())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


# --------------------------------------------------------------------------- messages


def error_line(text: object) -> None:
    """One plain line on standard error."""
    click.echo(f"error: {plain(text)}", err=True)


def note(text: str, *, quiet: bool = False) -> None:
    """A message on standard error, unless quiet."""
    if not quiet:
        click.echo(text, err=True)


def problem_line(problem: Problem, origin: str = "") -> str:
    """A problem as one line: where, what, what is expected, the nearest good value."""
    return plain("; ".join(problem.parts(str(problem.cell) or origin)))


def counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


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
        now = time.monotonic()
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
