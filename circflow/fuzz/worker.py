"""One scenario after another, each in a process of its own: a solver that crashes or never ends is
a finding too, and stops nothing."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from random import Random

from circflow.data.pandas_text import keep_python_strings
from circflow.fuzz import judge, remedies
from circflow.fuzz.judge import UNDECIDED, Finding
from circflow.fuzz.regions import Sheets, region
from circflow.fuzz.shrink import shrunk
from circflow.solver.highs import SolverError

Check = Callable[[Sheets, str, tuple[str, ...]], Iterator[Finding | str]]
STARTED = "started"
SILENCE = 120.0
"""Seconds of the processor without a sign of life after which a check counts as never ending."""
_ASLEEP = 1800.0
"""The same by the clock, for one that waits for something."""


@dataclass(frozen=True)
class Family:
    """Random scenarios of one kind and what is checked of them."""

    name: str
    names: tuple[str, ...]
    """The checks."""
    scenario: Callable[[Random], Sheets | None]
    """None where the generator found none."""
    check: Check


FAMILIES = (
    Family("relations", judge.NAMES, region, judge.judge),
    Family("explain", remedies.NAMES, remedies.blocked_region, remedies.judge),
)


@dataclass(frozen=True)
class Shrunk:
    """A finding as it was met, and as small as was cheap."""

    first: Finding
    small: Finding


Task = tuple[Family, str, tuple[str, ...]]
"""A family, the case (seed and number) and the names of its checks that are asked for."""


def checked(tasks: Iterable[Task], jobs: int = 1) -> Iterator[tuple[str, str | Shrunk]]:
    """Check the scenarios of cases, so many at a time, each in a process of its own: cases with the
    names of what was checked, and findings. `started` comes first where there is a scenario."""
    left = iter(tasks)
    running: dict[Connection, _Running] = {}
    try:
        while True:
            while len(running) < jobs and (task := next(left, None)) is not None:
                one = _Running(*task)
                running[one.here] = one
            if not running:
                return
            ready = wait(list(running), _ASLEEP)
            for here, one in list(running.items()):
                asleep = time.monotonic() - one.heard > _ASLEEP
                if here in ready or asleep:
                    heard = one.broken() if asleep else one.hear()
                    if heard is not None:
                        yield one.case, heard
                    if one.over:
                        del running[here]
    finally:
        for one in running.values():
            one.end()


class _Running:
    """The process of one case."""

    def __init__(self, family: Family, case: str, names: tuple[str, ...]) -> None:
        forks = "fork" in multiprocessing.get_all_start_methods()
        of = multiprocessing.get_context
        context = of("fork") if forks else of("spawn")
        self.family, self.case, self.names = family, case, names
        self.here, there = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(there, family, case, names), daemon=True)
        self.process.start()
        there.close()
        self.last, self.heard, self.over = "the scenario is made", time.monotonic(), False

    def hear(self) -> str | Shrunk | None:
        """What it says next; None where it has ended well."""
        try:
            heard: str | Shrunk = self.here.recv()
        except EOFError:
            self.process.join()
            if self.process.exitcode:
                return self.broken()
            self.end()
            return None
        self.last = heard if isinstance(heard, str) else heard.first.name
        self.heard = time.monotonic()
        return heard

    def broken(self) -> Shrunk:
        """That it gives no answer, or has crashed, as a finding."""
        code = self.process.exitcode
        text = f"after {self.last}: the process ended with {code}"
        if code is None:
            text = f"after {self.last}: no answer within {_ASLEEP:.0f} seconds"
        elif code == -getattr(signal, "SIGPROF", 0):
            text = f"after {self.last}: no answer within {SILENCE:.0f} seconds of the processor"
        self.end()
        sheets = region(Random(self.case)) if self.family.scenario is region else {}
        finding = Finding(self.names[0], text, {"scenario": sheets} if sheets else {})
        return Shrunk(finding, finding)

    def end(self) -> None:
        """End the process."""
        self.over = True
        self.process.kill()
        self.process.join()
        self.here.close()


def _work(there: Connection, family: Family, case: str, names: tuple[str, ...]) -> None:
    """Check the scenario of a case, and tell."""
    keep_python_strings()
    _be_patient()
    try:
        sheets = family.scenario(Random(case))
    except SolverError:  # it could not be told whether the scenario has a plan
        there.send(UNDECIDED)
        return
    if sheets is None:
        return
    there.send(STARTED)
    for one in family.check(sheets, case, names):
        _be_patient()
        if isinstance(one, str):
            there.send(one)
        else:
            there.send(Shrunk(one, _smaller(family.check, sheets, case, one)))


def _be_patient() -> None:
    """End this process after so much more time of the processor, where the system can."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, SILENCE)


def _smaller(check: Check, sheets: Sheets, case: str, finding: Finding) -> Finding:
    """The finding in as small a scenario as is cheap."""

    def shows(smaller: Sheets) -> bool:
        try:
            return _finding(check, smaller, case, finding.name) is not None
        except LookupError:  # a sheet that the relation itself needs is gone
            return False

    small = shrunk(sheets, shows)
    return _finding(check, small, case, finding.name) or finding


def _finding(check: Check, sheets: Sheets, case: str, name: str) -> Finding | None:
    """The finding of a name that a scenario shows, if any."""
    findings = (one for one in check(sheets, case, (name,)) if isinstance(one, Finding))
    return next((one for one in findings if one.name == name), None)
