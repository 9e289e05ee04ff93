"""Every limit of MODEL.md, checked on the amounts of a plan (a part of the audit).

Each function checks one piece of the plant and names what is wrong in `findings`. A row that a
table leaves out counts as 0, so a limit from below is also checked where the plan says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.data.scenario import MILLION
from circflow.i18n import say
from circflow.solution.accounts import Accounts
from circflow.solution.calendar import purchases_in_force, rows_in_force
from circflow.solution.findings import (
    FLOOR,
    TOLERANCE,
    Findings,
    Places,
    intakes,
)
from circflow.solution.keys import Floats, Names, cells
from circflow.solution.transport import covered_by

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

WHOLE = 10.0
"""Scale of yes/no decisions: a search takes what is this near (1e-5) to 0 or 1 as whole."""
PLACE = ["site", "material", "period"]
RUN = ["unit", "recipe", "period"]


def check_rules(findings: Findings, solution: Solution, books: Accounts, places: Places) -> None:
    """Check every limit but the balance and the money."""
    _known(findings, books)
    _signs(findings, solution, places)
    _supply(findings, solution, places)
    _links(findings, solution, books, places)
    _conversions(findings, solution, places)
    _blends(findings, solution)
    _loads(findings, solution, books)
    _candidates(findings, solution, books)
    _budget(findings, solution, books)
    _markets(findings, solution, places)
    _disposal(findings, solution, places)
    _stockpiles(findings, solution, places)
    _emission_limits(findings, solution, books)
    _emission_table(findings, solution, books)
    _synergies(findings, solution)
    _costs(findings, solution, books)


def _floats(column: Any) -> Floats:
    return np.asarray(pd.Series(column).to_numpy(float, na_value=np.nan))


def _largest(values: Floats) -> float:
    """Floor of a scale: a share of the largest figure."""
    return FLOOR * float(np.nanmax(np.abs(values), initial=0.0))


def _known(findings: Findings, books: Accounts) -> None:
    """Everything that the plan does is something that the scenario allows there and then."""
    columns = {
        "supply": ["kind", *PLACE],
        "flows": ["from", "to", "material", "mode", "period"],
        "activity": RUN,
        "sales": [*PLACE, "row"],
        "disposal": [*PLACE, "row"],
        "added": PLACE,
        "synergies": ["synergy", "period"],
    }
    for name, labels in columns.items():
        ledger = books[name]
        holds = ledger.known | (ledger.amount == 0.0)
        findings.must(f"{name}: not in the scenario", ledger.rows[labels], holds, ledger.amount)
    rows = books["activity"].rows
    active = rows["unit"].isin(books.service.units["unit"]).to_numpy(bool)
    sites = dict(zip(books.service.units["unit"], books.service.units["site"], strict=True))
    at_home = (rows["unit"].map(sites) == rows["site"]).to_numpy(bool)
    idle = books["activity"].amount == 0.0
    findings.must("activity: unit is off or elsewhere", rows[RUN], (active & at_home) | idle)


def _signs(findings: Findings, solution: Solution, places: Places) -> None:
    """No amount is negative."""
    tables = solution.tables
    for name, frame, column, labels in (
        ("supply", tables.supply, "amount_per_year", PLACE),
        ("flows", tables.flows, "sent_per_year", ["from", "to", "material", "mode", "period"]),
        ("sales", tables.sales, "amount_per_year", PLACE),
        ("disposal", tables.disposal, "amount_per_year", PLACE),
        ("conversions", tables.conversions, "amount_per_year", [*RUN, "material"]),
        (say("stockpiles, added"), tables.stockpiles, "added_per_year", PLACE),
        (say("stockpiles, reclaimed"), tables.stockpiles, "reclaimed_per_year", PLACE),
        (say("stockpiles, closing"), tables.stockpiles, "closing", PLACE),
        ("activity", tables.activity, "activity_per_year", RUN),
        ("synergies", tables.synergies, "joint_activity_per_year", ["synergy", "period"]),
        ("limits", tables.emission_limits, "excess_per_year", ["pollutant", "scope", "period"]),
        ("units", tables.units, "in_service", ["unit", "period"]),
    ):
        if frame.empty:
            continue
        found = _floats(frame[column])
        if "material" in frame:
            scale = places.floor(frame["material"])
        else:
            scale = np.full(len(found), _largest(found))
        # Below zero by rounding only.
        findings.at_least(f"{name}: below zero", frame[labels], found, np.zeros(len(found)), scale)


def _supply(findings: Findings, solution: Solution, places: Places) -> None:
    """taken = amount (must_handle) or ≤ amount; bought ≤ max_per_year."""
    supply = solution.tables.supply
    sums = supply.groupby(["kind", *PLACE], sort=False)["amount_per_year"].sum().reset_index()
    streams = rows_in_force(solution.scenario, "Streams")
    taken = sums[sums["kind"] == "stream"].drop(columns="kind")
    rows = streams[[*PLACE, "amount_per_year", "must_handle"]].merge(
        taken, on=PLACE, how="left", suffixes=("_limit", "")
    )
    found, limit = (
        _floats(rows["amount_per_year"].fillna(0.0)),
        _floats(rows["amount_per_year_limit"]),
    )
    floor, labels = places.floor(rows["material"]), rows[PLACE]
    findings.at_most("stream: more than arises", labels, found, limit, floor)
    must = np.where(rows["must_handle"].astype(bool), limit, np.nan)
    findings.at_least("stream: not all handled", labels, found, must, floor)
    bought = sums[sums["kind"] == "purchase"].drop(columns="kind")
    if bought.empty:
        return
    rows = bought.merge(purchases_in_force(solution.scenario)[[*PLACE, "max_per_year"]], on=PLACE)
    findings.at_most(
        "purchase: more than can be bought",
        rows[PLACE],
        _floats(rows["amount_per_year"]),
        _floats(rows["max_per_year"]),
        places.floor(rows["material"]),
    )


def _links(findings: Findings, solution: Solution, books: Accounts, places: Places) -> None:
    """received = (1 − loss) · sent; Σ flow covered by a row of Links ≤ its capacity."""
    table, rows = solution.tables.flows, books["flows"].rows
    labels = rows[["from", "to", "material", "mode", "period"]]
    sent = books["flows"].amount
    findings.equal(
        "flows: received",
        labels,
        _floats(table["received_per_year"]),
        sent * (1.0 - _floats(rows["loss"])),
        places.floor(rows["material"]),
    )
    links = solution.scenario.frame("Links")
    limited = links[links["capacity_per_year"].notna() & ~links["forbidden"].astype(bool)]
    if limited.empty:
        return
    ends = pd.MultiIndex.from_frame(limited[["from", "to"]])
    near = rows.assign(sent=sent)
    near = near[pd.MultiIndex.from_frame(near[["from", "to"]]).isin(ends)]
    groups = dict(iter(near.groupby(["from", "to"], sort=False)))
    for number, row in limited.iterrows():
        part = groups.get((row["from"], row["to"]))
        if part is None:
            continue
        covered = part[covered_by(row, part)]
        sums = covered.groupby("period", sort=False)["sent"].sum().reset_index()
        where = pd.DataFrame(
            {
                "where": say(
                    "Links row {number}: {start} > {to}",
                    number=number,
                    start=row["from"],
                    to=row["to"],
                ),
                "period": sums["period"],
            }
        )
        limit = np.full(len(sums), float(row["capacity_per_year"]))
        findings.at_most("link: over capacity", where, _floats(sums["sent"]), limit, _largest(sent))


def _conversions(findings: Findings, solution: Solution, places: Places) -> None:
    """Fixed inputs and outputs = amount · activity; Σ weight · intake = amount · activity."""
    key = [*RUN, "role", "material"]
    plain = solution.tables.conversions
    plain = plain[plain["group"].isna()]
    found = plain.groupby(key, sort=False)["amount_per_year"].sum().reset_index()
    both = places.recipes.merge(found, on=key, how="outer")
    findings.equal(
        "conversion: not by the recipe",
        both[key],
        _floats(both["amount_per_year"].fillna(0.0)),
        _floats(both["amount"].fillna(0.0)),
        places.floor(both["material"]),
    )
    recipes, units = solution.scenario.frame("Recipes"), solution.scenario.frame("Units")
    grouped = recipes[recipes["group"].notna()]
    taken = intakes(solution)[[*RUN, "group", "material", "amount_per_year"]]
    if grouped.empty and taken.empty:
        return
    technology = units[["unit", "technology"]]
    activity = solution.tables.activity[[*RUN, "activity_per_year"]].merge(technology, on="unit")
    recipe = ["technology", "recipe", "group"]
    asked = activity.merge(grouped[[*recipe, "amount"]].drop_duplicates(recipe), on=recipe[:2])
    asked["asked"] = asked["amount"] * asked["activity_per_year"]
    taken = taken.merge(technology, on="unit").merge(
        grouped[[*recipe, "material", "weight"]], on=[*recipe, "material"], how="left"
    )
    member = taken["weight"].notna().to_numpy(bool)
    labels = taken[["unit", "recipe", "group", "material", "period"]]
    findings.must("intake: not in the group", labels, member, _floats(taken["amount_per_year"]))
    taken["counts"] = taken["weight"].fillna(0.0) * taken["amount_per_year"]
    key = [*RUN, "group"]
    sums = taken.groupby(key, sort=False)["counts"].sum().reset_index()
    both = (
        asked[[*key, "asked"]]
        .merge(sums, on=key, how="outer")
        .fillna({"asked": 0.0, "counts": 0.0})
    )
    counts, wanted = _floats(both["counts"]), _floats(both["asked"])
    findings.equal("group requirement", both[key], counts, wanted, _largest(wanted))


def _blends(findings: Findings, solution: Solution) -> None:
    """Mean of a property, or the share of a material, over the amounts taken into a group."""
    limits = solution.scenario.frame("BlendLimits").rename_axis("row").reset_index()
    if limits.empty:
        return
    units = solution.scenario.frame("Units")[["unit", "technology"]]
    taken = intakes(solution)[[*RUN, "group", "material", "amount_per_year"]]
    taken = taken.merge(units, on="unit").rename(columns={"material": "taken"})
    rows = limits.merge(taken, on=["technology", "recipe", "group"])
    values = solution.scenario.frame("Properties")[["material", "property", "value"]]
    rows = rows.merge(
        values.rename(columns={"material": "taken"}), on=["taken", "property"], how="left"
    )
    share = (rows["taken"] == rows["material"]).astype(float)
    rows["value"] = rows["value"].where(rows["property"].notna(), share).astype(float)
    rows["total"] = rows["value"] * rows["amount_per_year"]
    rows["size"] = rows["value"].abs() * rows["amount_per_year"].abs()
    by = rows.groupby(["row", "unit", "recipe", "group", "period"], sort=False)
    sums = by[["total", "size", "amount_per_year"]].sum()
    bounds = by[["min", "max"]].first()
    labels = sums.index.to_frame(index=False)
    labels["row"] = say("BlendLimits row ") + labels["row"].astype(str)
    total, amount = _floats(sums["total"]), _floats(sums["amount_per_year"])
    for check, name, compare in (
        (say("blend: below the minimum"), "min", findings.at_least),
        (say("blend: above the maximum"), "max", findings.at_most),
    ):
        bound = _floats(bounds[name])
        scale = np.maximum(_floats(sums["size"]), np.abs(np.nan_to_num(bound)) * np.abs(amount))
        compare(check, labels, total, bound * amount, np.maximum(scale, _largest(scale)))


def _loads(findings: Findings, solution: Solution, books: Accounts) -> None:
    """Σ capacity_use · activity between min_load and 1 times availability · capacity in service.

    A unit that can idle may also stand still; with relaxed decisions it may run at anything below.
    """
    rows, activity = books.service.rows, books["activity"]
    runs = activity.rows.assign(load=activity.amount * activity.rows["capacity_use"])
    sums = runs.groupby(["unit", "period"], sort=False)["load"].sum().reset_index()
    rows = rows.merge(sums, on=["unit", "period"], how="left")
    load = _floats(rows["load"].fillna(0.0))
    available = _floats(rows["capacity"]) * _floats(rows["availability"])
    labels = rows[["unit", "period"]]
    floor = _largest(load)
    findings.at_most("unit: over capacity", labels, load, available, floor)
    least = _floats(rows["min_load"]) * available
    idle = rows["can_idle"].to_numpy(bool) & (
        (np.abs(load) <= TOLERANCE * np.maximum(available, floor)) | solution.relaxed
    )
    findings.at_least(
        "unit: below its minimum load", labels, load, np.where(idle, np.nan, least), floor
    )
    table = solution.tables.units
    both = table.merge(
        rows[["unit", "period", "capacity", "in_service", "jobs"]].assign(
            available=available, load=load
        ),
        on=["unit", "period"],
        how="outer",
        suffixes=("", "_found"),
    )
    labels = both[["unit", "period"]]
    service = _floats(both["in_service_found"].fillna(0.0))
    findings.equal(
        "unit: in service", labels, _floats(both["in_service"].fillna(0.0)), service, 1.0
    )
    for column, name in (
        ("capacity_per_year", "capacity"),
        ("available_per_year", "available"),
        ("load_per_year", "load"),
        ("jobs", "jobs_found"),
    ):
        figures = _floats(both[name].fillna(0.0))
        findings.equal(
            f"unit: {column}",
            labels,
            _floats(both[column].fillna(0.0)),
            figures,
            _largest(figures),
        )


def _candidates(findings: Findings, solution: Solution, books: Accounts) -> None:
    """Built at most once, within its window, whole unless relaxed; choice, requires, sizes."""
    service, periods = books.service, [p.name for p in solution.scenario.periods]
    units = service.units
    shape = (len(units), len(periods))
    if not shape[0]:
        return
    labels = pd.DataFrame(
        {
            "unit": np.repeat(units["unit"].to_numpy(object), shape[1]),
            "period": periods * shape[0],
        }
    )
    candidate = (units["status"] == "candidate").to_numpy(bool)
    built = service.built
    once = pd.DataFrame({"unit": units["unit"]})
    ones = np.ones(len(units))
    findings.at_most("candidate: built more than once", once, built.sum(axis=1), ones, WHOLE)
    if not solution.relaxed:
        whole = np.round(built)
        findings.equal("candidate: built in part", labels, built.ravel(), whole.ravel(), WHOLE)
    order = {name: n for n, name in enumerate(periods)}
    first = _floats(units["earliest_period"].map(order).fillna(0))
    last = _floats(units["latest_period"].map(order).fillna(len(periods)))
    at = np.arange(shape[1])
    outside = candidate[:, None] & ((at < first[:, None]) | (at > last[:, None]))
    limit = np.where(outside, 0.0, np.nan).ravel()
    findings.at_most("candidate: built outside its window", labels, built.ravel(), limit, WHOLE)
    chosen = units.assign(total=built.sum(axis=1))[candidate & units["choice"].notna().to_numpy()]
    sums = chosen.groupby("choice", sort=False)["total"].sum().reset_index()
    findings.at_most(
        "choice: more than one built",
        sums[["choice"]],
        _floats(sums["total"]),
        np.ones(len(sums)),
        WHOLE,
    )
    in_service = _floats(service.rows["any_year"]).reshape(shape)
    other = Names(units["unit"])(units["requires"])
    needs = candidate & units["requires"].notna().to_numpy()
    there = np.where((other >= 0)[:, None], in_service[other], 0.0)
    limit = np.where(needs[:, None], there, np.nan).ravel()
    findings.at_most(
        "requires: the other is not in service", labels, in_service.ravel(), limit, WHOLE
    )
    small = _floats(units["capacity_per_year"])
    span = np.nan_to_num(np.maximum(_floats(units["capacity_max_per_year"]) - small, 0.0))
    scale = np.repeat(small + span, shape[1])
    extra, most = service.extra_built.ravel(), (span[:, None] * built).ravel()
    findings.at_most("candidate: above its greatest size", labels, extra, most, scale)
    findings.at_least("candidate: below its smallest size", labels, extra, 0.0 * extra, scale)
    _built_table(findings, solution, books, labels)


def _built_table(
    findings: Findings, solution: Solution, books: Accounts, labels: pd.DataFrame
) -> None:
    """The table `built` is of candidates, once each; its capex and jobs are those of its sizes."""
    service = books.service
    ours = labels.assign(
        capex_million=service.capex.ravel(),
        jobs=(_floats(service.units["jobs"])[:, None] * service.built).ravel(),
    )
    ours = ours[service.built.ravel() != 0.0]
    table = solution.tables.built
    candidates = service.units.loc[service.units["status"] == "candidate", "unit"]
    of_candidate = table["unit"].isin(candidates).to_numpy(bool)
    findings.must("built: not a candidate", table[["unit", "period"]], of_candidate)
    both = table.merge(ours, on=["unit", "period"], how="outer", suffixes=("", "_found"))
    for column in ("capex_million", "jobs"):
        figures = _floats(both[f"{column}_found"].fillna(0.0))
        findings.equal(
            f"built: {column.removesuffix('_million')}",
            both[["unit", "period"]],
            _floats(both[column].fillna(0.0)),
            figures,
            _largest(figures),
        )


def _budget(findings: Findings, solution: Solution, books: Accounts) -> None:
    """Σ capex of what is built in a period ≤ budget."""
    periods = Names(p.name for p in solution.scenario.periods)
    sheet = solution.scenario.frame("Budget")
    spent = books.service.capex.sum(axis=0)[periods(sheet["period"])]
    findings.at_most(
        "budget", sheet[["period"]], spent, _floats(sheet["budget_million"]), _largest(spent)
    )


def _markets(findings: Findings, solution: Solution, places: Places) -> None:
    """min ≤ sold ≤ max for every row of Markets in force."""
    sales = solution.tables.sales
    sold = sales.groupby(["row", "period"], sort=False)["amount_per_year"].sum().reset_index()
    rows = rows_in_force(solution.scenario, "Markets").merge(sold, on=["row", "period"], how="left")
    amount, floor = _floats(rows["amount_per_year"].fillna(0.0)), places.floor(rows["material"])
    labels = rows[PLACE].assign(row=say("Markets row ") + rows["row"].astype(str))
    findings.at_most(
        "market: over its maximum", labels, amount, _floats(rows["max_per_year"]), floor
    )
    findings.at_least(
        "market: under its minimum", labels, amount, _floats(rows["min_per_year"]), floor
    )


def _disposal(findings: Findings, solution: Solution, places: Places) -> None:
    """Σ disposed under a row ≤ capacity_per_year; over the horizon, of a key ≤ total_capacity."""
    sheet = rows_in_force(solution.scenario, "Disposal")
    table = solution.tables.disposal
    floor = float(places.floor(table["material"]).max()) if len(table) else 0.0
    sums = table.groupby(["row", "period"], sort=False)["amount_per_year"].sum().reset_index()
    rows = sheet.merge(sums, on=["row", "period"])
    labels = rows[PLACE].assign(row=say("Disposal row ") + rows["row"].astype(str))
    limit = _floats(rows["capacity_per_year"])
    findings.at_most(
        "disposal: over capacity", labels, _floats(rows["amount_per_year"]), limit, floor
    )
    totals = solution.scenario.frame("Disposal")
    totals = totals[totals["total_capacity"].notna()]
    if totals.empty:
        return
    years = {p.name: float(p.years) for p in solution.scenario.periods}
    rows["total"] = rows["amount_per_year"] * rows["period"].map(years).astype(float)
    rows["key"] = rows["material"].fillna("")
    ever = rows.groupby(["site", "key"], sort=False)["total"].sum().reset_index()
    totals = totals.assign(key=totals["material"].fillna(""))[["site", "key", "total_capacity"]]
    both = totals.merge(ever, on=["site", "key"])
    horizon = sum(years.values())
    findings.at_most(
        "disposal: over total capacity",
        both[["site", "key"]],
        _floats(both["total"]),
        _floats(both["total_capacity"]),
        floor * horizon,
    )


def _stockpiles(findings: Findings, solution: Solution, places: Places) -> None:
    """L[t] = L[t−1] + years · (added − reclaimed), within capacity and the bounds at the end."""
    scenario = solution.scenario
    if scenario.frame("Stockpiles").empty:
        return
    periods = pd.DataFrame(
        {"period": [p.name for p in scenario.periods], "years": [p.years for p in scenario.periods]}
    )
    columns = ["added_per_year", "reclaimed_per_year", "opening", "closing"]
    table = solution.tables.stockpiles[[*PLACE, *columns]].rename(columns={"opening": "reported"})
    sheet = scenario.frame("Stockpiles").merge(periods, how="cross")
    rows = sheet.merge(table, on=PLACE, how="left").reset_index(drop=True)
    count = len(periods)
    added, reclaimed, closing = (
        _floats(rows[c].fillna(0.0)).reshape(-1, count)
        for c in ("added_per_year", "reclaimed_per_year", "closing")
    )
    opening = _floats(rows["opening"]).reshape(-1, count)
    before = np.hstack([opening[:, :1], closing[:, :-1]]) if len(rows) else opening
    change = _floats(rows["years"]).reshape(-1, count) * (added - reclaimed)
    labels = rows[PLACE]
    moved = np.abs(added) + np.abs(reclaimed)
    scale = np.maximum(np.abs(before), moved * _floats(rows["years"]).reshape(-1, count)).ravel()
    scale = np.maximum(scale, places.floor(rows["material"]))
    level = closing.ravel()
    findings.equal("stockpile: level", labels, level, (before + change).ravel(), scale)
    present = rows["reported"].notna().to_numpy(bool)
    reported = _floats(rows["reported"])
    findings.equal(
        "stockpile: opening",
        labels[present],
        reported[present],
        before.ravel()[present],
        scale[present],
    )
    findings.at_most("stockpile: over capacity", labels, level, _floats(rows["capacity"]), scale)
    last = np.tile(np.arange(count) == count - 1, len(rows) // max(count, 1))
    least = np.where(last, _floats(rows["closing_min"]), np.nan)
    most = np.where(last, _floats(rows["closing_max"]), np.nan)
    findings.at_least("stockpile: too little left", labels, level, least, scale)
    findings.at_most("stockpile: too much left", labels, level, most, scale)
    floor = places.floor(rows["material"])
    taken = _floats(rows["max_reclaim_per_year"])
    findings.at_most("stockpile: reclaimed too fast", labels, reclaimed.ravel(), taken, floor)
    closed = np.where(rows["can_add"].astype(bool), np.nan, 0.0)
    findings.at_most("stockpile: cannot be added to", labels, added.ravel(), closed, floor)


def _emission_limits(findings: Findings, solution: Solution, books: Accounts) -> None:
    """emitted ≤ limit + excess in every scope, as the table says."""
    limits = books.limits
    if limits.empty:
        return
    emitted, excess = _floats(limits["emitted"]), _floats(limits["excess"])
    gross = np.maximum(_floats(limits["gross"]), FLOOR * _floats(limits["gross"]).max(initial=0.0))
    labels = limits[["pollutant", "scope", "key", "period"]]
    limit = _floats(limits["limit_per_year"])
    findings.at_most("emission: over the limit", labels, emitted - excess, limit, gross)
    free = limits["penalty"].notna().to_numpy(bool) | (excess <= TOLERANCE * gross)
    findings.must("emission: excess without a penalty", labels, free, excess)
    table = solution.tables.emission_limits
    rows = limits.merge(
        table[["row", "period", "emitted_per_year", "cost_million_per_year"]],
        on=["row", "period"],
        how="left",
    )
    reported = rows["emitted_per_year"].fillna(0.0)
    findings.equal("emission limit: emitted", labels, _floats(reported), emitted, gross)
    cost, reported = _floats(limits["cost"]), rows["cost_million_per_year"].fillna(0.0)
    findings.equal("emission limit: cost", labels, _floats(reported), cost, _largest(cost))


def _emission_table(findings: Findings, solution: Solution, books: Accounts) -> None:
    """The table of emissions follows from the factors."""
    kinds = {
        "flows": "transport",
        "activity": "recipe",
        "sales": "sale",
        "disposal": "disposal",
        "held": "stockpile",
    }
    periods = np.array([p.name for p in solution.scenario.periods], dtype=object)
    parts = []
    for name, ledger in books.ledgers.items():
        for pollutant, tonnes in ledger.emitted.items():
            kind: Any = kinds.get(name)
            if name == "supply":
                kind = ledger.rows["kind"].to_numpy(object)
            parts.append(
                pd.DataFrame(
                    {
                        "pollutant": pollutant,
                        "kind": kind,
                        "site": cells(solution.scenario.frame("Sites")["site"], ledger.site),
                        "period": periods[ledger.period],
                        "tonnes": tonnes,
                    }
                )
            )
    key = ["pollutant", "kind", "site", "period"]
    table = solution.tables.emissions
    reported = table.groupby(key, sort=False, dropna=False)["tonnes_per_year"].sum().reset_index()
    if parts:
        ours = pd.concat(parts, ignore_index=True).groupby(key, sort=False, dropna=False)
        found = ours["tonnes"].sum().reset_index()
    else:
        found = pd.DataFrame({**{c: pd.Series(dtype=object) for c in key}, "tonnes": []})
    both = found.merge(reported, on=key, how="outer").fillna(
        {"tonnes": 0.0, "tonnes_per_year": 0.0}
    )
    largest = both.groupby("pollutant")["tonnes"].transform(lambda t: t.abs().max())
    figures = _floats(both["tonnes_per_year"]), _floats(both["tonnes"])
    findings.equal("emissions", both[key], *figures, FLOOR * _floats(largest))


def _synergies(findings: Findings, solution: Solution) -> None:
    """joint_activity ≤ every partner's activity / ratio, and ≤ max_per_year."""
    table = solution.tables.synergies[["synergy", "period", "joint_activity_per_year"]]
    if table.empty:
        return
    sheet = solution.scenario.frame("Synergies")
    rows = table.merge(sheet[["synergy", "max_per_year"]], on="synergy")
    joint, most = _floats(rows["joint_activity_per_year"]), _floats(rows["max_per_year"])
    findings.at_most("synergy: over its maximum", rows[["synergy", "period"]], joint, most)
    partners = solution.scenario.frame("SynergyPartners")
    activity = solution.tables.activity
    run = activity.groupby(["unit", "period"], sort=False)["activity_per_year"].sum()
    units = run.rename_axis(["end", "period"]).rename("does").reset_index().assign(kind="unit")
    flows = solution.tables.flows.groupby(["from", "to", "period"], sort=False)["sent_per_year"]
    sent = flows.sum().rename("does").reset_index()
    sent = sent.assign(end=sent["from"] + ">" + sent["to"], kind="flow")
    does = pd.concat([units, sent[["end", "period", "does", "kind"]]], ignore_index=True)
    ends = partners["partner"].astype(str)
    split = ends.str.split(">", n=1)
    journey = split.map(lambda part: ">".join(name.strip() for name in part))
    partners = partners.assign(end=journey.where(partners["kind"] == "flow", ends))
    both = table.merge(partners, on="synergy").merge(does, on=["end", "period", "kind"], how="left")
    limit = _floats(both["does"].fillna(0.0)) / _floats(both["ratio"])
    joint = _floats(both["joint_activity_per_year"])
    findings.at_most(
        "synergy: a partner does less",
        both[["synergy", "partner", "period"]],
        joint,
        limit,
        _largest(joint),
    )


