"""Every limit of MODEL.md, checked on the amounts of a plan (a part of the audit).

Each function checks one piece of the plant and names what is wrong in `findings`. A row that a
table leaves out counts as 0, so a limit from below is also checked where the plan says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from circflow.data.coded import (
    Floats,
    Items,
    cross,
    distinct,
    find_rows,
    join,
    match,
    place_in,
    take,
)
from circflow.data.scenario import MILLION
from circflow.i18n import say
from circflow.solution.accounts import PLACE, Accounts
from circflow.solution.calendar import purchases_in_force, rows_in_force
from circflow.solution.findings import (
    FLOOR,
    TOLERANCE,
    Findings,
    Places,
    intakes,
    partners,
    with_technology,
)
from circflow.solution.keys import CodedPlan, added_up, side_by_side

if TYPE_CHECKING:
    from circflow.solution.solution import Solution

INTEGRAL = 10.0
"""Scale of yes/no decisions: a search takes what is this near (1e-5) to 0 or 1 as whole."""
JOURNEY = ("from", "to", "material", "mode", "period")
RUN = ("unit", "recipe", "period")


def check_rules(findings: Findings, solution: Solution, books: Accounts, places: Places) -> None:
    """Check every limit but the balance and the money."""
    plan = books.plan
    _known(findings, books)
    _signs(findings, plan, places)
    _supply(findings, plan, places)
    _links(findings, books, places)
    _conversions(findings, books, places)
    _blends(findings, plan)
    _loads(findings, books, relaxed=solution.relaxed)
    _candidates(findings, books, relaxed=solution.relaxed)
    _budget(findings, books)
    _markets(findings, plan, places)
    _disposal(findings, plan, places)
    _stockpiles(findings, plan, places)
    _emission_limits(findings, books)
    _emission_table(findings, books)
    _synergies(findings, plan)
    _costs(findings, books)


def _largest(values: Floats) -> float:
    """Floor of a scale: a share of the largest figure."""
    return FLOOR * float(np.nanmax(np.abs(values), initial=0.0))


def _sums(rows: Items, column: str, by: Sequence[str], wanted: Items) -> Floats:
    """The sum of a column of a table over the rows that say the same as each wanted row."""
    keys, (total,) = added_up(rows, by, rows[column])
    return take(total, find_rows(keys, wanted, *by))


def _numbered(sheet: str, rows: Items, *labels: str) -> Items:
    """Labels of rows, with the number of their row of a sheet in words."""
    words = [sheet + str(number) for number in rows["row"].tolist()]
    return rows.only(*labels).plus(row=np.array(words, dtype=object))


def _known(findings: Findings, books: Accounts) -> None:
    """Everything that the plan does is something that the scenario allows there and then."""
    columns = {
        "supply": ("kind", *PLACE),
        "flows": JOURNEY,
        "activity": RUN,
        "sales": (*PLACE, "row"),
        "disposal": (*PLACE, "row"),
        "added": PLACE,
        "synergies": ("synergy", "period"),
    }
    for name, labels in columns.items():
        ledger = books[name]
        holds = ledger.known | (ledger.amount == 0.0)
        where = ledger.items.only(*labels)
        if "row" in where:
            shown = [row if row >= 0 else None for row in where["row"].tolist()]
            where = where.plus(row=np.array(shown, dtype=object))
        findings.must(f"{name}: not in the scenario", where, holds, ledger.amount)
    rows, units = books["activity"].items, books.scenario.active_unit_items
    at = find_rows(units, rows, "unit", "site")
    idle = books["activity"].amount == 0.0
    findings.must("activity: unit is off or elsewhere", rows.only(*RUN), (at >= 0) | idle)


def _signs(findings: Findings, plan: CodedPlan, places: Places) -> None:
    """No amount is negative."""
    for name, table, column, labels in (
        ("supply", "supply", "amount_per_year", PLACE),
        ("flows", "flows", "sent_per_year", JOURNEY),
        ("sales", "sales", "amount_per_year", PLACE),
        ("disposal", "disposal", "amount_per_year", PLACE),
        ("conversions", "conversions", "amount_per_year", (*RUN, "material")),
        (say("stockpiles, added"), "stockpiles", "added_per_year", PLACE),
        (say("stockpiles, reclaimed"), "stockpiles", "reclaimed_per_year", PLACE),
        (say("stockpiles, closing"), "stockpiles", "closing", PLACE),
        ("activity", "activity", "activity_per_year", RUN),
        ("synergies", "synergies", "joint_activity_per_year", ("synergy", "period")),
        ("limits", "emission_limits", "excess_per_year", ("pollutant", "scope", "period")),
        ("units", "units", "in_service", ("unit", "period")),
    ):
        rows = plan[table]
        if not len(rows):
            continue
        amounts = rows[column]
        if "material" in rows:
            scale = places.floor(rows["material"])
        else:
            scale = np.full(len(amounts), _largest(amounts))
        # Below zero by rounding only.
        where = rows.only(*labels)
        findings.at_least(f"{name}: below zero", where, amounts, np.zeros(len(amounts)), scale)


def _supply(findings: Findings, plan: CodedPlan, places: Places) -> None:
    """taken = amount (must_handle) or ≤ amount; bought ≤ max_per_year."""
    supply = plan["supply"]
    streams = rows_in_force(plan.scenario, "Streams")
    taken = supply.take(supply["kind"] == plan.code("kind", "stream"))
    found, limit = _sums(taken, "amount_per_year", PLACE, streams), streams["amount_per_year"]
    floor, labels = places.floor(streams["material"]), streams.only(*PLACE)
    findings.at_most("stream: more than arises", labels, found, limit, floor)
    must = np.where(streams["must_handle"], limit, np.nan)
    findings.at_least("stream: not all handled", labels, found, must, floor)
    purchases = purchases_in_force(plan.scenario)
    bought = supply.take(supply["kind"] == plan.code("kind", "purchase"))
    findings.at_most(
        "purchase: more than can be bought",
        purchases.only(*PLACE),
        _sums(bought, "amount_per_year", PLACE, purchases),
        purchases["max_per_year"],
        places.floor(purchases["material"]),
    )


def _links(findings: Findings, books: Accounts, places: Places) -> None:
    """received = (1 − loss) · sent; Σ flow covered by a row of Links ≤ its capacity."""
    rows = books["flows"].items
    sent = rows["sent_per_year"]
    floor = places.floor(rows["material"])
    received = sent * (1.0 - rows["loss"])
    findings.equal(
        "flows: received", rows.only(*JOURNEY), rows["received_per_year"], received, floor
    )
    links = books.scenario.items("Links")
    limited = links.take(~np.isnan(links["capacity_per_year"]) & ~links["forbidden"])
    ends = ("from", "to")
    i, j = match([limited[n] for n in ends], [rows[n] for n in ends])
    for name in ("material", "mode"):
        named = limited[name][i]
        covered = (named < 0) | (named == rows[name][j])
        i, j = i[covered], j[covered]
    pairs = Items({"link": i, "period": rows["period"][j]})
    sums, (total,) = added_up(pairs, ("link", "period"), sent[j])
    link, limit = sums["link"], limited["capacity_per_year"][sums["link"]]
    over = total > limit
    words = [
        say("Links row {number}: {start} > {to}", number=number, start=start, to=to)
        for number, start, to in zip(
            limited["row"][link[over]].tolist(),
            *(books.plan.codes.names(n, limited[n][link[over]]).tolist() for n in ends),
            strict=True,
        )
    ]
    where = sums.only("period").take(over).plus(where=np.array(words, dtype=object))
    findings.at_most("link: over capacity", where, total[over], limit[over], _largest(sent))


def _conversions(findings: Findings, books: Accounts, places: Places) -> None:
    """Fixed inputs and outputs = amount · activity; Σ weight · intake = amount · activity."""
    plan = books.plan
    fixed = plan["conversions"].take(plan["conversions"]["group"] < 0)
    key = (*RUN, "role", "material")
    rows, (expected, found) = side_by_side(
        places.recipes, [places.recipes["amount"]], fixed, [fixed["amount_per_year"]], key
    )
    floor = places.floor(rows["material"])
    findings.equal("conversion: not by the recipe", rows, found, expected, floor)
    recipes = plan.scenario.items("Recipes")
    grouped = recipes.take(recipes["group"] >= 0)
    taken = with_technology(plan, intakes(plan))
    taken = taken.take(taken["technology"] >= 0)
    group = ("technology", "recipe", "group")
    each = grouped.take(np.sort(distinct([grouped[n] for n in group])[0])).only(*group, "amount")
    asked = join(books["activity"].items, each, *group[:2])
    weight = take(grouped["weight"], find_rows(grouped, taken, *group, "material"), np.nan)
    labels = taken.only("unit", "recipe", "group", "material", "period")
    amount = taken["amount_per_year"]
    findings.must("intake: not in the group", labels, ~np.isnan(weight), amount)
    rows, (wanted, counts) = side_by_side(
        asked,
        [asked["amount"] * asked["activity_per_year"]],
        taken,
        [np.nan_to_num(weight) * amount],
        (*RUN, "group"),
    )
    findings.equal("group requirement", rows, counts, wanted, _largest(wanted))


def _blends(findings: Findings, plan: CodedPlan) -> None:
    """Mean of a property, or the share of a material, over the amounts taken into a group."""
    limits, properties = plan.scenario.items("BlendLimits"), plan.scenario.items("Properties")
    if not len(limits):
        return
    taken = with_technology(plan, intakes(plan)).renamed(taken="material")
    rows = join(limits, taken, "technology", "recipe", "group")
    at = place_in(
        [properties["material"], properties["property"]], [rows["taken"], rows["property"]]
    )
    share = (rows["taken"] == rows["material"]).astype(float)
    value = np.where(rows["property"] >= 0, take(properties["value"], at, np.nan), share)
    intake = rows["amount_per_year"]
    by = ("row", "unit", "recipe", "group", "period")
    labels, (total, size, amount) = added_up(
        rows, by, value * intake, np.abs(value) * np.abs(intake), intake
    )
    limit = find_rows(limits, labels, "row")
    where = _numbered(say("BlendLimits row "), labels, *by)
    for check, name, compare in (
        (say("blend: below the minimum"), "min", findings.at_least),
        (say("blend: above the maximum"), "max", findings.at_most),
    ):
        bound = limits[name][limit]
        scale = np.maximum(size, np.abs(np.nan_to_num(bound)) * np.abs(amount))
        compare(check, where, total, bound * amount, np.maximum(scale, _largest(scale)))


def _loads(findings: Findings, books: Accounts, *, relaxed: bool) -> None:
    """Σ capacity_use · activity between min_load and 1 times availability · capacity in service.

    A unit that can idle may also stand still; with relaxed decisions it may run at anything below.
    """
    rows, activity = books["service"].items, books["activity"]
    runs = activity.items.plus(load=activity.amount * activity.items["capacity_use"])
    by = ("unit", "period")
    load = _sums(runs, "load", by, rows)
    available = rows["capacity"] * rows["availability"]
    labels = rows.only(*by)
    floor = _largest(load)
    findings.at_most("unit: over capacity", labels, load, available, floor)
    least = rows["min_load"] * available
    idle = rows["can_idle"] & ((np.abs(load) <= TOLERANCE * np.maximum(available, floor)) | relaxed)
    findings.at_least(
        "unit: below its minimum load", labels, load, np.where(idle, np.nan, least), floor
    )
    table = books.plan["units"]
    columns = ("in_service", "capacity_per_year", "available_per_year", "load_per_year", "jobs")
    ours = [rows["in_service"], rows["capacity"], available, load, rows["jobs"]]
    labels, figures = side_by_side(table, [table[n] for n in columns], rows, ours, by)
    for column, found, expected in zip(columns, figures[:5], figures[5:], strict=True):
        if column == "in_service":
            findings.equal("unit: in service", labels, found, expected, 1.0)
        else:
            findings.equal(f"unit: {column}", labels, found, expected, _largest(expected))


def _candidates(findings: Findings, books: Accounts, *, relaxed: bool) -> None:
    """Built at most once, within its window, whole unless relaxed; choice, requires, sizes."""
    service, units = books.service, books.scenario.active_unit_items
    shape = (len(units), len(books.scenario.periods))
    if not shape[0]:
        return
    labels = books["service"].items.only("unit", "period")
    candidate = units["status"] == books.plan.code("status", "candidate")
    built = service.built
    once, ones = units.only("unit"), np.ones(len(units))
    findings.at_most("candidate: built more than once", once, built.sum(axis=1), ones, INTEGRAL)
    if not relaxed:
        integer = np.round(built)
        findings.equal("candidate: built in part", labels, built.ravel(), integer.ravel(), INTEGRAL)
    first, last = units["earliest_period"], units["latest_period"]
    last = np.where(last < 0, shape[1], last)
    at = np.arange(shape[1])
    outside = candidate[:, None] & ((at < first[:, None]) | (at > last[:, None]))
    limit = np.where(outside, 0.0, np.nan).ravel()
    findings.at_most("candidate: built outside its window", labels, built.ravel(), limit, INTEGRAL)
    chosen = candidate & (units["choice"] >= 0)
    sums, (total,) = added_up(units.take(chosen), ("choice",), built.sum(axis=1)[chosen])
    findings.at_most("choice: more than one built", sums, total, np.ones(len(sums)), INTEGRAL)
    in_service = books["service"].items["any_year"].reshape(shape)
    other = place_in([units["unit"]], [units["requires"]])
    needs = candidate & (units["requires"] >= 0)
    there = np.where((other >= 0)[:, None], in_service[other], 0.0)
    limit = np.where(needs[:, None], there, np.nan).ravel()
    findings.at_most(
        "requires: the other is not in service", labels, in_service.ravel(), limit, INTEGRAL
    )
    small = units["capacity_per_year"]
    span = np.nan_to_num(np.maximum(units["capacity_max_per_year"] - small, 0.0))
    scale = np.repeat(small + span, shape[1])
    extra, most = service.extra_built.ravel(), (span[:, None] * built).ravel()
    findings.at_most("candidate: above its greatest size", labels, extra, most, scale)
    findings.at_least("candidate: below its smallest size", labels, extra, 0.0 * extra, scale)
    _built_table(findings, books, units, labels)


def _built_table(findings: Findings, books: Accounts, units: Items, labels: Items) -> None:
    """The table `built` is of candidates, once each; its capex and jobs are those of its sizes."""
    service, table = books.service, books.plan["built"]
    candidates = units["unit"][units["status"] == books.plan.code("status", "candidate")]
    by = ("unit", "period")
    of_candidate = np.isin(table["unit"], candidates)
    findings.must("built: not a candidate", table.only(*by), of_candidate)
    columns = ("capex_million", "jobs")
    ours = [service.capex.ravel(), (units["jobs"][:, None] * service.built).ravel()]
    is_built = service.built.ravel() != 0.0
    rows, figures = side_by_side(
        table,
        [table[n] for n in columns],
        labels.take(is_built),
        [figure[is_built] for figure in ours],
        by,
    )
    for column, found, expected in zip(columns, figures[:2], figures[2:], strict=True):
        check = f"built: {column.removesuffix('_million')}"
        findings.equal(check, rows, found, expected, _largest(expected))


def _budget(findings: Findings, books: Accounts) -> None:
    """Σ capex of what is built in a period ≤ budget."""
    sheet = books.scenario.items("Budget")
    spent = books.service.capex.sum(axis=0)[sheet["period"]]
    findings.at_most(
        "budget", sheet.only("period"), spent, sheet["budget_million"], _largest(spent)
    )


def _markets(findings: Findings, plan: CodedPlan, places: Places) -> None:
    """min ≤ sold ≤ max for every row of Markets in force."""
    rows = rows_in_force(plan.scenario, "Markets")
    amount = _sums(plan["sales"], "amount_per_year", ("row", "period"), rows)
    floor, labels = places.floor(rows["material"]), _numbered(say("Markets row "), rows, *PLACE)
    findings.at_most("market: over its maximum", labels, amount, rows["max_per_year"], floor)
    findings.at_least("market: under its minimum", labels, amount, rows["min_per_year"], floor)


def _disposal(findings: Findings, plan: CodedPlan, places: Places) -> None:
    """Σ disposed under a row ≤ capacity_per_year; over the horizon, of a key ≤ total_capacity."""
    table, scenario = plan["disposal"], plan.scenario
    floor = float(places.floor(table["material"]).max(initial=0.0))
    rows = rows_in_force(scenario, "Disposal")
    amount = _sums(table, "amount_per_year", ("row", "period"), rows)
    labels = _numbered(say("Disposal row "), rows, *PLACE)
    findings.at_most("disposal: over capacity", labels, amount, rows["capacity_per_year"], floor)
    sheet = scenario.items("Disposal")
    limited = sheet.take(~np.isnan(sheet["total_capacity"]))
    years = np.array([float(p.years) for p in scenario.periods])
    ever = rows.plus(total=amount * years[rows["period"]])
    by = ("site", "material")
    keys, (total,) = added_up(ever, by, ever["total"])
    # A blank material is a key too.
    at = place_in([keys[n] + 1 for n in by], [limited[n] + 1 for n in by])
    key = [name or "" for name in plan.codes.names("material", limited["material"]).tolist()]
    where = limited.only("site").plus(key=np.array(key, dtype=object))
    scale = floor * float(years.sum())
    findings.at_most(
        "disposal: over total capacity", where, take(total, at), limited["total_capacity"], scale
    )


def _stockpiles(findings: Findings, plan: CodedPlan, places: Places) -> None:
    """L[t] = L[t−1] + years · (added − reclaimed), within capacity and the bounds at the end."""
    scenario, table = plan.scenario, plan["stockpiles"]
    count = len(scenario.periods)
    rows = cross(scenario.items("Stockpiles"), Items({"period": np.arange(count)}))
    at = find_rows(table, rows, *PLACE)
    added, reclaimed, closing = (
        np.nan_to_num(take(table[c], at)).reshape(-1, count)
        for c in ("added_per_year", "reclaimed_per_year", "closing")
    )
    years = np.array([float(p.years) for p in scenario.periods])
    opening = rows["opening"].reshape(-1, count)
    before = np.hstack([opening[:, :1], closing[:, :-1]])
    moved = (np.abs(added) + np.abs(reclaimed)) * years
    floor, labels = places.floor(rows["material"]), rows.only(*PLACE)
    scale = np.maximum(np.maximum(np.abs(before), moved).ravel(), floor)
    level = closing.ravel()
    expected = (before + years * (added - reclaimed)).ravel()
    findings.equal("stockpile: level", labels, level, expected, scale)
    reported = take(table["opening"], at, np.nan)
    present = ~np.isnan(reported)
    findings.equal(
        "stockpile: opening",
        labels.take(present),
        reported[present],
        before.ravel()[present],
        scale[present],
    )
    findings.at_most("stockpile: over capacity", labels, level, rows["capacity"], scale)
    last = rows["period"] == count - 1
    least = np.where(last, rows["closing_min"], np.nan)
    most = np.where(last, rows["closing_max"], np.nan)
    findings.at_least("stockpile: too little left", labels, level, least, scale)
    findings.at_most("stockpile: too much left", labels, level, most, scale)
    taken, closed = rows["max_reclaim_per_year"], np.where(rows["can_add"], np.nan, 0.0)
    findings.at_most("stockpile: reclaimed too fast", labels, reclaimed.ravel(), taken, floor)
    findings.at_most("stockpile: cannot be added to", labels, added.ravel(), closed, floor)


def _emission_limits(findings: Findings, books: Accounts) -> None:
    """emitted ≤ limit + excess in every scope, as the table says."""
    limits = books.limits
    emitted, excess, cost = limits["emitted"], limits["excess"], limits["cost"]
    gross = np.maximum(limits["gross"], FLOOR * limits["gross"].max(initial=0.0))
    labels = limits.only("pollutant", "scope", "key", "period")
    limit = limits["limit_per_year"]
    findings.at_most("emission: over the limit", labels, emitted - excess, limit, gross)
    free = ~np.isnan(limits["penalty"]) | (excess <= TOLERANCE * gross)
    findings.must("emission: excess without a penalty", labels, free, excess)
    table = books.plan["emission_limits"]
    reported, paid = (
        _sums(table, column, ("row", "period"), limits)
        for column in ("emitted_per_year", "cost_million_per_year")
    )
    findings.equal("emission limit: emitted", labels, reported, emitted, gross)
    findings.equal("emission limit: cost", labels, paid, cost, _largest(cost))


def _emission_table(findings: Findings, books: Accounts) -> None:
    """The table of emissions follows from the factors."""
    ours, table = books.emitted, books.plan["emissions"]
    key = ("pollutant", "kind", "site", "period")
    rows, (expected, reported) = side_by_side(
        ours, [ours["tonnes"]], table, [table["tonnes_per_year"]], key
    )
    largest = np.zeros(books.plan.codes.size("pollutant") + 1)
    np.maximum.at(largest, rows["pollutant"], np.abs(expected))
    findings.equal("emissions", rows, reported, expected, FLOOR * largest[rows["pollutant"]])


def _synergies(findings: Findings, plan: CodedPlan) -> None:
    """joint_activity ≤ every partner's activity / ratio, and ≤ max_per_year."""
    table, sheet = plan["synergies"], plan.scenario.items("Synergies")
    if not len(table):
        return
    at = find_rows(sheet, table, "synergy")
    joint = table["joint_activity_per_year"]
    most, labels = take(sheet["max_per_year"], at, np.nan), table.only("synergy", "period")
    findings.at_most("synergy: over its maximum", labels, joint, most)
    both = join(table, partners(plan), "synergy")
    runs = _sums(plan["activity"], "activity_per_year", ("unit", "period"), both)
    sent = _sums(plan["flows"], "sent_per_year", ("from", "to", "period"), both)
    does = np.where(both["kind"] == plan.code("kind", "flow"), sent, runs)
    joint = both["joint_activity_per_year"]
    findings.at_most(
        "synergy: a partner does less",
        both.only("synergy", "partner", "period"),
        joint,
        does / both["ratio"],
        _largest(joint),
    )


