"""The constraint of CONTRIBUTING, added as a newcomer would: a column, a limit, an audit rule.

From the one declaration come its row, its price, its condition and least change in `explain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import circflow as cf
from circflow.algebra import build as building
from circflow.algebra.declare import Figure, Model, Stand, cells, unit_of
from circflow.algebra.investment import in_periods
from circflow.data.scenario import Scenario
from circflow.data.schema.sheets import Column
from circflow.data.table import Table
from circflow.report.figures import binding_limits
from circflow.solution import rules
from circflow.solution.accounts import Accounts
from circflow.solution.findings import Findings
from circflow.solver.compiled import compile_model
from circflow.solver.explain import explain
from circflow.solver.run import solve

# ---------------------------------------------------------- 1. a column of the schema

MAX_SWING = Column("max_swing", "number", "most rise of load, share of capacity", low=0.0)

# ---------------------------------------------------------- 2. the limit, in the block capacity

SWING = Figure(
    "Units",
    "max_swing",
    "swing",
    "raise",
    2.0,
    "{where} may rise by {figure} of its capacity",
    unit_of,
    unit="",
    measure="share",
    binds="swing of {unit}",
)


def limit_swing(m: Model) -> None:
    """load − load of the period before ≤ max_swing · availability · size"""
    activity, units = m["activity"], m.scenario.items("Units")
    load = activity.times(activity["capacity_use"])
    limited = ~np.isnan(units["max_swing"])[load["unit"]]
    before = load.labelled(period=load["period"] + 1)
    usable = m.size.times(in_periods(m.scenario, "availability").of(m.size))
    share = np.nan_to_num(units["max_swing"])[usable["unit"]]
    m.limit(
        "swing",
        over=("unit", "period"),
        left=load.where(limited & (load["period"] > 0)),
        sense="<=",
        right=before + usable.times(share),
        formula="load − load of the period before ≤ max_swing · availability · size",
        figures=[Stand(cells(SWING, units, "unit"), moves=usable)],
    )


# ---------------------------------------------------------- 4. the audit's own rule


def check_swing(findings: Findings, solution: cf.Solution, books: Accounts) -> None:
    """The load of a unit rises by no more than its swing."""
    table, rows = solution.tables.units, books.plan["units"]
    before = table.groupby("unit", sort=False)["load_per_year"].shift(1)
    rise = (table["load_per_year"] - before).fillna(0.0).to_numpy(float)
    most = books.scenario.items("Units")["max_swing"][rows["unit"]]
    limit = most * rows["available_per_year"]
    findings.at_most("swing", rows.only("unit", "period"), rise, limit, 1.0)


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The constraint is part of circflow while a test runs."""
    block = SimpleNamespace(build=limit_swing, tables=lambda m, values: {}, SWING=SWING)
    monkeypatch.setattr(building, "BLOCKS", (*building.BLOCKS, block))

    known = rules.check_rules

    def check_rules(findings: Any, solution: Any, books: Any, *more: Any) -> None:
        known(findings, solution, books, *more)
        check_swing(findings, solution, books)

    monkeypatch.setattr(rules, "check_rules", check_rules)


def plant(make: Callable[..., Scenario], amounts: dict[str, float], *, must: bool) -> Scenario:
    """A mill of capacity 100 whose load may rise by a fifth of it, with a stream by period."""
    scenario = make(
        {
            "Periods": [{"period": name} for name in amounts],
            "Sites": [{"site": "Plant"}],
            "Materials": [{"material": "slag", "category": "waste"}, {"material": "brick"}],
            "Streams": [
                {
                    "site": "Plant",
                    "material": "slag",
                    "period": period,
                    "amount_per_year": amount,
                    "must_handle": must,
                }
                for period, amount in amounts.items()
            ],
            "Recipes": [
                {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
                {"technology": "mill", "role": "output", "material": "brick", "amount": 1},
            ],
            "Units": [
                {"unit": "U", "site": "Plant", "technology": "mill", "capacity_per_year": 100}
            ],
            "Markets": [{"site": "Plant", "material": "brick", "price": 7}],
        }
    )
    units = scenario.tables["Units"]
    sheet = replace(units.sheet, columns=(*units.sheet.columns, MAX_SWING))
    frame = units.frame.assign(max_swing=0.2)
    table = Table.of(sheet, frame, {**units.letters, "max_swing": "Z"})
    return replace(scenario, tables={**scenario.tables, "Units": table})


def test_its_row(newcomer: None, make_scenario: Callable[..., Scenario]) -> None:
    m = building.build(plant(make_scenario, {"a": 10, "b": 50}, must=False))
    compiled = compile_model(m)
    family = compiled.families["swing"]
    assert family.keys == [("U", "b")]
    row = compiled.program.matrix.tocsr()[family.rows, :].toarray().ravel()
    at = compiled.column_of[m["activity"].columns]
    assert row[at].tolist() == [-1.0, 1.0]
    assert compiled.program.row_upper[family.rows].tolist() == [20.0]


def test_one_period_has_no_row(newcomer: None, make_scenario: Callable[..., Scenario]) -> None:
    scenario = plant(make_scenario, {"a": 10}, must=True)
    assert not len(compile_model(building.build(scenario)).families["swing"].rows)
    assert solve(scenario).objective == pytest.approx(70e-6)


def test_it_has_a_price_and_binds(newcomer: None, make_scenario: Callable[..., Scenario]) -> None:
    # 10 in a, then 30: a share more would bring 100 · 7 a year.
    solution = solve(plant(make_scenario, {"a": 10, "b": 50}, must=False))
    (found,) = solution.prices[solution.prices["kind"] == "swing"].to_dict("records")
    assert (found["sheet"], found["row"], found["column"]) == ("Units", 2, "max_swing")
    assert (found["site"], found["unit"], found["period"]) == ("Plant", "U", "b")
    assert found["value"] == pytest.approx(700) and found["binds"]
    # on the page, in its own words, with what another hundredth of 0.2 would bring
    (line,) = binding_limits(solution).query("kind == 'swing'").to_dict("records")
    assert (line["label"], line["direction"]) == ("swing of U", "more")
    assert line["gain_million"] == pytest.approx(0.002 * 700e-6)


def test_explain_names_its_cell_and_least_change(
    newcomer: None, make_scenario: Callable[..., Scenario]
) -> None:
    found = explain(plant(make_scenario, {"a": 10, "b": 50}, must=True))
    assert found.status is cf.Status.INFEASIBLE
    (conflict,) = found.conflicts
    assert "Units!Z2: U may rise by 0.2 of its capacity" in conflict.texts
    changes = {str(change.cell): change.after for change in conflict.remedies}
    assert changes["Units!Z2"] == pytest.approx(0.4)


def test_the_audit_finds_a_plan_that_breaks_it(
    newcomer: None, make_scenario: Callable[..., Scenario]
) -> None:
    solution = solve(plant(make_scenario, {"a": 10, "b": 50}, must=False))
    units = solution.tables.units.copy()
    units.loc[units["period"] == "b", "load_per_year"] += 1.0
    broken = replace(solution, tables=replace(solution.tables, units=units))
    assert "swing" in set(pd.Series(broken.audit.findings["check"]))
