"""Rows that are no records: totals, units or words below the column names, subheadings.

Each is called what it is, once, and left out of all other checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from circflow.data.cells import BadCellError, is_blank, parse_number, shorten
from circflow.data.schema import Sheet

_TOTALS = re.compile(
    r"(?:(?:grand|sub|overall)[\s-]*)?totals?|sum|overall|итог[иоа]?|всего|сумма|"
    r"(?:промежуточный|общий)\s+итог",
    re.IGNORECASE,
)
_MEASURE_WORDS = frozenset(
    "% ‰ ° t т тонн тонна kt кт кг kg km км m3 м3 m³ м³ mwh мвтч квтч gj гдж шт шт. pcs pieces yr yrs"
    " year years год лет года rub руб руб. ₽ usd eur $ € kzt uzs тенге сум млн mln million тыс тыс."
    " amount quantity number price cost value unit units capacity share distance length объём объем"
    " количество кол-во число цена стоимость значение мощность доля расстояние ед. ед.изм."
    " широта долгота latitude longitude".split()
)
_MEASURE = re.compile(r"[^\W\d_%°€$₽][^\d]*/[^\d]*[^\W\d]|(?:млн|тыс|mln|thousand|million)\.?\s.*")
"""Units such as t/yr, руб/т, млн руб."""
_BLANKS = frozenset({"-", "–", "—", "n/a", "na", "н/д", "нд", "none", "nan"})


def is_totals(text: object) -> bool:
    """Whether a name is a word for a row of totals (`Итого`, `Total:`, `Всего по цеху`)."""
    if not isinstance(text, str) or len(text) > 60:
        return False
    words = _TOTALS.match(text.strip())
    return words is not None and not text.strip()[words.end() :][:1].isalnum()


def is_dash(text: object) -> bool:
    """Whether a text stands for an empty cell (`-`, `n/a`)."""
    return isinstance(text, str) and text.strip().casefold() in _BLANKS - {"none"}


def odd_rows(
    sheet: Sheet, rows: Sequence[int], columns: dict[str, list[object]]
) -> Iterator[tuple[int, str, str]]:
    """The rows that are no records: position, column of the cell to name, what to do.

    `rows` are the row numbers, `columns` the cells of every column of the schema by position.
    """
    needed = [c.name for c in sheet.columns if c.required and c.name in columns]
    texts = [n for n in columns if not sheet[n].is_number and sheet[n].kind != "flag"]
    figures = [n for n in columns if sheet[n].is_number]
    if sheet.name == "Scenario" or not needed:
        return
    sums = {name: 0.0 for name in figures}
    for at in range(len(rows)):
        lacking = any(is_blank(columns[name][at]) for name in needed)
        if at == 0 or lacking or columns[needed[0]][at] in sheet.names:
            word = _what(sheet, columns, at, needed, texts, figures, sums)
            if word:
                yield at, *word
                continue
        for name in figures:
            value = columns[name][at]
            if isinstance(value, int | float):
                sums[name] += value


def _what(
    sheet: Sheet,
    columns: dict[str, list[object]],
    at: int,
    needed: list[str],
    texts: list[str],
    figures: list[str],
    sums: dict[str, float],
) -> tuple[str, str] | None:
    """The cell to name and what to do, where a row is no record."""
    filled = [name for name in columns if not is_blank(columns[name][at])]
    cells = {name: columns[name][at] for name in filled}
    lacking = any(name not in cells for name in needed)
    words = [name for name in filled if name in texts]
    if lacking and words and is_totals(cells[words[0]]):
        return words[0], (
            f"{shorten(str(cells[words[0]]))!r} is a row of totals, not a record: delete the row, "
            "or move it to a sheet of your own (its name begins with _)"
        )
    if sum(cells[name] == name for name in filled) >= max(2, len(filled) / 2):
        return filled[0], "the row repeats the column names: delete the row"
    measured = [name for name in filled if name in figures]
    if at == 0 and measured and all(_is_measure(cells[name]) for name in measured):
        return measured[0], (
            f"the row below the column names holds units or headings "
            f"({shorten(str(cells[measured[0]]))}), not a record: delete the row; the units are "
            "in the notes on the column names"
        )
    if not lacking:
        return None
    if len(filled) == 1 and words and len(needed) > 1:
        others = ", ".join(name for name in needed if name not in cells)
        return words[0], (
            f"only {shorten(str(cells[words[0]]))!r} stands in this row: delete the row if it is "
            f"a subheading, or fill in {others}"
        )
    if not words and measured and any(_is_sum(cells[n], sums[n]) for n in measured):
        return measured[0], "the row adds up the rows above: delete the row"
    return None


def _is_measure(value: object) -> bool:
    if not isinstance(value, str):
        return False
    text = value.strip().casefold()
    if text in _BLANKS:
        return False
    return text in _MEASURE_WORDS or _MEASURE.fullmatch(text) is not None


def _is_sum(value: object, total: float) -> bool:
    try:
        figure = parse_number(value)
    except BadCellError:
        return False
    return figure is not None and figure != 0 and abs(figure - total) <= 1e-9 * abs(total)
