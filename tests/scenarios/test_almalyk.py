"""The Almalyk case: its figures, its calibration, its balances and every figure of its page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from case_pages import budget_rows, typed, worth_without
from firm_pages import agrees, decided, firm_lines, least_sure, left_out, stored

import circflow as cf

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scenarios" / "almalyk"
DOCS = ROOT / "docs" / "cases" / "almalyk.md"
MARKS = ("sourced", "derived", "engineering-typical", "assumption", "recalled, not retrieved")
BEFORE, CONCENTRATOR, SMELTER, LAST = "2025", "2026-2027", "2028-2030", "2031-2035"
SUBSTANCES = ("Cu", "Au", "Zn", "Fe", "S", "P2O5")
NOT_BALANCED = ("cement blending", "iron correction")
"""Their inputs replace one another: no fixed composition goes in."""
PACKAGES = {
    "smelter": ["New copper smelter"],
    "leaching": ["Heap leach 1", "Heap leach 2"],
    "old slag": ["Old slag plant"],
    "phosphate": ["Phosphate line 2", "Meliorant line", "Retarder line"],
    "small": [
        "Dust pelletising",
        "Bekabad slag line 2",
        "Microsilica bagging",
        "Novo-Angren dry ash",
        "Akhangaran aerated concrete",
        "Arsenic store",
    ],
}
"""What the minister decides: plants that stand or fall together."""
WITH = {"smelter": ["Acid terminal", "New slag plant", "Ammonium sulphate plant"]}
"""Plants that are counted with a package's capital and jobs."""
POLICIES = {
    "stack": {"Disposal.capacity_per_year[material=phosphogypsum]": 1e9},
    "fees": {"Disposal.fee": "*2"},
}
"""What each policy changes: no limit of the stack; all waste fees and dump costs doubled."""
FIRM = stored("almalyk")
"""What `circflow firm` gave."""
WASTES = {
    "copper slag": ["copper slag", "new copper slag"],
    "zinc cake and clinker": ["zinc cake", "Waelz clinker"],
    "steel slag and dust": ["EAF slag", "EAF dust", "silica fume"],
    "phosphogypsum": ["phosphogypsum"],
    "lignite ash": ["lignite ash"],
    "tailings": ["MOF-1/2 tailings", "MOF-3 tailings", "gold tailings"],
}


def sheet(name: str) -> pd.DataFrame:
    """A sheet as text, with its notes."""
    return typed(FOLDER / f"{name}.csv")


@pytest.fixture(scope="module")
def scenario(plan: cf.Solution) -> cf.Scenario:
    return plan.scenario


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], cf.Solution]) -> cf.Solution:
    return shipped("almalyk")


@pytest.fixture(scope="module")
def today(scenario: cf.Scenario) -> cf.Solution:
    """Existing units only: every candidate is off."""
    return cf.solve(scenario.change({"Units.status[status=candidate]": "off"}))


@pytest.fixture(scope="module")
def without(scenario: cf.Scenario) -> dict[str, float]:
    """The objective of the best plan without a package, by package."""
    return worth_without(scenario, PACKAGES)


@pytest.fixture(scope="module")
def policies(scenario: cf.Scenario) -> dict[str, float]:
    """The objective of the best plan under a policy."""
    return {name: decided(scenario.change(edits))[0] for name, edits in POLICIES.items()}


def rows_of(table: pd.DataFrame, period: str, column: str, *names: str) -> pd.DataFrame:
    return table[(table["period"] == period) & table[column].isin(names)]


def dumped(solution: cf.Solution, materials: list[str], period: str) -> float:
    """Tonnes a year of these materials that go to Disposal."""
    rows = rows_of(solution.disposal, period, "material", *materials)
    return float(rows["amount_per_year"].sum())


def sold(solution: cf.Solution, material: str, period: str, site: str = "") -> float:
    rows = rows_of(solution.sales, period, "material", material)
    if site:
        rows = rows[rows["site"] == site]
    return float(rows["amount_per_year"].sum())


def run(solution: cf.Solution, period: str, *units: str) -> float:
    """Activity a year of these units."""
    rows = rows_of(solution.activity, period, "unit", *units)
    return float(rows["activity_per_year"].sum())


