"""What a store gives back is what was put into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from circflow.data.scenario import Scenario
from circflow.solution.solution import Status
from circflow.studies.bench.store import Result, Store
from circflow.studies.futures.groups import Kept
from circflow.studies.futures.worker import Valuation


def test_figures_that_are_none_or_endless_come_back(
    make_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario, file = make_scenario({}), tmp_path / "store"
    content = {"none": np.nan, "much": np.inf, "little": -np.inf, "some": 0.1, "text": "да"}
    Store(file, scenario, ["test"], resume=False).add([Result("1", content, np.array([np.nan]))])
    (kept,) = Store(file, scenario, ["test"], resume=True).results()
    np.testing.assert_equal(kept.content, content)
    np.testing.assert_equal(kept.figures, [np.nan])


def test_a_group_that_was_stopped_before_anything_was_proven_is_gone_on_with(
    make_scenario: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario, file = make_scenario({}), tmp_path / "store"
    stopped = Valuation(Status.FEASIBLE, worth=5.0, bound=np.inf, decisions=np.array([1.0]))
    Kept(Store(file, scenario, ["futures"], resume=False)).add((0, 2), stopped)
    kept = Kept(Store(file, scenario, ["futures"], resume=True))
    (again,) = kept.groups.values()
    assert (again.status, again.worth, again.bound) == (Status.FEASIBLE, 5.0, np.inf)
