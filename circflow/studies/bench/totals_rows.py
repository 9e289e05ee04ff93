"""Totals of a plan as linear forms: what `Solution.totals` says, without building a table.

Every total but the use share and the number of value chains is a sum of the model's own terms,
so it is a row of a matrix times the programme's columns, plus a constant. A study evaluates
these rows for thousands of plans.

Rows (`labels`)
    (income,), (costs, group), (synergy,)          million currency over the horizon, undiscounted
    (waste_arising | waste_converted | waste_disposed | waste_reclaimed | taken | added, unit of
    measure)                                       amounts of wastes over the horizon
    (emissions, pollutant)                         t over the horizon
    (jobs,)                                        jobs in the last period
    (built, unit, period)                          share of a candidate that is built
    (capacity, unit, period)                       what is built, capacity per year
    (activity, unit)                               load over the horizon, capacity-years
    (goal, name)                                   value, synergy: discounted million; jobs:
                                                   job-years; emission:…: t; disposed: t of waste
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from circflow.model.build import discount
from circflow.model.conversion import tables as conversion_tables
from circflow.model.investment import jobs
from circflow.model.terms import CONSTANT, Model, named, periods_table
from circflow.solution.solution import COST_GROUPS, INCOME, SYNERGY
from circflow.solution.totals import SHARE_UNIT
from circflow.solver.compiled import Compiled

Floats = NDArray[np.float64]
Label = tuple[str, ...]

WASTE = ("waste_arising", "waste_converted", "waste_disposed", "waste_reclaimed", "taken", "added")


@dataclass(frozen=True)
class Forms:
    """`matrix @ x + constant`, one figure per label; x are the programme's columns."""

    labels: tuple[Label, ...]
    matrix: csr_array
    constant: Floats

    def __call__(self, x: Floats) -> Floats:
        """The figures of a plan."""
        return np.asarray(self.matrix @ x + self.constant, dtype=float)

    def row(self, label: Label) -> tuple[Floats, float]:
        """One form: its coefficients and its constant. Raises KeyError where there is none."""
        if label not in self.labels:
            raise KeyError(label)
        at = self.labels.index(label)
        return self.matrix[[at], :].toarray().reshape(-1), float(self.constant[at])


def forms_of(m: Model, compiled: Compiled) -> Forms:
    """The forms of a model, over the columns of its programme."""
    parts = _money(m) + _wastes(m) + _emissions(m) + _units(m) + _goals(m)
    labels = tuple(label for label, _ in parts)
    row = np.repeat(np.arange(len(parts)), [len(terms.column) for _, terms in parts])
    column = np.concatenate([terms.column for _, terms in parts])
    value = np.concatenate([terms.coefficient for _, terms in parts])
    return over_columns(compiled, labels, row, column, value)


def over_columns(
    compiled: Compiled,
    labels: tuple[Label, ...],
    row: NDArray[np.intp],
    columns: NDArray[np.intp],
    values: Floats,
) -> Forms:
    """Variables that occur nowhere, and the number 1, become part of the constant."""
    fixed = columns == CONSTANT
    place = np.where(fixed, -1, compiled.column_of[np.where(fixed, 0, columns)])
    idle = place < 0
    worth = np.where(fixed, 1.0, compiled.idle_values[np.where(fixed, 0, columns)])
    constant = np.bincount(row[idle], values[idle] * worth[idle], len(labels))
    matrix = csr_array(
        (values[~idle], (row[~idle], place[~idle])),
        shape=(len(labels), len(compiled.columns)),
    )
    matrix.sum_duplicates()
    return Forms(labels, matrix, constant.astype(float))


class Terms(NamedTuple):
    """Σ coefficient · variable."""

    column: NDArray[np.intp]
    coefficient: Floats


Part = tuple[Label, Terms]


def _years(m: Model, terms: pd.DataFrame) -> Floats:
    years = periods_table(m.scenario).set_index("period")["years"]
    return terms["period"].map(years).to_numpy(float)


def _terms(columns: Any, coefficients: Any) -> Terms:
    return Terms(np.asarray(columns, dtype=np.intp), np.asarray(coefficients, dtype=float))


def _money(m: Model) -> list[Part]:
    terms = m.money
    lump = terms["lump"].to_numpy(bool)
    whole = terms["coefficient"].to_numpy(float) * np.where(lump, 1.0, _years(m, terms))
    group = terms["group"].to_numpy(object)
    column = terms["column"].to_numpy(np.intp)
    made: list[Part] = []
    for name, sign in ((INCOME, 1.0), *((g, -1.0) for g in COST_GROUPS), (SYNERGY, 1.0)):
        own = group == name
        label = ("costs", name) if name in COST_GROUPS else (name,)
        made.append((label, _terms(column[own], sign * whole[own])))
    return made


def _wastes(m: Model) -> list[Part]:
    scenario = m.scenario
    unit_of = {k: u for k, u in scenario.unit_of_measure.items() if k in scenario.wastes}
    arising = scenario.in_force("Streams")[["material", "period", "amount_per_year"]]
    arising = arising.assign(column=CONSTANT, coefficient=arising["amount_per_year"])
    rows = {
        "waste_arising": arising,
        "waste_converted": _inputs(m),
        "waste_disposed": m.rows["disposed"].assign(coefficient=1.0),
        "waste_reclaimed": m.rows["reclaimed"].assign(coefficient=1.0),
        "taken": m.rows["taken"].assign(coefficient=1.0),
        "added": m.rows["added"].assign(coefficient=1.0),
    }
    made: list[Part] = []
    for name in WASTE:
        table = rows[name]
        whole = table["coefficient"].to_numpy(float) * _years(m, table)
        measure = table["material"].map(unit_of).to_numpy(object)
        column = table["column"].to_numpy(np.intp)
        for unit in dict.fromkeys(unit_of.values()):
            own = measure == unit
            made.append(((name, unit), _terms(column[own], whole[own])))
    return made


