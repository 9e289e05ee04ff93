"""What a long study has found, on disk: a SQLite file that is right at any moment, whatever kills
the program.

    about(key, value)                 the version, the scenario, its fingerprint, the study
    results(key, content, figures)    a result each: a run, a coalition, a group of futures

`content` is JSON, `figures` are doubles (little-endian). A store belongs to one scenario and one
study: another is refused.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.studies.errors import StudyError

VERSION = "2"
_TABLES = """
create table if not exists about(key text primary key, value text not null);
create table if not exists results(key text primary key, content text not null, figures blob);
"""


class StoreError(StudyError):
    """A store that belongs to something else, or cannot be read or written."""


class Result(NamedTuple):
    """Something found, under a key of its own."""

    key: str
    content: dict[str, Any]
    """What JSON can say, and figures that are none or endless (NaN, Infinity)."""
    figures: NDArray[np.float64] | None = None


def fingerprint(scenario: Scenario) -> str:
    """A digest of everything that a scenario's plan depends on."""
    digest = hashlib.sha256()
    digest.update(repr(scenario.settings).encode())
    digest.update(repr(scenario.periods).encode())
    for name, table in scenario.tables.items():
        if name in ("Studies", "Ranges", "Futures", "FutureChanges", "Sources", "Scenario"):
            continue
        digest.update(name.encode())
        digest.update(table.frame.to_csv(float_format="%.17g").encode())
    return digest.hexdigest()


class Store:
    """The results of one study in a file.

    Args:
        path: the file; there may be one only with `resume`.
        scenario: whose results they are.
        study: all else that they depend on, the name of the study first.
        resume: go on with the file.

    Raises:
        StoreError: the file is another's, or the disk does not take it.
    """

    def __init__(self, path: str | Path, scenario: Scenario, study: Any, *, resume: bool) -> None:
        self.path = Path(path)
        about = {
            "version": VERSION,
            "scenario": scenario.name,
            "fingerprint": fingerprint(scenario),
            "study": hashlib.sha256(json.dumps(study, default=str).encode()).hexdigest(),
        }
        there = self.path.exists() and self.path.stat().st_size > 0
        if there and not resume:
            raise StoreError(
                "{path} exists already: go on with it (--resume, resume=True), or name another",
                path=path,
            )
        try:
            with _disk_errors(self.path):
                self._begin(about, self._about())
        except StudyError:
            self.close()
            if not there:  # nothing half-made stays behind
                for left in (self.path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                    left.unlink(missing_ok=True)
            raise

    def _about(self) -> dict[str, str]:
        """What the store says of itself; nothing of a file that was only begun.

        Raises `StoreError` where the file is another's.
        """
        if self.path.exists():
            with self.path.open("rb") as file:
                if file.read(1) == b"{":  # groups and coalitions were kept as JSON before
                    return {"version": "1"}
        self.file = sqlite3.connect(self.path, check_same_thread=False)
        names = {name for (name,) in self.file.execute("select name from sqlite_master")}
        if names and "about" not in names:
            raise StoreError("{path} is not a store of circflow", path=self.path)
        return dict(self.file.execute("select key, value from about")) if names else {}

    def _begin(self, about: dict[str, str], known: dict[str, str]) -> None:
        for key, what in (
            ("version", say("was written by another version of circflow")),
            ("fingerprint", say("belongs to another scenario, or the scenario has changed since")),
            ("study", say("belongs to another study: other parameters, values or options")),
        ):
            if known and known.get(key) != about[key]:
                raise StoreError("{path} {what}: name another file", path=self.path, what=what)
        self.file.execute("pragma journal_mode=wal")
        self.file.execute("pragma synchronous=normal")
        if not known:
            with self.file:  # all or nothing: a store that is only begun can be begun again
                self.file.execute("begin")
                for statement in _TABLES.split(";")[:-1]:
                    self.file.execute(statement)
                self.file.executemany("insert into about values(?, ?)", list(about.items()))

    def add(self, results: Iterable[Result]) -> None:
        """Write results, all or none; one of the same key is written over."""
        rows = [
            (
                one.key,
                json.dumps(one.content, ensure_ascii=False),
                None if one.figures is None else one.figures.astype("<f8").tobytes(),
            )
            for one in results
        ]
        with _disk_errors(self.path), self.file:
            self.file.executemany("insert or replace into results values(?, ?, ?)", rows)

    def results(self) -> Iterator[Result]:
        """Every result that has been written, in the order of writing."""
        with _disk_errors(self.path):
            rows = self.file.execute("select key, content, figures from results order by rowid")
            for key, content, figures in rows.fetchall():
                doubles = None if figures is None else np.frombuffer(figures, dtype="<f8")
                yield Result(key, json.loads(content), doubles)

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, "file"):
            self.file.close()

    __del__ = close


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the disk, and of others at the file, into one sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        reason = _REASONS.get(code)
        if reason is None:
            raise StoreError(
                "{path} is not a store of circflow: {error}", path=path, error=error
            ) from None
        raise StoreError(f"{path}: {say(reason)}") from None


_REASONS = {
    sqlite3.SQLITE_FULL: mark("the disk is full: make room, then go on (--resume, resume=True)"),
    sqlite3.SQLITE_IOERR: mark(
        "the disk cannot be written (is it full, or the file's size limited by "
        "ulimit -f?): make room, then go on (--resume, resume=True)"
    ),
    sqlite3.SQLITE_BUSY: mark(
        "another program holds the store: wait until it has ended, or name another file"
    ),
    sqlite3.SQLITE_LOCKED: mark(
        "another program holds the store: wait until it has ended, or name another file"
    ),
    sqlite3.SQLITE_CANTOPEN: mark(
        "the store cannot be opened: check the folder and its permissions"
    ),
    sqlite3.SQLITE_READONLY: mark("the store may not be written: check its permissions"),
    sqlite3.SQLITE_PERM: mark("the store may not be written: check its permissions"),
}
"""What SQLite says of a disk, by its code."""
