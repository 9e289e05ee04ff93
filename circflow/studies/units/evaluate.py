"""Should this plant be built? Candidates, existing units and members, alone and together.

A unit's value is the objective of the best plan with it less that of the best plan without it,
everything else free in both. The scenario is compiled once; putting a candidate in or out changes
bounds and rows (`evaluate_bench`), and the break-evens change costs (`evaluate_break_even`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.arguments import public
from circflow.data.result import stacked
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.solution.solution import Solution
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.indicators import without_units
from circflow.studies.sweeps.design import meant
from circflow.studies.units.break_even import Sides, price_direction
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
    mean_load,
    value_added,
)
from circflow.studies.units.price_sheet import cash, price_sheet
from circflow.studies.units.risk import contingency, robustness
from circflow.studies.units.sites import Unit, add_units
from circflow.studies.units.together import entry, pairs
from circflow.studies.units.words import OWN_MONEY, Verdicts

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


_STACKED = ("break_evens", "price_sheets", "loads", "effects", "members")
"""Tables to which every subject adds its part."""


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
    names = [units] if isinstance(units, str) else units
    if added:
        scenario = add_units(scenario, added)
        names = [*(names or ()), *(str(unit["unit"]) for unit in added)]
    subjects = _subjects(scenario, names)
    with Engine(jobs, dask=dask, tell=progress) as engine:
        work = _Work(scenario, subjects, gap, time_limit, break_evens, engine.tell)
        return work.run(engine, together, risks, samples, seed)


def _subjects(scenario: Scenario, names: Sequence[str] | None) -> list[_Subject]:
    units = scenario.frame("Units")
    rows = {str(r["unit"]): r for r in units.to_dict("records")}
    if names is None:
        names = [n for n, r in rows.items() if r["status"] == "candidate"]
        if not names:
            raise StudyError("the scenario has no candidates: name units or members to judge")
    members = scenario.members
    subjects = []
    for name in dict.fromkeys(names):
        if name in rows:
            row = rows[name]
            if row["status"] == "off":
                raise StudyError(
                    "the unit {name!r} is off: make it a candidate to judge it", name=name
                )
            subjects.append(_Subject(name, row["status"], row["site"], row["technology"]))
        elif name in members:
            subjects.append(_Subject(name, "member"))
        else:
            better = meant(name, [*rows, *members])
            raise StudyError(
                "{name!r} is neither a unit nor a member{better}", name=name, better=better
            )
    return subjects


@dataclass
class _Work:
    """One evaluation."""

    scenario: Scenario
    subjects: list[_Subject]
    gap: float
    time_limit: float | None
    break_evens: bool
    tell: InitVar[Progress]

    def __post_init__(self, tell: Progress) -> None:
        self.begun = time.perf_counter()
        tell("building the model")
        self.bench = Bench(self.scenario, gap=self.gap, time_limit=self.time_limit)
        tell(say("the best plan"))
        self.best = self.bench.best()
        self.tolerance = 2.0 * max(self.gap, 1e-9) * max(abs(self.best.value), 1.0)
        self.base_solution = self.bench.solution(self.best)
        self.base_effects = figures(self.base_solution), value_added(self.base_solution)
        self.carbon = carbon_dioxide(self.scenario)

    def run(self, engine: Engine, together: bool, risks: bool, samples: int, seed: int) -> Verdicts:
        done = engine.spread(_Work.judge, self, self.subjects, mark("units"))
        cases: list[_Case] = [d["case"] for d in done]
        forced = {
            c.subject.name: c.with_
            for c in cases
            if c.subject.kind == "candidate" and c.with_ is not None and not c.in_plan
        }
        candidates = [c.subject.name for c in cases if c.subject.kind == "candidate"]
        tables = {name: stacked(d.get(name) for d in done) for name in _STACKED}
        if together and candidates:
            tables["pairs"] = pairs(engine, self.bench, self.best, forced, candidates)
            tables["capital"], tables["order"] = entry(engine, self.bench, self.best)
        if risks:
            tables["contingency"] = contingency(engine, self.bench, self.best)
        if samples and candidates:
            tables["futures"], tables["each_future"] = robustness(
                engine, self.bench, self.best, forced, candidates, samples=samples, seed=seed
            )
        return Verdicts(
            scenario=self.scenario,
            best_million=self.best.value,
            table=pd.DataFrame([d["row"] for d in done]),
            seconds=time.perf_counter() - self.begun,
            **tables,
        )

    # ----------------------------------------------------------------- one subject

    def judge(self, subject: _Subject) -> dict[str, Any]:
        """Its case, its row, and its part of every table."""
        bench = self.bench.twin()
        case = self._case(bench, subject)
        row = self._row(bench, case)
        parts: dict[str, Any] = {"case": replace(case, other=None), "row": row}
        if case.with_ is None:
            return parts
        solution = self.base_solution if case.with_ is self.best else bench.solution(case.with_)
        parts["loads"] = loads = _loads(solution, subject)
        row["load_share"] = mean_load(loads)
        row["own_jobs"] = loads["jobs"].iat[-1] if len(loads) else np.nan
        if subject.kind != "member" and case.with_.outcome.row_dual is not None:
            parts["price_sheets"] = self._own_money(bench, case.with_, solution, row)
        if case.without is not None:
            parts |= self._effects(case, solution, row)
            if self.break_evens:
                parts["break_evens"] = table = self._break_evens(bench, case, solution)
                capex = table["break_even"][table["kind"] == "capex"]
                if len(capex):
                    row["break_even_capex_million"] = capex.iat[0]
        return parts

    def _case(self, bench: Bench, subject: _Subject) -> _Case:
        if subject.kind != "candidate":
            return self._present(subject)
        name = frozenset({subject.name})
        if subject.name not in bench.once:
            reason = say("it cannot be built in any period")
            return _Case(subject, None, self.best, Setting(), None, False, reason=reason)
        if bench.is_built(subject.name, self.best.x):
            without = bench.solve(Setting(out=name))
            reason = "" if without else say("there is no plan without it")
            forced = Setting(forced=name)
            return _Case(subject, self.best, without, forced, None, True, reason=reason)
        forced, with_, within = bench.building(subject.name)
        reason = "" if with_ else say("there is no plan with it")
        return _Case(subject, with_, self.best, forced, None, False, within, reason)

    def _present(self, subject: _Subject) -> _Case:
        """An existing unit or a member: the scenario with its units off."""
        units = self.scenario.active_units
        if subject.kind == "member":
            chosen = units["site"].map(self.scenario.member_of) == subject.name
        else:
            chosen = units["unit"] == subject.name
        if not chosen.any():
            return _Case(
                subject, self.best, self.best, Setting(), None, True, reason=say("it has no units")
            )
        idle = without_units(self.scenario, units["unit"][chosen])
        other = Bench(idle, gap=self.gap, time_limit=self.time_limit)
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
            built = bench.standing(one, [s.name]).iloc[0]
            row |= {n: built[n] for n in ("period", "capacity_per_year", "capex_million")}
        return row

    @staticmethod
    def _own_money(
        bench: Bench, plan: Plan, solution: Solution, row: dict[str, Any]
    ) -> pd.DataFrame:
        """The price sheet of the unit itself; its cash flow goes into the row."""
        name = row["unit"]
        sheet, worth = price_sheet(bench, plan, solution, name)
        row |= worth
        for label, column in (("internal", "million"), ("market", "market_million")):
            flows = cash(bench, plan, name, sheet, column)
            row |= {n.format(label): flows.get(k, np.nan) for k, n in OWN_MONEY.items()}
        return sheet

    def _effects_of(
        self, bench: Bench, plan: Plan, solution: Solution | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What a plan does in the region, and each member's value added."""
        if plan is self.best:
            return self.base_effects
        solution = solution or bench.solution(plan)
        return figures(solution), value_added(solution)

    def _effects(
        self, case: _Case, solution: Solution, row: dict[str, Any]
    ) -> dict[str, pd.DataFrame]:
        assert case.with_ is not None and case.without is not None
        name, value = case.subject.name, row["value_million"]
        with_, members = self._effects_of(self.bench, case.with_, solution)
        without, others = self._effects_of(case.other or self.bench, case.without)
        change = changes(with_, without, name)
        tonnes = change[change["unit_of_measure"] == "t"].groupby("figure")["change"].sum()
        row["waste_used_change_t"] = float(tonnes.get(USED, 0.0))
        row["waste_dumped_change_t"] = float(tonnes.get(DUMPED, 0.0))
        row["jobs_change"] = float(change["change"][change["figure"] == JOBS].sum())
        row["cost_per_tonne_diverted"] = cost_per_tonne(change, value, DUMPED, None)
        if self.carbon is not None:
            of = change[(change["figure"] == EMITTED) & (change["item"] == self.carbon)]
            row["co2_change_t"] = float(of["change"].sum())
            row["cost_per_tonne_co2"] = cost_per_tonne(change, value, EMITTED, self.carbon)
        return {
            "effects": change.drop(columns="discounted_change"),
            "members": gains(members, others, name),
        }

    # ----------------------------------------------------------------- break-evens

    def _break_evens(self, bench: Bench, case: _Case, solution: Solution) -> pd.DataFrame:
        subject = case.subject
        assert case.with_ is not None and case.without is not None
        absent = Setting(out=frozenset({subject.name})) if case.other is None else Setting()
        sides = Sides(
            (bench, case.setting, [case.with_]),
            (case.other or bench, absent, [case.without]),
            self.tolerance,
        )
        records: list[tuple[Any, ...]] = []
        if subject.kind == "candidate":
            zero, now = sides.capex(subject.name), bench.capex(case.with_.x, subject.name)
            unit = f"million {self.scenario.settings.currency}"
            even = ("capex", None, now, now + zero.theta, zero.theta, unit, zero.rest, zero.note)
            records.append(even)
        if subject.kind != "member":
            records += self._prices(sides, solution, self._materials(subject, "output"))
            taken = self._materials(subject, "input")
            records += self._fees(sides, subject.name, taken)
        return pd.DataFrame([(subject.name, *r) for r in records], columns=BREAK_EVENS)

    def _materials(self, subject: _Subject, role: str) -> list[str]:
        """What the subject's technology takes in or makes."""
        recipes = self.scenario.frame("Recipes")
        used = (recipes["technology"] == subject.technology) & (recipes["role"] == role)
        return recipes.loc[used, "material"].drop_duplicates().tolist()

    def _per_unit(self, material: str) -> str:
        return f"{self.scenario.settings.currency} per {self.scenario.unit_of_measure[material]}"

    def _prices(
        self, sides: Sides, solution: Solution, products: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Every price of a product at all its markets, times a factor."""
        markets = self.scenario.frame("Markets")
        records = []
        for material in products:
            listed = markets["price"][markets["material"] == material].astype(float)
            if listed.empty or not listed.any():
                continue
            sales = solution.sales[solution.sales["material"] == material]
            amount = sales["amount_per_year"].to_numpy(float)
            mean = float(listed.mean())
            if amount.sum() > 0.0:
                mean = float(sales["price"].to_numpy(float) @ amount / amount.sum())
            one, other = (
                price_direction(side[0], material) for side in (sides.with_, sides.without)
            )
            zero = sides.zero(one, other, low=-1.0, high=_PRICE_LIMIT - 1.0, rises=mean > 0.0)
            note = zero.note
            if zero.pays is not None:
                note = say(_ANY_PRICE if zero.pays else _NO_PRICE, most=_PRICE_LIMIT)
            even, change = mean * (1.0 + zero.theta), mean * zero.theta
            unit = self._per_unit(material)
            records.append(("price", material, mean, even, change, unit, zero.rest, note))
        return records

    def _fees(self, sides: Sides, name: str, taken: Sequence[str]) -> list[tuple[Any, ...]]:
        """What a unit would have to be paid (or could pay) per unit of each of its wastes."""
        records = []
        for material in (k for k in taken if k in self.scenario.wastes):
            zero, unit = sides.gate_fee(name, material), self._per_unit(material)
            even = ("gate fee", material, 0.0, zero.theta, zero.theta, unit, zero.rest, zero.note)
            records.append(even)
        return records


_ANY_PRICE = mark("pays at any price from 0 to {most:g} times the price")
_NO_PRICE = mark("does not pay at any price from 0 to {most:g} times the price")


def _loads(solution: Solution, subject: _Subject) -> pd.DataFrame:
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
