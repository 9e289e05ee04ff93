"""Suggestions on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circflow.data.one_line import plain
from circflow.i18n import say
from circflow.report.numbers import columns, number

if TYPE_CHECKING:
    from circflow.studies.suggest.study import Suggestions

_SHOWN = 8


def lines(found: Suggestions) -> list[str]:
    """What is shown on the terminal."""
    currency = found.currency
    head = plain(found.scenario.name)
    made = [head, "", *_table(found, currency), *_words(found), *_together(found, currency)]
    made += _almost(found, currency) + _no_market(found, currency) + _questions(found)
    return made[:-1] if made and not made[-1] else made


def _figure(value: Any) -> str:
    known = value is not None and value == value  # noqa: PLR0124 - NaN
    return number(float(value)) if known else "–"


def _table(found: Suggestions, currency: str) -> list[str]:
    if found.table.empty:
        return [say("No technology of the library would pay here."), ""]
    rows = [
        [
            str(n),
            plain(str(r["technology"])),
            plain(str(r["site"])),
            _figure(r["gain"]),
            _figure(r["value"]),
            _figure(r["first_tonne_value"]),
            _figure(r["capex_million"]),
            _figure(r["break_even_capex_million"]),
            _figure(100 * r["load_share"]) if r["load_share"] is not None else "–",
        ]
        for n, r in enumerate(found.table.to_dict("records"), 1)
    ]
    titles = ["", "technology", "site", "gain", "value", say("first tonne"), "capex", "break-even",
              say("load %")]  # fmt: skip
    first = say(
        "Gain, value and capex in million {currency}; first tonne: {currency} per unit, a bound",
        currency=currency,
    )
    return [first, *columns(titles, rows, left=3), ""]


def _words(found: Suggestions) -> list[str]:
    """What each takes in and makes, and what the verdict hangs on."""
    made: list[str] = []
    for n, r in enumerate(found.table.to_dict("records"), 1):
        if not r["pays"]:
            continue
        made.append(
            plain(say("{n}  takes {takes}; makes {makes}", n=n, takes=r["takes"], makes=r["makes"]))
        )
        if r["or_at"]:
            made.append(plain(say("   instead of it, not beside it: at {or_at}", or_at=r["or_at"])))
        if r["gains_most"]:
            made.append(plain(say("   gains most: {gains_most}", gains_most=r["gains_most"])))
        if r["alike"]:
            made.append(plain(say("   like: {alike}", alike=r["alike"])))
        if r["hangs_on"]:
            made.append(plain(say("   hangs on: {hangs_on}", hangs_on=r["hangs_on"])))
    return [*made, ""] if made else []


def _together(found: Suggestions, currency: str) -> list[str]:
    if found.portfolio.empty:
        return []
    names = ", ".join(plain(str(u)) for u in found.portfolio["unit"])
    gain = number(found.portfolio_gain)
    return [
        say(
            "Together within the budget: {gain} million {currency} with {names}",
            gain=gain,
            currency=currency,
            names=names,
        ),
        "",
    ]


def _almost(found: Suggestions, currency: str) -> list[str]:
    if found.almost.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), _figure(r["first_tonne_value"]),
         plain(str(r["missing"]))]
        for r in found.almost.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = ["almost", "site", say("first tonne"), say("what is missing")]
    return [*columns(titles, rows, left=2, total=120), ""]


def _no_market(found: Suggestions, currency: str) -> list[str]:
    if found.no_market.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), plain(str(r["product"])),
         _figure(r["needed_price"]), _figure(r["usual_price"])]
        for r in found.no_market.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = [say("no market for its product"), "site", "product", "needs", say("usual price")]
    return [
        say("Prices in {currency} per unit", currency=currency),
        *columns(titles, rows, left=3),
        "",
    ]


def _questions(found: Suggestions) -> list[str]:
    rows = found.questions.head(_SHOWN).to_dict("records")
    made = [
        plain(
            say("Not sure: {material}: {question}", material=r["material"], question=r["question"])
        )
        for r in rows
    ]
    more = len(found.questions) - len(rows)
    return (
        [*made, *([say("… and {more} more (-o writes all)", more=more)] if more else []), ""]
        if made
        else []
    )
