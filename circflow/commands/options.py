"""The arguments and options that commands share, each declared once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import Call, Progress, Refusal
from circflow.i18n import say

if TYPE_CHECKING:
    from circflow.studies.bench.arrays import Decisions

TABLES = (".csv", ".xlsx", ".parquet", ".json")
PAGED = (*TABLES, ".html")
PLOTS = (".html", ".png", ".svg")
STORES = (".sqlite", ".db")


class Number(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(say("{value!r} is not a finite number", value=value), param, ctx)
        return number


Option = Callable[[Any], Any]
"""What puts an option onto a command."""


def valued_option(*names: str, default: Any = None, **more: Any) -> Option:
    """An option with a value; the help tells its default, where it has one."""
    return click.option(*names, default=default, show_default=default is not None, **more)


def integer_option(*names: str, metavar: str = "N", least: int = 1, **more: Any) -> Option:
    """An option with a whole number, no less than `least`."""
    return valued_option(*names, metavar=metavar, type=click.IntRange(min=least), **more)


def path_option(*names: str, **more: Any) -> Option:
    """An option with a file or folder."""
    return click.option(*names, type=click.Path(path_type=Path), **more)


SET = click.option(
    "--set",
    "assignments",
    metavar="'ADDRESS=VALUE'",
    multiple=True,
    help="Change cells before the run: 'Markets.price[material=slag cement]*=0.9' multiplies,"
    " += adds, = sets. May be given several times.",
)
JSON = click.option(
    "--json",
    "json_out",
    metavar="OUT",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write the result as JSON (UTF-8) to a file; - is standard output, with nothing else.",
)
QUIET = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing but errors (and JSON to -)."
)
GAP = valued_option(
    "--gap",
    metavar="SHARE",
    type=Number(min=0),
    default=1e-6,
    help="Stop each search when its plan is proven to be within this share of the best.",
)
RELAX = click.option("--relax", is_flag=True, help="Let yes/no decisions be fractions.")
FIX = click.option(
    "--fix", is_flag=True, help="Keep the yes/no decisions of the scenario's best plan."
)
JOBS = integer_option(
    "--jobs",
    help="Run in so many processes of this machine (as many as it has processors, where the"
    " work takes longer than a few seconds). The result is the same for any number.",
)
DASK = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Run on a Dask cluster: address of its scheduler (tcp://host:8786).",
)
RESUME = click.option(
    "--resume", is_flag=True, help="Go on where an interrupted run of this study stopped."
)


def _output(text: str) -> Option:
    return path_option(
        "-o",
        "--output",
        "outputs",
        metavar="OUT",
        multiple=True,
        help=f"{text} May be given several times.",
    )


FOLDER_OUTPUT = _output(
    "Write every table: a workbook (.xlsx), a page with figures (.html), JSON (.json), the first"
    " table alone (.csv, .parquet), or else a folder of CSV files."
)


def output(endings: Sequence[str]) -> Option:
    """`-o OUT`, as often as needed, by the endings that are known."""
    return _output(f"Write the result; the ending tells as what: {', '.join(endings)}.")


def time_limit(
    help: str = "Stop each search after so long and take the best plan found.",
    default: float | None = None,
) -> Option:
    """`--time-limit SECONDS`."""
    above = Number(min=0, min_open=True)
    return valued_option("--time-limit", metavar="SECONDS", type=above, default=default, help=help)


def seed(help: str) -> Option:
    """`--seed N`."""
    return integer_option("--seed", least=0, default=0, help=help)


def file_argument(name: str = "file", metavar: str = "FILE") -> Option:
    """A scenario: a workbook or a folder of CSV files."""
    return click.argument(name, type=click.Path(path_type=Path), metavar=metavar)


def options(*decorators: Option) -> Option:
    """Several options as one, in this order."""

    def decorate(function: Any) -> Any:
        return functools.reduce(lambda inner, option: option(inner), reversed(decorators), function)

    return decorate


ENGINE = options(JOBS, DASK)
SEARCH = options(RELAX, time_limit(), GAP, ENGINE)
"""Of a study whose runs may let decisions be fractions."""
STUDY = options(FOLDER_OUTPUT, ENGINE, GAP)
"""Of a study that solves scenarios as they are."""


def scenario_command(*, json: bool = True) -> Callable[[Callable[..., None]], click.Command]:
    """A command on one scenario; FILE, --set, --json (or not) and --quiet come as its `Call`."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(
            file: Path,
            assignments: Sequence[str],
            quiet: bool,
            json_out: Path | None = None,
            **options: Any,
        ) -> None:
            with Progress(quiet=quiet) as progress:
                function(Call(file, assignments, json_out, quiet, progress), **options)

        common = (file_argument(), SET, *((JSON,) if json else ()), QUIET)
        return click.command()(options(*common)(run))

    return decorate


def decisions(relax: bool, fix: bool = False) -> Decisions:
    """How yes/no decisions are treated, by --relax and --fix."""
    if relax and fix:
        raise Refusal("decisions can be relaxed or fixed, not both")
    return "relaxed" if relax else "fixed" if fix else "free"
