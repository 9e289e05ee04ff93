"""Warnings on what nobody can supply and nobody takes, along the links that there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.data.cells import shorten
from circflow.data.checks.findings import Drafts, by_row, quoted
from circflow.data.checks.reach import PLACE, Reach, places
from circflow.data.network import can_take
from circflow.data.scenario import Scenario

Marks = NDArray[np.bool_]


def places_with_takers(scenario: Scenario, reach: Reach) -> Marks:
    """By number of the place: whether what is there can get to somebody who takes it."""
    return reach.backward(can_take(scenario))


def check_flows(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Streams without an outlet, units without an input or an outlet, markets without a source."""
    supplied = reach.forward(_sources(scenario))
    wanted = places_with_takers(scenario, reach)
    _check_streams(drafts, scenario, wanted[reach.codes(scenario.frame("Streams"))])
    inputs = _recipe_rows(scenario, "input")
    _check_inputs(drafts, inputs, supplied[reach.codes(inputs)])
    outputs = _recipe_rows(scenario, "output")
    _check_outputs(drafts, outputs, wanted[reach.codes(outputs)])
    _check_markets(drafts, scenario, supplied[reach.codes(scenario.frame("Markets"))])
    _check_flow_partners(drafts, scenario)


def _sources(scenario: Scenario) -> pd.DataFrame:
    """Where a material arises, lies, is bought or made."""
    streams, stocks = scenario.frame("Streams"), scenario.frame("Stockpiles")
    return places(
        streams[streams["amount_per_year"] > 0],
        stocks[(stocks["opening"] > 0)],
        scenario.purchases,
        scenario.makers,
    )


def _recipe_rows(scenario: Scenario, role: str) -> pd.DataFrame:
    """What every unit takes in or makes: row (of Units), row_recipe, unit, site, recipe,
    material, group."""
    recipes = scenario.frame("Recipes").rename_axis("row_recipe").reset_index()
    recipes = recipes[(recipes["role"] == role) & (recipes["amount"] > 0)]
    units = scenario.active_units.rename_axis("row").reset_index()
    return units[["row", "unit", "site", "technology"]].merge(
        recipes[["row_recipe", "technology", "recipe", "material", "group"]], on="technology"
    )


def _check_streams(drafts: Drafts, scenario: Scenario, wanted: Marks) -> None:
    streams = scenario.frame("Streams")
    drafts.warning(
        "Streams",
        streams[streams["must_handle"] & (streams["amount_per_year"] > 0) & ~wanted],
        "material",
        "nobody can take the {amount_per_year} of {material!r} a year that must be handled at "
        "{site!r}, and no disposal accepts it: add a unit, a market, a disposal or a "
        "link, or set must_handle to no",
    )


def _check_inputs(drafts: Drafts, inputs: pd.DataFrame, supplied: Marks) -> None:
    """Units of which no recipe can be supplied."""
    # a group needs one of its materials, a plain row its own
    alone = inputs["row_recipe"].map("\0{}".format)
    need = inputs["group"].astype(object).where(inputs["group"].notna(), alone)
    rows = inputs.assign(need=need, supplied=supplied)
    where = ["row", "recipe", "need"]
    met = rows.groupby(where, sort=False)["supplied"].transform("any")
    lacking = rows[~met]
    if not len(lacking):
        return
    in_all = dict(by_row(rows.groupby("row")["recipe"].nunique()))
    for row, count in by_row(lacking.groupby("row")["recipe"].nunique()):
        if count < in_all[row] or _runs_on_nothing(drafts, row, in_all[row]):
            continue
        mine = lacking[lacking["row"] == row]
        first = mine[mine["recipe"] == mine["recipe"].iloc[0]]
        drafts.warning(
            "Units",
            row,
            "technology",
            "nothing can supply {quoted} to the unit {iloc!r}, so that it cannot run: "
            "add a stream, a purchase or a link, or check the names",
            quoted=quoted(first["material"].unique()),
            iloc=shorten(first["unit"].iloc[0]),
        )


def _runs_on_nothing(drafts: Drafts, row: int, with_inputs: int) -> bool:
    """Whether the unit's technology has a recipe without inputs."""
    technology = drafts["Units"].frame.at[row, "technology"]
    recipes = drafts["Recipes"].frame
    return bool(recipes.loc[recipes["technology"] == technology, "recipe"].nunique() > with_inputs)


def _check_outputs(drafts: Drafts, outputs: pd.DataFrame, wanted: Marks) -> None:
    """Products that nobody takes: of a technology anywhere, or of one unit."""
    rows = outputs.assign(wanted=wanted)
    anywhere = rows.groupby("row_recipe")["wanted"].any()
    drafts.warning(
        "Recipes",
        drafts["Recipes"].frame.loc[anywhere.index[~anywhere]],
        "material",
        "nobody takes the {material!r} that this recipe makes, so that it cannot "
        "run: add a market, a disposal or a user that can be reached",
    )
    rows = rows[rows["row_recipe"].map(anywhere).astype(bool) & ~rows["wanted"]]
    drafts.warning(
        "Units",
        rows[["row", "unit", "material"]].drop_duplicates().set_index("row"),
        "site",
        "nobody takes the {material!r} that the unit {unit!r} makes here: add a "
        "link, a market or a disposal that can be reached from its site",
    )


def _check_markets(drafts: Drafts, scenario: Scenario, supplied: Marks) -> None:
    idle = scenario.frame("Markets")[~supplied]
    drafts.warning(
        "Markets",
        idle[~idle.duplicated(PLACE)],
        "material",
        "no {material!r} can reach this market: nothing that arises, is bought or "
        "made has a way here",
    )


def _check_flow_partners(drafts: Drafts, scenario: Scenario) -> None:
    partners = scenario.frame("SynergyPartners")
    flows = partners[partners["kind"] == "flow"]
    if not len(flows):
        return
    ends = scenario.network.links[["from", "to"]].drop_duplicates()
    linked = [f"{start}>{end}" for start, end in ends.itertuples(index=False)]
    drafts.warning(
        "SynergyPartners",
        flows[~flows["partner"].isin(linked)],
        "partner",
        "no link leads along {partner!r}, so that the synergy cannot be earned: add "
        "a link, or exchange the two sites",
    )
