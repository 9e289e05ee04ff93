"""The library that comes with circflow: whole, closed, sourced."""

from __future__ import annotations

import pytest

from circflow.library import Library, read_library
from circflow.library.balance import balances


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library()


def test_is_read_without_a_doubt(library: Library) -> None:
    assert library.warnings == ()


def test_every_recipe_gives_out_what_it_takes_in(library: Library) -> None:
    found = balances(library.recipes, library.materials, library.balance)
    assert len(found) == len(library.costs)
    assert (found["taken"] > 0).all()
    assert found["made"].to_numpy() == pytest.approx(found["taken"].to_numpy(), rel=0.005)


def test_every_technology_says_where_its_figures_come_from(library: Library) -> None:
    assert library.technologies["source"].notna().all()
    assert library.technologies["name_ru"].notna().all()
