"""Rows of Disposal that do something else than they seem to: beside a blanket row, and after a dump
that must be cleared."""

from __future__ import annotations

import pandas as pd

from circflow.data.cells import shorten, written
from circflow.data.checks.findings import Drafts
from circflow.data.checks.reach import Reach, places
from circflow.data.scenario import Scenario


def check_disposal(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Doubt dearer rows beside an open blanket row, and dumps that may be tipped again."""
    rows = scenario.in_force("Disposal")
    _check_dearer(drafts, scenario, rows)
    _check_tipped_again(drafts, scenario, reach, rows)


def _check_dearer(drafts: Drafts, scenario: Scenario, rows: pd.DataFrame) -> None:
    """A row for one waste beside an unlimited, cheaper one for all: both are open to it."""
    unlimited = rows["capacity_per_year"].isna() & rows["total_capacity"].isna()
    blanket = rows[rows["material"].isna() & unlimited]
    named = rows[rows["material"].isin(scenario.wastes)]
    pairs = named.merge(
        blanket[["site", "period", "fee", "row"]], on=["site", "period"], suffixes=("", "_blanket")
    )
    drafts.warning(
        "Disposal",
        pairs[pairs["fee"] > pairs["fee_blanket"]].drop_duplicates("row").set_index("row"),
        "fee",
        "the row is never used: row {row_blanket}, which names no material, takes "
        "{material!r} here too, for {fee_blanket}; where this fee is to hold, name the other "
        "wastes one by one instead of row {row_blanket}",
    )


def _check_tipped_again(
    drafts: Drafts, scenario: Scenario, reach: Reach, rows: pd.DataFrame
) -> None:
    """A dump that must shrink while what is dug up may be disposed of again."""
    stocks = scenario.frame("Stockpiles")
    stocks = stocks[stocks["opening"] > stocks["closing_max"]]
    if not len(stocks):
        return
    wastes = pd.DataFrame({"material": sorted(scenario.wastes)})
    open_rows = rows[~(rows["capacity_per_year"] == 0) & ~(rows["total_capacity"] == 0)]
    named = open_rows[open_rows["material"].notna()]
    blanket = open_rows[open_rows["material"].isna()].drop(columns="material")
    taken = pd.concat([named, blanket.merge(wastes, how="cross")], ignore_index=True)
    can_tip = reach.backward(places(taken))[reach.codes(stocks)]
    for row, site, material in zip(
        stocks.index[can_tip], stocks["site"][can_tip], stocks["material"][can_tip], strict=True
    ):
        here = taken[(taken["material"] == material)]
        at = here[here["site"] == site]
        first = (at if len(at) else here).sort_values("fee", kind="stable").iloc[0]
        drafts.warning(
            "Stockpiles",
            row,
            "closing_max",
            "what is dug up may be tipped again at {site!r} (Disposal row {row}, fee "
            "{fee}), and the dump counts as cleared: if it has to be used, leave "
            "{material!r} out of Disposal, naming the other wastes one by one",
            site=shorten(first["site"]),
            row=first["row"],
            fee=written(first["fee"]),
            material=shorten(material),
        )
