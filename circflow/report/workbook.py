"""The results workbook: a summary with native charts in front, then one tidy table per sheet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from circflow.data.one_line import plain
from circflow.i18n import mark, say
from circflow.report.figures import (
    Baseline,
    binding_limits,
    emission_use,
    gains,
    horizon,
    money_lines,
    unit_loads,
    waste_by_material,
    waste_by_stage,
)
from circflow.report.numbers import changed_words, number
from circflow.report.sheets import Formats, add_table, clean, new_workbook, print_set_up
from circflow.report.variety_of_uses import uses_of_wastes, variety
from circflow.report.vocabulary import cell
from circflow.solution.solution import Solution, Status

SHEETS = {
    mark("Money"): mark("what every site earns and pays, by group, material, unit and period"),
    mark("Built"): mark("candidate units to build, and when"),
    mark("Units"): mark("units in service, their load, jobs and fixed costs"),
    mark("Flows"): mark("what goes from where to where"),
    mark("Sales"): mark("what is sold, at which price"),
    mark("Supply"): mark("waste taken and inputs bought"),
    mark("Conversions"): mark("what units take in and make"),
    mark("Activity"): mark("which recipe runs, how much"),
    mark("Disposal"): mark("what is disposed of, at which fee"),
    mark("Stockpiles"): mark("dumps and stocks over time"),
    mark("Emissions"): mark("what is emitted, by source"),
    mark("Emission limits"): mark("emissions against every limit"),
    mark("Synergies"): mark("joint activity and its value"),
    mark("Prices"): mark("shadow prices: what one more unit is worth"),
}
"""Sheets of the tables of a solution, and what they tell."""

MAX_BARS = 45
"""Units in the chart of loads."""
_BLUE, _GREEN, _ORANGE, _GREY, _PURPLE = "#0072B2", "#009E73", "#D55E00", "#999999", "#CC79A7"
"""Colours of Okabe and Ito, told apart by colour-blind readers."""
_INDENT: dict[str, Any] = {"align": "left", "indent": 1}


Sheets = Mapping[str, tuple[str, pd.DataFrame, str]]
"""By name of the sheet (English; written in the language in force): table name, table, what it
tells."""


def write_results(
    solution: Solution,
    path: str | os.PathLike[str],
    more: Sheets | None = None,
    baselines: Sequence[Baseline] = (),
) -> None:
    """Write a solution as an Excel workbook, whole or not at all; `more` are further sheets,
    `baselines` what the summary compares the net benefit with.

    Blank cells are figures that do not exist, or no limit. Raises OSError where `path` cannot
    be written.
    """
    settings, sheets = solution.scenario.settings, tables_of(solution) | dict(more or {})
    with new_workbook(Path(path)) as formats:
        words = {"title": clean(settings.name)[:250], "comments": say("Results of circflow")}
        formats.book.set_properties({**words, "author": ""})
        summary = formats.book.add_worksheet(say("Summary"))
        for name, (table, frame, _) in sheets.items():
            add_table(formats, say(name), table, frame, plain(settings.currency))
        charts = _Charts(formats, solution)
        _Summary(summary, formats, solution, baselines).write(sheets, charts)
        summary.activate()


def tables_of(solution: Solution) -> dict[str, tuple[str, pd.DataFrame, str]]:
    """Every sheet behind the summary: table name, table, what it tells."""
    unused, substances = solution.unused, {}
    if len(solution.substances):
        substances = {
            mark("Recovered"): (solution.recovered, mark("how much of a substance is sold")),
            mark("Substances"): (
                solution.substances,
                mark("where substances arise, and what becomes of them"),
            ),
        }
    tables = {
        **{name: (getattr(solution.tables, _table(name)), SHEETS[name]) for name in SHEETS},
        mark("Chains"): (solution.chains, mark("value chains from waste to sale")),
        mark("Uses"): (uses_of_wastes(solution), mark("how many uses every waste has")),
        mark("Variety"): (variety(solution), mark("how varied the uses of wastes are")),
        mark("Unused chains"): (unused.chains, mark("possible chains: what keeps them out")),
        mark("Unused steps"): (unused.steps, mark("what each of their steps lacks, and why")),
        mark("Unused conversions"): (unused.conversions, mark("recipes that do not run")),
        mark("Waste"): (waste_by_material(solution), mark("what becomes of every waste")),
        **substances,
        mark("Limits"): (binding_limits(solution), mark("what binds; gain of relaxing it by 1 %")),
        mark("Totals"): (totals_table(solution), mark("all totals over the horizon")),
        mark("Audit"): (audit_table(solution), mark("the plan checked against the scenario")),
        **{
            mark("Changes"): (changes, mark("cells changed before the run"))
            for changes in solution.scenario.changes_table.values()
        },
        mark("Warnings"): (warnings_table(solution), mark("what is doubtful in the scenario")),
    }
    return {name: (_table(name), frame, say(words)) for name, (frame, words) in tables.items()}


def _table(sheet: str) -> str:
    """The name of a sheet's table."""
    return sheet.lower().replace(" ", "_")


