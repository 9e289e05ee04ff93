"""The results workbook: tidy, linked, charted, and safe with any text."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from circflow.report import sheets
from circflow.report.csvs import harmless, write_csvs
from circflow.report.workbook import SHEETS, waterfall, write_results
from circflow.solution.solution import Solution


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "результаты.xlsx"


def _write(frame: pd.DataFrame, path: Path, table: str = "flows") -> None:
    book = xlsxwriter.Workbook(str(path), {"strings_to_urls": False})
    formats = sheets.Formats(book)
    sheets.add_table(formats, "Flows", table, frame, "RUB")
    book.close()
    sheets.fill(path, formats.fillings)


def _rows(path: Path, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_every_table_is_a_sheet_behind_the_summary(solution: Solution, path: Path) -> None:
    write_results(solution, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "Summary"
    assert set(SHEETS) <= set(book.sheetnames)
    assert {"Chains", "Waste", "Limits", "Totals", "Audit", "Warnings"} <= set(book.sheetnames)
    for name in SHEETS:
        sheet, table = book[name], getattr(solution.tables, name.lower().replace(" ", "_"))
        assert sheet.max_row == len(table) + 1
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
        assert not sheet.merged_cells.ranges
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToHeight == 0  # as wide as one page, as long as it takes
        assert sheet.print_title_rows == "$1:$1"


def test_figures_units_and_formats(solution: Solution, path: Path) -> None:
    write_results(solution, path)
    book = openpyxl.load_workbook(path)
    flows = book["Flows"]
    heads = [cell.value for cell in flows[1]]
    assert "sent (t per year)" in heads
    assert "transport (million RUB per year)" in heads
    assert "distance (km)" in heads
    assert flows.cell(2, heads.index("sent (t per year)") + 1).value == 60.0
    sales = book["Sales"]
    heads = [cell.value for cell in sales[1]]
    price = sales.cell(2, heads.index("price (RUB per t)") + 1)
    assert (price.value, price.number_format) == (2e6, "#,##0")
    units = book["Units"]
    load = units.cell(2, [c.value for c in units[1]].index("load (share of what is available)") + 1)
    assert load.number_format == "0.0%"


def test_the_summary_tells_and_links(solution: Solution, path: Path) -> None:
    write_results(solution, path)
    book = openpyxl.load_workbook(path)
    summary = book["Summary"]
    assert summary["A1"].value == "Свердловская область"
    figures = {row[0].value: row[1].value for row in summary.iter_rows(max_col=2)}
    assert figures["net benefit"] == 180.0
    assert figures["metallurgy"] == pytest.approx(0.6)
    assert figures["capacity of Mill № 1"] == pytest.approx(1.2)
    links = {
        cell.hyperlink.location for row in summary.iter_rows() for cell in row if cell.hyperlink
    }
    targets = {str(link).partition("!")[0].strip("'") for link in links}
    assert targets <= set(book.sheetnames)
    assert set(book.sheetnames) - targets == {"Summary", "Chart data"}
    with zipfile.ZipFile(path) as package:
        charts = [n for n in package.namelist() if n.startswith("xl/charts/chart")]
        assert len(charts) == 3
        # The charts hold their figures, for viewers that do not calculate.
        assert all(b"<c:numCache>" in package.read(n) for n in charts)


def test_text_is_never_a_formula(malicious: Solution, path: Path) -> None:
    write_results(malicious, path)
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            ET.fromstring(package.read(name))  # every part is well-formed
            if name.startswith("xl/worksheets/"):
                assert b"<f>" not in package.read(name)
                assert b"http://x" not in package.read(name)  # no link either
    names = {row[2] for row in _rows(path, "Flows")[1:]}
    assert names == {'=HYPERLINK("http://x")�[31m�'}


def test_a_plan_that_does_nothing(empty: Solution, path: Path) -> None:
    write_results(empty, path)
    assert openpyxl.load_workbook(path)["Flows"].max_row == 1


def test_a_failed_audit_stands_in_front(solution: Solution, path: Path) -> None:
    audit = solution.audit
    audit.__dict__.update(passed=False)
    findings = pd.DataFrame([["balance", "Works / slag", "2026", 1.0, 2.0, 0.5]])
    findings.columns = audit.findings.columns
    audit.__dict__.update(findings=findings)
    write_results(solution, path)
    assert any("FAILED" in str(row[0]) for row in _rows(path, "Summary"))
    assert _rows(path, "Audit")[-1][:3] == ["balance", "Works / slag", "2026"]


def _plain(value: Any) -> Any:
    """Readers differ in whether they take off Excel's escape of `_x0041_`."""
    return value.replace("_x005F_", "_") if isinstance(value, str) else value


def _long(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    names = np.array(["Завод", " _x0041_ ", "a<b>&\"c'", "=1+1", "two\nlines", None], dtype=object)
    amounts = rng.normal(size=rows) * 10.0 ** rng.integers(-9, 9, rows)
    amounts[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "from": names[rng.integers(0, 6, rows)],
            "period": pd.Series("2026", index=range(rows), dtype=object),
            "sent_per_year": amounts,
            "limit": np.where(rng.random(rows) < 0.5, np.inf, 3.0),
            "flag": rng.random(rows) < 0.5,
        }
    )


