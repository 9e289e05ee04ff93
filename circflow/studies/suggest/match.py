"""Which materials of a scenario are which of a library: by the planner's word, name, synonym, code.

A match is sure where the planner says so (the column `library_material` of Materials: a name of
the library, or a code of its wastes that one material alone has), or where a name of the one is a
name of one material alone of the other, in the same unit, with no contradiction in hazard class or
composition. Everything else is a question, with how to settle it; a question is never answered
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

import pandas as pd

from circflow.data.cells import written
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.library.read import Library
from circflow.library.schema import split_list
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import meant

COLUMNS = ["material", "name", "library_material", "how", "sure", "factor", "question"]
"""`factor`: the scenario's units per unit of the library (1, or the tonnes that one weighs)."""
HAZARDOUS = 3
"""Hazard classes up to this one (1 is the most dangerous) bar a match with a safer material."""
APART = 2.0
"""Shares of a substance that differ by more than this factor are not one material."""
_MEASURES = (1.0, 100.0, 10_000.0)
"""Properties have no unit: a share, per cent and grams per tonne of one thing differ by these."""
ASKED = ("waste", "intermediate")
"""Categories of which every material is matched, or asked about."""
_ALIKE = 0.8
_PROPOSALS = 3
_SETTLE = mark("write its name in Materials.library_material, or - for none")


def either(names: Iterable[str]) -> str:
    """Names of which one is meant."""
    first, *others = names
    for other in others:
        first = say("{one} or {other}", one=first, other=other)
    return first


NOT_IN_ITS_UNIT = mark("count it in the library's unit, or in t, if it is that")
NONE = "-"
"""In `library_material`: this is no material of the library."""


@dataclass(frozen=True)
class Matches:
    """What was matched: a row per material of the scenario that is, or may be, in the library."""

    table: pd.DataFrame = field(repr=False)
    """Columns as in `COLUMNS`."""

    @cached_property
    def of_library(self) -> dict[str, list[str]]:
        """The scenario's materials that are surely one of the library's, the nearest name first."""
        rows = self.table[self.table["sure"].astype(bool)]
        order = rows["how"].map({how: n for n, how in enumerate(_STRENGTH)})
        rows = rows.assign(order=order).sort_values("order", kind="stable")
        groups = rows.groupby("library_material", sort=False)["material"]
        return {str(name): [str(m) for m in group] for name, group in groups}

    @cached_property
    def factor(self) -> dict[str, float]:
        """Of the surely matched: the scenario's units per unit of the library."""
        rows = self.table[self.table["sure"].astype(bool)]
        return dict(zip(rows["material"], rows["factor"].astype(float), strict=True))

    @property
    def questions(self) -> pd.DataFrame:
        """What is not sure."""
        return self.table[~self.table["sure"].astype(bool)].reset_index(drop=True)


_STRENGTH = ("stated", "code", "name", "full name", "synonym")
"""How a match was found, the surest first."""


def match_materials(scenario: Scenario, library: Library) -> Matches:
    """Match every material of a scenario.

    Raises `StudyError` where `library_material` names what the library has not.
    """
    maker = _Maker(scenario, library)
    rows = scenario.frame("Materials").to_dict("records")
    records = [record for row in rows if (record := maker.matched(row))]
    return Matches(pd.DataFrame(records, columns=COLUMNS))


