"""A works with slag, a town that buys it ground, and a library of three processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import circflow as cf
from circflow.data.scenario import Scenario
from circflow.library import Library, read_library

Files = dict[str, str]

SCENARIO: Files = {
    "Scenario": "key,value\nname,Works and town\ncurrency,RUB\nauto_links,no\n",
    "Sites": "site,member\nWorks,Metall\nTown,\n",
    "Materials": "material,name,category,hazard_class,library_material\n"
    "slag,Blast furnace slag,waste,4,\nGGBS,Молотый шлак,product,,\n",
    "Streams": "site,material,amount_per_year\nWorks,slag,1000\n",
    "Disposal": "site,material,fee\nWorks,slag,5\n",
    "Markets": "site,material,price\nTown,GGBS,100\n",
    "Recipes": "technology,role,material,amount\n",
    "Units": "unit,site,technology,capacity_per_year\n",
    "Modes": "mode,cost_per_unit_km\nroad,1\n",
    "Links": "from,to,distance_km\nWorks,Town,10\n",
}
LIBRARY: Files = {
    "Technologies": "technology,sector,capacity_per_year,capex_million,availability,lifetime_years,"
    "construction_years,readiness,currency,price_year,confidence,source\n"
    "milling,building materials,1000,0.02,1,10,0,9,USD,2023,derived,BOOK\n"
    "sorting,building materials,1000,0.02,1,10,0,9,USD,2023,engineering,BOOK\n"
    "melting,building materials,1000,3,1,10,0,5,USD,2023,assumption,BOOK\n",
    "Materials": "material,name,name_ru,synonyms,category,unit,hazard_class,waste_code,price,"
    "currency,price_year\n"
    "BF slag,Blast furnace slag,доменный шлак,furnace slag,waste,t,4,10 02 01,,,\n"
    "ground slag,Ground slag,молотый шлак,GGBS,product,t,,,,,\n"
    "pebbles,Pebbles,галька,,product,t,,,30,USD,2023\n"
    "electricity,Electric power,электроэнергия,,energy,MWh,,,10,USD,2023\n",
    "Recipes": "technology,role,material,amount\n"
    "milling,input,BF slag,1\nmilling,input,electricity,0.1\nmilling,output,ground slag,0.9\n"
    "sorting,input,BF slag,1\nsorting,output,pebbles,0.5\n"
    "melting,input,BF slag,1\nmelting,output,ground slag,1\n",
    "RecipeCosts": "technology,variable_cost\nmilling,2\nsorting,1\n",
    "Balance": "technology,role,substance,amount\nmilling,loss,moisture,0.1\n"
    "sorting,loss,dust,0.5\n",
    "Sources": "id,reference\nBOOK,A handbook\n",
}


def folder(path: Path, files: Files) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Scenario]:
    """The scenario, with other sheets in the place of its own."""

    def made(**sheets: str) -> Scenario:
        return cf.read(folder(tmp_path / f"scenario{len(list(tmp_path.iterdir()))}",
                              {**SCENARIO, **sheets}))  # fmt: skip

    return made


@pytest.fixture
def make_library(tmp_path: Path) -> Callable[..., Library]:
    """The library, with other sheets in the place of its own."""

    def made(**sheets: str) -> Library:
        return read_library(folder(tmp_path / "library", {**LIBRARY, **sheets}))

    return made


@pytest.fixture
def library(make_library: Callable[..., Library]) -> Library:
    return make_library()
