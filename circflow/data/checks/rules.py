"""Rules within and across rows: limits that cross, names that cannot be, recipes, candidates.

Figures that a study varies are judged here too, so each rule works on typed columns alone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from circflow.data.cells import plain, shorten, written
from circflow.data.checks.findings import Drafts, among, later, listed, quoted
from circflow.data.coded import Items, by_row, objects
from circflow.data.scenario import Period
from circflow.data.schema.sheets import GOAL_KINDS
from circflow.data.suggest import nearest
from circflow.i18n import mark, say
from circflow.i18n.names import shown_column, shown_word

_NEAR_ZERO = 0.1
"""Degrees around (0, 0) that are taken for an empty coordinate."""
_LARGEST = math.log(sys.float_info.max) - 10.0
"""Of exponents: what is added up over a lifetime must stay a number too."""
_CROSSED_LIMITS = (
    ("Markets", "max_per_year", "min_per_year"),
    ("Stockpiles", "closing_max", "closing_min"),
    ("Stockpiles", "capacity", "closing_min"),
    ("BlendLimits", "max", "min"),
    ("Units", "capacity_max_per_year", "capacity_per_year"),
)


def check_figures(drafts: Drafts) -> None:
    """Rules on figures: what a change of numbers may break."""
    for sheet, greatest, least in _CROSSED_LIMITS:
        check_crossed(drafts, sheet, greatest, least)
    _check_coordinates(drafts)
    _check_groups(drafts)
    _check_capex(drafts)
    _check_total_capacity(drafts)
    _check_bounded_synergies(drafts)


def check_recipes(drafts: Drafts) -> None:
    """Rules on recipes and blend limits alone, as a library of technologies has them."""
    _check_marks(drafts)
    _check_outputs_ungrouped(drafts)
    _check_groups(drafts)
    check_crossed(drafts, "BlendLimits", "max", "min")


def check_discounting(drafts: Drafts, periods: Sequence[Period], rate: float) -> None:
    """Money must count something that is a number, over the horizon and over every lifetime."""
    at_rate = say("at a discount rate of {rate} money", rate=written(rate))
    rows = drafts["Periods"].sound("period", "years")
    rows = rows.take(~later(rows, "period"))
    # where none could be read one period stands in
    endless = [not math.isfinite(period.weight) for period in periods[: len(rows)]]
    drafts["Periods"].error(
        rows.take(np.flatnonzero(endless)[:1]),
        "years",
        "{at_rate} in this period counts beyond all numbers: shorten the horizon, or "
        "raise discount_rate in Scenario",
        at_rate=at_rate,
        expected=say("a shorter period"),
    )
    growth, fewer = math.log1p(rate), say("fewer years")
    units = drafts["Units"].sound("lifetime_years")
    drafts["Units"].error(
        units.take(-growth * (units["lifetime_years"] - 1.0) > _LARGEST),
        "lifetime_years",
        "{at_rate} at the end of this lifetime counts beyond all numbers: shorten it, or "
        "raise discount_rate in Scenario",
        at_rate=at_rate,
        expected=fewer,
    )
    units = drafts["Units"].sound("construction_years")
    drafts["Units"].error(
        units.take(growth * units["construction_years"] > _LARGEST),
        "construction_years",
        "{at_rate} at the beginning of service counts beyond all numbers: shorten it, or "
        "lower discount_rate in Scenario",
        at_rate=at_rate,
        expected=fewer,
    )


def check_construction(drafts: Drafts, periods: Sequence[Period]) -> None:
    """A candidate that comes into service after the horizon is never decided."""
    if drafts["Periods"].faulty or drafts["Periods"].broken:
        return
    start = {p.name: float(p.start) for p in periods}
    end = periods[-1].start + periods[-1].years
    rows = drafts["Units"].sound("status", "earliest_period", "construction_years")
    earliest = [start.get(name, 0.0) for name in rows["earliest_period"].tolist()]
    rows = rows.plus(begins=np.array(earliest) + rows["construction_years"])
    late = (rows["begins"] >= end) & (rows["construction_years"] > 0.0)
    drafts["Units"].warning(
        rows.take((rows["status"] == "candidate") & late),
        "construction_years",
        "decided at the earliest, the candidate comes into service {begins} years "
        "from the start, but the horizon ends after {end}: it is never built; "
        "shorten its construction, or add a period",
        end=end,
    )


def check_names(drafts: Drafts) -> None:
    """Rules on names and choices."""
    _check_marks(drafts)
    _check_outputs_ungrouped(drafts)
    _check_build_periods(drafts)
    _check_requires(drafts)
    _check_link_ends(drafts)
    _check_goals(drafts)


def check_crossed(drafts: Drafts, sheet: str, greatest: str, least: str) -> None:
    """A greatest figure below its least."""
    rows = drafts[sheet].sound(greatest, least)
    rows = rows.take(rows[greatest] < rows[least])
    expected = objects(say("at least {low}", low=written(low)) for low in rows[least].tolist())
    drafts[sheet].error(
        rows.plus(high=rows[greatest], low=rows[least], expected=expected),
        greatest,
        "{greatest} {high} is below {least} {low}: raise it, or lower {least}",
        greatest=shown_column(sheet, greatest),
        least=shown_column(sheet, least),
    )


def _check_coordinates(drafts: Drafts) -> None:
    rows = drafts["Sites"].sound("latitude", "longitude")
    for column, other in (("longitude", "latitude"), ("latitude", "longitude")):
        drafts["Sites"].error(
            rows.take(np.isnan(rows[column]) & ~np.isnan(rows[other])),
            column,
            "the site has a {other} but no {column}: fill it in, or clear both",
            other=shown_column("Sites", other),
            column=shown_column("Sites", column),
            expected=drafts["Sites"].sheet[column].expected,
        )
    away = np.maximum(np.abs(rows["latitude"]), np.abs(rows["longitude"]))
    drafts["Sites"].warning(
        rows.take(away < _NEAR_ZERO),
        "latitude",
        "the site lies in the sea off Africa, near latitude 0 and longitude 0: "
        "correct the coordinates, or clear both cells",
    )


def _check_groups(drafts: Drafts) -> None:
    """The requirement of a group stands on all its rows alike."""
    rows = drafts["Recipes"].sound("technology", "recipe", "group", "role", "amount")
    rows = rows.take(pd.notna(rows["group"]) & (rows["role"] == "input"))
    first: dict[tuple[str, ...], float] = {}
    cells = by_row(rows, "technology", "recipe", "group", "amount")
    needed = np.array([first.setdefault((*group,), amount) for _, *group, amount in cells])
    words = objects(map(plain, needed))
    rows = rows.plus(requirement=words, expected=words, suggestion=words)
    drafts["Recipes"].error(
        rows.take(np.abs(rows["amount"] - needed) > 1e-12 * np.abs(needed)),
        "amount",
        "the rows of the group {group!r} disagree: the first says {requirement}, "
        "this one {amount}; the amount is the whole group's requirement, so write "
        "the same on all its rows",
    )


def _check_capex(drafts: Drafts) -> None:
    """A candidate has a capex, and one of variable size a capex at its greatest size."""
    rows = drafts["Units"].sound(
        "status", "capex_million", "capacity_max_per_year", "capex_max_million"
    )
    candidate, sized = rows["status"] == "candidate", ~np.isnan(rows["capacity_max_per_year"])
    drafts["Units"].error(
        rows.take(candidate & np.isnan(rows["capex_million"])),
        "capex_million",
        "a candidate needs its capex_million (0 where it costs nothing)",
        expected=say("a number at least 0"),
    )
    drafts["Units"].error(
        rows.take(candidate & sized & np.isnan(rows["capex_max_million"])),
        "capex_max_million",
        "a candidate with capacity_max_per_year needs capex_max_million, its capex then",
        expected=say("a number at least 0"),
    )
    columns = ("capex_max_million", "fixed_cost_max_million_per_year")
    doubt_sizes(drafts, "Units", rows.take(candidate), columns)


def doubt_sizes(drafts: Drafts, sheet: str, rows: Items, columns: Sequence[str]) -> None:
    """Figures of a greatest size (`columns`) where there is none, and one that costs less."""
    sized = ~np.isnan(rows["capacity_max_per_year"])
    for column in columns:
        drafts[sheet].warning(
            rows.take(~sized & ~np.isnan(rows[column])),
            column,
            "{column} has no effect without capacity_max_per_year: fill that in as well",
            column=column,
        )
    drafts[sheet].warning(
        rows.take(sized & (rows["capex_max_million"] < rows["capex_million"])),
        "capex_max_million",
        "the greatest size costs less than the smallest: check both figures",
    )


def _check_total_capacity(drafts: Drafts) -> None:
    rows = drafts["Disposal"].sound("period", "total_capacity")
    drafts["Disposal"].error(
        rows.take(pd.notna(rows["period"]) & ~np.isnan(rows["total_capacity"])),
        "total_capacity",
        "total_capacity holds over the whole horizon, but the row names a period: "
        "write it on a row with a blank period",
        expected=say("a blank cell"),
    )


def _check_bounded_synergies(drafts: Drafts) -> None:
    """A synergy without partners would be earned without end."""
    if drafts["SynergyPartners"].broken:
        return
    sheet, tied = drafts["Synergies"], {None, *drafts["SynergyPartners"].rows["synergy"].tolist()}
    rows = sheet.sound("synergy", "value", "max_per_year")
    alone = ~among(rows["synergy"], tied)
    endless = np.isnan(rows["max_per_year"]) & (rows["value"] > 0)
    for note, chosen in ((sheet.error, alone & endless), (sheet.warning, alone & ~endless)):
        note(
            rows.take(chosen),
            "synergy",
            mark(
                "the synergy has no partners, so that nothing ties its joint activity: list "
                "its partners in SynergyPartners"
            ),
            expected=say("a synergy with rows in SynergyPartners"),
        )


def _check_marks(drafts: Drafts) -> None:
    """Marks that names cannot hold, because addresses of flows and recipes use them."""
    for sheet, column, sign, words in (
        (
            "Sites",
            "site",
            ">",
            mark("the name of a site cannot hold {mark}: rename {value!r} everywhere"),
        ),
        (
            "Recipes",
            "technology",
            "/",
            mark("the name of a technology cannot hold {mark}: rename {value!r} everywhere"),
        ),
    ):
        if sheet not in drafts:
            continue
        rows = drafts[sheet].sound(column)
        if column == "technology":
            rows = rows.take(~later(rows, column))
        for row, value in by_row(rows, column):
            if value is None or sign not in value:
                continue
            drafts[sheet].error(
                row,
                column,
                words,
                mark=sign,
                value=shorten(value),
                expected=say("a name without {mark}", mark=sign),
                suggestion=value.replace(sign, "-"),
            )


def _check_outputs_ungrouped(drafts: Drafts) -> None:
    rows = drafts["Recipes"].sound("role", "group")
    drafts["Recipes"].error(
        rows.take((rows["role"] == "output") & pd.notna(rows["group"])),
        "group",
        "outputs have no group, only inputs can replace one another: clear the cell",
        expected=say("a blank cell"),
    )


def _check_build_periods(drafts: Drafts) -> None:
    names = drafts["Periods"].rows["period"].tolist()
    order = {name: n for n, name in enumerate(names) if name is not None}
    columns = ("earliest_period", "latest_period")
    for row, earliest, latest in by_row(drafts["Units"].sound(*columns), *columns):
        if not order.get(latest, np.inf) < order.get(earliest, -np.inf):
            continue
        drafts["Units"].error(
            row,
            "latest_period",
            "latest_period {at!r} is before earliest_period {at_2!r}: exchange the two, "
            "or clear one",
            at=latest,
            at_2=earliest,
            expected=say("{at!r} or a later period", at=earliest),
        )


def _check_requires(drafts: Drafts) -> None:
    """Candidates that require themselves, or one another in a ring."""
    rows = drafts["Units"].sound("unit", "status", "requires")
    acting = rows.take((rows["status"] == "candidate") & pd.notna(rows["requires"]))
    needs = {unit: required for _, unit, required in by_row(acting, "unit", "requires")}
    row_of = {unit: row for row, unit in by_row(acting, "unit")}
    settled: set[str] = set()
    for start in needs:
        path: list[str] = []
        unit = start
        while unit in needs and unit not in settled and unit not in path:
            path.append(unit)
            unit = needs[unit]
        if unit in path:
            _note_ring(drafts, path[path.index(unit) :], row_of)
        settled.update(path)


def _note_ring(drafts: Drafts, ring: list[str], row_of: dict[str, int]) -> None:
    last = max(ring, key=lambda unit: row_of[unit])
    if len(ring) == 1:
        message = say("the unit {last!r} requires itself: clear the cell", last=shorten(last))
    else:
        place = ring.index(last)
        turned = [*ring[place:], *ring[:place], last]
        message = (
            say("the units require one another in a ring: ")
            + " → ".join(shorten(unit) for unit in turned[:12])
            + say("; clear one of these cells")
        )
    drafts["Units"].error(row_of[last], "requires", message, expected=say("another unit, no ring"))


def _check_link_ends(drafts: Drafts) -> None:
    rows = drafts["Links"].sound("from", "to")
    drafts["Links"].error(
        rows.take(pd.notna(rows["from"]) & (rows["from"] == rows["to"])),
        "to",
        "the link ends where it starts: name another site, or delete the row",
        expected=say("a site other than in from"),
    )


def _check_goals(drafts: Drafts) -> None:
    plain_goals = [goal for goal in GOAL_KINDS if ":" not in goal]
    emitted = listed(drafts["EmissionFactors"].rows["pollutant"])
    good = [*plain_goals, *(f"emission:{pollutant}" for pollutant in emitted)]
    for row, goal in by_row(drafts["Goals"].sound("goal"), "goal"):
        if goal in good:
            continue
        kind, colon, pollutant = goal.partition(":")
        if kind == "emission" and colon and pollutant.strip():
            drafts["Goals"].warning(
                row,
                "goal",
                "nothing emits {pollutant!r}, so the goal has no effect: correct the name, "
                "or add it to EmissionFactors ({value})",
                pollutant=shorten(pollutant),
                value=quoted(emitted) or say("blank now"),
                suggestion=nearest(goal, good),
            )
        else:
            drafts["Goals"].error(
                row,
                "goal",
                "there is no goal {goal!r}: correct the name, or delete the row",
                goal=shorten(goal),
                expected=say("one of ")
                + ", ".join(shown_word("goal", kind) for kind in GOAL_KINDS).replace(
                    "<pollutant>", say("<pollutant>")
                ),
                suggestion=nearest(goal, good),
            )
