"""The sheets of a library of technologies: a scenario's own ones where they exist, and three more.

A library is a workbook or a folder of CSV files, as a scenario is. Recipes, their costs, emission
factors, properties, blend limits and sources stand in a scenario's sheets; Technologies,
Materials and Balance are described here.
"""

from __future__ import annotations

from dataclasses import replace

from circflow.data.schema.sheets import (
    BY_NAME,
    Column,
    Sheet,
    amount,
    choice,
    flag,
    integer,
    named,
    number,
    positive,
    share,
    text,
    yearly_sum,
    years,
)

SECTORS = (
    "mining",
    "concentration",
    "ferrous metallurgy",
    "non-ferrous metallurgy",
    "energy",
    "chemistry",
    "building materials",
    "other",
)
CONFIDENCE = ("sourced", "derived", "engineering", "assumption")
"""Where the figures come from: printed in a source; calculated from such; general engineering
knowledge, without a source of their own; assumed."""
LIST_SIGN = ";"
"""Between the names in a cell that lists several."""


def split_list(text: str | None) -> tuple[str, ...]:
    """The entries of a cell that lists several, separated by semicolons."""
    return tuple(p.strip() for p in text.split(LIST_SIGN) if p.strip()) if text else ()


_UNLIKELY_YEAR = 1900.0
_SOURCE = text("source", "ids from the sheet Sources, separated by semicolons")


def _synonyms(name: str, language: str) -> Column:
    return text(name, f"other names in {language}, separated by semicolons")


def _of_scenario(name: str, *, without: tuple[str, ...] = (), **changes: Column) -> Sheet:
    """A scenario's sheet, without some columns and with others in the place of its own."""
    sheet = BY_NAME[name]
    columns = tuple(changes.get(c.name, c) for c in sheet.columns if c.name not in without)
    return replace(sheet, columns=columns)


TECHNOLOGIES = Sheet(
    "Technologies",
    "Processes: sizes, investment, people, how far developed, how sure the figures are.",
    (
        named("technology", "process, as in Recipes; no / in the name", required=True),
        text("name", "full name"),
        text("name_ru", "name in Russian"),
        _synonyms("synonyms", "English"),
        _synonyms("synonyms_ru", "Russian"),
        choice("sector", "branch of industry", SECTORS, required=True),
        positive(
            "capacity_per_year",
            "smallest sensible size: units of activity times capacity_use",
            "capacity/yr",
            required=True,
        ),
        amount(
            "capacity_max_per_year",
            "greatest usual size of one plant",
            "capacity/yr",
            blank="one size only",
        ),
        amount("capex_million", "to build the smallest size", "million currency", required=True),
        amount(
            "capex_max_million",
            "to build the greatest size",
            "million currency",
            blank="by size_exponent",
        ),
        positive(
            "size_exponent",
            "capex grows with this power of the size, where capex_max_million is blank",
            "1",
            default=0.65,
            high=1.5,
        ),
        yearly_sum(
            "fixed_cost_million_per_year", "of the smallest size; grows with the capex", default=0.0
        ),
        amount("jobs", "at the smallest size", "jobs", default=0.0),
        share("availability", "share of the capacity that can be used", default=0.9, low_open=True),
        share("min_load", "share of the available capacity that must run", default=0.0),
        flag("can_idle", "may stand still instead of running at min_load or more", False),
        years("lifetime_years", "service life", 20.0),
        years(
            "construction_years",
            "from the decision to the first product",
            2.0,
            low=0.0,
            largest=100.0,
        ),
        integer(
            "readiness",
            "technology readiness level: 1 (idea), 6 (pilot plant), 9 (in industrial use)",
            "level",
            required=True,
            low=1.0,
            high=9.0,
        ),
        named("currency", "of the capex and the costs", required=True),
        integer(
            "price_year",
            "year of whose prices they are",
            "year",
            required=True,
            low=_UNLIKELY_YEAR,
            largest=9999.0,
        ),
        choice("confidence", "where the figures come from", CONFIDENCE, required=True),
        share("accuracy", "the capex may be off by this share of itself, up or down", default=0.4),
        _SOURCE,
    ),
    key=("technology",),
    required=True,
)

MATERIALS = Sheet(
    "Materials",
    "Everything that the processes take in and make: names, codes, hazard, usual price.",
    (
        named("material", "material, as in Recipes", required=True),
        text("name", "full name"),
        text("name_ru", "name in Russian"),
        _synonyms("synonyms", "English"),
        _synonyms("synonyms_ru", "Russian"),
        replace(BY_NAME["Materials"]["unit"], meaning="unit of measure of its amounts"),
        BY_NAME["Materials"]["category"],
        BY_NAME["Materials"]["stage"],
        BY_NAME["Materials"]["hazard_class"],
        text(
            "waste_code",
            "codes of the European list of waste, six figures, separated by semicolons",
        ),
        text(
            "fkko",
            "codes of the Russian catalogue of waste (ФККО), or their first figures, separated by "
            "semicolons",
        ),
        amount(
            "mass_t_per_unit",
            "tonnes that one unit weighs; 0 for what has no mass",
            "t/unit",
            blank="1 where the unit is t, else 0",
        ),
        number(
            "price",
            "usual price per unit at the works: of a product when sold, of an input when bought",
            "currency/unit",
            blank="none known",
        ),
        named("currency", "of the price", blank="no price"),
        integer("price_year", "year of the price", "year", low=_UNLIKELY_YEAR, largest=9999.0),
        _SOURCE,
    ),
    key=("material",),
    required=True,
)

BALANCE = Sheet(
    "Balance",
    "What closes a recipe's mass balance without being a material: water, air, moisture, gases, "
    "dust. Per unit of activity.",
    (
        BY_NAME["RecipeCosts"]["technology"],
        BY_NAME["RecipeCosts"]["recipe"],
        choice("role", "taken in or lost", ("input", "loss"), required=True),
        named("substance", "what it is", required=True),
        amount("amount", "per unit of activity", "t/activity", required=True),
    ),
    key=("technology", "recipe", "role", "substance"),
)

LIBRARY_SHEETS: tuple[Sheet, ...] = (
    TECHNOLOGIES,
    MATERIALS,
    _of_scenario(
        "Recipes",
        technology=replace(BY_NAME["Recipes"]["technology"], reference="Technologies"),
        material=replace(BY_NAME["Recipes"]["material"], reference="Materials"),
    ),
    _of_scenario("RecipeCosts", without=("period",)),
    BALANCE,
    _of_scenario(
        "EmissionFactors",
        kind=replace(
            BY_NAME["EmissionFactors"]["kind"], choices=("recipe", "disposal", "purchase", "sale")
        ),
    ),
    _of_scenario("Properties"),
    _of_scenario("BlendLimits"),
    _of_scenario("Sources"),
)
"""In the order in which they are written."""
