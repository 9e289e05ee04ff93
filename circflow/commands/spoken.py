"""The command line in the planner's language: its help, and what click itself says."""

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Sequence
from copy import copy
from inspect import cleandoc

import click

from circflow.i18n import ENGLISH, chosen, current, languages, mark, say
from circflow.i18n.say import catalogue, quoted


def asked_for(arguments: Sequence[str] | None) -> str:
    """The language of a command line: `--lang` before the command, else of the environment.

    A language that there is not is left for click to refuse.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for at, word in enumerate(given):
        if not word.startswith("-"):
            break
        option, _, value = word.partition("=")
        if option == "--lang":
            value = value or "".join(given[at + 1 : at + 2])
            return value if value in languages() else ENGLISH
    return chosen()


def in_language(command: click.Command) -> click.Command:
    """A command, or a group with all its commands, whose help is in the language in force."""
    if current() == ENGLISH:
        return command
    _click_speaks()
    return _command(command)


def _command(command: click.Command) -> click.Command:
    twin = copy(command)
    twin.help = say(cleandoc(command.help)) if command.help else None
    twin.options_metavar = command.options_metavar and say(command.options_metavar)
    twin.params = [_parameter(one) for one in command.params]
    twin._help_option = None
    if isinstance(twin, click.Group):
        twin.subcommand_metavar = twin.subcommand_metavar and say(twin.subcommand_metavar)
        twin.commands = {name: _command(one) for name, one in twin.commands.items()}
    return twin


_NUMBERS = {"float": mark("number"), "integer": mark("whole number")}
"""What click calls the types of numbers, for its messages."""


def _parameter(one: click.Parameter) -> click.Parameter:
    twin = copy(one)
    if twin.metavar:
        twin.metavar = say(twin.metavar)
    if (kind := twin.type.name.removesuffix(" range")) in _NUMBERS:
        twin.type = copy(twin.type)
        twin.type.name = say(_NUMBERS[kind])
    if isinstance(twin, click.Option) and twin.help:
        twin.help = say(twin.help)
    return twin


def _click_speaks() -> None:
    """Let click look its messages up in our catalogues, while another language than English is in
    force; it asks gettext for them by names of its own modules."""
    for name, module in sys.modules.items():
        if name.startswith("click.") and getattr(module, "_", None) is gettext.gettext:
            module._ = _click_message  # type: ignore[attr-defined]
        if name.startswith("click.") and getattr(module, "ngettext", None) is gettext.ngettext:
            module.ngettext = _click_plural  # type: ignore[attr-defined]


def _click_message(message: str) -> str:
    return gettext.gettext(message) if current() == ENGLISH else say(message)


def _click_plural(one: str, many: str, n: int) -> str:
    if current() == ENGLISH:
        return gettext.ngettext(one, many, n)
    return catalogue(current()).ngettext(one, many, n)


def click_said(error: click.ClickException) -> str:
    """The message of an error, with what click quotes in the marks of the language in force."""
    text = error.format_message()
    if current() == ENGLISH or not type(error).__module__.startswith("click."):
        return text
    return re.sub("'([^']*)'", lambda match: quoted(match[1]), text)
