"""Text of a scenario, made safe to print."""

from __future__ import annotations

import math
from collections.abc import Sequence

from circflow.i18n import say


def plain(text: object) -> str:
    """Text of a scenario, safe for a terminal: one line, without control characters."""
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return ""
    line = " ".join(str(text).split())
    return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)


def first_few(texts: Sequence[str], most: int = 8, separator: str = ", ") -> str:
    """The first of several texts, and how many more there are."""
    more = say(" and {count} more", count=len(texts) - most) if len(texts) > most else ""
    return separator.join(texts[:most]) + more
