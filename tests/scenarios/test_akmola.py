"""The Akmola case: its figures, its calibration, and what its recipes conserve."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from case_pages import budget_rows, stage_rows, typed
from firm_pages import agrees, decided, firm_rows, knowing_rows, left_out, spread, stored

import circflow as cf
from circflow.studies.cluster.coalition import Cluster
from circflow.studies.cluster.coalition_values import Values
from circflow.studies.cluster.effects import _switches

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scenarios" / "akmola"
DOCS = ROOT / "docs" / "cases" / "akmola.md"
MARKS = ("sourced", "derived", "engineering-typical", "assumption", "recalled, not retrieved")
CENTRE = "Joint research and digital centre"
FIRST, SECOND, THIRD, LAST = "2026", "2027-2029", "2030-2034", "2035-2039"
EFFECTS = ("scale", "integration", "excess_capacity", "management", "transaction_costs", "image")
CONSERVED = {"Au": 0.05, "As": 0.05, "S": 0.05, "Al2O3": 0.05}
"""Substances in the sheet Properties, and the share that a recipe may lose without a word."""
ENERGY = ("acid", "steam turbine", "steam to district heat")


def page() -> str:
    """The page in one line, however its lines are broken."""
    return " ".join(DOCS.read_text(encoding="utf-8").split())


def sheet(name: str) -> pd.DataFrame:
    """A sheet as text, with its notes."""
    return typed(FOLDER / f"{name}.csv")


class Line(NamedTuple):
    """What goes into and comes out of a recipe, in tonnes or in a conserved quantity."""

    technology: str
    recipe: str
    into: float
    out: float
    note: str


def balances(weight: dict[str, float]) -> Iterator[Line]:
    """Every recipe with a material of `weight` (quantity per unit) in it.

    In a group the material that brings least is taken.
    """
    recipes = sheet("Recipes")
    recipes["recipe"] = recipes["recipe"].replace("", "main")
    for (technology, name), rows in recipes.groupby(["technology", "recipe"], sort=False):
        into: dict[str, list[float]] = defaultdict(list)
        out = 0.0
        for number, row in zip(rows.index, rows.to_dict("records"), strict=True):
            amount = float(row["amount"]) * weight.get(row["material"], 0.0)
            if row["role"] == "output":
                out += amount
            else:
                into[row["group"] or f"row {number}"].append(amount)
        total = sum(min(amounts) for amounts in into.values())
        if total or out:
            yield Line(str(technology), str(name), total, out, str(rows["note"].iloc[0]))


def masses() -> list[Line]:
    """Tonnes in and out of every recipe; dore, gold and silver (kilograms) are left out."""
    materials = sheet("Materials")
    return list(balances(dict.fromkeys(materials.loc[materials["unit"] == "t", "material"], 1.0)))


def contents(quantity: str) -> list[Line]:
    rows = sheet("Properties")
    rows = rows[rows["property"] == quantity]
    return list(balances(dict(zip(rows["material"], rows["value"].astype(float), strict=True))))


def amount(technology: str, name: str, material: str) -> float:
    rows = sheet("Recipes")
    mine = rows["technology"].eq(technology) & rows["recipe"].eq(name)
    return float(rows.loc[mine & rows["material"].eq(material), "amount"].iloc[0])


# -- the ways that are compared --------------------------------------------------------------------


Edits = dict[str, object]


@pytest.fixture(scope="module")
def scenario(plan: cf.Solution) -> cf.Scenario:
    return plan.scenario


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], cf.Solution]) -> cf.Solution:
    return shipped("akmola")


@pytest.fixture(scope="module")
def cluster(scenario: cf.Scenario) -> Cluster:
    return Cluster(scenario)


@pytest.fixture(scope="module")
def today(scenario: cf.Scenario) -> cf.Solution:
    """Existing units only: every candidate is off."""
    return cf.solve(scenario.change({"Units.status[status=candidate]": "off"}))


WITHOUT_SYNERGIES: Edits = {"Synergies.value": 0}
CONVENTIONAL: Edits = {
    f"Units.status[unit={CENTRE}]": "off",
    "Scenario.transaction_cost_inside": 0.4,
    "Scenario.max_distance_km": 150,
}
"""No centre, contracts inside as dear as outside, offers seen within 150 km."""
WITHOUT_UNIVERSITIES: Edits = {
    f"Purchases.max_per_year[material={what}]": 0 for what in ("research hours", "trained people")
}
"""No hours of research, so no analyses and no centre, and no people who trained at plants."""
WITHOUT_ACID: Edits = {"Units.status[unit=SSAP acid line 2]": "off"}


def used(solution: cf.Solution, material: str, period: str) -> tuple[float, float]:
    """Tonnes of a stream used a year, and their share of what arises."""
    supply, dumped = solution.tables.supply, solution.disposal
    arising = supply[(supply["kind"] == "stream") & (supply["period"] == period)]
    total = float(arising.loc[arising["material"] == material, "amount_per_year"].sum())
    gone = dumped[(dumped["period"] == period) & (dumped["material"] == material)]
    taken = total - float(gone["amount_per_year"].sum())
    return taken, taken / total


def activity(solution: cf.Solution, period: str, *units: str) -> float:
    rows = solution.activity
    rows = rows[(rows["period"] == period) & rows["unit"].isin(units)]
    return float(rows["activity_per_year"].sum())


def sold(solution: cf.Solution, material: str, period: str) -> float:
    rows = solution.sales
    rows = rows[(rows["period"] == period) & (rows["material"] == material)]
    return float(rows["amount_per_year"].sum())


def money(solution: cf.Solution, group: str, period: str = "", material: str = "") -> float:
    """Million a year of a group in a period, or discounted over all of them."""
    rows = solution.money
    rows = rows[rows["group"] == group]
    if material:
        rows = rows[rows["material"] == material]
    if period:
        return float(rows.loc[rows["period"] == period, "million_per_year"].sum())
    return float(rows["discounted_million"].sum())


def cash(plan: cf.Solution, other: cf.Solution, periods: tuple[str, ...]) -> float:
    """Million that the plan has taken in more than the other by the end of the last period.

    Not discounted; capital counts in full when it is built.
    """
    total = 0.0
    for solution, sign in ((plan, 1), (other, -1)):
        rows, built = solution.money, solution.built
        running = rows[rows["period"].isin(periods) & (rows["group"] != "capital")]
        capex = built.loc[built["period"].isin(periods), "capex_million"]
        total += sign * float(running["million"].sum() - capex.sum())
    return total


# -- the plan --------------------------------------------------------------------------------------


def test_plan_is_optimal_audited_and_quick(plan: cf.Solution) -> None:
    assert plan.status == cf.Status.OPTIMAL
    assert plan.gap <= 1e-6
    assert plan.audit.passed
    assert plan.seconds["solve"] < 20


def test_checks_give_no_warning(scenario: cf.Scenario) -> None:
    assert [str(warning) for warning in scenario.warnings] == []


def test_size_of_the_case(scenario: cf.Scenario) -> None:
    units = scenario.frame("Units")
    assert (units["status"] == "candidate").sum() >= 10
    assert len(scenario.frame("Ranges")) >= 20
    assert len(scenario.frame("Studies")) >= 8
    assert scenario.settings.currency == "USD"


def test_every_row_has_its_source_and_confidence() -> None:
    known = set(sheet("Sources")["id"])
    for path in sorted(FOLDER.glob("*.csv")):
        if path.stem == "Sources":
            continue
        rows = sheet(path.stem)
        for source, note in zip(rows["source"], rows["note"], strict=True):
            assert source, (path.stem, note)
            assert set(source.split(";")) <= known, (path.stem, source)
            mark = note.split(":")[0]
            assert mark in MARKS, (path.stem, note)
            assert len(note) > len(mark) + 3, (path.stem, note)


def test_every_group_of_indicators_has_three_given_ones() -> None:
    rows = sheet("Indicators")
    given = rows[rows["value"] != ""].groupby("group").size()
    assert len(given) == 6
    assert (given >= 3).all()
    assert (rows["target"] != "").groupby(rows["group"]).any().all()


# -- what is asked of the region -------------------------------------------------------------------


def test_the_uranium_tailings_are_covered_and_never_a_feed(plan: cf.Solution) -> None:
    for name in ("Streams", "Stockpiles", "Purchases"):
        rows = sheet(name)
        assert "site" not in rows or "Uranium ponds" not in set(rows["site"])
    flows = plan.flows
    assert not len(flows[flows["from"] == "Uranium ponds"])
    assert sold(plan, "cover rock", SECOND) > 0


def test_knowledge_costs_nothing_per_kilometre(plan: cf.Solution) -> None:
    modes = sheet("Modes").set_index("mode")
    assert float(modes.at["knowledge", "cost_per_unit_km"]) == 0
    flows = plan.flows[plan.flows["mode"] == "knowledge"]
    assert {"research hours", "analyses", "trained people", "digital service"} <= set(
        flows.loc[flows["sent_per_year"] > 0, "material"]
    )


def test_the_centre_is_what_other_candidates_require(plan: cf.Solution) -> None:
    units = sheet("Units")
    assert (units["requires"] == CENTRE).sum() >= 3
    assert CENTRE in set(plan.built["unit"])


def test_one_central_plant_or_three_small_ones() -> None:
    units = sheet("Units").set_index("unit")
    fleet = "Shared hydro-mining fleet"
    assert units.at["Central tailings plant", "choice"] == units.at[fleet, "choice"] != ""
    assert (units["requires"] == fleet).sum() == 3


# -- calibration: existing units only --------------------------------------------------------------


def test_dore_of_the_old_tailings_today(today: cf.Solution) -> None:
    """Two plants of 2.3 Mt a year, 1.5 t of dore each; gold to silver as 4 to 2."""
    treated = activity(today, FIRST, "Aksu leach plant", "Bestobe leach plant")
    assert treated == pytest.approx(4.6e6, rel=0.01)
    dore = activity(today, FIRST, "Tau-Ken refinery")
    assert dore == pytest.approx(3000, rel=0.1)
    gold, silver = (sold(today, f"refined {metal}", FIRST) for metal in ("gold", "silver"))
    assert gold / silver == pytest.approx(2.0, rel=0.05)


def test_ash_used_today(today: cf.Solution) -> None:
    """69.2 kt of more than 20 Mt in the country."""
    _, share = used(today, "ash and slag", FIRST)
    assert share == pytest.approx(69.2e3 / 20e6, abs=0.001)


# -- anchors of the recipes ------------------------------------------------------------------------


def test_old_tailings_give_the_published_dore() -> None:
    assert amount("tailings leach", "old tailings", "tailings dore") * 2.3e6 == pytest.approx(
        1500, rel=0.005
    )


def test_steam_gives_the_published_power() -> None:
    """49.5 GWh out of 180 kt of acid."""
    steam = amount("acid", "", "acid-plant steam")
    power = amount("steam turbine", "", "power")
    assert 180e3 * steam * power == pytest.approx(49.5e3, rel=0.005)


def test_pressure_oxidation_costs_what_was_published() -> None:
    """USD 431 million for 250-300 kt a year in 2019, times 1.23."""
    units = sheet("Units").set_index("unit").loc["Pressure oxidation"]
    specific = float(units["capex_million"]) * 1e6 / float(units["capacity_per_year"])
    assert specific == pytest.approx(431e6 / 275e3 * 1.23, rel=0.03)


# -- conservation ----------------------------------------------------------------------------------


def test_mass_is_conserved_up_to_named_losses() -> None:
    for line in masses():
        name = f"{line.technology}/{line.recipe}"
        loss = line.into - line.out
        assert loss >= -1e-9, name
        found = re.search(r"loss (\d+\.\d+)(?:: (.+))?$", line.note)
        assert found, name
        assert float(found[1]) == pytest.approx(loss, abs=0.0006), name
        if loss > 0.02 * line.into:
            assert found[2], f"{name}: a loss without an explanation"


@pytest.mark.parametrize("quantity", CONSERVED)
def test_no_recipe_makes_a_substance(quantity: str) -> None:
    lines = contents(quantity)
    assert lines
    for line in lines:
        name = f"{line.technology}/{line.recipe}"
        assert line.out <= line.into * (1 + 1e-6), name
        if line.out:
            assert line.out >= line.into * (1 - CONSERVED[quantity]), name


def test_no_recipe_makes_energy() -> None:
    lines = {line.technology: line for line in contents("energy")}
    for technology in ENERGY:
        assert 0 < lines[technology].out <= lines[technology].into


# -- the page --------------------------------------------------------------------------------------


def figures(  # noqa: PLR0913, PLR0917
    plan: cf.Solution,
    today: cf.Solution,
    flows: cf.Solution,
    apart: float,
    old: cf.Solution,
    acid: cf.Solution,
    alone: cf.Solution,
) -> dict[str, str]:
    """The figures of the minister's page, as they are printed there."""
    built = plan.built
    capex = built.groupby("period")["capex_million"].sum()
    fees = money(plan, "disposal", THIRD), money(today, "disposal", THIRD)
    return {
        "gain": f"{plan.objective - today.objective:.0f}",
        "acid": f"{plan.objective - acid.objective:.0f}",
        "plants": str(len(built)),
        "capex": f"{built['capex_million'].sum():.0f}",
        "capex_second": f"{capex[SECOND]:.0f}",
        "jobs": f"{built['jobs'].sum():.0f}",
        "apart": f"{apart:,.1f}",
        "today": f"{today.objective:,.1f}",
        "flows": f"{flows.objective:,.1f}",
        "six": f"{plan.objective:,.1f}",
        "gain_flows": f"{flows.objective - apart:.1f}",
        "gain_six": f"{plan.objective - flows.objective:.1f}",
        "synergy": f"{plan.objective - apart:.1f}",
        "conventional": f"{old.objective:,.1f}",
        "digital": f"{plan.objective - old.objective:.1f}",
        "universities": f"{plan.objective - alone.objective:.1f}",
        "cash_second": f"{cash(plan, old, (FIRST, SECOND)):.1f}",
        "cash_third": f"{cash(plan, old, (FIRST, SECOND, THIRD)):.1f}",
        "cash_last": f"{cash(plan, old, (FIRST, SECOND, THIRD, LAST)):.1f}",
        "tax_first": f"{-money(plan, 'purchases', FIRST, 'extraction tax'):.1f}",
        "tax_third": f"{-money(plan, 'purchases', THIRD, 'extraction tax'):.1f}",
        "tax_today": f"{-money(today, 'purchases', THIRD, 'extraction tax'):.1f}",
        "fees": f"{fees[1] and -fees[0]:.1f}",
        "fees_today": f"{-fees[1]:.1f}",
        "ash": f"{100 * used(plan, 'ash and slag', THIRD)[1]:.0f}",
        "ash_kt": f"{used(plan, 'ash and slag', THIRD)[0] / 1e3:.0f}",
        "ash_today": f"{100 * used(today, 'ash and slag', FIRST)[1]:.2f}",
        "gold_first": f"{sold(plan, 'refined gold', FIRST):,.0f}",
        "gold_second": f"{sold(plan, 'refined gold', SECOND):,.0f}",
        "gold_third": f"{sold(plan, 'refined gold', THIRD):,.0f}",
        "gold_last": f"{sold(plan, 'refined gold', LAST):,.0f}",
        "gold_today_third": f"{sold(today, 'refined gold', THIRD):,.0f}",
        "residue": f"{activity(plan, THIRD, 'Arsenic residue cell') / 1e3:.0f}",
        "cover": f"{sold(plan, 'cover rock', SECOND) / 1e6:.1f}",
        "dore_today": f"{activity(today, FIRST, 'Tau-Ken refinery') / 1e3:.2f}",
        "treated_today": (
            f"{activity(today, FIRST, 'Aksu leach plant', 'Bestobe leach plant') / 1e6:.2f}"
        ),
        "ash_today_kt": f"{used(today, 'ash and slag', FIRST)[0] / 1e3:.1f}",
    }


