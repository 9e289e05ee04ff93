"""A library in words: one line of a technology, all of one, the table of all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from circflow.i18n import ENGLISH, current, localised, mark, say
from circflow.i18n.names import shown_measure, shown_word
from circflow.library.balance import balances
from circflow.library.read import Library
from circflow.library.schema import split_list


def size_words(row: Mapping[Hashable, Any]) -> str:
    """A technology's sizes: `200 000-1 000 000`."""
    return _span(figure(size) for size in _sizes(row))


def _sizes(row: Mapping[Hashable, Any]) -> list[float]:
    sizes = [row["capacity_per_year"], row["capacity_max_per_year"]]
    return [size for size in dict.fromkeys(sizes) if not pd.isna(size)]


def _span(figures: Iterable[str]) -> str:
    """From one figure to another, as the language in force writes it."""
    return ("-" if current() == ENGLISH else "–").join(figures)


def figure(number: float) -> str:
    """A number to four figures, its thousands apart."""
    rounded = float(f"{number:.4g}")
    text = f"{rounded:,.12f}".rstrip("0").rstrip(".")
    return localised(text, " ")


def materials_of(library: Library, technology: str, role: str) -> list[str]:
    """The materials that a technology takes in or makes, each once."""
    rows = library.recipes
    of_role = rows[(rows["technology"] == technology) & (rows["role"] == role)]
    return list(dict.fromkeys(of_role["material"]))


def description(library: Library, technology: str) -> Iterator[str]:
    """All of one technology, line by line."""
    rows = library.technologies
    row = rows[rows["technology"] == technology].iloc[0].to_dict()
    money = say(
        "{currency} of {price_year}", currency=row["currency"], price_year=int(row["price_year"])
    )
    others = list(split_list(row["synonyms_ru"]))
    if current() == ENGLISH:
        yield f"{technology}: {row['name'] or technology}"
        if row["name_ru"]:
            yield f"  {row['name_ru']}"
        others = [*split_list(row["synonyms"]), *others]
    else:
        yield technology
    if others:
        yield say("  also: {others}", others=", ".join(others))
    yield say("  sector: {sector}", sector=shown_word("sector", row["sector"]))
    yield say("  size: {size_words} a year", size_words=size_words(row))
    yield say(
        "  capex: {capex} million {money}, ±{accuracy:.0%}",
        capex=_capex(library, row),
        money=money,
        accuracy=row["accuracy"],
    )
    yield say(
        "  fixed cost: {fixed_cost_million_per_year} million a year",
        fixed_cost_million_per_year=figure(row["fixed_cost_million_per_year"]),
    )
    yield say("  jobs: {jobs}", jobs=figure(row["jobs"]))
    life = say(
        "{lifetime_years} years, {construction_years} to build",
        lifetime_years=int(row["lifetime_years"]),
        construction_years=int(row["construction_years"]),
    )
    yield say(
        "  life: {life}, {availability:.0%} available", life=life, availability=row["availability"]
    )
    yield say(
        "  readiness: {readiness} of 9; figures: {confidence}",
        readiness=int(row["readiness"]),
        confidence=shown_word("confidence", row["confidence"]),
    )
    yield from _recipes(library, technology, money)
    yield from _sources(library, row["source"])


def _capex(library: Library, row: Mapping[Hashable, Any]) -> str:
    return _span(figure(library.capex(row["technology"], size)) for size in _sizes(row))


def _recipes(library: Library, technology: str, money: str) -> Iterator[str]:
    costs = library.costs[library.costs["technology"] == technology]
    sums = balances(library.recipes, library.materials, library.balance)
    sums = sums[sums["technology"] == technology].set_index("recipe")
    units = dict(zip(library.materials["material"], library.materials["unit"], strict=True))
    for recipe in dict.fromkeys(_of(library.recipes, technology)["recipe"]):
        cost = costs["variable_cost"][costs["recipe"] == recipe]
        price = figure(float(cost.iloc[0])) if len(cost) else "0"
        yield say(
            "  recipe {recipe}, {price} {money} per unit of activity",
            recipe=recipe,
            price=price,
            money=money,
        )
        rows = _of(library.recipes, technology, recipe)
        for role, word in (("input", mark("takes")), ("output", mark("makes"))):
            for line in _amounts(rows[rows["role"] == role], units):
                yield f"    {say(word)}  {line}"
        for balance in _of(library.balance, technology, recipe).to_dict("records"):
            word = say("takes") if balance["role"] == "input" else say("loses")
            tonnes = f"{figure(balance['amount'])} {shown_measure('t')}"
            yield f"    {word}  {tonnes} {balance['substance']}"
        yield say(
            "    balance: {taken} t in, {output} t out",
            taken=figure(sums["taken"][recipe]),
            output=figure(sums["made"][recipe]),
        )
    emitted = library.emission_factors
    for factor in emitted[emitted["kind"] == "recipe"].to_dict("records"):
        name, _, recipe = str(factor["key"]).partition("/")
        if name == technology:
            where = f" ({recipe})" if recipe else ""
            yield say(
                "    emits  {factor} t {pollutant}{where}",
                factor=figure(factor["factor"]),
                pollutant=factor["pollutant"],
                where=where,
            )


def _amounts(rows: pd.DataFrame, units: dict[str, str]) -> Iterator[str]:
    """`1 t steel slag`; of a group its materials with `or` between them."""
    groups = rows["group"].fillna(rows["material"] + "\0")
    for _, group in rows.groupby(groups, sort=False):
        amount = group["amount"].iloc[0]
        parts = []
        for material, weight in zip(group["material"], group["weight"], strict=True):
            measure = shown_measure(units[material])
            parts.append(f"{figure(amount / weight)} {measure} {material}")
        yield say(" or ").join(parts)


def _of(frame: pd.DataFrame, technology: str, recipe: str | None = None) -> pd.DataFrame:
    frame = frame[frame["technology"] == technology]
    return frame if recipe is None else frame[frame["recipe"] == recipe]


def _sources(library: Library, listed: str | None) -> Iterator[str]:
    known = dict(zip(library.sources["id"], library.sources["reference"], strict=True))
    for name in split_list(listed):
        yield say("  source {name}: {value}", name=name, value=known[name] or "")
