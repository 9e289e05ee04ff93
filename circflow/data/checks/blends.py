"""Blend limits: what they may name, and whether any mix of the inputs meets them.

A group's intake x_k ≥ 0 (shares, Σ x_k = 1) must keep min ≤ Σ value_k x_k ≤ max for a property,
and min ≤ x_k ≤ max for a material's share. Where no such x exists the recipe can never run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.cells import shorten, written
from circflow.data.checks.findings import Drafts, quoted, records
from circflow.data.coded import by_row
from circflow.data.suggest import nearest, remark
from circflow.i18n import say

_TOLERANCE = 1e-6
"""Share of a limit's own scale by which it may be missed before it counts as impossible."""

_Owner = tuple[str, str, str]


@dataclass
class _Group:
    """Inputs that replace one another, and the limits on their mix."""

    materials: list[str]
    limits: list[tuple[int, np.ndarray, float, float]] = field(default_factory=list)
    """Row, coefficient of each material's share, least, greatest."""


def check_blends(drafts: Drafts) -> None:
    """Exactly one of property and material; the material in the group; every value known."""
    groups = _groups(drafts)
    values = _property_values(drafts)
    rows = drafts["BlendLimits"].sound("technology", "recipe", "group", "property", "material")
    for limit in records(rows):
        row, owner = limit["row"], (limit["technology"], limit["recipe"], limit["group"])
        group = groups.get(owner)
        if not _names_one(drafts, row, limit) or group is None:
            continue
        if limit["material"] is not None:
            coefficients = _share(drafts, row, group, limit["material"], limit["group"])
        else:
            coefficients = _mean(drafts, row, group, limit["property"], values)
        if coefficients is not None and drafts["BlendLimits"].is_sound(row, "min", "max"):
            group.limits.append((row, coefficients, limit["min"], limit["max"]))
    _check_possible(drafts, groups)


def _groups(drafts: Drafts) -> dict[_Owner, _Group]:
    """The groups of the recipes that could be read whole."""
    columns = ("technology", "recipe", "group", "material")
    sheet, read = drafts["Recipes"], (*columns, "role")
    recipes, unread = sheet.sound(*read), set(sheet.unread(*read)["technology"].tolist())
    # a requirement of nothing is met by taking in nothing, whatever the limits
    needed = (recipes["role"] == "input") & ~(recipes["amount"] <= 0)
    recipes = recipes.take(pd.notna(recipes["group"]) & needed)
    groups: dict[_Owner, _Group] = {}
    for _, technology, recipe, group, material in by_row(recipes, *columns):
        if technology not in unread:
            groups.setdefault((technology, recipe, group), _Group([])).materials.append(material)
    return groups


def _property_values(drafts: Drafts) -> dict[tuple[str, str], float]:
    """Value of each property of each material; NaN where the cell could not be read."""
    rows = by_row(drafts["Properties"].rows, "property", "material", "value")
    return {(name, material): value for _, name, material, value in rows}


def _names_one(drafts: Drafts, row: int, limit: dict[str, Any]) -> bool:
    both = limit["property"] is not None and limit["material"] is not None
    if both or (limit["property"] is None and limit["material"] is None):
        drafts["BlendLimits"].error(
            row,
            "material" if both else "property",
            say(
                "the row names both a property and a material: fill in a property (for a mean) "
                "or a material (for its share)"
            )
            if both
            else say(
                "the row names nothing to limit: fill in a property (for a mean) or a material "
                "(for its share)"
            ),
            expected=say("exactly one of property and material"),
        )
        return False
    if pd.isna(limit["min"]) and pd.isna(limit["max"]):
        if drafts["BlendLimits"].is_sound(row, "min", "max"):
            drafts["BlendLimits"].warning(
                row, "min", "the row has neither min nor max, so it limits nothing"
            )
        return False
    return True


def _share(drafts: Drafts, row: int, group: _Group, material: str, name: str) -> np.ndarray | None:
    if material in group.materials:
        return np.array([m == material for m in group.materials], dtype=float)
    suggestion = nearest(material, group.materials)
    drafts["BlendLimits"].error(
        row,
        "material",
        "{material!r} is not in the group {name!r}{remark}: name one of its "
        "materials, or add it in Recipes",
        material=shorten(material),
        name=shorten(name),
        remark=remark(material, suggestion),
        expected=say("one of ") + ", ".join(group.materials[:10]),
        suggestion=suggestion,
    )
    return None