def test_the_page_holds_the_figures_as_solved_now(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution, cluster: Cluster
) -> None:
    flows, old, acid, alone = (
        cf.solve(scenario.change(edits))
        for edits in (WITHOUT_SYNERGIES, CONVENTIONAL, WITHOUT_ACID, WITHOUT_UNIVERSITIES)
    )
    values = figures(plan, today, flows, cluster.alone.objective, old, acid, alone)
    text = page()
    for sentence in SENTENCES:
        assert sentence.format(**values) in text


def test_the_page_holds_budgets_and_stages(scenario: cf.Scenario, plan: cf.Solution) -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = budget_rows(scenario, plan) + stage_rows(plan)
    assert [line for line in lines if line not in text] == []


def test_what_is_firm_is_what_was_stored(
    scenario: cf.Scenario, plan: cf.Solution, today: cf.Solution
) -> None:
    content, text = stored("akmola"), DOCS.read_text(encoding="utf-8")
    assert spread(content) in page()
    knowing = knowing_rows(content)
    assert [line for line in firm_rows(content) + knowing[:7] if line not in text] == []
    assert all(float(line.split("|")[-2]) < 0.07 for line in knowing[7:14])
    assert len(knowing) == 14
    assert all(unit in page() for unit in left_out(content))
    agrees(content, scenario, plan, today.objective)


