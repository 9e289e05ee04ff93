"""Does the library bring back what a region would build, and how long does it take?

Each candidate that the plan builds is taken out of the scenario in turn, and suggestions are asked
for: has one of the first five a waste and a product in common with it?

    python benchmarks/suggest.py [kuzbass sverdlovsk …] > table.md
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import circflow as cf
from circflow.data.pandas_text import keep_python_strings
from circflow.data.scenario import Scenario
from circflow.studies.suggest.study import Suggestions

SCENARIOS = Path(__file__).parents[1] / "scenarios"
RATES = {"RUB": "USD=110.9", "USD": "USD=1"}
"""Dollars of 2023 in money of 2026: 85.2 roubles of 2023, times the 1.302 of the two regions."""
FIRST = 5


def without(scenario: Scenario, unit: str) -> Scenario:
    """The scenario without a candidate."""
    return scenario.change({f'Units.status[unit="{unit}"]': "off"})


def relatives(found: Suggestions, scenario: Scenario, unit: str) -> list[tuple[int, str]]:
    """The suggestions that share a waste or intermediate and a product with a unit."""
    units, recipes = scenario.frame("Units"), scenario.frame("Recipes")
    technology = units.loc[units["unit"] == unit, "technology"].iloc[0]
    own = recipes[recipes["technology"] == technology]
    takes = set(own.loc[own["role"] == "input", "material"])
    makes = set(own.loc[own["role"] == "output", "material"])
    category = dict(scenario.frame("Materials")[["material", "category"]].to_numpy())
    wastes = {m for m in takes if category[m] in ("waste", "intermediate")}
    products = {m for m in makes if category[m] != "waste"}
    hits = []
    for rank, name in enumerate(found.table["unit"].tolist()[:FIRST], 1):
        flows = found.flows[found.flows["unit"] == name]
        inputs = set(flows.loc[flows["role"] == "input", "material"])
        outputs = set(flows.loc[flows["role"] == "output", "material"])
        if inputs & wastes and outputs & products and found.table["pays"].iloc[rank - 1]:
            hits.append((rank, name))
    return hits


def main(names: list[str]) -> None:
    """Print the table of every region."""
    keep_python_strings()
    print("| region | taken out | came back | rank | its gain | CPU s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        scenario = cf.read(SCENARIOS / f"{name}.xlsx")
        rate = RATES[scenario.settings.currency]
        for unit in cf.solve(scenario).built["unit"].drop_duplicates():
            rest = without(scenario, unit)
            begun = time.process_time()
            found = cf.suggest(rest, rates=[rate], top=10, break_evens=False)
            seconds = time.process_time() - begun
            hits = relatives(found, scenario, unit)
            rank, back = hits[0] if hits else ("–", "–")
            gain = f"{found.table['gain'].iloc[rank - 1]:,.0f}" if hits else "–"
            print(f"| {name} | {unit} | {back} | {rank} | {gain} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["kuzbass", "sverdlovsk"])
