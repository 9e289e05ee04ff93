"""Indicators: a row tells something, and what circflow computes is not typed in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.data.checks.findings import Drafts, listed
from circflow.data.coded import by_row
from circflow.data.schema.indicators import BY_INDICATOR, COMPUTED, EMITTED, Computed
from circflow.data.suggest import nearest
from circflow.i18n import say


def check_indicators(drafts: Drafts) -> None:
    """A value, a target, or both; a computed indicator stands in its group and takes a target."""
    columns = ("group", "indicator", "member", "period", "value", "target", "weight")
    rows = drafts["Indicators"].sound(*columns)
    computed = [_computed(name) for name in rows["indicator"].tolist()]
    known = np.array([c is not None for c in computed], dtype=bool)
    weighed, given = ~np.isnan(rows["weight"]), ~np.isnan(rows["value"])
    drafts["Indicators"].error(
        rows.take(~given & np.isnan(rows["target"]) & ~(known & weighed)),
        "value",
        "the row tells nothing: give a value, a target, or both",
        expected=say("a number"),
    )
    drafts["Indicators"].error(
        rows.take(weighed & (pd.notna(rows["member"]) | pd.notna(rows["period"]))),
        "weight",
        "an index compares clusters over the horizon: weigh a row without member and period",
        expected=say("a blank cell"),
    )
    drafts["Indicators"].error(
        rows.take(known & given),
        "value",
        "circflow computes {indicator} from the plan: clear the value, keep the target, "
        "or give the indicator another name",
        expected=say("a blank cell"),
    )
    of_cluster = np.array([c is not None and not c.members for c in computed], dtype=bool)
    drafts["Indicators"].error(
        rows.take(of_cluster & pd.notna(rows["member"])),
        "member",
        "{indicator} is computed for the cluster as a whole: clear the member",
        expected=say("a blank cell"),
    )
    named = by_row(rows, "group", "indicator")
    for (row, group, name), one in zip(named, computed, strict=True):
        if one is None:
            _check_name(drafts, row, name)
            continue
        if group != one.group:
            drafts["Indicators"].error(
                row,
                "group",
                "{name}, which circflow computes, belongs to the group {group}",
                name=name,
                group=one.group,
                expected=one.group,
                suggestion=one.group,
            )
        if name.startswith(EMITTED):
            _check_pollutant(drafts, row, name)


def _computed(name: str) -> Computed | None:
    """The indicator that circflow computes under a name."""
    stem, colon, _ = name.partition(":")
    return BY_INDICATOR.get(stem) if bool(colon) == (stem == EMITTED) else None


def _check_pollutant(drafts: Drafts, number: int, name: str) -> None:
    pollutant = name.partition(":")[2]
    known = listed(drafts["EmissionFactors"].rows["pollutant"])
    if pollutant in known or drafts["EmissionFactors"].faulty:
        return
    closest = nearest(pollutant, known)
    better = f"{EMITTED}:{closest}" if closest else ""
    drafts["Indicators"].error(
        number,
        "indicator",
        "the sheet EmissionFactors has no pollutant {pollutant!r}",
        pollutant=pollutant,
        expected="emitted:<pollutant of EmissionFactors>",
        suggestion=better,
    )


def _check_name(drafts: Drafts, number: int, name: str) -> None:
    """A name that nearly is one that circflow computes is doubted."""
    closest = nearest(name, [c.name for c in COMPUTED])
    if closest:
        drafts["Indicators"].warning(
            number,
            "indicator",
            "{name!r} is taken as an indicator of your own; circflow computes {closest!r}",
            name=name,
            closest=closest,
            suggestion=closest,
        )
