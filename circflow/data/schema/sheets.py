"""Every sheet and column of a scenario: meaning, unit, key, range, default, reference.

The schema alone knows a column. Reading, checking, the defaults, the template and
`docs/data.md` all come from the tables below, so a new column is a line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from circflow.data.schema.indicators import COMPUTED, EMITTED
from circflow.i18n import mark, say
from circflow.i18n.names import shown_column, shown_sheet, shown_word

Kind = Literal["name", "text", "number", "integer", "flag", "choice", "names", "shares"]
"""What a cell holds: an identifier, free text, a number, a whole number, yes/no, one of a
list of words, several identifiers separated by commas, or several shares separated by
semicolons."""

IGNORED_SHEET_MARKS = ("_", "#")
"""Sheets whose name begins so belong to the planner."""
IGNORED_COLUMN_MARKS = ("note", "source")
"""Columns whose name begins so belong to the planner."""


SMALLEST, LARGEST = 1e-9, 1e15
"""Between these sizes any figure is solved right, whatever its neighbours (docs/results.md)."""

_UNLIMITED = ("unlimited", "no limit", "any")

_MONEY = (1e-6, 1e11)
_USUAL: dict[str, tuple[float, float]] = {
    "unit/yr": (1e-3, 1e11),
    "capacity/yr": (1e-3, 1e11),
    "1/yr": (1e-6, 1e11),
    "t/yr": (1e-6, 1e11),
    "unit": (1e-3, 1e12),
    "unit/activity": (1e-8, 1e6),
    "capacity/activity": (1e-6, 1e6),
    "1/unit": (1e-6, 1e6),
    "t/unit": (1e-9, 1e5),
    "currency/unit": _MONEY,
    "currency/t": _MONEY,
    "currency/activity": _MONEY,
    "currency/(unit·km)": _MONEY,
    "currency/(unit·yr)": _MONEY,
    "million currency": (1e-6, 1e10),
    "million currency/yr": (1e-6, 1e10),
    "km": (1e-3, 1e5),
    "km/km": (0.5, 10.0),
    "jobs": (1e-3, 1e6),
    "yr": (1.0, 100.0),
    "year": (1900.0, 2200.0),
}
"""Plausible sizes by unit: what the largest mining regions and the dearest metals reach in the
weakest currencies, and what a laboratory no longer calls a plant."""


@dataclass(frozen=True)
class Column:
    """One column of a sheet."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    default: str | float | bool | None = None
    blank: str = ""
    """What a blank cell means where there is no default (shown to the planner)."""
    required: bool = False
    reference: str = ""
    """Sheet whose key the cell must name."""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Words among names that mean something; a word that ends in a colon begins a name."""
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    smallest: float = SMALLEST
    largest: float = LARGEST
    """Possible sizes of a figure that is not 0; beyond them it is refused."""
    usual: tuple[float, float] | None = None
    """Plausible sizes of a figure that is not 0; outside them it is doubted. By unit if None."""
    sheet: str = ""
    """Which sheet it stands in."""

    @property
    def shown(self) -> str:
        """Its name in the language in force."""
        return shown_column(self.sheet, self.name)

    @property
    def is_number(self) -> bool:
        return self.kind in ("number", "integer")

    @property
    def plausible(self) -> tuple[float, float] | None:
        """Sizes between which a figure (not 0) is not doubted; None where any may be meant."""
        return self.usual or _USUAL.get(self.unit)

    @property
    def blank_is_unlimited(self) -> bool:
        """Whether a blank cell is how to say that there is no limit."""
        return self.blank in _UNLIMITED

    @property
    def expected(self) -> str:
        """What the cell may hold, in words."""
        if self.is_number:
            return _range_words(self)
        if self.kind == "choice":
            words = ", ".join(shown_word(self.name, word) for word in self.choices)
            return say("one of {words}", words=words)
        kind = "reference" if self.kind == "name" and self.reference else self.kind
        return say(_EXPECTED[kind], sheet=shown_sheet(self.reference))


_EXPECTED = {
    "name": mark("a name"),
    "reference": mark("a name from the sheet {sheet}"),
    "names": mark("names of {sheet}, separated by commas"),
    "flag": mark("yes or no"),
    "shares": mark("shares above 0 and at most 1, separated by semicolons, such as 0.5; 0.8"),
    "text": mark("text"),
}
"""What a cell that holds no number may hold, in words."""


def _range_words(column: Column) -> str:
    bounds = (
        (">" if column.low_open else "≥", column.low),
        ("<" if column.high_open else "≤", column.high),
    )
    key = (column.kind, *(sign for sign, bound in bounds if bound is not None))
    return say(_RANGES[key], low=column.low, high=column.high)


_RANGES = {
    ("integer",): mark("a whole number"),
    ("integer", "≥"): mark("a whole number at least {low:g}"),
    ("integer", "≥", "≤"): mark("a whole number at least {low:g} and at most {high:g}"),
    ("number",): mark("a number"),
    ("number", ">"): mark("a number above {low:g}"),
    ("number", ">", "≤"): mark("a number above {low:g} and at most {high:g}"),
    ("number", "≥"): mark("a number at least {low:g}"),
    ("number", "≥", "<"): mark("a number at least {low:g} and below {high:g}"),
    ("number", "≥", "≤"): mark("a number at least {low:g} and at most {high:g}"),
}
"""A number between limits, in words: what the columns of the schema have."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: a table whose rows are records."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    """Columns that tell two rows apart (with `period`, where there is one)."""
    required: bool = False
    periodic: bool = field(init=False)
    """Rows that name a period replace, in that period, the blank-period rows of one key."""
    names: tuple[str, ...] = field(init=False)
    """Its columns."""

    def __post_init__(self) -> None:
        named = any(c.name == "period" and not c.required for c in self.columns)
        listed = self.name in ("Periods", "FutureChanges")  # a period there replaces nothing
        periodic = named and not listed and "period" not in self.key
        object.__setattr__(self, "periodic", periodic)
        bound = tuple(replace(c, sheet=self.name) for c in self.columns)
        object.__setattr__(self, "columns", bound)
        object.__setattr__(self, "names", tuple(c.name for c in bound))

    @property
    def shown(self) -> str:
        """Its name in the language in force."""
        return shown_sheet(self.name)

    @property
    def row_key(self) -> list[str]:
        """The columns that no two rows have alike: the key, and the period where there is one."""
        return [*self.key, *(["period"] if self.periodic else [])]

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names


