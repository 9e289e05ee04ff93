"""Taxes: shares are shares, one tax has one base, and a material goes with a base in units."""

from __future__ import annotations

import pandas as pd

from circflow.data.cells import plain
from circflow.data.checks.findings import Drafts, among
from circflow.data.coded import by_row, objects
from circflow.data.schema.sheets import TAX_SHARES
from circflow.i18n import say

_OF_MATERIALS = ("taken", "disposed")


def check_taxes(drafts: Drafts) -> None:
    """Rules on the sheet Taxes."""
    rows = drafts["Taxes"].sound("tax", "base", "material", "rate")
    over = rows.take(among(rows["base"], TAX_SHARES) & (rows["rate"] > 1.0))
    drafts["Taxes"].error(
        over.plus(suggestion=objects(plain(rate / 100.0) for rate in over["rate"])),
        "rate",
        "a share of the {base} above 1: 20 % is written 0.2",
        expected=say("a share between 0 and 1"),
    )
    drafts["Taxes"].error(
        rows.take(pd.notna(rows["material"]) & ~among(rows["base"], _OF_MATERIALS)),
        "material",
        "a tax on {base} has no material: clear the cell",
        expected=say("a blank cell"),
    )
    bases: dict[str, str] = {}
    first = objects(bases.setdefault(tax, base) for _, tax, base in by_row(rows, "tax", "base"))
    drafts["Taxes"].error(
        rows.plus(first=first, expected=first, suggestion=first).take(rows["base"] != first),
        "base",
        "the first row of {tax!r} takes {first}: one tax has one base",
    )
