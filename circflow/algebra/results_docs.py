"""The section `Tables` of docs/results.md, as the blocks declare it.

`python -m circflow.algebra.results_docs docs/results.md` rewrites it.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from circflow.algebra.build import money_groups, results
from circflow.algebra.results import MONEY_TABLE

START = "## Tables\n"


def markdown() -> str:
    """The section `Tables` of docs/results.md."""
    parts = [START]
    for table in results():
        lines = [f"### {table.name}", *([table.about] if table.about else []), ""]
        lines += ["| column | unit | meaning |", "| --- | --- | --- |"]
        for (unit, meaning), alike in groupby(table.columns, lambda c: (c.unit, c.meaning)):
            names = ", ".join(f"`{column.name}`" for column in alike)
            counted = unit.format(currency="currency", measure=table.measure or "unit")
            lines.append(f"| {names} | {counted} | {meaning} |")
        parts.append("\n".join([*lines, *(["", table.note] if table.note else []), ""]))
        if table is MONEY_TABLE:
            parts.append(groups_markdown() + "\n")
    return "\n".join(parts)


def groups_markdown() -> str:
    """The groups of money, as a table."""
    lines = ["| group | | told as |", "| --- | --- | --- |"]
    for group in money_groups():
        direction = "received" if group.received else "paid"
        lines.append(f"| `{group.name}` | {group.words} | {direction} |")
    return "\n".join(lines)


def rewritten(page: str) -> str:
    """The page with the section as it is now."""
    start = page.index(START)
    return page[:start] + markdown() + page[page.index("\n## ", start) :]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(rewritten(path.read_text("utf-8")), "utf-8")
