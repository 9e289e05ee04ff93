"""ranges, breakpoints: exact answers about single figures, without a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from circflow.commands.common import (
    Number,
    Progress,
    Refusal,
    check_outputs,
    file_argument,
    json_option,
    quiet_option,
    read_scenario,
    set_option,
    split_assignment,
    write_json,
)
from circflow.commands.study_parts import (
    HOW,
    PAGED,
    checked,
    decisions,
    engine_options,
    output_option,
    print_table,
    records,
    tell_files,
)

_RELAX = click.option("--relax", is_flag=True, help="Let yes/no decisions be fractions.")


@click.command()
@file_argument()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]")
@click.option(
    "--sheet",
    "sheets",
    metavar="NAME",
    multiple=True,
    help="Every figure of this sheet, cell by cell, instead of the rows of Ranges.",
)
@click.option(
    "--within",
    metavar="SHARE",
    type=Number(min=0, min_open=True),
    default=0.5,
    show_default=True,
    help="Look so far down and up from the figure: 0.5 is from half to one and a half times.",
)
@_RELAX
@engine_options
@output_option(PAGED)
@json_option
@set_option
@quiet_option
def ranges(  # noqa: PLR0913, PLR0917
    file: Path,
    addresses: Sequence[str],
    sheets: Sequence[str],
    within: float,
    relax: bool,
    jobs: int | None,
    dask: str | None,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    quiet: bool,
) -> None:
    """Tell how far each figure may move, alone, before the plan or its shadow prices change.

    The figures are those at ADDRESS, or all of --sheet, or else the rows of the sheet Ranges.
    Yes/no decisions stay as they are in the best plan.
    """
    if addresses and sheets:
        raise Refusal("give addresses or --sheet, not both")
    checked(file, outputs, PAGED)
    check_outputs(file, text=[json_out])
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.report.page.runs import ranges_opening
        from circflow.report.study_tables import write_tables
        from circflow.studies.sweeps.export import write_table
        from circflow.studies.sweeps.ranges import ranges as find

        table = find(
            scenario,
            list(addresses) or None,
            sheets=sheets,
            within=within,
            decisions="relaxed" if relax else "fixed",
            jobs=jobs,
            dask=dask,
            progress=progress,
        )
        for path in outputs:
            if path.suffix.lower() == ".html":
                write_tables(
                    {"ranges": table, **scenario.changes_table},
                    path,
                    currency=scenario.settings.currency,
                    title=f"{scenario.name}: how far figures may move",
                    opening=ranges_opening(table, within, scenario.settings.currency),
                )
            else:
                write_table(path, {"Ranges": table, **scenario.changes_table})
        if json_out is not None:
            write_json(json_out, {**scenario.about, "ranges": records(table)})
    if not quiet and str(json_out) != "-":
        shown = ["parameter", "figure", "unit", "moves", "from_factor", "to_factor", "price"]
        print_table(table.reindex(columns=[*shown, "reason"]))
        tell_files(outputs)


@click.command()
@file_argument()
@click.argument("interval", metavar="'ADDRESS*=LOW:HIGH'")
@_RELAX
@click.option("--fix", is_flag=True, help="Keep the yes/no decisions of the scenario's best plan.")
@output_option(PAGED)
@json_option
@set_option
@quiet_option
def breakpoints(  # noqa: PLR0913, PLR0917
    file: Path,
    interval: str,
    relax: bool,
    fix: bool,
    outputs: Sequence[Path],
    json_out: Path | None,
    assignments: Sequence[str],
    quiet: bool,
) -> None:
    """Find every value of one parameter, from LOW to HIGH, at which the worth changes its slope.

    The parameter moves prices and costs, or capacities and limits (then with --fix or --relax where
    there are yes/no decisions). *= multiplies, += adds, = sets.
    """
    from circflow.data.cells import BadCellError, parse_number

    checked(file, outputs, PAGED)
    check_outputs(file, text=[json_out])
    address, sign, text = split_assignment(interval)
    try:
        low, high = (parse_number(part) for part in text.split(":"))
    except (ValueError, BadCellError):
        low = high = None
    if low is None or high is None:
        raise Refusal(f"{interval!r}: write 'ADDRESS*=LOW:HIGH', two numbers")
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.report.page.runs import breakpoints_opening
        from circflow.report.study_tables import write_tables
        from circflow.studies.sweeps.export import write_table
        from circflow.studies.sweeps.ranges import break_points as find

        table = find(
            scenario,
            address,
            low,
            high,
            how=HOW[sign],
            decisions=decisions(relax, fix),  # type: ignore[arg-type]
        )
        for path in outputs:
            if path.suffix.lower() == ".html":
                currency = scenario.settings.currency
                write_tables(
                    {"break_points": table, **scenario.changes_table},
                    path,
                    currency=currency,
                    title=f"{scenario.name}: where the worth changes its slope",
                    opening=breakpoints_opening(table, currency),
                )
            else:
                write_table(path, {"Break points": table, **scenario.changes_table})
        if json_out is not None:
            write_json(json_out, {**scenario.about, "pieces": records(table)})
    if not quiet and str(json_out) != "-":
        same = table["built"].nunique() <= 1  # long, and of use only where it changes
        print_table(table.drop(columns=["parameter", *(["built"] if same else [])]))
        tell_files(outputs)
