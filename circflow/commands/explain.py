"""explain: why there is no plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from circflow.commands.common import (
    STDOUT,
    Progress,
    check_outputs,
    file_argument,
    json_option,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)


@click.command()
@file_argument()
@json_option
@set_option
@quiet_option
def explain(file: Path, json_out: Path | None, assignments: Sequence[str], quiet: bool) -> None:
    """Why a scenario has no plan, in cells, and the smallest changes that make one.

    Without a feasible plan: the conditions that cannot hold together, as few as possible, and for
    each the least change that ends the conflict, tried by solving again. Without a bounded plan:
    the prices that make money without end. Exit code 0 once explained, also where there is a plan.
    """
    check_outputs(file, text=[json_out])
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.solver.explain import explain as find

        progress("looking for what stands in the way")
        found = find(scenario)
    if json_out is not None:
        write_json(json_out, found.summary())
    if json_out is None or str(json_out) != STDOUT:
        for line in found.lines():
            click.echo(line)
