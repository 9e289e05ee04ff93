"""The Sverdlovsk case: its sources, its mass balances, its anchors, its calibration, its plan."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from case_pages import (
    budget_rows,
    decision_rows,
    headline,
    outage_rows,
    policy_rows,
    stage_rows,
    typed,
    words_of_both,
)
from firm_pages import agrees, firm_lines, left_out, stored

import circflow as cf

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scenarios" / "sverdlovsk"
PAGE = ROOT / "docs" / "cases" / "sverdlovsk.md"

CONFIDENCE = ("sourced", "derived", "engineering-typical", "assumption")
RUB_2026_PER_RUB = {2012: 2.604, 2015: 1.901, 2016: 1.711, 2023: 1.302}
NAMED_LOSS = 0.02
"""A recipe that loses more than this share of its inputs says where it goes."""

ROCK = ("overburden", "serpentinite rock")
TAILINGS = (
    "KGOK dry tailings",
    "KGOK wet tailings",
    "Svyatogor tailings",
    "Saldinskoye tailings",
)
ASH = ("power plant ash", "flotation ash")
SLAG = (
    "BF slag",
    "steel slag",
    "dump slag",
    "copper slag",
    "old copper slag",
    "FeCr slag",
    "old FeCr slag",
)
RED_MUD = ("red mud", "leached red mud")
GROUPS: dict[str, tuple[str, ...]] = {
    "all": (*ROCK, *TAILINGS, *ASH, *SLAG, *RED_MUD),
    "mining rock": ROCK,
    "beneficiation waste": TAILINGS,
    "ash and slag of power plants": ASH,
    "metallurgical slag": SLAG,
}
PUBLISHED = {
    "all": 41.9,
    "mining rock": 44.1,
    "beneficiation waste": 18.4,
    "ash and slag of power plants": 3.4,
    "metallurgical slag": 138.5,
}
"""Per cent of what arose in 2013 (CNTD-422404931)."""


def sheet(name: str) -> pd.DataFrame:
    """A sheet as its author wrote it, all text."""
    return typed(FOLDER / f"{name}.csv")


SHEETS = tuple(sorted(path.stem for path in FOLDER.glob("*.csv")))


@pytest.fixture(scope="module")
def scenario(plan: cf.Solution) -> cf.Scenario:
    return plan.scenario


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], cf.Solution]) -> cf.Solution:
    return shipped("sverdlovsk")


@pytest.fixture(scope="module")
def today(scenario: cf.Scenario) -> cf.Solution:
    """Existing plants only."""
    return cf.solve(scenario.change({"Units.status[status=candidate]": "off"}))


# ---------------------------------------------------------------- the tables


@pytest.mark.parametrize("name", [name for name in SHEETS if name != "Sources"])
def test_every_row_has_a_confidence_and_a_source(name: str) -> None:
    known = set(sheet("Sources")["id"])
    for row in sheet(name).itertuples():
        place = f"{name} row {int(str(row.Index)) + 2}"
        assert str(row.note).partition(":")[0] in CONFIDENCE, place
        sources = str(row.source).split(";")
        assert set(sources) <= known, place
        if str(row.note).startswith("sourced"):
            assert set(sources) - {"ENG", "CASE"}, f"{place} is called sourced without a source"


def test_no_source_is_idle() -> None:
    used = {
        source
        for name in SHEETS
        if name != "Sources"
        for cell in sheet(name)["source"]
        for source in cell.split(";")
    }
    assert used == set(sheet("Sources")["id"])


def test_size_of_the_case() -> None:
    units = sheet("Units")
    assert sheet("Recipes")["technology"].nunique() >= 20
    assert (units["status"] == "candidate").sum() >= 10
    assert (units["capacity_max_per_year"] != "").sum() >= 5
    assert len(sheet("Periods")) >= 4
    assert sheet("Periods")["years"].astype(int).sum() == 15
    assert len(sheet("Ranges")) >= 20
    assert sheet("Synergies")["effect"].nunique() == 8
    assert set(sheet("EmissionFactors")["pollutant"]) == {"CO2", "SO2", "dust"}
    assert (sheet("Sites")["hub"] == "yes").sum() == 1
    recipes = sheet("Recipes").groupby("technology")["recipe"].nunique()
    assert (recipes > 1).sum() >= 4


def test_waste_charges_rise() -> None:
    fees = sheet("Disposal")
    order = {period: place for place, period in enumerate(sheet("Periods")["period"])}
    for _, rows in fees.groupby(["site", "material"]):
        ranked = rows.assign(place=rows["period"].map(order).fillna(0.0))
        assert ranked.sort_values("place")["fee"].astype(float).is_monotonic_increasing


def test_streams_add_up_to_the_statistics() -> None:
    streams = sheet("Streams")
    streams = streams[streams["period"].isin(["", "2026-2028"])]
    amount = streams["amount_per_year"].astype(float)
    rock = amount[streams["material"].isin(ROCK)].sum()
    tailings = amount[streams["material"].isin(TAILINGS)].sum()
    assert rock == pytest.approx(167_978_900 - 45_820_200)
    assert tailings == pytest.approx(45_820_200, rel=1e-4)


def test_slag_dumps_add_up_to_the_statistics() -> None:
    stocks = sheet("Stockpiles")
    opening = stocks["opening"].astype(float)
    assert opening[stocks["material"].isin(SLAG)].sum() == pytest.approx(118.1e6, rel=1e-3)


# ---------------------------------------------------------------- mass


def balances() -> pd.DataFrame:
    """Tonnes in and out of every recipe, per unit of activity, and its notes."""
    unit = sheet("Materials").set_index("material")["unit"]
    recipes = sheet("Recipes")
    recipes["tonnes"] = recipes["amount"].astype(float).where(recipes["material"].map(unit) == "t")
    rows = []
    for (technology, recipe), lines in recipes.groupby(["technology", "recipe"]):
        inputs = lines[lines["role"] == "input"]
        grouped = inputs[inputs["group"] != ""].drop_duplicates("group")["tonnes"].sum()
        outputs = lines[lines["role"] == "output"]
        rows.append(
            {
                "technology": technology,
                "recipe": recipe,
                "in": inputs[inputs["group"] == ""]["tonnes"].sum() + grouped,
                "out": outputs["tonnes"].sum(),
                "other_units": outputs["tonnes"].isna().any(),
                "notes": " ".join(lines["note"]),
            }
        )
    return pd.DataFrame(rows)


def test_no_recipe_makes_mass() -> None:
    table = balances()
    excess = table[table["out"] > table["in"] + 1e-9]
    assert excess.empty, excess


def test_no_recipe_creates_a_metal() -> None:
    """Of a group the richest material is taken."""
    values = sheet("Properties")
    for kind in ("Fe", "Cu", "Zn", "V", "metal"):
        value = values[values["property"] == kind].set_index("material")["value"].astype(float)
        for key, rows in sheet("Recipes").groupby(["technology", "recipe"], sort=False):
            held = rows["amount"].astype(float) * rows["material"].map(value).astype(float)
            held = held.fillna(0.0)
            made = float(held[rows["role"] == "output"].sum())
            into = rows["role"] == "input"
            grouped = held[into].groupby(rows.loc[into, "group"])
            most = sum(one.sum() if group == "" else one.max() for group, one in grouped)
            if most or kind == "metal":
                assert made <= most * 1.001, (kind, key)


def test_losses_are_explained() -> None:
    table = balances()
    loss = (table["in"] - table["out"]) / table["in"]
    unexplained = table[
        (loss > NAMED_LOSS)
        & ~table["other_units"]
        & ~table["notes"].str.contains(r"loss[: ]", regex=True)
    ]
    assert unexplained.empty, unexplained


def test_page_lists_every_mass_balance() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for row in balances().to_dict("records"):
        line = rf"\| {row['technology']} \| {row['recipe']} \| ([\d.]+) \| ([\d.]+) \| "
        found = re.search(line, text)
        assert found, f"{row['technology']}/{row['recipe']} is not on the page"
        assert float(found[1]) == pytest.approx(row["in"], abs=5e-4)
        assert float(found[2]) == pytest.approx(row["out"], abs=5e-4)


# ---------------------------------------------------------------- anchors


def recipe_amount(technology: str, recipe: str, material: str) -> float:
    lines = sheet("Recipes")
    chosen = lines[
        (lines["technology"] == technology)
        & (lines["recipe"] == recipe)
        & (lines["material"] == material)
    ]
    return float(chosen["amount"].astype(float).sum())


def variable_cost(technology: str, recipe: str) -> float:
    lines = sheet("RecipeCosts")
    chosen = lines[(lines["technology"] == technology) & (lines["recipe"] == recipe)]
    return float(chosen["variable_cost"].iloc[0])


def bought(material: str) -> float:
    lines = sheet("Purchases")
    return float(lines[lines["material"] == material]["price"].iloc[0])


def sold(material: str, site: str) -> float:
    lines = sheet("Markets")
    chosen = lines[(lines["material"] == material) & (lines["site"] == site)]
    return float(chosen["price"].astype(float).max())


def test_steel_slag_earns_what_nlmk_earned() -> None:
    """312 RUB/t (about 2015) and 335 RUB/t (2019-20), metal only, in money of 2016."""
    technology, recipe = "steel slag processing", "fresh slag"
    metal = recipe_amount(technology, recipe, "slag scrap")
    assert metal == pytest.approx(0.07)
    power = recipe_amount(technology, recipe, "electricity") * bought("electricity")
    cost = variable_cost(technology, recipe) + power
    margin = (metal * sold("slag scrap", "NTMK Nizhny Tagil") - cost) / RUB_2026_PER_RUB[2016]
    assert 312.0 <= margin <= 335.0


def test_aerated_concrete_per_tonne_of_ash() -> None:
    """Teplit: 400 kt of ash into 1.2 million m3."""
    blocks = recipe_amount("aerated concrete making", "main", "aerated concrete")
    ash = recipe_amount("aerated concrete making", "main", "dry fly ash")
    assert blocks / ash == pytest.approx(1_200_000 / 400_000)


def test_v2o5_per_tonne_of_slag() -> None:
    """85 % of 18 % V2O5; Tula's capex, 2,600 USD per t/y at 85 RUB/USD."""
    made = recipe_amount("vanadium roast-leach", "main", "V2O5")
    assert made == pytest.approx(0.85 * 0.101 * 1.785, abs=0.005)
    unit = sheet("Units").set_index("unit").loc["NTMK V2O5 plant"]
    capex, capacity = str(unit["capex_max_million"]), str(unit["capacity_max_per_year"])
    per_tonne = float(capex) * 1e6 / float(capacity)
    assert per_tonne == pytest.approx(260e6 / 100_000 * 85, rel=0.01)


