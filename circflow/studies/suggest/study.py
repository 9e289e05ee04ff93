"""Suggestions: the technologies of a library that would pay in a scenario.

1. The plan of the scenario and its prices.
2. A bound for every technology at every site (`first_tonne`), array work.
3. The best by the bound are looked at with all decisions relaxed (`shortlist`).
4. The best of these are added to the scenario and solved: each alone, and all together.

`gain` is the optimum with that one candidate added less the optimum without, both of the scenario
with the suggestions in it, the others not built; it is 0 where it would not be built. `value` is
that of `circflow evaluate`: the best plan with it less the best plan without it, which is below 0
where it would not be built.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from circflow.data.arguments import public
from circflow.data.coded import series_of
from circflow.data.files.books import write_book
from circflow.data.result import Result, figure, stacked
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.library.read import Library, read_library, spoken
from circflow.solver.run import Progress
from circflow.studies.bench.engine import Engine
from circflow.studies.errors import StudyError
from circflow.studies.suggest.alone import COLUMNS, FLOWS, Alone, Judged, built
from circflow.studies.suggest.candidates import (
    Candidate,
    Sheets,
    book_with,
    candidate,
    rows_of,
    with_candidates,
)
from circflow.studies.suggest.first_tonne import Offer, Pricing
from circflow.studies.suggest.local_prices import LocalPrices
from circflow.studies.suggest.match import match_materials
from circflow.studies.suggest.money import read_rates
from circflow.studies.suggest.shortlist import FirstTonne, first_look, promising
from circflow.studies.suggest.unmet import almost, known_units, needing_a_market
from circflow.studies.units.candidates import Bench, Setting
from circflow.studies.units.effects import value_added

if TYPE_CHECKING:
    from circflow.report.page.frame import Section

_POOL = 200
"""Pairs of a technology and a site, those of the greatest bound, that a first look is taken at."""
_SITES = 2
"""Of one technology, at so many sites at most are solved in full."""


@dataclass(frozen=True, repr=False)
class Suggestions(Result):
    """What would pay. Money in million currency of the scenario, discounted."""

    scenario: Scenario = field(repr=False)
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
    def headline(self) -> str:
        pays = int(self.table["pays"].sum()) if len(self.table) else 0
        return say(
            "{name}: {pays} of {count} suggestions pay, together {portfolio_gain} "
            "million {currency}",
            name=self.scenario.name,
            pays=pays,
            count=len(self.table),
            portfolio_gain=figure(self.portfolio_gain),
            currency=self.currency,
        )

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

    def opening(self) -> list[Section]:
        """What its page says first."""
        from circflow.report.page.suggestions import suggestions_opening

        return suggestions_opening(
            self.tables(), self.objective, self.portfolio_gain, self.currency
        )

    def rows(self) -> dict[str, Sheets]:
        """The rows of the scenario that each suggestion is, by unit and sheet."""
        return {c.unit: rows_of(self.pricing, [c]) for c in self.candidates}

    def write_scenario(self, path: str | os.PathLike[str]) -> None:
        """Write the scenario with all suggestions as candidates."""
        write_book(book_with(self.pricing, self.candidates), path)

    def write(self, path: str | Path) -> None:
        """Write every table: .xlsx, .html, .json, or a folder of CSV files."""
        from circflow.report.study_tables import write_tables

        title, money = say("{name}: what could be made", name=self.scenario.name), self.currency
        write_tables(self.tables(), path, currency=money, title=title, opening=self.opening())


@public
def suggest(  # noqa: PLR0913
    scenario: Scenario,
    library: Library | str | os.PathLike[str] | None = None,
    *,
    rates: Iterable[str] = (),
    top: int = 10,
    new_only: bool = False,
    break_evens: bool = True,
    gap: float = 1e-6,
    time_limit: float | None = None,
    jobs: int | None = None,
    dask: str | None = None,
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
        gap: relative gap of every search over yes/no decisions.
        time_limit: seconds per search.
        jobs: local processes; None as many as there are processors, once that is worth it.
        dask: address of a Dask scheduler instead.
        progress: is told how far it is.

    Raises:
        StudyError: a rate that is needed is not stated; a material is matched to none.
        ScenarioError: the library cannot be used.
        NoPlan: the scenario has no plan.
    """
    if top < 1:
        raise StudyError("the number of suggestions must be at least 1, not {top}", top=top)
    if not isinstance(library, Library):
        library = read_library(library)
    library = spoken(library)
    settings = scenario.settings
    given = read_rates(settings.currency, [settings.rates, *rates])
    work = _Work(scenario, gap, time_limit, progress or (lambda _: None))
    matches = match_materials(scenario, library)
    begun = time.perf_counter()
    matched = [m for listed in matches.of_library.values() for m in listed]
    prices = LocalPrices(work.solution, matched, matched)
    pricing = Pricing(prices, work.solution, library, matches, given)
    table, offers = pricing.table()
    table["alike"] = known_units(pricing, table, offers)
    work.seconds["pricing"] = time.perf_counter() - begun
    if new_only:
        table = table[table["alike"] == ""].reset_index(drop=True)
    chosen = work.shortlisted(pricing, table, offers, top)
    with Engine(jobs, dask=dask, tell=progress) as engine:
        solved = work.solved(pricing, chosen, top, break_evens, engine)
    full = matches.questions
    return Suggestions(
        scenario=scenario,
        objective=work.plan.value,
        bounds=table[table["missing"] == ""].drop(columns=["offer", "missing"]),
        almost=almost(pricing, table, offers, set(chosen["technology"])),
        no_market=needing_a_market(
            pricing, table, offers, FirstTonne(work.bench, work.plan, pricing)
        ),
        questions=full[full["question"] != ""].reset_index(drop=True),
        pricing=pricing,
        seconds=work.seconds,
        **solved,
    )


