"""How text is held in tables while circflow computes: as Python strings.

Where PyArrow is installed, pandas holds text in Arrow arrays. Those pay off in columns of many
thousand rows, not in the small tables and column names that a model is made of, every operation
on which would turn them into Python strings and back: building and compiling the Sverdlovsk
scenario takes 0.43 s with them, 0.34 s without.
"""

from __future__ import annotations

import pandas as pd

_STORAGE = ("mode.string_storage", "python")

python_strings = pd.option_context(*_STORAGE)
"""Decorates what computes; what the caller has set is in force again afterwards."""


def keep_python_strings() -> None:
    """For a whole process that is circflow's own."""
    pd.set_option(*_STORAGE)