def totals_table(solution: Solution) -> pd.DataFrame:
    """`Solution.totals` as a table: total, item, value, unit."""
    currency = solution.scenario.settings.currency
    rows: list[tuple[str, str | None, float | None, str]] = []
    units = {"emissions": "t over the horizon", "jobs": mark("jobs in the last period")}
    units |= {"chains": "chains", "use_share": "share"}
    money = f"million {currency} over the horizon"
    for key, value in solution.totals.items():
        if isinstance(value, Mapping):
            by_item = key.startswith("waste_")
            rows += [
                (key, i, v, f"{i} over the horizon" if by_item else units.get(key, money))
                for i, v in value.items()
            ]
        else:
            rows.append((key, None, value, units.get(key, money)))
    return pd.DataFrame(rows, columns=["total", "item", "value", "unit"])


def audit_table(solution: Solution) -> pd.DataFrame:
    """The audit's largest errors and everything it found wrong: check, where, period, expected,
    found, error (relative)."""
    audit = solution.audit
    verdict = say("passed") if audit.passed else say("FAILED")
    errors = {
        mark("{verdict}: largest error of a balance"): audit.balance_error,
        mark("{verdict}: error of the objective"): audit.objective_error,
        mark("{verdict}: gap to the best plan that could be confirmed"): audit.confirmed_gap,
    }
    checks = [(say(words, verdict=verdict), error) for words, error in errors.items()]
    head = pd.DataFrame(checks, columns=["check", "error"])
    findings = audit.findings
    if findings.empty:
        return head.reindex(columns=list(findings.columns))
    return pd.concat([head, findings], ignore_index=True)[list(findings.columns)]


def warnings_table(solution: Solution) -> pd.DataFrame:
    """The scenario's warnings: sheet, cell, message, found, expected, suggestion."""
    rows = [
        (w.cell.sheet, str(w.cell), w.message, w.found, w.expected, w.suggestion)
        for w in solution.scenario.warnings
    ]
    heads = ["sheet", "cell", "message", "found", "expected", "suggestion"]
    return pd.DataFrame(rows, columns=heads)


