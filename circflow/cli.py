"""The command line: `circflow COMMAND …`.

Exit codes: 0 done, 1 internal error, 2 bad input or usage, 3 no feasible plan, 4 unbounded,
5 stopped by a limit without a plan; 130 interrupted, 141 the reader of the output has gone.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from circflow import __version__
from circflow.commands.app import app
from circflow.commands.cluster import compare, forms, share
from circflow.commands.common import BAD_INPUT, error_line, problem_line
from circflow.commands.evaluate import evaluate
from circflow.commands.explain import explain
from circflow.commands.finance import finance
from circflow.commands.firm import firm
from circflow.commands.futures import futures
from circflow.commands.indicators import indicators
from circflow.commands.library import library
from circflow.commands.ranges import breakpoints, ranges
from circflow.commands.scenario import check, convert, template
from circflow.commands.solve import solve
from circflow.commands.spoken import asked_for, click_said, in_language
from circflow.commands.studies import alternatives, pareto, sweep, tornado
from circflow.commands.suggest import suggest
from circflow.data.errors import CircflowError
from circflow.data.files.atomic import NO_ROOM, no_room
from circflow.data.one_line import plain
from circflow.i18n import language, languages, say

INTERNAL, INTERRUPTED, BROKEN_PIPE = 1, 130, 141
NO_PLAN = {"infeasible": 3, "unbounded": 4, "stopped": 5}
DEBUG = "CIRCFLOW_DEBUG"
"""Environment variable: 1 shows the traceback of an error."""


class _InOrder(click.Group):
    """Commands in the order in which a planner needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--lang",
    type=click.Choice(languages()),
    expose_value=False,
    help="Language of everything a person reads; else CIRCFLOW_LANG, else the locale.",
)
@click.version_option(__version__, "--version", message="circflow %(version)s")
def cli() -> None:
    """Plan a region's circular economy: which waste goes where, what is made of it, what to build.

    FILE is a scenario: an Excel workbook or a folder of CSV files. Start with
    `circflow template my.xlsx`; `circflow solve my.xlsx -o results.xlsx` is the main job.
    """


_STUDIES = (sweep, tornado, ranges, breakpoints, alternatives, pareto)
_CLUSTER = (share, forms, compare, indicators, finance)
_UNITS = (evaluate, firm, suggest, library)
_DATA = (template, check, convert, solve, explain)
for _command in (*_DATA, *_STUDIES, *_UNITS, *_CLUSTER, futures, app):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code. Errors are told in plain lines on standard error."""
    try:
        wanted = asked_for(arguments)
    except ValueError as error:  # of the environment
        error_line(error)
        return BAD_INPUT
    with language(wanted):
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    if closed := _closed_streams():
        where = {"closed": closed, "devnull": os.devnull}
        text = say("error: {closed} is closed: send it to a file or to {devnull}", **where)
        click.echo(text, err=sys.stderr is not None)  # where it is read
        return BAD_INPUT
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, on any terminal
            stream.reconfigure(errors="replace")
    try:
        code = in_language(cli).main(args=arguments, prog_name="circflow", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SystemExit as leaving:  # click's way to leave when a pipe is broken: with code 1
        return BROKEN_PIPE if leaving.code == 1 else int(leaving.code or 0)
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get(DEBUG) == "1":
            traceback.print_exc()
        sys.unraisablehook = _quiet_of_full_disks
        return _tell_if_possible(error)


def _tell_if_possible(error: BaseException) -> int:
    """Tell an error; where standard error takes no more, the exit code has to do."""
    try:
        return tell(error)
    except OSError as mute:
        if no_room(mute) is None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        return BAD_INPUT


def _quiet_of_full_disks(unraisable: sys.UnraisableHookArgs) -> None:
    """What a half-written file says when it is thrown away is told already."""
    if no_room(unraisable.exc_value) is None:
        sys.__unraisablehook__(unraisable)


def _closed_streams() -> str:
    """Which of standard output and error is closed; of both the first, as nobody reads it. They are
    tied to nothing then, so that no file that is opened later takes their place."""
    closed = []
    for number, stream, name in (
        (1, sys.stdout, say("standard output")),
        (2, sys.stderr, say("standard error")),
    ):
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            closed.append(name)
    return closed[0] if closed else ""


def tell(error: BaseException) -> int:
    """Tell an error in plain lines; its exit code."""
    if isinstance(error, KeyboardInterrupt) or (
        isinstance(error, click.Abort) and not isinstance(error.__cause__, EOFError)
    ):
        click.echo(say("interrupted"), err=True)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # What is still to be flushed at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return BAD_INPUT
    if isinstance(error, click.ClickException):
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        hint = say(" (see: {where} --help)", where=where) if where else ""
        error_line(click_said(error) + hint)
        return error.exit_code
    return _tell_of_library(error)


def _tell_of_library(error: BaseException) -> int:
    # By name: the modules that define them are heavy, and not all of them may be loaded.
    for kind in type(error).__mro__:
        teller = _TELLERS.get(kind.__name__) if kind.__module__.startswith("circflow.") else None
        if teller is not None:
            return teller(error)
    if isinstance(error, CircflowError) and isinstance(error, ValueError):
        near = getattr(error, "suggestion", "")  # of a text that cannot be used
        better = say("; did you mean {suggestion!r}?", suggestion=near) if near else ""
        error_line(f"{error}{better}")
        return BAD_INPUT
    full = no_room(error)
    if full is not None and not full.filename:
        return _tell_of_output(full)
    if isinstance(error, OSError) and error.filename:
        denied = isinstance(error, PermissionError)
        again = say(" (is it open in another program?)") if denied else ""
        error_line(f"{error.filename}: {(error.strerror or str(error)).lower()}{again}")
        return BAD_INPUT
    if isinstance(error, MemoryError):
        error_line(say("not enough memory for this scenario"))
        return INTERNAL
    error_line(
        say(
            "internal error: {name}: {error} (a fault of circflow; {debug}=1 in the "
            "environment shows the traceback)",
            name=type(error).__name__,
            error=error,
            debug=DEBUG,
        )
    )
    return INTERNAL


def _tell_of_output(error: OSError) -> int:
    """Standard output that takes no more; what is left must not fail again at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    reason = say(NO_ROOM[error.errno or 0])
    error_line(say("the output cannot be written: {no_room}", no_room=reason))
    return BAD_INPUT


