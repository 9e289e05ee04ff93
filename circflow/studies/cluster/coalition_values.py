"""A programme parts of which are open only while switches are on, and its value for every setting.

A gate is a column that may be used only while all the switches it needs are on (else its upper
bound is 0); a tariff is a column that costs more unless all the switches it needs are on. So the
value can only grow when a switch is turned on. Members of a coalition are switches, and so are the
effects that a synergy stems from.

Known without a solve: let R be the switches needed by the gates and tariffs that the best plan with
the switches T uses. That plan is open to every setting S between R and T, and no plan of S is
better than the best of T, so value(S) = value(T).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circflow.data.coded import Flags, Floats, Ints
from circflow.data.errors import CircflowError
from circflow.i18n import say
from circflow.solution.solution import Status
from circflow.solver.compiled import Program
from circflow.solver.optimum import optimum
from circflow.solver.scaling import Scaling, scaling_of
from circflow.studies.bench.engine import Engine, blocks
from circflow.studies.bench.series import Series
from circflow.studies.bench.store import Result, Store
from circflow.studies.progress import Clock, time_left

Setting = frozenset[int]
"""Switches that are on, by number."""

_BATCH, _BLOCK = 32, 4
"""Settings that are solved before it is looked which others follow; of them, those that are solved
one after another. Neither depends on who does the work."""


class UnboundedError(CircflowError, RuntimeError):
    """The programme's value has no bound."""


class StoppedError(CircflowError, RuntimeError):
    """The time was up before a value was found."""


@dataclass(frozen=True)
class Switches:
    """A programme with `count` switches.

    `gate_columns[g]` is open while all switches in `gate_needs[g]` (a row of flags) are on;
    `tariff_columns[p]` costs `program.cost` while all of `tariff_needs[p]` are on, else
    `tariff_off[p]`, which is not less.
    """

    program: Program
    count: int
    gate_columns: Ints
    gate_needs: Flags
    tariff_columns: Ints
    tariff_needs: Flags
    tariff_off: Floats

    def flags(self, on: Iterable[int]) -> Flags:
        """A setting as flags."""
        flags = np.zeros(self.count, dtype=bool)
        flags[list(on)] = True
        return flags

    def set(self, on: Setting) -> Program:
        """The programme at a setting."""
        program, gates, flags = self.program, self.gate_columns, self.flags(on)
        closed = np.maximum(program.lower[gates], 0.0)
        upper = np.where(_met(self.gate_needs, flags), program.upper[gates], closed)
        cheap, cost = _met(self.tariff_needs, flags), program.cost[self.tariff_columns]
        costs = np.where(cheap, cost, self.tariff_off)
        return program.with_bounds(gates, upper=upper).with_costs(costs, self.tariff_columns)

    def used(self, x: Floats, on: Setting) -> Setting:
        """The switches that a plan needs."""
        flags = self.flags(on)
        needed = np.zeros(self.count, dtype=bool)
        for columns, needs in (
            (self.gate_columns, self.gate_needs),
            (self.tariff_columns, self.tariff_needs),
        ):
            running = (x[columns] != 0.0) & _met(needs, flags)
            needed |= needs[running].any(axis=0)
        return frozenset(np.flatnonzero(needed).tolist())


def _met(needs: Flags, flags: Flags) -> Flags:
    """Rows of `needs` all of whose switches are on."""
    off = (~flags).astype(np.float32)
    return np.asarray(needs.astype(np.float32) @ off == 0.0)


@dataclass(frozen=True)
class Known:
    """A value found by a solve: it holds for every setting between `used` and `on`."""

    on: Setting
    used: Setting
    value: float
    """Million currency; −inf where there is no plan."""


@dataclass(frozen=True)
class _Solver:
    """Solves a programme at settings of its switches: from the last basis (an LP) or from scratch
    (yes/no decisions)."""

    switches: Switches
    gap: float
    scaling: Scaling
    linear: Series

    def twin(self) -> _Solver:
        """Another that goes on from the last basis."""
        return replace(self, linear=self.linear.twin())

    def solve(self, setting: Setting, clock: Clock) -> Known:
        """The value at a setting. Raises StoppedError, UnboundedError."""
        if clock.is_over:
            raise StoppedError("the time is up")
        switches = self.switches
        program = switches.set(setting)
        if program.has_decisions:
            outcome = optimum(
                program, gap=self.gap, time_limit=clock.left, scaling=self.scaling, light=True
            ).outcome
        else:
            outcome = self.linear.solve(program)
        if outcome.status is Status.UNBOUNDED:
            raise UnboundedError("the value has no bound")
        if outcome.status in {Status.STOPPED, Status.FEASIBLE}:
            raise StoppedError("the time is up")
        if outcome.x is None:
            return Known(setting, frozenset(), -np.inf)  # nor is there one with fewer on
        return Known(setting, switches.used(outcome.x, setting), -outcome.objective)


