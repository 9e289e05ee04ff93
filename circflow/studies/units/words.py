"""Verdicts in words and figures: a page per unit that a board can read, and the workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.one_line import first_few, plain
from circflow.data.result import Result, figure
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say, say_n
from circflow.i18n.names import shown_measure
from circflow.report.numbers import number, without_noise
from circflow.report.page.frame import Section
from circflow.report.page.verdicts import GAIN, LOSE, verdicts_opening
from circflow.report.sheets import Formats, clean, print_set_up
from circflow.report.vocabulary import cell, measured
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import meant

_MOST_PAGES = 200
_SHOWN = 8
_STANDS = {
    "in every plan within 1 %": mark("It stands in every plan within 1 % of the best."),
    "in no plan within 1 %": mark("It stands in no plan within 1 % of the best."),
    "in some": mark("Plans within 1 % of the best may have it or not."),
}


@dataclass(frozen=True, repr=False)
class Verdicts(Result):
    """What is to be said about every unit. Money in million currency, discounted."""

    scenario: Scenario = field(repr=False)
    best_million: float
    """Objective of the best plan."""
    table: pd.DataFrame
    """A row per unit (see docs/evaluate.md)."""
    break_evens: pd.DataFrame = field(default_factory=pd.DataFrame)
    price_sheets: pd.DataFrame = field(default_factory=pd.DataFrame)
    loads: pd.DataFrame = field(default_factory=pd.DataFrame)
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    members: pd.DataFrame = field(default_factory=pd.DataFrame)
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    capital: pd.DataFrame = field(default_factory=pd.DataFrame)
    order: pd.DataFrame = field(default_factory=pd.DataFrame)
    contingency: pd.DataFrame = field(default_factory=pd.DataFrame)
    futures: pd.DataFrame = field(default_factory=pd.DataFrame)
    each_future: pd.DataFrame = field(default_factory=pd.DataFrame)
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        built = int(self.table["in_plan"].sum()) if "in_plan" in self.table else 0
        return say(
            "{name}: {counted}, {built} in the best plan of {best_million} million {currency}",
            name=self.scenario.name,
            counted=say_n("{n:,} unit", "{n:,} units", len(self.table)),
            built=built,
            best_million=figure(self.best_million),
            currency=self.currency,
        )

    @property
    def currency(self) -> str:
        return self.scenario.settings.currency

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that has rows, by its name."""
        names = {
            "verdicts": self.table,
            "break_evens": self.break_evens,
            "price_sheets": self.price_sheets,
            "loads": self.loads,
            "effects": self.effects,
            "who_gains": self.members,
            "pairs": self.pairs,
            "capital": self.capital,
            "order_of_entry": self.order,
            "contingency": self.contingency,
            "robustness": self.futures,
            "futures": self.each_future,
        }
        shown = {name: table for name, table in names.items() if len(table)}
        return shown | self.scenario.changes_table

    def opening(self) -> list[Section]:
        """What its page says first."""
        words_of = {str(u): self.words(str(u)) for u in self.table["unit"]}
        tables = {name: without_noise(table) for name, table in self.tables().items()}
        return verdicts_opening(tables, words_of, self.currency)

    def words(self, unit: str) -> list[str]:
        """The verdict on one unit, a page in words and figures: a headline, then a line per
        finding. Raises StudyError where there is none on it."""
        return _Words(self, unit).lines()

    def write(self, path: str | Path) -> None:
        """Write everything: .xlsx (a sheet per question, a page per unit), .html, .json, or a
        folder of CSV files."""
        from circflow.report.study_tables import write_tables

        tables, ending = dict(self.tables()), Path(path).suffix.lower()
        units = self.table["unit"].astype(str)
        if ending not in (".xlsx", ".html"):
            lines = [(u, n, line) for u in units for n, line in enumerate(self.words(u), start=1)]
            tables["words"] = pd.DataFrame(lines, columns=["unit", "line", "text"])

        def pages(formats: Formats) -> None:
            used = {sheet.get_name().lower() for sheet in formats.book.worksheets()}
            for unit in units.tolist()[:_MOST_PAGES]:
                _page(formats, self, unit, used)

        write_tables(
            tables,
            path,
            currency=self.currency,
            title=say("{name}: verdicts", name=self.scenario.name),
            opening=self.opening() if ending == ".html" else (),
            pages=pages,
        )


def _of_unit(table: pd.DataFrame, unit: str, column: str = "unit") -> list[dict[str, Any]]:
    """The rows of a table (which may have none, and no columns) that a unit has."""
    rows = table[table[column] == unit] if len(table) else table
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def _known(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))