def named(name: str, meaning: str, reference: str = "", **more: Any) -> Column:
    """A column of names, of those of another sheet where `reference` says so."""
    return Column(name, "name", meaning, reference=reference, **more)


def text(name: str, meaning: str, **more: Any) -> Column:
    """A column of free text."""
    return Column(name, "text", meaning, **more)


def number(name: str, meaning: str, unit: str, **more: Any) -> Column:
    """A column of numbers."""
    return Column(name, "number", meaning, unit, **more)


def amount(name: str, meaning: str, unit: str, **more: Any) -> Column:
    """A column of numbers from 0 upwards."""
    return number(name, meaning, unit, low=0.0, **more)


def positive(name: str, meaning: str, unit: str, **more: Any) -> Column:
    """A column of numbers above 0."""
    return amount(name, meaning, unit, low_open=True, **more)


def most(name: str, meaning: str, unit: str) -> Column:
    """A column of the most that there can be, unlimited unless said."""
    return amount(name, meaning, unit, blank="unlimited")


def share(name: str, meaning: str, **more: Any) -> Column:
    """A column of shares, 0 to 1."""
    return amount(name, meaning, "share", high=1.0, **more)


def cost(name: str, meaning: str) -> Column:
    """A column of money per unit of material, 0 unless said."""
    return number(name, meaning, "currency/unit", default=0.0)


def yearly_sum(name: str, meaning: str, **more: Any) -> Column:
    """A column of money a year, in millions."""
    return number(name, meaning, "million currency/yr", **more)


