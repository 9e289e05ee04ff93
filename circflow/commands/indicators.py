"""indicators: the six groups of indicators of a cluster, plan against baseline and target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import (
    STDOUT,
    Number,
    Progress,
    check_tables,
    file_argument,
    json_option,
    note,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)
from circflow.data.one_line import plain

if TYPE_CHECKING:
    import pandas as pd

    from circflow.data.scenario import Scenario


@click.command()
@file_argument()
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write every row: a workbook (.xlsx), a page with figures (.html), or else a folder of"
    " CSV files.",
)
@json_option
@set_option
@click.option(
    "--gap",
    metavar="SHARE",
    type=Number(min=0),
    default=1e-6,
    show_default=True,
    help="Stop each search when its plan is proven to be within this share of the best.",
)
@click.option(
    "--time-limit",
    metavar="SECONDS",
    type=Number(min=0, min_open=True),
    help="Stop each search after so long and take the best plan found.",
)
@quiet_option
def indicators(  # noqa: PLR0913, PLR0917
    file: Path,
    output: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    gap: float,
    time_limit: float | None,
    quiet: bool,
) -> None:
    """Tell the six groups of indicators: the plan, the same without new units, the targets.

    Computed ones come from the plan, for the cluster, each member and each period; given ones
    stand in the sheet Indicators. The screen shows the cluster over the horizon.
    """
    check_tables(file, output, json_out)
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.solution.solution import NoPlan
        from circflow.solver.run import solve
        from circflow.studies.indicators import baseline_of
        from circflow.studies.indicators import indicators as indicators_of

        progress("solving")
        plan = solve(scenario, gap=gap, time_limit=time_limit)
        progress("solving without new units")
        baseline = baseline_of(scenario, plan, gap=gap, time_limit=time_limit)
        table = indicators_of(scenario, plan=plan, baseline=baseline)
        currency = scenario.settings.currency
        progress("writing")
        _write(table, output, scenario)
        if json_out is not None:
            write_json(json_out, table.to_dict("records"))
    if not quiet and str(json_out) != STDOUT:
        reason = baseline.reason if isinstance(baseline, NoPlan) else ""
        click.echo("\n".join(_lines(table, scenario.name, currency, reason)))
    for path in (output, json_out):
        if path is not None and str(path) != STDOUT:
            note(f"Written: {path}", quiet=quiet)


def _write(table: pd.DataFrame, output: Path | None, scenario: Scenario) -> None:
    if output is None:
        return
    currency = scenario.settings.currency
    if output.suffix.lower() == ".html":
        from circflow.report.page.indicators import write_indicators

        write_indicators(output, f"{scenario.name}: indicators", table, currency)
        return
    from circflow.report.study_tables import write_tables

    write_tables({"indicators": table, **scenario.changes_table}, output, currency=currency)


def _lines(table: pd.DataFrame, name: str, currency: str, reason: str) -> list[str]:
    """The cluster over the horizon, group by group."""
    from circflow.data.schema.indicators import in_currency
    from circflow.report.numbers import columns
    from circflow.report.page.indicators import GROUP_WORDS, lead_of, words_of

    lines = [plain(name), "", plain(lead_of(table))]
    if reason:
        lines.append(plain(f"Without new units there is no plan: {reason.splitlines()[0]}"))
    for group, rows in table[table["member"].isna()].groupby("group", sort=False):
        horizon = rows[rows["period"].isna() | (rows["kind"] == "given")]
        body = []
        for row in horizon.to_dict("records"):
            period = f", {row['period']}" if row["period"] else ""
            met = {True: "met", False: "not met"}.get(row["met"], "")
            unit = plain(in_currency(str(row["unit"]), currency))
            figures = [_figure(row[k], unit) for k in ("value", "baseline", "change", "target")]
            label = plain(words_of(str(row["indicator"])) + period)
            body.append([label, unit, *figures, met])
        head = [GROUP_WORDS[str(group)], "unit", "plan", "without", "change", "target", "target is"]
        lines += ["", *columns(head, body, left=2)]
    return lines


def _figure(value: Any, unit: str) -> str:
    from circflow.report.numbers import number, share

    return share(value) if unit == "share" else number(value)