class _Words:
    """The words on one unit."""

    def __init__(self, verdicts: Verdicts, unit: str) -> None:
        rows = _of_unit(verdicts.table, unit)
        if not rows:
            near = meant(unit, verdicts.table["unit"].astype(str))
            raise StudyError("there is no verdict on {unit!r}{meant}", unit=unit, meant=near)
        self.verdicts, self.unit, self.row = verdicts, unit, rows[0]
        self.currency = verdicts.currency
        self.money = say("million {currency}", currency=verdicts.currency)

    def lines(self) -> list[str]:
        """All of them."""
        row = self.row
        lines = [self._headline()]
        if row["reason"]:
            lines.append(f"{row['reason'][:1].upper()}{row['reason'][1:]}.")
        if not row["within_budget"]:
            lines.append(
                say("The budget of no period allows it; it is judged with its capital beside it.")
            )
        if not row["proven"]:
            lines.append(
                say("A search stopped before the best plan was proven: take figures as near.")
            )
        for part in (
            self._plan, self._cash_flow, self._market, self._evens, self._region, self._gains,
            self._together, self._risks,
        ):  # fmt: skip
            lines += part()
        return [plain(line) for line in lines]

    def _headline(self) -> str:
        row, name, value, money = self.row, self.unit, self.row["value_million"], self.money
        if row["kind"] != "candidate":
            if not _known(value):
                return say("{name}: the plan cannot do without it.", name=name)
            worth = f"{number(abs(value))} {money}"
            if value >= 0:
                return say("{name}: is worth {worth}.", name=name, worth=worth)
            return say("{name}: costs the cluster {worth}.", name=name, worth=worth)
        if row["in_plan"]:
            worth = say("no plan without")
            if _known(value):
                worth = say("the cluster gains {value} {money}", value=number(value), money=money)
            when = row["period"]
            return say(
                "{name}: build it in {period}; {worth}.", name=name, period=when, worth=worth
            )
        if not _known(value):
            return say("{name}: do not build it; there is no plan with it.", name=name)
        return say(
            "{name}: do not build it; the cluster would lose {number} {money}.",
            name=name,
            number=number(-value),
            money=money,
        )

    def _plan(self) -> Iterator[str]:
        row = self.row
        if row["kind"] == "candidate" and _known(row["capex_million"]):
            size = say(
                "capacity {capacity_per_year} a year",
                capacity_per_year=number(row["capacity_per_year"]),
            )
            yield say(
                "Judged at {size}{when}, capex {capex_million} {money}.",
                size=size,
                when=say(" from {period}", period=row["period"]) if row["period"] else "",
                capex_million=number(row["capex_million"]),
                money=self.money,
            )
        if _known(row.get("load_share")):
            share = number(100 * row["load_share"])
            yield say("Mean load {number} % of what is available.", number=share)
        yield say(_STANDS[row["stands"]])

    def _cash_flow(self) -> Iterator[str]:
        for label, prices in (
            ("internal", say("the plan's internal prices")),
            ("market", say("market prices")),
        ):
            npv, rate, late, years, later, ratio = (
                self.row.get(name.format(label)) for name in OWN_MONEY.values()
            )
            if not _known(npv):
                continue
            text = say(
                "Its own cash flow at {prices}: NPV {npv} {money}",
                prices=prices,
                npv=number(npv),
                money=self.money,
            )
            if self.row["kind"] == "candidate":
                text += say(", IRR {rate} ({rate_2})", rate=_rate(rate), rate_2=_rate(late))
                text += _payback(years, later)
            if _known(ratio):
                text += say(", benefit-cost ratio {ratio}", ratio=number(ratio))
            yield text + "."

    def _market(self) -> Iterator[str]:
        """What is in the figures at market prices, and when money comes."""
        rows = _of_unit(self.verdicts.price_sheets, self.unit)
        if not rows:
            return
        parts = {
            "freight": say("freight"),
            "transactions": say("transactions"),
            "emissions": say("emission charges"),
        }
        sums = {item: sum(r["market_million"] for r in rows if r["item"] == item) for item in parts}
        borne = ", ".join(f"{parts[item]} {number(0.0 - sums[item])}" for item in parts)
        yield say(
            "At market prices it sells and buys at the gates of markets and bears "
            "{borne} {money}. A year's money counts at its start; by the end of the "
            "year, as Excel counts, in brackets.",
            borne=borne,
            money=self.money,
        )

    def _evens(self) -> Iterator[str]:
        for r in _of_unit(self.verdicts.break_evens, self.unit):
            head = say(_EVEN[r["kind"]], material=r["material"])
            if r["note"]:
                yield f"{head}: {r['note']}."
                continue
            text = f"{head}: {number(r['break_even'])} {measured(r['unit_of_measure'])}"
            if r["kind"] != "gate fee":
                share = r["change"] / abs(r["now"]) if r["now"] else np.nan
                text += say(" (now {now}", now=number(r["now"]))
                text += f", {100 * share:+.0f} %)" if _known(share) else ")"
            if r["kind"] == "capex" and r["break_even"] < 0.0:
                text += say(": not even as a gift")
            yield text + "."

    def _region(self) -> Iterator[str]:
        row = self.row
        if _known(row.get("waste_dumped_change_t")):
            text = say(
                "Waste over the horizon: used {signed} t, dumped {signed_2} t",
                signed=_signed(row["waste_used_change_t"]),
                signed_2=_signed(row["waste_dumped_change_t"]),
            )
            if _known(row["cost_per_tonne_diverted"]):
                cost = self._cost(row["cost_per_tonne_diverted"])
                text += say("; {cost} per tonne kept from the dump", cost=cost)
            yield text + "."
        if _known(row.get("co2_change_t")):
            text = say("CO2 over the horizon: {signed} t", signed=_signed(row["co2_change_t"]))
            if _known(row["cost_per_tonne_co2"]):
                text += say(
                    "; {cost} per tonne avoided", cost=self._cost(row["cost_per_tonne_co2"])
                )
            yield text + "."
        if _known(row.get("jobs_change")):
            yield say(
                "Jobs at the end of the horizon: {signed}.", signed=_signed(row["jobs_change"])
            )

    def _cost(self, cost: float) -> str:
        amount = f"{number(abs(cost))} {shown_measure(self.currency)}"
        sentence = mark("a cost of {amount}") if cost > 0 else mark("a gain of {amount}")
        return say(sentence, amount=amount)

    def _gains(self) -> Iterator[str]:
        """Who gains and who loses with it, most first."""
        small = 1e-6 * max(abs(self.verdicts.best_million), 1.0)
        of_member = [
            (r["change_million"], r["member"]) for r in _of_unit(self.verdicts.members, self.unit)
        ]
        unit = say("million {currency}, value added at internal prices", currency=self.currency)
        for sentence, sign in ((GAIN, 1.0), (LOSE, -1.0)):
            moved = [(change, name) for change, name in of_member if sign * change > small]
            moved.sort(key=lambda one: -sign * one[0])
            names = [f"{name} {_signed(change)}" for change, name in moved]
            if names:
                yield say(sentence, unit=unit, list=first_few(names, _SHOWN), more="")

    def _together(self) -> Iterator[str]:
        pairs = self.verdicts.pairs
        of_unit = (
            pairs[(pairs["unit"] == self.unit) | (pairs["other"] == self.unit)]
            if len(pairs)
            else pairs
        )
        for kind, word in (
            ("complements", say("Worth more together with")),
            ("substitutes", say("Displaces, or is displaced by")),
            ("exclude each other", say("Cannot stand beside")),
            ("one needs the other", say("One is not possible without the other")),
        ):
            names = []
            for r in [r for r in of_unit.to_dict("records") if r["kind"] == kind][:_SHOWN]:
                name, extra = (
                    r["other"] if r["unit"] == self.unit else r["unit"],
                    r["interaction_million"],
                )
                names.append(f"{name} ({_signed(extra)} {self.money})" if _known(extra) else name)
            if names:
                yield f"{word}: {', '.join(names)}."
        for at, r in enumerate(self.verdicts.order.to_dict("records"), start=1):
            if r["unit"] == self.unit:
                yield say(
                    "As capital grows it enters as number {at} of {count}, by {capital} {money} "
                    "in all.",
                    at=at,
                    count=len(self.verdicts.order),
                    capital=number(r["enters_at_million"]),
                    money=self.money,
                )

    def _risks(self) -> Iterator[str]:
        for worst in _of_unit(self.verdicts.contingency, self.unit, "name")[:1]:
            loss = say("the plan")
            if worst["possible"]:
                loss = f"{number(worst['loss_million'])} {self.money}"
            yield say(
                "If it stands still in {period}, the cluster loses {loss}.",
                period=worst["period"],
                loss=loss,
            )
        for r in _of_unit(self.verdicts.futures, self.unit):
            if _known(r["right_share"]):
                yield say(
                    "In {number} % of {futures} sampled futures {act} was right; mean regret "
                    "{mean_regret_million}, highest {highest_regret_million} {money}.",
                    number=number(100 * r["right_share"]),
                    futures=int(r["futures"]),
                    act=say("building it") if r["built"] else say("not building it"),
                    mean_regret_million=number(r["mean_regret_million"]),
                    highest_regret_million=number(r["highest_regret_million"]),
                    money=self.money,
                )