class _Summary:
    """The sheet in front, written from top to bottom."""

    def __init__(
        self, sheet: Any, formats: Formats, solution: Solution, baselines: Sequence[Baseline]
    ) -> None:
        self.sheet, self.formats, self.solution = sheet, formats, solution
        self.baselines = baselines
        self.currency = plain(solution.scenario.settings.currency)
        self.row = 0

    def write(self, sheets: Sheets, charts: _Charts) -> None:
        """Write everything, with links to the detail sheets."""
        sheet = self.sheet
        for column, size in enumerate((56, 14, 26, 16, 3)):
            sheet.set_column(column, column, size)
        sheet.hide_gridlines(2)
        self._headline()
        self._money()
        self._waste()
        self._key_figures(sheets)
        self._section(say("What the sheets hold"), say("rows"), "", say("sheet"))
        for name, (_, frame, meaning) in sheets.items():
            self._line(meaning, float(len(frame)), "", name, "#,##0")
        place = 2
        for chart, height in charts.shown:
            sheet.insert_chart(place, 5, chart, {"object_position": 2})
            place += height // 20 + 1
        print_set_up(sheet)
        sheet.fit_to_pages(1, 1)
        sheet.print_area(0, 0, max(self.row, place), 15)

    def text(self, column: int, text: str, **style: Any) -> None:
        """A text cell in the current row."""
        self.sheet.write_string(self.row, column, clean(text), self.formats(**style))

    def _section(self, *heads: str) -> None:
        self.row += 1
        for column, head in enumerate(heads):
            style = {"align": "right"} if column == 1 else _INDENT if column else {}
            self.sheet.write_string(self.row, column, head, self.formats.head(**style))
        self.row += 1

    def _line(self, label: str, value: float | None, unit: str, link: str, style: str) -> None:
        self.text(0, label)
        if value is None or value != value:  # noqa: PLR0124
            self.text(1, "-", align="right")
        else:
            self.sheet.write_number(self.row, 1, value, self.formats(num_format=style))
        self.text(2, unit, **_INDENT)
        self._link(3, link)
        self.row += 1

    def _link(self, column: int, sheet: str) -> None:
        look = self.formats(font_color="#0000EE", underline=1, **_INDENT)
        self.sheet.write_url(
            self.row, column, f"internal:'{say(sheet)}'!A1", look, string=say(sheet)
        )

    def _headline(self) -> None:
        solution, settings = self.solution, self.solution.scenario.settings
        self.sheet.set_row(self.row, 24)
        self._sentence(settings.name, bold=True, font_size=16)
        years = horizon(solution.scenario)
        proven = solution.status is Status.OPTIMAL
        status = say("Optimal plan") if proven else say("Plan, not proven the best")
        gap = number(100 * solution.gap if solution.gap > 1e-09 else 0.0)
        words = say("{status}, gap {number} %", status=status, number=gap)
        first = settings.start_year
        span = {"start_year": first, "start_year_2": first + years - 1}
        words += say("; {start_year} to {start_year_2}", **span)
        if solution.relaxed:
            words += say("; yes/no decisions relaxed: a bound, not a plan")
        self._sentence(words)
        if not solution.audit.passed:
            words = say("The audit FAILED: do not rely on this plan")
            self._sentence(words, bold=True, font_color="red")
        if solution.scenario.changes:
            changed = changed_words(solution.scenario.changes)
            words = say("Changed before the run: {changed_words}", changed_words=changed)
            self._sentence(words, link="Changes")
        if count := len(solution.scenario.warnings):
            words = say("Warnings about the scenario: {count}", count=count)
            self._sentence(words, link="Warnings")

    def _sentence(self, words: str, *, link: str = "", **style: Any) -> None:
        """A line of text, with a link to the sheet that says more."""
        self.text(0, words, **style)
        if link:
            self._link(3, link)
        self.row += 1

    def _money(self) -> None:
        self._section(say("Money over the horizon"), say("amount"), say("unit"), say("details"))
        unit, lines = say("million {currency}", currency=self.currency), money_lines(self.solution)
        style = "#,##0" if lines["million"].abs().max() >= 10_000 else "#,##0.0"
        for group, label, million in lines[["group", "label", "million"]].itertuples(index=False):
            target = {"income": "Sales", "synergy": "Synergies", "capital": "Built"}
            self._line(label, million, unit, target.get(group, "Money"), style)
        for words, gain in gains(self.solution, self.baselines).items():
            less = say("net benefit less that of {words}", words=words)
            self._line(less, gain, unit, "Totals", style)
        self._line(say("objective (discounted)"), self.solution.objective, unit, "Totals", style)

    def _waste(self) -> None:
        frame = waste_by_stage(self.solution)
        if frame.empty:
            return
        heads = say("used"), say("arising over the horizon"), say("details")
        self._section(say("Waste: share that is used"), *heads)
        for row in frame.to_dict("records"):
            amount = f"{number(row['arising'])} {row['unit_of_measure']}"
            self._line(cell("stage", row["stage"]), row["use_share"], amount, "Waste", "0.0%")
        used = self.solution.totals.get("use_share")
        self._line(say("all waste, in t"), used, "", "Totals", "0.0%")

    def _key_figures(self, sheets: Sheets) -> None:
        solution, totals = self.solution, self.solution.totals
        self._section(say("Key figures"), say("value"), say("unit"), say("details"))
        count = float(len(solution.built))
        self._line(say("units to build"), count, say("units"), "Built", "0")
        if len(solution.built):
            capex = float(solution.built["capex_million"].sum())
            unit = say("million {currency}", currency=self.currency)
            self._line(say("their capital"), capex, unit, "Built", "#,##0")
        jobs = say("jobs in the last period")
        self._line(jobs, totals.get("jobs"), say("jobs"), "Units", "#,##0")
        chains = say("value chains in use")
        self._line(chains, totals.get("chains"), say("chains"), "Chains", "0")
        for pollutant, tonnes in totals.get("emissions", {}).items():
            what = say("emitted: {pollutant}", pollutant=pollutant)
            self._line(what, tonnes, say("t over the horizon"), "Emissions", "#,##0")
        for row in emission_use(solution).dropna(subset="used").head(5).to_dict("records"):
            place = row["key"] if isinstance(row["key"], str) else ""
            label = say(
                "limit of {pollutant}, {scope} {place}",
                pollutant=row["pollutant"],
                scope=cell("scope", row["scope"]),
                place=place,
            ).strip()
            when = say("used in {period}", period=row["period"])
            self._line(label, row["used"], when, "Emission limits", "0.0%")
        for row in sheets["Limits"][1].head(5).to_dict("records"):
            more, less = (
                mark("million {currency} for 1 % more"),
                mark("million {currency} for 1 % less"),
            )
            unit = say(more if row["direction"] == "more" else less, currency=self.currency)
            self._line(row["label"], row["gain_million"], unit, "Limits", "#,##0.000")


