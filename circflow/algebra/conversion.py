"""Conversion: units run recipes, which turn materials into others.

Sets: (unit, recipe, period) in which the unit can be in service; for inputs that replace one
another, every material of a group.

Variables
    activity[unit, recipe, period]                 activity/yr  recipe run by a unit
    intake[material, unit, recipe, group, period]  unit/yr      material taken into a group

Money
    processing  − variable_cost · activity
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.declare import Figure, Grows, Model, Record, Stand, cells
from circflow.algebra.results import PER_YEAR, Group, ResultTable, money, numbers, texts
from circflow.algebra.terms import Emitting, Terms, emitting
from circflow.data.coded import Floats, Items, distinct, find_rows, join, match, stacked, take
from circflow.i18n import mark, say

PROCESSING = Group("processing", "processing", 30, part="variable_cost")
MONEY = (PROCESSING,)

RUNS = ResultTable(
    "activity",
    "Recipes that units run.",
    (
        *texts("who runs what", "site", "unit", "technology", "recipe", "period"),
        *numbers(
            "units of activity (usually units of the main input)", PER_YEAR, "activity_per_year"
        ),
        *numbers(
            "activity times `capacity_use`: what it takes of the unit's capacity",
            PER_YEAR,
            "load_per_year",
        ),
        *money("activity times `variable_cost`", "processing_million_per_year"),
    ),
    measure="units of activity",
)
CONVERSIONS = ResultTable(
    "conversions",
    "What the units take in and make.",
    (
        *texts("the run", "site", "unit", "technology", "recipe", "period"),
        *texts("of the material", "unit_of_measure"),
        *texts("`input` or `output`", "role"),
        *texts(
            "the group of inputs that replace one another; blank: in fixed proportion to the"
            " activity",
            "group",
        ),
        *texts("of what", "material"),
        *numbers("how much", PER_YEAR, "amount_per_year"),
    ),
)
RESULTS = (RUNS, CONVERSIONS)

RECIPE = ("technology", "recipe")
ACTIVITY = ("unit", "recipe", "period")
MIX = ("row", "unit", "period")
GROUP = ("unit", "recipe", "group", "period")
INTAKE = ("material", "unit", "recipe", "group", "period")


def _mix(row: Record) -> str:
    what = row["property"] or say("share of {material}", material=row["material"])
    return say(
        "{what} in {group} of {technology}",
        what=what,
        group=row["group"],
        technology=row["technology"],
    )


LEAST_SHARE = Figure(
    "BlendLimits", "min", "blend", "lower", 5.0, mark("{where}: at least {figure}"), _mix, ""
)
MOST_SHARE = Figure(
    "BlendLimits", "max", "blend", "raise", 5.0, mark("{where}: at most {figure}"), _mix, ""
)


def build(m: Model) -> None:
    """Add activity, intake, and what rules the mix. Needs the block investment."""
    recipes, units = m.scenario.items("Recipes"), m.scenario.items("Units")
    serving = m.in_service.where(distinct([m.in_service["unit"], m.in_service["period"]])[0])
    unit = serving["unit"]
    runs = Items(
        {
            "unit": unit,
            "period": serving["period"],
            "site": units["site"][unit],
            "technology": units["technology"][unit],
        }
    )
    each = recipes.take(np.sort(distinct([recipes[n] for n in RECIPE])[0])).only(*RECIPE)
    runs = join(runs, each, "technology")
    costs = m.scenario.items_in_force("RecipeCosts")
    at = find_rows(costs, runs, *RECIPE, "period")
    figures = {n: take(costs[n], at, z) for n, z in (("variable_cost", 0.0), ("capacity_use", 1.0))}
    activity = m.variable(
        "activity",
        ACTIVITY,
        runs.plus(**figures),
        "recipe run by a unit",
        "activity/yr",
        grows=Grows(say("unit {unit} runs {recipe}"), price="variable_cost", by="at {}"),
    )
    grouped = recipes.take(recipes["group"] >= 0).only(
        *RECIPE, "material", "group", "amount", "weight"
    )
    rows = join(activity.items.only("site", "technology", *ACTIVITY), grouped, *RECIPE)
    intake = m.variable("intake", INTAKE, rows, "material taken into a group", "unit/yr")
    _add_requirements(m)
    _add_blends(m)
    m.mass += [fixed_amounts(m)[1].nonzero(), intake.times(-1.0)]
    m.pay(PROCESSING, activity.times(), -activity["variable_cost"])
    m.emits.append(_emitting(m))


def _add_requirements(m: Model) -> None:
    intake, activity = m["intake"], m["activity"]
    groups = intake.items.take(distinct([intake[n] for n in GROUP])[0])
    i, j = match([groups[n] for n in ACTIVITY], [activity[n] for n in ACTIVITY])
    asked = activity.times().where(j).times(groups["amount"][i]).labelled(group=groups["group"][i])
    m.limit(
        "group_requirement",
        over=GROUP,
        left=intake.times(intake["weight"]),
        sense="==",
        right=asked,
        formula="Σ_material weight · intake = amount · activity",
        part="requirement",
    )


def _add_blends(m: Model) -> None:
    intake, limits = m["intake"], m.scenario.items("BlendLimits")
    rows = limits.renamed(limited_material="material")
    i, j = match([rows[n] for n in (*RECIPE, "group")], [intake[n] for n in (*RECIPE, "group")])
    taken = intake.times().where(j).labelled(row=rows["row"][i])
    known = m.scenario.items("Properties")
    at = find_rows(known, taken.labelled(property=rows["property"][i]), "material", "property")
    share = (taken["material"] == rows["limited_material"][i]).astype(float)
    value = np.where(rows["property"][i] >= 0, take(known["value"], at, np.nan), share)
    least, most = rows["min"][i], rows["max"][i]
    m.limit(
        "blend_min",
        over=MIX,
        left=taken.times(value - least).where(~np.isnan(least)),
        sense=">=",
        right=0.0,
        formula="Σ_material (value − min) · intake ≥ 0",
        figures=[Stand(cells(LEAST_SHARE, limits, "row"), moves=taken)],
        part="blends",
    )
    m.limit(
        "blend_max",
        over=MIX,
        left=taken.times(value - most).where(~np.isnan(most)),
        sense="<=",
        right=0.0,
        formula="Σ_material (value − max) · intake ≤ 0",
        figures=[Stand(cells(MOST_SHARE, limits, "row"), moves=taken)],
        part="blends",
    )


def fixed_amounts(m: Model) -> tuple[Items, Terms]:
    """Inputs and outputs in fixed proportion to activity (role, material), and their terms:
    what is used is negative."""
    recipes, activity = m.scenario.items("Recipes"), m["activity"]
    plain = recipes.take(recipes["group"] < 0)
    key = (*RECIPE, "role", "material")
    first, number = distinct([plain[n] for n in key])
    amount = np.bincount(number, plain["amount"], len(first))
    plain = plain.take(first).only(*key).plus(amount=amount)
    i, j = match([activity[n] for n in RECIPE], [plain[n] for n in RECIPE])
    output = plain["role"][j] == m.scenario.codes.known("role", "output")
    rows = activity.items.take(i).only("site", "technology", *ACTIVITY)
    rows = rows.plus(role=plain["role"][j], material=plain["material"][j], amount=amount[j])
    sign = np.where(output, 1.0, -1.0)
    return rows, Terms(rows.labels, activity.columns[i], sign * amount[j])


def _emitting(m: Model) -> Emitting:
    """Per unit of activity; a factor names technology/recipe, or the technology."""
    codes, activity = m.scenario.codes, m["activity"]
    first, number = distinct([activity[n] for n in RECIPE])
    technology = codes.names("technology", activity["technology"][first]).tolist()
    recipe = codes.names("recipe", activity["recipe"][first]).tolist()
    both = [f"{t}/{r}" for t, r in zip(technology, recipe, strict=True)]
    return emitting(codes, "recipe", activity.times(), "unit", names=(both, technology), key=number)


def tables(m: Model, values: Floats) -> dict[str, pd.DataFrame]:
    """The tables `activity` and `conversions`."""
    activity, intake, codes = m["activity"], m["intake"], m.scenario.codes
    run = activity.value(values)
    order = ("site", "unit", "technology", "recipe", "period", "role", "group", "material")
    ran = np.flatnonzero(run)
    table = activity.items.take(ran).frame(
        codes,
        *order[:5],
        activity_per_year=run[ran],
        load_per_year=(run * activity["capacity_use"])[ran],
        processing_million_per_year=m.money_of(values, activity, PROCESSING)[ran],
    )
    rows, terms = fixed_amounts(m)
    fixed = rows.plus(group=np.full(len(rows), -1), amount_per_year=np.abs(terms.at(values)))
    role = np.full(len(intake), codes.known("role", "input"))
    grouped = intake.items.plus(role=role, amount_per_year=intake.value(values))
    every = stacked([fixed, grouped], *order, "amount_per_year")
    used = every.take(every["amount_per_year"] != 0.0)
    return {"activity": table, "conversions": used.frame(codes, *order, "amount_per_year")}
