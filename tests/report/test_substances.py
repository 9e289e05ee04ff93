"""Substances in the workbook, on the page and as a diagram."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.report.page.plan import plan_page
from circflow.report.substances import substance_flows
from circflow.report.workbook import tables_of

Make = Callable[[dict[str, Any]], Scenario]

SHEETS: dict[str, Any] = {
    "Sites": [{"site": "Works", "member": "A"}],
    "Materials": [
        {"material": "ore", "category": "waste", "stage": "mining"},
        {"material": "iron", "category": "product"},
    ],
    "Streams": [{"site": "Works", "material": "ore", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "mill", "role": "input", "material": "ore", "amount": 1},
        {"technology": "mill", "role": "output", "material": "iron", "amount": 0.3},
    ],
    "Properties": [
        {"material": "ore", "property": "Fe", "value": 40},
        {"material": "iron", "property": "Fe", "value": 100},
        {"material": "ore", "property": "<S>", "value": 1},
    ],
    "PropertyKinds": [
        {"property": "Fe", "kind": "substance", "basis": "moist"},
        {"property": "<S>", "kind": "substance", "basis": "moist"},
    ],
    "Units": [{"unit": "Mill", "site": "Works", "technology": "mill", "capacity_per_year": 60}],
    "Markets": [{"site": "Works", "material": "iron", "price": 90}],
    "Disposal": [{"site": "Works", "fee": 1}],
}


def test_they_stand_in_workbook_and_page(make_scenario: Make) -> None:
    plan = cf.solve(make_scenario(SHEETS))
    assert {"Recovered", "Substances"} <= set(tables_of(plan))
    page = plan_page(plan).html()
    assert "Recovered of what arises" in page
    assert "<S>" not in page
    plain = cf.solve(make_scenario({**SHEETS, "PropertyKinds": []}))
    assert plain.substances.empty
    assert plain.recovered.empty
    assert "Substances" not in tables_of(plain)
    assert "Recovered of what arises" not in plan_page(plain).html()


def test_what_enters_a_node_leaves_it(make_scenario: Make) -> None:
    figure = substance_flows(cf.solve(make_scenario(SHEETS)))
    assert figure is not None
    assert [words for _, words in figure.controls[0][1]] == ["Fe", "<S>"]
    (data,) = figure.views["s0"]["data"]
    names, link = data["node"]["label"], data["link"]
    bands = {
        (names[tail], names[head]): size
        for tail, head, size in zip(link["source"], link["target"], link["value"], strict=True)
    }
    assert bands == pytest.approx(
        {
            ("arises", "ore"): 40.0,
            ("ore", "disposed of"): 16.0,
            ("ore", "Mill"): 24.0,
            ("Mill", "iron"): 18.0,
            ("Mill", "lost by units"): 6.0,
            ("iron", "sold"): 18.0,
        }
    )
