"""A region typed in Russian, and what a person reads of files and of the console."""

from __future__ import annotations

import contextlib
import html
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import openpyxl

from circflow.cli import main

SHORT_LIST = {
    *("CO", "SO", "CaO", "GJ", "MWh", "NPV", "IRR"),  # formulas, units, terms of finance
    *("RP", "WS", "EV", "EEV", "EVPI", "VSS", "CVaR"),  # as the literature writes them
    *("circflow", "Excel", "CSV", "JSON", "SQLite", "Natural", "Earth"),  # names
}
"""Latin words that may stand anywhere, each a name, a unit or a formula. One letter is no word."""

Rows = list[tuple[object, ...]]
REGION: Mapping[str, tuple[tuple[str, ...], Rows]] = {
    "Сценарий": (
        ("параметр", "значение"),
        [
            ("название", "Заречье"),
            ("ставка дисконтирования", "0,1"),
            ("трансакционные издержки внутри", 10),
            ("курсы валют", "USD 2023 = 95"),
        ],
    ),
    "Периоды": (("период", "длительность лет"), [("2026", 2), ("2028", 5)]),
    "Участники": (("участник", "отрасль"), [("Горняк", "добыча"), ("Сталь", "металлургия")]),
    "Площадки": (
        ("площадка", "участник", "регион", "широта", "долгота"),
        [
            ("Рудник", "Горняк", "Заречный", "57,0", "60,0"),
            ("Завод", "Сталь", "Заречный", "57,1", "60,2"),
            ("Город", None, "Заречный", "57,3", "60,4"),
        ],
    ),
    "Материалы": (
        ("материал", "единица измерения", "категория", "стадия", "класс опасности"),
        [
            ("шлак", "т", "отходы", "металлургия", 4),
            ("порода", "т", "отходы", "добыча", 5),
            ("щебень", "т", "продукция", None, None),
            ("кирпич", "т", "продукция", None, None),
            ("известь", "т", "сырьё", None, None),
        ],
    ),
    "Образование": (
        ("площадка", "материал", "количество в год", "нельзя оставить", "стоимость"),
        [("Завод", "шлак", 100000, "да", 0), ("Рудник", "порода", 200000, "да", -5)],
    ),
    "Отвалы и склады": (
        ("площадка", "материал", "на начало", "можно добавлять", "выемка не более в год"),
        [("Завод", "шлак", 50000, "нет", 20000)],
    ),
    "Закупки": (("материал", "цена", "не более в год"), [("известь", 3000, 20000)]),
    "Рецептуры": (
        ("технология", "роль", "материал", "количество", "группа"),
        [
            ("дробление", "вход", "шлак", 1, "сырьё"),
            ("дробление", "вход", "порода", 1, "сырьё"),
            ("дробление", "выход", "щебень", "0,9", None),
            ("обжиг", "вход", "порода", 1, None),
            ("обжиг", "вход", "известь", "0,1", None),
            ("обжиг", "выход", "кирпич", "1,05", None),
        ],
    ),
    "Затраты передела": (
        ("технология", "переменные затраты"),
        [("дробление", 150), ("обжиг", 400)],
    ),
    "Свойства": (
        ("материал", "свойство", "значение"),
        [("шлак", "CaO", 40), ("порода", "CaO", 5)],
    ),
    "Виды свойств": (("свойство", "вид", "единица измерения"), [("CaO", "качество", "%")]),
    "Ограничения шихты": (
        ("технология", "группа", "материал", "не более"),
        [("дробление", "сырьё", "порода", "0,6")],
    ),
    "Установки": (
        (
            *("установка", "площадка", "технология", "мощность в год", "состояние"),
            *("постоянные затраты млн в год", "рабочие места", "капвложения млн"),
            *("срок службы лет", "самый поздний период", "инвестор"),
        ),
        [
            ("Дробилка", "Завод", "дробление", 90000, "существующая", 8, 12, *4 * (None,)),
            ("Кирпичный", "Рудник", "обжиг", 50000, "кандидат", 5, 30, 60, 10, None, "Горняк"),
            ("Дробилка 2", "Рудник", "дробление", 60000, "кандидат", 4, 9, 500, 15, None, None),
        ],
    ),
    "Виды транспорта": (("вид транспорта", "тариф за км"), [("авто", 5)]),
    "Маршруты": (
        ("откуда", "куда", "вид транспорта", "пропускная способность в год"),
        [("Завод", "Город", "авто", 150000)],
    ),
    "Рынки": (
        ("площадка", "материал", "цена", "не более в год", "экспорт"),
        [
            ("Город", "щебень", 900, 60000, "нет"),
            ("Город", "щебень", 700, 30000, "нет"),
            ("Город", "кирпич", 2000, 80000, "да"),
        ],
    ),
    "Размещение": (
        ("площадка", "плата", "приём в год"),
        [("Завод", 300, 150000), ("Рудник", 100, 300000)],
    ),
    "Удельные выбросы": (
        ("вид", "объект", "загрязняющее вещество", "удельный выброс"),
        [("рецептура", "дробление", "CO2", "0,01"), ("рецептура", "обжиг", "CO2", "0,2")],
    ),
    "Нормативы выбросов": (
        ("загрязняющее вещество", "охват", "объект", "норматив в год", "цена", "штраф"),
        [("CO2", "кластер", None, 8000, 200, 5000)],
    ),
    "Синергии": (
        ("синергия", "эффект", "значение"),
        [("общий шлак", "интеграция", 20)],
    ),
    "Стороны синергии": (
        ("синергия", "вид", "сторона"),
        [("общий шлак", "установка", "Дробилка"), ("общий шлак", "установка", "Кирпичный")],
    ),
    "Бюджет": (("период", "бюджет млн"), [("2026", 600)]),
    "Исследования": (
        ("исследование", "параметр", "изменение", "значения"),
        [("цена кирпича", "Рынки.цена[материал=кирпич]", "множитель", "0,8; 1")],
    ),
    "Диапазоны": (
        ("параметр", "изменение", "нижнее", "верхнее", "распределение"),
        [
            ("Рынки.цена[материал=кирпич]", "множитель", "0,6", "1,2", "треугольное"),
            ("Сценарий.ставка дисконтирования", "значение", "0,05", "0,15", None),
        ],
    ),
    "Варианты будущего": (
        ("вариант", "вероятность"),
        [("как сейчас", "0,6"), ("кирпич не нужен", "0,4")],
    ),
    "Изменения будущего": (
        ("вариант", "параметр", "изменение", "значение", "период"),
        [
            ("кирпич не нужен", "Рынки.цена[материал=кирпич]", "множитель", "0,3", None),
            ("кирпич не нужен", "Установки[установка=Дробилка]", "останов", None, "2028"),
        ],
    ),
    "Показатели": (
        ("группа", "показатель", "единица измерения", "участник", "значение", "цель", "лучше"),
        [("ресурсы", "затраты на НИОКР", "млн руб.", None, 12, 20, "больше")],
    ),
    "Налоги": (
        ("налог", "база", "материал", "бюджет", "ставка"),
        [
            ("на прибыль", "прибыль", None, "федеральный", "0,2"),
            ("на имущество", "имущество", None, "региональный", "0,022"),
            ("НДПИ", "взятое", "шлак", "муниципальный", 2),
        ],
    ),
}
"""A region by the Russian names of sheets and columns, as a planner types it: a decimal comma,
the tonne as «т», the closed words in Russian."""


