"""What if the uncertain figures were these? Answered at once, with the decisions held.

The arrays are fitted once over the rows of the sheet Ranges (`affine`); every answer then is one
linear programme from the basis of the scenario's own best plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from circflow.data.scenario import Scenario
from circflow.studies.bench.engine import Engine, Parcel
from circflow.studies.bench.totals_rows import built_of, totals_of
from circflow.studies.sweeps.design import Design, Point
from circflow.studies.sweeps.sampling import Range, ranges_of
from circflow.studies.sweeps.sweep import Sweeper, flat
from circflow.studies.sweeps.worker import Job, Options, Task, work


@dataclass(frozen=True)
class Answer:
    """The best plan under the decisions held: objective (million), totals (names tell units)."""

    status: str
    objective: float
    totals: dict[str, Any]
    built: list[tuple[str, str]]
    """Unit and period of what is built."""
    reason: str = ""


class Sliders:
    """The rows of Ranges of a scenario, ready to be moved."""

    def __init__(
        self, scenario: Scenario, *, progress: Callable[[str], None] | None = None
    ) -> None:
        """Find the best plan, hold its decisions, and fit the arrays.

        Raises `StudyError` where Ranges is empty, `NoPlan` where there is no plan.
        """
        self.ranges: list[Range] = ranges_of(scenario)
        parameters = tuple(r.parameter for r in self.ranges)
        count = len(parameters)
        alone = [
            tuple(value if k == n else None for k in range(count))
            for n, row in enumerate(self.ranges)
            for value in (row.low, row.high)
        ]
        corners: list[Point] = [
            tuple(r.low for r in self.ranges),
            tuple(r.high for r in self.ranges),
        ]
        design = Design(parameters, (*alone, *corners), "sliders")
        with Engine() as engine:
            sweeper = Sweeper(
                scenario, design, Options("fixed"), engine, check_every=None, progress=progress
            )
            job: Job = sweeper.prepared()
        self._labels = sweeper.base.snapshot.structure.labels
        self._affine = job.affine
        self._parcel = Parcel.of(job)
        self.start = self.at({})

    def at(self, values: Mapping[int, float]) -> Answer:
        """The best plan with the rows (numbered from 0) at these values, the others as they are."""
        point: Point = tuple(values.get(n) for n in range(len(self.ranges)))
        assert self._affine is not None
        kind = "block" if self._affine.knows(point) else "rebuild"
        run = work(self._parcel, Task(kind, ((0, point),)))[0]
        if run.figures is None:
            return Answer(run.status, run.objective, {}, [], run.reason)
        labels: Sequence[tuple[str, ...]] = run.labels or self._labels
        built = [(row[0], row[1]) for row in built_of(tuple(labels), run.figures)]
        return Answer(run.status, run.objective, flat(totals_of(tuple(labels), run.figures)), built)
