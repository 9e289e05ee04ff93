"""Rows of Links: lengths that cannot be known, and rows without effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from circflow.data.cells import shorten, split_names
from circflow.data.checks.findings import Drafts, among, listed
from circflow.data.coded import Items, by_row
from circflow.data.scenario import Scenario
from circflow.i18n import say


def check_distances(drafts: Drafts, sound: Callable[[], Scenario]) -> None:
    """An explicit link of a site without coordinates needs a length from one of its rows, or a
    cost where its mode emits nothing. `sound` makes the scenario of the sound rows."""
    sites, rows = drafts["Sites"].rows, drafts["Links"].rows
    placed = set(sites["site"][~np.isnan(sites["latitude"] + sites["longitude"])].tolist())
    far = ~(among(rows["from"], placed) & among(rows["to"], placed)) & (rows["from"] != rows["to"])
    if not (far & np.isnan(rows["distance_km"])).any():
        return
    scenario = sound()
    rows, far_rows = scenario.tables["Links"].rows, set(rows["row"][far].tolist())
    rows = rows.take(among(rows["row"], far_rows))
    explicit = replace(scenario, settings=replace(scenario.settings, auto_links=False))
    explicit = explicit.with_table(replace(scenario.tables["Links"], rows=rows))
    links = explicit.network.link_items.frame(explicit.codes)
    unknown = links["distance_km"].isna() & ~(
        links["cost"].notna() & ~links["mode"].isin(emitting_modes(scenario))
    )
    links = links[unknown].drop_duplicates(["from", "to"])
    for link in links.itertuples(index=False):
        start, end, material, mode = link[:4]
        row = _row_of(rows, start, end, material, mode)
        lacking = next(site for site in (start, end) if site not in placed)
        drafts["Links"].error(
            row,
            "distance_km",
            "the length of the way from {start!r} to {end!r} for {material!r} by "
            "{mode!r} is unknown, because {lacking!r} has no coordinates: fill in "
            "distance_km, or the coordinates in Sites",
            start=shorten(start),
            end=shorten(end),
            material=shorten(material),
            mode=shorten(mode),
            lacking=shorten(lacking),
            expected=say("a number at least 0"),
        )


def _row_of(rows: Items, start: str, end: str, material: str, mode: str) -> int:
    """The row that names most of those that cover a link."""
    here = rows.take((rows["from"] == start) & (rows["to"] == end) & ~rows["forbidden"])
    here = here.take(among(here["material"], {None, material}) & among(here["mode"], {None, mode}))
    named = 2 * pd.notna(here["material"]) + pd.notna(here["mode"])
    return int(here["row"][np.argmax(named)])


def emitting_modes(scenario: Scenario) -> set[str]:
    """Modes whose transport emits something (a row that names a key replaces the blank one)."""
    factors = scenario.frame("EmissionFactors")
    factors = factors[factors["kind"] == "transport"]
    modes = set(scenario.frame("Modes")["mode"])
    named = factors[factors["key"].notna()]
    emitting = set(named["key"][named["factor"] != 0])
    for pollutant, factor in factors[["pollutant", "factor"]][factors["key"].isna()].itertuples(
        index=False
    ):
        if factor != 0:
            emitting |= modes - set(named["key"][named["pollutant"] == pollutant])
    return emitting


def check_effect(drafts: Drafts) -> None:
    """Rows of Links that do nothing: a mode that the material does not allow."""
    materials = drafts["Materials"].sound("material", "modes")
    allowed = {
        material: set(split_names(modes))
        for _, material, modes in by_row(materials, "material", "modes")
        if modes is not None
    }
    all_modes = set(listed(drafts["Modes"].rows["mode"]))
    rows = drafts["Links"].sound("material", "mode")
    for row, material, mode in by_row(
        rows.take(among(rows["material"], allowed)), "material", "mode"
    ):
        open_modes = allowed[material] & ({mode} if mode is not None else all_modes)
        if open_modes:
            continue
        if allowed[material] == {"none"}:
            reason = say(
                "{material!r} never leaves its site (modes in Materials is none)",
                material=shorten(material),
            )
        else:
            modes = ", ".join(sorted(allowed[material]))
            reason = say(
                "{material!r} may only go by {listed} (modes in Materials)",
                material=shorten(material),
                listed=modes,
            )
        drafts["Links"].warning(
            row,
            "mode" if mode is not None else "material",
            "the row has no effect: {reason}",
            reason=reason,
        )
