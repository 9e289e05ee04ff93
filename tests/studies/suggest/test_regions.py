"""What a region would build, taken out of its workbook, comes back from the library.

Four candidates of each region here, taken out together; each alone in `benchmarks/suggest.py`
(docs/suggest.md has the table).
"""

from __future__ import annotations

from pathlib import Path

import pytest

import circflow as cf

SCENARIOS = Path(__file__).parents[3] / "scenarios"


@pytest.mark.parametrize(
    ("region", "units"),
    [
        (
            "kuzbass",
            ["Bachatsky brickworks", "ZSMK GGBS mill", "ZSMK slag line 2", "Kedrovsky stone plant"],
        ),
        (
            "sverdlovsk",
            [
                "Saldinskoye separation",
                "Reftinskaya ash terminal",
                "Svyatogor abrasive plant",
                "PSTsM expansion",
            ],
        ),
    ],
)
def test_they_come_back_among_the_first_at_the_worth_that_evaluate_finds(
    region: str, units: list[str], tmp_path: Path
) -> None:
    scenario = cf.read(SCENARIOS / f"{region}.xlsx")
    rest = scenario.change({f'Units.status[unit="{unit}"]': "off" for unit in units})
    suggested = cf.suggest(rest, rates=["USD=110.9"], top=7, break_evens=False)
    assert set(suggested.table["pays"]) == {True}
    flows = suggested.flows.groupby(["unit", "role"])["material"].agg(set)
    back = {}
    for unit in units:
        taken, sold = _materials_of(scenario, unit)
        alike = [
            name
            for name in suggested.table["unit"]
            if flows[name, "input"] & taken and flows[name, "output"] & sold
        ]
        assert alike, unit
        back[unit] = alike[0]

    suggested.write_scenario(tmp_path / "written.xlsx")
    first = back[units[0]]
    others = {
        f'Units.status[unit="{name}"]': "off" for name in suggested.table["unit"] if name != first
    }
    written = cf.read(tmp_path / "written.xlsx").change(others)
    verdict = cf.evaluate(written, [first], together=False, risks=False, break_evens=False)
    gain = suggested.table.set_index("unit")["gain"][first]
    assert verdict.table["value_million"].iloc[0] == pytest.approx(gain, abs=1e-6)


def _materials_of(scenario: cf.Scenario, unit: str) -> tuple[set[str], set[str]]:
    """The wastes and intermediates that a unit takes, and what it makes that is no waste."""
    technology = scenario.frame("Units").set_index("unit")["technology"][unit]
    recipes = scenario.frame("Recipes")
    materials = recipes[recipes["technology"] == technology].merge(
        scenario.frame("Materials"), on="material"
    )
    taken = materials.query("role == 'input' and category in ['waste', 'intermediate']")
    sold = materials.query("role == 'output' and category != 'waste'")
    return set(taken["material"]), set(sold["material"])
