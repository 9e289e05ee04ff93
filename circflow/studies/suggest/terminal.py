"""Suggestions on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circflow.data.one_line import plain
from circflow.i18n import say, say_in
from circflow.report.numbers import columns, number

if TYPE_CHECKING:
    from circflow.studies.suggest.study import Suggestions

_SHOWN = 8


def lines(result: Suggestions) -> list[str]:
    """What is shown on the terminal."""
    currency = result.currency
    head = plain(result.scenario.name)
    shown = [head, "", *_table(result, currency), *_words(result), *_together(result, currency)]
    shown += _almost(result, currency) + _no_market(result, currency) + _questions(result)
    return shown[:-1] if shown and not shown[-1] else shown


def _figure(value: Any) -> str:
    known = value is not None and value == value  # noqa: PLR0124 - NaN
    return number(float(value)) if known else "–"


def _table(result: Suggestions, currency: str) -> list[str]:
    if result.table.empty:
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
        for n, r in enumerate(result.table.to_dict("records"), 1)
    ]
    titles = ["", say("technology"), say("site"), say("gain"), say("value"), say("first tonne"),
              say("capex"), say("break-even"), say("load %")]  # fmt: skip
    first = say(
        "Gain, value and capex in million {currency}; first tonne: {currency} per unit, a bound",
        currency=currency,
    )
    return [first, *columns(titles, rows, left=3), ""]


def _words(result: Suggestions) -> list[str]:
    """What each takes in and makes, and what the verdict hangs on."""
    shown: list[str] = []
    for n, r in enumerate(result.table.to_dict("records"), 1):
        if not r["pays"]:
            continue
        shown.append(
            plain(say("{n}  takes {takes}; makes {makes}", n=n, takes=r["takes"], makes=r["makes"]))
        )
        if r["or_at"]:
            shown.append(
                plain(say("   instead of it, not beside it: at {or_at}", or_at=r["or_at"]))
            )
        if r["gains_most"]:
            shown.append(plain(say("   gains most: {gains_most}", gains_most=r["gains_most"])))
        if r["alike"]:
            shown.append(plain(say("   like: {alike}", alike=r["alike"])))
        if r["hangs_on"]:
            shown.append(plain(say("   hangs on: {hangs_on}", hangs_on=r["hangs_on"])))
    return [*shown, ""] if shown else []


def _together(result: Suggestions, currency: str) -> list[str]:
    if result.portfolio.empty:
        return []
    names = ", ".join(plain(str(u)) for u in result.portfolio["unit"])
    gain = number(result.portfolio_gain)
    return [
        say(
            "Together within the budget: {gain} million {currency} with {names}",
            gain=gain,
            currency=currency,
            names=names,
        ),
        "",
    ]


def _almost(result: Suggestions, currency: str) -> list[str]:
    if result.almost.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), _figure(r["first_tonne_value"]),
         plain(str(r["missing"]))]
        for r in result.almost.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = [say("almost"), say("site"), say("first tonne"), say("what is missing")]
    return [*columns(titles, rows, left=2, total=120), ""]


def _no_market(result: Suggestions, currency: str) -> list[str]:
    if result.no_market.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), plain(str(r["product"])),
         _figure(r["needed_price"]), _figure(r["usual_price"])]
        for r in result.no_market.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = [say("no market for its product"), say("site"), say("product")]
    titles += [say_in("price", "needs"), say("usual price")]
    return [
        say("Prices in {currency} per unit", currency=currency),
        *columns(titles, rows, left=3),
        "",
    ]


def _questions(result: Suggestions) -> list[str]:
    rows = result.questions.head(_SHOWN).to_dict("records")
    shown = [
        plain(
            say("Not sure: {material}: {question}", material=r["material"], question=r["question"])
        )
        for r in rows
    ]
    more = len(result.questions) - len(rows)
    return (
        [*shown, *([say("… and {more} more (-o writes all)", more=more)] if more else []), ""]
        if shown
        else []
    )
