"""A seeded region of any size, as a scenario book.

    python benchmarks/generator.py region.xlsx --streams 2000 --units 300 --markets 100

Sites lie at random in a rectangle of 900 by 900 km. Every waste stream can be dumped where it
arises, up to a total over the horizon, or kept in a stockpile that holds a legacy; a third of the
technologies prepare wastes into intermediates, the others turn two to four wastes and
intermediates that replace one another, within limits of quality, into one or two products; towns
buy products in two price tiers. Figures are drawn once from the seed: the same arguments
give the same file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from circflow.data.schema.sheets import BY_NAME
from circflow.data.table import Book, RawSheet

Row = dict[str, object]


@dataclass(frozen=True)
class Size:
    """How large a region is generated."""

    streams: int = 2000
    units: int = 300
    markets: int = 100
    periods: int = 5
    candidates: int = 0
    """How many of the units are candidates (each a yes/no decision in every period)."""
    seed: int = 1


def region(size: Size) -> Book:
    """The generated scenario."""
    rng = np.random.default_rng(size.seed)
    wastes = [f"waste {n}" for n in range(max(4, size.streams // 100))]
    products = [f"product {n}" for n in range(max(2, size.markets // 4))]
    technologies = [f"technology {n}" for n in range(max(2, size.units // 10))]
    sources = [f"mine {n}" for n in range(max(2, size.streams // 4))]
    plants = [f"works {n}" for n in range(max(2, size.units // 2))]
    towns = [f"town {n}" for n in range(max(1, size.markets // 3))]
    prepared = [f"intermediate {n}" for n in range(max(2, len(technologies) // 3))]
    makes = {
        t: list(rng.choice(prepared if n % 3 == 0 else products, 1 + n % 2, replace=False))
        for n, t in enumerate(technologies)
    }
    sheets: dict[str, list[Row]] = {
        "Scenario": [
            {"key": "name", "value": f"Generated region, seed {size.seed}"},
            {"key": "discount_rate", "value": 0.08},
            {"key": "max_distance_km", "value": 240},
            {"key": "transaction_cost_inside", "value": 20},
        ],
        "Periods": [{"period": f"P{n + 1}", "years": 3} for n in range(size.periods)],
        "Sites": _sites(rng, sources, plants, towns),
        "Materials": [
            *({"material": k, "category": "waste", "stage": "processing"} for k in wastes),
            *({"material": k, "category": "intermediate"} for k in prepared),
            *({"material": k, "category": "product"} for k in products),
            {"material": "power", "category": "energy", "unit": "MWh"},
        ],
        "Purchases": [{"material": "power", "price": 4500}],
        "Modes": [
            {"mode": "rail", "cost_per_unit_km": 1.1, "fixed_cost": 300},
        ],
        "EmissionFactors": [
            {"kind": "transport", "pollutant": "CO2", "factor": 0.0000113},
            {"kind": "recipe", "pollutant": "CO2", "factor": 0.08},
        ],
    }
    streams = _streams(rng, size, sources, wastes)
    sheets["Streams"] = streams
    arising = sum(float(str(s["amount_per_year"])) for s in streams)
    dumps = sources[:: max(1, len(sources) // 25)]
    sheets["Disposal"] = [
        {
            "site": site,
            "fee": float(rng.integers(30, 900)),
            "capacity_per_year": round(0.8 * arising / len(dumps)),
        }
        for site in dumps
    ]
    # What finds no other place stays where it arises, at a punitive fee.
    sheets["Disposal"] += [
        {"site": s["site"], "material": s["material"], "fee": 3000.0} for s in streams
    ]
    kept = streams[::4]
    sheets["Stockpiles"] = [
        {
            "site": s["site"],
            "material": s["material"],
            "opening": float(str(s["amount_per_year"])) * float(rng.integers(0, 6)),
            "capacity": float(str(s["amount_per_year"])) * 12.0,
            "max_reclaim_per_year": float(str(s["amount_per_year"])) * 0.5,
            "add_cost": 40.0,
            "reclaim_cost": 60.0,
            "holding_cost": float(rng.integers(1, 9)),
        }
        for s in kept
    ]
    feeds = [*wastes, *prepared]
    sheets["Properties"] = [
        {"material": k, "property": "ash", "value": round(float(rng.random()), 3)} for k in feeds
    ]
    sheets["Recipes"] = _recipes(rng, technologies, wastes, makes)
    sheets["BlendLimits"] = _blends(sheets["Recipes"], sheets["Properties"])
    sheets["RecipeCosts"] = [
        {"technology": t, "variable_cost": float(rng.integers(100, 600))} for t in technologies
    ]
    sheets["Units"] = _units(rng, size, technologies, plants)
    sheets["Markets"] = _markets(rng, size, towns, products)
    total = 0.06 * sum(float(str(row["amount_per_year"])) for row in streams)
    sheets["EmissionLimits"] = [
        {"pollutant": "CO2", "scope": "cluster", "limit_per_year": total, "penalty": 5000}
    ]
    return Book(tuple(_sheet(name, rows) for name, rows in sheets.items()), "generated")


def _sites(
    rng: np.random.Generator, sources: list[str], plants: list[str], towns: list[str]
) -> list[Row]:
    rows = []
    for name in [*sources, *plants, *towns]:
        member = None if name.startswith("town") else f"member {rng.integers(0, 40)}"
        rows.append(
            {
                "site": name,
                "member": member,
                "latitude": round(54.0 + 8.0 * rng.random(), 4),
                "longitude": round(56.0 + 14.0 * rng.random(), 4),
            }
        )
    return rows


def _streams(
    rng: np.random.Generator, size: Size, sources: list[str], wastes: list[str]
) -> list[Row]:
    pairs: dict[tuple[str, str], None] = {}
    while len(pairs) < min(size.streams, len(sources) * len(wastes)):
        pairs[str(rng.choice(sources)), str(rng.choice(wastes))] = None
    amounts = np.round(np.exp(rng.normal(np.log(8e4), 1.2, len(pairs))), 0)
    return [
        {"site": s, "material": k, "amount_per_year": float(a)}
        for (s, k), a in zip(pairs, amounts, strict=True)
    ]


def _recipes(
    rng: np.random.Generator,
    technologies: list[str],
    wastes: list[str],
    makes: dict[str, list[str]],
) -> list[Row]:
    rows: list[Row] = []
    for technology in technologies:
        preparing = makes[technology][0].startswith("intermediate")
        fed = list(rng.choice(wastes, int(rng.integers(2, 5)), replace=False))
        if not preparing:
            fed.append(rng.choice(sorted({k for ks in makes.values() for k in ks if "inter" in k})))
        base: Row = {"technology": technology, "role": "input", "amount": 1.0, "group": "feed"}
        rows += [
            {**base, "material": str(k), "weight": round(0.7 + 0.3 * rng.random(), 3)} for k in fed
        ]
        power = round(0.01 + 0.1 * rng.random(), 4)
        rows.append(
            {"technology": technology, "role": "input", "material": "power", "amount": power}
        )
        rows += [
            {
                "technology": technology,
                "role": "output",
                "material": str(k),
                "amount": round((0.3 + 0.6 * rng.random()) / len(makes[technology]), 4),
            }
            for k in makes[technology]
        ]
    return rows


def _blends(recipes: list[Row], properties: list[Row]) -> list[Row]:
    """The mean ash of every feed is at most the average of its materials' ash."""
    ash = {row["material"]: float(str(row["value"])) for row in properties}
    feeds: dict[object, list[float]] = {}
    for row in recipes:
        if row.get("group"):
            feeds.setdefault(row["technology"], []).append(ash[row["material"]])
    return [
        {
            "technology": technology,
            "group": "feed",
            "property": "ash",
            "max": round(float(np.mean(values)), 3),
        }
        for technology, values in feeds.items()
    ]


