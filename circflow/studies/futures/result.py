"""What the study of futures found: figures, decisions, and the answers for a board."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.changes.futures import Future
from circflow.data.coded import Floats
from circflow.data.result import Result, figure, one_text_type
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say, say_n
from circflow.solution.solution import Status
from circflow.studies.futures.first_stage import FirstStage, Risk, built_of
from circflow.studies.futures.saa import Tested

if TYPE_CHECKING:
    from circflow.report.page.frame import Section


@dataclass(frozen=True, repr=False)
class Futures(Result):
    """What to build before it is known which future comes. Money in million currency; None or
    NaN where something does not exist."""

    scenario: Scenario = field(repr=False)
    futures: tuple[Future, ...] = field(repr=False)
    risk: Risk
    status: Status
    first: FirstStage = field(repr=False)
    worth: Floats = field(repr=False)
    """V_s under the decisions of RP, by future."""
    alone: Floats = field(repr=False)
    """The optimum of each future alone."""
    mean_decisions: Floats = field(repr=False)
    """V_s under the decisions of the mean scenario."""
    decisions: Floats | None = field(repr=False)
    """The decisions of RP, by label of the first stage."""
    mean: Floats | None = field(repr=False)
    """Those of the mean scenario."""
    decisions_alone: tuple[Floats | None, ...] = field(repr=False)
    """Those of each future alone."""
    members: pd.DataFrame = field(repr=False)
    """member, then one column per future: its own money under the decisions of RP."""
    EV: float | None
    bound: float
    """No decisions are worth more (proven)."""
    reason: str = ""
    without_plan: tuple[tuple[str, str], ...] = ()
    """Futures that have no plan even alone, and why."""
    tested: Tested | None = None
    infrastructure: pd.DataFrame | None = field(default=None, repr=False)
    """What infrastructure is worth (see `circflow.studies.futures.infrastructure`)."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def headline(self) -> str:
        worth = (
            say("no plan for all of them")
            if self.RP is None
            else say("worth {rp} million", rp=figure(self.RP))
        )
        futures = say_n("{n:,} future", "{n:,} futures", len(self.futures))
        return f"{self.scenario.name}: {futures}, {worth}"

    # ------------------------------------------------------------------- figures

    @property
    def probabilities(self) -> Floats:
        """Of the futures, in order."""
        return np.array([f.probability for f in self.futures])

    def _measured(self, worths: Floats) -> float | None:
        if np.isnan(worths).any():
            return None
        return self.risk.measure(worths, self.probabilities)

    @property
    def RP(self) -> float | None:  # noqa: N802 - the textbook's names
        """The worth of the best decisions for all futures."""
        return self._measured(self.worth)

    @property
    def WS(self) -> float | None:  # noqa: N802
        """The worth if each future were known before deciding."""
        return self._measured(self.alone)

    @property
    def EEV(self) -> float | None:  # noqa: N802
        """The worth of the mean scenario's decisions."""
        return self._measured(self.mean_decisions)

    @property
    def EVPI(self) -> float | None:  # noqa: N802
        """What a perfect forecast is worth."""
        return _less(self.WS, self.RP)

    @property
    def VSS(self) -> float | None:  # noqa: N802
        """What planning for the futures is worth."""
        return _less(self.RP, self.EEV)

    @property
    def CVaR(self) -> float | None:  # noqa: N802
        """The mean worth over the worst 1 − alpha of the futures, under the decisions of RP."""
        if np.isnan(self.worth).any():
            return None
        return self.risk.cvar(self.worth, self.probabilities)

    @property
    def gap(self) -> float | None:
        """Of RP: its distance to the proven bound, relative."""
        best = self.RP
        if best is None or not np.isfinite(self.bound):
            return None
        return max(self.bound - best, 0.0) / max(abs(best), 1e-10)

    @property
    def mean_without_plan(self) -> tuple[str, ...]:
        """Futures in which the mean scenario's decisions leave no plan."""
        if self.mean is None:
            return ()
        missing = np.isnan(self.mean_decisions)
        return tuple(f.name for f, none in zip(self.futures, missing, strict=True) if none)

    def built_of(self, decisions: Floats | None) -> list[dict[str, Any]]:
        """Decisions as unit, period, capacity (of the scenario, in capacity per year)."""
        if decisions is None:
            return []
        return built_of(self.scenario, self.first, decisions)

    @property
    def built(self) -> list[dict[str, Any]]:
        """What RP builds."""
        return self.built_of(self.decisions)

    @property
    def mean_built(self) -> list[dict[str, Any]]:
        """What the mean scenario builds."""
        return self.built_of(self.mean)

    def summary(self) -> dict[str, Any]:
        """The JSON of `circflow futures`."""
        table = self.table
        content: dict[str, Any] = {
            **self.scenario.about,
            "status": self.status.value,
            **{name: getattr(self, name) for name in FIGURES},
            "alpha": self.risk.alpha,
            "omega": self.risk.omega,
            "gap": self.gap,
            "built": self.built,
            "mean_built": self.mean_built,
            "futures": table[list(JSON_COLUMNS)].to_dict("records"),
        }
        if self.reason:
            content["reason"] = self.reason
        if self.without_plan:
            content["without_plan"] = [{"future": f, "reason": r} for f, r in self.without_plan]
        if self.mean_without_plan:
            content["mean_without_plan"] = list(self.mean_without_plan)
        if self.tested is not None:
            content["test"] = self.tested.summary()
        if self.notes:
            content["notes"] = list(self.notes)
        if self.infrastructure is not None:
            content["infrastructure"] = self.infrastructure.to_dict("records")
        content["candidates"] = self.candidates.to_dict("records")
        content["members"] = self.members_risk.to_dict("records")
        return content

    # ------------------------------------------------------------------- answers

    @property
    def table(self) -> pd.DataFrame:
        """future, probability, worth (V_s in RP), alone, mean_decisions, regret (alone − worth),
        hedge (worth − mean_decisions); million currency."""
        return pd.DataFrame(
            {
                "future": [f.name for f in self.futures],
                "probability": self.probabilities,
                "worth": self.worth,
                "alone": self.alone,
                "mean_decisions": self.mean_decisions,
                "regret": self.alone - self.worth,
                "hedge": self.worth - self.mean_decisions,
            }
        )

    @property
    def candidates(self) -> pd.DataFrame:
        """Each candidate: when it is built for all futures, and how often it would be if known.

        unit, period (in RP), capacity, mean_period (built by the mean scenario's decisions),
        share_right (probability of the futures whose own optimum builds it), share_now (builds it
        in the first period it can be built in), advice (build now, build later, wait, leave); with
        `infrastructure` also worth and worst_tenth (what it adds to the mean of all futures and of
        the worst tenth; NaN where that is not known).
        """
        chosen, meant = _period_of(self, self.decisions), _period_of(self, self.mean)
        alone = [_period_of(self, one) for one in self.decisions_alone]
        first: dict[str, str] = {}
        for name, unit, period in self.first.labels:
            if name == "built":
                first.setdefault(unit, period)
        size = {one["unit"]: one["capacity"] for one in self.built}
        rows = []
        for unit, start in first.items():
            period_built = chosen.get(unit)
            share = _share(self, [unit in plan for plan in alone])
            now = _share(self, [plan.get(unit) == start for plan in alone])
            advice = _advice(self, period_built, start, share)
            capacity = size.get(unit, np.nan)
            rows.append((unit, period_built, capacity, meant.get(unit), share, now, advice))
        columns = ["unit", "period", "capacity", "mean_period", "share_right", "share_now"]
        table = pd.DataFrame(rows, columns=[*columns, "advice"])
        if self.infrastructure is None:
            return table
        things = self.infrastructure
        worth = things[things["kind"] == "candidate"].set_index("name")[["worth", "worst_tenth"]]
        return table.join(worth, on="unit")

    @property
    def members_risk(self) -> pd.DataFrame:
        """Each member's own money over the futures, under the decisions for all of them.

        member, mean, worst_tenth (its own worst futures), deviation (standard), lowest, highest
        (all million currency, discounted), share_of_risk (covariance with the whole divided by the
        variance of the whole; the shares add up to 1).
        """
        if self.members.empty:
            names = ["member", "mean", "worst_tenth", "deviation", "lowest", "highest"]
            return pd.DataFrame(columns=[*names, "share_of_risk"])
        likely = self.probabilities
        money = self.members.drop(columns="member").to_numpy(float)
        total = money.sum(axis=0)
        apart = money - (money @ likely)[:, None]
        variance = float(likely @ (total - likely @ total) ** 2)
        shares = apart @ (likely * (total - likely @ total))
        return pd.DataFrame(
            {
                "member": self.members["member"],
                "mean": money @ likely,
                "worst_tenth": [WORST.cvar(row, likely) for row in money],
                "deviation": np.sqrt(apart**2 @ likely),
                "lowest": money.min(axis=1),
                "highest": money.max(axis=1),
                "share_of_risk": shares / variance if variance > 0.0 else np.nan,
            }
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by the name of its sheet."""
        figures = [(name, getattr(self, name), FIGURES[name]) for name in FIGURES]
        figures += [("gap", self.gap, mark("of RP to its proven bound, relative"))]
        tables = {
            "figures_of_all": pd.DataFrame(figures, columns=["figure", "million", "meaning"]),
            "futures": self.table,
            "decisions": self.candidates,
            "members": self.members_risk,
        }
        if self.infrastructure is not None:
            tables["infrastructure"] = self.infrastructure
        if self.without_plan:
            tables["without_plan"] = pd.DataFrame(self.without_plan, columns=["future", "reason"])
        if self.tested is not None:
            rows = list(self.tested.summary().items())
            tables["test"] = pd.DataFrame(rows, columns=["figure", "value"])
        return one_text_type(tables | self.scenario.changes_table)

    def opening(self) -> list[Section]:
        """What its page says first."""
        from circflow.report.page.futures import futures_opening

        currency = self.scenario.settings.currency
        return futures_opening(self.tables(), self.risk.alpha, currency, self.reason)

    def write(self, path: str | Path) -> None:
        """Write as a workbook (.xlsx), a page (.html) or a folder of CSV files."""
        from circflow.report.study_tables import write_tables

        title = say("{name}: before it is known what comes", name=self.scenario.name)
        currency, opening = self.scenario.settings.currency, self.opening()
        write_tables(self.tables(), Path(path), currency=currency, title=title, opening=opening)


FIGURES = {
    "RP": mark("the best decisions for all futures"),
    "WS": mark("if each future were known before deciding"),
    "EV": mark("the mean scenario by itself"),
    "EEV": mark("the futures under the mean scenario's decisions"),
    "EVPI": mark("WS - RP: what a perfect forecast is worth"),
    "VSS": mark("RP - EEV: what planning for the futures is worth"),
    "CVaR": mark("mean worth of RP over the worst futures"),
}
JSON_COLUMNS = ("future", "probability", "worth", "alone", "mean_decisions")


def _less(more: float | None, less: float | None) -> float | None:
    return None if more is None or less is None else more - less


WORST = Risk(alpha=0.9)
"""The worst tenth of the futures."""
_ALL = 1.0 - 1e-9


def _period_of(result: Futures, decisions: Floats | None) -> dict[str, str]:
    return {one["unit"]: one["period"] for one in result.built_of(decisions)}


def _share(result: Futures, flags: list[bool]) -> float:
    return float(result.probabilities @ np.array(flags, dtype=float))


def _advice(result: Futures, period: str | None, first: str, share: float) -> str:
    if result.decisions is None:
        return mark("no decisions hold in every future")
    if period == first:
        return mark("build now: right in every future") if share >= _ALL else mark("build now")
    if period is not None:
        return mark("build later")
    return mark("wait: right in some futures only") if share > 0.0 else mark("leave")
