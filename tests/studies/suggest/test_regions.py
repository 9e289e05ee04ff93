"""What a region would build, taken out of its workbook, comes back from the library.

Four candidates of each region here; all of them in `benchmarks/suggest.py` (docs/suggest.md has the
table).
"""

from __future__ import annotations

from pathlib import Path

import pytest

import circflow as cf

SCENARIOS = Path(__file__).parents[3] / "scenarios"


@pytest.mark.parametrize(
    ("region", "unit", "waste", "product"),
    [
        ("kuzbass", "Bachatsky brickworks", "argillite overburden", "brick"),
        ("sverdlovsk", "Saldinskoye separation", "Saldinskoye tailings", "iron product"),
    ],
)
def test_it_comes_back_among_the_first_five_at_the_worth_that_evaluate_finds(
    region: str, unit: str, waste: str, product: str, tmp_path: Path
) -> None:
    rest = cf.read(SCENARIOS / f"{region}.xlsx").change({f'Units.status[unit="{unit}"]': "off"})
    found = cf.suggest(rest, rates=["USD=110.9"], top=5, break_evens=False)
    assert set(found.table["pays"]) == {True}
    made = found.flows.groupby("unit")["material"].agg(set)
    like = [name for name in found.table["unit"] if {waste, product} <= made[name]]
    assert like
    found.write_scenario(tmp_path / "written.xlsx")
    others = {f'Units.status[unit="{name}"]': "off" for name in found.table["unit"]}
    del others[f'Units.status[unit="{like[0]}"]']
    written = cf.read(tmp_path / "written.xlsx").change(others)
    verdict = cf.evaluate(written, like[:1], together=False, risks=False, break_evens=False)
    gain = found.table.set_index("unit")["gain"]
    assert verdict.table["value_million"].iloc[0] == pytest.approx(gain[like[0]], abs=1e-6)


@pytest.mark.parametrize(
    ("region", "unit"),
    [
        ("kuzbass", "ZSMK GGBS mill"),
        ("kuzbass", "ZSMK slag line 2"),
        ("kuzbass", "Kedrovsky stone plant"),
        ("sverdlovsk", "Reftinskaya ash terminal"),
        ("sverdlovsk", "Svyatogor abrasive plant"),
        ("sverdlovsk", "PSTsM expansion"),
    ],
)
def test_a_near_relative_comes_back_among_the_first_five(region: str, unit: str) -> None:
    scenario = cf.read(SCENARIOS / f"{region}.xlsx")
    technology = scenario.frame("Units").set_index("unit")["technology"][unit]
    recipes = scenario.frame("Recipes")
    of_unit = recipes[recipes["technology"] == technology]
    materials = of_unit.merge(scenario.frame("Materials"), on="material")
    taken = materials[materials["role"] == "input"].query("category in ['waste', 'intermediate']")
    output = materials[materials["role"] == "output"].query("category != 'waste'")
    rest = scenario.change({f'Units.status[unit="{unit}"]': "off"})
    found = cf.suggest(rest, rates=["USD=110.9"], top=5, break_evens=False)
    flows = found.flows.groupby(["unit", "role"])["material"].agg(set)
    paying = found.table.loc[found.table["pays"].astype(bool), "unit"]
    assert any(
        flows[name, "input"] & set(taken["material"])
        and flows[name, "output"] & set(output["material"])
        for name in paying
    )
