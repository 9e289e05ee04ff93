"""The compact summary of a plan on the terminal: plain text, about 100 columns wide."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from circflow.data.one_line import plain
from circflow.i18n import localised, mark, say, say_in
from circflow.i18n.names import shown_measure
from circflow.report.figures import (
    Baseline,
    against_today,
    best_chains,
    binding_limits,
    emission_use,
    flow_totals,
    horizon,
    money_lines,
    products_sold,
    unit_loads,
    waste_by_stage,
)
from circflow.report.numbers import (
    aligned_lines,
    changed_words,
    cut,
    number,
    share,
    squeeze,
    width,
)
from circflow.report.vocabulary import cell, heading
from circflow.solution.solution import Solution, Status

WIDTH = 100
TOP = 10
"""Rows of a ranking."""
FEW = 5
"""Rows of one that says less."""

STATUS_WORDS = {
    Status.OPTIMAL: mark("Optimal plan"),
    Status.FEASIBLE: mark("Plan found when the time ran out, not proven the best"),
}


def summary(
    solution: Solution,
    files: Sequence[str | Path] = (),
    baselines: Sequence[Baseline] = (),
) -> str:
    """What a planner wants to know first, as text; `files` are those that were written,
    `baselines` what the net benefit is compared with."""
    blocks = [
        [*_headline(solution, baselines)],
        _money(solution),
        _waste(solution),
        _recovered(solution),
        _chains(solution),
        _built(solution),
        _flows(solution),
        _products(solution),
        [*_loads(solution)],
        _binding(solution),
        _emissions(solution),
        [*_closing(solution, files)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _headline(solution: Solution, baselines: Sequence[Baseline]) -> Iterator[str]:
    settings, periods = solution.scenario.settings, solution.scenario.periods
    years, totals = horizon(solution.scenario), solution.totals
    currency = plain(settings.currency)
    region = plain(settings.region)
    name = plain(solution.scenario.name)
    title = f"{name} ({region})" if region and region.casefold() not in name.casefold() else name
    status = say(STATUS_WORDS.get(solution.status, solution.status.value))
    if solution.status is Status.FEASIBLE:
        status += say(" (within {gap} of the best possible)", gap=share(solution.gap))
    elif solution.gap > 1e-9:
        gap = number(100 * solution.gap)
        status += say(" (within {number} % of the best possible)", number=gap)
    first = settings.start_year
    span = f"{first}-{first + years - 1}" if years > 1 else str(first)
    many = mark("{count} periods, {years} years") if len(periods) > 1 else mark("{years} years")
    count = say("1 year") if years == 1 else say(many, count=len(periods), years=years)
    yield from (title, f"{status}; {count} ({span})")
    if solution.relaxed:
        yield say("Yes/no decisions were relaxed: this is a bound, not a plan to carry out.")
    net = totals["net_benefit"]
    yield say(
        "Net benefit {net} million {currency} over the horizon", net=number(net), currency=currency
    ) + (say(", {number} per year", number=number(net / years)) if years > 1 else "")
    against = against_today(solution, baselines)
    if against:
        yield say("Gain against today: {against}", against=against)
    if settings.discount_rate or abs(solution.objective - net) > 1e-6 * max(1.0, abs(net)):
        rate = settings.discount_rate
        how = [say("discounted at {number} %", number=number(100 * rate))] if rate else []
        how += [say("weighted by the goals")] if len(solution.scenario.frame("Goals")) else []
        words = f" ({', '.join(how)})" if how else ""
        yield say(
            "Objective {objective} million {currency}{words}",
            objective=number(solution.objective),
            currency=currency,
            words=words,
        )
    if solution.scenario.changes:
        changed = plain(changed_words(solution.scenario.changes))
        yield say("Changed before the run: {changed_words}", changed_words=changed)
    if doubts := len(solution.scenario.warnings):
        yield say(
            "Warnings about the scenario: {doubts} (`circflow check` lists them)", doubts=doubts
        )


def _money(solution: Solution) -> list[str]:
    lines = money_lines(solution)
    title = say("Money, million {currency}", currency=plain(solution.scenario.settings.currency))
    heads = {"million_per_year": say("per year"), "million": say("horizon")}
    if horizon(solution.scenario) == 1:
        heads = {"million": say_in("money", "amount")}
    return _table(title, lines, {"label": "", **heads}, 1)


def _table(title: str, frame: pd.DataFrame, heads: Mapping[str, str], left: int) -> list[str]:
    """A heading and a table: the columns that have a head, the first `left` of them texts."""
    shares = [name for name in heads if name.endswith("share")]
    return [title, *aligned_lines(frame, heads, left, WIDTH, shares)] if len(frame) else []


def _waste(solution: Solution) -> list[str]:
    frame = waste_by_stage(solution)
    years = horizon(solution.scenario)
    amounts = ["arising", "reclaimed", "made", "converted", "sold", "added", "disposed"]
    frame[amounts] = frame[amounts] / years
    shown = [a for a in amounts if a in ("arising", "converted", "disposed") or frame[a].any()]
    words = {"added": say("stocked"), "made": say("by units")}
    heads = {"stage": say("stage"), "unit_of_measure": say("unit")}
    heads |= {a: words.get(a) or heading(a) for a in shown}
    title = say("Waste by stage, per year")
    lines = _table(title, frame, {**heads, "use_share": say("used")}, 2)
    overall = solution.totals.get("use_share")
    if lines and overall is not None:
        used = share(overall)
        lines += [
            say(
                "  Of all waste that arises or is reclaimed, in t, {overall} is used.", overall=used
            )
        ]
    return lines


def _recovered(solution: Solution) -> list[str]:
    heads = {
        "property": say("substance"),
        "unit_of_measure": say("unit"),
        "arises_per_year": say("arises"),
        "sold_per_year": say("sold"),
        "dumped_per_year": say("dumped"),
        "lost_per_year": say("lost"),
        "recovered_share": say("recovered"),
    }
    return _table(say("Recovered of what arises, per year"), solution.recovered, heads, 2)


def _chains(solution: Solution) -> list[str]:
    frame = best_chains(solution)
    frame["steps"] = [squeeze(plain(cell("steps", steps)), 66) for steps in frame["steps"]]
    joint = bool(frame["joint_million"].head(FEW).notna().any())
    heads = {"steps": say("from waste to sale"), "source_unit_of_measure": say("unit")}
    heads |= {"source_amount": say("amount"), "value_million": say("value")}
    title = say(
        "Value chains ({count} of {count_2}; amount of waste and value in million "
        "{currency} over the horizon{if_any})",
        count=min(len(frame), FEW),
        count_2=len(frame),
        currency=plain(solution.scenario.settings.currency),
        if_any=say(", and of joint products") if joint else "",
    )
    return _table(
        title, frame.head(FEW), heads | ({"joint_million": say("joint")} if joint else {}), 2
    )


def _built(solution: Solution) -> list[str]:
    built = solution.built
    if built.empty:
        candidates = solution.scenario.frame("Units")["status"] == "candidate"
        return [say("To build: nothing")] if candidates.any() else []
    frame = built.assign(investor=built["investor"].map(plain))
    texts = ["unit", "investor" if frame["investor"].any() else "site", "period"]
    currency = plain(solution.scenario.settings.currency)
    title = say("To build (capacity per year, capex in million {currency})", currency=currency)
    heads = {"capacity_per_year": say("capacity"), "capex_million": say("capex")}
    heads = {**{name: heading(name) for name in texts}, **heads, "jobs": say("jobs")}
    return _table(title, frame, heads, len(texts))


def _flows(solution: Solution) -> list[str]:
    frame = flow_totals(solution)
    if frame.empty:
        return []
    valued = bool(frame["worth_million"].notna().any())
    by_worth = frame.sort_values("worth_million", ascending=False)
    by_worth = by_worth[by_worth["worth_million"] > 0].head(TOP)
    some = say("{top} of {count}", top=min(TOP, len(frame)), count=len(frame))
    currency = plain(solution.scenario.settings.currency)
    worth = say(
        "; M: worth where it arrives, million {currency} over the horizon", currency=currency
    )
    title = say("Largest flows ({some}{what})", some=some, what=worth if valued else "")
    lines = _flow_table(title, frame.head(TOP), valued)
    new = by_worth[~by_worth.index.isin(frame.index[:TOP])].head(FEW)
    if len(new):
        title = say("Further flows among the most valuable")
        lines += ["", *_flow_table(title, new, valued)]
    return lines


def _flow_table(title: str, frame: pd.DataFrame, valued: bool) -> list[str]:
    heads = {"from": say("from"), "to": say("to"), "material": say("material")}
    heads |= {"amount_per_year": say("per year"), "unit_of_measure": say("unit")}
    heads |= {"distance_km": say("km"), **({"worth_million": "M"} if valued else {})}
    km = [number(round(v)) if v == v else "" for v in frame["distance_km"]]  # noqa: PLR0124
    units = [plain(shown_measure(v)) for v in frame["unit_of_measure"]]
    return _table(title, frame.assign(distance_km=km, unit_of_measure=units), heads, 3)


def _products(solution: Solution) -> list[str]:
    frame = products_sold(solution)
    rest = len(frame) - TOP
    title = say(
        "Sold (price in {currency} per unit, income in million {currency} over the horizon)",
        currency=plain(solution.scenario.settings.currency),
    )
    heads = {"material": say("material"), "unit_of_measure": say("unit")}
    heads |= {"amount_per_year": say("per year"), "price": say("price")}
    lines = _table(title, frame.head(TOP), {**heads, "income_million": say("income")}, 2)
    return [*lines, say("  and {rest} more", rest=rest)] if rest > 0 else lines


def _loads(solution: Solution) -> Iterator[str]:
    frame = unit_loads(solution)
    if frame.empty:
        return
    full, idle = frame[frame["load_share"] > 0.999], frame[frame["load_share"] < 1e-6]
    yield say(
        "Units: {count} in service, {count_2} always full, {count_3} idle throughout",
        count=len(frame),
        count_2=len(full),
        count_3=len(idle),
    )
    for title, some in ((say("full"), full), (say("idle"), idle)):
        if len(some):
            yield _some(f"  {title}: ", [plain(u) for u in some["unit"]])


def _some(line: str, names: Sequence[str]) -> str:
    """As many names as a line holds, and how many more there are."""
    for n, name in enumerate(names):
        if n and width(line) + width(name) > WIDTH - 16:
            return say("{line} and {count} more", line=line, count=len(names) - n)
        line += ("" if n == 0 else ", ") + name
    return cut(line, WIDTH)


def _binding(solution: Solution) -> list[str]:
    frame = binding_limits(solution)
    streams = frame["kind"] == "stream"
    fixed = say(", with what is built held fixed") if solution.decisions_fixed else ""
    money = say("million {currency}", currency=plain(solution.scenario.settings.currency))
    money += say(" of today") if solution.scenario.settings.discount_rate else ""
    title = say(
        "What binds (limits per year), and what 1 % is worth (M: {money}{fixed})",
        money=money,
        fixed=fixed,
    )
    lines = _limit_table(title, frame[~streams], TOP, solution)
    more = _limit_table(say("What 1 % of a waste stream is worth"), frame[streams], FEW, solution)
    return [*lines, "", *more] if lines and more else lines or more


def _limit_table(title: str, frame: pd.DataFrame, rows: int, solution: Solution) -> list[str]:
    if frame.empty:
        return []
    shown = frame.head(rows)
    currency = shown_measure(plain(solution.scenario.settings.currency))
    worth = zip(shown["value"], shown["unit_of_measure"], strict=True)
    count = len(solution.scenario.periods)
    shown = shown.assign(
        # A share that is limited has no unit of measure.
        value=[
            f"{number(v)} {currency}{'' if pd.isna(unit) else f'/{_measure(unit)}'}"
            for v, unit in worth
        ],
        direction=[say("1 % more") if d == "more" else say("1 % less") for d in shown["direction"]],
        periods=[say("{n} of {count}", n=n, count=count) if n else "" for n in shown["periods"]],
    )
    heads = {"label": say_in("binding", "limit"), "value": say("one is worth")}
    heads |= {"direction": "", "gain_million": say("gives, M")}
    heads |= {"periods": say("periods")} if count > 1 else {}
    more = [say("  and {count} more", count=len(frame) - rows)] if len(frame) > rows else []
    return [*_table(title, shown, heads, 1), *more]


def _measure(unit: object) -> str:
    if unit in ("capacity", "unit"):
        return say_in("measure", "unit")
    return plain(shown_measure(str(unit)))


def _emissions(solution: Solution) -> list[str]:
    frame = emission_use(solution)
    if frame.empty:
        emitted = solution.totals.get("emissions", {}).items()
        amounts = ", ".join(f"{plain(p)} {number(v)}" for p, v in emitted)
        line = say("Emissions over the horizon, t: {amounts}", amounts=amounts)
        return [line] if amounts else []
    frame["where"] = [
        plain(f"{scope} {key}" if isinstance(key, str) and key else scope)
        for scope, key in zip(frame["scope"], frame["key"], strict=True)
    ]
    frame = frame.rename(columns={"used": "used_share"})
    heads = {"pollutant": say("pollutant"), "where": say("where"), "period": say("period")}
    heads |= {"emitted_per_year": say("emitted"), "limit_per_year": say("limit")}
    title = say("Emissions against limits, t per year (tightest period)")
    return _table(title, frame.head(TOP), {**heads, "used_share": say("used")}, 3)


def _closing(solution: Solution, files: Sequence[str | Path]) -> Iterator[str]:
    audit = solution.audit
    gap = audit.confirmed_gap
    proven = (
        say("; no plan is better by more than {gap:.1e}", gap=gap) if math.isfinite(gap) else ""
    )
    yield say(
        "Audit {if_any}: balances agree to {balance_error:.1e}, the objective to "
        "{objective_error:.1e}{proven}",
        if_any=say("passed") if audit.passed else say("FAILED"),
        balance_error=audit.balance_error,
        objective_error=audit.objective_error,
        proven=proven,
    )
    for path in files:
        yield say("Written: {path}", path=plain(path))
    seconds = solution.seconds
    parts = [f"{_step(k)} {localised(f'{v:.1f}')}" for k, v in seconds.items() if k != "total"]
    if "total" in seconds:
        steps = ", ".join(parts)
        yield say("Seconds: {total:.1f} ({parts})", total=seconds["total"], parts=steps)


def _step(name: str) -> str:
    return say_in("seconds", "build") if name == "build" else say(name)
