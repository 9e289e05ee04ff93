"""Warnings on what nobody can supply and nobody takes, along the links that there are."""

from __future__ import annotations

import numpy as np

from circflow.data.cells import shorten
from circflow.data.checks.findings import Drafts, among, later, quoted
from circflow.data.checks.reach import PLACE, Reach
from circflow.data.coded import Flags, Ints, Items, by_row, distinct, join
from circflow.data.network import can_take
from circflow.data.scenario import Scenario


def places_with_takers(scenario: Scenario, reach: Reach) -> Flags:
    """By number of the place: whether what is there can get to somebody who takes it."""
    return reach.backward(can_take(scenario))


def check_flows(drafts: Drafts, scenario: Scenario, reach: Reach) -> None:
    """Streams without an outlet, units without an input or an outlet, markets without a source."""
    supplied = reach.forward(_sources(scenario, reach))
    wanted = places_with_takers(scenario, reach)
    _check_streams(drafts, wanted[reach.numbers(scenario.items("Streams"))])
    inputs = _recipe_rows(scenario, "input")
    _check_inputs(drafts, scenario, inputs, supplied[reach.numbers(inputs)])
    outputs = _recipe_rows(scenario, "output")
    _check_outputs(drafts, scenario, outputs, wanted[reach.numbers(outputs)])
    _check_markets(drafts, supplied[reach.numbers(scenario.items("Markets"))])
    _check_flow_partners(drafts, scenario)


def _sources(scenario: Scenario, reach: Reach) -> Flags:
    """Where a material arises, lies, is bought or made."""
    streams, stocks = scenario.items("Streams"), scenario.items("Stockpiles")
    return reach.marked(
        streams.take(streams["amount_per_year"] > 0),
        stocks.take(stocks["opening"] > 0),
        scenario.purchase_items,
        scenario.makes,
    )


def _recipe_rows(scenario: Scenario, role: str) -> Items:
    """What every unit takes in or makes: row (of Units), row_recipe, unit, site, technology,
    recipe, material, group."""
    rows = scenario.items("Recipes")
    rows = rows.take((rows["role"] == scenario.codes.known("role", role)) & (rows["amount"] > 0))
    rows = rows.only("row", "technology", "recipe", "material", "group")
    units = scenario.active_unit_items.only("row", "unit", "site", "technology")
    return join(units, rows.renamed(row_recipe="row"), "technology")


def _check_streams(drafts: Drafts, wanted: Flags) -> None:
    streams = drafts["Streams"].rows
    drafts["Streams"].warning(
        streams.take(streams["must_handle"] & (streams["amount_per_year"] > 0) & ~wanted),
        "material",
        "nobody can take the {amount_per_year} of {material!r} a year that must be handled at "
        "{site!r}, and no disposal accepts it: add a unit, a market, a disposal or a "
        "link, or set must_handle to no",
    )


def _check_inputs(drafts: Drafts, scenario: Scenario, inputs: Items, supplied: Flags) -> None:
    """Units of which no recipe can be supplied."""
    # a group needs one of its materials, a plain row its own
    alone = scenario.codes.size("group") + inputs["row_recipe"]
    need = np.where(inputs["group"] < 0, alone, inputs["group"])
    at, number = distinct([inputs["row"], inputs["recipe"], need])
    lacking = inputs.take((np.bincount(number, supplied, len(at)) == 0)[number])
    # it stands still where every recipe of its technology lacks one
    short = _recipes_of(lacking, "row")[lacking["row"]]
    every = _recipes_of(scenario.items("Recipes"), "technology")[lacking["technology"]]
    lacking = lacking.take(short == every)
    materials: dict[tuple[int, int], list[int]] = {}
    first: dict[int, int] = {}
    for row, unit, recipe, material in by_row(lacking, "unit", "recipe", "material"):
        if first.setdefault(row, recipe) == recipe:
            materials.setdefault((row, unit), []).append(material)
    for (row, unit), lacked in materials.items():
        names = scenario.codes.names("material", np.array(lacked)).tolist()
        drafts["Units"].warning(
            row,
            "technology",
            "nothing can supply {quoted} to the unit {iloc!r}, so that it cannot run: "
            "add a stream, a purchase or a link, or check the names",
            quoted=quoted(dict.fromkeys(names)),
            iloc=shorten(scenario.codes.name("unit", unit)),
        )


def _recipes_of(rows: Items, owner: str) -> Ints:
    """How many different recipes the rows of each owner have, by its number."""
    first, _ = distinct([rows[owner], rows["recipe"]])
    return np.bincount(rows[owner][first])


def _check_outputs(drafts: Drafts, scenario: Scenario, outputs: Items, wanted: Flags) -> None:
    """Products that nobody takes: of a technology anywhere, or of one unit."""
    recipes = drafts["Recipes"].rows
    anywhere = set(outputs["row_recipe"][wanted].tolist())
    nowhere = set(outputs["row_recipe"].tolist()) - anywhere
    drafts["Recipes"].warning(
        recipes.take(among(recipes["row"], nowhere)),
        "material",
        "nobody takes the {material!r} that this recipe makes, so that it cannot "
        "run: add a market, a disposal or a user that can be reached",
    )
    here = outputs.take(~wanted & among(outputs["row_recipe"], anywhere))
    names = {n: scenario.codes.names(n, here[n]) for n in ("unit", "material")}
    rows = Items({"row": here["row"], **names})
    drafts["Units"].warning(
        rows.take(~later(rows, *rows.names)),
        "site",
        "nobody takes the {material!r} that the unit {unit!r} makes here: add a "
        "link, a market or a disposal that can be reached from its site",
    )


def _check_markets(drafts: Drafts, supplied: Flags) -> None:
    idle = drafts["Markets"].rows.take(~supplied)
    drafts["Markets"].warning(
        idle.take(~later(idle, *PLACE)),
        "material",
        "no {material!r} can reach this market: nothing that arises, is bought or "
        "made has a way here",
    )


def _check_flow_partners(drafts: Drafts, scenario: Scenario) -> None:
    partners, links = drafts["SynergyPartners"].rows, scenario.network.link_items
    flows = partners.take(partners["kind"] == "flow")
    if not len(flows):
        return
    ends = links.take(distinct([links["from"], links["to"]])[0])
    names = (scenario.codes.names("site", ends[end]).tolist() for end in ("from", "to"))
    linked = {f"{start}>{end}" for start, end in zip(*names, strict=True)}
    drafts["SynergyPartners"].warning(
        flows.take(~among(flows["partner"], linked)),
        "partner",
        "no link leads along {partner!r}, so that the synergy cannot be earned: add "
        "a link, or exchange the two sites",
    )
