"""Text of a scenario, made safe to print."""

from __future__ import annotations

import math


def plain(text: object) -> str:
    """Text of a scenario, safe for a terminal: one line, without control characters."""
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return ""
    line = " ".join(str(text).split())
    return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)
