"""The pages in a real browser: they draw, ask for nothing outside, and show the plan's figures."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import circflow as cf
from circflow.report.figures import best_chains, money_lines
from circflow.report.page.frame import Column, Page, Section, Table, figure
from circflow.report.page.plan import plan_page
from circflow.solution.solution import Solution
from circflow.studies.cluster.baselines import comparisons

CASE = "sverdlovsk"  # Kuzbass is looked at in the app (tests/app/test_in_browser.py)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser: install chromium to look at the pages"
)

# Told by the page itself, in attributes of its root: what it asked for, what went wrong.
PROBE = """
addEventListener("error", (e) => { document.documentElement.dataset.fault = e.message; });
addEventListener("securitypolicyviolation", (e) => {
  document.documentElement.dataset.refused = e.blockedURI + " " + e.violatedDirective;
});
setInterval(() => {
  document.documentElement.dataset.asked = performance.getEntriesByType("resource")
    .map((entry) => entry.name).filter((name) => !/^(data|blob):/.test(name)).join(" ");
}, 200);
"""
# Sorts the first table by its second column and saves it: the text that would be in the file.
PRESS = """
const kept = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  blob.text().then((text) => { document.documentElement.dataset.csv = btoa(
    String.fromCharCode(...new TextEncoder().encode(text))); });
  return kept(blob);
};
HTMLAnchorElement.prototype.click = () => {};
addEventListener("load", () => {
  document.querySelectorAll("th button")[1].click();
  document.querySelector('button[data-do="csv"]').click();
});
"""


@dataclass(frozen=True)
class View:
    """What the browser made of a page."""

    dom: str
    errors: list[str]
    picture: bytes

    def root(self, name: str) -> str | None:
        found = re.search(rf'<html[^>]* data-{name}="([^"]*)"', self.dom)
        return html.unescape(found[1]) if found else None


def look(page: str, home: Path, probe: str = PROBE, *flags: str) -> View:
    """Open a page, with a script of the test's own that its policy lets run."""
    home.mkdir(parents=True)
    print_ = base64.b64encode(hashlib.sha256(probe.encode()).digest()).decode()
    page = page.replace("script-src ", f"script-src 'sha256-{print_}' ", 1)
    page = page.replace("<title>", f"<script>{probe}</script><title>", 1)
    file = home / "page.html"
    file.write_text(page, encoding="utf-8")
    assert CHROMIUM is not None
    arguments = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    arguments += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
    arguments += ["--disable-component-update", "--hide-scrollbars", "--disable-dev-shm-usage"]
    arguments += [f"--user-data-dir={home / 'profile'}", "--enable-logging=stderr", "--v=0"]
    arguments += ["--virtual-time-budget=20000", "--window-size=1366,900", *flags]
    arguments += [f"--screenshot={home / 'page.png'}", "--dump-dom", file.as_uri()]
    done = subprocess.run(arguments, capture_output=True, timeout=120, check=False)
    log = done.stderr.decode("utf-8", "replace")
    errors = [line for line in log.splitlines() if "CONSOLE" in line]
    picture = home / "page.png"
    return View(
        done.stdout.decode("utf-8", "replace"),
        errors,
        picture.read_bytes() if picture.exists() else b"",
    )


@pytest.fixture(scope="module")
def seen(shipped: Callable[[str], Solution], tmp_path_factory: pytest.TempPathFactory) -> View:
    plan = shipped(CASE)
    return look(plan_page(plan, comparisons(plan)).html(), tmp_path_factory.mktemp("pages") / CASE)


def test_it_draws_without_a_fault_and_asks_for_nothing(seen: View) -> None:
    assert not seen.errors
    assert seen.root("ready") == "yes"
    assert seen.root("fault") is None
    assert seen.root("refused") is None
    assert seen.root("asked") == ""
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


def test_it_can_be_sorted_and_saved(tmp_path: Path) -> None:

    data = pd.DataFrame(
        {
            "name": ["=1+1", 'a "quoted", <b>name</b>', "-x", "Шлак"],
            "amount": [2.0, -30.5, 1e-7, 4.0],
        }
    )
    columns = (Column("name", "Name"), Column("amount", "Amount", "number", "t"))
    page = Page("Saved", [Section("One", [Table("A table", data, columns)])])
    view = look(page.html(), tmp_path / "saved", PRESS)
    assert not view.errors
    saved = base64.b64decode(view.root("csv") or "").decode("utf-8-sig")
    assert saved.split("\r\n") == [
        "Name,Amount t",
        "Шлак,4.0",
        "'=1+1,2.0",
        "'-x,1e-07",
        '"a ""quoted"", <b>name</b>",-30.5',
        "",
    ]


def test_malicious_names_do_nothing(evil_folder: Path, tmp_path: Path) -> None:
    plan = cf.solve(cf.read(evil_folder))
    view = look(plan_page(plan).html(), tmp_path / "evil")
    assert not view.errors
    assert view.root("refused") is None  # nothing was tried, so nothing had to be refused
    assert view.root("ready") == "yes"
    drawn = "".join(texts(view.dom, r'text class="node-label"'))
    assert "<script>" in drawn
