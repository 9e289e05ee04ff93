"""Scenario files: a workbook or a folder of CSV files, read and written by path.

    path -> read_book -> Book          Book -> write_book -> path

A file that cannot be read or written is a `ScenarioError` with one plain sentence; nothing that
stands in a file leads to another exception. Files are written to a temporary name beside the
target and renamed, so that a stopped run leaves the old file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from circflow.data.files.grids import file_error
from circflow.data.files.native import english, native
from circflow.data.scenario import ScenarioError
from circflow.data.schema.sheets import SHEETS, Sheet
from circflow.data.table import Book
from circflow.i18n import current, mark

if TYPE_CHECKING:
    from circflow.data.files.template import Manual

_OTHER_FORMATS = {
    *(".xls", ".xlsm", ".xlsb", ".xltx", ".ods", ".csv", ".tsv", ".txt"),
    *(".json", ".zip", ".pdf", ".html", ".doc", ".docx"),
}


def read_book(path: str | os.PathLike[str], sheets: Sequence[Sheet] = SHEETS) -> Book:
    """Read a workbook (.xlsx, .xlsm) or a folder of CSV files, in any language.

    Its `sheets` (without them those of a scenario) get their English names. Raises
    `ScenarioError` with one problem if there is no such file or it cannot be read.
    """
    path = Path(path)
    with _in_words(
        path,
        mark("the file may not be read: ask for permission, or close it in Excel"),
        mark("the file cannot be read: {reason}"),
    ):
        return english(_as_it_stands(path), sheets)


def _as_it_stands(path: Path) -> Book:
    if path.is_dir():
        from circflow.data.files.folder import read_folder

        return read_folder(path)
    if not path.exists():
        raise file_error("there is no file or folder {path!r}", path.name, path=str(path))
    if not path.is_file():
        raise file_error("this is neither a file nor a folder", path.name)
    if path.suffix.lower() == ".csv":
        raise file_error(
            "a single CSV file is one sheet: give the folder that holds all of them", path.name
        )
    from circflow.data.files.workbook import read_workbook

    return read_workbook(path)


def write_book(book: Book, path: str | os.PathLike[str], manual: Manual | None = None) -> None:
    """Write a workbook (a path that ends in .xlsx) or a folder of CSV files (any other path).

    The manual tells what the workbook says of its columns; without one it is a scenario. Sheets
    are written in the order of the schema, the planner's own ones after them. Raises
    `ScenarioError` if the path cannot be written or the format cannot hold a cell.
    """
    path = Path(path)
    with writing(path):
        if path.suffix.lower() == ".xlsx" and not path.is_dir():
            from circflow.data.files.template import write_workbook

            write_workbook(book, path, manual)
            return
        if path.suffix.lower() in _OTHER_FORMATS and not path.is_dir():
            raise file_error(
                "{suffix} files are not written: give a name that ends in .xlsx, or a folder",
                path.name,
                suffix=path.suffix,
            )
        from circflow.data.files.folder import write_folder

        write_folder(book, path)


@contextmanager
def _in_words(path: Path, forbidden: str, failed: str) -> Iterator[None]:
    """What the system says of a file as a `ScenarioError`, in one plain sentence."""
    try:
        yield
    except ScenarioError:
        raise
    except PermissionError as error:
        raise file_error(forbidden, path.name) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise file_error(failed, path.name, reason=reason.lower()) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A file is written; `ScenarioError` says in one plain sentence why it cannot be."""
    with _in_words(
        path,
        mark("the file may not be written: close it in Excel, or choose another place"),
        mark("the file cannot be written: {reason}"),
    ):
        try:
            yield
        except FileNotFoundError as error:
            raise file_error(
                "there is no folder {parent!r} to write to", path.name, parent=str(path.parent)
            ) from error


def write_template(path: str | os.PathLike[str]) -> None:
    """Write an empty workbook to fill in: every sheet and column, with notes and lists.

    It is in the language in force. The sheet Scenario lists its keys with their defaults and a
    note on each. Raises `ScenarioError` if the file cannot be written.
    """
    from circflow.data.files.template import template_book

    write_book(native(template_book(), current()), path)
