"""Sweeps: the same answers as cold builds, in the order asked for, whoever does them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circflow as cf
from circflow.cli import main
from circflow.data.scenario import Scenario
from circflow.solver.compiled import Program
from circflow.solver.highs import Session, SolverError
from circflow.solver.optimum import linear
from circflow.studies.bench import engine as engine_module
from circflow.studies.bench.arrays import Snapshot, built, difference
from circflow.studies.bench.engine import Engine
from circflow.studies.bench.totals_rows import totals_of
from circflow.studies.errors import StudyError
from circflow.studies.sweeps import sweep as sweep_module
from circflow.studies.sweeps.affine import TOLERANCE, fit
from circflow.studies.sweeps.design import changed, edits_of, grid, parse_values
from circflow.studies.sweeps.sampling import given_ranges, sample_points
from circflow.studies.sweeps.sweep import Runs, Sweeper
from circflow.studies.sweeps.worker import Options, Task, work

EqualCold = Callable[..., None]

PRICE = "Markets.price"
DANTZIG = Path(__file__).parents[3] / "scenarios" / "known" / "dantzig"
AFFINE = [PRICE, "Disposal.fee", "Streams.amount_per_year", "Recipes.amount[role=output]"]


def sweep(scenario: Scenario, *arguments: Any, **options: Any) -> Runs:
    """A sweep without checks of its own, which the tests do."""
    return cf.sweep(scenario, *arguments, **{"check_every": None, **options})


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left.drop(columns="seconds"), right.drop(columns="seconds"))


# --------------------------------------------------------------------------- totals


@pytest.mark.parametrize("relax", [False, True])
def test_totals_are_those_of_a_solution(small: Scenario, relax: bool) -> None:
    runs = sweep(small, {PRICE: [1.0]}, decisions="relaxed" if relax else "free")
    solution = cf.solve(small, relax=relax)
    totals = {k: v for k, v in solution.totals.items() if k != "chains"}
    row = runs.table.iloc[0]
    assert row["objective_million"] == pytest.approx(solution.objective, rel=1e-9)
    assert row["net_benefit_million"] == pytest.approx(totals["net_benefit"], rel=1e-9)
    assert row["use_share"] == pytest.approx(totals["use_share"])
    assert row["jobs"] == pytest.approx(totals["jobs"])
    assert row["emissions_CO2_t"] == pytest.approx(totals["emissions"]["CO2"])
    for name in ("waste_arising", "waste_converted", "waste_disposed", "waste_reclaimed"):
        assert row[f"{name}_t"] == pytest.approx(totals[name]["t"])
    for group, cost in totals["costs"].items():
        assert row[f"cost_{group}_million"] == pytest.approx(cost, abs=1e-12)
    assert runs.built["unit"].tolist() == solution.built["unit"].tolist()


def test_totals_of_a_plan_without_waste_have_no_use_share() -> None:
    labels = (("income",), ("synergy",), ("taken", "t"), ("jobs",))
    made = totals_of(labels, np.zeros(4))
    assert made["use_share"] is None


# --------------------------------------------------------------------------- arrays


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0.6, 1.6), min_size=len(AFFINE), max_size=len(AFFINE)))
def test_combined_arrays_are_compiled_arrays(
    affine_and_base: tuple[Any, Snapshot], small: Scenario, values: list[float]
) -> None:
    affine, base = affine_and_base
    design = grid(small, {a: [1.0] for a in AFFINE})
    point = tuple(values)
    own = changed(small, edits_of(design.parameters, point))
    error = affine.error(point, difference(built(own, "relaxed").snapshot, base))
    assert error <= TOLERANCE


@pytest.fixture(scope="module")
def affine_and_base(small: Scenario) -> tuple[Any, Snapshot]:
    design = grid(small, {a: [0.6, 1.1, 1.6] for a in AFFINE})
    base = built(small, "relaxed").snapshot

    def compile_points(points: Any) -> list[Any]:
        return [
            difference(
                built(changed(small, edits_of(design.parameters, p)), "relaxed").snapshot, base
            )
            for p in points
        ]

    found = fit(base, design.parameters, design.points, compile_points)
    assert not found.rebuilt
    return found.affine, base


def test_figures_that_multiply_are_found_and_combined(
    small: Scenario, equal_cold: EqualCold
) -> None:
    vary = {
        "EmissionLimits.price": [0.0, 1.0, 2.0, 40.0],
        "EmissionFactors.factor": [0.5, 1.0, 2.0, 3.0],
    }
    runs = sweep(small, vary, decisions="relaxed", check_every=100)
    assert set(runs.table["how"]) == {"updated"}
    equal_cold(small, runs, relax=True)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("lifetime_years", [5, 8, 20, 10]),
        ("construction_years", [0, 1, 2]),
    ],
)
def test_what_is_not_affine_is_rebuilt(
    small: Scenario, equal_cold: EqualCold, column: str, values: list[Any]
) -> None:
    runs = sweep(small, {f"Units.{column}[unit=New]": values}, how="set")
    assert set(runs.table["how"]) == {"rebuilt"}
    equal_cold(small, runs)


def test_a_grid_over_rebuilt_figures_updates_the_others(
    small: Scenario, equal_cold: EqualCold
) -> None:
    years = "Units.lifetime_years[unit=New]"
    vary = {years: [3, 10, 20], PRICE: list(np.linspace(0.5, 1.5, 9))}
    runs = sweep(small, vary, how={years: "set", PRICE: "factor"}, decisions="relaxed")
    assert set(runs.table["how"]) == {"updated"}
    equal_cold(small, runs, relax=True)


# --------------------------------------------------------------------------- runs


@pytest.mark.parametrize("decisions", ["free", "relaxed"])
def test_runs_equal_cold_builds_in_the_order_asked_for(
    small: Scenario, decisions: Any, equal_cold: EqualCold
) -> None:
    values = [1.3, 0.5, 0.9, 1.7, 0.6, 1.0]
    runs = sweep(small, {PRICE: values, "Streams.amount_per_year": [1.0, 0.7]}, decisions=decisions)
    assert runs.table[runs.parameters[0]].tolist() == [v for v in values for _ in range(2)]
    assert runs.table["run"].tolist() == list(range(12))
    equal_cold(small, runs, relax=decisions == "relaxed")


def test_fixed_decisions_stay(small: Scenario) -> None:
    runs = sweep(small, {PRICE: [0.1, 0.5, 1.0, 1.5]}, decisions="fixed")
    assert runs.table["built"].nunique() == 1
    free = sweep(small, {PRICE: [0.1, 0.5, 1.0, 1.5]})
    assert (runs.table["objective_million"] <= free.table["objective_million"] + 1e-9).all()
    assert free.table["built"].nunique() > 1


def test_runs_without_a_plan_stay_and_stop_nothing(small: Scenario) -> None:
    runs = sweep(small, {"Disposal.capacity_per_year": [0.1, 0.3, 0.5, 1.0, 2.0]})
    assert runs.table["status"].tolist() == ["infeasible"] * 2 + ["optimal"] * 3
    assert runs.table["objective_million"].isna().tolist() == [True, True, False, False, False]
    assert "collide" in runs.table["reason"][0]


def test_a_run_that_the_solver_cannot_finish_stops_nothing(
    small: Scenario, equal_cold: EqualCold, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [1.3, 0.5, 0.9, 1.7, 0.6]
    resolve, solve = Session.resolve, Session.solve

    def breaks(way: Any, count: int) -> Any:
        calls = iter(range(count))

        def call(session: Session, **options: Any) -> Any:
            if next(calls, None) is not None:
                raise SolverError("HiGHS ended with Unknown")
            return way(session, **options)

        return call

    anew: list[int] = []

    def solved_anew(program: Program, **options: Any) -> Any:
        anew.append(program.shape[0])
        return linear(program, **options)

    monkeypatch.setattr(Session, "resolve", breaks(resolve, 2))
    monkeypatch.setattr("circflow.solver.proven.linear", solved_anew)
    runs = sweep(small, {PRICE: values}, decisions="relaxed", check_every=1)
    assert set(runs.table["how"]) == {"updated"}
    assert len(anew) == 2  # from scales of their own
    assert set(runs.table["status"]) == {"optimal"}
    equal_cold(small, runs, relax=True)

    monkeypatch.setattr(Session, "resolve", breaks(resolve, 1))
    base = breaks(solve, 4)  # whatever way it tries
    monkeypatch.setattr("circflow.solver.optimum._in_fractions", lambda *_: None)
    calls = iter([True])  # the scenario itself is solved
    monkeypatch.setattr(
        Session, "solve", lambda s, **o: solve(s, **o) if next(calls, False) else base(s, **o)
    )
    runs = sweep(small, {PRICE: values}, decisions="relaxed", check_every=1)
    assert runs.table["status"].value_counts().to_dict() == {"optimal": 4, "failed": 1}
    (failed,) = runs.table.loc[runs.table["status"] == "failed", "reason"]
    assert "Unknown" in failed


def test_runs_with_an_impossible_figure_are_labelled(small: Scenario) -> None:
    design = {"Units.availability[unit=Old]": [0.5, 0.6, 0.8, 0.9, 1.0, 1.5]}
    runs = sweep(small, design)
    assert runs.table["status"].tolist() == ["optimal"] * 5 + ["invalid"]
    assert "availability" in runs.table["reason"].iloc[-1]
    with pytest.raises(cf.ScenarioError, match="availability"):
        sweep(small, {"Units.availability[unit=Old]": [1.5, 2.0]})


def test_what_is_no_number_can_be_set() -> None:
    scenario = cf.read(DANTZIG)
    runs = sweep(scenario, {"Streams.must_handle": ["no", "yes"]}, how="set")
    # 50 cases more have to go somewhere: from San Diego to Topeka, at 126 mills each.
    costs = -runs.table["objective_million"].to_numpy()
    assert costs == pytest.approx([153.675, 153.675 + 50 * 0.126])


def test_studies_of_the_sheet(small: Scenario, equal_cold: EqualCold) -> None:
    assert len(sweep(small, study="fees", decisions="relaxed")) == 3
    both = sweep(small, study="both", decisions="relaxed")
    assert len(both) == 6
    equal_cold(small, both, relax=True)


def test_tables_are_kept(small: Scenario) -> None:
    runs = sweep(small, {PRICE: [0.8, 1.0, 1.2]}, keep=["flows", "prices"])
    assert runs.kept["flows"]["run"].unique().tolist() == [0, 1, 2]
    expected = cf.solve(small).flows["sent_per_year"].tolist()
    own = runs.kept["flows"]
    assert own.loc[own["run"] == 1, "sent_per_year"].tolist() == pytest.approx(expected)
    assert len(runs.kept["prices"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vary": {}}, "at least one parameter"),
        ({"vary": {PRICE: []}}, "no values"),
        ({"vary": {PRICE: ["dear"]}}, "Markets.price"),
        ({"vary": {PRICE: [float("nan")]}}, "cannot take"),
        ({"vary": {PRICE: [1.0]}, "how": "times"}, "must be one of"),
        ({"vary": {"Units.status": ["off"]}}, "can only be set"),
        ({"vary": {PRICE: [1, 2], "Disposal.fee": [1]}, "together": True}, "equally many"),
        ({"vary": {PRICE: [1], " Markets.price ": [2]}}, "varied twice"),
        ({"vary": {PRICE: [1]}, "study": "fees"}, "either"),
        ({"study": "fee"}, "did you mean 'fees'"),
        ({"vary": {PRICE: [1]}, "keep": ["flow"]}, "did you mean 'flows'"),
        ({"vary": {PRICE: [1]}, "decisions": "some"}, "free, relaxed or fixed"),
        ({"vary": {PRICE: [1]}, "jobs": 0}, "at least 1"),
        ({"vary": {PRICE: [1]}, "resume": True}, "name the store"),
        ({"vary": {PRICE: [1]}, "check_every": 0}, "check_every"),
    ],
)
def test_senseless_studies_are_refused(
    small: Scenario, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises((StudyError, cf.ArgumentError), match=message):
        sweep(small, **arguments)


def test_an_address_that_names_nothing_is_refused(small: Scenario) -> None:
    with pytest.raises(ValueError, match="no row of Markets"):
        sweep(small, {"Markets.price[material=gold]": [1.0]})


def test_values_as_text() -> None:
    assert parse_values("1:2:3") == [1.0, 1.5, 2.0]
    assert parse_values("0,5; 1") == ["0,5", "1"]
    for bad in ("1:2:0", "1:2:2.5", "1;;2", ""):
        with pytest.raises(StudyError):
            parse_values(bad)


# --------------------------------------------------------------------------- workers


def test_the_result_does_not_depend_on_the_workers(
    small: Scenario, equal_cold: EqualCold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three blocks of runs, by this thread or by three others."""
    monkeypatch.setattr(sweep_module, "_LONGEST_BLOCK", 30)
    ranges = {PRICE: (0.5, 1.5), "Disposal.fee": (0.5, 4), "Streams.amount_per_year": (0.8, 1.1)}
    asked: dict[str, Any] = {"ranges": ranges, "seed": 3, "decisions": "relaxed"}
    alone = cf.sample(small, 75, check_every=None, **asked)
    with ThreadPoolExecutor(3) as executor:
        threads = cf.sample(small, 75, check_every=None, executor=executor, **asked)
    same(alone.table, threads.table)
    equal_cold(small, alone, relax=True)


