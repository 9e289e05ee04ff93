"""What study pages say first, by hand; and that nothing of them is noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import circflow as cf
from circflow.cli import main
from circflow.commands.cluster import sharing_lines
from circflow.commands.common import print_table
from circflow.data.scenario import Scenario
from circflow.report.figures import best_chains
from circflow.report.numbers import number, without_noise
from circflow.report.page.comparison import comparison_opening
from circflow.report.page.frame import Assessment, Card, Cards, Points, Section, Text
from circflow.report.page.plan import plan_page
from circflow.report.page.runs import (
    alternatives_opening,
    pareto_opening,
    ranges_opening,
    runs_opening,
    tornado_opening,
)
from circflow.report.page.sharing import chosen, core_words, sharing_opening
from circflow.report.page.verdicts import verdicts_opening
from circflow.report.study_tables import write_tables
from circflow.report.workbook import totals_table

Make = Callable[[dict[str, Any]], Scenario]
TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"


def lead(sections: list[Section]) -> str:
    return next(b.text for b in sections[0].blocks if isinstance(b, Text) and b.style == "lead")


def cards(sections: list[Section]) -> dict[str, str]:
    made: list[Card] = []
    for block in sections[0].blocks:
        if isinstance(block, Cards):
            made += [card for card in block.cards if isinstance(card, Card)]
    return {card.title: card.shown for card in made}


@pytest.fixture(scope="module")
def tutorial() -> Scenario:
    return cf.read(TUTORIAL)


def test_a_page_opens_with_its_answer_and_folds_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    tables = {"verdicts": pd.DataFrame({"unit": ["Mill"], "value_million": [1.0]})}
    opening = [Section("The answer", [Text("Build it.", "lead")])]
    write_tables(tables, path, currency="RUB", title="Plants", opening=opening)
    page = path.read_text(encoding="utf-8")
    body = page[page.index("<main") :]
    assert body.index("Build it.") < body.index("Every table") < body.index("Verdicts (1 row)")
    assert "<details" in body[body.index("Every table") :]
    assert "position: sticky; left: 0" in page  # the first column stays where a table scrolls


def test_verdicts_open_with_the_answer_and_a_card_per_plant(tutorial: Scenario) -> None:
    found = cf.evaluate(tutorial, jobs=1)
    words = {"Brick plant": found.words("Brick plant")}
    sections = verdicts_opening(found.tables(), words, "RUB")
    assert lead(sections).startswith(
        "Build 1 of 1 candidates: Brick plant. The cluster gains most from Brick plant: 16.5 "
    )
    assert cards(sections)["Their capital"] == "60"
    (card,) = sections[1].blocks
    assert isinstance(card, Assessment)
    assert card.verdict == ("build", "good")
    assert card.facts[0] == ("Value to the cluster", "16.5 million RUB")
    # 60 + 165 of capital, 1 200 - 314 a tonne of bricks, 330 a tonne of ash
    assert card.lines[0].startswith("Stands until its capital rises 275")
    assert card.lines[1].startswith("Stands until the price of bricks falls 26.2")
    assert card.lines[2] == "Could pay up to 330 RUB per t for fly ash."
    assert card.lines[3].startswith("Gain with it") and "Energo +16.5" in card.lines[3]


def test_sharing_opens_with_the_gain_and_the_rule(tutorial: Scenario) -> None:
    found = cf.share(tutorial)
    sections = sharing_opening(found.tables(), "RUB")
    assert lead(sections).startswith("Together the 3 members gain 67.3 million RUB.")
    assert "We would share it by the Shapley value" in lead(sections)
    assert cards(sections)["Rules that hold every group"] == "4"
    titles = [section.title for section in sections]
    assert titles[1:5] == [
        "Why it gains",
        "What each member gets",
        "Would a group leave?",
        "Who pays whom",
    ]
    leave = sections[3].blocks[0]
    assert isinstance(leave, Points)
    assert leave.points[-1][1] == "Metall and Cement would do 9.27 million RUB better on their own."


def test_the_core_test_in_words() -> None:
    core = pd.DataFrame(
        [
            ("owen", "no", "KOKS, AZOT, A, B, C, D", 1874.0, 0.0),
            ("nucleolus", "no", "KOKS, AZOT", 3.0, 0.0),
            ("equal", "unknown", "KOKS", 2.0, 0.0),
        ],
        columns=["rule", "in_core", "group", "lacks_million", "could_gain_million"],
    )
    owen, nucleolus, equal = core_words(core, "RUB")
    thin = "\u202f"
    better = f"would do 1{thin}874 million RUB better on their own."
    assert owen[1] == f"KOKS, AZOT and four others {better}"
    assert nucleolus[1] == "KOKS and AZOT would do 3 million RUB better on their own."
    assert equal[1] == "Not known: the search was stopped."
    rule, why = chosen(core.iloc[:2], {"core_empty": "yes", "subsidy_million": 3.5}, "RUB")
    assert rule == "nucleolus"
    assert "3.5 million RUB from outside would hold them all" in why


def test_a_sample_says_quantiles_chance_of_gain_and_what_is_built() -> None:
    table = pd.DataFrame({"run": range(5), "x": 1.0, "objective_million": [-10.0, 0, 10, 20, None]})
    built = pd.DataFrame(
        {"run": [0, 1, 2, 3, 2], "unit": [*["Mill"] * 4, "Press"], "built": 1.0,
         "capacity_per_year": 5.0}
    )  # fmt: skip
    sections = runs_opening(table, built, ["x"], "RUB")
    told = cards(sections)
    # of -10, 0, 10, 20: a twentieth of the way is -8.5
    assert [told[k] for k in ("Low (P5)", "Middle (P50)", "High (P95)")] == ["−8.5", "5", "18.5"]
    assert told["Chance of gain"].startswith("50.0")
    assert told["Runs without a plan"] == "1"
    assert "In every run: Mill" in lead(sections) or "Built in every run: Mill" in lead(sections)
    frame = sections[1].blocks[0].frame  # type: ignore[attr-defined]
    assert frame[["unit", "share"]].to_numpy().tolist() == [["Mill", 1.0], ["Press", 0.25]]


def test_a_tornado_says_what_matters_most() -> None:
    table = pd.DataFrame(
        {"parameter": ["price", "tariff"], "low_million": [-5.0, 18.0],
         "high_million": [45.0, 22.0], "swing_million": [50.0, 4.0]}
    )  # fmt: skip
    sections = tornado_opening(table, 20.0, "RUB")
    assert "It depends most on price: between its low and its high the worth moves by 50" in lead(
        sections
    )
    assert cards(sections)["Turn it negative"] == "1"


def test_a_trade_off_says_its_ends_and_its_price() -> None:
    table = pd.DataFrame(
        {"value (million RUB)": [40.0, 10.0], "emission:CO2 (t)": [600.0, 0.0],
         "average_cost": [None, 50_000.0], "cost_unit": "RUB per t"}
    )  # fmt: skip
    sections = pareto_opening(table, ("value", "emission:CO2"), ("million RUB", "t"))
    assert lead(sections).startswith(
        "From the best for value (synergy apart) to the best for emission of CO2, value (synergy"
        " apart) goes from 40 to 10 million RUB and emission of CO2 from 600 to 0 t."
    )
    assert "50 000 RUB per t" in lead(sections).replace("\u202f", " ")


def test_alternatives_and_ranges_have_pages(tutorial: Scenario, tmp_path: Path) -> None:
    found = cf.near_optimal(tutorial, 0.2)
    found.write(tmp_path / "a.html")
    assert "other plans" in (tmp_path / "a.html").read_text(encoding="utf-8")
    sections = alternatives_opening(found.table, found.units, found.best, 0.2, "RUB")
    assert cards(sections)["Run in every one"] == "2"
    page = tmp_path / "r.html"
    assert main(["ranges", str(TUTORIAL), "-o", str(page), "-q"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.index("The answer") < text.index("Every table")
    table = pd.DataFrame(
        {"parameter": ["a", "b"], "figure": [1.0, 2.0], "unit": "t", "from_factor": [0.5, 0.98],
         "to_factor": [1.5, 1.2], "reaches_low": [True, False], "reaches_high": [True, False]}
    )  # fmt: skip
    assert lead(ranges_opening(table, 0.5, "RUB")).startswith("1 of 2 figures may move by 50.0")
    assert "The tightest is b: the plan holds while it is between 98.0" in lead(
        ranges_opening(table, 0.5, "RUB")
    )


def test_a_comparison_says_which_is_best(tutorial: Scenario) -> None:
    found = cf.forms(tutorial)
    sections = comparison_opening(found.tables(), found.labels, "RUB")
    # half of the 0.625 paid for transactions between members
    assert lead(sections).startswith("Best is digital (as good: open ecosystem): worth 41.1")
    assert "0.312 more than as it is" in lead(sections) or "0.313 more" in lead(sections)
    assert "it saves most on transactions" in lead(sections)


# ---------------------------------------------------------------------- plain figures


def test_noise_is_zero_and_large_figures_are_written_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [number(v) for v in (1.93e-12, -3.41e-13, 6.64e-09, 1.93e-5)] == [
        "0",
        "0",
        "0",
        "0.0000193",
    ]
    noisy = pd.DataFrame({"million": [5.0, 6.64e-9], "t": [8.0e6, 1e-6], "share": [1e-6, 0.5]})
    clean = without_noise(noisy)
    assert clean["million"].tolist() == [5.0, 0.0]
    assert clean["t"].tolist() == [8.0e6, 0.0]
    assert clean["share"].tolist() == [1e-6, 0.5]
    print_table(pd.DataFrame({"point": [1, 2], "t": [8_643_370.0, 1.9e-9]}))
    out = capsys.readouterr().out
    assert "8 643 370" in out and "e+06" not in out and "e-" not in out


def test_numbers_among_texts_are_numbers_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    table = pd.DataFrame({"figure": ["gain", "proven"], "value": [67.25, "yes"]}, dtype=object)
    write_tables({"totals": table}, path, currency="RUB")
    sheet = openpyxl.load_workbook(path)["Totals"]
    assert sheet["B2"].value == 67.25
    assert sheet["B3"].value == "yes"


def test_joint_products_are_told_beside_their_chain(make_scenario: Make) -> None:
    """100 t of slag make 10 t of metal at 50 and 90 t of stone that costs 2 a tonne to dump."""
    tables = {
        "Scenario": {"auto_links": False},
        "Sites": [{"site": "A", "member": "Works"}],
        "Materials": [
            {"material": "slag", "category": "waste"},
            {"material": "metal", "category": "product"},
            {"material": "stone", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": "slag", "amount_per_year": 100.0}],
        "Disposal": [{"site": "A", "material": "slag", "fee": 5.0}],
        "Recipes": [
            {"technology": "mill", "role": "input", "material": "slag", "amount": 1.0},
            {"technology": "mill", "role": "output", "material": "metal", "amount": 0.1},
            {"technology": "mill", "role": "output", "material": "stone", "amount": 0.9},
        ],
        "Units": [
            {"unit": "Mill", "site": "A", "technology": "mill", "capacity_per_year": 100.0,
             "status": "existing"}
        ],
        "Markets": [
            {"site": "A", "material": "metal", "price": 50.0},
            {"site": "A", "material": "stone", "price": -2.0},
        ],
    }  # fmt: skip
    chains = best_chains(cf.solve(make_scenario(tables))).set_index("end_material")
    assert chains.loc["metal", "value_million"] == pytest.approx(500e-6)
    assert chains.loc["metal", "joint_million"] == pytest.approx(-180e-6)
    assert chains.loc["stone", "joint_million"] == pytest.approx(500e-6)


def test_gain_against_today_on_console_and_in_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.xlsx"
    assert main(["solve", str(TUTORIAL), "-o", str(out)]) == 0
    told = "Gain against today: +16.5 against existing units only; +67.3 against no cluster"
    assert told in capsys.readouterr().out
    sheet = openpyxl.load_workbook(out)["Summary"]
    cells = {row[0].value: row[1].value for row in sheet.iter_rows(max_col=2) if row[0].value}
    assert cells["net benefit less that of existing units only"] == pytest.approx(16.5)
    assert cells["net benefit less that of no cluster"] == pytest.approx(67.28125)


def test_one_word_for_one_thing(tutorial: Scenario) -> None:
    """The gain of the cluster is no synergy, and transport with transactions says so."""
    told = "\n".join(sharing_lines(cf.share(tutorial)))
    assert "gain of the cluster" in told
    assert "synergy" not in told
    page = plan_page(cf.solve(tutorial)).html()
    assert "Transport and transactions" in page
    totals = totals_table(cf.solve(tutorial)).set_index("total")["unit"]
    assert totals["income"] == "million RUB over the horizon"
    assert totals["waste_arising"] == "t over the horizon"
