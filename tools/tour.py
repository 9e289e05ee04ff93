"""The pictures of docs/app.md, taken of the app itself in a browser.

    python tools/tour.py [FILE]

Needs the extra `test` and Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images" / "app"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"]
WAIT = 60_000


def step(page: Any, name: str) -> None:
    """Go to a step of the work."""
    page.get_by_role("navigation", name="Steps").get_by_role("link", name=name, exact=True).click()


def press(page: Any, name: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=True).first.click()


def shot(page: Any, name: str) -> None:
    """Take a picture."""
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"{name}.jpg", type="jpeg", quality=60)


def tour(page: Any, address: str) -> None:
    """The whole way, with a picture at each stop."""
    home = address.partition("/check")[0]
    page.goto(address)
    page.get_by_role("button", name="Save workbook").wait_for()
    step(page, "Workbook")
    shot(page, "workbook")
    page.goto(f"{home}/tables/Markets")
    cell = page.get_by_label("price, row 2", exact=True)
    before = cell.input_value()
    cell.fill("6OO")
    cell.press("Tab")
    page.get_by_text("1 errors").wait_for(state="attached")
    step(page, "Check")
    shot(page, "check")
    page.goto(f"{home}/tables/Markets")
    shot(page, "table")
    cell = page.get_by_label("price, row 2", exact=True)
    cell.fill(before)
    cell.press("Tab")
    page.get_by_text("0 errors").wait_for(state="attached")
    page.goto(f"{home}/network")
    shot(page, "network")
    step(page, "Solve")
    press(page, "Solve")
    shot(page, "solving")
    page.locator("iframe").wait_for()
    shot(page, "plan")
    step(page, "What if")
    press(page, "Show the sliders")
    page.locator("input[type=range]").first.wait_for()
    page.locator("input[type=range]").first.fill("0.8")
    page.locator("[data-sliders]").scroll_into_view_if_needed()
    shot(page, "what-if")
    step(page, "New plants")
    page.get_by_label("without pairs and risks").check()
    press(page, "Evaluate")
    page.locator("article").first.wait_for()
    shot(page, "plants")
    step(page, "Cluster")
    press(page, "What the cluster gains")
    page.get_by_text("Would a group leave?").first.wait_for()
    shot(page, "cluster")
    page.get_by_role("region", name="Shares of the gain").get_by_role("link").first.click()
    page.get_by_role("heading", name="What I give").wait_for()
    shot(page, "member")


def main() -> None:
    """Take every picture anew."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "scenarios" / "tutorial.xlsx")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as tool:
        file = Path(scratch) / Path(chosen).name
        shutil.copy(chosen, file)
        command = [sys.executable, "-m", "circflow", "app", str(file), "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1120, "height": 700})
            page.set_default_timeout(WAIT)
            tour(page, server.stdout.readline().strip())
        finally:
            browser.close()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
