"""Taxes: shares are shares, one tax has one base, and a material goes with a base in units."""

from __future__ import annotations

from circflow.data.cells import plain, shorten
from circflow.data.checks.findings import Drafts, records
from circflow.data.schema.sheets import TAX_SHARES
from circflow.i18n import say

_OF_MATERIALS = ("taken", "disposed")


def check_taxes(drafts: Drafts) -> None:
    """Rules on the sheet Taxes."""
    bases: dict[str, str] = {}
    for row in records(drafts["Taxes"].sound("tax", "base", "material", "rate")):
        number, base = row["row"], row["base"]
        if base in TAX_SHARES and row["rate"] > 1.0:
            meant = plain(row["rate"] / 100.0)
            drafts.error(
                "Taxes",
                number,
                "rate",
                "a share of the {base} above 1: 20 % is written 0.2",
                base=base,
                expected=say("a share between 0 and 1"),
                suggestion=meant,
            )
        if row["material"] is not None and base not in _OF_MATERIALS:
            drafts.error(
                "Taxes",
                number,
                "material",
                "a tax on {base} has no material: clear the cell",
                base=base,
                expected=say("a blank cell"),
            )
        first = bases.setdefault(row["tax"], base)
        if base != first:
            drafts.error(
                "Taxes",
                number,
                "base",
                "the first row of {tax!r} takes {first}: one tax has one base",
                tax=shorten(row["tax"]),
                first=first,
                expected=first,
                suggestion=first,
            )
