"""circflow library, as its users meet it; its page in the docs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from circflow.cli import main
from circflow.data.files.books import write_book
from circflow.data.table import Book
from circflow.library import read_library
from circflow.library.docs import library_reference
from circflow.library.write import write_library

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


@pytest.fixture
def own(tmp_path: Path, make_library: Callable[..., Book]) -> str:
    write_book(make_library(), tmp_path / "own")
    return str(tmp_path / "own")


def test_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library"]) == 0
    lines = capsys.readouterr().out.splitlines()
    count = len(read_library().technologies)
    assert len(lines) == count + 1
    assert lines[-1] == f"{count} of {count} technologies"


def test_words_are_searched_for(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "щебень", "--library", own]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "crushing [ferrous metallurgy, sourced]: slag → stone",
        "1 of 2 technologies",
    ]


def test_shows_all_of_one(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "show", "Slag", "crushing", "--library", own]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "crushing: crushing",
        "  Дробление шлака",
        "  also: slag crushing, steel slag plant",
        "  sector: ferrous metallurgy",
        "  size: 100-400 a year",
        "  capex: 10-20 million EUR of 2020, ±40%",
        "  fixed cost: 0.3 million a year",
        "  jobs: 0",
        "  life: 20 years, 2 to build, 90% available",
        "  readiness: 9 of 9; figures: sourced",
        "  recipe main, 2 EUR of 2020 per unit of activity",
        "    takes 1 t slag or 2 t dross",
        "    takes 0.01 MWh power",
        "    makes 0.9 t stone",
        "    loses 0.1 t dust",
        "    balance: 1 t in, 1 t out",
        "  source A: a book",
        "  source B: a page",
    ]


def test_as_json(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "show", "burning", "--library", own, "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["capex_max_million"] == 20
    assert [row["material"] for row in told["recipes"]] == ["slag", "blocks"]
    assert told["emission_factors"][0]["factor"] == 0.4
    assert main(["library", "search", "slag", "--library", own, "--json", "-"]) == 0
    assert [row["outputs"] for row in json.loads(capsys.readouterr().out)] == [
        ["stone"],
        ["blocks"],
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "burnin"], "did you mean 'burning'?"),
        (["show", "xyzzy"], "search: circflow library xyzzy"),
        (["search", "--sector", "mine"], "there is no sector 'mine': one of mining,"),
    ],
)
def test_what_is_not_there(
    own: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["library", *words, "--library", own]) == 2
    assert told in capsys.readouterr().err


def test_checks_and_writes(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "check", own]) == 0
    assert main(["library", "write", str(tmp_path / "a.xlsx"), "--library", own]) == 0
    assert main(["library", "check", str(tmp_path / "a.xlsx")]) == 0
    (tmp_path / "own" / "Sources.csv").write_text("id\nB\n", encoding="utf-8")
    assert main(["library", "check", own]) == 2
    assert "there is no source 'A'" in capsys.readouterr().out
    assert main(["library", "--help"]) == 0


def test_its_own_workbook_is_whole(tmp_path: Path) -> None:
    library = read_library()
    write_library(library, tmp_path / "all.xlsx")
    again = read_library(tmp_path / "all.xlsx")
    assert again.warnings == ()
    assert again.recipes.equals(library.recipes)


def test_the_page_is_current() -> None:
    told = "run: python -m circflow.library.docs > docs/library.md"
    assert PAGE.read_text(encoding="utf-8") == library_reference(read_library()), told