def _costs(findings: Findings, solution: Solution, books: Accounts) -> None:
    """The columns of money in the tables follow from amounts and prices, row by row."""
    tables = solution.tables
    checked = (
        ("supply", tables.supply, "cost_million_per_year", ("streams", "purchases"), -1.0),
        ("flows", tables.flows, "transport_million_per_year", ("transport",), -1.0),
        ("flows", tables.flows, "transactions_million_per_year", ("transactions",), -1.0),
        ("activity", tables.activity, "processing_million_per_year", ("processing",), -1.0),
        ("sales", tables.sales, "income_million_per_year", ("income",), 1.0),
        ("sales", tables.sales, "premium_million_per_year", ("synergy",), 1.0),
        ("disposal", tables.disposal, "cost_million_per_year", ("disposal",), -1.0),
        ("synergies", tables.synergies, "value_million_per_year", ("synergy",), 1.0),
    )
    for name, table, column, groups, sign in checked:
        if table.empty:
            continue
        ledger = books[name]
        ours = sign * np.sum([ledger.money[group] for group in groups], axis=0)
        labels = [
            c for c in ("from", "to", "unit", "recipe", "synergy", *PLACE) if c in ledger.rows
        ]
        findings.equal(
            f"{name}: {column}",
            ledger.rows[labels],
            _floats(table[column]),
            ours,
            np.maximum(_largest(ours), 1.0 / MILLION * FLOOR),
        )
    stock = -sum(books[name].money["stockpiles"] for name in ("added", "reclaimed", "held"))
    reported = _floats(tables.stockpiles["cost_million_per_year"])
    ours = np.asarray(stock, dtype=float)
    findings.equal(
        "stockpiles: cost_million_per_year",
        tables.stockpiles[PLACE],
        reported,
        ours,
        _largest(ours),
    )
