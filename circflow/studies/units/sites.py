"""A unit that does not stand in the workbook: added to a copy of the scenario, and its best site.

A site is tried by adding the unit at every one of them, at most one to be built, in one model;
then each is forced in turn, with all others out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.files.append import Row, with_rows
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario
from circflow.data.schema.sheets import BY_NAME
from circflow.i18n import mark, say
from circflow.solver.run import solve
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import meant
from circflow.studies.units.candidates import Bench, Setting
from circflow.studies.units.effects import mean_load

ANY_SITE = "?"
Unit = Row
"""Columns of the sheet Units and their values; `site` may be `?`."""


def parse_unit(text: str) -> dict[str, str]:
    """A unit written as `unit=…, site=…, technology=…, capacity_per_year=…, capex_million=…`.

    A comma separates where a word and = follow it. Raises `StudyError` where it cannot be read.
    """
    columns: dict[str, str] = {}
    for part in re.split(r",\s*(?=\w+\s*=)", text.strip()):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise StudyError(
                "{strip!r} is not column=value (of a unit to be added)", strip=part.strip()
            )
        if name.strip() in columns:
            raise StudyError("{strip} is given twice for the unit to be added", strip=name.strip())
        columns[name.strip()] = value.strip()
    return columns


def add_units(scenario: Scenario, units: Sequence[Unit]) -> Scenario:
    """A copy of a scenario with more units, candidates unless their `status` says otherwise.

    Raises `StudyError` where a column does not exist or one that must be filled is missing,
    `ScenarioError` where the scenario that results cannot be used.
    """
    schema = BY_NAME["Units"]
    for unit in units:
        for name in unit:
            if name not in schema:
                better = meant(name, schema.names)
                raise StudyError("Units has no column {name!r}{better}", name=name, better=better)
        needed = [c.name for c in schema.columns if c.required]
        missing = [name for name in needed if unit.get(name) in (None, "")]
        if missing:
            raise StudyError("a unit to be added needs {missing}", missing=", ".join(missing))
    rows = [{"status": "candidate", **unit} for unit in units]
    return scenario_of(with_rows(scenario.book, {"Units": rows}))


@public
def best_sites(  # noqa: PLR0913
    scenario: Scenario,
    unit: Unit,
    sites: Sequence[str] | None = None,
    *,
    gap: float = 1e-6,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """A new unit tried at every site (or those given), ranked by what the plan gains with it.

    rank, site, member, value_million, objective_million, period, capacity_per_year, capex_million,
    load_share, within_budget, note; a site where there is no plan with it comes last, with the
    reason in the note.

    Args:
        scenario: from `circflow.read`.
        unit: columns of the sheet Units and what stands in them.
        sites: names of the sheet Sites; all of them unless said.
        gap: relative gap at which each search over yes/no decisions ends.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        progress: is told what goes on.

    Raises:
        StudyError: an unknown site, or a unit that lacks a figure.
        ScenarioError: the unit cannot stand in the scenario.
        NoPlan: the scenario has no plan.
    """
    tell = progress or (lambda _: None)
    known = scenario.frame("Sites")["site"].tolist()
    for site in sites or ():
        if site not in known:
            raise StudyError(say("there is no site {site!r}", site=site) + meant(site, known))
    tried = list(dict.fromkeys(sites)) if sites is not None else known
    if not tried:
        raise StudyError("no site to try")
    name = str(unit.get("unit") or "")
    status = unit.get("status", "candidate")
    if status != "candidate":
        raise StudyError("the best site is asked for a candidate, not for an existing unit")
    names = {site: f"{name} @ {site}" for site in tried}
    group = say("site of {name}", name=name)
    copies = [{**unit, "unit": names[s], "site": s, "choice": group} for s in tried]
    tell(say("building the model with the unit at every site"))
    bench = Bench(add_units(scenario, copies), gap=gap)
    every = frozenset(names.values())
    base = bench.solve(Setting(out=every))
    if base is None:
        solve(scenario)  # tells why
        raise StudyError("there is no plan without the unit")
    search = (bench, base.value, names, every)
    with Engine(jobs, dask=dask, tell=progress) as engine:
        records = engine.spread(_tried, search, tried, mark("sites"))
    table = pd.DataFrame(records).sort_values(
        "value_million", ascending=False, kind="stable", ignore_index=True
    )
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def _tried(
    search: tuple[Bench, float, dict[str, str], frozenset[str]], site: str
) -> dict[str, object]:
    bench, base, names, every = search
    unit = names[site]
    plan, within = None, True
    if unit in bench.once:
        _, plan, within = bench.building(unit, every - {unit})
    record: dict[str, object] = {
        "site": site,
        "member": bench.scenario.member_of.get(site),
        "value_million": np.nan,
        "objective_million": np.nan,
        "period": None,
        "capacity_per_year": np.nan,
        "capex_million": np.nan,
        "load_share": np.nan,
        "within_budget": within,
        "note": "",
    }
    if plan is None:
        return record | {"note": say("no plan with it here")}
    built = bench.standing(plan, [unit]).iloc[0]
    record |= {name: built[name] for name in ("period", "capacity_per_year", "capex_million")}
    units = bench.solution(plan).tables.units
    load = mean_load(units[units["unit"] == unit])
    record |= {"value_million": plan.value - base, "objective_million": plan.value}
    return record | {"load_share": load, "note": say("stands idle") if load == 0.0 else ""}
