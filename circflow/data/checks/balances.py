"""Doubts about recipes that make, or lose, what cannot be made: substances and energy."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from circflow.data.balances import (
    MASS,
    ROUNDING,
    RecipeBalance,
    Sides,
    contents_by_substance,
    factor,
    held_by_rows,
    recipe_balances,
    tonnes_of,
)
from circflow.data.cells import shorten, written
from circflow.data.checks.findings import Drafts, among
from circflow.data.coded import Flags, Items, by_row
from circflow.i18n import mark, say

_RECIPE = ("technology", "recipe")
Recipe = tuple[str, str]
_READ = {
    "Recipes": ("technology", "recipe", "role", "material", "amount", "group", "weight"),
    "Materials": ("material", "unit", "category"),
    "Properties": ("material", "property", "value"),
    "PropertyKinds": ("property", "kind", "unit", "basis", "loss_share"),
    "Losses": ("technology", "recipe", "property", "share", "reason"),
}


def check_balances(drafts: Drafts) -> None:
    """Units that fit the kind, moistures below 1; then what every recipe makes and loses."""
    _check_yields(drafts)
    if not len(drafts["PropertyKinds"].rows):
        return
    _check_units(drafts)
    if any(
        drafts[sheet].broken or any(drafts[sheet].faulty.get(c) for c in columns)
        for sheet, columns in _READ.items()
    ):
        return
    _check_moisture(drafts)
    sheets = {sheet: drafts[sheet].rows for sheet in _READ}
    held = contents_by_substance(sheets["Properties"], sheets["PropertyKinds"])
    for balance in recipe_balances(sheets):
        if balance.property != MASS:
            _judge(drafts, balance, held[balance.property, balance.measure])


def _check_yields(drafts: Drafts) -> None:
    """Recipes that make more tonnes than they take in."""
    draft, tonnes = drafts["Recipes"], tonnes_of(drafts["Materials"].sound(*_READ["Materials"]))
    if any(draft.faulty.get(column) for column in _READ["Recipes"]):
        return
    inputs = draft.rows.take(
        (draft.rows["role"] == "input") & among(draft.rows["material"], tonnes)
    )
    fed, sides = {tuple(key) for _, *key in by_row(inputs, *_RECIPE)}, Sides(draft.rows)
    for at, _, taken, made in sides.of(tonnes):
        key = sides.keys[at]
        if key in fed and made > taken * (1.0 + ROUNDING):
            draft.warning(
                _row(drafts, key, "output", tonnes),
                "amount",
                "{technology!r} makes {output} t out of {input} t, a yield above 1: check "
                "the amounts, or list what else goes in",
                technology=shorten(key[0]),
                output=written(made),
                input=written(taken),
            )


def _check_units(drafts: Drafts) -> None:
    rows = drafts["PropertyKinds"].sound("kind", "unit")
    factors = [factor(kind, unit) for _, kind, unit in by_row(rows, "kind", "unit")]
    drafts["PropertyKinds"].error(
        rows.take(np.isnan(factors)),
        "unit",
        "{unit} is no unit of {kind}: substance and moisture are in %, share, kg/t "
        "or g/t, energy is in GJ, MJ, MJ/kg, MWh or kWh",
        expected=say("a unit of the kind"),
    )
    drafts["PropertyKinds"].error(
        rows.take(np.flatnonzero(rows["kind"] == "moisture")[1:]),
        "kind",
        "another property is the moisture already: make this one a quality",
        expected=say("one property of kind moisture"),
    )


def _check_moisture(drafts: Drafts) -> None:
    kinds = by_row(drafts["PropertyKinds"].rows, "property", "kind", "unit")
    wet = {name: factor(kind, unit) for _, name, kind, unit in kinds if kind == "moisture"}
    rows = drafts["Properties"].rows
    rows = rows.take(among(rows["property"], wet))
    share = rows["value"] * np.array([wet[name] for name in rows["property"].tolist()])
    drafts["Properties"].error(
        rows.plus(percent=100.0 * share).take(~((share >= 0.0) & (share < 1.0))),
        "value",
        "a moisture of {percent} % leaves no dry mass: correct the figure or the unit "
        "in PropertyKinds",
        expected=say("at least 0 and below 100 %"),
    )


def _judge(drafts: Drafts, balance: RecipeBalance, content: Mapping[str, float]) -> None:
    """A warning at the output that holds most where too much comes out, at the input that holds
    most where too much is lost."""
    least, most, out, named = balance.least_in, balance.most_in, balance.out, balance.named
    recipe = balance.technology, balance.recipe
    lost = 0.0 if math.isnan(balance.lost) else balance.lost
    bearable = max(balance.allowed, named)
    doubts = []
    if out > most * (1.0 + ROUNDING):
        words = mark(
            "{one} makes {out} {measure} of {name} out of {most}: no recipe makes it; "
            "correct the amount or the contents in Properties, or list what else goes in"
        )
        doubts.append(("output", words))
    elif (
        out > least * (1.0 + ROUNDING) and not _of_recipe(drafts["BlendLimits"].rows, recipe).any()
    ):
        words = mark(
            "{one} makes {out} {measure} of {name} even out of inputs that bring only "
            "{least}: list them in a recipe of their own, or limit the mix in BlendLimits"
        )
        doubts.append(("output", words))
    if lost > bearable + ROUNDING:
        words = (
            mark(
                "{one} loses {round} % of the {name} that goes in ({most} {measure}), more "
                "than the {plain} % that Losses names: say in Losses where it goes, or give the "
                "outputs their contents in Properties"
            )
            if named
            else mark(
                "{one} loses {round} % of the {name} that goes in ({most} {measure}), more "
                "than the {plain} % that need no name: say in Losses where it goes, or give the "
                "outputs their contents in Properties"
            )
        )
        doubts.append(("input", words))
    for role, words in doubts:
        drafts["Recipes"].warning(
            _row(drafts, recipe, role, content),
            "amount",
            words,
            one=f"{shorten(balance.technology)!r}",
            name=shorten(balance.property),
            measure=balance.measure,
            least=written(least),
            most=written(most),
            out=written(out),
            round=written(round(100.0 * lost, 1)),
            plain=written(100.0 * bearable),
        )


def _of_recipe(rows: Items, recipe: Recipe) -> Flags:
    """Which rows tell of the recipe."""
    of_recipe: Flags = (rows["technology"] == recipe[0]) & (rows["recipe"] == recipe[1])
    return of_recipe


def _row(drafts: Drafts, recipe: Recipe, role: str, content: Mapping[str, float]) -> int:
    """The row of Recipes of the input or output that holds most; of the other role if none is."""
    rows = drafts["Recipes"].rows
    rows = rows.take(_of_recipe(rows, recipe))
    of_role = rows.take(rows["role"] == role)
    rows = of_role if len(of_role) else rows
    return int(rows["row"][np.argmax(held_by_rows(rows, content))])
