"""The app in a real browser: a planner's whole way, interruptions, accessibility."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from test_browser import all_are_drawn, heard, shows_the_plan

from circflow.solution.solution import Solution

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
KUZBASS = Path(__file__).parents[2] / "scenarios" / "kuzbass.xlsx"
AXE = next(
    filter(
        Path.exists,
        (
            Path(root) / "axe-core" / "axe.min.js"
            for root in (os.environ.get("AXE_HOME", ""), Path(__file__).parents[2] / "node_modules")
            if root
        ),
    ),
    None,
)
SLOW = 120_000
expect.set_options(timeout=SLOW)


class Server:
    """`circflow app` as a planner starts it."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        self.command = [sys.executable, "-m", "circflow", "app", str(file), "--no-browser"]
        self.command += ["--folder", str(folder)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.home = self.address.partition("/check")[0]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/check\?token=\S+", self.address)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def page(window: Any) -> Iterator[Any]:
    """A page that nobody was let in by; at its end nothing may have gone wrong in it or been asked
    of anybody else."""
    window.set_default_timeout(SLOW)
    window.expected = []
    with heard(window) as (faults, asked):
        yield window
    window.unroute_all()
    window.context.clear_cookies()
    window.set_viewport_size({"width": 1280, "height": 900})
    window.emulate_media(color_scheme="light")
    for other in window.context.pages[1:]:
        other.close()
    outside = [u for u in asked if not u.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert not outside
    assert [f for f in faults if not any(e in f for e in window.expected)] == []


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, plan_file: Path) -> Iterator[Server]:
    """The app over the tiny workbook: to start one takes seconds."""
    server = Server(plan_file, tmp_path_factory.mktemp("small") / "state")
    yield server
    server.kill()


def opened(server: Server, path: str, **sent: Any) -> Server:
    """The app with a workbook sent to it, or one that it had open before, once that is read."""
    with httpx.Client(base_url=server.home, headers={"Origin": server.home}) as client:
        client.get(server.address)
        answer = client.post(path, **sent)
        assert answer.headers["location"] == "/check", answer.text
        client.get("/check")
        client.get("/events/reading")
    return server


def loaded(server: Server, file: Path) -> Server:
    """The app with a workbook to which nothing was done yet."""
    return opened(server, "/load", files={"workbook": file.open("rb")})


@pytest.fixture
def small(started: Server) -> Server:
    """That app, the tiny workbook as it was."""
    return loaded(started, started.file)


def step(page: Any, name: str) -> None:
    page.get_by_role("navigation", name="Steps").get_by_role("link", name=name, exact=True).click()


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def solve(page: Any) -> None:
    step(page, "Solve")
    button(page, "Solve").click()
    expect(page.locator(".about")).to_be_visible()


def leave_undrawn(page: Any) -> None:
    """Framed plans are asked for and come, but empty: to draw one takes two seconds."""

    def emptied(route: Any) -> None:
        route.fulfill(response=route.fetch(), body="<!doctype html>")

    page.route("**/files/page.html", emptied)


def faulty(file: Path) -> tuple[Any, dict[str, Any]]:
    """The Kuzbass workbook with a planted fault (row 2 of Markets) and an infeasibility (row 3).

    Returns the price that was right, and what stood in row 3.
    """
    book = load_workbook(KUZBASS)
    markets = book["Markets"]
    at = {str(c.value): c.column for c in markets[1]}
    right = markets.cell(2, at["price"]).value
    markets.cell(2, at["price"]).value = "6OO"
    kept = {}
    for name, value in (("min_per_year", 9e9), ("max_per_year", 9e10)):
        cell = markets.cell(3, at[name])
        kept[name], cell.value = cell.value, value
    book.save(file)
    return right, kept


def mend(page: Any, column: str, row: int, value: object) -> None:
    """Type a figure into a table; it is checked at once."""
    cell = page.get_by_label(f"{column}, row {row}", exact=True)
    cell.fill("" if value is None else str(value))
    with page.expect_response("**/cells"):
        cell.press("Tab")


@pytest.fixture
def kuzbass(tmp_path: Path) -> Iterator[tuple[Server, Any, dict[str, Any]]]:
    """The app over the faulty Kuzbass workbook, and what is right."""
    right = faulty(tmp_path / "kuzbass.xlsx")
    server = Server(tmp_path / "kuzbass.xlsx", tmp_path / "state")
    yield server, *right
    server.kill()


def test_a_planners_whole_way(
    page: Any,
    kuzbass: tuple[Server, Any, dict[str, Any]],
    shipped: Callable[[str], Solution],
) -> None:
    """From a faulty file to a plan, a what-if and the mended file."""
    server, right, kept = kuzbass
    page.goto(server.address)
    page.get_by_role("link", name=re.compile(r"Markets!\w+2$")).first.click()
    cell = page.get_by_label("price, row 2", exact=True)
    expect(cell).to_have_attribute("aria-invalid", "true")
    mend(page, "price", 2, right)
    expect(cell).not_to_have_attribute("aria-invalid", "true")
    solve(page)
    expect(page.get_by_role("heading", name="No plan")).to_be_visible()
    expect(page.get_by_text("Any one of these changes ends it").first).to_be_visible()
    page.goto(f"{server.home}/tables/Markets")
    for column, value in kept.items():
        mend(page, column, 3, value)
    solve(page)
    expect(page.locator(".about")).to_contain_text("optimal 24,506.4 million")
    framed = page.frame_locator("iframe").locator("html")
    expect(framed.locator("h1")).to_be_visible()
    expect(framed).to_have_attribute("data-ready", "yes")
    framed.evaluate("root => root.querySelectorAll('script').forEach((one) => one.remove())")
    dom = framed.evaluate("root => root.outerHTML")
    all_are_drawn(dom)
    shows_the_plan(dom, shipped("kuzbass"))
    leave_undrawn(page)
    step(page, "What if")
    page.get_by_label("A new list of changes").fill("dear cement")
    button(page, "Add").click()
    page.get_by_label("Cells").fill("Markets.price[material=GGBS]")
    page.get_by_label("by", exact=True).fill("1.1")
    button(page, "Add the change").click()
    expect(button(page, "Compare")).to_be_visible()
    button(page, "Solve").click()
    expect(page.locator(".about")).to_contain_text("optimal")
    expect(page.locator(".about")).to_contain_text("Markets.price[material=GGBS] *1.1")
    step(page, "Check")
    button(page, "Save workbook").click()
    expect(page.get_by_text("unsaved")).to_have_count(0)
    assert load_workbook(server.file, read_only=True)["Markets"]["D2"].value == right


def test_stop_reload_and_two_windows(started: Server, page: Any) -> None:
    """A search is stopped in one window, its page reloaded in the middle and left in another."""
    # Long enough: the sharing of Kuzbass is done within half a minute.
    page.goto(loaded(started, KUZBASS.with_name("sverdlovsk.xlsx")).address)
    step(page, "Cluster")
    button(page, "What the cluster gains").click()
    expect(button(page, "Stop")).to_be_visible()
    page.reload()
    expect(button(page, "Stop")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url.partition("/runs")[0] + "/tables/Units")
    expect(other.get_by_role("heading", level=1, name="Units")).to_be_visible(timeout=SLOW)
    other.goto(page.url)

    def late(route: Any) -> None:
        """Another page comes when the run has ended, which must not call back to its own."""
        button(other, "Stop").click()
        expect(other.get_by_text("stopped").first).to_be_visible(timeout=SLOW)
        expect(button(other, "Go on")).to_be_visible()
        route.continue_()

    page.route("**/studies", late)
    step(page, "Studies")
    expect(page.get_by_role("heading", level=1, name="Studies")).to_be_visible()


def test_killed_and_started_again(started: Server, page: Any) -> None:
    page.goto(opened(started, "/open", data={"name": "plan"}).address)
    page.goto(started.home + "/tables/Markets")
    cell = page.get_by_label("price, row 2", exact=True)
    cell.fill("2000000")
    cell.press("Tab")
    expect(page.locator("#live")).to_contain_text("0 errors")
    leave_undrawn(page)
    solve(page)
    expect(page.locator(".about")).to_contain_text("optimal 119.5")
    started.kill()
    started.start()
    page.goto(started.address)
    expect(page.get_by_text("1 unsaved change")).to_be_visible()
    with page.expect_response("**/files/page.html") as framed:
        step(page, "Plan")
    assert framed.value.ok
    expect(page.locator(".about")).to_contain_text("optimal 119.5")


def test_a_click_in_the_framed_plan_opens_what_it_is_made_of(small: Server, page: Any) -> None:
    """A limit its cell, a band and a bar of the diagram their flows."""
    page.goto(small.address)
    solve(page)
    plan, frame = page.url, page.frame_locator("iframe.whole")

    def ready() -> None:
        frame.locator("html[data-ready=yes]").wait_for(state="attached")

    def press(mark: Any) -> None:
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        frame.locator(".hoverlayer .hovertext").first.wait_for()
        page.mouse.down()
        page.mouse.up()

    ready()
    binds = frame.locator("table", has_text="What binds most").locator("button.door")
    binds.first.click()
    page.wait_for_url(re.compile(r"/tables/Markets\?row=2&column=max_per_year#r2$"))
    page.goto(plan)
    ready()
    press(frame.locator(".sankey-link").first)
    page.wait_for_url(re.compile(r"/flows\?"))
    expect(page.get_by_role("heading", name="Arises, per year")).to_be_visible()
    page.goto(plan)
    ready()
    press(frame.locator(".sankey-node .node-rect").nth(1))
    page.wait_for_url(re.compile(r"/flows\?"))


def test_a_paste_of_300_rows(small: Server, page: Any) -> None:
    page.goto(small.address.replace("/check", "/tables/Streams"))
    page.expected.append("401")
    page.goto(small.address)
    page.goto(small.home + "/tables/Streams")
    text = "\n".join(f"Mine\tslag\t{n}" for n in range(1, 301))
    page.get_by_label("site, row 3", exact=True).evaluate(
        """(input, text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const given = { clipboardData: data, bubbles: true, cancelable: true };
          input.dispatchEvent(new ClipboardEvent("paste", given));
        }""",
        text,
    )
    last = page.get_by_label("amount_per_year, row 201")
    expect(last).to_have_value("199", timeout=SLOW)  # once it is kept
    page.get_by_role("navigation", name="Rows").get_by_role("link", name="202–302").click()
    expect(page.get_by_label("amount_per_year, row 302")).to_have_value("300", timeout=SLOW)


def test_drop_new_and_example(small: Server, page: Any) -> None:
    page.goto(small.address)
    step(page, "Workbook")
    expect(page.get_by_label("Example", exact=True)).to_be_visible()
    button(page, "New").click()
    expect(page.get_by_role("heading", level=1, name="Check")).to_be_visible(timeout=SLOW)
    step(page, "Workbook")
    page.get_by_label("Workbook", exact=True).set_input_files(small.file)
    button(page, "Load").click()
    expect(page.get_by_text("No problems")).to_be_visible(timeout=SLOW)


PLACES = (
    "/", "/check", "/tables", "/tables/Markets", "/network", "/solve", "/plan", "/what-if",
    "/plants", "/cluster", "/studies", "/take-away", "/members/Miner", "/sites/Mine",
)  # fmt: skip


def test_nothing_stands_in_anybodys_way(small: Server, page: Any) -> None:
    if AXE is None:
        pytest.skip("no axe-core: npm install axe-core, or name its folder in AXE_HOME")
    page.goto(small.address)
    home = small.home
    solve(page)
    step(page, "Cluster")
    button(page, "What the cluster gains").click()
    expect(page.get_by_text("Would a group leave?")).to_be_visible(timeout=SLOW)
    script = AXE.read_text(encoding="utf-8")
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for place in PLACES:
            page.goto(home + place)
            page.evaluate(script)
            options = "{iframes: false, resultTypes: ['violations']}"
            wrong = page.evaluate(f"axe.run(document, {options}).then(r => r.violations)")
            if wrong:
                told = [(w["id"], [n["html"][:200] for n in w["nodes"][:3]]) for w in wrong]
                found[f"{place} {scheme}"] = told
    assert not found


def test_narrow_and_enlarged(small: Server, page: Any) -> None:
    """At 320 pixels (1280 at 400 %) no page scrolls sideways; tables do, in their own frames."""
    page.goto(small.address)
    page.set_viewport_size({"width": 320, "height": 700})
    home = small.home
    for place in PLACES[:6] + PLACES[7:12]:
        page.goto(home + place)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, place