def test_ground_slag_per_tonne_of_granulated_slag() -> None:
    """1,102 kg of recovered slag per tonne of slag cement."""
    ground = recipe_amount("slag grinding", "main", "ground slag")
    assert ground == pytest.approx(1 / 1.102, abs=5e-4)


def test_red_mud_prototype_costs_what_was_announced() -> None:
    """600 million RUB for 200 kt/y in 2012."""
    unit = sheet("Units").set_index("unit").loc["UAZ red mud additive line"]
    announced = 600.0 * RUB_2026_PER_RUB[2012]
    assert float(str(unit["capex_million"])) == pytest.approx(announced, rel=0.01)


def test_iron_of_red_mud_smelting_fits_the_mud() -> None:
    mud_iron = 0.25
    pig = recipe_amount("red mud smelting", "main", "pig iron")
    assert pig * 0.945 / mud_iron == pytest.approx(0.98, abs=0.01)


# ---------------------------------------------------------------- the plan


def test_warnings_are_explained(scenario: cf.Scenario) -> None:
    """Yields have their own test (`test_no_recipe_makes_mass`); the rest stands on the page."""
    sheets = {str(warning).partition("!")[0] for warning in scenario.warnings}
    explained = PAGE.read_text(encoding="utf-8").partition("## Warnings")[2].partition("## ")[0]
    assert all(f"`{name}`" in explained for name in sheets - {"Recipes"})