def acid_outlets(solution: cf.Solution, period: str) -> dict[str, float]:
    """Where sulphuric acid goes, tonnes a year."""
    ore = run(solution, period, "Heap leach 1", "Heap leach 2")
    sulphate = run(solution, period, "Ammonium sulphate plant")
    return {
        "phosphate": 5.054 * run(solution, period, "Phosphate line 1", "Phosphate line 2"),
        "heap leaching": 0.03 * ore,
        "ammonium sulphate": 0.757 * sulphate,
        "uranium fields": sold(solution, "acid in wagons", period, "Navoi"),
        "export": sold(solution, "acid in wagons", period, "Keles gate"),
        "neutralised": run(solution, period, "Acid neutralisation"),
    }


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


def test_smelter_leach_and_phosphogypsum_belong_together_in_time(plan: cf.Solution) -> None:
    start = plan.built.set_index("unit")["period"]
    order = [BEFORE, CONCENTRATOR, SMELTER, LAST]

    def at(unit: str) -> int:
        return order.index(start[unit])

    assert at("Acid terminal") <= at("New copper smelter")
    assert at("New copper smelter") <= at("New slag plant")
    assert at("New copper smelter") <= at("Heap leach 2")
    assert at("Meliorant line") <= at("Phosphate line 2")


def test_more_phosphate_puts_no_more_on_the_stack(plan: cf.Solution, today: cf.Solution) -> None:
    now = dumped(today, ["phosphogypsum"], BEFORE)
    assert run(plan, LAST, "Phosphate line 2") > 0
    assert dumped(plan, ["phosphogypsum"], LAST) <= now * 1.005


# -- calibration: existing units only, and published totals --------------------------------------


def test_acid_that_phosphate_takes_today(today: cf.Solution) -> None:
    """450,491 t in 11 months of 2019."""
    taken = acid_outlets(today, BEFORE)["phosphate"]
    assert taken == pytest.approx(450_491 * 12 / 11, rel=0.02)
    assert run(today, BEFORE, "Phosphate line 1") == pytest.approx(89_132 * 12 / 11, rel=0.02)


def test_all_acid_of_today_has_a_taker(today: cf.Solution) -> None:
    """339,899 t in 5 months of 2022; nothing is known to have been neutralised."""
    outlets = acid_outlets(today, BEFORE)
    assert outlets["neutralised"] == pytest.approx(0, abs=1)
    # clinker in the old furnaces gives a little acid of its own (8 kt)
    assert sum(outlets.values()) == pytest.approx(339_899 * 12 / 5, rel=0.02)


def test_metal_from_steel_slag_today(today: cf.Solution) -> None:
    """29 kt a year at full treatment (Bekabad, joint venture of 2023)."""
    assert sold(today, "steel scrap", BEFORE) == pytest.approx(29e3, rel=0.05)


def test_no_zinc_cake_is_dumped_today(today: cf.Solution) -> None:
    """Storage of cake stopped in June 1972."""
    assert dumped(today, ["zinc cake"], BEFORE) == pytest.approx(0, abs=1)


def test_tailings_before_and_after_the_third_concentrator(today: cf.Solution) -> None:
    """Over 40 Mt in 2025; about 100 Mt with the third concentrator."""
    tailings = ["MOF-1/2 tailings", "MOF-3 tailings"]
    assert dumped(today, tailings, BEFORE) == pytest.approx(40e6, rel=0.02)
    assert dumped(today, tailings, LAST) == pytest.approx(100e6, rel=0.02)


# -- anchors of the recipes ----------------------------------------------------------------------


def recipe(technology: str, name: str = "") -> dict[tuple[str, str], float]:
    """Amounts of a recipe by role and material."""
    rows = sheet("Recipes")
    rows = rows[(rows["technology"] == technology) & (rows["recipe"] == name)]
    keys = zip(rows["role"], rows["material"], strict=True)
    return dict(zip(keys, rows["amount"].astype(float), strict=True))


def test_new_smelter_is_the_one_that_is_announced(scenario: cf.Scenario) -> None:
    """300 kt of copper and 1.8 Mt of acid."""
    charge = recipe("flash smelting", "concentrate")
    units = scenario.frame("Units").set_index("unit")
    capacity = units.at["New copper smelter", "capacity_per_year"]
    assert capacity * charge["output", "cathode"] == pytest.approx(300e3, rel=0.01)
    assert capacity * charge["output", "sulphuric acid"] == pytest.approx(1.8e6, rel=0.05)


