"""`docs/library.md`: what the library holds and how one of your own is written.

`python -m circflow.library.docs` prints it; a test fails when the file is not current.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from circflow.data.docs import column_table, table_cell
from circflow.library.read import Library, read_library
from circflow.library.schema import BALANCE, MATERIALS, SECTORS, TECHNOLOGIES
from circflow.library.words import figure, materials_of, size_words

_HEAD = """\
# The library of technologies

<!-- Made from the library: python -m circflow.library.docs > docs/library.md -->

What could be made of a waste, as far as industry knows it: {technologies} processes with {recipes}
recipes and {materials} materials. `circflow suggest` prices them at the plan of a scenario; by
itself the library can be read and searched, in English and Russian:

    circflow library                        # every process
    circflow library red mud                # those with these words, or красный шлам
    circflow library show slag grinding     # all of one: sizes, money, recipes, balance, sources
    circflow library write library.xlsx     # as a workbook, to read or to work on
    circflow library check library.xlsx     # every mistake of a library of your own

From Python: `circflow.read_library(path=None)` gives the sheets as tables (`technologies`,
`materials`, `recipes`, `costs`, `balance`, …), `capex(technology, capacity)` and
`fixed_cost(technology, capacity)` in million, and every name of a material in `material_names`.

## How sure the figures are

`confidence` says where a process's figures come from, `accuracy` by how much its capex may be off,
`readiness` how far it is developed (9: in industrial use).

| confidence | meaning | processes |
| --- | --- | --- |
| sourced | printed in the source named | {sourced} |
| derived | calculated from figures printed there | {derived} |
| engineering | general engineering knowledge: usual figures, without a source of their own | \
{engineering} |
| assumption | assumed, because no figure is known | {assumption} |

Most are engineering knowledge: good for finding what is worth a study, not for a decision. The
source GEK stands for it. In `derived` processes yield or capex come from the source, the rest is
engineering knowledge; the notes in Technologies say which. Compositions, prices and codes were
written from general knowledge too. Of the codes of the Russian catalogue of waste (ФККО) only the
first figures are given, the block and the group: check them against the catalogue.

- Money is in US dollars of 2023. Roubles were turned at 85.2 RUB/USD, the mean rate of that year.
- `variable_cost` holds wear parts, maintenance by use, reagents and services that are no inputs of
  the recipe, water included. Electricity, heat and the inputs that stand in Recipes are priced by
  the scenario. Heat may be given as heat or as natural gas, by its energy.
- `fixed_cost_million_per_year` is 3 % of the capex (maintenance, insurance) and 12,000 USD a job.
- Emission factors of a recipe count the fuel that it burns, not the power that it buys.
- A price of a material is what it usually costs at the works: a hint for products that a scenario
  has no market for, not a forecast. Natural gas has none: it costs ten times as much in one
  country as in another.

## Mass balance

Every recipe gives out what it takes in, to half a per cent: what comes from water and air, and
what leaves as moisture, gas or dust, is named in the sheet Balance. Compositions agree with the
yields: no recipe makes more iron, copper, zinc, … than its inputs hold, and no fuel gives more
energy. Tests hold all three. Of inputs that replace one another the first is the one for which the
figures are given.

## A library of your own

It is a workbook or a folder of CSV files with the sheets below. Recipes, RecipeCosts,
EmissionFactors, Properties, BlendLimits and Sources are those of a scenario
([data.md](data.md)), without periods; Properties are in per cent of the mass (Au and other
traces in g/t, LHV in GJ/t). Columns whose name begins with `note` are yours. Begin with
`circflow library write my.xlsx` and take out what you do not need.
"""


def library_reference(library: Library) -> str:
    """The text of `docs/library.md`."""
    kinds = library.technologies["confidence"].value_counts()
    head = _HEAD.format(
        technologies=len(library.technologies),
        recipes=len(library.recipes[["technology", "recipe"]].drop_duplicates()),
        materials=len(library.materials),
        **{word: kinds.get(word, 0) for word in ("sourced", "derived", "engineering")},
        assumption=kinds.get("assumption", 0),
    )
    parts = [head, *_sheets(), "## The processes\n", *_sectors(library)]
    return "\n".join(parts)


def _sheets() -> Iterator[str]:
    for sheet in (TECHNOLOGIES, MATERIALS, BALANCE):
        yield f"### {sheet.name}\n\n{sheet.meaning}\n"
        yield "\n".join(column_table(sheet.columns, "column")) + "\n"


def _sectors(library: Library) -> Iterator[str]:
    rows = library.technologies
    for sector in SECTORS:
        of_sector = rows[rows["sector"] == sector]
        if of_sector.empty:
            continue
        yield f"### {sector[0].upper()}{sector[1:]}\n"
        yield "\n".join(_table(library, of_sector.to_dict("records"))) + "\n"


def _table(library: Library, rows: Sequence[Mapping[Hashable, Any]]) -> Iterator[str]:
    yield (
        "| process | in Russian | takes | makes | size a year | capex, million USD | readiness | "
        "figures |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        name = str(row["technology"])
        sides = (", ".join(materials_of(library, name, role)) for role in ("input", "output"))
        capex = figure(row["capex_million"])
        level = figure(row["readiness"])
        cells = [name, str(row["name_ru"]), *sides, size_words(row), capex, level]
        yield "| " + " | ".join(map(table_cell, [*cells, str(row["confidence"])])) + " |"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(library_reference(read_library()))