OF_30 = {
    "doubtful by money ({} of 30 futures)": "Arsenic residue cell",
    "pond ash of Astana firm ({} of 30)": "Astana pond ash yard",
    "brick likely ({})": "Aqmola clinker brick",
    "new block works likely ({})": "Aqmola aerated concrete",
    "Astana silo ({})": "Astana dry ash silo",
    "cement line ({}) doubtful": "Kokshe ash line",
    "likely: {} of 30; capital a third dearer": CENTRE,
    "mills doubtful ({})": "Bestobe regrind mills",
    "re-mining of Vasilkovskoye doubtful ({})": "Vasilkovskoye re-mining",
    "no central plant likely ({} of 30)": "Central tailings plant",
    "doubtful: {} of 30; the price may be": "Uranium pond cover",
}
"""Where the decisions say in how many samples a plant is built."""


def test_the_decisions_say_what_was_sampled_and_what_is_built(plan: cf.Solution) -> None:
    text, kept = page(), stored("akmola")
    built = {row["unit"]: round(30 * row["built_share"]) for row in kept["decisions"]}
    firmness = {row["unit"]: row["firmness"] for row in kept["decisions"]}
    assert [at for at, unit in OF_30.items() if at.format(built[unit]) not in text] == []
    for at, unit in OF_30.items():
        said = re.search("firm|likely|doubtful", at)
        assert said is None or said[0] == firmness[unit], unit
    rows = [
        f"| {row.unit} | {row.period} | {row.capex_million:.1f} | {row.jobs:.0f} |"
        for row in plan.built.itertuples()
    ]
    assert [row for row in rows if row not in text] == []


