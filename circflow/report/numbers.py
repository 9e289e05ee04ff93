"""Numbers and columns as plain text: thousands separated, rounded to what is meaningful."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from circflow.data.changes.address import spoken_change
from circflow.data.one_line import first_few, plain
from circflow.i18n import current, localised
from circflow.report.vocabulary import cell

BLANK = "-"
"""What stands for a figure that does not exist."""


_NOISE = 1e-8
"""Figures below this are what a solver leaves of 0 (a million's hundredth part of a cent)."""


def without_noise(frame: pd.DataFrame) -> pd.DataFrame:
    """A table in which what a solver leaves of 0 is 0: figures below a thousand-millionth of the
    largest of their column, and money (columns of million) below a hundredth of a unit."""
    cleaned = frame.copy()
    for name in frame.columns:
        if pd.api.types.infer_dtype(frame[name], skipna=True) != "floating":
            continue
        values = pd.to_numeric(frame[name]).to_numpy(float)
        largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
        least = max(1e-9 * largest, _NOISE if "million" in str(name) else 0.0)
        if (noise := (np.abs(values) < least) & (values != 0.0)).any():
            cleaned[name] = np.where(noise, 0.0, values)
    return cleaned


def number(value: float | None, separator: str = " ") -> str:
    """A single figure with at least three significant digits: `1 234 567`, `12.3`, `0.00123`."""
    if value is None or not math.isfinite(value):
        return BLANK
    size = abs(value)
    if size < _NOISE:
        return "0"
    decimals = 0 if size >= 999.5 else max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return localised(text, separator)


def changed_words(changes: Sequence[str], most: int = 3) -> str:
    """What was changed before a run, in a line: the first few, and how many more."""
    return first_few([spoken_change(one, current()) for one in changes], most, "; ")


def numbers(values: Iterable[float | None], separator: str = " ") -> list[str]:
    """A column of figures with the same decimals, set by the largest (which shows four digits).

    No decimals where all of them are whole.
    """
    column = [math.nan if v is None else float(v) for v in values]
    largest = max((abs(v) for v in column if math.isfinite(v)), default=0.0)
    integers = all(v == round(v) for v in column if math.isfinite(v))
    decimals = 0 if integers or largest >= 999.5 else 3 - math.floor(math.log10(largest))
    if decimals > 6:
        return [number(v, separator) for v in column]
    texts = [
        localised(f"{v:,.{decimals}f}", separator) if math.isfinite(v) else BLANK for v in column
    ]
    return ["0" if v == 0 else t for v, t in zip(column, _unsigned_zeros(texts), strict=True)]


def _unsigned_zeros(texts: list[str]) -> list[str]:
    return [t[1:] if t.startswith("-") and not t.strip("-0.,") and t != BLANK else t for t in texts]


def share(value: float | None, separator: str = " ") -> str:
    """A share as a percentage: `12.3 %`."""
    if value is None or not math.isfinite(value):
        return BLANK
    percent = 100 * value
    decimals = 0 if abs(percent) >= 99.95 or percent == 0 else 1
    return localised(f"{percent:.{decimals}f}{separator}%")


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def cut(text: str, limit: int) -> str:
    """The text, cut to at most `limit` terminal columns."""
    over = width(text) - limit
    if over <= 0:
        return text
    while over >= 0:
        over -= width(text[-1])
        text = text[:-1]
    return text.rstrip() + "…"


def squeeze(text: str, limit: int) -> str:
    """The text, cut in the middle to at most `limit` terminal columns."""
    if width(text) <= limit:
        return text
    tail = text[-(limit // 2) :]
    while width(tail) > limit // 2:
        tail = tail[1:]
    return cut(text, limit - width(tail)) + tail.lstrip()


def table_lines(
    frame: pd.DataFrame, titles: Mapping[str, str], left: int = 1, total: int = 100
) -> list[str]:
    """Lines of a table: the columns that have a title, of which the first `left` are texts;
    figures to three digits or more, a dash for one that does not exist."""

    def text(name: str, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number(value) if value == value else "–"  # noqa: PLR0124
        return "" if value is None else plain(cell(name, str(value)))

    rows = frame[list(titles)].itertuples(index=False, name=None)
    body = [[text(n, v) for n, v in zip(titles, row, strict=True)] for row in rows]
    return columns(list(titles.values()), body, left, total)


def aligned_lines(
    frame: pd.DataFrame,
    titles: Mapping[str, str],
    left: int = 1,
    total: int = 100,
    shares: Collection[str] = (),
) -> list[str]:
    """As `table_lines`, with the same decimals for all figures of a column, and percentages for
    `shares`; texts behind the first `left` columns stand as they are."""
    cells = []
    for n, (name, values) in enumerate(frame[list(titles)].items()):
        if name in shares:
            cells.append([*map(share, values)])
        elif pd.api.types.is_numeric_dtype(values):
            cells.append(numbers(values))
        else:
            cells.append([plain(cell(str(name), str(v))) if n < left else v for v in values])
    return columns(list(titles.values()), list(zip(*cells, strict=True)), left, total)


def columns(
    head: Sequence[str], body: Sequence[Sequence[str]], left: int = 1, total: int = 100
) -> list[str]:
    """Lines of a table: the first `left` columns to the left, the others to the right.

    Texts on the left are cut, the widest column first, until a line fits into `total`.
    """
    if not body:
        return []
    rows = [list(head), *(list(row) for row in body)]
    widths = [max(width(row[n]) for row in rows) for n in range(len(head))]
    room = total - 2 - 2 * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(range(left), key=lambda n: widths[n])
        if widths[widest] <= 8:
            break
        widths[widest] -= 1
    lines = []
    for row in rows:
        cells = []
        for n, text in enumerate(row):
            short = cut(text, widths[n])
            space = " " * (widths[n] - width(short))
            cells.append(short + space if n < left else space + short)
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