def test_optimal_audited_and_quick(plan: cf.Solution) -> None:
    assert plan.status == cf.Status.OPTIMAL
    assert plan.audit.passed
    assert plan.seconds["solve"] < 20.0


def test_markets_plants_and_budget_hold(plan: cf.Solution) -> None:
    assert 5 <= len(plan.built) <= 20
    spent = plan.built.groupby("period")["capex_million"].sum()
    budget = sheet("Budget").set_index("period")["budget_million"].astype(float)
    assert (spent <= budget.reindex(spent.index) + 1e-6).all()


def test_bulk_waste_stays_where_it_is(plan: cf.Solution) -> None:
    stay = {*ROCK, *TAILINGS, "power plant ash", "BF slag", "red mud", "chromate sludge"}
    assert not stay & set(plan.flows["material"])


def test_poor_options_are_not_built(plan: cf.Solution) -> None:
    built = set(plan.built["unit"])
    assert not built & {
        "BAZ red mud smelter",
        "UAZ magnetic separation",
        "Reftinskaya alumina pilot",
        "Russian Chrome sludge plant",
    }


def test_plan_beats_today(plan: cf.Solution, today: cf.Solution) -> None:
    assert plan.objective > today.objective + 1000.0


def test_page_shows_the_plan(plan: cf.Solution, today: cf.Solution) -> None:
    text = PAGE.read_text(encoding="utf-8")
    worth = re.search(r"\*\*([\d,.]+) million RUB\*\*", text)
    assert worth
    assert float(worth[1].replace(",", "")) == pytest.approx(plan.objective, rel=1e-4)
    before = re.search(r"with existing plants only it is ([\d,]+\.\d)", text)
    assert before
    assert float(before[1].replace(",", "")) == pytest.approx(today.objective, rel=1e-4)
    for row in plan.built.itertuples():
        size = float(str(row.capacity_per_year)) / 1e3
        line = re.search(rf"\| {row.unit} \| {row.period} \| ([\d,]+) \|", text)
        assert line, f"{row.unit} is not on the page"
        assert float(line[1].replace(",", "")) == pytest.approx(size, rel=0.02)


