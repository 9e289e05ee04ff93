"""The page of a plan: what it achieves, what it uses for what, what binds, what to build."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from circflow.data.files.template import is_setting_note
from circflow.data.one_line import plain
from circflow.data.schema.sheets import IGNORED_COLUMN_MARKS, IGNORED_SHEET_MARKS
from circflow.i18n import mark, say, say_in, say_n
from circflow.i18n.names import shown_measure, shown_sheet
from circflow.report import figures as tell
from circflow.report.figures import Baseline
from circflow.report.map import flow_map
from circflow.report.numbers import changed_words, cut, number
from circflow.report.page import charts
from circflow.report.page.frame import (
    MAX_ROWS,
    Block,
    Card,
    Cards,
    Column,
    Page,
    Points,
    Section,
    Table,
    Text,
    columns_of,
    figure,
    percent,
    write,
)
from circflow.report.page.indicators import indicator_blocks, lead_of
from circflow.report.page.study import words_of_code
from circflow.report.sankey import sankey
from circflow.report.substances import substance_flows
from circflow.report.variety_of_uses import variety
from circflow.report.vocabulary import cell
from circflow.report.workbook import audit_table, totals_table, warnings_table
from circflow.solution.solution import Solution, Status

MAX_CONFIDENCES = 6
MAX_ASSUMPTIONS = 1_500
_CONFIDENCE = re.compile(r"\s*([^\W\d][\w -]{2,28}?)\s*:", re.UNICODE)
_WORD = re.compile(r"([^\W\d][\w-]{2,28})", re.UNICODE)
NO_CONFIDENCE = mark("not told")


def write_page(
    solution: Solution,
    path: str | os.PathLike[str],
    baselines: Sequence[Baseline] = (),
    indicators: pd.DataFrame | None = None,
) -> None:
    """Write the page of a plan, whole or not at all. Raises OSError where it cannot be written."""
    write(plan_page(solution, baselines, indicators), path)


def plan_page(
    solution: Solution,
    baselines: Sequence[Baseline] = (),
    indicators: pd.DataFrame | None = None,
) -> Page:
    """The page of a plan; `baselines` are what its headline figures are compared with, and
    `indicators` the table of the six groups (see `circflow.report.page.indicators`)."""
    settings = solution.scenario.settings
    years = tell.horizon(solution.scenario)
    when = f"{settings.start_year}–{settings.start_year + years - 1}"
    place = f"{settings.region} · " if settings.region else ""
    parts = _Parts(solution, baselines, indicators)
    return Page(
        title=settings.name,
        kind=say("circflow · plan"),
        subtitle=say_n(
            "{place}{when}, {n} year · money in million {currency}, not discounted, unless said",
            "{place}{when}, {n} years · money in million {currency}, not discounted, unless said",
            years,
            place=place,
            when=when,
            currency=settings.currency,
        ),
        marks=[*_marks(solution)],
        sections=parts.sections(),
        footer=say(
            "Made by circflow. This file holds everything it shows and asks nothing of "
            "the network. All figures come from the plan; the results workbook holds "
            "every row."
        ),
    )


def _marks(solution: Solution) -> Iterator[tuple[str, Literal["", "good", "bad"]]]:
    gap = percent(solution.gap)
    if solution.status is not Status.OPTIMAL:
        yield say("a plan, not proven the best: gap {value}", value=gap), "bad"
    elif solution.gap > 1e-6:
        yield say("optimal plan") + say(", gap {gap}", gap=gap), ""
    else:
        yield say("optimal plan"), ""
    if solution.relaxed:
        yield say("yes/no decisions relaxed: a bound, not a plan"), "bad"
    if solution.audit.passed:
        yield say("audit passed"), "good"
    else:
        yield say("audit FAILED: do not rely on it"), "bad"
    if solution.scenario.changes:
        changed = changed_words(solution.scenario.changes)
        yield say("changed before the run: {changed_words}", changed_words=changed), ""
    if count := len(solution.scenario.warnings):
        yield say_n("{n} warning about the scenario", "{n} warnings about the scenario", count), ""


class _Parts:
    """The sections, from top to bottom."""

    def __init__(
        self,
        solution: Solution,
        baselines: Sequence[Baseline],
        indicators: pd.DataFrame | None,
    ) -> None:
        self.solution, self.baselines, self.indicators = solution, baselines, indicators
        self.scenario = solution.scenario
        self.currency = plain(self.scenario.settings.currency)
        self.years = tell.horizon(self.scenario)
        self.money = say("million {currency}", currency=self.currency)
        self.chains = _chains(solution, self.years)
        self.limits = tell.binding_limits(solution)

    def sections(self) -> list[Section]:
        """All of them; some may be empty."""
        table, indicators = self.indicators, []
        if table is not None and not table.empty:
            indicators = [Text(lead_of(table)), *indicator_blocks(table, self.currency)]
        return [
            Section(say("What the plan achieves"), [*self._top()], say("Achieves")),
            Section(say("Which waste becomes what"), self._uses(), say("Value chains")),
            Section(say("What to build, and when"), self._build(), say("Build")),
            Section(
                say("What binds, and what relaxing it is worth"), self._binding(), say("Binds")
            ),
            Section(say("Materials from source to end"), [sankey(self.solution)], say("Materials")),
            Section(say("Substances and energy"), self._substances(), say("Substances")),
            Section(say("Sites and flows"), self._flows(), say("Map")),
            Section(say("Money"), self._money(), say("Money")),
            Section(say("Waste"), self._waste(), say("Waste")),
            Section(say("Units, stocks and emissions"), self._plant(), say("Units and emissions")),
            Section(say("Indicators"), indicators, say("Indicators")),
            Section(say("Shadow prices"), self._prices(), say("Prices")),
            Section(
                say("What is known and what is guessed"), self._assumptions(), say("Assumptions")
            ),
            Section(say("Can the plan be trusted?"), self._trust(), say("Audit")),
        ]

    # ------------------------------------------------------------------ top

    def _top(self) -> Iterator[Block]:
        if not self.solution.audit.passed:
            yield Text(say("The audit FAILED: do not rely on this plan."), "fault")
        yield Cards(self._cards())
        missing = [b for b in self.baselines if b.totals is None and b.reason]
        words = "; ".join(f"{say(b.words)}: {b.reason}" for b in missing)
        if self.baselines:
            note = say("Yearly means. ") + say(_BASELINE_WORDS)
            note += say(" Not available — {words}.", words=words) if words else ""
            yield Text(note, "note")
        against = tell.against_today(self.solution, self.baselines)
        if against:
            yield Text(say("Gain against today: {against}.", against=against))
        yield Points([*self._points()])

    def _cards(self) -> list[Card]:
        totals, years = self.solution.totals, self.years
        measures, pollutant = list(totals["waste_arising"]), _main_pollutant(totals)
        measure = "t" if "t" in measures or not measures else str(measures[0])
        money, last = say("{money} per year", money=self.money), self.scenario.periods[-1].name
        dumped, jobs = (
            say("{measure} per year", measure=measure),
            say("in units, in {last}", last=last),
        )
        cards: list[tuple[str, Callable[[Mapping[str, Any]], float | None], str]] = [
            (say("Net benefit"), lambda t: t["net_benefit"] / years, money),
            (say("Waste put to use"), lambda t: t["use_share"], ""),
            (say("Waste dumped"), lambda t: t["waste_disposed"].get(measure, 0.0) / years, dumped),
            (say("Jobs"), lambda t: t["jobs"], jobs),
        ]
        if pollutant:
            title, net = say("{pollutant} emitted", pollutant=pollutant), say("t per year, net")
            cards.append((title, lambda t: t["emissions"].get(pollutant, 0.0) / years, net))
        else:
            cards.append((say("Income from sales"), lambda t: t["income"] / years, money))
        return [self._card(*card) for card in cards]

    def _card(
        self, title: str, read: Callable[[Mapping[str, Any]], float | None], unit: str
    ) -> Card:
        """A headline figure beside that of the baselines; amounts from a million on in millions."""
        value = read(self.solution.totals)
        value = None if value is None else float(value)
        money = unit == say("{money} per year", money=self.money) or unit.startswith("million")
        large = bool(unit) and not money and abs(value or 0.0) >= 1e6

        def words(number: float | None) -> str:
            if not unit:
                return percent(number)
            return figure(number / 1e6 if large and number is not None else number)

        compared = {
            say(b.words): words(read(b.totals)) if b.totals is not None else "–"
            for b in self.baselines
        }
        measure = unit or say("of what arises or is reclaimed")
        shown = say("million {told}", told=measure) if large else measure
        return Card(title, words(value), shown, compared, value)

    def _points(self) -> Iterator[tuple[str, str, str]]:
        if len(self.chains):
            best = self.chains.iloc[0]
            steps = cell("steps", str(best["steps"])).replace(" > ", " › ")
            value, joint = float(best["value_million"]), float(best["joint_million"])
            worth = say("adds {value} {money} a year", value=figure(value), money=self.money)
            if joint == joint:  # noqa: PLR0124 - known
                both = figure(value + joint)
                worth += say(
                    ", its joint products {joint}: together {both}", joint=figure(joint), both=both
                )
            yield say("Largest value chain"), steps, worth
        built = self.solution.built
        if len(built):
            largest = built.sort_values("capex_million", ascending=False)["unit"].head(3)
            plants = say_n(
                "{n} plant for {capex} {money}",
                "{n} plants for {capex} {money}",
                len(built),
                capex=figure(float(built["capex_million"].sum())),
                money=self.money,
            )
            some = say("the largest: {list}", list=", ".join(map(str, largest)))
            yield say("To build"), plants, some
        limits = self.limits[self.limits["kind"] != "stream"]
        if len(limits):
            row = limits.iloc[0]
            sentence = (
                mark("1 % more is worth {worth} {money} over the horizon, of today")
                if row["direction"] == "more"
                else mark("1 % less is worth {worth} {money} over the horizon, of today")
            )
            gain = say(sentence, worth=figure(row["gain_million"]), money=self.money)
            yield say("What binds most"), str(row["label"]), gain
        lines = tell.money_lines(self.solution)
        paid = lines[(lines["million"] < 0)].sort_values("million").head(2)
        income = lines["million_per_year"][lines["group"] == "income"].iloc[0]
        costs = ", ".join(
            f"{label} {figure(-v)}"
            for label, v in zip(paid["label"], paid["million_per_year"], strict=True)
        )
        rest = say("largest costs: {costs}", costs=costs) if costs else ""
        sold = say("{income} {money} a year from sales", income=figure(income), money=self.money)
        yield say("Money"), sold, rest

    # ------------------------------------------------------------------ what for

    def _uses(self) -> list[Block]:
        money = say("{money} per year", money=self.money)
        columns = (
            Column("rank", "#", "integer"),
            Column("steps", say("From waste to sale"), "path"),
            Column("stage", say("Stage")),
            Column("source_amount", say("Waste"), "number", say("per year")),
            Column("source_unit_of_measure", say_in("measure", "Unit")),
            Column("income", say("Income"), "number", money),
            Column("cost", say("Cost"), "number", money),
            Column("value_million", say("Value added"), "number", money, bar=True),
            Column("joint_million", say("Its joint products add"), "number", money),
        )
        note = say(
            "A chain is a path from a waste stream or a stockpile through units to a "
            "sale. Its cost is what taking, treating, moving and building for it cost. "
            "Where a run makes several things, its cost is split between them by what "
            "goes into each: judge a chain together with what its joint products add. "
            "Together the chains and the money that touches no flow are the plan's money."
        )
        return [
            Table(
                say("Value chains, the most valuable first"),
                self.chains,
                columns,
                note,
                shown=10,
                name="value chains",
                mark_first=True,
                empty=say("No waste is turned into anything that is sold."),
            ),
            self._uses_of_wastes(),
            self._unused(),
        ]

    def _uses_of_wastes(self) -> Table:
        table = variety(self.solution)
        table = table[table["waste"].notna()].reset_index(drop=True)
        columns = (
            Column("waste", say("Waste")),
            Column("uses", say("Uses"), "integer"),
            Column("chains", say("Chains to a sale"), "integer"),
            Column("used_share", say("Ends in a sale"), "share"),
            Column("effective_uses", say("Effective uses"), "number"),
        )
        note = say(
            "Effective uses: as many uses of equal size would be as varied. The results "
            "workbook (sheet Uses) has how much goes into each."
        )
        return Table(say("Uses of every waste"), table, columns, note, shown=10, name="variety")

    def _unused(self) -> Table:
        chains = self.solution.unused.chains
        per_unit = say("{currency} per unit of waste", currency=self.currency)
        columns = (
            Column("rank", "#", "number"),
            Column("source_material", say("Waste")),
            Column("steps", say("Possible, but not in the plan"), "path"),
            Column("lacks", say("Lacks"), "number", per_unit),
            Column("keeps_out", say("What keeps it out")),
            Column("weakest_lacks", say("Weakest step lacks"), "number", per_unit),
        )
        note = say(
            "What a unit of the waste would have to earn more in this chain, at the "
            "plan's prices; of plants that are not built with their capital at full "
            "load. Below 0 it would earn, and a decision keeps it out. The nearest to "
            "the plan come first, waste by waste."
        )
        caption = say("Chains that are possible but unused")
        return Table(caption, chains, columns, note, shown=10, name="unused chains")

    def _build(self) -> list[Block | None]:
        built = self.solution.built.drop(columns="built", errors="ignore")
        if built.empty:
            return [Text(say("The plan builds nothing."))]
        activity = say("units of activity per year")
        columns = (
            Column("unit", say("Plant")),
            Column("site", say("Site")),
            Column("investor", say("Investor")),
            Column("period", say_in("period", "Built in")),
            Column("capacity_per_year", say("Capacity"), "number", activity),
            Column("capex_million", say("Capital"), "number", self.money, bar=True),
            Column("jobs", say("Jobs"), "number"),
        )
        return [
            charts.timeline(self.solution),
            Table(say("Plants to build"), built, columns, shown=15, opens=_parts(built["unit"])),
        ]

    def _binding(self) -> list[Block]:
        fixed = say(" With what is built held fixed, as yes/no decisions have no prices.")
        note = say(
            "What the whole plan would gain if the figure were 1 % larger (or smaller) "
            "in every period in which it binds, in money of today; valid for small "
            "changes. Limits are per year, but for budgets, room of stockpiles and total "
            "capacities.{fixed}",
            fixed=fixed if self.solution.decisions_fixed else "",
        )
        less = say("“less”: the plan would be better off if less arose.")
        columns = (
            Column("label", say("Limit")),
            Column("direction", "1 %"),
            Column("gain_million", say("is worth"), "number", self.money, bar=True),
            Column("value", say("One unit is worth"), "number", shown_measure(self.currency)),
            Column("unit_of_measure", say("per")),
            Column("limit", say("The figure"), "number", say("per year, or in all")),
            Column("periods", say("Periods"), "integer"),
        )
        streams = self.limits["kind"] == "stream"
        binding, arising = self.limits[~streams], self.limits[streams]
        return [
            Table(
                say("What binds most"),
                binding,
                columns,
                note,
                shown=10,
                empty=say("Nothing binds."),
                opens=_cells_of(binding),
            ),
            Table(
                say("What 1 % of a waste stream is worth"),
                arising,
                columns,
                less,
                shown=5,
                name="waste streams",
                opens=_cells_of(arising),
            ),
        ]

    # ------------------------------------------------------------------ flows and money

    def _flows(self) -> list[Block | None]:
        frame = tell.flow_totals(self.solution).drop(columns="amount")
        frame["moving_million"] /= self.years
        frame["worth_million"] /= self.years
        money = say("{money} per year", money=self.money)
        columns = (
            Column("from", say("From")),
            Column("to", say("To")),
            Column("material", say("Material")),
            Column("amount_per_year", say("Amount"), "number", say("per year"), bar=True),
            Column("unit_of_measure", say_in("measure", "Unit")),
            Column("distance_km", say("Distance"), "number", say("km")),
            Column("moving_million", say("Transport and transactions"), "number", money),
            Column("worth_million", say("Worth where it arrives"), "number", money),
        )
        return [
            flow_map(self.solution),
            Table(
                say("Flows, the largest first"),
                frame,
                columns,
                shown=8,
                name="flows",
                opens=_parts(frame["material"]),
            ),
        ]

    def _money(self) -> list[Block]:
        sales = tell.products_sold(self.solution)
        sales["income"] = sales["income_million"] / self.years
        per_unit = say("{currency} per unit", currency=self.currency)
        yearly = say("{money} per year", money=self.money)
        columns = (
            Column("material", say("Product")),
            Column("amount_per_year", say("Sold"), "number", say("per year")),
            Column("unit_of_measure", say_in("measure", "Unit")),
            Column("price", say("Mean price"), "number", per_unit),
            Column("income", say("Income"), "number", yearly, bar=True),
        )
        return [
            charts.waterfall(self.solution),
            Table(say("What is sold"), sales, columns, shown=10, opens=_parts(sales["material"])),
        ]

    def _waste(self) -> list[Block | None]:
        frame = tell.waste_by_material(self.solution)
        figures = [c for c in frame.columns if c not in ("material", "stage", "unit_of_measure")]
        frame[figures] /= self.years
        frame = frame[(frame[figures] != 0).any(axis=1)]
        frame = frame.sort_values("arising", ascending=False, kind="stable", ignore_index=True)
        columns = (
            Column("material", say("Waste")),
            Column("stage", say("Stage")),
            Column("unit_of_measure", say_in("measure", "Unit")),
            *(Column(c, say(c).capitalize(), "number", say("per year")) for c in figures),
        )
        return [
            charts.waste_fate(self.solution),
            Table(say("What becomes of every waste"), frame, columns, shown=10, name="wastes"),
        ]

    def _substances(self) -> list[Block | None]:
        """What is recovered of what arises; nothing where PropertyKinds names nothing."""
        if self.solution.substances.empty:
            return []
        columns = (
            Column("property", say("Substance")),
            Column("recovered_share", say("Recovered of what goes in"), "share", bar=True),
            Column("arises_per_year", say("Arises"), "number", say("per year")),
            Column("bought_per_year", say("Bought"), "number", say("per year")),
            Column("sold_per_year", say("Sold"), "number", say("per year")),
            Column("dumped_per_year", say("Dumped or stocked"), "number", say("per year")),
            Column("lost_per_year", say("Lost"), "number", say("per year")),
            Column("unit_of_measure", say("Measure")),
            Column("dumped_worth_million_per_year", say("Worth dumped"), "number", self.money),
        )
        note = say(
            "Means per year. Lost: by units and on the way; below 0 a recipe makes it of nothing."
        )
        return [
            Table(say("Recovered of what arises"), self.solution.recovered, columns, note),
            substance_flows(self.solution),
            Table(say("Where substances are, and what becomes of them"), self.solution.substances),
        ]

    def _plant(self) -> list[Block | None]:
        columns = (
            Column("pollutant", say("Pollutant")),
            Column("scope", say("Scope")),
            Column("key", say("Where")),
            Column("period", say("Tightest period")),
            Column("emitted_per_year", say("Emitted"), "number", say("t per year")),
            Column("limit_per_year", say("Limit"), "number", say("t per year")),
            Column("used", say("Used"), "share", bar=True),
        )
        return [
            charts.loads(self.solution),
            charts.stocks(self.solution),
            charts.emissions(self.solution),
            Table(
                say("Emissions against limits"),
                tell.emission_use(self.solution),
                columns,
                say("More than 100 %: exceeded, at the penalty that the scenario sets."),
                name="emission limits",
            ),
        ]

    # ------------------------------------------------------------------ background

    def _prices(self) -> list[Block]:
        prices = self.solution.prices
        prices = prices[prices["value"].astype(float) != 0].copy()
        size = prices["value"].astype(float).abs()
        prices = prices.iloc[size.argsort(kind="stable")[::-1]]
        first = prices.head(MAX_ROWS).assign(name=None).to_dict("records")
        words = [
            say("one more unit there") if row["kind"] == "material" else tell.limit_label(row)
            for row in first
        ]
        prices["limit"] = [*words, *[""] * (len(prices) - len(words))]
        columns = (
            Column("kind", say("Kind")),
            Column("limit", say("What")),
            Column("site", say("Site")),
            Column("material", say("Material")),
            Column("unit", say("Plant")),
            Column("period", say("Period")),
            Column("value", say("Worth"), "number", shown_measure(self.currency)),
            Column("unit_of_measure", say("per")),
        )
        note = say(
            "What one more unit is worth, in money of the period: of a material at a "
            "place, the price at which members can trade it."
        )
        return [Table(say("Shadow prices"), prices, columns, note, shown=10)]

    def _assumptions(self) -> list[Block]:
        frame = assumptions(self.solution)
        frame["sheet"] = [shown_sheet(name) for name in frame["sheet"]]
        sources = self.scenario.frame("Sources")
        if frame.empty:
            return [Text(say("The scenario tells neither sources nor notes."))]
        counts = confidence(frame)
        heads = (
            Column("sheet", say("Sheet")),
            Column("rows", say("Rows"), "integer", bar=True),
            *(Column(c, c, "integer") for c in counts.columns[2:]),
        )
        columns = (
            Column("sheet", say("Sheet")),
            Column("row", say("Row"), "integer"),
            Column("what", say("What")),
            Column("confidence", say("How it is known")),
            Column("note", say("Note")),
            Column("source", say("Source")),
        )
        caption = say("Rows of the scenario by how they are known")
        note = say(
            "By what a row's note begins with, before a colon; “not told” where there is none."
        )
        every, most = say("Every row with its note and source"), MAX_ASSUMPTIONS
        return [
            Table(caption, counts, heads, note, shown=30, name="confidence"),
            Table(every, frame, columns, shown=8, name="assumptions", most=most),
            Table(say("Sources"), sources.reset_index(drop=True), columns_of(sources), shown=8),
        ]

    def _trust(self) -> list[Block]:
        audit = self.solution.audit
        verdict = say("The plan was checked against the scenario without the model, and adds up.")
        if not audit.passed:
            verdict = say("The plan does not add up: do not rely on it.")
        seconds = self.solution.seconds
        total = figure(seconds["total"]) if "total" in seconds else "–"
        full = totals_table(self.solution).dropna(subset="value")
        full["total"] = [say(name.replace("_", " ")) for name in full["total"]]
        heads = (
            Column("total", say("Total over the horizon")),
            Column("item", say("Item")),
            Column("value", say("Value"), "number"),
        )
        checks = audit_table(self.solution)
        error = tuple(
            replace(c, unit=say("relative") if c.name == "error" else "")
            for c in columns_of(checks, self.currency, "audit")
        )
        warned = warnings_table(self.solution)
        objective = say(
            "Objective {objective} {money} (discounted); found in {total} seconds.",
            objective=figure(self.solution.objective),
            money=self.money,
            total=total,
        )
        return [
            Text(verdict, "" if audit.passed else "fault"),
            Table(say("Audit"), checks, error, shown=8),
            Table(say("Warnings about the scenario"), warned, columns_of(warned), shown=6),
            Table(say("All totals"), full, heads, shown=8, name="totals"),
            Text(objective, "note"),
        ]


_BASELINE_WORDS = mark(
    "Existing units only: nothing is built. No cluster: the members keep their "
    "plants and deal with places outside, but not with one another. Everything "
    "dumped: no unit runs; what arises is disposed of, or sold as it is."
)


def _main_pollutant(totals: Mapping[str, Any]) -> str:
    """Carbon dioxide if it is told, else what is emitted most."""
    emissions: Mapping[str, float] = totals["emissions"]
    carbon = [p for p in emissions if p.lower().replace("₂", "2").startswith("co2")]
    if carbon:
        return carbon[0]
    return max(emissions, key=lambda p: abs(emissions[p]), default="")


def _chains(solution: Solution, years: int) -> pd.DataFrame:
    """`best_chains` with rank, income (synergy too) and cost; its figures per year."""
    chains = tell.best_chains(solution)
    income = chains["income_million"] + chains["synergy_million"]
    chains = chains.assign(income=income, cost=income - chains["value_million"])
    chains[["source_amount", "income", "cost", "value_million", "joint_million"]] /= years
    return chains.assign(rank=range(1, len(chains) + 1))


def assumptions(solution: Solution) -> pd.DataFrame:
    """What the planner wrote beside the figures: sheet, row, what, confidence, note, source.

    One row for each row of the scenario's file, of sheets with a column that begins with `note`
    or `source`. `confidence` is what a note begins with before a colon (`assumption: …`), or the
    note, if it is one word.
    """
    references = solution.scenario.frame("Sources")
    known = dict(zip(references["id"], references["reference"], strict=True))
    rows: list[tuple[str, int, str, str, str, str]] = []
    for sheet in solution.scenario.book.sheets:
        if sheet.name.startswith(IGNORED_SHEET_MARKS) or sheet.name == "Sources" or not sheet.grid:
            continue
        heads = ["" if h is None else str(h).strip().lower() for h in sheet.grid[0]]
        notes = [n for n, head in enumerate(heads) if head.startswith("note")]
        sources = [n for n, head in enumerate(heads) if head.startswith("source")]
        named = [n for n, h in enumerate(heads) if h and not h.startswith(IGNORED_COLUMN_MARKS)]
        if not notes and not sources:
            continue
        for at, row in enumerate(sheet.grid[1:], start=2):
            what = [_in_words(row[n]) for n in named if n < len(row) and row[n] not in (None, "")]
            if not what:
                continue
            note = " ".join(_cell(row, n) for n in notes).strip()
            of_settings = sheet.name.strip() == "Scenario"
            if of_settings and is_setting_note(_cell(row, named[0]).strip(), note):
                continue  # the template's words, no evidence of the planner's
            match = _CONFIDENCE.match(note) or _WORD.fullmatch(note)
            ids = [i.strip() for n in sources for i in _cell(row, n).split(";") if i.strip()]
            source = "; ".join(str(known.get(i) or i) for i in ids)
            confidence = match[1].lower() if match else say(NO_CONFIDENCE)
            rows.append((sheet.name, at, cut(" · ".join(what[:5]), 110), confidence, note, source))
    return pd.DataFrame(rows, columns=["sheet", "row", "what", "confidence", "note", "source"])


def confidence(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `assumptions` counted: sheet, rows, then a column for every confidence (the rare
    ones together as `other`); the first row is of all sheets."""
    sizes = frame["confidence"].value_counts()
    kept, other = list(sizes.index[:MAX_CONFIDENCES]), say("other")
    word = frame["confidence"].where(frame["confidence"].isin(kept), other)
    counts = pd.crosstab(frame["sheet"], word)
    counts = counts.reindex(list(dict.fromkeys(frame["sheet"])))
    order = [*kept, *([other] if (word == other).any() and other not in kept else [])]
    counts = pd.concat([counts[order].sum().to_frame(say("all sheets")).T, counts[order]])
    counts.insert(0, "rows", counts.sum(axis=1))
    return counts.rename_axis("sheet").reset_index()


def _cells_of(limits: pd.DataFrame) -> list[dict[str, object]]:
    """The cell of each limit, by sheet, row and column."""
    return [
        {"cell": [r["sheet"], int(r["row"]), r["column"]]} if isinstance(r["sheet"], str) else {}
        for r in limits.to_dict("records")
    ]


def _parts(names: pd.Series[Any]) -> list[dict[str, object]]:
    return [{"of": [str(name)]} for name in names]


def _in_words(value: object) -> str:
    if isinstance(value, float) and not value.is_integer():
        return number(value)
    return str(words_of_code(value))


def _cell(row: Sequence[object], at: int) -> str:
    return "" if at >= len(row) or row[at] is None else str(row[at])
