"""Every way to take the decisions to build, each as a scenario in which nothing is decided.

A candidate that is built is an existing unit with no capacity but in the periods of its service;
its fixed cost, jobs and capital are added up by hand, so that only running it is left to solve.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass

from circflow.fuzz.regions import Row, Sheets
from circflow.fuzz.relations import number

MOST_WAYS = 16


@dataclass(frozen=True)
class Way:
    """One way to decide: the scenario without candidates, and what its objective lacks."""

    sheets: Sheets
    lacking: float
    """Fixed cost, capital and jobs of what is built, weighted and discounted, in million."""
    gross: float
    """The sum of the absolute parts of it."""


@dataclass(frozen=True)
class _Period:
    name: str
    start: int
    years: int
    weight: float


def ways(sheets: Sheets) -> list[Way] | None:
    """Every way that the rules on building allow; None where there are too many to try, a size
    is to be chosen, or a candidate's figures change by period."""
    candidates = [u for u in sheets["Units"] if u.get("status") == "candidate"]
    names = {u["unit"] for u in candidates}
    if not candidates or any(u.get("capacity_max_per_year") is not None for u in candidates):
        return None
    if any(row["unit"] in names for row in sheets.get("UnitPeriods", [])):
        return None
    periods = _periods(sheets)
    choices = [[None, *_window(unit, periods)] for unit in candidates]
    if math.prod(map(len, choices)) > MOST_WAYS:
        return None
    every = itertools.product(*choices)
    plans = (dict(zip([str(u["unit"]) for u in candidates], way, strict=True)) for way in every)
    return [
        _way(sheets, candidates, plan, periods) for plan in plans if _allowed(sheets, plan, periods)
    ]


def _rate(sheets: Sheets) -> float:
    rates = (row["value"] for row in sheets["Scenario"] if row["key"] == "discount_rate")
    return float(next(rates, None) or 0.0)


def _periods(sheets: Sheets) -> list[_Period]:
    rate, start, periods = _rate(sheets), 0, []
    for row in sheets["Periods"]:
        years = int(number(row, "years"))
        weight = sum((1.0 + rate) ** -(start + n) for n in range(years))
        periods.append(_Period(str(row["period"]), start, years, weight))
        start += years
    return periods


def _window(unit: Row, periods: list[_Period]) -> list[_Period]:
    names = [p.name for p in periods]
    first, last = unit.get("earliest_period"), unit.get("latest_period")
    low = names.index(str(first)) if first is not None else 0
    high = names.index(str(last)) if last is not None else len(names) - 1
    wait = number(unit, "construction_years", 0.0)
    horizon = periods[-1].start + periods[-1].years
    return [p for p in periods[low : high + 1] if p.start + wait < horizon]


def _service(unit: Row, built: _Period | None, periods: list[_Period]) -> list[_Period]:
    if built is None:
        return []
    begins = built.start + number(unit, "construction_years", 0.0)
    end = begins + number(unit, "lifetime_years", 20.0)
    return [p for p in periods if p.start + p.years > begins and p.start < end]


def _shares(unit: Row, built: _Period, period: _Period) -> tuple[float, float]:
    """Share of a period's years in service, and the mean share of capacity over its years."""
    begins = built.start + int(number(unit, "construction_years", 0.0))
    ramp = [float(part) for part in str(unit.get("ramp_up") or "").split(";") if part]
    ages = range(max(period.start - begins, 0), period.start + period.years - begins)
    shares = [(ramp + [1.0] * (age + 1))[age] for age in ages]
    return len(shares) / period.years, sum(shares) / period.years


Plan = dict[str, _Period | None]


def _allowed(sheets: Sheets, plan: Plan, periods: list[_Period]) -> bool:
    units = {str(u["unit"]): u for u in sheets["Units"]}
    chosen = [units[u].get("choice") for u, at in plan.items() if at is not None]
    chosen = [c for c in chosen if c is not None]
    if len(chosen) > len(set(chosen)):
        return False
    for row in sheets.get("Budget", []):
        spent = [number(units[u], "capex_million") for u, at in plan.items()
                 if at is not None and at.name == row["period"]]  # fmt: skip
        if sum(spent) > number(row, "budget_million"):
            return False
    for name, built in plan.items():
        needed = units[name].get("requires")
        if built is None or needed is None:
            continue
        other = units[str(needed)]
        serving = _service(other, plan.get(str(needed)), periods)
        if other.get("status") == "off":
            return False
        needs = other.get("status") == "candidate"
        if needs and any(p not in serving for p in _service(units[name], built, periods)):
            return False
    return True


def _way(sheets: Sheets, candidates: list[Row], plan: Plan, periods: list[_Period]) -> Way:
    changed = copy.deepcopy(sheets)
    parts: list[float] = []
    for unit in candidates:
        built = plan[str(unit["unit"])]
        row = next(u for u in changed["Units"] if u["unit"] == unit["unit"])
        serving = _service(unit, built, periods)
        shares = {p.name: _shares(unit, built, p) for p in serving} if built else {}
        if built:
            years = sum(p.weight * shares[p.name][0] for p in serving)
            parts += _cost(sheets, unit, built, years)
        # An existing unit that costs nothing to have; of no size where it is not built: off, it
        # would take links away with it (material may start where a candidate makes it).
        row |= {"status": "existing", "fixed_cost_million_per_year": 0.0, "jobs": 0.0}
        for column in _OF_CANDIDATES:
            row.pop(column, None)
        changed["UnitPeriods"] = changed.get("UnitPeriods", []) + [
            {"unit": unit["unit"], "period": p.name, "capacity_per_year": 0.0, "min_load": 0.0}
            for p in periods
            if p not in serving
        ]
        capacity = number(unit, "capacity_per_year")
        changed["UnitPeriods"] += [
            {"unit": unit["unit"], "period": name, "capacity_per_year": capacity * ready}
            for name, (_, ready) in shares.items()
            if ready < 1.0
        ]
    changed["Budget"] = []
    return Way(changed, sum(parts), sum(map(abs, parts)))


def _cost(sheets: Sheets, unit: Row, built: _Period, years: float) -> list[float]:
    """What a candidate costs and its jobs are worth, with the weights of the goals."""
    goals = {row["goal"]: number(row, "weight") for row in sheets.get("Goals", [])}
    value, rate, capex = goals.get("value", 1.0), _rate(sheets), number(unit, "capex_million")
    if {"key": "capital_charge", "value": "upfront"} in sheets["Scenario"]:
        capital = capex * (1.0 + rate) ** -built.start
    else:
        life = int(number(unit, "lifetime_years", 20.0))
        wait = int(number(unit, "construction_years", 0.0))
        capital = years * capex / sum((1.0 + rate) ** -(wait + n) for n in range(life))
    return [
        -value * number(unit, "fixed_cost_million_per_year", 0.0) * years,
        goals.get("jobs", 0.0) * number(unit, "jobs", 0.0) * years,
        -value * capital,
    ]


_OF_CANDIDATES = ("capex_million", "lifetime_years", "earliest_period", "latest_period",
                  "choice", "requires", "construction_years", "ramp_up")  # fmt: skip
