"""Robust plans: Bertsimas and Sim's portfolio, and a store of two goods by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import circflow as cf
from circflow.cli import main
from circflow.data.scenario import Scenario
from circflow.studies.errors import StudyError

Make = Callable[[dict[str, Any]], Scenario]
KNOWN = Path(__file__).parents[3] / "scenarios" / "known"
PUBLISHED = {
    0: 1.2,
    1: 1.186597,
    3: 1.177135,
    5: 1.170890,
    10: 1.160109,
    20: 1.147281,
    57: 1.126685,
}


def test_the_portfolio_of_bertsimas_and_sim() -> None:
    found = cf.robust(cf.read(KNOWN / "portfolio"), [float(g) for g in PUBLISHED], curve=False)
    worth = dict(zip(found.curve["gamma"], found.curve["worth"], strict=True))
    assert worth == pytest.approx(PUBLISHED, abs=5e-7)
    assert found.curve["price"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert len(found.rows) == 150


SHOP: dict[str, Any] = {
    "Scenario": {"auto_links": False},
    "Sites": [{"site": "Works", "member": "M"}],
    "Materials": [{"material": n, "category": "product"} for n in ("a", "b")],
    "Streams": [
        {"site": "Works", "material": n, "amount_per_year": 10, "must_handle": False} for n in "ab"
    ],
    "Markets": [
        {"site": "Works", "material": "a", "price": 3e6},
        {"site": "Works", "material": "b", "price": 2e6},
    ],
    "Ranges": [
        {"parameter": "Markets.price[material=a]", "low": 0.5, "high": 1.2},
        {"parameter": "Markets.price[material=b]", "change": "add", "low": -1e6, "high": 0},
        {"parameter": "Streams.amount_per_year", "low": 0.5, "high": 1},
        {"parameter": "Scenario.discount_rate", "change": "set", "low": 0, "high": 0.1},
    ],
}


def test_the_price_of_robustness_by_hand(make_scenario: Make) -> None:
    """30 + 20; the worst of one figure takes 15, of both 25 (a high side gains, and counts not)."""
    found = cf.robust(make_scenario(SHOP), [0.0, 0.5, 1.0, 2.0], curve=False)
    assert found.curve["worth"].tolist() == pytest.approx([50, 42.5, 35, 25])
    assert found.curve["nominal"].tolist() == pytest.approx([50] * 4)
    assert found.rows == ("Markets.price[material=a]", "Markets.price[material=b]")
    assert found.left_out == ("Scenario.discount_rate", "Streams.amount_per_year")


def test_on_the_command_line_and_what_is_refused(
    make_scenario: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StudyError, match="at least 0"):
        cf.robust(make_scenario(SHOP), -1.0)
    only = {**SHOP, "Ranges": SHOP["Ranges"][2:3]}
    with pytest.raises(StudyError, match="enters the objective alone"):
        cf.robust(make_scenario(only), 1.0)
    file = str(KNOWN / "farmer")
    assert main(["futures", file, "--budget-of-uncertainty", "1", "--outages", "units"]) == 2
    assert "needs no futures" in capsys.readouterr().err
    assert main(["futures", file, "--budget-of-uncertainty", "1"]) == 2
    assert "Ranges is empty" in capsys.readouterr().err
