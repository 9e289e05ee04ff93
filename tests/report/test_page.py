"""The page of a plan: complete, self-contained, true to the solution, safe with any name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import circflow as cf
from circflow.data.files.template import template_book
from circflow.report.figures import best_chains, binding_limits, money_lines
from circflow.report.map import is_mass, placed_labels
from circflow.report.page import frame as frame_module
from circflow.report.page.frame import (
    Card,
    Cards,
    Column,
    Figure,
    Page,
    Section,
    Table,
    Text,
    escaped,
    figure,
    json_text,
    percent,
    sentences,
    typeset,
    write,
)
from circflow.report.page.plan import Baseline, assumptions, confidence, plan_page, write_page
from circflow.report.page.study import Picture, known_figure, write_study
from circflow.report.sankey import paths, sankey
from circflow.solution.solution import Solution
from circflow.studies.cluster.baselines import comparisons
from circflow.studies.cluster.coalition import Cluster

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LIMIT = 6_000_000


@pytest.fixture(scope="module")
def plan(shipped: Callable[[str], Solution]) -> Solution:
    return shipped("tutorial")


@pytest.fixture(scope="module")
def page(plan: Solution) -> str:
    return plan_page(plan, comparisons(plan)).html()


@pytest.fixture(scope="module")
def evil(evil_folder: Path) -> Solution:
    return cf.solve(cf.read(evil_folder))


class Seen(HTMLParser):
    """Elements, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def blocks(page: str) -> list[dict[str, Any]]:
    """The data of the figures."""
    found = re.findall(r'<script type="application/json" id="[^"]+">(.*?)</script>', page, re.S)
    return [json.loads(text) for text in found]


def views(page: str) -> Iterator[dict[str, Any]]:
    for block in blocks(page):
        yield from block["views"].values()


