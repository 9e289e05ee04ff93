"""Which of HiGHS' algorithms for which size of LP: the measurement behind `INTERIOR_POINT_FROM`.

    python benchmarks/algorithms.py [--limit SECONDS]

Solves generated regions of growing size, scaled as circflow scales them, with the dual simplex
method and with interior point and crossover, and prints the ratio.
"""

from __future__ import annotations

import argparse
import time

from generator import Size, region

from circflow.algebra.build import build
from circflow.data.check import check_book
from circflow.solution.solution import Status
from circflow.solver.compiled import Program, compile_model
from circflow.solver.highs import INTERIOR_POINT_FROM, Session


def seconds(program: Program, algorithm: str, limit: float) -> float | None:
    """Seconds of one algorithm, None beyond the limit."""
    session = Session(program)
    begun = time.perf_counter()
    outcome = session.solve(time_limit=limit, algorithm=algorithm)
    return time.perf_counter() - begun if outcome.status is Status.OPTIMAL else None


def main() -> None:
    """Print a line per size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--limit", type=float, default=120.0)
    limit = parser.parse_args().limit
    print(f"circflow uses interior point from {INTERIOR_POINT_FROM} nonzeros")
    print(f"{'nonzeros':>10}{'simplex, s':>14}{'interior, s':>14}{'simplex / interior':>20}")
    for streams in (100, 200, 400, 800, 2000):
        size = Size(streams=streams, units=streams * 3 // 20, markets=streams // 20)
        _, scenario = check_book(region(size))
        assert scenario is not None
        program = compile_model(build(scenario)).program
        simplex, interior = (seconds(program, s, limit) for s in ("simplex", "ipx"))
        ratio = f"{simplex / interior:.2f}" if simplex and interior else "-"
        told = [f"{s:.2f}" if s else f"> {limit:.0f}" for s in (simplex, interior)]
        print(f"{program.matrix.nnz:>10}{told[0]:>14}{told[1]:>14}{ratio:>20}", flush=True)


if __name__ == "__main__":
    main()
