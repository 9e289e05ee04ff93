"""What a study varies: parameters (addresses of cells), and points (a value of each).

A point holds, for every parameter, the value that it takes, or None where the scenario's own
figures stay. Grids, lists, the sheet `Studies` and `--vary` texts are turned into points here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from circflow.data.arguments import python_value
from circflow.data.cells import BadCellError, parse_cell, parse_number, written
from circflow.data.changes.address import left_behind as left_by
from circflow.data.changes.address import match, parse_address, spoken_address
from circflow.data.changes.change import change
from circflow.data.scenario import Scenario
from circflow.data.schema.sheets import Column
from circflow.data.suggest import nearest, remark
from circflow.i18n import current, say
from circflow.studies.errors import StudyError

How = Literal["factor", "add", "set"]
Point = tuple[Any, ...]
"""A value for every parameter; None where it is not changed."""
HOWS: tuple[How, ...] = ("factor", "add", "set")
MOST_RUNS = 1_000_000


def point_of(count: int, values: Mapping[int, Any]) -> Point:
    """The point at which, of `count` parameters, these take a value."""
    return tuple(values.get(n) for n in range(count))


@dataclass(frozen=True)
class Parameter:
    """Cells that vary together."""

    address: str
    how: How
    kind: str
    """What the cells hold: number, integer, flag, choice, name, text, names."""
    unit: str
    sheet: str
    column: str
    rows: tuple[int, ...]
    figure: float | None
    """The figure that all the cells have, where it is one."""

    @property
    def label(self) -> str:
        """Name of the parameter's column in a table of runs, with its unit."""
        unit = {"factor": "factor", "add": f"+ {self.unit}".strip()}.get(self.how, self.unit)
        return f"{self.address} ({unit})" if unit else self.address

    @property
    def shown(self) -> str:
        """Its address in the language in force."""
        return spoken_address(self.address, current())

    @property
    def is_continuous(self) -> bool:
        return self.kind == "number"

    @property
    def neutral(self) -> float | None:
        """The value at which the scenario is as it stands."""
        return {"factor": 1.0, "add": 0.0}.get(self.how, self.figure)

    def edit(self, value: Any) -> Any:
        """The edit (see `circflow.data.changes.change`) that gives the cells the value."""
        if self.how == "factor":
            return f"*{float(value)!r}"
        if self.how == "add":
            return f"+{float(value)!r}"
        return f"={value}" if isinstance(value, str) else value


def parameter(scenario: Scenario, address: str, how: str) -> Parameter:
    """A parameter of a scenario. Raises `AddressError`, `StudyError` where it cannot be varied."""
    if how not in HOWS:
        raise StudyError(
            "how must be one of {hows}, not {how!r}{meant}",
            hows=", ".join(HOWS),
            how=how,
            meant=meant(how, HOWS),
        )
    parsed = parse_address(address)
    matched = match(scenario.tables, parsed)
    column: Column = matched.column
    if how != "set" and not column.is_number:
        raise StudyError(
            "{parsed} is not a number, so it can only be set: how='set'", parsed=parsed
        )
    base: float | None = None
    if column.is_number:
        if parsed.sheet == "Scenario":
            value = getattr(scenario.settings, parsed.column, None)
            figures = [] if value is None or not np.isfinite(value) else [float(value)]
        else:
            cells = scenario.tables[parsed.sheet].frame[parsed.column]
            figures = list(dict.fromkeys(cells[list(matched.rows)].tolist()))
        base = float(figures[0]) if len(figures) == 1 and not math.isnan(figures[0]) else None
    return Parameter(
        str(parsed),
        how,
        column.kind,
        column.unit,
        parsed.sheet,
        parsed.column,
        matched.rows,
        base,
    )


def meant(given: str, names: Iterable[str]) -> str:
    """`; did you mean …?`, where one of the names is near."""
    good = nearest(given, names)
    return (
        say("; did you mean {good!r}?{remark}", good=good, remark=remark(given, good))
        if good
        else ""
    )


class Unreadable(str):
    """A value, as text, that a parameter cannot take; its runs are invalid for the `reason`."""

    __slots__ = ("reason",)
    reason: str

    @classmethod
    def of(cls, value: Any, reason: str) -> Unreadable:
        key = cls("" if value is None else value)
        key.reason = reason
        return key


