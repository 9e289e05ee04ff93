"""What a block may contribute to the model, and the bookkeeping of variables.

Every block adds its variables with `add_variables`, which numbers them: a variable's number is
its `column` throughout. A contribution is a table of terms, `coefficient · variable[column]`,
with labels that say where it belongs:

* mass: site, material, period. **Mass is positive into a site.**
* money: group, site, material, unit, period, lump. Million currency per year of the period (a
  lump sum is paid once, at the period's start). **Money is positive when received.**
* emissions: pollutant, kind, site, unit, source, period. Tonnes per year.
* activity (what emits): kind, key, broad_key, site, unit, source, period; in the unit that an
  emission factor of the kind refers to.

`CONSTANT` as the column stands for the number 1. The balance, the objective and every report add
up the same terms, so a reported figure is a model expression, evaluated.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import LinearExpression

from circflow.data.scenario import MILLION, Scenario


class Model(pyo.ConcreteModel):  # type: ignore[misc]
    """A Pyomo model that knows its scenario and numbers its variables."""

    scenario: Scenario
    variables: list[Any]
    """All variables, by column."""
    bounds: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    """Lower and upper bounds of the variables, one pair of arrays per call of `add_variables`."""
    rows: dict[str, pd.DataFrame]
    """By variable: the table of its indices, with their `column`."""
    in_service: pd.DataFrame
    """unit, period, built_in, column, coefficient."""
    size: pd.DataFrame
    """Capacity in service: unit, period, built_in, column, coefficient."""
    serving: dict[str, pd.DataFrame]
    """By variable of building: its rows in every period in which what it builds is in service."""
    units: pd.DataFrame
    """Units in the periods they can be in service, with their figures in the period."""
    money: pd.DataFrame
    emission: pd.DataFrame
    limited_emission: pd.DataFrame
    """Emission terms by limit: row, period, site, unit, column, coefficient."""


CONSTANT = -1
"""The column of the constant 1 (also its place in `values`, see `evaluate`)."""

MASS = ["site", "material", "period", "column", "coefficient"]
MONEY = ["group", "site", "material", "unit", "period", "lump", "column", "coefficient"]
EMITTING = [
    "kind",
    "key",
    "broad_key",
    "site",
    "unit",
    "source",
    "period",
    "column",
    "coefficient",
]
EMISSION = ["pollutant", "kind", "site", "unit", "source", "period", "column", "coefficient"]


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Pyomo makes millions of small objects and no cycles: looking for cycles among them takes
    half the time of building and compiling."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def new_model(scenario: Scenario) -> Model:
    """An empty model of a scenario."""
    m = Model(name=scenario.name)
    m.scenario = scenario
    m.variables = []
    m.bounds = []
    m.rows = {}
    m.PERIODS = pyo.Set(initialize=[p.name for p in scenario.periods], ordered=True)
    return m


def add_variables(  # noqa: PLR0913
    m: Model,
    name: str,
    rows: pd.DataFrame,
    index: list[str],
    doc: str,
    *,
    lower: NDArray[np.float64] | None = None,
    upper: NDArray[np.float64] | None = None,
    domain: Any = pyo.NonNegativeReals,
) -> None:
    """Add a variable with one entry for every row of a table.

    Args:
        m: the model.
        name: the variable's name; its index set is the same in capitals.
        rows: one row per entry; `index` names the columns that index it, in the house order.
        index: columns of `rows`, together unique.
        doc: meaning and unit.
        lower: lower bounds, 0 where not given.
        upper: upper bounds; NaN or infinite where there is none.
        domain: non-negative reals unless said.
    """
    keys = list(named(rows, *index))
    indices = pyo.Set(initialize=keys, dimen=len(index), ordered=True)
    setattr(m, name.upper() + "_INDEX", indices)
    variable = pyo.Var(indices, domain=domain, doc=doc)
    setattr(m, name, variable)
    data = list(variable.values())
    low = np.zeros(len(data)) if lower is None else np.asarray(lower, dtype=float)
    high = np.full(len(data), np.inf) if upper is None else np.asarray(upper, dtype=float)
    high = np.where(np.isnan(high), np.inf, high)
    for at in np.flatnonzero(low != 0.0).tolist():
        data[at].setlb(float(low[at]))
    for at in np.flatnonzero(np.isfinite(high)).tolist():
        data[at].setub(float(high[at]))
    start = len(m.variables)
    m.variables.extend(data)
    m.bounds.append((low, high))
    m.rows[name] = rows.assign(column=np.arange(start, start + len(data)))


def linear(
    m: Model,
    columns: NDArray[np.intp],
    coefficients: NDArray[np.float64],
) -> LinearExpression:
    """Σ coefficient · variable, as a Pyomo expression."""
    constant = float(coefficients[columns == CONSTANT].sum())
    real = columns != CONSTANT
    variables = m.variables
    return LinearExpression(
        constant=constant,
        linear_coefs=coefficients[real].tolist(),
        linear_vars=[variables[c] for c in columns[real].tolist()],
    )


class Rows:
    """Linear expressions, one for every distinct key of a table of terms."""

    def __init__(self, m: Model, terms: pd.DataFrame, key: list[str]) -> None:
        self.m = m
        groups = np.zeros(len(terms), dtype=np.intp)
        for label in key:
            codes, names = pd.factorize(terms[label], use_na_sentinel=False)
            groups = pd.factorize(groups * len(names) + codes)[0]
        order = np.argsort(groups, kind="stable")
        self.columns = terms["column"].to_numpy(np.intp)[order]
        self.coefficients = terms["coefficient"].to_numpy(float)[order]
        starts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0][: len(order)])
        ends = np.r_[starts[1:], len(order)][: len(starts)]
        first = order[starts]
        labels = [terms[label].iloc[first].tolist() for label in key]
        keys = labels[0] if len(key) == 1 else list(zip(*labels, strict=True))
        self.slices = dict(zip(keys, zip(starts.tolist(), ends.tolist(), strict=True), strict=True))

    def keys(self) -> list[Any]:
        """The distinct keys, in the order of their first term."""
        return list(self.slices)

    def __contains__(self, key: object) -> bool:
        return key in self.slices

    def __getitem__(self, key: Any) -> LinearExpression:
        start, end = self.slices[key]
        return linear(self.m, self.columns[start:end], self.coefficients[start:end])


def index_set(m: Model, name: str, keys: Sequence[Any], dimen: int) -> Any:
    """A named, ordered index set."""
    made = pyo.Set(initialize=list(keys), dimen=dimen, ordered=True)
    setattr(m, name, made)
    return made


def mass_terms(rows: pd.DataFrame, coefficient: float | NDArray[np.float64]) -> pd.DataFrame:
    """Mass terms of a variable whose rows have site, material, period and column."""
    return rows[["site", "material", "period", "column"]].assign(coefficient=coefficient)


def money_terms(
    rows: pd.DataFrame,
    group: str,
    per_unit: pd.Series[float] | NDArray[np.float64],
    *,
    million: bool = False,
    lump: bool = False,
) -> pd.DataFrame:
    """Money terms, from currency per unit (or million currency per unit), positive if received.

    `rows` has period and column, and site, material and unit where they apply.
    """
    coefficient = np.asarray(per_unit, dtype=float) * (1.0 if million else 1.0 / MILLION)
    own = {"group": group, "lump": lump, "coefficient": coefficient}
    labels = {name: rows[name].array if name in rows else np.nan for name in MONEY}
    made = pd.DataFrame({**labels, **own}, index=range(len(rows)))
    return made.iloc[np.flatnonzero(coefficient)]


def emitting_terms(
    rows: pd.DataFrame,
    kind: str,
    key: str,
    *,
    broad_key: str | None = None,
    coefficient: float | pd.Series[float] = 1.0,
) -> pd.DataFrame:
    """What emits: `key` and `broad_key` name the columns of `rows` that a factor's key may name."""
    labels = rows.reindex(columns=["site", "unit", "period", "column"])
    return labels.assign(
        kind=kind,
        key=rows[key],
        broad_key=rows[broad_key] if broad_key else None,
        source=rows[broad_key or key],
        coefficient=coefficient,
    )[EMITTING]


def stack(parts: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Tables of terms, one below the other."""
    full = [p if list(p.columns) == columns else p[columns] for p in parts if len(p)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=columns)


def evaluate(terms: pd.DataFrame, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """coefficient · value of each term; `values` holds all variables by column, then a 1."""
    return np.asarray(
        terms["coefficient"].to_numpy(float) * values[terms["column"].to_numpy(np.intp)]
    )


def periods_table(scenario: Scenario) -> pd.DataFrame:
    """period, years, start, weight (D_t), once (what a lump sum counts), order."""
    return pd.DataFrame(
        {
            "period": [p.name for p in scenario.periods],
            "years": [float(p.years) for p in scenario.periods],
            "start": [p.start for p in scenario.periods],
            "weight": [p.weight for p in scenario.periods],
            "once": [p.once for p in scenario.periods],
            "order": range(len(scenario.periods)),
        }
    )


def named(rows: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The given columns of a table as plain tuples."""
    return zip(*(rows[column].tolist() for column in columns), strict=True)
