"""Public finance: hand figures of every base, members' own rates, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from circflow.cli import main
from circflow.data.check import check
from circflow.data.scenario import Scenario
from circflow.solver.run import solve
from circflow.studies.bench.engine import Engine
from circflow.studies.finance import by_candidate, finance

Make = Callable[..., Scenario]
TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"

REGION: dict[str, Any] = {
    "Periods": [{"period": "a", "years": 1}, {"period": "b", "years": 3}],
    "Sites": [{"site": "Works", "member": "M"}, {"site": "Yard", "member": "N"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "dust", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Streams": [
        {"site": "Works", "material": "slag", "amount_per_year": 100},
        {"site": "Yard", "material": "dust", "amount_per_year": 10},
    ],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "Units": [
        {
            "unit": "Kiln",
            "site": "Works",
            "technology": "kiln",
            "capacity_per_year": 60,
            "status": "candidate",
            "earliest_period": "b",
            "capex_million": 80,
            "lifetime_years": 4,
            "jobs": 50,
        }
    ],
    "Markets": [{"site": "Works", "material": "brick", "price": 1e6}],
    "Disposal": [{"site": "Works", "fee": 1e5}, {"site": "Yard", "fee": 2e5}],
    "EmissionFactors": [{"kind": "recipe", "pollutant": "CO2", "factor": 2}],
    "EmissionLimits": [{"pollutant": "CO2", "scope": "cluster", "price": 1e5}],
    "Taxes": [
        {"tax": "profit", "base": "profit", "budget": "federal", "rate": 0.1},
        {"tax": "profit", "base": "profit", "budget": "regional", "rate": 0.2},
        {"tax": "profit", "base": "profit", "budget": "regional", "rate": 0.05, "member": "M"},
        {"tax": "sales", "base": "income", "budget": "federal", "rate": 0.01},
        {"tax": "property", "base": "property", "budget": "regional", "rate": 0.02},
        {"tax": "wages", "base": "job", "budget": "regional", "rate": 1e5},
        {"tax": "ore", "base": "taken", "budget": "federal", "rate": 1e4, "material": "slag"},
        {"tax": "dump", "base": "disposed", "budget": "municipal", "rate": 3e4},
        {"tax": "fee", "base": "disposal_fee", "budget": "municipal", "rate": 0.6},
        {"tax": "carbon", "base": "emission_charge", "budget": "federal", "rate": 1},
    ],
}
"""From b on 60 of brick (60 million), 40 dumped; charge of 20 million, emission charge 12."""


def test_every_base_by_hand(make_scenario: Make) -> None:
    table = finance(make_scenario(REGION))
    key = ["tax", "budget", "member", "period"]
    rows = {tuple(r[k] for k in key): r["million_per_year"] for r in table.to_dict("records")}
    profit = 60 - 20 - 12 - 40 * 0.1
    hand = {
        ("profit", "federal", "M", "b"): 0.1 * profit,
        ("profit", "regional", "M", "b"): 0.05 * profit,
        ("profit", "federal", "M", "a"): 0.0,  # a loss of 10
        ("profit", "regional", "N", "b"): 0.0,
        ("profit", "federal", None, None): 0.1 * profit * 3 / 4,
        ("sales", "federal", "M", "b"): 0.6,
        # written down over four years: 70, 50, 30 million in the middle of the first three
        ("property", "regional", "M", "b"): 0.02 * (70 + 50 + 30) / 3,
        ("property", "regional", None, "a"): 0.0,
        ("wages", "regional", "M", "b"): 5.0,
        ("wages", "regional", None, None): 5.0 * 3 / 4,
        ("ore", "federal", "M", "a"): 1.0,
        ("ore", "federal", "N", "a"): 0.0,
        ("dump", "municipal", "M", "b"): 1.2,
        ("dump", "municipal", None, "b"): 1.5,
        ("fee", "municipal", "N", "b"): 0.6 * 2,
        ("carbon", "federal", "M", "b"): 12.0,
    }
    assert {k: rows[k] for k in hand} == pytest.approx(hand)


def test_places_outside_pay_the_general_rate(make_scenario: Make) -> None:
    region = REGION | {
        "Sites": [*REGION["Sites"], {"site": "Village"}],
        "Streams": [
            *REGION["Streams"], {"site": "Village", "material": "dust", "amount_per_year": 5}
        ],
        "Disposal": [*REGION["Disposal"], {"site": "Village", "fee": 1e5}],
    }  # fmt: skip
    table = finance(make_scenario(region))
    row = table[(table["tax"] == "dump") & table["member"].isna() & (table["period"] == "b")]
    assert row["million_per_year"].item() == pytest.approx(1.5 + 0.15)


def test_against_the_baseline_and_by_candidate(make_scenario: Make) -> None:
    scenario = make_scenario(REGION)
    table = finance(scenario)
    row = table[(table["tax"] == "dump") & table["member"].isna() & (table["period"] == "b")]
    assert row[["baseline", "change"]].iloc[0].tolist() == pytest.approx([3.3, -1.8])
    by_unit = by_candidate(Engine(), solve(scenario))
    brought = dict(zip(by_unit["budget"], by_unit["million_per_year"], strict=True))
    horizon = table[table["member"].isna() & table["period"].isna()]
    # the one candidate brings all that the plan brings
    assert brought == pytest.approx(horizon.groupby("budget")["change"].sum().to_dict())


def _folder(home: Path, rows: str) -> Path:
    target = home / "region"
    target.mkdir()
    for file in TUTORIAL.glob("*.csv"):
        (target / file.name).write_bytes(file.read_bytes())
    header = "tax,base,material,member,budget,rate\n"
    (target / "Taxes.csv").write_text(header + rows, encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("rows", "cell", "words"),
    [
        ("profit,profit,,,federal,20\n", "Taxes!F2", "20 % is written 0.2"),
        ("profit,profit,slag,,federal,0.2\n", "Taxes!C2", "clear the cell"),
        ("t,profit,,,federal,0.2\nt,job,,,regional,3\n", "Taxes!B3", "one base"),
        ("t,profit,,,state,0.2\n", "Taxes!E2", "federal, regional, municipal"),
        ("t,profit,,,federal,0.2\nt,profit,,,federal,0.1\n", "Taxes!A3", "t"),
    ],
)
def test_what_cannot_be_is_told_at_its_cell(
    tmp_path: Path, rows: str, cell: str, words: str
) -> None:
    problems = [p for p in check(_folder(tmp_path, rows)) if str(p.cell) == cell]
    assert problems, f"nothing said of {cell}"
    assert words in " ".join(f"{p.message} {p.expected}" for p in problems)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _folder(tmp_path, "wages,job,,,regional,1000000\n")
    page = tmp_path / "f.html"
    assert main(["finance", str(source), "--candidates", "-o", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "regional budget" in printed
    assert "What each unit that is built brings" in printed
    assert page.exists()
    assert main(["finance", str(TUTORIAL)]) == 2
    assert "Taxes" in capsys.readouterr().err
