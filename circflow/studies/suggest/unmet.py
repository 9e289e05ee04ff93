"""What almost pays and what is missing; products without a market; what the scenario knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from circflow.data.one_line import plain
from circflow.studies.suggest.first_tonne import WASTES, Offer, Pricing

ALMOST = ["technology", "site", "first_tonne_value", "margin", "capital", "missing", "alike"]
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
    for number in table["offer"].unique().tolist():
        flows = offers[number].flows
        wastes = {m for f in flows if f.role == "input" for m in f.materials
                  if category[m] in WASTES}  # fmt: skip
        products = {m for f in flows if f.role == "output" for m in f.materials
                    if category[m] != "waste"}  # fmt: skip
        like = [t for t in takes if takes[t] & wastes and makes.get(t, set()) & products]
        of[number] = "; ".join(units.loc[units["technology"].isin(like), "unit"])
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
        r.missing or _reason(pricing, offers[r.offer], r) for r in rows.itertuples(index=False)
    ]
    return rows.assign(missing=reasons)[ALMOST].reset_index(drop=True)


def _reason(pricing: Pricing, offer: Offer, row: object) -> str:
    """Why a technology that lacks nothing is not among the suggestions."""
    capacity, arriving = float(row.capacity), float(row.arriving)  # type: ignore[attr-defined]
    available = float(pricing.technologies[offer.technology]["availability"])
    full = available * capacity / offer.capacity_use
    if row.first_tonne_value <= 0.0:  # type: ignore[attr-defined]
        short = plain(f"{-row.first_tonne_value:,.4g}")  # type: ignore[attr-defined]
        return f"capital: {short} {pricing.scenario.settings.currency} more per unit would pay it"
    if arriving < full:
        return f"wastes: {arriving:,.4g} a year arrive, the smallest plant takes {full:,.4g}"
    return "less is left when the others are built, or markets are full"


def needing_a_market(
    pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer]
) -> pd.DataFrame:
    """Technologies whose products the scenario has no market for (`NO_MARKET`), nearest first.

    `needed_price` is the price at the works at which the first tonne is worth nothing, were the
    technology's main new product alone sold; `usual_price` is the library's.
    """
    rows = table[table["missing"].eq("") & (table["new_products"] != "")]
    records = []
    for r in rows.itertuples(index=False):
        flows = [
            f
            for f in offers[r.offer].flows
            if f.role == "output" and not f.materials
            and pricing.materials[f.library_material]["category"] != "waste"
        ]  # fmt: skip
        usual = [pricing.usual_price(f.library_material) for f in flows]
        main = int(np.argmax([f.amount * np.nan_to_num(u) for f, u in zip(flows, usual)]))
        flow, price = flows[main], usual[main]
        run = min(r.arriving, r.capacity * float(pricing.technologies[r.technology]["availability"])
                  / offers[r.offer].capacity_use)  # fmt: skip
        needed = -r.first_tonne_value / flow.amount
        if r.market and needed <= 0.0:
            continue
        unit = pricing.materials[flow.library_material]["unit"]
        records.append(
            (r.technology, r.site, flow.library_material, unit, needed, price, flow.amount * run,
             r.alike)
        )  # fmt: skip
    made = pd.DataFrame(records, columns=NO_MARKET)
    ratio = (made["needed_price"] / made["usual_price"].where(made["usual_price"] > 0.0)).fillna(
        np.inf
    )
    made = made.iloc[np.argsort(ratio.to_numpy(float), kind="stable")]
    return made.drop_duplicates("technology").reset_index(drop=True)
