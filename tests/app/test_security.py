"""Who gets in, and what is refused: what docs/security.md promises."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest
from app_browser import BASE, SHEETS, TOKEN, Browser, write
from starlette.testclient import TestClient

from circflow.app.worker import Worker


@pytest.fixture
def stranger(browser: Browser) -> TestClient:
    """Somebody who has not opened the address that was printed."""
    return TestClient(browser.app, base_url=BASE)


@pytest.mark.parametrize("path", ["/", "/check", "/tables/Markets", "/assets/app.js", "/runs/1"])
def test_nobody_without_the_token(path: str, stranger: TestClient) -> None:
    assert stranger.get(path).status_code == 401
    assert stranger.get(path, params={"token": "another"}).status_code == 401
    stranger.cookies.set("circflow", "another")
    assert stranger.get(path).status_code == 401


def test_a_post_needs_the_cookie_and_not_the_address(stranger: TestClient) -> None:
    answer = stranger.post(f"/undo?token={TOKEN}", headers={"Origin": BASE})
    assert answer.status_code == 401


def test_the_token_becomes_a_cookie_that_other_sites_cannot_use(stranger: TestClient) -> None:
    answer = stranger.get(f"/check?token={TOKEN}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/check"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


@pytest.mark.parametrize("host", ["evil.example:8765", "127.0.0.1:1", "localhost", ""])
def test_a_foreign_host_is_refused(host: str, browser: Browser) -> None:
    assert browser.client.get("/check", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:8765"},
    ],
)
def test_a_cross_site_post_is_refused(headers: dict[str, str], browser: Browser) -> None:
    assert browser.client.post("/undo", headers=headers).status_code == 403
    del browser.client.headers["Origin"]
    assert browser.client.post("/undo").status_code == 403
    answer = browser.client.post("/undo", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_pages_may_run_our_script_only(browser: Browser) -> None:
    page = browser.client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "<script>" not in page.text


def test_a_browser_keeps_our_files_and_no_page(browser: Browser) -> None:
    """A file that has changed has another address."""
    page = browser.client.get("/")
    assert page.headers["cache-control"] == "no-store"
    addresses = re.findall(r'"(/assets/[^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        answer = browser.client.get(address)
        assert "immutable" in answer.headers["cache-control"]
        assert hashlib.sha256(answer.content).hexdigest()[:12] == address.partition("?")[2]


def test_names_are_text(tmp_path: Path, workers: dict[str, Worker]) -> None:
    evil = '"><script>alert(1)</script>'
    sheets = {name: [list(row) for row in rows] for name, rows in SHEETS.items()}
    sheets["Members"][1][0] = sheets["Sites"][1][1] = evil
    sheets["Units"][2][0] = evil
    sheets["Streams"][1][3] = evil
    path = tmp_path / "<img src=x onerror=alert(1)>.xlsx"
    write(path, sheets)
    browser = Browser(tmp_path / "state", path, workers)
    for place in ("check", "tables", "tables/Units", "tables/Members", "network", "plants"):
        page = browser.page(f"/{place}")
        assert "<script>alert" not in page and "<img" not in page
    browser.post("/variants", variant=evil)
    browser.post("/variants", variant=evil, do="add", address=evil, sign="*", value=evil)
    assert "<script>alert" not in browser.page("/what-if")
    number = browser.run("solve", variant=evil)
    assert browser.state.project.run(number).status == "failed"
    assert "<script>alert" not in browser.page(f"/runs/{number}")
    number = browser.run("solve")
    assert "<script>alert" not in browser.page(f"/runs/{number}")
    assert "<script>alert" not in browser.client.get("/members/" + evil).text
    assert browser.client.get("/sites", params={"site": evil}).text.count("<script>alert") == 0


def _zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a workbook",
        b"PK\x03\x04 broken",
        {"xl/workbook.xml": 300_000_000},  # made in the test alone: it takes a second
        {"a": 1},
    ],
    ids=["empty", "text", "broken", "bomb", "zip"],
)
def test_a_hostile_upload_is_refused_and_the_app_goes_on(
    content: bytes | dict[str, int], browser: Browser
) -> None:
    if isinstance(content, dict):
        content = _zipped(**{name: b" " * size for name, size in content.items()})
    before = browser.page("/check")
    files = {"workbook": ("../../evil<b>.xlsx", content)}
    answer = browser.client.post("/load", files=files)
    assert answer.status_code == 400
    assert "<b>" not in answer.text.partition("<main")[2].replace("<b>plan.xlsx</b>", "")
    assert browser.page("/check") == before


def test_no_more_is_taken_than_the_bound(browser: Browser, tmp_path: Path) -> None:
    browser.app.user_middleware[0].kwargs["most"] = 1000
    browser.app.middleware_stack = None
    files = {"workbook": ("large.xlsx", b"x" * 5000)}
    assert browser.client.post("/load", files=files).status_code == 413


@pytest.mark.parametrize(
    "name", ["../project.json", "project.json", "..%2Fproject.json", "limits.json"]
)
def test_files_of_a_run_are_those_that_are_meant(name: str, browser: Browser) -> None:
    browser.page("/check")
    assert browser.client.get(f"/runs/1/files/{name}").status_code == 404


def test_an_upload_cannot_choose_where_it_is_kept(browser: Browser, workbook: Path) -> None:
    files = {"workbook": ("../../../tmp/..", workbook.read_bytes())}
    browser.client.post("/load", files=files)
    assert {p.name for p in browser.workspace.folder.iterdir()} == {
        "plan",
        "state.json",
        "workbook",
    }


def test_going_back_stays_here(browser: Browser) -> None:
    browser.page("/check")
    for place in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = browser.client.post("/undo", data={"back": place}, follow_redirects=False)
        assert answer.headers["location"] == "/tables"


def test_what_is_posted_in_another_shape_is_refused(browser: Browser) -> None:
    assert browser.client.post("/rows", json={"sheet": "Markets", "copy": "2"}).status_code == 404
    assert browser.client.post("/open", json=[1]).status_code == 404
    assert browser.client.post("/slide", data={"values": "{}"}).status_code == 400
    headers = {"Content-Type": "application/json"}
    assert browser.client.post("/cells", content=b"{", headers=headers).status_code == 400
