"""One scenario after another, each in a process of its own: a solver that crashes or never ends is
a finding too, and stops nothing."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
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
class Found:
    """A finding as it was met, and as small as was cheap."""

    first: Finding
    small: Finding


def checked(family: Family, case: str, names: tuple[str, ...]) -> Iterator[str | Found]:
    """Check the scenario of a case in a process of its own: the names of what was checked, and
    findings. `started` comes first where there is a scenario."""
    forks = "fork" in multiprocessing.get_all_start_methods()
    of = multiprocessing.get_context
    context = of("fork") if forks else of("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, family, case, names), daemon=True)
    process.start()
    there.close()
    last = "the scenario is made"
    try:
        while here.poll(_ASLEEP):
            told = here.recv()
            yield told
            last = told if isinstance(told, str) else told.first.name
        text = f"after {last}: no answer within {_ASLEEP:.0f} seconds"
    except EOFError:
        process.join()
        if not process.exitcode:
            return
        text = f"after {last}: the process ended with {process.exitcode}"
        if process.exitcode == -getattr(signal, "SIGPROF", 0):
            text = f"after {last}: no answer within {SILENCE:.0f} seconds of the processor"
    finally:
        process.kill()
        process.join()
    sheets = region(Random(case)) if family.scenario is region else {}
    broken = Finding(names[0], text, {"scenario": sheets} if sheets else {})
    yield Found(broken, broken)


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
            there.send(Found(one, _smaller(family.check, sheets, case, one)))


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
    found = (one for one in check(sheets, case, (name,)) if isinstance(one, Finding))
    return next((one for one in found if one.name == name), None)
