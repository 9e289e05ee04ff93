"""Shadow prices: what one unit more of a material, or of a limit, is worth to the plan.

A value is the change of the plan's worth per unit more of the figure in `limit`, in currency per
unit in money of the period: the dual divided by D_t and the weight of `value`. That of a limit
from below (a minimum, waste that must be handled) is negative where it hurts. Figures that hold
over the whole horizon, and lump sums, have no period: their value is in money of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.data.scenario import MILLION, Scenario
from circflow.model.build import weights
from circflow.model.capacity import capacity_figures
from circflow.model.terms import Model, named, periods_table
from circflow.solver.compiled import Compiled
from circflow.solver.highs import Outcome

COLUMNS = [
    "kind",
    "site",
    "to",
    "material",
    "unit",
    "period",
    "limit",
    "sheet",
    "row",
    "column",
    "value",
    "unit_of_measure",
    "binds",
    "decisions_fixed",
]


@dataclass(frozen=True)
class _Bound:
    """A variable whose bounds are figures of the scenario."""

    variable: str
    kind: str
    sheet: str
    at_most: str
    """Column of the sheet that bounds it from above."""
    at_least: str = ""
    """Column that bounds it from below."""


_BOUNDS = (
    _Bound("taken", "stream", "Streams", "amount_per_year", "amount_per_year"),
    _Bound("bought", "purchase", "Purchases", "max_per_year"),
    _Bound("sold", "market", "Markets", "max_per_year", "min_per_year"),
    _Bound("reclaimed", "reclaim", "Stockpiles", "max_reclaim_per_year"),
    _Bound("level", "stockpile", "Stockpiles", "capacity", "closing_min"),
    _Bound("joint_activity", "synergy", "Synergies", "max_per_year"),
)

_NOISE = 1e-9
"""A price below this share of the largest one of its table is solver noise."""


def prices(m: Model, compiled: Compiled, outcome: Outcome, *, fixed: bool) -> pd.DataFrame:
    """The table `prices` of an LP's outcome (columns as in `COLUMNS`)."""
    if outcome.row_dual is None or outcome.reduced_cost is None:
        return pd.DataFrame(columns=COLUMNS)
    parts = [
        _materials(m, compiled, outcome.row_dual),
        _capacities(m, compiled, outcome),
        _emission_limits(m, compiled, outcome.row_dual),
        _limits(m, compiled, outcome.row_dual),
        *(_bounds(m, compiled, outcome, bound) for bound in _BOUNDS),
    ]
    full = [p.reindex(columns=COLUMNS) for p in parts if len(p)]
    if not full:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(full, ignore_index=True)
    money = table["period"].map(periods_table(m.scenario).set_index("period")["weight"]).fillna(1.0)
    money = money.where(table["kind"] != "budget", 1.0)
    table["value"] = table["value"].astype(float) / money.astype(float) * MILLION
    largest = table["value"].abs().max()
    table.loc[table["value"].abs() <= _NOISE * largest, "value"] = 0.0
    table["binds"] = (table["kind"] != "material") & (table["value"] != 0.0)
    weight = weights(m.scenario).value
    table["value"] = table["value"] / weight if weight else np.nan
    measure = m.scenario.unit_of_measure
    own = table["material"].map(lambda k: measure.get(k) if isinstance(k, str) else None)
    table["unit_of_measure"] = table["unit_of_measure"].where(table["unit_of_measure"].notna(), own)
    table["decisions_fixed"] = fixed
    return table.reindex(columns=COLUMNS)


def _family(
    compiled: Compiled, name: str, labels: list[str]
) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    indices, rows = compiled.families.get(name, ([], np.array([], dtype=np.intp)))
    wide = [index if isinstance(index, tuple) else (index,) for index in indices]
    return pd.DataFrame(wide, columns=labels), rows


def _materials(m: Model, compiled: Compiled, dual: NDArray[np.float64]) -> pd.DataFrame:
    """Worth of one unit more of a material at a place: the price at which members can trade it."""
    table, rows = _family(compiled, "material_balance", ["site", "material", "period"])
    return table.assign(kind="material", limit="balance", value=dual[rows], unit_of_measure=None)


def _capacities(m: Model, compiled: Compiled, outcome: Outcome) -> pd.DataFrame:
    """Worth of one unit more of a unit's capacity_per_year, existing or built.

    More capacity also raises the least load. A unit that stands idle, or is not built, gains
    nothing by it while the decisions are fixed.
    """
    assert outcome.x is not None and outcome.row_dual is not None
    values = compiled.values(outcome.x)
    parts = []
    for name in ("capacity", "running_capacity", "min_load", "running_min_load"):
        table, rows = _family(compiled, name, ["unit", "period"])
        parts.append(table.assign(family=name, value=-outcome.row_dual[rows]))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return table
    table = table.merge(capacity_figures(m, values), on=["unit", "period"], how="left")
    factor = table["availability"] * table["in_service"]
    least = table["family"].isin(["min_load", "running_min_load"])
    factor = factor * table["min_load"].where(least, 1.0)
    factor = factor * table["running"].where(table["family"].str.startswith("running"), 1.0)
    table = table.assign(value=table["value"] * factor)
    table = table.groupby(["unit", "period"], sort=False)["value"].sum().reset_index()
    sheet, row = _capacity_cells(m.scenario, table)
    sites = m.scenario.active_units.set_index("unit")["site"]
    return table.assign(
        kind="capacity",
        site=table["unit"].map(sites),
        limit="capacity_per_year",
        sheet=sheet,
        row=row,
        column="capacity_per_year",
        unit_of_measure="capacity",
    )


