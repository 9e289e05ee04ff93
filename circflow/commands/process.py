"""What a process that is circflow's own sets for itself, to be quicker."""

from __future__ import annotations

import atexit
import gc
import importlib.util
import sys

_SELDOM_USED = ("f2py", "testing")
"""Parts of numpy that scipy names but does not use, and that take 0.05 s to load."""
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
"""Tables make many objects that live long: Python's 700 look through them again and again."""


def settle() -> None:
    """Collect garbage more seldom, hold text as Python strings, and load what is seldom used when
    it is used."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 20)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # what is left goes with the process: no looking through it (0.1 s)
    for name in _SELDOM_USED:
        _load_late("numpy", name)
    from circflow.data.pandas_text import keep_python_strings

    keep_python_strings()


def _load_late(package: str, name: str) -> None:
    """A module of a package that is loaded once something of it is asked for."""
    full_name = f"{package}.{name}"
    spec = importlib.util.find_spec(full_name)
    if spec is None or spec.loader is None or full_name in sys.modules:
        return
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    setattr(sys.modules[package], name, module)
    loader.exec_module(module)
