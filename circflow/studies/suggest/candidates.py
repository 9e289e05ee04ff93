"""A technology of the library at a site, as rows of the scenario's sheets.

Each suggestion has its own technology (recipes with the scenario's names), one candidate in Units,
and whatever the scenario has not: materials, purchases at the library's usual price, a place for
new wastes, a taker at no price for new by-products. Every row names its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from circflow.data.files.append import Row, with_rows
from circflow.data.read import scenario_of
from circflow.data.scenario import Scenario
from circflow.data.schema.sheets import BY_NAME
from circflow.data.table import Book
from circflow.i18n import say
from circflow.library.schema import split_list
from circflow.studies.suggest.first_tonne import Flow, Offer, Pricing

SOURCE = "library"
"""What stands before the library's ids in the columns `source`."""
Sheets = dict[str, list[Row]]


@dataclass(frozen=True)
class Candidate:
    """A technology at a site, as it is added to a scenario."""

    unit: str
    """Its name, as a unit and as a technology."""
    technology: str
    """The library's."""
    site: str
    offers: tuple[Offer, ...] = field(repr=False)
    """Its recipes that lack nothing there."""
    bought: tuple[str, ...] = ()
    """Materials bought at the library's price."""
    given_away: tuple[str, ...] = ()
    """Products without a market, given away."""
    dumped: tuple[str, ...] = ()
    """Wastes that its site is not known to take."""


def candidate(
    pricing: Pricing, offers: Sequence[Offer], technology: str, site: str, taken: set[str]
) -> Candidate:
    """A technology at a site; `taken` are the names of units and technologies that exist."""
    at = pricing.scenario.codes.known("site", site)
    usable = tuple(o for o in offers if o.technology == technology and o.lacks[at] == 0)
    base = say("{technology} at {site}", technology=technology, site=site)
    name = base = base.replace("/", "-").replace(">", "-")
    number = 2
    while name in taken:
        name, number = f"{base} {number}", number + 1
    taken.add(name)
    bought, away, dumped = dict[str, None](), dict[str, None](), dict[str, None]()
    for flow in (f for offer in usable for f in offer.flows if not f.materials):
        name_there = flow.library_material
        if flow.role == "input" and np.isfinite(flow.price[at, 0]):
            bought[name_there] = None
        elif flow.role == "output" and pricing.materials[name_there]["category"] != "waste":
            away[name_there] = None
        elif flow.role == "output" and pricing.new_fee(at) is not None:
            dumped[name_there] = None
    lists = (tuple(names) for names in (bought, away, dumped))
    return Candidate(name, technology, site, usable, *lists)


def rows_of(pricing: Pricing, candidates: Sequence[Candidate]) -> Sheets:
    """The rows that candidates add to the scenario, by sheet."""
    return _Rows(pricing).of(candidates)


def book_with(pricing: Pricing, candidates: Sequence[Candidate]) -> Book:
    """The workbook of the scenario with the rows of candidates added."""
    return with_rows(pricing.scenario.book, rows_of(pricing, candidates))


def with_candidates(pricing: Pricing, candidates: Sequence[Candidate]) -> Scenario:
    """The scenario with candidates added, read and checked again."""
    return scenario_of(book_with(pricing, candidates))


