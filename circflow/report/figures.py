"""The figures that every report shows, as small tables: made once, from a solution's tables.

Amounts and money are over the horizon (undiscounted, million currency) unless a column says
`_per_year`; a yearly figure over several periods is the mean over the years of the horizon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from circflow.algebra.build import figure_of, money_groups
from circflow.algebra.market import INCOME
from circflow.data.one_line import plain
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import mark, say
from circflow.report.numbers import number
from circflow.report.vocabulary import cell
from circflow.solution.solution import Solution

NO_STAGE = mark("(no stage)")


@dataclass(frozen=True)
class Baseline:
    """A plan to compare with: its totals (of `Solution.totals`, the value chains apart), or the
    reason why there are none."""

    words: str
    totals: Mapping[str, Any] | None
    reason: str = ""
    today: bool = True
    """Whether it is how things stand without the plan."""


def gains(solution: Solution, baselines: Sequence[Baseline]) -> dict[str, float]:
    """The plan's net benefit less that of each baseline of today, million currency over the
    horizon, by its words."""
    net = float(solution.totals["net_benefit"])
    return {
        say(b.words): net - float(b.totals["net_benefit"])
        for b in baselines
        if b.today and b.totals is not None
    }


def against_today(solution: Solution, baselines: Sequence[Baseline]) -> str:
    """The gains in words; nothing where there are none."""
    currency, years = plain(solution.scenario.settings.currency), horizon(solution.scenario)
    unit = mark("million {currency} per year") if years > 1 else mark("million {currency}")
    money = say(unit, currency=currency)
    yearly = {words: gain / years for words, gain in gains(solution, baselines).items()}
    parts = [
        say("{gain} against {words}", gain=("+" if gain >= 0 else "") + number(gain), words=words)
        for words, gain in yearly.items()
    ]
    return f"{'; '.join(parts)} ({money})" if parts else ""


def years_of(scenario: Scenario) -> dict[str, int]:
    """The years of every period, by its name."""
    return {p.name: p.years for p in scenario.periods}


def horizon(scenario: Scenario) -> int:
    """Years of all periods together."""
    return sum(p.years for p in scenario.periods)


def money_lines(solution: Solution) -> pd.DataFrame:
    """Income, costs, synergy and what remains: group, label, million, million_per_year.

    Money is positive when received. Groups without money are left out.
    """
    totals = solution.totals
    lines = [(g.name, say(g.words), g.sign * g.of(totals)) for g in money_groups()]
    lines.append(("net_benefit", say("net benefit"), totals["net_benefit"]))
    kept = [line for line in lines if line[2] or line[0] in (INCOME.name, "net_benefit")]
    frame = pd.DataFrame(kept, columns=["group", "label", "million"])
    frame["million"] += 0.0  # no negative zeros
    frame["million_per_year"] = frame["million"] / horizon(solution.scenario)
    return frame


def _over_years(
    frame: pd.DataFrame, years: Mapping[str, int], column: str = "amount_per_year"
) -> pd.Series[Any]:
    return frame[column].astype(float) * frame["period"].map(years).astype(float)


def waste_by_period(solution: Solution) -> pd.DataFrame:
    """What becomes of each waste, per year in its own unit: material, period, arising, taken,
    reclaimed, made (by units), converted (gross: taken in by units), sold, disposed, added."""
    tables, scenario = solution.tables, solution.scenario
    supply, amounts = tables.supply, tables.conversions
    parts = (
        ("arising", scenario.in_force("Streams"), "amount_per_year"),
        ("taken", supply[supply["kind"] == "stream"], "amount_per_year"),
        ("reclaimed", tables.stockpiles, "reclaimed_per_year"),
        ("made", amounts[amounts["role"] == "output"], "amount_per_year"),
        ("converted", amounts[amounts["role"] == "input"], "amount_per_year"),
        ("sold", tables.sales, "amount_per_year"),
        ("disposed", tables.disposal, "amount_per_year"),
        ("added", tables.stockpiles, "added_per_year"),
    )
    rows = [
        table[["material", "period"]].assign(what=what, amount=table[column].astype(float))
        for what, table, column in parts
    ]
    frame = pd.concat(rows, ignore_index=True)
    frame = frame[frame["material"].isin(scenario.wastes)]
    keys, columns = ["material", "period"], [what for what, *_ in parts]
    wide = frame.pivot_table(index=keys, columns="what", values="amount", aggfunc="sum")
    return wide.reindex(columns=columns).fillna(0.0).reset_index()


def waste_by_material(solution: Solution) -> pd.DataFrame:
    """As `waste_by_period`, over the horizon, with the stage and unit_of_measure of each waste."""
    frame = waste_by_period(solution).set_index("material")
    years = frame.pop("period").map(years_of(solution.scenario)).astype(float)
    materials = solution.scenario.frame("Materials")
    wastes = materials[materials["category"] == "waste"].set_index("material")
    sums = frame.mul(years, axis=0).groupby(level=0).sum()
    frame = sums.reindex(wastes.index, fill_value=0.0)
    frame.insert(0, "stage", wastes["stage"].fillna(NO_STAGE))
    frame.insert(1, "unit_of_measure", wastes["unit"])
    return frame.rename_axis("material").reset_index()


def waste_by_stage(solution: Solution) -> pd.DataFrame:
    """As `waste_by_material`, per stage and unit, largest first, with use_share.

    use_share = 1 − (disposed + added) / (taken + reclaimed + made), NaN where there is nothing.
    Waste that units make counts as the stage's own, so the share stays between 0 and 1; the
    plan's overall use_share (`Solution.totals`) is of what arises and is reclaimed only.
    """
    frame = waste_by_material(solution)
    keys = ["stage", "unit_of_measure"]
    frame = frame.drop(columns="material").groupby(keys, sort=False, as_index=False).sum()
    handled = frame["taken"] + frame["reclaimed"] + frame["made"]
    left = frame["disposed"] + frame["added"]
    frame["use_share"] = 1 - left / handled.where(handled > 0)
    frame = frame[(frame["arising"] > 0) | (handled > 0)]
    return frame.sort_values(
        ["unit_of_measure", "arising"], ascending=[True, False], ignore_index=True
    )


def flow_totals(solution: Solution) -> pd.DataFrame:
    """Flows over the horizon: from, to, material, unit_of_measure, amount, amount_per_year,
    distance_km (mean by amount), moving_million (transport and transactions), worth_million.

    `worth` is the amount received times the shadow price of the material where it arrives; NaN
    where the solution has no such price.
    """
    flows = solution.flows
    years = years_of(solution.scenario)
    prices = solution.prices
    here = prices[["site", "material", "period", "value"]][prices["kind"] == "material"]
    here = here.drop_duplicates(["site", "material", "period"])
    here = here.rename(columns={"site": "to", "value": "worth"})
    merged = flows.merge(here, on=["to", "material", "period"], how="left")
    duration = merged["period"].map(years).astype(float)
    merged["amount"] = merged["sent_per_year"] * duration
    merged["haul"] = merged["amount"] * merged["distance_km"].astype(float)
    paid = merged["transport_million_per_year"] + merged["transactions_million_per_year"]
    merged["moving_million"] = paid * duration
    merged["worth_million"] = merged["worth"] * merged["received_per_year"] * duration / MILLION
    keys = ["from", "to", "material", "unit_of_measure"]
    grouped = merged.groupby(keys, sort=False, dropna=False)
    frame = grouped[["amount", "haul", "moving_million"]].sum()
    frame["worth_million"] = grouped["worth_million"].sum(min_count=1)
    frame["distance_km"] = frame["haul"] / frame["amount"].where(frame["amount"] > 0)
    frame["amount_per_year"] = frame["amount"] / horizon(solution.scenario)
    ordered = ["amount", "amount_per_year", "distance_km", "moving_million", "worth_million"]
    return frame[ordered].reset_index().sort_values("amount", ascending=False, ignore_index=True)


def products_sold(solution: Solution) -> pd.DataFrame:
    """Sales over the horizon: material, unit_of_measure, amount, amount_per_year, price (mean,
    currency per unit), income_million, premium_million; largest income first."""
    sales, years = solution.sales, years_of(solution.scenario)
    frame = sales[["material", "unit_of_measure"]].copy()
    frame["amount"] = _over_years(sales, years)
    frame["income_million"] = _over_years(sales, years, "income_million_per_year")
    frame["premium_million"] = _over_years(sales, years, "premium_million_per_year")
    frame = frame.groupby(["material", "unit_of_measure"], sort=False, as_index=False).sum()
    frame["amount_per_year"] = frame["amount"] / horizon(solution.scenario)
    frame["price"] = frame["income_million"] * MILLION / frame["amount"].where(frame["amount"] > 0)
    return frame.sort_values("income_million", ascending=False, ignore_index=True)


def best_chains(solution: Solution) -> pd.DataFrame:
    """Value chains from a waste that end in a sale, most valuable first (see `Solution.chains`).

    `joint_million`: the value of what else is made of the same waste in the same runs, whatever
    becomes of it; NaN where nothing else is. Costs up to there are split between joint products in
    proportion to what goes into each, so a chain is judged together with it.
    """
    chains = solution.chains
    chains = chains.assign(joint_million=_joint(solution, chains))
    kept = chains["source_material"].isin(solution.scenario.wastes) & (chains["end"] == "sale")
    return chains[kept].sort_values("value_million", ascending=False, ignore_index=True)


def _joint(solution: Solution, chains: pd.DataFrame) -> pd.Series[float]:
    """The value of the other chains that share a chain's way up to its first unit that makes
    several things."""
    recipes, units = solution.scenario.frame("Recipes"), solution.scenario.frame("Units")
    outputs = recipes[recipes["role"] == "output"].groupby("technology")["material"].nunique()
    several = units["unit"][units["technology"].map(outputs).fillna(0) > 1]
    joint = sorted(map(str, several), key=len, reverse=True)
    way = pd.Series([_way_to(str(steps), joint) for steps in chains["steps"]], index=chains.index)
    known = chains[way.notna()]
    families = known.groupby(way[way.notna()])["value_million"]
    others = families.transform("sum") - known["value_million"]
    return others.where(families.transform("size") > 1).reindex(chains.index)


def _way_to(steps: str, units: list[str]) -> str | None:
    """The steps of a chain up to the first that is one of the units (with its recipe)."""
    parts = steps.split(" > ")
    for n, step in enumerate(parts):
        if any(step == unit or step.startswith(f"{unit} (") for unit in units):
            return " > ".join(parts[: n + 1])
    return None


def unit_loads(solution: Solution) -> pd.DataFrame:
    """Units in service: unit, site, status, load_share (mean over the years in service),
    capacity_per_year (last period in service); fullest first."""
    units, years = solution.tables.units, years_of(solution.scenario)
    units = units[units["in_service"] > 0]
    duration = units["period"].map(years).astype(float)
    frame = units[["unit", "site", "status"]].copy()
    frame["years"] = duration
    frame["loaded"] = units["load_share"].astype(float).fillna(0.0) * duration
    frame["capacity_per_year"] = units["capacity_per_year"]
    frame = frame.groupby("unit", sort=False, as_index=False).agg(
        {"site": "first", "status": "first", "years": "sum", "loaded": "sum"}
        | {"capacity_per_year": "last"}
    )
    frame["load_share"] = frame["loaded"] / frame["years"]
    ordered = ["unit", "site", "status", "load_share", "capacity_per_year"]
    return frame[ordered].sort_values("load_share", ascending=False, ignore_index=True)


def emission_use(solution: Solution) -> pd.DataFrame:
    """Emission limits, each in the period in which it is tightest; fullest first.

    Columns: pollutant, scope, key, period, emitted_per_year, limit_per_year, used (share of the
    limit), excess_per_year. Rows without a limit (only a price) have a NaN limit and stand last.
    """
    limits = solution.tables.emission_limits.copy()
    bound = pd.to_numeric(limits["limit_per_year"]).replace(np.inf, np.nan)
    limits["limit_per_year"] = bound
    limits["used"] = limits["emitted_per_year"] / bound.where(bound > 0)
    limits["_size"] = limits["used"].fillna(-1.0)
    limits = limits.sort_values(
        ["_size", "emitted_per_year"], ascending=False, kind="stable", ignore_index=True
    )
    limits = limits.drop_duplicates(["pollutant", "scope", "key"], ignore_index=True)
    ordered = ["pollutant", "scope", "key", "period", "emitted_per_year", "limit_per_year"]
    return limits[[*ordered, "used", "excess_per_year"]]


def limit_label(row: Mapping[Any, Any]) -> str:
    """What binds, in a planner's words: kind, limit, column, site, to, material, unit, name of its
    row."""
    cells = {c: _word(row.get(c)) for c in ("unit", "site", "to", "material", "name")}
    figure, limit = figure_of(str(row["kind"]), str(row["column"])), _word(row["limit"])
    if figure is not None and figure.binds:
        words = say(figure.binds, **cells, word=cell("limit", limit))
        return " ".join(words.split()).rstrip(", ")
    return f"{say(str(row['kind']))}: {', '.join(filter(None, cells.values())) or limit}"


def _word(value: object) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124


def binding_limits(solution: Solution, change: float = 0.01) -> pd.DataFrame:
    """Limits that bind and what relaxing each by a share (1 %) is worth; most worth first.

    Columns: label, kind, direction (`more`, or `less` where a smaller figure is better), periods
    (in how many it binds), value (currency per unit of what is limited, mean over those periods,
    positive), unit_of_measure, limit (the figure, mean), gain_million (what the objective gains,
    discounted as it is, if the figure is changed by the share in every period in which it binds;
    valid for small changes), sheet, row, column (the first of its cells). Prices of materials are
    not limits and are left out.
    """
    prices = solution.prices
    prices = prices[prices["binds"].astype(bool) & (prices["kind"] != "material")]
    value = prices["value"].astype(float)
    weights = {p.name: p.weight for p in solution.scenario.periods}
    figure = limit_figures(solution, prices)
    weight = prices["period"].map(weights).astype(float).fillna(1.0)
    prices = prices.assign(
        direction=np.where(value < 0, "less", "more"),
        figure=figure,
        value=value.abs(),
        gain_million=value.abs() * figure.abs() * change * weight / MILLION,
    )
    prices["name"] = _names_of_rows(solution.scenario, prices)
    keys = ["kind", "site", "to", "material", "unit", "name", "limit", "unit_of_measure"]
    frame = prices.groupby([*keys, "direction"], sort=False, dropna=False, as_index=False).agg(
        periods=("period", "nunique"),
        value=("value", "mean"),
        figure=("figure", "mean"),
        gain_million=("gain_million", "sum"),
        **{name: (name, "first") for name in _CELL},
    )
    frame = frame[frame["gain_million"] > 0]
    frame = frame.sort_values("gain_million", ascending=False, ignore_index=True)
    frame["label"] = [limit_label(row) for row in frame.to_dict("records")]
    frame["limit"] = frame["figure"]
    ordered = ["label", "kind", "direction", "periods", "value", "unit_of_measure", "limit"]
    return frame[[*ordered, "gain_million", *_CELL]]


_CELL = ("sheet", "row", "column")


def _names_of_rows(scenario: Scenario, prices: pd.DataFrame) -> list[str | None]:
    """Of limits without a place (a budget, a synergy), the first cell of their row: its name."""
    bare = prices[["site", "material", "unit"]].isna().all(axis=1)
    records = zip(bare, prices["sheet"], pd.to_numeric(prices["row"]), strict=True)
    return [
        _word(scenario.frame(str(sheet)).iloc[:, 0].get(row)) if alone and row > 0 else None
        for alone, sheet, row in records
    ]


def limit_figures(solution: Solution, prices: pd.DataFrame) -> pd.Series[float]:
    """The figure of the limit behind each row of the price table, from the cell it names.

    For a capacity it is what is in service in that period. NaN where there is none; million
    currency become currency.
    """
    figures = pd.Series(np.nan, index=prices.index, dtype=float)
    places = prices[["sheet", "column"]].drop_duplicates()
    for sheet, column in places.itertuples(index=False, name=None):
        here = (prices["sheet"] == sheet) & (prices["column"] == column)
        cells = pd.to_numeric(solution.scenario.frame(sheet)[column], errors="coerce")
        of_cells = cells.reindex(pd.to_numeric(prices["row"][here])).to_numpy(float)
        figures.loc[here] = of_cells * (MILLION if "million" in column else 1.0)
    units = solution.tables.units
    size = units.set_index(["unit", "period"])["capacity_per_year"].astype(float)
    of_capacity = (prices["kind"] == "capacity").to_numpy()
    if of_capacity.any() and len(size):
        where = pd.MultiIndex.from_frame(prices[["unit", "period"]][of_capacity])
        figures[of_capacity] = size[~size.index.duplicated()].reindex(where).to_numpy(float)
    return figures
