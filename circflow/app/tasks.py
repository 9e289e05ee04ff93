"""What the worker does: read, check, solve, explain, study.

Each task writes its files into the folder of its run; its last argument is told what goes on.
What is computed is computed by the functions that the commands call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circflow.data.files.atomic import write_text
from circflow.data.table import Book, Problem
from circflow.i18n import say

if TYPE_CHECKING:
    import pandas as pd

    from circflow.app.tell import Tell
    from circflow.data.scenario import Scenario
    from circflow.report.page.frame import Section
    from circflow.studies.sweeps.sliders import Sliders
    from circflow.studies.sweeps.sweep import Runs

Changes = dict[str, str]
Options = Mapping[str, Any]
Done = dict[str, Any]


def failure(error: Exception) -> tuple[str, str, tuple[Problem, ...]] | None:
    """An error of the library in words: kind, message, problems; None for an unknown one."""
    from click import ClickException

    from circflow.data.changes.address import AddressError
    from circflow.data.scenario import ScenarioError
    from circflow.solution.solution import NoPlan
    from circflow.studies.errors import StudyError

    if isinstance(error, ScenarioError):
        return "ScenarioError", str(error).splitlines()[0], error.problems
    if isinstance(error, NoPlan):
        return "NoPlan", error.reason, ()
    if isinstance(error, ClickException):
        return "Refusal", error.message, ()
    if isinstance(error, AddressError | StudyError | OSError):
        return type(error).__name__, str(error), ()
    return None


def read(path: str, tell: Tell) -> Book:
    """A workbook or CSV folder as it stands. Raises `ScenarioError`."""
    from circflow.data.files.books import read_book

    tell(say("reading"))
    return read_book(Path(path))


def check(book: Book, tell: Tell) -> list[Problem]:
    """Every problem of a book."""
    from circflow.data.check import check_book
    from circflow.data.pandas_text import keep_python_strings

    tell(say("checking"))
    keep_python_strings()
    return check_book(book)[0]


def _scenario(book: Book, changes: Changes) -> Scenario:
    from circflow.data.pandas_text import keep_python_strings
    from circflow.data.read import scenario_of

    keep_python_strings()
    scenario = scenario_of(book)
    return scenario.change(changes) if changes else scenario


# --------------------------------------------------------------------------- the plan


def solve(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The plan: page.html, results.xlsx, plan.json, limits.json and every table as CSV.

    When it is stopped the best plan so far is kept. Raises `NoPlan`.
    """
    from circflow.commands.solve import write_files
    from circflow.solver.run import solve as find_plan

    tell.heeds = True
    tell(say("reading"))
    scenario = _scenario(book, changes)
    home = Path(folder)
    gap = float(options.get("gap", 1e-6))
    plan = find_plan(scenario, gap=gap, progress=tell, stop=tell.stopped)
    tell(say("writing"))
    write_files(
        plan, home / "results.xlsx", home / "tables", home / "plan.json", home / "page.html"
    )
    write_text(home / "limits.json", json.dumps(_limits(plan), ensure_ascii=False))
    summary = plan.summary()
    words = say(
        "{objective:,.1f} million {currency}",
        objective=summary["objective"],
        currency=scenario.settings.currency,
    )
    if summary["status"] == "feasible":
        words += say(", within {gap:.3%} of the best", gap=summary["gap"])
    return {"status": summary["status"], "words": words}


def _limits(plan: Any) -> list[dict[str, Any]]:
    """The limits that bind, each with its cell and mean shadow price; most worth first."""
    from circflow.report.figures import limit_figures, limit_label

    prices = plan.prices
    prices = prices[prices["binds"].astype(bool) & prices["sheet"].notna()]
    prices = prices[prices["kind"] != "material"].assign(name=None)
    worth = (prices["value"].astype(float) * limit_figures(plan, prices)).abs().fillna(0.0)
    prices = prices.assign(worth=worth).sort_values("worth", ascending=False, kind="stable")
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in prices.to_dict("records"):
        key = (row["sheet"], int(row["row"]), row["column"], limit_label(row))
        one = made.setdefault(
            key,
            {"sheet": key[0], "row": key[1], "column": key[2], "label": key[3], "values": []}
            | {"unit": row["unit_of_measure"]},
        )
        one["values"].append(float(row["value"]))
    return [
        {**one, "periods": len(one["values"]), "value": sum(one["values"]) / len(one["values"])}
        for one in made.values()
    ]