class _Charts:
    """Native charts and the small tables that they draw, on a sheet of their own at the end."""

    def __init__(self, formats: Formats, solution: Solution) -> None:
        self.formats = formats
        self.currency = plain(solution.scenario.settings.currency)
        self.sheet = formats.book.add_worksheet(say("Chart data"))
        self.sheet.set_column(0, 0, 34)
        self.sheet.set_column(1, 30, 14)
        print_set_up(self.sheet)
        self.column = 0
        drawn = (self._money(solution), self._waste(solution), self._loads(solution))
        self.shown = [chart for chart in drawn if chart]
        """Charts and their heights in pixels."""

    def _table(self, frame: pd.DataFrame) -> int:
        """Write a small table to the right of those there; its first column's number."""
        at = self.column
        for c, name in enumerate(frame.columns):
            self.sheet.write_string(0, at + c, say(cell("", name)), self.formats.head())
            for r, value in enumerate(frame[name].tolist(), start=1):
                if isinstance(value, str):
                    text = clean(plain(cell(name, value)))
                    self.sheet.write_string(r, at + c, text, self.formats())
                elif value == value:  # noqa: PLR0124
                    self.sheet.write_number(r, at + c, value, self.formats(num_format="#,##0.0##"))
        self.column += len(frame.columns) + 1
        return at

    def _series(self, at: int, column: int, rows: int, **more: Any) -> dict[str, Any]:
        name = self.sheet.get_name()
        return {
            "name": [name, 0, at + column],
            "categories": [name, 1, at, rows, at],
            "values": [name, 1, at + column, rows, at + column],
            **more,
        }

    def _chart(self, kind: dict[str, str], name: str, axis: str, height: int = 365) -> Any:
        chart = self.formats.book.add_chart(kind)
        chart.set_title({"name": name, "name_font": {"size": 12}, "overlay": False})
        if kind["type"] == "bar":
            chart.set_x_axis({"name": axis, "num_format": "0%", "min": 0, "max": 1})
            chart.set_y_axis({"num_font": {"size": 8}, "interval_unit": 1})
        else:
            chart.set_y_axis(
                {"name": axis, "num_format": "#,##0", "major_gridlines": {"visible": 1}}
            )
            chart.set_x_axis({"label_position": "low", "num_font": {"size": 9}})
        chart.set_size({"width": 700, "height": height})
        return chart

    def _money(self, solution: Solution) -> tuple[Any, int]:
        """Income to net benefit as a waterfall: each bar starts where the one before ended."""
        frame = waterfall(solution)
        rows, at = len(frame), self._table(frame)
        unit = say("million {currency} over the horizon", currency=self.currency)
        chart = self._chart(
            {"type": "column", "subtype": "stacked"}, say("From income to net benefit"), unit
        )
        hidden = {"fill": {"none": True}, "border": {"none": True}, "gap": 40}
        colours = {"received": _GREEN, "paid": _ORANGE, "result": _BLUE}
        points = [{"fill": {"color": colours[k]}} for k in frame["kind"]]
        for column in (1, 2):
            chart.add_series(self._series(at, column, rows, **hidden))
        for column in (3, 4):
            chart.add_series(self._series(at, column, rows, points=points, gap=40))
        chart.set_legend({"none": True})
        return chart, 365

    def _waste(self, solution: Solution) -> tuple[Any, int] | None:
        """What is done with the waste of each stage, in its most frequent unit of measure."""
        frame = waste_by_stage(solution)
        if frame.empty:
            return None
        measure = frame["unit_of_measure"].mode()[0]
        frame = frame[frame["unit_of_measure"] == measure]
        handled = frame["taken"] + frame["reclaimed"] + frame["made"]
        unit, scale = mark("{measure} over the horizon"), 1.0
        if handled.max() >= 1e7:
            unit, scale = mark("million {measure} over the horizon"), 1e6
        unit = say(unit, measure=plain(measure))
        used = (handled - frame["disposed"] - frame["added"]).clip(lower=0.0)
        parts = {"used": used, "stocked": frame["added"], "disposed": frame["disposed"]}
        sizes = {name: part / scale for name, part in parts.items()}
        shown = pd.DataFrame({"stage": frame["stage"], **sizes})
        rows, at = len(shown), self._table(shown)
        kind = {"type": "column", "subtype": "stacked"}
        chart = self._chart(kind, say("Waste by stage"), unit)
        for column, colour in enumerate((_GREEN, _PURPLE, _GREY), start=1):
            chart.add_series(self._series(at, column, rows, fill={"color": colour}, gap=60))
        chart.set_legend({"position": "bottom"})
        return chart, 365

    def _loads(self, solution: Solution) -> tuple[Any, int] | None:
        """Load of the units in service, fullest first."""
        frame = unit_loads(solution)
        if frame.empty:
            return None
        rows = min(len(frame), MAX_BARS)
        some = frame[["unit", "load_share"]].head(MAX_BARS)
        at = self._table(some.iloc[::-1])  # bars are drawn from below
        name = say("Load of units ({rows} of {count})", rows=rows, count=len(frame))
        height = 110 + 14 * max(rows, 4)
        chart = self._chart({"type": "bar"}, name, say("mean load"), height)
        chart.add_series(self._series(at, 1, rows, fill={"color": _BLUE}, gap=40))
        chart.set_legend({"none": True})
        return chart, height


def waterfall(solution: Solution) -> pd.DataFrame:
    """The bars of the money waterfall, which may cross zero.

    Columns: label, base_above and base_below (unseen), above and below (seen), kind.
    """
    lines = money_lines(solution)
    steps = lines["million"].to_numpy()
    ends = steps.cumsum()
    starts = ends - steps
    result = (lines["group"] == "net_benefit").to_numpy()
    starts[result], ends[result] = 0.0, steps[result]
    low, high = pd.Series(starts).clip(upper=ends), pd.Series(starts).clip(lower=ends)
    kinds = pd.Series(steps >= 0).map({True: "received", False: "paid"})
    return pd.DataFrame(
        {
            "money": lines["label"],
            "base above": low.clip(lower=0.0),
            "base below": high.clip(upper=0.0),
            "above": high.clip(lower=0.0) - low.clip(lower=0.0),
            "below": low.clip(upper=0.0) - high.clip(upper=0.0),
            "kind": kinds.mask(result, "result"),
        }
    )
