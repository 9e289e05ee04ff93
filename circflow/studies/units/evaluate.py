"""Should this plant be built? Candidates, existing units and members, alone and together.

A unit's value is the objective of the best plan with it less that of the best plan without it,
everything else free in both. The scenario is compiled once; putting a candidate in or out changes
bounds and rows (`evaluate_bench`), and the break-evens change costs (`evaluate_break_even`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.changes.address import row_addresses
from circflow.data.scenario import Scenario
from circflow.data.suggest import nearest
from circflow.i18n import mark, say
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.units.break_even import Zero, break_even
from circflow.studies.units.break_even import capex_direction as _capex
from circflow.studies.units.break_even import gate_fee_direction as _gate_fee
from circflow.studies.units.break_even import price_direction as _price
from circflow.studies.units.candidates import Bench, Plan, Setting
from circflow.studies.units.effects import (
    DUMPED,
    EMITTED,
    JOBS,
    USED,
    carbon_dioxide,
    changes,
    cost_per_tonne,
    figures,
    gains,
    value_added,
)
from circflow.studies.units.price_sheet import COLUMNS, Sheet, cash, price_sheet
from circflow.studies.units.risk import contingency, robustness
from circflow.studies.units.sites import Unit, add_units
from circflow.studies.units.together import entry, pairs
from circflow.studies.units.words import Verdicts

Progress = Callable[[str], None]
WITHIN = 0.01
"""Plans that fall short of the best by no more than this share are nearly as good."""
_PRICE_LIMIT = 10.0
"""Greatest factor on a price that is tried."""
BREAK_EVENS = [
    "unit",
    "kind",
    "material",
    "now",
    "break_even",
    "change",
    "unit_of_measure",
    "worth_there_million",
    "note",
]
"""`now` is the figure of the plan with the unit, `change` what may be added to it."""


@dataclass(frozen=True)
class _Subject:
    """What is judged: a candidate, an existing unit, or all units of a member."""

    name: str
    kind: str
    site: str | None = None
    technology: str | None = None


@dataclass
class _Case:
    """A subject with its plans."""

    subject: _Subject
    with_: Plan | None
    without: Plan | None
    setting: Setting
    """Of the side with it."""
    other: Bench | None
    """Bench of the side without it, where it is not the same."""
    in_plan: bool
    within_budget: bool = True
    reason: str = ""

    @cached_property
    def known(self) -> tuple[list[Plan], list[Plan]]:
        """The plans known of each side: what one break-even finds the next begins with."""
        assert self.with_ is not None and self.without is not None
        return [self.with_], [self.without]


@public
def evaluate(  # noqa: PLR0913
    scenario: Scenario,
    units: str | Sequence[str] | None = None,
    *,
    add: Iterable[Unit] = (),
    together: bool = True,
    break_evens: bool = True,
    risks: bool = True,
    samples: int = 0,
    seed: int = 0,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Verdicts:
    """Judge candidates (all of them, or those named), existing units or members.

    Args:
        scenario: from `circflow.read`.
        units: names of units or members, or one name; None is every candidate.
        add: units to be added first, as columns of the sheet Units; judged as well.
        together: also pairs, the portfolio as capital grows and the order of entry.
        break_evens: also break-even capex, prices and gate fees.
        risks: also the contingency over all units and members.
        samples: futures sampled from the sheet Ranges; 0 is none.
        seed: the same seed samples the same futures.
        gap: relative gap of every search over yes/no decisions.
        time_limit: seconds per search.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        progress: is told how far it is.

    Raises:
        StudyError: a name that is neither a unit nor a member, or nothing to judge.
        ScenarioError: a unit to be added does not fit.
        NoPlan: the scenario has no plan.
    """
    added = list(add)
    names = [units] if isinstance(units, str) else list(units) if units is not None else None
    if added:
        scenario = add_units(scenario, added)
        new = [str(unit["unit"]) for unit in added]
        names = new if names is None else [*names, *(n for n in new if n not in names)]
    if samples < 0:
        raise StudyError(
            say("the number of futures must be at least 0, not {samples}", samples=samples)
        )
    tell = progress or (lambda _: None)
    work = _Work(scenario, _subjects(scenario, names), gap, time_limit, break_evens, tell)
    with Engine(jobs, dask=dask, tell=progress) as engine:
        return work.run(engine, together, risks, samples, seed)


def _subjects(scenario: Scenario, names: Sequence[str] | None) -> list[_Subject]:
    units = scenario.frame("Units")
    rows = {str(r["unit"]): r for r in units.to_dict("records")}
    if names is None:
        names = [n for n, r in rows.items() if r["status"] == "candidate"]
        if not names:
            raise StudyError(say("the scenario has no candidates: name units or members to judge"))
    members = set(scenario.frame("Members")["member"])
    subjects = []
    for name in dict.fromkeys(names):
        if name in rows:
            row = rows[name]
            if row["status"] == "off":
                raise StudyError(
                    say("the unit {name!r} is off: make it a candidate to judge it", name=name)
                )
            subjects.append(_Subject(name, row["status"], row["site"], row["technology"]))
        elif name in members:
            subjects.append(_Subject(name, "member"))
        else:
            close = nearest(name, [*rows, *members])
            better = say("; did you mean {close!r}?", close=close) if close else ""
            raise StudyError(
                say("{name!r} is neither a unit nor a member{better}", name=name, better=better)
            )
    return subjects


class _Work:
    """One evaluation."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        scenario: Scenario,
        subjects: list[_Subject],
        gap: float,
        time_limit: float | None,
        break_evens: bool,
        tell: Progress,
    ) -> None:
        self.begun = time.perf_counter()
        self.scenario, self.subjects, self.break_evens = scenario, subjects, break_evens
        self.gap, self.time_limit = gap, time_limit
        tell("building the model")
        self.bench = Bench(scenario, gap=gap, time_limit=time_limit)
        tell(say("the best plan"))
        best = self.bench.solve()
        if best is None:
            from circflow.solver.run import solve

            solve(scenario, time_limit=time_limit)  # tells why
            raise StudyError(say("no plan was found"))
        self.best = best
        self.tolerance = 2.0 * max(gap, 1e-9) * max(abs(best.value), 1.0)
        self.base_solution = self.bench.solution(best)
        self.base_figures = figures(self.base_solution)
        self.base_members = value_added(self.base_solution)
        self.carbon = carbon_dioxide(scenario)

    def run(self, engine: Engine, together: bool, risks: bool, samples: int, seed: int) -> Verdicts:
        done = engine.spread(_Work.judge, self, self.subjects, mark("units"))
        cases: list[_Case] = [d["case"] for d in done]
        forced = {
            c.subject.name: c.with_
            for c in cases
            if c.subject.kind == "candidate" and c.with_ is not None and not c.in_plan
        }
        candidates = [c.subject.name for c in cases if c.subject.kind == "candidate"]
        empty = pd.DataFrame()
        pair_table, capital, order = empty, empty, empty
        if together and candidates:
            pair_table = pairs(engine, self.bench, self.best, forced, candidates)
            capital, order = entry(engine, self.bench, self.best)
        dropped = contingency(engine, self.bench, self.best) if risks else empty
        futures, each = empty, empty
        if samples and candidates:
            futures, each = robustness(
                engine, self.bench, self.best, forced, candidates, samples=samples, seed=seed
            )
        stacked = {
            name: _stack([d[name] for d in done])
            for name in ("break_evens", "price_sheets", "loads", "effects", "members")
        }
        return Verdicts(
            scenario=self.scenario,
            best_million=self.best.value,
            table=pd.DataFrame([d["row"] for d in done]),
            pairs=pair_table,
            capital=capital,
            order=order,
            contingency=dropped,
            futures=futures,
            each_future=each,
            seconds=time.perf_counter() - self.begun,
            **stacked,
        )

    # ----------------------------------------------------------------- one subject

    def judge(self, subject: _Subject) -> dict[str, Any]:
        """Its plans, its row, and its part of every table."""
        bench = self.bench.twin()
        case = self._case(bench, subject)
        tables: dict[str, Any] = {
            "case": replace(case, other=None),
            **dict.fromkeys(("break_evens", "price_sheets", "loads", "effects", "members")),
        }
        row = self._row(bench, case)
        if case.with_ is not None:
            is_base = case.with_ is self.best
            solution = self.base_solution if is_base else bench.solution(case.with_)
            tables["loads"] = _loads(solution, subject)
            self._own(bench, case, solution, row, tables)
            if case.without is not None:
                self._effects(case, solution, row, tables)
                if self.break_evens:
                    tables["break_evens"] = self._break_evens(bench, case, solution)
                    _note_capex(row, tables["break_evens"])
        tables["row"] = row
        return tables

    def _case(self, bench: Bench, subject: _Subject) -> _Case:
        if subject.kind != "candidate":
            return self._present(subject)
        name = frozenset({subject.name})
        if subject.name not in bench.once:
            reason = say("it cannot be built in any period")
            return _Case(subject, None, self.best, Setting(), None, False, reason=reason)
        forced = Setting(forced=name)
        if bench.is_built(subject.name, self.best.x):
            without = bench.solve(Setting(out=name))
            reason = "" if without else say("there is no plan without it")
            return _Case(subject, self.best, without, forced, None, True, reason=reason)
        with_ = bench.solve(forced)
        within = with_ is not None
        if with_ is None and len(bench.budgets):
            forced = Setting(forced=name, exempt=name)
            with_ = bench.solve(forced)
        reason = "" if with_ else say("there is no plan with it")
        return _Case(subject, with_, self.best, forced, None, False, within, reason)

    def _present(self, subject: _Subject) -> _Case:
        """An existing unit or a member: the scenario with its units off."""
        table = self.scenario.tables["Units"]
        frame = table.frame
        if subject.kind == "member":
            sites = [s for s, m in self.scenario.member_of.items() if m == subject.name]
            rows = frame.index[frame["site"].isin(sites) & (frame["status"] != "off")]
        else:
            rows = frame.index[frame["unit"] == subject.name]
        if not len(rows):
            return _Case(
                subject, self.best, self.best, Setting(), None, True, reason=say("it has no units")
            )
        where = row_addresses(table)
        changed = self.scenario.change({f"Units.status{where[r]}": "off" for r in rows})
        other = Bench(changed, gap=self.gap, time_limit=self.time_limit)
        without = other.solve()
        reason = "" if without else say("there is no plan without it")
        return _Case(subject, self.best, without, Setting(), other, True, reason=reason)

    def _row(self, bench: Bench, case: _Case) -> dict[str, Any]:
        s, one, other = case.subject, case.with_, case.without
        value = one.value - other.value if one and other else np.nan
        scale = WITHIN * abs(self.best.value)
        short = self.best.value - scale
        stands = "in some"
        if other is None or other.value < short:
            stands = "in every plan within 1 %"
        elif one is None or one.value < short:
            stands = "in no plan within 1 %"
        row: dict[str, Any] = {
            "unit": s.name,
            "kind": s.kind,
            "site": s.site,
            "technology": s.technology,
            "in_plan": case.in_plan,
            "within_budget": case.within_budget,
            "objective_million": self.best.value,
            "with_million": one.value if one else np.nan,
            "without_million": other.value if other else np.nan,
            "value_million": value,
            "stands": stands,
            "proven": all(p.proven for p in (one, other) if p),
            "period": None,
            "capacity_per_year": np.nan,
            "capex_million": np.nan,
            "reason": case.reason,
        }
        if one is not None and s.kind == "candidate":
            built = bench.places("built")
            built_here = built[(built["unit"] == s.name) & (one.x[built["place"].to_numpy()] > 0.5)]
            extra = bench.size_columns.get(s.name, np.array([], dtype=np.intp))
            row["period"] = built_here["period"].iat[0] if len(built_here) else None
            size = float(built_here["capacity_per_year"].sum()) + float(one.x[extra].sum())
            row["capacity_per_year"] = size
            row["capex_million"] = bench.capex(one.x, s.name)
        return row

    def _own(
        self, bench: Bench, case: _Case, solution: Any, row: dict[str, Any], tables: dict[str, Any]
    ) -> None:
        """Price sheet, own cash flow, load and jobs of the unit itself."""
        plan, name = case.with_, case.subject.name
        assert plan is not None
        units = tables["loads"]
        available = float((units["available_per_year"]).sum()) if len(units) else 0.0
        row["load_share"] = float(units["load_per_year"].sum()) / available if available else np.nan
        row["own_jobs"] = float(units["jobs"].iat[-1]) if len(units) else np.nan
        if case.subject.kind == "member" or plan.outcome.row_dual is None:
            return
        sheet: Sheet = price_sheet(bench, plan, solution, name)
        tables["price_sheets"] = sheet.parts
        row["profit_million"] = sheet.profit
        row["reduced_cost_million"] = sheet.reduced_cost
        row["capacity_rent_million"] = sheet.capacity_rent
        for label, column in (("internal", "million"), ("market", "market_million")):
            flows = cash(bench, plan, name, sheet.parts, column)
            row[f"npv_{label}_million"] = flows.npv
            row[f"irr_{label}"], row[f"irr_{label}_end"] = flows.irr, flows.irr_end
            row[f"payback_{label}_years"] = flows.payback_years
            row[f"payback_{label}_years_end"] = flows.payback_years_end
            row[f"benefit_cost_{label}"] = flows.benefit_cost

    def _effects(
        self, case: _Case, solution: Any, row: dict[str, Any], tables: dict[str, Any]
    ) -> None:
        name = case.subject.name
        with_ = self.base_figures if case.with_ is self.best else figures(solution)
        members = self.base_members if case.with_ is self.best else value_added(solution)
        if case.without is self.best:
            without, others = self.base_figures, self.base_members
        else:
            assert case.without is not None
            bench = case.other or self.bench
            absent = bench.solution(case.without)
            without, others = figures(absent), value_added(absent)
        change = changes(with_, without, name)
        tables["effects"] = change.drop(columns="discounted_change")
        tables["members"] = gains(members, others, name)
        tonnes = change[change["unit_of_measure"] == "t"].groupby("figure")["change"].sum()
        row["waste_used_change_t"] = float(tonnes.get(USED, 0.0))
        row["waste_dumped_change_t"] = float(tonnes.get(DUMPED, 0.0))
        jobs = change.loc[change["figure"] == JOBS, "change"]
        row["jobs_change"] = float(jobs.sum())
        value = row["value_million"]
        row["cost_per_tonne_diverted"] = cost_per_tonne(change, value, DUMPED, None)
        if self.carbon is not None:
            of = change[(change["figure"] == EMITTED) & (change["item"] == self.carbon)]
            row["co2_change_t"] = float(of["change"].sum())
            row["cost_per_tonne_co2"] = cost_per_tonne(change, value, EMITTED, self.carbon)

    # ----------------------------------------------------------------- break-evens

    def _break_evens(self, bench: Bench, case: _Case, solution: Any) -> pd.DataFrame:
        subject, with_, without = case.subject, case.with_, case.without
        assert with_ is not None and without is not None
        records: list[tuple[Any, ...]] = []
        if subject.kind == "candidate":
            records.append(self._capex_even(bench, case))
        if subject.kind != "member":
            records += self._prices(bench, case, solution)
            records += self._fees(bench, case)
        return pd.DataFrame(records, columns=BREAK_EVENS)

    def _zero(  # noqa: PLR0913
        self,
        bench: Bench,
        case: _Case,
        one: Any,
        other: Any,
        *,
        low: float,
        high: float,
        rises: bool,
    ) -> Zero:
        absent = Setting(out=frozenset({case.subject.name})) if case.other is None else Setting()
        return break_even(
            (bench, case.setting, case.known[0], one),
            (case.other or bench, absent, case.known[1], other),
            low=low,
            high=high,
            rises=rises,
            tolerance=self.tolerance,
        )

    def _capex_even(self, bench: Bench, case: _Case) -> tuple[Any, ...]:
        assert case.with_ is not None and case.without is not None
        name = case.subject.name
        direction = _capex(bench, name)
        slope = min((abs(w) for w in direction.worth if w), default=1.0)
        worth = abs(case.with_.value - case.without.value)
        far = 10.0 * (worth / slope + 1.0)
        zero = self._zero(bench, case, direction, None, low=-far, high=far, rises=False)
        now = bench.capex(case.with_.x, name)
        unit = f"million {self.scenario.settings.currency}"
        return (
            name, "capex", None, now, now + zero.theta, zero.theta, unit, zero.rest, zero.note,
        )  # fmt: skip

    def _prices(self, bench: Bench, case: _Case, solution: Any) -> list[tuple[Any, ...]]:
        """Every price of a product at all its markets, times a factor."""
        recipes = self.scenario.frame("Recipes")
        of_technology = recipes["technology"] == case.subject.technology
        products = recipes.loc[
            of_technology & (recipes["role"] == "output"), "material"
        ].drop_duplicates()
        markets = self.scenario.frame("Markets")
        currency, measure = self.scenario.settings.currency, self.scenario.unit_of_measure
        records = []
        for material in products:
            listed = markets.loc[markets["material"] == material, "price"].astype(float)
            if listed.empty or not listed.any():
                continue
            one = _price(bench, material)
            other = _price(case.other or bench, material)
            sales = solution.sales[solution.sales["material"] == material]
            amount = sales["amount_per_year"].to_numpy(float)
            mean = float(listed.mean())
            if amount.sum() > 0.0:
                mean = float(sales["price"].to_numpy(float) @ amount / amount.sum())
            zero = self._zero(
                bench, case, one, other, low=-1.0, high=_PRICE_LIMIT - 1.0, rises=mean > 0.0
            )
            note = zero.note
            if zero.pays is not None:
                note = (
                    say("pays at any price from 0 to {most:g} times the price", most=_PRICE_LIMIT)
                    if zero.pays
                    else say(
                        "does not pay at any price from 0 to {most:g} times the price",
                        most=_PRICE_LIMIT,
                    )
                )
            records.append(
                (
                    case.subject.name, "price", material, mean, mean * (1.0 + zero.theta),
                    mean * zero.theta,
                    f"{currency} per {measure[material]}",
                    zero.rest, note,
                )
            )  # fmt: skip
        return records

    def _fees(self, bench: Bench, case: _Case) -> list[tuple[Any, ...]]:
        """What a unit would have to be paid (or could pay) per unit of each of its wastes."""
        name = case.subject.name
        recipes = self.scenario.frame("Recipes")
        used = recipes["technology"] == case.subject.technology
        taken = recipes.loc[used & (recipes["role"] == "input"), "material"].drop_duplicates()
        currency, measure = self.scenario.settings.currency, self.scenario.unit_of_measure
        assert case.with_ is not None and case.without is not None
        worth = case.with_.value - case.without.value
        records = []
        for material in (k for k in taken if k in self.scenario.wastes):
            direction = _gate_fee(bench, name, material)
            slope = direction.slope(case.with_.x)
            far = 100.0 * abs(worth) / slope + 1000.0 if slope > 0.0 else 1e6
            zero = self._zero(bench, case, direction, None, low=-far, high=far, rises=True)
            unit = f"{currency} per {measure[material]}"
            records.append(
                (name, "gate fee", material, 0.0, zero.theta, zero.theta, unit, zero.rest,
                 zero.note)
            )  # fmt: skip
        return records


def _note_capex(row: dict[str, Any], table: pd.DataFrame) -> None:
    capex = table[table["kind"] == "capex"]
    if len(capex):
        row["break_even_capex_million"] = float(capex["break_even"].to_numpy(float)[0])


def _loads(solution: Any, subject: _Subject) -> pd.DataFrame:
    """unit, period, capacity_per_year, available_per_year, load_per_year, load_share, jobs."""
    units = solution.tables.units
    member_of = solution.scenario.member_of
    if subject.kind == "member":
        of_subject = units[(units["site"].map(member_of) == subject.name).to_numpy()]
    else:
        of_subject = units[units["unit"] == subject.name]
    shown = ["period", "in_service", "capacity_per_year", "available_per_year"]
    shown += ["load_per_year", "load_share", "jobs"]
    loads: pd.DataFrame = of_subject[["unit", *shown]].reset_index(drop=True)
    return loads


def _stack(parts: list[pd.DataFrame | None]) -> pd.DataFrame:
    full = [p for p in parts if p is not None and len(p)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()


__all__ = ["BREAK_EVENS", "COLUMNS", "Verdicts", "evaluate"]
