"""What small jobs cost, and the ratios that they are held against.

    python benchmarks/small.py

- a whole process `circflow solve scenarios/tutorial.xlsx --quiet` to `import numpy, pandas,
  highspy` (at most 2),
- building and compiling the tutorial's model and that of Sverdlovsk, after imports (at most 30 ms
  for the tutorial), with nothing known of the scenario but its tables,
- `circflow.solve` of Sverdlovsk after reading to the search of bare HiGHS on the same arrays,
- the audit of its plan to the rest of that (wanted: a tenth).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import circflow as cf
from circflow.algebra.build import build
from circflow.data.pandas_text import keep_python_strings
from circflow.data.scenario import Scenario
from circflow.solution.audit import audit
from circflow.solver.compiled import compile_model
from circflow.solver.highs import Session
from circflow.solver.run import solve

RUNS = 5


def least(job: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """The least seconds of some runs."""
    seconds = []
    for _ in range(RUNS):
        begun = clock()
        job()
        seconds.append(clock() - begun)
    return min(seconds)


def process(*arguments: str) -> Callable[[], object]:
    """A whole Python process."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True)


def main() -> None:
    """Measure and print."""
    keep_python_strings()
    imports = least(process("-c", "import numpy, pandas, highspy"))
    whole = least(process("-m", "circflow", "solve", "scenarios/tutorial.xlsx", "--quiet"))
    print(f"solve tutorial, whole process  {whole:6.2f} s  {whole / imports:5.2f} × imports")
    for name in ("tutorial", "sverdlovsk"):
        known = cf.read(f"scenarios/{name}.xlsx")

        def fresh(known: Scenario = known) -> object:
            parts = (known.settings, known.periods, known.tables, known.book)
            return compile_model(build(Scenario(*parts)))

        print(f"build and compile {name:<12} {1e3 * least(fresh, time.process_time):6.1f} ms")
    scenario = cf.read("scenarios/sverdlovsk.xlsx")
    program = compile_model(build(scenario)).program
    bare = least(lambda: Session(program).solve())
    own = least(lambda: solve(scenario))
    print(f"solve sverdlovsk after reading {own:6.2f} s  {own / bare:5.2f} × bare search")
    solution = solve(scenario)
    audited = least(lambda: audit(solution), time.process_time)
    rest = least(lambda: solve(scenario), time.process_time) - audited
    print(
        f"audit of sverdlovsk            {1e3 * audited:6.1f} ms {audited / rest:5.2f} × the rest"
    )


if __name__ == "__main__":
    main()