OWN_MONEY = {
    "npv": "npv_{}_million",
    "irr": "irr_{}",
    "irr_end": "irr_{}_end",
    "payback_years": "payback_{}_years",
    "payback_years_end": "payback_{}_years_end",
    "benefit_cost": "benefit_cost_{}",
}
"""Columns of a unit's own money, at prices that are internal or those of the market."""
_EVEN = {
    "capex": mark("Break-even capex"),
    "price": mark("Break-even price of {material}"),
    "gate fee": mark("Break-even gate fee for {material}"),
}


def _payback(years: Any, later: Any) -> str:
    """Years until the capital is back, and where the prices after the plan hold."""
    known = _known(years), _known(later)
    return say(_PAID_BACK[known], years=number(years), later=number(later))


_PAID_BACK = {
    (True, True): mark(", pays back in {years} ({later}) years, discounted"),
    (True, False): mark(", pays back in {years} (never) years, discounted"),
    (False, True): mark(", never pays back ({later}), discounted"),
    (False, False): mark(", never pays back, discounted"),
}


def _rate(value: Any) -> str:
    return f"{number(100 * value)} %" if _known(value) else say("none")


def _signed(value: float) -> str:
    if value == 0.0:
        return "±0"
    return ("+" if value > 0 else "-") + number(abs(value))


