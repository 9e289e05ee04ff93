"""Names of a workbook's sheets, columns and closed words in other languages than English.

They are a contract with the workbooks that bear them, not messages: each language has its own in
`locale/<language>/names.toml`. In code, in tables and in CSV files they are English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from circflow.i18n.language import LOCALE, current, languages


@dataclass(frozen=True)
class Names:
    """The names of one language, by their English ones."""

    marks: Mapping[str, str] = field(default_factory=dict)
    """How the planner's own columns begin: `note`, `source`."""
    sheets: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    """By column; where a sheet has other names for some, by sheet and column."""
    words: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    """Likewise, by word, or by column and word."""
    money: Mapping[str, str] = field(default_factory=dict)
    """How a currency's code (RUB) is written beside a figure."""
    measures: Mapping[str, str] = field(default_factory=dict)
    """How a unit of measure (t, MWh) is written; a workbook keeps its own."""
    library: Mapping[str, str] = field(default_factory=dict)
    """Recipes, groups and losses of the library of technologies; its technologies and materials
    bear their names themselves."""

    def marked(self, name: str) -> str:
        """The name of a planner's own column, which begins with a mark; another as it is."""
        for mark, native in self.marks.items():
            if name.casefold().startswith(mark):
                return native + name[len(mark) :]
        return name

    def sheet(self, name: str) -> str:
        """The name of a sheet; its English one where there is no other."""
        return self.sheets.get(name, name)

    def column(self, sheet: str, name: str) -> str:
        """The name of a column of a sheet."""
        return _looked_up(self.columns, sheet, name)

    def word(self, column: str, word: str) -> str:
        """A closed word of a column; of `emission:SO2` the part before the colon is one."""
        head, colon, tail = word.partition(":")
        return _looked_up(self.words, column, head + colon) + tail


def _looked_up(names: Mapping[str, str | Mapping[str, str]], where: str, name: str) -> str:
    special = names.get(where)
    if isinstance(special, Mapping) and name in special:
        return special[name]
    general = names.get(name)
    return general if isinstance(general, str) else name


@cache
def names_in(language: str) -> Names:
    """The names of a language; of English, and where there is no file, every name is its own."""
    path = LOCALE / language / "names.toml"
    if not path.exists():
        return Names()
    import tomllib

    names = Names(**tomllib.loads(path.read_text(encoding="utf-8")))
    # the keys of the sheet Scenario are words in its column `key`, and columns in addresses
    return replace(names, words={**names.words, "key": names.columns.get("Scenario", {})})


def shown_sheet(name: str) -> str:
    """A sheet's name in the language in force."""
    return names_in(current()).sheet(name)


def shown_column(sheet: str, name: str) -> str:
    """A column's name in the language in force."""
    return names_in(current()).column(sheet, name)


def shown_mark(name: str) -> str:
    """A planner's own column (`note`, `source of the price`) as the language in force begins it."""
    return names_in(current()).marked(name)


def shown_word(column: str, word: str) -> str:
    """A closed word of a column in the language in force."""
    return names_in(current()).word(column, word)


def shown_library(text: str) -> str:
    """A recipe, a group or a loss of the library in the language in force."""
    names = names_in(current())
    return names.library.get(text, names.word("recipe", text) if text == "main" else text)


def shown_measure(text: str) -> str:
    """A currency or a unit of measure (`RUB`, `RUB/t`, `t`) as the language in force writes it."""
    names = names_in(current())
    return "/".join(
        names.money.get(part) or names.measures.get(part, part) for part in text.split("/")
    )


@cache
def sheet_names(sheets: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Sheets by every name that they have, ё being е: language and English name."""
    return _in_every_language(sheets, Names.sheet)


@cache
def column_names(sheet: str, columns: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Columns of a sheet by every name that they have, ё being е: language and English name."""
    return _in_every_language(columns, lambda names, column: names.column(sheet, column))


@cache
def words_of(column: str, words: tuple[str, ...]) -> dict[str, str]:
    """Closed words of a column by every name that they have, ё being е."""
    known = _in_every_language(words, lambda names, word: names.word(column, word))
    return {name: word for name, (_, word) in known.items()}


def _in_every_language(
    english: tuple[str, ...], called: Callable[[Names, str], str]
) -> dict[str, tuple[str, str]]:
    return {
        plain(called(names_in(language), name)): (language, name)
        for language in reversed(languages())
        for name in english
    }


@cache
def planners_marks() -> dict[str, str]:
    """How the planner's own columns begin in other languages, and in English."""
    return {
        native: english
        for language in languages()
        for english, native in names_in(language).marks.items()
    }


def english_word(column: str, words: tuple[str, ...], text: str) -> str:
    """The closed word that a text is in some language; the text itself where it is none."""
    head, colon, tail = text.partition(":")
    if text in words or not words or head + colon in words:
        return text
    known = words_of(column, words)
    if colon and plain(head + colon) in known:
        return known[plain(head + colon)] + tail.strip()
    return known.get(plain(text), text)


def plain(name: str) -> str:
    """A name as names are compared: trimmed, and ё written as е."""
    return name.strip().replace("ё", "е").replace("Ё", "Е")
