"""What a region would build, taken out of its workbook, comes back from the library.

One candidate here; all of them in `benchmarks/suggest.py` (docs/suggest.md has the table).
"""

from __future__ import annotations

from pathlib import Path

import circflow as cf

KUZBASS = Path(__file__).parents[3] / "scenarios" / "kuzbass.xlsx"


def test_the_brickworks_come_back_among_the_first_five() -> None:
    rest = cf.read(KUZBASS).change({'Units.status[unit="Bachatsky brickworks"]': "off"})
    found = cf.suggest(rest, rates=["USD=110.9"], top=5, break_evens=False)
    first = found.table[found.table["pays"].astype(bool)].head(5)
    bricks = found.flows[found.flows["material"].eq("brick") & found.flows["role"].eq("output")]
    assert set(bricks["unit"]) & set(first["unit"])
    assert (first["gain"] > 0.0).all()
    assert found.objective < found.objective + found.portfolio_gain
