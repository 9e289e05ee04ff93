"""The catalogues: `python -m circflow.i18n.update` takes every message out of the code, merges it
into the catalogue of each language, and compiles them.

A new message stands in the `.po` file with an empty translation; one that the code has no longer
is dropped. Files are sorted and bear no line numbers, so that their changes can be read.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from circflow.i18n.language import ENGLISH, LOCALE, languages
from circflow.i18n.say import DOMAIN

PACKAGE = Path(__file__).parents[1]
_KEYWORDS: dict[str, Any] = {"say_n": (1, 2), "say_in": ((1, "c"), 2)} | dict.fromkeys(
    (
        *("say", "mark", "Refusal", "file_error", "ArgumentError", "BadCellError", "AddressError"),
        *("StudyError", "StoreError", "CheckError", "PlotError", "SolverError"),
        "SolverMissingError",
    )
)
"""What takes a message: errors say theirs."""
_NOTING = ("error", "warning", "infeasible")
"""Methods of what notes the problems of a scenario, which say the last of their arguments."""
_COLLECTORS = ("circflow.data.docs", "circflow.report.vocabulary", "circflow.cli_messages")
"""Modules with a function `messages`: what stands in declarations, such as the schema's meanings
and the help of the command line, and is translated from there."""
_HEADER = "# Messages of circflow. Made by `python -m circflow.i18n.update`."


def template() -> Catalog:
    """Every message in the code."""
    messages = Catalog(project="circflow", header_comment=_HEADER, fuzzy=False)
    ways = [("**.py", "circflow.i18n.update:in_python")]
    for file, _, message, _, sense in extract_from_dir(str(PACKAGE), ways, keywords=_KEYWORDS):
        messages.add(message, locations=[(f"circflow/{file}", 0)], context=sense)
    for file, message in _collected():
        messages.add(message, locations=[(file, 0)])
    return messages


def in_python(
    file: IO[bytes],
    keywords: Collection[str],
    comment_tags: Collection[str],
    options: Mapping[str, str],
) -> Iterator[tuple[int, str, object, list[str]]]:
    """The messages of a module, for Babel: those inside f-strings too, which its own way skips."""
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        texts, keyword = [a.value for a in node.args if isinstance(a, ast.Constant)], ""
        if isinstance(node.func, ast.Name) and node.func.id in keywords:
            keyword = node.func.id
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _NOTING:
            keyword, texts = "say", [getattr(node.args[-1], "value", None)]
        if keyword and texts and isinstance(texts[0], str):
            yield node.lineno, keyword, tuple(texts), []


def _collected() -> Iterator[tuple[str, Any]]:
    for name in _COLLECTORS:
        for file, message in import_module(name).messages():
            if message:
                yield file, message


def po_path(name: str) -> Path:
    """The catalogue of a language."""
    return LOCALE / name / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(name: str) -> Catalog:
    """The catalogue of a language as it stands in its file."""
    with po_path(name).open("rb") as file:
        return read_po(file, locale=name)


def merged(name: str, messages: Catalog) -> Catalog:
    """The catalogue of a language with the messages of the code, and no others."""
    catalogue = read(name) if po_path(name).exists() else Catalog(name, fuzzy=False)
    catalogue.update(messages, no_fuzzy_matching=True, update_header_comment=True)
    catalogue.obsolete.clear()
    return catalogue


def text_of(catalogue: Catalog) -> bytes:
    """A catalogue as a `.po` file."""
    out = io.BytesIO()
    write_po(out, catalogue, width=98, sort_output=True, include_lineno=False, omit_header=False)
    # when it was made says nothing that the history does not
    lines = out.getvalue().decode().splitlines(keepends=True)
    return "".join(x for x in lines if not x.startswith(_DATED)).encode()


_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
_DATED = (
    *("#, python-", '"Project-Id', '"Report-', '"Language-Team'),
    *('"POT-Creation-Date', '"PO-Revision-Date', '"Last-Translator', '"Generated-By'),
)


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as a `.mo` file, the same whenever it is made."""
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> None:
    """Write the template, and the catalogues of all languages."""
    messages = template()
    (LOCALE / f"{DOMAIN}.pot").write_bytes(text_of(messages))
    for name in languages():
        if name != ENGLISH:
            path = po_path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text_of(merged(name, messages)))
            path.with_suffix(".mo").write_bytes(compiled(read(name)))


if __name__ == "__main__":
    main()
