"""What recipes make of what cannot be made: mass, substances, energy (the sheet PropertyKinds).

One unit of a material holds, of a property that is a substance or energy,

    content = value · unit (in t or GJ) · (1 − moisture, where the values are on a dry basis)

and nothing where Properties has no value. Per unit of activity a recipe takes in

    Σ amount · content of its plain inputs + Σ_group amount / weight · content

of each, from the material of the group that brings least to the one that brings most, and gives
Σ amount · content of its outputs. Mass is of materials in tonnes, energy carriers apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from circflow.data.coded import Flags, Floats, Items, by_row, numbered

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


class Content(NamedTuple):
    """What one unit of a material holds of a property that is conserved, in t or GJ."""

    material: str
    property: str
    kind: str
    content: float
    measure: str


def contents(properties: Items, kinds: Items) -> list[Content]:
    """What one unit of each material holds; `properties` and `kinds` are the sheets."""
    columns = ("property", "kind", "unit", "basis")
    known = {
        name: (kind, factor(kind, unit), basis)
        for _, name, kind, unit, basis in by_row(kinds, *columns)
    }
    rows = [row for row in by_row(properties, "material", "property", "value") if row[2] in known]
    wet: dict[str, float] = {}
    for _, material, name, value in rows:
        kind, size, _ = known[name]
        if kind == "moisture":
            wet.setdefault(material, value * size)
    held = []
    for _, material, name, value in rows:
        kind, size, basis = known[name]
        if kind in CONSERVED:
            solid = 1.0 - wet.get(material, 0.0) if basis == "dry" else 1.0
            measure = "GJ" if kind == "energy" else TONNES
            held.append(Content(material, name, kind, value * size * solid, measure))
    return held


def contents_by_substance(
    properties: Items, kinds: Items
) -> dict[tuple[str, str], dict[str, float]]:
    """What one unit of each material holds, by property and measure."""
    held: dict[tuple[str, str], dict[str, float]] = {}
    for one in contents(properties, kinds):
        held.setdefault((one.property, one.measure), {}).setdefault(one.material, one.content)
    return held


def contents_table(properties: Items, kinds: Items) -> pd.DataFrame:
    """`contents` as a table."""
    table = pd.DataFrame(contents(properties, kinds), columns=Content._fields, dtype=object)
    return table.astype({"content": float})


def tonnes_of(materials: Items) -> dict[str, float]:
    """What one unit of each material in tonnes weighs, energy carriers apart: 1."""
    solid = (materials["unit"] == TONNES) & (materials["category"] != "energy")
    return dict.fromkeys(materials["material"][solid].tolist(), 1.0)


@dataclass(frozen=True)
class RecipeBalance:
    """What goes into a recipe and comes out of it, per unit of activity.

    `property` is `mass` for tonnes; what goes in depends on what fills the groups. `lost` is a
    share of `most_in`, below 0 where more comes out, NaN where nothing goes in; `named` the share
    that Losses names, `allowed` the one that needs no name (NaN for mass, which never does).
    """

    technology: str
    recipe: str
    property: str
    measure: str
    least_in: float
    most_in: float
    out: float
    lost: float
    named: float
    allowed: float
    reason: str | None


def recipe_balances(sheets: Mapping[str, Items]) -> list[RecipeBalance]:
    """The balances of every recipe that has anything of a quantity, recipe by recipe."""
    held = contents_by_substance(sheets["Properties"], sheets["PropertyKinds"])
    mass = tonnes_of(sheets["Materials"])
    rows = by_row(sheets["Losses"], "technology", "recipe", "property", "share", "reason")
    losses = {(owner, recipe, name): (share, why) for _, owner, recipe, name, share, why in rows}
    shares = by_row(sheets["PropertyKinds"], "property", "loss_share")
    allowed = {name: share for _, name, share in shares}
    sides = Sides(sheets["Recipes"])
    balances: list[list[RecipeBalance]] = [[] for _ in sides.keys]
    for (name, measure), content in [((MASS, TONNES), mass), *held.items()]:
        for at, least, most, out in sides.of(content):
            lost = 1.0 - out / most if most > 0.0 else math.nan
            named, reason = losses.get((*sides.keys[at], name), (0.0, None))
            figures = (least, most, out, lost, named, allowed.get(name, math.nan))
            balance = RecipeBalance(*sides.keys[at], name, measure, *figures, reason=reason)
            balances[at].append(balance)
    return [balance for of_recipe in balances for balance in of_recipe]


def held_by_rows(recipes: Items, content: Mapping[str, float]) -> Floats:
    """What each row of Recipes moves of a substance, per unit of activity; of a material in a
    group, as if it filled the group alone."""
    per = np.where(pd.isna(recipes["group"]), 1.0, recipes["weight"])
    of_one = [content.get(material, 0.0) for material in recipes["material"].tolist()]
    return np.asarray(recipes["amount"] / per * np.array(of_one, dtype=float))


class Sides:
    """The inputs, groups and outputs of recipes, as arrays: one quantity after another adds up."""

    def __init__(self, recipes: Items) -> None:
        self.recipes = recipes
        owners = [(t, r) for _, t, r in by_row(recipes, "technology", "recipe")]
        self.recipe, self.keys = numbered(owners), list(dict.fromkeys(owners))
        taken, self.output = recipes["role"] == "input", recipes["role"] == "output"
        grouped = pd.notna(recipes["group"])
        self.plain, self.grouped = taken & ~grouped, taken & grouped
        of_recipe, group = self.recipe[self.grouped].tolist(), recipes["group"][self.grouped]
        groups = list(zip(of_recipe, group, strict=True))
        self.group = numbered(groups)
        self.recipe_of_group = np.array([recipe for recipe, _ in dict.fromkeys(groups)], np.intp)

    def of(self, content: Mapping[str, float]) -> Iterator[tuple[int, float, float, float]]:
        """Of the recipes that have anything of one quantity: the place in `keys`, the least and
        the most that goes in, what comes out."""
        held = held_by_rows(self.recipes, content)
        count, groups = len(self.keys), len(self.recipe_of_group)
        least, most = np.full(groups, np.inf), np.full(groups, -np.inf)
        np.minimum.at(least, self.group, held[self.grouped])
        np.maximum.at(most, self.group, held[self.grouped])

        def sums(rows: Flags) -> Floats:
            return np.bincount(self.recipe[rows], held[rows], count).astype(float)

        plain, out = sums(self.plain), sums(self.output)
        least_in = plain + np.bincount(self.recipe_of_group, least, count)
        most_in = plain + np.bincount(self.recipe_of_group, most, count)
        there = np.flatnonzero((most_in > 0.0) | (out > 0.0))
        figures = (column[there].tolist() for column in (least_in, most_in, out))
        return zip(there.tolist(), *figures, strict=True)
