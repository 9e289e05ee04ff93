"""The Kuzbass case: its figures, its calibration, and the anchors that its recipes must meet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from case_pages import (
    budget_rows,
    decision_rows,
    headline,
    outage_rows,
    plant_rows,
    policy_rows,
    stage_rows,
    typed,
    words_of_both,
    worth,
)
from firm_pages import agrees, decided, figure, firm_lines, left_out, stored

import circflow as cf
from circflow.report.console import summary

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scenarios" / "kuzbass"
DOCS = ROOT / "docs" / "cases" / "kuzbass.md"
MARKS = ("sourced", "derived", "engineering-typical", "assumption", "recalled, not retrieved")
TABLE_1 = {
    "Karakan power cluster": (7.5, 4500, "CJSC Mine Belovskaya"),
    "Serafimovskiy complex": (70, 3139, '"MPO Kuzbass"'),
    "Mencherep complex": (70, 8230, 'JSC "Inter RAO UES"'),
    "Itat semi-coke plant": (5, 1000, "Coal-S LLC"),
    "Gas separation sorbents": (
        2,
        150,
        'LLC "Sorbents of Kuzbass", LLC FC "Intellect-Capital", Skolkovo Foundation',
    ),
    "Carbon fibre and nanotubes": (
        4,
        300,
        'LLC "Sorbents of Kuzbass", LLC FC "Intellect-Capital", Skolkovo Foundation',
    ),
    "Dalnie Gory gasification": (1, 120, "CJSC IC Yukas-Holding"),
}
"""Billion roubles, jobs and investor as printed in Table 1 of Shavina & Fisunov."""
UNPRICED = (
    "UKEK fluidised-bed boilers",
    "Jet-emulsion unit",
    "Modular gasification plant",
    "Belovo aerated concrete",
    "Kemerovo dry mixes",
)
"""Rows 8 to 12 of Table 1, which print no sum."""
MONEY_OF_2026 = {"Mencherep complex": 3.5}
"""From the printed sums; 2.5 (money of about 2012) for the others, 3.5 for money of 2008."""
FIRM = stored("kuzbass")
"""What `circflow firm` gave."""
PACKAGES = {
    "tar": ["KOKS tar distillation"],
    "stone and brick": ["Kedrovsky stone plant", "Bachatsky brickworks"],
    "slag": ["ZSMK GGBS mill", "Topki GGBS mill", "ZSMK slag line 2"],
    "gases": [
        "Raspadskaya methane engines",
        "Komsomolets methane engines",
        "AZOT carbon dioxide plant",
    ],
    "ash": [
        "Belovskaya dry ash silo",
        "Zapadno-Sibirskaya dry ash silo",
        "Belovo aerated concrete",
        "Novokuznetsk aerated concrete",
        "Kemerovo dry mixes",
    ],
}
"""What the minister decides: plants that stand or fall together."""
POLICIES = {
    "waste charges and dump costs doubled": {"Disposal.fee": "*2"},
    "CO2 at 1,000 RUB/t": {"EmissionLimits.price[pollutant=CO2]": 1000},
    "half the budget": {"Budget.budget_million": "*0.5"},
}
CREATED = ("metal", "Fe", "Zn", "C", "LHV", "dry")
"""Conserved: what comes out of a recipe is not more than what goes in (LHV is heat, GJ)."""
ZSMK_WASTES = ["BF slag", "steel slag", "iron dust", "zinc sludge", "mill scale"]
FIRST = "2026-2028"


def sheet(name: str) -> pd.DataFrame:
    """A sheet as text, with its notes."""
    return typed(FOLDER / f"{name}.csv")


def recipe(technology: str, name: str = "") -> dict[tuple[str, str], float]:
    """Amounts of a recipe by role and material."""
    rows = sheet("Recipes")
    rows = rows[(rows["technology"] == technology) & (rows["recipe"] == name)]
    keys = zip(rows["role"], rows["material"], strict=True)
    return dict(zip(keys, rows["amount"].astype(float), strict=True))


def variable_cost(technology: str, name: str = "") -> float:
    rows = sheet("RecipeCosts")
    mine = rows[(rows["technology"] == technology) & (rows["recipe"] == name)]
    return float(mine["variable_cost"].iloc[0])


class Balance(NamedTuple):
    """Tonnes of a recipe per unit of activity, and the loss that its note names."""

    technology: str
    recipe: str
    into: float
    out: float
    named: float | None
    why: str


def masses() -> list[Balance]:
    """The mass balance of every recipe that moves tonnes.

    In a group the material that counts most is taken, so that the tonnes in are the least.
    """
    materials = sheet("Materials")
    tonnes = set(materials.loc[materials["unit"] == "t", "material"])
    into: dict[tuple[str, str], dict[str, float]] = {}
    out: dict[tuple[str, str], float] = {}
    notes: dict[tuple[str, str], str] = {}
    for number, row in enumerate(sheet("Recipes").to_dict("records")):
        key = (str(row["technology"]), str(row["recipe"]) or "main")
        notes.setdefault(key, str(row["note"]))
        if row["material"] not in tonnes:
            continue
        amount = float(row["amount"]) / float(row["weight"] or 1)
        if row["role"] == "output":
            out[key] = out.get(key, 0.0) + amount
            continue
        need = f"group {row['group']}" if row["group"] else f"row {number}"
        needs = into.setdefault(key, {})
        needs[need] = min(amount, needs.get(need, amount))
    lines = []
    for key, needs in into.items():
        found = re.search(r"loss (\d+\.\d+)(?:: (.+))?$", notes[key])
        named, why = (float(found[1]), found[2] or "") if found else (None, "")
        lines.append(Balance(*key, sum(needs.values()), out.get(key, 0.0), named, why))
    return lines


@pytest.fixture(scope="module")
def scenario(plan: cf.Solution) -> cf.Scenario:
    return plan.scenario


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], cf.Solution]) -> cf.Solution:
    return shipped("kuzbass")


@pytest.fixture(scope="module")
def today(scenario: cf.Scenario) -> cf.Solution:
    """Existing units only: every candidate is off."""
    return cf.solve(scenario.change({"Units.status[status=candidate]": "off"}))


def shares(solution: cf.Solution, site: str | None, materials: list[str]) -> tuple[float, float]:
    """Tonnes used a year in the first period, and their share of what arises."""
    supply, dumped = solution.tables.supply, solution.disposal
    arising = supply[(supply["kind"] == "stream") & (supply["period"] == FIRST)]
    arising = arising[arising["material"].isin(materials)]
    dumped = dumped[(dumped["period"] == FIRST) & dumped["material"].isin(materials)]
    if site:
        arising, dumped = arising[arising["site"] == site], dumped[dumped["site"] == site]
    total = float(arising["amount_per_year"].sum())
    used = total - float(dumped["amount_per_year"].sum())
    return used, used / total


# -- the plan ------------------------------------------------------------------------------------


def test_plan_is_optimal_audited_and_quick(plan: cf.Solution) -> None:
    assert plan.status == cf.Status.OPTIMAL
    assert plan.gap <= 1e-6
    assert plan.audit.passed
    assert plan.seconds["total"] < 20


def test_checks_give_no_warning(scenario: cf.Scenario) -> None:
    assert [str(warning) for warning in scenario.warnings] == []


def test_plan_is_better_than_today(plan: cf.Solution, today: cf.Solution) -> None:
    assert today.audit.passed
    assert not len(today.built)
    assert plan.objective > today.objective
    assert plan.totals["use_share"] > today.totals["use_share"]


# -- calibration: existing units only ------------------------------------------------------------


def test_ash_used_today(today: cf.Solution) -> None:
    """190 kt a year in 2013 (with Barnaul), 125 kt of it in own dykes, of about 2.4 Mt."""
    used, share = shares(today, None, ["ash and slag"])
    assert share == pytest.approx(190 / 2400, abs=0.05)
    assert used == pytest.approx(190e3, rel=0.3)
    sales = today.sales[(today.sales["period"] == FIRST)]
    dykes = sales.loc[sales["material"] == "dyke fill", "amount_per_year"].sum()
    assert dykes == pytest.approx(125e3, rel=0.05)


def test_steel_works_waste_used_today(today: cf.Solution) -> None:
    """88 % of the wastes of ZSMK are used."""
    _, share = shares(today, "ZSMK works", ZSMK_WASTES)
    assert share == pytest.approx(0.88, abs=0.05)


def test_mine_methane_used_today(today: cf.Solution) -> None:
    """74 million m3 and 95 GWh in 13.3 years at the Kirov mine, flares among it."""
    rows = today.activity
    engines = rows[(rows["unit"] == "Kirov methane engines") & (rows["recipe"] == "engines")]
    burnt = rows[(rows["unit"] == "Kirov methane engines") & (rows["period"] == FIRST)]
    assert burnt["activity_per_year"].sum() == pytest.approx(74_000 / 13.3, rel=0.05)
    first = engines.loc[engines["period"] == FIRST, "activity_per_year"].sum()
    power = recipe("methane engines", "engines")["output", "power"]
    assert first * power == pytest.approx(95e3 / 13.3, rel=0.05)


def test_the_docs_hold_the_calibration(today: cf.Solution, plan: cf.Solution) -> None:
    """The figures of the calibration table, and of the gain, as measured now."""
    text = DOCS.read_text(encoding="utf-8")
    used, share = shares(today, None, ["ash and slag"])
    assert f"| {used / 1e3:.0f} kt/y = {100 * share:.1f} % |" in text
    used, share = shares(today, "ZSMK works", ZSMK_WASTES)
    assert f"| {100 * share:.1f} % ({used / 1e6:.2f} of {used / share / 1e6:.2f} Mt/y) |" in text
    objectives = f"| {today.objective / 1000:,.1f} | {plan.objective / 1000:,.1f} |"
    assert f"discounted (the objective) {objectives}" in text


# -- anchors of the recipes ----------------------------------------------------------------------


def test_methane_gives_the_power_of_an_engine() -> None:
    """38 % of 35.8 GJ per 1,000 m3."""
    power = recipe("methane engines", "engines")["output", "power"]
    assert power * 3.6 / 35.8 == pytest.approx(0.38, abs=0.005)


def test_aerated_concrete_gives_three_cubic_metres() -> None:
    """1.2 million m3 out of 400 kt of ash."""
    rows = sheet("Properties")
    density = rows[(rows["material"] == "AAC blocks") & (rows["property"] == "density")]
    blocks = recipe("aerated concrete", "dry ash")["output", "AAC blocks"]
    assert blocks / float(density["value"].iloc[0]) == pytest.approx(3.0, abs=0.01)


def test_slag_margin_at_prices_of_2016() -> None:
    """NLMK earns 312-335 RUB per tonne of slag by its metal.

    Scrap in Kemerovo cost 8,500 RUB/t in 2016; metal picked from slag holds three quarters of
    its iron; costs of 2026 are 2.0 times those of 2016.
    """
    metal = recipe("steel slag crushing")["output", "steel skull"]
    assert metal == pytest.approx(350 / 5000, abs=0.001)
    margin = metal * 0.75 * 8500 - variable_cost("steel slag crushing") / 2.0
    assert 312 <= margin <= 335


def test_slag_cement_takes_the_slag_of_the_declaration() -> None:
    """1,102 kg of slag for a tonne of ground slag."""
    assert recipe("GGBS grinding")["input", "granulated slag"] == pytest.approx(1.102)


# -- the rows ------------------------------------------------------------------------------------


def test_table_1_as_printed(scenario: cf.Scenario) -> None:
    units = scenario.frame("Units").set_index("unit")
    notes = sheet("Units").set_index("unit")["note"]
    for unit, (billion, jobs, investor) in TABLE_1.items():
        assert units.at[unit, "status"] == "candidate"
        index = MONEY_OF_2026.get(unit, 2.5)
        assert units.at[unit, "capex_million"] == billion * 1000 * index
        assert f"printed: {billion:g} bn RUB, {jobs:,} jobs" in notes[unit]
        assert units.at[unit, "jobs"] == jobs
        assert units.at[unit, "investor"] == investor
        assert units.at[unit, "lifetime_years"] == 25
    assert (units["lifetime_years"] == 25).sum() == len(TABLE_1)
    printed = units.loc[list(TABLE_1)]
    assert printed["jobs"].sum() == 17_439


def test_every_row_has_its_source_and_confidence() -> None:
    known = set(sheet("Sources")["id"])
    for path in sorted(FOLDER.glob("*.csv")):
        if path.stem == "Sources":
            continue
        rows = sheet(path.stem)
        for source, note in zip(rows["source"], rows["note"], strict=True):
            assert source, (path.stem, note)
            assert set(source.split(";")) <= known, (path.stem, source)
            assert note.split(":")[0] in MARKS, (path.stem, note)
            assert len(note) > len(note.split(":")[0]) + 3, (path.stem, note)


def most(rows: pd.DataFrame, kind: str) -> float:
    """The most of a property that the inputs of a recipe can hold (% x t, or GJ).

    Of a group, its limit where BlendLimits has one, else the richest material.
    """
    values = sheet("Properties")
    values = values[values["property"] == kind].set_index("material")["value"].astype(float)
    limits = sheet("BlendLimits")
    limits = limits[(limits["property"] == kind) & (limits["min"] != "")]
    held = rows.assign(
        held=rows["amount"].astype(float)
        / rows["weight"].replace("", "1").astype(float)
        * rows["material"].map(values).astype(float).fillna(0.0)
    )
    total = float(held.loc[held["group"] == "", "held"].sum())
    for group, members in held[held["group"] != ""].groupby("group"):
        row = rows.iloc[0]
        own = limits[(limits["technology"] == row["technology"]) & (limits["group"] == group)]
        own = own[own["recipe"] == row["recipe"]]
        amount = float(members["amount"].astype(float).iloc[0])
        best = float(members["held"].max())
        total += amount * float(own["min"].iloc[0]) if len(own) else best
    return total


def test_no_recipe_creates_metal_zinc_carbon_or_heat() -> None:
    values = sheet("Properties")
    for kind in CREATED:
        value = values[values["property"] == kind].set_index("material")["value"].astype(float)
        for key, rows in sheet("Recipes").groupby(["technology", "recipe"], sort=False):
            out = rows[rows["role"] == "output"]
            made = out["amount"].astype(float) * out["material"].map(value).astype(float).fillna(
                0.0
            )
            total = float(made.sum())
            limit = most(rows[rows["role"] == "input"], kind) if total else 0.0
            if limit or (total and kind in ("LHV", "metal")):
                assert total <= limit * 1.001, (kind, key)


def test_mass_is_conserved_up_to_named_losses() -> None:
    for line in masses():
        name = f"{line.technology}/{line.recipe}"
        loss = line.into - line.out
        assert loss >= -1e-9, name
        assert line.named == pytest.approx(loss, abs=0.0006), name
        if loss > 0.02 * line.into:
            assert line.why, f"{name}: a loss without an explanation"


def test_the_docs_list_every_mass_balance() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for line in masses():
        start = f"| {line.technology} | {line.recipe} | {line.into:.3f} | {line.out:.3f} |"
        assert start in text, f"{line.technology}/{line.recipe}"


def test_size_of_the_case(scenario: cf.Scenario) -> None:
    units = scenario.frame("Units")
    assert scenario.frame("Recipes")["technology"].nunique() >= 20
    assert (units["status"] == "candidate").sum() >= 10
    assert len(scenario.frame("Ranges")) >= 20
    assert len(scenario.periods) >= 4
    assert scenario.frame("Synergies")["effect"].nunique() == 8


# -- the page ------------------------------------------------------------------------------------


def table_1() -> list[str]:
    """Value and range of the projects of Table 1, as they end its rows."""
    lines = []
    for row in FIRM["decisions"]:
        if row["unit"] in {*TABLE_1, *UNPRICED}:
            low, high = (figure(row[f"worth_{p}_million"]) for p in ("p5", "p95"))
            in_plan = "yes" if row["in_plan"] else "no"
            lines.append(f"| {in_plan} | {figure(row['worth_million'])} | {low} to {high} |")
    return lines


def balance_rows() -> list[str]:
    return [
        f"| {line.technology} | {line.recipe} | {line.into:.3f} | {line.out:.3f}"
        f" | {line.into - line.out:.3f} | {line.why or '-'} |"
        for line in masses()
    ]


def test_the_page_holds_what_the_plan_says(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = headline(plan, today) + decision_rows(scenario, plan, PACKAGES, FIRM)
    lines += policy_rows(scenario, plan, POLICIES)
    lines += budget_rows(scenario, plan) + plant_rows(plan) + stage_rows(plan)
    lines += balance_rows()
    lines += firm_lines(FIRM, 1000.0) + table_1()
    assert [line for line in lines if line not in text] == []
    assert all(unit in text for unit in left_out(FIRM))


DUMP = "Recipes.amount[technology=slag dump reprocessing, recipe=dump slag, material=steel skull]"


def dust(plan: cf.Solution, period: str) -> tuple[float, float]:
    """Tonnes a year in Novokuznetsk: all, and what stands already."""
    rows = plan.emissions
    rows = rows[(rows["pollutant"] == "dust") & (rows["region"] == "Novokuznetsk")]
    rows = rows[rows["period"] == period]
    stands = ~rows["unit"].isin(plan.built["unit"])
    return rows["tonnes_per_year"].sum(), rows.loc[stands, "tonnes_per_year"].sum()


def vented(solution: cf.Solution) -> float:
    """Tonnes of methane over the horizon."""
    years = {period.name: period.years for period in solution.scenario.periods}
    rows = solution.emissions[solution.emissions["pollutant"] == "CH4"]
    return float((rows["tonnes_per_year"] * rows["period"].map(years)).sum())


def test_the_words_of_the_page_hold(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    """Doubts, health and size; the tables have their own test."""
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    built, *both = words_of_both(scenario, plan, today)
    everything, stands = dust(plan, "2036-2040")
    limits = sheet("EmissionLimits").set_index(["pollutant", "key", "period"])["limit_per_year"]
    path = limits["dust", "Novokuznetsk", "2036-2040"]
    poor, rich = (decided(scenario.change({DUMP: metal}))[0] for metal in (0.03, 0.06))
    spent = plan.built["capex_million"].sum() / plan.built["jobs"].sum()
    words = [
        f"{built.capitalize()} plants are worth building",
        *both,
        f"stays where it is and {worth(plan.objective - poor)} bn is lost",
        f"at 6 % {worth(rich - plan.objective)} bn is gained",
        f"to {everything:.0f} t a year in 2036-2040 where the path has {path}; the plants that "
        f"stand already give {stands:.0f} of it",
        f"vented falls by {100 * (1 - vented(plan) / vented(today)):.0f} %",
        f"is {7200 / 1447:.1f} M RUB a job, {2.5 * 7200 / 1447:.1f} in money of 2026; this plan "
        f"takes {spent:.1f}",
    ]
    assert [one for one in words if one not in text] == []


def test_a_fifth_less_for_pitch_ends_the_largest_decision(scenario: cf.Scenario) -> None:
    _, cheap = decided(scenario.change({"Markets.price[material=pitch]": "*0.8"}))
    assert "KOKS tar distillation" not in cheap


OUTAGES = [
    ("ZSMK sinter return", "2026-2028"),
    ("ZSMK slag line 1", "2026-2028"),
    ("ZSMK granulation", "2032-2035"),
    ("Topki additive line", "2026-2028"),
    ("KOKS tar distillation", "2032-2035"),
    ("ZSMK GGBS mill", "2032-2035"),
]
"""The dearest outage of each of six plants."""
SOFTENED = {"ZSMK slag line 1": "candidate ZSMK slag line 2"}


def test_the_page_holds_what_outages_lose(scenario: cf.Scenario) -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = outage_rows(scenario, OUTAGES, SOFTENED)
    assert [line for line in lines if line not in text] == []


def test_what_is_firm_is_what_was_stored(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    agrees(FIRM, scenario, plan, today.objective)


def test_the_plan_is_told_without_holes(plan: cf.Solution) -> None:
    """A limited share has no unit of measure: its price stood as so much per nan."""
    assert not re.findall(r"\bnan\b", summary(plan))
