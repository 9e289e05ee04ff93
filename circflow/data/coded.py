"""Names as numbers, so that tables are joined, grouped and counted by array operations.

`Codes` numbers the names of a scenario once: sites, materials, units, modes and periods as their
sheets list them, every other name as it occurs. `Items` is a table of arrays: names as their codes
(−1 for a blank cell), figures as floats (NaN for a blank cell), flags as bools. Where a sheet is
checked there are no codes yet: names are str there (None for a blank cell).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]
"""Several codes of a row as one number."""
Column = NDArray[Any]

BLANK = -1

_KIND = {
    "from": "site",
    "to": "site",
    "built_in": "period",
    "earliest_period": "period",
    "latest_period": "period",
    "requires": "unit",
    "limited_material": "material",
    "key_material": "material",
}
_NUMBERS = frozenset({"tier", "link", "lump", "column"})
"""Whole numbers that are no codes, rows of sheets aside."""


def kind_of(label: str) -> str:
    """The kind of name that a column holds: `from` and `to` hold names of sites."""
    return _KIND.get(label, label)


class Codes:
    """The number of every name of a scenario, by kind."""

    def __init__(self, listed: Mapping[str, Iterable[str]]) -> None:
        self._numbers: dict[str, dict[object, int]] = {}
        self._names: dict[str, list[Any]] = {}
        for kind, names in listed.items():
            self.of(kind, list(names))

    def copy(self) -> Codes:
        """The same numbers, to which more names can be added."""
        codes = Codes({})
        codes._numbers = {kind: dict(numbers) for kind, numbers in self._numbers.items()}
        codes._names = {kind: list(names) for kind, names in self._names.items()}
        return codes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codes) and self._names == other._names

    __hash__ = None  # type: ignore[assignment]

    def size(self, label: str) -> int:
        """How many names there are of a kind."""
        return len(self._names.get(kind_of(label), ()))

    def of(self, label: str, names: Sequence[object]) -> Ints:
        """The code of every name; names not met before get the next numbers."""
        if not len(names):
            return np.array([], dtype=np.intp)
        kind = kind_of(label)
        numbers = self._numbers.setdefault(kind, {})
        try:
            return np.array([numbers[name] for name in names], dtype=np.intp)
        except KeyError:  # names not met before
            listed = self._names.setdefault(kind, [])
        for name in names:
            if name not in numbers:
                blank = name is None or name != name  # noqa: PLR0124 - NaN
                numbers[name] = BLANK if blank else len(listed)
                if not blank:
                    listed.append(name)
        return np.array([numbers[name] for name in names], dtype=np.intp)

    def known(self, label: str, name: object) -> int:
        """The code of a name, −1 where there is none of this kind."""
        return self._numbers.get(kind_of(label), {}).get(name, BLANK)

    def names(self, label: str, codes: Ints) -> NDArray[np.object_]:
        """The names of codes, None for −1."""
        listed = self._names.get(kind_of(label), [])
        names = np.empty(len(listed) + 1, dtype=object)
        names[:-1] = listed
        named: NDArray[np.object_] = names[codes]
        return named

    def listed(self, label: str) -> list[Any]:
        """All names of a kind, by code."""
        return self._names.get(kind_of(label), [])

    def name(self, label: str, code: int) -> Any:
        """The name of one code, None for −1."""
        return None if code < 0 else self._names[kind_of(label)][code]

    def shown(self, label: str, column: Column) -> Column:
        """A column as people read it: codes as names, figures as they are."""
        if column.dtype.kind != "i" or kind_of(label) not in self._names or label in _NUMBERS:
            return column
        return self.names(label, column)


class Items:
    """Rows as arrays of one length, by column."""

    def __init__(self, columns: Mapping[str, Column], count: int | None = None) -> None:
        self._columns = dict(columns)
        self._count = len(next(iter(columns.values()))) if count is None else count

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Items)
            and self.names == other.names
            and all(
                np.array_equal(c, other[n], equal_nan=c.dtype.kind == "f")
                for n, c in self._columns.items()
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def get(self, name: str, default: Column) -> Column:
        """A column, or another where there is none."""
        return self._columns.get(name, default)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(self._columns)

    @property
    def labels(self) -> dict[str, Ints]:
        """The columns of codes and whole numbers."""
        return {n: c for n, c in self._columns.items() if c.dtype.kind == "i"}

    def take(self, at: Ints | Flags) -> Items:
        """The rows at positions, or where a flag is set."""
        at = np.flatnonzero(at) if at.dtype == bool else at
        return Items({n: c[at] for n, c in self._columns.items()}, len(at))

    def only(self, *names: str) -> Items:
        """Some columns."""
        return Items({n: self._columns[n] for n in names}, self._count)

    def plus(self, **columns: Column | float) -> Items:
        """With more columns, or others in their place; a number fills its column."""
        full = {
            n: c if isinstance(c, np.ndarray) else np.full(self._count, c)
            for n, c in columns.items()
        }
        return Items({**self._columns, **full}, self._count)

    def renamed(self, **names: str) -> Items:
        """With columns under other names: `renamed(site="from")` calls `from` `site`."""
        old = {before: after for after, before in names.items()}
        return Items({old.get(n, n): c for n, c in self._columns.items()}, self._count)

    def frame(self, codes: Codes, *names: str, **more: Column) -> pd.DataFrame:
        """The rows for a person or an analyst: codes as names; with `more` columns behind."""
        columns = {n: codes.shown(n, self._columns[n]) for n in names or self._columns}
        return table_of({**columns, **more}, self._count)


def table_of(columns: Mapping[str, Column], count: int | pd.Index) -> pd.DataFrame:
    """Arrays as a table (`count`: of rows, or their index); names stay Python objects, blank ones
    None."""
    rows = pd.RangeIndex(count) if isinstance(count, int) else count
    plain = {n: series_of(c, rows) if c.dtype == object else c for n, c in columns.items()}
    return pd.DataFrame(plain, index=rows)


def series_of(values: Column | Sequence[Any], rows: pd.Index | None = None) -> pd.Series[Any]:
    """A column that keeps its values as they are, by `rows` (else 0, 1, …); an array is no copy."""
    return pd.Series(values, rows, dtype=object, copy=False)


def by_row(rows: Items, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Each row's number (`row`) and its cells of some columns."""
    return zip(*(rows[name].tolist() for name in ("row", *columns)), strict=True)


