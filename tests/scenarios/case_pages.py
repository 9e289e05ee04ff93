"""Rows of the pages of the regional cases, as the plan gives them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from firm_pages import decided, least_sure

import circflow as cf
from circflow.report.numbers import number
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.futures.infrastructure import things_of, without
from circflow.studies.units.candidates import Bench, Setting
from circflow.studies.units.risk import values_without


@cache
def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def typed(path: Path) -> pd.DataFrame:
    """A sheet of a folder as its author wrote it, all text, with its notes."""
    return _read(path).copy()


def worth(million: float) -> str:
    """Million as billion with one decimal."""
    return f"{million / 1000:,.1f}"


def headline(plan: cf.Solution, today: cf.Solution) -> list[str]:
    """Gain, capital and jobs."""
    built = plan.built
    return [
        f"| best plan less today, discounted | {worth(plan.objective - today.objective)} bn RUB |",
        f"| capital to commit | {worth(built['capex_million'].sum())} bn RUB |",
        f"| new jobs | {built['jobs'].sum():,.0f} |",
    ]


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
FROM_THE_FIRST_DAY = {
    "Units.construction_years[status=candidate]": 0,
    "Units.ramp_up[status=candidate]": "1",
}
"""No plant takes time to build or to reach its load."""
CONTRACTS_FREE = {
    "Scenario.transaction_cost_inside": 0,
    "Scenario.transaction_cost_outside": 0,
}
OFF = {"Units.status[status=candidate]": "off"}


def gain_under(scenario: cf.Scenario, edits: Mapping[str, Any]) -> float:
    """Million that the best plan gains beside existing plants, with the scenario changed."""
    there = scenario.change(edits)
    return decided(there)[0] - decided(there.change(OFF))[0]


def words_of_both(scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution) -> list[str]:
    """How many plants, how long they take, the gain if they took no time or if contracts were
    free, and how large the case is."""
    units = scenario.frame("Units")
    candidates = units[units["status"] == "candidate"]
    years = candidates["construction_years"]
    low, high = (NUMBERS[int(year)] for year in (years.min(), years.max()))
    gain = plan.objective - today.objective
    free = gain_under(scenario, CONTRACTS_FREE) - gain
    alone = Cluster(scenario).alone.objective
    return [
        f"{NUMBERS[len(plan.built)]}",
        f"take {low} to {high} years to build",
        f"they would gain {worth(gain_under(scenario, FROM_THE_FIRST_DAY))} bn",
        f"gain would be {worth(free)} bn higher",
        f"{len(scenario.frame('Members'))} members, {len(candidates)} candidates",
        f"the members are worth {worth(plan.objective)} bn, each alone {worth(alone)}: a gain of "
        f"{worth(plan.objective - alone)}",
    ]


def worth_without(scenario: cf.Scenario, packages: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """What the best plan without the candidates of a package is worth, million, by package."""
    bench, worths = Bench(scenario), {}
    for name, units in packages.items():
        assert set(units) <= set(bench.units)
        without = bench.solve(Setting(out=frozenset(units)))
        assert without is not None
        worths[name] = without.value
    return worths


def decision_rows(
    scenario: cf.Scenario,
    plan: cf.Solution,
    packages: Mapping[str, Sequence[str]],
    content: Mapping[str, Any] | None = None,
) -> list[str]:
    """Capital, jobs and worth of each package, and its firmness (`content`: what `circflow firm`
    gave), as they end the rows of the decisions."""
    built = plan.built.set_index("unit")
    lines, without = [], worth_without(scenario, packages)
    for name, units in packages.items():
        own = [unit for unit in units if unit in built.index]
        lost = plan.objective - without[name]
        capital, jobs = built.loc[own, "capex_million"].sum(), built.loc[own, "jobs"].sum()
        sure = f" {least_sure(content, own or units)} |" if content else ""
        lines.append(f"| {worth(capital)} | {jobs:,.0f} | {worth(lost)} |{sure}")
    return lines


def policy_rows(
    scenario: cf.Scenario, plan: cf.Solution, policies: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What each policy takes from the worth of the plan."""
    lines = []
    for name, edits in policies.items():
        cost = plan.objective - decided(scenario.change(edits))[0]
        lines.append(f"| {name} | {worth(cost + 0.0)} |")
    return lines


