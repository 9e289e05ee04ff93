"""What can come where: the places (site, material, period) that something can bring material to.

Only what can occur is built: a row that covers more than can happen costs nothing.
"""

from __future__ import annotations

import numpy as np

from circflow.algebra.declare import Model
from circflow.algebra.terms import MASS
from circflow.data.coded import Flags, Items, keys_of
from circflow.data.network import spread


def brought(m: Model) -> Items:
    """The places that the terms of mass so far bring something to, in the order of codes."""
    number = np.flatnonzero(_reached(m))
    _, materials, periods = _sizes(m)
    rest, period = np.divmod(number, max(periods, 1))
    site, material = np.divmod(rest, max(materials, 1))
    return Items({"site": site, "material": material, "period": period})


def fed(m: Model, start: Items, end: Items) -> Flags:
    """Which journeys (places they start from and lead to) can have something to carry: what the
    terms of mass so far bring to a place, and what other journeys can bring there."""
    first, last = (keys_of([rows[n] for n in MASS], _sizes(m)) for rows in (start, end))
    return np.asarray(spread(_reached(m), first, last)[first])


def _reached(m: Model) -> Flags:
    """By number of the place: whether a term of mass brings something there."""
    reached = np.zeros(int(np.prod(_sizes(m))), dtype=bool)
    for terms in m.mass:
        into = terms.coefficient > 0.0
        reached[keys_of([terms[n][into] for n in MASS], _sizes(m))] = True
    return reached


def _sizes(m: Model) -> list[int]:
    return [m.scenario.codes.size(n) for n in MASS]
