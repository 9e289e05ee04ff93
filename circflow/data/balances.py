"""What recipes make of what cannot be made: mass, substances, energy (the sheet PropertyKinds).

One unit of a material holds, of a property that is a substance or energy,

    content = value · unit (in t or GJ) · (1 − moisture, where the values are on a dry basis)

and nothing where Properties has no value. Per unit of activity a recipe takes in

    Σ amount · content of its plain inputs + Σ_group amount / weight · content

of each, from the material of the group that brings least to the one that brings most, and gives
Σ amount · content of its outputs. Mass is of materials in tonnes, energy carriers apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MASS, TONNES = "mass", "t"
_OF_MASS = {"%": 0.01, "share": 1.0, "kg/t": 1e-3, "g/t": 1e-6}
_OF_ENERGY = {"GJ": 1.0, "MJ": 1e-3, "MJ/kg": 1.0, "MWh": 3.6, "kWh": 3.6e-3}
_UNITS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "substance": ("%", _OF_MASS),
    "moisture": ("%", _OF_MASS),
    "energy": ("GJ", _OF_ENERGY),
}
"""By kind: the unit where the cell is blank, and what units are in t per t, or in GJ."""
CONSERVED = ("substance", "energy")
ROUNDING = 1e-6
"""Share of what goes in by which more may come out."""


def factor(kind: str, unit: str | None) -> float:
    """What one of a unit is in t per t, or in GJ; NaN where the unit is of another kind."""
    if kind not in _UNITS:
        return 1.0
    usual, known = _UNITS[kind]
    return known.get(unit or usual, np.nan)


def contents(properties: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """What one unit of each material holds: material, property, kind, content (t or GJ), measure.

    Of the properties that are conserved; `properties` and `kinds` are the sheets.
    """
    factors = [factor(k, u) for k, u in zip(kinds["kind"], kinds["unit"], strict=True)]
    rows = properties.merge(kinds.assign(factor=factors), on="property")
    rows["content"] = rows["value"].astype(float) * rows["factor"]
    wet = rows[rows["kind"] == "moisture"].drop_duplicates("material").set_index("material")
    rows = rows[rows["kind"].isin(CONSERVED)]
    solids = 1.0 - rows["material"].map(wet["content"]).fillna(0.0)
    rows["content"] *= np.where(rows["basis"] == "dry", solids, 1.0)
    rows["measure"] = np.where(rows["kind"] == "energy", "GJ", TONNES)
    table: pd.DataFrame = rows[["material", "property", "kind", "content", "measure"]]
    return table.reset_index(drop=True)


def recipe_balances(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What goes into and comes out of every recipe, per unit of activity.

    technology, recipe, property (`mass` for tonnes), measure, least_in and most_in (by what fills
    its groups), out, lost (share of most_in; below 0 where more comes out), named (share that
    Losses names), allowed (loss_share; blank for mass, whose losses need no name), reason.
    """
    recipes, materials = frames["Recipes"], frames["Materials"]
    solid = materials[(materials["unit"] == TONNES) & (materials["category"] != "energy")]
    mass = pd.Series(1.0, index=solid["material"], dtype=float)
    sides = _Sides(recipes)
    parts = [sides.of(mass[~mass.index.duplicated()], MASS, TONNES)]
    held = contents(frames["Properties"], frames["PropertyKinds"])
    for (name, measure), of_one in held.groupby(["property", "measure"], sort=False):
        content = of_one.drop_duplicates("material").set_index("material")["content"]
        parts.append(sides.of(content, str(name), str(measure)))
    table = pd.concat(parts, ignore_index=True)
    table["lost"] = 1.0 - table["out"] / table["most_in"].where(table["most_in"] > 0.0)
    key = ["technology", "recipe", "property"]
    named = frames["Losses"].drop_duplicates(key)[[*key, "share", "reason"]]
    table = table.merge(named.rename(columns={"share": "named"}), on=key, how="left")
    allowed = frames["PropertyKinds"].drop_duplicates("property").set_index("property")
    table["allowed"] = table["property"].map(allowed["loss_share"].astype(float))
    table["named"] = table["named"].astype(float).fillna(0.0)
    columns = [*key, "measure", "least_in", "most_in", "out", "lost", "named", "allowed", "reason"]
    sorted_: pd.DataFrame = table.sort_values("rank", kind="stable", ignore_index=True)[columns]
    return sorted_


def held_by_rows(recipes: pd.DataFrame, content: pd.Series[float]) -> pd.Series[float]:
    """What each row of Recipes moves of a substance, per unit of activity; of a material in a
    group, as if it filled the group alone."""
    amount = recipes["amount"].astype(float)
    taken = amount.where(recipes["group"].isna(), amount / recipes["weight"].astype(float))
    of_row: pd.Series[float] = taken * recipes["material"].map(content).fillna(0.0)
    return of_row


class _Sides:
    """The inputs, groups and outputs of recipes, as arrays: one quantity after another adds up."""

    def __init__(self, recipes: pd.DataFrame) -> None:
        where = ["technology", "recipe"]
        self.recipes, self.keys = recipes, recipes[where].drop_duplicates(ignore_index=True)
        self.recipe = recipes.groupby(where, sort=False).ngroup().to_numpy()
        self.made = (recipes["role"] == "output").to_numpy()
        taken, grouped = (
            (recipes["role"] == "input").to_numpy(),
            recipes["group"].notna().to_numpy(),
        )
        self.plain, self.grouped = taken & ~grouped, taken & grouped
        rows = recipes[self.grouped]
        self.group = rows.groupby([*where, "group"], sort=False).ngroup().to_numpy()
        self.recipe_of_group = self.recipe[self.grouped][
            np.unique(self.group, return_index=True)[1]
        ]

    def of(self, content: pd.Series[float], name: str, measure: str) -> pd.DataFrame:
        """The balance of one quantity, of the recipes that have anything of it."""
        held = held_by_rows(self.recipes, content).to_numpy()
        count, groups = len(self.keys), len(self.recipe_of_group)
        least, most = np.full(groups, np.inf), np.full(groups, -np.inf)
        np.minimum.at(least, self.group, held[self.grouped])
        np.maximum.at(most, self.group, held[self.grouped])

        def sums(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
            return np.bincount(self.recipe[rows], held[rows], count).astype(float)

        plain = sums(self.plain)
        table = self.keys.assign(
            least_in=plain + np.bincount(self.recipe_of_group, least, count),
            most_in=plain + np.bincount(self.recipe_of_group, most, count),
            out=sums(self.made),
            rank=np.arange(count),
        )
        there = (table["most_in"] > 0.0) | (table["out"] > 0.0)
        return table[there].assign(property=name, measure=measure)
