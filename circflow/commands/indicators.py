"""indicators: the six groups of indicators of a cluster, plan against baseline and target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import circflow as cf
from circflow.commands.common import Call
from circflow.commands.options import STUDY, scenario_command, time_limit
from circflow.data.one_line import plain
from circflow.i18n import say, say_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@scenario_command()
@time_limit()
@STUDY
def indicators(
    call: Call, outputs: Sequence[Path], jobs: int | None, dask: str | None, **search: Any
) -> None:
    """Tell the six groups of indicators: the plan, the same without new units, the targets.

    Computed ones come from the plan, for the cluster, each member and each period; given ones
    stand in the sheet Indicators. The screen shows the cluster over the horizon.
    """
    scenario = call.scenario(outputs)
    from circflow.report.page.indicators import indicators_opening
    from circflow.report.study_tables import write_tables
    from circflow.studies.bench.engine import Engine
    from circflow.studies.indicators import plan_and_baseline

    call.progress("solving")
    with Engine(jobs, dask=dask, tell=call.progress) as engine:
        plan, baseline = plan_and_baseline(engine, scenario, **search)
    table = cf.indicators(scenario, plan=plan, baseline=baseline)
    currency, title = scenario.settings.currency, say("{name}: indicators", name=scenario.name)
    reason = baseline.reason if isinstance(baseline, cf.NoPlan) else ""
    tables, opening = (
        {"indicators": table, **scenario.changes_table},
        indicators_opening(table, currency),
    )
    call.finish(
        lambda: _lines(table, scenario.name, currency, reason),
        lambda: table,
        outputs,
        write=lambda path: write_tables(
            tables, path, currency=currency, title=title, opening=opening
        ),
    )


def _lines(table: pd.DataFrame, name: str, currency: str, reason: str) -> list[str]:
    """The cluster over the horizon, group by group."""
    from circflow.data.schema.indicators import in_currency
    from circflow.report.numbers import columns
    from circflow.report.page.indicators import GROUP_WORDS, lead_of, words_of
    from circflow.report.vocabulary import measured

    lines = [plain(name), "", plain(lead_of(table))]
    if reason:
        first = reason.splitlines()[0]
        lines.append(
            plain(say("Without new units there is no plan: {splitlines}", splitlines=first))
        )
    for group, rows in table[table["member"].isna()].groupby("group", sort=False):
        horizon = rows[rows["period"].isna() | (rows["kind"] == "given")]
        body = []
        for row in horizon.to_dict("records"):
            period = f", {row['period']}" if row["period"] else ""
            met = {True: say("met"), False: say("not met")}.get(row["met"], "")
            unit = plain(in_currency(str(row["unit"]), currency))
            figures = [_figure(row[k], unit) for k in ("value", "baseline", "change", "target")]
            label = plain(words_of(str(row["indicator"])) + period)
            body.append([label, measured(unit), *figures, met])
        head = [say(GROUP_WORDS[str(group)]), say_in("measure", "unit"), say("plan")]
        head += [say("without"), say("change"), say("target"), say("target is")]
        lines += ["", *columns(head, body, left=2)]
    return lines


def _figure(value: Any, unit: str) -> str:
    from circflow.report.numbers import number, share

    return share(value) if unit == "share" else number(value)
