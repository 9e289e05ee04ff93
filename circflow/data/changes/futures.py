"""Futures: what may come, read from Futures and FutureChanges, and the scenario as it is then.

A future is the scenario with changed figures (factor, add, set, in the order of the rows) and
with things that stand still (off). Addresses name rows of the scenario as given; limits of
figures are judged after all changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.cells import plain, shorten, shortest
from circflow.data.changes.address import (
    AddressError,
    Match,
    english_sheet,
    match,
    parse_address,
)
from circflow.data.changes.retyped import column_figures, out_of_limits, retyped
from circflow.data.checks.changed import check_changed
from circflow.data.coded import by_row
from circflow.data.files.grids import lettered
from circflow.data.scenario import Scenario, ScenarioError, Standstill
from circflow.data.suggest import nearest, remark
from circflow.data.table import Cell, Problem, Table
from circflow.i18n import mark, say

OFF = "off"
OFF_TARGETS: dict[str, tuple[str, ...]] = {
    "Units": ("unit",),
    "Members": ("member",),
    "Links": ("from", "to"),
    "Modes": ("mode",),
    "Markets": ("site", "material"),
}
"""What can stand still, and the columns that name it."""
OFF_WORDS = mark(
    "Units[unit=…], Members[member=…], Links[from=…, to=…], Modes[mode=…] or "
    "Markets[site=…, material=…]"
)
_HOW = {
    "factor": mark("{text} times {value}"),
    "add": mark("{text} plus {value}"),
    "set": mark("{text} set to {value}"),
}
_DECISION_SHEETS = ("Periods", "Budget")
_DECISION_COLUMNS = {
    "Scenario": ("discount_rate", "capital_charge"),
    "Units": (
        *("status", "lifetime_years", "earliest_period", "latest_period", "choice", "requires"),
        *("construction_years", "ramp_up", "capacity_max_per_year"),
    ),
}
_NO_PLAN_READS = (
    "Studies",
    "Ranges",
    "Futures",
    "FutureChanges",
    "Indicators",
    "PropertyKinds",
    "Losses",
    "Taxes",
    "Sources",
)


@dataclass(frozen=True)
class FigureChange:
    """Cells of one column that are otherwise."""

    row: int
    """Row of FutureChanges (or of Ranges, where the future was sampled); 0: none."""
    target: Match
    how: str
    """factor, add or set."""
    value: float
    text: str
    """The address."""


@dataclass(frozen=True)
class Outage:
    """Something that stands still in a period (None: in every period)."""

    row: int
    sheet: str
    names: tuple[str, ...]
    """As `OFF_TARGETS` lists them."""
    period: str | None
    text: str


@dataclass(frozen=True)
class Future:
    """What may come. Probabilities of all futures add up to 1."""

    name: str
    probability: float
    changes: tuple[FigureChange, ...] = ()
    outages: tuple[Outage, ...] = ()
    sheet: str = "FutureChanges"
    """Where the rows of the changes stand."""

    def words(self) -> list[str]:
        """Each change in words, with its cell."""
        lines = [(c.row, say(_HOW[c.how], text=c.text, value=plain(c.value))) for c in self.changes]
        lines += [
            (o.row, say("{text} stands still {when}", text=o.text, when=when(o.period)))
            for o in self.outages
        ]
        return [
            say("{text} ({sheet} row {row})", text=text, sheet=self.sheet, row=row) if row else text
            for row, text in sorted(lines, key=lambda pair: pair[0])
        ]


def when(period: str | None) -> str:
    """`in 2026`, `in every period`."""
    return say("in every period") if period is None else say("in {period}", period=period)


def futures_of(scenario: Scenario) -> list[Future]:
    """The futures of the sheets Futures and FutureChanges, in order; probabilities scaled to 1."""
    rows, changes = scenario.tables["Futures"].rows, scenario.tables["FutureChanges"].rows
    total = float(rows["probability"].sum())
    futures = []
    for _, name, probability in by_row(rows, "future", "probability"):
        of_future = changes.take(changes["future"] == name)
        figures, outages = [], []
        for row, how, text, period, value in by_row(
            of_future, "change", "parameter", "period", "value"
        ):
            if how == OFF:
                outages.append(replace(outage(scenario.tables, text, period), row=row))
            else:
                target = target_of(scenario.tables, text)
                figures.append(FigureChange(row, target, how, value, text))
        futures.append(Future(name, float(probability) / total, tuple(figures), tuple(outages)))
    return futures


def target_of(tables: Mapping[str, Table], text: str) -> Match:
    """The cells that a change of a future names.

    Raises `AddressError` where they are none, hold no numbers, or belong to the decision.
    """
    address = parse_address(text)
    why = refusal(address.sheet, address.column)
    if why:
        raise AddressError(why)
    matched = match(tables, address)
    if not matched.column.is_number:
        raise AddressError(
            "{sheet}.{column} holds no numbers: only numbers can differ between futures",
            sheet=address.sheet,
            column=address.column,
        )
    if address.sheet == "Units" and address.column == "capacity_per_year":
        units = tables["Units"].rows
        units = units.take(np.isin(units["row"], matched.rows))
        sized = (units["status"] == "candidate") & ~np.isnan(units["capacity_max_per_year"])
        if sized.any():
            raise AddressError(
                "the size of {iloc!r} is decided (it has a capacity_max_per_year), so it is "
                "the same in every future",
                iloc=shorten(units["unit"][sized][0]),
            )
    return matched


def refusal(sheet: str, column: str) -> str:
    """Why a future cannot change a column, or ""."""
    if sheet in _DECISION_SHEETS or column in _DECISION_COLUMNS.get(sheet, ()):
        return say(
            "{sheet}.{column} belongs to the decision, so it is the same in every future",
            sheet=sheet,
            column=column,
        )
    if sheet in _NO_PLAN_READS:
        return say(
            "no plan depends on {sheet}.{column}, so a future cannot change it",
            sheet=sheet,
            column=column,
        )
    return ""


def outage(tables: Mapping[str, Table], text: str, period: str | None) -> Outage:
    """What an address without a column names, to stand still. Raises `AddressError`."""
    head, bracket, tail = text.strip().partition("[")
    sheet = english_sheet(head.strip())
    if sheet not in OFF_TARGETS:
        base = english_sheet(sheet.partition(".")[0].strip())
        good = base if base in OFF_TARGETS else nearest(sheet, OFF_TARGETS)
        raise AddressError(
            "{sheet!r} cannot stand still: off takes {off_words}, without a column{remark}",
            f"{good}{bracket}{tail}" if good else "",
            sheet=shorten(sheet),
            off_words=say(OFF_WORDS),
            remark=remark(sheet, good),
        )
    wanted = OFF_TARGETS[sheet]
    address = parse_address(f"{sheet}.{wanted[0]}{bracket}{tail}")
    filters = dict(address.filters)
    shown = f"{sheet}[{', '.join(f'{name}=…' for name in wanted)}]"
    if set(filters) != set(wanted):
        raise AddressError(
            "{text!r} does not name what stands still: write {shown}",
            text=shorten(text),
            shown=shown,
        )
    names = tuple(filters[name] for name in wanted)
    for column, name in zip(wanted, names, strict=True):
        _must_stand(tables, sheet, column, name, text)
    if sheet == "Markets":
        match(tables, address)
    return Outage(0, sheet, names, period, text.strip())


def _must_stand(tables: Mapping[str, Table], sheet: str, column: str, name: str, text: str) -> None:
    """A name must stand in the sheet that lists it."""
    home, key = ("Sites", "site") if sheet == "Links" else (sheet, column)
    names = [str(n) for n in tables[home].rows[key].tolist() if n is not None]
    if name not in names:
        good = nearest(name, names)
        raise AddressError(
            "no row of {home} has {key} {name!r}{remark}",
            text.replace(name, good, 1) if good else "",
            home=home,
            key=key,
            name=shorten(name),
            remark=remark(name, good),
        )


# ------------------------------------------------------------------- the scenario as it is then


def in_future(scenario: Scenario, future: Future) -> Scenario:
    """The scenario as it is in a future. Raises `ScenarioError` where a figure breaks a limit."""
    figures, problems = changed_figures(scenario.tables, future)
    then = scenario
    if figures and not problems:
        then = with_figures(scenario, figures)
        problems = _rules_broken(scenario, future, then)
    if problems:
        raise ScenarioError(problems, scenario.book.origin)
    return standing_still(then, shares_still(scenario, [replace(future, probability=1.0)]))


Figures = dict[tuple[str, str], "pd.Series[float]"]
"""Changed columns by (sheet, column): all their cells by row; a key of Scenario at row 0."""


def changed_figures(tables: Mapping[str, Table], future: Future) -> tuple[Figures, list[Problem]]:
    """Every column that a future changes, after all its changes, and what is wrong with it."""
    figures: Figures = {}
    last: dict[tuple[str, str, int], FigureChange] = {}
    problems: list[Problem] = []
    for one in future.changes:
        sheet, name = key = (one.target.sheet, one.target.column.name)
        if key not in figures:
            figures[key] = column_figures(tables[sheet], name)
        rows = list(one.target.rows) if sheet != "Scenario" else [0]
        cells = figures[key].loc[rows]
        if one.how != "set" and cells.isna().all():
            message = say(
                "{text} is blank and has no default, so it cannot be {if_any}: set it",
                text=one.text,
                if_any=say("multiplied") if one.how == "factor" else say("added to"),
            )
            problems.append(_problem(tables, future, one, message, "parameter"))
        after = {"factor": cells * one.value, "add": cells + one.value}.get(one.how)
        figures[key].loc[rows] = one.value if after is None else after
        last.update({(*key, row): one for row in rows})
    for (sheet, name, row), one in last.items():
        wrong = out_of_limits(float(figures[sheet, name][row]), one.target.column)
        if wrong:
            in_scenario = sheet == "Scenario"
            where = (
                say("Scenario {name}", name=name) if in_scenario else tables[sheet].cell(row, name)
            )
            message = say("{where} would be wrong: {wrong}", where=where, wrong=wrong)
            problems.append(_problem(tables, future, one, message))
    return figures, list(dict.fromkeys(problems))


def _problem(
    tables: Mapping[str, Table],
    future: Future,
    one: FigureChange,
    message: str,
    column: str = "value",
) -> Problem:
    table = tables.get(future.sheet)
    cell = table.cell(one.row, column) if table is not None and one.row else Cell("", 0)
    words = say("in the future {name!r} {message}", name=shorten(future.name), message=message)
    return Problem("error", cell, words, plain(one.value))


def with_figures(scenario: Scenario, figures: Figures) -> Scenario:
    """The scenario with other columns of numbers; nothing is checked."""
    if not figures:
        return scenario
    frames: dict[str, pd.DataFrame] = {}
    tables = dict(scenario.tables)
    grids = {raw.name.strip(): raw.grid for raw in scenario.book.sheets}
    for (sheet, column), values in figures.items():
        frame = frames.setdefault(sheet, scenario.frame(sheet).copy())
        if sheet != "Scenario":
            frame[column] = values
            letters = lettered(tables[sheet].letters, column, grids.get(sheet, []))
            tables[sheet] = replace(tables[sheet], letters=letters)
            continue
        number = float(values[0])
        text = None if math.isnan(number) else shortest(number)
        at = frame.index[frame["key"] == column]
        row = int(at[0]) if len(at) else int(frame.index.max()) + 1
        frame.loc[row, ["key", "value"]] = [column, text]
    tables.update({name: tables[name].with_frame(frame) for name, frame in frames.items()})
    return retyped(scenario, tables, scenario.book)


def _rules_broken(scenario: Scenario, future: Future, then: Scenario) -> list[Problem]:
    """Rules on figures that hold in the scenario and are broken in the future."""
    problems = []
    for fault in check_changed(then):
        rows = [
            one
            for one in future.changes
            if one.target.sheet == fault.cell.sheet
            and (one.target.sheet == "Scenario" or fault.cell.row in one.target.rows)
        ]
        one = (rows or list(future.changes))[-1]
        problems.append(_problem(scenario.tables, future, one, f"{fault.cell}: {fault.message}"))
    return problems


Still = Mapping[str, Mapping[Any, float]]
"""How likely it is that something stands still: by sheet, then by its names and the period."""


def shares_still(scenario: Scenario, futures: Iterable[Future]) -> Still:
    """Σ of the probabilities of the futures in which something stands still, by period."""
    sums: dict[str, dict[Any, float]] = {
        name: {} for name in ("Units", "Markets", "Modes", "Links")
    }
    units = scenario.frame("Units")
    members = units["site"].map(scenario.member_of)
    for future in futures:
        for sheet, names, period in sorted(_things(scenario, future, units, members)):
            key = (*names, period)
            sums[sheet][key] = sums[sheet].get(key, 0.0) + future.probability
    return sums


def _things(
    scenario: Scenario, future: Future, units: pd.DataFrame, members: pd.Series[str]
) -> set[tuple[str, tuple[str, ...], str]]:
    """(sheet, names, period) of all that stands still in a future, each once."""
    still = set()
    for one in future.outages:
        periods = [p.name for p in scenario.periods] if one.period is None else [one.period]
        things: Sequence[tuple[str, tuple[str, ...]]] = [(one.sheet, one.names)]
        if one.sheet == "Members":
            things = [("Units", (unit,)) for unit in units["unit"][members == one.names[0]]]
        still |= {(sheet, names, period) for sheet, names in things for period in periods}
    return still


def standing_still(scenario: Scenario, still: Still) -> Scenario:
    """The scenario in which units run as much as they are likely to, and other things that are
    likelier off than on stand still (at one half they stay on)."""

    def off(sheet: str) -> frozenset[Any]:
        return frozenset(key for key, share in still[sheet].items() if 1.0 - share < 0.5 - 1e-9)

    now = scenario.standstill
    standstill = Standstill(
        now.markets | off("Markets"), now.modes | off("Modes"), now.links | off("Links")
    )
    then = scenario
    if still["Units"]:
        then = scenario.with_figures({"UnitPeriods": _less_available(scenario, still["Units"])})
    return then if standstill == now else replace(then, standstill=standstill)


def _less_available(scenario: Scenario, still: Mapping[tuple[str, str], float]) -> Table:
    """UnitPeriods with availability times the probability of running."""
    table = scenario.tables["UnitPeriods"]
    frame = table.frame.copy()
    availability_of_unit = scenario.frame("Units").set_index("unit")["availability"]
    for (unit, period), share in still.items():
        row = row_of(frame, unit, period)
        before = float(frame["availability"].loc[row])
        before = float(availability_of_unit[unit]) if math.isnan(before) else before
        frame.loc[row, "availability"] = before * max(0.0, 1.0 - share)
    return table.with_frame(frame)


def row_of(frame: pd.DataFrame, unit: str, period: str) -> int:
    """The row of a unit and a period in UnitPeriods, which gets one where it has none."""
    at = frame.index[(frame["unit"] == unit) & (frame["period"] == period)]
    row = int(at[0] if len(at) else frame.index.max() + 1 if len(frame) else 2)
    frame.loc[row, ["unit", "period"]] = [unit, period]
    return row


def mean_scenario(scenario: Scenario, futures: Sequence[Future]) -> Scenario:
    """The scenario in which every figure that a future changes has its mean.

    A blank cell counts as its default; a mean with an unlimited figure is unlimited. A unit that
    stands still in some futures has, in that period, its mean capacity times the probability
    that it runs; other things stay on if that is at least as likely as not.
    """
    every = [changed_figures(scenario.tables, future)[0] for future in futures]
    figures: Figures = {}
    for key in dict.fromkeys(key for one in every for key in one):
        unchanged = _effective(scenario, {}, *key)
        mean = pd.Series(np.zeros(len(unchanged)), index=unchanged.index)
        touched = pd.Series(False, index=unchanged.index)
        for future, one in zip(futures, every, strict=True):
            values = _effective(scenario, one, *key) if key in one else unchanged
            mean = mean + future.probability * values
            touched |= ~((values == unchanged) | (values.isna() & unchanged.isna()))
        before = column_figures(scenario.tables[key[0]], key[1])
        figures[key] = before.where(~touched, mean)
    return standing_still(with_figures(scenario, figures), shares_still(scenario, futures))


def _effective(scenario: Scenario, figures: Figures, sheet: str, column: str) -> pd.Series[float]:
    """A column's figures in a future, blank cells as what they mean."""
    values = figures.get((sheet, column))
    values = column_figures(scenario.tables[sheet], column) if values is None else values
    if sheet == "Links" and column == "loss":
        return values.fillna(0.0)
    if sheet == "Units" and column == "fixed_cost_max_million_per_year":
        smaller = "fixed_cost_million_per_year"
        return values.fillna(_effective(scenario, figures, "Units", smaller))
    if sheet == "UnitPeriods":
        general = _effective(scenario, figures, "Units", column)
        of_unit = dict(zip(scenario.frame("Units")["unit"], general, strict=True))
        return values.fillna(scenario.frame("UnitPeriods")["unit"].map(of_unit).astype(float))
    return values
