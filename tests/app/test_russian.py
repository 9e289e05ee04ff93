"""The app's pages in Russian: no English word but names, units and file endings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_browser import Browser

from circflow.app.worker import Worker
from circflow.i18n import language

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial.ru.xlsx"
ALLOWED = {
    *("tutorial", "akmola", "almalyk", "kuzbass", "sverdlovsk", "circflow", "CSV", "Excel"),
    *("USD", "EUR", "RUB", "emission", "CO", "road", "futures", "solve", "km"),
}
"""Workbooks, money, commands, a mode of transport of the schema's own examples."""


@pytest.fixture
def russian(tmp_path: Path, workers: dict[str, Worker]) -> Iterator[Browser]:
    with language("ru"):
        yield Browser(tmp_path / "state", TUTORIAL, workers)


def test_pages_are_russian(russian: Browser) -> None:
    places = ("/check", "/solve", "/what-if", "/studies", "/plants", "/cluster", "/tables")
    for place in places:
        whole = russian.page(place)
        labels = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', whole)
        body = re.sub(r"<script.*?</script>|<[^>]+>", "\n", whole, flags=re.DOTALL)
        text = re.sub(
            r"[\w./-]+\.(?:xlsx|html|csv)", " ", "\n".join([html.unescape(body), *labels])
        )
        assert set(re.findall("[A-Za-z]{2,}", text)) <= ALLOWED, place