# ---------------------------------------------------------------- calibration


def used_shares(solution: cf.Solution, period: str) -> dict[str, float]:
    """Used per cent of what arises: (arising + reclaimed - disposed) / arising."""
    tables = solution.tables

    def total(table: pd.DataFrame, column: str, materials: tuple[str, ...]) -> float:
        rows = (table["period"] == period) & table["material"].isin(materials)
        return float(table.loc[rows, column].sum())

    streams = tables.supply[tables.supply["kind"] == "stream"]
    shares = {}
    for group, materials in GROUPS.items():
        arising = total(streams, "amount_per_year", materials)
        reclaimed = total(tables.stockpiles, "reclaimed_per_year", materials)
        lost = total(tables.disposal, "amount_per_year", materials)
        shares[group] = 100.0 * (arising + reclaimed - lost) / arising
    return shares


def page_shares() -> dict[str, tuple[float, float]]:
    """The calibration table of the page: published and computed per cent."""
    text = PAGE.read_text(encoding="utf-8")
    found = {}
    for group in GROUPS:
        row = re.search(rf"\| {group} \| ([\d.]+) \| ([\d.]+) \|", text)
        assert row, f"{group} is not in the calibration table"
        found[group] = (float(row[1]), float(row[2]))
    return found


def test_today_is_like_the_statistics(today: cf.Solution) -> None:
    shares = used_shares(today, "2026-2028")
    for group, published in PUBLISHED.items():
        assert shares[group] == pytest.approx(published, abs=5.0), group


