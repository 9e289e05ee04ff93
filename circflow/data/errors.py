"""The family of everything that circflow raises on purpose."""

from __future__ import annotations

from typing import Any

from circflow.i18n import say


class CircflowError(Exception):
    """Anything that circflow raises on purpose: `except cf.CircflowError` catches all of it.

    The message is a sentence for the person who asked. Errors can be pickled (runs are done in
    other processes), whatever their constructors take.
    """

    def __init__(self, message: str = "", /, **figures: Any) -> None:
        """`message` is said in the language in force, its placeholders filled with `figures`."""
        super().__init__(say(message, **figures))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args), vars(self)


def _again(kind: type[CircflowError], args: tuple[Any, ...]) -> CircflowError:
    """An error as it was, without asking its constructor."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class WrongTextError(CircflowError, ValueError):
    """A text that cannot be used; `suggestion` is the nearest that can, "" where none is near."""

    def __init__(self, message: str, suggestion: str = "", **figures: Any) -> None:
        super().__init__(message, **figures)
        self.message = str(self)
        self.suggestion = suggestion


class ArgumentError(CircflowError, ValueError, TypeError):
    """An argument of a wrong type, or out of its range; the message says what would be right."""
