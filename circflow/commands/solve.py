"""solve: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import circflow as cf
from circflow.commands.common import STDOUT, Call, check_outputs, note, write_json
from circflow.commands.options import GAP, path_option, scenario_command, time_limit
from circflow.i18n import say, say_n

if TYPE_CHECKING:
    import pandas as pd

    from circflow.report.figures import Baseline


@scenario_command()
@path_option(
    "-o",
    "--output",
    metavar="RESULTS.xlsx",
    help="Write the plan as a workbook: a summary with charts, then one table per sheet.",
)
@path_option(
    "--report",
    metavar="PAGE.html",
    help="Write a page that explains the plan: one file with figures, tables and a map, for any"
    " browser, without a network.",
)
@path_option(
    "--csv",
    "csv_folder",
    metavar="DIR",
    help="Write every table as a CSV file into this folder, which is made if need be.",
)
@click.option(
    "--relax", is_flag=True, help="Let yes/no decisions be fractions: quicker, and only a bound."
)
@time_limit()
@GAP
@click.option(
    "--solver",
    metavar="NAME",
    default="highs",
    show_default=True,
    help="Solve by another solver on this machine that Pyomo knows (glpk, cbc, scip, gurobi, …); "
    "it gives no shadow prices.",
)
@click.option(
    "--algorithm",
    type=click.Choice(["simplex", "ipx", "hipo"]),
    help="How HiGHS solves linear programmes, instead of what their size asks for: the simplex"
    " method, or interior point (hipo: pip install 'circflow[hipo]').",
)
def solve(
    call: Call, output: Path | None, report: Path | None, csv_folder: Path | None, **options: Any
) -> None:
    """Find the best plan of a scenario and audit it.

    A summary is printed: money, use of waste, what to build, the largest flows, what binds and
    what that is worth. The options write the whole plan to files.
    """
    json_out, progress = call.json_out, call.progress
    check_outputs(call.file, workbook=output, text=[report, json_out], folders=[csv_folder])
    scenario = call.scenario()
    fault = None
    try:
        solution = cf.solve(scenario, progress=progress, **options)
    except cf.NoPlan as none:
        if json_out is not None:
            content = {"scenario": none.scenario, "status": none.status.value}
            write_json(json_out, {**content, "reason": none.reason})
        raise
    except cf.AuditError as error:
        solution, fault = error.solution, error
    progress("writing")
    baselines = compared(solution) if output or report or call.on_screen else []
    files = write_files(solution, output, csv_folder, json_out, report, baselines)
    progress.done()
    if fault is not None:
        raise fault  # the files tell that the audit failed
    if call.on_screen:
        from circflow.report.console import summary

        click.echo(summary(solution, files, baselines), nl=False)
    else:
        if scenario.warnings:
            counted = say_n("{n} warning", "{n} warnings", len(scenario.warnings))
            words = say("{counted}: `circflow check` lists them", counted=counted)
            note(words, quiet=call.quiet)
        call.tell_files(files)


def write_files(  # noqa: PLR0913, PLR0917
    solution: cf.Solution,
    output: Path | None,
    csv_folder: Path | None,
    json_out: Path | None,
    report: Path | None = None,
    baselines: Sequence[Baseline] = (),
) -> list[Path]:
    """Write what was asked for; the files and folders written."""
    files = []
    table = indicators(solution) if output or report or csv_folder else None
    words = say("six groups of indicators, plan against baseline and target")
    more = {"Indicators": ("indicators", table, words)} if table is not None else {}
    if output is not None:
        from circflow.report.workbook import write_results

        write_results(solution, output, more, baselines)
        files.append(output)
    if report is not None:
        from circflow.report.page.plan import write_page

        write_page(solution, report, baselines, table)
        files.append(report)
    if csv_folder is not None:
        from circflow.report.csvs import write_csvs

        write_csvs(solution, csv_folder, more)
        files.append(csv_folder)
    if json_out is not None:
        write_json(json_out, solution.summary())
        if str(json_out) != STDOUT:
            files.append(json_out)
    return files


def compared(solution: cf.Solution) -> list[Baseline]:
    """What the plan is compared with; nothing where its audit failed."""
    from circflow.studies.cluster.baselines import comparisons

    return comparisons(solution) if solution.audit.passed else []


def indicators(solution: cf.Solution) -> pd.DataFrame:
    """The table of indicators; without a baseline where the plan itself took long to make."""
    from circflow.studies.cluster.baselines import took_long

    without = solution.audit.passed and not took_long(solution)
    return cf.indicators(solution.scenario, plan=solution, with_baseline=without)
