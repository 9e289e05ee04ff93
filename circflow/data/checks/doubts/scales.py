"""Figures of a wrong sign or scale, and units of measure that look like others.

All of them are allowed, and all of them mean something else than most planners think: a share of
25 for 25 %, a fee below zero, capital in currency where millions are asked for. Each is doubted at
its cell with what it means as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from circflow.data.cells import BadCellError, parse_number, plain, shorten, written
from circflow.data.checks.findings import Draft, Drafts, among
from circflow.data.checks.rows import is_dash, is_totals
from circflow.data.coded import Items, by_row, objects
from circflow.data.schema.measures import TONNE, canonical, meant
from circflow.data.schema.sheets import BY_NAME
from circflow.data.suggest import folded
from circflow.i18n import mark, say

_MILLION = 1e6
_LARGEST_RATE = 0.5
_LONG_DETOUR = 3.0
_CAPITAL, _YEARLY = 1e5, 1e4
"""Capital, and fixed cost, per unit of yearly capacity, in typical prices, from which they are
doubted. A plant costs a hundredth to a thousand times the price of what it handles in a year."""
_BUDGET = 1e4
"""A budget in terms of the capital of all candidates."""
_FACTOR = 10.0
"""Factors beyond are doubted in Studies and Ranges."""

_INCOME: dict[tuple[str, str], str] = {
    ("Disposal", "fee"): mark("dumping earns {figure} a unit"),
    ("Purchases", "price"): mark("whoever takes it is paid {figure} a unit"),
    ("RecipeCosts", "variable_cost"): mark("running earns {figure} per unit of activity"),
    ("Units", "fixed_cost_million_per_year"): mark("having the unit earns {figure} million a year"),
    ("Units", "fixed_cost_max_million_per_year"): mark(
        "having the unit earns {figure} million a year"
    ),
    ("UnitPeriods", "fixed_cost_million_per_year"): mark(
        "having the unit earns {figure} million a year"
    ),
    ("Modes", "cost_per_unit_km"): mark("every kilometre earns {figure} a unit"),
    ("Modes", "fixed_cost"): mark("loading earns {figure} a unit"),
    ("Links", "cost"): mark("the way earns {figure} a unit"),
    ("Stockpiles", "add_cost"): mark("adding earns {figure} a unit"),
    ("Stockpiles", "reclaim_cost"): mark("taking back earns {figure} a unit"),
    ("Stockpiles", "holding_cost"): mark("keeping earns {figure} a unit and year"),
    ("EmissionLimits", "price"): mark("every tonne emitted earns {figure}"),
}
"""Costs, and what one below zero means."""


def check_scales(drafts: Drafts) -> None:
    """Doubt what a figure or a unit means as it stands."""
    _check_measures(drafts)
    _check_names(drafts)
    _check_signs(drafts)
    _check_settings(drafts)
    _check_blend_shares(drafts)
    _check_millions(drafts)
    _check_factors(drafts)


def _check_measures(drafts: Drafts) -> None:
    """Units of measure that look like a known one, or like another of the sheet."""
    known: dict[str, tuple[str, int]] = {}
    for row, unit in by_row(drafts["Materials"].sound("unit"), "unit"):
        good, reason = (TONNE, "") if is_dash(unit) else meant(unit)
        words, at = "", row
        if is_dash(unit):
            words = mark(
                "{unit!r} is a unit of its own here: leave the cell blank for {good}, or "
                "write the unit"
            )
        elif good:
            words = mark(
                "{unit!r} is not the unit {good} ({reason}) but one of its own, which totals "
                "in {good} leave out: write {good}, or keep it if it is meant"
            )
        else:
            good, at = known.setdefault(folded(canonical(unit)).rstrip("."), (unit, row))
            words = mark(
                "{unit!r} and {good!r} (row {at}) are two units, which totals keep apart: "
                "write them alike"
            )
        if good != unit:
            drafts["Materials"].warning(
                row,
                "unit",
                words,
                unit=shorten(unit),
                good=shorten(good),
                reason=reason,
                at=at,
                suggestion=good,
            )


def _check_names(drafts: Drafts) -> None:
    """Sites, materials and the like that are called like a row of totals, or a dash."""
    for sheet in ("Members", "Sites", "Materials", "Units"):
        name = BY_NAME[sheet].key[0]
        for row, text in by_row(drafts[sheet].sound(name), name):
            if is_totals(text) or is_dash(text):
                what = "totals" if is_totals(text) else "nothing"
                drafts[sheet].warning(
                    row,
                    name,
                    "a {name} is called {text!r}: delete the row if it holds {what}",
                    name=name,
                    text=shorten(text),
                    what=what,
                )


def _check_signs(drafts: Drafts) -> None:
    """Costs below zero, and products that are sold below zero."""
    for (sheet, column), words in _INCOME.items():
        if column in drafts[sheet].letters:
            rows = drafts[sheet].sound(column)
            _doubt_sign(drafts[sheet], rows.take(rows[column] < 0), column, words)
    markets = drafts["Markets"].sound("material", "price")
    materials = drafts["Materials"].rows
    sold = among(materials["category"], ("product", "energy"))
    products = set(materials["material"][sold].tolist())
    cheap = markets.take((markets["price"] < 0) & among(markets["material"], products))
    words = mark("the seller of a product pays {figure} a unit")
    _doubt_sign(drafts["Markets"], cheap, "price", words)


def _doubt_sign(draft: Draft, rows: Items, column: str, words: str) -> None:
    for row, value in by_row(rows, column):
        draft.warning(
            row,
            column,
            "{at} is below 0: {meaning}; write it without the minus sign, unless that is meant",
            at=draft.sheet[column].shown,
            meaning=say(words, figure=written(-value)),
            suggestion=plain(-value),
        )


def _check_settings(drafts: Drafts) -> None:
    """The sheet Scenario: rates in per cent, costs below zero, ways shorter than straight."""
    for row, key, value in _settings(drafts):
        words, likely, money = "", "", key.startswith("transaction_cost")
        if key == "discount_rate" and value > _LARGEST_RATE:
            words = mark("a rate of {value} is {percent} % a year: write 10 % as 0.1")
            likely = plain(value / 100) if value >= 1 else ""
        elif key == "discount_rate" and value < 0:
            words = mark(
                "a rate below 0 makes later money worth more: write it without the minus sign"
            )
        elif key == "detour_factor" and value < 1:
            words = mark(
                "a detour factor of {value} makes ways shorter than a straight line: write 1 or "
                "more"
            )
        elif key == "detour_factor" and value > _LONG_DETOUR:
            words = mark("ways are {value} times the straight line: write 30 % longer as 1.3")
            likely = plain(1 + value / 100) if value > 10 else ""
        elif money and value < 0:
            words = mark(
                "a cost below 0: every unit moved earns {opposite}; write it without the minus "
                "sign, unless that is meant"
            )
        if words:
            likely = plain(-value) if value < 0 and key != "detour_factor" else likely
            figures = {"value": value, "percent": value * 100, "opposite": -value}
            message = say(words, **{name: written(figure) for name, figure in figures.items()})
            drafts["Scenario"].warning(row, "value", f"{key}: {message}", suggestion=likely)


def _settings(drafts: Drafts) -> Iterator[tuple[int, str, float]]:
    """Row, key and figure of the settings that are numbers."""
    for row, key, text in by_row(drafts["Scenario"].sound("key", "value"), "key", "value"):
        try:
            value = parse_number(text)
        except BadCellError:
            continue
        if isinstance(key, str) and value is not None:
            yield row, key, value


def _check_blend_shares(drafts: Drafts) -> None:
    """Limits on the share of a material above 1, which nothing can exceed."""
    for column in ("min", "max"):
        rows = drafts["BlendLimits"].sound("material", column)
        over = rows.take(pd.notna(rows["material"]) & (rows[column] > 1))
        likely = objects(plain(v / 100) if v <= 100 else "" for v in over[column].tolist())
        drafts["BlendLimits"].warning(
            over.plus(value=over[column], plain=over[column] * 100, suggestion=likely),
            column,
            "a share of {value} is {plain} %: write 25 % as 0.25",
        )


def _check_millions(drafts: Drafts) -> None:
    """Lump sums that are out of all proportion to prices: typed in currency, not in millions."""
    sheets = (drafts["Markets"], drafts["Purchases"])
    prices = np.abs(np.concatenate([draft.sound("price")["price"] for draft in sheets]))
    prices = prices[prices > 0]
    if not len(prices):
        return
    price = float(np.median(prices))
    for column, size, most in (
        ("capex_million", "capacity_per_year", _CAPITAL),
        ("capex_max_million", "capacity_max_per_year", _CAPITAL),
        ("fixed_cost_million_per_year", "capacity_per_year", _YEARLY),
        ("fixed_cost_max_million_per_year", "capacity_max_per_year", _YEARLY),
    ):
        rows = drafts["Units"].sound(column, size)
        rows = rows.take((rows[size] > 0) & (rows[column] > 0))
        for row, value, capacity in by_row(rows, column, size):
            each = value * _MILLION / capacity
            if each / price >= most:
                _doubt_million(drafts["Units"], row, column, value, each)
    units = drafts["Units"].sound("capex_million", "capex_max_million")
    capital = np.fmax(units["capex_million"], units["capex_max_million"])
    capital = capital[capital > 0]
    budget = drafts["Budget"].sound("budget_million")
    high = budget["budget_million"] > _BUDGET * capital.sum()
    for row, value in by_row(budget.take(high), "budget_million") if len(capital) else ():
        _doubt_million(drafts["Budget"], row, "budget_million", value, np.nan)


def _doubt_million(draft: Draft, row: int, column: str, value: float, each: float) -> None:
    per = "" if np.isnan(each) else say(", {each:,.0f} per unit of yearly capacity", each=each)
    draft.warning(
        row,
        column,
        "{at} is {value:,.0f} million currency{per}: write it in millions",
        at=column,
        value=value,
        per=per,
        suggestion=plain(value / _MILLION),
    )


def _check_factors(drafts: Drafts) -> None:
    """Factors that look like percentages."""
    for sheet, columns in (("Ranges", ("low", "high")), ("Studies", ("from", "to"))):
        rows = drafts[sheet].sound("change", *columns)
        for column in columns:
            beyond = (rows[column] < 0) | (rows[column] > _FACTOR)
            odd = rows.take((rows["change"] == "factor") & beyond)
            likely = (plain(1 + v / 100) if -100 < v <= 100 else "" for v in odd[column].tolist())
            drafts[sheet].warning(
                odd.plus(value=odd[column], suggestion=objects(likely)),
                column,
                "the figure is multiplied by {value}: write 20 % less and more as 0.8 and 1.2",
            )