def test_processes_are_started_where_the_work_is_long(
    small: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a number of jobs this process begins, and others join once that is worth it."""
    ranges = {PRICE: (0.5, 1.5), "Disposal.fee": (0.5, 4)}
    started: list[int | None] = []
    start = Engine._start_pool

    def start_pool(engine: Engine, workers: int | None = None) -> None:
        started.append(workers)
        start(engine, workers)

    monkeypatch.setattr(Engine, "_start_pool", start_pool)
    monkeypatch.setattr(engine_module, "_ALONE_SECONDS", 1e9)
    short = cf.sample(small, 30, ranges=ranges, jobs=None)
    assert not started
    monkeypatch.setattr(engine_module, "_ALONE_SECONDS", 0.0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    long = cf.sample(small, 30, ranges=ranges, jobs=None)
    assert started == [None]
    same(short.table, long.table)


def test_a_worker_that_dies_costs_its_runs_only(small: Scenario) -> None:
    design = sample_points(given_ranges(small, {PRICE: (0.5, 1.5), "Disposal.fee": (0.5, 4)}), 40)
    expected = Sweeper(small, design, Options(), Engine(), check_every=None).run()
    killed: list[int] = []
    with Engine(jobs=2) as engine:

        def kill(text: str) -> None:
            if "runs" in text and not killed:
                processes = list(getattr(engine.pool, "_processes").values())  # noqa: B009
                killed.append(processes[0].pid)
                os.kill(processes[0].pid, signal.SIGKILL)

        engine.tell = kill
        runs = Sweeper(small, design, Options(), engine, check_every=None).run()
    assert killed
    same(runs.table, expected.table)


def test_a_run_that_a_cold_build_contradicts_has_failed(small: Scenario) -> None:
    design = grid(small, {PRICE: list(np.linspace(0.5, 1.5, 8))})
    sweeper = Sweeper(small, design, Options("relaxed"), Engine(), check_every=20)
    store = sweeper._store
    sweeper._store = lambda runs: store(  # type: ignore[method-assign]
        [replace(r, objective=r.objective * (1 + 1e-5)) for r in runs]
    )
    table = sweeper.run().table
    failed = table[table["status"] == "failed"]
    assert len(failed) == 1 and len(table) == 8
    assert "a cold build has" in failed["reason"].iloc[0]


@dataclass(frozen=True)
class DaskCluster:
    """A scheduler and a worker on this machine, and what begins another."""

    address: str
    worker: subprocess.Popen[bytes]
    another: Callable[[], None]


@pytest.fixture
def dask_cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    distributed = pytest.importorskip("distributed")
    workers: list[subprocess.Popen[bytes]] = []
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=None
    ) as cluster:

        def another() -> None:
            command = [sys.executable, "-m", "distributed.cli.dask_worker"]
            command += [cluster.scheduler_address, "--no-dashboard", "--nthreads", "1"]
            command += ["--no-nanny", "--local-directory", str(tmp_path)]
            quiet = subprocess.DEVNULL
            workers.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))

        try:
            another()
            yield DaskCluster(cluster.scheduler_address, workers[0], another)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def test_dask_gives_the_same_though_a_worker_dies(
    small: Scenario, dask_cluster: DaskCluster
) -> None:
    """The only one that has the job dies; another comes, which has never had it."""
    values = list(np.linspace(0.5, 1.5, 12))
    killed: list[str] = []

    def kill(text: str) -> None:
        if " of 12 runs" in text and not killed:
            killed.append(text)
            dask_cluster.worker.kill()
            dask_cluster.worker.wait()
            dask_cluster.another()

    address = dask_cluster.address
    runs = sweep(small, {PRICE: values}, dask=address, progress=kill)
    assert killed and not killed[0].startswith("12 ")
    same(runs.table, sweep(small, {PRICE: values}).table)


def test_no_scheduler_is_a_plain_error(small: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(StudyError, match="no Dask scheduler answers"):
        sweep(small, {PRICE: [1.0, 2.0]}, dask="tcp://127.0.0.1:1")


# --------------------------------------------------------------------------- the store

INTERRUPTED = """
import os, signal, sys
import circflow as cf
def kill(text):
    if text.startswith("3 of"):
        os.kill(os.getpid(), signal.SIGKILL)
scenario = cf.read(sys.argv[1])
cf.sweep(scenario, {"Links.distance_km": [0.8 + n / 10 for n in range(5)]}, keep=["flows"],
         store=sys.argv[2], progress=kill)
"""


def test_a_killed_sweep_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "runs.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(DANTZIG), str(store)], check=False
    )
    assert done.returncode == -signal.SIGKILL
    scenario = cf.read(DANTZIG)
    vary = {"Links.distance_km": [0.8 + n / 10 for n in range(5)]}
    with pytest.raises(StudyError, match="resume"):
        sweep(scenario, vary, keep=["flows"], store=store)
    with pytest.raises(StudyError, match="another study"):
        sweep(scenario, vary, store=store, resume=True)
    other = scenario.change({"Streams.amount_per_year": "*1.5"})
    with pytest.raises(StudyError, match="changed"):
        sweep(other, vary, keep=["flows"], store=store, resume=True)
    told: list[str] = []
    runs = sweep(scenario, vary, keep=["flows"], store=store, resume=True, progress=told.append)
    assert "3 runs were in the store already" in runs.notes
    assert sum("runs" in t and "of 5" in t for t in told) == 2
    fresh = sweep(scenario, vary, keep=["flows"])
    same(runs.table, fresh.table)
    assert len(runs.kept["flows"]) == len(fresh.kept["flows"])
    again = sweep(scenario, vary, keep=["flows"], store=store, resume=True)
    pd.testing.assert_frame_equal(again.table, runs.table)


def test_another_file_is_no_store(small: Scenario, tmp_path: Path) -> None:
    other = tmp_path / "notes.sqlite"
    other.write_text("not a database, but long enough to look at " * 10)
    with pytest.raises(StudyError, match="not a store"):
        sweep(small, {PRICE: [1.0]}, store=other, resume=True)
    assert other.read_text().startswith("not a database")


# --------------------------------------------------------------------------- export


def test_exports_hold_the_table(small: Scenario, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    runs = sweep(small, {PRICE: [0.5, 1.0], "Disposal.fee": [1.0, 2.0]}, decisions="relaxed")
    for ending, read in (
        (".csv", lambda p: pd.read_csv(p, encoding="utf-8-sig")),
        (".parquet", pd.read_parquet),
        (".xlsx", lambda p: pd.read_excel(p, sheet_name="Runs", engine="openpyxl")),
    ):
        path = tmp_path / f"runs{ending}"
        runs.write(path)
        back = read(path)  # type: ignore[no-untyped-call, operator]
        assert list(back.columns) == list(runs.table.columns)
        assert back["objective_million"].to_numpy() == pytest.approx(
            runs.table["objective_million"].to_numpy()
        )
    with pytest.raises(cf.ArgumentError, match="must end in"):
        runs.write(tmp_path / "runs.doc")


def test_a_task_depends_on_nothing_but_itself(small: Scenario) -> None:
    design = grid(small, {PRICE: list(np.linspace(0.5, 1.5, 7))})
    engine = Engine()
    sent: list[Any] = []
    send = engine.send
    engine.send = lambda job: sent.append(send(job)) or sent[-1]  # type: ignore[func-returns-value, method-assign]
    Sweeper(small, design, Options("relaxed"), engine, check_every=None).run()
    job, task = sent[-1].open(), Task(tuple(enumerate(design.points)))
    first, second = work(job, task), work(job, task)
    assert [r.objective for r in first] == [r.objective for r in second]
    assert all(np.array_equal(a.figures, b.figures) for a, b in zip(first, second, strict=True))


def test_only_some_rows_of_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    file, price = "scenarios/tutorial", "Markets.price[material=bricks]"
    options = ["--sample", "3", "--only", price, "--json", "-", "-q"]
    assert main(["sweep", file, *options]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert len(runs) == 3 and len({run[f"{price} (factor)"] for run in runs}) == 3
    assert not any("additive" in name or "capex" in name for run in runs for name in run)
    assert main(["sweep", file, "--only", price, "--vary", f"{price}*=1;2"]) == 2
    assert "goes with --sample" in capsys.readouterr().err
    assert main(["sweep", file, "--sample", "3", "--only", price.replace("k", "c")]) == 2
    assert price in capsys.readouterr().err
