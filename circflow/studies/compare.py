"""Scenarios side by side: what each plan earns, uses, emits and builds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.data.arguments import public
from circflow.data.result import Result, one_text_type
from circflow.data.scenario import Scenario
from circflow.data.schema.indicators import in_currency
from circflow.i18n import mark, say, say_n
from circflow.solution.solution import NoPlan, Solution
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine
from circflow.studies.composite import Composite, composite
from circflow.studies.errors import StudyError
from circflow.studies.indicators import indicators, plans

if TYPE_CHECKING:
    from circflow.report.page.frame import Section


_BESIDE = ["figure", "item", "unit"]
"""Columns that stand beside those of the scenarios."""


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Scenarios side by side.

    `table`: figure, item, unit, then a column per scenario; NaN where a figure does not exist.
    `differences`: the same, less the first scenario. `built`: unit, then what each scenario
    builds (capacity per year). `reasons`: why a scenario has no plan, by its label.
    """

    labels: tuple[str, ...]
    currency: str
    table: pd.DataFrame
    built: pd.DataFrame
    reasons: dict[str, str]
    solutions: dict[str, Solution] = field(repr=False)
    composite: Composite | None = None
    """The index of the scenarios, where the sheet Indicators gives weights."""

    @property
    def headline(self) -> str:
        without = say(", {count} without a plan", count=len(self.reasons)) if self.reasons else ""
        figures = say_n("{n:,} figure", "{n:,} figures", len(self.table))
        return f"{', '.join(self.labels)}: {figures}{without}"

    @property
    def differences(self) -> pd.DataFrame:
        """Every figure less that of the first scenario."""
        less = self.table[list(self.labels)].sub(self.table[self.labels[0]], axis=0)
        return pd.concat([self.table[_BESIDE], less], axis=1)

    def value(self, figure: str, item: str | None = None) -> dict[str, float]:
        """A figure of every scenario. Raises StudyError for one that there is not."""
        of_item = self.table["item"].isna() if item is None else self.table["item"] == item
        rows = self.table[(self.table["figure"] == figure) & of_item]
        if rows.empty:
            raise StudyError(
                say("no figure {figure!r}", figure=figure)
                + (say(" of {item!r}", item=item) if item else "")
            )
        return {label: float(rows.iloc[0][label]) for label in self.labels}

    def opening(self) -> list[Section]:
        """What its page says first."""
        from circflow.report.page.comparison import comparison_opening

        return comparison_opening(self.tables(), self.labels, self.currency)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        reasons = pd.DataFrame(
            list(self.reasons.items()), columns=["scenario", "reason"], dtype=object
        )
        tables = {
            "figures": self.table,
            "differences": self.differences,
            "built": self.built,
            "without_a_plan": reasons,
        }
        changes = [(n, c) for n, s in self.solutions.items() for c in s.scenario.changes]
        if changes:
            tables["changes"] = pd.DataFrame(changes, columns=["scenario", "change"])
        if self.composite is not None:
            tables["index"] = self.composite.scores
            tables["index_weights"] = self.composite.weights
            tables["index_ranking"] = self.composite.ranking
            if self.composite.left_out:
                tables["index_left_out"] = pd.DataFrame({"indicator": self.composite.left_out})
        return one_text_type(tables)


