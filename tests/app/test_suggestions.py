"""Suggestions in the app: found, added by one button, and worth what was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from app_browser import SHEETS, Browser, write

import circflow as cf
from circflow.app.worker import Worker

SLAG = {
    **SHEETS,
    "Scenario": [["key", "value"], ["name", "Two towns"], ["rates", "USD=100"]],
    "Periods": [["period", "years"], ["2026", 10]],
    "Materials": [
        ["material", "unit", "category"],
        ["granulated slag", "t", "waste"],
        ["ground slag", "t", "product"],
    ],
    "Streams": [["site", "material", "amount_per_year"], ["Mine", "granulated slag", 300_000]],
    "Recipes": [["technology", "recipe", "role", "material", "amount"]],
    "Units": [["unit", "site", "technology", "capacity_per_year", "status", "capex_million"]],
    "Markets": [["site", "material", "price", "max_per_year"], ["City", "ground slag", 6000, 1e6]],
    "Disposal": [["site", "material", "fee"], ["Mine", "granulated slag", 100]],
    "Ranges": [["parameter", "change", "low", "high", "distribution"]],
}


def test_one_button_each(tmp_path: Path, workers: dict[str, Worker]) -> None:
    path = tmp_path / "plan.xlsx"
    write(path, SLAG)
    browser = Browser(tmp_path / "state", path, workers)
    assert "Look for suggestions" in browser.page("/suggestions")
    run = browser.run("suggest")
    home = browser.state.project.run_folder(run)
    found = json.loads((home / "suggestions.json").read_text(encoding="utf-8"))
    first = found["suggestions"][0]
    unit = first["unit"]
    assert first["pays"] and first["technology"] == "slag grinding"
    assert "<h2>The answer</h2>" in (home / "page.html").read_text(encoding="utf-8")
    page = browser.page("/suggestions")
    assert f'aria-label="Add to the workbook: {unit}"' in page
    browser.post("/suggestions/add", run=str(run), unit=unit)
    assert not [p for p in browser.state.problems() if p.severity == "error"]
    page = browser.page("/suggestions")
    assert page.count("It stands in the workbook as a candidate.") == 1
    assert browser.post("/suggestions/add", run=str(run), unit=unit).status_code == 409
    assert browser.post("/suggestions/add", run=str(run), unit="nothing").status_code == 404
    added = tmp_path / "added.xlsx"
    added.write_bytes(browser.client.get("/take-away/workbook").content)
    workbook = cf.read(added)
    verdict = cf.evaluate(workbook, [unit], together=False, risks=False, break_evens=False)
    assert verdict.table["value_million"].iloc[0] == pytest.approx(first["value"], rel=1e-6)
    browser.post("/undo", do="undo", back="/suggestions")
    assert "It stands in the workbook" not in browser.page("/suggestions")