def test_size_and_time_are_said(scenario: cf.Scenario) -> None:
    units, text = scenario.frame("Units"), page()
    candidates = units[units["status"] == "candidate"]
    assert f"{len(units)} units, {len(candidates)} of them candidates" in text
    assert f"{len(scenario.frame('Members'))} members (five of them universities), " in text
    assert f"{len(scenario.frame('Materials'))} materials" in text
    assert candidates["construction_years"].max() <= 3


SENTENCES = (
    "is worth {gain} million more than going on with the plants of today. ",
    "builds {plants} plants for {capex} million ({capex_second} of",
    "with {jobs} jobs",
    "Of the ash, {ash} % is used in 2030-2034 ({ash_kt} kt a year)",
    "instead of {ash_today} %; {residue} kt a year",
    "{cover} Mt a year of clean rock",
    "{gold_second} kg a year in 2027-2029 and {gold_third} in 2030-2034",
    "({gold_today_third} without the plan",
    "gold: {tax_first} in 2026, {tax_third} in 2030-2034 ({tax_today} without the plan)",
    "{fees} in 2030-2034 instead of {fees_today}",
    "| {apart} | |",
    "| {flows} | {gain_flows} |",
    "| {six} | {gain_six} |",
    "dealing freely, the region stands at {today}",
    "is worth {digital} million: without it the plan is worth {conventional}",
    "people the plan is worth {universities} million less",
    "it has brought {cash_second}",
    "million by the end of 2029, {cash_third} by 2034 and {cash_last} by 2039",
    "| {treated_today} Mt/y |",
    "| {dore_today} t/y |",
    "| {ash_today} % ({ash_today_kt} kt) |",
    "line is worth {acid} million",
    "| together | {synergy} |",
)
"""Fragments of the page, to be filled with `figures`."""


