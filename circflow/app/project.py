"""The state of the app: files in a folder, right at any moment, whatever kills the program.

state.json            which workbook is open
NAME/loaded.xlsx      the workbook as it was loaded (or `loaded/`, a folder of CSV files)
NAME/project.json     where it came from, its digest then, the planner's edits, undone ones, and
                      the scenarios of changes
NAME/runs.sqlite      every run: what, when, how long, how it ended, of what
NAME/runs/7/…         what run 7 wrote: page.html, results.xlsx, plan.json …
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from circflow import __version__
from circflow.app.edits import Edit, edited
from circflow.data.files.atomic import atomic_path, write_text
from circflow.data.table import Book

_RUNS = """
create table if not exists runs(
    run integer primary key autoincrement, kind text not null, title text not null,
    options text not null, changes text not null, fingerprint text not null, version text not null,
    started real not null, seconds real, status text not null, message text not null default '');
"""
RUNNING = "running"
_KEPT = ("name", "source", "digest", "edits", "undone", "variants")
"""Of a project, what its file holds."""


@dataclass
class Change:
    """A change of cells that can be switched on and off: an address and `*0.9`, `+5`, `=12`."""

    address: str
    edit: str
    on: bool = True


@dataclass
class Variant:
    """A named list of changes: a scenario beside the workbook itself."""

    name: str
    changes: list[Change] = field(default_factory=list)

    def in_force(self) -> dict[str, str]:
        """The changes that are switched on, by address."""
        return {c.address: c.edit for c in self.changes if c.on}


@dataclass(frozen=True)
class Run:
    """A run as it stands in the list."""

    run: int
    kind: str
    title: str
    options: dict[str, Any]
    changes: dict[str, str]
    fingerprint: str
    version: str
    started: float
    seconds: float | None
    status: str
    message: str


class Project:
    """A workbook as loaded, what was changed since, and what was run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        content = json.loads((folder / "project.json").read_text(encoding="utf-8"))
        self.name: str = content["name"]
        self.source: str = content["source"]
        self.digest: str = content["digest"]
        self.edits = [Edit(**edit) for edit in content["edits"]]
        self.undone = [Edit(**edit) for edit in content["undone"]]
        self.variants = [
            Variant(v["name"], [Change(**c) for c in v["changes"]]) for v in content["variants"]
        ]
        self._loaded: Book | None = None
        self._edited: tuple[int, Book] | None = None
        self._digests: dict[str, str] = {}
        self.revision = 0
        """Counts what has changed the workbook since it was opened here."""
        with self._runs() as runs:
            runs.executescript(_RUNS)
            runs.execute(
                "update runs set status = 'lost', message = 'the app was ended while it ran' "
                "where status = ?",
                (RUNNING,),
            )

    @classmethod
    def create(cls, folder: Path, name: str, loaded: Path, source: str = "") -> Project:
        """A project of a file; `source` is the planner's own file, where there is one."""
        folder.mkdir(parents=True)
        ending = ".xlsm" if loaded.suffix.lower() == ".xlsm" else ".xlsx"
        target = folder / ("loaded" if loaded.is_dir() else f"loaded{ending}")
        (shutil.copytree if loaded.is_dir() else shutil.copyfile)(loaded, target)
        of_file = {"name": name, "source": source, "digest": file_digest(loaded)}
        _write(folder, {**dict.fromkeys(_KEPT, ()), **of_file})
        return cls(folder)

    @property
    def loaded_path(self) -> Path:
        """The copy of the workbook (or CSV folder) as it was loaded."""
        for name in ("loaded.xlsx", "loaded.xlsm"):
            if (self.folder / name).exists():
                return self.folder / name
        return self.folder / "loaded"

    def save(self) -> None:
        """Write what has changed, whole or not at all."""
        with self._lock:
            _write(self.folder, {name: getattr(self, name) for name in _KEPT})

    # ------------------------------------------------------------------ the book

    def set_loaded(self, book: Book) -> None:
        """The workbook as read (by the worker)."""
        with self._lock:
            self._loaded = book
            self._changed()

    def _changed(self) -> None:
        self.revision += 1
        self._edited = None
        self._digests.clear()

    @property
    def loaded(self) -> Book:
        """The workbook as it was loaded."""
        assert self._loaded is not None, "the workbook has not been read yet"
        return self._loaded

    @property
    def is_read(self) -> bool:
        """Whether the loaded workbook is at hand."""
        return self._loaded is not None

    @property
    def book(self) -> Book:
        """The workbook with the planner's edits."""
        with self._lock:
            if self._edited is None or self._edited[0] != self.revision:
                self._edited = (self.revision, edited(self.loaded, self.edits))
            return self._edited[1]

    def digest_of(self, changes: dict[str, str]) -> str:
        """A digest of what would be solved: the workbook as it is now, with changes."""
        with self._lock:
            key = json.dumps(changes, sort_keys=True)
            if "" not in self._digests:
                self._digests[""] = book_digest(self.book)
            if key not in self._digests:
                both = f"{self._digests['']}{key}"
                self._digests[key] = hashlib.sha256(both.encode()).hexdigest()
            return self._digests[key]

    def edit(self, edits: Sequence[Edit]) -> None:
        """Change cells, as one step that can be undone."""
        with self._lock:
            step = max((e.step for e in self.edits), default=0) + 1
            self.edits.extend(Edit(e.sheet, e.row, e.column, e.value, step) for e in edits)
            self.undone.clear()
            self._changed()
            self.save()

    def saved(self, source: Path, book: Book, count: int) -> None:
        """Note that the first `count` edits stand in the planner's own file now."""
        with self._lock:
            self.digest = file_digest(source)
            if source.is_file():
                with atomic_path(self.loaded_path) as temporary:
                    shutil.copyfile(source, temporary)
            else:
                shutil.rmtree(self.loaded_path)
                shutil.copytree(source, self.loaded_path)
            del self.edits[:count]
            self.undone.clear()
            self._loaded = book
            self._changed()
            self.save()

    def undo(self) -> None:
        """Take the last step back."""
        self._move(self.edits, self.undone)

    def redo(self) -> None:
        """Do what was undone again."""
        self._move(self.undone, self.edits)

    def _move(self, source: list[Edit], target: list[Edit]) -> None:
        with self._lock:
            if not source:
                return
            step = source[-1].step
            moved = [edit for edit in source if edit.step == step]
            del source[len(source) - len(moved) :]
            target.extend(moved)
            self._changed()
            self.save()

    # ------------------------------------------------------------------ variants

    def variant(self, name: str) -> Variant:
        """A scenario of changes by its name; made where there is none."""
        known = next((one for one in self.variants if one.name == name), None)
        if known is None:
            self.variants.append(known := Variant(name))
        return known

    # ------------------------------------------------------------------ runs

    @contextmanager
    def _runs(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.folder / "runs.sqlite", timeout=10.0)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def begin_run(
        self,
        kind: str,
        title: str,
        fingerprint: str,
        *,
        options: dict[str, Any] | None = None,
        changes: dict[str, str] | None = None,
    ) -> tuple[int, Path]:
        """Note that a run begins; its number and the folder for what it writes."""
        given = [json.dumps(one or {}, ensure_ascii=False) for one in (options, changes)]
        row = (kind, title, *given, fingerprint, __version__, time.time(), RUNNING)
        with self._runs() as runs:
            number = runs.execute(
                "insert into runs(kind, title, options, changes, fingerprint, version, started,"
                " status) values (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
        assert number is not None
        home = self.run_folder(number)
        home.mkdir(parents=True, exist_ok=True)
        return number, home

    def end_run(self, run: int, status: str, message: str = "") -> None:
        """Note how a run ended."""
        with self._runs() as runs:
            runs.execute(
                "update runs set status = ?, message = ?, seconds = ? - started where run = ?",
                (status, message, time.time(), run),
            )

    def runs(self) -> list[Run]:
        """Every run, the latest first."""
        with self._runs() as runs:
            rows = runs.execute("select * from runs order by run desc").fetchall()
        return [Run(r[0], r[1], r[2], json.loads(r[3]), json.loads(r[4]), *r[5:]) for r in rows]

    def run(self, number: int) -> Run | None:
        """A run by its number."""
        return next((run for run in self.runs() if run.run == number), None)

    def run_folder(self, run: int) -> Path:
        """Where a run's files stand."""
        return self.folder / "runs" / str(run)


class Workspace:
    """The folder of the app: the workbooks that were opened, and which one is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._state = folder / "state.json"
        self.project: Project | None = None
        name = _content(self._state).get("open", "")
        if name in self.names():
            self.project = Project(folder / name)

    def names(self) -> list[str]:
        """The workbooks that were opened here, as folders."""
        files = self.folder.glob("*/project.json")
        return sorted(p.parent.name for p in files if "edits" in _content(p))

    def open(self, name: str) -> Project:
        """Open one of them."""
        if name not in self.names():
            raise KeyError(name)
        self.project = Project(self.folder / name)
        self._remember(name)
        return self.project

    def load(self, name: str, loaded: Path, source: str = "") -> Project:
        """Open a file: the project it already has, where it is the same file unchanged."""
        for known in self.names():
            content = _content(self.folder / known / "project.json")
            same = source and content["source"] == source
            if same and content["digest"] == file_digest(loaded):
                return self.open(known)
        stem = re.sub(r"[^\w.-]+", "-", Path(name).stem)[:40].strip("-.") or "workbook"
        labels = itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2)))
        label = next(one for one in labels if not (self.folder / one).exists())
        self.project = Project.create(self.folder / label, name, loaded, source)
        self._remember(label)
        return self.project

    def _remember(self, name: str) -> None:
        write_text(self._state, json.dumps({"open": name}, ensure_ascii=False))


def _content(path: Path) -> dict[str, Any]:
    """What a state file holds; nothing where there is none, or it is broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, default=asdict)
    write_text(folder / "project.json", text)


def file_digest(path: Path) -> str:
    """A digest of a file's bytes, or of all CSV files of a folder."""
    digest = hashlib.sha256()
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    for file in files:
        digest.update(file.name.encode() if path.is_dir() else b"")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def book_digest(book: Book) -> str:
    """A digest of every cell."""
    digest = hashlib.sha256()
    for sheet in book.sheets:
        digest.update(repr((sheet.name, sheet.grid)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
