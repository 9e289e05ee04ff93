"""How money depends on the discount rate, so that a rate needs no model of its own.

The rate r enters the arrays nowhere but in what money counts. Yearly money of a period t counts
D_t(r), a lump sum (1 + r)^−start_t, and where capital is charged as an annuity over a lifetime L
after c years of construction, D_t(r) · a(L, c, r) (MODEL: discounting, capital). By these kinds k
of money, with weights w_k(r), the money of a programme is a matrix M that is free of the rate:

    cost(r) = Σ_k w_k(r) · M_k

The same holds for the totals that a rate moves: capital over the horizon, which counts
years · a(L, c, r), and the discounted value and synergy. M is affine in the other figures wherever
the arrays are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from circflow.algebra.build import for_synergy, weighted_terms
from circflow.algebra.declare import Model
from circflow.algebra.investment import CAPITAL as PAID_CAPITAL
from circflow.algebra.investment import annuity
from circflow.data.coded import Flags, Floats, Ints
from circflow.data.scenario import Scenario, make_periods
from circflow.solver.compiled import Compiled
from circflow.studies.bench.totals_rows import over_columns

CAPITAL = ("costs", "capital")
MOVED = (CAPITAL, ("goal", "value"), ("goal", "synergy"))
"""The totals that the rate moves."""
_BLOCKS = 1 + len(MOVED)
"""Of M: the objective, then the totals."""


@dataclass(frozen=True)
class Kinds:
    """The kinds of money of a scenario, and what they count at a rate."""

    names: tuple[str, ...]
    years: tuple[int, ...]
    """Of the periods."""
    annuities: tuple[tuple[float, float], ...]
    """Lifetime and construction years that an annuity is charged for, each pair once."""

    def __len__(self) -> int:
        return len(self.names) * (2 + len(self.annuities))

    def code(self, period: Ints, lump: Flags, annuity_of: Ints) -> Ints:
        """The kind of each term; `annuity_of` is the place of its annuity, −1 for none."""
        within = np.where(annuity_of < 0, lump.astype(np.intp), annuity_of + 2)
        return np.asarray(period * (2 + len(self.annuities)) + within, dtype=np.intp)

    def charges(self, rate: float) -> Floats:
        """What is charged of each kind yearly, as a share of capital; 1 where it is no capital."""
        factors = [annuity(lifetime, rate, built) for lifetime, built in self.annuities]
        return np.tile([1.0, 1.0, *factors], len(self.names))

    def weights(self, rate: float) -> Floats:
        """What each kind counts: discounted, then (second half) as it is paid."""
        charged = len(self.annuities)
        today: list[float] = []
        paid: list[float] = []
        for p in make_periods(self.names, self.years, rate):
            today += [p.weight, p.once, *[p.weight] * charged]
            paid += [p.years, 1.0, *[p.years] * charged]
        return np.concatenate([today, paid]) * np.tile(self.charges(rate), 2)


def kinds_of(scenario: Scenario) -> Kinds:
    """The kinds of money of a scenario."""
    units = scenario.active_units
    units = units[["lifetime_years", "construction_years"]][units["status"] == "candidate"]
    terms = sorted({(float(life), float(built)) for life, built in units.to_numpy()})
    return Kinds(
        tuple(p.name for p in scenario.periods),
        tuple(p.years for p in scenario.periods),
        tuple(terms),
    )


def money_of(m: Model, compiled: Compiled) -> csr_array:
    """M: a row for every block and weight (see `Kinds.weights`), a column for every column of the
    programme and one for the constant. The objective's block is what is minimised."""
    kinds = kinds_of(m.scenario)
    terms, codes = weighted_terms(m), m.scenario.codes
    capital = terms["money"] == codes.known("money", PAID_CAPITAL.name)
    synergy = for_synergy(m)[terms["money"]]
    lump, is_money = terms["lump"] == 1, terms["money"] >= 0
    places = {pair: n for n, pair in enumerate(kinds.annuities)}
    units = m.scenario.items("Units")
    pairs = zip(units["lifetime_years"].tolist(), units["construction_years"].tolist(), strict=True)
    place = np.array([*(places.get(pair, -1) for pair in pairs), -1], dtype=np.intp)
    kind = kinds.code(terms["period"], lump, np.where(capital & ~lump, place[terms["unit"]], -1))
    per_charge = kinds.charges(m.scenario.settings.discount_rate)[kind]
    weighted = terms.coefficient / per_charge
    # What is money stands first, in the order of the model's own terms.
    bare = np.append(m.money.coefficient, np.zeros(len(terms) - len(m.money))) / per_charge
    count = len(kinds)
    blocks: Sequence[tuple[Flags, Floats, int]] = (
        (np.ones(len(terms), dtype=bool), -weighted, 0),
        (capital, -bare, count),
        (is_money & ~synergy, bare, 0),
        (synergy, bare, 0),
    )
    parts = [
        (block * 2 * count + shift + kind[entries], terms.column[entries], value[entries])
        for block, (entries, value, shift) in enumerate(blocks)
    ]
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    labels = tuple((str(n),) for n in range(_BLOCKS * 2 * count))
    forms = over_columns(compiled, labels, row, column, value)
    return csr_array(hstack([forms.matrix, csr_array(forms.constant[:, None])]))


@dataclass(frozen=True)
class Rating:
    """A parameter of a study that is the discount rate."""

    at: int
    """Its place in the study's points."""
    current: float
    """The scenario's rate."""
    how: str
    kinds: Kinds

    def weights(self, value: Any) -> Floats:
        """What money counts at a value of the parameter; None is the scenario as it stands."""
        rate = self.current
        if value is not None:
            given = float(value)
            rate = {"factor": rate * given, "add": rate + given}.get(self.how, given)
        return self.kinds.weights(rate)