def numbered(keys: Iterable[Hashable]) -> Ints:
    """Keys as numbers from 0, in the order in which they come first."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)


def objects(values: Iterable[object]) -> Column:
    """Python objects as a column."""
    listed = list(values)
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


def stacked(parts: Sequence[Items], *names: str) -> Items:
    """Rows below one another, of the columns named."""
    columns = {n: np.concatenate([p[n] for p in parts]) for n in names}
    return Items(columns, sum(len(p) for p in parts))


def cross(left: Items, right: Items) -> Items:
    """Every row of one with every row of the other."""
    i = np.repeat(np.arange(len(left)), len(right))
    j = np.tile(np.arange(len(right)), len(left))
    return joined(left, right, i, j)


def joined(left: Items, right: Items, i: Ints, j: Ints) -> Items:
    """Pairs of rows; a column that both have is the left one's."""
    rows = left.take(i)
    more = {n: right[n][j] for n in right.names if n not in left}
    return rows.plus(**more)


def join(left: Items, right: Items, *on: str) -> Items:
    """All pairs of rows that agree in the columns `on`, in the order of the left ones."""
    i, j = match([left[n] for n in on], [right[n] for n in on])
    return joined(left, right, i, j)


def match(left: Sequence[Column], right: Sequence[Column]) -> tuple[Ints, Ints]:
    """All pairs of rows with equal codes: positions left and right, in the order of the left."""
    sizes = _spans(left, right)
    a, b = keys_of([c + 1 for c in left], sizes), keys_of([c + 1 for c in right], sizes)
    order = np.argsort(b, kind="stable")
    ordered = b[order]
    start = np.searchsorted(ordered, a, "left")
    count = np.searchsorted(ordered, a, "right") - start
    i = np.repeat(np.arange(len(a)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(start, count) + within]


def _span(*columns: Column) -> int:
    return 2 + max((int(c.max()) for c in columns if len(c)), default=0)


def _spans(rows: Sequence[Column], others: Sequence[Column]) -> list[int]:
    """The sizes of pairs of columns for `keys_of`, which asks for none of the first."""
    return [0, *(_span(a, b) for a, b in zip(rows[1:], others[1:], strict=True))]


def keys_of(codes: Sequence[Column], sizes: Sequence[int]) -> Keys:
    """One number per row of several codes; −1 where a code is −1."""
    key, least = np.asarray(codes[0], dtype=np.int64), codes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        key = key * max(size, 1) + code
        least = np.minimum(least, code)
    return np.where(least < 0, -1, key)


def find(keys: Keys, wanted: Keys) -> Ints:
    """Where each wanted key stands in `keys` (the first of equal ones), −1 if nowhere."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.intp)
    order = np.argsort(keys, kind="stable")
    spot = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    place = order[spot]
    return np.where((keys[place] == wanted) & (wanted >= 0), place, -1)


def place_in(rows: Sequence[Column], wanted: Sequence[Column]) -> Ints:
    """Where each wanted row of codes stands among `rows` (the first of equal ones), −1 if
    nowhere."""
    sizes = _spans(rows, wanted)
    return find(keys_of(rows, sizes), keys_of(wanted, sizes))


class Labelled(Protocol):
    """Whatever has columns of codes: rows, terms, variables."""

    def __getitem__(self, name: str, /) -> Column: ...


def find_rows(table: Labelled, wanted: Labelled, *on: str) -> Ints:
    """Where each wanted row stands in a table (the first of equal ones), by columns that both
    have; −1 where nowhere, or where it is blank."""
    return place_in([table[n] for n in on], [wanted[n] for n in on])


def take(column: Column, at: Ints, missing: float = 0.0) -> Floats:
    """Cells of a column of numbers, `missing` where the position is −1."""
    return np.asarray(np.append(np.asarray(column, dtype=float), missing)[at])


def added_at(at: Ints, figures: Floats, count: int) -> Floats:
    """Figures added up by position; those at −1 are left out."""
    there = at >= 0
    return np.bincount(at[there], figures[there], count).astype(float)


def distinct(columns: Sequence[Column]) -> tuple[Ints, Ints]:
    """The distinct rows of codes: where each stands first (sorted by code), and the number of
    its distinct row for every row."""
    sizes = [_span(c) for c in columns]
    keys = keys_of([c + 1 for c in columns], sizes)
    product = int(np.prod(np.array(sizes, dtype=float)))
    if product > 16 * len(keys) + 1_000:
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return first.astype(np.intp), number.astype(np.intp)
    first_of = np.full(product, -1, dtype=np.intp)
    first_of[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    there = first_of >= 0
    number = np.cumsum(there) - 1
    return first_of[there], number[keys]
