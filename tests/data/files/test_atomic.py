"""Files are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from circflow.data.files.atomic import atomic_path, why_not_writable, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "план.xlsx"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["план.xlsx"]


def test_a_write_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    write_text(target, "строка\n")
    assert target.read_bytes() == "строка\n".encode()
    assert target.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_text(tmp_path / "new.txt", "x")
    assert (tmp_path / "new.txt").stat().st_mode == usual.stat().st_mode


def test_the_temporary_name_keeps_folder_and_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "r.xlsx") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".xlsx"


def test_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"


def test_a_device_is_written_directly() -> None:
    write_text(os.devnull, "x")
    assert not Path(os.devnull).is_file()


def test_reasons(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert why_not_writable(tmp_path / "x.xlsx") == ""
    assert why_not_writable(tmp_path / "new", folder=True) == ""
    assert why_not_writable(tmp_path, folder=True) == ""
    assert "is a folder" in why_not_writable(tmp_path)
    assert "does not exist" in why_not_writable(tmp_path / "no" / "x.xlsx")
    assert "not a folder" in why_not_writable(tmp_path / "file" / "x.xlsx")
    assert "is a file" in why_not_writable(tmp_path / "file", folder=True)
    assert "does not exist" in why_not_writable(tmp_path / "no" / "new", folder=True)
