"""Conversion: units run recipes, which turn materials into others.

Sets: (unit, recipe, period) in which the unit can be in service; for inputs that replace one
another, every material of a group.

Variables
    activity[unit, recipe, period]                 activity/yr  recipe run by a unit
    intake[material, unit, recipe, group, period]  unit/yr      material taken into a group

Rows
    group_requirement   Σ_material weight · intake = amount · activity
    blend_max           Σ_material (value − max) · intake ≤ 0
    blend_min           Σ_material (value − min) · intake ≥ 0
    with value the material's property, or 1 for the material whose share is limited and 0 else

Money
    processing  − variable_cost · activity
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from circflow.model.terms import (
    MASS,
    Model,
    Rows,
    add_variables,
    emitting_terms,
    index_set,
    money_terms,
    stack,
)

RECIPE = ["technology", "recipe"]
ACTIVITY = ["unit", "recipe", "period"]
INTAKE = ["material", "unit", "recipe", "group", "period"]


def build(m: Model) -> None:
    """Add activity, intake, and what rules the mix. Needs the block investment."""
    recipes = m.scenario.frame("Recipes")
    units = m.scenario.active_units[["unit", "site", "technology"]]
    serving = m.in_service[["unit", "period"]].drop_duplicates(ignore_index=True)
    runs = serving.merge(units, on="unit").merge(
        recipes[RECIPE].drop_duplicates(ignore_index=True), on="technology"
    )
    costs = m.scenario.in_force("RecipeCosts").drop(columns="row")
    runs = runs.merge(costs, on=[*RECIPE, "period"], how="left")
    runs = runs.assign(
        variable_cost=runs["variable_cost"].fillna(0.0),
        capacity_use=runs["capacity_use"].fillna(1.0),
        technology_recipe=runs["technology"] + "/" + runs["recipe"],
    )
    add_variables(m, "activity", runs, ACTIVITY, "recipe run by a unit, activity/yr")

    grouped = recipes[recipes["group"].notna()]
    members = m.rows["activity"][["site", "technology", *ACTIVITY]].merge(grouped, on=RECIPE)
    add_variables(m, "intake", members, INTAKE, "material taken into a group, unit/yr")
    _add_requirements(m)
    _add_blends(m)


def _add_requirements(m: Model) -> None:
    key = ["unit", "recipe", "group", "period"]
    intake = m.rows["intake"]
    activity = m.rows["activity"][[*ACTIVITY, "column"]]
    asked = intake[[*key, "amount"]].drop_duplicates(key).merge(activity, on=ACTIVITY)
    terms = stack(
        [
            intake.assign(coefficient=intake["weight"]),
            asked.assign(coefficient=-asked["amount"].astype(float)),
        ],
        [*key, "column", "coefficient"],
    )
    required = Rows(m, terms, key)
    index_set(m, "GROUPS", required.keys(), 4)

    @m.Constraint(m.GROUPS)
    def group_requirement(
        m: Model, unit: str, recipe: str, group: str, period: str
    ) -> pyo.Expression:
        """Σ_material weight · intake = amount · activity"""
        return required[unit, recipe, group, period] == 0.0


def _add_blends(m: Model) -> None:
    limits = m.scenario.frame("BlendLimits").rename_axis("row").reset_index()
    intake = m.rows["intake"][["technology", *INTAKE, "column"]]
    limits = limits.rename(columns={"material": "limited_material"})
    both = limits.merge(intake, on=[*RECIPE, "group"])
    values = m.scenario.frame("Properties")[["material", "property", "value"]]
    both = both.merge(values, on=["material", "property"], how="left")
    share = (both["material"] == both["limited_material"]).astype(float)
    value = both["value"].where(both["property"].notna(), share).astype(float)
    key = ["row", "unit", "period"]

    low = both[both["min"].notna()]
    least = Rows(m, low.assign(coefficient=value[low.index] - low["min"]), key)
    index_set(m, "BLEND_MINS", least.keys(), 3)

    @m.Constraint(m.BLEND_MINS)
    def blend_min(m: Model, row: int, unit: str, period: str) -> pyo.Expression:
        """Σ_material (value − min) · intake ≥ 0"""
        return least[row, unit, period] >= 0.0

    high = both[both["max"].notna()]
    most = Rows(m, high.assign(coefficient=value[high.index] - high["max"]), key)
    index_set(m, "BLEND_MAXS", most.keys(), 3)

    @m.Constraint(m.BLEND_MAXS)
    def blend_max(m: Model, row: int, unit: str, period: str) -> pyo.Expression:
        """Σ_material (value − max) · intake ≤ 0"""
        return most[row, unit, period] <= 0.0


def _fixed(m: Model) -> pd.DataFrame:
    """Inputs and outputs in fixed proportion to activity: role, material, amount."""
    recipes = m.scenario.frame("Recipes")
    plain = recipes[recipes["group"].isna()]
    amounts = plain.groupby([*RECIPE, "role", "material"], sort=False)["amount"].sum()
    activity = m.rows["activity"][["site", "technology", *ACTIVITY, "column"]]
    return activity.merge(amounts.reset_index(), on=RECIPE)


def mass(m: Model) -> pd.DataFrame:
    """+ amount · activity of outputs, − amount · activity of fixed inputs, − intake."""
    fixed = _fixed(m)
    sign = np.where(fixed["role"] == "output", 1.0, -1.0)
    fixed = fixed.assign(coefficient=sign * fixed["amount"].to_numpy(float))
    return stack([fixed[fixed["amount"] != 0.0], m.rows["intake"].assign(coefficient=-1.0)], MASS)


def money(m: Model) -> list[pd.DataFrame]:
    """Processing."""
    rows = m.rows["activity"]
    return [money_terms(rows, "processing", -rows["variable_cost"].to_numpy(float))]


def emitting(m: Model) -> list[pd.DataFrame]:
    """Per unit of activity."""
    rows = m.rows["activity"].assign(source=m.rows["activity"]["unit"])
    terms = emitting_terms(rows, "recipe", "technology_recipe", broad_key="technology")
    return [terms.assign(source=rows["unit"])]


def tables(m: Model, values: NDArray[np.float64]) -> dict[str, pd.DataFrame]:
    """The tables `activity` and `conversions`."""
    rows = m.rows["activity"]
    run = values[rows["column"].to_numpy()]
    activity = rows[["site", "unit", "technology", "recipe", "period"]].assign(
        activity_per_year=run,
        load_per_year=run * rows["capacity_use"],
        processing_million_per_year=run * rows["variable_cost"] / 1e6,
    )
    fixed = _fixed(m)
    fixed = fixed.assign(group=None, amount_per_year=fixed["amount"] * values[fixed["column"]])
    intake = m.rows["intake"]
    intake = intake.assign(role="input", amount_per_year=values[intake["column"].to_numpy()])
    order = ["site", "unit", "technology", "recipe", "period", "role", "group", "material"]
    conversions = stack([fixed, intake], [*order, "amount_per_year"])
    return {
        "activity": activity[run != 0.0].reset_index(drop=True),
        "conversions": conversions[conversions["amount_per_year"] != 0.0].reset_index(drop=True),
    }
