"""What the worker does: read, check, solve, study.

Each task writes its files into the folder of its run; its last argument is told what goes on.
What is computed is computed by the functions that the commands call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from click import ClickException

import circflow as cf
from circflow.commands.common import write_json
from circflow.commands.evaluate import as_content as verdicts_content
from circflow.commands.solve import write_files
from circflow.commands.studies import swept
from circflow.commands.suggest import as_content as suggestions_content
from circflow.data.check import check_book
from circflow.data.files.atomic import write_text
from circflow.data.files.books import read_book
from circflow.data.pandas_text import keep_python_strings
from circflow.data.read import scenario_of
from circflow.data.table import Book, Problem
from circflow.i18n import say
from circflow.report.figures import limit_figures, limit_label
from circflow.report.numbers import without_noise
from circflow.report.page.budgets import finance_opening
from circflow.report.page.frame import Section
from circflow.report.page.indicators import indicators_opening
from circflow.report.page.runs import (
    alternatives_opening,
    pareto_opening,
    ranges_opening,
    runs_opening,
    tornado_opening,
)
from circflow.report.page.suggestions import sites_opening
from circflow.report.study_tables import write_tables

if TYPE_CHECKING:
    from circflow.app.tell import Tell
    from circflow.studies.sweeps.sliders import Sliders

Changes = dict[str, str]
Options = Mapping[str, Any]
Done = dict[str, Any]


def failure(error: Exception) -> tuple[str, str, tuple[Problem, ...]] | None:
    """An error of the library in words: kind, message, problems; None for an unknown one."""
    if isinstance(error, cf.ScenarioError):
        return "ScenarioError", str(error).splitlines()[0], error.problems
    if isinstance(error, cf.NoPlan):
        return "NoPlan", error.reason, ()
    ours = isinstance(error, cf.CircflowError) and isinstance(error, ValueError)
    if ours or isinstance(error, ClickException | OSError):
        return type(error).__name__, str(error), ()
    return None


def read(path: str, tell: Tell) -> Book:
    """A workbook or CSV folder as it stands. Raises `ScenarioError`."""
    tell(say("reading"))
    return read_book(Path(path))


def check(book: Book, tell: Tell) -> list[Problem]:
    """Every problem of a book."""
    tell(say("checking"))
    keep_python_strings()
    return check_book(book)[0]


def _scenario(book: Book, changes: Changes) -> cf.Scenario:
    keep_python_strings()
    scenario = scenario_of(book)
    return scenario.change(changes) if changes else scenario


@dataclass(frozen=True)
class Task:
    """What is to be done with a scenario, and where its files go."""

    scenario: cf.Scenario
    folder: Path
    options: Options
    tell: Tell

    @property
    def currency(self) -> str:
        """The scenario's money."""
        return self.scenario.settings.currency

    @property
    def decisions(self) -> Literal["fixed", "free"]:
        """Whether runs hold the decisions of the scenario's own plan."""
        return "fixed" if self.options.get("held") else "free"

    @property
    def store(self) -> dict[str, Any]:
        """Where the runs of a study are kept: in its own folder, or that of the one it goes on."""
        store = Path(self.options.get("store") or self.folder) / "study.sqlite"
        return {"store": store, "resume": store.exists()}

    def tables(
        self, tables: Mapping[str, pd.DataFrame], what: str, opening: Sequence[Section] = ()
    ) -> Done:
        """Write the tables of a study: page.html, results.xlsx, tables.json."""
        title = f"{self.scenario.name}: {what}"
        for name in ("page.html", "results.xlsx", "tables.json"):
            path = self.folder / name
            write_tables(tables, path, currency=self.currency, title=title, opening=opening)
        return {"status": "done"}


