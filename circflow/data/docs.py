"""`docs/data.md`, the reference of a scenario's sheets and columns, made from the schema.

`python -m circflow.data.docs` prints it, with a language behind it in that language; a test fails
when a file is not current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from circflow.data.files.template import default_value
from circflow.data.scenario import key_of
from circflow.data.schema.sheets import SCENARIO_KEYS, SHEETS, Column, Sheet
from circflow.i18n import ENGLISH, language, localised, say

HEAD = """\
# The scenario file

<!-- Made from the schema: python -m circflow.data.docs > docs/data.md -->

A scenario is one Excel workbook (`.xlsx`) or a folder of CSV files. Every sheet is a table: row 1
holds the names of the columns, every row below it is a record. `circflow template FILE.xlsx`
makes an empty workbook with all of it, `circflow check FILE.xlsx` lists what is wrong in yours,
cell by cell, and `circflow convert FROM TO` turns a workbook into a folder and back.

## How cells are read

**Sheets and columns.** Their order is free. Sheets that are marked *required* must exist; an empty
optional sheet is as if it were not there. A sheet or column with an unknown name is an error that
names the closest known one. Yours alone, and not read, are sheets whose name begins with `_` or
`#` and columns whose name begins with `note` or `source`; they are kept when the file is written.
The sheet `_readme` is made anew every time.

**Names** may be in any script. They are matched exactly after white space at both ends is taken
off, so `Slag` and `slag` are two materials. A name typed as a whole number is its digits: a period
may be called 2026.

**Blank cells** take the default that the tables below give. Where a maximum is left blank there is
no limit. A cell with nothing but spaces is blank.

**Numbers** are best typed as numbers. In a number typed as text a comma or a point is the decimal
sign and spaces separate thousands: `1 250,5` is 1250.5. Nothing else may occur, a sign and an
exponent (`2e-5`) apart.

**Sizes.** A figure is 0 or of a size between 1e-9 and 1e15 (*possible* in the tables below, where
the column does not say otherwise); between these any figure is solved right, whatever its
neighbours (see [sizes](results.md#sizes)). Beyond them it is an error at its cell. Outside the
*plausible* sizes, which no region has, it is a warning. Unlimited is a blank cell; a maximum that
cannot be reached is as good as blank. The same holds for `--set`, changes and studies.

**Yes and no** may be written `yes`/`no`, `да`/`нет`, `true`/`false` or `1`/`0`, in any case.

**Formulas** are read by the value that Excel last calculated. A formula without a value and an
error such as `#N/A` are reported with their cell. In merged cells only the first holds a value;
the others of the same records are reported. Hidden sheets and hidden or filtered rows are read
like any other, with a warning.

**Periods.** Where a sheet has a column `period` that may be blank, a blank period means every
period. A row that names a period replaces, in that period, the blank-period row of the same key.

**Units.** Amounts are in the material's own unit (mostly t) per year; prices and costs are in
currency per unit of material; columns that end in `_million` or `_million_per_year` are in million
currency.

**Keys.** Two rows with the same key are an error. The key stands below each sheet's title.

## As a folder of CSV files

One file per sheet, named like it: `Sites.csv`, `Materials.csv` and so on. The files are UTF-8; the
delimiter may be a comma, a semicolon or a tab, and is recognised by the header. Row numbers in
messages count records. Text that Excel would take for a formula is written with an apostrophe in
front, which reading takes off again. The colours, notes and lists of the workbook are not kept:
they are made again when a workbook is written.
"""


RULES: dict[str, str] = {
    "Periods": """\
A period's rates are per year; stocks and capital run on from one period to the next.""",
    "Members": """\
If the sheet exists it names every member; without it the members are those named in Sites.""",
    "Sites": """\
A blank `member` is a place outside the cluster: a market town, a port. A hub may receive and
forward any material. A site without both coordinates has no automatic links, and its explicit
links need a `distance_km` from one of their rows (or a `cost`, where that mode emits nothing).""",
    "Materials": """\
`modes` lists the transport modes allowed, separated by commas; `none` means that the material
never leaves its site. No row of Links opens a mode that the material does not allow.""",
    "Streams": """\
With `must_handle` all of the stream has to go somewhere: converted, stocked, sold or disposed
of. Without, up to that amount may be taken.""",
    "Stockpiles": """\
What is added and reclaimed counts per year; the level changes by the years of the period.
`closing_min` and `closing_max` bound what is left after the last period.""",
    "Purchases": """\
With a blank site the material can be bought at every site with a unit that uses it, and
`max_per_year` holds at each. A row that names a site replaces the blank-site row of that
material there, in the periods in which it is in force.""",
    "Recipes": """\
Plain input rows of one material add up. Inputs that share a `group` replace one another: the sum
of weight times amount taken in equals the group's `amount`, which stands alike on all rows of
the group. A material is once in a group; outputs have no group. Several recipes of one
technology are alternatives that share the unit's capacity.""",
    "PropertyKinds": """\
Read by the check and by reports; a plan does not depend on it. [substances.md](substances.md) tells
how recipes are balanced.""",
    "Losses": """\
What a recipe loses beyond the property's `loss_share` needs a row here.""",
    "BlendLimits": """\
Exactly one of `property` and `material` is given. A limit on a property bounds its mean over the
amounts taken into the group, and every material of the group needs a value in Properties; a
limit on a material bounds its share in those amounts. Weights do not matter here.""",
    "Units": """\
Capacity is counted in units of activity times `capacity_use`. A unit runs at `min_load` or more
of its available capacity; one that `can_idle` may also stand still. `status` off: the unit is
ignored.

A candidate needs `capex_million`. With `capacity_max_per_year` (which needs `capex_max_million`)
it may be built at any size between the two; its capex, and its fixed cost where a maximum is
given, lie on the straight line between. Of the candidates that share a `choice` at most one is
built. The columns from `lifetime_years` to `ramp_up` act on candidates only.

A candidate's capital is committed in the period in which it is decided; service begins
`construction_years` later, may be in the middle of a period, and runs to the end of the last
period that starts before its lifetime is over. `ramp_up` lists the shares of its capacity in the
first years of service (`0.5; 0.8`: half in the first year, four fifths in the second, then all).
In a period of several years its capacity is the mean over the years, and fixed cost, jobs and
capital charge count by the share of the years in service. With `construction_years` an annuity
begins with service and pays the interest of the years before.""",
    "UnitPeriods": """\
For a plant that closes or stands for repair. Capacity 0 does not take a unit out of service. A
candidate's capacity is not replaced; of a range of sizes the smaller size's fixed cost is.""",
    "Modes": """\
A mode with no row for a period does not run in it. `auto` is read from the mode's first row.""",
    "Links": """\
*Automatic links* are made where `auto_links` is yes: for each mode with `auto`, from every site
that can have a material to every other site that can take it, no longer than `max_distance_km`.
A site can have what arises, is stocked, bought or made there; it can take what its units use,
its markets buy, its disposal accepts or its stockpile keeps; a hub can have and take everything.

*Rows* change or add links, in one direction. A blank material or mode covers every link there is
between the two sites. As an addition a row adds the mode it names, or else every mode with
`auto`, for the material it names, or else for everything that one site can have and the other
can take. Where several rows cover a link, each cell is taken from the row that names most
(material before mode) among those that fill it. If that row is `forbidden` the link is removed.
The capacity of each row holds, shared by all that the row covers. Rows are not bound by
`max_distance_km`.""",
    "Markets": """\
Each row of several for one site and material is a price tier with its own minimum and maximum.""",
    "Disposal": """\
The capacities are shared by all that a row covers. `total_capacity` counts all that is disposed
of under the row's key over the whole horizon, and may only stand on a row with a blank period.
Where two rows cover the same material at one site, both are open to it.""",
    "EmissionFactors": """\
What `key` names depends on `kind`: recipe: `technology` or `technology/recipe` (per activity);
transport: a mode (per unit and kilometre); disposal, purchase, sale and stream: a material (per
unit); stockpile: a material (per unit held at a period's end, per year). A row with a key
replaces the blank-key row of its kind, and `technology/recipe` replaces `technology`. A negative
factor of a sale is what is avoided elsewhere.""",
    "EmissionLimits": """\
`key` names the region, member, site or unit, and is blank for the cluster. With a `penalty` the
limit may be exceeded at that cost; without, it is hard. Transport counts where the journey
starts; a unit counts its recipes only; the cluster counts everything, places outside included.""",
    "SynergyPartners": """\
A partner of kind flow is written `from>to`: everything sent that way, per year. A unit's
activity is the sum over its recipes.""",
    "Budget": "A period without a row is not limited.",
    "Studies": """\
A parameter is an address of cells, `Sheet.column[column=value, …]`, for example
`Markets.price[material=slag cement]` or `Scenario.discount_rate`; without a filter it means
every row. Either `from`, `to` and `steps` are given, or a list of `values` separated by
semicolons.""",
    "Ranges": """\
`low` and `high` are a factor, an addition or a value, as `change` says. Triangular has its peak
at the scenario's own value; for normal and lognormal they are the 5 % and 95 % quantiles.""",
    "Futures": """\
Probabilities add up to 1 (to 0.001; they are then scaled to exactly 1). A future without rows in
FutureChanges is the scenario itself. See [futures](futures.md).""",
    "FutureChanges": """\
The parameter is an address as in Studies, and only columns of numbers may be changed; addresses
name rows of the scenario as given. Limits of figures are judged after all changes of a future.

`off` takes no value: what the parameter names stands still in `period`. `Units[unit=…]`: no
activity and no least load; its fixed cost and jobs stay. `Members[member=…]`: all units of the
member. `Links[from=…, to=…]`: nothing goes directly from the one to the other, whether or not
Links has a row. `Modes[mode=…]`: nothing goes by it. `Markets[site=…, material=…]`: nothing is
sold and there is no least sale.

What belongs to the decision cannot be changed: Periods, Budget, `discount_rate`,
`capital_charge`, and of Units `status`, `lifetime_years`, `earliest_period`, `latest_period`,
`choice`, `requires`, `construction_years`, `ramp_up`, `capacity_max_per_year`, and
`capacity_per_year` of a candidate that has a `capacity_max_per_year`.""",
}
"""What a planner must know of a sheet beyond its columns."""


def messages() -> Iterator[tuple[str, str]]:
    """The file and the message, of every sheet and column, and of what is told beyond them."""
    for text in (HEAD, *RULES.values()):
        yield "circflow/data/docs.py", text
    texts = [sheet.meaning for sheet in SHEETS]
    for column in (*SCENARIO_KEYS, *(c for sheet in SHEETS for c in sheet.columns)):
        texts += [column.meaning, column.unit, column.blank]
    for text in texts:
        yield "circflow/data/schema/sheets.py", text


def data_reference() -> str:
    """The text of `docs/data.md`."""
    parts = [say(HEAD), "## " + say("Sheets") + "\n", _overview()]
    parts += [_sheet_section(sheet) for sheet in SHEETS]
    return "\n".join(parts)


def _overview() -> str:
    lines = [say("| sheet | | what it holds |"), "| --- | --- | --- |"]
    for sheet in SHEETS:
        need = say("required") if sheet.required else ""
        link = f"[{sheet.shown}](#{sheet.shown.lower().replace(' ', '-')})"
        lines.append(f"| {link} | {need} | {table_cell(say(sheet.meaning))} |")
    return "\n".join(lines) + "\n"


def _sheet_section(sheet: Sheet) -> str:
    lines = [f"## {sheet.shown}", "", say(sheet.meaning), "", _key_words(sheet), ""]
    if sheet.name in RULES:
        lines += [say(RULES[sheet.name]), ""]
    lines += column_table(sheet.columns, say("column"))
    if sheet.name == "Scenario":
        lines += ["", say("The keys, one a row:"), ""]
        lines += column_table(SCENARIO_KEYS, say("key"))
    return "\n".join(lines) + "\n"


def _key_words(sheet: Sheet) -> str:
    need = say("The sheet is required.") if sheet.required else say("The sheet is optional.")
    key = key_of(sheet.name) if sheet.periodic and not sheet.key else sheet.key
    names = ", ".join(
        f"`{sheet[name].shown}`" for name in (*key, *(["period"] if sheet.periodic else []))
    )
    if sheet.key:
        rows = say("Key: {names}.", names=names)
    elif sheet.periodic:
        rows = say("There may be several rows of one {names}.", names=names)
    else:
        rows = say("Every row stands by itself.")
    return f"{need} {rows}"


def column_table(columns: tuple[Column, ...], title: str) -> list[str]:
    """A table of columns: meaning, unit, what they may hold, what a blank cell means."""
    lines = [
        say(
            "| {title} | meaning | unit | expected | possible | plausible | where blank |",
            title=title,
        ),
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for column in columns:
        name = f"**{column.shown}**" if column.required else column.shown
        words = [say(column.meaning), say(column.unit), column.expected]
        cells = [name, *words, _possible(column), _plausible(column), _blank(column)]
        lines.append("| " + " | ".join(table_cell(text) for text in cells) + " |")
    return lines


def _possible(column: Column) -> str:
    """Possible figures, by size."""
    if not column.is_number:
        return ""
    bounded = column.low is not None and column.high is not None
    most = max(abs(column.low or 0.0), abs(column.high or 0.0)) if bounded else column.largest
    least = column.smallest
    if column.kind == "integer" or (column.low or 0.0) > least:
        least = max(column.low or 0.0, 0.0)
    least = 0.0 if column.kind == "integer" and least < 1.0 else least
    minus = "±" if column.low is None or column.low < 0.0 else ""
    nought = "" if (column.low_open and column.low == 0.0) or least == 0.0 else "0, "
    nought = "" if (column.low or 0.0) > 0.0 else nought
    sizes = _sizes(least, most, minus)
    return f"{nought}{sizes}".replace("±0 ", "0 ")


def _sizes(least: float, most: float, sign: str = "") -> str:
    text = say("{sign}{least:g} to {sign}{most:g}", sign=sign, least=least, most=most)
    return text.replace("e+", "e")


def _plausible(column: Column) -> str:
    """Figures that are not doubted, by size."""
    if not column.is_number or column.plausible is None:
        return ""
    return _sizes(*column.plausible)


def _blank(column: Column) -> str:
    if column.required:
        return say("must be filled")
    default = default_value(column)
    if default is None:
        return say(column.blank)
    return default if isinstance(default, str) else localised(str(default))


def table_cell(text: str) -> str:
    """Text that stays inside a cell of a Markdown table."""
    escaped = text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    with language(sys.argv[1] if len(sys.argv) > 1 else ENGLISH):
        sys.stdout.write(data_reference())
