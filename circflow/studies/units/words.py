"""Verdicts in words and figures: a page per unit that a board can read, and the workbook."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.one_line import plain
from circflow.data.result import Result, figure
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say, say_n
from circflow.i18n.names import shown_measure
from circflow.report.numbers import number
from circflow.report.page.frame import Section
from circflow.report.page.verdicts import GAIN, LOSE
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
    break_evens: pd.DataFrame
    price_sheets: pd.DataFrame
    loads: pd.DataFrame
    effects: pd.DataFrame
    members: pd.DataFrame
    pairs: pd.DataFrame
    capital: pd.DataFrame
    order: pd.DataFrame
    contingency: pd.DataFrame
    futures: pd.DataFrame
    each_future: pd.DataFrame
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
        from circflow.report.numbers import without_noise
        from circflow.report.page.verdicts import verdicts_opening

        words_of = {str(u): self.words(str(u)) for u in self.table["unit"]}
        tables = {name: without_noise(table) for name, table in self.tables().items()}
        return verdicts_opening(tables, words_of, self.currency)

    def words(self, unit: str) -> list[str]:
        """The verdict on one unit, a page in words and figures."""
        return words(self, unit)

    def write(self, path: str | Path) -> None:
        """Write everything: .xlsx (a sheet per question, a page per unit), .html, .json, or a
        folder of CSV files."""
        write(self, path)


def words(verdicts: Verdicts, unit: str) -> list[str]:
    """The verdict on a unit: a headline, then a line per finding. Raises StudyError."""
    rows = verdicts.table[verdicts.table["unit"] == unit]
    if rows.empty:
        listed = verdicts.table["unit"].astype(str)
        raise StudyError(
            "there is no verdict on {unit!r}{meant}", unit=unit, meant=meant(unit, listed)
        )
    row = {str(k): v for k, v in rows.iloc[0].to_dict().items()}
    money = say("million {currency}", currency=verdicts.currency)
    lines = [_headline(row, money)]
    if row["reason"]:
        lines.append(f"{_capital(row['reason'])}.")
    if not row["within_budget"]:
        lines.append(
            say("The budget of no period allows it; it is judged with its capital beside it.")
        )
    if not row["proven"]:
        lines.append(say("A search stopped before the best plan was proven: take figures as near."))
    lines += _plan_lines(row, money)
    lines += _own_lines(row, money)
    lines += _market_line(verdicts, unit, money)
    lines += _even_lines(verdicts, unit)
    lines += _region_lines(verdicts, row)
    lines += _together_lines(verdicts, unit, money)
    lines += _risk_lines(verdicts, unit, money)
    return [plain(line) for line in lines]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _known(value: Any) -> bool:
    return value is not None and value == value and np.isfinite(value)  # noqa: PLR0124


def _headline(row: dict[str, Any], money: str) -> str:
    value = row["value_million"]
    name = row["unit"]
    if row["kind"] != "candidate":
        if not _known(value):
            return say("{name}: the plan cannot do without it.", name=name)
        worth = f"{number(abs(value))} {money}"
        if value >= 0:
            return say("{name}: is worth {worth}.", name=name, worth=worth)
        return say("{name}: costs the cluster {worth}.", name=name, worth=worth)
    if row["in_plan"]:
        worth = (
            say("the cluster gains {value} {money}", value=number(value), money=money)
            if _known(value)
            else say("no plan without")
        )
        return say(
            "{name}: build it in {period}; {worth}.", name=name, period=row["period"], worth=worth
        )
    if not _known(value):
        return say("{name}: do not build it; there is no plan with it.", name=name)
    return say(
        "{name}: do not build it; the cluster would lose {number} {money}.",
        name=name,
        number=number(-value),
        money=money,
    )


def _plan_lines(row: dict[str, Any], money: str) -> list[str]:
    lines = []
    if row["kind"] == "candidate" and _known(row["capex_million"]):
        size = say(
            "capacity {capacity_per_year} a year",
            capacity_per_year=number(row["capacity_per_year"]),
        )
        when = say(" from {period}", period=row["period"]) if row["period"] else ""
        lines.append(
            say(
                "Judged at {size}{when}, capex {capex_million} {money}.",
                size=size,
                when=when,
                capex_million=number(row["capex_million"]),
                money=money,
            )
        )
    if _known(row.get("load_share")):
        lines.append(
            say(
                "Mean load {number} % of what is available.", number=number(100 * row["load_share"])
            )
        )
    lines.append(
        say(_STANDS.get(str(row["stands"]), "Plans within 1 % of the best may have it or not."))
    )
    return lines


def _own_lines(row: dict[str, Any], money: str) -> list[str]:
    lines = []
    for label, prices in (
        ("internal", say("the plan's internal prices")),
        ("market", say("market prices")),
    ):
        npv = row.get(f"npv_{label}_million")
        if not _known(npv):
            continue
        text = say(
            "Its own cash flow at {prices}: NPV {npv} {money}",
            prices=prices,
            npv=number(npv),
            money=money,
        )
        rate, years = row[f"irr_{label}"], row[f"payback_{label}_years"]
        if row["kind"] == "candidate":
            late, later = row[f"irr_{label}_end"], row[f"payback_{label}_years_end"]
            text += say(", IRR {rate} ({rate_2})", rate=_rate(rate), rate_2=_rate(late))
            text += _payback(years, later)
        ratio = row[f"benefit_cost_{label}"]
        text += say(", benefit-cost ratio {ratio}", ratio=number(ratio)) if _known(ratio) else ""
        lines.append(text + ".")
    return lines


def _payback(years: Any, later: Any) -> str:
    """Years until the capital is back, and where the prices after the plan hold."""
    if _known(years) and _known(later):
        return say(
            ", pays back in {years} ({later}) years, discounted",
            years=number(years),
            later=number(later),
        )
    if _known(years):
        return say(", pays back in {years} (never) years, discounted", years=number(years))
    if _known(later):
        return say(", never pays back ({later}), discounted", later=number(later))
    return say(", never pays back, discounted")


def _rate(value: Any) -> str:
    return f"{number(100 * value)} %" if _known(value) else say("none")


def _market_line(verdicts: Verdicts, unit: str, money: str) -> list[str]:
    """What is in the figures at market prices, and when money comes."""
    table = verdicts.price_sheets
    of_unit = table[table["unit"] == unit] if len(table) else table
    if of_unit.empty:
        return []
    sums = of_unit.groupby("item")["market_million"].sum()
    parts = {
        "freight": say("freight"),
        "transactions": say("transactions"),
        "emissions": say("emission charges"),
    }
    borne = ", ".join(
        f"{words} {number(0.0 - sums.get(item, 0.0))}" for item, words in parts.items()
    )
    return [
        say(
            "At market prices it sells and buys at the gates of markets and bears "
            "{borne} {money}. A year's money counts at its start; by the end of the "
            "year, as Excel counts, in brackets.",
            borne=borne,
            money=money,
        )
    ]


_EVEN = {
    "capex": mark("Break-even capex"),
    "price": mark("Break-even price of {material}"),
    "gate fee": mark("Break-even gate fee for {material}"),
}


def _even_lines(verdicts: Verdicts, unit: str) -> list[str]:
    table = verdicts.break_evens
    if table.empty:
        return []
    lines = []
    for r in table[table["unit"] == unit].to_dict("records"):
        head = say(_EVEN.get(str(r["kind"]), _EVEN["gate fee"]), material=r["material"])
        if r["note"]:
            lines.append(f"{head}: {r['note']}.")
            continue
        text = f"{head}: {number(r['break_even'])} {measured(r['unit_of_measure'])}"
        if r["kind"] != "gate fee":
            share = r["change"] / abs(r["now"]) if r["now"] else np.nan
            text += say(" (now {now}", now=number(r["now"]))
            text += f", {100 * share:+.0f} %)" if _known(share) else ")"
        if r["kind"] == "capex" and r["break_even"] < 0.0:
            text += say(": not even as a gift")
        lines.append(text + ".")
    return lines


def _region_lines(verdicts: Verdicts, row: dict[str, Any]) -> list[str]:
    lines = []
    currency = verdicts.currency
    if _known(row.get("waste_dumped_change_t")):
        text = say(
            "Waste over the horizon: used {signed} t, dumped {signed_2} t",
            signed=_signed(row["waste_used_change_t"]),
            signed_2=_signed(row["waste_dumped_change_t"]),
        )
        cost = row["cost_per_tonne_diverted"]
        if _known(cost):
            text += say("; {cost} per tonne kept from the dump", cost=_cost(cost, currency))
        lines.append(text + ".")
    if _known(row.get("co2_change_t")):
        text = say("CO2 over the horizon: {signed} t", signed=_signed(row["co2_change_t"]))
        cost = row["cost_per_tonne_co2"]
        text += (
            say("; {cost} per tonne avoided", cost=_cost(cost, currency)) if _known(cost) else ""
        )
        lines.append(text + ".")
    if _known(row.get("jobs_change")):
        lines.append(
            say("Jobs at the end of the horizon: {signed}.", signed=_signed(row["jobs_change"]))
        )
    table = verdicts.members
    if len(table):
        of_unit = table[table["unit"] == row["unit"]]
        small = 1e-6 * max(abs(verdicts.best_million), 1.0)
        of_unit = of_unit[of_unit["change_million"].abs() > small].sort_values("change_million")
        gain = [f"{r.member} {_signed(r.change_million)}" for r in of_unit[::-1].itertuples()
                if r.change_million > 0]  # fmt: skip
        loss = [f"{r.member} {_signed(r.change_million)}" for r in of_unit.itertuples()
                if r.change_million < 0]  # fmt: skip
        for sentence, names in ((GAIN, gain), (LOSE, loss)):
            if names:
                more = (
                    say(" and {count} more", count=len(names) - _SHOWN)
                    if len(names) > _SHOWN
                    else ""
                )
                unit = say("million {currency}, value added at internal prices", currency=currency)
                lines.append(say(sentence, unit=unit, list=", ".join(names[:_SHOWN]), more=more))
    return lines


def _signed(value: float) -> str:
    if value == 0.0:
        return "±0"
    return ("+" if value > 0 else "-") + number(abs(value))


def _cost(cost: float, currency: str) -> str:
    amount = f"{number(abs(cost))} {shown_measure(currency)}"
    return (
        say("a cost of {amount}", amount=amount)
        if cost > 0
        else say("a gain of {amount}", amount=amount)
    )


def _together_lines(verdicts: Verdicts, unit: str, money: str) -> list[str]:
    lines = []
    table = verdicts.pairs
    if len(table):
        of_unit = table[(table["unit"] == unit) | (table["other"] == unit)]
        for kind, word in (
            ("complements", say("Worth more together with")),
            ("substitutes", say("Displaces, or is displaced by")),
            ("exclude each other", say("Cannot stand beside")),
            ("one needs the other", say("One is not possible without the other")),
        ):
            names = []
            for r in of_unit[of_unit["kind"] == kind].head(_SHOWN).to_dict("records"):
                name = str(r["other"] if r["unit"] == unit else r["unit"])
                extra = float(r["interaction_million"])
                names.append(f"{name} ({_signed(extra)} {money})" if _known(extra) else name)
            if names:
                lines.append(f"{word}: {', '.join(names)}.")
    order = verdicts.order
    if len(order) and (order["unit"] == unit).any():
        at = int(np.flatnonzero(order["unit"] == unit)[0])
        capital = float(order["enters_at_million"].to_numpy(float)[at])
        lines.append(
            say(
                "As capital grows it enters as number {at} of {count}, by {capital} {money} "
                "in all.",
                at=at + 1,
                count=len(order),
                capital=number(capital),
                money=money,
            )
        )
    return lines


def _risk_lines(verdicts: Verdicts, unit: str, money: str) -> list[str]:
    lines = []
    table = verdicts.contingency
    if len(table):
        of_unit = table[(table["name"] == unit)]
        if len(of_unit):
            worst = of_unit.iloc[0]
            loss = (
                f"{number(worst['loss_million'])} {money}" if worst["possible"] else say("the plan")
            )
            lines.append(
                say(
                    "If it stands still in {period}, the cluster loses {loss}.",
                    period=worst["period"],
                    loss=loss,
                )
            )
    table = verdicts.futures
    if len(table) and (table["unit"] == unit).any():
        r = table[table["unit"] == unit].iloc[0]
        act = say("building it") if r["built"] else say("not building it")
        if _known(r["right_share"]):
            lines.append(
                say(
                    "In {number} % of {futures} sampled futures {act} was right; mean regret "
                    "{mean_regret_million}, highest {highest_regret_million} {money}.",
                    number=number(100 * r["right_share"]),
                    futures=int(r["futures"]),
                    act=act,
                    mean_regret_million=number(r["mean_regret_million"]),
                    highest_regret_million=number(r["highest_regret_million"]),
                    money=money,
                )
            )
    return lines


# --------------------------------------------------------------------------- files


def write(verdicts: Verdicts, path: str | Path) -> None:
    """Write verdicts; the ending of the name tells how (see `Verdicts.write`)."""
    from circflow.report.study_tables import write_tables

    tables, ending = dict(verdicts.tables()), Path(path).suffix.lower()
    units = verdicts.table["unit"].astype(str)
    if ending not in (".xlsx", ".html"):
        lines = [(u, n, line) for u in units for n, line in enumerate(words(verdicts, u), start=1)]
        tables["words"] = pd.DataFrame(lines, columns=["unit", "line", "text"])

    def pages(formats: Formats) -> None:
        used = {sheet.get_name().lower() for sheet in formats.book.worksheets()}
        for unit in units.tolist()[:_MOST_PAGES]:
            _page(formats, verdicts, unit, used)

    write_tables(
        tables,
        path,
        currency=verdicts.currency,
        title=say("{name}: verdicts", name=verdicts.scenario.name),
        opening=verdicts.opening() if ending == ".html" else (),
        pages=pages,
    )


def _page(formats: Formats, verdicts: Verdicts, unit: str, used: set[str]) -> None:
    """A page of A4 for one unit: the headline, the findings, the price sheet."""
    sheet = formats.book.add_worksheet(_sheet_name(unit, used))
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 5, 15)
    sheet.hide_gridlines(2)
    lines = words(verdicts, unit)
    big = formats(bold=True, font_size=14, text_wrap=True)
    sheet.merge_range(0, 0, 0, 5, clean(lines[0]), big)
    sheet.set_row(0, 40)
    for row, line in enumerate(lines[1:], start=2):
        sheet.merge_range(row, 0, row, 5, clean(line), formats(text_wrap=True))
        sheet.set_row(row, 15 * (1 + len(line) // 105))
    row = len(lines) + 2
    table = verdicts.price_sheets
    if len(table):
        of_unit = table[table["unit"] == unit]
        parts = of_unit.fillna({"material": ""}).groupby(["item", "material"], sort=False)
        sums = parts[["million", "market_million"]].sum().reset_index()
        heads = [
            say("what"),
            say("material"),
            say("million {currency}, internal prices", currency=verdicts.currency),
            say("million {currency}, market prices", currency=verdicts.currency),
        ]
        for column, head in enumerate(heads):
            sheet.write_string(row, column, clean(head), formats.head())
        sheet.set_row(row, 45)
        for r in sums.itertuples(index=False):
            row += 1
            _line(
                sheet,
                formats,
                row,
                (cell("item", str(r.item)), r.material, r.million, r.market_million),
            )
        row += 1
        totals = (float(sums["million"].sum()), float(sums["market_million"].sum()))
        _line(sheet, formats, row, (say("sum"), "", *totals), bold=True)
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
