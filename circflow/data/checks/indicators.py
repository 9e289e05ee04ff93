"""Indicators: a row tells something, and what circflow computes is not typed in."""

from __future__ import annotations

import numpy as np

from circflow.data.checks.findings import Drafts
from circflow.data.schema.indicators import BY_INDICATOR, COMPUTED, EMITTED, Computed
from circflow.data.suggest import nearest
from circflow.i18n import say


def check_indicators(drafts: Drafts) -> None:
    """A value, a target, or both; a computed indicator stands in its group and takes a target."""
    columns = ("group", "indicator", "member", "period", "value", "target", "weight")
    rows = drafts["Indicators"].sound(*columns)
    computed = [_computed(name) for name in rows["indicator"]]
    known = np.array([c is not None for c in computed], dtype=bool)
    weighed, given = rows["weight"].notna(), rows["value"].notna()
    drafts.error(
        "Indicators",
        rows[~given & rows["target"].isna() & ~(known & weighed)],
        "value",
        "the row tells nothing: give a value, a target, or both",
        expected=say("a number"),
    )
    drafts.error(
        "Indicators",
        rows[weighed & (rows["member"].notna() | rows["period"].notna())],
        "weight",
        "an index compares clusters over the horizon: weigh a row without member and period",
        expected=say("a blank cell"),
    )
    drafts.error(
        "Indicators",
        rows[known & given],
        "value",
        "circflow computes {indicator} from the plan: clear the value, keep the target, "
        "or give the indicator another name",
        expected=say("a blank cell"),
    )
    of_cluster = np.array([c is not None and not c.members for c in computed], dtype=bool)
    drafts.error(
        "Indicators",
        rows[of_cluster & rows["member"].notna()],
        "member",
        "{indicator} is computed for the cluster as a whole: clear the member",
        expected=say("a blank cell"),
    )
    for row, group, name, one in zip(
        rows.index, rows["group"], rows["indicator"], computed, strict=True
    ):
        if one is None:
            _check_name(drafts, row, name)
            continue
        if group != one.group:
            drafts.error(
                "Indicators",
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
    known = list(dict.fromkeys(drafts["EmissionFactors"].frame["pollutant"].dropna()))
    if pollutant in known or drafts["EmissionFactors"].faulty:
        return
    closest = nearest(pollutant, known)
    better = f"{EMITTED}:{closest}" if closest else ""
    drafts.error(
        "Indicators",
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
        drafts.warning(
            "Indicators",
            number,
            "indicator",
            "{name!r} is taken as an indicator of your own; circflow computes {closest!r}",
            name=name,
            closest=closest,
            suggestion=closest,
        )
