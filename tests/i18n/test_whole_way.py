"""A whole way in Russian: no English word but names, units, formulas and file endings."""

from __future__ import annotations

import html
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from circflow.cli import main
from circflow.i18n import language
from circflow.report.sheets import clean

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial.ru.xlsx"
ALLOWED = {
    *("CO", "MWh", "GJ", "NPV", "IRR", "CSV", "P", "circflow", "Natural", "Earth"),
    *("tutorial", "main", "joining"),
}
"""Formulas, units of the workbook, the map's source, files and names of tables in them."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `solve` wrote of the Russian tutorial."""
    home = tmp_path_factory.mktemp("russian")
    files = ["-o", str(home / "results.xlsx"), "--report", str(home / "page.html")]
    assert main(["--lang", "ru", "solve", str(TUTORIAL), *files]) == 0
    return home


def english(text: str) -> set[str]:
    """The Latin words of a text that are not on the short list."""
    text = text.replace("валюта · RUB", " ")  # the cell as it stands
    text = re.sub(r"[\w./\\-]*\.(?:xlsx|html|json|csv|zip|md)\b|--?[a-z][a-z-]*", " ", text)
    return set(re.findall(r"[A-Za-z]{2,}", text)) - ALLOWED


def page_text(page: Path) -> str:
    """What a person reads of a page: its elements, and the labels that plotly draws."""
    whole = page.read_text(encoding="utf-8")
    drawn = re.findall(r'"(?:text|label|name|customdata)":("[^"]*"|\[[^\]]*\])', whole)
    shown = re.sub(r"<(script|style).*?</\1>", " ", whole, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|alt)="([^"]*)"', shown)
    body = re.sub(r"<[^>]+>", "\n", shown)
    plain = re.sub(r"\\u003c.*?\\u003e", " ", "\n".join(drawn))
    return html.unescape("\n".join([body, *labels, plain]))


def workbook_text(path: Path) -> str:
    """The strings of a workbook: cells, names of sheets, titles of charts, footers."""
    parts = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.search(r"sharedStrings|worksheets/sheet|charts/chart|workbook\.xml$", name):
                text = archive.read(name).decode()
                parts += re.findall(r"<(?:t|a:t)(?: [^>]*)?>([^<]*)<", text)
                parts += re.findall(r'<sheet name="([^"]*)"', text)
    return html.unescape("\n".join(parts))


def test_page_of_a_plan_is_russian(made: Path) -> None:
    assert english(page_text(made / "page.html")) == set()


def test_results_workbook_is_russian(made: Path) -> None:
    assert english(workbook_text(made / "results.xlsx")) == set()


def test_links_of_the_results_workbook_lead_to_its_sheets(made: Path) -> None:
    book = openpyxl.load_workbook(made / "results.xlsx")
    names = book.sheetnames
    assert len({name.lower() for name in names}) == len(names)
    assert not [n for n in names if len(n) > 31 or re.search(r"[\[\]:*?/\\]", n) or clean(n) != n]
    links = [cell.hyperlink for row in book[names[0]] for cell in row if cell.hyperlink]
    assert len(links) > 30
    assert {str(link.location).rpartition("!")[0].strip("'") for link in links} <= set(names)


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("solve",),
        ("explain",),
        ("ranges",),
        ("alternatives",),
        ("indicators",),
        ("evaluate",),
        ("share",),
        ("sweep", "--vary", "Рынки.цена*=0.9:1.1:2"),
    ],
    ids=lambda command: command[0],
)
def test_console_is_russian(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--lang", "ru", command[0], str(TUTORIAL), *command[1:]]) == 0
    told = capsys.readouterr()
    assert english(told.out + told.err) == set()


def test_sheets_of_the_results_workbook_differ_in_every_language() -> None:
    from circflow.i18n import languages, say
    from circflow.report.workbook import SHEETS

    for name in languages():
        with language(name):
            assert len({say(sheet) for sheet, _, _ in SHEETS}) == len(SHEETS)