def test_slag_arises_as_the_old_dump_tells() -> None:
    """10 Mt in 38 years at 75 kt of copper: 3.5 t per t, 518 kt at 148 kt."""
    rows = sheet("Streams")
    slag = rows[rows["material"] == "copper slag"]["amount_per_year"].astype(float).iloc[0]
    assert slag == pytest.approx(148e3 * 10e6 / (38 * 75e3), rel=0.01)


def test_phosphogypsum_lies_between_its_two_bounds() -> None:
    """4.8 t per t of P2O5 at least; all acid as gypsum, with 10 % of water, at most."""
    made = recipe("wet phosphate")["output", "phosphogypsum"]
    assert 4.8 <= made <= 5.054 * 172.17 / 98.08 / 0.9


def test_leaching_takes_the_acid_of_a_running_plant() -> None:
    """137.25 kt of acid for 4.575 Mt of ore, which gave at least 0.00109 t of copper."""
    leach = recipe("heap leaching")
    assert leach["input", "sulphuric acid"] == pytest.approx(137.25 / 4575, rel=0.001)
    assert 0.0011 <= leach["output", "cathode"] <= 0.0021


def test_published_projects_stand_as_printed(scenario: cf.Scenario) -> None:
    units = scenario.frame("Units").set_index("unit")
    rod = units.loc["Cluster rod and cable"]
    assert (rod["capacity_per_year"], rod["capex_million"], rod["jobs"]) == (80_000, 168, 4500)
    leach = units.loc["Heap leach 1"]
    per_tonne = leach["capex_million"] * 1e6 / leach["capacity_per_year"]
    assert per_tonne == pytest.approx(75.2 / 4, rel=0.02)
    kaolin = units.loc["Apartak kaolin plant"]
    assert kaolin["jobs"] == 40
    made = kaolin["capacity_per_year"] * kaolin["availability"] * 0.42
    assert made == pytest.approx(70e3, rel=0.01)


def test_concentrate_costs_what_export_pays() -> None:
    """So that only the margin of smelting at home counts, and no concentrate as a gain."""
    rows = sheet("Streams")
    cost = float(rows[rows["material"] == "copper concentrate"]["cost"].iloc[0])
    copper = 0.16 * 9140 - 80 - 28 - 65
    assert cost == pytest.approx(copper + 12 * 0.95 * 76.7, abs=3)


# -- the rows ------------------------------------------------------------------------------------


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


def test_every_source_is_used() -> None:
    used: set[str] = set()
    for path in FOLDER.glob("*.csv"):
        if path.stem != "Sources":
            used |= {one for cell in sheet(path.stem)["source"] for one in cell.split(";")}
    assert set(sheet("Sources")["id"]) == used


def test_size_of_the_case(scenario: cf.Scenario) -> None:
    units = scenario.frame("Units")
    assert (units["status"] == "candidate").sum() >= 10
    assert len(scenario.frame("Ranges")) >= 20
    assert len(scenario.periods) >= 3
    assert scenario.frame("Synergies")["effect"].nunique() == 8
    works = units[units["technology"] == "cement blending"]["site"]
    assert works.nunique() == 3


def test_no_goods_have_two_prices_at_one_place_but_tiers() -> None:
    """Tiers fall: the first buyer pays most."""
    rows = sheet("Markets").assign(price=lambda frame: frame["price"].astype(float))
    for _, tiers in rows.groupby(["site", "material"]):
        assert tiers["price"].is_monotonic_decreasing


# -- balances ------------------------------------------------------------------------------------


class Balance(NamedTuple):
    """Tonnes of a recipe per unit of activity, and the loss that its note names."""

    technology: str
    recipe: str
    into: float
    out: float
    named: float
    why: str

    @property
    def row(self) -> str:
        why = self.why or "-"
        loss = self.into - self.out
        start = f"| {self.technology} | {self.recipe} | {self.into:.3f} | {self.out:.3f} |"
        return f"{start} {loss:.3f} | {why} |"


