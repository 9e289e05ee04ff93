"""`python -m circflow.fuzz`: random scenarios for so many minutes, findings to standard output."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from itertools import count as numbered
from itertools import takewhile
from pathlib import Path

import click

from circflow.data.files.books import write_book
from circflow.fuzz.judge import Finding
from circflow.fuzz.regions import book_of
from circflow.fuzz.worker import FAMILIES, STARTED, Family, checked

NAMES = [family.name for family in FAMILIES] + [n for family in FAMILIES for n in family.names]
_TELL_SECONDS = 15.0


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0), default=1.0, show_default=True,
              help="How long to go on.")  # fmt: skip
@click.option("--cases", type=click.IntRange(min=1), help="Stop after so many scenarios.")
@click.option("--seed", type=int, default=0, show_default=True, help="Where to begin.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="How many scenarios at a time.")  # fmt: skip
@click.option("--only", multiple=True, metavar="NAME", type=click.Choice(NAMES),
              help=f"Check this only (repeatable): {', '.join(NAMES)}.")  # fmt: skip
@click.option("--replay", metavar="SEED/NUMBER", help="Check this one scenario again.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("fuzz-findings"),
              show_default=True, help="Where the scenarios of findings are written.")  # fmt: skip
def main(  # noqa: PLR0913, PLR0917
    minutes: float,
    cases: int | None,
    seed: int,
    jobs: int,
    only: tuple[str, ...],
    replay: str | None,
    folder: Path,
) -> None:
    """Check random scenarios until the time is over; exit code 1 where an answer was wrong.

    Every finding is a line that checks the scenario again, what is wrong with it, and a folder of
    CSV files, as small as was cheap, that `circflow solve` or `circflow explain` reads.
    """
    run = _Run(folder, 60.0 * minutes)
    numbers = numbered() if cases is None else range(cases)
    run.check([replay] if replay else (f"{seed}/{number}" for number in numbers), only, jobs)
    run.end()
    sys.exit(1 if run.findings else 0)


class _Run:
    """Counts, tells and writes."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.begun = self.last_line = time.monotonic()
        self.scenarios = 0
        self.checked: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()

    def check(self, cases: Iterable[str], only: tuple[str, ...], jobs: int) -> None:
        """Check the scenarios of cases (of each family that is asked for) until time is over."""
        asked = [(family, names) for family in FAMILIES if (names := _chosen(family, only))]
        ends = self.begun + self.seconds
        begun = takewhile(lambda _: time.monotonic() < ends, cases)
        tasks = ((family, case, names) for case in begun for family, names in asked)
        for case, heard in checked(tasks, jobs):
            if not isinstance(heard, str):
                self._record(case, heard.first, heard.small)
            elif heard == STARTED:
                self.scenarios += 1
            else:
                self.checked[heard] += 1
            self._tell(case)

    def _record(self, case: str, first: Finding, small: Finding) -> None:
        self.findings[first.name] += 1
        click.echo(f"python -m circflow.fuzz --replay {case} --only {first.name}")
        click.echo(f"  {first.text}")
        target = self.folder / f"{case.replace('/', '-')}-{first.name}"
        for part, sheets in small.sheets.items():
            (target / part).mkdir(parents=True, exist_ok=True)
            for file in (target / part).glob("*.csv"):
                file.unlink()
            write_book(book_of(sheets), target / part)
        click.echo(f"  {target}: {small.text}")
        sys.stdout.flush()

    def _tell(self, case: str) -> None:
        if time.monotonic() - self.last_line >= _TELL_SECONDS:
            self.last_line = time.monotonic()
            click.echo(f"{case}: {self._counts()}", err=True)

    def _counts(self) -> str:
        spent = time.monotonic() - self.begun
        return (
            f"{spent / 60.0:.1f} minutes, {self.scenarios} scenarios,"
            f" {sum(self.checked.values())} checks, {sum(self.findings.values())} findings"
        )

    def end(self) -> None:
        """The checks by name, then the summary line."""
        for name, count in sorted(self.checked.items()):
            findings = f", {self.findings[name]} findings" if self.findings[name] else ""
            click.echo(f"{name}: {count} checked{findings}", err=True)
        click.echo(self._counts())


def _chosen(family: Family, only: tuple[str, ...]) -> tuple[str, ...]:
    if not only or family.name in only:
        return family.names
    return tuple(name for name in family.names if name in only)
