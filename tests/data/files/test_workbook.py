"""Reading and writing workbooks: true addresses, values, faults, and the round trip."""

from __future__ import annotations

import datetime as dt
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circflow.data.files.books import read_book, write_book
from circflow.data.files.grids import in_order, trim
from circflow.data.scenario import ScenarioError
from circflow.data.schema.sheets import SHEETS
from circflow.data.table import Book, CellFault, RawSheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def make_xlsx(path: Path, sheet: str, *, name: str = "Sites", **parts: str) -> Path:
    """A workbook with one hand-written sheet part; `parts`: workbook, shared, styles."""
    files = {
        "_rels/.rels": f'<Relationships xmlns="x"><Relationship Id="r" Type="{OFFICE}/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": parts.get(
            "workbook",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            f'<sheet name="{name}" sheetId="1" r:id="s"/></sheets></workbook>',
        ),
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="x">'
        f'<Relationship Id="s" Type="{OFFICE}/worksheet" Target="worksheets/a.xml"/>'
        f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="/xl/shared.xml"/>'
        f'<Relationship Id="u" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/a.xml": sheet,
        "xl/shared.xml": parts.get("shared", f'<sst xmlns="{MAIN}"/>'),
        "xl/styles.xml": parts.get("styles", f'<styleSheet xmlns="{MAIN}"/>'),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for part, text in files.items():
            package.writestr(part, text)
    return path


def sheet_xml(rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def read_grid(path: Path, rows: str, after: str = "", **parts: str) -> list[list[object]]:
    book = read_book(make_xlsx(path / "a.xlsx", sheet_xml(rows, after), **parts))
    return book.sheets[0].grid


# --------------------------------------------------------------------------- addresses


def test_blank_rows_and_columns_keep_their_place(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Sites"
    sheet["C3"], sheet["D6"] = "site", 5
    sheet["F9"].number_format = "0.00"  # formatted, blank
    workbook.save(tmp_path / "a.xlsx")
    (raw,) = read_book(tmp_path / "a.xlsx").sheets
    blank = [None] * 4
    assert raw.grid == [blank, blank, [None, None, "site", None], blank, blank, [None] * 3 + [5]]


def test_lying_dimension_and_missing_addresses(tmp_path: Path) -> None:
    xml = (
        f'<worksheet xmlns="{MAIN}"><dimension ref="A1:XFD1048576"/><sheetData>'
        '<row><c><v>1</v></c><c/><c><v>3</v></c></row><row r="4"><c r="B4"><v>2</v></c></row>'
        "</sheetData></worksheet>"
    )
    (raw,) = read_book(make_xlsx(tmp_path / "a.xlsx", xml)).sheets
    assert raw.grid == [[1, None, 3], [None] * 3, [None] * 3, [None, 2, None]]


def test_rows_and_cells_out_of_order(tmp_path: Path) -> None:
    rows = '<row r="3"><c r="B3"><v>32</v></c><c r="A3"><v>31</v></c></row>'
    rows += '<row r="1"><c r="A1"><v>11</v></c></row>'
    assert read_grid(tmp_path, rows) == [[11, None], [None, None], [31, 32]]


def test_prefixed_names_cdata_and_comments(tmp_path: Path) -> None:
    xml = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><!-- <c r="B1"/> -->'
        '<x:c r="A1" t="str"><x:v><![CDATA[a<b]]></x:v></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    assert read_book(make_xlsx(tmp_path / "a.xlsx", xml)).sheets[0].grid == [["a<b"]]


# --------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("<v>5</v>", 5),
        ("<v>5.0</v>", 5),
        ("<v>-1.5E-5</v>", -1.5e-5),
        ("<v>0.30000000000000004</v>", 0.1 + 0.2),
        ("<v>123456789012345678</v>", 123456789012345680.0),
        ("<f>1+1</f><v>2</v>", 2),
        ("<f>1+1</f>", CellFault("=1+1", "formula")),
        ("<f>1+1</f><v></v>", CellFault("=1+1", "formula")),
        ('<f t="shared" si="0"/>', CellFault("=…", "formula")),
        ("", None),
    ],
)
def test_numbers_and_formulas(tmp_path: Path, cell: str, expected: object) -> None:
    rows = f'<row r="1"><c r="A1">{cell}</c><c r="B1"><v>1</v></c></row>'
    value = read_grid(tmp_path, rows)[0][0]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        ("b", "<v>1</v>", True),
        ("b", "<v>0</v>", False),
        ("e", "<v>#N/A</v>", CellFault("#N/A", "error")),
        ("e", "<f>1/0</f><v>#DIV/0!</v>", CellFault("#DIV/0!", "error")),
        ("str", "<f>x</f><v>да</v>", "да"),
        ("str", "<f>x</f><v></v>", None),
        ("inlineStr", "<is><t> a</t></is>", " a"),
        ("inlineStr", "<is><r><t>a</t></r><r><t>b</t></r><rPh><t>c</t></rPh></is>", "ab"),
        ("inlineStr", "<is><t>  </t></is>", None),
        ("inlineStr", "<is><t>a_x000D_b_x005F_x000D_</t></is>", "a\rb_x000D_"),
        ("inlineStr", "<is><t>_xD800__x0000_</t></is>", "_xD800__x0000_"),
        ("d", "<v>2026-05-01</v>", dt.date(2026, 5, 1)),
        ("d", "<v>2026-05-01T12:30:00Z</v>", dt.datetime(2026, 5, 1, 12, 30)),
        ("s", "<v>0</v>", "Гай & Co"),
        ("s", "<v>1</v>", "rich text"),
        ("s", "<v>2</v>", None),
    ],
)
def test_cell_types(tmp_path: Path, kind: str, cell: str, expected: object) -> None:
    shared = (
        f'<sst xmlns="{MAIN}"><si><t>Гай &amp; Co</t></si>'
        "<si><r><t>rich </t></r><r><t>text</t></r><rPh><t>no</t></rPh></si>"
        '<si><t xml:space="preserve"> \n</t></si></sst>'
    )
    rows = f'<row r="1"><c r="A1" t="{kind}">{cell}</c><c r="B1"><v>1</v></c></row>'
    value = read_grid(tmp_path, rows, shared=shared)[0][0]
    assert value == expected
    assert type(value) is type(expected)


