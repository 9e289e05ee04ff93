"""finance: what a plan, and each unit that it builds, brings to public budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circflow.commands.common import Call, Refusal
from circflow.commands.options import STUDY, scenario_command
from circflow.data.one_line import plain
from circflow.i18n import say
from circflow.i18n.names import shown_word

if TYPE_CHECKING:
    import pandas as pd


@scenario_command()
@click.option(
    "--candidates",
    is_flag=True,
    help="Solve again without each unit that is built: what it brings to each budget.",
)
@STUDY
def finance(  # noqa: PLR0913
    call: Call,
    *,
    outputs: Sequence[Path],
    candidates: bool,
    gap: float,
    jobs: int | None,
    dask: str | None,
) -> None:
    """Tell what the plan brings to public budgets, by the rates of the sheet Taxes.

    Beside it the same scenario without new units. Taxes never change the plan.
    """
    scenario, progress = call.scenario(outputs), call.progress
    if scenario.frame("Taxes").empty:
        raise Refusal("{file}: the sheet Taxes has no rows: write the rates there", file=call.file)
    from circflow.report.page.budgets import finance_opening
    from circflow.report.study_tables import write_tables
    from circflow.studies.bench.engine import Engine
    from circflow.studies.finance import by_candidate
    from circflow.studies.finance import finance as public_finance
    from circflow.studies.indicators import plan_and_baseline

    progress("solving")
    with Engine(jobs, dask=dask, tell=progress) as engine:
        plan, baseline = plan_and_baseline(engine, scenario, gap=gap)
        tables = {"finance": public_finance(scenario, plan=plan, baseline=baseline)}
        if candidates:
            tables["candidates"] = by_candidate(engine, plan, gap=gap)
    currency, title = scenario.settings.currency, say("{name}: public budgets", name=scenario.name)
    shown, opening = tables | scenario.changes_table, finance_opening(tables, currency)
    call.finish(
        lambda: _lines(tables, scenario.name, currency),
        lambda: {**scenario.about, **tables},
        outputs,
        write=lambda path: write_tables(
            shown, path, currency=currency, title=title, opening=opening
        ),
    )


def _lines(tables: dict[str, pd.DataFrame], name: str, currency: str) -> list[str]:
    """Everybody's taxes as the mean per year of the horizon, by budget."""
    from circflow.report.numbers import columns, number
    from circflow.report.vocabulary import heading

    table = tables["finance"]
    horizon = table[table["member"].isna() & table["period"].isna()]
    title = say("Public budgets, million {currency} a year (mean)", currency=plain(currency))
    lines = [plain(name), "", title]
    head = [say("tax"), say("of"), say("with the plan"), say("without new units"), say("change")]
    figures = ["million_per_year", "baseline", "change"]
    for budget, rows in horizon.groupby("budget", sort=False):
        body = [
            [plain(row["tax"]), _base(row["base"]), *(number(row[k]) for k in figures)]
            for row in rows.to_dict("records")
        ]
        sums = rows[figures].sum(skipna=False)
        body.append([say("together"), "", *(number(sums[k]) for k in figures)])
        title = say("{budget} budget", budget=shown_word("budget", str(budget)))
        lines += ["", title, *columns(head, body, left=2)]
    if "candidates" in tables:
        wide = tables["candidates"].pivot(index="unit", columns="budget", values="million_per_year")
        body = [
            [plain(unit), *(number(v) for v in row)]
            for unit, row in zip(wide.index, wide.to_numpy(float), strict=True)
        ]
        head = [heading("unit"), *(shown_word("budget", str(name)) for name in wide)]
        lines += ["", say("What each unit that is built brings"), *columns(head, body, left=1)]
    return lines


def _base(base: str) -> str:
    """What a tax is taken of."""
    return shown_word("base", base).replace("_", " ")