def _costs(findings: Findings, books: Accounts) -> None:
    """The columns of money in the tables follow from amounts and prices, row by row."""
    way, run = ("from", "to", "material", "period"), ("unit", "recipe", "site", "period")
    checked = (
        ("supply", "cost_million_per_year", ("streams", "purchases"), -1.0, PLACE),
        ("flows", "transport_million_per_year", ("transport",), -1.0, way),
        ("flows", "transactions_million_per_year", ("transactions",), -1.0, way),
        ("activity", "processing_million_per_year", ("processing",), -1.0, run),
        ("sales", "income_million_per_year", ("income",), 1.0, PLACE),
        ("sales", "premium_million_per_year", ("synergy",), 1.0, PLACE),
        ("disposal", "cost_million_per_year", ("disposal",), -1.0, PLACE),
        ("synergies", "value_million_per_year", ("synergy",), 1.0, ("synergy", "period")),
    )
    for name, column, groups, sign, labels in checked:
        ledger = books[name]
        if not len(ledger.items):
            continue
        ours = sign * np.sum([ledger.money[group] for group in groups], axis=0)
        scale = np.maximum(_largest(ours), 1.0 / MILLION * FLOOR)
        where, booked = ledger.items.only(*labels), ledger.items[column]
        findings.equal(f"{name}: {column}", where, booked, ours, scale)
    table = books.plan["stockpiles"]
    parts = [books[name].money["stockpiles"] for name in ("added", "reclaimed", "held")]
    ours = -np.sum(parts, axis=0)
    findings.equal(
        "stockpiles: cost_million_per_year",
        table.only(*PLACE),
        table["cost_million_per_year"],
        ours,
        _largest(ours),
    )
