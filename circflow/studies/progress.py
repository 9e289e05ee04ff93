"""How long a study still takes, for the line that tells how far it is."""

from __future__ import annotations

import math
import time

from circflow.i18n import say

_LEAST = 0.5
"""Seconds that each step is given at least."""


class Clock:
    """The time that a piece of work may take, of which each step asks for a part."""

    def __init__(self, seconds: float | None) -> None:
        """`seconds` from now on; None is for ever."""
        self.end = math.inf if seconds is None else time.perf_counter() + seconds

    def __getstate__(self) -> float:
        """When it is over, by the clock that all processes and machines have."""
        return time.time() + self.end - time.perf_counter()

    def __setstate__(self, end: float) -> None:
        self.end = time.perf_counter() + end - time.time()

    @property
    def left(self) -> float | None:
        """Seconds, at least half a second; None is for ever."""
        return self.part(1.0)

    def part(self, share: float) -> float | None:
        """A share of the seconds that are left."""
        if self.end == math.inf:
            return None
        return max(_LEAST, share * (self.end - time.perf_counter()))

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() > self.end


def time_left(begun: float, done: int, count: int) -> str:
    """`12 s left`, `3 min left`: as long for each that is missing as for those `done` since
    `begun` (of `time.perf_counter`)."""
    seconds = (time.perf_counter() - begun) / max(done, 1) * max(count - done, 0)
    return (
        say("{seconds:.0f} s left", seconds=seconds)
        if seconds < 100
        else say("{seconds:.0f} min left", seconds=seconds / 60)
    )
