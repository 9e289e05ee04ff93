"""Read a library of technologies: workbook or CSV folder → checked, frozen `Library`."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from circflow.data.checks.blends import check_blends
from circflow.data.checks.findings import Findings
from circflow.data.checks.references import check_keys, check_recipe_references
from circflow.data.checks.rules import check_recipes
from circflow.data.checks.structure import match_sheets, sheet_order
from circflow.data.checks.typed import typed_drafts
from circflow.data.errors import ArgumentError
from circflow.data.files.books import read_book
from circflow.data.pandas_text import python_strings
from circflow.data.result import Result
from circflow.data.scenario import ScenarioError
from circflow.data.table import Book, Problem
from circflow.i18n import current, say
from circflow.i18n.names import shown_library
from circflow.library.balance import unit_masses
from circflow.library.checks import check_figures, check_texts
from circflow.library.schema import LIBRARY_SHEETS, LIST_SIGN, split_list

SHIPPED = Path(__file__).parent / "data"
"""The library that comes with circflow."""


@dataclass(frozen=True, repr=False)
class Library(Result):
    """Technologies with what they take in, make and cost; every frame is one sheet, typed.

    Columns are those of `circflow.library.schema`: names and text str or None, numbers float (NaN
    where blank), flags bool. Money is in each row's own `currency` of its `price_year`; costs of
    a recipe in that of its technology. Rows stand in the order of the file.
    """

    technologies: pd.DataFrame
    materials: pd.DataFrame
    recipes: pd.DataFrame
    costs: pd.DataFrame
    """RecipeCosts: variable_cost in currency per unit of activity, and capacity_use."""
    balance: pd.DataFrame
    """What closes the recipes' mass balances without being a material, t per unit of activity."""
    emission_factors: pd.DataFrame
    properties: pd.DataFrame
    blend_limits: pd.DataFrame
    sources: pd.DataFrame
    book: Book = field(repr=False)
    warnings: tuple[Problem, ...] = ()

    @property
    def headline(self) -> str:
        counts = say(
            "{count} technologies, {count_2} materials",
            count=len(self.technologies),
            count_2=len(self.materials),
        )
        return f"{self.origin}: {counts}"

    @property
    def origin(self) -> str:
        """Name of the file or folder."""
        return self.book.origin

    @cached_property
    def material_names(self) -> dict[str, tuple[str, ...]]:
        """Every name of each material: its own, the full one, Russian, synonyms; each once."""
        return _names_by(self.materials, "material")

    @cached_property
    def technology_names(self) -> dict[str, tuple[str, ...]]:
        """Every name of each technology: its own, the full one, Russian, synonyms; each once."""
        return _names_by(self.technologies, "technology")

    def capex(self, technology: str, capacity: float) -> float:
        """Million currency to build a capacity (units of activity per year, above 0).

        Between the two sizes C = C₁ + (C₂ − C₁)·(s − s₁)/(s₂ − s₁), the line on which a candidate
        of variable size lies; elsewhere, and for a technology of one size,
        C = C₁·(s/s₁)^n, n the size exponent. Raises `KeyError` for an unknown technology.
        """
        row = self._by_name[technology]
        least, greatest = row["capacity_per_year"], row["capacity_max_per_year"]
        if least < capacity < greatest:
            top = self.capex(technology, greatest)
            share = (capacity - least) / (greatest - least)
            return float(row["capex_million"] + share * (top - row["capex_million"]))
        if capacity == greatest and not pd.isna(row["capex_max_million"]):
            return float(row["capex_max_million"])
        return float(row["capex_million"] * (capacity / least) ** row["size_exponent"])

    def fixed_cost(self, technology: str, capacity: float) -> float:
        """Million currency per year of a capacity: in proportion to the capex."""
        row = self._by_name[technology]
        cost = float(row["fixed_cost_million_per_year"])
        if not cost or not row["capex_million"]:
            return cost
        return cost * self.capex(technology, capacity) / float(row["capex_million"])

    @cached_property
    def _by_name(self) -> dict[str, Mapping[Hashable, Any]]:
        """The rows of `technologies`."""
        return {row["technology"]: row for row in self.technologies.to_dict("records")}


