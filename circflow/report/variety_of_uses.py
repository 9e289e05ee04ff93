"""How many uses every waste has in a plan, how much goes into each, and how varied they are.

Told from the value chains (see `circflow.solution.chains`).
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
    columns = ["source_material", "stage", "use", "chains", "source_amount", "unit_of_measure"]
    columns += ["share", "value_million"]
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
    total = table.groupby("source_material")["source_amount"].transform("sum")
    table["share"] = table["source_amount"] / total.where(total > 0.0)
    order = ["source_material", "source_amount"]
    ordered: pd.DataFrame = table.sort_values(order, ascending=[True, False], ignore_index=True)
    return ordered[columns]


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
    rows: list[dict[str, Any]] = [
        {"waste": waste, **_variety(part, sold[sold["source_material"] == waste])}
        for waste, part in table.groupby("source_material", sort=False)
    ]
    in_tonnes = table[table["unit_of_measure"] == "t"]
    sold_in_tonnes = sold[sold["unit_of_measure"] == "t"]
    rows.append({"waste": None, **_variety(in_tonnes, sold_in_tonnes)})
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
