"""evaluate: should this plant be built, alone and together with others, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import circflow as cf
from circflow.commands.common import Call, Refusal
from circflow.commands.options import (
    STUDY,
    integer_option,
    scenario_command,
    seed,
    time_limit,
)
from circflow.data.one_line import plain
from circflow.i18n import say

if TYPE_CHECKING:
    import pandas as pd


@scenario_command()
@click.argument("units", nargs=-1, metavar="[UNIT …]")
@click.option(
    "--add",
    "added",
    metavar="'unit=…, site=…, technology=…, capacity_per_year=…, capex_million=…'",
    multiple=True,
    help="Judge a unit that is not in the file: columns of the sheet Units. With site=? every"
    " site is tried and ranked. May be given several times.",
)
@integer_option(
    "--samples",
    least=0,
    default=0,
    help="Futures sampled from the sheet Ranges: how often the decision was right.",
)
@seed("The same seed samples the same futures.")
@click.option("--no-break-evens", is_flag=True, help="Leave out break-even capex, prices, fees.")
@click.option("--no-together", is_flag=True, help="Leave out pairs and the order of entry.")
@click.option("--no-risks", is_flag=True, help="Leave out what happens if a unit drops out.")
@time_limit()
@STUDY
def evaluate(  # noqa: PLR0913
    call: Call,
    *,
    units: Sequence[str],
    outputs: Sequence[Path],
    added: Sequence[str],
    no_break_evens: bool,
    no_together: bool,
    no_risks: bool,
    **options: Any,
) -> None:
    """Judge candidate units (all, or those named), existing units or members.

    What the cluster gains with each, at which capex, prices and gate fees it breaks even, who
    gains and who loses, what it displaces, in which order to build.
    """
    scenario = call.scenario(outputs)
    from circflow.studies.units.sites import ANY_SITE, parse_unit

    new = [parse_unit(text) for text in added]
    anywhere = [u for u in new if u.get("site") == ANY_SITE]
    if anywhere:
        if len(new) > 1 or units:
            raise Refusal(say("--add with site=? is asked alone: one unit, and no UNIT named"))
        sites = cf.best_sites(
            scenario, anywhere[0], progress=call.progress,
            **{name: options[name] for name in ("gap", "jobs", "dask")},
        )  # fmt: skip
        unit = str(anywhere[0].get("unit", "the unit"))
        _tell_sites(call, sites, unit, scenario, outputs)
        return
    verdicts = cf.evaluate(
        scenario,
        units or ([] if new else None),
        add=new,
        together=not no_together,
        break_evens=not no_break_evens,
        risks=not no_risks,
        progress=call.progress,
        **options,
    )
    call.finish(
        lambda: _lines(verdicts, bool(units or new)),
        lambda: as_content(verdicts),
        outputs,
        write=verdicts.write,
    )


def as_content(verdicts: cf.Verdicts) -> dict[str, Any]:
    """The JSON of `circflow evaluate`: every table as records, and the words."""
    return {
        **verdicts.scenario.about,
        "currency": verdicts.currency,
        "best_million": verdicts.best_million,
        "seconds": verdicts.seconds,
        "words": {str(u): verdicts.words(str(u)) for u in verdicts.table["unit"]},
        **verdicts.tables(),
    }


def _lines(verdicts: cf.Verdicts, named: bool) -> list[str]:
    """What is shown: a line per unit; the words for those that were named."""
    from circflow.report.numbers import table_lines
    from circflow.report.vocabulary import heading

    lines = [plain(verdicts.scenario.name), ""]
    if named:
        for unit in verdicts.table["unit"]:
            head, *rest = verdicts.words(str(unit))
            lines += [head, *(f"  {line}" for line in rest), ""]
        return lines[:-1]
    shown = verdicts.table.rename(columns={"unit": "name"})  # as `unit` it may be a measure
    shown = shown.sort_values("value_million", ascending=False, kind="stable")
    names = {"name": "unit", "in_plan": "plan", "period": "period"}
    names |= {"value_million": "value", "capex_million": "capex"}
    titles = {name: heading(words) for name, words in names.items()}
    titles |= {"break_even_capex_million": say("break-even capex"), "load_share": say("load %")}
    shown = shown.reindex(columns=list(titles))
    shown["in_plan"] = [say("build") if built else say("no") for built in shown["in_plan"]]
    shown["load_share"] *= 100.0
    title = say("Value and capex in million {currency}", currency=verdicts.currency)
    return [*lines, title, *table_lines(shown.fillna({"period": "–"}), titles, left=3)]


def _tell_sites(
    call: Call, table: pd.DataFrame, unit: str, scenario: cf.Scenario, outputs: Sequence[Path]
) -> None:
    from circflow.report.page.suggestions import sites_opening
    from circflow.report.study_tables import write_tables

    currency = scenario.settings.currency
    call.finish(
        lambda: _site_lines(table, currency),
        lambda: {**scenario.about, "currency": currency, "sites": table},
        outputs,
        write=lambda path: write_tables(
            {"sites": table, **scenario.changes_table},
            path,
            currency=currency,
            title=say("{name}: {unit} at every site", name=scenario.name, unit=unit),
            opening=sites_opening(table, unit, currency),
        ),
    )


def _site_lines(table: pd.DataFrame, currency: str) -> list[str]:
    from circflow.report.numbers import table_lines

    titles = {
        "rank": say("rank"),
        "site": say("site"),
        "member": say("member"),
        "value_million": say("value (million {currency})", currency=currency),
        "load_share": say("load %"),
        "note": "",
    }
    shown = table.assign(load_share=100.0 * table["load_share"]).fillna({"member": "–"})
    return table_lines(shown, titles, left=3, total=120)