def explain(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Why there is no plan, with the smallest changes: explanation.json."""
    from circflow.solver.explain import explain as find_reason

    tell(say("looking for the reason"))
    found = find_reason(_scenario(book, changes))
    summary = found.summary() | {"text": str(found)}
    write_text(Path(folder) / "explanation.json", json.dumps(summary, ensure_ascii=False))
    return {"status": "done"}


# --------------------------------------------------------------------------- studies


def _tables(
    tables: Mapping[str, pd.DataFrame],
    folder: str,
    scenario: Scenario,
    what: str,
    opening: Sequence[Section] = (),
) -> Done:
    from circflow.report.study_tables import write_tables

    home, title = Path(folder), f"{scenario.name}: {what}"
    for name in ("page.html", "results.xlsx", "tables.json"):
        currency = scenario.settings.currency
        write_tables(tables, home / name, currency=currency, title=title, opening=opening)
    return {"status": "done"}


def evaluate(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The verdict of each candidate, with its words: verdicts.json is the command's JSON."""
    import circflow as cf
    from circflow.commands.common import write_json
    from circflow.commands.evaluate import as_content
    from circflow.report.page.suggestions import sites_opening

    scenario = _scenario(book, changes)
    add = [options["add"]] if options.get("add") else []
    if add and add[0].get("site") == "?":
        sites = cf.best_sites(scenario, add[0], progress=tell)
        opening = sites_opening(
            sites, str(add[0].get("unit") or "the unit"), scenario.settings.currency
        )
        return _tables({"sites": sites}, folder, scenario, "sites", opening)
    few = bool(add) or bool(options.get("quick"))
    units = [] if add else options.get("units") or None
    found = cf.evaluate(scenario, units, add=add, together=not few, risks=not few, progress=tell)
    write_json(Path(folder) / "verdicts.json", as_content(found))
    return _tables(found.tables(), folder, scenario, say("new plants"), found.opening())


def suggest(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Technologies of the library that would pay here, with the rows that each of them is:
    suggestions.json."""
    import circflow as cf
    from circflow.commands.common import write_json
    from circflow.commands.suggest import as_content

    scenario = _scenario(book, changes)
    rates = str(options.get("rates", "")).split(";")
    found = cf.suggest(
        scenario,
        rates=[rate for rate in rates if rate.strip()],
        new_only=bool(options.get("new")),
        progress=tell,
    )
    content = {**as_content(found), "rows": found.rows()}
    write_json(Path(folder) / "suggestions.json", content)
    return _tables(found.tables(), folder, scenario, say("what could be made"))


def share(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """What the cluster gains, and how to share it."""
    import circflow as cf

    scenario = _scenario(book, changes)
    store = Path(options.get("store") or folder) / "coalitions.sqlite"
    seconds = float(options.get("seconds", 60.0))
    found = cf.share(scenario, seconds=seconds, store=store, progress=tell)
    done = _tables(found.tables(), folder, scenario, say("sharing the gain"), found.opening())
    return done if found.complete else {"status": "stopped"}


def forms(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The cluster as a conventional one, a digital one, an open ecosystem."""
    import circflow as cf

    scenario = _scenario(book, changes)
    found = cf.forms(scenario, progress=tell)
    return _tables(found.tables(), folder, scenario, "forms", found.opening())


def compare(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Scenarios of changes side by side, the inputs that differ first."""
    import pandas as pd

    import circflow as cf

    base = _scenario(book, {})
    lists: dict[str, Changes] = options["lists"]
    scenarios = [base.change(dict(own)) if own else base for own in lists.values()]
    found = cf.compare(*scenarios, labels=list(lists), progress=tell)
    addresses = list(dict.fromkeys(a for own in lists.values() for a in own))
    inputs = pd.DataFrame(
        [[a, *(own.get(a, "as it is") for own in lists.values())] for a in addresses],
        columns=["cells", *lists],
        dtype=object,
    )
    return _tables({"inputs": inputs, **found.tables()}, folder, base, "compared", found.opening())


def _runs_store(folder: str, options: Options) -> dict[str, Any]:
    """Where the runs of a study are kept: in its own folder, or in that of the one it goes on."""
    store = Path(options.get("store") or folder) / "study.sqlite"
    return {"store": store, "resume": store.exists()}


def _runs(runs: Runs, folder: str, scenario: Scenario, what: str) -> Done:
    """The tables of many runs, and the page of the commands."""
    from circflow.report.page.runs import runs_opening

    varied = [p for p in runs.parameters if runs.table[p].nunique() > 1]
    opening = runs_opening(runs.table, runs.built, varied, scenario.settings.currency)
    return _tables({"runs": runs.table, "built": runs.built}, folder, scenario, what, opening)


def sweep(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Many runs: values by address, a line each, or a study of the sheet Studies."""
    import circflow as cf
    from circflow.commands.common import HOW, split_assignment
    from circflow.studies.sweeps.design import parse_values

    scenario = _scenario(book, changes)
    lines = [line for line in str(options.get("vary", "")).splitlines() if line.strip()]
    edits = [split_assignment(line) for line in lines]
    runs = cf.sweep(
        scenario,
        {a: parse_values(v) for a, _, v in edits} if edits else None,
        how={a: HOW[sign] for a, sign, _ in edits},
        study=None if edits else options.get("study") or None,
        progress=tell,
        **_runs_store(folder, options),
    )
    return _runs(runs, folder, scenario, "sweep")


def sample(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Random points of the sheet Ranges."""
    import circflow as cf

    scenario = _scenario(book, changes)
    runs = cf.sample(
        scenario,
        int(options.get("count") or 100),
        seed=int(options.get("seed") or 0),
        decisions="fixed" if options.get("held") else "free",
        progress=tell,
        **_runs_store(folder, options),
    )
    return _runs(runs, folder, scenario, "sample")


def tornado(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Every row of Ranges at its low and high, ranked by effect."""
    import circflow as cf
    from circflow.report.page.runs import tornado_opening

    scenario = _scenario(book, changes)
    found = cf.tornado(
        scenario,
        decisions="fixed" if options.get("held") else "free",
        progress=tell,
        **_runs_store(folder, options),
    )
    opening = tornado_opening(found.table, found.base, scenario.settings.currency)
    return _tables({"tornado": found.table}, folder, scenario, "tornado", opening)


def pareto(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The trade-off between two goals."""
    import circflow as cf
    from circflow.report.numbers import without_noise
    from circflow.report.page.runs import pareto_opening

    scenario = _scenario(book, changes)
    goals = (str(options.get("first", "value")), str(options.get("second", "jobs")))
    front = cf.pareto(scenario, goals, points=int(options.get("points") or 7), progress=tell)
    opening = pareto_opening(without_noise(front.table), front.goals, front.units)
    what = " against ".join(goals)
    return _tables({"trade_off": front.table}, folder, scenario, what, opening)


def alternatives(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """Plans nearly as good that differ most."""
    import circflow as cf
    from circflow.report.page.runs import alternatives_opening

    scenario = _scenario(book, changes)
    within = float(options.get("within") or 0.01)
    found = cf.near_optimal(scenario, within, progress=tell)
    tables = {"units": found.units, "plans": found.table, "activity": found.activity}
    currency = scenario.settings.currency
    opening = alternatives_opening(found.table, found.units, found.best, within, currency)
    return _tables(tables, folder, scenario, "alternatives", opening)


def ranges(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """How far each figure of Ranges may move before the plan changes."""
    import circflow as cf
    from circflow.report.page.runs import ranges_opening

    scenario = _scenario(book, changes)
    table = cf.ranges(scenario, progress=tell)
    opening = ranges_opening(table, 0.5, scenario.settings.currency)
    return _tables({"ranges": table}, folder, scenario, "ranges", opening)


def indicators(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """The six groups of indicators, plan against baseline and target."""
    import circflow as cf
    from circflow.report.page.indicators import write_indicators

    scenario = _scenario(book, changes)
    tell(say("solving"))
    table = cf.indicators(scenario)
    done = _tables({"indicators": table}, folder, scenario, "indicators")
    title = say("{name}: indicators", name=scenario.name)
    write_indicators(Path(folder) / "page.html", title, table, scenario.settings.currency)
    return done


def finance(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """What the plan brings to public budgets."""
    import circflow as cf
    from circflow.report.page.budgets import finance_opening

    scenario = _scenario(book, changes)
    tables = {"finance": cf.finance(scenario, progress=tell)}
    opening = finance_opening(tables, scenario.settings.currency)
    return _tables(tables, folder, scenario, say("public budgets"), opening)


def futures(book: Book, changes: Changes, folder: str, options: Options, tell: Tell) -> Done:
    """What to build before it is known which future comes."""
    import circflow as cf

    scenario = _scenario(book, changes)
    count = int(options.get("count") or 0)
    found = cf.futures(scenario, sample=count or None, progress=tell)
    return _tables(found.tables(), folder, scenario, "futures", found.opening())


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


def _answer(found: Any) -> Done:
    names = ("net_benefit_million", "use_share", "jobs")
    return {
        "status": found.status,
        "objective": found.objective if found.totals else None,
        "reason": found.reason,
        **{name: found.totals.get(name) for name in names},
    }
