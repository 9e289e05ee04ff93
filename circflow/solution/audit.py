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
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from circflow.algebra.build import money_groups
from circflow.data.coded import keys_of
from circflow.data.result import Result
from circflow.data.scenario import MILLION
from circflow.i18n import say, say_n
from circflow.solution import rules
from circflow.solution.accounts import Accounts, accounts
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
from circflow.solution.keys import Floats, Names, plain
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
    solution = plain(solution)
    findings = Findings()
    books = accounts(solution)
    places = find_places(solution, books)
    balance_error = _check_balance(findings, places)
    rules.check_rules(findings, solution, books, places)
    _check_money(findings, solution, books)
    expected, gross = recomputed_objective(solution, books)
    objective_error = _check_objective(findings, solution.objective, expected, gross)
    gap = _check_proof(findings, solution, gross)
    table = findings.table()
    passed = table.empty and balance_error <= TOLERANCE and objective_error <= TOLERANCE
    return Audit(passed, balance_error, objective_error, table, gap)


def find_places(solution: Solution, books: Accounts) -> Places:
    """What enters and what leaves every place, from the amounts of the plan.

    What a journey brings is what was sent less the loss that the scenario says.
    """
    tables = solution.tables
    flows = books["flows"].rows
    sent = books["flows"].amount
    received = sent * (1.0 - flows["loss"].to_numpy(float))
    made = recipe_amounts(solution)
    taken_in = intakes(solution)
    outputs, inputs = made[made["role"] == "output"], made[made["role"] == "input"]
    entering = [
        (tables.supply, "site", tables.supply["amount_per_year"]),
        (flows, "to", received),
        (outputs, "site", outputs["amount"]),
        (tables.stockpiles, "site", tables.stockpiles["reclaimed_per_year"]),
    ]
    leaving = [
        (flows, "from", sent),
        (inputs, "site", inputs["amount"]),
        (taken_in, "site", taken_in["amount_per_year"]),
        (tables.sales, "site", tables.sales["amount_per_year"]),
        (tables.disposal, "site", tables.disposal["amount_per_year"]),
        (tables.stockpiles, "site", tables.stockpiles["added_per_year"]),
    ]
    rows, scale = _add_up(solution, entering, leaving)
    return Places(rows, scale, made)


Sources = list[tuple[pd.DataFrame, str, Any]]
"""Tables with the column that names the site, and amounts."""


def _add_up(
    solution: Solution, entering: Sources, leaving: Sources
) -> tuple[pd.DataFrame, dict[object, float]]:
    """Amounts by place, and the largest of each material; what is at an unknown place is left out
    (other checks name it)."""
    scenario = solution.scenario
    sites = Names(scenario.frame("Sites")["site"])
    materials = Names(scenario.frame("Materials")["material"])
    periods = Names(p.name for p in scenario.periods)
    sizes = (len(sites), len(materials), len(periods))
    keys, amounts = [], []
    for sources in (entering, leaving):
        codes = [
            keys_of((sites(f[site]), materials(f["material"]), periods(f["period"])), sizes)
            for f, site, _ in sources
        ]
        keys.append(np.concatenate(codes))
        amounts.append(np.concatenate([np.asarray(figures, float) for *_, figures in sources]))
    places = np.unique(np.concatenate(keys))
    places = places[places >= 0]
    sums = []
    for key, amount in zip(keys, amounts, strict=True):
        known = key >= 0
        at = np.searchsorted(places, key[known])
        sums.append(np.bincount(at, amount[known], len(places)))
    site, rest = np.divmod(places, max(sizes[1] * sizes[2], 1))
    material, period = np.divmod(rest, max(sizes[2], 1))
    rows = pd.DataFrame(
        {
            "site": sites.index.take(site),
            "material": materials.index.take(material),
            "period": periods.index.take(period),
            "entering": sums[0],
            "leaving": sums[1],
        }
    )
    largest = np.zeros(len(materials))
    np.fmax.at(largest, material, np.fmax(np.abs(sums[0]), np.abs(sums[1])))
    return rows, dict(zip(materials.index, largest.tolist(), strict=True))


def _check_balance(findings: Findings, places: Places) -> float:
    """taken + bought + outputs + received + reclaimed = inputs + sent + sold + disposed + added."""
    rows = places.rows
    if rows.empty:
        return 0.0
    entering, leaving = rows["entering"].to_numpy(float), rows["leaving"].to_numpy(float)
    floor = places.floor(rows["material"])
    findings.equal("balance", rows[["site", "material", "period"]], entering, leaving, floor)
    scale = np.maximum(np.maximum(np.abs(entering), np.abs(leaving)), floor)
    error = np.abs(entering - leaving) / np.where(scale > 0.0, scale, 1.0)
    return float(np.nan_to_num(error, nan=np.inf).max())


