"""What the audit's checks share: what is wrong, places and their scales, amounts of recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.solution.keys import Flags, Floats

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

TOLERANCE = 1e-6
FLOOR = 1e-3
COLUMNS = ["check", "where", "period", "expected", "found", "error"]


class Findings:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.parts: list[pd.DataFrame] = []

    def equal(
        self,
        check: str,
        labels: pd.DataFrame,
        found: Floats,
        expected: Floats,
        scale: Floats | float = 0.0,
    ) -> None:
        """Name every record (site, material ... in `labels`) in which the two figures differ."""
        self._add(check, labels, found, expected, np.abs(found - expected), scale)

    def at_most(
        self,
        check: str,
        labels: pd.DataFrame,
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
        labels: pd.DataFrame,
        found: Floats,
        limit: Floats,
        scale: Floats | float = 0.0,
    ) -> None:
        """Name every record below its limit; NaN is no limit."""
        under = np.where(np.isnan(limit), 0.0, np.maximum(limit - found, 0.0))
        self._add(check, labels, found, limit, under, scale)

    def must(
        self, check: str, labels: pd.DataFrame, holds: Flags, found: Floats | float = np.nan
    ) -> None:
        """Name every record in which a rule does not hold."""
        if holds.all():
            return
        bad = ~holds
        figures = np.broadcast_to(np.asarray(found, dtype=float), holds.shape)[bad]
        self._record(check, labels[bad], figures, np.full(bad.sum(), np.nan), np.ones(bad.sum()))

    def _add(  # noqa: PLR0913, PLR0917
        self,
        check: str,
        labels: pd.DataFrame,
        found: Floats,
        expected: Floats,
        gap: Floats,
        scale: Floats | float,
    ) -> None:
        sizes = np.maximum(np.abs(found), np.abs(np.nan_to_num(expected)))
        sizes = np.maximum(sizes, scale)
        # Figures that are no numbers are errors too.
        bad = ~(gap <= TOLERANCE * sizes)
        if bad.any():
            error = gap[bad] / np.where(sizes[bad] > 0.0, sizes[bad], 1.0)
            self._record(check, labels[bad], found[bad], expected[bad], error)

    def _record(
        self, check: str, labels: pd.DataFrame, found: Floats, expected: Floats, error: Floats
    ) -> None:
        period = labels["period"].to_numpy(object) if "period" in labels else None
        where = labels.drop(columns="period", errors="ignore")
        text = [
            " / ".join(str(v) for v in record if not pd.isna(v))
            for record in where.itertuples(index=False, name=None)
        ]
        made = pd.DataFrame(
            {
                "check": check,
                "where": pd.Series(text, dtype=object),
                "period": pd.Series(period, dtype=object, index=range(len(text))),
                "expected": expected,
                "found": found,
                "error": error,
            }
        )
        self.parts.append(made.sort_values("error", ascending=False, kind="stable"))

    def table(self) -> pd.DataFrame:
        """Everything that is wrong, check by check."""
        if not self.parts:
            return pd.DataFrame({c: pd.Series(dtype=object) for c in COLUMNS[:3]}).assign(
                **{c: pd.Series(dtype=float) for c in COLUMNS[3:]}
            )
        return pd.concat(self.parts, ignore_index=True)


@dataclass(frozen=True)
class Places:
    """In and out of every (site, material, period) that occurs, and the scale of each material."""

    rows: pd.DataFrame
    """site, material, period, entering, leaving (unit/yr)."""
    scale: Mapping[object, float]
    """Largest throughput of each material at any place, unit/yr."""
    recipes: pd.DataFrame
    """What recipes take in and make (see `recipe_amounts`)."""

    def floor(self, materials: pd.Series[Any]) -> Floats:
        """FLOOR times the scale of each material."""
        scale = pd.to_numeric(materials.map(self.scale)).to_numpy(float, na_value=np.nan)
        return np.asarray(FLOOR * np.nan_to_num(scale))


def recipe_amounts(solution: Solution) -> pd.DataFrame:
    """What the recipes that are run take in and make in fixed proportion.

    site, unit, recipe, period, role, material, amount (unit/yr), from the activities alone.
    """
    recipes = solution.scenario.frame("Recipes")
    plain = recipes[recipes["group"].isna()]
    by = ["technology", "recipe", "role", "material"]
    amounts = plain.groupby(by, sort=False)["amount"].sum().reset_index()
    units = solution.scenario.frame("Units")[["unit", "technology"]]
    activity = solution.tables.activity[["site", "unit", "recipe", "period", "activity_per_year"]]
    joined = activity.merge(units, on="unit").merge(amounts, on=["technology", "recipe"])
    joined["amount"] = joined["amount"] * joined["activity_per_year"]
    return joined[["site", "unit", "recipe", "period", "role", "material", "amount"]]


def intakes(solution: Solution) -> pd.DataFrame:
    """The rows of `conversions` that are amounts taken into a group."""
    table = solution.tables.conversions
    return table[table["group"].notna() & (table["role"] == "input")]
