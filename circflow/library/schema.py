"""The sheets of a library of technologies: a scenario's own ones where they exist, and three more.

A library is a workbook or a folder of CSV files, as a scenario is. Recipes, their costs, emission
factors, properties, blend limits and sources stand in a scenario's sheets; Technologies,
Materials and Balance are described here.
"""

from __future__ import annotations

from dataclasses import replace

from circflow.data.schema.sheets import BY_NAME, Column, Sheet

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

_UNLIKELY_YEAR = 1900.0
_SOURCE = Column("source", "text", "ids from the sheet Sources, separated by semicolons")


def _synonyms(name: str, language: str) -> Column:
    return Column(name, "text", f"other names in {language}, separated by semicolons")


def _share(name: str, meaning: str, default: float | None = None, **more: object) -> Column:
    return Column(
        name,
        "number",
        meaning,
        "share",
        default=default,
        low=0.0,
        high=1.0,
        **more,  # type: ignore[arg-type]
    )


def _amount(name: str, meaning: str, unit: str, **more: object) -> Column:
    return Column(name, "number", meaning, unit, low=0.0, **more)  # type: ignore[arg-type]


def _of_scenario(name: str, *, without: tuple[str, ...] = (), **changes: Column) -> Sheet:
    """A scenario's sheet, without some columns and with others in the place of its own."""
    sheet = BY_NAME[name]
    columns = tuple(changes.get(c.name, c) for c in sheet.columns if c.name not in without)
    return replace(sheet, columns=columns)


TECHNOLOGIES = Sheet(
    "Technologies",
    "Processes: sizes, investment, people, how far developed, how sure the figures are.",
    (
        Column("technology", "name", "process, as in Recipes; no / in the name", required=True),
        Column("name", "text", "full name"),
        Column("name_ru", "text", "name in Russian"),
        _synonyms("synonyms", "English"),
        _synonyms("synonyms_ru", "Russian"),
        Column("sector", "choice", "branch of industry", required=True, choices=SECTORS),
        _amount(
            "capacity_per_year",
            "smallest sensible size: units of activity times capacity_use",
            "capacity/yr",
            required=True,
            low_open=True,
        ),
        _amount(
            "capacity_max_per_year",
            "greatest usual size of one plant",
            "capacity/yr",
            blank="one size only",
        ),
        _amount("capex_million", "to build the smallest size", "million currency", required=True),
        _amount(
            "capex_max_million",
            "to build the greatest size",
            "million currency",
            blank="by size_exponent",
        ),
        Column(
            "size_exponent",
            "number",
            "capex grows with this power of the size, where capex_max_million is blank",
            "1",
            default=0.65,
            low=0.0,
            low_open=True,
            high=1.5,
        ),
        Column(
            "fixed_cost_million_per_year",
            "number",
            "of the smallest size; grows with the capex",
            "million currency/yr",
            default=0.0,
        ),
        _amount("jobs", "at the smallest size", "jobs", default=0.0),
        _share("availability", "share of the capacity that can be used", 0.9, low_open=True),
        _share("min_load", "share of the available capacity that must run", 0.0),
        Column(
            "can_idle",
            "flag",
            "may stand still instead of running at min_load or more",
            default=False,
        ),
        Column(
            "lifetime_years",
            "integer",
            "service life",
            "yr",
            default=20.0,
            low=1.0,
            largest=1000.0,
        ),
        Column(
            "construction_years",
            "integer",
            "from the decision to the first product",
            "yr",
            default=2.0,
            low=0.0,
            largest=100.0,
        ),
        Column(
            "readiness",
            "integer",
            "technology readiness level: 1 (idea), 6 (pilot plant), 9 (in industrial use)",
            "level",
            required=True,
            low=1.0,
            high=9.0,
        ),
        Column("currency", "name", "of the capex and the costs", required=True),
        Column(
            "price_year",
            "integer",
            "year of whose prices they are",
            "year",
            required=True,
            low=_UNLIKELY_YEAR,
            largest=9999.0,
        ),
        Column(
            "confidence",
            "choice",
            "where the figures come from",
            required=True,
            choices=CONFIDENCE,
        ),
        _share("accuracy", "the capex may be off by this share of itself, up or down", 0.4),
        _SOURCE,
    ),
    key=("technology",),
    required=True,
)

MATERIALS = Sheet(
    "Materials",
    "Everything that the processes take in and make: names, codes, hazard, usual price.",
    (
        Column("material", "name", "material, as in Recipes", required=True),
        Column("name", "text", "full name"),
        Column("name_ru", "text", "name in Russian"),
        _synonyms("synonyms", "English"),
        _synonyms("synonyms_ru", "Russian"),
        replace(BY_NAME["Materials"]["unit"], meaning="unit of measure of its amounts"),
        BY_NAME["Materials"]["category"],
        BY_NAME["Materials"]["stage"],
        BY_NAME["Materials"]["hazard_class"],
        Column(
            "waste_code",
            "text",
            "codes of the European list of waste, six figures, separated by semicolons",
        ),
        Column(
            "fkko",
            "text",
            "codes of the Russian catalogue of waste (ФККО), or their first figures, separated by "
            "semicolons",
        ),
        _amount(
            "mass_t_per_unit",
            "tonnes that one unit weighs; 0 for what has no mass",
            "t/unit",
            blank="1 where the unit is t, else 0",
        ),
        Column(
            "price",
            "number",
            "usual price per unit at the works: of a product when sold, of an input when bought",
            "currency/unit",
            blank="none known",
        ),
        Column("currency", "name", "of the price", blank="no price"),
        Column(
            "price_year",
            "integer",
            "year of the price",
            "year",
            low=_UNLIKELY_YEAR,
            largest=9999.0,
        ),
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
        Column("role", "choice", "taken in or lost", required=True, choices=("input", "loss")),
        Column("substance", "name", "what it is", required=True),
        _amount("amount", "per unit of activity", "t/activity", required=True),
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
