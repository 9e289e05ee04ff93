"""The pages in a real browser: they draw, ask for nothing outside, and show the plan's figures."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import circflow as cf
from circflow.report.figures import best_chains, money_lines
from circflow.report.page.frame import Column, Page, Section, Table, figure, write
from circflow.report.page.plan import plan_page
from circflow.solution.solution import Solution
from circflow.studies.cluster.baselines import comparisons

CASE = "sverdlovsk"  # Kuzbass is looked at in the app (tests/app/test_in_browser.py)
# Told by the page itself, in an attribute of its root: what its policy has refused.
PROBE = """
addEventListener("securitypolicyviolation", (e) => {
  document.documentElement.dataset.refused = e.blockedURI + " " + e.violatedDirective;
});
"""


@contextmanager
def heard(page: Any) -> Iterator[tuple[list[str], list[str]]]:
    """What goes wrong in a page (errors, thrown or on its console), and what it asks for."""
    faults: list[str] = []
    asked: list[str] = []
    told = {
        "console": lambda m: faults.append(m.text) if m.type == "error" else None,
        "pageerror": lambda e: faults.append(str(e)),
        "request": lambda r: asked.append(r.url),
    }
    for event, hear in told.items():
        page.on(event, hear)
    yield faults, asked
    for event, hear in told.items():
        page.remove_listener(event, hear)


@dataclass(frozen=True)
class View:
    """What the browser made of a page."""

    dom: str
    faults: list[str]
    asked: list[str]
    picture: bytes

    def root(self, name: str) -> str | None:
        found = re.search(rf'<html[^>]* data-{name}="([^"]*)"', self.dom)
        return html.unescape(found[1]) if found else None


def look(window: Any, page: Page, file: Path) -> View:
    """Open a page and see what becomes of it, and what it asks for besides itself."""
    write(page, file)
    with heard(window) as (faults, asked):
        window.add_init_script(PROBE)
        window.goto(file.as_uri())
        window.locator("html[data-ready=yes]").wait_for(state="attached")
        picture, dom = window.screenshot(), window.content()
    assert asked.pop(0) == file.as_uri()
    return View(dom, faults, [a for a in asked if not a.startswith(("data:", "blob:"))], picture)


@pytest.fixture(scope="module")
def seen(
    shipped: Callable[[str], Solution], window: Any, tmp_path_factory: pytest.TempPathFactory
) -> View:
    plan = shipped(CASE)
    file = tmp_path_factory.mktemp("pages") / "page.html"
    return look(window, plan_page(plan, comparisons(plan)), file)


def test_it_draws_without_a_fault_and_asks_for_nothing(seen: View) -> None:
    assert not seen.faults
    assert seen.root("ready") == "yes"
    assert seen.root("refused") is None
    assert not seen.asked
    all_are_drawn(seen.dom)
    assert seen.picture.startswith(b"\x89PNG")
    assert len(seen.picture) > 50_000  # not a blank sheet


def texts(dom: str, element: str) -> list[str]:
    """The texts of elements that match a start tag's pattern."""
    found = re.findall(rf"<{element}[^>]*>(.*?)</", dom, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)).strip() for text in found]


def shows_the_plan(dom: str, plan: Solution) -> None:
    """What is drawn are the figures of the plan; also of the page that the app shows."""
    totals = plan.totals
    years = sum(p.years for p in plan.scenario.periods)
    shown = texts(dom, r'p class="big"')
    assert shown[0] == figure(totals["net_benefit"] / years)
    assert shown[3] == figure(totals["jobs"])
    chain = best_chains(plan).iloc[0]
    assert chain["steps"].replace(" > ", " › ") in texts(dom, "b")
    bars = texts(dom, r'text class="bartext[^"]*"')
    for value in money_lines(plan)["million_per_year"]:
        assert figure(value) in bars
    capex = plan.built["capex_million"]
    assert all(any(b.startswith(figure(c)) for b in bars) for c in capex)
    assert dom.count('class="sankey-link"') > 50
    assert len(texts(dom, r'text class="node-label"')) > 30


def all_are_drawn(dom: str) -> None:
    """Every figure of a page."""
    assert dom.count('class="plot js-plotly-plot"') == dom.count("<figure") >= 7
    assert "cannot be drawn" not in dom.partition('id="library"')[0]


def test_the_figures_it_shows_are_those_of_the_plan(
    seen: View, shipped: Callable[[str], Solution]
) -> None:
    shows_the_plan(seen.dom, shipped(CASE))


def test_it_can_be_sorted_and_saved(window: Any, tmp_path: Path) -> None:
    data = pd.DataFrame(
        {
            "name": ["=1+1", 'a "quoted", <b>name</b>', "-x", "Шлак"],
            "amount": [2.0, -30.5, 1e-7, 4.0],
        }
    )
    columns = (Column("name", "Name"), Column("amount", "Amount", "number", "t"))
    page = Page("Saved", [Section("One", [Table("A table", data, columns)])])
    view = look(window, page, tmp_path / "page.html")
    window.locator("th button").nth(1).click()
    with window.expect_download() as download:
        window.locator('button[data-do="csv"]').click()
    assert not view.faults
    saved = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    assert saved.split("\r\n") == [
        "Name,Amount t",
        "Шлак,4.0",
        "'=1+1,2.0",
        "'-x,1e-07",
        '"a ""quoted"", <b>name</b>",-30.5',
        "",
    ]


def test_malicious_names_do_nothing(evil_folder: Path, window: Any, tmp_path: Path) -> None:
    plan = cf.solve(cf.read(evil_folder))
    view = look(window, plan_page(plan), tmp_path / "page.html")
    assert not view.faults
    assert view.root("refused") is None  # nothing was tried, so nothing had to be refused
    assert view.root("ready") == "yes"
    drawn = "".join(texts(view.dom, r'text class="node-label"'))
    assert "<script>" in drawn
