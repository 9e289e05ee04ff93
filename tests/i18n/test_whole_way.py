"""A whole way in Russian: no English word but names, units, formulas and file endings.

Template, fill, a faulty check, mend, solve, results workbook, page, every study and its files, an
infeasible scenario explained, the help of every command. Each text is scanned for Latin words
against the short list of `russian`; what a place may say besides stands at that place.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click
import openpyxl
import pytest
from russian import english, fill, page_text, russian, workbook_text

from circflow.cli import cli, main
from circflow.commands.common import Progress
from circflow.i18n import language, languages, say
from circflow.report.sheets import clean

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial.ru.xlsx"
COMMANDS = ("check", "solve")
"""Commands that the read-me of a template tells to type."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Russian template, and a region filled in."""
    home = tmp_path_factory.mktemp("russian")
    assert russian("template", home / "template.xlsx")[0] == 0
    shutil.copy(home / "template.xlsx", home / "заречье.xlsx")
    fill(home / "заречье.xlsx")
    shutil.copy(TUTORIAL, home / "учебный.xlsx")
    return home


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on is told however fast it goes, and is scanned too."""
    monkeypatch.setattr(Progress, "__call__", lambda _, text: click.echo(say(text), err=True))


def changed(home: Path, name: str, cells: dict[str, dict[str, object]]) -> Path:
    """The region with other values in cells, by sheet and place."""
    workbook = openpyxl.load_workbook(home / "заречье.xlsx")
    for sheet, values in cells.items():
        for place, value in values.items():
            workbook[sheet][place].value = value
    workbook.save(home / name)
    return home / name


def test_template_is_russian(home: Path) -> None:
    text = workbook_text(home / "template.xlsx")
    # words that are read too, the default currency and what rates look like
    also = ("yes", "no", "true", "false", "RUB", "USD", "EUR")
    assert english(text, *also, *COMMANDS) == {}


def test_faulty_check_is_russian(home: Path) -> None:
    faulty = changed(
        home,
        "faulty.xlsx",
        {
            "Сценарий": {"A3": "ставка дисконта"},
            "Образование": {"D2": "сто тысяч"},
            "Установки": {"I3": "кандидатт", "K2": "много"},
            "Рынки": {"B2": "щебнь"},
            "Закупки": {"D1": "цны"},
            "Отвалы и склады": {"C2": -5},
            "Диапазоны": {"A2": "Рынки.ценa[материал=кирпич]"},  # a Latin letter
            "Исследования": {"B2": "Рынок.цена[материал=кирпич]"},
        },
    )
    told = home / "faulty.json"
    code, said = russian("check", faulty, "--annotate", home / "marked.xlsx", "--json", told)
    assert code == 2 and "10 ошибок" in said
    for near in ("кандидат", "щебень", "ставка дисконтирования", "Рынки.цена[материал=кирпич]"):
        assert f"возможно, «{near}»?" in said
    assert english(said.replace("«ценa»", "")) == {}
    also = ("readme", "problems", "yes", "no", "true", "false", "RUB", "USD", "EUR", *COMMANDS)
    assert english(workbook_text(home / "marked.xlsx"), *also) == {}
    problems = json.loads(told.read_text(encoding="utf-8"))["problems"]
    assert {p["sheet"] for p in problems} >= {"Scenario", "Streams"}  # keys and sheets English
    texts = "\n".join(f"{p['message']}; {p['expected']}; {p['suggestion']}" for p in problems)
    assert english(texts.replace("«ценa»", "")) == {}


def test_balances_are_russian(home: Path) -> None:
    code, said = russian("check", home / "заречье.xlsx", "--balances")
    assert code == 0 and english(said) == {}


@pytest.fixture(scope="module")
def results(home: Path) -> Path:
    """The results workbook of the region, a page beside it."""
    files = ("-o", home / "results.xlsx", "--report", home / "results.html")
    code, said = russian("solve", home / "заречье.xlsx", *files)
    assert code == 0 and english(said) == {}
    return home / "results.xlsx"


def test_plan_is_russian(results: Path) -> None:
    assert english(workbook_text(results), "RUB", "USD") == {}  # the cells as typed
    assert english(page_text(results.with_suffix(".html")), "RUB", "USD") == {}


def test_infeasible_is_explained_in_russian(home: Path) -> None:
    tight = changed(
        home,
        "tight.xlsx",
        {
            "Размещение": {"E2": 1000, "E3": 1000},
            "Нормативы выбросов": {"E2": 100, "G2": None},
        },
    )
    code, said = russian("explain", tight)
    assert code == 0 and english(said) == {}
    assert "CO2, кластер" in said and "в периоде 20" in said
    assert "единиц работы/год" in said and "т/год" in said
    # of the conflicts one is left, the mill's
    more = (
        "Нормативы выбросов.норматив в год=20000",
        "Размещение.приём в год[площадка=Рудник]=95000",
    )
    code, said = russian("solve", tight, *(word for one in more for word in ("--set", one)))
    assert code == 3 and english(said) == {}
    assert "плана нет" in said and "Дробилка: мощность" in said


STUDIES: dict[str, tuple[str, ...]] = {
    "sweep": ("--study", "цена кирпича"),
    "sample": ("--sample", "3"),
    "tornado": (),
    "ranges": (),
    "breakpoints": ("Рынки.цена[материал=кирпич]*=0,3:1",),
    "alternatives": ("--count", "2"),
    "pareto": ("--trade", "value", "emission:CO2", "--points", "3"),
    "evaluate": ("--samples", "2"),
    "firm": ("--samples", "6"),
    "suggest": ("--top", "2"),
    "share": (),
    "forms": (),
    "compare": ("учебный.xlsx",),
    "indicators": (),
    "finance": (),
    "futures": (),
}


SAME = ("futures", "forms", "finance", "pareto")
"""Studies whose data are compared with those of a run in English."""


@pytest.mark.parametrize("study", STUDIES)
def test_study_is_russian_and_its_data_are_english(study: str, home: Path) -> None:
    book, page, data = (home / f"{study}.{ending}" for ending in ("xlsx", "html", "json"))
    line = ["sweep" if study == "sample" else study, str(home / "заречье.xlsx")]
    line += [str(home / text) if text.endswith(".xlsx") else text for text in STUDIES[study]]
    outputs = (book, page, data) if study in SAME else (book, page)
    code, said = russian(*line, *(text for out in outputs for text in ("-o", str(out))))
    assert code == 0, said
    assert english(said) == {}
    assert english(workbook_text(book)) == {}
    assert english(page_text(page)) == {}
    if study in SAME:
        twin = home / f"{study}.en.json"
        assert main(["--lang", "en", *line, "-o", str(twin)]) == 0
        assert json.loads(data.read_text("utf-8")) == json.loads(twin.read_text("utf-8"))


USAGE = ("solve", "solve x --set", "solve --gap x y", "solvee", "solve --sett x", "solve a b")


@pytest.mark.parametrize("line", USAGE)
def test_usage_is_told_in_russian(line: str) -> None:
    code, said = russian(*line.split())
    assert code == 2 and english(said, "sett", "solvee", "solve", "help") == {}
    assert said.startswith("ошибка: ") and "'" not in said


def test_library_is_russian() -> None:
    # a process and a fuel go by their Latin letters, a cake by its metals
    names = ("SX", "EW", "RDF", "Fe", "Ni")
    for words in ((), ("красный", "шлам"), ("search", "--sector", "чёрная металлургия")):
        code, said = russian("library", *words)
        assert code == 0 and english(said, *names) == {}
    code, said = russian("library", "show", "Помол гранулированного доменного шлака")
    lines = [line for line in said.splitlines() if not line.startswith("  источник")]
    assert code == 0 and english("\n".join(lines)) == {}  # sources are citations


HELP = {
    *("en", "ru", "UTF", "CIRCFLOW", "LANG", "HiGHS", "Pyomo", "Dask", "USD"),
    *("glpk", "cbc", "scip", "gurobi", "highs", "simplex", "ipx", "hipo", "pip", "install"),
    *("lhs", "sobol", "random", "tcp", "host", "flows", "prices"),
    *("units", "members", "links", "markets", "modes"),
    *("value", "synergy", "jobs", "emission", "disposed", "red", "mud"),
}
"""Programs, what is typed behind an option, names of tables, an example of an English search."""


@pytest.mark.parametrize("command", ("", *cli.commands, "library show", "library search"))
def test_help_is_russian(command: str) -> None:
    code, said = russian(*command.split(), "--help")
    typed = (*cli.commands, "search", "show", "write")
    endings = ("xlsx", "csv", "json", "html", "png", "svg", "parquet", "sqlite", "db", "jsonl")
    assert code == 0 and english(said, *HELP, *typed, *endings) == {}


def test_names_of_our_own_are_read_in_russian(home: Path) -> None:
    """The mode of a scenario without Modes, and the recipe of a blank cell."""
    import circflow as cf

    workbook = openpyxl.load_workbook(home / "заречье.xlsx")
    workbook["Виды транспорта"].delete_rows(2, 9)
    workbook["Маршруты"]["D2"].value = "автотранспорт"
    workbook["Удельные выбросы"]["B2"].value = "дробление/основная"
    for row in (2, 3, 4):
        workbook["Рецептуры"].cell(row, 2).value = "Основная".lower()
    workbook.save(home / "defaults.xlsx")
    scenario = cf.read(home / "defaults.xlsx")
    assert list(scenario.frame("Links")["mode"]) == ["road"]
    assert set(scenario.frame("Recipes")["recipe"]) == {"main"}
    assert scenario.frame("EmissionFactors")["key"].iloc[0] == "дробление/main"
    results = home / "defaults.results.xlsx"
    code, said = russian("solve", home / "defaults.xlsx", "-o", results)
    assert code == 0 and english(said) == {}
    assert english(workbook_text(results), "RUB", "USD") == {}


def test_yo_may_be_typed_as_ye(home: Path) -> None:
    import circflow as cf

    workbook = openpyxl.load_workbook(home / "заречье.xlsx")
    workbook["Налоги"]["B4"].value = "размещенное"  # as it was once written
    workbook["Материалы"]["D6"].value = "сырье"
    workbook["Сценарий"]["A6"].value = "учет капвложений"
    workbook["Сценарий"]["B6"].value = "единовременно"
    workbook.save(home / "ye.xlsx")
    scenario = cf.read(home / "ye.xlsx")
    assert scenario.frame("Taxes")["base"].iloc[2] == "disposed"
    assert scenario.frame("Materials")["category"].iloc[4] == "input"
    assert scenario.settings.capital_charge == "upfront"


def test_links_of_the_results_workbook_lead_to_its_sheets(results: Path) -> None:
    book = openpyxl.load_workbook(results)
    names = book.sheetnames
    assert len({name.lower() for name in names}) == len(names)
    assert not [n for n in names if len(n) > 31 or re.search(r"[\[\]:*?/\\]", n) or clean(n) != n]
    links = [cell.hyperlink for row in book[names[0]] for cell in row if cell.hyperlink]
    assert len(links) > 30
    assert {str(link.location).rpartition("!")[0].strip("'") for link in links} <= set(names)


def test_sheets_of_the_results_workbook_differ_in_every_language() -> None:
    from circflow.report.workbook import SHEETS

    for name in languages():
        with language(name):
            assert len({say(sheet) for sheet in SHEETS}) == len(SHEETS)
