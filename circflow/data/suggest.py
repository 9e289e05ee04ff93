"""The nearest good name to a misspelt one, and in what the two differ.

Planners mix alphabets without seeing it (Cyrillic С for Latin C), leave no-break spaces behind
and change capitals; such a pair is told apart in words, anything else by similarity.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property, lru_cache

from circflow.i18n import mark, say

_CYRILLIC = "АВЕКМНОРСТУХІЈЅЁаеорсухіјѕёкмнтв"
_LATIN = "ABEKMHOPCTYXIJSËaeopcyxijsëkmhtb"
_LOOK_ALIKE = str.maketrans(_CYRILLIC, _LATIN)
_LONGEST_COMPARED = 200
_SHORTEST_PART = 4
_MOST_COMPARISONS = 100
"""Distinct names compared by similarity before only exact folds are tried (bounded time)."""


def bare(text: str) -> str:
    """The text with one kind of space and without invisible characters."""
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return " ".join(seen.split())


def drawn(text: str) -> str:
    """What the eye sees: look-alike letters, spaces and compositions made the same."""
    return bare(unicodedata.normalize("NFKC", text)).translate(_LOOK_ALIKE)


@lru_cache(maxsize=4_096)
def folded(text: str) -> str:
    """`drawn`, without regard to capitals, underscores and hyphens."""
    spaced = bare(unicodedata.normalize("NFKC", text)).replace("_", " ").replace("-", " ")
    return " ".join(spaced.casefold().translate(_LOOK_ALIKE).split())


class Names:
    """Good names, to look for the one that a misspelt name may mean."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(dict.fromkeys(names))
        self._nearest: dict[str, str] = {}
        self._compared = 0

    @cached_property
    def _by_fold(self) -> dict[str, str]:
        return {folded(name): name for name in reversed(self.names)}

    def nearest(self, name: str) -> str:
        """The most similar good name, or "" where none is near."""
        if name not in self._nearest:
            self._nearest[name] = self._search(name)
        return self._nearest[name]

    def _search(self, name: str) -> str:
        fold = folded(name)
        if fold in self._by_fold:
            return self._by_fold[fold]
        self._compared += 1
        if not fold or len(fold) > _LONGEST_COMPARED or self._compared > _MOST_COMPARISONS:
            return ""
        near = get_close_matches(fold, self._by_fold, n=1, cutoff=0.6)
        if not near and len(fold) >= _SHORTEST_PART:
            near = [other for other in self._by_fold if fold in other]
        return self._by_fold[near[0]] if len(near) == 1 else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """The most similar of some names, or "" where none is near."""
    return Names(names).nearest(name)


def difference(given: str, good: str) -> str:
    """In what two names differ where the eye misses it; "" where it is plain to see."""
    if given == good or not good:
        return ""
    if bare(given) == bare(good):
        return say("they differ in spaces or invisible characters")
    mixed = [
        c for c, d in zip(bare(given), bare(good), strict=False) if c != d and drawn(c) == drawn(d)
    ]
    if drawn(given) == drawn(good) and mixed:
        letters = ", ".join(f"{_script(c)} {c}" for c in dict.fromkeys(mixed))
        return say("it looks the same but is typed in another alphabet: {letters}", letters=letters)
    if bare(given).casefold() == bare(good).casefold():
        return say("they differ in capital letters")
    return ""


def remark(given: str, good: str) -> str:
    """`difference` in brackets, for the middle or the end of a message."""
    words = difference(given, good)
    return f" ({words})" if words else ""


def _script(letter: str) -> str:
    return say(unicodedata.name(letter, "letter").split()[0].capitalize())


_SCRIPTS = (mark("Cyrillic"), mark("Latin"), mark("Greek"))
"""Alphabets that are mixed up most."""
