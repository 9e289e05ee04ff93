"""Every limit of the model has a check in the audit that a plan a little beyond it fails.

A plan is solved once. Then each limit is drawn a little tighter than the plan keeps it, one at a
time, by changing the scenario under the plan: the audit has to name it; and drawn just as tight
as the plan keeps it, nothing may be named.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from circflow.algebra.build import build
from circflow.data.scenario import Scenario
from circflow.solution.audit import audit
from circflow.solution.solution import Solution
from circflow.solver.run import solve

Make = Callable[[dict[str, Any]], Scenario]
Row = dict[str, Any]
LITTLE = 0.01
"""How far beyond a limit a plan is, as a share of it."""


def candidate(unit: str, **more: Any) -> Row:
    built = {"status": "candidate", "capex_million": 1e-4, "lifetime_years": 9}
    return {"unit": unit, "site": "Plant", "technology": "kiln", **built, **more}


SHEETS: dict[str, Any] = {
    "Scenario": {"auto_links": False, "discount_rate": 0.1},
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [{"site": "Mine", "member": "A"}, {"site": "Plant", "member": "B"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "lime", "category": "input"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [
        {"site": "Mine", "material": "slag", "amount_per_year": 100},
        {"site": "Mine", "material": "ash", "amount_per_year": 30, "must_handle": False,
         "cost": -2},
    ],
    "Stockpiles": [
        {"site": "Mine", "material": "ash", "opening": 200, "max_reclaim_per_year": 6,
         "closing_min": 170, "add_cost": 9},
        {"site": "Plant", "material": "brick", "opening": 5, "closing_min": 25,
         "max_reclaim_per_year": 0},
    ],
    "Purchases": [{"material": "lime", "price": 1}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "ash", "amount": 1, "group": "g"},
        {"technology": "kiln", "role": "input", "material": "lime", "amount": 0.5},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "Properties": [
        {"material": "slag", "property": "CaO", "value": 1},
        {"material": "ash", "property": "CaO", "value": 2},
    ],
    "Units": [
        {"unit": "Old", "site": "Plant", "technology": "kiln", "capacity_per_year": 50,
         "availability": 0.8},
        {"unit": "Idling", "site": "Plant", "technology": "kiln", "capacity_per_year": 10,
         "min_load": 0.5, "can_idle": True},
        candidate("New", capacity_per_year=10, capacity_max_per_year=30, capex_max_million=3e-4),
        candidate("Other", capacity_per_year=15),
        candidate("Dear", capacity_per_year=15, capex_million=1e3),
        candidate("Late", capacity_per_year=4, earliest_period="b"),
    ],
    "Links": [{"from": "Mine", "to": "Plant"}],
    "Markets": [{"site": "Plant", "material": "brick", "price": 100}],
    "Disposal": [{"site": "Mine", "material": "slag", "fee": -5}],
    "EmissionFactors": [
        {"kind": "recipe", "pollutant": "CO2", "factor": 0.5},
        {"kind": "recipe", "pollutant": "dust", "factor": 0.1},
    ],
    "EmissionLimits": [{"pollutant": "CO2", "scope": "cluster", "price": 1}],
    "Synergies": [{"synergy": "s", "value": 2}],
    "SynergyPartners": [{"synergy": "s", "kind": "unit", "partner": "Old"}],
}  # fmt: skip

# Kilns of 40 + 10 + 30 + 15 burn 95 t/yr in a, with Late 99 in b: 36 t of ash and slag, of which
# 41 and 37 t are left to dump. Of the bricks 20 t are kept, all in b.
BURNT, SOLD_IN_A, SOLD_IN_B = 99.0, 95.0, 99.0 - 20 / 3
DUMPED, DUMPED_EVER = 41.0, 2 * 41.0 + 3 * 37.0
CAPEX = 4e-4
"""New at its greatest size and Other, in a."""
SAME_CHOICE = [("Units", 2, {"choice": "kiln"}), ("Units", 3, {"choice": "kiln"})]

Cells = list[tuple[str, int | None, Row]]
"""Sheet, row (None: a new one), cells."""


def one(sheet: str, row: int | None, **cells: Any) -> Cells:
    return [(sheet, row, cells)]


def mixed(plan: Solution) -> pd.Series[float]:
    """Mean CaO of what each kiln takes in: 1 of slag, 2 of ash."""
    taken = plan.tables.conversions
    taken = taken[taken["group"].notna()]
    lime = taken["amount_per_year"] * taken["material"].map({"slag": 1.0, "ash": 2.0})
    sums = taken.assign(lime=lime).groupby(["unit", "period"])[["lime", "amount_per_year"]].sum()
    return sums["lime"] / sums["amount_per_year"]


BLEND = {"technology": "kiln", "group": "g", "property": "CaO"}
LIMITS: list[tuple[str, str, Callable[[float], Cells]]] = [
    # what holds in the model (a constraint, or variable:column), the check, and the limit
    # drawn at a share of what the plan does
    ("taken:amount_per_year", "stream: more than",
     lambda s: one("Streams", 1, amount_per_year=30 * s)),
    ("taken:must_handle", "stream: not all",
     lambda s: one("Streams", 0, amount_per_year=100 / s)),
    ("bought:max_per_year", "purchase: more", lambda s: one("Purchases", 0, max_per_year=49.5 * s)),
    ("sold:max_per_year", "market: over", lambda s: one("Markets", 0, max_per_year=SOLD_IN_A * s)),
    ("sold:min_per_year", "market: under", lambda s: one("Markets", 0, min_per_year=SOLD_IN_B / s)),
    ("reclaimed:max_reclaim_per_year", "stockpile: reclaimed",
     lambda s: one("Stockpiles", 0, max_reclaim_per_year=6 * s)),
    ("level:capacity", "stockpile: over", lambda s: one("Stockpiles", 1, capacity=25 * s)),
    ("level:closing_min", "stockpile: too little",
     lambda s: one("Stockpiles", 0, closing_min=170 / s)),
    ("level:closing_max", "stockpile: too much",
     lambda s: one("Stockpiles", 1, closing_max=25 * s)),
    ("added:can_add", "stockpile: cannot be added",
     lambda s: one("Stockpiles", 1, can_add=s == 1.0)),
    ("joint_activity:max_per_year", "synergy: over",
     lambda s: one("Synergies", 0, max_per_year=40 * s)),
    ("built:earliest_period", "candidate: built outside",
     lambda s: one("Units", 3, earliest_period="a" if s == 1.0 else "b")),
    ("built:latest_period", "candidate: built outside",
     lambda s: one("Units", 5, earliest_period=None, latest_period="b" if s == 1.0 else "a")),
    ("stock_balance", "stockpile: level", lambda s: one("Stockpiles", 0, opening=200 * s)),
    ("material_balance", "balance", lambda s: one("Recipes", 2, amount=0.5 * s)),
    ("group_requirement", "group requirement", lambda s: one("Recipes", 0, weight=s)),
    ("blend_max", "blend: above",
     lambda s: one("BlendLimits", None, **BLEND, max=lambda plan: mixed(plan).max() * s)),
    ("blend_min", "blend: below",
     lambda s: one("BlendLimits", None, **BLEND, min=lambda plan: mixed(plan).min() / s)),
    ("capacity", "unit: over capacity", lambda s: one("Units", 0, capacity_per_year=50 * s)),
    ("running_capacity", "unit: over capacity",
     lambda s: one("Units", 1, capacity_per_year=10 * s)),
    ("min_load", "unit: below", lambda s: one("Units", 0, capacity_per_year=50 / s, min_load=1.0)),
    ("running_min_load", "unit: below",
     lambda s: one("Units", 1, capacity_per_year=10 / s, min_load=1.0)),
    ("built_once", "candidate: built more", lambda s: one("built", 1, built=1 / s)),
    ("one_of_choice", "choice", lambda s: SAME_CHOICE if s < 1.0 else SAME_CHOICE[:1]),
    ("required_in_service", "requires",
     lambda s: one("Units", 3, requires="New" if s == 1.0 else "Dear")),
    ("extra_capacity_limit", "candidate: above its greatest",
     lambda s: one("Units", 2, capacity_max_per_year=30 * s, capex_max_million=3e-4 * s)),
    ("budget_limit", "budget",
     lambda s: one("Budget", None, period="a", budget_million=CAPEX * s)),
    ("link_capacity", "link: over", lambda s: one("Links", 0, capacity_per_year=BURNT * s)),
    ("disposal_capacity", "disposal: over capacity",
     lambda s: one("Disposal", 0, capacity_per_year=DUMPED * s)),
    ("disposal_total", "disposal: over total",
     lambda s: one("Disposal", 0, total_capacity=DUMPED_EVER * s)),
    ("emission_limit", "emission: over",
     lambda s: one("EmissionLimits", None, pollutant="CO2", scope="site", key="Plant",
                   limit_per_year=0.5 * BURNT * s)),
    ("partner_activity", "synergy: a partner",
     lambda s: one("SynergyPartners", 0, ratio=1 / s)),
]  # fmt: skip


def with_cells(cells: Cells, plan: Solution) -> dict[str, Any]:
    """The sheets with other cells; a function tells what a cell is for the plan."""
    sheets = copy.deepcopy(SHEETS)
    for sheet, row, changed in cells:
        filled = {c: v(plan) if callable(v) else v for c, v in changed.items()}
        if row is None:
            sheets.setdefault(sheet, []).append(filled)
        else:
            sheets[sheet][row] |= filled
    return sheets


@pytest.fixture(scope="module")
def plan(make_scenario: Make) -> Solution:
    """A plan that passes."""
    return solve(make_scenario(SHEETS))


@pytest.mark.parametrize(("limit", "check", "at"), LIMITS, ids=[name for name, _, _ in LIMITS])
def test_a_plan_a_little_beyond_a_limit_is_named(
    plan: Solution, make_scenario: Make, limit: str, check: str, at: Callable[[float], Cells]
) -> None:
    kept, beyond = (with_changes(plan, make_scenario, at(s)) for s in (1.0, 1.0 - LITTLE))
    assert not _named(kept, check), f"{limit}: the plan keeps it"
    assert _named(beyond, check), f"{limit}: the plan does not keep it"


def with_changes(plan: Solution, make_scenario: Make, cells: Cells) -> Solution:
    """The plan with other cells of its table `built`, or with those of the scenario under it."""
    built = plan.tables.built.copy()
    for _, row, changed in (c for c in cells if c[0] == "built"):
        for column, value in changed.items():
            built.loc[built.index[row or 0], column] = value
    sheets = with_cells([c for c in cells if c[0] != "built"], plan)
    tables = dataclasses.replace(plan.tables, built=built)
    return dataclasses.replace(plan, scenario=make_scenario(sheets), tables=tables)


def _named(plan: Solution, check: str) -> bool:
    return bool(audit(plan).findings["check"].str.startswith(check).any())


BOUNDS = {
    "taken": {"amount_per_year", "must_handle"},
    "bought": {"max_per_year"},
    "sold": {"max_per_year", "min_per_year"},
    "reclaimed": {"max_reclaim_per_year"},
    "level": {"capacity", "closing_min", "closing_max"},
    "added": {"can_add"},
    "joint_activity": {"max_per_year"},
    "built": {"earliest_period", "latest_period"},
}
"""Columns of the sheets that bound a variable rather than standing in a constraint."""


def test_every_limit_of_the_model_is_audited(make_scenario: Make) -> None:
    m = build(make_scenario(SHEETS))
    constraints = set(m.limits)
    bounds = {f"{variable}:{column}" for variable, of in BOUNDS.items() for column in of}
    assert set(BOUNDS) <= set(m.variables)
    listed = [limit for limit, _, _ in LIMITS]
    missing = (constraints | bounds) - set(listed)
    assert not missing, f"a limit needs a check in solution/rules.py and a line above: {missing}"
    assert set(listed) == constraints | bounds, "a line above is of a limit that there is not"


def test_a_limit_of_the_first_period_is_read(plan: Solution, make_scenario: Make) -> None:
    for share in (1.0, 1.0 - LITTLE):
        limit = one("UnitPeriods", None, unit="Old", period="a", capacity_per_year=50 * share)
        found = with_changes(plan, make_scenario, limit)
        assert _named(found, "unit: over capacity") == (share < 1.0)


def test_a_link_s_capacity_for_one_material_is_not_for_all(
    plan: Solution, make_scenario: Make
) -> None:
    sent = plan.tables.flows.groupby("material")["sent_per_year"].max()
    assert len(sent) == 2
    rows = [
        {"from": "Mine", "to": "Plant", "material": name, "capacity_per_year": amount}
        for name, amount in sent.items()
    ]
    links: Cells = [("Links", 0, rows[0]), ("Links", None, rows[1])]
    assert not _named(with_changes(plan, make_scenario, links), "link")


def with_figure(plan: Solution, table: str, column: str, at: int, value: float) -> Solution:
    """The plan with another figure in one row of a table."""
    frame = getattr(plan.tables, table).copy()
    frame.loc[frame.index[at], column] = value
    return dataclasses.replace(plan, tables=dataclasses.replace(plan.tables, **{table: frame}))


@pytest.mark.parametrize(("share", "named"), [(0.9e-6, False), (1.1e-6, True)])
def test_rounding_is_a_millionth_of_what_it_is_part_of(
    plan: Solution, share: float, named: bool
) -> None:
    """A kiln of 10 t/yr that idles but for rounding; 49.5 t of CO2 a year above a limit."""
    runs = plan.tables.activity
    at = runs.index.get_loc(runs.index[(runs["unit"] == "Idling") & (runs["period"] == "a")][0])
    idles = with_figure(plan, "activity", "activity_per_year", at, 10 * share)
    assert _named(idles, "unit: below") == named
    limits = plan.tables.emission_limits
    at = limits.index.get_loc(limits.index[limits["period"] == "b"][0])
    over = with_figure(plan, "emission_limits", "excess_per_year", at, 0.5 * BURNT * share)
    assert _named(over, "emission: excess") == named


@pytest.mark.parametrize(("share", "named"), [(0.9e-9, False), (1.1e-9, True)])
def test_rounding_of_an_emission_is_small_beside_those_of_its_pollutant(
    plan: Solution, share: float, named: bool
) -> None:
    table = plan.tables.emissions
    more = table[table["pollutant"] == "CO2"].head(1)
    more = more.assign(kind="disposal", tonnes_per_year=0.5 * BURNT * share)
    tables = dataclasses.replace(plan.tables, emissions=pd.concat([table, more]))
    found = audit(dataclasses.replace(plan, tables=tables)).findings
    assert (found["check"] == "emissions").any() == named


@pytest.mark.parametrize(("share", "named"), [(0.9e-9, False), (1.1e-9, True)])
def test_the_floor_counts_once(
    plan: Solution, make_scenario: Make, share: float, named: bool
) -> None:
    """A millionth of a thousandth of the largest journey over a link that is closed to ash."""
    flows = plan.tables.flows.copy()
    ash = flows["material"] == "ash"
    flows.loc[ash, "sent_per_year"] = flows.loc[~ash, "sent_per_year"].max() * share
    off = dataclasses.replace(plan, tables=dataclasses.replace(plan.tables, flows=flows))
    closed: Row = {"from": "Mine", "to": "Plant", "material": "ash", "capacity_per_year": 0}
    assert _named(with_changes(off, make_scenario, [("Links", None, closed)]), "link") == named
