"""Value chains that are possible but unused, with what keeps them out.

A chain goes from a waste at its site (a stream, or a stockpile), over journeys and conversions, to
a sale, within one period. What it lacks is the sum of what its steps lack (see
`reduced_costs`), in currency per unit of the waste in money of the period. What is passed
on from step to step cancels, so this is what the sale earns, less all that the chain costs and less
what the waste is worth to the plan: exact, whatever prices stand in between. By-products and other
inputs count at the plan's shadow prices (see `supply_and_outlets` where it has none).

For every waste and every recipe of a unit, the best chain through that recipe is looked for, over
all ways, markets, further conversions and periods. With V the least lack per unit from a place to a
sale, V[tail] = min over steps (lack + yield · V[head]): rounds of this, until nothing improves,
give V; then the same with the recipe as the only way through.

The **weakest** step is that which lacks most. Where the plan has nothing at a place between two
steps, its price there may be any of a range, and what is lacking may stand on either side: then it
is booked to the conversion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from circflow.data.coded import Floats, Ints, Items, join, stacked
from circflow.data.schema.sheets import MAIN, ROAD
from circflow.i18n import mark, say
from circflow.i18n.names import shown_word
from circflow.solution.lp_of_plan import BALANCE
from circflow.solution.reduced_costs import FIGURES, IN_SERVICE, OUTLETS, Steps, steps
from circflow.solution.solution import Solution
from circflow.solution.supply_and_outlets import (
    CONVERSIONS,
    conversions,
    figures_through,
    others,
    ways,
)

SALE, MOVE, CONVERT = "sale", "journey", "conversion"
CHAINS = [
    "rank",
    "source_site",
    "source_material",
    "stage",
    "period",
    "steps",
    "units",
    "end_site",
    "end_material",
    "end_per_unit",
    "unit_of_measure",
    "lacks",
    "weakest_step",
    "weakest_lacks",
    "state",
    "keeps_out",
]
STEPS = [
    "source_site",
    "source_material",
    "rank",
    "step",
    "kind",
    "what",
    "site",
    "to",
    "material",
    "amount_per_unit",
    *FIGURES,
    "lacks",
]
NOTHING = mark("no unit that it can reach makes anything of it that is sold")
MOST = 20
"""Chains that are told of a waste."""
_ROUNDS = 12
_SMALL_SHARE = 1e-6
"""Of the median of what steps lack: what a chain lacks at least to lack something."""


@dataclass(frozen=True)
class Unused:
    """`chains`: one row for every waste at its site, way through units and product (`CHAINS`), by
    waste, the nearest to the plan first (`MOST` of each); a waste without a chain has a row that
    says so. `steps`: what each of
    their steps lacks, per unit of the waste, and the parts of it (`STEPS`)."""

    chains: pd.DataFrame
    steps: pd.DataFrame
    conversions: pd.DataFrame
    """Recipes that the plan does not run (see `supply_and_outlets.conversions`)."""


@dataclass(frozen=True)
class _Edges:
    """Steps between places (numbers of balance rows; −1 is sold): what a unit of what goes in
    lacks, and what arrives of it."""

    tail: Ints
    head: Ints
    lacks: Floats
    passes: Floats
    kind: NDArray[np.object_]
    at: Ints
    """Position among the steps of its kind (runs, flows, sales)."""
    rate: Floats
    """Of a conversion: activity per unit of what goes in; else 1."""
    input: Ints
    """Of a conversion: the row of `Ways.inputs` that goes in; else −1."""
    rest: Floats
    """Of a conversion: what being rid of its other outputs lacks, per unit of activity."""


def unused(solution: Solution) -> Unused:
    """Possible chains that the plan does not use (none where the solver gave no prices)."""
    possible = steps(solution)
    if possible is None:
        return Unused(*(pd.DataFrame(columns=names) for names in (CHAINS, STEPS, CONVERSIONS)))
    return _Finder(solution, possible).find()


class _Finder:
    def __init__(self, solution: Solution, steps: Steps) -> None:
        self.solution, self.steps = solution, steps
        known = steps.optimality
        indices = known.families[BALANCE].keys
        self.places = pd.MultiIndex.from_tuples(indices, names=["site", "material", "period"])
        self.touched = known.touched
        self.ways = ways(steps)
        self.edges = self._edges()
        self.by_head = np.argsort(self.edges.head, kind="stable")
        numbers = np.arange(len(self.places) + 1)
        self.first = np.searchsorted(self.edges.head[self.by_head], numbers)
        above = self.edges.lacks[self.edges.lacks > 0.0]
        self.tolerance = _SMALL_SHARE * (float(np.median(above)) if above.size else 1.0)
        # What a step that a decision keeps out earns is no reason for a detour; of ways that lack
        # the same, the shorter one.
        self.asked = np.maximum(self.edges.lacks, 0.0) + self.tolerance
        chains = solution.chains
        names = ["source_site", "source_material", "units", "end_material"]
        sold = chains[names][chains["end"] == "sale"]
        self.used = set(sold.itertuples(index=False, name=None))

    # ------------------------------------------------------------------ the network of steps

    def _edges(self) -> _Edges:
        sales, flows, known = self.steps.sales, self.steps.flows, self.steps.optimality
        sold = known.ends(sales.columns).plus(place_out=-1, passes=1.0)
        moved = known.journeys(flows.columns).renamed(passes="amount_out")
        alone = {"rate": 1.0, "input": -1, "rest": 0.0}
        parts = [
            sold.plus(lacks=sales.lacks[sold["at"]], **alone),
            moved.plus(lacks=flows.lacks[moved["at"]], **alone),
            self._conversions(),
        ]
        kinds = np.array([SALE, MOVE, CONVERT], dtype=object)
        kind = np.repeat(kinds, [len(part) for part in parts])
        columns = ("at", "input", "lacks", "passes", "rate", "rest")
        rows = stacked(parts, "place", "place_out", *columns)
        figures = {name: rows[name] for name in columns}
        return _Edges(tail=rows["place"], head=rows["place_out"], kind=kind, **figures)

    def _conversions(self) -> Items:
        """Every input of a run with every output, as columns of `_Edges`."""
        ways = self.ways
        needed, left = ways.totals()
        inputs = ways.inputs.plus(others=others(ways, needed), input=np.arange(len(ways.inputs)))
        inputs = inputs.take(self._looked_at()[inputs["run"]])
        outputs = ways.outputs.plus(rest=left.without(ways.outputs["run"], ways.left()))
        both = join(inputs, outputs.renamed(place_out="place", amount_out="amount"), "run")
        per_activity = (
            self.steps.runs.lacks[both["run"]] + both["others"] + both["rest"] + both["lack"]
        )
        rate = 1.0 / both["amount"]
        both = both.plus(rate=rate, passes=both["amount_out"] * rate, lacks=per_activity * rate)
        return both.take(np.isfinite(per_activity)).renamed(at="run")

    def _looked_at(self) -> NDArray[np.bool_]:
        """Runs to look at: a unit that serves in some period is judged by the periods it does."""
        labels = self.steps.runs.labels
        serves = labels["state"] == IN_SERVICE
        ever = set(labels["unit"][serves])
        return np.asarray(serves | ~labels["unit"].isin(ever), dtype=bool)

    # ------------------------------------------------------------------ the search

    def _arriving(self, places: Ints) -> Ints:
        """The steps that lead to some places."""
        starts, counts = self.first[places], self.first[places + 1] - self.first[places]
        shift = np.repeat(starts - np.append(0, np.cumsum(counts)[:-1]), counts)
        arriving: Ints = self.by_head[shift + np.arange(counts.sum())]
        return arriving

    def _take(self, steps: Ints, offer: Floats, value: Floats, choice: Ints) -> Ints:
        """Take what is better than `value` at the tails of some steps; the places it is at."""
        order = np.lexsort((offer, self.edges.tail[steps]))
        tail = self.edges.tail[steps][order]
        best = order[np.flatnonzero(np.r_[True, np.diff(tail) != 0][: len(tail)])]
        best = best[np.isfinite(offer[best])]
        place = self.edges.tail[steps[best]]
        better = offer[best] < value[place]
        place, best = place[better].astype(np.intp), best[better]
        value[place], choice[place] = offer[best], steps[best]
        return place

    def _spread(self, front: Ints, value: Floats, choice: Ints) -> None:
        """Rounds of V[tail] = min(V[tail], lack + yield · V[head]) from where V has changed."""
        edges = self.edges
        for _ in range(_ROUNDS):
            if not front.size:
                return
            steps = self._arriving(front)
            offer = self.asked[steps] + edges.passes[steps] * value[edges.head[steps]]
            front = self._take(steps, offer, value, choice)

    def find(self) -> Unused:
        edges, count = self.edges, len(self.places)
        value, onward = np.full(count, np.inf), np.full(count, -1, dtype=np.intp)
        sales = np.flatnonzero(edges.kind == SALE)
        self._spread(self._take(sales, self.asked[sales], value, onward), value, onward)
        recipe = pd.MultiIndex.from_frame(self.steps.runs.labels[["unit", "recipe"]])
        turns = np.flatnonzero(edges.kind == CONVERT)
        number = recipe.factorize()[0][edges.at[turns]]
        sources = self._sources()
        there = np.full(count, np.inf)
        possible: dict[str, list[tuple[float, tuple[str, str], int, int]]] = {}
        ways: list[dict[int, int]] = []
        for target in range(int(number.max(initial=-1)) + 1):
            through = turns[number == target]
            offer = self.asked[through] + edges.passes[through] * value[edges.head[through]]
            there[:] = np.inf
            way = np.full(count, -1, dtype=np.intp)
            self._spread(self._take(through, offer, there, way), there, way)
            met = np.flatnonzero(way >= 0)
            ways.append(dict(zip(met.tolist(), way[met].tolist(), strict=True)))
            for source, places in sources.items():
                best = int(places[there[places].argmin()])
                if np.isfinite(there[best]):
                    known = possible.setdefault(source[1], [])
                    known.append((float(there[best]), source, best, target))
        through_target = [set(turns[number == n].tolist()) for n in range(len(ways))]
        paths = {
            waste: self._nearest(
                (source, list(self._path(place, ways[n], through_target[n], onward)))
                for _, source, place, n in sorted(options)
            )
            for waste, options in possible.items()
        }
        return self._tables(sources, paths)

    def _nearest(
        self, options: Iterator[tuple[tuple[str, str], list[int]]]
    ) -> list[tuple[tuple[str, str], list[int]]]:
        """The first chains that are not in the plan, each once."""
        seen, nearest = set(self.used), []
        for source, path in options:
            key = self._key(source, path)
            if key is not None and key not in seen:
                seen.add(key)
                nearest.append((source, path))
                if len(nearest) == MOST:
                    break
        return nearest

    def _sources(self) -> dict[tuple[str, str], Ints]:
        """Places of every waste that arises or is in stock, one for each period."""
        scenario = self.solution.scenario
        parts = [scenario.frame(sheet)[["site", "material"]] for sheet in ("Streams", "Stockpiles")]
        listed = pd.concat(parts, ignore_index=True).drop_duplicates()
        listed = listed[listed["material"].isin(scenario.wastes)]
        number = {place: n for n, place in enumerate(self.places)}
        periods = [p.name for p in scenario.periods]
        by_waste = {}
        for site, material in listed.itertuples(index=False, name=None):
            at = [number[key] for t in periods if (key := (site, material, t)) in number]
            if at:
                by_waste[site, material] = np.array(at, dtype=np.intp)
        return by_waste

    def _path(
        self, place: int, way: Mapping[int, int], through: set[int], onward: Ints
    ) -> Iterator[int]:
        """The steps from a place: until the recipe that is asked for, then on to the sale."""
        passed = False
        for _ in range(4 * _ROUNDS):
            step = int(onward[place]) if passed else way.get(place, -1)
            if step < 0:
                return
            yield step
            passed |= step in through
            place = int(self.edges.head[step])
            if place < 0:
                return

    def _key(self, source: tuple[str, str], path: list[int]) -> tuple[str, ...] | None:
        """What tells a chain from another: the waste at its site, the units, the product."""
        edges, labels = self.edges, self.steps.runs.labels
        if not path or edges.kind[path[-1]] != SALE:
            return None
        units = [str(labels["unit"].iat[edges.at[n]]) for n in path if edges.kind[n] == CONVERT]
        if len(set(units)) < len(units):
            return None  # goes in a circle
        return (*source, "; ".join(units), str(self.places[edges.tail[path[-1]]][1]))

    # ------------------------------------------------------------------ what is told

    def _tables(
        self,
        sources: dict[tuple[str, str], Ints],
        paths: dict[str, list[tuple[tuple[str, str], list[int]]]],
    ) -> Unused:
        stage = self.solution.scenario.frame("Materials").set_index("material")["stage"]
        measure = self.solution.scenario.unit_of_measure
        wastes = dict.fromkeys(material for _, material in sources)
        rows, parts = [], []
        for waste in wastes:
            head = {
                "source_material": waste,
                "stage": stage.get(waste),
                "unit_of_measure": measure.get(waste),
            }
            if waste not in paths:
                rows.append({**head, "steps": NOTHING, "keeps_out": NOTHING})
            mine = []
            for source, path in paths.get(waste, []):
                detail = self._detail(path, source)
                lack = sum(step["lacks"] for step in detail)
                mine.append((lack if abs(lack) > self.tolerance else 0.0, source, path, detail))
            mine.sort(key=lambda chain: chain[:3])
            for rank, (lack, source, path, detail) in enumerate(mine, start=1):
                words = self._words(path, detail, lack)
                rows.append(
                    {**head, "source_site": source[0], "rank": rank, "lacks": lack, **words}
                )
                parts += [{**step, "rank": rank} for step in detail]
        table = pd.DataFrame(rows, columns=CHAINS)
        figures = ["rank", "end_per_unit", "lacks", "weakest_lacks"]
        table = table.astype(dict.fromkeys(figures, float))
        full = pd.DataFrame(parts, columns=STEPS)
        return Unused(table, full, conversions(self.solution, self.ways))

    def _detail(self, path: list[int], source: tuple[str, str]) -> list[dict[str, Any]]:
        """Every step of a path, per unit of the waste."""
        possible, edges, amount = self.steps, self.edges, 1.0
        rows = []
        for number, step in enumerate(path, start=1):
            site, material, _ = self.places[edges.tail[step]]
            at, kind = int(edges.at[step]), edges.kind[step]
            plain = {SALE: possible.sales, MOVE: possible.flows}.get(kind)
            shown = (self._of_run(step) if plain is None else plain.figures[at]) * amount
            head = int(edges.head[step])
            rows.append(
                {
                    "source_site": source[0],
                    "source_material": source[1],
                    "step": number,
                    "kind": kind,
                    "what": self._what(step),
                    "site": site,
                    "to": self.places[head][0] if kind == MOVE else None,
                    "material": material,
                    "amount_per_unit": amount,
                    **dict(zip(FIGURES, shown.tolist(), strict=True)),
                    "lacks": amount * float(edges.lacks[step]),
                }
            )
            amount *= float(edges.passes[step])
        return rows

    def _of_run(self, step: int) -> Floats:
        """The figures of a conversion per unit of the input that the path goes through."""
        edges = self.edges
        figures = figures_through(self.ways, int(edges.input[step]))
        figures[FIGURES.index(OUTLETS)] = edges.rest[step]
        if self.steps.runs.labels["state"].iat[int(edges.at[step])] != IN_SERVICE:
            for part in ("capacity", "min_load"):
                figures[FIGURES.index(part)] = 0.0
        return figures * float(edges.rate[step])

    def _what(self, step: int) -> str:
        """A step in words."""
        edges, possible = self.edges, self.steps
        site, material, _ = self.places[edges.tail[step]]
        at = int(edges.at[step])
        if edges.kind[step] == SALE:
            return say("{material} sold at {site}", material=material, site=site)
        if edges.kind[step] == MOVE:
            row = possible.flows.labels.iloc[at]
            mode = shown_word("mode", ROAD) if row["mode"] == ROAD else row["mode"]
            return say("{material} to {to} by {mode}", material=material, to=row["to"], mode=mode)
        row = possible.runs.labels.iloc[at]
        return f"{row['unit']} ({row['recipe']})" if row["recipe"] != MAIN else str(row["unit"])

    def _words(
        self, path: list[int], detail: list[dict[str, Any]], lack: float
    ) -> dict[str, object]:
        """The text of a chain, its weakest step, and what keeps it out."""
        edges, labels = self.edges, self.steps.runs.labels
        booked = self._booked(path, np.array([step["lacks"] for step in detail]))
        weakest = int(booked.argmax())
        turns = [n for n in path if edges.kind[n] == CONVERT]
        state = [str(labels["state"].iat[edges.at[n]]) for n in turns]
        site, material, period = self.places[edges.tail[path[0]]]
        texts = [f"{site}: {material}"]
        for step in path[:-1]:
            head = self.places[edges.head[step]]
            moved = edges.kind[step] == MOVE
            texts += [str(head[0])] if moved else [self._what(step), str(head[1])]
        outside = [n for n, word in zip(turns, state, strict=True) if word != IN_SERVICE]
        last = self.places[edges.tail[path[-1]]]
        return {
            "period": period,
            "steps": " > ".join([*texts, "sold"]),
            "units": "; ".join(str(labels["unit"].iat[edges.at[n]]) for n in turns),
            "end_site": last[0],
            "end_material": last[1],
            "end_per_unit": float(np.prod([edges.passes[n] for n in path])),
            "weakest_step": detail[weakest]["what"] if lack > self.tolerance else None,
            "weakest_lacks": float(booked[weakest]),
            "state": "; ".join(dict.fromkeys(s for s in state if s != IN_SERVICE)) or IN_SERVICE,
            "keeps_out": (
                say("{iat} lacks", iat=detail[weakest]["what"])
                if lack > self.tolerance
                else self._decision([str(labels["unit"].iat[edges.at[n]]) for n in outside])
            ),
        }

    def _decision(self, units: list[str]) -> str:
        """What keeps out a chain that lacks nothing, by its units out of service."""
        if not units:
            return say("nothing: as good as the plan")
        sheet = self.solution.scenario.frame("Units").set_index("unit")
        built = set(self.solution.built["unit"])
        for unit in units:
            choice, needs = sheet.at[unit, "choice"], sheet.at[unit, "requires"]
            rivals = sheet.index[(sheet["choice"] == choice) & sheet.index.isin(built)]
            if isinstance(choice, str) and len(rivals):
                return say(
                    "{rivals} is chosen instead of {unit} ({choice})",
                    rivals=rivals[0],
                    unit=unit,
                    choice=choice,
                )
            if (
                isinstance(needs, str)
                and needs not in built
                and sheet.at[needs, "status"] != "existing"
            ):
                return say("{unit} requires {needs}, which is not built", unit=unit, needs=needs)
        return say(
            "{units}: a yes/no decision (least load, size, or too little to fill it)",
            units=", ".join(units),
        )

    def _booked(self, path: list[int], lacks: Floats) -> Floats:
        """What each step lacks; past a place where the plan has nothing, to the conversion."""
        edges, booked = self.edges, lacks.copy()
        is_turn = [edges.kind[n] == CONVERT for n in path]
        for n in range(len(path) - 1, 0, -1):  # downstream of conversions
            before = any(is_turn[:n])
            if not is_turn[n] and before and not self.touched[edges.tail[path[n]]]:
                booked[n - 1] += booked[n]
                booked[n] = 0.0
        for n in range(len(path) - 1):  # upstream
            if not is_turn[n] and not any(is_turn[:n]) and not self.touched[edges.head[path[n]]]:
                booked[n + 1] += booked[n]
                booked[n] = 0.0
        return booked
