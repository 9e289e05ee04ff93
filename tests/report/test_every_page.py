"""Every page that a command writes, for a region typed by hand: it opens with its answer, and
nothing on it is noise of a solver, a missing value of the code, or a name of the code."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_habits import region

from circflow.cli import main
from circflow.data.files.books import write_book
from circflow.report.page.frame import library

RATES = [option for money in ("USD", "EUR", "RUB 2023") for option in ("--rate", f"{money}=90")]
NEW = "unit=Press, site=?, technology=pressing, capacity_per_year=1000, capex_million=1"
PAGES: dict[str, list[str]] = {
    "solve": ["solve", "FILE", "--report"],
    "finance": ["finance", "FILE", "--candidates", "-o"],
    "indicators": ["indicators", "FILE", "-o"],
    "ranges": ["ranges", "FILE", "-o"],
    "breakpoints": ["breakpoints", "FILE", "Markets.price*=0.5:1.5", "-o"],
    "evaluate": ["evaluate", "FILE", "-o"],
    "every site": ["evaluate", "FILE", "--add", NEW, "-o"],
    "suggest": ["suggest", "FILE", "--top", "2", *RATES, "-o"],
    "futures": ["futures", "FILE", "--infrastructure", "-o"],
    "robust": ["futures", "FILE", "--budget-of-uncertainty", "1", "-o"],
    "forms": ["forms", "FILE", "-o"],
    "tornado": ["tornado", "FILE", "--jobs", "1", "-o"],
    "pareto": ["pareto", "FILE", "--trade", "value", "jobs", "--points", "3", "-o"],
    "alternatives": ["alternatives", "FILE", "-o"],
    "sweep": ["sweep", "FILE", "--study", "price", "--jobs", "1", "-o"],
    "share": ["share", "FILE", "--set", "Markets.price*=0.9", "-o"],
    "joining": ["share", "FILE", "--joining", "Power", "-o"],
}
MORE: dict[str, list[dict[str, object]]] = {
    "Taxes": [
        {"tax": "profit tax", "budget": "regional", "base": "profit", "rate": 0.17},
        {"tax": "waste payments", "budget": "municipal", "base": "disposal_fee", "rate": 0.6},
    ],
    "Indicators": [
        {"indicator": "jobs_new", "group": "social_environmental", "unit": "jobs", "target": 50},
        {"indicator": "use_share", "group": "social_environmental", "unit": "share", "target": 0.2},
    ],
    "Futures": [{"future": "cheap", "probability": 0.4}, {"future": "dear", "probability": 0.6}],
    "FutureChanges": [
        {"future": "cheap", "parameter": "Markets.price", "change": "factor", "value": 0.7}
    ],
    "Synergies": [{"synergy": "shared press", "effect": "excess_capacity", "value": 30}],
    "SynergyPartners": [
        {"synergy": "shared press", "kind": "unit", "partner": unit}
        for unit in ("Mill", "Brick plant")
    ],
}
NOISE = re.compile(r"\d[eE][-−+]?\d+")
NOTHING = re.compile(r"\b(?:nan|NaN|NaT|null|True|False)\b|^None$|\bNone(?=[,;.)])")
OF_THE_CODE = re.compile(r"(?<![\w.\[/])[a-z]+(?:_[a-z]+)+")
"""Names of the code; addresses of cells (`Markets.max_per_year`) are the planner's own words."""
_QUIET = frozenset(
    ("type", "mode", "color", "hovertemplate", "orientation", "textposition", "arrangement")
)


def figures(page: str) -> Iterator[Any]:
    """The data of a page's figures."""
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S):
        yield json.loads(data)


def texts(page: str) -> Iterator[str]:
    """What a reader sees of a page: its elements' texts, labels, and the words of its figures."""
    body = page[page.index("<main") : page.index("<footer")]
    for data in figures(body):
        yield from _words(data)
    body = re.sub(r"<script.*?</script>|<style.*?</style>", " ", body, flags=re.S)
    yield from map(html.unescape, re.findall(r">([^<]+)<", body))
    yield from map(html.unescape, re.findall(r'aria-label="([^"]*)"', body))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield html.unescape(re.sub(r"<[^>]+>", " ", value))
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in _QUIET:
                yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draft = region()
    for sheet, rows in MORE.items():
        for row in rows:
            draft.add(sheet, row)
    path = tmp_path_factory.mktemp("typed") / "region.xlsx"
    write_book(draft.finished(), path)
    return path


@pytest.mark.parametrize("name", PAGES)
def test_a_page_answers_and_holds_no_noise(typed: Path, tmp_path: Path, name: str) -> None:
    if name in ("tornado", "sweep", "pareto"):
        pytest.importorskip("matplotlib")
    words = [str(typed) if word == "FILE" else word for word in PAGES[name]]
    assert main([*words, str(tmp_path / "page.html"), "--quiet"]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    found = [
        (match.group(), text.strip()[:100])
        for text in texts(page)
        for seen in (NOISE, NOTHING, OF_THE_CODE)
        for match in seen.finditer(text)
    ]
    assert found == []
    first = page[page.index("<main") :]
    assert 'class="lead"' in first[: first.index("</section>")] or name == "solve"
    assert first.count("<details", 0, first.index("</section>")) == 0
    views = (view for data in figures(page) for view in data["views"].values())
    for kind in {trace["type"] for view in views for trace in view["data"]}:
        assert f'moduleType:"trace",name:"{kind}"' in library()[0], kind  # or it is not drawn


def test_what_the_scan_catches() -> None:
    page = "<main><td>1.93e-12</td><td>nan</td><td>objective_million</td><p>None</p></main><footer>"
    caught = [seen.findall(text) for text in texts(page) for seen in (NOISE, NOTHING, OF_THE_CODE)]
    assert [c[0] for c in caught if c] == ["3e-12", "nan", "objective_million", "None"]
