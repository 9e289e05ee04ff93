"""futures: what to build before it is known which future comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circflow.commands.common import (
    Number,
    Progress,
    Refusal,
    check_outputs,
    file_argument,
    json_option,
    note,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)
from circflow.commands.study_parts import worker_options

if TYPE_CHECKING:
    from circflow.data.scenario import Scenario

NO_PLAN = 3


@click.command()
@file_argument()
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(min=1),
    help="Draw N futures from the sheet Ranges, all equally likely, instead of reading Futures.",
)
@click.option(
    "--seed",
    metavar="K",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed draws the same futures.",
)
@click.option(
    "--test",
    metavar="N",
    type=click.IntRange(min=0),
    help="With --sample: judge the decisions on two fresh samples of N futures (as many as the"
    " sample unless said; 0: none).",
)
@click.option(
    "--outages",
    type=click.Choice(["units", "members", "links", "markets", "modes"]),
    help="Instead: each unit (member, link of the scenario's own plan, market, mode) still in each"
    " period in turn, beside the scenario itself.",
)
@click.option(
    "--infrastructure",
    is_flag=True,
    help="Also plan without each hub, stockpile, candidate that is built and spare capacity: what"
    " it is worth, and because of which futures.",
)
@click.option(
    "--budget-of-uncertainty",
    "gammas",
    metavar="G",
    multiple=True,
    type=Number(min=0),
    help="Instead, without probabilities: the best plan against the G worst of the prices and costs"
    " in Ranges, and the price of robustness. May be given several times.",
)
@click.option(
    "--alpha",
    metavar="A",
    type=Number(min=0, max=1, max_open=True),
    default=0.8,
    show_default=True,
    help="CVaR is the mean worth over the worst 1 - A of the futures.",
)
@click.option(
    "--omega",
    metavar="W",
    type=Number(min=0, max=1),
    default=0.0,
    show_default=True,
    help="How much CVaR weighs beside the mean: 0 looks at the mean alone, 1 at the worst alone.",
)
@click.option(
    "--gap",
    metavar="SHARE",
    type=Number(min=0),
    default=1e-6,
    show_default=True,
    help="Relative gap at which each search over yes/no decisions ends.",
)
@click.option(
    "--time-limit",
    metavar="SECONDS",
    type=Number(min=0, min_open=True),
    help="Stop each search after so long and take the best plan found.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write everything: a workbook (.xlsx), a page with figures (.html), or else a folder of"
    " CSV files.",
)
@click.option(
    "--store",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With many futures: keep what each group of them gave in this file.",
)
@json_option
@set_option
@worker_options
@quiet_option
@click.pass_context
def futures(  # noqa: PLR0913, PLR0917
    context: click.Context,
    file: Path,
    sample: int | None,
    seed: int,
    test: int | None,
    outages: str | None,
    infrastructure: bool,
    gammas: Sequence[float],
    alpha: float,
    omega: float,
    gap: float,
    time_limit: float | None,
    output: Path | None,
    store: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    resume: bool,
    jobs: int | None,
    dask: str | None,
    quiet: bool,
) -> None:
    """What to build before it is known which future comes, and what that is worth.

    The futures are those of the sheets Futures and FutureChanges, or are made by --sample or
    --outages. RP is the worth of the best decisions for all of them, EVPI what a perfect forecast
    would be worth, VSS what planning for the futures is worth.
    """
    suffix = output.suffix.lower() if output is not None else ""
    check_outputs(
        file,
        workbook=output if suffix == ".xlsx" else None,
        text=[output if suffix == ".html" else None, json_out],
        folder=output if suffix not in (".xlsx", ".html") else None,
    )
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        if gammas:
            if sample is not None or outages is not None or infrastructure:
                raise Refusal("--budget-of-uncertainty needs no futures: leave the others out")
            _robust(scenario, gammas, gap, time_limit, output, json_out, quiet, progress)
            return
        from circflow.studies.futures.study import futures as study

        found = study(
            scenario,
            sample=sample,
            seed=seed,
            test=test,
            outages=outages,
            infrastructure=infrastructure,
            alpha=alpha,
            omega=omega,
            gap=gap,
            time_limit=time_limit,
            jobs=jobs,
            dask=dask,
            store=store,
            resume=resume,
            progress=progress,
        )
        if output is not None:
            progress("writing")
            found.write(output)
    if json_out is not None:
        write_json(json_out, found.summary())
    if not quiet and str(json_out) != "-":
        from circflow.studies.futures.terminal import lines

        click.echo("\n".join(lines(found)))
    if output is not None:
        note(f"Written: {output}", quiet=quiet)
    if found.RP is None:
        from circflow.studies.futures.terminal import no_plan_lines

        for line in no_plan_lines(found):
            click.echo(line, err=True)
        context.exit(NO_PLAN)


def _robust(  # noqa: PLR0913, PLR0917
    scenario: Scenario,
    gammas: Sequence[float],
    gap: float,
    time_limit: float | None,
    output: Path | None,
    json_out: Path | None,
    quiet: bool,
    progress: Progress,
) -> None:
    from circflow.studies.futures.robust import robust
    from circflow.studies.futures.terminal import robust_lines

    found = robust(scenario, list(gammas), gap=gap, time_limit=time_limit, progress=progress)
    if output is not None:
        found.write(output)
    progress.done()
    if json_out is not None:
        write_json(json_out, found.summary())
    if not quiet and str(json_out) != "-":
        click.echo("\n".join(robust_lines(found)))
    if output is not None:
        note(f"Written: {output}", quiet=quiet)
