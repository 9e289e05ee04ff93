"""The price sheet of a unit: its inputs and outputs at the plan's shadow prices, and its own money.

In the LP with the decisions fixed, c_j − Σ_i a_ij·y_i is the reduced cost d_j of a column. Summed
over the columns x_j of one unit (activity, intake, built, size),

    Σ_j (Σ_i a_ij·y_i − c_j)·x_j = −Σ_j d_j·x_j

The left side are the parts of the sheet: what its outputs are worth where it stands, less its
inputs, processing, fixed and capital costs, emission charges, and what it uses of emission limits
and of the budget, and adds to synergies. The right side is minus the reduced cost of building it.
Rows that hold columns of this unit alone (capacity, mix) add nothing for a candidate; those of an
existing unit add up to minus the rent of its capacity.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from circflow.algebra.build import discount, for_synergy, objective_terms, weights
from circflow.algebra.terms import CONSTANT
from circflow.data.coded import Floats
from circflow.data.result import stacked
from circflow.data.scenario import MILLION, Scenario
from circflow.i18n import mark, say
from circflow.solution.solution import Solution
from circflow.studies.units.candidates import Bench, Plan
from circflow.studies.units.carriage import carriage

COLUMNS = [
    "unit",
    "item",
    "material",
    "period",
    "amount_per_year",
    "unit_of_measure",
    "price",
    "million",
    "market_price",
    "market_price_of",
    "market_million",
]
_UNIT_VARIABLES = ("activity", "intake", "built", "extra_capacity", "running")
_RULES = mark("rules between candidates")
_PARTS = {
    "emission_limits": mark("room under emission limits"),
    "synergy": "synergies",
    "budget": mark("room in the budget"),
    "emissions": "emissions",
}
"""Limits by their part of reduced costs; all others are rules between candidates."""
_CHARGED = "emissions"
"""What is paid for emissions above a limit: of the part of the row, and of the item."""
INTERNAL = mark("internal price")
SOLD = mark("sold in the plan")
"""Of goods that have no market price."""
_SCARCE = [_RULES, _PARTS["emission_limits"], _PARTS["budget"]]
"""What nobody pays for in money."""


def price_sheet(
    bench: Bench, plan: Plan, solution: Solution, unit: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The price sheet of a unit in a plan with shadow prices, and what follows from it (million,
    discounted, at today's money).

    Columns as in `COLUMNS`; `million` at internal prices adds up to the profit. The reduced cost is
    minus the profit (candidates), read from the solver, or minus rent plus fixed cost; the rent is
    what its capacity earns before fixed and capital cost.
    """
    outcome, program = plan.outcome, bench.program
    assert outcome.row_dual is not None and outcome.reduced_cost is not None
    label = _unit_columns(bench, unit)
    columns = label["place"].to_numpy(np.intp)
    x = plan.x[columns]
    block = program.matrix[:, columns]
    counts = np.diff(program.matrix.tocsr().indptr)
    entries = block.tocoo()
    held_here = np.bincount(entries.row, minlength=program.shape[0])
    shared = held_here < counts
    worth = entries.data * x[entries.col] * outcome.row_dual[entries.row]
    rows = _row_names(bench)
    table = pd.DataFrame(
        {
            "row": entries.row,
            "amount": entries.data * x[entries.col],
            "million": worth,
            "period": label["period"].to_numpy(object)[entries.col],
        }
    )
    table = table[shared[entries.row]].merge(rows, on="row", how="left")
    goods = _materials(bench, table, unit)
    table["charged"] = table["row"].map(_penalised(bench, plan)).fillna(0.0)
    parts = [goods, _others(table, unit), _money_parts(bench, plan, unit)]
    full = stacked(parts).reindex(columns=COLUMNS).astype({"million": float})
    full = _at_market(bench.scenario, solution, full)
    priced = full[full["item"].isin(["output", "input"])]
    priced = priced[priced["market_price_of"] != INTERNAL]  # that price stands at the unit's gate
    way = carriage(bench, plan, unit, priced)
    full = stacked([full, way.assign(million=0.0)]).reindex(columns=COLUMNS)
    alone = ~shared[entries.row]
    rent = -float(worth[alone].sum())
    fixed = float(full["million"][full["item"] == "fixed (always)"].sum())
    reduced = float(outcome.reduced_cost[columns] @ x) - rent - fixed
    rank = full["item"].map({"output": 0, "input": 1}).fillna(2).to_numpy()
    full = full.iloc[np.argsort(rank, kind="stable")].reset_index(drop=True)
    return full, {
        "profit_million": float(full["million"].sum()),
        "reduced_cost_million": reduced,
        "capacity_rent_million": table_rent(bench, plan, unit),
    }