def _task(do: Callable[[Task], Done]) -> Callable[[Book, Changes, str, Options, Tell], Done]:
    """A task on a book with changes."""

    @wraps(do)
    def done(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
        return do(Task(_scenario(book, changes), Path(folder), options, tell))

    return done


# --------------------------------------------------------------------------- the plan


def solve(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The plan: page.html, results.xlsx, plan.json, limits.json and every table as CSV.

    When it is stopped the best plan so far is kept. Raises `NoPlan`; explanation.json says why.
    """
    tell.heeds = True
    tell(say("reading"))
    scenario = _scenario(book, changes)
    home = Path(folder)
    gap = float(options.get("gap", 1e-6))
    try:
        plan = cf.solve(scenario, gap=gap, progress=tell, stop=tell.stopped)
    except cf.NoPlan as none:
        if none.details is not None:
            write_text(home / "explanation.json", json.dumps(none.details, ensure_ascii=False))
        raise
    tell(say("writing"))
    write_files(
        plan, home / "results.xlsx", home / "tables", home / "plan.json", home / "page.html"
    )
    write_text(home / "limits.json", json.dumps(_limits(plan), ensure_ascii=False))
    summary, currency = plan.summary(), scenario.settings.currency
    worth = summary["objective"]
    words = say("{objective:,.1f} million {currency}", objective=worth, currency=currency)
    if summary["status"] == "feasible":
        words += say(", within {gap:.3%} of the best", gap=summary["gap"])
    return {"status": summary["status"], "words": words}


def _limits(plan: Any) -> list[dict[Hashable, Any]]:
    """The limits that bind, each with its cell and mean shadow price; most worth first."""
    prices = plan.prices
    prices = prices[prices["binds"].astype(bool) & prices["sheet"].notna()]
    prices = prices[prices["kind"] != "material"].assign(name=None)
    prices = prices.astype({"row": int, "value": float})
    prices["worth"] = (prices["value"] * limit_figures(plan, prices)).abs().fillna(0.0)
    prices["label"] = [limit_label(row) for row in prices.to_dict("records")]
    prices = prices.sort_values("worth", ascending=False, kind="stable")
    by_cell = prices.groupby(["sheet", "row", "column", "label"], sort=False, as_index=False)
    limits: pd.DataFrame = by_cell.agg(
        unit=("unit_of_measure", "first"), periods=("value", "size"), value=("value", "mean")
    )
    return limits.to_dict("records")


# --------------------------------------------------------------------------- studies


@_task
def evaluate(task: Task) -> Done:
    """The verdict of each candidate, with its words: verdicts.json is the command's JSON."""
    add = [task.options["add"]] if task.options.get("add") else []
    if add and add[0].get("site") == "?":
        sites = cf.best_sites(task.scenario, add[0], progress=task.tell)
        opening = sites_opening(sites, str(add[0].get("unit") or "the unit"), task.currency)
        return task.tables({"sites": sites}, say("sites"), opening)
    few = bool(add) or bool(task.options.get("quick"))
    units = [] if add else task.options.get("units") or None
    evaluation = cf.evaluate(
        task.scenario, units, add=add, together=not few, risks=not few, progress=task.tell
    )
    write_json(task.folder / "verdicts.json", verdicts_content(evaluation))
    return task.tables(evaluation.tables(), say("new plants"), evaluation.opening())


@_task
def suggest(task: Task) -> Done:
    """Technologies of the library that would pay here, with the rows that each of them is:
    suggestions.json."""
    rates = [rate for rate in str(task.options.get("rates", "")).split(";") if rate.strip()]
    new = bool(task.options.get("new"))
    suggestions = cf.suggest(task.scenario, rates=rates, new_only=new, progress=task.tell)
    content = {**suggestions_content(suggestions), "rows": suggestions.rows()}
    write_json(task.folder / "suggestions.json", content)
    return task.tables(suggestions.tables(), say("what could be made"), suggestions.opening())


@_task
def share(task: Task) -> Done:
    """What the cluster gains, and how to share it."""
    store = Path(task.options.get("store") or task.folder) / "coalitions.sqlite"
    seconds = float(task.options.get("seconds", 60.0))
    sharing = cf.share(task.scenario, seconds=seconds, store=store, progress=task.tell)
    done = task.tables(sharing.tables(), say("sharing the gain"), sharing.opening())
    return done if sharing.complete else {"status": "stopped"}


@_task
def forms(task: Task) -> Done:
    """The cluster as a conventional one, a digital one, an open ecosystem."""
    comparison = cf.forms(task.scenario, progress=task.tell)
    return task.tables(comparison.tables(), say("Forms of the cluster"), comparison.opening())


def compare(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Scenarios of changes side by side, the inputs that differ first."""
    base = _scenario(book, {})  # each list of changes is one of the scenarios
    lists: dict[str, Changes] = options["lists"]
    scenarios = [base.change(dict(edits)) if edits else base for edits in lists.values()]
    comparison = cf.compare(*scenarios, labels=list(lists), progress=tell)
    addresses = list(dict.fromkeys(a for edits in lists.values() for a in edits))
    inputs = pd.DataFrame(
        [[a, *(edits.get(a, "as it is") for edits in lists.values())] for a in addresses],
        columns=["cells", *lists],
        dtype=object,
    )
    task = Task(base, Path(folder), options, tell)
    return task.tables(
        {"inputs": inputs, **comparison.tables()}, say("Compare"), comparison.opening()
    )


def _runs(runs: cf.Runs, task: Task, what: str) -> Done:
    """The tables of many runs, and the page of the commands."""
    varied = [p for p in runs.parameters if runs.table[p].nunique() > 1]
    opening = runs_opening(runs.table, runs.built, varied, task.currency)
    return task.tables({"runs": runs.table, "built": runs.built}, what, opening)


@_task
def sweep(task: Task) -> Done:
    """Many runs: values by address, a line each, or a study of the sheet Studies."""
    lines = [line for line in str(task.options.get("vary", "")).splitlines() if line.strip()]
    study = None if lines else task.options.get("study") or None
    runs = swept(task.scenario, study, lines, progress=task.tell, **task.store)
    return _runs(runs, task, say("Sweep"))


@_task
def sample(task: Task) -> Done:
    """Random points of the sheet Ranges."""
    runs = cf.sample(
        task.scenario,
        int(task.options.get("count") or 100),
        seed=int(task.options.get("seed") or 0),
        decisions=task.decisions,
        progress=task.tell,
        **task.store,
    )
    return _runs(runs, task, say("Sample"))


@_task
def tornado(task: Task) -> Done:
    """Every row of Ranges at its low and high, ranked by effect."""
    how = {"decisions": task.decisions, "progress": task.tell, **task.store}
    ranking = cf.tornado(task.scenario, **how)
    opening = tornado_opening(ranking.table, ranking.base, task.currency)
    return task.tables({"tornado": ranking.table}, say("Tornado"), opening)


@_task
def pareto(task: Task) -> Done:
    """The trade-off between two goals."""
    goals = (str(task.options.get("first", "value")), str(task.options.get("second", "jobs")))
    points = int(task.options.get("points") or 7)
    front = cf.pareto(task.scenario, goals, points=points, progress=task.tell)
    opening = pareto_opening(without_noise(front.table), front.goals, front.units)
    return task.tables({"trade_off": front.table}, say("Trade-off"), opening)


@_task
def alternatives(task: Task) -> Done:
    """Plans nearly as good that differ most."""
    within = float(task.options.get("within") or 0.01)
    plans = cf.near_optimal(task.scenario, within, progress=task.tell)
    tables = {"units": plans.units, "plans": plans.table, "activity": plans.activity}
    opening = alternatives_opening(plans.table, plans.units, plans.best, within, task.currency)
    return task.tables(tables, say("Alternatives"), opening)


@_task
def ranges(task: Task) -> Done:
    """How far each figure of Ranges may move before the plan changes."""
    table = cf.ranges(task.scenario, progress=task.tell)
    opening = ranges_opening(table, 0.5, task.currency)
    return task.tables({"ranges": table}, say("Ranges"), opening)


@_task
def indicators(task: Task) -> Done:
    """The six groups of indicators, plan against baseline and target."""
    task.tell(say("solving"))
    table = cf.indicators(task.scenario)
    opening = indicators_opening(table, task.currency)
    return task.tables({"indicators": table}, say("indicators"), opening)


@_task
def finance(task: Task) -> Done:
    """What the plan brings to public budgets."""
    tables = {"finance": cf.finance(task.scenario, progress=task.tell)}
    opening = finance_opening(tables, task.currency)
    return task.tables(tables, say("public budgets"), opening)


@_task
def futures(task: Task) -> Done:
    """What to build before it is known which future comes."""
    count = int(task.options.get("count") or 0)
    plan = cf.futures(task.scenario, sample=count or None, progress=task.tell)
    return task.tables(plan.tables(), say("Futures"), plan.opening())


# --------------------------------------------------------------------------- sliders

_SLIDERS: dict[str, Sliders] = {}
"""The sliders of what was asked last, by its digest: they stay warm in this process."""


def ready_sliders(book: Book, changes: Changes, digest: str, tell: Tell) -> Done:
    """Prepare the rows of Ranges to be moved."""
    from circflow.studies.sweeps.sliders import Sliders

    if digest not in _SLIDERS:
        _SLIDERS.clear()
        _SLIDERS[digest] = Sliders(_scenario(book, changes), progress=tell)
    sliders = _SLIDERS[digest]
    rows = [
        {
            "address": r.parameter.address,
            "how": r.parameter.how,
            "unit": r.parameter.unit,
            "low": r.low,
            "high": r.high,
            "own": r.parameter.neutral,
        }
        for r in sliders.ranges
    ]
    return {"rows": rows, "start": _answer(sliders.start)}


def slide(digest: str, values: dict[int, float], tell: Tell) -> Done:
    """The best plan with the rows at these values and the decisions held."""
    if digest not in _SLIDERS:
        return {"status": "cold"}
    return _answer(_SLIDERS[digest].at(values))


def _answer(answer: Any) -> Done:
    names = ("net_benefit_million", "use_share", "jobs")
    return {
        "status": answer.status,
        "objective": answer.objective if answer.totals else None,
        "reason": answer.reason,
        **{name: answer.totals.get(name) for name in names},
    }