def _units(
    rng: np.random.Generator, size: Size, technologies: list[str], plants: list[str]
) -> list[Row]:
    rows = []
    for n in range(size.units):
        row: Row = {
            "unit": f"unit {n}",
            "site": str(rng.choice(plants)),
            "technology": technologies[n % len(technologies)],
            "capacity_per_year": float(np.round(np.exp(rng.normal(np.log(7e5), 0.7)), -2)),
            "availability": 0.92,
            "fixed_cost_million_per_year": float(np.round(20 * rng.random(), 2)),
        }
        if n < size.candidates:
            capex = float(row["capacity_per_year"]) * 3e-3  # type: ignore[arg-type]
            row |= {"status": "candidate", "capex_million": round(capex, 1), "lifetime_years": 20}
        rows.append(row)
    return rows


def _markets(
    rng: np.random.Generator, size: Size, towns: list[str], products: list[str]
) -> list[Row]:
    rows = []
    for n in range(size.markets):
        price = float(np.round(np.exp(rng.normal(np.log(3500), 0.5)), 0))
        most = float(np.round(np.exp(rng.normal(np.log(9e5), 0.8)), -2))
        place: Row = {"site": towns[n % len(towns)], "material": products[n % len(products)]}
        rows.append({**place, "price": price, "max_per_year": most})
        rows.append({**place, "price": round(0.8 * price), "max_per_year": 2 * most})
    return rows


def _sheet(name: str, rows: list[Row]) -> RawSheet:
    columns = [c.name for c in BY_NAME[name].columns if any(c.name in row for row in rows)]
    grid: list[list[object]] = [list(columns)]
    grid += [[row.get(column) for column in columns] for row in rows]
    return RawSheet(name, grid)


def main() -> None:
    """Write a generated region to a file."""
    from circflow.data.files.books import write_book

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    for name in ("streams", "units", "markets", "periods", "candidates", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size(), name))
    options = vars(parser.parse_args())
    file = options.pop("file")
    write_book(region(Size(**options)), file)


if __name__ == "__main__":
    main()