def masses() -> list[Balance]:
    """The mass balance of every recipe; in a group the material that counts most is taken."""
    materials = sheet("Materials")
    tonnes = set(materials.loc[materials["unit"] == "t", "material"])
    lines = []
    for (technology, name), rows in sheet("Recipes").groupby(["technology", "recipe"], sort=False):
        moved = rows[rows["material"].isin(tonnes)]
        weight = moved["weight"].replace("", "1").astype(float)
        moved = moved.assign(amount=moved["amount"].astype(float) / weight)
        out = float(moved.loc[moved["role"] == "output", "amount"].sum())
        needs = moved[moved["role"] == "input"]
        plain = float(needs.loc[needs["group"] == "", "amount"].sum())
        choice = needs[needs["group"] != ""].groupby("group")["amount"].min().sum()
        told = re.search(r"loss (\d+\.\d+)(?:: (.+))?$", str(rows["note"].iloc[0]))
        named, why = (float(told[1]), told[2] or "") if told else (0.0, "")
        lines.append(Balance(str(technology), str(name) or "main", plain + choice, out, named, why))
    return lines


def substances() -> pd.DataFrame:
    """What of each substance goes into and comes out of each recipe (% x t, gold in g)."""
    values = sheet("Properties")
    values = values[values["property"].isin(SUBSTANCES)]
    rows = sheet("Recipes").merge(values[["material", "property", "value"]], on="material")
    rows = rows[~rows["technology"].isin(NOT_BALANCED)]
    rows["held"] = rows["amount"].astype(float) * rows["value"].astype(float)
    keys = ["property", "technology", "recipe", "role"]
    return rows.groupby(keys)["held"].sum().unstack("role").fillna(0.0).reset_index()


def test_mass_is_conserved_up_to_named_losses() -> None:
    for line in masses():
        loss = line.into - line.out
        name = f"{line.technology}/{line.recipe}"
        assert loss >= -1e-9, name
        assert line.named == pytest.approx(loss, abs=0.0006), name
        if loss > 0.02 * line.into:
            assert line.why, f"{name}: a loss without an explanation"


def test_no_recipe_creates_metal_sulphur_or_phosphate() -> None:
    for row in substances().itertuples():
        name = (row.property, row.technology, row.recipe)
        assert row.output <= row.input * 1.0005 + 1e-9, name


def test_every_substance_loss_above_five_per_cent_is_named() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for row in substances().itertuples():
        lost = 1 - row.output / row.input if row.input else 0.0
        if lost > 0.05:
            start = f"| {row.property} | {row.technology} | {row.recipe or 'main'} | {lost:.0%} |"
            assert start in text, start


def test_the_docs_list_every_mass_balance() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for line in masses():
        assert line.row in text, line.row


# -- the page ------------------------------------------------------------------------------------


def headline(plan: cf.Solution, today: cf.Solution, without: dict[str, float]) -> list[str]:
    gain = plan.objective - today.objective
    smelter = plan.objective - without["smelter"]
    built = plan.built
    return [
        f"| best plan less today | {gain:,.0f} |",
        f"| of it, the new smelter with its acid outlets | {smelter:,.0f} |",
        f"| of it, all else: the circular part | {gain - smelter:,.0f} |",
        f"| capital to commit | {built['capex_million'].sum():,.0f} |",
        f"| of it without the smelter | {built['capex_million'].sum() - 750:,.0f} |",
        f"| new jobs | {built['jobs'].sum():,.0f} |",
    ]


def decisions(plan: cf.Solution, without: dict[str, float]) -> list[str]:
    """Capital, jobs and worth of each package, as in the rows of the decisions table."""
    built = plan.built.set_index("unit")
    lines = []
    for name, units in PACKAGES.items():
        own = [unit for unit in units + WITH.get(name, []) if unit in built.index]
        capital, jobs = built.loc[own, "capex_million"].sum(), built.loc[own, "jobs"].sum()
        worth = plan.objective - without[name]
        sure = least_sure(FIRM, own)
        lines.append(f"| {capital:,.0f} | {jobs:,.0f} | {worth:,.0f} | {sure} |")
    return lines


def policy_rows(plan: cf.Solution, policies: dict[str, float]) -> list[str]:
    return [
        f"| the stack takes no more than today | {policies['stack'] - plan.objective:,.1f} |",
        f"| all waste fees and dump costs doubled | {plan.objective - policies['fees']:,.0f} |",
    ]