def _capacity_cells(scenario: Scenario, table: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Sheet and row of each unit's capacity in a period: UnitPeriods where an existing unit has a
    figure of its own there, else Units."""
    units = scenario.active_units
    row_of = {unit: row for row, unit in units["unit"].items()}
    existing = set(units.loc[units["status"] == "existing", "unit"])
    changes = scenario.frame("UnitPeriods")
    changes = changes[changes["capacity_per_year"].notna() & changes["unit"].isin(existing)]
    changed = dict(zip(named(changes, "unit", "period"), changes.index.tolist(), strict=True))
    keys = list(named(table, "unit", "period"))
    sheet = ["UnitPeriods" if key in changed else "Units" for key in keys]
    return sheet, [changed.get(key, row_of[key[0]]) for key in keys]


def _emission_limits(m: Model, compiled: Compiled, dual: NDArray[np.float64]) -> pd.DataFrame:
    """Worth of a tonne more under an emission limit."""
    table, rows = _family(compiled, "emission_limit", ["row", "period"])
    if table.empty:
        return table
    limits = m.scenario.in_force("EmissionLimits")
    table = table.assign(value=-dual[rows]).merge(limits, on=["row", "period"])
    site = table["key"].where(table["scope"] == "site", None)
    unit = table["key"].where(table["scope"] == "unit", None)
    name = (
        table["pollutant"]
        + ", "
        + table["scope"]
        + table["key"].map(lambda key: f" {key}" if isinstance(key, str) else "")
    )
    return table[["row", "period", "value"]].assign(
        kind="emission limit",
        site=site,
        unit=unit,
        limit=name,
        sheet="EmissionLimits",
        column="limit_per_year",
        unit_of_measure="t",
    )


def _limits(m: Model, compiled: Compiled, dual: NDArray[np.float64]) -> pd.DataFrame:
    """Capacities of links and disposal, budgets."""
    links = m.scenario.frame("Links")
    disposal = m.scenario.frame("Disposal")
    budget = m.scenario.frame("Budget").rename_axis("row").reset_index()
    parts = []
    table, rows = _family(compiled, "link_capacity", ["row", "period"])
    parts.append(
        _sheet_limit(table, dual[rows], "link", "Links", "capacity_per_year").join(
            links[["from", "to", "material"]].rename(columns={"from": "site"}), on="row"
        )
    )
    table, rows = _family(compiled, "disposal_capacity", ["row", "period"])
    parts.append(
        _sheet_limit(table, dual[rows], "disposal", "Disposal", "capacity_per_year").join(
            disposal[["site", "material"]], on="row"
        )
    )
    table, rows = _family(compiled, "disposal_total", ["row"])
    parts.append(
        _sheet_limit(table, dual[rows], "disposal", "Disposal", "total_capacity").join(
            disposal[["site", "material"]], on="row"
        )
    )
    table, rows = _family(compiled, "budget_limit", ["period"])
    spent = _sheet_limit(table, dual[rows], "budget", "Budget", "budget_million")
    spent = spent.merge(budget[["period", "row"]], on="period")
    parts.append(spent.assign(value=spent["value"] / MILLION, unit_of_measure="currency"))
    full = [p for p in parts if len(p)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()


def _sheet_limit(
    table: pd.DataFrame, dual: NDArray[np.float64], kind: str, sheet: str, column: str
) -> pd.DataFrame:
    return table.assign(
        kind=kind, limit=column, sheet=sheet, column=column, value=-dual, unit_of_measure=None
    )


def _bounds(m: Model, compiled: Compiled, outcome: Outcome, bound: _Bound) -> pd.DataFrame:
    """Reduced costs of variables that stand at a bound the planner has set."""
    rows = m.rows[bound.variable]
    places = compiled.column_of[rows["column"].to_numpy()]
    rows, places = rows[places >= 0], places[places >= 0]
    assert outcome.x is not None and outcome.reduced_cost is not None
    x, reduced = outcome.x[places], outcome.reduced_cost[places]
    lower, upper = compiled.program.lower[places], compiled.program.upper[places]
    size = np.maximum(compiled.program.upper[places], 1.0)
    size = np.where(np.isfinite(size), size, np.maximum(np.abs(x), 1.0))
    at_top = np.isfinite(upper) & (upper - x <= 1e-7 * size) & (reduced < 0.0)
    at_floor = (x - lower <= 1e-7 * size) & (reduced > 0.0) & (lower > 0.0)
    parts: list[pd.DataFrame] = []
    for column, where in ((bound.at_most, at_top), (bound.at_least, at_floor)):
        if column and where.any():
            labels: dict[str, Any] = {
                "kind": bound.kind,
                "limit": column,
                "sheet": bound.sheet,
                "column": column,
                "value": -reduced[where],
                "unit_of_measure": "joint activity" if bound.kind == "synergy" else None,
            }
            own = rows[where].reindex(columns=["site", "material", "period", "row"])
            own = own.assign(**labels)
            if column == "capacity":
                # After the last period the smaller of two figures bounds the level.
                closing = (rows[where]["closing_max"] == upper[where]) & (
                    rows[where]["capacity"] != upper[where]
                )
                for cell in ("limit", "column"):
                    own[cell] = own[cell].mask(closing, "closing_max")
            parts.append(own)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