def values_of(one: Parameter, column: Column, values: Sequence[Any]) -> list[Any]:
    """The values as they are set; numbers as floats, and `Unreadable` where one cannot be.

    Raises `StudyError` where none can be taken.
    """
    values_given = [_value_of(one, column, python_value(value)) for value in values]
    if all(isinstance(value, Unreadable) for value in values_given):
        raise StudyError(
            values_given[0].reason
            if values_given
            else say("{address} has no values to take", address=one.shown)
        )
    return values_given


def _value_of(one: Parameter, column: Column, value: Any) -> Any:
    cannot = say("{address} cannot take the value {value!r}", address=one.shown, value=value)
    try:
        if one.how == "set" and not column.is_number:
            typed = parse_cell(value, column)
        else:
            typed = parse_number(value)  # the column's limits are judged run by run
    except BadCellError as problem:
        return Unreadable.of(value, f"{cannot}: {problem.message}")
    if typed is None:
        return Unreadable.of(value, cannot)
    return typed


def _listed(address: str, values: Any) -> list[Any]:
    """The values of a parameter, given as a list or anything like it."""
    if not isinstance(values, str | bytes | Mapping):
        with suppress(TypeError):  # no list, or an array without a dimension
            return list(values)
    raise StudyError(
        "{address}: the values must be a list, not {values!r}", address=address, values=values
    )


@dataclass(frozen=True)
class Design:
    """The runs of a study: parameters, and a point of them for every run."""

    parameters: tuple[Parameter, ...]
    points: tuple[Point, ...]


def edits_of(parameters: Sequence[Parameter], point: Point) -> list[tuple[str, Any]]:
    """What a point changes: (address, edit) in the order of the parameters."""
    return [
        (p.address, p.edit(value))
        for p, value in zip(parameters, point, strict=True)
        if value is not None
    ]


def changed(scenario: Scenario, edits: Sequence[tuple[str, Any]]) -> Scenario:
    """The scenario with these edits, one after another where an address comes twice."""
    batch: dict[str, Any] = {}
    for address, edit in edits:
        if address in batch:
            scenario, batch = change(scenario, batch), {}
        batch[address] = edit
    return change(scenario, batch) if batch else scenario


def grid(
    scenario: Scenario,
    vary: Mapping[str, Iterable[Any]],
    how: str | Mapping[str, str] = "factor",
    *,
    together: bool = False,
) -> Design:
    """Every combination of the values, the last parameter fastest; or, `together`, line by line.

    Raises `AddressError` or `StudyError` where the study makes no sense.
    """
    rows = [
        (address, how if isinstance(how, str) else how.get(address, "factor"), values)
        for address, values in vary.items()
    ]
    return design(scenario, rows, together=together)


def design(
    scenario: Scenario,
    rows: Sequence[tuple[str, str, Iterable[Any]]],
    *,
    together: bool = False,
) -> Design:
    """Points of parameters given as (address, how, values)."""
    if not rows:
        raise StudyError("nothing is varied: name at least one parameter")
    parameters: list[Parameter] = []
    lists: list[list[Any]] = []
    for address, how, values in rows:
        one = parameter(scenario, address, how)
        if (one.address, one.how) in {(p.address, p.how) for p in parameters}:
            raise StudyError("{address} is varied twice", address=one.shown)
        column = match(scenario.tables, parse_address(address)).column
        parameters.append(one)
        lists.append(values_of(one, column, _listed(address, values)))
    if together:
        lengths = {len(values) for values in lists}
        if len(lengths) > 1:
            raise StudyError(
                say("values that vary together must be equally many, but there are ")
                + ", ".join(str(len(values)) for values in lists)
            )
        points = tuple(zip(*lists, strict=True))
    else:
        runs = math.prod(len(values) for values in lists)
        if runs > MOST_RUNS:
            raise StudyError(
                "{runs:,} runs are too many: at most {most_runs:,}", runs=runs, most_runs=MOST_RUNS
            )
        points = tuple(itertools.product(*lists))
    return Design(tuple(parameters), points)


def study(scenario: Scenario, name: str) -> Design:
    """A study of the sheet Studies: its rows in a grid. Raises `StudyError` if there is none."""
    sheet = scenario.frame("Studies")
    of_study = sheet[sheet["study"] == name]
    if of_study.empty:
        names = list(dict.fromkeys(sheet["study"]))
        known = (
            say("; there are {names}", names=", ".join(names))
            if names
            else say("; the sheet Studies is empty")
        )
        raise StudyError(
            "there is no study {name!r}{value}", name=name, value=meant(name, names) or known
        )
    rows = []
    for record in of_study.to_dict("records"):
        if isinstance(record["values"], str):
            values: list[Any] = [part.strip() for part in record["values"].split(";")]
        else:
            values = steps(float(record["from"]), float(record["to"]), int(record["steps"]))
        rows.append((record["parameter"], record["change"], values))
    return design(scenario, rows)


