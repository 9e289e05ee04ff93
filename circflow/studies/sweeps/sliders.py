"""What if the uncertain figures were these? Answered at once, with the decisions held.

The arrays are fitted once over the rows of the sheet Ranges (`affine`); every answer then is one
linear programme from the basis of the scenario's own best plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from circflow.data.scenario import Scenario
from circflow.studies.bench.engine import Engine
from circflow.studies.bench.totals_rows import built_of, totals_of
from circflow.studies.sweeps.design import Design, Point, point_of
from circflow.studies.sweeps.sampling import Range, ranges_of
from circflow.studies.sweeps.sweep import Sweeper, flat
from circflow.studies.sweeps.worker import Options, Task, work


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
        at_ends: list[Point] = [
            point_of(len(parameters), {n: value})
            for n, row in enumerate(self.ranges)
            for value in (row.low, row.high)
        ]
        corners = [tuple(r.low for r in self.ranges), tuple(r.high for r in self.ranges)]
        design = Design(parameters, (*at_ends, *corners))
        with Engine(tell=progress) as engine:
            sweeper = Sweeper(scenario, design, Options("fixed"), engine, check_every=None)
            self._job = sweeper.prepared()
        self.start = self.at({})

    def at(self, values: Mapping[int, float]) -> Answer:
        """The best plan with the rows (numbered from 0) at these values, the others as they are."""
        point = point_of(len(self.ranges), values)
        assert self._job.affine is not None
        rebuild = not self._job.affine.knows(point)
        run = work(self._job, Task(((0, point),), rebuild))[0]
        if run.figures is None:
            return Answer(run.status, run.objective, {}, [], run.reason)
        labels = run.labels or self._job.base.structure.labels
        built = [(row[0], row[1]) for row in built_of(labels, run.figures)]
        return Answer(run.status, run.objective, flat(totals_of(labels, run.figures)), built)
