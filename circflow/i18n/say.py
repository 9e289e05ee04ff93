"""Messages in the language in force.

    say("{unit} needs {other}", unit=unit, other=other)
    say_n("{n} row", "{n} rows", n)
    say_in("range", "to")          # a word of several senses, with the one that is meant
    TITLE = mark("Costs")          # taken into the catalogue here,
    say(TITLE)                     # translated where it is used

A message is a whole sentence with named placeholders, which `str.format` fills in. In English it
is the text as it stands. Elsewhere the catalogue has the sentence, figures bear that language's
decimal sign and separator, what `!r` quotes stands in its own quotation marks, and the code of a
`{currency}` is the word for it.
"""

from __future__ import annotations

import re
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING, Any

from circflow.i18n.language import ENGLISH, LOCALE, current, languages
from circflow.i18n.names import names_in

if TYPE_CHECKING:
    from gettext import GNUTranslations

DOMAIN = "circflow"


def mark(message: str) -> str:
    """A constant that is to be in the catalogue; `say` translates it where it is used."""
    return message


def say(message: str, /, **values: Any) -> str:
    """A message in the language in force, its placeholders filled in."""
    name = current()
    if name == ENGLISH:
        return message.format(**values) if values else message
    text = catalogue(name).gettext(message) if message else ""
    return _words(name).vformat(text, (), values) if values else text


def say_in(sense: str, message: str, /) -> str:
    """A message that means several things in English, in the sense that a word or two tells."""
    name = current()
    return message if name == ENGLISH else catalogue(name).pgettext(sense, message)


def say_n(one: str, many: str, n: int, /, **values: Any) -> str:
    """A message about `n` things, in the form that the number asks for; `{n}` is the number."""
    name = current()
    if name == ENGLISH:
        return (one if n == 1 else many).format(n=n, **values)
    return _words(name).vformat(catalogue(name).ngettext(one, many, n), (), {"n": n, **values})


def quoted(text: str) -> str:
    """A text in the quotation marks of the language in force."""
    return repr(text) if current() == ENGLISH else _words(current()).quoted(text)


def every(message: str) -> tuple[str, ...]:
    """A message in all languages, as one may find it in a file."""
    others = (catalogue(name).gettext(message) for name in languages() if name != ENGLISH)
    return (message, *others)


def localised(text: str, thousands: str = ",") -> str:
    """A figure as Python writes it (`-1,234.5`, `0.1 %`), as the language in force does;
    `thousands` parts them in English."""
    return text.replace(",", thousands) if current() == ENGLISH else _words(current()).figure(text)


@cache
def catalogue(name: str) -> GNUTranslations:
    """The messages of a language."""
    from gettext import GNUTranslations

    with (LOCALE / name / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return GNUTranslations(file)


class _Words(Formatter):
    """Fills in placeholders as a language writes figures and quotations."""

    def __init__(self, name: str) -> None:
        from babel import Locale
        from babel.numbers import get_decimal_symbol, get_group_symbol

        self.signs = str.maketrans({",": get_group_symbol(name), ".": get_decimal_symbol(name)})
        self.quotes = _QUOTES.get(Locale.parse(name).language, "''")
        self.money = names_in(name).money

    def vformat(self, text: str, args: Any, values: Any) -> str:
        filled = super().vformat(text, args, values)
        for word in self.money.values():  # one full stop ends an abbreviation and a sentence
            if word.endswith("."):
                filled = re.sub(rf"{re.escape(word)}\.(?!\.)", word, filled)
        return filled

    def get_value(self, key: Any, args: Any, values: Any) -> Any:
        value = super().get_value(key, args, values)
        return self.money.get(value, value) if key == "currency" else value

    def figure(self, text: str) -> str:
        return re.sub(r"(?<=\d)%", "\xa0%", text.translate(self.signs))

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return self.figure(text) if number else text

    def quoted(self, text: str) -> str:
        return f"{self.quotes[0]}{text}{self.quotes[1]}"

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion == "r" and isinstance(value, str):
            return self.quoted(value)
        return super().convert_field(value, conversion)


_QUOTES = {"ru": "«»", "kk": "«»", "uz": "“”"}
"""Outer quotation marks, which Babel does not know."""


@cache
def _words(name: str) -> _Words:
    return _Words(name)