def test_page_shows_the_computed_shares(today: cf.Solution) -> None:
    shares = used_shares(today, "2026-2028")
    for group, (published, computed) in page_shares().items():
        assert published == PUBLISHED[group]
        assert computed == pytest.approx(shares[group], abs=0.051), group


# ---------------------------------------------------------------- the minister's page

FIRM = stored("sverdlovsk")
"""What `circflow firm` gave."""
PACKAGES = {
    "copper": ["PSTsM expansion", "Svyatogor slag flotation", "Svyatogor abrasive plant"],
    "slag": ["NTMK slag mill", "Nevyansk slag mill", "NTMK second slag line"],
    "old tailings": ["Saldinskoye separation"],
    "ash": [
        "Reftinskaya ash terminal",
        "Reftinskaya cenosphere plant",
        "Reftinskaya soil plant",
        "Sukhoy Log composite line",
    ],
    "scandium": ["UAZ scandium line", "BAZ scandium line"],
}
"""What the minister decides: plants that stand or fall together."""
POLICIES = {
    "waste charges and dump costs doubled": {"Disposal.fee": "*2"},
    "CO2 at 1,000 RUB/t": {"EmissionLimits.price[pollutant=CO2]": 1000},
    "half the budget": {"Budget.budget_million": "*0.5"},
}


def test_the_page_holds_what_the_plan_says(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = headline(plan, today) + decision_rows(scenario, plan, PACKAGES, FIRM)
    lines += policy_rows(scenario, plan, POLICIES) + budget_rows(scenario, plan)
    lines += stage_rows(plan)
    lines += firm_lines(FIRM, 1000.0)
    assert [line for line in lines if line not in text] == []
    assert all(unit in text for unit in left_out(FIRM))


def test_the_words_of_the_page_hold(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    """Number of plants, time, health, size and plants; the tables have their own test."""
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    built, *both = words_of_both(scenario, plan, today)
    stocks = sheet("Stockpiles").astype({"opening": float}).groupby("material")["opening"].sum()
    fresh, dump = (
        recipe_amount("steel slag processing", recipe, "slag scrap")
        for recipe in ("fresh slag", "dump slag")
    )
    words = [
        f"{built.capitalize()} further plants are worth building",
        *both,
        f"We take {100 * dump:.0f} %, not the {100 * fresh:.0f} % of a fresh dump",
        f"{stocks['serpentinite rock'] / 1e9:.2f} bn t of serpentinite",
        f"{stocks['old chromate sludge'] / 1e6:.1f} Mt of chromate sludge",
        *(f"| {r.capex_million:,.0f} | {r.jobs:,.0f} |" for r in plan.built.itertuples()),
    ]
    assert [one for one in words if one not in text] == []
    for group, share in used_shares(plan, "2036-2040").items():
        row = re.search(rf"\| {group} \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|", text)
        assert row and float(row[1]) == pytest.approx(share, abs=0.051), group


OUTAGES = [
    ("Sukhoy Log cement mill", "2026-2028"),
    ("Yekaterinburg concrete trade", "2026-2028"),
    ("Reftinskaya ash shipping", "2026-2028"),
    ("Nevyansk cement mill", "2026-2028"),
    ("NTMK slag shop", "2026-2028"),
    ("Uralasbest stone plant", "2026-2028"),
]
"""The dearest outage of each of six plants."""
SOFTENED = {"Nevyansk cement mill": "spare capacity Sukhoy Log cement mill"}


def test_the_page_holds_what_outages_lose(scenario: cf.Scenario) -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = outage_rows(scenario, OUTAGES, SOFTENED)
    assert [line for line in lines if line not in text] == []


def test_what_is_firm_is_what_was_stored(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    agrees(FIRM, scenario, plan, today.objective)