class _Work:
    """The solves of one study."""

    def __init__(
        self, scenario: Scenario, gap: float, time_limit: float | None, tell: Progress
    ) -> None:
        self.scenario, self.tell = scenario, tell
        self.gap, self.time_limit = gap, time_limit
        begun = time.perf_counter()
        tell(say("the best plan"))
        self.bench = Bench(scenario, gap=gap, time_limit=time_limit)
        self.plan = self.bench.best()
        self.solution = self.bench.solution(self.plan)
        self.seconds = {"plan": time.perf_counter() - begun}

    def shortlisted(
        self, pricing: Pricing, table: pd.DataFrame, offers: Sequence[Offer], top: int
    ) -> pd.DataFrame:
        """The pairs that are solved in full, with `first_tonne_least` and their candidate."""
        begun = time.perf_counter()
        best = promising(table).head(max(_POOL, 2 * top))
        units = self.scenario.frame("Units")
        taken = {*units["unit"], *self.scenario.frame("Recipes")["technology"]}
        new = [
            candidate(pricing, offers, r["technology"], r["site"], taken)
            for r in best.to_dict("records")
        ]
        self.tell(say("a first look at {count} technologies at sites", count=len(new)))
        best["candidate"] = series_of(new, best.index)
        if new:
            bench = Bench(with_candidates(pricing, new), gap=self.gap)
            gains = first_look(bench, [c.unit for c in new])
            best["first_look"] = [gains[c.unit] for c in new]
            best = best.sort_values("first_look", ascending=False, kind="stable")
            best = best[best.groupby("technology").cumcount() < _SITES]
        best = best.head(top + top // 2).reset_index(drop=True)
        interval = FirstTonne(self.bench, self.plan, pricing)
        codes = self.scenario.codes
        best["first_tonne_least"] = [
            interval.least(offers[r["offer"]], codes.known("site", r["site"]), r["decided"],
                           r["first_tonne_value"])
            for r in best.to_dict("records")
        ]  # fmt: skip
        self.seconds["shortlist"] = time.perf_counter() - begun
        return best

    def solved(
        self,
        pricing: Pricing,
        chosen: pd.DataFrame,
        top: int,
        break_evens: bool,
        engine: Engine,
    ) -> dict[str, Any]:
        """Every pair of the short list alone, the best of them together."""
        begun = time.perf_counter()
        candidates = list(chosen["candidate"]) if len(chosen) else []
        self.tell(say("building the model with the suggestions"))
        scenario = with_candidates(pricing, candidates)
        bench = Bench(scenario, gap=self.gap, time_limit=self.time_limit)
        every = frozenset(c.unit for c in candidates)
        without = bench.solve(Setting(out=every))
        if without is None:
            raise StudyError("there is no plan without the suggestions: a fault of circflow")
        alone = Alone(pricing, bench, without, value_added(bench.solution(without)), every)
        rows = chosen.to_dict("records")
        judged = engine.spread(Alone.judged, alone, rows, mark("suggestions"))
        judged.sort(key=lambda one: -one.value)
        judged = self._at_best_sites(bench, every, judged)[:top]
        self.seconds["solving"] = time.perf_counter() - begun
        if break_evens:
            judged = engine.spread(Alone.even, alone, judged, mark("break-evens"))
        for one in judged:
            one.record["hangs_on"] = "; ".join(alone.doubts(one))
        self.tell(say("all suggestions together"))
        shown = [one.candidate.unit for one in judged]
        out = Setting(out=every - frozenset(shown))
        together = bench.solve(out, start=without.x) or without
        return {
            "candidates": tuple(one.candidate for one in judged),
            "table": pd.DataFrame([one.record for one in judged], columns=COLUMNS),
            "flows": stacked((one.flows for one in judged), FLOWS),
            "who_gains": stacked(one.members for one in judged),
            "portfolio_gain": max(together.value - without.value, 0.0),
            "portfolio": built(bench, together, shown),
        }

    @staticmethod
    def _at_best_sites(
        bench: Bench, every: frozenset[str], judged: Sequence[Judged]
    ) -> list[Judged]:
        """Suggestions, best first, without those that are another site of a better one and add
        nothing to it; they are named in its `or_at`."""
        best: dict[str, Judged] = {}
        kept = []
        for one in judged:
            better = best.setdefault(one.candidate.technology, one)
            if better is not one and better.plan is not None:
                out = every - {one.candidate.unit, better.candidate.unit}
                both = bench.solve(Setting(out=out), start=better.plan.x) or better.plan
                gained = both.value - max(better.plan.value, better.plan.value - better.value)
                if gained <= 2.0 * max(bench.gap, 1e-9) * max(abs(both.value), 1.0):
                    better.record["or_at"] = one.candidate.site
                    continue
            kept.append(one)
        return kept
