"""Excel workbooks (.xlsx, .xlsm): a `Book` with true cell addresses, and back.

The parts of the workbook are parsed as a stream by expat, because a scenario needs what fast
readers leave out: which cells Excel marks as errors, formulas that were never calculated, merged
cells, hidden rows, and the addresses of rows and columns that lie behind blank ones.

Nothing in the file is trusted: sizes are checked before anything is unpacked, a DOCTYPE (and so
every entity of the file's own) is refused, the declared dimension of a sheet is ignored, and
blank formatted cells take no memory. See `docs/security.md`.
"""

from __future__ import annotations

import mmap
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.parsers import expat

import numpy as np

from circflow.data.files.grids import (
    MAX_FILE_BYTES,
    column_letter,
    file_error,
)
from circflow.data.files.worksheet import (
    DAMAGED,
    DateKind,
    SharedParts,
    SheetReader,
    cell_text,
    local_name,
    parse_xml,
    unescaped,
)
from circflow.data.one_line import first_few
from circflow.data.scenario import ScenarioError
from circflow.data.schema.sheets import is_planners_column, is_planners_sheet
from circflow.data.table import Book, Cell, Problem, RawSheet
from circflow.i18n import every, mark, say, say_n

MAX_TEXT = 32_767
"""Most characters (UTF-16 units) that Excel holds in a cell."""
MAX_PARTS = 10_000
"""Most files inside a workbook."""
MAX_RATIO, RATIO_FROM_BYTES = 200, 10 * 2**20
"""Largest compression of a part, looked at from this size on (a real sheet stays below 50)."""