# --------------------------------------------------------------------------- files


def _page(formats: Formats, verdicts: Verdicts, unit: str, used: set[str]) -> None:
    """A page of A4 for one unit: the headline, the findings, the price sheet."""
    sheet = formats.book.add_worksheet(_sheet_name(unit, used))
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 5, 15)
    sheet.hide_gridlines(2)
    lines = verdicts.words(unit)
    big = formats(bold=True, font_size=14, text_wrap=True)
    sheet.merge_range(0, 0, 0, 5, clean(lines[0]), big)
    sheet.set_row(0, 40)
    for row, line in enumerate(lines[1:], start=2):
        sheet.merge_range(row, 0, row, 5, clean(line), formats(text_wrap=True))
        sheet.set_row(row, 15 * (1 + len(line) // 105))
    row = len(lines) + 2
    table = verdicts.price_sheets
    if len(table):
        parts = table[table["unit"] == unit].fillna({"material": ""})
        sums = parts.groupby(["item", "material"], sort=False)[["million", "market_million"]].sum()
        heads = [
            say("what"),
            say("material"),
            say("million {currency}, internal prices", currency=verdicts.currency),
            say("million {currency}, market prices", currency=verdicts.currency),
        ]
        for column, head in enumerate(heads):
            sheet.write_string(row, column, clean(head), formats.head())
        sheet.set_row(row, 45)
        for (item, material), money in zip(sums.index, sums.to_numpy(float), strict=True):
            row += 1
            _line(sheet, formats, row, (cell("item", item), material, *money))
        row += 1
        _line(sheet, formats, row, (say("sum"), "", *sums.sum()), bold=True)
    print_set_up(sheet)
    sheet.set_portrait()
    sheet.fit_to_pages(1, 1)
    sheet.print_area(0, 0, row, 5)


def _line(
    sheet: Any, formats: Formats, row: int, values: tuple[Any, ...], *, bold: bool = False
) -> None:
    for column, value in enumerate(values):
        if isinstance(value, str):
            sheet.write_string(row, column, clean(value), formats(bold=bold))
        elif _known(value):
            style = formats(bold=bold, num_format="#,##0.0")
            sheet.write_number(row, column, float(value), style)


def _sheet_name(unit: str, used: set[str]) -> str:
    """A name that Excel takes: 31 characters, without []:*?/\\, not used before."""
    base = re.sub(r"[\[\]:*?/\\]", " ", clean(plain(unit))).strip().strip("'") or "unit"
    name, n = base[:31], 1
    while name.lower() in used or name.lower() == "history":
        n += 1
        end = f" ({n})"
        name = base[: 31 - len(end)] + end
    used.add(name.lower())
    return name
