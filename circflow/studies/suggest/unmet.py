"""What almost pays and what is missing; products without a market; what the scenario knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from circflow.i18n import say
from circflow.report.numbers import number
from circflow.studies.suggest.first_tonne import WASTES, Offer, Pricing
from circflow.studies.suggest.shortlist import FirstTonne

ALMOST = ["technology", "site", "first_tonne_value", "margin", "capital", "missing", "alike"]
_SITES = 4
NO_MARKET = [
    "technology",
    "site",
    "product",
    "unit_of_measure",
    "needed_price",
    "usual_price",
    "amount_per_year",
    "alike",
]


def known_units(pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer]) -> list[str]:
    """For every row of a table of bounds: the units of the scenario that are like it, as text.

    A unit is like a technology if it takes in one of its wastes and makes one of its products.
    """
    recipes = pricing.scenario.frame("Recipes")
    units = pricing.scenario.active_units
    takes, makes = (
        recipes[recipes["role"] == role].groupby("technology")["material"].agg(set).to_dict()
        for role in ("input", "output")
    )
    category = pricing.category
    of: dict[int, str] = {}
    for n in table["offer"].unique().tolist():
        flows = offers[n].flows
        wastes = {m for f in flows if f.role == "input" for m in f.materials
                  if category[m] in WASTES}  # fmt: skip
        products = {m for f in flows if f.role == "output" for m in f.materials
                    if category[m] != "waste"}  # fmt: skip
        like = [t for t in takes if takes[t] & wastes and makes.get(t, set()) & products]
        of[n] = "; ".join(units["unit"][units["technology"].isin(like)])
    return [of[n] for n in table["offer"]]


def almost(
    pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer], suggested: set[str]
) -> pd.DataFrame:
    """The best site of each technology that is not suggested: why it is not (`ALMOST`).

    What is missing counts at the library's usual price, where it has one, else as nothing. Only
    technologies that earn something before capital, and lack one thing at most.
    """
    rows = table[~table["technology"].isin(suggested) & (table["margin"] > 0.0)]
    rows = rows[rows["market"] & ~rows["missing"].str.contains(";|none of its wastes")]
    rows = rows.sort_values("first_tonne_value", ascending=False, kind="stable")
    rows = rows.drop_duplicates("technology")
    reasons = [
        r["missing"] or _reason(pricing, offers[r["offer"]], r) for r in rows.to_dict("records")
    ]
    return rows.assign(missing=reasons)[ALMOST].reset_index(drop=True)


def _reason(pricing: Pricing, offer: Offer, row: dict[Any, Any]) -> str:
    """Why a technology that lacks nothing is not among the suggestions."""
    arriving, full = row["arriving"], pricing.full_load(offer, row["capacity"])
    if row["first_tonne_value"] <= 0.0:
        short = number(-row["first_tonne_value"])
        return say(
            "capital: {short} {currency} more per unit would pay it",
            short=short,
            currency=pricing.scenario.settings.currency,
        )
    if arriving < full:
        return say(
            "wastes: {arriving} a year arrive, the smallest plant takes {full}",
            arriving=number(arriving),
            full=number(full),
        )
    return say("it gains too little beside what is built, or markets are full")


def needing_a_market(
    pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer], interval: FirstTonne
) -> pd.DataFrame:
    """Technologies whose products the scenario has no market for (`NO_MARKET`), nearest first.

    `needed_price` is the price at the works at which a plant at full load is worth nothing, were
    the technology's main new product alone sold, with all else in the plan held but its flows;
    `usual_price` is the library's. Of each technology the four sites with the greatest bound.
    """
    rows = table[table["missing"].eq("") & (table["new_products"] != "")]
    rows = rows.sort_values("first_tonne_value", ascending=False, kind="stable")
    rows = rows[rows.groupby("technology").cumcount() < _SITES]
    codes = pricing.scenario.codes
    records = []
    for r in rows.to_dict("records"):
        offer = offers[r["offer"]]
        flows = pricing.new_products(offer)
        usual = [pricing.usual_price(f.library_material) for f in flows]
        main = int(np.argmax(np.nan_to_num([f.amount for f in flows]) * np.nan_to_num(usual)))
        flow = flows[main]
        run = min(r["arriving"], pricing.full_load(offer, r["capacity"]))
        site = codes.known("site", r["site"])
        worth = interval.of_a_plant(offer, site, r["decided"], r["first_tonne_value"], run)
        needed = -worth / flow.amount
        if not np.isfinite(needed) or (r["market"] and needed <= 0.0):
            continue
        unit = pricing.materials[flow.library_material]["unit"]
        product = flow.library_material, unit, needed, usual[main], flow.amount * run
        records.append((r["technology"], r["site"], *product, r["alike"]))
    listed = pd.DataFrame(records, columns=NO_MARKET)
    ratio = (
        listed["needed_price"] / listed["usual_price"].where(listed["usual_price"] > 0.0)
    ).fillna(np.inf)
    # Sites that differ by rounding alone stay in the order of the workbook.
    listed = listed.iloc[np.argsort(ratio.to_numpy(float).round(9), kind="stable")]
    return listed.drop_duplicates("technology").reset_index(drop=True)