class _Rows:
    def __init__(self, pricing: Pricing) -> None:
        self.pricing, self.library = pricing, pricing.library
        self.scenario = pricing.scenario
        self.known = set(self.scenario.frame("Materials")["material"])
        self.measured = set(
            self.scenario.frame("Properties")[["material", "property"]].itertuples(
                index=False, name=None
            )
        )
        self.sheets: Sheets = {}
        self.done: set[tuple[str, ...]] = set()

    def of(self, candidates: Sequence[Candidate]) -> Sheets:
        """All rows, by sheet."""
        for one in candidates:
            self._unit(one)
            for offer in one.offers:
                self._recipe(one, offer)
            self._emissions(one)
        return self.sheets

    def _add(self, sheet: str, *, once: tuple[str, ...] = (), **row: Any) -> None:
        """Add a row, without what is blank; of rows with one key the first only."""
        if once and (sheet, *once) in self.done:
            return
        self.done.add((sheet, *once))
        filled = {k: v for k, v in row.items() if v is not None and v == v}  # noqa: PLR0124 - NaN
        self.sheets.setdefault(sheet, []).append(filled)

    def _source(self, text: str | None) -> str:
        """The library's sources, as the scenario cites them."""
        names, texts = self.library.sources["id"], self.library.sources["reference"]
        references = dict(zip(names, texts, strict=True))
        known = set(self.scenario.frame("Sources")["id"])
        for name in split_list(text):
            if f"{SOURCE} {name}" not in known:
                reference = references.get(name)
                self._add("Sources", once=(name,), id=f"{SOURCE} {name}", reference=reference)
        return "; ".join(f"{SOURCE} {name}" for name in split_list(text)) or SOURCE

    def _unit(self, one: Candidate) -> None:
        row = self.pricing.technologies[one.technology]
        rate = self.pricing.rates.factor(str(row["currency"]), row["price_year"])
        least, most = float(row["capacity_per_year"]), row["capacity_max_per_year"]
        figures: dict[str, Any] = {
            "capacity_per_year": least,
            "capex_million": rate * float(row["capex_million"]),
            "fixed_cost_million_per_year": rate * float(row["fixed_cost_million_per_year"]),
        }
        if most == most and most > least:  # noqa: PLR0124 - NaN
            figures["capacity_max_per_year"] = most
            figures["capex_max_million"] = rate * self.library.capex(one.technology, most)
            fixed = self.library.fixed_cost(one.technology, most)
            figures["fixed_cost_max_million_per_year"] = rate * fixed
        names = ("availability", "min_load", "jobs", "lifetime_years", "construction_years")
        known = {n: row[n] for n in names if n in BY_NAME["Units"]}
        self._add(
            "Units",
            unit=one.unit,
            name=row["name"],
            site=one.site,
            technology=one.unit,
            status="candidate",
            can_idle="yes" if row["can_idle"] else None,
            source=self._source(row["source"]),
            note=say(
                "suggested; {confidence} figures, capex ±{value:g} %",
                confidence=row["confidence"],
                value=100 * row["accuracy"],
            ),
            **known,
            **figures,
        )

    # ----------------------------------------------------------------- recipes

    def _recipe(self, one: Candidate, offer: Offer) -> None:
        at = self.scenario.codes.known("site", one.site)
        row = self.pricing.technologies[one.technology]
        source = self._source(row["source"])
        groups: dict[str, dict[str, str]] = {}
        for flow in offer.flows:
            for line in self._lines(one, flow, at):
                if line.get("group") is not None:
                    group = groups.setdefault(str(line["group"]), {})
                    group[str(line["material"])] = flow.library_material
                self._add(
                    "Recipes", technology=one.unit, recipe=offer.recipe, source=source, **line
                )
        rate = self.pricing.rates.factor(str(row["currency"]), row["price_year"])
        costs = self.library.costs
        costs = costs[(costs["technology"] == one.technology) & (costs["recipe"] == offer.recipe)]
        for cost in costs.to_dict("records"):
            self._add(
                "RecipeCosts",
                technology=one.unit,
                recipe=offer.recipe,
                variable_cost=rate * cost["variable_cost"],
                capacity_use=cost["capacity_use"],
                source=source,
            )
        self._blends(one, offer, groups)

    def _lines(self, one: Candidate, flow: Flow, at: int) -> Iterator[dict[str, Any]]:
        """The rows of one flow. Inputs in a group need 1 in all; a unit counts 1/amount."""
        factor = self.pricing.matches.factor
        if not flow.materials:
            name = self._new_material(one, flow, at)
            if name is not None:
                yield self._line(flow, name, flow.amount, flow.group)
            return
        if flow.role == "output":
            name = flow.materials[int(flow.choice[at, -1])]
            yield self._line(flow, name, flow.amount * factor[name], None)
            return
        codes = self.scenario.codes
        arriving = [
            m
            for m in flow.materials
            if np.isfinite(self.pricing.prices.delivered[at, codes.known("material", m)]).all()
        ]
        alone = len(arriving) == 1 and flow.group is None
        for name in arriving:
            group = None if alone else (flow.group or flow.library_material)
            yield self._line(flow, name, flow.amount * factor[name], group)

    @staticmethod
    def _line(flow: Flow, name: str, amount: float, group: str | None) -> dict[str, Any]:
        line: dict[str, Any] = {"role": flow.role, "material": name, "amount": amount}
        if group is not None:
            line |= {"amount": 1.0, "group": group, "weight": 1.0 / amount}
        return line

    def _new_material(self, one: Candidate, flow: Flow, at: int) -> str | None:
        """A material that the scenario has not, with where it comes from or goes; its name."""
        if not np.isfinite(flow.price[at]).all():
            return None
        row = self.pricing.materials[flow.library_material]
        name = flow.library_material
        name = f"{name} ({SOURCE})" if name in self.known else name
        source = self._source(row["source"])
        self._add(
            "Materials",
            once=(name,),
            material=name,
            name=row["name"],
            unit=row["unit"],
            category=row["category"],
            stage=row["stage"] if row["category"] == "waste" else None,
            hazard_class=row["hazard_class"],
            modes="none",
            library_material=flow.library_material,
            source=source,
        )
        place: dict[str, Any] = {"site": one.site, "material": name, "source": source}
        key = (one.site, name)
        if flow.role == "input":
            self._add("Purchases", once=key, price=flow.price[at, 0], **place)
        elif row["category"] != "waste":
            self._add(
                "Markets", once=key, price=0.0, note=say("no market known: given away"), **place
            )
        elif (fee := self.pricing.new_fee(at)) is not None:
            note = say("the dearest fee of the site")
            self._add("Disposal", once=key, fee=fee, note=note, **place)
        return name

    def _blends(self, one: Candidate, offer: Offer, groups: dict[str, dict[str, str]]) -> None:
        """The library's limits of what goes into a group: materials of the scenario, and what
        they are in the library."""
        limits = self.library.blend_limits
        of = (limits["technology"] == one.technology) & (limits["recipe"] == offer.recipe)
        for limit in limits[of].to_dict("records"):
            materials = groups.get(limit["group"], {})
            if limit["property"] is None:
                limited = self._share(str(limit["material"]), materials)
            else:
                measured = [self._measured(m, str(limit["property"])) for m in materials]
                limited = {"property": limit["property"]} if materials and all(measured) else {}
            if not limited:
                continue
            row = {"technology": one.unit, "recipe": offer.recipe, "group": limit["group"]}
            row |= {"min": limit["min"], "max": limit["max"], "source": SOURCE} | limited
            self._add("BlendLimits", **row)

    def _share(self, limited: str, materials: dict[str, str]) -> dict[str, str]:
        """How a limit names the share of a material of the library: where several materials of
        the scenario are it, by a property that is 1 for these and 0 for the others."""
        those = [name for name, of in materials.items() if of == limited]
        if len(those) <= 1:
            return {"material": those[0]} if those else {}
        share = say("share of {limited}", limited=limited)
        for name in materials:
            self._add(
                "Properties",
                once=(name, share),
                material=name,
                property=share,
                value=float(name in those),
                source=SOURCE,
            )
        return {"property": share}

    def _measured(self, material: str, name: str) -> bool:
        """Whether a property of a material is known; it is taken from the library if need be."""
        if (material, name) in self.measured:
            return True
        matched = self.pricing.matches.of_library
        of = next((k for k, listed in matched.items() if material in listed), material)
        rows = self.library.properties
        rows = rows[(rows["material"] == of) & (rows["property"] == name)]
        for value in rows["value"].tolist()[:1]:
            self._add(
                "Properties",
                once=(material, name),
                material=material,
                property=name,
                value=value,
                source=SOURCE,
            )
        return len(rows) > 0

    def _emissions(self, one: Candidate) -> None:
        rows = self.library.emission_factors
        rows = rows[rows["kind"] == "recipe"]
        recipes = {offer.recipe for offer in one.offers}
        for key, pollutant, factor in rows[["key", "pollutant", "factor"]].itertuples(index=False):
            technology, _, recipe = str(key).partition("/")
            if technology != one.technology or (recipe and recipe not in recipes):
                continue
            self._add(
                "EmissionFactors",
                kind="recipe",
                key=one.unit + (f"/{recipe}" if recipe else ""),
                pollutant=pollutant,
                factor=factor,
                source=SOURCE,
            )