def _mean(
    drafts: Drafts, row: int, group: _Group, name: str, values: dict[tuple[str, str], float]
) -> np.ndarray | None:
    absent = [m for m in group.materials if (name, m) not in values]
    if absent:
        drafts["BlendLimits"].error(
            row,
            "property",
            "the property {name!r} has no value for {quoted}: every material of the "
            "group needs one, add it in Properties",
            name=shorten(name),
            quoted=quoted(absent),
            expected=say("a property that all materials of the group have"),
        )
        return None
    known = np.array([values[name, m] for m in group.materials], dtype=float)
    return None if np.isnan(known).any() else known


def _check_possible(drafts: Drafts, groups: dict[_Owner, _Group]) -> None:
    """Note groups that no mix can satisfy: single limits by sight, several together by an LP."""
    together = []
    for owner, group in groups.items():
        alone = [limit for limit in group.limits if _impossible_alone(drafts, limit)]
        if not alone and len(group.limits) > 1 and not _plain_mix(group):
            together.append((owner, group))
    if together:
        _check_together(drafts, together)


def _impossible_alone(drafts: Drafts, limit: tuple[int, np.ndarray, float, float]) -> bool:
    row, coefficients, least, greatest = limit
    if least > greatest:
        return True
    low, high = float(coefficients.min()), float(coefficients.max())
    margin = _TOLERANCE * max(1.0, abs(low), abs(high))
    if least > high + margin:
        drafts["BlendLimits"].infeasible(
            row,
            "min",
            "no mix can reach the least of {least}: the greatest that the inputs allow "
            "is {high}; lower it, or the recipe can never run",
            least=written(least),
            high=written(high),
        )
        return True
    if greatest < low - margin:
        drafts["BlendLimits"].infeasible(
            row,
            "max",
            "no mix can come down to {greatest}: the least that the inputs allow is "
            "{low}; raise it, or the recipe can never run",
            greatest=written(greatest),
            low=written(low),
        )
        return True
    return False


def _plain_mix(group: _Group) -> bool:
    """Whether one material alone, or as much of each, keeps all limits: mostly no LP is needed."""
    count = len(group.materials)
    mixes = np.vstack([np.eye(count), np.full(count, 1.0 / count)])
    means = [(mixes @ limit[1], *limit[2:]) for limit in group.limits]
    kept = [~(mean < least) & ~(mean > greatest) for mean, least, greatest in means]
    return bool(np.all(kept, axis=0).any())


def _check_together(drafts: Drafts, groups: list[tuple[_Owner, _Group]]) -> None:
    """One LP over all groups: the least total violation of each (zero where a mix exists)."""
    from scipy.optimize import linprog
    from scipy.sparse import block_diag

    blocks, bounds, slacks, sums = [], [], [], []
    for _, group in groups:
        _, coefficients, least, greatest = map(np.array, zip(*group.limits, strict=True))
        scale = np.maximum(1.0, np.abs(coefficients).max(axis=1))
        sides = np.vstack([-coefficients, coefficients]) / np.tile(scale, 2)[:, None]
        limits = np.concatenate([-least, greatest]) / np.tile(scale, 2)
        # the last column is the violation
        blocks.append(np.insert(sides, sides.shape[1], -1.0, axis=1)[~np.isnan(limits)])
        bounds.append(limits[~np.isnan(limits)])
        slacks.append(np.append(np.zeros(len(group.materials)), 1.0))
        sums.append([1.0 - slacks[-1]])
    costs = np.concatenate(slacks)
    outcome = linprog(
        costs,
        A_ub=block_diag(blocks, format="csr"),
        b_ub=np.concatenate(bounds),
        A_eq=block_diag(sums, format="csr"),
        b_eq=np.ones(len(groups)),
        method="highs",
    )
    if outcome.status != 0:
        return
    for (owner, group), violation in zip(groups, outcome.x[costs > 0.0], strict=True):
        if violation > 10 * _TOLERANCE:
            rows_named = [limit[0] for limit in group.limits]
            drafts["BlendLimits"].infeasible(
                max(rows_named),
                "group",
                "no mix of {quoted} meets all limits of the group {owner!r} (rows {list}): "
                "loosen one of them, or the recipe can never run",
                quoted=quoted(group.materials),
                owner=shorten(owner[2]),
                list=", ".join(map(str, sorted(rows_named))),
            )
