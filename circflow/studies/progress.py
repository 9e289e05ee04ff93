"""How long a study still takes, for the line that tells how far it is."""

from __future__ import annotations

import time


def time_left(begun: float, done: int, count: int) -> str:
    """`12 s left`, `3 min left`: as long for each that is missing as for those `done` since
    `begun` (of `time.perf_counter`)."""
    seconds = (time.perf_counter() - begun) / max(done, 1) * max(count - done, 0)
    return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"