def _names_by(frame: pd.DataFrame, key: str) -> dict[str, tuple[str, ...]]:
    names = {}
    for row in frame.to_dict("records"):
        listed = [*split_list(row["synonyms"]), *split_list(row["synonyms_ru"])]
        every = [row[key], row["name"], row["name_ru"], *listed]
        first = {name.casefold(): name for name in reversed(every) if name}
        names[row[key]] = tuple(dict.fromkeys(first[n.casefold()] for n in every if n))
    return names


@python_strings()
def read_library(path: str | os.PathLike[str] | None = None) -> Library:
    """The library in a workbook or a folder of CSV files; without a `path` circflow's own.

    Raises `ScenarioError` with every problem where the file cannot be used, `ArgumentError` for a
    path that is none. What is doubtful stands in the library's `warnings`.
    """
    if not isinstance(path, str | os.PathLike | None):
        raise ArgumentError("path must be the name of a file or folder, not {path!r}", path=path)
    return library_of(read_book(SHIPPED if path is None else path, LIBRARY_SHEETS))


def spoken(library: Library) -> Library:
    """The library with the names of the language in force: of its technologies and materials where
    it has a column for them (`name_ru`); the names that it bears else become synonyms."""
    column = f"name_{current()}"
    if column not in library.materials:
        return library
    names: dict[str, dict[str, str]] = {}
    tables = {}
    for table, key in (("technologies", "technology"), ("materials", "material")):
        frame = getattr(library, table)
        native = frame[column].fillna(frame[key])
        names[key] = dict(zip(frame[key], native, strict=True))
        others = [LIST_SIGN.join(filter(None, t)) for t in frame[[key, "name", "synonyms"]].values]
        tables[table] = frame.assign(**{key: native, "name": native, "synonyms": others})
    for table in ("recipes", "costs", "balance", "properties", "blend_limits"):
        frame = getattr(library, table)
        of_plan = {c: frame[c].map(names[c]) for c in ("technology", "material") if c in frame}
        words = {
            c: frame[c].map(shown_library, na_action="ignore")
            for c in ("recipe", "group", "substance")
            if c in frame
        }
        tables[table] = frame.assign(**of_plan, **words)
    factors = library.emission_factors
    known = names["technology"] | names["material"]
    keys = factors["key"].map(lambda key: _spoken_key(key, known))
    emitted = factors["pollutant"].map(shown_library)
    tables["emission_factors"] = factors.assign(key=keys, pollutant=emitted)
    return replace(library, **tables)


def _spoken_key(key: str | None, names: Mapping[str, str]) -> str | None:
    """The key of an emission factor: a material, a technology, or `technology/recipe`."""
    if key is None:
        return None
    name, slash, recipe = key.partition("/")
    return names.get(name, name) + slash + shown_library(recipe)


def library_of(book: Book) -> Library:
    """The library in a book. Raises `ScenarioError` as `read_library` does."""
    problems, library = _checked(book)
    if library is None:
        raise ScenarioError(problems, book.origin)
    return library


@python_strings()
def check_library(path: str | os.PathLike[str]) -> list[Problem]:
    """Every problem of a library file, in the order of its sheets and rows."""
    try:
        return _checked(read_book(path, LIBRARY_SHEETS))[0]
    except ScenarioError as unreadable:
        return list(unreadable.problems)


def _checked(book: Book) -> tuple[list[Problem], Library | None]:
    findings = Findings()
    drafts = typed_drafts(match_sheets(book, findings, LIBRARY_SHEETS), findings, LIBRARY_SHEETS)
    check_keys(drafts)
    check_recipe_references(drafts)
    check_recipes(drafts)
    check_blends(drafts)
    check_texts(drafts)
    check_figures(drafts)
    findings.problems.extend(book.warnings)
    problems = findings.ordered(sheet_order(book, LIBRARY_SHEETS))
    if drafts.has_faults:
        return problems, None
    frames = [drafts[sheet.name].table.frame.reset_index(drop=True) for sheet in LIBRARY_SHEETS]
    tables: dict[str, Any] = {f.name: t for f, t in zip(fields(Library), frames, strict=False)}
    tables["materials"]["mass_t_per_unit"] = unit_masses(tables["materials"])
    return problems, Library(**tables, book=book, warnings=tuple(problems))
