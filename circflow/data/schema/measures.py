"""Units of measure: which spellings are one unit, and which look like one but are not.

Totals add up what is counted in the same unit, so a tonne typed in another way has to be the
tonne. A unit that is not known is a unit of its own.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches

from circflow.i18n import say

TONNE = "t"

_SPELLINGS: dict[str, tuple[str, ...]] = {
    TONNE: ("t", "т", "тонна", "тонны", "тонн", "tonne", "tonnes", "ton", "tons"),
    "m3": (
        *("m3", "м3", "куб.м", "кубм", "cbm", "cum", "cubicmetre", "cubicmetres"),
        *("cubicmeter", "cubicmeters", "кубометр", "кубометры", "кубометров"),
    ),
    "MWh": ("mwh", "мвтч", "мвтчас", "мегаваттчас", "мегаваттчасов", "megawatthour"),
    "GJ": ("gj", "гдж", "гигаджоуль", "гигаджоулей", "gigajoule", "gigajoules"),
}
_BY_SPELLING = {spelling: unit for unit, known in _SPELLINGS.items() for spelling in known}
_LARGE = re.compile(
    r"(?:(?:1000|10\^3|thousand|thous|тыс|тысяч|k|к|mln|million|млн|m|м|кило|kilo)\.?\s*)"
    r"(?:т|t|тонн\w*|tonn?e?s?)\.?"
)
"""Thousands and millions of tonnes."""
_SMALL = ("kg", "кг", "kilogram", "kilograms", "килограмм", "lb", "lbs", "g", "г")
_PER_YEAR = re.compile(
    r"\s*(?:/\s*(?:yr|y|a|year|г|год)|(?:per|a)\s+year|p\.?a\.?|в\s+год|per\s+annum)\.?"
)
_SHORT = ("tn", "тн", "mt", "мт", "tm")


def canonical(unit: str) -> str:
    """The unit that a spelling stands for (`тонн` is `t`); an unknown one as it is."""
    return _BY_SPELLING.get(_fold(unit), unit)


def _fold(unit: str) -> str:
    """The unit in small letters, without spaces, dots and signs of multiplication."""
    text = unicodedata.normalize("NFKC", unit).casefold()
    return re.sub(r"[\s.·⋅*^\-]+", "", text)


def meant(unit: str) -> tuple[str, str]:
    """The known unit that an unknown one looks like, and why it is not that one; "" and "".

    Units that say what they count (`t Fe`) and multiples of others than the tonne are their own.
    """
    if canonical(unit) != unit or unit in _SPELLINGS:
        return "", ""
    text = unicodedata.normalize("NFKC", unit).casefold().strip()
    if _PER_YEAR.search(text):
        rest = canonical(_PER_YEAR.sub("", text).strip())
        if rest in _SPELLINGS:
            return rest, say("amounts are per year anyway")
    if _LARGE.fullmatch(text):
        return TONNE, say("a multiple of the tonne: type amounts in tonnes")
    if _fold(unit) in _SMALL:
        return TONNE, say("a part of the tonne: type amounts in tonnes")
    if _fold(unit) in _SHORT:
        return TONNE, say("it is not a spelling that is known")
    near = get_close_matches(_fold(unit), [s for s in _BY_SPELLING if len(s) > 2], 1, 0.75)
    return (_BY_SPELLING[near[0]], say("it is nearly its name")) if near else ("", "")
