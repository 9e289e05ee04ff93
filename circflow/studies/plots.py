"""Plots of studies: tornado, line, heat map and trade-off curve, with units on the axes.

A figure is drawn by Matplotlib (the extra `plots`) and written as PNG, SVG, or a page that needs
nothing else: the figure as SVG, the numbers below as a table.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.errors import CircflowError
from circflow.data.files.atomic import atomic_path, write_text
from circflow.i18n import localised, say
from circflow.i18n.names import shown_word
from circflow.report.numbers import without_noise
from circflow.report.page.frame import Section
from circflow.report.page.runs import pareto_opening, runs_opening, tornado_opening
from circflow.report.vocabulary import cell, heading, measured, typed_heading
from circflow.studies.sweeps.sweep import Runs
from circflow.studies.sweeps.tornado import Tornado
from circflow.studies.tradeoffs.pareto import Front

FORMATS = (".html", ".png", ".svg")
_LOW, _HIGH, _DARK, _BUILT = "#2b6cb0", "#c05621", "#1a202c", "#718096"
_MOST_BARS = 30


class PlotError(CircflowError, ValueError):
    """A figure that cannot be drawn; the message says why."""


@dataclass(frozen=True)
class Figure:
    """A drawn figure, its title, and the numbers that it shows."""

    drawn: Any
    title: str
    numbers: pd.DataFrame
    opening: Sequence[Section] = ()
    """What its page says first."""

    def svg(self) -> str:
        """The figure as SVG."""
        buffer = io.StringIO()
        self.drawn.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        return buffer.getvalue()

    def write(self, path: str | Path) -> None:
        """Write the figure as .html, .png or .svg."""
        target = Path(path)
        ending = target.suffix.lower()
        if ending == ".png":
            with atomic_path(target) as temporary:
                self.drawn.savefig(temporary, format="png", dpi=150, bbox_inches="tight")
        elif ending == ".svg":
            write_text(target, self.svg())
        elif ending == ".html":
            from circflow.report.page.study import Picture, write_study

            write_study(
                target,
                self.title,
                {"numbers": self.numbers},
                opening=self.opening,
                pictures=[Picture("", self.svg())],
            )
        else:
            raise PlotError(
                "{target}: the name must end in {endings}",
                target=target,
                endings=", ".join(FORMATS),
            )


def _axes(height: float = 5.0) -> tuple[Any, Any]:
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Drawn
    except ImportError:
        raise PlotError("plots need Matplotlib: pip install 'circflow[plots]'") from None
    mpl.rcParams["svg.hashsalt"] = "circflow"  # the same figure gives the same file
    drawn = Drawn(figsize=(9.0, height), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.add_subplot()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_ticks())
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color="#e2e8f0", linewidth=0.8)
    axes.set_axisbelow(True)
    return drawn, axes


def _ticks() -> Any:
    """Figures at an axis, written as the language in force does."""
    from matplotlib.ticker import ScalarFormatter

    class Words(ScalarFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return localised(super().__call__(x, pos))

    return Words()


def _text(text: object, longest: int = 70) -> str:
    """Text for Matplotlib: dollars are no formulas, long names are cut."""
    plain = " ".join(str(text).split())
    plain = plain if len(plain) <= longest else plain[: longest - 1] + "…"
    return plain.replace("\\", "\\\\").replace("$", r"\$")


def tornado_plot(study: Tornado, most: int = 20) -> Figure:
    """The figures with the largest effects as bars around the scenario's own worth."""
    table = study.table.head(min(most, _MOST_BARS))
    drawn, axes = _axes(height=1.2 + 0.34 * len(table))
    currency = study.runs.scenario.settings.currency
    place = np.arange(len(table))[::-1]
    for name, colour, label in (
        ("low", _LOW, say("at its low")),
        ("high", _HIGH, say("at its high")),
    ):
        effect = table[f"{name}_effect_million"].to_numpy(float)
        axes.barh(place, np.nan_to_num(effect), 0.7, color=colour, label=label)
        for at, value, status in zip(place, effect, table[f"{name}_status"], strict=True):
            if np.isnan(value):
                axes.annotate(
                    f"{label}: {cell('status', status)}",
                    (0, at),
                    fontsize=8,
                    color=colour,
                    va="center",
                )
    axes.axvline(0.0, color=_DARK, linewidth=1.0)
    names = [
        _text(
            f"{cell('parameter', p)}  {localised(f'{low:.4g} … {high:.4g}')} {measured(unit)}", 90
        )
        for p, low, high, unit in table[["parameter", "low", "high", "unit"]].itertuples(
            index=False, name=None
        )
    ]
    axes.set_yticks(place, names, fontsize=8)
    words = say(
        "change of the objective, million {currency} (base {base:,.0f})",
        currency=currency,
        base=study.base,
    )
    axes.set_xlabel(_text(words))
    if len(table):
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
    title = say("{name}: what the plan depends on", name=study.runs.scenario.name)
    opening = tornado_opening(study.table, study.base, currency)
    return Figure(drawn, title, without_noise(study.table), opening)


