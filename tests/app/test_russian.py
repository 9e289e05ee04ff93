"""The app's pages in Russian: no English word but names, units and file endings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_browser import Browser
from russian import english, shown

from circflow.app.worker import Worker
from circflow.i18n import language

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial.ru.xlsx"
ALLOWED = (
    *("tutorial", "ru", "akmola", "almalyk", "kuzbass", "sverdlovsk"),
    *("USD", "EUR", "RUB", "futures", "solve"),
)
"""Workbooks, the money that a workbook may name, commands, besides the short list of `russian`."""


@pytest.fixture
def russian(tmp_path: Path, workers: dict[str, Worker]) -> Iterator[Browser]:
    with language("ru"):
        yield Browser(tmp_path / "state", TUTORIAL, workers)


def test_pages_are_russian(russian: Browser) -> None:
    places = ("/check", "/solve", "/what-if", "/studies", "/plants", "/cluster", "/tables")
    sheets = ("Units", "Materials", "Recipes", "Links", "Markets", "Modes", "Goals", "Ranges")
    for place in (*places, *(f"/tables/{sheet}" for sheet in sheets)):
        assert english(shown(russian.page(place)), *ALLOWED) == {}, place


def test_tables_bear_russian_names(russian: Browser) -> None:
    """Columns, closed words and candidates as the planner's own workbook calls them."""
    units = russian.page("/tables/Units")
    assert "<h1>Установки</h1>" in units
    assert 'aria-label="состояние, строка 2"' in units
    assert 'data-column="status"' in units
    assert '<option value="существующая">' in units
    assert '<option value="Мельница">' not in russian.page("/plants")
    assert '<option value="Кирпичный завод">' in russian.page("/plants")


def test_a_run_is_told_in_russian(russian: Browser) -> None:
    """Status and duration of a run, the heads of a site's balance."""
    russian.page("/check")
    run = russian.run("solve")
    assert "оптимально" in russian.page(f"/runs/{run}")
    assert '<th scope="col">длился</th>' in russian.page("/solve")
    balance = russian.page("/sites/Электростанция")
    assert "<h2>Уходит</h2>" in balance
    assert "unit of measure" not in balance


@pytest.mark.parametrize("kind", ["tornado", "ranges", "alternatives", "pareto", "forms", "sample"])
def test_the_page_of_a_study_has_a_russian_title(kind: str, russian: Browser) -> None:
    russian.page("/check")
    run = russian.run(kind, count="3")
    page = russian.client.get(f"/runs/{run}/files/page.html").text
    title = page[page.index("<h1>") : page.index("</h1>")].removeprefix("<h1>")
    assert english(title, *ALLOWED) == {}
