"""Words of tables: headings made of the columns' names, and closed words in their cells.

Tables in Python and in CSV files stay English; where a person reads them, a heading is the words
of its column, and a cell that holds one of a few words (a status, a kind, a rule) holds it in the
language in force. Names are never translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from circflow.data.changes.address import spoken_address, spoken_change
from circflow.data.schema.sheets import MAIN, ROAD
from circflow.i18n import ENGLISH, current, mark, say, say_in
from circflow.i18n.names import shown_column, shown_measure, shown_sheet, shown_word

UNSETTLED = mark("not found: the searches over decisions did not settle")
"""What is said of a break-even that no search confirms."""


def _listed(words: str) -> frozenset[str]:
    """Words that commas part."""
    return frozenset(word.strip() for word in words.split(","))


_HEADINGS = _listed("""
    above, activity, added, adds, advice, amount, amount per unit, arising, available,
    average cost, base, base above, base below, baseline, becomes, below, benefit cost internal,
    benefit cost market, best, binds, blends, break even, break even capex, built, buyer,
    capacity rent, category, cell, chain, check, choice, closing, co2 change t, column,
    confidence, cost capital, cost disposal, cost emissions, cost fixed, cost per tonne co2,
    cost per tonne diverted, cost per unit, cost processing, cost purchases, cost stockpiles,
    cost streams, cost transactions, cost transport, cost unit, could gain, decisions, direction,
    discounted, distance, distance km, dumped, effect, effective uses, emission limits,
    emission price, end, end amount, end material, end per unit, end site, end unit of measure,
    enters at, error, excess, expected, fee, figure, figures, first tonne value, found, from,
    from factor, from million, future, gain, gain with, gain without, goals, group, hedge, high,
    high effect, high effect million, highest, highest regret, highest worth, how, id, in plan,
    inputs, interaction, investor, irr internal, irr internal end, irr market, irr market end,
    item, jobs (job-years), jobs change, joiner, joint activity, keeps out, key, kind, lacks,
    last, leaver, library material, limit, link capacity, load, load share, loss, loss share, low,
    low effect, low effect million, lowest, lowest worth, made, makes, marginal cost,
    marginal value, market limit, market price, market price of, mean decisions, mean period,
    mean regret, meaning, measure, message, min load, mode, money, moves, name, note, now,
    npv internal, npv market, objective million, of, opening, other, others change, outlets,
    outputs, own change, own jobs, pair, parameter, payback internal years,
    payback internal years end, payback market years, payback market years end, pays, period,
    periods, point, pollutant, possible, premium, probability, profit, property, proven, question,
    rank, readiness, reason, recipe, recovered, reduced cost, reference, requirement, right share,
    role, row, rule, run, sale, scenario, scope, seconds, seller, sent, severity, share now,
    share of risk, share of what is available, share right, short of best, sites, slope million,
    source, source amount, source kind, source material, source site, source unit of measure,
    sources, stands, state, status, step, steps, substance, supply, sure, taken, takes, target,
    tax, technology, tier, to, to factor, to million, together, total, use, used share, uses,
    value, values, variable cost, verdict, warning, waste dumped change t, waste used change t,
    weakest lacks, weakest step, what, where, with, within budget, worth, worth there, years