def sweep_plot(runs: Runs, figure: str = "objective_million") -> Figure:
    """One figure of the runs: a line (one parameter), a heat map (two), or a histogram."""
    if figure not in runs.table.columns:
        raise PlotError("the runs have no column {figure!r}", figure=figure)
    varied = [p for p in runs.parameters if runs.table[p].nunique() > 1]
    numbers = runs.table[[*varied, "status", figure]]
    numeric = [p for p in varied if pd.api.types.is_numeric_dtype(runs.table[p])]
    count = len(runs.table)
    if len(varied) == 1 and len(numeric) == 1:
        drawn = _line(runs, varied[0], figure)
    elif len(numeric) == len(varied) == 2 and _is_grid(runs.table, varied):
        drawn = _heat(runs, varied, figure)
    else:
        drawn = _histogram(runs, figure)
    currency = runs.scenario.settings.currency
    opening = runs_opening(runs.table, runs.built, varied, currency)
    title = say("{name}: {count} runs", name=runs.scenario.name, count=count)
    return Figure(drawn, title, without_noise(numbers), opening)


def _label(runs: Runs, figure: str) -> str:
    currency = runs.scenario.settings.currency
    if figure.endswith("_million"):
        money = say("million {currency}", currency=currency)
        return f"{heading(figure.removesuffix('_million'))}, {money}"
    name, _, unit = figure.rpartition("_")
    if not name or figure == "use_share":
        return typed_heading(figure)
    return f"{heading(name)}, {measured(unit)}"


def _is_grid(table: pd.DataFrame, varied: list[str]) -> bool:
    sizes = [table[p].nunique() for p in varied]
    return len(table) == sizes[0] * sizes[1] and not table.duplicated(varied).any()


def _line(runs: Runs, parameter: str, figure: str) -> Any:
    drawn, axes = _axes()
    table = runs.table.sort_values(parameter)
    x, y = table[parameter].to_numpy(float), table[figure].to_numpy(float)
    dots = "o" if len(x) <= 60 else ""
    axes.plot(x, y, color=_LOW, marker=dots, markersize=4)
    none = np.isnan(y)
    if none.any() and not none.all():
        axes.plot(
            x[none], np.full(none.sum(), np.nanmin(y)), "x", color=_HIGH, label=say("no plan")
        )
        axes.legend(frameon=False)
    axes.set_xlabel(_text(typed_heading(parameter), 110))
    axes.set_ylabel(_text(_label(runs, figure)))
    return drawn


def _heat(runs: Runs, varied: list[str], figure: str) -> Any:
    drawn, axes = _axes(height=6.0)
    wide = runs.table.pivot(index=varied[1], columns=varied[0], values=figure)
    axes.grid(visible=False)
    shown = axes.pcolormesh(
        wide.columns.to_numpy(float),
        wide.index.to_numpy(float),
        np.ma.masked_invalid(wide.to_numpy(float)),
        shading="nearest",
        cmap="viridis",
    )
    bar = drawn.colorbar(shown, ax=axes)
    bar.set_label(_text(_label(runs, figure)))
    axes.set_xlabel(_text(typed_heading(varied[0]), 100))
    axes.set_ylabel(_text(typed_heading(varied[1]), 80))
    return drawn


def _histogram(runs: Runs, figure: str) -> Any:
    drawn, axes = _axes()
    values = runs.table[figure].dropna().to_numpy(float)
    if not len(values):
        raise PlotError("no run has a plan: there is nothing to draw")
    axes.hist(values, bins=min(50, max(5, int(np.sqrt(len(values))))), color=_LOW)
    for share in (0.05, 0.5, 0.95):
        at = float(np.quantile(values, share))
        axes.axvline(at, color=_HIGH, linewidth=1.0)
        axes.annotate(
            f" {share:.0%}", (at, 1.0), xycoords=("data", "axes fraction"), fontsize=8, va="bottom"
        )
    axes.set_xlabel(_text(_label(runs, figure)))
    axes.set_ylabel(say("runs (of {count})", count=len(runs.table)))
    return drawn


def _goal_words(goal: str, unit: str) -> str:
    apart = {
        "value": say("value without synergy, discounted"),
        "synergy": say("synergy, discounted"),
    }
    return f"{apart.get(goal) or shown_word('goal', goal)} ({measured(unit)})"


def pareto_plot(front: Front) -> Figure:
    """The trade-off curve, with the marginal cost beside its points."""
    drawn, axes = _axes()
    names = [f"{g} ({u})" for g, u in zip(front.goals, front.units, strict=True)]
    x, y = (front.table[n].to_numpy(float) for n in reversed(names))
    axes.plot(x, y, color=_LOW, marker="o", markersize=5)
    unit = measured(front.table["cost_unit"].iloc[0]) if len(front.table) else ""
    for at_x, at_y, cost in zip(x, y, front.table["marginal_cost"], strict=True):
        if np.isfinite(cost):
            axes.annotate(
                _text(f"{localised(f'{cost:,.4g}')} {unit}"),
                (at_x, at_y),
                xytext=(8, -12),
                textcoords="offset points",
                fontsize=8,
                color=_BUILT,
            )
    words = [_goal_words(g, u) for g, u in zip(front.goals, front.units, strict=True)]
    axes.set_xlabel(_text(words[1]))
    axes.set_ylabel(_text(words[0]))
    shown = front.table[["point", *names, "marginal_cost", "average_cost", "cost_unit"]]
    opening = pareto_opening(without_noise(front.table), front.goals, front.units)
    return Figure(
        drawn,
        say(
            "{goal} against {goal_2}",
            goal=shown_word("goal", front.goals[0]),
            goal_2=shown_word("goal", front.goals[1]),
        ),
        without_noise(shown),
        opening,
    )
