"""The relations between scenarios: what each of them changes, cell by cell."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from circflow.fuzz.regions import Sheets
from circflow.fuzz.relations import RELATIONS, Changed

MINE: Sheets = {
    "Scenario": [
        {"key": "name", "value": "mine"},
        {"key": "discount_rate", "value": 0.0},
        {"key": "transaction_cost_inside", "value": 2.0},
    ],
    "Periods": [{"period": "a", "years": 3}, {"period": "b", "years": 1}],
    "Sites": [{"site": "Mine"}, {"site": "Town"}],
    "Materials": [
        {"material": "slag", "category": "waste", "modes": "road"},
        {"material": "lime", "category": "input", "modes": "none"},
    ],
    "Streams": [{"site": "Mine", "material": "slag", "amount_per_year": 10.0, "cost": 3.0}],
    "Purchases": [
        {"site": None, "material": "lime", "period": None, "price": 5.0, "max_per_year": 8.0},
        {"site": None, "material": "lime", "period": "b", "price": 6.0, "max_per_year": None},
    ],
    "Recipes": [
        {"technology": "kiln", "recipe": "main", "role": "input", "material": "lime", "amount": 2.0}
    ],
    "Units": [
        {"unit": "Kiln", "site": "Mine", "technology": "kiln", "capacity_per_year": 4.0,
         "min_load": 0.5, "capex_million": 7.0, "status": "candidate", "requires": None},
        {"unit": "Mill", "site": "Mine", "technology": "kiln", "capacity_per_year": 1.0,
         "capex_million": 9.0, "status": "candidate", "requires": "Kiln"},
    ],
    "Markets": [{"site": "Town", "material": "slag", "price": 1.0, "min_per_year": 2.0}],
    "Disposal": [{"site": "Mine", "material": None, "fee": 4.0, "capacity_per_year": None}],
    "EmissionFactors": [
        {"kind": "purchase", "key": None, "pollutant": "CO2", "factor": 0.5},
        {"kind": "recipe", "key": "kiln", "pollutant": "CO2", "factor": 0.7},
    ],
    "EmissionLimits": [{"pollutant": "CO2", "scope": "unit", "key": "Mill", "limit_per_year": 3.0}],
    "Goals": [{"goal": "jobs", "weight": 0.1}, {"goal": "synergy", "weight": 2.0}],
}  # fmt: skip


def changed(name: str, seed: int = 0, sheets: Sheets = MINE, most: float = 0.0) -> Changed:
    before = copy.deepcopy(sheets)
    made = RELATIONS[name](sheets, Random(seed), most)
    assert sheets == before, "the scenario itself is left as it is"
    assert made is not None
    return made


def differences(made: Changed) -> list[tuple[Any, ...]]:
    """Sheet, row, column, before and after of every cell that differs."""
    return [
        (sheet, at, column, row.get(column), new)
        for sheet, rows in MINE.items()
        for at, row in enumerate(rows)
        for column, new in made.sheets[sheet][at].items()
        if row.get(column) != new
    ]


def over(name: str, check: Callable[[Changed], None], seeds: int = 12) -> None:
    for seed in range(seeds):
        made = RELATIONS[name](MINE, Random(seed), 0.0)
        if made is not None:
            check(made)


def test_a_raised_maximum_is_one_cell_that_only_bounds_from_above() -> None:
    def check(made: Changed) -> None:
        ((sheet, at, column, before, after),) = differences(made)
        assert made.expected == "not lower" and after > before
        # must-handled waste, a capacity with a least load: no maxima
        assert (sheet, at) in {
            ("Purchases", 0), ("Purchases", 1), ("Units", 1), ("EmissionLimits", 0),
        }  # fmt: skip
        assert column in ("max_per_year", "capacity_per_year", "limit_per_year")

    over("raised_maximum", check)


def test_a_lowered_minimum_is_one_cell() -> None:
    def check(made: Changed) -> None:
        ((sheet, _, column, before, after),) = differences(made)
        assert made.expected == "not lower" and after < before
        assert (sheet, column) in {("Units", "min_load"), ("Markets", "min_per_year")}

    over("lowered_minimum", check)


def test_a_limit_beyond_reach_is_above_what_the_plan_moves() -> None:
    for seed in range(12):
        made = changed("limit_beyond_reach", seed, most=1e4)
        assert made.expected == "equal"
        for sheet, _, column, before, after in differences(made):
            assert before is None and after >= 2e4
            assert (sheet, column) in {
                ("Purchases", "max_per_year"), ("Markets", "max_per_year"),
                ("Disposal", "capacity_per_year"),
            }  # fmt: skip


def test_tonnes_scale_amounts_and_lump_sums_but_no_price() -> None:
    made = changed("all_tonnes_scaled")
    scaled = {(d[0], d[2]): d[4] / d[3] for d in differences(made)}
    assert set(scaled) == {
        ("Streams", "amount_per_year"), ("Purchases", "max_per_year"),
        ("Units", "capacity_per_year"), ("Units", "capex_million"), ("Markets", "min_per_year"),
        ("EmissionLimits", "limit_per_year"),
    }  # fmt: skip
    assert list(scaled.values()) == pytest.approx([made.factor] * len(scaled))


def test_money_scales_prices_and_lump_sums_but_no_amount() -> None:
    made = changed("all_money_scaled")
    scaled = {(d[0], d[2]): d[4] / d[3] for d in differences(made)}
    assert set(scaled) == {
        ("Scenario", "value"), ("Streams", "cost"), ("Purchases", "price"),
        ("Units", "capex_million"), ("Markets", "price"), ("Disposal", "fee"), ("Goals", "weight"),
    }  # fmt: skip
    assert list(scaled.values()) == pytest.approx([made.factor] * len(scaled))
    assert made.sheets["Goals"][1]["weight"] == 2.0  # that of synergy is a number


def test_the_unit_of_all_materials_scales_amounts_and_what_is_per_unit() -> None:
    made = changed("unit_of_all_materials")
    scaled = {(d[0], d[2]): d[4] / d[3] for d in differences(made)}
    factor = scaled[("Streams", "amount_per_year")]
    assert made.factor == 1.0 and factor != 1.0
    amounts = {
        ("Streams", "amount_per_year"), ("Purchases", "max_per_year"),
        ("Units", "capacity_per_year"), ("Markets", "min_per_year"),
    }  # fmt: skip
    per_unit = {
        ("Scenario", "value"), ("Streams", "cost"), ("Purchases", "price"), ("Markets", "price"),
        ("Disposal", "fee"), ("EmissionFactors", "factor"),
    }  # fmt: skip
    assert scaled == pytest.approx(
        dict.fromkeys(amounts, factor) | dict.fromkeys(per_unit, 1.0 / factor)
    )


def test_the_unit_of_one_material_changes_where_it_occurs() -> None:
    made = changed("unit_of_one_material")
    assert made.said.startswith("lime")  # slag shares the fee of every waste
    first, second = made.sheets["Purchases"]
    factor = float(first["max_per_year"] or 0.0) / 8.0
    assert first["price"] == pytest.approx(5.0 / factor)
    assert second["price"] == pytest.approx(6.0 / factor)
    assert made.sheets["Recipes"][0]["amount"] == pytest.approx(2.0 * factor)
    own = {"kind": "purchase", "key": "lime", "pollutant": "CO2"}
    assert made.sheets["EmissionFactors"][2:] == [{**own, "factor": pytest.approx(0.5 / factor)}]
    assert made.sheets["Streams"] == MINE["Streams"]


def test_periods_written_out() -> None:
    made = changed("periods_written_out")
    assert [(r["period"], r["price"]) for r in made.sheets["Purchases"]] == [("a", 5.0), ("b", 6.0)]
    assert [(r["period"], r["fee"]) for r in made.sheets["Disposal"]] == [("a", 4.0), ("b", 4.0)]


def test_a_split_needs_years_that_do_not_depend_on_one_another() -> None:
    assert RELATIONS["period_split"](MINE, Random(0), 0.0) is None
    alone = {**MINE, "Units": [{**u, "status": "existing"} for u in MINE["Units"]]}
    made = changed("period_split", sheets=alone)
    periods = made.sheets["Periods"]
    assert [p["period"] for p in periods] == ["a", "the rest", "b"]
    assert sum(int(p["years"] or 0) for p in periods) == 4


@pytest.mark.parametrize("stays", [False, True])
def test_a_unit_struck_out_takes_with_it_what_needs_or_names_it(stays: bool) -> None:
    other = {**MINE["Units"][0], "unit": "Other kiln"}  # the Mine may send on what it makes
    sheets = {**MINE, "Units": [*MINE["Units"], other]} if stays else MINE
    seen = set()
    for seed in range(12):
        made = changed("off_or_struck_out", seed, sheets)
        assert made.base is not None
        off = [u["unit"] for u in made.base["Units"] if u.get("status") == "off"]
        left = [u["unit"] for u in made.sheets["Units"] if u["unit"] != "Other kiln"]
        seen.add((*off, "|", *left))
        assert made.sheets["EmissionLimits"] == [] or off == ["Other kiln"]
    kiln_off = ("Kiln", "|") if stays else ("Kiln", "Mill", "|")
    assert {kiln_off, ("Mill", "|", "Kiln")} <= seen


def test_the_same_rows_in_another_order() -> None:
    made = changed("rows_permuted", 3)
    assert made.sheets != MINE or list(made.sheets) != list(MINE)
    assert made.sheets["Periods"] == MINE["Periods"]
    for name, rows in MINE.items():
        assert sorted(map(repr, (sorted(r.items(), key=str) for r in rows))) == sorted(
            map(repr, (sorted(r.items(), key=str) for r in made.sheets[name]))
        )


def test_what_is_added_is_named_nowhere_else() -> None:
    for name in ("unused_things", "unit_that_is_off"):
        made = changed(name)
        for sheet, rows in MINE.items():
            assert made.sheets[sheet][: len(rows)] == rows


def test_every_relation_is_tried_here() -> None:
    tried = {
        *("raised_maximum", "lowered_minimum", "limit_beyond_reach", "all_tonnes_scaled"),
        *(
            "all_money_scaled",
            "unit_of_one_material",
            "unit_of_all_materials",
            "periods_written_out",
            "period_split",
        ),
        *("off_or_struck_out", "rows_permuted", "unused_things", "unit_that_is_off"),
        *("freed_candidate", "relaxed", "better_price"),
    }
    assert tried == set(RELATIONS)
    assert changed("freed_candidate").sheets["Units"][1]["requires"] is None
    assert changed("relaxed").relax and changed("relaxed").sheets == MINE


def test_a_better_price_is_one_cell_to_the_better_side() -> None:
    worse_when_larger = {"fee", "capex_million"}

    def check(made: Changed) -> None:
        ((sheet, _, column, before, after),) = differences(made)
        lower = column in worse_when_larger or sheet == "Purchases"
        assert (after < before) == lower

    over("better_price", check)
