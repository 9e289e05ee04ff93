"""firm: which decisions to build are firm, which doubtful, and what would settle those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import circflow as cf
from circflow.commands.common import Call
from circflow.commands.options import (
    STUDY,
    integer_option,
    scenario_command,
    seed,
    time_limit,
)
from circflow.data.one_line import plain
from circflow.i18n import say


@scenario_command()
@integer_option(
    "--samples", default=60, help="How often all rows of the sheet Ranges are drawn together."
)
@seed("The same seed draws the same samples.")
@time_limit()
@STUDY
def firm(call: Call, outputs: Sequence[Path], **options: Any) -> None:
    """Tell what is firm over the sheet Ranges: the gain, and each decision to build or not.

    In how many samples the best plan decides alike, which figure alone overturns a decision first,
    and which figure is worth measuring before it is taken.
    """
    scenario = call.scenario(outputs)
    firmness = cf.firm(scenario, progress=call.progress, **options)
    about = {**scenario.about, "currency": scenario.settings.currency, "seed": options["seed"]}
    content = {**about, **firmness.tables()}
    call.finish(lambda: _lines(firmness), lambda: content, outputs, write=firmness.write)


def _lines(firmness: cf.Firmness) -> list[str]:
    """The gain, a line per decision, and what would settle those that are not firm."""
    from circflow.report.numbers import number, share, table_lines
    from circflow.report.vocabulary import heading

    gain: dict[str, Any] = {str(k): v for k, v in firmness.gain.iloc[0].to_dict().items()}
    money = say("million {currency}", currency=firmness.scenario.settings.currency)
    lines = [
        plain(firmness.scenario.name),
        "",
        say(
            "Gain over today {gain_million} {money}; in {samples} samples {low} to "
            "{high} (5 % to 95 %), in the middle {middle}.",
            gain_million=number(gain["gain_million"]),
            money=money,
            samples=gain["samples"],
            low=number(gain["p5_million"]),
            high=number(gain["p95_million"]),
            middle=number(gain["p50_million"]),
        ),
    ]
    if missing := gain["without_plan"]:
        lines.append(
            say("{without_plan} samples have no plan and are left out.", without_plan=missing)
        )
    order = firmness.decisions.assign(
        rank=firmness.decisions["firmness"].map({"firm": 0, "likely": 1, "doubtful": 2})
    ).sort_values(["rank", "in_plan", "agree_share"], ascending=[True, False, False], kind="stable")
    order = order.assign(
        in_plan=[say("build") if built else say("no") for built in order["in_plan"]],
        overturned_by=[_overturned(row) for row in order.to_dict("records")],
        built_share=[share(built) for built in order["built_share"]],
        name=order["unit"],
    )
    titles = {
        "name": heading("unit"),
        "firmness": "",
        "in_plan": say("plan"),
        "overturned_by": say("overturned alone by"),
        "built_share": say("built in"),
        "worth_p5_million": say("worth 5 %"),
        "worth_p50_million": "50 %",
        "worth_p95_million": "95 %",
    }
    lines += ["", say("Worth in {money}", money=money), *table_lines(order, titles, 4, 120)]
    known = firmness.decisions[firmness.decisions["settled_by"].notna()]
    if len(known):
        lines += ["", say("What knowing a figure first would be worth, {money}", money=money)]
        known = known.sort_values("knowing_million", ascending=False).assign(name=known["unit"])
        names = {"name": "unit", "settled_by": "figure", "knowing_million": "worth"}
        lines += table_lines(known, {k: heading(v) for k, v in names.items()}, 2, 120)
    return lines


def _overturned(row: dict[Any, Any]) -> str:
    """The figure that overturns a decision first, and where."""
    from circflow.report.numbers import number
    from circflow.report.vocabulary import cell

    if row["overturned_by"] is None:
        return "-"
    sign = {"factor": "×", "add": "+", "set": "="}[row["change"]]
    address = plain(cell("parameter", row["overturned_by"]))
    return f"{address} {sign} {number(row['overturned_at'])}"
