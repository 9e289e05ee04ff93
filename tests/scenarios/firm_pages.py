"""What `circflow firm` gave for a case, as its page says it, and a few of it solved again.

`scenarios/firm/<case>.json` is what the command named there wrote:

    circflow firm scenarios/<case> --samples 30 --seed 1 --json scenarios/firm/<case>.json

Of Kuzbass and Sverdlovsk, where the discount rate overturns a decision was searched again, as that
command does now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import circflow as cf
from circflow.data.changes.address import parse_address
from circflow.studies.sweeps.design import changed, edits_of, parameter
from circflow.studies.sweeps.sampling import ranges_of, sample_points
from circflow.studies.units.candidates import Bench
from circflow.studies.units.firm import FIRM, LIKELY

STORED = Path(__file__).parents[2] / "scenarios" / "firm"
WORDS = {
    "Markets.price": "price of {material}",
    "Markets.max_per_year": "room in the market for {material}",
    "Purchases.price": "price of bought {material}",
    "Streams.amount_per_year": "amount of {material}",
    "Streams.cost": "price of {material} taken in",
    "Stockpiles.opening": "stock of {material}",
    "RecipeCosts.variable_cost": "running cost of {technology}",
    "Recipes.amount": "{material} per tonne of {technology}",
    "Units.capex_million": "capital {rest}",
    "Units.capex_max_million": "capital of the larger size {rest}",
    "Disposal.fee": "dump costs {rest}",
    "EmissionLimits.price": "price of {pollutant}",
    "Modes.cost_per_unit_km": "freight by {mode}",
    "Modes.fixed_cost": "loading of {mode}",
    "BlendLimits.max": "limit of a blend {rest}",
    "Scenario.discount_rate": "discount rate",
    "Scenario.transaction_cost_inside": "contract cost inside",
    "Scenario.transaction_cost_outside": "contract cost outside",
    "Synergies.value": "{synergy}",
}


def decided(scenario: cf.Scenario) -> tuple[float, set[str]]:
    """What the best plan is worth, million, and what it builds; without its tables and audit."""
    bench = Bench(scenario)
    best = bench.best()
    return best.value, set(bench.built(best.x))


def stored(case: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((STORED / f"{case}.json").read_text("utf-8"))
    return content


def words(address: str) -> str:
    """An address as a person says it."""
    parsed = parse_address(address)
    filters = {column: str(value) for column, value in parsed.filters}
    known = WORDS.get(f"{parsed.sheet}.{parsed.column}")
    if years := filters.get("lifetime_years"):
        filters["lifetime_years"] = f"plants that last {years} years"
    rest = ", ".join(filters.values())
    if known is None:
        return f"{parsed.sheet}.{parsed.column} {rest}".strip()
    text = known.format_map({"rest": f"of {rest}" if rest else "", **filters})
    return text.strip()


def figure(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def overturned(row: dict[str, Any]) -> str:
    """`price of pitch x 0.887 (34 % of the way)`."""
    if row["overturned_by"] is None:
        return "none alone"
    sign = {"factor": "x ", "add": "+ ", "set": "at "}[row["change"]]
    at = f"{words(row['overturned_by'])} {sign}{row['overturned_at']:,.3g}"
    return f"{at} ({100 * row['distance']:.0f} % of the way)"


def _range(row: Mapping[str, Any]) -> str:
    low, high = row["worth_p5_million"], row["worth_p95_million"]
    return "-" if low is None else f"{figure(low)} to {figure(high)}"


def _order(row: dict[str, Any]) -> tuple[int, bool, float]:
    rank = ("firm", "likely", "doubtful").index(row["firmness"])
    return rank, not row["in_plan"], -row["agree_share"]


def firm_rows(content: dict[str, Any]) -> list[str]:
    """A row for each plant of the plan and for each that is not firmly left out."""
    rows = [r for r in content["decisions"] if r["in_plan"] or r["firmness"] != "firm"]
    return [
        f"| {r['unit']} | {'yes' if r['in_plan'] else 'no'} | {100 * r['built_share']:.0f} % |"
        f" {_range(r)} |"
        f" {overturned(r)} | {r['firmness']} |"
        for r in sorted(rows, key=_order)
    ]


def left_out(content: dict[str, Any]) -> list[str]:
    """What is firmly not built."""
    return [r["unit"] for r in content["decisions"] if r["firmness"] == "firm" and not r["in_plan"]]


def knowing_rows(content: dict[str, Any]) -> list[str]:
    """The start of a row for each decision that a figure would settle; one row per figure."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in content["decisions"]:
        if row["settled_by"] is not None:
            grouped.setdefault(row["settled_by"], []).append(row)
    most = {address: max(r["knowing_million"] for r in rows) for address, rows in grouped.items()}
    lines = []
    for address, value in sorted(most.items(), key=lambda pair: -pair[1]):
        names = "; ".join(r["unit"] for r in grouped[address])
        lines.append(f"| {words(address)} | {names} | {figure(value)} |")
    return lines