class _Maker:
    def __init__(self, scenario: Scenario, library: Library) -> None:
        self.library = library
        self.of = {str(r["material"]): r for r in library.materials.to_dict("records")}
        self.names = _lookup(library)
        self.codes = _codes(library)
        self.here = _compositions(scenario.frame("Properties"))
        self.there = _compositions(library.properties)

    def matched(self, row: Mapping[Any, Any]) -> tuple[object, ...] | None:
        material, stated = str(row["material"]), row["library_material"]
        head = material, row["name"]
        if stated == NONE:
            return None
        if stated:
            name = self._stated(material, str(stated))
            factor = self._factor(row, name)
            if factor is None:
                raise StudyError(
                    "Materials, {material!r}: it is counted in {unit}, {name!r} of the library "
                    "in {unit_2}: count both in t, or write - in library_material",
                    material=material,
                    unit=row["unit"],
                    name=name,
                    unit_2=self.of[name]["unit"],
                )
            return (*head, name, "stated", True, factor, "")
        how, materials = self._by_name(row)
        if len(materials) == 1:
            (name,) = materials
            factor, doubt = self._factor(row, name), self._doubt(row, name)
            settle = say(NOT_IN_ITS_UNIT)
            if factor is not None:
                settle = say(
                    "if it is {materials!r}, {settle}", materials=name, settle=say(_SETTLE)
                )
            question = f"{doubt}; {settle}" if doubt else ""
            return (*head, name, how, not doubt, factor, question)
        near = materials or self._near(row)
        if not near:
            if row["category"] not in ASKED:
                return None
            question = say("the library has no name like it; {settle}", settle=say(_SETTLE))
            return (*head, None, "", False, None, question)
        listed = either(say("{name!r}", name=name) for name in near)
        question = say("is it {listed}? {settle}", listed=listed, settle=say(_SETTLE))
        return (*head, near[0], how or "alike", False, None, question)

    def _factor(self, row: Mapping[Any, Any], name: str) -> float | None:
        """The scenario's units per unit of the library; None where they cannot be compared."""
        other = self.of[name]
        if row["unit"] == other["unit"]:
            return 1.0
        weight = float(other["mass_t_per_unit"])
        return weight if row["unit"] == "t" and weight > 0.0 else None

    def _stated(self, material: str, text: str) -> str:
        if text in self.of:
            return text
        coded = self.codes.get(_digits(text), [])
        if len(coded) == 1:
            return coded[0]
        if coded:
            listed = ", ".join(repr(name) for name in coded)
            raise StudyError(
                "Materials, {material!r}: library_material: the code {text} is that of "
                "{listed}: write the name of one",
                material=material,
                text=text,
                listed=listed,
            )
        raise StudyError(
            "Materials, {material!r}: the library has no material {text!r}{better} "
            "(`circflow library` lists them)",
            material=material,
            text=text,
            better=meant(text, self.of),
        )

    def _by_name(self, row: Mapping[Any, Any]) -> tuple[str, list[str]]:
        """The library's materials that have one of its names, by the nearest kind of name."""
        forms = [form for name in (row["material"], row["name"]) for form in _forms(name)]
        for how in _STRENGTH[2:]:
            materials = [m for form in forms for m in self.names[how].get(form, ())]
            if materials:
                return how, list(dict.fromkeys(materials))
        return "", []

    def _doubt(self, row: Mapping[Any, Any], name: str) -> str:
        """Why a material of that name may be another one; "" if nothing speaks against it."""
        other = self.of[name]
        if self._factor(row, name) is None:
            return say(
                "it is counted in {unit} here, in {unit_2} in the library",
                unit=row["unit"],
                unit_2=other["unit"],
            )
        here, there = float(row["hazard_class"]), float(other["hazard_class"])
        if here <= HAZARDOUS and here < there:
            return say(
                "it is of hazard class {here} here, of {there} in the library",
                here=written(here),
                there=written(there),
            )
        mine, its = self.here.get(str(row["material"]), {}), self.there.get(name, {})
        for substance, share in mine.items():
            usual = its.get(substance)
            if usual is not None and not _alike(share, usual):
                return say(
                    "{substance} is {share} here, {usual} in the library",
                    substance=substance,
                    share=written(share),
                    usual=written(usual),
                )
        return ""

    def _near(self, row: Mapping[Any, Any]) -> list[str]:
        """Materials of the library with a name like that of a waste or intermediate."""
        if row["category"] not in ASKED:
            return []
        forms = [form for name in (row["material"], row["name"]) for form in _forms(name)]
        scores: dict[str, float] = {}
        for names in self.names.values():
            for known, materials in names.items():
                score = max((_likeness(form, known) for form in forms), default=0.0)
                for material in materials if score > 0.0 else ():
                    if self.of[material]["category"] in ASKED:
                        scores[material] = max(scores.get(material, 0.0), score)
        alike = [m for m, score in scores.items() if score >= _ALIKE]
        alike = alike or [m for m in scores if self._of_like_composition(row, m)]
        return sorted(alike, key=lambda name: -scores[name])[:_PROPOSALS]

    def _of_like_composition(self, row: Mapping[Any, Any], name: str) -> bool:
        """Whether both sides know a substance of two materials, and nothing speaks against them."""
        mine, its = self.here.get(str(row["material"]), {}), self.there.get(name, {})
        return bool(mine.keys() & its.keys()) and not self._doubt(row, name)


def _lookup(library: Library) -> dict[str, dict[str, list[str]]]:
    """The materials that have a name, by kind of name."""
    names: dict[str, dict[str, list[str]]] = {how: {} for how in _STRENGTH[2:]}
    for row in library.materials.to_dict("records"):
        synonyms = [*split_list(row["synonyms"]), *split_list(row["synonyms_ru"])]
        kinds = {"name": [row["material"]], "full name": [row["name"], row["name_ru"]]}
        for how, listed in {**kinds, "synonym": synonyms}.items():
            for form in dict.fromkeys(form for name in listed for form in _forms(name)):
                names[how].setdefault(form, []).append(str(row["material"]))
    return names


def _codes(library: Library) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for row in library.materials.to_dict("records"):
        listed = {_digits(c) for n in ("waste_code", "fkko") for c in split_list(row[n])}
        for code in sorted(listed):
            codes.setdefault(code, []).append(str(row["material"]))
    return codes


def _digits(text: str) -> str:
    return re.sub(r"[\s*]", "", text)


def _compositions(rows: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    groups = rows.set_index("property").groupby("material", sort=False)["value"]
    return {str(material): values.to_dict() for material, values in groups}


def _alike(share: float, usual: float) -> bool:
    """Whether two figures of one property may be the same: in %, as shares or in g/t alike."""
    if min(share, usual) <= 0.0:
        return share == usual
    apart = max(share, usual) / min(share, usual)
    return any(1.0 / APART <= apart / measure <= APART for measure in _MEASURES)


def _forms(name: object) -> Iterable[str]:
    """A name as it is compared: the whole, and without what stands in brackets."""
    if not isinstance(name, str):
        return []
    bare = re.sub(r"\([^)]*\)", " ", name)
    forms = (_plain(part) for part in (name, bare))
    return dict.fromkeys(form for form in forms if form)


def _plain(text: str) -> str:
    words = re.findall(r"\w+", text.casefold().replace("ё", "е").replace("sulf", "sulph"))
    return " ".join(words)


def _likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1: names that hold one another whole are much alike."""
    mine, its = set(one.split()), set(other.split())
    shorter, longer = sorted((mine, its), key=len)
    if shorter <= longer and sum(map(len, shorter)) >= 6:
        return 0.8 + 0.2 * len(shorter) / len(longer)
    if not mine & its:
        return 0.0
    return SequenceMatcher(None, one, other).ratio()