README = mark("_readme")
README_TITLE = mark("How to fill in this circflow scenario")
LIBRARY_README_TITLE = mark("How to fill in this circflow library of technologies")
"""First cell of the sheet `_readme` that is made on writing, and left out on reading."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
_DATE_IDS: dict[int, DateKind] = {
    **dict.fromkeys([14, 15, 16, 17, *range(27, 32), 34, 35, 36, *range(50, 59)], "date"),
    **dict.fromkeys([18, 19, 20, 21, 32, 33, 45, 47], "time"),
    22: "datetime",
}


# --------------------------------------------------------------------------- reading


def read_workbook(path: Path) -> Book:
    """Read every worksheet, hidden ones included (a warning says which rows and sheets were).

    Raises `ScenarioError` with one problem if the file is no workbook, is damaged or protected,
    or is larger than `MAX_FILE_BYTES` unpacked; `OSError` if it cannot be opened.
    """
    with (
        path.open("rb") as file,
        _damage_errors(path.name),
        _open_package(file, path.name) as package,
    ):
        return _read_package(package, path.name)


@contextmanager
def _damage_errors(origin: str) -> Iterator[None]:
    """Turn what zip and XML say about broken files into one plain sentence."""
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(error.problems, error.origin or origin) from error.__cause__
    except (zipfile.BadZipFile, zlib.error, EOFError, expat.ExpatError, LookupError) as error:
        raise file_error(DAMAGED, origin) from error
    except (ValueError, OverflowError, RuntimeError, struct.error) as error:
        raise file_error(DAMAGED, origin) from error


def _open_package(file: IO[bytes], origin: str) -> zipfile.ZipFile:
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(8)
    if not size:
        raise file_error("the file is empty", origin)
    if head == _OLE:
        raise file_error(_what_ole_holds(file), origin)
    if size > MAX_FILE_BYTES:
        raise file_error(_too_large(say("the file")), origin)
    if head[:2] != b"PK":
        raise file_error(
            "this is not an Excel workbook: open it in Excel and save it as .xlsx", origin
        )
    try:
        package = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise file_error(
            "the workbook is cut short or damaged: copy or download it again", origin
        ) from error
    _check_sizes(package, origin)
    return package


def _what_ole_holds(file: IO[bytes]) -> str:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            return say(
                "the workbook is protected by a password: remove the password and save it again"
            )
    return say("this is an old Excel file (.xls): open it in Excel and save it as .xlsx")


def _too_large(what: str) -> str:
    return say(
        "{what} is larger than {max_file_bytes} MB: remove what is not the scenario's",
        what=what,
        max_file_bytes=MAX_FILE_BYTES // 2**20,
    )


def _check_sizes(package: zipfile.ZipFile, origin: str) -> None:
    parts = package.infolist()
    if len(parts) > MAX_PARTS:
        raise file_error(
            "the workbook is made of more than {max_parts:,} parts", origin, max_parts=MAX_PARTS
        )
    if sum(part.file_size for part in parts) > MAX_FILE_BYTES:
        raise file_error(_too_large(say("the unpacked workbook")), origin)
    for part in parts:
        if part.flag_bits & 1:
            raise file_error("the workbook is protected by a password: remove the password", origin)
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise file_error(DAMAGED, origin)
        if part.file_size > RATIO_FROM_BYTES and part.file_size > MAX_RATIO * part.compress_size:
            raise file_error(
                "the part {filename!r} unpacks to more than {max_ratio} times its size: this is "
                "no honest workbook",
                origin,
                filename=part.filename,
                max_ratio=MAX_RATIO,
            )


@dataclass
class _Entry:
    """A sheet as the workbook lists it."""

    name: str
    relation: str
    hidden: bool


def _read_package(package: zipfile.ZipFile, origin: str) -> Book:
    names = {name.lower(): name for name in package.namelist()}
    home = _home_part(package, names, origin)
    entries, epoch = _sheet_list(package, home)
    relations = _relations(package, names, home)
    shared = SharedParts(epoch_1904=epoch)
    for target, kind in relations.values():
        part = names.get(target.lower())
        if part and kind == "sharedStrings":
            shared.texts = _shared_texts(package, part)
        elif part and kind == "styles":
            shared.dates = _date_styles(package, part)
    sheets: list[RawSheet] = []
    warnings: list[Problem] = []
    titles = (*every(README_TITLE), *every(LIBRARY_README_TITLE))
    for entry in entries:
        target, kind = relations.get(entry.relation, ("", "worksheet"))
        if kind != "worksheet":
            continue  # a chart or macro sheet has no cells
        part = names.get(target.lower())
        if part is None:
            raise file_error(
                "the workbook lists this sheet but does not hold it: save it anew in Excel",
                origin,
                Cell(entry.name, 0),
            )
        sheet = SheetReader(entry.name, shared, origin)
        with package.open(part) as stream:
            sheet.parse(stream)
        grid = sheet.finished_grid()
        if entry.name in every(README) and grid and grid[0][0] in titles:
            continue
        sheets.append(RawSheet(entry.name, grid, entry.hidden))
        if not is_planners_sheet(entry.name):
            warnings += _hidden_warnings(entry, sheet, grid)
    return Book(tuple(sheets), origin, tuple(warnings))


def _hidden_warnings(
    entry: _Entry, sheet: SheetReader, grid: list[list[object]]
) -> Iterator[Problem]:
    if entry.hidden:
        message = say("the sheet is hidden and is read all the same: show it, and check")
        yield Problem("warning", Cell(entry.name, 0), message)
    rows = sorted(set(sheet.hidden_rows) & sheet.rows.keys())
    if rows:
        message = say_n(
            "row {spans} is hidden or filtered out and read all the same: show and check",
            "rows {spans} are hidden or filtered out and read all the same: show and check",
            len(rows),
            spans=_spans(rows),
        )
        yield Problem("warning", Cell(entry.name, rows[0]), message)
    for first, last in sheet.hidden_columns:
        for place in range(first, min(last + 1, len(grid[0]) if grid else 0)):
            head = grid[0][place]
            known = isinstance(head, str) and not is_planners_column(head.strip())
            if known and any(line[place] is not None for line in grid[1:]):
                message = say(
                    "the column {head} is hidden and read all the same: show it, and check",
                    head=head,
                )
                yield Problem("warning", Cell(entry.name, 1, column_letter(place)), message)


def _spans(numbers: list[int]) -> str:
    """Ascending numbers in words: 2–4, 7 (at most ten spans)."""
    spans = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    words = [f"{span[0]}–{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans]
    return first_few(words, 10)


# --------------------------------------------------------------------------- parts


def _home_part(package: zipfile.ZipFile, names: dict[str, str], origin: str) -> str:
    """The part that lists the sheets."""
    if "mimetype" in names and "content.xml" in names:
        raise file_error("this is an OpenDocument file: save it as .xlsx and give that", origin)
    targets = [
        names[target.lower()]
        for target, kind in _relations(package, names, "").values()
        if kind == "officeDocument" and target.lower() in names
    ]
    home = (targets or [names.get("xl/workbook.xml", names.get("xl/workbook.bin", ""))])[0]
    if home.lower().endswith(".bin"):
        raise file_error(
            "this is a binary workbook (.xlsb): open it in Excel and save it as .xlsx", origin
        )
    if not home.startswith("xl/"):
        raise file_error(
            "this is not an Excel workbook: open it in Excel and save it as .xlsx", origin
        )
    return home


def _relations(
    package: zipfile.ZipFile, names: dict[str, str], part: str
) -> dict[str, tuple[str, str]]:
    """Targets (as part names) and kinds of a part's relations, by id."""
    folder, file = posixpath.split(part)
    relations_part = names.get(posixpath.join(folder, "_rels", f"{file}.rels").lower())
    relations: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if local_name(name) == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"]))
            kind = attributes["Type"].rpartition("/")[2]
            relations[attributes["Id"]] = (target.lstrip("/"), kind)

    if relations_part is not None:
        with package.open(relations_part) as stream:
            parse_xml(stream, start)
    return relations


