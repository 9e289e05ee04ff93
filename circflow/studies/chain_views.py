"""Views of a plan's value chains: uses of every waste, their variety, and what stays unused.

The chains themselves are those of `circflow.solution.chains`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from circflow.solution.solution import Solution

ENDS = "sale"


def uses_of_wastes(solution: Solution) -> pd.DataFrame:
    """How many uses each waste has, and how much goes into each, over the horizon.

    One row per waste and use (the product sold at the end of a chain, or the way it ends):
    source_material, stage, use, chains, source_amount, unit_of_measure, share (of all of that
    waste), value_million.
    """
    chains = solution.chains
    wastes = solution.scenario.wastes
    rows = chains[
        chains["source_kind"].isin(["stream", "stockpile"]) & chains["source_material"].isin(wastes)
    ]
    columns = [
        "source_material",
        "stage",
        "use",
        "chains",
        "source_amount",
        "unit_of_measure",
        "share",
        "value_million",
    ]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    sold = rows["end"] == ENDS
    use = rows["end_material"].where(sold, rows["end"])
    rows = rows.assign(use=use, chains=1, unit_of_measure=rows["source_unit_of_measure"])
    key = ["source_material", "stage", "use", "unit_of_measure"]
    table = rows.groupby(key, sort=False, dropna=False)[
        ["chains", "source_amount", "value_million"]
    ].sum()
    table = table.reset_index()
    whole = table.groupby("source_material")["source_amount"].transform("sum")
    table["share"] = table["source_amount"] / whole.where(whole > 0.0)
    order = ["source_material", "source_amount"]
    made: pd.DataFrame = table.sort_values(order, ascending=[True, False], ignore_index=True)
    return made[columns]


def variety(solution: Solution) -> pd.DataFrame:
    """The variety of uses of every waste, and of all of them (the row without a name).

    waste, uses (kinds of product sold), chains (to a sale), used_share (of the waste, ends in a
    sale), effective_uses = exp(−Σ p ln p) over the shares p of the uses in what is used (Hill's
    number of order 1, 1973: as many uses of equal size have the same variety). Wastes in t count
    towards the whole.
    """
    table = uses_of_wastes(solution)
    ends = {"disposal", "stock", "loss", "use", "unexplained"}
    sold = table[~table["use"].isin(ends)]
    rows: list[dict[str, Any]] = []
    for waste, part in table.groupby("source_material", sort=False):
        rows.append({"waste": waste, **_variety(part, sold[sold["source_material"] == waste])})
    in_tonnes = table[table["unit_of_measure"] == "t"]
    whole = sold[sold["unit_of_measure"] == "t"]
    rows.append({"waste": None, **_variety(in_tonnes, whole)})
    return pd.DataFrame(rows)


def _variety(every: pd.DataFrame, sold: pd.DataFrame) -> dict[str, float]:
    amount = float(every["source_amount"].sum())
    by_use = sold.groupby(["source_material", "use"])["source_amount"].sum().to_numpy(float)
    by_use = by_use[by_use > 0.0]
    used = float(by_use.sum())
    part = by_use / used if used > 0.0 else by_use
    return {
        "uses": float(len(by_use)),
        "chains": float(sold["chains"].sum()),
        "used_share": used / amount if amount > 0.0 else np.nan,
        "effective_uses": float(np.exp(-(part * np.log(part)).sum())) if used > 0.0 else 0.0,
    }


def unused_conversions(solution: Solution) -> pd.DataFrame:
    """Conversions of wastes that the plan's units could do but do not, and what keeps them out.

    For every unit that is not off, recipe and period without activity: worth of the outputs less
    that of the inputs (fixed ones, and of each group the cheapest) at the plan's shadow prices,
    less variable cost. `lacks` is what a unit of activity would have to earn more, in currency:
    the reduced cost of the step, blending rules and capital of what is not built aside (so a
    value near 0 or below means that one of those, or capacity, keeps it out). Columns: site, unit,
    status, technology, recipe, period, outputs_worth, inputs_worth, variable_cost, lacks; sorted by
    `lacks`.
    """
    scenario = solution.scenario
    columns = ["site", "unit", "status", "technology", "recipe", "period"]
    figures = ["outputs_worth", "inputs_worth", "variable_cost", "lacks"]
    prices = solution.prices
    prices = prices[prices["kind"] == "material"]
    if prices.empty:
        return pd.DataFrame(columns=[*columns, *figures])
    key = ["site", "material", "period"]
    known = prices[[*key, "value"]]
    recipes = scenario.frame("Recipes")
    periods = pd.DataFrame({"period": [p.name for p in scenario.periods]})
    units = scenario.active_units[["unit", "site", "status", "technology"]]
    kinds = recipes[["technology", "recipe"]].drop_duplicates()
    steps = units.merge(kinds, on="technology").merge(periods, how="cross")
    run = solution.activity[["unit", "recipe", "period"]].assign(runs=True)
    steps = steps.merge(run, on=["unit", "recipe", "period"], how="left")
    steps = steps[steps["runs"].isna()].drop(columns="runs")
    amounts = steps.merge(recipes, on=["technology", "recipe"]).merge(known, on=key, how="left")
    value = amounts["value"].astype(float)
    grouped = amounts["group"].notna()
    per_unit = amounts["amount"].astype(float) / amounts["weight"].astype(float).where(grouped, 1.0)
    amounts = amounts.assign(worth=per_unit * value)
    label = ["unit", "recipe", "period"]
    made = amounts[amounts["role"] == "output"].groupby(label)["worth"].sum(min_count=1)
    taken = amounts[amounts["role"] == "input"]
    fixed = taken[taken["group"].isna()].groupby(label)["worth"].sum()
    cheapest = taken[taken["group"].notna()].groupby([*label, "group"])["worth"].min()
    blended = cheapest.groupby(label).sum()
    costs = scenario.in_force("RecipeCosts")[["technology", "recipe", "period", "variable_cost"]]
    table = steps.merge(costs, on=["technology", "recipe", "period"], how="left")
    table["variable_cost"] = table["variable_cost"].fillna(0.0)
    at = pd.MultiIndex.from_frame(table[label])
    table["outputs_worth"] = made.reindex(at).to_numpy(float)
    inputs = fixed.reindex(at).fillna(0.0).to_numpy(float)
    table["inputs_worth"] = inputs + blended.reindex(at).fillna(0.0).to_numpy(float)
    earned = table["outputs_worth"].fillna(0.0)
    table["lacks"] = table["inputs_worth"] + table["variable_cost"] - earned
    wastes = recipes[(recipes["role"] == "input") & recipes["material"].isin(scenario.wastes)]
    of_waste = pd.MultiIndex.from_frame(wastes[["technology", "recipe"]])
    mine = pd.MultiIndex.from_frame(table[["technology", "recipe"]]).isin(of_waste)
    made_table: pd.DataFrame = table.loc[mine, [*columns, *figures]]
    return made_table.sort_values("lacks", kind="stable", ignore_index=True)
