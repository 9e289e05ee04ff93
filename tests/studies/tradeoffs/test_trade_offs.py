"""Tornado, trade-off curves, alternatives, exact ranges: against results found by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import circflow as cf
from circflow.cli import main
from circflow.data.scenario import Scenario
from circflow.studies.errors import StudyError
from circflow.studies.plots import pareto_plot, sweep_plot, tornado_plot
from circflow.studies.sweeps.sampling import given_ranges, sample_points
from circflow.studies.sweeps.tornado import Tornado
from circflow.studies.tradeoffs.pareto import Front

Make = Callable[[dict[str, Any]], Scenario]

# 10 t of slag a year: dumped at 1 RUB/t, or made into brick by Clean (earns 50 RUB/t, emits
# nothing, up to 4 t) or Dirty (earns 80 RUB/t, emits 2 t CO2 per t, up to 6 t).
CHOICE: dict[str, Any] = {
    "Sites": [{"site": "Works", "member": "M"}],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
        {"material": "block", "category": "product"},
    ],
    "Streams": [{"site": "Works", "material": "slag", "amount_per_year": 10}],
    "Recipes": [
        {"technology": "clean", "role": "input", "material": "slag", "amount": 1},
        {"technology": "clean", "role": "output", "material": "brick", "amount": 1},
        {"technology": "dirty", "role": "input", "material": "slag", "amount": 1},
        {"technology": "dirty", "role": "output", "material": "block", "amount": 1},
    ],
    "Units": [
        {"unit": "Clean", "site": "Works", "technology": "clean", "capacity_per_year": 4},
        {"unit": "Dirty", "site": "Works", "technology": "dirty", "capacity_per_year": 6},
    ],
    "Markets": [
        {"site": "Works", "material": "brick", "price": 50},
        {"site": "Works", "material": "block", "price": 80},
    ],
    "Disposal": [{"site": "Works", "fee": 1}],
    "EmissionFactors": [{"kind": "recipe", "key": "dirty", "pollutant": "CO2", "factor": 2}],
    "Ranges": [
        {"parameter": "Markets.price[material=block]", "low": 0.5, "high": 1.5},
        {"parameter": "Markets.price[material=brick]", "low": 0.9, "high": 1.1},
        {"parameter": "Streams.amount_per_year", "change": "add", "low": -1, "high": 1},
    ],
}
MILLION = 1e6
DANTZIG = str(Path(__file__).parents[3] / "scenarios" / "known" / "dantzig")


@pytest.fixture(scope="module")
def choice(make_scenario: Make) -> Scenario:
    return make_scenario(CHOICE)


@pytest.fixture(scope="module")
def storm(choice: Scenario) -> Tornado:
    return cf.tornado(choice)


@pytest.fixture(scope="module")
def front(choice: Scenario) -> Front:
    return cf.pareto(choice, ("value", "emission:CO2"), points=4)


# --------------------------------------------------------------------------- tornado


def test_a_tornado_ranks_by_effect(storm: Tornado) -> None:
    study = storm
    assert study.base * MILLION == pytest.approx(4 * 50 + 6 * 80)
    table = study.table.set_index("parameter")
    assert study.table["parameter"].tolist() == [
        r["parameter"] for r in (CHOICE["Ranges"][0], CHOICE["Ranges"][2], CHOICE["Ranges"][1])
    ]
    block = table.loc["Markets.price[material=block]"]
    assert block["low_effect_million"] * MILLION == pytest.approx(-6 * 40)
    assert block["high_effect_million"] * MILLION == pytest.approx(6 * 40)
    amount = table.loc["Streams.amount_per_year"]
    assert amount["low_effect_million"] * MILLION == pytest.approx(-50)
    assert amount["high_effect_million"] * MILLION == pytest.approx(-1)


def test_a_tornado_of_a_sheet_varies_every_figure(choice: Scenario) -> None:
    study = cf.tornado(cf.read(DANTZIG), sheets=["Modes"], share=0.1)
    assert study.table["parameter"].tolist() == ["Modes.cost_per_unit_km[mode=freight]"]
    assert study.table["swing_million"].to_numpy() == pytest.approx([0.2 * 153.675])
    with pytest.raises(StudyError, match="did you mean 'Markets'"):
        cf.tornado(choice, sheets=["Market"])


# --------------------------------------------------------------------------- trade-offs


def test_a_curve_has_the_cost_of_a_tonne(front: Front) -> None:
    emitted = front.table["emission:CO2 (t)"].to_numpy()
    assert emitted == pytest.approx([12, 8, 4, 0], abs=1e-4)
    value = front.table["value (million RUB)"].to_numpy() * MILLION
    # Every tonne less is half a tonne of slag dumped at 1 rather than sold at 80.
    assert value == pytest.approx([680 - 40.5 * (12 - e) for e in emitted], abs=1e-2)
    assert front.table["marginal_cost"].to_numpy()[1:3] == pytest.approx([40.5, 40.5])
    assert front.table["average_cost"].to_numpy()[1:] == pytest.approx([40.5] * 3, rel=1e-4)
    assert set(front.table["cost_unit"]) == {"RUB per t"}


def test_goals_without_conflict_make_one_point(choice: Scenario) -> None:
    front = cf.pareto(choice, ("value", "disposed"), points=5)
    assert len(front.table) == 1


def test_a_curve_with_decisions_has_no_dominated_points(make_scenario: Make) -> None:
    sheets = {**CHOICE, "Units": [dict(u) for u in CHOICE["Units"]]}
    sheets["Units"][0] |= {"status": "candidate", "capex_million": 1e-5, "lifetime_years": 1}
    front = cf.pareto(make_scenario(sheets), ("value", "disposed"), points=5)
    value = front.table.iloc[:, 1].to_numpy()
    waste = front.table.iloc[:, 2].to_numpy()
    assert (np.diff(value) < 0).all()
    assert (np.diff(waste) < 0).all()


@pytest.mark.parametrize(
    ("trade", "message"),
    [
        (("value", "value"), "two different goals"),
        (("value", "CO2"), "did you mean|goals are"),
        (("value", "emission:SO2"), "no goal"),
    ],
)
def test_goals_that_do_not_exist(choice: Scenario, trade: tuple[str, str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        cf.pareto(choice, trade)


def test_without_a_plan_there_is_no_curve(make_scenario: Make) -> None:
    sheets = {**CHOICE, "Disposal": [{"site": "Works", "fee": 1, "capacity_per_year": 0}]}
    sheets["Streams"] = [{"site": "Works", "material": "slag", "amount_per_year": 11}]
    scenario = make_scenario(sheets)
    for ask in (cf.pareto, cf.near_optimal):
        with pytest.raises(cf.NoPlan):
            ask(scenario)


# --------------------------------------------------------------------------- alternatives


def test_ranges_of_units_among_good_plans(choice: Scenario) -> None:
    found = cf.near_optimal(choice, within=0.25)
    units = found.units.set_index("unit")
    # 25 % of 680 are 170: Clean may lose all 4 t (51 each are 204: no, 170/51 = 3.33 t).
    assert units.loc["Clean", "lowest"] == pytest.approx(4 - 170 / 51, rel=1e-5)
    assert units.loc["Dirty", "lowest"] == pytest.approx(6 - 170 / 81, rel=1e-5)
    assert units["highest"].tolist() == pytest.approx([4, 6])
    assert set(units["verdict"]) == {"in every good plan"}
    assert found.table["objective_million"].min() * MILLION >= 510 - 1e-3
    assert all(plan.audit.passed for plan in found.plans)
    loose = cf.near_optimal(choice, within=0.35).units.set_index("unit")
    assert loose.loc["Clean", "verdict"] == "in some"


# --------------------------------------------------------------------------- exact ranges


def test_break_points_of_a_price(choice: Scenario) -> None:
    pieces = cf.break_points(choice, "Markets.price[material=brick]", -10, 60, how="set")
    # Below the fee that is saved, −1, brick is not made.
    assert pieces["from"].tolist() == pytest.approx([-10, -1])
    assert (pieces["slope_million"] * MILLION).tolist() == pytest.approx([0, 4])


def test_break_points_of_an_amount(choice: Scenario) -> None:
    pieces = cf.break_points(choice, "Streams.amount_per_year", 0, 20, how="set")
    assert pieces["to"].tolist() == pytest.approx([6, 10, 20])
    assert (pieces["slope_million"] * MILLION).tolist() == pytest.approx([80, 50, -1])


def test_ranges_and_break_points_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, price = "scenarios/tutorial", "Markets.price[material=bricks]"
    assert main(["ranges", file, price, "--json", "-", "--quiet"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["ranges"]
    assert main(["breakpoints", file, f"{price}*=0.5:1.5", "--fix", "--json", "-", "-q"]) == 0
    pieces = json.loads(capsys.readouterr().out)["pieces"]
    assert row["moves"] == "costs"
    assert row["from_factor"] in [pytest.approx(p["from"]) for p in pieces]
    factors = [row["from_factor"] - 0.01, row["from_factor"] + 0.01, 1.0]
    runs = cf.sweep(cf.read(file), {price: factors}, decisions="fixed").table["objective_million"]
    line = [runs[2] + row["slope_million"] * (factor - 1.0) for factor in factors]
    assert runs[1] == pytest.approx(line[1], rel=1e-9)
    assert runs[0] > line[0] + 0.01
    assert main(["breakpoints", file, f"{price}*=0.5"]) == 2
    assert "two numbers" in capsys.readouterr().err


def test_ranges_hold_where_prices_do(choice: Scenario) -> None:
    less = choice.change({"Streams.amount_per_year": 8})
    named = ["Streams.amount_per_year", "Markets.price[material=block]"]
    table = cf.ranges(less, named, within=0.5).set_index("parameter")
    amount = table.loc["Streams.amount_per_year"]
    assert (amount["price"], amount["from"], amount["to"]) == pytest.approx((50, 6, 10))
    block = table.loc["Markets.price[material=block]"]
    # Below the price of brick, blocks are made last.
    assert (block["from"], block["to"]) == pytest.approx((50, 120))
    assert block["reaches_high"]
    assert not block["reaches_low"]


def test_ranges_are_the_same_on_workers(choice: Scenario) -> None:
    more = choice.change({"Streams.amount_per_year": 8})
    named = ["Streams.amount_per_year", "Markets.price", "Recipes.amount", "Units.site"]
    told: list[str] = []
    one, two = (cf.ranges(more, named, jobs=jobs, progress=told.append) for jobs in (1, 2))
    assert told[-1].startswith("figures: 3 of 3")
    pd.testing.assert_frame_equal(one, two)
    assert one["moves"][:2].tolist() == ["limits", "costs"]
    assert one["moves"][2:].isna().all()
    assert "sweep it" in one["reason"][2]
    assert "not a number" in one["reason"][3]


def test_what_moves_more_than_limits_has_no_range(choice: Scenario) -> None:
    table = cf.ranges(choice, ["Recipes.amount[role=input]"])
    assert "sweep it" in table["reason"][0]
    with pytest.raises(StudyError, match="sweep it"):
        cf.break_points(choice, "Recipes.amount", 0.5, 2)


# --------------------------------------------------------------------------- samples


def test_quantiles_of_distributions(choice: Scenario) -> None:
    price = "Markets.price[material=block]"
    for distribution, mean in (("normal", 1.1), ("lognormal", np.sqrt(0.8 * 1.4))):
        ranges = given_ranges(choice, {price: (0.8, 1.4, distribution)})
        values = np.array(sample_points(ranges, 4000, seed=1).points)[:, 0]
        assert np.quantile(values, [0.05, 0.5, 0.95]) == pytest.approx([0.8, mean, 1.4], abs=2e-3)
    ranges = given_ranges(choice, {price: (0.8, 1.4, "triangular")})
    values = np.array(sample_points(ranges, 4000, seed=1).points)[:, 0]
    expected = stats.triang(1 / 3, 0.8, 0.6)
    assert stats.kstest(values, expected.cdf).statistic < 0.005


def test_samples_are_repeatable_and_stratified(choice: Scenario) -> None:
    ranges = given_ranges(choice, {"Disposal.fee": (0, 1), "Markets.price": (0, 1)})
    for method in ("lhs", "sobol", "random"):
        one = sample_points(ranges, 64, method=method, seed=5)
        assert one.points == sample_points(ranges, 64, method=method, seed=5).points
        assert one.points != sample_points(ranges, 64, method=method, seed=6).points
    points = np.array(sample_points(ranges, 64, seed=5).points)
    assert np.allclose(points, stats.qmc.LatinHypercube(2, rng=5).random(64), rtol=1e-15)
    assert all(sorted((points[:, n] * 64).astype(int)) == list(range(64)) for n in range(2))


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"Disposal.fee": (2, 1)}, "no range"),
        ({"Disposal.fee": (1,)}, "low, high"),
        ({"Disposal.fee": (0, 1, "lognormal")}, "above 0"),
        ({"Disposal.fee": (0, 1, "norml")}, "did you mean 'normal'"),
        ({"Disposal.fee": ("a", 1)}, "must be numbers"),
        ({}, "nothing is varied"),
    ],
)
def test_ranges_that_are_none(choice: Scenario, ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        cf.sample(choice, 3, ranges=ranges)


# --------------------------------------------------------------------------- plots


def test_plots_are_whole_and_name_their_units(
    choice: Scenario, storm: Tornado, front: Front, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    line = cf.sweep(choice, {"Markets.price[material=block]": [0.5, 1, 2]}, check_every=None)
    for figure, unit in (
        (sweep_plot(line), "objective, million RUB"),
        (tornado_plot(storm), "million RUB"),
        (pareto_plot(front), "emission:CO2 (t)"),
    ):
        page = tmp_path / "page.html"
        figure.write(page)
        text = page.read_text(encoding="utf-8")
        assert unit.split(",")[0].split("(")[0].strip() in text
        assert "<svg" in text
        assert text.count("<script") == 1  # the page's own, for its table
        assert "http://" not in text.replace("http://www.w3.org", "").replace(
            "http://purl.org", ""
        ).replace("http://creativecommons.org", "")
        figure.write(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
        labels = [figure.drawn.axes[0].get_xlabel(), figure.drawn.axes[0].get_ylabel()]
        assert any(unit in label for label in labels)


# --------------------------------------------------------------------------- commands


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_the_command_sweeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs.csv"
    vary = ["--vary", "Links.distance_km*=0.5:1.5:3", "--vary", "Modes.cost_per_unit_km=90;180"]
    assert run("sweep", DANTZIG, *vary, "-o", out, "-q") == 0
    import pandas as pd

    table = pd.read_csv(out, encoding="utf-8-sig")
    # 153.675 thousand dollars; the currency is a thousandth of that.
    costs = -table["objective_million"].to_numpy()
    assert costs == pytest.approx(153.675 * np.array([0.5, 1, 1, 2, 1.5, 3]))
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]
    assert capsys.readouterr().out == ""


def test_the_command_trades_and_finds_alternatives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    assert run("pareto", DANTZIG, "--trade", "value", "jobs", "--json", "-", "-q") == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 1
    assert run("alternatives", DANTZIG, "-o", tmp_path / "a.xlsx", "-q") == 0
    assert (tmp_path / "a.xlsx").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", DANTZIG], "say what to vary"),
        (["sweep", DANTZIG, "--study", "x", "--sample", "3"], "stands alone"),
        (["sweep", DANTZIG, "--study", "x"], "no study 'x'"),
        (["sweep", DANTZIG, "--sample", "3"], "Ranges is empty"),
        (["sweep", DANTZIG, "--vary", "Links.distance_km"], "not an assignment"),
        (["sweep", DANTZIG, "--vary", "Links.distance_km=1:2"], "distance_km"),
        (["sweep", DANTZIG, "--vary", "Links.km=1;2"], "no column 'km'"),
        (["sweep", DANTZIG, "--study", "x", "-o", "runs.doc"], "must end in"),
        (["tornado", DANTZIG, "--sheet", "Linkz"], "did you mean 'Links'"),
        (["pareto", DANTZIG, "--trade", "value", "gold"], "no goal 'gold'"),
    ],
)
def test_wrong_use_is_one_plain_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments]) == 2
    told = capsys.readouterr().err.splitlines()
    errors = [line for line in told if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []
