"""Words of tables: headings made of the columns' names, and closed words in their cells.

Tables in Python and in CSV files stay English; where a person reads them, a heading is the words
of its column, and a cell that holds one of a few words (a status, a kind, a rule) holds it in the
language in force. Names are never translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from circflow.data.changes.address import spoken_address, spoken_change
from circflow.data.schema.sheets import MAIN, ROAD
from circflow.i18n import ENGLISH, current, mark, say, say_in
from circflow.i18n.names import shown_column, shown_measure, shown_sheet, shown_word

UNSETTLED = mark("not found: the searches over decisions did not settle")
"""What is said of a break-even that no search confirms."""
HEADINGS = (
    mark("advice"),
    mark("cost streams"),
    mark("cost purchases"),
    mark("cost processing"),
    mark("cost fixed"),
    mark("cost transport"),
    mark("cost transactions"),
    mark("cost disposal"),
    mark("cost stockpiles"),
    mark("cost emissions"),
    mark("cost capital"),
    mark("waste arising"),
    mark("waste converted"),
    mark("waste disposed"),
    mark("waste reclaimed"),
    mark("right share"),
    mark("lowest worth"),
    mark("highest worth"),
    mark("mean regret"),
    mark("highest regret"),
    mark("stands"),
    mark("pair"),
    mark("interaction"),
    mark("library material"),
    mark("sure"),
    mark("question"),
    mark("alike"),
    mark("from million"),
    mark("to million"),
    mark("slope million"),
    mark("hedge"),
    mark("warning"),
    mark("meaning"),
    mark("mean period"),
    mark("share now"),
    mark("share of risk"),
    mark("share right"),
    mark("base above"),
    mark("base below"),
    mark("above"),
    mark("below"),
    mark("money"),
    mark("load share"),
    mark("added"),
    mark("alone"),
    mark("amount per unit"),
    mark("arising"),
    mark("available"),
    mark("average cost"),
    mark("baseline"),
    mark("benefit cost internal"),
    mark("benefit cost market"),
    mark("binds"),
    mark("blends"),
    mark("break even"),
    mark("break even capex"),
    mark("budget"),
    mark("built"),
    mark("buyer"),
    mark("capacity rent"),
    mark("capital"),
    mark("category"),
    mark("chain"),
    mark("chains"),
    mark("check"),
    mark("closing"),
    mark("co2 change t"),
    mark("converted"),
    mark("cost"),
    mark("cost per tonne co2"),
    mark("cost per tonne diverted"),
    mark("cost unit"),
    mark("could gain"),
    mark("direction"),
    mark("discounted"),
    mark("disposal"),
    mark("disposed"),
    mark("distance"),
    mark("effect"),
    mark("effective uses"),
    mark("emission limits"),
    mark("emission price"),
    mark("emissions"),
    mark("end"),
    mark("end amount"),
    mark("end material"),
    mark("end per unit"),
    mark("end site"),
    mark("end unit of measure"),
    mark("enters at"),
    mark("error"),
    mark("excess"),
    mark("fee"),
    mark("figure"),
    mark("fixed"),
    mark("found"),
    mark("gain"),
    mark("gain with"),
    mark("gain without"),
    mark("goals"),
    mark("group"),
    mark("high"),
    mark("id"),
    mark("in plan"),
    mark("inputs"),
    mark("investor"),
    mark("irr internal"),
    mark("irr internal end"),
    mark("irr market"),
    mark("irr market end"),
    mark("item"),
    mark("jobs (job-years)"),
    mark("jobs change"),
    mark("joiner"),
    mark("keeps out"),
    mark("last"),
    mark("leaver"),
    mark("link capacity"),
    mark("load"),
    mark("loss"),
    mark("loss share"),
    mark("low"),
    mark("made"),
    mark("marginal cost"),
    mark("marginal value"),
    mark("market"),
    mark("market limit"),
    mark("market price"),
    mark("market price of"),
    mark("max"),
    mark("members"),
    mark("message"),
    mark("met"),
    mark("min"),
    mark("min load"),
    mark("name"),
    mark("note"),
    mark("now"),
    mark("npv internal"),
    mark("npv market"),
    mark("objective"),
    mark("opening"),
    mark("other"),
    mark("others change"),
    mark("outlets"),
    mark("outputs"),
    mark("own change"),
    mark("own jobs"),
    mark("payback internal years"),
    mark("payback internal years end"),
    mark("payback market years"),
    mark("payback market years end"),
    mark("periods"),
    mark("point"),
    mark("possible"),
    mark("premium"),
    mark("processing"),
    mark("profit"),
    mark("proven"),
    mark("purchases"),
    mark("reason"),
    mark("received"),
    mark("recipe"),
    mark("reclaimed"),
    mark("reduced cost"),
    mark("reference"),
    mark("region"),
    mark("requirement"),
    mark("role"),
    mark("sale"),
    mark("scenario"),
    mark("scope"),
    mark("seller"),
    mark("sent"),
    mark("share of what is available"),
    mark("sheet"),
    mark("sites"),
    mark("source"),
    mark("source amount"),
    mark("source kind"),
    mark("source material"),
    mark("source site"),
    mark("source unit of measure"),
    mark("state"),
    mark("status"),
    mark("step"),
    mark("steps"),
    mark("stockpiles"),
    mark("streams"),
    mark("supply"),
    mark("taken"),
    mark("together"),
    mark("total"),
    mark("transactions"),
    mark("transport"),
    mark("units"),
    mark("use"),
    mark("used share"),
    mark("uses"),
    mark("variable cost"),
    mark("waste"),
    mark("waste dumped change t"),
    mark("waste used change t"),
    mark("weakest lacks"),
    mark("weakest step"),
    mark("with"),
    mark("within budget"),
    mark("worth there"),
    mark("site"),
    mark("to"),
    mark("from"),
    mark("material"),
    mark("unit"),
    mark("member"),
    mark("period"),
    mark("kind"),
    mark("technology"),
    mark("amount"),
    mark("capacity"),
    mark("price"),
    mark("value"),
    mark("mode"),
    mark("pollutant"),
    mark("limit"),
    mark("emitted"),
    mark("key"),
    mark("jobs"),
    mark("capex"),
    mark("income"),
    mark("rank"),
    mark("choice"),
    mark("parameter"),
    mark("low effect"),
    mark("high effect"),
    mark("low effect million"),
    mark("high effect million"),
    mark("lowest"),
    mark("highest"),
    mark("best"),
    mark("verdict"),
    mark("plan"),
    mark("objective million"),
    mark("short of best"),
    mark("moves"),
    mark("from factor"),
    mark("to factor"),
    mark("activity"),
    mark("synergy"),
    mark("joint activity"),
    mark("what"),
    mark("change"),
    mark("target"),
    mark("indicator"),
    mark("rule"),
    mark("row"),
    mark("tier"),
    mark("share"),
    mark("where"),
    mark("expected"),
    mark("severity"),
    mark("cell"),
    mark("column"),
    mark("years"),
    mark("seconds"),
    mark("run"),
    mark("gap"),
    mark("how"),
    mark("first tonne value"),
    mark("takes"),
    mark("makes"),
    mark("pays"),
    mark("confidence"),
    mark("readiness"),
    mark("sources"),
    mark("future"),
    mark("probability"),
    mark("worth"),
    mark("mean decisions"),
    mark("tax"),
    mark("base"),
    mark("of"),
    mark("adds"),
    mark("lacks"),
    mark("figures"),
    mark("distance km"),
    mark("cost per unit"),
    mark("sold"),
    mark("bought"),
    mark("stocked"),
    mark("dumped"),
    mark("recovered"),
    mark("property"),
    mark("measure"),
    mark("becomes"),
    mark("substance"),
    mark("study"),
    mark("values"),
    mark("decisions"),
    mark("samples"),
    mark("infeasible"),
    mark("feasible"),
    mark("optimal"),
)
"""Words of columns that no block declares."""

_WORDS = frozenset(
    {
        mark("optimal"),
        mark("as it stands"),
        mark("feasible"),
        mark("infeasible"),
        mark("unbounded"),
        mark("stopped"),
        mark("relaxed"),
        mark("existing"),
        mark("candidate"),
        mark("off"),
        mark("yes"),
        mark("no"),
        mark("build"),
        mark("wait"),
        mark("met"),
        mark("given"),
        mark("computed"),
        mark("costs"),
        mark("limits"),
        mark("material"),
        mark("stream"),
        mark("purchase"),
        mark("input"),
        mark("output"),
        mark("waste"),
        mark("intermediate"),
        mark("product"),
        mark("energy"),
        mark("exchange"),
        mark("infrastructure"),
        mark("cluster"),
        mark("region"),
        mark("member"),
        mark("site"),
        mark("unit"),
        mark("unit idle"),
        mark("outside"),
        mark("members"),
        mark("number"),
        mark("share"),
        mark("jobs"),
        mark("links"),
        mark("pairs"),
        mark("units"),
        mark("waste arising"),
        mark("waste converted"),
        mark("waste disposed"),
        mark("use share"),
        mark("units built"),
        mark("exchanges"),
        mark("exchanged"),
        mark("mean distance"),
        mark("transport work"),
        mark("partnerships"),
        mark("as it is"),
        mark("conventional"),
        mark("digital"),
        mark("open ecosystem"),
        mark("owen"),
        mark("unknown"),
        mark("shapley"),
        mark("nucleolus"),
        mark("volume"),
        mark("equal"),
        mark("own money"),
        mark("in every good plan"),
        mark("in some"),
        mark("in none"),
        mark("in every plan within 1 %"),
        mark("in no plan within 1 %"),
        mark("complements"),
        mark("substitutes"),
        mark("independent"),
        mark("exclude each other"),
        mark("one needs the other"),
        mark("no plan without both"),
        mark("no room for one of them beside what is built"),
        mark("(no stage)"),
        mark("by-products"),
        mark("factor"),
        mark("gains"),
        mark("loses"),
        mark("waste reclaimed"),
        mark("worth p5"),
        mark("worth p50"),
        mark("worth p95"),
        mark("sample"),
        mark("jobs in the last period"),
        mark("add"),
        mark("set"),
        mark("between members"),
        mark("through hubs"),
        mark("links in use"),
        mark("transport cost"),
        mark("transaction cost"),
        mark("purchases"),
        mark("transactions"),
        mark("emissions"),
        mark("capital"),
        mark("freight"),
        mark("price"),
        mark("capex"),
        mark("firm"),
        mark("likely"),
        mark("doubtful"),
        mark("cost"),
        mark("indicator"),
        mark("chains"),
        mark("streams"),
        mark("stockpiles"),
        mark("fixed"),
        mark("processing"),
        mark("transport"),
        mark("t·km"),
        mark("km"),
        mark("t/yr"),
        mark("capacity"),
        mark("blend"),
        mark("main"),
        mark("balance"),
        mark("max"),
        mark("min"),
        mark("number of decisions"),
        mark("waste used"),
        mark("waste dumped"),
        mark("emitted"),
        mark("joining"),
        mark("coalitions"),
        mark("samples"),
        mark("futures"),
        mark("portfolios"),
        mark("runs"),
        mark("knowing"),
        mark("excess capacity"),
        mark("relayed"),
        mark("subsidy"),
        mark("core empty"),
        mark("investment"),
        mark("inside"),
        mark("capacity-years"),
        mark("units of activity"),
        mark("/yr"),
        mark("currency"),
        mark("million currency/yr"),
        mark("study"),
        mark("indicators"),
        mark("plan"),
        mark("mean worth"),
        mark("pairs of members"),
        mark("full"),
        mark("read"),
        mark("solve"),
        mark("waiting"),
        mark("leave"),
        mark("closed"),
        mark("open"),
        mark("wait and see"),
        mark("reads"),
        mark("audit"),
        mark("settled by"),
        mark("exact"),
        mark("slope"),
        mark("swing"),
        mark("low status"),
        mark("high status"),
        mark("reaches low"),
        mark("reaches high"),
        mark("without plan"),
        mark("lowest by"),
        mark("highest by"),
        mark("built share"),
        mark("agree share"),
        mark("overturned by"),
        mark("overturned at"),
        mark("overturns"),
        mark("firmness"),
        mark("figure there"),
        mark("low gain"),
        mark("high gain"),
        mark("least core epsilon"),
        mark("least core proven"),
        mark("nucleolus proven"),
        mark("owen theorem applies"),
        mark("owen theorem why not"),
        mark("shapley exact"),
        mark("coalitions solved"),
        mark("load capacity years"),
        mark("million"),
        mark("change"),
        mark("more"),
        mark("less"),
        mark("received"),
        mark("paid"),
        mark("result"),
        mark("objective"),
        mark("net benefit"),
        mark("income"),
        mark("synergy"),
        mark("currency/unit"),
        mark("million currency"),
        mark("solving"),
        mark("reading"),
        mark("writing"),
        mark("building the model"),
        mark("auditing"),
        mark("checking"),
        mark("gate fee"),
        mark("market"),
        mark("disposal"),
        mark("stockpile"),
        mark("sold"),
        mark("disposed"),
        mark("arises"),
        mark("bought"),
        mark("stocked"),
        mark("reclaimed"),
        mark("lost"),
        mark("converted"),
        mark("free"),
        mark("fixed"),
        mark("forbidden"),
        mark("sheet"),
        mark("in the plan"),
        mark("not met"),
        mark("without a plan"),
        mark("every member alone"),
        mark("all together"),
        mark("disposed of"),
        mark("unexplained"),
        mark("stock"),
        mark("used"),
        mark("round again"),
        mark("no flow"),
        mark("gap"),
        mark("jobs in the last period"),
        mark("sold in the plan"),
        mark("not built"),
        mark("in service"),
        mark("idle"),
        mark("emission limit"),
        mark("budget"),
        mark("link"),
        mark("journey"),
        mark("conversion"),
        mark("synergies"),
        mark("room under emission limits"),
        mark("room in the budget"),
        mark("rules between candidates"),
        mark("internal price"),
        mark("right"),
        mark("rebuilt"),
        mark("alone"),
        mark("alike"),
        mark("stated"),
        mark("full name"),
        mark("synonym"),
        mark("integration"),
    }
)
"""Closed words in cells."""

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
