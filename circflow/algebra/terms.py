"""Terms: what the balance, the limits, the objective and the reports add up.

A term is `coefficient · variable[column]`, with labels (codes of names) that say where it belongs;
`CONSTANT` as the column stands for the number 1. Every block hands out terms of these kinds:

* mass: site, material, period. **Mass is positive into a site.**
* money: money (its group), site, material, unit, period, lump. Million currency per year of the
  period (a lump sum is paid once, at the period's start). **Money is positive when received.**
* emissions: pollutant, kind, site, unit, source, period. Tonnes per year.
* `Emitting`, what emits, in the unit that an emission factor of its kind refers to.

A reported figure is a term, evaluated at the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from circflow.data.coded import BLANK, Codes, Column, Flags, Floats, Ints, find_rows, table_of

CONSTANT = -1
"""The column of the constant 1 (also its place in `values`, see `Terms.at`)."""

MASS = ("site", "material", "period")
MONEY = ("money", "site", "material", "unit", "period", "lump")
EMISSION = ("pollutant", "kind", "site", "unit", "source", "period")
SHOWN = {"money": "group"}
"""Labels that a table calls otherwise."""


@dataclass(frozen=True)
class Terms:
    """Rows of coefficient · variable[column], labelled by codes."""

    labels: Mapping[str, Ints]
    column: Ints
    coefficient: Floats

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, label: str) -> Ints:
        return self.labels[label]

    def times(self, factor: Floats | float) -> Terms:
        """Every term by a factor."""
        return Terms(self.labels, self.column, self.coefficient * factor)

    def __neg__(self) -> Terms:
        return self.times(-1.0)

    def __add__(self, other: Terms) -> Terms:
        return stack([self, other], [n for n in self.labels if n in other.labels])

    def __sub__(self, other: Terms) -> Terms:
        return self + -other

    def where(self, chosen: Flags | Ints) -> Terms:
        """Some of the terms: by flags or positions."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        labels = {n: c[at] for n, c in self.labels.items()}
        return Terms(labels, self.column[at], self.coefficient[at])

    def nonzero(self) -> Terms:
        """Without the terms that add nothing."""
        return self if self.coefficient.all() else self.where(self.coefficient != 0.0)

    def within(self, rows: Mapping[str, Ints], *on: str) -> Terms:
        """The terms whose labels `on` are among those of `rows`."""
        return self.where(find_rows(rows, self, *on) >= 0)

    def labelled(self, **labels: Ints | int) -> Terms:
        """With more labels, or others in their place."""
        full = {
            n: c if isinstance(c, np.ndarray) else _all(c, len(self)) for n, c in labels.items()
        }
        return Terms({**self.labels, **full}, self.column, self.coefficient)

    def at(self, values: Floats) -> Floats:
        """coefficient · value of each term; `values` holds all variables by column, then a 1."""
        return self.coefficient * values[self.column]

    def frame(self, codes: Codes, *names: str) -> pd.DataFrame:
        """The terms as a table with names, `column` and `coefficient`."""
        columns = {SHOWN.get(n, n): codes.shown(n, self.labels[n]) for n in names or self.labels}
        full = {**columns, "column": self.column, "coefficient": self.coefficient}
        return table_of(full, len(self))


def _all(code: int, count: int) -> Ints:
    return np.full(count, code, dtype=np.intp)


def stack(parts: Sequence[Terms], labels: Sequence[str]) -> Terms:
    """Terms one below the other; a label that a part lacks is blank there."""
    if not parts:
        none = np.zeros(0, dtype=np.intp)
        return Terms(dict.fromkeys(labels, none), none, np.zeros(0))
    blank = [_all(BLANK, len(p)) for p in parts]
    return Terms(
        {
            n: np.concatenate([p.labels.get(n, b) for p, b in zip(parts, blank, strict=True)])
            for n in labels
        },
        np.concatenate([p.column for p in parts]),
        np.concatenate([p.coefficient for p in parts]),
    )


def constants(labels: Mapping[str, Column], values: Floats) -> Terms:
    """Numbers as terms."""
    codes = {n: c for n, c in labels.items() if c.dtype.kind == "i"}
    return Terms(codes, _all(CONSTANT, len(values)), np.asarray(values, dtype=float))


@dataclass(frozen=True)
class Emitting:
    """What emits: terms with site, unit and period in the unit that a factor refers to."""

    kind: str
    terms: Terms
    key: Ints
    """The number of what a factor may name."""
    names: tuple[Sequence[str], ...]
    """By that number: the names that a factor may use, the most precise first."""
    source: Ints
    """Code of a name in the column `source`."""


def emitting(  # noqa: PLR0913
    codes: Codes,
    kind: str,
    terms: Terms,
    label: str,
    *,
    source: str = "",
    names: Sequence[Sequence[str]] = (),
    key: Ints | None = None,
) -> Emitting:
    """What emits by the name under a label (`names` and `key` where a factor may name more)."""
    listed = codes.listed(label)
    sources = codes.listed(source or label)
    return Emitting(
        kind,
        terms,
        terms[label] if key is None else key,
        tuple(names) or (listed,),
        codes.of("source", sources)[terms[source or label]] if sources else terms[label],
    )
