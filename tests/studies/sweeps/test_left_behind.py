"""What a study leaves as it was though it belongs to what is varied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circflow.data.scenario import Scenario
from circflow.studies.sweeps.design import Design, left_behind, parameter

CAPEX, LARGEST = "Units.capex_million", "Units.capex_max_million"


def test_the_larger_size_of_a_candidate_is_told(
    make_scenario: Callable[[dict[str, Any]], Scenario],
) -> None:
    plant = {"technology": "grinding", "site": "Works", "capacity_per_year": 10.0}
    sizes = {"capacity_max_per_year": 20.0, "capex_million": 5.0, "capex_max_million": 8.0}
    scenario = make_scenario(
        {
            "Sites": [{"site": "Works"}],
            "Units": [
                {"unit": "Mill", "status": "candidate", **plant, **sizes},
                {"unit": "Kiln", "status": "candidate", "capex_million": 5.0, **plant},
            ],
        }
    )
    small, large = (parameter(scenario, address, "factor") for address in (CAPEX, LARGEST))
    told = "capex_max_million of 'Mill' stays: vary Units.capex_max_million as well"
    (note,) = left_behind(scenario, Design((small,), ((0.8,), (1.2,))))
    assert note.startswith("Units.capex_million: ")
    assert told in note
    together = Design((small, large), ((0.8, 0.8), (1.2, 1.2)))
    assert left_behind(scenario, together) == []
    alone = Design((small, large), ((0.8, None), (None, 1.2)))
    assert len(left_behind(scenario, alone)) == 1
    only = parameter(scenario, "Units.capex_million[unit=Kiln]", "factor")
    assert left_behind(scenario, Design((only,), ((0.8,),))) == []