def acid_rows(plan: cf.Solution, today: cf.Solution) -> list[str]:
    columns = [acid_outlets(today, BEFORE)]
    columns += [acid_outlets(plan, period) for period in (CONCENTRATOR, SMELTER, LAST)]
    lines = []
    for outlet in columns[0]:
        cells = " | ".join(f"{one[outlet] / 1e3:,.0f}" for one in columns)
        lines.append(f"| {outlet} | {cells} |")
    totals = " | ".join(f"{sum(one.values()) / 1e3:,.0f}" for one in columns)
    return [*lines, f"| all | {totals} |"]


def waste_rows(plan: cf.Solution, today: cf.Solution) -> list[str]:
    lines = []
    for name, materials in WASTES.items():
        periods = (BEFORE, CONCENTRATOR, SMELTER, LAST)
        now = dumped(today, materials, LAST)
        cells = " | ".join(f"{dumped(plan, materials, period) / 1e3:,.0f}" for period in periods)
        lines.append(f"| {name} | {now / 1e3:,.0f} | {cells} |")
    return lines


def stage_rows(plan: cf.Solution) -> list[str]:
    """Chains from a waste to a sale, by the stage where the waste arises."""
    chains = plan.chains
    chains = chains[(chains["category"] == "waste") & (chains["end"] == "sale")]
    lines = []
    for stage, rows in chains.groupby("stage"):
        uses = rows[["source_material", "end_material"]].drop_duplicates()
        cells = f"{rows['income_million'].sum():,.0f} | {rows['value_million'].sum():,.0f} |"
        lines.append(f"| {stage} | {uses['source_material'].nunique()} | {len(uses)} | {cells}")
    return lines


def emission_rows(plan: cf.Solution, today: cf.Solution) -> list[str]:
    """Thousand tonnes a year: today's plants in the first and last period, the plan in the last."""
    lines = []
    for pollutant in ("CO2", "SO2", "dust"):
        cells = []
        for solution, period in ((today, BEFORE), (today, LAST), (plan, LAST)):
            rows = rows_of(solution.emissions, period, "pollutant", pollutant)
            cells.append(f"{rows['tonnes_per_year'].sum() / 1e3:,.1f}")
        lines.append(f"| {pollutant} | {' | '.join(cells)} |")
    return lines


def plant_rows(plan: cf.Solution) -> list[str]:
    return [
        f"| {row.unit} | {row.period} | {row.capacity_per_year:,.0f} | {row.capex_million:,.1f}"
        f" | {row.jobs:,.0f} |"
        for row in plan.built.itertuples()
    ]


def calibration_rows(today: cf.Solution) -> list[str]:
    outlets = acid_outlets(today, BEFORE)
    return [
        f"| 491 kt/y (450,491 t in 11 months of 2019) | {outlets['phosphate'] / 1e3:,.0f} kt/y |",
        f"| 816 kt/y (339,899 t in 5 months of 2022) | {sum(outlets.values()) / 1e3:,.0f} kt/y |",
        f"| 29 kt/y at full treatment | {sold(today, 'steel scrap', BEFORE) / 1e3:,.1f} kt/y |",
        f"| none since June 1972 | {dumped(today, ['zinc cake'], BEFORE) / 1e3:,.0f} kt/y |",
    ]


def money_rows(plan: cf.Solution, today: cf.Solution) -> list[str]:
    lines = []
    for group in plan.totals["costs"]:
        cells = [-round(solution.totals["costs"].get(group, 0.0)) for solution in (today, plan)]
        lines.append(f"| {group} | {cells[0]:,} | {cells[1]:,} |")
    sales = f"| sales | {today.totals['income']:,.0f} | {plan.totals['income']:,.0f} |"
    ends = [solution.totals["net_benefit"] for solution in (today, plan)]
    net = f"| net benefit | {ends[0]:,.0f} | {ends[1]:,.0f} |"
    worth = f"| discounted (the objective) | {today.objective:,.1f} | {plan.objective:,.1f} |"
    return [sales, *lines, net, worth]


@pytest.fixture(scope="module")
def told(scenario: cf.Scenario, plan: cf.Solution) -> pd.DataFrame:
    """The indicators, of the cluster and its members."""
    return cf.indicators(scenario, plan=plan)


