"""Rows of Links: lengths that cannot be known, and rows without effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from circflow.data.cells import shorten, split_names
from circflow.data.checks.findings import Drafts
from circflow.data.checks.provisional import with_frame
from circflow.data.network import make_network
from circflow.data.scenario import Scenario
from circflow.i18n import say


def check_distances(drafts: Drafts, sound: Callable[[], Scenario]) -> None:
    """An explicit link of a site without coordinates needs a length from one of its rows, or a
    cost where its mode emits nothing. `sound` makes the scenario of the sound rows."""
    sites = drafts["Sites"].frame
    placed = sites.loc[sites["latitude"].notna() & sites["longitude"].notna(), "site"]
    links = drafts["Links"].frame
    far = ~(links["from"].isin(placed) & links["to"].isin(placed)) & (links["from"] != links["to"])
    if not (far & links["distance_km"].isna()).any():
        return
    scenario = sound()
    rows = scenario.frame("Links")
    rows = rows[rows.index.isin(links.index[far])]
    explicit = replace(scenario, settings=replace(scenario.settings, auto_links=False))
    links = make_network(with_frame(explicit, "Links", rows)).links
    unknown = links["distance_km"].isna() & ~(
        links["cost"].notna() & ~links["mode"].isin(emitting_modes(scenario))
    )
    links = links[unknown].drop_duplicates(["from", "to"])
    for link in links.itertuples(index=False):
        start, end, material, mode = link[:4]
        row = _row_of(rows, start, end, material, mode)
        lacking = next(site for site in (start, end) if site not in set(placed))
        drafts.error(
            "Links",
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


def _row_of(rows: pd.DataFrame, start: str, end: str, material: str, mode: str) -> int:
    """The row that names most of those that cover a link."""
    here = rows[(rows["from"] == start) & (rows["to"] == end) & ~rows["forbidden"].astype(bool)]
    here = here[here["material"].isna() | (here["material"] == material)]
    here = here[here["mode"].isna() | (here["mode"] == mode)]
    named = 2 * here["material"].notna().to_numpy(int) + here["mode"].notna().to_numpy(int)
    return int(here.index[int(np.argmax(named))])


def emitting_modes(scenario: Scenario) -> set[str]:
    """Modes whose transport emits something (a row that names a key replaces the blank one)."""
    factors = scenario.frame("EmissionFactors")
    factors = factors[factors["kind"] == "transport"]
    modes = set(scenario.frame("Modes")["mode"])
    named = factors[factors["key"].notna()]
    emitting = set(named.loc[named["factor"] != 0, "key"])
    for pollutant, factor in factors.loc[factors["key"].isna(), ["pollutant", "factor"]].itertuples(
        index=False
    ):
        if factor != 0:
            emitting |= modes - set(named.loc[named["pollutant"] == pollutant, "key"])
    return emitting


def check_effect(drafts: Drafts) -> None:
    """Rows of Links that do nothing: a mode that the material does not allow."""
    frame = drafts["Links"].sound("material", "mode")
    materials = drafts["Materials"].sound("material", "modes")
    materials = materials[materials["modes"].notna()]
    allowed = {
        material: set(split_names(modes))
        for material, modes in zip(materials["material"], materials["modes"], strict=True)
    }
    all_modes = set(drafts["Modes"].frame["mode"].dropna())
    named = frame[frame["material"].isin(list(allowed))]
    for row, material, mode in zip(named.index, named["material"], named["mode"], strict=True):
        open_modes = allowed[material] & ({mode} if mode is not None else all_modes)
        if open_modes:
            continue
        if allowed[material] == {"none"}:
            reason = say(
                "{material!r} never leaves its site (modes in Materials is none)",
                material=shorten(material),
            )
        else:
            listed = ", ".join(sorted(allowed[material]))
            reason = say(
                "{material!r} may only go by {listed} (modes in Materials)",
                material=shorten(material),
                listed=listed,
            )
        drafts.warning(
            "Links",
            row,
            "mode" if mode is not None else "material",
            "the row has no effect: {reason}",
            reason=reason,
        )
