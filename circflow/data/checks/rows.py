"""Rows that are no records: totals, units or words below the column names, subheadings.

Each is called what it is, once, and left out of all other checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from circflow.data.cells import BadCellError, is_blank, parse_number, shorten
from circflow.data.schema.sheets import LARGEST, Sheet
from circflow.i18n import say
from circflow.i18n.names import shown_column

_TOTALS = re.compile(
    r"(?:(?:grand|sub|overall)[\s-]*)?totals?|sum|overall|итог[иоа]?|всего|сумма|"
    r"(?:промежуточный|общий)\s+итог",
    re.IGNORECASE,
)
_MEASURE_WORDS = frozenset(
    """
    % ‰ ° t т тонн тонна kt кт кг kg km км m3 м3 m³ м³ mwh мвтч квтч gj гдж шт шт. pcs pieces yr yrs
    year years год лет года rub руб руб. ₽ usd eur $ € kzt uzs тенге сум млн mln million тыс тыс.
    amount quantity number price cost value unit units capacity share distance length объём объем
    количество кол-во число цена стоимость значение мощность доля расстояние ед. ед.изм.
    широта долгота latitude longitude
    """.split()  # noqa: SIM905 - a paragraph of words is easier to read
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


@dataclass
class _Rows:
    """The records of a sheet, as read so far."""

    sheet: Sheet
    columns: dict[str, list[object]]

    def __post_init__(self) -> None:
        sheet, names = self.sheet, list(self.columns)
        self.needed = [c.name for c in sheet.columns if c.required and c.name in self.columns]
        self.figures = [name for name in names if sheet[name].is_number]
        flags = [name for name in names if sheet[name].kind == "flag"]
        self.texts = [name for name in names if name not in {*self.figures, *flags}]
        self.sums = dict.fromkeys(self.figures, 0.0)
        self.added, self.odd = 0, set[int]()

    def add_up(self, to: int) -> None:
        """Count the figures of the records above a row into the sums."""
        for at in range(self.added, to):
            for name in self.figures if at not in self.odd else ():
                value = self.columns[name][at]
                if isinstance(value, int | float) and abs(value) <= LARGEST:
                    self.sums[name] += value
        self.added = to

    def heading(self, at: int, cells: dict[str, object]) -> tuple[str, str] | None:
        """A row of column names, of units or of words."""
        if sum(value == name for name, value in cells.items()) >= max(2, len(cells) / 2):
            return next(iter(cells)), say("the row repeats the column names: delete the row")
        measured = [name for name in self.figures if name in cells]
        if at == 0 and measured and all(_is_measure(cells[name]) for name in measured):
            message = say(
                "the row below the column names holds units or headings ({cells}), not a "
                "record: delete the row; the units are in the notes on the column names",
                cells=shorten(str(cells[measured[0]])),
            )
            return measured[0], message
        return None

    def fragment(self, at: int, cells: dict[str, object]) -> tuple[str, str] | None:
        """A row that lacks what it needs: totals, a subheading, a sum."""
        words = [name for name in cells if name in self.texts]
        if words and is_totals(cells[words[0]]):
            message = say(
                "{cells!r} is a row of totals, not a record: delete the row, or move it to a "
                "sheet of your own (its name begins with _)",
                cells=shorten(str(cells[words[0]])),
            )
            return words[0], message
        if len(cells) == 1 and words and len(self.needed) > 1:
            others = ", ".join(
                shown_column(self.sheet.name, n) for n in self.needed if n not in cells
            )
            message = say(
                "only {cells!r} stands in this row: delete the row if it is a subheading, or "
                "fill in {others}",
                cells=shorten(str(cells[words[0]])),
                others=others,
            )
            return words[0], message
        measured = [name for name in self.figures if name in cells]
        if not words and measured:
            self.add_up(at)
        if not words and any(_is_sum(cells[name], self.sums[name]) for name in measured):
            return measured[0], say("the row adds up the rows above: delete the row")
        return None


def odd_rows(sheet: Sheet, columns: dict[str, list[object]]) -> Iterator[tuple[int, str, str]]:
    """The rows that are no records: position, column of the cell to name, what to do.

    `columns`: the cells of every column of the schema, by position of the row.
    """
    rows = _Rows(sheet, columns)
    if sheet.name == "Scenario" or not rows.needed:
        return
    names = set(sheet.names)
    for at, needed in enumerate(zip(*(columns[name] for name in rows.needed), strict=True)):
        lacking = any(map(is_blank, needed))
        if at == 0 or lacking or needed[0] in names:
            cells = {n: columns[n][at] for n in columns if not is_blank(columns[n][at])}
            word = (rows.fragment(at, cells) if lacking else None) or rows.heading(at, cells)
            if word:
                rows.odd.add(at)
                yield at, *word


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