def table_rent(bench: Bench, plan: Plan, unit: str) -> float:
    """Worth of the capacity that a unit uses: the dual of its capacity rows times its load."""
    dual = plan.outcome.row_dual
    assert dual is not None
    label = bench.places("activity")
    label = label[label["unit"] == unit]
    load = {
        str(p): float(g["capacity_use"].to_numpy(float) @ plan.x[g["place"].to_numpy(np.intp)])
        for p, g in label.groupby("period")
    }
    limits = bench.m.of_part("capacity", "min_load")
    families = [bench.compiled.families[limit.name] for limit in limits]
    rows = [(*key, row) for f in families for key, row in zip(f.keys, f.rows, strict=True)]
    return -sum(float(dual[r]) * load.get(str(t), 0.0) for name, t, r in rows if name == unit)


def _unit_columns(bench: Bench, unit: str) -> pd.DataFrame:
    every = pd.concat([bench.places(name) for name in _UNIT_VARIABLES])
    return every[["period", "place"]][every["unit"] == unit].reset_index(drop=True)


def _row_names(bench: Bench) -> pd.DataFrame:
    """row, part, and for the balances material, of every row of the programme."""
    part, material = np.full((2, bench.program.shape[0]), None, dtype=object)
    for name, limit in bench.m.limits.items():
        part[bench.compiled.families[name].rows] = limit.part
    balance = bench.compiled.families["material_balance"]
    codes = bench.scenario.codes
    material[balance.rows] = codes.names("material", balance.items["material"])
    return pd.DataFrame({"row": range(len(part)), "part": part, "material": material})


def _materials(bench: Bench, table: pd.DataFrame, unit: str) -> pd.DataFrame:
    rows = table[table["material"].notna()]
    rows = rows.groupby(["material", "period"], sort=False)[["amount", "million"]].sum()
    rows = rows.reset_index()
    rows = rows[rows["amount"] != 0.0]
    weight = bench.scenario.weights_of(rows["period"]) * weights(bench.scenario).value
    amount = rows["amount"].to_numpy(float)
    return pd.DataFrame(
        {
            "unit": unit,
            "item": np.where(amount > 0.0, "output", "input"),
            "material": rows["material"].to_numpy(object),
            "period": rows["period"].to_numpy(object),
            "amount_per_year": amount,
            "unit_of_measure": rows["material"].map(bench.scenario.unit_of_measure),
            "price": rows["million"].to_numpy(float) / amount / weight * MILLION,
            "million": rows["million"].to_numpy(float),
        }
    )