def fill(book: Path, region: Mapping[str, tuple[tuple[str, ...], Rows]] = REGION) -> None:
    """Fill a Russian template: each column is found by its name in row 1."""
    workbook = openpyxl.load_workbook(book)
    for name, (columns, rows) in region.items():
        sheet = workbook[name]
        places = {cell.value: cell.column for cell in sheet[1]}
        sheet.delete_rows(2, sheet.max_row)
        for number, row in enumerate(rows, start=2):
            for column, value in zip(columns, row, strict=True):
                sheet.cell(number, places[column]).value = value
    workbook.save(book)


def russian(*command: str | Path) -> tuple[int, str]:
    """A command in Russian: its exit code, and what it says on both streams."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(["--lang", "ru", *map(str, command)])
    return code, said.getvalue()


_TYPED = re.compile(
    r"`[^`]*`|[\w./\\-]*\.(?:xlsx|html|json|jsonl|csv|sqlite|db|png|svg|parquet|zip|md)\b"
    r"|(?<!\w)--?[a-z][a-z-]*"
)


def english(text: str, *also: str) -> dict[str, str]:
    """The Latin words of a text that are not on the short list, each with the line it stands in.

    Names of files, options and what stands between backquotes (commands to type) are no words.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        bare = _TYPED.sub(" ", line)
        for word in re.findall(r"[A-Za-z]{2,}", bare):
            if word not in SHORT_LIST and word not in also:
                found.setdefault(word, line.strip()[:200])
    return found


def page_text(page: Path) -> str:
    """What a person reads of a page: its elements, and the labels that plotly draws."""
    return shown(page.read_text(encoding="utf-8"))


def shown(whole: str) -> str:
    """What a person reads of an HTML text."""
    drawn = re.findall(r'"(?:text|label|name|customdata)":("[^"]*"|\[[^\]]*\])', whole)
    rest = re.sub(r"<(script|style|metadata).*?</\1>", " ", whole, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', rest)
    body = re.sub(r"<[^>]+>", "\n", rest)
    plain = re.sub(r"\\u003c.*?\\u003e", " ", "\n".join(drawn))
    return html.unescape("\n".join([body, *labels, plain]))


_TEXTS = re.compile("sharedStrings|worksheets/sheet|charts/chart|comments|/workbook")


def workbook_text(path: Path) -> str:
    """The strings of a workbook: cells, names of sheets, notes, prompts and lists of cells, titles
    of charts, footers."""
    parts = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if _TEXTS.search(name):
                text = archive.read(name).decode()
                parts += re.findall(r"<(?:t|a:t)(?: [^>]*)?>([^<]*)<", text)
                parts += re.findall(
                    r'(?:<sheet name|prompt|promptTitle|error|errorTitle)="([^"]*)"', text
                )
                parts += re.findall(r"<formula1>&quot;([^<]*)&quot;<", text)
    return html.unescape("\n".join(parts))
