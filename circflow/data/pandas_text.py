"""How text is held in tables while circflow computes: as Python strings.

Where PyArrow is installed, pandas holds text in Arrow arrays. Those pay off in columns of many
thousand rows, not in the small tables and column names that a model is made of, every operation
on which would turn them into Python strings and back: building and compiling the Sverdlovsk
scenario takes 0.37 s with them, 0.26 s without.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

_OPTION, _STORAGE = "mode.string_storage", "python"
_lock = threading.Lock()
_inside = 0
"""How many calls are under way, in all threads: pandas' options are the whole process's."""
_before = ""


@contextmanager
def python_strings() -> Iterator[None]:
    """Decorates what computes; what the caller has set is in force again after the last call."""
    global _inside, _before  # noqa: PLW0603
    with _lock:
        if not _inside:
            _before = pd.get_option(_OPTION)
            pd.set_option(_OPTION, _STORAGE)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                pd.set_option(_OPTION, _before)


def keep_python_strings() -> None:
    """For a whole process that is circflow's own."""
    pd.set_option(_OPTION, _STORAGE)
