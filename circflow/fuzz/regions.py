"""Small random regions that use every sheet, with figures of any size between 1e-9 and 1e15.

A region is a mine, works, a plant, a town and perhaps a hub; waste becomes clinker and bricks.
Everything that is made comes from a unit of limited capacity, so that no price makes money without
end; every waste has a disposal, so that most regions have a plan.

Whatever is random comes from a `random.Random`, hypothesis' own kind included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from circflow.data.schema.sheets import BY_NAME
from circflow.data.table import Book, RawSheet

Value = str | float | bool | None
Row = dict[str, Value]
Sheets = dict[str, list[Row]]
"""Sheets by name, each a list of rows (the filled cells)."""
T = TypeVar("T")

LEAST, MOST = 1e-9, 1e15
"""The sizes of figures that are solved right, whatever their neighbours (docs/data.md)."""
ORDINARY, APART, ANY = 0.0, 0.06, 0.35
"""How many figures have a size of their own: none, a few, a third."""


def book_of(sheets: Sheets) -> Book:
    """The sheets as a file would hold them: a column for every cell that some row fills."""
    raw = []
    for name, rows in sheets.items():
        columns = columns_of(name, rows)
        grid: list[list[object]] = [list(columns)]
        grid += [[row.get(column) for column in columns] for row in rows]
        raw.append(RawSheet(name, grid))
    return Book(tuple(raw), "fuzz")


def columns_of(sheet: str, rows: list[Row]) -> list[str]:
    """The columns of a sheet that some row fills, in the order of the file."""
    return list(dict.fromkeys(c for row in rows for c in row)) or [BY_NAME[sheet].names[0]]


def region(rng: Random, apart: float | None = None) -> Sheets:
    """A random region; `apart` is the share of figures that have a size of their own."""
    if apart is None:
        apart = rng.choice([ORDINARY, APART, APART, ANY])
    return _Region(rng, apart).sheets


class _Region:
    """Draws one region, sheet by sheet."""

    def __init__(self, rng: Random, apart: float) -> None:
        self.rng = rng
        self.apart = apart
        self.tonnes = rng.choice([0.0, 3.0, 6.0, rng.uniform(-7.0, 12.0)])
        self.money = rng.choice([0.0, 2.0, rng.uniform(-6.0, 6.0)])
        self.sheets: Sheets = {}
        self.periods = [f"p{n}" for n in range(1, rng.choice([1, 1, 2, 3]) + 1)]
        self.hub = self.maybe(0.3)
        self.candidates = rng.randint(0, 2)
        self.frame()
        self.supply()
        self.technologies()
        self.units()
        self.transport()
        self.outlets()
        self.emissions()
        self.synergies()
        self.aims()
        self.sheets = {name: rows for name, rows in self.sheets.items() if rows}

    # ------------------------------------------------------------------ figures

    def maybe(self, share: float = 0.5) -> bool:
        return self.rng.random() < share

    def sized(self, power: float, spread: float = 1.0) -> float:
        """A figure of two digits about 10^power, or of a size of its own."""
        if self.maybe(self.apart):
            return self.any_size()
        return _two_digits(power + self.rng.uniform(-spread, spread))

    def any_size(self) -> float:
        return _two_digits(self.rng.uniform(math.log10(LEAST), math.log10(MOST)))

    def amount(self) -> float:
        return self.sized(self.tonnes)

    def price(self, more: float = 0.0) -> float:
        return self.sized(self.money + more)

    def lump(self, more: float = 0.0) -> float:
        """A sum in million, about what the region turns over."""
        return self.sized(self.tonnes + self.money - 6.0 + more)

    def ratio(self) -> float:
        return self.sized(0.0, 0.5)

    def share(self) -> float:
        if self.maybe(self.apart):
            return _two_digits(self.rng.uniform(math.log10(LEAST), -1.0))
        return round(self.rng.uniform(0.05, 0.95), 2)

    def perhaps(self, figure: float, share: float = 0.4) -> float | None:
        """A limit that may be blank."""
        return figure if self.maybe(share) else None

    def period(self, share: float = 0.2) -> str | None:
        """A blank period, or one by name."""
        return self.rng.choice(self.periods) if self.maybe(share) else None

    def some(self, rows: Sequence[Row], share: float = 0.6) -> list[Row]:
        return [row for row in rows if self.maybe(share)]

    # ------------------------------------------------------------------ sheets

    def frame(self) -> None:
        rng = self.rng
        settings: Row = {
            "name": "fuzz",
            "discount_rate": rng.choice([0.0, 0.0, 0.07, 0.25]),
            "capital_charge": rng.choice(["annuity", "upfront"]),
            "auto_links": rng.choice(["yes", "yes", "no"]),
            "transaction_cost_inside": self.price(-2.0) if self.maybe(0.3) else 0.0,
            "transaction_cost_outside": self.price(-2.0) if self.maybe(0.3) else 0.0,
        }
        self.sheets["Scenario"] = [{"key": k, "value": v} for k, v in settings.items()]
        self.sheets["Periods"] = [{"period": p, "years": rng.randint(1, 4)} for p in self.periods]
        self.sheets["Members"] = [{"member": "Mining"}, {"member": "Building"}]
        places: list[Row] = [
            {"site": "Mine", "member": "Mining", "region": "north"},
            {"site": "Works", "member": "Mining", "region": "south"},
            {"site": "Plant", "member": "Building", "region": "south"},
            {"site": "Town"},
        ]
        if self.hub:
            places.append({"site": "Yard", "hub": True, "member": rng.choice(["Mining", None])})
        for place in places:
            place["latitude"] = round(rng.uniform(55.0, 58.0), 2)
            place["longitude"] = round(rng.uniform(60.0, 64.0), 2)
        self.sheets["Sites"] = places
        self.sheets["Materials"] = [
            {"material": "slag", "category": "waste", "modes": "road,rail"},
            {"material": "ash", "category": "waste", "modes": "road"},
            {"material": "dust", "category": "waste", "modes": "none"},
            {"material": "lime", "category": "input", "modes": "none"},
            {"material": "water", "category": "input", "unit": "m3", "modes": "pipe"},
            {"material": "clinker", "category": "intermediate", "modes": "road,rail"},
            {"material": "brick", "category": "product", "modes": "road,rail"},
        ]

    def supply(self) -> None:
        streams: list[Row] = []
        for site, material in (("Mine", "slag"), ("Works", "ash"), ("Plant", "slag")):
            if streams and self.maybe(0.4):
                continue
            row: Row = {
                "site": site,
                "material": material,
                "amount_per_year": self.amount(),
                "must_handle": self.maybe(),
                "cost": self.rng.choice([0.0, self.price(-1.0), -self.price(-1.0)]),
            }
            streams.append(row)
            if self.maybe(0.2):
                streams.append(
                    {**row, "period": self.periods[-1], "amount_per_year": self.amount()}
                )
        if self.maybe():
            streams.append(
                {"site": "Mine", "material": "water", "amount_per_year": self.amount(),
                 "must_handle": False, "cost": self.price(-1.0)}
            )  # fmt: skip
        self.sheets["Streams"] = streams
        dumps: list[Row] = [{"site": "Mine", "material": "slag", "can_add": self.maybe()},
                            {"site": "Plant", "material": "brick", "can_add": True},
                            {"site": "Mine", "material": "water", "can_add": True}]  # fmt: skip
        self.sheets["Stockpiles"] = self.some(dumps, 0.35)
        for row in self.sheets["Stockpiles"]:
            opening = self.amount() if self.maybe() else 0.0
            row |= {
                "opening": opening,
                "capacity": self.perhaps(max(opening, self.amount())),
                "max_reclaim_per_year": self.perhaps(self.amount()),
                "add_cost": self.price(-1.0),
                "reclaim_cost": self.price(-1.0),
                "holding_cost": self.price(-2.0) if self.maybe() else 0.0,
            }
            if self.maybe(0.2):
                row["closing_min"] = round(self.rng.random(), 2) * opening
        self.sheets["Purchases"] = [
            {"site": self.rng.choice([None, "Plant"]), "material": "lime",
             "price": self.price(), "max_per_year": self.perhaps(self.amount())},
            {"site": "Plant", "material": "water", "price": self.price(),
             "max_per_year": self.perhaps(self.amount())},
        ]  # fmt: skip
        if self.maybe(0.2):
            self.sheets["Purchases"].append(
                {**self.sheets["Purchases"][0], "period": self.periods[0], "price": self.price()}
            )

    def technologies(self) -> None:
        kiln: Row = {"technology": "kiln", "recipe": "main"}
        fast: Row = {"technology": "kiln", "recipe": "fast"}
        mill: Row = {"technology": "mill", "recipe": "main"}
        feed = self.ratio()
        recipes: list[Row] = [
            {**kiln, "role": "input", "material": "slag", "amount": feed, "group": "feed",
             "weight": self.ratio() if self.maybe() else 1.0},
            {**kiln, "role": "input", "material": "ash", "amount": feed, "group": "feed",
             "weight": self.ratio() if self.maybe() else 1.0},
            {**kiln, "role": "input", "material": "lime", "amount": self.ratio()},
            {**kiln, "role": "output", "material": "clinker", "amount": self.ratio()},
            {**mill, "role": "input", "material": "clinker", "amount": self.ratio()},
            {**mill, "role": "output", "material": "brick", "amount": self.ratio()},
        ]  # fmt: skip
        if self.maybe():
            recipes.append({**mill, "role": "input", "material": "water", "amount": self.ratio()})
        if self.maybe():
            recipes.append({**kiln, "role": "output", "material": "dust", "amount": self.ratio()})
        if self.maybe(0.4):
            recipes += [
                {**fast, "role": "input", "material": "slag", "amount": self.ratio()},
                {**fast, "role": "output", "material": "clinker", "amount": self.ratio()},
            ]
        self.sheets["Recipes"] = recipes
        costs: list[Row] = [
            {**kiln, "variable_cost": self.price(-0.5), "capacity_use": self.ratio()},
            {**mill, "variable_cost": self.price(-0.5), "period": self.period()},
        ]
        self.sheets["RecipeCosts"] = self.some(costs)
        self.sheets["Properties"] = [
            {"material": "slag", "property": "CaO", "value": self.share()},
            {"material": "ash", "property": "CaO", "value": self.share()},
        ]
        of: Row = {"technology": "kiln", "recipe": "main", "group": "feed"}
        blends: list[Row] = [
            {**of, "material": "ash", "max": self.share()},
            {**of, "property": "CaO", "max": self.share()},
            {**of, "material": "slag", "min": self.share()},
        ]
        self.sheets["BlendLimits"] = self.some(blends, 0.25)

    def unit(self, name: str, site: str, technology: str) -> Row:
        idle = self.maybe(0.3)
        return {
            "unit": name,
            "site": site,
            "technology": technology,
            "capacity_per_year": self.amount(),
            "availability": self.share() if self.maybe(0.3) else 1.0,
            "min_load": self.share() if idle or self.maybe(0.1) else 0.0,
            "can_idle": idle,
            "fixed_cost_million_per_year": self.lump(-1.0) if self.maybe() else 0.0,
            "jobs": self.sized(1.0) if self.maybe() else 0.0,
        }

    def units(self) -> None:
        units = [self.unit("Kiln 1", "Plant", "kiln"), self.unit("Mill 1", "Plant", "mill")]
        places = [
            ("Kiln 2", "Works", "kiln"),
            ("Mill 2", "Town", "mill"),
            ("Mill 3", "Plant", "mill"),
        ]
        for name, site, technology in self.rng.sample(places, self.candidates):
            row = self.unit(name, site, technology)
            row |= {
                "status": "candidate",
                "capex_million": self.lump(),
                "lifetime_years": self.rng.randint(1, 20),
                "earliest_period": self.period(0.1),
                "choice": "one" if self.maybe(0.3) else None,
                "requires": self.rng.choice([None, None, "Mill 1"]),
            }
            if self.maybe(0.25):
                row["construction_years"] = self.rng.randint(1, 3)
            if self.maybe(0.25):
                shares = [
                    f"{self.rng.uniform(0.1, 1.0):.2f}" for _ in range(self.rng.randint(1, 3))
                ]
                row["ramp_up"] = "; ".join(shares)
            if self.maybe(0.4):
                size, capex = row["capacity_per_year"], row["capex_million"]
                assert isinstance(size, float) and isinstance(capex, float)
                row["capacity_max_per_year"] = max(self.amount(), size)
                row["capex_max_million"] = self.lump()
            units.append(row)
        self.sheets["Units"] = units
        changed: Row = {
            "unit": "Kiln 1",
            "period": self.rng.choice(self.periods),
            "capacity_per_year": self.perhaps(self.amount()),
            "availability": self.perhaps(self.share()),
            "fixed_cost_million_per_year": self.perhaps(self.lump(-1.0)),
        }
        self.sheets["UnitPeriods"] = self.some([changed], 0.25)

    def transport(self) -> None:
        modes: list[Row] = [
            {"mode": "road", "cost_per_unit_km": self.price(-3.0), "fixed_cost": self.price(-2.0)},
            {"mode": "rail", "cost_per_unit_km": self.price(-4.0), "fixed_cost": self.price(-1.0)},
            {"mode": "pipe", "cost_per_unit_km": self.price(-4.0)},
        ]
        if len(self.periods) > 1 and self.maybe(0.2):
            modes.append({**modes[0], "period": self.periods[-1], "fixed_cost": self.price(-2.0)})
        self.sheets["Modes"] = modes
        pairs = [("Mine", "Plant"), ("Works", "Plant"), ("Plant", "Town"), ("Mine", "Works"),
                 ("Works", "Town"), ("Mine", "Town"), ("Plant", "Works")]  # fmt: skip
        if self.hub:
            pairs += [("Mine", "Yard"), ("Yard", "Plant"), ("Yard", "Town")]
        every = self.sheets["Scenario"][3]["value"] == "no"
        rows: list[Row] = []
        for start, end in pairs:
            if self.maybe(0.8 if every else 0.3):
                rows.append(
                    {
                        "from": start,
                        "to": end,
                        "distance_km": self.perhaps(self.sized(2.0)),
                        "cost": self.perhaps(self.price(-1.0), 0.2),
                        "capacity_per_year": self.perhaps(self.amount()),
                        "loss": self.rng.choice([None, None, self.share()]),
                    }
                )
        if self.maybe(0.3):
            rows.append(
                {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail",
                 "capacity_per_year": self.perhaps(self.amount()), "loss": self.share()}
            )  # fmt: skip
        if self.maybe(0.2):
            rows.append({"from": "Mine", "to": "Town", "mode": "road", "forbidden": True})
        self.sheets["Links"] = rows

    def outlets(self) -> None:
        def market(site: str, material: str, more: float) -> Row:
            return {
                "site": site,
                "material": material,
                "price": self.price(more),
                "max_per_year": self.perhaps(self.amount(), 0.6),
                "premium": self.price(-1.0) if self.maybe(0.3) else 0.0,
            }

        rows = [market("Town", "brick", 1.0), market("Town", "brick", 0.5)]
        rows += self.some([market("Works", "clinker", 0.3), market("Town", "slag", -1.0)])
        for row in self.some([market("Town", "water", 0.0), market("Plant", "lime", 0.0)], 0.25):
            # What can be bought without end must not be sold without end.
            rows.append({**row, "max_per_year": self.amount()})
        if self.maybe(0.2):
            rows.append({**market("Town", "brick", 0.8), "period": self.periods[-1]})
        if self.maybe(0.1):
            rows[0]["min_per_year"] = self.amount()
            rows[0]["max_per_year"] = None
        self.sheets["Markets"] = rows
        disposal: list[Row] = []
        for site in ("Mine", "Works", "Plant"):
            tip: Row = {"site": site, "fee": self.price(-0.5)}
            if self.maybe(0.15):
                tip["capacity_per_year"] = self.amount()
            elif self.maybe(0.1):
                tip["total_capacity"] = self.amount()
            disposal.append(tip)
        if self.maybe(0.3):
            disposal.append(
                {"site": "Plant", "material": "dust", "fee": self.price(-1.0),
                 "capacity_per_year": self.perhaps(self.amount()), "period": self.period()}
            )  # fmt: skip
        self.sheets["Disposal"] = disposal

    def emissions(self) -> None:
        if self.maybe(0.4):
            return
        factors: list[Row] = [
            {"kind": "recipe", "key": "kiln", "factor": self.ratio()},
            {"kind": "recipe", "key": "kiln/fast", "factor": self.ratio()},
            {"kind": "transport", "key": None, "factor": self.sized(-4.0)},
            {"kind": "transport", "key": "rail", "factor": self.sized(-5.0)},
            {"kind": "disposal", "key": None, "factor": self.sized(-2.0)},
            {"kind": "disposal", "key": "dust", "factor": self.sized(-1.0)},
            {"kind": "stockpile", "key": None, "factor": self.sized(-3.0)},
            {"kind": "purchase", "key": "lime", "factor": self.ratio()},
            {"kind": "sale", "key": "brick", "factor": -self.ratio()},
            {"kind": "stream", "key": "slag", "factor": self.sized(-2.0)},
        ]
        if all(row["recipe"] != "fast" for row in self.sheets["Recipes"]):
            del factors[1]
        factors_of_all = [{**row, "pollutant": "CO2"} for row in self.some(factors, 0.5)]
        factors_of_all += [{**row, "pollutant": "dust"} for row in self.some(factors[:1], 0.3)]
        self.sheets["EmissionFactors"] = factors_of_all
        scopes = [("cluster", None), ("region", "south"), ("member", "Building"), ("site", "Plant"),
                  ("unit", "Kiln 1")]  # fmt: skip
        limits: list[Row] = []
        for pollutant in dict.fromkeys(row["pollutant"] for row in factors_of_all):
            for scope, key in self.rng.sample(scopes, self.rng.randint(0, 2)):
                hard = self.maybe(0.15)
                limits.append(
                    {
                        "pollutant": pollutant,
                        "scope": scope,
                        "key": key,
                        "period": self.period(),
                        "limit_per_year": self.amount() if hard else self.perhaps(self.amount()),
                        "price": self.price(-1.0) if self.maybe(0.3) else 0.0,
                        "penalty": None if hard else self.price(1.0),
                    }
                )
        for row in limits:
            if row["limit_per_year"] is None:
                row["penalty"] = None
        self.sheets["EmissionLimits"] = limits

    def synergies(self) -> None:
        if self.maybe(0.6):
            return
        self.sheets["Synergies"] = [
            {
                "synergy": "heat",
                "value": self.price(-1.0),
                "max_per_year": self.perhaps(self.amount()),
            }
        ]
        links = {
            (row["from"], row["to"]) for row in self.sheets["Links"] if not row.get("forbidden")
        }
        partners: list[Row] = [
            {"synergy": "heat", "kind": "unit", "partner": "Kiln 1", "ratio": self.ratio()},
            {"synergy": "heat", "kind": "unit", "partner": "Mill 1", "ratio": self.ratio()},
        ]
        if ("Plant", "Town") in links:
            partners[1] = {"synergy": "heat", "kind": "flow", "partner": "Plant > Town"}
        self.sheets["SynergyPartners"] = partners

    def aims(self) -> None:
        if self.candidates and self.maybe(0.4):
            period = self.rng.choice(self.periods)
            self.sheets["Budget"] = [{"period": period, "budget_million": self.lump()}]
        goals: list[Row] = [
            {"goal": "value", "weight": self.rng.choice([0.5, 2.0, self.ratio()])},
            {"goal": "synergy", "weight": self.rng.choice([0.0, 2.0])},
            {"goal": "jobs", "weight": self.lump(-2.0)},
        ]
        if self.sheets.get("EmissionFactors"):
            pollutant = self.sheets["EmissionFactors"][0]["pollutant"]
            goals.append({"goal": f"emission:{pollutant}", "weight": -self.price(-1.0)})
        self.sheets["Goals"] = self.some(goals, 0.2)


def _two_digits(power: float) -> float:
    return float(f"{min(max(10.0**power, LEAST), MOST):.2g}")