def figure(value: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def indicator_rows(told: pd.DataFrame) -> list[str]:
    """Those with a target that can be judged, and all given ones, over the horizon."""
    rows = told[told["period"].isna() & ((told["kind"] == "given") | told["met"].notna())]
    marks = sheet("Indicators").set_index("indicator")["note"].str.split(":").str[0]
    lines = []
    for row in rows.itertuples():
        now, aim = (figure(one) for one in (row.value, row.target))
        met = "-" if pd.isna(row.met) else "yes" if row.met else "no"
        who = row.member if isinstance(row.member, str) else "cluster"
        start = f"| {row.group} | {row.indicator} | {who} | {row.unit} | {row.kind} |"
        lines.append(f"{start} {now} | {aim} | {met} | {marks[row.indicator]} |")
    return lines


def test_six_groups_with_three_indicators_each(told: pd.DataFrame) -> None:
    mine = told[told["period"].isna()]
    groups = mine.groupby("group")
    assert len(groups) == 6
    for group, rows in groups:
        given = rows[rows["kind"] == "given"]
        computed = rows[(rows["kind"] == "computed") & rows["member"].isna()]
        assert len(given) >= 3, group
        assert computed["value"].notna().any(), group
        assert rows["target"].notna().sum() >= 3, group


def test_indicators_are_what_the_tables_of_the_plan_say(
    scenario: cf.Scenario, plan: cf.Solution, told: pd.DataFrame
) -> None:
    cluster = told[told["period"].isna() & told["member"].isna()].set_index("indicator")["value"]
    years = {period.name: period.years for period in scenario.periods}
    built = plan.built.set_index("unit")
    assert cluster["investment"] == pytest.approx(built["capex_million"].sum())
    assert cluster["new_units"] == len(built)
    share = scenario.frame("Units").set_index("unit")["foreign_share"]
    foreign = (built["capex_million"] * share.reindex(built.index)).sum()
    assert cluster["foreign_investment"] == pytest.approx(foreign)
    markets = scenario.frame("Markets")
    abroad = set(zip(*markets.loc[markets["export"], ["site", "material"]].T.values, strict=True))
    sales = plan.sales.assign(
        million=lambda t: t["income_million_per_year"] * t["period"].map(years),
        abroad=lambda t: [pair in abroad for pair in zip(t["site"], t["material"], strict=True)],
    )
    exported = sales.loc[sales["abroad"], "million"].sum() / sum(years.values())
    assert cluster["export_revenue"] == pytest.approx(exported)


def phrases(scenario: cf.Scenario, plan: cf.Solution) -> list[str]:
    """Sentences of the page that hold figures, as they are now."""
    prices = plan.prices
    acid = prices[(prices["kind"] == "material") & (prices["material"] == "sulphuric acid")]
    worth = acid[acid["site"] == "Copper smelter"].set_index("period")["value"]
    totals = plan.totals
    years = {period.name: period.years for period in scenario.periods}
    sales = plan.sales
    metal = sales[sales["material"].isin(["cathode", "gold"])]
    metal = (metal["income_million_per_year"] * metal["period"].map(years)).sum()
    line = run(plan, LAST, "Phosphate line 2")
    abroad = sold(plan, "ammophos", LAST, "Keles gate")
    rooms = [f"{works} additives" for works in ("Akhangaran", "Bekabad", "Conch")]
    flows = rows_of(plan.flows, LAST, "material", "slag sand", "new slag sand")
    sand = flows["received_per_year"].sum()
    return [
        f"is worth {worth[BEFORE]:.0f} USD at the smelter now, {worth[SMELTER]:.0f} USD when the"
        f" new furnace starts, and minus {-worth[LAST]:.0f} USD when it is full",
        f"{metal / 1e3:.1f} of the {totals['income'] / 1e3:.1f} billion of sales, and concentrate"
        f" {totals['costs']['streams'] / 1e3:.1f} billion of the costs",
        f"needs {5.18 * line / 1e3:.0f} kt of rock a year",
        f"{abroad / (2.18 * line):.0%} of its product abroad",
        f"room for {run(plan, LAST, *rooms) / 1e6:.2f} Mt of clinker replaced",
        f"{sand / 1e3:.0f} kt of slag sand",
    ]


def test_the_words_of_the_page_are_true(scenario: cf.Scenario, plan: cf.Solution) -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    assert [one for one in phrases(scenario, plan) if one not in text] == []


def test_the_first_page_says_what_was_sampled_and_how_long_plants_take(
    scenario: cf.Scenario, plan: cf.Solution
) -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    smelter = next(r for r in FIRM["decisions"] if r["unit"] == "New copper smelter")
    assert smelter["built_share"] < 0.5
    turns = [
        r for r in FIRM["turns"] if r["unit"] == smelter["unit"] and "concentrate" in r["parameter"]
    ]
    assert min(abs(r["overturned_at"] - 1) for r in turns) == pytest.approx(0.012, abs=0.0005)
    assert "if export pays 1.2 % more for concentrate" in text
    units = scenario.frame("Units").set_index("unit")
    years = units.loc[units["status"] == "candidate", "construction_years"]
    assert (years.min(), years.max()) == (1, 4)
    assert "Plants take one to four years to build" in text
    assert units.at["New copper smelter", "capex_million"] == 750


def test_what_the_page_says_of_a_poor_leach_and_a_dear_smelter(
    scenario: cf.Scenario, plan: cf.Solution
) -> None:
    yield_of_leach = "Recipes.amount[technology=heap leaching, material=cathode]"
    _, poor = decided(scenario.change({yield_of_leach: 0.0011}))
    assert not poor & {"Heap leach 1", "Heap leach 2"}
    _, full = decided(scenario.change({"Units.capex_million[unit=New copper smelter]": 1500}))
    assert "New copper smelter" not in full
    assert {"Heap leach 1", "Old slag plant"} <= full


COPPER = (
    "Markets.price[material=cathode]",
    "Streams.cost[material=copper concentrate]",
    "Markets.price[material=rod and cable]",
)
CARBON = "EmissionLimits.price[pollutant=CO2]"
YIELD = "Recipes.amount[technology=tailings re-mining, material=Cu-pyrite concentrate]"


def test_what_the_page_says_of_copper_carbon_and_grades(
    scenario: cf.Scenario, plan: cf.Solution
) -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    built = set(plan.built["unit"])
    for factors in ((0.85, 0.9, 0.86), (1.15, 1.1, 1.14)):
        edits = {at: f"*{factor}" for at, factor in zip(COPPER, factors, strict=True)}
        moved, same = decided(scenario.change(edits))
        assert same == built
        assert f"by {abs(moved - plan.objective):.0f} million either way" in text
    clay = {"Clay calciner", "Clay cement line"}
    low, high = (decided(scenario.change({CARBON: p}))[1] for p in (60, 70))
    assert not clay & low and "New copper smelter" in low
    assert clay <= high and "New copper smelter" not in high
    _, rich = decided(scenario.change({YIELD: "*1.4"}))
    assert "Tailings re-mining" not in rich


def test_the_page_holds_indicators_and_budgets(
    scenario: cf.Scenario, plan: cf.Solution, told: pd.DataFrame
) -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = indicator_rows(told) + budget_rows(scenario, plan, 1)
    assert [line for line in lines if line not in text] == []


def test_the_page_holds_what_the_plan_says(
    plan: cf.Solution,
    today: cf.Solution,
    without: dict[str, float],
    policies: dict[str, float],
) -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = headline(plan, today, without) + decisions(plan, without)
    lines += acid_rows(plan, today) + waste_rows(plan, today) + plant_rows(plan)
    lines += (
        stage_rows(plan)
        + calibration_rows(today)
        + money_rows(plan, today)
        + policy_rows(plan, policies)
    )
    assert [line for line in lines if line not in text] == []


def test_what_is_firm_is_what_was_stored(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [line for line in firm_lines(FIRM) if line not in text] == []
    assert all(unit in text for unit in left_out(FIRM))
    agrees(FIRM, scenario, plan, today.objective)


def test_the_parts_of_the_gain_add_up() -> None:
    """The printed effects make the printed gain; so do the shares of each rule."""
    text = DOCS.read_text(encoding="utf-8")
    total = float(re.findall(r"gain of the cluster  ([\d.]+)", text)[0])
    block = text.partition("Where the gain comes from")[2]
    effects, _, rest = block.partition("Shares of the gain by rule")
    parts = [float(v) for v in re.findall(r"^  \w+ +(-?[\d.]+)$", effects, re.M)]
    assert len(parts) == 5
    assert sum(parts) == pytest.approx(total, abs=1.5)
    shares = rest.partition("Would a group leave?")[0]
    rows = re.findall(r"^  [A-Z].*?  +((?:-?[\d.]+ *){6})$", shares, re.M)
    assert len(rows) == 12
    for rule in zip(*(row.split() for row in rows), strict=True):
        assert sum(map(float, rule)) == pytest.approx(total, abs=1.5)