def test_long_tables_read_as_short_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = _long(3_000)
    _write(frame, tmp_path / "filled.xlsx")
    monkeypatch.setattr(sheets, "LONG", 10_000)
    _write(frame, tmp_path / "plain.xlsx")
    filled, plain = (
        openpyxl.load_workbook(tmp_path / f)["Flows"] for f in ("filled.xlsx", "plain.xlsx")
    )
    assert filled.dimensions == plain.dimensions == "A1:E3001"
    # xlsxwriter writes 16 digits, `fill` the shortest text that reads back the same.
    for one, other in zip(filled.iter_rows(), plain.iter_rows(), strict=True):
        for a, b in zip(one, other, strict=True):
            assert _plain(a.value) == (
                pytest.approx(b.value, rel=1e-15) if a.data_type == "n" and a.value else b.value
            )
            assert (a.data_type, a.number_format) == (b.data_type, b.number_format)
    found = [row[2] for row in _rows(tmp_path / "filled.xlsx", "Flows")[1:]]
    figures = [np.nan if v == "" else v for v in found]
    np.testing.assert_allclose(figures, frame["sent_per_year"], rtol=1e-15)


def test_too_long_tables_go_on_in_another_sheet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 1_500)
    frame = _long(3_001)
    _write(frame, path)
    book = CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == ["Flows", "Flows (2)", "Flows (3)"]
    parts = [_rows(path, name) for name in book.sheet_names]
    assert [len(p) - 1 for p in parts] == [1_500, 1_500, 1]
    assert parts[0][0] == parts[1][0] == parts[2][0]
    texts = [_plain(row[0]).strip() for part in parts for row in part[1:]]
    assert texts == [t.strip() for t in frame["from"].fillna("")]


def test_a_long_text_is_cut(path: Path) -> None:
    _write(pd.DataFrame({"from": ["x" * 40_000] * 1_500}), path)
    rows = _rows(path, "Flows")
    assert {len(row[0]) for row in rows[1:]} == {32_767}


@pytest.mark.parametrize("rows", [0, 1, 2, 1_000, 1_001, 20_001, 20_002])
def test_any_number_of_rows(rows: int, path: Path) -> None:
    frame = pd.DataFrame({"from": ["a"] * rows, "row": np.arange(rows, dtype=float)})
    _write(frame, path)
    assert [row[1] for row in _rows(path, "Flows")[1:]] == list(range(rows))


def test_the_waterfall_crosses_zero(solution: Solution) -> None:
    solution.totals["income"] = 30.0
    solution.totals["net_benefit"] = -90.0
    bars = waterfall(solution)
    above, below = bars["base above"] + bars["above"], bars["base below"] + bars["below"]
    assert bars.loc[0, "above"] == 30.0
    processing = bars.iloc[1]  # 50: from 30 down to -20
    assert (processing["above"], processing["below"]) == (30.0, -20.0)
    assert bars.iloc[-1]["below"] == -90.0
    assert (above >= 0).all()
    assert (below <= 0).all()
    assert below.min() == -90.0


def test_a_failure_leaves_the_old_file(
    solution: Solution, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("circflow.report.sheets.fill", full)
    with pytest.raises(OSError, match="the disk is full"):
        write_results(solution, path)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_it(malicious: Solution, path: Path) -> None:
    flows = pd.concat([malicious.flows] * 1_000, ignore_index=True)
    long = replace(malicious, tables=replace(malicious.tables, flows=flows))
    long.__dict__.update({k: malicious.__dict__[k] for k in ("totals", "audit", "chains")})
    write_results(long, path)
    home = f"-env:UserInstallation=file://{path.parent / 'profile'}"
    arguments = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir"]
    arguments += [str(path.parent), str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=True)
    assert "error" not in (done.stdout + done.stderr).lower()
    assert (path.parent / "результаты.pdf").read_bytes().startswith(b"%PDF")


def test_csv_files(malicious: Solution, tmp_path: Path) -> None:
    files = write_csvs(malicious, tmp_path / "csv")
    names = {f.name for f in files}
    assert {"flows.csv", "money.csv", "chains.csv", "totals.csv"} <= names
    assert {"uses.csv", "variety.csv", "unused_chains.csv", "unused_steps.csv"} <= names
    assert sorted(files) == sorted((tmp_path / "csv").iterdir())
    text = (tmp_path / "csv" / "flows.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    flows = pd.read_csv(tmp_path / "csv" / "flows.csv", encoding="utf-8-sig")
    assert list(flows.columns) == list(malicious.flows.columns)
    assert set(flows["material"].str[:11]) == {"'=HYPERLINK"}
    assert flows["sent_per_year"].tolist() == [60.0, 60.0]


def test_numbers_stay_numbers_in_csv() -> None:
    frame = pd.DataFrame(
        {"a": [-1.5, np.inf, np.nan], "b": ["-Sand", None, "'x"], "c": [-2.0, None, 3]}
    ).astype({"c": object})
    made = harmless(frame).to_csv(index=False)
    assert made == "a,b,c\n-1.5,'-Sand,-2\n,,\n,'x,3\n"
