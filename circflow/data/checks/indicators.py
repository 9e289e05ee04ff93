"""Indicators: a row tells something, and what circflow computes is not typed in."""

from __future__ import annotations

from math import isnan
from typing import Any

from circflow.data.checks.findings import Drafts, records
from circflow.data.schema.indicators import BY_INDICATOR, COMPUTED, EMITTED, Computed
from circflow.data.suggest import nearest
from circflow.i18n import say


def check_indicators(drafts: Drafts) -> None:
    """A value, a target, or both; a computed indicator stands in its group and takes a target."""
    draft = drafts["Indicators"]
    columns = ("group", "indicator", "member", "period", "value", "target", "weight")
    for row in records(draft.sound(*columns)):
        number, name = row["row"], row["indicator"]
        computed = _computed(name)
        weighed = not isnan(row["weight"])
        if isnan(row["value"]) and isnan(row["target"]) and not (computed and weighed):
            drafts.error(
                "Indicators",
                number,
                "value",
                "the row tells nothing: give a value, a target, or both",
                expected=say("a number"),
            )
        if weighed and (row["member"] is not None or row["period"] is not None):
            drafts.error(
                "Indicators",
                number,
                "weight",
                "an index compares clusters over the horizon: weigh a row without member and "
                "period",
                expected=say("a blank cell"),
            )
        if computed is None:
            _check_name(drafts, number, name)
            continue
        _check_computed(drafts, row, computed)


def _computed(name: str) -> Computed | None:
    """The indicator that circflow computes under a name."""
    stem, colon, _ = name.partition(":")
    return BY_INDICATOR.get(stem) if bool(colon) == (stem == EMITTED) else None


def _check_computed(drafts: Drafts, row: dict[str, Any], computed: Computed) -> None:
    number, name = row["row"], row["indicator"]
    if not isnan(row["value"]):
        drafts.error(
            "Indicators",
            number,
            "value",
            "circflow computes {name} from the plan: clear the value, keep the target, "
            "or give the indicator another name",
            name=name,
            expected=say("a blank cell"),
        )
    if row["group"] != computed.group:
        drafts.error(
            "Indicators",
            number,
            "group",
            "{name}, which circflow computes, belongs to the group {group}",
            name=name,
            group=computed.group,
            expected=computed.group,
            suggestion=computed.group,
        )
    if not computed.members and row["member"] is not None:
        drafts.error(
            "Indicators",
            number,
            "member",
            "{name} is computed for the cluster as a whole: clear the member",
            name=name,
            expected=say("a blank cell"),
        )
    if name.startswith(EMITTED):
        _check_pollutant(drafts, number, name)


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
