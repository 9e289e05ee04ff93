"""Mass balances: what goes into a recipe comes out of it, as a material or as a named loss.

Σ amount · mass of the inputs + what is taken from water and air
    = Σ amount · mass of the outputs + losses,  in t per unit of activity

Of inputs that replace one another the first stands for the group: the figures of a recipe are
given for it.
"""

from __future__ import annotations

import pandas as pd

_RECIPE = ["technology", "recipe"]


def unit_masses(materials: pd.DataFrame) -> pd.Series:
    """Tonnes that one unit of each material weighs (index as `materials`, defaults filled in)."""
    usual = (materials["unit"] == "t").astype(float)
    return materials["mass_t_per_unit"].fillna(usual)


def balances(recipes: pd.DataFrame, materials: pd.DataFrame, balance: pd.DataFrame) -> pd.DataFrame:
    """What each recipe takes in and gives out: technology, recipe, `taken` and `made`, in t per
    unit of activity; rows in the order of `recipes`."""
    mass = dict(zip(materials["material"], unit_masses(materials), strict=True))
    rows = recipes[recipes["group"].isna() | ~recipes.duplicated([*_RECIPE, "group"])]
    listed = rows[[*_RECIPE, "role"]].assign(
        tonnes=rows["amount"] * rows["material"].map(mass) / rows["weight"]
    )
    others = balance[[*_RECIPE, "role"]].assign(tonnes=balance["amount"])
    every = pd.concat([listed, others])
    every["side"] = every["role"].map({"input": "taken", "output": "made", "loss": "made"})
    sums = every.groupby([*_RECIPE, "side"], sort=False)["tonnes"].sum().unstack()
    return sums.reindex(columns=["taken", "made"]).fillna(0.0).reset_index()
