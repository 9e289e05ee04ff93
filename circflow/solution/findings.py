"""What the audit's checks share: what is wrong, places and their scales, amounts of recipes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from circflow.data.coded import (
    BLANK,
    Codes,
    Flags,
    Floats,
    Ints,
    Items,
    find_rows,
    join,
    table_of,
    take,
)
from circflow.solution.keys import CodedPlan, added_up

TOLERANCE = 1e-6
FLOOR = 1e-3
COLUMNS = ["check", "where", "period", "expected", "found", "error"]


class Findings:
    """Collects what is wrong."""

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.parts: list[pd.DataFrame] = []

    def equal(
        self,
        check: str,
        labels: Items,
        found: Floats,
        expected: Floats,
        scale: Floats | float = 0.0,
    ) -> float:
        """Name every record (site, material ... in `labels`) in which the two figures differ; the
        largest relative error, small ones too."""
        return self._add(check, labels, found, expected, np.abs(found - expected), scale)

    def at_most(
        self,
        check: str,
        labels: Items,
        found: Floats,
        limit: Floats,
        scale: Floats | float = 0.0,
    ) -> None:
        """Name every record above its limit; NaN is no limit."""
        over = np.where(np.isnan(limit), 0.0, np.maximum(found - limit, 0.0))
        self._add(check, labels, found, limit, over, scale)

    def at_least(
        self,
        check: str,
        labels: Items,
        found: Floats,
        limit: Floats,
        scale: Floats | float = 0.0,
    ) -> None:
        """Name every record below its limit; NaN is no limit."""
        under = np.where(np.isnan(limit), 0.0, np.maximum(limit - found, 0.0))
        self._add(check, labels, found, limit, under, scale)

    def must(self, check: str, labels: Items, holds: Flags, found: Floats | float = np.nan) -> None:
        """Name every record in which a rule does not hold."""
        if holds.all():
            return
        bad = ~holds
        figures = np.broadcast_to(np.asarray(found, dtype=float), holds.shape)[bad]
        self._record(
            check, labels.take(bad), figures, np.full(bad.sum(), np.nan), np.ones(bad.sum())
        )

    def _add(  # noqa: PLR0913, PLR0917
        self,
        check: str,
        labels: Items,
        found: Floats,
        expected: Floats,
        gap: Floats,
        scale: Floats | float,
    ) -> float:
        sizes = np.maximum(np.abs(found), np.abs(np.nan_to_num(expected)))
        sizes = np.maximum(sizes, scale)
        # Figures that are no numbers are errors too.
        bad = ~(gap <= TOLERANCE * sizes)
        with np.errstate(invalid="ignore"):  # what is infinite
            error = gap / np.where(sizes > 0.0, sizes, 1.0)
        if bad.any():
            self._record(check, labels.take(bad), found[bad], expected[bad], error[bad])
        return float(np.nan_to_num(error, nan=np.inf, posinf=np.inf).max(initial=0.0))

    def _record(
        self, check: str, labels: Items, found: Floats, expected: Floats, error: Floats
    ) -> None:
        shown = labels.frame(self.codes)
        period = shown.get("period", np.full(len(labels), None))
        where = shown.drop(columns="period", errors="ignore")
        text = [
            " / ".join(str(v) for v in record if not pd.isna(v))
            for record in where.itertuples(index=False, name=None)
        ]
        wrong = pd.DataFrame(
            {
                "check": check,
                "where": np.array(text, dtype=object),
                "period": np.asarray(period, dtype=object),
                "expected": expected,
                "found": found,
                "error": error,
            }
        )
        self.parts.append(wrong.sort_values("error", ascending=False, kind="stable"))

    def table(self) -> pd.DataFrame:
        """Everything that is wrong, check by check."""
        if not self.parts:
            texts, figures = np.zeros(0, dtype=object), np.zeros(0)
            return table_of({c: texts if c in COLUMNS[:3] else figures for c in COLUMNS}, 0)
        return pd.concat(self.parts, ignore_index=True)


@dataclass(frozen=True)
class Places:
    """In and out of every (site, material, period) that occurs, and the scale of each material."""

    rows: Items
    """site, material, period, entering, leaving (unit/yr)."""
    scale: Floats
    """Largest throughput of each material that the scenario lists at any place, unit/yr."""
    recipes: Items
    """What recipes take in and make (see `recipe_amounts`)."""

    def floor(self, materials: Ints) -> Floats:
        """FLOOR times the scale of each material, and no less than numbers have all digits for."""
        listed = np.where(materials < len(self.scale), materials, BLANK)
        return np.maximum(FLOOR * take(self.scale, listed), np.finfo(float).tiny)


def with_technology(plan: CodedPlan, rows: Items) -> Items:
    """Rows that name a unit, with its technology, −1 where the scenario has no such unit."""
    units = plan.scenario.items("Units")
    at = find_rows(units, rows, "unit")
    return rows.plus(technology=np.append(units["technology"], BLANK)[at])


def partners(plan: CodedPlan) -> Items:
    """The sheet SynergyPartners, with the `unit` that a partner is, or the sites between which its
    flow goes: `from`, `to` (−1 for what the scenario does not know)."""
    rows, known = plan.scenario.items("SynergyPartners"), plan.codes.known
    names = plan.codes.names("partner", rows["partner"]).tolist()
    ends = [[end.strip() for end in str(name).split(">", 1)] for name in names]
    codes = {
        "unit": [known("unit", name) for name in names],
        "from": [known("site", end[0]) for end in ends],
        "to": [known("site", end[-1]) for end in ends],
    }
    return rows.plus(**{label: np.array(code, dtype=np.intp) for label, code in codes.items()})


def recipe_amounts(plan: CodedPlan) -> Items:
    """What the recipes that are run take in and make in fixed proportion.

    site, unit, recipe, period, role, material, amount (unit/yr), from the activities alone.
    """
    recipes = plan.scenario.items("Recipes")
    fixed = recipes.take(recipes["group"] < 0)
    by = ("technology", "recipe", "role", "material")
    each, (amount,) = added_up(fixed, by, fixed["amount"])
    rows = join(
        with_technology(plan, plan["activity"]), each.plus(amount=amount), "technology", "recipe"
    )
    rows = rows.plus(amount=rows["amount"] * rows["activity_per_year"])
    return rows.only("site", "unit", "recipe", "period", "role", "material", "amount")


def intakes(plan: CodedPlan) -> Items:
    """The rows of `conversions` that are amounts taken into a group."""
    table = plan["conversions"]
    return table.take((table["group"] >= 0) & (table["role"] == plan.code("role", "input")))
