"""Which material can go where: every rule of Links, and a slow reading of the contract."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circflow.data.network import EARTH_RADIUS_KM, great_circle_km
from circflow.data.scenario import Scenario

Sheets = dict[str, Any]

BASE: Sheets = {
    "Sites": [
        {"site": "Mine", "member": "A", "latitude": 58, "longitude": 60},
        {"site": "Plant", "member": "B", "latitude": 58, "longitude": 61},
        {"site": "Town", "latitude": 57, "longitude": 61},
    ],
    "Materials": [
        {"material": "slag", "category": "waste"},
        {"material": "ash", "category": "waste"},
        {"material": "brick", "category": "product"},
    ],
    "Modes": [{"mode": "road", "cost_per_unit_km": 7}, {"mode": "rail", "auto": False}],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 1}],
    "Recipes": [
        {"technology": "kiln", "role": "input", "material": "slag", "amount": 1},
        {"technology": "kiln", "role": "output", "material": "brick", "amount": 1},
    ],
    "Units": [{"unit": "K", "site": "Plant", "technology": "kiln", "capacity_per_year": 1}],
    "Markets": [{"site": "Town", "material": "brick", "price": 1}],
}


def links_of(scenario: Scenario) -> pd.DataFrame:
    return scenario.network.link_items.frame(scenario.codes)


def links(scenario: Scenario) -> set[str]:
    frame = links_of(scenario)
    rows = frame[["from", "to", "material", "mode"]].itertuples(index=False, name=None)
    made = [f"{a} > {b}: {k} by {mode}" for a, b, k, mode in rows]
    assert len(made) == len(set(made))
    return set(made)


@pytest.fixture
def linked(make_scenario: Callable[..., Scenario]) -> Callable[..., set[str]]:
    def made(settings: Sheets | None = None, **sheets: Any) -> set[str]:
        return links(make_scenario({"Scenario": settings or {}, **BASE, **sheets}))

    return made


AUTO = {"Mine > Plant: slag by road", "Plant > Town: brick by road"}


def test_from_every_site_that_has_to_every_site_that_takes(
    linked: Callable[..., set[str]],
) -> None:
    assert linked() == AUTO


def test_what_a_site_can_have_and_take(linked: Callable[..., set[str]]) -> None:
    have: Sheets = {
        "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 0}],
        "Stockpiles": [{"site": "Town", "material": "slag", "can_add": False}],
        "Purchases": [{"site": "Town", "material": "ash", "price": 1}],
        "Disposal": [{"site": "Mine", "fee": 1}],
        "Markets": [],
    }
    assert linked(**have) == {
        "Mine > Plant: slag by road",
        "Town > Plant: slag by road",
        "Town > Mine: slag by road",
        "Town > Mine: ash by road",
    }
    have["Stockpiles"] = [{"site": "Town", "material": "slag"}]
    assert "Mine > Town: slag by road" in linked(**have)
    have["Disposal"] = [{"site": "Plant", "material": "brick", "fee": 1}]
    assert "Plant > Mine: brick by road" not in linked(**have)


def test_a_candidate_makes_links_and_a_unit_that_is_off_does_not(
    linked: Callable[..., set[str]],
) -> None:
    unit = {**BASE["Units"][0], "capex_million": 1}
    assert linked(Units=[{**unit, "status": "candidate"}]) == AUTO
    assert linked(Units=[{**unit, "status": "off"}]) == set()


def test_a_purchase_everywhere_is_had_where_it_is_used(linked: Callable[..., set[str]]) -> None:
    made = linked(Purchases=[{"material": "slag", "price": 1}], Streams=[])
    assert made == {"Plant > Town: brick by road"}
    made = linked(
        Purchases=[{"material": "slag", "price": 1}],
        Streams=[],
        Markets=[{"site": "Mine", "material": "slag", "price": 1}],
    )
    assert made == {"Plant > Mine: slag by road"}


def test_a_hub_receives_and_forwards_anything(linked: Callable[..., set[str]]) -> None:
    hub = {"site": "Hub", "latitude": 57.5, "longitude": 60.5, "hub": True}
    every = ("slag", "ash", "brick")
    made = linked(Sites=[*BASE["Sites"], hub])
    assert made == AUTO | {
        "Mine > Hub: slag by road",
        "Plant > Hub: brick by road",
        "Hub > Plant: slag by road",
        "Hub > Town: brick by road",
    }
    second = {**hub, "site": "Hub2", "latitude": 57.6}
    made = linked(Sites=[*BASE["Sites"], hub, second])
    between = {
        f"{a} > {b}: {k} by road" for k in every for a, b in (("Hub", "Hub2"), ("Hub2", "Hub"))
    }
    assert between <= made


def test_sites_without_both_coordinates_have_no_automatic_links(
    linked: Callable[..., set[str]],
) -> None:
    sites = [dict(site) for site in BASE["Sites"]]
    del sites[0]["longitude"]
    assert linked(Sites=sites) == {"Plant > Town: brick by road"}


def test_no_automatic_links_when_told_so(linked: Callable[..., set[str]]) -> None:
    assert linked({"auto_links": False}) == set()
    row = {"from": "Mine", "to": "Plant", "material": "slag"}
    assert linked({"auto_links": False}, Links=[row]) == {"Mine > Plant: slag by road"}


def test_distance_is_great_circle_times_detour(make_scenario: Callable[..., Scenario]) -> None:
    # A degree of a great circle is 6371.0088 km · π/180 = 111.195 km.
    frame = links_of(make_scenario(BASE)).set_index("material")["distance_km"]
    assert frame["brick"] == pytest.approx(1.3 * 111.19508, rel=1e-6)
    chord = math.cos(math.radians(58)) * math.sin(math.radians(0.5))
    assert frame["slag"] == pytest.approx(1.3 * 2 * EARTH_RADIUS_KM * math.asin(chord))
    sheets = {"Scenario": {"detour_factor": 1.0}, **BASE}
    frame = links_of(make_scenario(sheets)).set_index("material")["distance_km"]
    assert frame["brick"] == pytest.approx(111.19508, rel=1e-6)


def test_the_great_circle_across_the_date_line_and_to_the_antipode() -> None:
    def km(*degrees: float) -> float:
        return float(great_circle_km(*(np.array([x]) for x in degrees))[0])

    assert km(0, 179.5, 0, -179.5) == pytest.approx(math.pi * EARTH_RADIUS_KM / 180)
    assert km(90, 0, -90, 0) == pytest.approx(math.pi * EARTH_RADIUS_KM)
    assert km(45, 10, -45, -170) == pytest.approx(math.pi * EARTH_RADIUS_KM)
    assert km(57, 60, 57, 60) == 0.0


def test_max_distance_counts_the_detour_and_binds_automatic_links_only(
    linked: Callable[..., set[str]],
) -> None:
    # Mine > Plant is 59 km as the crow flies, 76.6 on the road; Plant > Town 111 and 144.6.
    assert linked({"max_distance_km": 70}) == set()
    assert linked({"max_distance_km": 80}) == {"Mine > Plant: slag by road"}
    assert linked({"max_distance_km": 80, "detour_factor": 1.0}) == {"Mine > Plant: slag by road"}
    assert linked({"max_distance_km": 112, "detour_factor": 1.0}) == AUTO
    row = {"from": "Plant", "to": "Town", "material": "brick"}
    assert linked({"max_distance_km": 0}, Links=[row]) == {"Plant > Town: brick by road"}


def test_modes_per_material(linked: Callable[..., set[str]]) -> None:
    modes = [{"mode": "road"}, {"mode": "rail"}]

    def by(text: str | None) -> set[str]:
        materials = [{**BASE["Materials"][0], "modes": text}, *BASE["Materials"][1:]]
        return {x for x in linked(Materials=materials, Modes=modes) if "slag" in x}

    assert by(None) == {"Mine > Plant: slag by road", "Mine > Plant: slag by rail"}
    assert by("rail") == {"Mine > Plant: slag by rail"}
    assert by("rail , road") == {"Mine > Plant: slag by road", "Mine > Plant: slag by rail"}
    assert by("none") == set()


def test_no_row_opens_a_mode_that_the_material_does_not_allow(
    linked: Callable[..., set[str]],
) -> None:
    materials = [{**BASE["Materials"][0], "modes": "road"}, *BASE["Materials"][1:]]
    rows = [
        {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail"},
        {"from": "Mine", "to": "Plant", "mode": "rail"},
    ]
    assert linked(Materials=materials, Links=rows) == AUTO
    materials[0]["modes"] = "none"
    rows += [{"from": "Mine", "to": "Plant", "material": "slag"}]
    assert linked(Materials=materials, Links=rows) == {"Plant > Town: brick by road"}


def test_a_row_adds_the_mode_it_names_though_it_has_no_auto(
    linked: Callable[..., set[str]],
) -> None:
    row = {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail"}
    assert linked(Links=[row]) == AUTO | {"Mine > Plant: slag by rail"}
    assert linked(Links=[{**row, "mode": None}]) == AUTO


def test_auto_is_read_from_the_mode_s_first_row(linked: Callable[..., set[str]]) -> None:
    modes = [
        {"mode": "road", "auto": False},
        {"mode": "road", "period": "1", "auto": True},
        {"mode": "rail", "auto": True},
        {"mode": "rail", "period": "1", "auto": False},
    ]
    assert linked(Modes=modes) == {x.replace("road", "rail") for x in AUTO}


def test_a_row_that_names_a_material_adds_it_whoever_has_or_takes_it(
    linked: Callable[..., set[str]],
) -> None:
    row = {"from": "Town", "to": "Mine", "material": "ash"}
    assert linked(Links=[row]) == AUTO | {"Town > Mine: ash by road"}


def test_a_row_without_a_material_adds_what_one_has_and_the_other_takes(
    linked: Callable[..., set[str]],
) -> None:
    settings = {"auto_links": False}
    assert linked(settings, Links=[{"from": "Mine", "to": "Plant"}]) == {
        "Mine > Plant: slag by road"
    }
    assert linked(settings, Links=[{"from": "Mine", "to": "Plant", "mode": "rail"}]) == {
        "Mine > Plant: slag by rail"
    }
    assert linked(settings, Links=[{"from": "Plant", "to": "Mine"}]) == set()


def test_forbidden_rows(linked: Callable[..., set[str]]) -> None:
    gone = {"from": "Mine", "to": "Plant", "forbidden": True}
    rail = {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail"}
    assert linked(Links=[gone]) == AUTO - {"Mine > Plant: slag by road"}
    # The row that names most decides, a material before a mode.
    kept = {**gone, "material": "slag", "forbidden": False}
    assert linked(Links=[gone, kept]) == AUTO
    assert linked(Links=[{**gone, "mode": "road"}, kept]) == AUTO
    assert linked(Links=[gone, rail]) == {
        "Plant > Town: brick by road",
        "Mine > Plant: slag by rail",
    }
    assert linked(
        Links=[{**gone, "material": "slag"}, {**gone, "mode": "road", "forbidden": False}]
    ) == {"Plant > Town: brick by road"}
    # A forbidden row adds nothing, the other direction is untouched.
    assert (
        linked(Links=[{"from": "Town", "to": "Mine", "material": "ash", "forbidden": True}]) == AUTO
    )


def _cells(scenario: Scenario, column: str) -> dict[str, float]:
    frame = links_of(scenario)
    names = frame["from"] + ">" + frame["to"] + ":" + frame["material"] + "/" + frame["mode"]
    return dict(zip(names, frame[column].tolist(), strict=True))


def test_each_cell_is_taken_from_the_row_that_names_most_among_those_that_fill_it(
    make_scenario: Callable[..., Scenario],
) -> None:
    pair = {"from": "Mine", "to": "Plant"}
    rows = [
        {**pair, "distance_km": 1, "cost": 10, "loss": 0.1},
        {**pair, "mode": "rail", "distance_km": 2, "cost": 20},
        {**pair, "material": "slag", "distance_km": 3},
        {**pair, "material": "slag", "mode": "rail", "loss": 0.0},
        {**pair, "material": "ash", "mode": "rail", "cost": -5},
    ]
    scenario = make_scenario({**BASE, "Links": rows})
    slag = ("Mine>Plant:slag/road", "Mine>Plant:slag/rail")
    ash = ("Mine>Plant:ash/rail",)
    assert [_cells(scenario, "distance_km")[x] for x in slag + ash] == [3, 3, 2]
    assert [_cells(scenario, "row_distance_km")[x] for x in slag + ash] == [4, 4, 3]
    assert [_cells(scenario, "cost")[x] for x in slag + ash] == [10, 20, -5]
    assert [_cells(scenario, "loss")[x] for x in slag + ash] == [0.1, 0.0, 0.1]


def test_a_forbidden_row_s_other_cells_are_ignored(make_scenario: Callable[..., Scenario]) -> None:
    pair = {"from": "Mine", "to": "Plant"}
    rows = [
        {**pair, "forbidden": True, "distance_km": 1, "capacity_per_year": 2, "loss": 0.5},
        {**pair, "material": "slag", "mode": "road"},
    ]
    scenario = make_scenario({**BASE, "Links": rows})
    every = links_of(scenario)
    link = every[every["from"] == "Mine"].iloc[0]
    assert link["distance_km"] > 70 and link["loss"] == 0.0
    assert not len(scenario.network.capacity_items)


def test_the_capacity_of_every_row_holds_shared_by_what_it_covers(
    make_scenario: Callable[..., Scenario],
) -> None:
    pair = {"from": "Mine", "to": "Plant"}
    rows = [
        {**pair, "capacity_per_year": 9},
        {**pair, "material": "slag", "mode": "rail", "capacity_per_year": 5},
        {**pair, "material": "slag", "mode": "road"},
    ]
    scenario = make_scenario({**BASE, "Links": rows})
    capacities = scenario.network.capacity_items.frame(scenario.codes)
    held = capacities.merge(links_of(scenario), left_on="link", right_index=True)
    assert list(held[["row", "capacity_per_year", "mode"]].itertuples(index=False, name=None)) == [
        (2, 9.0, "road"),
        (2, 9.0, "rail"),
        (3, 5.0, "rail"),
    ]


def test_transaction_costs(make_scenario: Callable[..., Scenario]) -> None:
    sites = [
        {"site": "A1", "member": "A"},
        {"site": "A2", "member": "A"},
        {"site": "B", "member": "B"},
        {"site": "X"},
        {"site": "Y"},
    ]
    pairs = [("A1", "A2"), ("A1", "B"), ("A1", "X"), ("X", "A1"), ("X", "Y")]
    rows = [{"from": a, "to": b, "material": "slag", "cost": 0} for a, b in pairs]
    settings = {
        "auto_links": False,
        "transaction_cost_inside": 3,
        "transaction_cost_outside": 5,
    }
    scenario = make_scenario(
        {"Scenario": settings, **BASE, "Sites": sites, "Links": rows, "Streams": [], "Units": [],
         "Markets": []}
    )  # fmt: skip
    costs = _cells(scenario, "transaction_cost")
    assert [costs[f"{a}>{b}:slag/road"] for a, b in pairs] == [0, 3, 5, 5, 0]


def test_flows_cost_the_tariff_of_the_period_or_the_row_s_cost(
    make_scenario: Callable[..., Scenario],
) -> None:
    modes = [
        {"mode": "road", "cost_per_unit_km": 7, "fixed_cost": 40},
        {"mode": "road", "period": "b", "cost_per_unit_km": 8},
        {"mode": "rail", "period": "b", "fixed_cost": 9, "auto": False},
    ]
    rows = [
        {"from": "Mine", "to": "Plant", "distance_km": 10},
        {"from": "Mine", "to": "Plant", "material": "slag", "mode": "rail"},
        {"from": "Plant", "to": "Town", "cost": 0, "distance_km": 5},
    ]
    periods = [{"period": "a"}, {"period": "b"}]
    scenario = make_scenario({**BASE, "Periods": periods, "Modes": modes, "Links": rows})
    flows = scenario.network.flow_items.frame(scenario.codes).merge(
        links_of(scenario), left_on="link", right_index=True
    )
    costs = {
        (r["material"], r["mode"], r["period"]): (r["unit_cost"], r["row_mode"])
        for _, r in flows.iterrows()
    }
    assert costs == {
        ("slag", "road", "a"): (110.0, 2),
        ("slag", "road", "b"): (80.0, 3),
        ("slag", "rail", "b"): (9.0, 4),
        ("brick", "road", "a"): (0.0, 2),
        ("brick", "road", "b"): (0.0, 3),
    }


def test_a_link_without_coordinates_and_distance_may_have_a_cost(
    make_scenario: Callable[..., Scenario],
) -> None:
    sites = [{"site": name} for name in ("Mine", "Plant", "Town")]
    rows = [
        {"from": "Mine", "to": "Plant", "cost": 5},
        {"from": "Plant", "to": "Town", "material": "brick", "distance_km": 3},
        {"from": "Plant", "to": "Town", "cost": 4, "mode": "rail"},
    ]
    network = make_scenario({**BASE, "Sites": sites, "Links": rows}).network
    assert network.flow_items["unit_cost"].tolist() == [5.0, 21.0, 4.0]


# -- The contract, read slowly -------------------------------------------------------------------


def _slow(scenario: Scenario) -> tuple[dict[tuple[str, ...], tuple[Any, ...]], set[Any]]:
    """Links with (distance, cost, loss), and capacities as (row, link), by nothing but loops."""
    sites = scenario.frame("Sites").to_dict("records")
    materials = scenario.frame("Materials").to_dict("records")
    modes: dict[str, bool] = {}
    for row in scenario.frame("Modes").to_dict("records"):
        modes.setdefault(row["mode"], row["auto"])
    rows = scenario.frame("Links").rename_axis("row").reset_index().to_dict("records")
    have, take = _had_and_taken(scenario, sites, materials)

    def allows(material: dict[str, Any], mode: str) -> bool:
        text = material["modes"]
        return text is None or mode in [part.strip() for part in text.split(",")]

    def covers(row: dict[str, Any], link: tuple[str, ...]) -> bool:
        named = (row["from"], row["to"], row["material"], row["mode"])
        return all(cell is None or cell == part for cell, part in zip(named, link, strict=True))

    place = {site["site"]: site for site in sites}
    found: dict[tuple[str, ...], tuple[Any, ...]] = {}
    held = set()
    for a, b, material, mode in product(place, place, materials, modes):
        k = material["material"]
        link = (a, b, k, mode)
        if a == b or not allows(material, mode):
            continue
        crow = _km(place[a], place[b]) * scenario.settings.detour_factor
        sensible = k in have[a] and k in take[b]
        exists = scenario.settings.auto_links and modes[mode] and sensible
        exists = exists and crow <= scenario.settings.max_distance_km
        covering = [row for row in rows if covers(row, link)]
        for row in covering:
            adds = row["material"] is not None or sensible
            adds = adds and (row["mode"] is not None or modes[mode])
            exists = exists or (adds and not row["forbidden"])
        covering.sort(key=lambda r: -2 * (r["material"] is not None) - (r["mode"] is not None))
        if not exists or (covering and covering[0]["forbidden"]):
            continue
        open_rows = [row for row in covering if not row["forbidden"]]
        found[link] = (
            _first(open_rows, "distance_km", crow),
            _first(open_rows, "cost", math.nan),
            _first(open_rows, "loss", 0.0),
        )
        held |= {(r["row"], link) for r in open_rows if not math.isnan(r["capacity_per_year"])}
    return found, held


def _first(rows: Iterable[dict[str, Any]], column: str, otherwise: float) -> float:
    return next((row[column] for row in rows if not math.isnan(row[column])), otherwise)


def _km(a: dict[str, Any], b: dict[str, Any]) -> float:
    """The spherical law of cosines; NaN without coordinates."""
    p, q = math.radians(a["latitude"]), math.radians(b["latitude"])
    turn = math.radians(b["longitude"] - a["longitude"])
    if math.isnan(p + q + turn):
        return math.nan
    cosine = math.sin(p) * math.sin(q) + math.cos(p) * math.cos(q) * math.cos(turn)
    return EARTH_RADIUS_KM * math.acos(max(-1.0, min(1.0, cosine)))


def _had_and_taken(
    scenario: Scenario, sites: list[dict[str, Any]], materials: list[dict[str, Any]]
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    have: dict[str, set[str]] = {site["site"]: set() for site in sites}
    take: dict[str, set[str]] = {site["site"]: set() for site in sites}
    wastes = {m["material"] for m in materials if m["category"] == "waste"}
    recipes = scenario.frame("Recipes").to_dict("records")
    used = set()
    for unit, recipe in product(scenario.frame("Units").to_dict("records"), recipes):
        if unit["status"] != "off" and recipe["technology"] == unit["technology"]:
            side = take if recipe["role"] == "input" else have
            side[unit["site"]].add(recipe["material"])
            if recipe["role"] == "input":
                used.add((unit["site"], recipe["material"]))
    for row in scenario.frame("Streams").to_dict("records"):
        have[row["site"]].add(row["material"])
    for row in scenario.frame("Stockpiles").to_dict("records"):
        have[row["site"]].add(row["material"])
        if row["can_add"]:
            take[row["site"]].add(row["material"])
    for row in scenario.frame("Markets").to_dict("records"):
        take[row["site"]].add(row["material"])
    for row in scenario.frame("Disposal").to_dict("records"):
        take[row["site"]] |= {row["material"]} if row["material"] is not None else wastes
    for row in scenario.frame("Purchases").to_dict("records"):
        where = (
            {row["site"]}
            if row["site"] is not None
            else {a for a, k in used if k == row["material"]}
        )
        for site in where:
            have[site].add(row["material"])
    for hub in (site["site"] for site in sites if site["hub"]):
        have[hub] = take[hub] = {m["material"] for m in materials}
    return have, take


SITES, MATERIALS, MODES = ("P", "Q", "R", "S"), ("m", "n", "o"), ("road", "rail", "pipe")
_site, _material, _mode = map(st.sampled_from, (SITES, MATERIALS, MODES))
_maybe = st.none() | st.floats(0, 50).map(lambda x: round(x, 1))


def _unique(rows: list[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    return list({tuple(row.get(k) for k in key): row for row in rows}.values())


@st.composite
def networks(draw: st.DrawFn) -> Sheets:
    """Small scenarios with every kind of row that the network reads."""

    def rows(low: int, high: int, **cells: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
        return draw(st.lists(st.fixed_dictionaries(cells), min_size=low, max_size=high))

    pairs = rows(0, 6, **{"from": _site, "to": _site}, material=st.none() | _material,
                 mode=st.none() | _mode, distance_km=_maybe, cost=_maybe,
                 capacity_per_year=_maybe, loss=st.sampled_from([None, 0.0, 0.25]),
                 forbidden=st.booleans())  # fmt: skip
    pairs = [row for row in pairs if row["from"] != row["to"]]
    degree = st.integers(-3, 3).map(lambda x: x / 2)
    return {
        "Scenario": {
            "auto_links": draw(st.booleans()),
            "max_distance_km": draw(st.sampled_from([math.inf, 150.0, 60.0])),
            "detour_factor": draw(st.sampled_from([1.0, 1.3])),
        },
        "Sites": [
            {
                "site": name,
                "latitude": draw(st.none() | degree),
                "longitude": draw(degree),
                "hub": draw(st.integers(0, 5)) == 0,
            }
            for name in SITES
        ],
        "Materials": [
            {
                "material": name,
                "category": draw(st.sampled_from(["waste", "product"])),
                "modes": draw(st.sampled_from([None, None, "road", "rail, pipe", "none"])),
            }
            for name in MATERIALS
        ],
        "Modes": [{"mode": name, "auto": draw(st.booleans())} for name in MODES],
        "Streams": _unique(
            rows(0, 3, site=_site, material=_material, amount_per_year=st.just(1)),
            "site", "material",
        ),
        "Stockpiles": _unique(
            rows(0, 2, site=_site, material=_material, can_add=st.booleans()), "site", "material"
        ),
        "Purchases": _unique(
            rows(0, 2, site=st.none() | _site, material=_material, price=st.just(1)),
            "site", "material",
        ),
        "Recipes": [
            {"technology": "t", "role": "input", "material": draw(_material), "amount": 1},
            {"technology": "t", "role": "output", "material": draw(_material), "amount": 1},
        ],
        "Units": [
            {**row, "unit": str(n), "technology": "t", "capacity_per_year": 1}
            for n, row in enumerate(
                rows(0, 2, site=_site, status=st.sampled_from(["existing", "off", "candidate"]))
            )
        ],
        "Markets": rows(0, 3, site=_site, material=_material, price=st.just(1)),
        "Disposal": _unique(
            rows(0, 2, site=_site, material=st.none() | _material, fee=st.just(1)),
            "site", "material",
        ),
        "Links": _unique(pairs, "from", "to", "material", "mode"),
    }  # fmt: skip


@settings(max_examples=25)
@given(sheets=networks())
def test_the_network_is_what_a_slow_reading_of_the_contract_gives(
    make_scenario: Callable[..., Scenario], sheets: Sheets
) -> None:
    scenario = make_scenario(sheets)
    expected, held = _slow(scenario)
    network = scenario.network
    key = ["from", "to", "material", "mode"]
    every = links_of(scenario)
    names = list(every[key].itertuples(index=False, name=None))
    assert sorted(names) == sorted(expected)
    for name, cells in zip(
        names,
        every[["distance_km", "cost", "loss"]].itertuples(index=False, name=None),
        strict=True,
    ):
        assert cells == pytest.approx(expected[name], nan_ok=True, rel=1e-6, abs=1e-3)
    capacities = network.capacity_items
    pairs = zip(capacities["row"].tolist(), capacities["link"].tolist(), strict=True)
    assert {(row, names[link]) for row, link in pairs} == held
    assert len(network.capacity_items) == len(held)
    assert len(network.flow_items) == len(names)