""")
"""Words of columns that no block declares and no cell holds."""
_WORDS = _listed("""
    (no stage), /yr, add, agree share, alike, all together, alone, arises, as it is, as it stands,
    audit, auditing, balance, between members, blend, bought, budget, build, building the model,
    built share, by-products, candidate, capacity, capacity-years, capex, capital, chains, change,
    checking, closed, cluster, coalitions, coalitions solved, complements, computed, conventional,
    conversion, converted, core empty, cost, costs, currency, currency/unit, digital, disposal,
    disposed, disposed of, doubtful, emission limit, emissions, emitted, energy, equal,
    every member alone, exact, excess capacity, exchange, exchanged, exchanges,
    exclude each other, existing, factor, feasible, figure there, firm, firmness, fixed,
    forbidden, free, freight, full, full name, futures, gains, gap, gate fee, given, high gain,
    high status, highest by, idle, in every good plan, in every plan within 1 %,
    in no plan within 1 %, in none, in service, in some, in the plan, income, independent,
    indicator, indicators, infeasible, infrastructure, input, inside, integration, intermediate,
    internal price, investment, jobs, jobs in the last period, joining, journey, km, knowing,
    least core epsilon, least core proven, leave, less, likely, limits, link, links, links in use,
    load capacity years, loses, lost, low gain, low status, lowest by, main, market, material,
    max, mean distance, mean worth, member, members, met, million, million currency,
    million currency/yr, min, more, net benefit, no, no flow, no plan without both,
    no room for one of them beside what is built, not built, not met, nucleolus, nucleolus proven,
    number, number of decisions, objective, off, one needs the other, open, open ecosystem,
    optimal, output, outside, overturned at, overturned by, overturns, owen, owen theorem applies,
    owen theorem why not, own money, paid, pairs, pairs of members, partnerships, plan,
    portfolios, price, processing, product, purchase, purchases, reaches high, reaches low, read,
    reading, reads, rebuilt, received, reclaimed, region, relaxed, relayed, result, right,
    room in the budget, room under emission limits, round again, rules between candidates, runs,
    sample, samples, set, settled by, shapley, shapley exact, share, sheet, site, slope, sold,
    sold in the plan, solve, solving, stated, stock, stocked, stockpile, stockpiles, stopped,
    stream, streams, study, subsidy, substitutes, swing, synergies, synergy, synonym, t/yr,
    through hubs, transaction cost, transactions, transport, transport cost, transport work, t·km,
    unbounded, unexplained, unit, unit idle, units, units built, units of activity, unknown,
    use share, used, volume, wait, wait and see, waiting, waste, waste arising, waste converted,
    waste disposed, waste dumped, waste reclaimed, waste used, without a plan, without plan,
    worth p5, worth p50, worth p95, writing, yes
""")
"""Closed words in cells."""


_TABLES = _listed("""
    About, Break points, Built, Candidates, Capital, Decisions, Differences, Effects, Figures,
    Figures of all, Finance, Futures, Knowing, Loads, Numbers, Order of entry, Pairs, Pareto, Plans,
    Price sheets, Questions, Ranges, Runs, Samples, Totals, Turns, Units, Verdicts, Without a plan
""")
"""Tables that are called as they are named in the code."""


def messages() -> Iterator[tuple[str, str]]:
    """The words of tables, columns and cells, for the catalogues: the file and the message."""
    for word in _HEADINGS | _WORDS | _TABLES:
        yield "circflow/report/vocabulary.py", word


FORMS = (mark("as it is"), mark("conventional"), mark("digital"), mark("open ecosystem"))
"""Forms of cluster, scenarios that circflow names itself."""
_NAMES = frozenset(
    (
        *("site", "from", "to", "material", "technology", "study"),
        *("name", "pollutant", "investor", "buyer", "seller", "region", "future"),
        *("tax", "synergy", "property", "joiner", "leaver", "what", "text"),
    )
)
"""Columns of names."""


_MONEY = re.compile(r"(?:million|M)(?: (\w+))?")


def measured(unit: str) -> str:
    """A unit of measure in the language in force; names of plants and the planner's own stay."""
    if current() == ENGLISH:
        return unit
    stem, yearly = unit.removesuffix("/yr"), unit.endswith("/yr")
    if unit.endswith(" over the horizon"):
        return say("{i} over the horizon", i=measured(unit.removesuffix(" over the horizon")))
    if " per " in unit:
        return "/".join(measured(part) for part in unit.split(" per "))
    if unit == "unit":
        return say_in("measure", "unit")
    if unit in _WORDS:
        return say(unit)
    if money := _MONEY.fullmatch(stem):
        stem = say("million {currency}", currency=money[1] or "").rstrip()
    elif stem.endswith("/unit"):
        stem = stem.removesuffix("unit") + say_in("measure", "unit")
    elif stem in _WORDS:
        stem = say(stem)
    else:
        stem = shown_measure(stem)
    return stem + (say("/yr") if yearly else "")


def heading(column: str) -> str:
    """The words of a column."""
    if column == "unit":  # a plant: what things are counted in is unit_of_measure
        return shown_column("Units", "unit")
    if current() != ENGLISH and "." in column.partition(" (")[0][:-1]:
        return _address(column)  # a figure that runs vary, and how
    return goal_heading(column) or _words_of(column.replace("_", " "))