def gold(usd_per_gram: float) -> Edits:
    """Gold at another price, with the tax on it; it stands at 76.7 USD/g."""
    factor = usd_per_gram / 76.7
    sold = ("refined gold", "tailings dore", "mine dore")
    prices: Edits = {f"Markets.price[material={what}]": f"*{factor}" for what in sold}
    return prices | {"Purchases.price[material=extraction tax]": factor}


@pytest.mark.parametrize(("price", "where"), [(60, "the gain is {} million"), (125, "it is {}.")])
def test_the_page_holds_the_gain_at_other_gold_prices(
    price: float, where: str, scenario: cf.Scenario, today: cf.Solution
) -> None:
    (then, _), (now, _) = (decided(one.change(gold(price))) for one in (scenario, today.scenario))
    assert where.format(f"{then - now:.0f}") in page()


@pytest.mark.parametrize(
    ("label", "at", "value"),
    [
        ("stabilised residue at 4 MCI", "Disposal.fee[material=stabilised residue]", 32.9),
        ("old tailings gone", "Stockpiles.opening[material=old tailings]", 0),
        ("extraction tax x 0.1", "Purchases.price[material=extraction tax]", 0.1),
    ],
)
def test_the_page_holds_what_the_doubts_cost(
    label: str, at: str, value: float, plan: cf.Solution, today: cf.Solution
) -> None:
    """Rows of the table of what moves the answer."""
    (worth, _), (now, _) = (decided(one.scenario.change({at: value})) for one in (plan, today))
    assert f"| {label} | {worth - plan.objective:+.1f} | {worth - now:.0f} |" in page()


