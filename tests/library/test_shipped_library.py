"""The library that comes with circflow: whole, sourced, and its balances closed."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from circflow.library import Library, read_library
from circflow.library.read import SHIPPED
from circflow.library.schema import SECTORS

OXIDES = {"Fe2O3": ("Fe", 0.699), "Cr2O3": ("Cr", 0.684)}
"""The element of an oxide, and its share of the mass."""
ELEMENTS = (*("Fe", "Cu", "Zn", "Pb", "Au", "Cr", "Ni", "Sc", "V2O5", "P2O5"), *("Al2O3", "C"))


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library()


def rows(sheet: str) -> list[dict[str, str]]:
    with Path(SHIPPED / f"{sheet}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def masses() -> dict[str, float]:
    return {
        row["material"]: float(row["mass_t_per_unit"] or ((row["unit"] or "t") == "t"))
        for row in rows("Materials")
    }


def design_rows() -> list[dict[str, str]]:
    """The rows of Recipes; of a group its first material, for which the figures are given."""
    kept, groups = [], set()
    for row in rows("Recipes"):
        group = (row["technology"], row["recipe"], row["group"])
        if not row["group"] or group not in groups:
            kept.append(row)
        groups.add(group)
    return kept


def test_is_read_without_a_doubt(library: Library) -> None:
    assert library.warnings == ()


def test_has_a_hundred_processes_in_every_branch(library: Library) -> None:
    assert len(library.technologies) >= 100
    assert set(library.technologies["sector"]) == set(SECTORS) - {"other"}


def test_every_recipe_gives_out_what_it_takes_in() -> None:
    mass = masses()
    taken: defaultdict[tuple[str, str], float] = defaultdict(float)
    made: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in design_rows():
        side = taken if row["role"] == "input" else made
        amount = float(row["amount"]) / float(row["weight"] or 1)
        side[row["technology"], row["recipe"]] += amount * mass[row["material"]]
    for row in rows("Balance"):
        side = taken if row["role"] == "input" else made
        side[row["technology"], row["recipe"]] += float(row["amount"])
    assert len(taken | made) >= 100
    for recipe in taken | made:
        assert made[recipe] == pytest.approx(taken[recipe], rel=0.005), recipe


@pytest.mark.parametrize("element", ELEMENTS)
def test_no_recipe_makes_an_element(element: str) -> None:
    share: dict[str, float] = {}
    for row in rows("Properties"):
        name, part = OXIDES.get(row["property"], (row["property"], 1.0))
        if name == element:
            share[row["material"]] = float(row["value"]) * part
    mass = masses()
    taken: defaultdict[tuple[str, str], float] = defaultdict(float)
    made: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in design_rows():
        side = taken if row["role"] == "input" else made
        amount = float(row["amount"]) / float(row["weight"] or 1) * mass[row["material"]]
        side[row["technology"], row["recipe"]] += amount * share.get(row["material"], 0.0)
    assert made
    for recipe, amount in made.items():
        assert amount <= taken[recipe] * 1.0001 + 1e-9, recipe


def test_everything_is_named_in_both_languages_and_sourced(library: Library) -> None:
    for frame in (library.technologies, library.materials):
        for column in ("name", "name_ru", "source"):
            assert frame[column].notna().all(), column
    assert library.technologies["confidence"].isin(["sourced", "derived"]).sum() >= 15


def test_figures_of_general_knowledge_are_called_so(library: Library) -> None:
    plain = library.technologies[library.technologies["source"] == "GEK"]
    assert set(plain["confidence"]) <= {"engineering", "assumption"}


def test_no_name_stands_for_two(library: Library) -> None:
    for names in (library.material_names, library.technology_names):
        owners: defaultdict[str, set[str]] = defaultdict(set)
        for owner, every in names.items():
            for name in every:
                owners[name.casefold()].add(owner)
        assert {name: own for name, own in owners.items() if len(own) > 1} == {}


def test_every_waste_tells_its_stage(library: Library) -> None:
    wastes = library.materials[library.materials["category"] == "waste"]
    assert wastes["stage"].notna().all()
    solid = wastes[(wastes["unit"] == "t") & (wastes["mass_t_per_unit"] > 0)]
    assert solid["waste_code"].notna().mean() > 0.9


def test_every_material_is_used(library: Library) -> None:
    assert set(library.materials["material"]) == set(library.recipes["material"])


def test_no_fuel_gives_more_energy_than_it_holds() -> None:
    """In GJ per unit of activity, by lower heating values, of recipes that take a fuel in."""
    per_unit = {"GJ": 1.0, "MWh": 3.6, "1000 m3": 35.8}
    energy = {row["material"]: per_unit.get(row["unit"], 0.0) for row in rows("Materials")}
    fuels = {r["material"]: float(r["value"]) for r in rows("Properties") if r["property"] == "LHV"}
    energy |= fuels
    taken: defaultdict[tuple[str, str], float] = defaultdict(float)
    made: defaultdict[tuple[str, str], float] = defaultdict(float)
    burning = set()
    for row in design_rows():
        recipe = (row["technology"], row["recipe"])
        amount = float(row["amount"]) / float(row["weight"] or 1) * energy[row["material"]]
        (taken if row["role"] == "input" else made)[recipe] += amount
        if row["role"] == "input" and row["material"] in fuels:
            burning.add(recipe)
    assert len(burning) >= 10
    for recipe in burning:
        assert made[recipe] <= taken[recipe], recipe
