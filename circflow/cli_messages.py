"""What the command line says of itself, for the catalogues: its help, and what click says."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from babel.messages.extract import extract_from_file

from circflow.cli import cli


def messages() -> Iterator[tuple[str, str | tuple[str, str]]]:
    """What the command line says of itself, for the catalogues: the file and the message."""
    yield from _of_command(cli, "")
    yield from _of_click()


def _of_command(command: click.Command, home: str) -> Iterator[tuple[str, str]]:
    called = getattr(command.callback, "__module__", "") or home
    file = f"{called.replace('.', '/')}.py"
    yield file, cleandoc(command.help or "")
    yield file, command.options_metavar or ""
    for one in command.params:
        yield file, one.metavar or ""
        yield file, (one.help or "") if isinstance(one, click.Option) else ""
    if isinstance(command, click.Group):
        yield file, command.subcommand_metavar or ""
        for each in command.commands.values():
            yield from _of_command(each, called)


_OF_CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "types")
_NOT_SAID = (
    *("defined twice", "Boolean option", "No options", "Could not determine", "Arguments take"),
    *("UUID", "Confirm the", "continue?", "%(prog)s", "iterable", "(dynamic)", "Choice(", "format"),
)
"""What click says to programmers, and of things that are not used."""


def _of_click() -> Iterator[tuple[str, str | tuple[str, str]]]:
    """Messages in the modules of click that a planner may meet."""
    home = Path(click.__file__).parent
    keywords = {"_": None, "ngettext": (1, 2)}
    for name in _OF_CLICK:
        for _, message, _, _ in extract_from_file("python", home / f"{name}.py", keywords=keywords):
            if not any(word in str(message) for word in _NOT_SAID):
                yield "click", message  # type: ignore[misc]
