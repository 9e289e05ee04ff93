"""Broken and hostile files: one plain sentence or a right result, bounded in time and memory."""

from __future__ import annotations

import contextlib
import os
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circflow.data.files import workbook as reader
from circflow.data.files.books import read_book, write_book
from circflow.data.scenario import ScenarioError
from circflow.data.table import Book, Cell, RawSheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def parts(**changed: str) -> dict[str, str]:
    """The parts of a small workbook: rels, workbook, links, sheet, shared, styles."""
    files = {
        "rels": f'<Relationships xmlns="x"><Relationship Id="r" Type="{OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "workbook": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="Sites" sheetId="1" r:id="s"/></sheets></workbook>',
        "links": '<Relationships xmlns="x">'
        f'<Relationship Id="s" Type="{OFFICE}/worksheet" Target="worksheets/a.xml"/>'
        f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="shared.xml"/>'
        f'<Relationship Id="u" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "sheet": sheet('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>7</v></c></row>'),
        "shared": f'<sst xmlns="{MAIN}"><si><t>site</t></si></sst>',
        "styles": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        "</cellXfs></styleSheet>",
    }
    return files | changed


def sheet(rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'


PLACES = {
    "rels": "_rels/.rels",
    "workbook": "xl/workbook.xml",
    "links": "xl/_rels/workbook.xml.rels",
    "sheet": "xl/worksheets/a.xml",
    "shared": "xl/shared.xml",
    "styles": "xl/styles.xml",
}


def make(path: Path, **changed: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in parts(**changed).items():
            package.writestr(PLACES[name], text)
    return path


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(ScenarioError) as caught:
        read_book(path)
    (problem,) = caught.value.problems
    assert problem.severity == "error"
    assert "\n" not in problem.message
    assert len(problem.message) < 200
    if not problem.cell.sheet:
        assert problem.cell == Cell("", 0)
    return problem.message


# --------------------------------------------------------------------------- no workbook


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b"site,name\n", "not an Excel workbook: open it in Excel and save it as .xlsx"),
        (b"%PDF-1.7", "not an Excel workbook"),
        (b"PK\x03\x04" + b"\0" * 100, "cut short or damaged"),
        (OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), "old Excel file (.xls)"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "remove the password"),
    ],
)
def test_what_is_no_workbook(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    assert part in refusal(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({"readme.txt": "x"}, "not an Excel workbook"),
        ({"mimetype": "x", "content.xml": "x"}, "OpenDocument"),
        ({"xl/workbook.bin": "x"}, "binary workbook (.xlsb)"),
        ({"word/document.xml": "<x/>"}, "not an Excel workbook"),
        ({"xl/workbook.xml": "not XML"}, "damaged"),
        ({"xl/workbook.xml": "<a><b></a>"}, "damaged"),
    ],
)
def test_other_zips(tmp_path: Path, files: dict[str, str], part: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as package:
        for name, text in files.items():
            package.writestr(name, text)
    assert part in refusal(tmp_path / "a.xlsx")


def test_a_macro_workbook_is_read(tmp_path: Path) -> None:
    assert read_book(make(tmp_path / "a.xlsm")).sheets[0].grid[0][0] == "site"


def test_truncated_at_any_point(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.xlsx").read_bytes()
    for length in range(1, len(whole), 23):
        (tmp_path / "b.xlsx").write_bytes(whole[:length])
        assert refusal(tmp_path / "b.xlsx")


def test_a_sheet_that_is_listed_but_missing(tmp_path: Path) -> None:
    links = parts()["links"].replace("worksheets/a.xml", "worksheets/gone.xml")
    assert "does not hold it" in refusal(make(tmp_path / "a.xlsx", links=links))


def test_missing_paths(tmp_path: Path) -> None:
    assert "there is no file or folder" in refusal(tmp_path / "none.xlsx")
    assert "cannot be read" in refusal(tmp_path / ("x" * 300 + ".xlsx"))
    assert "no file or folder" in refusal(tmp_path / "a\0b.xlsx")
    assert "holds no CSV files" in refusal(tmp_path)
    (tmp_path / "Sites.csv").write_text("site\n")
    assert "a single CSV file is one sheet" in refusal(tmp_path / "Sites.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.xlsx")
    assert "neither a file nor a folder" in refusal(tmp_path / "a.xlsx")
    os.mkfifo(tmp_path / "Sites.csv")
    assert "holds no CSV files" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["a.xlsx", "csv"])
def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make(tmp_path / "a.xlsx")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "Sites.csv").write_text("site\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "may not be read" in refusal(tmp_path / name)


def test_no_permission_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    for name in ("a.xlsx", "csv"):
        with pytest.raises(ScenarioError, match="may not be written: close it in Excel"):
            write_book(Book((RawSheet("Sites", [["site"]]),)), tmp_path / name)
    assert [path.name for path in tmp_path.rglob("*")] == []


# --------------------------------------------------------------------------- bombs


def test_a_part_that_unpacks_to_far_more(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", b" " * 12_000_000)
    start = time.process_time()
    assert "unpacks to more than 200 times its size" in refusal(tmp_path / "a.xlsx")
    assert time.process_time() - start < 0.5


def test_the_sum_of_all_parts_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a.xlsx")
    monkeypatch.setattr(reader, "MAX_FILE_BYTES", 2**20)
    assert read_book(tmp_path / "a.xlsx")
    make(tmp_path / "a.xlsx", shared=" " * 2**20 + parts()["shared"])
    assert "the unpacked workbook is larger than 1 MB" in refusal(tmp_path / "a.xlsx")


def test_too_many_parts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as package:
        for number in range(10_001):
            package.writestr(str(number), "")
    assert "more than 10,000 parts" in refusal(tmp_path / "a.xlsx")


def test_a_size_that_lies_is_not_exceeded(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row>' + " " * 30_000_000
    data = bytearray(make(tmp_path / "a.xlsx", sheet=sheet(rows)).read_bytes())
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"xl/worksheets/a.xml"))
    data[entry + 24 : entry + 28] = (5000).to_bytes(4, "little")  # what the directory declares
    (tmp_path / "a.xlsx").write_bytes(data)
    tracemalloc.start()
    assert "damaged" in refusal(tmp_path / "a.xlsx")
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_an_encrypted_part(tmp_path: Path) -> None:
    data = bytearray(make(tmp_path / "a.xlsx").read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1
    (tmp_path / "a.xlsx").write_bytes(data)
    assert "remove the password" in refusal(tmp_path / "a.xlsx")


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("part", list(PLACES))
def test_entities_are_refused_in_every_part(tmp_path: Path, part: str, declaration: str) -> None:
    text = declaration + parts()[part].replace("site<", "&b;<")
    assert "declares XML entities" in refusal(make(tmp_path / "a.xlsx", **{part: text}))


def test_entities_in_another_encoding(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path, "w") as package:
        for name, text in parts().items():
            content = LAUGHS + text if name == "sheet" else text
            package.writestr(PLACES[name], content.encode("utf-16"))
    assert "declares XML entities" in refusal(path)


def test_deep_nesting(tmp_path: Path) -> None:
    rows = "<a>" * 200_000 + "</a>" * 200_000
    assert read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows))).sheets[0].grid == []


