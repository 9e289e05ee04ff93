"""evaluate: should this plant be built, alone and together with others, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circflow.commands.common import (
    Number,
    Progress,
    Refusal,
    check_outputs,
    file_argument,
    json_option,
    note,
    quiet_option,
    read_scenario,
    set_option,
    write_json,
)

if TYPE_CHECKING:
    import pandas as pd

    from circflow.data.scenario import Scenario
    from circflow.studies.units.words import Verdicts


@click.command()
@file_argument()
@click.argument("units", nargs=-1, metavar="[UNIT …]")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write everything: a workbook (.xlsx) with a sheet per question and a page per unit,"
    " a page with figures (.html), JSON (.json), or else a folder of CSV files.",
)
@json_option
@set_option
@click.option(
    "--add",
    "added",
    metavar="'unit=…, site=…, technology=…, capacity_per_year=…, capex_million=…'",
    multiple=True,
    help="Judge a unit that is not in the file: columns of the sheet Units. With site=? every"
    " site is tried and ranked. May be given several times.",
)
@click.option(
    "--samples",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Futures sampled from the sheet Ranges: how often the decision was right.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed samples the same futures.",
)
@click.option("--no-break-evens", is_flag=True, help="Leave out break-even capex, prices, fees.")
@click.option("--no-together", is_flag=True, help="Leave out pairs and the order of entry.")
@click.option("--no-risks", is_flag=True, help="Leave out what happens if a unit drops out.")
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), help="Threads (as processors).")
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
def evaluate(  # noqa: PLR0913, PLR0917
    file: Path,
    units: Sequence[str],
    output: Path | None,
    json_out: Path | None,
    assignments: Sequence[str],
    added: Sequence[str],
    samples: int,
    seed: int,
    no_break_evens: bool,
    no_together: bool,
    no_risks: bool,
    jobs: int | None,
    time_limit: float | None,
    gap: float,
    quiet: bool,
) -> None:
    """Judge candidate units (all, or those named), existing units or members.

    What the cluster gains with each, at which capex, prices and gate fees it breaks even, who
    gains and who loses, what it displaces, in which order to build.
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
        from circflow.studies.units.evaluate import evaluate as judge
        from circflow.studies.units.sites import ANY_SITE, best_sites, parse_unit

        new = [parse_unit(text) for text in added]
        anywhere = [u for u in new if u.get("site") == ANY_SITE]
        if anywhere:
            if len(new) > 1 or units:
                raise Refusal("--add with site=? is asked alone: one unit, and no UNIT named")
            sites = best_sites(scenario, anywhere[0], gap=gap, progress=progress)
            unit = str(anywhere[0].get("unit", "the unit"))
            _tell_sites(sites, unit, scenario, output, json_out, quiet)
            return
        found = judge(
            scenario,
            units or ([] if new else None),
            add=new,
            together=not no_together,
            break_evens=not no_break_evens,
            risks=not no_risks,
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
        write_json(json_out, as_content(found))
    if not quiet and str(json_out) != "-":
        click.echo("\n".join(_lines(found, bool(units or new))))
    if output is not None and not quiet:
        note(f"Written: {output}")


def as_content(found: Verdicts) -> dict[str, Any]:
    """The JSON of `circflow evaluate`: every table as records, and the words."""
    return {
        **found.scenario.about,
        "currency": found.currency,
        "best_million": found.best_million,
        "seconds": found.seconds,
        "words": {str(u): found.words(str(u)) for u in found.table["unit"]},
        **{name: _records(table) for name, table in found.tables().items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _lines(found: Verdicts, named: bool) -> list[str]:
    """What is shown: a line per unit; the words for those that were named."""
    from circflow.data.one_line import plain
    from circflow.report.numbers import columns, number

    def text(value: Any) -> str:
        return number(float(value)) if value is not None and value == value else "–"  # noqa: PLR0124

    lines = [plain(found.scenario.name), ""]
    if named:
        for unit in found.table["unit"]:
            head, *rest = found.words(str(unit))
            lines += [head, *(f"  {line}" for line in rest), ""]
        return lines[:-1]
    shown = found.table.sort_values("value_million", ascending=False, kind="stable")
    body = [
        [
            plain(str(r["unit"])),
            "build" if r["in_plan"] else "no",
            plain(str(r["period"] or "–")),
            text(r["value_million"]),
            text(r["capex_million"]),
            text(r.get("break_even_capex_million")),
            text(100 * r["load_share"]) if "load_share" in r else "–",
        ]
        for r in shown.to_dict("records")
    ]
    titles = ["unit", "plan", "period", "value", "capex", "break-even capex", "load %"]
    lines += [f"Value and capex in million {found.currency}", *columns(titles, body, left=3)]
    return lines


def _tell_sites(  # noqa: PLR0913, PLR0917
    table: pd.DataFrame,
    unit: str,
    scenario: Scenario,
    output: Path | None,
    json_out: Path | None,
    quiet: bool,
) -> None:
    currency = scenario.settings.currency
    from circflow.data.one_line import plain
    from circflow.report.numbers import columns, number
    from circflow.report.page.suggestions import sites_opening
    from circflow.report.study_tables import write_tables

    if output is not None:
        write_tables(
            {"sites": table, **scenario.changes_table},
            output,
            currency=currency,
            title=f"{scenario.name}: {unit} at every site",
            opening=sites_opening(table, unit, currency),
        )
        note(f"Written: {output}", quiet=quiet)
    if json_out is not None:
        write_json(json_out, {**scenario.about, "currency": currency, "sites": _records(table)})
    if quiet or str(json_out) == "-":
        return
    body: list[list[str]] = []
    for site in table.to_dict("records"):
        r: dict[str, Any] = {str(k): v for k, v in site.items()}
        value = r["value_million"]
        figure = number(value) if value == value else "–"  # noqa: PLR0124
        load = number(100 * r["load_share"]) if r["load_share"] == r["load_share"] else "–"
        body.append(
            [str(r["rank"]), plain(r["site"]), plain(r["member"] or "–"), figure, load, r["note"]]
        )
    head = ["rank", "site", "member", f"value (million {currency})", "load %", ""]
    click.echo("\n".join(columns(head, body, left=3, total=120)))