def _inputs(m: Model) -> pd.DataFrame:
    """What units take in: material, period, column, coefficient."""
    ones = conversion_tables(m, np.ones(len(m.variables) + 1))["conversions"]
    fixed = ones[(ones["role"] == "input") & ones["group"].isna()]
    activity = m.rows["activity"][["unit", "recipe", "period", "column"]]
    fixed = fixed.merge(activity, on=["unit", "recipe", "period"])
    intake = m.rows["intake"]
    keep = ["material", "period", "column", "coefficient"]
    return pd.concat(
        [
            fixed.assign(coefficient=fixed["amount_per_year"])[keep],
            intake.assign(coefficient=1.0)[keep],
        ],
        ignore_index=True,
    )


def _emissions(m: Model) -> list[Part]:
    terms = m.emission
    whole = terms["coefficient"].to_numpy(float) * _years(m, terms)
    pollutant = terms["pollutant"].to_numpy(object)
    column = terms["column"].to_numpy(np.intp)
    return [
        (("emissions", str(name)), _terms(column[pollutant == name], whole[pollutant == name]))
        for name in pollutants(m)
    ]


def pollutants(m: Model) -> list[str]:
    """Every pollutant that the scenario has a factor for."""
    return [str(p) for p in dict.fromkeys(m.scenario.frame("EmissionFactors")["pollutant"])]


def _units(m: Model) -> list[Part]:
    labour = jobs(m)
    last = labour[labour["period"] == m.scenario.periods[-1].name]
    made: list[Part] = [(("jobs",), _terms(last["column"], last["coefficient"]))]
    built = m.rows["built"]
    extra = m.rows["extra_capacity"]
    size = {(u, t): c for u, t, c in named(extra, "unit", "period", "column")}
    for unit, period, column, capacity in named(
        built, "unit", "period", "column", "capacity_per_year"
    ):
        made.append((("built", unit, period), _terms([column], [1.0])))
        columns, coefficients = [column], [capacity]
        if (unit, period) in size:
            columns, coefficients = [column, size[unit, period]], [capacity, 1.0]
        made.append((("capacity", unit, period), _terms(columns, coefficients)))
    activity = m.rows["activity"]
    load = activity["capacity_use"].to_numpy(float) * _years(m, activity)
    name = activity["unit"].to_numpy(object)
    column_of = activity["column"].to_numpy(np.intp)
    for unit in dict.fromkeys(name):
        own = name == unit
        made.append((("activity", str(unit)), _terms(column_of[own], load[own])))
    return made


def _goals(m: Model) -> list[Part]:
    money = m.money
    worth = money["coefficient"].to_numpy(float) * discount(m.scenario, money)
    column = money["column"].to_numpy(np.intp)
    synergy = (money["group"] == SYNERGY).to_numpy(bool)
    labour = jobs(m)
    made: list[Part] = [
        (("goal", "value"), _terms(column[~synergy], worth[~synergy])),
        (("goal", "synergy"), _terms(column[synergy], worth[synergy])),
        (
            ("goal", "jobs"),
            _terms(labour["column"], labour["coefficient"].to_numpy(float) * _years(m, labour)),
        ),
    ]
    for (_, pollutant), terms in _emissions(m):
        made.append((("goal", f"emission:{pollutant}"), terms))
    disposed = m.rows["disposed"]
    waste = disposed["material"].isin(
        [k for k in m.scenario.wastes if m.scenario.unit_of_measure[k] == SHARE_UNIT]
    )
    disposed = disposed[waste.to_numpy(bool)]
    made.append((("goal", "disposed"), _terms(disposed["column"], _years(m, disposed))))
    return made


def totals_of(labels: tuple[Label, ...], figures: Floats) -> dict[str, Any]:
    """The figures as `Solution.totals` gives them, the number of value chains apart."""
    made: dict[str, Any] = {"costs": {}, "emissions": {}, **{name: {} for name in WASTE}}
    for label, figure in zip(labels, (figures + 0.0).tolist(), strict=True):
        if label[0] in made and len(label) == 2:
            made[label[0]][label[1]] = figure
        elif label[0] in (INCOME, SYNERGY, "jobs"):
            made[label[0]] = figure
    taken, added = made.pop("taken"), made.pop("added")
    handled = taken.get(SHARE_UNIT, 0.0) + made["waste_reclaimed"].get(SHARE_UNIT, 0.0)
    lost = made["waste_disposed"].get(SHARE_UNIT, 0.0) + added.get(SHARE_UNIT, 0.0)
    made["use_share"] = 1.0 - lost / handled if handled > 0.0 else None
    made["net_benefit"] = made[INCOME] - sum(made["costs"].values()) + made[SYNERGY]
    return made


def built_of(labels: tuple[Label, ...], figures: Floats) -> list[tuple[str, str, float, float]]:
    """What is built: unit, period, share (1 unless decisions are relaxed), capacity per year."""
    made = []
    for n, label in enumerate(labels):
        if label[0] == "built" and figures[n] > 1e-9:
            made.append((label[1], label[2], float(figures[n]), float(figures[n + 1])))
    return made