def test_a_quarter_of_a_million_blank_formatted_rows(tmp_path: Path) -> None:
    rows = [
        f'<row r="{n}" s="1" customFormat="1"><c r="A{n}" s="1"/></row>' for n in range(2, 262_145)
    ]
    first = '<row r="1"><c r="A1" t="inlineStr"><is><t>site</t></is></c></row>'
    make(tmp_path / "a.xlsx", sheet=sheet(first + "".join(rows)))
    start = time.process_time()
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid == [["site"]]
    assert time.process_time() - start < 2.5  # usually 0.6 s


def test_blank_rows_take_no_memory(tmp_path: Path) -> None:
    rows = [
        f'<row r="{n}"><c r="A{n}" s="1"/><c r="XFD{n}" s="1"/></row>' for n in range(1, 50_001)
    ]
    make(tmp_path / "a.xlsx", sheet=sheet("".join(rows)))
    tracemalloc.start()
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid == []
    assert tracemalloc.get_traced_memory()[1] < 3e6
    tracemalloc.stop()


def test_a_value_in_the_last_row_costs_no_more_than_its_rows(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="H1048576"><v>2</v></c></row>'
    )
    grid = read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows))).sheets[0].grid
    assert len(grid) == 1_048_576
    assert grid[-1] == [*[None] * 7, 2]
    assert len({id(row) for row in grid}) == 3


def test_values_all_over_the_sheet(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 2001))
    with pytest.raises(ScenarioError, match="Sites!XFD1832: the sheet holds too many cells"):
        read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows)))
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 2001))
    rows += '<row r="2001"><c r="XFD2001"><v>1</v></c></row>'
    with pytest.raises(ScenarioError, match="Sites!XFD2001: the sheet holds too many cells"):
        read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows)))


def test_merged_cells_all_over_the_sheet(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 1001))
    merges = "".join(f'<mergeCell ref="A{n}:XFD1048576"/>' for n in range(1, 50_000))
    after = f"<mergeCells>{merges}</mergeCells>"
    start = time.process_time()
    grid = read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows, after))).sheets[0].grid
    assert grid == [[1]] * 1000
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>'
    after = "<mergeCells>" + '<mergeCell ref="A1:XFD9"/>' * 50_000 + "</mergeCells>"
    assert "too many merged cells" in refusal(make(tmp_path / "a.xlsx", sheet=sheet(rows, after)))
    assert time.process_time() - start < 5


