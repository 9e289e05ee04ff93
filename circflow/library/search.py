"""Find technologies by words in English or Russian: in their names, sector and materials."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from circflow.data.suggest import bare
from circflow.i18n.names import shown_word
from circflow.library.read import Library

_IN_NAME, _IN_MATERIAL, _IN_SECTOR = 3, 2, 1
"""How much a word counts, by where it is found."""
_SHORTEST_STEM = 4
"""Letters of a word of which the ending, which Russian bends, may differ."""


def search(library: Library, words: Sequence[str], sector: str | None = None) -> pd.DataFrame:
    """The rows of `technologies` in which every word occurs, best first; without words all.

    A word is found where another begins like it: by its first letters, three fewer than it has but
    at least four, whatever the capitals, ё as е. `score`: 3 for a word found in a name of the
    technology, 2 in a name of one of its materials, 1 in its sector.
    """
    rows = library.technologies
    if sector is not None:
        rows = rows[rows["sector"] == sector]
    patterns = [_pattern(word) for text in words for word in _plain(text).split()]
    scores = [
        _score(patterns, _texts(library, name, branch))
        for name, branch in zip(rows["technology"], rows["sector"], strict=True)
    ]
    matches = rows.assign(score=scores)
    if patterns:
        matches = matches[matches["score"] > 0].sort_values("score", ascending=False, kind="stable")
    return matches.reset_index(drop=True)


def _plain(text: str) -> str:
    return bare(text).casefold().replace("ё", "е").replace("-", " ")


def _pattern(word: str) -> re.Pattern[str]:
    stem = word[: max(_SHORTEST_STEM, len(word) - 3)]
    return re.compile(rf"\b{re.escape(stem)}")


def _texts(library: Library, technology: str, sector: str) -> tuple[tuple[int, str], ...]:
    """What is searched of a technology, and how much a word found there counts."""
    materials = library.recipes["material"][library.recipes["technology"] == technology]
    listed = (name for m in materials.unique() for name in library.material_names[m])
    return (
        (_IN_NAME, _plain("; ".join(library.technology_names[technology]))),
        (_IN_MATERIAL, _plain("; ".join(listed))),
        (_IN_SECTOR, _plain(f"{sector} {shown_word('sector', sector)}")),
    )


def _score(patterns: Sequence[re.Pattern[str]], texts: tuple[tuple[int, str], ...]) -> int:
    """The sum over the words; 0 where one of them is nowhere."""
    total = 0
    for pattern in patterns:
        points = max((worth for worth, text in texts if pattern.search(text)), default=0)
        if not points:
            return 0
        total += points
    return total
