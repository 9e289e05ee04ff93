"""Suggestions against figures worked out by hand, and against `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import circflow as cf
from circflow.cli import cli
from circflow.data.scenario import Scenario
from circflow.library import Library
from circflow.studies.errors import StudyError

Make = Callable[..., Scenario]
MILLION = 1e6


def test_one_mill_by_hand(make: Make, library: Library) -> None:
    """Per tonne of slag, at 2 RUB a dollar: 0.9 t sold at 100, carried 10 km at 1, 5 of dumping
    saved, 0.1 MWh at 20, 4 to run: 81 + 5 − 2 − 4 = 80. Capital: 0.04 million over 10 years and
    1,000 t: 4. So the first tonne is worth 76, and 1,000 t of the one year 0.076 million."""
    found = cf.suggest(make(), library, rates=["USD=2"], jobs=1)
    best = found.table.iloc[0]
    assert (best["technology"], best["site"], best["pays"]) == ("milling", "Works", True)
    assert best["first_tonne_value"] == pytest.approx(76.0)
    assert best["first_tonne_least"] == pytest.approx(76.0)
    assert found.objective == pytest.approx(-5000 / MILLION)
    assert best["gain"] == pytest.approx(76_000 / MILLION)
    assert best["objective_with"] == pytest.approx(71_000 / MILLION)
    assert best["capex_million"] == pytest.approx(0.04)
    assert best["break_even_capex_million"] == pytest.approx(0.04 + 0.076 * 10)
    assert (best["gate_fee"], best["load_share"]) == ("slag", pytest.approx(1.0))
    assert best["break_even_gate_fee"] == pytest.approx(-76.0)
    assert best["gains_most"] == "Metall"
    assert found.portfolio_gain == pytest.approx(76_000 / MILLION)
    flows = found.flows[found.flows["unit"] == best["unit"]].set_index("material")
    assert flows["amount_per_year"].to_dict() == pytest.approx(
        {"slag": 1000.0, "electricity": 100.0, "GGBS": 900.0}
    )


def test_a_product_without_a_market_is_told_with_the_price_it_needs(
    make: Make, library: Library
) -> None:
    """Sorting: 5 of dumping saved, 2 to run, 4 of capital, 0.5 t of pebbles: they must bring 2."""
    found = cf.suggest(make(), library, rates=["USD=2"], jobs=1)
    assert "sorting" not in set(found.table["technology"])
    row = found.no_market.iloc[0]
    assert (row["technology"], row["product"]) == ("sorting", "pebbles")
    assert row["needed_price"] == pytest.approx(2.0)
    assert row["usual_price"] == pytest.approx(60.0)


def test_what_almost_pays_says_what_is_missing(make: Make, library: Library) -> None:
    """Melting: 90 + 5 a tonne before capital of 600."""
    found = cf.suggest(make(), library, rates=["USD=2"], jobs=1)
    row = found.almost.set_index("technology").loc["melting"]
    assert row["first_tonne_value"] == pytest.approx(95.0 - 600.0)
    assert row["missing"] == "capital: 505 RUB more per unit would pay it"


def test_the_plan_prices_count_not_those_of_the_market(make: Make, library: Library) -> None:
    """A full market: nothing of what is sold to the last tonne may be sold for its price."""
    markets = "site,material,price,max_per_year\nTown,GGBS,100,450\n"
    found = cf.suggest(make(Markets=markets), library, rates=["USD=2"], jobs=1)
    best = found.table.iloc[0]
    # 500 t of 1,000: the first tonne earns 76 + 4 of capital at full load, the plant half of that
    assert best["gain"] == pytest.approx((500 * 80 - 4000) / MILLION)
    assert best["gain"] <= best["first_tonne_value"] * 1000 / MILLION
    assert best["load_share"] == pytest.approx(0.5)


def test_the_gain_is_what_evaluate_finds_in_the_written_workbook(
    make: Make, library: Library, tmp_path: Path
) -> None:
    found = cf.suggest(make(), library, rates=["USD=2"], jobs=1, break_evens=False)
    found.write_scenario(tmp_path / "written.xlsx")
    written = cf.read(tmp_path / "written.xlsx")
    units = found.table["unit"].tolist()
    verdicts = cf.evaluate(written, units, together=False, risks=False, break_evens=False)
    value = verdicts.table.set_index("unit")["value_million"]
    for row in found.table.to_dict("records"):
        assert value[row["unit"]] == pytest.approx(row["value"], abs=1e-6)
    sources = written.frame("Sources")
    assert dict(sources[["id", "reference"]].to_numpy()) == {"library BOOK": "A handbook"}


def test_without_a_rate_it_asks_for_one(make: Make, library: Library) -> None:
    with pytest.raises(StudyError, match="USD of 2023"):
        cf.suggest(make(), library)


def test_the_rates_may_stand_in_the_scenario(make: Make, library: Library) -> None:
    scenario = make(Scenario="key,value\nname,Works\nauto_links,no\nrates,USD 2023 = 2; EUR = 3\n")
    found = cf.suggest(scenario, library, jobs=1, break_evens=False)
    assert found.table["gain"].iloc[0] == pytest.approx(76_000 / MILLION)


def test_the_command_writes_its_json(make: Make, library: Library, tmp_path: Path) -> None:
    make()
    source = next(p for p in tmp_path.iterdir() if p.name.startswith("scenario"))
    command = ["suggest", str(source), "--library", str(tmp_path / "library"), "--rate", "USD=2"]
    run = CliRunner().invoke(cli, [*command, "--json", "-"], catch_exceptions=False)
    told = json.loads(run.stdout)
    assert told["objective"] == pytest.approx(-0.005)
    first = told["suggestions"][0]
    assert first["gain"] == pytest.approx(0.076)
    assert first["inputs"][0]["material"] == "slag"
    assert first["outputs"] == [
        {"material": "GGBS", "amount_per_year": pytest.approx(900.0), "unit_of_measure": "t"}
    ]
    assert told["portfolio"]["gain"] == pytest.approx(0.076)
    assert told["portfolio"]["built"][0]["unit"] == first["unit"]


def test_shown_on_the_terminal(make: Make, library: Library, tmp_path: Path) -> None:
    make()
    source = next(p for p in tmp_path.iterdir() if p.name.startswith("scenario"))
    command = ["suggest", str(source), "--library", str(tmp_path / "library"), "--rate", "USD=2"]
    run = CliRunner().invoke(cli, [*command, "-o", str(tmp_path / "out.xlsx")])
    assert run.exit_code == 0
    assert "milling" in run.stdout and "hangs on: the price of electricity" in run.stdout
    assert "capital: 505 RUB more per unit would pay it" in run.stdout
    assert (tmp_path / "out.xlsx").exists()
