"""Runs on disk: a SQLite file that is right at any moment, whatever kills the program.

    about(key, value)                 the study, the scenario's fingerprint, the version
    runs(run, status, objective, seconds, how, reason, gap, figures, labels)
    kept(run, name, content)          tables of single runs, as CSV

`figures` are the doubles of every form, `labels` their names where a rebuilt run has others. A
store belongs to one scenario and one study: another is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import Design
from circflow.studies.sweeps.worker import Options, Run

VERSION = "1"
_TABLES = """
create table if not exists about(key text primary key, value text not null);
create table if not exists runs(run integer primary key, status text not null, objective real,
    seconds real not null, how text not null, reason text not null, gap real, figures blob,
    labels text);
create table if not exists kept(run integer not null, name text not null, content text not null,
    primary key(run, name));
"""


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


def study_key(design: Design, options: Options, extra: dict[str, Any]) -> str:
    """A digest of what is to be run, and how."""
    content = {
        "parameters": [(p.address, p.how) for p in design.parameters],
        "points": [list(p) for p in design.points],
        "options": [options.decisions, options.gap, options.time_limit, list(options.keep)],
        **extra,
    }
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


class Store:
    """The runs of one study in a file. Raises `StudyError` where the file is another's."""

    def __init__(  # noqa: PLR0913
        self,
        path: str | Path,
        *,
        scenario: Scenario,
        design: Design,
        options: Options,
        resume: bool,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        about = {
            "version": VERSION,
            "scenario": scenario.name,
            "fingerprint": fingerprint(scenario),
            "study": study_key(design, options, extra or {}),
            "parameters": json.dumps([p.label for p in design.parameters], ensure_ascii=False),
            "points": json.dumps([list(p) for p in design.points], ensure_ascii=False),
        }
        there = self.path.exists() and self.path.stat().st_size > 0
        if there and not resume:
            raise StudyError(
                say(
                    "{path} exists already: go on with it (--resume, resume=True), or name another",
                    path=path,
                )
            )
        try:
            with _disk_errors(self.path):
                self.file = sqlite3.connect(self.path)
                known = self._about()
                self.file.execute("pragma journal_mode=wal")
                self.file.execute("pragma synchronous=normal")
                self._own(about, known)
        except StudyError:
            self.close()
            if not there:  # nothing half-made stays behind
                for left in (self.path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                    left.unlink(missing_ok=True)
            raise

    def _about(self) -> dict[str, str]:
        """What the store says of itself; nothing of a file that was only begun.

        Raises `StudyError` where the file is another's.
        """
        names = {name for (name,) in self.file.execute("select name from sqlite_master")}
        if names and "about" not in names:
            raise StudyError(say("{path} is not a store of circflow", path=self.path))
        return dict(self.file.execute("select key, value from about")) if names else {}

    def _own(self, about: dict[str, str], known: dict[str, str]) -> None:
        for key, what in (
            ("version", say("was written by another version of circflow")),
            ("fingerprint", say("belongs to another scenario, or the scenario has changed since")),
            ("study", say("belongs to another study: other parameters, values or options")),
        ):
            if known and known.get(key) != about[key]:
                self.close()
                raise StudyError(say("{path} {what}: name another file", path=self.path, what=what))
        if not known:
            with self.file:  # all or nothing: a store that is only begun can be begun again
                self.file.execute("begin")
                for statement in _TABLES.split(";")[:-1]:
                    self.file.execute(statement)
                self.file.executemany("insert into about values(?, ?)", list(about.items()))

    def add(self, runs: Iterable[Run]) -> None:
        """Write runs, all or none."""
        with _disk_errors(self.path), self.file:
            for run in runs:
                self.file.execute(
                    "insert or replace into runs values(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        run.number,
                        run.status,
                        None if np.isnan(run.objective) else run.objective,
                        run.seconds,
                        run.how,
                        run.reason,
                        None if np.isnan(run.gap) else run.gap,
                        None if run.figures is None else run.figures.astype("<f8").tobytes(),
                        None if run.labels is None else json.dumps(run.labels, ensure_ascii=False),
                    ),
                )
                for name, table in (run.tables or {}).items():
                    self.file.execute(
                        "insert or replace into kept values(?, ?, ?)",
                        (run.number, name, table.to_csv(index=False, float_format="%.17g")),
                    )

    def runs(self) -> dict[int, Run]:
        """Every run that has been written."""
        runs = {}
        kept: dict[int, dict[str, Any]] = {}
        for number, name, content in self.file.execute("select run, name, content from kept"):
            kept.setdefault(number, {})[name] = pd.read_csv(io.StringIO(content))
        for row in self.file.execute("select * from runs order by run"):
            number, status, objective, seconds, how, reason, gap, figures, labels = row
            runs[number] = Run(
                number,
                status,
                np.nan if objective is None else objective,
                None if figures is None else np.frombuffer(figures, dtype="<f8"),
                None if labels is None else tuple(tuple(x) for x in json.loads(labels)),
                seconds,
                how,
                reason,
                np.nan if gap is None else gap,
                kept.get(number),
            )
        return runs

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, "file"):
            self.file.close()


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the disk, and of others at the file, into one sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        reason = _REASONS.get(code)
        if reason is None:
            raise StudyError(
                say("{path} is not a store of circflow: {error}", path=path, error=error)
            ) from None
        raise StudyError(f"{path}: {say(reason)}") from None


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
