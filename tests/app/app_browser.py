"""An app over a tiny scenario, asked as a browser would ask it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import httpx
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from starlette.testclient import TestClient

from circflow.app.project import Workspace
from circflow.app.server import make_app
from circflow.app.worker import Worker

TOKEN = "a-token-for-tests"
PORT = 8765
BASE = f"http://127.0.0.1:{PORT}"


class Browser:
    """A client that is let in, with the state of the app beside it."""

    def __init__(
        self, folder: Path, file: Path | None = None, workers: Mapping[str, Worker] | None = None
    ) -> None:
        """`workers`: processes that are there already, by their places in the state."""
        self.workspace = Workspace(folder)
        if file is not None:
            self.workspace.load(file.name, file, str(file))
        self.app = make_app(self.workspace, TOKEN, PORT)
        self.state = self.app.state.app
        self.own = workers is None
        for name, worker in (workers or {}).items():
            setattr(self.state, name, worker)
        self.client = TestClient(self.app, base_url=BASE)
        self.client.headers["Origin"] = BASE
        assert self.client.get(f"/?token={TOKEN}").status_code == 200

    def close(self) -> None:
        if self.own:
            self.state.close()

    def page(self, path: str) -> str:
        """A page, once the workbook is read."""
        answer = self.client.get(path)
        if "/events/reading" in answer.text:
            self.client.get("/events/reading")
            answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        assert "/events/reading" not in answer.text
        return answer.text

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.client.post(path, data=form)

    def cells(self, *cells: tuple[str, int, str, str]) -> Any:
        names = ("sheet", "row", "column", "value")
        content = {"cells": [dict(zip(names, c, strict=True)) for c in cells]}
        answer = self.client.post("/cells", json=content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self, kind: str, **form: str) -> int:
        """Begin a run and wait for its end."""
        return self.ended(self.post("/run", kind=kind, **form))

    def ended(self, answer: httpx.Response) -> int:
        """The run whose page is the answer, once it has ended."""
        number = int(str(answer.url).rpartition("/")[2])
        if (job := self.state.jobs.get(number)) is not None:
            wait([job.future], timeout=60)
        for _ in range(1000):  # its end is noted a moment later
            if self.state.project.run(number).status != "running":
                return number
            time.sleep(0.005)
        raise AssertionError("the run never ended")


SHEETS: dict[str, list[list[Any]]] = {
    "Scenario": [["key", "value"], ["name", "Two towns"], ["discount_rate", 0]],
    "Periods": [["period", "years"], ["2026", 1]],
    "Members": [["member"], ["Miner"], ["Miller"]],
    "Sites": [
        ["site", "member", "latitude", "longitude"],
        ["Mine", "Miner", 54.0, 86.0],
        ["Mill", "Miller", 54.1, 86.2],
        ["City", None, 54.3, 86.4],
    ],
    "Materials": [
        ["material", "unit", "category"],
        ["slag", "t", "waste"],
        ["cement", "t", "product"],
    ],
    "Modes": [["mode", "cost_per_unit_km"], ["road", 1]],
    "Streams": [["site", "material", "amount_per_year", "note"], ["Mine", "slag", 100, "as told"]],
    "Recipes": [
        ["technology", "recipe", "role", "material", "amount"],
        ["milling", "main", "input", "slag", 1],
        ["milling", "main", "output", "cement", 1],
    ],
    "Units": [
        ["unit", "site", "technology", "capacity_per_year", "status", "capex_million"],
        ["Old mill", "Mill", "milling", 30, "existing", None],
        ["New mill", "Mill", "milling", 100, "candidate", 1],
    ],
    "Links": [
        ["from", "to", "mode", "distance_km"],
        ["Mine", "Mill", "road", 10],
        ["Mill", "City", "road", 20],
    ],
    "Markets": [["site", "material", "price", "max_per_year"], ["City", "cement", 1_000_000, 60]],
    "Disposal": [["site", "material", "fee"], ["Mine", "slag", 10_000]],
    "Ranges": [
        ["parameter", "change", "low", "high", "distribution"],
        ["Markets.price[material=cement]", "factor", 0.5, 1.5, "uniform"],
    ],
}
"""60 of 100 t of slag become cement at 1 million each: 60 sold − 40 t dumped at 0.01 − haulage of
60 t · 30 km · 1 − the first of 20 years of the new mill's 1 million = 59.5482 million."""
BEST = 60.0 - 0.4 - 0.0018 - 1.0 / 20


def write(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    """A workbook as a planner would have it: a format, a note, a formula, a sheet of their own."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book["Markets"]["C2"].number_format = "#,##0.00"
    book["Markets"]["C2"].fill = PatternFill("solid", fgColor="FFFF00")
    book["Streams"]["C2"].comment = Comment("measured in May", "planner")
    own = book.create_sheet("_mine")
    own["A1"], own["A2"] = 2, "=A1*3"
    book.save(path)
