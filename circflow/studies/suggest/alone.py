"""One suggestion with all others left out: the best plan with it, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from circflow.i18n import say
from circflow.report.numbers import number
from circflow.solution.solution import Solution
from circflow.studies.suggest.candidates import SOURCE, Candidate
from circflow.studies.suggest.first_tonne import Pricing
from circflow.studies.units.break_even import Sides
from circflow.studies.units.candidates import Bench, Plan, Setting
from circflow.studies.units.effects import gains, mean_load, value_added

COLUMNS = [
    "technology",
    "site",
    "member",
    "unit",
    "gain",
    "pays",
    "capacity",
    "load_share",
    "period",
    "capex_million",
    "break_even_capex_million",
    "gate_fee",
    "break_even_gate_fee",
    "first_tonne_value",
    "first_tonne_least",
    "value",
    "objective_with",
    "takes",
    "makes",
    "or_at",
    "gains_most",
    "alike",
    "hangs_on",
    "confidence",
    "readiness",
    "sources",
]
"""`gate_fee` names the waste whose break-even fee follows (currency per unit, above 0: it must be
paid to the plant; below: the plant could pay for it); `or_at` another site for the same, which adds
nothing beside this one."""
FLOWS = ["unit", "role", "material", "amount_per_year", "unit_of_measure"]


@dataclass
class Judged:
    """A suggestion, solved alone."""

    candidate: Candidate
    record: dict[str, Any]
    setting: Setting
    plan: Plan | None = None
    flows: pd.DataFrame | None = None
    members: pd.DataFrame | None = None

    @property
    def value(self) -> float:
        return float(self.record["value"]) if self.plan is not None else -np.inf


@dataclass(frozen=True)
class Alone:
    """One suggestion with all others left out."""

    pricing: Pricing
    bench: Bench
    without: Plan
    added_without: pd.DataFrame
    """Each member's value added without any."""
    every: frozenset[str]

    def judged(self, row: dict[Any, Any]) -> Judged:
        """The best plan with it."""
        bench = self.bench
        one: Candidate = row["candidate"]
        others = self.every - {one.unit}
        forced, plan, within = bench.building(one.unit, others, self.without.x)
        member = bench.scenario.member_of.get(one.site)
        record: dict[str, Any] = {name: row.get(name) for name in COLUMNS}
        known = self.pricing.technologies[one.technology]
        record.update(
            member=member, unit=one.unit, gain=0.0, pays=False, value=np.nan,
            objective_with=self.without.value, confidence=known["confidence"],
            readiness=known["readiness"], sources=known["source"],
        )  # fmt: skip
        if plan is None:
            return Judged(one, record, forced)
        value = plan.value - self.without.value
        pays = within and value > 0.0
        solution = bench.solution(plan)
        places = built(bench, plan, [one.unit]).iloc[0]
        flows, units = _flows(solution, one.unit), solution.tables.units
        units = units[(units["unit"] == one.unit) & (units["in_service"] > 0.5)]
        record.update(
            value=value, gain=value if pays else 0.0, pays=pays, period=places["period"],
            objective_with=self.without.value + (value if pays else 0.0),
            capacity=places["capacity"], capex_million=places["capex_million"],
            load_share=mean_load(units), takes=_listed(flows, "input"),
            makes=_listed(flows, "output"),
        )  # fmt: skip
        members = gains(value_added(solution), self.added_without, one.unit)
        change = members["change_million"].to_numpy(float)
        if pays and change.max() > 0.0:
            record["gains_most"] = members["member"].iloc[int(change.argmax())]
        return Judged(one, record, forced, plan, flows, members)

    def even(self, one: Judged) -> Judged:
        """The same with the capex and the gate fee at which it is worth nothing."""
        bench, plan, flows = self.bench.twin(), one.plan, one.flows
        if plan is None or flows is None:
            return one
        record, unit = one.record, one.candidate.unit
        sides = Sides(
            (bench, one.setting, [plan]),
            (bench, Setting(out=self.every), [self.without]),
            2.0 * max(bench.gap, 1e-9) * max(abs(self.without.value), 1.0),
        )
        record["break_even_capex_million"] = record["capex_million"] + sides.capex(unit).theta
        wastes = flows[(flows["role"] == "input") & flows["material"].isin(bench.scenario.wastes)]
        if wastes.empty:
            return one
        most = int(wastes["amount_per_year"].to_numpy(float).argmax())
        material = str(wastes["material"].iloc[most])
        fee = sides.gate_fee(unit, material).theta
        record.update(gate_fee=material, break_even_gate_fee=fee)
        return one

    def doubts(self, judged: Judged) -> list[str]:
        """What the verdict hangs on."""
        one, record = judged.candidate, judged.record
        if judged.plan is None:
            return [say("there is no plan with it")]
        row = self.pricing.technologies[one.technology]
        doubts = []
        even, capex = record["break_even_capex_million"], record["capex_million"]
        if even is not None and capex:
            room = even / capex - 1.0
            if abs(room) <= float(row["accuracy"]):
                sure = 100.0 * float(row["accuracy"])
                doubts.append(
                    say(
                        "capex: {value:+.0f} % turns it, it is known to ±{sure:.0f} %",
                        value=100 * room,
                        sure=sure,
                    )
                )
        if row["confidence"] in ("engineering", "assumption"):
            doubts.append(say("figures of general engineering knowledge"))
        if row["readiness"] < 8:
            doubts.append(say("readiness {readiness:.0f} of 9", readiness=row["readiness"]))
        if one.given_away:
            doubts.append(say("a taker of ") + ", ".join(one.given_away))
        if one.dumped:
            doubts.append(say("a place for ") + ", ".join(one.dumped))
        assert judged.flows is not None
        taken = {str(name).removesuffix(f" ({SOURCE})") for name in judged.flows["material"]}
        if bought := [name for name in one.bought if name in taken]:
            doubts.append(say("the price of ") + ", ".join(bought))
        return doubts


def built(bench: Bench, plan: Plan, units: Sequence[str]) -> pd.DataFrame:
    """Which of some candidates a plan builds: unit, period, capacity, capex_million."""
    rows = bench.standing(plan, units).rename(columns={"capacity_per_year": "capacity"})
    return rows[["unit", "period", "capacity", "capex_million"]].reset_index(drop=True)


def _flows(solution: Solution, unit: str) -> pd.DataFrame:
    """What a unit takes in and makes in a mean year of service (columns as in `FLOWS`)."""
    scenario, rows = solution.scenario, solution.tables.conversions
    years = {p.name: float(p.years) for p in scenario.periods}
    units = solution.tables.units
    serves = units[(units["unit"] == unit) & (units["in_service"] > 0.5)]["period"]
    horizon = sum(years[p] for p in serves) or 1.0
    rows = rows[rows["unit"] == unit]
    amount = rows["amount_per_year"].astype(float) * rows["period"].map(years)
    sums = amount.groupby([rows["role"], rows["material"]], sort=False).sum() / horizon
    table = sums.rename("amount_per_year").reset_index()
    table = table[table["amount_per_year"] > 0.0].reset_index(drop=True)
    table.insert(0, "unit", unit)
    return table.assign(unit_of_measure=table["material"].map(scenario.unit_of_measure))[FLOWS]


def _listed(flows: pd.DataFrame, role: str) -> str:
    """The flows of one role in words, the largest first."""
    rows = flows[flows["role"] == role].sort_values("amount_per_year", ascending=False)
    return "; ".join(
        f"{r['material']} {number(r['amount_per_year'])} {r['unit_of_measure']}"
        for r in rows.to_dict("records")
    )
