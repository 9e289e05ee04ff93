"""Explanations where decisions, names and small margins make it hard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import circflow as cf
from circflow.algebra.build import build
from circflow.solver.compiled import compile_model
from circflow.solver.conflicts import Conflicts
from circflow.solver.elastic import Condition, conditions
from circflow.solver.explain import Conflict, Explanation, explain, with_changes
from circflow.solver.remedies import changed_cell

Make = Callable[..., cf.Scenario]
Row = dict[str, Any]


def plant(waste: float, unit: Row, *, name: str = "ash", **more: list[Row]) -> dict[str, Any]:
    """One site where a waste has to be made into a product by one unit."""
    recipe = {"technology": "t", "recipe": "main", "amount": 1}
    return {
        "Sites": [{"site": "A"}],
        "Materials": [
            {"material": name, "category": "waste"},
            {"material": "brick", "category": "product"},
        ],
        "Streams": [{"site": "A", "material": name, "amount_per_year": waste}],
        "Recipes": [
            {**recipe, "role": "input", "material": name},
            {**recipe, "role": "output", "material": "brick"},
        ],
        "Units": [{"unit": "Kiln", "site": "A", "technology": "t", **unit}],
        "Markets": [{"site": "A", "material": "brick", "price": 1}],
        **more,
    }


def figures(found: Explanation) -> dict[str, float | None]:
    return {str(r.cell): r.after for c in found.conflicts for r in c.remedies}


def test_an_infeasible_choice_whose_relaxation_is_feasible(make_scenario: Make) -> None:
    """Half a kiln could be paid, and would do: only as a yes/no decision is there no plan."""
    kiln = {"capacity_per_year": 100, "status": "candidate", "capex_million": 10}
    budget = [{"period": "1", "budget_million": 6}]
    scenario = make_scenario(plant(50, kiln, Budget=budget))
    assert cf.solve(scenario, relax=True).status is cf.Status.OPTIMAL
    with pytest.raises(cf.NoPlan, match="Budget!B2") as none:
        cf.solve(scenario)
    assert none.value.status is cf.Status.INFEASIBLE
    found = explain(scenario)
    assert figures(found)["Budget!B2"] == 10
    assert found.verified


def test_a_unit_that_idles_names_its_least_load(make_scenario: Make) -> None:
    """50 arise, and the kiln runs at 80 or not at all."""
    kiln = {"capacity_per_year": 100, "min_load": 0.8, "can_idle": True}
    found = explain(make_scenario(plant(50, kiln)))
    assert figures(found)["Units!G2"] == pytest.approx(0.5)
    assert found.verified


def test_barely_feasible_and_barely_not(make_scenario: Make) -> None:
    kiln = {"capacity_per_year": 50}
    assert explain(make_scenario(plant(50, kiln))).status is cf.Status.OPTIMAL
    found = explain(make_scenario(plant(50.001, kiln)))
    assert figures(found) == {"Units!E2": 50.001, "Streams!D2": 50.0}


def test_huge_figures(make_scenario: Make) -> None:
    found = explain(make_scenario(plant(5e12, {"capacity_per_year": 1e12})))
    assert figures(found) == {"Units!E2": 5e12, "Streams!D2": 1e12}
    assert found.verified


def test_a_capacity_that_is_far_too_small_is_named(make_scenario: Make) -> None:
    """A kiln that may idle has ten million times too little capacity."""
    kiln = {"capacity_per_year": 0.005, "min_load": 0.2, "can_idle": True}
    found = explain(make_scenario(plant(5e4, kiln)))
    assert figures(found)["Units!E2"] == 5e4
    assert found.verified


def test_names_are_plain_text_on_one_line(make_scenario: Make) -> None:
    name = "=cmd()\n\u202e[a=b] {x} %s \"'"
    found = explain(make_scenario(plant(50, {"capacity_per_year": 10}, name=name)))
    assert all(line.isprintable() for line in found.lines())
    assert any("=cmd() ?[a=b] {x} %s" in line for line in found.lines())


def candidate(name: str, capacity: float, **more: Any) -> Row:
    kiln = {"unit": name, "site": "A", "technology": "t", "status": "candidate"}
    return {**kiln, "capacity_per_year": capacity, "capex_million": 10, **more}


def cells(conflict: Conflict) -> set[str]:
    return {str(c.cell) for c in conflict.conditions}


def proven(scenario: cf.Scenario, found: Explanation) -> None:
    """Of a single conflict: every change makes a plan, and nine tenths of it do not."""
    (conflict,) = found.conflicts
    for change in conflict.remedies:
        assert explain(with_changes(scenario, [change])).status is cf.Status.OPTIMAL, change.text
        if change.before is not None and change.after is not None:
            most = change.before + 0.9 * (change.after - change.before)
            short = replace(change, after=most)
            assert explain(with_changes(scenario, [short])).status is cf.Status.INFEASIBLE


def test_with_several_conflicts_every_change_is_solved_with_decisions(make_scenario: Make) -> None:
    """The budget pays for half a kiln, which would do: a whole one costs 10. And slag has
    no other place than a dump of 30."""
    sheets = plant(50, {"capacity_per_year": 100, "status": "candidate", "capex_million": 10})
    sheets["Budget"] = [{"period": "1", "budget_million": 6}]
    sheets["Materials"].append({"material": "slag", "category": "waste"})
    sheets["Streams"].append({"site": "A", "material": "slag", "amount_per_year": 40})
    sheets["Disposal"] = [{"site": "A", "material": "slag", "fee": 1, "capacity_per_year": 30}]
    found = explain(make_scenario(sheets))
    assert sorted(map(sorted, map(cells, found.conflicts))) == [
        ["Budget!B2", "Streams!D2"],
        ["Disposal!E2", "Streams!D3"],
    ]
    assert figures(found) == {
        "Budget!B2": 10, "Streams!D2": 0, "Disposal!E2": 40, "Streams!D3": 30,
    }  # fmt: skip
    assert {str(c.cell): c.after for c in found.together} == {"Budget!B2": 10, "Disposal!E2": 40}
    assert found.verified


def test_a_set_is_irreducible_with_decisions(make_scenario: Make) -> None:
    """The kiln burns at least 90 or is not built: the waste alone is too little. With half a kiln
    the market, which takes 30, would stand in the way."""
    kiln = {"capacity_per_year": 100, "min_load": 0.9, "status": "candidate", "capex_million": 1}
    sheets = plant(50, kiln)
    sheets["Markets"][0]["max_per_year"] = 30
    scenario = make_scenario(sheets)
    found = explain(scenario)
    assert [cells(c) for c in found.conflicts] == [{"Streams!D2"}]
    assert figures(found) == {"Streams!D2": 0.0}
    proven(scenario, found)


def test_another_cell_that_blocks_is_named(make_scenario: Make) -> None:
    """50 have to go over a link for next to nothing to a dump for less: to let the stream go is
    the least, and then nothing else stands in the way. Either limit alone leaves the other."""
    sheets = plant(50, {})
    sheets["Scenario"] = {"auto_links": False}
    sheets["Sites"].append({"site": "B"})
    sheets["Links"] = [{"from": "A", "to": "B", "material": "ash", "capacity_per_year": 0.002}]
    sheets["Disposal"] = [{"site": "B", "fee": 1, "capacity_per_year": 0.001}]
    sheets["Units"] = []
    scenario = make_scenario(sheets)
    found = explain(scenario)
    (conflict,) = found.conflicts
    assert figures(found) == {"Streams!D2": 0.001}
    proven(scenario, found)
    (blocked,) = conflict.blocked
    way = {"Links!G2": "Disposal!E2", "Disposal!E2": "Links!G2"}
    assert {str(c) for c in blocked.by} == {"Streams!D2", way[str(blocked.cell)]}
    assert f"  to raise {blocked.cell} alone is not enough" in "".join(found.lines())
    assert found.summary()["conflicts"][0]["blocked"][0]["cell"] == str(blocked.cell)


def test_capacity_counts_its_availability(make_scenario: Make) -> None:
    scenario = make_scenario(plant(50, {"capacity_per_year": 40, "availability": 0.5}))
    found = explain(scenario)
    assert figures(found) == {"Units!E2": 100.0, "Streams!D2": 20.0}
    proven(scenario, found)
    periods = [{"unit": "Kiln", "period": "1", "capacity_per_year": 60, "availability": 0.25}]
    scenario = make_scenario(
        plant(50, {"capacity_per_year": 40, "availability": 0.5}, UnitPeriods=periods)
    )
    found = explain(scenario)
    assert figures(found) == {"UnitPeriods!C2": 200.0, "Streams!D2": 15.0}
    proven(scenario, found)


def test_least_load_counts_availability(make_scenario: Make) -> None:
    kiln = {"capacity_per_year": 100, "availability": 0.8, "min_load": 0.75}
    scenario = make_scenario(plant(50, kiln))
    found = explain(scenario)
    assert figures(found)["Units!G2"] == pytest.approx(0.625)
    proven(scenario, found)


def test_any_of_a_choice_may_be_cleared(make_scenario: Make) -> None:
    """90 arise, and of two kilns for 50 one may be built."""
    kilns = [candidate("one", 50, choice="c"), candidate("two", 50, choice="c")]
    scenario = make_scenario({**plant(90, {}), "Units": kilns})
    found = explain(scenario)
    cleared = [str(r.cell) for c in found.conflicts for r in c.remedies if r.after is None]
    column = scenario.tables["Units"].letters["choice"]
    assert cleared == [f"Units!{column}2", f"Units!{column}3"]
    proven(scenario, found)


def test_a_stream_that_is_lowered_also_supplies_less(make_scenario: Make) -> None:
    """100 arise in both periods; in a 80 can be dumped, in b 20 bricks have to be sold."""
    sheets = plant(100, {"capacity_per_year": 20})
    sheets["Periods"] = [{"period": "a"}, {"period": "b"}]
    sheets["Disposal"] = [{"site": "A", "fee": 1, "capacity_per_year": 70}]
    sheets["Markets"] = [{"site": "A", "material": "brick", "price": 1, "min_per_year": 20}]
    scenario = make_scenario(sheets)
    found = explain(scenario)
    assert figures(found)["Streams!D2"] == 90.0
    proven(scenario, found)
    sheets["Disposal"][0]["capacity_per_year"] = 0
    sheets["Disposal"].append({"site": "A", "fee": 1, "capacity_per_year": 90, "period": "b"})
    sheets["Markets"] = [
        {"site": "A", "material": "brick", "price": 1, "period": "a", "max_per_year": 10},
        {"site": "A", "material": "brick", "price": 1, "period": "b", "min_per_year": 20},
    ]
    found = explain(make_scenario(sheets))
    # Lowered to the 10 that a can sell, b would lack its 20.
    assert "Streams!D2" in {str(b.cell) for c in found.conflicts for b in c.blocked}


def test_a_change_has_the_digits_it_needs(make_scenario: Make) -> None:
    (stream,) = _conditions(make_scenario(plant(123456.789, {"capacity_per_year": 1})), "Streams")
    change = changed_cell(stream, 0.001)
    assert change.after == pytest.approx(123456.788, abs=1e-5)
    assert "from 123 456.789 to 123 456.788 t/yr" in change.text
    (stream,) = _conditions(make_scenario(plant(0.3, {"capacity_per_year": 1})), "Streams")
    assert changed_cell(stream, 0.1 + 0.2 - 1e-17).after == 0.0
    assert changed_cell(stream, 0.3 - 6.9e-18).after == 0.0


def test_a_change_may_be_typed(make_scenario: Make) -> None:
    """A size that a cell may not hold gives way to the next that it may: 0, or 1e-9 above it."""
    sheets = plant(4e-5, {"capacity_per_year": 0})
    stream, unit = (_conditions(make_scenario(sheets), n)[0] for n in ("Streams", "Units"))
    assert changed_cell(stream, 4e-5 - 4.7e-12).after == 0.0
    assert changed_cell(stream, 4e-5 - 4.7e-9).after == pytest.approx(4.7e-9)
    assert changed_cell(unit, 4.7e-12).after == 1e-9


def _conditions(scenario: cf.Scenario, sheet: str) -> list[Condition]:
    m = build(scenario)
    return [c for c in conditions(m, compile_model(m)) if c.cell.sheet == sheet]


def test_a_share_of_small_amounts_is_a_change(make_scenario: Make) -> None:
    """Of 1e-8 t the share gives way by 1e-8 t: little for a share, all there is of the tonnes."""
    region = plant(1e-9, {"capacity_per_year": 1})
    region["Materials"] += [
        {"material": "slag", "category": "waste"},
        {"material": "dust", "category": "waste"},
    ]
    region["Streams"] += [
        {"site": "A", "material": "slag", "amount_per_year": 1e-8},
        {"site": "A", "material": "dust", "amount_per_year": 1},
    ]
    recipe = {"technology": "t", "recipe": "main", "amount": 1, "group": "feed", "weight": 1}
    region["Recipes"] = [
        {**recipe, "role": "input", "material": "ash"},
        {**recipe, "role": "input", "material": "slag"},
        {"technology": "t", "recipe": "main", "amount": 1, "role": "output", "material": "brick"},
    ]
    limit = {"technology": "t", "recipe": "main", "group": "feed", "material": "ash", "min": 0.8}
    scenario = make_scenario({**region, "BlendLimits": [limit]})
    m = build(scenario)
    compiled = compile_model(m)
    known = conditions(m, compiled)
    kinds = [c.cell.sheet for c in known]
    conflicts = Conflicts(compiled, known)
    free = np.array(
        [
            kind == "BlendLimits" or c.where.startswith("dust")
            for kind, c in zip(kinds, known, strict=True)
        ]
    )
    changed = conflicts.changed(conflicts.cheapest(free))
    assert {kinds[n] for n in np.flatnonzero(changed)} == {"BlendLimits", "Streams"}
    found = explain(scenario)
    assert len(found.conflicts) == 2
    assert found.together and found.verified
