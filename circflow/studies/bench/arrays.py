"""A scenario as arrays: its programme and its totals, in one vector that two scenarios can share.

`built` builds and compiles a scenario once. Two snapshots of one structure (the same rows,
columns, nonzeros, yes/no decisions and unlimited bounds) differ only in the vector `figures` and
in the values of the totals' forms, and that difference is a `Difference`, held sparsely.

    figures = (cost, offset, matrix values, row_lower, row_upper, lower, upper, constants of forms)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from circflow.algebra.build import build
from circflow.algebra.declare import Model
from circflow.data.coded import Flags, Floats, Ints
from circflow.data.pandas_text import python_strings
from circflow.data.scenario import Scenario
from circflow.solver.compiled import Compiled, Program, compile_model
from circflow.studies.bench.money_by_rate import money_of
from circflow.studies.bench.totals_rows import Forms, forms_of

Decisions = Literal["free", "relaxed", "fixed"]
"""Yes/no decisions: searched, fractions, or fixed as in the best plan of the scenario."""
Choice = Mapping[tuple[str, str, str], float]
"""Fixed decisions: (`built` or `running`, unit, period) → 0 or 1."""

SECTIONS = ("cost", "offset", "data", "row_lower", "row_upper", "lower", "upper", "constant")
COSTS_ALONE = {"cost", "offset", "constant"}
"""The sections of figures that move costs only: every plan stays a plan."""


@dataclass(frozen=True)
class Structure:
    """What two programmes must have in common for one to be updated to the other."""

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    shape: tuple[int, int]
    integer: Flags
    columns: Ints
    variables: int
    infinite: NDArray[np.int8]
    """−1, 0, +1: where a figure is −∞, finite, +∞."""
    labels: tuple[tuple[str, ...], ...]

    def same(self, other: Structure) -> bool:
        """Whether the two are one."""
        parts = ("indptr", "indices", "integer", "columns", "infinite")
        return (
            self.shape == other.shape
            and self.variables == other.variables
            and self.labels == other.labels
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in parts)
        )

    def section(self, name: str) -> slice:
        """Where a section stands in the vector of figures."""
        rows, columns = self.shape
        sizes = (columns, 1, len(self.indices), rows, rows, columns, columns, len(self.labels))
        at = SECTIONS.index(name)
        return slice(sum(sizes[:at]), sum(sizes[: at + 1]))

    def sections_of(self, places: Ints) -> set[str]:
        """The sections that places of the vector of figures are in."""
        spans = {name: self.section(name) for name in SECTIONS}
        return {n for n, s in spans.items() if ((s.start <= places) & (places < s.stop)).any()}


@dataclass(frozen=True)
class Snapshot:
    """The arrays of one scenario. Infinite figures are 0 in `figures` (see the structure)."""

    structure: Structure
    figures: Floats = field(repr=False)
    forms: csr_array = field(repr=False)
    """Totals' forms, one row per label, over the programme's columns."""
    money: csr_array | None = field(default=None, repr=False)
    """Money free of the discount rate (`money_by_rate`), where it was asked for."""

    def program(self, figures: Floats | None = None) -> Program:
        """The programme, of these or of other figures of the same structure."""
        s = self.structure
        finite = np.where(s.infinite == 0, self.figures if figures is None else figures, 0.0)
        finite[s.infinite != 0] = s.infinite[s.infinite != 0] * np.inf
        part = {name: finite[s.section(name)] for name in SECTIONS}
        return Program(
            cost=part["cost"],
            offset=float(part["offset"][0]),
            matrix=csc_array((part["data"], s.indices, s.indptr), shape=s.shape),
            row_lower=part["row_lower"],
            row_upper=part["row_upper"],
            lower=part["lower"],
            upper=part["upper"],
            integer=s.integer,
        )

    def totals(self, x: Floats) -> Floats:
        """Every form at a plan."""
        return np.asarray(
            self.forms @ x + self.figures[self.structure.section("constant")], dtype=float
        )


@dataclass(frozen=True)
class Difference:
    """Snapshot minus snapshot: the change of the figures (one row), and of the forms."""

    figures: csr_array
    forms: csr_array
    money: csr_array | None = None


@dataclass(frozen=True)
class Built:
    """A scenario built once: the model, its compiled programme, and the snapshot."""

    model: Model
    compiled: Compiled
    snapshot: Snapshot
    forms: Forms


@python_strings()
def built(
    scenario: Scenario,
    decisions: Decisions = "free",
    choice: Choice | None = None,
    *,
    rated: bool = False,
) -> Built:
    """Build and compile a scenario, with its decisions free, relaxed or fixed at `choice`.

    A candidate that `choice` does not name is not built; a unit it does not name does not idle.
    `rated` adds the money free of the discount rate.
    """
    m = build(scenario, relax=decisions == "relaxed")
    compiled = compile_model(m)
    if decisions == "fixed":
        values = np.zeros(len(compiled.columns))
        for key, column in decision_columns(m, compiled).items():
            missing = 0.0 if key[0] == "built" else 1.0
            values[column] = (choice or {}).get(key, missing)
        compiled = replace(compiled, program=compiled.program.with_fixed(values))
    forms = forms_of(m, compiled)
    money = money_of(m, compiled) if rated else None
    return Built(m, compiled, _snapshot(compiled, forms, money), forms)


def columns_of(m: Model, compiled: Compiled, *names: str) -> dict[tuple[str, str, str], int]:
    """Variables by unit and period: their columns in the programme, −1 where they are in no row."""
    return {
        (name, str(unit), str(period)): place
        for name in names
        for (unit, period), place in zip(
            m[name].indices(), compiled.column_of[m[name].columns].tolist(), strict=True
        )
    }


def decision_columns(m: Model, compiled: Compiled) -> dict[tuple[str, str, str], int]:
    """The yes/no decisions and their columns in the programme."""
    columns = columns_of(m, compiled, "built", "running")
    return {key: place for key, place in columns.items() if place >= 0}


def choice_of(m: Model, compiled: Compiled, x: Floats) -> dict[tuple[str, str, str], float]:
    """The decisions of a plan."""
    return {key: float(np.round(x[at])) for key, at in decision_columns(m, compiled).items()}


def _snapshot(compiled: Compiled, forms: Forms, money: csr_array | None) -> Snapshot:
    p = compiled.program
    figures = np.concatenate(
        [
            p.cost,
            [p.offset],
            p.matrix.data,
            p.row_lower,
            p.row_upper,
            p.lower,
            p.upper,
            forms.constant,
        ]
    )
    infinite = np.where(np.isinf(figures), np.sign(figures), 0.0).astype(np.int8)
    structure = Structure(
        p.matrix.indptr.astype(np.int32),
        p.matrix.indices.astype(np.int32),
        p.shape,
        p.integer,
        compiled.columns,
        compiled.variables,
        infinite,
        forms.labels,
    )
    return Snapshot(structure, np.where(infinite == 0, figures, 0.0), forms.matrix, money)


def difference(new: Snapshot, old: Snapshot) -> Difference | None:
    """new − old, None where the structures differ."""
    if not new.structure.same(old.structure):
        return None
    figures = csr_array((new.figures - old.figures)[None, :])
    money = None
    if new.money is not None and old.money is not None:
        if new.money.shape != old.money.shape:  # other lifetimes
            return None
        money = _nonzero(new.money - old.money)
    return Difference(figures, _nonzero(new.forms - old.forms), money)


def joint_part(
    both: Difference, alone: Sequence[Difference], base: Snapshot, rounding: float = 1e-15
) -> Difference:
    """What parameters change together beyond what each does alone; a figure's change below this
    share of its size, or of a part's, is none."""

    def beyond(part: str) -> csr_array:
        return _nonzero(getattr(both, part) - sum(getattr(one, part) for one in alone))

    figures = beyond("figures")
    size = np.abs(base.figures[figures.indices])
    for part in (both, *alone):
        size = np.maximum(size, np.abs(part.figures[:, figures.indices].toarray()[0]))
    figures.data[np.abs(figures.data) <= rounding * size] = 0.0
    money = None if both.money is None else beyond("money")
    return Difference(_nonzero(figures), beyond("forms"), money)


def _nonzero(matrix: csr_array) -> csr_array:
    compressed = csr_array(matrix)
    compressed.eliminate_zeros()
    return compressed
