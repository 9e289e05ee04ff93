"""A group of money added as a newcomer would: a tax credit per tonne avoided, which is received.

One declaration and one `m.pay` in a block, one rule of the audit; totals, chains, sweeps, own
money, page and workbook follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import openpyxl
import pytest

import circflow as cf
from circflow.algebra import build as building
from circflow.algebra.declare import Model
from circflow.algebra.results import Group
from circflow.data.scenario import MILLION, Scenario
from circflow.report.page.plan import write_page
from circflow.report.workbook import write_results
from circflow.solution import accounts
from circflow.solution.solution import Solution
from circflow.solver.run import solve
from circflow.studies.cluster.own_money import own_money

PER_TONNE = 50.0
CREDIT = Group("tax_credit", "tax credits", 95, received=True, part="emission_price")


def pay_credit(m: Model) -> None:
    """PER_TONNE for each tonne that is avoided elsewhere."""
    m.pay(CREDIT, m.emission.where(m.emission.coefficient < 0.0), -PER_TONNE)


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credit is part of circflow while a test runs."""
    block = SimpleNamespace(build=pay_credit, tables=lambda m, values: {}, MONEY=(CREDIT,))
    monkeypatch.setattr(building, "BLOCKS", (*building.BLOCKS, block))
    known = accounts.accounts

    def with_credits(solution: Solution) -> accounts.Accounts:
        books = known(solution)
        # Only what is sold avoids anything, of one pollutant: a row of `emitted` for every sale.
        avoided = np.minimum(books.emitted["tonnes"], 0.0)
        books["sales"].money["tax_credit"] = -avoided * PER_TONNE / MILLION
        return books

    for name in ("audit", "chains", "accounts"):
        monkeypatch.setattr(f"circflow.solution.{name}.accounts", with_credits)


@pytest.fixture
def plant(make_scenario: Callable[..., Scenario]) -> Scenario:
    """100 t of slag a year become brick sold at 7, each of which avoids 0.2 t of CO2; 2 years."""
    return make_scenario(
        {
            "Periods": [{"period": "now", "years": 2}],
            "Members": [{"member": "Works"}],
            "Sites": [{"site": "Plant", "member": "Works"}],
            "Materials": [{"material": "slag", "category": "waste"}, {"material": "brick"}],
            "Streams": [{"site": "Plant", "material": "slag", "amount_per_year": 100}],
            "Recipes": [
                {"technology": "mill", "role": "input", "material": "slag", "amount": 1},
                {"technology": "mill", "role": "output", "material": "brick", "amount": 1},
            ],
            "Units": [
                {"unit": "U", "site": "Plant", "technology": "mill", "capacity_per_year": 100}
            ],
            "Markets": [{"site": "Plant", "material": "brick", "price": 7}],
            "EmissionFactors": [
                {"pollutant": "CO2", "kind": "sale", "key": "brick", "factor": -0.2}
            ],
        }
    )


EARNED = 2 * 100 * 7 / MILLION
CREDITED = 2 * 100 * 0.2 * PER_TONNE / MILLION


def test_totals_chains_and_own_money(newcomer: None, plant: Scenario) -> None:
    plan = solve(plant)
    assert plan.objective == pytest.approx(EARNED + CREDITED)
    assert plan.totals["tax_credit"] == pytest.approx(CREDITED)
    assert "tax_credit" not in plan.totals["costs"]
    assert plan.totals["net_benefit"] == pytest.approx(EARNED + CREDITED)
    (chain,) = plan.chains.to_dict("records")
    assert chain["tax_credit_million"] == pytest.approx(CREDITED)
    assert chain["value_million"] == pytest.approx(EARNED + CREDITED)
    own = own_money(plan).set_index(["member", "group"])["discounted_million"]
    assert own["Works", "tax_credit"] == pytest.approx(CREDITED)


def test_rows_of_a_sweep(newcomer: None, plant: Scenario) -> None:
    runs = cf.sweep(plant, {"Markets.price[material=brick]": [14]}, how="set")
    (row,) = runs.table.to_dict("records")
    assert row["tax_credit_million"] == pytest.approx(CREDITED)
    assert row["net_benefit_million"] == pytest.approx(2 * EARNED + CREDITED)


def test_workbook_and_page(newcomer: None, plant: Scenario, tmp_path: Path) -> None:
    plan = solve(plant)
    write_results(plan, tmp_path / "plan.xlsx")
    book = openpyxl.load_workbook(tmp_path / "plan.xlsx", read_only=True)
    texts = {cell for row in book.worksheets[0].iter_rows(values_only=True) for cell in row}
    assert "tax credits" in texts
    write_page(plan, tmp_path / "plan.html")
    assert re.search("tax credits", (tmp_path / "plan.html").read_text("utf-8"))


def test_a_group_that_no_block_lists_is_refused(
    plant: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    block: Any = SimpleNamespace(build=pay_credit, tables=lambda m, values: {})
    monkeypatch.setattr(building, "BLOCKS", (*building.BLOCKS, block))
    with pytest.raises(ValueError, match="tax_credit: not in the MONEY of any block"):
        building.build(plant)
