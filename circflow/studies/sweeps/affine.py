"""Arrays as a function of parameters: compiled at a few values, combined for every other.

Almost every figure of a scenario enters the programme linearly. With θ the vector of all arrays
and θ₀ that of the scenario as it stands, parameter i compiled at two values a and b gives

    D_i(v) = θ(v) − θ₀ = (1 − s)·D_i(a) + s·D_i(b),   s = (v − a)/(b − a)

which is exact at a and b, and everywhere if θ is affine in v; a third value tells: for a factor
or an addition the scenario itself, at which D_i must vanish, else one value in between. Several
parameters add up, θ = θ₀ + Σ D_i, unless two meet in one product (a price and an amount that it
multiplies); then

    θ = θ₀ + Σ_i D_i + Σ_ij D_ij

with D_ij, what two do together beyond what each does alone, interpolated (bilinear) from
compilations at their four corners. Which pairs meet is found by
halving, and two of the runs themselves, compiled, verify the whole. What fails is rebuilt.

The discount rate is in no line: what it does to money is known (`discounting`), whatever the
other parameters do to the money that it discounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_array, eye_array, kron, vstack

from circflow.data.coded import Floats
from circflow.i18n import say
from circflow.studies.bench.arrays import Difference, Snapshot, difference, joint_part
from circflow.studies.bench.money_by_rate import Rating
from circflow.studies.bench.rated import Rated
from circflow.studies.sweeps.design import Parameter, Point, point_of

TOLERANCE = 1e-9
"""Largest share of a figure by which the combination of two compilations may miss a third."""
_MOST_PAIRS = 40

Compile = Callable[[Sequence[Point]], "list[Difference | None]"]
"""Compiles points of the parameters; None where the structure is another."""


@dataclass(frozen=True)
class Line:
    """The values between which a parameter's arrays are a line."""

    parameter: int
    low: float
    high: float

    def share(self, value: float) -> float:
        """s, 0 at the low value and 1 at the high one."""
        return 0.0 if self.high == self.low else (value - self.low) / (self.high - self.low)


