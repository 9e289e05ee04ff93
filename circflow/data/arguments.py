"""The public functions: their arguments checked by name, and one kind of text in what they return.

An argument means the same in every function, so that its rule stands here once. NumPy's numbers
are numbers. A wrong type or an impossible figure is refused in a sentence before any work is done.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

import numpy as np

from circflow.data.errors import ArgumentError
from circflow.data.result import one_text_type
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say

P = ParamSpec("P")
R = TypeVar("R")
Rule = Callable[[str, Any], Any]
"""Takes the name and the value of an argument, gives the value to go on with."""


def public(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose arguments are checked by their names (see `RULES`).

    Raises `ArgumentError`, and TypeError as Python does for arguments that there are not.
    """
    shape = signature(function)
    several = {n for n, p in shape.parameters.items() if p.kind is Parameter.VAR_POSITIONAL}

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        given = shape.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            rule = RULES.get(name)
            if rule is None:
                continue
            given.arguments[name] = (
                tuple(rule(name, one) for one in value) if name in several else rule(name, value)
            )
        return one_text_type(function(*given.args, **given.kwargs))

    return checked


def python_value(value: Any) -> Any:
    """A value without NumPy: its scalars, and arrays of one element and no dimension, as Python's
    own; anything else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def named(value: Any) -> str:
    """A value as a message names it: what it is and, where it is short, which."""
    kind = type(value).__name__
    text = repr(value)
    if len(text) <= 40 and isinstance(value, str | int | float):
        return text
    return say("a {kind}", kind=kind)


def _number(  # noqa: PLR0913
    wanted: str,
    *,
    integer: bool = False,
    least: float = -math.inf,
    above: bool = False,
    most: float = math.inf,
    blank: bool = False,
    endless: bool = False,
) -> Rule:
    """The rule of a number: whole, at least (or `above`) and at most a figure; None if `blank`,
    infinite if `endless`."""

    def rule(name: str, value: Any) -> Any:
        number = python_value(value)
        if number is None and blank:
            return None
        kinds = (int,) if integer else (int, float)
        good = isinstance(number, kinds) and not isinstance(number, bool)
        if integer and isinstance(number, float) and number.is_integer():
            number, good = int(number), True
        if good:
            good = endless or math.isfinite(number)
            good = good and (number > least if above else number >= least) and number <= most
        if not good:
            raise ArgumentError(
                "{name} must be {wanted}, not {named}",
                name=name,
                wanted=say(wanted),
                named=named(number),
            )
        return number

    return rule


def _scenario(name: str, value: Any) -> Any:
    if isinstance(value, Scenario):
        return value
    read = (
        say(": read it first, circflow.read({path})", path=repr(os.fspath(value)))
        if _is_path(value)
        else ""
    )
    what = say("a scenario") if name == "scenarios" else say("a Scenario")
    raise ArgumentError(
        "{name} must be {what} as circflow.read gives, not {named}{read}",
        name=name,
        what=what,
        named=named(value),
        read=read,
    )


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _of_kind(fits: Callable[[Any], bool], wanted: str) -> Rule:
    """The rule of what is no number."""

    def rule(name: str, value: Any) -> Any:
        given = python_value(value)
        if fits(given):
            return given
        raise ArgumentError(wanted, name=name, named=named(given))

    return rule


_A_FILE = mark("{name} must be the name of a file or folder, not {named}")
_PATH = _of_kind(_is_path, _A_FILE)
_FILE = _of_kind(lambda value: value is None or _is_path(value), _A_FILE)
_FLAG = _of_kind(
    lambda value: value is None or isinstance(value, bool),
    mark("{name} must be True or False, not {named}"),
)
_CALL = _of_kind(
    lambda value: value is None or callable(value),
    mark("{name} must be a function, not {named}"),
)


_SECONDS = _number(
    mark("a number of seconds above 0, or None for no limit"),
    above=True,
    least=0.0,
    blank=True,
    endless=True,
)
_SHARE = _number(mark("a number of 0 or more"), least=0.0)
_COUNT = _number(mark("a whole number of at least 1"), integer=True, least=1)
_COUNT_OR_NONE = _number(
    mark("a whole number of at least 1, or None"), integer=True, least=1, blank=True
)
_WHOLE = _number(mark("a whole number of at least 0"), integer=True, least=0)
_COUNT_FROM_0 = _number(mark("a whole number of at least 0"), integer=True, least=0, blank=True)

RULES: dict[str, Rule] = {
    "path": _PATH,
    "scenario": _scenario,
    "scenarios": _scenario,
    "time_limit": _SECONDS,
    "seconds": _SECONDS,
    "gap": _number(mark("a share of 0 or more, such as 1e-6"), least=0.0),
    "within": _SHARE,
    "share": _number(mark("a number above 0"), least=0.0, above=True),
    "radius_km": _number(mark("a number of 0 or more, not negative"), least=0.0, endless=True),
    "conventional_factor": _number(mark("a number of 0 or more, not negative"), least=0.0),
    "digital_factor": _number(mark("a number of 0 or more, not negative"), least=0.0),
    "alpha": _number(mark("a share from 0 to below 1"), least=0.0, most=math.nextafter(1.0, 0.0)),
    "omega": _number(mark("a share from 0 to 1"), least=0.0, most=1.0),
    "jobs": _COUNT_OR_NONE,
    "check_every": _number(
        mark("a whole number of at least 1, or None for no checks"),
        integer=True,
        least=1,
        blank=True,
    ),
    "count": _COUNT,
    "orders": _COUNT,
    "points": _number(mark("a whole number of at least 2"), integer=True, least=2),
    "samples": _WHOLE,
    "sample": _COUNT_OR_NONE,
    "test": _COUNT_FROM_0,
    "seed": _WHOLE,
    "low": _number(mark("a number")),
    "high": _number(mark("a number")),
    "relax": _FLAG,
    "resume": _FLAG,
    "arms_length": _FLAG,
    "together": _FLAG,
    "split": _FLAG,
    "memberships": _FLAG,
    "exact": _FLAG,
    "break_evens": _FLAG,
    "risks": _FLAG,
    "infrastructure": _FLAG,
    "store": _FILE,
    "early": _CALL,
    "progress": _CALL,
}
"""What each argument may be, by its name."""
