"""The language in force: of a block of code, and of everything that it calls.

It is a context variable: two threads may speak two languages. A new thread or process starts in
English; `in_use` takes the language of the caller with a function that is to run there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

R = TypeVar("R")
ENGLISH = "en"
LOCALE = Path(__file__).parent / "locale"
"""A folder per language, and the template of the catalogues."""
VARIABLE = "CIRCFLOW_LANG"
"""Environment variable: the language of the command line."""

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current() -> str:
    """The language in force: `en`, `ru`, …"""
    return _language.get()


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are, English first."""
    return (ENGLISH, *sorted(path.name for path in LOCALE.iterdir() if path.is_dir()))


@contextmanager
def language(name: str) -> Iterator[None]:
    """Speak a language (`en`, `ru`) in a block: messages, tables' headings, files written.

    Only this thread does, and what it calls.

    Args:
        name: `en`, `ru`, or any other language that has a catalogue.

    Raises:
        ValueError: there is no such language.
    """
    if name not in languages():
        raise ValueError(f"there is no language {name!r}: choose one of {', '.join(languages())}")
    before = _language.set(name)
    try:
        yield
    finally:
        _language.reset(before)


def in_use(function: Callable[..., R]) -> Callable[..., R]:
    """A function that runs in the language now in force, in whichever thread or process."""
    return function if current() == ENGLISH else _Speaking(current(), function)


class _Speaking:
    """A function and its language (a class, so that it can be sent to another process)."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self.function = name, function

    def __call__(self, *args: Any, **more: Any) -> Any:
        with language(self.name):
            return self.function(*args, **more)


def chosen(environment: Mapping[str, str] | None = None) -> str:
    """The language that the environment asks for: CIRCFLOW_LANG, else the locale, else English.

    Raises ValueError where CIRCFLOW_LANG names a language that there is not.
    """
    known = os.environ if environment is None else environment
    wanted = known.get(VARIABLE, "").strip()
    if wanted:
        if (name := _short(wanted)) not in languages():
            raise ValueError(
                f"{VARIABLE}: there is no language {wanted!r}: choose one of"
                f" {', '.join(languages())}"
            )
        return name
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if known.get(variable):
            return _known_or_english(known[variable])
    return _known_or_english(_of_windows()) if environment is None else ENGLISH


def _short(name: str) -> str:
    """`ru` of `ru_RU.UTF-8`."""
    return name.replace("-", "_").partition(".")[0].partition("_")[0].casefold()


def _known_or_english(name: str) -> str:
    return _short(name) if _short(name) in languages() else ENGLISH


def _of_windows() -> str:
    """The language of Windows' own menus, which no variable holds."""
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
