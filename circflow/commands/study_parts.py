"""What the commands of studies share: options, files to write, tables on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import Command, Number, Refusal, check_outputs

if TYPE_CHECKING:
    import pandas as pd

TABLES = (".csv", ".xlsx", ".parquet")
PAGED = (*TABLES, ".html")
PLOTS = (".html", ".png", ".svg")
STORES = (".sqlite", ".db")
HOW = {"=": "set", "*=": "factor", "+=": "add"}


def output_option(endings: Sequence[str]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        return click.option(
            "-o",
            "--output",
            "outputs",
            metavar="OUT",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"Write the result; the ending tells as what: {', '.join(endings)}. May be given"
            " several times.",
        )(command)

    return decorate


def decision_options(command: Command) -> Command:
    for option in (
        click.option(
            "--gap",
            metavar="SHARE",
            type=Number(min=0),
            default=1e-6,
            show_default=True,
            help="Relative gap at which each search over yes/no decisions ends.",
        ),
        click.option(
            "--time-limit",
            metavar="SECONDS",
            type=Number(min=0, min_open=True),
            help="Stop each search after so long.",
        ),
        click.option("--relax", is_flag=True, help="Let yes/no decisions be fractions."),
    ):
        command = option(command)
    return command


def engine_options(command: Command) -> Command:
    for option in (
        click.option(
            "--dask",
            metavar="ADDRESS",
            help="Run on a Dask cluster: address of its scheduler (tcp://host:8786).",
        ),
        click.option(
            "--jobs",
            metavar="N",
            type=click.IntRange(min=1),
            help="Run in so many processes of this machine (as many as it has processors, where the"
            " work takes longer than a few seconds).",
        ),
    ):
        command = option(command)
    return command


def worker_options(command: Command) -> Command:
    told = "Go on where an interrupted run of this study stopped."
    return click.option("--resume", is_flag=True, help=told)(engine_options(command))


def decisions(relax: bool, fix: bool = False) -> str:
    if relax and fix:
        raise Refusal("decisions can be relaxed or fixed, not both")
    return "relaxed" if relax else "fixed" if fix else "free"


def checked(file: Path, outputs: Sequence[Path], endings: Sequence[str]) -> None:
    for path in outputs:
        if path.suffix.lower() not in endings:
            raise Refusal(f"-o {path}: the name must end in {', '.join(endings)}")
    check_outputs(file, text=outputs)
    drawn = PLOTS if ".png" in endings else ()
    if any(path.suffix.lower() in drawn for path in outputs):
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            raise Refusal("plots need Matplotlib: pip install 'circflow[plots]'")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): known(v) for k, v in record.items()} for record in table.to_dict("records")]


def known(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


def tell_files(outputs: Sequence[Path]) -> None:
    for path in outputs:
        click.echo(f"Written: {path}")


def print_table(table: pd.DataFrame) -> None:
    """A table in columns; text to the left, numbers to the right."""
    from circflow.data.one_line import plain
    from circflow.report.numbers import number, without_noise

    table = without_noise(table)

    def shown(value: Any) -> str:
        if isinstance(value, float):
            return number(value)
        return "-" if value is None else plain(value)

    columns = [[str(name), *map(shown, table[name].tolist())] for name in table.columns]
    widths = [min(max(map(len, column)), 60) for column in columns]
    left = [not isinstance(next(iter(table[n].tolist()), ""), int | float) for n in table.columns]
    for row in zip(*columns, strict=True):
        cells = [
            cell[:width].ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, left, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
