"""finance: what a plan, and each unit that it builds, brings to public budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

import circflow as cf
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
    from circflow.studies.indicators import plan_and_baseline

    progress("solving")
    with Engine(jobs, dask=dask, tell=progress) as engine:
        plan, baseline = plan_and_baseline(engine, scenario, gap=gap)
        tables = {"finance": cf.finance(scenario, plan=plan, baseline=baseline)}
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
    from circflow.report.numbers import table_lines
    from circflow.report.vocabulary import heading

    table = tables["finance"]
    horizon = table[table["member"].isna() & table["period"].isna()]
    title = say("Public budgets, million {currency} a year (mean)", currency=plain(currency))
    lines = [plain(name), "", title]
    figures = {
        "million_per_year": say("with the plan"),
        "baseline": say("without new units"),
        "change": say("change"),
    }
    titles = {"tax": say("tax"), "base": say("of"), **figures}
    for budget, rows in horizon.groupby("budget", sort=False):
        shown = rows.assign(base=rows["base"].map(_base))[list(titles)]
        sums = rows[list(figures)].sum(skipna=False)
        shown.loc[-1] = [say("together"), "", *sums]
        title = say("{budget} budget", budget=shown_word("budget", str(budget)))
        lines += ["", title, *table_lines(shown, titles, left=2)]
    if "candidates" in tables:
        wide = tables["candidates"].pivot(index="unit", columns="budget", values="million_per_year")
        titles = {"name": heading("unit"), **{str(n): shown_word("budget", str(n)) for n in wide}}
        title = say("What each unit that is built brings")
        lines += ["", title, *table_lines(wide.rename_axis("name").reset_index(), titles)]
    return lines


def _base(base: str) -> str:
    """What a tax is taken of."""
    return shown_word("base", base).replace("_", " ")