def steps(first: float, last: float, count: int) -> list[float]:
    """Evenly spaced values, both ends included. Raises `StudyError` for a senseless count."""
    if count < 1 or (count == 1 and first != last):
        raise StudyError(
            "{first} to {last} needs at least 2 steps, not {count}",
            first=written(first),
            last=written(last),
            count=count,
        )
    if count > MOST_RUNS:
        raise StudyError(
            "{count:,} steps are too many: at most {most_runs:,}", count=count, most_runs=MOST_RUNS
        )
    return [float(v) for v in np.linspace(first, last, count)]


def parse_values(text: str) -> list[Any]:
    """Values as written behind `--vary ADDRESS=`: `from:to:steps` or `v1;v2;v3`.

    Raises `StudyError` where the text is neither.
    """
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 3 and ";" not in text:
        try:
            numbers = [parse_number(part) for part in parts]
        except BadCellError as problem:
            raise StudyError(
                "{text!r} is not from:to:steps: {message}", text=text, message=problem.message
            ) from None
        first, last, count = numbers
        if first is None or last is None or count is None or count != math.floor(count):
            raise StudyError("{text!r} is not from:to:steps (steps is a whole number)", text=text)
        return list(steps(first, last, int(count)))
    values = [part.strip() for part in text.split(";")]
    if any(not value for value in values):
        raise StudyError("a value is blank in {text!r}: write v1;v2;v3 or from:to:steps", text=text)
    return list(values)


def left_behind(scenario: Scenario, design: Design) -> list[str]:
    """What the design leaves as it was though it belongs to what is varied, in sentences."""
    cells = [(one.sheet, one.column, one.rows) for one in design.parameters]
    alone = all(sum(value is not None for value in point) < 2 for point in design.points)
    groups = [[n] for n in range(len(cells))] if alone else [list(range(len(cells)))]
    notes = []
    for group in groups:
        kept = left_by(scenario.tables, [cells[n] for n in group])
        notes += [f"{design.parameters[group[n]].address}: {words}" for n, words in kept.items()]
    return notes


def touching(one: Parameter, other: Parameter) -> bool:
    """Whether a rule of the scenario may tie the two: cells of one row, or a blend's quality."""
    pair = {one.sheet, other.sheet}
    if pair in ({"Properties", "BlendLimits"}, {"Units", "UnitPeriods"}):
        return True
    return one.sheet == other.sheet and bool(set(one.rows) & set(other.rows))


def in_order(design: Design) -> list[int]:
    """The runs in an order in which neighbours are alike.

    A grid is walked to and fro, a cloud of points from each to the nearest that is left.
    """
    codes = []
    for n in range(len(design.parameters)):
        column = [p[n] for p in design.points]
        numbers = all(isinstance(v, int | float) for v in column)
        known = sorted(set(column)) if numbers else list(dict.fromkeys(column))
        place = {v: k for k, v in enumerate(known)}
        codes.append(np.array([place[v] for v in column]))
    ranks = np.array(codes).T.reshape(len(design.points), -1)
    levels = ranks.max(axis=0, initial=0) + 1
    if ranks.shape[1] == 1 or float(np.prod(levels.astype(float))) <= 4.0 * len(ranks):
        return _to_and_fro(ranks, levels)
    if len(ranks) > 5000:
        return [int(n) for n in np.lexsort(ranks.T[::-1])]
    cloud = ranks / np.maximum(levels - 1, 1)
    left = np.ones(len(cloud), dtype=bool)
    order = [0]
    left[0] = False
    for _ in range(len(cloud) - 1):
        away = ((cloud - cloud[order[-1]]) ** 2).sum(axis=1)
        away[~left] = np.inf
        order.append(int(np.argmin(away)))
        left[order[-1]] = False
    return order


def _to_and_fro(ranks: np.ndarray, levels: np.ndarray) -> list[int]:
    keys = []
    turned = np.zeros(len(ranks), dtype=int)
    for n in range(ranks.shape[1]):
        code = np.where(turned % 2 == 1, levels[n] - 1 - ranks[:, n], ranks[:, n])
        keys.append(code)
        turned = turned + code
    return [int(n) for n in np.lexsort(keys[::-1])]
