"""Mass, substances and energy through recipes: what cannot be made, what is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from circflow.commands.scenario import check
from circflow.data.balances import contents, factor, recipe_balances
from circflow.data.check import check_book
from circflow.data.coded import Items
from circflow.data.table import Book, Problem, RawSheet

DOC = Path(__file__).parents[2] / "docs" / "substances.md"
Grid = list[list[Any]]

REGION: dict[str, Grid] = {
    "Scenario": [["key", "value"], ["name", "test"]],
    "Sites": [["site"], ["Works"]],
    "Materials": [
        ["material", "category", "unit"],
        ["ore", "waste", "t"],
        ["ash", "waste", "t"],
        ["gas", "energy", "m3"],
        ["iron", "product", "t"],
    ],
    "Streams": [
        ["site", "material", "amount_per_year"],
        ["Works", "ore", 10],
        ["Works", "ash", 10],
    ],
    "Purchases": [["material", "price"], ["gas", 1]],
    "Units": [
        ["unit", "site", "technology", "capacity_per_year"],
        ["Furnace", "Works", "furnace", 10],
    ],
    "Markets": [["site", "material", "price"], ["Works", "iron", 5]],
    "Disposal": [["site", "fee"], ["Works", 1]],
    "Recipes": [
        ["technology", "role", "material", "amount", "group", "weight"],
        ["furnace", "input", "ore", 2, "feed", 1],
        ["furnace", "input", "ash", 2, "feed", 0.5],
        ["furnace", "input", "gas", 100, None, None],
        ["furnace", "output", "iron", 0.5, None, None],
    ],
    "Properties": [
        ["material", "property", "value"],
        ["ore", "Fe", 50],
        ["ore", "water", 20],
        ["ash", "Fe", 10],
        ["gas", "heat", 35],
        ["iron", "Fe", 96],
    ],
    "PropertyKinds": [
        ["property", "kind", "unit", "basis", "loss_share"],
        ["Fe", "substance", "%", "dry", None],
        ["water", "moisture", "%", None, None],
        ["heat", "energy", "MJ", None, 1],
    ],
}


def problems(**changes: Grid) -> list[Problem]:
    sheets = REGION | changes
    return check_book(Book(tuple(RawSheet(n, g) for n, g in sheets.items()), "test.xlsx"))[0]


def doubts(**changes: Grid) -> list[str]:
    return [str(p) for p in problems(**changes) if p.cell.sheet in ("Recipes", "PropertyKinds")]


def rows(**changes: Grid) -> dict[str, Items]:
    sheets = REGION | changes
    scenario = check_book(Book(tuple(RawSheet(n, g) for n, g in sheets.items()), "x"))[1]
    assert scenario is not None
    return {name: table.rows for name, table in scenario.tables.items()}


def test_contents_leave_out_the_moisture_of_dry_values() -> None:
    sheets = rows()
    held = contents(sheets["Properties"], sheets["PropertyKinds"])
    found = {(one.material, one.property): one.content for one in held}
    assert found == pytest.approx(
        {
            ("ore", "Fe"): 0.5 * 0.8,
            ("ash", "Fe"): 0.1,
            ("iron", "Fe"): 0.96,
            ("gas", "heat"): 0.035,
        }
    )


def test_the_balance_of_a_recipe_by_hand() -> None:
    table = {one.property: one for one in recipe_balances(rows())}
    # 2 t of ore hold 0.8 t of iron; of ash, at a weight of 0.5, 4 t hold 0.4 t.
    iron = table["Fe"]
    assert (iron.least_in, iron.most_in, iron.out) == pytest.approx((0.4, 0.8, 0.48))
    assert iron.lost == pytest.approx(0.4)
    mass = table["mass"]
    assert (mass.least_in, mass.most_in, mass.out) == pytest.approx((2, 4, 0.5))
    assert table["heat"].most_in == pytest.approx(3.5)
    assert table["heat"].measure == "GJ"


def test_what_is_made_out_of_poor_inputs_and_what_is_lost_is_doubted() -> None:
    lost, poor = doubts()
    assert "Recipes!D5" in poor and "bring only 0.4" in poor
    assert "Recipes!D2" in lost and "loses 40 % of the Fe" in lost
    blend = [["technology", "group", "material", "max"], ["furnace", "feed", "ash", 0.2]]
    named = [["technology", "property", "share", "reason"], ["furnace", "Fe", 0.4, "slag"]]
    assert not doubts(BlendLimits=blend, Losses=named)
    named[1][2] = 0.3
    (lost,) = doubts(BlendLimits=blend, Losses=named)
    assert "more than the 30 % that Losses names" in lost


def test_no_recipe_makes_a_substance() -> None:
    recipes = [
        [*row[:3], 0.9 if row[2] == "iron" else row[3], *row[4:]] for row in REGION["Recipes"]
    ]
    recipes[0] = REGION["Recipes"][0]
    (made,) = doubts(Recipes=recipes)
    assert "Recipes!D5" in made and "makes 0.864 t of Fe out of 0.8" in made


def test_kinds_that_cannot_be() -> None:
    kinds = [*REGION["PropertyKinds"][:3], ["heat", "energy", "%", None, 1]]
    (wrong,) = [p for p in problems(PropertyKinds=kinds) if p.severity == "error"]
    assert str(wrong.cell) == "PropertyKinds!C4"
    assert "% is no unit of energy" in wrong.message
    wet = [*REGION["Properties"][:2], ["ore", "water", 100], *REGION["Properties"][3:]]
    (wrong,) = [p for p in problems(Properties=wet) if p.severity == "error"]
    assert str(wrong.cell) == "Properties!C3"
    two = [*REGION["PropertyKinds"], ["damp", "moisture", "%", None, None]]
    more = [*REGION["Properties"], ["ash", "damp", 1]]
    (wrong,) = [p for p in problems(PropertyKinds=two, Properties=more) if p.severity == "error"]
    assert str(wrong.cell) == "PropertyKinds!B5"
    assert factor("energy", "MWh") == 3.6
    assert factor("substance", "g/t") == 1e-6


def test_nothing_is_judged_without_kinds() -> None:
    assert not doubts(PropertyKinds=[["property", "kind"]])


# ------------------------------------------------------------------------ docs/substances.md


def blocks() -> dict[str, str]:
    pattern = r"<!-- (\w+) -->\n```\w*\n(.*?)```"
    return dict(re.findall(pattern, DOC.read_text(encoding="utf-8"), re.DOTALL))


def documented(folder: Path) -> dict[str, str]:
    """What the command prints of the example in the docs."""
    given = blocks()
    materials = sorted({line.split(",")[2] for line in given["Recipes"].splitlines()[1:]})
    given["Materials"] = "material,category\n" + "".join(f"{m},input\n" for m in materials)
    given["Scenario"] = "key,value\nname,example\n"
    given["Sites"] = "site\nWorks\n"
    given["Units"] = (
        "unit,site,technology,capacity_per_year\nA,Works,flotation,9\nB,Works,fuming,9\n"
    )
    given["Purchases"] = "material,price\ncopper slag,1\ncoal,1\n"
    given["Markets"] = "site,material,price\nWorks,copper concentrate,9\nWorks,zinc oxide,9\n"
    given["Disposal"] = "site,material,fee\n" + "".join(f"Works,{m},1\n" for m in materials)
    given["Streams"] = "site,material,amount_per_year\n"
    for name, text in given.items():
        if name not in ("balances", "warnings"):
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    printed = CliRunner().invoke(check, [str(folder), "--balances"]).output
    table = printed[printed.index("Balances") :].split("\n\n")[0]
    lines = [line.strip() for line in printed.splitlines() if "Recipes!" in line]
    return {"balances": table + "\n", "warnings": "\n".join(lines) + "\n"}


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    for name, text in documented(tmp_path).items():
        assert blocks()[name] == text, name
