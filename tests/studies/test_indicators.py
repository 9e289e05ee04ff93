"""Indicators: hand figures, a recomputation from the plan's tables, targets, and refusals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import circflow as cf
from circflow.cli import main
from circflow.data.check import check
from circflow.data.scenario import Scenario
from circflow.data.schema.indicators import COMPUTED, EMITTED
from circflow.studies.indicators import indicators, without_candidates

Make = Callable[..., Scenario]
SCENARIOS = Path(__file__).parents[2] / "scenarios"

REGION: dict[str, Any] = {
    "Periods": [{"period": "a", "years": 2}, {"period": "b", "years": 3}],
    "Sites": [
        {"site": "Works", "member": "M", "latitude": 58, "longitude": 60},
        {"site": "Kiln yard", "member": "N", "latitude": 58, "longitude": 60.1},
        {"site": "Port", "latitude": 58, "longitude": 60.5},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "brick", "category": "product"},
        {"material": "glass", "category": "product", "innovative": True},
    ],
    "Streams": [{"site": "Works", "material": "slag", "amount_per_year": 100}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 0.5},
        {"technology": "furnace", "role": "input", "material": "slag", "amount": 1},
        {"technology": "furnace", "role": "output", "material": "glass", "amount": 0.2},
    ],
    "Units": [
        {
            "unit": "Old",
            "site": "Works",
            "technology": "kiln",
            "capacity_per_year": 40,
            "availability": 0.5,
            "jobs": 4,
        },
        {
            "unit": "New",
            "site": "Kiln yard",
            "technology": "furnace",
            "capacity_per_year": 30,
            "status": "candidate",
            "earliest_period": "b",
            "capex_million": 60,
            "lifetime_years": 3,
            "jobs": 6,
            "foreign_share": 0.25,
        },
    ],
    "Markets": [
        {"site": "Works", "material": "brick", "price": 2e6},
        {"site": "Port", "material": "glass", "price": 10e6, "export": True},
    ],
    "Disposal": [{"site": "Works", "fee": 1e5}],
    "EmissionFactors": [
        {"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 0.5},
        {"kind": "disposal", "key": "slag", "pollutant": "dust", "factor": 0.1},
    ],
}
"""20 of slag into 10 of brick (20 million a year); from b on 30 into 6 of glass (60 million)."""


def figures(table: pd.DataFrame, member: str | None = None) -> dict[tuple[str, str | None], float]:
    rows = table[table["member"].isna() if member is None else table["member"] == member]
    return {(r["indicator"], r["period"]): r["value"] for r in rows.to_dict("records")}


def test_figures_by_hand(make_scenario: Make) -> None:
    table = indicators(make_scenario(REGION))
    got = figures(table)
    hand = {
        ("investment", "a"): 0.0,
        ("investment", "b"): 60.0,
        ("investment", None): 60.0,
        # costs without capital: fees of 80 and 50 of slag at 0.1 million
        ("investment_share", "b"): 60 / (60 + 3 * 5),
        ("investment_share", None): 60 / (60 + 2 * 8 + 3 * 5),
        ("new_units", None): 1.0,
        ("members_with_new_units", "a"): 0.0,
        ("members_with_new_units", "b"): 0.5,
        ("members_with_new_units", None): 0.5,
        ("new_technologies", "a"): 0.0,
        ("new_technologies", None): 1.0,
        ("innovative_revenue", "b"): 60.0,
        ("innovative_revenue", None): 3 * 60 / 5,
        ("innovative_revenue_share", "b"): 60 / 80,
        ("innovative_revenue_share", None): 180 / (2 * 20 + 3 * 80),
        # the yearly charge of 60 million over three years at no interest is 20
        ("cost_per_income", "b"): 25 / 80,
        ("net_benefit_per_job", "a"): (20 - 8) / 4,
        ("net_benefit_per_job", None): (2 * 12 + 3 * 55) / (2 * 4 + 3 * 10),
        ("jobs_new", "b"): 6.0,
        ("jobs_new", None): 3 * 6 / 5,
        ("use_share", "a"): 0.2,
        ("use_share", None): 1 - (2 * 80 + 3 * 50) / 500,
        ("waste_disposed", "b"): 50.0,
        ("emitted:CO2", "a"): 10.0,
        ("emitted:dust", None): (2 * 8 + 3 * 5) / 5,
        ("export_revenue", "b"): 60.0,
        ("export_share", None): 180 / 280,
        ("innovative_export_revenue", None): 36.0,
        ("foreign_investment", "b"): 15.0,
        ("new_capacity_share", "b"): 30 / 50,
        ("mean_load", "a"): 1.0,
        ("mean_load", None): 1.0,
    }
    assert {key: got[key] for key in hand} == pytest.approx(hand, abs=1e-9)


def test_members_have_what_their_sites_do_and_what_is_passed_back(make_scenario: Make) -> None:
    table = indicators(make_scenario(REGION))
    new, old = figures(table, "N"), figures(table, "M")
    # The port belongs to no member: its sale counts for the member that sent the glass.
    assert new["export_revenue", "b"] == pytest.approx(60.0)
    assert old["export_revenue", "b"] == 0.0
    assert (new["investment", None], old["investment", None]) == (60.0, 0.0)
    assert new["net_benefit_per_job", "b"] == pytest.approx((60 - 20) / 6)
    assert math.isnan(new["net_benefit_per_job", "a"])  # no jobs in service: n/a
    assert old["waste_disposed", "b"] == pytest.approx(50.0)
    assert math.isnan(new["use_share", "b"])
    assert ("members_with_new_units", None) not in new


def test_the_baseline_is_the_optimum_with_every_candidate_off(make_scenario: Make) -> None:
    scenario = make_scenario(REGION)
    table = indicators(scenario)
    before = figures(indicators(without_candidates(scenario)))
    rows = table[table["member"].isna()]
    for row in rows.to_dict("records"):
        expected = before[row["indicator"], row["period"]]
        assert row["baseline"] == pytest.approx(expected, nan_ok=True)
        assert row["change"] == pytest.approx(row["value"] - expected, nan_ok=True)


def test_a_baseline_without_a_plan_is_left_empty(make_scenario: Make) -> None:
    full = {**REGION, "Disposal": [{"site": "Works", "fee": 1e5, "capacity_per_year": 80}]}
    full["Units"] = [{**unit, "capacity_per_year": 30} for unit in REGION["Units"]]
    full["Units"][1] = {**full["Units"][1], "earliest_period": None}
    table = indicators(make_scenario(full))
    assert table["baseline"].isna().all()
    assert figures(table)["new_units", "a"] == 1.0


def test_given_indicators_and_targets(make_scenario: Make) -> None:
    wanted = [
        {"group": "activity", "indicator": "patents", "unit": "number", "value": 3, "target": 3},
        {"group": "activity", "indicator": "researchers", "member": "M", "value": 12},
        {
            "group": "social_environmental",
            "indicator": "waste_disposed",
            "period": "b",
            "target": 49,
            "better": "lower",
        },
        {"group": "social_environmental", "indicator": "use_share", "target": 0.38},
        {"group": "international", "indicator": "export_revenue", "member": "M", "target": 1},
    ]
    table = indicators(make_scenario({**REGION, "Indicators": wanted}))
    key = ["indicator", "member", "period"]
    rows = {tuple(r[k] for k in key): r for r in table.to_dict("records")}
    patents = rows["patents", None, None]
    assert (patents["kind"], patents["value"], patents["met"]) == ("given", 3.0, True)
    assert math.isnan(patents["baseline"])
    assert rows["researchers", "M", None]["met"] is None
    assert rows["waste_disposed", None, "b"]["met"] is False  # 50 is above 49, and lower is better
    assert rows["waste_disposed", None, None]["met"] is None  # a target holds for its row only
    assert rows["use_share", None, None]["met"] is True  # equal is met
    assert rows["export_revenue", "M", None]["met"] is False
    assert not table.duplicated(key).any()


def test_a_recomputation_from_the_tables_of_a_plan(
    shipped: Callable[[str], cf.Solution],
) -> None:
    """Kuzbass, from the tables alone; no code of the indicators."""
    plan = shipped("kuzbass")
    scenario = plan.scenario
    got = figures(cf.indicators(scenario, plan=plan, with_baseline=False))
    years = {p.name: p.years for p in scenario.periods}
    tonnes_of = {k for k in scenario.wastes if scenario.unit_of_measure[k] == "t"}
    units, built, money = plan.tables.units, plan.built, plan.money
    for period, count in years.items():
        here = money[money["period"] == period].groupby("group")["million_per_year"].sum()
        income = here["income"]
        paid = -here.drop(["income", "synergy"], errors="ignore")
        invested = built.loc[built["period"] == period, "capex_million"].sum()
        of = units[units["period"] == period]
        waste = plan.disposal[plan.disposal["material"].isin(tonnes_of)]
        waste = waste.loc[waste["period"] == period, "amount_per_year"].sum()
        stocks = plan.stockpiles[plan.stockpiles["material"].isin(tonnes_of)]
        added = stocks.loc[stocks["period"] == period, "added_per_year"].sum()
        assert got["cost_per_income", period] == pytest.approx(paid.sum() / income)
        assert got["investment", period] == pytest.approx(invested)
        running = count * paid.drop("capital").sum()
        assert got["investment_share", period] == pytest.approx(invested / (invested + running))
        assert got["net_benefit_per_job", period] == pytest.approx(here.sum() / of["jobs"].sum())
        load = of["load_per_year"]
        assert got["mean_load", period] == pytest.approx(
            load.sum() / of["available_per_year"].sum()
        )
        assert got["waste_disposed", period] == pytest.approx(waste + added)
        for pollutant, rows in plan.emissions.groupby("pollutant"):
            tonnes = rows.loc[rows["period"] == period, "tonnes_per_year"].sum()
            assert got[f"emitted:{pollutant}", period] == pytest.approx(tonnes)
    assert got["use_share", None] == pytest.approx(plan.totals["use_share"])
    assert got["new_units", None] == len(built)


# --------------------------------------------------------------------------- the sheet, the command


def _folder(home: Path, rows: str) -> Path:
    """The tutorial with a sheet of indicators."""
    target = home / "region"
    target.mkdir()
    for file in (SCENARIOS / "tutorial").glob("*.csv"):
        (target / file.name).write_bytes(file.read_bytes())
    header = "group,indicator,member,period,value,target,better\n"
    (target / "Indicators.csv").write_text(header + rows, encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("row", "cell", "words"),
    [
        ("activity,patents,,,,,", "Indicators!E2", "tells nothing"),
        ("technology,mean_load,,,0.5,,", "Indicators!E2", "circflow computes mean_load"),
        ("activity,mean_load,,,,0.5,", "Indicators!A2", "belongs to the group technology"),
        ("activity,members_with_new_units,Metall,,,1,", "Indicators!C2", "as a whole"),
        ("social_environmental,emitted:CO,,,,1,", "Indicators!B2", "no pollutant 'CO'"),
        ("activity,patents,Nobody,,1,,", "Indicators!C2", "Nobody"),
        ("activity,patents,,2031,1,,", "Indicators!D2", "2031"),
        ("research,patents,,,1,,", "Indicators!A2", "one of resources"),
        ("activity,new units,,,1,,", "Indicators!B2", "new_units"),
    ],
)
def test_what_cannot_be_is_told_at_its_cell(
    tmp_path: Path, row: str, cell: str, words: str
) -> None:
    problems = [p for p in check(_folder(tmp_path, row + "\n")) if str(p.cell) == cell]
    assert problems, f"nothing said of {cell}"
    told = " ".join(f"{p.message} {p.expected} {p.suggestion}" for p in problems)
    assert words in told


def test_the_command_writes_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "activity,patents,,,3,5,\nsocial_environmental,use_share,,,,0.7,\n"
    source, out = _folder(tmp_path, rows), tmp_path / "i.json"
    page, book = tmp_path / "i.html", tmp_path / "i.xlsx"
    assert main(["indicators", str(source), "--json", str(out), "-o", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "1 of 2 targets are met. Not met: patents." in printed
    records = json.loads(out.read_text(encoding="utf-8"))
    assert set(records[0]) == {
        *("group", "indicator", "unit", "member", "period", "value"),
        *("baseline", "change", "target", "met", "kind"),
    }
    use = next(r for r in records if r["indicator"] == "use_share" and r["period"] is None)
    assert (use["member"], use["value"], use["met"], use["kind"]) == (None, 0.75, True, "computed")
    text = page.read_text(encoding="utf-8")
    assert "Social and environmental" in text
    assert "<polyline" not in text  # one period: no line
    assert main(["indicators", str(source), "-q", "-o", str(book)]) == 0
    assert len(pd.read_excel(book, engine="openpyxl")) == len(records)


def test_the_results_of_a_solve_hold_the_indicators(tmp_path: Path) -> None:
    source = _folder(tmp_path, "activity,patents,,,3,5,\n")
    page, book, tables = tmp_path / "p.html", tmp_path / "r.xlsx", tmp_path / "tables"
    done = main(
        ["solve", str(source), "-q", "--report", str(page), "-o", str(book), "--csv", str(tables)]
    )
    assert done == 0
    assert "Technological development" in page.read_text(encoding="utf-8")
    sheet = pd.read_excel(book, sheet_name="Indicators", engine="openpyxl")
    assert len(sheet) == len(pd.read_csv(tables / "indicators.csv", encoding="utf-8-sig"))
    assert "patents" in set(sheet.iloc[:, 1])


def test_the_docs_list_what_is_computed() -> None:
    text = (SCENARIOS.parent / "docs" / "indicators.md").read_text(encoding="utf-8")
    for one in COMPUTED:
        name = f"{one.name}:‹pollutant›" if one.name == EMITTED else one.name
        assert f"| {one.group} | {name} | {one.unit} |" in text