def strings(value: Any) -> Iterator[str]:
    """What is drawn; `meta` is for the page's own script, which asks the app for these names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "meta":
                yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def colours(value: Any, inside: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from colours(item, key.endswith("color"))
    elif isinstance(value, list):
        for item in value:
            yield from colours(item, inside)
    elif inside and isinstance(value, str):
        yield value


def test_headings_captions_and_labels(page: str) -> None:
    seen = Seen(page)
    assert not seen.open
    names = [tag for tag, _ in seen.tags]
    assert names.count("h1") == names.count("main") == names.count("nav") == 1
    assert names.count("caption") == names.count("table") >= 10
    assert all(head.get("scope") == "col" for head in seen.of("th"))
    figures = seen.of("figure")
    assert names.count("figcaption") == len(figures) == len(blocks(page)) >= 6
    labelled = [a for a in seen.of("div") if a.get("role") == "img"]
    assert len(labelled) == len(figures)
    assert all(a.get("aria-label") for a in labelled)
    ids = [a["id"] for _, a in seen.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = [str(a["href"])[1:] for a in seen.of("a")]
    assert set(links) <= set(ids)
    assert names.count("section") == len(links)


def test_nothing_comes_from_outside(page: str) -> None:
    seen = Seen(page)
    for tag, attributes in seen.tags:
        assert tag not in ("iframe", "object", "embed", "base", "img")
        for name in ("src", "href", "action", "srcset"):
            assert str(attributes.get(name) or "#").startswith(("#", "data:,"))
        assert not [name for name in attributes if name.startswith("on")]
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(str(a["content"]) for a in seen.of("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("style-src")[0]
    assert len(page.encode()) < LIMIT


def test_figures_on_the_page_are_those_of_the_plan(plan: Solution, page: str) -> None:
    big = [float(v) for v in re.findall(r'<p class="big" data-v="([^"]+)"', page)]
    totals = plan.totals
    assert big[0] == pytest.approx(totals["net_benefit"])  # one year
    assert big[1] == pytest.approx(totals["use_share"])
    assert big[2] == pytest.approx(totals["waste_disposed"]["t"])
    assert big[3] == pytest.approx(totals["jobs"])
    values = [
        v for view in views(page) for t in view["data"] if t["type"] == "waterfall" for v in t["y"]
    ]
    assert values == pytest.approx(money_lines(plan)["million_per_year"].tolist(), rel=1e-5)
    chains = best_chains(plan)
    table = page[page.index("Value chains, the most valuable first") :]
    worth = re.findall(r'<td class="n bar"[^>]*data-v="([^"]+)"', table)[: len(chains)]
    assert [float(v) for v in worth] == pytest.approx(chains["value_million"].tolist())
    label = binding_limits(plan)["label"].iloc[0]
    assert escaped(label) in page


def test_baselines_are_told(plan: Solution, page: str) -> None:
    alone = Cluster(plan.scenario).alone
    made = {b.words: b for b in comparisons(plan)}
    totals = made["no cluster"].totals
    assert totals is not None
    assert totals["net_benefit"] == pytest.approx(alone.totals["net_benefit"])
    assert totals["use_share"] == pytest.approx(alone.totals["use_share"])
    idle = plan.scenario.change({"Units.status": "off"})
    dumped = made["everything dumped"].totals
    assert dumped is not None
    assert dumped["net_benefit"] == pytest.approx(cf.solve(idle).totals["net_benefit"])
    assert f"<dt>no cluster</dt><dd>{figure(totals['net_benefit'])}</dd>" in page
    late = comparisons(plan, longest=-1.0)
    assert all(b.totals is None and b.reason for b in late)
    assert "left out" in plan_page(plan, late).html()


def test_without_baselines(plan: Solution) -> None:
    text = plan_page(plan).html()
    assert "no cluster" not in text.lower()
    none = plan_page(plan, [Baseline("no cluster", None, "nobody can stand alone")]).html()
    assert "nobody can stand alone" in none


def test_figures_are_plotly_figures(page: str) -> None:
    style = frame_module._asset("page.css")
    for view in views(page):
        tokens = set(colours(view))
        for token in tokens:
            assert token.startswith("$"), token
            assert f"--c-{token[1:].partition('/')[0]}:" in style
        text = re.sub(r'"\$[a-z]+(/\d+)?"', '"#123456"', json.dumps(view))
        go.Figure(json.loads(text))  # refuses what plotly does not know


def test_malicious_names_are_text(evil: Solution) -> None:
    made = plan_page(evil, comparisons(evil)).html()
    seen = Seen(made)
    assert not seen.open
    figures = len(blocks(made))
    assert len(seen.of("script")) == figures + 2  # the library and the page's own
    assert not seen.of("img")
    assert not [a for _, attributes in seen.tags for a in attributes if a.startswith("on")]
    texts = "".join(seen.texts)
    for site in evil.flows["from"]:
        assert site in texts
    for name in (*evil.built["unit"], *evil.flows["material"], evil.scenario.name):
        assert name in texts
    # plotly takes b and br from labels; of names nothing may be left that it would take
    for text in (t for view in views(made) for t in strings(view)):
        assert not re.search(r"<(?!/?b>|br>|/?extra>)", text), text
    assert "alert(1)" in json.dumps(blocks(made))


def test_widths_of_the_sankey_are_the_plan(plan: Solution) -> None:
    rows = paths(plan)
    assert rows["income"].sum() == pytest.approx(plan.totals["income"])
    waste = rows[rows["source"].isin(plan.scenario.wastes)]
    taken = plan.tables.supply.query("kind == 'stream'")["amount_per_year"].sum()
    assert waste["amount"].sum() == pytest.approx(taken)
    drawn = sankey(plan)
    assert drawn is not None
    for key, view in drawn.views.items():
        link = view["data"][0]["link"]
        first = set(link["target"]) & set(link["source"])
        assert first
        into = np.bincount(link["target"], link["value"], 99)
        out = np.bincount(link["source"], link["value"], 99)
        between = (into > 0) & (out > 0)
        assert into[between] == pytest.approx(out[between]), key  # nothing is lost in a node
    money = drawn.views["money|all"]["data"][0]["link"]
    starts = set(money["source"]) - set(money["target"])
    whole = sum(v for s, v in zip(money["source"], money["value"], strict=True) if s in starts)
    assert whole == pytest.approx(plan.totals["income"])


def test_a_hand_made_plan_without_flows_has_a_page(
    solution: Solution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution.audit.__dict__.update(passed=False)
    monkeypatch.setattr("circflow.report.page.plan.sankey", lambda _: None)
    chain = {"stage": "metallurgy", "income_million": 300.0, "synergy_million": 0.0}
    solution.__dict__["chains"] = solution.chains.assign(**chain)
    write_page(solution, tmp_path / "страница.html")
    text = (tmp_path / "страница.html").read_text("utf-8")
    assert "do not rely on it" in text
    assert "Свердловская область" in text


def test_the_templates_own_notes_are_no_evidence(plan: Solution) -> None:
    scenario = next(s for s in template_book().sheets if s.name == "Scenario")
    typed = [list(row) for row in scenario.grid]
    typed[6][2] = "assumption: rate of the ministry"
    book = replace(plan.scenario.book, sheets=(replace(scenario, grid=typed),))
    rows = assumptions(replace(plan, scenario=replace(plan.scenario, book=book)))
    assert rows["confidence"].tolist() == ["assumption"]


def test_assumptions_tell_how_they_are_known(plan: Solution) -> None:
    rows = assumptions(plan)
    assert {"assumption", "not told"} <= set(rows["confidence"])
    streams = rows[rows["sheet"] == "Streams"]
    assert streams["row"].tolist() == list(range(2, 2 + len(streams)))
    counts = confidence(rows)
    assert counts.loc[0, "rows"] == len(rows)
    assert counts["rows"].iloc[1:].sum() == len(rows)


def test_tables_escape_sort_and_round() -> None:
    data = pd.DataFrame(
        {
            "name": ["a<b", None, "c"],
            "path": ["x > y", "z", None],
            "amount": [1234567.0, np.nan, 0.0004],
            "share": [0.5, np.inf, 1.0],
        }
    )
    columns = (
        Column("name", "Name"),
        Column("path", "Path", "path"),
        Column("amount", "Amount", "number", "t", bar=True),
        Column("share", "Share", "share"),
    )
    table = Table("A & B", data, columns, shown=2)
    made = Page("t", [Section("s", [table])]).html()
    assert "A &amp; B" in made
    assert "a&lt;b" in made
    assert 'x <span class="sep">›</span> y' in made
    assert 'data-v="1234567.0">1\u202f234\u202f567</td>' in made
    assert 'data-v="0.0004">0.0004</td>' in made  # not rounded away
    assert 'data-v="">–</td>' in made
    assert "50.0\u202f%" in made
    assert made.count('<tr class="more">') == 1
    assert "show all 3" in made


def test_long_tables_are_cut() -> None:
    data = pd.DataFrame({"n": np.arange(frame_module.MAX_ROWS + 5.0)})
    made = Page("t", [Section("s", [Table("long", data)])]).html()
    assert made.count("<tr") == frame_module.MAX_ROWS + 1
    assert "The first 500 of 505 rows" in made


def test_a_page_of_another_kind_needs_no_library(tmp_path: Path) -> None:
    card = Card("Runs", "12", "of 12", {"before": "3"})
    frame = Page(
        "A study", [Section("Runs", [Cards([card]), Text("All went well.")])], kind="Sweep"
    )
    write(frame, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    assert len(text) < 40_000
    assert 'id="library"' not in text
    drawn = Figure("f", {"": {"data": [], "layout": {"height": 100}}}, "nothing")
    assert 'id="library"' in Page("A study", [Section("Runs", [drawn])]).html()


def test_json_cannot_leave_its_element() -> None:
    text = json_text(
        {"a": "</script><!--", "b": [np.float64(np.nan), np.array([1.0])], "c": "\u2028"}
    )
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": [None, [1.0]], "c": "\u2028"}


def test_numbers_in_words() -> None:
    assert figure(-1234.5) == "−1\u202f234"
    assert figure(float("nan")) == "–"
    assert percent(0.384) == "38.4\u202f%"
    assert escaped("a\x00b\ud800") == "a b "


def test_sentences_tell_figures_and_never_markup() -> None:
    frame = pd.DataFrame({"unit": ["<b>"], "share": [0.5], "worth": [-1234.5], "note": [None]})
    message = "{unit}: {share}, {worth} {money}{note}"
    words = "&lt;b&gt;: 50.0\u202f%, −1\u202f234 R&amp;B"
    assert sentences(message, frame, money="R&B") == [words]
    assert typeset({"unit": "<b>", "built": True, "count": 1234, "worth": math.nan}) == {
        "unit": "<b>",
        "built": "True",
        "count": "1\u202f234",
        "worth": "–",
    }


def test_labels_of_the_map_do_not_overlap() -> None:
    rng = np.random.default_rng(1)
    sites = pd.DataFrame(
        {
            "longitude": rng.uniform(60, 61, 60),
            "latitude": rng.uniform(56, 57, 60),
            "traffic": rng.uniform(0, 1, 60),
        },
        index=[f"a fairly long name {n}" for n in range(60)],
    )
    extent = (59.0, 62.0, 55.9, 57.1)
    names = placed_labels(sites, extent, np.ones(60, dtype=bool))
    assert 5 < len(names) < 60
    assert is_mass(pd.Series(["t", "t CE", "MWh", None])).tolist() == [True, True, False, False]


def test_pages_of_studies_are_of_the_same_family(tmp_path: Path) -> None:
    shares = pd.DataFrame(
        {
            "rule": ["equal", "equal", "<b>own"],
            "member": ["A", "B<script>", "A"],
            "million": [1.0, 2.0, 3.5],
        }
    )
    told = {"figure": ["gain_million", "proven"], "value": [12.3456, "yes"]}
    figures = pd.DataFrame(told, dtype=object)
    write_study(
        tmp_path / "study.html",
        "Shares",
        {"totals": figures, "allocations": shares, "nothing": shares.head(0)},
        currency="RUB",
        pictures=[Picture("Drawn before", "<?xml?><svg width='9'></svg>")],
    )
    text = (tmp_path / "study.html").read_text("utf-8")
    seen = Seen(text)
    assert not seen.open
    assert "gain (million)" in seen.texts
    assert "12.3" in seen.texts
    assert "B<script>" in seen.texts
    assert "<svg width='9'>" in text
    (drawn,) = views(text)
    assert [trace["y"] for trace in drawn["data"]] == [[1.0, 2.0], [3.5, None]]
    go.Figure(json.loads(re.sub(r'"\$[a-z]+"', '"#123456"', json.dumps(drawn))))


def test_scenarios_side_by_side_have_a_figure(plan: Solution) -> None:
    from circflow.studies.compare import compare

    found = compare(plan.scenario, plan.scenario, labels=["one", "other"])
    drawn = known_figure("figures", found.table, "RUB")
    assert drawn is not None
    first, second = drawn.views[""]["data"]
    assert first["name"] == "one"
    assert first["y"] == pytest.approx(second["y"])
    assert plan.totals["income"] in list(first["y"])


def test_solve_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from circflow.cli import main

    out = tmp_path / "page.html"
    source = str(SCENARIOS / "tutorial.xlsx")
    assert main(["solve", source, "--report", str(out)]) == 0
    assert f"Written: {out}" in capsys.readouterr().out
    text = out.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "no cluster" in text
    assert main(["solve", source, "--report", str(tmp_path / "none" / "page.html")]) == 2
    assert main(["solve", source, "--report", str(out), "--json", str(out)]) == 2