def budget_rows(scenario: cf.Scenario, plan: cf.Solution, digits: int = 0) -> list[str]:
    """What the plan brings more than today, million a year, by budget."""
    rows = cf.finance(scenario, plan=plan)
    rows = rows[rows["member"].isna() & rows["period"].isna()]
    return [
        f"| {budget} | {taxes['change'].sum():,.{digits}f} |"
        for budget, taxes in rows.groupby("budget", sort=False)
    ]


def plant_rows(plan: cf.Solution) -> list[str]:
    """What is built."""
    return [
        f"| {row.unit} | {row.period} | {row.capacity_per_year:,.0f} | {row.capex_million:,.0f}"
        f" | {row.jobs:,.0f} |"
        for row in plan.built.itertuples()
    ]


def stage_rows(plan: cf.Solution) -> list[str]:
    """Chains from a waste to a sale, by the stage where the waste arises."""
    chains = plan.chains
    chains = chains[(chains["category"] == "waste") & (chains["end"] == "sale")]
    lines = []
    for stage, rows in chains.groupby("stage"):
        uses = rows[["source_material", "end_material"]].drop_duplicates()
        cells = f"{rows['income_million'].sum():,.0f} | {rows['value_million'].sum():,.0f} |"
        lines.append(f"| {stage} | {uses['source_material'].nunique()} | {len(uses)} | {cells}")
    return lines


def unthought_rows(found: Any, count: int = 5) -> list[str]:
    """The best processes that nobody has thought of, from `cf.suggest(…, new_only=True)`: those
    that pay, then those whose product needs a market, the nearest to its usual price first."""
    currency = found.currency
    lines = [
        f"| {r['unit']} | takes {_names(r['takes'])} | gain {number(r['gain'])} million {currency},"
        f" capex {number(r['capex_million'])} | {r['hangs_on'] or 'the price of its products'} |"
        for r in found.table[found.table["pays"].astype(bool)].to_dict("records")
    ]
    for r in found.no_market.to_dict("records"):
        product, unit = r["product"], r["unit_of_measure"]
        technology = found.pricing.technologies[r["technology"]]
        ask = f"who would take {product}, how much, at which price"
        if technology["confidence"] in ("engineering", "assumption"):
            ask += "; the technology's figures, which are general engineering knowledge"
        if technology["readiness"] < 8:
            ask += f"; readiness {technology['readiness']:.0f} of 9"
        lines.append(
            f"| {r['technology']} at {r['site']} | {number(r['amount_per_year'])} {unit} of "
            f"{product} a year, which has no market in the workbook | pays from "
            f"{number(max(r['needed_price'], 0.0))} {currency} per {unit} at the works; usual price"
            f" {number(r['usual_price'])} | {ask} |"
        )
    return lines[:count]


def _names(flows: str) -> str:
    return "; ".join(flow.rsplit(" ", 2)[0].rstrip(" 0123456789.") for flow in flows.split("; "))


def outage_rows(
    scenario: cf.Scenario, cases: Sequence[tuple[str, str]], helped: Mapping[str, str]
) -> list[str]:
    """What each unit's outage loses in billion, and what of it a thing takes away (`helped`: kind
    and name of a piece of infrastructure, by unit)."""
    bench = Bench(scenario)
    lost = _outages(bench, cases)
    things = {t.words: t for t in things_of(scenario)}
    lines = []
    for n, (unit, period) in enumerate(cases):
        by = "nothing"
        if unit in helped:
            there = without(scenario, things[helped[unit]])
            softened = _outages(Bench(there), cases)[n] - lost[n]
            by = f"{helped[unit]}, by {worth(softened)}"
        lines.append(f"| {unit} | {period} | {worth(lost[n])} | {by} |")
    return lines


def _outages(bench: Bench, cases: Sequence[tuple[str, str]]) -> list[float]:
    best = bench.best()
    still = [("unit", unit, period, [unit]) for unit, period in cases]
    return [best.value - value for value in values_without((bench, best), still)]
