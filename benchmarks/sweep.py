"""What one run of a sweep costs, against a bare HiGHS and against building every run anew.

    python benchmarks/sweep.py [SCENARIO] [--address ADDRESS] [--runs 1000] [--rounds 3]

One price takes many values in the scenario's LP, its yes/no decisions fixed as in its best plan
(or relaxed). Three ways, in turns, the fastest round of each counts:

    bare       highspy alone: the same scaled arrays, costs changed, solved from the last basis, the
               objective and the plan's values read
    sweep      circflow.sweep: the same, plus totals, what is built, the table
    cold       read, build, compile, solve, for a few of the values
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import highspy
import numpy as np

import circflow as cf
from circflow.solver.highs import TOLERANCE, Session
from circflow.solver.scaling import apply
from circflow.studies.bench.arrays import built
from circflow.studies.bench.engine import Engine
from circflow.studies.sweeps.design import grid
from circflow.studies.sweeps.sweep import Runs, Sweeper
from circflow.studies.sweeps.worker import Options

COLD_RUNS = 5


def bare(scenario: cf.Scenario, sweeper: Sweeper, address: str, values: list[float]) -> float:
    """Seconds per run of highspy alone."""
    choice = sweeper.choice
    kind = sweeper.options.decisions
    ends = [
        built(scenario.change({address: f"*{v!r}"}), kind, choice).snapshot.program()
        for v in (values[0], values[-1])
    ]
    scaling = Session(ends[0]).scaling
    low, high = (apply(program, scaling) for program in ends)
    moved = np.flatnonzero(high.cost - low.cost)
    slope = (high.cost - low.cost)[moved] / (values[-1] - values[0])
    highs = highspy.Highs()
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("primal_feasibility_tolerance", TOLERANCE),
        ("dual_feasibility_tolerance", TOLERANCE),
    ):
        highs.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = low.shape
    lp.col_cost_, lp.offset_ = low.cost, low.offset
    lp.col_lower_, lp.col_upper_ = low.lower, low.upper
    lp.row_lower_, lp.row_upper_ = low.row_lower, low.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = low.matrix.indptr
    lp.a_matrix_.index_ = low.matrix.indices
    lp.a_matrix_.value_ = low.matrix.data
    highs.passModel(lp)
    highs.run()
    highs.setOptionValue("solver", "simplex")
    highs.setOptionValue("simplex_strategy", 4)
    index = moved.astype(np.int32)
    begun = time.perf_counter()
    for value in values:
        highs.changeColsCost(len(index), index, low.cost[moved] + (value - values[0]) * slope)
        highs.run()
        highs.getInfo().objective_function_value  # noqa: B018
        np.array(highs.getSolution().col_value)
    return (time.perf_counter() - begun) / len(values)


def swept(
    scenario: cf.Scenario, address: str, values: list[float], decisions: str
) -> tuple[Sweeper, Runs]:
    """The sweep, without the checks against cold builds (they are timed apart)."""
    design = grid(scenario, {address: values})
    with Engine() as engine:
        sweeper = Sweeper(
            scenario,
            design,
            Options(decisions=decisions),  # type: ignore[arg-type]
            engine,
            check_every=None,
        )
        return sweeper, sweeper.run()


def cold(path: Path, address: str, value: float, sweeper: Sweeper) -> tuple[float, float]:
    """Seconds of read, build and solve, and the objective."""
    begun = time.perf_counter()
    scenario = cf.read(path).change({address: f"*{value!r}"})
    program = built(scenario, sweeper.options.decisions, sweeper.choice).snapshot.program()
    outcome = Session(program).solve()
    return time.perf_counter() - begun, -outcome.objective


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", nargs="?", type=Path, default=Path("scenarios/sverdlovsk"))
    parser.add_argument("--address", default="Markets.price[material=binder]")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--decisions", choices=["fixed", "relaxed"], default="fixed")
    asked = parser.parse_args()
    values = [float(v) for v in np.linspace(0.7, 1.3, asked.runs)]
    scenario = cf.read(asked.scenario)
    alone, per_run = [], []
    for _ in range(asked.rounds):
        sweeper, runs = swept(scenario, asked.address, values, asked.decisions)
        per_run.append(sweeper.spent["runs"] / len(values))
        alone.append(bare(scenario, sweeper, asked.address, values))
    places = np.linspace(0, len(values) - 1, COLD_RUNS).astype(int)
    colds = [cold(asked.scenario, asked.address, values[n], sweeper) for n in places]
    swept_at = runs.table["objective_million"].to_numpy()[places]
    error = max(abs(a - b) / abs(b) for a, (_, b) in zip(swept_at, colds, strict=True))
    seconds = min(s for s, _ in colds)
    rows, columns = sweeper.base.compiled.program.shape
    print(
        f"{scenario.name}: {rows} rows, {columns} columns, {len(values)} values, {asked.decisions}"
    )
    print(f"bare highspy, warm     {min(alone) * 1e3:9.3f} ms per run")
    print(f"circflow sweep         {min(per_run) * 1e3:9.3f} ms per run")
    print(f"read, build, solve     {seconds * 1e3:9.1f} ms per run")
    print(f"setting up the sweep   {sweeper.spent['setup']:9.2f} s once")
    print(f"sweep / bare           {min(per_run) / min(alone):9.2f}   (wanted: at most 1.5)")
    print(f"cold / sweep           {seconds / min(per_run):9.0f}   (wanted: at least 50)")
    print(f"largest difference     {error:9.1e}   relative, from cold builds (wanted: 1e-7)")


if __name__ == "__main__":
    main()