def _solved(job: tuple[_Solver, Clock, Clock], settings: Sequence[Setting]) -> list[Known]:
    """The values at settings, one after another, as far as the time goes."""
    first, over, clock = job
    solver, solved = first.twin(), list[Known]()
    with suppress(StoppedError):
        for setting in settings:
            if over.is_over:
                break
            solved.append(solver.solve(setting, clock))
    return solved


class Values:
    """The value of a programme at settings of its switches, each solved at most once.

    Many are solved by an `engine`. They are kept in memory and in `store`, from which a stopped run
    goes on.
    """

    def __init__(
        self,
        switches: Switches,
        *,
        gap: float = 1e-6,
        engine: Engine | None = None,
        store: Store | None = None,
    ) -> None:
        self.switches = switches
        self.clock = Clock(None)
        """Searches end when it is over; it may be set anew."""
        self.engine = engine or Engine()
        self.solves = 0
        scaling = scaling_of(switches.program)
        self._solver = _Solver(switches, gap, scaling, Series(scaling))
        self._at: dict[Setting, int] = {}
        self._on = np.zeros((0, switches.count), dtype=bool)
        self._used = np.zeros((0, switches.count), dtype=bool)
        self.solved: list[Known] = []
        """Every value found by a solve."""
        self._store: Store | None = None
        for kept in store.results() if store else ():
            on, used = (frozenset(kept.content[name]) for name in ("on", "used"))
            value = kept.content["value"]
            self.add(Known(on, used, -np.inf if value is None else value))
        self._store = store

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to a process: its engine, the session, the store."""
        of_process = {"engine": None, "_solver": self._solver.twin(), "_store": None}
        return vars(self) | of_process

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.engine = Engine()

    # ------------------------------------------------------------------ asking

    def __call__(self, on: Iterable[int]) -> float:
        """The value at a setting, million currency; −inf where there is no plan."""
        return self.lookup(frozenset(on)).value

    def lookup(self, setting: Setting) -> Known:
        """The value at a setting, and between which settings it holds."""
        known = self.known(setting)
        if known is None:
            known = self._solver.solve(setting, self.clock)
            self.solves += 1
            self.add(known)
        return known

    def known(self, setting: Setting) -> Known | None:
        """The solve that tells the value, if there is one."""
        if setting not in self._at:
            flags = self.switches.flags(setting)
            holds = ~(self._used & ~flags).any(axis=1) & ~(flags & ~self._on).any(axis=1)
            if not holds.any():
                return None
            self._at[setting] = int(np.flatnonzero(holds)[0])
        return self.solved[self._at[setting]]

    def all(
        self,
        settings: Iterable[Setting],
        *,
        what: str = "coalitions",
        clock: Clock | None = None,
    ) -> bool:
        """Find the values of many settings, large ones first (what they tell saves solves).

        No further solve is begun when the `clock` is over; whether all were found.
        """
        over = Clock(None) if clock is None else clock
        todo = sorted(set(settings), key=lambda s: (-len(s), sorted(s)))
        done, total, begun = 0, len(todo), time.perf_counter()
        levels: dict[int, list[Setting]] = {}
        for setting in todo:
            levels.setdefault(len(setting), []).append(setting)
        for level in levels.values():
            for batch in blocks(level, _BATCH):
                unknown = [s for s in batch if self.known(s) is None]
                if not self._solve_all(unknown, over):
                    return False
                done += len(batch)
                self.engine.tell(
                    say(
                        "{what}: {done} of {total}, {solves} solved, {left}",
                        what=say(what),
                        done=done,
                        total=total,
                        solves=self.solves,
                        left=time_left(begun, done, total),
                    )
                )
        return True

    # ------------------------------------------------------------------ solving

    def _solve_all(self, settings: Sequence[Setting], over: Clock) -> bool:
        """Solve settings; whether all were in time."""
        job = (self._solver.twin(), over, self.clock)
        parts = self.engine.spread(_solved, job, blocks(settings, _BLOCK), "")
        solved = [known for part in parts for known in part]
        for known in solved:
            self.add(known)
        self.solves += len(solved)
        return len(solved) == len(settings)

    def add(self, known: Known) -> None:
        """Keep a value, found here or elsewhere."""
        switches = self.switches
        self._at[known.on] = len(self.solved)
        self._on = np.vstack([self._on, switches.flags(known.on)])
        self._used = np.vstack([self._used, switches.flags(known.used)])
        self.solved = [*self.solved, known]
        if self._store is not None:
            on, used = sorted(known.on), sorted(known.used)
            content = {"on": on, "used": used, "value": known.value}
            self._store.add([Result(" ".join(map(str, on)), content)])
