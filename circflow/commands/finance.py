"""finance: what a plan, and each unit that it builds, brings to public budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circflow.commands.common import (
    STDOUT,
    Number,
    Progress,
    Refusal,
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


@click.command()
@file_argument()
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write every row: a workbook (.xlsx), a page (.html), or else a folder of CSV files.",
)
@json_option
@set_option
@click.option(
    "--candidates",
    is_flag=True,
    help="Solve again without each unit that is built: what it brings to each budget.",
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
def finance(  # noqa: PLR0913, PLR0917
    file: Path,
    output: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    candidates: bool,
    gap: float,
    quiet: bool,
) -> None:
    """Tell what the plan brings to public budgets, by the rates of the sheet Taxes.

    Beside it the same scenario without new units. Taxes never change the plan.
    """
    check_tables(file, output, json_out)
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        if scenario.frame("Taxes").empty:
            raise Refusal(f"{file}: the sheet Taxes has no rows: write the rates there")
        from circflow.solver.run import solve
        from circflow.studies.finance import by_candidate
        from circflow.studies.finance import finance as public_finance

        progress("solving")
        plan = solve(scenario, gap=gap)
        tables = {"finance": public_finance(scenario, plan=plan, gap=gap, progress=progress)}
        if candidates:
            tables["candidates"] = by_candidate(scenario, plan, gap=gap, progress=progress)
        currency = scenario.settings.currency
        if output is not None:
            from circflow.report.page.budgets import finance_opening
            from circflow.report.study_tables import write_tables

            progress("writing")
            title = f"{scenario.name}: public budgets"
            shown = tables | scenario.changes_table
            opening = finance_opening(tables, currency)
            write_tables(shown, output, currency=currency, title=title, opening=opening)
        if json_out is not None:
            found = {name: table.to_dict("records") for name, table in tables.items()}
            write_json(json_out, {**scenario.about, **found})
    if not quiet and str(json_out) != STDOUT:
        click.echo("\n".join(_lines(tables, scenario.name, currency)))
    for path in (output, json_out):
        if path is not None and str(path) != STDOUT:
            note(f"Written: {path}", quiet=quiet)


def _lines(tables: dict[str, pd.DataFrame], name: str, currency: str) -> list[str]:
    """Everybody's taxes as the mean per year of the horizon, by budget."""
    from circflow.report.numbers import columns, number

    table = tables["finance"]
    horizon = table[table["member"].isna() & table["period"].isna()]
    lines = [plain(name), "", f"Public budgets, million {plain(currency)} a year (mean)"]
    head = ["tax", "of", "with the plan", "without new units", "change"]
    figures = ["million_per_year", "baseline", "change"]
    for budget, rows in horizon.groupby("budget", sort=False):
        body = [
            [plain(row["tax"]), row["base"].replace("_", " "), *(number(row[k]) for k in figures)]
            for row in rows.to_dict("records")
        ]
        sums = rows[figures].sum(skipna=False)
        body.append(["together", "", *(number(sums[k]) for k in figures)])
        lines += ["", f"{budget} budget", *columns(head, body, left=2)]
    if "candidates" in tables:
        wide = tables["candidates"].pivot(index="unit", columns="budget", values="million_per_year")
        body = [
            [plain(unit), *(number(v) for v in row)]
            for unit, row in zip(wide.index, wide.to_numpy(float), strict=True)
        ]
        lines += [
            "",
            "What each unit that is built brings",
            *columns(["unit", *wide], body, left=1),
        ]
    return lines
