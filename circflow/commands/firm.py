"""firm: which decisions to build are firm, which doubtful, and what would settle those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import (
    Number,
    Progress,
    check_outputs,
    file_argument,
    json_option,
    note,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)
from circflow.commands.study_parts import records

if TYPE_CHECKING:
    from circflow.studies.units.firm import Firmness


@click.command()
@file_argument()
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write everything: a workbook (.xlsx) with a sheet per question, a page (.html), JSON"
    " (.json), or else a folder of CSV files.",
)
@json_option
@set_option
@click.option(
    "--samples",
    metavar="N",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="How often all rows of the sheet Ranges are drawn together.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed draws the same samples.",
)
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), default=1, show_default=True,
              help="Searches at a time.")  # fmt: skip
@click.option(
    "--time-limit",
    metavar="SECONDS",
    type=Number(min=0, min_open=True),
    help="Stop each search after so long and take the best plan found.",
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
def firm(  # noqa: PLR0913, PLR0917
    file: Path,
    output: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    samples: int,
    seed: int,
    jobs: int,
    time_limit: float | None,
    gap: float,
    quiet: bool,
) -> None:
    """Tell what is firm over the sheet Ranges: the gain, and each decision to build or not.

    In how many samples the best plan decides alike, which figure alone overturns a decision first,
    and which figure is worth measuring before it is taken.
    """
    suffix = output.suffix.lower() if output is not None else ""
    check_outputs(
        file,
        workbook=output if suffix == ".xlsx" else None,
        text=[output if suffix in (".json", ".html") else None, json_out],
        folder=output if suffix not in (".xlsx", ".json", ".html") else None,
    )
    with Progress(quiet=quiet) as progress:
        progress("reading")
        scenario = read_scenario(file, assignments)
        from circflow.studies.units.firm import firm as judge

        found = judge(
            scenario,
            samples=samples,
            seed=seed,
            jobs=jobs,
            gap=gap,
            time_limit=time_limit,
            progress=progress,
        )
        if output is not None:
            progress("writing")
            found.write(output)
    if json_out is not None:
        tables = {name: records(table) for name, table in found.tables().items()}
        currency = scenario.settings.currency
        write_json(json_out, {**scenario.about, "currency": currency, "seed": seed, **tables})
    if not quiet and str(json_out) != "-":
        click.echo("\n".join(_lines(found)))
    if output is not None and not quiet:
        note(f"Written: {output}")


def _lines(found: Firmness) -> list[str]:
    """The gain, a line per decision, and what would settle those that are not firm."""
    from circflow.data.one_line import plain
    from circflow.report.numbers import columns, number, share

    gain: dict[str, Any] = {str(k): v for k, v in found.gain.iloc[0].to_dict().items()}
    money = f"million {found.scenario.settings.currency}"
    low, middle, high = (
        number(gain[name]) for name in ("p5_million", "p50_million", "p95_million")
    )
    lines = [
        plain(found.scenario.name),
        "",
        f"Gain over today {number(gain['gain_million'])} {money}; in {gain['samples']} samples"
        f" {low} to {high} (5 % to 95 %), in the middle {middle}.",
    ]
    if gain["without_plan"]:
        lines.append(f"{gain['without_plan']} samples have no plan and are left out.")
    order = found.decisions.assign(
        rank=found.decisions["firmness"].map({"firm": 0, "likely": 1, "doubtful": 2})
    ).sort_values(["rank", "in_plan", "agree_share"], ascending=[True, False, False], kind="stable")
    body = [
        [
            plain(row["unit"]),
            row["firmness"],
            "build" if row["in_plan"] else "no",
            _overturned(row),
            share(row["built_share"]),
            *(number(row[f"worth_{p}_million"]) for p in ("p5", "p50", "p95")),
        ]
        for row in order.to_dict("records")
    ]
    titles = ["unit", "", "plan", "overturned alone by", "built in", "worth 5 %", "50 %", "95 %"]
    lines += ["", f"Worth in {money}", *columns(titles, body, left=4, total=120)]
    known = found.decisions[found.decisions["settled_by"].notna()]
    if len(known):
        lines += ["", f"What knowing a figure first would be worth, {money}"]
        cells = [
            [plain(row["unit"]), plain(row["settled_by"]), number(row["knowing_million"])]
            for row in known.sort_values("knowing_million", ascending=False).to_dict("records")
        ]
        lines += columns(["unit", "figure", "worth"], cells, left=2, total=120)
    return lines


def _overturned(row: dict[Any, Any]) -> str:
    """The figure that overturns a decision first, and where."""
    from circflow.data.one_line import plain
    from circflow.report.numbers import number

    if row["overturned_by"] is None:
        return "-"
    sign = {"factor": "×", "add": "+", "set": "="}[row["change"]]
    return f"{plain(row['overturned_by'])} {sign} {number(row['overturned_at'])}"
