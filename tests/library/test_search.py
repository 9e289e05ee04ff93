"""Technologies found by words, in English and Russian."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from circflow.data.table import Book
from circflow.library import read_library
from circflow.library.read import library_of
from circflow.library.search import search


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["crushing", "burning"]),
        (["slag"], ["crushing", "burning"]),  # in a name counts before in a material
        (["шлака"], ["crushing", "burning"]),
        (["Щебень"], ["crushing"]),
        (["slag", "blocks"], ["burning"]),
        (["building"], ["burning"]),
        (["sla"], ["crushing", "burning"]),
        (["lag"], []),  # words are found by their beginning
        (["slag", "gold"], []),
    ],
)
def test_every_word_must_be_found(
    make_library: Callable[..., Book], words: list[str], found: list[str]
) -> None:
    assert list(search(library_of(make_library()), words)["technology"]) == found


def test_only_of_a_sector(make_library: Callable[..., Book]) -> None:
    library = library_of(make_library())
    assert list(search(library, [], "building materials")["technology"]) == ["burning"]


@pytest.mark.parametrize("words", ["red mud", "красного шлама", "красный шлам", "бокситового"])
def test_what_becomes_of_red_mud(words: str) -> None:
    found = list(search(read_library(), [words])["technology"])
    assert {"red mud smelting", "scandium leaching", "red mud additive making"} <= set(found)