def open_rows(content: dict[str, Any]) -> list[str]:
    """Decisions that are doubtful and that no figure alone would settle."""
    return [
        r["unit"]
        for r in content["decisions"]
        if r["firmness"] == "doubtful" and r["settled_by"] is None
    ]


def least_sure(content: Mapping[str, Any], units: Sequence[str]) -> str:
    """The firmness of the least sure of some plants."""
    order = ("doubtful", "likely", "firm")
    classes = [str(r["firmness"]) for r in content["decisions"] if r["unit"] in units]
    return min(classes, key=order.index)


def firm_lines(content: dict[str, Any], per: float = 1.0) -> list[str]:
    """All that a page takes from what is stored."""
    return [spread(content, per), *firm_rows(content), *knowing_rows(content)]


def spread(content: dict[str, Any], per: float = 1.0) -> str:
    """The gain as a range: `5 to 11`, and its middle."""
    gain = content["gain"][0]
    low, middle, high = (gain[f"{p}_million"] / per for p in ("p5", "p50", "p95"))
    return f"a gain of {low:,.0f} to {high:,.0f}, middle {middle:,.0f}"


def agrees(content: dict[str, Any], scenario: cf.Scenario, plan: cf.Solution, today: float) -> None:
    """Classes follow from shares and turns, shares from samples; one sample and the nearest turn
    come out as stored when they are solved again."""
    assert content["gain"][0]["gain_million"] == pytest.approx(plan.objective - today, rel=1e-5)
    plans = samples_of(content)
    built = set(plan.built["unit"])
    turned = {row["unit"] for row in content["turns"]}
    for row in content["decisions"]:
        unit = row["unit"]
        assert row["in_plan"] == (unit in built)
        share = sum(unit in names for names in plans) / len(plans)
        assert row["built_share"] == pytest.approx(share)
        agree = share if unit in built else 1.0 - share
        assert row["firmness"] == class_of(agree, unit in turned)
    sample_again(content, scenario)
    _turn_again(content, scenario, built)


def class_of(agree: float, turned: bool = False) -> str:
    """The rule."""
    if agree >= FIRM and not turned:
        return "firm"
    return "likely" if agree >= LIKELY else "doubtful"


def samples_of(content: Mapping[str, Any]) -> list[set[str]]:
    """What is built in each sample that has a plan."""
    return [set(s["built"].split("; ")) for s in content["samples"] if s["built"] is not None]


def sample_again(content: dict[str, Any], scenario: cf.Scenario) -> None:
    """One of the samples, solved again, gains and builds what is stored."""
    kept = content["samples"]
    design = sample_points(ranges_of(scenario), len(kept), seed=content["seed"])
    one = kept[len(kept) // 2]
    edits = edits_of(design.parameters, design.points[one["sample"]])
    best, built = decided(changed(scenario, edits))
    today = scenario.change({"Units.status[status=candidate]": "off"})
    off, _ = decided(changed(today, edits))
    assert best - off == pytest.approx(one["gain_million"], rel=1e-4)
    assert built == set(one["built"].split("; "))


def _turn_again(content: dict[str, Any], scenario: cf.Scenario, built: set[str]) -> None:
    """A little before the turn the plan decides as it does, a little beyond it does not."""
    turns = pd.DataFrame(content["turns"])
    row = turns[turns["exact"] & turns["distance"].between(0.05, 0.9)].iloc[0]
    one = parameter(scenario, row["parameter"], row["change"])
    own, at = one.neutral or 0.0, float(row["overturned_at"])
    for way, same in ((0.98, True), (1.02, False)):
        there = changed(scenario, edits_of((one,), (own + way * (at - own),)))
        _, names = decided(there)
        assert ((row["unit"] in names) == (row["unit"] in built)) is same