def integer(name: str, meaning: str, unit: str = "", **more: Any) -> Column:
    """A column of whole numbers."""
    return Column(name, "integer", meaning, unit, **more)


def years(name: str, meaning: str, default: float, **more: Any) -> Column:
    """A column of whole years, 1 to 1000 unless said."""
    limits = {"low": 1.0, "largest": 1000.0, **more}
    return integer(name, meaning, "yr", default=default, **limits)


def choice(name: str, meaning: str, choices: tuple[str, ...], **more: Any) -> Column:
    """A column of one of a few words."""
    return Column(name, "choice", meaning, choices=choices, **more)


def flag(name: str, meaning: str, default: bool) -> Column:
    """A column of yes or no."""
    return Column(name, "flag", meaning, default=default)


def _degrees(name: str, meaning: str, limit: float) -> Column:
    return number(
        name, meaning, "°", low=-limit, high=limit, smallest=0.0, blank="no automatic links"
    )


_PERIOD = named("period", "period the row holds in", "Periods", blank="every period")
_SITE = named("site", "place", "Sites", required=True)
_MATERIAL = named("material", "material", "Materials", required=True)
MAIN, ROAD = "main", "road"
"""Names that circflow gives itself: a recipe, a mode of transport."""
_RECIPE = named("recipe", "one of the technology's alternatives", default=MAIN, words=(MAIN,))
_TECHNOLOGY = named("technology", "technology", "Recipes", required=True)
_PARAMETER = text(
    "parameter",
    "address of cells: Sheet.column[column=value, …]; without a filter, every row",
    required=True,
)
_CHANGE = choice("change", "how the figure is varied", ("factor", "add", "set"), default="factor")

_KEYS: tuple[Column, ...] = (
    text("name", "title of the scenario", required=True),
    text("description", "free text"),
    text("region", "free text"),
    text("currency", "label of the money", default="RUB"),
    integer("start_year", "label of the first year", "year", default=2025, largest=9999.0),
    number(
        "discount_rate",
        "per year, 0.1 = 10 %; a year's money counts at the start of the year",
        "1/yr",
        default=0.0,
        low=-1.0,
        low_open=True,
        usual=(1e-4, 1.0),
    ),
    flag("auto_links", "make every sensible link between sites", True),
    amount("max_distance_km", "longest automatic link, detour included", "km", blank="any"),
    amount(
        "detour_factor", "road or rail kilometres per great-circle kilometre", "km/km", default=1.3
    ),
    cost("transaction_cost_inside", "per unit moved between two different members"),
    cost("transaction_cost_outside", "per unit moved where exactly one end belongs to no member"),
    choice(
        "capital_charge",
        "annuity: capex in equal yearly amounts over the lifetime; upfront: in full when built",
        ("annuity", "upfront"),
        default="annuity",
    ),
    text(
        "rates",
        "what other money is worth in this one: USD 2023 = 95; EUR = 105; read by "
        "`circflow suggest` only",
    ),
)
SCENARIO_KEYS = tuple(replace(key, sheet="Scenario") for key in _KEYS)
"""The rows of the sheet Scenario: a key and its value."""
SETTINGS: dict[str, Column] = {key.name: key for key in SCENARIO_KEYS}

EMISSION_KINDS = ("recipe", "transport", "disposal", "stockpile", "purchase", "sale", "stream")
EMISSION_SCOPES = ("cluster", "region", "member", "site", "unit")
INDICATOR_GROUPS = (
    "resources",
    "activity",
    "performance",
    "social_environmental",
    "international",
    "technology",
)
_INDICATORS = tuple(f"{c.name}:" if c.name == EMITTED else c.name for c in COMPUTED)
TAX_BASES = (
    "profit",
    "income",
    "property",
    "job",
    "taken",
    "disposed",
    "disposal_fee",
    "emission_charge",
)
TAX_SHARES = ("profit", "income", "property", "disposal_fee", "emission_charge")
"""Bases of which a tax takes a share of the money."""
TAX_BUDGETS = ("federal", "regional", "municipal")
GOAL_KINDS = ("value", "synergy", "jobs", "emission:<pollutant>")

SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "Scenario",
        "What the scenario is called and the figures that hold throughout.",
        (
            choice("key", "which setting", tuple(c.name for c in SCENARIO_KEYS), required=True),
            text("value", "its value"),
        ),
        key=("key",),
        required=True,
    ),
    Sheet(
        "Periods",
        "In order; every rate is per year and holds through the period. No sheet: one period, 1, "
        "of one year.",
        (
            named("period", "period", required=True),
            years("years", "length", 1.0),
        ),
        key=("period",),
    ),
    Sheet(
        "Members",
        "The enterprises of the cluster. No sheet: the members named in Sites.",
        (
            named("member", "enterprise", required=True),
            text("name", "full name"),
            text("role", "label"),
            text("sector", "label"),
        ),
        key=("member",),
    ),
    Sheet(
        "Sites",
        "Places: works, mines, dumps, hubs, towns that buy.",
        (
            named("site", "place; no > in the name", required=True),
            text("name", "full name"),
            named(
                "member", "enterprise it belongs to", "Members", blank="a place outside the cluster"
            ),
            text("kind", "label"),
            text("region", "region, for emission limits"),
            _degrees("latitude", "north positive", 90.0),
            _degrees("longitude", "east positive", 180.0),
            flag("hub", "may receive and forward any material", False),
        ),
        key=("site",),
        required=True,
    ),
    Sheet(
        "Materials",
        "Everything that arises, is bought, made, moved or sold.",
        (
            named("material", "material", required=True),
            text("name", "full name"),
            text("unit", "unit of measure of all its amounts", default="t"),
            choice(
                "category",
                "what it is to the cluster",
                ("waste", "intermediate", "product", "input", "energy"),
                required=True,
            ),
            choice(
                "stage",
                "where a waste arises",
                ("mining", "processing", "metallurgy", "energy", "chemistry", "other"),
            ),
            integer("hazard_class", "1 (extreme) to 5 (harmless)", low=1.0, high=5.0),
            Column(
                "modes",
                "names",
                "transport modes allowed; none = never leaves its site",
                reference="Modes",
                words=("none",),
                blank="every mode",
            ),
            flag("innovative", "a product of innovation: read by the indicators only", False),
            text(
                "library_material",
                "what it is in the library of technologies: a name or a code there, - for none; "
                "read by `circflow suggest` only",
                blank="by its names",
            ),
        ),
        key=("material",),
        required=True,
    ),
    Sheet(
        "Streams",
        "Waste arising, or anything else that arises.",
        (
            _SITE,
            _MATERIAL,
            _PERIOD,
            amount("amount_per_year", "what arises", "unit/yr", required=True),
            flag(
                "must_handle",
                "all of it has to go somewhere; no: up to the amount may be taken",
                True,
            ),
            cost("cost", "per unit taken; negative: the taker is paid"),
        ),
        key=("site", "material"),
        required=True,
    ),
    Sheet(
        "Stockpiles",
        "Legacy dumps, tailings ponds and buffers.",
        (
            _SITE,
            _MATERIAL,
            amount("opening", "held at the start", "unit", default=0.0),
            most("capacity", "most that can be held", "unit"),
            flag("can_add", "material may be added", True),
            most("max_reclaim_per_year", "most that can be taken back", "unit/yr"),
            cost("add_cost", "per unit added"),
            cost("reclaim_cost", "per unit taken back"),
            number(
                "holding_cost",
                "per unit held at the end of every period, per year of that period",
                "currency/(unit·yr)",
                default=0.0,
            ),
            amount("closing_min", "least left after the last period", "unit", default=0.0),
            most("closing_max", "most left after the last period", "unit"),
        ),
        key=("site", "material"),
    ),
    Sheet(
        "Purchases",
        "Auxiliary inputs bought in.",
        (
            named("site", "place", "Sites", blank="every site with a unit that uses the material"),
            _MATERIAL,
            _PERIOD,
            number("price", "per unit", "currency/unit", required=True),
            most("max_per_year", "most that can be bought, at each site", "unit/yr"),
        ),
        key=("site", "material"),
    ),
    Sheet(
        "Recipes",
        "What a technology turns into what, per unit of activity (usually per tonne of its main "
        "input).",
        (
            named("technology", "technology; no / in the name", required=True),
            _RECIPE,
            choice("role", "taken in or made", ("input", "output"), required=True),
            _MATERIAL,
            amount(
                "amount",
                "per unit of activity; of a group: the group's requirement, the same on all its "
                "rows",
                "unit/activity",
                required=True,
            ),
            named("group", "inputs that replace one another share a group"),
            positive(
                "weight",
                "how much one unit of the material counts towards the group's requirement",
                "1/unit",
                default=1.0,
            ),
        ),
        required=True,
    ),
    Sheet(
        "RecipeCosts",
        "What a unit of activity costs and how much capacity it uses.",
        (
            _TECHNOLOGY,
            _RECIPE,
            _PERIOD,
            number("variable_cost", "per unit of activity", "currency/activity", default=0.0),
            positive(
                "capacity_use", "capacity per unit of activity", "capacity/activity", default=1.0
            ),
        ),
        key=("technology", "recipe"),
    ),
    Sheet(
        "Properties",
        "Quality of materials, for blends: content of a substance, ash, moisture.",
        (
            _MATERIAL,
            named("property", "property", required=True),
            number("value", "per unit of material", "property unit", required=True),
        ),
        key=("material", "property"),
    ),
    Sheet(
        "PropertyKinds",
        "What a property measures: something that no recipe can make, or a mere quality.",
        (
            named("property", "property", "Properties", required=True),
            choice(
                "kind",
                "substance: by mass; energy: by heating value; moisture: what dry bases leave out; "
                "quality: balances nothing",
                ("substance", "energy", "moisture", "quality"),
                required=True,
            ),
            choice(
                "unit",
                "of the values, per unit of material; %, share, kg/t and g/t are of mass",
                ("%", "share", "kg/t", "g/t", "GJ", "MJ", "MJ/kg", "MWh", "kWh"),
                blank="% of mass, or GJ",
            ),
            choice(
                "basis",
                "whether values are per unit as moved, or without its moisture",
                ("moist", "dry"),
                default="moist",
            ),
            share(
                "loss_share",
                "share of what goes into a recipe that may be lost without a name",
                default=0.05,
            ),
            number("price", "what it is worth", "currency/t or GJ", blank="not told"),
        ),
        key=("property",),
    ),
    Sheet(
        "Losses",
        "Where what a recipe loses of a substance, or of energy, goes.",
        (
            _TECHNOLOGY,
            _RECIPE,
            named("property", "what is lost", "PropertyKinds", required=True),
            share("share", "of what goes in, at most", required=True),
            text("reason", "where it goes: stack gas, slag that stays, heat", required=True),
        ),
        key=("technology", "recipe", "property"),
    ),
    Sheet(
        "BlendLimits",
        "Quality of what goes into a group: the mean of a property, or the share of one material.",
        (
            _TECHNOLOGY,
            _RECIPE,
            named("group", "group of inputs", required=True),
            named("property", "property whose mean is limited", "Properties"),
            named("material", "material whose share is limited", "Materials"),
            number("min", "least mean or share", "property unit or share", blank="no limit"),
            number("max", "greatest mean or share", "property unit or share", blank="no limit"),
        ),
    ),
    Sheet(
        "Units",
        "Converting units: plants, existing or to be built.",
        (
            named("unit", "plant", required=True),
            text("name", "full name"),
            _SITE,
            _TECHNOLOGY,
            amount(
                "capacity_per_year",
                "units of activity times capacity_use; the smaller size where there is a maximum",
                "capacity/yr",
                required=True,
            ),
            share(
                "availability", "share of the capacity that can be used", default=1.0, low_open=True
            ),
            share("min_load", "share of the available capacity that must run", default=0.0),
            flag("can_idle", "may stand still instead of running at min_load or more", False),
            choice(
                "status",
                "existing; candidate: may be built, at most once; off: ignored",
                ("existing", "candidate", "off"),
                default="existing",
            ),
            yearly_sum("fixed_cost_million_per_year", "whenever in service", default=0.0),
            amount("jobs", "whenever in service", "jobs", default=0.0),
            amount("capex_million", "to build it; a candidate needs it", "million currency"),
            years("lifetime_years", "service life of a candidate", 20.0),
            named(
                "earliest_period", "first period it can be built in", "Periods", blank="the first"
            ),
            named("latest_period", "last period it can be built in", "Periods", blank="the last"),
            amount(
                "capacity_max_per_year",
                "a candidate may be built at any size up to this",
                "capacity/yr",
                blank="one size only",
            ),
            amount("capex_max_million", "capex at the greatest size", "million currency"),
            yearly_sum(
                "fixed_cost_max_million_per_year",
                "fixed cost at the greatest size",
                blank="that of the smaller size",
            ),
            named("choice", "of the candidates that share a choice at most one is built"),
            named(
                "requires",
                "a unit that must be in service whenever this candidate is",
                "Units",
            ),
            text("investor", "label"),
            years(
                "construction_years",
                "from the decision, when the capital is committed, to service; a candidate's",
                0.0,
                low=0.0,
                largest=100.0,
                usual=(1.0, 15.0),
            ),
            Column(
                "ramp_up",
                "shares",
                "shares of the capacity in a candidate's first years of service, then all of it",
                "share",
                blank="all of it at once",
            ),
            share(
                "foreign_share",
                "foreign investors' share of the capex: read by the indicators only",
                default=0.0,
            ),
        ),
        key=("unit",),
        required=True,
    ),
    Sheet(
        "UnitPeriods",
        "Replaces a unit's values in one period; a blank cell leaves them.",
        (
            named("unit", "plant", "Units", required=True),
            named("period", "period", "Periods", required=True),
            amount("capacity_per_year", "existing units only", "capacity/yr", blank="as in Units"),
            share(
                "availability",
                "share of the capacity that can be used",
                blank="as in Units",
                low_open=True,
            ),
            share("min_load", "share of the available capacity that must run", blank="as in Units"),
            yearly_sum("fixed_cost_million_per_year", "whenever in service", blank="as in Units"),
        ),
        key=("unit", "period"),
    ),
    Sheet(
        "Modes",
        "Transport modes. No sheet: one mode, road, at no cost.",
        (
            named("mode", "mode", required=True),
            _PERIOD,
            number("cost_per_unit_km", "tariff by distance", "currency/(unit·km)", default=0.0),
            cost("fixed_cost", "tariff per unit loaded"),
            flag("auto", "makes automatic links (read from the mode's first row)", True),
        ),
        key=("mode",),
    ),
    Sheet(
        "Links",
        "What differs from the automatic links, or all links where auto_links is no. One "
        "direction a row.",
        (
            named("from", "where the journey starts", "Sites", required=True),
            named("to", "where it ends", "Sites", required=True),
            named("material", "material", "Materials", blank="every material"),
            named("mode", "mode", "Modes", blank="every mode"),
            amount("distance_km", "length", "km", blank="great circle times detour_factor"),
            number(
                "cost",
                "per unit sent, replaces the mode's tariff",
                "currency/unit",
                blank="by the mode's tariff",
            ),
            most("capacity_per_year", "shared by all the row covers", "unit/yr"),
            share("loss", "share lost on the way", blank="0", high_open=True),
            flag("forbidden", "removes the links it covers", False),
        ),
        key=("from", "to", "material", "mode"),
    ),
    Sheet(
        "Markets",
        "Who buys what at which price. Several rows for one site and material are price tiers.",
        (
            _SITE,
            _MATERIAL,
            _PERIOD,
            number("price", "per unit", "currency/unit", required=True),
            most("max_per_year", "most that is bought", "unit/yr"),
            amount("min_per_year", "least that must be delivered", "unit/yr", default=0.0),
            flag("export", "label", False),
            cost("premium", "gain owed to the cluster's image, counted as synergy"),
        ),
        required=True,
    ),
    Sheet(
        "Disposal",
        "Where waste may be disposed of.",
        (
            _SITE,
            named("material", "material", "Materials", blank="every material of category waste"),
            _PERIOD,
            number(
                "fee", "environmental charge and cost of keeping", "currency/unit", required=True
            ),
            most("capacity_per_year", "shared by all the row covers", "unit/yr"),
            most(
                "total_capacity",
                "over the whole horizon, all under the row's key; on a blank-period row only",
                "unit",
            ),
        ),
        key=("site", "material"),
    ),
    Sheet(
        "EmissionFactors",
        "Tonnes of pollutant per unit. A blank key is every one of the kind; a row with a key "
        "replaces it.",
        (
            choice("kind", "what emits", EMISSION_KINDS, required=True),
            named(
                "key",
                "technology or technology/recipe, mode, or material",
                blank="every one of the kind",
            ),
            named("pollutant", "pollutant", required=True),
            number(
                "factor",
                "per activity (recipe), unit·km (transport), unit held per year (stockpile), "
                "unit (else)",
                "t/unit",
                required=True,
            ),
        ),
        key=("kind", "key", "pollutant"),
    ),
    Sheet(
        "EmissionLimits",
        "What may be emitted, and at which price. Rows are independent of one another.",
        (
            named("pollutant", "pollutant", required=True),
            choice("scope", "whose emissions", EMISSION_SCOPES, required=True),
            named("key", "the region, member, site or unit", blank="the cluster"),
            _PERIOD,
            number("limit_per_year", "limit", "t/yr", blank="no limit"),
            number("price", "per tonne emitted", "currency/t", default=0.0),
            amount("penalty", "per tonne above the limit", "currency/t", blank="the limit is hard"),
        ),
        key=("pollutant", "scope", "key"),
    ),
    Sheet(
        "Synergies",
        "What partners gain by running together.",
        (
            named("synergy", "synergy", required=True),
            text("name", "full name"),
            choice(
                "effect",
                "label",
                (
                    "scale",
                    "integration",
                    "excess_capacity",
                    "management",
                    "transaction_costs",
                    "image",
                    "infrastructure",
                    "risk",
                ),
            ),
            amount("value", "per unit of joint activity", "currency/unit", required=True),
            most("max_per_year", "greatest joint activity", "1/yr"),
        ),
        key=("synergy",),
    ),
    Sheet(
        "SynergyPartners",
        "Who takes part in a synergy: joint activity is at most each partner's activity / ratio.",
        (
            named("synergy", "synergy", "Synergies", required=True),
            choice("kind", "a unit or a flow", ("unit", "flow"), required=True),
            named("partner", "the unit, or from>to for everything sent that way", required=True),
            positive("ratio", "partner's activity per unit of joint activity", "1", default=1.0),
        ),
        key=("synergy", "kind", "partner"),
    ),
    Sheet(
        "Budget",
        "Capex that may be committed at the start of a period.",
        (
            named("period", "period", "Periods", required=True),
            amount("budget_million", "undiscounted", "million currency", required=True),
        ),
        key=("period",),
    ),
    Sheet(
        "Goals",
        "Weights of the objective's parts; what is not listed keeps 1 (value, synergy) or 0 "
        "(else).",
        (
            named(
                "goal",
                "value, synergy, jobs or emission:<pollutant>",
                required=True,
                words=("value", "synergy", "jobs", "emission:"),
            ),
            number(
                "weight",
                "1 (value, synergy); million currency per job and year; currency per tonne",
                "see meaning",
                required=True,
            ),
        ),
        key=("goal",),
    ),
    Sheet(
        "Studies",
        "Named sensitivity runs; several rows of one study vary together in a grid.",
        (
            named("study", "study", required=True),
            _PARAMETER,
            _CHANGE,
            number("from", "first value", "as change says"),
            number("to", "last value", "as change says"),
            integer("steps", "how many values", low=1.0, largest=1e6),
            text("values", "list of values, separated by semicolons"),
        ),
    ),
    Sheet(
        "Ranges",
        "How uncertain figures are.",
        (
            _PARAMETER,
            _CHANGE,
            number("low", "low end (5 % quantile where normal)", "as change says", required=True),
            number(
                "high", "high end (95 % quantile where normal)", "as change says", required=True
            ),
            choice(
                "distribution",
                "shape",
                ("uniform", "triangular", "normal", "lognormal"),
                default="uniform",
            ),
        ),
    ),
    Sheet(
        "Futures",
        "What may come, for planning before it is known (`circflow futures`; `solve` does not read "
        "it).",
        (
            named("future", "what may come", required=True),
            share("probability", "how likely; all add up to 1", required=True, low_open=True),
            text("name", "full name"),
        ),
        key=("future",),
    ),
    Sheet(
        "FutureChanges",
        "What is otherwise in a future, applied in the order of the rows.",
        (
            named("future", "future", "Futures", required=True),
            text(
                "parameter",
                "address of cells as in Studies; with off: Units[unit=…], Members[member=…], "
                "Links[from=…, to=…], Modes[mode=…] or Markets[site=…, material=…]",
                required=True,
            ),
            choice(
                "change",
                "how the figure is changed; off: it stands still",
                ("factor", "add", "set", "off"),
                default="factor",
            ),
            number("value", "what it is multiplied by, added or set to", "as change says"),
            named("period", "with off: when it stands still", "Periods", blank="every period"),
        ),
    ),
    Sheet(
        "Indicators",
        "What is known or wanted of the cluster beside the plan's money. A row has a value, a "
        "target, or both; an indicator that circflow computes takes a target only.",
        (
            choice("group", "what it tells of", INDICATOR_GROUPS, required=True),
            named("indicator", "indicator", required=True, words=_INDICATORS),
            text("unit", "label of its unit"),
            named("member", "enterprise", "Members", blank="the cluster"),
            named("period", "period", "Periods", blank="the whole horizon"),
            number("value", "what is given", "as unit says", blank="not known"),
            number("target", "what is wanted", "as unit says", blank="none"),
            choice(
                "better", "which side of the target is good", ("higher", "lower"), default="higher"
            ),
            amount("weight", "in a composite index", "1", blank="not part of the index"),
        ),
        key=("group", "indicator", "member", "period"),
    ),
    Sheet(
        "Taxes",
        "What a plan brings to public budgets. Without effect on the plan.",
        (
            named("tax", "tax or charge", required=True),
            choice("base", "of what it is taken", TAX_BASES, required=True),
            named(
                "material",
                "material, where the base is taken or disposed",
                "Materials",
                blank="every stream (taken), every waste (disposed)",
            ),
            named(
                "member",
                "enterprise whose rate it is; replaces the tax's row with a blank member",
                "Members",
                blank="everybody",
            ),
            choice("budget", "whose it is", TAX_BUDGETS, required=True),
            amount(
                "rate",
                "share of the base (profit, income, property per year, disposal_fee, "
                "emission_charge); per job and year (job); per unit (taken, disposed)",
                "share or currency",
                required=True,
            ),
        ),
        key=("tax", "budget", "material", "member"),
    ),
    Sheet(
        "Sources",
        "What the source columns of the other sheets refer to.",
        (
            named("id", "short name", required=True),
            text("reference", "title, year, address"),
        ),
        key=("id",),
    ),
)

BY_NAME: dict[str, Sheet] = {sheet.name: sheet for sheet in SHEETS}


def is_planners_sheet(name: str) -> bool:
    """Whether a sheet belongs to the planner and is not read."""
    return name.startswith(IGNORED_SHEET_MARKS)


def is_planners_column(name: str) -> bool:
    """Whether a column belongs to the planner and is not read."""
    return name.lower().startswith(IGNORED_COLUMN_MARKS)