def typed_heading(column: str) -> str:
    """A column as one types it, as an address or a key, in English; elsewhere its words."""
    return column if current() == ENGLISH else heading(column)


def _words_of(words: str) -> str:
    """The words of a column; a unit at its end that they do not translate with it stands apart."""
    shown = say(words)
    stem, space, unit = words.rpartition(" ")
    if current() == ENGLISH or shown != words or not space or unit not in ("million", "t"):
        return shown
    goal, _, pollutant = stem.partition(" ")
    of = f"{say(goal)}: {pollutant}" if goal == "emissions" and pollutant else say(stem)
    return f"{of} ({measured(unit)})"


def goal_heading(column: str) -> str:
    """Of the column of a goal of a trade-off, `disposed (t)`, its words; of others none."""
    head, bracket, how = column.removesuffix(")").partition(" (")
    goal = shown_word("goal", head)
    return f"{goal} ({measured(how)})" if bracket and goal != head else ""


def cell(column: str, text: str) -> str:
    """A text of a table's cell, in the language in force where it is a closed word."""
    if current() == ENGLISH or column in _NAMES:
        return text
    if text in ("True", "False"):
        return say("yes") if text == "True" else say("no")
    if (special := _SPECIAL.get(column)) is not None:
        return special(text)
    return _word(column, text)


def _word(column: str, text: str) -> str:
    if (word := shown_word(column, text)) != text:
        return word
    words = text.replace("_", " ")
    if (stem := text.removesuffix("_million")) != text:
        return f"{say(stem.replace('_', ' '))} ({say('million')})"
    if words != text and text.islower() and (shown := say(words)) != words:
        return shown  # a word of the code, such as `net_benefit`
    return say(text) if text in _WORDS else text


MONEY = ("income", "processing", "purchases", "transport", "transactions", "disposal", "emissions")
"""Groups of money, whose words have other senses elsewhere."""


def _change(text: str) -> str:
    shown = spoken_change(text, current())
    return shown if shown != text else _word("change", text)


def _column(text: str) -> str:
    name = shown_column("", text)
    if name != text:
        return name
    pollutant, comma, scope = text.partition(", ")
    kind, space, key = scope.partition(" ")
    if comma and shown_word("scope", kind) != kind:  # a limit on emissions: `CO2, region Urals`
        return f"{pollutant}, {shown_word('scope', kind)}{space}{key}"
    return say(text) if text in _WORDS else text


def _address(text: str) -> str:
    head, bracket, how = text.removesuffix(")").partition(" (")
    if bracket and text.endswith(")"):  # how it varies: `Markets.price[material=slag] (factor)`
        return f"{spoken_address(head, current())} ({measured(say(how))})"
    return spoken_address(text, current())


def _steps(text: str) -> str:
    """The steps of a chain: names, but for how it begins, rests and ends."""
    *steps, end = text.split(" > ")
    shown = [say(step) if step == "store" else _source(step) for step in steps]
    return " > ".join([*shown, say(end) if end in _WORDS else end])


def _source(step: str) -> str:
    for word in (" (stockpile)", " (bought)"):
        if step.endswith(word):
            return step.removesuffix(word) + say(word)
    return step


_SPECIAL: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("unit", "unit_of_measure", "source_unit_of_measure", "cost_unit"), measured),
    **dict.fromkeys(
        ("parameter", "settled_by", "overturned_by", "lowest_by", "highest_by"), _address
    ),
    "sheet": shown_sheet,
    "steps": _steps,
    "recipe": lambda text: shown_word("recipe", text) if text == MAIN else text,
    "mode": lambda text: shown_word("mode", text) if text == ROAD else text,
    **dict.fromkeys(("advice", "meaning"), say),
    "scenario": lambda text: say(text) if text in FORMS else text,
    "change": _change,
    "item": lambda text: say(text) if text in MONEY else _word("item", text),
    **dict.fromkeys(("column", "limit"), _column),
    "figure": lambda text: say(text) if text in MONEY else _word("figure", text),
}
"""Columns whose texts are units of measure, addresses, names of sheets and columns."""
