"""template, check, convert: work on scenario files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import circflow as cf
from circflow.commands.common import (
    BAD_INPUT,
    STDOUT,
    Refusal,
    check_outputs,
    note,
    problem_line,
    write_json,
)
from circflow.commands.options import JSON, file_argument, path_option
from circflow.data.one_line import plain
from circflow.i18n import ENGLISH, current, mark, say, say_n
from circflow.i18n.names import shown_measure, shown_sheet

if TYPE_CHECKING:
    from circflow.data.balances import RecipeBalance
    from circflow.data.table import Problem


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.xlsx")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def template(file: Path, force: bool) -> None:
    """Write an empty scenario workbook to fill in.

    It has every sheet and column, notes on the headers (meaning, unit, default), drop-down
    lists, number formats and a sheet to read first.
    """
    check_outputs(None, workbook=file, option="template")
    if file.exists() and not force:
        raise Refusal(
            "{file} is there already: choose another name, or --force replaces it", file=file
        )
    from circflow.data.files.books import write_template

    write_template(file)
    click.echo(say("Written: {file}", file=file))


@click.command()
@file_argument()
@path_option(
    "--annotate",
    metavar="OUT.xlsx",
    help="Write a copy of the scenario with the cells marked and commented.",
)
@click.option(
    "--balances",
    is_flag=True,
    help="A table of what every recipe takes in, makes and loses: mass, substances, energy.",
)
@JSON
def check(file: Path, annotate: Path | None, balances: bool, json_out: Path | None) -> int:
    """List every problem of a scenario, by sheet and cell.

    Errors must be mended before the scenario can be solved; warnings are worth a look. The exit
    code is 2 where there are errors.
    """
    check_outputs(file, workbook=annotate, text=[json_out], option="--annotate")
    from circflow.data.read import check as find_problems

    problems = find_problems(file)
    errors = sum(p.severity == "error" for p in problems)
    if json_out is not None:
        write_json(json_out, problems_json(file, problems))
    on_stdout = str(json_out) != STDOUT
    if on_stdout:
        for line in listing(problems, file.name):
            click.echo(line)
    if balances and not errors:
        from circflow.data.balances import recipe_balances

        tables = cf.read(file).tables
        recipes = recipe_balances({name: table.rows for name, table in tables.items()})
        for line in balance_lines(recipes):
            click.echo(line, err=not on_stdout)
    if annotate is not None:
        from circflow.data.files.annotate import annotate as mark

        mark(file, annotate, problems)
        note(say("Written: {annotate}", annotate=annotate))
    click.echo(verdict(file, problems), err=not on_stdout)
    return BAD_INPUT if errors else 0


def listing(problems: Sequence[Problem], origin: str) -> list[str]:
    """Problems as text: errors, then warnings, each by sheet in the order found."""
    lines = []
    for severity, title in (("error", say("Errors")), ("warning", say("Warnings"))):
        some = [p for p in problems if p.severity == severity]
        lines += [title] if some else []
        for sheet in dict.fromkeys(p.cell.sheet for p in some):
            lines.append(f"  {shown_sheet(sheet) or origin}")
            lines += [f"    {problem_line(p, origin)}" for p in some if p.cell.sheet == sheet]
        lines += [""] if some else []
    return lines


def balance_lines(balances: Iterable[RecipeBalance]) -> list[str]:
    """The balances of recipes as text, a recipe's lines below its name."""
    from circflow.data.balances import MASS

    lines, title = [say("Balances, per unit of activity")], ""
    for row in balances:
        recipe = "" if row.recipe == "main" else f"/{row.recipe}"
        if f"{row.technology}{recipe}" != title:
            title = f"{row.technology}{recipe}"
            lines.append(f"  {plain(title)}")
        least, most, lost = row.least_in, row.most_in, row.lost
        text = say(
            "{least}{most_in:.5g} {measure} in, {out:.5g} out",
            least="" if least == most else say("{least_in:.5g} to ", least_in=least),
            most_in=most,
            measure=shown_measure(row.measure),
            out=row.out,
        )
        if lost != lost:  # noqa: PLR0124 - nothing goes in
            text += say(", made of nothing")
        elif abs(lost) > 1e-6:
            words = mark(", {share:.1%} lost") if lost > 0.0 else mark(", {share:.1%} too much")
            text += say(words, share=abs(lost))
        if row.named:
            text += f" ({plain(row.reason)}: {row.named:.0%})"
        name = say("mass") if row.property == MASS else plain(row.property)
        lines.append(f"    {name:<12} {text}")
    return [*lines, ""]


def verdict(file: Path, problems: Sequence[Problem]) -> str:
    """The last line: how many errors and warnings."""
    errors = sum(p.severity == "error" for p in problems)
    warnings = len(problems) - errors
    if not problems:
        return say("{file}: no problems", file=file)
    counts = say_n("{n} error", "{n} errors", errors)
    return f"{file}: {counts}, {say_n('{n} warning', '{n} warnings', warnings)}"


def problems_json(file: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    """The JSON of `check`."""
    errors = sum(p.severity == "error" for p in problems)
    return {
        "file": str(file),
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [problem_record(p) for p in problems],
    }


def problem_record(problem: Problem) -> dict[str, Any]:
    """A problem in the JSON of `check`, and for the script of a table on a page."""
    cell = problem.cell
    where = {"sheet": cell.sheet, "cell": str(cell), "row": cell.row, "column": cell.column}
    texts = ("message", "found", "expected", "suggestion")
    words = {name: getattr(problem, name) for name in texts}
    return {"severity": problem.severity, **where, **words}


@click.command()
@file_argument("source", "FROM")
@click.argument("target", type=click.Path(path_type=Path), metavar="TO")
def convert(source: Path, target: Path) -> None:
    """Turn a workbook into CSV files, or back.

    Nothing is lost on the way. A name that ends in .xlsx is a workbook, any other name a folder
    of CSV files, one per sheet, whose names are English. A workbook's are in the language of the
    command (`circflow --lang ru convert`). What is at TO is replaced. The scenario is not checked.
    """
    workbook = target.suffix.lower() == ".xlsx"
    kind = {"workbook": target} if workbook else {"folders": [target]}
    check_outputs(source, option="TO", **kind)
    from circflow.data.files.books import read_book, write_book
    from circflow.data.files.native import native

    book = read_book(source)
    for warning in book.warnings:
        note(say("warning: {problem_line}", problem_line=problem_line(warning, source.name)))
    write_book(native(book, current() if workbook else ENGLISH), target)
    counted = say_n("{n} sheet", "{n} sheets", len(book.sheets))
    click.echo(say("Written: {target} ({counted})", target=target, counted=counted))
