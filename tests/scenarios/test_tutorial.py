"""The tutorial's hand calculation (docs/tutorial.md), figure by figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import circflow as cf
from circflow.data.check import check_book
from circflow.data.files.books import read_book
from circflow.data.table import Book, RawSheet

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], cf.Solution]) -> cf.Solution:
    return shipped("tutorial")


def test_money_is_that_of_the_hand_calculation(plan: cf.Solution) -> None:
    million = plan.money.groupby("group")["million_per_year"].sum().to_dict()
    assert million == pytest.approx(
        {
            "income": 181.75,
            "purchases": -27.5,
            "processing": -51.25,
            "fixed": -13.0,
            "transport": -34.09375,
            "transactions": -0.625,
            "disposal": -7.5,
            "emissions": -1.25,
            "capital": -6.0,
            "synergy": 0.25,
        }
    )
    assert plan.objective == pytest.approx(40.78125)


def test_a_plant_that_takes_time_to_build() -> None:
    book = read_book(SCENARIOS / "tutorial.xlsx")
    periods = RawSheet("Periods", [["period", "years"], ["p", 3]])
    longer = check_book(Book((*book.sheets, periods)))[1]
    assert longer is not None
    plant = "[unit=Brick plant]"
    times = {f"Units.construction_years{plant}": 1, f"Units.ramp_up{plant}": "0.5"}
    plan = cf.solve(longer.change(times))
    assert plan.objective == pytest.approx(3 * (40.78125 - 16.5 + 13.75 - 5 * 2 / 3 - 6 * 2 / 3))
    units = plan.tables.units.set_index("unit")
    assert units.loc["Brick plant", "capacity_per_year"] == pytest.approx(25_000)
    assert units.loc["Brick plant", "in_service"] == pytest.approx(2 / 3)


def test_flows_are_those_of_the_hand_calculation(plan: cf.Solution) -> None:
    sent = plan.flows.set_index(["from", "to", "material"])["sent_per_year"].to_dict()
    assert sent == pytest.approx(
        {
            ("Steel works", "Cement works", "slag"): 50_000,
            ("Power station", "Cement works", "fly ash"): 12_500,
            ("Cement works", "Town", "additive"): 59_375,
            ("Power station", "Town", "bricks"): 52_500,
        }
    )
    assert plan.disposal["amount_per_year"].tolist() == pytest.approx([37_500])


def test_the_brick_plant_is_built(plan: cf.Solution) -> None:
    assert plan.built[["unit", "period", "capacity_per_year"]].to_numpy().tolist() == [
        ["Brick plant", "1", 50_000.0]
    ]


def test_without_the_blend_limit_the_mill_takes_more_ash(plan: cf.Solution) -> None:
    """80 000 t of feed, 76 000 t of additive, 16 000 t of them in the second tier:
    17 500 t more ash earn 1 052.5 each, 0.95 · 500 less for what lands in the second tier."""
    free = cf.solve(plan.scenario.change({"BlendLimits.max": "=1"}))
    more = 17_500 * 1_052.5 - 16_000 * 500
    assert free.objective - plan.objective == pytest.approx(more / 1e6)


def test_shadow_prices_are_those_of_the_hand_calculation(plan: cf.Solution) -> None:
    prices = plan.prices[plan.prices["kind"] == "material"].set_index(["site", "material"])
    assert prices.loc[("Power station", "fly ash"), "value"] == pytest.approx(-200)
    assert prices.loc[("Steel works", "slag"), "value"] == pytest.approx(1_045.625)
    assert prices["decisions_fixed"].all()
