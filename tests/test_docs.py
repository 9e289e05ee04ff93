"""Commands that the docs show are commands; the Russian pages say what the English ones say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from circflow.cli import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]
REGIONS = ("sverdlovsk", "kuzbass", "almalyk", "akmola")
_FIGURE = re.compile(r"\d+(?:\.\d+)?")


def commands(page: Path) -> Iterator[list[str]]:
    """What stands behind `circflow` on the lines of a page that are a command."""
    for line in page.read_text("utf-8").splitlines():
        head = re.match(r"(?:    )?(?:.*(?:/|&& ))?circflow (?=[a-z-])", line)
        if head and not line.startswith(("|", "`")) and "…" not in line:
            yield shlex.split(line[head.end() :], comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_understood(page: Path) -> None:
    for words in commands(page):
        parsed(cli, [word for word in words if word != "&"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    places = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    near = [place for place in places if ":" not in place]
    assert [place for place in near if not (page.parent / place).exists()] == []


def parsed(command: click.Command, words: list[str]) -> None:
    """Parse the words of a command without running it."""
    context = click.Context(command)
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    if isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        parsed(found, rest)


def figures(text: str, point: str) -> set[str]:
    """The figures of a page, by digits and a decimal point; `point` is its decimal sign."""
    text = re.sub(r"\]\([^)]*\)", "", text)
    groups = "[\u00a0 ]" if point == "," else "[,\u00a0 ]"
    text = re.sub(rf"(?<=\d){groups}(?=\d{{3}}(?!\d))", "", text)
    return set(_FIGURE.findall(re.sub(rf"(?<=\d){re.escape(point)}(?=\d)", ".", text)))


@pytest.mark.parametrize("region", REGIONS)
def test_a_russian_case_has_the_figures_of_the_english_page(region: str) -> None:
    russian = (DOCS / "ru" / f"{region}.md").read_text("utf-8")
    english = (DOCS / "cases" / f"{region}.md").read_text("utf-8")
    assert figures(russian, ",") - figures(english, ".") == set()


def test_results_name_the_same_columns() -> None:
    """Section by section, the Russian explanation of results names what the English one names."""
    english, russian = (named_columns(DOCS / place) for place in ("results.md", "ru/results.md"))
    assert english.keys() == russian.keys()
    for place, names in english.items():
        assert names == russian[place], place


def named_columns(page: Path) -> dict[str, set[str]]:
    """The names in the first cells of the tables below `### name` of a page."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^#+ ", page.read_text("utf-8"), flags=re.M):
        title, _, text = section.partition("\n")
        if re.fullmatch("[a-z_]+", title):
            rows = re.findall(r"^\| (`.*?) \|", text, re.M)
            found[title] = {name for row in rows for name in re.findall("`(.+?)`", row)}
    return found


def test_the_russian_tutorial_shows_what_is_printed() -> None:
    from russian import russian

    page = (DOCS / "ru" / "tutorial.md").read_text("utf-8")
    book = ROOT / "scenarios" / "tutorial.ru.xlsx"
    _, checked = russian("check", book)
    assert f"`scenarios/tutorial.ru.xlsx: {checked.rpartition(': ')[2].strip()}`" in page
    _, printed = russian("solve", book)
    lines = [line.rstrip() for line in printed.splitlines()]
    shown = page.partition("```console\n")[2].partition("\n```")[0].splitlines()
    assert len(shown) > 20 and [line for line in shown if line not in lines] == []
