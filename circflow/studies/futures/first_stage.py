"""One programme for all futures: decisions in common, the rest of the plan once per future.

First stage: built[u,t] and extra_capacity[u,t], under the scenario's own building limits and
budget (with its own capex). Second stage, one copy per future s with the future's figures: every
other variable and limit, V_s being the copy's objective.

    RP = max (1 − ω) Σ_s p_s V_s + ω CVaR_α
    CVaR_α = max_η η − 1/(1 − α) · Σ_s p_s z_s,  z_s ≥ η − V_s,  z_s ≥ 0
    (Rockafellar and Uryasev 2000, Optimization of conditional value-at-risk)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import block_array, csc_array, csr_array

from circflow.algebra.build import build
from circflow.algebra.declare import Model
from circflow.data.coded import Flags, Floats, Ints
from circflow.data.scenario import Scenario
from circflow.solver.compiled import Compiled, Program, compile_model
from circflow.solver.highs import Outcome
from circflow.solver.optimum import optimum
from circflow.studies.bench.arrays import columns_of

Label = tuple[str, str, str]
"""Variable (`built` or `extra_capacity`), unit, period."""
VARIABLES = ("built", "extra_capacity")


@dataclass(frozen=True)
class Risk:
    """How worths of futures are weighed: (1 − omega) · mean + omega · CVaR_alpha."""

    alpha: float = 0.8
    omega: float = 0.0

    def cvar(self, worths: Floats, probabilities: Floats) -> float:
        """The mean worth over the worst 1 − alpha of the futures."""
        order = np.argsort(worths, kind="stable")
        tail = 1.0 - self.alpha
        before = np.concatenate([[0.0], np.cumsum(probabilities[order])[:-1]])
        share = np.clip(tail - before, 0.0, probabilities[order])
        share[-1] += tail - float(share.sum())  # rounding
        return float(share @ worths[order]) / tail

    def measure(self, worths: Floats, probabilities: Floats) -> float:
        """What the worths of all futures count together, in million currency."""
        mean = float(probabilities @ worths)
        if self.omega == 0.0:
            return mean
        return (1.0 - self.omega) * mean + self.omega * self.cvar(worths, probabilities)


@dataclass(frozen=True)
class FirstStage:
    """The decisions that all futures have in common, and the limits that tie them alone."""

    labels: tuple[Label, ...]
    upper: Floats
    integer: Flags
    matrix: csr_array
    """Limits of building and of the budget, one column per label."""
    row_lower: Floats
    row_upper: Floats

    @property
    def size(self) -> int:
        """How many decisions."""
        return len(self.labels)

    def tidy(self, decisions: Floats) -> Floats:
        """Decisions of a search without its rounding: whole where they must be, sizes within."""
        exact = np.where(self.integer, np.round(decisions), np.maximum(decisions, 0.0))
        built = {label[1:]: exact[n] for n, label in enumerate(self.labels) if label[0] == "built"}
        for n, label in enumerate(self.labels):
            if label[0] == "extra_capacity":
                exact[n] = min(exact[n], self.upper[n] * built[label[1:]])
        return np.asarray(exact, dtype=float)

    def breach(self, decisions: Floats) -> float:
        """By how much the limits of building are missed, relative to their size."""
        left = self.matrix @ decisions
        size = 1.0 + np.maximum(np.abs(left), abs(self.matrix) @ np.abs(decisions))
        miss = np.maximum(left - self.row_upper, self.row_lower - left)
        return float((miss / size).max(initial=0.0))


@dataclass(frozen=True)
class Copy:
    """The programme of one future, without the budget; where the common decisions stand in it."""

    program: Program
    first: Ints
    """Column of each label, −1 where the decision occurs nowhere."""

    def fixed(self, decisions: Floats) -> Program:
        """The programme with the decisions fixed."""
        there = self.first >= 0
        at, values = self.first[there], decisions[there]
        integer = self.program.integer.copy()
        integer[at] = False
        return replace(self.program.with_bounds(at, values, values), integer=integer)


def first_stage(scenario: Scenario) -> FirstStage:
    """The common decisions of a scenario, with its own building limits and budget."""
    m = build(scenario)
    compiled = compile_model(m)
    program = compiled.program
    place = columns_of(m, compiled, *VARIABLES)
    labels = tuple(place)
    units = scenario.frame("Units").set_index("unit")
    span = (units["capacity_max_per_year"] - units["capacity_per_year"]).to_dict()
    upper = np.array([1.0 if name == "built" else span[unit] for name, unit, _ in labels])
    at = np.array([place[label] for label in labels], dtype=np.intp)
    firsts = np.zeros(program.shape[1], dtype=bool)
    firsts[at[at >= 0]] = True
    matrix = csr_array(program.matrix)
    filled = np.diff(matrix.indptr)
    foreign = np.bincount(
        np.repeat(np.arange(len(filled)), filled), ~firsts[matrix.indices], minlength=len(filled)
    )
    rows = np.flatnonzero((filled > 0) & (foreign == 0.0))
    limits = _placed(csc_array(matrix[rows]), at, len(labels))
    return FirstStage(
        labels,
        upper.astype(float),
        np.array([label[0] == "built" for label in labels], dtype=bool),
        csr_array(limits),
        program.row_lower[rows],
        program.row_upper[rows],
    )


def copy_of(scenario: Scenario, labels: Sequence[Label]) -> tuple[Model, Compiled, Copy]:
    """The model and the programme of a future (see `unbudgeted`)."""
    m = build(scenario)
    compiled = compile_model(m)
    place = columns_of(m, compiled, *VARIABLES)
    return m, compiled, Copy(compiled.program, np.array([place[x] for x in labels], dtype=np.intp))


def unbudgeted(scenario: Scenario) -> Scenario:
    """The scenario without its budget, which counts the scenario's own capex in every future."""
    table = scenario.tables["Budget"]
    if not len(table):
        return scenario
    return scenario.with_figures({"Budget": table.with_frame(table.frame.iloc[:0])})