def _others(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    rows = table[table["material"].isna()]
    paid = rows[rows["charged"] > 0.0]
    paid = paid.assign(part=_CHARGED, million=paid["million"] * paid["charged"])
    rows = rows.assign(million=rows["million"] * (1.0 - rows["charged"]))
    rows = pd.concat([rows, paid], ignore_index=True) if len(paid) else rows
    return _summed(rows.assign(item=rows["part"].map(_PARTS).fillna(_RULES)), unit)


def _summed(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Rows of a unit's sheet that are of no material: a sum for each item and period."""
    sums = rows.groupby(["item", "period"], sort=False)["million"].sum()
    table = sums.reset_index().assign(unit=unit, material=None)
    kept: pd.DataFrame = table[table["million"] != 0.0]
    return kept


def _penalised(bench: Bench, plan: Plan) -> dict[int, float]:
    """Rows of emission limits above which the plan emits, and pays; the share of what is emitted
    that is above."""
    over = bench.m["excess"].frame
    excess = bench.amounts(over["column"], plan.x)
    names = zip(over["row"], over["period"], strict=True)
    above = {name: e for name, e in zip(names, excess.tolist(), strict=True) if e > 0.0}
    limits = bench.compiled.families["emission_limit"]
    named = zip(limits.keys, limits.rows, strict=True)
    places = {int(row): above[tuple(key)] for key, row in named if tuple(key) in above}
    held = bench.program.matrix.tocsr()[list(places)] @ plan.x if places else []
    return {row: e / (e + float(h)) for (row, e), h in zip(places.items(), held, strict=True)}


def _money_parts(bench: Bench, plan: Plan, unit: str) -> pd.DataFrame:
    """The objective's own terms on the unit's columns, and the fixed cost of an existing unit."""
    m, goal = bench.m, weights(bench.scenario)
    factor = np.where(for_synergy(m)[m.money["money"]], goal.synergy, goal.value)
    money = m.money_frame
    constant = (money["column"] == CONSTANT) & (money["unit"] == unit)
    amount = money["coefficient"] * discount(bench.scenario, m.money) * factor
    fixed = money[["period"]].assign(item="fixed (always)", million=amount)[constant]
    money = money.assign(item=money["group"].astype(object), coefficient=amount)
    goals = objective_terms(m)
    goals = goals[~goals["part"].isin(["value", "synergy"])].assign(item=lambda rows: rows["part"])
    terms = stacked([t[["item", "period", "column", "coefficient"]] for t in (money, goals)])
    place = np.append(bench.compiled.column_of, -1)[terms["column"].to_numpy(np.intp)]
    terms = terms.assign(million=terms["coefficient"] * plan.x[place])
    of_unit = np.isin(place, _unit_columns(bench, unit)["place"])
    return _summed(stacked([fixed, terms[of_unit]], ["item", "period", "million"]), unit)


# --------------------------------------------------------------------------- market prices


def market_prices(scenario: Scenario, solution: Solution) -> pd.DataFrame:
    """What a material costs or fetches at the gate of a market: material, period, role, price, of.

    An output: the mean price of what the plan sells of it, else the highest market price, else
    minus the lowest fee of disposal (a waste). An input: the lowest price at which it can be
    bought, else what the taker of its streams pays (mean), else the mean of what is sold. Freight
    to and from the unit stands beside them (`circflow.studies.units.carriage`).
    """
    key = ["material", "period"]
    sold = _mean(solution.sales, "price")
    listed = scenario.in_force("Markets").groupby(key)["price"].max().reset_index()
    fees = scenario.in_force("Disposal")
    fees = fees[fees["material"].notna()]
    fee = fees.assign(price=-fees["fee"]).groupby(key)["price"].max().reset_index()
    bought = scenario.purchase_items.frame(scenario.codes).groupby(key)["price"].min().reset_index()
    stream = _mean(scenario.in_force("Streams"), "cost")
    ranked = {
        "output": [(sold, SOLD), (listed, "market"), (fee, say("disposal fee"))],
        "input": [(bought, "purchase"), (stream, "stream"), (sold, SOLD)],
    }
    parts = [
        t[["material", "period", "price"]].assign(role=role, of=name)
        for role, tables in ranked.items()
        for t, name in tables
    ]
    full = pd.concat(parts, ignore_index=True)
    return full.drop_duplicates(["material", "period", "role"], ignore_index=True)


def _mean(rows: pd.DataFrame, price: str) -> pd.DataFrame:
    """The mean of a price by material and period, weighed by the amounts, where there are any."""
    worth = rows.assign(worth=rows[price] * rows["amount_per_year"])
    sums = worth.groupby(["material", "period"])[["worth", "amount_per_year"]].sum()
    sums = sums[sums["amount_per_year"] > 0.0]
    return (sums["worth"] / sums["amount_per_year"]).rename("price").reset_index()


def _at_market(scenario: Scenario, solution: Solution, sheet: pd.DataFrame) -> pd.DataFrame:
    """The sheet with market prices; what has none keeps its internal price."""
    known = market_prices(scenario, solution).set_index(["material", "period", "role"])
    key = pd.MultiIndex.from_frame(sheet[["material", "period", "item"]])
    at = known.index.get_indexer(key)
    price = np.where(at >= 0, known["price"].to_numpy(float)[at] if len(known) else 0.0, np.nan)
    of = np.array([*known["of"], None], dtype=object)[at]
    goods = sheet["item"].isin(["output", "input"]).to_numpy()
    price = np.where(goods & np.isnan(price), sheet["price"].astype(float), price)
    of[goods & (at < 0)] = INTERNAL
    weight = scenario.weights_of(sheet["period"]) * weights(scenario).value
    amount = sheet["amount_per_year"].astype(float).to_numpy()
    worth = np.where(goods, amount * price * weight / MILLION, sheet["million"].to_numpy(float))
    worth = np.where(sheet["item"].isin(_SCARCE).to_numpy(), 0.0, worth)
    return sheet.assign(
        market_price=np.where(goods, price, np.nan), market_price_of=of, market_million=worth
    )


# --------------------------------------------------------------------------- own cash flow


def cash(bench: Bench, plan: Plan, unit: str, sheet: pd.DataFrame, money: str) -> dict[str, float]:
    """NPV and benefit-cost ratio of a unit's own cash flow; where it has a capex also IRR and
    discounted payback, and these with a year's money at its end (`_end`), as Excel has it.

    Timing is the plan's: the capex at the start of the period decided in, a year's money at its
    start. Where capital is charged as an annuity, it is charged in each year by the share of the
    period's years in service, beyond the lifetime too (service runs to its period's end); what is
    charged beside the instalments of the lifetime costs, and at the end of the horizon the present
    value of those that remain counts as a rest. So the NPV of this one cash flow at the
    scenario's rate is the sum of the sheet without what it uses of budgets and rules, and the IRR
    is above that rate where the NPV is above 0. Payback counts no rest: after the horizon the
    last year repeats until the end of the unit's life.
    """
    rows = sheet[~sheet["item"].isin([_RULES, _PARTS["budget"]])]
    goal = weights(bench.scenario).value or 1.0
    npv = _but_noise(float(rows[money].sum()), rows[money].to_numpy(float)) / goal
    running = rows[rows["item"] != "capital"]
    periods = bench.scenario.periods
    earned = running.groupby("period")[money].sum().to_dict()
    yearly = np.concatenate(
        [np.full(p.years, float(earned.get(p.name, 0.0)) / p.weight / goal) for p in periods]
    )
    gains = float(running[money][running[money] > 0.0].sum()) / goal
    costs = -float(rows[money][rows[money] < 0.0].sum()) / goal
    ratio = gains / costs if costs > 0.0 else np.nan
    capex = bench.capex(plan.x, unit)
    if capex <= 0.0:  # or it stands already
        return {"npv": npv, "benefit_cost": ratio}
    built = bench.standing(plan, [unit]).to_dict("records")[0]
    start, begins, life = (int(built[c]) for c in ("start", "begins", "lifetime_years"))
    rate = bench.scenario.settings.discount_rate
    horizon, over = len(yearly), begins + life
    end = max(p.start + p.years for p in periods if p.start < over)
    beyond = np.full(max(over - horizon, 0), yearly[end - 1])
    rest = 0.0
    if bench.scenario.settings.capital_charge == "annuity":
        instalment = capex * float(built["annuity"])
        for p in periods:  # charged by the share of the period's years in service
            last = p.start + p.years
            share = max(last - max(p.start, begins), 0) / p.years if p.start < over else 0.0
            yearly[p.start : last] -= instalment * share
        yearly[begins:over] += instalment
        rest = instalment * float(np.sum((1.0 + rate) ** -np.arange(len(beyond))))
    served = yearly[start:end]
    flow = np.append(served, rest)
    flow[0] -= capex
    late = np.concatenate([[-capex], served])
    late[-1] += rest
    income = np.concatenate([served, beyond])
    npv_end = float(late @ (1.0 + rate) ** -np.arange(len(late)))
    return {
        "npv": npv,
        "irr": _agreeing(irr(flow), rate, npv),
        "irr_end": _agreeing(irr(late), rate, npv_end),
        "payback_years": _payback(income, capex, rate),
        "payback_years_end": _payback(np.append(0.0, income), capex, rate) - 1.0,
        "benefit_cost": ratio,
    }


def _agreeing(root: float, rate: float, npv: float) -> float:
    """The IRR, if it is above the discount rate where the NPV is above 0; else NaN."""
    return np.nan if npv != 0.0 and (root > rate) != (npv > 0.0) else root


_NOISE = 1e-9
"""Money below this share of what it is the sum of, or stands beside, is the solver's noise."""
_TRACE = 1e-14
"""A yearly flow below this share of all is rounding."""


def _but_noise(value: float, beside: Floats) -> float:
    return value if abs(value) > _NOISE * float(np.abs(beside).max(initial=0.0)) else 0.0


def irr(flow: Floats) -> float:
    """The rate at which yearly flows, the first one today, are worth nothing; NaN if none is.

    A rate counts at which their worth falls from a gain to a loss as the rate rises; of several,
    the one nearest to 0. Gains, or losses, that are noise beside the others change no sign.
    """
    gains, losses = float(flow[flow > 0.0].sum()), -float(flow[flow < 0.0].sum())
    if min(gains, losses) <= _NOISE * max(gains, losses):
        return np.nan
    share = flow / max(gains, losses)
    last = int(np.flatnonzero(np.abs(share) > _TRACE)[-1])
    factors = np.polynomial.Polynomial(share[: last + 1])
    roots = factors.roots()
    real = roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0.0)]
    real = real[factors.deriv()(real) > 0.0]
    rates = 1.0 / real - 1.0
    return float(rates[np.argmin(np.abs(rates))]) if len(rates) else np.nan


def _payback(income: Floats, capex: float, rate: float) -> float:
    """Years until the discounted income has paid the capex; NaN if it never does."""
    total = np.cumsum(income * (1.0 + rate) ** -np.arange(len(income)))
    reached = np.flatnonzero(total >= capex)
    if not len(reached):
        return np.nan
    n = int(reached[0])
    before = float(total[n - 1]) if n else 0.0
    gained = float(total[n]) - before
    return n + ((capex - before) / gained if gained > 0.0 else 0.0)