def _tell_of_problems(error: Any) -> int:
    for problem in sorted(error.problems, key=lambda p: p.severity != "error"):
        line = problem_line(problem, error.origin)
        if problem.severity == "error":
            error_line(line)
        else:
            click.echo(say("warning: {line}", line=line), err=True)
    return BAD_INPUT


def _tell_of_no_plan(error: Any) -> int:
    first, *rest = [line for line in error.reason.splitlines() if line.strip()] or [""]
    values = {"scenario": error.scenario, "status": say(error.status.value), "strip": first.strip()}
    error_line(say("{scenario}: no plan ({status}): {strip}", **values))
    for line in rest:  # an explanation: its indents tell what belongs together
        click.echo(" " * (len(line) - len(line.lstrip())) + plain(line), err=True)
    return NO_PLAN[str(error.status)]


def _tell_of_audit(error: Any) -> int:
    audit, name = error.solution.audit, error.solution.scenario.name
    error_line(say("{name}: the plan failed the audit (a fault of circflow)", name=name))
    for finding in audit.findings.head(20).to_dict("records"):
        period, expected = finding["period"], finding["expected"]
        when = say(" in {period}", period=period) if isinstance(period, str) else ""
        right = say("expected {expected:.6g}, ", expected=expected) if expected == expected else ""  # noqa: PLR0124
        where = f"{finding['check']}, {finding['where']}{when}"
        values = {"where": where, "right": right, "found": finding["found"]}
        error_line(say("audit: {where}: {right}found {found:.6g}", **values))
    if len(audit.findings) > 20:
        error_line(say("audit: and {count} more", count=len(audit.findings) - 20))
    return INTERNAL


def _tell_of_solver(error: Any) -> int:
    error_line(say("no plan that can be relied on: {error}", error=error))
    return INTERNAL


_TELLERS: dict[str, Callable[[Any], int]] = {
    "ScenarioError": _tell_of_problems,
    "NoPlan": _tell_of_no_plan,
    "AuditError": _tell_of_audit,
    "SolverError": _tell_of_solver,
}


if __name__ == "__main__":
    sys.exit(main())