@dataclass(frozen=True)
class Joint:
    """The programme of all futures together. Its first columns are the common decisions."""

    program: Program
    second_stage: tuple[tuple[Ints, int], ...]
    """Of each copy: its columns that are not common, and where they begin."""


def joint(first: FirstStage, copies: Sequence[Copy], probabilities: Floats, risk: Risk) -> Joint:
    """The extensive form (minimised). Copies that are one alone make the programme of a future."""
    count = first.size
    blocks: list[list[csc_array | None]] = [[csc_array(first.matrix)] + [None] * len(copies)]
    cost, offset = np.zeros(count), 0.0
    columns = [(cost, np.zeros(count), first.upper, first.integer)]
    limits = [(first.row_lower, first.row_upper)]
    copies_at: list[tuple[Ints, int]] = []
    start = count
    weights = (1.0 - risk.omega) * probabilities
    for n, (copy, weight) in enumerate(zip(copies, weights.tolist(), strict=True)):
        p = copy.program
        there = copy.first >= 0
        mine = np.setdiff1d(np.arange(p.shape[1]), copy.first[there])
        shared = _placed(p.matrix, copy.first, count)
        blocks.append(
            [shared] + [p.matrix[:, mine] if k == n else None for k in range(len(copies))]
        )
        cost[there] += weight * p.cost[copy.first[there]]
        offset += weight * p.offset
        columns.append((weight * p.cost[mine], p.lower[mine], p.upper[mine], p.integer[mine]))
        limits.append((p.row_lower, p.row_upper))
        copies_at.append((mine, start))
        start += len(mine)
    costs, lower, upper, integer = (np.concatenate(part) for part in zip(*columns, strict=True))
    row_lower, row_upper = (np.concatenate(part) for part in zip(*limits, strict=True))
    matrix = csc_array(block_array(blocks)) if blocks[1:] else csc_array(first.matrix)
    matrix.sort_indices()
    program = Program(
        cost=costs,
        offset=offset,
        matrix=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        lower=lower,
        upper=upper,
        integer=integer.astype(bool),
    )
    if risk.omega > 0.0 and len(copies):
        program = _with_tail(program, copies, copies_at, probabilities, risk)
    return Joint(program, tuple(copies_at))


def _placed(matrix: csc_array, columns: Ints, count: int) -> csc_array:
    """The columns of the common decisions, empty where a decision occurs nowhere."""
    there = np.flatnonzero(columns >= 0)
    part = matrix[:, columns[there]].tocoo()
    shape = (matrix.shape[0], count)
    return csc_array((part.data, (part.coords[0], there[part.coords[1]])), shape=shape)


def _with_tail(
    program: Program,
    copies: Sequence[Copy],
    copies_at: Sequence[tuple[Ints, int]],
    probabilities: Floats,
    risk: Risk,
) -> Program:
    """With η, z_s and z_s − η + V_s ≥ 0."""
    count, width = len(copies), program.shape[1]
    cost = np.append(-risk.omega, risk.omega * probabilities / (1.0 - risk.alpha))
    lower = np.append(-np.inf, np.zeros(count))
    program = program.with_columns(1 + count, cost=cost, lower=lower)
    rows, columns, values, limits = [], [], [], []
    for n, (copy, (mine, start)) in enumerate(zip(copies, copies_at, strict=True)):
        p = copy.program
        there = np.flatnonzero(copy.first >= 0)
        columns += [there, start + np.arange(len(mine)), np.array([width, width + 1 + n])]
        values += [-p.cost[copy.first[there]], -p.cost[mine], np.array([-1.0, 1.0])]
        rows.append(np.full(len(there) + len(mine) + 2, n))
        limits.append(p.offset)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return program.with_rows(
        csr_array(entries, shape=(count, width + 1 + count)), np.array(limits), np.inf
    )


def solved(
    program: Program, *, gap: float, time_limit: float | None = None
) -> tuple[Outcome, float]:
    """The best of a programme of futures, and the proven bound of its minimum."""
    outcome = optimum(program, time_limit=time_limit, gap=gap).outcome
    bound = outcome.bound if np.isfinite(outcome.bound) else -np.inf
    return outcome, min(bound, outcome.objective)


def built_of(scenario: Scenario, first: FirstStage, decisions: Floats) -> list[dict[str, Any]]:
    """Decisions as unit, period, capacity (of the scenario, in capacity per year)."""
    units = scenario.frame("Units").set_index("unit")["capacity_per_year"]
    value = dict(zip(first.labels, decisions.tolist(), strict=True))
    return [
        {
            "unit": unit,
            "period": period,
            "capacity": float(units[unit]) * share
            + value.get(("extra_capacity", unit, period), 0.0),
        }
        for (name, unit, period), share in value.items()
        if name == "built" and share > 0.5
    ]