def _sheet_list(package: zipfile.ZipFile, home: str) -> tuple[list[_Entry], bool]:
    entries: list[_Entry] = []
    epoch_1904 = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal epoch_1904
        local = local_name(name)
        if local == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(" id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            entries.append(_Entry(unescaped(attributes["name"]), relation, hidden))
        elif local == "workbookPr":
            epoch_1904 = attributes.get("date1904") in ("1", "true")

    with package.open(home) as stream:
        parse_xml(stream, start)
    return entries, epoch_1904


def _shared_texts(package: zipfile.ZipFile, part: str) -> list[str | None]:
    """The shared strings: the runs of a rich text joined, its phonetic guide left out."""
    texts: list[str | None] = []
    runs: list[str] = []
    text: list[str] = []
    phonetic = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal phonetic
        local = local_name(name)
        if local == "si":
            runs.clear()
        elif local == "rPh":
            phonetic += 1
        elif local == "t":
            text.clear()

    def end(name: str) -> None:
        nonlocal phonetic
        local = local_name(name)
        if local == "t" and not phonetic:
            runs.append("".join(text))
        elif local == "rPh":
            phonetic -= 1
        elif local == "si":
            texts.append(cell_text("".join(runs)))

    with package.open(part) as stream:
        parse_xml(stream, start, end, text.append)
    return texts


def _date_styles(package: zipfile.ZipFile, part: str) -> dict[str, DateKind]:
    """Which cell styles (by their number, as text) show dates."""
    formats: dict[int, DateKind] = dict(_DATE_IDS)
    styles: dict[str, DateKind] = {}
    count = 0
    inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, inside
        local = local_name(name)
        if local == "numFmt" and "numFmtId" in attributes:
            kind = _date_kind(attributes.get("formatCode", ""))
            formats.pop(int(attributes["numFmtId"]), None)
            if kind:
                formats[int(attributes["numFmtId"])] = kind
        elif local == "cellXfs":
            inside = True
        elif local == "xf" and inside:
            kind = formats.get(int(attributes.get("numFmtId", "0")))
            if kind:
                styles[str(count)] = kind
            count += 1

    def end(name: str) -> None:
        nonlocal inside
        inside = inside and local_name(name) != "cellXfs"

    with package.open(part) as stream:
        parse_xml(stream, start, end)
    return styles


def _date_kind(code: str) -> DateKind | None:
    """What a number format shows; elapsed time ([h]:mm) stays a number of days."""
    if re.search(r"\[[hms]+\]", code, re.IGNORECASE):
        return None
    bare = _NOT_FORMAT.sub("", code.partition(";")[0]).lower().replace("general", "")
    day, hour = any(c in bare for c in "dy"), any(c in bare for c in "hs")
    if day or hour or "m" in bare:
        return "datetime" if day and hour else "time" if hour else "date"
    return None
