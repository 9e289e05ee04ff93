"""Which risks infrastructure removes: RP with a hub, a stockpile, a candidate, spare capacity,
less RP without it, in expectation and in each future; of a candidate that RP does not build, the
same decisions with it less RP.

What it is worth in the calm future (the first) it is worth without any risk; what it is worth
beyond that in another future is what it softens there. Its worth is so told by the futures that
it is due to: "this store is worth X because of these three risks".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from circflow.data.changes.futures import Future, row_of
from circflow.data.coded import Floats
from circflow.data.scenario import Scenario
from circflow.i18n import say
from circflow.solver.run import solve
from circflow.studies.futures.first_stage import FirstStage
from circflow.studies.futures.result import WORST
from circflow.studies.indicators import without_units

MOST_RISKS = 3
_SPARE = 0.999
"""Load below which an existing unit has spare capacity."""
_NOTHING = 1e-9
_KEPT = 1e-6
"""Relative breach of the limits of building that is rounding."""
COLUMNS = [
    "kind",
    "name",
    "worth",
    "calm",
    "by_risk",
    "worst",
    "worst_future",
    "worst_tenth",
    "because_of",
]


@dataclass(frozen=True)
class Thing:
    """A piece of infrastructure: hub, stockpile, candidate, spare capacity."""

    kind: str
    key: tuple[str, ...]
    loads: tuple[tuple[str, float], ...] = ()
    """Of spare capacity: capacity without it, by period."""

    @property
    def name(self) -> str:
        """What it is called."""
        return ", ".join(self.key)

    @property
    def words(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}"


def things_of(scenario: Scenario) -> list[Thing]:
    """Hubs, stockpiles that may be added to, candidates, existing units with spare capacity in the
    scenario's own plan."""
    sites, stocks = scenario.frame("Sites"), scenario.frame("Stockpiles")
    things = [Thing("hub", (str(site),)) for site in sites["site"][sites["hub"].astype(bool)]]
    kept = stocks[["site", "material"]][stocks["can_add"].astype(bool)]
    things += [Thing("stockpile", key) for key in kept.itertuples(index=False, name=None)]
    units = scenario.frame("Units")
    things += [Thing("candidate", (u,)) for u in units["unit"][units["status"] == "candidate"]]
    units = solve(scenario).tables.units
    old = units[(units["status"] == "existing") & (units["available_per_year"] > 0.0)]
    for unit, rows in old.groupby("unit", sort=False):
        if (rows["load_share"] < _SPARE).any():
            share = rows["load_share"] * rows["capacity_per_year"]
            loads = tuple(zip(rows["period"], share.astype(float), strict=True))
            things.append(Thing(say("spare capacity"), (str(unit),), loads))
    return things


def without(scenario: Scenario, thing: Thing) -> Scenario:
    """The scenario without it: a hub forwards no more, a stockpile is empty and stays so, a
    candidate cannot be built, an existing unit has no more capacity than the calm plan uses."""
    if thing.kind == "hub":
        return _with(
            scenario, "Sites", {"hub": False}, scenario.frame("Sites")["site"] == thing.key[0]
        )
    if thing.kind == "stockpile":
        frame = scenario.frame("Stockpiles")
        at = (frame["site"] == thing.key[0]) & (frame["material"] == thing.key[1])
        none = {"opening": 0.0, "capacity": 0.0, "can_add": False, "closing_min": 0.0}
        return _with(scenario, "Stockpiles", none, at)
    if thing.kind == "candidate":
        return without_units(scenario, thing.key)
    table = scenario.tables["UnitPeriods"]
    frame = table.frame.copy()
    for period, capacity in thing.loads:
        frame.loc[row_of(frame, thing.key[0], period), "capacity_per_year"] = capacity
    return scenario.with_table(table.with_frame(frame))


def _with(scenario: Scenario, sheet: str, cells: dict[str, Any], at: pd.Series[bool]) -> Scenario:
    frame = scenario.frame(sheet).copy()
    for column, value in cells.items():
        frame.loc[at, column] = value
    return scenario.with_table(scenario.tables[sheet].with_frame(frame))


def with_candidate(first: FirstStage, decisions: Floats, unit: str) -> list[Floats]:
    """The decisions with a candidate besides, at its smaller size, by the period it is built in:
    those that keep the limits of building."""
    starts = [n for n, label in enumerate(first.labels) if label[:2] == ("built", unit)]
    changed = [decisions + (np.arange(first.size) == n) for n in starts]
    return [one for one in changed if first.breach(one) <= _KEPT]


def not_added(scenario: Scenario, unit: str, built: Collection[str]) -> str:
    """Why a candidate cannot be added to decisions that build others."""
    units = scenario.frame("Units").set_index("unit")
    choices, needs = units["choice"].to_dict(), units["requires"].to_dict()
    choice, needed = choices[unit], needs[unit]
    rival = next((u for u in built if choice and choices[u] == choice), None)
    if rival is not None:
        return say("{unit} is built instead (choice {choice})", unit=rival, choice=choice)
    if needed and units["status"].to_dict()[needed] == "candidate" and needed not in built:
        return say("it requires {unit}, which is not built", unit=needed)
    return say("the budget leaves nothing for it")


def softened(
    futures: Sequence[Future],
    parts: Sequence[tuple[Thing, Floats | None, Floats | None, str]],
) -> pd.DataFrame:
    """What each thing is worth, most first. Money in million currency; `parts`: things, the worths
    of the futures with and without, and why one of the two does not exist.

    kind, name, worth (expected, NaN where no decisions hold so), calm (in the first
    future), by_risk (what the other futures add to it in expectation), worst (the most it is
    worth in a future), worst_future, worst_tenth (what it adds to the mean worth of the worst tenth
    of the futures), because_of (the risks to which by_risk is mostly due).
    """
    likely = np.array([f.probability for f in futures])
    rows = []
    for thing, worths, other, why in parts:
        if worths is None or other is None:
            rows.append([thing.kind, thing.name, *[np.nan] * 4, None, np.nan, why])
            continue
        gain = worths - other
        calm = float(gain[0])
        due = likely * (gain - calm)
        most = [n for n in np.argsort(-due, kind="stable")[:MOST_RISKS] if due[n] > _NOTHING]
        names = "; ".join(f"{futures[n].name} ({gain[n] - calm:+.4g})" for n in most)
        at = int(np.argmax(gain))
        by_risk = float(due.sum())
        worst_tenth = WORST.cvar(worths, likely) - WORST.cvar(other, likely)
        rows.append(
            [
                thing.kind,
                thing.name,
                float(likely @ gain),
                calm,
                by_risk,
                float(gain[at]),
                futures[at].name,
                worst_tenth,
                names,
            ]
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("worth", ascending=False, kind="stable", ignore_index=True)