@dataclass(eq=False)
class Affine:
    """θ(point) for every point whose parameters are lines, or the discount rate."""

    base: Snapshot
    lines: Sequence[Line]
    pairs: Sequence[tuple[int, int]]
    parts: InitVar[Sequence[Difference]]
    """A difference for both ends of every line, then for the corners of every pair of lines (both
    low, low and high, high and low, both high)."""
    rating: InitVar[Rating | None]

    def __post_init__(self, parts: Sequence[Difference], rating: Rating | None) -> None:
        base = self.base
        self.rated = Rated(rating, base, parts) if rating else None
        self.place_of = {line.parameter: n for n, line in enumerate(self.lines)}
        moves = vstack([csr_array((0, len(base.figures))), *(p.figures for p in parts)], "csr")
        rated = self.rated.places if self.rated else np.empty(0, dtype=np.intp)
        self.support = np.union1d(moves.indices, rated)
        self.moves = csr_array(moves[:, self.support].T)
        self._rated_at = np.searchsorted(self.support, rated)
        none = csr_array((0, base.forms.shape[1]))
        self.forms = vstack([none, *(p.forms for p in parts)], "csr")
        used = np.flatnonzero(np.diff(self.forms.indptr))
        self._changing = self.forms[used, :]
        # Which part and which label the forms that change belong to.
        self._part, self._label = np.divmod(used, max(base.forms.shape[0], 1))
        constants = base.structure.section("constant")
        self._inside = slice(*np.searchsorted(self.support, [constants.start, constants.stop]))
        self._moved_constants = self.support[self._inside] - constants.start

    def weights(self, point: Point) -> Floats:
        """What every part counts at a point, then what every kind of money counts."""
        ends = np.zeros((len(self.lines), 2))
        for n, line in enumerate(self.lines):
            value = point[line.parameter]
            if value is not None:
                share = line.share(float(value))
                ends[n] = 1.0 - share, share
        corners = [np.outer(ends[i], ends[j]).ravel() for i, j in self.pairs]
        weights_of = np.concatenate([ends.ravel(), *corners])
        if self.rated:
            rating = self.rated.rating
            weights_of = np.append(weights_of, rating.weights(point[rating.at]))
        return weights_of

    def _split(self, weights: Floats) -> tuple[Floats, Floats]:
        """The weights of the parts, and those of the kinds of money."""
        count = self.moves.shape[1]
        return weights[:count], weights[count:]

    def knows(self, point: Point) -> bool:
        """Whether every parameter that the point changes is a line."""
        rate = self.rated.rating.at if self.rated else None
        return all(v is None or n in self.place_of or n == rate for n, v in enumerate(point))

    def moved(self, weights: Floats) -> Floats:
        """The figures on the support."""
        parts, kinds = self._split(weights)
        figures = np.asarray(self.base.figures[self.support] + self.moves @ parts)
        if self.rated:
            figures[self._rated_at] = self.rated.figures(parts, kinds)
        return figures

    def figures(self, point: Point) -> Floats:
        """All figures at a point."""
        values = self.base.figures.copy()
        values[self.support] = self.moved(self.weights(point))
        return values

    def totals(self, x: Floats, point: Point) -> Floats:
        """Every form at a plan of a point."""
        weights = self.weights(point)
        moved, totals = self.moved(weights), self.base.totals(x)
        inside = self._inside
        totals[self._moved_constants] += moved[inside] - self.base.figures[self.support[inside]]
        change = weights[self._part] * (self._changing @ x)
        totals += np.bincount(self._label, change, len(totals))
        if self.rated:
            totals[self.rated.labels] = self.rated.forms(*self._split(weights)) @ np.append(x, 1.0)
        return totals

    def error(self, point: Point, compiled: Difference | None) -> float:
        """Largest relative miss of a compiled point; a figure is measured against the largest size
        that it has among the parts."""
        if compiled is None:
            return np.inf
        weights = self.weights(point)
        true = self.base.figures + compiled.figures.toarray()[0]
        predicted = self.figures(point)
        miss = np.abs(predicted - true)
        size = np.maximum(np.abs(true), np.abs(self.base.figures))
        moved = abs(self.moves) @ (self._split(weights)[0] != 0.0)
        size[self.support] = np.maximum(size[self.support], moved)
        share = np.divide(miss, size, out=np.zeros_like(miss), where=miss > 0.0)
        return max(float(share.max(initial=0.0)), self._forms_error(weights, compiled))

    def _forms_error(self, weights: Floats, compiled: Difference) -> float:
        scale = float(np.abs(self.base.forms.data).max(initial=0.0)) or 1.0
        parts, kinds = self._split(weights)
        of_labels = kron(csr_array(parts[None, :]), eye_array(self.base.forms.shape[0]))
        change = csr_array(compiled.forms - of_labels @ self.forms)
        miss = 0.0
        if self.rated:
            labels = self.rated.labels
            true = self.base.forms[labels, :].toarray() + compiled.forms[labels, :].toarray()
            miss = np.abs(self.rated.forms(parts, kinds)[:, :-1] - true).max(initial=0.0)
            others = np.ones(change.shape[0])
            others[labels] = 0.0
            change = csr_array(change.multiply(others[:, None]))
        miss = max(miss, np.abs(change.data).max(initial=0.0))
        return float(miss) / scale if miss > 1e-12 * scale else 0.0


@dataclass(frozen=True)
class Fit:
    """An affine model, and the parameters that it does not know (their runs are rebuilt)."""

    affine: Affine
    rebuilt: dict[int, str]
    """Why, by parameter."""
    compilations: int


def fit(
    base: Snapshot,
    parameters: Sequence[Parameter],
    points: Sequence[Point],
    compile_points: Compile,
    rating: Rating | None = None,
) -> Fit:
    """Find how the arrays depend on the parameters, over the values that the points have.

    Compiles every parameter at its lowest and highest value and verifies it by a third, then
    verifies two of the points in which several parameters are changed. A parameter that is the
    discount rate (`rating`; the compiled arrays then hold their money) is verified at one value.
    """
    return _Fitting(base, parameters, points, compile_points, rating).fit()


