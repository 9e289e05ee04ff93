"""Suggestions: the technologies of a library that would pay in a scenario.

1. The plan of the scenario and its prices.
2. A bound for every technology at every site (`first_tonne`), array work.
3. The best by the bound are put into the plan with its decisions held (`shortlist`).
4. The best of these are added to the scenario and solved: each alone, and all together.

`gain` is the optimum with that one candidate added less the optimum without, both of the scenario
with the suggestions in it, the others not built; it is 0 where it would not be built. `value` is
that of `circflow evaluate`: the best plan with it less the best plan without it, which is below 0
where it would not be built.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.files import write_book
from circflow.data.scenario import Scenario
from circflow.library.read import Library, read_library
from circflow.solution.solution import Solution
from circflow.studies.errors import StudyError
from circflow.studies.suggest.candidates import Candidate, candidate, with_candidates
from circflow.studies.suggest.first_tonne import Offer, Pricing
from circflow.studies.suggest.local_prices import local_prices
from circflow.studies.suggest.match import match_materials
from circflow.studies.suggest.money import read_rates
from circflow.studies.suggest.shortlist import FirstTonne, pool, quick_gains
from circflow.studies.suggest.unmet import almost, known_units, needing_a_market
from circflow.studies.units.break_even import (
    Zero,
    break_even,
    capex_direction,
    gate_fee_direction,
)
from circflow.studies.units.candidates import Bench, Plan, Setting
from circflow.studies.units.effects import gains as gains_of
from circflow.studies.units.effects import value_added

Progress = Callable[[str], None]
_POOL = 40
"""Pairs of a technology and a site that are put into the plan with its decisions held."""
_SITES, _SITES_SHOWN = 4, 2
"""Of one technology, at so many sites at most; of them are solved in full."""
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
    "gains_most",
    "alike",
    "hangs_on",
    "confidence",
    "readiness",
    "sources",
]
"""`gate_fee` names the waste whose break-even fee follows (currency per unit, above 0: it must be
paid to the plant; below: the plant could pay for it)."""
FLOWS = ["unit", "role", "material", "amount_per_year", "unit_of_measure"]


@dataclass(frozen=True)
class Suggestions:
    """What would pay. Money in million currency of the scenario, discounted."""

    scenario: Scenario = field(repr=False)
    with_suggestions: Scenario = field(repr=False)
    """The scenario with the suggestions as candidates."""
    objective: float
    """The optimum of the scenario."""
    table: pd.DataFrame
    """A row per suggestion, best first; columns as in `COLUMNS`."""
    flows: pd.DataFrame
    """What each takes in and makes: a mean year of service (columns as in `FLOWS`)."""
    who_gains: pd.DataFrame
    portfolio_gain: float
    portfolio: pd.DataFrame
    """What is built where all suggestions may be: unit, period, capacity, capex_million."""
    bounds: pd.DataFrame
    """Every technology at every site where nothing is missing, priced at the plan."""
    almost: pd.DataFrame
    """What does not pay, or cannot be, and why; the best site of each technology."""
    no_market: pd.DataFrame
    """Products that the scenario has no market for, and the price that they would need."""
    questions: pd.DataFrame
    """Materials that may be one of the library's: how to settle it."""
    pricing: Pricing = field(repr=False)
    candidates: tuple[Candidate, ...] = field(repr=False)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        return self.scenario.settings.currency

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that has rows, by its name."""
        names = {
            "suggestions": self.table,
            "taken_and_made": self.flows,
            "who_gains": self.who_gains,
            "portfolio": self.portfolio,
            "almost": self.almost,
            "no_market": self.no_market,
            "questions": self.questions,
            "bounds": self.bounds,
        }
        return {name: table for name, table in names.items() if len(table)}

    def scenario_with(self, units: Iterable[str]) -> Scenario:
        """The scenario with some of the suggestions as candidates."""
        wanted = set(units)
        return with_candidates(self.pricing, [c for c in self.candidates if c.unit in wanted])

    def write_scenario(self, path: str | os.PathLike[str]) -> None:
        """Write the scenario with all suggestions as candidates."""
        write_book(self.with_suggestions.book, path)

    def write(self, path: str | Path) -> None:
        """Write every table: .xlsx, .html, .json, or a folder of CSV files."""
        from circflow.report.study_tables import write_tables

        title = f"{self.scenario.name}: what could be made"
        write_tables(self.tables(), path, currency=self.currency, title=title)


def suggest(  # noqa: PLR0913
    scenario: Scenario,
    library: Library | str | os.PathLike[str] | None = None,
    *,
    rates: Iterable[str] = (),
    top: int = 10,
    new_only: bool = False,
    break_evens: bool = True,
    jobs: int | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> Suggestions:
    """Technologies of a library that would pay in a scenario, best first.

    Args:
        scenario: from `circflow.read`.
        library: a library or its file; None is circflow's own.
        rates: what other money is worth, such as `USD 2023=95`; besides the key `rates`.
        top: at most so many suggestions.
        new_only: only processes that no unit of the scenario is like.
        break_evens: also the capex and the gate fee at which each is worth nothing.
        jobs: threads; None is one per processor, at most 4.
        gap: relative gap of every search over yes/no decisions.
        time_limit: seconds per search.
        progress: is told how far it is.

    Raises:
        StudyError: a rate that is needed is not stated; a material is matched to none.
        ScenarioError: the library cannot be used.
        NoPlan: the scenario has no plan.
    """
    if top < 1:
        raise StudyError(f"the number of suggestions must be at least 1, not {top}")
    if jobs is not None and jobs < 1:
        raise StudyError(f"the number of jobs must be at least 1, not {jobs}")
    if not isinstance(library, Library):
        library = read_library(library)
    settings = scenario.settings
    given = read_rates(settings.currency, [settings.rates, *rates])
    work = _Work(scenario, gap, time_limit, progress or (lambda _: None), jobs)
    matches = match_materials(scenario, library)
    begun = time.perf_counter()
    matched = [m for listed in matches.of_library.values() for m in listed]
    prices = local_prices(work.solution, matched, matched)
    pricing = Pricing(prices, work.solution, library, matches, given)
    table, offers = pricing.table()
    table["alike"] = known_units(pricing, table, offers)
    work.seconds["pricing"] = time.perf_counter() - begun
    if new_only:
        table = table[table["alike"] == ""].reset_index(drop=True)
    chosen = work.shortlisted(pricing, table, offers, top)
    solved = work.solved(pricing, chosen, break_evens)
    full = matches.questions
    return Suggestions(
        scenario=scenario,
        objective=work.plan.value,
        bounds=table[table["missing"] == ""].drop(columns=["offer", "missing"]),
        almost=almost(pricing, table, offers, set(chosen["technology"])),
        no_market=needing_a_market(pricing, table, offers),
        questions=full[full["question"] != ""].reset_index(drop=True),
        pricing=pricing,
        seconds=work.seconds,
        **solved,
    )


class _Work:
    """The solves of one study."""

    def __init__(
        self,
        scenario: Scenario,
        gap: float,
        time_limit: float | None,
        tell: Progress,
        jobs: int | None,
    ) -> None:
        self.scenario, self.tell = scenario, tell
        self.gap, self.time_limit = gap, time_limit
        self.jobs = jobs or min(os.cpu_count() or 1, 4)
        begun = time.perf_counter()
        tell("the best plan")
        self.bench = Bench(scenario, gap=gap, time_limit=time_limit)
        plan = self.bench.solve()
        if plan is None:
            from circflow.solver.run import solve

            solve(scenario, time_limit=time_limit)  # tells why
            raise StudyError("no plan was found")
        self.plan = plan
        self.solution: Solution = self.bench.solution(plan)
        self.seconds = {"plan": time.perf_counter() - begun}

    def shortlisted(
        self, pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer], top: int
    ) -> pd.DataFrame:
        """The pairs that are solved in full, with `first_tonne_least` and their candidate."""
        begun = time.perf_counter()
        best = pool(table, max(_POOL, 2 * top), _SITES)
        self.tell(f"{len(best)} technologies at sites: the price interval of the first tonne")
        interval = FirstTonne(self.bench, self.plan, pricing)
        codes = self.scenario.codes
        best["first_tonne_least"] = [
            interval.least(offers[r.offer], codes.known("site", r.site), r.first_tonne_value)
            for r in best.itertuples(index=False)
        ]
        units = self.scenario.frame("Units")
        taken = {*units["unit"], *self.scenario.frame("Recipes")["technology"]}
        best["candidate"] = [
            candidate(pricing, offers, r.technology, r.site, taken)
            for r in best.itertuples(index=False)
        ]
        if len(best):
            bench = Bench(with_candidates(pricing, list(best["candidate"])), gap=self.gap)
            names = [c.unit for c in best["candidate"]]
            quick = quick_gains(bench, self.bench, self.plan, names, self.tell)
            best["quick_gain"] = [quick[name] for name in names]
            best = best.sort_values("quick_gain", ascending=False, kind="stable")
            best = best[best.groupby("technology").cumcount() < _SITES_SHOWN]
        self.seconds["shortlist"] = time.perf_counter() - begun
        return best.head(top).reset_index(drop=True)

    def solved(self, pricing: Pricing, chosen: pd.DataFrame, break_evens: bool) -> dict[str, Any]:
        """Every suggestion alone, and all together."""
        begun = time.perf_counter()
        candidates = list(chosen["candidate"]) if len(chosen) else []
        self.tell("building the model with the suggestions")
        scenario = with_candidates(pricing, candidates) if candidates else self.scenario
        bench = Bench(scenario, gap=self.gap, time_limit=self.time_limit)
        every = frozenset(c.unit for c in candidates)
        without = bench.solve(Setting(out=every))
        if without is None:
            raise StudyError("there is no plan without the suggestions: a fault of circflow")
        alone = _Alone(pricing, without, bench.solution(without), every, break_evens)
        records = self._all(bench, alone, chosen)
        self.tell("all suggestions together")
        together = bench.solve(Setting(), start=without.x)
        self.seconds["solving"] = time.perf_counter() - begun
        together = together or without
        records.sort(key=lambda r: -r["row"]["value"] if r["row"]["value"] == r["row"]["value"]
                     else np.inf)  # fmt: skip
        table = pd.DataFrame([r["row"] for r in records], columns=COLUMNS)
        return {
            "with_suggestions": scenario,
            "candidates": tuple(candidates),
            "table": table,
            "flows": _stacked([r["flows"] for r in records], FLOWS),
            "who_gains": _stacked([r["members"] for r in records], []),
            "portfolio_gain": max(together.value - without.value, 0.0),
            "portfolio": built(bench, together, sorted(every)),
        }

    def _all(self, bench: Bench, alone: _Alone, chosen: pd.DataFrame) -> list[dict[str, Any]]:
        rows = chosen.to_dict("records")
        jobs = min(self.jobs, max(len(rows), 1))
        benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
        for n in range(jobs):
            benches.put(bench if n == 0 else bench.twin())
        finished = 0

        def one(row: dict[Any, Any]) -> dict[str, Any]:
            nonlocal finished
            own = benches.get()
            try:
                return alone.judged(own, row)
            finally:
                benches.put(own)
                finished += 1
                self.tell(f"suggestions: {finished} of {len(rows)}")

        if jobs == 1:
            return [one(row) for row in rows]
        with ThreadPoolExecutor(jobs) as threads:
            tasks = [threads.submit(one, row) for row in rows]
            try:
                return [task.result() for task in tasks]
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise


@dataclass(frozen=True)
class _Alone:
    """One suggestion with all others left out."""

    pricing: Pricing
    without: Plan
    without_solution: Solution
    every: frozenset[str]
    break_evens: bool

    def judged(self, bench: Bench, row: dict[Any, Any]) -> dict[str, Any]:
        one: Candidate = row["candidate"]
        others = self.every - {one.unit}
        forced = Setting(out=others, forced=frozenset({one.unit}))
        plan = bench.solve(forced, start=self.without.x)
        within = plan is not None
        if plan is None and len(bench.budgets):
            forced = Setting(out=others, forced=forced.forced, exempt=forced.forced)
            plan = bench.solve(forced)
        member = bench.scenario.member_of.get(one.site)
        record = {name: row.get(name) for name in COLUMNS}
        record.update(
            member=member, unit=one.unit, gain=0.0, pays=False, value=np.nan,
            objective_with=self.without.value, **self._library(one),
        )  # fmt: skip
        done: dict[str, Any] = {"row": record, "flows": None, "members": None}
        if plan is None:
            record["hangs_on"] = "there is no plan with it"
            return done
        value = plan.value - self.without.value
        pays = within and value > 0.0
        solution = bench.solution(plan)
        places = built(bench, plan, [one.unit]).iloc[0]
        flows = _flows(solution, one.unit)
        record.update(
            value=value, gain=value if pays else 0.0, pays=pays, period=places["period"],
            objective_with=self.without.value + (value if pays else 0.0),
            capacity=places["capacity"], capex_million=places["capex_million"],
            load_share=_load(solution, one.unit), takes=_listed(flows, "input"),
            makes=_listed(flows, "output"),
        )  # fmt: skip
        members = gains_of(value_added(solution), value_added(self.without_solution), one.unit)
        change = members.loc[members["change_million"].idxmax()]
        if pays and change["change_million"] > 0.0:
            record["gains_most"] = change["member"]
        if self.break_evens:
            self._even(bench, forced, plan, flows, record)
        record["hangs_on"] = "; ".join(self._doubts(one, record))
        done.update(flows=flows, members=members)
        return done

    def _library(self, one: Candidate) -> dict[str, object]:
        row = self.pricing.technologies[one.technology]
        return {n: row[n] for n in ("confidence", "readiness")} | {"sources": row["source"]}

    def _even(
        self,
        bench: Bench,
        forced: Setting,
        plan: Plan,
        flows: pd.DataFrame,
        record: dict[str, Any],
    ) -> None:
        unit = str(record["unit"])
        direction = capex_direction(bench, unit)
        slope = min((abs(w) for w in direction.worth if w), default=1.0)
        worth = abs(plan.value - self.without.value)
        far = 10.0 * (worth / slope + 1.0)
        zero = self._zero(bench, forced, plan, direction, far, rises=False)
        record["break_even_capex_million"] = record["capex_million"] + zero.theta
        wastes = flows[(flows["role"] == "input") & flows["material"].isin(bench.scenario.wastes)]
        if wastes.empty:
            return
        material = str(wastes.loc[wastes["amount_per_year"].idxmax(), "material"])
        direction = gate_fee_direction(bench, unit, material)
        slope = direction.slope(plan.x)
        far = 100.0 * worth / slope + 1000.0 if slope > 0.0 else 1e6
        zero = self._zero(bench, forced, plan, direction, far, rises=True)
        record.update(gate_fee=material, break_even_gate_fee=zero.theta)

    def _zero(
        self, bench: Bench, forced: Setting, plan: Plan, direction: Any, far: float, *, rises: bool
    ) -> Zero:
        absent = Setting(out=self.every)
        return break_even(
            (bench, forced, plan, direction),
            (bench, absent, self.without, None),
            low=-far,
            high=far,
            rises=rises,
            tolerance=2.0 * max(bench.gap, 1e-9) * max(abs(self.without.value), 1.0),
        )

    def _doubts(self, one: Candidate, record: dict[str, Any]) -> list[str]:
        """What the verdict hangs on."""
        row = self.pricing.technologies[one.technology]
        doubts = []
        even, capex = record["break_even_capex_million"], record["capex_million"]
        if even is not None and capex:
            room = even / capex - 1.0
            if abs(room) <= float(row["accuracy"]):
                sure = 100.0 * float(row["accuracy"])
                doubts.append(f"capex: {100 * room:+.0f} % turns it, it is known to ±{sure:.0f} %")
        if row["confidence"] in ("engineering", "assumption"):
            doubts.append("figures of general engineering knowledge")
        if row["readiness"] < 8:
            doubts.append(f"readiness {row['readiness']:.0f} of 9")
        if one.given_away:
            doubts.append("a taker of " + ", ".join(one.given_away))
        if one.dumped:
            doubts.append("a place for " + ", ".join(one.dumped))
        if one.bought:
            doubts.append("the price of " + ", ".join(one.bought))
        return doubts


def built(bench: Bench, plan: Plan, units: Sequence[str]) -> pd.DataFrame:
    """Which of some candidates a plan builds: unit, period, capacity, capex_million."""
    places = bench.places("built")
    there = places["unit"].isin(units) & (plan.x[places["place"].to_numpy(np.intp)] > 0.5)
    records = []
    for row in places[there].to_dict("records"):
        unit = str(row["unit"])
        extra = bench.size_columns.get(unit, np.array([], dtype=np.intp))
        capacity = float(row["capacity_per_year"]) + float(plan.x[extra].sum())
        records.append((unit, row["period"], capacity, bench.capex(plan.x, unit)))
    return pd.DataFrame(records, columns=["unit", "period", "capacity", "capex_million"])


def _flows(solution: Solution, unit: str) -> pd.DataFrame:
    """What a unit takes in and makes in a mean year of service (columns as in `FLOWS`)."""
    scenario, rows = solution.scenario, solution.tables.conversions
    years = {p.name: float(p.years) for p in scenario.periods}
    units = solution.tables.units
    serves = units[(units["unit"] == unit) & (units["in_service"] > 0.5)]["period"]
    whole = sum(years[p] for p in serves) or 1.0
    rows = rows[rows["unit"] == unit]
    amount = rows["amount_per_year"].astype(float) * rows["period"].map(years)
    sums = amount.groupby([rows["role"], rows["material"]], sort=False).sum() / whole
    table = sums.rename("amount_per_year").reset_index()
    table = table[table["amount_per_year"] > 0.0].reset_index(drop=True)
    table.insert(0, "unit", unit)
    return table.assign(unit_of_measure=table["material"].map(scenario.unit_of_measure))[FLOWS]


def _listed(flows: pd.DataFrame, role: str) -> str:
    """The flows of one role in words, the largest first."""
    from circflow.report.numbers import number

    rows = flows[flows["role"] == role].sort_values("amount_per_year", ascending=False)
    return "; ".join(
        f"{r.material} {number(r.amount_per_year)} {r.unit_of_measure}"
        for r in rows.itertuples(index=False)
    )


def _load(solution: Solution, unit: str) -> float:
    units = solution.tables.units
    own = units[(units["unit"] == unit) & (units["in_service"] > 0.5)]
    available = float(own["available_per_year"].sum())
    return float(own["load_per_year"].sum()) / available if available else np.nan


def _stacked(parts: list[pd.DataFrame | None], names: list[str]) -> pd.DataFrame:
    full = [p for p in parts if p is not None and len(p)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=names)