def _check_money(findings: Findings, solution: Solution, books: Accounts) -> None:
    """Money of every group and period: as computed from the scenario, as the money table says."""
    ours = books.money()
    table = solution.tables.money
    theirs = table.groupby(["group", "period"], sort=False)[
        ["million_per_year", "million", "discounted_million"]
    ].sum()
    both = ours.merge(
        theirs.reset_index(), on=["group", "period"], how="outer", suffixes=("", "_table")
    ).fillna(0.0)
    labels = both[["group", "period"]]
    in_period = both.groupby("period")["gross_per_year"].transform("sum").to_numpy(float)
    scale = np.maximum(both["gross_per_year"].to_numpy(float), FLOOR * in_period)
    years = {p.name: float(p.years) for p in solution.scenario.periods}
    length = pd.to_numeric(both["period"].map(years)).to_numpy(float, na_value=1.0)
    upfront = {
        p.name: float(v)
        for p, v in zip(solution.scenario.periods, books.service.upfront, strict=True)
    }
    lump = np.where(both["group"] == "capital", both["period"].map(upfront).fillna(0.0), 0.0)
    whole = scale * length + lump
    million = both["million"].to_numpy(float)
    findings.equal("money", labels, both["million_table"].to_numpy(float), million, whole)
    yearly = (both["million_per_year"].to_numpy(float), scale)
    # A lump sum has no yearly figure of its own.
    plain = lump == 0.0
    findings.equal(
        "money per year",
        labels[plain],
        both["million_per_year_table"].to_numpy(float)[plain],
        yearly[0][plain],
        yearly[1][plain],
    )
    worth, early = (
        pd.to_numeric(both["period"].map(counts)).to_numpy(float, na_value=1.0)
        for counts in (yearly_worth(solution.scenario), once(solution.scenario))
    )
    discounted = worth * both["million_per_year"].to_numpy(float) - early * lump
    findings.equal(
        "discounted money",
        labels,
        both["discounted_million"].to_numpy(float),
        discounted,
        scale * worth + lump * early,
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


def emitted_by_period(books: Accounts) -> dict[str, Floats]:
    """Tonnes per year of each pollutant, by period, everywhere."""
    count = len(books.scenario.periods)
    total: dict[str, Floats] = {}
    for ledger in books.ledgers.values():
        for pollutant, tonnes in ledger.emitted.items():
            sums = np.bincount(ledger.period, tonnes, count)
            total[pollutant] = total.get(pollutant, np.zeros(count)) + sums
    return total


def recomputed_objective(solution: Solution, books: Accounts) -> tuple[float, float]:
    """The objective in million currency, and its gross (the sum of the absolute parts)."""
    value_weight, synergy_weight, job_weight, emission_weights = goal_weights(solution)
    periods = solution.scenario.periods
    weight = yearly_worth(solution.scenario)
    worth = np.array([weight[p.name] for p in periods])
    early = np.array(list(once(solution.scenario).values()))
    money = books.money()
    of_synergy = money["group"].isin([g.name for g in money_groups() if g.goal == "synergy"])
    factor = np.where(of_synergy, synergy_weight, value_weight)
    discounted = factor * money["period"].map(weight).to_numpy(float)
    total = float((discounted * money["million_per_year"]).sum())
    gross = float(np.abs(discounted * money["gross_per_year"]).sum())
    lump = value_weight * float((books.service.upfront * early).sum())
    jobs = books.service.rows["jobs"].to_numpy(float).reshape(-1, len(periods)).sum(axis=0)
    labour = job_weight * float((jobs * worth).sum())
    total += labour - lump
    gross += abs(labour) + abs(lump)
    for pollutant, tonnes in emitted_by_period(books).items():
        part = emission_weights.get(pollutant, 0.0) / MILLION * float((tonnes * worth).sum())
        total += part
        gross += abs(part)
    return total, gross


def _check_objective(findings: Findings, found: float, expected: float, gross: float) -> float:
    """Objective of the solver against the one that follows from the plan."""
    scale = max(abs(expected), abs(found), gross, 1e-9)
    labels = pd.DataFrame({"where": ["objective"]})
    findings.equal("objective", labels, np.array([found]), np.array([expected]), scale)
    error = abs(found - expected) / scale
    return float(error) if np.isfinite(error) else float("inf")


def _check_proof(findings: Findings, solution: Solution, gross: float) -> float:
    """The gap that the plan's proof confirms; a plan that is called optimal must keep the asked."""
    proof = solution.proof
    if proof is None:
        return float("nan")
    gap = proof.confirmed_gap(solution.objective, gross)
    if solution.status == "optimal" and not gap <= proof.asked + AGREES:
        found, expected = np.array([gap]), np.array([proof.asked])
        findings.equal("proof", pd.DataFrame({"where": ["gap"]}), found, expected, 1e-300)
    return gap