# --------------------------------------------------------------------------- bad cells


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="0"><c r="A0"><v>1</v></c></row>',
        '<row r="1048577"><c><v>1</v></c></row>',
        '<row r="x"/>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="A12"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c r=""><v>1</v></c></row>',
        '<c r="A1"><v>1</v></c>',
        "<c><v>1</v></c>",
        '<row r="1"><c r="A1"><v>one</v></c></row>',
        '<row r="1"><c r="A1"><v>nan</v></c></row>',
        '<row r="1"><c r="A1"><v>1e999</v></c></row>',
        f'<row r="1"><c r="A1"><v>{"9" * 5000}</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCell ref="A1:B"/><sheetData>',
        '<row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCell ref="A0:A1"/><sheetData>',
        '<row r="1"><c r="A1"><v>1</v></c>',
    ],
)
def test_cells_that_cannot_be(tmp_path: Path, rows: str) -> None:
    assert "damaged" in refusal(make(tmp_path / "a.xlsx", sheet=sheet(rows)))


def test_a_cell_of_forty_thousand_characters(tmp_path: Path) -> None:
    text = "я" * 40_000
    rows = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
    book = read_book(make(tmp_path / "a.xlsx", sheet=sheet(rows)))
    assert book.sheets[0].grid == [[text]]
    write_book(book, tmp_path / "csv")
    assert read_book(tmp_path / "csv").sheets == book.sheets


HOSTILE_NAMES = [
    'a "quoted" name',
    "it's",
    "a]b[c",
    "a/b\\c",
    "two\nlines",
    "car\rriage",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\u202egnp.exe",
    "\u200f\u200e\u2066x\u2069",
    "<script>alert(1)</script>",
    "<r><t>x</t></r>",
    "&amp; &#x41;",
    "]]>",
    "_x000D_",
    "\ufeffa",
    "\u0085\u2028\u2029x",
    "%s %(a)s {0} {x!r}",
    "'; DROP TABLE sites; --",
    "a,b;c\td",
    "😀",
    "\x01\x1f\x7f",
    "\ufffe\uffff",
]


def test_hostile_names_are_only_text(tmp_path: Path) -> None:
    grid: list[list[object]] = [["site", "note"]]
    grid += [[name, name] for name in HOSTILE_NAMES]
    book = Book((RawSheet("Sites", grid),))
    write_book(book, tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets == book.sheets
    write_book(book, tmp_path / "csv")
    assert read_book(tmp_path / "csv").sheets == book.sheets
    lines = (tmp_path / "csv" / "Sites.csv").read_text(encoding="utf-8").split("\n")
    for line in lines:
        assert not line.lstrip('"').startswith(("=", "+", "@"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a&quot;b", "&lt;b&gt;", "=cmd()", "Сайты"])
def test_hostile_sheet_names(tmp_path: Path, name: str) -> None:
    text = parts()["workbook"].replace('"Sites"', f'"{name}"')
    book = read_book(make(tmp_path / "a.xlsx", workbook=text))
    write_book(book, tmp_path / "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "csv"]
    assert read_book(tmp_path / "csv").sheets[0].name == book.sheets[0].name


# --------------------------------------------------------------------------- fuzzing


def outcome(path: Path) -> Book | None:
    """A book, or None where the file is refused in one problem; nothing else may happen."""
    try:
        return read_book(path)
    except ScenarioError as error:
        assert len(error.problems) == 1
        return None


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_bytes(tmp_path_factory: object, data: st.DataObject) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    path = tmp_path_factory.getbasetemp() / "bytes.xlsx"
    content = bytearray(make(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    outcome(path)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_xml(tmp_path_factory: object, data: st.DataObject) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    path = tmp_path_factory.getbasetemp() / "xml.xlsx"
    name = data.draw(st.sampled_from(list(PLACES)))
    text = parts()[name]
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    words = st.sampled_from(["", "<c>", '"', "-1", "1e9", "A1", "<v>", "</row>", "\x00", "é", "&"])
    text = text[:start] + data.draw(words | st.text(max_size=5)) + text[start + length :]
    make(path, **{name: text.encode("utf-8", "replace").decode()})
    book = outcome(path)
    if book is not None and book.sheets:
        folder = tmp_path_factory.mktemp("xml")
        with contextlib.suppress(ScenarioError):  # a name that Excel does not allow
            write_book(book, folder / "a.xlsx")
            assert read_book(folder / "a.xlsx").sheets == book.sheets
        write_book(book, folder / "csv")
        assert len(read_book(folder / "csv").sheets) == len(book.sheets)


@settings(max_examples=200)
@given(
    content=st.binary(max_size=60) | st.text(alphabet="\",;\n\r\ta'=é", max_size=40).map(str.encode)
)
def test_any_bytes_as_csv(tmp_path_factory: object, content: bytes) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    folder = tmp_path_factory.getbasetemp() / "fuzz-csv"
    folder.mkdir(exist_ok=True)
    (folder / "Sites.csv").write_bytes(content)
    outcome(folder)
