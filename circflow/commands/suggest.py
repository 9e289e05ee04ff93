"""suggest: technologies of a library that would pay here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import (
    STDOUT,
    Number,
    Progress,
    check_outputs,
    file_argument,
    json_option,
    note,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)

if TYPE_CHECKING:
    from circflow.studies.suggest.study import Suggestions


@click.command()
@file_argument()
@click.option(
    "--library",
    metavar="LIBRARY.xlsx",
    type=click.Path(path_type=Path),
    help="A library of technologies: a workbook or a folder of CSV files (circflow's own).",
)
@click.option(
    "--rate",
    "rates",
    metavar="'USD 2023=95'",
    multiple=True,
    help="What one unit of the library's money of a year (without: of any year) is worth in the"
    " scenario's; goes before the key rates of the sheet Scenario. May be given several times.",
)
@click.option(
    "--top",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="At most so many suggestions.",
)
@click.option(
    "--new", "new_only", is_flag=True, help="Only processes that no unit of the file is like."
)
@click.option(
    "--write",
    "written",
    metavar="OUT.xlsx",
    type=click.Path(path_type=Path),
    help="Write the scenario with the suggestions as candidates, with their sources.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write every table: a workbook (.xlsx), a page with figures (.html), or else a folder of"
    " CSV files.",
)
@json_option
@set_option
@click.option("--no-break-evens", is_flag=True, help="Leave out break-even capex and gate fees.")
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), help="Threads (as processors).")
@click.option(
    "--time-limit",
    metavar="SECONDS",
    type=Number(min=0, min_open=True),
    help="Stop each search after so long and take the best plan found.",
)
@click.option(
    "--gap",
    metavar="SHARE",
    type=Number(min=0),
    default=1e-6,
    show_default=True,
    help="Stop each search when its plan is proven to be within this share of the best.",
)
@quiet_option
def suggest(  # noqa: PLR0913, PLR0917
    file: Path,
    library: Path | None,
    rates: Sequence[str],
    top: int,
    new_only: bool,
    written: Path | None,
    output: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    no_break_evens: bool,
    jobs: int | None,
    time_limit: float | None,
    gap: float,
    quiet: bool,
) -> None:
    """Find technologies of the library that would pay here, priced at the plan and solved again.

    Every technology is priced at every site where its inputs can arrive; the best are added as
    candidates and solved, alone and together.
    """
    suffix = output.suffix.lower() if output is not None else ""
    check_outputs(
        file,
        workbook=output if suffix == ".xlsx" else None,
        text=[output if suffix == ".html" else None, json_out],
        folder=output if suffix not in (".xlsx", ".html") else None,
    )
    check_outputs(file, workbook=written, text=[output, json_out], option="--write")
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.studies.suggest.study import suggest as search

        found = search(
            scenario,
            library,
            rates=rates,
            top=top,
            new_only=new_only,
            break_evens=not no_break_evens,
            jobs=jobs,
            gap=gap,
            time_limit=time_limit,
            progress=progress,
        )
        progress("writing")
        if output is not None:
            found.write(output)
        if written is not None:
            found.write_scenario(written)
        if json_out is not None:
            write_json(json_out, as_content(found))
    if not quiet and str(json_out) != STDOUT:
        from circflow.studies.suggest.terminal import lines

        click.echo("\n".join(lines(found)))
    for path in (output, written, json_out):
        if path is not None and str(path) != STDOUT:
            note(f"Written: {path}", quiet=quiet)


def as_content(found: Suggestions) -> dict[str, Any]:
    """The JSON of `circflow suggest`."""
    flows = found.flows
    suggestions = []
    for row in found.table.to_dict("records"):
        record: dict[str, Any] = {str(k): v for k, v in row.items()}
        own = flows[flows["unit"] == row["unit"]] if len(flows) else flows
        for name, role in (("inputs", "input"), ("outputs", "output")):
            part = own[own["role"] == role].drop(columns=["unit", "role"])
            record[name] = part.to_dict("records")
        record.pop("takes")
        record.pop("makes")
        suggestions.append(record)
    return {
        "scenario": found.scenario.name,
        "currency": found.currency,
        "objective": found.objective,
        "suggestions": suggestions,
        "portfolio": {
            "gain": found.portfolio_gain,
            "built": found.portfolio.to_dict("records"),
        },
        **{
            name: getattr(found, name).to_dict("records")
            for name in ("who_gains", "almost", "no_market", "questions")
        },
    }
