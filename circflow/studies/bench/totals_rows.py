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
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from circflow.algebra.build import discount, for_synergy, money_groups
from circflow.algebra.declare import Model
from circflow.algebra.investment import jobs
from circflow.algebra.terms import CONSTANT, MASS, Terms, constants
from circflow.data.coded import Floats, Ints
from circflow.solution.totals import SHARE_UNIT
from circflow.solver.compiled import Compiled

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
        """One form: its coefficients and its constant."""
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
    row: Ints,
    columns: Ints,
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


Part = tuple[Label, Terms]


def _over_years(m: Model, terms: Terms) -> Terms:
    """Terms per year, over the years of their period; a lump sum once."""
    years = m.scenario.period_items["years"][terms["period"]]
    once = terms["lump"] == 1 if "lump" in terms.labels else False
    return terms.times(np.where(once, 1.0, years))


def _money(m: Model) -> list[Part]:
    terms, codes = _over_years(m, m.money), m.scenario.codes
    parts: list[Part] = []
    for group in money_groups():
        of_group = terms["money"] == codes.known("money", group.name)
        parts.append((group.label, terms.where(of_group).times(group.sign)))
    return parts


def _wastes(m: Model) -> list[Part]:
    scenario, arising = m.scenario, m.scenario.items_in_force("Streams")
    used = m.mass_of("activity", "intake")
    terms = {
        "waste_arising": constants(arising.only(*MASS).labels, arising["amount_per_year"]),
        "waste_converted": -used.where(used.coefficient < 0.0),
        "waste_disposed": m["disposed"].times(),
        "waste_reclaimed": m["reclaimed"].times(),
        "taken": m["taken"].times(),
        "added": m["added"].times(),
    }
    units = np.array(scenario.frame("Materials")["unit"], dtype=object)
    listed = dict.fromkeys(units[scenario.is_waste].tolist())
    parts: list[Part] = []
    for name in WASTE:
        over_years = _over_years(m, terms[name])
        for unit in listed:
            of_unit = (scenario.is_waste & (units == unit))[over_years["material"]]
            parts.append(((name, unit), over_years.where(of_unit)))
    return parts


def _emissions(m: Model) -> list[Part]:
    """Of every pollutant that the scenario has a factor for."""
    terms, codes = _over_years(m, m.emission), m.scenario.codes
    names = dict.fromkeys(m.scenario.frame("EmissionFactors")["pollutant"])
    return [
        (("emissions", name), terms.where(terms["pollutant"] == codes.known("pollutant", name)))
        for name in names
    ]


def _units(m: Model) -> list[Part]:
    labour, codes = jobs(m), m.scenario.codes
    built, extra, activity = m["built"], m["extra_capacity"], m["activity"]
    last = labour["period"] == len(m.scenario.periods) - 1
    parts: list[Part] = [(("jobs",), labour.where(last))]
    size = built.times(built["capacity_per_year"]) + extra.times()
    for at, (unit, period) in enumerate(built.indices()):
        same = (size["unit"] == built["unit"][at]) & (size["period"] == built["period"][at])
        parts.append((("built", unit, period), built.times().where(np.array([at]))))
        parts.append((("capacity", unit, period), size.where(same)))
    load = _over_years(m, activity.times(activity["capacity_use"]))
    for code in dict.fromkeys(activity["unit"].tolist()):
        label = ("activity", str(codes.name("unit", code)))
        parts.append((label, load.where(load["unit"] == code)))
    return parts


def _goals(m: Model) -> list[Part]:
    money = m.money
    worth = money.times(discount(m.scenario, money))
    synergy = for_synergy(m)[money["money"]]
    parts: list[Part] = [
        (("goal", "value"), worth.where(~synergy)),
        (("goal", "synergy"), worth.where(synergy)),
        (("goal", "jobs"), _over_years(m, jobs(m))),
    ]
    for (_, pollutant), terms in _emissions(m):
        parts.append((("goal", f"emission:{pollutant}"), terms))
    units = np.array(m.scenario.frame("Materials")["unit"], dtype=object)
    disposed = _over_years(m, m["disposed"].times())
    waste = (m.scenario.is_waste & (units == SHARE_UNIT))[disposed["material"]]
    parts.append((("goal", "disposed"), disposed.where(waste)))
    return parts


def totals_of(labels: tuple[Label, ...], figures: Floats) -> dict[str, Any]:
    """The figures as `Solution.totals` gives them, the number of value chains apart."""
    totals: dict[str, Any] = {"costs": {}, "emissions": {}, **{name: {} for name in WASTE}}
    received = [group.name for group in money_groups() if group.received]
    for label, figure in zip(labels, (figures + 0.0).tolist(), strict=True):
        if label[0] in totals and len(label) == 2:
            totals[label[0]][label[1]] = figure
        elif label[0] in (*received, "jobs"):
            totals[label[0]] = figure
    taken, added = totals.pop("taken"), totals.pop("added")
    handled = taken.get(SHARE_UNIT, 0.0) + totals["waste_reclaimed"].get(SHARE_UNIT, 0.0)
    lost = totals["waste_disposed"].get(SHARE_UNIT, 0.0) + added.get(SHARE_UNIT, 0.0)
    totals["use_share"] = 1.0 - lost / handled if handled > 0.0 else None
    totals["net_benefit"] = sum(g.sign * g.of(totals) for g in money_groups())
    return totals


def built_of(labels: tuple[Label, ...], figures: Floats) -> list[tuple[str, str, float, float]]:
    """What is built: unit, period, share (1 unless decisions are relaxed), capacity per year."""
    rows = []
    for n, label in enumerate(labels):
        if label[0] == "built" and figures[n] > 1e-9:
            rows.append((label[1], label[2], float(figures[n]), float(figures[n + 1])))
    return rows
