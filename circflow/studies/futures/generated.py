"""Futures that are made rather than typed: sampled from Ranges, or outages in turn."""

from __future__ import annotations

from collections.abc import Sequence

from circflow.data.changes.address import match, parse_address, quote
from circflow.data.changes.futures import OFF_TARGETS, FigureChange, Future, Outage, refusal, when
from circflow.data.scenario import Scenario
from circflow.i18n import mark, say
from circflow.solver.run import solve
from circflow.studies.errors import StudyError
from circflow.studies.sweeps.design import Parameter
from circflow.studies.sweeps.sampling import Range, ranges_of, sample_points

OUTAGES = ("units", "members", "links", "markets", "modes")
AS_NOW = mark("as it stands")
"""The future that is the scenario itself."""


def varied(scenario: Scenario) -> tuple[list[Range], list[str]]:
    """The rows of Ranges that futures can differ in, and those that belong to the decision."""
    every = ranges_of(scenario)
    kept = [one for one in every if not _decided(scenario, one.parameter)]
    left = [one.parameter.address for one in every if one not in kept]
    if not kept:
        raise StudyError(
            "every row of Ranges belongs to the decision: there is nothing that futures differ in"
        )
    return kept, left


def _decided(scenario: Scenario, one: Parameter) -> bool:
    if refusal(one.sheet, one.column):
        return True
    if (one.sheet, one.column) != ("Units", "capacity_per_year"):
        return False
    units = scenario.frame("Units").reindex(list(one.rows))
    sized = (units["status"] == "candidate") & units["capacity_max_per_year"].notna()
    return bool(sized.any())


def sampled(
    scenario: Scenario, ranges: Sequence[Range], count: int, seed: int, *, method: str = "lhs"
) -> list[Future]:
    """Futures drawn from ranges, all equally likely; they depend on ranges, count and seed only."""
    design = sample_points(ranges, count, method=method, seed=seed)
    targets = [match(scenario.tables, parse_address(p.address)) for p in design.parameters]
    futures = []
    for number, point in enumerate(design.points, start=1):
        changes = tuple(
            FigureChange(0, target, p.how, float(value), p.address)
            for target, p, value in zip(targets, design.parameters, point, strict=True)
        )
        futures.append(
            Future(say("sample {number}", number=number), 1.0 / count, changes, sheet="Ranges")
        )
    return futures


def outages(scenario: Scenario, kind: str) -> list[Future]:
    """The scenario itself, and each thing of a kind still in each period in turn.

    Units that are not off, members with units, links that the scenario's own best plan uses,
    markets (site and material), modes.
    """
    if kind not in OUTAGES:
        raise StudyError(
            "outages must be one of {outages}, not {kind!r}", outages=", ".join(OUTAGES), kind=kind
        )
    return in_turn(scenario, _things(scenario, kind))


def _things(scenario: Scenario, kind: str) -> list[tuple[str, tuple[str, ...], str, str]]:
    """(sheet, names, address, what it is called) of all that may stand still."""
    units = scenario.active_units
    if kind == "units":
        names = [(str(unit),) for unit in units["unit"]]
    elif kind == "members":
        owners = set(units["site"].map(scenario.member_of).dropna())
        names = [(m,) for m in scenario.frame("Members")["member"] if m in owners]
    elif kind == "modes":
        names = [(m,) for m in scenario.frame("Modes")["mode"].drop_duplicates()]
    elif kind == "markets":
        pairs = scenario.frame("Markets")[["site", "material"]].drop_duplicates()
        names = list(pairs.itertuples(index=False, name=None))
    else:
        used = solve(scenario).flows[["from", "to"]].drop_duplicates()
        names = list(used.itertuples(index=False, name=None))
    sheet = kind.capitalize()
    joint = " > " if kind == "links" else ", "
    things: list[tuple[str, tuple[str, ...], str, str]] = []
    for thing in names:
        filters = tuple(zip(OFF_TARGETS[sheet], thing, strict=True))
        inside = ", ".join(f"{column}={quote(value)}" for column, value in filters)
        things.append((sheet, thing, f"{sheet}[{inside}]", joint.join(thing)))
    return things


def in_turn(
    scenario: Scenario, things: Sequence[tuple[str, tuple[str, ...], str, str]]
) -> list[Future]:
    """The scenario itself, and each thing (sheet, names, address, name) still in each period."""
    periods = [p.name for p in scenario.periods]
    likely = 1.0 / (1 + len(things) * len(periods))
    futures = [Future(AS_NOW, likely)]
    for sheet, names, address, name in things:
        for period in periods:
            still = Outage(0, sheet, names, period, address)
            futures.append(
                Future(
                    say("{name} still {when}", name=name, when=when(period)),
                    likely,
                    outages=(still,),
                )
            )
    return futures