@dataclass
class _Fitting:
    base: Snapshot
    parameters: Sequence[Parameter]
    points: Sequence[Point]
    ask: Compile
    rating: Rating | None
    compilations: int = 0
    rebuilt: dict[int, str] = field(default_factory=dict)
    known: dict[tuple[tuple[int, Any], ...], Difference | None] = field(default_factory=dict)

    def compile(self, points: Sequence[dict[int, Any]]) -> list[Difference | None]:
        """Compile points given by the parameters that they change; each one once."""
        keys = [tuple(sorted(p.items())) for p in points]
        new = [k for k in dict.fromkeys(keys) if k not in self.known]
        full = [self._point(dict(k)) for k in new]
        self.compilations += len(new)
        self.known.update(zip(new, self.ask(full), strict=True))
        return [self.known[k] for k in keys]

    def _known(self, points: Sequence[dict[int, Any]]) -> list[Difference]:
        """The same of points whose structure is known to be that of the base."""
        return [one for one in self.compile(points) if one is not None]

    def _point(self, values: Mapping[int, Any]) -> Point:
        return point_of(len(self.parameters), values)

    def fit(self) -> Fit:
        if self.rating and not self._rate_holds(self.rating):
            self.rating = None
        lines = self._lines()
        affine = self._model(lines, [])
        joint = self._joint(lines)
        if joint:
            affine, lines = self._verified(affine, lines, joint)
        return Fit(affine, self.rebuilt, self.compilations)

    def _values(self, n: int) -> list[Any]:
        return list(dict.fromkeys(p[n] for p in self.points if p[n] is not None))

    def _rate_holds(self, rating: Rating) -> bool:
        """Whether the arrays at the rate that is farthest off are what they should be."""
        n = rating.at
        values = [float(v) for v in self._values(n)]
        if not values:
            return False
        neutral = self.parameters[n].neutral or 0.0
        value = max(values, key=lambda v: abs(v - neutral))
        error = self._model([], []).error(self._point({n: value}), self.compile([{n: value}])[0])
        return error <= TOLERANCE

    def _is_rate(self, n: int) -> bool:
        return self.rating is not None and n == self.rating.at

    def _lines(self) -> list[Line]:
        candidates: list[Line] = []
        third: dict[int, float] = {}
        for n, parameter in enumerate(self.parameters):
            values = self._values(n)
            if not values or self._is_rate(n):
                continue
            if not parameter.is_continuous:
                self.rebuilt[n] = say("not a continuous figure")
                continue
            ordered = sorted(float(v) for v in values)
            candidates.append(Line(n, ordered[0], ordered[-1]))
            neutral = parameter.neutral
            if len(ordered) > 2 and (neutral is None or neutral in (ordered[0], ordered[-1])):
                third[n] = ordered[len(ordered) // 2]
        asked = [{c.parameter: v} for c in candidates for v in (c.low, c.high)]
        asked += [{n: v} for n, v in third.items()]
        self.compile(asked)
        lines = []
        for line in candidates:
            wrong = self._why_not(
                line, third.get(line.parameter), len(self._values(line.parameter))
            )
            if wrong:
                self.rebuilt[line.parameter] = wrong
            else:
                lines.append(line)
        return lines

    def _why_not(self, line: Line, third: float | None, values: int) -> str:
        n = line.parameter
        ends = self.compile([{n: line.low}, {n: line.high}])
        if any(end is None for end in ends):
            return say("it changes the structure")
        if values <= 2:
            return ""
        alone = self._model([line], [])
        if third is None:
            point = self._point({n: self.parameters[n].neutral})
            there = difference(self.base, self.base)
        else:
            point, there = self._point({n: third}), self.compile([{n: third}])[0]
        error = alone.error(point, there)
        return "" if error <= TOLERANCE else say("the arrays are not affine in it")

    def _model(self, lines: Sequence[Line], pairs: Sequence[tuple[int, int]]) -> Affine:
        parts: list[Difference] = []
        for line in lines:
            n = line.parameter
            parts += self._known([{n: line.low}, {n: line.high}])
        for i, j in pairs:
            for corner in self._corners(lines[i], lines[j]):
                both, *alone = self._known([corner, *({n: v} for n, v in corner.items())])
                parts.append(joint_part(both, alone, self.base))
        return Affine(self.base, lines, pairs, parts, self.rating)

    def _corners(self, a: Line, b: Line) -> list[dict[int, Any]]:
        return [{a.parameter: v, b.parameter: w} for v in (a.low, a.high) for w in (b.low, b.high)]

    def _joint(self, lines: Sequence[Line]) -> list[Point]:
        """Two points in which several lines are changed: those with the largest changes."""
        kept = {line.parameter: line for line in lines}
        best: list[tuple[int, float, Point]] = []
        for point in self.points:
            moved = [
                n for n, v in enumerate(point) if v is not None and (n in kept or self._is_rate(n))
            ]
            if len(moved) >= 2:
                only = tuple(v if n in moved else None for n, v in enumerate(point))
                far = sum(abs(kept[n].share(float(point[n])) - 0.47) for n in moved if n in kept)
                best.append((len(moved), far, only))
        best.sort(key=lambda b: b[:2], reverse=True)
        return [p for _, _, p in (best[:1] + best[len(best) // 2 :][:1])]

    def _verified(
        self, affine: Affine, lines: list[Line], joint: list[Point]
    ) -> tuple[Affine, list[Line]]:
        """The model with the pairs that meet; parameters that cannot be verified are left out."""
        if self._holds(affine, joint):
            return affine, lines
        pairs = self._meeting(lines)
        usable = 0 < len(pairs) <= _MOST_PAIRS and all(
            c is not None for i, j in pairs for c in self.compile(self._corners(lines[i], lines[j]))
        )
        if usable:
            affine = self._model(lines, pairs)
            if self._holds(affine, joint):
                return affine, lines
        meeting = {lines[k].parameter for pair in pairs for k in pair}
        if not meeting:
            meeting = {line.parameter for line in lines}
        for n in meeting:
            self.rebuilt[n] = say("its effect depends on other parameters")
        kept = [line for line in lines if line.parameter not in meeting]
        affine = self._model(kept, [])
        left = self._joint(kept)
        if left and not self._holds(affine, left):
            for line in kept:
                self.rebuilt[line.parameter] = say("its effect depends on other parameters")
            return self._model([], []), []
        return affine, kept

    def _holds(self, affine: Affine, joint: Sequence[Point]) -> bool:
        asked = [{n: v for n, v in enumerate(p) if v is not None} for p in joint]
        corners = self.compile(asked)
        return all(
            affine.error(point, compiled) <= TOLERANCE
            for point, compiled in zip(joint, corners, strict=True)
        )

    def _meeting(self, lines: Sequence[Line]) -> list[tuple[int, int]]:
        """Pairs of lines that do more together than each alone, found by halving."""
        pairs: list[tuple[int, int]] = []

        def together(left: list[int], right: list[int]) -> bool:
            def at(group: list[int]) -> dict[int, Any]:
                return {lines[k].parameter: lines[k].high for k in group}

            both, one, other = self.compile([at(left + right), at(left), at(right)])
            if both is None or one is None or other is None:
                return True
            rest = joint_part(both, [one, other], self.base, TOLERANCE)
            scale = float(np.abs(self.base.forms.data).max(initial=1.0))
            return bool(rest.figures.nnz or (np.abs(rest.forms.data) > TOLERANCE * scale).any())

        def between(left: list[int], right: list[int]) -> None:
            if len(pairs) > _MOST_PAIRS or not left or not right or not together(left, right):
                return
            if len(left) == 1 and len(right) == 1:
                pairs.append((min(left[0], right[0]), max(left[0], right[0])))
                return
            if len(left) >= len(right):
                half = len(left) // 2
                between(left[:half], right)
                between(left[half:], right)
            else:
                half = len(right) // 2
                between(left, right[:half])
                between(left, right[half:])

        def within(group: list[int]) -> None:
            if len(group) < 2:
                return
            half = len(group) // 2
            between(group[:half], group[half:])
            within(group[:half])
            within(group[half:])

        within(list(range(len(lines))))
        return sorted(pairs)
