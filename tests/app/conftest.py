"""An app over a tiny workbook."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_browser import SHEETS, Browser, write

from circflow.app.worker import Worker


@pytest.fixture(scope="session")
def workers() -> Iterator[dict[str, Worker]]:
    """Processes that all tests use: to start one takes a second."""
    made = {name: Worker(name) for name in ("desk", "bench", "slides")}
    yield made
    for worker in made.values():
        worker.close()


@pytest.fixture(scope="session")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario of three places as a workbook; to be copied."""
    path = tmp_path_factory.mktemp("written") / "plan.xlsx"
    write(path, SHEETS)
    return path


@pytest.fixture
def workbook(tmp_path: Path, plan_file: Path) -> Path:
    """That scenario as the planner's own file."""
    path = tmp_path / "own" / "plan.xlsx"
    path.parent.mkdir()
    return Path(shutil.copy(plan_file, path))


@pytest.fixture
def browser(workbook: Path, tmp_path: Path, workers: dict[str, Worker]) -> Browser:
    """The app with that file open."""
    return Browser(tmp_path / "state", workbook, workers)


@pytest.fixture(scope="session")
def solved_folder(
    plan_file: Path, workers: dict[str, Worker], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the app keeps of that scenario and its plan, the first run; to be copied."""
    browser = Browser(tmp_path_factory.mktemp("solved") / "state", plan_file, workers)
    assert browser.run("solve") == 1
    return browser.workspace.folder


@pytest.fixture
def solved(solved_folder: Path, tmp_path: Path, workers: dict[str, Worker]) -> Browser:
    """The app with that plan."""
    return Browser(shutil.copytree(solved_folder, tmp_path / "state"), None, workers)
