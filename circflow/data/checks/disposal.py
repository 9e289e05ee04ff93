"""Rows of Disposal that do something else than they seem to: beside a blanket row, and after a dump
that must be cleared."""

from __future__ import annotations

import numpy as np

from circflow.data.cells import shorten, written
from circflow.data.checks.findings import Drafts, later
from circflow.data.checks.reach import Reach
from circflow.data.coded import Items, by_row, cross, join, stacked
from circflow.data.scenario import Scenario


def check_disposal(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Doubt dearer rows beside an open blanket row, and dumps that may be tipped again."""
    rows = scenario.items_in_force("Disposal")
    _check_dearer(drafts, scenario, rows)
    _check_tipped_again(drafts, scenario, reach, rows)


def _check_dearer(drafts: Drafts, scenario: Scenario, rows: Items) -> None:
    """A row for one waste beside an unlimited, cheaper one for all: both are open to it."""
    unlimited = np.isnan(rows["capacity_per_year"]) & np.isnan(rows["total_capacity"])
    blanket = rows.take((rows["material"] < 0) & unlimited).only("site", "period", "fee", "row")
    named = rows.take(rows["material"] >= 0)
    named = named.take(scenario.is_waste[named["material"]])
    blanket = blanket.renamed(fee_blanket="fee", row_blanket="row")
    pairs = join(named, blanket, "site", "period")
    dearer = pairs.take(pairs["fee"] > pairs["fee_blanket"])
    dearer = dearer.plus(material=scenario.codes.names("material", dearer["material"]))
    drafts["Disposal"].warning(
        dearer.take(~later(dearer, "row")),
        "fee",
        "the row is never used: row {row_blanket}, which names no material, takes "
        "{material!r} here too, for {fee_blanket}; where this fee is to hold, name the other "
        "wastes one by one instead of row {row_blanket}",
    )


def _check_tipped_again(drafts: Drafts, scenario: Scenario, reach: Reach, rows: Items) -> None:
    """A dump that must shrink while what is dug up may be disposed of again."""
    stocks, codes = scenario.items("Stockpiles"), scenario.codes
    stocks = stocks.take(stocks["opening"] > stocks["closing_max"])
    if not len(stocks):
        return
    rows = rows.take(~(rows["capacity_per_year"] == 0) & ~(rows["total_capacity"] == 0))
    named, wastes = rows["material"] >= 0, Items({"material": np.flatnonzero(scenario.is_waste)})
    taken = stacked([rows.take(named), cross(wastes, rows.take(~named))], *rows.names)
    stocks = stocks.take(reach.backward(reach.marked(taken))[reach.numbers(stocks)])
    for row, site, material in by_row(stocks, "site", "material"):
        here = taken.take(taken["material"] == material)
        at = here.take(here["site"] == site)
        offers = at if len(at) else here
        cheapest = np.argmin(offers["fee"])
        drafts["Stockpiles"].warning(
            row,
            "closing_max",
            "what is dug up may be tipped again at {site!r} (Disposal row {row}, fee "
            "{fee}), and the dump counts as cleared: if it has to be used, leave "
            "{material!r} out of Disposal, naming the other wastes one by one",
            site=shorten(codes.name("site", offers["site"][cheapest])),
            row=int(offers["row"][cheapest]),
            fee=written(float(offers["fee"][cheapest])),
            material=shorten(codes.name("material", material)),
        )
