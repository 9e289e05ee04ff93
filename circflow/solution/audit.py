"""The plan checked against the scenario alone, without the model.

Everything in MODEL.md is computed again from the scenario's sheets and from the amounts in the
plan's tables: the balance of every place, every limit, the money of every group and period, and
the objective. The rest of the tables (loads, emissions, costs ...) must follow from the amounts.

Tolerance: an error counts when it is above a millionth (`TOLERANCE`) of the scale of what is
compared. The scale is the larger of the two figures that are compared and of a floor that keeps
rounding at an (almost) empty place from counting: a thousandth (`FLOOR`) of the largest figure of
its kind (for amounts, of the largest throughput of the material at any place).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.data.coded import Floats, Items, objects, stacked, take
from circflow.data.result import Result
from circflow.data.scenario import MILLION
from circflow.i18n import say, say_n
from circflow.solution import rules
from circflow.solution.accounts import PLACE, Accounts, accounts
from circflow.solution.calendar import once
from circflow.solution.calendar import yearly as yearly_worth
from circflow.solution.findings import (
    FLOOR,
    TOLERANCE,
    Findings,
    Places,
    intakes,
    recipe_amounts,
)
from circflow.solution.keys import CodedPlan, side_by_side
from circflow.solution.proof import AGREES

if TYPE_CHECKING:
    from circflow.solution.solution import Solution


@dataclass(frozen=True, repr=False)
class Audit(Result):
    """What the audit found.

    `balance_error`: largest relative error of any (site, material, period) balance;
    `objective_error`: relative error of the objective; `confirmed_gap`: how far, as a share, a
    better plan could be above this one, as far as the audit could prove itself (infinite where it
    could prove nothing, NaN where the plan came without a proof).

    `findings`: check, where, period, expected, found (in the unit of what is checked), error
    (relative), one record for everything that is wrong, the worst of each check first; empty in
    a plan that passes.
    """

    passed: bool
    balance_error: float
    objective_error: float
    findings: pd.DataFrame = field(repr=False)
    confirmed_gap: float = np.nan

    @property
    def headline(self) -> str:
        if self.passed:
            return say("passed")
        return say_n("failed: {n:,} finding", "failed: {n:,} findings", len(self.findings))


def audit(solution: Solution) -> Audit:
    """Check a plan against its scenario.

    Raises nothing on a wrong plan: what is wrong stands in `findings`.
    """
    books = accounts(solution)
    findings = Findings(books.plan.codes)
    places = find_places(books)
    balance_error = _check_balance(findings, places)
    rules.check_rules(findings, solution, books, places)
    _check_money(findings, books)
    expected, gross = recomputed_objective(solution, books)
    objective_error = _check_objective(findings, solution.objective, expected, gross)
    gap = _check_proof(findings, solution, gross)
    table = findings.table()
    passed = table.empty and balance_error <= TOLERANCE and objective_error <= TOLERANCE
    return Audit(passed, balance_error, objective_error, table, gap)


def find_places(books: Accounts) -> Places:
    """What enters and what leaves every place, from the amounts of the plan.

    What a journey brings is what was sent less the loss that the scenario says.
    """
    plan, flows = books.plan, books["flows"].items
    sent = flows["sent_per_year"]
    fixed = recipe_amounts(plan)
    outputs, inputs = (
        fixed.take(fixed["role"] == plan.code("role", role)) for role in ("output", "input")
    )
    entering = [
        _amounts(plan["supply"], "amount_per_year"),
        _amounts(flows, sent * (1.0 - flows["loss"]), "to"),
        _amounts(outputs, "amount"),
        _amounts(plan["stockpiles"], "reclaimed_per_year"),
    ]
    leaving = [
        _amounts(flows, sent, "from"),
        _amounts(inputs, "amount"),
        _amounts(intakes(plan), "amount_per_year"),
        _amounts(plan["sales"], "amount_per_year"),
        _amounts(plan["disposal"], "amount_per_year"),
        _amounts(plan["stockpiles"], "added_per_year"),
    ]
    sides = [_listed(plan, stacked(side, *PLACE, "amount")) for side in (entering, leaving)]
    rows, (enters, leaves) = side_by_side(
        sides[0], [sides[0]["amount"]], sides[1], [sides[1]["amount"]], PLACE
    )
    scale = np.zeros(plan.sizes["material"])
    np.fmax.at(scale, rows["material"], np.fmax(np.abs(enters), np.abs(leaves)))
    return Places(rows.plus(entering=enters, leaving=leaves), scale, fixed)


def _amounts(rows: Items, amount: str | Floats, site: str = "site") -> Items:
    """Amounts by place, from a table with the column that names the site."""
    figures = rows[amount] if isinstance(amount, str) else amount
    return rows.renamed(site=site).only(*PLACE).plus(amount=figures)


def _listed(plan: CodedPlan, rows: Items) -> Items:
    """Without what is at an unknown place: other checks name it."""
    return rows.take(np.all([plan.listed(n, rows[n]) >= 0 for n in PLACE], axis=0))


def _check_balance(findings: Findings, places: Places) -> float:
    """taken + bought + outputs + received + reclaimed = inputs + sent + sold + disposed + added."""
    rows = places.rows
    floor = places.floor(rows["material"])
    return findings.equal("balance", rows.only(*PLACE), rows["entering"], rows["leaving"], floor)


def _check_money(findings: Findings, books: Accounts) -> None:
    """Money of every group and period: as computed from the scenario, as the money table says."""
    ours, table, codes = books.money(), books.plan["money"], books.plan.codes
    names = ("million_per_year", "million", "gross_per_year")
    shown = ("million_per_year", "million", "discounted_million")
    rows, (yearly, million, gross, yearly_shown, million_shown, discounted_shown) = side_by_side(
        ours, [ours[n] for n in names], table, [table[n] for n in shown], ("group", "period")
    )
    group, period = rows["group"], books.plan.listed("period", rows["period"])
    in_period = np.bincount(period + 1, gross, books.plan.sizes["period"] + 1)[period + 1]
    scale = np.maximum(gross, FLOOR * in_period)
    scenario = books.scenario
    length = take(np.array([p.years for p in scenario.periods]), period, 1.0)
    upfront = take(books.service.upfront, period)
    lump = np.where(group == codes.known("group", "capital"), upfront, 0.0)
    findings.equal("money", rows, million_shown, million, scale * length + lump)
    # A lump sum has no yearly figure of its own.
    plain = lump == 0.0
    findings.equal(
        "money per year", rows.take(plain), yearly_shown[plain], yearly[plain], scale[plain]
    )
    worth, early = (
        take(counts, period, 1.0) for counts in (yearly_worth(scenario), once(scenario))
    )
    discounted = worth * yearly - early * lump
    findings.equal(
        "discounted money", rows, discounted_shown, discounted, scale * worth + lump * early
    )


def goal_weights(solution: Solution) -> tuple[float, float, float, dict[str, float]]:
    """Weights of value, synergy, jobs and of every pollutant (the sheet Goals)."""
    goals = solution.scenario.frame("Goals")
    listed = {str(g).strip(): float(w) for g, w in zip(goals["goal"], goals["weight"], strict=True)}
    emission = {
        name.split(":", 1)[1].strip(): weight
        for name, weight in listed.items()
        if name.startswith("emission:")
    }
    plain = (listed.get("value", 1.0), listed.get("synergy", 1.0), listed.get("jobs", 0.0))
    return (*plain, emission)


def recomputed_objective(solution: Solution, books: Accounts) -> tuple[float, float]:
    """The objective in million currency, and its gross (the sum of the absolute parts)."""
    value_weight, synergy_weight, job_weight, emission_weights = goal_weights(solution)
    periods = solution.scenario.periods
    worth, early = yearly_worth(solution.scenario), once(solution.scenario)
    money, codes = books.money(), books.plan.codes
    synergies = codes.of("group", [g.name for g in money_groups() if g.goal == "synergy"])
    factor = np.where(np.isin(money["group"], synergies), synergy_weight, value_weight)
    discounted = factor * worth[money["period"]]
    total = float((discounted * money["million_per_year"]).sum())
    gross = float(np.abs(discounted * money["gross_per_year"]).sum())
    lump = value_weight * float((books.service.upfront * early).sum())
    jobs = books.service.rows["jobs"].reshape(-1, len(periods)).sum(axis=0)
    labour = job_weight * float((jobs * worth).sum())
    total += labour - lump
    gross += abs(labour) + abs(lump)
    emitted = books.emitted
    tonnes = emitted["tonnes"] * worth[emitted["period"]]
    for pollutant, goal in emission_weights.items():
        chosen = emitted["pollutant"] == codes.known("pollutant", pollutant)
        part = goal / MILLION * float(tonnes[chosen].sum())
        total += part
        gross += abs(part)
    return total, gross


def _check_objective(findings: Findings, objective: float, expected: float, gross: float) -> float:
    """Objective of the solver against the one that follows from the plan."""
    scale = max(abs(expected), abs(objective), gross, 1e-9)
    labels = Items({"where": objects(["objective"])})
    found = np.array([objective])
    return findings.equal("objective", labels, found, np.array([expected]), scale)


def _check_proof(findings: Findings, solution: Solution, gross: float) -> float:
    """The gap that the plan's proof confirms; a plan that is called optimal must keep the asked."""
    proof = solution.proof
    if proof is None:
        return float("nan")
    gap = proof.confirmed_gap(solution.objective, gross)
    if solution.status == "optimal" and not gap <= proof.asked + AGREES:
        found, expected = np.array([gap]), np.array([proof.asked])
        findings.equal("proof", Items({"where": objects(["gap"])}), found, expected, 1e-300)
    return gap
