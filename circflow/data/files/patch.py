"""Cells changed inside a workbook's own file: everything else stays as Excel wrote it.

An .xlsx file is a zip of XML. Only the cells that change are written anew (with their formats);
formulas elsewhere keep their last values and are computed again when Excel opens the file. A cell
that this cannot change (of a shared or an array formula, in an unusual file) raises `UnusualError`.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from circflow.data.files.atomic import atomic_path
from circflow.data.files.grids import column_letter, column_number

Value = str | int | float | bool | None
Cells = Mapping[tuple[int, int], Value]
"""(row, column), both from 1, to what is to stand there."""
_ROW = re.compile(r"<row\b([^>]*?)(?:/>|>(.*?)</row>)", re.S)
_CELL = re.compile(r"<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.S)
_DATA = re.compile(r"<sheetData\b[^>]*?(?:/>|>(.*)</sheetData>)", re.S)
_BOOK, _LINKS, _KINDS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"
_CHAIN = "xl/calcChain.xml"


class UnusualError(ValueError):
    """The file is not of a form that can be changed in place."""


def patch(source: Path, target: Path, sheets: Mapping[str, Cells]) -> None:
    """Write a copy of a workbook with cells changed, whole or not at all.

    Args:
        source: the workbook; may be the target itself.
        sheets: by the name of a sheet, what its cells become.

    Raises:
        UnusualError: nothing is written; the file has to be changed in another way.
        OSError: the target cannot be written.
    """
    try:
        with zipfile.ZipFile(source) as old:
            parts = {i.filename: old.read(i) for i in old.infolist() if not i.is_dir()}
    except zipfile.BadZipFile as error:
        raise UnusualError("not a zip file") from error
    try:
        places = _places(parts)
        for name, cells in sheets.items():
            if name not in places:
                raise UnusualError(f"there is no sheet {name!r}")
            text = parts[places[name]].decode("utf-8")
            parts[places[name]] = sheet_with(text, cells).encode("utf-8", "xmlcharrefreplace")
    except (KeyError, UnicodeDecodeError) as error:
        raise UnusualError(f"unusual parts: {error}") from error
    _compute_again(parts)
    with (
        atomic_path(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name, content in parts.items():
            new.writestr(name, content)


def _attribute(tag: str, name: str) -> str:
    matched = re.search(rf'(?:^|\s){name}\s*=\s*(?:"([^"]*)"|\'([^\']*)\')', tag)
    text = (matched[1] if matched[1] is not None else matched[2]) if matched else ""
    return unescape(text, {"&quot;": '"', "&apos;": "'"})


def _places(parts: Mapping[str, bytes]) -> dict[str, str]:
    """The part of every sheet, by its name."""
    links = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", parts[_LINKS].decode("utf-8")):
        aim = _attribute(tag, "Target")
        path = aim.lstrip("/") if aim.startswith("/") else posixpath.normpath(f"xl/{aim}")
        links[_attribute(tag, "Id")] = path
    tags = re.findall(r"<sheet\b[^>]*>", parts[_BOOK].decode("utf-8"))
    if not tags:
        raise UnusualError("no sheets")
    return {_attribute(tag, "name").strip(): links[_attribute(tag, r"\w+:id")] for tag in tags}


def sheet_with(text: str, cells: Cells) -> str:
    """The XML of a sheet with cells changed."""
    data = _DATA.search(text)
    if data is None:
        raise UnusualError("no rows")
    rows: dict[int, tuple[str, str]] = {}
    for match in _ROW.finditer(data[1] or ""):
        place = _attribute(match[1], "r")
        if not place.isdigit():
            raise UnusualError("rows without numbers")
        rows[int(place)] = (match[1].rstrip("/ "), match[2] or "")
    for number in sorted({row for row, _ in cells}):
        of_row = {column: value for (row, column), value in cells.items() if row == number}
        head, inside = rows.get(number, (f' r="{number}"', ""))
        head = re.sub(r"\s+spans=\"[^\"]*\"", "", head)
        rows[number] = (head, _row_with(number, inside, of_row))
    drawn = "".join(f"<row{head}>{inside}</row>" for _, (head, inside) in sorted(rows.items()))
    text = f"{text[: data.start()]}<sheetData>{drawn}</sheetData>{text[data.end() :]}"
    return re.sub(r"<dimension\b[^>]*/>", "", text, count=1)


def _row_with(row: int, inside: str, values: Mapping[int, Value]) -> str:
    """The cells of a row, in the order of their columns."""
    cells: dict[int, tuple[str, str, str]] = {}
    for match in _CELL.finditer(inside):
        letters = re.fullmatch(r"([A-Z]+)\d+", _attribute(match[1], "r"))
        if letters is None:
            raise UnusualError("cells without addresses")
        cells[column_number(letters[1]) + 1] = (match[0], match[1], match[2] or "")
    drawn = {column: element for column, (element, _, _) in cells.items()}
    for column, value in values.items():
        _, head, content = cells.get(column, ("", "", ""))
        if re.search(r"<f\b[^>]*\bt=\"(?:shared|array|dataTable)\"", content):
            raise UnusualError("a formula that several cells share")
        drawn[column] = _cell(f"{column_letter(column - 1)}{row}", _attribute(head, "s"), value)
    return "".join(text for _, text in sorted(drawn.items()))


def _cell(place: str, style: str, value: Value) -> str:
    head = f'<c r="{place}"' + (f' s="{style}"' if style else "")
    if value is None:
        return f"{head}/>" if style else ""
    if isinstance(value, bool):
        return f'{head} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"{head}><v>{value!r}</v></c>"
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", value)
    return f'{head} t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _compute_again(parts: dict[str, bytes]) -> None:
    """Let Excel compute its formulas when it opens the file; its order of doing so is dropped."""
    if parts.pop(_CHAIN, None) is not None:
        for name, tag in ((_KINDS, "Override"), (_LINKS, "Relationship")):
            text = parts[name].decode("utf-8")
            parts[name] = re.sub(rf"<{tag}\b[^>]*calcChain[^>]*/>", "", text).encode()
    book = parts[_BOOK].decode("utf-8")
    if re.search(r"<calcPr\b", book):
        book = re.sub(r"\s+fullCalcOnLoad=\"[^\"]*\"", "", book)
        book = re.sub(r"<calcPr\b", '<calcPr fullCalcOnLoad="1"', book, count=1)
    parts[_BOOK] = book.encode()