def test_the_page_lists_every_mass_balance() -> None:
    text = page()
    kept = text.partition("Nothing is lost by ")[2].partition(".")[0].split("; ")
    for line in masses():
        if line.into == pytest.approx(line.out, abs=1e-9):
            name = line.technology + (f" ({line.recipe})" if line.recipe != "main" else "")
            assert name in kept
        else:
            start = f"| {line.technology} | {line.recipe} | {line.into:.3f} | {line.out:.3f} |"
            assert start in text, f"{line.technology}/{line.recipe}"


def test_the_six_effects_are_told_apart_and_add_up() -> None:
    """The printed split of the synergy: the six effects and plain exchange."""
    text = DOCS.read_text(encoding="utf-8")
    table = text.split("| effect | part |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| (\w+) \| (-?[\d.]+) \|", table, re.M))
    assert set(rows) == {*EFFECTS, "exchange"}
    assert all(float(rows[effect]) > 0 for effect in EFFECTS)
    total = re.search(r"^\| together \| ([\d.]+) \|", text, re.M)
    assert total
    assert sum(map(float, rows.values())) == pytest.approx(float(total[1]), abs=0.3)


def test_exchange_and_excess_capacity_alone_and_lost(plan: cf.Solution, cluster: Cluster) -> None:
    names, switches = _switches(cluster)
    values, everything = Values(switches), frozenset(range(len(names)))
    base, best = cluster.alone.objective, plan.objective
    for n, effect in enumerate(names[:2]):
        alone = values(frozenset([n])) - base
        lost = best - values(everything - {n})
        assert re.search(
            rf"^\| {effect} \| [\d.]+ \| {alone + 0.0:.1f} \| {lost:.1f} \|$",
            DOCS.read_text("utf-8"),
            re.M,
        )


@pytest.mark.parametrize("effect", ["scale", "integration", "management", "image"])
def test_what_is_lost_without_the_synergies_of_an_effect(
    effect: str, scenario: cf.Scenario, plan: cf.Solution
) -> None:
    without, _ = decided(scenario.change({f"Synergies.value[effect={effect}]": 0}))
    row = re.search(rf"^\| {effect} \| .* \| ([\d.]+) \|$", DOCS.read_text("utf-8"), re.M)
    assert row is not None
    assert f"{plan.objective - without:.1f}" == row[1]


def test_what_the_centre_is_worth(scenario: cf.Scenario, plan: cf.Solution) -> None:
    """What its host bears differs between plans that are equally good: only its sign is told."""
    without, _ = decided(scenario.change({f"Units.status[unit={CENTRE}]": "off"}))
    money = plan.money[plan.money["member"] == "Nazarbayev University"]
    assert money["discounted_million"].sum() < 0.0
    assert f"plan is worth {without:.1f}; its host" in page()
