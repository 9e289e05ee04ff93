"""What a library's own sheets must keep: codes, sources, sizes, and mass balances that close."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from circflow.data.cells import plain, shorten
from circflow.data.checks.findings import Drafts, among, listed
from circflow.data.checks.rules import check_crossed, doubt_sizes
from circflow.data.coded import by_row
from circflow.data.suggest import nearest
from circflow.i18n import say
from circflow.library.balance import balances
from circflow.library.schema import split_list

_WASTE_CODE = re.compile(r"\d{2} ?\d{2} ?\d{2} ?\*?")
_FKKO = re.compile(r"\d(?: ?\d){0,10}")
CLOSED = 0.01
"""Share of what goes in by which a mass balance may be open."""


def check_texts(drafts: Drafts) -> None:
    """Codes of wastes, sources that stand in Sources, technologies that have a recipe."""
    _check_codes(drafts, "waste_code", _WASTE_CODE, say("six figures, such as 10 02 02"))
    _check_codes(drafts, "fkko", _FKKO, say("up to eleven figures, such as 3 51 110"))
    for sheet in ("Technologies", "Materials"):
        _check_sources(drafts, sheet)
    if drafts["Recipes"].broken:
        return
    rows = drafts["Technologies"].sound("technology")
    cooked = {None, *drafts["Recipes"].rows["technology"].tolist()}
    drafts["Technologies"].error(
        rows.take(~among(rows["technology"], cooked)),
        "technology",
        "{technology!r} has no recipe: add its rows in Recipes, or delete the row",
        expected=say("a technology with rows in Recipes"),
    )


def _check_codes(drafts: Drafts, column: str, pattern: re.Pattern[str], example: str) -> None:
    for row, text in by_row(drafts["Materials"].sound(column), column):
        wrong = [code for code in split_list(text) if not pattern.fullmatch(code)]
        if wrong:
            drafts["Materials"].error(
                row,
                column,
                "{wrong!r} is no such code: write {example}, several separated by ;",
                wrong=shorten(wrong[0]),
                example=example,
                expected=example,
            )


def _check_sources(drafts: Drafts, sheet: str) -> None:
    known = listed(drafts["Sources"].rows["id"])
    for row, text in by_row(drafts[sheet].sound("source"), "source"):
        for name in split_list(text):
            if name not in known:
                drafts[sheet].error(
                    row,
                    "source",
                    "there is no source {name!r} in Sources: correct the name, or add it",
                    name=shorten(name),
                    expected=say("ids from the sheet Sources, separated by ;"),
                    suggestion=nearest(name, known),
                )


def check_figures(drafts: Drafts) -> None:
    """Sizes in order, prices with their currency and year, mass balances that close."""
    _check_sizes(drafts)
    _check_prices(drafts)
    _check_balances(drafts)


def _check_sizes(drafts: Drafts) -> None:
    columns = ("capacity_per_year", "capacity_max_per_year", "capex_million", "capex_max_million")
    check_crossed(drafts, "Technologies", "capacity_max_per_year", "capacity_per_year")
    rows = drafts["Technologies"].sound(*columns)
    doubt_sizes(drafts, "Technologies", rows, ("capex_max_million",))


def _check_prices(drafts: Drafts) -> None:
    rows = drafts["Materials"].sound("price", "currency", "price_year")
    for column in ("currency", "price_year"):
        drafts["Materials"].error(
            rows.take(~np.isnan(rows["price"]) & pd.isna(rows[column])),
            column,
            "the price has no {column}: fill it in, or clear the price",
            column=column,
            expected=drafts["Materials"].sheet[column].expected,
        )


def _check_balances(drafts: Drafts) -> None:
    """A recipe makes as much as it takes in, its losses named."""
    if drafts.has_faults:
        return
    recipes, materials, named = (
        drafts[sheet].table.frame for sheet in ("Recipes", "Materials", "Balance")
    )
    by_recipe = balances(recipes, materials, named)
    rows = recipes.reset_index().groupby(["technology", "recipe"])["row"].first()
    for technology, recipe, taken, output in by_recipe.itertuples(index=False):
        if abs(taken - output) <= CLOSED * max(taken, output):
            continue
        row = int(rows.loc[technology, recipe])
        sums = say(
            "{taken} t go in, {output} t come out",
            taken=plain(round(taken, 6)),
            output=plain(round(output, 6)),
        )
        drafts["Recipes"].warning(
            row,
            "amount",
            "the mass balance of {technology!r}, {recipe!r}, is open: {sums}; name what "
            "is missing in Balance",
            technology=shorten(technology),
            recipe=shorten(recipe),
            sums=sums,
        )
