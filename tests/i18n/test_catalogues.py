"""The catalogues hold every message of the code, and no other; placeholders are the message's."""

from __future__ import annotations

import re
from collections import Counter
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message

from circflow.i18n.language import LOCALE, languages
from circflow.i18n.update import compiled, merged, po_path, read, template, text_of

OTHERS = languages()[1:]


@pytest.fixture(scope="module")
def found() -> Catalog:
    return template()


def test_template_is_current(found: Catalog) -> None:
    stands = (LOCALE / "circflow.pot").read_bytes()
    assert stands == text_of(found), "run python -m circflow.i18n.update"


@pytest.mark.parametrize("name", OTHERS)
def test_catalogue_holds_the_messages_of_the_code(name: str, found: Catalog) -> None:
    assert po_path(name).read_bytes() == text_of(merged(name, found)), "run circflow.i18n.update"


@pytest.mark.parametrize("name", OTHERS)
def test_catalogue_is_compiled(name: str) -> None:
    assert po_path(name).with_suffix(".mo").read_bytes() == compiled(read(name))


def texts(message: Message) -> list[str]:
    """The forms of a translation."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_is_uncertain(name: str) -> None:
    assert [m.id for m in read(name) if m.id and m.fuzzy] == []


@pytest.mark.parametrize("name", OTHERS)
def test_everything_is_translated(name: str) -> None:
    assert [m.id for m in read(name) if m.id and not all(texts(m))] == []


def placeholders(text: str) -> Counter[str]:
    """The placeholders of a message, with their conversions and formats."""
    fields = Formatter().parse(text)
    return Counter(f"{n}!{c or ''}:{s or ''}" for _, n, s, c in fields if n is not None)


def edges(text: str) -> tuple[bool, bool]:
    """How a message joins what stands before it, and whether a space ends it."""
    return text[0] in " ,;:.)\n", text[-1].isspace()


@pytest.mark.parametrize("name", OTHERS)
def test_placeholders_and_spaces_are_the_messages_own(name: str) -> None:
    wrong = []
    for message in read(name):
        if not message.id:
            continue
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        for text in filter(None, texts(message)):
            if not _filled(forms[-1]):
                same = True
            elif isinstance(message.id, str):
                same = placeholders(text) == placeholders(forms[0])
            else:
                same = placeholders(text).keys() <= set().union(*map(placeholders, forms))
            if not same or edges(text) != edges(forms[-1]):
                wrong.append(text)
    assert wrong == []


def _filled(text: str) -> bool:
    """Whether a message has placeholders, and no braces of another kind."""
    return re.search(r"\{[a-z]", text) is not None and "%{" not in text


@pytest.mark.parametrize("name", OTHERS)
def test_names_can_stand_in_addresses(name: str) -> None:
    from circflow.data.schema.sheets import SCENARIO_KEYS, SHEETS
    from circflow.i18n.names import names_in

    names = names_in(name)
    sheets = [names.sheet(s.name) for s in SHEETS]
    assert len(set(sheets)) == len(sheets) and all(len(s) <= 31 for s in sheets)
    for sheet in SHEETS:
        columns = [names.column(sheet.name, c) for c in sheet.names]
        assert len(set(columns)) == len(columns), sheet.name
        assert not [c for c in (*columns, *sheets) if re.search(r"[.,=\[\]'\"*+!]", c)]
        for column in sheet.columns:
            words = [names.word(column.name, w) for w in column.choices]
            assert len(set(words)) == len(words), column
            assert column.name == "key" or not set(words) & set(column.choices) - {"%"}
    keys = [names.column("Scenario", c.name) for c in SCENARIO_KEYS]
    assert len(set(keys)) == len(keys)