@public
def compare(
    *scenarios: Scenario,
    labels: Iterable[str] | None = None,
    gap: float = 1e-6,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Solve scenarios and put their plans side by side.

    Args:
        scenarios: one or more.
        labels: names of the columns; the scenarios' own unless said, numbered where two are alike.

    The other arguments as in `circflow.sweep`.

    Raises:
        StudyError: no scenario, or not one label for each.
        NoPlan: none of the scenarios has a plan.
    """
    names = list(labels) if labels is not None else [s.name for s in scenarios]
    if not scenarios:
        raise StudyError("nothing to compare: give at least one scenario")
    if len(names) != len(scenarios):
        raise StudyError(
            "{count} labels for {count_2} scenarios", count=len(names), count_2=len(scenarios)
        )
    names = distinct([*_BESIDE, *names])[len(_BESIDE) :]
    with Engine(jobs, dask=dask, tell=progress) as engine:
        answers = plans(engine, scenarios, mark("scenarios"), gap=gap)
    by_name = dict(zip(names, answers, strict=True))
    solutions = {name: one for name, one in by_name.items() if isinstance(one, Solution)}
    failures = {name: one for name, one in by_name.items() if isinstance(one, NoPlan)}
    if not solutions:
        raise next(iter(failures.values()))
    figures = {name: figures_of(solution) for name, solution in solutions.items()}
    table = _side_by_side(names, figures)
    currencies = list(dict.fromkeys(s.settings.currency for s in scenarios))
    return Comparison(
        labels=tuple(names),
        currency=" / ".join(currencies),
        table=table,
        built=_built(names, solutions),
        reasons={name: none.reason for name, none in failures.items()},
        solutions=solutions,
        composite=_composite(table, solutions),
    )


def distinct(names: Iterable[str]) -> list[str]:
    """Names with a number behind those that occur again."""
    labels: list[str] = []
    for name in names:
        label, count = name, 1
        while label in labels:
            count += 1
            label = f"{name} ({count})"
        labels.append(label)
    return labels


def file_labels(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Short labels of scenario files: their names without the folder and ending."""
    stems = []
    for path in paths:
        text = os.fspath(path).rstrip("/\\")
        stem = os.path.basename(text)  # noqa: PTH119
        stems.append(stem.removesuffix(".xlsx") or text)
    return distinct(stems)


def _composite(table: pd.DataFrame, solutions: Mapping[str, Solution]) -> Composite | None:
    """The index of the scenarios with a plan, by the first weights given for an indicator."""
    given = pd.concat([s.scenario.frame("Indicators") for s in solutions.values()])
    given = given[given["member"].isna() & given["period"].isna() & (given["weight"] > 0.0)]
    given = given.drop_duplicates("indicator").set_index("indicator")
    if given.empty or len(solutions) < 2:
        return None
    rows = table[table["figure"] == "indicator"].drop_duplicates("item").set_index("item")
    figures = rows.reindex(given.index)[list(solutions)].astype(float)
    return composite(figures, given["weight"], given["better"])


Figure = tuple[str, str | None, str]
"""What a figure is called, of what, in which unit."""


def figures_of(solution: Solution) -> dict[Figure, float]:
    """The figures of a plan that are compared, in order."""
    totals = solution.totals
    money = f"million {solution.scenario.settings.currency}"
    figures: dict[Figure, float] = {
        ("objective", None, money): solution.objective,
        ("net_benefit", None, money): totals["net_benefit"],
    }
    for group in money_groups():
        figure = (group.name, None, money) if group.received else ("cost", group.name, money)
        figures[figure] = group.of(totals)
    for kind in ("waste_arising", "waste_converted", "waste_disposed", "waste_reclaimed"):
        figures |= {(kind, unit, unit): value for unit, value in totals[kind].items()}
    share = totals["use_share"]
    figures["use_share", None, "share"] = np.nan if share is None else share
    figures |= {("emissions", name, "t"): value for name, value in totals["emissions"].items()}
    figures["jobs", None, "jobs in the last period"] = totals["jobs"]
    figures["chains", None, "chains"] = totals["chains"]
    figures["units_built", None, "units"] = float(len(solution.built))
    figures |= exchange_figures(solution)
    figures |= indicator_figures(solution)
    return figures


def indicator_figures(solution: Solution) -> dict[Figure, float]:
    """The cluster's indicators over the horizon, computed and given."""
    table = indicators(solution.scenario, plan=solution, with_baseline=False)
    rows = table[table["member"].isna() & table["period"].isna()]
    currency = solution.scenario.settings.currency
    return {
        ("indicator", str(name), in_currency(str(unit), currency)): float(value)
        for name, unit, value in zip(rows["indicator"], rows["unit"], rows["value"], strict=True)
    }


def exchange_figures(solution: Solution) -> dict[Figure, float]:
    """Exchanges among members (through hubs too) and with others, their distances and costs."""
    scenario, flows = solution.scenario, solution.flows
    money = f"million {scenario.settings.currency}"
    sender, receiver, inside = scenario.ends(flows)
    sends, receives = sender >= 0, receiver >= 0
    years = flows["period"].map({p.name: float(p.years) for p in scenario.periods}).astype(float)
    sites = scenario.frame("Sites")
    hubs = set(sites["site"][sites["hub"].astype(bool) & sites["member"].isna()])
    hub = (sends & flows["to"].isin(hubs)) | (receives & flows["from"].isin(hubs))
    outside = (sends != receives) & ~hub
    tonnes = (flows["sent_per_year"].astype(float) * years).where(
        flows["unit_of_measure"] == "t", 0.0
    )
    distance = flows["distance_km"].astype(float).fillna(0.0)
    figures: dict[Figure, float] = {}
    for name, where in (("between_members", inside), ("through_hubs", hub), ("outside", outside)):
        links = flows[["from", "to", "material"]][where].drop_duplicates()
        moved = float(tonnes[where].sum())
        work = float((tonnes * distance)[where].sum())
        costs = flows["transport_million_per_year"][where].astype(float) * years[where]
        deals = flows["transactions_million_per_year"][where].astype(float) * years[where]
        figures["exchanges", name, "links in use"] = float(len(links))
        figures["exchanged", name, "t"] = moved
        figures["mean_distance", name, "km"] = work / moved if moved > 0.0 else np.nan
        figures["transport_work", name, "t·km"] = work
        figures["transport_cost", name, money] = float(costs.sum())
        figures["transaction_cost", name, money] = float(deals.sum())
    pairs = {frozenset(p) for p in zip(sender[inside], receiver[inside], strict=True)}
    figures["partnerships", None, "pairs of members"] = float(len(pairs))
    return figures


def _side_by_side(names: list[str], figures: dict[str, dict[Figure, float]]) -> pd.DataFrame:
    keys = list(dict.fromkeys(key for figure in figures.values() for key in figure))
    first = {name: n for n, (name, *_) in reversed(list(enumerate(keys)))}
    keys.sort(key=lambda key: first[key[0]])
    table = pd.DataFrame(keys, columns=_BESIDE, dtype=object)
    for name in names:
        values: Mapping[Figure, float] = figures.get(name, {})
        table[name] = [values.get(key, np.nan) for key in keys]
    return table


def _built(names: list[str], solutions: dict[str, Solution]) -> pd.DataFrame:
    units = list(dict.fromkeys(u for s in solutions.values() for u in s.built["unit"]))
    sizes = {
        name: solution.built.groupby("unit")["capacity_per_year"].sum()
        for name, solution in solutions.items()
    }
    table = pd.DataFrame(sizes, index=units, columns=names).fillna(0.0).astype(float)
    return table.rename_axis("unit").reset_index()
