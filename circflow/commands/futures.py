"""futures: what to build before it is known which future comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import circflow as cf
from circflow.commands.common import Call, Refusal
from circflow.commands.options import (
    RESUME,
    STUDY,
    Number,
    integer_option,
    scenario_command,
    seed,
    time_limit,
    valued_option,
)

NO_PLAN = 3


@scenario_command()
@integer_option(
    "--sample",
    help="Draw N futures from the sheet Ranges, all equally likely, instead of reading Futures.",
)
@seed("The same seed draws the same futures.")
@integer_option(
    "--test",
    least=0,
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
    help="Also plan without each hub, stockpile, candidate that is built and spare capacity, and"
    " try each other candidate besides: what it is worth, and because of which futures.",
)
@valued_option(
    "--budget-of-uncertainty",
    "gammas",
    metavar="G",
    type=Number(min=0),
    multiple=True,
    help="Instead, without probabilities: the best plan against the G worst of the prices and costs"
    " in Ranges, and the price of robustness. May be given several times.",
)
@valued_option(
    "--alpha",
    metavar="A",
    type=Number(min=0, max=1, max_open=True),
    default=0.8,
    help="CVaR is the mean worth over the worst 1 - A of the futures.",
)
@valued_option(
    "--omega",
    metavar="W",
    type=Number(min=0, max=1),
    default=0.0,
    help="How much CVaR weighs beside the mean: 0 looks at the mean alone, 1 at the worst alone.",
)
@time_limit()
@STUDY
@click.option(
    "--store",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With many futures: keep what each group of them gave in this file.",
)
@RESUME
def futures(call: Call, outputs: Sequence[Path], gammas: Sequence[float], **options: Any) -> None:
    """What to build before it is known which future comes, and what that is worth.

    The futures are those of the sheets Futures and FutureChanges, or are made by --sample or
    --outages. RP is the worth of the best decisions for all of them, EVPI what a perfect forecast
    would be worth, VSS what planning for the futures is worth.
    """
    scenario = call.scenario(outputs)
    from circflow.studies.futures import terminal

    if gammas:
        if any(options[name] for name in ("sample", "outages", "infrastructure")):
            raise Refusal("--budget-of-uncertainty needs no futures: leave the others out")
        search = {name: options[name] for name in ("gap", "time_limit")}
        curve = cf.robust(scenario, list(gammas), progress=call.progress, **search)
        call.finish(lambda: terminal.robust_lines(curve), curve.summary, outputs, write=curve.write)
        return
    result = cf.futures(scenario, progress=call.progress, **options)
    call.finish(lambda: terminal.lines(result), result.summary, outputs, write=result.write)
    if result.RP is None:
        for line in terminal.no_plan_lines(result):
            click.echo(line, err=True)
        click.get_current_context().exit(NO_PLAN)
