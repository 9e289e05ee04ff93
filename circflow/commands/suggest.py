"""suggest: technologies of a library that would pay here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import circflow as cf
from circflow.commands.common import Call, check_outputs
from circflow.commands.options import (
    STUDY,
    integer_option,
    path_option,
    scenario_command,
    time_limit,
)


@scenario_command()
@path_option(
    "--library",
    metavar="LIBRARY.xlsx",
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
@integer_option("--top", default=10, help="At most so many suggestions.")
@click.option(
    "--new", "new_only", is_flag=True, help="Only processes that no unit of the file is like."
)
@path_option(
    "--write",
    "written",
    metavar="OUT.xlsx",
    help="Write the scenario with the suggestions as candidates, with their sources.",
)
@click.option("--no-break-evens", is_flag=True, help="Leave out break-even capex and gate fees.")
@time_limit()
@STUDY
def suggest(
    call: Call,
    written: Path | None,
    outputs: Sequence[Path],
    no_break_evens: bool,
    **options: Any,
) -> None:
    """Find technologies of the library that would pay here, priced at the plan and solved again.

    Every technology is priced at every site where its inputs can arrive; the best are added as
    candidates and solved, alone and together.
    """
    others = [*outputs, call.json_out]
    check_outputs(call.file, workbook=written, text=others, option="--write")
    scenario = call.scenario(outputs)
    from circflow.studies.suggest.terminal import lines

    suggestions = cf.suggest(
        scenario, break_evens=not no_break_evens, progress=call.progress, **options
    )
    if written is not None:
        suggestions.write_scenario(written)
    answer = (lambda: lines(suggestions)), (lambda: as_content(suggestions))
    call.finish(*answer, outputs, write=suggestions.write)
    call.tell_files([written])


def as_content(answer: cf.Suggestions) -> dict[str, Any]:
    """The JSON of `circflow suggest`."""
    flows = answer.flows
    suggestions = []
    for row in answer.table.to_dict("records"):
        record = {str(k): v for k, v in row.items() if k not in ("takes", "makes")}
        of_unit = flows[flows["unit"] == row["unit"]] if len(flows) else flows
        for role in ("input", "output"):
            part = of_unit[of_unit["role"] == role].drop(columns=["unit", "role"])
            record[f"{role}s"] = part
        suggestions.append(record)
    return {
        "scenario": answer.scenario.name,
        "currency": answer.currency,
        "objective": answer.objective,
        "suggestions": suggestions,
        "portfolio": {"gain": answer.portfolio_gain, "built": answer.portfolio},
        "who_gains": answer.who_gains,
        "almost": answer.almost,
        "no_market": answer.no_market,
        "questions": answer.questions,
    }
