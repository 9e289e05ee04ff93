"""Explanations: the seeded cell is named, and its smallest change makes a plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import circflow as cf
from circflow.solver.explain import Explanation, explain, outward, with_changes

SCENARIOS = Path(__file__).parents[2] / "scenarios"
Edits = dict[str, float | str]


@pytest.fixture(scope="module")
def tutorial() -> cf.Scenario:
    return cf.read(SCENARIOS / "tutorial")


@pytest.fixture(scope="module")
def region() -> Callable[[str], cf.Scenario]:
    read: dict[str, cf.Scenario] = {}

    def get(name: str) -> cf.Scenario:
        if name not in read:
            read[name] = cf.read(SCENARIOS / name)
        return read[name]

    return get


def explained(scenario: cf.Scenario, edits: Edits) -> tuple[cf.Scenario, Explanation]:
    changed = scenario.change(edits)
    found = explain(changed)
    assert found.status is cf.Status.INFEASIBLE
    return changed, found


def remedies(found: Explanation) -> dict[str, float | None]:
    return {str(r.cell): r.after for c in found.conflicts for r in c.remedies}


# Hand-computed on the tutorial: what is seeded, the cell, and its least change.
HAND: list[tuple[str, Edits, str, float]] = [
    # 150 000 t less 50 000 bricks and the mill's 50 000 slag + 12 500 ash: 37 500 t of ash
    (
        "disposal per year",
        {"Disposal.capacity_per_year[material=fly ash]": 1000},
        "Disposal",
        37_500,
    ),
    ("disposal in total", {"Disposal.total_capacity[material=fly ash]": 7000}, "Disposal", 37_500),
    # 59 375 t of additive are the most that the slag allows; the town must have 65 000
    (
        "market minimum",
        {
            "Markets.min_per_year[price=2000]": 60_000,
            "Disposal.fee": 1,
        },
        "Markets",
        59_370,
    ),
    # the mill has to run at 0.9 of 80 000 t: 62 500 t are the most there is
    ("least load", {"Units.min_load[unit=Mill]": 0.9}, "Units", 0.7812),
    # 50 000 t of slag make 5 000 t of CO2, if slag cannot be dumped
    (
        "emission limit",
        {"EmissionLimits.limit_per_year": 100, "Disposal.capacity_per_year[material=slag]": 0},
        "EmissionLimits",
        5_000,
    ),
    # 62 500 t of feed need 3 125 MWh; slag cannot be dumped: at least 50 000 t, 2 500 MWh
    (
        "purchase limit",
        {
            "Purchases.max_per_year[material=power]": 2000,
            "Disposal.capacity_per_year[material=slag]": 0,
        },
        "Purchases",
        2_500,
    ),
    # slag that cannot be dumped has to pass the mill
    (
        "unit capacity",
        {
            "Units.capacity_per_year[unit=Mill]": 30_000,
            "Disposal.capacity_per_year[material=slag]": 0,
        },
        "Units",
        50_000,
    ),
    (
        "link capacity",
        {
            "Links.capacity_per_year[from=Steel works]": 20_000,
            "Disposal.capacity_per_year[material=slag]": 0,
        },
        "Links",
        50_000,
    ),
    # 47 500 t of additive from 50 000 t of slag have to find a buyer
    (
        "market limit",
        {
            "Markets.max_per_year[price=2000]": 10_000,
            "Markets.max_per_year[price=1500]": 20_000,
            "Disposal.capacity_per_year[material=slag]": 0,
        },
        "Markets",
        27_500,
    ),
    # 60 000 t of bricks need a plant that the budget does not pay for
    (
        "budget",
        {"Markets.min_per_year[material=bricks]": 1_000},
        "Budget",
        60,
    ),
]


@pytest.mark.parametrize(("what", "edits", "sheet", "least"), HAND, ids=[h[0] for h in HAND])
def test_least_changes_are_those_of_the_hand_calculation(
    tutorial: cf.Scenario, what: str, edits: Edits, sheet: str, least: float
) -> None:
    scenario = tutorial
    if what == "budget":
        scenario = with_budget(tutorial, 50.0)
    changed, found = explained(scenario, edits)
    assert len(found.conflicts) == 1
    change = next(r for r in found.conflicts[0].remedies if r.cell.sheet == sheet)
    assert change.after == pytest.approx(least, rel=1e-3)
    assert any(str(change.cell) in text for text in found.conflicts[0].texts)
    # The change makes a plan, and nine tenths of it do not.
    assert explain(with_changes(changed, (change,))).status is cf.Status.OPTIMAL
    assert change.after is not None and change.before is not None
    short = change.before + 0.9 * (change.after - change.before)
    almost = type(change)(change.cell, change.before, short, "")
    assert explain(with_changes(changed, (almost,))).status is cf.Status.INFEASIBLE


def with_budget(scenario: cf.Scenario, million: float) -> cf.Scenario:
    """The scenario with a sheet Budget."""
    from dataclasses import replace

    from circflow.data.read import scenario_of
    from circflow.data.table import RawSheet

    sheet = RawSheet("Budget", [["period", "budget_million"], ["1", million]])
    return scenario_of(replace(scenario.book, sheets=(*scenario.book.sheets, sheet), typed=False))


def test_independent_conflicts_are_all_found(tutorial: cf.Scenario) -> None:
    _, found = explained(
        tutorial,
        {
            "Disposal.capacity_per_year[material=fly ash]": 1000,
            "Units.min_load[unit=Mill]": 1.0,
        },
    )
    cells = {text.split(":")[0].split("!")[0] for c in found.conflicts for text in c.texts}
    assert len(found.conflicts) == 2
    assert {"Disposal", "Units"} <= cells
    assert found.verified
    assert len({c.cell.sheet for c in found.together}) == 2


def test_a_conflict_is_irreducible(tutorial: cf.Scenario) -> None:
    """Ash at the dump, ash arising, and the limit of ash in the mix: no two of them conflict."""
    _, found = explained(tutorial, {"Disposal.capacity_per_year[material=fly ash]": 1000})
    (conflict,) = found.conflicts
    assert {c.cell.sheet for c in conflict.conditions} == {"Streams", "Disposal", "BlendLimits"}


REGIONAL: list[tuple[str, Edits, str]] = [
    (
        "sverdlovsk",
        {"EmissionLimits.limit_per_year[scope=site, penalty=]": "*0.2"},
        "EmissionLimits",
    ),
    (
        "sverdlovsk",
        {"Disposal.capacity_per_year[material=KGOK wet tailings, period=2029-2031]": 1_000_000},
        "Disposal",
    ),
    ("sverdlovsk", {"Streams.amount_per_year[material=vanadium slag]": "*50"}, "Streams"),
    ("kuzbass", {"Stockpiles.closing_max[material=dump slag]": 1_000_000}, "Stockpiles"),
    ("sverdlovsk", {"Stockpiles.closing_min[material=red mud]": 90e9}, "Stockpiles"),
    (
        "sverdlovsk",
        {"Units.min_load[unit=NTMK slag shop]": 1, "Purchases.max_per_year": 0},
        "Purchases",
    ),
]


@pytest.mark.parametrize(("name", "edits", "sheet"), REGIONAL)
def test_regional_cases_name_the_seeded_cell(
    region: Callable[[str], cf.Scenario], name: str, edits: Edits, sheet: str
) -> None:
    changed, found = explained(region(name), edits)
    from circflow.data.changes.change import find_cells, parse_address

    seeded = {
        str(cell)
        for address in edits
        for cell in find_cells(changed.tables, parse_address(address))
    }
    named = {str(c.cell) for conflict in found.conflicts for c in conflict.conditions}
    assert named & seeded
    assert found.verified
    assert any(
        str(r.cell) in seeded for c in found.conflicts for r in (*c.remedies, *found.together)
    )


def test_unbounded_names_the_prices(tutorial: cf.Scenario) -> None:
    """Bought at the town for 1 and sold there for 1 200, without a limit on either side."""
    from dataclasses import replace

    from circflow.data.read import scenario_of
    from circflow.data.table import RawSheet

    sheets = {s.name: s for s in tutorial.book.sheets}
    rows: list[list[Any]] = [["site", "material", "price"], ["Town", "bricks", 1]]
    sheets["Purchases"] = RawSheet(
        "Purchases", [*rows, [None, "power", 4000], [None, "lime", 3000]]
    )
    grid = [list(row) for row in sheets["Markets"].grid]
    most = grid[0].index("max_per_year")
    grid[-1][most] = None
    sheets["Markets"] = RawSheet("Markets", grid)
    book = replace(tutorial.book, sheets=tuple(sheets.values()), typed=False)
    scenario = scenario_of(book)
    with pytest.raises(cf.NoPlan) as none:
        cf.solve(scenario)
    assert none.value.status is cf.Status.UNBOUNDED
    found = explain(scenario)
    assert none.value.details == found.summary()
    assert found.ray is not None
    assert {str(cell) for cell in found.ray.cells} == {"Purchases!C2", "Markets!C4"}
    assert "Markets!D4" in "".join(found.ray.remedies)


def test_a_plan_needs_no_explanation(tutorial: cf.Scenario) -> None:
    assert explain(tutorial).status is cf.Status.OPTIMAL


@pytest.mark.parametrize(
    ("value", "sign", "expected"),
    [(1234.56, 1, 1235.0), (1234.56, -1, 1234.0), (1350000.0, 1, 1350000.0), (0.0, 1, 0.0)],
)
def test_outward_rounding_keeps_a_plan_possible(value: float, sign: int, expected: float) -> None:
    assert outward(value, sign) == expected


def test_the_period_and_the_candidate_that_comes_too_late_are_told(
    make_scenario: Callable[[dict[str, Any]], cf.Scenario],
) -> None:
    sheets = {
        "Periods": [{"period": "2026"}, {"period": "2027"}, {"period": "2028"}],
        "Sites": [{"site": "Works", "member": "Steel"}],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "cement", "category": "product"},
        ],
        "Streams": [
            {"site": "Works", "material": "slag", "amount_per_year": 100.0},
            {"site": "Works", "material": "slag", "period": "2027", "amount_per_year": 140.0},
        ],
        "Recipes": [
            {"technology": "grinding", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "grinding", "role": "output", "material": "cement", "amount": 1.0},
        ],
        "Units": [
            {
                "unit": "Mill",
                "site": "Works",
                "technology": "grinding",
                "capacity_per_year": 100.0,
                "status": "candidate",
                "capex_million": 1.0,
                "earliest_period": "2028",
            }
        ],
        "Markets": [{"site": "Works", "material": "cement", "price": 100.0}],
        "Disposal": [
            {"site": "Works", "material": "slag", "fee": 10.0, "capacity_per_year": 120.0}
        ],
    }
    found = explain(make_scenario(sheets))
    (conflict,) = found.conflicts
    assert conflict.periods == ("2027",)
    assert "Conflict: these cannot hold together in 2027" in found.lines()
    assert conflict.later == ("Units!N2: Mill would help, but cannot be built before 2028",)
    assert found.summary()["conflicts"][0]["periods"] == ["2027"]
    del sheets["Units"][0]["earliest_period"]
    sheets["Units"][0]["construction_years"] = 2
    (conflict,) = explain(make_scenario(sheets)).conflicts
    (later,) = conflict.later
    assert later.endswith("Mill would help, but cannot serve before year 2 of the horizon")
    sheets["Units"][0]["construction_years"] = 1
    assert explain(make_scenario(sheets)).status is cf.Status.OPTIMAL


HANDLED = {"amount_per_year": 9.0, "must_handle": True}
NEEDED = {"price": 1.0, "min_per_year": 9.0}
PILE = {"opening": 20.0, "capacity": 20.0, "can_add": True, "max_reclaim_per_year": 50.0}


@pytest.mark.parametrize(
    ("limits", "role"),
    [
        ({"Streams": HANDLED}, "input"),
        ({"Streams": HANDLED, "Disposal": {"fee": 1.0, "capacity_per_year": 4.0}}, "input"),
        ({"Streams": HANDLED, "Disposal": {"fee": 1.0, "total_capacity": 4.0}}, "input"),
        ({"Streams": HANDLED, "Markets": {"price": 1.0, "max_per_year": 4.0}}, "input"),
        ({"Streams": HANDLED, "Stockpiles": {**PILE, "max_reclaim_per_year": 0.0}}, "input"),
        ({"Streams": HANDLED, "Stockpiles": {**PILE, "closing_max": 2.0}}, "input"),
        ({"Markets": NEEDED}, "output"),
        ({"Markets": NEEDED, "Purchases": {"price": 1.0, "max_per_year": 4.0}}, "output"),
        ({"Markets": NEEDED, "Stockpiles": {**PILE, "max_reclaim_per_year": 4.0}}, "output"),
        ({"Markets": NEEDED, "Stockpiles": {**PILE, "closing_min": 19.0}}, "output"),
    ],
)
def test_a_later_candidate_takes_what_is_too_much_or_makes_what_is_too_little(
    make_scenario: Callable[..., cf.Scenario], limits: dict[str, dict[str, Any]], role: str
) -> None:
    """A unit that makes more of the waste, or takes the product that is short, is no help."""

    def later(role: str) -> tuple[str, ...]:
        other = {"input": "output", "output": "input"}[role]
        sheets: dict[str, Any] = {
            "Periods": [{"period": "2026"}, {"period": "2027"}],
            "Sites": [{"site": "Works", "member": "Steel"}],
            "Materials": [{"material": "slag", "category": "waste"}, {"material": "stone"}],
            "Recipes": [
                {"technology": "T", "role": role, "material": "slag", "amount": 1.0},
                {"technology": "T", "role": other, "material": "stone", "amount": 1.0},
            ],
            "Units": [
                {
                    "unit": "Plant",
                    "site": "Works",
                    "technology": "T",
                    "capacity_per_year": 10.0,
                    "status": "candidate",
                    "capex_million": 1.0,
                    "earliest_period": "2027",
                }
            ],
        }
        for sheet, row in limits.items():
            when = {} if sheet == "Stockpiles" else {"period": "2026"}
            sheets[sheet] = [{"site": "Works", "material": "slag", **when, **row}]
        conflicts = explain(make_scenario(sheets)).conflicts
        return tuple(dict.fromkeys(words for c in conflicts for words in c.later))

    assert later(role) == ("Units!N2: Plant would help, but cannot be built before 2027",)
    assert later({"input": "output", "output": "input"}[role]) == ()


def test_what_needs_a_lowered_stream_is_lowered_with_it(
    make_scenario: Callable[..., cf.Scenario],
) -> None:
    """100 t of slag must be handled, in 2026 nothing takes it: no change of one cell is enough, as
    the town must get 80 t in 2027 and the stream has one cell for both years."""
    explanation = explain(
        make_scenario(
            {
                "Periods": [{"period": "2026"}, {"period": "2027"}],
                "Sites": [{"site": "Works", "member": "Steel"}],
                "Materials": [{"material": "slag", "category": "waste"}],
                "Streams": [
                    {
                        "site": "Works",
                        "material": "slag",
                        "amount_per_year": 100.0,
                        "must_handle": True,
                    }
                ],
                "Markets": [
                    {
                        "site": "Works",
                        "material": "slag",
                        "price": 1.0,
                        "period": "2027",
                        "min_per_year": 80.0,
                    }
                ],
            }
        )
    )
    (conflict,) = explanation.conflicts
    assert not conflict.remedies and [str(b.cell) for b in conflict.blocked] == ["Streams!D2"]
    changes = {str(change.cell): change.after for change in explanation.together}
    assert changes == {"Streams!D2": 0.0, "Markets!F2": 0.0}
    assert explanation.verified


def test_less_is_tried_where_a_figure_is_multiplied_with_what_the_plan_chooses(
    make_scenario: Callable[..., cf.Scenario],
) -> None:
    """10 t of ash of 0.5 must be handled, a mix may have 0.2. The least breach is with ash alone,
    0.5; with the 90 t of slag of 0.3 that can be bought, (5 + 27) / 100 = 0.32 is enough."""
    explanation = explain(
        make_scenario(
            {
                "Sites": [{"site": "Works", "member": "Steel"}],
                "Materials": [
                    {"material": "ash", "category": "waste"},
                    {"material": "slag", "category": "auxiliary"},
                    {"material": "mix", "category": "product"},
                ],
                "Streams": [
                    {
                        "site": "Works",
                        "material": "ash",
                        "amount_per_year": 10.0,
                        "must_handle": True,
                    }
                ],
                "Purchases": [
                    {"site": "Works", "material": "slag", "price": 1.0, "max_per_year": 90.0}
                ],
                "Properties": [
                    {"material": "ash", "property": "p", "value": 0.5},
                    {"material": "slag", "property": "p", "value": 0.3},
                ],
                "Recipes": [
                    {
                        "technology": "T",
                        "role": "input",
                        "material": n,
                        "amount": 1.0,
                        "group": "feed",
                    }
                    for n in ("ash", "slag")
                ]
                + [{"technology": "T", "role": "output", "material": "mix", "amount": 1.0}],
                "BlendLimits": [{"technology": "T", "group": "feed", "property": "p", "max": 0.2}],
                "Units": [
                    {"unit": "U", "site": "Works", "technology": "T", "capacity_per_year": 500.0}
                ],
                "Markets": [{"site": "Works", "material": "mix", "price": 1.0}],
            }
        )
    )
    changes = {
        change.cell.sheet: change.after
        for conflict in explanation.conflicts
        for change in conflict.remedies
    }
    assert changes["BlendLimits"] == pytest.approx(0.32, rel=1e-3)


def test_what_shares_a_choice_is_cleared_in_any_cell_of_it(
    make_scenario: Callable[..., cf.Scenario],
) -> None:
    """A and B are both needed and share a choice: clearing either cell will do."""
    unit = {"site": "Works", "capacity_per_year": 10.0, "capex_million": 1.0, "choice": "one"}
    sheets = {
        "Sites": [{"site": "Works", "member": "Steel"}],
        "Materials": [{"material": n, "category": "product"} for n in ("a", "b")],
        "Recipes": [
            {"technology": n, "role": "output", "material": n, "amount": 1.0} for n in ("a", "b")
        ],
        "Units": [
            {"unit": n.upper(), "technology": n, "status": "candidate", **unit} for n in ("a", "b")
        ],
        "Markets": [
            {"site": "Works", "material": n, "price": 1.0, "min_per_year": 5.0} for n in ("a", "b")
        ],
    }
    (conflict,) = explain(make_scenario(sheets)).conflicts
    texts = [change.text for change in conflict.remedies]
    assert [t for t in texts if t.startswith("clear")] == ["clear Units!S2", "clear Units!S3"]
