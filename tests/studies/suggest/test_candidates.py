"""What a suggestion carries into the scenario: limits of blends, and its time to build."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.library import Library
from circflow.studies.suggest.candidates import with_candidates

Make, MakeLibrary = Callable[..., Scenario], Callable[..., Library]
TECHNOLOGY = (
    "technology,sector,capacity_per_year,capex_million,availability,lifetime_years,"
    "construction_years,readiness,currency,price_year,confidence,source\n"
)


BLENDING = "blending,building materials,1000,0.02,1,10,0,9,USD,2023,derived,\n"
MATERIALS = (
    "material,category,unit,price,currency,price_year\nBF slag,waste,t,,,\n"
    "ground slag,product,t,,,\nfiller,input,t,5,USD,2023\n"
)


@pytest.mark.parametrize("slags", [["slag"], ["slag", "old slag"]])
def test_a_limit_on_the_share_of_a_material_is_kept(
    make: Make, make_library: MakeLibrary, slags: list[str]
) -> None:
    """A year of 1,000 t: 250 t of slag (5 of dumping saved), 750 t of filler at 10, sold at 90
    after freight, 4,000 of capital; of one slag or of two that are the same to the library."""
    library = make_library(
        Technologies=TECHNOLOGY + BLENDING,
        Materials=MATERIALS,
        Recipes="technology,role,material,amount,group\nblending,input,BF slag,1,mix\n"
        "blending,input,filler,1,mix\nblending,output,ground slag,1,\n",
        RecipeCosts="technology,variable_cost\n",
        Balance="technology,role,substance,amount\n",
        BlendLimits="technology,group,material,max\nblending,mix,BF slag,0.25\n",
    )
    rows = "".join(f"{name},,waste,4,BF slag\n" for name in slags)
    scenario = make(
        Materials="material,name,category,hazard_class,library_material\n" + rows
        + "GGBS,,product,,ground slag\n",
        Streams="site,material,amount_per_year\n" + "".join(f"Works,{n},1000\n" for n in slags),
        Disposal="site,material,fee\n" + "".join(f"Works,{n},5\n" for n in slags),
    )  # fmt: skip
    found = cf.suggest(scenario, library, rates=["USD=2"], jobs=1, break_evens=False)
    assert found.table["gain"].tolist() == [pytest.approx(0.07975)]
    taken = found.flows.set_index("material")["amount_per_year"]
    assert taken["filler"] == pytest.approx(750.0)
    limits = with_candidates(found.pricing, found.candidates).frame("BlendLimits")
    assert limits["material"].notna().tolist() == [len(slags) == 1]


@pytest.mark.parametrize(("years", "suggested"), [(0, True), (1, False)])
def test_what_is_never_in_service_is_not_suggested_and_said_so(
    make: Make, make_library: MakeLibrary, years: int, suggested: bool
) -> None:
    """The horizon is one year."""
    row = f"milling,building materials,1000,0.02,1,10,{years},9,USD,2023,derived,\n"
    library = make_library(
        Technologies=TECHNOLOGY + row,
        Recipes="technology,role,material,amount\nmilling,input,BF slag,1\n"
        "milling,output,ground slag,0.9\n",
        RecipeCosts="technology,variable_cost\nmilling,2\n",
        Balance="technology,role,substance,amount\nmilling,loss,moisture,0.1\n",
    )
    found = cf.suggest(make(), library, rates=["USD=2"], jobs=1, break_evens=False)
    assert set(found.table["technology"]) == ({"milling"} if suggested else set())
    if not suggested:
        assert found.almost["missing"].tolist() == [
            "it takes 1 years to build, and the horizon is over"
        ]
