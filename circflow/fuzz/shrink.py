"""A scenario that shows a finding, as small as is cheap: what does not matter goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from circflow.fuzz.regions import Row, Sheets

MOST_SECONDS = 60.0


def shrunk(
    sheets: Sheets, shows: Callable[[Sheets], bool], seconds: float = MOST_SECONDS
) -> Sheets:
    """The scenario without sheets, rows and cells, as long as it still `shows` the finding."""
    ends = time.monotonic() + seconds
    going = True
    while going and time.monotonic() < ends:
        going = False
        for smaller in _smaller(sheets):
            if time.monotonic() > ends:
                break
            if shows(smaller):
                sheets, going = smaller, True
                break
    return sheets


def _smaller(sheets: Sheets) -> Iterator[Sheets]:
    """Scenarios with one thing less: a sheet, then a row, then a cell."""
    for name in reversed(sheets):
        yield {n: rows for n, rows in sheets.items() if n != name}
    for name, rows in reversed(sheets.items()):
        for at in range(len(rows)):
            yield {**sheets, name: rows[:at] + rows[at + 1 :]}
    for name, rows in sheets.items():
        for at, row in enumerate(rows):
            for column in row:
                less: Row = {c: v for c, v in row.items() if c != column}
                if row[column] is not None and less:
                    yield {**sheets, name: [*rows[:at], less, *rows[at + 1 :]]}
