"""What a region would build, taken out of its workbook, comes back from the library.

One candidate of each region here; all of them in `benchmarks/suggest.py` (docs/suggest.md has the
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
