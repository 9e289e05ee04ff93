"""Tornado: every uncertain figure at its low and at its high, ranked by its effect.

Either every row of the sheet Ranges, or every figure of chosen sheets plus and minus a share. One
figure is changed at a time; all others stay as they are in the scenario.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.changes.change import scenario_numbers
from circflow.data.result import Result, figure
from circflow.data.scenario import Scenario
from circflow.data.schema.sheets import BY_NAME
from circflow.i18n import say, say_n
from circflow.solver.run import Progress
from circflow.studies.bench.arrays import Decisions
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import Design, Parameter, meant, parameter, point_of
from circflow.studies.sweeps.sampling import given_ranges, ranges_of
from circflow.studies.sweeps.sweep import Runs, Sweeper, _options

NOT_VARIED = ("Studies", "Ranges")


@dataclass(frozen=True, repr=False)
class Tornado(Result):
    """What each figure does to the plan's worth."""

    base: float
    """The objective of the scenario itself, million currency."""
    table: pd.DataFrame
    """parameter, change (factor, add, set), low, high, low_million, high_million (objectives; NaN
    without a plan), low_effect_million, high_effect_million (differences from the base),
    swing_million (largest minus smallest of the three), low_status, high_status, rank."""
    runs: Runs = field(repr=False)

    @property
    def headline(self) -> str:
        name, currency = self.runs.scenario.name, self.runs.scenario.settings.currency
        first = (
            say(", most: {iloc}", iloc=self.table["parameter"].iloc[0]) if len(self.table) else ""
        )
        return say(
            "{name}: {counted}{first}; base {base} million {currency}",
            name=name,
            counted=say_n("{n:,} figure", "{n:,} figures", len(self.table)),
            first=first,
            base=figure(self.base),
            currency=currency,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What stays behind where a figure is varied alone, and how the runs were made."""
        return self.runs.notes

    def write(self, path: str | Path) -> None:
        """Write the table as .csv, .parquet, .json or .xlsx."""
        from circflow.report.study_tables import write_runs

        write_runs({"tornado": self.table, "runs": self.runs.table}, path, self.runs.scenario)


@public
def tornado(  # noqa: PLR0913
    scenario: Scenario,
    *,
    ranges: Mapping[str, Sequence[Any]] | None = None,
    how: str | Mapping[str, str] = "factor",
    sheets: Sequence[str] = (),
    share: float = 0.2,
    decisions: Decisions = "free",
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    store: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Tornado:
    """Every uncertain figure at its low and high, ranked by its effect on the objective.

    Args:
        scenario: from `circflow.read`.
        ranges: {address: (low, high)} as `how` says, instead of the sheet Ranges.
        how: what `ranges` mean: `factor`, `add` or `set`.
        sheets: vary every figure of these sheets instead.
        share: by so much down and up, with `sheets`; 0.2 is 20 %.

    The other arguments as in `circflow.sweep`.

    Raises:
        StudyError: nothing to vary, or a study that cannot be run as asked.
    """
    if sheets and ranges is not None:
        raise StudyError("give ranges, or sheets whose figures vary, not both")
    if sheets:
        ends = _cells(scenario, sheets, share)
    else:
        rows = given_ranges(scenario, ranges, how) if ranges is not None else ranges_of(scenario)
        ends = [(r.parameter, r.low, r.high) for r in rows]
    parameters = tuple(p for p, _, _ in ends)
    points = [point_of(len(parameters), {})]
    for n, (_, low, high) in enumerate(ends):
        points += [point_of(len(parameters), {n: value}) for value in (low, high)]
    design = Design(parameters, tuple(points))
    options = _options(decisions, gap, time_limit, ())
    with Engine(jobs, executor, dask, progress) as engine:
        runs = Sweeper(scenario, design, options, engine, store, resume, None).run()
    return _ranked(ends, runs)


def _cells(
    scenario: Scenario, sheets: Sequence[str], share: float
) -> list[tuple[Parameter, float, float]]:
    """Every figure of the sheets that is not 0, times 1 − share and 1 + share."""
    known = [name for name in BY_NAME if name not in NOT_VARIED]
    for name in sheets:
        if name not in known:
            raise StudyError(
                "there is no sheet {name!r} to vary{meant}", name=name, meant=meant(name, known)
            )
    cells = scenario_numbers(scenario, sheets)
    cells = cells[cells["value"] != 0.0]
    figures = [parameter(scenario, address, "factor") for address in cells["address"]]
    ends = [(one, 1.0 - share, 1.0 + share) for one in figures if one.is_continuous]
    if not ends:
        raise StudyError("{sheets}: no figures to vary", sheets=", ".join(sheets))
    return ends


def _ranked(ends: Sequence[tuple[Parameter, float, float]], runs: Runs) -> Tornado:
    objective = runs.table["objective_million"].to_numpy(float)
    status = runs.table["status"].to_numpy(object)
    base = float(objective[0])
    low, high = objective[1::2], objective[2::2]
    three = np.array([low, high, np.full(len(low), base)])
    swing = np.nanmax(three, axis=0) - np.nanmin(three, axis=0)
    table = pd.DataFrame(
        {
            "parameter": [p.address for p, _, _ in ends],
            "change": [p.how for p, _, _ in ends],
            "unit": [p.unit if p.how != "factor" else "factor" for p, _, _ in ends],
            "low": [a for _, a, _ in ends],
            "high": [b for _, _, b in ends],
            "low_million": low,
            "high_million": high,
            "low_effect_million": low - base,
            "high_effect_million": high - base,
            "swing_million": swing,
            "low_status": status[1::2],
            "high_status": status[2::2],
        }
    )
    # A figure without which there is no plan matters most of all.
    table["without_plan"] = np.isnan(low) | np.isnan(high)
    table = table.sort_values(
        ["without_plan", "swing_million"], ascending=False, kind="stable", ignore_index=True
    ).drop(columns="without_plan")
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return Tornado(base, table, runs)
