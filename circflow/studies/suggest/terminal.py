"""Suggestions on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circflow.data.one_line import plain
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
        return ["No technology of the library would pay here.", ""]
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
    titles = ["", "technology", "site", "gain", "value", "first tonne", "capex", "break-even",
              "load %"]  # fmt: skip
    first = (
        f"Gain, value and capex in million {currency}; first tonne: {currency} per unit, a bound"
    )
    return [first, *columns(titles, rows, left=3), ""]


def _words(found: Suggestions) -> list[str]:
    """What each takes in and makes, and what the verdict hangs on."""
    made: list[str] = []
    for n, r in enumerate(found.table.to_dict("records"), 1):
        if not r["pays"]:
            continue
        made.append(plain(f"{n}  takes {r['takes']}; makes {r['makes']}"))
        if r["or_at"]:
            made.append(plain(f"   instead of it, not beside it: at {r['or_at']}"))
        if r["gains_most"]:
            made.append(plain(f"   gains most: {r['gains_most']}"))
        if r["alike"]:
            made.append(plain(f"   like: {r['alike']}"))
        if r["hangs_on"]:
            made.append(plain(f"   hangs on: {r['hangs_on']}"))
    return [*made, ""] if made else []


def _together(found: Suggestions, currency: str) -> list[str]:
    if found.portfolio.empty:
        return []
    names = ", ".join(plain(str(u)) for u in found.portfolio["unit"])
    gain = number(found.portfolio_gain)
    return [f"Together within the budget: {gain} million {currency} with {names}", ""]


def _almost(found: Suggestions, currency: str) -> list[str]:
    if found.almost.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), _figure(r["first_tonne_value"]),
         plain(str(r["missing"]))]
        for r in found.almost.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = ["almost", "site", "first tonne", "what is missing"]
    return [*columns(titles, rows, left=2, total=120), ""]


def _no_market(found: Suggestions, currency: str) -> list[str]:
    if found.no_market.empty:
        return []
    rows = [
        [plain(str(r["technology"])), plain(str(r["site"])), plain(str(r["product"])),
         _figure(r["needed_price"]), _figure(r["usual_price"])]
        for r in found.no_market.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = ["no market for its product", "site", "product", "needs", "usual price"]
    return [f"Prices in {currency} per unit", *columns(titles, rows, left=3), ""]


def _questions(found: Suggestions) -> list[str]:
    rows = found.questions.head(_SHOWN).to_dict("records")
    made = [plain(f"Not sure: {r['material']}: {r['question']}") for r in rows]
    more = len(found.questions) - len(rows)
    return [*made, *([f"… and {more} more (-o writes all)"] if more else []), ""] if made else []
