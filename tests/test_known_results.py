"""Known results from the literature, and one by hand, through the public interface.

The scenarios stand in `scenarios/known`, each with what maps onto what in its description.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import circflow as cf

KNOWN = Path(__file__).parents[1] / "scenarios" / "known"


def solved(name: str) -> Any:
    scenario = cf.read(KNOWN / name)
    assert not scenario.warnings or all(p.severity == "warning" for p in scenario.warnings)
    solution = cf.solve(scenario)
    assert solution.status is cf.Status.OPTIMAL
    assert solution.audit.passed
    return solution


def _prices(solution: Any, kind: str, limit: str) -> Any:
    prices = solution.prices
    return prices[(prices["kind"] == kind) & (prices["limit"] == limit)]


def test_dantzig_s_transport_problem() -> None:
    solution = solved("dantzig")
    assert solution.objective == pytest.approx(-153.675, abs=1e-9)
    sent = solution.flows.groupby("to")["sent_per_year"].sum()
    assert sent.to_dict() == pytest.approx({"New York": 325, "Chicago": 300, "Topeka": 275})
    assert solution.totals["costs"]["transport"] == pytest.approx(153.675)
    # Marginals of the demands in GAMS's trnsport: 0.225, 0.153 and 0.126 thousand dollars.
    demand = _prices(solution, "market", "min_per_year").set_index("site")["value"]
    assert demand.to_dict() == pytest.approx(
        {"New York": -225_000, "Chicago": -153_000, "Topeka": -126_000}
    )


def test_nori_and_leets() -> None:
    solution = solved("nori-leets")
    assert solution.objective == pytest.approx(-32.1546, abs=5e-5)
    # Hillier and Lieberman, table 3.14.
    used = solution.tables.units.set_index("unit")["load_per_year"]
    assert used.to_dict() == pytest.approx(
        {
            "taller smokestacks, blast furnaces": 1.0,
            "taller smokestacks, open-hearth furnaces": 0.623,
            "filters, blast furnaces": 0.343,
            "filters, open-hearth furnaces": 1.0,
            "better fuels, blast furnaces": 0.048,
            "better fuels, open-hearth furnaces": 1.0,
        },
        abs=5e-4,
    )
    prices = solution.prices[solution.prices["kind"] == "emission limit"]
    worth = {row["limit"].split(",")[0]: row["value"] / 1e6 for _, row in prices.iterrows()}
    assert worth == pytest.approx(
        {"particulates": 0.11105, "SOx": 0.12682, "hydrocarbons": 0.06933}, abs=5e-6
    )
    emitted = solution.tables.emission_limits.set_index("pollutant")["emitted_per_year"]
    assert emitted.to_dict() == pytest.approx(
        {"particulates": -60, "SOx": -150, "hydrocarbons": -125}
    )


def test_two_brickworks_with_stock_carried_over() -> None:
    solution = solved("storage")
    assert solution.objective == pytest.approx(-7.49)
    stock = solution.stockpiles.set_index(["site", "period"])["closing"]
    assert stock.to_dict() == pytest.approx(
        {
            ("North", "2026"): 20,
            ("North", "2027"): 30,
            ("North", "2028"): 0,
            ("South", "2026"): 30,
            ("South", "2027"): 30,
            ("South", "2028"): 0,
        },
        abs=1e-6,
    )
    made = solution.activity.set_index(["unit", "period"])["activity_per_year"]
    assert made.to_dict() == pytest.approx(
        {
            ("North kiln", "2026"): 100,
            ("North kiln", "2027"): 100,
            ("North kiln", "2028"): 100,
            ("South kiln", "2026"): 20,
            ("South kiln", "2027"): 60,
            ("South kiln", "2028"): 60,
        }
    )
    costs = solution.totals["costs"]
    assert costs["processing"] == pytest.approx(6.4)
    assert costs["transport"] == pytest.approx(1.01)
    assert costs["stockpiles"] == pytest.approx(0.08)
