"""Suggestions on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from circflow.data.one_line import plain
from circflow.i18n import say, say_in
from circflow.report.numbers import number, table_lines
from circflow.studies.suggest.study import Suggestions

_SHOWN = 8


def lines(result: Suggestions) -> list[str]:
    """What is shown on the terminal."""
    parts = (_suggestions, _words, _together, _almost, _no_market, _questions)
    shown = [plain(result.scenario.name), ""]
    for part in parts:
        block = list(part(result))
        shown += [*block, ""] if block else []
    return shown[:-1]


def _suggestions(result: Suggestions) -> Iterator[str]:
    if result.table.empty:
        yield say("No technology of the library would pay here.")
        return
    yield say(
        "Gain, value and capex in million {currency}; first tonne: {currency} per unit, a bound",
        currency=result.currency,
    )
    rows = result.table.assign(load_share=100.0 * result.table["load_share"].astype(float))
    rows["n"] = [str(n) for n in range(1, len(rows) + 1)]
    titles = {
        "n": "",
        "technology": say("technology"),
        "site": say("site"),
        "gain": say("gain"),
        "value": say("value"),
        "first_tonne_value": say("first tonne"),
        "capex_million": say("capex"),
        "break_even_capex_million": say("break-even"),
        "load_share": say("load %"),
    }
    yield from table_lines(rows, titles, left=3)


def _words(result: Suggestions) -> Iterator[str]:
    """What each takes in and makes, and what the verdict hangs on."""
    for n, r in enumerate(result.table.to_dict("records"), 1):
        if not r["pays"]:
            continue
        yield plain(
            say("{n}  takes {takes}; makes {makes}", n=n, takes=r["takes"], makes=r["makes"])
        )
        if r["or_at"]:
            yield plain(say("   instead of it, not beside it: at {or_at}", or_at=r["or_at"]))
        if r["gains_most"]:
            yield plain(say("   gains most: {gains_most}", gains_most=r["gains_most"]))
        if r["alike"]:
            yield plain(say("   like: {alike}", alike=r["alike"]))
        if r["hangs_on"]:
            yield plain(say("   hangs on: {hangs_on}", hangs_on=r["hangs_on"]))


def _together(result: Suggestions) -> Iterator[str]:
    if len(result.portfolio):
        yield say(
            "Together within the budget: {gain} million {currency} with {names}",
            gain=number(result.portfolio_gain),
            currency=result.currency,
            names=", ".join(plain(str(u)) for u in result.portfolio["unit"]),
        )


def _almost(result: Suggestions) -> list[str]:
    titles = {
        "technology": say("almost"),
        "site": say("site"),
        "first_tonne_value": say("first tonne"),
        "missing": say("what is missing"),
    }
    return table_lines(result.almost.head(_SHOWN), titles, left=2, total=120)


def _no_market(result: Suggestions) -> Iterator[str]:
    if len(result.no_market):
        titles = {
            "technology": say("no market for its product"),
            "site": say("site"),
            "product": say("product"),
            "needed_price": say_in("price", "needs"),
            "usual_price": say("usual price"),
        }
        yield say("Prices in {currency} per unit", currency=result.currency)
        yield from table_lines(result.no_market.head(_SHOWN), titles, left=3)


def _questions(result: Suggestions) -> Iterator[str]:
    for r in result.questions.head(_SHOWN).to_dict("records"):
        yield plain(
            say("Not sure: {material}: {question}", material=r["material"], question=r["question"])
        )
    more = len(result.questions) - _SHOWN
    if more > 0:
        yield say("… and {more} more (-o writes all)", more=more)