def test_dates_follow_the_number_format(tmp_path: Path) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="dd.mm.yyyy"/>'
        '<numFmt numFmtId="171" formatCode="[h]:mm"/><numFmt numFmtId="172" '
        'formatCode="0.0&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/>'
        '</cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="22"/>'
        '<xf numFmtId="20"/><xf numFmtId="171"/><xf numFmtId="172"/></cellXfs></styleSheet>'
    )
    values = [(0, "46143"), (1, "46143"), (2, "46143.5"), (3, "0.25"), (4, "1.5"), (5, "7")]
    values += [(1, "1"), (1, "60"), (1, "61"), (1, "-3"), (1, "99999999")]
    cells = "".join(f'<c s="{style}"><v>{text}</v></c>' for style, text in values)
    (line,) = read_grid(tmp_path, f'<row r="1">{cells}</row>', styles=styles)
    assert line[:6] == [
        *(46143, dt.date(2026, 5, 1), dt.datetime(2026, 5, 1, 12), dt.time(6)),
        *(1.5, 7),
    ]
    assert line[6:] == [dt.date(1900, 1, 1), 60, dt.date(1900, 3, 1), -3, 99999999]


def test_the_other_epoch(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904  # type: ignore[attr-defined]
    sheet = workbook.active
    assert sheet is not None
    sheet["A1"] = dt.datetime(2026, 5, 1, 6)
    workbook.save(tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid == [[dt.datetime(2026, 5, 1, 6)]]


# --------------------------------------------------------------------------- merged, hidden


def test_merged_cells_are_faults_where_a_record_misses_a_value(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
        '<row r="2"><c r="A2"><v>3</v></c><c r="B2"><v>4</v></c></row>'
        '<row r="3"><c r="B3"><v>5</v></c></row><row r="5"><c r="B5"><v>6</v></c></row>'
    )
    merges = "<mergeCells>" + "".join(
        f'<mergeCell ref="{ref}"/>' for ref in ("A2:A5", "B1:D1", "H1:XFD1048576")
    )
    grid = read_grid(tmp_path, rows, merges + "</mergeCells>")
    fault = CellFault("A2:A5", "merged")
    assert grid == [[1, 2], [3, 4], [fault, 5], [None, None], [fault, 6]]


def test_hidden_and_filtered_rows_and_sheets_are_read_with_a_warning(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Sites"
    for row in range(1, 9):
        sheet.cell(row, 1, f"r{row}")
    for row in (3, 4, 5, 8, 12):
        sheet.row_dimensions[row].hidden = True
    hidden = workbook.create_sheet("Goals")
    hidden["A1"] = "goal"
    hidden.sheet_state = "veryHidden"
    own = workbook.create_sheet("_mine")
    own.sheet_state = "hidden"
    own["A1"] = 1
    workbook.save(tmp_path / "a.xlsx")
    book = read_book(tmp_path / "a.xlsx")
    assert len(book.sheets[0].grid) == 8
    assert [sheet.hidden for sheet in book.sheets] == [False, True, True]
    assert [str(w) for w in book.warnings] == [
        "Sites row 3: rows 3–5, 8 are hidden or filtered out and read all the same: show and check",
        "Goals: the sheet is hidden and is read all the same: show it, and check",
    ]
    write_book(book, tmp_path / "b.xlsx")
    assert read_book(tmp_path / "b.xlsx").sheets == book.sheets


# --------------------------------------------------------------------------- round trip

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
)
TRICKY = st.sampled_from(
    [
        "=cmd()",
        "+1",
        "-1",
        "@x",
        "<r>a</r>",
        "<r>_x000D_&\r</r>",
        "_x0041_",
        "a\rb",
        "\n",
        "'",
        "12",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(dt.date(1900, 1, 1), dt.date(9999, 12, 31)),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 30)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
    st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
    TEXT,
    TRICKY,
)
NAMES = st.sampled_from([*(sheet.name for sheet in SHEETS), "_mine", "# own", "Oops", "Сайты"])


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Books with any sheets, headers known or not, and any cells."""
    sheets = []
    for name in draw(st.lists(NAMES, max_size=4, unique_by=str.casefold)):
        known = next((sheet.names for sheet in SHEETS if sheet.name == name), ("a", "b"))
        header: list[object] = list(known[: draw(st.integers(1, 4))])
        draw(st.randoms()).shuffle(header)
        rows = draw(st.lists(st.lists(VALUES, max_size=5), max_size=5))
        sheets.append(RawSheet(name, trim([header, *rows]), draw(st.booleans())))
    return Book(tuple(sheets), "book")


@settings(max_examples=25)
@given(book=books())
def test_written_and_read_again_is_the_same(tmp_path_factory: object, book: Book) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    folder = tmp_path_factory.mktemp("round")
    write_book(book, folder / "a.xlsx")
    again = read_book(folder / "a.xlsx")
    assert list(again.sheets) == in_order(book)
    kinds = [[[type(v) is bool for v in row] for row in s.grid] for s in again.sheets]
    assert kinds == [[[type(v) is bool for v in row] for row in s.grid] for s in in_order(book)]
    write_book(again, folder / "b.xlsx")
    assert (folder / "a.xlsx").read_bytes() == (folder / "b.xlsx").read_bytes()


def test_faults_are_written_as_their_text(tmp_path: Path) -> None:
    faults = [CellFault("#N/A", "error"), CellFault("=A1", "formula"), CellFault("A2:A3", "merged")]
    write_book(Book((RawSheet("Sites", [["site"] * 3, list(faults)]),)), tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid[1] == ["#N/A", "=A1", "A2:A3"]


def test_text_is_never_a_formula(tmp_path: Path) -> None:
    texts: list[object] = ["=1+1", "+1", "@SUM(A1)", "-x", "http://a.b", "{=1}", "12"]
    write_book(Book((RawSheet("Sites", [["site"] * 7, texts]),)), tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        sheets = [name for name in package.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in sheets:
            assert b"<f>" not in package.read(name)
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid[1] == texts


def test_no_number_and_old_dates(tmp_path: Path) -> None:
    line: list[object] = [float("nan"), float("inf"), 10**400, dt.date(1850, 1, 1), " "]
    write_book(Book((RawSheet("Sites", [["site"] * 5, line]),)), tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid[1] == [
        *(None, "inf", str(10**400), "1850-01-01", None)
    ]


# --------------------------------------------------------------------------- what Excel refuses


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("x" * 32, "1 to 31 characters"),
        ("", "1 to 31 characters"),
        ("a/b", "does not allow"),
        ("'a", "does not allow"),
        ("History", "does not allow"),
        ("a\nb", "does not allow"),
    ],
)
def test_names_that_excel_refuses(tmp_path: Path, name: str, part: str) -> None:
    with pytest.raises(ScenarioError, match=part):
        write_book(Book((RawSheet(name, [["a"]]),)), tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_names_that_differ_by_case(tmp_path: Path) -> None:
    book = Book((RawSheet("Sites", [["a"]]), RawSheet("sites", [["a"]])))
    for target in ("a.xlsx", "a"):
        with pytest.raises(ScenarioError, match="two sheets called 'Sites' and 'sites'"):
            write_book(book, tmp_path / target)


def test_too_long_a_text_is_named_by_its_cell(tmp_path: Path) -> None:
    longest = "я" * 32_767
    book = Book((RawSheet("Sites", [["site", "note"], ["a", longest]]),))
    write_book(book, tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets == book.sheets
    book = Book((RawSheet("Sites", [["site", "note"], ["a", longest + "😀"]]),))
    with pytest.raises(ScenarioError, match=r"Sites!B2: .*32,767"):
        write_book(book, tmp_path / "b.xlsx")


def test_too_many_rows(tmp_path: Path) -> None:
    grid: list[list[object]] = [["a"]] * 1_048_577
    with pytest.raises(ScenarioError, match="at most 1,048,576 rows"):
        write_book(Book((RawSheet("Sites", grid),)), tmp_path / "a.xlsx")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book((RawSheet("Sites", [["site"], ["a"]]),))
    write_book(book, tmp_path / "a.xlsx")
    before = (tmp_path / "a.xlsx").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("circflow.data.files.template._BookWriter.write", fail)
    with pytest.raises(ScenarioError, match="cannot be written: the disk is full"):
        write_book(book, tmp_path / "a.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_large_sheets_are_read_and_written_quickly(tmp_path: Path) -> None:
    rows: list[list[object]] = [[f"s{n % 50}", n, n / 7, "yes", None, "x"] for n in range(6000)]
    book = Book((RawSheet("Streams", [list("abcdef"), *rows]),))
    start = time.process_time()
    write_book(book, tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets == book.sheets
    assert time.process_time() - start < 6  # usually 0.4 s
