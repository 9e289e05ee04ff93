"""Folders of CSV files: dialects, record numbers, faults, and conversion without loss."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circflow.data.files.books import read_book, write_book
from circflow.data.files.folder import csv_text, file_name
from circflow.data.files.grids import in_order, trim
from circflow.data.scenario import ScenarioError
from circflow.data.schema.sheets import BY_NAME, SCENARIO_KEYS, SHEETS
from circflow.data.table import Book, CellFault, RawSheet


def read_one(folder: Path, content: bytes, name: str = "Sites.csv") -> RawSheet:
    (folder / name).write_bytes(content)
    return read_book(folder).sheets[0]


@pytest.mark.parametrize(
    "content",
    [
        "site,latitude\nГай,51.5\n".encode(),
        "\ufeffsite,latitude\r\nГай,51.5\r\n".encode(),
        "site;latitude\rГай;51.5".encode(),
        "site\tlatitude\nГай\t51.5\n,,,,".replace(",", "\t").encode(),
        '"site","latitude"\n"Гай","51.5"\n , \n'.encode(),
    ],
)
def test_dialects(tmp_path: Path, content: bytes) -> None:
    assert read_one(tmp_path, content).grid == [["site", "latitude"], ["Гай", "51.5"]]


def test_the_known_columns_decide_on_the_delimiter(tmp_path: Path) -> None:
    content = b"site;note, and, more, commas;hub\na;b,c;yes\n"
    assert read_one(tmp_path, content).grid[1] == ["a", "b,c", "yes"]


def test_everything_stays_text_at_its_record(tmp_path: Path) -> None:
    content = 'site,name\n\n007,"two\nlines"\n1e5,12345678901234567890\n'
    raw = read_one(tmp_path, content.encode())
    blank = [None, None]
    assert raw.grid == [
        *(["site", "name"], blank, ["007", "two\nlines"], ["1e5", "12345678901234567890"])
    ]
    assert not read_book(tmp_path).typed


@pytest.mark.parametrize(
    ("content", "cell", "part"),
    [
        ("site\nГай\n".encode("cp1251"), "Sites.csv", "not UTF-8"),
        ("site\nГай\n".encode("utf-16"), "Sites.csv", "UTF-16"),
        ("site\na\n".encode("utf-16-le"), "Sites.csv", "not text"),
        (b'site\na\n"b\nc\n', "Sites!3", "quotation mark"),
        (b'site\n"a"b\n', "Sites!2", "quotation mark"),
        (b"site\n" + b"x" * 200_000, "Sites!2", "cannot be read"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, content: bytes, cell: str, part: str) -> None:
    with pytest.raises(ScenarioError, match=part) as caught:
        read_one(tmp_path, content)
    (problem,) = caught.value.problems
    sheet, _, row = cell.partition("!")
    assert (problem.cell.sheet, problem.cell.row) == (sheet, int(row or 0))


def test_a_folder_without_csv_files(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "sub.csv").mkdir()
    with pytest.raises(ScenarioError, match=r"no CSV files: it needs Scenario\.csv"):
        read_book(tmp_path)


def test_sheets_come_in_the_order_of_the_schema(tmp_path: Path) -> None:
    for name in ("_b", "Sites", "Zzz", "Scenario", "_a"):
        (tmp_path / f"{name}.csv").write_text("a\n")
    names = [sheet.name for sheet in read_book(tmp_path).sheets]
    assert names == ["Scenario", "Sites", "Zzz", "_a", "_b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (5.0, "5"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (1e22, "1e+22"),
        (float("nan"), ""),
        (-3, "-3"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00"),
        (dt.time(3, 4), "03:04:00"),
        ("-3", "-3"),
        ("=1+1", "'=1+1"),
        ("-a", "'-a"),
        ("'=x", "''=x"),
        ("'tis", "'tis"),
        (CellFault("=A1", "formula"), "'=A1"),
    ],
)
def test_cells_as_text(value: object, text: str) -> None:
    assert csv_text(value) == text


def test_file_names_stay_in_the_folder(tmp_path: Path) -> None:
    names = ["../../up", "a:b?", "..", "100%", "~x", "a "]
    for name in names:
        assert "/" not in file_name(name)
        assert not file_name(name).startswith((".", "~"))
    book = Book(tuple(RawSheet(name, [["a"], ["1"]]) for name in names), typed=False)
    write_book(book, tmp_path / "out")
    assert {sheet.name for sheet in read_book(tmp_path / "out").sheets} == set(names)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_no_file_is_deleted(tmp_path: Path) -> None:
    book = Book((RawSheet("Sites", [["site"], ["a"]]),))
    (tmp_path / "Goals.csv").write_text("goal,weight\n")
    (tmp_path / "readme.md").write_text("mine")
    with pytest.raises(ScenarioError, match=r"holds 'Goals\.csv', which is no sheet of this"):
        write_book(book, tmp_path)
    (tmp_path / "Goals.csv").unlink()
    write_book(book, tmp_path)
    write_book(book, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Sites.csv", "readme.md"]
    assert (tmp_path / "Sites.csv").read_bytes() == b"site\na\n"


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("a.csv", r"\.csv files are not written"),
        ("a.xls", "not written"),
        ("no/such/a.xlsx", "no f"),
    ],
)
def test_targets_that_cannot_be_written(tmp_path: Path, target: str, part: str) -> None:
    with pytest.raises(ScenarioError, match=part):
        write_book(Book((RawSheet("Sites", [["site"]]),)), tmp_path / target)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "case").write_text("x")
    with pytest.raises(ScenarioError, match="there is a file of this name"):
        write_book(Book((RawSheet("Sites", [["site"]]),)), tmp_path / "case")


# --------------------------------------------------------------------------- conversion

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
TRICKY = st.sampled_from(["=1", "'=1", "''@", "a;b", "\t", "\r", 'a"b', "\ufeff", "-", "1,5", "-2"])


@settings(max_examples=120)
@given(
    grids=st.lists(
        st.lists(st.lists(st.none() | TEXT | TRICKY, max_size=4), max_size=5), max_size=2
    )
)
def test_text_survives_the_folder(
    tmp_path_factory: object, grids: list[list[list[object]]]
) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    sheets = [RawSheet(f"_{n}", trim(grid)) for n, grid in enumerate(grids)]
    folder = tmp_path_factory.mktemp("csv") / "x"
    if sheets:
        write_book(Book(tuple(sheets)), folder)
        assert list(read_book(folder).sheets) == sheets


def schema_rows(draw: st.DrawFn, sheet: str) -> list[list[object]]:
    rows: list[list[object]] = []
    names = TEXT.filter(lambda text: bool(text.strip()))
    for _ in range(draw(st.integers(0, 4))):
        row: list[object] = []
        for column in BY_NAME[sheet].columns:
            if column.is_number:
                numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 10**9)
                row.append(draw(st.none() | numbers))
            else:
                row.append(draw(st.none() | names | TRICKY))
        rows.append(row)
    return rows


@st.composite
def scenario_books(draw: st.DrawFn) -> Book:
    chosen = draw(st.lists(st.sampled_from([s.name for s in SHEETS[1:]]), unique=True, max_size=3))
    sheets = [
        RawSheet(name, trim([list(BY_NAME[name].names), *schema_rows(draw, name)]))
        for name in chosen
    ]
    settings_rows: list[list[object]] = [["note", "key", "value"]]
    for key in SCENARIO_KEYS:
        value = draw(st.floats(0, 9)) if key.is_number else draw(st.sampled_from(["12", "да"]))
        settings_rows.append([None, key.name, value])
    return Book((RawSheet("Scenario", trim(settings_rows)), *sheets))


@settings(max_examples=18)
@given(book=scenario_books())
def test_workbook_to_folder_and_back(tmp_path_factory: object, book: Book) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    folder = tmp_path_factory.mktemp("convert")
    write_book(book, folder / "a.xlsx")
    write_book(read_book(folder / "a.xlsx"), folder / "csv")
    write_book(read_book(folder / "csv"), folder / "b.xlsx")
    assert list(read_book(folder / "b.xlsx").sheets) == in_order(book)
    write_book(read_book(folder / "b.xlsx"), folder / "csv2")
    for file in (folder / "csv").iterdir():
        assert file.read_bytes() == (folder / "csv2" / file.name).read_bytes()


def test_numbers_of_a_folder_become_numbers_and_names_stay_text(tmp_path: Path) -> None:
    (tmp_path / "Streams.csv").write_text(
        "site,material,period,amount_per_year,must_handle,note 1\n"
        "007,12,2026,1500.50,yes,5\na,b,2026,1e3,no,\na,c,,1 000,да,\n"
    )
    (tmp_path / "Scenario.csv").write_text("key,value\nname,12\nstart_year,2026\n")
    write_book(read_book(tmp_path), tmp_path / "a.xlsx")
    settings_sheet, streams = read_book(tmp_path / "a.xlsx").sheets
    assert settings_sheet.grid[1:] == [["name", "12"], ["start_year", 2026]]
    assert streams.grid[1:] == [
        ["007", "12", "2026", 1500.5, "yes", "5"],
        ["a", "b", "2026", 1000, "no", None],
        ["a", "c", None, "1 000", "да", None],
    ]


def test_numbers_typed_as_text_in_a_workbook_stay_text(tmp_path: Path) -> None:
    grid: list[list[object]] = [["site", "amount_per_year"], ["a", "1500"]]
    write_book(Book((RawSheet("Streams", grid),)), tmp_path / "a.xlsx")
    assert read_book(tmp_path / "a.xlsx").sheets[0].grid == grid
