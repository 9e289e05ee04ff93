"""What is in force when, discounting, and the small look-ups of a scenario."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circflow.data.coded import Codes
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario, ScenarioError, make_periods, rows_in_force
from circflow.data.table import Book, Cell, Problem, RawSheet


def scenario_with(**more: list[list[object]]) -> Scenario:
    grids: dict[str, list[list[object]]] = {
        "Scenario": [["key", "value"], ["name", "T"]],
        "Periods": [["period", "years"], ["a", 1], ["b", 2], ["c", 3]],
        "Sites": [["site", "member"], ["X", "M"], ["Y", None], ["Z", "N"]],
        "Materials": [
            ["material", "category", "unit"],
            ["slag", "waste", None],
            ["lime", "input", "t"],
            ["power", "energy", "MWh"],
        ],
        "Streams": [["site", "material", "amount_per_year"]],
        "Recipes": [
            ["technology", "role", "material", "amount"],
            ["mill", "input", "lime", 1],
            ["mill", "output", "power", 1],
        ],
        "Units": [
            ["unit", "site", "technology", "capacity_per_year", "status"],
            ["U1", "X", "mill", 5, None],
            ["U2", "Y", "mill", 5, None],
            ["U3", "Z", "mill", 5, "off"],
        ],
        "Markets": [["site", "material", "price"]],
        **more,
    }
    return scenario_of(Book(tuple(RawSheet(n, g) for n, g in grids.items()), "t.xlsx"))


def test_rows_that_name_a_period_replace_the_blank_ones_in_it() -> None:
    scenario = scenario_with(
        Streams=[
            ["site", "material", "period", "amount_per_year"],
            ["X", "slag", "b", 7],
            ["X", "slag", None, 5],
            ["Y", "slag", "c", 1],
        ]
    )
    rows = scenario.in_force("Streams")
    found = [(r.row, r.site, r.period, r.amount_per_year) for r in rows.itertuples()]
    assert found == [(2, "X", "b", 7), (3, "X", "a", 5), (3, "X", "c", 5), (4, "Y", "c", 1)]


def test_price_tiers_are_replaced_together() -> None:
    scenario = scenario_with(
        Markets=[
            ["site", "material", "period", "price"],
            ["X", "slag", None, 10],
            ["X", "slag", None, 8],
            ["X", "slag", "c", 5],
        ]
    )
    rows = scenario.in_force("Markets")
    assert [(r.row, r.period) for r in rows.itertuples()] == [
        *[(2, "a"), (2, "b")],
        *[(3, "a"), (3, "b")],
        (4, "c"),
    ]


def test_a_blank_key_cell_is_a_key_of_its_own() -> None:
    scenario = scenario_with(
        Disposal=[
            ["site", "material", "period", "fee"],
            ["X", None, None, 1],
            ["X", "slag", "b", 2],
            ["X", None, "c", 3],
        ]
    )
    rows = scenario.in_force("Disposal")
    assert [(r.row, r.period) for r in rows.itertuples()] == [
        (2, "a"),
        (2, "b"),
        (3, "b"),
        (4, "c"),
    ]
    assert rows["material"].tolist() == [None, None, "slag", None]


def test_purchases_at_every_site_that_uses_the_material() -> None:
    scenario = scenario_with(
        Purchases=[
            ["site", "material", "period", "price"],
            [None, "lime", None, 30],
            ["Y", "lime", "b", 20],
            ["Z", "lime", None, 10],
        ]
    )
    found = {
        (r.site, r.period): r.price
        for r in scenario.purchase_items.frame(scenario.codes).itertuples()
    }
    assert found == {
        **{("X", p): 30 for p in "abc"},
        ("Y", "a"): 30,
        ("Y", "b"): 20,
        ("Y", "c"): 30,
        **{("Z", p): 10 for p in "abc"},
    }
    assert len(scenario.purchase_items) == 9


def test_units_that_are_off_use_and_make_nothing() -> None:
    scenario = scenario_with()
    assert scenario.active_units["unit"].tolist() == ["U1", "U2"]
    assert scenario.uses.frame(scenario.codes)["site"].tolist() == ["X", "Y"]
    assert scenario.makes.frame(scenario.codes)["material"].tolist() == ["power", "power"]


def test_look_ups() -> None:
    scenario = scenario_with()
    assert scenario.name == "T"
    assert scenario.member_of == {"X": "M", "Y": None, "Z": "N"}
    assert scenario.unit_of_measure == {"slag": "t", "lime": "t", "power": "MWh"}
    assert scenario.wastes == {"slag"}


def test_discounting_by_hand() -> None:
    first, second = make_periods(["a", "b"], [1, 2], 0.25)
    assert (first.start, first.weight) == (0, pytest.approx(1.0))
    assert (second.start, second.weight) == (1, pytest.approx(0.8 + 0.64))
    assert make_periods(["a"], [10**9], 0.0)[0].weight == 10**9


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.floats(-0.5, 2.0, allow_subnormal=False),
)
def test_discount_weights_are_their_sums(years: list[int], rate: float) -> None:
    start = 0
    for period in make_periods([str(n) for n in range(len(years))], years, rate):
        total = sum((1 + rate) ** -(start + n) for n in range(period.years))
        assert period.start == start
        assert period.weight == pytest.approx(total, rel=1e-6)
        start += period.years


def test_an_error_lists_every_problem() -> None:
    error = ScenarioError(
        [
            Problem("error", Cell("Sites", 3, "B"), "there is no member", suggestion="M"),
            Problem("warning", Cell("Sites", 4), "odd"),
        ],
        "t.xlsx",
    )
    assert len(error.problems) == 2
    assert str(error) == ("t.xlsx has 1 error\n  Sites!B3: there is no member; did you mean 'M'?")


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["a", "b", "c", None])), max_size=12)
)
def test_rows_in_force_against_the_definition(rows: list[tuple[str, str | None]]) -> None:
    """A row holds in a period if it names it, or names none and no row of its key names it."""
    codes = Codes({"period": "abc"})
    site, period = (codes.of(n, [r[at] for r in rows]) for at, n in enumerate(("site", "period")))
    at, when = rows_in_force([site], period, 3)
    found = zip(
        at.tolist(), codes.names("site", site[at]), codes.names("period", when), strict=True
    )
    expected = [
        (n, site, now)
        for n, (site, period) in enumerate(rows)
        for now in "abc"
        if period == now or (period is None and (site, now) not in rows)
    ]
    assert list(found) == expected
