"""Futures and FutureChanges: probabilities, what is changed or stands still, figures in limits."""

from __future__ import annotations

from typing import Any

from circflow.data.cells import written
from circflow.data.changes.address import AddressError
from circflow.data.changes.futures import OFF, OFF_WORDS, futures_of, in_future, outage, target_of
from circflow.data.checks.findings import Drafts, records
from circflow.data.scenario import Scenario, ScenarioError
from circflow.i18n import say
from circflow.i18n.names import shown_word

SLACK = 1e-3
"""By how much the probabilities may miss 1."""


def check_futures(drafts: Drafts) -> None:
    """Probabilities that add up, and every change on its own."""
    _check_probabilities(drafts)
    for record in records(drafts["FutureChanges"].rows):
        _check_change(drafts, record)


def _check_probabilities(drafts: Drafts) -> None:
    draft = drafts["Futures"]
    rows = draft.rows
    if not len(rows) or len(draft.unread("probability")):
        return
    total = float(rows["probability"].sum())
    if abs(total - 1.0) > SLACK * (1.0 + 1e-9):
        drafts["Futures"].error(
            rows["row"][-1],
            "probability",
            "the probabilities add up to {total}: make them add up to 1",
            total=written(round(total, 9)),
            expected=say("probabilities that add up to 1"),
        )


def _check_change(drafts: Drafts, record: dict[str, Any]) -> None:
    draft, row = drafts["FutureChanges"], record["row"]
    if not draft.is_sound(row, "change"):
        return
    is_off = record["change"] == OFF
    blank = record["value"] != record["value"]
    if draft.is_sound(row, "value") and is_off is not blank:
        message = (
            say("off takes no value: clear the cell")
            if is_off
            else say(
                "the row does not say the value of the {change}: fill it in",
                change=shown_word("change", record["change"]),
            )
        )
        expected = say("a blank cell") if is_off else say("a number")
        drafts["FutureChanges"].error(row, "value", message, expected=expected)
    if not is_off and record["period"] is not None and draft.is_sound(row, "period"):
        drafts["FutureChanges"].error(
            row,
            "period",
            "only off has a period: clear the cell, and name the period in the address's brackets",
            expected=say("a blank cell"),
        )
    if draft.is_sound(row, "parameter"):
        _check_target(drafts, row, record["parameter"], is_off)


def _check_target(drafts: Drafts, row: int, text: str, is_off: bool) -> None:
    sheet = text.partition("[")[0].partition(".")[0].strip()
    if sheet in drafts and (drafts[sheet].broken or drafts[sheet].faulty):
        return  # names that could not be read there have their own errors
    try:
        if is_off:
            outage(drafts.tables, text, None)
        else:
            target_of(drafts.tables, text)
    except AddressError as problem:
        drafts["FutureChanges"].wrong_address(row, problem, say(OFF_WORDS) if is_off else "")


def check_what_comes(drafts: Drafts, scenario: Scenario) -> None:
    """The figures of every future keep the limits that those of the scenario keep."""
    for future in futures_of(scenario):
        try:
            in_future(scenario, future)
        except ScenarioError as error:
            drafts.findings.problems.extend(error.problems)
