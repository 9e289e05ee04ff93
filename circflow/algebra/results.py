"""What a plan tells, as its blocks declare it: groups of money, and tables with their columns.

A block lists its groups of money in `MONEY` and its tables in `RESULTS`. From the declarations
follow totals, value chains, rows of sweeps, reduced costs, the titles, units and dtypes of the
workbook and the page, and the tables of docs/results.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from circflow.i18n import mark, say


@dataclass(frozen=True)
class Group:
    """A group of the money table."""

    name: str
    words: str
    """What a planner calls it."""
    order: int
    """Its place in reports."""
    received: bool = False
    """Whether reports tell it as positive where it is received; else where it is paid."""
    goal: Literal["value", "synergy"] = "value"
    """Whose weight it has in the objective."""
    part: str = "other"
    """What it is part of in reduced costs."""
    passed_back: bool = False
    """Whether a place without a member passes it back to those who sent the material."""

    @property
    def sign(self) -> float:
        """+1 where reports tell what is received, −1 where they tell what is paid."""
        return 1.0 if self.received else -1.0

    @property
    def label(self) -> tuple[str, ...]:
        """Where it stands in the totals."""
        return (self.name,) if self.received else ("costs", self.name)

    def of(self, totals: Mapping[str, Any]) -> float:
        """Its figure in the totals of a plan."""
        return float((totals if self.received else totals["costs"]).get(self.name, 0.0))


Kind = Literal["text", "number", "share", "integer", "flag"]


@dataclass(frozen=True)
class ResultColumn:
    """A column of a table of results."""

    name: str
    meaning: str
    unit: str = ""
    """`{measure}` is the unit of measure, `{currency}` the currency."""
    kind: Kind = "text"
    title: str = ""
    """In words, where not its name without the unit."""

    @property
    def words(self) -> str:
        """What reports call it, without its unit."""
        stem = self.name.removesuffix("_per_year") if self.unit.endswith("per year") else self.name
        stem = stem.removesuffix("_million") if self.unit.startswith("million") else stem
        return self.title or stem.replace("_", " ")

    def heading(self, measure: str, currency: str) -> str:
        """In words, with its unit: `transport (million RUB per year)`."""
        words = say(self.words)
        unit = say(self.unit, measure=measure, currency=currency) if self.unit else ""
        return f"{words} ({unit})" if unit else words

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind not in ("text", "flag")


@dataclass(frozen=True)
class ResultTable:
    """A table of results."""

    name: str
    about: str
    columns: tuple[ResultColumn, ...]
    note: str = ""
    measure: str = ""
    """The unit of its amounts, where it has no column `unit_of_measure`."""

    @property
    def names(self) -> list[str]:
        """Its columns, in order."""
        return [c.name for c in self.columns]

    def column(self, name: object) -> ResultColumn | None:
        """A column by its name, None where there is none."""
        return next((c for c in self.columns if c.name == name), None)

    def typed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with plain columns: text as objects, numbers as floats; rows renumbered."""
        columns = {}
        for name, column in table.items():
            known = self.column(name)
            wanted = float if known is not None and known.numeric else object
            columns[name] = column if column.dtype == wanted else column.astype(wanted)
        return pd.DataFrame(columns, index=table.index).reset_index(drop=True)


PER_YEAR = mark("{measure} per year")
MILLION_PER_YEAR = mark("million {currency} per year")
PRICE = mark("{currency} per {measure}")


def texts(meaning: str, *names: str) -> tuple[ResultColumn, ...]:
    """Columns of names; `row` and `tier` are numbers of rows."""
    kinds: dict[str, Kind] = {"row": "integer", "tier": "integer"}
    titles = {"row": mark("row of the sheet"), "tier": mark("price tier")}
    return tuple(
        ResultColumn(n, meaning, kind=kinds.get(n, "text"), title=titles.get(n, "")) for n in names
    )


def numbers(meaning: str, unit: str, *names: str) -> tuple[ResultColumn, ...]:
    """Columns of figures in a unit."""
    return tuple(ResultColumn(n, meaning, unit, "number") for n in names)


def money(meaning: str, *names: str) -> tuple[ResultColumn, ...]:
    """Columns of million currency per year."""
    return numbers(meaning, MILLION_PER_YEAR, *names)


MONEY_TABLE = ResultTable(
    "money",
    "Everything that is earned and paid. **Positive when received, negative when paid.** The"
    " column\n`discounted_million`, with the weights of the goals, adds up to the objective"
    " (jobs and emissions\nthat are weighted there are no money and are not in this table).",
    (
        *texts("as listed below", "group"),
        *texts(
            "whose, for what, when; blank where it does not apply",
            *("site", "member", "material", "unit", "period"),
        ),
        ResultColumn(
            "million_per_year",
            "of capex paid upfront, its part of each year",
            MILLION_PER_YEAR,
            "number",
            "amount",
        ),
        ResultColumn(
            "million", "undiscounted", "million {currency} over the period", "number", "amount"
        ),
        *numbers(
            "what it is worth at the start of the horizon",
            "million {currency}",
            "discounted_million",
        ),
    ),
)
PRICES = ResultTable(
    "prices",
    "What one unit more would be worth (shadow prices).",
    (
        *texts(
            "what is priced: `material` (one more unit at a place: the price at which members can"
            " trade it), `capacity`, `market`, `disposal`, `stream`, `purchase`, `link`,"
            " `emission limit`, `budget` and others",
            "kind",
        ),
        *texts(
            "where, what, when; a blank period: over the whole horizon, in money of today",
            *("site", "to", "material", "unit", "period"),
        ),
        *texts("what is limited", "limit"),
        *texts("the cell of the limit, blank for a balance", "sheet", "row", "column"),
        *numbers("in money of the period", PRICE, "value"),
        *texts("what a unit of it is", "unit_of_measure"),
        ResultColumn("binds", "the plan is at the limit", kind="flag"),
        ResultColumn(
            "decisions_fixed",
            "the value holds for the yes/no decisions as they are",
            kind="flag",
            title=mark("with decisions fixed"),
        ),
    ),
    "A price holds for small changes. Where several values fit, one is given. A negative price of"
    " a\nwaste is what it costs to be rid of one unit more.",
)
