"""ranges, breakpoints: exact answers about single figures, without a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import circflow as cf
from circflow.commands.common import HOW, Call, Refusal, print_table, split_assignment
from circflow.commands.options import (
    ENGINE,
    FIX,
    PAGED,
    RELAX,
    Number,
    decisions,
    output,
    scenario_command,
    valued_option,
)
from circflow.i18n import say


@scenario_command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]")
@click.option(
    "--sheet",
    "sheets",
    metavar="NAME",
    multiple=True,
    help="Every figure of this sheet, cell by cell, instead of the rows of Ranges.",
)
@valued_option(
    "--within",
    metavar="SHARE",
    type=Number(min=0, min_open=True),
    default=0.5,
    help="Look so far down and up from the figure: 0.5 is from half to one and a half times.",
)
@RELAX
@ENGINE
@output(PAGED)
def ranges(  # noqa: PLR0913
    call: Call,
    *,
    addresses: Sequence[str],
    sheets: Sequence[str],
    within: float,
    relax: bool,
    outputs: Sequence[Path],
    **engine: Any,
) -> None:
    """Tell how far each figure may move, alone, before the plan or its shadow prices change.

    The figures are those at ADDRESS, or all of --sheet, or else the rows of the sheet Ranges.
    Yes/no decisions stay as they are in the best plan.
    """
    if addresses and sheets:
        raise Refusal("give addresses or --sheet, not both")
    scenario = call.scenario(outputs, PAGED)
    from circflow.report.page.runs import ranges_opening
    from circflow.report.study_tables import write_runs

    table = cf.ranges(
        scenario,
        list(addresses) or None,
        sheets=sheets,
        within=within,
        decisions="relaxed" if relax else "fixed",
        progress=call.progress,
        **engine,
    )
    shown = ["parameter", "figure", "unit", "moves", "from_factor", "to_factor", "price", "reason"]
    call.finish(
        lambda: print_table(table.reindex(columns=shown)),
        lambda: {**scenario.about, "ranges": table},
        outputs,
        write=lambda path: write_runs(
            {"ranges": table},
            path,
            scenario,
            title=say("{name}: how far figures may move", name=scenario.name),
            opening=ranges_opening(table, within, scenario.settings.currency),
        ),
    )


@scenario_command()
@click.argument("interval", metavar="'ADDRESS*=LOW:HIGH'")
@RELAX
@FIX
@output(PAGED)
@ENGINE
def breakpoints(
    call: Call,
    *,
    interval: str,
    relax: bool,
    fix: bool,
    outputs: Sequence[Path],
    **engine: Any,
) -> None:
    """Find every value of one parameter, from LOW to HIGH, at which the worth changes its slope.

    The parameter moves prices and costs, or capacities and limits (then with --fix or --relax where
    there are yes/no decisions). *= multiplies, += adds, = sets.
    """
    from circflow.data.cells import BadCellError, parse_number

    address, sign, text = split_assignment(interval)
    try:
        low, high = (parse_number(part) for part in text.split(":"))
    except (ValueError, BadCellError):
        low = high = None
    if low is None or high is None:
        raise Refusal("{interval!r}: write 'ADDRESS*=LOW:HIGH', two numbers", interval=interval)
    scenario = call.scenario(outputs, PAGED)
    from circflow.report.page.runs import breakpoints_opening
    from circflow.report.study_tables import write_runs

    engine |= {"decisions": decisions(relax, fix), "progress": call.progress}
    table = cf.break_points(scenario, address, low, high, how=HOW[sign], **engine)
    same = table["built"].nunique() <= 1  # long, and of use only where it changes
    shown = table.drop(columns=["parameter", *(["built"] if same else [])])
    call.finish(
        lambda: print_table(shown),
        lambda: {**scenario.about, "pieces": table},
        outputs,
        write=lambda path: write_runs(
            {"break_points": table},
            path,
            scenario,
            title=say("{name}: where the worth changes its slope", name=scenario.name),
            opening=breakpoints_opening(table, scenario.settings.currency),
        ),
    )
